"""The committed notebooks: fresh, complete, runnable in both frameworks, and without an answer.

The torch flavour of notebooks/ and solutions/ is run by `pytest --nbval-lax notebooks solutions`.
"""

import re
import sys
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder

ROOT = builder.ROOT
LESSONS = builder.lessons(ROOT)
EXECUTED = ("notebooks", "solutions")

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
in_every_folder = pytest.mark.parametrize("folder", builder.FOLDERS)
in_executed_folders = pytest.mark.parametrize("folder", EXECUTED)


def path_of(lesson: Path, folder: str) -> Path:
    return ROOT / folder / f"{lesson.stem}.ipynb"


def committed(lesson: Path, folder: str):
    return nbformat.read(path_of(lesson, folder), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def errors(notebook) -> list[str]:
    """The names of the errors that the notebook does not announce."""
    return [
        output.ename
        for cell in code_cells(notebook)
        for output in cell.outputs
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", [])
    ]


def dead_links(text: str, folder: Path) -> list[str]:
    """Relative links and pictures of a Markdown text that lead to no file."""
    targets = re.findall(r"\]\(<?([^)\s>]+)", text) + re.findall(r'(?:href|src)="([^"]+)"', text)
    paths = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
    return [path for path in paths if path and not (folder / path).exists()]


# ---------------------------------------------------------------- the course as a whole


def test_there_is_a_lesson():
    """Check that the tests below have something to run on."""
    assert LESSONS, f"no lessons/NN_name.py in {ROOT}"


def test_grade_ids_are_unique_in_the_course():
    builder.check_grade_ids(LESSONS)


def test_exercises_json_is_fresh():
    committed = (ROOT / builder.INDEX).read_text(encoding="utf-8")
    assert committed == builder.index_text(ROOT), "run make notebooks"


def test_no_notebook_is_without_a_lesson():
    assert builder.orphans(ROOT) == []


def test_readme_has_the_table_of_lessons():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == builder.readme(ROOT), "README.md has an old table of lessons; run make notebooks"


def test_links_of_the_readme_lead_somewhere():
    assert dead_links((ROOT / "README.md").read_text(encoding="utf-8"), ROOT) == []


@pytest.mark.parametrize(
    "text, dead",
    [
        ("[a](README.md), [b](https://x.org/a.md), [c](#part), ![d](README.md#top)", []),
        ("[a](gone.md#part) and ![b](gone.png)", ["gone.md", "gone.png"]),
        ('<img src="gone.png" alt="x"> <a href="README.md">y</a>', ["gone.png"]),
    ],
)
def test_dead_links_are_found(text, dead):
    assert dead_links(text, ROOT) == dead


# ---------------------------------------------------------------- what is committed


@every_lesson
def test_fresh(lesson):
    assert builder.stale(lesson) == [], "run make notebooks"


@every_lesson
def test_no_answer_in_the_exercises(lesson):
    assert builder.leaks(lesson, committed(lesson, "exercises")) == []


@every_lesson
def test_no_region_in_the_exercises(lesson):
    lines = [line for c in committed(lesson, "exercises").cells for line in c.source.split("\n")]
    assert [line for line in lines if builder.MARKER.search(line)] == []


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
def test_links_lead_somewhere(lesson, folder):
    assert dead_links(prose(committed(lesson, folder)), ROOT / folder) == []


@in_every_folder
@every_lesson
def test_small_enough_to_read_on_github(lesson, folder):
    assert path_of(lesson, folder).stat().st_size < 1_500_000


# ---------------------------------------------------------------- what it does when it is run


@in_executed_folders
@every_lesson
def test_tensorflow_flavour_runs(lesson, folder):
    notebook = builder.flavoured(committed(lesson, folder), "tensorflow")
    builder.execute(lesson, notebook, folder, timeout=900)


@every_lesson
def test_exercises_stop_only_where_a_student_has_to_write(lesson):
    """Check that what we give runs: the only error before the first answer is the blank itself."""
    notebook = committed(lesson, "exercises")
    blanks = any("raise NotImplementedError()" in cell.source for cell in code_cells(notebook))
    builder.execute(lesson, notebook, "exercises", timeout=900, allow_errors=True)
    assert set(errors(notebook)) == ({"NotImplementedError"} if blanks else set())
