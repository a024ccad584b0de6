"""A run that is killed and resumed, with some of its state or all of it."""

from course_lib.decays import cosine
from course_lib.parameters import Flag, Number, Whole
from course_lib.plots import LOOKS, PALETTE
from course_lib.widgets.chance import normals
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Control, Panel

STEPS, EARLY, LATE = 100, 30, 70
STEEP, FLAT, MOMENTUM, NOISE = 20.0, 1.0, 0.9, 0.3
START = [1.0, 1.0, 0.0, 0.0]


def updated(state, lr, momentum, steep, flat, noise):
    """One update of SGD with momentum, in PyTorch's form, on (steep * w**2 + flat * v**2) / 2, with
    some noise on both gradients. The state is [w, v, speed of w, speed of v].

        speed = momentum * speed + gradient,    weight = weight - lr * speed

    >>> updated([1.0, 1.0, 0.0, 1.0], 0.25, 0.5, 2.0, 1.0, 0.0)
    [0.5, 0.625, 2.0, 1.5]
    """
    speed_w = momentum * state[2] + steep * state[0] + noise
    speed_v = momentum * state[3] + flat * state[1] + noise
    return [state[0] - lr * speed_w, state[1] - lr * speed_v, speed_w, speed_v]


def resumed_run(state, first, done, data, lr):
    """The updates from number `first` to the last, under a schedule that believes that `done` were
    made before: the rates, and the states, one before each update and one after the last."""
    states, rates = [state], []
    for step in range(first, data["steps"]):
        rate = cosine(step - first + done, peak_lr=lr, total_steps=data["steps"])
        noise = data["noise"][step]
        rates.append(rate)
        state = updated(state, rate, data["momentum"], data["steep"], data["flat"], noise)
        states.append(state)
    return {"rates": rates, "states": states}


def view_resume(values, data):
    """The rates and the losses of the whole run and of the resumed one."""
    kill, lr, steps = values["kill"], values["lr"], data["steps"]
    whole = resumed_run(data["start"], 0, 0, data, lr)
    kept, fresh = whole["states"][kill], data["start"]
    weights = kept if values["weights"] else fresh
    speeds = kept if values["optimizer"] else fresh
    state = [weights[0], weights[1], speeds[2], speeds[3]]
    again = resumed_run(state, kill, kill if values["schedule"] else 0, data, lr)
    rate_gap, rate_at, gap, gap_at = 0.0, kill, 0.0, kill
    for i in range(steps - kill + 1):
        if i < steps - kill:
            off = abs(again["rates"][i] - whole["rates"][kill + i])
            if off > rate_gap:
                rate_gap, rate_at = off, kill + i
        for k in [0, 1]:
            off = abs(again["states"][i][k] - whole["states"][kill + i][k])
            if off > gap:
                gap, gap_at = off, kill + i
    runs = [
        {"name": "never killed", "first": 0, "run": whole, "color": data["colors"][0]},
        {"name": "resumed", "first": kill, "run": again, "color": data["colors"][1]},
    ]
    rates, losses, ends = [], [], []
    for i in range(2):
        one, dash = runs[i], "6 4" if i == 1 else ""
        xs = list(range(one["first"], steps + 1))
        height = [loss_of(each, data) for each in one["run"]["states"]]
        rates.append(line(one["name"], xs[0:-1], one["run"]["rates"], one["color"], dash, width=3))
        losses.append(line(one["name"], xs, height, one["color"], dash, width=2))
        ends.append(height[len(height) - 1])
    missing = []
    for piece in data["pieces"]:
        if not values[piece["name"]]:
            missing.append(piece["words"])
    report = "Killed after " + str(kill) + " of " + str(steps) + " updates and resumed "
    if len(missing) == 0:
        report += "with all of its state: "
    else:
        report += "without " + " and without ".join(missing) + ": "
    exact = rate_gap == 0 and gap == 0
    if exact:
        report += "not the least difference, in any rate or weight."
    else:
        report += "the rates differ by up to " + short(rate_gap)
        report += (" (update " + str(rate_at) + ")" if rate_gap > 0 else "") + ", the weights by up"
        report += " to " + short(gap) + " (before update " + str(gap_at) + ")."
    report += "\nThe loss at the end is " + short(ends[1]) + "; never killed, " + short(ends[0])
    report += ". The last rate is " + short(again["rates"][steps - kill - 1]) + "; never killed, "
    report += short(whole["rates"][steps - 1]) + "."
    label = "Rate and loss of a run of " + str(steps) + " updates, never killed and killed after "
    label += str(kill) + ("; the two lines are one." if exact else "; the two lines part.")
    killed = [mark(kill, "killed")]
    return {
        "chart": chart(
            label,
            "update",
            0,
            steps,
            [
                row("rate", rates, 0, 1.15 * lr, height=150, marks=killed),
                row("loss", losses, None, None, True, 180, marks=[mark(kill, "")]),
            ],
        ),
        "report": report,
        "code": resume_code(values, data),
        "reached": exact and data["early"] <= kill and kill <= data["late"],
    }


