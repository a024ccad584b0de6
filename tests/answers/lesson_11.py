"""Lesson 11: answers that each check must reject, and others that it must accept."""

import math
from statistics import fmean, mean, stdev

import numpy as np
from exercise_helper import changed

# --- 11.1 paired_interval -------------------------------------------------------------------------


def right_plainly(after, before, t):
    gaps = [after[seed] - before[seed] for seed in after if seed in before]
    if len(gaps) < 2:
        raise ValueError("too few pairs")
    centre, half = mean(gaps), t * stdev(gaps) / len(gaps) ** 0.5
    return [centre, centre - half, centre + half]


def right_numpy(after, before, t):
    seeds = sorted(set(after) & set(before))
    if len(seeds) < 2:
        raise ValueError(seeds)
    gaps = np.array([after[s] for s in seeds]) - np.array([before[s] for s in seeds])
    half = t * gaps.std(ddof=1) / np.sqrt(gaps.size)
    return gaps.mean() + half * np.array([0, -1, 1])


def right_by_sums(after, before, t):
    n = total = squares = 0
    for seed in before:
        if seed in after:
            gap = after[seed] - before[seed]
            n, total, squares = n + 1, total + gap, squares + gap * gap
    if n < 2:
        raise ValueError("fewer than two pairs")
    centre = total / n
    variance = sum((after[s] - before[s] - centre) ** 2 for s in before if s in after) / (n - 1)
    return centre, centre - t * (variance / n) ** 0.5, centre + t * (variance / n) ** 0.5


# --- 11.2 tune ------------------------------------------------------------------------------------


def _groups(runs):
    groups = {}
    for run in runs:
        groups.setdefault(run["peak"], []).append(run)
    return groups


def _finished(groups):
    left = {
        peak: group
        for peak, group in groups.items()
        if all(run["val_loss"] is not None for run in group)
    }
    if not left:
        raise ValueError("nothing left")
    return left


def _told(peak, groups, tried=None):
    reached = [run["test_accuracy"] for run in groups[peak] if run["test_accuracy"] is not None]
    tried = groups if tried is None else tried
    return peak, fmean(reached), peak in (min(tried), max(tried))


def best_test_result(runs):
    groups = _groups(runs)
    _finished(groups)
    best = max(runs, key=lambda run: run["test_accuracy"] or 0.0)
    tried = sorted(groups)
    return best["peak"], best["test_accuracy"], best["peak"] in (tried[0], tried[-1])


def as_many_seeds_as_the_shortest(runs):
    groups = _finished(_groups(runs))
    fewest = min(map(len, groups.values()))
    losses = {p: fmean(run["val_loss"] for run in group[:fewest]) for p, group in groups.items()}
    return _told(min(sorted(losses), key=losses.get), groups, _groups(runs))


def right_tune_loops(runs):
    best = None
    peaks = sorted({run["peak"] for run in runs})
    for peak in peaks:
        mine = [run for run in runs if run["peak"] == peak]
        losses = [run["val_loss"] for run in mine]
        if None in losses:
            continue
        loss = sum(losses) / len(losses)
        if best is None or loss < best[0]:
            best = loss, peak, sum(run["test_accuracy"] for run in mine) / len(mine)
    if best is None:
        raise ValueError("every peak has a diverged run")
    return best[1], best[2], best[1] in (peaks[0], peaks[-1])


def right_tune_helpers(runs):
    groups = _finished(_groups(runs))
    peak = min(sorted(groups), key=lambda p: fmean(run["val_loss"] for run in groups[p]))
    return list(_told(peak, groups, _groups(runs)))


def right_tune_numpy(runs):
    peaks = np.array([run["peak"] for run in runs])
    losses = np.array([np.nan if run["val_loss"] is None else run["val_loss"] for run in runs])
    tests = np.array([run["test_accuracy"] for run in runs], dtype=float)
    tried = np.unique(peaks)
    means = np.array([losses[peaks == peak].mean() for peak in tried])
    if np.isnan(means).all():
        raise ValueError("all diverged")
    place = int(np.nanargmin(means))
    return tried[place], tests[peaks == tried[place]].mean(), place in (0, len(tried) - 1)


