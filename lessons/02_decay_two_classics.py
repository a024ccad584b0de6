# %% [markdown] tags=["setup"]
# # Decay: the noise floor and the two classics
#
# **You will be able to:** say with one formula why a fixed rate leaves a floor under the loss;
# say what a decay does to the mean and to the spread over seeds; judge two printed accuracies; and
# fix four bugs that distort a decay, three of them without an error.
#
# **You need:** lesson 1.
#
# **Minutes:** 45

# %% tags=["setup"]
import math

from course_lib.checks import check
from course_lib.schedules import Schedule

framework = "torch"  # or "tensorflow"

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.optim import lr_scheduler

from course_lib.claims import Runs, gain, mean_of, record, sampling_error, spread_ratio
from course_lib.data import load
from course_lib.plots import PALETTE, plot_record, plot_record_losses, plot_runs
from course_lib.predictions import outcome, predict
from course_lib.schedules import (
    constant,
    exponential,
    linear,
    multistep,
    per_epoch,
    step_decay,
)
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes
from course_lib.training import fit, updates

mnist = load("mnist")

# %% [markdown]
# ## 1. High, low or falling?
#
# **Predict.** Three runs of one network from the same start, 900 updates each, on MNIST. One keeps
# a rate of 0.8, one 0.08, one changes from 0.8 to 0.08 after two thirds.

# %%
predict(
    "2.a",
    "Which run ends with the lowest training loss?",
    {"0.8 all the way": 33, "0.08 all the way": 33, "0.8, then 0.08": 34},
)

# %%
plans = {
    "0.8 all the way": Schedule(constant, lr=0.8),
    "0.08 all the way": Schedule(constant, lr=0.08),
    "0.8, then 0.08": Schedule(multistep, lr=0.8, milestones=(600,)),
}
how = dict(data=mnist, framework=framework, progress=False)
runs = {}
for name, plan in plans.items():
    runs[name] = fit(plan, batch_size=32, max_updates=900, **how)
    runs[name].assert_lr_matches(plan)

# %% alt="Rate above smoothed training loss, for a high, a low and a falling rate"
figure = plot_runs(runs)
figure.axes[1].set_ylim(0, 1.2)
figure

# %%
ends = {name: np.mean(run.loss[-200:]) for name, run in runs.items()}
print({name: f"{loss:.2f}" for name, loss in ends.items()})
outcome("2.a", min(ends, key=ends.get))

# %% [markdown]
# Until its drop the third run *is* the first. The high rate moves fast, then follows the noise of
# every batch. The low rate is steadier, but has not got far.
#
# ### The floor in one formula
#
# Back to the ball of lesson 1, in the valley $L w^2/2$; its rate $\eta$ is now called lr. Now each
# gradient is wrong by a random number $n$ of mean 0 and variance $\sigma^2$, as a batch's gradient
# is:
#
# $$w \leftarrow w - \text{lr}\,(L w + n)$$
#
# The factor $1 - \text{lr}\,L$ shrinks $w$, the noise drives it away. Where the two balance, its
# variance $v$ stays the same:
#
# $$v = (1 - \text{lr}\,L)^2\,v + \text{lr}^2 \sigma^2$$
#
# Since $1 - (1 - \text{lr}\,L)^2 = \text{lr}\,L\,(2 - \text{lr}\,L)$, this is solved by
# $v = \text{lr}\,\sigma^2 / (L\,(2 - \text{lr}\,L))$. The mean loss, the **noise floor**, is
#
# $$\text{floor} = \frac{L v}{2} = \frac{\text{lr}\,\sigma^2}{2\,(2 - \text{lr}\,L)}$$
#
# Batches of $B$ images divide $\sigma^2$, and so the floor, by $B$ (lesson 9).


# %%
def settle(lr, updates=20_000):
    """The mean loss of a noisy ball, once it has come down; L = 1 and sigma = 1."""
    w, losses = 3.0, []
    for noise in np.random.default_rng(0).normal(size=updates):
        losses.append(w**2 / 2)
        w -= lr * (w + noise)
    return np.mean(losses[1000:])


for lr in (0.8, 0.4, 0.2, 0.1):
    print(f"rate {lr:<4}  mean loss {settle(lr):.3f}  formula {lr / (2 * (2 - lr)):.3f}")

# %%
from course_lib.widgets import noise_floor

noise_floor()  # your turn: drop the rate at the right update, and get below every fixed rate

# %% [markdown]
# For small rates, half the rate halves the floor, but doubles the updates on the way down: no fixed
# rate gives speed and a low floor. Robbins and Monro (1951) say how a rate may fall: the sum of the
# rates must be infinite, to reach any point, the sum of their squares finite, so that the noise
# dies out. `lr / (t + 1)` does both, but from a small first rate, or along a flat wall, it only
# creeps.
#
# ## 2. The mean and the spread
#
# Does a decay always pay? In 2021 a reader of *Dive into Deep Learning* compared the chapter's
# constant rate with its square-root decay, and found no difference
# ([d2l-en#1715](https://github.com/d2l-ai/d2l-en/issues/1715)). We ran both 20 times, from three
# first rates, on MNIST (the chapter has Fashion-MNIST): batches of 256, 5 epochs, and in epoch
# $e = 0, 1, \dots$ the rate $\text{lr}/\sqrt{e + 1}$.
#
# **Predict.** From a first rate of 0.3: is the test accuracy under the decay higher or lower?

