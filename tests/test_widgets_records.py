"""The widgets of plateau, range test, warmup map, resuming and seeds, without a browser."""

import itertools
import math
import random
import re

import keras
import numpy as np
import pytest
import torch

from course_lib.claims.records import read
from course_lib.lr_finder import LRFinderResult
from course_lib.plots import plot_finder, plot_schedules, smooth
from course_lib.pytorch import TorchSchedule
from course_lib.schedules import Schedule, cosine
from course_lib.statistics import mean_interval
from course_lib.tensorflow import KerasSchedule
from course_lib.widgets import recorded
from course_lib.widgets.cycle_composer import STARTS, cycle_composer
from course_lib.widgets.finder_reader import KINDS, finder_reader, fixed
from course_lib.widgets.numbers import short
from course_lib.widgets.plateau_cuts import METRIC, plateau_cuts
from course_lib.widgets.resume import kill_and_resume
from course_lib.widgets.seeds import ORDERS, PAIRS, how_many_seeds
from course_lib.widgets.seeds import recorded as recorded_pairs
from course_lib.widgets.warmup_map import best_cell, warmup_map
from course_lib.widgets.warmup_map import recorded as recorded_cells

PNG = b"\x89PNG"
HEADINGS = ["course_lib", "PyTorch", "Keras"]


def code(panel):
    return dict(panel.shown()["code"])


def line_of(panel, label):
    """A line of the chart by the label it has, or begins with."""
    rows = panel.shown()["chart"]["rows"]
    (one,) = (each for row in rows for each in row["lines"] if each["label"].startswith(label))
    return one


def test_a_rule_or_a_schedule_has_the_colour_in_its_widget_that_it_has_in_the_figures():
    figures = plot_finder([0.1], [1.0], [1.0], dict.fromkeys(RULES, 0.1)), plot_schedules(STARTS, 9)
    shown = [line for figure in figures for line in figure.axes[0].get_lines()]
    colors = {line.get_label().split(":")[0]: line.get_color() for line in shown}
    for rule in RULES:
        assert line_of(finder_reader(), rule)["color"] == colors[rule]
    for name in STARTS:
        assert line_of(cycle_composer().at(formula=name), name)["color"] == colors[name]


# --- plateau_cuts -----------------------------------------------------------------------------


class Stub:
    """As much of a model as a callback looks at."""

    metrics = ()
    steps_per_execution = 1

    def __init__(self):
        self.optimizer = keras.optimizers.SGD(0.1)


def real_cuts(panel):
    """After which evaluations the real classes cut, made by the code that the panel shows."""
    metric, written, cuts = panel.values["metric"], code(panel), {}
    names = {}
    for each in written.values():
        exec(each, names)
    cuts["course_lib"] = [names["plateau"].update(each) for each in metric]
    cuts["PyTorch"] = rates = []
    for each in metric:
        names["scheduler"].step(each)
        rates.append(names["optimizer"].param_groups[0]["lr"])
    stub, callback = Stub(), names["callback"]
    callback.set_model(stub)
    callback.on_train_begin()
    cuts["Keras"] = rates = []
    for i, each in enumerate(metric):
        callback.on_epoch_end(i, {"val_loss": each})
        rates.append(float(stub.optimizer.learning_rate))
    return {
        name: [i + 1 for i, rate in enumerate(rates) if rate < ([0.1, *rates][i]) * 0.999]
        for name, rates in cuts.items()
    }, {name: rates[-1] for name, rates in cuts.items()}


