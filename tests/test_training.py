"""`fit`: one experiment in two frameworks, and nothing on record that did not happen.

Where the frameworks do not matter, a trainer of our own stands in for them and notes what it was
asked to do: which rows, which images, how often.
"""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from patterns import patterns

from course_lib import GALLERY, Schedule, training
from course_lib.data import load
from course_lib.schedules import constant, cosine, linear, multistep, one_cycle_momentum
from course_lib.trainers import in_keras, in_torch, models
from course_lib.training import FRAMEWORKS, Run, fit, updates

both_frameworks = pytest.mark.parametrize("framework", FRAMEWORKS)


GREY, COLOURED = patterns(), patterns(shape=(12, 12, 3))
FALLING = Schedule(cosine, peak_lr=0.1, total_steps=60)


def run_of(framework, schedule=FALLING, data=GREY, **arguments):
    arguments = {"model": "softmax", "epochs": 10, "batch_size": 32, "max_updates": 12} | arguments
    return fit(schedule, data=data, framework=framework, progress=False, **arguments)


# --- the same experiment in both frameworks -------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("model", ["softmax", "mlp", "mlp_dropout"])
def test_the_first_50_losses_agree(model, momentum):
    schedule = Schedule(multistep, lr=0.05, milestones=(20, 40), factor=0.3)
    ours, theirs = (
        run_of(each, schedule, model=model, momentum=momentum, max_updates=50)
        for each in FRAMEWORKS
    )
    assert len(ours.loss) == len(theirs.loss) == 50
    np.testing.assert_allclose(ours.loss, theirs.loss, rtol=0, atol=1e-5)
    assert ours.history.keys() == theirs.history.keys() == {"loss", "val_loss", "val_accuracy"}
    for name in ours.history:
        np.testing.assert_allclose(ours.history[name], theirs.history[name], rtol=0, atol=1e-5)
    assert np.mean(ours.loss[-5:]) < 0.8 * ours.loss[0]  # something was learnt, and agreed upon


def test_a_momentum_that_moves_is_applied_update_by_update_and_alike_in_both_frameworks():
    table = [0.95, 0.5, 0.9, 0.2, 0.7, 0.95]  # one number per update, and none behind them
    runs = [run_of(each, momentum=lambda step: table[step], max_updates=6) for each in FRAMEWORKS]

    def by_hand(done, trainer):
        if done < 6:
            trainer.optimizer.param_groups[0]["momentum"] = table[done]

    expected = run_of("torch", momentum=table[0], max_updates=6, watch=by_hand)
    fixed = run_of("torch", momentum=table[0], max_updates=6)
    for run in runs:
        np.testing.assert_allclose(run.loss, expected.loss, rtol=0, atol=1e-5)
    assert max(np.abs(np.subtract(expected.loss, fixed.loss))) > 1e-3
    assert [run.momentum for run in runs] == ["<lambda>", "<lambda>"]


@both_frameworks
def test_a_run_says_which_momentum_moved_it(framework):
    cycle = Schedule(one_cycle_momentum, total_steps=12)
    assert run_of(framework, momentum=cycle).momentum == repr(cycle)


@pytest.mark.parametrize("data", [GREY, COLOURED], ids=["grey", "coloured"])
def test_the_first_10_losses_of_the_cnn_agree(data):
    ours, theirs = (run_of(each, data=data, model="cnn", max_updates=10) for each in FRAMEWORKS)
    assert len(set(ours.loss)) == 10
    np.testing.assert_allclose(ours.loss, theirs.loss, rtol=0, atol=1e-5)


