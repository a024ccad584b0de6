"""The notebook builder, on small lessons in a temporary course.

The last test hands a built lesson to nbgrader itself: a blank answer earns nothing, a right one all
points, one that passes only the visible test nothing, and nbgrader's own release shows no answer.
"""

import ast
import base64
import copy
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_output

from course_lib import exercises, files
from course_lib.grade import release

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder
import lesson_exercises
import lesson_install
import lesson_notebooks
import lesson_outputs
import lesson_pages

TOOLS = builder.ROOT / "tools"

HEAD = """\
# %% [markdown] tags=["setup"]
# # Decay the rate
#
# **You will be able to:** write a decay | rise
# in one line.
#
# **Minutes:** 30

# %% tags=["setup"]
framework = "torch"  # or "tensorflow"
"""

LESSON = (
    HEAD
    + """
# %% [markdown]
# The course:
#
# <!-- lessons -->

# %% alt="A straight line."
import matplotlib.pyplot as plt

from tqdm.auto import tqdm

print("before", sum(tqdm(range(3))))
plt.plot([1, 2])
plt.show()
print("after", {"a", "b", "c"})

# %%
import ipywidgets

ipywidgets.FloatSlider()

# %% alt="A box with one red pixel."
import base64

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx"
PIXEL += "0gAAAABJRU5ErkJggg=="


class Explorer(ipywidgets.VBox):
    def _repr_mimebundle_(self, **options):
        more = {"image/png": base64.b64decode(PIXEL), "text/html": "<img>"}
        return {**super()._repr_mimebundle_(**options), **more}


Explorer([ipywidgets.FloatSlider()])

# %% tags=["raises-exception"]
int("three")

# %% [markdown] tags=["exercise"]
# ### Exercise 1.1 - A fixed factor (code, 2 points, about 5 minutes)

# %% tags=["exercise"]
def decay(step, *, lr, factor):
    ### BEGIN SOLUTION
    rate = lr * factor**step
    return rate
    ### END SOLUTION

# %% tags=["exercise"]
print("given code")

# %% tags=["check"] grade_id="decay" points=2
from course_lib.checks import check

check("1.1", decay)

# %% tags=["probes"]
from course_lib.exercises import call, exercise

exercise(
    "1.1",
    decay,
    hints=["a nudge", "the idea", "nearly the code"],
    shown=[call(0, lr=0.5, factor=0.1), call(1, lr=0.5, factor=0.1)],
    locked=[call(2, lr=0.75, factor=0.5)],
    hidden={
        "few updates": [call(1, lr=0.125, factor=0.5), call(2, lr=0.5, factor=0.1)],
        "many updates": [call(7, lr=0.5, factor=0.3), call(9, lr=0.5, factor=0.3)],
    },
)

# %% [markdown] tags=["exercise"] grade_id="why" points=3
# Why does it never reach zero?

# %% [markdown] tags=["answer"]
# A product of factors above zero is above zero.

# %% tags=["answer"]
print("half is left after 7 updates")
"""
)


def course(root: Path, **lessons: str) -> Path:
    """A course of the given lessons; returns the path of the first."""
    (root / "lessons").mkdir()
    (root / "README.md").write_text("# Course\n\n<!-- lessons -->\n<!-- /lessons -->\n\nEnd.\n")
    for name, text in lessons.items():
        (root / "lessons" / f"{name[1:]}.py").write_text(text)
    return builder.lessons(root)[0]


