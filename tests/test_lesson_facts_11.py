"""What lesson 11 computes for its claims beside intervals."""

import math

import pytest
from scipy import stats

from course_lib.claims import CLAIMS, Runs, gain
from course_lib.claims.lesson_11 import BETWEEN, p_value, tuned
from course_lib.claims.records import append


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
