"""What an assignment asks and pays, read from the notebooks of solutions/."""

import json
import sys
from pathlib import Path

import nbformat
import pytest
from grading import nbgrader
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.exercises import TOLERANCE, Exercise, Probe, call
from course_lib.grade.intake import assignment as module
from course_lib.grade.intake.assignment import AssignmentError, read_assignment, read_assignments

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder

GROUP = {
    "name": "many",
    "weight": 1.0,
    "probes": [{"call": {"args": [3.0]}, "reply": {"value": 9.0}}],
}
ANSWER = """def {name}(x):
    ### BEGIN SOLUTION
    return x * x
    ### END SOLUTION"""


def options(grade_id, **more):
    return {"nbgrader": nbgrader(grade_id, **more)}


def given(grade_id, source):
    return new_code_cell(source, metadata=options(grade_id, locked=True))


def answer(grade_id, source):
    return new_code_cell(source, metadata=options(grade_id, solution=True))


def check_source(exercise, name, groups=(GROUP,)):
    text = groups if isinstance(groups, str) else json.dumps(list(groups))
    return (
        f'from course_lib.checks import check\n\ncheck("{exercise}", {name})\n'
        f'### BEGIN HIDDEN TESTS\ncheck("{exercise}", {name}, hidden=r"""{text}""")\n'
        "### END HIDDEN TESTS"
    )


def check(grade_id, exercise="1.1", name="walk", points=2, groups=(GROUP,), source=None):
    source = check_source(exercise, name, groups) if source is None else source
    return new_code_cell(source, metadata=options(grade_id, grade=True, locked=True, points=points))


def question(grade_id, source, points=3):
    marks = options(grade_id, grade=True, solution=True, points=points)
    return new_markdown_cell(source, metadata=marks)


def cells():
    return [
        new_markdown_cell("# Lesson"),
        given("setup", 'import math\n\nframework = "torch"  # or "tensorflow"'),
        new_markdown_cell(
            "### Exercise 1.1 - Let it roll (code, 2 points, about 8 minutes)\n\nText."
        ),
        answer("a-1", "helper = 3"),  # shown to nobody: code of the kind `answer`
        answer("a-2", ANSWER.format(name="walk")),
        answer("a-3", "STEPS = 1\n### BEGIN SOLUTION\nSTEPS = 2\n### END SOLUTION"),
        check("c-1"),
        question("why-answer", "Because.", points=0),
        new_markdown_cell("### Exercise 1.2 - In words (3 points)"),
        question("words", "Why?\n\n<!-- BEGIN SOLUTION -->\n<!-- END SOLUTION -->"),
        new_markdown_cell("### Exercise 9.1 - Again"),
        answer("a-4", ANSWER.format(name="again")),
        check("c-2", "9.1", "again", points=0.5),
    ]


def write(folder, made, name="01_lesson"):
    path = folder / f"{name}.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=made)))
    return path


@pytest.fixture(autouse=True)
def known(monkeypatch):
    shown = (Probe(call(2.0), {"value": 4.0}),)
    exercise = Exercise("1.1", "walk", (), shown, (), tolerance=1e-3, title="From the index")
    monkeypatch.setattr(module, "course", lambda: {"1.1": exercise})


@pytest.fixture
def lesson(tmp_path):
    return read_assignment(write(tmp_path, cells()))


def test_cells_that_students_have(lesson):
    found = [(cell.grade_id, cell.kind) for cell in lesson.cells if cell.grade_id]
    assert found == [
        ("setup", "given"),
        ("a-2", "answer"),
        ("a-3", "answer"),
        ("c-1", "check"),
        ("words", "question"),
        ("a-4", "answer"),
        ("c-2", "check"),
    ]
    assert [cell.grade_id for cell in lesson.cells if cell.runs] == ["setup"]
    by_id = {cell.grade_id: cell for cell in lesson.cells}
    stub = "    # YOUR CODE HERE\n    raise NotImplementedError()"
    assert by_id["a-2"].released == f"def walk(x):\n{stub}"
    assert by_id["words"].released == "Why?\n\nYOUR ANSWER HERE"
    assert by_id["c-1"].released.endswith('check("1.1", walk)')


def test_questions(lesson):
    assert (lesson.name, lesson.points) == ("01_lesson", 5.5)
    first, words, again = lesson.questions
    assert (first.grade_id, first.exercise, first.name, first.points) == ("c-1", "1.1", "walk", 2.0)
    assert first.answers == ("a-2", "a-3") and not first.manual
    assert (first.title, first.tolerance, len(first.shown)) == ("From the index", 1e-3, 1)
    assert [(each.name, len(each.probes)) for each in first.groups] == [("many", 1)]
    assert words.manual and (words.exercise, words.title) == ("1.2", "In words")
    assert (words.answers, words.groups, words.points) == (("words",), (), 3.0)
    # An exercise that is not in the course's index has the title above it and nothing to show.
    assert (again.exercise, again.title, again.shown) == ("9.1", "Again", ())
    assert (again.answers, again.tolerance) == (("a-4",), TOLERANCE)


def test_a_number_of_ours_for_another_function_is_another_exercise(tmp_path):
    made = cells()
    made[4], made[6] = answer("a-2", ANSWER.format(name="run")), check("c-1", "1.1", "run")
    first = read_assignment(write(tmp_path, made)).questions[0]
    assert (first.title, first.shown) == ("Let it roll", ())


def test_a_heading_without_a_number_below_that_of_an_exercise_is_not_its_title(tmp_path):
    made = cells()
    made.insert(9, new_markdown_cell("#### Before you write\n\nThink."))
    words = read_assignment(write(tmp_path, made)).questions[1]
    assert (words.exercise, words.title) == ("1.2", "In words")


