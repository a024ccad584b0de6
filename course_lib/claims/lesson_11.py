"""Lesson 11: eight schedules at five budgets, each with its own tuned peak."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training
from course_lib.schedules import (
    Schedule,
    constant,
    cosine,
    exponential,
    linear,
    one_cycle,
    rex,
    step_decay,
    wsd,
)

FRACTIONS = (0.02, 0.05, 0.1, 0.25, 1.0)


def schedule(kind: str, peak: float, total: int) -> Schedule:
    """The schedule of a run of `total` updates; all but the constant one end near zero."""
    length = dict(peak_lr=peak, total_steps=total)
    match kind:
        case "constant":
            return Schedule(constant, lr=peak)
        case "step":  # two drops, after each third
            return Schedule(step_decay, lr=peak, every=-(-total // 3), factor=0.1)
        case "exponential":  # to a hundredth
            return Schedule(exponential, lr=peak, factor=0.01, every=total)
        case "linear":
            return Schedule(linear, **length)
        case "cosine":
            return Schedule(cosine, **length)
        case "rex":
            return Schedule(rex, **length)
        case "one_cycle":
            return Schedule(one_cycle, **length)
        case "wsd":
            cooldown = max(1, round(0.2 * total))
            warm = round(0.05 * total)
            return Schedule(wsd, **length, warmup_steps=warm, cooldown_steps=cooldown)
    raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")


KINDS = ("constant", "step", "exponential", "linear", "cosine", "rex", "one_cycle", "wsd")


def at_budgets(
    data: str,
    model: str,
    batch_size: int,
    full: int,
    peaks: tuple[float, ...],
    fractions: tuple[float, ...] = FRACTIONS,
):
    """Every schedule at every budget and every peak. The peak is chosen on held-out images, and
    only then is the test accuracy looked at."""
    return {
        f"{kind} {fraction:g} {peak:g}": Training(
            data,
            model,
            lambda epoch, total, kind=kind, peak=peak: schedule(kind, peak, total),
            batch_size=batch_size,
            steps=round(fraction * full),
            momentum=0.9,
            validation=0.1,
        )
        for fraction in fractions
        for kind in KINDS
        for peak in peaks
    }


EXPERIMENTS = {
    "budgets": Experiment(
        title="eight schedules at five budgets, each with its own tuned peak",
        variants=at_budgets("mnist", "mlp", 128, 1_000, (0.03, 0.1, 0.3, 1.0)),
    ),
    "budgets_cifar10": Experiment(
        title="eight schedules at two budgets, each with its own tuned peak, CIFAR-10",
        variants=at_budgets("cifar10", "cnn", 64, 500, (0.01, 0.03, 0.1), (0.1, 1.0)),
        frameworks=("torch",),
    ),
}

CLAIMS: dict[str, Claim] = {}
