"""Results on disk: one small file for each notebook, whole or not there at all.

    RESULTS/students/<student>/<notebook>.json        what was earned, the same in every run
    RESULTS/students/<student>/<notebook>.run.json    seconds, memory, outputs of that run

A result is there when its file is, so an interrupted grading goes on where it was: a second run
grades what has no result under its key yet.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from course_lib.files import hold, write_whole
from course_lib.grade.intake.collect import Submission


class StoreError(OSError):
    """The results cannot be written or read; the message says where, why and what to do."""


class Store:
    """A folder of results, held by one grader at a time."""

    def __init__(self, folder: str | Path, submissions: str | Path = ""):
        self.folder, self.submissions = Path(folder), str(Path(submissions).resolve())
        self._lock: Any = None

    def __enter__(self) -> "Store":
        """Make the folder and hold it; StoreError when it cannot be written or is held already."""
        try:
            (self.folder / "students").mkdir(parents=True, exist_ok=True)
            self._lock = open(self.folder / ".lock", "a+", encoding="utf-8")
            hold(self._lock)
            self._lock.truncate()
            self._lock.write(str(os.getpid()))
            self._lock.flush()
        except BlockingIOError:
            owner = self._lock.read() or "unknown"
            self._lock.close()
            raise StoreError(
                f"{self.folder} is in use by another lr-course grade (process {owner}); "
                "wait for it or choose another folder with --out"
            ) from None
        except OSError as error:
            raise StoreError(_cannot("write into", self.folder, error)) from error
        for draft in self.folder.glob("students/*/.*.draft"):  # of a grader that was killed
            draft.unlink(missing_ok=True)
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.close()

    def path(self, submission: Submission) -> Path:
        """Where the result of this submission is kept."""
        name = submission.notebook
        if name is None:
            name = "unreadable-" + hashlib.sha256(submission.origin.encode()).hexdigest()[:8]
        elif submission.assignment not in ("", name):
            assignment = re.sub(r"[^A-Za-z0-9_-]", "_", submission.assignment)[:60]
            if assignment != submission.assignment:  # so that no two share a file
                digest = hashlib.sha256(submission.assignment.encode()).hexdigest()[:8]
                assignment = f"{assignment}-{digest}"
            name = f"{assignment}.{name}"
        return self.folder / "students" / submission.student / f"{name}.json"

    def result(self, submission: Submission) -> dict[str, Any] | None:
        """The result of this submission, if there is one."""
        return read(self.path(submission))

    def has(self, submission: Submission, key: str) -> bool:
        """Whether this content has been graded already, under the same conditions. Where the file
        lies now is written down."""
        result = self.result(submission)
        if result is None or result["key"] != key or result["status"] == "failed":
            return False
        if result.get("origin") != submission.origin:
            _write(self.path(submission), {**result, "origin": submission.origin})
        return True

    def save(
        self, submission: Submission, result: Mapping[str, Any], run: Mapping[str, Any]
    ) -> None:
        """Write both files, the result last."""
        path = self.path(submission)
        try:
            path.parent.mkdir(exist_ok=True)
            _write(path.with_suffix(".run.json"), {**run, "submissions": self.submissions})
            _write(path, result)
        except OSError as error:
            raise StoreError(
                _cannot("write", path, error) + "; what is graded is kept: fix it and run again"
            ) from error

    def forget_unreadable(self, submissions: Iterable[Submission]) -> None:
        """Drop the rows about files of these students that were unreadable and are so no longer;
        what lay among other submissions, another week's say, is not known to be mended."""
        kept = {self.path(each) for each in submissions}
        for student in {path.parent for path in kept}:
            for run in student.glob("unreadable-*.run.json"):
                path = run.with_suffix("").with_suffix(".json")
                here = (read(run) or {}).get("submissions") == self.submissions
                if here and path not in kept:
                    path.unlink(missing_ok=True)
                    run.unlink()


def paths(folder: str | Path) -> list[Path]:
    """The file of every result in a folder of results, in the order of students."""
    root = Path(folder) / "students"
    if not root.is_dir():
        raise StoreError(f"{folder} holds no results (no folder students/); grade into it first")
    return sorted(path for path in root.glob("*/*.json") if not path.name.endswith(".run.json"))


def results(folder: str | Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every result in a folder of results, with its file. Raises StoreError for a file that holds
    none: without it, a student would be missing from every table."""
    for path in paths(folder):
        if (result := read(path)) is None:
            raise StoreError(
                f"{path} is not a result (edited? copied in part?): run `lr-course grade` again, "
                "or delete it"
            )
        yield path, result


def read(path: Path) -> dict[str, Any] | None:
    """The JSON object in this file; None when there is none, or only a part of one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "key" in found else None


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_whole(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=True) + "\n")


def _cannot(verb: str, path: Path, error: OSError) -> str:
    return f"cannot {verb} {path}: {error.strerror or error}"