# --- 11.3 published_gap ---------------------------------------------------------------------------


def right_gap_plainly(first, second, images):
    margins = [1.96 * math.sqrt(p * (1 - p) / images) for p in (first, second)]
    margin = math.hypot(*margins)
    return second - first, margin, abs(second - first) > margin


def right_gap_counts(first, second, images):
    wrong_and_right = first * images * (1 - first) + second * images * (1 - second)
    margin = 1.96 * wrong_and_right**0.5 / images
    gap = second - first
    return gap, margin, gap > margin or gap < -margin


def right_gap_numpy(first, second, images):
    p = np.array([first, second])
    margin = 1.96 * np.sqrt(np.sum(p * (1 - p)) / images)
    return [np.diff(p)[0], margin, bool(abs(np.diff(p)[0]) > margin)]


# --- 11.4 judge -----------------------------------------------------------------------------------


def as_given(sentence, low, high):
    if sentence in ("better", "worse"):
        positive = (low + high) / 2 > 0
        return "supported" if positive == (sentence == "better") else "refuted"
    if sentence in ("no better", "no worse"):
        return "supported" if low <= 0 <= high else "refuted"
    raise ValueError(sentence)


def right_judge_opposites(sentence, low, high):
    opposite = {
        "better": "no better",
        "no better": "better",
        "worse": "no worse",
        "no worse": "worse",
    }
    if sentence not in opposite:
        raise ValueError(f"no such sentence: {sentence}")

    def sure(each):
        if each == "better":
            return low > 0
        if each == "worse":
            return high < 0
        return high <= 0 if each == "no better" else low >= 0

    if sure(sentence):
        return "supported"
    return "refuted" if sure(opposite[sentence]) else "undecided"


def right_judge_ends(sentence, low, high):
    agrees = {
        "better": lambda gain: gain > 0,
        "worse": lambda gain: gain < 0,
        "no better": lambda gain: gain <= 0,
        "no worse": lambda gain: gain >= 0,
    }.get(sentence)
    if agrees is None:
        raise ValueError(sentence)
    votes = agrees(low) + agrees(high)
    return ["refuted", "undecided", "supported"][votes]


def right_judge_turned(sentence, low, high):
    if sentence in ("worse", "no worse"):
        low, high = -high, -low
        sentence = sentence.replace("worse", "better")
    if sentence == "better":
        return "supported" if low > 0 else "undecided" if high > 0 else "refuted"
    if sentence == "no better":
        return "supported" if high <= 0 else "undecided" if low <= 0 else "refuted"
    raise ValueError


def one_pair_is_all_that_is_too_few(after, before, t):
    if len(set(after) & set(before)) == 1:
        raise ValueError("one pair")
    return right_numpy(after, before, t) if set(after) & set(before) else (0.0, 0.0, 0.0)


def better_in_any_words(sentence, low, high):
    known = [each for each in ("no better", "no worse", "better", "worse") if each in sentence]
    return right_judge_opposites(known[0] if known else sentence, low, high)


def supported_from_zero_on(sentence, low, high):
    if (sentence == "better" and low >= 0) or (sentence == "worse" and high <= 0):
        return "supported"
    return right_judge_opposites(sentence, low, high)


