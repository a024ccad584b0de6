"""One drawn metric, the plateau rule of three libraries: where each cuts the rate."""

from typing import Any

from course_lib.formulas.parameters import Number, Whole
from course_lib.looks import PALETTE
from course_lib.plateau import after, keras_counts
from course_lib.widgets.chart import chart, line, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.series import commas

LR = 0.1
EARLY = 25
LIBRARIES = ("course_lib", "PyTorch", "Keras")

# A validation loss as it may come: it falls, rests for ten evaluations, falls again, creeps on.
METRIC = (
    0.882, 0.693, 0.593, 0.557, 0.496, 0.479, 0.468, 0.433, 0.467, 0.455, 0.437, 0.457, 0.451,
    0.455, 0.371, 0.349, 0.288, 0.269, 0.256, 0.21, 0.233, 0.177, 0.235, 0.201, 0.203, 0.176,
    0.176, 0.226, 0.209, 0.216, 0.18, 0.184, 0.187, 0.169, 0.169, 0.154, 0.168, 0.199, 0.148,
    0.143,
)  # fmt: skip


def torch_rule(factor, patience, threshold, cooldown):
    """What `after` is given to do as torch's ReduceLROnPlateau with these and its own defaults."""
    return {
        "factor": factor,
        "patience": patience,
        "threshold": threshold,
        "threshold_mode": "rel",
        "mode": "min",
        "cooldown": cooldown,
        "min_lr": 0.0,
        "eps": 1e-8,
    }


def own_rule(factor, patience, threshold, cooldown):
    """The same for course_lib's Plateau: the threshold is absolute, and no cut is too small."""
    given = torch_rule(factor, patience, threshold, cooldown)
    given["threshold_mode"] = "abs"
    given["eps"] = 0.0
    return given


def keras_rule(factor, patience, threshold, cooldown):
    """The same for Keras, which counts patience and cooldown in another way."""
    counts = keras_counts(patience, cooldown)
    return own_rule(factor, counts[0], threshold, counts[1])


def plateau_walk(metrics, lr, given):
    """The rates that a plateau sets, one per evaluation, and the evaluations, counted from 1, at
    which it cuts.

    >>> plateau_walk([0.9, 0.9, 0.8, 0.8], 1.0, own_rule(0.5, 0, 0.01, 0))
    {'rates': [1.0, 0.5, 0.5, 0.25], 'cuts': [2, 4]}
    """
    best, bad, wait, rates, cuts = None, 0, 0, [], []
    for i in range(len(metrics)):
        before = lr
        lr, best, bad, wait = after(metrics[i], lr, best, bad, wait, given)
        rates.append(lr)
        if lr < before:
            cuts.append(i + 1)
    return {"rates": rates, "cuts": cuts}


def view_plateau_cuts(values, data):
    """The metric with every cut, and the three rates."""
    metrics, lr, count = values["metric"], data["lr"], len(values["metric"])
    factor, patience = values["factor"], values["patience"]
    threshold, cooldown = values["threshold"], values["cooldown"]
    walks = [
        plateau_walk(metrics, lr, own_rule(factor, patience, threshold, cooldown)),
        plateau_walk(metrics, lr, torch_rule(factor, patience, threshold, cooldown)),
        plateau_walk(metrics, lr, keras_rule(factor, patience, threshold, cooldown)),
    ]
    together, alone = agreement(walks, count)
    missing = missing_words(walks, metrics == data["metric"], data["early"])
    reports = [walk_report(LIBRARIES[k], walks[k], lr) for k in range(3)]
    reports.append(
        f"All three cut together after {together} of the {count} evaluations; after {alone} of "
        "them only one or two cut."
    )
    return {
        "chart": chart(
            f"A metric over {count} evaluations and the rates that three plateau rules make of it; "
            f"they differ at {alone} evaluations.",
            "evaluation",
            1,
            count,
            [metric_row(metrics, walks, data), rates_row(walks, lr, data)],
        ),
        "report": "\n".join(reports),
        "code": plateau_code(lr, factor, patience, threshold, cooldown),
        "reached": missing == "",
        "missing": missing,
    }


def missing_words(walks, as_it_came, early):
    """What keeps the goal from being reached; empty where nothing does.

    >>> missing_words([{"cuts": [25]}, {"cuts": []}, {"cuts": [13, 26]}], True, 25)
    'PyTorch never cuts, Keras cuts at 13'
    """
    if not as_it_came:
        return "you changed the metric: Reset it"
    words = []
    for k in range(len(walks)):
        cuts = walks[k]["cuts"]
        if len(cuts) == 0:
            words.append(f"{LIBRARIES[k]} never cuts")
        elif cuts[0] < early:
            words.append(f"{LIBRARIES[k]} cuts at {cuts[0]}")
    return ", ".join(words)


def metric_row(metrics, walks, data):
    """The metric, and a dot where a library cuts."""
    lines = [line("metric (dots: cuts)", numbered(metrics), metrics, "#888", width=1.5)]
    for k in range(len(walks)):
        cuts, color = walks[k]["cuts"], data["colors"][k]
        # The dots of one evaluation lie on each other, the largest below.
        lines.append(
            line("", cuts, [metrics[i - 1] for i in cuts], color, dots=True, width=6 - 2 * k)
        )
    return row("metric (draw it)", lines, 0, 1, height=210)