CURVES = [
    list(METRIC),
    [0.5] * 40,
    [1 - i / 47 for i in range(40)],
    [round(0.5 + 0.4 * math.sin(i / 3), 3) for i in range(40)],
    [round(random.Random(3).random(), 3) for _ in range(40)],
    [0.0 if i > 20 else 0.3 - i / 97 for i in range(40)],
]


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    "patience, factor, threshold, cooldown",
    [(3, 0.5, 1e-4, 0), (0, 0.7, 0.2, 1), (2, 0.3, 0.0, 2), (6, 0.5, 0.02, 5), (1, 0.1, 0.05, 0)],
)
def test_plateau_cuts_are_those_of_the_real_classes(curve, patience, factor, threshold, cooldown):
    panel = plateau_cuts(patience, factor, threshold, cooldown).at(metric=curve)
    cuts, ends = real_cuts(panel)
    assert list(code(panel)) == HEADINGS
    dots = [one for one in panel.shown()["chart"]["rows"][0]["lines"] if one["dots"]]
    for name, one in zip(HEADINGS, dots):
        assert one["xs"] == cuts[name] and one["ys"] == [curve[i - 1] for i in cuts[name]]
        rates = line_of(panel, name)
        assert rates["ys"][-1] == pytest.approx(ends[name], rel=1e-5)
        was = [0.1, *rates["ys"]]  # a rate for each evaluation, for the pointer that reads it
        assert rates["xs"] == list(range(1, 41)) and rates["steps"]
        assert [i + 1 for i in range(40) if rates["ys"][i] < was[i]] == cuts[name]
        assert (name + " cuts never" in panel.report) == (not cuts[name])
    differing = {i for name in cuts for i in cuts[name]} - set.intersection(
        *(set(each) for each in cuts.values())
    )
    assert f"after {len(differing)} of them only one or two" in panel.report


def test_plateau_goal_takes_both_patience_and_threshold():
    panel = plateau_cuts()
    assert not panel.reached
    assert panel.at(patience=8, threshold=0.02).reached
    assert not any(panel.at(patience=patience).reached for patience in range(16))
    thresholds = np.geomspace(1e-5, 0.5, 100)
    assert not any(panel.at(threshold=float(each)).reached for each in thresholds)
    assert not any(panel.at(cooldown=each).reached for each in range(16))
    assert panel.report.count(
        "- not reached: course_lib cuts at 12, PyTorch cuts at 12, Keras cuts at 11."
    )
    assert "- not reached: Keras cuts at 14." in panel.at(patience=6).report
    assert "not reached: course_lib never cuts, PyTorch never" in panel.at(patience=40).report
    # On a curve of one's own it does not count.
    easy = [0.9 - i / 50 if i < 26 else 0.9 for i in range(40)]
    cuts, _ = real_cuts(panel.at(metric=easy))
    assert all(each and each[0] >= 25 for each in cuts.values())
    assert "- not reached: you changed the metric: Reset it." in panel.at(metric=easy).report
    assert not panel.at(metric=easy).reached


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"patience": -1}, "patience must be a whole number of at least 0, got -1"),
        ({"factor": 1.0}, "factor must be a number above 0 and at most 0.99, got 1.0"),
        ({"threshold": math.nan}, "threshold must be a number of at least 0, got nan"),
        ({"cooldown": 0.5}, "cooldown must be a whole number of at least 0, got 0.5"),
    ],
)
def test_plateau_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        plateau_cuts(**arguments)
    assert str(error.value) == message


# --- finder_reader ----------------------------------------------------------------------------

RULES = ("steepest", "valley", "slide", "minimum")
RECORDED = recorded.load("finder_reader")


def test_the_recorded_sweeps_are_those_of_the_records():
    """Their losses are not in records/, but what the rules read off them is."""
    for kind, experiment in (("MNIST", "finder_spread"), ("CIFAR-10", "finder_spread_cifar10")):
        lines = [each for each in read(experiment) if each["framework"] == "torch"]
        for sweep in [each for each in RECORDED["sweeps"] if each["data"] == kind]:
            (line,) = (each for each in lines if each["seed"] == sweep["seed"])
            for name in ("model", "batch_size"):
                assert sweep[name] == line[name]
            assert len(sweep["losses"]) == line["updates"]
            panel = finder_reader(f"{kind}, seed {sweep['seed']}")
            for rule in RULES:
                shown = line_of(panel, rule)
                at = shown["xs"][shown["ys"].index(sweep["seed"])]
                assert at == pytest.approx(line[rule], rel=6e-4)  # four digits
    assert RECORDED["stamp"]["commit"].isalnum() and "hardware" in RECORDED["stamp"]


def test_the_best_fixed_rates_are_those_of_the_records():
    for title, *_, experiment in KINDS:
        (kept,) = (each for each in RECORDED["fixed"] if each["data"] == title)
        assert kept == fixed(title, experiment)
        losses = {}
        for line in read(experiment):
            if line["framework"] == "torch" and line["diverged"] is None:
                losses.setdefault(float(line["variant"]), []).append(line["val_loss"])
        full = {rate: np.mean(each) for rate, each in losses.items() if len(each) == 5}
        assert kept["best"] == min(full, key=full.get)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.93])
