"""What a student has solved, kept in a small file on their own machine; nobody else reads it.

The file is named by the environment variable LR_COURSE_PROGRESS (empty: keep none); without it, it
lies in the user's data folder. Losing it costs a table, so trouble with it is said in a line and
stops no check.
"""

import copy
import html
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib import exercises

STALE = (
    3.0  # seconds after which a lock's owner must have been killed: it holds it for milliseconds
)
_memory: dict[str, dict[str, Any]] = {}  # where no file is kept: gone with the kernel
_said: set[str] = set()


def place() -> Path | None:
    """The file, or None where none is kept."""
    named = os.environ.get("LR_COURSE_PROGRESS")
    if named == "" or os.environ.get("NBGRADER_EXECUTION"):
        return None
    if named:
        return Path(named)
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home
        return None
    if sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    else:
        folder = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return folder / "lr-course" / "progress.json"


def record(id: str, *, solved: bool, answer: str = "") -> int:
    """Note a try at an exercise; returns how many different answers have failed in a row.

    `answer` is a digest of what was tried: running a check again on the same one is no new try.
    """

    def note(entries: dict[str, dict[str, Any]]) -> None:
        entry = entries.setdefault(id, {"solved": False, "failed": 0, "answer": ""})
        if solved:
            entry.update(solved=True, failed=0, answer="")
        elif entry["answer"] != answer or not answer:
            entry.update(failed=entry["failed"] + 1, answer=answer)

    return _change(note)[id]["failed"]


def touch(id: str) -> None:
    """Note that an exercise was tried, and nothing else."""
    _change(lambda found: found.setdefault(id, {"solved": False, "failed": 0, "answer": ""}))


def line(id: str) -> str:
    """How far the student is, in a line; empty where no progress is kept."""
    if place() is None:
        return ""
    lesson, rows = exercises.course()[id].lesson, _rows(_read(place()))
    solved, count = next((row["solved"], row["count"]) for row in rows if row["lesson"] == lesson)
    everything = sum(row["solved"] for row in rows), sum(row["count"] for row in rows)
    return (
        f"Lesson {int(lesson[:2])}: {solved} of {count} exercises solved, "
        f"course: {everything[0]} of {everything[1]}"
    )


def progress(reset: bool = False) -> "Progress":
    """What is solved, lesson by lesson; `reset=True` forgets all of it."""
    path = place()
    if reset:
        _change(lambda entries: entries.clear())
    return Progress(_rows(_read(path)), path)


class Progress:
    """A table of the lessons, as HTML in a notebook, as text elsewhere."""

    def __init__(self, rows: list[dict[str, Any]], path: Path | None) -> None:
        self.rows = rows
        self.kept = f"Kept in {path}" if path else "Kept in memory only, until the kernel stops"

    def _table(self) -> list[list[str]]:
        rows = [["Lesson", "solved", "tried", "exercises", "points"]]
        total: dict[str, Any] = {"lesson": "course"}
        for key in ("solved", "tried", "count", "earned", "points"):
            total[key] = sum(row[key] for row in self.rows)
        for row in [*self.rows, total]:
            counts = [str(row[key]) for key in ("solved", "tried", "count")]
            rows.append([row["lesson"], *counts, f"{row['earned']:g} of {row['points']:g}"])
        return rows

    def __repr__(self) -> str:
        rows = self._table()
        first = max(len(row[0]) for row in rows)
        lines = [f"{row[0]:{first}}" + "".join(f"  {each:>9}" for each in row[1:]) for row in rows]
        return "\n".join([*lines, self.kept])

    def _repr_html_(self) -> str:
        head, *rows = self._table()
        cells = "".join(f"<th>{each}</th>" for each in head)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(each)}</td>" for each in row) + "</tr>"
            for row in rows
        )
        return f"<table><tr>{cells}</tr>{body}</table><p>{html.escape(self.kept)}</p>"


def _rows(entries: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for id, exercise in exercises.course().items():
        new = {"lesson": exercise.lesson, "solved": 0, "tried": 0, "count": 0}
        row = rows.setdefault(exercise.lesson, {**new, "earned": 0, "points": 0})
        solved = id in entries and entries[id]["solved"]
        row["count"] += 1
        row["points"] += exercise.points
        row["tried"] += id in entries
        row["solved"] += solved
        row["earned"] += exercise.points * solved
    return list(rows.values())


# The file


def _change(edit: Callable[[dict[str, dict[str, Any]]], Any]) -> dict[str, dict[str, Any]]:
    """Read, edit and write, with no other kernel in between; in memory where that fails."""
    path = place()
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(path):
                entries = _read(path)
                edit(entries)
                draft = path.with_name(f".{path.name}.{os.getpid()}")
                draft.write_text(json.dumps({"version": 1, "exercises": entries}, indent=1))
                os.replace(draft, path)
            _memory.clear()
            return entries
        except OSError as error:
            why = error.strerror or error
            _say(f"Your progress is not kept: {path} cannot be written ({why}).")
    edit(_memory)
    return _memory


def _read(path: Path | None) -> dict[str, dict[str, Any]]:
    if path is None:
        return _memory
    try:
        text = path.read_text()
    except OSError:
        return copy.deepcopy(_memory)  # no file yet, or none that can be read
    except UnicodeDecodeError:
        text = ""
    try:
        entries = json.loads(text)["exercises"]
        for entry in entries.values():
            kinds = [type(entry[key]) for key in ("solved", "failed", "answer")]
            if kinds != [bool, int, str]:
                raise TypeError
        return entries
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
        try:
            os.replace(path, aside)
            _say(f"Your progress could not be read and starts anew; the old file is {aside}.")
        except OSError:
            _say(f"Your progress cannot be read: {path} is damaged; move it away.")
        return {}


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock beside the file, as a file that only one can create."""
    lock = path.with_name(f".{path.name}.lock")
    started = time.monotonic()
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            try:
                if time.time() - lock.stat().st_mtime > STALE:
                    lock.unlink(missing_ok=True)
            except FileNotFoundError:
                continue  # it was let go just now
            if time.monotonic() - started > 2 * STALE:
                raise TimeoutError(f"{lock} is in the way") from None
            time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _say(text: str) -> None:
    if text not in _said:  # once: a line under every check would be a nuisance
        _said.add(text)
        print(text)
