# %% [markdown] tags=["setup"]
# # Decay: the two classic examples
#
# We run two textbook examples, an MNIST network under exponential decay and a CIFAR-10 network
# under step decay, as they were printed and over several seeds. Then we ask for the same accuracy
# in a fraction of the updates.
#
# **You will be able to:** write exponential and step decay in both frameworks, convert between
# epochs and updates, say what a printed accuracy is worth, and find the bugs that make a decay
# decay too fast or not at all.
#
# **Minutes:** 45
#
# You need lesson 1: a schedule is a function `step -> rate`, and the applied rate is the truth.

# %% tags=["setup"]
import math

from course_lib.checks import check
from course_lib.plots import plot_schedules
from course_lib.schedules import Schedule

framework = "torch"  # or "tensorflow"

# %%
import numpy as np
import torch
from torch.optim import lr_scheduler

from course_lib.claims import EXPERIMENTS, record
from course_lib.data import load
from course_lib.plots import mean_interval, plot_record, plot_record_losses, plot_runs
from course_lib.schedules import constant, exponential, multistep
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes
from course_lib.training import fit, updates

mnist = load("mnist")

# %% [markdown]
# ## 1. What does a falling rate buy?
#
# **Predict.** Three runs of the same network from the same start. One keeps a rate of 0.8, one
# keeps 0.08, one changes from 0.8 to 0.08 two thirds of the way. Which ends with the lowest
# training loss on MNIST, which with the highest? Write it down before you run the cell.

# %%
plans = {
    "0.8 all the way": Schedule(constant, lr=0.8),
    "0.08 all the way": Schedule(constant, lr=0.08),
    "0.8, then 0.08": Schedule(multistep, lr=0.8, milestones=(600,)),
}
how = dict(data=mnist, framework=framework, batch_size=32, validation=0, progress=False)
runs = {name: fit(plan, epochs=20, max_updates=900, **how) for name, plan in plans.items()}
for name, plan in plans.items():
    runs[name].assert_lr_matches(plan)
    print(f"{name:16}  loss of the last 200 updates: {np.mean(runs[name].loss[-200:]):.2f}")

# %% alt="Rate above smoothed training loss, for a high, a low and a falling rate"
figure = plot_runs(runs)
figure.axes[1].set_ylim(0, 1.2)
figure

# %% [markdown]
# <details><summary>What we see on MNIST</summary>
#
# Until the drop, the falling run *is* the high one. The high rate covers ground quickly, then jumps
# about in the valley: every batch pulls another way, and a large step follows every pull. The low
# rate is calm but has not got far. The falling rate takes the ground first and the calm afterwards,
# and ends lowest. A fixed rate has a floor under its loss; a decay lowers the floor.
# </details>
#
# ## 2. First classic: exponential decay on MNIST
#
# As printed: a network 784-128-10 with dropout 0.2, SGD with rate 0.1, times 0.95 after every
# epoch, batches of 32, 5 epochs; test accuracy **97.42 %**. The course keeps it as an experiment,
# and we take the schedule from there. **Predict**: what is the rate in the last epoch? Half of the
# first, a tenth, or more?


# %%
def schedule_of(name, steps_per_epoch):
    experiment = EXPERIMENTS[name]
    return experiment.schedule(steps_per_epoch, experiment.epochs * steps_per_epoch)


steps = updates(mnist, epochs=1, batch_size=32, validation=0)
printed = schedule_of("mnist_printed", steps)
print(printed)
for epoch in range(5):
    print(f"epoch {epoch}, from update {epoch * steps:>5,} on: {printed(epoch * steps):.4f}")

# %% [markdown]
# Hardly a decay: four drops of 5 % leave four fifths of the rate.
#
# ### In PyTorch's and in Keras's own words
#
# PyTorch changes the rate when *you* call `scheduler.step()`. To see what comes of it, here is a
# training loop without the training. It notes the rate that each update would use:


# %%
def sgd(lr):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)


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


# %%
optimizer = sgd(lr=0.1)
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.95)
torch_rates = applied(optimizer, scheduler, epochs=5, batches=steps)
ours = printed.values(5 * steps)
print("torch equals ours:", np.allclose(torch_rates, ours, rtol=1e-12, atol=0))

# %% [markdown]
# Keras's `SGD(decay)` asks a schedule for the rate of every update. It knows no epochs, so we have
# to say how many updates make one: `decay_steps`. (It computes in float32: compare less strictly.)

