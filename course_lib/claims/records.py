"""Records: one file of text per experiment, one line of JSON per finished run."""

import json
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORDS = Path(__file__).parents[2] / "records"

Line = dict[str, Any]


def read(name: str, folder: Path = RECORDS) -> list[Line]:
    """The lines of an experiment's record, in the order they were written; none if it has none."""
    path = folder / f"{name}.jsonl"
    if not path.exists():
        return []
    lines = []
    for text in path.read_text().splitlines(keepends=True):
        if text.endswith("\n"):  # else its writer was killed in the middle: that run counts not
            lines.append(json.loads(text))
    return lines


def append(name: str, line: Line, folder: Path = RECORDS) -> None:
    """Add a run, in one write at the file's end: of two commands at once neither loses a line."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        whole = path.read_bytes()
        with open(path, "rb+") as file:  # what a killed writer began
            file.truncate(whole.rfind(b"\n") + 1)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, (json.dumps(line) + "\n").encode())
    finally:
        os.close(handle)


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
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@cache  # what runs is the code that is loaded, whatever is committed meanwhile
def commit() -> str:
    """The commit the code was loaded from; "+" when files of it were changed since."""
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
