# %% [markdown] tags=["setup"]
# # Linear, polynomial, cosine
#
# Three decays with a fixed end, the *horizon*. We compare their shapes, first at the same peak and
# then at the same area under the rate, set a wrong horizon on purpose, and fix two published
# cosines.
#
# **You will be able to:** write the three decays in both frameworks, translate a floor from one to
# the other, say how much of a result is due to the shape and how much only to the area, and see
# from a trace that a horizon is wrong.
#
# **You need:** lesson 2: a decay lowers the floor under the loss; a schedule is a function of the
# step.
#
# **Minutes:** 40

# %% tags=["setup"]
import math

import numpy as np

framework = "torch"  # or "tensorflow"

# %%
import matplotlib.pyplot as plt
import torch
from torch.optim import lr_scheduler

from course_lib.claims import Runs, gain
from course_lib.data import load
from course_lib.plots import look, plot_runs, plot_schedules
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule, constant, cosine, linear, polynomial
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes
from course_lib.training import fit

mnist = load("mnist")

# %% [markdown]
# ## 1. Three ways down
#
# These decays reach their last rate at an update that you choose, the **horizon** $T$. They are
# functions of the **progress** $p = \min(t / T, 1)$, where $t$ is the number of the update:
#
# $$\text{lr}(t) = \text{final} + (\text{peak} - \text{final}) \cdot s(p)$$
#
# with $s(p) = 1 - p$ for the straight line, $(1 - p)^k$ for a polynomial, and
# $\tfrac12 (1 + \cos \pi p)$ for the cosine
# ([Loshchilov and Hutter 2017](https://arxiv.org/abs/1608.03983)).
#
# **Predict.** A quarter of the way, which rate is higher, the line's or the cosine's? Change the
# percentages.

# %%
predict("4.a", "Which rate is higher a quarter of the way?", {"the line's": 50, "the cosine's": 50})

# %%
shapes = {
    "linear": Schedule(linear, peak_lr=1.0, total_steps=100),
    "cosine": Schedule(cosine, peak_lr=1.0, total_steps=100),
    "polynomial, k = 2": Schedule(polynomial, peak_lr=1.0, total_steps=100, power=2),
    "polynomial, k = 0.5": Schedule(polynomial, peak_lr=1.0, total_steps=100, power=0.5),
}
for name, shape in shapes.items():
    print(f"{name:20}", "  ".join(f"{shape(t):.2f}" for t in (0, 25, 50, 75, 100, 150)))

# %% alt="A line, a cosine above it first and below it later, a sagging and a bulging polynomial."
plot_schedules(shapes, 121)

# %%
higher = max(("linear", "cosine"), key=lambda name: shapes[name](25))
outcome("4.a", {"linear": "the line's", "cosine": "the cosine's"}[higher])

# %%
from course_lib.widgets import explore

explore("linear", "cosine", "polynomial")  # your turn: move the sliders, copy the code

# %% [markdown]
# Line and cosine cross half-way; before that the cosine is higher, afterwards lower by as much.
# Past the horizon all of them hold their last rate: our convention.
#
# ## 2. The same in PyTorch and in Keras
#
# This loop notes the rate that each update of PyTorch's optimizer would use:


