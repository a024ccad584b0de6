"""What single lessons state, beside the bug bank and the claims, in the order of the lessons."""

import math
import re
from pathlib import Path

import jupytext
import keras
import numpy as np
import pytest
import torch
from exercise_helper import earned
from scipy import stats
from test_answers import FOLDER, load
from test_bug_bank import keras_plateau, torch_plateau

from course_lib.claims import CLAIMS, Runs, gain
from course_lib.claims.lesson_11 import BETWEEN, p_value, tuned
from course_lib.claims.records import append

ROOT = Path(__file__).parents[1]
LESSONS = ROOT / "lessons"


def the_cell(lesson, start):
    """The source of the lesson's cell that starts so."""
    cells = jupytext.read(LESSONS / f"{lesson}.py").cells
    (found,) = [cell.source for cell in cells if cell.source.startswith(start)]
    return found


# --- 0: reading and writing the rate --------------------------------------------------------------


def test_a_rate_written_into_the_state_dict_is_lost():
    """`optimizer.state_dict()` hands out new dicts of the groups (pytorch/examples#64)."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    for group in optimizer.state_dict()["param_groups"]:
        group["lr"] = 0.5
    assert optimizer.param_groups[0]["lr"] == 0.1
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = 0.5
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 0.5


# --- 1: half an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grade_id, answer, missing",
    [
        ("01-walk", "walk_never_crosses", {"from wall to wall", "beyond the edge"}),
        (
            "01-critical-rate",
            "critical_largest_diagonal",
            {"full matrices, as lists", "full matrices, as arrays"},
        ),
        ("01-best-rate", "best_first_of_ties", {"ties"}),
        ("01-best-rate", "best_only_upper_boundary", {"at the boundary"}),
        ("01-best-rate", "best_returns_none", {"every run diverged"}),
        (
            "01-missing-255",
            "losses_a_rate_that_converges",
            {"a rate beyond the edge still explodes"},
        ),
    ],
)
def test_who_has_half_of_it_earns_the_groups_that_are_right(grade_id, answer, missing):
    """An answer that is right in part earns the part of the points that is."""
    answers = load(FOLDER / "lesson_01.py")
    every = earned("01_fixed_rates", grade_id, answers.RIGHT[grade_id][0])
    (half,) = (each for each in answers.WRONG[grade_id] if each.__name__ == answer)
    assert set(every) - set(earned("01_fixed_rates", grade_id, half)) == missing


# --- 3: momentum ----------------------------------------------------------------------------------


def moved(lr, momentum, gradient, updates=200):
    """The weight after these updates from 1, in PyTorch's form."""
    weight, velocity = 1.0, 0.0
    for _ in range(updates):
        velocity = momentum * velocity + gradient(weight)
        weight -= lr * velocity
    return weight


def test_momentum_is_worth_ten_times_the_rate_while_the_gradient_keeps_its_sign():
    with_it, without = (moved(lr, m, lambda w: 1.0) for lr, m in ((0.1, 0.9), (1.0, 0.0)))
    assert with_it - 1 == pytest.approx(without - 1, rel=0.05)


def test_on_a_steep_wall_momentum_raises_the_edge():
    """f = w**2 / 2, whose edge is 2 without momentum and 3.8 with 0.9."""
    assert abs(moved(3.7, 0.9, lambda w: w, 2000)) < 1e-6
    assert abs(moved(2.1, 0.0, lambda w: w)) > 1e6


@pytest.mark.parametrize(
    "lesson, asked, shown",
    [
        ("03_step_and_exponential", '"3.b"', "PiecewiseConstantDecay([steps"),
        ("07_range_test", 'outcome("7.c"', "\nfinder_reader("),  # its first sweep is MNIST's
    ],
)
def test_a_prediction_is_asked_before_a_cell_shows_its_answer(lesson, asked, shown):
    source = (LESSONS / f"{lesson}.py").read_text(encoding="utf-8")
    assert source.index(asked) < source.index(shown)


