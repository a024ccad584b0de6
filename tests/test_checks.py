"""Instant feedback: right answers of any type pass, wrong ones hear which call, and what came."""

import functools
import math
import sys
import textwrap
import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from course_lib import exercises, progress
from course_lib.checks import check
from course_lib.exercises import call, curve, exercise, through
from course_lib.schedules import Schedule, linear

HINTS = ["a nudge", "the idea", "nearly the code"]
PARAMS = dict(peak_lr=0.5, total_steps=10)


def falls(step, *, peak_lr, total_steps):
    return peak_lr * (1 - min(step, total_steps) / total_steps)


def double(x):
    if x < 0:
        raise ValueError("below zero")
    return 2 * x


def described(answer, shown, locked=None, **options):
    groups = {"small": [call(0.5), call(1.5)], "large": [call(100), call(2000.5)]}
    if "step" in answer.__code__.co_varnames[:1]:
        groups = {"all": [curve(range(7), peak_lr=2.0, total_steps=5)]}
        locked = [curve(range(9), peak_lr=0.3, total_steps=7)]
    made = exercise(
        "1.1",
        answer,
        hints=HINTS,
        shown=shown,
        locked=locked or [call(33)],
        hidden=groups,
        **options,
    )
    return replace(made, title="The title", lesson="01_lesson", points=2)


RATES = described(falls, [curve(range(12), **PARAMS)], library=["linear"])
DOUBLE = described(double, [call(1), call(2.5), call(-1)])


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("LR_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(progress.NOTES, "memory", {})
    monkeypatch.setattr(progress.NOTES, "said", set())
    return tmp_path / "progress.json"


@pytest.fixture
def rates(monkeypatch):
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": RATES})


@pytest.fixture
def doubles(monkeypatch):
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": DOUBLE})


def told(answer):
    """What a student reads about a wrong answer."""
    with pytest.raises(AssertionError) as error:
        check("1.1", answer)
    return str(error.value)


# --- right answers --------------------------------------------------------------------------------


def test_a_right_answer_is_praised_on_stdout_alone(doubles, capsys):
    assert check("1.1", double) is None
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out == (
        "Correct: 1.1 The title\nLesson 1: 1 of 1 exercises solved, course: 1 of 1\n"
    )


def test_where_no_progress_is_kept_only_the_praise_is_said(doubles, capsys, monkeypatch):
    monkeypatch.setenv("LR_COURSE_PROGRESS", "")
    check("1.1", double)
    assert capsys.readouterr().out == "Correct: 1.1 The title\n"


@pytest.mark.parametrize("kind", [np.float64, np.array, Fraction])
def test_a_right_answer_may_be_any_kind_of_number(doubles, kind):
    check("1.1", lambda x: kind(double(x)))


@pytest.mark.filterwarnings("ignore:careful")
def test_a_warning_or_a_note_to_stderr_costs_nothing(doubles, capsys):
    def noisy(x):
        warnings.warn("careful", stacklevel=1)
        print("a note", file=sys.stderr)
        return double(x)

    check("1.1", noisy)
    said = capsys.readouterr()
    assert said.err == "" and said.out.count("a note") == 1  # of the first call only


def test_an_error_is_a_right_answer_where_it_is_asked_for(doubles):
    class OwnError(ValueError):
        pass

    def strict(x):
        if x < 0:
            raise OwnError("no")
        return double(x)

    check("1.1", strict)
    assert "expected  raise ValueError" in told(lambda x: 2 * x)
    assert "returned  -2" in told(lambda x: 2 * x)


def test_an_answer_may_change_the_list_it_is_given(monkeypatch):
    shown = [call([3, 1, 2]), call([5, 4])]
    hidden = {"all": [call([9, 8]), call([7, 7, 1])]}
    made = exercise("1.1", sorted, hints=HINTS, shown=shown, locked=[call([2, 1])], hidden=hidden)
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})

    def in_place(values):
        assert values
        values.sort()
        found = list(values)
        values.clear()
        return found

    monkeypatch.setenv("LR_COURSE_PROGRESS", "")
    check("1.1", in_place)
    check("1.1", in_place)


