"""Answers to the exercises of lesson 08: wrong ones, to be rejected, and right ones."""

import math

import numpy as np
import torch
from exercise_helper import changed
from torch.optim import lr_scheduler

# --- 8.1 my_triangle ------------------------------------------------------------------------------


def right_triangle_plainly(step, *, base_lr, peak_lr, up_steps, mode, factor=1.0):
    cycle, position = divmod(step, 2 * up_steps)
    height = 1 - abs(position / up_steps - 1)
    scale = {"triangular": 1.0, "triangular2": 0.5**cycle}.get(mode, factor**step)
    return base_lr + (peak_lr - base_lr) * height * scale


def triangle_recursive(step, **how):
    if step < 2 * how["up_steps"] or how["mode"] != "triangular":
        return right_triangle_as_in_the_paper(step, **how)
    return triangle_recursive(step - 2 * how["up_steps"], **how)


def right_triangle_as_in_the_paper(step, *, base_lr, peak_lr, up_steps, mode, factor=1.0):
    cycle = math.floor(1 + step / (2 * up_steps))
    x = abs(step / up_steps - 2 * cycle + 1)
    scale = {"triangular": 1, "triangular2": 1 / 2 ** (cycle - 1)}.get(mode, factor**step)
    return base_lr + (peak_lr - base_lr) * max(0.0, 1 - x) * scale


def right_triangle_in_float32(step, *, base_lr, peak_lr, up_steps, mode, factor=1.0):
    """The paper's formula as `keras.ops` computes it."""
    t = np.float32(step)
    cycle = np.floor(1 + t / (2 * up_steps))
    x = abs(t / up_steps - 2 * cycle + 1)
    scale = {"triangular": 1, "triangular2": 0.5 ** (cycle - 1)}.get(mode, factor**t)
    return base_lr + (peak_lr - base_lr) * max(0, 1 - x) * scale


