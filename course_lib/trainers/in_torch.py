"""The experiment of `training.fit`, in torch: a model, an optimizer, and one update at a time."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from course_lib import needs
from course_lib.pytorch import TorchSchedule
from course_lib.trainers import models


def build(layers: Sequence[models.Layer], weights: list[np.ndarray]) -> nn.Sequential:
    """The model that `layers` describe, with the given weights (layouts as in models.py)."""
    modules, remaining = [], iter(weights)
    module: nn.Module
    for layer in layers:
        match layer:
            case models.Dense():
                kernel, bias = next(remaining), next(remaining)
                module = nn.Linear(kernel.shape[0], layer.units)
                _assign(module, kernel.T, bias)
            case models.Conv():
                kernel, bias = next(remaining), next(remaining)
                module = nn.Conv2d(kernel.shape[2], layer.filters, layer.size)
                _assign(module, kernel.transpose(3, 2, 0, 1), bias)
            case models.MaxPool():
                module = nn.MaxPool2d(layer.size)
            case models.Flatten():
                module = _FlattenRowsFirst()
            case models.Relu():
                module = nn.ReLU()
            case models.Dropout():
                module = _GivenDropout(layer.rate)
        modules.append(module)
    return nn.Sequential(*modules)


def _assign(module: nn.Module, weight: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        for parameter, values in zip(module.parameters(), (weight, bias), strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(values)))


class _FlattenRowsFirst(nn.Module):
    """Flatten in TensorFlow's order (rows, columns, channels), so that weights can be shared."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class _GivenDropout(nn.Module):
    """Dropout whose uniform numbers come from outside, the same in both frameworks."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate, self.uniform = rate, None

    def forward(self, x):
        if not self.training:
            return x
        return x * (self.uniform >= self.rate) / (1 - self.rate)


class TorchTrainer:
    """One model in training: `update` makes one, `evaluate` measures loss and accuracy."""

    def __init__(
        self, layers, weights, schedule, *, momentum, optimizer, total_steps, x_train, y_train
    ):
        self.model = build(layers, weights)
        self.dropout = next((m for m in self.model if isinstance(m, _GivenDropout)), None)
        friction, momentum = (momentum, 0.0) if callable(momentum) else (None, momentum)
        self.optimizer = _optimizer(optimizer, self.model.parameters(), momentum)
        self.scheduler = TorchSchedule(self.optimizer, schedule, momentum=friction)
        self.loss = nn.CrossEntropyLoss()
        self.x_train, self.y_train = _images(x_train), torch.from_numpy(y_train)

    def refresh(self) -> None:
        """The schedule has heard something: its rates from now on have to be asked for again."""
        self.scheduler.refresh()

    def update(self, rows: np.ndarray, uniform: np.ndarray | None) -> tuple[float, float]:
        """Train on these rows of the training data: the rate that was applied, and the loss."""
        picked = torch.from_numpy(rows)
        if self.dropout is not None:
            self.dropout.uniform = torch.from_numpy(uniform)
        self.optimizer.zero_grad()
        # index_select takes whole images; x[rows] looks up every pixel, ten times as slow.
        images = _scaled(self.x_train.index_select(0, picked))
        loss = self.loss(self.model(images), self.y_train[picked])
        loss.backward()
        rate = self.optimizer.param_groups[0]["lr"]  # what step() is about to use
        self.optimizer.step()
        self.scheduler.step()
        return rate, loss.item()

    def logits(self, x: np.ndarray) -> np.ndarray:
        """The scores of the ten classes, one row per image."""
        return self._logits(x).numpy()

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        logits, labels = self._logits(x), torch.from_numpy(y)
        accuracy = (logits.argmax(1) == labels).double().mean()
        return self.loss(logits, labels).item(), accuracy.item()

    def _logits(self, x: np.ndarray) -> torch.Tensor:
        images = _images(x)
        averages = hasattr(self.optimizer, "eval")  # schedule-free: other weights to measure with
        self.model.eval()
        if averages:
            self.optimizer.eval()
        try:
            with torch.no_grad():
                return torch.cat([self.model(_scaled(part)) for part in images.split(1000)])
        finally:
            self.model.train()
            if averages:
                self.optimizer.train()


def _optimizer(name: str, parameters, momentum: float) -> torch.optim.Optimizer:
    """The optimizer of `fit` by name, with its default settings; the schedule sets the rate."""
    match name:
        case "sgd":
            return torch.optim.SGD(parameters, lr=0.0, momentum=momentum)
        case "schedule_free":
            with needs("course"):
                from schedulefree import AdamWScheduleFree
            optimizer = AdamWScheduleFree(parameters)
            optimizer.train()
            return optimizer
        case "prodigy":
            with needs("course"):
                from prodigyopt import Prodigy
            return Prodigy(parameters)
    known = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
    }
    return known[name](parameters)


def _images(x: np.ndarray) -> torch.Tensor:
    """Bytes (N, rows, columns, channels) in torch's order (N, channels, rows, columns)."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _scaled(x: torch.Tensor) -> torch.Tensor:
    return x.float().div_(255)


def descend(schedule: Callable[[int], float], x: np.ndarray, y: np.ndarray, steps: int):
    """Gradient descent on a linear model, all images in every update, from weights of zero.

        loss = mean((x @ w - y) ** 2)

    `x` is (images, pixels), `y` is (images, classes), both float32. Returns the applied rate and
    the loss of every update, two lists.
    """
    weights = torch.zeros(x.shape[1], y.shape[1], requires_grad=True)
    images, targets = torch.from_numpy(x), torch.from_numpy(y)
    optimizer = torch.optim.SGD([weights], lr=0.0)
    scheduler = TorchSchedule(optimizer, schedule)
    rates, losses = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(images @ weights, targets)
        loss.backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return rates, losses
