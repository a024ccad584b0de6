# %% [markdown] tags=["setup"]
# # Plateau: a schedule that listens
#
# Every schedule so far was a formula of the step. This one waits until a measurement stops getting
# better, and cuts the rate then. You run the rule in both frameworks, on scripted numbers and on
# images, and count how often it cuts while the old rate still helps.
#
# **You will be able to:** say what each argument of reduce-on-plateau does in PyTorch and in Keras,
# and translate between them; choose a patience for a noisy measurement; and find the plateau rules
# that never cut, or cut when all is well.
#
# **You need:** lessons 2 and 3: a fixed rate has a noise floor, and a step decay lowers it.
#
# **Minutes:** 50

# %% tags=["setup"]
import math

framework = "torch"  # or "tensorflow"

# %%
import dataclasses
import warnings

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.optim import lr_scheduler

from course_lib.claims import mean_interval, record
from course_lib.data import load
from course_lib.plateau import Plateau
from course_lib.plots import PALETTE, plot_runs
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule, constant
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes
from course_lib.training import fit, updates

mnist = load("mnist")

# %% [markdown]
# ## 1. The rule, argument by argument
#
# After each evaluation the rule is given one number, the **metric**. If it is no new best, the
# evaluation is **bad**. After more than `patience` bad ones in a row the rate is multiplied by
# `factor`, and the count starts again:
#
#     better:             best = metric,  bad = 0
#     not better:         bad = bad + 1
#     bad > patience:     lr = max(lr * factor, min_lr),  bad = 0
#
# It needs a memory (`lr`, `best`, `bad`), so ours is an object with a method `update`.

# %%
plateau = Plateau(1.0, factor=0.5, patience=1)
[plateau.update(loss) for loss in (0.9, 0.7, 0.8, 0.75, 0.6, 0.6, 0.6)]

# %% [markdown]
# The same in each framework. In PyTorch you pass the metric to `scheduler.step`. Keras has a
# callback, to which `model.fit` passes the numbers of each epoch; here we do it.


# %%
def in_torch(metrics, lr=1.0, **arguments):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return rates


# %%
def in_keras(metrics, lr=1.0, **arguments):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(lr), "mse")
    callback = keras.callbacks.ReduceLROnPlateau("val_loss", **arguments)
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, metric in enumerate(metrics):
        callback.on_epoch_end(epoch, {"val_loss": metric})
        rates.append(float(model.optimizer.learning_rate))
    return rates


# %% [markdown]
# **Predict.** The loss stays at 1.0 for ever, and `patience=3`. Which call is the first to cut, in
# each framework? Change the percentages.

# %%
predict(
    "6.a",
    "A flat loss, patience=3: which call is the first to cut?",
    {
        "both at call 4": 25,
        "PyTorch at call 4, Keras at call 5": 25,
        "PyTorch at call 5, Keras at call 4": 25,
        "both at call 5": 25,
    },
)


# %%
def cuts(rates, lr=1.0):
    """The calls, counted from 1, after which the rate was lower than before."""
    return [call for call, pair in enumerate(zip([lr, *rates], rates), 1) if pair[1] < pair[0]]


flat = [1.0] * 8
first, second = (cuts(rule(flat, patience=3))[0] for rule in (in_torch, in_keras))
different = f"PyTorch at call {first}, Keras at call {second}"
outcome("6.a", f"both at call {first}" if first == second else different)

# %% [markdown]
# The first call sets the best; the next ones are bad. PyTorch allows `patience` bad evaluations and
# cuts at the next; Keras cuts at bad evaluation number `patience`. Users have stumbled over it
# since 2017 ([pytorch#2545](https://github.com/pytorch/pytorch/issues/2545)). It is not the only
# difference:
#
# | argument | `Plateau` here | PyTorch | Keras |
# |---|---|---|---|
# | monitor | passed to `update` | passed to `step` | a name in the logs: `"val_loss"` |
# | `factor` | `lr * factor` | the same | the same |
# | `patience=p` | cuts at bad one p + 1 | the same | at bad one p; 0 acts as 1 |
# | `mode` | `"min"` or `"max"` | the same | `"auto"` looks the metric up |
# | `threshold` | absolute | relative (`threshold_mode`) | absolute: `min_delta`, once `epsilon` |
# | `cooldown=c` | after a cut, c do not count | the same | c - 1 if c > 0 |
# | `min_lr` | the floor | the same | the same |
# | smallest change | `eps=0` | `eps=1e-8` | none |
# | `verbose` | none: keep the rates | gone | prints a line |
#
# `Plateau.from_torch` and `Plateau.from_keras` take the frameworks' own arguments. With them, one
# rule of twenty lines does what both do:

# %%
losses = [3, 2.5, 2.2, 2.3, 2.25, 2.24, 2.3, 2.1, 2.12, 2.1, 2.2, 2.1, 2.15, 2.1, 1.9, 2, 2, 2, 2]
arguments = dict(factor=0.5, patience=2, cooldown=3)
torch_rates, keras_rates = in_torch(losses, **arguments), in_keras(losses, **arguments)
for name, rates, ours in (
    ("PyTorch", torch_rates, Plateau.from_torch(1.0, **arguments)),
    ("Keras", keras_rates, Plateau.from_keras(1.0, **arguments)),
):
    print(f"{name:8} cuts at", cuts(rates), "ours:", [ours.update(m) for m in losses] == rates)

