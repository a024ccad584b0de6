"""Formulas made of schedules: one after another, times each other, in other units.

A schedule inside is anything that answers `step -> rate`.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated

from course_lib.formulas.parameters import (
    Choice,
    Count,
    Factor,
    FromOne,
    Milestones,
    Parts,
    Rate,
    Steps,
    Then,
)

BATCH_RULES = {"linear": lambda ratio: ratio, "sqrt": math.sqrt}


def join(step: int, *, parts: Parts, boundaries: Milestones) -> float:
    """One schedule after another: part i + 1 takes over at update `boundaries[i]`, and counts its
    own steps from 0 (optax's join_schedules; PyTorch's SequentialLR, without its state).

        lr(t) = parts[i](t - boundaries[i - 1]),    i = number of boundaries b with b <= t

    >>> from course_lib.schedules import Schedule, constant, linear
    >>> high, low = Schedule(constant, lr=1.0), Schedule(linear, peak_lr=0.5, total_steps=2)
    >>> [join(t, parts=[high, low], boundaries=[2]) for t in range(6)]
    [1.0, 1.0, 0.5, 0.25, 0.0, 0.0]
    """
    if len(parts) != len(boundaries) + 1:
        raise ValueError(
            f"boundaries must be one fewer than parts, got {len(boundaries)} boundaries "
            f"for {len(parts)} parts"
        )
    i = bisect_right(boundaries, step)
    return parts[i](step - (boundaries[i - 1] if i else 0))


def product(step: int, *, parts: Parts) -> float:
    """Several schedules multiplied: one rate, and factors that bend it (PyTorch's ChainedScheduler,
    which equals this only while no part has a floor).

        lr(t) = parts[0](t) * parts[1](t) * ...

    >>> [product(t, parts=[lambda t: 0.5, lambda t: 1.0 / (1 + t)]) for t in (0, 1, 3)]
    [0.5, 0.25, 0.125]
    """
    return math.prod(part(step) for part in parts)


def scale(step: int, *, then: Then, factor: Rate) -> float:
    """A schedule times a number: for one group of weights, say.

        lr(t) = factor * then(t)

    >>> scale(7, then=lambda t: 0.5, factor=0.1)
    0.05
    """
    return factor * then(step)


def layerwise(step: int, *, then: Then, layer: Count, layers: Steps, factor: Factor = 0.8) -> float:
    """The rate of one layer where each layer learns `factor` times as fast as the one above it
    (Howard & Ruder 2018, arXiv:1801.06146). Layer 0 is nearest to the input.

        lr(t) = then(t) * factor ** (layers - 1 - layer)

    >>> [layerwise(7, then=lambda t: 1.0, layer=i, layers=3, factor=0.5) for i in range(3)]
    [0.25, 0.5, 1.0]
    """
    if layer >= layers:
        raise ValueError(f"layer must be below layers, got layer {layer} of {layers}")
    return then(step) * factor ** (layers - 1 - layer)


def batch_scaled(
    step: int,
    *,
    then: Then,
    batch_size: Steps,
    base_batch_size: Steps = 256,
    rule: Annotated[str, Choice(tuple(BATCH_RULES))] = "linear",
) -> float:
    """A schedule that was tuned for `base_batch_size`, moved to another batch size: in proportion
    (Goyal et al. 2017, arXiv:1706.02677) or to its root (Krizhevsky 2014, arXiv:1404.5997).

        lr(t) = then(t) * k        linear: k = batch_size / base_batch_size        sqrt: its root

    >>> [batch_scaled(0, then=lambda t: 0.1, batch_size=1024, rule=r) for r in ("linear", "sqrt")]
    [0.4, 0.2]
    """
    return then(step) * BATCH_RULES[rule](batch_size / base_batch_size)


def lambda_lr(step: int, *, lr: Rate, factor: Then) -> float:
    """A rate times any function of the step (PyTorch's LambdaLR). The function answers a factor,
    not a rate, and multiplies the first rate, not the current one.

        lr(t) = lr * factor(t)

    >>> [lambda_lr(t, lr=0.5, factor=lambda t: 1 / (1 + t)) for t in (0, 1, 4)]
    [0.5, 0.25, 0.1]
    """
    return lr * factor(step)


def multiplicative(step: int, *, lr: Rate, factor: FromOne) -> float:
    """A rate that each update multiplies by a factor of its own (PyTorch's MultiplicativeLR).

        lr(t) = lr * factor(1) * factor(2) * ... * factor(floor(t))

    >>> [multiplicative(t, lr=1.0, factor=lambda t: 0.5) for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """
    try:
        latest = _latest(factor)
    except TypeError:  # a factor without a hash, such as a dataclass's: nothing of it can be kept
        latest = [(0, 1.0)]
    done, product = latest[0]  # read once, and replaced whole: threads may ask at the same time
    if done > step:
        done, product = 0, 1.0
    for number in range(done + 1, int(step) + 1):
        product = product * factor(number)
    latest[0] = (max(int(step), 0), product)
    return lr * product


@lru_cache(maxsize=16)
def _latest(factor: Callable[[int], float]) -> list[tuple[int, float]]:
    """The last step asked for and its product: N rates in a row cost N factors, not N * N / 2."""
    return [(0, 1.0)]


def per_epoch(step: int, *, then: Then, steps_per_epoch: Steps) -> float:
    """A schedule that is written in epochs, used at updates: the rate changes once an epoch.

        lr(t) = then(floor(t / steps_per_epoch))

    `steps_per_epoch` counts the last, smaller batch too: ceil(examples / batch_size).

    >>> from course_lib.schedules import Schedule, exponential
    >>> halving = Schedule(exponential, lr=1.0, factor=0.5)
    >>> [per_epoch(t, then=halving, steps_per_epoch=2) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return then(step // steps_per_epoch)