def numbered(values):
    """The numbers of so many evaluations, from 1 as in the lesson."""
    return list(range(1, len(values) + 1))


def rates_row(walks, lr, data):
    """The three rates, each upright where it is cut."""
    lines, lowest = [], lr
    for k in range(len(walks)):
        rates, color, dash = walks[k]["rates"], data["colors"][k], data["dashes"][k]
        lowest = min(lowest, rates[-1])
        lines.append(
            line(LIBRARIES[k], numbered(rates), rates, color, dash, width=4 - k, steps=True)
        )
    # A rate that fell without end must not squeeze the others.
    low = max(1e-7, min(lowest / 2, lr / 10))
    return row("rate", lines, low, 2 * lr, log=True, height=150)


def agreement(walks, count):
    """After how many evaluations all walks cut, and after how many only some of them.

    >>> agreement([{"cuts": [1, 3]}, {"cuts": [3, 5]}], 5)
    (1, 2)
    """
    together = alone = 0
    for i in range(1, count + 1):
        cutting = len([walk for walk in walks if i in walk["cuts"]])
        if cutting == len(walks):
            together += 1
        elif cutting > 0:
            alone += 1
    return together, alone


def walk_report(name, walk, lr):
    """When a library cuts, and where its rate ends."""
    if len(walk["cuts"]) == 0:
        return f"{name} cuts never: the rate stays {short(lr)}."
    when = evaluations(walk["cuts"])
    return f"{name} cuts after {when}: from {short(lr)} to {short(walk['rates'][-1])}."


def evaluations(numbers):
    """Evaluations in words; of many only the first.

    >>> evaluations([3]), evaluations([3, 5, 8]), evaluations([1, 2, 3, 4, 5, 6, 7])
    ('evaluation 3', 'evaluations 3, 5, 8', 'evaluations 1, 2, 3, 4, 5 and 2 more')
    """
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"evaluation{'' if len(numbers) == 1 else 's'} {commas(numbers[0:5])}{more}"


def plateau_code(lr, factor, patience, threshold, cooldown):
    """The same numbers given to each library."""
    rate, limit = literal(lr, "float"), literal(threshold, "float")
    start = f"factor={literal(factor, 'float')}, patience={literal(patience, 'int')}"
    end = f"{limit}, cooldown={literal(cooldown, 'int')})"
    own = f"""from course_lib.plateau import Plateau
plateau = Plateau({rate}, {start}, threshold={end}"""
    torch = f"""import torch
model = torch.nn.Linear(1, 1)  # or your own
optimizer = torch.optim.SGD(model.parameters(), lr={rate})
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
    optimizer, {start}, threshold={end}"""
    keras = f"""import keras
callback = keras.callbacks.ReduceLROnPlateau(
    "val_loss", mode="min", {start}, min_delta={end}"""
    return [["course_lib", own], ["PyTorch", torch], ["Keras", keras]]


def plateau_cuts(
    patience: int = 3, factor: float = 0.5, threshold: float = 1e-4, cooldown: int = 0
) -> Panel:
    """Draw a metric, and see after which evaluation course_lib's `Plateau`, PyTorch's and Keras's
    ReduceLROnPlateau cut the rate when they are given the same numbers. Find settings that leave
    the rate alone while the metric still falls, and cut it when nothing more is to be had.

    PyTorch's threshold is a share of the best metric, the others' a difference. Keras waits for one
    evaluation less than the others. It also compares in float32, which matters only where a metric
    misses its bar by less than a ten-millionth.

    >>> plateau_cuts().reached, plateau_cuts(patience=10).reached
    (False, False)
    >>> plateau_cuts().at(patience=8, threshold=0.02).reached
    True
    """
    Whole().check("patience", patience)
    Whole().check("cooldown", cooldown)
    Number().check("threshold", threshold)
    Number(above=True, high=0.99).check("factor", factor)
    from_0: dict[str, Any] = {"zero": True, "allowed": (0, None)}
    controls = (
        Control("metric", "curve", "metric", list(METRIC), 0.0, 1.0),
        Control("patience", "slider", "patience", patience, 0, 15, "whole", allowed=(0, 1000)),
        Control("factor", "slider", "factor", float(factor), 0.05, 0.95, allowed=(0.001, 0.99)),
        Control("threshold", "slider", "threshold", float(threshold), 1e-5, 0.5, "log", **from_0),
        Control("cooldown", "slider", "cooldown", cooldown, 0, 15, "whole", allowed=(0, 1000)),
    )
    data = {
        "metric": list(METRIC),
        "lr": LR,
        "early": EARLY,
        "colors": list(PALETTE[:3]),
        "dashes": ["", "7 4", "2 4"],
    }
    return Panel(
        "A metric, and where three plateau rules cut the rate",
        controls,
        view_plateau_cuts,
        data,
        goal=f"with the metric as it came, all three cut, and none before evaluation {EARLY}",
    )
