"""The bug bank: what the installed PyTorch and Keras do with each wrong line that the course shows.

A lesson says of such a line that it raises, warns, is ignored or trains at a wrong rate. Here each
is run for real. When a new release changes one, its test fails with the words "update the lesson".

Ids: a-z are the lines to find a bug in, P the differences between the frameworks, N wrong names and
formulas, W lines as they were printed in articles; "2" is about plateaus, "4.x" about numbers that
differ where the frameworks are expected to agree. A warning that a test does not expect is an error
in it: "silently" is pinned too.
"""

import functools
import itertools
import json
import math
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras.callbacks import LearningRateScheduler
from keras.callbacks import ReduceLROnPlateau as KerasPlateau
from keras.optimizers import schedules
from rates import keras_rates, moved, torch_pair, torch_rates, torch_sgd
from torch.optim import lr_scheduler

BANK = [
    *("a", "a2", "a3", "a4", "b", "c", "c2", "d", "e", "e2", "f", "g", "h", "i", "j", "k", "l"),
    *("m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z"),
    *("P1", "P2", "P3", "P4", "P5", "N1", "N2", "N3", "N4"),
    *("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9", "W10", "W11", "W12"),
    *("2", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.9", "4.10", "4.11"),
    *("4.12", "4.13", "4.14"),
]
ROWS = {}  # id -> the names of its tests


def row(identity):
    """Mark a test as one of this row: whatever goes wrong in it says "update the lesson"."""

    def decorate(test):
        ROWS.setdefault(identity, []).append(test.__name__)

        @functools.wraps(test)
        def pinned(*args, **kwargs):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error", UserWarning)
                    warnings.simplefilter("error", FutureWarning)
                    warnings.filterwarnings("ignore", "__array__ impl", DeprecationWarning)
                    test(*args, **kwargs)
            except (Exception, pytest.fail.Exception) as error:
                raise pytest.fail.Exception(
                    f"Row {identity} of the bug bank is no longer true: {test.__doc__}\n"
                    f"Seen: {type(error).__name__}: {error}\n"
                    f"If torch {torch.__version__} or keras {keras.__version__} means it, "
                    "update the lesson that shows this row, then this test."
                ) from error

        return pinned

    return decorate


# --- tools ----------------------------------------------------------------------------------------


def trace(scheduler, *arguments, updates, lr=0.1, **options):
    return torch_rates(*torch_pair(scheduler, *arguments, lr=lr, **options), updates)


def by_hand(plan, epochs, lr=0.1, late=False):
    """A loop that sets the rate to plan(epoch, current rate), before the epoch or after it."""
    optimizer, rates = torch_sgd(lr), []
    (group,) = optimizer.param_groups
    for epoch in range(epochs):
        rates += [moved(optimizer)] if late else []
        group["lr"] = plan(epoch, group["lr"])
        rates += [] if late else [moved(optimizer)]
    return rounded(rates)


class RateReader(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.rates = []
        self.model.set_weights([np.zeros((1, 1))])

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.get_weights()[0][0, 0]))
        self.model.set_weights([np.zeros((1, 1))])


def keras_model(rate=0.1, **arguments):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = rate if isinstance(rate, keras.optimizers.Optimizer) else keras.optimizers.SGD(rate)
    model.compile(optimizer, loss=lambda y, prediction: -prediction, **arguments)
    return model


def fit(model, *callbacks, batches=1, **arguments):
    """The rate of every update of a real `model.fit`, and its history."""
    data, reader = np.ones((batches, 1)), RateReader()
    callbacks = [*callbacks, reader]
    history = model.fit(data, data, batch_size=1, verbose=0, callbacks=callbacks, **arguments)
    return rounded(reader.rates), history.history


def callback_rates(function, epochs):
    return fit(keras_model(), LearningRateScheduler(function), epochs=epochs)[0]


def torch_plateau(metrics, lr=1.0, **arguments):
    """The rate after each epoch with that metric."""
    arguments = {"factor": 0.5, **arguments}
    optimizer, plateau = torch_pair(lr_scheduler.ReduceLROnPlateau, lr=lr, **arguments)
    rates = []
    for metric in metrics:
        plateau.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def keras_plateau(metrics, lr=1.0, **arguments):
    plateau, model = KerasPlateau(**{"factor": 0.5, "mode": "min", **arguments}), keras_model(lr)
    plateau.set_model(model)
    plateau.on_train_begin()
    rates = []
    for epoch, metric in enumerate(metrics):
        plateau.on_epoch_end(epoch, {"val_loss": metric})
        rates.append(float(model.optimizer.learning_rate))
    return rates


def two_updates_without_gradient(optimizer_class, **arguments):
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = optimizer_class([weight], lr=0.1, **arguments)
    other = keras.Variable([1.0])
    keras_optimizer = getattr(keras.optimizers, optimizer_class.__name__)(0.1, **arguments)
    keras_optimizer.build([other])
    for _ in range(2):
        weight.grad = torch.zeros_like(weight)
        optimizer.step()
        keras_optimizer.apply([tf.zeros(1)])
    return weight.item(), optimizer.param_groups[0]["lr"], float(other.numpy()[0])


def rounded(values, digits=4):
    return [round(float(value), digits) for value in values]


def values(schedule, steps):
    return rounded(schedule(step) for step in steps)


# --- a-z ------------------------------------------------------------------------------------------


@row("a")
def test_a_torch_attributes_are_not_the_rate():
    """`optimizer._lr`, `.lr` or `.defaults["lr"]` is set: the step goes on with the old rate."""
    optimizer = torch_sgd(0.1)
    optimizer._lr = optimizer.lr = optimizer.defaults["lr"] = 0.5
    assert moved(optimizer) == 0.1
    optimizer.param_groups[0]["lr"] = 0.5
    assert moved(optimizer) == 0.5


@row("a2")
def test_a2_keras_lr_attribute_is_created_silently():
    """Keras `optimizer.lr = 0.5` (or `._lr`) only makes a new attribute: the rate stays 0.1."""
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.lr = optimizer._lr = 0.5
    assert optimizer.lr == 0.5
    assert rounded(keras_rates(optimizer)) == [0.1]
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.learning_rate = 0.5
    assert rounded(keras_rates(optimizer)) == [0.5]


@row("a3")
def test_a3_keras_backend_set_value_is_gone():
    """`backend.set_value(optimizer.learning_rate, x)` of older code fails (keras#19148)."""
    with pytest.raises(AttributeError, match="'str' object has no attribute 'name'"):
        tf.keras.backend.set_value(keras.optimizers.SGD(0.1).learning_rate, 0.5)
    assert not hasattr(keras.backend, "set_value")


@row("a4")
def test_a4_keras_old_arguments_raise_or_are_ignored():
    """Keras `SGD(lr=0.1)` raises; `SGD(decay=0.5)` warns and trains at a constant rate."""
    with pytest.raises(ValueError, match=r"not recognized.*'lr'"):
        keras.optimizers.SGD(lr=0.1)
    with pytest.warns(UserWarning, match="`decay` is no longer supported and will be ignored"):
        optimizer = keras.optimizers.SGD(0.1, decay=0.5)
    assert rounded(keras_rates(optimizer, 3)) == [0.1] * 3


@row("b")
def test_b_decay_of_the_current_rate_compounds():
    """`lr = lr * 0.9**epoch` uses the current rate where the initial one is meant."""
    compounded, planned = [0.1, 0.09, 0.0729, 0.0531, 0.0349], [0.1, 0.09, 0.081, 0.0729, 0.0656]
    assert by_hand(lambda epoch, lr: lr * 0.9**epoch, 5) == compounded
    assert callback_rates(lambda epoch, lr: lr * 0.9**epoch, 5) == compounded
    assert callback_rates(lambda epoch, lr: 0.1 * 0.9**epoch, 5) == planned


