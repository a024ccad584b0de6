# %% [markdown] tags=["setup"]
# # Cycles, restarts and one-cycle
#
# **You will be able to:** write triangles, warm restarts and one-cycle with its momentum; tell a
# restart from a cosine that climbs back; say from measurements what a restart costs and what
# snapshots and a short cycle bring; and find the cycles that never run as drawn.
#
# **You need:** lessons 2, 4 and 5.
#
# **Minutes:** 45
#
# So far a rate climbed once at most, and then fell. The schedules of this lesson climb again.

# %% tags=["setup"]
import math

import torch
from torch.optim import lr_scheduler

framework = "torch"  # or "tensorflow"

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from course_lib.data import load
from course_lib.plots import look, plot_runs, plot_schedules
from course_lib.predictions import outcome, predict
from course_lib.schedules import (
    Schedule,
    cosine,
    cosine_restarts,
    linear,
    one_cycle,
    one_cycle_momentum,
    restart,
    triangular,
)
from course_lib.tensorflow import SGD, KerasSchedule, keras, tf
from course_lib.training import fit

# %% [markdown]
# ## 1. A recursion that says nothing
#
# A restart is sometimes printed as one line: every `n` updates the rate begins again,
#
# $$\text{lr}_t = \text{lr}_{t-n}.$$
#
# Take it literally. The first `n` updates have no past, so they get the initial rate:


# %%
def as_printed(step, lr=0.1, n=25):
    return lr if step < n else as_printed(step - n, lr, n)


print("the rates of 100 updates:", {as_printed(step) for step in range(100)})

# %% [markdown]
# The result is a constant. The line says that the rates repeat, but not *which* rates. A restart
# needs a schedule inside, here `then`: $\text{lr}(t) = \text{then}(t \bmod n)$.

# %% alt="A level line at 0.1, and a saw that falls from 0.1 nearly to 0 four times in 100 updates."
fall = Schedule(linear, peak_lr=0.1, total_steps=25)
plans = {
    "the recursion alone": as_printed,
    "restart of a straight line": Schedule(restart, then=fall, cycle_steps=25),
}
plot_schedules(plans, 100)

# %% [markdown]
# ## 2. Triangles
#
# A **cycle** goes up and down. Smith (2017) moves the rate between two bounds, found by a range
# test (lesson 7). With $s$ updates up and $s$ down, and $p = t \bmod 2s$:
#
# $$\text{lr}(t) = \text{base} + (\text{peak} - \text{base})
# \left(1 - \left|\frac{p}{s} - 1\right|\right) \cdot \text{scale}$$
#
# The scale is 1 (`triangular`), is halved with every cycle (`triangular2`), or is $\gamma^t$
# (`exp_range`).

# %% alt="Three triangles over 100 updates: equal peaks, peaks that halve, peaks that shrink."
kinds = ("triangular", "triangular2", "exp_range")
shape = dict(base_lr=0.01, peak_lr=0.1, half_cycle_steps=20, factor=0.98)
triangles = {kind: Schedule(triangular, mode=kind, **shape) for kind in kinds}
plot_schedules(triangles, 100)

# %% [markdown]
# PyTorch has a class for it. Keras has none, but any formula in `keras.ops` can be a schedule.


# %%
def applied(optimizer, scheduler, updates):
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def sgd(lr=0.1, **options):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, **options)


optimizer = sgd()
scheduler = lr_scheduler.CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=20)
in_torch = applied(optimizer, scheduler, 100)


# %%
class Triangle(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, base, peak, half):
        self.base, self.peak, self.half = base, peak, half

    def __call__(self, step):
        position = keras.ops.cast(step, "float32") % (2 * self.half)
        height = 1 - keras.ops.abs(position / self.half - 1)
        return self.base + (self.peak - self.base) * height

    def get_config(self):
        return {"base": self.base, "peak": self.peak, "half": self.half}


in_keras = [float(Triangle(0.01, 0.1, 20)(step)) for step in range(100)]

# %%
ours = triangles["triangular"]
print(ours)
for name, rates in {"PyTorch": in_torch, "Keras": in_keras}.items():
    print(f"{name:8} equals ours:", np.allclose(rates, ours.values(100), rtol=1e-5, atol=1e-7))

# %% [markdown]
# ## 3. A cosine is not a restart
#
# *Cosine annealing* is half a wave, once. *Warm restarts* (SGDR, Loshchilov and Hutter 2017) begin
# the half wave again and again; "warm" means that the weights are kept. After $p$ updates in cycle
# $i$, of length $n_i = n\,m^i$ ($m$: growth):
#
# $$\text{lr} = \text{floor} + (\text{peak} - \text{floor})\,\frac{1 + \cos(\pi p / n_i)}{2}$$
#
# PyTorch's two classes, with a length of 20 updates and stepped 60 times, and Keras's two:

# %%
optimizer = sgd(lr=1.0)
wave = applied(optimizer, lr_scheduler.CosineAnnealingLR(optimizer, T_max=20), 60)
optimizer = sgd(lr=1.0)
warm = applied(optimizer, lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=20), 60)

