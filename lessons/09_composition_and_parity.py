# %% [markdown] tags=["setup"]
# # Composition and parity: every schedule, and what others call it
#
# **You will be able to:** find any schedule of this library, translate its arguments between six
# libraries, and name the places where two of them mean different things by the same word; put
# schedules one after another, multiplied, and on groups of weights; spot when two objects set one
# rate; move a schedule to another batch size; and read the rate, and the decay, that an adaptive
# optimizer gives each weight.
#
# **You need:** lessons 2, 3, 4, 5 and 8.
#
# **Minutes:** 55
#
# PyTorch, Keras, optax, timm, transformers and fastai each have their own set of schedules. Where
# two share one, they rarely share its arguments, and sometimes not even its values: sections 1 to 8.
# Sections 9 to 12, perhaps on another day, are about batch size and adaptive rates.

# %% tags=["setup"]
import math

import numpy as np
import torch
from torch.optim import lr_scheduler

framework = "torch"  # or "tensorflow"

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
from IPython.display import Markdown

from course_lib import GALLERY, Schedule, adaptive
from course_lib.claims import Runs, gain
from course_lib.claims.lesson_08 import tuned
from course_lib.data import load
from course_lib.plots import LOOKS, PALETTE, look, plot_runs
from course_lib.predictions import outcome, predict
from course_lib.rosetta import table, to_keras, to_torch
from course_lib.schedules import (
    batch_scaled,
    constant,
    constant_factor,
    cosine,
    cosine_restarts,
    join,
    product,
    warmup,
)
from course_lib.tensorflow import KerasSchedule, keras, tf
from course_lib.training import fit

# %% [markdown]
# ## 1. The families
#
# A schedule is a function from the number of the update to a rate. `GALLERY` has one example of
# each. Row by row: some **fall to an end**, and must know how long the run will be; some **fall
# without an end**, and can be stopped anywhere; some **climb first**; and some **come back**.

# %% alt="Twenty small curves in four rows: to an end, without an end, climbing first, coming back."
families = (
    ("linear", "cosine", "polynomial", "rex", "k_decay", "tanh"),
    ("exponential", "natural_exponential", "inverse_time", "inverse_sqrt", "power"),
    ("wsd", "knee", "tri_stage", "slanted_triangular", "one_cycle"),
    ("cosine_restarts", "restart", "triangular", "triangular2"),
)
figure, grid = plt.subplots(
    4, 6, figsize=(7.5, 4.8), dpi=90, sharex=True, sharey=True, layout="constrained"
)
for panels, names in zip(grid, families):
    for panel, name in zip(panels, (*names, None, None)):
        if name is None:
            panel.set_axis_off()
            continue
        panel.plot(GALLERY["linear"].values(111), color="0.8")  # the straight line, to compare
        panel.plot(GALLERY[name].values(111), **{**LOOKS[name], "linestyle": "-"})
        panel.set_title(name, fontsize=8, loc="left")
figure.supxlabel("update (grey: linear)", fontsize=10)
figure.supylabel("learning rate", fontsize=10)
plt.show()

# %% [markdown]
# ## 2. The dictionary
#
# Each entry is code in our parameter names; where its `if` is false, it is `None`. `floor` is
# `final_lr / peak_lr`, `start` where a warmup begins, as a share of the peak, `own_lr` the
# optimizer's rate. `plain(then)`: does PyTorch's scheduler of `then` multiply this rate?
# `whole(x)`: is x whole?

# %%
Markdown(table())

# %% [markdown]
# For one schedule, ask for the line to paste:

# %% tags=["nbval-check-output"]
schedule = Schedule(cosine, peak_lr=0.5, total_steps=900, final_lr=0.05)
print(to_torch(schedule))
print(to_keras(schedule))

# %% [markdown]
# The floor is a rate in PyTorch and a fraction in Keras: a *false friend* (lesson 4).
#
# ## 3. False friends
#
# **Predict.** PyTorch's `CosineAnnealingWarmRestarts(optimizer, 5)` and Keras's
# `CosineDecayRestarts(1.0, 5)` both jump back up at update 5.

# %%
predict(
    "9.a",
    "Warm restarts, 5 updates at first: who is first to restart again?",
    {"PyTorch": 34, "Keras": 33, "both at the same update": 33},
)


# %%
def sgd(lr=1.0):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)


def applied(optimizer, *schedulers, updates=8):
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return rates


optimizer = sgd()
in_torch = applied(optimizer, lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5), updates=20)
native = keras.optimizers.schedules.CosineDecayRestarts(1.0, 5)
in_keras = [float(native(step)) for step in range(20)]
restarts = []
for name, rates, factor in (("PyTorch", in_torch, 1), ("Keras", in_keras, 2)):
    ours = Schedule(cosine_restarts, peak_lr=1.0, cycle_steps=5, cycle_factor=factor)
    assert np.allclose(rates, ours.values(20), atol=1e-6)
    jumps = [t for t in range(1, 20) if rates[t] > rates[t - 1]]
    restarts.append(jumps[1])
    print(f"{name:8} restarts at {jumps}: ours with cycle_factor={factor}")
same = restarts[0] == restarts[1]
outcome(
    "9.a",
    "both at the same update" if same else "PyTorch" if restarts[0] < restarts[1] else "Keras",
)

