"""Lesson 07: what the range test suggests, seed by seed."""

from course_lib.claims.claim import Claim
from course_lib.claims.experiments import Experiment, real
from course_lib.claims.records import Line
from course_lib.lr_finder import find_lr

METHODS = ("steepest", "valley", "slide", "minimum")


def sweep(data: str, model: str, batch_size: int):
    def variant(framework: str, seed: int) -> Line:
        found = find_lr(
            model=model,
            data=real(data),
            framework=framework,
            start_lr=1e-4,
            end_lr=30.0,
            steps=100,
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
    "finder_spread_cifar10": Experiment(
        title="what does the range test suggest on CIFAR-10, over ten seeds?",
        variants={"cifar10 cnn": sweep("cifar10", "cnn", 64)},
        seeds=10,
        frameworks=("torch",),
    ),
}

CLAIMS: dict[str, Claim] = {}
