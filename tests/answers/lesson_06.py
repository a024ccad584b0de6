"""Lesson 6: answers that its checks must reject, and right ones of other forms."""

import math

# --- 06-rule: the plateau rule --------------------------------------------------------------------


def machine(losses, lr, factor, patience, cooldown, *, reached, better, first=math.inf):
    rates, best, bad, wait = [], first, 0, 0
    for loss in losses:
        best, bad = (loss, 0) if better(loss, best) else (best, bad + 1)
        if wait > 0:
            wait, bad = wait - 1, 0
        if reached(bad, patience):
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def rule_counts_as_keras(losses, *, lr, factor, patience, cooldown):
    return machine(
        *(losses, lr, factor, patience, cooldown),
        reached=lambda bad, patience: bad >= max(patience, 1),
        better=lambda loss, best: loss < best,
    )


def rule_takes_ties_for_better(losses, *, lr, factor, patience, cooldown):
    return machine(
        *(losses, lr, factor, patience, cooldown),
        reached=lambda bad, patience: bad > patience,
        better=lambda loss, best: loss <= best,
    )


def rule_for_accuracies(losses, *, lr, factor, patience, cooldown):
    return machine(
        *(losses, lr, factor, patience, cooldown),
        reached=lambda bad, patience: bad > patience,
        better=lambda loss, best: loss > best,
        first=-math.inf,
    )


def rule_deaf_in_its_cooldown(losses, *, lr, factor, patience, cooldown):
    rates, best, bad, wait = [], math.inf, 0, 0
    for loss in losses:
        if wait > 0:
            wait -= 1
        elif loss < best:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def rule_gives_the_last_rate_only(losses, *, lr, factor, patience, cooldown):
    rates = right_rule_of_a_closure(
        losses, lr=lr, factor=factor, patience=patience, cooldown=cooldown
    )
    return rates[-1] if rates else lr


def rule_starts_with_the_first_rate(losses, *, lr, factor, patience, cooldown):
    rates = right_rule_of_a_closure(
        losses, lr=lr, factor=factor, patience=patience, cooldown=cooldown
    )
    return [lr, *rates]


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


def rule_forgets_a_best_of_zero(losses, *, lr, factor, patience, cooldown):
    return machine(
        *(losses, lr, factor, patience, cooldown),
        reached=lambda bad, patience: bad > patience,
        better=lambda loss, best: not best or loss < best,
    )


def rule_cuts_four_times_at_most(losses, *, lr, factor, patience, cooldown):
    rates = right_rule_of_a_closure(
        losses, lr=lr, factor=factor, patience=patience, cooldown=cooldown
    )
    return [max(rate, lr * factor**4) for rate in rates]


def rule_whose_cooldown_ends_at_a_better_loss(losses, *, lr, factor, patience, cooldown):
    rates, best, bad, wait = [], math.inf, 0, 0
    for loss in losses:
        best, bad, wait = (loss, 0, 0) if loss < best else (best, bad + 1, wait)
        if wait > 0:
            wait, bad = wait - 1, 0
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def rule_starts_at_a_thousand(losses, *, lr, factor, patience, cooldown):
    return machine(
        *(losses, lr, factor, patience, cooldown),
        reached=lambda bad, patience: bad > patience,
        better=lambda loss, best: loss < best,
        first=1000.0,
    )


def rule_never_forgives(losses, *, lr, factor, patience, cooldown):
    rates, best, bad, wait = [], math.inf, 0, 0
    for loss in losses:
        best, bad = (loss, bad) if loss < best else (best, bad + 1)
        if wait > 0:
            wait, bad = wait - 1, 0
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def rule_nan_is_better(losses, *, lr, factor, patience, cooldown):
    rates, best, bad, wait = [], math.inf, 0, 0
    for loss in losses:
        if loss >= best:
            bad += 1
        else:
            best, bad = loss, 0
        if wait > 0:
            wait, bad = wait - 1, 0
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def rule_first_is_best_even_infinite(losses, *, lr, factor, patience, cooldown):
    rates, best, bad, wait = [], None, 0, 0
    for loss in losses:
        if best is None or loss < best:
            best, bad = loss, 0
        else:
            bad += 1
        if wait > 0:
            wait, bad = wait - 1, 0
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates.append(lr)
    return rates