# %%
def torch_rates(make_scheduler, lr, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler, rates = make_scheduler(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


# %%
T = 100
in_torch = {
    "linear": lambda o: lr_scheduler.LinearLR(o, start_factor=1, end_factor=0, total_iters=T),
    "polynomial, k = 2": lambda o: lr_scheduler.PolynomialLR(o, total_iters=T, power=2),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=T),
}
for name, make in in_torch.items():
    same = np.allclose(torch_rates(make, 1.0, T + 1), shapes[name].values(T + 1), atol=1e-12)
    print(f"torch's {name} equals ours: {same}")

# %%
schedules = keras.optimizers.schedules
in_keras = {
    "linear": schedules.PolynomialDecay(1.0, T, end_learning_rate=0.0, power=1),
    "polynomial, k = 2": schedules.PolynomialDecay(1.0, T, end_learning_rate=0.0, power=2),
    "cosine": schedules.CosineDecay(1.0, decay_steps=T),
}
for name, schedule in in_keras.items():
    same = np.allclose(schedule(np.arange(T + 1)), shapes[name].values(T + 1), atol=1e-6)
    print(f"Keras's {name} equals ours: {same}")

# %% [markdown]
# Mind the defaults: PyTorch's `LinearLR` *climbs*, from a third to the full rate; Keras's
# `PolynomialDecay` ends at 0.0001.

# %%
climbs = torch_rates(lambda o: lr_scheduler.LinearLR(o, total_iters=4), 1.0, 5)
ends = [float(schedules.PolynomialDecay(1.0, 4)(t)) for t in range(5)]
print("LinearLR(total_iters=4):  ", "  ".join(f"{rate:.4f}" for rate in climbs))
print("PolynomialDecay(1.0, 4):  ", "  ".join(f"{rate:.4f}" for rate in ends))

# %% [markdown]
# The **floor** is the last rate of a decay. A cosine's is called `eta_min` in PyTorch, `alpha` in
# Keras. **Predict.** Both get 0.01, and both begin at 0.1. At which rate does Keras's cosine end?

# %%
predict(
    "4.b",
    "Keras: CosineDecay(0.1, 100, alpha=0.01). What is the last rate?",
    {"0.01": 34, "0.001": 33, "0": 33},
)

# %%
torch_end = torch_rates(
    lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=T, eta_min=0.01), 0.1, T + 1
)[-1]
keras_end = float(schedules.CosineDecay(0.1, T, alpha=0.01)(T))
print(f"torch, eta_min=0.01: {torch_end:.4g}      Keras, alpha=0.01: {keras_end:.4g}")
outcome("4.b", f"{keras_end:.4g}")

# %% [markdown]
# `eta_min` is a rate, `alpha` a *share of the peak*. Keras's own documentation said that the rate
# decays "to alpha", until a user complained in 2025
# ([keras#21772](https://github.com/keras-team/keras/issues/21772)). Our `final_lr` is a rate.
#
# ## 3. Does the shape matter?
#
# A short run on MNIST: 400 updates on batches of 32, and a high peak of 1.0. **Predict.** Same
# peak, same number of updates: over eight seeds, whose mean test accuracy is higher, the line's or
# the cosine's? We run one seed first.

# %%
predict(
    "4.c",
    "Mean test accuracy over eight seeds, line against cosine?",
    {"the line's is higher": 33, "the cosine's is higher": 33, "no difference found": 34},
)


# %%
def train(schedule):
    run = fit(
        schedule,
        data=mnist,
        framework=framework,
        batch_size=32,
        max_updates=400,
        progress=False,
    )
    run.assert_lr_matches(schedule)
    return run


plans = {
    "constant": Schedule(constant, lr=1.0),
    "linear": Schedule(linear, peak_lr=1.0, total_steps=400),
    "cosine": Schedule(cosine, peak_lr=1.0, total_steps=400),
    "polynomial, k = 2": Schedule(polynomial, peak_lr=1.0, total_steps=400, power=2),
}
runs = {name: train(plan) for name, plan in plans.items()}
ends = {name: np.mean(run.loss[-40:]) for name, run in runs.items()}
for name, run in runs.items():
    accuracy = run.history["val_accuracy"][-1]
    print(f"{name:17} final loss {ends[name]:.3f}, held-out accuracy {accuracy:.1%}")

# %% alt="Four rates from one peak above their losses: the constant one ends highest and roughest."
figure = plot_runs(runs)
figure.axes[1].set_ylim(0, 1.5)
figure

# %%
recorded = Runs("shapes_high", framework)
lead = gain(recorded.percent("linear"), recorded.percent("cosine"))
print(f"line - cosine: {lead:.1f} points, n = {lead.n}")
side = "the line's is higher" if lead.above_zero else "the cosine's is higher"
outcome("4.c", "no difference found" if lead.undecided else side)

# %% [markdown]
# In the one seed shown, the constant rate stays on its noise floor, and the three decays leave
# it. <!-- shown --> On record are eight seeds, each with its own initial weights and order of the
# images, measured on the test images.
#
# {{decay-at-a-high-peak}} {{line-against-cosine}}
#
# ## 4. Or is it the area?
#
# At the same peak the shapes also differ in something simpler: the sum of their rates. The **area**
# under the rate is
#
# $$A = \sum_{t < T} \text{lr}(t) \approx \text{peak} \cdot T \int_0^1 s(p)\, dp, \qquad
# \int_0^1 s = 1,\ \tfrac12,\ \tfrac12,\ \tfrac1{k+1}$$
#
# for the constant, the line, the cosine and the polynomial.

