"""The contract: each framework applies exactly the rate that the formula says, at that update.

With loss = w the gradient is 1, so one SGD update moves w by the rate that was applied: it is read
off the weight, not off anything that a scheduler says about itself.
"""

import copy
import functools
import io
import json
import os
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from rates import keras_rates, torch_pair, torch_rates

from course_lib import GALLERY, Schedule
from course_lib.formulas.parameters import as_number
from course_lib.pytorch import TorchSchedule
from course_lib.schedules import (
    constant,
    cosine,
    exponential,
    layerwise,
    linear,
    multistep,
    warmup,
)
from course_lib.tensorflow import SGD, KerasSchedule

STEPS = 130  # past the end of every GALLERY entry


def in_torch(schedule, steps, adapter=TorchSchedule):
    # the optimizer's own rate must not matter
    return torch_rates(*torch_pair(adapter, schedule, lr=123.0), steps)


def in_keras(schedule, steps, adapter=KerasSchedule, wrap=tf.function, optimizer=SGD):
    return keras_rates(optimizer(adapter(schedule, steps)), steps, wrap)


def eager(function):
    return function


def xla(function):
    return tf.function(function, jit_compile=True)


def expected(schedule, steps, dtype):
    return np.array(schedule.values(steps), dtype=dtype).tolist()


@pytest.mark.parametrize("name", GALLERY)
def test_torch_follows_the_formula(name):
    rates = in_torch(GALLERY[name], STEPS)
    assert rates == expected(GALLERY[name], STEPS, np.float64)


@pytest.mark.parametrize("wrap", [eager, tf.function, xla], ids=["eager", "graph", "xla"])
@pytest.mark.parametrize("name", GALLERY)
def test_keras_follows_the_formula(name, wrap):
    rates = in_keras(GALLERY[name], STEPS, wrap=wrap)
    assert rates == expected(GALLERY[name], STEPS, np.float32)


@pytest.mark.parametrize("name", GALLERY)
def test_the_contract_notices_an_adapter_that_is_one_step_off(name):
    class EarlyTorch(TorchSchedule):
        def get_lr(self):
            return [self.schedule(self.last_epoch + 1)]

    class LateKeras(KerasSchedule):
        def __call__(self, step):
            return super().__call__(tf.maximum(keras.ops.cast(step, "int64") - 1, 0))

    same = name == "constant"  # the one schedule that rightly cannot tell
    early = in_torch(GALLERY[name], STEPS, adapter=EarlyTorch)
    late = in_keras(GALLERY[name], STEPS, adapter=LateKeras)
    assert (early == expected(GALLERY[name], STEPS, np.float64)) is same
    assert (late == expected(GALLERY[name], STEPS, np.float32)) is same


def test_any_function_of_the_step_will_do():
    def mine(step):
        return 0.5 / (1 + step)

    planned = [mine(step) for step in range(20)]
    assert in_torch(mine, 20) == planned
    assert in_keras(mine, 20) == np.float32(planned).tolist()


def test_keras_own_sgd_and_model_fit_use_the_same_rates():
    rates = in_keras(GALLERY["cosine"], STEPS, optimizer=keras.optimizers.SGD)
    assert rates == expected(GALLERY["cosine"], STEPS, np.float32)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_model_fit(jit_compile):
    """w starts at 0 and each batch moves it by its rate: the sum is the area under the schedule."""
    schedule = Schedule(cosine, peak_lr=0.5, total_steps=12)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.zeros((1, 1))])
    model.compile(
        keras.optimizers.SGD(KerasSchedule(schedule, total_steps=12)),
        loss=lambda y, prediction: -prediction,
        jit_compile=jit_compile,
    )
    model.fit(np.ones((24, 1)), np.ones((24, 1)), batch_size=8, epochs=4, verbose=0)
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(sum(schedule.values(12)), rel=1e-6)
    assert float(model.optimizer.learning_rate) == 0.0  # the rate after the end