@pytest.fixture
def lesson(tmp_path):
    return course(tmp_path, _01_decay=LESSON)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A course that was built once; do not change it."""
    source = course(tmp_path_factory.mktemp("built"), _01_decay=LESSON)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLBACKEND", "agg")  # as on a server; it must not cost us the figures
        assert builder.main([], root=source.parents[1]) == 0
    return source


def notebook(source: Path, folder: str):
    return nbformat.read(source.parents[1] / folder / f"{source.stem}.ipynb", as_version=4)


def numbered(notebook) -> dict:
    """The cells of a notebook by their number in the lesson; the one that installs is 0."""
    return {int(cell.id.rpartition("-")[2]): cell for cell in notebook.cells}


def numbers(notebook) -> list[int]:
    """Which cells of the lesson are in a notebook."""
    return list(numbered(notebook))


def by_id(notebook) -> dict:
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if "nbgrader" in cell.metadata
    }


# ---------------------------------------------------------------- where cells go, what is in them


def test_the_first_tag_says_where_a_cell_goes(lesson):
    assert numbers(builder.render(lesson, "notebooks")) == [1, 0, 2, 3, 4, 5, 6, 7]
    assert numbers(builder.render(lesson, "exercises")) == [1, 0, 2, 8, 9, 10, 11, 13]
    assert numbers(builder.render(lesson, "solutions")) == [1, 0, 2, 8, 9, 10, 11, 13, 14, 15]


def test_a_modifier_alone_leaves_the_cell_in_notebooks(tmp_path):
    source = course(tmp_path, _01_a=HEAD + '\n# %% tags=["nbval-check-output"]\n1 + 1\n')
    assert [numbers(builder.render(source, f)) for f in builder.FOLDERS] == [
        [1, 0, 2, 3],
        [1, 0, 2],
        [1, 0, 2],
    ]


CHECKED = 'from course_lib.checks import check\n\ncheck("1.1", decay)'


def test_solutions_and_hidden_tests_are_in_solutions_only(lesson):
    student = by_id(builder.render(lesson, "exercises"))
    teacher = by_id(builder.render(lesson, "solutions"))
    assert student["01_decay-exercise-1"].source == (
        "def decay(step, *, lr, factor):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    assert student["decay"].source == CHECKED
    assert "### BEGIN SOLUTION\n    rate = lr" in teacher["01_decay-exercise-1"].source
    start = '\n### BEGIN HIDDEN TESTS\ncheck("1.1", decay, hidden=r"""[\n'
    assert teacher["decay"].source.startswith(CHECKED + start)
    hidden = ast.parse(teacher["decay"].source).body[-1].value.keywords[0].value.value
    groups = exercises.hidden_groups(hidden)
    assert [group.name for group in groups] == ["few updates", "many updates"]
    assert groups[0].probes[0].reply == {"value": 0.0625}


def test_the_index_has_what_students_may_see(built):
    text = (built.parents[1] / builder.INDEX).read_text()
    assert text == builder.index_text(built.parents[1])
    index = json.loads(text)
    assert list(index) == ["1.1"]
    assert index["1.1"]["title"] == "A fixed factor" and index["1.1"]["points"] == 2
    assert index["1.1"]["lesson"] == "01_decay" and index["1.1"]["name"] == "decay"
    assert [each["reply"] for each in index["1.1"]["shown"]] == [{"value": 0.5}, {"value": 0.05}]
    assert set(index["1.1"]["locked"][0]) == {"call", "reply"}
    assert "hidden" not in text and "0.0625" not in text


def test_exercises_are_in_the_order_of_their_numbers(tmp_path):
    cells = LESSON[LESSON.index('# %% [markdown] tags=["exercise"]') :]
    cells = cells[: cells.index('# %% [markdown] tags=["exercise"] grade_id="why"')]
    second = cells.replace("1.1", "1.10").replace('grade_id="decay"', 'grade_id="b"')
    third = cells.replace("1.1", "1.2").replace('grade_id="decay"', 'grade_id="c"')
    course(tmp_path, _01_a=HEAD + "\n" + second + third + cells)
    assert list(json.loads(builder.index_text(tmp_path))) == ["1.1", "1.2", "1.10"]


def test_a_course_without_exercises_has_an_empty_index(tmp_path):
    course(tmp_path, _01_a=HEAD)
    assert builder.index_text(tmp_path) == "{}\n"


def test_nbgrader_metadata(lesson):
    flags = {
        name: [cell.metadata.nbgrader[key] for key in ("grade", "solution", "locked")]
        + [cell.metadata.nbgrader.get("points")]
        for name, cell in by_id(builder.render(lesson, "solutions")).items()
    }
    assert flags == {
        "01_decay-setup-1": [False, False, True, None],
        "01_decay-setup-2": [False, False, True, None],
        "01_decay-exercise-1": [False, True, False, None],
        "decay": [True, False, True, 2],
        "why": [True, True, False, 3],
        "01_decay-answer-1": [True, True, False, 0],
        "01_decay-answer-2": [False, True, False, None],
    }
    assert not by_id(builder.render(lesson, "notebooks"))


def test_students_cannot_delete_what_is_graded_nor_edit_a_check(lesson):
    exercise = builder.render(lesson, "exercises")
    assert [cell.metadata.get("deletable", True) for cell in exercise.cells] == (
        [False, True, False, True, False, True, False, False]
    )
    fixed = [cell for cell in exercise.cells if not cell.metadata.get("editable", True)]
    assert [cell.metadata.nbgrader.grade_id for cell in fixed] == ["decay"]


def test_grade_ids_survive_new_prose(lesson):
    before = list(by_id(builder.render(lesson, "solutions")))
    prose = '# %% [markdown] tags=["exercise"]\n# A new hint.\n\n# %%\nprint()\n\n'
    lesson.write_text(LESSON.replace("# %% [markdown]\n", prose + "# %% [markdown]\n", 1))
    assert list(by_id(builder.render(lesson, "solutions"))) == before


def test_metadata_has_only_what_readers_need(built):
    figure = numbered(notebook(built, "notebooks"))[4]
    assert figure.metadata == {"alt": "A straight line."}
    assert [notebook(built, folder).metadata for folder in builder.FOLDERS] == [
        lesson_notebooks.METADATA
    ] * 3


# ---------------------------------------------------------------- the cell that installs


@pytest.mark.parametrize("folder", builder.FOLDERS)
def test_the_first_code_cell_installs_and_is_the_same_everywhere(built, folder):
    found = notebook(built, folder)
    cell = next(cell for cell in found.cells if cell.cell_type == "code")
    assert (cell.id, cell.source) == ("01_decay-00", lesson_install.INSTALL)
    folded = {"tags": ["install"], "jupyter": {"source_hidden": True}}
    assert cell.metadata == folded and cell.outputs == []
    ast.parse(cell.source)  # no magics: a grader runs it without IPython


def installed(monkeypatch, *, missing, source=None, fails=False) -> list[str]:
    """What the cell asks pip for where these modules are missing: each call's last argument."""
    asked = []

    def run(command, **options):
        assert command[:4] == [sys.executable, "-m", "pip", "install"]
        asked.append(command[-1])
        return SimpleNamespace(returncode=int(fails), stderr="No matching distribution")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in missing else 1)
    monkeypatch.delenv("LR_COURSE_SOURCE", raising=False)
    if source is not None:
        monkeypatch.setenv("LR_COURSE_SOURCE", source)
    exec(lesson_install.INSTALL, {"__name__": "__main__"})
    return asked


def test_where_the_course_is_the_cell_says_and_starts_nothing(monkeypatch, capsys):
    names = {}
    monkeypatch.setattr(subprocess, "run", None)
    exec(lesson_install.INSTALL, names)
    assert names.keys() - {"__builtins__"} == {"find_spec"}  # so that no answer leans on the others
    assert capsys.readouterr() == ("", "")
    assert installed(monkeypatch, missing={"torch", "tensorflow"}) == []


@pytest.mark.parametrize(
    "missing, source, asked",
    [
        (set(), None, "..[notebook]"),
        (set(), "", "..[notebook]"),
        ({"torch", "tensorflow"}, None, "..[notebook,torch,tensorflow]"),
        ({"tensorflow"}, "./a.whl", "./a.whl[notebook,tensorflow]"),
        (set(), "https://x.org/a.whl", "lr-course[notebook] @ https://x.org/a.whl"),
        ({"torch"}, "git+https://x.org/a", "lr-course[notebook,torch] @ git+https://x.org/a"),
    ],
)
def test_what_it_asks_pip_for(monkeypatch, capsys, missing, source, asked):
    assert installed(monkeypatch, missing={"course_lib", *missing}, source=source) == [asked]
    assert capsys.readouterr().out.startswith(f"Installing {asked}, ")


