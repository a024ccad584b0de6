"""Lesson 6: answers that its checks must reject, and right ones of other forms."""

import math

from exercise_helper import changed

# --- 06-rule: the plateau rule --------------------------------------------------------------------


def right_rule_plainly(losses, *, lr, factor, patience, cooldown):
    rates, best, bad, wait = [], math.inf, 0, 0
    for loss in losses:
        better = loss < best
        best, bad = (loss, 0) if better else (best, bad + 1)
        if wait > 0:
            wait, bad = wait - 1, 0
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def in_pytorch(values, lr, *arguments, **options):
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, *arguments, **options)
    rates = []
    for value in values:
        scheduler.step(value)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def rule_with_pytorchs_threshold(losses, *, lr, factor, patience, cooldown):
    return in_pytorch(losses, lr, "min", factor, patience, cooldown=cooldown, eps=0.0)


def rule_with_pytorchs_smallest_change(losses, *, lr, factor, patience, cooldown):
    return in_pytorch(losses, lr, "min", factor, patience, 0.0, cooldown=cooldown)


def right_rule_that_counts_cuts(losses, *, lr, factor, patience, cooldown):
    cuts, rates, quiet_until, bad = 0, [], 0, 0
    for place, loss in enumerate(losses):
        heard = [earlier for earlier in losses[:place] if not math.isnan(earlier)]
        improved = all(loss < earlier for earlier in [math.inf, *heard])
        bad = 0 if improved or place < quiet_until else bad + 1
        if bad == patience + 1:
            cuts, bad, quiet_until = cuts + 1, 0, place + 1 + cooldown
        rates.append(lr * factor**cuts)
    return rates


def right_rule_of_pytorch(losses, *, lr, factor, patience, cooldown):
    return in_pytorch(losses, lr, "min", factor, patience, 0.0, "abs", cooldown, eps=0.0)


# --- 06-translate: PyTorch's arguments for Keras --------------------------------------------------


