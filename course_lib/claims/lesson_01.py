"""Lesson 01: the stability edge, and what each of nine fixed rates reaches."""

import math

import numpy as np

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training, real
from course_lib.claims.records import Line
from course_lib.schedules import Schedule, constant

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
CIFAR_RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 1.0, 3.0)

EDGE_IMAGES, EDGE_STEPS = 1_000, 200


def at_edge(ratio: float):
    """Gradient descent on a linear model at `ratio` times 2/L; other images for every seed."""

    def variant(framework: str, seed: int) -> Line:
        data = real("mnist")
        rows = np.random.default_rng([seed, 9]).permutation(len(data.x_train))[:EDGE_IMAGES]
        x = np.float32(data.x_train[rows].reshape(EDGE_IMAGES, -1) / 255)
        y = np.eye(10, dtype=np.float32)[data.y_train[rows]]
        edge = 2 / np.linalg.eigvalsh(2 * np.float64(x).T @ x / y.size)[-1]
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
        from course_lib.trainer_torch import descend
    else:
        from course_lib.trainer_keras import descend
    return descend


EXPERIMENTS = {
    "stability_edge": Experiment(
        title="is 2/L the largest rate at which gradient descent comes down?",
        variants={f"{ratio:g}": at_edge(ratio) for ratio in (0.5, 0.9, 0.99, 1.01, 1.1, 1.5)},
    ),
    "fixed_rates": Experiment(
        title="what does each of nine fixed rates reach in one epoch?",
        variants={
            f"{lr:g}": Training(
                data="mnist",
                model="mlp",
                batch_size=128,
                validation=0.1,
                schedule=lambda epoch, total, lr=lr: Schedule(constant, lr=lr),
            )
            for lr in RATES
        },
    ),
    "fixed_rates_cifar10": Experiment(
        title="what does each of nine fixed rates reach in one epoch of CIFAR-10?",
        frameworks=("torch",),
        variants={
            f"{lr:g}": Training(
                data="cifar10",
                model="cnn",
                batch_size=64,
                validation=0.1,
                schedule=lambda epoch, total, lr=lr: Schedule(constant, lr=lr),
            )
            for lr in CIFAR_RATES
        },
    ),
}

CLAIMS: dict[str, Claim] = {}