# %% [markdown]
# Unless told otherwise, Keras doubles each cycle (`t_mul=2.0`), and PyTorch repeats it
# (`T_mult=1`). Lesson 3 had another such pair: Keras's boundary is the *last* update with the old
# rate, PyTorch's milestone (and ours) the *first* with the new one.
#
# ## 4. One after another
#
# `join` hands over at a boundary, and each part counts its own updates from 0:
#
# $$\text{lr}(t) = \text{part}_i(t - b_{i-1}), \qquad b_{i-1} \le t < b_i$$
#
# In PyTorch this is `SequentialLR`. Keras has none; a subclass holds the parts.

# %%
climb = Schedule(warmup, then=Schedule(constant, lr=1.0), warmup_steps=4)
fall = Schedule(cosine, peak_lr=1.0, total_steps=16)
plan = Schedule(join, parts=(climb, fall), boundaries=(4,))

optimizer = sgd()
parts = [
    lr_scheduler.LinearLR(optimizer, start_factor=0.2, total_iters=4),
    lr_scheduler.CosineAnnealingLR(optimizer, T_max=16),
]
in_torch = applied(
    optimizer, lr_scheduler.SequentialLR(optimizer, parts, milestones=[4]), updates=20
)
print("torch equals ours:", np.allclose(in_torch, plan.values(20), rtol=1e-12, atol=1e-12))

# %%
schedules = keras.optimizers.schedules


@keras.saving.register_keras_serializable(package="lesson_09")
class Join(schedules.LearningRateSchedule):
    def __init__(self, first, second, boundary):
        self.first, self.second, self.boundary = first, second, boundary

    def __call__(self, step):
        late = self.second(keras.ops.maximum(step - self.boundary, 0))
        return keras.ops.where(step < self.boundary, self.first(step), late)

    def get_config(self):
        parts = {name: schedules.serialize(getattr(self, name)) for name in ("first", "second")}
        return {**parts, "boundary": self.boundary}

    @classmethod
    def from_config(cls, config):
        parts = {name: schedules.deserialize(config[name]) for name in ("first", "second")}
        return cls(**parts, boundary=config["boundary"])


# %%
climbing_part = schedules.PolynomialDecay(0.2, decay_steps=4, end_learning_rate=1.0)
native = Join(climbing_part, schedules.CosineDecay(1.0, 16), 4)
again = schedules.deserialize(schedules.serialize(native))
for name, rule in {"Keras": native, "Keras, saved and loaded": again}.items():
    same = np.allclose([float(rule(t)) for t in range(20)], plan.values(20), rtol=1e-5, atol=1e-6)
    print(f"{name} equals ours: {same}")

# %% [markdown]
# `get_config` is what makes a schedule survive `model.save`: whatever `__init__` took must come out
# again. And put no Python `if` on `step` into `__call__`: in a compiled update the step is not a
# number yet.

# %%
from course_lib.widgets import explore

explore("warmup", "join", "product")  # your turn: schedules made of schedules

# %% [markdown]
# ## 5. Multiplied
#
# `product` multiplies. PyTorch's `ChainedScheduler` steps several schedulers on one optimizer; most
# of them multiply the *current* rate.
#
# **Predict.** A cosine from 1 to a floor of 0.2 in 20 updates, times 0.5 for the first 10. At
# update 15 the two factors are about 0.317 and 1. What does `ChainedScheduler` apply there?

# %%
predict(
    "9.b",
    "ChainedScheduler at update 15, where the product is 0.317?",
    {"the product": 34, "more": 33, "less": 33},
)

# %%
both = {}
for floor in (0.0, 0.2):
    optimizer = sgd()
    parts = [
        lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=floor),
        lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=10),
    ]
    chained = applied(optimizer, lr_scheduler.ChainedScheduler(parts), updates=20)
    wave = Schedule(cosine, peak_lr=1.0, total_steps=20, final_lr=floor)
    half = Schedule(constant_factor, lr=1.0, hold_steps=10, factor=0.5)
    both[floor] = chained, Schedule(product, parts=(wave, half)).values(20)
    print(f"floor {floor}: equal to the product: {np.allclose(*both[floor], atol=1e-12)}")

# %%
mine, wanted = (rates[15] for rates in both[0.2])
print(f"update 15: ChainedScheduler {mine:.3f}, product {wanted:.3f}")
outcome("9.b", "the product" if abs(mine - wanted) < 1e-9 else "more" if mine > wanted else "less")

# %% [markdown]
# PyTorch's cosine computes each rate from the last one; with a floor this contains a *sum*, which
# distorts the other scheduler's factor.
#
# ## 6. A rate for each group, a factor for each rate
#
# In PyTorch an optimizer has groups, and `LambdaLR` takes one function for each. It must return a
# **factor** of the group's first rate. In Keras a `MultiOptimizer` gives each group of weights an
# optimizer of its own.

# %%
body, head = (torch.zeros(1, requires_grad=True) for _ in range(2))
optimizer = torch.optim.SGD([{"params": [body], "lr": 0.01}, {"params": [head], "lr": 0.1}])
scheduler = lr_scheduler.LambdaLR(optimizer, [lambda t: 1 - t / 4, lambda t: 1.0])
for _ in range(3):
    print([group["lr"] for group in optimizer.param_groups])
    optimizer.step()
    scheduler.step()

# %%
body, head = (keras.Variable([0.0], name=name) for name in ("body", "head"))
groups = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1))  # the default, for the head
groups["body"] = keras.optimizers.SGD(KerasSchedule(lambda t: 0.01 * (1 - t / 4), 4))
optimizer = keras.optimizers.MultiOptimizer(groups)
optimizer.build([body, head])
for _ in range(3):
    before = [float(weight[0]) for weight in (body, head)]
    optimizer.apply([tf.ones(1), tf.ones(1)], [body, head])  # each gradient is 1
    after = [float(weight[0]) for weight in (body, head)]
    print([round(old - new, 4) for old, new in zip(before, after)])

