"""The noise floor: with noisy gradients the loss stops at a height that the rate decides, and a
drop of the rate lets it fall further."""

import numpy as np

from course_lib.decays import multistep
from course_lib.parameters import Whole
from course_lib.plots import PALETTE
from course_lib.widgets.chance import normals
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Control, Panel

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
    lr, now, noted = values["lr"], values["now"], values["drops"]
    word, weights, last = values["factor"], data["weights"], data["updates"]
    factor = data["factors"][word]
    drops = [t for t in range(1, last) if t in noted]  # in order, and each once
    rates = [multistep(t, lr=lr, milestones=drops, factor=factor) for t in range(last)]
    losses = noisy_descent(
        rates[:now], normals(data["seed"], now * weights), weights, data["start"]
    )
    means = []
    for t in range(now + 1):
        first = max(0, t + 1 - data["mean_of"])
        total = 0.0
        for i in range(first, t + 1):
            total = total + losses[i]
        means.append(total / (t + 1 - first))
    present, mean = rates[min(now, last - 1)], means[now]
    floor = floor_of(present)
    past = [t for t in drops if t <= now]
    updates = list(range(now + 1))
    used = [rates[min(t, last - 1)] for t in updates]
    above = row(
        "learning rate",
        [line("rate", updates, used, data["colors"][0])],
        data["low"] / 30,
        4.0,
        True,
        110,
        [mark(t, "", "#888") for t in past],
    )
    below = row(
        "loss",
        [
            line("each update", updates, losses, "#8888", "", False, 1),
            line("mean of the last 20", updates, means, data["colors"][1]),
            line("floor of the present rate", [0, last], [floor, floor], data["colors"][2], "8 3"),
        ],
        1e-4,
        1e4,
        True,
        250,
        [mark(t, "", "#888") for t in past],
        [mark(data["goal"], "goal", "currentColor", "2 3")],
    )
    step = "s " if len(past) > 1 else " "
    where = " after drops " + word if len(past) > 1 else " after a drop " + word
    where += " at the update" + step + ", ".join([str(t) for t in past]) if len(past) > 0 else ""
    if len(past) == 0:
        where = ", without a drop"
    ratio = mean / floor
    if ratio > 3:
        fate = "The loss is still on its way down to it."
    elif ratio > 1 / 3:
        fate = "The loss has arrived and rattles there: to wait longer does not help."
    else:
        fate = "The loss is below it for now, and the noise will lift it again."
    report = "Update " + str(now) + " of " + str(last) + ": the rate is " + short(present) + where
    report += ".\nMean loss of the last 20 updates: " + short(mean) + ". Floor of this rate, lr / "
    report += "(2 (2 - lr)): " + short(floor) + ". " + fate + "\nNo rate that stays the same gets "
    report += "below " + short(data["fixed"], 2) + " by update " + str(last) + "."
    rate, gamma = literal(lr, "float"), literal(factor, "float")
    marks = "[" + ", ".join([str(t) for t in drops]) + "]"
    sgd = "torch.optim.SGD(model.parameters(), lr=" + rate + ")"
    if len(drops) > 0:
        torch_code = "from torch.optim.lr_scheduler import MultiStepLR\noptimizer = " + sgd
        torch_code += "\nscheduler = MultiStepLR(optimizer, milestones="
        torch_code += marks + ", gamma=" + gamma + ")"
        limits = ", ".join([str(t - 1) for t in drops])
        keras_code = "from keras.optimizers.schedules import PiecewiseConstantDecay\n"
        keras_code += "rates = PiecewiseConstantDecay([" + limits + "], [" + rate + " * " + gamma
        keras_code += "**i for i in range(" + str(len(drops) + 1) + ")])"
        keras_code += "\noptimizer = keras.optimizers.SGD(learning_rate=rates)"
        ours = "schedule = Schedule(multistep, lr=" + rate + ", milestones=" + marks + ", factor="
        ours += gamma + ")"
    else:
        torch_code = "optimizer = " + sgd
        keras_code = "optimizer = keras.optimizers.SGD(learning_rate=" + rate + ")"
        ours = "schedule = Schedule(constant, lr=" + rate + ")"
    return {
        "chart": chart(
            "The learning rate, and below it the noisy loss, which falls to "
            + short(mean)
            + " by update "
            + str(now)
            + "; the floor of the present rate is "
            + short(floor),
            "update",
            0,
            last,
            [above, below],
        ),
        "report": report,
        "code": [["course_lib", ours], ["PyTorch", torch_code], ["Keras", keras_code]],
        "reached": now == last and mean < data["goal"],
    }


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
    controls = (
        Control("lr", "slider", "first rate", 0.5, LOW, HIGH, "log", allowed=(0.001, 1.99)),
        Control("factor", "choice", "a drop is", "to a tenth", options=("to a tenth", "to a half")),
        Control("now", "play", "update", UPDATES, 1, UPDATES, allowed=(1, UPDATES)),
        Control("drops", "note", "Drop the rate now", [], notes="now"),
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
