"""What lesson 6 says of PyTorch's and Keras's plateau rules, beyond the bug bank."""

import warnings

import keras
import pytest
import torch
from keras.callbacks import ReduceLROnPlateau
from torch.optim import lr_scheduler


def in_torch(metrics, lr=1.0, **arguments):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


def in_keras(metrics, lr=1.0, **arguments):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(lr), "mse")
    callback = ReduceLROnPlateau("val_loss", **arguments)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, metric in enumerate(metrics):
        callback.on_epoch_end(epoch, {"val_loss": metric})
        rates.append(float(model.optimizer.learning_rate))
    return rates


@pytest.mark.parametrize("rule", [in_torch, in_keras])
def test_a_floor_at_the_rate_itself_keeps_it(rule):
    """DeepACSA's bug: the rate can never fall below where it starts."""
    assert set(rule([1.0] * 30, lr=0.5, min_lr=0.5, patience=2)) == {0.5}
    assert min(rule([1.0] * 30, lr=0.5, min_lr=0.25, patience=2)) == 0.25


def test_one_more_patience_and_cooldown_makes_keras_cut_where_torch_does():
    losses = [3, 2.5, 2.2, 2.3, 2.25, 2.24, 2.3, 2.1, 2.12, 2.1, 2.2, 2.1, 2.15, 2.1, 1.9, 2, 2, 2]
    absolute = dict(threshold_mode="abs", threshold=1e-4)
    wanted = in_torch(losses, factor=0.5, patience=2, cooldown=3, **absolute)
    assert in_keras(losses, factor=0.5, patience=3, cooldown=4, min_delta=1e-4) == wanted
    assert in_keras(losses, factor=0.5, patience=2, cooldown=3, min_delta=1e-4) != wanted
    assert len(set(wanted)) > 2


def test_keras_takes_epsilon_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ReduceLROnPlateau(epsilon=5).min_delta == 1e-4
