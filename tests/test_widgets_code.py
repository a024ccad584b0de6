"""The code that the explorer shows is run as it is copied, at the ends of every slider and between
them: it gives the rates of the picture, update by update.
"""

import itertools
import random
import warnings

import numpy as np
import pytest

from course_lib.schedules import GALLERY
from course_lib.widgets import (
    cycle_composer,
    explore,
    finder_reader,
    how_many_seeds,
    kill_and_resume,
    milestones,
    noise_floor,
    plateau_cuts,
    puzzle,
    warmup_map,
)
from course_lib.widgets.controls import PLACES, slider_value

STEPS = 60


def ends(control):
    return (control.low, control.high) if control.scale == "whole" else (0, PLACES)


def settings(panel, key, count=8):
    """Both ends of every slider alone and of each two rates together, every word and flag, and
    some of all at random."""
    dice, controls = random.Random(key), [each for each in panel.controls if each.group == key]
    alone, mixed = [{}], [{} for _ in range(count)]
    for each in controls:
        match each.kind:
            case "slider":
                low, high = ends(each)
                values = [slider_value(each, place) for place in (low, high)]
                drawn = [slider_value(each, dice.uniform(low, high)) for _ in mixed]
                drawn = [dice.choice([one, one, *values]) for one in drawn]
                values += [None] if each.optional else []
                values += [STEPS // 3] if each.scale == "whole" else []  # it ends in the picture
            case "choice":
                values, drawn = each.options, [dice.choice(each.options) for _ in mixed]
            case "flag":
                values, drawn = (True, False), [dice.random() < 0.5 for _ in mixed]
            case _:
                continue
        alone += [{each.name: value} for value in values]
        for one, value in zip(mixed, drawn, strict=True):
            if dice.random() < 0.7:
                one[each.name] = value
    rates = [each for each in controls if each.name.endswith("lr")]
    pairs = [
        {one.name: slider_value(one, ends(one)[i]), other.name: slider_value(other, ends(other)[j])}
        for one, other in itertools.combinations(rates, 2)
        for i, j in itertools.product((0, 1), repeat=2)
    ]
    return alone + pairs + mixed


def shown_at(panel, values):
    """What the panel says there; None where it says why the formula refuses."""
    try:
        shown = panel.at(values).shown()
    except (ValueError, OverflowError):
        return None
    return dict(shown["code"]), np.array(shown["chart"]["rows"][0]["lines"][0]["ys"])


def run_code(code):
    space = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(code, space)
    return space


def torch_values(code, updates, field):
    """The rates or momenta with which each update is made, step() after each."""
    space = run_code(code)
    optimizer, scheduler = space["optimizer"], space.get("scheduler")
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for update in range(updates):
            found.append(optimizer.param_groups[0][field])
            optimizer.step()
            if scheduler and update + 1 < updates:
                scheduler.step()
    return np.array(found)


def keras_values(code, updates, field):
    optimizer = run_code(code)["optimizer"]
    rate = optimizer._learning_rate if field == "lr" else optimizer.momentum
    if not callable(rate):
        return np.full(updates, float(rate))
    if "warmup" in code or "Restarts" in code or "KerasSchedule" in code:  # one step at a time
        return np.array([float(rate(step)) for step in range(updates)])
    return np.asarray(rate(np.arange(updates)), float)


def gap(drawn, found):
    return np.abs(drawn - found).max() / max(np.abs(drawn).max(), 1e-12)


def field_of(key):
    return "momentum" if key == "one_cycle_momentum" else "lr"


@pytest.mark.parametrize("key", GALLERY)
def test_the_code_of_the_explorer_gives_its_picture_wherever_the_sliders_stand(key):
    panel, seen = explore(key, steps=STEPS), 0
    for values in settings(panel, key):
        if (answer := shown_at(panel, values)) is None:
            continue
        code, drawn = answer
        seen += 1
        assert run_code(code["course_lib"])["schedule"].values(STEPS) == drawn.tolist()
        if field_of(key) == "momentum" and drawn.max() == 1:  # which TorchSchedule refuses
            continue
        found = torch_values(code["PyTorch"], STEPS, field_of(key))
        assert gap(drawn, found) < 1e-6, (values, code["PyTorch"])
    assert seen > 3


@pytest.mark.parametrize("key", GALLERY)
def test_the_code_for_keras_gives_the_picture_wherever_the_sliders_stand(key):
    panel = explore(key, steps=STEPS)
    # A fraction of a cycle is what float32 leaves of the number of cycles so far.
    close = 2e-5 if "restarts" in key else 1e-6
    for values in settings(panel, key, count=3):
        if (answer := shown_at(panel, values)) is None:
            continue
        code, drawn = answer
        if code["Keras"].count("KerasSchedule(") and values:
            continue  # our own schedule, which has tests of its own
        found = keras_values(code["Keras"], STEPS, field_of(key))
        assert gap(drawn, found) < close, (values, code["Keras"])


@pytest.mark.parametrize(
    "panel",
    [
        *(puzzle(3), cycle_composer(), milestones(), noise_floor()),
        *(noise_floor().at(drops=[50]), warmup_map(), warmup_map(length="0")),
        *(plateau_cuts(), finder_reader(), finder_reader("CIFAR-10, seed 1", "steepest")),
        *(how_many_seeds(count=2), kill_and_resume()),
        kill_and_resume(weights=True, optimizer=True),
        kill_and_resume(weights=True, optimizer=True, schedule=True),
    ],
)
def test_the_code_of_a_panel_runs_as_it_is_copied(panel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _, code in panel.shown()["code"]:
        assert run_code(code)


def test_where_pytorch_s_own_leaves_the_curve_is_said():
    panel = explore("cosine", steps=60).at({"cosine.total_steps": 44})
    code = dict(panel.shown()["code"])["PyTorch"]
    assert "# PyTorch's own scheduler leaves this curve at update 45\n" in code
    assert "TorchSchedule(optimizer, Schedule(cosine" in code
    assert "CosineAnnealingLR" in dict(panel.at(steps=45).shown()["code"])["PyTorch"]


def test_a_momentum_is_no_learning_rate():
    shown = explore("one_cycle_momentum").shown()
    assert shown["chart"]["rows"][0]["label"] == "momentum" and "a momentum" in shown["report"]
    both = explore("cosine", "one_cycle_momentum").shown()
    assert both["chart"]["rows"][0]["label"] == "rate, momentum"
