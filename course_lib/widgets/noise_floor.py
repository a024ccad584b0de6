"""The noise floor: with noisy gradients the loss stops at a height that the rate decides, and a
drop of the rate lets it fall further."""

from typing import Any

import numpy as np

from course_lib.formulas.decays import multistep
from course_lib.formulas.parameters import Whole
from course_lib.looks import PALETTE
from course_lib.widgets.chance import normals
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.milestones import drops_code
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.series import commas, window_means

UPDATES, WEIGHTS, START, MEAN_OF = 400, 40, 100.0, 20
LOW, HIGH = 0.005, 1.9  # the slider's rates


def noisy_descent(rates, noise, weights, start):
    """The loss before the first and after each update, where each of `weights` weights has the
    gradient w + noise, with noise of its own.

        w(t + 1) = w(t) - lr(t) * (w(t) + noise),    loss = mean over the weights of w**2 / 2

    >>> noisy_descent([0.5, 0.5], [0.0, 0.0, 1.0, -1.0], 2, 4.0)
    [8.0, 2.0, 0.625]
    """
    places = [start for _ in range(weights)]
    losses = [start * start / 2]
    for t in range(len(rates)):
        total = 0.0
        for i in range(weights):
            w = places[i]
            w = w - rates[t] * (w + noise[t * weights + i])
            places[i] = w
            total = total + w * w / 2
        losses.append(total / weights)
    return losses


def floor_of(lr):
    """The mean loss w**2 / 2 at which a fixed rate ends, for gradients w + noise of variance 1.

    An update makes w' = (1 - lr) * w - lr * noise. The noise knows nothing of w, so the variance of
    w' is (1 - lr)**2 * v + lr**2. It stays as it is where v = (1 - lr)**2 * v + lr**2, that is

        v = lr**2 / (1 - (1 - lr)**2) = lr / (2 - lr),    mean loss = v / 2 = lr / (2 * (2 - lr))

    >>> floor_of(1.0), floor_of(0.4)
    (0.5, 0.125)
    """
    return lr / (2 * (2 - lr))


def view_noise_floor(values, data):
    """The rate so far, and the loss with its floor."""
    lr, now, last = values["lr"], values["now"], data["updates"]
    factor = data["factors"][values["factor"]]
    drops = [t for t in range(1, last) if t in values["drops"]]  # in order, and each once
    rates = [multistep(t, lr=lr, milestones=drops, factor=factor) for t in range(last)]
    noise = normals(data["seed"], now * data["weights"])
    losses = noisy_descent(rates[:now], noise, data["weights"], data["start"])
    means = window_means(losses, data["mean_of"])
    used = [rates[min(t, last - 1)] for t in range(now + 1)]
    past = [t for t in drops if t <= now]
    mean, floor = means[-1], floor_of(used[-1])
    where = after_drops(past, values["factor"])
    return {
        "chart": chart(
            f"The learning rate, and below it the noisy loss, which falls to {short(mean)} by "
            f"update {now}; the floor of the present rate is {short(floor)}",
            "update",
            0,
            last,
            floor_rows(used, losses, means, floor, past, data),
        ),
        "report": f"Update {now} of {last}: the rate is {short(used[-1])}{where}.\nMean loss of "
        f"the last 20 updates: {short(mean)}. Floor of this rate, lr / (2 (2 - lr)): "
        f"{short(floor)}. {floor_fate(mean / floor)}\nNo rate of the slider that stays the same "
        f"gets below {short(data['fixed'])} by update {last}.",
        "code": floor_code(lr, factor, drops),
        "reached": now == last and mean < data["goal"],
        "missing": f"it is {short(mean)} at update {now}",
    }


def floor_rows(used, losses, means, floor, past, data):
    """The rates that were used, and below them the losses."""
    updates, colors, goal = list(range(len(used))), data["colors"], data["goal"]
    drops = [mark(t, "", "#888") for t in past]
    rate = [line("rate", updates, used, colors[0], steps=True)]
    across = [0, data["updates"]]
    falls = [
        line("each update", updates, losses, "#888", width=1),
        line("mean of the last 20", updates, means, colors[1]),
        line("floor of the present rate", across, [floor, floor], colors[2], "8 3"),
    ]
    wanted = [mark(goal, "goal", dash="2 3")]
    return [
        row("learning rate", rate, data["low"] / 30, 4.0, log=True, height=110, marks=drops),
        row("loss", falls, 1e-4, 1e4, log=True, height=250, marks=drops, levels=wanted),
    ]