@pytest.mark.parametrize("sweep", ["MNIST, seed 3", "CIFAR-10, seed 2"])
def test_finder_reads_as_the_range_test_does(sweep, beta):
    panel = finder_reader(sweep, beta=beta)
    kind, seed = sweep.split(", seed ")
    (kept,) = (
        each for each in RECORDED["sweeps"] if each["data"] == kind and each["seed"] == int(seed)
    )
    losses, lrs = kept["losses"], RECORDED["lrs"][: len(kept["losses"])]
    means = smooth(losses, beta)
    assert line_of(panel, "smoothed")["ys"] == pytest.approx(means, rel=1e-12)
    assert line_of(panel, "loss of each batch")["ys"] == losses
    found, result = {}, LRFinderResult(lrs, losses, means, "end")
    for rule in RULES:
        try:
            found[rule] = result.suggestion(rule)
        except ValueError:
            continue
        assert f"{rule} {short(found[rule])}" in panel.report
    row = panel.shown()["chart"]["rows"][0]
    assert row["low"] == 0 and losses[0] < row["high"] < 2 * max(losses[0], means[0])
    marks = {each["at"] for each in row["marks"]}
    best = {each["data"]: each["best"] for each in RECORDED["fixed"]}[kind]
    assert marks == {best, *found.values()}
    ratio = max(found.values()) / min(found.values())
    assert f"The largest is {short(ratio)} times the smallest" in panel.report
    assert f"The best fixed rate of the grid is {best:g}" in panel.report


def test_a_rule_that_finds_nothing_is_said_so():
    panel = finder_reader("CIFAR-10, seed 2", "slide", 0.32)
    assert "slide nothing" in panel.report and "is inf times off" in panel.report
    assert line_of(panel, "slide")["ys"] == [0, 1, 3, 4]


def test_finder_goal_takes_rule_and_smoothing():
    panel = finder_reader()
    assert not panel.reached and panel.at(rule="steepest", beta=0.94).reached
    reaching = {
        (rule, round(beta, 2))
        for rule in RULES
        for beta in np.arange(0, 0.99, 0.05)
        if panel.at(rule=rule, beta=float(beta)).reached
    }
    assert reaching == {("steepest", 0.95)}
    # What it says of the sweep shown has nothing to do with it.
    assert panel.at(rule="steepest", beta=0.94, sweep="CIFAR-10, seed 1").reached


def test_finder_code_runs_the_range_test(monkeypatch):
    written, asked = code(finder_reader("CIFAR-10, seed 1", "minimum", 0.5)), []

    def noted(**given):
        asked.append(given)
        return LRFinderResult([0.1, 0.2], [2.0, 1.0], [2.0, 1.0], "end")

    monkeypatch.setattr("course_lib.lr_finder.find_lr", noted)
    assert list(written) == HEADINGS
    for each in written.values():
        exec(each, names := {})
        assert names["rate"] == 0.02
    rates = {"start_lr": 1e-4, "end_lr": 30.0, "beta": 0.5}
    own = {"model": "cnn", "data": "cifar10", "batch_size": 64, "seed": 1}
    assert asked[0] == own | rates and all(rates.items() <= each.items() for each in asked)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"sweep": "MNIST"}, "sweep must be one of MNIST, seed 0, MNIST"),
        ({"rule": "best"}, "rule must be one of steepest, valley, slide, minimum, got 'best'"),
        ({"beta": 1}, "beta must be a number of at least 0 and at most 0.99, got 1"),
    ],
)
def test_finder_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        finder_reader(**arguments)


def test_recorded_files_are_small():
    for path in recorded.HERE.glob("*.json"):
        assert path.stat().st_size < 60_000


# --- warmup_map -------------------------------------------------------------------------------

CELLS = [(peak, length) for peak in ("0.2", "0.4", "0.8") for length in ("0", "20", "80", "160")]


def accuracies(peak, length):
    lines = read("warmup_rescue" if peak == "0.4" else "warmup_map")
    mine = [each for each in lines if each["variant"] == f"{peak} after {length}"]
    return [each["test_accuracy"] for each in mine if each["framework"] == "torch"]


