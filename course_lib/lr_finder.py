"""The learning-rate range test: one short run from a tiny rate to a large one, the loss of every
update on record, and everything put back as it was.

The sweep shows a range to look at, not one right number: the four common ways to read a rate off
the same curve (finder/suggestions.py) disagree.
"""

import math
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm.auto import tqdm

from course_lib import needs
from course_lib.finder.suggestions import METHODS, suggested
from course_lib.formulas.parameters import Choice, Number, Whole, as_number
from course_lib.formulas.smoothing import averaged
from course_lib.training import FRAMEWORKS, checked, dataset_of, prepared, split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SWEEPS = ("exponential", "linear")


@dataclass
class LRFinderResult:
    """What a sweep measured.

    - `lrs`: the rates that were tried, without unit.
    - `losses`: losses[i] is the loss of the batch just before the update with lrs[i], as in `Run`.
      What that update did to the loss shows one place later.
    - `smoothed`: their exponential mean, corrected for its start at zero.
    - `stopped`: why the sweep ended: "end" (of the rates), "diverged", or "not finite" (the loss
      was infinite or no number; the record ends before it).

    >>> result = LRFinderResult([0.1, 0.2, 0.4], [2, 1, 3], [2, 1, 3], "end")
    >>> result.suggestion("minimum")
    0.02
    """

    lrs: list[float]
    losses: list[float]
    smoothed: list[float]
    stopped: str

    def suggestion(self, method: str = "steepest") -> float:
        """A rate read off the smoothed curve by one of METHODS. The first tenth of the points is
        left out, as in fastai: there the mean is one of a few noisy batches only. ValueError for
        another method, and for a curve that it cannot read."""
        Choice(tuple(METHODS)).check("method", method)
        return suggested(method, self.lrs, self.smoothed)

    def plot(self) -> "Figure":
        """The figure to read: loss over rate, and every suggestion that the curve allows."""
        from course_lib.plots import plot_finder

        suggestions = {}
        for method in METHODS:
            try:
                suggestions[method] = self.suggestion(method)
            except ValueError:  # nothing to read by this method: the others may have something
                continue
        return plot_finder(self.lrs, self.losses, self.smoothed, suggestions)


@dataclass(frozen=True)
class Spread:
    """The suggestions of several sweeps: the lowest, the median, the highest rate, and how many."""

    lowest: float
    median: float
    highest: float
    n: int


def spread(results: Sequence[LRFinderResult], method: str = "steepest") -> Spread:
    """How far the suggestion depends on the seed.

    >>> falling = [LRFinderResult([0.1 * k, 0.2 * k, 0.4 * k], [2, 1, 3], [2, 1, 3], "end")
    ...            for k in (1, 2, 4)]
    >>> spread(falling, "minimum")
    Spread(lowest=0.02, median=0.04, highest=0.08, n=3)
    """
    if not results:
        raise ValueError("results must hold at least one LRFinderResult, got none")
    rates = [result.suggestion(method) for result in results]
    return Spread(min(rates), median(rates), max(rates), len(rates))


# --- the sweep ------------------------------------------------------------------------------------


