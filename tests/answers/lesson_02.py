"""Lesson 2: answers that its checks must reject, and answers that they must accept."""

import math
import statistics

import numpy as np
import torch
from exercise_helper import changed

from course_lib.tensorflow import tf

# --- 02-slow-decay --------------------------------------------------------------------------------


def slow_plainly(step, *, lr, power, steps_per_epoch):
    return lr * (step // steps_per_epoch + 1) ** -power


def slow_numpy(step, *, lr, power, steps_per_epoch):
    return lr / np.power(1.0 + np.floor_divide(step, steps_per_epoch), power)


def slow_loop(step, *, lr, power, steps_per_epoch):
    epoch = 1
    while step >= steps_per_epoch:
        step, epoch = step - steps_per_epoch, epoch + 1
    return lr / epoch**power


# --- 02-compare -----------------------------------------------------------------------------------


def _pairs(before, after):
    return [after[seed] - before[seed] for seed in before if seed in after]


def _verdict(mean, half):
    return "higher" if mean > half else "lower" if mean < -half else "no difference found"


def compare_counts_the_edge(before, after, t):
    pairs = _pairs(before, after)
    mean, half = statistics.fmean(pairs), t * statistics.stdev(pairs) / math.sqrt(len(pairs))
    if mean - half >= 0:
        return mean, half, "higher"
    return mean, half, "lower" if mean + half <= 0 else "no difference found"


def compare_seeds_without_gaps(before, after, t):
    seeds = range(max(len(before), len(after)))
    return compare_statistics(
        *({s: each[s] for s in seeds if s in each} for each in (before, after)), t
    )


def compare_with_a_table_of_its_own(before, after, t):
    table = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
    return compare_statistics(before, after, table[len(_pairs(before, after))])


def compare_in_its_half_but_95_percent_in_its_verdict(before, after, t):
    mean, half, _ = compare_statistics(before, after, t)
    return mean, half, compare_with_a_table_of_its_own(before, after, t)[2]


def compare_by_rounded_bounds(before, after, t):
    mean, half, _ = compare_statistics(before, after, t)
    low, high = round(mean - half, 2), round(mean + half, 2)
    return mean, half, "higher" if low > 0 else "lower" if high < 0 else "no difference found"


def compare_in_float32(before, after, t):
    seeds = [seed for seed in before if seed in after]
    old, new = (np.float32([each[seed] for seed in seeds]) for each in (before, after))
    pairs = new - old
    mean, half = pairs.mean(), t * pairs.std(ddof=1) / np.sqrt(len(pairs))
    return mean, half, _verdict(mean, half)


def compare_in_torch(before, after, t):
    seeds = [seed for seed in before if seed in after]
    old, new = (torch.tensor([each[seed] for seed in seeds]) for each in (before, after))
    mean, half = (new - old).mean(), t * (new - old).std() / len(seeds) ** 0.5
    return mean, half, _verdict(mean, half)


def compare_in_tensorflow(before, after, t):
    seeds = [seed for seed in before if seed in after]
    old, new = (tf.constant([each[seed] for seed in seeds]) for each in (before, after))
    pairs = new - old
    mean = tf.reduce_mean(pairs)
    half = t * tf.sqrt(tf.reduce_sum((pairs - mean) ** 2) / (len(seeds) - 1)) / len(seeds) ** 0.5
    return mean, half, _verdict(mean, half)


def compare_statistics(before, after, t):
    pairs = _pairs(before, after)
    mean, half = statistics.fmean(pairs), t * statistics.stdev(pairs) / math.sqrt(len(pairs))
    return mean, half, _verdict(mean, half)


def compare_numpy(before, after, t):
    seeds = sorted(set(before) & set(after))
    pairs = np.array([after[s] for s in seeds]) - np.array([before[s] for s in seeds])
    mean, half = pairs.mean(), t * pairs.std(ddof=1) / np.sqrt(pairs.size)
    if abs(mean) <= half:
        return mean, half, "no difference found"
    return mean, half, "higher" if mean > 0 else "lower"


# --- 02-factor-rate -------------------------------------------------------------------------------


class _AsPublished:
    lr = None

    def __call__(self, epoch, *, lr, factor, floor):
        self.lr = max(floor, (self.lr or lr) * factor)
        return self.lr


class _CountsItsCalls:
    calls = -1

    def __call__(self, epoch, *, lr, factor, floor):
        self.calls += 1
        return max(floor, lr * factor**self.calls)


as_published, counts_its_calls = _AsPublished(), _CountsItsCalls()


def factor_plainly(epoch, *, lr, factor, floor):
    return max(floor, lr * factor**epoch)


def factor_compounds(epoch, *, lr, factor, floor):
    for each in range(epoch + 1):
        lr = max(floor, lr * factor**each)
    return lr


def factor_loop(epoch, *, lr, factor, floor):
    for _ in range(epoch):
        lr = max(floor, lr * factor)
    return lr


def factor_numpy(epoch, *, lr, factor, floor):
    return np.maximum(floor, lr * np.exp(epoch * np.log(factor)))


# --- 02-next-rate ---------------------------------------------------------------------------------


def next_as_published(epoch, lr, total):
    return lr * (1 - epoch / total)


def next_constant_factor(epoch, lr, total):
    return lr - lr / total if epoch else lr


def next_knows_the_first(epoch, lr, total):
    return max(0.0, 1.0 - epoch / total)


def next_subtracts_from_one(epoch, lr, total):
    return max(0.0, lr - 1 / total) if epoch else lr


def next_no_end(epoch, lr, total):
    return lr * (total - epoch) / (total - epoch + 1) if epoch else lr


def next_drops_at_epoch_zero(epoch, lr, total):
    return lr * (total - epoch) / (total - epoch + 1) if epoch < total else 0.0


def next_only_zero_stays_zero(epoch, lr, total):
    if epoch <= 0 or epoch > total:
        return lr
    return lr - lr / (total - epoch + 1)


class _Remembers:
    first = None

    def __call__(self, epoch, lr, total):
        if epoch == 0:
            self.first = lr
        return max(0.0, self.first * (1 - epoch / total))  # who resumes never called it with 0


next_remembers = _Remembers()


def next_ratio(epoch, lr, total):
    if not 0 < epoch < total:
        return lr if epoch <= 0 else 0.0
    return lr * (1 - 1 / (total - epoch + 1))


def next_subtracts_a_step(epoch, lr, total):
    if epoch == 0:
        return lr
    left = total - epoch + 1  # epochs from the one before to the end
    return lr - lr / left if left > 1 else 0.0


def next_numpy(epoch, lr, total):
    plan = np.append(np.linspace(1, 0, total + 1), 0.0)
    now, before = min(epoch, total), max(epoch - 1, 0)
    return lr * (plan[now] / plan[before] if before < total else 0.0)


WRONG = {
    "02-slow-decay": [
        *changed(
            slow_plainly,
            slow_counts_updates={"step // steps_per_epoch": "step"},
            slow_within_the_epoch={"//": "/"},
            slow_one_epoch_late={
                "(step // steps_per_epoch + 1)": "max(step // steps_per_epoch, 1)"
            },
            slow_divides_by_zero={
                "(step // steps_per_epoch + 1)": "float(step // steps_per_epoch)"
            },
            slow_always_root={"-power": "-0.5"},
            slow_known_powers={"-power": "-(power if power in (0, 0.5, 1) else 0.75)"},
            slow_never_below_a_ten_thousandth={
                "return lr": "return max(1e-4, lr",
                "-power": "-power)",
            },
            slow_times_a_reciprocal={
                "step // steps_per_epoch": "int(step * (1 / steps_per_epoch))"
            },
        ),
    ],
    "02-compare": [
        *(compare_counts_the_edge, compare_seeds_without_gaps),
        *(compare_in_its_half_but_95_percent_in_its_verdict, compare_by_rounded_bounds),
        *changed(
            compare_statistics,
            compare_the_means={
                "fmean(pairs)": "mean(after.values()) - statistics.mean(before.values())"
            },
            compare_spread_of_all_pairs={"stdev": "pstdev"},
            compare_in_order_of_the_dicts={
                "_pairs(before, after)": "[b - a for a, b in zip(before.values(), after.values())]"
            },
            compare_never_lower={
                "_verdict(mean, half)": '"higher" if mean > half else "no difference found"'
            },
            compare_without_spread_is_nothing={
                "_verdict(mean, half)": '_verdict(mean, half) if half else "no difference found"'
            },
            compare_finds_nothing_in_two_pairs={
                "_verdict(mean, half)": "_verdict(mean, half if len(pairs) > 2 else math.inf)"
            },
            compare_small_seeds={
                "_pairs(before,": "_pairs({s: before[s] for s in range(100) if s in before},"
            },
            compare_lower_by_its_mean={
                "_verdict(mean, half)": '"lower" if mean < 0 else _verdict(mean, half)'
            },
        ),
    ],
    "02-factor-rate": [
        factor_compounds,
        *changed(
            factor_plainly,
            factor_from_one={"**epoch": "** (epoch + 1)"},
            factor_without_floor={"max(floor, lr * factor**epoch)": "lr * factor**epoch"},
            factor_ceiling={"max(": "min("},
            factor_adds_floor={
                "max(floor, lr * factor**epoch)": "floor + (lr - floor) * factor**epoch"
            },
            factor_floor_on_the_factor={
                "max(floor, lr * factor**epoch)": "lr * max(floor, factor**epoch)"
            },
            factor_only_once={"**epoch": "** (epoch > 0)"},
            factor_never_below_a_millionth={"max(floor,": "max(floor, 1e-6,"},
        ),
    ],
    "02-next-rate": [
        *(next_as_published, next_constant_factor, next_knows_the_first, next_subtracts_from_one),
        *(next_no_end, next_drops_at_epoch_zero, next_remembers, next_only_zero_stays_zero),
    ],
}
RIGHT = {
    "02-slow-decay": [slow_plainly, slow_numpy, slow_loop],
    "02-compare": [
        compare_statistics,
        compare_numpy,
        compare_in_float32,
        compare_in_torch,
        compare_in_tensorflow,
    ],
    "02-factor-rate": [factor_plainly, factor_loop, factor_numpy],
    "02-next-rate": [next_ratio, next_subtracts_a_step, next_numpy],
}
