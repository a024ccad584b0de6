"""Lesson 5: answers that its checks must reject, and others that they must accept."""

import math

import numpy as np
from exercise_helper import changed

from course_lib.pytorch import torch

lr_scheduler = torch.optim.lr_scheduler


def half_wave(progress):
    return (1 + math.cos(math.pi * progress)) / 2


# --- 5.1 warm up, then land -----------------------------------------------------------------------


def right_plainly(step, *, peak_lr, warmup_steps, total_steps, final_lr):
    if step < warmup_steps:
        return peak_lr * (step + 1) / (warmup_steps + 1)
    progress = min((step - warmup_steps) / (total_steps - warmup_steps), 1)
    return final_lr + (peak_lr - final_lr) * half_wave(progress)


def cosine_table_that_forgets_the_floor(
    step,
    *,
    peak_lr,
    warmup_steps,
    total_steps,
    final_lr,
    tables={},  # noqa: B006
):
    key = peak_lr, warmup_steps, total_steps
    if key not in tables:
        up = [peak_lr * (t + 1) / (warmup_steps + 1) for t in range(warmup_steps)]
        n = total_steps - warmup_steps
        down = [
            final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * t / n)) / 2
            for t in range(n + 1)
        ]
        tables[key] = up + down
    return tables[key][min(step, total_steps)]


def right_minimum(step, *, peak_lr, warmup_steps, total_steps, final_lr):
    climb = peak_lr * (step + 1) / (warmup_steps + 1)
    progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    return float(min(climb, final_lr + (peak_lr - final_lr) * (1 + np.cos(np.pi * progress)) / 2))


def right_squared(step, *, peak_lr, warmup_steps, total_steps, final_lr):
    if step < warmup_steps:
        return (step + 1) * peak_lr / (1 + warmup_steps)
    left = max(total_steps - step, 0) / (total_steps - warmup_steps)
    return final_lr + (peak_lr - final_lr) * math.sin(math.pi / 2 * left) ** 2


# --- 5.2 make the cosine wait ---------------------------------------------------------------------


def factor_as_published(step, *, warmup_steps, total_steps):
    factor = half_wave(step / total_steps)
    return factor * step / warmup_steps if step <= warmup_steps else factor


def right_factor_plainly(step, *, warmup_steps, total_steps):
    if step < warmup_steps:
        return step / warmup_steps
    return half_wave(min((step - warmup_steps) / (total_steps - warmup_steps), 1))


def factor_rescaled(step, *, warmup_steps, total_steps):
    factor = half_wave(min(step / total_steps, 1)) / half_wave(warmup_steps / total_steps)
    return step / warmup_steps if step <= warmup_steps else factor


def right_factor_squared(step, *, warmup_steps, total_steps):
    if step <= warmup_steps:
        return step / warmup_steps
    left = max(total_steps - step, 0) / (total_steps - warmup_steps)
    return math.sin(math.pi / 2 * left) ** 2


def right_factor_numpy(step, *, warmup_steps, total_steps):
    progress = np.clip((step - warmup_steps) / (total_steps - warmup_steps), 0, 1)
    return float(
        np.where(step < warmup_steps, step / warmup_steps, (1 + np.cos(np.pi * progress)) / 2)
    )


# --- 5.3 the join in PyTorch ----------------------------------------------------------------------


def right_line_lambda(optimizer, *, warmup_steps, total_steps):
    def factor(t):
        left = max(total_steps - t, 0) / (total_steps - warmup_steps)
        return min((t + 1) / (warmup_steps + 1), left)

    return lr_scheduler.LambdaLR(optimizer, factor)


def right_line_polynomial(optimizer, *, warmup_steps, total_steps):
    up = lr_scheduler.LinearLR(optimizer, 1 / (warmup_steps + 1), total_iters=warmup_steps)
    down = lr_scheduler.PolynomialLR(optimizer, total_iters=total_steps - warmup_steps)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warmup_steps])


class RightByHand:
    def __init__(self, optimizer, *, warmup_steps, total_steps, groups=None):
        self.groups, self.t = groups or optimizer.param_groups, -1
        self.peaks = [group["lr"] for group in self.groups]
        self.w, self.total = warmup_steps, total_steps
        self.step()

    def step(self):
        self.t += 1
        part = min(1, (self.t + 1) / (self.w + 1))
        if self.t > self.w:
            part = max(0, 1 - (self.t - self.w) / (self.total - self.w))
        for group, peak in zip(self.groups, self.peaks):
            group["lr"] = peak * part


# --- 5.4 read a warmup off its trace --------------------------------------------------------------


def right_reads_plainly(rates):
    wasted = next((i for i, rate in enumerate(rates) if rate > 0), len(rates))
    return wasted, rates.index(max(rates))


