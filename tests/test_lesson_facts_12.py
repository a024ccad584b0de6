"""What lesson 12 and the pages around it stand on, besides its records."""

import re
from pathlib import Path

import jupytext
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "lessons" / "12_clinic_and_budget.py"
GUIDE = ROOT / "docs" / "templates" / "choosing.md"


def code(start):
    """The source of the lesson's cell that starts so."""
    cells = jupytext.read(LESSON).cells
    (found,) = [cell.source for cell in cells if cell.source.startswith(start)]
    return found


@pytest.fixture(scope="module")
def clinic():
    names = {}
    exec("import math\nimport numpy as np\nfrom course_lib.schedules import *", names)
    exec("from course_lib.schedules import Schedule", names)
    exec(code("EPOCH, TOTAL"), names)
    exec(code("cases = {"), names)
    return names


def test_each_patient_has_a_trace_of_its_own(clinic):
    traces = {
        name: np.array([applied(step) for step in range(clinic["TOTAL"])])
        for name, (_, applied) in clinic["cases"].items()
    }
    names = list(traces)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            assert np.abs(traces[name] - traces[other]).max() > 2e-3, (name, other)


def test_three_plans_are_kept_and_nine_are_not(clinic):
    kept = [
        name
        for name, (plan, applied) in clinic["cases"].items()
        if all(plan(step) == applied(step) for step in range(clinic["TOTAL"]))
    ]
    assert kept == ["healthy", "planned 100 times too low", "planned 10 times too high"]
    assert sorted(clinic["cause"].values()) == sorted(clinic["cases"])


def test_the_question_about_patient_d_has_the_right_answer_among_its_odds(clinic):
    assert f'"{clinic["cause"]["D"]}": 25' in LESSON.read_text(encoding="utf-8")


def test_every_answer_of_the_guide_has_a_claim_or_says_that_it_has_none():
    text = GUIDE.read_text(encoding="utf-8")
    answers = re.split(r"\n(?=\*\*)", text)[1:]
    assert len(answers) == 8
    for answer in answers:
        assert re.search(r"\{\{[\w-]+\}\}|No record here", answer), answer[:60]
    assert len(text.split()) < 700


def test_the_ward_judges_the_letters_with_an_entry_and_names_no_cause(clinic, capsys):
    source = code("diagnosis = {}").replace(
        "diagnosis = {}", "diagnosis = {'A': cause['A'], 'B': 'healthy', 'C': ''}"
    )
    clinic = {**clinic, "outcome": lambda *args: None}
    exec(source, clinic)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "A right" and told[1].startswith("B not 'healthy'") and len(told) == 4
    assert not any(
        cause in line for line in told for cause in clinic["cases"] if cause != "healthy"
    )
    assert told[-1] == "1 of 12 diagnosed"
    assert clinic["cause"]["B"] != "healthy"


def test_each_patient_is_drawn_over_its_plan():
    assert "cases[cause[letter]][0].values(TOTAL)" in code("def ward")