# %%
for name, plan in plans.items():
    print(f"{name:17} area {sum(plan.values(400)):6.1f}")

# %% [markdown]
# Why should the area count? While steps are small, the gradient hardly changes from one to the
# next, and ten updates at 0.1 go about as far as twenty at 0.05: the sum of the rates measures
# progress. While steps are large, their noise matters too, and the sum is not the whole story.
#
# On record the comparison is repeated at a low peak (0.1, 300 updates of batch 64), and at both
# peaks with **equal area**: the constant rate gets half of the line's peak, the *quadratic* (k = 2)
# one and a half times.


# %%
def gaps(experiment):
    """Test accuracy of each variant less that of the straight line, paired by seed, in points."""
    recorded = Runs(experiment, framework)
    line = recorded.percent("linear")
    return {name: gain(recorded.percent(name), line) for name in recorded.variants()}


# %% alt="Gaps to the line. Low peak: equal areas bring all near zero. High peak: they do not."
groups = ("cosine", "quadratic", "constant", "quadratic, same area", "constant, same area")
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.7), dpi=90, sharey=True, layout="constrained")
titles = {"shapes_low": "peak 0.1", "shapes_high": "peak 1"}
for panel, (name, title) in zip(panels, titles.items()):
    found = gaps(name)
    for y, group in enumerate(groups):
        n = found[group]
        color = look("polynomial" if "quadratic" in group else group)["color"]
        panel.plot([n.low, n.high], [y, y], color=color, linewidth=2)
        panel.plot(n.value, y, "D", color=color)
    panel.axvline(0, color="0.4", linewidth=1)
    panel.axhline(2.5, color="0.7", linewidth=1, linestyle=":")
    panel.set(xlabel="points of test accuracy\nabove the straight line", ylim=(4.5, -0.5))
    panel.set_title(f"{title}, {framework}, n = {n.n}", fontsize=10, loc="left")
    panel.grid(alpha=0.25, axis="x")
panels[0].set_yticks(range(len(groups)), groups)
plt.show()

# %% [markdown]
# - Low peak. {{low-peak-equal-peak}} {{low-peak-equal-area}} What looked like a matter of shape was
#   mostly a matter of area.
# - High peak. {{high-peak-equal-area}} Here the peak counts too, and how long the rate stays near
#   it.
#
# So "A beats B" at one peak may only mean that the peak was wrong for B. A fair comparison tunes
# the peak for each shape.
#
# ## 5. Break it: a wrong horizon
#
# The horizon has to be the length of *your* run, in *your* unit. **Predict.** PyTorch's
# `CosineAnnealingLR` gets `T_max=100`, and training goes on to update 200. What does the rate do
# after update 100?

# %%
predict(
    "4.d",
    "torch: what does the rate do after T_max?",
    {"it stays at zero": 34, "it climbs back": 33, "an error": 33},
)

# %%
past = torch_rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=100), 1.0, 201)
keras_past = schedules.CosineDecay(1.0, decay_steps=100)
for t in (0, 50, 100, 150, 200):
    print(f"update {t:3}:  torch {past[t]:.2f}   Keras {float(keras_past(t)):.2f}")
outcome("4.d", "it climbs back" if past[200] > past[100] else "it stays at zero")

# %% [markdown]
# PyTorch's formula is the whole cosine, a wave; Keras stops at the horizon. We train with PyTorch's
# wave and a horizon of half the run, and with a horizon that the run never reaches.


# %%
def wave(step):
    """What torch's CosineAnnealingLR(T_max=200) applies."""
    return (1 + math.cos(math.pi * step / 200)) / 2