@pytest.mark.parametrize("model", models.MODELS)
def test_both_frameworks_build_the_same_function(model):
    """On images that are not square, so that no swap of rows, columns and channels goes unseen."""
    layers, shape = models.MODELS[model], (12, 10, 3)
    weights = models.initial_weights(layers, shape, seed=3)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (1500, *shape), dtype=np.uint8), rng.integers(0, 10, 1500)
    measured = [
        trainer(
            layers,
            weights,
            FALLING,
            momentum=0,
            optimizer="sgd",
            total_steps=1,
            x_train=x[:1],
            y_train=y[:1],
        ).evaluate(x, y)
        for trainer in (in_torch.TorchTrainer, in_keras.KerasTrainer)
    ]
    np.testing.assert_allclose(*measured, rtol=1e-5)


@pytest.mark.parametrize("trainer", [in_torch.TorchTrainer, in_keras.KerasTrainer])
def test_a_measurement_that_stops_leaves_the_weights_of_the_training(trainer):
    """Schedule-free measures with other weights than it trains."""
    layers, shape, rng = models.MODELS["softmax"], (4, 4, 1), np.random.default_rng(0)
    x, y = rng.integers(0, 256, (20, *shape), dtype=np.uint8), rng.integers(0, 10, 20)
    one = trainer(
        layers,
        models.initial_weights(layers, shape, seed=3),
        Schedule(constant, lr=0.1),
        momentum=0,
        optimizer="schedule_free",
        total_steps=9,
        x_train=x,
        y_train=y,
    )

    def weights():
        if trainer is in_keras.KerasTrainer:
            return one.model.get_weights()
        return [each.detach().numpy().copy() for each in one.model.parameters()]

    for _ in range(3):
        one.update(np.arange(10), None)
    before = weights()
    assert one.evaluate(x, y)
    with pytest.raises(Exception):  # noqa: B017, each framework has its own
        one.evaluate(x[:, :2], y)
    for was, now in zip(before, weights(), strict=True):
        np.testing.assert_allclose(now, was, atol=1e-6)  # PyTorch's goes back by arithmetic


@both_frameworks
def test_softmax_regression_is_what_a_hand_computation_gives(framework, monkeypatch):
    """Gradients, momentum, batches and evaluation against 20 lines of NumPy in float64."""
    noted = stand_in(monkeypatch)
    run_of("torch", seed=5)
    monkeypatch.undo()
    x_train, x_held, x_test = (
        images.reshape(len(images), -1) / 255
        for images in (noted.x_train, noted.evaluated[-1][0], GREY.x_test)
    )
    kernel, bias = (w.astype(float) for w in models.initial_weights(*SOFTMAX, seed=5))
    velocity, losses = [0, 0], []
    for step, (rows, _) in enumerate(noted.batches):
        x, hot = x_train[rows], np.eye(10)[noted.y_train[rows]]
        p = softmax(x @ kernel + bias)
        losses.append(-np.mean(np.log((p * hot).sum(1))))
        error = (p - hot) / len(rows)
        velocity = [0.9 * velocity[0] + x.T @ error, 0.9 * velocity[1] + error.sum(0)]
        kernel, bias = kernel - FALLING(step) * velocity[0], bias - FALLING(step) * velocity[1]
    run = run_of(framework, seed=5, momentum=0.9, test=True)
    np.testing.assert_allclose(run.loss, losses, atol=1e-5)
    for images, labels, loss, accuracy in (
        (x_held, noted.evaluated[-1][1], run.history["val_loss"], run.history["val_accuracy"]),
        (x_test, GREY.y_test, [run.test_loss], [run.test_accuracy]),
    ):
        p = softmax(images @ kernel + bias)
        assert loss[-1] == pytest.approx(-np.mean(np.log(p[np.arange(len(p)), labels])), abs=1e-5)
        assert accuracy[-1] == pytest.approx(np.mean(p.argmax(1) == labels))


SOFTMAX = (models.MODELS["softmax"], (28, 28, 1))


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


@pytest.mark.parametrize("model", models.MODELS)
def test_the_seed_decides_the_initial_weights(model):
    first, again, other = (
        models.initial_weights(models.MODELS[model], (28, 28, 1), seed) for seed in (0, 0, 1)
    )
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.float32 and not np.isin(a, c).all()
        assert np.abs(a).max() < 0.6 and a.std() > 0