# %%
predict(
    "2.b",
    "Square-root decay from 0.3 against a constant 0.3: mean test accuracy over 20 seeds?",
    {"decay is higher": 33, "constant is higher": 33, "no difference found": 34},
)

# %%
spread = Runs("decay_spread", framework)
gains = {}
for lr in ("0.1", "0.3", "1"):
    fixed, root = spread.percent(f"constant {lr}"), spread.percent(f"root {lr}")
    gains[lr] = gain(root, fixed)
    ratio = spread_ratio(fixed, root)
    print(f"{lr:>3}: constant {mean_of(fixed):.2f}  root {mean_of(root):.2f}")
    print(f"     root - constant {gains[lr]:.2f} points, spread of constant / root {ratio:.2f}")
    late = gain(spread.percent(f"landing {lr}"), fixed)
    print(f"     late line - constant {late:.2f} points")

# %% alt="Root minus constant, one dot per seed, for three first rates, with means and intervals"
figure, axes = plt.subplots(figsize=(7.5, 2.6), dpi=90, layout="constrained")
plt.close(figure)
for y, (lr, mean) in enumerate(gains.items()):
    fixed, root = spread.percent(f"constant {lr}"), spread.percent(f"root {lr}")
    pairs = [root[seed] - fixed[seed] for seed in fixed]
    heights = y - 0.1 - 0.02 * (np.array(list(fixed)) % 10)
    axes.plot(pairs, heights, "o", color=PALETTE[0], markersize=4, alpha=0.6)
    axes.plot([mean.low, mean.high], [y + 0.2] * 2, color=PALETTE[0], linewidth=2)
    axes.plot(mean.value, y + 0.2, "D", color=PALETTE[0], markersize=6)
axes.axvline(0, color="0.4", linestyle="--", linewidth=1)
axes.set_yticks(range(len(gains)), [f"first rate {lr}\nn = {mean.n}" for lr, mean in gains.items()])
axes.set_xlabel("test accuracy, root minus constant, in points")
axes.grid(alpha=0.25, axis="x")
axes.invert_yaxis()
axes.set_title(f"MNIST, {framework}: dots are seeds, diamonds means with their 95 % interval")
axes.title.set_fontsize(10)
figure

# %%
mean = gains["0.3"]
decided = "decay is higher" if mean.above_zero else "constant is higher"
outcome("2.b", "no difference found" if mean.undecided else decided)

# %% [markdown]
# What do the brackets of a difference say? Runs of one seed share their first weights and the order
# of the images: they are **paired**, and we subtract them pair by pair. From $n$ such differences,
# with mean $m$ and standard deviation $s$, the **95 % interval** is $m \pm t\, s / \sqrt n$. Of 100
# intervals made so, about 5 miss the mean over all seeds. From the first five seeds at 0.1:

# %%
fixed, root = spread.percent("constant 0.1"), spread.percent("root 0.1")
gaps = np.array([root[seed] - fixed[seed] for seed in range(5)])
m, s = gaps.mean(), gaps.std(ddof=1)  # s divides by n - 1
half = 2.776 * s / math.sqrt(5)  # Student's t for n = 5 and 95 %
print("differences:", gaps.round(2))
print(f"mean {m:.2f}, 95 % interval [{m - half:.2f}, {m + half:.2f}]")

# %% [markdown]
# All 20 seeds narrow the interval. {{decay-mean}} {{decay-spread}}
#
# The reason: a decay removes noise, but costs progress. The *late line* above costs hardly any: the
# full rate for four epochs, then a line to zero. From the smaller rates even that gains nothing:
# what such runs lack is progress. From 1.0 the noise is what is left. <!-- shown --> So a fair
# comparison gives each side its own best first rate (lesson 11).
#
# ## 3. First classic: MNIST
#
# As an article behind this course prints it: a network 784-128-10 with dropout 0.2, SGD at 0.1,
# times 0.95 after every epoch, batches of 32, 5 epochs; test accuracy 97.42 %. <!-- shown --> Four
# drops of a twentieth leave four fifths of the rate: hardly a decay. Section 1 suggests: start
# higher, end at zero.

# %%
epoch_steps = updates(mnist, epochs=1, batch_size=32)
by_epoch = Schedule(exponential, lr=0.1, factor=0.95)
printed = Schedule(per_epoch, then=by_epoch, steps_per_epoch=epoch_steps)
T = 3 * epoch_steps
line = Schedule(linear, peak_lr=0.4, total_steps=T)
print("printed, at epochs 0 to 4:", [round(printed(e * epoch_steps), 4) for e in range(5)])
print("line, at epochs 0 to 3:   ", [round(line(e * epoch_steps), 4) for e in range(4)])

