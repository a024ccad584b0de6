"""The schedule explorer: every schedule of GALLERY with sliders made from its parameters, several
at once, and the code that makes the same in this library, PyTorch and Keras.
"""

import re
from typing import Any

from course_lib.formulas.parameters import Choice, Flag, Whole, limits
from course_lib.plots import LOOKS
from course_lib.rosetta import ROSETTA, own_lr
from course_lib.schedules import GALLERY, Schedule
from course_lib.widgets.chart import chart, line, row
from course_lib.widgets.controls import Control, control_of
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.schedules import (
    FORMULAS,
    code_of,
    key_of,
    native_call,
    node_of,
    schedule_of,
)


def explore(*schedules: str | Schedule, steps: int = 100, log: bool = False) -> Panel:
    """Move the parameters of any schedules of GALLERY, compare their curves, and copy the code.

    - schedules: names of GALLERY, or schedules made of its formulas, whose parameters are where the
      sliders begin (default: cosine and step_decay).
    - steps: how many updates are drawn.
    - log: whether the rate has a logarithmic axis.

    The arrow keys move a slider; on the picture they read the value of each curve.

    >>> panel = explore("cosine", Schedule(GALLERY["linear"].formula, peak_lr=0.2, total_steps=50))
    >>> panel.values["linear.total_steps"]
    50
    >>> print(panel.at({"cosine.peak_lr": 0.3}).shown()["code"][0][1])
    # cosine
    Schedule(cosine, peak_lr=0.3, total_steps=100)
    <BLANKLINE>
    # linear
    Schedule(linear, peak_lr=0.2, total_steps=50)
    """
    steps = Whole(low=2).check("steps", steps)
    shown, chosen = {**GALLERY}, []
    for each in schedules or ("cosine", "step_decay"):
        if isinstance(each, Schedule) and each.formula in FORMULAS.values():
            key = next((name for name, one in GALLERY.items() if one == each), key_of(each))
            shown[key] = each
        else:
            key = Choice(tuple(GALLERY)).check("schedules", each)
        chosen.append(key)
    controls = [
        Control("schedules", "several", "schedules to compare", chosen, options=tuple(GALLERY)),
        Control(
            "steps", "slider", "updates shown", steps, 2, max(500, steps), "whole", allowed=(2, 1e5)
        ),
        Control("log", "flag", "logarithmic rate", Flag().check("log", log)),
    ]
    entries = {}
    for key, schedule in shown.items():
        style, node = LOOKS[key], node_of(schedule, key)
        entries[key] = {"node": node, "color": style["color"], "dash": _dashes(style["linestyle"])}
        controls += controls_of(schedule, node, key, steps)
    data = {"schedules": entries, "torch": classes_of("torch"), "keras": classes_of("keras")}
    return Panel("Schedule explorer", tuple(controls), view_explorer, data, gallery=True)


def controls_of(
    schedule: Schedule, node: dict[str, Any], key: str, steps: int = 100
) -> list[Control]:
    """A control for each parameter of a schedule, and of those inside of it, with the limits that
    the formula's signature declares."""
    made = []
    for each in node["params"]:
        name, path = each["name"], each["path"]
        if each["kind"] == "Schedule":
            made += controls_of(schedule.params[name], each["node"], key, steps)
        elif each["kind"] == "(Schedule)":
            for part, inside in zip(schedule.params[name], each["nodes"]):
                made += controls_of(part, inside, key, steps)
        else:
            declared = limits(schedule.formula.__annotations__[name])
            value = schedule.params.get(name, each["default"])
            place = {"label": path.removeprefix(f"{key}."), "group": key}
            place["when"] = ("schedules", key)
            made.append(
                control_of(path, declared, value, rate=own_lr(schedule), steps=steps, **place)
            )
    return made


def _dashes(style: Any) -> str:
    named = {"-": "", "--": "6 3", ":": "2 3", "-.": "8 3 2 3"}
    # Twice as long as in a figure: there, some of these are hard to tell from the named ones.
    return named[style] if isinstance(style, str) else " ".join(str(2 * n) for n in style[1])


