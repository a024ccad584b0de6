"""Schedules that a view makes from its controls, in Python and in the browser.

What stands here has a form of its own in browser.js: there a schedule is a function that carries
its formula, its parameters and its node. A node is what `node_of` says of a schedule, in plain
values: which formula, and of each parameter the kind, the default and whether it was given.
"""

import inspect
from functools import cache
from typing import Any

from course_lib import rosetta
from course_lib.formulas.parameters import Maybe, Whole, limits
from course_lib.rosetta import kind_of
from course_lib.schedules import FORMULAS, GALLERY, Schedule

SHOWN = ("torch", "keras")  # of rosetta.PEERS, those whose calls a panel writes


def key_of(schedule: Schedule) -> str:
    """The first name of GALLERY with the same formula.

    >>> key_of(GALLERY["exp_range"])
    'triangular'
    """
    return next(key for key, each in GALLERY.items() if each.formula is schedule.formula)


def importable(schedule: Any) -> bool:
    """Whether it and all that it is made of are schedules of this library's formulas."""
    if not isinstance(schedule, Schedule) or schedule.formula not in FORMULAS.values():
        return False
    parts = [each if isinstance(each, tuple) else (each,) for each in schedule.params.values()]
    return all(importable(each) for part in parts for each in part if callable(each))


def node_of(schedule: Schedule, path: str) -> dict[str, Any]:
    """A schedule in plain values; `path` is put before the names of its parameters."""
    params = []
    for declared in list(inspect.signature(schedule.formula).parameters.values())[1:]:
        name, given = declared.name, declared.name in schedule.params
        value = schedule.params[name] if given else declared.default
        kind = kind_of(value)
        if value is None:
            allowed = limits(declared.annotation)
            assert isinstance(allowed, Maybe)
            kind = "int" if isinstance(allowed.kind, Whole) else "float"
        each: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "given": given,
            "path": f"{path}.{name}",
        }
        if kind == "Schedule":
            each["node"] = node_of(value, each["path"])
        elif kind == "(Schedule)":
            each["nodes"] = [node_of(part, f"{each['path']}.{i}") for i, part in enumerate(value)]
        else:
            each["default"] = (
                None if given and declared.default is declared.empty else declared.default
            )
        params.append(each)
    return {"formula": schedule.formula.__name__, "key": key_of(schedule), "params": params}


def schedule_of(node: dict[str, Any], params: dict[str, Any]) -> Schedule:
    """The schedule with these parameters; those that are neither given nor changed are left out."""
    kept = {
        each["name"]: params[each["name"]]
        for each in node["params"]
        if each["given"] or "default" not in each or params[each["name"]] != each["default"]
    }
    return Schedule(FORMULAS[node["formula"]], **kept)


def code_of(schedule: Schedule) -> str:
    """The code that makes it."""
    return repr(schedule)


def native_call(schedule: Schedule, peer: str) -> str | None:
    """The peer's own call, or None where it has none."""
    try:
        return rosetta.translate(schedule, peer)
    except ValueError:
        return None


@cache
def tables() -> tuple[str, str]:
    """For the browser: the writers of every peer's call, as Python, and the tables of formulas and
    writers, as JavaScript."""
    keys = {key_of(schedule) for schedule in GALLERY.values()}
    writers = [rosetta.writer(key, peer) for key in sorted(keys) for peer in SHOWN]
    names = {
        name: list(inspect.signature(formula).parameters)[1:] for name, formula in FORMULAS.items()
    }
    formulas = ", ".join(f"{name}: [{name}, {parameters}]" for name, parameters in names.items())
    found = ", ".join(
        f"{peer}: {{{', '.join(f'{key}: {peer}_{key}' for key in sorted(keys))}}}" for peer in SHOWN
    )
    return "\n\n".join(
        writers
    ), f"Object.assign(FORMULAS, {{{formulas}}});\nObject.assign(WRITERS, {{{found}}});"