# %%
rules = keras.optimizers.schedules
once = [float(rules.CosineDecay(1.0, 20)(step)) for step in range(60)]
again = [float(rules.CosineDecayRestarts(1.0, 20, t_mul=1.0)(step)) for step in range(60)]

# %% alt="Four panels: torch's cosine swings, Keras's falls once and stays; both restarts jump."
figure, panels = plt.subplots(
    2, 2, figsize=(7.5, 3.6), dpi=90, sharex=True, sharey=True, layout="constrained"
)
curves = {
    "CosineAnnealingLR (PyTorch)": wave,
    "CosineAnnealingWarmRestarts (PyTorch)": warm,
    "CosineDecay (Keras)": once,
    "CosineDecayRestarts (Keras)": again,
}
for panel, (title, rates) in zip(panels.flat, curves.items()):
    kind = "cosine_restarts" if "Restart" in title else "cosine"
    panel.plot(rates, drawstyle="steps-post", color=look(kind)["color"])
    panel.set_title(title, fontsize=9, loc="left")
    panel.grid(alpha=0.25)
figure.supxlabel("update", fontsize=10)
figure.supylabel("learning rate", fontsize=10)
plt.show()

# %% [markdown]
# On the left the two frameworks disagree about the same half wave past its end (lesson 4); on the
# right they agree. A restart is a *jump* in the rate. Those who write that cosine annealing is
# "periodic, to leave local minima" mean the right column.
#
# ## 4. What a restart does to a run
#
# The same network three times, 600 updates each: one half wave; three of 200 with jumps between
# them; and a *swing*, which climbs back along the wave instead, as in the upper left panel. Every
# 25 updates we evaluate them on 5,000 held-out images, and keep the networks' predictions at the
# end of each wave.
#
# **Predict.** Which ends with the lower held-out loss, restarts or swing? And what is the loss 25
# updates after a restart, with the rate near its peak again? Change the odds.

# %%
predict(
    "8.a",
    "600 updates with two ways up: who ends with the lower held-out loss?",
    {"the restarts": 34, "the swing": 33, "within 2 per cent": 33},
)

# %%
predict(
    "8.b",
    "Held-out loss 25 updates after the first restart, against just before it?",
    {"higher": 34, "lower": 33, "within 2 per cent": 33},
)

# %%
mnist = load("mnist")
cut = len(mnist.x_train) * 11 // 12  # 5,000 of 60,000 images are held out
held_out = mnist.x_train[cut:, ..., np.newaxis], mnist.y_train[cut:]
kept = replace(mnist, x_train=mnist.x_train[:cut], y_train=mnist.y_train[:cut])


def swing(step, peak_lr, half_wave):
    return peak_lr * (1 + math.cos(math.pi * step / half_wave)) / 2


plans = {
    "cosine": Schedule(cosine, peak_lr=0.1, total_steps=600),
    "cosine_restarts": Schedule(cosine_restarts, peak_lr=0.1, cycle_steps=200),
    "swing": Schedule(swing, peak_lr=0.1, half_wave=200),
}
losses, votes = {name: {} for name in plans}, {name: [] for name in plans}


# %%
def train(name, plan, updates=600, momentum=0.9):
    def watch(done, trainer):
        if done % 25 == 0:
            losses[name][done], _ = trainer.evaluate(*held_out)
        if done % 200 == 0:
            votes[name].append(np.float64(trainer.logits(held_out[0])))

    how = dict(data=kept, framework=framework, validation=0, momentum=momentum, batch_size=128)
    run = fit(plan, max_updates=updates, watch=watch, progress=False, **how)
    run.assert_lr_matches(plan)
    return run


runs = {name: train(name, plan) for name, plan in plans.items()}

# %%
before, behind = (losses["cosine_restarts"][done] for done in (200, 225))
print(f"held-out loss {before:.3f} before the restart, {behind:.3f} 25 updates after it")
near = abs(behind / before - 1) <= 0.02
outcome("8.b", "within 2 per cent" if near else "higher" if behind > before else "lower")

# %%
ends = {name: losses[name][600] for name in plans}
print("held-out loss at the end:", {name: f"{loss:.4f}" for name, loss in ends.items()})
ratio = ends["cosine_restarts"] / ends["swing"]
near = abs(ratio - 1) <= 0.02
outcome("8.a", "within 2 per cent" if near else "the restarts" if ratio < 1 else "the swing")

# %% alt="Above: one falling wave, three, and a swing. Below: held-out loss, with a bump at a restart."
figure, (top, bottom) = plt.subplots(2, figsize=(7.5, 4.6), dpi=90, sharex=True)
for name, run in runs.items():
    top.plot(run.lr, label=name, drawstyle="steps-post", **look(name))
    bottom.plot(list(losses[name]), list(losses[name].values()), label=name, **look(name))
top.set(ylabel="learning rate")
bottom.set(xlabel="update", ylabel="held-out loss", ylim=(0.1, 0.4))
top.set_title(f"{mnist.title}, {framework}, one seed (n = 1)", fontsize=10, loc="left")
for panel in (top, bottom):
    panel.grid(alpha=0.25)