wrong = {
    "cosine, T = 400": plans["cosine"],
    "torch's wave, T = 200": wave,
    "cosine, T = 800": Schedule(cosine, peak_lr=1.0, total_steps=800),
}
broken = {name: train(plan) for name, plan in wrong.items()}
applied = torch_rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=200), 1.0, 400)
print("our wave is torch's:", np.allclose(broken["torch's wave, T = 200"].lr, applied, atol=1e-6))
for name, run in broken.items():
    middle, last = np.mean(run.loss[180:240]), np.mean(run.loss[-40:])
    print(f"{name:22} loss around update 210: {middle:.2f}, last 40 updates: {last:.2f}")

# %% alt="The wave is at zero at update 200 and climbs back, and so does its loss."
figure = plot_runs(broken)
figure.axes[1].set_ylim(0, 1.5)
figure

# %% [markdown]
# The loss follows the rate: the wave is ahead while its rate is low, and as the rate climbs back,
# what was gained is lost again. <!-- shown --> With T = 800 the run stops half-way down.
#
# On record is also a cosine with T = 200 that stays at zero. {{horizon-early}} {{horizon-late}} And
# a floor above zero? {{floor}}
#
# Such a mistake is easily made. In UniRL, `T_max` was the run *minus* a warmup (lesson 5) that did
# not exist ([pull request 223](https://github.com/Tencent-Hunyuan/UniRL/pull/223)); imagen-pytorch
# set it to the length of the warmup ([issue
# 71](https://github.com/lucidrains/imagen-pytorch/issues/71)); in ivadomed a cosine of *epochs* was
# stepped with every *batch* ([pull request 55](https://github.com/ivadomed/ivadomed/pull/55)).
#
# ## 6. Spot the bug: restarts that do not restart
#
# A published comparison of schedules
# ([rasbt/machine-learning-notes](https://github.com/rasbt/machine-learning-notes), folder
# `learning-rates/scheduler-comparison`, notebook 3) trains for 200 epochs with
# `CosineAnnealingLR(opt, T_max=num_epochs/10)`, stepped once per epoch, and calls it cosine *with
# restarts*. A restart jumps from the floor to the peak at once. How large is the largest jump here,
# and which rate does the last epoch get?

# %%
rules = {
    "CosineAnnealingLR, as published": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=20),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=20),
}
traces = {name: torch_rates(make, 1.0, 200) for name, make in rules.items()}
for name, rates in traces.items():
    jump = np.diff(rates).max()
    print(f"{name:32} largest jump up {jump:.2f}, last epoch {rates[-1]:.3f}")

# %% alt="The published rate swings up and down like a wave; true restarts jump up at once."
plot_schedules({name: rates.__getitem__ for name, rates in traces.items()}, 200)

# %% [markdown]
# <details><summary>What happened</summary>
#
# Nothing restarts. The rate swings: it rises as slowly as it fell, half of the training time goes
# into rising rates, and the last epoch trains with nearly the full rate.
# </details>
#
# **Fix it**: `CosineAnnealingWarmRestarts(opt, T_0=20)`, or one cosine with `T_max=200`. Lesson 8
# compares the two.
#
# ## 7. Spot the bug: a schedule with a memory
#
# *Dive into Deep Learning* 1.0.3 writes its cosine as an object (chapter
# [*Learning Rate Scheduling*](https://d2l.ai/chapter_optimization/lr-scheduler.html)). Without its
# warmup and its floor it does this:


# %%
class Remembering:
    def __init__(self, horizon, peak):
        self.horizon, self.peak = horizon, peak

    def __call__(self, t):
        if t <= self.horizon:
            self.rate = self.peak * (1 + math.cos(math.pi * t / self.horizon)) / 2
        return self.rate  # past the horizon: the last one that was computed


# %% [markdown]
# What does it return at step 25 with a horizon of 20, if it was asked for steps 0 to 24 before? If
# it was asked for step 5 only? If it is asked for the first time, by a run that resumes there?

# %%
for asked_before in (range(25), [5], []):
    schedule = Remembering(horizon=20, peak=0.3)
    for t in asked_before:
        schedule(t)
    try:
        print(f"asked before: {asked_before!s:12} rate {schedule(25):.3f}")
    except AttributeError as error:
        print(f"asked before: {asked_before!s:12} AttributeError: {error}")

# %% [markdown]
# **Fix it**: with $p = \min(t / T, 1)$ the formula needs no branch and no memory.