def test_the_map_is_that_of_the_records():
    assert recorded.load("warmup_map") == recorded_cells()
    for peak, length in CELLS:
        panel, runs = warmup_map(peak, length), accuracies(peak, length)
        learned = [each for each in runs if each > 0.5]
        count = f"{len(learned)} of {len(runs)}"
        said = f"Peak {peak} after {length} updates of warmup: {count} runs learned"
        assert said in panel.report and f"{count} after {length}" in panel.report
        if learned:
            assert f"test accuracy {short(min(learned))}" in panel.report
            assert f"{short(max(learned))})" in panel.report
        assert ("only 74 % of all runs did" in panel.report) == (count == "10 of 10")
        assert ("only 55 % of all runs" in panel.report) == (count in ("5 of 5", "0 of 5"))
    assert pytest.approx(0.05, abs=0.002) == 0.74**10
    assert pytest.approx(0.05, abs=0.002) == 0.55**5


def test_the_dots_show_the_share_by_size_and_colour():
    rows = warmup_map().shown()["chart"]["rows"]
    dots = [each for each in rows[0]["lines"] if each["dots"] and each["xs"]]
    shares = {}
    for each in dots:
        shares[each["xs"][0], each["ys"][0]] = each["width"], each["color"]
    colors = {}
    for peak, length in CELLS:
        runs = accuracies(peak, length)
        share = sum(each > 0.5 for each in runs) / len(runs)
        width, color = shares[float(peak), int(length)]
        assert width == pytest.approx(2 + 7 * share)
        colors.setdefault(math.ceil(share) + math.floor(share), set()).add(color)
    assert len(dots) == 12 and [len(colors[kind]) for kind in (0, 1, 2)] == [1, 1, 1]
    assert len(set.union(*colors.values())) == 3


def test_warmup_goal_is_the_largest_peak_that_never_fails():
    whole = [cell for cell in CELLS if min(accuracies(*cell)) > 0.5]
    peak = max(float(peak) for peak, _ in whole)
    best = min((int(length) for each, length in whole if float(each) == peak))
    assert not warmup_map().reached
    assert [cell for cell in CELLS if warmup_map(*cell).reached] == [(f"{peak:g}", str(best))]


def test_the_largest_peak_comes_before_the_shortest_warmup():
    kinds = [(0.4, 80, 0.9), (0.2, 0, 0.9), (0.8, 0, 0.1), (0.4, 20, 0.9), (0.4, 160, 0.9)]
    cells = [
        {"peak": peak, "length": length, "accuracies": [0.9, last]} for peak, length, last in kinds
    ]
    assert best_cell(cells, 0.5) == cells[3] and best_cell(cells[:2], 0.5) == cells[0]
    assert best_cell(cells[2:3], 0.5) is None


@pytest.mark.parametrize("cell", [("0.4", "160"), ("0.8", "0")])
def test_warmup_code_sets_the_rates_that_were_recorded(cell):
    panel = warmup_map(*cell)
    written, rates = code(panel), line_of(panel, "rate of the chosen")["ys"]
    exec(written["course_lib"], names := {})
    schedule = names["schedule"]
    kept = [each for each in read("warmup_rescue") + read("warmup_map")]
    (text,) = {each["schedule"] for each in kept if each["variant"] == " after ".join(cell)}
    assert eval(text, names).values(400) == schedule.values(400) == rates
    model = torch.nn.Linear(1, 1)
    names |= {"torch": torch, "model": model, "keras": keras, "KerasSchedule": KerasSchedule}
    exec(written["PyTorch"], names)
    for rate in rates:
        assert names["optimizer"].param_groups[0]["lr"] == pytest.approx(rate, rel=1e-9)
        names["optimizer"].step()
        names["scheduler"].step()
    assert names["optimizer"].param_groups[0]["momentum"] == 0.9
    exec(written["Keras"], names)
    for step in (0, 1, 100, 159, 160, 399):
        names["optimizer"].iterations.assign(step)
        assert float(names["optimizer"].learning_rate) == pytest.approx(rates[step], rel=1e-6)
    assert names["optimizer"].momentum == 0.9


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"peak": "0.3"}, "peak must be one of 0.2, 0.4, 0.8, got '0.3'"),
        ({"length": 90}, "length must be one of 0, 20, 80, 160, got '90'"),
    ],
)
def test_warmup_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        warmup_map(**arguments)
    assert str(error.value) == message


