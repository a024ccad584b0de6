"""Four ways to read a learning rate off the curve of a sweep, all `(lrs, losses) -> lr`.

Rates and losses have no unit. None of the four is right in general: read the plot. Inside, the four
are plain Python, so that a widget can run them in a page.
"""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

# A fall of a smaller share than this is rounding: the running mean of equal losses has some.
FLAT = 1e-9


def _falling(least: int) -> Callable:
    """Refuses what cannot be read: curves of fewer than `least` points, or that never fall."""

    def decorate(method: Callable[[list[float], list[float]], float]) -> Callable:
        @functools.wraps(method)
        def checked(lrs: Sequence[float], losses: Sequence[float]) -> float:
            x, y = np.asarray(lrs, dtype=float), np.asarray(losses, dtype=float)
            if x.ndim != 1 or x.shape != y.shape:
                raise ValueError(
                    f"lrs and losses must be of one length, got shapes {x.shape}, {y.shape}"
                )
            if len(x) < least:
                raise ValueError(
                    f"losses must have at least {least} points for this method, got {len(x)}; "
                    "sweep with a smaller start_lr or more steps"
                )
            if not (np.isfinite(y).all() and (x > 0).all() and (np.diff(x) > 0).all()):
                raise ValueError("losses must be finite, and lrs positive and increasing")
            fall = y[: y.argmin() + 1].max() - y.min()
            if fall <= FLAT * np.abs(y).max():
                raise ValueError(
                    "losses must fall somewhere, got a curve that never does; start_lr may be too "
                    "large, end_lr too small, or the loss too noisy (try a larger beta)"
                )
            return method(x.tolist(), y.tolist())

        return checked

    return decorate


def lowest(values: Sequence[float]) -> int:
    """Where the smallest value stands; of equal ones the first.

    >>> lowest([3.0, 1.0, 2.0, 1.0])
    1
    """
    best = 0
    for i in range(len(values)):
        if values[i] < values[best]:
            best = i
    return best


def slopes(values: Sequence[float], xs: Sequence[float]) -> list[float]:
    """The slope at every point: of the parabola through it and its two neighbours, and at both ends
    of the line to the only neighbour. The same as numpy.gradient.

    >>> slopes([0.0, 1.0, 4.0, 16.0], [0.0, 1.0, 2.0, 4.0])
    [1.0, 2.0, 4.0, 6.0]
    """
    last = len(xs) - 1
    found = [(values[1] - values[0]) / (xs[1] - xs[0])]
    for i in range(1, last):
        before, after = xs[i] - xs[i - 1], xs[i + 1] - xs[i]
        slope = -after / (before * (before + after)) * values[i - 1]
        slope = slope + (after - before) / (before * after) * values[i]
        found.append(slope + before / (after * (before + after)) * values[i + 1])
    found.append((values[last] - values[last - 1]) / (xs[last] - xs[last - 1]))
    return found


@_falling(least=3)
def steepest(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """Where the loss falls fastest per factor of the rate, no later than its minimum.

        argmin over i of  d losses[i] / d log lrs[i]      (central differences)

    Source: Smith (2017) in the form of fastai's `steep`. The slope is against log lr: against lr
    itself it is divided by lr, which favours the tiniest rates.

    >>> steepest([1e-4, 1e-3, 1e-2, 1e-1, 1], [2.0, 2.0, 1.5, 0.8, 0.7])
    0.01
    """
    falls = slopes(losses, [math.log(lr) for lr in lrs])
    return lrs[lowest(falls[: lowest(losses) + 1])]


@_falling(least=3)
def valley(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """Half-way down the longest fall: the longest run of ever smaller losses, the points between
    left out, has L points and ends at point e; the rate is that of point e - L + L//3 + L//6.

    Source: fastai's `valley`, its default (2021). It takes the L points for neighbours, so that on
    a noisy curve it reads off a later point than half-way. A run of the first two points alone
    would be read off before the first point; it is read off there.

    >>> valley([1, 2, 3, 4, 5, 6, 7], [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 9.0])
    3.0
    """
    lengths: list[int] = []
    end = 0
    for i in range(len(losses)):
        longest = 0
        for j in range(i):
            if losses[j] > losses[i] and lengths[j] > longest:
                longest = lengths[j]
        lengths.append(1 + longest)
        if lengths[i] > lengths[end]:
            end = i
    return lrs[max(0, end - lengths[end] + lengths[end] // 3 + lengths[end] // 6)]


@_falling(least=17)
def slide(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """The rate before the final rise: a window of 15 steps slides from the right end to the left
    until the slopes at its two ends differ by no more than 0.005 loss per step; its left end.

    Source: fastai's `slide`, after Paul Pham's interval slide rule. Depends on the number of steps
    and the scale of the loss; a curve that ends before the rise has no such place.

    >>> slide(range(1, 26), [2.0] * 3 + [1.0] * 20 + [1.5, 3.0])
    8.0
    """
    slope = slopes(losses, [i for i in range(len(losses))])  # per step, whatever the rates
    left = len(lrs) - 16
    found = None
    while left >= 0 and abs(slope[left + 15] - slope[left]) > 0.005:
        found, left = left, left - 1
    if found is None:
        raise ValueError("losses must rise at the end for this method; sweep with a larger end_lr")
    return lrs[found]


@_falling(least=2)
def minimum(lrs: Sequence[float], losses: Sequence[float]) -> float:
    """A tenth of the rate at the lowest loss: there, the curve is about to turn.

        lrs[argmin losses] / 10

    Source: the rule of thumb of Gugger (2018), fastai's `minimum`.

    >>> minimum([0.1, 0.2, 0.4], [2.0, 1.0, 3.0])
    0.02
    """
    return lrs[lowest(losses)] / 10


METHODS = {"steepest": steepest, "valley": valley, "slide": slide, "minimum": minimum}


def without_start(values: Sequence[float]) -> Sequence[float]:
    """All but the first tenth of a sweep's points, which are read by no rule, as in fastai: there
    the mean is one of a few noisy batches only."""
    return values[len(values) // 10 :]


def suggested(method: str, lrs: Sequence[float], smoothed: Sequence[float]) -> float:
    """The rate that one of METHODS reads off a sweep.

    >>> suggested("minimum", range(1, 21), [0.0, 0.0, *range(20, 2, -1)])
    2.0
    """
    return METHODS[method](without_start(lrs), without_start(smoothed))
