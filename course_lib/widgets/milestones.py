"""Two milestones: PyTorch and Keras read the same numbers, and drop the rate one update apart."""

from typing import Any

from course_lib.formulas.decays import multistep, piecewise_constant
from course_lib.looks import PALETTE
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel

UPDATES, WANTED = 100, (40, 75)
AS_WRITTEN, ONE_LESS = "the milestones", "each one less"


def keras_rate(step, boundaries, rates):
    """The rate of an update under Keras's PiecewiseConstantDecay(boundaries, rates), which keeps a
    rate while step <= boundary: the next one is first used by update boundary + 1.

    >>> [keras_rate(t, [2, 4], [1.0, 0.3, 0.1]) for t in range(7)]
    [1.0, 1.0, 1.0, 0.3, 0.3, 0.1, 0.1]
    """
    return piecewise_constant(step, rates=rates, milestones=[each + 1 for each in boundaries])


def view_milestones(values, data):
    """Both frameworks' rates, and the updates around the first milestone."""
    first, second = values["first"], values["second"]
    if first == second:
        raise ValueError(f"the two milestones must be two updates, got {first} twice")
    lr, factor, last = data["lr"], data["factor"], data["updates"]
    places = [min(first, second), max(first, second)]
    less = 1 if values["boundaries"] == data["one_less"] else 0
    boundaries = [each - less for each in places]
    levels = [lr * factor**i for i in range(3)]
    torch = [multistep(t, lr=lr, milestones=places, factor=factor) for t in range(last)]
    keras = [keras_rate(t, boundaries, levels) for t in range(last)]
    apart = [t for t in range(last) if abs(torch[t] - keras[t]) > 1e-9 * lr]
    return {
        "chart": chart(
            f"A rate of three steps in PyTorch and in Keras, which differ at {len(apart)} of "
            f"{last} updates, and the updates around {places[0]} one by one",
            "update",
            0,
            last,
            milestone_rows(torch, keras, places, data),
        ),
        "report": milestones_report(torch, keras, apart),
        "code": drops_code(lr, factor, places, boundaries),
        "reached": len(apart) == 0 and drops_of(torch) == data["wanted"],
        "missing": f"the rates differ at {len(apart)} updates"
        if len(apart) > 0
        else f"both drop at {places[0]} and {places[1]}",
    }


def milestone_rows(torch, keras, places, data):
    """All updates, and below them those around the first milestone one by one."""
    low, high = data["lr"] * data["factor"] ** 2 / 3, data["lr"] * 3
    blue, orange = data["colors"][0], data["colors"][1]
    updates = list(range(len(torch)))
    lines = [
        line("PyTorch", updates, torch, blue, width=4, steps=True),
        line("Keras", updates, keras, orange, "6 3", steps=True),
    ]
    marks = [mark(each, str(each)) for each in places]
    whole = row("learning rate", lines, low, high, log=True, height=150, marks=marks)
    at = places[0]
    near = {
        "label": "updates around the first milestone",
        "low": at - 3.5,
        "high": at + 3.5,
        "log": False,
    }
    shown = [t for t in updates if abs(t - at) <= 3]
    dots = [
        line("PyTorch, one update", shown, [torch[t] for t in shown], blue, dots=True, width=4),
        line("Keras, one update", shown, [keras[t] for t in shown], orange, dots=True, width=1.5),
    ]
    marks = [mark(at, f"milestone {at}")]
    zoom = row("learning rate", dots, low, high, log=True, height=130, marks=marks, x=near)
    return [whole, zoom]


def drops_of(rates):
    """The updates that are the first with a lower rate.

    >>> drops_of([1.0, 1.0, 0.1, 0.1, 0.01])
    [2, 4]
    """
    return [t for t in range(1, len(rates)) if rates[t] < rates[t - 1]]


def milestones_report(torch, keras, apart):
    """Where each drops its rate, and where the two differ."""
    drops = " and ".join([str(t) for t in drops_of(torch)])
    late = " and ".join([str(t) for t in drops_of(keras)])
    where = "" if len(apart) == 0 else ": " + " and ".join([str(t) for t in apart])
    report = f"First updates with a lower rate: PyTorch {drops}, Keras {late}.\n"
    report += f"The two use different rates at {len(apart)} of {len(torch)} updates{where}."
    if len(apart) > 0:
        t = apart[0]
        report += f" Update {t} is made with {short(torch[t])} in PyTorch and with "
        report += f"{short(keras[t])} in Keras."
    return report


def drops_code(lr, factor, places, boundaries):
    """A rate that drops: at some updates here and in PyTorch, after the boundaries in Keras."""
    rate, gamma = literal(lr, "float"), literal(factor, "float")
    marks, limits = literal(places, "[int]"), literal(boundaries, "[int]")
    powers = f"[{rate} * {gamma}**i for i in range({len(places) + 1})]"
    torch = f"""import torch
from torch.optim.lr_scheduler import MultiStepLR
model = torch.nn.Linear(1, 1)  # or your own
optimizer = torch.optim.SGD(model.parameters(), lr={rate})
scheduler = MultiStepLR(optimizer, milestones={marks}, gamma={gamma})"""
    keras = f"""import keras
from keras.optimizers.schedules import PiecewiseConstantDecay
rates = PiecewiseConstantDecay({limits}, {powers})
optimizer = keras.optimizers.SGD(learning_rate=rates)"""
    return [
        [
            "course_lib",
            "from course_lib.schedules import Schedule, multistep\n"
            f"schedule = Schedule(multistep, lr={rate}, milestones={marks}, factor={gamma})",
        ],
        ["PyTorch", torch],
        ["Keras", keras],
    ]


def milestones() -> Panel:
    """A rate of 0.1 that drops to a tenth twice in 100 updates. Move the milestones, with the
    sliders or with the lines of the picture, and choose the boundaries that Keras is given: both
    frameworks shall make every update with the same rate, and drop it at the updates 40 and 75.

    >>> panel = milestones()
    >>> panel.reached, panel.at(first=40, second=75).reached
    (False, False)
    >>> panel.at(first=40, second=75, boundaries="each one less").reached
    True
    """
    kept: dict[str, Any] = dict(
        low=1, high=UPDATES - 1, scale="whole", allowed=(1, UPDATES - 1), drag=True
    )
    options = (AS_WRITTEN, ONE_LESS)
    controls = (
        Control("first", "slider", "first milestone", 30, **kept),
        Control("second", "slider", "second milestone", 60, **kept),
        Control("boundaries", "choice", "boundaries for Keras", AS_WRITTEN, options=options),
    )
    data = {
        "lr": 0.1,
        "factor": 0.1,
        "updates": UPDATES,
        "wanted": list(WANTED),
        "one_less": ONE_LESS,
        "colors": PALETTE[:2],
    }
    return Panel(
        "Milestones in two frameworks",
        controls,
        view_milestones,
        data,
        goal="the same rate at all 100 updates in both, first lower at the updates 40 and 75",
    )