# %%
decay = keras.optimizers.schedules.ExponentialDecay(
    0.1, decay_steps=steps, decay_rate=0.95, staircase=True
)
keras_rates = np.array(decay(np.arange(5 * steps)))
print("Keras equals ours:", np.allclose(keras_rates, ours, rtol=1e-6, atol=0))

# %% [markdown]
# ### As printed

# %%
on_mnist = dict(how, model="mlp_dropout")
printed_run = fit(printed, epochs=5, test=True, **on_mnist)
printed_run.assert_lr_matches(printed)
print(f"{mnist.title}: test accuracy {printed_run.test_accuracy:.2%}")

# %% [markdown]
# ### Better: high first, then all the way down
#
# Section 1 says what to change: a higher rate while there is ground to cover, and an end at zero
# instead of at four fifths. **Predict**: how far will the test accuracy of this much shorter run be
# from the printed one's?

# %%
better = schedule_of("mnist_better", steps)
print(better)
better_run = fit(better, epochs=EXPERIMENTS["mnist_better"].epochs, test=True, **on_mnist)
better_run.assert_lr_matches(better)
part = len(better_run.lr) / len(printed_run.lr)
print(f"{mnist.title}: test accuracy {better_run.test_accuracy:.2%} in {part:.0%} of the updates")

# %% alt="Printed staircase and shorter schedule, each above its training loss, on one axis"
titles = {name: experiment.title for name, experiment in EXPERIMENTS.items()}
both = {titles["mnist_printed"]: printed_run, titles["mnist_better"]: better_run}
figure = plot_runs(both)
figure.axes[1].set_ylim(0, 0.8)
figure

# %% [markdown]
# ### One run is an anecdote
#
# Both experiments are on record (`lr-course reproduce`). A seed sets the initial weights, the order
# of the images and the dropout, in both frameworks the same. The grey band is another uncertainty:
# how far one accuracy $p$ would move if we drew another 10,000 test images,
# $\pm 1.96\sqrt{p(1-p)/10{,}000}$.

# %% alt="Test accuracy of every recorded MNIST run, with means, intervals and the printed 97.42 %"
sampling = math.sqrt(0.9742 * (1 - 0.9742) / 10_000)
records = {titles[name]: record(name) for name in ("mnist_printed", "mnist_better")}
plot_record(records, claim=0.9742, band=1.96 * sampling)


# %%
def accuracies(name, framework):
    lines = [line for line in record(name) if line["framework"] == framework]
    return {line["seed"]: 100 * line["test_accuracy"] for line in lines}


def compare(before, after):
    for each in ("torch", "tensorflow"):
        old, new = accuracies(before, each), accuracies(after, each)
        gain = {seed: new[seed] - old[seed] for seed in old.keys() & new.keys()}
        for what, runs in {"printed": old, "better": new, "gain": gain}.items():
            if runs:
                mean, half = mean_interval(list(runs.values()))
                spread = f"± {half:.2f}" if len(runs) > 1 else ""
                print(f"{each:10}  {what:7}  {mean:6.2f} {spread:6}  n = {len(runs)}")


compare("mnist_printed", "mnist_better")
print(f"standard error of one accuracy, from the test images: {100 * sampling:.2f}")

# %% [markdown]
# In per cent, with the 95 % interval of the mean over seeds (Student's t); *gain* pairs runs of the
# same seed. Three things to read here:
#
# - The printed 97.42 % is an ordinary draw from this experiment.
# - Same seed, other framework: nearly the same dot. Five seeds in two frameworks are five
#   experiments, not ten.
# - The gain's interval lies above zero: on *these* 10,000 images the shorter schedule is better. The
#   grey band is wider than the gain, so another test set might not agree. "At least the printed
#   accuracy, in a fraction of the updates" is what we may say.
#
# ## 3. Second classic: step decay on CIFAR-10
#
# As printed: one convolution (6 maps, 5x5), pooling, 1176-120-84-10, SGD without momentum, batches
# of 64, 50 epochs, `StepLR(optimizer, 30, 0.1)`: rate 0.1, from epoch 30 on 0.01.

# %%
cifar = load("cifar10")
cifar_steps = updates(cifar, epochs=1, batch_size=64, validation=0)
print(f"{len(cifar.x_train) / 64:.2f} batches: {cifar_steps} updates, the last one smaller")

