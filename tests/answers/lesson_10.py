"""Lesson 10: answers that each check must reject, and others that it must accept."""

import math

import torch
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, MultiStepLR

# --- 10.1 branch_rate -----------------------------------------------------------------------------


def from_update_zero(step, *, lr, start, length):
    if step < start:
        return lr
    if step >= start + length:
        return 0.0
    return lr * (1 - math.sqrt(step / (start + length)))


def root_of_the_rest(step, *, lr, start, length):
    if step < start:
        return lr
    if step >= start + length:
        return 0.0
    return lr * math.sqrt(1 - (step - start) / length)


def straight_line(step, *, lr, start, length):
    if step < start:
        return lr
    if step >= start + length:
        return 0.0
    return lr * (1 - (step - start) / length)


def starts_one_late(step, *, lr, start, length):
    if step <= start:
        return lr
    if step >= start + length:
        return 0.0
    return lr * (1 - math.sqrt((step - start - 1) / length))


def rises_after_the_end(step, *, lr, start, length):
    if step < start:
        return lr
    if not length:
        return 0.0
    return abs(lr * (1 - math.sqrt((step - start) / length)))


def goes_below_zero(step, *, lr, start, length):
    if step < start:
        return lr
    if not length:
        return 0.0
    return lr * (1 - math.sqrt((step - start) / length))


def divides_by_zero(step, *, lr, start, length):
    p = min(max((step - start) / length, 0.0), 1.0)
    return lr * (1 - math.sqrt(p))


def keeps_the_rate_of_no_length(step, *, lr, start, length):
    if step < start or not length:
        return lr
    return lr * (1 - math.sqrt(min(1.0, (step - start) / length)))


def right_clamped(step, *, lr, start, length):
    p = min(1.0, max(0.0, step - start) / length) if length else float(step >= start)
    return lr * (1 - p**0.5)


def right_by_cases(step, *, lr, start, length):
    updates_left = start + length - step
    if updates_left <= 0:
        return 0
    return lr if updates_left > length else lr - lr * math.sqrt(1 - updates_left / length)


def right_by_library(step, *, lr, start, length):
    import numpy as np

    if length == 0:
        return np.where(step < start, lr, 0.0)
    return lr * (1 - np.sqrt(np.clip((step - start) / length, 0, 1)))


# --- 10.2 clocks ----------------------------------------------------------------------------------