# --- PyTorch ---


def mine(step):
    return 0.1


def fading(step, last):
    return 0.1 if step < last else 0.01


pair = functools.partial(torch_pair, TorchSchedule, lr=1.0)


def advance(optimizer, scheduler, updates):
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("name", GALLERY)
def test_torch_resumes_exactly_at_any_step(name):
    schedule = GALLERY[name]
    for done in (0, 1, 7, 50, 99, 120):
        optimizer, scheduler = pair(schedule)
        advance(optimizer, scheduler, done)
        buffer = io.BytesIO()
        torch.save(scheduler.state_dict(), buffer)
        buffer.seek(0)
        optimizer, scheduler = pair(schedule)  # only the scheduler's state is loaded
        scheduler.load_state_dict(torch.load(buffer, weights_only=True))
        assert advance(optimizer, scheduler, 5) == [schedule(done + i) for i in range(5)]


def test_torch_saves_numbers_that_torch_load_takes_whatever_the_schedule_returns():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    scheduler = TorchSchedule(
        optimizer,
        lambda step: 0.05 * (1 + np.cos(step / 20)),
        momentum=lambda step: np.float32(0.5),
    )
    advance(optimizer, scheduler, 2)
    buffer = io.BytesIO()
    torch.save([optimizer.state_dict(), scheduler.state_dict()], buffer)
    buffer.seek(0)
    saved, _ = torch.load(buffer, weights_only=True)
    assert saved["param_groups"][0]["lr"] == 0.05 * (1 + np.cos(0.1))
    assert saved["param_groups"][0]["momentum"] == 0.5


@pytest.mark.parametrize("wrong", [-0.02, float("nan"), float("inf")])
def test_torch_refuses_a_rate_below_zero_or_none_before_an_update_is_made_with_it(wrong):
    optimizer, scheduler = pair([0.1, 0.04, wrong].__getitem__)
    advance(optimizer, scheduler, 1)
    with pytest.raises(ValueError, match=f"returned {wrong} at step 2; a schedule returns a fin"):
        advance(optimizer, scheduler, 1)
    assert optimizer.param_groups[0]["lr"] == 0.04


@pytest.mark.parametrize("value", [1.0, 2.0, -0.1, float("nan")])
def test_a_momentum_that_never_ends_is_refused_when_its_turn_comes_or_when_made(value):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    momentum = [0.5, value].__getitem__
    scheduler = TorchSchedule(optimizer, GALLERY["cosine"], momentum=momentum)
    optimizer.step()
    with pytest.raises(ValueError, match=f"momentum at update 1 must be .* below 1, got {value}"):
        scheduler.step()
    assert optimizer.param_groups[0]["momentum"] == 0.5
    if value >= 1:
        rates = KerasSchedule(lambda step: value, total_steps=3)
        with pytest.raises(ValueError, match=r"momentum's highest value must be .* below 1"):
            SGD(0.1, momentum=rates)


@pytest.mark.parametrize("done", [1, 7, 120])
def test_torch_resumes_with_last_epoch_on_a_fresh_optimizer(done):
    optimizer, scheduler = pair(GALLERY["cosine"], last_epoch=done - 1)
    assert advance(optimizer, scheduler, 3) == [GALLERY["cosine"](done + i) for i in range(3)]


