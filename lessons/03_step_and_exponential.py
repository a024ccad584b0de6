# %% [markdown] tags=["setup"]
# # Step, multistep and exponential decay
#
# **You will be able to:** write the three classic decays in both frameworks; convert epochs to
# updates and a factor per epoch to a factor per update; say what momentum does when the rate
# drops; and fix five published bugs, of which none raises an error.
#
# **You need:** lesson 2: why a rate should fall.
#
# **Minutes:** 45

# %% tags=["setup"]
import math

from course_lib.checks import check
from course_lib.plots import plot_schedules
from course_lib.schedules import Schedule

framework = "torch"  # or "tensorflow"

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.optim import lr_scheduler

from course_lib.claims import Runs, gain
from course_lib.data import load
from course_lib.plots import PALETTE, plot_runs
from course_lib.predictions import outcome, predict
from course_lib.schedules import constant, exponential, inverse_time, multistep, step_decay
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes
from course_lib.training import fit, updates

mnist = load("mnist")

# %% [markdown]
# ## 1. Three ways down
#
# With $t$ the update and $\lfloor\ \rfloor$ rounding down:
#
# | schedule | rate of update $t$ | you choose |
# |---|---|---|
# | step | $\text{lr} \cdot \text{factor}^{\lfloor t / \text{every} \rfloor}$ | one interval |
# | multistep | $\text{lr} \cdot \text{factor}^{\text{number of milestones} \le t}$ | each drop |
# | exponential | $\text{lr} \cdot \text{factor}^{\,t / \text{every}}$ | how many updates a factor takes |

# %% alt="A staircase of even steps, one with chosen milestones, and a smooth exponential"
plot_schedules(
    {
        "step_decay": Schedule(step_decay, lr=0.2, every=150, factor=0.3),
        "multistep": Schedule(multistep, lr=0.2, milestones=(350, 500), factor=0.1),
        "exponential": Schedule(exponential, lr=0.2, factor=0.3, every=150),
    },
    600,
)

# %% [markdown]
# The exponential is the step schedule without stairs: the two meet where a stair begins.
#
# From here on, many runs have **momentum** $\mu$: the weight follows a **velocity** $v$, a fading sum
# of the past gradients $g$. The frameworks write it in two forms:
#
# | | velocity | weight |
# |---|---|---|
# | PyTorch | $v \leftarrow \mu v + g$ | $w \leftarrow w - \text{lr}\, v$ |
# | Keras | $v \leftarrow \mu v - \text{lr}\, g$ | $w \leftarrow w + v$ |
#
# At a constant rate they are the same: where the gradient stays the same, the moves under
# $\mu = 0.9$ grow to ten times those without momentum. Section 7 shows where the two part.
#
# **Predict.** 600 updates on MNIST with momentum 0.9. One run keeps 0.2, one drops to a tenth at
# update 400, one falls smoothly to a hundredth at the end. Which has the lowest training loss over
# the last 100 updates? Change the numbers.

# %%
predict(
    "3.a",
    "Lowest training loss over the last 100 of 600 updates?",
    {"constant": 33, "multistep": 33, "exponential": 34},
)

# %%
plans = {
    "constant": Schedule(constant, lr=0.2),
    "multistep": Schedule(multistep, lr=0.2, milestones=(400,)),
    "exponential": Schedule(exponential, lr=0.2, factor=0.01, every=600),
}
how = dict(data=mnist, framework=framework, progress=False)
runs = {}
for name, plan in plans.items():
    runs[name] = fit(plan, batch_size=128, momentum=0.9, max_updates=600, **how)
    runs[name].assert_lr_matches(plan)

# %% alt="Constant, one drop and exponential decay above their losses: the drop shows as a step"
figure = plot_runs(runs)
figure.axes[1].set_ylim(0, 0.5)
figure

# %%
ends = {name: np.mean(run.loss[-100:]) for name, run in runs.items()}
print({name: f"{loss:.3f}" for name, loss in ends.items()})
outcome("3.a", min(ends, key=ends.get))

# %% [markdown]
# A decay is not free. The late drop keeps the high rate while it is useful. The exponential is
# below a tenth of it after half of the updates, and ends with a higher loss than even the constant
# rate. <!-- shown --> One seed cannot rank them, though; lesson 11 does.
#
# ### Spot the bug: one name, two curves
#
# A graded assignment ([a public
# copy](https://github.com/Silva-6/deeplearning.AI-deep_learning/tree/8dccc65)) calls
# `lr / (1 + k * epoch)` exponential, and in its docstring "weight decay". It is neither. Keras has
# the exponential and this curve:

# %%
schedules = keras.optimizers.schedules
for rule in (schedules.ExponentialDecay(1.0, 1, 1 / 1.3), schedules.InverseTimeDecay(1.0, 1, 0.3)):
    rates = [f"{float(rule(epoch)):.2g}" for epoch in (0, 1, 10, 50)]
    print(f"{type(rule).__name__:17}", "  ".join(rates))

