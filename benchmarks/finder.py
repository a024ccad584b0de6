"""The range test against torch-lr-finder and against a dense grid of fixed rates; and the memory of
a long Keras schedule. Writes benchmarks/finder.md.

    pip install torch-lr-finder==0.2.2        # the peer; the course itself does not need it
    LR_COURSE_DATA=data python benchmarks/finder.py
"""

import argparse
import datetime
import math
import platform
import statistics
import tracemalloc
from importlib.metadata import version
from pathlib import Path
from time import perf_counter as clock

import numpy as np
import torch
from run import RATIOS, Row, table

from course_lib.claims.records import commit, processor
from course_lib.data import load
from course_lib.lr_finder import find_lr
from course_lib.schedules import Schedule, constant, cosine
from course_lib.training import fit

MODEL, BATCH, STEPS, START, END = "mlp", 64, 100, 1e-5, 10.0
METHODS = ("steepest", "valley", "slide", "minimum")
BETAS = (0.9, 0.95, 0.98)
GRID = np.geomspace(1e-3, 3.0, 22)


def ours(data, seed, **arguments):
    started = clock()
    result = find_lr(
        model=MODEL,
        data=data,
        start_lr=START,
        end_lr=END,
        steps=STEPS,
        batch_size=BATCH,
        seed=seed,
        progress=False,
        **arguments,
    )
    return result, (clock() - started) / len(result.lrs)


def peer(data, seed):
    """torch-lr-finder on the same network, images and batch size, with its own defaults."""
    from torch_lr_finder import LRFinder

    torch.manual_seed(seed)
    x = torch.from_numpy(data.x_train).flatten(1).float() / 255
    y = torch.from_numpy(data.y_train.astype(np.int64))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), BATCH, shuffle=True)
    model = torch.nn.Sequential(
        torch.nn.Linear(784, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=START)
    started = clock()
    finder = LRFinder(model, optimizer, torch.nn.CrossEntropyLoss(), device="cpu")
    finder.range_test(loader, end_lr=END, num_iter=STEPS)
    finder.reset()
    seconds = (clock() - started) / len(finder.history["lr"])
    rates, losses = finder.history["lr"], finder.history["loss"]
    # What its plot() suggests with its defaults: the steepest point, the ends left out.
    kept = slice(10, -5)
    steepest = np.gradient(np.array(losses[kept])).argmin()
    return rates[kept][steepest], seconds


def best_fixed(data, seeds):
    """Mean validation loss after one epoch at each rate of the grid; the rate where it is least."""
    means = {}
    for rate in GRID:
        schedule = Schedule(constant, lr=float(rate))
        losses = [
            fit(
                schedule, data=data, model=MODEL, batch_size=BATCH, seed=seed, progress=False
            ).history.get("val_loss", [math.inf])[-1]
            for seed in range(seeds)
        ]
        means[float(rate)] = statistics.fmean(losses)
    return min(means, key=means.get), means


def memory(updates=1_000_000):
    """MiB that a KerasSchedule of a million updates keeps, as tracemalloc and its table say."""
    from course_lib.tensorflow import KerasSchedule

    KerasSchedule(Schedule(cosine, peak_lr=0.1, total_steps=10), 10)  # what the first one loads
    schedule = Schedule(cosine, peak_lr=0.1, total_steps=updates)
    started = clock()
    KerasSchedule(schedule, updates)
    seconds = clock() - started
    tracemalloc.start()
    kept = KerasSchedule(schedule, updates)
    python = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    table = kept._table.shape[0] * kept._table.dtype.size / 2**20
    return python, table, seconds


def decades(suggestion, best):
    return abs(math.log10(suggestion / best))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="of the range tests")
    parser.add_argument("--grid-seeds", type=int, default=3)
    options = parser.parse_args()
    data = load("mnist")
    torch.set_num_threads(1)
    best, means = best_fixed(data, options.grid_seeds)
    seconds, peer_found = [], []
    for seed in range(options.seeds):
        _, mine = ours(data, seed)
        found, theirs = peer(data, seed)
        peer_found.append(found)
        seconds.append((mine, theirs))
    contest = Row("range test, one iteration", "torch-lr-finder", seconds, 1, "ms")
    lines = [
        "# The range test, measured",
        "",
        f"- made on {datetime.date.today()} by `python benchmarks/finder.py`, commit {commit()}",
        f"- {processor()}, {platform.system()}, one thread; Python "
        f"{platform.python_version()}, torch {torch.__version__}, torch-lr-finder "
        f"{version('torch-lr-finder')}",
        f"- {data.title}, model {MODEL}, batch {BATCH}, SGD without momentum, sweep from {START:g} "
        f"to {END:g} in {STEPS} iterations, {options.seeds} seeds",
        "",
        "Wall time of one iteration, set-up and restoring included; the two take turns:",
        "",
        *table(RATIOS, [contest.cells()]),
        "",
        f"Best of {len(GRID)} fixed rates from {GRID[0]:g} to {GRID[-1]:g} (mean validation loss "
        f"after one epoch, {options.grid_seeds} seeds): **{best:.3g}**, with a validation "
        f"loss of {means[best]:.4f}. The error of a suggestion is its distance to that, in "
        "decades: 1 is a factor of ten.",
        "",
        "| Finder | Suggestion, median (range) | Error in decades, median |",
        "| --- | --- | --- |",
    ]

    def row(name, found):
        errors = statistics.median(decades(each, best) for each in found)
        lines.append(
            f"| {name} | {statistics.median(found):.3g} ({min(found):.2g} to {max(found):.2g}) "
            f"| {errors:.2f} |"
        )

    for beta in BETAS:
        results = [ours(data, seed, beta=beta)[0] for seed in range(options.seeds)]
        for method in METHODS:
            row(f"`{method}`, beta {beta}", [each.suggestion(method) for each in results])
    row("torch-lr-finder, its default", peer_found)
    python, tensor, build = memory()
    lines += [
        "",
        f"A `KerasSchedule` of 1,000,000 updates: {tensor:.1f} MiB for the table in TensorFlow, "
        f"{python:.1f} MiB in Python, made in {build:.1f} s.",
        "",
    ]
    text = "\n".join(lines)
    Path(__file__).with_name("finder.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