def test_torch_refuses_the_state_of_another_schedule_and_names_both():
    optimizer, scheduler = pair(GALLERY["cosine"])
    advance(optimizer, scheduler, 4)
    state = scheduler.state_dict()
    _, other = pair(GALLERY["linear"])
    with pytest.raises(ValueError, match=r"saved under Schedule\(cosine.*this is Schedule\(linear"):
        other.load_state_dict(state)
    assert other.last_epoch == 0
    with pytest.raises(ValueError, match=r"saved under group_scales None, this is .* \[0.5\]"):
        pair(GALLERY["cosine"], group_scales=[0.5])[1].load_state_dict(state)
    scaled = pair(lambda step: 0.1 * step, group_scales=[0.5])[1].state_dict()
    with pytest.raises(ValueError, match="saved under group_scales"):  # at a rate of 0
        pair(lambda step: 0.1 * step)[1].load_state_dict(scaled)
    _, same_name = pair(lambda step: 0.1 / (1 + step))
    _, first = pair(lambda step: 0.2 / (1 + step))
    first.last_epoch = 3
    with pytest.raises(ValueError, match="at update 3"):
        same_name.load_state_dict(first.state_dict())
    assert same_name.last_epoch == 0
    for one, another in [
        (Schedule(warmup, then=mine, warmup_steps=3), Schedule(warmup, then=mine, warmup_steps=50)),
        (functools.partial(fading, last=9), functools.partial(fading, last=99)),
    ]:  # their text has an address in it; the rates of the first update may be the same
        state = pair(one, last_epoch=-1)[1].state_dict()
        with pytest.raises(ValueError, match=r"saved under .*(3|9)\), this is .*(50|99)\)$"):
            pair(another)[1].load_state_dict(state)
    with pytest.raises(ValueError, match="not saved by a TorchSchedule: it has no"):
        other.load_state_dict({"last_epoch": 3, "T_max": 10})


def test_torch_group_scales():
    weights = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    optimizer = torch.optim.SGD([{"params": [w]} for w in weights], lr=1.0)
    scheduler = TorchSchedule(optimizer, GALLERY["cosine"], group_scales=[1, 0.1, 0])
    for step in range(20):
        for weight in weights:
            weight.data.zero_()
            weight.grad = torch.ones_like(weight)
        optimizer.step()
        rate = GALLERY["cosine"](step)
        assert [-w.item() for w in weights] == [rate, rate * 0.1, 0]
        assert scheduler.get_last_lr() == [rate, rate * 0.1, 0]
        scheduler.step()
    with pytest.raises(ValueError, match="one factor for each of the optimizer's 3"):
        TorchSchedule(optimizer, GALLERY["cosine"], group_scales=[1, 2])


def test_torch_group_added_later_follows_too():
    optimizer, scheduler = pair(GALLERY["linear"])
    advance(optimizer, scheduler, 3)
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    advance(optimizer, scheduler, 1)
    assert [group["lr"] for group in optimizer.param_groups] == [GALLERY["linear"](4)] * 2


def test_torch_accumulation_counts_updates_not_batches():
    optimizer, scheduler = pair(GALLERY["linear"])
    rates = []
    for batch in range(12):
        if (batch + 1) % 4 == 0:
            rates += advance(optimizer, scheduler, 1)
    assert rates == GALLERY["linear"].values(3)


def test_torch_momentum_follows_its_own_schedule():
    momentum = Schedule(linear, peak_lr=0.9, total_steps=10, final_lr=0.5)
    weight = torch.zeros(1, requires_grad=True)
    for optimizer, read in (
        (torch.optim.SGD([weight], lr=1.0, momentum=0.1), lambda group: group["momentum"]),
        (torch.optim.Adam([weight], lr=1.0), lambda group: group["betas"][0]),
    ):
        scheduler = TorchSchedule(optimizer, GALLERY["cosine"], momentum=momentum)
        seen = []
        for _ in range(12):
            seen.append(read(optimizer.param_groups[0]))
            optimizer.step()
            scheduler.step()
        assert seen == momentum.values(12)
    with pytest.raises(ValueError, match="Adagrad has none"):
        TorchSchedule(torch.optim.Adagrad([weight]), GALLERY["cosine"], momentum=momentum)


