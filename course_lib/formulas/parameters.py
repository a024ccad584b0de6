"""What a schedule's parameter may be: limits that a formula's signature declares.

A formula writes `peak_lr: Rate`; whoever fills the parameter in (`Schedule`, a slider) reads the
limits from there. Each kind has one method, `check(name, value)`, that returns the value in its
plain form or raises a ValueError saying which argument, what came and what is allowed.
"""

import contextlib
import difflib
import inspect
import itertools
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Annotated, Any


def as_number(value: Any) -> float | None:
    """A single number of any library as a float, also one that is not finite; else None.

    A string is none although float("0.1") works: it is a sign of an unread setting. Nor is a bool.

    >>> as_number(3), as_number("3"), as_number([3.0])
    (3.0, None, None)
    """
    if type(value) is float:  # as nearly always: asked for at every update
        return value
    try:
        value = value.item() if hasattr(value, "item") else value
        return None if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's: of several
        return None


@dataclass(frozen=True)
class Number:
    """A finite real number: at least `low` (above it, when `above`), at most `high`, and below
    `below`."""

    low: float = 0.0
    above: bool = False
    high: float = math.inf
    below: float = math.inf

    def check(self, name: str, value: Any) -> float:
        number = as_number(value)
        if number is not None and math.isfinite(number):
            inside = number > self.low if self.above else number >= self.low
            if inside and number <= self.high and number < self.below:
                return number
        allowed = f"a number {'above' if self.above else 'of at least'} {self.low:g}"
        if self.high < math.inf:
            allowed += f" and at most {self.high:g}"
        if self.below < math.inf:
            allowed += f" and below {self.below:g}"
        raise ValueError(f"{name} must be {allowed}, got {value!r}")


@dataclass(frozen=True)
class Whole:
    """A whole number, at least `low`."""

    low: int = 0

    def check(self, name: str, value: Any) -> int:
        try:
            number = None if isinstance(value, bool) else operator.index(value)
        except TypeError:
            number = None
        if number is None or number < self.low:
            raise ValueError(f"{name} must be a whole number of at least {self.low}, got {value!r}")
        return number


def _ordered(values: Any) -> Iterable:
    """Several values; TypeError for a set, which has no order, and a dict, for its keys alone."""
    if isinstance(values, Mapping | Set):
        raise TypeError
    return values


@dataclass(frozen=True)
class Increasing:
    """Whole numbers, each larger than the one before, the first at least `low`."""

    low: int = 1

    def check(self, name: str, value: Any) -> tuple[int, ...]:
        wanted = f"{name} must be increasing whole numbers of at least {self.low}, like (30, 60)"
        try:
            numbers = tuple(Whole(self.low).check(name, number) for number in _ordered(value))
        except (TypeError, ValueError):
            raise ValueError(f"{wanted}, got {value!r}") from None
        if any(a >= b for a, b in itertools.pairwise(numbers)):
            raise ValueError(f"{wanted}, got {value!r}")
        return numbers


@dataclass(frozen=True)
class Numbers:
    """At least one number, each at least 0."""

    def check(self, name: str, value: Any) -> tuple[float, ...]:
        try:
            numbers = tuple(Number().check(name, number) for number in _ordered(value))
        except (TypeError, ValueError):
            numbers = ()
        if not numbers:
            raise ValueError(
                f"{name} must be one or more numbers of at least 0, like [0.1, 0.05], got {value!r}"
            )
        return numbers


def nearest(value: Any, allowed: Iterable[str]) -> str:
    """What an error adds where one of the allowed words is close to the one that came. Of numbers
    none is meant by another.

    >>> nearest("cosin", ["linear", "cosine"]), nearest("wave", ["linear", "cosine"])
    (' (did you mean cosine?)', '')
    """
    if not any(each.isalpha() for each in str(value)):
        return ""
    near = difflib.get_close_matches(str(value), list(allowed), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]

    def check(self, name: str, value: Any) -> str:
        # Not `value in options`: an array answers == element by element.
        if isinstance(value, str | int | float) and value in self.options:
            return self.options[self.options.index(value)]  # of NumPy's words, the plain one
        allowed, hint = ", ".join(map(str, self.options)), nearest(value, self.options)
        raise ValueError(f"{name} must be one of {allowed}, got {value!r}{hint}")


@dataclass(frozen=True)
class Flag:
    """True or False."""

    def check(self, name: str, value: Any) -> bool:
        if value is not True and value is not False:
            raise ValueError(f"{name} must be True or False, got {value!r}")
        return value


