"""Every translation of course_lib/rosetta is run and compared with our formula."""

import contextlib
import importlib.util
import inspect
import itertools
import math
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from course_lib import rosetta, schedules
from course_lib.rosetta import (
    PEERS,
    ROSETTA,
    own_lr,
    plain,
    table,
    to_keras,
    to_torch,
    torch_until,
    translate,
)
from course_lib.rosetta.writer import KNOWN, names_of
from course_lib.schedules import GALLERY, Schedule, cosine, cosine_restarts, linear, multistep
from course_lib.widgets.explorer import keras_code, torch_code
from course_lib.widgets.schedules import key_of

UPDATES = 2000
OURS = {**vars(schedules), "math": math}


# --- schedules with random parameters -------------------------------------------------------------


def random_params(key, rng):
    """Parameters of GALLERY[key], with an end inside of UPDATES where there is one."""

    def number(low, high):
        return float(rng.uniform(low, high))

    def whole(low, high):
        return int(rng.integers(low, high))

    def inner():
        return Schedule(cosine, peak_lr=number(0.01, 1), total_steps=whole(50, 1500))

    def floored(*others):
        peak, total = number(0.01, 1), whole(100, 1800)
        final = peak * number(0.01, 0.9) if rng.random() < 0.5 else 0.0
        return dict(peak_lr=peak, total_steps=total, final_lr=final, **dict(others))

    lr, coin = number(0.01, 1), bool(rng.random() < 0.5)
    every, factor, power = whole(20, 400), number(0.3, 0.95), number(0.7, 3)
    marks = tuple(sorted({whole(1, 1900) for _ in range(4)}))
    rates = tuple(number(0.01, 1) for _ in range(len(marks) + 1))
    warm, flat = whole(1, 100), whole(1, 4)
    staircase = dict(lr=lr, factor=factor, every=every, staircase=coin)
    up, down = whole(5, 200), whole(5, 200)
    triangle = dict(base_lr=lr / 10, peak_lr=lr, half_cycle_steps=up, down_steps=down)
    total = 20 * whole(5, 90)
    one_cycle = dict(peak_lr=lr, total_steps=total, warmup_fraction=whole(2, 9) / 20)
    wsd = dict(peak_lr=lr, total_steps=total + 100, warmup_steps=warm)
    return {
        "constant": lambda: dict(lr=lr),
        "linear": floored,
        "polynomial": lambda: floored(("power", power)),
        "cosine": floored,
        "step_decay": lambda: dict(lr=lr, every=every, factor=factor),
        "multistep": lambda: dict(lr=lr, milestones=marks, factor=factor),
        "exponential": lambda: staircase,
        "tabulated": lambda: dict(rates=rates),
        "warmup": lambda: dict(
            then=Schedule(cosine, **floored()),
            warmup_steps=warm,
            start_factor=[None, 0.0, number(0.01, 1)][whole(0, 3)],
        ),
        "join": lambda: dict(
            parts=[
                Schedule(schedules.constant, lr=lr),
                Schedule(linear, peak_lr=lr, total_steps=every),
                Schedule(schedules.step_decay, lr=lr, every=every, factor=factor),
            ],
            boundaries=(every, 3 * every),
        ),
        "per_epoch": lambda: dict(
            then=Schedule(schedules.exponential, lr=lr, factor=factor), steps_per_epoch=every
        ),
        "constant_factor": lambda: dict(lr=lr, hold_steps=every, factor=factor),
        "linear_ramp": lambda: dict(
            lr=lr, total_steps=every, start_factor=number(0.0, 1), end_factor=number(0, 1)
        ),
        "piecewise_constant": lambda: dict(rates=rates, milestones=marks),
        "piecewise_linear": lambda: dict(
            knots=(0, *marks) if coin else marks, rates=rates if coin else rates[1:]
        ),
        "natural_exponential": lambda: staircase,
        "inverse_time": lambda: {**staircase, "factor": number(0.1, 3)},
        "inverse_time_staircase": lambda: {**staircase, "staircase": True},
        "polynomial_cycle": lambda: {**floored(("power", power)), "cycle": True},
        "cosine_power": lambda: floored(("power", power)),
        "k_decay": lambda: floored(("k", power)),
        "tanh": floored,
        "inverse_sqrt": lambda: dict(
            peak_lr=lr, warmup_steps=warm, timescale=every if coin else None
        ),
        "cosine_restarts": lambda: dict(
            peak_lr=lr,
            cycle_steps=whole(201, 300),
            cycle_factor=whole(1, 3),
            peak_factor=1.0 if coin else factor,
            final_lr=lr / 20 if rng.random() < 0.5 else 0.0,
            warmup_steps=warm if rng.random() < 0.3 else 0,
        ),
        "triangular": lambda: triangle,
        "triangular2": lambda: dict(triangle, mode="triangular2"),
        "exp_range": lambda: dict(triangle, mode="exp_range", factor=number(0.99, 0.9999)),
        "one_cycle": lambda: dict(one_cycle, start_factor=number(2, 30), final_factor=100.0),
        "one_cycle_three_phase": lambda: dict(one_cycle, anneal="linear", three_phase=True),
        "one_cycle_momentum": lambda: dict(total_steps=total, warmup_fraction=number(0.1, 0.9)),
        "wsd": lambda: dict(
            wsd,
            cooldown_steps=total // flat - 1,
            final_lr=lr / 20 if coin else 0.0,
            shape=("linear", "cosine", "1-sqrt", "exponential")[whole(0, 4)],
        ),
        "flat_cosine": lambda: dict(floored(), total_steps=total, flat_fraction=flat / 4 - 0.05),
        "knee": lambda: dict(wsd, explore_steps=total // flat - 1),
        "tri_stage": lambda: dict(
            peak_lr=lr, warmup_steps=warm, hold_steps=every, decay_steps=total, final_lr=lr / 50
        ),
        "product": lambda: dict(
            parts=[
                inner(),
                Schedule(schedules.constant_factor, lr=1.0, hold_steps=every, factor=0.5),
            ]
        ),
        "scale": lambda: dict(then=inner(), factor=number(0.1, 3)),
        "layerwise": lambda: dict(then=inner(), layer=whole(0, 3), layers=3, factor=factor),
        "batch_scaled": lambda: dict(
            then=inner(), batch_size=whole(16, 999), rule="sqrt" if coin else "linear"
        ),
        "lambda_lr": lambda: dict(
            lr=lr, factor=Schedule(schedules.inverse_time, lr=1.0, factor=factor)
        ),
        "multiplicative": lambda: dict(lr=lr, factor=Schedule(schedules.constant, lr=factor)),
    }[key]()


def translated(key, peer, wanted=5):
    """GALLERY's own schedule and random ones, those that the peer has, with the peer's call."""
    rng = np.random.default_rng(list(key.encode()))
    found = []
    for attempt in range(100):
        params = random_params(key, rng) if attempt else GALLERY[key].params
        try:
            schedule = Schedule(GALLERY[key].formula, **params)
            found.append((schedule, translate(schedule, peer)))
        except ValueError as error:
            assert f"{peer} has none" in str(error), error
        if len(found) == wanted:
            return found
    raise AssertionError(f"{key}: {peer} has {getattr(ROSETTA[key], peer)}, but never applies")


def having(peer):
    return pytest.mark.parametrize("key", [k for k, row in ROSETTA.items() if getattr(row, peer)])


def peak_of(schedule):
    return max(schedule.values(UPDATES))


def compare(schedule, theirs, tolerance, call):
    ours = np.array(schedule.values(len(theirs)))
    gap = np.abs(ours - theirs) / peak_of(schedule)
    worst = int(gap.argmax())
    assert gap[worst] <= tolerance, (
        f"{schedule} and {call}: {ours[worst]} and {theirs[worst]} at update {worst}"
    )


# --- the peers ------------------------------------------------------------------------------------


def torch_rates(call, lr, updates, field="lr"):
    """The rates that updates 0 to `updates` - 1 are made with, step() after each."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {**vars(torch.optim.lr_scheduler), **OURS, "optimizer": optimizer}
        scheduler, rates = eval(call, names), []
        for update in range(updates):
            rates.append(float(optimizer.param_groups[0][field]))
            optimizer.step()
            if update + 1 < updates:
                scheduler.step()
    return np.array(rates)


def keras_rates(call, updates):
    from course_lib.tensorflow import keras, tf

    rate = eval(call, {**vars(keras.optimizers.schedules), **OURS})
    if isinstance(rate, float):
        return np.full(updates, rate)

    steps = tf.range(updates, dtype=tf.int64)
    if "warmup" not in call and "Restarts" not in call:  # those take a single step only
        return rate(steps).numpy().astype(float)

    @tf.function
    def rates(steps):
        return tf.map_fn(rate, steps, fn_output_signature=tf.float32)

    return rates(steps).numpy().astype(float)


def optax_rates(call, updates):
    import jax
    import optax

    with jax.enable_x64(True):
        rate = eval(call, {**vars(optax.schedules), **OURS})
        if "Schedule(" in call:  # our own formula inside asks for numbers
            return np.array([float(rate(step)) for step in range(updates)])
        if "staircase=True" in call:  # compiled, it can come late: see the test below
            return np.asarray(rate(np.arange(updates)))
        return np.asarray(jax.vmap(rate)(np.arange(updates)))


# --- the tests ------------------------------------------------------------------------------------


def test_every_row_is_one_of_a_schedule():
    assert sorted(ROSETTA) == sorted(GALLERY)  # also those without a row: the next test


def test_a_schedule_without_a_row_has_a_line_all_the_same():
    code = (
        "from course_lib.schedules import GALLERY, Schedule, constant\n"
        "GALLERY['mine'] = Schedule(constant, lr=0.1)\n"
        "from course_lib.rosetta import table, writer\n"
        "print(table().splitlines()[-1]); print(writer('mine', 'torch').splitlines()[-1])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    line, written = ran.stdout.splitlines()
    assert line == "| mine | `constant(lr)` |" + " - |" * len(PEERS) + "  |"
    assert written == "    return None"


@having("torch")
def test_torch_agrees_at_every_update(key):
    for schedule, call in translated(key, "torch"):
        updates = min(UPDATES, torch_until(schedule))
        field = "momentum" if key == "one_cycle_momentum" else "lr"
        theirs = torch_rates(call, own_lr(schedule), updates, field)
        compare(schedule, theirs, 1e-10, call)


@having("keras")
def test_keras_agrees_at_every_update(key):
    # A fraction of a cycle is what float32 leaves of the number of cycles so far.
    tolerance = 2e-5 if key == "cosine_restarts" else 1e-6
    for schedule, call in translated(key, "keras", wanted=4):
        compare(schedule, keras_rates(call, UPDATES), tolerance, call)


@having("optax")
def test_optax_agrees_at_every_update(key):
    for schedule, call in translated(key, "optax"):
        compare(schedule, optax_rates(call, UPDATES), 1e-10, call)


def wrapped(schedule):
    """The schedule inside of each formula that takes schedules."""
    before = Schedule(schedules.constant, lr=own_lr(schedule))
    after = Schedule(linear, peak_lr=own_lr(schedule), total_steps=50)
    halved = Schedule(schedules.constant_factor, lr=1.0, hold_steps=10, factor=0.5)
    yield Schedule(schedules.warmup, then=schedule, warmup_steps=5)
    yield Schedule(schedules.warmup, then=schedule, warmup_steps=5, shape="constant")
    yield Schedule(schedules.join, parts=(before, schedule), boundaries=(10,))
    yield Schedule(schedules.join, parts=(schedule, after), boundaries=(30,))
    yield Schedule(schedules.product, parts=(schedule, halved))
    yield Schedule(schedules.scale, then=schedule, factor=0.3)


@having("torch")
def test_torch_s_code_of_a_schedule_inside_of_others_gives_our_rates_or_is_refused(key):
    written = 0
    for inside, _ in translated(key, "torch", wanted=4):
        for one in wrapped(inside):
            for schedule in (one, *wrapped(one)):
                try:
                    call = to_torch(schedule)
                except ValueError as error:
                    assert "torch has none" in str(error)
                    continue
                updates = int(min(200, torch_until(schedule)))
                compare(schedule, torch_rates(call, own_lr(schedule), updates), 1e-10, call)
                written += 1
    assert bool(written) == plain(GALLERY[key])


def test_why_torch_cannot_have_a_schedule_inside_of_another_is_said():
    for one in wrapped(GALLERY["one_cycle"]):
        with pytest.raises(
            ValueError, match=r"torch has none with these parameters, only if .*rate"
        ):
            to_torch(one)


def test_optax_has_a_schedule_of_schedules_of_schedules():
    twice = Schedule(schedules.scale, then=GALLERY["scale"], factor=0.5)
    for schedule in (twice, *wrapped(twice), *wrapped(GALLERY["product"])):
        try:
            call = translate(schedule, "optax")
        except ValueError as error:
            assert "optax has none" in str(error)
            continue
        import jax

        with jax.enable_x64(True):
            rate = eval(call, {**vars(pytest.importorskip("optax").schedules), **OURS})
            assert [float(rate(t)) for t in (0, 9, 40)] == pytest.approx(
                [schedule(t) for t in (0, 9, 40)], rel=1e-9
            ), call


def once(formula, **params):
    return Schedule(getattr(schedules, formula), **params)


EDGES = [
    once("wsd", peak_lr=1.0, total_steps=20, warmup_steps=5, cooldown_steps=0),
    once("knee", peak_lr=1.0, total_steps=20, warmup_steps=5, explore_steps=15),
    once("one_cycle", peak_lr=1.0, total_steps=20, warmup_fraction=0.05),
    once("one_cycle", peak_lr=1.0, total_steps=20, warmup_fraction=0, anneal="linear",
         three_phase=True),
    once("one_cycle_momentum", total_steps=20, warmup_fraction=0.05),
    once("multistep", lr=1.0, milestones=()),
    once("tabulated", rates=[0.5]),
    once("piecewise_constant", rates=[0.5], milestones=()),
    once("warmup", then=GALLERY["cosine"], warmup_steps=0),
]  # fmt: skip


@pytest.mark.parametrize("schedule", EDGES, ids=repr)
@pytest.mark.parametrize("peer", PEERS[:3])
def test_at_the_ends_of_the_parameters_the_code_gives_our_rates_or_is_refused(schedule, peer):
    try:
        call = translate(schedule, peer)
    except ValueError as error:
        assert f"{peer} has none" in str(error)
        return
    if peer == "torch":
        momentum = schedule.formula is schedules.one_cycle_momentum
        updates = int(min(40, torch_until(schedule)))
        field = "momentum" if momentum else "lr"
        theirs = torch_rates(call, own_lr(schedule), updates, field)
    else:
        theirs = (keras_rates if peer == "keras" else optax_rates)(call, 40)
    compare(schedule, theirs, 1e-6, call)


@pytest.mark.parametrize(
    "peer, schedule",
    [
        *(("timm", each) for each in EDGES[:2]),
        (
            "timm",
            once("wsd", peak_lr=1, total_steps=9, warmup_steps=2, cooldown_steps=5, final_lr=2),
        ),
        ("fastai", once("one_cycle", peak_lr=1.0, total_steps=1)),
        ("fastai", once("one_cycle", peak_lr=1.0, total_steps=9, warmup_fraction=1.0)),
        ("fastai", once("one_cycle_momentum", total_steps=9, warmup_fraction=0.1)),
        ("fastai", once("flat_cosine", peak_lr=1.0, total_steps=9, flat_fraction=1.0)),
    ],
)
def test_what_ends_in_an_error_or_in_no_number_there_is_refused(peer, schedule):
    with pytest.raises(ValueError, match=f"{peer} has none with these parameters"):
        translate(schedule, peer)


def test_the_program_that_compares_the_other_peers_can_be_loaded():
    path = Path(__file__).parents[1] / "benchmarks" / "peers.py"
    spec = importlib.util.spec_from_file_location("peers", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.mark.parametrize("peer", PEERS[3:])
def test_every_other_translation_is_an_expression(peer):
    for key, row in ROSETTA.items():
        if getattr(row, peer):
            for _, call in translated(key, peer, wanted=3):
                compile(call, key, "eval")


def test_a_wrong_translation_is_found():
    schedule = Schedule(multistep, lr=0.1, milestones=(50, 75))
    late = to_torch(schedule).replace("50", "51")
    with pytest.raises(AssertionError, match="at update 50"):
        compare(schedule, torch_rates(late, 0.1, 100), 1e-10, late)


# Parameters that some peer cannot have, by name.
ODD = {
    "final_lr": [0.1, 5.0],
    "peak_lr": [0.0],
    "cycle": [True],
    "staircase": [True, False],
    "every": [7],
    "milestones": [()],
    "rates": [(0.5,), (0.0, 0.5, 0.1)],
    "shape": ["linear", "cosine", "constant", "exponential"],
    "start_factor": [0.0, 0.5, 1.5],
    "end_factor": [1.5],
    "factor": [1.5],
    "warmup_steps": [0, 3],
    "then": [GALLERY["one_cycle"], GALLERY["linear"], once("cosine", peak_lr=0.0, total_steps=9)],
    "parts": [(GALLERY["one_cycle"], GALLERY["cosine"]), (GALLERY["linear"], GALLERY["cosine"])],
    "cycle_factor": [1.5],
    "peak_factor": [0.5],
    "warmup_fraction": [0.0, 0.01, 0.333, 1.0],
    "anneal": ["cosine", "linear"],
    "three_phase": [True, False],
    "cooldown_steps": [0],
    "explore_steps": [0, 90],
    "flat_fraction": [0.0, 0.333, 1.0],
}
CONDITIONAL = [
    (key, peer)
    for key, row in ROSETTA.items()
    for peer in PEERS
    if (getattr(row, peer) or "").endswith(" else None")
]


EXPLORED = {"torch": ("TorchSchedule(", torch_code), "keras": ("KerasSchedule(", keras_code)}


def changed(key):
    """GALLERY's own schedule with one parameter of ODD, or with two."""
    own = GALLERY[key]
    allowed = inspect.signature(own.formula).parameters
    one = [{name: value} for name in ODD if name in allowed for value in ODD[name]]
    for changes in one + [a | b for a, b in itertools.combinations(one, 2)]:
        with contextlib.suppress(ValueError):
            yield Schedule(own.formula, **{**own.params, **changes})


@pytest.mark.parametrize("key, peer", CONDITIONAL)
def test_where_a_cell_of_the_table_does_not_hold_it_is_none_and_refused_with_the_condition(
    key, peer
):
    line = next(each for each in table().splitlines() if each.startswith(f"| {key} |"))
    cell = line.split(" | ")[2 + PEERS.index(peer)].strip("`")
    refused = 0
    for schedule in changed(key):
        try:
            translate(schedule, peer)
        except ValueError as error:
            said = str(error)
            if f"{key_of(schedule)}: {peer}" in said:  # else one inside of it is refused
                refused += 1
                names = {**KNOWN, **names_of(schedule)}
                assert eval(cell, names) is None, schedule
                conditions = re.search(r"only if (.*?)(\. Note: |$)", said)[1].split(" or if ")
                assert not any(eval(each, names) for each in conditions), schedule
                if peer in EXPLORED:
                    own, code = EXPLORED[peer]
                    assert own in code(schedule, 20)
    assert refused


def test_what_they_do_not_have_is_said():
    with pytest.raises(ValueError, match="rex: torch has none"):
        to_torch(GALLERY["rex"])
    with pytest.raises(ValueError, match="polynomial: torch has none"):
        to_torch(Schedule(schedules.polynomial, peak_lr=1, total_steps=9, power=2, final_lr=0.1))
    with pytest.raises(ValueError, match="only schedules of GALLERY"):
        to_keras(Schedule(lambda step: 0.1))
    with pytest.raises(ValueError, match="only schedules of GALLERY"):
        to_torch(Schedule(schedules.warmup, then=lambda step: 0.1, warmup_steps=3))


def test_the_table_has_a_line_for_each():
    lines = rosetta.table().splitlines()
    assert len(lines) == len(GALLERY) + 2
    assert {line.count("|") for line in lines} == {len(PEERS) + 4}


# --- where they differ on purpose -----------------------------------------------------------------


def test_milestones_come_one_later_in_keras():
    ours = Schedule(multistep, lr=1.0, milestones=(5,), factor=0.1)
    literal = keras_rates("PiecewiseConstantDecay([5], [1.0, 0.1])", 10)
    assert ours.values(10).index(0.1) == 5 and int(np.argmax(literal < 1)) == 6


def test_a_staircase_in_a_graph_can_come_one_update_late():
    # A division by a constant is compiled to a multiplication: 165 * (1 / 165) is just below 1.
    from course_lib.tensorflow import keras, tf

    call = to_keras(Schedule(schedules.step_decay, lr=1.0, every=165, factor=0.5))
    rate = eval(call, vars(keras.optimizers.schedules))
    steps = tf.range(164, 168, dtype=tf.int64)
    assert rate(steps).numpy().tolist() == [1.0, 0.5, 0.5, 0.5]
    assert tf.function(rate)(steps).numpy().tolist() in ([1.0, 1.0, 0.5, 0.5], [1.0, 0.5, 0.5, 0.5])


def test_keras_alpha_is_a_share_of_the_first_rate():
    theirs = keras_rates("CosineDecay(0.5, 10, alpha=0.1)", 20)
    ours = Schedule(cosine, peak_lr=0.5, total_steps=10, final_lr=0.05)
    assert theirs == pytest.approx(ours.values(20), abs=1e-6)


def test_optax_one_cycle_peaks_and_ends_one_later():
    theirs = optax_rates("cosine_onecycle_schedule(100, 1.0)", 120)
    ours = Schedule(schedules.one_cycle, peak_lr=1.0, total_steps=100)
    assert (int(theirs.argmax()), int(np.argmax(ours.values(120)))) == (30, 29)
    assert theirs[100] == pytest.approx(4e-6) and theirs[99] > 1e-4
    assert ours(99) == pytest.approx(4e-6)


def test_keras_restarts_lower_the_height_above_the_floor():
    theirs = keras_rates("CosineDecayRestarts(1.0, 10, t_mul=2.0, m_mul=0.5, alpha=0.2)", 11)
    ours = dict(peak_lr=1.0, cycle_steps=10, cycle_factor=2, peak_factor=0.5, final_lr=0.2)
    assert theirs[10] == pytest.approx(0.6) and cosine_restarts(10, **ours) == pytest.approx(0.5)


def test_a_warmup_from_nothing_is_start_factor_0():
    call = "warmup_cosine_decay_schedule(0.0, 1.0, 10, 110)"
    then = Schedule(cosine, peak_lr=1.0, total_steps=100)
    ours = Schedule(schedules.warmup, then=then, warmup_steps=10, start_factor=0.0)
    compare(ours, optax_rates(call, UPDATES), 1e-10, call)
    default = Schedule(schedules.warmup, then=then, warmup_steps=10)
    assert (ours(0), default(0)) == (0.0, 1 / 11)


def test_a_join_leaves_torch_s_curve_where_a_part_does_that_still_lasts():
    short, long = (Schedule(cosine, peak_lr=1.0, total_steps=n) for n in (10, 90))
    for parts, boundaries, until in (
        ((short, long), (11,), 11 + 91),
        ((short, long), (12,), 11),
        ((Schedule(linear, peak_lr=1.0, total_steps=9), short), (5,), 5 + 11),
    ):
        joined = Schedule(schedules.join, parts=parts, boundaries=boundaries)
        assert torch_until(joined) == until
        theirs = torch_rates(to_torch(joined), 1.0, until + 1)
        compare(joined, theirs[:-1], 1e-10, to_torch(joined))
        assert abs(theirs[-1] - joined(until)) > 1e-4


def test_an_epoch_s_schedule_is_no_scheduler_for_every_update():
    with pytest.raises(ValueError, match=r"step\(\) once an epoch"):
        to_torch(GALLERY["per_epoch"])


def test_without_a_peak_a_floor_is_no_share_of_it():
    for formula in (linear, cosine):
        schedule = Schedule(formula, peak_lr=0.0, total_steps=9, final_lr=0.1)
        with pytest.raises(ValueError, match="torch has none" if formula is linear else "keras"):
            (to_torch if formula is linear else to_keras)(schedule)
    warmed = Schedule(schedules.warmup, then=Schedule(cosine, peak_lr=0.0, total_steps=9),
                      warmup_steps=3)  # fmt: skip
    for peer in ("keras", "timm", "transformers"):
        try:
            assert "nan" not in translate(warmed, peer).lower()
        except ValueError as error:
            assert "none" in str(error)


@pytest.mark.parametrize("limits", [{"start_factor": 0.0}, {"end_factor": 1.5}])
def test_torch_ramps_have_limits(limits):
    schedule = Schedule(schedules.linear_ramp, lr=1.0, total_steps=10, **limits)
    with pytest.raises(ValueError, match="torch has none"):
        to_torch(schedule)
    (name, value), *_ = limits.items()
    with pytest.raises(ValueError, match="factor"):
        torch_rates(f"LinearLR(optimizer, {name}={value})", 1.0, 2)


def test_torch_chain_is_no_product_where_a_part_has_a_floor():
    chain = (
        "ChainedScheduler([CosineAnnealingLR(optimizer, T_max=20, eta_min=0.2),"
        " ConstantLR(optimizer, factor=0.5, total_iters=10)])"
    )
    parts = (
        Schedule(cosine, peak_lr=1.0, total_steps=20, final_lr=0.2),
        Schedule(schedules.constant_factor, lr=1.0, hold_steps=10, factor=0.5),
    )
    ours = Schedule(schedules.product, parts=parts)
    assert np.abs(torch_rates(chain, 1.0, 20) - ours.values(20)).max() > 0.01
    with pytest.raises(ValueError, match="no product where a part has a floor"):
        to_torch(ours)


def test_torch_has_no_lower_peaks():
    with pytest.raises(ValueError, match="no lower peaks"):
        to_torch(GALLERY["cosine_restarts"])


def test_restarts_are_at_the_peak_far_out():
    ours = Schedule(cosine_restarts, peak_lr=1.0, cycle_steps=10, cycle_factor=3)
    starts = [10 * (3**i - 1) // 2 for i in range(12)]
    assert {1210, 295240} <= set(starts)
    assert [ours(start) for start in starts] == [1.0] * 12
    rng = np.random.default_rng(0)
    for step in map(int, rng.integers(0, 400_000, 300)):
        cycle = max(i for i, start in enumerate(starts) if start <= step)
        share = (step - starts[cycle]) / (10 * 3**cycle)
        assert ours(step) == pytest.approx((1 + math.cos(math.pi * share)) / 2, abs=1e-12)
