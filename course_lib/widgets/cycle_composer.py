"""The cycle composer: how long the cycles are, where the rate is low, and what they sum to."""

import math
from dataclasses import replace
from typing import Any

from course_lib.looks import LOOKS
from course_lib.schedules import Schedule, cosine_restarts, one_cycle, triangular
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.explorer import (
    assembled,
    controls_of,
    highest,
    imported,
    named_code,
)
from course_lib.widgets.numbers import short
from course_lib.widgets.panel import Panel
from course_lib.widgets.schedules import node_of

UPDATES, WANTED, LOW_SHARE = 300, 4, 0.01
STARTS = {
    "cosine_restarts": Schedule(
        cosine_restarts,
        peak_lr=0.1,
        cycle_steps=50,
        cycle_factor=1.0,
        peak_factor=1.0,
        final_lr=0.0,
        warmup_steps=0,
    ),
    "triangular": Schedule(triangular, base_lr=0.001, peak_lr=0.1, half_cycle_steps=25),
    "one_cycle": Schedule(one_cycle, peak_lr=0.1, total_steps=UPDATES),
}
# Where a slider made from the declared limits would be too coarse, or too wide.
RANGES: dict[str, dict[str, Any]] = {
    "cosine_restarts.cycle_steps": {"low": 5, "high": 150},
    "cosine_restarts.cycle_factor": {"low": 1.0, "high": 3.0},
    "cosine_restarts.warmup_steps": {"low": 0, "high": 40},
    "triangular.half_cycle_steps": {"low": 2, "high": 150},
    "triangular.factor": {"low": 0.98, "high": 1.0},
    "triangular.down_steps": {"low": 2, "high": 150},
    "one_cycle.total_steps": {"low": 20, "high": UPDATES},
}


def cycles_of(formula, params, total):
    """The complete cycles of the first `total` updates: where each begins, its length, and its last
    update. A length need not be whole.

    >>> cycles_of("cosine_restarts", {"cycle_steps": 20, "cycle_factor": 2.0}, 150)
    [[0, 20, 19], [20, 40.0, 59], [60.0, 80.0, 139]]
    """
    if formula == "cosine_restarts":
        begin, length, growth = 0, params["cycle_steps"], params["cycle_factor"]
    elif formula == "triangular":
        down = params["down_steps"] or params["half_cycle_steps"]
        begin, length, growth = 0, params["half_cycle_steps"] + down, 1
    else:
        return [[0, params["total_steps"], params["total_steps"] - 1]]
    found = []
    while begin + length <= total:
        found.append([begin, length, math.ceil(begin + length) - 1])
        begin, length = begin + length, length * growth
    return found


def view_cycles(values, data):
    """The curve, its restarts and its snapshots, and what there is to count."""
    formula, total = values["formula"], data["updates"]
    node = data["nodes"][formula]
    schedule = assembled(node, values)
    params = {}
    for each in node["params"]:
        params[each["name"]] = values[each["path"]]
    rates = [schedule(t) for t in range(total)]
    cycles = [each for each in cycles_of(formula, params, total) if each[2] < total]
    places = [last for begin, length, last in cycles]
    shares = shares_of(rates, cycles)
    complete = len([share for share in shares if share < 100 * data["low_share"]])
    report = cycles_report(cycles, shares, complete, total) + rates_report(rates)
    if formula == "one_cycle" and params["total_steps"] < total:
        report += "\nAfter its last update the rate stays; PyTorch's OneCycleLR refuses to go on."
    return {
        "chart": chart(
            f"The learning rate of {formula} over {total} updates, with {len(places)} snapshots, "
            f"of which {complete} are below 1 % of the peak of their cycle",
            "update",
            0,
            total + 4,  # room for the last dot
            cycles_rows(formula, rates, places, shares, data),
        ),
        "report": report,
        "code": named_code(schedule, total, data),
        "reached": complete >= data["wanted"] and are_doubled(cycles),
        "missing": f"below 1 % are {complete}"
        if complete < data["wanted"]
        else "a cycle is not twice as long as the one before",
    }


def shares_of(rates, cycles):
    """The rate of each cycle's last update, in percent of the cycle's peak.

    >>> shares_of([0.2, 0.1, 0.4, 0.1], [[0, 2, 1], [2, 2, 3]])
    [50.0, 25.0]
    """
    shares = []
    for begin, _, last in cycles:
        peak, _ = highest(rates[math.ceil(begin) : last + 1])
        shares.append(100 * rates[last] / peak if peak > 0 else 100.0)
    return shares


