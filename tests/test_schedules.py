"""The formulas against tables a person can check, and what a wrong schedule says when made."""

import itertools
import json
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import GALLERY, Schedule
from course_lib.schedules import (
    constant,
    cosine,
    exponential,
    join,
    linear,
    multistep,
    per_epoch,
    polynomial,
    step_decay,
    tabulated,
    warmup,
)

# Schedule, steps, the rates expected there: chosen to be recognisable numbers.
GOLDEN = [
    (Schedule(constant, lr=0.3), [0, 1, 10_000], [0.3, 0.3, 0.3]),
    (
        Schedule(linear, peak_lr=1, total_steps=100),
        [0, 25, 50, 99, 100, 500],
        [1, 0.75, 0.5, 0.01, 0, 0],
    ),
    (
        Schedule(linear, peak_lr=1, total_steps=10, final_lr=0.5),
        [0, 5, 10, 11],
        [1, 0.75, 0.5, 0.5],
    ),
    (
        Schedule(polynomial, peak_lr=1, total_steps=10, power=2, final_lr=0.2),
        [0, 5, 10, 99],
        [1, 0.4, 0.2, 0.2],
    ),
    (Schedule(polynomial, peak_lr=1, total_steps=4, power=0.5), [0, 3, 4], [1, 0.5, 0]),
    (
        Schedule(cosine, peak_lr=1, total_steps=60, final_lr=0.5),
        [0, 20, 30, 40, 60, 90, 120],
        [1, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5],  # never climbs again, as torch's does
    ),
    (Schedule(step_decay, lr=1, every=30), [0, 29, 30, 59, 60], [1, 1, 0.1, 0.1, 0.01]),
    (
        Schedule(multistep, lr=1, milestones=[5, 8], factor=0.5),
        [4, 5, 7, 8, 100],  # first used by update 5; Keras's PiecewiseConstantDecay is one later
        [1, 0.5, 0.5, 0.25, 0.25],
    ),
    (Schedule(multistep, lr=1, milestones=()), [0, 9], [1, 1]),
    (Schedule(exponential, lr=1, factor=0.5), [0, 1, 3], [1, 0.5, 0.125]),
    (Schedule(exponential, lr=1, factor=0.25, every=2), [0, 1, 2, 3], [1, 0.5, 0.25, 0.125]),
    (
        Schedule(exponential, lr=1, factor=0.25, every=2, staircase=True),
        [0, 1, 2, 3, 4],
        [1, 1, 0.25, 0.25, 0.0625],
    ),
    (Schedule(tabulated, rates=[3, 1, 2]), [0, 1, 2, 3], [3, 1, 2, 2]),
    (
        Schedule(warmup, then=Schedule(linear, peak_lr=1, total_steps=2), warmup_steps=3),
        [0, 1, 2, 3, 4, 5, 9],
        [0.25, 0.5, 0.75, 1, 0.5, 0, 0],
    ),
    (Schedule(warmup, then=Schedule(constant, lr=1), warmup_steps=0), [0, 1], [1, 1]),
    (
        Schedule(warmup, then=Schedule(constant, lr=1), warmup_steps=3, shape="sqrt"),
        [0, 3],
        [0.5, 1],
    ),
    (
        Schedule(warmup, then=Schedule(constant, lr=1), warmup_steps=3, shape="cosine"),
        [1, 3],
        [0.5, 1],
    ),
    (
        Schedule(
            join,
            parts=[
                Schedule(constant, lr=5),
                Schedule(exponential, lr=1, factor=0.5),
                lambda t: 7 + t,
            ],
            boundaries=[2, 4],
        ),
        [0, 1, 2, 3, 4, 5],
        [5, 5, 1, 0.5, 7, 8],
    ),
    (
        Schedule(per_epoch, then=Schedule(exponential, lr=1, factor=0.5), steps_per_epoch=3),
        [0, 2, 3, 5, 6],
        [1, 1, 0.5, 0.5, 0.25],
    ),
]


@pytest.mark.parametrize("schedule, steps, expected", GOLDEN, ids=lambda value: str(value)[:60])
def test_golden_table(schedule, steps, expected):
    assert [schedule(step) for step in steps] == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", GALLERY)
def test_gallery_entry_is_pure_and_can_be_written_down(name):
    schedule = GALLERY[name]
    forwards = schedule.values(150)
    backwards = [schedule(step) for step in reversed(range(150))]
    assert forwards == backwards[::-1]
    assert all(isinstance(rate, float) and math.isfinite(rate) and rate >= 0 for rate in forwards)
    names = {each.formula.__name__: each.formula for each in GALLERY.values()}
    assert eval(repr(schedule), {**names, "Schedule": Schedule}) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == schedule
    assert Schedule.from_config(json.loads(json.dumps(schedule.to_config()))) == schedule


def test_gallery_has_every_formula_of_the_module():
    from course_lib import schedules

    formulas = {
        name
        for name, value in vars(schedules).items()
        if callable(value)
        and getattr(value, "__module__", "") == schedules.__name__
        and name.islower()
        and not name.startswith("_")
    }
    assert formulas == set(GALLERY)


@given(
    peak=st.floats(1e-6, 10),
    share=st.floats(0, 1),
    total=st.integers(1, 500),
    power=st.floats(0.2, 5),
)
def test_decays_fall_from_peak_to_final_and_stay(peak, share, total, power):
    final = peak * share
    for schedule in (
        Schedule(linear, peak_lr=peak, total_steps=total, final_lr=final),
        Schedule(cosine, peak_lr=peak, total_steps=total, final_lr=final),
        Schedule(polynomial, peak_lr=peak, total_steps=total, final_lr=final, power=power),
    ):
        rates = schedule.values(total + 3)
        assert rates[0] == pytest.approx(peak)
        assert rates[total:] == [final] * 3  # exactly, without a rounding error
        assert all(later <= rate * (1 + 1e-12) for rate, later in itertools.pairwise(rates))


