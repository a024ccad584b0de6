"""Schedules in PyTorch: `TorchSchedule` for your own loop.

It knows no schedule by name: anything that answers `step -> rate` will do. `training.fit` runs in
trainers/in_torch.py.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib import needs
from course_lib.formulas.parameters import (
    MOMENTUM,
    Maybe,
    Numbers,
    Whole,
    describe,
    function_of_step,
    rate_at,
)
from course_lib.plateau import plateaus_in

with needs("torch"):
    import torch
    from torch.optim.lr_scheduler import LRScheduler
if not hasattr(LRScheduler, "_update_lr"):
    raise ImportError(f"course_lib.pytorch needs PyTorch 2.9 or newer, got {torch.__version__}")


class TorchSchedule(LRScheduler):
    """A schedule applied to a torch optimizer: update number t is made with `schedule(t)`.

    Call `.step()` once after every `optimizer.step()`; when gradients are accumulated, that is once
    per update and not once per batch. Each rate of a formula is computed from the number of updates
    alone, so nothing drifts, and a run resumed at any update goes on exactly.

    Arguments
    - schedule: a function `step -> rate`, such as `Schedule(cosine, peak_lr=0.1, total_steps=100)`,
      or a Plateau, which hears what `update(metric)` gets. The optimizer's own `lr` is not used. A
      rate below 0, or not a number, is an error in the `step()` that reaches it; the `step()` after
      the last update asks for one rate more.
    - group_scales: a list of one factor per parameter group (default: 1 for each). After
      `optimizer.add_param_group(...)` set `scheduler.group_scales` again, if you use it, and call
      `scheduler.refresh()`: until then, or until the next `step()`, the new group keeps the rate
      that it was added with.
    - momentum: a second function of the step, for `momentum` (or the first of `betas`). It is set
      when the scheduler is made: in a SequentialLR give one to every part, or to none.
    - last_epoch: the index of the last update that was made; -1 when none was. After t updates that
      is t - 1, as everywhere in torch. Unlike torch's own, it may be given with a fresh optimizer.

    Some of torch's optimizers apply other rates than they are given: ASGD each one update late,
    Rprop only the first, Adafactor at most 1 / sqrt(t).

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
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {optimizer!r}")
        last_epoch = Whole(low=-1).check("last_epoch", last_epoch)
        self.schedule = function_of_step("schedule", schedule, last_epoch + 1)
        self.group_scales = group_scales
        groups = optimizer.param_groups
        if momentum is not None:
            function_of_step("momentum", momentum, last_epoch + 1)
            if not all("momentum" in group or "betas" in group for group in groups):
                raise ValueError(
                    f"momentum is given, but {type(optimizer).__name__} has none to set"
                )
        self.momentum = momentum
        rates = {float(group["lr"]) for group in groups}
        if self.group_scales is None and len(rates) > 1:
            warnings.warn(
                f"the optimizer's groups have different rates, {sorted(rates)}, but all will get "
                "the schedule's; for rates that differ, give group_scales, one factor per group",
                stacklevel=2,
            )
        for group in groups:  # torch refuses last_epoch on an optimizer that no scheduler has seen
            group.setdefault("initial_lr", float(group["lr"]))
        super().__init__(optimizer, last_epoch)

    @property
    def group_scales(self) -> tuple[float, ...] | None:
        """One factor per parameter group, or None; ValueError for one below 0 or no number."""
        return self._group_scales

    @group_scales.setter
    def group_scales(self, scales: Sequence[float] | None) -> None:
        # Plain numbers also of a NumPy array: torch.load refuses a checkpoint with NumPy's in it.
        self._group_scales = Maybe(Numbers()).check("group_scales", scales)

    def get_lr(self) -> list[float | torch.Tensor]:
        rate = rate_at(self.schedule, self.last_epoch)  # of NumPy's numbers, a float for torch.load
        scales, groups = self._group_scales, self.optimizer.param_groups
        if scales is None:
            return [rate] * len(groups)
        if len(scales) != len(groups):
            raise ValueError(
                f"group_scales needs one factor for each of the optimizer's {len(groups)} "
                f"parameter groups, got {len(scales)}; after add_param_group, set "
                "scheduler.group_scales to as many, and call refresh()"
            )
        return [rate * scale for scale in scales]

    def refresh(self) -> None:
        """Set the rate and momentum of the coming update anew: after `add_param_group`, say."""
        self._set_rates(self.get_lr())
        self._set_momentum()

    def update(self, metric: Any) -> float:
        """Tell every Plateau in the schedule the metric of one evaluation; sets the rate of the
        coming update, and returns it. TypeError for a schedule that has no Plateau in it.

        >>> from course_lib.plateau import Plateau
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        >>> scheduler = TorchSchedule(optimizer, Plateau(0.4, factor=0.5, patience=0))
        >>> [scheduler.update(val_loss) for val_loss in (0.9, 0.8, 0.8)]
        [0.4, 0.4, 0.2]
        """
        plateaus = plateaus_in(self.schedule)
        if not plateaus:
            raise TypeError(f"update needs a schedule with a Plateau in it, got {self.schedule!r}")
        for plateau in plateaus:
            plateau.update(metric)
        if self.last_epoch >= 0:  # else it waits in a SequentialLR, and the rate is another's
            self.refresh()
        return rate_at(self.schedule, max(self.last_epoch, 0))

    def _update_lr(self, epoch: int | None = None) -> None:
        """Torch's own, less what only a `get_lr` that reads the old rates needs: half the time."""
        if epoch is None:
            self.last_epoch += 1
        else:
            self.last_epoch = Whole().check("epoch (a metric is for update)", epoch)
        self.refresh()

    def _set_rates(self, rates: list[float | torch.Tensor]) -> None:
        seen: set[int] = set()
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                if id(group["lr"]) in seen:  # torch gives all groups one tensor, added ones too
                    group["lr"] = group["lr"].clone()
                seen.add(id(group["lr"]))
                group["lr"].fill_(rate)  # a compiled step holds on to this very tensor
            else:
                group["lr"] = rate
        self._last_lr = rates

    def _set_momentum(self) -> None:
        if self.momentum is None:
            return
        step = self.last_epoch
        value = MOMENTUM.check(f"momentum at update {step}", self.momentum(step))
        for group in self.optimizer.param_groups:
            if "momentum" in group:
                group["momentum"] = value
            else:
                group["betas"] = (value, *group["betas"][1:])

    def state_dict(self) -> dict[str, Any]:
        """The number of updates, the state of every Plateau in the schedule, and enough to notice
        that it belongs to another schedule."""
        return {
            "last_epoch": self.last_epoch,
            "schedule": describe(self.schedule),
            "lr": [float(rate) for rate in self.get_last_lr()],
            "momentum": None if self.momentum is None else describe(self.momentum),
            "group_scales": self.group_scales and list(self.group_scales),
            "plateaus": [plateau.state_dict() for plateau in plateaus_in(self.schedule)],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where the saved run stopped, the plateaus too; also sets the optimizer's rates.

        Raises ValueError, naming both, where the state was saved under another schedule, momentum
        or group_scales.
        """
        saved, now = state_dict, self.state_dict()
        if missing := now.keys() - saved.keys():
            names = ", ".join(sorted(missing))
            raise ValueError(f"state_dict was not saved by a TorchSchedule: it has no {names}")
        words = {"schedule": "", "momentum": "momentum ", "group_scales": "group_scales "}
        for name, word in words.items():
            if saved[name] != now[name]:
                raise ValueError(
                    f"state_dict was saved under {word}{saved[name]}, this is {word}{now[name]}"
                )
        self.last_epoch = Whole(low=-1).check("last_epoch", saved["last_epoch"])
        plateaus = plateaus_in(self.schedule)
        for plateau, state in zip(plateaus, saved["plateaus"], strict=True):
            plateau.load_state_dict(state)
        if self.last_epoch == -1:  # waits in a SequentialLR: the rate is another scheduler's to set
            return
        rates = self.get_lr()
        # But for the last bits, where another machine's mathematical library rounds otherwise.
        near = (
            math.isclose(*each, rel_tol=1e-12, abs_tol=1e-16) for each in zip(rates, saved["lr"])
        )
        if not plateaus and not all(near):
            self.last_epoch = now["last_epoch"]
            raise ValueError(
                f"state_dict was saved under a {saved['schedule']} that gives {saved['lr']} "
                f"at update {saved['last_epoch']}; this one gives {rates}"
            )
        self.refresh()


# --- adaptive rules -------------------------------------------------------------------------------


def effective_rates(optimizer: torch.optim.Optimizer) -> list[np.ndarray]:
    """What multiplies the gradient of each weight, one array per weight.

    In Adam it is the first moment that is multiplied, in SGD with momentum the velocity. It is read
    from the optimizer's state and its present `lr`, so call it after at least one
    `optimizer.step()` and before `scheduler.step()`. Adagrad, Adam, AdamW, RMSprop and SGD can be
    read: TypeError for another, ValueError for one without an update. A weight without an update,
    such as a frozen one, has the rate NaN, but in SGD a number.

    >>> weight = torch.zeros(2, requires_grad=True)
    >>> optimizer = torch.optim.Adagrad([weight], lr=1.0)
    >>> weight.grad = torch.tensor([2.0, 0.5])
    >>> optimizer.step()
    >>> effective_rates(optimizer)[0].tolist()  # 1 / |gradient|
    [0.5, 2.0]
    """
    known: dict[type, Callable[[dict, dict], Any]] = {
        torch.optim.Adagrad: _adagrad_rate,
        torch.optim.Adam: _adam_rate,  # AdamW is one
        torch.optim.RMSprop: _rmsprop_rate,
        torch.optim.SGD: lambda state, group: 1.0,
    }
    rate = next((known[kind] for kind in known if isinstance(optimizer, kind)), None)
    if rate is None:
        names = ", ".join(kind.__name__ for kind in known)
        raise TypeError(
            f"optimizer must be one of {names} or AdamW, got {type(optimizer).__name__}; "
            "of others, the rate per weight is not known here"
        )
    plain, states = isinstance(optimizer, torch.optim.SGD), optimizer.state
    if not plain and not any(state.get("step") for state in states.values()):  # Adagrad has it at 0
        raise ValueError("optimizer must have made an update; call optimizer.step() first")
    rates = []
    for group in optimizer.param_groups:
        for weight in group["params"]:
            state = states.get(weight, {})
            number = rate(state, group) if plain or state.get("step") else np.nan
            rates.append(np.broadcast_to(number * float(group["lr"]), weight.shape).copy())
    return rates


def _adagrad_rate(state: dict, group: dict) -> np.ndarray:
    decay = 1 + (float(state["step"]) - 1) * group["lr_decay"]
    return (1 / decay / (state["sum"].sqrt() + group["eps"])).numpy(force=True)


def _rmsprop_rate(state: dict, group: dict) -> np.ndarray:
    average = state["square_avg"]
    if group["centered"]:
        average = average - state["grad_avg"].square()
    return (1 / (average.sqrt() + group["eps"])).numpy(force=True)


def _adam_rate(state: dict, group: dict) -> np.ndarray:
    (beta_1, beta_2), step = group["betas"], float(state["step"])
    average = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
    divisor = average.sqrt() / math.sqrt(1 - beta_2**step) + group["eps"]
    return (1 / (1 - beta_1**step) / divisor).numpy(force=True)


def hessian_diagonal(
    loss: Callable[[], torch.Tensor], weights: Sequence[torch.Tensor]
) -> list[np.ndarray]:
    """The second derivatives of `loss()` in each weight alone, exact: one array per weight.

    `loss` takes no argument and is called once; what it gives must depend on `weights`. One
    backward pass per number in `weights`, so for small problems.

    >>> weight = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> hessian_diagonal(lambda: (weight**3).sum(), [weight])[0].tolist()
    [6.0, 12.0]
    """
    gradients = torch.autograd.grad(
        loss(), weights, create_graph=True, allow_unused=True, materialize_grads=True
    )
    diagonals = []
    for gradient, weight in zip(gradients, weights, strict=True):
        diagonal = np.zeros(weight.numel())
        # Where the loss is linear in this weight, its gradient is a constant: zeros.
        for i, part in enumerate(gradient.flatten() if gradient.requires_grad else ()):
            (row,) = torch.autograd.grad(
                part, weight, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            diagonal[i] = row.flatten()[i].item()
        diagonals.append(diagonal.reshape(weight.shape))
    return diagonals
