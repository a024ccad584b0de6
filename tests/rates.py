"""The rates that a framework applies, read off a weight: with gradient 1, an update moves it by its
rate."""

import keras
import tensorflow as tf
import torch


def torch_sgd(lr=0.1, **arguments):
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    weight.grad = torch.ones_like(weight)
    return torch.optim.SGD([weight], lr=lr, **arguments)


def torch_pair(scheduler, *arguments, lr=0.1, **options):
    optimizer = torch_sgd(lr)
    return optimizer, scheduler(optimizer, *arguments, **options)


def moved(optimizer):
    (weight,) = optimizer.param_groups[0]["params"]
    weight.data.zero_()
    optimizer.step()
    return -weight.item()


def torch_rates(optimizer, scheduler, updates):
    rates = []
    for _ in range(updates):
        rates.append(moved(optimizer))
        scheduler.step()
    return rates


def keras_rates(optimizer, updates=1, wrap=tf.function):
    weight = keras.Variable([0.0])
    optimizer.build([weight])
    update = wrap(lambda: optimizer.apply([tf.ones(1)]))
    rates = []
    for _ in range(updates):
        weight.assign([0.0])
        update()
        rates.append(-float(weight.numpy()[0]))
    return rates
