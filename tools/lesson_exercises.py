"""The exercises of a lesson: its model answers are run here, and make the right replies.

What students may see of them goes into course_lib/exercises.json, the rest into solutions/. How an
exercise is described and compared is course_lib/exercises.py.
"""

import ast
import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path

from lesson_cells import lessons, require, role
from lesson_rules import pairs, read_lesson

from course_lib.exercises import Exercise

INDEX = Path("course_lib", "exercises.json")


def exercises_of(source: Path) -> dict[str, Exercise]:
    """The exercises of a lesson by the id of their check cell, hidden calls included."""
    return _exercises_of(source, source.read_text(encoding="utf-8"))


@cache
def _exercises_of(source: Path, text: str) -> dict[str, Exercise]:
    """Run what defines the model answers, and the probes; cached, because it imports frameworks."""
    lesson = read_lesson(source)
    cells_of = {probes.id: (check, heading) for check, probes, heading in pairs(source, lesson)}
    if not cells_of:
        return {}
    names, found = {"__name__": "__main__"}, {}
    for cell in lesson.cells:
        if cell.cell_type != "code" or role(cell) not in ("setup", "exercise", "probes"):
            continue
        try:
            tree = ast.parse(cell.source)
            last = tree.body.pop() if role(cell) == "probes" else None
            with redirect_stdout(io.StringIO()):  # what given code prints is for the notebook
                exec(compile(tree, cell.id, "exec"), names)
            if last:
                made = eval(compile(ast.Expression(last.value), cell.id, "eval"), names)
                check, heading = cells_of[cell.id]
                points = check.metadata.points
                extra = {"title": heading[2], "lesson": source.stem, "points": points}
                found[check.id] = replace(made, **extra)
        except Exception as error:
            require(False, source, cell, f"{type(error).__name__}: {error}")
    return found


def index_text(root: Path, sources: list[Path] | None = None) -> str:
    """exercises.json as it should be: what students may see of every exercise of the course.

    With `sources`, the entries of these lessons are new and those of the others as they are.
    """
    found = {
        e.id: e.public_json() for s in sources or lessons(root) for e in exercises_of(s).values()
    }
    if sources and (root / INDEX).exists():
        stems = {source.stem for source in sources}
        entries = json.loads((root / INDEX).read_text(encoding="utf-8"))
        found = {id: e for id, e in entries.items() if e["lesson"] not in stems} | found
    blocks = []
    for id in sorted(found, key=lambda id: [int(part) for part in id.split(".")]):
        lines = []
        for key, value in found[id].items():
            text = json.dumps(value, ensure_ascii=False)
            if isinstance(value, list) and value:
                rows = ",\n   ".join(json.dumps(row, ensure_ascii=False) for row in value)
                text = f"[\n   {rows}\n  ]"
            lines.append(f'  "{key}": {text}')
        blocks.append(f' "{id}": {{\n' + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(blocks) + "\n}\n" if blocks else "{}\n"


def hidden_region(exercise: Exercise) -> str:
    """The lines of a check cell that nbgrader removes for students."""
    text = exercise.hidden_json()
    return (
        "\n### BEGIN HIDDEN TESTS\n"
        f'check("{exercise.id}", {exercise.name}, hidden=r"""{text}""")\n'
        "### END HIDDEN TESTS"
    )