def test_where_pip_fails_it_says_what_to_do(monkeypatch):
    with pytest.raises(RuntimeError, match=r"No matching(.|\n)*Set os.environ\['LR_COURSE_SOURCE'"):
        installed(monkeypatch, missing={"course_lib"}, fails=True)


def test_the_extras_that_it_asks_for_are_there():
    project = tomllib.loads((builder.ROOT / "pyproject.toml").read_text())["project"]
    assert project["name"] == lesson_install.NAME
    assert {"notebook", "torch", "tensorflow"} <= project["optional-dependencies"].keys()


def test_a_student_may_delete_it(built):
    """Nobody is told, and nothing else is run, when it is gone or from an older release."""
    from course_lib.grade.intake.assignment import read_assignment
    from course_lib.grade.intake.match import match
    from course_lib.grade.intake.notebook import read_notebook

    assignment = read_assignment(built.parents[1] / "solutions" / f"{built.stem}.ipynb")
    whole = notebook(built, "exercises")
    without = copy.deepcopy(whole)
    del without.cells[1]
    plan, other = (match(read_notebook(nbformat.writes(n)), assignment) for n in (whole, without))
    assert plan == other and not plan.findings
    assert plan.steps[0].source == lesson_install.INSTALL


# ---------------------------------------------------------------- mistakes that fail the build

EXERCISE = '# %% tags=["exercise"]\n'
CHECK = '# %% tags=["check"] '
QUESTION = '# %% [markdown] tags=["exercise"] '
BEGIN, END = "### BEGIN SOLUTION\n", "### END SOLUTION\n"
# Each is the third cell, which starts in line 12.
MISTAKES = {
    "open region": (EXERCISE + BEGIN + "x = 1", ":13 .*open region; close it with `### END SOL"),
    "nested region": (EXERCISE + BEGIN + "x = 1\n" + BEGIN + END, ":15 .*`### BEGIN SOL.* nested"),
    "stray end": (EXERCISE + "x = 1\n" + END, ":14 .*`### END SOLUTION` is stray"),
    "empty region": (EXERCISE + BEGIN + END, ":14 .*empty"),
    "misspelt marker": (EXERCISE + "## BEGIN SOLUTION\nx = 1", ":13 .*`## BEGIN SOL.* misspelt"),
    "misspelt region": (EXERCISE + "### BEGIN SOLUTON\nx = 1", ":13 .*misspelt"),
    "prose like a marker": ("# %%\n# the BEGIN SOLUTION line", ":13 .*no region"),
    "import beside an answer": (
        EXERCISE + "import torch\n\n\n" + BEGIN + "x = 1\n" + END,
        ":12 .*no import beside an answer",
    ),
    "region in given code": ('# %% tags=["setup"]\n' + BEGIN + "x = 1\n" + END, ":13 .*no region"),
    "region in a question": (QUESTION + "\n# ### BEGIN SOLUTION", ":13 .*no region"),
    "solution in a check": (CHECK + 'grade_id="a" points=1\n' + BEGIN, ":13 .*no region"),
    "hidden tests in a check": (
        CHECK + 'grade_id="a" points=1\n### BEGIN HIDDEN TESTS\nx\n### END HIDDEN TESTS',
        ":13 .*allowed here: no region",
    ),
    "test in an exercise": (
        EXERCISE + "### BEGIN HIDDEN TESTS",
        ":13 .*`### BEGIN SOLUTION`, code",
    ),
    "unknown tag": ('# %% tags=["exercice"]\nx', ":12 .*'exercice'; first comes setup, exercise"),
    "two roles": ('# %% tags=["setup", "check"]\nx', ":12 .*cannot use tag 'check'"),
    "unknown option": (
        '# %% tag=["exercise"]\nx',
        ":12 .*cannot use {'tag': .*options are .'tags'",
    ),
    "unreadable options": ("# %% tags=[exercise]\nx", ":12 .*cannot use .*tags=.exercise"),
    "check without points": (CHECK + 'grade_id="a"\nx', ":12 .*points=N above 0; .*points=None"),
    "check without grade_id": (CHECK + "points=2\nx", ":12 .*got grade_id=None points=2"),
    "check worth nothing": (CHECK + 'grade_id="a" points=0\nx', ":12 .*above 0; .*points=0"),
    "check in prose": (CHECK.replace("%%", "%% [markdown]") + "\n# x", ":12 .*must be a code cell"),
    "probes in prose": ('# %% [markdown] tags=["probes"]\n# x', ":12 .*must be a code cell"),
    "probes alone": ('# %% tags=["probes"]\nx', ":12 .*right after the check"),
    "probes with points": ('# %% tags=["probes"] points=2\nx', ":12 .*points are for checks"),
    "other code in a check": (
        CHECK + 'grade_id="a" points=1\nprint(1)\ncheck("1.1", f)',
        ":12 .*a check cell is `check.*nothing else",
    ),
    "no check in a check": (CHECK + 'grade_id="a" points=1\nassert f(1)', ":12 .*a check cell is"),
    "check of a value": (
        CHECK + 'grade_id="a" points=1\ncheck("1.1", f(2))',
        ":12 .*check cell is",
    ),
    "broken check": (CHECK + 'grade_id="a" points=1\ncheck("1.1", f', ":12 .*a check cell is"),
    "id of another lesson": (
        CHECK + 'grade_id="a" points=1\ncheck("2.1", f)',
        ":12 .*start with 1[.] here: 2.1",
    ),
    "check without probes": (
        CHECK + 'grade_id="a" points=1\ncheck("1.1", f)\n\n# %%\n1',
        ":12 .*tagged probes must follow, for exercise 1.1",
    ),
    "question without points": (QUESTION + 'grade_id="a"\n# x', ":12 .*points=None"),
    "grade_id with a dot": (CHECK + 'grade_id="3.1" points=1\nx', ":12 .*letters, .*'3.1'"),
    "grade_id not text": (CHECK + "grade_id=3 points=1\nx", ":12 .*in quotes; got grade_id=3"),
    "grade_id on given code": ('# %% tags=["setup"] grade_id="a"\nx', ":12 .*no answer to grade"),
    "points on an exercise": ('# %% tags=["exercise"] points=2\nx', ":12 .*points are for checks"),
    "framework twice": ('# %% tags=["setup"]\nframework = "torch"', ": .* found it 2 times"),
}


