"""What students get of solutions/: the builder's own exercises, and never an answer."""

import copy
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from built import untouched
from grading import nbgrader
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.grade.release import ReleaseError, leaks, release, released

ROOT = Path(__file__).parents[1]

ANSWER = '''\
def walk(start, *, lr, curvature, steps):
    """The positions of the ball."""
    ### BEGIN SOLUTION
    positions = [start]
    for _ in range(steps):
        positions.append(positions[-1] * (1 - lr * curvature))
    return positions
    ### END SOLUTION
'''
CHECK = '''\
from course_lib.checks import check

check("1.1", walk)
### BEGIN HIDDEN TESTS
check("1.1", walk, hidden=r"""[
{"name": "many updates", "weight": 1.0, "probes": [
  {"call": {"args": [3.0], "kwargs": {"lr": 0.1}}, "reply": {"value": [3.0, 1.5]}}]}
]""")
### END HIDDEN TESTS
'''
QUESTION = "Why does the ball run away?\n\n<!-- BEGIN SOLUTION -->\n<!-- END SOLUTION -->"


def options(grade_id, cell_type, role, points=None):
    """nbgrader's metadata as the builder writes it."""
    grade, solution, locked = {
        "setup": (False, False, True),
        "exercise": (False, True, False),
        "check": (True, False, True),
        "question": (True, True, False),
    }[role]
    found = dict(cell_type=cell_type, grade=grade, solution=solution, locked=locked)
    return nbgrader(grade_id, **found, **(dict(points=points) if grade else {}))


def lesson():
    """A lesson of solutions/ with one exercise of 1 point and one written question of 3."""
    cells = [
        new_code_cell('framework = "torch"', id="n-01"),
        new_markdown_cell("### Exercise 1.1 - Let the ball roll (1 point)", id="n-02"),
        new_code_cell(ANSWER.strip(), id="n-03", execution_count=2),
        new_code_cell(CHECK.strip(), id="n-04", execution_count=3),
        new_markdown_cell("Each step multiplies the position by the same factor.", id="n-05"),
        new_markdown_cell(QUESTION, id="n-06"),
    ]
    cells[3].outputs = [new_output("stream", name="stdout", text="Correct: 1.1\n")]
    tags = ["setup", "exercise", "exercise", "check", "answer", "exercise"]
    roles = ["setup", None, "exercise", "check", "question", "question"]
    names = ["n-setup-1", None, "n-exercise-1", "01-walk", "n-answer-1", "01-why"]
    points = [None, None, None, 1, 0, 3]
    for cell, tag, role, name, worth in zip(cells, tags, roles, names, points):
        cell.metadata["tags"] = [tag]
        if role:
            cell.metadata["nbgrader"] = options(name, cell.cell_type, role, worth)
    spec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": spec})


@pytest.fixture
def solutions(tmp_path):
    folder = tmp_path / "solutions"
    folder.mkdir()
    nbformat.write(lesson(), folder / "01_ball.ipynb")
    return folder


@pytest.mark.parametrize("path", sorted(ROOT.glob("solutions/*.ipynb")), ids=lambda p: p.stem)
def test_release_is_what_the_builder_makes(path, tmp_path):
    untouched(f"solutions/{path.name}", f"exercises/{path.name}")
    (made,) = release(ROOT / "solutions", tmp_path, [path.stem])
    assert made.read_bytes() == (ROOT / "exercises" / path.name).read_bytes()


def test_release_of_a_teachers_own_lesson(solutions, tmp_path):
    (path,) = release(solutions, tmp_path / "out")
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells] == ["n-01", "n-02", "n-03", "n-04", "n-06"]
    assert cells[2].source.endswith("# YOUR CODE HERE\n    raise NotImplementedError()")
    assert cells[3].source.strip().endswith('check("1.1", walk)')
    assert cells[4].source == "Why does the ball run away?\n\nYOUR ANSWER HERE"
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert not cells[0].metadata.get("deletable", True) and "editable" not in cells[0].metadata


def test_a_notebook_without_ids_of_cells_is_released_too(solutions, tmp_path):
    """As Colab and older editors save it."""
    notebook = json.loads(nbformat.writes(lesson()))
    notebook["nbformat_minor"] = 4
    for cell in notebook["cells"]:
        del cell["id"]
    (solutions / "01_ball.ipynb").write_text(json.dumps(notebook))
    (path,) = release(solutions, tmp_path / "out")
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    assert sources == [cell.source for cell in released(lesson(), "01_ball").cells]


def spoil_markers(notebook):
    notebook.cells[3].source = notebook.cells[3].source.replace("HIDDEN", "HIDEN")


def spoil_open_hidden_tests(notebook):
    lines = notebook.cells[3].source.split("\n")
    notebook.cells[3].source = "\n".join(line for line in lines if "###" not in line)


def spoil_comment(notebook):
    notebook.cells[1].source += "\n\n    positions.append(positions[-1] * (1 - lr * curvature))"


def spoil_short_line(notebook):
    notebook.cells[1].source += "\n\n    positions = [start]"


def spoil_own_cell(notebook):
    said = "positions.append(positions[-1] * (1 - lr * curvature))"
    notebook.cells[2].source = f'"""\n{said}\n"""\n{notebook.cells[2].source}'


