"""Measure the course against the frameworks' own, side by side; writes benchmarks/results.md.

    python benchmarks/run.py               about 5 minutes
    python benchmarks/run.py --lessons     and the wall time of every lesson in both frameworks
    python benchmarks/run.py --cpu-time    count processor time, for a machine with other jobs
    python benchmarks/run.py --quick       fewer repeats, to see that it runs; replaces no record

What counts are the ratios. Ours and the peer take turns (A B, B A, A B, ...), a ratio is made in
each turn, and its median and range over the turns are shown: so a machine that is busy for a while
slows down both. Nothing here fails because something is slow.
"""

import argparse
import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from unittest import mock

# One thread each, before any framework reads this: on a shared machine, threads that wait for each
# other measure the other jobs.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np

from course_lib import training
from course_lib.claims import records
from course_lib.data import Dataset, load
from course_lib.schedules import Schedule, cosine

ROOT = Path(__file__).resolve().parents[1]
PEAK_LR = 0.1
LESSON_GOAL = 90  # seconds
clock = time.perf_counter  # --cpu-time: time.process_time
FRAMEWORKS = ("torch", "tensorflow", "keras")


@dataclass
class Row:
    """Seconds of ours and of the peer, turn by turn, for `count` operations each."""

    what: str
    peer: str
    seconds: list[tuple[float, float]]
    count: int
    unit: str
    goal: float | None = None
    n: str = ""  # default: the number of turns

    def cells(self) -> list[str]:
        ratios = [peer / ours for ours, peer in self.seconds]
        median = statistics.median(ratios)
        goal = self.goal and f"{self.goal:g}: {'met' if median >= self.goal else 'MISSED'}"
        return [
            self.what,
            *(self._amount(statistics.median(side)) for side in zip(*self.seconds)),
            self.peer,
            f"**{median:.2f}** ({min(ratios):.2f} to {max(ratios):.2f})",
            self.n or str(len(ratios)),
            goal or "",
        ]

    def _amount(self, seconds: float) -> str:
        each = seconds / self.count
        values = {"updates/s": 1 / each, "µs": each * 1e6, "ms": each * 1e3, "s": each}
        return f"{float(f'{values[self.unit]:.3g}'):,g} {self.unit}"


Contest = dict[str, Callable[[], float]]  # who, and a function that says how many seconds it took


def take_turns(contest: Contest, turns: int) -> dict[str, list[float]]:
    """Seconds of everyone in every turn, after a first one that does not count."""
    seconds = {name: [] for name in contest}
    for turn in range(-1, turns):
        for name in list(contest)[:: 1 if turn % 2 else -1]:
            took = contest[name]()
            if turn >= 0:
                seconds[name].append(took)
    return seconds


def repeated(action: Callable[[], object], count: int) -> float:
    started = clock()
    for _ in range(count):
        action()
    return clock() - started


# --- import ---------------------------------------------------------------------------------------


def imports(turns: int) -> Iterator[Row]:
    packages = ("course_lib", "torch", "tensorflow")
    contest = {package: partial(_import_seconds, package) for package in packages}
    seconds = take_turns(contest, turns)
    for peer in packages[1:]:
        pairs = list(zip(seconds["course_lib"], seconds[peer]))
        yield Row("`import course_lib`, fresh process", f"`import {peer}`", pairs, 1, "ms")


def _import_seconds(package: str) -> float:
    """In a process of its own, which keeps the time itself: starting Python is not in it."""
    code = (
        "import sys, time; t = time.perf_counter()\n"
        f"import {package}\n"
        f"print(time.perf_counter() - t, *(sys.modules.keys() & {set(FRAMEWORKS)!r}))"
    )
    # Compiled files are kept, as on a learner's machine: a first import is not the usual one.
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, *loaded = done.stdout.split()
    assert package != "course_lib" or not loaded, f"import course_lib loads {loaded}"
    return float(seconds)


# --- one step of a schedule -----------------------------------------------------------------------