@row("c")
def test_c_epochs_counted_in_batches():
    """A schedule sized in epochs and stepped per batch is over within the first MNIST epoch."""
    assert trace(lr_scheduler.StepLR, 10, gamma=0.1, updates=470)[-1] == pytest.approx(1e-47)
    assert float(schedules.ExponentialDecay(0.1, 10, 0.5)(469)) == pytest.approx(7.6e-16, rel=0.01)


@row("c2")
def test_c2_one_cycle_in_batches_stepped_per_epoch():
    """OneCycleLR(epochs=10, steps_per_epoch=100) stepped once an epoch never leaves the start of
    its ramp (ageron/handson-mlp#28)."""
    arguments = dict(max_lr=1.0, epochs=10, steps_per_epoch=100, cycle_momentum=False)
    rates = trace(lr_scheduler.OneCycleLR, **arguments, updates=1000)
    assert rounded(rates[:10:3]) == [0.04, 0.0402, 0.041, 0.0421]
    assert max(rates) == pytest.approx(1.0)


@row("d")
def test_d_the_schedules_that_keras_has():
    """`StepDecay`, `OneCycle` and the like are not there: these six and their base class are."""
    assert {name for name in dir(tf.keras.optimizers.schedules) if name[0].isupper()} == {
        *("CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay"),
        *("PiecewiseConstantDecay", "PolynomialDecay", "LearningRateSchedule"),
    }


@row("e")
def test_e_last_epoch_on_a_fresh_optimizer():
    """`StepLR(optimizer, 10, last_epoch=9)` on a new optimizer raises KeyError."""
    with pytest.raises(KeyError, match="'initial_lr' is not specified"):
        lr_scheduler.StepLR(torch_sgd(), 10, last_epoch=9)


@row("e2")
@pytest.mark.parametrize("last_epoch, rate", [(24, 0.1), (9, 0.01)])
def test_e2_last_epoch_with_initial_lr_misses_the_cuts(last_epoch, rate):
    """With `initial_lr` put in by hand, last_epoch=24 applies none of the two cuts it is past; 9
    works, by luck: the constructor's own step is a cut."""
    optimizer = torch_sgd(0.1)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    scheduler = lr_scheduler.StepLR(optimizer, 10, gamma=0.1, last_epoch=last_epoch)
    assert scheduler.last_epoch == last_epoch + 1
    assert moved(optimizer) == pytest.approx(rate)


VALIDATION = (np.ones((1, 1)), np.ones((1, 1)))


@row("f")
def test_f_plateau_on_val_acc():
    """A plateau on `val_acc` raises, or with mode="max" warns every epoch and never cuts."""
    model = keras_model(metrics=["accuracy"])
    with pytest.raises(ValueError, match="val_acc"):
        fit(model, KerasPlateau(monitor="val_acc"), validation_data=VALIDATION)
    plateau = KerasPlateau(monitor="val_acc", mode="max", patience=1)
    with pytest.warns(UserWarning, match="`val_acc` which is not available") as seen:
        assert fit(model, plateau, epochs=3, validation_data=VALIDATION)[0] == [0.1] * 3
    assert [each.category for each in seen].count(UserWarning) == 3


@row("g")
def test_g_plateau_epsilon_is_swallowed():
    """Keras takes `epsilon=5` without a word and keeps min_delta at 1e-4."""
    assert KerasPlateau(epsilon=5).min_delta == 1e-4


@row("h")
def test_h_plotted_then_trained():
    """The scheduler stepped 30 times for its plot then trains at a constant rate (d2l-en)."""
    optimizer, scheduler = torch_pair(lr_scheduler.MultiStepLR, [15, 30], gamma=0.5, lr=0.5)
    assert torch_rates(optimizer, scheduler, 30) == [0.5] * 15 + [0.25] * 15  # the plot
    assert torch_rates(optimizer, scheduler, 30) == [0.125] * 30


@row("i")
def test_i_rate_set_after_the_epoch():
    """The rate of epoch t is set when t is over: each is applied one epoch late (d2l-en)."""
    rates = by_hand(lambda epoch, lr: 0.1 * (epoch + 1) ** -0.5, 4, late=True)
    assert rates == [0.1, 0.1, 0.0707, 0.0577]


@row("j")
def test_j_warmup_from_zero_wastes_an_epoch():
    """Warmup `0.3 * epoch / 5`: one whole epoch at rate 0, the second one where it is set late
    (d2l-en, its TensorFlow and its PyTorch version)."""
    assert callback_rates(lambda epoch: 0.3 * epoch / 5, 4) == [0, 0.06, 0.12, 0.18]
    assert by_hand(lambda epoch, lr: 0.3 * epoch / 5, 4, lr=0.3, late=True) == [0.3, 0, 0.06, 0.12]


@row("k")
def test_k_stateful_schedule():
    """A schedule that multiplies its own rate gives other rates to whoever asks second (d2l-en)."""

    class Factor:
        def __init__(self, base_lr, factor, epochs):
            self.base_lr, self.factor, self.epochs = base_lr, factor, epochs

        def __call__(self, epoch, lr=None):
            self.base_lr *= self.factor if epoch in self.epochs else 1
            return self.base_lr

    every = Factor(2.0, 0.9, range(3))
    assert values(every, range(3)) == [1.8, 1.62, 1.458]
    assert values(every, range(3)) == [1.3122, 1.181, 1.0629]
    multi = Factor(0.5, 0.5, (3, 6))
    assert values(multi, range(6)) == [0.5] * 3 + [0.25] * 3  # the plot
    assert callback_rates(multi, 6) == [0.25] * 3 + [0.125] * 3


@row("l")
@pytest.mark.parametrize("boundaries", [[50_000, 80_000], [31_250, 50_000]])
def test_l_boundaries_beyond_the_run(boundaries):
    """Boundaries past the last of 17,190 updates never cut, the corrected ones neither
    (ageron/handson-ml3 PR#206)."""
    rate = schedules.PiecewiseConstantDecay(boundaries, [0.01, 0.005, 0.001])
    assert values(rate, [0, 17_189, boundaries[0] + 1]) == [0.01, 0.01, 0.005]


@row("m")
def test_m_warmup_undoes_the_plateau():
    """A LambdaLR warmup stepped on next to a plateau sets each cut back after an epoch, and logs
    its own rate (handson-mlp)."""
    optimizer, warmup = torch_pair(lr_scheduler.LambdaLR, lambda t: min(1, 0.5 + 0.5 * t), lr=0.05)
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=1)
    rates, logged = [], []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        moved(optimizer)
        warmup.step()
        plateau.step(1.0)
        logged.append((warmup.get_last_lr()[0], round(plateau.get_last_lr()[0], 4)))
    assert rounded(rates) == [0.025, 0.05, 0.05, 0.005, 0.05, 0.005]
    assert logged[2:4] == [(0.05, 0.005), (0.05, 0.05)]


@row("n")
def test_n_plateau_mode_min_on_an_accuracy():
    """The default mode="min" on a rising accuracy cuts while everything goes well."""
    rates = torch_plateau(np.linspace(0.5, 0.9, 8), lr=0.1, factor=0.1, patience=2)
    assert rounded(rates) == [0.1] * 3 + [0.01] * 3 + [0.001] * 2


@row("o")
def test_o_plateau_without_metric_and_with_verbose():
    """`plateau.step()` without its metric, and the removed `verbose=True`: TypeError both."""
    with pytest.raises(TypeError, match="metrics"):
        lr_scheduler.ReduceLROnPlateau(torch_sgd()).step()
    with pytest.raises(TypeError, match="verbose"):
        lr_scheduler.ReduceLROnPlateau(torch_sgd(), verbose=True)


@row("p")
def test_p_cosine_past_its_end_rises():
    """CosineAnnealingLR stepped past T_max climbs back: at 2 * T_max it is where it began
    (once published as "restarts")."""
    rates = trace(lr_scheduler.CosineAnnealingLR, 10, lr=1.0, updates=21)
    assert rounded(rates[::5]) == [1, 0.5, 0, 0.5, 1]


