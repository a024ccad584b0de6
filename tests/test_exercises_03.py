"""Lesson 03: its check rejects plausible wrong answers and accepts right ones of any form."""

import numpy as np
import pytest
from exercise_helper import assert_lazy_answers_fail, checks, passes

LESSON = "03_every_schedule"


def one_too_late(milestones):
    return [m + 1 for m in milestones]


def unchanged(milestones):
    return list(milestones)


def keeps_the_zero(milestones):
    return [m - 1 for m in milestones]


def clips_the_zero(milestones):
    return [max(m - 1, 0) for m in milestones]


def first_only(milestones):
    return [m - 1 for m in milestones[:1] if m]


def distances(milestones):
    return [b - a - 1 for a, b in zip([0, *milestones], milestones) if b]


def backwards(milestones):
    return [m - 1 for m in milestones if m][::-1]


def knows_the_examples(milestones):
    return {(5,): [4], (30, 60): [29, 59]}.get(tuple(milestones), [])


def by_loop(milestones):
    found = []
    for m in milestones:
        if m:
            found.append(m - 1)
    return found


def by_numpy(milestones):
    found = np.array(milestones, dtype=int) - 1
    return found[found >= 0].tolist()


def by_counting(milestones):
    """The updates after which the number of milestones passed changes."""
    passed = [sum(m <= t for m in milestones) for t in range(1000)]
    return [t for t in range(999) if passed[t + 1] != passed[t]]


WRONG = [one_too_late, unchanged, keeps_the_zero, clips_the_zero]
WRONG += [first_only, distances, backwards, knows_the_examples]


def test_every_check_of_the_lesson_is_tested_here():
    assert set(checks(LESSON)) == {"keras_boundaries"}


@pytest.mark.parametrize("answer", WRONG)
def test_wrong_answer_is_rejected(answer):
    with pytest.raises(AssertionError):
        passes(LESSON, "keras_boundaries", keras_boundaries=answer)


@pytest.mark.parametrize("answer", [by_loop, by_numpy, by_counting])
def test_right_answer_passes(answer):
    passes(LESSON, "keras_boundaries", keras_boundaries=answer)


def test_the_answer_is_what_the_frameworks_do():
    import torch

    from course_lib.tensorflow import keras

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 7])
    boundaries = by_loop([3, 7])
    native = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, [1.0, 0.1, 0.01])
    for step in range(12):
        assert float(native(step)) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_constants_and_answers_by_heart_earn_nothing():
    assert_lazy_answers_fail(LESSON)
