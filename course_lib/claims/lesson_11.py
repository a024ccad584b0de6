"""Lesson 11: eight schedules at five budgets, each with its own tuned peak."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.records import Line
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
        title="eight schedules at one budget, each with its own tuned peak, CIFAR-10",
        variants=at_budgets("cifar10", "cnn", 64, 500, (0.01, 0.03, 0.1), (1.0,)),
        frameworks=("torch",),
    ),
}


@dataclass(frozen=True)
class Tuned:
    """What tuning made of a schedule at a budget: its peak, and what the runs at this peak reach.

    - at_border: whether the peak is the smallest or the largest of the grid.
    - accuracy: on the test images in per cent, by seed.
    """

    peak: float
    at_border: bool
    accuracy: dict[int, float]

    @property
    def mean(self) -> float:
        return fmean(self.accuracy.values())


def tuned(lines: Sequence[Line], peak: float | None = None) -> dict[tuple[str, float], Tuned]:
    """For every (kind, fraction of the budget) in these lines of one framework, the peak with the
    lowest mean loss on held-out images; a peak at which a seed diverged cannot be chosen. With
    `peak`, nothing is tuned: every schedule gets this one.
    """
    grids: dict[tuple[str, float], dict[float, list[Line]]] = {}
    for line in lines:
        kind, fraction, tried = line["variant"].split()
        grid = grids.setdefault((kind, float(fraction)), {})
        grid.setdefault(float(tried), []).append(line)
    return {key: _choice(grid, peak) for key, grid in grids.items()}


def _choice(grid: dict[float, list[Line]], peak: float | None) -> Tuned:
    losses = {
        tried: fmean(line["val_loss"] for line in lines)
        for tried, lines in grid.items()
        if all(line.get("val_loss") is not None for line in lines)
    }
    best = min(losses, key=losses.__getitem__) if peak is None else peak
    reached = {line["seed"]: line["test_accuracy"] for line in grid[best]}
    accuracy = {seed: 100 * each for seed, each in reached.items() if each is not None}
    return Tuned(best, best in (min(grid), max(grid)), accuracy)


CLAIMS: dict[str, Claim] = {}
