"""The three notebooks of a lesson, not yet run, with the marks that nbgrader reads.

Which cell goes where is the table ROLES in lesson_cells.py; the cell that no lesson has is in
lesson_install.py. What students get is what `lr-course release` makes of the solutions.
"""

import copy
import re
import subprocess
from collections import Counter
from pathlib import Path

import nbformat
from lesson_cells import ROLES, LessonError, hidden_lines, is_question, role
from lesson_exercises import exercises_of, hidden_region
from lesson_install import with_install
from lesson_pages import lesson_table
from lesson_rules import FRAMEWORK, exercise_minutes, read_lesson

from course_lib.grade.release import STUB, ReleaseError, released

PREDICT, OUTCOME = (
    re.compile(rf"^{name}\(\s*\"([^\"]+)\"", re.M) for name in ("predict", "outcome")
)

# Without the version of Python, so that another version builds the same file.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "name": "python"},
}


def render(source: Path, folder: str):
    """The notebook of `folder` for one lesson, not yet executed.

    Raises LessonError where the lesson breaks a rule, or students could read of a model answer.
    """
    if folder == "exercises":
        try:
            return released(render(source, "solutions"), f"lessons/{source.name}")
        except ReleaseError as error:
            raise LessonError(str(error)) from error
    notebook = read_lesson(source)
    notebook.metadata = nbformat.from_dict(METADATA)
    minutes = exercise_minutes(notebook)
    ordinals = Counter()
    for cell in notebook.cells:
        hidden, question = hidden_lines(source, cell), is_question(cell)
        grade_id, points = (cell.metadata.pop(key, None) for key in ("grade_id", "points"))
        if folder == "solutions" and role(cell) == "check":
            cell.source += hidden_region(exercises_of(source)[cell.id])
        if cell.cell_type == "markdown" and "<!-- lessons -->" in cell.source.split("\n"):
            table = lesson_table(source.parents[1], prefix="../")
            cell.source = cell.source.replace("<!-- lessons -->", table)
        if minutes and cell.cell_type == "markdown":
            both = rf"\g<0> for the lesson, {minutes} for its exercises"
            cell.source = re.sub(r"^\*\*Minutes:\*\* \d+$", both, cell.source, flags=re.M)
        if question:
            # nbgrader blanks a written answer whole, question and all, unless it has a region.
            cell.source += "\n\n<!-- BEGIN SOLUTION -->\n<!-- END SOLUTION -->"
        if role(cell) in (None, "exercise") and not (hidden or question):
            continue
        ordinals[role(cell)] += 1
        # Counted per role: a new paragraph must not rename the answers of a running course.
        grade_id = grade_id or f"{source.stem}-{role(cell)}-{ordinals[role(cell)]}"
        if folder == "solutions":
            cell.metadata["nbgrader"] = nbgrader_options(cell, grade_id, points)
    notebook.cells = [cell for cell in notebook.cells if folder in ROLES[role(cell)]]
    fold_outcomes(notebook)
    return with_install(notebook, source)


def is_worked_in(path: Path) -> bool:
    """Whether somebody has saved the notebook in an editor since it was built, or answered in it.

    Editors add to its metadata (the version of Python, say); a built blank still has its stub.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
    except nbformat.reader.NotJSONError:  # the two halves of a merge, say
        return True
    solution = [
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")
    ]
    stubs = {"code": STUB, "markdown": "YOUR ANSWER HERE"}
    answered = any(stubs.get(cell.cell_type, "") not in cell.source for cell in solution)
    return notebook.metadata != METADATA or (path.parent.name == "exercises" and answered)


def as_built(path: Path) -> str:
    """The text of a built notebook; of one that somebody has worked in, that of the last commit.

    So nobody's answers are found stale, and what is committed always is.
    """
    return (is_worked_in(path) and last_commit(path)) or path.read_text(encoding="utf-8")


def last_commit(path: Path) -> str:
    """The text of the file in the last commit; empty where it is not there, or git is not."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        shown = subprocess.run(command, cwd=path.parent, capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        return ""
    return shown.stdout  # empty when it fails


def fold_outcomes(notebook) -> None:
    """Fold the outputs from a prediction to the text after its outcome: no answer is seen before
    the prediction. JupyterLab unfolds the output of a cell that is run."""
    open_questions: set[str] = set()
    folding = False
    for cell in notebook.cells:
        folding = bool(open_questions) or (folding and cell.cell_type == "code")
        if cell.cell_type != "code":
            continue
        if folding:
            cell.metadata["jupyter"] = {"outputs_hidden": True}
        open_questions |= set(PREDICT.findall(cell.source))
        open_questions -= set(OUTCOME.findall(cell.source))


def nbgrader_options(cell, grade_id: str, points) -> dict:
    """nbgrader's metadata, version 3, for setup, check, answer, and what a student answers.

    An `answer` is marked like a student's answer, worth nothing: so nbgrader blanks it when a
    teacher makes a release from solutions/ with `nbgrader generate_assignment`.
    """
    solution = role(cell) in ("exercise", "answer")
    grade = role(cell) == "check" or (solution and cell.cell_type == "markdown")
    options = dict(schema_version=3, task=False, cell_type=cell.cell_type, grade_id=grade_id)
    options.update(grade=grade, solution=solution, locked=not solution)
    return {**options, "points": points or 0} if grade else options


def flavoured(notebook, framework: str):
    """A copy of the notebook whose line `framework = "torch"` names another framework."""
    notebook = copy.deepcopy(notebook)
    replaced = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source, count = FRAMEWORK.subn(f'framework = "{framework}"', cell.source)
            replaced += count
    if replaced != 1:
        raise LessonError(f'found the line `framework = "torch"` {replaced} times, expected once')
    return notebook