# --- wrong answers --------------------------------------------------------------------------------


def test_the_first_wrong_call_is_shown_with_what_came_and_what_was_expected(doubles):
    assert told(lambda x: 2 * x if 0 <= x < 2 else 1 + double(x)) == (
        "Exercise 1.1 is not right yet.\n\n"
        "    double(2.5)\n    returned  6.0\n    expected  5.0\n\n"
        "Hint 1 of 3: a nudge"
    )


@pytest.mark.parametrize(
    "came, shown",
    [
        (None, "returned  None  (is a `return` missing?)"),
        ("2", "returned  '2'"),
        (True, "returned  True"),
        (math.nan, "returned  nan"),
        (np.array([2.0, 2.0]), "returned  [2.0, 2.0]"),
        ([0] * 40, "returned  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...] (40 in all)"),
        (2 / 3, "returned  0.6666666667"),
        ("x" * 500, "(502 characters)"),
        ({1, 2}, "returned what cannot be compared: an answer of type set cannot be compared"),
        (math.sqrt, "cannot be compared: return what a call of it gives"),  # or a Keras schedule
    ],
)
def test_what_came_is_written_as_a_student_would(doubles, came, shown):
    assert shown in told(lambda x: came)


def test_a_wrong_curve_hears_the_step_that_can_be_repeated(rates):
    def goes_on(step, *, peak_lr, total_steps):
        return peak_lr * (1 - step / total_steps)

    message = told(goes_on)
    assert "    falls(11, peak_lr=0.5, total_steps=10)\n    returned  -0.05\n" in message
    assert "    expected  0.0\n\nIt is the first wrong step. 1 of 12 steps differ.\n" in message


def test_a_long_list_hears_the_place_and_an_adapter_is_explained(monkeypatch):
    def rule(epoch, lr, *, factor):
        return lr * factor if epoch else lr

    made = exercise(
        "1.1",
        rule,
        hints=HINTS,
        shown=[through("fed_back", 6, 1.0, factor=0.5)],
        locked=[call(1, 3.0, factor=0.5)],
        hidden={"all": [through("fed_back", 5, 3.0, factor=0.5)]},
    )
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    message = told(lambda epoch, lr, *, factor: lr * factor if 0 < epoch < 4 else lr)
    assert "    fed_back(rule, 6, 1.0, factor=0.5)\n" in message
    assert "(fed_back: Calls `rule(epoch, lr, **parameters)` in a loop" in message
    assert "at place 4, counted from 0: 0.125 instead of 0.0625.\n2 of 6 differ." in message


def test_an_answer_that_stops_hears_the_error_and_its_line(rates):
    def divides(step, *, peak_lr, total_steps):
        return peak_lr / (step - 3)

    assert "stopped with TypeError: " in told(lambda **_: 1)
    assert (
        "    falls(3, peak_lr=0.5, total_steps=10)\n"
        "    stopped with ZeroDivisionError: float division by zero\n"
    ) in told(divides)
    assert "in line " in told(divides) and ": return peak_lr / (step - 3)\n" in told(divides)
    assert ": return peak_lr / (step - 3)\n" in told(
        lambda *a, **k: divides(*a, **k)
    )  # the deepest


def test_a_line_of_a_package_is_not_named_as_the_students(doubles):
    text = told(functools.partial(textwrap.fill, width=-1))
    assert "stopped with " in text and "in line " not in text

    class Doubled:
        def __call__(self, x):
            return textwrap.fill(x)  # stops in textwrap.py

    assert ": return textwrap.fill(x)" in told(Doubled())


def test_an_answer_to_the_examples_only_meets_a_call_without_its_answer(doubles):
    def learnt(x):
        return {1: 2, 2.5: 5.0}[x] if x > 0 and x < 30 else double(x) + 1

    def learnt_or_stop(x):
        return {1: 2, 2.5: 5.0}[x] if x > 0 else double(x)

    message = told(learnt)
    assert "The shown calls are right, but not this one:\n\n    double(33)\n" in message
    assert "returned  67\n" in message and "66" not in message
    assert "Work this call out by hand" in message
    assert "stopped with KeyError: 33" in told(learnt_or_stop)


