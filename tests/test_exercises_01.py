"""Lesson 1: each check rejects plausible wrong answers and accepts right ones of any form."""

import math

import numpy as np
import pytest
from exercise_helper import assert_lazy_answers_fail, earned, passes

LESSON = "01_fixed_rates"

# --- 1.1 walk: the positions of the ball ----------------------------------------------------------


def walk_without_start(start, *, lr, curvature, steps):
    return [start * (1 - lr * curvature) ** t for t in range(1, steps + 1)]


def walk_one_step_short(start, *, lr, curvature, steps):
    return [start * (1 - lr * curvature) ** t for t in range(steps)]


def walk_uphill(start, *, lr, curvature, steps):
    return [start * (1 + lr * curvature) ** t for t in range(steps + 1)]


def walk_ignores_curvature(start, *, lr, curvature, steps):
    return [start * (1 - lr) ** t for t in range(steps + 1)]


def walk_halves_gradient(start, *, lr, curvature, steps):
    return [start * (1 - lr * curvature / 2) ** t for t in range(steps + 1)]


def walk_doubles_gradient(start, *, lr, curvature, steps):
    return [start * (1 - lr * 2 * curvature) ** t for t in range(steps + 1)]


def walk_with_gradient_of_start(start, *, lr, curvature, steps):
    return [start - t * lr * curvature * start for t in range(steps + 1)]


def walk_distances(start, *, lr, curvature, steps):
    return [abs(start * (1 - lr * curvature) ** t) for t in range(steps + 1)]


def walk_never_crosses(start, *, lr, curvature, steps):
    return [start * max(0, 1 - lr * curvature) ** t for t in range(steps + 1)]


def walk_last_position(start, *, lr, curvature, steps):
    return start * (1 - lr * curvature) ** steps


def walk_losses(start, *, lr, curvature, steps):
    return [curvature * (start * (1 - lr * curvature) ** t) ** 2 / 2 for t in range(steps + 1)]


def walk_rounds(start, *, lr, curvature, steps):
    return [round(start * (1 - lr * curvature) ** t, 3) for t in range(steps + 1)]


def walk_remembers(start, *, lr, curvature, steps, positions=[]):  # noqa: B006
    positions.append(start)
    for _ in range(steps):
        positions.append(positions[-1] * (1 - lr * curvature))
    return positions


def walk_knows_visible_answers(start, *, lr, curvature, steps):
    known = {
        (8.0, 3): [8.0, 4.0, 2.0, 1.0],
        (8.0, 0): [8.0],
        (1.0, 2): [1.0, 0.0, 0.0],
        (1.0, 3): [1.0, -0.5, 0.25, -0.125],
        (-2.0, 2): [-2.0, 4.0, -8.0],
    }
    return known.get((start, steps))


def right_walk_closed_form(start, *, lr, curvature, steps):
    return [start * (1 - lr * curvature) ** t for t in range(steps + 1)]


def right_walk_numpy(start, *, lr, curvature, steps):
    return start * np.cumprod([1.0] + [1 - lr * curvature] * steps)


def right_walk_while(start, *, lr, curvature, steps):
    positions, w = [], start
    while True:
        positions.append(w)
        if len(positions) == steps + 1:
            return tuple(positions)
        w -= lr * (curvature * w)


def right_walk_recursive(start, *, lr, curvature, steps):
    if steps == 0:
        return [start]
    then = start - lr * curvature * start
    return [start, *right_walk_recursive(then, lr=lr, curvature=curvature, steps=steps - 1)]


# --- 1.2 critical_rate: 2 / largest eigenvalue ----------------------------------------------------


def critical_largest_entry(hessian):
    return 2 / np.max(hessian)


def critical_largest_diagonal(hessian):
    return 2 / np.diag(hessian).max()


def critical_trace(hessian):
    return 2 / np.trace(hessian)


def critical_smallest(hessian):
    return 2 / np.linalg.eigvalsh(hessian).min()


def critical_first_of_unsorted(hessian):
    return 2 / np.linalg.eig(np.array(hessian, dtype=float)).eigenvalues[0]


