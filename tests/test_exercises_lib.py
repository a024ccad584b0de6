"""What an exercise asks: values as JSON, when two agree, locked calls, adapters, descriptions."""

import json
import math
from enum import Enum, IntEnum
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib import exercises
from course_lib.exercises import Exercise, Group, Locked, exercise
from course_lib.questions import adapters
from course_lib.questions.calls import (
    Call,
    Probe,
    agrees,
    call,
    curve,
    difference,
    not_begun,
    reply,
    through,
)
from course_lib.questions.values import Unanswerable, decode, encode, same

# --- values ---------------------------------------------------------------------------------------

numbers = st.integers(-(2**200), 2**200) | st.floats()
plain = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(plain)
def test_a_value_survives_json_and_agrees_with_itself(value):
    written = encode(value)
    again = json.loads(json.dumps(written, allow_nan=False))
    assert again == written and same(again, written)
    assert encode(decode(again)) == written


@given(plain, plain)
def test_different_values_do_not_agree(one, other):
    alike = repr(encode(one)) == repr(encode(other))
    numeric = [isinstance(each, int | float | list | dict) for each in (one, other)]
    if not alike and not all(numeric):
        assert not same(encode(one), encode(other))


RIGHT = [
    (3, 3),
    (3.0, 3),
    (3, 3.0),
    (np.int64(3), 3),
    (np.float32(0.5), 0.5),
    (np.array(3.0), 3),
    (np.longdouble(0.5), 0.5),
    (np.array([0.1, math.inf], dtype=np.longdouble), [0.1, math.inf]),
    (Fraction(1, 4), 0.25),
    (0.1 + 0.2, 0.3),
    (1e-13, 0),
    (np.float32(0.1), 0.1),
    ([1e-7, 1.0], [0.0, 1.0]),
    ([1e-7, -1.0], [0.0, -1.0]),
    (math.inf, math.inf),
    (math.nan, math.nan),
    ([1, 2.5], (1, 2.5)),
    (np.array([1, 2.5]), [1, 2.5]),
    ([1, 2.5], np.array([1, 2.5])),
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
    ({"a": 1.0, "b": [2]}, {"b": (2,), "a": 1}),
]


# Without addresses: every process that runs tests must find the same names.
@pytest.mark.parametrize("answer, wanted", RIGHT, ids=lambda each: str(each).partition(" at 0x")[0])
def test_values_that_agree(answer, wanted):
    assert same(encode(answer), encode(wanted))


WRONG = [
    (3.0001, 3),
    (3.0001, 3.0),
    (100_001, 100_000),
    ([1e-6, 1.0], [0.0, 1.0]),
    (1e-9, 0),
    (-3, 3),
    (None, 3),
    (math.nan, 3),
    (math.inf, 3),
    ([math.inf, 7.0], [math.inf, 1.0]),
    ([7.0, -math.inf], [1.0, -math.inf]),
    ([math.nan, 7.0], [math.nan, 1.0]),
    (-math.inf, math.inf),
    (3, math.nan),
    ("3", 3),
    (True, 1),
    (np.bool(True), 1),
    ([3], 3),
    (1, True),
    ("True", True),
    ([], False),
    ("Later", "later"),
    (["later"], "later"),
    (0, None),
    (3, [3]),
    ([1, 2], [1, 2, 3]),
    ([1, 2, 3, 4], [1, 2, 3]),
    ([], [1]),
    ([1, 3, 2], [1, 2, 3]),
    ([1, "2"], [1, 2]),
    ([[1, 2]], [1, 2]),
    ((1, True), (1, 1)),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({"1": 1}, {1: 1}),
    ({"a": 1, "b": 2}, {"a": 1}),
    ([["a", 1]], {"a": 1}),
    (5, {"a": 1}),
]


@pytest.mark.parametrize("answer, wanted", WRONG, ids=str)
def test_values_that_do_not_agree(answer, wanted):
    assert not same(encode(answer), encode(wanted))


NONSENSE = [{}, {"dict": 5}, {"dict": [5]}, {"dict": [[1]]}, {"dict": [[1, 2, 3]]}, {"array": 5}]
NONSENSE += [{"array": {}}, {"float": []}, {"float": "5"}, {"what": 1}, [{}], 10**400]


@pytest.mark.parametrize("got", NONSENSE, ids=str)
@pytest.mark.parametrize("wanted", [5, [5], {"dict": [["a", 1]]}, {"array": [1]}, "a", None])
def test_nonsense_from_another_process_agrees_with_nothing(got, wanted):
    assert same(got, wanted) is False


