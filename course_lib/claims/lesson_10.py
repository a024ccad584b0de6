"""Lesson 10: decays that branch off one run at a constant rate: accuracy against budget."""

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.statistics import gain, mean_of, sampling_error
from course_lib.schedules import Schedule, constant, cosine, wsd

# In updates. A run under `wsd` is, until its cooldown, the constant run: the same seed, the same
# weights (lesson 10 asserts it). So the three are branches of one run.
BUDGETS = (600, 1_200, 2_400)
COOLDOWN = 0.2  # of the budget


def at(data: str, model: str, batch_size: int, momentum: float, lr: float, budgets=BUDGETS):
    """The constant run measured at each budget, its branch that ends there, and a cosine."""

    def schedule(kind: str):
        def of(epoch: int, total: int) -> Schedule:
            if kind == "constant":
                return Schedule(constant, lr=lr)
            if kind == "cosine":
                return Schedule(cosine, peak_lr=lr, total_steps=total)
            length = round(COOLDOWN * total)
            steps = dict(total_steps=total, warmup_steps=0, cooldown_steps=length)
            return Schedule(wsd, peak_lr=lr, shape="1-sqrt", **steps)

        return of

    return {
        f"{kind} {steps}": Training(
            data, model, schedule(kind), batch_size=batch_size, steps=steps, momentum=momentum
        )
        for steps in budgets
        for kind in ("constant", "branch", "cosine")
    }


EXPERIMENTS = {
    "branches": Experiment(
        title="decays that branch off one constant run, against a cosine of each length",
        variants=at("mnist", "mlp", 128, 0.9, 0.1),
    ),
    "branches_cifar10": Experiment(
        title="decays that branch off one constant run, CIFAR-10",
        variants=at("cifar10", "cnn", 64, 0.9, 0.02, (500, 1_000, 2_000)),
        frameworks=("torch",),
    ),
}


def against(other: str):
    """Points of test accuracy of the branch over another schedule, at each budget: short, middle,
    long."""

    def measure(runs: Runs) -> dict:
        budgets = sorted({int(variant.split()[1]) for variant in runs.variants()})
        gains = (
            gain(runs.percent(f"branch {budget}"), runs.percent(f"{other} {budget}"))
            for budget in budgets
        )
        return dict(zip(("short", "middle", "long"), gains))

    return measure


def images(runs: Runs) -> dict:
    """The sampling error at the accuracies of the branches, beside their largest gain."""
    longest = max(int(variant.split()[1]) for variant in runs.variants())
    reached = mean_of(runs.percent(f"branch {longest}")).value
    gains = [each.value for each in against("constant")(runs).values()]
    return {"error": 100 * sampling_error(reached / 100), "gain": max(gains)}


CLAIMS: dict[str, Claim] = {}
