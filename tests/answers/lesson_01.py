"""Lesson 01: answers that its checks must reject, and right ones of different forms."""

import math

import numpy as np
from exercise_helper import changed

# --- 1.1 walk: the positions of the ball ----------------------------------------------------------


def walk_ends_at_a_millionth(start, *, lr, curvature, steps):
    positions = right_walk_closed_form(start, lr=lr, curvature=curvature, steps=steps)
    return [w if abs(w) > 2e-7 else 0.0 for w in positions]


def walk_knows_visible_answers(start, *, lr, curvature, steps):
    known = {
        (8.0, 3): [8.0, 4.0, 2.0, 1.0],
        (8.0, 0): [8.0],
        (1.0, 2): [1.0, 0.0, 0.0],
        (1.0, 3): [1.0, -0.5, 0.25, -0.125],
        (-2.0, 2): [-2.0, 4.0, -8.0],
    }
    return known.get((start, steps))


def walk_until_it_explodes(start, *, lr, curvature, steps):
    positions = [start]
    while len(positions) <= steps and abs(positions[-1]) < 1e4:
        positions.append(positions[-1] * (1 - lr * curvature))
    return positions


def walk_until_the_bottom(start, *, lr, curvature, steps):
    positions = [start]
    while len(positions) <= steps and positions[-1] != 0:
        positions.append(positions[-1] * (1 - lr * curvature))
    return positions


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


def right_walk_numerical(start, *, lr, curvature, steps):
    positions, h = [start], 1e-3
    for _ in range(steps):
        above, below = (curvature * (positions[-1] + each) ** 2 / 2 for each in (h, -h))
        positions.append(positions[-1] - lr * (above - below) / (2 * h))
    return positions


# --- 1.2 critical_rate: 2 / largest eigenvalue ----------------------------------------------------


def critical_largest_entry(hessian):
    return 2 / np.max(hessian)


def critical_largest_diagonal(hessian):
    return 2 / np.diag(hessian).max()


def critical_first_of_unsorted(hessian):
    return 2 / np.linalg.eig(np.array(hessian, dtype=float)).eigenvalues[0]


def critical_row_sums(hessian):
    return 2 / np.abs(hessian).sum(axis=1).max()


def critical_arrays_only(hessian):
    return 2 / np.linalg.eigvalsh(hessian + 0 * hessian.T).max()


def critical_knows_visible_answers(hessian):
    known = {"4.0": 0.5, "10": 0.2, "2": 2 / 3, "5": 2 / 9}
    return known.get(str(max(map(max, hessian))))


def critical_in_whole_numbers(hessian):
    return 2 / np.linalg.eigvalsh(np.array(hessian, dtype=int)).max()


def critical_lists_only(hessian):
    return 2 / np.linalg.eigvalsh([row.copy() for row in hessian if row]).max()


def critical_fifty_rounds_of_power_iteration(hessian):
    matrix = np.asarray(hessian, float)
    v = np.random.default_rng(0).normal(size=len(matrix))
    for _ in range(50):
        v = matrix @ v
        v /= np.linalg.norm(v)
    return 2 / (v @ matrix @ v)


def critical_roots_of_the_polynomial(hessian):
    return 2 / np.roots(np.poly(hessian)).real.max()


def right_critical_spectral_norm(hessian):
    return 2 / np.linalg.norm(np.array(hessian), ord=2)


def right_critical_general_eigenvalues(hessian):
    return 2 / max(np.linalg.eigvals(np.array(hessian, dtype=float)).real)


def right_critical_search(hessian):
    matrix, low, high = np.array(hessian, dtype=float), 0.0, 1000.0
    for _ in range(100):
        rate = (low + high) / 2
        explodes = np.linalg.norm(np.eye(len(matrix)) - rate * matrix, ord=2) > 1 + 1e-10
        low, high = (low, rate) if explodes else (rate, high)
    return low