@pytest.mark.parametrize("cell, message", MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_an_error_with_its_place(tmp_path, capsys, cell, message):
    source = course(tmp_path, _01_a=HEAD + "\n" + cell)
    with pytest.raises(builder.LessonError, match=f"^lessons/01_a.py{message}"):
        builder.read_lesson(source)
    assert builder.main([], root=tmp_path) == 1
    assert capsys.readouterr().err.startswith("lessons/01_a.py")


SHOWN = "shown=[call(0, lr=0.5, factor=0.1), call(1, lr=0.5, factor=0.1)]"


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            '"1.1",\n',
            '"1.2",\n',
            r":\d+ .cell 12.*the last statement must be `exercise\(\"1.1\", decay, hints",
        ),
        ("    decay,\n", "    other,\n", r":\d+ .cell 12.*the last statement must be"),
        (
            "    },\n)\n",
            "    },\n)\n1\n",
            r":\d+ .cell 12.*the last statement",
        ),
        (
            "(code, 2 points",
            "(code, 3 points",
            r":\d+ .cell 11.*no heading `### Exercise 1.1 - Title .code, 2 points",
        ),
        (" - A fixed", ": A fixed", r":\d+ .cell 11.*no heading"),
        (
            f"    {BEGIN}    rate = lr * factor**step\n    return rate\n    {END}",
            "    return lr * factor**step\n",
            r":\d+ .cell 11.*students would get it whole: put the answer of exercise 1.1",
        ),
        ('"the idea", ', "", r":\d+ .cell 12.*ValueError: exercise 1.1: write three hints"),
        (
            SHOWN,
            "shown=[call(0, lr=0.5, factor=0.1)]",
            r":\d+ .cell 12.*a constant passes all shown",
        ),
        (
            "call(7, lr=0.5",
            "call(9, lr=0.5",
            r":\d+ .cell 12.*a constant passes all of hidden 'many",
        ),
        (
            "call(7, lr=0.5, factor=0.3)",
            "call(1, lr=0.5, factor=0.1)",
            r":\d+ .cell 12.*students can see",
        ),
        ("call(7, lr=0.5", "call(7, rate=0.5", r":\d+ .cell 12.*is {'error': .'TypeError'"),
        (
            "rate = lr * factor**step",
            "rate = lr * factor**stop",
            r":\d+ .cell 12.*is {'error': .'NameError'",
        ),
        (
            "def decay(step",
            "def decay(step=1/0",
            r":\d+ .cell 9.*ZeroDivisionError: division by zero",
        ),
    ],
)
def test_mistake_in_an_exercise_is_an_error_with_its_place(lesson, capsys, old, new, message):
    assert LESSON.count(old) == 1
    lesson.write_text(LESSON.replace(old, new))
    with pytest.raises(builder.LessonError, match=f"^lessons/01_decay.py{message}"):
        lesson_exercises.exercises_of(lesson)
    assert builder.main(["--check"], root=lesson.parents[1]) == 1
    assert capsys.readouterr().err.startswith("lessons/01_decay.py")


@pytest.mark.parametrize(
    "old, new, message",
    [
        (
            'framework = "torch"',
            'framework = "jax"',
            "01_a.py: expected the line .* found it 0 times",
        ),
        ("# # Decay", "# Decay", r"01_a.py:1 \(cell 1\): the first cell must be markdown"),
        ("# **Minutes:** 30", "# half an hour", "01_a.py:1 .*Minutes"),
        ("able to:**", "able to**", "01_a.py:1 .*You will be able to"),
        ('[markdown] tags=["setup"]', "[markdown]", "01_a.py:1 .*tagged setup"),
        (
            "# %% [markdown]",
            "import math\n# %% [markdown]",
            "2 lines start with .* there are 3 cells",
        ),
    ],
)
def test_lesson_without_its_head_is_an_error(tmp_path, old, new, message):
    source = course(tmp_path, _01_a=HEAD.replace(old, new, 1))
    with pytest.raises(builder.LessonError, match=message):
        builder.read_lesson(source)


def test_framework_line_outside_setup_is_an_error(tmp_path):
    source = course(tmp_path, _01_a=HEAD.replace('# %% tags=["setup"]', "# %%"))
    with pytest.raises(builder.LessonError, match="in a code cell tagged setup; found it 1 times"):
        builder.read_lesson(source)


def test_grade_ids_are_unique_in_the_course(tmp_path):
    cell = '\n# %% tags=["check"] grade_id="same" points=1\npass\n'
    course(tmp_path, _01_a=HEAD + cell, _02_b=HEAD + cell)
    with pytest.raises(builder.LessonError, match=r"02_b.py:12 .* is taken by cell 01_a-03"):
        builder.check_grade_ids(builder.lessons(tmp_path))


# ---------------------------------------------------------------- leaks

SECRET = EXERCISE + BEGIN + "rate = peak_lr / 2**step\n" + END + "\n"


@pytest.mark.parametrize(
    "cell",
    [
        QUESTION + "\n# Hint:\n#\n#     rate = peak_lr / 2**step",
        EXERCISE + "rate = peak_lr / 2**step\n" + BEGIN + "x = 1\n" + END,
    ],
    ids=["in a hint", "beside another answer"],
)
def test_an_answer_that_students_can_read_fails_the_build(tmp_path, capsys, cell):
    course(tmp_path, _01_a=f"{HEAD}\n{SECRET}{cell}\n")
    assert builder.main([], root=tmp_path) == 1
    message = (
        r"lessons/01_a\.py: cell \d shows `rate = peak_lr / 2\*\*step`, a line of a model answer"
    )
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "exercises").exists()


