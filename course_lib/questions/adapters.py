"""Ways to ask an answer that is more than a function of numbers: `adapter(answer, ...) -> value`.

Each takes what the student wrote and turns it into plain numbers. They run where the answer runs,
in the notebook or in the grader's sandbox, and are trusted with nothing: the numbers are compared
elsewhere.
"""

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from course_lib.questions.values import TOLERANCE

NONE = "it returned None (is a `return` missing?)"


def curve(formula: Callable[..., float], steps: Iterable[int], /, **parameters: Any) -> list[Any]:
    """The formula's value at each step.

    >>> curve(lambda step, *, lr: lr / (step + 1), [0, 1, 3], lr=1.0)
    [1.0, 0.5, 0.25]
    """
    return [formula(step, **parameters) for step in steps]


def fed_back(
    rule: Callable[..., float], count: int, first: float, /, **parameters: Any
) -> list[float]:
    """Calls `rule(epoch, lr, **parameters)` in a loop, each time with the rate that it returned
    last, and returns all rates.

    >>> fed_back(lambda epoch, lr, *, factor: lr * factor if epoch else lr, 3, 1.0, factor=0.5)
    [1.0, 0.5, 0.25]
    """
    rates, lr = [], first
    for epoch in range(count):
        lr = rule(epoch, lr, **parameters)
        rates.append(lr)
    return rates


def shared(
    answer: Callable[..., Any], first: Any, others: Iterable[dict[str, Any]], /
) -> list[Any]:
    """Calls the answer with each of these other arguments, always with the same first one, which it
    must leave as it was, and returns what came and last this first one.

    >>> shared(lambda rates, keep: rates[:keep], [0.5, 0.25], [{"keep": 1}, {"keep": 2}])
    [[0.5], [0.5, 0.25], [0.5, 0.25]]
    """
    return [*(answer(first, **each) for each in others), first]


def one_weight(
    measure: Callable[..., Any], start: float, rates: Sequence[float], count: int
) -> Any:
    """Calls `measure(update, weight, count)` with a loop of one weight, whose gradient is 1, and
    returns what it measured.

    >>> one_weight(lambda update, weight, count: [update(), weight()][1], 1.0, [0.25], 1)
    0.75
    """
    position, to_come = start, iter(rates)

    def update() -> None:
        nonlocal position
        rate = next(to_come, None)
        if rate is None:
            raise RuntimeError(f"update() was called more than {len(rates)} times")
        position -= rate

    return measure(update, lambda: position, count)


def torch_rates(
    make: Callable[..., Any], lr: float, steps: int, /, *, share: float = 1.0, **parameters: Any
) -> list[float]:
    """Steps the scheduler `make(optimizer, **parameters)` and returns the rates of the first of two
    parameter groups. The second begins with `share` times the rate of the first, and must keep to
    that."""
    from course_lib.pytorch import torch

    own = (lr, lr * share)
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": each} for each in own]
    optimizer = torch.optim.SGD(groups, lr=lr)
    scheduler = make(optimizer, **parameters)
    if isinstance(scheduler, type) or not callable(getattr(scheduler, "step", None)):
        other = f"it returned {scheduler!r:.80}, which is no PyTorch scheduler"
        raise TypeError(NONE if scheduler is None else other)
    rates = []
    for step in range(steps):
        first, second = (float(group["lr"]) for group in optimizer.param_groups)
        follows = math.isclose(second, first * share, rel_tol=TOLERANCE, abs_tol=1e-9 * lr)
        if not follows and not (math.isnan(first) and math.isnan(second)):
            raise RuntimeError(
                f"at update {step} the first parameter group has the rate {first!r}, the second "
                f"{second!r}; they began with {lr!r} and {lr * share!r}: set the rate of every "
                "group in optimizer.param_groups, each from its own first rate"
            )
        rates.append(first)
        optimizer.step()
        scheduler.step()
    return rates


def keras_rates(make: Callable[..., Any], steps: int, /, **parameters: Any) -> list[float]:
    """Saves the Keras schedule `make(**parameters)` as JSON, loads it in a program that has made
    another schedule too, and returns its rates at the updates 0 to steps - 1. They are asked from
    the last to the first, inside a compiled update."""
    from course_lib.tensorflow import keras, tf

    schedules = keras.optimizers.schedules
    made = make(**parameters)
    if not isinstance(made, schedules.LearningRateSchedule):
        other = f"it returned {made!r:.80}, which is no Keras LearningRateSchedule"
        raise TypeError(NONE if made is None else other)
    saved = json.dumps(schedules.serialize(made))
    other = make(**{name: _another(value) for name, value in parameters.items()})
    known = {type(made).__name__: type(other)}  # what a new program knows of the schedule
    rates = []
    try:
        optimizer = keras.optimizers.SGD(schedules.deserialize(json.loads(saved), known))
        rate = tf.function(lambda: optimizer.learning_rate, autograph=False)  # as `fit` compiles it
        for step in reversed(range(steps)):  # the rate is the step's, not that of the calls so far
            optimizer.iterations.assign(step)
            rates.append(float(rate()))
    except (TypeError, ValueError) as error:
        if "__tensor__" not in saved:
            raise
        raise TypeError("a tensor in a saved schedule does not load: use plain numbers") from error
    return rates[::-1]


def _another(value: Any) -> Any:
    """Another number of its kind, a share still a share; of what is no number, the same."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value * 2 if isinstance(value, int) else value / 2


ADAPTERS: dict[str, Callable[..., Any]] = {
    each.__name__: each for each in (curve, fed_back, shared, one_weight, torch_rates, keras_rates)
}
