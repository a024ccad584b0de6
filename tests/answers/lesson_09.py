"""Answers to the exercises of lesson 09: wrong ones, to be rejected, and right ones."""

import math

import numpy as np
from exercise_helper import changed
from torch.optim import lr_scheduler

# --- 9.1 keras_boundaries -------------------------------------------------------------------------


def right_plainly(milestones):
    return [m - 1 for m in milestones if m]


def distances(milestones):
    return [b - a - 1 for a, b in zip([0, *milestones], milestones) if b]


def right_by_numpy(milestones):
    found = np.array(milestones, dtype=int) - 1
    return found[found >= 0].tolist()


def counts_to_a_thousand(milestones):
    """The updates after which the number of milestones passed changes."""
    passed = [sum(m <= t for m in milestones) for t in range(1000)]
    return [t for t in range(999) if passed[t + 1] != passed[t]]


def right_by_map(milestones):
    return map((-1).__add__, filter(None, milestones))


# --- 9.2 in_a_row ---------------------------------------------------------------------------------


def right_row_plainly(step, *, segments):
    for start, end, length in segments:
        if step < length:
            return start + (end - start) * step / length
        step -= length
    return end


def row_never_counts_anew(step, *, segments):
    until = 0
    for start, end, length in segments:
        until += length
        if step < until:
            return start + (end - start) * step / length
    return end


def row_of_rates_up_to_one(step, *, segments):
    return min(1.0, right_row_by_begins(step, segments=segments))


def right_row_by_begins(step, *, segments):
    begin = 0
    for start, end, length in segments:
        if begin <= step < begin + length:
            share = (step - begin) / length
            return (1 - share) * start + share * end
        begin += length
    return segments[-1][1]


def right_row_recursive(step, *, segments):
    (start, end, length), *rest = segments
    if step >= length:
        return right_row_recursive(step - length, segments=rest) if rest else end
    return start + step * (end - start) / length


def right_row_with_join(step, *, segments):
    from course_lib.schedules import Schedule, constant, join

    def line(start, end, length):
        return lambda t: start + (end - start) * t / length

    parts = [*(line(*each) for each in segments), Schedule(constant, lr=segments[-1][1])]
    ends = np.cumsum([length for _, _, length in segments]).tolist()
    return join(step, parts=parts, boundaries=ends)


# --- 9.3 saved ------------------------------------------------------------------------------------


def base():
    from course_lib.tensorflow import keras

    return keras.optimizers.schedules.LearningRateSchedule, keras.ops


def saved_as_a_function(*, peak, steps):
    schedule, ops = base()

    class Climb(schedule):
        def __init__(self, rule):
            self.rule = rule

        def __call__(self, step):
            return self.rule(ops.cast(step, "float32"))

        def get_config(self):
            return {"rule": self.rule}

    return Climb(lambda step: peak * ops.minimum((step + 1) / (steps + 1), 1.0))


def right_saved_where(*, peak, steps):
    schedule, ops = base()

    class Ramp(schedule):
        def __init__(self, **config):
            self.config = config

        def __call__(self, step):
            step, end = ops.cast(step, "float32"), float(self.config["steps"])
            up = (step + 1.0) * self.config["peak"] / (end + 1.0)
            return ops.where(step >= end, ops.ones_like(up) * self.config["peak"], up)

        def get_config(self):
            return dict(self.config)

    return Ramp(peak=peak, steps=steps)


def right_saved_uncast(*, peak, steps):
    schedule, ops = base()

    class Ramp(schedule):
        def __init__(self, peak=1.0, steps=1):
            self.peak, self.steps = np.float32(peak), steps

        def __call__(self, step):
            return self.peak * ops.minimum(1.0, (step + 1) / (self.steps + 1))

        def get_config(self):
            return {"peak": self.peak, "steps": self.steps}

    return Ramp(peak, steps)