# --- kill_and_resume --------------------------------------------------------------------------

PIECES = ("weights", "optimizer", "schedule")
FLAGS = [dict(zip(PIECES, flags)) for flags in itertools.product([False, True], repeat=3)]


def gradient(weights, noise):
    return [20 * weights[0] + noise, weights[1] + noise]


class TorchRun:
    """The widget's run, made of real parts."""

    def __init__(self, lr):
        self.model = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
        torch.nn.init.ones_(self.model.weight)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)
        schedule = Schedule(cosine, peak_lr=lr, total_steps=100)
        self.scheduler = TorchSchedule(self.optimizer, schedule)

    def train(self, noises):
        """The rates, and the weights before each update and after the last."""
        rates, weights = [], [self.model.weight[0].tolist()]
        for noise in noises:
            rates.append(self.optimizer.param_groups[0]["lr"])
            self.model.weight.grad = torch.tensor(
                [gradient(weights[-1], noise)], dtype=torch.float64
            )
            self.optimizer.step()
            self.scheduler.step()
            weights.append(self.model.weight[0].tolist())
        return rates, weights


class KerasRun:
    """The same for Keras, whose momentum has another form."""

    def __init__(self, lr):
        dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        self.model = keras.Sequential([keras.Input((2,)), dense])
        schedule = Schedule(cosine, peak_lr=lr, total_steps=100)
        self.model.compile(keras.optimizers.SGD(KerasSchedule(schedule, 100), momentum=0.9), "mse")
        self.model.optimizer.build(self.model.trainable_variables)

    def train(self, noises):
        optimizer, kernel = self.model.optimizer, self.model.trainable_variables[0]
        rates, weights = [], [kernel.numpy()[:, 0].tolist()]
        for noise in noises:
            rates.append(float(optimizer.learning_rate))
            slope = np.float32(gradient(weights[-1], noise)).reshape(2, 1)
            optimizer.apply([keras.ops.convert_to_tensor(slope)], [kernel])
            weights.append(kernel.numpy()[:, 0].tolist())
        return rates, weights


def resumed(kind, panel, heading):
    """What the code of the panel makes of a run that is killed: before and after."""
    kill, noise = panel.values["kill"], panel.data["noise"]
    whole = kind(panel.values["lr"]).train(noise)
    killed, new = kind(panel.values["lr"]), kind(panel.values["lr"])
    killed.train(noise[:kill])
    *written, load = re.split(r"(?=torch.save|model.save)|# in the new .*\n", code(panel)[heading])
    if written:
        exec(written[0], names := {})
        exec(written[1], names | vars(killed))
        names["new_model"] = lambda: new.model
        exec(load.replace("torch.nn.Linear(1, 1)", "new_model()"), names)
        vars(new).update((name, names[name]) for name in vars(new))
    return whole, new.train(noise[kill:])


