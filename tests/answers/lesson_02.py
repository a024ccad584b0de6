"""Lesson 2: answers that its checks must reject, and answers that they must accept."""

import math
import statistics
from itertools import accumulate

import numpy as np
import torch

from course_lib.tensorflow import tf

# --- 02-slow-decay --------------------------------------------------------------------------------


def slow_counts_updates(step, *, lr, power, steps_per_epoch):
    return lr * (step + 1) ** -power


def slow_within_the_epoch(step, *, lr, power, steps_per_epoch):
    return lr * (step / steps_per_epoch + 1) ** -power


def slow_one_epoch_late(step, *, lr, power, steps_per_epoch):
    return lr * max(step // steps_per_epoch, 1) ** -power


def slow_divides_by_zero(step, *, lr, power, steps_per_epoch):
    return lr * float(step // steps_per_epoch) ** -power


def slow_always_root(step, *, lr, power, steps_per_epoch):
    return lr / math.sqrt(step // steps_per_epoch + 1)


def slow_known_powers(step, *, lr, power, steps_per_epoch):
    epoch = step // steps_per_epoch
    return lr * (epoch + 1) ** -(power if power in (0, 0.5, 1) else 0.75)


def slow_never_below_a_ten_thousandth(step, *, lr, power, steps_per_epoch):
    return max(1e-4, lr * (step // steps_per_epoch + 1) ** -power)


def slow_times_a_reciprocal(step, *, lr, power, steps_per_epoch):
    return lr * (int(step * (1 / steps_per_epoch)) + 1) ** -power


def slow_numpy(step, *, lr, power, steps_per_epoch):
    return lr / np.power(1.0 + np.floor_divide(step, steps_per_epoch), power)


def slow_loop(step, *, lr, power, steps_per_epoch):
    epoch = 1
    while step >= steps_per_epoch:
        step, epoch = step - steps_per_epoch, epoch + 1
    return lr / epoch**power


def slow_logarithm(step, *, lr, power, steps_per_epoch):
    return lr * math.exp(-power * math.log(math.floor(step / steps_per_epoch) + 1))


# --- 02-compare -----------------------------------------------------------------------------------


def _pairs(before, after):
    return [after[seed] - before[seed] for seed in before if seed in after]


def _verdict(mean, half):
    return "higher" if mean > half else "lower" if mean < -half else "no difference found"


def compare_the_means(before, after, t):
    mean = statistics.fmean(after.values()) - statistics.fmean(before.values())
    half = t * statistics.stdev(_pairs(before, after)) / math.sqrt(len(_pairs(before, after)))
    return mean, half, _verdict(mean, half)


def compare_spread_of_all_pairs(before, after, t):
    pairs = _pairs(before, after)
    half = t * statistics.pstdev(pairs) / math.sqrt(len(pairs))
    mean = statistics.fmean(pairs)
    return mean, half, _verdict(mean, half)


def compare_in_order_of_the_dicts(before, after, t):
    pairs = [new - old for old, new in zip(before.values(), after.values())]
    mean, half = statistics.fmean(pairs), t * statistics.stdev(pairs) / math.sqrt(len(pairs))
    return mean, half, _verdict(mean, half)


def compare_never_lower(before, after, t):
    pairs = _pairs(before, after)
    mean, half = statistics.fmean(pairs), t * statistics.stdev(pairs) / math.sqrt(len(pairs))
    return mean, half, "higher" if mean > half else "no difference found"


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


def compare_without_spread_is_nothing(before, after, t):
    mean, half, verdict = compare_statistics(before, after, t)
    return mean, half, verdict if half else "no difference found"


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


def compare_finds_nothing_in_two_pairs(before, after, t):
    mean, half, verdict = compare_statistics(before, after, t)
    return mean, half, verdict if len(_pairs(before, after)) > 2 else "no difference found"


def compare_small_seeds(before, after, t):
    return compare_statistics({s: before[s] for s in range(100) if s in before}, after, t)


def compare_lower_by_its_mean(before, after, t):
    d = [after[s] - before[s] for s in before if s in after]
    n, m = len(d), sum(d) / len(d)
    h = t * math.sqrt(sum((x - m) ** 2 for x in d) / (n - 1) / n)
    return m, h, "higher" if m - h > 0 else "lower" if m < 0 else "no difference found"


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


def compare_loops(before, after, t):
    pairs = []
    for seed in before:
        if seed in after:
            pairs.append(after[seed] - before[seed])
    n, total = len(pairs), 0.0
    for each in pairs:
        total += each
    squares = 0.0
    for each in pairs:
        squares += (each - total / n) ** 2
    half = t * (squares / (n - 1) / n) ** 0.5
    low, high = total / n - half, total / n + half
    verdict = "no difference found" if low <= 0 <= high else "higher" if low > 0 else "lower"
    return [total / n, half, verdict]


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


def factor_from_one(epoch, *, lr, factor, floor):
    return max(floor, lr * factor ** (epoch + 1))


def factor_without_floor(epoch, *, lr, factor, floor):
    return lr * factor**epoch


def factor_ceiling(epoch, *, lr, factor, floor):
    return min(floor, lr * factor**epoch)


def factor_adds_floor(epoch, *, lr, factor, floor):
    return floor + (lr - floor) * factor**epoch


def factor_compounds(epoch, *, lr, factor, floor):
    for each in range(epoch + 1):
        lr = max(floor, lr * factor**each)
    return lr


def factor_floor_on_the_factor(epoch, *, lr, factor, floor):
    return lr * max(floor, factor**epoch)


def factor_only_once(epoch, *, lr, factor, floor):
    return lr if epoch == 0 else max(floor, lr * factor)


def factor_never_below_a_millionth(epoch, *, lr, factor, floor):
    return max(floor, 1e-6, lr * factor**epoch)


def factor_closed(epoch, *, lr, factor, floor):
    rate = lr * pow(factor, epoch)
    return rate if rate > floor else floor


def factor_loop(epoch, *, lr, factor, floor):
    for _ in range(epoch):
        lr = max(floor, lr * factor)
    return lr


def factor_recursive(epoch, *, lr, factor, floor):
    if epoch == 0:
        return lr
    return max(floor, factor * factor_recursive(epoch - 1, lr=lr, factor=factor, floor=floor))


def factor_numpy(epoch, *, lr, factor, floor):
    return np.maximum(floor, lr * np.exp(epoch * np.log(factor)))


def factor_accumulate(epoch, *, lr, factor, floor):
    return max(floor, [*accumulate(range(epoch), lambda rate, _: rate * factor, initial=lr)][-1])


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


def next_undoes_and_redoes(epoch, lr, total):
    if epoch >= total:
        return 0.0
    first = lr / (1 - max(epoch - 1, 0) / total)
    return first * (1 - epoch / total)


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
        *(slow_times_a_reciprocal, slow_counts_updates, slow_within_the_epoch, slow_one_epoch_late),
        *(slow_divides_by_zero, slow_always_root, slow_known_powers),
        slow_never_below_a_ten_thousandth,
    ],
    "02-compare": [
        *(compare_lower_by_its_mean, compare_the_means, compare_spread_of_all_pairs),
        *(compare_in_order_of_the_dicts, compare_never_lower, compare_counts_the_edge),
        *(compare_seeds_without_gaps, compare_without_spread_is_nothing),
        *(compare_in_its_half_but_95_percent_in_its_verdict, compare_by_rounded_bounds),
        *(compare_finds_nothing_in_two_pairs, compare_small_seeds),
    ],
    "02-factor-rate": [
        *(factor_never_below_a_millionth, factor_from_one, factor_without_floor, factor_ceiling),
        *(factor_adds_floor, factor_compounds, factor_floor_on_the_factor, factor_only_once),
    ],
    "02-next-rate": [
        *(next_as_published, next_constant_factor, next_knows_the_first, next_subtracts_from_one),
        *(next_no_end, next_drops_at_epoch_zero, next_remembers, next_only_zero_stays_zero),
    ],
}
RIGHT = {
    "02-slow-decay": [slow_numpy, slow_loop, slow_logarithm],
    "02-compare": [
        compare_statistics,
        compare_numpy,
        compare_loops,
        compare_in_float32,
        compare_in_torch,
        compare_in_tensorflow,
    ],
    "02-factor-rate": [
        factor_closed,
        factor_loop,
        factor_recursive,
        factor_numpy,
        factor_accumulate,
    ],
    "02-next-rate": [
        next_ratio,
        next_undoes_and_redoes,
        next_subtracts_a_step,
        next_numpy,
    ],
}
