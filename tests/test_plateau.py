"""The plateau: equal to each framework's own class, except where it differs on purpose."""

import io
import json
import math
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rates import moved, torch_pair

from course_lib import Schedule
from course_lib.data import Dataset
from course_lib.plateau import Plateau, plateaus_in
from course_lib.pytorch import TorchSchedule
from course_lib.schedules import constant, join, warmup
from course_lib.tensorflow import SGD, KerasSchedule, PlateauCallback
from course_lib.trainers.in_keras import _Refreshable
from course_lib.training import FRAMEWORKS, fit

NAN, INF = math.nan, math.inf

# Small whole numbers and quarters: ties with the best and exact hits of the threshold are common,
# and float32 holds every one of them.
METRICS = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=40)
MODES = st.sampled_from(["min", "max"])
FEW = st.integers(0, 4)
THRESHOLDS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0])
FLOORS = st.sampled_from([0.0, 0.0625, 0.2, 0.5, 1.0])


def rates_of(plateau, metrics):
    return [plateau.update(metric) for metric in metrics]


# --- PyTorch's own ---


def torch_own(lr, metrics, **arguments):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates, (scheduler.num_bad_epochs, scheduler.cooldown_counter)


TORCH = st.fixed_dictionaries(
    {
        "mode": MODES,
        "factor": st.sampled_from([0.1, 0.5, 0.9]),
        "patience": FEW,
        "cooldown": FEW,
        "min_lr": FLOORS,
        "eps": st.sampled_from([0.0, 1e-8, 0.05, 0.3]),
    }
)


@settings(max_examples=1300, deadline=None)
@given(metrics=METRICS, threshold=THRESHOLDS, arguments=TORCH)
def test_equals_torch_with_an_absolute_threshold(metrics, threshold, arguments):
    metrics = [metric - 6 for metric in metrics]  # negative ones too
    arguments = {**arguments, "threshold": threshold, "threshold_mode": "abs"}
    ours = Plateau(1.0, **arguments)
    assert torch_own(1.0, metrics, **arguments) == (
        rates_of(ours, metrics),
        (ours.bad, ours.wait),
    )


@settings(max_examples=1300, deadline=None)
@given(metrics=METRICS, threshold=st.sampled_from([0.0, 1e-4, 0.1, 0.5]), arguments=TORCH)
def test_equals_torch_with_a_relative_threshold_where_no_metric_is_negative(
    metrics, threshold, arguments
):
    arguments = {**arguments, "threshold": threshold, "threshold_mode": "rel"}
    ours = Plateau(1.0, **arguments)
    assert torch_own(1.0, metrics, **arguments) == (
        rates_of(ours, metrics),
        (ours.bad, ours.wait),
    )


def test_from_torch_has_torch_s_defaults():
    falling = [1000 - 0.05 * epoch for epoch in range(40)]  # less than a ten-thousandth an epoch
    assert rates_of(Plateau.from_torch(0.1), falling) == torch_own(0.1, falling)[0]
    assert rates_of(Plateau.from_torch(1e-8), [1.0] * 30) == torch_own(1e-8, [1.0] * 30)[0]
    assert rates_of(Plateau.from_torch(1e-8), [1.0] * 30)[-1] == 1e-8  # eps


def test_a_fall_of_exactly_eps_is_none_as_in_torch():
    arguments = dict(factor=0.5, patience=0, eps=0.5)
    assert torch_own(1.0, [1.0] * 3, **arguments)[0] == [1.0] * 3
    assert rates_of(Plateau(1.0, **arguments), [1.0] * 3) == [1.0] * 3


def test_a_plateau_s_own_defaults():
    assert repr(Plateau(1.0)) == (
        "Plateau(lr=1.0, factor=0.1, patience=10, threshold=0.0001, threshold_mode='abs', "
        "mode='min', cooldown=0, min_lr=0.0, eps=0.0)"
    )


