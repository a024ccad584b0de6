# %% [markdown] tags=["setup"]
# # Start here: measure the learning rate
#
# **You will be able to:** read and set the rate that an optimizer really uses in PyTorch and Keras,
# tell a line that sets it from one that silently does nothing, and count in updates.
#
# **You need:** Python functions, and a rough idea of what training a network means.
#
# **Minutes:** 30
#
# The learning rate is the length of the step that training takes downhill. This course changes it on
# purpose, so the first thing to learn is to *measure* it: many published courses trained with other
# rates than they drew, and nobody saw it.

# %% tags=["setup"]
import math

framework = "torch"  # or "tensorflow"

# %% [markdown]
# ## The course
#
# <!-- lessons -->
#
# Each lesson goes the same way: **predict** what will happen, **run** it, **explain** it, **break** it,
# **mend** it. Then open the lesson's exercises: your answers are checked at once, offline. Change
# `framework` above to see a lesson in the other framework; everything runs in both.

# %%
import torch

from course_lib import Schedule
from course_lib.data import load
from course_lib.plots import plot_runs, plot_schedules
from course_lib.pytorch import TorchSchedule
from course_lib.schedules import linear
from course_lib.tensorflow import KerasSchedule
from course_lib.training import fit, updates

import keras  # after course_lib.tensorflow, which keeps TensorFlow's start-up notes quiet

# %% [markdown]
# ## 1. Read the rate off a weight
#
# Gradient descent moves a weight by the rate times the gradient:
#
# $$w_{t+1} = w_t - \eta_t \, g_t$$
#
# Choose the loss $w$ itself and the gradient is 1. Then each step moves the weight by exactly
# $\eta_t$: the weight is a measuring instrument, and nothing can fool it.
#
# **Predict:** we ask PyTorch for a rate of 0.25 and make one update from $w = 1$. Where is the weight?