def last_epoch_counts_from_one(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return (updates if every == "update" else epochs), epochs, batches


def initial_epoch_is_the_last(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return (updates if every == "update" else epochs) - 1, epochs - 1, batches


def always_updates(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return updates - 1, epochs, batches


def always_epochs(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return epochs - 1, epochs, batches


def rounds_up(updates, steps_per_epoch, every):
    epochs = math.ceil(updates / steps_per_epoch)
    steps = updates if every == "update" else epochs
    return steps - 1, epochs, updates % steps_per_epoch


def never_below_zero(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return max(0, (updates if every == "update" else epochs) - 1), epochs, batches


def batches_to_come(updates, steps_per_epoch, every):
    epochs, batches = divmod(updates, steps_per_epoch)
    return (updates if every == "update" else epochs) - 1, epochs, steps_per_epoch - batches


def right_in_steps(updates, steps_per_epoch, every):
    initial_epoch = updates // steps_per_epoch
    batches = updates - initial_epoch * steps_per_epoch
    if every == "epoch":
        return [initial_epoch - 1, initial_epoch, batches]
    return [updates - 1, initial_epoch, batches]


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


def as_given(optimizer, *, done, milestones, gamma):
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return MultiStepLR(optimizer, milestones, gamma, last_epoch=done - 1)


def without_initial_lr(optimizer, *, done, milestones, gamma):
    return MultiStepLR(optimizer, milestones, gamma, last_epoch=done - 1)


def begins_again(optimizer, *, done, milestones, gamma):
    return MultiStepLR(optimizer, milestones, gamma)


def cuts_twice(optimizer, *, done, milestones, gamma):
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
        group["lr"] *= gamma ** sum(milestone <= done for milestone in milestones)
    return MultiStepLR(optimizer, milestones, gamma, last_epoch=done - 1)


def one_epoch_late(optimizer, *, done, milestones, gamma):
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    return LambdaLR(
        optimizer, lambda t: gamma ** sum(m < t for m in milestones), last_epoch=done - 1
    )


def all_groups_have_the_first_rate(optimizer, *, done, milestones, gamma):
    for group in optimizer.param_groups:
        group["initial_lr"] = optimizer.defaults["lr"]
    return LambdaLR(
        optimizer, lambda t: gamma ** sum(m <= t for m in milestones), last_epoch=done - 1
    )


def rounded_rates(optimizer, *, done, milestones, gamma):
    class ByHand:
        t, first = done - 1, [group["lr"] for group in optimizer.param_groups]

        def step(self):
            self.t += 1
            for group, lr in zip(optimizer.param_groups, self.first):
                group["lr"] = round(lr * gamma ** sum(m <= self.t for m in milestones), 4)

    scheduler = ByHand()
    scheduler.step()
    return scheduler


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


def right_fast_forward(optimizer, *, done, milestones, gamma):
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma)
    optimizer.step()
    for _ in range(done):
        scheduler.step()
    return scheduler


# --- 10.4 go_on -----------------------------------------------------------------------------------


def _ran(weight, velocity, first, updates, peak_lr, total_steps, momentum, floor=0.0):
    for t in range(first, first + updates):
        rate = peak_lr * max(floor, 1 - t / total_steps)
        velocity = momentum * velocity + weight
        weight -= rate * velocity
    return weight, velocity


def forgets_the_velocity(file, updates, **plan):
    weight, velocity = _ran(file["weight"], 0.0, file["done"], updates, **plan)
    return {"weight": weight, "velocity": velocity, "done": file["done"] + updates}


def forgets_the_place(file, updates, **plan):
    weight, velocity = _ran(file["weight"], file["velocity"], 0, updates, **plan)
    return {"weight": weight, "velocity": velocity, "done": file["done"] + updates}


def counts_this_part_only(file, updates, **plan):
    weight, velocity = _ran(file["weight"], file["velocity"], file["done"], updates, **plan)
    return {"weight": weight, "velocity": velocity, "done": updates}


def as_it_was(file, updates, **plan):
    return {"weight": _ran(file["weight"], 0.0, 0, updates, **plan)[0]}


def starts_one_late_again(file, updates, **plan):
    weight, velocity = _ran(file["weight"], file["velocity"], file["done"] + 1, updates, **plan)
    return {"weight": weight, "velocity": velocity, "done": file["done"] + updates}


def rate_below_zero(file, updates, **plan):
    weight, velocity = _ran(
        file["weight"], file["velocity"], file["done"], updates, **plan, floor=-math.inf
    )
    return {"weight": weight, "velocity": velocity, "done": file["done"] + updates}


def rounded_in_the_file(file, updates, **plan):
    ran = right_on_a_copy(file, updates, **plan)
    return {name: round(value, 6) for name, value in ran.items()}


def right_on_a_copy(file, updates, *, peak_lr, total_steps, momentum):
    state = dict(file)
    for _ in range(updates):
        state["velocity"] = momentum * state["velocity"] + state["weight"]
        left = max(0, total_steps - state["done"])
        state["weight"] -= peak_lr * left / total_steps * state["velocity"]
        state["done"] += 1
    return state


def in_the_file_itself(file, updates, **plan):
    file.update(right_on_a_copy(file, updates, **plan))
    return file


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


def nearest_whole(updates, steps_per_epoch, every):
    epochs = round(updates / steps_per_epoch)
    steps = updates if every == "update" else epochs
    return steps - 1, epochs, updates % steps_per_epoch


def three_milestones_at_most(optimizer, *, done, milestones, gamma):
    return right_given_rate(optimizer, done=done, milestones=milestones[:3], gamma=gamma)


WRONG = {
    "10-branch": [
        *(from_update_zero, root_of_the_rest, straight_line, starts_one_late, rises_after_the_end),
        *(goes_below_zero, divides_by_zero, keeps_the_rate_of_no_length),
    ],
    "10-clocks": [
        *(last_epoch_counts_from_one, initial_epoch_is_the_last, always_updates, always_epochs),
        *(rounds_up, never_below_zero, batches_to_come, nearest_whole),
    ],
    "10-resumed": [
        *(as_given, without_initial_lr, begins_again, cuts_twice, one_epoch_late),
        *(three_milestones_at_most, all_groups_have_the_first_rate, rounded_rates),
    ],
    "10-go-on": [
        *(forgets_the_velocity, forgets_the_place, counts_this_part_only, as_it_was),
        *(starts_one_late_again, rate_below_zero, in_the_file_itself, rounded_in_the_file),
    ],
}

RIGHT = {
    "10-branch": [right_clamped, right_by_cases, right_by_library],
    "10-clocks": [right_in_steps, right_counting, right_by_size],
    "10-resumed": [
        right_given_rate,
        right_shifted_milestones,
        right_own_scheduler,
        right_fast_forward,
    ],
    "10-go-on": [
        right_on_a_copy,
        right_recursive,
        right_with_a_list_of_rates,
    ],
}