# %% [markdown]
# The line in PyTorch:

# %%
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
scheduler = lr_scheduler.LinearLR(optimizer, start_factor=1, end_factor=0, total_iters=T)
torch_rates = []
for _ in range(T):
    torch_rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()
print("torch is our line:", np.allclose(torch_rates, line.values(T), rtol=0, atol=1e-12))

# %% [markdown]
# In Keras, in float32:

# %%
decay = keras.optimizers.schedules.PolynomialDecay(0.4, T, end_learning_rate=0.0)
keras_rates = np.array([decay(step) for step in range(0, T, 50)])
ours = [line(step) for step in range(0, T, 50)]
print("Keras is our line:", np.allclose(keras_rates, ours, rtol=0, atol=1e-7))

# %% [markdown]
# Both cut to 1,300 updates, with a line that ends there. Only the schedule differs:

# %%
both = {}
for name, plan in {
    "printed": printed,
    "line to zero": Schedule(linear, peak_lr=0.4, total_steps=1300),
}.items():
    both[name] = fit(plan, model="mlp_dropout", batch_size=32, max_updates=1300, **how)
    both[name].assert_lr_matches(plan)
    accuracy = both[name].history["val_accuracy"][-1]
    print(f"{name:13} {len(both[name].lr)} updates, held-out accuracy {accuracy:.1%}")

# %% alt="The printed rate, flat in its first epoch, and a line to zero, above their losses"
figure = plot_runs(both)
figure.axes[1].set_ylim(0, 0.8)
figure

# %% [markdown]
# That is one seed, and the printed run was cut short. On record both have their full length.
#
# **Predict.** The line makes three epochs, the printed run five. Whose test accuracy is higher?

# %%
predict(
    "2.c",
    "Mean test accuracy of the line, 3 epochs from 0.4, against the printed run, 5 epochs?",
    {"the line's is higher": 33, "the printed one's is higher": 33, "no difference found": 34},
)

# %% alt="Test accuracy of every recorded MNIST run, with means, intervals and the printed 97.42 %"
lines = [each for each in record("mnist_classic") if each["framework"] == framework]
titles = {
    "printed": "as printed, 5 epochs",
    "higher": "the same from 0.4",
    "better": "line from 0.4, 3 epochs",
    "flat": "constant 0.4, 3 epochs",
    "fast": "line from 0.3, momentum",
    "momentum": "constant 0.1, momentum",
}
records = {
    title: [each for each in lines if each["variant"] == variant]
    for variant, title in titles.items()
}
plot_record(records, claim=0.9742, band=sampling_error(0.9742))

# %%
classic = Runs("mnist_classic", framework)
won = gain(classic.percent("better"), classic.percent("printed"))
print(f"line from 0.4 - printed: {won:.3f} points, n = {won.n}")
side = "the line's is higher" if won.above_zero else "the printed one's is higher"
outcome("2.c", "no difference found" if won.undecided else side)

# %% [markdown]
# The grey band is another uncertainty: the test images are a sample, which makes one accuracy $p$
# uncertain by $\pm 1.96\sqrt{p(1-p)/10{,}000}$.
#
# - {{mnist-printed}}
# - {{mnist-better}}
# - {{mnist-rate}}
# - {{mnist-fast}} **Momentum** adds nine tenths of the last move to each update (lesson 3, section
#   1). Several things changed at once: it can be done, but which of them does it is not shown.
#
# Peak and length of the line from 0.4 were chosen with seeds 0 to 2, on held-out images.
#
# ## 4. Second classic: CIFAR-10
#
# As printed: one convolution (6 maps, 5x5), pooling, 1176-120-84-10, SGD without momentum, batches
# of 64, 50 epochs, the rate 0.1, from epoch 30 on 0.01. A few updates here, then the record:

# %%
cifar = load("cifar10")
cifar_epoch = updates(cifar, epochs=1, batch_size=64, validation=0)
stairs = Schedule(step_decay, lr=0.1, every=30 * cifar_epoch)
cifar_how = dict(how, data=cifar, model="cnn", validation=0)
start = fit(stairs, batch_size=64, max_updates=100, **cifar_how)
start.assert_lr_matches(stairs)
first, last = np.mean(start.loss[:20]), np.mean(start.loss[-20:])
print(f"{cifar.title}: loss {first:.2f} at first, {last:.2f} after {len(start.lr)} updates")

# %% alt="Rate above training loss per epoch, all recorded CIFAR-10 runs, printed and line to zero"
lines = record("cifar10_classic")
records = {
    "as printed": [each for each in lines if each["variant"] == "printed"],
    "line, 15 epochs": [each for each in lines if each["variant"] == "better"],
}
plans = {
    "as printed": stairs,
    "line, 15 epochs": Schedule(linear, peak_lr=0.1, total_steps=15 * cifar_epoch),
}
plot_record_losses(records, plans)

