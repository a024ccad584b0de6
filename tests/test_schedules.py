"""The formulas against tables a person can check, and what a wrong schedule says when made."""

import inspect
import itertools
import math
import pickle
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import GALLERY, Schedule
from course_lib.formulas.parameters import describe, nearest
from course_lib.schedules import (
    batch_scaled,
    constant,
    constant_factor,
    cosine,
    cosine_power,
    cosine_restarts,
    exponential,
    flat_cosine,
    inverse_sqrt,
    inverse_time,
    join,
    k_decay,
    knee,
    lambda_lr,
    layerwise,
    linear,
    linear_ramp,
    multiplicative,
    multistep,
    natural_exponential,
    noam,
    one_cycle,
    one_cycle_momentum,
    per_epoch,
    piecewise_constant,
    piecewise_linear,
    polynomial,
    power,
    product,
    restart,
    rex,
    scale,
    slanted_triangular,
    step_decay,
    tabulated,
    tanh,
    tri_stage,
    triangular,
    warmup,
    wsd,
)
from course_lib.written import code, read_schedule

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
        Schedule(
            warmup, then=Schedule(constant, lr=1), warmup_steps=4, shape="sqrt", start_factor=0.2
        ),
        [0, 1, 4],
        [0.2, 0.6, 1],
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
    (Schedule(constant_factor, lr=1, hold_steps=3, factor=0.5), [0, 2, 3, 99], [0.5, 0.5, 1, 1]),
    (Schedule(constant_factor, lr=1, hold_steps=0), [0], [1]),
    (
        Schedule(linear_ramp, lr=2, total_steps=4, start_factor=0.5, end_factor=1.5),
        [0, 2, 4, 9],
        [1, 2, 3, 3],
    ),
    (
        Schedule(piecewise_constant, rates=(3, 1, 2), milestones=(5, 8)),
        [0, 4, 5, 7, 8, 99],
        [3, 3, 1, 1, 2, 2],
    ),
    (
        Schedule(piecewise_linear, knots=(2, 4, 8), rates=(1, 3, 1)),
        [0, 2, 3, 4, 6, 8, 99],
        [1, 1, 2, 3, 2, 1, 1],
    ),
    (Schedule(piecewise_linear, knots=(3,), rates=(1,)), [0, 3, 9], [1, 1, 1]),
    (
        Schedule(natural_exponential, lr=1, factor=math.log(2), every=2),
        [0, 1, 2, 4],
        [1, math.sqrt(0.5), 0.5, 0.25],
    ),
    (
        Schedule(natural_exponential, lr=1, factor=math.log(2), every=2, staircase=True),
        [0, 1, 2, 3, 4],
        [1, 1, 0.5, 0.5, 0.25],
    ),
    (Schedule(inverse_time, lr=1, factor=0.5), [0, 2, 6], [1, 0.5, 0.25]),
    (Schedule(inverse_time, lr=1, factor=1, every=4), [0, 4, 12], [1, 0.5, 0.25]),
    (Schedule(power, peak_lr=1, factor=8, power=0.5), [0, 63, 255], [1, 1, 0.5]),
    (
        Schedule(power, peak_lr=1, factor=8, power=0.5, examples_per_step=4),
        [0, 15, 63],
        [1, 1, 0.5],
    ),
    (
        # Keras's documented saw-tooth: it does not return to the peak.
        Schedule(polynomial, peak_lr=1, total_steps=10, power=1, final_lr=0.1, cycle=True),
        [0, 10, 11, 20, 21],
        [1, 0.1, 0.505, 0.1, 0.37],
    ),
    (
        Schedule(cosine_power, peak_lr=1, total_steps=60, power=2, final_lr=0),
        [0, 20, 30, 40, 60, 99],
        [1, 0.5625, 0.25, 0.0625, 0, 0],
    ),
    (
        Schedule(k_decay, peak_lr=1, total_steps=6, k=2),
        [0, 6, 7],
        [1, 0, 0],
    ),
    (Schedule(k_decay, peak_lr=1, total_steps=100, k=0.5), [25], [0.5]),
    (
        Schedule(tanh, peak_lr=3, total_steps=9, final_lr=1, lower=6, upper=3),
        [0, 6, 9, 10],
        [1 + (1 + math.tanh(6)), 2, 1, 1],
    ),
    (
        Schedule(rex, peak_lr=3, total_steps=4, final_lr=0),
        [0, 2, 3, 4, 5],
        [3, 2, 1.2, 0, 0],
    ),
    (
        Schedule(restart, then=Schedule(exponential, lr=1, factor=0.5), cycle_steps=3),
        [0, 2, 3, 5, 6],
        [1, 0.25, 1, 0.25, 1],
    ),
    (
        Schedule(cosine_restarts, peak_lr=1, cycle_steps=10, cycle_factor=3),
        # At exact restarts a logarithm is off by one: these are the steps where torch's is.
        [0, 5, 10, 25, 40, 1210, 295240],
        [1, 0.5, 1, 0.5, 1, 1, 1],
    ),
    (
        Schedule(cosine_restarts, peak_lr=1, cycle_steps=4, peak_factor=0.5, final_lr=0.2),
        [0, 2, 4, 6, 8],
        [1, 0.6, 0.5, 0.35, 0.25],
    ),
    (
        Schedule(cosine_restarts, peak_lr=1, cycle_steps=3, cycle_factor=3, warmup_steps=1),
        [0, 1, 2, 3, 4, 8, 12],
        [0.5, 1, 0.5, 0.5, 1, 0.5, 0.5],
    ),
    (
        Schedule(cosine_restarts, peak_lr=1, cycle_steps=4, cycle_factor=1.5),
        [4, 7, 10],
        [1, 0.5, 1],
    ),
    (
        Schedule(triangular, base_lr=1, peak_lr=3, half_cycle_steps=2),
        [0, 1, 2, 3, 4, 6, 8],
        [1, 2, 3, 2, 1, 3, 1],
    ),
    (
        Schedule(triangular, base_lr=1, peak_lr=3, half_cycle_steps=2, mode="triangular2"),
        [2, 4, 6, 10],
        [3, 1, 2, 1.5],
    ),
    (
        Schedule(
            triangular, base_lr=0, peak_lr=1, half_cycle_steps=1, mode="exp_range", factor=0.5
        ),
        [0, 1, 2, 3, 5],
        [0, 0.5, 0, 0.125, 0.03125],
    ),
    (
        Schedule(triangular, base_lr=0, peak_lr=1, half_cycle_steps=1, down_steps=4),
        [0, 1, 3, 5, 6],
        [0, 1, 0.5, 0, 1],
    ),
    (
        Schedule(
            triangular,
            base_lr=1,
            peak_lr=3,
            half_cycle_steps=1,
            mode="triangular2",
            down_steps=2,
        ),
        [1, 2, 3, 4, 5, 7],
        [3, 2, 1, 2, 1.5, 1.5],
    ),
    (
        Schedule(triangular, base_lr=0.95, peak_lr=0.85, half_cycle_steps=2),  # of a momentum
        [0, 2, 4],
        [0.95, 0.85, 0.95],
    ),
    (
        Schedule(one_cycle, peak_lr=1, total_steps=101, warmup_fraction=51 / 101, final_factor=4),
        [0, 25, 50, 75, 100, 101, 999],
        [0.04, 0.52, 1, 0.505, 0.01, 0.01, 0.01],
    ),
    (
        Schedule(
            one_cycle,
            peak_lr=1,
            total_steps=10,
            warmup_fraction=0.4,
            start_factor=4,
            final_factor=5,
            anneal="linear",
            three_phase=True,
        ),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        [0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25, 0.25 - 0.2 / 3, 0.25 - 0.4 / 3, 0.05, 0.05],
    ),
    (Schedule(one_cycle, peak_lr=1, total_steps=10, warmup_fraction=0.1), [0], [1]),  # torch: 0 / 0
    (Schedule(one_cycle, peak_lr=1, total_steps=5, warmup_fraction=1), [0, 4, 9], [0.04, 1, 1]),
    (Schedule(one_cycle, peak_lr=1, total_steps=1), [0, 1], [4e-6, 4e-6]),
    (
        Schedule(one_cycle_momentum, total_steps=10, anneal="linear"),
        [0, 1, 2, 9, 10],
        [0.95, 0.9, 0.85, 0.95, 0.95],
    ),
    (
        Schedule(one_cycle_momentum, total_steps=10, warmup_fraction=0.4, three_phase=True),
        [0, 3, 6, 8, 9],
        [0.95, 0.85, 0.95, 0.95, 0.95],
    ),
    (Schedule(noam, model_size=16, warmup_steps=4), [0, 1, 3, 15], [1 / 32, 1 / 16, 1 / 8, 1 / 16]),
    (Schedule(noam, model_size=16, warmup_steps=4, scale=2), [3], [1 / 4]),
    (
        Schedule(inverse_sqrt, peak_lr=1, warmup_steps=4),
        [0, 3, 4, 16, 64],
        [0.2, 0.8, 1, 0.5, 0.25],
    ),
    (
        Schedule(inverse_sqrt, peak_lr=1, warmup_steps=0, timescale=10),
        [0, 30, 150],
        [1, 0.5, 0.25],
    ),
    (
        Schedule(wsd, peak_lr=1, total_steps=20, warmup_steps=4, cooldown_steps=8, final_lr=0.2),
        [0, 3, 4, 12, 16, 20, 99],
        [0.2, 0.8, 1, 1, 0.6, 0.2, 0.2],
    ),
    (
        Schedule(wsd, peak_lr=1, total_steps=8, warmup_steps=0, cooldown_steps=4, shape="1-sqrt"),
        [0, 4, 5, 8],
        [1, 1, 0.5, 0],
    ),
    (
        Schedule(wsd, peak_lr=1, total_steps=6, warmup_steps=0, cooldown_steps=6, shape="cosine"),
        [0, 2, 3, 4, 6],
        [1, 0.75, 0.5, 0.25, 0],
    ),
    (
        Schedule(
            wsd, peak_lr=1, total_steps=4, warmup_steps=0, cooldown_steps=2, shape="exponential"
        ),
        [2, 3, 4],
        [1, math.sqrt(2) - 1, 0],
    ),
    (
        Schedule(wsd, peak_lr=1, total_steps=4, warmup_steps=4, cooldown_steps=0),
        [0, 3, 4, 9],
        [0.2, 0.8, 0, 0],
    ),
    (
        Schedule(flat_cosine, peak_lr=1, total_steps=20, flat_fraction=0.4, final_lr=0.5),
        [0, 8, 12, 14, 16, 20, 21],
        [1, 1, 0.875, 0.75, 0.625, 0.5, 0.5],
    ),
    (Schedule(flat_cosine, peak_lr=1, total_steps=5, flat_fraction=1), [4, 5], [1, 0]),
    (
        Schedule(knee, peak_lr=1, total_steps=10, warmup_steps=3, explore_steps=3),
        [0, 2, 3, 6, 8, 10],
        [0.25, 0.75, 1, 1, 0.5, 0],
    ),
    (
        Schedule(slanted_triangular, peak_lr=1, total_steps=100, ratio=5),
        [0, 5, 10, 55, 100, 999],
        [0.2, 0.6, 1, 0.6, 0.2, 0.2],
    ),
    (
        Schedule(
            tri_stage, peak_lr=1, warmup_steps=4, hold_steps=2, decay_steps=4, final_lr=0.0001
        ),
        [0, 2, 4, 6, 8, 10, 99],
        [0.01, 0.505, 1, 1, 0.01, 0.0001, 0.0001],
    ),
    (
        Schedule(
            product,
            parts=[Schedule(constant, lr=4), Schedule(linear, peak_lr=1, total_steps=4)],
        ),
        [0, 1, 2, 4],
        [4, 3, 2, 0],
    ),
    (Schedule(scale, then=Schedule(linear, peak_lr=1, total_steps=4), factor=2), [1], [1.5]),
    (Schedule(layerwise, then=lambda t: 8 - t, layer=1, layers=4, factor=0.5), [0, 4], [2, 1]),
    (Schedule(batch_scaled, then=Schedule(constant, lr=0.1), batch_size=512), [0], [0.2]),
    (
        Schedule(batch_scaled, then=Schedule(constant, lr=0.1), batch_size=1024, rule="sqrt"),
        [0],
        [0.2],
    ),
    (Schedule(lambda_lr, lr=0.5, factor=lambda t: 1 / (1 + t)), [0, 1, 4], [0.5, 0.25, 0.1]),
    (
        # The factor of update 0 is never asked for, as in torch.
        Schedule(multiplicative, lr=6, factor=lambda t: 1 / t),
        [3, 0, 1, 2],
        [1, 6, 6, 3],
    ),
    (
        Schedule(warmup, then=Schedule(constant, lr=1), warmup_steps=4, start_factor=0),
        [0, 1, 4],
        [0, 0.25, 1],
    ),
    (
        Schedule(warmup, then=Schedule(constant, lr=1), warmup_steps=4, shape="constant"),
        [0, 3, 4],
        [0.1, 0.1, 1],
    ),
    (
        Schedule(warmup, then=Schedule(constant, lr=1), warmup_steps=3, shape="exponential"),
        [0, 3],
        [0.25, 1],
    ),
    (
        Schedule(
            warmup,
            then=Schedule(constant, lr=1),
            warmup_steps=4,
            shape="exponential",
            start_factor=0.01,
        ),
        [0, 2, 4],
        [0.01, 0.1, 1],
    ),
]