cifar_printed = schedule_of("cifar10_printed", cifar_steps)
optimizer = sgd(lr=0.1)
torch_rates = applied(optimizer, lr_scheduler.StepLR(optimizer, 30, gamma=0.1), epochs=50)
ours = [cifar_printed(epoch * cifar_steps) for epoch in range(50)]
print("torch equals ours, epoch by epoch:", np.allclose(torch_rates, ours, rtol=1e-12, atol=0))

# %% [markdown]
# Keras has two ways to say it. **Predict**: do both drop at the same update?

# %%
drop = 30 * cifar_steps
schedules = keras.optimizers.schedules
keras_rules = {
    "ExponentialDecay": schedules.ExponentialDecay(0.1, drop, 0.1, staircase=True),
    "PiecewiseConstantDecay": schedules.PiecewiseConstantDecay([drop], [0.1, 0.01]),
    "the same at drop - 1": schedules.PiecewiseConstantDecay([drop - 1], [0.1, 0.01]),
    "ours": cifar_printed,
}
for name, rule in keras_rules.items():
    rates = [f"{float(rule(step)):.2f}" for step in (drop - 1, drop, drop + 1)]
    print(f"{name:24}", "  ".join(rates))

# %% [markdown]
# A boundary in Keras still belongs to the *old* rate; a milestone in PyTorch, and here, is the
# first update with the *new* one. One update changes no accuracy, but it breaks every comparison
# update by update, so subtract one. Now 150 real updates; the whole 50 epochs come from the record
# (its rows say in which frameworks they were run).

# %%
on_cifar = dict(how, data=cifar, model="cnn", batch_size=64)
start = fit(cifar_printed, epochs=50, max_updates=150, **on_cifar)
start.assert_lr_matches(cifar_printed)
first, last = np.mean(start.loss[:20]), np.mean(start.loss[-20:])
print(f"{cifar.title}: loss {first:.2f} at first, {last:.2f} after {len(start.lr)} updates")

# %% [markdown]
# **Predict.** What does the training loss do in the epoch after the rate drops to a tenth? Which of
# the two schedules ends with the lower training loss, and which with the higher test accuracy?

# %% alt="Rate above training loss per epoch, all recorded CIFAR-10 runs, printed and better"
names = ("cifar10_printed", "cifar10_better")
records = {titles[name]: record(name) for name in names}
epoch_sizes = {name: record(name)[0]["updates"] // EXPERIMENTS[name].epochs for name in names}
plans = {titles[name]: schedule_of(name, epoch_sizes[name]) for name in names}
plot_record_losses(records, plans)

# %% alt="Test accuracy of every recorded CIFAR-10 run, the printed 66.67 % far to the right"
plot_record(records, claim=0.6667)

# %%
compare(*names)
for name in names:
    line = record(name)[0]
    losses = f"training {line['train_loss'][-1]:.2f}, test {line['test_loss']:.2f}"
    print(f"{titles[name]}: {line['updates']:,} updates, first run ends with losses {losses}")
best = max(line["test_accuracy"] for line in record("cifar10_printed"))
print(f"best run of the printed code: {best:.2%}, {66.67 - 100 * best:.1f} points below 66.67 %")

# %% [markdown]
# The loss falls at a stroke when the rate does: the noise of the high rate is gone. But a training
# loss far below the test loss is a network that knows its training images by heart. The shorter run
# stops before that. How much of its gain comes from the schedule and how much only from stopping
# early, this record cannot say: it changes both at once.
#
# And the printed **"Fold 1 Accuracy: 0.6667"**? The code has no folds, so this line is not its
# output; nor does any recorded run come near it. The record is of a JPEG copy of CIFAR-10, so we
# claim no more than that.


# %%
for name in ("mnist_printed", "mnist_better", *names):
    for line in {line["framework"]: line for line in record(name)}.values():
        versions = " ".join(f"{package} {v}" for package, v in line["versions"].items())
        print(f"{name:15} {line['data']}, {versions}, {line['hardware']}, {line['commit']}")

# %% [markdown]
# ## 4. Break it: one schedule, two clocks
#
# - An **update** is one step of the optimizer, on one batch.
# - An **epoch** is one pass over the training images.
# - A **step** is what the one who counts says. Here and in Keras it is an update. In PyTorch it is
#   a call of `scheduler.step()`, though the counter is named `last_epoch`.
#
# **Predict.** You write `StepLR(optimizer, 10, 0.1)`, thinking of epochs, and `scheduler.step()`
# slips into the loop over batches. What is the rate after one epoch? Guess the power of ten.

# %%
for name, argument in {"StepLR": 10, "ExponentialLR": 0.95}.items():
    optimizer = sgd(lr=0.1)
    scheduler = getattr(lr_scheduler, name)(optimizer, argument)
    rates = applied(optimizer, scheduler, epochs=1, batches=steps, step_every="batch")
    alive = sum(rate >= 0.001 for rate in rates)
    print(f"{name}: at least 0.001 for {alive} of {steps:,} updates, at the end {rates[-1]:.1g}")
slip = schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.1)  # meant: 10 epochs
print(f"Keras's ExponentialDecay with decay_steps=10: at the end {float(slip(steps)):.1g}")

