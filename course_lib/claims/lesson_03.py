"""Lesson 03: one drop of the rate under PyTorch's form of momentum and under Keras's."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.records import Line
from course_lib.schedules import Schedule, multistep

DROP, AFTER = 400, 20


def drop_under(optimizer: str):
    """600 updates with momentum; at update 400 the rate falls to a tenth. Kept: the mean training
    loss of the 20 updates before the drop, of the 20 after it, and of the 20 after those."""
    training = Training(
        "mnist",
        "mlp",
        lambda epoch, total: Schedule(multistep, lr=0.2, milestones=(DROP,)),
        batch_size=128,
        steps=600,
        momentum=0.9,
        optimizer=optimizer,
    )

    def variant(framework: str, seed: int) -> Line:
        run = training.train(framework, seed)
        means = {
            name: sum(run.loss[start : start + AFTER]) / AFTER
            for name, start in (
                ("before", DROP - AFTER),
                ("after", DROP),
                ("later", DROP + AFTER),
            )
        }
        return {**training.line(run), **{f"loss_{k}": float(f"{v:.5g}") for k, v in means.items()}}

    return variant


EXPERIMENTS = {
    "momentum_drop": Experiment(
        title="a drop of the rate: PyTorch's form of momentum in both frameworks",
        variants={"torch form": drop_under("sgd")},
        seeds=10,
    ),
    "momentum_drop_keras": Experiment(
        title="a drop of the rate: Keras's own form of momentum",
        variants={"keras form": drop_under("keras_sgd")},
        seeds=10,
        frameworks=("tensorflow",),
    ),
}

CLAIMS: dict[str, Claim] = {}
