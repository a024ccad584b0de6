"""What submissions are graded under: the options of `verify` and `grade`, and what they make."""

import argparse
import importlib.util
import sys
from dataclasses import dataclass, fields
from pathlib import Path

from course_lib.grade.walls.limits import FRAMEWORKS, LEVELS, MEANING, Limits


@dataclass(frozen=True)
class Conditions:
    """What a result depends on besides the submission and the assignment."""

    limits: Limits
    level: str  # of isolation
    data: str | None = None  # folder of MNIST and CIFAR-10, readable from inside
    preload: tuple[str, ...] = FRAMEWORKS  # loaded once, for all; decides how fast, not what


def options_of_conditions() -> argparse.ArgumentParser:
    """The options that say how submissions are kept apart, and what each may use."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument(
        "--allow-weak-isolation",
        action="store_true",
        help="go on although submissions cannot be kept from each other and from your files",
    )
    options.add_argument(
        "--isolation",
        choices=[*LEVELS],
        help="a level of isolation, at most what `lr-course doctor` finds (default: that)",
    )
    options.add_argument(
        "--data", metavar="FOLDER", help="MNIST and CIFAR-10, which submissions may read"
    )
    for field in fields(Limits):
        name, kind = "--" + field.name.replace("_", "-"), type(field.default)
        words = f"{MEANING[field.name]} (default: {field.default:g})"
        options.add_argument(name, type=kind, default=field.default, metavar="N", help=words)
    return options


def asked_for(options: argparse.Namespace) -> Conditions:
    """The conditions asked for; ValueError when the isolation is weak and nobody allowed that."""
    from course_lib.grade.walls.sandbox import detect

    # Without these every level but the weakest is refused, and there each submission would fail.
    for name in ("psutil", "IPython", *(("landlock", "pyseccomp") * (sys.platform == "linux"))):
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(name=name)
    limits = Limits(**{f.name: getattr(options, f.name) for f in fields(Limits)})
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
