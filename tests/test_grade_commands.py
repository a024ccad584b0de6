"""The teacher's commands, as they stand in docs/guides/teacher.md, and what they say."""

import csv
import json
import re
import shlex
import shutil
from pathlib import Path

import nbformat
import pytest
from built import untouched
from grading import boxed, command, submission, write_solutions, write_submission

from course_lib.cli import main

ROOT = Path(__file__).parents[1]
CHINESE, ACCENTS, LONG = "王小明", "Émilie Müller", "y" * 200


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


def table(path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mark_all(path: Path) -> int:
    """Full marks for who knows all, none for the others, in every row that waits for a person."""
    rows = table(path)
    waiting = [row for row in rows if row["status"] == "manual"]
    for row in waiting:
        row["mark"] = row["points"] if row["name"] == "knows all" else "0"
    with path.open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, rows[0])
        written.writeheader()
        written.writerows(rows)
    return len(waiting)


@boxed
def test_nothing_is_graded_from_where_a_submission_could_read_it(tmp_path, capsys):
    """As in a container whose course lies in /usr/src, or in the folder of the Python."""
    write_solutions(tmp_path / "solutions")
    write_submission(tmp_path / "all" / "in", "alice", submission())
    options = ["grade", str(tmp_path / "all" / "in"), "--solutions", str(tmp_path / "solutions")]
    (tmp_path / "data").mkdir()
    for data, out in (("all", "out"), ("solutions", "out"), ("data", "data/out")):
        places = ["--data", str(tmp_path / data), "--out", str(tmp_path / out)]
        assert main([*options, *places]) == 2
        words = f"lies in {tmp_path / data}, which every submission can read; move it"
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("out", ["in/results", "in"])
def test_results_among_the_submissions_would_be_a_student(tmp_path, monkeypatch, capsys, out):
    write_solutions(tmp_path / "solutions")
    write_submission(tmp_path / "in", "alice", submission())
    monkeypatch.chdir(tmp_path / "in")
    for folder in (str(tmp_path / "in"), "."):
        places = ["--solutions", "../solutions", "--out", str(tmp_path / out)]
        assert main(["grade", folder, *places, "--allow-weak-isolation"]) == 2
        assert f"--out {tmp_path / out} lies among the submissions" in capsys.readouterr().err
    assert [each.name for each in (tmp_path / "in").iterdir()] == ["alice"]


@boxed
def test_the_way_of_the_guide_through_all_lessons(tmp_path, monkeypatch, capsys):
    """From hand-out to scores with the real notebooks: everything right is 100 %, nothing is 0."""
    text = (ROOT / "docs" / "guides" / "teacher.md").read_text(encoding="utf-8")
    text = text.partition("## Hand out")[2].partition("## With nbgrader")[0]
    lines = [shlex.split(line) for line in re.findall(r"^lr-course .*$", text, re.MULTILINE)]
    verbs = ["release", "grade", "report", "export", "export", "export"]
    assert [line[1] for line in lines] == verbs
    monkeypatch.chdir(tmp_path)  # no solutions/ here: the course's own are taken
    (_, *release), *others = lines
    release.remove("01_fixed_rates")  # all lessons
    assert main(release) == 0
    names = sorted(path.name for path in (ROOT / "solutions").glob("*.ipynb"))
    assert sorted(path.name for path in Path("handout").iterdir()) == names
    hand_in(Path("handout"), Path("submissions", "knows all"), ROOT / "solutions")
    hand_in(Path("handout"), Path("submissions", "blank"), None)
    for _, *words in others:
        capsys.readouterr()
        assert main(words) == 0, capsys.readouterr()
        if words[-1] == "--long":
            waiting = mark_all(Path("questions.csv"))
            assert waiting >= 4 and f"{waiting} answers without a mark" in capsys.readouterr().out
    assert capsys.readouterr().out == "scores.csv\n"  # nothing waits
    rows = table("scores.csv")
    assert len(rows) == 2 * len(names) >= 8
    for row in rows:
        wanted = float(row["points"]) if row["name"] == "knows all" else 0
        assert (row["status"], float(row["score"]), row["by_hand"]) == ("graded", wanted, "0"), row
    assert "knows all" in Path("results", "report", "index.html").read_text(encoding="utf-8")