def test_an_answer_that_remembers_is_told_so(doubles):
    seen = []

    def counts(x):
        seen.append(x)
        return double(x) + (len(seen) > 4)

    message = told(counts)
    assert "Asked twice, your function answers differently:\n\n    double(33)\n" not in message
    assert "    double(1)\n    first  returned  2\n    then   returned  3\n" in message
    assert "What does it keep from one call to the next?" in message


def test_a_default_list_that_grows_is_told_so(doubles):
    def grows(x, found=[]):  # noqa: B006
        found.append(double(x))
        return found[-1] if len(found) < 3 else found[0]

    assert "Asked twice, your function answers differently" in told(grows)


def test_an_answer_in_float32_is_right(rates, capsys):
    check("1.1", lambda step, **params: np.float32(falls(step, **params)))
    assert capsys.readouterr().out.startswith("Correct: 1.1")


def test_an_answer_that_is_rounded_hears_so_and_spends_no_hint(doubles, place):
    text = told(lambda x: double(x) * (1 + 3e-5) if x == 2.5 else double(x))
    assert "returned  5.00015\n    expected  5.0\n\nThis is right to four digits" in text
    assert "float64" in text and "Hint" not in text
    assert "Hint 1 of 3" in told(lambda x: double(x) * 1.003 if x == 2.5 else double(x))
    assert "Hint 2 of 3" in told(lambda x: double(x) * (1 + 3e-5) if x == 2.5 else -1)
    assert "Hint 3 of 3" in told(lambda x: double(x) if x < 5 else 7)  # the examples by heart


@pytest.mark.parametrize(
    "form",
    [
        lambda value: [value],
        lambda value: np.array([[value]]),
        lambda value: {0: value},
        lambda value: f"{value:.4f}",
    ],
)
def test_right_values_in_another_form_spend_no_hint(doubles, form):
    text = told(lambda x: form(double(x)))
    assert "The values are right, their form is not" in text and "Hint" not in text
    assert "Hint 1 of 3" in told(lambda x: form(double(x) + 1))


def test_a_number_for_a_truth_and_another_name_of_a_key_are_another_form(monkeypatch):
    def judged(x):
        return {"low mean": x / 2, "low": x < 2}

    shown, hidden = [call(1), call(4)], {"all": [call(2), call(0)]}
    made = exercise("1.1", judged, hints=HINTS, shown=shown, locked=[call(9)], hidden=hidden)
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    for near in (
        lambda x: {"low mean": x / 2, "low": int(x < 2)},
        lambda x: {"low_mean": x / 2, "low": x < 2},
        lambda x: (x / 2, x < 2),
    ):
        assert "The values are right, their form is not" in told(near)
    assert "Hint 1 of 3" in told(lambda x: {"low mean": x / 2, "low": int(x > 2)})


def test_none_for_an_empty_list_is_another_form(monkeypatch):
    def above_two(xs):
        return [x for x in xs if x > 2]

    made = exercise(
        "1.1",
        above_two,
        hints=HINTS,
        shown=[call([1, 3]), call([1])],
        locked=[call([5, 7])],
        hidden={"all": [call([2, 4]), call([6])]},
    )
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    text = told(lambda xs: above_two(xs) or None)
    assert "The values are right, their form is not" in text and "Hint" not in text
    assert "Hint" in told(lambda xs: [0] if above_two(xs) else None)


def test_a_dict_for_pairs_is_another_form(monkeypatch):
    def ranked(x):
        return [["b", 2 * x], ["a", x]]

    made = described(ranked, [call(1), call(4)])
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    assert "The values are right, their form is not" in told(lambda x: dict(ranked(x)))
    assert "Hint 1 of 3" in told(lambda x: dict(ranked(x)[::-1]))


