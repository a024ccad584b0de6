"""Four panels without a browser: the noise floor, two milestones, the puzzles, the cycles.

What a panel claims about PyTorch and Keras is compared with PyTorch and Keras: its code is run.
"""

import numpy as np
import pytest
from test_widgets_code import keras_values, run_code, torch_values

from course_lib import schedules
from course_lib.rosetta import to_keras, to_torch, torch_until
from course_lib.schedules import Schedule, multistep
from course_lib.widgets.chance import draws, normals
from course_lib.widgets.controls import PLACES, slider_value
from course_lib.widgets.cycle_composer import cycle_composer, cycles_of
from course_lib.widgets.milestones import milestones
from course_lib.widgets.noise_floor import UPDATES, best_fixed, floor_of, noise_floor
from course_lib.widgets.puzzles import PUZZLES, STARTS, puzzle


def positions(control):
    """The values that the slider can take."""
    whole = control.scale == "whole"
    places = range(int(control.low), int(control.high) + 1) if whole else range(PLACES + 1)
    return [slider_value(control, place) for place in places]


def drawn(panel, label):
    """The heights of a line of the chart."""
    lines = [each for row in panel.shown()["chart"]["rows"] for each in row["lines"]]
    (line,) = [each for each in lines if each["label"] == label]
    return list(line["ys"])


def code(panel, heading):
    return dict(panel.shown()["code"])[heading]


def ours(panel, updates):
    """What the code under the heading course_lib makes of the updates."""
    return run_code(code(panel, "course_lib"))["schedule"].values(updates)


def in_torch(panel, updates):
    return torch_values(code(panel, "PyTorch"), updates, "lr")


def in_keras(panel, updates):
    return keras_values(code(panel, "Keras"), updates, "lr")


# --- chance


def test_draws_are_those_of_the_minimal_standard_generator():
    """Park & Miller give the 10,000th state after 1; the first 8 are left out."""
    assert draws(0, 9992)[-1] * 2147483647 == pytest.approx(1043618065, abs=0.01)
    assert draws(3, 5) != draws(4, 5) and draws(2147483646, 5) == draws(0, 5)


def test_normals_have_mean_variance_and_no_memory():
    numbers = np.array(normals(5, 40_000))
    assert abs(numbers.mean()) < 0.02 and abs(numbers.var() - 1) < 0.02
    assert abs(np.mean(numbers[1:] * numbers[:-1])) < 0.02
    assert abs(numbers).max() < 3.5


# --- the noise floor

DROPPED = {"lr": 0.3, "drops": [50, 200]}


def walked(rates, noise):
    """The losses of the valley's 40 weights, a row for each list of rates."""
    places = np.full((len(rates), 40), 100.0)
    losses = [(places**2).mean(axis=1) / 2]
    for t in range(rates.shape[1]):
        places = places - rates[:, t : t + 1] * (places + noise[t])
        losses.append((places**2).mean(axis=1) / 2)
    return np.array(losses).T


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_fixed_rate_reaches_the_floor_goal_but_drops_do(seed):
    panel = noise_floor(seed)
    noise = np.array(normals(seed, UPDATES * 40)).reshape(UPDATES, 40)
    slider = next(each for each in panel.controls if each.name == "lr")
    rates = np.array([*positions(slider), *np.geomspace(0.001, 1.99, 800)])
    losses = walked(np.repeat(rates[:, None], UPDATES, axis=1), noise)[:, -20:].mean(axis=1)
    assert best_fixed(seed) == pytest.approx(losses[:201].min(), rel=1e-2)
    assert panel.data["goal"] == pytest.approx(2 / 3 * best_fixed(seed), rel=0.05)
    assert losses.min() > 1.3 * panel.data["goal"]
    assert not panel.reached
    assert panel.at(DROPPED).reached and panel.at(lr=0.1, drops=[100]).reached
    assert panel.at(lr=0.1, drops=[50, 100, 150, 200, 250], factor="to a half").reached
    assert not panel.at(lr=0.1, drops=[380]).reached  # well placed, not just any
    assert not panel.at(lr=0.3, drops=[3]).reached