def right_triangle_interpolated(step, *, base_lr, peak_lr, up_steps, mode, factor=1.0):
    height = np.interp(step % (2 * up_steps), [0, up_steps, 2 * up_steps], [0.0, 1.0, 0.0])
    if mode == "triangular2":
        height *= 0.5 ** (step // (2 * up_steps))
    elif mode == "exp_range":
        height *= factor**step
    return (1 - height) * base_lr + height * peak_lr


# --- 8.2 cycle_of ---------------------------------------------------------------------------------


def cycle_by_logarithm(step, *, first, factor):
    if factor == 1:
        return [step // first, step % first, first]
    cycle = int(math.log(step * (factor - 1) / first + 1) / math.log(factor))
    return [cycle, step - first * (factor**cycle - 1) // (factor - 1), first * factor**cycle]


def cycle_divides_by_zero(step, *, first, factor):
    cycle = 0
    while first * (factor ** (cycle + 1) - 1) // (factor - 1) <= step:
        cycle += 1
    return [cycle, step - first * (factor**cycle - 1) // (factor - 1), first * factor**cycle]


def right_cycle_by_sum(step, *, first, factor):
    begin, length, cycle = 0, first, 0
    while begin + length <= step:
        begin += length
        length *= factor
        cycle += 1
    return [cycle, step - begin, length]


def right_cycle_by_table(step, *, first, factor):
    lengths = [first]
    while sum(lengths) <= step:
        lengths.append(lengths[-1] * factor)
    return np.array([len(lengths) - 1, step - sum(lengths[:-1]), lengths[-1]])


def right_cycle_recursive(step, *, first, factor):
    if step < first:
        return [0, step, first]
    if factor == 1:
        return [step // first, step % first, first]
    cycle, position, length = right_cycle_recursive(
        step - first, first=first * factor, factor=factor
    )
    return [cycle + 1, position, length]


# --- 8.3 my_one_cycle -----------------------------------------------------------------------------


def right_one_cycle_plainly(step, *, peak_lr, total_steps, warmup_fraction):
    top, last = warmup_fraction * total_steps - 1, total_steps - 1
    start, end, step = peak_lr / 25, peak_lr / 250_000, min(step, last)
    if step <= top:
        w = (1 + math.cos(math.pi * step / top)) / 2
        return [peak_lr + (start - peak_lr) * w, 0.85 + 0.1 * w]
    w = (1 + math.cos(math.pi * (step - top) / (last - top))) / 2
    return [end + (peak_lr - end) * w, 0.95 - 0.1 * w]


def right_one_cycle_with_torch(step, *, peak_lr, total_steps, warmup_fraction):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(
        optimizer, peak_lr, total_steps=total_steps, pct_start=warmup_fraction
    )
    for _ in range(min(step, total_steps - 1)):
        optimizer.step()
        scheduler.step()
    return [optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]]


def right_one_cycle_by_table(step, *, peak_lr, total_steps, warmup_fraction):
    top, last = warmup_fraction * total_steps - 1, total_steps - 1
    places = [(0.0, peak_lr / 25, 0.95), (top, peak_lr, 0.85), (last, peak_lr / 250_000, 0.95)]
    step = min(step, last)
    i = 0 if step <= top else 1
    (a, *come), (b, *go) = places[i], places[i + 1]
    share = (1 - np.cos(np.pi * (step - a) / (b - a))) / 2
    return (1 - share) * np.array(come) + share * np.array(go)


# --- 8.4 with_restarts ----------------------------------------------------------------------------


def restarts_with_the_first_rate_for_all(optimizer, *, cycle_steps, floor):
    class ByHand:
        t, lr = 0, optimizer.param_groups[0]["lr"]

        def step(self):
            self.t += 1
            wave = (1 + math.cos(math.pi * (self.t % cycle_steps) / cycle_steps)) / 2
            for group in optimizer.param_groups:
                group["lr"] = floor + (self.lr - floor) * wave

    return ByHand()


def right_restarts_by_position(optimizer, *, cycle_steps, floor):
    return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, cycle_steps, 1, floor)


def right_restarts_by_factor(optimizer, *, cycle_steps, floor):
    peak = optimizer.param_groups[0]["lr"]

    def factor(step):
        wave = (1 + math.cos(math.pi * (step % cycle_steps) / cycle_steps)) / 2
        return (floor + (peak - floor) * wave) / peak

    return lr_scheduler.LambdaLR(optimizer, factor)


def right_restarts_with_our_formula(optimizer, *, cycle_steps, floor):
    from course_lib.pytorch import TorchSchedule
    from course_lib.schedules import Schedule, cosine
    from course_lib.schedules import restart as again

    peak = optimizer.param_groups[0]["lr"]
    wave = Schedule(cosine, peak_lr=peak, total_steps=cycle_steps, final_lr=floor)
    scales = [group["lr"] / peak for group in optimizer.param_groups]
    schedule = Schedule(again, then=wave, cycle_steps=cycle_steps)
    return TorchSchedule(optimizer, schedule, group_scales=scales)


# --- 8.5 mended_rates -----------------------------------------------------------------------------


def right_mended_loop(*, max_lr, epochs, batches):
    total, rates = epochs * batches, []
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=max_lr)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr, total_steps=total)
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def right_mended_by_formula(*, max_lr, epochs, batches):
    from course_lib.schedules import Schedule
    from course_lib.schedules import one_cycle as formula

    total = epochs * batches
    return Schedule(formula, peak_lr=max_lr, total_steps=total).values(total)


def right_mended_numpy(*, max_lr, epochs, batches):
    total = epochs * batches
    top = 0.3 * total - 1
    t = np.arange(total)
    up = (1 - np.cos(np.pi * t / top)) / 2
    down = (1 - np.cos(np.pi * (t - top) / (total - 1 - top))) / 2
    low, end = max_lr / 25, max_lr / 250_000
    return np.where(t <= top, low + (max_lr - low) * up, max_lr + (end - max_lr) * down)


WRONG = {
    "08-triangle": [
        triangle_recursive,
        *changed(
            right_triangle_plainly,
            triangle_factor_in_every_mode={
                "1.0,": "factor**step,",
                "0.5**cycle": "0.5**cycle * factor**step",
            },
            triangle_cycle_of_one_way={
                "2 * up_steps": "up_steps",
                "1 - abs(position / up_steps - 1)": "position / up_steps",
            },
            triangle_scales_the_base_too={"return base_lr": "return base_lr * scale"},
            triangle_counts_cycles_from_one={"**cycle": "** (cycle + 1)"},
            triangle_factor_per_cycle={"factor**step": "factor**cycle"},
            triangle_factor_within_the_cycle={"factor**step": "factor**position"},
            triangle_decays_without_a_factor={"factor=1.0": "factor=0.99994"},
            triangle_of_two_steps_at_least={
                "    cycle": "    up_steps = max(2, up_steps)\n    cycle"
            },
        ),
    ],
    "08-cycle-of": [
        *(cycle_by_logarithm, cycle_divides_by_zero),
        *changed(
            cycle_by_logarithm,
            cycle_by_another_logarithm={"math.log(": "math.log2("},
            cycle_by_logarithm_and_a_little={"math.log(factor))": "math.log(factor) + 1e-4)"},
            cycle_by_logarithm_and_less={"math.log(factor))": "math.log(factor) + 1e-9)"},
            cycle_by_rounded_logarithm={
                "int(math": "int(round(math",
                "math.log(factor))": "math.log(factor), 6))",
            },
        ),
        *changed(
            right_cycle_by_sum,
            cycle_ten_at_most={"<= step": "<= step and cycle < 10"},
            cycle_fifty_at_most={"<= step": "<= step and cycle < 50"},
            cycle_without_the_length={"step - begin, length]": "step - begin]"},
        ),
    ],
    "08-one-cycle": [
        *changed(
            right_one_cycle_plainly,
            # PyTorch's top lies between two updates, also where that is before update 1 or 0
            cycle_top_never_before_one={"    start": "    top = max(1.0, top)\n    start"},
            cycle_top_never_before_zero={
                "    start": "    top = max(0.0, top)\n    start",
                "step <= top": "step < top",
            },
            cycle_top_one_late={"total_steps - 1": "total_steps"},
            cycle_ends_at_zero={"peak_lr / 250_000": "0.0"},
            cycle_ends_at_a_share_of_the_peak={"250_000": "10_000"},
            cycle_ends_where_it_began={"250_000": "25"},
            cycle_starts_at_zero={"peak_lr / 25,": "0.0,"},
            cycle_rate_alone={", 0.85 + 0.1 * w]": "][0]", ", 0.95 - 0.1 * w]": "][0]"},
        ),
    ],
    "08-restarts": [
        restarts_with_the_first_rate_for_all,
        *changed(
            right_restarts_by_factor,
            # the lowest rate inside of the cycle, as in the paper: another convention
            restarts_to_the_floor_exactly={"/ cycle_steps": "/ max(cycle_steps - 1, 1)"},
            restarts_ten_times_at_most={
                "step % cycle_steps": "step - min(step // cycle_steps, 9) * cycle_steps"
            },
        ),
        *changed(
            right_restarts_by_position,
            restarts_as_published={
                "WarmRestarts(optimizer, cycle_steps, 1": "LR(optimizer, cycle_steps"
            },
            restarts_without_floor={", 1, floor": ""},
            restarts_that_grow={"1, floor": "2, floor"},
            restarts_one_late={"cycle_steps, 1": "cycle_steps + 1, 1"},
            restarts_every_second_time={"cycle_steps, 1": "2 * cycle_steps, 1"},
        ),
    ],
    "08-per-batch": [
        *changed(
            right_mended_loop,
            mended_as_published={
                "        scheduler": "        if len(rates) % batches == 0:\n            scheduler"
            },
            mended_by_a_short_cycle={
                "epochs * batches": "epochs",
                "return rates": "return [rate for rate in rates for _ in range(batches)]",
            },
            mended_steps_first={"return rates": "return [*rates[1:], rates[-1]]"},
            mended_one_epoch={"range(total)": "range(batches)"},
            mended_one_cycle_per_epoch={
                "epochs * batches": "batches",
                "return rates": "return rates * epochs",
            },
            mended_constant={"return rates": "return [max_lr] * total"},
            mended_per_epoch_rates={"range(total)": "range(epochs)"},
        ),
        *changed(
            right_mended_numpy,
            mended_top_never_before_zero={
                "top = 0.3 * total - 1": "top = max(0.0, 0.3 * total - 1)",
                "t / top": "t / (top or 1)",
                "t <= top": "t < top",
            },
        ),
    ],
}

RIGHT = {
    "08-triangle": [
        right_triangle_plainly,
        right_triangle_as_in_the_paper,
        right_triangle_in_float32,
        right_triangle_interpolated,
    ],
    "08-cycle-of": [right_cycle_by_sum, right_cycle_by_table, right_cycle_recursive],
    "08-one-cycle": [right_one_cycle_plainly, right_one_cycle_with_torch, right_one_cycle_by_table],
    "08-restarts": [
        right_restarts_by_position,
        right_restarts_by_factor,
        right_restarts_with_our_formula,
    ],
    "08-per-batch": [right_mended_loop, right_mended_by_formula, right_mended_numpy],
}
