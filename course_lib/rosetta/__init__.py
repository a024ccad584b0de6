"""What six other libraries call our schedules, with the translation of the arguments as code.

rows.py is the table; writer.py turns an expression of it into a call with a schedule's values.
"""

import ast
import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from course_lib.formulas.parameters import Choice
from course_lib.rosetta.rows import PEERS, ROSETTA, Row
from course_lib.rosetta.writer import (
    KNOWN,
    derived,
    kind_of,
    names_of,
    own_lr,
    plain,
    source_of,
    torch_until,
    whole,
)
from course_lib.schedules import GALLERY, Schedule

__all__ = ["PEERS", "ROSETTA", "Row", "derived", "kind_of", "own_lr", "plain", "table"]
__all__ += ["to_keras", "to_torch", "torch_until", "translate", "whole", "writer"]


def to_torch(schedule: Schedule) -> str:
    """The scheduler of torch.optim.lr_scheduler, for an optimizer with the rate `own_lr(schedule)`.

    >>> to_torch(GALLERY["step_decay"])
    'StepLR(optimizer, step_size=30, gamma=0.1)'
    >>> to_torch(GALLERY["rex"])
    Traceback (most recent call last):
    ...
    ValueError: rex: torch has none
    """
    return translate(schedule, "torch")


def to_keras(schedule: Schedule) -> str:
    """The learning rate of keras.optimizers.schedules; its PiecewiseConstantDecay changes late.

    >>> to_keras(GALLERY["multistep"])
    'PiecewiseConstantDecay([49, 74], [0.1, 0.010000000000000002, 0.0010000000000000002])'
    """
    return translate(schedule, "keras")


def translate(schedule: Schedule, peer: str) -> str:
    """The call of any of `PEERS`, with the values of the schedule filled in.

    Raises ValueError where they have none, for any parameters or for these, with the condition that
    does not hold and the note.

    >>> from course_lib.schedules import cosine
    >>> translate(Schedule(cosine, peak_lr=0.1, total_steps=9, final_lr=0.05), "optax")
    'cosine_decay_schedule(0.1, 9, alpha=0.5)'
    """
    Choice(PEERS).check("peer", peer)
    formula = getattr(schedule, "formula", None)
    key = next((key for key, each in GALLERY.items() if each.formula is formula), None)
    if key is None:
        raise ValueError(f"only schedules of GALLERY can be translated, got {schedule!r}")
    written = _function(key, peer)(names_of(schedule))
    if written is None:
        row, text = ROSETTA[key], getattr(ROSETTA[key], peer)
        here = f" with these parameters, only if {_condition(text)}" if text else ""
        note = f". Note: {row.note}" if row.note else ""
        raise ValueError(f"{key}: {peer} has none{here}{note}")
    return written


def table() -> str:
    """The whole table in Markdown, a line for each schedule.

    >>> print(table().splitlines()[0])
    | schedule | ours | torch | keras | optax | timm | transformers | fastai | note |
    """
    lines = [["schedule", "ours", *PEERS, "note"], ["---"] * 9]
    for key, row in ROSETTA.items():
        _, *names = inspect.signature(GALLERY[key].formula).parameters
        # The whole expression: where its condition fails, what was pasted is None, no other curve.
        texts = [getattr(row, peer) for peer in PEERS]
        calls = [f"`{text}`" if text else "-" for text in texts]
        lines.append(
            [key, f"`{GALLERY[key].formula.__name__}({', '.join(names)})`", *calls, row.note]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _condition(text: str) -> str:
    """Where an expression of the table is a call: `a` of "f() if a else None"."""
    tree, found = ast.parse(text, mode="eval").body, list[str]()
    while isinstance(tree, ast.IfExp):
        found.append(ast.unparse(tree.test))
        tree = tree.orelse
    return " or if ".join(found)


def writer(key: str, peer: str) -> str:
    """The source of a function `PEER_KEY(n)` that writes the call of a peer, from the names `n` in
    its expression; it answers None where they have none. See `writer.source_of`.

    >>> print(writer("step_decay", "torch"))
    def torch_step_decay(n):
        every = n['every']
        factor = n['factor']
        return joined(['StepLR(optimizer, step_size=', value(every, 'int'), ', gamma=', \
value(factor, 'float'), ')'])
    """
    return source_of(f"{peer}_{key}", getattr(ROSETTA[key], peer), GALLERY[key], peer)


def _inside(schedule: Schedule, peer: str) -> str:
    """The call as a part of another one: a `lambda` needs brackets there."""
    text = translate(schedule, peer)
    return f"({text})" if text.startswith("lambda ") else text


@cache
def _function(key: str, peer: str) -> Callable[[dict[str, Any]], str | None]:
    here: dict[str, Any] = {
        "value": lambda value, _: repr(value),
        "inner": _inside,
        "joined": "".join,
        "listed": lambda parts, peer: f"[{', '.join(translate(each, peer) for each in parts)}]",
    }
    space = {**KNOWN, **here}
    exec(compile(writer(key, peer), "<rosetta>", "exec"), space)
    return space[f"{peer}_{key}"]
