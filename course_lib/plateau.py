"""A schedule that listens: the rate falls when a metric has stopped getting better.

Every other schedule is a formula of the step. This one has a memory, so it is an object: tell it
the metric with `update` after each evaluation, and ask it for the rate as you ask any schedule.
"""

import math
from typing import Any

from course_lib.formulas.parameters import Choice, Number, Whole, as_number


def after(
    metric: float, lr: float, best: float | None, bad: int, wait: int, given: dict[str, Any]
) -> tuple[float, float | None, int, int]:
    """A plateau's (lr, best, bad, wait) after one more metric.

    The whole rule as a function, so that a browser can run it too.

    >>> given = {"factor": 0.5, "patience": 0, "threshold": 0.0, "threshold_mode": "abs",
    ...          "mode": "min", "cooldown": 3, "min_lr": 0.0, "eps": 0.0}
    >>> after(0.7, 1.0, None, 0, 0, given)
    (1.0, 0.7, 0, 0)
    >>> after(0.8, 1.0, 0.7, 0, 0, given)
    (0.5, 0.7, 0, 3)
    """
    if is_better(metric, best, given):
        best, bad = metric, 0
    else:
        bad = bad + 1
    if wait > 0:
        wait, bad = wait - 1, 0
    if bad > given["patience"]:
        lower = max(lr * given["factor"], given["min_lr"])
        if lr - lower > given["eps"]:
            lr = lower
        wait, bad = given["cooldown"], 0
    return lr, best, bad, wait


def is_better(metric: float, best: float | None, given: dict[str, Any]) -> bool:
    """Whether a metric is a new best one, as `Plateau` has it."""
    if not math.isfinite(metric) or best is None:
        return math.isfinite(metric)
    share = given["threshold"] if given["mode"] == "max" else -given["threshold"]
    if given["threshold_mode"] == "rel":
        bar = best * (1 + share * math.copysign(1, best))
    else:
        bar = best + share
    return metric > bar if given["mode"] == "max" else metric < bar


def keras_counts(patience: int, cooldown: int) -> tuple[int, int]:
    """The patience and the cooldown of a `Plateau` that does what Keras does with these two.

    >>> keras_counts(3, 2), keras_counts(0, 0)
    ((2, 1), (0, 0))
    """
    return max(patience, 1) - 1, max(cooldown - 1, 0)