def test_a_worse_negative_metric_is_not_better_with_a_relative_threshold():
    arguments = dict(factor=0.5, patience=0, threshold=0.1, threshold_mode="rel")
    worse, enough, too_little = [-1.0, -0.95, -0.92], [-1.0, -1.11, -1.23], [-1.0, -1.05, -1.09]
    assert torch_own(1.0, worse, **arguments)[0] == [1.0] * 3  # torch takes each for a new best
    assert rates_of(Plateau(1.0, **arguments), worse) == [1.0, 0.5, 0.25]
    assert rates_of(Plateau(1.0, **arguments), enough) == [1.0] * 3
    assert rates_of(Plateau(1.0, **arguments), too_little) == [1.0, 0.5, 0.25]
    up = [-1.0, -0.89, -0.8]
    assert rates_of(Plateau(1.0, mode="max", **arguments), up) == [1.0] * 3
    assert rates_of(Plateau(1.0, mode="max", **arguments), worse) == [1.0, 0.5, 0.25]
    assert torch_own(1.0, enough, mode="max", **arguments)[0] == [1.0, 0.5, 0.25]
    assert torch_own(1.0, too_little, mode="max", **arguments)[0] == [1.0] * 3  # worse, all of it


# --- Keras's own ---


class Stub:
    """As much of a model as a callback looks at."""

    metrics = ()
    steps_per_execution = 1

    def __init__(self):
        self.optimizer = keras.optimizers.SGD(1.0)


STUB = Stub()


def keras_own(lr, metrics, **arguments):
    STUB.optimizer.learning_rate = lr
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", **arguments)
    callback.set_model(STUB)
    callback.on_train_begin()
    rates = []
    for epoch, metric in enumerate(metrics):
        callback.on_epoch_end(epoch, {"val_loss": metric})
        rates.append(float(STUB.optimizer.learning_rate))
    return rates


@settings(max_examples=600, deadline=None)
@given(
    metrics=st.lists(st.integers(-4, 8).map(float), min_size=1, max_size=25),
    arguments=st.fixed_dictionaries(
        {
            "mode": MODES,
            "factor": st.just(0.5),
            "patience": FEW,
            "cooldown": FEW,
            "min_delta": THRESHOLDS,
            "min_lr": st.sampled_from([0.0, 0.0625, 0.1875, 0.5]),
        }
    ),
)
def test_from_keras_equals_keras(metrics, arguments):
    assert rates_of(Plateau.from_keras(1.0, **arguments), metrics) == keras_own(
        1.0, metrics, **arguments
    )


def test_from_keras_has_keras_s_defaults():
    falling = [1 - 0.00005 * epoch for epoch in range(40)]
    ours = np.float32(rates_of(Plateau.from_keras(0.1), falling))
    np.testing.assert_allclose(ours, keras_own(0.1, falling, mode="min"), rtol=1e-6)


# --- metrics that are not finite ---


def test_no_metric_that_is_not_finite_is_ever_the_best():
    arguments = dict(factor=0.5, patience=1)
    recovering = [NAN, 1.0, 0.9, 0.8, 0.7, 0.6]
    assert keras_own(1.0, recovering, mode="min", factor=0.5, patience=2)[-1] == 0.25
    assert rates_of(Plateau(1.0, **arguments), recovering) == [1.0] * 6
    too_good = [-INF, 1.0, 0.9, 0.8, 0.7, 0.6]
    assert torch_own(1.0, too_good, **arguments)[0][-1] == 0.25
    assert rates_of(Plateau(1.0, **arguments), too_good) == [1.0] * 6
    assert rates_of(Plateau(1.0, **arguments), [INF] * 4) == [1.0, 0.5, 0.5, 0.25]
    assert rates_of(Plateau(1.0, mode="max", **arguments), [1.0, INF, INF, 2.0]) == [
        1.0,
        1.0,
        0.5,
        0.5,
    ]


@settings(max_examples=300, deadline=None)
@given(metrics=st.lists(st.sampled_from([1.0, 2.0, 3.0, NAN, INF]), min_size=1, max_size=20))
def test_nan_is_a_bad_evaluation_as_in_torch(metrics):
    arguments = dict(factor=0.5, patience=1, cooldown=1, threshold=0.0)
    ours = rates_of(Plateau(1.0, threshold_mode="abs", **arguments), metrics)
    assert ours == torch_own(1.0, metrics, threshold_mode="abs", **arguments)[0]


# --- what may come in ---


@pytest.mark.parametrize(
    "metric", [0.5, np.float32(0.5), np.array(0.5), torch.tensor(0.5), tf.constant(0.5)]
)
def test_any_single_number_is_a_metric(metric):
    plateau = Plateau(1.0)
    plateau.update(metric)
    assert plateau.best == 0.5
    json.dumps(plateau.state_dict())


