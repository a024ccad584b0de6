"""Lesson 7: answers that its checks must reject, and right ones of other forms."""

import math

import numpy as np
from exercise_helper import changed

# --- 07-corrected-mean: an exponential mean without a false start ---------------------------------


def right_mean_plainly(losses, *, beta):
    smoothed, m = [], 0.0
    for i, loss in enumerate(losses):
        m = beta * m + (1 - beta) * loss
        smoothed.append(m / (1 - beta ** (i + 1)))
    return smoothed


def right_mean_by_weights(losses, *, beta):
    smoothed = []
    for end in range(1, len(losses) + 1):
        weights = [beta ** (end - 1 - i) for i in range(end)]
        total = sum(w * loss for w, loss in zip(weights, losses))
        smoothed.append(total / sum(weights))
    return smoothed


def right_mean_with_numpy(losses, *, beta):
    losses = np.asarray(losses, dtype=float)
    steps = np.arange(len(losses))
    back = steps[:, None] - steps[None, :]
    weights = np.where(back >= 0, float(beta) ** np.maximum(back, 0), 0.0)
    return (weights @ losses / weights.sum(1)).tolist()


# --- 07-steepest: along the logarithm, no later than the lowest loss ------------------------------


def right_steepest_plainly(lrs, losses):
    until = int(np.argmin(losses)) + 1
    slopes = np.gradient(losses, np.log(lrs))
    return float(lrs[int(np.argmin(slopes[:until]))])


def steepest_until_the_loss_doubles(lrs, losses):
    lowest = np.minimum.accumulate(losses)
    doubled = np.flatnonzero(np.asarray(losses)[1:] > 2 * lowest[:-1])
    until = int(doubled[0]) + 1 if doubled.size else len(losses)
    return float(lrs[int(np.argmin(np.gradient(losses, np.log(lrs))[:until]))])


def right_steepest_in_decades(lrs, losses):
    slopes = np.gradient(np.asarray(losses, dtype=float), np.log10(lrs)).tolist()
    until = list(losses).index(min(losses)) + 1
    return lrs[slopes.index(min(slopes[:until]))]


def right_steepest_by_hand(lrs, losses):
    x, best, answer = [math.log(lr) for lr in lrs], math.inf, None
    for i in range(len(lrs)):
        if i == 0:
            slope = (losses[1] - losses[0]) / (x[1] - x[0])
        elif i == len(lrs) - 1:
            slope = (losses[i] - losses[i - 1]) / (x[i] - x[i - 1])
        else:
            left, right = x[i] - x[i - 1], x[i + 1] - x[i]
            before, after = losses[i] - losses[i - 1], losses[i + 1] - losses[i]
            slope = (before / left * right + after / right * left) / (left + right)
        if slope < best:
            best, answer = slope, lrs[i]
        if losses[i] == min(losses):
            return answer
    return answer


def steepest_until_the_first_rise(lrs, losses):
    slopes, last = np.gradient(losses, np.log(lrs)), 0
    while last + 1 < len(losses) and losses[last + 1] <= losses[last]:
        last += 1
    return float(lrs[int(np.argmin(slopes[: last + 1]))])


def steepest_must_fall(lrs, losses):
    slopes = np.gradient(losses, np.log(lrs))
    best, answer = 0.0, lrs[-1]
    for place in range(int(np.argmin(losses)) + 1):
        if slopes[place] < best:
            best, answer = slopes[place], lrs[place]
    return float(answer)


# --- 07-batch-losses: out of the running mean -----------------------------------------------------


def right_batch_by_epochs(means, *, batches_per_epoch):
    losses = []
    for start in range(0, len(means), batches_per_epoch):
        epoch = means[start : start + batches_per_epoch]
        sums = [k * mean for k, mean in enumerate(epoch, start=1)]
        losses += [b - a for a, b in zip([0.0, *sums], sums)]
    return losses


def right_batch_with_a_running_sum(means, *, batches_per_epoch):
    losses, total = [], 0.0
    for place, mean in enumerate(means):
        count = place % batches_per_epoch + 1
        total = 0.0 if count == 1 else total
        losses.append(mean * count - total)
        total += losses[-1]
    return losses


def right_batch_with_numpy(means, *, batches_per_epoch):
    count = np.arange(len(means)) % batches_per_epoch + 1
    sums = count * np.asarray(means, dtype=float)
    before = np.concatenate([[0.0], sums[:-1]]) if len(means) else sums
    return np.where(count == 1, sums, sums - before).tolist()


# --- 07-restore: what has to be put back ----------------------------------------------------------


def chosen(buffers, state, random):
    names = {"buffers": buffers, "optimizer state": state, "random state": random}
    return [name for name, wanted in names.items() if wanted]


def restore_nothing(*, optimizer, momentum, dropout, batch_norm, shuffle):
    return []


def restore_everything(*, optimizer, momentum, dropout, batch_norm, shuffle):
    return ["buffers", "optimizer state", "random state"]


def right_restore_plainly(*, optimizer, momentum, dropout, batch_norm, shuffle):
    state, random = optimizer == "adam" or momentum > 0, bool(dropout or shuffle)
    return chosen(batch_norm, state, random)


