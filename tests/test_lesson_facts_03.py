"""What lesson 3 says of momentum, and that it asks before it shows."""

from pathlib import Path

import pytest

LESSONS = Path(__file__).parents[1] / "lessons"


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