def test_torch_tensor_rate_is_changed_in_place():
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.ones(1)
    rate = torch.tensor(1.0, dtype=torch.float64)
    optimizer = torch.optim.SGD([weight], lr=rate)
    scheduler = TorchSchedule(optimizer, GALLERY["linear"])
    state = None
    for step in range(5):
        assert optimizer.param_groups[0]["lr"] is rate
        assert rate.item() == GALLERY["linear"](step)
        state = state or copy.deepcopy(scheduler.state_dict())
        optimizer.step()
        scheduler.step()
    scheduler.load_state_dict(state)
    assert rate.item() == GALLERY["linear"](0)


def test_torch_groups_that_share_a_tensor_rate_are_moved_by_their_own():
    weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    shared = torch.tensor(1.0)
    optimizer = torch.optim.SGD([{"params": [w]} for w in weights], lr=shared)
    scheduler = TorchSchedule(optimizer, lambda step: 0.5, group_scales=[0.5, 1])
    assert optimizer.param_groups[0]["lr"] is shared  # the first keeps the very tensor
    state = {"state": {}, "param_groups": copy.deepcopy(optimizer.state_dict()["param_groups"])}
    for group in state["param_groups"]:
        group["lr"] = shared  # as saved while they shared it
    for _ in range(2):
        for weight in weights:
            weight.data.zero_()
            weight.grad = torch.ones(1)
        optimizer.step()
        assert [-w.item() for w in weights] == scheduler.get_last_lr() == [0.25, 0.5]
        optimizer.load_state_dict(state)
        scheduler.load_state_dict(scheduler.state_dict())


def test_torch_group_added_later_has_a_tensor_rate_of_its_own():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=torch.tensor(1.0))
    scheduler = TorchSchedule(optimizer, lambda step: 0.5, group_scales=[0.5])
    advance(optimizer, scheduler, 1)
    for _ in range(2):  # torch gives both of them the tensor of the first
        optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    scheduler.group_scales = [0.5, 1, 2]
    scheduler.refresh()
    rates = [group["lr"].item() for group in optimizer.param_groups]
    assert rates == scheduler.get_last_lr() == [0.25, 0.5, 1.0]


def test_torch_group_added_later_has_rate_and_momentum_after_a_refresh():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    scheduler = TorchSchedule(optimizer, GALLERY["cosine"], momentum=lambda step: 0.5)
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    scheduler.refresh()
    assert [(group["lr"], group["momentum"]) for group in optimizer.param_groups] == [
        (0.1, 0.5)
    ] * 2


def test_torch_step_refuses_a_number_that_counts_nothing():
    scheduler = pair(GALLERY["cosine"])[1]
    with (
        pytest.warns(UserWarning, match="epoch parameter"),
        pytest.raises(ValueError, match=r"epoch .*update\) must be a whole number .* got 0\.7"),
    ):
        scheduler.step(0.7)
    assert scheduler.last_epoch == 0


def test_torch_groups_with_rates_of_their_own_are_told_that_all_get_the_schedules():
    def groups():
        weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
        return torch.optim.SGD([{"params": weights[:1], "lr": 0.01}, {"params": weights[1:]}], 0.1)

    with pytest.warns(UserWarning, match=r"\[0\.01, 0\.1\].*give group_scales") as told:
        TorchSchedule(groups(), GALLERY["cosine"])
    assert [each.filename for each in told] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TorchSchedule(groups(), GALLERY["cosine"], group_scales=[0.1, 1])


def test_torch_tensor_rate_stays_the_initial_rate_of_the_next_scheduler():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=torch.tensor(1.0))
    TorchSchedule(optimizer, lambda step: 0.25)
    assert optimizer.state_dict()["param_groups"][0]["initial_lr"] == 1.0
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    assert optimizer.param_groups[0]["lr"] == 1.0


