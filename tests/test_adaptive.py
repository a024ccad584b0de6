"""Adaptive rules: what each weight's rate is, and where the two frameworks part.

In float64 throughout. Keras takes plain Python floats through float32, so settings that must be
exact are NumPy numbers here.
"""

import inspect
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from patterns import patterns

from course_lib import adaptive, pytorch, training
from course_lib import tensorflow as ours
from course_lib.pytorch import TorchSchedule
from course_lib.schedules import Schedule, constant, cosine, one_cycle, one_cycle_momentum
from course_lib.tensorflow import KerasSchedule
from course_lib.trainers import models
from course_lib.training import FRAMEWORKS, OPTIMIZERS, Run, fit

F = np.float64
K, T = keras.optimizers, torch.optim
BETAS = {"beta_1": F(0.9), "beta_2": F(0.999)}
CURVATURE = np.linspace(0.05, 1, 6)
START = np.random.default_rng(0).normal(size=6)
GRADIENTS = np.random.default_rng(1).normal(size=(40, 4)) * [1, 1e-2, 1e-4, 10]


def fixed(lr):
    return KerasSchedule(Schedule(constant, lr=lr), 1, dtype="float64")


def torch_run(make, gradients=GRADIENTS):
    """Each update's change and, from the optimizer, its effective rates: two arrays (t, i)."""
    weight = torch.zeros(gradients.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer, changes, rates = make([weight]), [], []
    for gradient in gradients:
        before = weight.detach().clone()
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        changes.append((weight.detach() - before).numpy())
        rates.append(pytorch.effective_rates(optimizer)[0])
    return np.array(changes), np.array(rates)


def keras_run(optimizer, gradients=GRADIENTS):
    weight = keras.Variable(np.zeros(gradients.shape[1]), dtype="float64")
    optimizer.build([weight])
    changes, rates = [], []
    for gradient in gradients:
        before = keras.ops.convert_to_numpy(weight).copy()
        optimizer.apply([tf.constant(gradient)], [weight])
        changes.append(keras.ops.convert_to_numpy(weight) - before)
        rates.append(ours.effective_rates(optimizer)[0])
    return np.array(changes), np.array(rates)


def first_moment(gradients, beta=0.9):
    now, moments = 0.0, []
    for gradient in gradients:
        now = beta * now + (1 - beta) * gradient
        moments.append(now)
    return np.array(moments)


# --- our recurrences are what the frameworks do ---------------------------------------------------

SAME = {
    "torch adagrad": (
        lambda: torch_run(lambda p: T.Adagrad(p, lr=0.1, eps=1e-3)),
        lambda: adaptive.adagrad_rates(GRADIENTS, lr=0.1, eps=1e-3),
    ),
    "keras adagrad": (
        lambda: keras_run(K.Adagrad(fixed(0.1), 0.5, epsilon=F(1e-3))),
        lambda: adaptive.adagrad_rates(GRADIENTS, lr=0.1, eps=1e-3, initial=0.5, eps_inside=True),
    ),
    "torch rmsprop": (
        lambda: torch_run(lambda p: T.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-3)),
        lambda: adaptive.rmsprop_rates(GRADIENTS, lr=0.1, alpha=0.9, eps=1e-3),
    ),
    "keras rmsprop": (
        lambda: keras_run(K.RMSprop(fixed(0.1), rho=F(0.9), epsilon=F(1e-3))),
        lambda: adaptive.rmsprop_rates(GRADIENTS, lr=0.1, alpha=0.9, eps=1e-3, eps_inside=True),
    ),
    "torch adam": (
        lambda: torch_run(lambda p: T.Adam(p, lr=0.1, eps=1e-3)),
        lambda: adaptive.adam_rates(GRADIENTS, lr=0.1, eps=1e-3),
    ),
    "keras adam": (
        lambda: keras_run(K.Adam(fixed(0.1), epsilon=F(1e-3), **BETAS)),
        lambda: adaptive.adam_rates(GRADIENTS, lr=0.1, eps=1e-3, eps_hat=True),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_our_rates_are_the_changes_that_the_optimizer_makes(name):
    run, formula = SAME[name]
    (changes, read), rates = run(), formula()
    moved = first_moment(GRADIENTS) if "adam" in name.split() else GRADIENTS
    # A change is the difference of two weights, so small ones have lost digits of their own.
    np.testing.assert_allclose(changes, -rates * moved, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(read, rates, rtol=1e-10)


def test_the_rate_may_follow_a_schedule():
    lr = [0.1, 0.2, 0.4]
    np.testing.assert_allclose(
        adaptive.adam_rates(GRADIENTS[:3], lr=lr) / adaptive.adam_rates(GRADIENTS[:3], lr=1.0),
        np.repeat(lr, 4).reshape(3, 4),
    )


def test_effective_rates_says_what_it_cannot_read():
    weight = torch.zeros(1, requires_grad=True)
    with pytest.raises(TypeError, match=r"Adagrad, Adam, .* got NAdam"):
        pytorch.effective_rates(T.NAdam([weight]))
    with pytest.raises(TypeError, match=r"Adagrad, Adam, .* got Nadam"):
        ours.effective_rates(K.Nadam())
    for each in (T.Adam([weight]), T.Adagrad([weight])):
        with pytest.raises(ValueError, match="must have made an update"):
            pytorch.effective_rates(each)
    frozen, trained = torch.zeros(2), torch.ones(1, requires_grad=True)
    trained.grad = torch.ones(1)
    for each in (T.Adam([frozen, trained], lr=0.1), T.Adagrad([frozen, trained], lr=0.1)):
        each.step()
        rates = pytorch.effective_rates(each)
        assert np.isnan(rates[0]).tolist() == [True, True] and np.isfinite(rates[1])
    without_state = T.SGD([frozen, trained], lr=0.1)
    assert pytorch.effective_rates(without_state)[0].tolist() == [0.1, 0.1]
    with pytest.raises(ValueError, match="must have made an update"):
        ours.effective_rates(K.Adam())


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: adaptive.adagrad_rates([1.0], lr=1), r"row per update .* got the shape \(1,\)"),
        (lambda: adaptive.adam_rates(GRADIENTS, lr=[1, 2]), "each of the 40 updates"),
        (lambda: adaptive.rmsprop_rates(GRADIENTS, lr=1, alpha=1), "alpha must be .* below 1"),
        (lambda: adaptive.adagrad_rates(GRADIENTS, lr=1, eps=-1), "eps must be .* got -1"),
        (lambda: adaptive.adagrad_rates(GRADIENTS, lr=1, initial=-1), "initial must be"),
        (lambda: adaptive.rmsprop_rates(GRADIENTS, lr=1, eps=-1), "eps must be"),
        (lambda: adaptive.adam_rates(GRADIENTS, lr=1, eps=-1), "eps must be"),
        (lambda: adaptive.adam_rates(GRADIENTS, lr=1, betas=(1, 0.9)), "beta_1 must be .* below 1"),
        (lambda: adaptive.adam_rates(GRADIENTS, lr=1, betas=(0.9, 1)), "beta_2 must be .* below 1"),
        (lambda: adaptive.adagrad_norm_rates(GRADIENTS, lr=1, initial=-1), "initial must be"),
    ],
)
def test_wrong_arguments(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize(
    "rates, settings",
    [
        (adaptive.adagrad_rates, {"eps": 0.0}),
        (adaptive.rmsprop_rates, {"eps": 0.0}),
        (adaptive.adam_rates, {"eps": 0.0}),
        (adaptive.adagrad_norm_rates, {"initial": 0.0}),
    ],
)
def test_a_rate_of_zero_is_zero_and_without_gradient_and_epsilon_a_rate_is_infinite(
    rates, settings
):
    assert rates([[0.0], [0.0]], lr=[0.0, 0.1], **settings).tolist() == [[0.0], [np.inf]]


@pytest.mark.parametrize(
    "rates, kind",
    [
        (adaptive.adagrad_rates, T.Adagrad),
        (adaptive.rmsprop_rates, T.RMSprop),
        (adaptive.adam_rates, T.Adam),
    ],
)
def test_the_settings_of_a_rule_are_by_default_those_of_pytorch(rates, kind):
    said, theirs = inspect.signature(rates).parameters, inspect.signature(kind).parameters
    names = {"eps": "eps", "alpha": "alpha", "betas": "betas"}
    names["initial"] = "initial_accumulator_value"
    for each, name in names.items():
        assert each not in said or said[each].default == theirs[name].default
    flags = [said[each].default for each in ("eps_inside", "eps_hat") if each in said]
    assert flags == [False]


# --- second derivatives ---------------------------------------------------------------------------


def test_the_hessian_diagonal_of_a_known_function_in_both():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2.0, 5.0])
    x, y = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    linear = torch.ones(1, dtype=torch.float64, requires_grad=True)
    in_torch = pytorch.hessian_diagonal(
        lambda: (x**3).sum() * y[0] + y[1] ** 2 + linear.sum(), [x, y, linear]
    )
    u, v, w = (keras.Variable(each, dtype="float64") for each in (a, b, np.ones(1)))
    in_keras = ours.hessian_diagonal(
        lambda: tf.reduce_sum(u.value**3) * v.value[0] + v.value[1] ** 2 + tf.reduce_sum(w.value),
        [u, v, w],
    )
    bare = tf.Variable(a)
    (of_tensorflow,) = ours.hessian_diagonal(lambda: tf.reduce_sum(bare**3) * b[0], [bare])
    np.testing.assert_allclose(of_tensorflow, 12 * a, rtol=1e-12)
    for found in (in_torch, in_keras):
        for each, expected in zip(found, [6 * a * 2, [0, 2], [0]], strict=True):
            np.testing.assert_allclose(each, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [ours.SGD, ours.ScheduleFreeAdamW])