# %% alt="Test accuracy of every recorded CIFAR-10 run, the printed 66.67 % far to the right"
plot_record(records, claim=0.6667)

# %% [markdown]
# The loss falls when the rate does: the noise of the high rate is gone. A training loss near zero
# beside such a test accuracy: the network has memorised its images. {{cifar-better}} But shape and
# length changed together.
#
# And the printed result, "Fold 1 Accuracy: 0.6667"? The code has no folds, so this is not its
# output. {{cifar-claimed}} (The record is of a JPEG copy of CIFAR-10.)
#
# ## 5. Break it: the line, as printed
#
# Linear decay is $\text{lr}\,(1 - t/T)$, with $t$ the step and $T$ the total. Printed code for it
# ([errata E12 and E13](../docs/errata.md#e12-the-rate-that-feeds-itself)) has two slips: *one*
# letter for both, and a loop that hands it the *current* rate, not the first.
#
# **Predict.** With the letters corrected and the loop left as it is, five epochs from 1.0: which
# rate does the last one get?

# %%
predict(
    "2.d",
    "Linear decay fed with its own result, 5 epochs from 1.0: the rate of the last epoch?",
    {"0.2, as planned": 33, "between 0.05 and 0.2": 33, "below 0.05": 34},
)

# %%
try:
    lr_scheduler.LambdaLR(optimizer, lambda t: 1 - t / t)  # one letter: t / t
except ZeroDivisionError as error:
    print("update 0:", error, "| every later one:", 1 - 7 / 7)

# %% [markdown]
# That slip raises an error. The other does not:


# %%
def show(label, rates):
    print(f"{label:14}", "  ".join(f"{rate:.4g}" for rate in rates))


group, rates = optimizer.param_groups[0], []
group["lr"] = 1.0
for epoch in range(5):
    group["lr"] = group["lr"] * (1 - epoch / 5)
    rates.append(group["lr"])
show("planned", [1 - epoch / 5 for epoch in range(5)])
show("torch applied", rates)

# %%
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=True)
callback = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * (1 - epoch / 5))
nothing = np.zeros((1, 1))
history = model.fit(nothing, nothing, epochs=5, callbacks=[callback], verbose=0).history
show("Keras applied", history["learning_rate"])

# %%
last = rates[-1]
planned = math.isclose(last, 0.2)
outcome(
    "2.d",
    "0.2, as planned" if planned else "below 0.05" if last < 0.05 else "between 0.05 and 0.2",
)

# %% [markdown]
# The decay *compounds*: the factors multiply up. Keras invites it, because its
# `LearningRateScheduler` hands your function the current rate. **Fix it**: always give a formula of
# the epoch the *first* rate.
#
# ## 6. Spot the bug: two in one chapter
#
# In the chapter of d2l-en#1715, the PyTorch loop
# ([source](https://github.com/d2l-ai/d2l-en/blob/23d7a5a/chapter_optimization/lr-scheduler.md))
# trains an epoch, then writes `scheduler(epoch)` into the optimizer. Which rate does each epoch
# get?

# %%
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
group, rates = optimizer.param_groups[0], []
for epoch in range(5):
    rates.append(group["lr"])  # the updates of this epoch use it
    optimizer.step()
    group["lr"] = 0.1 / math.sqrt(epoch + 1)
show("planned", [0.1 / math.sqrt(epoch + 1) for epoch in range(5)])
show("applied", rates)

# %% [markdown]
# Every rate comes one epoch late, the first twice. The chapter's second bug is a schedule that
# counts its calls.


# %%
class FactorRate:
    """Multiplies its rate at every call: a re-creation of the chapter's factor schedule."""

    def __init__(self, lr, factor):
        self.lr, self.factor = lr, factor

    def __call__(self, epoch):
        self.lr *= self.factor
        return self.lr


rate = FactorRate(lr=2.0, factor=0.9)
show("drawn", [rate(epoch) for epoch in range(5)])
show("trained", [rate(epoch) for epoch in range(5)])
show("asked for 0", [rate(0)])

