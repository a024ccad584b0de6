"""Lesson 02: what decay does to the mean and to the spread, and the two classic examples."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training
from course_lib.schedules import (
    Schedule,
    constant,
    exponential,
    linear,
    per_epoch,
    power,
    step_decay,
)


def constant_or_root(lr: float, root: bool) -> Training:
    def schedule(epoch: int, total: int) -> Schedule:
        if not root:
            return Schedule(constant, lr=lr)
        # lr / sqrt(epoch + 1), the epoch counted from 0
        return Schedule(
            per_epoch, then=Schedule(power, peak_lr=lr, factor=lr, power=0.5), steps_per_epoch=epoch
        )

    return Training("mnist", "mlp", schedule, batch_size=256, epochs=5)


EXPERIMENTS = {
    # The two classics train on all training images (nothing is held out), as they were printed.
    "mnist_classic": Experiment(
        title="the MNIST example of the textbooks, as printed and better",
        variants={
            "printed": Training(
                data="mnist",
                model="mlp_dropout",
                epochs=5,
                batch_size=32,
                losses=True,
                schedule=lambda epoch, total: Schedule(
                    per_epoch,
                    then=Schedule(exponential, lr=0.1, factor=0.95),
                    steps_per_epoch=epoch,
                ),
            ),
            # Peak and length were chosen on held-out training images, with seeds 0 to 2.
            "better": Training(
                data="mnist",
                model="mlp_dropout",
                epochs=3,
                batch_size=32,
                losses=True,
                schedule=lambda epoch, total: Schedule(linear, peak_lr=0.4, total_steps=total),
            ),
            # Larger batches and momentum too: the fewest updates, not the same ones.
            "fast": Training(
                data="mnist",
                model="mlp_dropout",
                epochs=3,
                batch_size=128,
                momentum=0.9,
                losses=True,
                schedule=lambda epoch, total: Schedule(linear, peak_lr=0.3, total_steps=total),
            ),
        },
    ),
    "cifar10_classic": Experiment(
        title="the CIFAR-10 example of the textbooks, as printed and better",
        variants={
            "printed": Training(
                data="cifar10",
                model="cnn",
                epochs=50,
                batch_size=64,
                losses=True,
                schedule=lambda epoch, total: Schedule(
                    per_epoch, then=Schedule(step_decay, lr=0.1, every=30), steps_per_epoch=epoch
                ),
            ),
            "better": Training(
                data="cifar10",
                model="cnn",
                epochs=15,
                batch_size=64,
                losses=True,
                schedule=lambda epoch, total: Schedule(linear, peak_lr=0.1, total_steps=total),
            ),
        },
    ),
    "decay_spread": Experiment(
        title="constant against square-root decay: the mean, and the spread over seeds",
        seeds=20,
        variants={
            f"{shape} {lr:g}": constant_or_root(lr, shape == "root")
            for lr in (0.1, 0.3, 1.0)
            for shape in ("constant", "root")
        },
    ),
}

CLAIMS: dict[str, Claim] = {}