@pytest.mark.parametrize("flags", FLAGS)
def test_resuming_in_torch_is_as_shown(flags, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel = kill_and_resume(kill=37).at(flags)
    (rates, weights), (rates_again, weights_again) = resumed(TorchRun, panel, "PyTorch")
    rows = panel.shown()["chart"]["rows"]
    (whole, again), (losses, losses_again) = (row["lines"] for row in rows)
    assert whole["xs"] == list(range(100)) and again["xs"] == list(range(37, 100))
    assert whole["ys"] == pytest.approx(rates, rel=1e-12)
    assert again["ys"] == pytest.approx(rates_again, rel=1e-12)
    for one, path in ((losses, weights), (losses_again, weights_again)):
        height = [(20 * w * w + v * v) / 2 for w, v in path]
        assert one["ys"] == pytest.approx(height, rel=1e-9, abs=1e-15)
        assert one["xs"] == list(range(101 - len(height), 101))
    exact = rates_again == rates[37:] and weights_again == weights[37:]
    assert panel.reached == exact == all(flags.values())
    gap = max(abs(a - b) for one, two in zip(weights[37:], weights_again) for a, b in zip(one, two))
    assert exact or f"the weights by up to {short(gap)} " in panel.report
    gap = max(abs(a - b) for a, b in zip(rates[37:], rates_again))
    assert exact or f"the rates differ by up to {short(gap)}" in panel.report
    exec(code(panel)["course_lib"], own := {})
    assert own["rates"] == again["ys"]


@pytest.mark.parametrize("flags", FLAGS)
def test_resuming_in_keras_is_as_shown(flags, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    panel = kill_and_resume(kill=61).at(flags)
    (rates, weights), (rates_again, weights_again) = resumed(KerasRun, panel, "Keras")
    whole, again = panel.shown()["chart"]["rows"][0]["lines"]
    assert whole["ys"] == pytest.approx(rates, rel=1e-6)
    assert again["ys"] == pytest.approx(rates_again, rel=1e-6)
    # Keras's form of momentum: velocity = momentum * velocity - lr * gradient.
    weight, speed, path = [1.0, 1.0], [0.0, 0.0], []
    for step, noise in enumerate(panel.data["noise"]):
        if step == 61:
            weight = weight if flags["weights"] else [1.0, 1.0]
            speed = speed if flags["optimizer"] else [0.0, 0.0]
        rate = whole["ys"][step] if step < 61 else again["ys"][step - 61]
        slope = gradient(weight, noise)
        speed = [0.9 * v - rate * g for v, g in zip(speed, slope)]
        weight = [w + v for w, v in zip(weight, speed)]
        path.append(weight)
    assert np.ravel(weights_again[1:]) == pytest.approx(np.ravel(path[61:]), abs=1e-4)
    exact = rates_again == rates[61:] and weights_again == weights[61:]
    assert panel.reached == exact == all(flags.values())


def test_resume_goal_takes_the_place_too():
    assert not kill_and_resume().reached
    whole = dict.fromkeys(PIECES, True)
    reaching = [kill for kill in range(1, 100) if kill_and_resume(kill).at(whole).reached]
    assert reaching == list(range(30, 71))
    for kill in (1, 20, 99):
        assert "not the least difference" in kill_and_resume(kill).at(whole).report


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"kill": 0}, "kill must be a whole number of at least 1, got 0"),
        ({"kill": 100}, "kill must be below 100, the length of the run, got 100"),
        ({"lr": -1}, "lr must be a number above 0 and at most 0.5, got -1"),
        ({"schedule": 1}, "schedule must be True or False, got 1"),
    ],
)
def test_resume_arguments(arguments, message):
    with pytest.raises(ValueError) as error:
        kill_and_resume(**arguments)
    assert str(error.value) == message


# --- how_many_seeds ---------------------------------------------------------------------------


def differences(pair, order=ORDERS[0]):
    """In points, from the records, in the order that the panel looks at the seeds."""
    experiment, *variants = next(each[1:] for each in PAIRS if each[0] == pair)
    kept = [{}, {}]
    for each in read(experiment):
        if each["framework"] == "torch" and each["variant"] in variants:
            kept[variants.index(each["variant"])][each["seed"]] = each["test_accuracy"]
    seeds = [seed for seed in how_many_seeds().data["orders"][order] if seed in kept[0]]
    return [100 * (kept[0][seed] - kept[1][seed]) for seed in seeds]


def excluding(values):
    """Whether the interval excludes zero, after 2 seeds, 3, and so on."""
    found = [mean_interval(values[:n]) for n in range(2, len(values) + 1)]
    return [abs(mean) > half for mean, half in found]


def test_the_pairs_are_those_of_the_records():
    assert recorded.load("seeds") == recorded_pairs()
    for name, *_ in PAIRS:
        (pair,) = (each for each in how_many_seeds().data["pairs"] if each["name"] == name)
        assert pair["differences"] == pytest.approx(differences(name), abs=1e-4)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("pair", [each[0] for each in PAIRS])
