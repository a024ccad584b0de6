"""A lesson's cells: where each one goes, what of it is hidden, and how a mistake is reported.

The floor of the notebook builder: every other lesson_*.py beside it imports this one. A rule about
lessons is added in lesson_rules.py.
"""

import re
from pathlib import Path

import jupytext
from pages import with_claims

FOLDERS = ("notebooks", "exercises", "solutions")
ROLES = {  # exercises/ is made from solutions/
    None: ("notebooks",),
    "setup": ("notebooks", "solutions"),
    "exercise": ("solutions",),
    "check": ("solutions",),
    "probes": (),
    "answer": ("solutions",),
}
# Wider than what we accept, and than what nbgrader looks for: a marker with a typo must not pass.
MARKER = re.compile(r"^\s*#+\s*(BEGIN|END)\b|(BEGIN|END)\s+(SOLUTION|HIDDEN TEST|MARK SCHEME)")


class LessonError(ValueError):
    """A lesson breaks a rule. The message says where, what came and what to do."""


def require(good, source: Path, cell, message: str, line: int = 0) -> None:
    """Raise a LessonError, which starts with `lessons/03_cosine.py:41 (cell 7): `, unless good."""
    if not good:
        lines = source.read_text(encoding="utf-8").splitlines()
        starts = [number for number, text in enumerate(lines, 1) if text.startswith("# %%")]
        index = int(cell.id.rpartition("-")[2])
        if index == 0:
            raise LessonError(f"tools/lesson_install.py, for {source.name}: {message}")
        place = f"lessons/{source.name}:{starts[index - 1] + line} (cell {index})"
        raise LessonError(f"{place}: {message}")


def lessons(root: Path) -> list[Path]:
    return sorted(root.glob("lessons/[0-9][0-9]_*.py"))


def role(cell) -> str | None:
    first = (cell.metadata.get("tags") or [None])[0]
    return first if first in ROLES else None


def read_cells(source: Path, *, said: bool = True):
    """The lesson as a notebook, no rules checked; claims are written out if `said`."""
    lesson = jupytext.read(source)
    starts = re.findall(r"^# %%", source.read_text(encoding="utf-8"), re.MULTILINE)
    if len(starts) != len(lesson.cells):
        raise LessonError(
            f"lessons/{source.name}: {len(starts)} lines start with `# %%` but there are "
            f"{len(lesson.cells)} cells; is there text before the first one, or one in a string?"
        )
    for index, cell in enumerate(lesson.cells, 1):
        cell.id = f"{source.stem}-{index:02d}"  # a random id would change with every build
        for layout in ("cell_marker", "lines_to_next_cell"):
            cell.metadata.pop(layout, None)
        if said and cell.cell_type == "markdown":
            try:
                cell.source = with_claims(cell.source, "../docs/")
            except (ValueError, OSError) as error:
                require(False, source, cell, str(error))
    return lesson


def is_question(cell) -> bool:
    """Whether the cell is a question that is answered in words and graded by a person."""
    graded = "points" in cell.metadata or "grade_id" in cell.metadata
    return role(cell) == "exercise" and cell.cell_type == "markdown" and graded


def hidden_lines(source: Path, cell) -> list[str]:
    """The lines of the cell's regions, which a student does not see; LessonError for a stray mark,
    at which nbgrader would cut too much or nothing."""
    hidden, opened = [], 0
    region = "SOLUTION" if (role(cell), cell.cell_type) == ("exercise", "code") else None
    for number, line in enumerate(cell.source.split("\n"), 1):
        marker = line.strip()
        if not MARKER.search(line):
            hidden += [line] if opened else []
        elif marker == f"### BEGIN {region}" and not opened:
            opened = number
        elif marker == f"### END {region}" and opened and hidden:
            opened = 0
        else:
            allowed = f"`### BEGIN {region}`, code, `### END {region}`" if region else "no region"
            message = f"`{marker}` is stray, nested, misspelt or empty; allowed here: {allowed}"
            require(False, source, cell, message, number)
    require(not opened, source, cell, f"open region; close it with `### END {region}`", opened)
    return hidden