class Plateau:
    """The rate times `factor` whenever more than `patience` evaluations in a row were not better.

        update(metric):
            if better(metric):  best, bad = metric, 0
            else:               bad = bad + 1
            if wait > 0:        wait, bad = wait - 1, 0             # still cooling down
            if bad > patience:
                new = max(lr * factor, min_lr)
                if lr - new > eps:  lr = new
                wait, bad = cooldown, 0

        better(metric), mode "min":    abs: metric < best - threshold
                                       rel: metric < best - threshold * |best|
                        mode "max":    the same with > and +

    The first finite metric is always better. A metric that is not finite never is: a NaN or an
    infinity counts as a bad evaluation and leaves `best` alone.

    | here             | PyTorch ReduceLROnPlateau    | Keras ReduceLROnPlateau                    |
    |------------------|------------------------------|--------------------------------------------|
    | `factor`         | the same                     | the same                                   |
    | `patience=p`     | the same                     | `p + 1`; 0 there means 1                   |
    | `threshold`      | the same, but "rel" is wrong | `min_delta`                                |
    |                  | there for negative metrics   |                                            |
    | `threshold_mode` | the same; default "rel"      | always "abs"                               |
    | `mode`           | the same                     | the same; default "auto" (by name)         |
    | `cooldown=c`     | the same                     | `c + 1` for c > 0; 1 there means 0         |
    | `min_lr`         | the same, or one per group   | the same                                   |
    | `eps`            | the same; default 1e-8       | always 0                                   |
    | first metric NaN | a bad evaluation             | `best` is NaN for good: nothing is better  |
    | infinite metric  | the good one is best forever | the same, and a bad one may come first     |
    | numbers          | float64                      | compares in float32                        |

    `from_torch` and `from_keras` take the arguments as written there.

    >>> plateau = Plateau(1.0, factor=0.5, patience=1)
    >>> [plateau.update(loss) for loss in (0.9, 0.7, 0.8, 0.8, 0.6, 0.6)]
    [1.0, 1.0, 1.0, 0.5, 0.5, 0.5]
    >>> plateau.update(0.6), plateau.lr, plateau(step=1234)
    (0.25, 0.25, 0.25)
    """

    def __init__(
        self,
        lr: float,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "abs",
        mode: str = "min",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 0.0,
    ):
        given: dict[str, Any] = {
            "lr": Number(low=0, above=True).check("lr", lr),
            "factor": Number(low=0, above=True, below=1).check("factor", factor),
            "patience": Whole().check("patience", patience),
            "threshold": Number(low=0).check("threshold", threshold),
            "threshold_mode": Choice(("abs", "rel")).check("threshold_mode", threshold_mode),
            "mode": Choice(("min", "max")).check("mode", mode),
            "cooldown": Whole().check("cooldown", cooldown),
            "min_lr": Number(low=0).check("min_lr", min_lr),
            "eps": Number(low=0).check("eps", eps),
        }
        self.arguments = given
        if given["min_lr"] > given["lr"]:
            raise ValueError(f"min_lr must be at most lr, which is {lr!r}, got {min_lr!r}")
        self.lr: float = given["lr"]
        self.best: float | None = None
        self.bad = 0
        self.wait = 0

    @classmethod
    def from_torch(
        cls,
        lr,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0,
        eps=1e-8,
    ) -> "Plateau":
        """A Plateau that behaves like torch's `ReduceLROnPlateau` with these arguments."""
        return cls(lr, factor, patience, threshold, threshold_mode, mode, cooldown, min_lr, eps)

    @classmethod
    def from_keras(
        cls, lr, factor=0.1, patience=10, mode="min", min_delta=1e-4, cooldown=0, min_lr=0.0
    ) -> "Plateau":
        """A Plateau that behaves like `keras.callbacks.ReduceLROnPlateau` with these arguments.

        Keras counts up to `patience` where we go beyond it, and counts the last evaluation of a
        cooldown; it has no `eps`. `mode` "auto" has to be spelled out.
        """
        patience, cooldown = keras_counts(
            Whole().check("patience", patience), Whole().check("cooldown", cooldown)
        )
        min_delta = Number().check("min_delta", min_delta)
        return cls(lr, factor, patience, min_delta, "abs", mode, cooldown, min_lr)

    def __call__(self, step: int) -> float:
        return self.lr

    def update(self, metric: Any) -> float:
        """Take the metric of one evaluation, and return the rate from now on."""
        number = as_number(metric)
        if number is None:
            raise ValueError(f"metric must be a single number, got {metric!r}")
        self.lr, self.best, self.bad, self.wait = after(
            number, self.lr, self.best, self.bad, self.wait, self.arguments
        )
        return self.lr

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"Plateau({given})"

    def state_dict(self) -> dict[str, Any]:
        """Where it stands, as values that JSON can hold, and the arguments that it belongs to."""
        names = ("lr", "best", "bad", "wait")
        return {"plateau": repr(self), **{name: getattr(self, name) for name in names}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the saved one stopped; ValueError where its arguments were others."""
        if wrong := state.keys() ^ self.state_dict().keys():
            raise ValueError(
                f"state must have the keys {', '.join(self.state_dict())} and no others; "
                f"missing or unknown: {', '.join(sorted(map(str, wrong)))}"
            )
        if state["plateau"] != repr(self):
            raise ValueError(f"state was saved under {state['plateau']}, this is {self!r}")
        self.lr, self.best = state["lr"], state["best"]
        self.bad, self.wait = state["bad"], state["wait"]


def plateaus_in(schedule: Any) -> list[Plateau]:
    """Every plateau in a schedule, once, however deep; one inside a function of yours is not found.

    >>> plateau = Plateau(0.1)
    >>> plateaus_in(plateau) == [plateau], plateaus_in(max)
    (True, [])
    """
    if isinstance(schedule, Plateau):
        return [schedule]
    params = getattr(schedule, "params", None)
    inner = list(params.values()) if isinstance(params, dict) else []
    if isinstance(schedule, tuple | list):
        inner = list(schedule)
    return list(dict.fromkeys(plateau for each in inner for plateau in plateaus_in(each)))