# %%
corrected = Schedule(cosine, peak_lr=0.3, total_steps=20)
print(f"asked first at step 25: {corrected(25):.3f}; then at step 5: {corrected(5):.3f}")

# %% [markdown]
# ## What you take along
#
# 1. Line, polynomial and cosine are one formula with three functions of the progress
#    $p = \min(t / T, 1)$; a cosine's floor is a rate in PyTorch and a share in Keras.
# 2. At a low peak mostly the area under the rate decides; at a high one the peak counts too, and
#    the time spent near it. Compare shapes only with a peak tuned for each.
# 3. The horizon is the length of the run in the unit of your steps. PyTorch's cosine climbs again
#    beyond it, Keras's stays.
#
# **An open question.** All of these need $T$ before the run begins. What would you do if you could
# not know when you have to stop? (Lesson 10 has one answer.)
#
# **References.** I. Loshchilov and F. Hutter, *SGDR: stochastic gradient descent with warm
# restarts*, ICLR 2017, [arXiv:1608.03983](https://arxiv.org/abs/1608.03983) · M. Li, E. Yumer,
# D. Ramanan, *Budgeted training*, ICLR 2020, [arXiv:1905.04753](https://arxiv.org/abs/1905.04753):
# linear to zero when updates are few · L.-C. Chen et al., *DeepLab*,
# [arXiv:1606.00915](https://arxiv.org/abs/1606.00915): the polynomial · Bugs: see sections 2, 5, 6
# and 7.

# %% [markdown] tags=["exercise"]
# ### Exercise 4.1 - One letter for two numbers (bug, 2 points, about 8 minutes)
#
# An article behind this course prints linear decay with the same letter for the update and for the
# length of the run. Typed in, it reads
#
# ```python
# lr = initial_lr * (1 - t / t)
# ```
#
# which divides by zero at update 0 and is 0 at every later one.
#
# **Deliver:** `straight(step, *, peak_lr, total_steps, final_lr)`, the straight line that was
# meant: `peak_lr` at update 0, `final_lr` at update `total_steps`, and `final_lr` at all later
# ones.
#
# **Success:** the check agrees at every update, also past the end, with a floor above zero, and where
# `final_lr` is the larger rate, so that the line climbs.
#
# Example: with `peak_lr=1.0, total_steps=4, final_lr=0.2` the updates 0 to 5 get 1.0, 0.8, 0.6,
# 0.4, 0.2, 0.2.


# %% tags=["exercise"]
def straight(step, *, peak_lr, total_steps, final_lr):
    """A straight line from `peak_lr` to `final_lr` in `total_steps` updates, then level."""
    ### BEGIN SOLUTION
    progress = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * (1 - progress)
    ### END SOLUTION


# Try it yourself: expect 1.0, 0.6, 0.2
# [straight(t, peak_lr=1.0, total_steps=4, final_lr=0.2) for t in (0, 2, 9)]

# %% tags=["check"] grade_id="04-straight" points=2
from course_lib.checks import check

check("4.1", straight)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "4.1",
    straight,
    hints=[
        "Two numbers, two names: which is the update now, which is the length of the run?",
        "`step / total_steps` is the progress. What must it be at most?",
        "`final_lr + (peak_lr - final_lr) * (1 - min(step / total_steps, 1))`",
    ],
    shown=[
        curve(range(8), peak_lr=1.0, total_steps=4, final_lr=0.2),
        curve(range(40), peak_lr=0.1, total_steps=30, final_lr=0.0),
        curve(range(8), peak_lr=0.2, total_steps=5, final_lr=0.6),
        curve(range(6), peak_lr=0.0, total_steps=4, final_lr=0.1),
        curve([1, 3, 8, 40], peak_lr=0.5, total_steps=4, final_lr=0.1),
        curve([1, 3, 8, 40], peak_lr=0.5, total_steps=4, final_lr=0.2),
    ],
    locked=[curve(range(12), peak_lr=0.5, total_steps=7, final_lr=0.1)],
    hidden={
        "to zero": [
            curve(range(60), peak_lr=0.3, total_steps=47, final_lr=0.0),
            curve([5, 20], peak_lr=0.6, total_steps=47, final_lr=0.0),
            curve(range(9), peak_lr=0.003, total_steps=7, final_lr=0.0),
            curve(range(5), peak_lr=2.0, total_steps=1, final_lr=0.0),
        ],
        "to a floor": [
            curve(range(30), peak_lr=0.8, total_steps=19, final_lr=0.05),
            curve(range(30), peak_lr=0.4, total_steps=23, final_lr=0.3),
            curve([5, 20], peak_lr=0.4, total_steps=23, final_lr=0.1),
        ],
        "long after the end": [
            curve([0, 99, 100, 101, 250, 10_000], peak_lr=0.6, total_steps=100, final_lr=0.02)
        ],
        "upwards": [
            curve(range(20), peak_lr=0.1, total_steps=13, final_lr=0.5),
            curve([0, 1, 3, 4, 9], peak_lr=0.0, total_steps=4, final_lr=0.2),
        ],
    },
    library=["linear", "polynomial", "piecewise_linear"],
)