def critical_best_rate(hessian):
    return 1 / np.linalg.eigvalsh(hessian).max()


def critical_frobenius(hessian):
    return 2 / np.linalg.norm(hessian)


def critical_row_sums(hessian):
    return 2 / np.abs(hessian).sum(axis=1).max()


def critical_mean(hessian):
    return 2 / np.linalg.eigvalsh(hessian).mean()


def critical_arrays_only(hessian):
    return 2 / np.linalg.eigvalsh(hessian + 0 * hessian.T).max()


def critical_one_power_step(hessian):
    image = np.asarray(hessian, dtype=float) @ np.ones(len(hessian))
    return 2 * math.sqrt(len(hessian)) / np.linalg.norm(image)


def critical_knows_visible_answers(hessian):
    known = {"4.0": 0.5, "10": 0.2, "2": 2 / 3, "5": 2 / 9}
    return known.get(str(max(map(max, hessian))))


def right_critical_spectral_norm(hessian):
    return 2 / np.linalg.norm(np.array(hessian), ord=2)


def right_critical_singular_values(hessian):
    return float(2 / np.linalg.svd(np.array(hessian, dtype=float), compute_uv=False)[0])


def right_critical_general_eigenvalues(hessian):
    return 2 / max(np.linalg.eigvals(np.array(hessian, dtype=float)).real)


def right_critical_power_iteration(hessian):
    matrix = np.array(hessian, dtype=float)
    vector = np.random.default_rng(0).normal(size=len(matrix))
    for _ in range(5000):
        vector = matrix @ vector
        vector /= np.linalg.norm(vector)
    return 2 / (vector @ matrix @ vector)


# --- 1.3 best_rate: the judge of a sweep ----------------------------------------------------------


def _judge(rates, losses):
    """Right; the wrong ones below change one thing."""
    finished = [(loss, rate) for rate, loss in zip(rates, losses) if math.isfinite(loss)]
    if not finished:
        raise ValueError("no finite loss")
    return finished, min(finished)[1]


def best_by_argmin(rates, losses):
    rate = rates[int(np.argmin(losses))]
    return rate, rate in (min(rates), max(rates))


def best_by_nanargmin(rates, losses):
    if not np.isfinite(losses).any():
        raise ValueError("no finite loss")
    rate = rates[int(np.nanargmin(losses))]  # takes minus infinity for the best
    return rate, rate in (min(rates), max(rates))


def best_by_position(rates, losses):
    _, rate = _judge(rates, losses)
    return rate, rate in (rates[0], rates[-1])


def best_only_upper_boundary(rates, losses):
    _, rate = _judge(rates, losses)
    return rate, rate == max(rates)


def best_only_lower_boundary(rates, losses):
    _, rate = _judge(rates, losses)
    return rate, rate == min(rates)


def best_boundary_of_survivors(rates, losses):
    finished, rate = _judge(rates, losses)
    survivors = [rate for _, rate in finished]
    return rate, rate in (min(survivors), max(survivors))


def best_never_complains(rates, losses):
    losses = [loss if math.isfinite(loss) else math.inf for loss in losses]
    rate = min(zip(losses, rates))[1]
    return rate, rate in (min(rates), max(rates))


def best_returns_none(rates, losses):
    if not any(map(math.isfinite, losses)):
        return None
    _, rate = _judge(rates, losses)
    return rate, rate in (min(rates), max(rates))


def best_first_of_ties(rates, losses):
    finished, _ = _judge(rates, losses)
    rate = min(finished, key=lambda pair: pair[0])[1]
    return rate, rate in (min(rates), max(rates))


def best_largest_of_ties(rates, losses):
    finished, _ = _judge(rates, losses)
    rate = min(finished, key=lambda pair: (pair[0], -pair[1]))[1]
    return rate, rate in (min(rates), max(rates))


def best_returns_loss(rates, losses):
    finished, rate = _judge(rates, losses)
    return min(finished)[0], rate in (min(rates), max(rates))


def best_returns_index(rates, losses):
    _, rate = _judge(rates, losses)
    return rates.index(rate), rate in (min(rates), max(rates))