# %%
w = torch.tensor([1.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
w.sum().backward()
optimizer.step()
w.item()

# %% [markdown]
# Keras, the same experiment. The optimizer is given the gradient, 1, directly.

# %%
v = keras.Variable([1.0])
optimizer = keras.optimizers.SGD(learning_rate=0.25)
optimizer.apply([keras.ops.ones(1)], [v])
float(v[0])

# %% [markdown]
# Both moved by 0.25, the rate. From here on we trust this instrument and no printed setting.

# %% [markdown]
# ## 2. Nine ways to set the rate
#
# Training has begun and you want to change the rate from 0.1 to 0.5. People write all of these lines.
#
# **Predict**, for each line: does it *work*, *fail with an error*, or *do nothing without a word*?


# %%
def torch_rate_after(line):
    """Run `line` on a torch optimizer with rate 0.1; the rate that its next step really uses."""
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    exec(line, {"optimizer": optimizer})
    w.sum().backward()
    optimizer.step()
    return -w.item()


def keras_rate_after(line):
    """The same for a Keras optimizer."""
    w = keras.Variable([0.0])
    optimizer = keras.optimizers.SGD(learning_rate=0.1)
    exec(line, {"optimizer": optimizer, "keras": keras})
    optimizer.apply([keras.ops.ones(1)], [w])
    return -float(w[0])


# %%
TORCH_LINES = [
    "optimizer._lr = 0.5",
    "optimizer.lr = 0.5",
    "optimizer.defaults['lr'] = 0.5",
    "optimizer.param_groups[0]['lr'] = 0.5",
]
KERAS_LINES = [
    "optimizer._lr = 0.5",
    "optimizer.lr = 0.5",
    "keras.backend.set_value(optimizer.learning_rate, 0.5)",
    "optimizer.learning_rate = 0.5",
    "optimizer.learning_rate.assign(0.5)",
]


def verdict(rate_after, line):
    try:
        rate = rate_after(line)
    except Exception as error:
        return f"{type(error).__name__}"
    return "works" if math.isclose(rate, 0.5, rel_tol=1e-6) else f"NO EFFECT: still {rate:.1f}"


# %% tags=["nbval-check-output"]
for name, rate_after, lines in (
    ("PyTorch", torch_rate_after, TORCH_LINES),
    ("Keras", keras_rate_after, KERAS_LINES),
):
    for line in lines:
        print(f"{name:8} {line:54} {verdict(rate_after, line)}")

# %% [markdown]
# Three of four lines in PyTorch, and two of five in Keras, do **nothing and say nothing**. Python lets
# anybody add an attribute to an object; the optimizer never looks at it. In PyTorch the rate lives in
# `param_groups[i]["lr"]`, one per group of weights; in Keras in `optimizer.learning_rate`, a variable.

# %% [markdown]
# ## 3. Spot the bug
#
# This loop is from an article that this course grew out of (names translated). It means to lower the rate by a tenth each epoch. Two things are wrong. Find both before you go on.

# %%
ARTICLE = """
for epoch in range(5):
    train_one_epoch(optimizer)
    optimizer._lr = schedule(epoch, optimizer._lr)
"""


def schedule(epoch, rate):
    return rate * 0.9**epoch


# %% [markdown]
# Let it run, and measure.

# %%
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
try:
    exec(ARTICLE, {"optimizer": optimizer, "schedule": schedule, "train_one_epoch": lambda o: None})
except AttributeError as error:
    print("AttributeError:", error)

# %% [markdown]
# **First bug:** `_lr` does not exist, so reading it fails. Had the loop only *written* it, nothing would
# have happened at all (section 2).
#
# The obvious repair is to use the right place. **Predict** the five rates; the plan was 0.1 times
# $0.9^0, 0.9^1, 0.9^2, \dots$

# %% tags=["nbval-check-output"]
group = optimizer.param_groups[0]
applied = []
for epoch in range(5):
    applied.append(group["lr"])
    group["lr"] = schedule(epoch + 1, group["lr"])
planned = [0.1 * 0.9**epoch for epoch in range(5)]
print("planned:", [round(rate, 4) for rate in planned])
print("applied:", [round(rate, 4) for rate in applied])

# %% [markdown]
# **Second bug:** the formula speaks of the *initial* rate but is fed the *current* one, so the decay
# compounds. The mend is a habit of this whole course: a schedule is a **pure function of the step**.
# It never reads the rate it produced before.


# %%
def decayed(epoch, initial_rate=0.1):
    return initial_rate * 0.9**epoch


[decayed(epoch) for epoch in range(5)] == planned

# %% [markdown]
# ## 4. Step, update, epoch
#
# An **update** (or step) is one change of the weights, made from one batch. An **epoch** is as many
# updates as it takes to see every training image once; the last batch may be smaller, and counts.
#
# $$\text{updates per epoch} = \lceil \text{images} / \text{batch size} \rceil$$
#
# **Predict:** how many updates are one epoch of MNIST's 60,000 images in batches of 128?

# %%
math.ceil(60_000 / 128)

# %% [markdown]
# Every schedule of this course counts updates, from 0. Forgetting which unit a number is in is the most
# common bug of all; lesson 2 shows what it costs.

# %% [markdown]
# ## 5. One formula, both frameworks
#
# A schedule is a formula with its parameters filled in. It can be asked and drawn without any training:

# %%
falling = Schedule(linear, peak_lr=0.5, total_steps=8)
falling

# %% alt="A straight line falling from 0.5 at update 0 to 0 at update 8, then flat at 0"
plot_schedules({"linear": falling}, steps=11)

# %% [markdown]
# Two adapters bring it to an optimizer. In PyTorch, `step()` after each update moves it on:

# %%
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)  # this rate is not used: the schedule decides
scheduler = TorchSchedule(optimizer, falling)
measured = []
for _ in range(4):
    optimizer.zero_grad()
    before = w.item()
    w.sum().backward()
    optimizer.step()
    scheduler.step()
    measured.append(before - w.item())
measured

# %% [markdown]
# In Keras, the optimizer itself counts its updates and looks the rate up:

# %%
v = keras.Variable([0.0])
optimizer = keras.optimizers.SGD(KerasSchedule(falling, total_steps=8))
measured = []
for _ in range(4):
    before = float(v[0])
    optimizer.apply([keras.ops.ones(1)], [v])
    measured.append(before - float(v[0]))
measured

# %% [markdown]
# The same four rates, up to the rounding of Keras's 32-bit numbers: measured on the weight, in both.

# %% [markdown]
# ## 6. On real data
#
# `fit` trains a small network (784-128-10) and writes down, for every single update, the rate that the
# optimizer applied.

# %%
data = load("mnist")

# %%
total = updates(data, epochs=1, batch_size=128)
schedule = Schedule(linear, peak_lr=0.5, total_steps=total)
run = fit(schedule, data=data, framework=framework, epochs=1, batch_size=128)
run.assert_lr_matches(schedule)
print(f"{len(run.lr)} updates, each made with the planned rate")
print(f"validation accuracy {run.history['val_accuracy'][-1]:.1%}")

# %% alt="Above: the applied rate falls in a straight line to zero. Below: the training loss falls quickly, then slowly"
plot_runs({"linear": run})

# %% [markdown]
# Above is what the optimizer applied, below what it did to the loss: faint, each batch; bold, a moving
# average, which lags a little behind. The two pictures of one run belong together; every figure of a
# run in this course has both.

# %% [markdown]
# ## 7. Break it
#
# The assertion is only worth something if it can fail. Here is what a schedule that is written *after*
# the update instead of before it does; a popular book's chapter on schedules had this off-by-one from
# 2020 to 2026 (d2l.ai, `lr-scheduler`).
#
# **Predict:** what will the assertion say?


# %%
def one_late(step):
    return schedule(max(step - 1, 0))


late = fit(one_late, data=data, framework=framework, max_updates=50)
try:
    late.assert_lr_matches(schedule)
except AssertionError as error:
    print(error)

# %% [markdown]
# It names the update, what came, what was planned, and what it looks like. Every training run in this
# course ends with this line.

# %% [markdown]
# ## What you take along
#
# - Measure the applied rate; a setting that was accepted may do nothing.
# - A schedule is a pure function of the update number. It never reads its own last answer.
# - Count in updates, and say so.
#
# **Open question.** Momentum makes a step from several gradients. How would you measure the rate then?
#
# Next: the [exercises of this lesson](../exercises/00_start_here.ipynb), then
# [fixed rates on MNIST](01_fixed_rates.ipynb).
#
# **References.** PyTorch, *How to adjust learning rate* (torch.optim). Keras 3, *Learning rate schedules
# API*. Zhang, Lipton, Li, Smola, *Dive into Deep Learning*, 12.11; its issue 1715 on GitHub is where a
# reader noticed. LeCun, Cortes, Burges, *The MNIST database*.

# %% [markdown] tags=["exercise"]
# Fill in the three functions and run each check. A check says which call went wrong, what came and what
# was expected, and gives a hint that says more with every new try. An exercise that you skip does not
# block the next one. `course_lib.checks.progress()` shows what you have solved.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.1 - Count the updates (code, 1 point, about 5 minutes)
#
# Write the number of updates that training makes. The last batch of an epoch may be smaller than the
# others, and counts as an update; a new epoch starts with a full batch again. Example: 10 images in
# batches of 4 are 3 updates per epoch, so 6 in 2 epochs.


# %% tags=["exercise"]
def count_updates(images, batch_size, epochs):
    """How many updates `epochs` epochs over `images` images make."""
    ### BEGIN SOLUTION
    return epochs * math.ceil(images / batch_size)
    ### END SOLUTION


# %% tags=["check"] grade_id="count_updates" points=1
from course_lib.checks import check

check("0.1", count_updates)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "0.1",
    count_updates,
    hints=[
        "Count the updates of a single epoch first. What happens to the last, smaller batch?",
        "Round up, and mind what you round up: each epoch has its own last batch.",
        "`math.ceil(images / batch_size)` updates make one epoch; how many epochs are there?",
    ],
    shown=[
        call(10, 4, 2),
        call(60_000, 128, 1),
        call(60_000, 128, 3),
        call(60_000, 32, 5),
        call(5, 8, 4),
    ],
    locked=[call(1_000, 64, 6)],
    hidden={
        "batches that divide the images": [call(50_000, 50, 50), call(7, 7, 9), call(12, 3, 1)],
        "a smaller last batch": [call(50_000, 64, 50), call(54_001, 100, 2), call(11, 4, 3)],
        "few images": [call(3, 10, 7), call(1, 256, 12), call(20, 16, 3)],
    },
)