top.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
figure.tight_layout()
plt.show()

# %% [markdown]
# A restart raises the loss at first; then the run must come down again. While the swing climbs, the
# loss falls little, and with this seed restarts and swing end alike. <!-- shown --> Both give you a
# usable network at the end of *every* fall, so you may stop early, and several networks for the
# price of one. A **snapshot ensemble** (Huang et al. 2017) lets them vote: it averages their
# probabilities.


# %%
def accuracy(scores):
    odds = [np.exp(each - each.max(axis=1, keepdims=True)) for each in scores]
    mean = np.mean([each / each.sum(axis=1, keepdims=True) for each in odds], axis=0)
    return (mean.argmax(axis=1) == held_out[1]).mean()


for i, each in enumerate(votes["cosine_restarts"], start=1):
    print(f"end of wave {i}: {accuracy([each]):.2%}")
print(f"all three:     {accuracy(votes['cosine_restarts']):.2%}")
print(f"one cosine:    {accuracy(votes['cosine'][-1:]):.2%}")

# %% [markdown]
# One seed decides nothing; the record has five.
#
# {{restarts-on-mnist}} {{snapshots-on-mnist}} {{restarts-on-cifar10}}
#
# A vote needs members that are nearly equally good; our early waves are too short. Huang et al.
# gave each wave dozens of epochs ([paper](https://arxiv.org/abs/1704.00109)), a much larger budget.
#
# ## 5. One-cycle
#
# Smith and Topin (2018) go up and down *once*, within a fixed number of updates, to a peak that
# would be too high for the whole run, and end far below the start. PyTorch's numbers: from peak /
# 25 up to the peak at update `0.3 * total - 1`, down to peak / 250,000 at `total - 1`. The
# **momentum** $\mu$, the share of its velocity that a weight keeps from update to update, goes the
# other way: 0.95, 0.85, 0.95.

# %%
optimizer = sgd(lr=123.0, momentum=0.5)  # neither of the two numbers will be used
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=50)
weight, in_torch = optimizer.param_groups[0]["params"][0], []
for _ in range(50):
    group = optimizer.param_groups[0]
    optimizer.zero_grad()
    weight.sum().backward()  # the gradient is 1
    optimizer.step()
    in_torch.append((group["lr"], group["momentum"], weight.item()))
    scheduler.step()

# %% [markdown]
# Keras has no one-cycle, and its own SGD takes its momentum as a number. *Our* SGD for Keras (it
# has PyTorch's form of momentum, lesson 3) takes two schedules:

# %%
plan = Schedule(one_cycle, peak_lr=1.0, total_steps=50)
friction = Schedule(one_cycle_momentum, total_steps=50)
optimizer = SGD(KerasSchedule(plan, 50), momentum=KerasSchedule(friction, 50))
weight, in_keras = tf.Variable([0.0]), []
for _ in range(50):
    used = float(optimizer.learning_rate), float(optimizer.momentum(optimizer.iterations))
    optimizer.apply([tf.ones(1)], [weight])
    in_keras.append((*used, float(weight[0])))

# %%
rates, momenta, places = np.transpose(in_torch)
print("rates as planned:   ", np.allclose(rates, plan.values(50), rtol=1e-9))
print("momenta as planned: ", np.allclose(momenta, friction.values(50), rtol=1e-9))
print("Keras, all three:   ", np.allclose(in_keras, in_torch, rtol=1e-4, atol=1e-6))

# %% alt="The rate rises to 1 and falls; below, the momentum falls to 0.85 and rises to 0.95."
figure, (top, bottom) = plt.subplots(2, figsize=(7.5, 3.6), dpi=90, sharex=True)
top.plot(rates, color=look("one_cycle")["color"])
bottom.plot(momenta, color=look("one_cycle")["color"])
top.set(ylabel="learning rate")
bottom.set(xlabel="update", ylabel="momentum")
for panel in (top, bottom):
    panel.grid(alpha=0.25)
figure.tight_layout()
plt.show()

# %%
from course_lib.widgets import cycle_composer

cycle_composer()  # your turn: four snapshots in 300 updates, each cycle twice as long

# %% [markdown]
# ## 6. A third of the updates
#
# One-cycle promises speed. A cosine and a one-cycle get 200 updates and a peak of 1; the cosine
# above had 600 and 0.1. `fit` takes a schedule of the momentum, too.
#
# **Predict.** Which of the two short runs ends with the lower held-out loss?

# %%
predict(
    "8.c",
    "200 updates, a peak of 1: who ends with the lower held-out loss?",
    {"one-cycle": 34, "cosine": 33, "within 2 per cent": 33},
)

# %%
short = dict(peak_lr=1.0, total_steps=200)
plans |= {
    "cosine, a third": Schedule(cosine, **short),
    "one_cycle, a third": Schedule(one_cycle, **short),
}
momenta = {"one_cycle, a third": Schedule(one_cycle_momentum, total_steps=200)}
for name in ("cosine, a third", "one_cycle, a third"):
    losses[name], votes[name] = {}, []
    runs[name] = train(name, plans[name], updates=200, momentum=momenta.get(name, 0.9))