# %% alt="On a log axis an exponential falls on a line, inverse time bends and flattens"
plot_schedules(
    {
        "exponential: lr / 1.3**t": Schedule(exponential, lr=1.0, factor=1 / 1.3),
        "inverse_time: lr / (1 + 0.3 t)": Schedule(inverse_time, lr=1.0, factor=0.3),
    },
    50,
    log=True,
)

# %% [markdown]
# Equal for two epochs, about 30,000 times apart after fifty. <!-- shown --> And weight decay shrinks
# the *weights*. **Fix it**: its name is inverse time decay.
#
# ## 2. One plan, two clocks
#
# Keras's schedules count **updates** (lesson 0). Plans are often written in **epochs**, of
# `ceil(images / batch size)` updates. And a **step**, in PyTorch, is a call of `scheduler.step()`.
#
# The list of applied rates is a run's **trace**. To see PyTorch's, a loop without the training:


# %%
def sgd(lr, **more):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, **more)


def applied(optimizer, scheduler, epochs, batches=1, step_every="epoch"):
    rates = []
    for _ in range(epochs):
        for _ in range(batches):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step_every == "batch":
                scheduler.step()
        if step_every == "epoch":
            scheduler.step()
    return rates


def show(label, rates):
    print(f"{label:26}", "  ".join(f"{rate:.4g}" for rate in rates))


# %% [markdown]
# In PyTorch, stepped once per epoch. `LambdaLR` takes any formula of the epoch:

# %%
rules = {
    "StepLR": (lr_scheduler.StepLR, {"step_size": 2, "gamma": 0.1}),
    "MultiStepLR": (lr_scheduler.MultiStepLR, {"milestones": [1, 4], "gamma": 0.1}),
    "ExponentialLR": (lr_scheduler.ExponentialLR, {"gamma": 0.95}),
    "LambdaLR": (lr_scheduler.LambdaLR, {"lr_lambda": lambda epoch: 0.95**epoch}),
}
for name, (kind, arguments) in rules.items():
    optimizer = sgd(lr=0.1)
    show(name, applied(optimizer, kind(optimizer, **arguments), epochs=6))

# %% [markdown]
# Keras's schedules count updates; `steps` is the number of updates per epoch.
#
# **Predict.** `PiecewiseConstantDecay` gets update $m$ as a boundary. When does the rate drop? Set
# your odds.

# %%
predict(
    "3.b",
    "PiecewiseConstantDecay with a boundary at m: the first update with the new rate?",
    {"m - 1": 33, "m": 33, "m + 1": 34},
)

# %%
steps = updates(mnist, epochs=1, batch_size=32, validation=0)
stairs = schedules.ExponentialDecay(0.1, decay_steps=2 * steps, decay_rate=0.1, staircase=True)
pieces = schedules.PiecewiseConstantDecay([steps, 4 * steps], [0.1, 0.01, 0.001])
slope = schedules.ExponentialDecay(0.1, decay_steps=steps, decay_rate=0.95)
starts = [epoch * steps for epoch in range(6)]  # the first update of each epoch
for name, rule in {"step": stairs, "multistep": pieces, "exponential": slope}.items():
    show(name, [float(rule(start)) for start in starts])

# %% [markdown]
# Look at the second row: it has not dropped at the first update of epochs 1 and 4. Around $m$:

# %%
ours = Schedule(multistep, lr=0.1, milestones=(steps, 4 * steps))
shifted = schedules.PiecewiseConstantDecay([steps - 1, 4 * steps - 1], [0.1, 0.01, 0.001])
near = (steps - 1, steps, steps + 1)
for name, rule in {"boundary m": pieces, "boundary m - 1": shifted, "ours": ours}.items():
    show(name, [float(rule(step)) for step in near])
first = next(step for step in near if float(pieces(step)) < 0.05)
outcome("3.b", {steps - 1: "m - 1", steps: "m", steps + 1: "m + 1"}[first])

# %% [markdown]
# A boundary in Keras still belongs to the *old* rate; a milestone in PyTorch, and here, is the
# first update with the new one. To translate, subtract one from the milestone. One update hardly
# matters to a long run, but it breaks every comparison update by update.
#
# ### Spread a factor over the updates
#
# "Times 0.95 per epoch" can fall smoothly too: $\text{factor per update} = \text{factor per
# epoch}^{\,1/\text{steps per epoch}}$. PyTorch needs this number; Keras does the division for you
# in `decay_steps`.

# %%
optimizer = sgd(lr=0.1)
smooth = lr_scheduler.ExponentialLR(optimizer, gamma=0.95 ** (1 / steps))
torch_rates = applied(optimizer, smooth, epochs=3, batches=steps, step_every="batch")
keras_rates = [float(slope(step)) for step in range(0, 3 * steps, 100)]
ours = Schedule(exponential, lr=0.1, factor=0.95, every=steps)
print(f"factor per update: {0.95 ** (1 / steps):.6f}")
print("torch equals ours:", np.allclose(torch_rates, ours.values(3 * steps), rtol=1e-9, atol=0))
print("Keras equals ours:", np.allclose(keras_rates, torch_rates[::100], rtol=1e-5, atol=0))

# %%
from course_lib.widgets import milestones, puzzle