def test_a_bare_schedule_is_refused_where_it_is_given(kind):
    with pytest.raises(TypeError, match=r"a KerasSchedule, got Schedule\(cosine, .* total_steps="):
        kind(Schedule(cosine, peak_lr=0.5, total_steps=9))


def test_under_a_schedule_the_rate_is_that_of_the_update_that_was_made():
    schedule = Schedule(cosine, peak_lr=0.5, total_steps=len(GRADIENTS))
    table = KerasSchedule(schedule, len(GRADIENTS), dtype="float64")
    changes, rates = keras_run(K.Adagrad(table, 0.5, epsilon=F(1e-3)))
    lr = schedule.values(len(GRADIENTS))
    planned = adaptive.adagrad_rates(GRADIENTS, lr=lr, eps=1e-3, initial=0.5, eps_inside=True)
    np.testing.assert_allclose(rates, planned, rtol=1e-10)
    np.testing.assert_allclose(changes, -rates * GRADIENTS, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("batches", [2, 3])
def test_under_a_schedule_and_accumulation_the_rate_is_that_of_the_update_that_was_made(batches):
    schedule = Schedule(cosine, peak_lr=0.5, total_steps=10)
    table = KerasSchedule(schedule, 10, accumulate=batches, dtype="float64")
    weight = keras.Variable(np.zeros(1), dtype="float64")
    optimizer = keras.optimizers.SGD(table, gradient_accumulation_steps=batches)
    optimizer.build([weight])
    for update in range(4):
        before = weight.numpy()
        for _ in range(batches):
            optimizer.apply([tf.ones(1, tf.float64)], [weight])
        assert ours.effective_rates(optimizer)[0].tolist() == [schedule(update)]
        np.testing.assert_allclose(before - weight.numpy(), [schedule(update)], rtol=1e-12)


@pytest.mark.parametrize("lr", [None, "0.1", True, -1.0, np.nan, np.inf, [0.1, -0.1]])
def test_a_rate_that_is_none_is_refused(lr):
    with pytest.raises(ValueError, match="lr must be finite and at least 0, got"):
        adaptive.adagrad_rates([[1.0], [2.0]], lr=lr)


def test_the_curvature_rule_on_a_quadratic_in_both():
    """Each framework finds the curvatures itself. Where they are unequal the rule makes the steps
    equal: every weight keeps the same share of its distance to the bottom."""
    weight = torch.tensor(START, requires_grad=True)
    variable = keras.Variable(START, dtype="float64")
    bends = torch.tensor(CURVATURE)

    def loss_torch():
        return (bends * weight**2).sum() / 2

    def loss_keras():
        return tf.reduce_sum(tf.constant(CURVATURE) * variable.value**2) / 2

    found, left = [], 1.0
    for update in range(1, 4):
        (in_torch,) = pytorch.hessian_diagonal(loss_torch, [weight])
        (in_keras,) = ours.hessian_diagonal(loss_keras, [variable])
        np.testing.assert_allclose(in_torch, CURVATURE, rtol=1e-12)
        np.testing.assert_allclose(in_keras, CURVATURE, rtol=1e-12)
        found.append(in_torch)
        rate = adaptive.adagrad_rates(found, lr=0.5, eps=0.0)[-1]
        with torch.no_grad():
            weight -= torch.tensor(rate) * bends * weight
        variable.assign_sub(rate * CURVATURE * variable.value)
        left *= 1 - 0.5 / np.sqrt(update)
        np.testing.assert_allclose(weight.detach().numpy(), left * START, rtol=1e-12)
        np.testing.assert_allclose(variable.numpy(), left * START, rtol=1e-12)


def test_sgd_at_the_rates_of_adagrad_norm_makes_its_updates_in_both():
    weight, variable = torch.tensor(START), keras.Variable(START, dtype="float64")
    in_torch, in_keras = T.SGD([weight], lr=0.0), K.SGD(0.0)
    expected, total, found = START, 0.3**2, {"torch": [], "keras": []}

    def rate(name, gradient):
        found[name].append(gradient)
        return float(adaptive.adagrad_norm_rates(found[name], lr=0.5, initial=0.3)[-1, 0])

    for _ in range(10):
        weight.grad = torch.tensor(CURVATURE) * weight
        in_torch.param_groups[0]["lr"] = rate("torch", weight.grad.numpy())
        in_torch.step()
        gradient = tf.constant(CURVATURE) * variable.value
        in_keras.learning_rate = rate("keras", gradient.numpy())
        in_keras.apply([gradient], [variable])
        total += np.sum((CURVATURE * expected) ** 2)
        expected = expected * (1 - 0.5 / np.sqrt(total) * CURVATURE)
        np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-12)
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-6)  # its rate is float32