def right_restore_by_ifs(*, optimizer, momentum, dropout, batch_norm, shuffle):
    found = []
    if batch_norm:
        found.append("buffers")
    if optimizer != "sgd" or momentum != 0:
        found.append("optimizer state")
    if shuffle or dropout != 0:
        found.append("random state")
    return found


def right_restore_sorted(*, optimizer, momentum, dropout, batch_norm, shuffle):
    found = {"random state"} if dropout or shuffle else set()
    found |= {"optimizer state"} if momentum or optimizer == "adam" else set()
    found |= {"buffers"} if batch_norm else set()
    return sorted(found)


WRONG = {
    "07-corrected-mean": [
        *changed(
            right_mean_plainly,
            mean_uncorrected={"m / (1 - beta ** (i + 1))": "m"},
            mean_from_the_first={"0.0": "(losses or [0])[0]", "m / (1 - beta ** (i + 1))": "m"},
            mean_corrects_itself={"append(m /": "append(m := m /"},
            mean_with_weights_swapped={
                "beta * m + (1 - beta)": "(1 - beta) * m + beta",
                "(1 - beta **": "(1 - (1 - beta) **",
            },
            mean_last_only={"return smoothed": "return smoothed[-1] if smoothed else None"},
            mean_one_short={"return smoothed": "return smoothed[1:]"},
            mean_corrected_ten_times={
                "m / (1 - beta ** (i + 1))": "m / (1 - beta ** (i + 1)) if i < 10 else m"
            },
            mean_of_what_is_above_zero={"* loss": "* max(loss, 0.0)"},
        ),
    ],
    "07-steepest": [
        *(steepest_until_the_loss_doubles, steepest_until_the_first_rise, steepest_must_fall),
        *changed(
            right_steepest_plainly,
            steepest_as_published={"np.log(lrs)": "lrs", "[:until]": ""},
            steepest_without_the_limit={"[:until]": ""},
            steepest_by_rate_with_the_limit={"np.log(lrs)": "lrs"},
            steepest_by_place={", np.log(lrs)": ""},
            steepest_is_never_the_first={"    return": "    slopes[0] = 0.0\n    return"},
            steepest_cut_first={"losses, np.log(lrs)": "losses[:until], np.log(lrs[:until])"},
            steepest_of_the_logarithm_of_the_loss={"gradient(losses": "gradient(np.log(losses)"},
            steepest_before_the_lowest={
                "int(np.argmin(losses)) + 1": "max(int(np.argmin(losses)), 1)"
            },
            steepest_and_one_behind_the_lowest={"+ 1": "+ 2"},
            steepest_with_bent_ends={"np.log(lrs)": "np.log(lrs), edge_order=2"},
            steepest_until_the_last_lowest={
                "int(np.argmin(losses)) + 1": "len(losses) - int(np.argmin(losses[::-1]))"
            },
        ),
    ],
    "07-batch-losses": [
        *changed(
            right_batch_with_a_running_sum,
            batch_as_published={"return losses": "return means"},
            batch_without_epochs={"place % batches_per_epoch + 1": "place + 1"},
            batch_difference_of_means={
                "mean * count - total": "mean - means[place - 1] * (count > 1)"
            },
            batch_sums_only={" - total": ""},
            batch_counts_from_zero={
                "batches_per_epoch + 1": "batches_per_epoch",
                "count == 1": "count == 0",
            },
            batch_whole_epochs_only={
                "return losses": "return losses[: len(means) - len(means) % batches_per_epoch]"
            },
            batch_of_three_epochs={"return losses": "return losses[: 3 * batches_per_epoch]"},
            batch_rounded={"return losses": "return [round(loss, 3) for loss in losses]"},
        ),
    ],
    "07-restore": [
        *(restore_nothing, restore_everything),
        *changed(
            right_restore_plainly,
            restore_momentum_only={'optimizer == "adam" or ': ""},
            restore_without_shuffling={"dropout or shuffle": "dropout"},
            restore_out_of_order={"state, random)": "state, random)[::-1]"},
            restore_none_where_nothing_is_needed={"state, random)": "state, random) or None"},
            restore_large_momentum_only={"momentum > 0": "momentum >= 0.9"},
            restore_state_with_buffers={"momentum > 0": "momentum > 0 or batch_norm"},
            restore_adam_without_momentum={
                'optimizer == "adam" or momentum > 0': '(optimizer == "adam") != (momentum > 0)'
            },
            restore_random_for_buffers={"or shuffle": "or shuffle or batch_norm"},
            restore_random_for_large_dropout={"dropout or": "dropout >= 0.2 or"},
            restore_random_for_dropout_without_momentum={
                "dropout or": "dropout > 0 and momentum == 0 or"
            },
        ),
    ],
}
RIGHT = {
    "07-corrected-mean": [right_mean_plainly, right_mean_by_weights, right_mean_with_numpy],
    "07-steepest": [right_steepest_plainly, right_steepest_in_decades, right_steepest_by_hand],
    "07-batch-losses": [
        right_batch_by_epochs,
        right_batch_with_a_running_sum,
        right_batch_with_numpy,
    ],
    "07-restore": [right_restore_plainly, right_restore_by_ifs, right_restore_sorted],
}
