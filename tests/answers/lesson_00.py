"""Lesson 00: answers that its checks must reject, and right ones of different forms."""

import itertools
import math

import numpy as np
import torch
from exercise_helper import changed

# --- 0.1: count the updates ---


def rounded_up(images, batch_size, epochs):
    return epochs * math.ceil(images / batch_size)


def by_numpy(images, batch_size, epochs):
    return np.ceil(images / batch_size) * epochs


def by_counting(images, batch_size, epochs):
    return sum(1 for _ in range(epochs) for _ in range(0, images, batch_size))


# --- 0.2: the measuring instrument ---


def stops_at_a_rate_of_zero(update, weight, count):
    rates = []
    while len(rates) < count:
        before = weight()
        update()
        if weight() == before:
            break
        rates.append(before - weight())
    return rates + [0.0] * (count - len(rates))


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


def with_a_minimum(step, *, initial, total, factor):
    return initial * (1 - (1 - factor) * min(step / total, 1))


class KeepsWhatItGave:
    """Knows a line by its length alone."""

    __name__ = "keeps_what_it_gave"

    def __init__(self):
        self.known = {}

    def __call__(self, step, *, initial, total, factor):
        rate = with_an_if(step, initial=initial, total=total, factor=factor)
        return self.known.setdefault((step, total), rate)


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


def never_rises(epochs, *, initial, factor, every):
    return [[min(initial, initial * factor ** (epoch // every))] * 2 for epoch in range(epochs)]


WRONG = {
    "count_updates": [
        *changed(
            rounded_up,
            rounds_the_total={"epochs * math.ceil(images": "math.ceil(epochs * images"},
            drops_the_last_batch={"math.ceil(images / batch_size)": "(images // batch_size)"},
            rounds_to_nearest={"math.ceil(": "round("},
            always_one_more={"math.ceil(images / batch_size)": "(images // batch_size + 1)"},
            forgets_the_epochs={"epochs * ": ""},
            adds_nearly_one={"math.ceil(images / batch_size)": "int(images / batch_size + 0.999)"},
            short_batch_once={
                "math.ceil(images /": "(images //",
                "size)\n": "size) + (images % batch_size > 0)\n",
            },
            does_not_round={"math.ceil": ""},
        ),
    ],
    "measure": [
        stops_at_a_rate_of_zero,
        *changed(
            right_measure,
            updates_once_too_often={"    return": "    update()\n    return"},
            positions_instead={"before - weight()": "weight()"},
            after_minus_before={"before - weight()": "weight() - before"},
            one_too_few={"return rates": "return rates[:-1]"},
            rates_without_sign={"before - weight()": "abs(before - weight())"},
            rounds_to_thousandths={"before - weight()": "round(before - weight(), 3)"},
            rates_of_at_most_one={"before - weight()": "min(1.0, before - weight())"},
        ),
    ],
    "line": [
        KeepsWhatItGave(),
        *changed(
            with_a_minimum,
            rounds_to_six_places={"return initial": "return round(initial", "1))": "1)), 6)"},
            never_stops={"min(step / total, 1)": "step / total"},
            stops_at_zero={"(1 - (": "max(0.0, 1 - (", "min(step / total, 1)": "step / total"},
            falls_to_zero={"(1 - factor) * ": ""},
            falls_by_the_factor={"(1 - factor) *": "factor *"},
            factor_is_a_rate={"initial * (1 - (1 - factor)": "(initial - (initial - factor)"},
            exponential_instead={
                "(1 - (1 - factor) * min(step / total, 1))": "factor ** min(step / total, 1)"
            },
        ),
    ],
    "00-epoch-rates": [
        *(into_a_copy, first_group_only, last_group_only, as_an_attribute, into_the_defaults),
        *(in_every_epoch, never_rises, in_ten_thousandths),
    ],
}
RIGHT = {
    "count_updates": [rounded_up, by_numpy, by_counting],
    "measure": [right_measure, measured_with_numpy, measured_pairwise],
    "line": [with_a_minimum, by_interpolation, with_an_if],
    "00-epoch-rates": [
        the_mended_loop,
        _trained(in_float32, torch.float32),
        through_load_state_dict,
        when_an_interval_ends,
        by_a_scheduler,
    ],
}