def test_words_in_capitals_or_with_a_full_stop_are_another_form(monkeypatch):
    def judged(x):
        return x / 2, "no difference found" if x < 2 else "higher"

    monkeypatch.setattr(exercises, "course", lambda: {"1.1": described(judged, [call(1), call(4)])})
    for low in ("No difference found.", "no_difference_found"):
        text = told(lambda x, low=low: (x / 2, low if x < 2 else "Higher"))
        assert "The values are right, their form is not" in text and "Hint" not in text
    assert "Hint 1 of 3" in told(lambda x: (x / 2, "Lower" if x < 2 else "higher"))


def test_what_is_small_beside_a_large_number_is_not_rounding(monkeypatch):
    made = described(lambda x: [x * 1e-8, x], [call(1.0), call(2.0)])
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    text = told(lambda x: [25e-8 * x, x])
    assert "Hint 1 of 3" in text and "four digits" not in text


def test_where_only_the_refusal_is_missing_no_hint_is_spent(doubles):
    def asserts(x):
        assert x >= 0, "below zero"
        return 2 * x

    def returns(x):
        return ValueError("below zero") if x < 0 else 2 * x

    class TooSmall(Exception):
        pass

    def raises(x):
        if x < 0:
            raise TooSmall("below zero")
        return 2 * x

    def forgot(x):
        return 2 * x

    def stops(x):
        return 2 * x if x > 0 else x / 0

    def empty(x):
        return 2 * x if x > 0 else None

    for answer in (asserts, returns, raises, forgot, stops, empty):
        text = " ".join(told(answer).split())
        assert "Where a ValueError is expected, write `raise ValueError(...)`: another" in text
        assert "Hint" not in text
    assert "Hint 1 of 3" in told(lambda x: asserts(x) + 1)


def test_a_number_that_no_answer_can_be_is_named(doubles):
    text = " ".join(told(lambda x: np.clongdouble(x)).split())
    assert "an answer of type clongdouble cannot be compared" in text


@pytest.mark.parametrize("kind, off", [(float, 1.03), (int, 1.0001)])
def test_a_locked_call_agrees_as_a_shown_one_does(kind, off, monkeypatch):
    """Each number by itself: beside 16,777,216 the 4,096 still counts, and so does a unit of a
    whole number."""

    def powers(x):
        return [kind(x**2), kind(x**3), kind(x**6)]

    made = described(powers, [call(1), call(2)], locked=[call(16)])
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    check("1.1", powers)
    with pytest.raises(AssertionError, match="Its answer is not shown"):
        check("1.1", lambda x: [off * powers(x)[0], *powers(x)[1:]] if x > 2 else powers(x))


def test_a_forgotten_return_spends_no_hint(doubles):
    assert "must return a value; no hint is used up until it does" in told(lambda x: None)
    text = told(lambda x: 0)
    assert "Hint 1 of 3" in text and "is a `return` missing?" not in text


def test_a_slip_spends_no_hint_and_counts_as_tried(doubles):
    def unbound(x):
        if x < 2:
            y = 2 * x
        return y

    some = (lambda x: 2 * y, lambda: 1, lambda x: x.double(), lambda x: 2 * x if x < 2 else z)  # noqa: F821
    for slip in (*some, unbound):
        assert told(slip).endswith("Fix this error first; no hint is used up.")
    (row,) = progress._rows(progress.NOTES.read())
    assert (row["solved"], row["tried"]) == (0, 1)
    assert "Hint 1 of 3" in told(lambda x: 1 / 0)


def test_a_return_is_missed_only_where_a_value_is_wanted(doubles):
    text = told(lambda x: double(x) if x > 0 else None)
    assert "    double(-1)\n    returned  None\n    expected  raise ValueError" in text