def loss_of(state, data):
    """The loss at a state's weights, without the noise."""
    return (data["steep"] * state[0] ** 2 + data["flat"] * state[1] ** 2) / 2


def resume_code(values, data):
    """The same in each library: what is saved, and what is put back."""
    done = str(values["kill"] if values["schedule"] else 0)
    lr, steps = literal(values["lr"], "float"), str(data["steps"])
    plan = "Schedule(cosine, peak_lr=" + lr + ", total_steps=" + steps + ")"
    sgd = "SGD(model.parameters(), lr=" + lr + ", momentum=" + literal(data["momentum"], "float")
    saved, after = [], []
    if values["weights"]:
        saved.append("'model': model.state_dict()")
        after.append("model.load_state_dict(saved['model'])")
    after.append("optimizer = torch.optim." + sgd + ")")
    if values["optimizer"]:
        saved.append("'optimizer': optimizer.state_dict()")
        after.append("optimizer.load_state_dict(saved['optimizer'])")
    after.append("scheduler = TorchSchedule(optimizer, " + plan + ")")
    if values["schedule"]:
        saved.append("'scheduler': scheduler.state_dict()")
        after.append("scheduler.load_state_dict(saved['scheduler'])")
    torch, keras = ["# nothing is put back: a new run"], ["# nothing is put back: a new run"]
    if len(saved) > 0:
        torch = ["torch.save({" + ",\n    ".join(saved) + "}, 'run.pt')", "# in the new process"]
        torch.append("saved = torch.load('run.pt')")
        keras = ["model.save('run.keras')", "# in the new process"]
        if len(saved) == 3:
            keras.append("model = keras.models.load_model('run.keras')")
        else:  # the new model is built and compiled as the old one was
            keras.append("old = keras.models.load_model('run.keras')")
    if values["weights"] and len(saved) < 3:
        keras.append("model.set_weights(old.get_weights())")
    if values["optimizer"] and len(saved) < 3:
        keras.append("for new, kept in zip(model.optimizer.momentums, old.optimizer.momentums):")
        keras.append("    new.assign(kept)")
    if values["schedule"] and len(saved) < 3:
        keras.append("model.optimizer.iterations.assign(old.optimizer.iterations)")
    own = "schedule = " + plan + "\ndone = " + done + "  # the updates that it believes made\n"
    own += (
        "rates = [schedule(done + i) for i in range(" + str(data["steps"] - values["kill"]) + ")]"
    )
    return [
        ["course_lib", own],
        ["PyTorch", "\n".join(torch) + "\n" + "\n".join(after)],
        ["Keras", "\n".join(keras)],
    ]


def kill_and_resume(
    kill: int = 20,
    lr: float = 0.05,
    weights: bool = False,
    optimizer: bool = False,
    schedule: bool = False,
) -> Panel:
    """A run of 100 updates of SGD with momentum 0.9 under a cosine, on two weights and the same
    noise each time, is killed after `kill` updates and resumed for the others. Say what is put
    back: the weights, the optimizer's state (the speed that momentum gathers), the schedule's step
    count. Find what it takes to end where the run that was never killed ends, to the last bit.

    >>> kill_and_resume().reached, kill_and_resume(kill=50, weights=True, schedule=True).reached
    (False, False)
    >>> kill_and_resume(kill=50).at(weights=True, optimizer=True, schedule=True).reached
    True
    """
    Whole(low=1).check("kill", kill)
    if kill >= STEPS:
        raise ValueError(f"kill must be below {STEPS}, the length of the run, got {kill}")
    Number(above=True, high=0.5).check("lr", lr)
    flags = {"weights": weights, "optimizer": optimizer, "schedule": schedule}
    for name, value in flags.items():
        Flag().check(name, value)
    controls = (
        Control("kill", "slider", "killed after", kill, 1, STEPS - 1, "whole", drag=True),
        Control("lr", "slider", "peak rate", float(lr), 0.001, 0.15, "log", allowed=(1e-9, 0.5)),
        Control("weights", "flag", "the weights", weights, group="Put back"),
        Control("optimizer", "flag", "the optimizer's state", optimizer, group="Put back"),
        Control("schedule", "flag", "the schedule's count", schedule, group="Put back"),
    )
    data = {
        "steps": STEPS,
        "start": START,
        "steep": STEEP,
        "flat": FLAT,
        "momentum": MOMENTUM,
        "noise": [round(NOISE * each, 4) for each in normals(4, STEPS)],
        "early": EARLY,
        "late": LATE,
        "colors": [LOOKS["cosine"]["color"], PALETTE[1]],
        "pieces": [
            {"name": "weights", "words": "its weights"},
            {"name": "optimizer", "words": "the optimizer's state"},
            {"name": "schedule", "words": "the schedule's count"},
        ],
    }
    return Panel(
        "A run that is killed and resumed",
        controls,
        view_resume,
        data,
        goal=f"killed after an update from {EARLY} to {LATE}, and afterwards a difference of 0 in "
        "every rate and weight",
    )
