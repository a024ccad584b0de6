"""The options of `verify` and `grade` about isolation and limits, and the conditions they make."""

import argparse
import dataclasses
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.grade.walls.limits import LEVELS, MEANING, Limits

if TYPE_CHECKING:
    from course_lib.grade.examine import Conditions


def boxed() -> argparse.ArgumentParser:
    """The options that say how submissions are kept apart, and what each may use."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--allow-weak-isolation",
        action="store_true",
        help="go on where this machine cannot keep submissions from each other and from you",
    )
    options.add_argument(
        "--isolation",
        choices=[*LEVELS],
        help="at most this level of what `lr-course doctor` finds (default: the best)",
    )
    options.add_argument(
        "--data", metavar="FOLDER", help="MNIST and CIFAR-10, for submissions to read"
    )
    for field in dataclasses.fields(Limits):
        name, kind = "--" + field.name.replace("_", "-"), type(field.default)
        words = f"{MEANING[field.name]} (default: {field.default:g})"
        options.add_argument(name, type=kind, default=field.default, metavar="N", help=words)
    return options


def conditions(options: argparse.Namespace) -> "Conditions":
    """The conditions asked for; ValueError when the isolation is weak and nobody allowed that."""
    from course_lib.grade.examine import Conditions
    from course_lib.grade.walls.sandbox import detect

    # Without these every level but the weakest is refused, and there each submission would fail.
    for name in ("psutil", "IPython", *(("landlock", "pyseccomp") * (sys.platform == "linux"))):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(name=name)
    limits = Limits(**{f.name: getattr(options, f.name) for f in dataclasses.fields(Limits)})
    best, weakest_first = detect(), [*LEVELS]
    level = options.isolation or best
    if weakest_first.index(level) > weakest_first.index(best):
        raise ValueError(
            f"--isolation {level} is more than this machine offers ({best}); "
            "`lr-course doctor` says why"
        )
    if level != "namespaces" and not options.allow_weak_isolation:
        says = "was asked for" if options.isolation else "is what `lr-course doctor` finds here"
        raise ValueError(
            f"isolation {level!r} {says}: a submission could read or change what it should not. "
            "With --allow-weak-isolation it goes on all the same, for submissions that you trust"
        )
    if options.data is not None and not Path(options.data).is_dir():
        raise ValueError(f"--data must be a folder that exists, got {options.data}")
    return Conditions(limits, level, options.data)