def test_a_curve_whose_steps_are_right_alone_and_not_in_a_row_is_told_so(monkeypatch):
    def falls_in(step, *, parts):
        return parts[min(step, len(parts) - 1)]

    def eats(step, *, parts):
        if step:
            parts.pop()
        return falls_in(step, parts=parts)

    made = exercise(
        "1.1",
        falls_in,
        hints=HINTS,
        shown=[curve(range(4), parts=[3.0, 2.0, 2.0])],
        locked=[curve(range(3), parts=[3.0, 1.0])],
        hidden={"all": [curve(range(3), parts=[1.0, 2.0])]},
    )
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    text = told(eats)
    assert "    curve(falls_in, [0, 1, 2, 3], parts=[3.0, 2.0, 2.0])\n    stopped with" in text
    assert "Each of these steps is right when it is asked alone; one after another" in text


def test_an_answer_that_goes_on_from_its_last_step_is_told_so(rates):
    last = {}

    def goes_on(step, *, peak_lr, total_steps):
        if step == 0:
            last["lr"] = peak_lr
        elif last["step"] != step:
            last["lr"] = max(0.0, last["lr"] - peak_lr / total_steps)
        last["step"] = step
        return last["lr"]

    text = told(goes_on)
    assert "Asked twice, the second time from the last step to the first, your function" in text
    assert "    falls(10, peak_lr=0.5, total_steps=10)\n" not in text  # 0 from both sides
    with pytest.raises(AssertionError, match="change from call to call"):
        check("1.1", goes_on, hidden=RATES.hidden_json())


def test_shown_calls_are_asked_forth_and_back_before_the_locked_ones_as_by_the_grader(doubles):
    """The last shown call comes twice running; so does each group's last, before the next group."""
    asked = []

    def once(x):
        asked.append(x)
        return 0 if asked[-2:] == [x, x] and x not in (33, 2000.5) else double(x)

    assert "Asked twice, your function answers differently:\n\n    double(-1)\n" in told(once)
    with pytest.raises(AssertionError, match="change from call to call"):
        check("1.1", once, hidden=DOUBLE.hidden_json())
    assert asked[-8:] == [0.5, 1.5, 1.5, 0.5, 100, 2000.5, 2000.5, 100]


def test_a_call_to_be_worked_out_by_hand_is_shown_whole(monkeypatch):
    rows = [{"peak": 0.1 * n, "seed": n, "val_loss": 0.25} for n in range(9)]

    def count(rows):
        return len(rows)

    shown, hidden = [call([]), call([1])], {"all": [call([1, 2]), call([3] * 3)]}
    made = exercise("1.1", count, hints=HINTS, shown=shown, locked=[call(rows)], hidden=hidden)
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})
    text = told(lambda rows: min(len(rows), 3))
    asked = text[text.index("    count(") : text.index("    returned")]
    assert eval(asked.strip(), {"count": lambda rows: rows}) == rows
    assert max(map(len, text.split("\n"))) <= 90


# --- no answer ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [None, DOUBLE.hidden_json()])
def test_an_exercise_that_was_not_begun_is_not_a_wrong_answer(doubles, place, hidden):
    def begun_later(x):
        raise NotImplementedError

    with pytest.raises(NotImplementedError) as error:
        check("1.1", begun_later, hidden=hidden)
    assert str(error.value) == (
        "exercise 1.1 is not begun yet: write `double`, then run this cell again.\n"
        "If you have written it, run its cell again: it may have stopped with an error"
    )
    assert not place.exists()


def test_a_method_that_a_framework_misses_is_an_exercise_that_was_begun(monkeypatch):
    from course_lib.tensorflow import keras

    schedules = keras.optimizers.schedules
    halving = lambda start: schedules.ExponentialDecay(start, 1, 0.5)  # noqa: E731
    made = exercise(
        "1.1",
        halving,
        hints=HINTS,
        shown=[through("keras_rates", 3, start=1.0)],
        locked=[through("keras_rates", 2, start=2.0)],
        hidden={"all": [through("keras_rates", 3, start=2.0)]},
    )
    monkeypatch.setattr(exercises, "course", lambda: {"1.1": made})

    class Halves(schedules.LearningRateSchedule):
        def __init__(self, start):
            self.start = start

        def __call__(self, step):
            return self.start * 0.5**step

    text = told(Halves)
    assert "stopped with NotImplementedError: " in text and "get_config" in text
    assert "Fix this error first" in text
    assert "which is no Keras LearningRateSchedule" in told(lambda start: [start])

    class UsesNumPy(Halves):
        def __call__(self, step):
            return self.start * np.minimum(step + 1, 1.0)

        def get_config(self):
            return {"start": self.start}

    # TensorFlow takes its own frames out of the traceback.
    assert "stopped with NotImplementedError: Cannot convert a symbolic" in told(UsesNumPy)
    assert "it returned None (is a `return` missing?)" in told(lambda start: None)


