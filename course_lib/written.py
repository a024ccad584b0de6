"""A schedule in one line of text, cosine(peak_lr=0.3, total_steps=469), and back: for recipes and
saved models. The text is read, never executed: it may come from anyone.
"""

import ast
import inspect
from typing import Any

from course_lib.formulas.parameters import Choice, describe
from course_lib.schedules import FORMULAS, Schedule


def code(value: Any) -> str:
    """A schedule, or a value of one of its parameters, as a recipe writes it.

    >>> code(Schedule(FORMULAS["multistep"], lr=0.1, milestones=[50, 75]))
    'multistep(lr=0.1, milestones=(50, 75))'
    """
    if isinstance(value, Schedule):
        name = describe(value.formula)
        if FORMULAS.get(name) is not value.formula:
            raise ValueError(
                f"schedule: a recipe knows the formulas of GALLERY by name, got {name}; "
                "it must be one of " + ", ".join(FORMULAS)
            )
        params = ", ".join(f"{each}={code(given)}" for each, given in value.params.items())
        return f"{name}({params})"
    if isinstance(value, tuple | list):
        inner = ", ".join(map(code, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if value is None or isinstance(value, str | bool | int | float):
        return repr(value)
    given = describe(value) if callable(value) else repr(value)
    raise ValueError(
        f"schedule: a recipe can hold numbers, words and schedules of GALLERY, got {given}"
    )


def read_schedule(text: str) -> Schedule:
    """The schedule that this code is; an error says what part is wrong.

    >>> read_schedule("constant(lr=0.1)")
    Schedule(constant, lr=0.1)
    >>> read_schedule("cosin(peak_lr=0.1, total_steps=9)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: schedule must be one of constant, ..., got 'cosin' (did you mean cosine?)
    """
    value = read_value("schedule", text)
    if not isinstance(value, Schedule):
        raise ValueError(
            f"schedule must be a formula with its parameters, like constant(lr=0.1), got {text!r}"
        )
    return value


def read_value(name: str, text: str) -> Any:
    """What the code of one parameter stands for: a number, a word in quotes, True, False, None, a
    list or tuple of such, a schedule.

    >>> read_value("milestones", "(30, 60)"), read_value("shape", "'linear'")
    ((30, 60), 'linear')
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return _value(name, tree)
    except (SyntaxError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else "too deeply nested"
        raise ValueError(
            f"{name} must be a number, a word in quotes, a list or a schedule like "
            f"cosine(peak_lr=0.3, total_steps=469), got {cut(text)} ({why})"
        ) from None


def _value(name: str, tree: ast.expr) -> Any:
    if isinstance(tree, ast.Call):
        return _schedule(name, tree)
    if isinstance(tree, ast.Tuple | ast.List):
        return tuple(_value(f"{name}[{i}]", each) for i, each in enumerate(tree.elts))
    if isinstance(tree, ast.Name):
        Choice(tuple(FORMULAS)).check(name, tree.id)
        raise ValueError(f"{name}: {tree.id} needs its parameters: {_signature(tree.id)}")
    minus = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub)
    constant = tree.operand if isinstance(tree, ast.UnaryOp) and minus else tree
    value: Any = constant.value if isinstance(constant, ast.Constant) else ...
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number or (not minus and (value is None or isinstance(value, bool | str)))):
        raise ValueError(
            f"{name} must be a number, a word in quotes, True, False, None, a list of these, or a "
            f"schedule, got {cut(ast.unparse(tree))}"
        )
    return -value if minus else value


def _schedule(name: str, tree: ast.Call) -> Schedule:
    formula = ast.unparse(tree.func)
    Choice(tuple(FORMULAS)).check(name, formula)
    if tree.args or any(each.arg is None for each in tree.keywords):
        raise ValueError(
            f"{name}: {formula} must have every parameter with its name: {_signature(formula)}, "
            f"got {cut(ast.unparse(tree))}"
        )
    params: dict[str, Any] = {}
    for each in tree.keywords:
        given = str(each.arg)
        if given in params:
            raise ValueError(f"{name}: {formula} must have {given} once, got it twice")
        params[given] = _value(given, each.value)
    try:
        return Schedule(FORMULAS[formula], **params)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def _signature(formula: str) -> str:
    _, *declared = inspect.signature(FORMULAS[formula]).parameters
    return f"{formula}({', '.join(f'{each}=...' for each in declared)})"


def cut(text: str) -> str:
    """The text in quotes, no longer than an error can hold."""
    return repr(text if len(text) <= 80 else text[:77] + "...")
