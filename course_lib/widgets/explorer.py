"""The schedule explorer: every schedule of GALLERY with sliders made from its parameters, several
at once, and the code that makes the same in this library, PyTorch and Keras.
"""

import re
from typing import Any

from course_lib.formulas.parameters import Choice, Flag, Whole, limits
from course_lib.looks import looks, svg_dashes
from course_lib.rosetta import ROSETTA, own_lr, torch_until
from course_lib.schedules import GALLERY, Schedule, one_cycle_momentum
from course_lib.widgets.chart import chart, line, row
from course_lib.widgets.controls import Control, control_of
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.schedules import (
    FORMULAS,
    code_of,
    importable,
    key_of,
    native_call,
    node_of,
    schedule_of,
)


def explore(*schedules: str | Schedule, steps: int = 100, log: bool = False) -> Panel:
    """Move the parameters of any schedules of GALLERY, compare their curves, and copy the code.

    - schedules: names of GALLERY, or schedules made of its formulas, whose parameters are where the
      sliders begin (default: cosine and step_decay). A second one of a name is "cosine 2".
    - steps: how many updates are drawn.
    - log: whether the rate has a logarithmic axis.

    The arrow keys move a slider; on the picture they read the value of each curve.

    >>> panel = explore("cosine", Schedule(GALLERY["linear"].formula, peak_lr=0.2, total_steps=50))
    >>> panel.values["linear.total_steps"]
    50
    >>> print(panel.at({"cosine.peak_lr": 0.3}).shown()["code"][0][1])
    from course_lib.schedules import Schedule, cosine, linear
    <BLANKLINE>
    # cosine
    schedule = Schedule(cosine, peak_lr=0.3, total_steps=100)
    <BLANKLINE>
    # linear
    schedule = Schedule(linear, peak_lr=0.2, total_steps=50)
    """
    steps = Whole(low=2).check("steps", steps)
    shown = {name: one for name, one in GALLERY.items() if importable(one)}
    chosen = list[str]()
    for each in schedules or ("cosine", "step_decay"):
        if not isinstance(each, Schedule):
            each = GALLERY[Choice(tuple(GALLERY)).check("schedules", each)]
        if not importable(each):
            raise ValueError(
                "schedules must be made of this library's formulas, which copied code imports, got "
                f"{each!r}; docs/guides/author.md adds one in two edits"
            )
        key = next((name for name, one in GALLERY.items() if one == each), key_of(each))
        count = 1 + sum(name.split()[0] == key for name in chosen)
        chosen.append(f"{key} {count}" if count > 1 else key)
        shown[chosen[-1]] = each
    controls = [
        Control("schedules", "several", "schedules to compare", chosen, options=tuple(shown)),
        Control(
            "steps", "slider", "updates shown", steps, 2, max(500, steps), "whole", allowed=(2, 1e5)
        ),
        Control("log", "flag", "logarithmic rate", Flag().check("log", log)),
    ]
    entries, styles = {}, looks(shown)
    for key, schedule in shown.items():
        style, node = styles[key], node_of(schedule, key)
        dash = svg_dashes(style["linestyle"])
        entries[key] = {"node": node, "color": style["color"], "dash": dash}
        controls += controls_of(schedule, node, key, steps)
    data = {"schedules": entries, "imports": imported()}
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


def imported():
    """What copied code may have to import: pairs (module, names)."""
    return [
        ["torch.optim.lr_scheduler", classes_of("torch")],
        ["keras.optimizers.schedules", classes_of("keras")],
        ["course_lib.pytorch", ["TorchSchedule"]],
        ["course_lib.schedules", ["Schedule", *sorted(FORMULAS)]],
        ["course_lib.tensorflow", ["KerasSchedule", "SGD"]],
    ]


def classes_of(peer: str) -> list[str]:
    """The classes that the peer's calls name."""
    rows = [getattr(row, peer) or "" for row in ROSETTA.values()]
    return sorted({name for text in rows for name in re.findall(r"\b([A-Z]\w+)\(", text)})