# %% alt="Three rates above three training losses; the short runs end after a third of the way."
shown = ("cosine", "one_cycle, a third", "cosine, a third")
figure = plot_runs({name: runs[name] for name in shown})
figure.axes[1].set_ylim(0, 2.5)
figure

# %%
for name in shown:
    print(f"{name:18} {len(runs[name].lr)} updates, {list(losses[name].values())[-1]:.3f}")
ratio = losses["one_cycle, a third"][200] / losses["cosine, a third"][200]
outcome(
    "8.c",
    "within 2 per cent" if abs(ratio - 1) <= 0.02 else "one-cycle" if ratio < 1 else "cosine",
)

# %% [markdown]
# On record (the same five seeds chose the peaks, by held-out loss, and judge them):
#
# {{one-cycle-against-a-short-cosine}} {{one-cycle-against-a-long-cosine}} {{one-cycle-peaks}}
#
# {{one-cycle-at-a-high-peak}} {{one-cycle-momentum}} {{one-cycle-on-cifar10}}
#
# So here one-cycle allows larger peaks; a gain in accuracy was not found. Its climb is a warmup
# (lesson 5), and its low momentum shortens the steps, $\text{lr}/(1 - \mu)$ in the long run, where
# the rate is highest. Lessons 11 and 12 run its rate alone, at momentum 0.9.
#
# ## 7. Break it: a momentum that does not move
#
# Older Keras code cycles the momentum from a callback, as in
# [keras-one-cycle](https://github.com/titu1994/keras-one-cycle/blob/master/clr.py):
# `K.set_value(optimizer.momentum, ...)`. In Keras 3 that function is gone, and
# `optimizer.momentum = ...` looks like the replacement. A gradient of 1, a rate of 1, a compiled
# update:

# %%
weight, optimizer = tf.Variable([0.0]), keras.optimizers.SGD(1.0, momentum=0.9)
optimizer.build([weight])


@tf.function
def update():
    optimizer.apply([tf.ones(1)], [weight])


def moved():
    before = float(weight[0])
    update()
    return float(weight[0]) - before


print(f"first update:            {moved():.2f}")
optimizer.momentum = 0.0
print(f"with momentum 'now 0':   {moved():.2f}, without momentum it would be -1")
print("what the attribute says:", optimizer.momentum)

# %% [markdown]
# Keras's momentum is a Python number, written into the graph when it is compiled. No error: the
# attribute says 0, the network gets 0.9. (The rate is a variable; setting it does work.) A second
# way to break a cycle is to run past its end:

# %%
optimizer = sgd()
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
try:
    for _ in range(13):
        print(f"{optimizer.param_groups[0]['lr']:.2g}", end="  ")
        optimizer.step()
        scheduler.step()
except ValueError as error:
    print(f"\n{error}")

# %% [markdown]
# PyTorch allows an eleventh rate, thousands of times the tenth, <!-- shown --> and raises an error
# only after it ([pytorch#91765](https://github.com/pytorch/pytorch/issues/91765)).
#
# ## 8. Spot the bug: a cycle on the wrong clock
#
# The solution of an exercise in a well-known book makes
# `OneCycleLR(epochs=60, steps_per_epoch=len(train_loader))` and calls `scheduler.step()` once per
# *epoch* ([handson-mlp#28](https://github.com/ageron/handson-mlp/issues/28)). Say an epoch has 100
# batches. Which part of the cycle does the network see?

# %%
optimizer = sgd()
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, epochs=60, steps_per_epoch=100)
seen = applied(optimizer, scheduler, 60)  # one call per epoch
print(f"from {seen[0]:.5f} to {seen[-1]:.5f}, where the peak is 0.01")
print(f"{len(seen)} of {60 * 100:,} rates: the first {len(seen) / (60 * 100):.0%} of the cycle")

# %% [markdown]
# It sees a nearly constant rate, a twenty-fifth of the peak, and no error is raised. Lesson 3's
# rule holds: say the unit.
#
# ### Spot the bug: a class from nowhere
#
# Articles teach `tf.keras.optimizers.schedules.OneCycleSchedule`. Ask the package:

# %%
names = [name for name in dir(rules) if name[0].isupper()]
print("OneCycleSchedule" in names, names)

