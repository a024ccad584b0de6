# %% [markdown] tags=["setup"]
# # The range test: look for a rate in one short run
#
# Raise the rate with every update, from far too small to far too large, and record the loss. You
# build this **range test** in both frameworks, read a rate off its curve by four published rules,
# and measure over ten seeds how much such a reading is worth.
#
# **You will be able to:** run a range test and say what each point of its curve means; smooth the
# curve and stop the test in time; judge a suggestion by its spread; and put everything back
# afterwards, so that the test leaves no trace.
#
# **You need:** lesson 1 (the edge, the sweep).
#
# **Minutes:** 55

# %% tags=["setup"]
import math

import numpy as np

framework = "torch"  # or "tensorflow"

# %%
import copy

import matplotlib.pyplot as plt
import torch

from course_lib.claims import record
from course_lib.data import load
from course_lib.lr_finder import METHODS, find_lr
from course_lib.plots import PALETTE, look, looks, smooth
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule
from course_lib.tensorflow import keras, tf  # Keras and TensorFlow without their start-up notes
from course_lib.training import fit

mnist = load("mnist")

# %% [markdown]
# ## 1. A schedule that rises
#
# What matters is the ratio of two rates, so the test takes equal steps on a *log* scale. With
# `steps` updates, update i (from 0 on) has the rate
#
#     lr(i) = start_lr * (end_lr / start_lr) ** (i / (steps - 1))
#
# The first is `start_lr`, the last exactly `end_lr`. That is an exponential schedule, only upwards,
# and `fit` can run it like any other.


# %%
def rising(step, *, start_lr, end_lr, steps):
    return start_lr * (end_lr / start_lr) ** (step / (steps - 1))


plan = Schedule(rising, start_lr=1e-4, end_lr=30.0, steps=100)
print([f"{plan(step):.4g}" for step in (0, 1, 50, 98, 99)])

# %% [markdown]
# **Predict.** A network 784-128-10, 100 updates on batches of 128 images, the rate rising from
# 0.0001 to 30. At which rate is the smoothed loss lowest, before it explodes? Change the numbers.

# %%
predict(
    "7.a",
    "The rate at the lowest smoothed loss?",
    {"below 0.1": 25, "0.1 to 0.5": 25, "0.5 to 2": 25, "above 2": 25},
)

# %%
how = dict(data=mnist, framework=framework, batch_size=128, progress=False)
run = fit(plan, max_updates=100, **how)
run.assert_lr_matches(plan)
if run.diverged is not None:
    print(f"diverged at update {run.diverged}, rate {plan(run.diverged):.3g}")
rates, losses = np.array(run.lr), np.array(run.loss)
low = rates[np.argmin(smooth(losses))]
some = "0.1 to 0.5" if low < 0.5 else "0.5 to 2" if low < 2 else "above 2"
outcome("7.a", "below 0.1" if low < 0.1 else some)


# %% alt="Loss over the rate: flat up to about 0.05, then down to a low near 0.7, then up and out."
def draw(curves, title, rates=rates, widths=(1.5, 1.5, 1.5)):
    _, axes = plt.subplots(figsize=(7.5, 3.2), dpi=90, layout="constrained")
    for (label, values), style, width in zip(curves.items(), looks(curves).values(), widths):
        faint = 0.4 if width > 2 else 1.0  # a wide line lies under another
        axes.plot(rates, values, label=label, linewidth=width, alpha=faint, **style)
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss", ylim=(0, 3.5))
    axes.set_title(title, fontsize=10, loc="left")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    plt.show()


draw({"each batch": losses}, f"{mnist.title}, {framework}, one seed (n = 1)")

# %% [markdown]
# The curve has three parts: rates too small to matter, rates at which the loss falls, rates out of
# control. Read the points with care. Each loss is measured *before* the update with its rate, so it
# shows the effect of the rates before. And the network was not trained at this rate alone: it came
# here through all the smaller ones.
#
# ## 2. The same in PyTorch and in Keras
#
# The rate is set before each update, and read back from the optimizer. Both start a linear model at
# zero and see the same batches. Late losses explode, and rounding with them, so we compare 60.

# %%
lrs = plan.values(100)
rows = np.resize(np.arange(len(mnist.x_train)), (100, 64))  # a batch of 64 for each rate
x = np.float32(mnist.x_train[rows].reshape(100, 64, 784) / 255)
y = mnist.y_train[rows]

# %%
model = torch.nn.Linear(784, 10)
for weights in model.parameters():
    torch.nn.init.zeros_(weights)
optimizer = torch.optim.SGD(model.parameters(), lr=lrs[0])
torch_losses = []
for lr, images, labels in zip(lrs, torch.from_numpy(x), torch.from_numpy(y)):
    optimizer.param_groups[0]["lr"] = lr
    loss = torch.nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    torch_losses.append(loss.item())
    assert optimizer.param_groups[0]["lr"] == lr

