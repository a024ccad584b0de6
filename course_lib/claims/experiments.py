"""Experiments: what was tried, in which variants, with which seeds and in which frameworks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from course_lib.claims.records import Line
from course_lib.data import Dataset, load
from course_lib.schedules import Schedule
from course_lib.training import FRAMEWORKS, Run, fit, updates

REAL_DATA = (
    "a record is of real data, and there is only a stand-in for {name}; name a folder that has it: "
    "LR_COURSE_DATA=folder lr-course reproduce ..."
)


@dataclass(frozen=True)
class Training:
    """One variant: a training run, but for framework and seed.

    - schedule: made from (updates per epoch, updates of the whole run).
    - epochs, or max_updates: how long; an update may be the last in the middle of an epoch.
    - validation: the fraction of the training images held out, and measured after every epoch.
    - losses: whether the mean training loss of every epoch is kept.
    - wrong: whether the places of the test images that it gets wrong are kept, so that two runs can
      be compared image by image.
    """

    data: str
    model: str
    schedule: Callable[[int, int], Schedule]
    batch_size: int
    epochs: int = 1
    max_updates: int | None = None
    momentum: float | Callable[[int], float] = 0.0
    optimizer: str = "sgd"
    validation: float = 0.0
    losses: bool = False
    wrong: bool = False

    def sizes(self) -> tuple[int, int]:
        """Updates per epoch, and of the whole run."""
        data = real(self.data)
        epoch, total = (
            updates(data, epochs=n, batch_size=self.batch_size, validation=self.validation)
            for n in (1, self.epochs)
        )
        return epoch, total if self.max_updates is None else self.max_updates

    def train(self, framework: str, seed: int, **more: Any) -> Run:
        """Make the run, and insist that its rates are the planned ones."""
        epoch, total = self.sizes()
        schedule = self.schedule(epoch, total)
        run = fit(
            schedule,
            data=real(self.data),
            model=self.model,
            framework=framework,
            max_updates=total,
            batch_size=self.batch_size,
            seed=seed,
            momentum=self.momentum,
            optimizer=self.optimizer,
            validation=self.validation,
            test=True,
            progress=False,
            **more,
        )
        if run.lr:  # a run may diverge at its first update
            run.assert_lr_matches(schedule)
        return run

    def __call__(self, framework: str, seed: int) -> Line:
        if not self.wrong:
            return self.line(self.train(framework, seed))
        data, (_, total) = real(self.data), self.sizes()
        images = data.x_test if data.x_test.ndim == 4 else data.x_test[..., np.newaxis]
        missed: list[int] = []

        def watch(done: int, trainer: Any) -> None:
            if done == total:
                guesses = trainer.logits(images).argmax(1)
                missed.extend(np.flatnonzero(guesses != data.y_test).tolist())

        run = self.train(framework, seed, watch=watch)
        return {**self.line(run), "wrong": missed if run.diverged is None else None}

    def line(self, run: Run) -> Line:
        """What of a run is kept."""
        kept = {
            "data": run.data,
            "schedule": run.schedule,
            "model": run.model,
            "batch_size": run.batch_size,
            "momentum": run.momentum,
            "optimizer": run.optimizer,
            "updates": len(run.lr),
            "diverged": run.diverged,
            "test_loss": _short(run.test_loss),
            "test_accuracy": run.test_accuracy,
            "seconds": round(run.seconds, 1),
        }
        for measured in ("val_loss", "val_accuracy"):
            if measured in run.history and run.diverged is None:
                kept[measured] = _short(run.history[measured][-1])
        if self.losses:
            kept["train_loss"] = [_short(loss) for loss in run.history.get("loss", [])]
        return kept


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


Variant = Callable[[str, int], Line]  # (framework, seed) -> what is kept of the run


@dataclass(frozen=True)
class Experiment:
    """What is compared with what.

    - title: the question, in a line.
    - variants: the runs of one seed, by name.
    - seeds: how many, from 0 on.
    """

    title: str
    variants: Mapping[str, Variant]
    seeds: int = 5
    frameworks: Sequence[str] = field(default=FRAMEWORKS)


def real(name: str) -> Dataset:
    """The data set, which must be the real one."""
    data = _loaded(name)
    if data.is_stand_in:
        raise ValueError(REAL_DATA.format(name=name))
    return data


_loaded = cache(load)