def test_a_case_that_is_refused_as_not_implemented_is_an_answer(doubles):
    def begun(x):
        if x > 2:
            raise NotImplementedError("no large ones")
        return 2 * x

    assert "stopped with NotImplementedError: no large ones" in told(begun)


@pytest.mark.parametrize(
    "answer, came", [(66, "66, of type int"), (None, "None, of"), ([2], "[2]")]
)
def test_what_is_no_function_is_refused(doubles, answer, came):
    message = told(answer)
    assert f"wants the function `double` itself, but got {came}" in message
    assert 'Write check("1.1", double), without parentheses' in message


@pytest.mark.parametrize("id", ["1.2", "11", 1.1, "walk"])
def test_an_unknown_exercise_names_the_nearest(doubles, id):
    with pytest.raises(ValueError, match=rf"unknown exercise {id!r}; the nearest are '1\.1'"):
        check(id, double)


# --- hints ----------------------------------------------------------------------------------------


def hint(answer):
    return told(answer).rpartition("\n\n")[2]


def test_hints_say_more_with_every_new_answer(doubles):
    def first(x):
        return x + 1

    assert [hint(first), hint(first)] == ["Hint 1 of 3: a nudge"] * 2

    def first(x):
        return x + 2

    assert hint(first) == "Hint 2 of 3: the idea"
    assert hint(first) == "Hint 2 of 3: the idea"
    assert hint(lambda x: 7) == "Hint 3 of 3: nearly the code"
    assert hint(lambda x: 8) == "Hint 3 of 3: nearly the code"
    check("1.1", double)
    assert hint(first) == "Hint 1 of 3: a nudge"


def test_the_same_wrong_replies_are_no_new_answer(doubles):
    def documented(x):
        """One more than the number."""
        print("here")
        return x + 1

    assert [hint(lambda x: x + 1), hint(documented)] == ["Hint 1 of 3: a nudge"] * 2


def test_a_changed_helper_is_a_new_answer(doubles):
    helpers = {"add": 1}
    answer = eval("lambda x: x + add", helpers)
    assert hint(answer) == "Hint 1 of 3: a nudge"
    helpers["add"] = 3
    assert hint(answer) == "Hint 2 of 3: the idea"


def test_an_answer_that_changes_spends_no_hint(doubles):
    """What it replied the first time is chance: no hint would be about it."""
    count = iter(range(10_000))
    for answer in (lambda x: next(count), lambda x: 2 * next(count)):
        assert hint(answer) == "Fix this first; no hint is used up."
    assert hint(lambda x: x + 1) == "Hint 1 of 3: a nudge"


def test_hints_go_on_where_nothing_can_be_kept(doubles, monkeypatch):
    monkeypatch.setenv("LR_COURSE_PROGRESS", "")
    assert [hint(lambda x: 1), hint(lambda x: 2)] == [
        "Hint 1 of 3: a nudge",
        "Hint 2 of 3: the idea",
    ]


# --- the library's own ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        linear,
        functools.partial(linear),
        lambda step, **params: Schedule(linear, **params)(step),
        lambda step, *, peak_lr, total_steps: linear(
            step, peak_lr=peak_lr, total_steps=total_steps
        ),
    ],
)
def test_the_library_s_own_answer_is_right_but_not_the_student_s(rates, answer, capsys):
    check("1.1", answer)
    said = capsys.readouterr().out
    assert "The values of exercise 1.1 are right, but" in said
    assert "course_lib's own `linear`" in said and "Correct" not in said
    (row,) = progress._rows(progress.NOTES.read())
    assert (row["solved"], row["tried"]) == (0, 1)
    check("1.1", answer, hidden=RATES.hidden_json())  # a grader counts values


