"""Puzzles: a curve without a name, to be matched by a formula and its parameters."""

from typing import Any

from course_lib.formulas.parameters import Whole
from course_lib.looks import PALETTE
from course_lib.schedules import (
    Schedule,
    cosine,
    cosine_restarts,
    exponential,
    one_cycle,
    polynomial,
    step_decay,
    warmup,
    wsd,
)
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.explorer import assembled, highest, imported, named_code
from course_lib.widgets.numbers import short
from course_lib.widgets.panel import Panel
from course_lib.widgets.schedules import node_of

UPDATES, CLOSE = 100, 0.02

# From easy to hard. A page gets the values of its curve only.
PUZZLES = (
    Schedule(step_decay, lr=0.24, every=23, factor=0.42),
    Schedule(exponential, lr=0.52, factor=0.63, every=10),
    Schedule(cosine, peak_lr=0.17, total_steps=83, final_lr=0.022),
    Schedule(polynomial, peak_lr=0.36, total_steps=91, power=0.65, final_lr=0.013),
    Schedule(warmup, then=Schedule(cosine, peak_lr=0.43, total_steps=79), warmup_steps=17),
    Schedule(wsd, peak_lr=0.27, total_steps=94, warmup_steps=9, cooldown_steps=37),
    Schedule(cosine_restarts, peak_lr=0.62, cycle_steps=14, cycle_factor=2, peak_factor=0.74),
    Schedule(one_cycle, peak_lr=0.33, total_steps=97, warmup_fraction=0.37, start_factor=7.0),
)

# Where the formulas begin, by the name under which they are chosen.
STARTS = {
    "step_decay": Schedule(step_decay, lr=0.1, every=50, factor=0.5),
    "exponential": Schedule(exponential, lr=0.1, factor=0.9, every=10),
    "polynomial": Schedule(polynomial, peak_lr=0.1, total_steps=UPDATES, power=1.0),
    "cosine": Schedule(cosine, peak_lr=0.1, total_steps=UPDATES),
    "warmup, cosine": Schedule(
        warmup, then=Schedule(cosine, peak_lr=0.1, total_steps=90), warmup_steps=10
    ),
    "wsd": Schedule(wsd, peak_lr=0.1, total_steps=UPDATES, warmup_steps=20, cooldown_steps=20),
    "cosine_restarts": Schedule(cosine_restarts, peak_lr=0.1, cycle_steps=50),
    "one_cycle": Schedule(one_cycle, peak_lr=0.1, total_steps=UPDATES),
}

# The parameters that have a slider: low, high, scale, and what the field beside it allows.
_RATE = (0.01, 1.0, "log", (1e-6, None))
_FLOOR = (0.001, 0.3, "log", (0.0, None))
_LENGTH = (10, 150, "whole", (1, None))
_PART = (0.1, 1.0, "linear", (1e-6, None))
SLIDERS: dict[str, dict[str, tuple]] = {
    "step_decay": {"lr": _RATE, "every": (1, 60, "whole", (1, None)), "factor": _PART},
    "exponential": {"lr": _RATE, "factor": _PART},
    "polynomial": {
        "peak_lr": _RATE,
        "total_steps": _LENGTH,
        "power": (0.5, 4.0, "linear", (1e-6, None)),
        "final_lr": _FLOOR,
    },
    "cosine": {"peak_lr": _RATE, "total_steps": _LENGTH, "final_lr": _FLOOR},
    "warmup, cosine": {
        "warmup_steps": (0, 50, "whole", (0, None)),
        "then.peak_lr": _RATE,
        "then.total_steps": _LENGTH,
        "then.final_lr": _FLOOR,
    },
    "wsd": {
        "peak_lr": _RATE,
        "total_steps": _LENGTH,
        "warmup_steps": (0, 50, "whole", (0, None)),
        "cooldown_steps": (1, 90, "whole", (1, None)),
    },
    "cosine_restarts": {
        "peak_lr": _RATE,
        "cycle_steps": (5, 100, "whole", (1, None)),
        "cycle_factor": (1, 4, "whole", (1, None)),
        "peak_factor": _PART,
    },
    "one_cycle": {
        "peak_lr": _RATE,
        "total_steps": _LENGTH,
        "warmup_fraction": (0.05, 0.6, "linear", (0.02, 1.0)),
        "start_factor": (1.0, 50.0, "log", (1e-6, None)),
    },
}


