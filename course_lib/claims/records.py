"""Records: one file of text per experiment, one line of JSON per finished run."""

import json
import os
import platform
import subprocess
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from course_lib.files import hold

LIBRARY = Path(__file__).parents[1]
# In the repository they lie beside the library; once installed, inside of it.
INSTALLED = LIBRARY / "records"
RECORDS = INSTALLED if INSTALLED.is_dir() else LIBRARY.parent / "records"

Line = dict[str, Any]


def read(name: str, folder: Path = RECORDS) -> list[Line]:
    """The lines of an experiment's record, in the order they were written; none if it has none."""
    path = folder / f"{name}.jsonl"
    try:
        state = path.stat()
    except FileNotFoundError:
        return []
    return [dict(line) for line in _parsed(path, state.st_mtime_ns, state.st_size)]


@lru_cache(maxsize=128)  # a page of claims asks for the same record hundreds of times
def _parsed(path: Path, changed: int, size: int) -> list[Line]:
    lines = []
    for number, text in enumerate(path.read_text().splitlines(keepends=True), 1):
        if not text.endswith("\n"):  # its writer was killed in the middle: no run
            break
        try:
            lines.append(json.loads(text))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}; remove this line") from error
    return lines


def append(name: str, line: Line, folder: Path = RECORDS) -> None:
    """Add a run at the file's end: of two commands at once neither loses a line, and what a killed
    one left half written is removed."""
    text = json.dumps(line, allow_nan=False) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    with open(path, "ab+") as file:
        hold(file, wait=True)
        written = file.read()
        if not written.endswith(b"\n"):
            file.truncate(written.rfind(b"\n") + 1)
        file.write(text.encode())


def stamp(framework: str) -> Line:
    """What a run was made with: versions, processor, commit."""
    packages = ("torch",) if framework == "torch" else ("keras", "tensorflow")
    return {
        "versions": {package: version(package) for package in ("numpy", *packages)},
        "python": platform.python_version(),
        "hardware": f"{processor()}, {os.cpu_count()} cores",
        "commit": commit(),
    }


@cache
def processor() -> str:
    """The processor's name, as the machine tells it."""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@cache  # what runs is the code that is loaded, whatever is committed meanwhile
def commit() -> str:
    """The commit the code was loaded from; "+" when files of it were changed since."""
    if RECORDS == INSTALLED:  # what is committed around it is somebody else's
        return f"version {version('lr-course')}"
    try:
        git = ["git", "-C", str(RECORDS.parent)]
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
        )
        changed = subprocess.run([*git, "status", "--porcelain", "course_lib"], capture_output=True)
    except OSError:  # no git on this machine
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout else "")