# %%
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, kernel_initializer="zeros")])
optimizer = keras.optimizers.SGD(lrs[0])
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
keras_losses = []
for lr, images, labels in zip(lrs, x, y):
    optimizer.learning_rate = lr
    with tf.GradientTape() as tape:
        loss = cross_entropy(labels, model(images, training=True))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    keras_losses.append(float(loss))
    assert float(optimizer.learning_rate) == np.float32(lr)

# %%
apart = np.abs(np.subtract(torch_losses, keras_losses))
print(f"largest difference in the first 60 losses: {apart[:60].max():.1g}")

# %% [markdown]
# ## 3. Smooth it, and correct the start
#
# Single batches are noisy. The usual remedy is an exponential moving average, here *mean* for
# short. It starts at zero, and so too low. Dividing by the sum of its weights so far corrects this:
#
#     m(i) = beta * m(i - 1) + (1 - beta) * loss(i)
#     smoothed(i) = m(i) / (1 - beta ** (i + 1))


# %%
def uncorrected(losses, beta):
    mean, means = 0.0, []
    for loss in losses:
        mean = beta * mean + (1 - beta) * loss
        means.append(mean)
    return means


print("losses     ", [f"{loss:.2f}" for loss in losses[:5]])
print("uncorrected", [f"{loss:.2f}" for loss in uncorrected(losses, 0.9)[:5]])
print("corrected  ", [f"{loss:.2f}" for loss in smooth(losses, 0.9)[:5]])

# %% [markdown]
# Many range-test programs, called *finders*, stop when the smoothed loss has grown to four times
# its minimum so far.
#
# **Predict.** A stronger mean, `beta` of 0.98 in place of 0.9, looks back further. At which rate
# does such a finder stop, compared with before? Change the numbers.

# %%
predict(
    "7.b",
    "Where does the finder stop at beta = 0.98, compared with 0.9?",
    {"at a lower rate": 33, "at the same rate": 34, "at a higher rate": 33},
)


# %%
def stops_at(beta):
    """The number of rates until the mean is four times its minimum so far, or of all rates."""
    means = np.array(smooth(losses, beta))
    out = np.flatnonzero(means > 4 * np.minimum.accumulate(means))
    return int(out[0]) + 1 if len(out) else len(means)


stops = {beta: stops_at(beta) for beta in (0.0, 0.9, 0.98)}
lows = {beta: rates[np.argmin(smooth(losses, beta))] for beta in stops}
for beta, stop in stops.items():
    print(f"beta {beta:<4} lowest at {lows[beta]:.2g}, stops after {stop} of {len(losses)} rates")
later = "at a higher rate" if stops[0.98] > stops[0.9] else "at a lower rate"
outcome("7.b", "at the same rate" if stops[0.98] == stops[0.9] else later)

# %% alt="Three means of the losses: one starts near zero, one lags far behind the others."
means = {
    "0.9, uncorrected": uncorrected(losses, 0.9),
    "0.9, corrected": smooth(losses, 0.9),
    "0.98, corrected": smooth(losses, 0.98),
}
draw(means, "exponential means of the losses; the number is beta")

# %% [markdown]
# The uncorrected mean rises from near zero although the losses do not, so its minimum is its first
# point. A strong mean is smooth but late: single batches have blown up long before the mean shows
# it. At 0.98 the finder never stops. <!-- shown -->
#
# ## 4. Stop, and read
#
# `find_lr` does all of this in one call and stops by itself (by a difference, not a ratio: a loss
# may be negative). Then four rules can read the curve:
#
# | rule | takes |
# |---|---|
# | `steepest` | where the loss drops most steeply, per factor of the rate |
# | `valley` | about half-way down the longest fall (fastai's default) |
# | `slide` | the last place before the final rise (fastai) |
# | `minimum` | a tenth of the rate at the minimum of the loss |

# %% alt="The smoothed curve of a range test and four suggested rates, far apart."
result = find_lr(start_lr=1e-4, end_lr=30.0, **how)
print(f"stopped: {result.stopped}, after {len(result.lrs)} of 100 rates")
result.plot()

# %%
readings = {rule: result.suggestion(rule) for rule in METHODS}
print({rule: f"{rate:.2g}" for rule, rate in readings.items()})
print(f"the highest is {max(readings.values()) / min(readings.values()):.0f} times the lowest")

# %% [markdown]
# One curve, and suggestions a long way apart. None of the rules is a theorem: each is a habit that
# worked for somebody.
#
# ## 5. Ten seeds
#
# Another seed gives other weights and another order of images. On record are ten range tests on
# MNIST (this network) and ten on CIFAR-10 (a small convolutional one), and for each data set runs
# of one epoch at nine fixed rates: a sweep as in lesson 1, which costs nine runs instead of a
# fraction of one.
#
# **Predict.** Take the median of each rule over ten seeds, on MNIST. Which is nearest, as a ratio,
# to the best fixed rate? Change the numbers.

# %%
predict(
    "7.c",
    "On MNIST, which rule's median is nearest to the best fixed rate?",
    {"steepest": 25, "valley": 25, "slide": 25, "minimum": 25},
)