# %% [markdown]
# It ignores its argument, so training starts where the drawing stopped. **Fix both**: set the rate
# *before* the epoch, and make it a function of the epoch alone: `max(floor, lr * factor**epoch)`.
#
# ## What you take along
#
# 1. A fixed rate has a floor of $\text{lr}\,\sigma^2 / (2\,(2 - \text{lr}\,L))$ under its loss. A
#    decay removes noise and costs progress: it pays when there is noise worth removing.
# 2. A printed accuracy is one draw. Seeds and test images both move it; compare pairs and give an
#    interval.
# 3. A schedule is a pure function of the step, computed from the *first* rate, *before* the update.
#    Three of the four bugs break this rule.
#
# **An open question.** Which third experiment tells shape and length apart on CIFAR-10? And on which
# images would you judge it, now that we have looked at the test images so often?
#
# **References.** H. Robbins and S. Monro, *A stochastic approximation method*, 1951 · A. Zhang et al., [*Dive into Deep Learning*, Learning Rate
# Scheduling](https://d2l.ai/chapter_optimization/lr-scheduler.html)

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# Each but 2.5 has a stub for you and a cell that checks it at once. Run the check for a hint.
#
# ### Exercise 2.1 - A family of slow decays (code, 2 points, about 8 minutes)
#
# One formula covers the constant rate (`power=0`), the square-root decay of section 2 (`power=0.5`)
# and inverse time (`power=1`). Epochs count from 0, and an epoch has `steps_per_epoch` updates:
#
# $$e(t) = \lfloor t / \text{steps per epoch} \rfloor, \qquad
# \text{lr}(t) = \text{lr} \cdot (e(t) + 1)^{-\text{power}}$$
#
# **Deliver:** the function `slow_decay`, which gives the rate of update `step`.
#
# **Success:** every update has its rate, also the last one of an epoch and the first of the next.
#
# Example: with `lr=1.0, power=0.5, steps_per_epoch=3` the updates 0, 1, 2 get 1.0, and 3, 4, 5 get
# 0.7071.


# %% tags=["exercise"]
def slow_decay(step, *, lr, power, steps_per_epoch):
    """The rate of update `step`: lr over a power of the epoch, counted from 1."""
    ### BEGIN SOLUTION
    epoch = step // steps_per_epoch
    return lr * (epoch + 1) ** -power
    ### END SOLUTION


# Try it yourself: expect 1.0, 1.0, 0.7071
# [slow_decay(t, lr=1.0, power=0.5, steps_per_epoch=3) for t in (0, 2, 3)]


# %% tags=["check"] grade_id="02-slow-decay" points=2
check("2.1", slow_decay)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "2.1",
    slow_decay,
    hints=[
        "Which updates belong to epoch 0, which to epoch 1? Python's `//` divides and rounds down.",
        "First the epoch, `step // steps_per_epoch`; only then the power. A minus in the exponent "
        "is a division.",
        "`lr * (epoch + 1) ** -power`, with `epoch = step // steps_per_epoch`.",
    ],
    shown=[
        curve(range(12), lr=1.0, power=0.5, steps_per_epoch=3),
        curve(range(30), lr=0.3, power=1, steps_per_epoch=5),
        curve(range(9), lr=0.2, power=0, steps_per_epoch=4),
        curve(range(9), lr=0.4, power=0.5, steps_per_epoch=3),
        curve([0, 468, 469, 4690, 4_689_531], lr=0.01, power=0.75, steps_per_epoch=469),
    ],
    locked=[
        curve(range(40), lr=0.8, power=0.3, steps_per_epoch=7),
        curve([0, 102, 103, 206], lr=0.3, power=0.5, steps_per_epoch=103),
    ],
    hidden={
        "square root": [
            curve(range(60), lr=0.7, power=0.5, steps_per_epoch=11),
            curve([0, 234, 235, 236, 469, 470, 1174, 1175], lr=0.3, power=0.5, steps_per_epoch=235),
        ],
        "other powers": [
            curve(range(50), lr=2.0, power=1, steps_per_epoch=6),
            curve([48, 49, 97, 98], lr=0.5, power=0.5, steps_per_epoch=49),  # 49 * (1 / 49) < 1
            curve(range(50), lr=0.05, power=0.75, steps_per_epoch=8),
            curve(range(20), lr=0.4, power=0.25, steps_per_epoch=9),
        ],
        "one update per epoch": [curve([0, 1, 2, 99_999], lr=0.5, power=1, steps_per_epoch=1)],
    },
    library=["power", "per_epoch", "inverse_time"],
)

# %% [markdown] tags=["answer"]
# Updates become epochs by one floor; the `+ 1` keeps epoch 0 from dividing by zero. Frequent slips:
# counting updates instead of epochs (far too fast a decay), leaving out the floor (then the rate
# falls within the epoch), `lr / (1 + power * epoch)`, which is another curve for every power but 0
# and 1.

# %% [markdown] tags=["exercise"]
# ### Exercise 2.2 - Is there a difference? (code, 3 points, about 12 minutes)
#
# Two schedules were run over several seeds: `before` and `after` are dicts, seed -> accuracy. Runs
# of one seed form a pair, so look at the differences `after - before`, over the seeds that *both*
# have. With `n` of them, mean $m$ and standard deviation $s$ (with $n - 1$ below the root),
#
# $$\text{half} = t \cdot \frac{s}{\sqrt{n}}, \qquad
# s = \sqrt{\frac{\sum_i (d_i - m)^2}{n - 1}}$$
#
# `t` is given: Student's number for this `n`, and for 95 % or another confidence. The interval
# reaches from `m - half` to `m + half`.
#
# **Deliver:** `compare`, which returns `(m, half, verdict)`. The verdict is `"higher"` if the whole
# interval lies above zero, `"lower"` if it lies below, else `"no difference found"`.
#
# **Success:** the three are right for any number of pairs from 2 on, also when a seed is missing.
#
# Example: `compare({0: 90.0, 1: 91.0}, {0: 91.0, 1: 93.0}, t=12.706)` is
# `(1.5, 6.353, "no difference found")`: two pairs prove little.