def right_rule_of_a_closure(losses, *, lr, factor, patience, cooldown):
    state = {"lr": lr, "bad": 0, "wait": 0}

    def hear(place):
        state["bad"] += 1
        earlier = (loss for loss in losses[:place] if not math.isnan(loss))
        if losses[place] < min(earlier, default=math.inf):
            state["bad"] = 0
        if state["wait"]:
            state["wait"] -= 1
            state["bad"] = 0
        if state["bad"] > patience:
            state.update(lr=state["lr"] * factor, bad=0, wait=cooldown)
        return state["lr"]

    return [hear(place) for place in range(len(losses))]


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


def translate_nothing(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError
    return {"patience": patience, "min_delta": threshold, "cooldown": cooldown}


def translate_the_other_way(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError
    cooldown = max(cooldown - 1, 0)
    return {"patience": max(patience - 1, 0), "min_delta": threshold, "cooldown": cooldown}


def translate_also_no_cooldown(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError
    return {"patience": patience + 1, "min_delta": threshold, "cooldown": cooldown + 1}


def translate_without_cooldown(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError
    return {"patience": patience + 1, "min_delta": threshold, "cooldown": cooldown}


def translate_relative_too(*, patience, threshold, threshold_mode, cooldown):
    cooldown = cooldown + 1 if cooldown else 0
    return {"patience": patience + 1, "min_delta": threshold, "cooldown": cooldown}


def translate_to_epsilon(*, patience, threshold, threshold_mode, cooldown):
    if threshold_mode == "rel":
        raise ValueError
    cooldown = cooldown + 1 if cooldown else 0
    return {"patience": patience + 1, "epsilon": threshold, "cooldown": cooldown}


def translate_a_threshold_of_zero_away(*, patience, threshold, threshold_mode, cooldown):
    return right_translate_with_match(
        patience=patience,
        threshold=threshold or 1e-4,
        threshold_mode=threshold_mode,
        cooldown=cooldown,
    )


def translate_to_two_places(*, patience, threshold, threshold_mode, cooldown):
    found = right_translate_with_match(
        patience=patience, threshold=threshold, threshold_mode=threshold_mode, cooldown=cooldown
    )
    return {**found, "min_delta": round(threshold, 2)}


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


def right_translate_with_match(*, patience, threshold, threshold_mode, cooldown):
    match threshold_mode, cooldown:
        case "abs", 0:
            rest = 0
        case "abs", _:
            rest = cooldown + 1
        case _:
            raise ValueError("relative")
    return {"cooldown": rest, "patience": patience + 1, "min_delta": threshold}


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


def mended_but_for_the_mode(values, *, mode, lr, factor, patience):
    rates, best, bad = [], math.inf, 0
    for value in values:
        best, bad = (value, 0) if value < best else (best, bad + 1)
        if bad == patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


def mended_from(low, high):
    """The rule whose best starts at `low` for a loss, at `high` for an accuracy."""

    def mended(values, *, mode, lr, factor, patience):
        rates, best, bad = [], low if mode == "min" else high, 0
        for value in values:
            good = value < best if mode == "min" else value > best
            best, bad = (value, 0) if good else (best, bad + 1)
            if bad == patience:
                lr, bad = lr * factor, 0
            rates.append(lr)
        return rates

    return mended


def mended_with_keras_s_threshold(values, *, mode, lr, factor, patience):
    rates, best, bad = [], None, 0
    for value in values:
        good = best is None or (value < best - 1e-4 if mode == "min" else value > best + 1e-4)
        best, bad = (value, 0) if good else (best, bad + 1)
        if bad == patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


def mended_but_forgets_a_best_of_zero(values, *, mode, lr, factor, patience):
    rates, best, bad = [], None, 0
    for value in values:
        good = not best or (value < best if mode == "min" else value > best)
        best, bad = (value, 0) if good else (best, bad + 1)
        if bad == patience:
            lr, bad = lr * factor, 0
        rates.append(lr)
    return rates


def mended_but_takes_the_value_at_a_cut_for_the_best(values, *, mode, lr, factor, patience):
    rates, best, bad = [], None, 0
    for value in values:
        good = best is None or (value < best if mode == "min" else value > best)
        best, bad = (value, 0) if good else (best, bad + 1)
        if bad == patience:
            lr, bad, best = lr * factor, 0, value
        rates.append(lr)
    return rates


def mended_never_below_a_millionth(values, *, mode, lr, factor, patience):
    best, bad, rates = None, 0, []
    for value in values:
        if best is None or (value < best if mode == "min" else value > best):
            best, bad = value, 0
        else:
            bad += 1
        if bad == patience:
            lr, bad = max(lr * factor, 1e-6), 0
        rates.append(lr)
    return rates


def mended_count_goes_on_after_a_better_one(values, *, mode, lr, factor, patience):
    best, bad, rates = None, 0, []
    for value in values:
        if best is None or (value < best if mode == "min" else value > best):
            best = value
        else:
            bad += 1
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


def right_mended_recursively(values, *, mode, lr, factor, patience):
    def rest(values, best, bad, lr):
        if not values:
            return []
        value, *others = values
        if best is None or ((value < best) == (mode == "min") and value != best):
            best, bad = value, 0
        else:
            bad += 1
        if bad == patience:
            lr, bad = lr * factor, 0
        return [lr, *rest(others, best, bad, lr)]

    return rest(list(values), None, 0, lr)


# --- 06-too-early: alarms before the low ----------------------------------------------------------


def calls(noisy, patience):
    places, best, bad = [], math.inf, 0
    for place, loss in enumerate(noisy):
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > patience:
            bad = 0
            places.append(place)
    return places


def early_is_every_call(noisy, steady, *, patience):
    return calls(noisy, patience)


def early_by_the_noisy_loss(noisy, steady, *, patience):
    return [i for i in calls(noisy, patience) if min(noisy[i:]) < min(noisy[: i + 1])]


def early_against_this_place_only(noisy, steady, *, patience):
    return [i for i in calls(noisy, patience) if min(steady[i:]) < steady[i]]


def early_by_the_next_only(noisy, steady, *, patience):
    return [i for i in calls(noisy, patience) if steady[i + 1 : i + 2] < [min(steady[: i + 1])]]


def early_by_the_last_only(noisy, steady, *, patience):
    return [i for i in calls(noisy, patience) if steady[-1] < min(steady[: i + 1])]


def early_counts_them(noisy, steady, *, patience):
    return len(right_early_in_two_steps(noisy, steady, patience=patience))


def early_counts_as_keras(noisy, steady, *, patience):
    return right_early_in_two_steps(noisy, steady, patience=max(patience - 1, 0))


def early_with_a_threshold(noisy, steady, *, patience):
    places, best, bad = [], math.inf, 0
    for place, loss in enumerate(noisy):
        best, bad = (loss, 0) if loss < best - 1e-4 else (best, bad + 1)
        if bad > patience:
            bad = 0
            places += [place] * (min(steady[place:]) < min(steady[: place + 1]))
    return places


def early_counts_on(noisy, steady, *, patience):
    best, bad, places = math.inf, 0, []
    for place, loss in enumerate(noisy):
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > patience and min(steady[place:]) < min(steady[: place + 1]):
            places.append(place)
    return places


def early_until_the_last_low(noisy, steady, *, patience):
    low = max(place for place, loss in enumerate(steady) if loss == min(steady))
    return [place for place in calls(noisy, patience) if place < low]


def early_by(noisy, steady, patience, *, best=math.inf, heard=min, at_a_call=min, tie=False):
    """Too early by a rule whose best starts at `best`, and becomes `heard` or `at_a_call` of the
    best and the loss."""
    places, bad = [], 0
    for place, loss in enumerate(noisy):
        bad = 0 if loss < best or (tie and loss == best) else bad + 1
        best = heard(best, loss)
        if bad > patience:
            bad, best = 0, at_a_call(best, loss)
            if min(steady[place:]) < min(steady[: place + 1]):
                places.append(place)
    return places


def last_of(best, loss):
    return loss


def early_takes_the_loss_at_a_call_for_the_best(noisy, steady, *, patience):
    return early_by(noisy, steady, patience, at_a_call=last_of)


def early_starts_at_a_hundred(noisy, steady, *, patience):
    return early_by(noisy, steady, patience, best=100.0)


def early_takes_ties_for_better(noisy, steady, *, patience):
    return early_by(noisy, steady, patience, tie=True)


def early_forgets_a_best_of_zero(noisy, steady, *, patience):
    return early_by([loss or math.inf for loss in noisy], steady, patience, tie=False)


def early_forgets_a_low_of_zero(noisy, steady, *, patience):
    return right_early_in_two_steps(noisy, [loss or math.inf for loss in steady], patience=patience)


def early_by_a_low_of(gain, low=math.inf):
    """The rule whose new low of steady must be lower by `gain`, and which begins at `low`."""

    def early(noisy, steady, *, patience):
        lows = [min([low, *steady[: place + 1]]) for place in range(len(steady))]
        found = calls(noisy, patience)
        return [i for i in found if min([low, *steady[i:]]) < lows[i] - gain]

    return early


def early_zero_is_the_lowest_possible(noisy, steady, *, patience):
    return early_by(noisy, steady, patience, heard=lambda best, loss: max(min(best, loss), 0))


def right_early_in_two_steps(noisy, steady, *, patience):
    low = steady.index(min(steady))
    return [place for place in calls(noisy, patience) if place < low]


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
        *(rule_first_is_best_even_infinite, rule_nan_is_better, rule_starts_at_a_thousand),
        *(rule_forgets_a_best_of_zero, rule_cuts_four_times_at_most),
        *(rule_whose_cooldown_ends_at_a_better_loss, rule_never_forgives, rule_counts_as_keras),
        *(rule_takes_ties_for_better, rule_for_accuracies, rule_deaf_in_its_cooldown),
        *(rule_gives_the_last_rate_only, rule_starts_with_the_first_rate),
        *(rule_with_pytorchs_threshold, rule_with_pytorchs_smallest_change),
    ],
    "06-translate": [
        *(translate_nothing, translate_the_other_way, translate_also_no_cooldown),
        *(translate_without_cooldown, translate_relative_too, translate_to_epsilon),
        *(translate_a_threshold_of_zero_away, translate_to_two_places),
    ],
    "06-mended": [
        *(mended_count_goes_on_after_a_better_one, mended_never_below_a_millionth),
        *(mended_but_takes_the_value_at_a_cut_for_the_best, mended_not_at_all),
        *(mended_but_for_the_mode, mended_from(1e3, -1e3), mended_from(math.inf, 0.0)),
        *(mended_with_keras_s_threshold, mended_but_forgets_a_best_of_zero),
    ],
    "06-too-early": [
        *(early_zero_is_the_lowest_possible, early_takes_the_loss_at_a_call_for_the_best),
        *(early_starts_at_a_hundred, early_takes_ties_for_better, early_is_every_call),
        *(early_by_the_noisy_loss, early_against_this_place_only, early_by_the_next_only),
        *(early_by_the_last_only, early_counts_them, early_counts_as_keras, early_with_a_threshold),
        *(early_counts_on, early_until_the_last_low, early_forgets_a_best_of_zero),
        *(early_forgets_a_low_of_zero, early_by_a_low_of(0.01), early_by_a_low_of(0.0, low=10.0)),
    ],
}
RIGHT = {
    "06-rule": [right_rule_of_a_closure, right_rule_that_counts_cuts, right_rule_of_pytorch],
    "06-translate": [
        right_translate_relative_zero,
        right_translate_with_bool,
        right_translate_by_table,
        right_translate_with_match,
    ],
    "06-mended": [
        right_mended_with_signs,
        right_mended_with_what_was_heard,
        right_mended_recursively,
        right_mended_by_pytorch,
    ],
    "06-too-early": [right_early_in_two_steps, right_early_any, right_early_with_numpy],
}