def are_doubled(cycles):
    """Whether each cycle is twice as long as the one before."""
    lengths = [length for begin, length, last in cycles]
    for i in range(1, len(lengths)):
        if abs(lengths[i] - 2 * lengths[i - 1]) > 1e-9 * lengths[i]:
            return False
    return True


def cycles_rows(formula, rates, places, shares, data):
    """The curve with its snapshots, and below it each snapshot's share of its peak."""
    total = len(rates)
    peak, _ = highest(rates)
    restarts = [t + 1 for t in places if t + 1 < total and formula != "one_cycle"]
    taken = [rates[t] for t in places]
    curve = [
        line(formula, list(range(total)), rates, data["colors"][formula], steps=True),
        line("snapshot", places, taken, "currentColor", dots=True, width=2.5),
    ]
    seen = [max(each, 2e-4) for each in shares]
    return [
        row(
            "learning rate",
            curve,
            -0.04 * peak,  # room for the dots
            1.15 * peak if peak > 0 else 1.0,
            height=210,
            marks=[mark(t, str(t) if len(restarts) < 8 else "", "#888") for t in restarts],
        ),
        row(
            "% of its peak",
            [line("", places, seen, "currentColor", dots=True, width=2.5)],
            1e-4,
            100.0,
            log=True,
            height=110,
            marks=[mark(t, "", "#888") for t in restarts],
            levels=[mark(100 * data["low_share"], "1 %", dash="2 3")],
        ),
    ]


def cycles_report(cycles, shares, complete, total):
    """How many cycles, how long, and how low their snapshots are."""
    count = len(cycles)
    report = f"{count} complete cycle{'' if count == 1 else 's'} in {total} updates"
    if count == 0:
        return f"{report}.\n"
    lengths = first_ones([short(length, 4) for begin, length, last in cycles])
    said = first_ones([f"{cycles[i][2]} ({short(shares[i])} %)" for i in range(count)])
    report += f", of length {lengths}.\nSnapshots, after the last update of a cycle, with the rate "
    report += f"as a share of the cycle's peak: {said}. Below 1 %: {complete}.\n"
    if count > 1:
        doubled = "yes" if are_doubled(cycles) else "no"
        report += f"Each cycle is twice as long as the one before: {doubled}.\n"
    return report


def rates_report(rates):
    """How many of the rates are low, and their sum."""
    peak, _ = highest(rates)
    below, summed = 0, 0.0
    for rate in rates:
        summed = summed + rate
        below += 1 if rate < peak / 10 else 0
    report = f"Updates below a tenth of the peak {short(peak)}: {below} of {len(rates)}. "
    return f"{report}Sum of the rates: {short(summed, 4)}."


def first_ones(words):
    """The words with commas between; where they are many, the first ones and how many more.

    >>> first_ones(["1", "2"]), first_ones([str(i) for i in range(9)])
    ('1, 2', '0, 1, 2, 3, 4, 5 and 3 more')
    """
    if len(words) <= 7:
        return ", ".join(words)
    return f"{', '.join(words[:6])} and {len(words) - 6} more"


def cycle_composer() -> Panel:
    """Compose 300 updates of cycles, and take a snapshot of the weights at the end of each. The
    aim: four snapshots at a rate below 1 % of their cycle's peak, while each cycle is twice as long
    as the one before.

    >>> panel = cycle_composer()
    >>> panel.reached, panel.at({"cosine_restarts.cycle_factor": 2.0}).reached
    (False, False)
    >>> doubling = {"cosine_restarts.cycle_factor": 2.0, "cosine_restarts.cycle_steps": 20}
    >>> panel.at(doubling).reached
    True
    """
    controls = [Control("formula", "choice", "formula", "cosine_restarts", options=tuple(STARTS))]
    nodes = {}
    for name, schedule in STARTS.items():
        nodes[name] = node_of(schedule, name)
        for each in controls_of(schedule, nodes[name], name):
            changed = RANGES.get(each.name, {})
            controls.append(replace(each, when=("formula", name), group="Parameters", **changed))
    data = {
        "updates": UPDATES,
        "wanted": WANTED,
        "low_share": LOW_SHARE,
        "nodes": nodes,
        "imports": imported(),
        "colors": {name: LOOKS[name]["color"] for name in STARTS},
    }
    return Panel(
        "Cycles and snapshots",
        tuple(controls),
        view_cycles,
        data,
        goal=f"at least {WANTED} snapshots below 1 % of their cycle's peak in {UPDATES} updates, "
        "each cycle twice as long as the one before",
        gallery=True,
    )
