"""Lesson 06: how often a plateau rule cuts while the loss is still falling."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training, real
from course_lib.claims.records import Line
from course_lib.plateau import Plateau
from course_lib.schedules import Schedule, constant
from course_lib.statistics import gain, mean_of
from course_lib.training import split

EVERY = 25  # updates between two measurements
SMALL = 500  # images of the noisy measurement


def watched(framework: str, seed: int) -> Line:
    """A small fixed rate, at which the loss falls all the way; every 25 updates it is measured on
    500 images of their own for every seed (`noisy`) and on 5,000 (`steady`)."""
    training = Training(
        "mnist",
        "mlp",
        lambda epoch, total: Schedule(constant, lr=0.05),
        batch_size=32,
        max_updates=2_000,
        validation=0.1,
    )
    data = real("mnist")
    _, held_out = split(data, training.validation)
    rows = np.random.default_rng([seed, 7]).permutation(held_out)
    images, labels = data.x_train[..., np.newaxis], data.y_train.astype(np.int64)
    noisy: list[float] = []
    steady: list[float] = []

    def watch(done, trainer):
        if done % EVERY == 0:
            for losses, part in ((noisy, rows[:SMALL]), (steady, rows[1_000:])):
                losses.append(float(f"{trainer.evaluate(images[part], labels[part])[0]:.4g}"))

    run = training.train(framework, seed, watch=watch)
    return {**training.line(run), "noisy": noisy, "steady": steady}


EXPERIMENTS = {
    "plateau_noise": Experiment(
        title="how often does a plateau rule cut while the loss is still falling?",
        variants={"watched": watched},
        seeds=10,
    ),
}


def alarms(metrics: Sequence[float], patience: int) -> list[int]:
    """The places at which a plateau rule would have cut the rate."""
    plateau, places = Plateau(1.0, factor=0.5, patience=patience), []
    for place, metric in enumerate(metrics):
        before = plateau.lr
        if plateau.update(metric) < before:
            places.append(place)
    return places


def is_early(place: int, steady: Sequence[float]) -> bool:
    """Whether the loss still reached a new low after this place, with no change of the rate."""
    return min(steady[place + 1 :], default=min(steady)) < min(steady[: place + 1])


def counted(runs: Runs, key: str, patience: int) -> dict[int, float]:
    """The number of alarms of each run, by seed."""
    metrics = runs.of("watched", key)
    return {seed: len(alarms(values, patience)) for seed, values in metrics.items()}


def early(runs: Runs) -> Mapping[str, Any]:
    """Alarms a run at patience 2, and the per cent of them after which the loss still fell; and of
    the evaluations from a run's first alarm on that are none, for comparison."""
    noisy, steady = (runs.of("watched", key) for key in ("noisy", "steady"))
    found: dict[bool, list[bool]] = {True: [], False: []}
    for seed, metrics in noisy.items():
        places = alarms(metrics, 2)
        for place in range(min(places, default=len(metrics)), len(metrics)):
            found[place in places].append(is_early(place, steady[seed]))
    early, other = (100 * fmean(found[is_alarm]) for is_alarm in (True, False))
    return {"alarms": mean_of(counted(runs, "noisy", 2)), "early": early, "other": other}


CLAIMS: dict[str, Claim] = {
    "plateau-alarms": Claim(
        experiment="plateau_noise",
        sentence="With patience 2, a rule that hears 500 images raises {n.alarms:.1f} alarms a "
        "run. After {n.early:.0f} % of them the run still reached a new lowest loss on 5,000 "
        "images, at the rate it had. It did so after {n.other:.0f} % of the evaluations without "
        "an alarm, from the first alarm on.",
        measure=early,
        holds=lambda n: n.alarms.above_zero and n.early > 90 and abs(n.early - n.other) < 2,
    ),
    "plateau-patience": Claim(
        experiment="plateau_noise",
        sentence="Patience 5 instead of 2 spares {n.spared:.1f} of these alarms in a run.",
        measure=lambda runs: {
            "spared": gain(counted(runs, "noisy", 2), counted(runs, "noisy", 5)),
        },
        holds=lambda n: n.spared.above_zero,
    ),
    "plateau-images": Claim(
        experiment="plateau_noise",
        sentence="Ten times as many images, with patience 2 as before, spare {n.spared:.1f}.",
        measure=lambda runs: {
            "spared": gain(counted(runs, "noisy", 2), counted(runs, "steady", 2)),
        },
        holds=lambda n: n.spared.above_zero,
    ),
}
