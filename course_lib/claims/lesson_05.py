"""Lesson 05: a rate at which a cold start fails, and warmups that rescue it."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training
from course_lib.schedules import Schedule, linear, warmup

STEPS = 400
HOT = 0.4  # with momentum 0.9; chosen with seeds 100 and 101
LENGTHS = (0, 20, 80, 160)
MAP_PEAKS = (0.2, 0.8)  # 0.4 is the other experiment's


def hot(peak: float, length: int) -> Training:
    """`length` updates up to the peak, and a straight line to zero in the rest of the 400."""

    def schedule(epoch: int, total: int) -> Schedule:
        down = Schedule(linear, peak_lr=peak, total_steps=total - length)
        return Schedule(warmup, then=down, warmup_steps=length) if length else down

    return Training("mnist", "cnn", schedule, batch_size=128, steps=STEPS, momentum=0.9)


EXPERIMENTS = {
    "warmup_rescue": Experiment(
        title="a rate at which a cold start fails: with warmups of several lengths",
        variants={f"{HOT:g} after {length}": hot(HOT, length) for length in LENGTHS},
        seeds=10,
    ),
    "warmup_map": Experiment(
        title="peak against warmup length: which runs survive?",
        variants={
            f"{peak:g} after {length}": hot(peak, length)
            for peak in MAP_PEAKS
            for length in LENGTHS
        },
        frameworks=("torch",),
    ),
}

CLAIMS: dict[str, Claim] = {}