def find_lr(
    train_step: Callable[[float], Any] | None = None,
    *,
    model: Any = "mlp",
    optimizer: Any = None,
    loss: Callable | None = None,
    data: Any = None,
    framework: str = "torch",
    start_lr: float = 1e-7,
    end_lr: float = 10.0,
    steps: int = 100,
    sweep: str = "exponential",
    beta: float = 0.9,
    stop_factor: float = 4.0,
    batch_size: int = 64,
    seed: int = 0,
    momentum: float = 0.0,
    progress: bool = True,
) -> LRFinderResult:
    """Raise the rate with every update and record the loss; then put everything back.

        exponential: lr(i) = start_lr * (end_lr / start_lr) ** (i / (steps - 1))
        linear:      lr(i) = start_lr + (end_lr - start_lr) * i / (steps - 1)

    Call it in one of three forms
    - `find_lr(model="mlp", data="mnist", framework="torch")`: the experiment that `fit` makes with
      the same model, data, optimizer (a name; default "sgd"), batch_size, seed and momentum.
    - `find_lr(model=..., optimizer=..., loss=..., data=...)`: your own objects. PyTorch: `data` is
      a DataLoader or a list of (x, y) batches, read again when it ends; `loss(prediction, y)`; the
      rate is set in every parameter group. Keras: `data` is arrays (x, y), taken `batch_size` at a
      time in an order drawn from `seed`; `loss(y, prediction)`.
    - `find_lr(train_step)`: a function `lr -> loss` that makes one update, called once per rate.
      What it changes is put back if `model`, `optimizer` and `data` (a DataLoader) are given too;
      without them, only the random states are.

    A model in eval mode is swept in train mode; of one in train mode, layers that were frozen with
    `.eval()` stay so (PyTorch). Settings that no form above names are for the first one alone.

    Put back, also after an error or Ctrl-C in the middle: weights, buffers, gradients, train/eval
    flags, the optimizer's state and rates, the random states of Python, NumPy and the frameworks,
    and the generators that a DataLoader, its samplers and its dataset have as attributes (not what
    else a dataset counts for itself, nor a generator inside of its transform). So training after a
    sweep is, bit for bit, training without one.

    It stops early where the loss is not finite, or where the smoothed loss has diverged:

        smoothed - best > (stop_factor - 1) * max(|best|, first - best)

    For a positive loss that fell by less than half, this is `smoothed > stop_factor * best`;
    a ratio alone would stop a negative loss at once. `beta` is the weight of the past in the mean
    (0: none). Source: Smith (2017), "Cyclical Learning Rates for Training Neural Networks", 3.3;
    smoothing and stop after Gugger (2018), "How Do You Find A Good Learning Rate".

    >>> loss_of = lambda lr: (lr - 1) ** 2  # lowest at 1
    >>> result = find_lr(loss_of, start_lr=0.01, end_lr=100, steps=41, beta=0, progress=False)
    >>> result.stopped, result.lrs[0], round(result.suggestion("minimum"), 3)
    ('diverged', 0.01, 0.1)
    """
    start_lr = Number(low=0, above=True).check("start_lr", start_lr)
    end_lr = Number(low=start_lr, above=True).check("end_lr", end_lr)
    steps = Whole(low=10).check("steps", steps)
    Choice(SWEEPS).check("sweep", sweep)
    beta = Number(below=1).check("beta", beta)  # at 1 the mean would never move
    stop_factor = Number(low=1, above=True).check("stop_factor", stop_factor)
    Choice(FRAMEWORKS).check("framework", framework)
    batch_size = Whole(low=1).check("batch_size", batch_size)
    seed = Whole(low=0).check("seed", seed)
    if train_step is not None and (not callable(train_step) or _framework(train_step)):
        raise TypeError(
            f"train_step must be a function lr -> loss, got a {type(train_step).__name__}; for a "
            "model of your own write find_lr(model=..., optimizer=..., loss=..., data=...)"
        )
    named = isinstance(model, str)
    spaced = np.geomspace if sweep == "exponential" else np.linspace
    lrs = [float(lr) for lr in spaced(start_lr, end_lr, steps)]  # both ends exactly as given
    kind = framework if named and train_step is None else _framework(optimizer if named else model)
    if not kind and not named:
        raise TypeError(
            "model must be a name, a torch.nn.Module or a keras.Model, "
            f"got {type(model).__module__}.{type(model).__name__}"
        )
    if momentum and not (named and train_step is None):
        raise TypeError(
            f"momentum is for a model by its name, got {momentum!r}; give it to your optimizer"
        )
    own = None if named and train_step is None else optimizer  # else it is the name of one
    with _untouched(kind, None if named else model, own, data):
        if train_step is None and named:
            train_step = _course_step(
                lrs,
                data,
                model=model,
                framework=framework,
                batch_size=batch_size,
                seed=seed,
                momentum=momentum,
                optimizer=optimizer or "sgd",
            )
        elif train_step is None:
            train_step = _own_step(kind, model, optimizer, loss, data, batch_size, seed)
        return _sweep(train_step, lrs, beta, stop_factor, progress)


