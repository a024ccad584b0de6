"""Learning-rate schedules as plain formulas: `formula(step, *, parameters) -> rate`.

What holds for every formula here
- `step` counts optimizer updates from 0: update number `step` is made with `formula(step)`.
- `total_steps` is the length of a decay; warmup is not part of it. Past the end a decay stays at
  `final_lr`, which is a rate, not a fraction of the peak.
- A milestone m is the first update made with the new rate.
- A formula is a pure function: asked twice, it answers the same, in any order of steps.

The formulas are in the folder formulas/, by family; import them from here. To add a schedule, write
its formula there and add one line to `GALLERY`, at the end of this file: adapters, plots, widgets,
tables and tests find it there.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Never

from course_lib.formulas.combined import *
from course_lib.formulas.cycles import *
from course_lib.formulas.decays import *
from course_lib.formulas.parameters import as_number, describe, limits, nearest, rate_at
from course_lib.formulas.warmups import *


@dataclass(frozen=True, init=False, repr=False)
class Schedule:
    """A formula with its parameters filled in: `schedule(step)` is the rate of that update.

    Any function `formula(step, *, parameters) -> rate` will do, yours as well as ours. Mistakes are
    found when the schedule is made, not in the middle of a training run: a parameter that is
    missing, unknown or outside the limits in the formula's signature, or a first rate that is not a
    finite number.

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
    params: dict[str, Any] = field(hash=False)  # a dict has no hash

    def __init__(self, formula: Callable[..., float], *unnamed: Never, **params: Any):
        if not callable(formula):
            raise TypeError(f"formula must be a function like schedules.cosine, got {formula!r}")
        if unnamed:
            raise TypeError(
                "every parameter must have its name, as in Schedule(cosine, peak_lr=0.1, "
                f"total_steps=100), got {unnamed[0]!r} without one"
            )
        object.__setattr__(self, "formula", formula)
        object.__setattr__(self, "params", _checked(formula, params))
        rate_at(self, 0)

    def __call__(self, step: float) -> float:
        # NumPy's small integers overflow, a tensor stays one; one without a value yet has to.
        if type(step) is not int and (number := as_number(step)) is not None:
            step = int(number) if number.is_integer() else number
        return self.formula(step, **self.params)

    def values(self, steps: int) -> list[float]:
        """The rates of updates 0 to `steps` - 1."""
        return [self(step) for step in range(steps)]

    def __repr__(self) -> str:
        params = "".join(f", {name}={value!r}" for name, value in self.params.items())
        return f"Schedule({describe(self.formula)}{params})"


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
            raise TypeError(
                f"{name} has no parameter {given!r}{nearest(given, known)}; "
                f"it takes {', '.join(known) or 'none'}"
            )
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p.name for p in declared if p.default is p.empty and p.kind in by_name]
    if missing := [each for each in required if each not in params]:
        raise TypeError(f"{name} needs {', '.join(missing)}")
    kinds = {p.name: limits(p.annotation) for p in declared}
    try:
        return {
            given: kind.check(given, value) if (kind := kinds.get(given)) else value
            for given, value in params.items()
        }
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