@pytest.mark.parametrize(
    "metric", ["0.5", None, True, [0.5], torch.zeros(2), np.zeros(2), tf.zeros(2)]
)
def test_anything_else_is_not(metric):
    plateau = Plateau(1.0)
    with pytest.raises(ValueError, match="metric must be a single number, got"):
        plateau.update(metric)
    assert plateau.state_dict() == Plateau(1.0).state_dict()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(lr=0), "lr must be a number above 0, got 0"),
        (dict(lr="0.1"), "lr must be a number above 0, got '0.1'"),
        (dict(lr=1, factor=0), "factor must be a number above 0 and below 1, got 0"),
        (dict(lr=1, factor=1.0), "factor must be a number above 0 and below 1, got 1.0"),
        (dict(lr=1, patience=-1), "patience must be a whole number of at least 0, got -1"),
        (dict(lr=1, patience=2.5), "patience must be a whole number of at least 0, got 2.5"),
        (dict(lr=1, threshold=-1e-4), "threshold must be a number of at least 0, got -0.0001"),
        (dict(lr=1, threshold_mode="r"), "threshold_mode must be one of abs, rel, got 'r'"),
        (dict(lr=1, mode="auto"), "mode must be one of min, max, got 'auto'"),
        (dict(lr=1, cooldown=True), "cooldown must be a whole number of at least 0, got True"),
        (dict(lr=1, min_lr=2), "min_lr must be at most lr, which is 1, got 2"),
        (dict(lr=1, min_lr=NAN), "min_lr must be a number of at least 0, got nan"),
        (dict(lr=1, eps=-1), "eps must be a number of at least 0, got -1"),
    ],
)
def test_a_bad_argument_is_named(arguments, message):
    with pytest.raises(ValueError) as error:
        Plateau(**arguments)
    assert str(error.value) == message


def test_from_keras_names_keras_s_arguments():
    for name in ("patience", "cooldown", "min_delta"):
        with pytest.raises(ValueError, match=f"^{name} must be .* got -1"):
            Plateau.from_keras(0.1, **{name: -1})


def test_repr_is_the_code_that_makes_it():
    plateau = Plateau.from_torch(0.4, patience=3, min_lr=1e-3)
    plateau.update(1.0)
    assert eval(repr(plateau)).arguments == plateau.arguments
    assert "min_lr=0.001" in repr(plateau)


# --- saved and restored ---


@settings(max_examples=300, deadline=None)
@given(metrics=METRICS, stop=st.integers(0, 40), patience=FEW, cooldown=FEW)
def test_goes_on_from_json_wherever_it_was_saved(metrics, stop, patience, cooldown):
    def new():
        return Plateau(1.0, factor=0.5, patience=patience, cooldown=cooldown)

    whole, first, second = new(), new(), new()
    rates = rates_of(first, metrics[:stop])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert second.lr == first.lr
    assert rates + rates_of(second, metrics[stop:]) == rates_of(whole, metrics)


def test_refuses_the_state_of_another():
    plateau, other = Plateau(1.0, patience=3), Plateau(1.0, patience=4)
    with pytest.raises(ValueError, match=r"under Plateau\(.*patience=4.* this is .*patience=3"):
        plateau.load_state_dict(other.state_dict())
    state = plateau.state_dict()
    with pytest.raises(ValueError, match="missing or unknown: best"):
        plateau.load_state_dict({key: state[key] for key in state if key != "best"})
    with pytest.raises(ValueError, match="missing or unknown: extra"):
        plateau.load_state_dict({**state, "extra": 1})


# --- behind a warmup, the rate read off the weight ---

LOSSES = [5.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]  # one after every three updates
WARMUP_STEPS = 5


def new_plateau():
    return Plateau(0.5, factor=0.5, patience=1, cooldown=1)


def behind(plateau, steps):
    return Schedule(warmup, then=plateau, warmup_steps=steps)