@row("q")
def test_q_one_cycle_overrun_and_first_rate():
    """OneCycleLR ignores the optimizer's rate (it starts at max / 25) and raises when overrun."""
    optimizer, cycle = torch_pair(lr_scheduler.OneCycleLR, 1.0, total_steps=10, lr=123.0)
    assert torch_rates(optimizer, cycle, 10)[0] == pytest.approx(0.04)
    with pytest.raises(ValueError, match=r"Tried to step 11 times.*total.* steps is 10"):
        cycle.step()


@row("r")
def test_r_lambda_that_returns_a_rate():
    """LambdaLR takes a factor: for a function that returns the rate 0.1 it trains at 0.01
    (pytorch#2809)."""
    assert rounded(trace(lr_scheduler.LambdaLR, lambda t: 0.1, updates=2)) == [0.01] * 2


@row("s")
def test_s_get_lr_for_logging():
    """`get_lr()` logged at a cut shows 0.001 where 0.01 is applied, and warns (pytorch#22107)."""
    optimizer, scheduler = torch_pair(lr_scheduler.StepLR, 10, gamma=0.1)
    torch_rates(optimizer, scheduler, 10)
    with pytest.warns(UserWarning, match="please use `get_last_lr"):
        assert scheduler.get_lr() == pytest.approx([0.001])
    assert rounded([*scheduler.get_last_lr(), moved(optimizer)]) == [0.01, 0.01]


WRONG_ORDER = r"`lr_scheduler.step\(\)` before `optimizer.step"


@row("t")
def test_t_scheduler_before_optimizer():
    """`scheduler.step()` before `optimizer.step()` skips the first rate, with one warning."""
    optimizer, scheduler = torch_pair(lr_scheduler.ExponentialLR, 0.5)
    rates = []
    with pytest.warns(UserWarning, match=WRONG_ORDER) as seen:
        for _ in range(3):
            scheduler.step()
            rates.append(moved(optimizer))
    assert len(seen) == 1 and rounded(rates) == [0.05, 0.025, 0.0125]


@row("u")
def test_u_scheduler_of_another_optimizer():
    """A new optimizer after the scheduler was made: its rate never moves, and if the old one ever
    stepped there is not even a warning."""
    old, scheduler = torch_pair(lr_scheduler.ExponentialLR, 0.5)
    with pytest.warns(UserWarning, match=WRONG_ORDER):
        assert torch_rates(torch_sgd(0.1), scheduler, 3) == [0.1] * 3
    old, scheduler = torch_pair(lr_scheduler.ExponentialLR, 0.5)
    moved(old)
    assert torch_rates(torch_sgd(0.1), scheduler, 3) == [0.1] * 3
    assert rounded([moved(old)]) == [0.0125]


@row("v")
def test_v_resume_with_the_optimizer_only():
    """Only the optimizer is loaded at step 10 of 20: the cosine begins again from the half rate
    (lightly-train#301)."""
    optimizer, scheduler = torch_pair(lr_scheduler.CosineAnnealingLR, 20)
    torch_rates(optimizer, scheduler, 10)
    fresh = torch_sgd(0.1)
    fresh.load_state_dict(optimizer.state_dict())
    resumed = lr_scheduler.CosineAnnealingLR(fresh, 20)
    assert rounded(torch_rates(fresh, resumed, 3)) == [0.05, 0.0497, 0.0488]
    assert rounded(torch_rates(optimizer, scheduler, 3)) == [0.05, 0.0422, 0.0345]


@row("w")
def test_w_second_keras_fit():
    """A second `fit`: the callback begins again at epoch 0 (`initial_epoch` mends it), the schedule
    object goes on, and a new `compile` counts updates from 0."""
    callback, model = LearningRateScheduler(lambda epoch: 0.1 * 0.5**epoch), keras_model()
    assert fit(model, callback, epochs=2)[0] == [0.1, 0.05]
    assert fit(model, callback, epochs=2)[0] == [0.1, 0.05]
    assert fit(model, callback, epochs=4, initial_epoch=2)[0] == [0.025, 0.0125]
    model = keras_model(schedules.ExponentialDecay(0.1, 1, 0.5))
    assert fit(model, epochs=2)[0] == [0.1, 0.05]
    assert fit(model, epochs=2)[0] == [0.025, 0.0125]
    model.compile(keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 1, 0.5)), model.loss)
    assert fit(model, epochs=2)[0] == [0.1, 0.05]


@row("x")
def test_x_schedule_object_with_a_callback():
    """A rate that is a schedule object cannot be set: a plateau only raises when it first cuts
    (tensorflow#36612)."""
    model = keras_model(schedules.ExponentialDecay(0.1, 1, 0.5))
    flat = KerasPlateau(monitor="loss", mode="min", min_delta=1e3, patience=3)
    assert len(fit(model, flat, epochs=3)[0]) == 3
    for attempt in (
        lambda: fit(model, flat, epochs=4),
        lambda: fit(model, LearningRateScheduler(lambda epoch: 0.1)),
        lambda: setattr(model.optimizer, "learning_rate", 0.1),
    ):
        with pytest.raises(TypeError, match="learning rate is not settable"):
            attempt()


@row("y")
@pytest.mark.parametrize("function", [lambda t: 1, lambda t, lr: lr * keras.ops.exp(-0.1)])
def test_y_callback_that_returns_no_float(function):
    """A LearningRateScheduler function that returns an int, or a tensor as in Keras's own example,
    raises."""
    with pytest.raises(ValueError, match="should be a float"):
        callback_rates(function, 1)


@row("z")
def test_z_history_key():
    """`history["lr"]` is now `history["learning_rate"]`, and only there with a rate callback."""
    _, history = fit(keras_model(), LearningRateScheduler(lambda epoch: 0.1))
    assert sorted(history) == ["learning_rate", "loss"]
    assert sorted(fit(keras_model())[1]) == ["loss"]


# --- P: both frameworks are right, and differ -----------------------------------------------------


@row("P1")
def test_P1_patience():
    """patience=3 on a flat metric: torch cuts after call 5, Keras after call 4."""
    assert torch_plateau([1.0] * 6, patience=3) == [1] * 4 + [0.5] * 2
    assert keras_plateau([1.0] * 6, patience=3) == [1] * 3 + [0.5] * 3


@row("P2")
def test_P2_milestone_and_boundary():
    """Counted from 0, a milestone 10 first acts on update 10 in torch, a boundary 10 on update 11
    in Keras."""
    rates = trace(lr_scheduler.MultiStepLR, [10], gamma=0.1, lr=1.0, updates=12)
    assert rounded(rates) == [1] * 10 + [0.1] * 2
    piecewise = keras.optimizers.SGD(schedules.PiecewiseConstantDecay([10], [1.0, 0.1]))
    assert rounded(keras_rates(piecewise, 12)) == [1] * 11 + [0.1]


@row("P3")
def test_P3_threshold():
    """The default threshold 1e-4 is relative in torch and absolute in Keras."""
    large, small = [1000 - 0.05 * i for i in range(8)], [1e-3 * 0.99**i for i in range(8)]
    assert torch_plateau(large, patience=1)[-1] < 1 == keras_plateau(large, patience=2)[-1]
    assert torch_plateau(small, patience=1)[-1] == 1 > keras_plateau(small, patience=2)[-1]


@row("P4")
def test_P4_cosine_floor():
    """A floor of 0.01 at rate 0.1: torch's eta_min is that rate, Keras's alpha is a share of it."""
    rates = trace(lr_scheduler.CosineAnnealingLR, 10, eta_min=0.01, updates=11)
    assert rounded(rates)[-1] == 0.01
    assert values(schedules.CosineDecay(0.1, 10, alpha=0.01), [10]) == [0.001]


@row("P5")
def test_P5_after_the_horizon():
    """Past the end of a cosine, torch's goes up and down for ever and Keras's stays at its end."""
    rates = trace(lr_scheduler.CosineAnnealingLR, 5, lr=1.0, updates=21)
    assert rounded(rates[5::5]) == [0, 1, 0, 1]
    assert values(schedules.CosineDecay(1.0, 5), [5, 10, 15, 20]) == [0] * 4