def test_a_written_question_without_a_region_is_answered_whole(tmp_path):
    made = cells()
    made[9] = question("words", "Because the floor falls.")
    (words,) = (cell for cell in read_assignment(write(tmp_path, made)).cells
                if cell.grade_id == "words")  # fmt: skip
    assert words.released == "YOUR ANSWER HERE"


def test_students_get_what_the_builder_and_nbgrader_hand_out():
    """On the course's own lessons: the same cells, character for character."""
    compared = 0
    for source in builder.lessons(builder.ROOT):
        exercises = builder.render(source, "exercises").cells
        for cell in builder.render(source, "solutions").cells:
            options = cell.metadata.get("nbgrader", {})
            kind = module._kind(cell, options)
            if kind is None:
                assert cell.id not in {each.id for each in exercises}
                continue
            theirs = next(each for each in exercises if each.id == cell.id)
            if "<!-- lessons -->" not in theirs.source:
                assert module._released(cell, kind) == theirs.source
                compared += 1
    assert compared > 30


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda made: made[0].update(source="# Other prose"), True),
        (lambda made: made[4].update(source=made[4].source.replace("x * x", "x**2")), True),
        (lambda made: made[1].update(source="import cmath"), False),
        (lambda made: made[4].update(source="# Look!\n" + ANSWER.format(name="walk")), False),
        (lambda made: made.__setitem__(6, check("c-1", points=1)), False),
        (lambda made: made.__setitem__(6, check("c-1", groups=({**GROUP, "weight": 2},))), False),
        (lambda made: made.pop(5), False),
    ],
)  # fmt: skip
def test_the_digest_changes_with_what_decides_a_score(tmp_path, change, same):
    before, after = cells(), cells()
    for old, new in zip(before, after):
        new.id = old.id
    first = read_assignment(write(tmp_path, before)).digest
    assert read_assignment(write(tmp_path, before)).digest == first
    change(after)
    assert (read_assignment(write(tmp_path, after)).digest == first) is same


@pytest.mark.parametrize(
    ("place", "cell", "words"),
    [
        (6, check("c-1", source="check_values(walk, [])"), 'expected one call check("1.1", functi'),
        (6, check("c-1", source='check("1.1", walk)'), "found 0"),
        (6, check("c-1", source=check_source("1.1", "walk") * 2), "found 2"),
        (6, check("c-1", source='check("1.1", lambda: 1, hidden="[]")'), "got check('1.1', lambda"),
        (6, check("c-1", source='check(walk, hidden="[]")'), "expected one call"),
        (6, check("c-1", source='check("1.1", walk, hidden=TEXT)'), "as a text"),
        (6, check("c-1", source="check("), "not Python"),
        (6, check("c-1", groups="[{"), "hidden groups cannot be read"),
        (6, check("c-1", groups="{}"), "no hidden groups"),
        (6, check("c-1", groups="[3]"), "hidden groups cannot be read"),
        (6, check("c-1", groups="[]"), "no hidden groups"),
        (6, check("c-1", groups=({**GROUP, "weight": 0},)), "must be numbers above 0, got [0]"),
        (6, check("c-1", groups=({**GROUP, "weight": True},)), "must be numbers above 0"),
        (6, check("c-1", groups=({**GROUP, "weight": float("nan")},)), "must be numbers above 0"),
        (6, check("c-1", groups=({**GROUP, "probes": []},)), "no probes"),
        (6, check("c-1", points=0), "points must be a number above 0, got 0"),
        (6, check("c-1", points="2"), "points must be a number above 0, got '2'"),
        (6, check("c-1", points=None), "points must be"),
        (6, check("a-2"), "another cell has this grade_id"),
        (6, check("c 1"), "letters, digits"),
        (6, check(["c"]), "letters, digits"),
        (6, new_markdown_cell("x", metadata=options("c-1", grade=True, points=1)), "code cell"),
        (4, answer("a-2", "### BEGIN SOLUTION\nx = 1"), "without END SOLUTION"),
        (4, answer("a-2", "### BEGIN SOLUTION\n### BEGIN SOLUTION"), "within BEGIN SOLUTION"),
        (11, new_code_cell("x = 1"), "no answer cell between"),
        (4, new_code_cell("x", metadata=options("a", grade=True, solution=True)), "cell below"),
    ],
)  # fmt: skip
def test_what_cannot_be_graded_is_refused_with_its_place(tmp_path, place, cell, words):
    made = cells()
    made[place] = cell
    with pytest.raises(AssignmentError, match=r"01_lesson\.ipynb, cell \d+") as error:
        read_assignment(write(tmp_path, made))
    assert words in str(error.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"nbformat": 4}', b"\xff\xfe", b"[" * 99999])
def test_a_broken_file_is_refused(tmp_path, text):
    (tmp_path / "x.ipynb").write_bytes(text)
    with pytest.raises(AssignmentError, match=r"x\.ipynb: not a readable notebook"):
        read_assignment(tmp_path / "x.ipynb")


def test_a_folder_of_assignments(tmp_path):
    write(tmp_path, cells(), "02_b")
    write(tmp_path, cells(), "01_a")
    (tmp_path / ".hidden.ipynb").write_text("")
    assert list(read_assignments(tmp_path)) == ["01_a", "02_b"]
    for empty in (tmp_path / "none", tmp_path / "01_a.ipynb"):
        with pytest.raises(AssignmentError, match="no notebooks here"):
            read_assignments(empty)
