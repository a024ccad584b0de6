"""Lesson 06: how often a plateau rule cuts while the loss is still falling."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, Training, real
from course_lib.claims.records import Line
from course_lib.schedules import Schedule, constant

EVERY = 25  # updates between two measurements
SMALL = 500  # images of the noisy measurement


def watched(framework: str, seed: int) -> Line:
    """A small fixed rate, at which the loss falls all the way; every 25 updates it is measured on
    500 images of their own for every seed (`noisy`) and on 5,000 (`steady`)."""
    training = Training(
        "mnist",
        "mlp",
        lambda epoch, total: Schedule(constant, lr=0.05),
        batch_size=32,
        steps=2_000,
        validation=0.1,
    )
    data = real("mnist")
    import numpy as np

    # The same rows that `fit` holds out: the end of its permutation decides, so it is drawn again.
    held_out = np.sort(np.random.default_rng(0).permutation(len(data.x_train))[:6_000])
    rows = np.random.default_rng([seed, 7]).permutation(held_out)
    images, labels = data.x_train[..., np.newaxis], data.y_train.astype(np.int64)
    noisy: list[float] = []
    steady: list[float] = []

    def watch(done, trainer):
        if done % EVERY == 0:
            for losses, part in ((noisy, rows[:SMALL]), (steady, rows[1_000:])):
                losses.append(float(f"{trainer.evaluate(images[part], labels[part])[0]:.4g}"))

    run = training.train(framework, seed, watch=watch)
    return {**training.line(run), "noisy": noisy, "steady": steady}


EXPERIMENTS = {
    "plateau_noise": Experiment(
        title="how often does a plateau rule cut while the loss is still falling?",
        variants={"watched": watched},
        seeds=10,
    ),
}

CLAIMS: dict[str, Claim] = {}