# %% alt="A scripted loss; below, two falling staircases: Keras cuts earlier, and once more."
figure, (top, bottom) = plt.subplots(
    2, figsize=(7.5, 4.2), dpi=90, sharex=True, layout="constrained"
)
steps = range(1, len(losses) + 1)
bottom.step(steps, torch_rates, where="post", color=PALETTE[0], label="PyTorch")
bottom.step(steps, keras_rates, where="post", color=PALETTE[1], linestyle="--", label="Keras")
top.plot(steps, losses, "o-", color="0.3")
top.set(ylabel="scripted loss")
top.set_title("the same arguments: patience=2, cooldown=3, factor=0.5", fontsize=10, loc="left")
bottom.set(xlabel="evaluation", ylabel="learning rate after it", yscale="log", xticks=steps[::2])
bottom.set_yticks([1, 0.5, 0.25, 0.125, 0.0625], ["1", "1/2", "1/4", "1/8", "1/16"])
bottom.minorticks_off()
bottom.legend(frameon=False)
for axes in (top, bottom):
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
from course_lib.widgets import plateau_cuts

plateau_cuts()  # your turn: make all three cut, none before 25; then draw a metric of your own

# %% [markdown]
# To make Keras cut where PyTorch does, ask for one more patience, one more cooldown (if there is
# any), and give both an absolute threshold:

# %%
absolute = dict(threshold_mode="abs", threshold=1e-4)
translated = in_keras(losses, factor=0.5, patience=3, cooldown=4, min_delta=1e-4)
print("the same rates:", translated == in_torch(losses, **arguments, **absolute))

# %% [markdown]
# Now the threshold. A relative one of 0.0001 asks for a gain of a ten-thousandth of the best so
# far; an absolute one for a gain of 0.0001, in whatever unit the metric has. Both losses below fall
# for ever:

# %%
scales = {
    "large": [1000 - 0.02 * call for call in range(12)],  # 0.02 less with every call
    "small": [0.001 * 0.99**call for call in range(12)],  # one per cent less with every call
}
for name, falling in scales.items():
    found = cuts(in_torch(falling, patience=2)), cuts(in_keras(falling, patience=3))
    print(f"{name} loss: PyTorch cuts at {found[0]}, Keras at {found[1]}")

# %% [markdown]
# ## 2. On images
#
# A linear model under a rate of 1.0, on 2,000 images of MNIST. The plateau is the schedule: `fit`
# tells it the loss on 2,000 held-out images after each epoch. The rates depend on what was heard,
# so they can be checked only afterwards: we give the same numbers to a second, fresh rule, and
# compare its rates.

# %%
few = dataclasses.replace(mnist, x_train=mnist.x_train[:4000], y_train=mnist.y_train[:4000])
how = dict(data=few, model="softmax", framework=framework, batch_size=20, validation=0.5)
epoch_steps = updates(few, epochs=1, batch_size=20, validation=0.5)