# %% [markdown]
# Keras never had a class of this name. Use `KerasSchedule(plan, steps)` (section 5), or a subclass
# (section 2).
#
# ## What you take along
#
# 1. After a fall, a restart jumps back to the peak and a cycle climbs back; half a cosine does
#    neither, but PyTorch's climbs back past its end.
# 2. A restart raises the loss at once. It gives you usable networks along the way; a better end was
#    not found.
# 3. One-cycle is planned in updates, and sets both rate and momentum: step it per update, and read
#    both back. Here it tolerates a peak at which a cosine loses much.
#
# **An open question.** Is it the jump itself that helps an ensemble, or only the time between the
# snapshots? What run would tell the two apart?
#
# **References.** L. Smith, *Cyclical learning rates*, 2017,
# [arXiv:1506.01186](https://arxiv.org/abs/1506.01186) · I. Loshchilov, F. Hutter, *SGDR*, 2017,
# [arXiv:1608.03983](https://arxiv.org/abs/1608.03983) · G. Huang et al., *Snapshot ensembles*,
# 2017, [arXiv:1704.00109](https://arxiv.org/abs/1704.00109) · L. Smith, N. Topin,
# *Super-convergence*, 2018, [arXiv:1708.07120](https://arxiv.org/abs/1708.07120) · L. Smith, *A
# disciplined approach to neural network hyper-parameters*, 2018,
# [arXiv:1803.09820](https://arxiv.org/abs/1803.09820).

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# Write each function, then run its check, also for a hint.
#
# ### Exercise 8.1 - The triangular family (code, 3 points, about 10 minutes)
#
# With $s$ = `up_steps` updates up and as many down, again and again: the rate is `base_lr` at
# update 0, `peak_lr` at update $s$, `base_lr` at $2s$. The height above `base_lr` is multiplied by
# a scale: 1 for the mode "triangular", $1/2^{\,\text{cycles before}}$ for "triangular2", and
# $\text{factor}^{\,t}$ for "exp_range", where $t$ counts from the start of the *run* (a factor of 1
# where none is given).
#
# **Deliver:** the rate of update `step`.
#
# **Success:** right at every update, for any whole `up_steps` from 1 on.
#
# Example: with `base_lr=0.0, peak_lr=1.0, up_steps=2, mode="triangular2"` the updates 0 to 6 get 0,
# 0.5, 1, 0.5, 0, 0.25, 0.5.


# %% tags=["exercise"]
def my_triangle(step, *, base_lr, peak_lr, up_steps, mode, factor=1.0):
    """Up and down between two rates, in one of three modes."""
    ### BEGIN SOLUTION
    cycle, position = divmod(step, 2 * up_steps)
    height = 1 - abs(position / up_steps - 1)
    scales = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": factor**step}
    return base_lr + (peak_lr - base_lr) * height * scales[mode]
    ### END SOLUTION


# Try it: [my_triangle(t, base_lr=0, peak_lr=1, up_steps=2, mode="triangular2") for t in range(7)]

# %% tags=["check"] grade_id="08-triangle" points=3
from course_lib.checks import check

check("8.1", my_triangle)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "8.1",
    my_triangle,
    hints=[
        "Where in its cycle is this update, and how many cycles came before? Python's `divmod` "
        "answers both.",
        "The height is 1 minus a distance: how far is the position from the top, in units of "
        "`up_steps`?",
        "`1 - abs(position / up_steps - 1)`, times the scale of the mode, times the distance of "
        "the two rates, on top of `base_lr`.",
    ],
    shown=[
        curve(range(13), base_lr=0.0, peak_lr=1.0, up_steps=2, mode="triangular"),
        curve(range(13), base_lr=0.0, peak_lr=1.0, up_steps=2, mode="triangular2"),
        curve(range(25), base_lr=0.1, peak_lr=0.5, up_steps=5, mode="exp_range", factor=0.9),
        curve(range(9), base_lr=0.0, peak_lr=0.01, up_steps=3, mode="triangular", factor=0.9),
    ],
    locked=[
        curve(range(30), base_lr=0.2, peak_lr=0.8, up_steps=4, mode="triangular2", factor=0.9),
        # far off, and in float32 as exact as near: up_steps is a power of two
        curve([9000, 9001, 9004], base_lr=0.1, peak_lr=0.7, up_steps=4, mode="triangular"),
        curve(range(6), base_lr=0.1, peak_lr=0.6, up_steps=1, mode="exp_range"),  # no factor given
    ],
    hidden={
        "equal triangles": [
            curve(range(50), base_lr=0.01, peak_lr=0.3, up_steps=7, mode="triangular"),
            curve(range(9), base_lr=0.5, peak_lr=2.0, up_steps=1, mode="triangular"),
            curve([10_001, 10_006], base_lr=0.0, peak_lr=0.5, up_steps=4, mode="triangular"),
        ],
        "halved with every cycle": [
            curve(range(60), base_lr=0.05, peak_lr=1.0, up_steps=6, mode="triangular2", factor=0.9),
            curve([0, 3, 6, 60, 63, 64], base_lr=0.1, peak_lr=0.4, up_steps=3, mode="triangular2"),
        ],
        "shrinking with every update": [
            curve(range(40), base_lr=0.02, peak_lr=0.2, up_steps=9, mode="exp_range", factor=0.97),
            curve(range(12), base_lr=0.0, peak_lr=3.0, up_steps=1, mode="exp_range", factor=0.5),
            curve(range(12), base_lr=0.1, peak_lr=0.4, up_steps=2, mode="exp_range"),
        ],
    },
    library=["triangular"],
)