# %% [markdown] tags=["answer"]
# With two names the formula is $1 - t/T$. Frequent slips: no `min`, so that the rate goes below the
# floor and then below zero, which makes training climb *up* the loss; `max(rate, final_lr)`
# instead of a line that ends at the floor (it reaches the floor too early, and is wrong for a line
# that goes up); `total_steps - 1`, so that the last rate comes one update early.

# %% [markdown] tags=["exercise"]
# ### Exercise 4.2 - A cosine that lands (code, 2 points, about 10 minutes)
#
# Half a cosine wave from `peak_lr` at update 0 to `final_lr` at update `total_steps`:
#
# $$\text{lr}(t) = \text{final} + (\text{peak} - \text{final}) \cdot \tfrac12 (1 + \cos \pi p),
# \qquad p = \min(t / T, 1)$$
#
# **Deliver:** `landing(step, *, peak_lr, total_steps, final_lr)`.
#
# **Success:** the check agrees at every update. The curve must *land* on the floor smoothly: an
# early version of MLX's cosine only cut off what was below the floor, until it was changed in
# [mlx#1138](https://github.com/ml-explore/mlx/pull/1138).
#
# Example: with `peak_lr=1.0, total_steps=4, final_lr=0.5` the updates 0 to 5 get 1.0, 0.927, 0.75,
# 0.573, 0.5, 0.5 (rounded).


# %% tags=["exercise"]
def landing(step, *, peak_lr, total_steps, final_lr):
    """Half a cosine wave from `peak_lr` to `final_lr` in `total_steps` updates, then level."""
    ### BEGIN SOLUTION
    progress = min(step / total_steps, 1)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


# Try it yourself: expect 1.0, 0.75, 0.5
# [landing(t, peak_lr=1.0, total_steps=4, final_lr=0.5) for t in (0, 2, 9)]

# %% tags=["check"] grade_id="04-landing" points=2
from course_lib.checks import check

check("4.2", landing)

# %% tags=["probes"]
exercise(
    "4.2",
    landing,
    hints=[
        "The cosine runs from 1 to -1 while its angle runs from 0 to pi. What is the angle here?",
        "Stop the clock first: `progress = min(step / total_steps, 1)`. Then scale the wave to lie "
        "between the two rates.",
        "`final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2`",
    ],
    shown=[
        curve(range(8), peak_lr=1.0, total_steps=4, final_lr=0.5),
        curve(range(70), peak_lr=0.1, total_steps=50, final_lr=0.0),
        curve([1, 3, 8, 13, 40], peak_lr=0.5, total_steps=4, final_lr=0.1),
        curve([1, 3, 8, 13, 40], peak_lr=0.5, total_steps=4, final_lr=0.2),
    ],
    locked=[curve(range(16), peak_lr=0.6, total_steps=9, final_lr=0.2)],
    hidden={
        "to zero": [
            curve(range(60), peak_lr=0.3, total_steps=43, final_lr=0.0),
            curve([5, 20], peak_lr=0.6, total_steps=43, final_lr=0.0),
            curve(range(5), peak_lr=2.0, total_steps=1, final_lr=0.0),
        ],
        "to a floor": [
            curve(range(40), peak_lr=0.9, total_steps=29, final_lr=0.03),
            curve(range(30), peak_lr=0.4, total_steps=17, final_lr=0.25),
            curve([5, 12], peak_lr=0.4, total_steps=17, final_lr=0.1),
        ],
        "long after the end": [
            curve([0, 199, 200, 201, 300, 400, 9999], peak_lr=0.5, total_steps=200, final_lr=0.01)
        ],
    },
    library=["cosine", "cosine_power", "k_decay", "flat_cosine", "cosine_restarts"],
)

