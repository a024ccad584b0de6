"""What this machine offers a grader, and what to install for the rest."""

import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_lib.grade.walls.limits import LEVELS
from course_lib.grade.walls.sandbox import detect, exposed, why_not

Line = tuple[str, bool, str]
PACKAGES = ("torch", "tensorflow", "keras", "IPython", "nbgrader", "distributed", "psutil")
LOCKS = ("landlock", "pyseccomp")


def report() -> list[Line]:
    """A line for each thing: its name, whether it is as it should be, and words."""
    lines: list[Line] = [
        ("Python", True, platform.python_version()),
        ("platform", sys.platform == "linux", platform.platform()),
        _bubblewrap(),
        *map(_package, (*PACKAGES, *LOCKS * (sys.platform == "linux"))),
    ]
    for level in ("process", "namespaces"):
        reason = why_not(level)
        lines.append((f"level {level}", not reason, reason or "works: it was tried"))
    level = detect()
    course = Path(__file__).parents[2]
    if (course / "solutions").is_dir() and (folder := exposed(course / "solutions", level, None)):
        words = f"in {folder}, which every submission can read: move the course to another place"
        lines.append(("solutions", False, words))
    return [*lines, ("isolation", level == "namespaces", f"{level}: {LEVELS[level]}")]


def _bubblewrap() -> Line:
    if not shutil.which("bwrap"):
        return "bubblewrap", False, "not installed: apt install bubblewrap"
    found = subprocess.run(["bwrap", "--version"], capture_output=True, text=True)
    return "bubblewrap", found.returncode == 0, (found.stdout or found.stderr).strip()


def _package(name: str) -> Line:
    try:
        return name, True, version(name)
    except PackageNotFoundError:
        return name, False, "not installed; in the clone of the course: pip install '.[grade]'"
