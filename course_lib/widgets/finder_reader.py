"""Recorded range tests: what four rules read off them, and how far that is from the best rate."""

import math
from typing import Any

from course_lib.finder.suggestions import METHODS, lowest, suggested, without_start
from course_lib.formulas.parameters import Choice, Number
from course_lib.formulas.smoothing import smooth
from course_lib.looks import LOOKS, svg_dashes
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.recorded import load
from course_lib.widgets.series import picked

START_LR, END_LR, SEEDS = 1e-4, 30.0, 5
NEAR = 2.5
# Title, name in `load`, model, batch size, experiments: as the two finder_spread have it.
KINDS = (
    ("MNIST", "mnist", "mlp", 128, "fixed_rates"),
    ("CIFAR-10", "cifar10", "cnn", 64, "fixed_rates_cifar10"),
)


def measured() -> dict[str, Any]:
    """The sweeps of lesson 07 for the first seeds, loss by loss, made now in PyTorch; and, from the
    records, the best fixed rate of the same network (the lowest mean held-out loss)."""
    from course_lib.claims.experiments import real
    from course_lib.claims.records import stamp
    from course_lib.lr_finder import find_lr

    sweeps = []
    for title, data, model, batch_size, _ in KINDS:
        for seed in range(SEEDS):
            found = find_lr(
                model=model,
                data=real(data),
                start_lr=START_LR,
                end_lr=END_LR,
                batch_size=batch_size,
                seed=seed,
                progress=False,
            )
            kept = {"data": title, "model": model, "batch_size": batch_size, "seed": seed}
            kept["losses"] = [float(f"{loss:.6g}") for loss in found.losses]
            sweeps.append({**kept, "stopped": found.stopped})
            lrs = found.lrs  # CIFAR-10's, the last, are not cut short
    return {
        "framework": "torch",
        "stamp": stamp("torch"),
        "lrs": [float(f"{lr:.6g}") for lr in lrs],
        "sweeps": sweeps,
        "fixed": [fixed(title, experiment) for title, *_, experiment in KINDS],
    }


def fixed(title: str, experiment: str) -> dict[str, Any]:
    """The fixed rates of an experiment's record in PyTorch, and the best of them."""
    from course_lib.claims.claim import Runs
    from course_lib.claims.lesson_07 import best_rate

    runs = Runs(experiment, "torch")
    rates = [float(variant) for variant in runs.variants()]
    return {"data": title, "best": float(best_rate(runs)), "rates": rates}


def read_off(method, lrs, smoothed):
    """What a rule suggests, or None where it finds nothing to read.

    >>> read_off("slide", [0.1, 0.2], [2.0, 1.0]), read_off("minimum", [0.1, 0.2], [2.0, 1.0])
    (None, 0.02)
    """
    if lowest(without_start(smoothed)) == 0:
        return None
    try:
        return suggested(method, lrs, smoothed)
    except ValueError:
        return None


def distance(rate, best):
    """How many times one rate is the other, whichever is larger."""
    return max(rate / best, best / rate)


def view_finder_reader(values, data):
    """One sweep with the four suggestions, and those of all sweeps of its data."""
    beta, rule = values["beta"], values["rule"]
    shown = picked(data["sweeps"], "name", values["sweep"])
    found = [suggestion_of(shown, each, data["lrs"], beta) for each in data["rules"]]
    reports = [finder_report(shown, found, beta, data["rules"])]
    reports = reports + [kind_report(each, rule, beta, data) for each in data["kinds"]]
    first = data["kinds"][0]
    off = farthest(suggestions_of(first, rule, beta, data), data["best"][first])
    label = f"Range test on {shown['name']}: the loss of each rate, its mean, and the rates that "
    label += f"four rules suggest, over {data['seeds']} seeds."
    # `minimum` may suggest less than the first rate.
    low, high = data["lrs"][0] / 4, data["lrs"][-1]
    rows = [sweep_row(shown, found, rule, beta, data), spread_row(shown, rule, beta, data)]
    return {
        "chart": chart(label, "learning rate", low, high, rows, log=True),
        "report": "\n".join(reports),
        "code": finder_code(shown, rule, beta, data),
        "reached": off <= data["near"],
        "missing": f"the farthest is {short(off)} times off"
        if math.isfinite(off)
        else "on one of them the rule finds nothing",
    }