# %% [markdown] tags=["answer"]
# The clamp belongs to the *clock*: `min(step / total_steps, 1)`. Without it the rate climbs back,
# as in PyTorch; with `max(rate, final_lr)` the floor cuts the wave off with a corner, long before
# the horizon; with `final_lr` added to a wave of height `peak_lr` the first rate is too high.

# %% [markdown] tags=["exercise"]
# ### Exercise 4.3 - The same floor in Keras (concept, 2 points, about 8 minutes)
#
# A PyTorch script anneals with `CosineAnnealingLR(optimizer, T_max=total_steps, eta_min=eta_min)`
# from the rate `lr`, stepped with every batch.
#
# **Deliver:** `in_keras(*, lr, eta_min, total_steps)`, which returns a
# `keras.optimizers.schedules.CosineDecay` with the same rates from update 0 to `total_steps`.
#
# **Success:** the check saves your schedule with Keras, loads it (all its numbers have to be plain
# Python numbers), reads its rates, update by update, and compares them with PyTorch's up to Keras's
# float32.
#
# Example: `in_keras(lr=0.1, eta_min=0.01, total_steps=100)` ends at 0.01.

# %% tags=["exercise"]
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes


# %% tags=["exercise"]
def in_keras(*, lr, eta_min, total_steps):
    """Keras's CosineDecay with the rates of PyTorch's CosineAnnealingLR."""
    ### BEGIN SOLUTION
    return keras.optimizers.schedules.CosineDecay(lr, total_steps, alpha=eta_min / lr)
    ### END SOLUTION


# Try it yourself: expect 0.1 and 0.01
# [float(in_keras(lr=0.1, eta_min=0.01, total_steps=100)(t)) for t in (0, 100)]

# %% tags=["check"] grade_id="04-in-keras" points=2
from course_lib.checks import check

check("4.3", in_keras)

# %% tags=["probes"]
exercise(
    "4.3",
    in_keras,
    hints=[
        "Which of the three numbers has another meaning in Keras?",
        "`alpha` is a share of the first rate. Which share of `lr` is `eta_min`?",
        "`CosineDecay(lr, total_steps, alpha=eta_min / lr)`",
    ],
    shown=[
        through("keras_rates", 11, lr=0.1, eta_min=0.01, total_steps=10),
        through("keras_rates", 6, lr=1.0, eta_min=0.25, total_steps=5),
    ],
    locked=[
        through("keras_rates", 8, lr=0.4, eta_min=0.05, total_steps=7),
        through("keras_rates", 7, lr=0.7, eta_min=0.1, total_steps=6),
        through("keras_rates", 5, lr=0.5, eta_min=0.0, total_steps=4),
        through("keras_rates", 7, lr=0.5, eta_min=0.4, total_steps=6),
    ],
    hidden={
        "a small floor": [
            through("keras_rates", 20, lr=0.3, eta_min=0.006, total_steps=19),
            through("keras_rates", 14, lr=0.05, eta_min=0.001, total_steps=13),
        ],
        "no floor": [through("keras_rates", 24, lr=2.0, eta_min=0.0, total_steps=23)],
        "a high floor": [
            through("keras_rates", 10, lr=0.8, eta_min=0.7, total_steps=9),
            through("keras_rates", 9, lr=0.3, eta_min=0.1, total_steps=8),
        ],
    },
    library=["cosine"],
    tolerance=1e-4,
)

# %% [markdown] tags=["answer"]
# Only the floor changes its meaning: `alpha=eta_min / lr`. Handing `eta_min` over as `alpha` ends
# at `lr * eta_min`, a rate that is too small and looks fine on a linear axis. Two more differences
# lie outside this exercise: a PyTorch script that steps once per epoch is a staircase, and past the
# end the two differ, as section 5 shows.

