"""Lesson 4: answers that its checks must reject, and others that they must accept."""

import math

import numpy as np

from course_lib.tensorflow import keras

CosineDecay = keras.optimizers.schedules.CosineDecay

# --- 4.1 a straight line --------------------------------------------------------------------------


def line_as_printed(step, *, peak_lr, total_steps, final_lr):
    return peak_lr * (1 - step / step)


def line_without_end(step, *, peak_lr, total_steps, final_lr):
    return final_lr + (peak_lr - final_lr) * (1 - step / total_steps)


def line_without_floor(step, *, peak_lr, total_steps, final_lr):
    return peak_lr * (1 - min(step / total_steps, 1))


def line_cut_at_floor(step, *, peak_lr, total_steps, final_lr):
    return max(peak_lr * (1 - min(step / total_steps, 1)), final_lr)


def line_one_early(step, *, peak_lr, total_steps, final_lr):
    return final_lr + (peak_lr - final_lr) * (1 - min(step / max(total_steps - 1, 1), 1))


def line_zero_after_end(step, *, peak_lr, total_steps, final_lr):
    if step > total_steps:
        return 0.0
    return final_lr + (peak_lr - final_lr) * (1 - step / total_steps)


def line_as_a_share_of_the_peak(step, *, peak_lr, total_steps, final_lr):
    return peak_lr * (1 - (1 - final_lr / peak_lr) * min(step / total_steps, 1))


def line_table_that_forgets_the_floor(step, *, peak_lr, total_steps, final_lr, tables={}):  # noqa: B006
    key = peak_lr, total_steps
    if key not in tables:
        tables[key] = np.linspace(peak_lr, final_lr, total_steps + 1)
    return tables[key][min(step, total_steps)]


def right_line_blend(step, *, peak_lr, total_steps, final_lr):
    p = min(1.0, step / total_steps)
    return (1 - p) * peak_lr + p * final_lr


def right_line_numpy(step, *, peak_lr, total_steps, final_lr):
    return float(np.interp(step, [0, total_steps], [peak_lr, final_lr]))


def right_line_by_steps(step, *, peak_lr, total_steps, final_lr):
    if step >= total_steps:
        return final_lr
    return peak_lr - step * (peak_lr - final_lr) / total_steps


# --- 4.2 a cosine that lands ----------------------------------------------------------------------


def cosine_climbs_back(step, *, peak_lr, total_steps, final_lr):
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * step / total_steps)) / 2


