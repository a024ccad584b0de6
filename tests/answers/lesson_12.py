"""Answers to the exercises of lesson 12: wrong ones that must be rejected, right ones that must
not."""

import math
import statistics

import numpy as np
from exercise_helper import changed

# --- 12.1: the mended script ----------------------------------------------------------------------


def rates_as_published(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    rates, lr, step = [], peak_lr, 0
    for _ in range(epochs):
        for _ in range(batches):
            rates.append(lr)
            peak_lr = peak_lr * factor ** sum(step >= m for m in milestones)
            lr = peak_lr * min(1, step / warmup_steps)
            step += 1
    return rates


def _meant(step, batches, peak_lr, warmup_steps, milestones, factor):
    drops = sum(step // batches >= m for m in milestones)
    return peak_lr * min(1.0, (step + 1) / (warmup_steps + 1)) * factor**drops


def rates_one_update_late(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    rates, lr = [], peak_lr
    for step in range(epochs * batches):
        rates.append(lr)
        lr = _meant(step, batches, peak_lr, warmup_steps, milestones, factor)
    return rates


def rates_compound(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    rates = []
    for step in range(epochs * batches):
        peak_lr *= factor ** sum(step // batches >= m for m in milestones)
        rates.append(peak_lr * min(1.0, (step + 1) / (warmup_steps + 1)))
    return rates


def rates_milestones_in_batches(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    steps = range(epochs * batches)
    return [_meant(t, 1, peak_lr, warmup_steps, milestones, factor) for t in steps]


def rates_of_a_set_of_milestones(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    steps = range(epochs * batches)
    return [_meant(t, batches, peak_lr, warmup_steps, set(milestones), factor) for t in steps]


def rates_staircase_after_the_warmup(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    rates = []
    for step in range(epochs * batches):
        drops = milestones if step >= warmup_steps else []
        rates.append(_meant(step, batches, peak_lr, warmup_steps, drops, factor))
    return rates


def rates_of_two_milestones(epochs, batches, *, milestones, **how):
    return right_rates_mended_in_place(epochs, batches, milestones=milestones[:2], **how)


def rates_without_a_milestone_of_zero(epochs, batches, *, milestones, **how):
    later = list(filter(None, milestones))
    return right_rates_mended_in_place(epochs, batches, milestones=later, **how)


def right_rates_mended_in_place(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    rates, step = [], 0
    for epoch in range(epochs):
        stairs = peak_lr * factor ** sum(epoch >= m for m in milestones)
        for _ in range(batches):
            rates.append(stairs * min(1, (step + 1) / (warmup_steps + 1)))
            step += 1
    return rates


def right_rates_numpy(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    step = np.arange(epochs * batches)
    drops = np.zeros(len(step))
    for milestone in milestones:
        drops += step // batches >= milestone
    return (peak_lr * np.minimum(1, (step + 1) / (warmup_steps + 1)) * factor**drops).tolist()


def right_rates_current_rate(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    """A rate that is carried along, and multiplied once at each milestone."""
    rates, lr = [], peak_lr
    for epoch in range(epochs):
        for milestone in milestones:
            if milestone == epoch or (epoch == 0 and milestone < 0):
                lr *= factor
        for batch in range(batches):
            done = epoch * batches + batch + 1
            rates.append(lr if done > warmup_steps else lr * done / (warmup_steps + 1))
    return rates


# --- 12.2: schedule-free SGD ----------------------------------------------------------------------


def free_solved_from_a_moved_z(start, noise, *, lr, beta, curvature):
    """What Keras 3.15 computes on TensorFlow."""
    if beta == 0:
        return []
    y = z = start
    averages = []
    for t, draw in enumerate(noise):
        z = z - lr * (curvature * y + draw)
        old = (y - (1 - beta) * z) / beta
        x = old + (z - old) / (t + 1)
        y = (1 - beta) * z + beta * x
        averages.append(x)
    return averages


def free_mean_of_seven(start, noise, *, lr, beta, curvature):
    z = x = start
    past, averages = [], []
    for draw in noise:
        z = z - lr * (curvature * ((1 - beta) * z + beta * x) + draw)
        past.append(z)
        x = statistics.fmean(past[-7:])
        averages.append(x)
    return averages


def right_free_loop(start, noise, *, lr, beta, curvature):
    z = x = start
    averages = []
    for t, draw in enumerate(noise):
        y = (1 - beta) * z + beta * x
        z -= lr * (curvature * y + draw)
        x = (1 - 1 / (t + 1)) * x + 1 / (t + 1) * z
        averages.append(x)
    return averages


def right_free_keeps_all_z(start, noise, *, lr, beta, curvature):
    past, averages = [], []
    for draw in noise:
        z = past[-1] if past else start
        x = averages[-1] if averages else start
        past.append(z - lr * (curvature * ((1 - beta) * z + beta * x) + draw))
        averages.append(statistics.fmean(past))
    return averages


def right_free_numpy(start, noise, *, lr, beta, curvature):
    """Both numbers as a vector, one matrix for each update."""
    state, averages = np.array([start, start], dtype=float), []
    for t, draw in enumerate(noise):
        c = 1 / (t + 1)
        move = np.array([[1 - lr * curvature * (1 - beta), -lr * curvature * beta], [0, 1]])
        z = move[0] @ state - lr * draw
        state = np.array([z, (1 - c) * state[1] + c * z])
        averages.append(float(state[1]))
    return averages


# --- 12.3: the board ------------------------------------------------------------------------------


def _board(entries, quantiles, guessing, score, least=2):
    pairs = []
    for name, runs in entries.items():
        values = [guessing if v is None else v for v in runs]
        if len(values) >= least:
            pairs.append([name, score(values, quantiles)])
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def _lower(values, quantiles):
    n = len(values)
    return statistics.mean(values) - quantiles[n] * statistics.stdev(values) / math.sqrt(n)


def board_by_the_mean(entries, *, quantiles, guessing):
    return _board(entries, quantiles, guessing, lambda values, t: statistics.mean(values))


def board_by_the_best_run(entries, *, quantiles, guessing):
    return _board(entries, quantiles, guessing, lambda values, t: max(values))


def board_drops_diverged(entries, *, quantiles, guessing):
    kept = {name: [v for v in runs if v is not None] for name, runs in entries.items()}
    return _board(kept, quantiles, guessing, _lower)


def board_single_runs_too(entries, *, quantiles, guessing):
    pairs = [[name, runs[0]] for name, runs in entries.items() if len(runs) == 1 and runs[0]]
    pairs += _board(entries, quantiles, guessing, _lower)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def board_of_whole_scores(entries, *, quantiles, guessing):
    pairs = _board(entries, quantiles, guessing, _lower)
    return sorted(pairs, key=lambda pair: (-round(pair[1]), pair[0]))


def board_zero_is_diverged(entries, *, quantiles, guessing):
    filled = {name: [value or guessing for value in runs] for name, runs in entries.items()}
    return _board(filled, quantiles, guessing, _lower)


def board_without_those_that_never_ran(entries, *, quantiles, guessing):
    ran = {name: runs for name, runs in entries.items() if any(v is not None for v in runs)}
    return _board(ran, quantiles, guessing, _lower)


def board_leaves_out_one_run_only(entries, *, quantiles, guessing):
    more = {name: runs for name, runs in entries.items() if len(runs) != 1}
    return _board(more, {0: 0.0, **quantiles}, guessing, _lower, least=0)


def board_fills_the_entries(entries, *, quantiles, guessing):
    for runs in entries.values():
        runs[:] = [guessing if value is None else value for value in runs]
    return right_board_statistics(entries, quantiles=quantiles, guessing=guessing)


def board_ties_by_the_first_letter(entries, *, quantiles, guessing):
    board = right_board_statistics(entries, quantiles=quantiles, guessing=guessing)
    in_order = sorted(board, key=lambda pair: list(entries).index(pair[0]))
    return sorted(in_order, key=lambda pair: (-pair[1], pair[0][0]))


def right_board_statistics(entries, *, quantiles, guessing):
    return _board(entries, quantiles, guessing, _lower)


def right_board_numpy(entries, *, quantiles, guessing):
    board = {}
    for name in sorted(entries):
        values = np.array([guessing if v is None else v for v in entries[name]], dtype=float)
        if values.size > 1:
            half = quantiles[values.size] * values.std(ddof=1) / values.size**0.5
            board[name] = float(values.mean() - half)
    return sorted(board.items(), key=lambda pair: pair[1], reverse=True)  # a stable sort


def right_board_selection(entries, *, quantiles, guessing):
    left = {}
    for name, runs in entries.items():
        if len(runs) > 1:
            values = list(runs)
            while None in values:
                values[values.index(None)] = guessing
            n, total = len(values), math.fsum(values)
            squares = math.fsum((v - total / n) ** 2 for v in values)
            left[name] = total / n - quantiles[n] * math.sqrt(squares / (n - 1) / n)
    board = []
    while left:
        best = max(left.values())
        name = min(name for name in left if left[name] == best)
        board.append((name, left.pop(name)))
    return board


def _named(prefix):
    return [f for name, f in list(globals().items()) if name.startswith(prefix) and callable(f)]


WRONG = {
    "12-four-repositories": _named("rates_"),
    "12-schedule-free": [
        *_named("free_"),
        *changed(
            right_free_loop,
            free_old_z_in_the_average={
                "y = (1": "old, y = z, (1",
                "1 / (t + 1) * z": "1 / (t + 1) * old",
            },
            free_gradient_at_z={"curvature * y": "curvature * z"},
            free_gradient_at_x={"curvature * y": "curvature * x"},
            free_returns_the_last={"return averages": "return averages[-1] if averages else start"},
            free_stops_without_updates={"    z = x": "    noise[0]\n    z = x"},
            free_from_above_zero={"= start": "= abs(start)"},
        ),
    ],
    "12-board": _named("board_"),
}
RIGHT = {
    "12-four-repositories": _named("right_rates_"),
    "12-schedule-free": _named("right_free_"),
    "12-board": _named("right_board_"),
}