@pytest.mark.parametrize(
    "schedule, steps, expected", GOLDEN, ids=lambda each: str(each).partition(" at 0x")[0][:60]
)
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
    assert read_schedule(code(schedule)) == schedule


def test_gallery_has_every_formula_of_the_module():
    from course_lib import schedules
    from course_lib.formulas import combined, cycles, decays, warmups

    formulas = {
        value
        for module in (decays, warmups, cycles, combined)
        for name, value in vars(module).items()
        if inspect.isfunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    assert formulas == {schedule.formula for schedule in GALLERY.values()}
    assert all(getattr(schedules, each.__name__) is each for each in formulas)


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
    for shape in ("linear", "exponential", "cosine", "sqrt"):
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
    (  # optax's way, and of a set: the order is that of the hashes
        lambda: Schedule(multistep, lr=1, milestones={30: 0.5, 60: 0.1}),
        ValueError,
        "milestones must be increasing .* got {30: 0.5, 60: 0.1}",
    ),
    (lambda: Schedule(multistep, lr=1, milestones={50, 75}), ValueError, "milestones must be incr"),
    (lambda: Schedule(exponential, lr=1, factor=0.5, staircase="yes"), ValueError, "staircase"),
    (lambda: Schedule(tabulated, rates=[]), ValueError, "rates must be one or more numbers"),
    (lambda: Schedule(tabulated, rates=0.1), ValueError, "rates must be one or more .* got 0.1"),
    (lambda: Schedule(tabulated, rates=[0.1, None]), ValueError, "rates .* None"),
    (lambda: Schedule(warmup, then=0.1, warmup_steps=3), ValueError, "then must be a schedule"),
    (lambda: Schedule(warmup, then=GALLERY["cosine"], warmup_steps=-1), ValueError, "got -1"),
    (
        lambda: Schedule(warmup, then=GALLERY["cosine"], warmup_steps=3, shape="quick"),
        ValueError,
        "shape must be one of linear, constant, exponential, cosine, sqrt, got 'quick'",
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
    (
        lambda: Schedule(wsd, peak_lr=1, total_steps=9, warmup_steps=5, cooldown_steps=5),
        ValueError,
        r"warmup_steps \+ cooldown_steps must be at most total_steps, got 5 \+ 5 > 9",
    ),
    (
        lambda: Schedule(knee, peak_lr=1, total_steps=9, warmup_steps=5, explore_steps=5),
        ValueError,
        r"warmup_steps \+ explore_steps must be at most total_steps",
    ),
    (
        lambda: Schedule(cosine_restarts, peak_lr=1, cycle_steps=5, warmup_steps=5),
        ValueError,
        "warmup_steps must be below cycle_steps, got 5 of 5",
    ),
    (
        lambda: Schedule(cosine_restarts, peak_lr=1, cycle_steps=5, cycle_factor=0.5),
        ValueError,
        "cycle_factor must be a number of at least 1, got 0.5",
    ),
    (
        lambda: Schedule(one_cycle, peak_lr=1, total_steps=9, warmup_fraction=1.1),
        ValueError,
        "warmup_fraction must be a number of at least 0 and at most 1, got 1.1",
    ),
    (
        lambda: Schedule(
            one_cycle, peak_lr=1, total_steps=9, warmup_fraction=0.7, three_phase=True
        ),
        ValueError,
        "warmup_fraction must be at most 0.5 with three_phase, got 0.7",
    ),
    (  # the end would be where the way down begins, and never be reached
        lambda: Schedule(
            one_cycle, peak_lr=1, total_steps=10, warmup_fraction=0.55, three_phase=True
        ),
        ValueError,
        "warmup_fraction must be at most 0.5 with three_phase, got 0.55",
    ),
    (
        lambda: Schedule(one_cycle, peak_lr=1, total_steps=9, anneal="cos"),
        ValueError,
        "cosine, lin",
    ),
    (
        lambda: Schedule(slanted_triangular, peak_lr=1, total_steps=9),
        ValueError,
        "warmup_fraction must .* leave at least one of the 9 updates",
    ),
    (
        lambda: Schedule(triangular, base_lr=0, peak_lr=1, half_cycle_steps=0),
        ValueError,
        "half_cycle_steps must be a whole number of at least 1, got 0",
    ),
    (
        lambda: Schedule(piecewise_constant, rates=(1, 2), milestones=(3, 4)),
        ValueError,
        "rates must be one more than milestones, got 2 rates for 2 milestones",
    ),
    (
        lambda: Schedule(piecewise_linear, knots=(0, 9), rates=(1, 2, 3)),
        ValueError,
        "rates must be as many as knots, got 3 rates for 2 knots",
    ),
    (lambda: Schedule(piecewise_linear, knots=(5, 0), rates=(1, 2)), ValueError, "knots .*increas"),
    (lambda: Schedule(inverse_sqrt, peak_lr=1, warmup_steps=0), ValueError, "timescale must be"),
    (
        lambda: Schedule(layerwise, then=GALLERY["cosine"], layer=3, layers=3),
        ValueError,
        "layer mu",
    ),
    (lambda: Schedule(lambda_lr, lr=1, factor=0.5), ValueError, "factor must be a schedule"),
    (
        lambda: Schedule(lambda_lr, lr=1, factor=lambda t: "1"),
        ValueError,
        "factor: .* returned '1' at",
    ),
    (
        lambda: Schedule(
            warmup,
            then=GALLERY["cosine"],
            warmup_steps=3,
            shape="exponential",
            start_factor=0,
        ),
        ValueError,
        "start_factor must be above 0 for an exponential warmup",
    ),
    (
        lambda: Schedule(warmup, then=GALLERY["cosine"], warmup_steps=3, start_factor=-0.1),
        ValueError,
        "start_factor must be a number of at least 0, got -0.1",
    ),
    (lambda: Schedule(lambda step: None), ValueError, "returned None at step 0"),
    (lambda: Schedule(lambda step: math.nan), ValueError, "returned nan at step 0"),
    (
        lambda: Schedule(warmup, then=cosine, warmup_steps=3),
        TypeError,
        r"then must be a function of the step alone, got cosine.*Schedule\(cosine, ...\)",
    ),
    (
        lambda: Schedule(product, parts=[GALLERY["cosine"], cosine]),
        TypeError,
        r"parts\[1\] must be a function of the step alone, got cosine",
    ),
    (
        lambda: Schedule(multiplicative, lr=1, factor=lambda: 0.1),
        TypeError,
        "factor must be a function of the step alone, got <lambda>",
    ),
    (lambda: Schedule("cosine", peak_lr=1), TypeError, "formula must be a function"),
    (
        lambda: Schedule(cosine, 0.1, 100),
        TypeError,
        r"must have its name, .*\(cosine, peak_lr=0.1, .*, got 0.1 without",
    ),
    (lambda: Schedule(constant, lr=10**400), ValueError, "lr must be a number of at least 0"),
    (lambda: Schedule(lambda step: 10.0**400), ValueError, "returned inf at step 0"),
    (
        lambda: Schedule(one_cycle, peak_lr=1, total_steps=9, anneal=np.array(["cosine", "x"])),
        ValueError,
        "anneal must be one of cosine, linear, got array",
    ),
]


@pytest.mark.parametrize("make, error, message", BAD, ids=[message for _, _, message in BAD])
def test_wrong_parameters_are_found_when_the_schedule_is_made(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_numpy_numbers_are_as_good_as_pythons():
    ours = Schedule(cosine, peak_lr=np.float32(0.5), total_steps=np.int64(10))
    assert ours == Schedule(cosine, peak_lr=0.5, total_steps=10)
    assert read_schedule(code(ours)) == ours


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.array])
@pytest.mark.parametrize("name", GALLERY)
def test_a_step_of_another_kind_of_whole_number_has_the_same_rate(name, kind):
    rate = GALLERY[name](kind(100))
    assert type(rate) is float and rate == GALLERY[name](100)


