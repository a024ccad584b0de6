"""Lesson 00: its checks reject plausible wrong answers and accept right ones of any form."""

import itertools
import math

import numpy as np
import pytest
from exercise_helper import assert_lazy_answers_fail, checks, passes

LESSON = "00_start_here"

# --- 0.1: count the updates ---


def rounds_the_total(images, batch_size, epochs):
    return math.ceil(epochs * images / batch_size)


def drops_the_last_batch(images, batch_size, epochs):
    return epochs * (images // batch_size)


def rounds_to_nearest(images, batch_size, epochs):
    return epochs * round(images / batch_size)


def always_one_more(images, batch_size, epochs):
    return epochs * (images // batch_size + 1)


def forgets_the_epochs(images, batch_size, epochs):
    return math.ceil(images / batch_size)


def does_not_round(images, batch_size, epochs):
    return epochs * images / batch_size


def knows_the_example_only(images, batch_size, epochs):
    return {(10, 4, 2): 6, (60_000, 128, 1): 469, (60_000, 128, 3): 1407}.get(
        (images, batch_size, epochs), {32: 9375, 8: 4}.get(batch_size, 0)
    )


def by_negative_division(images, batch_size, epochs):
    return -(-images // batch_size) * epochs


def by_adding_before(images, batch_size, epochs):
    return (images + batch_size - 1) // batch_size * epochs


def by_numpy(images, batch_size, epochs):
    return np.ceil(images / batch_size) * epochs


def by_counting(images, batch_size, epochs):
    return sum(1 for _ in range(epochs) for _ in range(0, images, batch_size))


# --- 0.2: the measuring instrument ---


def positions_instead(update, weight, count):
    return [(update(), weight())[1] for _ in range(count)]


def after_minus_before(update, weight, count):
    return [-rate for rate in right_measure(update, weight, count)]


def from_the_start(update, weight, count):
    start = weight()
    return [start - (update(), weight())[1] for _ in range(count)]


def from_zero(update, weight, count):
    seen, last = [], 0.0
    for _ in range(count):
        update()
        seen.append(last - weight())
        last = weight()
    return seen


def one_too_few(update, weight, count):
    return right_measure(update, weight, count)[:-1]


def one_late(update, weight, count):
    update()
    return right_measure(update, weight, count - 1)


def all_the_first(update, weight, count):
    return right_measure(update, weight, min(count, 1)) * count


def right_measure(update, weight, count):
    rates = []
    for _ in range(count):
        before = weight()
        update()
        rates.append(before - weight())
    return rates


def measured_with_numpy(update, weight, count):
    positions = [weight()]
    for _ in range(count):
        update()
        positions.append(weight())
    return -np.diff(positions)


def measured_pairwise(update, weight, count):
    positions = [weight(), *((update(), weight())[1] for _ in range(count))]
    return tuple(a - b for a, b in itertools.pairwise(positions))


# --- 0.3: mend the loop ---


def never_stops(step, *, initial, total, factor):
    return initial * (1 - (1 - factor) * step / total)


def stops_at_zero(step, *, initial, total, factor):
    return initial * max(0.0, 1 - (1 - factor) * step / total)


def falls_to_zero(step, *, initial, total, factor):
    return initial * (1 - min(step / total, 1))


def falls_by_the_factor(step, *, initial, total, factor):
    return initial * (1 - factor * min(step / total, 1))


def factor_is_a_rate(step, *, initial, total, factor):
    return initial + (factor - initial) * min(step / total, 1)


def exponential_instead(step, *, initial, total, factor):
    return initial * factor ** min(step / total, 1)


def one_early(step, *, initial, total, factor):
    return never_stops(min(step + 1, total), initial=initial, total=total, factor=factor)


def ends_one_before_total(step, *, initial, total, factor):
    done = min(step / (total - 1), 1)
    return initial * (1 - (1 - factor) * done)


class Compounds:
    """Remembers its last answer, as the bug does."""

    __name__ = "compounds"

    def __init__(self):
        self.rate = None

    def __call__(self, step, *, initial, total, factor):
        self.rate = (self.rate or initial) * (1 - (1 - factor) * min(step / total, 1))
        return self.rate


def as_a_weighted_mean(step, *, initial, total, factor):
    share = min(step, total) / total
    return (1 - share) * initial + share * factor * initial


def by_interpolation(step, *, initial, total, factor):
    return np.interp(step, [0, total], [initial, factor * initial])


def with_an_if(step, *, initial, total, factor):
    if step >= total:
        return initial * factor
    return initial - step * (initial - initial * factor) / total


WRONG = {
    "count_updates": [
        rounds_the_total,
        drops_the_last_batch,
        rounds_to_nearest,
        always_one_more,
        forgets_the_epochs,
        does_not_round,
        knows_the_example_only,
    ],
    "measure": [
        positions_instead,
        after_minus_before,
        from_the_start,
        from_zero,
        one_too_few,
        one_late,
        all_the_first,
    ],
    "line": [
        never_stops,
        stops_at_zero,
        falls_to_zero,
        falls_by_the_factor,
        factor_is_a_rate,
        exponential_instead,
        one_early,
        ends_one_before_total,
        Compounds(),
    ],
}
RIGHT = {
    "count_updates": [by_negative_division, by_adding_before, by_numpy, by_counting],
    "measure": [right_measure, measured_with_numpy, measured_pairwise],
    "line": [as_a_weighted_mean, by_interpolation, with_an_if],
}


def pairs(answers):
    return [
        pytest.param(grade_id, answer, id=f"{grade_id}-{answer.__name__}")
        for grade_id, each in answers.items()
        for answer in each
    ]


def test_every_exercise_has_its_answers():
    assert set(checks(LESSON)) == set(WRONG) == set(RIGHT)
    assert all(len(each) >= 6 for each in WRONG.values())
    assert all(len(each) >= 3 for each in RIGHT.values())


@pytest.mark.parametrize("grade_id, answer", pairs(WRONG))
def test_wrong_answer_is_rejected(grade_id, answer):
    with pytest.raises(AssertionError):
        passes(LESSON, grade_id, **{grade_id: answer})


@pytest.mark.parametrize("grade_id, answer", pairs(RIGHT))
def test_right_answer_is_accepted(grade_id, answer):
    passes(LESSON, grade_id, **{grade_id: answer})


@pytest.mark.parametrize("grade_id", WRONG)
def test_an_exercise_not_begun_is_not_a_wrong_answer(grade_id):
    def blank(*arguments, **parameters):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        passes(LESSON, grade_id, **{grade_id: blank})


def test_constants_and_answers_by_heart_earn_nothing():
    assert_lazy_answers_fail(LESSON)
