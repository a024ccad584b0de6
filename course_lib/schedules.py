"""Learning-rate schedules as plain formulas: `formula(step, *, parameters) -> rate`.

What every formula here means by its words
- `step` counts optimizer updates from 0: update number `step` is made with `formula(step)`.
- `total_steps` is the length of a decay; warmup is not part of it. Past the end a decay stays at
  `final_lr`, which is a rate, not a fraction of the peak.
- A milestone m is the first update made with the new rate.
- A formula is a pure function: asked twice, it answers the same, in any order of steps.

To add a schedule: write the formula, and add one line to `GALLERY` at the end of this file.
"""

import difflib
import inspect
import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from course_lib.parameters import (
    Choice,
    Count,
    Factor,
    Milestones,
    OnOff,
    Parts,
    Rate,
    Rates,
    Steps,
    Then,
    describe,
    limits,
    rate_at,
)

# --- one rate, and the decays ---------------------------------------------------------------------


def constant(step: int, *, lr: Rate) -> float:
    """The same rate at every update (Robbins & Monro 1951 is why it has to end: it cannot converge
    while the gradient is noisy).

        lr(t) = lr

    >>> constant(7, lr=0.1)
    0.1
    """
    return lr


def linear(step: int, *, peak_lr: Rate, total_steps: Steps, final_lr: Rate = 0.0) -> float:
    """A straight line from `peak_lr` down to `final_lr` (Li et al. 2020, arXiv:1905.04753).

        lr(t) = final_lr + (peak_lr - final_lr) * (1 - t / total_steps)

    >>> [linear(t, peak_lr=1.0, total_steps=4) for t in range(6)]
    [1.0, 0.75, 0.5, 0.25, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * (1 - progress)


def polynomial(
    step: int, *, peak_lr: Rate, total_steps: Steps, power: Factor, final_lr: Rate = 0.0
) -> float:
    """From `peak_lr` down to `final_lr` as a power of what remains (Liu et al. 2015, ParseNet,
    arXiv:1506.04579). `power` 1 is `linear`; a larger one falls faster at first.

        lr(t) = final_lr + (peak_lr - final_lr) * (1 - t / total_steps) ** power

    >>> [polynomial(t, peak_lr=1.0, total_steps=4, power=2) for t in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * (1 - progress) ** power


def cosine(step: int, *, peak_lr: Rate, total_steps: Steps, final_lr: Rate = 0.0) -> float:
    """Half a cosine wave from `peak_lr` down to `final_lr` (Loshchilov & Hutter 2017,
    arXiv:1608.03983, without the restarts).

        lr(t) = final_lr + (peak_lr - final_lr) * (1 + cos(pi * t / total_steps)) / 2

    >>> [round(cosine(t, peak_lr=1.0, total_steps=4), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    progress = min(step / total_steps, 1.0)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2


def step_decay(step: int, *, lr: Rate, every: Steps, factor: Factor = 0.1) -> float:
    """A staircase: times `factor` after every `every` updates (He et al. 2016, arXiv:1512.03385,
    divide by ten).

        lr(t) = lr * factor ** floor(t / every)

    >>> [step_decay(t, lr=1.0, every=2, factor=0.5) for t in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    return lr * factor ** (step // every)


def multistep(step: int, *, lr: Rate, milestones: Milestones, factor: Factor = 0.1) -> float:
    """A staircase with steps where you want them: times `factor` from each milestone on
    (Zagoruyko & Komodakis 2016, arXiv:1605.07146).

        lr(t) = lr * factor ** (number of milestones m with m <= t)

    >>> [multistep(t, lr=1.0, milestones=(2, 5), factor=0.5) for t in range(7)]
    [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    """
    return lr * factor ** bisect_right(milestones, step)


def exponential(
    step: int, *, lr: Rate, factor: Factor, every: Steps = 1, staircase: OnOff = False
) -> float:
    """Times `factor` for every `every` updates, smoothly or as a staircase (TensorFlow's
    ExponentialDecay; PyTorch's ExponentialLR is `every=1`).

        lr(t) = lr * factor ** (t / every)              staircase: floor(t / every)

    >>> [exponential(t, lr=1.0, factor=0.25, every=2) for t in range(5)]
    [1.0, 0.5, 0.25, 0.125, 0.0625]
    >>> [exponential(t, lr=1.0, factor=0.25, every=2, staircase=True) for t in range(5)]
    [1.0, 1.0, 0.25, 0.25, 0.0625]
    """
    return lr * factor ** (step // every if staircase else step / every)


def tabulated(step: int, *, rates: Rates) -> float:
    """Any rates, written down one per update; after the last one it holds (the form that
    KellerJordan's cifar10-airbench trains with, and in which a recorded run can be replayed).

        lr(t) = rates[min(t, len(rates) - 1)]

    >>> [tabulated(t, rates=[0.1, 0.3, 0.2]) for t in range(5)]
    [0.1, 0.3, 0.2, 0.2, 0.2]
    """
    return rates[min(step, len(rates) - 1)]


# --- schedules made of schedules ------------------------------------------------------------------

WARMUP_SHAPES = {
    "linear": lambda progress: progress,
    "cosine": lambda progress: (1 - math.cos(math.pi * progress)) / 2,
    "sqrt": math.sqrt,
}


def warmup(
    step: int,
    *,
    then: Then,
    warmup_steps: Count,
    shape: Annotated[str, Choice(tuple(WARMUP_SHAPES))] = "linear",
) -> float:
    """Climb to the first rate of `then` in `warmup_steps` updates, and go on with `then` from its
    start (Goyal et al. 2017, arXiv:1706.02677). No update is made with rate 0.

        lr(t) = then(0) * shape((t + 1) / (warmup_steps + 1))     for t < warmup_steps
        lr(t) = then(t - warmup_steps)                            after

    >>> [warmup(t, then=Schedule(constant, lr=1.0), warmup_steps=3) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if step < warmup_steps:
        return then(0) * WARMUP_SHAPES[shape]((step + 1) / (warmup_steps + 1))
    return then(step - warmup_steps)


def join(step: int, *, parts: Parts, boundaries: Milestones) -> float:
    """One schedule after another: part i + 1 takes over at update `boundaries[i]`, and counts its
    own steps from 0 (optax's join_schedules; PyTorch's SequentialLR, without its state).

        lr(t) = parts[i](t - boundaries[i - 1]),    i = number of boundaries b with b <= t

    >>> high, low = Schedule(constant, lr=1.0), Schedule(linear, peak_lr=0.5, total_steps=2)
    >>> [join(t, parts=[high, low], boundaries=[2]) for t in range(6)]
    [1.0, 1.0, 0.5, 0.25, 0.0, 0.0]
    """
    if len(parts) != len(boundaries) + 1:
        raise ValueError(
            f"boundaries must be one fewer than parts, got {len(boundaries)} boundaries "
            f"for {len(parts)} parts"
        )
    i = bisect_right(boundaries, step)
    return parts[i](step - (boundaries[i - 1] if i else 0))


def per_epoch(step: int, *, then: Then, steps_per_epoch: Steps) -> float:
    """A schedule that is written in epochs, used at updates: the rate changes once an epoch.

        lr(t) = then(floor(t / steps_per_epoch))

    `steps_per_epoch` counts the last, smaller batch too: ceil(examples / batch_size).

    >>> halving = Schedule(exponential, lr=1.0, factor=0.5)
    >>> [per_epoch(t, then=halving, steps_per_epoch=2) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return then(step // steps_per_epoch)


# --- a formula with its parameters ----------------------------------------------------------------


@dataclass(frozen=True, init=False, repr=False)
class Schedule:
    """A formula with its parameters filled in: `schedule(step)` is the rate of that update.

    Any function `formula(step, *, parameters) -> rate` will do, yours as well as ours. What can be
    wrong is found here, not in the middle of a training run: a parameter that is missing, unknown
    or outside the limits that the formula's signature declares, or a formula whose first rate is
    not a finite number.

    Raises TypeError for a missing or unknown parameter, ValueError for a value that is not allowed.

    >>> schedule = Schedule(cosine, peak_lr=0.1, total_steps=100)
    >>> schedule
    Schedule(cosine, peak_lr=0.1, total_steps=100)
    >>> schedule(50), schedule.values(2)
    (0.05, [0.1, 0.09997532801828658])
    >>> Schedule(cosine, peak_lr=0.1, total_steps=0)
    Traceback (most recent call last):
    ...
    ValueError: cosine: total_steps must be a whole number of at least 1, got 0
    """

    formula: Callable[..., float]
    params: dict[str, Any]

    def __init__(self, formula: Callable[..., float], **params: Any):
        if not callable(formula):
            raise TypeError(f"formula must be a function like schedules.cosine, got {formula!r}")
        object.__setattr__(self, "formula", formula)
        object.__setattr__(self, "params", _checked(formula, params))
        rate_at(self, 0)

    def __call__(self, step: int) -> float:
        return self.formula(step, **self.params)

    def values(self, steps: int) -> list[float]:
        """The rates of updates 0 to `steps` - 1."""
        return [self(step) for step in range(steps)]

    def __repr__(self) -> str:
        params = "".join(f", {name}={value!r}" for name, value in self.params.items())
        return f"Schedule({describe(self.formula)}{params})"

    def to_config(self) -> dict[str, Any] | None:
        """Name and parameters as plain values that JSON can hold, or None where a formula is not
        in `GALLERY` and so has no name that another process could look up.

        >>> Schedule(constant, lr=0.1).to_config()
        {'formula': 'constant', 'params': {'lr': 0.1}}
        """
        if self.formula not in _formulas().values():
            return None
        params = {name: _plain(value) for name, value in self.params.items()}
        if any(value is None for value in params.values()):
            return None
        return {"formula": self.formula.__name__, "params": params}

    @staticmethod
    def from_config(config: dict[str, Any]) -> "Schedule":
        """The schedule whose `to_config` this was."""
        formulas = _formulas()
        if config["formula"] not in formulas:
            raise ValueError(
                f"unknown formula {config['formula']!r}; GALLERY has {', '.join(formulas)}"
            )
        params = {name: _revived(value) for name, value in config["params"].items()}
        return Schedule(formulas[config["formula"]], **params)


def _checked(formula: Callable[..., float], params: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their plain form, or an error in the words of the formula's signature."""
    name = describe(formula)
    try:
        _, *declared = inspect.signature(formula).parameters.values()
    except ValueError:  # a builtin or an object without a signature: calling it will tell
        return params
    known = [p.name for p in declared]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in declared)
    for given in params:
        if given not in known and not takes_any:
            near = difflib.get_close_matches(given, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise TypeError(
                f"{name} has no parameter {given!r}{hint}; it takes {', '.join(known) or 'none'}"
            )
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p.name for p in declared if p.default is p.empty and p.kind in by_name]
    if missing := [each for each in required if each not in params]:
        raise TypeError(f"{name} needs {', '.join(missing)}")
    kinds = {p.name: limits(p.annotation) for p in declared}
    try:
        return {
            given: kinds[given].check(given, value) if kinds.get(given) else value
            for given, value in params.items()
        }
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _formulas() -> dict[str, Callable[..., float]]:
    return {schedule.formula.__name__: schedule.formula for schedule in GALLERY.values()}


def _plain(value: Any) -> Any:
    """A parameter as JSON knows it; None for what has no such form."""
    if isinstance(value, Schedule):
        return value.to_config()
    if isinstance(value, tuple):
        plain = [_plain(each) for each in value]
        return None if None in plain else plain
    return value if isinstance(value, str | bool | int | float) else None


def _revived(value: Any) -> Any:
    if isinstance(value, dict):
        return Schedule.from_config(value)
    return [_revived(each) for each in value] if isinstance(value, list) else value


# One line per schedule, with parameters that make a telling picture over 100 updates. Whatever
# loops over schedules (adapters' tests, plots, explorers, tables) loops over this.
GALLERY: dict[str, Schedule] = {
    "constant": Schedule(constant, lr=0.1),
    "linear": Schedule(linear, peak_lr=0.1, total_steps=100),
    "polynomial": Schedule(polynomial, peak_lr=0.1, total_steps=100, power=2),
    "cosine": Schedule(cosine, peak_lr=0.1, total_steps=100),
    "step_decay": Schedule(step_decay, lr=0.1, every=30),
    "multistep": Schedule(multistep, lr=0.1, milestones=(50, 75)),
    "exponential": Schedule(exponential, lr=0.1, factor=0.97),
    "tabulated": Schedule(tabulated, rates=[0.1] * 40 + [0.05] * 40 + [0.01] * 20),
    "warmup": Schedule(warmup, then=Schedule(cosine, peak_lr=0.1, total_steps=90), warmup_steps=10),
    "join": Schedule(
        join,
        parts=(Schedule(constant, lr=0.1), Schedule(linear, peak_lr=0.1, total_steps=30)),
        boundaries=(70,),
    ),
    "per_epoch": Schedule(
        per_epoch, then=Schedule(exponential, lr=0.1, factor=0.7), steps_per_epoch=10
    ),
}