# %% tags=["exercise"]
def compare(before, after, t):
    """Mean of the paired differences, half of the interval's width, and the verdict."""
    ### BEGIN SOLUTION
    pairs = [after[seed] - before[seed] for seed in sorted(before.keys() & after.keys())]
    mean = sum(pairs) / len(pairs)
    spread = math.sqrt(sum((each - mean) ** 2 for each in pairs) / (len(pairs) - 1))
    half = t * spread / math.sqrt(len(pairs))
    if mean - half > 0:
        return mean, half, "higher"
    if mean + half < 0:
        return mean, half, "lower"
    return mean, half, "no difference found"
    ### END SOLUTION


# Try it yourself: expect (1.5, 6.353, 'no difference found')
# compare({0: 90.0, 1: 91.0}, {0: 91.0, 1: 93.0}, t=12.706)


# %% tags=["check"] grade_id="02-compare" points=3
check("2.2", compare)

# %% tags=["probes"]
exercise(
    "2.2",
    compare,
    hints=[
        "The two spreads of `before` and `after` are not needed: the differences of the pairs have "
        "a mean and a spread of their own.",
        "`before.keys() & after.keys()` are the seeds of both. Divide by n for the mean, by n - 1 "
        "for the variance.",
        "`statistics.stdev(pairs)` is s; half is `t * s / math.sqrt(n)`; then ask whether "
        "`mean - half` is above, or `mean + half` below, zero.",
    ],
    shown=[
        call({0: 90.0, 1: 91.0}, {0: 91.0, 1: 93.0}, t=12.706),
        call({0: 90.0, 1: 92.0, 2: 94.0}, {0: 91.0, 1: 93.5, 2: 95.5}, t=2.92),
        call({0: 97.0, 1: 98.0, 2: 97.5}, {0: 95.0, 1: 96.5, 2: 95.75}, t=4.303),
        call({0: 80.0, 3: 82.0, 17: 81.0}, {17: 82.5, 3: 83.0, 5: 99.0}, t=12.706),
        call({0: 97.4, 1: 97.5, 2: 97.3}, {0: 97.5, 1: 97.8, 2: 97.5}, t=4.303),
        call({0: 90.0, 1: 91.0, 2: 92.5}, {0: 91.0, 1: 92.0, 2: 93.5}, t=4.303),  # always 1
        call({42: 80.0, 1234: 82.0, 7: 81.0}, {42: 81.0, 1234: 84.0, 7: 84.0}, t=2.92),
        call({0: 50.0, 1: 51.0, 2: 52.0}, {0: 49.0, 1: 51.5, 2: 51.0}, t=4.303),
    ],
    locked=[
        call({0: 60.0, 1: 61.0}, {0: 63.0, 1: 64.1}, t=12.706),
        # differences below a tenth, of numbers that float32 holds exactly
        call({0: 90.0, 1: 91.0, 2: 92.0}, {0: 90.03125, 1: 91.015625, 2: 92.0234375}, t=4.303),
        call({0: 55.0, 1: 57.0, 2: 56.0}, {0: 56.5, 1: 58.5, 2: 58.0}, t=4.303),
        call({0: 50.0, 1: 51.0}, {0: 50.0, 1: 51.0}, t=12.706),
    ],
    hidden={
        "higher and lower": [
            call({s: 90.0 + s for s in range(5)}, {s: 91 + 1.1 * s for s in range(5)}, t=2.776),
            call({s: 60.0 - s for s in range(4)}, {s: 58 - 1.2 * s for s in range(4)}, t=2.353),
            call({3: 70.0, 4: 10.0, 9: 40.0}, {3: 70.5, 4: 10.4, 9: 40.6}, t=4.303),
            call({0: 60.0, 1: 61.5}, {0: 59.0, 1: 60.5}, t=12.706),
            call({0: 90.0, 1: 91.0, 2: 92.0}, {0: 91.0, 1: 93.0, 2: 95.0}, t=2.92),  # not for 95 %
            call(
                {0: 90.0, 1: 91.0, 2: 92.0},
                {0: 90.0078125, 1: 91.015625, 2: 92.01171875},
                t=4.303,
            ),
        ],
        "no difference": [
            call({0: 97.4, 1: 97.5, 2: 97.3}, {0: 97.3, 1: 97.7, 2: 97.4}, t=4.303),
            call({0: 50.0, 1: 51.0}, {0: 49.0, 1: 50.5}, t=6.314),
            call({0: 20.0, 1: 21.0, 2: 22.0}, {0: 21.0, 1: 21.5, 2: 25.0}, t=4.303),
            call({0: 81.0, 1: 82.5, 2: 80.0}, {0: 81.0, 1: 82.5, 2: 80.0}, t=4.303),  # equal runs
        ],
        "seeds that are missing": [
            call({0: 90.0, 1: 91.0, 2: 92.0, 7: 1.0}, {2: 94.0, 1: 92.5, 0: 91.8}, t=4.303),
            call({5: 30.0, 6: 31.0}, {4: 99.0, 5: 30.5, 6: 31.75, 8: 2.0}, t=6.314),
            call(
                {42: 90.0, 20_261: 91.0, 7: 92.0, 3: 1.0},
                {42: 91.0, 20_261: 93.0, 7: 95.0},
                t=4.303,
            ),
        ],
    },
    tolerance=1e-4,  # accuracies in float32 are right: their difference has few digits left
)