def torch_steps(turns: int, count: int = 10_000) -> Iterator[Row]:
    import torch

    from course_lib.pytorch import TorchSchedule

    total = (turns + 1) * count
    schedule = Schedule(cosine, peak_lr=PEAK_LR, total_steps=total)

    def stepper(wrap):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=PEAK_LR)
        scheduler = wrap(optimizer)
        optimizer.step()  # or the first scheduler.step() warns
        return partial(repeated, scheduler.step, count)

    contest = {
        "ours": stepper(lambda optimizer: TorchSchedule(optimizer, schedule)),
        "peer": stepper(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=total)),
    }
    pairs = _pairs(take_turns(contest, turns), "peer")
    yield Row("`TorchSchedule.step()`, cosine", "`CosineAnnealingLR.step()`", pairs, count, "µs", 1)


def keras_steps(turns: int, eager: int = 500, graph: int = 2_000) -> Iterator[Row]:
    from course_lib.tensorflow import KerasSchedule, keras, tf

    for mode, count in (("eager", eager), ("tf.function", graph)):
        total = (turns + 1) * count

        def stepper(rates, mode=mode, count=count):
            weight, gradient = tf.Variable([1.0]), tf.constant([0.0])
            optimizer = keras.optimizers.SGD(rates)
            optimizer.build([weight])

            def update():
                optimizer.apply([gradient], [weight])

            if mode == "tf.function":
                update = tf.function(update)
                update()  # traces
            return partial(repeated, update, count)

        schedule = Schedule(cosine, peak_lr=PEAK_LR, total_steps=total)
        contest = {
            "ours": stepper(KerasSchedule(schedule, total)),
            "peer": stepper(keras.optimizers.schedules.CosineDecay(PEAK_LR, total)),
        }
        pairs = _pairs(take_turns(contest, turns), "peer")
        what = f"SGD update under `KerasSchedule`, cosine, {mode}"
        yield Row(what, "same SGD under `CosineDecay`", pairs, count, "µs", 1)


def _pairs(seconds: dict[str, list[float]], peer: str) -> list[tuple[float, float]]:
    return list(zip(seconds["ours"], seconds[peer]))


# --- training -------------------------------------------------------------------------------------


class Watch:
    """Times a loop over batches, drawing them included, less the first update: TensorFlow traces
    there, and a loop is as fast as it is once it runs. Everyone's batches go through `over`."""

    def over(self, batches: Iterable) -> Iterator:
        self.started = clock()
        self.first = []
        for number, batch in enumerate(batches):
            if number < 2:
                self.first.append(clock())
            yield batch

    def seconds(self, loss: float) -> float:
        """To be asked when the loop is done, with its mean loss, which says that it trained."""
        total = clock() - self.started
        assert loss < 2.3, f"a mean loss of {loss:.3f}: that loop did not learn"
        return total - (self.first[1] - self.first[0])


@dataclass(frozen=True)
class Task:
    """What everyone trains, for one epoch."""

    data: Dataset
    model: str
    batch_size: int

    @property
    def updates(self) -> int:
        return training.updates(self.data, epochs=1, batch_size=self.batch_size, validation=0)


def first(images: int, data: Dataset) -> Dataset:
    return replace(data, x_train=data.x_train[:images], y_train=data.y_train[:images])


def loops(framework: str, tasks: list[Task], turns: int) -> Iterator[Row]:
    peers = {"torch": torch_peers, "tensorflow": keras_peers}[framework]
    for task in tasks:
        contest = {"ours": partial(_fit, task, framework), **peers(task)}
        seconds = take_turns(contest, turns)
        what = f"`fit`, {framework}, {task.model}, batch {task.batch_size}"
        for name in list(contest)[1:]:
            goal = 0.95 if name.startswith("plain") else None
            yield Row(what, name, _pairs(seconds, name), task.updates - 1, "updates/s", goal)


