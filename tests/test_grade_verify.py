"""`lr-course verify` finds what is wrong with an exercise before a class does."""

import shutil
from dataclasses import replace
from pathlib import Path

import grading
import nbformat
import pytest
from grading import boxed, handed_out, solution_notebook, write_solutions

from course_lib import exercises
from course_lib.cli import main
from course_lib.exercises import call, curve
from course_lib.grade.intake.assignment import read_assignments
from course_lib.grade.intake.match import match
from course_lib.grade.intake.notebook import read_notebook
from course_lib.grade.verify import Bench, crossed, empty_answers, mutations
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.session import Workshop

ROOT = Path(__file__).parents[1]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The small assignment as solutions/ and exercises/, known to the course."""
    for name, each in grading.described().items():
        known = replace(each, lesson="09_small", points=grading.POINTS[name])
        monkeypatch.setitem(exercises.course(), each.id, known)
    write_solutions(tmp_path / "solutions")
    (tmp_path / "exercises").mkdir()
    text = nbformat.writes(handed_out()) + "\n"
    (tmp_path / "exercises" / "09_small.ipynb").write_text(text)
    return tmp_path


def verify(folder, capsys, *names):
    """The exit status and what was printed."""
    options = ["--solutions", str(folder / "solutions"), "--exercises", str(folder / "exercises")]
    status = main(["verify", *options, *names])
    return status, capsys.readouterr().out


@boxed
def test_a_good_assignment_passes(small, capsys):
    status, text = verify(small, capsys)
    assert status == 0, text
    assert "the solution earns 5 of 5" in text
    assert "the blank notebook earns 0 of 5" in text
    assert text.count("empty answers earn nothing") == 2
    assert text.endswith("all is well\n")


def change(folder, old, new):
    path = folder / "solutions" / "09_small.ipynb"
    notebook = solution_notebook()
    changed = 0
    for cell in notebook.cells:
        changed += old in cell.source
        cell.source = cell.source.replace(old, new)
    assert changed
    nbformat.write(notebook, path)


@boxed
def test_a_wrong_model_answer_is_told_with_its_group(small, capsys):
    change(small, "factor ** (step // every)", "factor ** (step / every)")
    status, text = verify(small, capsys)
    assert status == 1
    assert "the solution earns 2.75 of 5" in text and "falling: an answer is not right" in text


@boxed
def test_a_group_that_an_argument_passes_is_told(small, capsys, monkeypatch):
    lazy = grading.described()
    weak = {"without a fall": [call(0, lr=0.5, every=2), call(1, lr=0.25, every=2)]}
    lazy["fall"] = exercises.exercise(
        "9.2",
        grading.fall,
        hints=lazy["fall"].hints,
        shown=[call(5, lr=1.0, every=2), call(0, lr=1.0, every=2)],
        locked=[curve(range(7), lr=0.3, every=3)],
        hidden=weak,
    )
    monkeypatch.setattr(grading, "described", lambda: lazy)
    write_solutions(small / "solutions")
    status, text = verify(small, capsys)
    assert status == 1
    assert "earns 3: def fall(step, *, lr, every, factor=0.5):\n    return lr" in text
    # and what else would pass comes with a call that would catch it
    assert "earns everything: line" in text and "ask fall(" in text


@boxed
def test_files_that_are_missing_stale_or_tell_the_answer_are_told(small, capsys, monkeypatch):
    path = small / "exercises" / "09_small.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].source = grading.RIGHT["warm"]
    notebook.cells[0].source += "\n    return peak * min(1.0, (step + 1) / (steps + 1))"
    nbformat.write(notebook, path)
    status, text = verify(small, capsys)
    assert status == 1
    assert "09_small.ipynb is stale" in text
    assert "a line of a model answer" in text and text.endswith("\n2 things are wrong\n")
    path.unlink()
    monkeypatch.delitem(exercises.course(), "9.1")
    shutil.copy(small / "solutions" / "09_small.ipynb", small / "solutions" / "10_small.ipynb")
    status, text = verify(small, capsys, "09_small")
    assert status == 1 and "09_small.ipynb is missing" in text
    assert "09-warm: exercise 9.1 is not in exercises.json" in text and "10_small" not in text


def own(folder, name="09_small", above="", helper=False, points=None, answer=""):
    """A teacher's own lesson: another form of the answer `warm`, and other points."""
    notebook = solution_notebook()
    for place, cell in reversed([*enumerate(notebook.cells)]):
        options = cell.metadata.get("nbgrader", {})
        if points and options.get("grade") and cell.cell_type == "code":
            options["points"] = points.pop()
        if "def warm" in cell.source:
            cell.source = above + cell.source
            if helper:
                share = "def share(step, steps):\n    ### BEGIN SOLUTION\n"
                share += "    return (step + 1) / (steps + 1)\n    ### END SOLUTION"
                more = nbformat.v4.new_code_cell(share)
                more.metadata["nbgrader"] = grading.nbgrader(
                    "09-share", solution=True, cell_type="code"
                )
                cell.source = cell.source.replace("(step + 1) / (steps + 1)", "share(step, steps)")
                notebook.cells.insert(place + 1, more)
            cell.source = answer or cell.source
    path = folder / "solutions" / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