# %% [markdown]
# Nobody complains, because a rate of practically zero is a legal rate. So let us train with it:

# %%
per_batch = Schedule(exponential, lr=0.1, factor=0.95)
plans = {"0.95 per batch": per_batch, "0.95 per epoch": printed}
runs = {name: fit(plan, epochs=20, max_updates=500, **on_mnist) for name, plan in plans.items()}
for name, plan in plans.items():
    runs[name].assert_lr_matches(plan)

# %% alt="Stepped per batch, the rate falls to nothing (log axis) and the loss stays where it is"
plot_runs(runs, log_rate=True)

# %% [markdown]
# Users meet it as "it does not train": in SRGAN-PyTorch#1 a `StepLR` meant for half of the *epochs*
# is stepped with every batch; moving the call behind the inner loop cured it.
#
# ### Fix: convert the clock, or the factor
#
# Either count epochs (`per_epoch`; or step once per epoch), or spread the factor over the updates:
# $\text{factor per update} = \text{factor per epoch}^{\,1/\text{steps per epoch}}$. In PyTorch that
# is `ExponentialLR(optimizer, 0.95 ** (1 / steps))` stepped per batch, in Keras `ExponentialDecay`
# with `decay_steps=steps` and no `staircase`.

# %%
factor = 0.95 ** (1 / steps)
smooth = Schedule(exponential, lr=0.1, factor=factor)
starts = range(0, 5 * steps, steps)
same = np.allclose([smooth(t) for t in starts], [printed(t) for t in starts], rtol=1e-9)
print(f"0.95 per epoch is {factor:.6f} per update; equal where epochs start: {same}")

# %% alt="A staircase and a smooth exponential decay that meet where each epoch starts"
plot_schedules({"per_epoch: staircase": printed, "exponential: smooth": smooth}, 5 * steps)


# %% [markdown]
# ## 5. Spot the bug: the rate that feeds itself
#
# Published research code (DeepDepthDenoising, `utils/opt.py`) calls a function like this one before
# every epoch. Its comment promises the *initial* rate, divided by ten every so many epochs; the
# code says every 2. **Predict**: which rate should epoch 5 get, and which does it get?


