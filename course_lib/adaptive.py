"""Adaptive rules: the effective rate of every weight, from the gradients alone.

An adaptive optimizer divides one learning rate by something of each weight's own past. What is left
is a rate per weight and update, which this file computes as a plain recurrence in float64:

    change of weight i at update t = - rate[t, i] * gradient[t, i]     (Adam: * first moment[t, i])

The two frameworks use two conventions. G is the sum of squared gradients, v their moving average:

             PyTorch                                Keras
    AdaGrad  lr / (sqrt(G) + eps), G starts at 0    lr / sqrt(G + eps), G starts at 0.1
    RMSprop  lr / (sqrt(v) + eps)                   lr / sqrt(v + eps)
    Adam     lr/(1-b1^t) / (sqrt(v/(1-b2^t))+eps)   lr*sqrt(1-b2^t)/(1-b1^t) / (sqrt(v) + eps_hat)

An epsilon of e outside the root acts like e^2 inside. Adam's two forms are equal when
eps_hat = eps * sqrt(1 - b2^t), so for the same number Keras damps the first updates 32 times as
much. The default values differ too:

             PyTorch                                Keras
    SGD      lr 0.001                               lr 0.01
    AdaGrad  lr 0.01,  eps 1e-10, initial 0         lr 0.001, eps 1e-7, initial 0.1
    RMSprop  lr 0.01,  eps 1e-8,  alpha 0.99        lr 0.001, eps 1e-7, rho 0.9
    Adam     lr 0.001, eps 1e-8                     lr 0.001, eps 1e-7
    AdamW    lr 0.001, eps 1e-8,  decay 0.01        lr 0.001, eps 1e-7, decay 0.004

Weight decay: every Keras optimizer decouples it (weight -= lr * decay * weight, whatever the
rule). In PyTorch AdamW, Muon and Adafactor do, and Adam, NAdam and RAdam when asked with
decoupled_weight_decay=True; the others, such as SGD, AdaGrad and RMSprop, add decay * weight to the
gradient instead. The two forms make the same update for SGD without momentum only. AdamW is
decoupled in both frameworks.
"""

from collections.abc import Sequence

import numpy as np

from course_lib.formulas.parameters import Number


def adagrad_rates(
    gradients, *, lr, eps: float = 1e-10, initial: float = 0.0, eps_inside: bool = False
) -> np.ndarray:
    """AdaGrad: lr / (sqrt(G) + eps), G the sum of all squared gradients so far (and `initial`).

    `gradients` has a row per update and a column per weight, as has the answer; `lr` is a number or
    one per update. `eps_inside` gives Keras's lr / sqrt(G + eps). (Duchi, Hazan and Singer 2011.)

    With second derivatives in place of gradients (the Hessian's diagonal at each update) the first
    rate is 1 / curvature: Newton's step for a separable quadratic. Then it falls as 1 / sqrt(t)
    although the curvature stays. That is no published method: AdaHessian (Yao et al. 2021) averages
    the squares instead, and so keeps its rate.

    >>> adagrad_rates([[3.0, 1.0], [4.0, 0.0]], lr=1.0, eps=0.0).round(3).tolist()
    [[0.333, 1.0], [0.2, 1.0]]
    """
    gradients, lr = _checked(gradients, lr, eps=eps, initial=initial)
    return _divided(lr, initial + np.cumsum(gradients**2, axis=0), eps, eps_inside)


def rmsprop_rates(
    gradients, *, lr, alpha: float = 0.99, eps: float = 1e-8, eps_inside: bool = False
) -> np.ndarray:
    """RMSprop: lr / (sqrt(v) + eps), where v = alpha * v + (1 - alpha) * gradient^2 from v = 0.

    `alpha` is what Keras calls `rho`; `eps_inside` gives Keras's lr / sqrt(v + eps). (Tieleman and
    Hinton 2012, lecture 6.5.)

    >>> rmsprop_rates([[1.0], [1.0]], lr=1.0, alpha=0.75, eps=0.0).round(3).tolist()
    [[2.0], [1.512]]
    """
    gradients, lr = _checked(gradients, lr, eps=eps, alpha=alpha)
    return _divided(lr, _moving_average(gradients**2, alpha), eps, eps_inside)


