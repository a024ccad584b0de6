# %% [markdown] tags=["setup"]
# # Start here: measure the learning rate
#
# **You will be able to:** read and set the rate that an optimizer really uses in PyTorch and Keras,
# tell a line that sets it from one that silently does nothing, and count in updates.
#
# **You need:** Python functions, and a rough idea of what training a network means.
#
# **Minutes:** 35
#
# The learning rate scales the steps that training takes downhill. In this course you change it
# during training, so the first thing to learn is to *measure* it: some published courses trained
# for years with rates other than those they plotted.

# %% tags=["setup"]
import math

import torch

framework = "torch"  # or "tensorflow"

# %% [markdown]
# ## The course
#
# <!-- lessons -->
#
# Each lesson goes the same way: **predict** what will happen, **run** it, **explain** it,
# **break** it, **fix** it. Then open the lesson's exercises: your answers are checked at once,
# offline. Change `framework` above to see a lesson in the other framework; everything runs in both.
# (A few exercises ask for a class of one framework, whatever is set there.)
#
# Before an experiment, a `predict` cell asks for your odds in per cent: change its numbers and run
# it. What the next cells show stays folded (`...`) until you run them. Then `outcome` scores your
# odds by their squared distance from what happened: 0 if you were sure and right, 2 if you were
# sure and wrong. On average you score best with the odds you believe. The last lesson shows whether
# you were too sure. If no cell shows a sentence's numbers, the sentence links to its *claim*, the
# recorded runs behind it. There, a number like `0.21 [0.10, 0.33]` is an estimate from several
# **seeds**, mostly their mean (a seed fixes the random initial weights and the order of the images),
# and the brackets are its 95 % confidence interval, which [lesson 2](02_decay_two_classics.ipynb)
# computes for the mean of five numbers. A claim that ends with *TensorFlow agrees* quotes PyTorch's
# runs; its sentence holds for TensorFlow's as well, and their numbers stand on the claim's page.

# %%
import warnings

from course_lib import Schedule
from course_lib.data import load
from course_lib.plots import plot_runs, plot_schedules
from course_lib.predictions import outcome, predict
from course_lib.pytorch import TorchSchedule
from course_lib.schedules import linear
from course_lib.tensorflow import KerasSchedule, keras  # Keras without its start-up notes
from course_lib.training import fit, updates

# %% [markdown]
# ## 1. Read the rate off a weight
#
# Gradient descent moves a weight $w$ against its gradient $g$, by the rate $\eta$ times the
# gradient:
#
# $$w_{t+1} = w_t - \eta_t \, g_t$$
#
# Choose $w$ itself as the loss, and the gradient is 1. Then each update moves the weight by exactly
# $\eta_t$: the weight is a measuring instrument. In PyTorch, from $w = 1$ with a rate of 0.25:

