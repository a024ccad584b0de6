"""Assignments: what a notebook of `solutions/` hands out, what it asks and what it pays.

Everything that decides a score is read from here. Check cells are parsed, never executed.
"""

import ast
import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from course_lib.exercises import Group, course, hidden_groups
from course_lib.grade.intake.notebook import STUBS, Cell, checks_in, read_notebook
from course_lib.questions.calls import Probe
from course_lib.questions.values import TOLERANCE

HEADING = re.compile(
    r"^#+[ \t]+(?:Exercise[ \t]+)?(?:(?P<id>\d+(?:\.\d+)*)[ \t]*[-:.]?[ \t]+)?(?P<title>.+?)"
    r"(?:[ \t]*\([^()\n]*\))?[ \t]*$",
    re.MULTILINE,
)


class AssignmentError(ValueError):
    """A notebook of solutions/ cannot be graded with; says which file, which cell and why."""


@dataclass(frozen=True)
class Question:
    """What earns points: a function that is called, or, without a name, a text for a person."""

    grade_id: str
    exercise: str  # "1.1", or "" when it has no number
    title: str
    points: float
    answers: tuple[str, ...]  # grade ids of the cells that answer it
    name: str = ""  # of the function
    groups: tuple[Group, ...] = ()
    shown: tuple[Probe, ...] = ()
    library: tuple[str, ...] = ()  # functions of the library that are its answer
    tolerance: float = TOLERANCE

    @property
    def manual(self) -> bool:
        """Whether a person marks it."""
        return not self.name


@dataclass(frozen=True)
class AssignmentCell:
    """A cell that students have, with and without the model answer."""

    grade_id: str  # "" where there is nothing to grade or to lock
    kind: str  # given, answer, check, question (answered in words)
    cell_type: str
    source: str
    released: str
    id: str = ""  # nbformat's
    points: float = 0.0

    @property
    def runs(self) -> bool:
        """Whether it is given code, which is run from here and not from a submission."""
        return self.kind == "given" and self.cell_type == "code"


@dataclass(frozen=True)
class Assignment:
    """One notebook of exercises."""

    name: str
    cells: tuple[AssignmentCell, ...]
    questions: tuple[Question, ...]

    @property
    def points(self) -> float:
        """The most that it can earn."""
        return round(sum(question.points for question in self.questions), 6)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides a score; prose and model answers do not."""
        cells = [
            {**asdict(cell), "source": ""}
            for cell in self.cells
            if cell.kind != "given" or cell.cell_type == "code"
        ]
        questions = [
            vars(each)
            | {"groups": [group.to_json() for group in each.groups]}
            | {"shown": [probe.to_json() for probe in each.shown]}
            for each in self.questions
        ]
        text = json.dumps([self.name, cells, questions], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def read_assignments(folder: Path | str) -> dict[str, Assignment]:
    """Every assignment of the folder by its name. Raises AssignmentError; see read_assignment."""
    paths = sorted(Path(folder).glob("[!.]*.ipynb"))
    if not paths:
        raise AssignmentError(f"{folder}: no notebooks here; expected a folder like solutions/")
    return {path.stem: read_assignment(path) for path in paths}


def read_assignment(path: Path | str) -> Assignment:
    """The assignment of one notebook in nbgrader's source format, such as those of solutions/."""
    path = Path(path)
    try:
        read = read_notebook(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AssignmentError(f"{path}: not a readable notebook: {error}") from error
    cells, questions = [], []
    pending: list[str] = []  # answers that no check has claimed yet
    heading, seen = None, set[str]()
    for number, cell in enumerate(read, 1):
        options = cell.options
        try:
            for found in HEADING.finditer(cell.source if cell.cell_type == "markdown" else ""):
                if heading is None or found["id"] or not heading["id"]:
                    heading = found
            kind = _kind(cell, options)
            if kind is None:
                continue
            grade_id = _grade_id(options.get("grade_id", ""), kind, seen)
            points = _points(options.get("points")) if kind in ("check", "question") else 0.0
            released = _released(cell, kind)
            cells.append(
                AssignmentCell(
                    grade_id, kind, cell.cell_type, cell.source, released, cell.id, points
                )
            )
            if kind == "answer":
                pending.append(grade_id)
            elif kind == "check":
                _need(pending, "no answer cell between this check and the one before")
                questions.append(_asked(cells[-1], heading, tuple(pending)))
                pending, heading = [], None
            elif kind == "question":
                questions.append(_written(cells[-1], heading))
                heading = None
        except AssignmentError as error:
            grade_id = options.get("grade_id", "without grade_id")
            raise AssignmentError(f"{path}, cell {number} ({grade_id}): {error}") from error
    return Assignment(path.stem, tuple(cells), tuple(questions))


def _need(good: Any, message: str) -> None:
    if not good:
        raise AssignmentError(message)


def _kind(cell: Cell, options: dict[str, Any]) -> str | None:
    """What the cell is to a student; None for one that students do not get."""
    grade, solution = bool(options.get("grade")), bool(options.get("solution"))
    if grade and solution:
        _need(
            cell.cell_type == "markdown",
            "an answer in code cannot carry points: give them to a check cell below it",
        )
        return "question" if options.get("points") else None
    if grade:
        _need(cell.cell_type == "code", f"a check must be a code cell, not {cell.cell_type}")
        return "check"
    if solution:
        return "answer" if "BEGIN SOLUTION" in cell.source else None
    return "given"


def _grade_id(grade_id: Any, kind: str, seen: set[str]) -> str:
    valid = isinstance(grade_id, str) and re.fullmatch("[A-Za-z0-9_-]+", grade_id)
    if kind == "given" and not valid:
        return ""
    _need(valid, f"its grade_id must be letters, digits, - and _, got {grade_id!r}")
    _need(grade_id not in seen, "another cell has this grade_id; give every cell its own")
    seen.add(grade_id)
    return grade_id


def _points(points: Any) -> float:
    number = isinstance(points, int | float) and not isinstance(points, bool)
    _need(
        number and math.isfinite(points) and points > 0,
        f"its points must be a number above 0, got {points!r}",
    )
    return float(points)


def _released(cell: Cell, kind: str) -> str:
    """What students get of the cell; the same as nbgrader's ClearSolutions, ClearHiddenTests."""
    if kind == "given":
        return cell.source
    region = "HIDDEN TESTS" if kind == "check" else "SOLUTION"
    stub = () if kind == "check" else STUBS[cell.cell_type]
    if kind == "question" and f"BEGIN {region}" not in cell.source:
        return "\n".join(stub)
    lines, inside = [], False
    for line in cell.source.split("\n"):
        if f"BEGIN {region}" in line:
            _need(not inside, f"BEGIN {region} within BEGIN {region}")
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + each for each in stub]
        elif f"END {region}" in line:
            inside = False
        elif not inside:
            lines.append(line)
    _need(not inside, f"BEGIN {region} without END {region}")
    return "\n".join(lines)


