"""What this machine offers a grader, and what to install for the rest."""

import importlib.util
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_lib.grade.walls.sandbox import detect, exposed, why_not

Line = tuple[str, bool, str]
PACKAGES = ("torch", "tensorflow", "keras", "IPython", "nbgrader", "distributed", "psutil")
MEANING = {
    "namespaces": "bubblewrap, landlock and seccomp: submissions of strangers can be graded",
    "process": "landlock and seccomp without bubblewrap: weaker, see above what is missing",
    "none": "no walls at all: grade only what you would run yourself",
}


def report() -> list[Line]:
    """A line for each thing: its name, whether it is as it should be, and words."""
    good = sys.version_info >= (3, 11)
    lines: list[Line] = [
        ("Python", good, platform.python_version() + ("" if good else ": needs 3.11 or newer")),
        ("platform", sys.platform == "linux", platform.platform()),
        _bubblewrap(),
        _user_namespaces(),
        _landlock(),
        _seccomp(),
        *map(_package, PACKAGES),
    ]
    for level in ("process", "namespaces"):
        reason = why_not(level)
        lines.append((f"level {level}", not reason, reason or "works: it was tried"))
    level = detect()
    course = Path(__file__).parents[2]
    if (course / "solutions").is_dir() and (folder := exposed(course / "solutions", level, None)):
        words = f"in {folder}, which every submission can read: move the course to another place"
        lines.append(("solutions", False, words))
    return [*lines, ("isolation", level == "namespaces", f"{level}: {MEANING[level]}")]


def _bubblewrap() -> Line:
    if not shutil.which("bwrap"):
        return "bubblewrap", False, "not installed: apt install bubblewrap"
    found = subprocess.run(["bwrap", "--version"], capture_output=True, text=True)
    return "bubblewrap", found.returncode == 0, (found.stdout or found.stderr).strip()


def _user_namespaces() -> Line:
    allowed = None
    with suppress(OSError, ValueError):
        allowed = int(Path("/proc/sys/user/max_user_namespaces").read_text())
    words = "none: set the kernel's user.max_user_namespaces above 0"
    return "user namespaces", bool(allowed), f"at most {allowed}" if allowed else words


def _landlock() -> Line:
    try:
        from landlock import landlock_abi_version

        return "landlock", True, f"version {landlock_abi_version()} of its interface"
    except ImportError:
        return "landlock", False, "not installed: pip install 'lr-course[grade]'"
    except Exception as error:
        words = str(error).splitlines()[0]
        return "landlock", False, f"the kernel does not offer it: {words}"


def _seccomp() -> Line:
    try:
        import pyseccomp

        return "seccomp", True, f"version {pyseccomp.get_api()} of libseccomp's interface"
    except ImportError:
        return "seccomp", False, "not installed: pip install 'lr-course[grade]'"
    except RuntimeError as error:
        return "seccomp", False, f"{error}: apt install libseccomp2"


def _package(name: str) -> Line:
    if importlib.util.find_spec(name) is None:
        return name, False, "not installed: pip install 'lr-course[grade]'"
    try:
        return name, True, version(name)
    except PackageNotFoundError:
        return name, True, "of unknown version"
