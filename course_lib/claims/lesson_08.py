"""Lesson 08: one-cycle at a third of the budget, restarts and snapshots."""

from dataclasses import replace
from statistics import fmean

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
from course_lib.statistics import gain, sampling_error

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
        variants=budgets("mnist", "mlp", 128, 0.9, (0.05, 0.1, 0.2, 0.3, 0.5, 1.0), 6),
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
        "noise": 100 * sampling_error(fmean(last.values()) / 100),
    }


KINDS = ("cosine", "cosine third", "one-cycle third")


def of_a_third(runs: Runs) -> dict:
    """One-cycle in a third of the epochs, against a cosine as short and against the long one."""
    long, short, cycle = (runs.percent(tuned(runs, kind)) for kind in KINDS)
    return {
        "short": gain(cycle, short),
        "long": gain(cycle, long),
        "noise": 100 * sampling_error(fmean(cycle.values()) / 100),
    }


def of_the_peaks(runs: Runs) -> dict:
    """The peaks that tuning chose, one if all three chose alike, and the grid that it had."""
    grid = {float(variant.rpartition(" ")[2]) for variant in runs.variants()}
    chosen = {float(tuned(runs, kind).rpartition(" ")[2]) for kind in KINDS}
    return {"peaks": len(grid), "lowest": min(chosen), "largest": max(grid)}


CLAIMS: dict[str, Claim] = {
    "one-cycle-against-a-short-cosine": Claim(
        "one_cycle_third",
        "In 2 epochs of MNIST no difference was found between the test accuracies of one-cycle and "
        "of a cosine, each at the best of three peaks ({torch.short:.2f} points in PyTorch, "
        "{tensorflow.short:.2f} in Keras).",
        of_a_third,
        lambda n: n.short.undecided,
    ),
    "one-cycle-against-a-long-cosine": Claim(
        "one_cycle_third",
        "A cosine over 6 epochs stays ahead: one-cycle over 2 differs from it by {torch.long:.2f} "
        "points (Keras {tensorflow.long:.2f}; another 10,000 test images would move one accuracy "
        "by about {torch.noise:.2f}).",
        of_a_third,
        lambda n: n.long.below_zero,
    ),
    "one-cycle-on-cifar10": Claim(
        "one_cycle_third_cifar10",
        "On CIFAR-10, with one epoch against three, it is the same: {torch.short:.1f} points "
        "against the short cosine, no difference found, and {torch.long:.1f} against the long one.",
        of_a_third,
        lambda n: n.short.undecided and n.long.below_zero,
        frameworks=("torch",),
    ),
    "one-cycle-peaks": Claim(
        "one_cycle_third",
        "On MNIST all three did best at the largest of the {torch.peaks} peaks tried, "
        "{torch.lowest:g} (Keras {tensorflow.lowest:g}).",
        of_the_peaks,
        lambda n: n.lowest == n.largest,
    ),
    "one-cycle-peaks-on-cifar10": Claim(
        "one_cycle_third_cifar10",
        "So they did on CIFAR-10, at {torch.lowest:g} of only {torch.peaks}.",
        of_the_peaks,
        lambda n: n.lowest == n.largest,
        frameworks=("torch",),
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
        "points (Keras {tensorflow.vote:.2f}): it is worse on these 10,000 images, though another "
        "10,000 would move either by about {torch.noise:.2f}.",
        of_restarts,
        lambda n: n.vote.below_zero,
    ),
    "restarts-on-cifar10": Claim(
        "snapshots_cifar10",
        "In 3 epochs of CIFAR-10 the end of three waves differs from that of one cosine by "
        "{torch.end:.2f} points, and the vote from that of the last wave by {torch.vote:.2f}: both "
        "are worse (another 10,000 test images would move one accuracy by about "
        "{torch.noise:.2f}).",
        of_restarts,
        lambda n: n.end.below_zero and n.vote.below_zero,
        frameworks=("torch",),
    ),
}