def suggestion_of(sweep, method, lrs, beta):
    """What a rule suggests for a recorded sweep."""
    losses = sweep["losses"]
    return read_off(method, lrs[0 : len(losses)], smooth(losses, beta))


def sweeps_of(kind, data):
    """The sweeps on data of that name."""
    return [each for each in data["sweeps"] if each["data"] == kind]


def suggestions_of(kind, method, beta, data):
    """What a rule suggests for each of these sweeps."""
    return [suggestion_of(each, method, data["lrs"], beta) for each in sweeps_of(kind, data)]


def farthest(rates, best):
    """How many times the worst of the rates is off; without end where one is missing."""
    return max([math.inf if rate is None else distance(rate, best) for rate in rates])


def sweep_row(shown, found, rule, beta, data):
    """The losses of one sweep, and what each rule reads off them."""
    lrs, smoothed = data["lrs"][0 : len(shown["losses"])], smooth(shown["losses"], beta)
    curves = [
        line("loss of each batch", lrs, shown["losses"], "#888", dots=True, width=1),
        line("smoothed", lrs, smoothed, "currentColor"),
    ]
    marks = [mark(data["best"][shown["data"]], "", dash="")]
    for k in range(len(found)):
        if found[k] is not None:
            each = data["rules"][k]
            name = f"{each} {short(found[k])}" if each == rule else ""
            marks.append(mark(found[k], name, data["colors"][k], data["dashes"][k]))
    # The learner sees the fall: one loss that explodes must not flatten it.
    highest = 1.6 * max(smoothed[0], shown["losses"][0])
    return row("training loss", curves, 0, highest, height=200, marks=marks)


def spread_row(shown, rule, beta, data):
    """What each rule suggests on every sweep of the same data, seed by seed."""
    lines, best = [], data["best"][shown["data"]]
    for k in range(len(data["rules"])):
        each, xs, ys = data["rules"][k], [], []
        for sweep in sweeps_of(shown["data"], data):
            found = suggestion_of(sweep, each, data["lrs"], beta)
            if found is not None:
                xs.append(found)
                ys.append(sweep["seed"])
        color, wide = data["colors"][k], 5 if each == rule else 3
        lines.append(line(each, xs, ys, color, data["dashes"][k], width=1.5))
        lines.append(line("", xs, ys, color, dots=True, width=wide))
    marks = [mark(best, f"best fixed rate {short(best)}", dash="")]
    return row("seed", lines, -0.5, data["seeds"] + 0.4, height=130, marks=marks)


def finder_report(shown, found, beta, rules):
    """What the rules suggest on one sweep, and how far apart that is."""
    words, least, most = [], None, None
    for k in range(len(found)):
        one = found[k]
        if one is None:
            words.append(f"{rules[k]} nothing")
        else:
            words.append(f"{rules[k]} {short(one)}")
            least = one if least is None else min(least, one)
            most = one if most is None else max(most, one)
    said = ", ".join(words)
    report = f"On {shown['name']}, smoothed with beta = {short(beta)}, the rules suggest: {said}."
    if least is not None:
        report += f" The largest is {short(most / least)} times the smallest."
    return report


def kind_report(kind, rule, beta, data):
    """What one rule suggests for all sweeps on the same data, and how far off that is."""
    rates, best = suggestions_of(kind, rule, beta, data), data["best"][kind]
    words = ", ".join(["nothing" if rate is None else short(rate) for rate in rates])
    return (
        f"{rule} on the {len(rates)} sweeps of {kind}: {words}. The best fixed rate of the grid is "
        f"{short(best)}; the farthest suggestion is {short(farthest(rates, best))} times off."
    )


