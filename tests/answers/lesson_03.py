"""Lesson 3: answers that its checks must reject, and answers that they must accept."""

import math
from bisect import bisect_left, bisect_right

import numpy as np

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


def _steps(images, batch_size):
    return math.ceil(images / batch_size)


def _in_time(found, end):
    if any(update >= end for update in found):
        raise ValueError("a drop that never comes")
    return found


def drops_the_small_batch(at_epochs, images, batch_size, epochs):
    found = [math.ceil(epoch * (images // batch_size)) for epoch in at_epochs]
    return _in_time(found, epochs * _steps(images, batch_size))


def counts_images(at_epochs, images, batch_size, epochs):
    found = [math.ceil(epoch * images) for epoch in at_epochs]
    return _in_time(found, epochs * images)


def as_published_once(at_epochs, images, batch_size, epochs):
    found = [int(images * epoch // batch_size) for epoch in at_epochs]
    return _in_time(found, epochs * _steps(images, batch_size))


def never_complains(at_epochs, images, batch_size, epochs):
    return [math.ceil(epoch * _steps(images, batch_size)) for epoch in at_epochs]


def drops_what_is_late(at_epochs, images, batch_size, epochs):
    found = [math.ceil(epoch * _steps(images, batch_size)) for epoch in at_epochs]
    return [update for update in found if update < epochs * _steps(images, batch_size)]


def rounds_down(at_epochs, images, batch_size, epochs):
    found = [math.floor(epoch * _steps(images, batch_size)) for epoch in at_epochs]
    return _in_time(found, epochs * _steps(images, batch_size))


def asks_the_last_only(at_epochs, images, batch_size, epochs):
    found = [math.ceil(epoch * _steps(images, batch_size)) for epoch in at_epochs]
    _in_time(found[-1:], epochs * _steps(images, batch_size))
    return found


def one_more_for_a_fraction(at_epochs, images, batch_size, epochs):
    steps = _steps(images, batch_size)
    found = [int(epoch * steps) + (epoch != int(epoch)) for epoch in at_epochs]
    return _in_time(found, epochs * steps)


def sorts_the_drops(at_epochs, images, batch_size, epochs):
    return sorted(with_negative_floors(at_epochs, images, batch_size, epochs))


def asks_the_largest_of_none(at_epochs, images, batch_size, epochs):
    found = never_complains(at_epochs, images, batch_size, epochs)
    return found if max(found) < epochs * _steps(images, batch_size) else _in_time([1], 0)


def compares_epochs(at_epochs, images, batch_size, epochs):
    return never_complains(_in_time(at_epochs, epochs), images, batch_size, epochs)


def spares_the_last_epoch(at_epochs, images, batch_size, epochs):
    _in_time(at_epochs, epochs - 1 + 1e-9)
    return never_complains(at_epochs, images, batch_size, epochs)


def rounds_before_it_rounds_up(at_epochs, images, batch_size, epochs):
    n = _steps(images, batch_size)
    return _in_time([math.ceil(round(each * n, 1)) for each in at_epochs], epochs * n)


def rounds_the_whole_run(at_epochs, images, batch_size, epochs):
    found = never_complains(at_epochs, images, batch_size, epochs)
    return _in_time(found, math.ceil(epochs * images / batch_size))


def fraction_of_the_images(at_epochs, images, batch_size, epochs):
    steps = _steps(images, batch_size)
    found = [int(e) * steps + math.ceil(e % 1 * images / batch_size) for e in at_epochs]
    return _in_time(found, epochs * steps)


def leaves_out_epoch_zero(at_epochs, images, batch_size, epochs):
    return with_negative_floors([e for e in at_epochs if e], images, batch_size, epochs)


def not_at_the_last_update(at_epochs, images, batch_size, epochs):
    steps = math.ceil(images / batch_size)
    updates = [math.ceil(epoch * steps) for epoch in at_epochs]
    last = epochs * steps - 1
    if any(update >= last for update in updates):
        raise ValueError(f"the run ends at update {last}")
    return updates


def with_negative_floors(at_epochs, images, batch_size, epochs):
    steps = -(-images // batch_size)
    return _in_time([-int(-epoch * steps // 1) for epoch in at_epochs], epochs * steps)


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
        *(not_at_the_last_update, drops_the_small_batch, counts_images, as_published_once),
        *(never_complains, drops_what_is_late, rounds_down, asks_the_last_only),
        *(one_more_for_a_fraction, sorts_the_drops, asks_the_largest_of_none, compares_epochs),
        *(rounds_the_whole_run, rounds_before_it_rounds_up, spares_the_last_epoch),
        *(fraction_of_the_images, leaves_out_epoch_zero),
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
    "03-milestones": [
        with_negative_floors,
        counts_batches,
        numpy_milestones,
    ],
    "03-updates-until": [
        with_logs,
        counts,
        multiplies,
        searches,
        numpy_logs,
    ],
}