# %% [markdown] tags=["answer"]
# `divmod(step, 2 * up_steps)` gives the cycle and the place in it. Frequent slips: a cycle of
# `up_steps` instead of twice that; a scale on the whole rate instead of on the height above
# `base_lr`; counting cycles from 1, which halves the first one; `factor` to the power of the
# *cycle*. (The documentation of PyTorch's `CyclicLR` speaks of cycle iterations; its values use the
# number of all updates.)

# %% [markdown] tags=["exercise"]
# ### Exercise 8.2 - Where in which cycle? (code, 2 points, about 10 minutes)
#
# SGDR with growing cycles: the first has `first` updates, each next one `factor` times as many.
#
# **Deliver:** for an update, the list `[cycle, position, length]`: the number of its cycle from 0,
# how many updates of that cycle came before it, and how many the cycle has.
#
# **Success:** exact at *every* restart; where cycles grow, quick after billions of updates, too:
# walk through the cycles, not through the updates. The short formula with a logarithm is one off at
# some restarts: `math.log(243) / math.log(3)` is not 5.
#
# Example: `first=2, factor=3` restarts at the updates 2, 8 and 26, so `cycle_of(9, first=2,
# factor=3)` is `[2, 1, 18]`.


# %% tags=["exercise"]
def cycle_of(step, *, first, factor):
    """The cycle of update `step`, the place in it and its length; whole numbers throughout."""
    ### BEGIN SOLUTION
    cycle, length = 0, first
    while step >= length:
        step -= length
        cycle, length = cycle + 1, length * factor
    return [cycle, step, length]
    ### END SOLUTION


# Try it: cycle_of(9, first=2, factor=3)

# %% tags=["check"] grade_id="08-cycle-of" points=2
from course_lib.checks import check

check("8.2", cycle_of)

# %% tags=["probes"]
exercise(
    "8.2",
    cycle_of,
    hints=[
        "You need no formula: a loop may walk through the cycles. When does it stop?",
        "Take the length of a cycle off the step, as long as the step is not in it.",
        "`while step >= length:` take `length` off `step`, count the cycle, and make the length "
        "`factor` times as long.",
    ],
    shown=[
        call(9, first=2, factor=3),
        call(0, first=2, factor=3),
        call(8, first=2, factor=3),
        call(121, first=1, factor=3),
        call(35, first=10, factor=1),
        call(14, first=1, factor=1),
        call(1_111_110, first=1, factor=10),
        curve(range(16), first=1, factor=2),
    ],
    locked=[
        curve(range(50, 90), first=3, factor=2),
        call(266, first=2, factor=11),
        call(2**32 - 2, first=1, factor=2),
        call(2501, first=2, factor=1),
    ],
    hidden={
        "every update of some cycles": [
            curve(range(70), first=5, factor=2),
            curve(range(60), first=4, factor=3),
        ],
        "at the restarts and beside them": [
            curve([9, 10, 39, 40, 129, 130, 399, 400, 1209, 1210, 3640], first=10, factor=3),
            curve([6, 7, 77, 777, 776, 778, 7777, 7_777_776], first=7, factor=10),
            curve([31, 155, 156, 780, 781, 3905, 3906], first=1, factor=5),
            curve([1, 2, 23, 24, 265, 266, 267], first=2, factor=11),
            curve([2**31 - 2, 2**31 - 1], first=1, factor=2),
            curve([29_523, 29_524, 88_572, 88_573], first=1, factor=3),
        ],
        "cycles of one length": [
            curve([0, 1, 24, 25, 26, 999, 1000, 99_999], first=25, factor=1),
            curve(range(5), first=1, factor=1),
        ],
    },
)

# %% [markdown] tags=["answer"]
# The loop needs few rounds, because the cycles grow; the closed form is
# $\lfloor\log_m(t(m-1)/n + 1)\rfloor$, right on paper, and rounding makes it one too small at
# some exact restarts: then the update that should have the peak gets the lowest rate. PyTorch's
# `CosineAnnealingWarmRestarts.step(epoch)` has this flaw; plain `step()` does not. Frequent slips:
# `>` for `>=`, a length that grows before it is taken off, division by zero for a factor of 1.

# %% [markdown] tags=["exercise"]
# ### Exercise 8.3 - One cycle, two curves (code, 3 points, about 15 minutes)
#
# Write one-cycle with its momentum, with PyTorch's numbers: the top is at
# `warmup_fraction * total_steps - 1`, the end at `total_steps - 1`. The rate goes along half a
# cosine wave from `peak_lr / 25` to `peak_lr`, and along another half to a ten-thousandth of the
# *starting* rate; the momentum from 0.95 to 0.85 and back. After the end both keep their last
# value. The top need not be a whole number; it may lie before update 0 (never on it).
#
# **Deliver:** the pair `[rate, momentum]` of update `step`.
#
# **Success:** equal to PyTorch's `OneCycleLR` at every update, and constant beyond the end.
#
# Example: with `peak_lr=1.0, total_steps=10, warmup_fraction=0.3` the update 1 gets `[0.52, 0.9]`,
# the update 2 gets `[1.0, 0.85]`.