def planned():
    """The rates from the two formulas alone, the plateau hearing a loss after every 3 updates."""
    plateau = new_plateau()
    schedule = Schedule(warmup, then=plateau, warmup_steps=WARMUP_STEPS)
    rates = []
    for step in range(3 * len(LOSSES)):
        rates.append(schedule(step))
        if step % 3 == 2:
            plateau.update(LOSSES[step // 3])
    return rates


def test_the_plan_climbs_and_falls():
    assert planned()[:6] == [0.5 * k / 6 for k in (1, 2, 3, 4, 5, 6)]
    assert planned()[12] == 0.25 and planned()[-1] == 0.125


def pair(plateau=None, warmup_steps=0):
    plateau = plateau or new_plateau()
    schedule = (
        Schedule(warmup, then=plateau, warmup_steps=warmup_steps) if warmup_steps else plateau
    )
    return torch_pair(TorchSchedule, schedule, lr=123.0)


def listening(optimizer, scheduler, steps):
    for step in steps:
        yield moved(optimizer)
        scheduler.step()
        if step % 3 == 2:
            scheduler.update(LOSSES[step // 3])


def test_torch_applies_the_plan():
    rates = listening(*pair(warmup_steps=WARMUP_STEPS), range(30))
    assert list(rates) == planned()


@pytest.mark.parametrize("stop", range(0, 30, 4))
def test_torch_goes_on_wherever_it_was_saved(stop):
    run = pair(warmup_steps=WARMUP_STEPS)
    rates = list(listening(*run, range(stop)))
    buffer = io.BytesIO()
    torch.save(run[1].state_dict(), buffer)
    buffer.seek(0)
    run = pair(warmup_steps=WARMUP_STEPS)
    run[1].load_state_dict(torch.load(buffer, weights_only=True))
    assert rates + list(listening(*run, range(stop, 30))) == planned()


def test_torch_refuses_another_state():
    *_, scheduler = pair(warmup_steps=4)
    run = pair(warmup_steps=3)
    list(listening(*run, range(20)))
    with pytest.raises(ValueError, match=r"warmup_steps=3.*this is .*warmup_steps=4"):
        scheduler.load_state_dict(run[1].state_dict())
    *_, other = pair(Plateau(0.5))
    with pytest.raises(ValueError, match=r"under .*Plateau\(.*this is .*Plateau\("):
        scheduler.load_state_dict(other.state_dict())
    with pytest.raises(
        ValueError, match=r"not saved by a TorchSchedule: it has no .*lr, .*schedule"
    ):
        scheduler.load_state_dict({"last_epoch": 3})
    same = pair(warmup_steps=4)
    list(listening(*same, range(20)))
    for wrong in (3.0, "3", -2):
        with pytest.raises(ValueError, match="last_epoch must be a whole number"):
            scheduler.load_state_dict(same[1].state_dict() | {"last_epoch": wrong})


def test_torch_group_scales_and_a_schedule_that_does_not_listen():
    weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": [w]} for w in weights], lr=1.0)
    scheduler = TorchSchedule(optimizer, Plateau(1.0, factor=0.5, patience=0), [1, 0.1])
    assert [scheduler.update(loss) for loss in (1, 1)] == [1.0, 0.5]
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.05]
    with pytest.raises(TypeError, match=r"a schedule with a Plateau in it, got Schedule\(constant"):
        TorchSchedule(optimizer, Schedule(constant, lr=0.1)).update(1)


class Says(keras.callbacks.Callback):
    """Puts the planned losses in the logs, and writes down what the weight moved by."""

    def __init__(self):
        super().__init__()
        self.rates, self.epoch = [], 0

    def on_train_batch_begin(self, batch, logs=None):
        self.model.layers[0].kernel.assign([[0.0]])

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.layers[0].kernel[0, 0]))

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = LOSSES[epoch]


def negative(y, prediction):
    return -keras.ops.mean(prediction)


def keras_model(**compile_arguments):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(123.0), loss=negative, **compile_arguments)
    return model


def keras_fit(model, callback, first, last):
    says = Says()
    history = model.fit(
        np.ones((3, 1)),
        np.ones((3, 1)),
        batch_size=1,
        initial_epoch=first,
        epochs=last,
        callbacks=[says, callback],
        verbose=0,
    )
    return says.rates, history.history.get("learning_rate", [])