# %% [markdown] tags=["answer"]
# Pairing removes what both runs of a seed share: their start and the order of their images. With
# it, small differences show; without it they drown in the spread of the seeds. Frequent slips: the
# difference of the two means without pairs when a seed is missing, `n` instead of `n - 1`, the
# interval of single runs (`t * s`, without the root of n), a verdict from the sign of the mean.

# %% [markdown] tags=["exercise"]
# ### Exercise 2.3 - The schedule that remembers (bug, 3 points, about 8 minutes)
#
# The schedule of section 6, with the floor that the
# [chapter](https://d2l.ai/chapter_optimization/lr-scheduler.html) gives it:
#
# ```python
# class FactorRate:
#     def __init__(self, lr, factor, floor):
#         self.lr, self.factor, self.floor = lr, factor, floor
#
#     def __call__(self, epoch):
#         self.lr = max(self.floor, self.lr * self.factor)
#         return self.lr
# ```
#
# Asked for epoch 0 it already multiplies, asked twice it gives two answers, and whoever resumes at
# epoch 17 gets the rate of epoch 0.
#
# **Deliver:** `factor_rate`, a pure function of the epoch: epoch 0 trains with `lr`, every later
# one with `factor` times the rate before it, but never below `floor` (`lr` is not below it).
#
# **Success:** the right rate in any order of epochs, however often it is asked.
#
# Example: with `lr=2.0, factor=0.5, floor=0.3` the epochs 0 to 4 get 2.0, 1.0, 0.5, 0.3, 0.3.


# %% tags=["exercise"]
def factor_rate(epoch, *, lr, factor, floor):
    """The rate of `epoch`: lr times a power of factor, at least floor."""
    ### BEGIN SOLUTION
    return max(floor, lr * factor**epoch)
    ### END SOLUTION


# Try it yourself: expect 0.5, 0.5, 2.0
# [factor_rate(epoch, lr=2.0, factor=0.5, floor=0.3) for epoch in (2, 2, 0)]


# %% tags=["check"] grade_id="02-factor-rate" points=3
check("2.3", factor_rate)

# %% tags=["probes"]
exercise(
    "2.3",
    factor_rate,
    hints=[
        "How many factors has the rate of epoch 3 in it? Can you say it without epochs 0 to 2?",
        "A power of `factor` replaces the memory. The floor comes last, on the finished rate.",
        "`max(floor, ...)` of `lr` times `factor` to the power of `epoch`.",
    ],
    shown=[
        curve(range(8), lr=2.0, factor=0.5, floor=0.3),
        curve([2, 2, 0, 5, 1], lr=2.0, factor=0.9, floor=0.01),
        curve([17, 0, 17], lr=0.1, factor=0.8, floor=1e-7),
    ],
    locked=[
        curve([0, 4, 4, 9, 1, 30], lr=1.5, factor=0.7, floor=0.1),
        curve([3, 170], lr=0.2, factor=0.9, floor=0.0),
    ],
    hidden={
        "epoch after epoch": [
            curve(range(40), lr=0.5, factor=0.9, floor=0.05),
            curve(range(12), lr=3.0, factor=0.25, floor=0.001),
            curve(range(12), lr=0.02, factor=0.7, floor=0.0001),
        ],
        "asked twice, and backwards": [
            curve([6, 6, 6, 3, 3, 0, 0], lr=1.0, factor=0.6, floor=0.02),
            curve(list(range(20, -1, -1)), lr=0.8, factor=0.85, floor=0.06),
        ],
        "resumed, at the floor and without one": [
            curve([45, 120, 12], lr=0.4, factor=0.95, floor=0.0),
            curve([150, 3, 250], lr=0.3, factor=0.9, floor=0.0),
            curve([100, 3, 200], lr=0.2, factor=0.5, floor=0.004),  # few enough for a recursion
        ],
    },
    library=["exponential", "step_decay"],
)

# %% [markdown] tags=["answer"]
# `lr * factor**epoch` needs no memory, so it can be drawn, resumed and asked twice. A floor on the
# finished rate gives the same as a floor in every step: once at the floor, a factor below 1 keeps
# it there. Frequent slips: `factor ** (epoch + 1)`, as in the class; a class or a global variable
# that still counts; `min` for `max`; the floor added instead of taken as a bound.