def spoil_grade_id(notebook):
    """Two questions under one name, of which nbgrader would keep one score."""
    notebook.cells[5].metadata["nbgrader"]["grade_id"] = "01-walk"


def spoil_explanation(notebook):
    notebook.cells[1].source += "\n" + notebook.cells[4].source


def spoil_probe(notebook):
    notebook.cells[1].source += "\n" + notebook.cells[3].source.split("\n")[6]


def spoil_empty_region(notebook):
    """The region is there, and the answer stands above it."""
    source = notebook.cells[2].source.replace("    ### BEGIN SOLUTION\n", "")
    notebook.cells[2].source = source.replace(
        "    ### END SOLUTION", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION"
    )


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_markers,
        spoil_open_hidden_tests,
        spoil_comment,
        spoil_short_line,
        spoil_own_cell,
        spoil_grade_id,
        spoil_explanation,
        spoil_probe,
        spoil_empty_region,
    ],
)
def test_release_refuses_what_tells_an_answer(tmp_path, solutions, spoil):
    notebook = lesson()
    spoil(notebook)
    nbformat.write(notebook, solutions / "01_ball.ipynb")
    for for_nbgrader in (False, True):
        with pytest.raises(ReleaseError, match=r"01_ball.ipynb: (cell|the model|nbgrader)"):
            release(solutions, tmp_path / "out", nbgrader=for_nbgrader)
    assert not (tmp_path / "out").exists()


def test_leaks_do_not_trust_the_cutting():
    """As if nbgrader had cut nothing: every secret is found all the same."""
    whole = lesson()
    whole.cells.pop(4)
    found = " ".join(leaks(lesson(), whole))
    assert "model answer `walk` would be handed out" in found
    assert "still holds its output" in found and "nothing was cut" in found
    assert leaks(lesson(), released(lesson(), "x")) == []
    partly = copy.deepcopy(released(lesson(), "x"))
    partly.cells[0].source += "\npositions.append(positions[-1] * (1 - lr * curvature))"
    assert "cell 1 shows `positions.append" in " ".join(leaks(lesson(), partly))


def test_an_explanation_that_stayed_is_a_leak():
    clean = released(lesson(), "x")
    clean.cells.append(lesson().cells[4])
    assert "shows `Each step multiplies" in " ".join(leaks(lesson(), clean))


def test_a_lesson_with_magics_and_a_given_line_of_the_answer_can_be_released():
    with_magics = lesson()
    with_magics.cells[0].source += "\nfor _ in range(steps):\n    network(hidden=64)"
    with_magics.cells[0].source += "\ndef spread(values):\n    return max(values) - min(values)"
    with_magics.cells[1].source += "\n\n    return positions"
    answer, check = with_magics.cells[2:4]
    answer.source = f"def half(x):\n    return x / 2\n\n{answer.source}"
    answer.source = answer.source.replace("= [start]", "= [half(2 * start)]\n    steps += 1")
    with_magics.cells[1].source += "\n\n    steps += 1"
    check.source += "\nspread(walk(1, lr=1, curvature=1, steps=2))"
    with_magics.cells.insert(1, new_code_cell("%matplotlib inline", id="n-magic"))
    assert leaks(with_magics, released(with_magics, "x")) == []


def test_files_of_others_stay_unless_forced(solutions, tmp_path):
    (path,) = release(solutions, tmp_path / "out")
    release(solutions, tmp_path / "out")  # the same again is no trouble
    path.write_text("my own work")
    with pytest.raises(ReleaseError, match="differ from what would be written"):
        release(solutions, tmp_path / "out")
    assert path.read_text() == "my own work"
    release(solutions, tmp_path / "out", force=True)
    assert nbformat.read(path, as_version=4).cells


def test_errors_in_words(solutions, tmp_path):
    with pytest.raises(ReleaseError, match="no notebook 02; it has 01_ball"):
        release(solutions, tmp_path / "out", ["02"])
    with pytest.raises(ReleaseError, match="found none"):
        release(tmp_path / "nowhere", tmp_path / "out")
    (solutions / "01_ball.ipynb").write_text("{")
    with pytest.raises(ReleaseError, match="not a notebook that can be read"):
        release(solutions, tmp_path / "out")


def test_released_sources_serve_generate_assignment(solutions, tmp_path, monkeypatch):
    """What nbgrader releases from it is what `release` gives students, but for its checksums."""
    scripts = Path(sys.executable).parent  # nbgrader calls alembic, which is beside python
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    course = tmp_path / "course"
    (path,) = release(solutions, course, nbgrader=True)
    assert path == course / "source" / "01_ball" / "01_ball.ipynb"
    config = Config()
    config.CourseDirectory.root = str(course)
    config.LockCells.lock_readonly_cells = False  # a student chooses the framework
    assert NbGraderAPI(config=config).generate_assignment("01_ball")["success"]
    theirs = nbformat.read(course / "release" / "01_ball" / "01_ball.ipynb", as_version=4)
    ours = released(lesson(), "01_ball")
    assert [cell.source for cell in theirs.cells] == [cell.source for cell in ours.cells]
    for cell, own in zip(theirs.cells, ours.cells):
        cell.metadata.get("nbgrader", {}).pop("checksum", None)
        assert cell.metadata.get("nbgrader") == own.metadata.get("nbgrader")