def right_critical_power_iteration(hessian):
    matrix = np.array(hessian, dtype=float)
    vector = np.random.default_rng(0).normal(size=len(matrix))
    for _ in range(5000):
        vector = matrix @ vector
        vector /= np.linalg.norm(vector)
    return 2 / (vector @ matrix @ vector)


# --- 1.3 best_rate: the judge of a sweep ----------------------------------------------------------


def best_by_argmin(rates, losses):
    rate = rates[int(np.argmin(losses))]
    return rate, rate in (min(rates), max(rates))


def right_best_plainly(rates, losses):
    finished = [(loss, rate) for rate, loss in zip(rates, losses) if math.isfinite(loss)]
    if not finished:
        raise ValueError("no finite loss")
    _, rate = min(finished)
    return rate, rate in (min(rates), max(rates))


def best_takes_zero_for_nothing(rates, losses):
    best = best_loss = None
    for rate, loss in sorted(zip(rates, losses)):
        if math.isfinite(loss) and (not best_loss or loss < best_loss):
            best, best_loss = rate, loss
    if best is None:
        raise ValueError("no finite loss")
    return best, best in (min(rates), max(rates))


def best_below_zero_is_none_yet(rates, losses):
    best, best_loss = None, -1
    for rate, loss in sorted(zip(rates, losses)):
        if math.isfinite(loss) and (best_loss < 0 or loss < best_loss):
            best, best_loss = rate, loss
    if best is None:
        raise ValueError("no finite loss")
    return best, best in (min(rates), max(rates))


def best_boundary_by_place(rates, losses):
    rates, losses = np.array(rates), np.array(losses)
    if not np.isfinite(losses).any():
        raise ValueError("every run diverged")
    low = losses[np.isfinite(losses)].min()
    place = min(np.flatnonzero(losses == low), key=lambda i: rates[i])
    return rates[place], bool(place in (rates.argmin(), rates.argmax()))


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


def right_best_without_minus_infinity(rates, losses):
    finished = [(loss, rate) for rate, loss in zip(rates, losses) if loss < math.inf]
    if not finished:
        raise ValueError("all diverged")
    rate = min(finished)[1]
    return rate, rate in (min(rates), max(rates))


def right_best_numpy(rates, losses):
    order = np.argsort(rates)
    rates, losses = np.array(rates)[order], np.array(losses)[order]
    losses[~np.isfinite(losses)] = np.inf
    if np.isinf(losses).all():
        raise ValueError("all diverged")
    place = losses.argmin()
    return rates[place], rates[place] in (rates[0], rates[-1])


# --- 1.4 losses_of: the missing 255 ---------------------------------------------------------------


def _descended(x, y, lr, updates):
    w, losses = np.zeros(x.shape[1]), []
    for _ in range(updates):
        errors = x @ w - y
        losses.append(np.mean(errors**2))
        w = w - lr * 2 * x.T @ errors / len(y)
    return losses


def _arrays(images, labels):
    return np.array(images, dtype=float), np.array(labels, dtype=float)


def losses_a_rate_that_converges(images, labels, *, lr, updates):
    x, y = _arrays(images, labels)
    edge = len(y) / np.linalg.eigvalsh(x.T @ x).max()
    return _descended(x, y, min(lr / 255**2, 0.9 * edge), updates)


def losses_until_zero(images, labels, *, lr, updates):
    losses = right_losses_divided(images, labels, lr=lr, updates=updates)
    return losses[: next((n for n, loss in enumerate(losses, 1) if loss < 1e-12), updates)]


def right_losses_divided(images, labels, *, lr, updates):
    x, y = _arrays(images, labels)
    return _descended(x / 255, y, lr, updates)


def right_losses_by_the_rate(images, labels, *, lr, updates):
    return _descended(*_arrays(images, labels), lr / 255**2, updates)


def right_losses_in_float32(images, labels, *, lr, updates):
    x, y = np.array(images, dtype=np.float32) / 255, np.array(labels, dtype=np.float32)
    w, losses = np.zeros(x.shape[1], dtype=np.float32), []
    for _ in range(updates):
        errors = x @ w - y
        losses.append((errors**2).mean())
        w = w - np.float32(2 * lr) * (x.T @ errors) / len(y)
    return losses


