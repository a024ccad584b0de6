"""How an expression of the Rosetta table becomes a call with a schedule's values in it.

`source_of` turns the expression into the source of a function that writes the call, so that Python
runs it here, and a page its translation into JavaScript. Beside it, what the expressions may name.
"""

import ast
import inspect
import math
import re
from typing import Any

from course_lib.schedules import (
    Schedule,
    batch_scaled,
    constant,
    constant_factor,
    cosine,
    exponential,
    flat_cosine,
    layerwise,
    linear,
    linear_ramp,
    multistep,
    natural_exponential,
    one_cycle,
    one_cycle_momentum,
    polynomial,
    scale,
    step_decay,
)

STAIRS = (constant, constant_factor, step_decay, multistep, exponential, natural_exponential)
SLOPES = (linear, linear_ramp, polynomial, cosine)


def plain(schedule: Schedule) -> bool:
    """Whether torch's scheduler of it multiplies the rate that it finds in the optimizer, so that
    it may stand inside of another one: a one-cycle sets a rate of its own, whatever is around it.

    >>> from course_lib import GALLERY
    >>> plain(GALLERY["cosine"]), plain(GALLERY["one_cycle"])
    (True, False)
    """
    return schedule.formula in STAIRS or schedule.formula in SLOPES


def own_lr(schedule: Schedule) -> float:
    """The rate that torch's optimizer is built with before the scheduler gets it.

    >>> from course_lib import GALLERY
    >>> own_lr(GALLERY["cosine"]), own_lr(GALLERY["scale"])
    (0.1, 0.05)
    """
    params = schedule.params
    if "parts" in params:
        rates = [own_lr(part) for part in params["parts"]]
        return rates[0] if "boundaries" in params else math.prod(rates)
    if "then" in params:
        number = 1.0
        if schedule.formula in (scale, layerwise, batch_scaled):
            number = number_of(schedule)
        return number * own_lr(params["then"])
    return params.get("lr") or params.get("peak_lr") or schedule(0)


def torch_until(schedule: Schedule) -> float:
    """For how many updates torch's own scheduler gives these rates: its cosine climbs again, its
    one-cycle ends; infinity for the others.

    >>> from course_lib import GALLERY
    >>> [torch_until(GALLERY[key]) for key in ("cosine", "warmup", "one_cycle", "linear")]
    [101, 101, 100, inf]
    """
    params = schedule.params
    if schedule.formula in (cosine, flat_cosine):
        return params["total_steps"] + 1
    if schedule.formula in (one_cycle, one_cycle_momentum):
        return params["total_steps"]
    if "then" in params:
        return torch_until(params["then"]) + params.get("warmup_steps", 0)
    if "parts" not in params:
        return math.inf
    ends = [torch_until(part) for part in params["parts"]]
    if "boundaries" in params:
        begins = params["boundaries"]
        for i in range(len(ends)):
            ends[i] += begins[i - 1] if i > 0 else 0
            if i < len(begins) and ends[i] >= begins[i]:  # the next part has begun
                ends[i] = math.inf
    return min(ends)


def number_of(schedule: Schedule) -> float:
    """What a schedule multiplies the schedule inside of it with.

    >>> from course_lib import GALLERY
    >>> number_of(GALLERY["scale"])
    0.5
    """
    return schedule.formula(0, **{**schedule.params, "then": lambda _: 1.0})


def names_of(schedule: Schedule) -> dict[str, Any]:
    """What an expression may use: the parameters, and what the head of rows.py says."""
    _, *declared = inspect.signature(schedule.formula).parameters.values()
    names = {each.name: each.default for each in declared} | schedule.params
    inner = (*names.get("parts", ()), *([names["then"]] if "then" in names else []))
    if any(not isinstance(each, Schedule) for each in inner):
        raise ValueError(f"only schedules of GALLERY can be translated, got {inner!r}")
    return derived(names)


def derived(names: dict[str, Any]) -> dict[str, Any]:
    """The parameters, and the names that follow from them."""
    if "final_lr" in names and "peak_lr" in names:
        names["floor"] = names["final_lr"] / names["peak_lr"] if names["peak_lr"] else 0.0
    if "down_steps" in names:
        names["down_steps"] = names["down_steps"] or names["half_cycle_steps"]
    if "shape" in names and "then" in names:
        names["start"] = names["start_factor"]
        if names["start"] is None:
            names["start"] = (
                0.1 if names["shape"] == "constant" else 1 / (names["warmup_steps"] + 1)
            )
    return names