# %% [markdown]
# The map's key is a pattern for the *whole* path of a weight, like `".*encoder/.*"`. If it fits no
# weight, the default is used, without a message.
#
# ## 7. Break it: two hands on one rate
#
# A Keras optimizer with a schedule object, and a callback that sets the rate:


# %%
def try_keras(rate, callback):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
    nothing = np.zeros((1, 1))
    try:
        done = model.fit(nothing, nothing, epochs=6, callbacks=[callback], verbose=0).epoch
        return f"{len(done)} epochs"
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0][:66]}..."


halving = schedules.ExponentialDecay(0.1, 1, 0.5)
print(try_keras(halving, keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)))
print(try_keras(halving, keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=3)))
print(try_keras(halving, keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=30)))
print(try_keras(0.1, keras.callbacks.LearningRateScheduler(lambda epoch: 1)))

# %% [markdown]
# No number can overwrite a schedule object. The plateau callback fails at its first cut, which
# may be after hours ([tensorflow#36612](https://github.com/tensorflow/tensorflow/issues/36612)),
# or never (third line). Last line: the callback wants a float, and 1 is an integer. PyTorch is
# quieter: a scheduler goes on setting *its* optimizer's rate:

# %%
old = sgd(0.1)
scheduler = lr_scheduler.ExponentialLR(old, gamma=0.5)
new = sgd(0.1)  # made again, after unfreezing some layers, say
old.step()
print("new:", applied(new, scheduler, updates=4))
print("old:", old.param_groups[0]["lr"])

# %% [markdown]
# **Fix it**: a new optimizer needs a new scheduler.
#
# ## 8. Spot the bug: two schedulers, one optimizer
#
# PyTorch's detection tutorial makes a `StepLR`; the `train_one_epoch` that it calls makes a
# `LinearLR` warmup on the same optimizer
# ([tutorials#2631](https://github.com/pytorch/tutorials/issues/2631)). That works. Swap `StepLR`
# for a `LambdaLR` of the same staircase:


# %%
def two(make, warmup_first):
    optimizer = sgd()
    order = [lambda o: lr_scheduler.LinearLR(o, start_factor=0.2, total_iters=4), make]
    pair = [each(optimizer) for each in (order if warmup_first else order[::-1])]
    return [round(rate, 3) for rate in applied(optimizer, *pair)]