def test_a_line_of_an_answer_cell_leaks_too(tmp_path):
    cells = '# %% [markdown] tags=["exercise"]\n# It is above zero.\n\n'
    cells += '# %% [markdown] tags=["answer"]\n# It is above zero.\n'
    with pytest.raises(builder.LessonError, match="shows `It is above zero"):
        builder.render(course(tmp_path, _01_a=f"{HEAD}\n{cells}"), "exercises")


@pytest.mark.parametrize("tag", ["setup", "exercise"])
def test_given_code_is_no_secret(tmp_path, tag):
    given = f'# %% tags=["{tag}"]\nrate = peak_lr / 2**step\n'
    assert builder.leaks(course(tmp_path, _01_a=f"{HEAD}\n{SECRET}{given}"), "{}") == []


@pytest.mark.parametrize(
    "line",
    [
        "Try decay(9, lr=0.5, factor=0.3).",
        "Try decay(9,lr = 0.5,factor = 0.3).",
        "At update 7 it is 0.00010935 of the rate.",
        'Ask for {"args": [2], "kwargs": {"lr": 0.5, "factor": 0.1}}.',
    ],
)
def test_a_hidden_call_or_answer_that_students_can_read_is_a_leak(lesson, line):
    heading = "# ### Exercise 1.1"
    lesson.write_text(LESSON.replace(heading, f"# {line}\n#\n{heading}"))
    assert "hidden in exercise 1.1; hide another call" in builder.leaks(lesson, "{}")[0]


def test_a_hidden_call_that_another_exercise_shows_is_a_leak_and_nothing_is_written(lesson, capsys):
    index = lesson.parents[1] / builder.INDEX
    index.parent.mkdir()
    call = {"args": [2], "kwargs": {"lr": 0.5, "factor": 0.1}}
    index.write_text(before := json.dumps({"2.1": {"lesson": "02_b", "shown": [call]}}))
    assert builder.main([str(lesson)], root=lesson.parents[1]) == 1
    said = capsys.readouterr().err
    assert "exercise 2.1 (course_lib/exercises.json) shows students" in said
    assert "hidden in exercise 1.1; hide another call" in said
    assert index.read_text() == before and not (lesson.parents[1] / "notebooks").exists()


def test_a_builder_that_forgets_to_blank_is_caught(lesson, monkeypatch):
    """Check that the leak check does not rely on the blanking that it checks."""
    assert builder.leaks(lesson, "{}") == []
    solutions = builder.render(lesson, "solutions")
    assert "hidden in exercise 1.1" in builder.leaks(lesson, "{}", solutions)[-1]
    monkeypatch.setattr(release, "prepared", lambda notebook, *steps: notebook)
    with pytest.raises(builder.LessonError, match="model answer `decay` would be handed out"):
        builder.render(lesson, "exercises")


# ---------------------------------------------------------------- flavours, table, README


def test_outputs_from_a_prediction_to_the_text_after_its_outcome_are_folded():
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [code("1"), code('predict("1.a", "Up?", {})'), text("So:"), code("2")]
    cells += [code('predict(\n    "1.b", "Down?", {})'), code('outcome("1.a", "yes")'), code("3")]
    cells += [
        code('x = 1\noutcome(\n    "1.b", "no")'),
        code("a picture of it"),
        text(""),
        code("4"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    lesson_notebooks.fold_outcomes(notebook)
    folded = [bool(cell.metadata.get("jupyter")) for cell in cells if cell.cell_type == "code"]
    assert folded == [False, False, True, True, True, True, True, True, False]


def test_the_minutes_of_a_notebook_are_told_for_the_lesson_and_for_its_exercises(lesson):
    for folder in builder.FOLDERS:
        text = "\n".join(cell.source for cell in builder.render(lesson, folder).cells)
        assert "\n**Minutes:** 30 for the lesson, 5 for its exercises\n" in text, folder


def test_a_folded_output_begins_with_nothing(tmp_path):
    """JupyterLab shows the first line of a folded output beside the dots: often the answer."""
    cell = nbformat.v4.new_code_cell("print(1)", metadata={"jupyter": {"outputs_hidden": True}})
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="the answer\n")]
    shown = copy.deepcopy(cell)
    shown.metadata = nbformat.from_dict({})
    quiet = nbformat.v4.new_code_cell("x = 1", metadata=cell.metadata)
    compared = copy.deepcopy(cell)  # by nbval, with what the lesson shows
    compared.metadata["tags"] = ["nbval-check-output"]
    notebook = nbformat.v4.new_notebook(cells=[cell, shown, quiet, compared])
    lesson_outputs.tidy(tmp_path / "lessons" / "01_a.py", notebook)
    assert [dict(output.get("data", {})) for output in cell.outputs] == [{"text/html": ""}, {}]
    assert [output.text for output in shown.outputs] == ["the answer\n"] and not quiet.outputs
    assert compared.outputs == shown.outputs


def test_flavoured_replaces_the_one_line(lesson):
    torch = builder.render(lesson, "notebooks")
    before = copy.deepcopy(torch)
    other = lesson_notebooks.flavoured(torch, "tensorflow")
    assert numbered(other)[2].source == 'framework = "tensorflow"  # or "tensorflow"'
    assert torch == before
    with pytest.raises(builder.LessonError, match="0 times, expected once"):
        lesson_notebooks.flavoured(other, "tensorflow")


def test_lesson_table_has_links_that_fit_the_page(lesson):
    row = (
        "| 1 | [Decay the rate]({0}notebooks/01_decay.ipynb) · "
        "[exercises]({0}exercises/01_decay.ipynb) · [solutions]({0}solutions/01_decay.ipynb) | "
        r"write a decay \| rise in one line. | 30 |"
    )
    assert lesson_pages.lesson_table(lesson.parents[1]).split("\n")[2:] == [row.format("")]
    page = numbered(builder.render(lesson, "notebooks"))[3].source
    assert page.startswith("The course:\n\n| No. |") and page.endswith("\n" + row.format("../"))