# %% [markdown] tags=["answer"]
# Rounding happens once per epoch, because each epoch ends with its own short batch. Rounding the total,
# `ceil(epochs * images / batch_size)`, gives 5 instead of 6 in the example.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.2 - The measuring instrument (code, 2 points, about 10 minutes)
#
# Somebody hands you a training loop as two functions: `update()` makes one update of a single weight,
# whose gradient is always 1, and `weight()` tells where the weight is now. Return the list of the rates
# that the first `count` updates apply. Example: with rate 0.5 the weight goes 1, 0.5, 0, and
# `measure(update, weight, 2)` is `[0.5, 0.5]`.


# %% tags=["exercise"]
def measure(update, weight, count):
    """The rates that the first `count` updates apply, read off the weight."""
    ### BEGIN SOLUTION
    positions = [weight()]
    for _ in range(count):
        update()
        positions.append(weight())
    return [positions[i] - positions[i + 1] for i in range(count)]
    ### END SOLUTION


# %% tags=["check"] grade_id="measure" points=2
from course_lib.checks import check

check("0.2", measure)

# %% tags=["probes"]
exercise(
    "0.2",
    measure,
    hints=[
        "The gradient is 1, so an update moves the weight by the rate. What do you have to read?",
        "Read the weight before the update and after it. It need not start at 0, and nobody sets "
        "it back.",
        "In a loop over `range(count)`: `before = weight()`, then `update()`, then append "
        "`before - weight()`.",
    ],
    shown=[
        through("one_weight", 1.0, [0.5, 0.5], 2),
        through("one_weight", 1.0, [0.5, 0.25, 0.125, 0.0], 4),
        through("one_weight", 0.0, [0.5, 0.25, 0.125], 1),
        through("one_weight", 0.0, [0.5], 0),
    ],
    locked=[through("one_weight", 2.0, [0.25, 1.5, 0.75], 3)],
    hidden={
        "other starts": [
            through("one_weight", -3.0, [2.0, 1.0, 4.0], 3),
            through("one_weight", 10.0, [0.5, 8.0], 2),
        ],
        "fewer updates than rates": [
            through("one_weight", 5.0, [0.125, 0.5, 3.0, 1.0], 2),
            through("one_weight", 5.0, [4.0, 0.5, 3.0, 1.0, 2.0], 3),
        ],
        "rates that rise, and are below zero": [
            through("one_weight", 0.5, [0.25, 0.5, 0.75, 2.0], 4),
            through("one_weight", 1.5, [-0.5, 0.0, -2.0], 3),
        ],
    },
)