UNANSWERABLE = [print, 3 + 0j, b"3", {1, 2}, object(), 2**1024, iter(int, 1)]


@pytest.mark.parametrize("value", UNANSWERABLE, ids=lambda each: type(each).__name__)
def test_what_cannot_be_compared_is_refused(value):
    with pytest.raises(Unanswerable):
        encode(value)
    assert reply(lambda: value, call())["error"] == ["Unanswerable"]


def test_lists_without_a_bottom_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(Unanswerable, match="deep"):
        encode(endless)


def test_tensors_are_numbers():
    assert encode(torch.tensor([0.5, 2.0], requires_grad=True)) == {"array": [0.5, 2.0]}
    assert encode(torch.tensor(0.25)) == 0.25


def test_a_value_is_what_it_is_whatever_its_class_says():
    class Sign(str, Enum):  # noqa: UP042
        UP = "up"

    class Count(IntEnum):
        THREE = 3

    class Half(float):
        __float__ = lambda self: 0.5  # noqa: E731

    found = [encode(each) for each in (Sign.UP, Count.THREE, Half(0.1))]
    assert found == ["up", 3, 0.1] and [type(each) for each in found] == [str, int, float]


def test_what_encode_did_not_write_is_not_read():
    with pytest.raises(ValueError, match="expected a value that encode"):
        decode({"what": 1})


# --- calls ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked, text",
    [
        (call(8.0, lr=0.25), "walk(8.0, lr=0.25)"),
        (call(), "walk()"),
        (call({(1, 2): 0.5}, lr=math.inf), "walk({(1, 2): 0.5}, lr=inf)"),
        (call([1.0] * 9), "walk([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])"),
        (call(np.eye(2)), "walk([[1.0, 0.0], [0.0, 1.0]])"),
        (curve(range(130), lr=0.1), "curve(walk, range(130), lr=0.1)"),
        (curve(range(5, 20), lr=0.1), "curve(walk, range(5, 20), lr=0.1)"),
        (call([9, 1, 2, 3, 4, 5, 6, 7, 8]), "walk([9, 1, 2, 3, 4, 5, 6, 7, 8])"),
        (curve([0, 5, 6], lr=0.1), "curve(walk, [0, 5, 6], lr=0.1)"),
        (through("fed_back", 3, 1.0), "fed_back(walk, 3, 1.0)"),
    ],
)
def test_a_call_is_written_as_typed_and_survives_json(asked, text):
    assert asked.written("walk") == text
    again = Call.from_json(json.loads(json.dumps(asked.to_json())))
    assert again.to_json() == asked.to_json() and again.written("walk") == text


def test_a_long_call_is_cut():
    text = call(list(np.linspace(0, 1, 100).tolist())).written("walk")
    assert len(text) < 260 and "characters)" in text


def test_a_reply_is_a_value_or_an_error_and_nothing_is_raised():
    def odd(x):
        if x == 1:
            return np.float64(0.5)
        raise {2: ValueError("two"), 3: NotImplementedError(), 4: SystemExit(1)}[x]

    assert reply(odd, call(1)) == {"value": 0.5}
    assert reply(odd, call(2)) == {
        "error": ["ValueError", "Exception", "BaseException"],
        "message": "two",
    }
    assert reply(odd, call(3))["error"][:2] == ["NotImplementedError", "RuntimeError"]
    assert not_begun([reply(odd, call(3))])
    assert not not_begun([reply(odd, call(3)), reply(odd, call(1))])
    assert reply(odd, call(4))["error"][0] == "SystemExit"
    assert reply(odd, call(5))["error"][0] == "KeyError"
    assert reply(odd, call(1, 2))["error"][0] == "TypeError"
    assert reply(None, call(1))["error"][0] == "TypeError"


def test_an_error_whose_words_fail_is_a_reply_too():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError

    def answer():
        raise Odd

    assert reply(answer, call())["message"] == "(its message cannot be shown)"
    assert len(reply(lambda: {}["x" * 5000], call())["message"]) == 1000


def test_a_call_s_lists_are_safe_from_the_answer():
    asked = call([3, 1, 2])
    assert reply(list.sort, asked) == {"value": None}
    assert asked.args == ([3, 1, 2],)