@boxed
def test_a_teachers_own_exercise_may_have_a_helper_a_magic_and_odd_points(small, capsys):
    path = own(small, above="%matplotlib inline\n", helper=True, points=[0.1, 0.2])
    out = ["--out", str(small / "exercises"), "--force"]
    assert main(["release", "--solutions", str(path.parent), *out]) == 0
    status, text = verify(small, capsys)
    assert status == 0 and "the solution earns 0.3 of 0.3" in text, text
    assert text.count("empty answers earn nothing") == 2


@boxed
def test_what_cannot_be_tried_is_a_line_and_the_other_lessons_are_tried(small, capsys):
    leak = own(small, "08_first")
    notebook = nbformat.read(leak, as_version=4)
    told = "    return peak * min(1.0, (step + 1) / (steps + 1))"
    notebook.cells.insert(1, nbformat.v4.new_markdown_cell(f"A hint:\n\n{told}"))
    nbformat.write(notebook, leak)
    (small / "exercises" / "09_small.ipynb").write_bytes("{}".encode("utf-16"))
    status, text = verify(small, capsys)
    assert status == 1 and "08_first.ipynb: cell 2 shows `return peak" in text
    assert "09_small.ipynb is not a notebook" in text


@boxed
def test_an_answer_without_def_is_said_and_the_next_is_tried(small, capsys):
    warm = "warm = lambda step, *, peak, steps: peak * min(1.0, (step + 1) / (steps + 1))"
    own(small, answer=f"### BEGIN SOLUTION\n{warm}\n### END SOLUTION")
    status, text = verify(small, capsys)
    assert status == 1 and "09-warm: no answer cell has `def warm`" in text
    assert text.count("empty answers earn nothing") == 1


@boxed
def test_an_answer_that_ends_the_process_of_others_is_tried_alone(small):
    """And one that ends it by itself as well earns nothing."""
    (assignment,) = read_assignments(small / "solutions").values()
    text = (small / "solutions" / "09_small.ipynb").read_text()
    plan = match(read_notebook(text), assignment)
    with Workshop(Limits(cell_seconds=2), level="namespaces", preload=()) as workshop:
        bench = Bench(plan, assignment, assignment.questions[0], workshop)
        assert bench.score(grading.RIGHT["warm"]) == 2
        bench.session.run("import os; os._exit(0)")
        assert bench.score(grading.RIGHT["warm"]) == 2
        assert bench.score(f"{grading.RIGHT['warm']}\nimport os; os._exit(0)") == 0
        assert bench.session is None
        assert bench.score(grading.RIGHT["warm"]) == 2
        bench.close()


def test_an_unknown_name_is_said(capsys):
    status = main(["verify", "11_no_such_lesson", "--solutions", str(ROOT / "solutions")])
    assert status == 2
    assert "no solutions named ['11_no_such_lesson']" in capsys.readouterr().err


@boxed
@pytest.mark.slow
def test_the_course_itself(capsys):
    """Every exercise of the course: full marks, none for nothing, mutations rejected, no leak."""
    folders = ["--solutions", str(ROOT / "solutions"), "--exercises", str(ROOT / "exercises")]
    status = main(["verify", *folders])
    text = capsys.readouterr().out
    assert status == 0, text
    assert text.count("empty answers earn nothing") == len(exercises.course())


# ---------------------------------------------------------------- wrong answers made by machine

SOURCE = '''def fall(step, *, lr, every=1):
    """Doc."""
    done = step // every
    if done < 0:
        return lr
    return min(lr, lr * 0.5**done)'''


def test_every_part_of_an_answer_is_mutated_once():
    endless = "def f(x):\n    while True:\n        return x\n"
    assert endless.strip() not in [text for _, text in mutations(endless)]
    changes = [change for change, _ in mutations(SOURCE)]
    assert len(set(changes)) == len(changes) == len({text for _, text in mutations(SOURCE)})
    for wanted in (
        "line 1: without `if done < 0:`",
        "line 3: `step // every` -> `step / every`",
        "line 4: `done < 0` -> `done <= 0`",
        "line 4: `done < 0` -> `True`",
        "line 6: `0.5` -> `1.5`",
        "line 6: `0.5` -> `-0.5`",
        "line 6: `0.5` -> `0.55`",
        "line 6: `0.5 ** done` -> `0.5 * done`",
        "line 6: `min` -> `max`",
    ):
        assert wanted in changes
    for _, text in mutations(SOURCE):
        compile(text, "mutation", "exec")
    assert mutations("math.floor(x)") == [("line 1: `math.floor` -> `math.ceil`", "math.ceil(x)")]


def test_empty_answers_return_constants_and_each_argument():
    answers = empty_answers(SOURCE, "fall")
    names = {"step", "lr", "every"}
    assert names <= {each.rpartition("return ")[2] for each in answers}
    for each in answers:
        names = {}
        exec(each, names)
        assert callable(names["fall"])


def test_crossed_calls_stay_among_calls_of_one_shape():
    calls = [call(1, lr=0.1), call(2, lr=0.2), call(3, lr=0.3, every=2), curve([1, 2], lr=5)]
    for each in crossed(calls):
        if each.via:
            assert each == calls[3]
        elif "every" in each.kwargs:
            assert each == calls[2]
        else:
            assert each.args[0] in (1, 2) and each.kwargs["lr"] in (0.1, 0.2)
    assert call(1, lr=0.2) in crossed(calls)