IDS = [1, 1, 3, 2, 1, 2]  # a token that comes again in the batch


def test_an_embedding_is_updated_in_keras_as_in_torch():
    from schedulefree import AdamWScheduleFree

    start = np.random.default_rng(0).normal(size=(5, 2))
    weight, variable = torch.tensor(start, requires_grad=True), keras.Variable(start, dtype=F)
    in_torch = AdamWScheduleFree([weight], lr=0.1)
    in_torch.train()
    in_keras = ours.ScheduleFreeAdamW(fixed(0.1), epsilon=F(1e-8), **BETAS)
    in_keras.build([variable])
    for _ in range(10):
        in_torch.zero_grad()
        ((weight[IDS] - 1) ** 2).sum().backward()
        in_torch.step()
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((tf.gather(variable.value, IDS) - 1) ** 2)
        gradient = tape.gradient(loss, variable.value)
        assert isinstance(gradient, tf.IndexedSlices)
        in_keras.apply([gradient], [variable])
    np.testing.assert_allclose(variable.numpy(), weight.detach(), rtol=0, atol=1e-7)


def test_schedule_free_starts_in_model_fit_from_the_weights_of_the_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(ours.ScheduleFreeAdamW(1e-6), loss="mse")
    before = model.get_weights()[0]
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], before, atol=1e-5)