def _fit(task: Task, framework: str) -> float:
    watch, batches = Watch(), training._batches
    with mock.patch.object(training, "_batches", lambda *a: watch.over(batches(*a))):
        run = training.fit(
            Schedule(cosine, peak_lr=PEAK_LR, total_steps=task.updates),
            data=task.data,
            model=task.model,
            framework=framework,
            batch_size=task.batch_size,
            validation=0,
            progress=False,
        )
    return watch.seconds(run.history["loss"][-1])


def torch_peers(task: Task) -> Contest:
    """The loop that an expert writes by hand, recording nothing; and the one with DataLoader."""
    import torch
    from torch import nn

    x = torch.from_numpy(task.data.x_train).flatten(1).float() / 255  # once, not in the loop
    y = torch.from_numpy(task.data.y_train.astype(np.int64))
    dropout = [nn.Dropout(0.2)] if task.model == "mlp_dropout" else []

    def permuted():
        for rows in torch.randperm(len(x)).split(task.batch_size):
            yield x[rows], y[rows]

    def loaded():
        pairs = torch.utils.data.TensorDataset(x, y)
        return torch.utils.data.DataLoader(pairs, task.batch_size, shuffle=True)

    def train(batches):
        model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), *dropout, nn.Linear(128, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=PEAK_LR)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=task.updates)
        cross_entropy, running, watch = nn.CrossEntropyLoss(), 0.0, Watch()
        for images, labels in watch.over(batches()):
            optimizer.zero_grad()
            loss = cross_entropy(model(images), labels)
            loss.backward()
            optimizer.step()
            scheduler.step()
            running += loss.item()
        return watch.seconds(running / task.updates)

    return {"plain loop": partial(train, permuted), "`DataLoader` loop": partial(train, loaded)}


def keras_peers(task: Task) -> Contest:
    """A hand-written compiled step on gathered rows, with nothing recorded; and `model.fit`."""
    from course_lib.tensorflow import keras, tf

    pixels = task.data.x_train.reshape(len(task.data.x_train), -1).astype(np.float32) / 255
    x, y = tf.constant(pixels), tf.constant(task.data.y_train.astype(np.int64))

    def new_model():
        layers = [keras.Input((784,)), keras.layers.Dense(128, "relu")]
        layers += [keras.layers.Dropout(0.2)] if task.model == "mlp_dropout" else []
        model = keras.Sequential([*layers, keras.layers.Dense(10)])
        rates = keras.optimizers.schedules.CosineDecay(PEAK_LR, task.updates)
        return model, keras.optimizers.SGD(rates)

    def permuted():
        order = np.random.permutation(len(pixels))
        for start in range(0, len(order), task.batch_size):
            yield order[start : start + task.batch_size]

    def plain():
        model, optimizer = new_model()
        optimizer.build(model.trainable_variables)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)])
        def update(rows):
            with tf.GradientTape() as tape:
                logits = model(tf.gather(x, rows), training=True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(y, rows), logits)
                loss = tf.reduce_mean(losses)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            return loss

        running, watch = 0.0, Watch()
        for rows in watch.over(permuted()):
            running += float(update(rows))
        return watch.seconds(running / task.updates)

    fitted, optimizer = new_model()
    fitted.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def fit():  # compiled in the turn that does not count, so nothing is taken off
        started = clock()
        fitted.fit(pixels, y, batch_size=task.batch_size, verbose=0)
        return (clock() - started) * (1 - 1 / task.updates)

    return {"plain loop": plain, "`model.fit`": fit}


# --- lessons --------------------------------------------------------------------------------------