def adam_rates(
    gradients, *, lr, betas: Sequence[float] = (0.9, 0.999), eps: float = 1e-8, eps_hat=False
) -> np.ndarray:
    """Adam: what multiplies the first moment m = b1 * m + (1 - b1) * gradient (from m = 0).

    lr / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) at update t = 1, 2, ..., with v as in RMSprop.
    `eps_hat` gives Keras's lr * sqrt(1 - b2^t) / (1 - b1^t) / (sqrt(v) + eps), the form at the end
    of section 2 of the paper. (Kingma and Ba 2015.)

    >>> rates = adam_rates([[1.0], [1.0]], lr=0.1, betas=(0.5, 0.75), eps=0.0)
    >>> rates.round(3).tolist()  # times m = 0.5 and 0.75: each change is exactly 0.1
    [[0.2], [0.133]]
    """
    beta_1, beta_2 = betas
    gradients, lr = _checked(gradients, lr, eps=eps, beta_1=beta_1, beta_2=beta_2)
    t = np.arange(1, len(gradients) + 1)[:, np.newaxis]
    root = np.sqrt(_moving_average(gradients**2, beta_2))
    correction = np.sqrt(1 - beta_2**t)
    if eps_hat:
        return _ratio(lr * correction / (1 - beta_1**t), root + eps)
    return _ratio(lr / (1 - beta_1**t), root / correction + eps)


def adagrad_norm_rates(gradients, *, lr, initial: float = 0.1) -> np.ndarray:
    """AdaGrad-Norm: one rate for all weights, lr / sqrt(b0^2 + sum of |gradient|^2), b0 `initial`.

    The gradients are of all weights together. SGD that gets each rate before its update makes the
    updates of AdaGrad-Norm, in either framework. (Ward, Wu and Bottou 2019.)

    >>> adagrad_norm_rates([[3.0, 4.0]], lr=1.0, initial=0.0).tolist()
    [[0.2, 0.2]]
    """
    gradients, lr = _checked(gradients, lr, initial=initial)
    norms = np.sum(gradients**2, axis=1, keepdims=True)
    rates = _ratio(lr, np.sqrt(initial**2 + np.cumsum(norms, axis=0)))
    return np.broadcast_to(rates, gradients.shape).copy()


def _checked(gradients, lr, **settings) -> tuple[np.ndarray, np.ndarray]:
    """Gradients as (updates, weights) and rates as (updates, 1), or an error about what is not."""
    gradients = np.asarray(gradients, dtype=np.float64)
    if gradients.ndim != 2:
        raise ValueError(
            "gradients must have a row per update and a column per weight, "
            f"got the shape {gradients.shape}"
        )
    for name, value in settings.items():
        if Number(low=0).check(name, value) >= 1 and name in ("alpha", "beta_1", "beta_2"):
            raise ValueError(f"{name} must be a number from 0 to below 1, got {value!r}")
    lr = np.asarray(lr)
    if lr.shape not in ((), (len(gradients),)):
        raise ValueError(
            f"lr must be one number, or one for each of the {len(gradients)} updates, "
            f"got the shape {lr.shape}"
        )
    if lr.dtype.kind not in "iuf" or not (np.isfinite(lr) & (lr >= 0)).all():
        raise ValueError(f"lr must be finite and at least 0, got {lr!r}")
    return gradients, np.broadcast_to(lr.astype(float), len(gradients))[:, np.newaxis]


def _moving_average(squares: np.ndarray, decay: float) -> np.ndarray:
    averages, now = np.empty_like(squares), np.zeros(squares.shape[1])
    for t, square in enumerate(squares):
        averages[t] = now = decay * now + (1 - decay) * square
    return averages


def _divided(lr: np.ndarray, total: np.ndarray, eps: float, eps_inside: bool) -> np.ndarray:
    return _ratio(lr, np.sqrt(total + eps) if eps_inside else np.sqrt(total) + eps)


def _ratio(rates: np.ndarray, divisor: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        # inf: no gradient yet and no epsilon; nothing moves by it, nor by a rate of 0
        return np.where(rates == 0, 0.0, rates / divisor)