def classes_of(peer: str) -> list[str]:
    """The classes that the peer's calls name."""
    rows = [getattr(row, peer) or "" for row in ROSETTA.values()]
    return sorted({name for text in rows for name in re.findall(r"\b([A-Z]\w+)\(", text)})


def view_explorer(values, data):
    """The curves of the chosen schedules, and their code."""
    steps, lines, said = values["steps"], [], []
    ours, torch, keras = [], [], []
    for key in values["schedules"]:
        entry = data["schedules"][key]
        schedule = assembled(entry["node"], values)
        rates = [schedule(step) for step in range(steps)]
        lines.append(
            line(key, list(range(steps)), rates, entry["color"], entry["dash"], steps=True)
        )
        most, when = highest(rates)
        ends = f"from {short(rates[0])} to {short(rates[-1])}"
        said.append(f"{key}: {ends}, highest {short(most)} at update {when}")
        heading = f"# {key}\n" if len(values["schedules"]) > 1 else ""
        ours.append(heading + code_of(schedule))
        torch.append(heading + torch_code(schedule, data["torch"]))
        keras.append(heading + keras_code(schedule, steps, data["keras"]))
    words = "; ".join(said) or "no schedule chosen"
    return {
        "chart": chart(
            f"Learning rate of each update: {words}.",
            "update",
            0,
            steps - 1,
            [row("learning rate", lines, log=values["log"], height=280)],
        ),
        "report": "\n".join(said) or "Choose a schedule.",
        "code": [
            ["course_lib", "\n\n".join(ours)],
            ["PyTorch", "\n\n".join(torch)],
            ["Keras", "\n\n".join(keras)],
        ],
        "reached": None,
    }


def highest(rates):
    """The largest of the rates, and the update that has it first."""
    most, when = rates[0], 0
    for step in range(len(rates)):
        if rates[step] > most:
            most, when = rates[step], step
    return most, when


def assembled(node, values):
    """The schedule that the controls describe."""
    params = {}
    for each in node["params"]:
        if each["kind"] == "Schedule":
            params[each["name"]] = assembled(each["node"], values)
        elif each["kind"] == "(Schedule)":
            params[each["name"]] = [assembled(part, values) for part in each["nodes"]]
        else:
            params[each["name"]] = values[each["path"]]
    return schedule_of(node, params)


def named_code(schedule, steps, data):
    """One schedule in each library, where it has a name."""
    return [
        ["course_lib", f"schedule = {code_of(schedule)}"],
        ["PyTorch", torch_code(schedule, data["torch"])],
        ["Keras", keras_code(schedule, steps, data["keras"])],
    ]


def torch_code(schedule, classes):
    """The optimizer and its scheduler: PyTorch's own, or ours where it has none."""
    call = native_call(schedule, "torch")
    if call is None:
        start = "from course_lib.pytorch import TorchSchedule\n"
        call = f"TorchSchedule(optimizer, {code_of(schedule)})"
    else:
        start = imports(call, classes, "torch.optim.lr_scheduler")
    rate = literal(own_lr(schedule), "float")
    return f"""{start}optimizer = torch.optim.SGD(model.parameters(), lr={rate})
scheduler = {call}"""


def keras_code(schedule, steps, classes):
    """The optimizer with its learning rate: Keras's own, or ours where it has none."""
    call = native_call(schedule, "keras")
    if call is None:
        start = "from course_lib.tensorflow import KerasSchedule\n"
        call = f"KerasSchedule({code_of(schedule)}, total_steps={steps})"
    else:
        start = imports(call, classes, "keras.optimizers.schedules")
    return f"{start}optimizer = keras.optimizers.SGD(learning_rate={call})"


def imports(call, classes, module):
    """The import of the classes that a call names."""
    spaced = " " + call.replace("(", " (").replace("[", "[ ")
    used = ", ".join([each for each in classes if spaced.find(f" {each} (") >= 0])
    return f"from {module} import {used}\n" if used else ""