# --- 5: a join without a warmup -------------------------------------------------------------------


def test_the_model_answer_of_the_join_works_without_a_warmup():
    names = {"lr_scheduler": torch.optim.lr_scheduler}
    exec(the_cell("05_warmup", "def warm_line"), names)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, rates = names["warm_line"](optimizer, warmup_steps=0, total_steps=4), []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0, 0.0])


# --- 6: plateau rules -----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [torch_plateau, keras_plateau])
def test_a_floor_at_the_rate_itself_keeps_it(rule):
    """DeepACSA's bug: the rate can never fall below where it starts."""
    assert set(rule([1.0] * 30, lr=0.5, min_lr=0.5, patience=2)) == {0.5}
    assert min(rule([1.0] * 30, lr=0.5, min_lr=0.25, patience=2)) == 0.25


# --- 7: the loss that a callback of Keras is told -------------------------------------------------


class Noted(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.means = []

    def on_train_batch_end(self, batch, logs=None):
        self.means.append(logs["loss"])


def test_the_logs_hold_the_mean_since_the_epoch_began():
    """With a rate of 0 every batch keeps its loss, so the means of two epochs are known."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 3)).astype(np.float32)
    y = rng.normal(size=(20, 1)).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    losses = [
        float(np.mean((model(x[rows]).numpy() - y[rows]) ** 2))
        for rows in (slice(start, start + 4) for start in range(0, len(x), 4))
    ]
    noted = Noted()
    model.fit(x, y, batch_size=4, epochs=2, shuffle=False, callbacks=[noted], verbose=0)
    means = np.cumsum(losses) / np.arange(1, 6)
    np.testing.assert_allclose(noted.means, [*means, *means], rtol=1e-5)
    assert not np.allclose(noted.means[:5], losses)


# --- 9: weight decay ------------------------------------------------------------------------------


def test_a_schedule_schedules_the_weight_decay_of_adamw_too_in_both_frameworks(capsys):
    names = {}
    exec(
        "import torch\nfrom itertools import pairwise\nfrom torch.optim import lr_scheduler\n"
        "from course_lib.tensorflow import keras, tf",
        names,
    )
    exec(the_cell("09_composition_and_parity", "for kind in (torch.optim.AdamW"), names)
    adamw, adam, *in_keras = capsys.readouterr().out.splitlines()
    shares = "['1.00%', '0.75%', '0.50%', '0.25%']"  # the rate, 0.1 to 0, times the decay, 0.1
    assert shares in adamw and [shares in each for each in in_keras] == [True, True]
    assert "['10.00%'" in adam  # the rate itself


# --- 11: peaks ------------------------------------------------------------------------------------


def test_the_p_of_a_difference_is_that_of_the_paired_t_test():
    after, before = [97.1, 97.4, 96.9, 97.8], [96.8, 97.5, 96.2, 97.0]
    difference = gain(dict(enumerate(after)), dict(enumerate(before)))
    assert p_value(difference) == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert math.isclose(p_value(gain({0: 1.0, 1: 2.0, 2: 4.0}, {0: 2.0, 1: 1.0, 2: 4.0})), 1.0)


def test_the_claim_of_ten_comparisons_says_what_is_left_on_two_grids():
    numbers = CLAIMS["budgets-close"].numbers("torch")
    assert (numbers.left, numbers.coarse) == ("wsd above cosine", "linear above wsd")
    assert "Bonferroni" in CLAIMS["budgets-close"].text()


@pytest.mark.parametrize(
    ("losses", "without", "peak", "at_border"),
    [
        ((0.3, 0.20, 0.22, 0.4), (), 0.1, False),
        ((0.3, 0.20, 0.22, 0.4), (0.1,), 0.2, False),
        ((0.3, 0.20, 0.22, 0.4), (0.05,), 0.1, True),
        ((0.2, 0.3, 0.4, None), (), 0.05, True),
        ((0.4, 0.3, 0.3, 0.2), (), 0.4, True),
    ],
)
def test_a_tuned_peak_may_be_at_the_border_of_its_grid(losses, without, peak, at_border, tmp_path):
    for rate, loss in zip((0.05, 0.1, 0.2, 0.4), losses):
        run = {"variant": f"linear 1 {rate:g}", "framework": "torch", "seed": 0}
        append("budgets", {**run, "val_loss": loss, "test_accuracy": 0.9}, tmp_path)
    found = tuned(Runs("budgets", "torch", tmp_path), without=without)["linear", 1.0]
    assert (found.peak, found.at_border) == (peak, at_border)


@pytest.mark.parametrize(("framework", "expected"), [("torch", 19), ("tensorflow", 18)])
def test_a_factor_of_3_was_too_coarse(framework, expected):
    runs = Runs("budgets", framework)
    fine, coarse = tuned(runs), tuned(runs, without=BETWEEN)
    assert sum(fine[each].peak != coarse[each].peak for each in fine) == expected


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_what_falls_at_once_chooses_a_higher_peak_than_the_common_one(framework):
    found = tuned(Runs("budgets", framework))
    falling = ("step", "exponential", "linear", "cosine", "rex")
    assert all(each.peak > 0.1 for (kind, _), each in found.items() if kind in falling)


# --- 12: the clinic -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clinic():
    names = {}
    exec("import math\nimport numpy as np\nfrom course_lib.schedules import *", names)
    exec("from course_lib.schedules import Schedule", names)
    exec(the_cell("12_clinic_and_budget", "EPOCH, TOTAL"), names)
    exec(the_cell("12_clinic_and_budget", "cases = {"), names)
    return names


def test_each_patient_has_a_trace_of_its_own(clinic):
    traces = {
        name: np.array([applied(step) for step in range(clinic["TOTAL"])])
        for name, (_, applied) in clinic["cases"].items()
    }
    names = list(traces)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            assert np.abs(traces[name] - traces[other]).max() > 2e-3, (name, other)


def test_three_plans_are_kept_and_nine_are_not(clinic):
    kept = [
        name
        for name, (plan, applied) in clinic["cases"].items()
        if all(plan(step) == applied(step) for step in range(clinic["TOTAL"]))
    ]
    assert kept == ["healthy", "planned 100 times too low", "planned 10 times too high"]
    assert sorted(clinic["cause"].values()) == sorted(clinic["cases"])


def test_the_question_about_patient_d_has_the_right_answer_among_its_odds(clinic):
    asked = the_cell("12_clinic_and_budget", 'predict(\n    "12.a"')
    assert f'"{clinic["cause"]["D"]}": 25' in asked


def test_every_answer_of_the_guide_has_a_claim_or_says_that_it_has_none():
    text = (ROOT / "docs" / "templates" / "choosing.md").read_text(encoding="utf-8")
    answers = re.split(r"\n(?=\*\*)", text)[1:]
    assert len(answers) == 8
    for answer in answers:
        assert re.search(r"\{\{[\w-]+\}\}|No record here", answer), answer[:60]
    assert len(text.split()) < 700


def test_the_ward_judges_the_letters_with_an_entry_and_names_no_cause(clinic, capsys):
    source = the_cell("12_clinic_and_budget", "diagnosis = {}").replace(
        "diagnosis = {}", "diagnosis = {'A': cause['A'], 'B': 'healthy', 'C': ''}"
    )
    clinic = {**clinic, "outcome": lambda *args: None}
    exec(source, clinic)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "A right" and told[1].startswith("B not 'healthy'") and len(told) == 4
    assert not any(
        cause in line for line in told for cause in clinic["cases"] if cause != "healthy"
    )
    assert told[-1] == "1 of 12 diagnosed"
    assert clinic["cause"]["B"] != "healthy"


def test_each_patient_is_drawn_over_its_plan():
    assert "cases[cause[letter]][0].values(TOTAL)" in the_cell("12_clinic_and_budget", "def ward")