# --- N: wrong names and formulas ------------------------------------------------------------------


@row("N1")
def test_N1_wrong_names():
    """What one assignment calls exponential, `lr / (1 + k * epoch)`, is InverseTimeDecay; and
    weight decay shrinks weights, not the rate (deeplearning.ai)."""
    called_exponential = [0.1 / (1 + 0.5 * epoch) for epoch in range(5)]
    assert values(schedules.InverseTimeDecay(0.1, 1, 0.5), range(5)) == rounded(called_exponential)
    assert values(schedules.ExponentialDecay(0.1, 1, 0.5), range(3)) == [0.1, 0.05, 0.025]
    weight, rate, _ = two_updates_without_gradient(torch.optim.SGD, weight_decay=0.1)
    assert (weight, rate) == (pytest.approx(0.99**2), 0.1)


@row("N2")
def test_N2_interval_decay_rounded_to_the_nearest():
    """Rounded to the nearest and not down, decay every 100 epochs is right at 10 and 100, where it
    was checked (deeplearning.ai), and wrong at 150. Not rounded at all, it is wrong at 10."""

    def rate(epoch, cut):
        return 0.5 / (1 + 0.3 * cut(epoch / 100))

    assert [rate(e, round) for e in (10, 100)] == [rate(e, math.floor) for e in (10, 100)]
    assert rounded([rate(150, round), rate(150, math.floor)]) == [0.3125, 0.3846]
    assert rounded([rate(10, float), rate(10, math.floor)]) == [0.4854, 0.5]
    stairs = schedules.InverseTimeDecay(0.5, 100, 0.3, staircase=True)
    assert values(stairs, [0, 99, 150]) == [0.5, 0.5, 0.3846]


@row("N3")
def test_N3_warmup_times_cosine():
    """Warmup multiplied onto a cosine that already runs: the base rate is never reached (UvA)."""

    def factor(t):
        return 0.5 * (1 + math.cos(math.pi * t / 2000)) * min(1, t / 100)

    rates = trace(lr_scheduler.LambdaLR, factor, lr=1.0, updates=2000)
    assert rates.index(max(rates)) == 100 and round(max(rates), 4) == 0.9938


@row("N4")
def test_N4_finder_that_restores_only_the_weights():
    """Weights put back after a range test: the optimizer's moments, its count of updates and the
    random numbers are not, so the training that follows is another one (fastai#3013)."""

    def trained(search, restore=()):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
        weights, random = [p.detach().clone() for p in layer.parameters()], torch.get_rng_state()
        for update in range(16):
            if update == 8:
                for parameter, weight in zip(layer.parameters(), weights):
                    parameter.data.copy_(weight)
                if "optimizer" in restore:
                    optimizer.state.clear()
                if "random" in restore:
                    torch.set_rng_state(random)
            if search or update >= 8:
                optimizer.zero_grad()
                layer(torch.randn(4, 3)).square().mean().backward()
                optimizer.step()
        return layer.weight.tolist()

    alone = trained(search=False)
    for restore in ((), ("optimizer",), ("random",)):
        assert trained(search=True, restore=restore) != alone
    assert trained(search=True, restore=("optimizer", "random")) == alone

    model = keras_model(keras.optimizers.Adam(schedules.ExponentialDecay(0.1, 1, 0.5)))
    weights = model.get_weights()
    fit(model, batches=8)
    model.set_weights(weights)
    assert all(np.abs(slot.numpy()).max() > 0 for slot in model.optimizer.variables)
    assert model.optimizer.iterations == 8  # and with it the rate: 8 updates ahead
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**8)


# --- W: lines as they were printed ----------------------------------------------------------------


