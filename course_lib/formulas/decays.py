"""Formulas of one stretch: rates that stay, fall in steps, or fall along a curve."""

import math
from bisect import bisect_right

from course_lib.formulas.parameters import (
    Count,
    Factor,
    Knots,
    Milestones,
    OnOff,
    Rate,
    Rates,
    Steps,
)

# --- a constant, and steps ------------------------------------------------------------------------


def constant(step: int, *, lr: Rate) -> float:
    """The same rate at every update. With noisy gradients a fixed rate does not converge (Robbins &
    Monro 1951).

        lr(t) = lr

    >>> constant(7, lr=0.1)
    0.1
    """
    return lr


def constant_factor(step: int, *, lr: Rate, hold_steps: Count, factor: Factor = 1 / 3) -> float:
    """`factor` times the rate for the first `hold_steps` updates, then the rate itself: a warmup in
    one step (PyTorch's ConstantLR).

        lr(t) = lr * factor   for t < hold_steps,   then lr

    >>> [constant_factor(t, lr=1.0, hold_steps=2, factor=0.5) for t in range(4)]
    [0.5, 0.5, 1.0, 1.0]
    """
    return lr * factor if step < hold_steps else lr


def step_decay(step: int, *, lr: Rate, every: Steps, factor: Factor = 0.1) -> float:
    """A staircase: times `factor` after every `every` updates (He et al. 2016, arXiv:1512.03385,
    divide by ten).

        lr(t) = lr * factor ** floor(t / every)

    >>> [step_decay(t, lr=1.0, every=2, factor=0.5) for t in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return lr * factor ** (step // every)


def multistep(step: int, *, lr: Rate, milestones: Milestones, factor: Factor = 0.1) -> float:
    """A staircase with steps where you want them: times `factor` from each milestone on
    (Zagoruyko & Komodakis 2016, arXiv:1605.07146).

        lr(t) = lr * factor ** (number of milestones m with m <= t)

    >>> [multistep(t, lr=1.0, milestones=(2, 5), factor=0.5) for t in range(7)]
    [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """
    return lr * factor ** bisect_right(milestones, step)


def piecewise_constant(step: int, *, rates: Rates, milestones: Milestones) -> float:
    """Any rates, one per stretch: `rates[i + 1]` is first used by update `milestones[i]` (Keras's
    PiecewiseConstantDecay, whose changes come one update later).

        lr(t) = rates[number of milestones m with m <= t]

    >>> [piecewise_constant(t, rates=[1.0, 0.3, 0.1], milestones=[2, 4]) for t in range(6)]
    [1.0, 1.0, 0.3, 0.3, 0.1, 0.1]
    """
    if len(rates) != len(milestones) + 1:
        raise ValueError(
            f"rates must be one more than milestones, got {len(rates)} rates "
            f"for {len(milestones)} milestones"
        )
    return rates[bisect_right(milestones, step)]


def piecewise_linear(step: int, *, knots: Knots, rates: Rates) -> float:
    """Straight lines through the points (`knots[i]`, `rates[i]`); level before the first and after
    the last (Page 2018, "How to train your ResNet"; pytorch-ignite's PiecewiseLinear).

        lr(t) = rates[i] + (rates[i+1] - rates[i]) * (t - knots[i]) / (knots[i+1] - knots[i])

    >>> [piecewise_linear(t, knots=[0, 2, 6], rates=[0.0, 1.0, 0.0]) for t in range(8)]
    [0.0, 0.5, 1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    if len(rates) != len(knots):
        raise ValueError(
            f"rates must be as many as knots, got {len(rates)} rates for {len(knots)} knots"
        )
    right = bisect_right(knots, step)
    if right == 0 or right == len(knots):
        return rates[0] if right == 0 else rates[-1]
    left = right - 1
    share = (step - knots[left]) / (knots[right] - knots[left])
    return rates[left] + (rates[right] - rates[left]) * share


def tabulated(step: int, *, rates: Rates) -> float:
    """Any rates, written down one per update; after the last one it holds (the form that
    KellerJordan's cifar10-airbench trains with, and in which a recorded run can be replayed).

        lr(t) = rates[min(floor(t), len(rates) - 1)]

    >>> [tabulated(t, rates=[0.1, 0.3, 0.2]) for t in range(5)]
    [0.1, 0.3, 0.2, 0.2, 0.2]
    """
    return rates[min(int(step), len(rates) - 1)]


# --- decays without an end ------------------------------------------------------------------------


def exponential(
    step: int, *, lr: Rate, factor: Factor, every: Steps = 1, staircase: OnOff = False
) -> float:
    """Times `factor` for every `every` updates, smoothly or as a staircase (TensorFlow's
    ExponentialDecay; PyTorch's ExponentialLR is `every=1`).

        lr(t) = lr * factor ** (t / every)              staircase: floor(t / every)

    >>> [exponential(t, lr=1.0, factor=0.25, every=2) for t in range(5)]
    [1.0, 0.5, 0.25, 0.125, 0.0625]
    >>> [exponential(t, lr=1.0, factor=0.25, every=2, staircase=True) for t in range(5)]
    [1.0, 1.0, 0.25, 0.25, 0.0625]
    """
    return lr * factor ** (step // every if staircase else step / every)


def natural_exponential(
    step: int, *, lr: Rate, factor: Rate, every: Steps = 1, staircase: OnOff = False
) -> float:
    """Divided by e every `every / factor` updates (TensorFlow 1's natural_exp_decay; Paddle's
    NaturalExpDecay).

        lr(t) = lr * exp(-factor * t / every)           staircase: floor(t / every)

    >>> [round(natural_exponential(t, lr=1.0, factor=0.5), 3) for t in range(4)]
    [1.0, 0.607, 0.368, 0.223]
    """
    return lr * math.exp(-factor * (step // every if staircase else step / every))


def inverse_time(
    step: int, *, lr: Rate, factor: Rate, every: Steps = 1, staircase: OnOff = False
) -> float:
    """Falls as one over the time (Robbins & Monro 1951; Keras's InverseTimeDecay). It falls slowly
    enough for its sum to be infinite, fast enough for the sum of its squares not to be.

        lr(t) = lr / (1 + factor * t / every)           staircase: floor(t / every)

    >>> [inverse_time(t, lr=1.0, factor=1.0, every=2) for t in (0, 2, 6)]
    [1.0, 0.5, 0.25]
    >>> [inverse_time(t, lr=1.0, factor=1.0, every=2, staircase=True) for t in (0, 1, 2)]
    [1.0, 1.0, 0.5]
    """
    return lr / (1 + factor * (step // every if staircase else step / every))


def power(
    step: int, *, peak_lr: Rate, factor: Factor, power: Factor, examples_per_step: Steps = 1
) -> float:
    """A power law in the number of examples seen, cut off at `peak_lr` (Shen et al. 2024,
    arXiv:2408.13359, who count tokens, and put a warmup before it and a cooldown after).

        lr(t) = min(peak_lr, factor * (examples_per_step * (t + 1)) ** -power)

    >>> [power(t, peak_lr=0.4, factor=1.0, power=0.5) for t in (0, 3, 15, 99)]
    [0.4, 0.4, 0.25, 0.1]
    """
    return min(peak_lr, factor * (examples_per_step * (step + 1)) ** -power)


# --- decays to an end -----------------------------------------------------------------------------


def linear(step: int, *, peak_lr: Rate, total_steps: Steps, final_lr: Rate = 0.0) -> float:
    """A straight line from `peak_lr` down to `final_lr` (Li et al. 2020, arXiv:1905.04753).

        lr(t) = final_lr + (peak_lr - final_lr) * (1 - t / total_steps)

    >>> [linear(t, peak_lr=1.0, total_steps=4) for t in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * (1 - progress)


def linear_ramp(
    step: int,
    *,
    lr: Rate,
    total_steps: Steps,
    start_factor: Rate = 1 / 3,
    end_factor: Rate = 1.0,
) -> float:
    """A straight line from `start_factor` to `end_factor` times the rate, up or down (PyTorch's
    LinearLR, without its limits: a ramp may start at 0 and end above 1).

        lr(t) = lr * (start_factor + (end_factor - start_factor) * min(t / total_steps, 1))

    >>> [linear_ramp(t, lr=1.0, total_steps=4, start_factor=0.0) for t in range(6)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    progress = min(step / total_steps, 1.0)
    return lr * (start_factor + (end_factor - start_factor) * progress)


def polynomial(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    power: Factor,
    final_lr: Rate = 0.0,
    cycle: OnOff = False,
) -> float:
    """From `peak_lr` down to `final_lr` as a power of what remains (Liu et al. 2015, ParseNet,
    arXiv:1506.04579). `power` 1 is `linear`; a larger one falls faster at first.

        lr(t) = final_lr + (peak_lr - final_lr) * (1 - t / total_steps) ** power

    With `cycle`, the end moves to the next multiple of `total_steps` whenever it is passed, so the
    rate jumps up again, to less each time (Keras's PolynomialDecay).

    >>> [polynomial(t, peak_lr=1.0, total_steps=4, power=2) for t in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    >>> [polynomial(t, peak_lr=1.0, total_steps=4, power=1, cycle=True) for t in (4, 6, 8)]
    [0.0, 0.25, 0.0]
    """
    if cycle:
        total_steps *= max(1, math.ceil(step / total_steps))
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * (1 - progress) ** power


def cosine(step: int, *, peak_lr: Rate, total_steps: Steps, final_lr: Rate = 0.0) -> float:
    """Half a cosine wave from `peak_lr` down to `final_lr` (Loshchilov & Hutter 2017,
    arXiv:1608.03983, without the restarts).

        lr(t) = final_lr + (peak_lr - final_lr) * (1 + cos(pi * t / total_steps)) / 2

    >>> [round(cosine(t, peak_lr=1.0, total_steps=4), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2


def cosine_power(
    step: int, *, peak_lr: Rate, total_steps: Steps, power: Factor, final_lr: Rate = 0.0
) -> float:
    """Half a cosine wave, raised to a power: above 1 it leaves the peak sooner (the `exponent` of
    optax's cosine_decay_schedule).

        lr(t) = final_lr + (peak_lr - final_lr) * ((1 + cos(pi * t / total_steps)) / 2) ** power

    >>> [round(cosine_power(t, peak_lr=1.0, total_steps=4, power=2), 3) for t in range(6)]
    [1.0, 0.729, 0.25, 0.021, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * ((1 + math.cos(math.pi * progress)) / 2) ** power


def k_decay(
    step: int, *, peak_lr: Rate, total_steps: Steps, k: Factor, final_lr: Rate = 0.0
) -> float:
    """Half a cosine wave in bent time: for `k` above 1 the rate stays high for longer (Zhang & Li
    2020, arXiv:2004.05909; timm's `k_decay`).

        lr(t) = final_lr + (peak_lr - final_lr) * (1 + cos(pi * (t / total_steps) ** k)) / 2

    >>> [round(k_decay(t, peak_lr=1.0, total_steps=4, k=2), 3) for t in range(6)]
    [1.0, 0.99, 0.854, 0.402, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0) ** k
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2


def tanh(
    step: int,
    *,
    peak_lr: Rate,
    total_steps: Steps,
    final_lr: Rate = 0.0,
    lower: Rate = 6.0,
    upper: Factor = 3.0,
) -> float:
    """Level, then falling, then level: a hyperbolic tangent between -`lower` and `upper` (Hsueh et
    al. 2019, arXiv:1806.01593). At the end a small rest, (1 - tanh(upper)) / 2 of the way, is cut.

        x = -lower + (lower + upper) * t / total_steps
        lr(t) = final_lr + (peak_lr - final_lr) * (1 - tanh(x)) / 2        final_lr from the end on

    >>> [round(tanh(t, peak_lr=1.0, total_steps=4), 3) for t in range(5)]
    [1.0, 0.999, 0.953, 0.182, 0.0]
    """
    if step >= total_steps:
        return final_lr
    x = -lower + (lower + upper) * step / total_steps
    return final_lr + (peak_lr - final_lr) * (1 - math.tanh(x)) / 2


def rex(step: int, *, peak_lr: Rate, total_steps: Steps, final_lr: Rate = 0.0) -> float:
    """High for long, then down fast: a reflected exponential (Chen et al. 2022, arXiv:2107.04197).

        rest = 1 - t / total_steps
        lr(t) = final_lr + (peak_lr - final_lr) * rest / (1/2 + rest/2)

    >>> [round(rex(t, peak_lr=1.0, total_steps=4), 3) for t in range(6)]
    [1.0, 0.857, 0.667, 0.4, 0.0, 0.0]
    """
    rest = 1 - min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * rest / (0.5 + 0.5 * rest)