def right_saved_class_method(*, peak, steps):
    schedule, ops = base()

    class Ramp(schedule):
        def __init__(self, height, length):
            self.height, self.length = height, length

        def __call__(self, step):
            share = (ops.cast(step, "float32") + 1) / (self.length + 1)
            return self.height * ops.clip(share, 0, 1)

        def get_config(self):
            return {"of": [self.height, self.length]}

        @classmethod
        def from_config(cls, config):
            return cls(*config["of"])

    return Ramp(peak, steps)


def right_saved_polynomial(*, peak, steps):
    from course_lib.tensorflow import keras

    low = peak / (steps + 1)
    return keras.optimizers.schedules.PolynomialDecay(low, max(steps, 1), peak if steps else low)


# --- 9.4 mended -----------------------------------------------------------------------------------


def factor_as_published(optimizer, *, gamma, power):
    lr = optimizer.param_groups[0]["lr"]
    return lr_scheduler.LambdaLR(optimizer, lambda t: lr * (1 + gamma * t) ** -power)


def factor_divides_twice(optimizer, *, gamma, power):
    lr = optimizer.param_groups[0]["lr"]
    return lr_scheduler.LambdaLR(optimizer, lambda t: (1 + gamma * t) ** -power / lr)


def factor_of_the_first_group_for_all(optimizer, *, gamma, power):
    class ByHand:
        t, lr = 0, optimizer.param_groups[0]["lr"]

        def step(self):
            self.t += 1
            for group in optimizer.param_groups:
                group["lr"] = self.lr * (1 + gamma * self.t) ** -power

    return ByHand()


def right_factor_divided(optimizer, *, gamma, power):
    return lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + gamma * t) ** power)


def right_factor_with_the_rate_of_one(optimizer, *, gamma, power):
    rates = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] = 1.0
    meant = [lambda t, lr=lr: lr * (1 + gamma * t) ** -power for lr in rates]
    return lr_scheduler.LambdaLR(optimizer, meant)


def right_factor_with_our_schedule(optimizer, *, gamma, power):
    from course_lib.pytorch import TorchSchedule

    rates = [group["lr"] for group in optimizer.param_groups]
    decay = lambda t: rates[0] * math.exp(-power * math.log(1 + gamma * t))  # noqa: E731
    scales = [rate / rates[0] for rate in rates]
    return TorchSchedule(optimizer, decay, group_scales=scales)


# --- 9.5 norm_rates -------------------------------------------------------------------------------


def right_norm_plainly(gradients, *, lr, b0):
    total, rates = b0**2, []
    for gradient in gradients:
        total += sum(part**2 for part in gradient)
        rates.append(lr / math.sqrt(total))
    return rates


def norm_of_the_first_and_last_weight(gradients, *, lr, b0):
    total, rates = b0**2, []
    for gradient in gradients:
        total += sum(part**2 for part in {0: gradient[0], len(gradient) - 1: gradient[-1]}.values())
        rates.append(lr / math.sqrt(total) if total else lr)
    return rates


def right_norm_numpy(gradients, *, lr, b0):
    if not len(gradients):
        return []
    squares = (np.array(gradients, dtype=float) ** 2).sum(axis=1)
    return lr / np.sqrt(b0**2 + np.cumsum(squares))


def right_norm_quadratic_time(gradients, *, lr, b0):
    rates = []
    for t in range(len(gradients)):
        flat = [part for gradient in gradients[: t + 1] for part in gradient]
        rates.append(lr / math.hypot(b0, *flat))
    return rates


