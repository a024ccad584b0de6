"""`fit`: the same experiment in either framework, the applied rate of every update on record."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, SupportsIndex

import numpy as np
from tqdm.auto import tqdm

from course_lib import needs
from course_lib.data import Dataset, load
from course_lib.formulas.parameters import (
    MOMENTUM,
    Choice,
    Flag,
    Maybe,
    Number,
    Whole,
    describe,
    function_of_step,
    rate_at,
)
from course_lib.plateau import Plateau, plateaus_in
from course_lib.trainers import models

FRAMEWORKS = ("torch", "tensorflow")
MEASURED = ("val_loss", "val_accuracy")  # after every epoch, where images are held out
OPTIMIZERS = ("sgd", "keras_sgd", "adam", "adamw", "adagrad", "rmsprop", "schedule_free", "prodigy")
ONE_HAS_IT = {"prodigy": "torch", "keras_sgd": "tensorflow"}

# A loss this many times the first one, or one that is no number, ends a run. In float32 a network
# whose units have all died can go on for ever with a huge but finite loss: that is no training.
DIVERGED = 1000.0


@dataclass
class Run:
    """What happened in one training run.

    - `lr`, `loss`: one entry per update: the rate that the optimizer applied, and the loss of the
      batch before that update.
    - `history`: one entry per epoch under "loss" (mean over the epoch's updates), "val_loss" and
      "val_accuracy" (a fraction; both only where images were held out).
    - `diverged`: None, or the number of the update whose loss was no finite number or above 1000
      times the first loss; there the run stopped, and its record ends before it.
    - `test_loss`, `test_accuracy`: measured once, at the end, when asked for.

    >>> run = Run("mine", "torch", "mlp", "MNIST", 64, seed=0, momentum=0.0, lr=[0.5, 0.25])
    >>> run.assert_lr_matches(lambda step: 0.5 / 2**step)
    """

    schedule: str
    framework: str
    model: str
    data: str
    batch_size: int
    seed: int
    momentum: float | str  # of one that moves, its description
    optimizer: str = "sgd"
    lr: list[float] = field(default_factory=list, repr=False)
    loss: list[float] = field(default_factory=list, repr=False)
    history: dict[str, list[float]] = field(default_factory=dict, repr=False)
    seconds: float = field(default=0.0, repr=False)
    diverged: int | None = None
    test_loss: float | None = None
    test_accuracy: float | None = None

    def assert_lr_matches(self, schedule: Callable[[int], float]) -> None:
        """Raise AssertionError unless every update was made with the rate of `schedule`.

        Exact: PyTorch applies float64, TensorFlow the same number rounded to float32.
        """
        planned = [float(schedule(step)) for step in range(len(self.lr))]
        if self.framework == "tensorflow":
            planned = [float(np.float32(rate)) for rate in planned]
        if not self.lr:
            raise AssertionError("no update was made, so no learning rate was applied")
        wrong = [t for t, (got, plan) in enumerate(zip(self.lr, planned)) if got != plan]
        if wrong:
            t = wrong[0]
            late = len(self.lr) > 1 and self.lr[1:] == planned[:-1]
            hint = "; every rate comes one update late" if late else ""
            raise AssertionError(
                f"update {t} was made with a learning rate of {self.lr[t]:.6g}, "
                f"{describe(schedule)} says {planned[t]:.6g} "
                f"(first of {len(wrong)} wrong updates out of {len(self.lr)}{hint})"
            )


def updates(
    data: Dataset | str | int,
    *,
    epochs: int | None = None,
    batch_size: int = 64,
    validation: float = 0.1,
    max_updates: int | None = None,
) -> int:
    """How many updates `fit` makes with these arguments: what a schedule calls `total_steps`.

    `data` may also be the number of its training images. Raises ValueError, as `fit` does, for an
    argument that is not allowed.

    >>> x, y = np.zeros((100, 28, 28), np.uint8), np.zeros(100, np.int64)
    >>> data = Dataset(x, y, x[:0], y[:0], name="mnist", source="a doctest")
    >>> updates(data, epochs=2, batch_size=32)  # 90 images to train on: 3 batches, the last of 26
    6
    >>> updates(100, batch_size=32, max_updates=5), updates(100, epochs=1, max_updates=5)
    (5, 2)
    """
    given = {"epochs": epochs, "batch_size": batch_size, "max_updates": max_updates}
    epochs, batch_size, most = (SETTINGS[name].check(name, given[name]) for name in given)
    count = data if isinstance(data, SupportsIndex) else len(dataset_of(data).x_train)
    images = Whole(low=1).check("data", count)
    all_epochs = (epochs or 1) * math.ceil((images - _held_out(images, validation)) / batch_size)
    if most is None:
        return all_epochs
    return most if epochs is None else min(all_epochs, most)


# What each setting of `fit` may be, also where a recipe names it: in the order in which one does.
SETTINGS: dict[str, Any] = {
    "model": Choice(tuple(models.MODELS)),
    "seed": Whole(low=0),
    "framework": Choice(FRAMEWORKS),
    "optimizer": Choice(OPTIMIZERS),
    "momentum": MOMENTUM,
    "batch_size": Whole(low=1),
    "epochs": Maybe(Whole(low=1)),
    "max_updates": Maybe(Whole(low=1)),
    "validation": Number(below=1),
    "test": Flag(),
}


def checked(**settings: Any) -> dict[str, Any]:
    """Settings of `fit` in their plain form; ValueError for one that is not allowed, or not with
    another."""
    settings = {name: SETTINGS[name].check(name, value) for name, value in settings.items()}
    optimizer, framework, momentum = (settings[n] for n in ("optimizer", "framework", "momentum"))
    if momentum and optimizer not in ("sgd", "keras_sgd"):
        raise ValueError(
            f'momentum must be 0 with optimizer="{optimizer}", got {momentum!r}; '
            'leave it out, or take optimizer="sgd"'
        )
    if framework != ONE_HAS_IT.get(optimizer, framework):
        raise ValueError(
            f'optimizer must be one that {framework} has, got "{optimizer}"; '
            f'take framework="{ONE_HAS_IT[optimizer]}", or another optimizer'
        )
    return settings


def fit(
    schedule: Callable[[int], float],
    *,
    data: Dataset | str,
    model: str = "mlp",
    framework: str = "torch",
    epochs: int | None = None,
    batch_size: int = 64,
    seed: int = 0,
    momentum: float | Callable[[int], float] = 0.0,
    optimizer: str = "sgd",
    validation: float = 0.1,
    test: bool = False,
    max_updates: int | None = None,
    monitor: str = "val_loss",
    progress: bool = True,
    watch: Callable[[int, Any], None] | None = None,
) -> Run:
    """Train a classifier under `schedule`, and record the applied rate of every update.

    The same seed gives the same experiment in both frameworks: initial weights, order of the
    images, dropout and the form of momentum (PyTorch's) are equal. So the losses agree until
    rounding errors have grown, for some hundred updates. With "adam", "adamw", "adagrad" and
    "rmsprop", which divide a gradient by its own size and so enlarge rounding errors, they differ
    within fifty updates in the fourth decimal, or in an earlier one. Pixels are divided by 255.

    Arguments
    - schedule: a function `step -> rate`, asked for one rate per update; `updates(...)` says how
      many there will be.
    - data: a Dataset, or the name of one ("mnist", "cifar10").
    - model: one of models.MODELS ("softmax", "mlp", "mlp_dropout", "cnn").
    - framework: "torch" or "tensorflow".
    - epochs: how often every training image is seen; left out, once, or as often as `max_updates`
      takes.
    - seed: of initial weights, order and dropout.
    - momentum: a number, or a second function of the step, such as `Schedule(one_cycle_momentum,
      total_steps=...)`, above 0 and below 1 at every update; the latter for "sgd" alone.
    - optimizer: one of training.OPTIMIZERS. "adam", "adamw", "adagrad" and "rmsprop" run under the
      schedule as "sgd" does, with PyTorch's default settings in both frameworks. "schedule_free"
      (AdamW; give it a constant schedule) is measured with the weights that it averages. "prodigy"
      finds its own rate, which the schedule multiplies: let it start at 1; PyTorch only.
      "keras_sgd" is Keras's own SGD, which differs from "sgd" where momentum meets a changing rate.
    - validation: the fraction of the training images held out, the same images for every seed. The
      test images are left alone unless `test` asks for them, once, at the end.
    - max_updates: stop after this many, in the middle of an epoch if need be, or at the end of
      `epochs`, if that is earlier.
    - watch: called as `watch(done, trainer)` after every update, with the number of updates made;
      `trainer.run` is the Run so far; `trainer.evaluate(images, labels)` gives loss and accuracy
      then, `trainer.logits(images)` the scores, for images with a channel axis.
    - monitor: what a Plateau that `schedule` is, or has in it, gets after every epoch: "loss",
      "val_loss" or "val_accuracy". A Plateau remembers, so every run needs a new one.

    A run that diverges is a result, not an error: see `Run.diverged`. Before anything is trained,
    raises TypeError or ValueError for an argument that is not allowed, or for a rate that is not a
    finite number of at least 0.

    >>> from course_lib.schedules import Schedule, linear
    >>> x, y = np.zeros((100, 28, 28), np.uint8), np.zeros(100, np.int64)
    >>> data = Dataset(x, y, x[:0], y[:0], name="mnist", source="a doctest")
    >>> run = fit(Schedule(linear, peak_lr=0.3, total_steps=3), data=data, batch_size=32)
    >>> [round(lr, 3) for lr in run.lr], len(run.loss), len(run.history["val_loss"])
    ([0.3, 0.2, 0.1], 3, 1)
    """
    function_of_step("schedule", schedule)
    given = checked(
        model=model,
        framework=framework,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        momentum=0.0 if callable(momentum) else momentum,
        optimizer=optimizer,
        validation=validation,
        max_updates=max_updates,
        test=test,
    )
    epochs, batch_size, seed = given["epochs"], given["batch_size"], given["seed"]
    data = dataset_of(data)
    if test and not len(data.x_test):
        raise ValueError(f"test must be False with data that have no test images, got {data!r}")
    train, held_out = split(data, validation)
    plateaus = _plateaus(schedule, monitor, ("loss", *(MEASURED if len(held_out) else ())))
    x, y = _with_channels(data.x_train[held_out]), data.y_train[held_out]
    steps_per_epoch = math.ceil(len(train) / batch_size)
    total = updates(
        len(data.x_train),
        epochs=epochs,
        batch_size=batch_size,
        validation=validation,
        max_updates=max_updates,
    )
    for step in range(total):
        rate_at(schedule, step)  # an error before anything is trained
    friction = _friction(momentum, optimizer, total) if callable(momentum) else given["momentum"]
    trainer, batches = prepared(schedule, data, train, total, **{**given, "momentum": friction})
    said = describe(momentum) if callable(momentum) else given["momentum"]
    run = Run(describe(schedule), framework, model, data.title, batch_size, seed, said, optimizer)
    trainer.run = run  # so that who watches sees what is on record so far
    label = f"{data.title} | {model} | {framework} | seed {seed}"
    started = time.perf_counter()
    hidden = {} if progress else {"disable": True}  # else it is TQDM_DISABLE's to say
    with tqdm(total=total, desc=label, unit="update", **hidden) as bar:
        for done, (rows, uniform) in enumerate(batches, start=1):
            rate, loss = trainer.update(rows, uniform)
            if not math.isfinite(loss) or loss > DIVERGED * (run.loss or [loss])[0]:
                run.diverged = done - 1
                break
            run.lr.append(rate)
            run.loss.append(loss)
            bar.update()
            if watch is not None:
                watch(done, trainer)
            if done % steps_per_epoch == 0 or done == total:
                _end_epoch(run, trainer, x, y, steps_per_epoch)
                if run.diverged is not None:
                    break
                for plateau in plateaus:
                    plateau.update(run.history[monitor][-1])
                    trainer.refresh()
    if test and run.diverged is None:
        run.test_loss, run.test_accuracy = trainer.evaluate(
            _with_channels(data.x_test), data.y_test
        )
        if not math.isfinite(run.test_loss):  # as in _end_epoch, where no image was held out
            run.diverged, run.test_loss, run.test_accuracy = len(run.lr), None, None
    run.seconds = time.perf_counter() - started
    return run


def prepared(
    schedule, data, rows, total, *, model, framework, batch_size, seed, momentum, optimizer, **_
):
    """A trainer before its first update, and the batches of a run of `total` updates on these rows
    of the training images: each is made with `trainer.update(*next(batches))`."""
    x, layers = _with_channels(data.x_train[rows]), models.MODELS[model]
    trainer = _trainer(framework)(
        layers,
        models.initial_weights(layers, x.shape[1:], seed),
        lambda step: rate_at(schedule, min(step, total - 1)),  # a run of N updates has N rates
        momentum=momentum,
        optimizer=optimizer,
        total_steps=total,
        x_train=x,
        y_train=data.y_train[rows],
    )
    every = _batches(len(rows), batch_size, models.dropout_width(layers), seed)
    return trainer, islice(every, total)


def _friction(momentum: Callable[[int], float], optimizer: str, total: int):
    """A momentum that moves, as the trainers take it; or an error before anything is trained."""
    if optimizer != "sgd":
        raise ValueError(
            f'momentum must be a number with optimizer="{optimizer}", got {describe(momentum)}; '
            'one that moves needs optimizer="sgd"'
        )
    function_of_step("momentum", momentum)
    kind = Number(above=True, below=1)  # at 0 PyTorch's SGD would leave the velocity as it is
    values = [kind.check(f"momentum at step {t}", momentum(t)) for t in range(total)]
    return lambda step: values[min(step, total - 1)]


def _batches(count: int, batch_size: int, dropout_width: int | None, seed: int):
    """Rows of the batches, epoch after epoch without end, with dropout's uniform numbers."""
    order_rng, dropout_rng = (np.random.default_rng([seed, stream]) for stream in (1, 2))
    while True:
        order, uniform = order_rng.permutation(count), None
        if dropout_width is not None:
            uniform = dropout_rng.random((count, dropout_width), dtype=np.float32)
        for start in range(0, count, batch_size):
            batch = slice(start, start + batch_size)
            yield order[batch], None if uniform is None else uniform[batch]


def _end_epoch(run: Run, trainer, x: np.ndarray, y: np.ndarray, steps_per_epoch: int) -> None:
    first = (len(run.loss) - 1) // steps_per_epoch * steps_per_epoch
    epoch = {"loss": float(np.mean(run.loss[first:]))}
    if len(x):
        epoch.update(zip(MEASURED, trainer.evaluate(x, y)))
        if not math.isfinite(epoch["val_loss"]):  # the epoch's very last update was one too many
            run.diverged = len(run.lr)
            return
    for name, value in epoch.items():
        run.history.setdefault(name, []).append(value)


def _plateaus(schedule: Callable[[int], float], monitor: str, reported: tuple[str, ...]):
    """The plateaus in a schedule, each of them new, where they have something to hear."""
    plateaus = plateaus_in(schedule)
    for plateau in plateaus:
        Choice(reported).check("monitor", monitor)
        if plateau.state_dict() != Plateau(**plateau.arguments).state_dict():
            raise ValueError(
                "schedule must have a new Plateau for every run, got one that has already heard "
                f"metrics (its rate is {plateau.lr:g}): {plateau!r}"
            )
    return plateaus


def _trainer(framework: str):
    with needs(framework):
        if framework == "torch":
            from course_lib.trainers.in_torch import TorchTrainer

            return TorchTrainer
        from course_lib.trainers.in_keras import KerasTrainer

        return KerasTrainer


def dataset_of(data: Dataset | str) -> Dataset:
    """Data as `fit` takes them: a Dataset, or the name of one."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, str):
        return load(data)
    raise TypeError(f'data must be a Dataset or a name such as "mnist", got {type(data).__name__}')


def split(data: Dataset, validation: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows to train on and rows held out; the same split for every seed, so that runs compare.

    `validation` is the fraction to hold out, from 0 to below 1; one row at least is trained on.

    >>> x, y = np.zeros((100, 28, 28), np.uint8), np.zeros(100, np.int64)
    >>> data = Dataset(x, y, x[:0], y[:0], name="mnist", source="a doctest")
    >>> [len(rows) for rows in split(data, validation=0.1)]
    [90, 10]
    """
    held_out = _held_out(len(data.x_train), validation)
    rows = np.random.default_rng(0).permutation(len(data.x_train))
    return np.sort(rows[held_out:]), np.sort(rows[:held_out])


def _held_out(images: int, validation: float) -> int:
    validation = SETTINGS["validation"].check("validation", validation)
    return min(round(validation * images), images - 1)  # one image is left to train on


def _with_channels(x: np.ndarray) -> np.ndarray:
    return x if x.ndim == 4 else x[..., np.newaxis]