# %%
w = torch.tensor([1.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
w.sum().backward()
optimizer.step()
w.item()

# %% [markdown]
# `backward()` adds the gradient to `w.grad`, where `step()` reads it; loops empty it first, with
# `zero_grad()`. Keras, the same experiment: the optimizer is given the gradient, 1, directly.

# %%
v = keras.Variable([1.0])
optimizer = keras.optimizers.SGD(learning_rate=0.25)
optimizer.apply([keras.ops.ones(1)], [v])
float(v[0])

# %% [markdown]
# Both weights moved by exactly the rate. From here on we trust this measurement, not a printed
# setting.
#
# ## 2. Nine ways to set the rate
#
# Training has begun and you want to change the rate from 0.1 to 0.5. All of the lines below look as
# if they did that. Each of the two functions runs one line, then measures the rate.


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

# %% [markdown]
# **Predict.** How many of the nine lines change the rate? Put your odds in place of the even ones.

# %%
predict("0.a", "How many of the nine lines work?", {"1 to 3": 34, "4 to 6": 33, "7 to 9": 33})


# %% tags=["nbval-check-output"]
def verdict(rate_after, line):
    try:
        rate = rate_after(line)
    except Exception as error:
        return f"{type(error).__name__}"
    return "works" if math.isclose(rate, 0.5, rel_tol=1e-6) else f"NO EFFECT: still {rate:.1f}"


torch_verdicts = {line: verdict(torch_rate_after, line) for line in TORCH_LINES}
keras_verdicts = {line: verdict(keras_rate_after, line) for line in KERAS_LINES}
print(f"{'':8} {'the line':54} what it did")
for name, verdicts in (("PyTorch", torch_verdicts), ("Keras", keras_verdicts)):
    for line, word in verdicts.items():
        print(f"{name:8} {line:54} {word}")

# %%
working = [*torch_verdicts.values(), *keras_verdicts.values()].count("works")
outcome("0.a", "1 to 3" if working <= 3 else "4 to 6" if working <= 6 else "7 to 9")

# %% [markdown]
# Most of them do **nothing and raise no error**. Python lets you add any attribute to an object,
# but the optimizer never reads it; `defaults` serves only groups added later. In PyTorch the rate
# lives in `param_groups[i]["lr"]`, one per group of weights; in Keras in `optimizer.learning_rate`,
# a variable. (`set_value` is gone: [Keras issue
# 19148](https://github.com/keras-team/keras/issues/19148).) Of two arguments of older versions,
# Keras 3 refuses one and ignores the other:

# %% tags=["nbval-check-output"]
for code in ("keras.optimizers.SGD(lr=0.5)", "keras.optimizers.SGD(0.1, decay=0.5)"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            eval(code)
        except ValueError as error:
            print(f"{code:38} ValueError: {error}"[:90])
        for warning in caught:
            print(f"{code:38} only a warning: {warning.message}")

# %% [markdown]
# ## 3. Spot the bug: the rate of PyTorch's own example
#
# In 2017 a reader could not get the decay of PyTorch's official training example to work ([issue
# 64](https://github.com/pytorch/examples/issues/64), fixed since). Here is its code, shortened; the
# rate should fall every 2 epochs (there, every 30):


# %%
def adjust_learning_rate(optimizer, epoch):
    lr = 0.1 * 0.1 ** (epoch // 2)
    for group in optimizer.state_dict()["param_groups"]:
        group["lr"] = lr


# %% [markdown]
# **Predict.** This function is called before each of four epochs. Which rates do they get? Change
# the odds.

# %%
predict(
    "0.b",
    "Which rates do the four epochs get?",
    {"0.1 four times": 34, "lower, but not as planned": 33, "an error": 33},
)


# %%
def measured_rates(adjust):
    """The rate that each of four epochs applies, read off a weight."""
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    rates = []
    for epoch in range(4):
        adjust(optimizer, epoch)
        optimizer.zero_grad()
        before = w.item()
        w.sum().backward()
        optimizer.step()
        rates.append(round(before - w.item(), 6))
    return rates


try:
    rates = measured_rates(adjust_learning_rate)
except Exception as error:
    rates = [error]
rates

# %%
kept, failed = set(rates) == {0.1}, isinstance(rates[0], Exception)
outcome("0.b", "0.1 four times" if kept else "an error" if failed else "lower, but not as planned")

# %% [markdown]
# `state_dict()` is made for saving, so it returns *copies* of the groups. The loop writes the right
# rate into a copy, which is thrown away. The fix is to write into the optimizer itself:


# %%
def corrected(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = 0.1 * 0.1 ** (epoch // 2)


measured_rates(corrected)

# %% [markdown]
# A second bug, from one of the articles that this course grew out of ([errata
# E1](../docs/errata.md#e1-an-attribute-that-is-not-there)):
# `optimizer._lr = f(epoch, total, optimizer._lr)` with $f$ a decay of the *initial* rate. Reading
# `_lr` fails: there is no such attribute. The obvious repair reads and writes `group["lr"]`
# instead:

# %% tags=["nbval-check-output"]
group = torch.optim.SGD([w], lr=0.1).param_groups[0]
applied = []
for epoch in range(5):
    group["lr"] = group["lr"] * 0.9**epoch
    applied.append(group["lr"])
planned = [0.1 * 0.9**epoch for epoch in range(5)]
print("planned:", [round(rate, 4) for rate in planned])
print("applied:", [round(rate, 4) for rate in applied])

# %% [markdown]
# It runs, but the decay compounds: the formula expects the initial rate and is fed the *current*
# one. Throughout this course the cure is the same: a schedule is a **pure function of the step**.
# It depends on the number of the step alone, and never reads the rate it returned before.
#
# Even a log can be wrong. PyTorch's schedulers have a method `get_lr` for internal use, whose
# result is not always the applied rate ([issue
# 22107](https://github.com/pytorch/pytorch/issues/22107)); in Keras 3 the key `lr` of the training
# history is now `learning_rate`:

# %%
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it does warn
    for _ in range(4):
        print(f"get_lr {scheduler.get_lr()[0]:.3f}  applied {optimizer.param_groups[0]['lr']:.3f}")
        optimizer.step()
        scheduler.step()

# %%
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), loss="mse")
decay = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * 0.1 ** (epoch // 2))
ones = keras.ops.ones((1, 1))
print(model.fit(ones, ones, epochs=4, verbose=0, callbacks=[decay]).history.keys())

# %% [markdown]
# ## 4. Step, update, epoch
#
# An **update** is one change of the weights, made from one batch. A **step** is one tick of a
# schedule's clock; in this course that is one update. An **epoch** is as many updates as it takes
# to see every training image once; the last batch may be smaller, but it counts as an update.
#
# $$\text{updates per epoch} = \lceil \text{images} / \text{batch size} \rceil$$
#
# For MNIST's 60,000 images in batches of 128:

# %%
math.ceil(60_000 / 128)

# %% [markdown]
# Every schedule of this course counts updates, from 0; lesson 3 shows what happens when the unit is
# forgotten.
#
# ## 5. One formula, both frameworks
#
# A schedule is a formula with its parameters filled in. You can ask it for the rate of any update,
# and draw it, without training:

# %%
falling = Schedule(linear, peak_lr=0.5, total_steps=8)
falling

# %% alt="A straight line falling from 0.5 at update 0 to 0 at update 8, then flat at 0"
plot_schedules({"linear": falling}, steps=11)

# %% [markdown]
# Two adapters, `TorchSchedule` and `KerasSchedule`, connect it to an optimizer. In PyTorch you call
# `scheduler.step()` after each update, which sets the next rate:


# %%
def measure_torch(scheduler_first=False):
    """The rates of four updates."""
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)  # this rate is not used: the schedule decides
    scheduler = TorchSchedule(optimizer, falling)
    measured = []
    for _ in range(4):
        optimizer.zero_grad()
        before = w.item()
        w.sum().backward()
        if scheduler_first:
            scheduler.step()
        optimizer.step()
        if not scheduler_first:
            scheduler.step()
        measured.append(before - w.item())
    return measured


measure_torch()

# %% [markdown]
# In Keras, the optimizer itself counts its updates and asks the schedule, which computes the rates
# of the whole run (`total_steps`) in advance:

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
# Measured on the weight, the four rates are the same in both.
#
# ## 6. On real data
#
# `fit` trains a small network (784-128-10: 784 inputs, 128 hidden units, 10 outputs) and records
# the rate that the optimizer applied in every single update; `assert_lr_matches` compares these
# rates with the plan. `fit` holds out a tenth of the training images, to measure the validation
# accuracy on them (later also: held-out accuracy), so an epoch is shorter here than in section 4.
# Offline and without the data files, `load` says STAND-IN and gives other images: the lessons run
# on them, but the text describes results on the real ones.

# %%
data = load("mnist")
total = updates(data, epochs=1, batch_size=128)
schedule = Schedule(linear, peak_lr=0.5, total_steps=total)
run = fit(schedule, data=data, framework=framework, batch_size=128, progress=False)
run.assert_lr_matches(schedule)
print(f"{len(run.lr)} updates, each made with the planned rate")
print(f"validation accuracy {run.history['val_accuracy'][-1]:.1%}")

# %% alt="Above: the applied rate falls in a straight line to zero. Below: the training loss falls quickly, then slowly"
plot_runs({"linear": run})

# %% [markdown]
# Above is the applied rate. Below is the loss: the faint line is each batch, the bold one a moving
# average, which lags a little behind.
#
# ## 7. Break it
#
# Some published code has two of PyTorch's lines the other way round ([one
# example](https://github.com/yueatsprograms/uda_release/issues/3)); Keras has no such lines.
#
# **Predict.** With `scheduler.step()` *before* `optimizer.step()`: what happens to the planned
# rates 0.5, 0.4375, 0.375, 0.3125? Change the odds.

# %%
predict(
    "0.c",
    "What does the swapped order do?",
    {"skips the first rate": 34, "uses the first rate twice": 33, "nothing": 33},
)

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    swapped = measure_torch(scheduler_first=True)
print(swapped)
print(f"{len(caught)} warning: {str(caught[0].message)[:70]}")

# %%
rate = [falling(step) for step in range(3)]
known = {
    (rate[1], rate[2]): "skips the first rate",
    (rate[0], rate[0]): "uses the first rate twice",
}
outcome("0.c", known.get(tuple(swapped[:2]), "nothing"))

# %% [markdown]
# There is one warning, at the first update only, and it is easily missed. The opposite slip, a rate
# written *after* the update it was meant for, gives no warning; a popular book's chapter on
# schedules had it for years ([its PyTorch
# code](https://github.com/d2l-ai/d2l-en/blob/23d7a5a/chapter_optimization/lr-scheduler.md); lesson
# 2 looks into it). `assert_lr_matches` does find it:


# %%
def one_late(step):
    return schedule(max(step - 1, 0))


late = fit(one_late, data=data, framework=framework, max_updates=50, progress=False)
try:
    late.assert_lr_matches(schedule)
except AssertionError as error:
    print(error)

# %% [markdown]
# Every run of `fit` in this course is checked so.
#
# ## What you take along
#
# 1. Measure the applied rate: a line that sets it may do nothing and raise no error.
# 2. A schedule is a pure function of the update number. It never reads the rate that it returned
#    before.
# 3. Count in updates, and always name the unit.
#
# **An open question.** With momentum, one update mixes several gradients. How would you measure the
# rate then?
#
# Next: the [exercises of this lesson](../exercises/00_start_here.ipynb), then
# [fixed rates on MNIST](01_fixed_rates.ipynb).
#
# **References.** PyTorch, [*How to adjust learning
# rate*](https://docs.pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate) ·
# Keras 3, [*Learning rate schedules
# API*](https://keras.io/api/optimizers/learning_rate_schedules/) ·
# A. Zhang, Z. Lipton, M. Li, A. Smola,
# [*Dive into Deep Learning*, 12.11](https://d2l.ai/chapter_optimization/lr-scheduler.html) ·
# Y. LeCun, C. Cortes, C. Burges, *The MNIST database*

# %% [markdown] tags=["exercise"]
# Run the cells from the top, also after a restart; fill in the functions and run each check. It
# says which call went wrong, what your function returned and what was expected, and each new
# attempt that fails gets a more detailed hint. An exercise that you skip does not block the next
# one. `course_lib.checks.progress()` shows what you have solved.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.1 - Count the updates (code, 1 point, about 5 minutes)
#
# The last batch of an epoch may be smaller than the others, but counts as an update; a new epoch
# starts with a full batch again. Example: 10 images in batches of 4 are 3 updates per epoch, so 6
# in 2 epochs.
#
# **Deliver:** `count_updates`, the number of updates that training makes.
#
# **Success:** it is right for any number of images, also when the batch size does not divide it.


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
    locked=[call(1_000, 64, 6), call(200_001, 100_000, 3)],
    hidden={
        "batches that divide the images": [call(50_000, 50, 50), call(7, 7, 9), call(12, 3, 1)],
        "a smaller last batch": [
            call(50_000, 64, 50),
            call(54_001, 100, 2),
            call(11, 4, 3),
            call(80_001, 40_000, 2),
        ],
        "few images": [call(3, 10, 7), call(1, 256, 12), call(20, 16, 3)],
    },
)

# %% [markdown] tags=["answer"]
# Rounding happens once per epoch, because each epoch ends with its own short batch. Rounding the
# total, `ceil(epochs * images / batch_size)`, gives 5 instead of 6 in the example.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.2 - The measuring instrument (code, 2 points, about 10 minutes)
#
# Somebody hands you a training loop as two functions: `update()` makes one update of a single
# weight, whose gradient is always 1, and `weight()` returns where the weight is now. Example: with
# rate 0.5 the weight goes 1, 0.5, 0, and `measure(update, weight, 2)` is `[0.5, 0.5]`.
#
# **Deliver:** `measure`, which calls `update` `count` times, and returns the list of the rates that
# these updates apply.
#
# **Success:** `count` rates, right for every start and every sequence of rates, also for negative
# rates.


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
        through("one_weight", 1.0, [0.5, 0.25, 0.0, 0.125], 4),
        through("one_weight", 0.0, [0.5, 0.25, 0.125], 1),
        through("one_weight", 0.0, [0.5], 0),
        through("one_weight", 0.0, [-0.25, 0.5], 2),
        through("one_weight", 3.0, [2.0, 0.5], 2),
    ],
    locked=[through("one_weight", 1.0, [2**-10, 2**-9, 2**-16], 3)],  # small, and exact
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
            through("one_weight", 0.5, [2**-15, 2**-10, 0.75, 2.0], 4),
            through("one_weight", 1.5, [-0.5, 0.0, -2.0], 3),
        ],
    },
)

