"""The checks of lesson 2: every right answer passes, every plausible wrong one is told so."""

import math
from bisect import bisect_left, bisect_right

import numpy as np
import pytest
from exercise_helper import assert_lazy_answers_fail, earned, passes

LESSON = "02_decay_two_classics"


def fails(grade_id, **names):
    with pytest.raises(AssertionError):
        passes(LESSON, grade_id, **names)


# --- 2.1: staircase in epochs, asked in updates ---------------------------------------------------


def smooth(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (step / (every_epochs * steps_per_epoch))


def smooth_between_epochs(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (step // steps_per_epoch / every_epochs)


def forgets_the_epochs(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (step // every_epochs)


def forgets_every(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (step // steps_per_epoch)


def one_update_early(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** ((step + 1) // (every_epochs * steps_per_epoch))


def one_update_late(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (max(step - 1, 0) // (every_epochs * steps_per_epoch))


def counts_epochs_from_one(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** ((step // steps_per_epoch + 1) // every_epochs)


def rounds_to_nearest(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** round(step / (every_epochs * steps_per_epoch))


def drops_once(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr if step < every_epochs * steps_per_epoch else lr * factor


def subtracts(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * (1 - (1 - factor) * (step // (every_epochs * steps_per_epoch)))


def hard_coded_rate(step, *, lr, factor, every_epochs, steps_per_epoch):
    return 0.1 * factor ** (step // (every_epochs * steps_per_epoch))


def compounds(step, *, lr, factor, every_epochs, steps_per_epoch):
    for epoch in range(step // steps_per_epoch + 1):
        lr = lr * factor ** (epoch // every_epochs)
    return lr


def gives_the_epoch(step, *, lr, factor, every_epochs, steps_per_epoch):
    return step // steps_per_epoch


WRONG_1 = [smooth, smooth_between_epochs, forgets_the_epochs, forgets_every, one_update_early]
WRONG_1 += [one_update_late, counts_epochs_from_one, rounds_to_nearest, drops_once, subtracts]
WRONG_1 += [hard_coded_rate, compounds, gives_the_epoch]


@pytest.mark.parametrize("answer", WRONG_1)
def test_wrong_epoch_decay_is_rejected(answer):
    fails("ex-2-1", my_epoch_decay=answer)


def one_floor(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (step // (every_epochs * steps_per_epoch))


def in_numpy(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * np.power(factor, np.floor(np.floor(step / steps_per_epoch) / every_epochs))


def in_a_loop(step, *, lr, factor, every_epochs, steps_per_epoch):
    for update in range(1, step + 1):
        if update % (every_epochs * steps_per_epoch) == 0:
            lr *= factor
    return lr


def by_exp_and_log(step, *, lr, factor, every_epochs, steps_per_epoch):
    drops = math.floor(step / steps_per_epoch) // every_epochs
    return math.exp(math.log(lr) + drops * math.log(factor))


def over_drops(step, *, lr, factor, every_epochs, steps_per_epoch):
    length = every_epochs * steps_per_epoch
    return lr * factor ** len(range(length, step + 1, length))


@pytest.mark.parametrize("answer", [one_floor, in_numpy, in_a_loop, by_exp_and_log, over_drops])
def test_right_epoch_decay_is_accepted(answer):
    passes(LESSON, "ex-2-1", my_epoch_decay=answer)


# --- 2.2: the first update below a bound ----------------------------------------------------------


def with_logs(lr, bound, factor, steps_per_epoch):
    return max(0, math.floor(steps_per_epoch * math.log(bound / lr) / math.log(factor)) + 1)


def does_not_convert(lr, bound, factor, steps_per_epoch):
    return with_logs(lr, bound, factor, 1)


def answers_in_epochs(lr, bound, factor, steps_per_epoch):
    return math.ceil(with_logs(lr, bound, factor, steps_per_epoch) / steps_per_epoch)


def divides_the_factor(lr, bound, factor, steps_per_epoch):
    return with_logs(lr, bound, factor / steps_per_epoch, 1)


def waits_for_the_staircase(lr, bound, factor, steps_per_epoch):
    return steps_per_epoch * with_logs(lr, bound, factor, 1)


def rounds_up(lr, bound, factor, steps_per_epoch):
    return max(0, math.ceil(steps_per_epoch * math.log(bound / lr) / math.log(factor)))


def rounds_down(lr, bound, factor, steps_per_epoch):
    return with_logs(lr, bound, factor, steps_per_epoch) - 1


def does_not_round(lr, bound, factor, steps_per_epoch):
    return max(0, steps_per_epoch * math.log(bound / lr) / math.log(factor))


def goes_below_zero(lr, bound, factor, steps_per_epoch):
    return math.floor(steps_per_epoch * math.log(bound / lr) / math.log(factor)) + 1


def forgets_the_first_rate(lr, bound, factor, steps_per_epoch):
    return with_logs(1.0, bound, factor, steps_per_epoch)


def straight_line(lr, bound, factor, steps_per_epoch):
    return max(0, math.floor((1 - bound / lr) / (1 - factor) * steps_per_epoch) + 1)


def at_or_below(lr, bound, factor, steps_per_epoch):
    step = 0
    while lr * factor ** (step / steps_per_epoch) > bound:
        step += 1
    return step


WRONG_2 = [does_not_convert, answers_in_epochs, divides_the_factor, waits_for_the_staircase]
WRONG_2 += [rounds_up, rounds_down, does_not_round, goes_below_zero, forgets_the_first_rate]
WRONG_2 += [straight_line, at_or_below]


@pytest.mark.parametrize("answer", WRONG_2)
def test_wrong_count_is_rejected(answer):
    fails("ex-2-2", updates_until=answer)


def counts(lr, bound, factor, steps_per_epoch):
    step = 0
    while lr * factor ** (step / steps_per_epoch) >= bound:
        step += 1
    return step


def multiplies(lr, bound, factor, steps_per_epoch):
    step, per_update = 0, factor ** (1 / steps_per_epoch)
    while lr >= bound:
        lr, step = lr * per_update, step + 1
    return step


def searches(lr, bound, factor, steps_per_epoch):
    return bisect_right(
        range(10**6), -bound, key=lambda step: -lr * factor ** (step / steps_per_epoch)
    )


def numpy_logs(lr, bound, factor, steps_per_epoch):
    exact = np.log2(lr / bound) * steps_per_epoch / -np.log2(factor)
    return np.maximum(np.floor(exact) + 1, 0)


@pytest.mark.parametrize("answer", [with_logs, counts, multiplies, searches, numpy_logs])
def test_right_count_is_accepted(answer):
    passes(LESSON, "ex-2-2", updates_until=answer)


# --- 2.3: the mended rate -------------------------------------------------------------------------


def as_published(epoch, lr, every, factor):
    return lr * factor ** (epoch // every)


def drops_at_epoch_zero(epoch, lr, every, factor):
    return lr * factor if epoch % every == 0 else lr


def drops_every_epoch(epoch, lr, every, factor):
    return lr * factor if epoch else lr


def drops_ever_after(epoch, lr, every, factor):
    return lr * factor if epoch >= every else lr


def drops_only_once(epoch, lr, every, factor):
    return lr * factor if epoch == every else lr


def one_epoch_early(epoch, lr, every, factor):
    return lr * factor if (epoch + 1) % every == 0 else lr


def one_epoch_late(epoch, lr, every, factor):
    return lr * factor if epoch > 1 and (epoch - 1) % every == 0 else lr


def smooth_instead(epoch, lr, every, factor):
    return lr * factor ** (1 / every) if epoch else lr


def knows_the_first_rate(epoch, lr, every, factor):
    return 1.0 * factor ** (epoch // every)


def gives_the_factor(epoch, lr, every, factor):
    return factor if epoch and epoch % every == 0 else 1.0


def never_drops(epoch, lr, every, factor):
    return lr


def remembering():
    first = []

    def remembers_the_first_rate(epoch, lr, every, factor):
        if epoch == 0:
            first[:] = [lr]
        return first[0] * factor ** (epoch // every)  # who resumes never called it with epoch 0

    return remembers_the_first_rate


WRONG_3 = [as_published, drops_at_epoch_zero, drops_every_epoch, drops_ever_after]
WRONG_3 += [drops_only_once, one_epoch_early, one_epoch_late, smooth_instead]
WRONG_3 += [knows_the_first_rate, gives_the_factor, never_drops, remembering()]


@pytest.mark.parametrize("answer", WRONG_3)
def test_compounding_rate_is_rejected(answer):
    fails("ex-2-3", next_rate=answer)


def mended(epoch, lr, every, factor):
    return lr * factor if epoch and not epoch % every else lr


def growth_of_the_exponent(epoch, lr, every, factor):
    return lr * factor ** (epoch // every - max(epoch - 1, 0) // every)


def undoes_and_redoes(epoch, lr, every, factor):
    first = lr / factor ** (max(epoch - 1, 0) // every)
    return first * factor ** (epoch // every)


def with_numpy(epoch, lr, every, factor):
    return np.where(epoch in np.arange(every, epoch + 1, every), lr * factor, lr)


def by_search(epoch, lr, every, factor):
    drops = range(every, epoch + 1, every)
    return lr * factor ** (len(drops) - bisect_left(drops, epoch))


@pytest.mark.parametrize(
    "answer", [mended, growth_of_the_exponent, undoes_and_redoes, with_numpy, by_search]
)
def test_mended_rate_is_accepted(answer):
    passes(LESSON, "ex-2-3", next_rate=answer)


# --- answers that were not begun ------------------------------------------------------------------


def untouched(*_, **__):
    raise NotImplementedError


@pytest.mark.parametrize(
    ("grade_id", "name"),
    [("ex-2-1", "my_epoch_decay"), ("ex-2-2", "updates_until"), ("ex-2-3", "next_rate")],
)
def test_untouched_stub_is_not_called_wrong(grade_id, name):
    with pytest.raises(NotImplementedError):
        passes(LESSON, grade_id, **{name: untouched})


def test_constants_and_answers_by_heart_earn_nothing():
    assert_lazy_answers_fail(LESSON)


@pytest.mark.parametrize(
    "grade_id, answer, kept",
    [
        ("ex-2-1", forgets_the_epochs, ["one update per epoch"]),
        ("ex-2-2", at_or_below, ["many updates", "below it from the start"]),
        ("ex-2-2", goes_below_zero, ["many updates", "at the bound and close to it"]),
        ("ex-2-3", smooth_instead, []),
        ("ex-2-3", drops_at_epoch_zero, ["resumed around epoch 30"]),
    ],
)
def test_who_has_half_of_it_earns_the_groups_that_are_right(grade_id, answer, kept):
    assert earned(LESSON, grade_id, answer) == kept
