"""Schedules in PyTorch: `TorchSchedule` for your own loop, `TorchTrainer` for `training.fit`.

The only file that imports torch. It knows no schedule by name: anything that answers
`step -> rate` will do.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from course_lib import models
from course_lib.parameters import describe


class TorchSchedule(LRScheduler):
    """A schedule applied to a torch optimizer: update number t is made with `schedule(t)`.

    Call `.step()` once after every `optimizer.step()`; when gradients are accumulated, that is once
    per update and not once per batch. Each rate is computed from the number of updates alone, so
    nothing drifts, and a run resumed at any update goes on exactly.

    Arguments
    - schedule: a function `step -> rate`, such as `Schedule(cosine, peak_lr=0.1, total_steps=100)`.
      The optimizer's own `lr` is not used.
    - group_scales: one factor per parameter group (default: 1 for each).
    - momentum: a second function of the step, for `momentum` (or the first of `betas`).
    - last_epoch: the index of the last update that was made; -1 when none was. After t updates that
      is t - 1, as everywhere in torch. Unlike torch's own, it may be given with a fresh optimizer.

    >>> from course_lib.schedules import Schedule, linear
    >>> weight = torch.zeros(1, requires_grad=True)
    >>> optimizer = torch.optim.SGD([weight], lr=1.0)
    >>> scheduler = TorchSchedule(optimizer, Schedule(linear, peak_lr=0.4, total_steps=4))
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.4]
    [0.30000000000000004]
    [0.2]
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        schedule: Callable[[int], float],
        group_scales: Sequence[float] | None = None,
        momentum: Callable[[int], float] | None = None,
        last_epoch: int = -1,
    ):
        for name, value in (("schedule", schedule), ("momentum", momentum)):
            if not callable(value) and not (name == "momentum" and value is None):
                raise TypeError(
                    f"{name} must be a function of the step, got {value!r}; "
                    "for a fixed value use Schedule(constant, lr=...)"
                )
        groups = optimizer.param_groups
        if group_scales is not None and len(group_scales) != len(groups):
            raise ValueError(
                f"group_scales needs one factor for each of the optimizer's {len(groups)} "
                f"parameter groups, got {len(group_scales)}"
            )
        if momentum is not None and not all("momentum" in g or "betas" in g for g in groups):
            raise ValueError(f"momentum is given, but {type(optimizer).__name__} has none to set")
        self.schedule = schedule
        self.group_scales = group_scales
        self.momentum = momentum
        for group in groups:  # torch refuses last_epoch on an optimizer that no scheduler has seen
            group.setdefault("initial_lr", group["lr"])
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        rate = self.schedule(self.last_epoch)
        if self.group_scales is None:
            return [rate] * len(self.optimizer.param_groups)
        return [rate * scale for scale in self.group_scales]

    def step(self, epoch: int | None = None) -> None:
        super().step(epoch)
        if self.momentum is not None:
            self._set_momentum()

    def _update_lr(self, epoch: int | None = None) -> None:
        """Torch's own, less what only a `get_lr` that reads the old rates needs: half the time."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._set_rates(self.get_lr())

    def _set_rates(self, rates: list[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)  # a compiled step holds on to this very tensor
            else:
                group["lr"] = rate
        self._last_lr = rates

    def _set_momentum(self) -> None:
        value = self.momentum(self.last_epoch)
        for group in self.optimizer.param_groups:
            if "momentum" in group:
                group["momentum"] = value
            else:
                group["betas"] = (value, *group["betas"][1:])

    def state_dict(self) -> dict[str, Any]:
        """The number of updates, and enough to notice that it belongs to another schedule."""
        return {
            "last_epoch": self.last_epoch,
            "schedule": describe(self.schedule),
            "lr": [float(rate) for rate in self.get_last_lr()],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the saved run stopped; also sets the optimizer's rates.

        Raises ValueError, naming both, where the state was saved under another schedule.
        """
        if missing := {"last_epoch", "schedule", "lr"} - state_dict.keys():
            names = ", ".join(sorted(missing))
            raise ValueError(f"state_dict was not saved by a TorchSchedule: it has no {names}")
        ours, saved = describe(self.schedule), state_dict["schedule"]
        if ours != saved:
            raise ValueError(f"state_dict was saved under {saved}, this is {ours}")
        before, self.last_epoch = self.last_epoch, state_dict["last_epoch"]
        rates = self.get_lr()
        if rates != state_dict["lr"]:
            update, self.last_epoch = self.last_epoch, before
            raise ValueError(
                f"state_dict was saved under a {saved} (with its group_scales) that gives "
                f"{state_dict['lr']} at update {update}; this {ours} gives {rates}"
            )
        self._set_rates(rates)
        if self.momentum is not None:
            self._set_momentum()


# --- the experiment of training.fit, in torch -----------------------------------------------------


def build(layers: Sequence[models.Layer], weights: list[np.ndarray]) -> nn.Sequential:
    """The model that `layers` describe, with the given weights (layouts as in models.py)."""
    modules, remaining = [], iter(weights)
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
        module.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        module.bias.copy_(torch.from_numpy(bias))


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

    def __init__(self, layers, weights, schedule, *, momentum, total_steps, x_train, y_train):
        self.model = build(layers, weights)
        self.dropout = next((m for m in self.model if isinstance(m, _GivenDropout)), None)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.0, momentum=momentum)
        self.scheduler = TorchSchedule(self.optimizer, schedule)
        self.loss = nn.CrossEntropyLoss()
        self.x_train, self.y_train = _images(x_train), torch.from_numpy(y_train)

    def update(self, rows: np.ndarray, uniform: np.ndarray | None) -> tuple[float, float]:
        """Train on these rows of the training data: the rate that was applied, and the loss."""
        rows = torch.from_numpy(rows)
        if self.dropout is not None:
            self.dropout.uniform = torch.from_numpy(uniform)
        self.optimizer.zero_grad()
        # index_select takes whole images; x[rows] looks up every pixel, ten times as slow.
        images = _scaled(self.x_train.index_select(0, rows))
        loss = self.loss(self.model(images), self.y_train[rows])
        loss.backward()
        rate = self.optimizer.param_groups[0]["lr"]  # what step() is about to use
        self.optimizer.step()
        self.scheduler.step()
        return rate, loss.item()

    def evaluate(self, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
        images, labels = _images(x), torch.from_numpy(y)
        self.model.eval()
        with torch.no_grad():
            logits = torch.cat([self.model(_scaled(part)) for part in images.split(1000)])
        self.model.train()
        accuracy = (logits.argmax(1) == labels).double().mean()
        return self.loss(logits, labels).item(), accuracy.item()


def _images(x: np.ndarray) -> torch.Tensor:
    """Bytes (N, rows, columns, channels) in torch's order (N, channels, rows, columns)."""
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))


def _scaled(x: torch.Tensor) -> torch.Tensor:
    return x.float().div_(255)