# %%
def spread(finder, fixed, framework):
    """The ten suggestions of each rule, and the held-out losses of each fixed rate."""
    tests = [line for line in record(finder) if line["framework"] == framework]
    suggestions = {rule: [line[rule] for line in tests] for rule in METHODS}
    runs = {}
    for line in record(fixed):
        if line["framework"] == framework:
            runs.setdefault(float(line["variant"]), []).append(line.get("val_loss") or math.inf)
    return suggestions, runs, f"{tests[0]['data']}, {framework}"


suggestions, fixed, title = spread("finder_spread", "fixed_rates", framework)
best = min(fixed, key=lambda rate: np.mean(fixed[rate]))
factor = {rule: abs(math.log(np.median(found) / best)) for rule, found in suggestions.items()}
for rule, found in suggestions.items():
    low, high = min(found), max(found)
    print(f"{rule:9} median {np.median(found):.2g}, from {low:.2g} to {high:.2g}")
outcome("7.c", min(factor, key=factor.get))


# %%
def draw_spread(suggestions, fixed, title):
    _, (top, bottom) = plt.subplots(
        2, figsize=(7.5, 4.2), dpi=90, sharex=True, layout="constrained"
    )
    worst = max(loss for losses in fixed.values() for loss in losses if loss < math.inf)
    for rate, losses in fixed.items():
        finite = [loss for loss in losses if loss < math.inf]
        top.plot([rate] * len(finite), finite, "o", color="0.5", markersize=4)
        if len(finite) < len(losses):
            top.plot(rate, worst, "x", color=PALETTE[1], markersize=8)
    means = {rate: np.mean(losses) for rate, losses in fixed.items()}
    finite = {rate: mean for rate, mean in means.items() if mean < math.inf}
    top.plot(list(finite), list(finite.values()), color="0.3")
    best = min(means, key=means.get)
    for row, (rule, found) in enumerate(suggestions.items()):
        bottom.plot(found, [row] * len(found), "o", color=look(rule)["color"], alpha=0.5)
        bottom.plot(np.median(found), row, "|", color="0.1", markersize=18, markeredgewidth=2)
    for axes in (top, bottom):
        axes.axvline(best, color="0.3", linestyle=":")
        axes.spines[["top", "right"]].set_visible(False)
    top.set(ylabel="held-out loss", xscale="log")
    top.set_title(f"{title}: fixed rates (x: diverged) above suggestions", fontsize=10, loc="left")
    bottom.set(xlabel="learning rate", ylim=(len(suggestions) - 0.5, -0.5))
    bottom.set_yticks(range(len(suggestions)), list(suggestions))
    plt.show()


# %% alt="MNIST: losses of nine fixed rates, best at 1; steepest just below it, most others lower."
draw_spread(suggestions, fixed, title)

# %% alt="CIFAR-10: best at 0.2; valley gathers around it, the other three are scattered wide."
draw_spread(*spread("finder_spread_cifar10", "fixed_rates_cifar10", "torch"))

# %% [markdown]
# A dot is a run, a bar the median; the dotted line is the fixed rate with the lowest mean loss.

# %%
from course_lib.widgets import finder_reader

finder_reader()  # your turn: a smoothing and a rule that come near the best rate on every sweep

# %% [markdown]
# {{finder-spread}} {{finder-spread-cifar10}}
#
# {{finder-best}} {{finder-best-cifar10}} So no rule can be trusted on both. And on CIFAR-10 even
# the best fixed rate is uncertain: single runs at 0.1 lie below and above all runs at
# 0.2. <!-- shown --> On MNIST a rate far off costs accuracy. {{finder-cost}}
#
# And the length of the test is one more setting. {{finder-length}} In a longer test each rate meets
# a network that has trained longer.
#
# So the test does not find the rate, often not even its power of ten: it limits the search to a
# few powers of ten. From there, sweep. The test has four more limits: it sees only the first
# updates from one start; it never stays at a rate, so slow damage remains unseen; it knows
# nothing of the decay that follows; and its losses are single, noisy numbers.
#
# ## 6. Break it: the test that leaves traces
#
# A user of fastai inserted `lr_find` before `fit`, and the training came out differently
# ([fastai#3013](https://github.com/fastai/fastai/issues/3013)). We train 20 updates with Adam:
# alone; after a test that restores only weights and rate; and after `find_lr`.
#
# **Predict.** After the test that restores weights and rate: how far are the weights from those of
# the training alone, after the 20 updates? Change the numbers.

# %%
predict(
    "7.d",
    "Weights and rate restored: where does the training end?",
    {"bit for bit the same": 34, "within 0.0001": 33, "further off": 33},
)

# %%
x_flat, y_flat = x.reshape(-1, 784)[:1000], y.reshape(-1)[:1000]
pairs = torch.utils.data.TensorDataset(torch.from_numpy(x_flat), torch.from_numpy(y_flat))


