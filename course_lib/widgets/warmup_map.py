"""Recorded runs at several peaks and warmups: which of them learned?"""

import math
from typing import Any

from course_lib.formulas.decays import linear
from course_lib.formulas.parameters import Choice
from course_lib.formulas.warmups import warmup
from course_lib.looks import PALETTE
from course_lib.widgets.chart import chart, line, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.recorded import load
from course_lib.widgets.series import picked

MOMENTUM = 0.9


def recorded() -> dict[str, Any]:
    """The test accuracies of every peak and warmup, from the records of lesson 05, in PyTorch."""
    from course_lib.claims.claim import Runs
    from course_lib.claims.lesson_05 import LEARNED, STEPS

    cells: dict[tuple[float, int], list[float]] = {}
    for runs in (Runs("warmup_map", "torch"), Runs("warmup_rescue", "torch")):
        for variant in runs.variants():
            peak, length = variant.split(" after ")
            accuracies = [line["test_accuracy"] or 0.0 for line in runs.lines(variant)]
            cells[float(peak), int(length)] = accuracies
    return {
        "steps": STEPS,
        "learned": LEARNED,
        "cells": [
            {"peak": peak, "length": length, "accuracies": cells[peak, length]}
            for peak, length in sorted(cells)
        ],
    }


def warmed_linear(step, peak, length, steps):
    """The rate of a recorded run: a climb of `length` updates, then a straight line to 0.

    >>> [warmed_linear(t, 1.0, 1, 5) for t in range(6)]
    [0.5, 1.0, 0.75, 0.5, 0.25, 0.0]
    """
    down = lambda t: linear(t, peak_lr=peak, total_steps=steps - length)  # noqa: E731
    return warmup(step, then=down, warmup_steps=length)


def count_learned(cell, learned):
    """How many runs of a cell reached that accuracy.

    >>> count_learned({"accuracies": [0.1, 0.9, 0.95]}, 0.5)
    2
    """
    count = 0
    for accuracy in cell["accuracies"]:
        if accuracy > learned:
            count += 1
    return count


def best_cell(cells, learned):
    """The largest peak at which all runs of some cell learned, with its shortest such warmup."""
    best = None
    for cell in cells:
        if count_learned(cell, learned) == len(cell["accuracies"]):
            better = best is None or cell["peak"] > best["peak"]
            if better or (cell["peak"] == best["peak"] and cell["length"] < best["length"]):
                best = cell
    return best


def view_warmup_map(values, data):
    """The map with the chosen cell in a ring, and that cell's schedule."""
    cells, learned, steps = data["cells"], data["learned"], data["steps"]
    chosen = picked(cells, "name", f"{values['peak']} after {values['length']}")
    peak, length = chosen["peak"], chosen["length"]
    column = [each for each in cells if each["peak"] == peak]
    alive, count = count_learned(chosen, learned), len(chosen["accuracies"])
    rates = [warmed_linear(t, peak, length, steps) for t in range(steps)]
    plan = line("rate of the chosen runs", list(range(steps)), rates, data["ink"], steps=True)
    best = best_cell(cells, learned)
    label = "Map of the recorded runs: the peak rate across, the updates of warmup upwards, a "
    label += f"larger dot where more runs learned. Chosen: {short(peak)} after {length}, {alive} "
    label += f"of {count}."
    others = ", ".join([f"{share_of(each, learned)} after {each['length']}" for each in column])
    return {
        "chart": chart(
            label,
            "update",
            0,
            steps,
            [map_row(chosen, data), row("rate", [plan], 0, 0.9, height=110)],
        ),
        "report": f"Peak {short(peak)} after {length} updates of warmup: "
        f"{share_of(chosen, learned)} runs learned{ending(chosen, learned)}\n"
        f"At this peak learned {others} updates of warmup.\n{chance_left(alive, count)}",
        "code": warmup_code(peak, length, steps, data["momentum"]),
        "reached": peak == best["peak"] and length == best["length"],
    }


def share_of(cell, learned):
    """How many of a cell's runs learned, in words."""
    return f"{count_learned(cell, learned)} of {len(cell['accuracies'])}"


def map_row(chosen, data):
    """A dot for each cell, and a ring around the chosen one."""
    angles, learned = [math.pi * i / 20 for i in range(41)], data["learned"]
    across = [chosen["peak"] * math.exp(0.07 * math.cos(angle)) for angle in angles]
    upwards = [chosen["length"] + 14.5 * math.sin(angle) for angle in angles]
    dots = []
    for kind in data["kinds"]:
        dots.append(line(kind["label"], [], [], kind["color"], dots=True, width=kind["width"]))
        for cell in data["cells"]:
            share = count_learned(cell, learned) / len(cell["accuracies"])
            if kind["low"] <= share and share <= kind["high"]:
                xs, ys, width = [cell["peak"]], [cell["length"]], 2 + 7 * share
                dots.append(line("", xs, ys, kind["color"], dots=True, width=width))
    dots.append(line("chosen", across, upwards, "currentColor", width=1.5))
    plane = {"label": "peak rate", "low": 0.12, "high": 1.4, "log": True}
    return row("updates of warmup", dots, -28, 188, height=230, x=plane)