@pytest.mark.parametrize("done", [0, 2, 4, 5, 7, 8, 11])
def test_torch_sequence_of_our_schedules_resumes_exactly_with_its_momentum(done):
    first = Schedule(linear, peak_lr=0.5, total_steps=5)
    friction = Schedule(linear, peak_lr=0.9, total_steps=5, final_lr=0.5)

    def sequence():
        weight = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.1)
        parts = [
            TorchSchedule(optimizer, first, momentum=friction),
            TorchSchedule(optimizer, GALLERY["cosine"], momentum=lambda step: 0.25),
            TorchSchedule(optimizer, GALLERY["linear"], momentum=friction),
        ]
        return optimizer, torch.optim.lr_scheduler.SequentialLR(optimizer, parts, [5, 8])

    def go_on(optimizer, scheduler, updates):
        seen = []
        for _ in range(updates):
            seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]))
            optimizer.step()
            scheduler.step()
        return seen

    planned = [(first(t), friction(t)) for t in range(5)]
    planned += [(GALLERY["cosine"](t), 0.25) for t in range(3)]
    planned += [(GALLERY["linear"](t), friction(t)) for t in range(9)]
    optimizer, scheduler = sequence()
    assert go_on(optimizer, scheduler, done) == planned[:done]
    saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
    optimizer, scheduler = sequence()
    optimizer.load_state_dict(saved[0])
    scheduler.load_state_dict(saved[1])
    assert go_on(optimizer, scheduler, 17 - done) == planned[done:]


def test_torch_refuses_the_state_of_another_momentum_and_loads_one_without():
    def pair(**arguments):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.1)
        return TorchSchedule(optimizer, GALLERY["cosine"], **arguments)

    high = Schedule(linear, peak_lr=0.9, total_steps=10)
    low = Schedule(linear, peak_lr=0.5, total_steps=10)
    state = pair(momentum=high).state_dict()
    with pytest.raises(
        ValueError, match=r"momentum Schedule.*0\.9.*this is momentum Schedule.*0\.5"
    ):
        pair(momentum=low).load_state_dict(state)
    with pytest.raises(ValueError, match=r"this is momentum None"):
        pair().load_state_dict(state)


def test_torch_state_of_a_machine_that_rounds_otherwise_is_loaded():
    optimizer, scheduler = pair(GALLERY["cosine"])
    advance(optimizer, scheduler, 7)
    state = scheduler.state_dict()
    state["lr"] = [np.nextafter(state["lr"][0], 1)]
    scheduler.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == GALLERY["cosine"](7)
    state["lr"] = [state["lr"][0] * (1 + 1e-9)]
    with pytest.raises(ValueError, match="at update 7"):
        scheduler.load_state_dict(state)


def test_torch_group_added_without_a_scale_is_told():
    optimizer, scheduler = pair(GALLERY["linear"], group_scales=[0.5])
    advance(optimizer, scheduler, 1)
    optimizer.add_param_group({"params": [torch.zeros(1, requires_grad=True)]})
    optimizer.step()
    with pytest.raises(ValueError, match=r"one factor for each .* 2 .* add_param_group.*refresh"):
        scheduler.step()
    with pytest.raises(ValueError, match=r"group_scales must be .* got \[1, -1\]"):
        scheduler.group_scales = [1, -1]
    scheduler.group_scales = np.array([0.5, 1])
    scheduler.refresh()
    assert scheduler.state_dict()["group_scales"] == [0.5, 1]
    assert all(type(group["lr"]) is float for group in optimizer.param_groups)  # for torch.load
    rate = GALLERY["linear"](2)
    assert [group["lr"] for group in optimizer.param_groups] == [rate * 0.5, rate]


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (dict(schedule=0.1), TypeError, r"schedule must be a function of the step, got 0.1.*const"),
        (dict(schedule=cosine), TypeError, r"alone, got cosine: .*'peak_lr'.*Schedule\(cosine, "),
        (dict(schedule=lambda t: "0.1"), ValueError, "returned '0.1' at step 0"),
        (dict(schedule=lambda t: None), ValueError, "returned None at step 0"),
        (dict(schedule=lambda t: float("nan")), ValueError, "returned nan at step 0"),
        (dict(schedule=lambda t: 0.1 - t, last_epoch=4), ValueError, "returned -4.9 at step 5"),
        (dict(momentum=0.9), TypeError, "momentum must be a function of the step, got 0.9"),
        (dict(momentum=lambda t: None), ValueError, "returned None at step 0"),
        (dict(group_scales={0: 1.0}), ValueError, r"group_scales must be .* got \{0: 1.0\}"),
        (dict(group_scales=[-1]), ValueError, r"group_scales must be .* got \[-1\]"),
        (dict(group_scales=[float("nan")]), ValueError, "group_scales must be .* got .nan"),
        (dict(group_scales=["a"]), ValueError, "group_scales must be .* got .'a'"),
        (dict(group_scales=2), ValueError, "group_scales must be .* got 2"),
        (dict(last_epoch=-5), ValueError, "last_epoch must be a whole number of at least -1"),
        (dict(last_epoch=2.5), ValueError, "last_epoch must be a whole number .* got 2.5"),
        (dict(last_epoch="5"), ValueError, "last_epoch must be a whole number .* got '5'"),
    ],
)
def test_torch_says_what_is_wrong_when_made(arguments, error, message):
    with pytest.raises(error, match=message):
        pair(**{"schedule": GALLERY["cosine"], **arguments})