@dataclass(frozen=True)
class Maybe:
    """None, or what another kind allows."""

    kind: Any

    def check(self, name: str, value: Any) -> Any:
        return None if value is None else self.kind.check(name, value)


@dataclass(frozen=True)
class Inner:
    """A schedule inside a schedule: anything that answers `step -> rate` from step `first` on."""

    first: int = 0

    def check(self, name: str, value: Any) -> Callable[[int], float]:
        if not callable(value):
            raise ValueError(
                f"{name} must be a schedule, that is a function of the step, got {value!r}"
            )
        try:
            return function_of_step(name, value, self.first)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None


@dataclass(frozen=True)
class Inners:
    """Several schedules, in order."""

    def check(self, name: str, value: Any) -> tuple[Callable[[int], float], ...]:
        if not isinstance(value, Sequence) or not value:
            raise ValueError(f"{name} must be a list of at least one schedule, got {value!r}")
        return tuple(Inner().check(f"{name}[{i}]", part) for i, part in enumerate(value))


Rate = Annotated[float, Number(low=0)]
Factor = Annotated[float, Number(low=0, above=True)]
Fraction = Annotated[float, Number(low=0, high=1)]
MOMENTUM = Number(below=1)  # at 1 the velocity would never end
Momentum = Annotated[float, MOMENTUM]
Growth = Annotated[float, Number(low=1)]
MaybeRate = Annotated[float | None, Maybe(Number(low=0))]
MaybeSteps = Annotated[int | None, Maybe(Whole(low=1))]
Steps = Annotated[int, Whole(low=1)]
Count = Annotated[int, Whole(low=0)]
Milestones = Annotated[Sequence[int], Increasing(low=1)]
Knots = Annotated[Sequence[int], Increasing(low=0)]
FromOne = Annotated[Callable[[int], float], Inner(first=1)]
Rates = Annotated[Sequence[float], Numbers()]
Then = Annotated[Callable[[int], float], Inner()]
Parts = Annotated[Sequence[Callable[[int], float]], Inners()]
OnOff = Annotated[bool, Flag()]


def limits(annotation: Any) -> Any | None:
    """The kind that an annotation declares, or None: `limits(Rate)` is `Number(low=0)`."""
    return next(iter(getattr(annotation, "__metadata__", ())), None)


def rate_at(schedule: Callable[[int], float], step: int) -> float:
    """The rate of any schedule at one step, or an error if that is no finite number of at least 0.

    >>> rate_at(lambda step: 0.1 - 0.2 * step, 1)
    Traceback (most recent call last):
    ...
    ValueError: <lambda> returned -0.1 at step 1; a schedule returns a finite number of at least 0 \
for every step
    """
    try:
        rate = schedule(step)
    except OverflowError:
        rate = math.inf
    number = as_number(rate)
    if number is None or not 0 <= number < math.inf:
        raise ValueError(
            f"{describe(schedule)} returned {rate!r} at step {step}; "
            "a schedule returns a finite number of at least 0 for every step"
        )
    return number


def function_of_step(name: str, value: Any, first: int = 0) -> Callable[[int], float]:
    """A schedule as the adapters take it: a function of the step alone, with a rate at `first`.

    >>> function_of_step("schedule", lambda step, lr: lr)
    Traceback (most recent call last):
    ...
    TypeError: schedule must be a function of the step alone, got <lambda>: missing a required \
argument: 'lr'; fill in what it needs with Schedule(<lambda>, ...)
    """
    if not callable(value):
        raise TypeError(
            f"{name} must be a function of the step, got {value!r}; "
            "for a fixed value use Schedule(constant, lr=...)"
        )
    with contextlib.suppress(ValueError):  # a builtin has no signature: calling it will tell
        signature = inspect.signature(value)
        try:
            signature.bind(first)
        except TypeError as error:
            raise TypeError(
                f"{name} must be a function of the step alone, got {describe(value)}: {error}; "
                f"fill in what it needs with Schedule({describe(value)}, ...)"
            ) from None
    rate_at(value, first)
    return value


def describe(schedule: Callable[[int], float]) -> str:
    """How messages and saved states name a schedule: its code, or the function's name.

    >>> describe(max)
    'max'
    """
    if hasattr(schedule, "__name__"):
        return schedule.__name__
    if type(schedule).__repr__ is object.__repr__:
        return type(schedule).__name__
    # A functools.partial, say, holds a function; its address in memory is another at every run.
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(schedule))