print("StepLR:         ", two(lambda o: lr_scheduler.StepLR(o, 4, gamma=0.5), True))
for name, warmup_first in {"LambdaLR last:  ": True, "LambdaLR first: ": False}.items():
    print(name, two(lambda o: lr_scheduler.LambdaLR(o, lambda t: 0.5 ** (t // 4)), warmup_first))

# %% [markdown]
# <details><summary>What happened</summary>
#
# `StepLR` and `LinearLR` both multiply the current rate, so together they are a product. `LambdaLR`
# writes first rate times factor: called last, it wipes out the warmup; called first, the warmup
# multiplies a rate that was set afresh, and overshoots to twice the rate that anyone asked for.
# </details>
#
# The fix is one schedule for one rate: `SequentialLR`, `join`, or `warmup(then=...)`.
#
# ## 9. The same schedule, another batch size
#
# A batch averages the gradients of $B$ images, which divides the variance in lesson 2's formula by
# $B$:
#
# $$\text{floor} = \frac{\text{lr}\,\sigma^2}{2 B\,(2 - \text{lr}\, L)}$$
#
# Far below the edge, equal lr / B means an equal floor, and equal progress per image. Hence the
# **linear rule** (Goyal et al. 2017): batch times k, rate times k. But the edge, 2 / L, does not
# move with B. For Adam (section 10) the rate grows by the **root** of k; Malladi et al. (2022)
# change its betas and epsilon, too. `batch_scaled` has both factors.
#
# **Predict.** Batches of 16, 64 and 256, the same 12,800 images, five rates a factor of 4 apart:
# how does the best rate move?

# %%
predict(
    "9.c",
    "Batches of 16, 64 and 256: the best rate is ...",
    {
        "4 times as high, and 4 times again": 25,
        "4 times as high, then the same": 25,
        "the same for all": 25,
        "something else": 25,
    },
)

# %%
RATES, SIZES, IMAGES = (0.01, 0.04, 0.16, 0.64, 2.56), (16, 64, 256), 12_800
mnist = load("mnist")
ends = {}
for size in SIZES:
    for lr in RATES:
        plan = Schedule(constant, lr=lr)
        how = dict(data=mnist, framework=framework, batch_size=size, progress=False)
        run = fit(plan, max_updates=IMAGES // size, **how)
        run.assert_lr_matches(plan)
        ends[size, lr] = math.inf if run.diverged is not None else run.history["val_loss"][-1]
    print(f"batch {size:3}:", "  ".join(f"{lr:g}: {ends[size, lr]:.2f}" for lr in RATES))
best = [min(RATES, key=lambda lr: ends[size, lr]) for size in SIZES]
first = Schedule(constant, lr=best[0])
linear_rule = [batch_scaled(0, then=first, batch_size=b, base_batch_size=SIZES[0]) for b in SIZES]
print("best rates:", best, " by the linear rule:", linear_rule)

# %% alt="Held-out loss against rate: cliffs in one place; against rate / batch: left ends agree."
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.8), dpi=90, sharey=True, layout="constrained")
for size, color, marker in zip(SIZES, PALETTE, "os^"):
    losses = [ends[size, lr] for lr in RATES]
    for panel, scale in zip(panels, (1, size)):
        rates = [lr / scale for lr in RATES]
        panel.semilogx(rates, losses, color=color, marker=marker, label=f"batch {size}")
for panel, name in zip(panels, ("learning rate", "learning rate / batch size")):
    panel.set_xlabel(name)
    panel.grid(alpha=0.25)
panels[0].set_ylabel("held-out loss")
panels[0].set_title(f"{mnist.title}, {framework}, {IMAGES:,} images", fontsize=10, loc="left")
panels[1].legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()
factors = [round(b / a) for a, b in pairwise(best)]
moves = {
    (4, 4): "4 times as high, and 4 times again",
    (4, 1): "4 times as high, then the same",
    (1, 1): "the same for all",
}
outcome("9.c", moves.get(tuple(factors), "something else"))

# %% [markdown]
# On the right the low rates lie on one curve: the rule holds. On the left all three end at one
# cliff: from 64 to 256 the rule asks for a rate beyond it. <!-- shown --> (n = 1)
#
# ## 10. A rate for each weight
#
# Adaptive optimizers divide the rate by the size of each weight's past gradients. **AdaGrad**
# (Duchi et al. 2011) and **AdaGrad-Norm** (Ward et al. 2019, one rate for all; its sum begins at
# $b_0^2$):
#
# $$\text{rate}_i=\frac{\text{lr}}{\sqrt{\sum g_i^2}+\epsilon},\qquad
# \text{rate}=\frac{\text{lr}}{\sqrt{b_0^2+\sum\lVert g\rVert^2}}$$
#
# The sums only grow. RMSprop and Adam replace them by a mean that forgets, $v$; Adam steps along a
# mean $m$ of gradients. Without the correction for their start at zero:
#
# $$m\leftarrow\beta_1m+(1-\beta_1)g,\quad v\leftarrow\beta_2v+(1-\beta_2)g^2,\quad
# w\leftarrow w-\frac{\text{lr}}{\sqrt{v}+\epsilon}\,m$$
#
# The fraction is each weight's rate. Take two weights; the gradients of the second are those of the
# first times 0.01:

# %% alt="Rates of two weights under four rules: both AdaGrads fall for ever, the others level off."
large = np.random.default_rng(0).normal(size=(200, 1))
gradients = large * [1.0, 0.01]
rules = {
    "AdaGrad": adaptive.adagrad_rates(gradients, lr=0.1),
    "AdaGrad-Norm": adaptive.adagrad_norm_rates(gradients, lr=0.1),
    "RMSprop": adaptive.rmsprop_rates(gradients, lr=0.1),
    "Adam": adaptive.adam_rates(gradients, lr=0.1),
}
figure, panels = plt.subplots(
    1, 4, figsize=(7.5, 2.6), dpi=90, sharex=True, sharey=True, layout="constrained"
)
for panel, (name, rates) in zip(panels, rules.items()):
    panel.semilogy(rates[:, 1], label="small gradients", **look("", 0))
    panel.semilogy(rates[:, 0], label="large gradients", **look("", 1))
    panel.set_title(name, fontsize=10, loc="left")
    panel.grid(alpha=0.25)
panels[0].set_ylabel("effective rate")
figure.supxlabel("update", fontsize=10)
panels[1].legend(fontsize=8, frameon=False, loc="upper right")
plt.show()

# %% [markdown]
# All but AdaGrad-Norm, whose two lines are one, give the second weight a rate 100 times as large.
# <!-- shown --> The last rates, read from each framework's own optimizer:

# %%
from course_lib.pytorch import effective_rates, hessian_diagonal
from course_lib.tensorflow import effective_rates as keras_rates

weight = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.Adagrad([weight], lr=0.1)
for gradient in gradients:
    weight.grad = torch.tensor(gradient, dtype=torch.float32)
    optimizer.step()
print("formula", rules["AdaGrad"][-1].round(5), " torch", effective_rates(optimizer)[0].round(5))
weight = tf.Variable(tf.zeros(2))
# Unless told otherwise, Keras's sum begins at 0.1; its epsilon is inside the root.
optimizer = keras.optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=1e-20)
for gradient in np.float32(gradients):
    optimizer.apply([tf.constant(gradient)], [weight])
print("formula", rules["AdaGrad"][-1].round(5), " Keras", keras_rates(optimizer)[0].round(5))

# %% [markdown]
# An article behind this course has "1 / root of the sum of squared *second-order* gradients".
# Literally, with curvature:

# %%
w = torch.tensor([1.0, 1.0], requires_grad=True)
curvature = hessian_diagonal(lambda: (torch.tensor([4.0, 0.5]) * w**2 / 2).sum(), [w])[0]
rates = adaptive.adagrad_rates([curvature] * 4, lr=1.0)
print("curvatures", curvature, " rates of updates 0 and 3:", rates[[0, 3]].round(3).tolist())

# %% [markdown]
# The first rate is 1 / curvature, Newton's step to the bottom of a quadratic. Then it falls as
# $1/\sqrt{t}$, though the valley has not changed.
#
# ## 11. Does Adam still need a schedule?
#
# [Articles](../docs/errata.md#e32-adam-needs-no-schedule) list Adam as "fixed rate, needs no
# schedule". The record: a small network on MNIST, 600 updates, 5 seeds, one rate all the way or a
# cosine, each at its best peak by validation loss (the same seeds choose and judge).
#
# **Predict.** Who has the higher test accuracy?

# %%
predict(
    "9.d",
    "Adam on MNIST, 600 updates: who has the higher test accuracy?",
    {"the fixed rate": 34, "the cosine": 33, "no difference found": 33},
)

# %%
found = Runs("adam_schedule", framework)
best = {kind: tuned(found, kind) for kind in ("constant", "cosine")}
difference = gain(found.percent(best["cosine"]), found.percent(best["constant"]))
print(best, f"cosine minus fixed: {difference:.2f} points, n = {difference.n}")
outcome(
    "9.d",
    "no difference found"
    if difference.undecided
    else ("the cosine" if difference.value > 0 else "the fixed rate"),
)

# %% alt="Adam's fixed and falling rate above their training losses, which stay close together."
plans = {
    "constant": Schedule(constant, lr=0.01),
    "cosine": Schedule(cosine, peak_lr=0.01, total_steps=400),
}
how = dict(data=mnist, framework=framework, batch_size=128, optimizer="adam", progress=False)
runs = {name: fit(plan, max_updates=400, **how) for name, plan in plans.items()}
for name, plan in plans.items():
    runs[name].assert_lr_matches(plan)
figure = plot_runs(runs)
figure.axes[1].set_ylim(0, 0.6)
figure

# %% [markdown]
# Drawn: one seed, 400 updates. {{adam-gains-from-a-schedule}} {{adam-at-one-low-peak}}
#
# ## 12. Weight decay follows the schedule
#
# **Weight decay** pulls each weight towards 0. In PyTorch and Keras, AdamW subtracts
# $\text{lr}_t\,\lambda\,w$ besides Adam's step, so the schedule scales the decay, too. Read it off
# a weight whose gradient is 0:


# %%
for kind in (torch.optim.AdamW, torch.optim.Adam):
    weight = torch.ones(1, requires_grad=True)
    weight.grad = torch.zeros(1)
    optimizer = kind([weight], lr=0.1, weight_decay=0.1)
    falls = lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=4)
    left = [1.0]
    for _ in range(4):
        optimizer.step()
        falls.step()
        left.append(weight.item())
    print(f"torch {kind.__name__:6}", [f"{1 - b / a:.2%}" for a, b in pairwise(left)])

for kind in (keras.optimizers.AdamW, keras.optimizers.Adam):
    weight, left = tf.Variable([1.0]), [1.0]
    falls = keras.optimizers.schedules.PolynomialDecay(0.1, 4, end_learning_rate=0.0)
    optimizer = kind(falls, weight_decay=0.1)
    for _ in range(4):
        optimizer.apply([tf.zeros(1)], [weight])
        left.append(float(weight[0]))
    print(f"Keras {kind.__name__:6}", [f"{1 - b / a:.2%}" for a, b in pairwise(left)])

# %% [markdown]
# Printed: the share of the weight that each update removes. With AdamW (Keras: also Adam) it is
# $\text{lr}_t\,\lambda$: a sweep of peaks sweeps the decay. A false friend: in the paper (Loshchilov
# and Hutter 2019) only $\text{lr}_t/\text{peak}$ scales $\lambda$. PyTorch's `Adam(weight_decay=...)`
# adds $\lambda w$ to the *gradient*, and Adam divides by its size: here each update moves the
# weight by about the rate (8.3 % of 0.9 is 0.075), whatever $\lambda>0$ is. <!-- shown -->
#
# ## What you take along
#
# 1. A schedule is known by its values, not by its name: compare all of them, and the one after the
#    end.
# 2. Formulas compose: one after another, multiplied, per group. Stateful schedulers compose if each
#    multiplies; check the applied rates.
# 3. Adam scales the rates of the weights against each other; a schedule scales all of them in time,
#    and AdamW's weight decay with them.
#
# **An open question.** The six shapes of the first row all end at zero. How many seeds would it
# take to tell a run under `linear` from one under `rex`?
#
# **References.** J. Duchi et al., *Adaptive subgradient methods*, 2011, [JMLR
# 12](https://jmlr.org/papers/v12/duchi11a.html) · R. Ward et al., *AdaGrad stepsizes*, 2019,
# [arXiv:1806.01811](https://arxiv.org/abs/1806.01811) · D. Kingma, J. Ba, *Adam*, 2015,
# [arXiv:1412.6980](https://arxiv.org/abs/1412.6980) · I. Loshchilov, F. Hutter, *Decoupled weight
# decay*, 2019, [arXiv:1711.05101](https://arxiv.org/abs/1711.05101) · P. Goyal et al., *ImageNet in
# 1 hour*, 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677) · S. Malladi et al., *On the
# SDEs and scaling rules*, 2022, [arXiv:2205.10287](https://arxiv.org/abs/2205.10287) · the
# paper behind each formula is in its docstring.

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# Write each function, then run its check, also for a hint.
#
# ### Exercise 9.1 - The same drops in Keras (code, 2 points, about 5 minutes)
#
# Someone gives you the milestones of a PyTorch `MultiStepLR`. Find the `boundaries` for Keras's
# `PiecewiseConstantDecay` that change the rate for the very same updates. A milestone of 0 needs
# no boundary: every update already uses the new rate, so leave it out.
#
# **Deliver:** the boundaries, as a list.
#
# **Success:** the first update with each new rate is the same in both frameworks.
#
# Example: the milestones `[5]` are the boundaries `[4]`.


# %% tags=["exercise"]
def keras_boundaries(milestones):
    """The boundaries that change the rate for the same updates as `milestones` do in PyTorch."""
    ### BEGIN SOLUTION
    return [milestone - 1 for milestone in milestones if milestone > 0]
    ### END SOLUTION


# Try it: keras_boundaries([5])

# %% tags=["check"] grade_id="09-keras-boundaries" points=2
from course_lib.checks import check

check("9.1", keras_boundaries)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "9.1",
    keras_boundaries,
    hints=[
        "Update 5 is the first with the new rate in PyTorch. Which is the last one with the old "
        "rate?",
        "A boundary in Keras is the last update with the old rate: one less than the milestone.",
        "`milestone - 1` for each milestone above 0.",
    ],
    shown=[call([5]), call([30, 60]), call([])],
    locked=[call([12, 30_000, 60_000]), call([0, 3, 9]), call([1, 4])],
    hidden={
        "milestones above zero": [call([1, 8, 13]), call([10, 20, 40]), call([32_000, 48_000])],
        "a milestone of zero": [call([0, 7]), call([0]), call([0, 2, 90])],
    },
)