def lesson_seconds() -> Iterator[list[str]]:
    """Each committed notebook, executed once in each framework."""
    sys.path.insert(0, str(ROOT / "tools"))
    import build_notebooks as builder
    import lesson_notebooks
    import nbformat

    for source in builder.lessons(ROOT):
        seconds = []
        for framework in training.FRAMEWORKS:
            notebook = nbformat.read(ROOT / "notebooks" / f"{source.stem}.ipynb", as_version=4)
            started = time.perf_counter()
            builder.execute(source, lesson_notebooks.flavoured(notebook, framework), "notebooks")
            seconds.append(time.perf_counter() - started)
        verdict = "met" if max(seconds) < LESSON_GOAL else "MISSED"
        yield [source.stem, *(f"{each:.0f} s" for each in seconds), f"{LESSON_GOAL} s: {verdict}"]


# --- the report -----------------------------------------------------------------------------------


def header(data: Dataset, load_at_start: float, options: argparse.Namespace) -> str:
    cores = os.cpu_count()
    given = [flag for flag in ("quick", "lessons", "cpu_time") if getattr(options, flag)]
    flags = "".join(f" --{flag.replace('_', '-')}" for flag in given)
    quiet = "quiet" if load_at_start < 0.3 else "NOT quiet, other jobs were running"
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "tensorflow", "keras"))
    lines = [
        f"made on {datetime.date.today()} by `python benchmarks/run.py{flags}`, "
        f"commit {records.commit()}",
        f"{records.processor()}, {cores} cores, {platform.system()}; one thread per framework "
        "(OMP_NUM_THREADS=1, TF_NUM_INTRAOP_THREADS=1, TF_NUM_INTEROP_THREADS=1)",
        f"load at the start {load_at_start:.1f} on {cores} cores: {quiet}; "
        + ("processor time" if options.cpu_time else "wall time")
        + ", imports and lessons wall time" * options.cpu_time,
        f"Python {platform.python_version()}, numpy {version('numpy')}, {versions}",
        f"data: {data.title} ({data.source})",
    ]
    return "\n".join(["# Measured against the frameworks' own", "", *(f"- {x}" for x in lines)])


# The columns of every table of ratios in benchmarks/; tools/measured.py finds it by them.
RATIOS = ["What", "Ours", "Peer's", "Peer", "Ratio (spread)", "n", "Goal"]

EXPLAINED = """\
`fit` records every update's rate and loss, the plain loops record nothing. Set-up and the first
update, where TensorFlow traces, are left out."""


def table(titles: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """A Markdown table, line by line as the rows are measured."""
    yield "| " + " | ".join(titles) + " |"
    yield "|" + " --- |" * len(titles)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def measured(turns: int, loop_turns: int, tasks: list[Task]) -> Iterator[Row]:
    yield from imports(loop_turns)
    yield from torch_steps(turns)
    yield from loops("torch", tasks, loop_turns)  # before TensorFlow is in this process
    yield from keras_steps(turns)
    yield from loops("tensorflow", tasks, loop_turns)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure against the frameworks' own.")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, to see that it runs")
    parser.add_argument("--lessons", action="store_true", help="run the lessons too (minutes)")
    parser.add_argument("--cpu-time", action="store_true", help="not wall time; for a busy machine")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results.md")
    options = parser.parse_args(arguments)
    if options.cpu_time:
        global clock
        clock = time.process_time
    load_at_start, data = os.getloadavg()[0], load("mnist")
    turns, loop_turns, updates = (3, 2, 100) if options.quick else (15, 5, 800)
    tasks = [
        Task(first(updates * batch_size, data), model, batch_size)
        for model, batch_size in (("mlp", 64), ("mlp_dropout", 32))
    ]

    lines = []

    def say(*texts: str) -> None:
        for text in texts:
            print(text, flush=True)
            lines.append(text)

    say(header(data, load_at_start, options), "", EXPLAINED, "")
    for line in table(RATIOS, (row.cells() for row in measured(turns, loop_turns, tasks))):
        say(line)
    if options.lessons:
        say("", "## A lesson from start to end, once", "")
        for line in table(["Lesson", *training.FRAMEWORKS, "Goal"], lesson_seconds()):
            say(line)
    # A trial replaces no record, but goes where it is told to.
    if not options.quick or options.output != parser.get_default("output"):
        options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