def test_a_factor_that_the_mode_does_not_use_may_be_any():
    for mode, above in (("triangular", 1.0), ("triangular2", 0.5**50)):
        ours = Schedule(
            triangular, base_lr=1, peak_lr=2, half_cycle_steps=20, factor=3.0, mode=mode
        )
        assert ours(2020) == 1 + above  # where 3**2020 is no float


@pytest.mark.parametrize("step, rate", [(-1, 1.0), (2.5, 0.25)])
def test_a_product_of_factors_ends_at_any_step(step, rate):
    assert Schedule(multiplicative, lr=1.0, factor=lambda t: 0.5)(step) == rate


@pytest.mark.parametrize("name", GALLERY)
def test_every_schedule_has_a_rate_between_two_updates(name):
    assert 0 <= GALLERY[name](2.5) < math.inf


def test_a_product_of_factors_is_the_same_whoever_asks_in_the_middle_of_it():
    asked = []

    def factor(step):  # as another thread may, between the reading and the writing of what is kept
        asked.append(step)
        if asked.count(3) == 1 and step == 3:
            assert ours.values(6) == halves[:6]
        return 0.5

    halves = [0.5**step for step in range(12)]
    ours = Schedule(multiplicative, lr=1.0, factor=factor)
    assert ours.values(12) == halves
    assert [ours(step) for step in (11, 3, -1, 0, 7)] == [
        halves[11],
        halves[3],
        1.0,
        1.0,
        halves[7],
    ]
    asked.clear()
    ours.values(12)
    assert len(asked) < 30  # N rates in a row cost about N factors


