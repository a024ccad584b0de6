"""Recorded pairs of runs: how many seeds does it take to see a difference?"""

import math
import re
from typing import Any

from course_lib.formulas.parameters import Choice, Whole
from course_lib.looks import PALETTE
from course_lib.widgets.chance import draws
from course_lib.widgets.chart import chart, line, mark, row
from course_lib.widgets.controls import Control
from course_lib.widgets.numbers import literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.recorded import load
from course_lib.widgets.series import commas, first_lasting, picked

MOST = 20
# Name, experiment, the two variants: the first less the second. "root" is peak / sqrt(epoch).
PAIRS = (
    ("AdamW: linear - constant", "without_plan", "adamw linear 0.01", "adamw constant 0.01"),
    ("SGD 1: root - constant", "decay_spread", "root 1", "constant 1"),
    ("SGD 0.3: root - constant", "decay_spread", "root 0.3", "constant 0.3"),
)
ORDERS = ("as recorded", "shuffled, 1", "shuffled, 2", "shuffled, 3")
SETTINGS = ("model", "optimizer", "batch_size", "updates", "validation")


def recorded() -> dict[str, Any]:
    """The test accuracies of both schedules of every pair, seed by seed, in PyTorch."""
    from course_lib.claims.claim import Runs

    pairs = []
    for name, experiment, *variants in PAIRS:
        runs = Runs(experiment, "torch")
        after, before = (runs.lines(variant) for variant in variants)
        pairs.append(
            {
                "name": name,
                "after": [each["test_accuracy"] for each in after],
                "before": [each["test_accuracy"] for each in before],
                "schedules": [after[0]["schedule"], before[0]["schedule"]],
                **{key: after[0][key] for key in SETTINGS if key in after[0]},
                "validation": 0.1 if "val_loss" in after[0] else 0.0,
            }
        )
    return {"pairs": pairs}


def order_of(name: str, count: int) -> list[int]:
    """In which order the seeds are looked at.

    >>> order_of("as recorded", 4), sorted(order_of("shuffled, 1", 4))
    ([0, 1, 2, 3], [0, 1, 2, 3])
    """
    shuffle = ORDERS.index(name)
    drawn = draws(shuffle, count)
    return sorted(range(count), key=lambda seed: drawn[seed] if shuffle else seed)


def t_interval(values, quantile):
    """The mean of at least two values, and half the width of its interval, whose Student's t is
    known: `mean_interval` of course_lib.statistics.

    >>> [round(each, 3) for each in t_interval([1.0, 2.0, 3.0], 4.3027)]
    [2.0, 2.484]
    """
    count, total, squares = len(values), 0.0, 0.0
    for value in values:
        total = total + value
    mean = total / count
    for value in values:
        squares = squares + (value - mean) ** 2
    return [mean, quantile * math.sqrt(squares / (count - 1)) / math.sqrt(count)]


def looks(values, quantiles):
    """The mean and the interval after 2, 3, ... values; quantiles[n - 2] is that of n values."""
    found = []
    for count in range(2, len(values) + 1):
        found.append(t_interval(values[0:count], quantiles[count - 2]))
    return found


def decided(look):
    """Whether an interval is on one side of zero."""
    return abs(look[0]) > look[1]


def first_decided(found):
    """After how many seeds an interval excludes zero for the first time, or None."""
    for i in range(len(found)):
        if decided(found[i]):
            return i + 2
    return None


def decided_from(found):
    """From how many seeds on every interval excludes zero, or None where the last does not.

    >>> decided_from([[1.0, 0.5], [1.0, 2.0], [1.0, 0.5], [1.0, 0.1]])
    4
    """
    first = first_lasting([decided(look) for look in found])
    return None if first is None else first + 2


def view_seeds(values, data):
    """The differences, and the interval after every seed until now."""
    pair = picked(data["pairs"], "name", values["pair"])
    order = [seed for seed in data["orders"][values["order"]] if seed < len(pair["differences"])]
    total = len(order)
    count = min(values["count"], total)
    every = looks([pair["differences"][seed] for seed in order], data["quantiles"])
    seen = every[0 : count - 1]
    excludes = "excludes" if decided(seen[-1]) else "holds"
    label = "Differences in accuracy between two schedules, seed by seed, their running mean and "
    label += f"its interval, which {excludes} zero after {count} seeds."
    rows = seeds_rows(pair, order, seen, data["colors"])
    few = (
        f"\nOf this pair, {total} seeds were recorded and no more."
        if total < values["count"]
        else ""
    )
    return {
        "chart": chart(label, "seeds looked at", 0.5, total + 0.5, rows),
        "report": f"{values['pair']}, after {count} of {total} seeds ({values['order']}): "
        f"{seeds_report(seen, total)}{few}",
        "code": seeds_code(pair, order[0:count]),
        "reached": pair["name"] == data["pairs"][0]["name"] and count == decided_from(every),
    }


def seeds_rows(pair, order, seen, colors):
    """The differences of all seeds, and below them mean and interval of those looked at."""
    count, size = len(seen) + 1, 0.0
    ordered = [pair["differences"][seed] for seed in order]
    for value in ordered:
        size = max(size, 1.25 * abs(value))
    used, later = list(range(1, count + 1)), list(range(count + 1, len(order) + 1))
    above = [
        line("difference of one seed", used, ordered[0:count], colors[0], dots=True),
        line("not looked at yet", later, ordered[count:], "#8884", dots=True, width=1),
    ]
    xs = list(range(2, count + 1))
    below = [
        line("mean so far", xs, [mean for mean, half in seen], colors[0], width=2.5),
        line("95 % interval", xs, [mean - half for mean, half in seen], colors[1], "6 3"),
        line("", xs, [mean + half for mean, half in seen], colors[1], "6 3"),
    ]
    limit, now = [mark(0, "", dash="")], [mark(count, f"{count} seeds")]
    return [
        row("points", above, -size, size, height=160, marks=now, levels=limit),
        row("points", below, -size, size, height=190, marks=[mark(count, "")], levels=limit),
    ]