# %% [markdown] tags=["answer"]
# A boundary belongs to the old rate, a milestone to the new one, so each is one less. A milestone
# of 0 would be a boundary of -1: Keras takes it, but the first of its values then serves no update.
# Frequent slips: one more instead of one less, a boundary of 0 for a milestone of 0 (the first
# update would keep the old rate), the distances instead of the places.

# %% [markdown] tags=["exercise"]
# ### Exercise 9.2 - Segments in a row (code, 3 points, about 10 minutes)
#
# Many schedules are straight pieces in a row. A piece is `[start, end, length]`: it begins at the
# rate `start` and moves towards `end`, which it would reach after `length` updates; just then the
# next piece takes over with its own `start`: at once, where the length is 0. After the last piece
# its `end` holds for ever.
#
# **Deliver:** the rate of update `step`. There is at least one piece.
#
# **Success:** right at every update of every piece, where pieces meet, and after the last one.
#
# Example: `[[0.0, 1.0, 4], [1.0, 1.0, 2], [0.5, 0.0, 2]]` gives 0, 0.25, 0.5, 0.75, 1, 1, 0.5,
# 0.25, and then 0.


# %% tags=["exercise"]
def in_a_row(step, *, segments):
    """The rate of update `step` under straight pieces [start, end, length] in a row."""
    ### BEGIN SOLUTION
    for start, end, length in segments:
        if step < length:
            return start + (end - start) * step / length
        step -= length
    return end
    ### END SOLUTION