def finder_code(sweep, rule, beta, data):
    """The same range test: the course's experiment, and one of your own objects."""
    low, high = literal(data["lrs"][0], "float"), literal(data["lrs"][-1], "float")
    ends = f"start_lr={low}, end_lr={high}, beta={literal(beta, 'float')}"
    read = f"{ends}).suggestion({literal(rule, 'str')})"
    size, images = f"batch_size={sweep['batch_size']}", literal(sweep["load"], "str")
    own = f"""from course_lib.lr_finder import find_lr
rate = find_lr(model={literal(sweep["model"], "str")}, data={images}, {size}, \
seed={sweep["seed"]},
    {read}"""
    start = f"""from course_lib.data import load
from course_lib.lr_finder import find_lr
images = load({images})  # or your own, and your own model
"""
    torch = f"""import torch
{start}x = torch.tensor(images.x_train[:10_000]).flatten(1) / 255
y = torch.tensor(images.y_train[:10_000]).long()
loader = torch.utils.data.DataLoader(
    torch.utils.data.TensorDataset(x, y), {size}, shuffle=True)
model = torch.nn.Linear(x.shape[1], 10)
rate = find_lr(model=model, optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
    data=loader, loss=torch.nn.functional.cross_entropy,
    {read}"""
    keras = f"""import keras
{start}model = keras.Sequential([
    keras.Input(images.x_train.shape[1:]), keras.layers.Rescaling(1 / 255),
    keras.layers.Flatten(), keras.layers.Dense(10)])
model.compile('sgd', keras.losses.SparseCategoricalCrossentropy(from_logits=True))
rate = find_lr(model=model, optimizer=model.optimizer, loss=model.loss,
    data=(images.x_train, images.y_train), {size},
    {read}"""
    return [["course_lib", own], ["PyTorch", torch], ["Keras", keras]]


def finder_reader(sweep: str = "MNIST, seed 0", rule: str = "valley", beta: float = 0.9) -> Panel:
    """Recorded range tests (100 rates, one batch each) and what four rules read off them: choose
    the sweep, the smoothing and the rule. Find a rule and a smoothing whose suggestions all lie
    near the best fixed rate, on all five sweeps of MNIST; and see what the same choice says on
    CIFAR-10.

    The sweeps were stopped where the mean with beta = 0.9 had diverged.

    >>> finder_reader().reached, finder_reader(rule="steepest").reached
    (False, False)
    >>> finder_reader().at(rule="steepest", beta=0.94).reached
    True
    """
    recorded = load("finder_reader")
    names = {title: data for title, data, *_ in KINDS}
    sweeps = [
        {
            "name": f"{each['data']}, seed {each['seed']}",
            "load": names[each["data"]],
            **{key: each[key] for key in ("data", "model", "batch_size", "seed", "losses")},
        }
        for each in recorded["sweeps"]
    ]
    options = tuple(each["name"] for each in sweeps)
    Choice(options).check("sweep", sweep)
    Choice(tuple(METHODS)).check("rule", rule)
    Number(high=0.99).check("beta", beta)
    controls = (
        Control("sweep", "choice", "sweep", sweep, options=options),
        Control("beta", "slider", "smoothing beta", float(beta), 0.0, 0.98, allowed=(0, 0.99)),
        Control("rule", "choice", "rule", rule, options=tuple(METHODS)),
    )
    data = {
        "rules": list(METHODS),
        "kinds": list(names),
        "sweeps": sweeps,
        "lrs": recorded["lrs"],
        "best": {each["data"]: each["best"] for each in recorded["fixed"]},
        "seeds": SEEDS,
        "near": NEAR,
        "colors": [LOOKS[method]["color"] for method in METHODS],
        "dashes": [svg_dashes(LOOKS[method]["linestyle"]) for method in METHODS],
    }
    return Panel(
        "Range tests, and four ways to read them",
        controls,
        view_finder_reader,
        data,
        goal=f"on all {SEEDS} sweeps of MNIST, the chosen rule within a factor of {NEAR:g} of the "
        "best fixed rate",
    )