# %%
def adjust(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = group["lr"] * 0.1 ** (epoch // 2)


def show(label, rates):
    print(f"{label:16}", "  ".join(f"{rate:.4g}" for rate in rates))


optimizer, rates = sgd(lr=2e-4), []
for epoch in range(6):
    adjust(optimizer, epoch)
    rates.append(optimizer.param_groups[0]["lr"])
show("promised", [2e-4 * 0.1 ** (epoch // 2) for epoch in range(6)])
show("applied", rates)

# %% [markdown]
# <details><summary>What happened</summary>
#
# A formula of the initial rate is fed the current one, so the decay compounds: the exponents 0, 0,
# 1, 1, 2, 2 add up, and epoch 5 is divided by 10⁶ instead of by 10².
# </details>
#
# An article behind this course has the same line, `rate = f(epoch, rate)`. The frameworks invite
# it: Keras's `LearningRateScheduler` hands your function the *current* rate.

# %%
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
callback = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9**epoch)
nothing = np.zeros((1, 1))
history = model.fit(nothing, nothing, epochs=6, callbacks=[callback], verbose=0).history
show("planned", [0.1 * 0.9**epoch for epoch in range(6)])
show("Keras applied", history["learning_rate"])

# %% [markdown]
# PyTorch has a class for each meaning. The article says that `LambdaLR` multiplies the current
# rate. **Predict** which of these three lines decays too fast:

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
# **Mend it**: a formula of the epoch goes with the *initial* rate (`LambdaLR`), a constant factor
# with the *current* one. Our schedules are all of the first kind, and need no memory.
#
# ## 6. Spot the bug: drawn first, trained second
#
# The PyTorch version of a well-known chapter (Dive into Deep Learning 1.0.3, *Learning Rate
# Scheduling*) draws a scheduler for 30 epochs, then trains 30 epochs with it. **Predict** what the
# network sees.

# %%
optimizer = sgd(lr=0.5)
scheduler = lr_scheduler.MultiStepLR(optimizer, milestones=[15, 30], gamma=0.5)
drawn = applied(optimizer, scheduler, epochs=30)  # for the figure
trained = applied(optimizer, scheduler, epochs=30)  # for the network
print("drawn:  ", sorted(set(drawn), reverse=True))
print("trained:", sorted(set(trained), reverse=True))

# %% [markdown]
# <details><summary>What happened</summary>
#
# A PyTorch scheduler is a counter with side effects, and drawing used it up: both milestones were
# past when training began, and the network saw one constant rate, lower than any in the figure. Of
# another schedule in that chapter a reader reported that it has no effect (d2l-en#1715).
# </details>
#
# **Mend it**: draw something that does not remember being drawn.

# %%
plan = Schedule(multistep, lr=0.5, milestones=(15, 30), factor=0.5)
drawn, trained = plan.values(30), plan.values(30)
print("trained as drawn:", drawn == trained)

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# Each has a stub for you and a cell that checks it at once. Run the check for a hint.
#
# ### Exercise 2.1 - One formula for both classics (code, 2 points, about 8 minutes)
#
# Write the staircase that both examples share: the rate is multiplied by `factor` after every
# `every_epochs` epochs. `step` counts updates from 0, and an epoch has `steps_per_epoch` updates.
#
# $$e(t) = \lfloor t / \text{steps per epoch} \rfloor, \qquad
# \text{lr}(t) = \text{lr} \cdot \text{factor}^{\lfloor e(t) / \text{every epochs} \rfloor}$$
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


# %% tags=["check"] grade_id="ex-2-1" points=2
check("2.1", my_epoch_decay)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "2.1",
    my_epoch_decay,
    hints=[
        "Python's `//` is the floor of a division. How many floors does the formula have?",
        "First the epoch of this update, `step // steps_per_epoch`; then the number of drops.",
        "`factor ** (epoch // every_epochs)`, with `epoch = step // steps_per_epoch`, times `lr`.",
    ],
    shown=[
        curve(range(40), lr=0.1, factor=0.5, every_epochs=2, steps_per_epoch=3),
        curve(range(130), lr=0.1, factor=0.95, every_epochs=1, steps_per_epoch=20),
    ],
    locked=[curve(range(30), lr=0.4, factor=0.3, every_epochs=2, steps_per_epoch=5)],
    hidden={
        "several epochs per drop": [
            curve(range(90), lr=0.3, factor=0.1, every_epochs=3, steps_per_epoch=7)
        ],
        "one update per epoch": [
            curve(range(50), lr=2.0, factor=0.8, every_epochs=4, steps_per_epoch=1)
        ],
        "around the drops of a long run": [
            curve(
                [0, 781, 782, 23_459, 23_460, 23_461, 46_920],
                lr=0.1,
                factor=0.1,
                every_epochs=30,
                steps_per_epoch=782,
            )
        ],
    },
    library=["step_decay", "per_epoch", "multistep", "exponential"],
)

# %% [markdown] tags=["answer"]
# First updates become epochs, then epochs become drops: two floors, one for each clock. The MNIST
# example is `factor=0.95, every_epochs=1`, the CIFAR-10 example `factor=0.1, every_epochs=30`. Both
# floors in one, `step // (every_epochs * steps_per_epoch)`, is the same.

# %% alt="The CIFAR-10 staircase, drawn from the answer" tags=["answer"]
in_steps = dict(lr=0.1, factor=0.1, every_epochs=30, steps_per_epoch=782)
plot_schedules({"step at epoch 30": Schedule(my_epoch_decay, **in_steps)}, 50 * 782)

# %% [markdown] tags=["exercise"]
# ### Exercise 2.2 - How long until the rate is gone? (code, 3 points, about 12 minutes)
#
# A decay by `factor` *per epoch*, spread evenly over the updates:
#
# $$\text{lr}(t) = \text{lr} \cdot \left(\text{factor}^{\,1/\text{steps per epoch}}\right)^t$$
#
# Give the number of the first update whose rate is **below** `bound`. A rate that equals the bound
# is not below it, and if the first update's rate is below it already, the answer is 0.
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


# %% tags=["check"] grade_id="ex-2-2" points=3
check("2.2", updates_until)

# %% tags=["probes"]
exercise(
    "2.2",
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
        call(1.0, 0.3, 0.9, 1),
        call(0.1, 0.01, 0.95, 1875),  # the MNIST example: how many epochs is that?
        call(0.1, 0.1, 0.95, 1875),
        call(0.1, 0.2, 0.95, 1875),
    ],
    locked=[call(0.5, 0.07, 0.6, 25)],
    hidden={
        "many updates": [
            call(0.4, 0.001, 0.1, 782),
            call(0.05, 0.02, 0.97, 469),
            call(2.0, 0.7, 0.8, 7),
            call(0.1, 1e-8, 0.9, 3),
        ],
        "at the bound and close to it": [
            call(0.25, 0.25, 0.5, 4),
            call(0.3, 0.3, 0.9, 100),
            call(3.0, 2.9, 0.5, 50),
        ],
        "below it from the start": [
            call(0.01, 0.3, 0.5, 4),
            call(0.02, 2.0, 0.99, 1000),
            call(2.0, 0.02, 0.5, 4),
        ],
    },
)

# %% [markdown] tags=["answer"]
# lr · factor^(t / steps) < bound means t > steps · log(bound / lr) / log(factor); both logarithms
# are negative, so the inequality turns round once. The first whole number *above* x is
# `floor(x) + 1`; `ceil(x)` is wrong where x is a whole number, as for `bound == lr`. At 0.95 per
# epoch the MNIST example would need about 45 epochs to reach a tenth of its rate; it has 5.

# %% [markdown] tags=["exercise"]
# ### Exercise 2.3 - Mend the rate that feeds itself (code, 4 points, about 15 minutes)
#
# Keras's `LearningRateScheduler` calls your function before every epoch with the number of the
# epoch and the rate of the epoch *before* (in epoch 0: the first rate), and trains the epoch with
# what you return. The published line
#
# ```python
# lr * factor ** (epoch // every)
# ```
#
# treats that rate as the initial one, and the decay compounds. Mend it **without** knowing the
# initial rate: write the function so that, called epoch after epoch, it makes the staircase that
# was meant: times `factor` after every `every` epochs. Use nothing but the arguments: whoever
# resumes at epoch 45 calls it for the first time there.
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


# %% tags=["check"] grade_id="ex-2-3" points=4
check("2.3", next_rate)

# %% tags=["probes"]
exercise(
    "2.3",
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
        call(0, 0.1, every=30, factor=0.1),
        call(45, 0.01, every=30, factor=0.1),
    ],
    locked=[through("fed_back", 10, 0.8, every=3, factor=0.2)],
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
# multiple, or call it twice, and the staircase is wrong for good, while a formula of the initial
# rate cannot forget.

# %% tags=["answer"]
# The answer at work: MultiplicativeLR wants the factor of each epoch, the answer for a rate of 1.
from torch import optim, zeros

trial = optim.SGD([zeros(1, requires_grad=True)], lr=0.1)
rule = optim.lr_scheduler.MultiplicativeLR(trial, lambda epoch: next_rate(epoch, 1.0, 2, 0.1))
for epoch in range(6):
    print(f"epoch {epoch}: {trial.param_groups[0]['lr']:.3g}")
    trial.step()
    rule.step()

# %% [markdown]
# ## In this notebook
#
# - A falling rate takes the ground of a high rate and the calm of a low one. On both classics a
#   decay to zero does the printed schedule's work in a fraction of the updates.
# - One schedule, three spellings: our formula, PyTorch's calls of `scheduler.step()`, Keras's
#   `decay_steps`. Say the unit.
# - A decay on the wrong clock, or one that feeds itself, or one that was used up before, raises no
#   error. Only the trace of applied rates shows it.
#
# **On your own.** On CIFAR-10 the shape of the decay and the number of epochs changed together.
# Which third experiment tells the two apart? And on which images would you judge it, now that we
# have looked at the test images so often?
#
# **References.** H. Robbins and S. Monro, *A stochastic approximation method*, 1951: why the rate
# must fall. K. He et al., arXiv:1512.03385: divide by ten. M. Li et al., *Budgeted training*,
# arXiv:1905.04753: linear to zero when updates are few. Bugs:
# [SRGAN-PyTorch#1](https://github.com/Lornatang/SRGAN-PyTorch/issues/1),
# [DeepDepthDenoising](https://github.com/VCL3D/DeepDepthDenoising/blob/ebc0f15/utils/opt.py),
# [d2l-en#1715](https://github.com/d2l-ai/d2l-en/issues/1715).