# One line per schedule, with parameters that make a telling picture over 100 updates. Whatever
# loops over schedules (adapters' tests, plots, explorers, tables) loops over this.
_COSINE = Schedule(cosine, peak_lr=0.1, total_steps=100)
GALLERY: dict[str, Schedule] = {
    "constant": Schedule(constant, lr=0.1),
    "linear": Schedule(linear, peak_lr=0.1, total_steps=100),
    "polynomial": Schedule(polynomial, peak_lr=0.1, total_steps=100, power=2),
    "cosine": _COSINE,
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
    "constant_factor": Schedule(constant_factor, lr=0.1, hold_steps=20),
    "linear_ramp": Schedule(linear_ramp, lr=0.1, total_steps=50),
    "piecewise_constant": Schedule(
        piecewise_constant, rates=(0.03, 0.1, 0.02), milestones=(20, 70)
    ),
    "piecewise_linear": Schedule(piecewise_linear, knots=(0, 20, 100), rates=(0.02, 0.1, 0.0)),
    "natural_exponential": Schedule(natural_exponential, lr=0.1, factor=0.05),
    "inverse_time": Schedule(inverse_time, lr=0.1, factor=0.1),
    "inverse_time_staircase": Schedule(inverse_time, lr=0.1, factor=1.0, every=20, staircase=True),
    "power": Schedule(power, peak_lr=0.1, factor=0.3, power=0.5),
    "polynomial_cycle": Schedule(polynomial, peak_lr=0.1, total_steps=30, power=1, cycle=True),
    "cosine_power": Schedule(cosine_power, peak_lr=0.1, total_steps=100, power=2),
    "k_decay": Schedule(k_decay, peak_lr=0.1, total_steps=100, k=2),
    "tanh": Schedule(tanh, peak_lr=0.1, total_steps=100),
    "rex": Schedule(rex, peak_lr=0.1, total_steps=100),
    "restart": Schedule(
        restart, then=Schedule(linear, peak_lr=0.1, total_steps=25), cycle_steps=25
    ),
    "cosine_restarts": Schedule(
        cosine_restarts, peak_lr=0.1, cycle_steps=15, cycle_factor=2, peak_factor=0.8
    ),
    "triangular": Schedule(triangular, base_lr=0.01, peak_lr=0.1, half_cycle_steps=20),
    "triangular2": Schedule(
        triangular, base_lr=0.01, peak_lr=0.1, half_cycle_steps=15, mode="triangular2"
    ),
    "exp_range": Schedule(
        triangular, base_lr=0.01, peak_lr=0.1, half_cycle_steps=15, mode="exp_range", factor=0.98
    ),
    "one_cycle": Schedule(one_cycle, peak_lr=0.1, total_steps=100),
    "one_cycle_three_phase": Schedule(
        one_cycle, peak_lr=0.1, total_steps=100, anneal="linear", three_phase=True
    ),
    "one_cycle_momentum": Schedule(one_cycle_momentum, total_steps=100),
    "noam": Schedule(noam, model_size=64, warmup_steps=20),
    "inverse_sqrt": Schedule(inverse_sqrt, peak_lr=0.1, warmup_steps=10),
    "wsd": Schedule(wsd, peak_lr=0.1, total_steps=100, warmup_steps=10, cooldown_steps=30),
    "flat_cosine": Schedule(flat_cosine, peak_lr=0.1, total_steps=100),
    "knee": Schedule(knee, peak_lr=0.1, total_steps=100, warmup_steps=10, explore_steps=40),
    "slanted_triangular": Schedule(slanted_triangular, peak_lr=0.1, total_steps=100),
    "tri_stage": Schedule(
        tri_stage, peak_lr=0.1, warmup_steps=10, hold_steps=40, decay_steps=50, final_lr=0.001
    ),
    "product": Schedule(
        product,
        parts=(_COSINE, Schedule(constant_factor, lr=1.0, hold_steps=10, factor=0.5)),
    ),
    "scale": Schedule(scale, then=_COSINE, factor=0.5),
    "layerwise": Schedule(layerwise, then=_COSINE, layer=0, layers=3),
    "batch_scaled": Schedule(batch_scaled, then=_COSINE, batch_size=64, rule="sqrt"),
    "lambda_lr": Schedule(
        lambda_lr, lr=0.1, factor=Schedule(inverse_time, lr=1.0, factor=0.05, staircase=True)
    ),
    "multiplicative": Schedule(multiplicative, lr=0.1, factor=Schedule(constant, lr=0.98)),
}

# The formulas by name, for what was written down: saved models, recipes, pages.
FORMULAS: dict[str, Callable[..., float]] = {
    schedule.formula.__name__: schedule.formula for schedule in GALLERY.values()
}