def test_readme_keeps_what_is_around_the_table(lesson):
    root = lesson.parents[1]
    table = lesson_pages.lesson_table(root, brief=True)
    assert table.endswith(r"| Write a decay \| rise in one line | 30 + 5 |")
    text = f"# Course\n\n<!-- lessons -->\n\n{table}\n\n<!-- /lessons -->\n\nEnd.\n"
    assert lesson_pages.readme(root) == text
    (root / "README.md").write_text(text)
    assert lesson_pages.readme(root) == text


def test_readme_without_markers_is_an_error(lesson, capsys):
    (lesson.parents[1] / "README.md").write_text("# Course\n")
    assert builder.main([], root=lesson.parents[1]) == 1
    assert "README.md: write the lines `<!-- lessons -->`" in capsys.readouterr().err


# ---------------------------------------------------------------- outputs


def test_building_twice_gives_the_same_bytes(built, tmp_path):
    again = course(tmp_path, _01_decay=LESSON)
    assert builder.main([], root=tmp_path) == 0
    for folder in builder.FOLDERS:
        first, second = (path.parents[1] / folder / "01_decay.ipynb" for path in (built, again))
        assert first.read_bytes() == second.read_bytes()


def test_figure_has_alt_text_and_order_is_kept(built):
    before, figure, after = numbered(notebook(built, "notebooks"))[4].outputs
    assert (before.text, after.text[:6]) == ("before 3\n", "after ")
    assert base64.b64decode(figure.data["image/png"]).startswith(b"\x89PNG")
    assert figure.data["text/plain"] == "Figure: A straight line."
    assert figure.metadata["image/png"]["alt"] == "A straight line."


def test_widgets_are_kept_as_what_needs_no_kernel(built):
    cells = numbered(notebook(built, "notebooks"))
    assert set(cells[5].outputs[0].data) == {"text/plain"}
    assert set(cells[6].outputs[0].data) == {"text/plain", "image/png"}
    assert cells[6].outputs[0].data["text/plain"] == "Figure: A box with one red pixel."


def test_expected_error_is_kept_without_its_frames(built):
    (error,) = numbered(notebook(built, "notebooks"))[7].outputs
    assert error.traceback == ["ValueError: invalid literal for int() with base 10: 'three'"]


def test_exercises_have_no_outputs_and_the_others_count_from_one(built):
    counts = {
        folder: [
            cell.execution_count
            for cell in notebook(built, folder).cells
            if cell.cell_type == "code"
        ]
        for folder in builder.FOLDERS
    }
    assert counts == {
        "notebooks": [1, 2, 3, 4, 5, 6],
        "exercises": [None] * 5,
        "solutions": [1, 2, 3, 4, 5, 6],
    }
    assert not any(cell.get("outputs") for cell in notebook(built, "exercises").cells)


def cell_with(source, output, tags=(), number=4):
    """The lesson's notebook with one output, in the cell of that number."""
    lesson = builder.read_lesson(source)
    lesson.cells[number - 1].outputs = [output]
    lesson.cells[number - 1].metadata.setdefault("tags", []).extend(tags)
    return lesson


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


PICTURE = new_output("display_data", {"image/png": "iVBOR", "text/plain": "<Figure>"})
BAD_OUTPUTS = {
    "stderr": (
        stream("2026-01-01 cuda", "stderr"),
        5,
        "stderr; silence it or .*stderr-ok\n2026-01-01 cuda",
    ),
    "home": (stream(f"{Path.home()}/data"), 5, "a folder of this machine"),
    "environment": (stream(f"{sys.prefix}/lib"), 5, "a folder of this machine"),
    "scratch": (
        new_output("display_data", {"text/html": "<p>/tmp/x</p>"}),
        5,
        "print it: .'<p>/tmp/x</p>'",
    ),
    "address": (
        new_output("display_data", {"text/plain": "<f at 0x7f3a5c10e0d0>"}),
        5,
        "0x7f3a5c10e0d0",
    ),
    "picture without alt": (PICTURE, 5, 'add the option alt="what it shows"'),
    "value of a check": (new_output("execute_result", {"text/plain": "0.5"}), 11, "for the points"),
}