def view_puzzle(values, data):
    """The curve to be matched, yours, and how far they are apart."""
    target, entry = data["target"], data["formulas"][values["formula"]]
    given = {}
    for path, value in entry["defaults"]:
        given[path] = value
    for name in values:
        given[name] = values[name]
    schedule = assembled(entry["node"], given)
    last = len(target)
    mine = [schedule(t) for t in range(last)]
    peak, top = highest(target)
    apart, where = highest([abs(mine[t] - target[t]) for t in range(last)])
    distance = f"{short(100 * apart / peak, 3)} % of the curve's peak"
    return {
        "chart": chart(
            f"A thick grey curve to match and a thin one, yours, {values['formula']}; they are at "
            f"most {distance} apart",
            "update",
            0,
            last,
            puzzle_rows(target, mine, peak, where, values["formula"], data),
        ),
        "report": f"Largest difference: {distance}, at update {where}, where yours is "
        f"{short(mine[where])} and the curve {short(target[where])}.\nThe curve begins at "
        f"{short(target[0])}, has its peak, {short(peak)}, at update {top}, and ends at "
        f"{short(target[-1])}.",
        "code": named_code(schedule, last, data),
        "reached": apart < data["close"] * peak,
        "missing": f"{short(100 * apart / peak, 3)} % at update {where}",
    }


def puzzle_rows(target, mine, peak, where, formula, data):
    """Both curves, and below them the difference with its bounds."""
    updates, allowed = list(range(len(target))), 100 * data["close"]
    share = [100 * (mine[t] - target[t]) / peak for t in updates]
    curves = [
        line("the curve to match", updates, target, "#888", width=7, steps=True),
        line(f"yours: {formula}", updates, mine, data["color"], steps=True),
    ]
    bounds = [mark(allowed, "", dash="2 3"), mark(-allowed, "", dash="2 3")]
    return [
        row("learning rate", curves, 0.0, 1.25 * peak, height=210),
        row(
            "yours - curve, %",
            [line("", updates, share, data["color"], width=1.5, steps=True)],
            -5 * allowed,
            5 * allowed,
            height=110,
            marks=[mark(where, f"farthest: {where}", "#888")],
            levels=bounds,
        ),
    ]


def puzzle(number: int = 1) -> Panel:
    """Which formula, with which parameters? Match the grey curve: nowhere more than 2 % of its peak
    away. `number` goes from 1, the easiest, to 8.

    >>> panel = puzzle(1)
    >>> panel.reached
    False
    >>> step = {"step_decay.lr": 0.24, "step_decay.every": 23, "step_decay.factor": 0.42}
    >>> panel.at(step, formula="step_decay").reached
    True
    """
    number = Whole(low=1).check("number", number)
    if number > len(PUZZLES):
        raise ValueError(f"number must be at most {len(PUZZLES)}, got {number}")
    controls = [Control("formula", "choice", "formula", "polynomial", options=tuple(STARTS))]
    formulas = {}
    for name, schedule in STARTS.items():
        node = node_of(schedule, name)
        defaults = _values(node, schedule)
        formulas[name] = {"node": node, "defaults": [list(each) for each in defaults.items()]}
        for label, (low, high, scale, allowed) in SLIDERS[name].items():
            path = f"{name}.{label}"
            more = {"allowed": allowed, "when": ("formula", name), "group": "Parameters"}
            more["zero"] = label.endswith("final_lr")
            label = label.removeprefix("then.")
            controls.append(
                Control(path, "slider", label, defaults[path], low, high, scale, **more)
            )
    data = {
        "target": [float(f"{rate:.4g}") for rate in PUZZLES[number - 1].values(UPDATES)],
        "close": CLOSE,
        "formulas": formulas,
        "imports": imported(),
        "color": PALETTE[0],
    }
    return Panel(
        f"Match the curve: puzzle {number} of {len(PUZZLES)}",
        tuple(controls),
        view_puzzle,
        data,
        goal=f"at every update less than {100 * CLOSE:g} % of the curve's peak away",
        gallery=True,
    )


def _values(node: dict, schedule: Schedule) -> dict:
    """What each parameter is, by its path; those of a schedule inside too."""
    found: dict[str, Any] = {}
    for each in node["params"]:
        if each["kind"] == "Schedule":
            found |= _values(each["node"], schedule.params[each["name"]])
        else:
            found[each["path"]] = schedule.params.get(each["name"], each["default"])
    return found
