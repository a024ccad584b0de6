"""Lesson 12: the board of a fixed budget; methods without a plan, and plans that know the end."""

from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.lesson_11 import schedule as of_kind
from course_lib.schedules import Schedule, constant, linear
from course_lib.statistics import gain

BUDGET, PEAK = 250, 0.05  # one peak for all, tuned for none
BOARD = ("constant", "step", "linear", "cosine", "one_cycle", "wsd")

STEPS = 400
RATES = {
    "adamw constant": (0.001, 0.0017, 0.003, 0.0055, 0.01, 0.017, 0.03),
    "adamw linear": (0.001, 0.003, 0.0055, 0.01, 0.017, 0.03, 0.055),
    "schedule-free": (0.003, 0.01, 0.017, 0.03, 0.055, 0.1),
}
COARSE = (0.001, 0.003, 0.01, 0.03, 0.1)  # what a grid of factors of about 3 has of them


def plan(shape: str, lr: float, optimizer: str) -> Training:
    """400 updates at `lr`, or from `lr` in a straight line to zero."""

    def schedule(epoch: int, total: int) -> Schedule:
        if shape == "linear":
            return Schedule(linear, peak_lr=lr, total_steps=total)
        return Schedule(constant, lr=lr)

    return Training(
        "mnist",
        "mlp",
        schedule,
        batch_size=128,
        max_updates=STEPS,
        optimizer=optimizer,
        validation=0.1,
    )


def entry(kind: str) -> Training:
    """What the board has of a schedule of lesson 11."""
    return Training(
        "cifar10",
        "cnn",
        lambda epoch, total: of_kind(kind, PEAK, total),
        batch_size=64,
        max_updates=BUDGET,
        momentum=0.9,
        validation=0.1,
    )


def optimizer_of(method: str) -> str:
    """What `fit` calls the optimizer of a method."""
    return "schedule_free" if method == "schedule-free" else method.split()[0]


EXPERIMENTS = {
    "board_cifar10": Experiment(
        title="the course's entries for a budget of 250 updates of CIFAR-10, peaks not tuned",
        variants={kind: entry(kind) for kind in BOARD},
        frameworks=("torch",),
    ),
    "without_plan": Experiment(
        title="schedule-free AdamW against AdamW at a fixed rate and under a straight line to zero",
        seeds=10,
        variants={
            f"{method} {lr:g}": plan(method.split()[-1], lr, optimizer_of(method))
            for method, rates in RATES.items()
            for lr in rates
        },
    ),
    "prodigy": Experiment(
        title="Prodigy, which finds its own rate: with a fixed factor and with a straight line",
        seeds=10,
        variants={
            f"prodigy {shape}": plan(shape, 1.0, "prodigy") for shape in ("constant", "linear")
        },
        frameworks=("torch",),
    ),
}


def tuned(runs: Runs, method: str, among: tuple[float, ...] | None = None) -> dict[int, float]:
    """Test accuracy in per cent of each seed, at the rate whose mean held-out loss is lowest; with
    `among`, of these rates only."""
    rates = [lr for lr in RATES[method] if among is None or lr in among]
    return runs.percent(runs.tuned(f"{method} {lr:g}" for lr in rates))


def against(method: str):
    """Schedule-free against another method, each at its best rate, of all and of a coarse grid."""

    def measure(runs: Runs):
        found = {"gain": None, "coarse": COARSE}
        return {
            name: gain(tuned(runs, "schedule-free", among), tuned(runs, method, among))
            for name, among in found.items()
        }

    return measure


def of_prodigy(runs: Runs):
    """Prodigy with a straight line on top, against itself and against tuned AdamW."""
    line = runs.percent("prodigy linear")
    plain = runs.percent("prodigy constant")
    adamw = tuned(runs.another("without_plan"), "adamw linear")
    return {"gain": gain(line, plain), "behind": gain(adamw, line)}


CLAIMS: dict[str, Claim] = {
    "schedule-free-fixed": Claim(
        "without_plan",
        "MNIST, 400 updates: schedule-free AdamW at its best of six rates ends {n.gain:.2f} points "
        "above AdamW at its best fixed rate of seven.",
        against("adamw constant"),
        lambda n: n.gain.above_zero,
    ),
    "schedule-free-line": Claim(
        "without_plan",
        "Between it and AdamW under a straight line to zero, at the best of seven peaks, no "
        "difference was found ({n.gain:.2f} points); on grids of factors of about 3 it had seemed "
        "{n.coarse:.2f} points ahead.",
        against("adamw linear"),
        lambda n: n.gain.undecided and n.coarse.above_zero,
    ),
    "prodigy-line": Claim(
        "prodigy",
        "Prodigy, whose rate nobody tuned, gains {torch.gain:.2f} points when a straight line "
        "is added, and ends {torch.behind:.2f} points below the tuned AdamW with one (PyTorch).",
        of_prodigy,
        lambda n: n.gain.above_zero and n.behind.above_zero,
        frameworks=("torch",),
        also=("without_plan",),
    ),
}