milestones()  # your turn: drag the two lines until both frameworks drop at updates 40 and 75

# %%
puzzle(1)  # your turn: which formula drew the grey curve? puzzle(2) to puzzle(8) are harder

# %% [markdown]
# ## 3. Break it: the wrong clock
#
# **Predict.** You write `StepLR(optimizer, 10, 0.1)`, thinking of epochs, and `scheduler.step()`
# slips into the loop over batches. What is the rate after one epoch of MNIST, in batches of 32?

# %%
predict(
    "3.c",
    "StepLR(optimizer, 10, 0.1) from 0.1, stepped per batch: the rate after one epoch?",
    {"0.1": 33, "between 1e-20 and 0.1": 33, "below 1e-20": 34},
)

# %%
optimizer = sgd(lr=0.1)
rates = applied(optimizer, lr_scheduler.StepLR(optimizer, 10, 0.1), 1, steps, step_every="batch")
alive = sum(rate >= 0.001 for rate in rates)
print(f"StepLR: at least 0.001 for {alive} of {steps:,} updates, at the end {rates[-1]:.1g}")
end = float(schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.1)(steps))
print(f"Keras, decay_steps=10: at the end {end:.1g}")
small = "below 1e-20" if rates[-1] < 1e-20 else "between 1e-20 and 0.1"
outcome("3.c", "0.1" if rates[-1] == 0.1 else small)

# %% [markdown]
# No error is raised: a rate of practically zero is a legal rate. Now we train with the milder
# `ExponentialLR(optimizer, 0.95)`, stepped per batch and per epoch:

# %%
plans = {
    "0.95 per batch": Schedule(exponential, lr=0.1, factor=0.95),
    "0.95 per epoch": Schedule(exponential, lr=0.1, factor=0.95, every=steps, staircase=True),
}
runs = {}
for name, plan in plans.items():
    runs[name] = fit(plan, batch_size=32, max_updates=400, **how)
    runs[name].assert_lr_matches(plan)

# %% alt="Stepped per batch, the rate falls to nothing (log axis) and the loss stops near 1.9"
plot_runs(runs, log_rate=True)

# %% [markdown]
# A user of SRGAN-PyTorch reported that it "does not seem to train"
# ([issue 1](https://github.com/Lornatang/SRGAN-PyTorch/issues/1)): a `StepLR` meant for half of the
# *epochs* was stepped with every batch, and moving the call after the inner loop cured it. **Fix
# it**: step once per epoch, or convert the length, or the factor.
#
# ## 4. Spot the bug: the rate that feeds itself
#
# Published research code
# ([DeepDepthDenoising](https://github.com/VCL3D/DeepDepthDenoising/blob/ebc0f15/utils/opt.py))
# calls a function like this one before every epoch. What was meant, and what is applied?