# %% tags=["exercise"]
def my_one_cycle(step, *, peak_lr, total_steps, warmup_fraction):
    """The rate and the momentum of update `step`."""
    ### BEGIN SOLUTION
    top, last = warmup_fraction * total_steps - 1, total_steps - 1
    step = min(step, last)
    climbing = step <= top
    progress = step / top if climbing else (step - top) / (last - top)
    wave = (1 + math.cos(math.pi * progress)) / 2  # from 1 to 0 in each of the two phases
    start = peak_lr / 25
    come, go = (start, peak_lr) if climbing else (peak_lr, start / 10_000)
    momentum = 0.85 + 0.1 * (wave if climbing else 1 - wave)
    return [go + (come - go) * wave, momentum]
    ### END SOLUTION


# Try it: my_one_cycle(1, peak_lr=1.0, total_steps=10, warmup_fraction=0.3)

# %% tags=["check"] grade_id="08-one-cycle" points=3
from course_lib.checks import check

check("8.3", my_one_cycle)

# %% tags=["probes"]
exercise(
    "8.3",
    my_one_cycle,
    hints=[
        "Two phases: which one is this update in, and which share of that phase is behind it?",
        "With a share `p`, `(1 + cos(pi p)) / 2` goes from 1 to 0. Both curves are an end plus a "
        "difference times it.",
        "Up: `step / top`, from `peak_lr / 25` to `peak_lr`. Down: `(step - top) / (last - top)`, "
        "from `peak_lr` to `peak_lr / 250_000`. First cut `step` off at `last`.",
    ],
    shown=[
        call(1, peak_lr=1.0, total_steps=10, warmup_fraction=0.3),
        curve(range(12), peak_lr=1.0, total_steps=10, warmup_fraction=0.3),
        curve(range(23), peak_lr=0.5, total_steps=21, warmup_fraction=0.25),
        curve(range(8), peak_lr=0.01, total_steps=7, warmup_fraction=0.5),
    ],
    locked=[
        curve(range(40), peak_lr=0.2, total_steps=33, warmup_fraction=0.4),
        curve(range(7), peak_lr=0.4, total_steps=6, warmup_fraction=0.3),  # the top: 0.8
        curve(range(4), peak_lr=0.5, total_steps=3, warmup_fraction=0.25),  # the top: -0.25
    ],
    hidden={
        "a whole number at the top": [
            curve(range(45), peak_lr=0.1, total_steps=40, warmup_fraction=0.5),
            curve(range(105), peak_lr=3.0, total_steps=100, warmup_fraction=0.1),
        ],
        "a top between two updates": [
            curve(range(20), peak_lr=0.8, total_steps=17, warmup_fraction=0.3),
            curve(range(70), peak_lr=0.01, total_steps=64, warmup_fraction=0.45),
            curve(range(7), peak_lr=1.0, total_steps=5, warmup_fraction=0.3),
            curve(range(6), peak_lr=1.0, total_steps=4, warmup_fraction=0.2),
        ],
        "at the end and after it": [
            curve([29, 30, 31, 500], peak_lr=0.4, total_steps=30, warmup_fraction=0.2),
            curve([0, 3, 4, 5, 50], peak_lr=2.0, total_steps=5, warmup_fraction=0.6),
        ],
    },
    library=["one_cycle", "one_cycle_momentum"],
)

# %% [markdown] tags=["answer"]
# One share and one wave serve both curves; the momentum is the rate's mirror image. Frequent slips:
# the top at `warmup_fraction * total_steps` (one update late), an end at zero or at a
# ten-thousandth of the *peak*, a momentum that rises with the rate, a rate that climbs again after
# the end.

# %% [markdown] tags=["exercise"]
# ### Exercise 8.4 - Fix the restarts (bug, 2 points, about 6 minutes)
#
# `published` is the scheduler of the notebook *With Restarts*
# ([source](https://github.com/rasbt/machine-learning-notes/tree/main/learning-rates)), with a floor
# added. It swings. Make it restart: every `cycle_steps` updates the rate must *jump* to the
# optimizer's own rate, and fall to near `floor` along half a cosine wave again.
#
# **Deliver:** a function that returns a PyTorch scheduler for the optimizer.
#
# **Success:** the rates that the optimizer applies in all its parameter groups are right at every
# update, over several cycles, in each group from its own rate.
#
# Example: with a rate of 1.0, `cycle_steps=2` and `floor=0.0`, the updates 0 to 5 get 1, 0.5, 1,
# 0.5, 1, 0.5. The check reads them with
# `torch_rates(with_restarts, 1.0, 6, cycle_steps=2, floor=0.0)`, where `torch_rates` is from
# `course_lib.questions.adapters`.


# %% tags=["exercise"]
def published(optimizer, *, cycle_steps, floor):
    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=cycle_steps, eta_min=floor)


# %% tags=["exercise"]
def with_restarts(optimizer, *, cycle_steps, floor):
    """A scheduler for this optimizer whose rate starts again every `cycle_steps` updates."""
    ### BEGIN SOLUTION
    return lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=cycle_steps, eta_min=floor)
    ### END SOLUTION