# %% [markdown] tags=["exercise"]
# ### Exercise 4.4 - The same area (extended, 3 points, about 15 minutes)
#
# To compare a polynomial with a straight line at equal area, its peak has to be raised. A run has
# the updates `0` to `total_steps - 1`; both shapes go to zero at `total_steps`.
#
# **Deliver:** `same_area_peak(*, peak_lr, total_steps, power)`: the peak at which the rates of the
# polynomial $(1 - t/T)^k$, with $k$ = `power` (a whole number or not), add up to exactly as much as
# those of the straight line with peak `peak_lr`.
#
# **Success:** the sums agree for runs of any length, also for a run of one update. The integral,
# `peak_lr * (power + 1) / 2`, is only close.
#
# Example: `same_area_peak(peak_lr=1.0, total_steps=4, power=2)` is 1.3333...: the rates of the line
# add up to 1 + 0.75 + 0.5 + 0.25 = 2.5, those of the polynomial with peak 1 to 1.875.


# %% tags=["exercise"]
def same_area_peak(*, peak_lr, total_steps, power):
    """The peak of the polynomial that spends as much rate as the line with `peak_lr`."""
    ### BEGIN SOLUTION
    line = sum(1 - step / total_steps for step in range(total_steps))
    curved = sum((1 - step / total_steps) ** power for step in range(total_steps))
    return peak_lr * line / curved
    ### END SOLUTION


# Try it yourself: expect 1.3333...
# same_area_peak(peak_lr=1.0, total_steps=4, power=2)

# %% tags=["check"] grade_id="04-same-area" points=3
from course_lib.checks import check

check("4.4", same_area_peak)

# %% tags=["probes"]
exercise(
    "4.4",
    same_area_peak,
    hints=[
        "A sum of rates grows in proportion to the peak. So one division is enough.",
        "Add up both shapes with peak 1, over `range(total_steps)`. By what must the polynomial be "
        "multiplied?",
        "`peak_lr` times the sum of `1 - t / total_steps`, divided by the sum of "
        "`(1 - t / total_steps) ** power`",
    ],
    shown=[
        call(peak_lr=1.0, total_steps=4, power=2),
        call(peak_lr=0.1, total_steps=100, power=2),
        call(peak_lr=0.5, total_steps=30, power=1),
        call(peak_lr=0.5, total_steps=30, power=0.5),
        call(peak_lr=0.4, total_steps=4, power=2),
    ],
    locked=[
        call(peak_lr=0.2, total_steps=25, power=5),
        call(peak_lr=0.2, total_steps=900, power=4),
    ],
    hidden={
        "steeper than the line": [
            call(peak_lr=0.3, total_steps=57, power=2),
            call(peak_lr=0.8, total_steps=57, power=2),
            call(peak_lr=0.07, total_steps=400, power=4),
            call(peak_lr=2.0, total_steps=11, power=1.5),
            call(peak_lr=0.3, total_steps=1000, power=2),
        ],
        "flatter than the line": [
            call(peak_lr=0.3, total_steps=57, power=0.5),
            call(peak_lr=1.2, total_steps=9, power=0.9),
        ],
        "very short runs": [
            call(peak_lr=0.6, total_steps=1, power=2),
            call(peak_lr=0.6, total_steps=2, power=2),
            call(peak_lr=0.9, total_steps=3, power=5),
        ],
    },
    library=["polynomial", "linear"],
)

# %% [markdown] tags=["answer"]
# Both sums are linear in the peak, so the peak is a quotient of sums. The integral forgets that a
# run adds up rectangles, each as high as the rate at its left edge; the error is largest for short
# runs, and with one update both shapes are a single rate, the peak. For a power above 0,
# counting `total_steps + 1` rates changes nothing, because the last one is zero.

# %% alt="Three decays with peaks chosen for equal area" tags=["answer"]
from course_lib.plots import plot_schedules
from course_lib.schedules import Schedule, polynomial

equal = {
    f"k = {k}": Schedule(
        polynomial,
        peak_lr=same_area_peak(peak_lr=0.1, total_steps=100, power=k),
        total_steps=100,
        power=k,
    )
    for k in (0.5, 1, 2)
}
plot_schedules(equal, 100)
