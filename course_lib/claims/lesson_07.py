"""Lesson 07: what the range test suggests, seed by seed."""

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, real
from course_lib.claims.records import Line
from course_lib.finder.suggestions import METHODS
from course_lib.lr_finder import find_lr
from course_lib.statistics import gain


def sweep(data: str, model: str, batch_size: int, steps: int = 100):
    """One range test per seed: what each rule suggests."""

    def variant(framework: str, seed: int) -> Line:
        found = find_lr(
            model=model,
            data=real(data),
            framework=framework,
            start_lr=1e-4,
            end_lr=30.0,
            steps=steps,
            batch_size=batch_size,
            seed=seed,
            progress=False,
        )
        return {
            "data": real(data).title,
            "model": model,
            "batch_size": batch_size,
            "updates": len(found.lrs),
            **{method: float(f"{found.suggestion(method):.4g}") for method in METHODS},
        }

    return variant


EXPERIMENTS = {
    # The same network, data and batch size as fixed_rates, whose best rate it is compared with.
    "finder_spread": Experiment(
        title="what does the range test suggest, over ten seeds?",
        variants={"mnist mlp": sweep("mnist", "mlp", 128)},
        seeds=10,
    ),
    "finder_longer": Experiment(
        title="what does a range test of 300 updates suggest, where the other had 100?",
        variants={"mnist mlp": sweep("mnist", "mlp", 128, steps=300)},
        seeds=10,
    ),
    "finder_spread_cifar10": Experiment(
        title="what does the range test suggest on CIFAR-10, over ten seeds?",
        variants={"cifar10 cnn": sweep("cifar10", "cnn", 64)},
        seeds=10,
        frameworks=("torch",),
    ),
}


def suggested(runs: Runs, method: str) -> list[float]:
    """What a rule suggested, seed by seed."""
    (variant,) = runs.variants()
    return list(runs.of(variant, method).values())


def best_rate(runs: Runs) -> str:
    """The fixed rate with the lowest mean held-out loss."""
    return runs.tuned(runs.variants())


def spreads(runs: Runs) -> Mapping[str, Any]:
    """The highest suggestion of each rule over its lowest."""
    rates = {method: suggested(runs, method) for method in METHODS}
    return {method: max(each) / min(each) for method, each in rates.items()}


def medians(fixed: str):
    """The median suggestion of each rule, and the best rate of the experiment `fixed`."""

    def measure(runs: Runs) -> Mapping[str, Any]:
        found = {method: median(suggested(runs, method)) for method in METHODS}
        return {**found, "best": float(best_rate(runs.another(fixed)))}

    return measure


def cost(runs: Runs) -> Mapping[str, Any]:
    """What the rate of the grid that is nearest to valley's suggestion gives away."""
    fixed, wanted = runs.another("fixed_rates"), median(suggested(runs, "valley"))
    near = min(fixed.variants(), key=lambda rate: abs(math.log(float(rate) / wanted)))
    best = best_rate(fixed)
    points = gain(fixed.percent(best), fixed.percent(near))
    return {"best": float(best), "near": float(near), "points": points}


CLAIMS: dict[str, Claim] = {
    "finder-spread": Claim(
        experiment="finder_spread",
        sentence="By three of the rules the highest of the ten suggestions on MNIST is less than "
        "twice the lowest, by `slide` {n.slide:.0f} times.",
        details="By `steepest` it is {n.steepest:.1f} times the lowest, by `valley` "
        "{n.valley:.1f} times, by `minimum` {n.minimum:.1f} times.",
        measure=spreads,
        holds=lambda n: max(n.steepest, n.valley, n.minimum) < 2 and n.slide > 10,
    ),
    "finder-spread-cifar10": Claim(
        experiment="finder_spread_cifar10",
        sentence="On CIFAR-10 the highest suggestion is by `valley` {n.valley:.0f} times the "
        "lowest, by each of the other three more than {n.bound:.0f} times.",
        measure=lambda runs: {
            **(found := spreads(runs)),
            "bound": math.floor(min(found[m] for m in METHODS if m != "valley") / 10) * 10,
        },
        holds=lambda n: n.valley < 10 <= n.bound,
        frameworks=("torch",),
    ),
    "finder-best": Claim(
        experiment="finder_spread",
        also=("fixed_rates",),
        sentence="Of nine fixed rates on MNIST the best, by mean held-out loss, is {n.best:g}. Of "
        "the rules `steepest` comes nearest to it: its median is {n.steepest:.2g}; the next, of "
        "`minimum`, is {n.minimum:.2g}.",
        details="That of `valley` is {n.valley:.2g}, that of `slide` {n.slide:.2g}.",
        measure=medians("fixed_rates"),
        holds=lambda n: n.best >= n.steepest > n.minimum >= max(n.valley, n.slide),
    ),
    "finder-best-cifar10": Claim(
        experiment="finder_spread_cifar10",
        also=("fixed_rates_cifar10",),
        sentence="On CIFAR-10, where {n.best:g} is the best, `valley` is the nearest "
        "({n.valley:.2g}), and `steepest` ({n.steepest:.2g}) is above it.",
        measure=medians("fixed_rates_cifar10"),
        holds=lambda n: (
            min(METHODS, key=lambda m: abs(math.log(vars(n)[m] / n.best))) == "valley"
            and n.steepest > n.best
        ),
        frameworks=("torch",),
    ),
    "finder-length": Claim(
        experiment="finder_longer",
        also=("finder_spread", "fixed_rates"),
        sentence="With 300 updates from the same first rate to the same last, the median of "
        "`steepest` falls to {n.steepest:.2g}, and `slide` is the nearest to the best fixed rate "
        "({n.slide:.2g}).",
        measure=lambda runs: {
            **medians("fixed_rates")(runs),
            "before": median(suggested(runs.another("finder_spread"), "steepest")),
        },
        holds=lambda n: (
            n.best > n.slide > n.steepest > max(n.minimum, n.valley) and n.steepest < n.before
        ),
    ),
    "finder-cost": Claim(
        experiment="finder_spread",
        also=("fixed_rates",),
        sentence="An epoch at {n.near:g}, the fixed rate nearest to `valley`'s median, ends "
        "{n.points:.1f} points of test accuracy below one at {n.best:g}.",
        measure=cost,
        holds=lambda n: n.points.above_zero,
    ),
}