def view_explorer(values, data):
    """The curves of the chosen schedules, and their code."""
    steps, lines, said = values["steps"], [], []
    ours, torch, keras, momenta = [], [], [], 0
    for key in values["schedules"]:
        entry = data["schedules"][key]
        schedule = assembled(entry["node"], values)
        rates = [schedule(step) for step in range(steps)]
        lines.append(
            line(key, list(range(steps)), rates, entry["color"], entry["dash"], steps=True)
        )
        most, when = highest(rates)
        ends = f"from {short(rates[0])} to {short(rates[-1])}"
        kind = " (a momentum)" if is_momentum(schedule) else ""
        momenta += 1 if is_momentum(schedule) else 0
        said.append(f"{key}{kind}: {ends}, highest {short(most)} at update {when}")
        heading = f"# {key}\n" if len(values["schedules"]) > 1 else ""
        ours.append(f"{heading}schedule = {code_of(schedule)}")
        torch.append(heading + torch_code(schedule, steps))
        keras.append(heading + keras_code(schedule, steps))
    words = "; ".join(said) or "no schedule chosen"
    axis = "rate, momentum" if momenta else "learning rate"
    if momenta and momenta == len(lines):
        axis = "momentum"
    return {
        "chart": chart(
            f"{'Value' if momenta else 'Learning rate'} of each update: {words}.",
            "update",
            0,
            steps - 1,
            [row(axis, lines, log=values["log"], height=280)],
        ),
        "report": "\n".join(said) or "Choose a schedule.",
        "code": code_blocks(ours, torch, keras, data["imports"]),
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
    ours = f"schedule = {code_of(schedule)}"
    torch, keras = torch_code(schedule, steps), keras_code(schedule, steps)
    return code_blocks([ours], [torch], [keras], data["imports"])


def code_blocks(ours, torch, keras, modules):
    """The code in each library, with all that it takes to run it."""
    model = "model = torch.nn.Linear(1, 1)  # or your own\n\n" if len(torch) else ""
    return [
        ["course_lib", with_imports("", "\n\n".join(ours), modules)],
        ["PyTorch", with_imports("import torch\n", model + "\n\n".join(torch), modules)],
        ["Keras", with_imports("import keras\n", "\n\n".join(keras), modules)],
    ]


def is_momentum(schedule):
    """Whether what it gives is no rate but a momentum."""
    return schedule.formula is one_cycle_momentum


def torch_code(schedule, steps):
    """The optimizer and its scheduler: PyTorch's own, or ours where it has none for so long."""
    rate = f"lr={literal(own_lr(schedule), 'float')}"
    last, why = torch_until(schedule), ""
    call = native_call(schedule, "torch")
    if call is not None and last < steps:
        call, why = None, f"# PyTorch's own scheduler leaves this curve at update {last}\n"
    if is_momentum(schedule):
        rate, why = f"lr=0.1, momentum={literal(schedule(0), 'float')}", ""
        held = "Schedule(constant, lr=0.1)"
        call = f"TorchSchedule(optimizer, {held}, momentum={code_of(schedule)})"
    elif call is None:
        call = f"TorchSchedule(optimizer, {code_of(schedule)})"
    return f"""optimizer = torch.optim.SGD(model.parameters(), {rate})
{why}scheduler = {call}"""


def keras_code(schedule, steps):
    """The optimizer with its learning rate: Keras's own, or ours where it has none."""
    call = native_call(schedule, "keras")
    if call is None:
        call = f"KerasSchedule({code_of(schedule)}, total_steps={steps})"
    if is_momentum(schedule):  # Keras's own SGD takes a number only
        return f"optimizer = SGD(learning_rate=0.1, momentum={call})"
    return f"optimizer = keras.optimizers.SGD(learning_rate={call})"


def with_imports(start, code, modules):
    """The code below the imports of what it names. Of `modules`, pairs (module, names), the names
    are classes and formulas, which stand before a bracket or first inside of `Schedule(`.

    >>> print(with_imports("", "Schedule(cosine, peak_lr=1)", [["m", ["Schedule", "cosine", "a"]]]))
    from m import Schedule, cosine
    <BLANKLINE>
    Schedule(cosine, peak_lr=1)
    """
    spaced = " " + code.replace("=", " ").replace("[", " ").replace("(", " ( ")
    lines = ""
    for module, names in modules:
        used = []
        for name in names:
            called = spaced.find(f" {name} ( ") >= 0
            if called or code.find(f"Schedule({name},") >= 0:
                used.append(name)
        if len(used):
            lines += f"from {module} import {', '.join(used)}\n"
    return f"{start}{lines}\n{code}" if start or lines else code