def test_intervals_are_student_s(pair, order):
    values = differences(pair, order)
    assert (order == ORDERS[0]) == (values == differences(pair))
    decided = excluding(values)
    for count in (2, 3, 7, 20):
        panel = how_many_seeds(pair, order, count)
        count = min(count, len(values))
        means = line_of(panel, "mean so far")
        low, high = panel.shown()["chart"]["rows"][1]["lines"][1:]
        assert means["xs"] == low["xs"] == high["xs"] == list(range(2, count + 1))
        for i in range(count - 1):
            mean, half = mean_interval(values[: i + 2])
            shown = means["ys"][i], low["ys"][i], high["ys"][i]
            assert shown == pytest.approx((mean, mean - half, mean + half), abs=1e-4)
        words = "which excludes zero" if decided[count - 2] else "which holds zero"
        assert f"after {count} of {len(values)} seeds" in panel.report and words in panel.report
        used = line_of(panel, "difference")["ys"] + line_of(panel, "not looked")["ys"]
        assert used == pytest.approx(values, abs=1e-4)
        seen = decided[: count - 1]
        last = max((i for i, each in enumerate(seen) if not each), default=-1)
        if True not in seen:
            assert "no interval has excluded zero" in panel.report
        else:
            first = seen.index(True)
            assert f"excluded zero from {first + 2} seeds on" in panel.report or last > first
            assert f"first excluded zero after {first + 2} seeds, but" in panel.report or (
                last < first
            )
            assert f"excluded it from {last + 3} on" in panel.report or (
                last < first or last == count - 2
            )
        assert ("must show" in panel.report) == (count < len(values))


def test_the_pairs_are_a_small_difference_none_and_a_large_one():
    ends = [excluding(differences(pair[0])) for pair in PAIRS]
    assert [each[-1] for each in ends] == [True, False, True]
    assert not all(ends[0][1:]) and all(ends[2]) and not any(ends[1])
    # What peeking does: in another order, no difference looks like one for many seeds.
    assert any(True in excluding(differences(PAIRS[1][0], order)) for order in ORDERS)


def test_a_pair_of_fewer_seeds_says_so():
    few = "10 seeds were recorded and no more"
    assert all(few in how_many_seeds(count=count).report for count in (11, 20))
    assert few not in how_many_seeds().at(count=10).report


@pytest.mark.parametrize("order", ORDERS)
def test_seeds_goal_is_the_last_change_of_mind(order):
    decided = excluding(differences(PAIRS[0][0], order))
    wanted = max(i for i, each in enumerate(decided) if not each) + 3
    reaching = [n for n in range(2, 21) if how_many_seeds(order=order, count=n).reached]
    assert reaching == [wanted] and wanted > 2
    for pair in PAIRS[1:]:
        assert not any(how_many_seeds(pair[0], order, n).reached for n in range(2, 21))
    assert not how_many_seeds().reached


@pytest.mark.parametrize("pair, order", [(PAIRS[0][0], ORDERS[2]), (PAIRS[1][0], ORDERS[0])])
def test_seeds_code_pairs_the_runs(pair, order, monkeypatch):
    panel = how_many_seeds(pair, order, 4)
    seeds = [seed for seed in panel.data["orders"][order] if seed < len(differences(pair))][:4]
    written, asked = code(panel), []

    class Ran:
        def __init__(self, schedule, **given):
            asked.append((str(schedule), given))
            self.test_accuracy = given["seed"] / 100 if "power" in str(schedule) else 0.5

    monkeypatch.setattr("course_lib.training.fit", Ran)
    exec(written["course_lib"], names := {})
    assert list(names["after"]) == list(names["before"]) == seeds
    experiment, after, before = next(each[1:] for each in PAIRS if each[0] == pair)
    for variant, runs in ((after, asked[:4]), (before, asked[4:])):
        line = next(
            each
            for each in read(experiment)
            if (each["variant"], each["framework"]) == (variant, "torch")
        )
        for seed, (schedule, given) in zip(seeds, runs):
            assert schedule == line["schedule"] and given["seed"] == seed
            assert given["max_updates"] == line["updates"] and given["test"] is True
            for key in ("model", "optimizer", "batch_size"):
                assert given[key] == line[key]
            assert (given["validation"] > 0) == ("val_loss" in line)
    for heading in HEADINGS[1:]:
        exec(written[heading], names := {})
        assert names["differences"] == [0.0] * 4


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pair": "two"}, "pair must be one of AdamW: linear - constant, SGD 1"),
        ({"order": "any"}, "order must be one of as recorded, shuffled, 1"),
        ({"count": 1}, "count must be a whole number of at least 2, got 1"),
        ({"count": 21}, "count must be at most 20, the seeds that were recorded, got 21"),
    ],
)
def test_seeds_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        how_many_seeds(**arguments)