# Try it: [in_a_row(t, segments=[[0.0, 1.0, 4], [0.5, 0.0, 2]]) for t in range(8)]

# %% tags=["check"] grade_id="09-in-a-row" points=3
from course_lib.checks import check

check("9.2", in_a_row)

# %% tags=["probes"]
exercise(
    "9.2",
    in_a_row,
    hints=[
        "In which piece is this update, and how many updates of that piece came before it?",
        "Go through the pieces; take the length of each one that is over off the step.",
        "Within a piece: `start` plus the share `step / length` of the way to `end`. After all "
        "pieces: the last `end`.",
    ],
    shown=[
        curve(range(11), segments=[[0.0, 1.0, 4], [1.0, 1.0, 2], [0.5, 0.0, 2]]),
        curve(range(6), segments=[[0.3, 0.1, 3]]),
    ],
    locked=[
        curve(range(20), segments=[[0.1, 0.9, 4], [0.4, 0.2, 5], [0.3, 0.7, 3], [0.6, 0.5, 6]]),
        curve(range(6), segments=[[0.5, 3.0, 1], [2.0, 0.4, 3]]),
        curve(range(6), segments=[[0.1, 0.9, 0], [0.9, 0.3, 3]]),  # no warmup
    ],
    hidden={
        "pieces that join": [
            curve(range(40), segments=[[0.01, 0.5, 9], [0.5, 0.5, 11], [0.5, 0.02, 13]]),
            curve(range(12), segments=[[1.0, 0.0, 10]]),
        ],
        "pieces that jump": [
            curve(range(30), segments=[[0.8, 0.1, 5], [0.6, 0.2, 8], [0.9, 0.3, 1], [0.7, 0.4, 2]]),
            curve(range(9), segments=[[0.2, 2.0, 1], [0.3, 3.0, 1], [0.4, 4.0, 3]]),
        ],
        "where pieces meet, and after the end": [
            curve([99, 100, 101, 349, 350, 9999], segments=[[0.0, 0.4, 100], [0.6, 0.05, 250]]),
            curve([0, 7, 8, 1000], segments=[[0.25, 0.75, 8]]),
            curve(range(8), segments=[[0.0, 0.6, 0], [0.6, 0.2, 4], [0.7, 0.9, 0], [0.3, 0.1, 2]]),
        ],
    },
)

# %% [markdown] tags=["answer"]
# The loop is `join` of straight lines: what is over is taken off, so that each piece counts from 0.
# Frequent slips: `<=`, which gives the joint to the old piece; dividing by `length - 1`, which
# reaches `end` one update early and fails for a length of 1; not counting from 0 again.

