"""Lesson 10: decays that branch off one run at a constant rate: accuracy against budget."""

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.schedules import Schedule, constant, cosine, wsd
from course_lib.statistics import gain

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
            data, model, schedule(kind), batch_size=batch_size, max_updates=steps, momentum=momentum
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


def of_both(runs: Runs) -> dict:
    """The gains over the constant run, and over the cosines (`cosine_short`, ...)."""
    over_cosine = against("cosine")(runs).items()
    return {**against("constant")(runs), **{f"cosine_{name}": each for name, each in over_cosine}}


def every_gain(numbers) -> bool:
    """Whether the gain is above zero at every budget."""
    return all(each.low > 0 for each in vars(numbers).values())


CLAIMS: dict[str, Claim] = {
    "branch-constant": Claim(
        "branches",
        "The cooldown adds {n.short:.2f} points of test accuracy to the constant run of 600 "
        "updates, and {n.long:.2f} to that of 2,400.",
        details="To that of 1,200 it adds {n.middle:.2f}.",
        measure=against("constant"),
        holds=every_gain,
    ),
    "branch-cosine": Claim(
        "branches",
        "The branch also ends above a cosine of its length from the same peak: by {n.short:.2f} "
        "points after 600 updates, by {n.long:.2f} after 2,400.",
        details="After 1,200 it is {n.middle:.2f}.",
        measure=against("cosine"),
        holds=every_gain,
    ),
    "branch-cifar10": Claim(
        "branches_cifar10",
        "On a JPEG copy of CIFAR-10, in PyTorch, all with one peak, the cooldown adds "
        "{n.short:.1f} points to the constant run of 500 updates and {n.long:.1f} to that of "
        "2,000. The branch ends {n.cosine_short:.1f} points above a cosine of 500 updates; at "
        "2,000 no difference was found ({n.cosine_long:.1f}).",
        details="At 1,000 updates the cooldown adds {n.middle:.1f}, and the branch ends "
        "{n.cosine_middle:.1f} above the cosine.",
        measure=of_both,
        holds=lambda n: (
            min(n.short.low, n.middle.low, n.long.low) > 0
            and min(n.cosine_short.low, n.cosine_middle.low) > 0
            and n.cosine_long.undecided
        ),
        frameworks=("torch",),
    ),
}