@row("W1")
def test_W1_reading_torch_lr():
    """`optimizer._lr = f(epoch, optimizer._lr)` stops at the first epoch: nothing has that name."""
    for name in ("_lr", "lr", "learning_rate"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(torch_sgd(0.1), name)


@row("W2")
def test_W2_linear_decay_of_the_current_rate():
    """Linear decay fed with the current rate compounds to a curve that is not a line."""
    assert by_hand(lambda t, lr: lr * (1 - t / 5), 5, lr=1.0) == [1, 0.8, 0.48, 0.192, 0.0384]
    assert by_hand(lambda t, lr: 1.0 * (1 - t / 5), 5, lr=1.0) == [1, 0.8, 0.6, 0.4, 0.2]


@row("W3")
def test_W3_one_letter_for_step_and_total():
    """`lr * (1 - t / t)`: division by zero at update 0, and a rate of 0 at all the others."""
    with pytest.raises(ZeroDivisionError):
        lr_scheduler.LambdaLR(torch_sgd(), lambda t: 1 - t / t)
    with pytest.raises(ZeroDivisionError):
        callback_rates(lambda t: 0.1 * (1 - t / t), 1)
    assert by_hand(lambda t, lr: 0.1 * (1 - (t + 1) / (t + 1)), 3) == [0] * 3  # counted from 1


@row("W4")
def test_W4_lost_capitals_and_underscores():
    """`nn.linear`, `nn.crossentropyloss` and a method `init` do not run."""
    for name in ("linear", "crossentropyloss"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(torch.nn, name)

    class Net(torch.nn.Module):
        def init(self):
            self.hidden = torch.nn.Linear(784, 1)

        def forward(self, x):
            return self.hidden(x)

    with pytest.raises(AttributeError, match="no attribute 'hidden'"):
        Net()(torch.ones(1, 784))


@row("W5")
@pytest.mark.parametrize("name", ["StepDecay", "OneCycleSchedule", "OneCycle"])
def test_W5_schedules_that_never_existed(name):
    """`tf.keras.optimizers.schedules.StepDecay` and `OneCycleSchedule`: AttributeError."""
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(tf.keras.optimizers.schedules, name)


@row("W6")
def test_W6_experimental_cosine():
    """`tf.keras.experimental.CosineDecay` is now `keras.optimizers.schedules.CosineDecay`."""
    with pytest.raises(AttributeError, match="no attribute 'experimental'"):
        tf.keras.experimental.CosineDecay(0.1, 10)
    assert values(schedules.CosineDecay(0.1, 10), [0, 5, 10]) == [0.1, 0.05, 0]


@row("W7")
def test_W7_finder_that_logs_in_call():
    """A schedule that appends its rate to a list in `__call__` notes one symbolic tensor in four
    updates and no loss; with `float()` it stops `fit`."""

    class Finder(schedules.LearningRateSchedule):
        def __init__(self, convert):
            self.convert, self.noted = convert, []

        def __call__(self, step):
            rate = 0.1 * 2 ** keras.ops.cast(step, "float32")
            self.noted.append(self.convert(rate))
            return rate

    finder = Finder(lambda rate: rate)
    assert fit(keras_model(finder), batches=4)[0] == [0.1, 0.2, 0.4, 0.8]  # it does train
    (noted,) = finder.noted
    with pytest.raises(TypeError, match="SymbolicTensor"):
        float(noted)
    with pytest.raises(TypeError, match="SymbolicTensor"):
        fit(keras_model(Finder(float)), batches=4)


@row("W8")
def test_W8_the_name_is_val_accuracy():
    """`val_acc`: in the history it is `val_accuracy`, and a plateau on that name does cut."""
    plateau, model = (
        KerasPlateau(monitor="val_accuracy", patience=1),
        keras_model(metrics=["accuracy"]),
    )
    rates, history = fit(model, plateau, epochs=3, validation_data=VALIDATION)
    assert "val_accuracy" in history and "val_acc" not in history
    assert rates == [0.1, 0.1, 0.01]


@row("W9")
def test_W9_epsilon_has_no_effect():
    """`epsilon=5`: a loss that falls by 1 an epoch counts as better, with `min_delta=5` it cuts."""
    falling = [10, 9, 8, 7]
    assert keras_plateau(falling, patience=2, epsilon=5) == [1] * 4
    assert keras_plateau(falling, patience=2, min_delta=5) == [1, 1, 0.5, 0.5]
    with pytest.raises(TypeError, match="epsilon"):
        torch_plateau(falling, epsilon=5)


@row("W10")
def test_W10_lambda_and_multiplicative():
    """LambdaLR multiplies the initial rate; it is MultiplicativeLR that multiplies the current."""
    rates = trace(lr_scheduler.LambdaLR, lambda t: 0.9, updates=3)
    assert rounded(rates) == [0.09, 0.09, 0.09]
    rates = trace(lr_scheduler.MultiplicativeLR, lambda t: 0.9, updates=3)
    assert rounded(rates) == [0.1, 0.09, 0.081]


@row("W11")
def test_W11_start_at_epoch_10():
    """`last_epoch=9` to start at epoch 10: KeyError, and with `initial_lr` set it starts at the
    full rate instead of at 0.0349."""
    optimizer = torch_sgd(0.1)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.ExponentialLR(optimizer, 0.9, last_epoch=9)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9, last_epoch=9)
    assert rounded(torch_rates(optimizer, scheduler, 2)) == [0.1, 0.09]
    assert round(trace(lr_scheduler.ExponentialLR, 0.9, updates=11)[10], 4) == 0.0349


@row("W12")
@pytest.mark.parametrize("seed", range(2))
def test_W12_adam_needs_a_schedule_too(seed):
    """Adam at a fixed rate stays at a noise floor that Adam with a decaying rate leaves."""
    noise = np.random.default_rng(seed).normal(size=(300, 200))  # updates, weights

    def torch_loss(factor):
        weight = torch.ones(200, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.Adam([weight], lr=0.1)
        scheduler = lr_scheduler.LambdaLR(optimizer, factor)
        for draw in torch.from_numpy(noise):
            weight.grad = weight.detach() + draw
            optimizer.step()
            scheduler.step()
        return weight.square().mean().item()

    def keras_loss(rate):
        weight, optimizer = keras.Variable(np.ones(200)), keras.optimizers.Adam(rate)
        optimizer.build([weight])
        update = tf.function(lambda draw: optimizer.apply([weight + draw]))
        for draw in tf.constant(noise, tf.float32):
            update(draw)
        return float(np.square(weight.numpy()).mean())

    assert torch_loss(lambda t: 1) > 2 * torch_loss(lambda t: 1 - t / 300)
    assert keras_loss(0.1) > 2 * keras_loss(schedules.PolynomialDecay(0.1, 300, 0.0))


# --- 2: plateaus ----------------------------------------------------------------------------------

NEARLY_FLAT = [1 - 1e-8 * i for i in range(4)]


@row("2")
@pytest.mark.parametrize(
    "metrics, arguments, in_torch, in_keras",
    [
        ([1] * 6, dict(patience=2), [1, 1, 1, 0.5, 0.5, 0.5], [1, 1, 0.5, 0.5, 0.25, 0.25]),
        ([1] * 3, dict(patience=0), [1, 0.5, 0.25], [1, 0.5, 0.25]),
        ([1] * 3, dict(patience=1), [1, 1, 0.5], [1, 0.5, 0.25]),
        ([1] * 4, dict(patience=1, cooldown=1), [1, 1, 0.5, 0.5], [1, 0.5, 0.25, 0.125]),
        ([1] * 4, dict(patience=0, cooldown=2), [1, 0.5, 0.5, 0.5], [1, 0.5, 0.5, 0.25]),
        ([math.nan, 3, 2, 1], dict(patience=2), [1] * 4, [1, 1, 0.5, 0.5]),
        (NEARLY_FLAT, dict(patience=2), [1, 1, 1, 0.5], [1, 1, 0.5, 0.5]),
        (NEARLY_FLAT, dict(patience=2, threshold=0), [1] * 4, [1, 1, 0.5, 0.5]),
    ],
)
def test_2_plateau_traces(metrics, arguments, in_torch, in_keras):
    """The same arguments and metrics: Keras has one less patience (0 is 1) and one less cooldown,
    never recovers from a first NaN, and compares in float32."""
    assert torch_plateau(metrics, **arguments) == in_torch
    names = {"threshold": "min_delta"}
    arguments = {names.get(name, name): value for name, value in arguments.items()}
    assert keras_plateau(metrics, **arguments) == in_keras


@row("2")
def test_2_plateau_arguments_translated():
    """Keras needs patience + 1, cooldown + 1 and an absolute threshold to cut where torch does."""
    metrics = [3, 2, 2, 2, 2, 1.9, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1]
    absolute = dict(threshold_mode="abs", threshold=0.25, eps=0)
    in_torch = torch_plateau(metrics, patience=1, cooldown=2, **absolute)
    assert in_torch == keras_plateau(metrics, patience=2, cooldown=3, min_delta=0.25)
    assert len(set(in_torch)) > 3


@row("2")
def test_2_plateau_on_a_negative_loss_and_at_a_tiny_rate():
    """A negative loss that gets worse counts as better in torch's default mode (pytorch#47513), and
    a rate of 1e-8 is never cut there."""
    worse = [-1, -0.95, -0.9, -0.85, -0.8]
    assert torch_plateau(worse, patience=1, threshold=0.1) == [1] * 5
    assert torch_plateau(worse, patience=1, threshold=0.1, threshold_mode="abs")[-1] < 1
    assert torch_plateau([1] * 5, lr=1e-8, patience=0) == [1e-8] * 5
    assert keras_plateau([1] * 3, lr=1e-8, patience=1)[-1] == pytest.approx(2.5e-9)


@row("2")
def test_2_plateau_in_a_second_fit():
    """Each `fit` forgets the best metric and keeps the cut rate; the callback cannot be saved."""
    model = keras_model(1.0)
    plateau = KerasPlateau(monitor="loss", mode="min", min_delta=1e3, factor=0.5, patience=2)
    assert fit(model, plateau, epochs=4)[0] == [1, 1, 1, 0.5]
    assert fit(model, plateau, epochs=4)[0] == [0.5, 0.5, 0.5, 0.25]
    assert not hasattr(plateau, "get_config")


# --- 4: numbers -----------------------------------------------------------------------------------


@row("4.1")
def test_4_1_the_rate_read_after_an_update_is_the_next_one():
    """`get_last_lr()` after `scheduler.step()`, or Keras's rate after an update: the next rate."""
    optimizer, scheduler = torch_pair(lr_scheduler.ExponentialLR, 0.5)
    assert torch_rates(optimizer, scheduler, 1) == [0.1] and scheduler.get_last_lr() == [0.05]
    optimizer = keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 1, 0.5))
    assert rounded([*keras_rates(optimizer), optimizer.learning_rate]) == [0.1, 0.05]


@row("4.2")
def test_4_2_keras_accumulation_feeds_the_schedule_micro_steps():
    """With gradient_accumulation_steps=4 the schedule runs four times too fast."""
    rate = schedules.PolynomialDecay(1.0, 100, 0.0)
    optimizer = keras.optimizers.SGD(rate, gradient_accumulation_steps=4)
    assert rounded(keras_rates(optimizer, 16)[3::4]) == [0.97, 0.93, 0.89, 0.85]
    assert optimizer.iterations == 4