# %% [markdown] tags=["exercise"]
# ### Exercise 9.3 - A Keras schedule that survives saving (code, 3 points, about 12 minutes)
#
# Write a function that returns a Keras schedule, a
# `keras.optimizers.schedules.LearningRateSchedule`, that climbs and holds:
#
# $$\text{lr}(t) = \text{peak} \cdot \min\left(1, \frac{t + 1}{\text{steps} + 1}\right)$$
#
# The check does what `model.save`, `load_model` and `fit` do: it writes the schedule's config as
# JSON, makes the schedule again from that, and asks the new one in a compiled update, where `step`
# has no value yet that Python's `if`, `min` or `float` could take.
#
# **Deliver:** the function `climb`, which returns the schedule.
#
# **Success:** the schedule that was made again has the right rates (float32 will do), for any peak
# and any `steps` from 0 on.
#
# Example: `climb(peak=1.0, steps=1)` has the rates 0.5, 1.0, 1.0 at the updates 0 to 2.


# %% tags=["exercise"]
from course_lib.tensorflow import keras, tf  # without their start-up notes


# %% tags=["exercise"]
def climb(*, peak, steps):
    """A Keras schedule that climbs to `peak`, holds it, and survives saving."""

    ### BEGIN SOLUTION
    class Climb(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, peak, steps):
            self.peak, self.steps = peak, steps

        def __call__(self, step):
            share = (keras.ops.cast(step, "float32") + 1) / (self.steps + 1)
            return self.peak * keras.ops.minimum(share, 1.0)

        def get_config(self):
            return {"peak": self.peak, "steps": self.steps}

    return Climb(peak, steps)
    ### END SOLUTION


# Try it: expect 0.5, 1.0, 1.0
# from course_lib.questions.adapters import keras_rates
# keras_rates(climb, 3, peak=1.0, steps=1)

# %% tags=["check"] grade_id="09-saved" points=3
from course_lib.checks import check

check("9.3", climb)

# %% tags=["probes"]
exercise(
    "9.3",
    climb,
    hints=[
        "A subclass of your own has three methods: what to remember, what to answer for a step, "
        "what to write down.",
        "`get_config` returns a dict whose keys are the arguments of `__init__`; then "
        "`from_config` of the base class needs nothing of you.",
        "`self.peak * keras.ops.minimum((keras.ops.cast(step, 'float32') + 1) / (self.steps + 1), "
        "1.0)`; and `get_config` returns `{'peak': self.peak, 'steps': self.steps}`.",
    ],
    shown=[
        through("keras_rates", 3, peak=1.0, steps=1),
        through("keras_rates", 8, peak=0.1, steps=4),
    ],
    locked=[
        through("keras_rates", 150, peak=0.0375, steps=140),
        through("keras_rates", 3, peak=0.6, steps=0),
    ],
    hidden={
        "some climbs": [
            through("keras_rates", 12, peak=0.3, steps=9),
            through("keras_rates", 6, peak=2.5, steps=2),
            through("keras_rates", 6, peak=0.00125, steps=3),
            through("keras_rates", 30, peak=0.05, steps=25),
            through("keras_rates", 200, peak=0.05, steps=180),
        ],
        "no climb at all, and one that is cut off": [
            through("keras_rates", 4, peak=0.7, steps=0),
            through("keras_rates", 5, peak=1.5, steps=120),
        ],
    },
    library=["warmup"],
    tolerance=1e-4,
)

# %% [markdown] tags=["answer"]
# Keys of the config and arguments of `__init__` are the same names, so the base class's
# `from_config`, which calls `cls(**config)`, is enough. `keras.ops.minimum` and not `min`: inside a
# compiled update the step is a tensor whose value is not known yet. Frequent slips: a config that
# misses an argument (loading fails, long after saving), an empty one (what is loaded has the rates
# of whichever schedule the new program made), other names in it than in `__init__`, a climb that
# begins at 0, a climb that never stops.

# %% [markdown] tags=["exercise"]
# ### Exercise 9.4 - Fix the rate that is a factor (bug, 2 points, about 6 minutes)
#
# `published` is a line of training code for domain adaptation
# ([MIC#60](https://github.com/lhoyer/MIC/issues/60)), where `lr` is the optimizer's own rate. What
# was meant is $\text{lr} \cdot (1 + \gamma t)^{-\text{power}}$.
#
# **Deliver:** a function that returns a PyTorch scheduler for the optimizer.
#
# **Success:** the rates that the optimizer applies in all its parameter groups are the meant ones,
# in each group from its own rate.
#
# Example: with a rate of 0.5, `gamma=1.0` and `power=1.0`, the updates 0 to 3 get 0.5, 0.25, 0.1667
# and 0.125.


# %% tags=["exercise"]
def published(optimizer, *, gamma, power):
    lr = optimizer.param_groups[0]["lr"]
    return lr_scheduler.LambdaLR(optimizer, lambda t: lr * (1 + gamma * t) ** -power)


# %% tags=["exercise"]
def corrected(optimizer, *, gamma, power):
    """A scheduler for this optimizer: its own rate times (1 + gamma * t) ** -power."""
    ### BEGIN SOLUTION
    return lr_scheduler.LambdaLR(optimizer, lambda t: (1 + gamma * t) ** -power)
    ### END SOLUTION


# Try it: what does `published` apply first, with a rate of 0.5?

# %% tags=["check"] grade_id="09-factor" points=2
from course_lib.checks import check

check("9.4", corrected)