@pytest.mark.parametrize(
    "got, wanted, right",
    [
        ({"value": 1.0}, {"value": 1}, True),
        ({"value": 1.0}, {"error": ["ValueError"]}, False),
        ({"error": ["ValueError", "Exception"], "message": "a"}, {"error": ["ValueError"]}, True),
        ({"error": ["Mine", "ValueError"], "message": "b"}, {"error": ["ValueError"]}, True),
        ({"error": ["Exception"], "message": ""}, {"error": ["ValueError"]}, False),
        ({"error": "ValueError"}, {"error": ["ValueError"]}, False),
        ({"error": ["ValueError"]}, {"value": None}, False),
        ({}, {"value": None}, False),
        ({"missing": True}, {"error": ["ValueError"]}, False),
    ],
)
def test_replies_agree(got, wanted, right):
    assert agrees(got, wanted, 1e-9) is right


# --- adapters -------------------------------------------------------------------------------------


def test_a_curve_asks_step_by_step():
    asked = curve([0, 2, 1], lr=1.0)
    assert reply(lambda step, *, lr: lr * step, asked) == {"value": [0.0, 2.0, 1.0]}


def test_a_rate_is_fed_back():
    asked = through("fed_back", 4, 1.0, factor=0.5)
    rule = lambda epoch, lr, *, factor: lr * factor if epoch == 2 else lr  # noqa: E731
    assert reply(rule, asked) == {"value": [1.0, 1.0, 0.5, 0.5]}


def test_a_loop_of_one_weight_moves_by_its_rates_and_ends():
    def positions(update, weight, count):
        found = [weight()]
        for _ in range(count):
            update()
            found.append(weight())
        return found

    rates = [0.5, 0.25]
    assert adapters.one_weight(positions, 1.0, rates, 2) == [1.0, 0.5, 0.25]
    assert adapters.one_weight(positions, 1.0, [0.5, 0.0], 2) == [1.0, 0.5, 0.5]
    found = reply(positions, through("one_weight", 1.0, rates, 3))
    assert found["error"][0] == "RuntimeError"
    assert found["message"] == "update() was called more than 2 times"


def test_the_rates_of_a_torch_scheduler():
    found = adapters.torch_rates(
        lambda optimizer, every: torch.optim.lr_scheduler.StepLR(optimizer, every, gamma=0.5),
        0.4,
        5,
        every=2,
    )
    assert found == pytest.approx([0.4, 0.4, 0.2, 0.2, 0.1])


def test_a_torch_scheduler_that_leaves_out_a_group_is_told_so():
    def make(optimizer):
        optimizer.param_groups[0]["lr"] = 0.2
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5)

    found = reply(make, through("torch_rates", 0.4, 3))
    assert found["error"][0] == "RuntimeError"
    assert "first parameter group has the rate 0.1, the second 0.2" in found["message"]


def test_groups_of_a_torch_scheduler_agree_up_to_rounding_and_without_a_number():
    def make(optimizer, second):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, [lambda t: 1.0, lambda t: second])

    found = reply(make, through("torch_rates", 0.1, 3, second=1.0001))
    assert "has the rate 0.1, the second 0.10001;" in found["message"]
    assert "value" in reply(make, through("torch_rates", 0.1, 3, second=1.0000001))
    assert "error" in reply(make, through("torch_rates", 1e-9, 3, second=0.0))
    assert "error" in reply(make, through("torch_rates", 0.1, 3, second=math.nan))
    rates = adapters.torch_rates(
        lambda optimizer: torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: math.nan), 0.1, 2
    )
    assert all(map(math.isnan, rates))


def test_what_is_no_torch_scheduler_is_told_so():
    asked = through("torch_rates", 0.4, 3)
    for other in ([0.4], torch.optim.lr_scheduler.ConstantLR):
        found = reply(lambda optimizer, other=other: other, asked)
        assert found["message"] == f"it returned {other!r:.80}, which is no PyTorch scheduler"
    assert "missing?" in reply(lambda optimizer: None, asked)["message"]


def test_the_second_group_of_a_torch_scheduler_keeps_its_own_rate():
    def halves(optimizer):
        return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)

    def halves_the_first(optimizer):
        first, second = optimizer.param_groups
        scheduler = halves(optimizer)
        torch.optim.Optimizer.register_step_post_hook(
            optimizer, lambda *_: second.update(lr=first["lr"])
        )
        return scheduler

    assert adapters.torch_rates(halves, 0.4, 3, share=0.1) == [0.4, 0.2, 0.1]
    found = reply(halves_the_first, through("torch_rates", 0.4, 3, share=0.1))
    assert "they began with 0.4 and 0.04" in found["message"]


