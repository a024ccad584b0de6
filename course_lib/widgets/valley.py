"""The valley: gradient descent between two walls, one steep and one flat, and the edge 2 / L."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from course_lib.formulas.parameters import MOMENTUM, Number, Whole
from course_lib.looks import PALETTE
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.series import first_lasting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GOAL = 1e-6
BLUE, ORANGE = "#0072B2", "#D55E00"


def valley_path(start: float, *, lr: float, curvature: float, steps: int) -> list[float]:
    """Gradient descent on f(w) = curvature * w**2 / 2: the start, then w after each update.

        w(t + 1) = w(t) - lr * curvature * w(t) = (1 - lr * curvature) * w(t)

    >>> valley_path(1.0, lr=0.25, curvature=2.0, steps=3)
    [1.0, 0.5, 0.25, 0.125]
    """
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - lr * curvature * path[-1])
    return path


def valley_regime(lr: float, curvature: float) -> str:
    """What the ball does at this rate, in words.

    >>> [valley_regime(lr, curvature=2.0) for lr in (0.1, 0.5, 0.9, 1.0, 1.1)]
    ['creeps', 'lands at once', 'jumps between the walls', 'jumps for ever', 'flies out']
    """
    factor = 1 - lr * curvature
    for exact, words in ((0, "lands at once"), (-1, "jumps for ever")):
        if math.isclose(factor, exact, abs_tol=1e-9):
            return words
    return "creeps" if factor > 0 else "jumps between the walls" if factor > -1 else "flies out"


def descend(lr, momentum, steep, flat, steps):
    """Gradient descent on f(w, v) = (steep * w**2 + flat * v**2) / 2 from (1, 1), in PyTorch's form
    of momentum: the places, one before each update and one after the last.

    >>> descend(0.25, 0.0, 2.0, 1.0, 2)
    [[1.0, 1.0], [0.5, 0.75], [0.25, 0.5625]]
    """
    w, v, speed_w, speed_v = 1.0, 1.0, 0.0, 0.0
    places = [[w, v]]
    for _ in range(steps):
        speed_w = momentum * speed_w + steep * w
        speed_v = momentum * speed_v + flat * v
        w, v = w - lr * speed_w, v - lr * speed_v
        places.append([w, v])
    return places


def view_valley(values, data):
    """The walk seen from above, and its loss."""
    lr, momentum, steep = values["lr"], values["momentum"], values["steep"]
    goal, steps = data["goal"], data["steps"]
    places = descend(lr, momentum, steep, data["flat"], steps)
    losses = [(steep * w * w + data["flat"] * v * v) / 2 for w, v in places]  # w**2 may be an error
    seen = [loss if math.isfinite(loss) else None for loss in losses]
    fall = line("loss", list(range(steps + 1)), seen, data["loss_color"])
    below = row("loss", [fall], 1e-12, 1e3, log=True, height=150, levels=[mark(goal, "goal")])
    edge = 2 * (1 + momentum) / steep
    fate = fate_of(lr, momentum, steep, edge)
    first = first_lasting([loss < goal for loss in losses])
    when = "at no update's end" if first is None else f"from update {first} on"
    end = loss_words(losses[-1])
    return {
        "chart": chart(
            f"Gradient descent in a valley at learning rate {short(lr)}: {fate}",
            "update",
            0,
            steps,
            [seen_from_above(places, steep, data), below],
        ),
        "report": f"The edge is 2 (1 + momentum) / L = {short(edge)}; lr = {short(lr)} is "
        f"{short(lr / edge)} of it, {fate}\nAfter {steps} updates the loss is {end}; "
        f"it is below {short(goal)} {when}.",
        "code": valley_code(lr, momentum),
        "reached": first is not None and steep >= data["steep"],
        "missing": f"L is {short(steep)}, a valley less steep than {short(data['steep'])}"
        if steep < data["steep"]
        else f"after {steps} updates the loss is {end}",
    }


def loss_words(loss):
    """A loss as a number, or in words where it is none.

    >>> loss_words(0.25), loss_words(math.inf), loss_words(math.nan)
    ('0.25', 'more than 1e+308 (an overflow)', 'more than 1e+308 (an overflow)')
    """
    return short(loss) if math.isfinite(loss) else "more than 1e+308 (an overflow)"


def seen_from_above(places, steep, data):
    """The walk between the lines of equal loss."""
    rings, flat = [], data["flat"]
    for height in [0.5, 0.125, 0.03]:
        level = height * (steep + flat)
        angles = [math.pi * i / 40 for i in range(81)]
        along = [math.sqrt(2 * level / flat) * math.cos(angle) for angle in angles]
        across = [math.sqrt(2 * level / steep) * math.sin(angle) for angle in angles]
        rings.append(line("", along, across, "#8888", width=1))
    there = [[w, v] for w, v in places if math.isfinite(w) and math.isfinite(v)]
    along, across = [v for w, v in there], [w for w, v in there]
    walk = [
        line("the walk, seen from above", along, across, data["color"], width=1.5),
        line("", along, across, data["color"], dots=True, width=1.5),
    ]
    plane = {"label": "flat weight", "low": -1.8, "high": 1.8, "log": False}
    return row("steep weight", rings + walk, -1.6, 1.6, height=210, x=plane)


def fate_of(lr, momentum, steep, edge):
    """What the ball does at this rate, in words."""
    if lr / edge > 1.0001:
        return "beyond the edge: along the steep wall each jump is longer than the one before."
    if lr / edge > 0.9999:
        return "on the edge: it jumps between the steep walls for ever."
    if momentum == 0 and lr * steep > 1:
        return "inside the edge: it jumps between the steep walls, and comes nearer."
    return "inside the edge: it comes nearer."


def valley_code(lr, momentum):
    """The rate and the momentum in each library."""
    rate = literal(lr, "float")
    push = f", momentum={literal(momentum, 'float')}" if momentum > 0 else ""
    return [
        [
            "course_lib",
            "from course_lib.schedules import Schedule, constant\n"
            "from course_lib.training import fit\n"
            f"run = fit(Schedule(constant, lr={rate}), data='mnist'{push})",
        ],
        [
            "PyTorch",
            "import torch\nmodel = torch.nn.Linear(1, 1)  # or your own\n"
            f"optimizer = torch.optim.SGD(model.parameters(), lr={rate}{push})",
        ],
        ["Keras", f"import keras\noptimizer = keras.optimizers.SGD(learning_rate={rate}{push})"],
    ]


def valley(lr: float = 0.03, steep: float = 20.0, momentum: float = 0.0, steps: int = 100) -> Panel:
    """A ball in the valley f(w, v) = (steep * w**2 + v**2) / 2, from (1, 1): find the rate and the
    momentum that bring its loss below 1e-6 in `steps` updates, in a valley no less steep.

    >>> valley(lr=0.09).reached, valley(lr=0.11).reached, valley().at(lr=0.06, momentum=0.6).reached
    (True, False, True)
    """
    Whole(low=1).check("steps", steps)
    Number(above=True).check("lr", lr)
    Number(low=1).check("steep", steep)
    MOMENTUM.check("momentum", momentum)
    controls = (
        Control("lr", "slider", "learning rate", float(lr), 0.001, 1.0, "log", allowed=(0, None)),
        Control("momentum", "slider", "momentum", float(momentum), 0.0, 0.98, allowed=(0, 0.999)),
        Control("steep", "slider", "L, the steep wall", float(steep), 1, 50, allowed=(1, None)),
    )
    data: dict[str, Any] = {"flat": 1.0, "steep": steep, "goal": GOAL, "steps": steps}
    data |= {"color": ORANGE, "loss_color": BLUE}
    return Panel(
        "A ball in a valley",
        controls,
        view_valley,
        data,
        goal=f"loss below {GOAL:g} within {steps} updates, and never above it again",
    )


def plot_valley(rates: Sequence[float], *, curvature: float = 2.0, steps: int = 12) -> "Figure":
    """For each rate, the ball's steps on the parabola, and its distance from the bottom."""
    from course_lib.plots import DPI, HEIGHT, WIDTH, plt  # takes a while, and no panel needs it

    many = len(rates) > 1
    # Fixed margins: to compute them takes longer than to draw, and a slider waits for the picture.
    margins = dict(left=0.09, right=0.98, bottom=0.17, top=0.88, wspace=0.28)
    if many:
        margins |= dict(bottom=0.11, wspace=0.1, hspace=0.4)
    figure, grid = plt.subplots(
        *((2, len(rates)) if many else (1, 2)),
        figsize=(WIDTH, HEIGHT * (1.5 if many else 0.9)),
        dpi=DPI,
        sharey="row" if many else False,
        gridspec_kw=margins,
    )
    plt.close(figure)
    walls = [i / 25 - 1.8 for i in range(91)]
    for lr, valley, distance in zip(rates, *grid.reshape(2, -1)):
        path = valley_path(1.0, lr=lr, curvature=curvature, steps=steps)
        heights = [curvature * w * w / 2 for w in path]
        valley.plot(walls, [curvature * w * w / 2 for w in walls], color="0.75", zorder=0)
        valley.plot(path, heights, "o-", color=PALETTE[1], markersize=4)
        valley.plot(1.0, heights[0], "o", color=PALETTE[1], markersize=9, fillstyle="none")
        valley.set(xlim=(-1.8, 1.8), ylim=(-0.15 * curvature, 1.6 * curvature))
        title = f"lr = {lr:g}" + ("\n" if many else ": ") + valley_regime(lr, curvature)
        valley.set_title(title, fontsize=9, loc="left")
        seen = [min(max(abs(w), 1e-12), 1e12) for w in path]  # a log axis has no place for 0
        distance.plot(seen, "o-", color=PALETTE[0], markersize=4)
        distance.axhline(GOAL, color="0.5", linestyle="--", linewidth=1)
        distance.text(steps, GOAL, "goal", ha="right", va="bottom", fontsize=8, color="0.4")
        distance.set(yscale="log", ylim=(1e-9, 1e3))
        for axes, x, y in ((valley, "weight w", "loss L w² / 2"), (distance, "update", "|w|")):
            axes.set_xlabel(x)
            axes.set_ylabel(y if lr == rates[0] else "")
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    return figure
