"""What lesson 11 computes for its claims beside intervals."""

import math

import pytest
from scipy import stats

from course_lib.claims import CLAIMS, gain
from course_lib.claims.lesson_11 import p_value


def test_the_p_of_a_difference_is_that_of_the_paired_t_test():
    after, before = [97.1, 97.4, 96.9, 97.8], [96.8, 97.5, 96.2, 97.0]
    difference = gain(dict(enumerate(after)), dict(enumerate(before)))
    assert p_value(difference) == pytest.approx(stats.ttest_rel(after, before).pvalue)
    assert math.isclose(p_value(gain({0: 1.0, 1: 2.0, 2: 4.0}, {0: 2.0, 1: 1.0, 2: 4.0})), 1.0)


def test_the_claim_of_ten_comparisons_says_what_is_left_after_a_correction_for_ten():
    for framework in ("torch", "tensorflow"):
        numbers = CLAIMS["budgets-close"].numbers(framework)
        assert numbers.corrected < numbers.pairs - numbers.undecided
    assert "Bonferroni" in CLAIMS["budgets-close"].text()