def test_a_function_of_the_same_name_is_the_student_s(rates, capsys):
    def linear(step, *, peak_lr, total_steps):
        return falls(step, peak_lr=peak_lr, total_steps=total_steps)

    check("1.1", linear)
    assert "Correct" in capsys.readouterr().out


def test_the_profile_of_a_debugger_is_put_back(rates):
    def profile(*_):
        pass

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        check("1.1", falls)
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(before)


def test_a_wrong_use_of_the_library_is_a_wrong_answer(rates):
    assert "is not right yet" in told(lambda step, **params: linear(step + 1, **params))


# --- hidden tests ---------------------------------------------------------------------------------


def test_hidden_groups_name_themselves_and_tell_nothing(doubles, capsys):
    text = DOUBLE.hidden_json()
    assert check("1.1", double, hidden=text) is None
    assert capsys.readouterr().out == ""
    for answer, wrong in [
        (lambda x: min(double(x), 50), "large"),
        (lambda x: double(x) if x > 50 else 0, "small"),
        (lambda x: 4001, "small, large"),
        (lambda x: 1 / 0, "small, large"),
    ]:
        with pytest.raises(AssertionError) as error:
            check("1.1", answer, hidden=text)
        assert str(error.value) == f"Exercise 1.1: not right yet: {wrong}."


def test_hidden_calls_are_asked_twice(doubles):
    answers = []

    def remembers(x):
        answers.append(x)
        return double(x) if answers.count(x) == 1 else 0

    with pytest.raises(AssertionError, match="answers change from call to call"):
        check("1.1", remembers, hidden=DOUBLE.hidden_json())


# --- in a notebook --------------------------------------------------------------------------------


def late(step, *, peak_lr, total_steps):
    return falls(max(step - 1, 0), peak_lr=peak_lr, total_steps=total_steps)


@pytest.fixture
def shell():
    """IPython is running, as in a notebook."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.fixture
def shown(shell, monkeypatch):
    found = []
    monkeypatch.setattr("IPython.display.display", found.append)
    return found


def test_in_a_notebook_both_curves_are_drawn(rates, shown):
    check("1.1", falls)
    assert shown == []
    told(late)
    (figure,) = shown
    (axes,) = figure.axes
    curves = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
    assert curves["yours"] == [late(step, **PARAMS) for step in range(12)]
    assert curves["expected"] == pytest.approx([falls(step, **PARAMS) for step in range(12)])
    assert curves["first difference: step 1"] == [0.5]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "learning rate")


@pytest.mark.parametrize(
    "answer", [lambda step, **_: None, lambda step, **_: "much", lambda step, **_: [1, 2]]
)
def test_what_cannot_be_drawn_is_still_explained(rates, shown, answer):
    assert "12 of 12 steps differ" in told(answer)
    assert shown == []


def test_under_nbgrader_nothing_is_drawn_and_nothing_kept(rates, shown, place, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    told(late)
    assert shown == [] and not place.exists()


def test_outside_a_notebook_nothing_is_drawn(rates, monkeypatch):
    monkeypatch.setattr("IPython.display.display", pytest.fail)
    told(late)


def test_the_cell_shows_the_message_and_no_frames(rates, shell, shown, monkeypatch):
    lines = []
    monkeypatch.setattr(shell, "_showtraceback", lambda kind, error, text: lines.extend(text))
    shell.push({"check": check, "late": late})
    result = shell.run_cell('check("1.1", late)')
    assert isinstance(result.error_in_exec, AssertionError)
    assert lines == str(result.error_in_exec).split("\n")
    assert lines[0] == "Exercise 1.1 is not right yet." and len(shown) == 1