WRONG = {
    "09-keras-boundaries": [
        *(distances, counts_to_a_thousand),
        *changed(
            right_plainly,
            one_too_late={"m - 1": "m + 1", " if m]": "]"},
            unchanged={"m - 1": "m", " if m]": "]"},
            keeps_the_zero={" if m]": "]"},
            clips_the_zero={"m - 1": "max(m - 1, 0)", " if m]": "]"},
            drops_the_one={"if m": "if m > 1"},
            first_only={"in milestones": "in milestones[:1]"},
        ),
    ],
    "09-in-a-row": [
        *(row_never_counts_anew, row_of_rates_up_to_one),
        *changed(
            right_row_plainly,
            row_joint_to_the_old_piece={"step < length": "step <= length"},
            row_reaches_the_end_early={"step / length": "step / max(length - 1, 1)"},
            row_ends_at_zero={"return end": "return 0.0"},
            row_holds_the_start={"return end": "return start"},
            row_of_three_pieces_at_most={"in segments": "in segments[:3]"},
            row_divides_by_no_length={"step < length": "step / length < 1"},
        ),
    ],
    "09-saved": [
        saved_as_a_function,
        *changed(
            right_saved_uncast,
            saved_without_steps={', "steps": self.steps': ""},
            saved_without_peak={'"peak": self.peak, ': ""},
            saved_rounded={'"peak": self.peak': '"peak": round(self.peak, 2)'},
            saved_other_names={'"peak"': '"peak_lr"'},
            saved_without_get_config={"def get_config": "def config"},
            saved_as_tensors={
                "= np.float32(peak), steps": "= map(ops.convert_to_tensor, (peak, steps))"
            },
            saved_plain_class={"(schedule)": ""},
            saved_rates_alone={
                "Ramp(peak, steps)": "[peak * min((t + 1) / (steps + 1), 1.0) for t in range(100)]"
            },
            saved_with_numpy={"ops.minimum": "np.minimum"},
            saved_with_python_min={"ops.minimum": "min"},
            saved_whole_steps={"(step + 1)": "(int(step) + 1)"},
            saved_of_a_hundred_rates={
                "ops.minimum(1.0, (step + 1) / (self.steps + 1))": "ops.take("
                "[min(1.0, (t + 1) / (self.steps + 1)) for t in range(100)], ops.minimum(step, 99))"
            },
            saved_without_no_steps={"(self.steps + 1)": "(max(self.steps, 1) + 1)"},
        ),
    ],
    "09-factor": [
        *(factor_as_published, factor_divides_twice, factor_of_the_first_group_for_all),
        *changed(
            right_factor_divided,
            factor_upside_down={"1 / (1": "(1"},
            factor_of_the_current_rate={"LambdaLR": "MultiplicativeLR"},
            factor_one_late={"gamma * t": "gamma * (t + 1)"},
            factor_without_the_power={" ** power": ""},
            factor_power_inside={"t) ** power": "t**power)"},
        ),
    ],
    "09-norm-rates": [
        norm_of_the_first_and_last_weight,
        *changed(
            right_norm_plainly,
            norm_start_not_squared={"b0**2": "b0"},
            norm_adds_norms={
                "b0**2": "b0",
                "sum(part**2 for part in gradient)": "math.hypot(*gradient)",
                "math.sqrt(total)": "total",
            },
            norm_of_the_last_alone={"total +=": "total = b0**2 +"},
            norm_stops_without_updates={"    total,": "    gradients[0]\n    total,"},
            norm_last_rate_alone={"return rates": "return rates[-1:]"},
            norm_of_five_updates={"in gradients": "in gradients[:5]"},
            norm_of_three_weights={"in gradient)": "in gradient[:3])"},
            norm_with_epsilon={"math.sqrt(total)": "(math.sqrt(total) + 1e-7)"},
        ),
    ],
}

RIGHT = {
    "09-keras-boundaries": [right_plainly, right_by_numpy, right_by_map],
    "09-in-a-row": [
        right_row_plainly,
        right_row_by_begins,
        right_row_recursive,
        right_row_with_join,
    ],
    "09-saved": [
        right_saved_where,
        right_saved_uncast,
        right_saved_class_method,
        right_saved_polynomial,
    ],
    "09-factor": [
        right_factor_divided,
        right_factor_with_the_rate_of_one,
        right_factor_with_our_schedule,
    ],
    "09-norm-rates": [right_norm_plainly, right_norm_numpy, right_norm_quadratic_time],
}