# %% [markdown] tags=["answer"]
# One reading before the first update and one after each: `count + 1` readings, `count` differences. The
# weight falls, so the rate is *before minus after*.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.3 - Mend the loop (code, 2 points, about 10 minutes)
#
# A colleague lowers the rate to `factor` times the initial one over a run of `total` updates, in a
# straight line, and wrote
#
# ```python
# def line(step, rate, total, factor):      # rate: the rate of the update before
#     return rate * (1 - (1 - factor) * step / total)
# ```
#
# which is fed its own last answer. Write it as a pure function of the step, from the *initial* rate.
# After the end the rate stays where it is. Example: `line(50, initial=0.2, total=100, factor=0.5)` is
# 0.15, and from update 100 on it is 0.1.


# %% tags=["exercise"]
def line(step, *, initial, total, factor):
    """The rate of update `step`: a straight line from `initial` to `factor * initial`."""
    ### BEGIN SOLUTION
    done = min(step / total, 1.0)
    return initial * (1 - (1 - factor) * done)
    ### END SOLUTION


# %% tags=["check"] grade_id="line" points=2
from course_lib.checks import check

check("0.3", line)

# %% tags=["probes"]
exercise(
    "0.3",
    line,
    hints=[
        "What share of the run is done at this step? Can it be more than 1?",
        "With `done` the share that is done, the rate is `initial` at 0 and `factor * initial` "
        "at 1. What is it in between?",
        "`min(step / total, 1.0)` is the share; the rate loses `(1 - factor)` of itself for all "
        "of it.",
    ],
    shown=[
        call(50, initial=0.2, total=100, factor=0.5),
        call(0, initial=0.2, total=100, factor=0.5),
        call(100, initial=0.2, total=100, factor=0.5),
        call(101, initial=0.2, total=100, factor=0.5),
        call(3, initial=1.0, total=4, factor=0.0),
        call(900, initial=1.0, total=4, factor=0.0),
    ],
    locked=[call(30, initial=0.7, total=80, factor=0.3)],
    hidden={
        "on the way": [
            call(7, initial=0.3, total=10, factor=0.2),
            call(1, initial=2.0, total=3, factor=0.25),
            curve(range(40), initial=0.6, total=39, factor=0.1),
        ],
        "at the end and after it": [
            call(10, initial=0.3, total=10, factor=0.2),
            call(11, initial=0.3, total=10, factor=0.2),
            call(5_000, initial=3.0, total=60, factor=0.4),
        ],
        "asked in any order": [curve([5, 2, 5, 40, 0, 9], initial=1.0, total=10, factor=0.5)],
    },
    library=["linear", "polynomial"],
)

# %% [markdown] tags=["answer"]
# The share that is done, clamped at 1, is all the formula needs. The library's `linear` is the same line,
# written with the final rate instead of a factor:
# `linear(step, peak_lr=initial, total_steps=total, final_lr=factor * initial)`.
