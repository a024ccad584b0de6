"""Two milestones: PyTorch and Keras read the same numbers, and drop the rate one update apart."""

from course_lib.decays import multistep, piecewise_constant
from course_lib.plots import PALETTE
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Control, Panel

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
        raise ValueError("the two milestones must be two updates, got " + str(first) + " twice")
    lr, factor, last = data["lr"], data["factor"], data["updates"]
    places = [min(first, second), max(first, second)]
    less = 1 if values["boundaries"] == data["one_less"] else 0
    boundaries = [each - less for each in places]
    levels = [lr * factor**i for i in range(3)]
    torch = [multistep(t, lr=lr, milestones=places, factor=factor) for t in range(last)]
    keras = [keras_rate(t, boundaries, levels) for t in range(last)]
    apart = [t for t in range(last) if abs(torch[t] - keras[t]) > 1e-9 * lr]
    updates = list(range(last))
    shown = [t for t in updates if abs(t - places[0]) <= 3]
    blue, orange = data["colors"][0], data["colors"][1]
    ends = [lr * factor**2 / 3, lr * 3]
    whole = row(
        "learning rate",
        [
            line("PyTorch", updates, torch, blue, "", False, 4),
            line("Keras", updates, keras, orange, "6 3"),
        ],
        ends[0],
        ends[1],
        True,
        150,
        [mark(each, str(each)) for each in places],
    )
    near = {
        "label": "updates around the first milestone",
        "low": places[0] - 3.5,
        "high": places[0] + 3.5,
        "log": False,
    }
    zoom = row(
        "learning rate",
        [
            line("PyTorch, one update", shown, [torch[t] for t in shown], blue, "", True, 4),
            line("Keras, one update", shown, [keras[t] for t in shown], orange, "", True, 1.5),
        ],
        ends[0],
        ends[1],
        True,
        130,
        [mark(places[0], "milestone " + str(places[0]))],
        None,
        near,
    )
    drops = [t for t in range(1, last) if torch[t] < torch[t - 1]]
    late = [t for t in range(1, last) if keras[t] < keras[t - 1]]
    report = "First updates with a lower rate: PyTorch " + " and ".join([str(t) for t in drops])
    report += ", Keras " + (" and ".join([str(t) for t in late]) if len(late) > 0 else "none")
    report += ".\nThe two use different rates at " + str(len(apart)) + " of " + str(last)
    report += " updates" + (": " if len(apart) > 0 else "") + " and ".join([str(t) for t in apart])
    report += "."
    if len(apart) > 0:
        t = apart[0]
        report += " Update " + str(t) + " is made with " + short(torch[t]) + " in PyTorch and with "
        report += short(keras[t]) + " in Keras."
    rate, gamma = literal(lr, "float"), literal(factor, "float")
    marks = "[" + str(places[0]) + ", " + str(places[1]) + "]"
    limits = "[" + str(boundaries[0]) + ", " + str(boundaries[1]) + "]"
    powers = "[" + rate + " * " + gamma + "**i for i in range(3)]"
    return {
        "chart": chart(
            "A rate of three steps in PyTorch and in Keras, which differ at "
            + str(len(apart))
            + " of "
            + str(last)
            + " updates, and the updates around "
            + str(places[0])
            + " one by one",
            "update",
            0,
            last,
            [whole, zoom],
        ),
        "report": report,
        "code": [
            [
                "course_lib",
                "schedule = Schedule(multistep, lr="
                + rate
                + ", milestones="
                + marks
                + ", factor="
                + gamma
                + ")",
            ],
            [
                "PyTorch",
                "from torch.optim.lr_scheduler import MultiStepLR\n"
                "optimizer = torch.optim.SGD(model.parameters(), lr="
                + rate
                + ")\nscheduler = MultiStepLR(optimizer, milestones="
                + marks
                + ", gamma="
                + gamma
                + ")",
            ],
            [
                "Keras",
                "from keras.optimizers.schedules import PiecewiseConstantDecay\n"
                "rates = PiecewiseConstantDecay("
                + limits
                + ", "
                + powers
                + ")\noptimizer = keras.optimizers.SGD(learning_rate=rates)",
            ],
        ],
        "reached": len(apart) == 0 and drops == data["wanted"],
    }


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
    low, high = 1, UPDATES - 1
    kept = dict(low=low, high=high, scale="whole", allowed=(low, high), drag=True)
    controls = (
        Control("first", "slider", "first milestone", 30, **kept),
        Control("second", "slider", "second milestone", 60, **kept),
        Control(
            "boundaries",
            "choice",
            "boundaries for Keras",
            AS_WRITTEN,
            options=(AS_WRITTEN, ONE_LESS),
        ),
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