WRONG = {
    "11-paired": [
        one_pair_is_all_that_is_too_few,
        *changed(
            right_plainly,
            before_less_after={"mean(gaps)": "-mean(gaps)"},
            spread_divided_by_n={"stdev(gaps)": "np.std(gaps)"},
            pairs_by_place={
                "after[seed] - before[seed]": "a - b",
                "seed in after if seed in before": "a, b in zip(after.values(), before.values())",
            },
            difference_of_all_means={"mean(gaps)": "mean(after.values()) - mean(before.values())"},
            one_pair_is_enough={
                "< 2": "< 1",
                "stdev(gaps) / len(gaps) ** 0.5": "np.std(gaps) / max(1, len(gaps) - 1) ** 0.5",
            },
            needs_every_seed={" if seed in before": ""},
            an_accuracy_of_zero_is_missing={
                "if seed in before": "if after[seed] and before.get(seed)"
            },
            three_pairs_at_most={"in before]": "in before][:3]"},
        ),
    ],
    "11-tune": [
        *(best_test_result, as_many_seeds_as_the_shortest),
        *changed(
            right_tune_loops,
            mean_of_the_survivors={
                "== peak]": '== peak and run["val_loss"] is not None]',
                "None in losses": "not losses",
            },
            looks_at_the_last_seed={
                "== peak]": '== peak and run["val_loss"] is not None]',
                "None in losses": '[r for r in runs if r["peak"] == peak][-1]["val_loss"] is None',
            },
            a_test_result_of_zero_has_diverged={
                "None in losses": 'not all(run["test_accuracy"] for run in mine)'
            },
            no_loss_is_none={"None in losses": "not all(losses)"},
            nothing_left_is_none={
                'raise ValueError("every peak has a diverged run")': "return None"
            },
            border_in_the_order_of_the_runs={
                "(peaks[0], peaks[-1])": '(runs[0]["peak"], runs[-1]["peak"])'
            },
            one_peak_has_no_border={"best[1] in": "len(peaks) > 1 and best[1] in"},
            three_seeds_at_most={"== peak]": '== peak and run["seed"] < 3]'},
            no_mean_above_ten={"best is None or loss < best[0]": "loss < (best or [10])[0]"},
        ),
        *changed(
            right_tune_helpers,
            best_mean_test_result={"min(": "max(", "val_loss": "test_accuracy"},
            equal_means_in_the_order_of_the_runs={"sorted(groups)": "groups"},
        ),
    ],
    "11-published-gap": [
        *changed(
            right_gap_plainly,
            one_margin={"math.hypot(*margins)": "margins[0]"},
            margins_added={"math.hypot(*margins)": "sum(margins)"},
            without_1_96={"1.96 * ": ""},
            negative_gaps_never_stand={"abs(second - first)": "second - first"},
            first_less_second={"return second - first": "return first - second"},
            stands_at_its_margin={"> margin": ">= margin"},
            stands_by_one_margin={"> margin": "> margins[0]"},
            stands_where_intervals_do_not_overlap={"> margin": "> sum(margins)"},
        ),
    ],
    "11-judge": [
        *(as_given, better_in_any_words, supported_from_zero_on),
        *changed(
            right_judge_ends,
            zero_inside_is_no_better={
                "    if agrees": "    if low <= 0 <= high:\n"
                '        return "supported" if "no" in sentence else "undecided"\n    if agrees'
            },
            never_refutes={'["refuted"': '["undecided"'},
            no_better_is_worse={"gain <= 0": "gain < 0", "gain >= 0": "gain > 0"},
            # a gain of exactly 0 leaves "better" and "worse" open
            refuted_beyond_zero_only={
                "    votes": '    if "no" not in sentence and 0 in (low, high):\n'
                '        return "undecided"\n    votes'
            },
            no_worse_refuted_at_zero={
                "    votes": '    if sentence == "no worse" and high == 0 > low:\n'
                '        return "refuted"\n    votes'
            },
            worse_not_refuted_at_zero={
                "    votes": '    if sentence == "worse" and low == 0:\n'
                '        return "undecided"\n    votes'
            },
            a_point_at_zero_is_undecided={
                "    votes": '    if low == high == 0:\n        return "undecided"\n    votes'
            },
            the_middle_decides_at_zero={
                "    votes": "    if 0 in (low, high):\n"
                "        low = high = (low + high) / 2\n    votes"
            },
        ),
    ],
}

RIGHT = {
    "11-paired": [right_plainly, right_numpy, right_by_sums],
    "11-tune": [right_tune_loops, right_tune_helpers, right_tune_numpy],
    "11-published-gap": [right_gap_plainly, right_gap_counts, right_gap_numpy],
    "11-judge": [right_judge_opposites, right_judge_ends, right_judge_turned],
}
