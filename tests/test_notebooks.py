"""The committed notebooks: fresh, complete, runnable in both frameworks, and without an answer.

The torch flavour of notebooks/ is run by nbval in `make test`, the TensorFlow flavour of solutions/
here. The other two flavours are part of `make slow`, which continuous integration runs too.
"""

import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder
import lesson_cells
import lesson_notebooks

ROOT = builder.ROOT
LESSONS = builder.lessons(ROOT)
EXECUTED = ("notebooks", "solutions")

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
in_every_folder = pytest.mark.parametrize("folder", builder.FOLDERS)
in_executed_folders = pytest.mark.parametrize("folder", EXECUTED)


def path_of(lesson: Path, folder: str) -> Path:
    return ROOT / folder / f"{lesson.stem}.ipynb"


def committed(lesson: Path, folder: str):
    return nbformat.reads(builder.as_built(path_of(lesson, folder)), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def errors(notebook) -> list[str]:
    """The names of the errors that the notebook does not announce."""
    return [
        output.ename
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


# ---------------------------------------------------------------- the course as a whole


def test_there_is_a_lesson():
    """Check that the tests below have something to run on."""
    assert LESSONS, f"no lessons/NN_name.py in {ROOT}"


def test_nothing_is_stale(capsys):
    """No notebook, page or index is old, none is without a lesson, no grade id is there twice."""
    status = builder.main(["--check"])
    assert status == 0, "".join(capsys.readouterr())


# ---------------------------------------------------------------- what is committed


@every_lesson
def test_no_hidden_call_in_the_exercises(lesson):
    index = (ROOT / builder.INDEX).read_text(encoding="utf-8")
    assert builder.leaks(lesson, index, committed(lesson, "exercises")) == []


@every_lesson
def test_no_region_in_the_exercises(lesson):
    lines = [line for c in committed(lesson, "exercises").cells for line in c.source.split("\n")]
    assert [line for line in lines if lesson_cells.MARKER.search(line)] == []


@in_executed_folders
@every_lesson
def test_outputs_are_there_and_tidy(lesson, folder):
    """Check that tidying again finds nothing: no missing alt text, stderr or machine path."""
    notebook = committed(lesson, folder)
    assert any(cell.outputs for cell in code_cells(notebook))
    assert errors(notebook) == []
    builder.tidy(lesson, notebook)
    assert notebook == committed(lesson, folder)


@in_every_folder
@every_lesson
def test_is_valid_and_small_enough_to_read_on_github(lesson, folder):
    nbformat.validate(committed(lesson, folder))
    assert len(builder.as_built(path_of(lesson, folder)).encode()) < 1_500_000


# ---------------------------------------------------------------- what it does when it is run


def run_in_tensorflow(lesson: Path, folder: str) -> None:
    notebook = lesson_notebooks.flavoured(committed(lesson, folder), "tensorflow")
    builder.execute(lesson, notebook, folder, timeout=900)


@pytest.mark.slow
@every_lesson
def test_the_lesson_runs_in_tensorflow(lesson):
    run_in_tensorflow(lesson, "notebooks")


@every_lesson
def test_the_solutions_run_in_tensorflow(lesson):
    run_in_tensorflow(lesson, "solutions")


@every_lesson
def test_exercises_stop_only_where_a_student_has_to_write(lesson):
    """Check that what we give runs: the only error before the first answer is the blank itself."""
    notebook = committed(lesson, "exercises")
    blanks = any("raise NotImplementedError()" in cell.source for cell in code_cells(notebook))
    builder.execute(lesson, notebook, "exercises", timeout=900, allow_errors=True)
    assert set(errors(notebook)) == ({"NotImplementedError"} if blanks else set())