def best_swaps_answers(rates, losses):
    _, rate = _judge(rates, losses)
    return rate in (min(rates), max(rates)), rate


def best_highest_loss(rates, losses):
    finished, _ = _judge(rates, losses)
    rate = max(finished)[1]
    return rate, rate in (min(rates), max(rates))


def best_says_inside(rates, losses):
    _, rate = _judge(rates, losses)
    return rate, rate not in (min(rates), max(rates))


def best_rate_alone(rates, losses):
    return _judge(rates, losses)[1]


def right_best_loop(rates, losses):
    best = None
    for rate, loss in zip(rates, losses):
        if loss != loss or loss in (math.inf, -math.inf):
            continue
        if best is None or loss < best[1] or (loss == best[1] and rate < best[0]):
            best = (rate, loss)
    if best is None:
        raise ValueError("all diverged")
    return [best[0], not min(rates) < best[0] < max(rates)]


def right_best_numpy(rates, losses):
    order = np.argsort(rates)
    rates, losses = np.array(rates)[order], np.array(losses)[order]
    losses[~np.isfinite(losses)] = np.inf
    if np.isinf(losses).all():
        raise ValueError("all diverged")
    place = losses.argmin()
    return rates[place], place in (0, len(rates) - 1)


def right_best_sorted_pairs(rates, losses):
    pairs = sorted(zip(rates, losses))
    finite = {rate: loss for rate, loss in pairs if math.isfinite(loss)}
    if not finite:
        raise ValueError("all diverged")
    rate = min(finite, key=finite.get)
    return rate, rate == pairs[0][0] or rate == pairs[-1][0]


# --- every answer above, by its name --------------------------------------------------------------

EXERCISES = {"walk": "01-walk", "critical": "01-critical-rate", "best": "01-best-rate"}
ANSWERS = {"walk": "walk", "critical": "critical_rate", "best": "best_rate"}


def _named(right: bool) -> list:
    found = []
    for name, function in list(globals().items()):
        prefix = name.removeprefix("right_").partition("_")[0]
        if prefix in EXERCISES and name.startswith("right_") == right:
            found.append(pytest.param(prefix, function, id=name))
    return found


@pytest.mark.parametrize("exercise, answer", _named(right=False))
def test_wrong_answer_is_rejected(exercise, answer):
    with pytest.raises(AssertionError):
        passes(LESSON, EXERCISES[exercise], **{ANSWERS[exercise]: answer})


@pytest.mark.parametrize("exercise, answer", _named(right=True))
def test_right_answer_is_accepted(exercise, answer):
    passes(LESSON, EXERCISES[exercise], **{ANSWERS[exercise]: answer})


@pytest.mark.parametrize("exercise", EXERCISES)
def test_enough_answers_and_an_exercise_not_begun_is_no_wrong_answer(exercise):
    counts = [sum(each.values[0] == exercise for each in _named(right)) for right in (False, True)]
    assert counts[0] >= 6 and counts[1] >= 3

    def not_begun(*arguments, **parameters):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        passes(LESSON, EXERCISES[exercise], **{ANSWERS[exercise]: not_begun})


def test_constants_and_answers_by_heart_earn_nothing():
    assert_lazy_answers_fail(LESSON)


@pytest.mark.parametrize(
    "grade_id, answer, missing",
    [
        ("01-walk", walk_never_crosses, {"from wall to wall", "beyond the edge"}),
        (
            "01-critical-rate",
            critical_largest_diagonal,
            {"full matrices, as lists", "full matrices, as arrays"},
        ),
        ("01-best-rate", best_first_of_ties, {"ties"}),
        ("01-best-rate", best_only_upper_boundary, {"at the boundary", "ties"}),
        ("01-best-rate", best_returns_none, {"every run diverged"}),
    ],
)
def test_who_has_half_of_it_earns_the_groups_that_are_right(grade_id, answer, missing):
    right = {"walk": right_walk_numpy, "best": right_best_numpy}
    right["critical"] = right_critical_spectral_norm
    every = earned(LESSON, grade_id, right[grade_id.split("-")[1]])
    assert set(every) - set(earned(LESSON, grade_id, answer)) == missing