@pytest.mark.parametrize("optimizer", [None, torch.nn.Linear(1, 1)])
def test_torch_says_what_is_no_optimizer(optimizer):
    with pytest.raises(TypeError, match=r"optimizer must be a torch\.optim\.Optimizer, got"):
        TorchSchedule(optimizer, GALLERY["cosine"])


# --- Keras ---


@pytest.mark.parametrize("name", GALLERY)
def test_keras_config_round_trip(name):
    before = KerasSchedule(GALLERY[name], total_steps=50, accumulate=2)
    config = json.loads(json.dumps(keras.optimizers.schedules.serialize(before)))
    after = keras.optimizers.schedules.deserialize(config)
    assert after.schedule == GALLERY[name]
    assert (after.total_steps, after.accumulate, after.rates) == (50, 2, before.rates)


def test_keras_config_keeps_the_numbers_of_a_function_without_a_name():
    before = KerasSchedule(lambda step: 0.5 / (1 + step), total_steps=6)
    after = KerasSchedule.from_config(json.loads(json.dumps(before.get_config())))
    assert after.rates == before.rates
    assert [float(after(step)) for step in range(9)] == [float(before(step)) for step in range(9)]


@pytest.mark.parametrize("done", [0, 1, 5, 11])
def test_keras_model_resumes_exactly_after_save_and_load(done, tmp_path):
    schedule = Schedule(warmup, then=Schedule(cosine, peak_lr=0.5, total_steps=8), warmup_steps=4)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    rates = KerasSchedule(schedule, total_steps=12)
    model.compile(SGD(rates, momentum=0.9), loss="mse")
    if done:
        model.fit(np.ones((done, 1)), np.ones((done, 1)), batch_size=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.iterations == done
    assert float(loaded.optimizer.learning_rate) == np.float32(schedule(done))
    for each in (model, loaded):
        each.fit(np.ones((3, 1)), np.ones((3, 1)), batch_size=1, verbose=0, shuffle=False)
    np.testing.assert_array_equal(model.get_weights()[0], loaded.get_weights()[0])


@pytest.mark.parametrize("made", ["rate", "momentum"])
def test_keras_training_step_is_saved_as_a_saved_model_and_goes_on(made, tmp_path):
    rates = KerasSchedule(Schedule(linear, peak_lr=0.25, total_steps=10), total_steps=10)

    class Training(tf.Module):
        def __init__(self):
            super().__init__()
            self.weight = tf.Variable([1.0, 2.0])
            self.optimizer = SGD(rates) if made == "rate" else SGD(0.1, momentum=rates)
            self.optimizer.build([self.weight])

        @tf.function(input_signature=[])
        def train(self):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(self.weight**2)
            self.optimizer.apply([tape.gradient(loss, self.weight)], [self.weight])
            return loss

    training = Training()
    training.train()
    tf.saved_model.save(training, tmp_path)
    loaded = tf.saved_model.load(tmp_path)
    losses = [[float(each.train()) for _ in range(4)] for each in (loaded, training)]
    assert losses[0] == losses[1] and len(set(losses[0])) == 4


def test_keras_accumulation_counts_updates_not_batches():
    weight = keras.Variable([0.0])
    optimizer = SGD(
        KerasSchedule(GALLERY["linear"], total_steps=5, accumulate=4), gradient_accumulation_steps=4
    )
    optimizer.build([weight])
    rates = []
    for batch in range(20):
        weight.assign([0.0])
        optimizer.apply([tf.ones(1)])
        if (batch + 1) % 4 == 0:
            rates.append(-float(weight.numpy()[0]))
    assert rates == expected(GALLERY["linear"], 5, np.float32)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(schedule=0.1, total_steps=5), "schedule must be a function of the step, got 0.1"),
        (dict(schedule=GALLERY["linear"], total_steps=0), "total_steps must be .* got 0"),
        (
            dict(schedule=GALLERY["linear"], total_steps=5, accumulate=0),
            "accumulate must be .* got 0",
        ),
        (dict(schedule=cosine, total_steps=5), r"alone, got cosine: .*Schedule\(cosine, "),
        (dict(schedule=lambda t: None if t else 1, total_steps=5), "returned None at step 1"),
        (dict(schedule=lambda t: 0.1 - t, total_steps=5), "returned -0.9 at step 1"),
        (dict(schedule=lambda t: 0.3 - 0.1 * t, total_steps=3), "returned -5.5.*e-17 at step 3"),
    ],
)
def test_keras_says_what_is_wrong(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        KerasSchedule(**arguments)


def test_keras_on_another_backend_is_refused_by_name():
    ran = subprocess.run(
        [sys.executable, "-c", "import course_lib.tensorflow"],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "needs Keras on TensorFlow, but Keras's backend is 'torch'" in ran.stderr


# --- momentum in PyTorch's form ---


def quadratic_path_torch(schedule, steps, **arguments):
    weight = torch.tensor([3.0], requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0, **arguments)
    scheduler = TorchSchedule(optimizer, schedule)
    for _ in range(steps):
        optimizer.zero_grad()
        (weight**2).sum().backward()
        optimizer.step()
        scheduler.step()
        yield weight.item()


def quadratic_path_keras(optimizer_class, schedule, steps, **arguments):
    weight = keras.Variable([3.0])
    optimizer = optimizer_class(KerasSchedule(schedule, steps), **arguments)
    optimizer.build([weight])

    @tf.function
    def update():
        optimizer.apply([2 * weight.value])

    for _ in range(steps):
        update()
        yield float(weight.numpy()[0])


@pytest.mark.parametrize("nesterov", [False, True])
def test_our_sgd_follows_torch_where_keras_own_leaves_it(nesterov):
    schedule = Schedule(multistep, lr=0.1, milestones=(10,))
    arguments = dict(momentum=0.9, nesterov=nesterov)
    torch_path = list(quadratic_path_torch(schedule, 40, **arguments))
    ours = list(quadratic_path_keras(SGD, schedule, 40, **arguments))
    native = list(quadratic_path_keras(keras.optimizers.SGD, schedule, 40, **arguments))
    np.testing.assert_allclose(ours, torch_path, atol=1e-5)
    np.testing.assert_allclose(
        native[:10], torch_path[:10], atol=1e-5
    )  # while the rate is constant
    assert np.abs(np.subtract(native, torch_path)).max() > 0.1


def test_our_sgd_with_a_momentum_schedule_under_xla_and_through_its_config():
    momentum = Schedule(exponential, lr=0.5, factor=0.5)
    optimizer = SGD(KerasSchedule(Schedule(constant, lr=1.0), 4), KerasSchedule(momentum, 4))
    optimizer = SGD.from_config(json.loads(json.dumps(optimizer.get_config())))
    weight = keras.Variable([0.0])
    optimizer.build([weight])
    step = tf.function(lambda: optimizer.apply([tf.ones(1)]), jit_compile=True)
    velocity = position = 0.0
    for t in range(4):
        step()
        velocity = momentum(t) * velocity + 1
        position -= velocity
        assert float(weight.numpy()[0]) == pytest.approx(position)


def test_our_sgd_takes_a_momentum_of_numpy_and_can_be_saved():
    config = SGD(0.1, momentum=np.float32(0.5)).get_config()
    assert json.loads(json.dumps(config))["momentum"] == 0.5


@pytest.mark.parametrize("momentum", [1.0, -0.1, "0.9"])
def test_our_sgd_refuses_a_momentum_that_never_ends(momentum):
    with pytest.raises(ValueError, match=r"momentum, unless a KerasSchedule, must be .* below 1"):
        SGD(0.1, momentum=momentum)


# --- a rate for each layer ---


def test_layerwise_rates_are_the_same_in_both_frameworks():
    layers, steps = 3, 20
    rates = [
        Schedule(layerwise, then=GALLERY["cosine"], layer=i, layers=layers, factor=0.5)
        for i in range(layers)
    ]
    weights = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in rates]
    optimizer = torch.optim.SGD([{"params": [w]} for w in weights], lr=1.0)
    scheduler = TorchSchedule(
        optimizer, GALLERY["cosine"], group_scales=[0.5 ** (layers - 1 - i) for i in range(layers)]
    )
    variables = [keras.Variable([0.0], name=f"layer{i}") for i in range(layers)]
    optimizers = keras.optimizers.OptimizerMap(SGD(KerasSchedule(rates[0], steps)))
    for i in (1, 2):
        optimizers[f"layer{i}"] = SGD(KerasSchedule(rates[i], steps))
    multi = keras.optimizers.MultiOptimizer(optimizers)
    multi.build(variables)
    update = tf.function(lambda: multi.apply([tf.ones(1)] * layers, variables))
    for step in range(steps):
        for weight, variable in zip(weights, variables):
            weight.data.zero_()
            weight.grad = torch.ones_like(weight)
            variable.assign([0.0])
        optimizer.step()
        scheduler.step()
        update()
        planned = [rate(step) for rate in rates]
        assert [-w.item() for w in weights] == pytest.approx(planned, rel=1e-15)
        assert [-float(v.numpy()[0]) for v in variables] == np.float32(planned).tolist()


# --- steps and numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.float32, torch.tensor, tf.constant, tf.Variable])
def test_a_step_that_a_framework_counts_in_fractions_has_the_same_rate(kind):
    """As torch's Adam keeps it: a tensor of 3.0."""
    for schedule in GALLERY.values():
        rate = schedule(kind(3.0))
        assert type(rate) is float and rate == schedule(3)
    assert GALLERY["linear"](kind(2.5)) == GALLERY["linear"](2.5)


def test_a_step_without_a_value_and_an_array_of_steps_reach_the_formula_as_they_are():
    schedule = Schedule(lambda step, *, lr: lr / (step + 1), lr=1.0)
    compiled = tf.function(lambda step: schedule(tf.cast(step, tf.float64)))
    assert compiled(tf.constant(3)).numpy() == 0.25
    assert schedule(np.array([0, 1, 3])).tolist() == [1.0, 0.5, 0.25]


def test_a_word_or_a_truth_is_no_number_in_any_library():
    for value in (True, np.bool_(True), torch.tensor(True), np.array("0.1"), np.str_("0.1")):
        assert as_number(value) is None
    assert [as_number(each) for each in (np.array([2]), torch.tensor(2), np.nan)][:2] == [2, 2]