def _course_step(lrs: list[float], data: Any, **settings: Any) -> Callable[[float], float]:
    """One update after the other of the experiment that `fit` makes, under these rates."""
    settings, data = checked(**settings), dataset_of(data)
    rows, _ = split(data, validation=0.1)  # as `fit` does
    trainer, batches = prepared(lambda step: lrs[step], data, rows, len(lrs), **settings)
    return lambda lr: trainer.update(*next(batches))[1]


def _own_step(kind: str, model, optimizer, loss, data, batch_size: int, seed: int):
    for name, value in (("optimizer", optimizer), ("loss", loss), ("data", data)):
        if value is None:
            raise TypeError(f"{name} must be given with a model of your own, got None")
    if kind == "torch":
        from course_lib.finder import in_torch

        return in_torch.finder_step(model, optimizer, loss, data)
    from course_lib.finder import in_keras

    return in_keras.finder_step(model, optimizer, loss, data, batch_size, seed)


def _sweep(
    train_step: Callable[[float], Any],
    lrs: Sequence[float],
    beta: float,
    stop_factor: float,
    progress: bool,
) -> LRFinderResult:
    result, mean = LRFinderResult([], [], [], "end"), 0.0
    hidden = {} if progress else {"disable": True}  # else it is TQDM_DISABLE's to say
    for lr in tqdm(lrs, desc="learning-rate sweep", unit="update", **hidden):
        answer = train_step(lr)
        loss = as_number(answer)
        if loss is None:
            raise TypeError(f"train_step must return the loss, one number, got {answer!r}")
        if not math.isfinite(loss):
            if not result.losses:
                raise ValueError(
                    f"train_step returned {loss!r} before any update was made; "
                    "a sweep needs a model and data with a finite loss to start from"
                )
            result.stopped = "not finite"
            break
        result.lrs.append(lr)
        result.losses.append(loss)
        mean, smoothed = averaged(mean, loss, beta, len(result.lrs))
        result.smoothed.append(smoothed)
        first, best, now = result.smoothed[0], min(result.smoothed), result.smoothed[-1]
        if now - best > (stop_factor - 1) * max(abs(best), first - best):
            result.stopped = "diverged"
            break
    return result


def _framework(model: Any) -> str:
    """Which of the two a model of one's own is of; "" for what is of neither."""
    roots = {kind.__module__.split(".")[0] for kind in type(model).__mro__}
    if "keras" in roots:  # first: with its PyTorch backend, a Keras model is both
        return "tensorflow"
    return "torch" if "torch" in roots else ""


@contextmanager
def _untouched(framework: str, model: Any, optimizer: Any, data: Any) -> Iterator[None]:
    """The random states of Python, NumPy and every framework in use; of one framework, the rest."""
    python, numpy = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        # Undone in reverse order, so last: building a Keras optimizer may draw numbers.
        stack.callback(np.random.set_state, numpy)
        stack.callback(random.setstate, python)
        if framework == "torch" or "torch" in sys.modules:
            with needs("torch"):
                from course_lib.finder import in_torch

            for_torch = (model, optimizer, data) if framework == "torch" else ()
            stack.enter_context(in_torch.untouched(*for_torch))
        keras = sys.modules.get("keras")
        if framework == "tensorflow" or (keras and keras.backend.backend() == "tensorflow"):
            from course_lib.finder import in_keras

            for_keras = (model, optimizer) if framework == "tensorflow" else ()
            stack.enter_context(in_keras.untouched(*for_keras))
        yield