def test_a_product_takes_a_factor_without_a_hash():
    factor = dataclass(type("Factor", (), {"__call__": lambda self, step: 0.5}))()
    assert Schedule(multiplicative, lr=1.0, factor=factor).values(3) == [1.0, 0.5, 0.25]


def test_a_word_from_numpy_is_kept_as_the_plain_one():
    mode = np.array(["triangular2"])[0]
    ours = Schedule(triangular, base_lr=0.1, peak_lr=1, half_cycle_steps=5, mode=mode)
    assert eval(repr(ours)) == ours


def test_equal_schedules_have_equal_hashes_whatever_their_numbers_are_written_as():
    def mine(step, *, lr):
        return lr

    for one, other in [
        (
            Schedule(linear, peak_lr=1, total_steps=5, final_lr=-0.0),
            Schedule(linear, peak_lr=1, total_steps=5, final_lr=0.0),
        ),
        (Schedule(mine, lr=1), Schedule(mine, lr=1.0)),
        (
            Schedule(warmup, then=Schedule(mine, lr=1), warmup_steps=3),
            Schedule(warmup, warmup_steps=3, then=Schedule(mine, lr=1.0)),
        ),
    ]:
        assert one == other and hash(one) == hash(other)

    def listed(step, *, rates):
        return rates[step]

    one, other = Schedule(listed, rates=[1, 2]), Schedule(listed, rates=[1.0, 2.0])
    assert one == other and hash(one) == hash(other)  # a list has no hash
    assert hash(GALLERY["cosine"]) != hash(GALLERY["linear"])


