"""Lesson 01: the stability edge, and what each of nine fixed rates reaches."""

import math

import numpy as np

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training, real
from course_lib.claims.records import Line
from course_lib.schedules import Schedule, constant
from course_lib.statistics import gain, mean_of

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CIFAR_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 1.0, 3.0)

EDGE_IMAGES, EDGE_STEPS = 1_000, 200
RATIOS = (0.5, 0.9, 0.99, 1.01, 1.1, 1.5)


def at_edge(ratio: float):
    """Gradient descent on a linear model at `ratio` times 2/L; other images for every seed."""

    def variant(framework: str, seed: int) -> Line:
        data = real("mnist")
        rows = np.random.default_rng([seed, 9]).permutation(len(data.x_train))[:EDGE_IMAGES]
        x = (data.x_train[rows].reshape(EDGE_IMAGES, -1) / 255).astype(np.float32)
        y = np.eye(10, dtype=np.float32)[data.y_train[rows]]
        edge = 2 / np.linalg.eigvalsh(2 * x.astype(np.float64).T @ x / y.size)[-1]
        schedule = Schedule(constant, lr=float(ratio * edge))
        rates, losses = _descend(framework)(schedule, x, y, EDGE_STEPS)
        assert np.allclose(rates, schedule.values(EDGE_STEPS), rtol=1e-7, atol=0)
        return {
            "data": data.title,
            "schedule": repr(schedule),
            "edge": float(f"{edge:.6g}"),
            "updates": EDGE_STEPS,
            "first_loss": float(f"{losses[0]:.6g}"),
            "last_loss": float(f"{losses[-1]:.6g}") if math.isfinite(losses[-1]) else None,
            "falling": losses[-1] < losses[-2],
        }

    return variant


def _descend(framework: str):
    if framework == "torch":
        from course_lib.trainers.in_torch import descend
    else:
        from course_lib.trainers.in_keras import descend
    return descend


def at_rate(lr: float, data: str, model: str, batch_size: int) -> Training:
    """One epoch at a fixed rate."""

    def schedule(epoch: int, total: int) -> Schedule:
        return Schedule(constant, lr=lr)

    return Training(data, model, schedule, batch_size=batch_size, validation=0.1)


EXPERIMENTS = {
    "stability_edge": Experiment(
        title="is 2/L the largest rate at which gradient descent comes down?",
        variants={f"{ratio:g}": at_edge(ratio) for ratio in RATIOS},
    ),
    "fixed_rates": Experiment(
        title="what does each of nine fixed rates reach in one epoch?",
        variants={f"{lr:g}": at_rate(lr, "mnist", "mlp", 128) for lr in RATES},
    ),
    "fixed_rates_cifar10": Experiment(
        title="what does each of nine fixed rates reach in one epoch of CIFAR-10?",
        frameworks=("torch",),
        variants={f"{lr:g}": at_rate(lr, "cifar10", "cnn", 64) for lr in CIFAR_RATES},
    ),
}


def as_the_edge_says(runs: Runs) -> dict:
    """How many runs come down below 2/L, and how many rise above it."""
    wanted = {f"{ratio:g}": ratio < 1 for ratio in RATIOS}
    found = [
        line["falling"] == falls
        for variant, falls in wanted.items()
        for line in runs.lines(variant)
    ]
    return {"right": sum(found), "runs": len(found)}


def of_a_small_rate(runs: Runs) -> dict:
    """What the hundredth part of a good rate costs in one epoch."""
    return {"loss": gain(runs.percent("0.3"), runs.percent("0.003"))}


def around_the_best(runs: Runs) -> dict:
    """The best rate of the grid against the next smaller and the next larger one."""
    best = runs.percent("1")
    return {"above": gain(best, runs.percent("0.3")), "fall": gain(best, runs.percent("3"))}


def beyond_the_cliff(runs: Runs) -> dict:
    """A rate that MNIST likes, on CIFAR-10."""
    rates = [f"{lr:g}" for lr in CIFAR_RATES if lr >= 1]
    lines = [line for rate in rates for line in runs.lines(rate)]
    return {
        "mnist": mean_of(runs.another("fixed_rates").percent("1")),
        "runs": len(lines),
        "diverged": sum(line["diverged"] is not None for line in lines),
        "most": max(each for rate in rates for each in runs.percent(rate).values()),
    }


CLAIMS: dict[str, Claim] = {
    "edge-holds": Claim(
        "stability_edge",
        "On five other sets of 1,000 images, at three rates from 0.5 to 0.99 times 2/L and at "
        "three from 1.01 to 1.5 times, {n.right} of {n.runs} runs fall below the edge and rise "
        "above it.",
        measure=as_the_edge_says,
        holds=lambda n: n.right == n.runs,
    ),
    "small-rate-costs": Claim(
        "fixed_rates",
        "0.003 ends its epoch {n.loss:.1f} points of test accuracy below 0.3.",
        measure=of_a_small_rate,
        holds=lambda n: n.loss.low > 0,
    ),
    "best-beside-cliff": Claim(
        "fixed_rates",
        "On MNIST, 1 ends {n.above:.1f} points of test accuracy above 0.3; 3, the next rate, ends "
        "{n.fall:.0f} points below 1.",
        measure=around_the_best,
        holds=lambda n: n.above.low > 0 and n.fall.low > 50,
    ),
    "cliff-moves": Claim(
        "fixed_rates_cifar10",
        "In PyTorch the rate 1 reaches {n.mnist:.1f} % test accuracy on MNIST; on CIFAR-10, with a "
        "convolutional network, none of the {n.runs} runs at 1 and 3 diverged, and the best of "
        "them has {n.most:.1f} %, which is guessing.",
        measure=beyond_the_cliff,
        holds=lambda n: n.diverged == 0 and n.most < 11 and n.mnist.low > 80,
        frameworks=("torch",),
        also=("fixed_rates",),
    ),
}
