"""Lesson 11: eight schedules at five budgets, each with its own tuned peak."""

from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from course_lib.claims.claim import Claim, Runs
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
from course_lib.statistics import Estimate, gain

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
):
    """Every schedule at every budget and every peak. The peak is chosen on held-out images, and
    only then is the test accuracy looked at."""

    def training(fraction: float, kind: str, peak: float) -> Training:
        return Training(
            data,
            model,
            lambda epoch, total: schedule(kind, peak, total),
            batch_size=batch_size,
            max_updates=round(fraction * full),
            momentum=0.9,
            validation=0.1,
        )

    return {
        f"{kind} {fraction:g} {peak:g}": training(fraction, kind, peak)
        for fraction in FRACTIONS
        for kind in KINDS
        for peak in peaks
    }


EXPERIMENTS = {
    "budgets": Experiment(
        title="eight schedules at five budgets, each with its own tuned peak",
        variants=at_budgets("mnist", "mlp", 128, 1_000, (0.03, 0.1, 0.17, 0.3, 0.5, 1.0)),
    ),
    "budgets_cifar10": Experiment(
        title="eight schedules at five budgets on CIFAR-10, each with its own tuned peak",
        variants=at_budgets("cifar10", "cnn", 64, 1_000, (0.01, 0.03, 0.1)),
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


BETWEEN = (0.17, 0.5)  # the peaks of MNIST that a grid of factors of about 3 has not


def tuned(
    runs: Runs, peak: float | None = None, without: tuple[float, ...] = ()
) -> dict[tuple[str, float], Tuned]:
    """For every (kind, fraction of the budget) the peak that tuning chooses, and what it reaches.
    With `peak`, nothing is tuned: every schedule gets this one."""
    grids: dict[str, list[str]] = {}
    for variant in runs.variants():
        each, _, of_grid = variant.rpartition(" ")
        if float(of_grid) not in without:
            grids.setdefault(each, []).append(variant)
    found = {}
    for each, variants in grids.items():
        kind, fraction = each.split()
        best = runs.tuned(variants) if peak is None else f"{each} {peak:g}"
        grid, chosen = [float(variant.split()[-1]) for variant in variants], float(best.split()[-1])
        at_border = chosen in (min(grid), max(grid))
        found[kind, float(fraction)] = Tuned(chosen, at_border, runs.percent(best))
    return found


TO_ZERO = ("linear", "cosine", "rex", "one_cycle", "wsd")  # the others end above zero


def of_decaying(runs: Runs) -> dict:
    """Points of the linear decay over the constant rate, at each budget: at_2, ..., at_100."""
    table = tuned(runs)
    return {
        f"at_{100 * fraction:.0f}": gain(
            table["linear", fraction].accuracy, table["constant", fraction].accuracy
        )
        for fraction in sorted({fraction for _, fraction in table})
    }


def with_the_border(runs: Runs) -> dict:
    """The same, and whether the constant rate could do better with a peak outside the grid."""
    constant_rate = tuned(runs)["constant", 1.0]
    return {**of_decaying(runs), "peak": constant_rate.peak, "at_border": constant_rate.at_border}


def p_value(difference: Estimate) -> float:
    """How often pairs of equals would lie at least so far apart (Student's t, two-sided)."""
    from scipy.special import stdtr, stdtrit  # here, because claims are read without it, too

    degrees, half = difference.n - 1, difference.high - difference.value
    t = difference.value / half * stdtrit(degrees, 0.975)
    return float(2 * stdtr(degrees, -abs(t)))


def among_the_best(runs: Runs) -> dict:
    """The five that end at zero at the full budget: in how many of their pairs five seeds find no
    difference, which are found after a correction for so many comparisons (and which on a coarse
    grid), and the widest gap of two means."""

    def gaps(table: dict) -> dict[tuple[str, str], Estimate]:
        pairs = combinations(TO_ZERO, 2)
        return {(a, b): gain(table[a, 1.0].accuracy, table[b, 1.0].accuracy) for a, b in pairs}

    def left(gaps: dict[tuple[str, str], Estimate]) -> str:
        found = {pair: gap for pair, gap in gaps.items() if len(gaps) * p_value(gap) < 0.05}
        named = (pair if gap.above_zero else pair[::-1] for pair, gap in found.items())
        return ", ".join(" above ".join(pair) for pair in named) or "none"

    table = tuned(runs)
    found, means = gaps(table), [table[kind, 1.0].mean for kind in TO_ZERO]
    return {
        "pairs": len(found),
        "undecided": sum(each.undecided for each in found.values()),
        "left": left(found),
        "coarse": left(gaps(tuned(runs, without=BETWEEN))),
        "widest": max(means) - min(means),
    }


def by_single_seeds(runs: Runs) -> dict:
    """Who comes first of all eight at the full budget, for whoever has only one seed."""
    table = tuned(runs)
    rows = {kind: table[kind, 1.0].accuracy for kind in KINDS}
    seeds = sorted(set.intersection(*(set(row) for row in rows.values())))
    first = [max(KINDS, key=lambda kind: rows[kind][seed]) for seed in seeds]
    return {"seeds": len(seeds), "winners": len(set(first)), "names": ", ".join(sorted(set(first)))}


def of_tuning(runs: Runs) -> dict:
    """At how many budgets a schedule that stays high wins, at a common peak of 0.1 and tuned."""
    table, untuned = tuned(runs), tuned(runs, 0.1)
    fractions = sorted({fraction for _, fraction in table})

    def firsts(rows: dict) -> int:
        best = [max(KINDS, key=lambda kind: rows[kind, each].mean) for each in fractions]
        return sum(kind in ("constant", "wsd") for kind in best)

    return {
        "high_untuned": firsts(untuned),
        "high_tuned": firsts(table),
        "budgets": len(fractions),
    }


CLAIMS: dict[str, Claim] = {
    "budgets-decay": Claim(
        "budgets",
        "With every peak tuned, the linear decay ends above the constant rate at all five "
        "budgets: by {n.at_2:.1f} points of test accuracy at 2 % of 1,000 updates, by "
        "{n.at_100:.2f} at 100 %.",
        details="At 5, 10 and 25 % it is {n.at_5:.1f}, {n.at_10:.1f} and {n.at_25:.1f}.",
        measure=of_decaying,
        holds=lambda n: all(each.low > 0 for each in vars(n).values()),
    ),
    "budgets-close": Claim(
        "budgets",
        "Of the {torch.pairs} pairs among linear, cosine, REX, one-cycle (rate only) and WSD at "
        "the full budget, five seeds find no difference in {torch.undecided} (TensorFlow: "
        "{tensorflow.undecided}). After Bonferroni's correction these are left: {torch.left} "
        "(TensorFlow: {tensorflow.left}); on the grid without the peaks 0.17 and 0.5: "
        "{torch.coarse} (TensorFlow: {tensorflow.coarse}).",
        measure=among_the_best,
        # No pair is left on both grids.
        holds=lambda n: n.undecided > n.pairs / 2 and (n.left == "none" or n.left != n.coarse),
    ),
    "budgets-winner": Claim(
        "budgets",
        "Taken one at a time, our {n.seeds} seeds have {n.winners} different winners among all "
        "eight at the full budget: {n.names}.",
        measure=by_single_seeds,
        holds=lambda n: n.winners > 1,
    ),
    "budgets-decay-on-cifar10": Claim(
        "budgets_cifar10",
        "On CIFAR-10, with a convolutional network, the linear decay ends {n.at_100:.1f} points "
        "above the constant rate after 1,000 updates; the latter was best at the smallest "
        "rate tried, {n.peak:g}. At 2, 5, 10 and 25 % of the updates five seeds find no "
        "difference.",
        details="There it is {n.at_2:.1f}, {n.at_5:.1f}, {n.at_10:.1f} and {n.at_25:.1f} points.",
        measure=with_the_border,
        holds=lambda n: (
            n.at_100.low > 0
            and n.at_border
            and all(each.undecided for each in (n.at_2, n.at_5, n.at_10, n.at_25))
        ),
        frameworks=("torch",),
    ),
    "budgets-close-on-cifar10": Claim(
        "budgets_cifar10",
        "Of the same {torch.pairs} pairs they find no difference in {torch.undecided}, though "
        "means lie up to {torch.widest:.1f} points apart.",
        measure=among_the_best,
        holds=lambda n: n.undecided > n.pairs / 2 and n.widest > 0.3,
        frameworks=("torch",),
    ),
    "budgets-untuned": Claim(
        "budgets",
        "At one common peak of 0.1 one of the two that stay high, the constant rate or WSD, comes "
        "first at {n.high_untuned} of {n.budgets} budgets; with tuned peaks, at {n.high_tuned}.",
        measure=of_tuning,
        holds=lambda n: n.high_untuned > n.high_tuned,
    ),
}