@pytest.mark.parametrize("output, number, message", BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_output_that_no_reader_should_get_is_an_error(lesson, output, number, message):
    with pytest.raises(
        builder.LessonError, match=rf"lessons/01_decay.py:\d+ \(cell {number}\).*{message}"
    ):
        builder.tidy(lesson, cell_with(lesson, copy.deepcopy(output), number=number))


def test_stderr_is_accepted_where_asked_for_but_never_in_a_check(lesson):
    noise = stream("careful", "stderr")
    builder.tidy(lesson, cell_with(lesson, noise, ["stderr-ok"]))
    with pytest.raises(builder.LessonError, match="0 points"):
        builder.tidy(lesson, cell_with(lesson, noise, ["stderr-ok"], number=11))


def test_what_tensorflow_logs_is_dropped(lesson):
    log = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    log += "I0000 00:00:1795225145.863774    9163 cudart_stub.cc:31] Could not find cuda drivers.\n"
    changed = cell_with(lesson, stream("one "))
    changed.cells[3].outputs += [stream(log[:50], "stderr"), stream(log[50:], "stderr")]
    changed.cells[3].outputs += [stream("two")]
    builder.tidy(lesson, changed)
    assert changed.cells[3].outputs == [stream("one two")]


def test_split_streams_are_joined(lesson):
    changed = cell_with(lesson, stream("one "))
    changed.cells[3].outputs += [stream("two"), copy.deepcopy(PICTURE), stream("three")]
    builder.tidy(lesson, changed)
    assert [output.get("text") for output in changed.cells[3].outputs] == ["one two", None, "three"]


def test_failing_cell_is_named_and_nothing_is_written(lesson, capsys):
    lesson.write_text(LESSON.replace("ipywidgets.FloatSlider()\n\n", "ipywidgets.Slider()\n\n"))
    assert builder.main([str(lesson)], root=lesson.parents[1]) == 1
    message = capsys.readouterr().err
    assert message.startswith("lessons/01_decay.py:27 (cell 5): failed in notebooks/")
    assert "AttributeError" in message and "ipywidgets.Slider()" in message
    assert list((lesson.parents[1] / "notebooks").iterdir()) == []


def test_endless_cell_is_named(lesson):
    lesson.write_text(HEAD + "\n# %%\nwhile True:\n    pass\n")
    (lesson.parents[1] / "notebooks").mkdir()
    with pytest.raises(
        builder.LessonError, match=r"01_decay.py:12 \(cell 3\): failed in notebooks"
    ):
        builder.execute(lesson, builder.render(lesson, "notebooks"), "notebooks", timeout=1)


def test_failing_installation_is_named(lesson):
    (lesson.parents[1] / "notebooks").mkdir()
    broken = builder.render(lesson, "notebooks")
    broken.cells[1].source = "1 / 0"
    with pytest.raises(builder.LessonError, match=r"^tools/lesson_install\.py, for 01_d"):
        builder.execute(lesson, broken, "notebooks")


# ---------------------------------------------------------------- the command


@pytest.fixture
def fresh(built, tmp_path):
    """A copy of the built course, to be changed."""
    for path in built.parents[1].rglob("*.*"):
        copied = tmp_path / path.relative_to(built.parents[1])
        copied.parent.mkdir(exist_ok=True)
        copied.write_bytes(path.read_bytes())
    return tmp_path


def check(root: Path, capsys) -> list[str]:
    """The lines that --check prints; it must exit with 1 exactly when it found something."""
    status = builder.main(["--check"], root=root)
    lines = capsys.readouterr().out.splitlines()
    assert status == (lines != ["nothing is stale"])
    return lines


def test_check_is_content_after_a_build(fresh, capsys):
    assert check(fresh, capsys) == ["nothing is stale"]


@pytest.mark.parametrize(
    "path, old, new, line",
    [
        ("lessons/01_decay.py", "given", "old", "exercises/01_decay.ipynb differs"),
        ("lessons/01_decay.py", "A straight", "A bent", "notebooks/01_decay.ipynb differs"),
        ("lessons/01_decay.py", "points=3", "points=5", "solutions/01_decay.ipynb differs"),
        ("lessons/01_decay.py", "a nudge", "a push", "course_lib/exercises.json is old"),
        ("lessons/01_decay.py", "call(9, ", "call(8, ", "solutions/01_decay.ipynb differs"),
        ("course_lib/exercises.json", "a nudge", "a push", "course_lib/exercises.json is old"),
        ("lessons/01_decay.py", "Minutes:** 30", "Minutes:** 9", "README.md has an old table"),
        ("solutions/01_decay.ipynb", "factor**step", "factor", "solutions/01_decay.ipynb differs"),
        ("notebooks/01_decay.ipynb", 'count": 2', 'count": 9', "notebooks/01_decay.ipynb has exec"),
        (
            "exercises/01_decay.ipynb",
            'count": null',
            'count": 1',
            "exercises/01_decay.ipynb differs",
        ),
    ],
)
def test_check_names_what_is_stale(fresh, capsys, path, old, new, line):
    text = (fresh / path).read_text()
    assert old in text
    (fresh / path).write_text(text.replace(old, new))
    lines = check(fresh, capsys)
    assert [found for found in lines if found.startswith(line)] and lines[
        -1
    ] == "run make notebooks"


def test_check_names_missing_notebooks_and_orphans(fresh, capsys, monkeypatch):
    (fresh / "exercises" / "01_decay.ipynb").rename(fresh / "exercises" / "09_old.ipynb")
    assert check(fresh, capsys) == [
        "exercises/01_decay.ipynb is missing",
        "exercises/09_old.ipynb has no lesson: move it away or delete it",
        "run make notebooks",
    ]
    monkeypatch.setattr(builder, "build", lambda source: None)
    assert builder.main([], root=fresh) == 0
    assert "exercises/09_old.ipynb  has no lesson" in capsys.readouterr().out
    assert (fresh / "exercises" / "09_old.ipynb").exists()  # somebody's answers may be in it


def answered(fresh: Path, editor: bool) -> Path:
    """The exercises of the course as a learner leaves them; with `editor` as JupyterLab saves."""
    path = fresh / "exercises" / "01_decay.ipynb"
    theirs = nbformat.read(path, as_version=4)
    by_id(theirs)["01_decay-exercise-1"].source = "def decay(step, *, lr, factor):\n    return lr"
    if editor:
        theirs.metadata.language_info.version = "3.12.1"
        theirs.cells[1].execution_count = 3
    nbformat.write(theirs, path)
    return path


def git(fresh: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *who, *arguments], cwd=fresh, check=True, capture_output=True)


@pytest.mark.parametrize("editor", [True, False])
def test_the_answers_of_a_learner_are_neither_stale_nor_overwritten(
    fresh, capsys, monkeypatch, editor
):
    built = []
    monkeypatch.setattr(builder, "build", built.append)
    git(fresh, "init")
    git(fresh, "add", ".")
    git(fresh, "commit", "-m", "the course")
    path = answered(fresh, editor)
    if editor:
        shutil.copy(path, fresh / "notebooks" / "Untitled.ipynb")  # a trial of theirs
    theirs, index = path.read_bytes(), (fresh / builder.INDEX).read_bytes()
    assert check(fresh, capsys) == ["nothing is stale"]
    lesson = fresh / "lessons" / "01_decay.py"
    lesson.write_text(lesson.read_text().replace("a nudge", "a push"))
    assert builder.main([], root=fresh) == 1
    said = capsys.readouterr().err
    assert "Somebody has worked in exercises/01_decay.ipynb" in said and "git restore" in said
    assert path.read_bytes() == theirs and (fresh / builder.INDEX).read_bytes() == index
    path.write_text("<<<<<<< HEAD\n")  # a merge that git could not make
    assert builder.main([], root=fresh) == 1
    assert "Somebody has worked in exercises/01_decay.ipynb" in capsys.readouterr().err
    assert built == []
    assert builder.main(["--force"], root=fresh) == 0 and built == [lesson]


