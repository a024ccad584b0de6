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


def right_rates_mended_in_place(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    rates, step = [], 0
    for epoch in range(epochs):
        for _ in range(batches):
            drops = sum(epoch >= m for m in milestones)
            rates.append(peak_lr * factor**drops * min(1, (step + 1) / (warmup_steps + 1)))
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
        lr *= factor ** milestones.count(epoch)
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


def right_board_statistics(entries, *, quantiles, guessing):
    pairs = []
    for name, runs in entries.items():
        values = [guessing if v is None else v for v in runs]
        n = len(values)
        if n >= 2:
            half = quantiles[n] * statistics.stdev(values) / math.sqrt(n)
            pairs.append([name, statistics.mean(values) - half])
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


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


WRONG = {
    "12-four-repositories": [
        rates_as_published,
        *changed(
            right_rates_mended_in_place,
            rates_one_update_late={"return rates": "return [peak_lr, *rates[:-1]]"},
            rates_compound={
                "            rates": "            peak_lr *= factor**drops\n            rates",
                "(peak_lr * factor**drops": "(peak_lr",
            },
            rates_milestones_in_batches={"epoch >= m": "step >= m"},
            rates_of_a_set_of_milestones={"in milestones": "in set(milestones)"},
            rates_staircase_after_the_warmup={"drops = ": "drops = step >= warmup_steps and "},
            rates_of_two_milestones={"in milestones": "in milestones[:2]"},
            rates_without_a_milestone_of_zero={"epoch >= m": "epoch >= m > 0"},
        ),
    ],
    "12-schedule-free": [
        free_solved_from_a_moved_z,
        *changed(right_free_keeps_all_z, free_mean_of_seven={"fmean(past)": "fmean(past[-7:])"}),
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
    "12-board": [
        *changed(
            right_board_statistics,
            board_by_the_mean={"(values) - half": "(values)"},
            board_by_the_best_run={"statistics.mean(values) - half": "max(values)"},
            board_drops_diverged={
                "[guessing if v is None else v for v in runs]": "[v for v in runs if v is not None]"
            },
            board_single_runs_too={
                "        n =": "        pairs += [[name, v] for v in runs if v and not runs[1:]]\n"
                "        n ="
            },
            board_of_whole_scores={"-pair[1]": "-round(pair[1])"},
            board_zero_is_diverged={"guessing if v is None else v": "v or guessing"},
            board_without_those_that_never_ran={
                "n >= 2": "n >= 2 and any(v is not None for v in runs)"
            },
            board_leaves_out_one_run_only={"n >= 2": "n != 1"},
            board_fills_the_entries={"values = [": "values = runs[:] = ["},
            board_sorts_the_entries={
                "        values = [": "        runs.sort(key=lambda each: each or 0)\n"
                "        values = ["
            },
            board_ties_by_the_first_letter={"pair[0])": "pair[0][0])"},
        )
    ],
}

RIGHT = {
    "12-four-repositories": [
        right_rates_mended_in_place,
        right_rates_numpy,
        right_rates_current_rate,
    ],
    "12-schedule-free": [right_free_loop, right_free_keeps_all_z, right_free_numpy],
    "12-board": [right_board_statistics, right_board_numpy, right_board_selection],
}