@both_frameworks
def test_the_same_seed_gives_the_same_losses_to_the_last_bit(framework):
    first, again, other = (
        run_of(framework, model="mlp_dropout", seed=seed, max_updates=25) for seed in (4, 4, 5)
    )
    assert first.loss == again.loss
    assert first.history == again.history
    assert all(a != b for a, b in zip(first.loss, other.loss))


@both_frameworks
def test_dropout_drops_in_training_and_never_when_measuring(framework):
    """`mlp` and `mlp_dropout` start from the same weights: a rate of 0 shows dropout alone."""
    still = Schedule(constant, lr=0.0)
    plain, dropping = (
        run_of(framework, still, model=model, epochs=2, max_updates=None)
        for model in ("mlp", "mlp_dropout")
    )
    assert all(a != b for a, b in zip(plain.loss, dropping.loss))
    assert dropping.loss[: len(dropping.loss) // 2] != dropping.loss[len(dropping.loss) // 2 :]
    assert np.mean(dropping.loss) == pytest.approx(np.mean(plain.loss), rel=0.05)
    for name in ("val_loss", "val_accuracy"):
        np.testing.assert_allclose(dropping.history[name], plain.history[name], rtol=1e-6)


@both_frameworks
def test_who_watches_may_ask_for_the_scores(framework):
    few, seen = patterns(40), []

    def watch(done, trainer):
        scores = trainer.logits(few.x_test[..., None])
        seen.append((scores.shape, (scores.argmax(1) == few.y_test).mean()))
        seen.append(trainer.evaluate(few.x_test[..., None], few.y_test)[1])

    fixed = Schedule(constant, lr=0.1)
    fit(fixed, data=few, framework=framework, max_updates=1, progress=False, watch=watch)
    assert seen[0] == ((40, 10), seen[1])


@both_frameworks
def test_many_runs_in_a_row_are_told_no_warning(framework, caplog, capfd):
    """TensorFlow warns of "retracing" from the fifth run of a lesson on, if it is let to."""
    for seed in range(6):
        run_of(framework, seed=seed, max_updates=2)
    assert caplog.messages == []
    assert capfd.readouterr() == ("", "")


# --- the applied rate -----------------------------------------------------------------------------


@both_frameworks
@pytest.mark.parametrize("name", ["warmup", "cosine", "exponential", "tabulated"])
def test_the_recorded_rates_are_the_schedules(name, framework):
    run = run_of(framework, GALLERY[name], max_updates=20)
    run.assert_lr_matches(GALLERY[name])
    exact = np.array(GALLERY[name].values(20))
    rounded = exact.astype(np.float32)
    assert run.lr == (exact if framework == "torch" else rounded).tolist()
    assert exact.tolist() != rounded.tolist()  # so that the line above tells them apart


@pytest.mark.parametrize(
    ("epochs", "max_updates", "made"),
    [(None, None, 9), (None, 25, 25), (2, None, 18), (2, 25, 18), (3, 25, 25)],
)
def test_as_many_updates_are_made_as_epochs_and_max_updates_say(epochs, max_updates, made):
    """However few the images: `max_updates` alone takes the epochs that it needs."""
    run = run_of("torch", epochs=epochs, max_updates=max_updates)
    assert len(run.lr) == made and len(run.history["loss"]) == -(-made // 9)


@both_frameworks
def test_the_rate_moves_the_weights_and_is_not_only_written_down(framework):
    """With a rate of 0 the loss of an epoch comes again, with another rate it does not."""
    whole = {"epochs": 2, "batch_size": 300, "validation": 0, "max_updates": None}
    standing = run_of(framework, Schedule(constant, lr=0.0), **whole)
    moving = run_of(framework, Schedule(constant, lr=0.1), **whole)
    assert standing.loss[1] == pytest.approx(standing.loss[0], abs=1e-6)
    assert moving.loss[1] < moving.loss[0] - 0.01


@both_frameworks
def test_another_schedule_is_told_apart_with_update_and_both_rates(framework):
    run = run_of(framework, Schedule(linear, peak_lr=0.25, total_steps=10), max_updates=10)
    with pytest.raises(AssertionError) as error:
        run.assert_lr_matches(Schedule(linear, peak_lr=0.25, total_steps=10, final_lr=0.125))
    assert str(error.value) == (
        "update 1 was made with a learning rate of 0.225, Schedule(linear, peak_lr=0.25, "
        "total_steps=10, final_lr=0.125) says 0.2375 (first of 9 wrong updates out of 10)"
    )


@both_frameworks
def test_rates_that_come_one_update_late_are_called_that(framework):
    planned = Schedule(linear, peak_lr=0.25, total_steps=10)
    late = run_of(framework, lambda step: planned(max(step - 1, 0)), max_updates=10)
    with pytest.raises(AssertionError, match=r"update 1 .* says 0.225 .*one update late\)"):
        late.assert_lr_matches(planned)
    early = run_of(framework, lambda step: planned(step + 1), max_updates=10)
    with pytest.raises(AssertionError, match=r"update 0 .*\(first of 10 wrong updates out of 10\)"):
        early.assert_lr_matches(planned)


def made_by_hand(framework="torch", **fields):
    return Run("a schedule", framework, "mlp", "patterns", 32, 0, 0.0, **fields)


def test_a_single_wrong_update_is_not_called_late():
    with pytest.raises(AssertionError, match=r"\(first of 1 wrong updates out of 1\)"):
        made_by_hand(lr=[0.1]).assert_lr_matches(Schedule(constant, lr=0.2))


def test_a_run_without_updates_matches_nothing():
    with pytest.raises(AssertionError, match="no update was made"):
        made_by_hand().assert_lr_matches(FALLING)


def test_rounding_to_float32_is_forgiven_to_tensorflow_alone():
    third = Schedule(constant, lr=1 / 3)
    rounded = [float(np.float32(1 / 3))]
    made_by_hand("tensorflow", lr=rounded).assert_lr_matches(third)
    made_by_hand("torch", lr=[1 / 3]).assert_lr_matches(third)
    for framework, lr in (("torch", rounded), ("tensorflow", [1 / 3])):
        with pytest.raises(AssertionError, match=r"update 0 was made .* of 0\.333"):
            made_by_hand(framework, lr=lr).assert_lr_matches(third)


# --- what is trained on, what is measured on ------------------------------------------------------


class StandIn:
    """Trains nothing, and notes what it is asked to."""

    losses = None  # an iterator of losses to report; without one, always 2.0

    def __init__(self, layers, weights, schedule, *, x_train, y_train, total_steps, **_):
        self.schedule, self.total_steps = schedule, total_steps
        self.x_train, self.y_train = x_train, y_train
        self.batches, self.evaluated = [], []

    def update(self, rows, uniform):
        self.batches.append((rows, uniform))
        loss = 2.0 if self.losses is None else next(self.losses)
        return self.schedule(len(self.batches) - 1), loss

    def evaluate(self, x, y):
        self.evaluated.append((x, y))
        return 1.0, 0.5


def stand_in(monkeypatch, losses=None):
    """Put a StandIn in both frameworks' place; its notes are attributes of what this returns."""

    class Noted:
        def __getattr__(self, name):
            return getattr(trainers[-1], name)

    trainers = []

    def make(*arguments, **named):
        trainers.append(StandIn(*arguments, **named))
        trainers[-1].losses = None if losses is None else iter(losses)
        return trainers[-1]

    monkeypatch.setattr(training, "_trainer", lambda framework: make)
    return Noted()


def keys(images):
    return {image.tobytes() for image in images}


def order_of(noted):
    return np.concatenate([rows for rows, _ in noted.batches]).tolist()


def test_the_validation_images_are_the_same_for_every_seed_and_never_trained_on(monkeypatch):
    noted = stand_in(monkeypatch)
    seen = []
    for seed in (0, 1, 2):
        run_of("torch", seed=seed, epochs=1, max_updates=None)
        ((held_out, labels),) = noted.evaluated
        seen.append((held_out.tobytes(), labels.tobytes(), noted.x_train.tobytes()))
        assert len(held_out) == len(labels) == 30
        assert keys(held_out).isdisjoint(keys(noted.x_train))
        assert keys(held_out) | keys(noted.x_train) == keys(GREY.x_train)
        names = dict(zip(map(bytes, GREY.x_train), GREY.y_train))
        assert [names[bytes(image)] for image in held_out] == labels.tolist()
    assert seen[0] == seen[1] == seen[2]


def test_an_epoch_takes_every_training_image_once_in_the_order_of_the_seed(monkeypatch):
    noted = stand_in(monkeypatch)
    orders = {}
    for name, seed, model in (("a", 0, "mlp"), ("b", 0, "mlp_dropout"), ("c", 1, "mlp")):
        run_of("torch", model=model, seed=seed, epochs=2, max_updates=None)
        orders[name] = order_of(noted)
        first, second = np.split(np.array(orders[name]), 2)
        assert sorted(first) == sorted(second) == list(range(270))
        assert first.tolist() != second.tolist()
    assert orders["a"] == orders["b"] != orders["c"]


def test_the_partial_last_batch_counts(monkeypatch):
    noted = stand_in(monkeypatch)
    run = run_of("torch", epochs=3, max_updates=None)
    sizes = [len(rows) for rows, _ in noted.batches]
    assert sizes == [32] * 8 + [14] + [32] * 8 + [14] + [32] * 8 + [14]
    assert len(run.lr) == noted.total_steps == updates(GREY, epochs=3, batch_size=32) == 27
    assert updates(GREY, epochs=1, batch_size=32, validation=0) == 10
    assert updates(GREY, epochs=2, batch_size=1000) == 2
    for most in ({}, {"max_updates": 5}, {"epochs": 1, "max_updates": 50}):
        run = run_of("torch", **{"epochs": None, "max_updates": None, **most})
        assert len(run.lr) == updates(GREY, batch_size=32, **most)
        assert updates(np.int64(300), batch_size=32, **most) == len(run.lr)


@pytest.mark.parametrize("side", [3, 5])
def test_images_too_small_for_the_cnn_are_refused(side):
    with pytest.raises(ValueError, match=f"larger images .* {side} x {side} pixels .*take larger"):
        run_of("torch", data=patterns(shape=(side, side)), model="cnn")


@both_frameworks
def test_a_partial_last_batch_is_trained_on(framework):
    run = run_of(framework, epochs=2, batch_size=100, max_updates=None)
    assert len(run.loss) == updates(GREY, epochs=2, batch_size=100) == 6
    assert len(run.history["val_loss"]) == 2


def test_history_has_an_entry_per_epoch_and_the_mean_loss_of_its_updates(monkeypatch):
    stand_in(monkeypatch, losses=map(float, range(1, 28)))
    run = run_of("torch", epochs=3, max_updates=None)
    assert run.loss == [float(n) for n in range(1, 28)]
    assert run.history == {
        "loss": [5.0, 14.0, 23.0],
        "val_loss": [1.0] * 3,
        "val_accuracy": [0.5] * 3,
    }


def test_max_updates_may_end_in_the_middle_of_an_epoch_or_beyond_the_last(monkeypatch):
    noted = stand_in(monkeypatch, losses=map(float, range(1, 100)))
    run = run_of("torch", epochs=3, max_updates=11)
    assert len(run.lr) == noted.total_steps == 11
    assert run.history["loss"] == [5.0, 10.5]  # nine updates, then two
    assert len(run.history["val_loss"]) == 2
    stand_in(monkeypatch)
    assert len(run_of("torch", epochs=3, max_updates=9).history["loss"]) == 1
    assert len(run_of("torch", epochs=3, max_updates=1000).lr) == 27


def test_the_test_images_are_measured_only_when_asked_and_then_once(monkeypatch):
    noted = stand_in(monkeypatch)
    quiet = run_of("torch", epochs=2, max_updates=None)
    assert all(keys(x).isdisjoint(keys(GREY.x_test)) for x, _ in noted.evaluated)
    assert quiet.test_loss is quiet.test_accuracy is None
    asked = run_of("torch", epochs=2, max_updates=None, test=True)
    assert [len(x) for x, _ in noted.evaluated] == [30, 30, 40]
    np.testing.assert_array_equal(noted.evaluated[-1][0][..., 0], GREY.x_test)
    assert (asked.test_loss, asked.test_accuracy) == (1.0, 0.5)


def test_without_validation_every_image_is_trained_on_and_no_val_loss_is_made_up(monkeypatch):
    noted = stand_in(monkeypatch)
    run = run_of("torch", epochs=1, max_updates=None, validation=0)
    assert keys(noted.x_train) == keys(GREY.x_train)
    assert run.history.keys() == {"loss"} and not noted.evaluated


def test_dropouts_numbers_are_drawn_for_each_image_of_each_batch(monkeypatch):
    noted = stand_in(monkeypatch)
    run_of("torch", model="mlp_dropout", epochs=2, max_updates=None)
    assert all(uniform.shape == (len(rows), 128) for rows, uniform in noted.batches)
    first, later = noted.batches[0][1], noted.batches[9][1]
    assert first.min() >= 0 and first.max() < 1 and (first != later).all()
    run_of("torch", model="mlp")
    assert all(uniform is None for _, uniform in noted.batches)


def test_the_run_says_what_was_trained(monkeypatch):
    stand_in(monkeypatch)
    run = run_of("tensorflow", model="mlp", batch_size=50, seed=9, momentum=0.5)
    said = (run.schedule, run.framework, run.model, run.data, run.batch_size, run.seed)
    assert said == (repr(FALLING), "tensorflow", "mlp", "patterns", 50, 9)
    assert run.momentum == 0.5 and run.diverged is None and run.seconds > 0


# --- divergence -----------------------------------------------------------------------------------


@both_frameworks
@pytest.mark.parametrize("rate", [1e3, 1e10, 1e30])
def test_a_diverging_run_ends_with_its_update_and_no_exception(rate, framework):
    schedule = Schedule(constant, lr=rate)
    run = run_of(framework, schedule, model="mlp", epochs=3, max_updates=None, test=True)
    assert run.diverged is not None and 1 <= run.diverged < 27
    assert len(run.loss) == len(run.lr) == run.diverged
    assert all(map(math.isfinite, run.loss)) and max(run.loss) <= 1000 * run.loss[0]
    assert run.test_loss is run.test_accuracy is None
    run.assert_lr_matches(schedule)


@pytest.mark.parametrize(
    "losses, diverged",
    [
        ([2.0, 1.0, math.nan], 2),
        ([2.0, math.inf], 1),
        ([2.0, 1999.0, 2000.0, 2001.0], 3),  # huge but finite, as when all units have died
        ([math.nan], 0),
        ([math.inf], 0),
    ],
)
def test_the_record_ends_before_the_loss_that_was_none(losses, diverged, monkeypatch):
    noted = stand_in(monkeypatch, losses)
    run = run_of("torch", test=True)
    assert run.diverged == diverged
    assert run.loss == losses[:diverged] and len(run.lr) == diverged
    assert run.history == {} and not noted.evaluated


def test_the_epochs_before_a_divergence_stay_on_record(monkeypatch):
    stand_in(monkeypatch, [2.0] * 12 + [math.nan])
    run = run_of("torch", max_updates=None)
    assert run.diverged == 12 and run.history["loss"] == [2.0]


# --- arguments ------------------------------------------------------------------------------------

WRONG = [
    (
        dict(schedule=0.1),
        TypeError,
        r"schedule must be a function of the step, got 0.1; .*constant",
    ),
    (dict(model="vgg"), ValueError, "model must be one of softmax, mlp, .*, got 'vgg'"),
    (dict(framework="jax"), ValueError, "framework must be one of torch, tensorflow, got 'jax'"),
    (dict(epochs=0), ValueError, "epochs must be a whole number of at least 1, got 0"),
    (dict(epochs=1.5), ValueError, "epochs must be a whole number .* got 1.5"),
    (dict(batch_size=0), ValueError, "batch_size must be a whole number of at least 1, got 0"),
    (dict(validation=1.0), ValueError, "validation must be .* below 1, got 1.0"),
    (dict(validation=-0.1), ValueError, "validation must be .* got -0.1"),
    (dict(max_updates=0), ValueError, "max_updates must be a whole number of at least 1, got 0"),
    (dict(seed=-1), ValueError, "seed must be a whole number of at least 0, got -1"),
    (dict(momentum="0.9"), ValueError, "momentum must be .* below 1, got '0.9'"),
    (dict(momentum=lambda t: 1 - t / 9), ValueError, "momentum at step 0 must .* below 1, got 1.0"),
    (dict(momentum=lambda t: 0.5 if t < 4 else 0), ValueError, "at step 4 must be .* above 0"),
    (dict(momentum=one_cycle_momentum), TypeError, "momentum must be .* alone, got one_cycle_mom"),
    (
        dict(momentum=FALLING, optimizer="adam"),
        ValueError,
        'momentum must be a number with optimizer="adam", got .*; one that moves needs optimizer=',
    ),
    (dict(data="fashion"), ValueError, "name must be 'mnist' or 'cifar10', got 'fashion'"),
    (dict(schedule=cosine), TypeError, r"alone, got cosine: .*Schedule\(cosine, "),
    (dict(schedule=lambda t: 0.1 if t < 5 else math.nan), ValueError, "returned nan at step 5"),
    (dict(schedule=lambda t: 0.1 - t), ValueError, "returned -0.9 at step 1"),
    (dict(schedule=lambda t: "0.1" if t else 0.1), ValueError, "returned '0.1' at step 1"),
    (dict(test="yes"), ValueError, "test must be True or False, got 'yes'"),
    (
        dict(test=True, data=replace(GREY, x_test=GREY.x_test[:0], y_test=GREY.y_test[:0])),
        ValueError,
        r"test must be False with data that have no test images, got Dataset\(patterns",
    ),
]


@both_frameworks
@pytest.mark.parametrize(
    "wrong, error, message",
    WRONG,
    ids=[f"{', '.join(wrong)} {i}" for i, (wrong, *_) in enumerate(WRONG)],
)
def test_a_wrong_argument_is_named_before_anything_is_trained(wrong, error, message, framework):
    with pytest.raises(error, match=message):
        run_of(**{"framework": framework, **wrong})


@both_frameworks
def test_numpy_numbers_are_as_good_as_pythons(framework):
    plain = run_of(framework, batch_size=32, seed=3, momentum=0.5)
    numpys = run_of(framework, batch_size=np.int64(32), seed=np.int64(3), momentum=np.float32(0.5))
    assert numpys.loss == plain.loss
    assert repr(numpys) == repr(plain)  # also on record, where JSON knows no NumPy


@both_frameworks
def test_a_run_of_n_updates_asks_for_n_rates(framework):
    table = [0.25, 0.125, 0.5]
    run = run_of(framework, lambda step: table[step], max_updates=3)
    assert run.lr == table
    falling = run_of(framework, lambda step: 0.5 - 0.25 * step, max_updates=3)  # then below 0
    assert falling.lr == [0.5, 0.25, 0.0]


@both_frameworks
@pytest.mark.parametrize(
    "kind", [np.float32, np.array, torch.tensor], ids=["scalar", "0d", "torch"]
)
def test_the_rates_on_record_are_numbers_for_json_whatever_the_schedule_returns(kind, framework):
    run = run_of(framework, lambda step: kind(0.5), max_updates=2)
    assert json.loads(json.dumps(run.lr)) == [0.5, 0.5]


def test_a_plain_function_is_a_schedule_too():
    run = run_of("torch", lambda step: 0.1 / (1 + step), max_updates=3)
    assert run.lr == [0.1, 0.05, 0.1 / 3]
    assert run.schedule == "<lambda>"


# --- on the data that lessons use -----------------------------------------------------------------


@both_frameworks
@pytest.mark.filterwarnings("ignore::course_lib.data.StandInWarning")
def test_mnist_or_its_stand_in_can_be_learnt(framework):
    data = load("mnist")
    schedule = Schedule(linear, peak_lr=0.5, total_steps=60)
    run = run_of(framework, schedule, data="mnist", batch_size=64, max_updates=60)
    assert run.data == data.title
    assert run.history["val_accuracy"][-1] > 0.75
    run.assert_lr_matches(schedule)


# --- the progress bar -----------------------------------------------------------------------------

# The frameworks would take seconds to import, and have no part in the bar.
BAR = """
import numpy as np
from course_lib import training
from course_lib.data import Dataset

class Trainer:
    def __init__(self, *_, **__): pass
    def update(self, *_): return 0.1, 1.0
    def evaluate(self, *_): return 1.0, 1.0

training._trainer = lambda framework: Trainer
x, y = np.zeros((40, 28, 28), np.uint8), np.zeros(40, np.int64)
data = Dataset(x, y, x, y, name="mnist", source="here", title="BLACK")
training.fit(lambda t: 0.1, data=data, batch_size=4, seed=3{progress})
"""


@pytest.mark.parametrize(
    "progress, disable, shown",
    [
        ("", None, True),
        (", progress=True", None, True),
        ("", "", True),
        ("", "1", False),
        (", progress=False", None, False),
        (", progress=False", "", False),
    ],
)
def test_the_progress_bar_is_shown_unless_refused(progress, disable, shown):
    environment = {name: value for name, value in os.environ.items() if name != "TQDM_DISABLE"}
    if disable is not None:
        environment["TQDM_DISABLE"] = disable
    code = BAR.format(progress=progress)
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()
    bar = ran.stderr.decode()
    assert ("BLACK | mlp | torch | seed 3" in bar and "9/9" in bar) is shown
    assert shown or bar == ""
    assert ran.stdout == b""


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_an_update_that_ruins_the_weights_at_the_very_end_is_a_divergence_too(framework):
    def last_one_explodes(step):
        return 1e38 if step == 4 else 0.1

    run = fit(
        last_one_explodes,
        data=GREY,
        framework=framework,
        batch_size=16,
        max_updates=5,
        progress=False,
    )
    assert len(run.loss) == 5 and all(map(math.isfinite, run.loss))
    assert run.diverged == 5 and run.history == {}
    unseen = fit(
        last_one_explodes,
        data=GREY,
        framework=framework,
        batch_size=16,
        max_updates=5,
        validation=0,
        test=True,
        progress=False,
    )
    assert (unseen.diverged, unseen.test_loss, unseen.test_accuracy) == (5, None, None)


@both_frameworks
def test_who_watches_sees_the_record_grow(framework):
    seen = []
    run = run_of(framework, watch=lambda done, trainer: seen.append((done, trainer.run.lr[-1])))
    assert seen == [(i + 1, rate) for i, rate in enumerate(run.lr)] and len(seen) == 12