def test_schedule_free_refuses_a_beta_from_which_no_average_can_be_computed():
    with pytest.raises(ValueError, match=r"beta_1 must be a number above 0 and below 1, got 0\.0"):
        ours.ScheduleFreeAdamW(0.1, beta_1=0.0)


# --- one-cycle with its momentum ------------------------------------------------------------------


def test_one_cycle_with_momentum_is_the_same_everywhere():
    total = 300
    rate = Schedule(one_cycle, peak_lr=0.5, total_steps=total)
    momentum = Schedule(one_cycle_momentum, total_steps=total)

    def in_torch(make_scheduler):
        weight = torch.tensor(START, requires_grad=True)
        optimizer = T.SGD([weight], lr=0.1, momentum=0.9)
        scheduler, path = make_scheduler(optimizer), []
        for t in range(total):
            weight.grad = torch.tensor(CURVATURE) * weight.detach()
            optimizer.step()
            path.append(weight.detach().numpy().copy())
            if t < total - 1:
                scheduler.step()
        return np.array(path)

    weight = keras.Variable(START, dtype="float64")
    optimizer = ours.SGD(
        KerasSchedule(rate, total, dtype="float64"),
        momentum=KerasSchedule(momentum, total, dtype="float64"),
    )
    optimizer.build([weight])

    @tf.function
    def update():
        optimizer.apply([tf.constant(CURVATURE) * weight.value], [weight])
        return tf.identity(weight.value)

    in_keras = np.array([update().numpy() for _ in range(total)])
    own = in_torch(lambda o: T.lr_scheduler.OneCycleLR(o, max_lr=0.5, total_steps=total))
    np.testing.assert_allclose(
        in_torch(lambda o: TorchSchedule(o, rate, momentum=momentum)), own, rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(in_keras, own, rtol=0, atol=1e-12)


def test_the_type_of_the_table_is_saved_and_checked():
    made = KerasSchedule.from_config(fixed(0.1).get_config())
    assert float(made(0)) == 0.1
    with pytest.raises(ValueError, match="dtype must be one of float32, float64, got 'float16'"):
        KerasSchedule(Schedule(constant, lr=0.1), 1, dtype="float16")


# --- schedule-free --------------------------------------------------------------------------------


def keras_schedule_free(kind, rate, graph):
    weight = keras.Variable(START, dtype="float64")
    optimizer = kind(KerasSchedule(rate, 50, dtype="float64"), epsilon=F(1e-8), **BETAS)
    optimizer.build([weight])

    def update():
        optimizer.apply([tf.constant(CURVATURE) * weight.value], [weight])

    update = tf.function(update) if graph else update
    for _ in range(50):
        update()
    return keras.ops.convert_to_numpy(weight), optimizer


def test_schedule_free_is_the_authors_in_both_and_keras_s_own_is_not():
    from schedulefree import AdamWScheduleFree

    for rate in (Schedule(constant, lr=0.01), lambda t: 0.001 * min(t, 10)):
        weight = torch.tensor(START, requires_grad=True)
        optimizer = AdamWScheduleFree([weight])
        optimizer.train()
        scheduler = TorchSchedule(optimizer, rate)
        for _ in range(50):
            weight.grad = torch.tensor(CURVATURE) * weight.detach()
            optimizer.step()
            scheduler.step()
        y = weight.detach().numpy().copy()
        optimizer.eval()
        for graph in (False, True):
            found, made = keras_schedule_free(ours.ScheduleFreeAdamW, rate, graph)
            np.testing.assert_allclose(found, y, rtol=0, atol=1e-12)
            np.testing.assert_allclose(made.averaged()[0], weight.detach(), rtol=0, atol=1e-12)
        stock, _ = keras_schedule_free(K.ScheduleFreeAdamW, rate, True)
        assert np.abs(stock - y).max() > 1e-2  # repaired in Keras? then ours can go


# --- in fit ---------------------------------------------------------------------------------------


DATA = patterns()
RATE = {"sgd": 0.05, "adagrad": 0.01, "prodigy": 1.0}


def run_of(framework, optimizer, **arguments):
    schedule = Schedule(cosine, peak_lr=RATE.get(optimizer, 0.002), total_steps=60)
    if optimizer == "schedule_free":
        schedule = Schedule(constant, lr=0.005)
    arguments = {"epochs": 10, "batch_size": 32, "max_updates": 30, "model": "softmax"} | arguments
    made = fit(
        schedule,
        data=DATA,
        framework=framework,
        optimizer=optimizer,
        progress=False,
        **arguments,
    )
    return made, schedule


ONE_FRAMEWORK_ONLY = ("prodigy", "keras_sgd")


@pytest.mark.parametrize(
    "optimizer", [each for each in OPTIMIZERS if each not in ONE_FRAMEWORK_ONLY]
)
def test_each_optimizer_trains_the_same_in_both_frameworks(optimizer):
    runs = []
    for framework in FRAMEWORKS:
        run, schedule = run_of(framework, optimizer)
        run.assert_lr_matches(schedule)
        assert run.optimizer == optimizer
        runs.append(run)
    np.testing.assert_allclose(runs[0].loss, runs[1].loss, rtol=0, atol=1e-4)
    for name in ("loss", "val_loss"):
        values = [run.history[name] for run in runs]
        np.testing.assert_allclose(*values, rtol=0, atol=1e-4)
    assert runs[0].loss[-1] < 0.9 * runs[0].loss[0]


def test_prodigy_trains_and_is_for_torch_only():
    run, schedule = run_of("torch", "prodigy", max_updates=60)
    run.assert_lr_matches(schedule)
    assert run.loss[-1] < 0.9 * run.loss[0]
    with pytest.raises(ValueError, match=r"tensorflow has, got .*take framework=.torch"):
        run_of("tensorflow", "prodigy")


def test_keras_sgd_puts_the_rate_inside_of_the_velocity_and_is_for_tensorflow_only():
    run, schedule = run_of("tensorflow", "keras_sgd", momentum=0.9)
    run.assert_lr_matches(schedule)
    ours, _ = run_of("tensorflow", "sgd", momentum=0.9)
    assert run.loss[0] == pytest.approx(ours.loss[0])
    assert abs(run.loss[-1] - ours.loss[-1]) > 1e-6  # the rate changes, so the two part
    with pytest.raises(ValueError, match=r"torch has, got .*take framework=.tensorflow"):
        run_of("torch", "keras_sgd")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_schedule_free_is_measured_with_the_average_and_goes_on_from_where_it_was(framework):
    trainer = training._trainer(framework)
    layers = models.MODELS["softmax"]
    x, y = DATA.x_train[..., np.newaxis], DATA.y_train
    made = trainer(
        layers,
        models.initial_weights(layers, x.shape[1:], 0),
        Schedule(constant, lr=0.01),
        momentum=0,
        optimizer="schedule_free",
        total_steps=30,
        x_train=x,
        y_train=y,
    )

    def weights():
        if framework == "tensorflow":
            return made.model.get_weights()
        return [each.detach().numpy().copy() for each in made.model.parameters()]

    for _ in range(20):
        made.update(np.arange(32), None)
    before = weights()
    measured = made.evaluate(x, y)
    for a, b in zip(before, weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    # Without the optimizer, the same weights are measured as they stand.
    made.optimizer, kept = None, made.optimizer
    assert abs(made.evaluate(x, y)[0] - measured[0]) > 1e-3
    made.optimizer = kept
    if framework == "tensorflow":
        made.model.set_weights(kept.averaged())
    else:
        kept.eval()
    made.optimizer = None
    np.testing.assert_allclose(made.evaluate(x, y), measured, rtol=1e-5)


def test_fit_refuses_what_does_not_go_together():
    with pytest.raises(ValueError, match=r"optimizer must be one of sgd, .*adam, .* got 'lion'"):
        run_of("torch", "lion")
    with pytest.raises(ValueError, match=r'momentum must be 0 with optimizer="adam", got 0.9'):
        run_of("torch", "adam", momentum=0.9)
    assert Run("a", "torch", "mlp", "p", 1, 0, 0.0).optimizer == "sgd"


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "schedulefree", None)
    with pytest.raises(ImportError, match="schedulefree is not installed; in the clone"):
        run_of("torch", "schedule_free")
