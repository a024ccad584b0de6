"""Lesson 4: answers that its checks must reject, and others that they must accept."""

import math

import numpy as np
from exercise_helper import changed

from course_lib.tensorflow import keras

CosineDecay = keras.optimizers.schedules.CosineDecay

# --- 4.1 a straight line --------------------------------------------------------------------------


def right_line_plainly(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * (1 - p)


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


# --- 4.2 a cosine that lands ----------------------------------------------------------------------


def right_cosine_plainly(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * p)) / 2


def cosine_table_of_one_length(step, *, peak_lr, total_steps, final_lr, tables={}):  # noqa: B006
    key = peak_lr, total_steps
    if key not in tables:
        wave = (1 + np.cos(np.linspace(0, np.pi, total_steps + 1))) / 2
        tables[key] = final_lr + (peak_lr - final_lr) * wave
    return tables[key][min(step, total_steps)]


def right_cosine_squared(step, *, peak_lr, total_steps, final_lr):
    p = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * math.cos(math.pi * p / 2) ** 2


def right_cosine_numpy(step, *, peak_lr, total_steps, final_lr):
    angle = np.pi * np.clip(step / total_steps, 0, 1)
    return float(peak_lr - (peak_lr - final_lr) * np.sin(angle / 2) ** 2)


# --- 4.3 the same floor in Keras ------------------------------------------------------------------


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


def right_area_plainly(*, peak_lr, total_steps, power):
    line = sum(1 - t / total_steps for t in range(total_steps))
    curved = sum((1 - t / total_steps) ** power for t in range(total_steps))
    return peak_lr * line / curved


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


WRONG = {
    "04-straight": [
        line_table_that_forgets_the_floor,
        *changed(
            right_line_plainly,
            line_as_a_share_of_the_peak={
                "final_lr + (peak_lr - final_lr)": "peak_lr",
                "- p)": "- (1 - final_lr / peak_lr) * p)",
            },
            line_as_printed={
                "min(step / total_steps, 1)": "step / step",
                "final_lr + (peak_lr - final_lr)": "peak_lr",
            },
            line_without_end={"min(step / total_steps, 1)": "step / total_steps"},
            line_without_floor={"final_lr + (peak_lr - final_lr)": "peak_lr"},
            line_cut_at_floor={
                "final_lr + (peak_lr - final_lr) * (1 - p)": "max(peak_lr * (1 - p), final_lr)"
            },
            line_one_early={"step / total_steps": "step / max(total_steps - 1, 1)"},
            line_zero_after_end={
                "    p =": "    if step > total_steps:\n        return 0.0\n    p ="
            },
        ),
    ],
    "04-landing": [
        cosine_table_of_one_length,
        *changed(
            right_cosine_plainly,
            cosine_climbs_back={"min(step / total_steps, 1)": "step / total_steps"},
            cosine_cut_off={
                "final_lr + (peak_lr - final_lr)": "max(final_lr, peak_lr",
                "/ 2": "/ 2)",
            },
            cosine_without_floor={"final_lr + (peak_lr - final_lr)": "peak_lr"},
            cosine_floor_added={"(peak_lr - final_lr)": "peak_lr"},
            cosine_floor_as_share={
                "final_lr + (peak_lr - final_lr)": "peak_lr * final_lr + peak_lr * (1 - final_lr)"
            },
            cosine_quarter_wave={"(1 + math.cos(math.pi * p)) / 2": "math.cos(math.pi * p / 2)"},
            cosine_full_wave={"math.pi * p": "2 * math.pi * p"},
        ),
    ],
    "04-in-keras": [
        keras_without_keras,
        *changed(
            right_keras_positional,
            keras_share_of_a_half_at_most={"eta_min / lr": "min(eta_min / lr, 0.5)"},
            keras_floor_as_rate={"eta_min / lr": "eta_min"},
            keras_no_floor={", eta_min / lr": ""},
            keras_share_upside_down={"eta_min / lr": "lr / eta_min if eta_min else 0.0"},
            keras_share_of_fall={"eta_min / lr": "1 - eta_min / lr"},
            keras_floor_times_rate={"/ lr": "* lr"},
            keras_share_of_three_places={"eta_min / lr": "round(eta_min / lr, 3)"},
        ),
    ],
    "04-same-area": [
        AreaOfTheFirstPeak(),
        *changed(
            right_area_plainly,
            area_by_integral={"line / curved": "(power + 1) / 2"},
            area_upside_down={"line / curved": "curved / line"},
            area_forgets_first={
                "range(total_steps)": "range(1, total_steps + 1)",
                "/ curved": "/ (curved or line)",
            },
            area_without_peak={"peak_lr * ": ""},
            area_of_half={"line / curved": "total_steps / 2 / curved"},
            area_whole_powers={"** power": "** int(power)"},
            area_by_integral_if_long={
                "line / curved": "((power + 1) / 2 if total_steps > 500 else line / curved)"
            },
        ),
    ],
}

RIGHT = {
    "04-straight": [right_line_plainly, right_line_blend, right_line_numpy],
    "04-landing": [right_cosine_plainly, right_cosine_squared, right_cosine_numpy],
    "04-in-keras": [right_keras_positional, right_keras_named, right_keras_subclass],
    "04-same-area": [right_area_plainly, right_area_numpy, right_area_closed_line],
}