def seeds_report(seen, total):
    """What the last interval says, and whether the ones before it said the same."""
    count, excludes = len(seen) + 1, decided(seen[-1])
    mean, half = seen[-1]
    report = f"the accuracy differs by {short(mean)} points, with the interval "
    report += f"{short(mean - half)} to {short(mean + half)}, which "
    report += "excludes zero.\n" if excludes else "holds zero.\n"
    first, stays = first_decided(seen), decided_from(seen)
    if first is None:
        report += "Until now no interval has excluded zero."
    elif stays == first:
        report += f"The interval has excluded zero from {first} seeds on."
    else:
        report += f"It first excluded zero after {first} seeds, but held it again later"
        report += "." if stays is None else f"; it has excluded it from {stays} on."
    if count < total:
        report += f" Whether that lasts, the other {total - count} must show."
    elif not excludes:
        least = short(max(abs(mean - half), abs(mean + half)))
        report += f" So no difference was found; one of less than {least} points may be there."
    return report


def seeds_code(pair, seeds):
    """The comparison that was made: the same seed for both schedules of a pair."""
    several, validation = f"[{commas(seeds)}]", literal(pair["validation"], "float")
    settings = f"data='mnist', model='{pair['model']}', optimizer='{pair['optimizer']}', "
    settings += f"batch_size={pair['batch_size']},\n    max_updates={pair['updates']}, "
    settings += f"validation={validation}, test=True"
    after, before = pair["schedules"]
    own = f"""from course_lib.claims import gain
{pair["imports"]}
from course_lib.training import fit
settings = dict(
    {settings})
after = {{seed: fit(
    {after},
    seed=seed, **settings).test_accuracy for seed in {several}}}
before = {{seed: fit(
    {before},
    seed=seed, **settings).test_accuracy for seed in {several}}}
gain(after, before)"""
    loop = f"""{pair["imports"]}
after = {after}
before = {before}
def train(schedule):  # your own: makes the model, draws the batches, returns the accuracy
    DRAW
differences = []
for seed in {several}:
    accuracies = []
    for schedule in (after, before):
        SEED
        accuracies.append(train(schedule))
    differences.append(accuracies[0] - accuracies[1])"""
    torch = loop.replace("SEED", "torch.manual_seed(seed)")
    torch = "import torch\n" + torch.replace("DRAW", "return torch.rand(()).item()")
    keras = loop.replace("SEED", "keras.utils.set_random_seed(seed)")
    keras = "import keras\n" + keras.replace("DRAW", "return float(keras.random.uniform(()))")
    return [["course_lib", own], ["PyTorch", torch], ["Keras", keras]]


def how_many_seeds(pair: str = PAIRS[0][0], order: str = ORDERS[0], count: int = 3) -> Panel:
    """Recorded runs of two schedules with the same seeds: after how many seeds is the difference
    seen? Take more and more of them, in the order recorded or in another. Find the number from
    which on the 95 % interval of the first pair's mean excludes zero and goes on doing so: an
    interval that is looked at after every seed excludes zero too early now and then.

    The pairs are MNIST runs of lessons 12 and 02, in PyTorch: a straight line to 0 less a constant
    rate, with AdamW at 0.01; and peak / sqrt(epoch) less a constant rate, with SGD at 1 and at 0.3.

    >>> how_many_seeds().reached, how_many_seeds(count=10).reached
    (False, False)
    >>> how_many_seeds().at(count=5).reached
    True
    """
    from scipy.special import stdtrit

    pairs = load("seeds")["pairs"]
    names = tuple(each["name"] for each in pairs)
    Choice(names).check("pair", pair)
    Choice(ORDERS).check("order", order)
    if Whole(low=2).check("count", count) > MOST:
        raise ValueError(f"count must be at most {MOST}, the seeds that were recorded, got {count}")
    controls = (
        Control("pair", "choice", "pair", pair, options=names),
        Control("order", "choice", "order of the seeds", order, options=ORDERS),
        Control("count", "slider", "seeds", count, 2, MOST, "whole", allowed=(2, MOST), drag=True),
    )
    data = {
        "pairs": [
            {
                **{key: each[key] for key in ("name", "schedules", *SETTINGS)},
                "imports": "from course_lib.schedules import Schedule, "
                + ", ".join(sorted({*re.findall(r"Schedule\((\w+)", str(each["schedules"]))})),
                "differences": [
                    round(100 * (after - before), 4)
                    for after, before in zip(each["after"], each["before"])
                ],
            }
            for each in pairs
        ],
        "orders": {name: order_of(name, MOST) for name in ORDERS},
        "quantiles": [round(float(stdtrit(n - 1, 0.975)), 6) for n in range(2, MOST + 1)],
        "colors": [PALETTE[0], PALETTE[1]],
    }
    return Panel(
        "How many seeds does it take?",
        controls,
        view_seeds,
        data,
        goal="for the first pair, the number of seeds from which on the interval excludes zero, "
        "until the last",
    )
