"""What several runs say together: means, paired differences and spreads, each with its interval."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation, fmean, pstdev, stdev

from course_lib import needs

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A number measured over `n` seeds, and its 95 % interval.

    Formatted, all three in one: the interval stands in brackets.

    >>> f"{Estimate(0.214, 0.1, 0.328, n=5):.2f}"
    '0.21 [0.10, 0.33]'
    """

    value: float
    low: float
    high: float
    n: int

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    @property
    def above_zero(self) -> bool:
        return self.low > 0

    @property
    def below_zero(self) -> bool:
        return self.high < 0

    @property
    def undecided(self) -> bool:
        """Whether the interval holds zero: no difference found."""
        return self.low <= 0 <= self.high


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and half the width of its 95 % confidence interval (Student's t); from a single
    value nothing is known about the spread, and the width is NaN.

        half = t(n - 1) * s / sqrt(n),    s = sqrt(sum((value - mean)**2) / (n - 1))

    >>> mean, half = mean_interval([1.0, 2.0, 3.0])
    >>> f"{mean} +- {half:.3f}"
    '2.0 +- 2.484'
    """
    with needs("course"):  # here, because it takes a while and few figures need it
        from scipy.special import stdtrit

    n, mean = len(values), fmean(values)
    if n < 2:
        return mean, math.nan
    return mean, float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * stdev(values) / math.sqrt(n)


def mean_of(values: Sequence[float] | Mapping[int, float]) -> Estimate:
    """The mean over seeds."""
    values = list(values.values()) if isinstance(values, Mapping) else list(values)
    mean, half = mean_interval(values)
    return Estimate(mean, mean - half, mean + half, len(values))


def gain(after: Mapping[int, float], before: Mapping[int, float]) -> Estimate:
    """The mean of `after - before` over the seeds that both have: runs of one seed share their
    initial weights and the order of their images, so the pairs tell more than the two means.

    >>> gain({0: 2.0, 1: 3.0, 2: 4.0}, {0: 1.0, 1: 2.0, 2: 3.0}).value
    1.0
    """
    seeds = sorted(after.keys() & before.keys())
    if not seeds:
        raise ValueError("the two have no seed in common, so there is nothing to pair")
    return mean_of([after[seed] - before[seed] for seed in seeds])


def spread_ratio(wide: Mapping[int, float], narrow: Mapping[int, float]) -> Estimate:
    """The standard deviation of `wide` over that of `narrow`, over the seeds that both have. The
    interval holds the ratios that the test of Pitman (1939) and Morgan (1939) does not reject. The
    test assumes normal values, and allows for the correlation r of a seed's two values. With fewer
    than three pairs there is no interval: its ends are NaN.

        ratio * sqrt(K -+ sqrt(K**2 - 1)),    K = 1 + 2 (1 - r**2) t(n - 2)**2 / (n - 2)

    >>> wide, narrow = {0: 1.0, 1: 4.0, 2: 9.0, 3: 2.0}, {0: 1.0, 1: 2.0, 2: 4.0, 3: 1.5}
    >>> f"{spread_ratio(wide, narrow):.2f}"
    '2.71 [2.16, 3.40]'
    """
    with needs("course"):
        from scipy.special import stdtrit

    seeds = sorted(wide.keys() & narrow.keys())
    one, other, n = [wide[seed] for seed in seeds], [narrow[seed] for seed in seeds], len(seeds)
    ratio = stdev(one) / stdev(other)
    if n < 3:
        return Estimate(ratio, math.nan, math.nan, n)
    t = float(stdtrit(n - 2, (1 + CONFIDENCE) / 2))
    apart = max(0.0, 1 - correlation(one, other) ** 2)  # r may be rounded to more than 1
    k = 1 + 2 * apart * t**2 / (n - 2)
    factor = math.sqrt(k + math.sqrt(k**2 - 1))
    return Estimate(ratio, ratio / factor, ratio * factor, n)


def sampling_error(accuracy: float, images: int = 10_000) -> float:
    """How uncertain an accuracy (a fraction) is, as its test images are a sample: half of the 95 %
    interval of a proportion.

        1.96 * sqrt(accuracy * (1 - accuracy) / images)

    >>> round(sampling_error(0.97), 4)
    0.0033
    """
    return 1.96 * math.sqrt(accuracy * (1 - accuracy) / images)


def gap_error(
    after: Mapping[int, Sequence[int]], before: Mapping[int, Sequence[int]], images: int = 10_000
) -> float:
    """How uncertain the mean gap of two accuracies is, as the test images, the same for both, are a
    sample: half of its 95 % interval. `after` and `before` hold for each seed the indices of the
    images that its run gets wrong. Images on which a pair agrees do not count.

        1.96 * s / sqrt(images)

    s is the standard deviation, over the images, of the share of pairs that gain an image less the
    share that lose it.

    >>> round(gap_error({0: [1, 2]}, {0: [2, 3, 4]}, images=1000), 4)
    0.0034
    """
    seeds = after.keys() & before.keys()
    if not seeds:
        raise ValueError("the two have no seed in common, so there is nothing to pair")
    gaps = [0.0] * images
    for seed in seeds:
        for wrong, gained in ((after[seed], -1 / len(seeds)), (before[seed], 1 / len(seeds))):
            for place in wrong:
                gaps[place] += gained
    return 1.96 * pstdev(gaps) / math.sqrt(images)