def right_translate_plainly(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError
    cooldown = cooldown + 1 if cooldown else 0
    return {"patience": patience + 1, "min_delta": threshold, "cooldown": cooldown}


def right_translate_relative_zero(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel" and threshold > 0:
        raise ValueError("relative")
    cooldown = cooldown + 1 if cooldown else 0
    return {"patience": patience + 1, "min_delta": threshold, "cooldown": cooldown}


def right_translate_with_bool(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError("no such thing in Keras")
    return dict(patience=patience + 1, cooldown=cooldown + (cooldown > 0), min_delta=threshold)


def right_translate_by_table(*, patience, threshold, threshold_mode, cooldown):
    found = {"min_delta": {"abs": threshold}.get(threshold_mode)}
    if found["min_delta"] is None:
        raise ValueError(threshold_mode)
    found["patience"] = 1 + patience
    found["cooldown"] = (0, cooldown + 1)[cooldown >= 1]
    return found


# --- 06-mended: the rule that forgets its best ----------------------------------------------------


def mended_not_at_all(values, *, mode, lr, factor, patience):
    rates, last, bad = [], 100.0, 0
    for value in values:
        bad = bad + 1 if value > last else 0
        last = value
        if bad == patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


def right_mended_plainly(values, *, mode, lr, factor, patience):
    rates, best, bad = [], None, 0
    for value in values:
        better = best is None or (value < best if mode == "min" else value > best)
        best, bad = (value, 0) if better else (best, bad + 1)
        if bad == patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


def right_mended_by_pytorch(values, *, mode, lr, factor, patience):
    return in_pytorch(values, lr, mode, factor, patience - 1, 0.0, eps=0.0)


def right_mended_with_signs(values, *, mode, lr, factor, patience):
    sign = 1 if mode == "min" else -1
    rates, best, bad = [], math.inf, 0
    for value in (sign * each for each in values):
        best, bad = (value, 0) if value < best else (best, bad + 1)
        if bad == patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


def right_mended_with_what_was_heard(values, *, mode, lr, factor, patience):
    pick, bad, rates = min if mode == "min" else max, 0, []
    for place, value in enumerate(values):
        heard = values[:place]
        bad = (
            0 if not heard or (value != pick(heard) and pick([*heard, value]) == value) else bad + 1
        )
        if bad >= patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


# --- 06-too-early: alarms before the low ----------------------------------------------------------


def calls(noisy, patience):
    places, best, bad = [], math.inf, 0
    for place, loss in enumerate(noisy):
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > patience:
            bad = 0
            places.append(place)
    return places


def right_early_plainly(noisy, steady, *, patience):
    places, best, bad = [], math.inf, 0
    for place, loss in enumerate(noisy):
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > patience:
            bad = 0
            if min(steady[place:]) < min(steady[: place + 1]):
                places.append(place)
    return places


def right_early_any(noisy, steady, *, patience):
    def new_low(i):
        return any(all(later < old for old in steady[: i + 1]) for later in steady[i + 1 :])

    return list(filter(new_low, calls(noisy, patience)))


def right_early_with_numpy(noisy, steady, *, patience):
    import numpy as np

    so_far = np.minimum.accumulate(np.asarray(steady, dtype=float))
    return [int(i) for i in calls(noisy, patience) if so_far[-1] < so_far[i]]


WRONG = {
    "06-rule": [
        *(rule_with_pytorchs_threshold, rule_with_pytorchs_smallest_change),
        *changed(
            right_rule_plainly,
            rule_counts_as_keras={"bad > patience": "bad >= max(patience, 1)"},
            rule_takes_ties_for_better={"loss < best": "loss <= best"},
            rule_for_accuracies={"math.inf": "-math.inf", "loss < best": "loss > best"},
            rule_deaf_in_its_cooldown={"loss < best": "loss < best and not wait"},
            rule_gives_the_last_rate_only={"return rates": "return rates[-1] if rates else lr"},
            rule_starts_with_the_first_rate={"= [],": "= [lr],"},
            rule_forgets_a_best_of_zero={"loss < best": "not best or loss < best"},
            rule_cuts_four_times_at_most={
                "= [],": "= [lr],",
                "return rates": "return [max(rate, rates[0] * factor**4) for rate in rates[1:]]",
            },
            rule_whose_cooldown_ends_at_a_better_loss={
                "if wait > 0": "wait *= not better\n        if wait > 0"
            },
            rule_starts_at_a_thousand={"math.inf": "1000.0"},
            rule_never_forgives={"(loss, 0)": "(loss, bad)"},
            rule_nan_is_better={"loss < best": "not loss >= best"},
            rule_first_is_best_even_infinite={
                "math.inf": "None",
                "loss < best": "best is None or loss < best",
            },
        ),
    ],
    "06-translate": [
        *changed(
            right_translate_plainly,
            translate_nothing={
                "patience + 1": "patience",
                "cooldown + 1 if cooldown else 0": "cooldown",
            },
            translate_the_other_way={
                "patience + 1": "max(patience - 1, 0)",
                "cooldown + 1 if cooldown else 0": "max(cooldown - 1, 0)",
            },
            translate_also_no_cooldown={"cooldown + 1 if cooldown else 0": "cooldown + 1"},
            translate_without_cooldown={"cooldown + 1 if cooldown else 0": "cooldown"},
            translate_relative_too={"raise ValueError": "pass"},
            translate_to_epsilon={"min_delta": "epsilon"},
            translate_a_threshold_of_zero_away={'": threshold': '": threshold or 1e-4'},
            translate_to_two_places={'": threshold': '": round(threshold, 2)'},
        ),
    ],
    "06-mended": [
        mended_not_at_all,
        *changed(
            right_mended_plainly,
            mended_count_goes_on_after_a_better_one={"(value, 0)": "(value, bad)"},
            mended_never_below_a_millionth={"lr * factor": "max(lr * factor, 1e-6)"},
            mended_but_takes_the_value_at_a_cut_for_the_best={
                "lr, bad = lr * factor, 0": "lr, bad, best = lr * factor, 0, value"
            },
            mended_but_for_the_mode={' if mode == "min" else value > best': ""},
            mended_with_keras_s_threshold={
                "value < best": "value < best - 1e-4",
                "value > best": "value > best + 1e-4",
            },
            mended_but_forgets_a_best_of_zero={"best is None": "not best"},
            mended_from_a_thousand={
                "None, 0": '1e3 if mode == "min" else -1e3, 0',
                "best is None or ": "",
            },
            mended_from_zero_for_an_accuracy={
                "None, 0": 'math.inf if mode == "min" else 0.0, 0',
                "best is None or ": "",
            },
        ),
    ],
    "06-too-early": [
        *changed(
            right_early_plainly,
            early_is_every_call={"min(steady[place:]) < min(steady[: place + 1])": "True"},
            early_by_the_noisy_loss={"steady[": "noisy["},
            early_against_this_place_only={"min(steady[: place + 1])": "steady[place]"},
            early_by_the_next_only={"steady[place:]": "steady[place : place + 2]"},
            early_by_the_last_only={"min(steady[place:])": "steady[-1]"},
            early_counts_them={"return places": "return len(places)"},
            early_counts_as_keras={"bad > patience": "bad > max(patience - 1, 0)"},
            early_with_a_threshold={"loss < best": "loss < best - 1e-4"},
            early_counts_on={"            bad = 0\n": ""},
            early_until_the_last_low={
                "min(steady[place:])": "min(steady[place + 1 :] or [math.inf])",
                "< min(steady[: place + 1])": "== min(steady)",
            },
            early_takes_the_loss_at_a_call_for_the_best={
                "            bad = 0": "            best, bad = loss, 0"
            },
            early_starts_at_a_hundred={"math.inf": "100.0"},
            early_takes_ties_for_better={"loss < best": "loss <= best"},
            early_forgets_a_best_of_zero={"loss < best": "(loss or math.inf) < best"},
            early_forgets_a_low_of_zero={
                "    places,": "    steady = [loss or math.inf for loss in steady]\n    places,"
            },
            early_by_a_low_that_is_lower_by_a_hundredth={"< min(": "< -0.01 + min("},
            early_by_a_low_below_ten={
                "min(steady[: place + 1])": "min(10.0, *steady[: place + 1])"
            },
            early_zero_is_the_lowest_possible={"(loss, 0)": "(max(loss, 0), 0)"},
        ),
    ],
}
RIGHT = {
    "06-rule": [right_rule_plainly, right_rule_that_counts_cuts, right_rule_of_pytorch],
    "06-translate": [
        right_translate_plainly,
        right_translate_relative_zero,
        right_translate_with_bool,
        right_translate_by_table,
    ],
    "06-mended": [
        right_mended_plainly,
        right_mended_with_signs,
        right_mended_with_what_was_heard,
        right_mended_by_pytorch,
    ],
    "06-too-early": [right_early_plainly, right_early_any, right_early_with_numpy],
}
