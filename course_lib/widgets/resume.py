"""A run that is killed and resumed, with some of its state or all of it."""

from typing import Any

from course_lib.formulas.decays import cosine
from course_lib.formulas.parameters import Flag, Number, Whole
from course_lib.looks import LOOKS, PALETTE
from course_lib.widgets.chance import normals
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel

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
    gaps = gaps_of(whole, again, kill)
    exact = gaps["rate"] == 0 and gaps["weight"] == 0
    part = "the two lines are one" if exact else "the two lines part"
    missing = [each["words"] for each in data["pieces"] if not values[each["name"]]]
    state_words = "without " + " and without ".join(missing) if missing else "with all of its state"
    fate = "not the least difference, in any rate or weight." if exact else gaps_report(gaps)
    losses = [loss_of(run["states"][-1], data) for run in [whole, again]]
    return {
        "chart": chart(
            f"Rate and loss of a run of {steps} updates, never killed and killed after {kill}; "
            f"{part}.",
            "update",
            0,
            steps,
            resume_rows(whole, again, kill, lr, data),
        ),
        "report": f"Killed after {kill} of {steps} updates and resumed {state_words}: {fate}\n"
        f"The loss at the end is {short(losses[1])}; never killed, {short(losses[0])}. The last "
        f"rate is {short(again['rates'][-1])}; never killed, {short(whole['rates'][-1])}.",
        "code": resume_code(values, data),
        "reached": exact and data["early"] <= kill and kill <= data["late"],
        "missing": f"killed after update {kill}" if exact else "the two runs differ",
    }


def gaps_of(whole, again, kill):
    """How far the resumed run is from the whole one at most, and at which update first."""
    gaps = {"rate": 0.0, "rate_at": kill, "weight": 0.0, "weight_at": kill}
    for i in range(len(again["rates"])):
        off = abs(again["rates"][i] - whole["rates"][kill + i])
        if off > gaps["rate"]:
            gaps["rate"], gaps["rate_at"] = off, kill + i
    for i in range(len(again["states"])):
        for k in [0, 1]:
            off = abs(again["states"][i][k] - whole["states"][kill + i][k])
            if off > gaps["weight"]:
                gaps["weight"], gaps["weight_at"] = off, kill + i
    return gaps


def gaps_report(gaps):
    """How far the two runs are apart, in words."""
    where = f" (update {gaps['rate_at']})" if gaps["rate"] > 0 else ""
    return (
        f"the rates differ by up to {short(gaps['rate'])}{where}, the weights by up to "
        f"{short(gaps['weight'])} (before update {gaps['weight_at']})."
    )


def resume_rows(whole, again, kill, lr, data):
    """The rates of both runs, and below them their losses."""
    rates, losses = [], []
    for name, run, first, color, dash in [
        ["never killed", whole, 0, data["colors"][0], ""],
        ["resumed", again, kill, data["colors"][1], "6 4"],
    ]:
        xs = list(range(first, data["steps"] + 1))
        height = [loss_of(each, data) for each in run["states"]]
        rates.append(line(name, xs[0:-1], run["rates"], color, dash, width=3, steps=True))
        losses.append(line(name, xs, height, color, dash))
    return [
        row("rate", rates, 0, 1.15 * lr, height=150, marks=[mark(kill, "killed")]),
        row("loss", losses, log=True, height=180, marks=[mark(kill, "")]),
    ]


def loss_of(state, data):
    """The loss at a state's weights, without the noise."""
    return (data["steep"] * state[0] ** 2 + data["flat"] * state[1] ** 2) / 2


def resume_code(values, data):
    """The same in each library: what is saved, and what is put back."""
    rate, kill, steps = literal(values["lr"], "float"), values["kill"], data["steps"]
    imports = "from course_lib.schedules import Schedule, cosine"
    plan = f"Schedule(cosine, peak_lr={rate}, total_steps={steps})"
    done = kill if values["schedule"] else 0
    own = f"""{imports}
schedule = {plan}
done = {done}  # the updates that it believes made
rates = [schedule(done + i) for i in range({steps - kill})]"""
    momentum = f"momentum={literal(data['momentum'], 'float')}"
    torch = f"import torch\nfrom course_lib.pytorch import TorchSchedule\n{imports}\n"
    keras = f"""import keras
{imports}
from course_lib.tensorflow import KerasSchedule
def new_model():  # or your own
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    schedule = KerasSchedule({plan}, {steps})
    model.compile(keras.optimizers.SGD(schedule, {momentum}), 'mse')
    model.optimizer.build(model.trainable_variables)
    return model
model = new_model()
"""
    return [
        ["course_lib", own],
        ["PyTorch", torch + resume_torch(values, f"lr={rate}, {momentum}", plan)],
        ["Keras", keras + resume_keras(values)],
    ]


def resume_torch(values, sgd, plan):
    """What is saved of a run in PyTorch, and how a new process goes on with it."""
    made = {
        "model": "model = torch.nn.Linear(1, 1)  # or your own",
        "optimizer": f"optimizer = torch.optim.SGD(model.parameters(), {sgd})",
        "scheduler": f"scheduler = TorchSchedule(optimizer, {plan})",
    }
    saved, before, after = [], [], []
    for flag, name in [["weights", "model"], ["optimizer", "optimizer"], ["schedule", "scheduler"]]:
        before.append(made[name])
        after.append(made[name])
        if values[flag]:
            saved.append(f"'{name}': {name}.state_dict()")
            after.append(f"{name}.load_state_dict(saved['{name}'])")
    start, again, pieces = "\n".join(before), "\n".join(after), ",\n    ".join(saved)
    if len(saved) == 0:
        return f"# nothing is put back: a new run\n{start}"
    return f"""{start}
torch.save({{{pieces}}}, 'run.pt')  # after {values["kill"]} updates

# in the new process
saved = torch.load('run.pt')
{again}"""


def resume_keras(values):
    """The same in Keras, whose saved model holds all three."""
    kept = [name for name in ["weights", "optimizer", "schedule"] if values[name]]
    if len(kept) == 0:
        return "# nothing is put back: a new run"
    start = f"model.save('run.keras')  # after {values['kill']} updates\n\n# in the new process\n"
    if len(kept) == 3:
        return start + "model = keras.models.load_model('run.keras')"
    lines = ["old, model = keras.models.load_model('run.keras'), new_model()"]
    if values["weights"]:
        lines.append("model.set_weights(old.get_weights())")
    if values["optimizer"]:
        lines.append("for new, kept in zip(model.optimizer.momentums, old.optimizer.momentums):")
        lines.append("    new.assign(kept)")
    if values["schedule"]:
        lines.append("model.optimizer.iterations.assign(old.optimizer.iterations)")
    return start + "\n".join(lines)


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
    ends: dict[str, Any] = {"allowed": (1, STEPS - 1), "drag": True}
    controls = (
        Control("kill", "slider", "killed after", kill, 1, STEPS - 1, "whole", **ends),
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
