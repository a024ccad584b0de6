"""Formulas that come back: restarts, triangles and one-cycle."""

import math
from typing import Annotated

from course_lib.formulas.parameters import (
    Choice,
    Count,
    Factor,
    Fraction,
    Growth,
    MaybeSteps,
    Momentum,
    OnOff,
    Rate,
    Steps,
    Then,
)

ANNEAL = {
    "cosine": lambda start, end, progress: (
        end + (start - end) * (1 + math.cos(math.pi * progress)) / 2
    ),
    "linear": lambda start, end, progress: start + (end - start) * progress,
}


def restart(step: int, *, then: Then, cycle_steps: Steps) -> float:
    """Begin `then` again every `cycle_steps` updates.

        lr(t) = then(t mod cycle_steps)

    >>> [restart(t, then=lambda t: 1.0 / (1 + t), cycle_steps=2) for t in range(5)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """
    return then(step % cycle_steps)


def cosine_restarts(
    step: int,
    *,
    peak_lr: Rate,
    cycle_steps: Steps,
    cycle_factor: Growth = 1.0,
    peak_factor: Factor = 1.0,
    final_lr: Rate = 0.0,
    warmup_steps: Count = 0,
) -> float:
    """Half a cosine wave, again and again: SGDR (Loshchilov & Hutter 2017, arXiv:1608.03983). Each
    cycle is `cycle_factor` times as long as the one before, and its peak `peak_factor` times as
    high. `warmup_steps` of each cycle climb to its peak, and the wave has the rest.

        cycle i begins at cycle_steps * (1 + cycle_factor + ... + cycle_factor ** (i - 1))
        peak = peak_lr * peak_factor ** i,   n = cycle_steps * cycle_factor ** i,   p = t - begin
        lr(t) = final_lr + (peak - final_lr) * (1 + cos(pi * p / n)) / 2

    >>> [round(cosine_restarts(t, peak_lr=1.0, cycle_steps=2, cycle_factor=2), 2) for t in range(7)]
    [1.0, 0.5, 1.0, 0.85, 0.5, 0.15, 1.0]
    """
    if warmup_steps >= cycle_steps:
        raise ValueError(
            f"warmup_steps must be below cycle_steps, got {warmup_steps} of {cycle_steps}"
        )
    cycle = 0
    begin: float = 0
    length: float = cycle_steps
    if cycle_factor == 1:
        cycle = step // cycle_steps
        begin = cycle * cycle_steps
    else:  # counted, not solved with a logarithm, which is one off at some of the restarts
        while step >= begin + length:
            cycle, begin, length = cycle + 1, begin + length, length * cycle_factor
    peak, position = peak_lr * peak_factor**cycle, step - begin
    if position < warmup_steps:
        return final_lr + (peak - final_lr) * (position + 1) / (warmup_steps + 1)
    progress = (position - warmup_steps) / (length - warmup_steps)
    return final_lr + (peak - final_lr) * (1 + math.cos(math.pi * progress)) / 2


def triangular(
    step: int,
    *,
    base_lr: Rate,
    peak_lr: Rate,
    half_cycle_steps: Steps,
    mode: Annotated[str, Choice(("triangular", "triangular2", "exp_range"))] = "triangular",
    factor: Factor = 1.0,
    down_steps: MaybeSteps = None,
) -> float:
    """Up and down between two rates, for ever: the cyclical learning rate (Smith 2017,
    arXiv:1506.01186). "triangular2" halves the height with every cycle, "exp_range" multiplies it
    by `factor` at every update. `down_steps` makes the way down another length.

        lr(t) = base_lr + (peak_lr - base_lr) * height(t) * scale
        height = position in the cycle / half_cycle_steps on the way up, and back down to 0
        scale = 1,  1 / 2 ** (cycles before),  factor ** t

    >>> [triangular(t, base_lr=0.0, peak_lr=1.0, half_cycle_steps=2) for t in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]
    """
    down_steps = down_steps or half_cycle_steps
    cycle, position = divmod(step, half_cycle_steps + down_steps)
    if position <= half_cycle_steps:
        height = position / half_cycle_steps
    else:
        height = (half_cycle_steps + down_steps - position) / down_steps
    above = (peak_lr - base_lr) * height
    if mode == "triangular2":
        above *= 0.5**cycle
    elif mode == "exp_range":
        above *= factor**step
    return base_lr + above


def one_cycle(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    warmup_fraction: Fraction = 0.3,
    start_factor: Factor = 25.0,
    final_factor: Factor = 1e4,
    anneal: Annotated[str, Choice(tuple(ANNEAL))] = "cosine",
    three_phase: OnOff = False,
) -> float:
    """Up to the peak, and down to almost nothing, once (Smith & Topin 2018, arXiv:1708.07120; the
    boundaries of PyTorch's OneCycleLR). With `three_phase` the way down to the starting rate is as
    long as the way up, and the rest goes on to the end.

        from peak_lr / start_factor     at update 0
        to   peak_lr                    at warmup_fraction * total_steps - 1
        (to  peak_lr / start_factor     at 2 * warmup_fraction * total_steps - 2)
        to   peak_lr / start_factor / final_factor     at total_steps - 1, and stays

    >>> rates = [one_cycle(t, peak_lr=1.0, total_steps=10, anneal="linear") for t in range(11)]
    >>> [round(rate, 3) for rate in rates]
    [0.04, 0.52, 1.0, 0.857, 0.714, 0.571, 0.429, 0.286, 0.143, 0.0, 0.0]
    """
    start = peak_lr / start_factor
    ends = (start, peak_lr, start / final_factor)
    return _one_cycle(step, *ends, total_steps, warmup_fraction, anneal, three_phase)


def one_cycle_momentum(
    step: int,
    *,
    total_steps: Steps,
    low: Momentum = 0.85,
    high: Momentum = 0.95,
    warmup_fraction: Fraction = 0.3,
    anneal: Annotated[str, Choice(tuple(ANNEAL))] = "cosine",
    three_phase: OnOff = False,
) -> float:
    """The momentum that goes with `one_cycle`: low where the rate is high (Smith 2018,
    arXiv:1803.09820). For the `momentum` of TorchSchedule and of tensorflow.SGD.

        from high at update 0 to low where one_cycle peaks, and back to high

    >>> [round(one_cycle_momentum(t, total_steps=10), 3) for t in (0, 2, 9, 20)]
    [0.95, 0.85, 0.95, 0.95]
    """
    return _one_cycle(step, high, low, high, total_steps, warmup_fraction, anneal, three_phase)


def _one_cycle(step, start, peak, end, total_steps, warmup_fraction, anneal, three_phase):
    top, last = warmup_fraction * total_steps - 1, total_steps - 1
    ways = [(0, top, start, peak), (top, last, peak, end)]
    if three_phase:
        bottom = 2 * top
        if bottom >= last:
            raise ValueError(
                f"warmup_fraction must be at most 0.5 with three_phase, got {warmup_fraction!r}"
            )
        ways = [ways[0], (top, bottom, peak, start), (bottom, last, start, end)]
    step = min(step, last)
    left = [way for way in ways if step <= way[1]]
    begin, until, first, then = left[0]
    progress = (step - begin) / (until - begin) if until > begin else 1.0
    return ANNEAL[anneal](first, then, progress)