def test_what_was_built_and_not_committed_is_what_is_checked(fresh, capsys):
    git(fresh, "init")
    git(fresh, "add", ".")
    git(fresh, "commit", "-m", "the course")
    path = fresh / "notebooks" / "01_decay.ipynb"
    path.write_text(path.read_text().replace("# Decay", "# Decoy"))
    assert check(fresh, capsys)[0].startswith("notebooks/01_decay.ipynb differs")


@pytest.mark.parametrize("editor", [True, False])
def test_what_a_learner_did_hides_nothing_that_is_committed(fresh, capsys, editor):
    """An old notebook is found below somebody's work, and somebody's work where it is committed."""
    git(fresh, "init")
    git(fresh, "add", ".")
    git(fresh, "commit", "-m", "the course")
    lesson = fresh / "lessons" / "01_decay.py"
    text = lesson.read_text()
    answered(fresh, editor)
    lesson.write_text(text.replace("A fixed factor", "A factor"))
    assert any(line.startswith("exercises/01_decay.ipynb differs") for line in check(fresh, capsys))
    lesson.write_text(text)
    git(fresh, "commit", "-a", "-m", "by mistake")
    assert any(line.startswith("exercises/01_decay.ipynb differs") for line in check(fresh, capsys))


def test_one_lesson_is_built_alone(tmp_path, capsys):
    source = course(tmp_path, _01_a=HEAD, _02_b=HEAD)
    assert builder.main([str(source)], root=tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f"{f}/01_a.ipynb" for f in builder.FOLDERS]
    assert [line.split()[2] for line in lines] == ["s"] * 3


def test_a_mistake_in_the_last_lesson_is_found_before_the_first_is_run(tmp_path):
    course(tmp_path, _01_a=HEAD, _02_b=f"{HEAD}\n{EXERCISE}{BEGIN}x = 1\n")
    assert builder.main([], root=tmp_path) == 1
    assert not (tmp_path / "notebooks").exists()


def test_not_a_lesson_is_an_error(lesson, capsys):
    assert builder.main(["README.md"], root=lesson.parents[1]) == 1
    assert "lessons/NN_name.py, got" in capsys.readouterr().err


def test_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    (tmp_path / "a").write_text("old")
    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError):
        files.write_whole(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"


# ---------------------------------------------------------------- its rooms


def test_each_room_imports_only_those_above_it():
    """In the order in which the command's first lines list them; none is long to read."""
    listed = re.findall(r"^    (lesson_\w+)[.]py  ", builder.__doc__, re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in TOOLS.glob("lesson_*.py"))
    for number, name in enumerate(listed):
        text = (TOOLS / f"{name}.py").read_text()
        imports = re.findall(r"^from (lesson_\w+|build_notebooks) import", text, re.MULTILINE)
        assert set(imports) <= set(listed[:number]), name
        assert ast.get_docstring(ast.parse(text)) and text.count("\n") < 250, name


# ---------------------------------------------------------------- nbgrader


def test_nbgrader_releases_grades_and_gives_feedback(built, tmp_path, monkeypatch):
    """Check with nbgrader itself, nothing configured but the folder of the course."""
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    source, exercise = notebook(built, "solutions"), notebook(built, "exercises")
    solved = copy.deepcopy(exercise)
    by_id(solved)[
        "01_decay-exercise-1"
    ].source = "def decay(step, *, lr, factor):\n    return lr * factor**step"
    wrong, noisy = copy.deepcopy(solved), copy.deepcopy(solved)
    by_id(wrong)[
        "01_decay-exercise-1"
    ].source = "def decay(step, *, lr, factor):\n    return lr * factor ** min(step, 5)"
    by_id(noisy)["01_decay-exercise-1"].source = (
        "import sys, warnings\n\n\ndef decay(step, *, lr, factor):\n"
        '    warnings.warn(f"step {step}")\n    print("said", file=sys.stderr)\n'
        "    return lr * factor**step"
    )
    for place, content in {
        "source/week1": source,
        "submitted/blank/week1": exercise,
        "submitted/solved/week1": solved,
        "submitted/wrong/week1": wrong,  # passes the test that students see, not the hidden one
        "submitted/noisy/week1": noisy,  # nbgrader gives nothing for a test that writes to stderr
    }.items():
        (tmp_path / place).mkdir(parents=True)
        nbformat.write(content, tmp_path / place / "01_decay.ipynb")

    # nbgrader calls the program alembic, which is beside python also where nobody activated a venv.
    scripts = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{scripts}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LR_COURSE_EXERCISES", str(built.parents[1] / builder.INDEX))
    config = Config()
    config.CourseDirectory.root = str(tmp_path)
    nbgrader = NbGraderAPI(config=config)
    assert nbgrader.generate_assignment("week1")["success"]
    scores = {}
    for student in ("blank", "solved", "wrong", "noisy"):
        assert nbgrader.autograde("week1", student)["success"]
        assert nbgrader.generate_feedback("week1", student)["success"]
        assert (tmp_path / "feedback" / student / "week1" / "01_decay.html").exists()
        submission = nbgrader.get_submission("week1", student)
        scores[student] = (submission["code_score"], submission["max_code_score"])
    assert scores == {"blank": (0, 2), "solved": (2, 2), "wrong": (0, 2), "noisy": (2, 2)}
    graded = nbformat.read(tmp_path / "autograded/wrong/week1/01_decay.ipynb", as_version=4)
    *_, error = by_id(graded)["decay"].outputs
    assert error.evalue == "Exercise 1.1: not right yet: many updates."
    assert "0.3" not in "".join(error.traceback)

    theirs = nbformat.read(tmp_path / "release" / "week1" / "01_decay.ipynb", as_version=4)
    index = (built.parents[1] / builder.INDEX).read_text()
    assert release.leaks(source, theirs) == builder.leaks(built, index, theirs) == []
    released = {cell.id: cell for cell in theirs.cells}
    for cell in exercise.cells:
        theirs = released[cell.id]
        theirs.metadata.get("nbgrader", {}).pop("checksum", None)
        assert theirs.source == cell.source
        assert theirs.metadata.get("nbgrader") == cell.metadata.get("nbgrader")
