"""Lesson 08: one-cycle at a third of the budget, restarts and snapshots."""

from dataclasses import replace

import numpy as np

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training, Variant, real
from course_lib.claims.records import Line
from course_lib.schedules import (
    Schedule,
    cosine,
    cosine_restarts,
    one_cycle,
    one_cycle_momentum,
)
from course_lib.statistics import gain

CYCLES = 3


def budgets(
    data: str, model: str, batch_size: int, momentum: float, peaks: tuple[float, ...], epochs: int
):
    """Cosine in all epochs and in a third of them, one-cycle in a third, with its own momentum and
    with a fixed one, each at every peak."""

    def training(formula, length: int, peak: float) -> Training:
        return Training(
            data,
            model,
            lambda epoch, total: Schedule(formula, peak_lr=peak, total_steps=total),
            batch_size=batch_size,
            epochs=length,
            momentum=momentum,
            validation=0.1,
        )

    def cycling(peak: float):
        def variant(framework: str, seed: int) -> Line:
            plan = training(one_cycle, epochs // 3, peak)
            moving = Schedule(one_cycle_momentum, total_steps=plan.sizes()[1])
            return replace(plan, momentum=moving)(framework, seed)

        return variant

    variants: dict[str, Variant] = {}
    for peak in peaks:
        variants |= {
            f"cosine {peak:g}": training(cosine, epochs, peak),
            f"cosine third {peak:g}": training(cosine, epochs // 3, peak),
            f"one-cycle third {peak:g}": cycling(peak),
            f"one-cycle third, rate only {peak:g}": training(one_cycle, epochs // 3, peak),
        }
    return variants


def snapshots(data: str, model: str, batch_size: int, momentum: float, peak: float, epochs: int):
    """Three waves against one; of the restarted run, the network at the end of each wave."""

    def training(cycles: int) -> Training:
        def schedule(epoch: int, total: int) -> Schedule:
            if cycles == 1:
                return Schedule(cosine, peak_lr=peak, total_steps=total)
            return Schedule(cosine_restarts, peak_lr=peak, cycle_steps=total // cycles)

        return Training(
            data, model, schedule, batch_size=batch_size, epochs=epochs, momentum=momentum
        )

    def restarted(framework: str, seed: int) -> Line:
        plan = training(CYCLES)
        _, total = plan.sizes()
        images, labels = real(data).x_test, real(data).y_test
        images = images if images.ndim == 4 else images[..., np.newaxis]
        votes = []

        def watch(done, trainer):
            if done % (total // CYCLES) == 0:
                logits = trainer.logits(images).astype(np.float64)
                odds = np.exp(logits - logits.max(1, keepdims=True))
                votes.append(odds / odds.sum(1, keepdims=True))

        run = plan.train(framework, seed, watch=watch)
        accuracy = [float((vote.argmax(1) == labels).mean()) for vote in votes]
        together = float((np.mean(votes, axis=0).argmax(1) == labels).mean())
        return {**plan.line(run), "snapshots": accuracy, "ensemble": together}

    return {"cosine": training(1), "restarts": restarted}


def tuned(runs: Runs, kind: str) -> str:
    """Of the variants "kind peak", the one whose mean loss on held-out images is lowest."""
    return runs.tuned(each for each in runs.variants() if each.rpartition(" ")[0] == kind)


EXPERIMENTS = {
    "one_cycle_third": Experiment(
        title="one-cycle in a third of cosine's updates",
        variants=budgets("mnist", "mlp", 128, 0.9, (0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 1.0), 6),
    ),
    "one_cycle_third_cifar10": Experiment(
        title="one-cycle in a third of cosine's updates, CIFAR-10",
        variants=budgets("cifar10", "cnn", 64, 0.9, (0.01, 0.03, 0.1), 3),
        frameworks=("torch",),
    ),
    "snapshots": Experiment(
        title="three restarts, their snapshots together, and one cosine of the same length",
        variants=snapshots("mnist", "mlp", 128, 0.9, 0.1, 6),
    ),
    "snapshots_cifar10": Experiment(
        title="three restarts, their snapshots together, and one cosine, CIFAR-10",
        variants=snapshots("cifar10", "cnn", 64, 0.9, 0.02, 3),
        frameworks=("torch",),
    ),
}


def of_restarts(runs: Runs) -> dict:
    """How far the last wave ends below one cosine, and the vote of all waves below the last."""
    last = runs.percent("restarts")
    return {
        "end": gain(runs.percent("cosine"), last),
        "vote": gain(last, runs.percent("restarts", "ensemble")),
    }


KINDS = ("cosine", "cosine third", "one-cycle third")


def of_a_third(runs: Runs) -> dict:
    """One-cycle in a third of the epochs over a cosine as short, and the long cosine over it."""
    long, short, cycle = (runs.percent(tuned(runs, kind)) for kind in KINDS)
    return {"short": gain(cycle, short), "long": gain(long, cycle)}


def of_the_peaks(runs: Runs) -> dict:
    """The peaks that tuning chose, and the grid that it had."""
    grid = {float(variant.rpartition(" ")[2]) for variant in runs.variants()}
    long, short, cycle = (float(tuned(runs, kind).rpartition(" ")[2]) for kind in KINDS)
    chosen = {"long_peak": long, "short_peak": short, "cycle_peak": cycle}
    return {"peaks": len(grid), "lowest": min(grid), "largest": max(grid), **chosen}


def is_inside(n) -> bool:
    """Whether every chosen peak has a worse one on both sides: lesson 1's rule."""
    return all(n.lowest < p < n.largest for p in (n.long_peak, n.short_peak, n.cycle_peak))


def of_a_high_peak(runs: Runs) -> dict:
    """The worst and the best of the short runs at the largest peak."""
    short, cycle = (runs.percent(f"{kind} third 1").values() for kind in ("cosine", "one-cycle"))
    ends = {"short_low": min(short), "short_high": max(short)}
    return {**ends, "cycle_low": min(cycle), "cycle_high": max(cycle)}


def of_its_momentum(runs: Runs) -> dict:
    """One-cycle with its own momentum against the same rates at momentum 0.9, peak by peak."""
    found = {}
    for name, peak in {"best": "0.3", "above": "0.5"}.items():
        own = runs.percent(f"one-cycle third {peak}")
        found[name] = gain(own, runs.percent(f"one-cycle third, rate only {peak}"))
    return {**found, "chosen": tuned(runs, "one-cycle third")}


CLAIMS: dict[str, Claim] = {
    "one-cycle-against-a-short-cosine": Claim(
        "one_cycle_third",
        "In 2 epochs of MNIST no difference was found between the test accuracies of one-cycle and "
        "of a cosine, each at the best of eight peaks ({n.short:.2f} points).",
        of_a_third,
        lambda n: n.short.undecided,
    ),
    "one-cycle-against-a-long-cosine": Claim(
        "one_cycle_third",
        "A cosine over 6 epochs ends {n.long:.2f} points above one-cycle over 2.",
        of_a_third,
        lambda n: n.long.above_zero,
    ),
    "one-cycle-on-cifar10": Claim(
        "one_cycle_third_cifar10",
        "In one epoch of CIFAR-10 no difference was found between one-cycle and a cosine "
        "({n.short:.1f} points); a cosine of three epochs ends {n.long:.1f} points above "
        "one-cycle. Each was at the middle one of three peaks.",
        lambda runs: {**of_a_third(runs), **of_the_peaks(runs)},
        lambda n: n.short.undecided and n.long.above_zero and is_inside(n) and n.peaks == 3,
        frameworks=("torch",),
    ),
    "one-cycle-peaks": Claim(
        "one_cycle_third",
        "Of {n.peaks} peaks from {n.lowest:g} to {n.largest:g} the best is {n.cycle_peak:g} for "
        "one-cycle, {n.short_peak:g} for the short cosine and {n.long_peak:g} for the long one: "
        "none at the border.",
        of_the_peaks,
        is_inside,
    ),
    "one-cycle-at-a-high-peak": Claim(
        "one_cycle_third",
        "At a peak of 1 the short cosines end between {n.short_low:.0f} and {n.short_high:.0f} % "
        "of test accuracy, the runs of one-cycle between {n.cycle_low:.1f} and "
        "{n.cycle_high:.1f}.",
        of_a_high_peak,
        lambda n: n.short_high < n.cycle_low,
    ),
    "one-cycle-momentum": Claim(
        "one_cycle_third",
        "One-cycle's momentum, against a fixed 0.9, adds {n.above:.2f} points at a peak of 0.5; at "
        "its best peak, 0.3, no difference was found ({n.best:.2f}).",
        of_its_momentum,
        lambda n: n.chosen == "one-cycle third 0.3" and n.best.undecided and n.above.above_zero,
    ),
    "restarts-on-mnist": Claim(
        "snapshots",
        "In 6 epochs of MNIST no difference in test accuracy was found between one cosine and the "
        "end of three waves ({n.end:.2f} points).",
        of_restarts,
        lambda n: n.end.undecided,
    ),
    "snapshots-on-mnist": Claim(
        "snapshots",
        "The vote of all three snapshots is {n.vote:.2f} points worse than the last snapshot alone "
        "on these 10,000 images.",
        of_restarts,
        lambda n: n.vote.above_zero,
    ),
    "restarts-on-cifar10": Claim(
        "snapshots_cifar10",
        "In 3 epochs of CIFAR-10 three waves end {n.end:.2f} points below one cosine, and the vote "
        "is {n.vote:.2f} points worse than the last snapshot.",
        of_restarts,
        lambda n: n.end.above_zero and n.vote.above_zero,
        frameworks=("torch",),
    ),
}
