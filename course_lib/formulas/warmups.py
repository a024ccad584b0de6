"""Formulas that climb first: warmups, and schedules that have one built in."""

import math
from typing import Annotated

from course_lib.formulas.parameters import (
    Choice,
    Count,
    Factor,
    Fraction,
    MaybeRate,
    MaybeSteps,
    Rate,
    Steps,
    Then,
)

WARMUP_SHAPES = ("linear", "constant", "exponential", "cosine", "sqrt")
COOLDOWN_SHAPES = {
    "linear": lambda progress: 1 - progress,
    "1-sqrt": lambda progress: 1 - math.sqrt(progress),
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    # From 1 to 0 along an exponential: Megatron-LM's form, which ends exactly.
    "exponential": lambda progress: 2 * 0.5**progress - 1,
}


def warmup(
    step: int,
    *,
    then: Then,
    warmup_steps: Count,
    shape: Annotated[str, Choice(WARMUP_SHAPES)] = "linear",
    start_factor: MaybeRate = None,
) -> float:
    """Climb to the first rate of `then` in `warmup_steps` updates, and go on with `then` from its
    start (Goyal et al. 2017, arXiv:1706.02677). No update is made with rate 0.

        lr(t) = then(0) * shape(t)            for t < warmup_steps
        lr(t) = then(t - warmup_steps)        after

        linear, cosine, sqrt     f(p) = p,  (1 - cos(pi p)) / 2,  sqrt(p)
                                 at p = (t + 1) / (warmup_steps + 1)
        exponential              from 1 / (warmup_steps + 1) to 1, by one factor at every update
        constant                 0.1 until the end of the warmup

    `start_factor` sets where it begins instead, exactly at update 0: start_factor + (1 -
    start_factor) * f(t / warmup_steps). With 0 that is the warmup of transformers, whose first
    update does nothing.

    >>> [warmup(t, then=lambda t: 1.0, warmup_steps=3) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    >>> [warmup(t, then=lambda t: 1.0, warmup_steps=4, start_factor=0.0) for t in range(5)]
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if step < warmup_steps:
        return then(0) * _climbed(step, warmup_steps, shape, start_factor)
    return then(step - warmup_steps)


def _climbed(step: int, steps: int, shape: str, start: float | None) -> float:
    if shape == "constant":
        return 0.1 if start is None else start
    if shape == "exponential":
        start = 1 / (steps + 1) if start is None else start
        if start == 0:
            raise ValueError("start_factor must be above 0 for an exponential warmup, got 0.0")
        return start ** (1 - step / steps)
    progress = (step + 1) / (steps + 1) if start is None else step / steps
    if shape == "cosine":
        progress = (1 - math.cos(math.pi * progress)) / 2
    elif shape == "sqrt":
        progress = math.sqrt(progress)
    return progress if start is None else start + (1 - start) * progress


def noam(step: int, *, model_size: Steps, warmup_steps: Steps, scale: Factor = 1.0) -> float:
    """The Transformer's: a linear climb, then down as one over the root of the time (Vaswani et al.
    2017, arXiv:1706.03762). The paper counts updates from 1.

        lr(t) = scale * model_size ** -1/2 * min((t+1) ** -1/2, (t+1) * warmup_steps ** -3/2)

    >>> [round(noam(t, model_size=4, warmup_steps=4), 4) for t in (0, 3, 15)]
    [0.0625, 0.25, 0.125]
    """
    number = step + 1
    return scale * model_size**-0.5 * min(number**-0.5, number * warmup_steps**-1.5)


def inverse_sqrt(
    step: int, *, peak_lr: Rate, warmup_steps: Count, timescale: MaybeSteps = None
) -> float:
    """A linear climb to `peak_lr`, then down as one over the root of the time (Zhai et al. 2022,
    arXiv:2106.04560; the inverse_sqrt of transformers and Megatron-LM).

        lr(t) = peak_lr * (t + 1) / (warmup_steps + 1)                            t < warmup_steps
        lr(t) = peak_lr * sqrt(timescale / (t - warmup_steps + timescale))        after

    `timescale` is `warmup_steps` unless given: then the decay is peak_lr * sqrt(warmup_steps / t).

    >>> [inverse_sqrt(t, peak_lr=1.0, warmup_steps=4) for t in (0, 3, 4, 16, 64)]
    [0.2, 0.8, 1.0, 0.5, 0.25]
    """
    timescale = timescale or warmup_steps
    if not timescale:
        raise ValueError("timescale must be given where warmup_steps is 0, got None")
    if step < warmup_steps:
        return peak_lr * (step + 1) / (warmup_steps + 1)
    return peak_lr * math.sqrt(timescale / (step - warmup_steps + timescale))


def wsd(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    warmup_steps: Count,
    cooldown_steps: Count,
    shape: Annotated[str, Choice(tuple(COOLDOWN_SHAPES))] = "linear",
    final_lr: Rate = 0.0,
) -> float:
    """Warm up, stay, cool down: the trapezoid (Hu et al. 2024, arXiv:2404.06395; Hagele et al.
    2024, arXiv:2405.18392). `total_steps` is the whole run, all three stretches together.

        lr(t) = peak_lr * (t + 1) / (warmup_steps + 1)                    t < warmup_steps
        lr(t) = peak_lr                                                   until the cooldown
        lr(t) = final_lr + (peak_lr - final_lr) * shape(p)                in the last cooldown_steps

        p = (t - (total_steps - cooldown_steps)) / cooldown_steps
        shape(p) = 1 - p,  1 - sqrt(p),  (1 + cos(pi p)) / 2,  2 * 0.5 ** p - 1

    >>> [wsd(t, peak_lr=1.0, total_steps=8, warmup_steps=1, cooldown_steps=4) for t in range(9)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    start = total_steps - cooldown_steps
    if warmup_steps > start:
        raise ValueError(
            f"warmup_steps + cooldown_steps must be at most total_steps, "
            f"got {warmup_steps} + {cooldown_steps} > {total_steps}"
        )
    if step < warmup_steps:
        return peak_lr * (step + 1) / (warmup_steps + 1)
    if step < start:
        return peak_lr
    if step >= total_steps:
        return final_lr
    return final_lr + (peak_lr - final_lr) * COOLDOWN_SHAPES[shape]((step - start) / cooldown_steps)


def flat_cosine(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    flat_fraction: Fraction = 0.75,
    final_lr: Rate = 0.0,
) -> float:
    """Level for `flat_fraction` of the run, then half a cosine wave down (fastai's fit_flat_cos).

        flat = flat_fraction * total_steps,  p = (t - flat) / (total_steps - flat)
        lr(t) = peak_lr                                                 until flat
        lr(t) = final_lr + (peak_lr - final_lr) * (1 + cos(pi * p)) / 2       after

    >>> [round(flat_cosine(t, peak_lr=1.0, total_steps=8), 3) for t in (0, 6, 7, 8, 9)]
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    flat = flat_fraction * total_steps
    if step >= total_steps:
        return final_lr
    if step <= flat:
        return peak_lr
    progress = (step - flat) / (total_steps - flat)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2


def knee(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    warmup_steps: Count,
    explore_steps: Count,
    final_lr: Rate = 0.0,
) -> float:
    """Warm up, explore at the peak for long, then a straight line down (Iyer et al. 2023,
    arXiv:2003.03977): `wsd` told by the length of its middle.

        lr(t) = wsd(t, cooldown_steps = total_steps - warmup_steps - explore_steps, "linear")

    >>> [knee(t, peak_lr=1.0, total_steps=6, warmup_steps=1, explore_steps=3) for t in range(7)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.5, 0.0]
    """
    cooldown_steps = total_steps - warmup_steps - explore_steps
    if cooldown_steps < 0:
        raise ValueError(
            f"warmup_steps + explore_steps must be at most total_steps, "
            f"got {warmup_steps} + {explore_steps} > {total_steps}"
        )
    return wsd(
        step,
        peak_lr=peak_lr,
        total_steps=total_steps,
        warmup_steps=warmup_steps,
        cooldown_steps=cooldown_steps,
        final_lr=final_lr,
    )


def slanted_triangular(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    warmup_fraction: Fraction = 0.1,
    ratio: Factor = 32.0,
) -> float:
    """A short climb and a long straight way down, both from `peak_lr / ratio` (Howard & Ruder 2018,
    ULMFiT, arXiv:1801.06146).

        cut = floor(total_steps * warmup_fraction)
        p = t / cut                                          t < cut
        p = 1 - (t - cut) / (cut * (1 / warmup_fraction - 1))        after
        lr(t) = peak_lr * (1 + p * (ratio - 1)) / ratio

    >>> [slanted_triangular(t, peak_lr=1.0, total_steps=20, ratio=2) for t in (0, 1, 2, 11, 20)]
    [0.5, 0.75, 1.0, 0.75, 0.5]
    """
    cut = math.floor(total_steps * warmup_fraction)
    if cut < 1 or warmup_fraction == 1:
        raise ValueError(
            f"warmup_fraction must be below 1 and leave at least one of the {total_steps} updates "
            f"for the climb, got {warmup_fraction!r}"
        )
    if step < cut:
        part = step / cut
    else:
        part = max(0.0, 1 - (step - cut) / (cut * (1 / warmup_fraction - 1)))
    return peak_lr * (1 + part * (ratio - 1)) / ratio


def tri_stage(
    step: int,
    *,
    peak_lr: Rate,
    warmup_steps: Count,
    hold_steps: Count,
    decay_steps: Steps,
    final_lr: Factor,
    start_factor: Rate = 0.01,
) -> float:
    """Climb in a line, stay, fall exponentially: speech recognition's (Park et al. 2019,
    SpecAugment, arXiv:1904.08779; fairseq's tri_stage).

        lr(t) = peak_lr * (start_factor + (1 - start_factor) * t / warmup_steps)    t < warmup_steps
        lr(t) = peak_lr                                                     for hold_steps
        lr(t) = peak_lr * (final_lr / peak_lr) ** p        p from 0 to 1 in decay_steps

    >>> arguments = dict(peak_lr=1.0, warmup_steps=2, hold_steps=2, decay_steps=4, final_lr=0.01)
    >>> [round(tri_stage(t, **arguments), 3) for t in (0, 1, 2, 4, 6, 8, 9)]
    [0.01, 0.505, 1.0, 1.0, 0.1, 0.01, 0.01]
    """
    if step < warmup_steps:
        return peak_lr * (start_factor + (1 - start_factor) * step / warmup_steps)
    progress = (step - warmup_steps - hold_steps) / decay_steps
    if progress >= 1 or peak_lr == 0:
        return final_lr if peak_lr else 0.0
    return peak_lr * (final_lr / peak_lr) ** max(0.0, progress)
