"""Lesson 3: answers that its checks must reject, and answers that they must accept."""

import math
from bisect import bisect_left, bisect_right

import numpy as np
from exercise_helper import changed

# --- 03-epoch-decay -------------------------------------------------------------------------------


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


def never_below_a_millionth(step, *, lr, factor, every_epochs, steps_per_epoch):
    return max(1e-6, lr * factor ** (step // (every_epochs * steps_per_epoch)))


def times_the_reciprocal(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (int(step * (1 / steps_per_epoch)) // every_epochs)


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


# --- 03-next-rate ---------------------------------------------------------------------------------


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


def never_in_epoch_one(epoch, lr, every, factor):
    return lr * factor if epoch > 1 and epoch % every == 0 else lr


def never_below_a_hundred_thousandth(epoch, lr, every, factor):
    return max(1e-5, mended(epoch, lr, every, factor))


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


# --- 03-milestones --------------------------------------------------------------------------------


def in_updates(at_epochs, images, batch_size, epochs):
    steps = math.ceil(images / batch_size)
    found = [math.ceil(epoch * steps) for epoch in at_epochs]
    end = epochs * steps
    if any(update >= end for update in found):
        raise ValueError("a drop that never comes")
    return found


def counts_batches(at_epochs, images, batch_size, epochs):
    steps, found = len(range(0, images, batch_size)), []
    for epoch in at_epochs:
        update = 0
        while update < epoch * steps:
            update += 1
        if update > epochs * steps - 1:
            raise ValueError("beyond the end")
        found.append(update)
    return found


def numpy_milestones(at_epochs, images, batch_size, epochs):
    steps = images // batch_size + (images % batch_size > 0)
    found = np.ceil(np.array(at_epochs, dtype=float) * steps).astype(int)
    if found.size and found.max() >= epochs * steps:
        raise ValueError("beyond the end")
    return found.tolist()


# --- 03-updates-until -----------------------------------------------------------------------------


def with_logs(lr, bound, factor, steps_per_epoch):
    return max(0, math.floor(steps_per_epoch * math.log(bound / lr) / math.log(factor)) + 1)


def does_not_convert(lr, bound, factor, steps_per_epoch):
    return with_logs(lr, bound, factor, 1)


def answers_in_epochs(lr, bound, factor, steps_per_epoch):
    return math.ceil(with_logs(lr, bound, factor, steps_per_epoch) / steps_per_epoch)


def divides_the_factor(lr, bound, factor, steps_per_epoch):
    return with_logs(lr, bound, factor / steps_per_epoch, 1)


def goes_below_zero(lr, bound, factor, steps_per_epoch):
    return math.floor(steps_per_epoch * math.log(bound / lr) / math.log(factor)) + 1


def cuts_below_zero_off(lr, bound, factor, steps_per_epoch):
    return max(0, int(steps_per_epoch * math.log(bound / lr) / math.log(factor)) + 1)


def at_or_below(lr, bound, factor, steps_per_epoch):
    step = 0
    while lr * factor ** (step / steps_per_epoch) > bound:
        step += 1
    return step


def at_or_below_later(lr, bound, factor, steps_per_epoch):
    return at_or_below(lr, bound, factor, steps_per_epoch) + (lr == bound)


def nearly_below(lr, bound, factor, steps_per_epoch):
    return counts(lr, bound - 1e-9, factor, steps_per_epoch)


def counts_to_a_hundred_thousand(lr, bound, factor, steps_per_epoch):
    rates = lr * (factor ** (1 / steps_per_epoch)) ** np.arange(100_000)
    return int(np.argmax(rates < bound))


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


WRONG = {
    "03-epoch-decay": [
        *(smooth, smooth_between_epochs, forgets_the_epochs, forgets_every, one_update_early),
        *(one_update_late, never_below_a_millionth, times_the_reciprocal),
    ],
    "03-next-rate": [
        *(as_published, drops_at_epoch_zero, drops_every_epoch, drops_ever_after, drops_only_once),
        *(one_epoch_early, never_in_epoch_one, never_below_a_hundred_thousandth),
    ],
    "03-milestones": [
        *changed(
            in_updates,
            drops_the_small_batch={
                "math.ceil(epoch * steps)": "math.ceil(epoch * (images // batch_size))"
            },
            counts_images={"math.ceil(images / batch_size)": "images"},
            as_published_once={"math.ceil(epoch * steps)": "int(images * epoch // batch_size)"},
            never_complains={"any(update >= end for update in found)": "False"},
            drops_what_is_late={
                "in at_epochs]": "in at_epochs if math.ceil(epoch * steps) < epochs * steps]"
            },
            rounds_down={"math.ceil(epoch": "math.floor(epoch"},
            asks_the_last_only={"in found)": "in found[-1:])"},
            one_more_for_a_fraction={
                "math.ceil(epoch * steps)": "int(epoch * steps) + (epoch != int(epoch))"
            },
            sorts_the_drops={"return found": "return sorted(found)"},
            asks_the_largest_of_none={
                "any(update >= end for update in found)": "max(found) >= end"
            },
            compares_epochs={
                "update >= end for update in found": "epoch >= epochs for epoch in at_epochs"
            },
            spares_the_last_epoch={
                "update >= end for update in found": "epoch > epochs - 1 for epoch in at_epochs"
            },
            rounds_before_it_rounds_up={
                "math.ceil(epoch * steps)": "math.ceil(round(epoch * steps, 1))"
            },
            rounds_the_whole_run={"= epochs * steps": "= math.ceil(epochs * images / batch_size)"},
            fraction_of_the_images={
                "epoch * steps": "epoch // 1 * steps + epoch % 1 * images / batch_size"
            },
            leaves_out_epoch_zero={"in at_epochs]": "in at_epochs if epoch]"},
            not_at_the_last_update={">= end": ">= end - 1"},
        ),
    ],
    "03-updates-until": [
        *(does_not_convert, answers_in_epochs, divides_the_factor, goes_below_zero),
        *(cuts_below_zero_off, at_or_below_later, nearly_below, counts_to_a_hundred_thousand),
    ],
}
RIGHT = {
    "03-epoch-decay": [
        one_floor,
        in_numpy,
        in_a_loop,
        by_exp_and_log,
        over_drops,
    ],
    "03-next-rate": [
        mended,
        growth_of_the_exponent,
        undoes_and_redoes,
        with_numpy,
        by_search,
    ],
    "03-milestones": [in_updates, counts_batches, numpy_milestones],
    "03-updates-until": [
        with_logs,
        counts,
        multiplies,
        searches,
        numpy_logs,
    ],
}