def test_a_tensor_in_a_keras_schedule_that_does_not_load_is_named():
    from course_lib.tensorflow import keras, tf

    class Fixed(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, rate):
            self.rate = tf.constant(rate)

        def __call__(self, step):
            return self.rate

        def get_config(self):
            return {"rate": self.rate}

    def floor(*, lr):
        return keras.optimizers.schedules.CosineDecay(lr, 4, alpha=tf.constant(0.1) / lr)

    for make in (floor, lambda *, lr: Fixed(lr)):
        found = reply(make, through("keras_rates", 3, lr=0.5))
        assert found["error"][0] == "TypeError" and "use plain numbers" in found["message"]


def test_another_keras_schedule_is_made_of_numbers_as_allowed_as_the_first():
    from course_lib.tensorflow import keras

    asked = []

    def make(**parameters):
        asked.append(parameters)
        return keras.optimizers.schedules.PolynomialDecay(1.0, 2)

    first = {"peak": 0.8, "steps": 3, "bounds": [1, 2], "cycle": True, "end": None}
    adapters.keras_rates(make, 1, **first)
    assert asked == [first, {**first, "peak": 0.4, "steps": 6}]


def test_the_rates_of_a_keras_schedule():
    from course_lib.tensorflow import keras

    make = keras.optimizers.schedules.PolynomialDecay
    how = {"initial_learning_rate": 1.0, "decay_steps": 2, "end_learning_rate": 0.5}
    assert adapters.keras_rates(make, 4, **how) == [1.0, 0.75, 0.5, 0.5]


def test_a_keras_schedule_that_counts_its_calls_is_not_right():
    from course_lib.tensorflow import keras, tf

    class Counts(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self):
            self.calls = tf.Variable(0.0)

        def __call__(self, step):
            return 1.0 / self.calls.assign_add(1.0)

        def get_config(self):
            return {}

    assert adapters.keras_rates(Counts, 3) != pytest.approx([1.0, 1 / 2, 1 / 3])


def test_what_is_shared_must_stay_as_it_was():
    asked = through("shared", {"a": 1, "b": 2}, [{"key": "a"}, {"key": "a"}])
    left = encode({"a": 1, "b": 2})
    assert reply(lambda of, key: of[key], asked) == {"value": [1, 1, left]}
    assert reply(lambda of, key: of.pop(key), asked)["error"][0] == "KeyError"
    assert reply(lambda of, key: [of[key], of.pop("b", 2)][0], asked)["value"][2] != left


def test_every_adapter_says_what_it_does():
    for name, adapter in adapters.ADAPTERS.items():
        assert adapter.__name__ == name and adapter.__doc__


# --- locked calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [{"value": 0.123456}, {"error": ["ValueError"]}])
def test_a_locked_call_survives_json_and_does_not_show_its_answer(wanted):
    locked = Locked(call(1), wanted)
    text = json.dumps(locked.to_json())
    assert Locked.from_json(json.loads(text)) == locked
    assert "123456" not in text and "ValueError" not in text


# --- descriptions ---------------------------------------------------------------------------------


def double(x):
    if x < 0:
        raise ValueError("below zero")
    return 2 * x


def describe(answer=double, **changes):
    parts = dict(
        hints=["a nudge", "the idea", "nearly the code"],
        shown=[call(1), call(2)],
        locked=[call(5)],
        hidden={"small": [call(0.1), call(0.2)], "refused": [call(-3), call(3)]},
    )
    return exercise("1.1", answer, **{**parts, **changes})


def test_the_model_answer_makes_the_right_replies():
    made = describe(library=["linear"])
    assert (made.id, made.name, made.library) == ("1.1", "double", ("linear",))
    assert [probe.reply for probe in made.shown] == [{"value": 2}, {"value": 4}]
    assert [group.name for group in made.hidden] == ["small", "refused"]
    assert made.hidden[1].probes[0].reply == {"error": ["ValueError"]}
    assert made.locked[0].reply == {"value": 10}
    assert exercises.hidden_groups(made.hidden_json()) == made.hidden
    assert all(isinstance(group, Group) for group in made.hidden)


