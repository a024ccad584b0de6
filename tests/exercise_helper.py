"""Run the checks of a lesson's exercises on answers of our own, right ones and wrong ones.

The checks are read from lessons/NN_name.py as they stand, hidden tests included, so that what is
tested here is what grades a student.
"""

from functools import cache
from pathlib import Path
from typing import Any

import jupytext

LESSONS = Path(__file__).parents[1] / "lessons"


@cache
def _cells(lesson_stem: str) -> list:
    return jupytext.read(LESSONS / f"{lesson_stem}.py").cells


def _code(lesson_stem: str, role: str) -> list:
    return [
        cell
        for cell in _cells(lesson_stem)
        if cell.cell_type == "code" and cell.metadata.get("tags", [None])[0] == role
    ]


@cache
def _setup(lesson_stem: str) -> dict[str, Any]:
    """What the setup cells define; run once, because they may import a framework."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in _code(lesson_stem, "setup"):
        exec(cell.source, names)
    return names


def checks(lesson_stem: str) -> dict[str, str]:
    """The source of each check cell of the lesson, by grade_id."""
    return {cell.metadata["grade_id"]: cell.source for cell in _code(lesson_stem, "check")}


def passes(lesson_stem: str, grade_id: str, **names: Any) -> None:
    """Run one check cell with these answers; it raises what a student would see."""
    exec(checks(lesson_stem)[grade_id], {**_setup(lesson_stem), **names})