@pytest.mark.parametrize("arguments", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_keras_fit_applies_the_plan(arguments):
    callback = PlateauCallback(behind(new_plateau(), WARMUP_STEPS))
    rates, recorded = keras_fit(keras_model(**arguments), callback, 0, 10)
    assert rates == np.float32(planned()).tolist()
    assert recorded == rates[2::3]  # the rate that each epoch ended with


@pytest.mark.parametrize("stop", [1, 4, 7])
def test_keras_goes_on_wherever_it_was_saved(stop, tmp_path):
    model = keras_model()
    callback = PlateauCallback(behind(new_plateau(), WARMUP_STEPS))
    rates = keras_fit(model, callback, 0, stop)[0] if stop else []
    model.save(tmp_path / "run.keras")
    (tmp_path / "run.json").write_text(json.dumps(callback.state_dict()))
    model = keras.saving.load_model(tmp_path / "run.keras", custom_objects={"negative": negative})
    callback = PlateauCallback(behind(new_plateau(), WARMUP_STEPS))
    callback.load_state_dict(json.loads((tmp_path / "run.json").read_text()))
    assert rates + keras_fit(model, callback, stop, 10)[0] == np.float32(planned()).tolist()


def test_keras_second_fit_forgets_nothing():
    model = keras_model()
    callback = PlateauCallback(behind(new_plateau(), WARMUP_STEPS))
    rates = [
        rate
        for first, last in ((0, 2), (2, 3), (3, 7), (7, 10))
        for rate in keras_fit(model, callback, first, last)[0]
    ]
    assert rates == np.float32(planned()).tolist()


@pytest.mark.parametrize("restores", ["before", "after"], ids="BackupAndRestore {} it".format)
def test_keras_backup_goes_on_with_the_state(restores, tmp_path):
    class Crash(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 7:
                raise KeyboardInterrupt

    def fitted(callback, *more):
        model, says, backup = keras_model(), Says(), keras.callbacks.BackupAndRestore(tmp_path)
        mine = [callback, backup] if restores == "after" else [backup, callback]
        x = np.ones((3, 1))
        model.fit(x, x, 1, epochs=10, verbose=0, callbacks=[says, *mine, *more])
        return says.rates

    callback = PlateauCallback(behind(new_plateau(), WARMUP_STEPS))
    with pytest.raises(KeyboardInterrupt):
        fitted(callback, Crash())
    resumed = PlateauCallback(behind(new_plateau(), WARMUP_STEPS))
    resumed.load_state_dict(callback.state_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert fitted(resumed) == np.float32(planned()).tolist()[21:]


def test_keras_warns_where_one_plateau_gets_a_second_model():
    callback = PlateauCallback(new_plateau())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        keras_fit(keras_model(), callback, 0, 7)
    with pytest.warns(UserWarning, match="heard metrics already .* make a new Plateau"):
        keras_fit(keras_model(), callback, 0, 2)


def test_keras_warns_where_the_state_of_a_plateau_was_not_loaded():
    model = keras_model()
    model.compile(keras.optimizers.SGD(new_plateau().lr / 10), loss=negative)
    model.optimizer.iterations.assign(5)
    with pytest.warns(UserWarning, match="raises the rate .* call load_state_dict before fit"):
        keras_fit(model, PlateauCallback(behind(new_plateau(), 2)), 0, 1)


def test_torch_leaves_the_rate_alone_while_it_waits_in_a_sequence():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    first = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5)
    waiting = TorchSchedule(optimizer, Plateau(0.4))
    torch.optim.lr_scheduler.SequentialLR(optimizer, [first, waiting], [3])
    assert waiting.update(1.0) == 0.4 and optimizer.param_groups[0]["lr"] == 0.05


def test_keras_accumulation_climbs_by_updates_not_batches():
    model = keras_model()
    model.compile(keras.optimizers.SGD(1.0, gradient_accumulation_steps=3), loss=negative)
    callback = PlateauCallback(behind(Plateau(1.0), 3), monitor="loss")
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(float(model.optimizer.learning_rate))
    )
    x = np.ones((12, 1))
    model.fit(x, x, batch_size=1, verbose=0, callbacks=[callback, look])
    assert seen == [0.25] * 3 + [0.5] * 3 + [0.75] * 3 + [1.0] * 3


def test_keras_applies_the_plan_in_a_mirrored_strategy_too():
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        model = keras_model()
    x = np.ones((3, 1))
    callback = PlateauCallback(behind(Plateau(1.0, factor=0.5, patience=0), 2), "loss")
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(
            float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        )
    )
    history = model.fit(x, 0 * x, 1, epochs=2, verbose=0, callbacks=[callback, look])
    assert seen == np.float32([1 / 3, 2 / 3, 1, 1, 1, 1]).tolist()
    assert history.history["learning_rate"] == [1.0, 1.0]