# %% tags=["probes"]
exercise(
    "9.4",
    corrected,
    hints=[
        "Section 6 says in one word what the function of `LambdaLR` must return.",
        "It returns a factor, and `LambdaLR` multiplies it with the optimizer's first rate. How "
        "often is the rate in the published product?",
        "Leave out `lr *`.",
    ],
    shown=[
        through("torch_rates", 0.5, 4, gamma=1.0, power=1.0),
        through("torch_rates", 0.01, 12, gamma=0.001, power=0.75),
        through("torch_rates", 0.0001, 9, gamma=1.5, power=2.0),
    ],
    locked=[through("torch_rates", 0.2, 40, share=0.5, gamma=0.5, power=0.5)],
    hidden={
        "small rates": [
            through("torch_rates", 0.003, 60, share=0.1, gamma=0.01, power=0.75),
            through("torch_rates", 1e-4, 15, gamma=2.0, power=1.5),
        ],
        "large rates": [
            through("torch_rates", 4.0, 25, gamma=0.1, power=0.5),
            through("torch_rates", 10.0, 7, share=0.5, gamma=3.0, power=2.0),
        ],
    },
)

# %% [markdown] tags=["answer"]
# `LambdaLR` wants a factor of the *first* rate; with `lr` in it the rate is squared, and for a rate
# below 1 everything learns too slowly. In the repository, where `lr` comes from a config, an
# optimizer rate of 1.0 would make the line right: that is the other fix. `MultiplicativeLR` is not
# one, because its function gets multiplied with the *current* rate. Who sets the rates by hand sets
# those of every group in `param_groups`, each from its own.

# %% [markdown] tags=["exercise"]
# ### Exercise 9.5 - AdaGrad-Norm (code, 2 points, about 8 minutes)
#
# One adaptive rate for all weights, from the gradients alone:
#
# $$\text{rate}_t = \frac{\text{lr}}{\sqrt{b_0^2 + \lVert g_0 \rVert^2 + \ldots +
# \lVert g_t \rVert^2}}$$
#
# The gradient of the update itself counts. `gradients` has a row for each update, with one number
# for each weight.
#
# **Deliver:** the list of the rates, one for each update.
#
# **Success:** equal to the formula for any number of updates and weights; an empty list where there
# is no update.
#
# Example: `norm_rates([[3.0, 4.0], [0.0, 12.0]], lr=1.0, b0=0.0)` is `[0.2, 0.0769]`: 1/5, 1/13.


# %% tags=["exercise"]
def norm_rates(gradients, *, lr, b0):
    """The rate of each update under AdaGrad-Norm."""
    ### BEGIN SOLUTION
    total, rates = b0**2, []
    for gradient in gradients:
        total += sum(part**2 for part in gradient)
        rates.append(lr / math.sqrt(total))
    return rates
    ### END SOLUTION


# Try it: norm_rates([[3.0, 4.0], [0.0, 12.0]], lr=1.0, b0=0.0)

# %% tags=["check"] grade_id="09-norm-rates" points=2
from course_lib.checks import check

check("9.5", norm_rates)

# %% tags=["probes"]
exercise(
    "9.5",
    norm_rates,
    hints=[
        "What do you have to remember from one update to the next? It is one number.",
        "Begin with `b0` squared. Each update adds the squares of *all* its gradients, and only "
        "then takes the root.",
        "`total += sum(part**2 for part in gradient)`, then `lr / math.sqrt(total)`.",
    ],
    shown=[
        call([[3.0, 4.0], [0.0, 12.0]], lr=1.0, b0=0.0),
        call([[1.0], [1.0], [1.0]], lr=0.5, b0=1.0),
        call([[0.25], [1.0]], lr=0.001, b0=0.1),
        call([], lr=0.5, b0=1.0),
    ],
    locked=[
        call([[1.0, 2.0, 2.0, 4.0], [2.0, 4.0, 6.0, -5.0]], lr=2.0, b0=0.5),
        call([[2.0], [1.0], [2.0], [4.0], [0.0], [-4.0], [3.0]], lr=1.0, b0=0.0),
        call([[0.003, 0.004]], lr=0.01, b0=0.0),  # small, so that nothing may be added
    ],
    hidden={
        "several weights": [
            call([[0.5, -1.0, 2.0], [0.25, 0.0, -3.0], [1.0, 1.0, 1.0]], lr=0.1, b0=0.1),
            call([[-2.0, 6.0], [0.0, 0.0], [9.0, -1.0], [0.5, 0.5]], lr=3.0, b0=0.0),
            call([[1.0, 2.0, 0.5, -3.0, 4.0]] * 2, lr=1.0, b0=1.0),
        ],
        "one weight": [
            call([[2.0], [-1.0], [0.5], [0.0], [4.0], [1.0], [3.0]], lr=1.0, b0=2.0),
            call([[1e-3], [1e-3]], lr=0.01, b0=1e-4),
        ],
        "a large start": [
            call([[0.1, 0.2], [0.3, 0.4]], lr=1.0, b0=10.0),
            call([[0.0], [0.0]], lr=0.5, b0=4.0),
            call([], lr=2.0, b0=3.0),
        ],
    },
    library=["adagrad_norm_rates"],
)

# %% [markdown] tags=["answer"]
# One running sum is all the state. It only grows, so the rate only falls: AdaGrad-Norm is a
# schedule that the gradients write. Frequent slips: `b0` not squared, the root of each norm added
# up, the norm of the *last* gradient alone (that is normalised gradient descent), the gradient of
# the update itself left out.