def test_what_is_drawn_is_the_walk():
    panel = noise_floor(4).at(DROPPED)
    rates = Schedule(multistep, lr=0.3, milestones=[50, 200], factor=0.1).values(UPDATES)
    noise = np.array(normals(4, UPDATES * 40)).reshape(UPDATES, 40)
    (losses,) = walked(np.array([rates]), noise)
    assert drawn(panel, "each update") == pytest.approx(list(losses))
    means = drawn(panel, "mean of the last 20")
    assert means[400] == pytest.approx(losses[381:].mean()) and means[0] == losses[0]
    assert means[57] == pytest.approx(losses[38:58].mean())
    assert drawn(panel, "rate")[:400] == pytest.approx(rates)


@pytest.mark.parametrize("lr", [0.05, 0.3, 1.0, 1.7])
def test_floor_is_where_the_loss_ends(lr):
    noise = np.array(normals(11, 2000 * 40)).reshape(2000, 40)
    (losses,) = walked(np.full((1, 2000), lr), noise)
    assert floor_of(lr) == pytest.approx(losses[500:].mean(), rel=0.08)
    panel = noise_floor().at(lr=lr)
    assert drawn(panel, "floor of the present rate")[0] == floor_of(lr)


def test_nothing_after_the_present_update_is_drawn():
    panel = noise_floor().at(DROPPED, now=120)
    full = noise_floor().at(DROPPED)
    for label in ("rate", "each update", "mean of the last 20"):
        assert drawn(panel, label) == drawn(full, label)[:121]
    rows = panel.shown()["chart"]["rows"]
    assert [[each["at"] for each in row["marks"]] for row in rows] == [[50], [50]]
    assert drawn(panel, "floor of the present rate")[0] == floor_of(0.03)
    assert not panel.reached and "Update 120 of 400: the rate is 0.03 after a drop" in panel.report
    assert not panel.at(now=399).reached


def test_drops_count_once_each_and_in_order():
    panel = noise_floor().at(lr=0.3)
    assert panel.at(drops=[200, 50, 50]).shown() == panel.at(drops=[50, 200]).shown()
    assert panel.at(drops=[400]).shown() == panel.shown()
    assert "without a drop" in panel.report
    assert "drops to a tenth at the updates 50, 200." in panel.at(DROPPED).report


@pytest.mark.parametrize(
    "values", [{}, DROPPED, {"lr": 0.02, "drops": [7, 8, 90], "factor": "to a half"}]
)
def test_floor_code_gives_the_rates_drawn(values):
    panel = noise_floor().at(values)
    rates = drawn(panel, "rate")[:400]
    assert ours(panel, 400) == pytest.approx(rates, rel=1e-12)
    assert in_torch(panel, 400) == pytest.approx(rates)
    assert in_keras(panel, 400) == pytest.approx(rates, rel=1e-6)


def test_floor_says_where_the_loss_is():
    for values, words in [
        ({"lr": 0.5}, "has arrived and rattles there"),
        ({"lr": 0.007}, "still on its way down"),
        ({"lr": 0.5, "now": 4}, "still on its way down"),
    ]:
        assert words in noise_floor().at(values).report


def test_a_seed_must_be_whole():
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, got -1"):
        noise_floor(seed=-1)


# --- two milestones

MENDED = {"first": 40, "second": 75, "boundaries": "each one less"}


@pytest.mark.parametrize(
    "values",
    [{}, MENDED, {"first": 1, "second": 99}, {"first": 80, "second": 12}, {**MENDED, "first": 74}],
)
def test_both_frameworks_use_the_rates_drawn(values):
    """The panel draws formulas; here the frameworks themselves run the code that it shows."""
    panel = milestones().at(values)
    torch, keras = in_torch(panel, 100), in_keras(panel, 100)
    assert drawn(panel, "PyTorch") == pytest.approx(torch, rel=1e-9)
    assert drawn(panel, "Keras") == pytest.approx(keras, rel=1e-6)
    assert ours(panel, 100) == pytest.approx(torch, rel=1e-9)
    apart = [t for t in range(100) if abs(torch[t] - keras[t]) > 1e-6 * torch[t]]
    assert f"different rates at {len(apart)} of 100 updates" in panel.report
    late = [t for t in range(1, 100) if keras[t] < 0.9 * keras[t - 1]]
    assert f"Keras {' and '.join(map(str, late))}." in panel.report


