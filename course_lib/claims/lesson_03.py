"""Lesson 03: one drop of the rate under PyTorch's form of momentum and under Keras's."""

from typing import Any

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.records import Line
from course_lib.schedules import Schedule, multistep
from course_lib.statistics import gain

DROP, AFTER = 400, 20


def drop_under(optimizer: str):
    """600 updates with momentum; at update 400 the rate falls to a tenth. Kept: the mean training
    loss of the 20 updates before the drop, of the 20 after it, and of the 20 after those."""
    training = Training(
        "mnist",
        "mlp",
        lambda epoch, total: Schedule(multistep, lr=0.2, milestones=(DROP,)),
        batch_size=128,
        max_updates=600,
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


def forms(runs: Runs) -> dict[str, Any]:
    """Keras's own form against PyTorch's form in Keras: the same seeds, batches and rates."""
    torch_form = runs.another("momentum_drop")

    def change(runs: Runs, variant: str) -> Any:
        return gain(runs.of(variant, "loss_after"), runs.of(variant, "loss_before"))

    return {
        "own": change(runs, "keras form"),
        "other": change(torch_form, "torch form"),
        "later": gain(
            runs.of("keras form", "loss_later"), torch_form.of("torch form", "loss_later")
        ),
        "end": gain(runs.percent("keras form"), torch_form.percent("torch form")),
    }


CLAIMS = {
    "momentum-jump": Claim(
        "momentum_drop_keras",
        "From the 20 updates before the drop to the 20 after it, the training loss *rises* by "
        "{tensorflow.own:.3f} in Keras's form, and changes by {tensorflow.other:.3f} in PyTorch's "
        "form on the same seeds.",
        forms,
        lambda n: n.own.above_zero and n.other.below_zero,
        frameworks=("tensorflow",),
        also=("momentum_drop",),
    ),
    "momentum-end": Claim(
        "momentum_drop_keras",
        "In the 20 updates after those, Keras's form is still higher, by {tensorflow.later:.3f}; "
        "in the test accuracy at update 600 no difference is found ({tensorflow.end:.2f} points).",
        forms,
        lambda n: n.later.above_zero and n.end.undecided,
        frameworks=("tensorflow",),
        also=("momentum_drop",),
    ),
}
