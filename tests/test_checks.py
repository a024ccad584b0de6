"""Instant feedback: right answers of any type pass, wrong ones hear which call, and what came."""

import math
from fractions import Fraction

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_lib.checks import check_formula, check_values
from course_lib.schedules import linear

EXAMPLES = [dict(peak_lr=0.5, total_steps=10), dict(peak_lr=2.0, total_steps=7, final_lr=1.0)]


def check(answer, **arguments):
    check_formula(answer, linear, examples=EXAMPLES, **arguments)


def values_of(answer, wanted):
    check_values(lambda: answer, [((), wanted)])


# --- right answers --------------------------------------------------------------------------------


def in_another_order(step, *, peak_lr, total_steps, final_lr=0.0):
    progress = min(step, total_steps) / total_steps
    return final_lr * progress + peak_lr * (1 - progress)


def test_a_right_formula_written_another_way_is_praised_by_name(capsys):
    check(in_another_order)
    assert capsys.readouterr().out == "Correct: in_another_order\n"


@pytest.mark.parametrize("kind", [np.float64, np.array, Fraction])
def test_a_right_formula_may_return_any_kind_of_number(kind):
    check(lambda step, **params: kind(in_another_order(step, **params)))


RIGHT = [
    (3, 3),
    (3.0, 3),
    (3, 3.0),
    (np.int64(3), 3),
    (np.float64(3), 3),
    (np.array(3.0), 3),
    (0.1 + 0.2, 0.3),
    (1e-13, 0),
    (math.inf, math.inf),
    ([1, 2.5], [1, 2.5]),
    ((1, 2.5), [1, 2.5]),
    (np.array([1, 2.5]), [1, 2.5]),
    ([1, 2.5], (1, 2.5)),
    (range(3), [0, 1, 2]),
    ((n for n in range(3)), [0, 1, 2]),
    ([(1, 2), np.array([3, 4])], [[1, 2], [3, 4]]),
    (np.eye(2), [(1, 0), (0, 1)]),
    ([], ()),
    (True, True),
    (np.bool(False), False),
    ("later", "later"),
    (np.str_("later"), "later"),
    (None, None),
    (("Adam", 0.1), ("Adam", 0.1)),
]


@pytest.mark.parametrize("answer, wanted", RIGHT, ids=str)
def test_a_right_answer_passes(answer, wanted):
    values_of(answer, wanted)


# --- wrong answers --------------------------------------------------------------------------------

WRONG = [
    (3.0001, 3),
    (1e-9, 0),
    (-3, 3),
    (None, 3),
    (math.nan, 3),
    (math.inf, 3),
    (10**400, 3),  # no float is so large
    ("3", 3),
    (b"3", 3),
    (np.str_("3"), 3),
    (True, 1),
    (np.bool(True), 1),
    ([3], 3),
    (3 + 0j, 3),
    (print, 3),
    (1, True),
    (np.int64(1), True),
    ("True", True),
    (np.array([True, True]), True),
    ([], False),
    ("Later", "later"),
    (["later"], "later"),
    (np.array(["later", "later"]), "later"),
    (0, None),
    (np.array([1, 2]), None),
    (3, [3]),
    (None, [3]),
    (np.array(3), [3]),
    ([1, 2], [1, 2, 3]),
    ([1, 2, 3, 4], [1, 2, 3]),
    ([], [1]),
    ([1, 3, 2], [1, 2, 3]),
    ([1, "2"], [1, 2]),
    ([[1, 2]], [1, 2]),
    ((1, True), (1, 1)),
]


@pytest.mark.parametrize("answer, wanted", WRONG, ids=str)
def test_a_wrong_answer_is_shown_with_what_was_expected(answer, wanted):
    with pytest.raises(AssertionError) as error:
        values_of(answer, wanted)
    assert str(error.value) == f"<lambda>() returned {answer!r}, expected {wanted!r}"


def test_the_first_wrong_call_is_the_one_shown():
    def double(x, y=0):
        return 2 * x if x < 5 else x

    with pytest.raises(AssertionError) as error:
        check_values(double, [((1,), 2), ((5, 0), 10), ((6,), 12)])
    assert str(error.value) == "double(5, 0) returned 5, expected 10"