def chance_left(alive, count):
    """What so many runs that learned leave open."""
    if alive not in [0, count]:
        return "Where some seeds live and others die, one run alone says little."
    all_or_none, did = ["none of", "failed"] if alive == 0 else ["all", "did"]
    # Of n runs that all end alike, the rarer end may have a chance p with (1 - p)^n = 0.05.
    sure = short(100 * 0.05 ** (1 / count), 2)
    return (
        f"That {all_or_none} {count} learned leaves room for chance: if only {sure} % of all runs "
        f"{did}, it would still be seen once in twenty times."
    )


def ending(cell, learned):
    """Where the runs of a cell ended, in words.

    >>> ending({"accuracies": [0.1, 0.9, 0.95]}, 0.5)
    ' (test accuracy 0.9 to 0.95), the others end at 0.1.'
    """
    groups = [[], []]
    for accuracy in cell["accuracies"]:
        groups[0 if accuracy > learned else 1].append(accuracy)
    words = []
    for group in groups:
        if len(group) > 0:
            low, high = group[0], group[0]
            for accuracy in group:
                low, high = min(low, accuracy), max(high, accuracy)
            words.append(short(low) + (f" to {short(high)}" if high > low else ""))
    others = f", the others end at {words[1]}" if len(words) == 2 else ""
    return f" (test accuracy {words[0]}){others}."


def warmup_code(peak, length, steps, momentum):
    """The chosen runs' schedule and optimizer."""
    top, rest = literal(peak, "float"), steps - length
    plan = f"Schedule(linear, peak_lr={top}, total_steps={rest})"
    if length > 0:
        plan = f"Schedule(\n    warmup, warmup_steps={length},\n    then={plan})"
    push = f"momentum={literal(momentum, 'float')}"
    names = "Schedule, linear, warmup" if length > 0 else "Schedule, linear"
    own = f"from course_lib.schedules import {names}\n"
    torch = f"""import torch
model = torch.nn.Linear(1, 1)  # or your own
optimizer = torch.optim.SGD(model.parameters(), lr={top}, {push})
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda t: min((t + 1) / {length + 1}, ({steps} - t) / {rest}))"""
    keras = f"""import keras
from course_lib.tensorflow import KerasSchedule
{own}schedule = {plan}
optimizer = keras.optimizers.SGD(
    KerasSchedule(schedule, total_steps={steps}), {push})"""
    return [["course_lib", f"{own}schedule = {plan}"], ["PyTorch", torch], ["Keras", keras]]


def warmup_map(peak: str | float = "0.2", length: str | int = "20") -> Panel:
    """Recorded runs at three peaks, each after warmups of four lengths: 5 seeds per dot, 10 at the
    peak 0.4. Choose a peak and a warmup to see how many of its runs learned, and its schedule. Find
    the largest peak at which every run learned, and the shortest warmup that does it there.

    The runs are those of lesson 05: a small convolutional network on MNIST, 400 updates, in
    PyTorch. A run has learned if its test accuracy is above 0.5; none is anywhere near it.

    >>> warmup_map().reached, warmup_map(peak=0.8, length=160).reached
    (False, False)
    >>> warmup_map().at(peak="0.4", length="160").reached
    True
    """
    kept = load("warmup_map")
    cells = [{**cell, "name": f"{cell['peak']:g} after {cell['length']}"} for cell in kept["cells"]]
    peaks = tuple(dict.fromkeys(f"{cell['peak']:g}" for cell in cells))
    lengths = tuple(dict.fromkeys(str(cell["length"]) for cell in cells))
    peak = Choice(peaks).check("peak", str(peak))
    length = Choice(lengths).check("length", str(length))
    controls = (
        Control("peak", "choice", "peak rate", peak, options=peaks),
        Control("length", "choice", "updates of warmup", length, options=lengths),
    )
    data = {
        "cells": cells,
        "learned": kept["learned"],
        "steps": kept["steps"],
        "momentum": MOMENTUM,
        "ink": PALETTE[0],
        "kinds": [
            {"label": "all learned", "low": 1, "high": 1, "color": PALETTE[2], "width": 4},
            {"label": "some did", "low": 1e-9, "high": 1 - 1e-9, "color": PALETTE[4], "width": 3},
            {"label": "none did", "low": 0, "high": 0, "color": PALETTE[1], "width": 2},
        ],
    }
    return Panel(
        "Peak rate and warmup: which runs learn?",
        controls,
        view_warmup_map,
        data,
        goal="the largest recorded peak at which every run learned, with the shortest warmup that "
        "did it",
    )
