"""Claims and the records behind them.

A sentence of the course with a number or an ordering that no cell shows is a `Claim`: its numbers
come from a record, `records/NAME.jsonl`, and a test says whether it holds. A record holds the runs
of an `Experiment`, one line per variant, framework and seed, each with what it was made with.

    lr-course reproduce                      lists the claims and the experiments
    lr-course reproduce CLAIM                makes the runs again, and says whether it still holds
"""

from importlib import import_module
from pathlib import Path

from course_lib.claims import records
from course_lib.claims.claim import Claim, Runs
from course_lib.claims.experiments import Experiment, Training
from course_lib.claims.records import RECORDS, Line
from course_lib.formulas.parameters import Choice
from course_lib.statistics import (
    Estimate,
    gain,
    mean_interval,
    mean_of,
    sampling_error,
    spread_ratio,
)

__all__ = [
    "CLAIMS",
    "EXPERIMENTS",
    "RECORDS",
    "Claim",
    "Estimate",
    "Experiment",
    "Runs",
    "Training",
    "gain",
    "mean_interval",
    "mean_of",
    "record",
    "sampling_error",
    "say",
    "spread_ratio",
]

# One file per lesson that has any; a new one is found by its name.
LESSONS = sorted(path.stem for path in Path(__file__).parent.glob("lesson_[0-9][0-9].py"))

EXPERIMENTS: dict[str, Experiment] = {}
CLAIMS: dict[str, Claim] = {}
for _lesson in LESSONS:
    _module = import_module(f"course_lib.claims.{_lesson}")
    EXPERIMENTS.update(_module.EXPERIMENTS)
    CLAIMS.update(_module.CLAIMS)


def record(name: str, *, folder: Path = RECORDS) -> list[Line]:
    """The recorded runs of an experiment, one dict each, by variant, framework and seed."""
    Choice(tuple(EXPERIMENTS)).check("name", name)
    lines = records.read(name, folder)
    if not lines:
        raise FileNotFoundError(f"there is no record of {name}; run: lr-course reproduce {name}")
    order = {variant: place for place, variant in enumerate(EXPERIMENTS[name].variants)}
    # A variant that is no longer among the experiment's stays readable, at the end.
    return sorted(
        lines, key=lambda x: (order.get(x["variant"], len(order)), x["framework"], x["seed"])
    )


def say(id: str) -> str:
    """The sentence of a claim, with the numbers of its record."""
    Choice(tuple(CLAIMS)).check("id", id)
    return CLAIMS[id].text()
