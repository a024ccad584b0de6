"""The exponential mean that figures, the range test and its widget draw: one recurrence for all.

Plain Python, so that a widget can run it in a page.
"""

from collections.abc import Sequence


def averaged(mean: float, value: float, beta: float, count: int) -> tuple[float, float]:
    """The exponential mean once it has heard its `count`th value, and the same corrected for its
    start at zero.

        mean(n) = beta * mean(n - 1) + (1 - beta) * value(n),    corrected mean(n) / (1 - beta ** n)

    >>> averaged(0.0, 4.0, 0.75, 1)
    (1.0, 4.0)
    """
    mean = beta * mean + (1 - beta) * value
    return mean, mean / (1 - beta**count)


def smooth(values: Sequence[float], beta: float = 0.9) -> list[float]:
    """The corrected mean after each of the values; `beta` is the weight of the past, below 1.

    >>> smooth([4.0, 1.0, 1.0], 0.5)
    [4.0, 2.0, 1.4285714285714286]
    """
    mean, smoothed = 0.0, []
    for i in range(len(values)):
        mean, corrected = averaged(mean, values[i], beta, i + 1)
        smoothed.append(corrected)
    return smoothed
