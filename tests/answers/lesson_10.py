"""Lesson 10: answers that each check must reject, and others that it must accept."""

import math

from exercise_helper import changed
from torch.optim.lr_scheduler import LRScheduler, MultiStepLR

# --- 10.1 branch_rate -----------------------------------------------------------------------------


def right_by_ifs(step, *, lr, start, length):
    if step < start:
        return lr
    if step >= start + length:
        return 0.0
    return lr * (1 - math.sqrt((step - start) / length))


def right_clamped(step, *, lr, start, length):
    p = min(1.0, max(0.0, step - start) / length) if length else float(step >= start)
    return lr * (1 - p**0.5)


def right_by_library(step, *, lr, start, length):
    import numpy as np

    if length == 0:
        return np.where(step < start, lr, 0.0)
    return lr * (1 - np.sqrt(np.clip((step - start) / length, 0, 1)))


# --- 10.2 clocks ----------------------------------------------------------------------------------


def right_by_divmod(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return (updates if every == "update" else epochs) - 1, epochs, batches


def right_counting(updates, steps_per_epoch, every):
    last_epoch, epoch, batch = -1, 0, 0
    for _ in range(updates):
        batch += 1
        last_epoch += every == "update"
        if batch == steps_per_epoch:
            epoch, batch = epoch + 1, 0
            last_epoch += every == "epoch"
    return last_epoch, epoch, batch


def right_by_size(updates, steps_per_epoch, every):
    size = {"update": 1, "epoch": steps_per_epoch}[every]
    return updates // size - 1, updates // steps_per_epoch, updates % steps_per_epoch


# --- 10.3 resumed ---------------------------------------------------------------------------------


def right_given_rate(optimizer, *, done, milestones, gamma):
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
        group["lr"] = group["lr"] * gamma ** len([m for m in milestones if m < done])
    return MultiStepLR(optimizer, milestones, gamma, last_epoch=done - 1)


def right_shifted_milestones(optimizer, *, done, milestones, gamma):
    for group in optimizer.param_groups:
        for milestone in milestones:
            group["lr"] *= gamma if milestone <= done else 1
    return MultiStepLR(optimizer, [m - done for m in milestones if m > done], gamma)


def right_own_scheduler(optimizer, *, done, milestones, gamma):
    class Stairs(LRScheduler):
        def get_lr(self):
            drops = sum(m <= self.last_epoch + done for m in milestones)
            return [base * gamma**drops for base in self.base_lrs]

    return Stairs(optimizer)


# --- 10.4 go_on -----------------------------------------------------------------------------------


def right_in_a_loop(file, updates, *, peak_lr, total_steps, momentum):
    weight, velocity, done = file["weight"], file["velocity"], file["done"]
    for t in range(done, done + updates):
        velocity = momentum * velocity + weight
        weight -= peak_lr * max(0, 1 - t / total_steps) * velocity
    return {"weight": weight, "velocity": velocity, "done": done + updates}


def right_recursive(file, updates, **plan):
    if updates == 0:
        return {**file}
    half = go_one(file, **plan)
    return right_recursive(half, updates - 1, **plan)


def go_one(file, *, peak_lr, total_steps, momentum):
    rate = peak_lr * (1 - file["done"] / total_steps) if file["done"] < total_steps else 0
    velocity = momentum * file["velocity"] + file["weight"]
    return {
        "done": file["done"] + 1,
        "velocity": velocity,
        "weight": file["weight"] - rate * velocity,
    }


def right_with_a_list_of_rates(file, updates, *, peak_lr, total_steps, momentum):
    w, v, t = file["weight"], file["velocity"], file["done"]
    rates = [peak_lr - peak_lr * s / total_steps for s in range(total_steps)]
    for rate in [*rates, *[0.0] * (t + updates)][t : t + updates]:
        v = momentum * v + w
        w = w - rate * v
    return dict(weight=w, velocity=v, done=t + updates)


WRONG = {
    "10-branch": [
        *changed(
            right_by_ifs,
            from_update_zero={"(step - start) / length": "step / (start + length)"},
            root_of_the_rest={
                "(1 - math.sqrt((step - start) / length))": "math.sqrt(1 - (step - start) / length)"
            },
            straight_line={"math.sqrt(": "("},
            starts_one_late={
                "step < start:": "step <= start:",
                "(step - start)": "(step - start - 1)",
            },
            rises_after_the_end={"step >= start + length": "not length", "lr * (1": "lr * abs(1"},
            goes_below_zero={"step >= start + length": "not length"},
            divides_by_zero={"step < start:": "(step - start) / length < 0:"},
            keeps_the_rate_of_no_length={"step < start:": "step < start or not length:"},
        ),
    ],
    "10-clocks": [
        *changed(
            right_by_divmod,
            last_epoch_counts_from_one={") - 1": ")"},
            initial_epoch_is_the_last={"- 1, epochs": "- 1, epochs - 1"},
            always_updates={'updates if every == "update" else epochs': "updates"},
            always_epochs={'updates if every == "update" else epochs': "epochs"},
            rounds_up={"    return": "    epochs += batches > 0\n    return"},
            never_below_zero={"(updates if": "max(1, updates if"},
            batches_to_come={"epochs, batches\n": "epochs, steps_per_epoch - batches\n"},
            nearest_whole={
                "    return": "    epochs = round(updates / steps_per_epoch)\n    return"
            },
        ),
    ],
    "10-resumed": [
        *changed(
            right_given_rate,
            as_given={" * gamma ** len([m for m in milestones if m < done])": ""},
            without_initial_lr={'        group["initial_lr"] = group["lr"]\n': ""},
            begins_again={"m < done": "False", ", last_epoch=done - 1": ""},
            cuts_twice={"m < done": "m <= done"},
            three_milestones_at_most={"    for": "    milestones = milestones[:3]\n    for"},
        ),
        *changed(
            right_own_scheduler,
            one_epoch_late={"m <= self": "m < self"},
            all_groups_have_the_first_rate={"[base *": '[optimizer.defaults["lr"] *'},
            rounded_rates={"[base * gamma**drops": "[round(base * gamma**drops, 4)"},
        ),
    ],
    "10-go-on": [
        *changed(
            right_in_a_loop,
            forgets_the_velocity={'file["velocity"]': "0.0"},
            forgets_the_place={"range(done, done + updates)": "range(updates)"},
            counts_this_part_only={'": done + updates': '": updates'},
            as_it_was={
                'file["velocity"], file["done"]': "0.0, 0",
                ', "velocity": velocity, "done": done + updates': "",
            },
            starts_one_late_again={"t / total": "(t + 1) / total"},
            rate_below_zero={"max(0, 1 - t / total_steps)": "(1 - t / total_steps)"},
            in_the_file_itself={
                "    return {": "    file |= {",
                "updates}": "updates}\n    return file",
            },
            rounded_in_the_file={
                '": weight': '": round(weight, 6)',
                '": velocity': '": round(velocity, 6)',
            },
        ),
    ],
}

RIGHT = {
    "10-branch": [right_by_ifs, right_clamped, right_by_library],
    "10-clocks": [right_by_divmod, right_counting, right_by_size],
    "10-resumed": [right_given_rate, right_shifted_milestones, right_own_scheduler],
    "10-go-on": [right_in_a_loop, right_recursive, right_with_a_list_of_rates],
}
