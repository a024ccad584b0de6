"""Lesson 3: answers that its checks must reject, and answers that they must accept."""

import math

import numpy as np
from exercise_helper import changed

# --- 03-epoch-decay -------------------------------------------------------------------------------


def one_floor(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * factor ** (step // (every_epochs * steps_per_epoch))


def in_numpy(step, *, lr, factor, every_epochs, steps_per_epoch):
    return lr * np.power(factor, np.floor(np.floor(step / steps_per_epoch) / every_epochs))


def in_a_loop(step, *, lr, factor, every_epochs, steps_per_epoch):
    for update in range(1, step + 1):
        if update % (every_epochs * steps_per_epoch) == 0:
            lr *= factor
    return lr


# --- 03-next-rate ---------------------------------------------------------------------------------


def mended(epoch, lr, every, factor):
    return lr * factor if epoch and not epoch % every else lr


def undoes_and_redoes(epoch, lr, every, factor):
    first = lr / factor ** (max(epoch - 1, 0) // every)
    return first * factor ** (epoch // every)


def with_numpy(epoch, lr, every, factor):
    return np.where(epoch in np.arange(every, epoch + 1, every), lr * factor, lr)


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


def numpy_logs(lr, bound, factor, steps_per_epoch):
    exact = np.log2(lr / bound) * steps_per_epoch / -np.log2(factor)
    return np.maximum(np.floor(exact) + 1, 0)


WRONG = {
    "03-epoch-decay": [
        *changed(
            one_floor,
            smooth={"//": "/"},
            smooth_between_epochs={
                "(every_epochs * steps_per_epoch)": "steps_per_epoch / every_epochs"
            },
            forgets_the_epochs={"(every_epochs * steps_per_epoch)": "every_epochs"},
            forgets_every={"(every_epochs * steps_per_epoch)": "steps_per_epoch"},
            one_update_early={"(step //": "((step + 1) //"},
            one_update_late={"(step //": "(max(step - 1, 0) //"},
            never_below_a_millionth={"return lr": "return max(1e-6, lr", "epoch))": "epoch)))"},
            times_the_reciprocal={
                "step // (every_epochs *": "int(step * (1 /",
                "epoch))": "epoch)) // every_epochs)",
            },
        ),
    ],
    "03-next-rate": [
        *changed(
            mended,
            as_published={
                "factor if epoch and not epoch % every else lr": "factor ** (epoch // every)"
            },
            drops_at_epoch_zero={"epoch and not": "not"},
            drops_every_epoch={" and not epoch % every": ""},
            drops_ever_after={"epoch and not epoch % every": "epoch >= every"},
            drops_only_once={"epoch and not epoch % every": "epoch == every"},
            one_epoch_early={"epoch and not epoch %": "not (epoch + 1) %"},
            never_in_epoch_one={"epoch and": "epoch > 1 and"},
            never_below_a_hundred_thousandth={
                "return lr": "return max(1e-5, lr",
                "else lr": "else lr)",
            },
        ),
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
        *(does_not_convert, answers_in_epochs, divides_the_factor, at_or_below_later, nearly_below),
        counts_to_a_hundred_thousand,
        *changed(
            with_logs,
            goes_below_zero={"max(0, ": "max(-math.inf, "},
            cuts_below_zero_off={"math.floor": "int"},
        ),
    ],
}
RIGHT = {
    "03-epoch-decay": [one_floor, in_numpy, in_a_loop],
    "03-next-rate": [mended, undoes_and_redoes, with_numpy],
    "03-milestones": [in_updates, counts_batches, numpy_milestones],
    "03-updates-until": [with_logs, counts, multiplies, numpy_logs],
}
