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
    """The end of the last wave against one cosine, and the vote of all waves against the last."""
    cosine_end, last = runs.percent("cosine"), runs.percent("restarts")
    return {
        "end": gain(last, cosine_end),
        "vote": gain(runs.percent("restarts", "ensemble"), last),
    }


KINDS = ("cosine", "cosine third", "one-cycle third")


def of_a_third(runs: Runs) -> dict:
    """One-cycle in a third of the epochs, against a cosine as short and against the long one."""
    long, short, cycle = (runs.percent(tuned(runs, kind)) for kind in KINDS)
    return {"short": gain(cycle, short), "long": gain(cycle, long)}


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
    return {**ends, "cycle_low": min(cycle), "cycle_high": max(cycle), "n": len(cycle)}


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
        "of a cosine, each at the best of eight peaks ({torch.short:.2f} points; Keras "
        "{tensorflow.short:.2f}).",
        of_a_third,
        lambda n: n.short.undecided,
    ),
    "one-cycle-against-a-long-cosine": Claim(
        "one_cycle_third",
        "A cosine over 6 epochs stays ahead: one-cycle over 2 differs from it by {torch.long:.2f} "
        "points (Keras {tensorflow.long:.2f}).",
        of_a_third,
        lambda n: n.long.below_zero,
    ),
    "one-cycle-on-cifar10": Claim(
        "one_cycle_third_cifar10",
        "In one epoch of CIFAR-10 no difference was found between one-cycle and a cosine of one "
        "epoch ({torch.short:.1f} points); it is behind a cosine of three epochs "
        "({torch.long:.1f}), each at the middle of three peaks.",
        lambda runs: {**of_a_third(runs), **of_the_peaks(runs)},
        lambda n: n.short.undecided and n.long.below_zero and is_inside(n) and n.peaks == 3,
        frameworks=("torch",),
    ),
    "one-cycle-peaks": Claim(
        "one_cycle_third",
        "The best peaks are {torch.cycle_peak:g} for one-cycle, {torch.short_peak:g} and "
        "{torch.long_peak:g} for the cosines (Keras {tensorflow.cycle_peak:g}, "
        "{tensorflow.short_peak:g}, {tensorflow.long_peak:g}), of {torch.peaks} from "
        "{torch.lowest:g} to {torch.largest:g}: none at the border.",
        of_the_peaks,
        is_inside,
    ),
    "one-cycle-at-a-high-peak": Claim(
        "one_cycle_third",
        "At a peak of 1 the {torch.n} short cosines end between {torch.short_low:.0f} and "
        "{torch.short_high:.0f} % of test accuracy, one-cycle's {torch.n} runs between "
        "{torch.cycle_low:.1f} and {torch.cycle_high:.1f} (Keras {tensorflow.short_low:.0f} to "
        "{tensorflow.short_high:.0f}, and {tensorflow.cycle_low:.1f} to "
        "{tensorflow.cycle_high:.1f}).",
        of_a_high_peak,
        lambda n: n.short_high < n.cycle_low,
    ),
    "one-cycle-momentum": Claim(
        "one_cycle_third",
        "Its momentum, against a fixed 0.9, adds {torch.above:.2f} points at a peak of 0.5 (Keras "
        "{tensorflow.above:.2f}); at its best peak, 0.3, no difference was found "
        "({torch.best:.2f}; Keras {tensorflow.best:.2f}).",
        of_its_momentum,
        lambda n: n.chosen == "one-cycle third 0.3" and n.best.undecided and n.above.above_zero,
    ),
    "restarts-on-mnist": Claim(
        "snapshots",
        "In 6 epochs of MNIST no difference was found between the end of three waves and that of "
        "one cosine (test accuracy: {torch.end:.2f} points in PyTorch, {tensorflow.end:.2f} in "
        "Keras).",
        of_restarts,
        lambda n: n.end.undecided,
    ),
    "snapshots-on-mnist": Claim(
        "snapshots",
        "The vote of all three snapshots changes the accuracy of the last one by {torch.vote:.2f} "
        "points (Keras {tensorflow.vote:.2f}): it is worse on these 10,000 images.",
        of_restarts,
        lambda n: n.vote.below_zero,
    ),
    "restarts-on-cifar10": Claim(
        "snapshots_cifar10",
        "In 3 epochs of CIFAR-10 the end of three waves differs from that of one cosine by "
        "{torch.end:.2f} points, and the vote from that of the last wave by {torch.vote:.2f}: both "
        "are worse.",
        of_restarts,
        lambda n: n.end.below_zero and n.vote.below_zero,
        frameworks=("torch",),
    ),
}