def reads_until_it_does_not_rise(rates):
    wasted = right_reads_loop(rates)[0]
    return wasted, next((i for i, r in enumerate(rates) if r >= max(rates[i : i + 4])), 0)


def right_reads_loop(rates):
    wasted = 0
    while wasted < len(rates) and rates[wasted] == 0:
        wasted += 1
    best = 0
    for i, rate in enumerate(rates):
        if rate > rates[best]:
            best = i
    return wasted, best


def right_reads_numpy(rates):
    above = np.flatnonzero(np.asarray(rates) > 0)
    return (int(above[0]) if above.size else len(rates)), int(np.argmax(rates))


def right_reads_sums(rates):
    sums = np.cumsum(rates)
    return np.array([np.sum(sums == 0), np.argmax(rates)])


WRONG = {
    "05-warm-cosine": [
        cosine_table_that_forgets_the_floor,
        *changed(
            right_plainly,
            cosine_does_not_wait={
                "(step - warmup_steps) / (total_steps - warmup_steps)": "step / total_steps"
            },
            warmup_not_counted={"(total_steps - warmup_steps)": "total_steps"},
            begins_at_zero={"(step + 1) / (warmup_steps + 1)": "step / warmup_steps"},
            peak_one_early={"/ (warmup_steps + 1)": "/ warmup_steps"},
            climbs_again={"min(": "max(", ", 1)": ", 0)"},
            straight_down={"half_wave(progress)": "(1 - progress)"},
            climbs_again_after_twice_its_length={
                ", 1)": ", 1 if step <= 2 * total_steps else math.inf)"
            },
        ),
    ],
    "05-waiting": [
        *(factor_as_published, factor_rescaled),
        *changed(
            right_factor_plainly,
            factor_jumps={
                "(step - warmup_steps) / (total_steps - warmup_steps)": "step / total_steps"
            },
            factor_ends_late={"(total_steps - warmup_steps)": "total_steps"},
            factor_climbs_again={"min(": "max(", ", 1)": ", 0)"},
            factor_our_convention={"step / warmup_steps": "(step + 1) / (warmup_steps + 1)"},
            factor_climbs_again_after_twice_its_length={
                ", 1)": ", 1 if step <= 2 * total_steps else math.inf)"
            },
            factor_two_updates_of_warmup_at_least={
                "    if step": "    warmup_steps = max(warmup_steps, 2)\n    if step"
            },
        ),
    ],
    "05-warm-line": [
        *changed(
            right_line_polynomial,
            line_from_a_third={"1 / (warmup_steps + 1), ": ""},
            line_ends_late={"total_steps - warmup_steps": "total_steps"},
            line_milestone_early={"[warmup_steps]": "[max(warmup_steps - 1, 0)]"},
            line_milestone_late={"[warmup_steps]": "[warmup_steps + 1]"},
            line_multiplied={
                "total_steps - warmup_steps": "total_steps",
                "SequentialLR(optimizer, [up, down], milestones=[warmup_steps])": "ChainedScheduler"
                "([up, down])",
            },
            line_is_a_cosine={
                "PolynomialLR(optimizer, total_iters=": "CosineAnnealingLR(optimizer, "
            },
        ),
        *changed(
            right_line_lambda,
            line_without_end={"max(total_steps - t, 0)": "(total_steps - t)"},
            line_a_tenth_for_the_second_group={
                "    def": "    first, second = optimizer.param_groups\n"
                '    second["lr"] = first["lr"] / 10\n\n    def'
            },
        ),
    ],
    "05-read-warmup": [
        reads_until_it_does_not_rise,
        *changed(
            right_reads_plainly,
            reads_all_zeros={"return wasted": "return rates.count(0.0)"},
            reads_last_peak={
                "rates.index(max(rates))": "len(rates) - 1 - rates[::-1].index(max(rates))"
            },
            reads_first_only={"return wasted": "return int(rates[0] == 0)"},
            reads_swapped={"wasted, rates.index(max(rates))": "rates.index(max(rates)), wasted"},
            reads_zero_of_all_zeros={"len(rates))": "0)"},
            reads_peak_from_one={"max(rates))": "max(rates)) + 1"},
            reads_small_as_zero={"rate > 0": "rate > 1e-6"},
            reads_nearly_the_peak={
                "rates.index(max(rates))": "int(np.argmax(np.isclose(rates, max(rates))))"
            },
        ),
    ],
}

RIGHT = {
    "05-warm-cosine": [right_plainly, right_minimum, right_squared],
    "05-waiting": [right_factor_plainly, right_factor_squared, right_factor_numpy],
    "05-warm-line": [right_line_lambda, right_line_polynomial, RightByHand],
    "05-read-warmup": [right_reads_plainly, right_reads_loop, right_reads_numpy, right_reads_sums],
}