def train_torch(search=None):
    torch.manual_seed(0)
    model = torch.nn.Linear(784, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = torch.utils.data.DataLoader(pairs, batch_size=50, shuffle=True)
    own = dict(model=model, optimizer=optimizer, loss=torch.nn.functional.cross_entropy)
    if search is not None:
        search(data=loader, **own)
    for images, labels in loader:
        optimizer.zero_grad()
        own["loss"](model(images), labels).backward()
        optimizer.step()
        assert optimizer.param_groups[0]["lr"] == 0.01
    return model.weight.detach().numpy()


def forgetful_torch(model, optimizer, loss, data):
    before = copy.deepcopy(model.state_dict())
    for lr, (images, labels) in zip(np.geomspace(1e-4, 1, 20), data):
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        loss(model(images), labels).backward()
        optimizer.step()
    model.load_state_dict(before)  # the weights
    optimizer.param_groups[0]["lr"] = 0.01  # and the rate; nothing else


# %%
def train_keras(search=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    model.compile(keras.optimizers.Adam(0.01), cross_entropy)
    if search is not None:
        search(model=model, optimizer=model.optimizer, loss=cross_entropy, data=(x_flat, y_flat))
    model.fit(x_flat, y_flat, batch_size=50, shuffle=False, verbose=0)
    assert float(model.optimizer.learning_rate) == np.float32(0.01)
    return model.get_weights()[0]


def forgetful_keras(model, optimizer, loss, data):
    before = model.get_weights()
    for start, lr in enumerate(np.geomspace(1e-4, 1, 20)):
        optimizer.learning_rate = float(lr)
        model.train_on_batch(*(part[start * 50 :][:50] for part in data))
    model.set_weights(before)
    optimizer.learning_rate = 0.01


# %%
def careful(**own):
    find_lr(**own, start_lr=1e-4, end_lr=1.0, steps=20, progress=False)


train, forgetful = {
    "torch": (train_torch, forgetful_torch),
    "tensorflow": (train_keras, forgetful_keras),
}[framework]
alone = train()
far = {search.__name__: np.abs(train(search) - alone).max() for search in (forgetful, careful)}
print({name: f"{distance:.2g}" for name, distance in far.items()})
assert far["careful"] == 0
distance = far[forgetful.__name__]
changed = "within 0.0001" if distance < 1e-4 else "further off"
outcome("7.d", "bit for bit the same" if distance == 0 else changed)

# %% [markdown]
# Adam keeps a mean of the gradients, one of their squares, and a count of its updates (lesson 9):
# all three still hold the test's. With shuffling or dropout the random numbers have moved on, with
# batch normalisation the running means, if the copy of the weights lacks them. **Fix it**: put back
# *everything*, also after an error, as `find_lr` does. Then training is,
# bit for bit, that without the test.
#
# ## 7. Spot the bug: a finder that finds nothing
#
# **Nothing recorded.** [A tutorial behind this
# course](../docs/errata.md#e30-a-finder-that-finds-nothing) builds its finder as a Keras schedule
# that notes its rate whenever it is called. It has no losses, so no curve. And rates? Keras's `fit`
# compiles the update, and calls this code only then, with a symbol for the step:


# %%
class Finder(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self):
        self.noted = []

    def __call__(self, step):
        rate = 1e-4 * 1.2 ** keras.ops.cast(step, "float32")
        self.noted.append(rate)
        return rate


finder = Finder()
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
model.compile(keras.optimizers.SGD(finder), cross_entropy)
model.fit(x_flat, y_flat, batch_size=50, verbose=0)
kinds = [type(rate).__name__ for rate in finder.noted]
print(f"{len(x_flat) // 50} updates; noted: {kinds}")

# %% [markdown]
# **The wrong loss.** The finder of a well-known book was a callback that noted `logs["loss"]` after
# every batch. Since TensorFlow 2.2 this is the mean *since the epoch began*, and the author was
# asked why the curve had become so smooth
# ([handson-ml2#188](https://github.com/ageron/handson-ml2/issues/188)). The mean shifts what you
# read to higher rates ([tensorflow#58098](https://github.com/tensorflow/tensorflow/issues/58098)).


# %%
class Noted(keras.callbacks.Callback):
    def __init__(self, lrs):
        self.lrs, self.means, self.rates = lrs, [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.lrs[batch]

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.means.append(logs["loss"])


model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(lrs[0]), cross_entropy)
noted = Noted(lrs)
model.fit(
    x.reshape(-1, 784), y.reshape(-1), batch_size=64, shuffle=False, callbacks=[noted], verbose=0
)
assert np.array_equal(noted.rates, np.float32(lrs))

# %% [markdown]
# A mean of n losses is their sum divided by n. So the newest loss is the difference of two sums,
# `n * mean(n) - (n - 1) * mean(n - 1)`; the book fixed its callback in this way. Our own loop of
# section 2 has the true losses to compare with.

# %% alt="Keras's running mean falls late and slowly; the losses taken out of it fall on ours."
counts = np.arange(1, 101)
sums = counts * np.array(noted.means)
taken_out = np.diff(sums, prepend=0)
curves = {"our loop": keras_losses, 'logs["loss"]': noted.means, "taken out": taken_out}
draw(curves, "a linear model on MNIST: the same 100 updates", rates=lrs, widths=(5, 1.5, 1.5))
for name, curve in curves.items():
    print(f"{name:13} lowest at {lrs[int(np.argmin(smooth(curve)))]:.2g}")

# %% [markdown]
# ## What you take along
#
# 1. A range test is a rising schedule. Its curve limits the rates at which training is possible to
#    a few powers of ten; each point shows the effect of the rates before it.
# 2. A suggestion has a spread over seeds, and depends on the rule and on the length of the test; on
#    our two networks no rule is good on both. Look at the curve, then sweep.
# 3. A test before training must put back weights, optimizer, buffers and random numbers, or the
#    training that follows is a different one.
#
# **An open question.** The test raises the rate within a hundred updates. A warmup does the same
# and goes on training. Could one run be both, and stop rising by itself?
#
# **References.** L. Smith, *Cyclical learning rates for training neural networks*, 2017,
# [arXiv:1506.01186](https://arxiv.org/abs/1506.01186), section 3.3 · S. Gugger,
# [*How do you find a good learning rate*](https://sgugger.github.io/how-do-you-find-a-good-learning-rate.html),
# 2018 · [fastai's rules](https://docs.fast.ai/callback.schedule.html) ·
# [pytorch-lr-finder](https://github.com/davidtvs/pytorch-lr-finder), a widely used one for PyTorch.

# %% [markdown] tags=["exercise"]
# ### Exercise 7.1 - Smooth without a false start (code, 2 points, about 8 minutes)
#
# Write the corrected exponential mean. With `m(-1) = 0` and i from 0 on:
#
#     m(i) = beta * m(i - 1) + (1 - beta) * losses[i]
#     smoothed(i) = m(i) / (1 - beta ** (i + 1))
#
# **Deliver:** `corrected_mean`, which returns the list of all smoothed values.
#
# **Success:** as many values as losses, for any `beta` from 0 (no smoothing) to below 1.
#
# Example: `corrected_mean([4.0, 1.0], beta=0.5)` is `[4.0, 2.0]`: m is 2 and then 1.5, and the
# divisors are 0.5 and 0.75.


# %% tags=["exercise"]
def corrected_mean(losses, *, beta):
    """The exponential mean of the losses, corrected for its start at zero."""
    ### BEGIN SOLUTION
    smoothed, m = [], 0.0
    for i, loss in enumerate(losses):
        m = beta * m + (1 - beta) * loss
        smoothed.append(m / (1 - beta ** (i + 1)))
    return smoothed
    ### END SOLUTION


# Try it: corrected_mean([4.0, 1.0], beta=0.5)

# %% tags=["check"] grade_id="07-corrected-mean" points=2
from course_lib.checks import check

check("7.1", corrected_mean)

# %% tags=["probes"]
from course_lib.exercises import call, exercise

exercise(
    "7.1",
    corrected_mean,
    hints=[
        "Keep two things apart: the mean `m`, which goes on uncorrected, and the corrected value, "
        "which is only noted.",
        "In a loop over the losses update `m`; note `m` divided by `1 - beta` to the number of "
        "losses seen so far.",
        "With `enumerate` from 0: `m = beta * m + (1 - beta) * loss`, then append "
        "`m / (1 - beta ** (i + 1))`.",
    ],
    shown=[
        call([4.0, 1.0], beta=0.5),
        call([2.0, 2.0, 2.0], beta=0.9),
        call([2.0, 1.0, 3.0], beta=0.0),
        call([2.3, 2.2, 1.9, 2.4, 1.5, 1.0], beta=0.9),
        call([], beta=0.9),
    ],
    locked=[
        call([1.0, 0.5, 0.25, 4.0] * 3, beta=0.75),
        call([-1.0, 3.0, -2.0, -2.0], beta=0.5),
    ],
    hidden={
        "a strong mean": [
            call([2.3, 2.31, 2.2, 2.0, 1.5, 0.9, 0.8, 3.0] * 15, beta=0.99),
            call([5.0, 4.0], beta=0.999),
        ],
        "a weak mean": [
            call([3.0, 1.0, 4.0, 1.0, 5.0, 9.0], beta=0.1),
            call([3.0, 1.0, 4.0, 1.5], beta=0.0),
        ],
        "losses of other sizes": [
            call([-1.0, -3.0, -2.0], beta=0.6),
            call([1000.0, 10.0, 0.0, 0.0], beta=0.8),
            call([7.0], beta=0.3),
        ],
    },
    library=["smooth"],
    tolerance=1e-4,  # 1 - beta in float32
)

# %% [markdown] tags=["answer"]
# The divisor is the sum of the weights, `(1 - beta) * (1 + beta + ... + beta**i)`. Frequent slips:
# correcting `m` itself and going on with the corrected value, using `beta ** i` (which divides by 0
# at the start), and starting `m` at the first loss, which is another, also sensible mean, but
# trusts the first batch for long.

# %% [markdown] tags=["exercise"]
# ### Exercise 7.2 - Steepest along which axis? (bug, 3 points, about 12 minutes)
#
# A sweep takes equal steps of the *logarithm* of the rate. Since version 2.5.3, PyTorch Lightning
# takes the slope against the rate itself
# ([Lightning#21141](https://github.com/Lightning-AI/pytorch-lightning/issues/21141)), in effect:
#
# ```python
# def published(lrs, losses):
#     slopes = np.gradient(losses, lrs)
#     return lrs[np.argmin(slopes)]
# ```
#
# At a rate of 0.0001 the smallest wiggle of the loss is divided by a tiny step of the rate, and
# looks like a cliff. A second fault: a noisy fall *behind* the lowest loss, where training is
# already lost, may win.
#
# **Deliver:** `steepest_rate(lrs, losses)`: the rate at which the loss falls fastest per change of
# `log(lr)`, among the points up to and including the lowest loss (the first, where several are
# equal). Slopes as from `np.gradient`, which takes the places of the points as its second argument.
#
# **Success:** the right rate for even and uneven sweeps, as a plain number.
#
# Example: for the rates `[0.001, 0.01, 0.1, 1]` and the losses `[2.0, 1.9, 1.0, 0.95]` it is 0.01,
# where the loss falls by 1 over two decades.


# %% tags=["exercise"]
def steepest_rate(lrs, losses):
    """The rate where the loss falls fastest per factor of the rate, no later than its lowest."""
    ### BEGIN SOLUTION
    slope = np.gradient(losses, np.log(lrs))
    until = int(np.argmin(losses)) + 1
    return float(lrs[int(np.argmin(slope[:until]))])
    ### END SOLUTION


# Try it: steepest_rate([0.001, 0.01, 0.1, 1], [2.0, 1.9, 1.0, 0.95])

# %% tags=["check"] grade_id="07-steepest" points=3
from course_lib.checks import check

check("7.2", steepest_rate)

# %% tags=["probes"]
decades = [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]
halves = [0.01 * 2**i for i in range(9)]
uneven = [0.001, 0.002, 0.02, 0.03, 0.3, 0.9, 1.0]

exercise(
    "7.2",
    steepest_rate,
    hints=[
        "What would make a fall by 0.1 count the same between 0.001 and 0.01 as between 0.1 and 1?",
        "Give `np.gradient` the logarithms of the rates. Then look for the lowest slope only among "
        "the first points, up to the lowest loss.",
        "Take `np.gradient(losses, np.log(lrs))`; with `until = np.argmin(losses) + 1` the place "
        "of the answer is the `argmin` of the first `until` slopes.",
    ],
    shown=[
        call([0.001, 0.01, 0.1, 1], [2.0, 1.9, 1.0, 0.95]),
        call(decades, [2.3, 2.29, 2.28, 1.9, 1.0, 3.0]),
        call(decades, [2.3, 2.2, 0.5, 9.0, 1.0, 2.0]),
        call(uneven, [2.0, 1.95, 1.2, 1.1, 0.6, 0.55, 0.7]),
        call([0.001, 0.1, 0.2, 0.25, 0.3, 1.0], [2.3, 1.5, 1.4, 1.2, 1.1, 2.0]),
        call([0.01, 0.1, 1.0, 1.1, 2.0], [2.0, 1.5, 2.8, 1.55, 1.9]),
        call([0.01, 0.1, 1.0, 10.0], [2.0, 1.9, 1.8, 0.5]),
    ],
    locked=[
        call(halves, [3.6, 2.9, 2.85, 2.8, 2.2, 1.2, 1.0, 1.1, 4.0]),
        call(decades, [2.3, 2.25, 2.26, 2.0, 1.0, 9.0]),  # a rise before the lowest
        call(decades, [3.3, 0.6, 0.5, 9.0, 0.5, 2.0]),  # the first is steepest; the lowest twice
        call(decades, [2.0, 2.1, 2.4, 3.0, 5.0, 9.0]),  # no fall at all
    ],
    hidden={
        "an even sweep": [
            call(halves, [2.3, 2.28, 2.29, 2.1, 1.6, 1.3, 1.25, 1.4, 3.0]),
            call(decades, [2.30, 2.27, 2.26, 2.0, 1.4, 2.2]),
            call(halves, [5.0, 4.2, 4.0, 3.9, 3.5, 2.2, 2.1, 2.0, 1.9]),
            call(decades, [8.0, 4.0, 2.0, 1.0, 0.4, 0.5]),
        ],
        "an uneven sweep": [
            call(uneven, [2.0, 1.9, 1.5, 1.4, 1.0, 0.4, 0.9]),
            call([0.01, 0.1, 0.11, 0.12, 1.2], [2.0, 1.6, 1.58, 1.57, 0.9]),
            call([0.1, 0.2, 0.5, 1.0, 2.0], [3.0, 2.5, 2.0, 1.0, 1.5]),
            call([0.001, 0.1, 0.11, 0.12, 0.5, 1.0], [2.3, 1.6, 1.5, 1.3, 1.2, 1.6]),
        ],
        "a fall behind the lowest loss": [
            call(decades, [2.3, 1.8, 0.4, 8.0, 0.5, 0.9]),
            call(halves, [2.3, 2.25, 2.2, 2.1, 2.0, 3.5, 3.0, 2.2, 2.1]),
            call(halves, [2.3, 2.2, 1.9, 2.5, 3.5, 2.5, 1.9, 2.0, 4.0]),
            call(halves, [2.0, 2.1, 2.2, 2.5, 3.0, 4.0, 5.0, 6.0, 9.0]),
            call(uneven, [1.0, 0.9, 0.5, 3.0, 9.0, 2.0, 0.6]),
            call([0.001, 0.1, 0.2, 0.25, 0.3, 1.0], [2.3, 2.2, 0.5, 9.0, 1.0, 2.0]),
        ],
    },
    library=["steepest"],
)

# %% [markdown] tags=["answer"]
# The slope against the logarithm is the slope against the rate times the rate, so the raw slope is
# too large by `1 / lr`: the smaller the rate, the more. `np.log10` is as good as `np.log`, which
# changes all slopes by one factor. Frequent slips: no second argument at all (right for even sweeps
# only), cutting the losses *before* taking the gradient (which changes the slope at the last
# point), and returning the place instead of the rate.

# %% [markdown] tags=["exercise"]
# ### Exercise 7.3 - Take the batch out of the mean (bug, 2 points, about 10 minutes)
#
# The callback of section 7 notes `logs["loss"]`, the mean since the epoch began: after batch number
# k of an epoch (k from 1) the mean of k losses. Then
# ([handson-ml2#188](https://github.com/ageron/handson-ml2/issues/188)) this is what is drawn:
#
# ```python
# def published(means, *, batches_per_epoch):
#     return means
# ```
#
# Fix it. The sum of the first k losses is k times their mean, and each epoch begins anew.
#
# **Deliver:** `batch_losses`, the list of the losses of the single batches. All batches have the
# same size; the last epoch may have ended early.
#
# **Success:** the right losses over several epochs.
#
# Example: the losses 4, 2 and 3, 5 in two epochs give the means 4, 3 and 3, 4; so
# `batch_losses([4.0, 3.0, 3.0, 4.0], batches_per_epoch=2)` is `[4.0, 2.0, 3.0, 5.0]`.


# %% tags=["exercise"]
def batch_losses(means, *, batches_per_epoch):
    """The loss of each batch, from the running means that Keras reports."""
    ### BEGIN SOLUTION
    losses = []
    for place, mean in enumerate(means):
        done = place % batches_per_epoch
        before = done * means[place - 1] if done else 0.0
        losses.append((done + 1) * mean - before)
    return losses
    ### END SOLUTION


# Try it: batch_losses([4.0, 3.0, 3.0, 4.0], batches_per_epoch=2)

# %% tags=["check"] grade_id="07-batch-losses" points=2
from course_lib.checks import check

check("7.3", batch_losses)

# %% tags=["probes"]
exercise(
    "7.3",
    batch_losses,
    hints=[
        "After batch k the sum of the epoch's losses is `k * mean`. What did the last batch add "
        "to the sum?",
        "Its loss is the sum now less the sum before. At the first batch of an epoch the sum "
        "before is 0; `place % batches_per_epoch` says how many batches came before.",
        "With `done = place % batches_per_epoch` the loss is `(done + 1) * means[place]` less "
        "`done * means[place - 1]`.",
    ],
    shown=[
        call([4.0, 3.0, 3.0, 4.0], batches_per_epoch=2),
        call([2.0, 2.0, 2.0], batches_per_epoch=3),
        call([3.0, 2.0, 1.0, 5.0, 4.0], batches_per_epoch=3),
        call([3.0, 2.0, 1.0], batches_per_epoch=1),
    ],
    locked=[
        call([1.0, 1.5, 2.0, 4.0, 3.0, 2.5, 8.0], batches_per_epoch=3),
        call([2.3026, 2.2987, 2.0, 1.9, 1.8, 1.75, 1.5, 1.45], batches_per_epoch=2),
    ],
    hidden={
        "one epoch": [
            call([2.3, 2.25, 2.1, 1.9, 1.75, 1.8], batches_per_epoch=6),
            call([2.5, 2.0, 1.5], batches_per_epoch=10),
        ],
        "several epochs": [
            call([2.0, 1.0, 0.5, 0.75, 3.0, 2.0], batches_per_epoch=2),
            call([2.30258, 2.29871, 2.0, 1.9] * 6, batches_per_epoch=2),
            call([9.0, 8.0, 7.5, 1.0, 2.0, 3.0, 0.5, 0.5, 0.25], batches_per_epoch=3),
        ],
        "an epoch that ended early": [
            call([4.0, 3.0, 2.0, 1.0, 6.0, 5.0], batches_per_epoch=4),
            call([1.0, 2.0, 3.0, 2.5, 0.0, 1.0, 2.0, 8.0], batches_per_epoch=7),
        ],
    },
)

# %% [markdown] tags=["answer"]
# Two sums and a difference; the remainder says how many batches of this epoch came before. Frequent
# slips: to forget that each epoch starts anew (right for one epoch only, absurd afterwards), and to
# count from 1 in one of the sums but not in the other. With batches of different sizes Keras
# weights the mean by their sizes: then the sums count images in place of batches, and their
# difference is divided by the size of the batch.

# %% [markdown] tags=["exercise"]
# ### Exercise 7.4 - What has to be put back? (concept, 2 points, about 8 minutes)
#
# Weights and rate are restored after a range test. What *else* must be restored, so that the
# model trained after it is bit for bit the same as without it? Decide for a run with
#
# - `optimizer`: `"sgd"` or `"adam"`; `momentum`: SGD's momentum, 0 for none (Adam ignores it),
# - `dropout`: the rate of a dropout layer, 0 for none,
# - `batch_norm`: whether the network has batch normalisation (its running means, though
#   `state_dict()` and Keras's `get_weights()` hold them, are not among the weights here),
# - `shuffle`: whether the batches are drawn in random order.
#
# **Deliver:** `to_restore`, a list in alphabetical order with those of these three that are needed:
# `"buffers"` (running means of layers), `"optimizer state"`, `"random state"`.
#
# **Success:** what is changed by the test and used or carried on by the training, and nothing
# else.
#
# Example: plain SGD with shuffled batches and nothing else needs `["random state"]`.


# %% tags=["exercise"]
def to_restore(*, optimizer, momentum, dropout, batch_norm, shuffle):
    """What a range test must put back, beside weights and rate."""
    ### BEGIN SOLUTION
    needed = {
        "buffers": batch_norm,
        "optimizer state": optimizer == "adam" or momentum > 0,
        "random state": dropout > 0 or shuffle,
    }
    return [name for name, wanted in needed.items() if wanted]
    ### END SOLUTION


# Try it: to_restore(optimizer="sgd", momentum=0, dropout=0, batch_norm=False, shuffle=True)

# %% tags=["check"] grade_id="07-restore" points=2
from course_lib.checks import check

check("7.4", to_restore)


# %% tags=["probes"]
def ask(optimizer, momentum, dropout, batch_norm, shuffle):
    options = dict(momentum=momentum, dropout=dropout, batch_norm=batch_norm, shuffle=shuffle)
    return call(optimizer=optimizer, **options)


exercise(
    "7.4",
    to_restore,
    hints=[
        "Ask of each part: does a sweep change it, and does the training that follows read it or "
        "carry it on?",
        "Adam and momentum keep averages of gradients. Dropout and shuffling draw random numbers. "
        "Batch normalisation keeps running means, which belong to no optimizer.",
        "Optimizer state for Adam or a momentum above 0; random state for dropout or shuffling; "
        "buffers for batch normalisation. In this spelling, sorted.",
    ],
    shown=[
        ask("sgd", 0, 0, False, True),
        ask("adam", 0, 0, False, False),
        ask("sgd", 0.9, 0.5, True, True),
        ask("sgd", 0.3, 0, False, False),
        ask("sgd", 0, 0.2, True, False),
        ask("sgd", 0.9, 0.1, False, False),
        ask("sgd", 0, 0, False, False),
    ],
    locked=[
        ask("adam", 0, 0.05, True, False),
        ask("adam", 0.5, 0, False, True),
        ask("adam", 0.5, 0, False, False),
        ask("sgd", 0.0, 0.0, True, False),
    ],
    hidden={
        "one reason": [
            ask("sgd", 0.5, 0, False, False),
            ask("sgd", 0, 0.1, False, False),
            ask("sgd", 0, 0, True, False),
        ],
        "several reasons": [
            ask("adam", 0, 0, True, True),
            ask("sgd", 0.9, 0, True, False),
            ask("sgd", 0, 0.3, True, True),
            ask("adam", 0.9, 0.3, False, False),
        ],
        "all and none": [
            ask("adam", 0, 0.4, True, True),
            ask("sgd", 0.0, 0.0, False, False),
            ask("sgd", 0.95, 0.1, False, True),
            ask("adam", 0.9, 0, False, False),
            ask("sgd", 0, 0.5, False, True),
        ],
    },
)

# %% [markdown] tags=["answer"]
# A state matters when the sweep changes it *and* the training reads it or carries it on. SGD
# without momentum reads nothing but weight, gradient and rate. Dropout and shuffling read the same stream of
# random numbers that the sweep has used. The running means of batch normalisation go on from
# where the sweep left them, and the trained model predicts with them. No gradient moves them: in
# PyTorch they are buffers, in Keras non-trainable weights of the layer, so whoever puts back
# `model.get_weights()` has put them back.