# Try it: what did section 3 find in the upper right panel?

# %% tags=["check"] grade_id="08-restarts" points=2
from course_lib.checks import check

check("8.4", with_restarts)

# %% tags=["probes"]
exercise(
    "8.4",
    with_restarts,
    hints=[
        "Nothing in the arguments of `CosineAnnealingLR` makes it jump.",
        "PyTorch has a second class with a cosine; its name says what you need.",
        "`lr_scheduler.CosineAnnealingWarmRestarts`, whose `T_0` is the length of the first "
        "cycle; `eta_min` is the floor.",
    ],
    shown=[
        through("torch_rates", 1.0, 6, cycle_steps=2, floor=0.0),
        through("torch_rates", 0.1, 24, cycle_steps=8, floor=0.01),
    ],
    locked=[
        through("torch_rates", 0.4, 20, cycle_steps=6, floor=0.05),
        through("torch_rates", 0.8, 26, share=0.1, cycle_steps=2, floor=0.0),
    ],
    hidden={
        "without a floor": [
            through("torch_rates", 0.3, 45, share=0.5, cycle_steps=10, floor=0.0),
            through("torch_rates", 2.0, 13, cycle_steps=3, floor=0.0),
        ],
        "with a floor": [
            through("torch_rates", 0.5, 40, cycle_steps=7, floor=0.1),
            through("torch_rates", 0.2, 31, cycle_steps=15, floor=0.02),
            through("torch_rates", 0.2, 50, cycle_steps=3, floor=0.02),
        ],
        "cycles of one update and longer than the run": [
            through("torch_rates", 0.7, 5, cycle_steps=1, floor=0.2),
            through("torch_rates", 0.7, 12, cycle_steps=30, floor=0.2),
        ],
    },
)

# %% [markdown] tags=["answer"]
# `T_0` is the length of the first cycle; `T_mult`, left at 1, would make the next ones longer.
# Making a new `CosineAnnealingLR` at each restart does not help: its recursion multiplies the
# height above the floor, which is 0 by then, and the rate stays there
# ([pytorch#78003](https://github.com/pytorch/pytorch/issues/78003)).

# %% [markdown] tags=["exercise"]
# ### Exercise 8.5 - Fix the clock of one-cycle (bug, 2 points, about 6 minutes)
#
# `published_rates` is the loop of
# [handson-mlp#28](https://github.com/ageron/handson-mlp/issues/28) without its network: it returns
# the rate of every update. Fix it, so that the run sees the whole cycle.
#
# **Deliver:** the list of the rates of all `epochs * batches` updates.
#
# **Success:** up to `max_lr` and down again, whatever the numbers of epochs and batches.
#
# Example: with `max_lr=1.0, epochs=2, batches=5` the updates 0, 1 and 2 get 0.04, 0.52 and 1.0.


# %% tags=["exercise"]
def published_rates(*, max_lr, epochs, batches):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=max_lr)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr, epochs=epochs, steps_per_epoch=batches)
    rates = []
    for _ in range(epochs):
        for _ in range(batches):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
        scheduler.step()
    return rates


# %% tags=["exercise"]
def corrected_rates(*, max_lr, epochs, batches):
    """The rate of every update of a run under one-cycle."""
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=max_lr)
    scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr, epochs=epochs, steps_per_epoch=batches)
    rates = []
    for _ in range(epochs):
        for _ in range(batches):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates
    ### END SOLUTION


# Try it: corrected_rates(max_lr=1.0, epochs=2, batches=5)

# %% tags=["check"] grade_id="08-per-batch" points=2
from course_lib.checks import check

check("8.5", corrected_rates)

# %% tags=["probes"]
exercise(
    "8.5",
    corrected_rates,
    hints=[
        "How often is `scheduler.step()` called, and how long is the cycle?",
        "The cycle has `epochs * steps_per_epoch` steps, so it wants one call for each update.",
        "Copy the loop, and move `scheduler.step()` into the inner one, behind `optimizer.step()`.",
    ],
    shown=[
        call(max_lr=1.0, epochs=2, batches=5),
        call(max_lr=0.1, epochs=5, batches=4),
    ],
    locked=[call(max_lr=0.3, epochs=3, batches=6), call(max_lr=0.2, epochs=2, batches=1)],
    hidden={
        "several epochs": [
            call(max_lr=0.01, epochs=6, batches=10),
            call(max_lr=2.0, epochs=4, batches=7),
        ],
        "one epoch, and one batch per epoch": [
            call(max_lr=0.5, epochs=1, batches=13),
            call(max_lr=0.5, epochs=20, batches=1),
            call(max_lr=1.0, epochs=1, batches=5),
            call(max_lr=0.5, epochs=3, batches=1),
        ],
    },
    library=["one_cycle"],
)

# %% [markdown] tags=["answer"]
# `steps_per_epoch` tells PyTorch how long the cycle is, not when to call it. The other fix, a cycle
# of `total_steps=epochs` stepped per epoch, gives a staircase with one jump per epoch: legal, but
# not the cycle that was drawn.
