"""Instant feedback on an exercise: which call, what came, what was expected, and both curves.

A check compares values, never source text, so any right answer passes. It raises AssertionError, so
that nbgrader counts it, and says what to look at; NotImplementedError passes through, because an
exercise that was not begun is not a wrong answer.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

TOLERANCE = 1e-9


def check_formula(
    student: Callable[..., float],
    like: Callable[..., float],
    *,
    examples: Iterable[Mapping[str, Any]],
    steps: Iterable[int] = range(130),
) -> None:
    """Compare a formula `(step, *, parameters) -> rate` with a right one, for each dict of
    parameters in `examples`; draws both curves where they differ."""
    steps = list(steps)
    for params in examples:
        wanted = [like(step, **params) for step in steps]
        got = [_call(student, (step,), params) for step in steps]
        wrong = [i for i, pair in enumerate(zip(got, wanted)) if not _close(*pair)]
        if wrong:
            i = wrong[0]
            _draw(got, wanted)
            raise AssertionError(
                f"{_written(student, (steps[i],), params)} returned {got[i]!r}, "
                f"expected {wanted[i]:.6g} ({len(wrong)} of {len(steps)} steps differ)"
            )
    _praise(student)


def check_values(student: Callable[..., Any], cases: Sequence[tuple[tuple, Any]]) -> None:
    """Compare any function's answers: `cases` holds (arguments, expected answer) pairs. Numbers,
    also those in lists or tuples, may differ by rounding errors."""
    for arguments, wanted in cases:
        got = _call(student, arguments, {})
        if not _close(got, wanted):
            call = _written(student, arguments, {})
            raise AssertionError(f"{call} returned {got!r}, expected {wanted!r}")
    _praise(student)


def _call(student: Callable[..., Any], arguments: tuple, params: Mapping[str, Any]) -> Any:
    try:
        return student(*arguments, **params)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(
            f"{_written(student, arguments, params)} stopped with {type(error).__name__}: {error}"
        ) from error


def _close(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, list | tuple):
        try:
            got = list(got)
        except TypeError:
            return False
        return len(got) == len(wanted) and all(map(_close, got, wanted))
    if isinstance(wanted, bool | str | None):
        # A NumPy bool equals True; the number 1 for a yes is not what was asked for.
        return type(got).__name__.rstrip("_") == type(wanted).__name__ and bool(got == wanted)
    if isinstance(got, str | bytes) or type(got).__name__.rstrip("_") == "bool":
        return False
    try:
        number = float(got)
    except (TypeError, ValueError, OverflowError):
        return False
    return math.isclose(number, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 1e-3)


def _written(student: Callable[..., Any], arguments: tuple, params: Mapping[str, Any]) -> str:
    inside = [repr(each) for each in arguments] + [f"{k}={v!r}" for k, v in params.items()]
    return f"{getattr(student, '__name__', 'your answer')}({', '.join(inside)})"


def _draw(got: Sequence[Any], wanted: Sequence[float]) -> None:
    """Both curves, where a notebook can show them and the answers are numbers at all."""
    try:
        from IPython import get_ipython
        from IPython.display import display

        curve = [float(value) for value in got]
    except (ImportError, TypeError, ValueError):
        return
    if get_ipython() is not None:
        from course_lib.plots import plot_answer

        display(plot_answer(curve, wanted))


def _praise(student: Callable[..., Any]) -> None:
    print(f"Correct: {getattr(student, '__name__', 'your answer')}")
