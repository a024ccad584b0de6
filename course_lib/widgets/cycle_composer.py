"""The cycle composer: how long the cycles are, where the rate is low, and what they sum to."""

import math
from dataclasses import replace

from course_lib.plots import PALETTE
from course_lib.schedules import Schedule, cosine_restarts, one_cycle, triangular
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.explorer import (
    assembled,
    classes_of,
    controls_of,
    keras_code,
    torch_code,
)
from course_lib.widgets.numbers import short
from course_lib.widgets.panel import Control, Panel
from course_lib.widgets.schedules import code_of, node_of

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
RANGES = {
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
    peak, summed = 0.0, 0.0
    for rate in rates:
        peak, summed = max(peak, rate), summed + rate
    below = len([rate for rate in rates if rate < peak / 10])
    places, shares, restarts, doubled = [], [], [], True
    for i in range(len(cycles)):
        begin, length, last = cycles[i][0], cycles[i][1], cycles[i][2]
        top = 0.0
        for t in range(math.ceil(begin), last + 1):
            top = max(top, rates[t])
        places.append(last)
        shares.append(100 * rates[last] / top if top > 0 else 100.0)
        if last + 1 < total and formula != "one_cycle":
            restarts.append(last + 1)
        if i > 0 and abs(length - 2 * cycles[i - 1][1]) > 1e-9 * length:
            doubled = False
    complete = len([share for share in shares if share < 100 * data["low_share"]])
    updates = list(range(total))
    marks = [mark(t, str(t) if len(restarts) < 8 else "", "#888") for t in restarts]
    curve = row(
        "learning rate",
        [
            line(formula, updates, rates, data["colors"][0]),
            line("snapshot", places, [rates[t] for t in places], data["colors"][1], "", True, 2.5),
        ],
        -0.04 * peak,  # room for the dots
        1.15 * peak if peak > 0 else 1.0,
        False,
        210,
        marks,
    )
    ends = row(
        "% of its peak",
        [line("", places, [max(each, 2e-4) for each in shares], data["colors"][1], "", True, 2.5)],
        1e-4,
        100.0,
        True,
        110,
        [mark(t, "", "#888") for t in restarts],
        [mark(100 * data["low_share"], "1 %", "currentColor", "2 3")],
    )
    report = str(len(cycles)) + (" complete cycle" if len(cycles) == 1 else " complete cycles")
    report += " in " + str(total) + " updates"
    if len(cycles) > 0:
        lengths = [short(each[1], 4) for each in cycles]
        report += ", of length " + first_ones(lengths)
    report += ".\n"
    if len(cycles) > 0:
        said = [str(places[i]) + " (" + short(shares[i]) + " %)" for i in range(len(places))]
        report += "Snapshots, after the last update of a cycle, with the rate as a share of the "
        report += "cycle's peak: " + first_ones(said) + ". Below 1 %: " + str(complete) + ".\n"
    if len(cycles) > 1:
        report += "Each cycle is twice as long as the one before: " + ("yes" if doubled else "no")
        report += ".\n"
    report += "Updates below a tenth of the peak " + short(peak) + ": " + str(below) + " of "
    report += str(total) + ". Sum of the rates: " + short(summed, 4) + "."
    if formula == "one_cycle" and params["total_steps"] < total:
        report += "\nAfter its last update the rate stays; PyTorch's OneCycleLR refuses to go on."
    return {
        "chart": chart(
            "The learning rate of " + formula + " over " + str(total) + " updates, with "
            + str(len(places)) + " snapshots, of which " + str(complete)
            + " are below 1 % of the peak of their cycle",
            "update",
            0,
            total + 4,  # room for the last dot
            [curve, ends],
        ),
        "report": report,
        "code": [
            ["course_lib", "schedule = " + code_of(schedule)],
            ["PyTorch", torch_code(schedule, data["torch"])],
            ["Keras", keras_code(schedule, total, data["keras"])],
        ],
        "reached": complete >= data["wanted"] and doubled,
    }  # fmt: skip


def first_ones(words):
    """The words with commas between; where they are many, the first ones and how many more.

    >>> first_ones(["1", "2"]), first_ones([str(i) for i in range(9)])
    ('1, 2', '0, 1, 2, 3, 4, 5 and 3 more')
    """
    if len(words) <= 7:
        return ", ".join(words)
    return ", ".join(words[:6]) + " and " + str(len(words) - 6) + " more"


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
        "torch": classes_of("torch"),
        "keras": classes_of("keras"),
        "colors": PALETTE[:2],
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
