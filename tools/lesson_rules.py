"""The rules of a lesson that need no outputs to see; a broken one is a LessonError with its place.

Add a rule here. What a lesson must say and have for its readers is tests/test_lessons.py's.
"""

import ast
import re
from pathlib import Path

from lesson_cells import (
    ROLES,
    LessonError,
    hidden_lines,
    is_question,
    read_cells,
    require,
    role,
)

HEADING = re.compile(
    r"^### Exercise (\d+\.\d+) - (.+) "
    r"\((concept|code|bug|extended), (\d+(?:\.\d+)?) points?, about (\d+) minutes\)$",
    re.MULTILINE,
)
OPTIONS = ["tags", "alt", "grade_id", "points"]
OTHER_TAGS = ["nbval-check-output", "nbval-ignore-output", "nbval-skip"]
OTHER_TAGS += ["raises-exception", "stderr-ok"]
TAG_RULE = (
    f"first comes setup, exercise, check, probes, answer or none of them, then any of {OTHER_TAGS}"
)
FRAMEWORK = re.compile(r'^framework = "torch"', re.MULTILINE)


def read_lesson(source: Path):
    """The lesson as a notebook; LessonError when it breaks a rule that needs no outputs to see."""
    lesson = read_cells(source)
    for cell in lesson.cells:
        check_options(source, cell)
    headline(source, lesson)
    places = [(role(c), c.cell_type) for c in lesson.cells for _ in FRAMEWORK.findall(c.source)]
    if places != [("setup", "code")]:
        raise LessonError(
            f'lessons/{source.name}: expected the line `framework = "torch"` once, in a code cell '
            f"tagged setup; found it {len(places)} times {places or ''}"
        )
    pairs(source, lesson)
    return lesson


def check_options(source: Path, cell) -> None:
    """Raise a LessonError unless the options of the cell are known and fit together."""

    def need(good, message):
        require(good, source, cell, message)

    unknown = {key: value for key, value in cell.metadata.items() if key not in OPTIONS}
    need(not unknown, f'cannot use {unknown}; options are {OPTIONS}, as in tags=["setup"]')
    for index, tag in enumerate(cell.metadata.get("tags", [])):
        known = tag in OTHER_TAGS or (tag in ROLES and index == 0)
        need(known, f"cannot use tag {tag!r}; {TAG_RULE}")
    grade_id, points = cell.metadata.get("grade_id"), cell.metadata.get("points")
    got = f"got grade_id={grade_id!r} points={points!r}"
    hidden = hidden_lines(source, cell)
    imports = hidden and re.search("^(import|from) ", cell.source, re.MULTILINE)
    lost = "whoever pastes an answer over the cell loses it; give it a cell of its own above"
    need(not imports, f"no import beside an answer: {lost}")
    valid_id = isinstance(grade_id, str) and re.fullmatch("[a-zA-Z0-9_-]+", grade_id)
    need(valid_id or grade_id is None, f"a grade_id is letters, digits, - and _ in quotes; {got}")
    if role(cell) in ("check", "probes"):
        need(cell.cell_type == "code", f"a cell tagged {role(cell)} must be a code cell")
    if role(cell) == "check" or is_question(cell):
        valid_points = type(points) in (int, float) and points > 0
        need(valid_id and valid_points, f'needs grade_id="..." and points=N above 0; {got}')
    else:
        need(points is None, f"points are for checks and written questions; {got}")
        need(hidden or grade_id is None, f"this cell has no answer to grade; {got}")


def headline(source: Path, lesson) -> tuple[str, str, str]:
    """Title, promise and minutes of a lesson, from its first cell."""
    first = lesson.cells[0]
    text = first.source if (role(first), first.cell_type) == ("setup", "markdown") else ""
    title = re.match(r"# (.+)", text)
    promise = re.search(r"^\*\*You will be able to:\*\* (.+?)(?=\n\n|\n\*\*|\Z)", text, re.M | re.S)
    minutes = re.search(r"^\*\*Minutes:\*\* (\d+)", text, re.M)
    wanted = "`# Title` on top, `**You will be able to:** ...` and `**Minutes:** 30` below"
    message = f"the first cell must be markdown tagged setup, with {wanted}"
    require(title and promise and minutes, source, first, message)
    return title[1], " ".join(promise[1].split()), minutes[1]


def exercise_minutes(lesson) -> int:
    """The minutes of a lesson's exercises together, from their headings."""
    texts = [cell.source for cell in lesson.cells if role(cell) == "exercise"]
    return sum(int(match[5]) for text in texts for match in HEADING.finditer(text))


def check_grade_ids(sources: list[Path]) -> None:
    """Raise a LessonError when two cells of the course share a grade_id, or two checks an exercise:
    their grades would mix."""
    owners = {}
    for source in sources:
        for cell in read_cells(source, said=False).cells:
            marks = [("grade_id", cell.metadata.get("grade_id"))]
            if role(cell) == "check":
                marks.append(("exercise", called(cell.source, "check")[0]))
            for kind, mark in marks:
                owner = owners.setdefault((kind, mark), cell.id)
                taken = f"{kind} {mark!r} is taken by cell {owner}; choose another"
                require(mark is None or owner == cell.id, source, cell, taken)


def called(code: str, function: str) -> tuple[str | None, str | None]:
    """The id and the answer's name in the last statement, `check("3.1", cosine)`; else None."""
    try:
        last = ast.parse(code).body[-1].value
        id, name = last.args
        if last.func.id == function and isinstance(id.value, str):
            return id.value, name.id
    except (SyntaxError, IndexError, AttributeError, ValueError):
        pass
    return None, None


def pairs(source: Path, lesson) -> list[tuple]:
    """The check and the probes of each exercise, and its heading; LessonError if one is amiss."""
    found, headings, hidden = [], {}, []
    for cell, after in zip(lesson.cells, [*lesson.cells[1:], None]):
        hidden += hidden_lines(source, cell)
        if role(cell) == "exercise" and cell.cell_type == "markdown":
            headings |= {match[1]: match for match in HEADING.finditer(cell.source)}
        if role(cell) == "probes":
            paired = bool(found) and found[-1][1] is cell
            require(paired, source, cell, "probes stand right after the check that they are for")
        if role(cell) != "check":
            continue
        id, name = called(cell.source, "check")
        *imports, _ = [ast.unparse(each) for each in ast.parse(cell.source).body] if id else [None]
        good = id and imports in ([], ["from course_lib.checks import check"])
        wanted = '`check("1.1", function)`, below `from course_lib.checks import check` if need be'
        require(good, source, cell, f"a check cell is {wanted}; nothing else")
        number = f"{int(source.name[:2])}."
        require(id.startswith(number), source, cell, f"exercise ids start with {number} here: {id}")
        probes = after is not None and role(after) == "probes"
        require(probes, source, cell, f"a cell tagged probes must follow, for exercise {id}")
        theirs = called(after.source, "exercise")
        wanted = f'exercise("{id}", {name}, hints=..., shown=..., locked=..., hidden=...)'
        require(theirs == (id, name), source, after, f"the last statement must be `{wanted}`")
        wanted = (
            f"### Exercise {id} - Title (code, {cell.metadata.get('points')} points, "
            "about 5 minutes)"
        )
        heading = headings.get(id)
        agreed = heading and float(heading[4]) == cell.metadata.get("points")
        require(agreed, source, cell, f"no heading `{wanted}` above, in a cell tagged exercise")
        region = f"put the answer of exercise {id} between BEGIN and END SOLUTION, above its check"
        require(hidden, source, cell, f"students would get it whole: {region}")
        hidden = []
        found.append((cell, after, heading))
    return found
