"""The teacher's commands, as they stand in docs/grading.md, and what they say in a terminal."""

import csv
import re
import shlex
import shutil
from pathlib import Path

import nbformat
import pytest
from grading import submission, write_solutions, write_submission

from course_lib.cli import main

ROOT = Path(__file__).parents[1]
CHINESE, ACCENTS, LONG = "王小明", "Émilie Müller", "y" * 200
boxed = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="no bubblewrap here (Debian: apt-get install bubblewrap)"
)


def hand_in(handout: Path, folder: Path, answers: Path | None) -> None:
    """Put what was handed out into a student's folder, with the answers of these notebooks."""
    folder.mkdir(parents=True)
    for path in handout.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        if answers:
            model = nbformat.read(answers / path.name, as_version=4)
            sources = {cell.id: cell.source for cell in model.cells}
            for cell in notebook.cells:
                if cell.metadata.get("nbgrader", {}).get("solution"):
                    cell.source = sources[cell.id]
        nbformat.write(notebook, folder / path.name)


@boxed
def test_the_short_version_of_the_documentation(tmp_path, monkeypatch, capsys):
    text = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    block = re.search(r"from any folder:\n\n```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1]
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert [line[:2] for line in lines] == [
        ["lr-course", name] for name in ("release", "grade", "report", "export")
    ]
    monkeypatch.chdir(tmp_path)  # no solutions/ here: the course's own are taken
    (_, *release), *others = lines
    assert main(release) == 0
    names = sorted(path.name for path in (ROOT / "solutions").glob("*.ipynb"))
    assert sorted(path.name for path in Path("handout").iterdir()) == names
    hand_in(Path("handout"), Path("submissions", "knows all"), ROOT / "solutions")
    hand_in(Path("handout"), Path("submissions", "blank"), None)
    for _, *words in others:
        assert main(words) == 0, capsys.readouterr()
    with open("scores.csv", encoding="utf-8", newline="") as file:
        rows = {(row["name"], row["notebook"]): row for row in csv.DictReader(file)}
    assert len(rows) == 2 * len(names) >= 8
    for (name, notebook), row in rows.items():
        # Questions to be answered in words wait for a person.
        wanted = float(row["points"]) - float(row["by_hand"]) if name == "knows all" else 0
        assert (row["status"], float(row["score"])) == ("graded", wanted), (name, notebook)
    assert "knows all" in Path("results", "report", "index.html").read_text(encoding="utf-8")


@pytest.fixture
def graded(tmp_path):
    """The arguments that grade three students of odd names, one of whom sent a text."""
    solutions = write_solutions(tmp_path / "solutions")
    write_submission(tmp_path / "in", CHINESE, submission(warm=None, before="print(1)"))
    write_submission(tmp_path / "in", LONG, submission())
    write_submission(tmp_path / "in", ACCENTS, "{not json")
    arguments = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    return [*arguments, "--solutions", str(solutions)]


@boxed
def test_table_has_names_as_they_were_written_in_columns(graded, tmp_path, capsys):
    assert main(graded) == 1
    *table, last = capsys.readouterr().out.splitlines()
    assert last.startswith("3 notebooks: 3 graded now, 0 before, 1 could not be graded")
    emilie, long, chinese = table
    # Chinese takes two columns a character; what a student added is no finding worth a look
    assert chinese == f"{CHINESE}{' ' * 26}  09_small  3 of 9  (1 to be marked by hand)"
    assert long == f"{LONG[:31]}…  09_small  5 of 9  (1 to be marked by hand)"
    assert emilie.startswith(f"{ACCENTS}  ") and f"file: {ACCENTS}/09_small.ipynb" in emilie
    shutil.rmtree(tmp_path / "in" / CHINESE)
    assert main(graded) == 1
    *_, last, note = capsys.readouterr().out.splitlines()
    assert last.startswith("2 notebooks: 0 graded now, 2 before, 1 could not be graded")
    assert "also holds 1 result of other submissions" in note


@pytest.mark.parametrize(
    "more, words",
    [
        (["--data", "/nowhere"], "--data must be a folder that exists, got /nowhere"),
        (["--isolation", "process"], "isolation 'process' was asked for"),
    ],
)
@boxed
def test_what_cannot_run_is_not_blamed_on_each_student(graded, tmp_path, more, words, capsys):
    assert main([*graded, *more]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["export", "RESULTS", "--csv", "/nowhere/x.csv"], "cannot write /nowhere/x.csv: No such"),
        (["export", "RESULTS", "--nbgrader", "x", "--long"], "--long is about --csv FILE"),
        (["export", "/nowhere", "--csv", "x.csv"], "grade into it first"),
        (["check", "/nowhere.ipynb"], "cannot read /nowhere.ipynb: No such file"),
    ],
)
def test_errors_in_words(tmp_path, arguments, words, capsys):
    (tmp_path / "students").mkdir()
    assert main([str(tmp_path) if each == "RESULTS" else each for each in arguments]) == 2
    assert words in capsys.readouterr().err


def test_check_says_what_ended_the_cell_of_an_answer(tmp_path, capsys):
    notebook = nbformat.read(ROOT / "exercises" / "09_composition_and_parity.ipynb", as_version=4)
    (cell,) = (cell for cell in notebook.cells if "def keras_boundaries" in cell.source)
    cell.source = "def keras_boundaries(milestones):\n    return [m - 1 for m in milestones)"
    path = tmp_path / "09_composition_and_parity.ipynb"
    nbformat.write(notebook, path)
    assert main(["check", str(path)]) == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert "`keras_boundaries` is not defined; its cell stopped with SyntaxError: " in first
    assert first.endswith("(line 2)") and last == "0 of 5 right"