def test_keras_says_what_is_wrong():
    with pytest.raises(ValueError, match="monitor must be one of loss, val_loss, which epoch 1"):
        keras_fit(keras_model(), PlateauCallback(new_plateau(), monitor="val_acc"), 0, 1)
    several = keras_model(steps_per_execution=3)
    with pytest.raises(ValueError, match="steps_per_execution=1, got 3"):
        keras_fit(several, PlateauCallback(behind(new_plateau(), 1)), 0, 1)
    keras_fit(several, PlateauCallback(new_plateau()), 0, 1)
    scheduled = keras_model()
    rates = KerasSchedule(Schedule(constant, lr=0.1), total_steps=3)
    scheduled.compile(keras.optimizers.SGD(rates), loss=negative)
    with pytest.raises(TypeError, match="must be a number, as the plateau sets it, got a Learning"):
        keras_fit(scheduled, PlateauCallback(new_plateau()), 0, 1)
    with pytest.raises(TypeError, match=r"in advance, which a Plateau's .* PlateauCallback"):
        KerasSchedule(behind(new_plateau(), 2), total_steps=3)
    with pytest.raises(TypeError, match="plateau must be a Plateau"):
        PlateauCallback(0.1)
    with pytest.raises(ValueError, match="this is Plateau"):
        PlateauCallback(Plateau(0.1)).load_state_dict(Plateau(0.2).state_dict())


@pytest.mark.parametrize("jit_compile", [False, True])
def test_what_fit_compiles_in_keras_hears_a_refresh(jit_compile):
    plateau = new_plateau()
    schedule = behind(plateau, WARMUP_STEPS)
    rates = _Refreshable(lambda step: schedule(step), 30)
    weight = keras.Variable([0.0])
    optimizer = SGD(rates)
    optimizer.build([weight])
    update = tf.function(lambda: optimizer.apply([tf.ones(1)]), jit_compile=jit_compile)
    applied = []
    for step in range(30):
        weight.assign([0.0])
        update()
        applied.append(-float(weight.numpy()[0]))
        if step % 3 == 2:
            plateau.update(LOSSES[step // 3])
            rates.refresh()
    assert applied == np.float32(planned()).tolist()


# --- training.fit ---


def noise(count=60):
    """Nothing can be learnt from these: the validation loss soon stops getting better."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, 6, 6), dtype=np.uint8)
    y = rng.integers(0, 10, count)
    return Dataset(x, y, x[:10], y[:10], name="mnist", source="here", title="noise")


def fit_noise(schedule, framework="torch", **arguments):
    arguments = {"model": "softmax", "epochs": 12, "batch_size": 20, "validation": 0.2} | arguments
    return fit(schedule, data=noise(), framework=framework, progress=False, **arguments)


@pytest.mark.parametrize("monitor", ["loss", "val_loss", "val_accuracy"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_fit_follows_its_own_history(framework, monitor):
    def new():
        mode = "max" if monitor == "val_accuracy" else "min"
        plateau = Plateau(2.0, factor=0.5, patience=0, threshold=0.02, mode=mode)
        return plateau, Schedule(warmup, then=plateau, warmup_steps=4)

    plateau, schedule = new()
    run = fit_noise(schedule, framework, monitor=monitor)
    assert len(run.lr) == 36 and plateau.lr < 1.0  # it fell more than once
    replayed, schedule = new()
    rates = []
    for epoch, metric in enumerate(run.history[monitor]):
        rates += [schedule(step) for step in range(3 * epoch, 3 * epoch + 3)]
        replayed.update(metric)
    assert run.lr == np.asarray(rates, "f4" if framework == "tensorflow" else "f8").tolist()
    assert replayed.state_dict() == plateau.state_dict()


def test_fit_says_what_is_wrong():
    plateau = Plateau(0.1)
    behind = Schedule(warmup, then=plateau, warmup_steps=4)
    deeper = Schedule(join, parts=(Schedule(constant, lr=0.1), behind), boundaries=(3,))
    assert plateaus_in(deeper) == plateaus_in((plateau, behind)) == [plateau]  # hears once
    with pytest.raises(
        ValueError, match="monitor must be one of loss, val_loss, val_accuracy, got"
    ):
        fit_noise(behind, monitor="accuracy")
    with pytest.raises(ValueError, match="monitor must be one of loss, got 'val_loss'"):
        fit_noise(behind, validation=0.0)
    plateau.update(1.0)
    with pytest.raises(
        ValueError, match="a new Plateau for every run, got one that has already heard"
    ):
        fit_noise(behind)