def after_drops(past, word):
    """Which drops there were, in words.

    >>> after_drops([], "to a half"), after_drops([3, 5], "to a half")
    (', without a drop', ' after drops to a half at the updates 3, 5')
    """
    if len(past) == 0:
        return ", without a drop"
    if len(past) == 1:
        return f" after a drop {word} at the update {past[0]}"
    return f" after drops {word} at the updates {commas(past)}"


def floor_fate(ratio):
    """What a loss that is so many times its floor will do."""
    if ratio > 3:
        return "The loss is still on its way down to it."
    return "The loss has arrived and rattles there: to wait longer does not help."


def floor_code(lr, factor, drops):
    """The rate and its drops in each library."""
    if len(drops) > 0:
        return drops_code(lr, factor, drops, [t - 1 for t in drops])
    rate = literal(lr, "float")
    return [
        [
            "course_lib",
            "from course_lib.schedules import Schedule, constant\n"
            f"schedule = Schedule(constant, lr={rate})",
        ],
        [
            "PyTorch",
            "import torch\nmodel = torch.nn.Linear(1, 1)  # or your own\n"
            f"optimizer = torch.optim.SGD(model.parameters(), lr={rate})",
        ],
        ["Keras", f"import keras\noptimizer = keras.optimizers.SGD(learning_rate={rate})"],
    ]


def best_fixed(seed: int) -> float:
    """The lowest mean loss of the last 20 updates that one of the slider's rates reaches, kept for
    the whole run.

    >>> round(best_fixed(0), 4)
    0.0045
    """
    noise = np.array(normals(seed, UPDATES * WEIGHTS)).reshape(UPDATES, WEIGHTS)
    rates = LOW * (HIGH / LOW) ** (np.arange(201) / 200)[:, None]
    places, total = np.full((len(rates), WEIGHTS), START), 0.0
    for t in range(UPDATES):
        places = places - rates * (places + noise[t])
        if t >= UPDATES - MEAN_OF:
            total = total + (places**2 / 2).mean(axis=1)
    return float(np.min(total / MEAN_OF))


def noise_floor(seed: int = 0) -> Panel:
    """Gradient descent with noise: 40 weights from 100, each with the gradient w + noise of
    variance 1, for 400 updates. Press Play, and "Drop the rate now" at the right moment: bring the
    mean loss of the last 20 updates to two thirds of what the best fixed rate reaches.

    >>> panel = noise_floor()
    >>> panel.reached, panel.at(lr=0.02).reached, panel.at(lr=0.3, drops=[50, 200]).reached
    (False, False, True)
    """
    seed = Whole().check("seed", seed)
    fixed = best_fixed(seed)
    goal = float(f"{2 / 3 * fixed:.2g}")
    before_the_end: dict[str, Any] = {
        "allowed": (1, UPDATES - 1),
        "hint": "Press Play, or move the update back, and drop the rate on the way.",
    }
    controls = (
        Control("lr", "slider", "first rate", 0.5, LOW, HIGH, "log", allowed=(0.001, 1.99)),
        Control("factor", "choice", "a drop is", "to a tenth", options=("to a tenth", "to a half")),
        Control("now", "play", "update", UPDATES, 1, UPDATES, allowed=(1, UPDATES)),
        Control("drops", "note", "Drop the rate now", [], notes="now", **before_the_end),
    )
    data = {
        "seed": seed,
        "updates": UPDATES,
        "weights": WEIGHTS,
        "start": START,
        "mean_of": MEAN_OF,
        "factors": {"to a tenth": 0.1, "to a half": 0.5},
        "fixed": fixed,
        "goal": goal,
        "low": LOW,
        "colors": PALETTE[:3],
    }
    return Panel(
        "The noise floor",
        controls,
        view_noise_floor,
        data,
        goal=f"mean loss of the last 20 updates below {goal:g} at update {UPDATES}",
    )
