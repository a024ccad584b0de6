"""Lesson 09: does Adam, whose rates adapt, still gain from a schedule?"""

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.lesson_08 import tuned
from course_lib.schedules import Schedule, constant, cosine
from course_lib.statistics import gain

PEAKS = (0.001, 0.003, 0.01, 0.03)


def adam(kind: str, peak: float) -> Training:
    """600 updates with Adam: one rate all the way, or a cosine down to zero."""

    def schedule(epoch: int, total: int) -> Schedule:
        if kind == "constant":
            return Schedule(constant, lr=peak)
        return Schedule(cosine, peak_lr=peak, total_steps=total)

    return Training(
        "mnist", "mlp", schedule, batch_size=128, max_updates=600, optimizer="adam", validation=0.1
    )


EXPERIMENTS = {
    "adam_schedule": Experiment(
        title="Adam under one fixed rate and under a cosine, each at its own best rate",
        variants={
            f"{kind} {peak:g}": adam(kind, peak)
            for peak in PEAKS
            for kind in ("constant", "cosine")
        },
    ),
}


def of_cosine(runs: Runs) -> dict:
    """What a cosine brings Adam: each at its own best peak, and both at the fixed rate's best."""
    fixed, falling = (tuned(runs, kind) for kind in ("constant", "cosine"))
    return {
        "fixed": float(fixed.split()[1]),
        "falling": float(falling.split()[1]),
        "gain": gain(runs.percent(falling), runs.percent(fixed)),
        "low": gain(runs.percent("constant 0.003"), runs.percent("cosine 0.003")),
    }


CLAIMS: dict[str, Claim] = {
    "adam-gains-from-a-schedule": Claim(
        "adam_schedule",
        "600 updates of Adam on MNIST end {n.gain:.2f} points of test accuracy higher under a "
        "cosine than at one fixed rate, each at the best of four rates.",
        of_cosine,
        lambda n: n.gain.above_zero,
    ),
    "adam-at-one-low-peak": Claim(
        "adam_schedule",
        "With 0.003 for both, the cosine ends {n.low:.2f} points below the fixed rate.",
        of_cosine,
        lambda n: n.low.above_zero,
    ),
}