@row("4.3")
def test_4_3_skipped_updates_of_mixed_precision():
    """An overflow skips the update: torch's scheduler advances all the same (pytorch#44511), while
    Keras's schedule waits."""
    optimizer, scheduler = torch_pair(lr_scheduler.StepLR, 1, gamma=0.5, lr=1.0)
    (weight,) = optimizer.param_groups[0]["params"]
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    with pytest.warns(UserWarning, match=WRONG_ORDER):
        for gradient in (math.inf, 1.0, 1.0):
            optimizer.zero_grad()
            scaler.scale((weight * gradient).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
    assert weight.item() == -0.75  # 0.5 + 0.25: no update was made at rate 1
    assert scheduler.get_last_lr() == [0.125]

    inner = keras.optimizers.SGD(schedules.PolynomialDecay(1.0, 10, 0.0))
    optimizer, weight = keras.optimizers.LossScaleOptimizer(inner, 4.0), keras.Variable([0.0])
    optimizer.build([weight])
    for gradient in (math.inf, 2.0, 2.0):  # the overflow has halved the scale
        optimizer.apply([tf.constant([gradient])])
    assert rounded([weight.numpy()[0], inner.learning_rate]) == [-1.9, 0.8]


@row("4.4")
def test_4_4_keras_schedules_are_float32():
    """A long Keras schedule is rounded: cosine is 0 before its end, exponential 0.3 % off, and
    float64 (from an np.float64 rate) does not survive JSON."""
    last = 0.05 * (1 + math.cos(math.pi * 0.99999))
    assert float(schedules.CosineDecay(0.1, 100_000)(99_999)) == 0
    exact = schedules.CosineDecay(np.float64(0.1), 100_000)
    assert float(exact(99_999)) == pytest.approx(last)
    again = schedules.CosineDecay.from_config(json.loads(json.dumps(exact.get_config())))
    assert float(again(99_999)) == 0
    power = 0.1 * 0.9999**200_000
    rates = [schedules.ExponentialDecay(0.1, n, 0.9999**n)(200_000) for n in (1, 100_000)]
    assert [float(rate) / power - 1 for rate in rates] == [
        pytest.approx(-3.3e-3, rel=0.05),
        pytest.approx(0, abs=1e-6),  # the same formula, written with a long unit
    ]
    line = schedules.PolynomialDecay(1.0, 2**25, 0.0)
    assert float(line(2**24)) == float(line(2**24 + 1))


@row("4.5")
def test_4_5_keras_casts_through_float32():
    """A Python 0.9 cast to float64 by Keras is not 0.9: float64 momentum is rounded too."""
    assert float(keras.ops.cast(0.9, "float64")) == 0.8999999761581421


INVALID = tf.errors.InvalidArgumentError


@row("4.6")
@pytest.mark.parametrize(
    "name, arguments, rates",
    [
        ("ExponentialDecay", (1, 10, 0.9), [1, 0, 0]),
        ("InverseTimeDecay", (1, 10, 0.5), [1, 1, 1]),
        ("PolynomialDecay", (1, 10, 0.0), [1, 0.5, 0]),
        ("CosineDecay", (1, 10), [1, 0.5354, 0.005]),  # 0.5 and 0: pi was cast to 3
        ("CosineDecayRestarts", (1, 10), TypeError),
        ("PiecewiseConstantDecay", ([5], [1, 0.1]), INVALID),
        ("CosineDecay", (0, 1000, 0.0, "warmed", 0.1, 1000), INVALID),  # the docstring's example
        ("CosineDecay", (0.1, 10, 0.0, "no target", None, 5), [0.1, 0.05, 0]),  # no warmup
    ],
)
def test_4_6_keras_schedules_from_an_int(name, arguments, rates):
    """An int as rate: 0 from update 1 on, constant, right, a bit off or an error, by schedule; and
    warmup_steps without warmup_target is ignored."""
    schedule = getattr(schedules, name)(*arguments)
    if isinstance(rates, list):
        assert values(schedule, [0, 5, 10]) == rates
    else:
        with pytest.raises(rates):
            schedule(3)


@row("4.6")
def test_4_6_keras_rates_of_other_types():
    """`SGD(1)` and `SGD(np.float32(0.1))` raise; a function gets no step, whatever the error says;
    a TypeError in a callback's function is swallowed, and it is called again without the rate."""
    for rate in (1, np.float32(0.1)):
        with pytest.raises(ValueError, match="takes in the current iteration"):
            keras.optimizers.SGD(rate)
    assert rounded(keras_rates(keras.optimizers.SGD(np.float64(0.1)))) == [0.1]
    assert rounded(keras_rates(keras.optimizers.SGD(lambda: 0.1))) == [0.1]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        keras_rates(keras.optimizers.SGD(lambda step: 0.1))
    assert callback_rates(lambda epoch, lr=None: 0.2 if lr is None else lr + "oops", 1) == [0.2]


@row("4.7")
@pytest.mark.parametrize(
    "rate, error",
    [
        (lambda step: 0.1 if step < 2 else 0.01, tf.errors.OperatorNotAllowedInGraphError),
        (lambda step: 0.1 / (1 + int(step)), AttributeError),
        (lambda step: 0.1 * np.cos(step), NotImplementedError),
    ],
    ids=["if", "int", "numpy"],
)
def test_4_7_python_in_a_schedule(rate, error):
    """A schedule with a Python `if`, `int()` or NumPy runs eagerly and fails in `fit`."""

    class Mine(schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate(step)

    eager = keras_rates(keras.optimizers.SGD(Mine()), 3, wrap=lambda update: update)
    assert rounded(eager) == values(rate, range(3))
    with pytest.raises(error):
        fit(keras_model(Mine()))


@row("4.7")
def test_4_7_momentum_is_baked_into_the_graph():
    """Between compiled steps a new `learning_rate` is used and a new `momentum` is not."""
    optimizer, weight = keras.optimizers.SGD(1.0, momentum=0.9), keras.Variable([0.0])
    optimizer.build([weight])
    update = tf.function(lambda: optimizer.apply([tf.ones(1)]))
    positions = []
    for name, value in (("momentum", 0.9), ("momentum", 0.0), ("learning_rate", 0.0)):
        setattr(optimizer, name, value)
        update()
        positions.append(weight.numpy()[0])
    assert rounded(positions) == rounded([-1, -1 - 1.9, -1 - 1.9 - 0.9 * 1.9])


@row("4.8")
def test_4_8_momentum_after_a_cut():
    """Rate 1 to 0.1 with momentum 0.9: torch's steps shrink at once, Keras's bit by bit
    (pytorch#1099)."""
    optimizer = torch_sgd(1.0, momentum=0.9)
    rates = torch_rates(optimizer, lr_scheduler.MultiStepLR(optimizer, [30]), 33)
    assert rounded(rates[29:], 2) == [9.58, 0.96, 0.97, 0.97]
    piecewise = schedules.PiecewiseConstantDecay([29], [1.0, 0.1])
    rates = keras_rates(keras.optimizers.SGD(piecewise, momentum=0.9), 33)
    assert rounded(rates[29:], 2) == [9.58, 8.72, 7.95, 7.25]


@row("4.9")
@pytest.mark.parametrize(
    "name, in_torch, in_keras, gradient, steps",
    [
        ("Adam", dict(eps=1e-7), dict(epsilon=1e-7), 1e-3, (9.999e-4, 9.97e-4)),
        ("Adam", dict(eps=1e-7), dict(epsilon=1e-7), 1e-6, (9.09e-4, 2.40e-4)),
        ("Adam", dict(eps=1e-7), dict(epsilon=1e-7), 1e-8, (9.09e-5, 3.15e-6)),
        ("RMSprop", dict(alpha=0.9, eps=1e-7), dict(epsilon=1e-7), 1e-6, (2.40e-3, 3.16e-6)),
        ("Adagrad", dict(eps=1e-7), dict(epsilon=1e-7), 0.1, (1e-3, 3.015e-4)),  # sums from 0, 0.1
    ],
)
def test_4_9_the_same_epsilon_makes_another_first_step(name, in_torch, in_keras, gradient, steps):
    """At rate 1e-3 and small gradients: Keras adds epsilon before Adam's correction, inside
    RMSprop's root."""
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    weight.grad = torch.full_like(weight, gradient)
    getattr(torch.optim, name)([weight], lr=1e-3, **in_torch).step()
    other, optimizer = keras.Variable([0.0]), getattr(keras.optimizers, name)(1e-3, **in_keras)
    optimizer.build([other])
    optimizer.apply([tf.constant([gradient])])
    assert (-weight.item(), -float(other.numpy()[0])) == pytest.approx(steps, rel=3e-3)


@row("4.9")
@pytest.mark.parametrize(
    "name, in_torch, in_keras",
    [
        ("SGD", dict(lr=1e-3, weight_decay=0), dict(learning_rate=1e-2)),
        ("Adam", dict(lr=1e-3, eps=1e-8), dict(learning_rate=1e-3, epsilon=1e-7)),
        ("AdamW", dict(lr=1e-3, weight_decay=0.01), dict(learning_rate=1e-3, weight_decay=0.004)),
        ("AdamW", dict(eps=1e-8), dict(epsilon=1e-7)),
        ("RMSprop", dict(lr=1e-2, alpha=0.99), dict(learning_rate=1e-3, rho=0.9)),
        ("RMSprop", dict(eps=1e-8, weight_decay=0), dict(epsilon=1e-7)),
        ("Adagrad", dict(lr=1e-2, eps=1e-10), dict(learning_rate=1e-3, epsilon=1e-7)),
        (
            "Adagrad",
            dict(initial_accumulator_value=0, weight_decay=0),
            dict(initial_accumulator_value=0.1),
        ),
        ("Adadelta", dict(lr=1.0, rho=0.9), dict(learning_rate=1e-3, rho=0.95)),
        ("NAdam", dict(lr=2e-3), dict(learning_rate=1e-3)),
        ("Adamax", dict(lr=2e-3), dict(learning_rate=1e-3)),
    ],
)
def test_4_9_defaults(name, in_torch, in_keras):
    """An optimizer left at its defaults is another optimizer in the other framework."""
    group = getattr(torch.optim, name)([torch.zeros(1, requires_grad=True)]).param_groups[0]
    assert {key: group[key] for key in in_torch} == in_torch
    config = getattr(keras.optimizers, {"NAdam": "Nadam"}.get(name, name))().get_config()
    assert {key: float(config[key]) for key in in_keras} == pytest.approx(in_keras)


@row("4.10")
@pytest.mark.parametrize(
    "name, arguments, in_torch, in_keras",
    [
        ("SGD", {}, 0.9025, 0.9025),
        ("SGD", dict(momentum=0.9), 0.8575, 0.9025),
        ("Adam", {}, 0.8004, 0.9025),
        ("AdamW", {}, 0.9025, 0.9025),
    ],
)
def test_4_10_weight_decay(name, arguments, in_torch, in_keras):
    """weight_decay=0.5 at rate 0.1 and gradient 0, two updates from 1: torch's SGD and Adam add it
    to the gradient, Keras always shrinks the weight by it directly."""
    optimizer_class = getattr(torch.optim, name)
    ours, _, theirs = two_updates_without_gradient(optimizer_class, weight_decay=0.5, **arguments)
    assert rounded([ours, theirs]) == [in_torch, in_keras]


def half_cosine(t):
    return 0.5 * (1 + math.cos(math.pi * t / 10))


@row("4.11")
@pytest.mark.parametrize(
    "scheduler, argument, after",
    [(lr_scheduler.CosineAnnealingLR, 10, 0.0082), (lr_scheduler.LambdaLR, half_cosine, 0.6545)],
)
def test_4_11_a_rate_set_by_hand(scheduler, argument, after):
    """A rate of 0.01 set by hand in mid-run is kept and scaled by a recursive scheduler, and
    overwritten by one with a closed form."""
    optimizer, scheduler = torch_pair(scheduler, argument, lr=1.0)
    torch_rates(optimizer, scheduler, 3)
    optimizer.param_groups[0]["lr"] = 0.01
    assert rounded(torch_rates(optimizer, scheduler, 2)) == [0.01, after]


@row("4.11")
@pytest.mark.parametrize("kind, low, high", [(torch.tensor, 5e-5, 2e-4), (float, 0, 1e-12)])
def test_4_11_drift_of_a_float32_tensor_rate(kind, low, high):
    """10,000 recursive steps drift by 1e-4 where the rate is a float32 tensor, not for a float."""
    optimizer, scheduler = torch_pair(lr_scheduler.ExponentialLR, 0.9997, lr=kind(0.1))
    torch_rates(optimizer, scheduler, 10_000)
    assert low <= abs(moved(optimizer) / (0.1 * 0.9997**10_000) - 1) < high


@row("4.12")
def test_4_12_cosine_made_anew_at_zero():
    """A new CosineAnnealingLR as restart, made when the rate is 0, stays at 0 (pytorch#78003)."""
    optimizer, scheduler = torch_pair(lr_scheduler.CosineAnnealingLR, 5)
    torch_rates(optimizer, scheduler, 5)
    assert torch_rates(optimizer, lr_scheduler.CosineAnnealingLR(optimizer, 5), 5) == [0] * 5


@row("4.12")
def test_4_12_one_cycle():
    """The 11th rate of a cycle of 10 is allowed and jumps up again (pytorch#38170, #91765); a
    warmup share of one step, or of 1, divides by zero; SGD gets a momentum, Adam another beta."""
    arguments = dict(max_lr=1.0, total_steps=10)
    rates = trace(lr_scheduler.OneCycleLR, **arguments, cycle_momentum=False, updates=10)
    assert rates[-1] == pytest.approx(4e-6)
    optimizer, cycle = torch_pair(lr_scheduler.OneCycleLR, **arguments)
    assert optimizer.param_groups[0]["momentum"] == 0.95
    torch_rates(optimizer, cycle, 10)
    assert rounded(cycle.get_last_lr()) == [0.0495]
    for pct_start in (0.1, 1.0):
        with pytest.raises(ZeroDivisionError):
            trace(lr_scheduler.OneCycleLR, **arguments, pct_start=pct_start, updates=10)
    adam = torch.optim.Adam([torch.zeros(1, requires_grad=True)], betas=(0.8, 0.99))
    lr_scheduler.OneCycleLR(adam, **arguments)
    assert adam.param_groups[0]["betas"] == (0.95, 0.99)


@row("4.12")
@pytest.mark.parametrize("first, factor, epoch", [(1, 3, 121), (10, 3, 1210), (7, 10, 777)])
def test_4_12_warm_restarts_step_of_an_epoch(first, factor, epoch):
    """CosineAnnealingWarmRestarts.step(epoch) at an exact restart: the lowest rate for the highest;
    plain step() is right."""
    for steps, rate in (([epoch], 0.1), ([None] * epoch, 1.0)):
        arguments = dict(T_0=first, T_mult=factor, eta_min=0.1, lr=1.0)
        optimizer, scheduler = torch_pair(lr_scheduler.CosineAnnealingWarmRestarts, **arguments)
        optimizer.step()
        for step in steps:
            scheduler.step(step)
        assert moved(optimizer) == pytest.approx(rate)


@row("4.12")
@pytest.mark.parametrize(
    "first, factor, step", [(10, 2.0, 81_910), (7, 2.0, 57_337), (100, 1.1, 210)]
)
def test_4_12_keras_restarts_at_zero(first, factor, step):
    """CosineDecayRestarts is 0 at some exact restarts, by float32, and high one update later."""
    restarts = schedules.CosineDecayRestarts(1.0, first, factor)
    assert rounded([restarts(step), restarts(step + 1)], 2) == [0, 1]


def after_warmup(second, *arguments, updates=8, **options):
    """The rates of a warmup of 4 updates and then this second scheduler, from a base rate of 1."""

    def sequence(optimizer):
        warmup = lr_scheduler.LinearLR(optimizer, 0.2, 1.0, 4)
        then = second(optimizer, *arguments, **options)
        return lr_scheduler.SequentialLR(optimizer, [warmup, then], [4])

    return rounded(trace(sequence, lr=1.0, updates=updates))


@row("4.12")
def test_4_12_sequential():
    """Warmup then cosine joins without a jump; MultiplicativeLR goes on from the last warmup rate
    instead of the base rate; OneCycleLR overwrites the base rate of the warmup before it."""
    warmup = [0.2, 0.4, 0.6, 0.8]
    assert after_warmup(lr_scheduler.CosineAnnealingLR, 4) == [*warmup, 1, 0.8536, 0.5, 0.1464]
    rates = after_warmup(lr_scheduler.MultiplicativeLR, lambda t: 0.5)
    assert rates == [*warmup, 0.4, 0.2, 0.1, 0.05]
    rates = after_warmup(lr_scheduler.OneCycleLR, 1.0, total_steps=8, cycle_momentum=False)
    assert rates[:5] == [0.008, 0.016, 0.024, 0.032, 0.04]


@row("4.12")
def test_4_12_sequential_of_combinations():
    """A ChainedScheduler or SequentialLR as second part raises at the milestone (pytorch#196243,
    #119168); a plateau is refused at once (pytorch#68978)."""

    def chained(optimizer):
        return lr_scheduler.ChainedScheduler([lr_scheduler.ConstantLR(optimizer)], optimizer)

    def nested(optimizer):
        parts = [lr_scheduler.ExponentialLR(optimizer, 0.9) for _ in range(2)]
        return lr_scheduler.SequentialLR(optimizer, parts, [2])

    for second in (chained, nested):
        assert len(after_warmup(second, updates=3)) == 3
        with pytest.raises(NotImplementedError):
            after_warmup(second, updates=4)
    with pytest.raises((TypeError, ValueError), match=r"ReduceLROnPlateau|metrics"):
        after_warmup(lr_scheduler.ReduceLROnPlateau, updates=0)


@row("4.12")
def test_4_12_resuming():
    """After t epochs last_epoch must be t - 1; a scheduler's state alone goes on from the full
    rate; LambdaLR made after loading the optimizer sets its rate back."""
    planned = trace(lr_scheduler.CosineAnnealingLR, 20, updates=12)[10:]
    done, scheduler = torch_pair(lr_scheduler.CosineAnnealingLR, 20)
    torch_rates(done, scheduler, 10)
    for last_epoch, same in ((9, True), (10, False)):
        fresh = torch_sgd(0.1)
        fresh.load_state_dict(done.state_dict())
        resumed = lr_scheduler.CosineAnnealingLR(fresh, 20, last_epoch=last_epoch)
        assert (torch_rates(fresh, resumed, 2) == pytest.approx(planned)) is same
    fresh, resumed = torch_pair(lr_scheduler.CosineAnnealingLR, 999)
    resumed.load_state_dict(scheduler.state_dict())
    assert resumed.T_max == 20  # the state overrules the argument
    assert rounded(torch_rates(fresh, resumed, 3)) == [0.1, 0.0844, 0.0691]
    fresh = torch_sgd(0.1)
    fresh.load_state_dict(done.state_dict())
    scheduler = lr_scheduler.LambdaLR(fresh, lambda t: 0.9**t)
    assert moved(fresh) == 0.1 and scheduler.state_dict()["lr_lambdas"] == [None]


@row("4.12")
def test_4_12_group_added_later():
    """A parameter group added in mid-run: cosine goes on, LambdaLR raises at its next step."""
    cosine = torch_pair(lr_scheduler.CosineAnnealingLR, 20)
    by_lambda = torch_pair(lr_scheduler.LambdaLR, lambda t: 0.9**t)
    for optimizer, _ in (cosine, by_lambda):
        optimizer.step()
        optimizer.add_param_group({"params": [torch.zeros(1)], "initial_lr": 0.1})
    cosine[1].step()
    with pytest.raises(ValueError, match="zip"):
        by_lambda[1].step()


@row("4.13")
def test_4_13_tensor_rates():
    """One tensor as the rate of two optimizers: the scheduler of the first moves both. With
    foreach=True and not capturable=True such a rate is refused."""
    rate = torch.tensor(1.0)
    first, second = torch_sgd(rate), torch_sgd(rate)
    torch_rates(first, lr_scheduler.ExponentialLR(first, 0.5), 1)
    assert moved(second) == 0.5
    plateau = lr_scheduler.ReduceLROnPlateau(first, factor=0.5, patience=0)
    for _ in range(2):
        plateau.step(1.0)
    assert first.param_groups[0]["lr"] is rate and moved(second) == 0.25
    with pytest.raises(ValueError, match="lr as a Tensor is not supported"):
        torch.optim.Adam([torch.zeros(1, requires_grad=True)], lr=rate, foreach=True)


@row("4.14")
def test_4_14_keras_schedules_go_through_json():
    """Keras's own schedules can be saved as JSON and come back the same."""
    for before in (
        schedules.CosineDecay(0.1, 10, alpha=0.1),
        schedules.CosineDecayRestarts(0.1, 5),
        schedules.ExponentialDecay(0.1, 10, 0.5),
        schedules.InverseTimeDecay(0.1, 10, 0.5),
        schedules.PiecewiseConstantDecay([5], [0.1, 0.01]),
        schedules.PolynomialDecay(0.1, 10),
    ):
        after = schedules.deserialize(json.loads(json.dumps(schedules.serialize(before))))
        assert values(after, range(0, 12, 4)) == values(before, range(0, 12, 4))


@row("4.14")
def test_4_14_saving_a_model(tmp_path):
    """With a schedule that has no get_config a model trains and cannot be saved; with one of
    Keras's own, the loaded model goes on at its update."""

    class Mine(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1 + keras.ops.cast(step, "float32"))

    model = keras_model(Mine())
    assert fit(model, epochs=2)[0] == [0.1, 0.05]
    with pytest.raises(NotImplementedError, match="get_config"):
        model.save(tmp_path / "mine.keras")
    model.compile(keras.optimizers.SGD(schedules.ExponentialDecay(0.1, 1, 0.5)), loss="mse")
    fit(model, epochs=2)
    model.save(tmp_path / "built_in.keras")
    loaded = keras.saving.load_model(tmp_path / "built_in.keras")
    assert rounded([loaded.optimizer.learning_rate]) == [0.025]


# --- the bank itself ------------------------------------------------------------------------------


def test_every_row_of_the_bank_has_a_test_of_its_name():
    assert sorted(ROWS) == sorted(BANK)
    for identity, names in ROWS.items():
        prefix = f"test_{identity.replace('.', '_')}_"
        assert all(name.startswith(prefix) and name in globals() for name in names)
    names = list(itertools.chain(*ROWS.values()))
    assert len(set(names)) == len(names)  # none hides another of the same name


def breaks_an_assertion():
    """What the learner writes."""
    assert [0.1] == [0.2]


def does_not_raise():
    """What the learner writes."""
    with pytest.raises(ValueError):
        float("1")


def raises_another():
    """What the learner writes."""
    raise KeyError("initial_lr")


def warns():
    """What the learner writes."""
    warnings.warn("new in this release", stacklevel=1)


@pytest.mark.parametrize(
    "test, seen",
    [
        (breaks_an_assertion, r"AssertionError: .*0\.1.*0\.2"),
        (does_not_raise, "Failed: DID NOT RAISE"),
        (raises_another, "KeyError: 'initial_lr'"),
        (warns, "UserWarning: new in this release"),
    ],
)
def test_a_row_that_is_no_longer_true_says_update_the_lesson(test, seen, monkeypatch):
    monkeypatch.setitem(ROWS, "made up", [])
    with pytest.raises(pytest.fail.Exception) as failure:
        row("made up")(test)()
    assert ROWS["made up"] == [test.__name__]
    message = rf"Row made up .*learner writes.\nSeen: {seen}.*update the lesson"
    assert re.search(message, str(failure.value), re.DOTALL)


def test_a_row_that_is_true_passes_and_keeps_its_arguments(monkeypatch):
    monkeypatch.setitem(ROWS, "made up", [])
    calls = []
    row("made up")(lambda *args, **kwargs: calls.append((args, kwargs)))(1, seed=2)
    assert calls == [((1,), {"seed": 2})]
