"""The committed notebooks: fresh, complete, runnable in both frameworks, and without an answer.

The torch flavour of notebooks/ and solutions/ is run by `pytest --nbval-lax notebooks solutions`,
the TensorFlow flavour of solutions/ here. That of notebooks/ trains everything once more, so it is
part of `make slow`, which continuous integration runs too.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
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
def test_no_hidden_call_in_the_exercises(lesson):
    assert builder.leaks(lesson, committed(lesson, "exercises")) == []


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
def test_links_lead_somewhere(lesson, folder):
    assert dead_links(prose(committed(lesson, folder)), ROOT / folder) == []


@in_every_folder
@every_lesson
def test_opens_with_whatever_python_3_is_there(lesson, folder):
    """No kernel of this machine, and first of all code the cell that installs the course."""
    notebook = committed(lesson, folder)
    nbformat.validate(notebook)
    assert notebook.metadata == lesson_notebooks.METADATA
    assert code_cells(notebook)[0].id == f"{lesson.stem}-00"
    assert "/.venv" not in path_of(lesson, folder).read_text(encoding="utf-8")


@in_every_folder
@every_lesson
def test_small_enough_to_read_on_github(lesson, folder):
    assert path_of(lesson, folder).stat().st_size < 1_500_000


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


# ---------------------------------------------------------------- opened where there is no course

FIRST_CELL = """
import json, sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
first = next(cell for cell in notebook.cells if cell.cell_type == "code")
after = nbformat.v4.new_code_cell("import course_lib\\nprint(course_lib.__file__)")
notebook.cells = [first, after]
NotebookClient(notebook, allow_errors=True).execute()
print(json.dumps([cell.outputs for cell in notebook.cells]))
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A function that opens a lesson in an environment that has all but the course, and no index:
    what the first code cell shows, and the one after it."""
    venv, links = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("packages")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not re.match(r"lr_course|__editable__|course_lib|__pycache__|.*\.pth$", path.name):
            (links / path.name).symlink_to(path)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "all_else.pth").write_text(f"{links}\n")
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "JUPYTER"))}
    keep |= {"HOME": str(tmp_path_factory.mktemp("home")), "PIP_CONFIG_FILE": os.devnull}
    keep |= {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}

    def opened(source=""):
        env = {**keep, "LR_COURSE_SOURCE": str(source)}
        command = [venv / "bin" / "python", "-c", FIRST_CELL, path_of(LESSONS[1], "exercises")]
        ran = subprocess.run(command, capture_output=True, text=True, env=env, cwd=links.parent)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return opened


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("course_lib", "records", "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    ran = subprocess.run([*command, str(source)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    (made,) = out.glob("*.whl")
    return made


def test_a_lesson_opened_elsewhere_installs_the_course_once(elsewhere, wheel):
    """As in Colab: without the course and a source it says what to do; with one the next cell has
    the course; and after that the cell says nothing."""
    (*_, error), _ = elsewhere()
    assert error["ename"] == "RuntimeError" and "not installable" in error["evalue"]
    assert "LR_COURSE_SOURCE" in error["evalue"]
    (said,), (place,) = elsewhere(wheel)
    assert said["text"].startswith(f"Installing {wheel}[notebook], ")
    assert "site-packages/course_lib" in place["text"] and str(ROOT) not in place["text"]
    assert elsewhere() == [[], [place]]