def test_a_right_answer_is_written_alike_on_machines_that_round_differently():
    one = describe(lambda x: x * 0.1 + 0.2)
    other = describe(lambda x: x * 0.1 + 0.2 + 1e-16)
    assert [p.reply for p in one.shown] == [{"value": 0.3}, {"value": 0.4}]
    assert one.public_json() == other.public_json() and one.hidden_json() == other.hidden_json()
    (pair,) = describe(lambda x: {"all": np.array([0.0, x]) / 3}).shown[0].reply["value"]["dict"]
    assert pair == ["all", {"array": [0.0, 0.333333333333]}]


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(hints=["one", "two"]), "write three hints"),
        (dict(hints=["one", "", "three"]), "write three hints"),
        (dict(shown=[]), "at least one shown"),
        (dict(locked=[]), "at least one shown"),
        (dict(hidden={}), "at least one shown"),
        (dict(shown=[call(1)]), "a constant passes all shown"),
        (dict(hidden={"one": [call(7)]}), "a constant passes all of hidden 'one'"),
        (dict(hidden={"one": [call(-7), call(-8)]}), "a constant passes all of hidden 'one'"),
        (dict(hidden={"seen": [call(7), call(1)]}), "asks what students can see"),
        (dict(hidden={"seen": [call(7), call(5)]}), "asks what students can see"),
        (dict(shown=[call(1), call(y=2)]), "'TypeError'"),
    ],
)
def test_a_description_that_gives_points_away_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        describe(**changes)


def test_a_model_answer_that_is_not_sure_is_refused():
    said = []

    def unsure(x):
        said.append(x)
        return len(said)

    with pytest.raises(ValueError, match="differs from call to call"):
        describe(unsure)
    with pytest.raises(ValueError, match="Unanswerable"):
        describe(lambda x: {x})


def test_a_curve_needs_no_second_one():
    falling = lambda step: 1 / (1 + step)  # noqa: E731
    steps = dict(shown=[curve([0, 1])], locked=[curve([2, 3])])
    assert describe(falling, **steps, hidden={"all": [curve([5, 6])]})
    with pytest.raises(ValueError, match="a constant passes all of hidden"):
        describe(lambda step: min(step, 4), **steps, hidden={"all": [curve([5, 6])]})


# --- the course's own -----------------------------------------------------------------------------


def test_the_course_s_exercises_are_whole_and_hide_what_is_hidden():
    found = exercises.course()
    assert len(found) >= 10
    for id, each in found.items():
        assert isinstance(each, Exercise) and each.id == id and each.hidden == ()
        assert len(each.hints) == 3 and each.shown and each.locked and each.title
        assert each.points > 0 and each.lesson.startswith(f"{int(id.split('.')[0]):02}_")
        assert all(isinstance(probe, Probe) for probe in each.shown)
        again = json.loads(json.dumps(each.public_json()))
        assert again["shown"] == [probe.to_json() for probe in each.shown]


@pytest.mark.parametrize(
    "value, words",
    [
        ({((1, 2), 3): {(): [{}]}}, "{[[1, 2], 3]: {[]: [{}]}}"),
        (np.array([[1], [1, 2]], dtype=object), "[[1], [1, 2]]"),
        ({"lr": np.array([0.5, math.nan]), "n": math.inf}, "{'lr': [0.5, nan], 'n': inf}"),
        ({n: n for n in range(9999)}, "{0: 0, 1: 1, 2: 2, 3: 3"),
    ],
)
def test_whatever_an_answer_is_the_difference_can_be_told(value, words):
    probe = Probe(call(1), {"value": 0.5})
    text = difference(probe, reply(lambda _: value, call(1)), "rate", 1e-9)
    assert text.startswith(f"rate(1) returned {words}") and text.endswith(", expected 0.5")


@pytest.mark.parametrize(
    "asked, answer, wanted, words",
    [
        (curve([3, 7, 9], lr=1), lambda step, lr: max(step, 8), lambda step, lr: step,
         "f(3, lr=1) returned 8, expected 3 (2 of 3 steps differ)"),
        (call(1), lambda x: [1, 5, 6], lambda x: [1, 2, 3],
         "f(1) returned [1, 5, 6], expected [1, 2, 3] (they differ first at index 1)"),
        (call(1), lambda x: 0.12345, lambda x: 0.1234501234,
         "f(1) returned 0.12345, expected 0.1234501234 (right to four digits: that is rounding"),
        (call(0), lambda x: 5, lambda x: 1 // x, "f(0) returned 5, expected it to raise ZeroDiv"),
        (call(0), lambda x: 1 // x, lambda x: 5, "f(0) stopped with ZeroDivisionError: integer"),
        (call(0), lambda x: {x}, lambda x: 5, "f(0) returned what cannot be compared: an answer"),
    ],
)  # fmt: skip
def test_a_difference_is_told_with_its_call(asked, answer, wanted, words):
    probe = Probe(asked, reply(wanted, asked))
    assert difference(probe, reply(answer, asked), "f", 1e-9).startswith(words)