WRONG = {
    "01-walk": [
        *(walk_until_it_explodes, walk_until_the_bottom, walk_ends_at_a_millionth),
        walk_knows_visible_answers,
        *changed(
            right_walk_closed_form,
            walk_without_start={"range(steps + 1)": "range(1, steps + 1)"},
            walk_one_step_short={"steps + 1": "steps"},
            walk_never_crosses={"(1 - lr * curvature)": "max(0, 1 - lr * curvature)"},
            walk_last_position={"+ 1)]": "+ 1)][-1]"},
        ),
    ],
    "01-critical-rate": [
        *(critical_roots_of_the_polynomial, critical_fifty_rounds_of_power_iteration),
        *(critical_largest_entry, critical_largest_diagonal, critical_first_of_unsorted),
        *(critical_row_sums, critical_arrays_only, critical_lists_only, critical_in_whole_numbers),
        critical_knows_visible_answers,
    ],
    "01-best-rate": [
        *(best_boundary_by_place, best_by_argmin, best_takes_zero_for_nothing),
        best_below_zero_is_none_yet,
        *changed(
            right_best_plainly,
            best_by_nanargmin={"min(finished)": "min(finished[::-1], key=lambda run: run[0])"},
            best_by_position={"(min(rates), max(rates))": "(rates[0], rates[-1])"},
            best_only_upper_boundary={"in (min(rates), max(rates))": "== max(rates)"},
            best_near_the_boundary={
                "in (min(rates), max(rates))": "< min(rates) + 0.01 or rate > max(rates) - 0.01"
            },
            best_only_lower_boundary={"in (min(rates), max(rates))": "== min(rates)"},
            best_boundary_of_survivors={
                "min(finished)": "min(finished); rates = [rate for _, rate in finished]"
            },
            best_never_complains={
                "[(loss,": "[(loss if math.isfinite(loss) else math.inf,",
                " if math.isfinite(loss)]": "]",
            },
            best_returns_none={'raise ValueError("no finite loss")': "return None"},
            best_first_of_ties={"min(finished)": "min(finished, key=lambda run: run[0])"},
            best_rate_alone={"return rate, rate in (min(rates), max(rates))": "return rate"},
            best_above_zero={"math.isfinite(loss)": "math.isfinite(loss) and loss >= 0"},
            best_below_a_thousand={"math.isfinite(loss)": "math.isfinite(loss) and loss < 1000"},
            best_ties_to_six_places={"[(loss,": "[(round(loss, 6),"},
            best_one_loss_for_each_rate={"zip(rates, losses)": "dict(zip(rates, losses)).items()"},
        ),
    ],
    "01-missing-255": [
        *(losses_a_rate_that_converges, losses_until_zero),
        *changed(
            right_losses_divided,
            losses_as_published={"x / 255": "x"},
            losses_rate_by_255={"x / 255, y, lr": "x, y, lr / 255"},
            losses_by_the_largest_pixel={"x / 255": "x / x.max()"},
            losses_by_256={"255": "256"},
            losses_of_bright_images_divided={"x / 255": "x / 255 if x.max() > 1 else x"},
            losses_cut_off={
                "return _descended(": "return np.fmin(1e5, _descended(",
                "updates)\n": "updates))\n",
            },
        ),
    ],
}
RIGHT = {
    "01-walk": [right_walk_closed_form, right_walk_numpy, right_walk_while, right_walk_numerical],
    "01-critical-rate": [
        right_critical_spectral_norm,
        right_critical_general_eigenvalues,
        right_critical_power_iteration,
        right_critical_search,
    ],
    "01-best-rate": [
        right_best_plainly,
        right_best_loop,
        right_best_numpy,
        right_best_without_minus_infinity,
    ],
    "01-missing-255": [right_losses_divided, right_losses_by_the_rate, right_losses_in_float32],
}