WRONG_FORMULAS = [
    (
        lambda step, *, peak_lr, total_steps, final_lr=0.0: peak_lr * (1 - step / total_steps),
        r"<lambda>\(11, peak_lr=0.5, total_steps=10\) returned -0.0\d+, expected 0 "
        r"\(119 of 130 steps differ\)",
    ),
    (
        lambda step, *, peak_lr, total_steps, final_lr=0.0: linear(
            step, peak_lr=peak_lr, total_steps=total_steps
        ),
        r"<lambda>\(1, peak_lr=2.0, total_steps=7, final_lr=1.0\) returned 1.7\d+, "
        r"expected 1.85714 \(129 of 130",
    ),
    (
        lambda step, **params: None,
        r"\(0, peak_lr=0.5, total_steps=10\) returned None, expected 0.5",
    ),
    (lambda step, **params: str(linear(step, **params)), "returned '0.5', expected 0.5"),
    (lambda step, **params: [linear(step, **params)], r"returned \[0.5\], expected 0.5"),
    (lambda step, **params: math.nan, r"returned nan, expected 0.5 \(130 of 130"),
    (lambda step, **params: step == 0, r"returned True, expected 0.5"),
    (lambda step, **params: linear(step + 1, **params), r"\(0, .* returned 0.45, expected 0.5"),
]


@pytest.mark.parametrize("answer, message", WRONG_FORMULAS, ids=[m for _, m in WRONG_FORMULAS])
def test_a_wrong_formula_hears_step_parameters_and_both_rates(answer, message, capsys):
    with pytest.raises(AssertionError, match=message):
        check(answer)
    assert capsys.readouterr().out == ""  # no praise


def test_only_the_steps_asked_for_are_compared():
    def right_until_5(step, **params):
        return linear(step, **params) if step < 5 else 0.0

    check(right_until_5, steps=range(5))
    with pytest.raises(AssertionError, match=r"\(5, .* \(1 of 2 steps differ\)"):
        check(right_until_5, steps=[2, 5])
    check(right_until_5, steps=iter([0, 1]))  # an iterator serves every example
    with pytest.raises(AssertionError, match=r"\(6, "):
        check(lambda step, **p: linear(step, **p) * (p["peak_lr"] < 1), steps=iter([6]))


# --- answers that stop ----------------------------------------------------------------------------


def test_an_error_in_the_answer_is_named_with_its_call_and_kept():
    def divides(step, *, peak_lr, total_steps, final_lr=0.0):
        return peak_lr / (step - 3)

    with pytest.raises(AssertionError) as error:
        check(divides)
    assert str(error.value) == (
        "divides(3, peak_lr=0.5, total_steps=10) stopped with "
        "ZeroDivisionError: float division by zero"
    )
    assert isinstance(error.value.__cause__, ZeroDivisionError)
    with pytest.raises(
        AssertionError, match=r"needs_two\(1\) stopped with TypeError: .* missing 1"
    ):
        check_values(needs_two, [((1,), 1)])


def needs_two(a, b):
    return a


def test_an_exercise_that_was_not_begun_is_not_a_wrong_answer():
    def begun_later(*_, **__):
        raise NotImplementedError("your code here")

    for attempt in (lambda: check(begun_later), lambda: check_values(begun_later, [((1,), 1)])):
        with pytest.raises(NotImplementedError, match="your code here"):
            attempt()


def test_an_answer_that_is_no_function_is_refused_with_the_call():
    with pytest.raises(
        AssertionError, match=r"your answer\(1\) stopped with TypeError: 'int' object"
    ):
        check_values(5, [((1,), 1)])


# --- the picture ----------------------------------------------------------------------------------


def late(step, **params):
    return linear(max(step - 1, 0), **params)


@pytest.fixture
def shell():
    """IPython is running, as in a notebook."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_in_a_notebook_both_curves_are_drawn(shell, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    check(in_another_order)
    assert shown == []
    with pytest.raises(AssertionError, match="of 130 steps differ"):
        check(late)
    (figure,) = shown
    curves = {line.get_label(): list(line.get_ydata()) for line in figure.axes[0].get_lines()}
    assert curves == {
        "yours": [late(step, **EXAMPLES[0]) for step in range(130)],
        "expected": [linear(step, **EXAMPLES[0]) for step in range(130)],
    }


def test_the_cell_shows_the_picture_and_the_message(shell, monkeypatch):
    published, told = [], []
    monkeypatch.setattr(shell.display_pub, "publish", lambda data, *_, **__: published.append(data))
    monkeypatch.setattr(shell, "showtraceback", lambda *_, **__: told.append("traceback"))
    shell.push({"check": check, "late": late})
    result = shell.run_cell("check(late)")
    assert isinstance(result.error_in_exec, AssertionError) and told == ["traceback"]
    assert len(published) == 1 and "Figure" in published[0]["text/plain"]


def test_what_cannot_be_drawn_is_still_explained(shell, monkeypatch):
    monkeypatch.setattr("IPython.display.display", pytest.fail)
    for answer in (None, "much", [1, 2]):
        with pytest.raises(AssertionError, match=r"returned .* expected 0.5 \(130 of 130"):
            check(lambda step, answer=answer, **params: answer)


def test_outside_a_notebook_nothing_is_drawn(monkeypatch):
    monkeypatch.setattr("IPython.display.display", pytest.fail)
    with pytest.raises(AssertionError, match=r"late.* steps differ"):
        check(late)