def test_milestones_are_mended_by_one_less_for_keras_only():
    panel = milestones()
    assert not panel.reached and panel.at(MENDED).reached
    assert panel.at(MENDED, first=75, second=40).reached
    for wrong in ({"first": 41}, {"second": 74}, {"boundaries": "the milestones"}):
        assert not panel.at(MENDED).at(wrong).reached
    for first, second in ((39, 74), (41, 76)):  # nor does it help to move both frameworks
        for option in ("the milestones", "each one less"):
            assert not panel.at(first=first, second=second, boundaries=option).reached
    report = panel.report
    assert "PyTorch 30 and 60, Keras 31 and 61" in report
    assert "2 of 100 updates: 30 and 60. Update 30 is made with 0.01 in PyTorch" in report
    assert "0 of 100 updates." in panel.at(MENDED).report


def test_zoom_shows_each_update_around_the_first_milestone():
    zoom = milestones().shown()["chart"]["rows"][1]
    torch, keras = zoom["lines"]
    assert torch["dots"] and keras["dots"] and torch["xs"] == list(range(27, 34))
    assert [a == b for a, b in zip(torch["ys"], keras["ys"])] == [True] * 3 + [False] + [True] * 3
    assert zoom["x"]["low"] < 27 and zoom["x"]["high"] > 33
    edge = milestones().at(first=1, second=99).shown()["chart"]["rows"][1]
    assert edge["lines"][0]["xs"] == [0, 1, 2, 3, 4]
    assert all(each.drag for each in milestones().controls[:2])


def test_two_milestones_at_one_update_are_refused():
    with pytest.raises(ValueError, match="must be two updates, got 50 twice"):
        milestones().at(first=50, second=50).shown()


# --- the puzzles

ALL = range(1, len(PUZZLES) + 1)


def solution(number):
    """The settings of a puzzle's true schedule."""
    schedule = PUZZLES[number - 1]
    names = {start.formula: name for name, start in STARTS.items()}
    name, values = names[schedule.formula], {}
    for parameter, value in schedule.params.items():
        if isinstance(value, Schedule):
            values |= {f"{name}.{parameter}.{each}": given for each, given in value.params.items()}
        else:
            values[f"{name}.{parameter}"] = value
    panel = puzzle(number)
    known = {each.name for each in panel.controls}
    assert all(panel.data["formulas"][name] for name in STARTS)
    fixed = dict(panel.data["formulas"][name]["defaults"])
    assert all(fixed[path] == value for path, value in values.items() if path not in known)
    return {"formula": name} | {path: value for path, value in values.items() if path in known}


@pytest.mark.parametrize("number", ALL)
def test_a_puzzle_is_solved_by_its_setting_only(number):
    panel = puzzle(number)
    right = solution(number)
    assert not panel.reached and panel.at(right).reached
    for name in STARTS:
        assert not panel.at(formula=name).reached  # the start of no formula
    target = panel.data["target"]
    middle = (max(target) + min(target)) / 2
    constant = {"formula": "cosine", "cosine.peak_lr": middle, "cosine.final_lr": middle}
    assert not panel.at(constant).reached
    assert max(abs(each - middle) for each in target) > 0.1 * max(target)


@pytest.mark.parametrize("number", ALL)
def test_two_percent_are_of_the_peak_of_the_curve(number):
    right = solution(number)
    (name,) = [each for each in right if each.endswith(("peak_lr", ".lr"))]
    panel = puzzle(number).at(right)
    assert panel.at({name: 1.018 * right[name]}).reached
    assert not panel.at({name: 1.022 * right[name]}).reached


@pytest.mark.parametrize("number", ALL)
def test_the_sliders_alone_solve_a_puzzle(number):
    """Each at the position of panel.js that is nearest to the true value; nothing is typed."""
    panel, values = puzzle(number), {}
    controls = {each.name: each for each in panel.controls}
    for name, wanted in solution(number).items():
        nearest = positions(controls[name]) if controls[name].kind == "slider" else [wanted]
        values[name] = min(nearest, key=lambda each: abs(each - wanted) if each != wanted else -1)
    assert panel.at(values).reached