def listening(epochs=10, **arguments):
    plateau, again = Plateau(**arguments), Plateau(**arguments)
    run = fit(plateau, epochs=epochs, progress=False, **how)
    rates = [again.lr, *map(again.update, run.history["val_loss"])]  # rates[e] is of epoch e
    run.assert_lr_matches(lambda step: rates[step // epoch_steps])
    return run, rates[:-1]


# %% [markdown]
# **Predict.** The rule cuts the rate to a fifth. What will the held-out loss of the next epoch be,
# compared with the one before the cut? Change the numbers.

# %%
predict(
    "6.b",
    "Held-out loss in the epoch after the first cut?",
    {"higher": 33, "lower by less than a fifth": 34, "lower by more than a fifth": 33},
)

# %%
cut_run, rates = listening(lr=1.0, factor=0.2, patience=1)
heard = cut_run.history["val_loss"]
for epoch, (rate, loss) in enumerate(zip(rates, heard)):
    print(f"epoch {epoch}: rate {rate:<5.3g} held-out loss {loss:.3f}")

first_cut = next(epoch for epoch, rate in enumerate(rates) if rate < rates[0])
change = heard[first_cut] / heard[first_cut - 1] - 1
lower = f"lower by {'less' if change > -0.2 else 'more'} than a fifth"
outcome("6.b", "higher" if change >= 0 else lower)

# %%
plan = Schedule(constant, lr=1.0)
fixed_run = fit(plan, epochs=10, progress=False, **how)
fixed_run.assert_lr_matches(plan)
for name, run in {"fixed": fixed_run, "plateau": cut_run}.items():
    print(f"{name:8} held-out loss at the end {run.history['val_loss'][-1]:.3f}")

# %% alt="Rates, one constant and one cut twice, above the training loss, calmer after the cuts."
figure = plot_runs({"fixed 1.0": fixed_run, "plateau": cut_run}, log_rate=True)
figure.axes[1].set_ylim(0, 1)
figure

# %% [markdown]
# At the high rate the weights jump about, the held-out loss shows no progress, and the cut lets
# them settle: a step decay as in lesson 3, whose epoch nobody had to guess.
#
# ## 3. In each framework's own words
#
# An old recipe trains on randomly shifted images with a plateau callback, using `fit_generator`,
# which is gone from Keras. Today the shifts live in the `DataLoader` (PyTorch) or in a layer
# (Keras). Only the training images are shifted, and not alike: here PyTorch rolls a batch round the
# edges by whole pixels, Keras moves each image by fractions and fills with zeros. So the two runs
# have different losses, and each is checked against its own plan.

# %%
x, y = np.float32(few.x_train[:, None] / 255), few.y_train
train, held_out = slice(0, 1000), slice(1000, 3000)


def shifted(batch):
    """A batch of images, all moved by the same few pixels."""
    images, labels = torch.utils.data.default_collate(batch)
    right, down = torch.randint(-2, 3, (2,)).tolist()
    return torch.roll(images, (down, right), dims=(2, 3)), labels


# %%
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.2, patience=1)
images, labels = torch.from_numpy(x), torch.from_numpy(y)
pairs = torch.utils.data.TensorDataset(images[train], labels[train])
loader = torch.utils.data.DataLoader(pairs, batch_size=50, shuffle=True, collate_fn=shifted)
loss_of = torch.nn.CrossEntropyLoss()
applied, heard = [], []
for _ in range(10):
    applied.append(optimizer.param_groups[0]["lr"])
    for batch_images, batch_labels in loader:
        optimizer.zero_grad()
        loss_of(model(batch_images), batch_labels).backward()
        optimizer.step()
    with torch.no_grad():
        heard.append(loss_of(model(images[held_out]), labels[held_out]).item())
    scheduler.step(heard[-1])

rule = Plateau.from_torch(1.0, factor=0.2, patience=1)
assert applied == [1.0, *map(rule.update, heard)][:-1]
print("rates:", [f"{rate:.3g}" for rate in applied])

# %%
keras.utils.set_random_seed(0)
shift = keras.layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant")
model = keras.Sequential(
    [keras.Input((28, 28, 1)), shift, keras.layers.Flatten(), keras.layers.Dense(10)]
)
model.compile(
    keras.optimizers.SGD(1.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
)
callback = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=2)
x_last = np.moveaxis(x, 1, -1)  # Keras has the channels last
history = model.fit(
    x_last[train],
    y[train],
    batch_size=50,
    epochs=10,
    validation_data=(x_last[held_out], y[held_out]),
    callbacks=[callback],
    verbose=0,
).history

rule = Plateau.from_keras(1.0, factor=0.2, patience=2)
planned = [1.0, *map(rule.update, history["val_loss"])][:-1]
assert np.allclose(history["learning_rate"], planned, rtol=1e-6, atol=0)
print("rates:", [f"{rate:.3g}" for rate in history["learning_rate"]])

# %% [markdown]
# Two thin adapters of this course apply our `Plateau` to an optimizer. They count alike in both
# frameworks, raise an error for a metric that is not there, and can follow a warmup:

# %%
from course_lib.pytorch import TorchSchedule
from course_lib.tensorflow import PlateauCallback

optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
scheduler = TorchSchedule(optimizer, Plateau(1.0, factor=0.2, patience=1))
in_a_loop = [scheduler.update(loss) for loss in heard]  # what PyTorch heard above

callback = PlateauCallback(Plateau(1.0, factor=0.2, patience=1), monitor="val_loss")
callback.set_model(model)
callback.on_train_begin()
in_a_fit = []
for epoch, loss in enumerate(heard):
    callback.on_epoch_end(epoch, {"val_loss": loss})
    in_a_fit.append(float(model.optimizer.learning_rate))
print("the same rates:", np.array_equal(np.float32(in_a_loop), in_a_fit))

# %% [markdown]
# ## 4. Break it: noise that looks like a plateau
#
# An evaluation is bad when it is not a new best, whatever the reason. We recorded ten runs at a
# small *fixed* rate, at which the loss falls to the end. After every 25 updates it was measured
# twice: on 500 held-out images (noisy), and on 5,000 others (steady). We let the rule hear the
# noisy numbers and note its **alarms**, where it would have cut. As nothing was cut, the record
# also shows what the old rate still reached afterwards (not whether a cut would have ended better).
#
# **Predict.** With `patience=2`, how many alarms are there in such a run of 80 evaluations, on
# average?

# %%
predict(
    "6.c",
    "Alarms in a run, patience=2?",
    {"fewer than 1": 25, "1 to 3": 25, "3 to 5": 25, "more than 5": 25},
)

# %%
lines = [line for line in record("plateau_noise") if line["framework"] == framework]


def alarms(metrics, patience):
    plateau = Plateau(1.0, factor=0.5, patience=patience)
    return cuts([plateau.update(metric) for metric in metrics])


counts = [len(alarms(line["noisy"], patience=2)) for line in lines]
print("seed by seed:", counts)
mean = np.mean(counts)
some = "1 to 3" if mean < 3 else "3 to 5" if mean < 5 else "more than 5"
outcome("6.c", "fewer than 1" if mean < 1 else some)

# %% alt="Loss on 500 and on 5,000 images, both falling with jitter, and lines at the alarms."
line = lines[0]
figure, axes = plt.subplots(figsize=(7.5, 3.2), dpi=90, layout="constrained")
at = [25 * (number + 1) for number in range(len(line["noisy"]))]
axes.plot(at, line["noisy"], color=PALETTE[1], linestyle="--", label="on 500 images")
axes.plot(at, line["steady"], color=PALETTE[0], label="on 5,000 others")
for number, call in enumerate(alarms(line["noisy"], patience=2)):
    label = None if number else "alarm at patience=2"
    axes.axvline(at[call - 1], color="0.5", linestyle=":", label=label)
axes.set(xlabel="update", ylabel="held-out loss", ylim=(0.2, 0.8))
title = f"{line['data']}, rate 0.05 throughout, seed {line['seed']}"
axes.set_title(title, fontsize=10, loc="left")
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# {{plateau-alarms}} So an alarm did not mean a plateau. Two kinds of noise add up. 500 images are a
# sample: that noise shrinks with more images. And the weights themselves jump with every batch: that
# noise does not. One lucky low number is then hard to beat
# ([pytorch#30873](https://github.com/pytorch/pytorch/issues/30873) shows it after a spike).
#
# Two remedies, more patience and more images:

# %% alt="Alarms per run against patience: a steep fall, lower for 5,000 images, none at 10."
patiences = range(11)
figure, axes = plt.subplots(figsize=(7.5, 3.2), dpi=90, layout="constrained")
for key, name, color, form in (
    ("noisy", "500 images", 1, "s--"),
    ("steady", "5,000 images", 0, "o-"),
):
    counts = [[len(alarms(line[key], p)) for line in lines] for p in patiences]
    mean, half = np.transpose([mean_interval(each) for each in counts])
    axes.errorbar(patiences, mean, half, fmt=form, color=PALETTE[color], label=name)
axes.set(xlabel="patience, in evaluations", ylabel="alarms per run")
axes.set_title(f"{framework}, n = {len(lines)}: mean and 95 % interval", fontsize=10, loc="left")
axes.set_xticks(patiences)
axes.grid(alpha=0.25)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# {{plateau-patience}} {{plateau-images}} Take the smallest patience with under one alarm a run
# while the loss still falls: on 500 images, 5. <!-- shown --> Patience has a price: on a real
# plateau the rule wastes `patience + 1` evaluations (Keras: `patience`) before each cut. Patience
# counts *evaluations*: evaluate twice as often, and the same patience lasts half as long.
#
# ## 5. Spot the bug: plateaus that never cut, or cut too soon
#
# **The wrong name.** DeepVirFinder's early stopping watched `val_acc`, which Keras had renamed
# `val_accuracy` ([issue 12](https://github.com/jessieren/DeepVirFinder/issues/12)). A tutorial
# behind this course has a plateau on it ([errata
# E28](../docs/errata.md#e28-a-plateau-on-val_acc)).
#
# **Predict.** `ReduceLROnPlateau(monitor="val_acc", mode="max")`, on an accuracy that never gets
# better. What does Keras 3 do?

# %%
predict(
    "6.d",
    "Keras, monitor='val_acc', mode='max'?",
    {"an error": 33, "warnings, and no cut": 34, "a cut": 33},
)


# %%
def trial(**arguments):
    """What happens in three epochs of a model that learns nothing, with this callback."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, trainable=False)])
    model.compile(keras.optimizers.SGD(0.1), "mse", metrics=["accuracy"], run_eagerly=True)
    zeros = np.zeros((2, 1))
    callback = keras.callbacks.ReduceLROnPlateau(patience=1, **arguments)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fitted = dict(validation_data=(zeros, zeros), callbacks=[callback], verbose=0)
            rates = model.fit(zeros, zeros, epochs=3, **fitted).history["learning_rate"]
        except ValueError:
            return "an error"
    if min(rates) < rates[0]:
        return "a cut"
    return "warnings, and no cut" if any("val_acc" in str(w.message) for w in caught) else "nothing"


for arguments in (dict(monitor="val_acc"), dict(monitor="val_accuracy", mode="max")):
    print(arguments, "->", trial(**arguments))
outcome("6.d", trial(monitor="val_acc", mode="max"))

# %% [markdown]
# Without a mode, Keras looks the metric up to choose one, and raises an error. With `mode="max"` it
# only warns, and the rate never changes.
#
# **The wrong argument.** Keras renamed `epsilon` to `min_delta`
# ([keras#9723](https://github.com/keras-team/keras/pull/9723)). The old name has no effect:

# %%
steps_of_one = [10.0, 9.0, 8.0, 7.0]
for word in ("epsilon", "min_delta"):
    print(f"{word}=5: Keras cuts at", cuts(in_keras(steps_of_one, patience=2, **{word: 5})))

# %% [markdown]
# **The wrong direction.** In ViS4mer, PyTorch's rule heard an *accuracy*, in its default mode
# `"min"` ([issue 4](https://github.com/md-mohaiminul/ViS4mer/issues/4); its author guessed that this
# was not intended). So every rise was a bad evaluation:

# %%
accuracy = [0.50, 0.58, 0.65, 0.71, 0.76, 0.80, 0.83, 0.85]
for mode in ("min", "max"):
    rates = in_torch(accuracy, lr=0.1, patience=2, mode=mode)
    print(f"mode={mode!r}:", [f"{rate:.3g}" for rate in rates])

# %% [markdown]
# **The wrong floor.** DeepACSA passed its learning rate as `min_lr` too ([issue
# 36](https://github.com/PaulRitsche/DeepACSA/issues/36), confirmed), and its early stopping ended a
# run before the rule could cut. Either mistake alone keeps the rate from falling.

# %%
print("Keras cuts at", cuts(in_keras([1.0] * 40, lr=0.001, min_lr=0.001, patience=10), lr=0.001))

# %% [markdown]
# PyTorch is stricter about arguments: each of these lines raises an error.

# %%
scheduler = lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([torch.zeros(1)], lr=0.1))
for line in (
    "scheduler.step()",
    "lr_scheduler.ReduceLROnPlateau(scheduler.optimizer, verbose=True)",
):
    try:
        eval(line)
    except TypeError as error:
        print(f"{line}\n    TypeError: {error}")

# %% [markdown]
# **Fix them** all in the same way: print the name, the mode and the floor once, and look at the
# recorded rates. A plateau rule that never cuts in a long run is as suspicious as one that cuts
# every third epoch.
#
# ## What you take along
#
# 1. A plateau rule places a step decay by measurement. It has a memory, so its rates can be checked
#    only against what it heard.
# 2. Patience, threshold and cooldown count differently in PyTorch and Keras; translate them, or use
#    one rule for both.
# 3. A bad evaluation is not yet a plateau. Noise alone produces bad evaluations; patience keeps a
#    few from cutting the rate.
#
# **An open question.** The rule cannot tell why a metric stopped getting better: noise, the floor
# of the rate, or a network that begins to memorise its training images. A cut helps in one of the
# three. What would a rule have to hear to know which?
#
# **References.** The two classes:
# [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html),
# [Keras](https://keras.io/api/callbacks/reduce_lr_on_plateau/) ·
# [keras#15863](https://github.com/keras-team/keras/issues/15863) asks Keras for a relative
# threshold · [pytorch#47513](https://github.com/pytorch/pytorch/issues/47513): a relative threshold
# takes a worse negative loss for a better one · K. He et al., *Deep residual learning*, 2015,
# [arXiv:1512.03385](https://arxiv.org/abs/1512.03385): divide by ten when the error plateaus.

# %% [markdown] tags=["exercise"]
# ### Exercise 6.1 - The rule itself (code, 3 points, about 12 minutes)
#
# Write the plateau rule for a loss. For each evaluation, in this order:
#
# - a loss below the best so far is the new best, and the count of bad ones starts again at 0; any
#   other loss, also an equal one or `nan`, is bad and adds 1 to the count. Before the first one the
#   best is infinite;
# - in a cooldown the count is set back to 0 (and the cooldown is one evaluation shorter);
# - a count *above* `patience` multiplies the rate by `factor`, sets the count back to 0 and starts
#   a cooldown of `cooldown` evaluations.
#
# **Deliver:** `plateau_rates`, a list with the rate after each evaluation.
#
# **Success:** every rate follows the rule, for any losses and arguments, also for an empty list of
# losses and for those of a diverged run (`inf`, `nan`).
#
# Example: `plateau_rates([3, 2, 2, 2, 1], lr=1.0, factor=0.5, patience=1, cooldown=0)` is
# `[1.0, 1.0, 1.0, 0.5, 0.5]`.


# %% tags=["exercise"]
def plateau_rates(losses, *, lr, factor, patience, cooldown):
    """The rate after each evaluation."""
    ### BEGIN SOLUTION
    rates, best, bad, wait = [], math.inf, 0, 0
    for loss in losses:
        if loss < best:
            best, bad = loss, 0
        else:
            bad += 1
        if wait > 0:
            wait, bad = wait - 1, 0
        if bad > patience:
            lr, bad, wait = lr * factor, 0, cooldown
        rates += [lr]
    return rates
    ### END SOLUTION


# Try it: plateau_rates([3, 2, 2, 2, 1], lr=1.0, factor=0.5, patience=1, cooldown=0)

# %% tags=["check"] grade_id="06-rule" points=3
from course_lib.checks import check

check("6.1", plateau_rates)

# %% tags=["probes"]
from course_lib.exercises import call, exercise

exercise(
    "6.1",
    plateau_rates,
    hints=[
        "The rule needs three numbers beside the rate: the best loss so far, the count of bad "
        "evaluations, and how much of the cooldown is left.",
        "Let `best` start at `math.inf`; in a loop over the losses keep the order of the three "
        "points, and append the rate at the end of each turn.",
        "Better: `best, bad = loss, 0`, else `bad += 1`. Then `if wait > 0: wait, bad = wait - 1, "
        "0`. Then `if bad > patience:` cut, `bad = 0`, `wait = cooldown`.",
    ],
    shown=[
        call([3, 2, 2, 2, 1], lr=1.0, factor=0.5, patience=1, cooldown=0),
        call([1.0] * 7, lr=0.1, factor=0.1, patience=2, cooldown=0),
        call([1.0] * 9, lr=1.0, factor=0.5, patience=1, cooldown=2),
        call([5, 4, 4.5, 4.2, 3.9, 4.1, 4.0, 4.3], lr=0.8, factor=0.5, patience=1, cooldown=1),
        call([], lr=0.8, factor=0.5, patience=1, cooldown=0),
        call([5e20, 4e20, 4.5e20, 3e20, 3.5e20], lr=0.8, factor=0.5, patience=1, cooldown=0),
        call([1, 0, 2, 1, 3, 4, 2, 1], lr=1.0, factor=0.5, patience=0, cooldown=0),
        call(
            [math.inf, 3, math.nan, 2, 2.5, math.nan, 1], lr=1.0, factor=0.5, patience=0, cooldown=0
        ),
    ],
    locked=[
        call([2, 3, 1, 1, 1.5, 1, 0.5, 2, 2, 2], lr=0.3, factor=0.2, patience=1, cooldown=1),
        call([300, 200, 250, 220, 210, 205], lr=1.0, factor=0.5, patience=1, cooldown=0),
        call([4, 5, 1, 6, 2, 2], lr=1.0, factor=0.5, patience=0, cooldown=2),
        call([2.0, 1.99999, 2.0], lr=1e-8, factor=0.5, patience=0, cooldown=0),
    ],
    hidden={
        "patience": [
            call([1.0] * 11, lr=0.4, factor=0.5, patience=3, cooldown=0),
            call([9, 8, 8.5, 8.2, 8.1, 7, 7.2, 7.1], lr=2.0, factor=0.1, patience=2, cooldown=0),
            call([4, 4, 3, 3, 2, 2, 2], lr=1.0, factor=0.25, patience=0, cooldown=0),
            call([1.0] * 6, lr=1e-8, factor=0.5, patience=1, cooldown=0),
            call([5, 6, 4, 6, 3], lr=1.0, factor=0.5, patience=1, cooldown=0),
            call([7e20, 6e20, 5e20, 5.5e20], lr=1.0, factor=0.5, patience=1, cooldown=0),
        ],
        "the best so far, not the last": [
            call([5, 6, 5.5, 5.2, 5.1, 5.3], lr=1.0, factor=0.5, patience=2, cooldown=0),
            call([-1, -2, -1.5, -1.8, -1.9, -2.5], lr=0.6, factor=0.5, patience=1, cooldown=0),
            call([700.0, 600.0, 650.0, 640.0, 590.0], lr=0.6, factor=0.1, patience=1, cooldown=0),
            call([3, 5, 5, 4, 4, 3.5, 3.5], lr=0.6, factor=0.5, patience=1, cooldown=0),
            call([1.0, 0.99999, 0.99998, 0.99997], lr=0.6, factor=0.1, patience=0, cooldown=0),
            call([0.5, 0.0, 0.2, 0.1], lr=1.0, factor=0.5, patience=0, cooldown=0),
            call([math.nan, 3, 2, 1], lr=1.0, factor=0.5, patience=1, cooldown=0),
            call([math.inf, 1.0], lr=0.9, factor=0.3, patience=0, cooldown=0),
            call([2, math.nan, math.nan, 1.5, 1.6], lr=1.0, factor=0.5, patience=1, cooldown=0),
            call([1.0] * 9, lr=0.6, factor=0.5, patience=0, cooldown=0),
        ],
        "cooldown": [
            call([1.0] * 14, lr=1.0, factor=0.5, patience=1, cooldown=3),
            call([2, 2, 2, 1, 1, 1, 1, 1, 1], lr=1.0, factor=0.5, patience=0, cooldown=1),
            call([3, 4, 2, 5, 1, 6, 7, 8, 9], lr=0.2, factor=0.3, patience=0, cooldown=2),
            call([3, 3, 1, 2, 2, 2, 2], lr=1.0, factor=0.5, patience=0, cooldown=1),
        ],
    },
    library=["Plateau"],
)

# %% [markdown] tags=["answer"]
# Three numbers are the whole memory; a checkpoint needs them all. Frequent slips: counting from the
# first loss on (it is the best so far, so not a bad one), `>=` in place of `>` (that is Keras),
# comparing with the loss before in place of the best, taking an equal loss for a better one,
# forgetting that a cooldown still lets a new best be noted, and letting PyTorch's class do it with
# its defaults, for which a gain of a hundred-thousandth does not count.

# %% [markdown] tags=["exercise"]
# ### Exercise 6.2 - Translate a plateau (concept, 2 points, about 8 minutes)
#
# Somebody moves a run from PyTorch to Keras. Given the arguments of PyTorch's rule, return those of
# Keras's `ReduceLROnPlateau` that cut at the same evaluations.
#
# - PyTorch cuts at bad evaluation `patience + 1`, Keras at number `patience`.
# - After a cut, PyTorch leaves `cooldown` evaluations uncounted, Keras `cooldown - 1` (for a
#   cooldown of 0, neither leaves any).
# - A relative threshold has no counterpart in Keras: raise a `ValueError`. (The check does not ask
#   for a relative threshold of 0, which would be `min_delta=0`.)
#
# **Deliver:** `to_keras`, which returns a dict with the keys `"patience"`, `"min_delta"` and
# `"cooldown"`.
#
# **Success:** with these, both frameworks cut at the same evaluations.
#
# Example: `to_keras(patience=3, threshold=0.01, threshold_mode="abs", cooldown=0)` is
# `{"patience": 4, "min_delta": 0.01, "cooldown": 0}`.


# %% tags=["exercise"]
def to_keras(*, patience, threshold, threshold_mode, cooldown):
    """The arguments of Keras's rule that cuts where PyTorch's does."""
    ### BEGIN SOLUTION
    if threshold_mode != "abs":
        raise ValueError("Keras has no relative threshold")
    cooldown = cooldown + 1 if cooldown else 0
    return {"patience": patience + 1, "min_delta": threshold, "cooldown": cooldown}
    ### END SOLUTION


# Try it: to_keras(patience=3, threshold=0.01, threshold_mode="abs", cooldown=0)

# %% tags=["check"] grade_id="06-translate" points=2
from course_lib.checks import check

check("6.2", to_keras)

# %% tags=["probes"]
absolute, relative = {"threshold_mode": "abs"}, {"threshold_mode": "rel"}

exercise(
    "6.2",
    to_keras,
    hints=[
        "Which patience must Keras have to cut at bad evaluation 4, where PyTorch has 3?",
        "Patience is one more. So is the cooldown, unless there is none: then there is none in "
        "Keras either.",
        "Raise where `threshold_mode` is not `'abs'`; else the dict of `patience + 1`, "
        "`threshold`, and `cooldown + 1 if cooldown else 0`.",
    ],
    shown=[
        call(patience=3, threshold=0.01, cooldown=0, **absolute),
        call(patience=0, threshold=0.5, cooldown=2, **absolute),
        call(patience=10, threshold=0.0001, cooldown=0, **relative),
        call(patience=4, threshold=0.25, cooldown=2, **relative),
    ],
    locked=[
        call(patience=2, threshold=0.25, cooldown=1, **absolute),
        call(patience=7, threshold=0, cooldown=3, **absolute),
        call(patience=5, threshold=0.0002, cooldown=0, **absolute),
    ],
    hidden={
        "patience and threshold": [
            call(patience=10, threshold=0.0001, cooldown=0, **absolute),
            call(patience=1, threshold=0, cooldown=0, **absolute),
        ],
        "cooldown": [
            call(patience=4, threshold=0.125, cooldown=1, **absolute),
            call(patience=5, threshold=1, cooldown=7, **absolute),
            call(patience=6, threshold=0.75, cooldown=0, **absolute),
        ],
        "what cannot be said": [
            call(patience=4, threshold=0.125, cooldown=1, **relative),
            call(patience=4, threshold=0.0625, cooldown=3, **absolute),
            call(patience=2, threshold=0.5, cooldown=0, **relative),
        ],
    },
)

# %% [markdown] tags=["answer"]
# One more patience, one more cooldown unless it is 0, the threshold as it is. A frequent slip is
# the other direction, one less: that is the way from Keras to PyTorch. PyTorch's `eps` and Keras's
# 32-bit comparison remain; they matter for tiny rates and tiny steps only.

# %% [markdown] tags=["exercise"]
# ### Exercise 6.3 - Fix the rule that forgets its best (bug, 3 points, about 12 minutes)
#
# This rule has the logic of a published PyTorch scheduler
# ([pytorch-lr-scheduler, issue 4](https://github.com/sooftware/pytorch-lr-scheduler/issues/4)):
#
# ```python
# def published(values, *, mode, lr, factor, patience):
#     rates, last, bad = [], 100.0, 0
#     for value in values:
#         bad = bad + 1 if value > last else 0
#         last = value
#         if bad == patience:
#             lr, bad = lr * factor, 0
#         rates.append(lr)
#     return rates
# ```
#
# It has four faults. It compares with the value *before*, so that a zigzag without any progress
# never cuts. It takes an equal value for progress. A first loss above 100 counts as bad. And `mode`
# is not used: an accuracy is cut while it rises, as in
# [ViS4mer, issue 4](https://github.com/md-mohaiminul/ViS4mer/issues/4). Its counting stays: the cut
# comes at bad value number `patience` (which is at least 1), as in Keras.
#
# **Deliver:** `corrected`, the same function without the four faults. `mode` is `"min"` or `"max"`.
#
# **Success:** for one or more finite values: the first is never bad, and any other is bad exactly
# when it is no better than the best so far.
#
# Example: `corrected([5, 4, 5, 4], mode="min", lr=1.0, factor=0.5, patience=2)` is
# `[1.0, 1.0, 1.0, 0.5]`.


# %% tags=["exercise"]
def corrected(values, *, mode, lr, factor, patience):
    """The rate after each value; cut at bad value number `patience`."""
    ### BEGIN SOLUTION
    rates, best, bad = [], None, 0
    for metric in values:
        better = best is None or (metric < best if mode == "min" else metric > best)
        best, bad = (metric, 0) if better else (best, bad + 1)
        if bad >= patience:
            bad, lr = 0, lr * factor
        rates += [lr]
    return rates
    ### END SOLUTION


# Try it: corrected([5, 4, 5, 4], mode="min", lr=1.0, factor=0.5, patience=2)

# %% tags=["check"] grade_id="06-mended" points=3
from course_lib.checks import check

check("6.3", corrected)

# %% tags=["probes"]
exercise(
    "6.3",
    corrected,
    hints=[
        "`last = value` runs for every value. When should the number that later values are "
        "compared with change?",
        "Keep `best` in place of `last`: change it only when the value is better. Start with "
        "`None`, and let the first value always be better.",
        '`better = best is None or (value < best if mode == "min" else value > best)`; if better: '
        "`best, bad = value, 0`; else `bad += 1`. The rest stays.",
    ],
    shown=[
        call([5, 4, 5, 4], mode="min", lr=1.0, factor=0.5, patience=2),
        call([3.0, 3.0, 3.0, 3.0], mode="min", lr=0.1, factor=0.1, patience=1),
        call([0.5, 0.6, 0.7, 0.65, 0.7, 0.69], mode="max", lr=0.1, factor=0.5, patience=2),
        call([9e20, 8e20, 7e20, 7.5e20], mode="min", lr=0.1, factor=0.5, patience=1),
        call([3, 4, 3.5, 3.2, 5], mode="min", lr=1.0, factor=0.5, patience=1),
        call([-900, -800, -800], mode="max", lr=0.1, factor=0.5, patience=1),
        call([2, 2, 2], mode="min", lr=1e-6, factor=0.5, patience=1),
    ],
    locked=[
        call([0.4, 0.5, 0.45, 0.5, 0.6, 0.55], mode="max", lr=0.6, factor=0.1, patience=2),
        call([1.0, 0.99999, 1.0], mode="min", lr=1.0, factor=0.5, patience=1),
        call([0, 2, 1], mode="min", lr=1.0, factor=0.2, patience=2),
        call([5, 6, 4, 6, 3], mode="min", lr=1.0, factor=0.5, patience=2),
    ],
    hidden={
        "a zigzag without progress": [
            call([2, 3, 2, 3, 2, 3, 2], mode="min", lr=0.3, factor=0.5, patience=3),
            call([1.0, 1.2, 1.1, 1.05, 0.9, 1.3, 1.0], mode="min", lr=0.8, factor=0.1, patience=2),
        ],
        "equal values, and nearly equal ones": [
            call([1.0, 0.99999, 0.99998, 0.99997], mode="min", lr=1.0, factor=0.5, patience=2),
            call([7, 7, 7, 6, 6, 6, 6, 6], mode="min", lr=1.0, factor=0.5, patience=2),
            call([0.9, 0.9, 0.9, 0.9], mode="max", lr=2.0, factor=0.5, patience=3),
        ],
        "large, zero and negative losses": [
            call([0, 1, 2, 1], mode="min", lr=1.0, factor=0.5, patience=2),
            call([2.5e20, 3e20, 2e20, 2.1e20], mode="min", lr=1.0, factor=0.2, patience=1),
            call([-5, -6, -5.5, -5.8, -7], mode="min", lr=1.0, factor=0.2, patience=2),
            call([150.0], mode="min", lr=0.7, factor=0.2, patience=1),
            call([1, 1, 1], mode="min", lr=1e-6, factor=0.5, patience=1),
        ],
        "an accuracy": [
            call([0.1, 0.3, 0.5, 0.4, 0.45, 0.6, 0.5], mode="max", lr=0.4, factor=0.5, patience=2),
            call([0.8, 0.7, 0.75, 0.79, 0.81], mode="max", lr=0.4, factor=0.5, patience=1),
            call([-2e20, -1e20, -3e20, -2e20], mode="max", lr=0.4, factor=0.25, patience=1),
        ],
    },
    library=["Plateau"],
)

# %% [markdown] tags=["answer"]
# The published rule calls the value before "the best". On a noisy plateau about every second value
# is lower than the one before, so its count keeps falling back to 0. `None` for "nothing heard yet"
# needs no guess about the size of a loss; `math.inf` and `-math.inf` work as well. A frequent slip
# is to fix the direction by `value < best` for both modes with the values negated only once.

# %% [markdown] tags=["exercise"]
# ### Exercise 6.4 - Was it too early? (extended, 3 points, about 15 minutes)
#
# Judge the rule after a run whose rate was *not* touched, as in section 4. The rule hears `noisy`.
# It calls a plateau after more than `patience` bad evaluations in a row, and then counts from 0
# again. (Bad: not below the lowest of `noisy` so far.) A call at place `i` was **too early** if
# `steady` reaches a new low later: some `steady[j]` with `j > i` is below all of `steady[0]` to
# `steady[i]`.
#
# **Deliver:** `too_early`, a list of the places, counted from 0, of the calls that were too early.
#
# **Success:** the right places for every run, also where no call is too early.
#
# Example: `too_early([5, 6, 4, 5, 6], [5, 4, 3, 2, 1], patience=0)` is `[1, 3]`: there is a call at
# 4, too, but nothing comes after it.


# %% tags=["exercise"]
def too_early(noisy, steady, *, patience):
    """The places at which the rule called a plateau before the steady loss had reached its low."""
    ### BEGIN SOLUTION
    places, best, bad = [], math.inf, 0
    for place, loss in enumerate(noisy):
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > patience:
            bad = 0
            if min(steady[place:]) < min(steady[: place + 1]):
                places.append(place)
    return places
    ### END SOLUTION


# Try it: too_early([5, 6, 4, 5, 6], [5, 4, 3, 2, 1], patience=0)

# %% tags=["check"] grade_id="06-too-early" points=3
from course_lib.checks import check

check("6.4", too_early)

# %% tags=["probes"]
falls = [9.0, 7.0, 6.0, 5.5, 5.0, 4.8, 4.6, 4.5, 4.45, 4.4]
jumps = [9.1, 6.8, 6.9, 7.0, 6.7, 6.8, 6.9, 6.95, 6.6, 6.65]
stops = [9.0, 7.0, 6.0, 5.0, 5.5, 5.2, 5.1, 5.3, 5.4, 5.2]

exercise(
    "6.4",
    too_early,
    hints=[
        "Two questions, one after the other: where does the rule call, and which of these calls "
        "came before the lowest steady loss?",
        "Go through `noisy` with a best and a count, as in the rule. At a call set the count back "
        "to 0, and look at `steady` before and after this place.",
        "At a call at `place`: too early if `min(steady[place:]) < min(steady[:place + 1])`.",
    ],
    shown=[
        call([5, 6, 4, 5, 6], [5, 4, 3, 2, 1], patience=0),
        call(jumps, falls, patience=1),
        call(jumps, stops, patience=1),
        call([3, 2, 2, 2], [4, 3, 3, 3], patience=0),
        call([3e20, 2e20, 2.5e20, 2.2e20, 2.1e20, 2.4e20], [6, 5, 4, 3, 2, 1], patience=1),
        call([2, 3, 3, 3], [900, 800, 800, 799.995], patience=0),
        call([-3, -5, -4, -4.5], [-1, -2, -3, -4], patience=0),
    ],
    locked=[
        call([0, 2, 1, 3], [3, 2, 0, 1], patience=0),
        call([2, 6, 6, 4, 2, 3], [6, 5, 4, 3, 2, 1], patience=0),
        call(jumps, [9, 8, 7, 6, 6.5, 5.9, 6.1, 6.2, 6.0, 6.3], patience=0),
        call([3, 2.99999, 3, 2], [4, 3, 2, 1], patience=0),
    ],
    hidden={
        "a run that falls to the end": [
            call(jumps, falls, patience=0),
            call([4, 5, 5, 5, 3, 4, 4, 4, 4], [9, 8, 7, 6, 5, 4, 3, 2, 1], patience=2),
            call([2.0] * 8, [8, 7, 6, 5, 4, 3, 2, 1], patience=2),
            call([5, 3, 4, 3.5, 3.4, 3.3], [6, 5, 4, 3, 2, 1], patience=1),
            call([1, 5, 4, 3, 2], [5, 4, 3, 2, 1], patience=0),
            call([0.0, 1.0, 0.5], [3, 2, 1], patience=0),
            call([-1, -2, -1.5, -1.8, -3], [-1, -2, -3, -4, -5], patience=0),
            call([1, 2, 2, 2], [4, 3, 3, 2.995], patience=0),
            call([1, 2, 2], [300, 200, 100], patience=0),
        ],
        "a run that stops falling": [
            call(jumps, stops, patience=0),
            call([2.0] * 8, [8, 7, 6, 5, 5, 5, 5, 5], patience=1),
            call([1, 2, 2, 2, 2, 2], [3, 4, 5, 6, 7, 2], patience=0),
            call([5, 6, 7, 8], [5, 4, 2, 4.5], patience=0),
        ],
        "nothing too early": [
            call([6, 5, 4, 3, 2], [5, 4, 3, 2, 1], patience=0),
            call([3e20, 2e20, 1.5e20], [3, 2, 1], patience=0),
            call([1, 2, 3, 4, 5], [1, 2, 3, 4, 0.5], patience=1),
            call([1, 2, 3, 4], [1, 2, 3, 4], patience=1),
            call([1, 2, 3, 4], [1.0, 0.0, 0.5, 0.2], patience=0),
            call([2.0, 1.99999, 1.99998, 1.99997], [4, 3, 2, 1], patience=0),
        ],
    },
    library=["Plateau"],
)

# %% [markdown] tags=["answer"]
# `steady[place:]` may include the place itself: the comparison is strict, so it changes nothing,
# and at the last place there is no empty list to take the minimum of. Frequent slips: using the
# noisy losses for the second question as well, comparing with the last steady loss in place of the
# lowest, and going on counting after a call. The judgement needs a run that was left alone: after a
# real cut nobody knows what the old rate would have reached.