# %% [markdown] tags=["exercise"]
# ### Exercise 2.4 - Fix the line that feeds itself (bug, 4 points, about 12 minutes)
#
# Keras's `LearningRateScheduler` calls your function before every epoch with the number of the
# epoch and the rate of the epoch *before* (in epoch 0: the first rate), and trains with what you
# return.
# The line of section 5,
#
# ```python
# lr * (1 - epoch / total)
# ```
#
# treats that rate as the first one. Fix it **without** knowing the first rate: called epoch after
# epoch, it should make the straight line that was meant,
# $\text{first rate} \cdot (1 - \text{epoch} / \text{total})$, and 0 from epoch `total` on. Use
# nothing but the arguments: whoever resumes calls it for the first time in the middle.
#
# **Deliver:** `next_rate(epoch, lr, total)`, where `lr` is the rate of the epoch before.
#
# **Success:** a straight line from any first rate, of any length, also after its end and after a
# resume.
#
# Example: with `total=5`, from 1.0, the epochs 0 to 6 get 1, 0.8, 0.6, 0.4, 0.2, 0, 0.


# %% tags=["exercise"]
def next_rate(epoch, lr, total):
    """The rate for `epoch`, where `lr` is the rate of the epoch before."""
    ### BEGIN SOLUTION
    if epoch == 0:
        return lr
    if epoch >= total:
        return 0.0
    return lr * (total - epoch) / (total - (epoch - 1))
    ### END SOLUTION


# Try it yourself: expect 0.8, then 0.6
# next_rate(1, 1.0, total=5), next_rate(2, 0.8, total=5)


# %% tags=["check"] grade_id="02-next-rate" points=4
check("2.4", next_rate)

# %% tags=["probes"]
exercise(
    "2.4",
    next_rate,
    hints=[
        "Write the planned rates of two neighbouring epochs below each other. What is their ratio?",
        "The planned rate of an epoch is the first rate times `(total - epoch) / total`. In the "
        "ratio of two of them the first rate and `total` below cancel.",
        "`lr * (total - epoch) / (total - epoch + 1)`; epoch 0 hands `lr` back, and from `total` "
        "on the rate is 0.",
    ],
    shown=[
        through("fed_back", 7, 1.0, total=5),
        through("fed_back", 12, 0.3, total=10),
        call(3, 0.6, total=5),
        call(0, 0.05, total=1),
        call(3, 0.005, total=9),
        call(7, 0.4, total=5),
    ],
    locked=[through("fed_back", 8, 0.7, total=6), call(1, 0.4, total=1)],
    hidden={
        "the whole line": [
            through("fed_back", 30, 0.1, total=30),
            through("fed_back", 4, 2.0, total=7),
            through("fed_back", 3, 0.25, total=3),
        ],
        "past its end": [
            through("fed_back", 9, 0.5, total=4),
            through("fed_back", 3, 0.9, total=1),
            call(12, 0.4, total=8),
        ],
        "resumed": [
            call(7, 0.4, total=10),
            call(1, 0.5, total=2),
            call(49, 0.02, total=50),
            call(0, 0.3, total=50),
        ],
    },
    library=["linear"],
)

# %% [markdown] tags=["answer"]
# Two neighbouring rates of the line have the ratio `(total - epoch) / (total - epoch + 1)`; the
# first rate has cancelled. (Keras wants a float: `0.0`, not `0`.) The price of the recursion is
# its memory: skip an epoch or call it twice, and the line is wrong for good. A formula of the first
# rate cannot forget. Frequent slips: `lr - lr / total`, which is a decay by a constant factor; a
# negative rate or a division by zero after the end.

# %% [markdown] tags=["exercise"] grade_id="02-what-may-we-say" points=2
# ### Exercise 2.5 - What may we say? (concept, 2 points, about 6 minutes)
#
# Suppose a report says: "Over 5 seeds our schedule gains 0.20 [0.05, 0.35] points of test accuracy
# over the baseline. The choice of the 10,000 test images makes one accuracy uncertain by ±0.30
# points. Each side used the baseline's rate." Judge each of these sentences:
#
# 1. "On these test images, another five seeds would most likely show a gain again."
# 2. "On another test set the new schedule would be ahead as well."
# 3. "The new schedule is better than the baseline's schedule."
#
# **Deliver:** for each sentence, *supported* or *not supported*, and one sentence that says why.
#
# **Success:** each reason names the uncertainty or the missing comparison that decides.
#
# Example of the form: "4. Not supported: nothing was measured about time."

# %% [markdown] tags=["answer"]
# Half a point each for 1 and 2, one point for 3. (1) Supported: the interval over seeds lies above
# zero. (2) Not supported by what is printed: the gain is smaller than ±0.30, and seeds say nothing
# about other images; or, better, ±0.30 is the margin of one accuracy, and that of a gap on the same
# images, mostly smaller, is not given. (3) Not supported: the rate was tuned for one side, or for
# none; a fair comparison gives each schedule its own best rate. Frequent slip: taking a significant
# gain for a fair one.