@pytest.mark.parametrize("number", ALL)
def test_the_page_gets_the_values_of_the_curve_only(number):
    panel = puzzle(number)
    rates = PUZZLES[number - 1].values(100)
    assert panel.data["target"] == pytest.approx(rates, rel=1e-3, abs=1e-9)
    rest = [vars(each) for each in panel.controls], panel.values, panel.title, panel.goal
    rest = repr((rest, {key: each for key, each in panel.data.items() if key != "target"}))
    common = {1.0, 10.0, 2.0}
    for name, value in solution(number).items():
        if name != "formula" and value not in common:
            assert f" {value}," not in rest and f" {value}]" not in rest, name
    assert "PUZZLES" not in panel.script() and "PUZZLES" not in panel.html()


@pytest.mark.parametrize("number", ALL)
def test_a_puzzle_says_how_far_and_where(number):
    panel = puzzle(number)
    target, mine = panel.data["target"], drawn(panel, "yours: polynomial")
    assert mine == pytest.approx([0.1 * (1 - t / 100) for t in range(100)])
    apart = [abs(a - b) for a, b in zip(mine, target)]
    share, where = 100 * max(apart) / max(target), apart.index(max(apart))
    assert f"Largest difference: {share:.3g} % of the curve's peak, at update {where}," in (
        panel.report
    )
    assert drawn(panel, "the curve to match") == target
    for name in STARTS:
        if name != "polynomial":
            assert name not in panel.shown()["chart"]["label"]