def _written(cell: AssignmentCell, heading: re.Match | None) -> Question:
    exercise, title = (heading["id"] or "", heading["title"]) if heading else ("", cell.grade_id)
    return Question(cell.grade_id, exercise, title, cell.points, (cell.grade_id,))


def _asked(cell: AssignmentCell, heading: re.Match | None, answers: tuple[str, ...]) -> Question:
    exercise, name, text = _check_call(cell.source)
    title, groups = heading["title"] if heading else exercise, _groups(text)
    question = Question(cell.grade_id, exercise, title, cell.points, answers, name, groups)
    known = course().get(exercise)
    # A teacher's own notebook may use the number of one of our exercises for something else.
    if known is None or known.name != name:
        return question
    return replace(
        question,
        title=known.title or title,
        shown=known.shown,
        library=known.library,
        tolerance=known.tolerance,
    )


def _check_call(source: str) -> tuple[str, str, str]:
    """Exercise, function and hidden groups of `check("1.1", walk, hidden=...)`, unexecuted."""
    form = 'expected one call check("1.1", function, hidden="""[...]""") in the hidden region'
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise AssignmentError(f"not Python ({error}); {form}") from error
    found = [each for each in checks_in(tree) if each.hidden]
    _need(len(found) == 1, f"{form}, found {len(found)}")
    exercise, name, hidden, call = found[0]
    _need(exercise and name, f"{form}, got {ast.unparse(call)[:80]}")
    text = hidden.value if isinstance(hidden, ast.Constant) else None
    if not isinstance(text, str):
        raise AssignmentError(f"{form} as a text")
    return exercise, name, text


def _groups(text: str) -> tuple[Group, ...]:
    try:
        groups = hidden_groups(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"its hidden groups cannot be read ({type(error).__name__}: {error})"
        raise AssignmentError(message) from error
    _need(groups, "it has no hidden groups, so nothing could earn its points")
    _need(all(group.probes for group in groups), "a hidden group has no probes")
    weights = [group.weight for group in groups]
    good = all(type(each) in (int, float) and 0 < each < math.inf for each in weights)
    _need(good, f"the weights of hidden groups must be numbers above 0, got {weights}")
    return groups