def whole(number: float) -> bool:
    """Whether a number is whole, but for rounding."""
    return abs(number - math.floor(number + 0.5)) < 1e-9


# --- an expression as a function ------------------------------------------------------------------

KNOWN = {
    **{each.__name__: each for each in (int, len, list, range, round, all, any, zip, dict)},
    "exp": math.exp,
    "whole": whole,
    "own_lr": own_lr,
    "plain": plain,
    "cosine": cosine,
}


def source_of(name: str, text: str | None, schedule: Schedule, peer: str) -> str:
    """The source of a function `name(n)` that writes the call of a peer, from the names `n` in the
    expression `text`; it answers None where they have none. `schedule` shows the types of them.

    What it calls beside `KNOWN`: `value(v, kind)` writes a value as code, where kind is the type
    that it has in the schedule; `inner(schedule, peer)` and `listed(schedules, peer)` the calls for
    what is inside; `joined(texts)` puts texts together.

    >>> from course_lib import GALLERY
    >>> print(source_of("f", "StepLR(step_size=every)", GALLERY["step_decay"], "torch"))
    def f(n):
        every = n['every']
        return joined(['StepLR(step_size=', value(every, 'int'), ')'])
    """
    names = names_of(schedule)
    tree = ast.parse(text, mode="eval").body if text else ast.Constant(None)
    used = sorted({each.id for each in ast.walk(tree) if isinstance(each, ast.Name)} & names.keys())
    lines = [f"    {each} = n[{each!r}]" for each in used]
    body = ast.unparse(ast.fix_missing_locations(_Writer(names, peer).text_of(tree)))
    return "\n".join([f"def {name}(n):", *lines, f"    return {body}"])


class _Writer(ast.NodeTransformer):
    """Turns an expression into one whose value is the text of the call, values filled in."""

    def __init__(self, names: dict[str, Any], peer: str):
        self.names, self.peer, self.holes = names, peer, list[str]()

    def text_of(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.IfExp):
            return ast.IfExp(node.test, self.text_of(node.body), self.text_of(node.orelse))
        if isinstance(node, ast.Constant) and node.value is None:
            return node
        self.holes = []
        text = ast.unparse(ast.fix_missing_locations(self.visit(node)))
        parts = [
            self.holes[int(part)] if number % 2 else repr(part)
            for number, part in enumerate(re.split(r"__hole_(\d+)__", text))
        ]
        shown = ", ".join(part for part in parts if part != repr(""))
        return ast.parse(f"joined([{shown}])", mode="eval").body

    def visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.expr):
            return self.generic_visit(node)
        if isinstance(node, ast.IfExp):
            inside = _Writer(self.names, self.peer)
            return self._hole(ast.unparse(ast.fix_missing_locations(inside.text_of(node))))
        if isinstance(node, ast.Name) and node.id in ("then", "parts"):
            call = "inner" if node.id == "then" else "listed"
            return self._hole(f"{call}({node.id}, {self.peer!r})")
        used = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        bound = {each.id for each in used if isinstance(each.ctx, ast.Store)}
        free = {each.id for each in used} - bound
        if free <= self.names.keys() | KNOWN.keys() and free & self.names.keys():
            code = ast.unparse(node)
            return self._hole(f"value({code}, {kind_of(eval(code, {**KNOWN, **self.names}))!r})")
        return self.generic_visit(node)

    def _hole(self, code: str) -> ast.Name:
        self.holes.append(code)
        return ast.Name(f"__hole_{len(self.holes) - 1}__", ast.Load())


def kind_of(value: Any) -> str:
    """How a value is written: the name of its type, with that of the members for a tuple or a list.

    >>> from course_lib import GALLERY
    >>> kind_of(0.1), kind_of((30, 60)), kind_of([0.1]), kind_of(GALLERY["cosine"])
    ('float', '(int)', '[float]', 'Schedule')
    """
    if isinstance(value, tuple | list) and value:
        left, right = "()" if isinstance(value, tuple) else "[]"
        return f"{left}{type(value[0]).__name__}{right}"
    return type(value).__name__