def test_of_numbers_none_is_meant_by_another():
    assert nearest("0.15", ["0.1", "0.5"]) == ""


def test_states_name_an_object_by_its_class_and_a_partial_by_what_it_holds():
    class Mine:
        def __call__(self, step):
            return 0.1

    assert describe(Mine()) == "Mine"
    assert "milestones=(3,)" in describe(partial(multistep, lr=1, milestones=(3,)))


def test_a_list_that_changes_later_does_not_change_the_schedule():
    milestones = [5]
    schedule = Schedule(multistep, lr=1, milestones=milestones)
    milestones.append(7)
    assert schedule(9) == pytest.approx(0.1)


def test_a_parameter_that_is_none_is_written_down():
    ours = Schedule(warmup, then=GALLERY["cosine"], warmup_steps=3, start_factor=None)
    assert "start_factor=None" in code(ours) and read_schedule(code(ours)) == ours


FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "matplotlib", "numpy")
LOADED = f"import sys; print([m for m in {FRAMEWORKS!r} if m in sys.modules])"


def loaded_after(statement):
    code = f"{statement}; {LOADED}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout


def test_importing_the_library_loads_no_framework():
    assert loaded_after("import course_lib") == "[]\n"
    assert loaded_after("import numpy") == "['numpy']\n"  # the test itself can fail
