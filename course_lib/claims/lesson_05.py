"""Lesson 05: a rate at which a cold start fails, and warmups that rescue it."""

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.schedules import Schedule, linear, warmup
from course_lib.training import FRAMEWORKS

STEPS = 400
HOT = 0.4  # with momentum 0.9; chosen with seeds 100 and 101
LENGTHS = (0, 20, 80, 160)
MAP_PEAKS = (0.2, 0.8)  # 0.4 is the other experiment's


def hot(peak: float, length: int) -> Training:
    """`length` updates up to the peak, and a straight line to zero in the rest of the 400."""

    def schedule(epoch: int, total: int) -> Schedule:
        down = Schedule(linear, peak_lr=peak, total_steps=total - length)
        return Schedule(warmup, then=down, warmup_steps=length) if length else down

    return Training("mnist", "cnn", schedule, batch_size=128, max_updates=STEPS, momentum=0.9)


EXPERIMENTS = {
    "warmup_rescue": Experiment(
        title="a rate at which a cold start fails: with warmups of several lengths",
        variants={f"{HOT:g} after {length}": hot(HOT, length) for length in LENGTHS},
        seeds=10,
    ),
    "warmup_map": Experiment(
        title="peak against warmup length: which runs survive?",
        variants={
            f"{peak:g} after {length}": hot(peak, length)
            for peak in MAP_PEAKS
            for length in LENGTHS
        },
        frameworks=("torch",),
    ),
}

LEARNED = 0.5  # test accuracy; no run is anywhere near it


def fates(runs: Runs) -> dict[str, int]:
    """How many runs of each length learn, and how many seeds live with one framework only."""
    learned, counts = {}, {}
    for length in LENGTHS:
        accuracies = runs.of(f"{HOT:g} after {length}", "test_accuracy")
        learned[length] = {seed for seed, accuracy in accuracies.items() if accuracy > LEARNED}
        counts[f"after_{length}"] = len(learned[length])
        counts["n"] = max(counts.get("n", 0), len(accuracies))
    return counts


def differences(runs: Runs) -> dict[str, int]:
    """How many of the recorded pairs of one seed, one in each framework, have different fates."""
    pairs = differing = 0
    for length in LENGTHS:
        both = [
            Runs(runs.experiment, framework, runs.folder).of(
                f"{HOT:g} after {length}", "test_accuracy"
            )
            for framework in FRAMEWORKS
        ]
        for seed in both[0].keys() & both[1].keys():
            pairs += 1
            differing += (both[0][seed] > LEARNED) != (both[1][seed] > LEARNED)
    if not pairs:
        raise ValueError("no seed was run in both frameworks, so there is nothing to pair")
    return {"pairs": pairs, "differing": differing}


CLAIMS: dict[str, Claim] = {
    "cold-start-counts": Claim(
        "warmup_rescue",
        "Started cold, {n.after_0} of {n.n} runs learn.",
        fates,
        lambda n: n.after_0 <= n.n / 2,
    ),
    "warmup-counts": Claim(
        "warmup_rescue",
        "After 20, 80 and 160 updates of warmup there are {n.after_20}, {n.after_80} and "
        "{n.after_160}: 20 updates help no more often than they harm; after 160 hardly any run "
        "is lost.",
        fates,
        lambda n: (
            n.after_20 <= n.after_0
            and n.after_160 >= n.after_80 > n.after_20
            and n.after_160 >= 0.8 * n.n
        ),
    ),
    "fate": Claim(
        "warmup_rescue",
        "Of {torch.pairs} pairs with the same seed and the same warmup, one run in each framework, "
        "{torch.differing} differ, though the two begin with equal losses.",
        differences,
        lambda n: 0 < n.differing < n.pairs / 4,
    ),
}
