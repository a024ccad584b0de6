"""Lesson 04: shapes of a decay at equal peak, at equal area, and with a wrong horizon."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training
from course_lib.schedules import Schedule, constant, cosine, linear, polynomial
from course_lib.statistics import gain

LOW, LOW_STEPS, LOW_BATCH = 0.1, 300, 64
HIGH, HIGH_STEPS, HIGH_BATCH = 1.0, 400, 32  # peaks chosen with seeds 100 and 101


def shapes(peak: float, total: int) -> dict[str, Schedule]:
    """Three shapes and a constant, at one peak and then at the area of the straight line."""
    return {
        "linear": Schedule(linear, peak_lr=peak, total_steps=total),
        "cosine": Schedule(cosine, peak_lr=peak, total_steps=total),
        "quadratic": Schedule(polynomial, peak_lr=peak, total_steps=total, power=2),
        "constant": Schedule(constant, lr=peak),
        "quadratic, same area": Schedule(
            polynomial, peak_lr=1.5 * peak, total_steps=total, power=2
        ),
        "constant, same area": Schedule(constant, lr=0.5 * peak),
    }


def horizons(peak: float, total: int) -> dict[str, Schedule]:
    """A cosine that ends too early, too late, or on a floor."""
    return {
        "cosine, half the horizon": Schedule(cosine, peak_lr=peak, total_steps=total // 2),
        "cosine, twice the horizon": Schedule(cosine, peak_lr=peak, total_steps=2 * total),
        "cosine, a tenth as floor": Schedule(
            cosine, peak_lr=peak, total_steps=total, final_lr=peak / 10
        ),
    }


def runs(schedules: dict[str, Schedule], steps: int, batch_size: int) -> dict[str, Training]:
    """The same short training under each schedule."""

    def under(schedule: Schedule) -> Training:
        return Training(
            "mnist",
            "mlp",
            lambda epoch, total: schedule,
            batch_size=batch_size,
            max_updates=steps,
        )

    return {name: under(schedule) for name, schedule in schedules.items()}


EXPERIMENTS = {
    "shapes_low": Experiment(
        title="four shapes at a low peak, and at equal area",
        variants=runs(shapes(LOW, LOW_STEPS), LOW_STEPS, LOW_BATCH),
        seeds=8,
    ),
    "shapes_high": Experiment(
        title="four shapes at a high peak, at equal area, and with other horizons",
        variants=runs(
            shapes(HIGH, HIGH_STEPS) | horizons(HIGH, HIGH_STEPS), HIGH_STEPS, HIGH_BATCH
        ),
        seeds=8,
    ),
}


def against(
    experiment: str, sentence: str, holds, *, base: str = "linear", **variants: str
) -> Claim:
    """How far variants lie above `base` in test accuracy, in points, paired by seed."""

    def measure(runs):
        reference = runs.percent(base)
        return {name: gain(runs.percent(variant), reference) for name, variant in variants.items()}

    return Claim(experiment, sentence, measure, holds)


CLAIMS: dict[str, Claim] = {
    "decay-at-a-high-peak": against(
        "shapes_high",
        "At this peak the straight line ends {n.gap:.1f} points of test accuracy above the "
        "constant rate.",
        lambda n: n.gap.above_zero,
        base="constant",
        gap="linear",
    ),
    "line-against-cosine": against(
        "shapes_high",
        "It also ends above the cosine, by {n.gap:.1f} points.",
        lambda n: n.gap.above_zero,
        base="cosine",
        gap="linear",
    ),
    "low-peak-equal-peak": against(
        "shapes_low",
        "At equal peak the constant rate is *better* than the line, by {n.constant:.2f} points, "
        "and the quadratic is worse ({n.quadratic:.2f}).",
        lambda n: n.constant.above_zero and n.quadratic.below_zero,
        constant="constant",
        quadratic="quadratic",
    ),
    "low-peak-equal-area": against(
        "shapes_low",
        "At equal area these gaps shrink to {n.constant:.2f} and {n.quadratic:.2f}.",
        lambda n: max(abs(each.value) for each in (n.constant, n.quadratic, n.cosine)) < 0.3,
        constant="constant, same area",
        quadratic="quadratic, same area",
        cosine="cosine",
    ),
    "high-peak-equal-area": against(
        "shapes_high",
        "At equal area the quadratic, with its peak of 1.5, differs from the line by "
        "{n.quadratic:.1f} points; between the line and a constant rate of 0.5 no difference is "
        "found ({n.constant:.1f}).",
        lambda n: n.quadratic.below_zero and n.constant.undecided,
        quadratic="quadratic, same area",
        constant="constant, same area",
    ),
    "horizon-early": against(
        "shapes_high",
        "A cosine that is at zero half-way lies {n.gap:.1f} points below the one that lasts the "
        "whole run.",
        lambda n: n.gap.above_zero,
        base="cosine, half the horizon",
        gap="cosine",
    ),
    "horizon-late": against(
        "shapes_high",
        "For a horizon twice as long as the run, eight seeds do not settle it: {n.gap:.1f} points.",
        lambda n: n.gap.undecided,
        base="cosine",
        gap="cosine, twice the horizon",
    ),
    "floor": against(
        "shapes_high",
        "With a tenth of the peak as floor no difference is found either: {n.gap:.1f} points.",
        lambda n: n.gap.undecided,
        base="cosine",
        gap="cosine, a tenth as floor",
    ),
}