@pytest.mark.parametrize("name", STARTS)
def test_puzzle_code_gives_the_rates_drawn(name):
    number = next(n for n in ALL if solution(n)["formula"] == name)
    for values in ({"formula": name}, solution(number)):
        panel = puzzle().at(values)
        rates = drawn(panel, f"yours: {name}")
        assert ours(panel, 100) == pytest.approx(rates, rel=1e-12)
        assert in_torch(panel, 100) == pytest.approx(rates, rel=1e-6, abs=1e-7)
        assert in_keras(panel, 100) == pytest.approx(rates, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("number, message", [(0, "of at least 1, got 0"), (9, "at most 8, got 9")])
def test_a_puzzle_that_is_none(number, message):
    with pytest.raises(ValueError, match=f"number must be .*{message}"):
        puzzle(number)


# --- the cycle composer


def restarts(**params):
    """Settings of cosine_restarts, by its parameters."""
    return {f"cosine_restarts.{name}": value for name, value in params.items()}


def triangles(**params):
    """Settings of triangular, by its parameters."""
    return {"formula": "triangular"} | {f"triangular.{name}": v for name, v in params.items()}


COMPOSED = [
    {},
    restarts(cycle_factor=2.0, cycle_steps=20),
    restarts(cycle_factor=1.37, cycle_steps=11, peak_factor=0.8, warmup_steps=3),
    triangles(),
    triangles(half_cycle_steps=7, down_steps=60, mode="triangular2"),
    triangles(mode="exp_range", factor=0.99, base_lr=0.002),
    {"formula": "one_cycle"},
    {"formula": "one_cycle", "one_cycle.total_steps": 200, "one_cycle.warmup_fraction": 0.1},
]


@pytest.mark.parametrize("values", COMPOSED)
def test_composed_code_gives_the_rates_drawn(values):
    panel = cycle_composer().at(values)
    formula = panel.values["formula"]
    rates = drawn(panel, formula)
    assert ours(panel, 300) == pytest.approx(rates, rel=1e-12)
    assert in_torch(panel, 300) == pytest.approx(rates, rel=1e-6, abs=1e-9)
    assert in_keras(panel, 300) == pytest.approx(rates, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("values", COMPOSED)
def test_composed_code_is_the_table_of_translations(values):
    panel = cycle_composer().at(values)
    names = dict(vars(schedules))
    exec(code(panel, "course_lib"), names)
    for heading, translate in (("PyTorch", to_torch), ("Keras", to_keras)):
        try:
            assert translate(names["schedule"]) in code(panel, heading) or (
                heading == "PyTorch" and torch_until(names["schedule"]) < 300
            )
        except ValueError:  # they have none
            assert f"{heading.replace('Py', '')}Schedule(" in code(panel, heading)


@pytest.mark.parametrize("values", COMPOSED)
def test_composed_counts_are_those_of_the_rates(values):
    panel = cycle_composer().at(values)
    formula, report = panel.values["formula"], panel.report
    rates = np.array(drawn(panel, formula))
    low = int((rates < rates.max() / 10).sum())
    assert f"Updates below a tenth of the peak {rates.max():.3g}: {low} of 300." in report
    assert f"Sum of the rates: {rates.sum():.4g}." in report
    curve, ends = panel.shown()["chart"]["rows"]
    last = curve["lines"][1]["xs"]
    # A cycle ends where the rate is lowest between two peaks; a triangle only begins there.
    valleys = [t for t in range(1, 299) if rates[t - 1] > rates[t] < rates[t + 1]]
    if formula == "triangular":
        valleys = [t - 1 for t in valleys]
    if formula != "one_cycle":
        assert [t for t in last if t < 299] == valleys
        assert [each["at"] for each in curve["marks"]] == [t + 1 for t in valleys]
        begins = [0, *(t + 1 for t in valleys)]
        shares = [100 * rates[b] / rates[a : b + 1].max() for a, b in zip(begins, last)]
        shares = [max(each, 2e-4) for each in shares]  # a log axis has no place for 0
        assert ends["lines"][0]["ys"] == pytest.approx(shares)
    assert report.startswith(f"{len(last)} complete cycle")


def test_four_doubled_snapshots_need_cycles_of_the_right_length():
    panel = cycle_composer()
    growth = next(each for each in panel.controls if each.name.endswith("cycle_factor"))
    assert 2.0 in positions(growth)
    reached = [
        steps
        for steps in range(5, 151)
        if panel.at(restarts(cycle_factor=2.0, cycle_steps=steps)).reached
    ]
    # 15 * (1 + 2 + 4 + 8) = 225 would fit, but 15 updates end at 1.1 % of the peak; 8 and 9 have a
    # fifth cycle, and so four that go below 1 % after the first.
    assert reached == [8, 9, 16, 17, 18, 19, 20]
    right = restarts(cycle_factor=2.0, cycle_steps=20)
    assert panel.at(right).reached and not panel.reached
    for wrong in (
        restarts(final_lr=0.002),
        restarts(cycle_factor=1.0),
        restarts(cycle_factor=1.9),
        restarts(warmup_steps=12),
        restarts(cycle_steps=21),
    ):
        assert not panel.at(right).at(wrong).reached
    for other in (triangles(base_lr=0.0, half_cycle_steps=20), {"formula": "one_cycle"}):
        assert not panel.at(right).at(other).reached
    assert "19 (0.616 %), 59 (0.154 %), 139 (0.0385 %), 299" in panel.at(right).report
    assert "twice as long as the one before: yes" in panel.at(right).report


def test_lengths_of_cycles_that_are_no_whole_numbers():
    """Against the formula: a cycle begins where the rate is at its peak again."""
    params = {"cycle_steps": 10, "cycle_factor": 1.25}
    rates = Schedule(schedules.cosine_restarts, peak_lr=1.0, **params).values(300)
    jumps = [t for t in range(1, 300) if rates[t] > rates[t - 1]]
    assert [last + 1 for _, _, last in cycles_of("cosine_restarts", params, 300)] == jumps


def test_one_cycle_that_ends_before_the_run_does():
    panel = cycle_composer().at({"formula": "one_cycle", "one_cycle.total_steps": 200})
    assert "OneCycleLR refuses to go on" in panel.report
    assert "TorchSchedule(" in code(panel, "PyTorch")
    whole = panel.at({"one_cycle.total_steps": 300})
    with pytest.raises(ValueError, match="Tried to step"):
        in_torch(whole, 302)


def test_a_formula_that_refuses_says_why():
    with pytest.raises(ValueError, match="warmup_steps must be below cycle_steps, got 20 of 20"):
        cycle_composer().at(restarts(warmup_steps=20, cycle_steps=20)).shown()