@boxed
def test_late_and_again(tmp_path, capsys):
    """A blank, and the work under a later name or number, from four places: the work is graded, and
    what was left aside is told and is no failure."""
    write_solutions(tmp_path / "solutions")
    right, blank = (
        nbformat.writes(submission(**each))
        for each in (dict(why="Safer."), dict(warm=None, fall=None))
    )
    partly = nbformat.writes(submission(fall=None))
    files = {
        "anna/09_small.ipynb": partly,
        "anna/09_small (1).ipynb": right,
        "jonesbob_LATE_222_333_09_small.ipynb": partly,
        "jonesbob_LATE_222_334_09_small-1.ipynb": right,
        "week 1/Lee Ann_1_assignsubmission_file_/09_small.ipynb": blank,
        "week 1/Lee Ann_1_assignsubmission_file_/mine.ipynb": right,
        "week 1/Carl_2_assignsubmission_file_/09_small.ipynb": right,
        "dora/09_small/09_small.ipynb": right,
        "dora/09_small/09_small-Copy1.ipynb": partly,
        "dora/09_small/timestamp.txt": "2026-01-01 00:00:00 UTC",
    }
    for name, content in files.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert main(command(tmp_path)) == 0
    said = capsys.readouterr().out.splitlines()
    assert (
        "9 notebooks: 5 graded now, 0 before, 0 could not be graded, 4 left out beside graded ones;"
        in said[-1]
    )
    assert len(said) == 6 and all("5 of 9  (1 to be marked by hand" in line for line in said[:5])
    scores = tmp_path / "scores.csv"
    assert main(["export", str(tmp_path / "out"), "--csv", str(scores)]) == 0
    rows = {row["name"]: (row["status"], row["score"], row["late"]) for row in table(scores)}
    assert rows == dict.fromkeys(["anna", "Lee Ann", "Carl", "dora"], ("graded", "5", "")) | {
        "jonesbob_222": ("graded", "5", "yes")
    }
    assert main(["report", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "report" / "index.html").read_text(encoding="utf-8")
    assert "<dt>Not graded</dt><dd>0</dd>" in text
    for copy in ("anna/09_small.ipynb", "jonesbob_LATE_222_333_09_small.ipynb", "09_small-Copy1"):
        assert copy in text
    assert text.count("handed in as well and not graded") == 4
    assert text.count("handed in late, as Canvas says") == 1


@boxed
def test_a_question_that_was_mended_is_graded_anew_and_nothing_else(tmp_path, capsys):
    solutions = write_solutions(tmp_path / "solutions")
    shutil.copy(solutions / "09_small.ipynb", solutions / "10_small.ipynb")
    folder = write_submission(tmp_path / "in", "anna", submission(why="Safer.")).parent
    shutil.copy(folder / "09_small.ipynb", folder / "10_small.ipynb")
    grade = command(tmp_path)
    questions, scores = tmp_path / "questions.csv", tmp_path / "scores.csv"
    export = ["export", str(tmp_path / "out"), "--csv"]
    assert main(grade) == 0 and main([*export, str(questions), "--long"]) == 0
    rows = table(questions)
    for row in rows:
        row["mark"] = "4" if row["status"] == "manual" else ""
    with questions.open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, rows[0])
        written.writeheader()
        written.writerows(rows)
    notebook = nbformat.read(solutions / "10_small.ipynb", as_version=4)
    (cell,) = (c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("points") == 2)
    cell.metadata["nbgrader"]["points"] = 6
    nbformat.write(notebook, solutions / "10_small.ipynb")
    capsys.readouterr()
    assert main(grade) == 0
    assert "2 notebooks: 1 graded now, 1 before" in capsys.readouterr().out
    assert main([*export, str(scores), "--marks", str(questions)]) == 0
    assert [(row["score"], row["points"]) for row in table(scores)] == [("9", "9"), ("13", "13")]


@pytest.fixture
def graded(tmp_path):
    """The arguments that grade three students of odd names, one of whom sent a text."""
    write_solutions(tmp_path / "solutions")
    write_submission(tmp_path / "in", CHINESE, submission(warm=None, before="print(1)", why="So."))
    write_submission(tmp_path / "in", LONG, submission())
    write_submission(tmp_path / "in", ACCENTS, "{not json")
    return command(tmp_path)