@given(peak=st.floats(1e-6, 10), steps=st.integers(0, 300))
def test_warmup_climbs_to_the_first_rate_of_the_rest(peak, steps):
    for shape in ("linear", "cosine", "sqrt"):
        schedule = Schedule(
            warmup, then=Schedule(constant, lr=peak), warmup_steps=steps, shape=shape
        )
        rates = schedule.values(steps + 2)
        assert rates[steps] == rates[steps + 1] == peak
        assert all(0 < rate < peak for rate in rates[:steps])
        assert rates == sorted(rates)


BAD = [
    (lambda: Schedule(cosine, peak_lr=0.1), TypeError, "cosine needs total_steps"),
    (lambda: Schedule(cosine, peak_lr=0.1, total_step=9), TypeError, "did you mean total_steps"),
    (lambda: Schedule(cosine, peak_lr=-0.1, total_steps=9), ValueError, "peak_lr must be .* -0.1"),
    (
        lambda: Schedule(cosine, peak_lr="0.1", total_steps=9),
        ValueError,
        "peak_lr must be .* '0.1'",
    ),
    (lambda: Schedule(cosine, peak_lr=math.nan, total_steps=9), ValueError, "peak_lr .* nan"),
    (lambda: Schedule(cosine, peak_lr=math.inf, total_steps=9), ValueError, "peak_lr .* inf"),
    (lambda: Schedule(cosine, peak_lr=True, total_steps=9), ValueError, "peak_lr .* True"),
    (lambda: Schedule(cosine, peak_lr=0.1, total_steps=0), ValueError, "total_steps .* got 0"),
    (lambda: Schedule(cosine, peak_lr=0.1, total_steps=468.75), ValueError, "got 468.75"),
    (
        lambda: Schedule(polynomial, peak_lr=1, total_steps=9, power=0),
        ValueError,
        "power .* above 0",
    ),
    (lambda: Schedule(step_decay, lr=1, every=0), ValueError, "every .* at least 1, got 0"),
    (lambda: Schedule(step_decay, lr=1, every=3, factor=-1), ValueError, "factor .* got -1"),
    (lambda: Schedule(multistep, lr=1, milestones=(9, 3)), ValueError, "milestones .* got .9, 3"),
    (lambda: Schedule(multistep, lr=1, milestones=(3, 3)), ValueError, "milestones .* increasing"),
    (lambda: Schedule(multistep, lr=1, milestones=30), ValueError, "milestones .* like .30, 60"),
    (lambda: Schedule(exponential, lr=1, factor=0.5, staircase="yes"), ValueError, "staircase"),
    (lambda: Schedule(tabulated, rates=[]), ValueError, "rates must be one or more numbers"),
    (lambda: Schedule(tabulated, rates=[0.1, None]), ValueError, "rates .* None"),
    (lambda: Schedule(warmup, then=0.1, warmup_steps=3), ValueError, "then must be a schedule"),
    (lambda: Schedule(warmup, then=GALLERY["cosine"], warmup_steps=-1), ValueError, "got -1"),
    (
        lambda: Schedule(warmup, then=GALLERY["cosine"], warmup_steps=3, shape="quick"),
        ValueError,
        "shape must be one of linear, cosine, sqrt, got 'quick'",
    ),
    (
        lambda: Schedule(join, parts=[GALLERY["cosine"]], boundaries=[5]),
        ValueError,
        "boundaries must be one fewer than parts",
    ),
    (lambda: Schedule(join, parts=[], boundaries=[]), ValueError, "parts must be a list"),
    (
        lambda: Schedule(join, parts=[GALLERY["cosine"], 0.1], boundaries=[5]),
        ValueError,
        r"parts\[1\] must be a schedule",
    ),
    (lambda: Schedule(lambda step: None), ValueError, "returned None at step 0"),
    (lambda: Schedule(lambda step: math.nan), ValueError, "returned nan at step 0"),
    (lambda: Schedule("cosine", peak_lr=1), TypeError, "formula must be a function"),
]


@pytest.mark.parametrize("make, error, message", BAD, ids=[message for _, _, message in BAD])
def test_wrong_parameters_are_found_when_the_schedule_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_numpy_numbers_are_as_good_as_pythons():
    ours = Schedule(cosine, peak_lr=np.float32(0.5), total_steps=np.int64(10))
    assert ours == Schedule(cosine, peak_lr=0.5, total_steps=10)
    assert json.dumps(ours.to_config())


def test_a_list_that_changes_later_does_not_change_the_schedule():
    milestones = [5]
    schedule = Schedule(multistep, lr=1, milestones=milestones)
    milestones.append(7)
    assert schedule(9) == pytest.approx(0.1)


def test_a_formula_without_a_name_has_no_config():
    def mine(step, *, lr):
        return lr

    assert Schedule(mine, lr=0.1).to_config() is None
    assert Schedule(warmup, then=Schedule(mine, lr=0.1), warmup_steps=2).to_config() is None
    with pytest.raises(ValueError, match="unknown formula 'mine'; GALLERY has constant"):
        Schedule.from_config({"formula": "mine", "params": {}})


FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "matplotlib", "numpy")
LOADED = f"import sys; print([m for m in {FRAMEWORKS!r} if m in sys.modules])"


def loaded_after(statement):
    code = f"{statement}; {LOADED}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout


def test_importing_the_library_loads_no_framework():
    assert loaded_after("import course_lib") == "[]\n"
    assert loaded_after("import numpy") == "['numpy']\n"  # the test itself can fail
