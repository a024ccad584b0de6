"""Four ways to read a learning rate off the curve of a sweep, all `(lrs, losses) -> lr`.

Rates and losses have no unit. None of the four is right in general: read the plot.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np


def _falling(least: int) -> Callable:
    """Refuses what cannot be read: curves of fewer than `least` points, or that never fall."""

    def decorate(method: Callable[[np.ndarray, np.ndarray], float]) -> Callable:
        @functools.wraps(method)
        def checked(lrs: Sequence[float], losses: Sequence[float]) -> float:
            lrs, losses = np.asarray(lrs, dtype=float), np.asarray(losses, dtype=float)
            if lrs.ndim != 1 or lrs.shape != losses.shape:
                raise ValueError(
                    f"lrs and losses must be of one length, got shapes {lrs.shape}, {losses.shape}"
                )
            if len(lrs) < least:
                raise ValueError(
                    f"losses must have at least {least} points for this method, got {len(lrs)}; "
                    "sweep with a smaller start_lr or more steps"
                )
            if not (np.isfinite(losses).all() and (lrs > 0).all() and (np.diff(lrs) > 0).all()):
                raise ValueError("losses must be finite, and lrs positive and increasing")
            if losses.argmin() == 0:
                raise ValueError(
                    "losses must fall somewhere, got a curve that never does; start_lr may be too "
                    "large, end_lr too small, or the loss too noisy (try a larger beta)"
                )
            return float(method(lrs, losses))

        return checked

    return decorate


@_falling(least=3)
def steepest(lrs: np.ndarray, losses: np.ndarray) -> float:
    """Where the loss falls fastest per factor of the rate, no later than its minimum.

        argmin over i of  d losses[i] / d log lrs[i]      (central differences)

    Source: Smith (2017) in the form of fastai's `steep`. The slope is against log lr: against lr
    itself it is divided by lr, which favours the tiniest rates.

    >>> steepest([1e-4, 1e-3, 1e-2, 1e-1, 1], [2.0, 2.0, 1.5, 0.8, 0.7])
    0.01
    """
    until = losses.argmin() + 1
    return lrs[np.gradient(losses, np.log(lrs))[:until].argmin()]


@_falling(least=3)
def valley(lrs: np.ndarray, losses: np.ndarray) -> float:
    """Half-way down the longest fall: the longest run of ever smaller losses, the points between
    left out, has L points and ends at point e; the rate is that of point e - L + L//3 + L//6.

    Source: fastai's `valley`, its default (2021). It takes the L points for neighbours, so that on
    a noisy curve it reads off a later point than half-way.

    >>> valley([1, 2, 3, 4, 5, 6, 7], [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 9.0])
    3.0
    """
    lengths = np.ones(len(losses), dtype=int)
    for i in range(1, len(losses)):
        higher = lengths[:i][losses[:i] > losses[i]]
        lengths[i] = 1 + higher.max(initial=0)
    end, length = int(lengths.argmax()), int(lengths.max())
    return lrs[end - length + int(length / 3) + int(length / 6)]


@_falling(least=17)
def slide(lrs: np.ndarray, losses: np.ndarray) -> float:
    """The rate before the final rise: a window of 15 steps slides from the right end to the left
    until the slopes at its two ends differ by no more than 0.005 loss per step; its left end.

    Source: fastai's `slide`, after Paul Pham's interval slide rule. Depends on the number of steps
    and the scale of the loss; a curve that ends before the rise has no such place.
    """
    slopes = np.gradient(losses)
    left = len(lrs) - 16
    found = None
    while left >= 0 and abs(slopes[left + 15] - slopes[left]) > 0.005:
        found, left = left, left - 1
    if found is None:
        raise ValueError("losses must rise at the end for this method; sweep with a larger end_lr")
    return lrs[found]


@_falling(least=2)
def minimum(lrs: np.ndarray, losses: np.ndarray) -> float:
    """A tenth of the rate at the lowest loss: there, the curve is about to turn.

        lrs[argmin losses] / 10

    Source: the rule of thumb of Gugger (2018), fastai's `minimum`.

    >>> minimum([0.1, 0.2, 0.4], [2.0, 1.0, 3.0])
    0.02
    """
    return lrs[losses.argmin()] / 10


METHODS = {"steepest": steepest, "valley": valley, "slide": slide, "minimum": minimum}
