"""What the learning-rate finder needs of PyTorch: single updates, and no trace of them."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn


@contextmanager
def untouched(
    model: nn.Module | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    data: Any = None,
) -> Iterator[None]:
    """Whatever happens inside, errors too, leaves no trace: at the end everything is as before.

    That is: weights, buffers, gradients and train/eval flags of `model`; everything about
    `optimizer`; the generators that `data`, its samplers and its dataset have as attributes;
    torch's random state on the CPU and on every CUDA device. The very same tensors are put back, so
    that whoever holds one keeps it. Other attributes that a module or a dataset sets on itself are
    not known, and stay.
    """
    if not isinstance(optimizer, torch.optim.Optimizer | None):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {optimizer!r}")
    modules = [] if model is None else list(model.modules())
    weights = [] if model is None else list(model.parameters())
    flags = [module.training for module in modules]
    back = [_keep(getattr(m, kind)) for m in modules for kind in ("_parameters", "_buffers")]
    if optimizer is not None:
        back.append(_keep(vars(optimizer)))
    gradients = [_keep(weight.grad) for weight in weights]
    back += _generators(data)
    if hasattr(data, "_iterator"):  # of workers that persist; it draws when it is made
        back.append(partial(setattr, data, "_iterator", data._iterator))
    cpu = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        for put_back in back:
            put_back()
        for module, flag in zip(modules, flags):
            module.training = flag
        for weight, gradient in zip(weights, gradients):
            weight.grad = gradient()
        torch.set_rng_state(cpu)
        torch.cuda.set_rng_state_all(cuda)


def _generators(data: Any) -> list[Callable[[], Any]]:
    """Functions that put the generators of a loader, its samplers and its dataset back."""
    batches = getattr(data, "batch_sampler", None)
    holders = [data, getattr(data, "sampler", None), batches, getattr(batches, "sampler", None)]
    while (data := getattr(data, "dataset", None)) is not None:  # a Subset has one too
        holders.append(data)
    back: list[Callable[[], Any]] = []
    for value in (value for each in holders for value in getattr(each, "__dict__", {}).values()):
        if isinstance(value, torch.Generator | np.random.RandomState):
            set_state: Any = value.set_state
            back.append(partial(set_state, value.get_state()))
        elif isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
            back.append(partial(value.setstate, value.getstate()))
        elif isinstance(value, np.random.Generator):
            back.append(partial(setattr, value.bit_generator, "state", value.bit_generator.state))
    return back


def _keep(value: Any) -> Callable[[], Any]:
    """A function that gives `value` as it is now: the same object, its contents put back."""
    if isinstance(value, torch.Tensor):
        copy = value.detach().clone()

        def back():
            with torch.no_grad():
                return value.copy_(copy)
    elif isinstance(value, dict):
        parts = {key: _keep(part) for key, part in value.items()}

        def back():
            value.clear()
            value.update({key: part() for key, part in parts.items()})
            return value
    elif isinstance(value, list):
        items = [_keep(part) for part in value]

        def back():
            value[:] = [item() for item in items]
            return value
    else:

        def back():
            return value

    return back


def finder_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable, data: Iterable
) -> Callable[[float], float]:
    """A function that makes one update at the rate it is given, in every parameter group, on the
    next batch of `data` (over and over), and returns the loss of that batch before the update."""
    if isinstance(data, Iterator) or not isinstance(data, Iterable):
        raise TypeError(
            "data must be something that can be read again, such as a DataLoader or a list of "
            f"(x, y) batches, got {type(data).__name__}"
        )
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"loss must be a function (prediction, y) -> loss, got {loss!r}")
    weights = {id(weight) for weight in model.parameters()}
    if weights.isdisjoint(id(p) for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "optimizer must be of this model's weights, got one that has none of them; make it "
            "with model.parameters()"
        )
    batches = _again_and_again(data)
    device = next((weight.device for weight in model.parameters()), None)
    if not model.training:  # else as it is: a layer that was frozen with .eval() stays so
        model.train()

    def step(lr: float) -> float:
        x, y = (part.to(device) for part in next(batches))
        for group in optimizer.param_groups:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr
        optimizer.zero_grad()
        value = loss(model(x.to(device)), y.to(device))
        value.backward()
        optimizer.step()
        return value.item()

    return step


def _again_and_again(data: Iterable) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        batch = None
        for batch in data:
            pair = isinstance(batch, tuple | list) and len(batch) == 2
            if not pair or not all(hasattr(part, "to") for part in batch):
                raise ValueError(
                    f"data must give batches (x, y) of tensors, got a {type(batch).__name__}; for "
                    "others give train_step, a function lr -> loss that takes its own batches"
                )
            yield batch[0], batch[1]
        if batch is None:
            raise ValueError("data must give at least one batch (x, y), got none")
