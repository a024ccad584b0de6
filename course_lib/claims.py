"""Experiments that take longer than a lesson may, and the records of their runs.

Each experiment is run once by `lr-course reproduce NAME`, one run per framework and seed, and every
finished run is one line of JSON in `records/NAME.jsonl`: what was trained and measured, and on what
(versions, processor, commit). Lessons draw their figures from there.
"""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from course_lib.data import load
from course_lib.parameters import Choice
from course_lib.schedules import Schedule, exponential, linear, per_epoch, step_decay
from course_lib.training import FRAMEWORKS, Run, fit, updates

RECORDS = Path(__file__).parent.parent / "records"


@dataclass(frozen=True)
class Experiment:
    """One training run, but for framework and seed. `schedule` is made from (updates per epoch,
    updates of the whole run)."""

    title: str
    data: str
    model: str
    epochs: int
    batch_size: int
    schedule: Callable[[int, int], Schedule]


# The two classic examples train on all training images (nothing is held out), as they were printed.
EXPERIMENTS: dict[str, Experiment] = {
    "mnist_printed": Experiment(
        title="exponential, 5 epochs",
        data="mnist",
        model="mlp_dropout",
        epochs=5,
        batch_size=32,
        schedule=lambda epoch, total: Schedule(
            per_epoch, then=Schedule(exponential, lr=0.1, factor=0.95), steps_per_epoch=epoch
        ),
    ),
    # Peak and length were chosen on held-out training images, with seeds 0 to 2.
    "mnist_better": Experiment(
        title="linear to zero, 3 epochs",
        data="mnist",
        model="mlp_dropout",
        epochs=3,
        batch_size=32,
        schedule=lambda epoch, total: Schedule(linear, peak_lr=0.4, total_steps=total),
    ),
    "cifar10_printed": Experiment(
        title="step at epoch 30, 50 epochs",
        data="cifar10",
        model="cnn",
        epochs=50,
        batch_size=64,
        schedule=lambda epoch, total: Schedule(
            per_epoch, then=Schedule(step_decay, lr=0.1, every=30), steps_per_epoch=epoch
        ),
    ),
    "cifar10_better": Experiment(
        title="linear to zero, 15 epochs",
        data="cifar10",
        model="cnn",
        epochs=15,
        batch_size=64,
        schedule=lambda epoch, total: Schedule(linear, peak_lr=0.1, total_steps=total),
    ),
}


def reproduce(
    name: str,
    *,
    frameworks: Sequence[str] = FRAMEWORKS,
    seeds: Sequence[int] = range(5),
    folder: Path = RECORDS,
) -> list[dict[str, Any]]:
    """Make the runs of an experiment that its record does not hold yet, and return the record.

    A run is written when it is finished, so that an interrupted command goes on where it stopped.
    """
    Choice(tuple(EXPERIMENTS)).check("name", name)
    for framework in frameworks:
        Choice(FRAMEWORKS).check("framework", framework)
    experiment = EXPERIMENTS[name]
    data = load(experiment.data)
    if data.is_stand_in:
        raise ValueError(
            f"{name} is a record of real data, and there is only a stand-in for {experiment.data}; "
            "name a folder that has it: LR_COURSE_DATA=folder lr-course reproduce ..."
        )
    commit = _commit()  # now: what runs is the code that is loaded, whatever is committed meanwhile
    path = folder / f"{name}.jsonl"
    done = {(line["framework"], line["seed"]) for line in _lines(path)}
    sizes = dict(batch_size=experiment.batch_size, validation=0)
    epoch, total = (updates(data, epochs=epochs, **sizes) for epochs in (1, experiment.epochs))
    schedule = experiment.schedule(epoch, total)
    for framework in frameworks:
        for seed in seeds:
            if (framework, seed) in done:
                continue
            run = fit(
                schedule,
                data=data,
                model=experiment.model,
                framework=framework,
                epochs=experiment.epochs,
                seed=seed,
                test=True,
                **sizes,
            )
            run.assert_lr_matches(schedule)
            _append(path, _line(name, run, commit))
    return record(name, folder=folder)


def record(name: str, *, folder: Path = RECORDS) -> list[dict[str, Any]]:
    """The recorded runs of an experiment, one dict each, by framework and seed."""
    Choice(tuple(EXPERIMENTS)).check("name", name)
    lines = _lines(folder / f"{name}.jsonl")
    if not lines:
        raise FileNotFoundError(f"there is no record of {name}; run: lr-course reproduce {name}")
    return sorted(lines, key=lambda line: (line["framework"], line["seed"]))


def _line(name: str, run: Run, commit: str) -> dict[str, Any]:
    return {
        "experiment": name,
        "framework": run.framework,
        "seed": run.seed,
        "data": run.data,
        "schedule": run.schedule,
        "model": run.model,
        "batch_size": run.batch_size,
        "momentum": run.momentum,
        "updates": len(run.lr),
        "diverged": run.diverged,
        "train_loss": [float(f"{loss:.5g}") for loss in run.history.get("loss", [])],
        "test_loss": run.test_loss,
        "test_accuracy": run.test_accuracy,
        "seconds": round(run.seconds, 1),
        "versions": {
            package: version(package)
            for package in ("numpy", *(("torch",) if run.framework == "torch" else _KERAS))
        },
        "python": platform.python_version(),
        "hardware": f"{_processor()}, {os.cpu_count()} cores",
        "commit": commit,
    }


_KERAS = ("keras", "tensorflow")


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _append(path: Path, line: dict[str, Any]) -> None:
    """Add one line, whole or not at all: a killed command leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_text() if path.exists() else ""
    part = path.with_suffix(".part")
    part.write_text(old + json.dumps(line) + "\n")
    os.replace(part, path)


def _processor() -> str:
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit the run was made with; "+" when files were changed since."""
    try:
        git = ["git", "-C", str(RECORDS.parent)]
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
        )
        changed = subprocess.run([*git, "status", "--porcelain", "course_lib"], capture_output=True)
    except OSError:  # no git on this machine
        return "unknown"
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout else "")