# %%
def adjust(optimizer, epoch, every=2):
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] * 0.1 ** (epoch // every)


optimizer, rates = sgd(lr=2e-4), []
for epoch in range(6):
    adjust(optimizer, epoch)
    rates.append(optimizer.param_groups[0]["lr"])
show("meant", [2e-4 * 0.1 ** (epoch // 2) for epoch in range(6)])
show("applied", rates)

# %% [markdown]
# A formula meant for the first rate is fed the current one: the exponents 0, 0, 1, 1, 2, 2 add up,
# and the rate of epoch 5 is divided by 10⁶ instead of by 10². PyTorch has a class for each meaning.
# An article behind this course says that `LambdaLR` multiplies the *current* rate. Does it?

# %%
rules = {
    "LambdaLR, 0.9**epoch": (lr_scheduler.LambdaLR, lambda epoch: 0.9**epoch),
    "MultiplicativeLR, 0.9**epoch": (lr_scheduler.MultiplicativeLR, lambda epoch: 0.9**epoch),
    "MultiplicativeLR, 0.9": (lr_scheduler.MultiplicativeLR, lambda epoch: 0.9),
}
for name, (kind, rule) in rules.items():
    optimizer = sgd(lr=0.1)
    show(f"{name:28}", applied(optimizer, kind(optimizer, rule), epochs=6))

# %% [markdown]
# It does not: the second line shows the bug. **Fix it**: a formula of the epoch goes with the
# *first* rate (`LambdaLR`), a constant factor with the *current* one (`MultiplicativeLR`).
#
# ## 5. Spot the bug: drawn first, trained second
#
# The PyTorch version of a [well-known
# chapter](https://d2l.ai/chapter_optimization/lr-scheduler.html) draws a scheduler for 30 epochs,
# then trains 30 epochs with it. Which rates does the network get?

# %%
optimizer = sgd(lr=0.5)
scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[15, 30], gamma=0.5)
drawn = applied(optimizer, scheduler, epochs=30)  # for the figure
trained = applied(optimizer, scheduler, epochs=30)  # for the network
print("drawn:  ", sorted(set(drawn), reverse=True))
print("trained:", sorted(set(trained), reverse=True))

# %% [markdown]
# A PyTorch scheduler is a counter with side effects, and drawing used it up: both milestones were
# past when training began, and the network got a single rate, lower than any in the figure. **Fix
# it**: draw a schedule that counts no calls, like our formulas.
#
# ## 6. Spot the bug: the drop that never comes
#
# A book's notebook had a Keras schedule with boundaries at the updates 50,000 and 80,000. A reader
# did the arithmetic ([handson-ml3#206](https://github.com/ageron/handson-ml3/pull/206)): 55,000
# images, batches of 32, 10 epochs. The boundaries became `50_000 * n_epochs // batch_size`, and the
# same with 80,000, where `n_epochs` is 20.

# %%
run_length = 10 * math.ceil(55_000 / 32)
versions = {"first": [50_000, 80_000], "second": [n * 20 // 32 for n in (50_000, 80_000)]}
for name, boundaries in versions.items():
    rule = schedules.PiecewiseConstantDecay(boundaries, [0.01, 0.005, 0.001])
    last = float(rule(run_length - 1))
    print(f"{name}: boundaries {boundaries}, update {run_length - 1:,} at {last:.4g}")

# %% [markdown]
# Neither version ever drops: the first pair was never converted for this run, and the second counts
# 20 epochs where the run makes 10. And nothing fails: a boundary beyond the end is legal. **Fix
# it**: compute boundaries from the length of *this* run, and check them:

# %%
plan = Schedule(multistep, lr=0.01, milestones=(run_length // 2, run_length * 8 // 10))
print(f"update {run_length - 1:,} at {plan(run_length - 1):.4g}")
assert plan(run_length - 1) < plan(0), "the drop never comes"

# %% [markdown]
# ## 7. What momentum does with a drop
#
# In the two forms of section 1 the rate enters in different places. Let the gradient be 1, and drop
# the rate to a tenth after 40 updates. How far does each update move the weight?

# %%
weight = torch.zeros(1, requires_grad=True)
weight.grad = torch.ones(1)
optimizer = torch.optim.SGD([weight], lr=1.0, momentum=0.9)
scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[40])
torch_steps = []
for _ in range(60):
    before = weight.item()
    optimizer.step()
    torch_steps.append(before - weight.item())
    scheduler.step()
show("torch, updates 38 to 43", torch_steps[38:44])

weight = keras.Variable([0.0])
drop = schedules.PiecewiseConstantDecay([39], [1.0, 0.1])
optimizer = keras.optimizers.SGD(drop, momentum=0.9)
optimizer.build([weight])
keras_steps = []
for _ in range(60):
    before = float(weight[0])
    optimizer.apply([np.ones(1, dtype=np.float32)])
    keras_steps.append(before - float(weight[0]))
show("Keras, updates 38 to 43", keras_steps[38:44])

# %% alt="Move of the weight per update: torch's falls to a tenth at once, Keras's to a fifth in 20"
figure, axes = plt.subplots(figsize=(7.5, 2.6), dpi=90, layout="constrained")
plt.close(figure)
axes.plot(torch_steps, color=PALETTE[0], label="PyTorch's form")
axes.plot(keras_steps, color=PALETTE[1], linestyle="--", label="Keras's form")
axes.set(xlabel="update", ylabel="move of the weight, gradient 1", ylim=(0, None))
axes.grid(alpha=0.25)
axes.legend(frameon=False)
figure

# %% [markdown]
# Before the drop both moves have settled at nearly $\text{lr}/(1-\mu)$, ten times the rate. On a
# steep wall the gradient changes sign with every jump, and there momentum even *raises* the
# edge, to $2 (1 + \mu) / L$ (lesson 5). Compare rates only at the same momentum.
#
# PyTorch's moves shrink at once. In Keras the old velocity, made with the old rate, rolls on, a
# tenth weaker with each update, and the new gradients, which count a tenth, hardly steer it.
#
# **Predict.** An MNIST network, momentum 0.9, the rate drops from 0.2 to a tenth at update 400. In
# Keras's own form, how does the training loss of the 20 updates after the drop compare with that of
# the 20 before?

# %%
predict(
    "3.d",
    "Keras's form of momentum: mean training loss right after the drop against right before?",
    {"lower": 33, "higher": 33, "no difference found": 34},
)

# %%
forms = {
    "PyTorch's form, in torch": Runs("momentum_drop", "torch").lines("torch form"),
    "PyTorch's form, in Keras": Runs("momentum_drop", "tensorflow").lines("torch form"),
    "Keras's form": Runs("momentum_drop_keras", "tensorflow").lines("keras form"),
}
changes = {}
for name, lines in forms.items():
    after, before = ({x["seed"]: x[f"loss_{k}"] for x in lines} for k in ("after", "before"))
    changes[name] = gain(after, before)
    print(f"{name:25} after - before {changes[name]:+.3f}, n = {changes[name].n}")
change = changes["Keras's form"]
moved = "higher" if change.above_zero else "lower"
outcome("3.d", "no difference found" if change.undecided else moved)

# %% alt="Loss before, right after and later, one line per recorded run: only Keras's form jumps up"
figure, panels = plt.subplots(1, 3, figsize=(7.5, 2.8), dpi=90, sharey=True, layout="constrained")
plt.close(figure)
for panel, color, (name, lines) in zip(panels, PALETTE, forms.items()):
    for line in lines:
        losses = [line[f"loss_{when}"] for when in ("before", "after", "later")]
        panel.plot(losses, "o-", color=color, alpha=0.5, markersize=3, linewidth=1)
    panel.set_xticks(range(3), ["380-399", "400-419", "420-439"], fontsize=8)
    panel.set_xlim(-0.4, 2.4)
    panel.set_title(f"{name}\nn = {len(lines)}", fontsize=9)
    panel.grid(alpha=0.25)
panels[0].set_ylabel("mean training loss")
panels[1].set_xlabel("updates (the rate drops at 400)")
panels[0].set_ylim(0, None)
figure

# %% [markdown]
# {{momentum-jump}} {{momentum-end}}
#
# So one schedule makes two trajectories, and a drop copied from a PyTorch paper into Keras is a
# different experiment. `course_lib.tensorflow.SGD` has PyTorch's form, and `fit` uses it: that is
# why, at moderate rates, the same seed gives nearly the same losses in both frameworks of this
# course. Goyal et al. (2017, remark 2) give the other cure: at each change, multiply the velocity
# by new rate / old rate.
#
# ## What you take along
#
# 1. Say the unit. Epochs become updates by `ceil(images / batch size)`; a factor per epoch becomes
#    a factor per update by a root.
# 2. The libraries count alike, except that Keras's boundaries drop one update later; and their two
#    forms of momentum react differently to the same drop.
# 3. A decay under a wrong name, on the wrong clock, fed with its own result, used up by a drawing,
#    or one that never comes: none raises an error. The trace of applied rates shows all five.
#
# **An open question.** After Keras's jump the loss comes down again. Would you expect a lasting
# difference, after 200 more updates or after 20,000? How many seeds would it take to see one of a
# tenth of a point?
#
# **References.** K. He et al., [arXiv:1512.03385](https://arxiv.org/abs/1512.03385): divide by ten
# · S. Zagoruyko and N. Komodakis, [arXiv:1605.07146](https://arxiv.org/abs/1605.07146): milestones
# · P. Goyal et al., [arXiv:1706.02677](https://arxiv.org/abs/1706.02677): momentum correction ·
# [pytorch#1099](https://github.com/pytorch/pytorch/issues/1099): two forms of momentum ·
# [torch.optim.lr_scheduler](https://docs.pytorch.org/docs/stable/optim.html) ·
# [keras.optimizers.schedules](https://keras.io/api/optimizers/learning_rate_schedules/)

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# ### Exercise 3.1 - One formula for both classics (code, 2 points, about 8 minutes)
#
# The two classics of lesson 2 follow the same kind of staircase: the rate is multiplied by `factor`
# after every `every_epochs` epochs. `step` counts updates from 0; an epoch has `steps_per_epoch` of
# them.
#
# $$e(t) = \lfloor t / \text{steps per epoch} \rfloor, \qquad
# \text{lr}(t) = \text{lr} \cdot \text{factor}^{\lfloor e(t) / \text{every epochs} \rfloor}$$
#
# **Deliver:** the function `my_epoch_decay`, which gives the rate of update `step`.
#
# **Success:** every update has its rate, also the last before a drop and the first after it.
#
# Example: with `lr=0.1, factor=0.5, every_epochs=2, steps_per_epoch=3` the updates 0 to 5 get 0.1,
# and 6 to 11 get 0.05.


# %% tags=["exercise"]
def my_epoch_decay(step, *, lr, factor, every_epochs, steps_per_epoch):
    """The rate of update `step`, times `factor` after every `every_epochs` epochs."""
    ### BEGIN SOLUTION
    epoch = step // steps_per_epoch
    return lr * factor ** (epoch // every_epochs)
    ### END SOLUTION


# Try it yourself: expect 0.1, 0.1, 0.05
# [my_epoch_decay(t, lr=0.1, factor=0.5, every_epochs=2, steps_per_epoch=3) for t in (0, 5, 6)]


# %% tags=["check"] grade_id="03-epoch-decay" points=2
check("3.1", my_epoch_decay)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "3.1",
    my_epoch_decay,
    hints=[
        "Python's `//` is the floor of a division. How many floors does the formula have?",
        "First the epoch of this update, `step // steps_per_epoch`; then the number of drops.",
        "`factor ** (epoch // every_epochs)`, with `epoch = step // steps_per_epoch`, times `lr`.",
    ],
    shown=[
        curve(range(40), lr=0.1, factor=0.5, every_epochs=2, steps_per_epoch=3),
        curve(range(130), lr=0.1, factor=0.95, every_epochs=1, steps_per_epoch=20),
        curve(range(70), lr=0.4, factor=0.1, every_epochs=2, steps_per_epoch=5),
        curve(
            [0, 28_139, 28_140, 56_280], lr=0.1, factor=0.5, every_epochs=30, steps_per_epoch=938
        ),
    ],
    locked=[
        curve(range(90), lr=0.4, factor=0.3, every_epochs=2, steps_per_epoch=5),
        curve([0, 48, 49, 97, 98], lr=0.2, factor=0.5, every_epochs=1, steps_per_epoch=49),
    ],
    hidden={
        "several epochs per drop": [
            curve(range(160), lr=0.3, factor=0.1, every_epochs=3, steps_per_epoch=7)
        ],
        "one update per epoch": [
            curve(range(50), lr=2.0, factor=0.8, every_epochs=4, steps_per_epoch=1),
            curve(range(20), lr=0.003, factor=0.7, every_epochs=2, steps_per_epoch=1),
        ],
        "around the drops of a long run": [
            curve(
                [0, 781, 782, 23_459, 23_460, 23_461, 46_920],
                lr=0.1,
                factor=0.1,
                every_epochs=30,
                steps_per_epoch=782,
            ),
            # 103 * (1 / 103) is below 1
            curve([0, 102, 103, 206], lr=0.3, factor=0.5, every_epochs=1, steps_per_epoch=103),
        ],
    },
    library=["step_decay", "per_epoch", "multistep", "exponential"],
)

# %% [markdown] tags=["answer"]
# First updates become epochs, then epochs become drops: two floors, one for each clock. The MNIST
# example is `factor=0.95, every_epochs=1`, the CIFAR-10 example `factor=0.1, every_epochs=30`. Both
# floors in one, `step // (every_epochs * steps_per_epoch)`, is the same. Frequent slips: leaving
# out a floor (smooth where stairs were asked), or dropping one update late.

# %% alt="The CIFAR-10 staircase, drawn from the answer" tags=["answer"]
in_steps = dict(lr=0.1, factor=0.1, every_epochs=30, steps_per_epoch=782)
plot_schedules({"step at epoch 30": Schedule(my_epoch_decay, **in_steps)}, 50 * 782)

# %% [markdown] tags=["exercise"]
# ### Exercise 3.2 - Fix the rate that feeds itself (bug, 4 points, about 12 minutes)
#
# Keras's `LearningRateScheduler` calls your function before every epoch with the number of the
# epoch and the rate of the epoch *before* (in epoch 0: the first rate), and trains the epoch with
# what you return. The line of section 4
# ([published](https://github.com/VCL3D/DeepDepthDenoising/blob/ebc0f15/utils/opt.py)),
#
# ```python
# lr * factor ** (epoch // every)
# ```
#
# treats that rate as the first one, so the decay compounds. Fix it **without** knowing the first
# rate: called epoch after epoch, it should make the staircase that was meant, times `factor` after
# every `every` epochs. Use nothing but the arguments: whoever resumes at epoch 45 calls it for the
# first time there.
#
# **Deliver:** `next_rate(epoch, lr, every, factor)`, where `lr` is the rate of the epoch before.
#
# **Success:** the staircase from any first rate, also resumed in the middle of a run.
#
# Example: with `every=2, factor=0.1`, from 1.0, the epochs 0 to 5 get 1, 1, 0.1, 0.1, 0.01, 0.01.


# %% tags=["exercise"]
def next_rate(epoch, lr, every, factor):
    """The rate for `epoch`, where `lr` is the rate of the epoch before."""
    ### BEGIN SOLUTION
    drops_now = epoch > 0 and epoch % every == 0
    return lr * factor if drops_now else lr
    ### END SOLUTION


# Try it yourself: expect 1.0, 0.1
# next_rate(1, 1.0, every=2, factor=0.1), next_rate(2, 1.0, every=2, factor=0.1)


# %% tags=["check"] grade_id="03-next-rate" points=4
check("3.2", next_rate)

# %% tags=["probes"]
exercise(
    "3.2",
    next_rate,
    hints=[
        "In which epochs does the rate change at all?",
        "By how much does the exponent `epoch // every` grow from one epoch to the next?",
        "Multiply `lr` by `factor` where `epoch % every == 0`, but not in epoch 0; else hand it "
        "back as it is.",
    ],
    shown=[
        through("fed_back", 12, 1.0, every=2, factor=0.1),
        through("fed_back", 12, 0.3, every=5, factor=0.5),
        through("fed_back", 13, 0.4, every=1, factor=0.5),
        call(0, 0.1, every=30, factor=0.1),
        call(45, 0.01, every=30, factor=0.1),
        call(40, 0.00125, every=20, factor=0.25),
        call(120, 3.0, every=60, factor=0.1),
        call(121, 3.0, every=60, factor=0.1),
    ],
    locked=[
        through("fed_back", 10, 0.8, every=3, factor=0.2),
        call(40, 4e-6, every=20, factor=0.5),
    ],
    hidden={
        "epoch after epoch": [
            through("fed_back", 11, 0.2, every=1, factor=0.9),
            through("fed_back", 11, 0.05, every=3, factor=0.25),
            through("fed_back", 42, 2.0, every=20, factor=0.1),
        ],
        "resumed around epoch 30": [
            call(29, 0.4, every=30, factor=0.5),
            call(30, 0.4, every=30, factor=0.5),
            call(31, 0.2, every=30, factor=0.5),
            call(60, 0.01, every=30, factor=0.1),
            call(90, 1e-5, every=30, factor=0.1),
        ],
        "resumed at another pace": [
            call(0, 0.9, every=4, factor=0.5),
            call(12, 0.7, every=4, factor=0.5),
            call(13, 0.7, every=4, factor=0.5),
        ],
    },
    library=["step_decay"],
)

# %% [markdown] tags=["answer"]
# The planned exponent `epoch // every` grows by one exactly where `epoch` is a multiple of `every`,
# except at epoch 0, where 0 is a multiple too but nothing has been trained. Only there is a factor
# due. It is how PyTorch's own `StepLR` computes its rates, one product at a time. The price: skip a
# multiple, or call it twice, and the staircase is wrong for good, while a formula of the first rate
# cannot forget. Frequent slips: a drop in epoch 0, a memory of the first rate (lost on resuming).

# %% tags=["answer"]
# The answer at work: MultiplicativeLR wants the factor of each epoch, the answer for a rate of 1.
from torch import optim, zeros

trial = optim.SGD([zeros(1, requires_grad=True)], lr=0.1)
rule = optim.lr_scheduler.MultiplicativeLR(trial, lambda epoch: next_rate(epoch, 1.0, 2, 0.1))
for epoch in range(6):
    print(f"epoch {epoch}: {trial.param_groups[0]['lr']:.3g}")
    trial.step()
    rule.step()

# %% [markdown] tags=["exercise"]
# ### Exercise 3.3 - The drop that comes (bug, 3 points, about 10 minutes)
#
# The boundaries of section 6 are never reached, in either version
# ([handson-ml3#206](https://github.com/ageron/handson-ml3/pull/206)):
#
# ```python
# boundaries = [50_000, 80_000]  # updates? The run has 17,190 of them.
# boundaries = [50_000 * n_epochs // batch_size, 80_000 * n_epochs // batch_size]
# ```
#
# Fix it for good: give the drops in *epochs*, and let a function compute the updates.
#
# **Deliver:** `milestones(at_epochs, images, batch_size, epochs)`, a list with the first update of
# each of these epochs, in the order in which they are given. An epoch has as many updates as there
# are batches; the last batch may be smaller, but counts. Epochs may be fractions (2.5 is the middle
# of epoch 2): round the update *up* to the next whole number. If a drop would not come before the
# run of `epochs` epochs ends, raise a `ValueError`.
#
# **Success:** right whether or not the batch size divides the images, and no drop is lost silently.
#
# Example: `milestones([5, 8], 55_000, 32, epochs=10)` is `[8595, 13752]`, because an epoch has
# 1,719 updates; `milestones([5, 12], 55_000, 32, epochs=10)` raises a `ValueError`.


# %% tags=["exercise"]
def milestones(at_epochs, images, batch_size, epochs):
    """The updates at which these epochs begin; ValueError for one that the run does not reach."""
    ### BEGIN SOLUTION
    steps_per_epoch = math.ceil(images / batch_size)
    found = [math.ceil(epoch * steps_per_epoch) for epoch in at_epochs]
    if any(update >= epochs * steps_per_epoch for update in found):
        raise ValueError(f"a drop at epochs {at_epochs} does not come in {epochs} epochs")
    return found
    ### END SOLUTION


# Try it yourself: expect [8595, 13752]
# milestones([5, 8], 55_000, 32, epochs=10)


# %% tags=["check"] grade_id="03-milestones" points=3
check("3.3", milestones)

# %% tags=["probes"]
exercise(
    "3.3",
    milestones,
    hints=[
        "How many updates has an epoch of 10 images in batches of 4? Count the batches.",
        "`math.ceil(images / batch_size)` updates per epoch; a drop is that many times its epoch. "
        "The last update of the run is number `epochs * steps_per_epoch - 1`.",
        "Compute all updates with `math.ceil(epoch * steps_per_epoch)`; if one is at least "
        "`epochs * steps_per_epoch`, raise the `ValueError`; else return the list.",
    ],
    shown=[
        call([5, 8], 55_000, 32, epochs=10),
        call([5, 12], 55_000, 32, epochs=10),
        call([1, 2], 12, 4, epochs=3),
        call([2, 0, 2], 10, 4, epochs=3),
        call([2.25], 100, 8, epochs=4),
        call([2.5], 100, 10, epochs=3),
        call([3], 5, 4, epochs=4),
        call([1.75], 40, 10, epochs=2),  # its last update
        call([3], 10, 4, epochs=3),
        call([2.99], 50, 10, epochs=3),
        call([1, 4, 2], 10, 4, epochs=3),
        call([], 10, 4, epochs=3),
    ],
    locked=[call([2, 4.75], 91, 10, epochs=6), call([2.01], 20, 5, epochs=4)],
    hidden={
        "batches that fit": [
            call([30, 60, 80], 50_000, 50, epochs=90),
            call([1], 640, 64, epochs=2),
            call([1], 3, 8, epochs=2),  # the last update
            call([], 640, 64, epochs=2),
        ],
        "a smaller last batch": [
            call([30], 50_000, 64, epochs=50),
            call([7, 3, 9], 101, 10, epochs=12),
            call([0, 3, 3], 5, 4, epochs=4),
        ],
        "fractions of an epoch": [
            call([0.5, 1.25], 90, 7, epochs=2),
            call([1.75], 91, 10, epochs=3),
            call([1.5], 40, 4, epochs=2),
            call([2.75], 40, 10, epochs=3),  # the last update
            call([1.01], 16, 4, epochs=2),
        ],
        "drops that would not come": [
            call([10], 55_000, 32, epochs=10),
            call([3.98], 60, 3, epochs=4),
            call([1, 3], 25, 10, epochs=3),
            call([1, 12, 3], 25, 10, epochs=5),  # in any order
            call([2], 50, 10, epochs=3),
        ],
    },
    library=["multistep"],
)

# %% [markdown] tags=["answer"]
# The units say what to do: epochs times updates per epoch. `images // batch_size` forgets the small
# last batch, which shifts each drop by one update per epoch; `images * epoch // batch_size`, as
# published, counts as if the next epoch filled it up. Beware of floats, too: `0.07 * 100` is a
# little more than 7, and its `ceil` is 8. A drop at exactly the end is lost as well, because update
# `epochs * steps_per_epoch` is never made.

# %% [markdown] tags=["exercise"]
# ### Exercise 3.4 - How long until the rate is gone? (code, 3 points, about 12 minutes)
#
# A decay by `factor` *per epoch*, spread evenly over the updates:
#
# $$\text{lr}(t) = \text{lr} \cdot \left(\text{factor}^{\,1/\text{steps per epoch}}\right)^t$$
#
# **Deliver:** `updates_until`, the number of the first update whose rate is **below** `bound`. A
# rate that equals the bound is not below it; if the first update's rate is below it already, the
# answer is 0.
#
# **Success:** the exact number of the update, for long runs and short ones.
#
# Example: `updates_until(0.1, 0.04, 0.5, 10)` is 14, because the rate is 0.0406 at update 13 and
# 0.0379 at update 14.


# %% tags=["exercise"]
def updates_until(lr, bound, factor, steps_per_epoch):
    """The number of the first update with a rate below `bound`; `factor` is per epoch, below 1."""
    ### BEGIN SOLUTION
    if lr < bound:
        return 0
    epochs = math.log(bound / lr) / math.log(factor)
    return math.floor(epochs * steps_per_epoch) + 1
    ### END SOLUTION


# Try it yourself: expect 14
# updates_until(0.1, 0.04, 0.5, 10)


# %% tags=["check"] grade_id="03-updates-until" points=3
check("3.4", updates_until)

# %% tags=["probes"]
exercise(
    "3.4",
    updates_until,
    hints=[
        "A loop that counts is right, and quick enough. Below the bound is not at the bound.",
        "Shorter: solve lr(t) = bound for t with two logarithms, then think about rounding and "
        "about t below zero.",
        "t is `steps_per_epoch * math.log(bound / lr) / math.log(factor)`; the answer is the "
        "first whole number above it, and at least 0.",
    ],
    shown=[
        call(0.1, 0.04, 0.5, 10),
        call(1.0, 2e-9, 0.9, 1),
        call(1.0, 0.25, 0.5, 1),
        call(0.1, 0.01, 0.95, 1875),  # the MNIST example: how many epochs is that?
        call(0.1, 0.1, 0.95, 1875),
        call(0.1, 0.2, 0.95, 1875),
    ],
    locked=[
        call(0.5, 0.07, 0.6, 25),
        call(0.9, 1.0, 0.5, 4),
        call(0.5, 0.004, 0.97, 938),
        call(0.6, 0.03, 0.7, 10),
    ],
    hidden={
        "many updates": [
            call(0.4, 0.001, 0.1, 782),
            call(0.05, 0.02, 0.97, 469),
            call(2.0, 0.7, 0.8, 7),
            call(0.1, 1e-8, 0.9, 3),
            call(0.1, 0.005, 0.95, 1875),
        ],
        "at the bound and close to it": [
            call(0.25, 0.25, 0.5, 4),
            call(1.0, 0.0625, 0.5, 1),
            call(2.0, 0.125, 0.25, 2),
            call(0.3, 0.3, 0.9, 100),
            call(3.0, 2.9, 0.5, 50),
        ],
        "below it from the start": [
            call(0.01, 0.3, 0.5, 4),
            call(0.299, 0.3, 0.5, 4),  # not by much
            call(0.02, 2.0, 0.99, 1000),
            call(2.0, 0.02, 0.5, 4),
        ],
    },
)

# %% [markdown] tags=["answer"]
# lr · factor^(t / steps) < bound means t > steps · log(bound / lr) / log(factor); both logarithms
# are negative, so the inequality is reversed once. The first whole number *above* x is
# `floor(x) + 1`; `ceil(x)` is wrong where x is a whole number, as for `bound == lr`. At 0.95 per epoch the
# MNIST example would need about 45 epochs to reach a tenth of its rate; it has 5. Frequent slips:
# the answer in epochs, a negative number, the staircase instead of the curve.
