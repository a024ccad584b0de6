"""What a teacher is told about the sources of a submission: names, not intentions."""

from types import SimpleNamespace

import pytest

from course_lib.grade.intake.match import Plan, Step
from course_lib.grade.noticed import noticed

ANSWER = "00-linear"
ASSIGNMENT = SimpleNamespace(
    questions=[SimpleNamespace(library=("linear", "polynomial"), answers=(ANSWER,))]
)
IMPORT = "from course_lib.schedules import linear"


def found(answer, *others):
    steps = (*(Step("extra", "", each) for each in others), Step("answer", ANSWER, answer))
    plan = Plan(steps, {ANSWER: answer}, (), frozenset(), frozenset())
    return [(each.code, each.grade_id) for each in noticed(plan, ASSIGNMENT)]


@pytest.mark.parametrize(
    "cells",
    [
        [f"{IMPORT}\ndef ramp(step): return linear(step)"],
        [f"%time\n{IMPORT}\ndef ramp(step): return linear(step)"],
        [f"%matplotlib inline\nfiles = !ls\ndef ramp(step):\n    {IMPORT} as l"],
        [f"%%time\n{IMPORT}"],
        ["%time ramp = linear", IMPORT],
        ["def ramp(step): return L(step)", f"{IMPORT} as L"],
        ["def ramp(step): return s.linear(step)", "import course_lib.schedules as s"],
        [f"{IMPORT}\n def ("],
        ["def ramp(step): return linear(step)", "from course_lib.schedules import *"],
        ["def ramp(step): return course_lib.schedules.linear(step)", "import course_lib.schedules"],
    ],
)
def test_the_librarys_own_solution_is_told(cells):
    assert found(*cells) == [("library", ANSWER)]


@pytest.mark.parametrize(
    "cells",
    [
        ["%time\ndef ramp(step):\n    return 1 - step  # linear"],
        ["def ramp(step): return 1 - step", IMPORT, f"{IMPORT} as L"],
        ["def L(step): return 1", "import numpy as L"],
        ["import course_lib.linear\ndef ramp(step): return 1 - step"],  # it binds `course_lib`
        ["\n" * 15_000 + "x = 1"],
    ],
)
def test_a_word_or_an_unused_import_is_not(cells):
    assert found(*cells) == []


@pytest.mark.parametrize(
    "answer",
    [
        "def ramp(step, *, linear): return step * linear",
        "def ramp(step):\n    linear = step / 2\n    return linear",
        "linear = lambda step: step\ndef ramp(step): return linear(step)",
        "def linear(step): return step\ndef ramp(step): return linear(step)",
        "def ramp(step): return [linear for linear in [step]]",
        "import torch\ndef ramp(step): return torch.nn.functional.linear(step)",
        "from numpy import linear\ndef ramp(step): return linear(step)",
    ],
)
def test_a_name_that_the_answer_makes_itself_is_its_own(answer):
    assert found(answer) == found(answer, IMPORT) == []


@pytest.mark.parametrize(
    "source",
    [
        "import sys\ndef measure(*a): return sys._getframe(1).f_locals['rates']",
        "%time\nimport inspect; inspect.currentframe()",
        "update.__closure__[0].cell_contents",
        "from course_lib.questions.adapters import ADAPTERS\nADAPTERS['one_weight'] = None",
        "import gc; gc.get_objects()",
    ],
)
def test_a_look_into_the_grader_is_told_of_every_cell(source):
    assert set(found(source)) == {("inside", ANSWER)}
    assert set(found("", source)) == {("inside", "")}


@pytest.mark.parametrize(
    "source",
    [
        "x" + ".real" * 400,
        "(" + "1+" * 900 + "1).real",
        "f\"{'\x07'}\".x",
        "-" * 9_000 + "1",
        "(" * 9_000,
        "[" * 90 + "]" * 90,
        "x" + ".real" * 3_900,
        "x" + "()" * 9_000,
        "lambda:" * 2_500 + "1",
        "x = '\udc80'",
        "\0",
    ],
)
def test_no_source_stops_it(source):
    """It runs outside of the sandbox: an error here is a notebook without a score."""
    assert found(source, source) == []
    assert found(f"{source}\n", IMPORT, "ramp = linear") == []
    assert found(f"{IMPORT}\n{source}\nramp = linear") == [("library", ANSWER)]
