"""Lesson 00: answers that its checks must reject, and right ones of different forms."""

import itertools
import math

import numpy as np
import torch

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


def adds_nearly_one(images, batch_size, epochs):
    return epochs * int(images / batch_size + 0.999)


def short_batch_once(images, batch_size, epochs):
    return images // batch_size * epochs + (images % batch_size > 0)


def does_not_round(images, batch_size, epochs):
    return epochs * images / batch_size


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


def one_too_few(update, weight, count):
    return right_measure(update, weight, count)[:-1]


def rounds_to_thousandths(update, weight, count):
    return [round(rate, 3) for rate in right_measure(update, weight, count)]


def stops_at_a_rate_of_zero(update, weight, count):
    rates = []
    while len(rates) < count:
        before = weight()
        update()
        if weight() == before:
            break
        rates.append(before - weight())
    return rates + [0.0] * (count - len(rates))


def updates_once_too_often(update, weight, count):
    positions = []
    for _ in range(count + 1):
        positions.append(weight())
        update()
    return [before - after for before, after in itertools.pairwise(positions)]


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


class KeepsWhatItGave:
    """Knows a line by its length alone."""

    __name__ = "keeps_what_it_gave"

    def __init__(self):
        self.known = {}

    def __call__(self, step, *, initial, total, factor):
        rate = with_an_if(step, initial=initial, total=total, factor=factor)
        return self.known.setdefault((step, total), rate)


def rounds_to_six_places(step, *, initial, total, factor):
    return round(initial * (1 - (1 - factor) * min(step / total, 1)), 6)


def as_a_weighted_mean(step, *, initial, total, factor):
    share = min(step, total) / total
    return (1 - share) * initial + share * factor * initial


def by_interpolation(step, *, initial, total, factor):
    return np.interp(step, [0, total], [initial, factor * initial])


def with_an_if(step, *, initial, total, factor):
    if step >= total:
        return initial * factor
    return initial - step * (initial - initial * factor) / total


# --- 0.4: the decay that never came ---


def _trained(set_rates, dtype=torch.float64):
    """The given code of the exercise, around the lines that set the rates."""

    def epoch_rates(epochs, *, initial, factor, every):
        weights = [torch.zeros(1, dtype=dtype, requires_grad=True) for _ in range(2)]
        optimizer = torch.optim.SGD([{"params": [each]} for each in weights], lr=initial)
        rates = []
        for epoch in range(epochs):
            set_rates(optimizer, epoch, initial, factor, every)
            optimizer.zero_grad()
            before = [each.item() for each in weights]
            sum(weights).backward()
            optimizer.step()
            rates.append([start - each.item() for start, each in zip(before, weights)])
        return rates

    epoch_rates.__name__ = set_rates.__name__
    return epoch_rates


@_trained
def into_a_copy(optimizer, epoch, initial, factor, every):
    for group in optimizer.state_dict()["param_groups"]:
        group["lr"] = initial * factor ** (epoch // every)


@_trained
def first_group_only(optimizer, epoch, initial, factor, every):
    optimizer.param_groups[0]["lr"] = initial * factor ** (epoch // every)


@_trained
def last_group_only(optimizer, epoch, initial, factor, every):
    optimizer.param_groups[-1]["lr"] = initial * factor ** (epoch // every)


@_trained
def as_an_attribute(optimizer, epoch, initial, factor, every):
    optimizer.lr = optimizer._lr = initial * factor ** (epoch // every)


@_trained
def into_the_defaults(optimizer, epoch, initial, factor, every):
    optimizer.defaults["lr"] = initial * factor ** (epoch // every)


@_trained
def in_every_epoch(optimizer, epoch, initial, factor, every):
    for group in optimizer.param_groups:
        group["lr"] = initial * factor**epoch


@_trained
def in_ten_thousandths(optimizer, epoch, initial, factor, every):
    for group in optimizer.param_groups:
        group["lr"] = round(initial * factor ** (epoch // every), 4)


@_trained
def the_mended_loop(optimizer, epoch, initial, factor, every):
    lr = initial * factor ** (epoch // every)
    for group in optimizer.param_groups:
        group.update(lr=lr)


def in_float32(optimizer, epoch, initial, factor, every):
    for group in optimizer.param_groups:
        group["lr"] = initial * factor ** (epoch // every)


@_trained
def through_load_state_dict(optimizer, epoch, initial, factor, every):
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        group["lr"] = initial * factor ** (epoch // every)
    optimizer.load_state_dict(state)


@_trained
def when_an_interval_ends(optimizer, epoch, initial, factor, every):
    for group in optimizer.param_groups:
        if epoch and epoch % every == 0:
            group["lr"] = group["lr"] * factor


def by_a_scheduler(epochs, *, initial, factor, every):
    weights = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": [each]} for each in weights], lr=initial)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, every, gamma=factor)
    rates = []
    for _ in range(epochs):
        rates.append(scheduler.get_last_lr())
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def rates_without_sign(update, weight, count):
    return [abs(rate) for rate in right_measure(update, weight, count)]


def rates_of_at_most_one(update, weight, count):
    return [min(1.0, rate) for rate in right_measure(update, weight, count)]


def never_rises(epochs, *, initial, factor, every):
    return [[min(initial, initial * factor ** (epoch // every))] * 2 for epoch in range(epochs)]


WRONG = {
    "count_updates": [
        *(rounds_the_total, drops_the_last_batch, rounds_to_nearest, always_one_more),
        *(forgets_the_epochs, adds_nearly_one, short_batch_once, does_not_round),
    ],
    "measure": [
        *(updates_once_too_often, positions_instead, after_minus_before, one_too_few),
        *(rates_without_sign, rounds_to_thousandths, stops_at_a_rate_of_zero, rates_of_at_most_one),
    ],
    "line": [
        *(rounds_to_six_places, never_stops, stops_at_zero, falls_to_zero, falls_by_the_factor),
        *(factor_is_a_rate, exponential_instead, KeepsWhatItGave()),
    ],
    "00-epoch-rates": [
        *(into_a_copy, first_group_only, last_group_only, as_an_attribute, into_the_defaults),
        *(in_every_epoch, never_rises, in_ten_thousandths),
    ],
}
RIGHT = {
    "count_updates": [by_negative_division, by_adding_before, by_numpy, by_counting],
    "measure": [right_measure, measured_with_numpy, measured_pairwise],
    "line": [as_a_weighted_mean, by_interpolation, with_an_if],
    "00-epoch-rates": [
        the_mended_loop,
        _trained(in_float32, torch.float32),
        through_load_state_dict,
        when_an_interval_ends,
        by_a_scheduler,
    ],
}