def cosine_cut_off(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return max(peak_lr * (1 + math.cos(math.pi * p)) / 2, final_lr)


def cosine_without_floor(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return peak_lr * (1 + math.cos(math.pi * p)) / 2


def cosine_floor_added(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + peak_lr * (1 + math.cos(math.pi * p)) / 2


def cosine_floor_as_share(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return peak_lr * (final_lr + (1 - final_lr) * (1 + math.cos(math.pi * p)) / 2)


def cosine_quarter_wave(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * math.cos(math.pi * p / 2)


def cosine_full_wave(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(2 * math.pi * p)) / 2


def cosine_table_of_one_length(step, *, peak_lr, total_steps, final_lr, tables={}):  # noqa: B006
    key = peak_lr, total_steps
    if key not in tables:
        wave = (1 + np.cos(np.linspace(0, np.pi, total_steps + 1))) / 2
        tables[key] = final_lr + (peak_lr - final_lr) * wave
    return tables[key][min(step, total_steps)]


def right_cosine_squared(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * math.cos(math.pi * p / 2) ** 2


def right_cosine_branch(step, *, peak_lr, total_steps, final_lr):
    if step >= total_steps:
        return final_lr
    middle, swing = (peak_lr + final_lr) / 2, (peak_lr - final_lr) / 2
    return middle + swing * math.cos(step * math.pi / total_steps)


def right_cosine_numpy(step, *, peak_lr, total_steps, final_lr):
    angle = np.pi * np.clip(step / total_steps, 0, 1)
    return float(peak_lr - (peak_lr - final_lr) * np.sin(angle / 2) ** 2)


# --- 4.3 the same floor in Keras ------------------------------------------------------------------


def keras_floor_as_rate(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps, alpha=eta_min)


def keras_no_floor(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps)


def keras_share_upside_down(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps, alpha=lr / eta_min if eta_min else 0.0)


def keras_share_of_fall(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps, alpha=1 - eta_min / lr)


def keras_floor_times_rate(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps, alpha=eta_min * lr)


def keras_share_of_three_places(*, lr, eta_min, total_steps):
    return keras.optimizers.schedules.CosineDecay(lr, total_steps, alpha=round(eta_min / lr, 3))


def keras_share_of_a_half_at_most(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps, alpha=min(eta_min / lr, 0.5))


def right_keras_positional(*, lr, eta_min, total_steps):
    return CosineDecay(lr, total_steps, eta_min / lr)


def right_keras_named(*, lr, eta_min, total_steps):
    floor = eta_min * (1 / lr)
    return CosineDecay(initial_learning_rate=lr, decay_steps=total_steps, alpha=floor)


def keras_without_keras(*, lr, eta_min, total_steps):
    def schedule(step):
        p = min(step / total_steps, 1)
        return eta_min + (lr - eta_min) * (1 + math.cos(math.pi * p)) / 2

    return schedule


def right_keras_subclass(*, lr, eta_min, total_steps):
    class Named(CosineDecay):
        pass

    return Named(lr, total_steps, alpha=eta_min / lr, name="cosine")


# --- 4.4 the same area ----------------------------------------------------------------------------


def area_by_integral(*, peak_lr, total_steps, power):
    return peak_lr * (power + 1) / 2


def area_upside_down(*, peak_lr, total_steps, power):
    line = sum(1 - t / total_steps for t in range(total_steps))
    curved = sum((1 - t / total_steps) ** power for t in range(total_steps))
    return peak_lr * curved / line


def area_forgets_first(*, peak_lr, total_steps, power):
    line = sum(1 - t / total_steps for t in range(1, total_steps + 1))
    curved = sum((1 - t / total_steps) ** power for t in range(1, total_steps + 1))
    return peak_lr * line / curved if curved else peak_lr


def area_without_peak(*, peak_lr, total_steps, power):
    line = sum(1 - t / total_steps for t in range(total_steps))
    return line / sum((1 - t / total_steps) ** power for t in range(total_steps))


def area_of_half(*, peak_lr, total_steps, power):
    curved = sum((1 - t / total_steps) ** power for t in range(total_steps))
    return peak_lr * total_steps / 2 / curved


def area_whole_powers(*, peak_lr, total_steps, power):
    return area_without_peak(total_steps=total_steps, power=int(power), peak_lr=1) * peak_lr


def area_by_integral_if_long(*, peak_lr, total_steps, power):
    close = total_steps > 500
    how = area_by_integral if close else right_area_numpy
    return how(peak_lr=peak_lr, total_steps=total_steps, power=power)


class AreaOfTheFirstPeak:
    __name__ = "area_of_the_first_peak"

    def __init__(self):
        self.known = {}

    def __call__(self, *, peak_lr, total_steps, power):
        peak = right_area_numpy(peak_lr=peak_lr, total_steps=total_steps, power=power)
        return self.known.setdefault((total_steps, power), peak)


def right_area_numpy(*, peak_lr, total_steps, power):
    left = 1 - np.arange(total_steps) / total_steps
    return float(peak_lr * left.sum() / (left**power).sum())


def right_area_closed_line(*, peak_lr, total_steps, power):
    line = (total_steps + 1) / 2
    curved = sum(k**power for k in range(1, total_steps + 1)) / total_steps**power
    return peak_lr * line / curved


def right_area_loop(*, peak_lr, total_steps, power):
    line = curved = 0.0
    for t in range(total_steps + 1):
        left = (total_steps - t) / total_steps
        line += peak_lr * left
        curved += left**power
    return line / curved


WRONG = {
    "04-straight": [
        *(line_table_that_forgets_the_floor, line_as_a_share_of_the_peak, line_as_printed),
        *(line_without_end, line_without_floor, line_cut_at_floor, line_one_early),
        line_zero_after_end,
    ],
    "04-landing": [
        *(cosine_table_of_one_length, cosine_climbs_back, cosine_cut_off, cosine_without_floor),
        *(cosine_floor_added, cosine_floor_as_share, cosine_quarter_wave, cosine_full_wave),
    ],
    "04-in-keras": [
        *(keras_share_of_a_half_at_most, keras_floor_as_rate, keras_no_floor),
        *(keras_share_upside_down, keras_share_of_fall, keras_floor_times_rate),
        *(keras_without_keras, keras_share_of_three_places),
    ],
    "04-same-area": [
        *(area_by_integral, area_upside_down, area_forgets_first, area_without_peak, area_of_half),
        *(area_whole_powers, area_by_integral_if_long, AreaOfTheFirstPeak()),
    ],
}

RIGHT = {
    "04-straight": [right_line_blend, right_line_numpy, right_line_by_steps],
    "04-landing": [right_cosine_squared, right_cosine_branch, right_cosine_numpy],
    "04-in-keras": [right_keras_positional, right_keras_named, right_keras_subclass],
    "04-same-area": [right_area_numpy, right_area_closed_line, right_area_loop],
}