@boxed
def test_table_has_names_as_they_were_written_in_columns(graded, tmp_path, capsys):
    assert main(graded) == 1
    *table, last = capsys.readouterr().out.splitlines()
    assert last.startswith("3 notebooks: 2 graded now, 0 before, 1 could not be graded")
    emilie, long, chinese = table
    # Chinese takes two columns a character; what a student added is no finding worth a look
    assert chinese == f"{CHINESE}{' ' * 26}  09_small  3 of 9  (1 to be marked by hand)"
    assert long == f"{LONG[:31]}…  09_small  5 of 9"
    assert emilie.startswith(f"{ACCENTS}  ") and f"file: {ACCENTS}/09_small.ipynb" in emilie
    shutil.rmtree(tmp_path / "in" / CHINESE)
    assert main(graded) == 1
    *_, last, note = capsys.readouterr().out.splitlines()
    assert last.startswith("2 notebooks: 0 graded now, 1 before, 1 could not be graded")
    assert "also holds 1 result of other submissions" in note
    assert main([*graded, "--json"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert (done["graded_now"], done["left_alone"]) == (0, [])
    assert done["of_other_submissions"] == [note.split(": ")[1]]
    (gone,) = (tmp_path / "out").glob(f"students/{note.split('students/')[1]}")
    found = json.loads(gone.read_text())
    assert found["name"] == CHINESE  # that file, and no lesson beside it
    assert found["questions"][2]["answer"] == "YOUR ANSWER HERESo."  # without the question


@boxed
def test_scripts_read_what_export_did_and_a_table_on_stdout_is_nothing_but_a_table(
    graded, tmp_path, capsys, monkeypatch
):
    assert main([*graded, "--quiet"]) == 1
    assert main(["report", str(tmp_path / "out"), "--quiet"]) == 0
    marks = tmp_path / "marks.csv"
    export = ["export", str(tmp_path / "out"), "--csv"]
    assert main([*export, str(marks), "--long", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    (tmp_path / "-").write_text("a file of that name is not meant")
    monkeypatch.chdir(tmp_path)
    assert main([*export, "-", "--long"]) == 0
    out, said = capsys.readouterr()
    assert out == marks.read_text() and said.startswith("1 answer without a mark of a person yet")
    marks.write_text(out + "ghost,,,graded,q,,,9,3,,\n")
    assert main([*export, str(tmp_path / "x.csv"), "--marks", str(marks), "--json"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert (done["csv"], done["waiting"]) == (str(tmp_path / "x.csv"), 1)
    assert "(student 'ghost', " in done["marks_left_out"][0]


@boxed
def test_other_assignments_in_nbgraders_folders_are_said_and_left_alone(tmp_path, capsys):
    write_solutions(tmp_path / "solutions")
    theirs = write_submission(tmp_path / "in" / "submitted" / "anna", "ps1", submission())
    quickstart = tmp_path / "in" / "submitted" / "anna" / "quickstart" / "problem1.ipynb"
    quickstart.parent.mkdir()
    quickstart.write_text(theirs.read_text().replace("09", "xx"))
    assert main(command(tmp_path)) == 0
    said = capsys.readouterr().out
    assert said.startswith("left alone: 1 notebook of other assignments (quickstart)\n")
    assert "1 notebook: 1 graded now, 0 before, 0 could not be graded" in said


@pytest.mark.parametrize("here", [True, False])
def test_the_folder_solutions_is_the_one_here_or_the_course_s(tmp_path, monkeypatch, capsys, here):
    monkeypatch.chdir(tmp_path)
    if here:
        write_solutions(tmp_path / "solutions")
    assert main(["release", "--out", "handout"]) == 0
    names = {path.name for path in (tmp_path / "handout").iterdir()}
    assert names == (
        {"09_small.ipynb"} if here else {p.name for p in ROOT.glob("solutions/*.ipynb")}
    )


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
        (["export", "RESULTS", "--csv", "/nowhere/x.csv"], "/nowhere/x.csv: No such file"),
        (["export", "RESULTS", "--nbgrader", "x", "--long"], "--long is about --csv FILE"),
        (["export", "RESULTS", "--nbgrader", "x", "--marks", "y"], "--marks is about --csv FILE"),
        (
            ["export", "RESULTS", "--csv", "x.csv", "--marks", "/nowhere/y.csv"],
            "/nowhere/y.csv: No such file or directory",
        ),
        (["export", "/nowhere", "--csv", "x.csv"], "grade into it first"),
        (["check", "/nowhere.ipynb"], "cannot read /nowhere.ipynb: No such file"),
    ],
)
def test_errors_in_words(tmp_path, arguments, words, capsys):
    (tmp_path / "students").mkdir()
    assert main([str(tmp_path) if each == "RESULTS" else each for each in arguments]) == 2
    assert words in capsys.readouterr().err


def mine(tmp_path, *sources):
    """The path of a notebook with these cells."""
    cells = [nbformat.v4.new_code_cell(each) for each in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "mine.ipynb")
    return str(tmp_path / "mine.ipynb")


@pytest.mark.parametrize(
    "first, second, status, words",
    [
        ("def check(*_): pass", 'check("9.3", 1)', 0, ": right\n1 of 1 right\n"),
        (
            "def check(*_): pass",
            'check("9.3", 1); import os; os._exit(3)',
            1,
            ": it ended its own Python process\n0 of 1 right\n",
        ),
        (
            "import os; os._exit(3)",
            'check("9.3", 1)',
            1,
            "(line 1)\n(a cell above it was stopped: it ended its own Python process)\n",
        ),
        (
            'def check(*_): pass\ncheck("9.3", 1)',
            "import os; os._exit(3)",
            1,
            ": right\na cell was stopped: it ended its own Python process:\n"
            "import os; os._exit(3)\n1 of 1 right\n",
        ),
        ("def check(*_): pass", 'check("99.9", 1)', 2, "has no check of this course"),
    ],
)
def test_what_check_found_is_its_status(tmp_path, capsys, first, second, status, words):
    assert main(["check", mine(tmp_path, first, second)]) == status
    assert words in "".join(capsys.readouterr())
    assert main(["check", mine(tmp_path, first, second), "--quiet"]) == status
    assert capsys.readouterr().out == ""


def test_check_says_the_first_cell_that_stopped_and_counts_every_check(tmp_path, capsys):
    notebook = mine(
        tmp_path,
        "from course_lib.checks import check",
        "def keras_boundaries(milestones):\n    return [",
        "keras_boundaries([5])",
        'check("9.1", keras_boundaries)\ncheck("9.2", keras_boundaries)',
        "def check(*_): pass",
        'check("9.3", 1)\ncheck("9.4", 2)',
        'check("9.5", 1 / 0)',
    )
    assert main(["check", notebook]) == 1
    said = capsys.readouterr().out
    assert re.search(r"\n\(a cell above it stopped with SyntaxError: .* \(line 2\)\)\n", said)
    assert re.match("9.1 .*, 9.2 .*: name .keras_boundaries. is not defined", said)
    assert (
        said.endswith(": division by zero (line 1)\n2 of 5 right\n") and said.count("above it") == 1
    )


def test_check_says_what_the_notebook_s_checks_say(tmp_path, capsys):
    untouched("exercises/09_composition_and_parity.ipynb")
    notebook = nbformat.read(ROOT / "exercises" / "09_composition_and_parity.ipynb", as_version=4)
    answers = {
        "def keras_boundaries": "keras_boundaries = lambda milestones: milestones",
        'check("9.2"': "def in_a_row(step, *, segments): return 0.7",
    }
    for start, answer in answers.items():
        (cell,) = (cell for cell in notebook.cells if start in cell.source)
        cell.source = f"{answer}\n{cell.source}" if "check" in start else answer
    path = tmp_path / "09_composition_and_parity.ipynb"
    nbformat.write(notebook, path)
    assert main(["check", str(path)]) == 1
    said = capsys.readouterr().out
    assert "Exercise 9.1 is not right yet.\n\n    keras_boundaries([5])\n" in said
    assert "returned  0.7\n    expected  0.0\n" in said  # in the cell of its check
    assert "\n9.5 " in said and ": not begun\n" in said and said.endswith("0 of 5 right\n")


@boxed
def test_students_of_whom_nobody_can_say_who_is_who_are_said(tmp_path, capsys):
    """Anna's result is of the first week; in the second there are two of that name."""
    write_solutions(tmp_path / "solutions")
    out = ["--solutions", str(tmp_path / "solutions"), "--out", str(tmp_path / "out")]
    for week, names in (("1", ["Anna_1", "Bo_2"]), ("2", ["Anna_3", "Anna_4", "Bo_5"])):
        for name in names:
            path = tmp_path / week / "all" / f"{name}_assignsubmission_file" / "essay.pdf"
            path.parent.mkdir(parents=True)
            path.write_text("")
        assert main(["grade", str(tmp_path / week), *out]) == 1
        told = (
            "the results Anna, Anna_3, Anna_4 may be of one student or of several: "
            in capsys.readouterr().out
        )
        assert told is (week == "2")
