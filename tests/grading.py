"""A small assignment and its submissions, for the tests of the grader: two questions that the
grader marks, `warm` and `fall`, and one that a person marks."""

import os
from pathlib import Path

import nbformat
import pytest

from course_lib.exercises import Exercise, call, curve, exercise
from course_lib.grade.walls.sandbox import why_not

# LR_COURSE_NEED_SANDBOX=1: run, and fail, where there is none.
NO_SANDBOX = "" if os.environ.get("LR_COURSE_NEED_SANDBOX") else why_not("namespaces")
boxed = pytest.mark.skipif(bool(NO_SANDBOX), reason=f"no sandbox here: {NO_SANDBOX}")


def warm(step, *, peak, steps):
    return peak * min(1.0, (step + 1) / (steps + 1))


def fall(step, *, lr, every, factor=0.5):
    if every < 1:
        raise ValueError("every must be at least 1")
    return lr * factor ** (step // every)


WARM = '''def warm(step, *, peak, steps):
    """A rate that climbs to `peak`."""
    ### BEGIN SOLUTION
    return peak * min(1.0, (step + 1) / (steps + 1))
    ### END SOLUTION'''
FALL = '''def fall(step, *, lr, every, factor=0.5):
    """A rate that falls in steps."""
    ### BEGIN SOLUTION
    if every < 1:
        raise ValueError("every must be at least 1")
    return lr * factor ** (step // every)
    ### END SOLUTION'''
RIGHT = {
    "warm": "def warm(step, *, peak, steps):\n"
    "    return peak if step >= steps else peak / (steps + 1) * (step + 1)",
    "fall": "def fall(step, *, lr, every, factor=0.5):\n    if every < 1:\n"
    "        raise ValueError(every)\n    return lr * factor ** int(step / every)",
}
POINTS = {"warm": 2, "fall": 3}


def described() -> dict[str, Exercise]:
    """The exercises 9.1 and 9.2, as a lesson would describe them."""
    hints = ["a nudge", "an idea", "the code"]
    return {
        "warm": exercise(
            "9.1",
            warm,
            hints=hints,
            shown=[call(0, peak=1.0, steps=4), curve(range(9), peak=2.0, steps=5)],
            locked=[curve(range(7), peak=0.3, steps=3)],
            hidden={
                "climbing": [curve(range(8), peak=0.7, steps=8), call(2, peak=0.9, steps=8)],
                "the last step and the top": [
                    call(7, peak=0.5, steps=8),
                    call(8, peak=0.25, steps=8),
                    call(31, peak=0.75, steps=8),
                ],
            },
            library=["warmup"],
        ),
        "fall": exercise(
            "9.2",
            fall,
            hints=hints,
            shown=[call(0, lr=1.0, every=2), call(5, lr=1.0, every=2)],
            locked=[curve(range(7), lr=0.3, every=3)],
            hidden={
                "falling": [curve(range(20), lr=0.8, every=3), call(7, lr=0.1, every=1)],
                "another factor": [
                    call(4, lr=1.0, every=2, factor=0.1),
                    call(10, lr=1.0, every=3, factor=0.9),
                ],
                "bad parameters": [call(4, lr=1.0, every=0), call(4, lr=1.0, every=1)],
            },
        ),
    }


def solution_notebook():
    """solutions/09_small.ipynb, as the builder would write it."""
    cells = []

    def add(kind, source, grade_id, **options):
        cell = getattr(nbformat.v4, f"new_{kind}_cell")(source, id=f"09-{len(cells):02d}")
        if grade_id:
            cell.metadata["nbgrader"] = nbgrader(grade_id, cell_type=kind, **options)
        cells.append(cell)

    add("markdown", "# A small assignment", "09_small-setup-1", locked=True)
    add("code", 'import math\n\nframework = "torch"', "09_small-setup-2", locked=True)
    for number, (name, each) in enumerate(described().items(), 1):
        add(
            "markdown",
            f"### Exercise {each.id} - The function `{name}` ({POINTS[name]} points)",
            None,
        )
        add(
            "code", {"warm": WARM, "fall": FALL}[name], f"09_small-exercise-{number}", solution=True
        )
        check = f'from course_lib.checks import check\n\ncheck("{each.id}", {name})\n'
        hidden = f'check("{each.id}", {name}, hidden=r"""{each.hidden_json()}""")'
        check += f"### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
        add("code", check, f"09-{name}", grade=True, locked=True, points=POINTS[name])
    question = "### In words\n\nWhy warm up?\n\n<!-- BEGIN SOLUTION -->\n<!-- END SOLUTION -->"
    add("markdown", question, "09-why", grade=True, solution=True, points=4)
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = dict(
        display_name="Python 3", language="python", name="python3"
    )
    return notebook


def write_solutions(folder: Path) -> Path:
    """The folder solutions/ with the small assignment in it."""
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(solution_notebook(), folder / "09_small.ipynb")
    return folder


def handed_out():
    """What students get."""
    from course_lib.grade.release import released

    return released(solution_notebook(), "09_small.ipynb")


def submission(before: str = "", after: str = "", **answers: str):
    """A submission with these answers (`warm`, `fall`: right ones unless given; None: as handed
    out; `why`: nothing unless given), and with cells of the student's own before and after them."""
    notebook = handed_out()
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        for number, name in enumerate(RIGHT, 1):
            answer = answers.get(name, RIGHT[name])
            if grade_id == f"09_small-exercise-{number}" and answer is not None:
                cell.source = answer
        if grade_id == "09-why" and "why" in answers:
            cell.source += answers["why"]
    if before:
        notebook.cells.insert(2, nbformat.v4.new_code_cell(before))
    if after:
        notebook.cells.append(nbformat.v4.new_code_cell(after))
    return notebook


def write_submission(folder: Path, student: str, notebook) -> Path:
    """The notebook as submitted by this student."""
    path = folder / student / "09_small.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(notebook if isinstance(notebook, str) else nbformat.writes(notebook))
    return path


def command(root: Path, *more: str, out: Path | None = None) -> list[str]:
    """`lr-course grade` of `root`/in with `root`/solutions, into `root`/out unless it is told."""
    places = ["--solutions", str(root / "solutions"), "--out", str(out or root / "out")]
    return ["grade", str(root / "in"), *places, *more]


def nbgrader(grade_id: str, **options) -> dict:
    """nbgrader's metadata of a cell, as the builder writes it."""
    marks = dict(schema_version=3, task=False, grade=False, solution=False, locked=False)
    return {**marks, "grade_id": grade_id, **options}


def scores(result: dict) -> dict[str, float | None]:
    """{"warm": 2.0, "fall": 3.0, "why": None} of a result."""
    return {each["grade_id"].removeprefix("09-"): each["score"] for each in result["questions"]}


def statuses(result: dict) -> dict[str, str]:
    """The status of each question of a result."""
    return {each["grade_id"].removeprefix("09-"): each["status"] for each in result["questions"]}