# %% [markdown] tags=["answer"]
# One reading before the first update and one after each: `count + 1` readings, `count`
# differences. The weight falls, so the rate is *before minus after*.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.3 - Fix the loop (code, 2 points, about 10 minutes)
#
# A colleague wants to lower the rate to `factor` times the initial one over a run of `total`
# updates, in a straight line, and wrote
#
# ```python
# def line(step, rate, total, factor):      # rate: the rate of the update before
#     return rate * (1 - (1 - factor) * step / total)
# ```
#
# which is fed its own last result, so the decay compounds. Example:
# `line(50, initial=0.2, total=100, factor=0.5)` is 0.15, and from update 100 on it is 0.1.
#
# **Deliver:** `line` as a pure function of the step, from the *initial* rate. After the end the
# rate stays where it is.
#
# **Success:** the rates are right in whatever order the steps are asked for, and also after the
# end.


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
        curve([1, 4, 8], initial=7e-4, total=11, factor=0.1),
        call(50, initial=1.0, total=100, factor=0.25),  # the first one's step, of another line
    ],
    locked=[
        call(30, initial=0.7, total=80, factor=0.3),
        call(1, initial=0.9, total=7, factor=0.4),
    ],
    hidden={
        "on the way": [
            call(7, initial=0.3, total=10, factor=0.2),
            call(7, initial=0.6, total=10, factor=0.2),
            call(1, initial=2.0, total=3, factor=0.25),
            curve(range(40), initial=0.6, total=39, factor=0.1),
            curve([0, 3, 7, 9], initial=3e-4, total=7, factor=0.1),
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
# The share that is done, clamped at 1, is all the formula needs. The library's `linear` is the
# same line, written with the final rate instead of a factor: `linear(step, peak_lr=initial,
# total_steps=total, final_lr=factor * initial)`.

# %% [markdown] tags=["exercise"]
# ### Exercise 0.4 - The decay that never came (bug, 2 points, about 10 minutes)
#
# A training example of PyTorch's own set the rate before each epoch in this way
# ([issue 64](https://github.com/pytorch/examples/issues/64)):
#
# ```python
# lr = initial * factor ** (epoch // every)
# for group in optimizer.state_dict()["param_groups"]:
#     group["lr"] = lr
# ```
#
# Below is a small training loop for two weights with gradients of 1, each in a parameter group of
# its own. The lines that set the rate are missing; the rest of the function measures. Example:
# `epoch_rates(3, initial=0.5, factor=0.5, every=2)` is `[[0.5, 0.5], [0.5, 0.5], [0.25, 0.25]]`.
#
# **Deliver:** the missing lines, which set the rate of the epoch.
#
# **Success:** both groups apply the planned rate in every epoch.


# %% tags=["exercise"]
def epoch_rates(epochs, *, initial, factor, every):
    """The rates that the two groups apply in each epoch, read off their weights."""
    weights = [torch.zeros(1, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": [each]} for each in weights], lr=initial)
    rates = []
    for epoch in range(epochs):
        ### BEGIN SOLUTION
        for group in optimizer.param_groups:
            group["lr"] = initial * factor ** (epoch // every)
        ### END SOLUTION
        optimizer.zero_grad()
        before = [each.item() for each in weights]
        sum(weights).backward()
        optimizer.step()
        rates.append([start - each.item() for start, each in zip(before, weights)])
    return rates


# Try it: epoch_rates(3, initial=0.5, factor=0.5, every=2)

# %% tags=["check"] grade_id="00-epoch-rates" points=2
from course_lib.checks import check

check("0.4", epoch_rates)

# %% tags=["probes"]
exercise(
    "0.4",
    epoch_rates,
    hints=[
        "`state_dict()` makes new dicts for a file; what you write into them stays there. Where "
        "does the optimizer itself keep the rate?",
        "The optimizer reads the `lr` of each group in `optimizer.param_groups`. Does every group "
        "get the new rate, and from the initial one?",
        "Compute the rate from `initial` and `epoch`, then loop over `optimizer.param_groups` and "
        "write it into the `lr` of each group.",
    ],
    shown=[
        call(3, initial=0.5, factor=0.5, every=2),
        call(3, initial=0.1, factor=0.1, every=1),
        call(1, initial=0.3, factor=0.1, every=30),
        call(5, initial=1.0, factor=0.25, every=3),
        call(3, initial=0.25, factor=2.0, every=1),  # a rate may rise, too
    ],
    locked=[
        call(6, initial=0.8, factor=0.5, every=4),
        call(4, initial=0.3, factor=0.77, every=1),
    ],
    hidden={
        "a decay in every epoch": [
            call(5, initial=0.2, factor=0.9, every=1),
            call(3, initial=2.0, factor=0.7, every=1),
        ],
        "intervals of several epochs": [
            call(8, initial=0.4, factor=0.2, every=3),
            call(7, initial=0.05, factor=0.6, every=2),
        ],
        "a run shorter than the interval, and rates that rise": [
            call(4, initial=0.7, factor=0.1, every=10),
            call(6, initial=0.25, factor=2.0, every=2),
        ],
    },
)

# %% [markdown] tags=["answer"]
# The same loop without `state_dict()` is the whole fix. Frequent slips: writing only into
# `param_groups[0]`, so that the second group keeps its rate; multiplying `group["lr"]` by the
# factor in each epoch, whatever `every` says; setting an attribute of the optimizer, which nothing
# reads.

# %% [markdown] tags=["exercise"] grade_id="00-log" points=2
# ### Exercise 0.5 - What does the log prove? (concept, 2 points, about 6 minutes)
#
# A Keras callback of a colleague contains these two lines, run after every epoch:
#
# ```python
# self.model.optimizer.lr = 0.1 * 0.5**epoch
# print("learning rate:", self.model.optimizer.lr)
# ```
#
# The log shows 0.1, 0.05, 0.025 and so on. The loss looks as it did without the callback.
#
# **Deliver:** three to five sentences: why the log proves nothing, how you would find out which
# rate the updates apply, and what to write instead. Example of a good start: "The first line
# creates ...".
#
# **Success:** a reader who knows only section 2 could find and fix the bug with your text.

# %% [markdown] tags=["answer"]
# A good answer says: (1) `lr` is a new attribute that the optimizer never reads, and the second
# line prints that attribute, so it reports the wish and not the rate; (2) a measurement looks at
# an effect, for instance a weight with gradient 1 before and after an update, or at least reads
# `optimizer.learning_rate`, which the update itself uses, but not at a loss curve; (3)
# `self.model.optimizer.learning_rate = ...` sets it, and since the lines run *after* an epoch, the
# exponent must be that of the next one; Keras's `LearningRateScheduler` with its function does
# both. One point for (1), half a point each for (2) and for setting the rate in (3).
