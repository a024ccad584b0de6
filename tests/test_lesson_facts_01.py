"""Lesson 01: an answer that is right in part earns the part of the points that is."""

import pytest
from exercise_helper import earned
from test_answers import FOLDER, load

LESSON = "01_fixed_rates"
ANSWERS = load(FOLDER / "lesson_01.py")


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
    every = earned(LESSON, grade_id, ANSWERS.RIGHT[grade_id][0])
    assert set(every) - set(earned(LESSON, grade_id, getattr(ANSWERS, answer))) == missing
