# %% [markdown] tags=["setup"]
# # Resume, branch and WSD
#
# **You will be able to:** say what a checkpoint must hold, resume a run without leaving a trace,
# recognise a resume that only looks right, and get several finished models from one long run.
#
# **You need:** lessons 2 to 5 in outline: decay, momentum, cosine, warmup.
#
# **Minutes:** 45
#
# Long runs are interrupted: the machine is needed, the night is over, the power fails. To resume you
# must put back more than the weights, and what is missing often raises no error.

# %% tags=["setup"]
import math

import torch

framework = "torch"  # or "tensorflow"

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from torch.optim import lr_scheduler

from course_lib.data import load
from course_lib.plots import look, plot_runs, smooth
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule, constant, cosine, multistep, wsd
from course_lib.tensorflow import keras  # without its start-up notes
from course_lib.training import fit

data = load("mnist")
x, y = np.float32(data.x_train[:20_000].reshape(-1, 784) / 255), data.y_train[:20_000]

# %% [markdown]
# ## 1. What belongs in the box?
#
# Between two updates, a run *is* four things. A file that holds all four is a **checkpoint**:
#
# | part | in PyTorch | in Keras |
# |---|---|---|
# | weights | `model.state_dict()` | in the model |
# | memory of the optimizer: its velocity | `optimizer.state_dict()` | in the optimizer |
# | place in the schedule | `scheduler.state_dict()` | in the optimizer: `iterations` |
# | place in the data | the generator of the order, and of any dropout | the same |
#
# The **velocity** is what momentum has added up of past gradients (lesson 3); each update moves the
# weights along it. A new optimizer begins with none.
#
# Our run is a small network under a cosine of 160 updates. After 80 its process is killed. First in
# PyTorch: `put_back` names the parts that are taken from the file.

# %%
TOTAL, KILLED, PEAK = 160, 80, 0.3
folder = Path(tempfile.mkdtemp())


def train_torch(updates, order, put_back=(), save=False):
    torch.manual_seed(0)
    hidden, last = torch.nn.Linear(784, 64), torch.nn.Linear(64, 10)
    model = torch.nn.Sequential(hidden, torch.nn.ReLU(), last)
    optimizer = torch.optim.SGD(model.parameters(), lr=PEAK, momentum=0.9)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=TOTAL)
    box = {"weights": model, "optimizer": optimizer, "scheduler": scheduler}
    for part in put_back:
        box[part].load_state_dict(torch.load(folder / "run.pt")[part])
    rates, losses = [], []
    for _ in range(updates):
        rows = order.integers(0, len(x), 64)
        logits = model(torch.from_numpy(x[rows]))
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(loss.item())
        optimizer.step()
        scheduler.step()
    if save:
        torch.save({part: thing.state_dict() for part, thing in box.items()}, folder / "run.pt")
    return rates, losses


# %% [markdown]
# In Keras the schedule has no memory: it asks the optimizer for `iterations`, the number of updates
# made. `model.save` keeps that number, the velocity and the weights in one file.


# %%
def train_keras(updates, order, put_back=(), save=False):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((784,)), *layers])
    decay = keras.optimizers.schedules.CosineDecay(PEAK, decay_steps=TOTAL)
    losses_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(decay, momentum=0.9), losses_of)
    if "weights" in put_back:
        model.set_weights(keras.saving.load_model(folder / "run.keras").get_weights())
    if "optimizer" in put_back:  # all that the file holds
        model = keras.saving.load_model(folder / "run.keras")
    rates, losses = [], []
    for _ in range(updates):
        rows = order.integers(0, len(x), 64)
        rates.append(float(model.optimizer.learning_rate))
        losses.append(float(model.train_on_batch(x[rows], y[rows])))
    if save:
        model.save(folder / "run.keras")
    return rates, losses


train = {"torch": train_torch, "tensorflow": train_keras}[framework]

# %%
whole = train(TOTAL, np.random.default_rng(0))
plan = Schedule(cosine, peak_lr=PEAK, total_steps=TOTAL)
assert np.allclose(whole[0], plan.values(TOTAL), rtol=1e-4, atol=1e-7)  # Keras: float32

order = np.random.default_rng(0)
train(KILLED, order, save=True)
place = order.bit_generator.state  # a dict of plain numbers: belongs in the file, too


def order_again():
    order = np.random.default_rng()
    order.bit_generator.state = place
    return order


# %% [markdown]
# With all four parts put back, the run must not differ in a single bit from an uninterrupted one.

# %%
everything = ("weights", "optimizer", "scheduler")
resumed = train(TOTAL - KILLED, order_again(), everything)
assert resumed[0] == whole[0][KILLED:]
print("losses equal, bit by bit:", resumed[1] == whole[1][KILLED:])

# %% [markdown]
# ## 2. Break it: leave a part out
#
# [pytorch-cifar](https://github.com/kuangliu/pytorch-cifar/blob/master/main.py), a much copied
# script, saves the weights, the epoch and the best accuracy; its `--resume` starts a new optimizer
# and a new cosine. We do the same, and leave out single parts, too: the scheduler was missing in
# lightly-train ([pull request 301](https://github.com/lightly-ai/lightly-train/pull/301)).
#
# **Predict.** Only weights and data order are put back: how does the mean loss of the last 20
# updates compare with the uninterrupted run?

# %%
predict(
    "10.a",
    "Resumed with the weights only: the loss at the end, against the uninterrupted run?",
    {"at least 10 % lower": 33, "within 10 %": 34, "at least 10 % higher": 33},
)

# %%
ways = {"all parts": everything, "weights only": ("weights",)}
if framework == "torch":  # in Keras these two are one part
    ways["no scheduler"] = ("weights", "optimizer")
    ways["no optimizer"] = ("weights", "scheduler")
tails = {way: train(TOTAL - KILLED, order_again(), parts) for way, parts in ways.items()}
tails["no data order"] = train(TOTAL - KILLED, np.random.default_rng(0), everything)

again = plan.values(TOTAL - KILLED)  # from update 0
assert np.allclose(tails["weights only"][0], again, rtol=1e-4)
ratio = np.mean(tails["weights only"][1][-20:]) / np.mean(whole[1][-20:])
far = "at least 10 % lower" if ratio <= 0.9 else "at least 10 % higher"
outcome("10.a", "within 10 %" if 0.9 < ratio < 1.1 else far)

# %% alt="After the kill, with all parts the rate goes on; with weights only it begins again."
figure, (top, bottom) = plt.subplots(2, sharex=True, figsize=(7.5, 4.8), dpi=90)
top.plot(whole[0], color="0.75", linewidth=5, label="never killed")
bottom.plot(smooth(whole[1]), color="0.75", linewidth=5)
for i, (way, (rates, losses)) in enumerate(tails.items()):
    top.plot(range(KILLED, TOTAL), rates, label=way, **look("", i))
    history = whole[1][:KILLED] + losses  # smoothed as if it were one run
    bottom.plot(range(KILLED, TOTAL), smooth(history)[KILLED:], **look("", i))
top.set_ylabel("learning rate")
bottom.set(xlabel="update", ylabel="training loss, smoothed", ylim=(0, 1))
top.set_title(f"{data.title}, {framework}: killed at update {KILLED}", fontsize=10, loc="left")
top.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
for panel in (top, bottom):
    panel.grid(alpha=0.25)
plt.show()

# %%
for way, (rates, losses) in tails.items():
    first, end = np.mean(losses[:20]), np.mean(losses[-20:])
    print(f"{way:14}  rate {rates[0]:.4f} to {rates[-1]:.4f}, loss {first:.2f} to {end:.2f}")

# %% [markdown]
# The rate shows a lost place: without the optimizer at once; without the scheduler alone (PyTorch)
# from the second update on, as the optimizer brings the first. The loss shows it late: at too high
# a rate a run still learns, but does not finish. A missing data order does not show in the rate:
# that run sees the same images a second time.
#
# ## 3. Three clocks
#
# How does a resumed run know where it is?
#
# | clock | counts | kept in the file? |
# |---|---|---|
# | PyTorch `scheduler.last_epoch` | calls of `scheduler.step()` | with the scheduler's state |
# | Keras `iterations` | updates, read by schedule objects | with the optimizer |
# | Keras `initial_epoch` | epochs, read by callbacks | no: you tell `fit` |
#
# After `t` calls the attribute is `t`. The *argument* `last_epoch` of a new scheduler is `t - 1`,
# the number of the last step made: the constructor makes the next one.


# %%
def sgd(lr=0.1):
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)


def step_through(optimizer, scheduler, steps):
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def show(label, rates):
    print(f"{label:28}", "  ".join(f"{rate:.4f}" for rate in rates))


# %%
optimizer = sgd()
planned = step_through(optimizer, lr_scheduler.CosineAnnealingLR(optimizer, 20), 13)[10:]
optimizer = sgd()
scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 20)
step_through(optimizer, scheduler, 10)
saved = optimizer.state_dict()

print("scheduler.last_epoch after 10 calls:", scheduler.last_epoch)
show("planned from step 10 on", planned)
for last_epoch in (9, 10):
    optimizer = sgd()
    optimizer.load_state_dict(saved)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 20, last_epoch=last_epoch)
    show(f"argument last_epoch={last_epoch}", step_through(optimizer, scheduler, 3))

# %% [markdown]
# With 10 only the first rate is right. Keras has two clocks, and a second `fit` shows which is
# which.


# %%
def keras_rates(rate, callbacks=(), fits=({"epochs": 2}, {"epochs": 2}), compile_again=False):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    rates, one = [], np.zeros((1, 1))  # one image, so one update per epoch
    note = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: rates.append(float(model.optimizer.learning_rate))
    )
    for number, arguments in enumerate(fits):
        if number == 0 or compile_again:
            model.compile(keras.optimizers.SGD(rate), "mse")
        model.fit(one, one, verbose=0, callbacks=[*callbacks, note], **arguments)
    return rates


halve = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 * 0.5**epoch)
decay = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
go_on = ({"epochs": 2}, {"epochs": 4, "initial_epoch": 2})
show("callback", keras_rates(0.1, [halve]))
show("callback, initial_epoch=2", keras_rates(0.1, [halve], go_on))
show("schedule object", keras_rates(decay))
show("schedule, compiled again", keras_rates(decay, fits=go_on, compile_again=True))

# %% [markdown]
# A callback begins at epoch 0 again unless `fit` gets `initial_epoch`. A schedule object goes on
# by itself, but a new `compile` with a new optimizer counts from 0, whatever `initial_epoch` says
# ([tensorflow#49208](https://github.com/tensorflow/tensorflow/issues/49208)).

# %%
from course_lib.widgets import kill_and_resume

kill_and_resume()  # your turn: kill it at 50, and come back without a trace

# %% [markdown]
# ## 4. Spot the bug: two repairs that fail
#
# [An article behind this course](../docs/errata.md#e33-to-start-at-epoch-10) starts PyTorch training
# "at epoch 10" with a line like the one below.
#
# **Predict.** `StepLR` multiplies by 0.1 every 10 epochs. What is the rate of the first update?

# %%
predict(
    "10.b",
    "StepLR(new optimizer at 0.1, 10, gamma=0.1, last_epoch=9): the first rate?",
    {"0.1": 34, "0.01": 33, "none: an error": 33},
)

# %%
try:
    optimizer = sgd()
    lr_scheduler.StepLR(optimizer, 10, gamma=0.1, last_epoch=9)
    happened = f"{optimizer.param_groups[0]['lr']:g}"
except KeyError as error:
    print("KeyError:", str(error).strip('"').split("\\n")[0])
    happened = "none: an error"
outcome("10.b", happened)

# %% [markdown]
# **First repair**, offered for a ResNet script
# ([pytorch_resnet_cifar10#14](https://github.com/akamaster/pytorch_resnet_cifar10/pull/14)): write
# `initial_lr` into the optimizer. The error is gone. The plan there is 0.1, divided by 10 at epochs
# 100 and 150; we resume at epoch 160.

# %%
milestones = dict(milestones=[100, 150], gamma=0.1)
optimizer = sgd()
optimizer.param_groups[0]["initial_lr"] = 0.1
scheduler = lr_scheduler.MultiStepLR(optimizer, **milestones, last_epoch=159)
stairs = Schedule(multistep, lr=0.1, milestones=(100, 150), factor=0.1)
show("planned from epoch 160 on", stairs.values(163)[160:])
show("initial_lr by hand", step_through(optimizer, scheduler, 3))

# %% [markdown]
# No error, and a hundred times the rate. `MultiStepLR` multiplies the *current* rate at each
# milestone; past ones never come again. `initial_lr` is stored, but not used.
#
# **Second repair**: load what was saved, but in which order? In YOLOv5 the optimizer was loaded
# first and the scheduler made afterwards
# ([yolov5#292](https://github.com/ultralytics/yolov5/issues/292), fixed in
# [#300](https://github.com/ultralytics/yolov5/pull/300)).


# %%
def made(optimizer):
    return lr_scheduler.LambdaLR(optimizer, lambda t: 0.5 * (1 + math.cos(math.pi * t / 20)))


optimizer = sgd()
scheduler = made(optimizer)
step_through(optimizer, scheduler, 10)
saved = optimizer.state_dict(), scheduler.state_dict()

optimizer = sgd()
optimizer.load_state_dict(saved[0])
scheduler = made(optimizer)  # makes a first step of its own, and sets the rate to the first one
scheduler.load_state_dict(saved[1])
show("planned from step 10 on", planned)
show("load, make, load", step_through(optimizer, scheduler, 3))

optimizer = sgd()
scheduler = made(optimizer)
optimizer.load_state_dict(saved[0])
scheduler.load_state_dict(saved[1])
show("make both, then load both", step_through(optimizer, scheduler, 3))

# %% [markdown]
# One update has the first rate, in the middle of the run; the same with `OneCycleLR` and warm
# restarts. A `LinearLR` multiplies the loaded rate again, a `SequentialLR` writes its first rate,
# and both go on from there ([pytorch#119168](https://github.com/pytorch/pytorch/issues/119168));
# `CosineAnnealingLR` keeps the loaded rate. **Fix it**: make everything, then load everything,
# then compare the next rates with the plan.
#
# Under a formula our `TorchSchedule` has no memory to lose: the rate follows from the number of
# updates.

# %%
from course_lib.pytorch import TorchSchedule

optimizer = sgd()
scheduler = TorchSchedule(optimizer, stairs, last_epoch=159)
show("planned from epoch 160 on", stairs.values(163)[160:])
show("TorchSchedule", step_through(optimizer, scheduler, 3))

# %% [markdown]
# ## 5. Branch
#
# A checkpoint can be resumed twice. Resumed under another schedule, it starts a **branch**. One
# long run at a constant rate is the trunk; wherever we want a finished model, we branch off and let
# the rate fall to zero, the **cooldown**. Trunk and cooldown together are the schedule **WSD**, for
# *warmup, stable, decay*:
#
#     lr(t) = peak * (t + 1) / (warmup + 1)      while t < warmup
#     lr(t) = peak                               until the cooldown starts
#     lr(t) = peak * shape(p)                    p from 0 to 1 in the cooldown
#
# with `shape(p)` = 1 - p, or, as here, 1 - √p, which falls fast at first.


# %%
def run(schedule, updates, watch=None):
    how = dict(data=data, framework=framework, batch_size=128, momentum=0.9, progress=False)
    done = fit(schedule, max_updates=updates, watch=watch, **how)
    done.assert_lr_matches(schedule)
    return done


def branch(total):
    stages = dict(warmup_steps=0, cooldown_steps=total // 5)
    return Schedule(wsd, peak_lr=0.1, total_steps=total, shape="1-sqrt", **stages)


# %% [markdown]
# **Predict.** After 300 updates, which ends with the lowest loss on held-out images: a constant
# rate, the branch that cools down over the last 60 updates, or a cosine of 300 updates?

# %%
predict(
    "10.c",
    "Lowest held-out loss after 300 updates?",
    {"constant": 34, "wsd": 33, "cosine": 33},
)

# %%
plans = {
    "constant": Schedule(constant, lr=0.1),
    "wsd": branch(300),
    "cosine": Schedule(cosine, peak_lr=0.1, total_steps=300),
}
scores, images = {}, data.x_train[:200, ..., None]


def keep_scores(name):
    def watch(done, trainer):
        if done == 240:  # where the cooldown starts
            scores[name] = trainer.logits(images)

    return watch


runs = {name: run(plan, 300, keep_scores(name)) for name, plan in plans.items()}
ends = {name: each.history["val_loss"][-1] for name, each in runs.items()}
print({name: round(loss, 4) for name, loss in ends.items()})
outcome("10.c", min(ends, key=ends.get))

# %% [markdown]
# Is the branch really a branch? Until its cooldown a WSD run must be the constant run: the same
# losses, and a network that gives every image the same scores, bit by bit.

# %%
assert runs["wsd"].loss[:240] == runs["constant"].loss[:240]
assert np.array_equal(scores["wsd"], scores["constant"])
print("one run until update 240; equal at the end:", runs["wsd"].loss == runs["constant"].loss)

# %% alt="A constant run, two branches that fall from it to zero, a cosine, and their losses."
runs["wsd of 150 updates"] = run(branch(150), 150)
figure = plot_runs(runs)
figure.axes[1].set_ylim(0.1, 0.6)  # the start is the same for all
figure

# %% [markdown]
# Picture a river in a valley: at a high rate a run is thrown from wall to wall, but moves on
# along the river; the cooldown takes it down to the water (Wen et al. 2024). In this picture the
# loss of a trunk hides what its branches reach.
#
# A cosine has no such branches: its rate depends on the length of the run from the first update on.

# %%
for total in (300, 600, 2400):
    rate = cosine(300, peak_lr=0.1, total_steps=total)
    print(f"a cosine of {total:>5,} updates has at update 300 the rate {rate:.3f}")

# %% [markdown]
# Stop the longest one at update 300 and the model is unfinished; for a longer cosine you must
# begin again.
#
# ## 6. WSD in the frameworks' own words
#
# Neither PyTorch nor Keras has a class of this name. In PyTorch a factor for `LambdaLR` will do;
# Keras wants a schedule object, in operations that can be compiled.

# %%
stages = dict(peak_lr=0.1, total_steps=300, warmup_steps=20, cooldown_steps=60)
ours = Schedule(wsd, **stages).values(301)


def factor(t, total=300, warm=20, cool=60):
    return min((t + 1) / (warm + 1), 1.0, max(0.0, (total - t) / cool))


optimizer = sgd(lr=0.1)
by_lambda = step_through(optimizer, lr_scheduler.LambdaLR(optimizer, factor), 301)
print("LambdaLR equals ours:", np.allclose(by_lambda, ours, rtol=1e-12, atol=0))


# %%
class WarmupStableDecay(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, peak, total, warm, cool):
        self.peak, self.total, self.warm, self.cool = peak, total, warm, cool

    def __call__(self, step):
        t = keras.ops.cast(step, "float32")
        rising, falling = (t + 1) / (self.warm + 1), (self.total - t) / self.cool
        return self.peak * keras.ops.clip(keras.ops.minimum(rising, falling), 0.0, 1.0)

    def get_config(self):
        return dict(peak=self.peak, total=self.total, warm=self.warm, cool=self.cool)


by_keras = WarmupStableDecay(0.1, 300, 20, 60)(np.arange(301))
print("Keras equals ours:   ", np.allclose(by_keras, ours, rtol=1e-6, atol=1e-9))

# %% [markdown]
# ## 7. Accuracy against budget, on record
#
# Is a branch as good as a cosine that was made for its length? On record are five seeds on MNIST at
# budgets of 600, 1,200 and 2,400 updates: a constant rate, a branch (20 % of the updates are
# cooldown) and a cosine, all from a peak of 0.1.

# %% alt="Test accuracy against updates, on record: constant, branch and cosine, with intervals."
from course_lib.claims import mean_of, record

lines = [line for line in record("branches") if line["framework"] == framework]
for kind, name in {"constant": "constant", "branch": "wsd", "cosine": "cosine"}.items():
    found = {}
    for line in lines:
        if line["variant"].startswith(f"{kind} "):
            found.setdefault(line["updates"], []).append(100 * line["test_accuracy"])
    means = [mean_of(values) for values in found.values()]
    bars = [mean.high - mean.value for mean in means]
    style = dict(capsize=4, label=kind, **look(name))
    plt.errorbar(list(found), [mean.value for mean in means], bars, **style)
plt.gcf().set(figwidth=7.5, figheight=3.2, dpi=90)
plt.xscale("log")
plt.xticks(list(found), [f"{updates:,}" for updates in found])
plt.minorticks_off()
plt.grid(alpha=0.25)
plt.gca().set(xlabel="updates", ylabel="test accuracy in %")
title = f"{lines[0]['data']}, {framework}, 5 seeds: mean and 95 % interval"
plt.title(title, fontsize=10, loc="left")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()

# %% [markdown]
# A gain compares pairs of runs with the same seed; the brackets hold its 95 % interval over the
# seeds. Whether other test images would agree is not on record (lesson 11).
#
# {{branch-constant}}
#
# {{branch-cosine}}
#
# {{branch-cifar10}}
#
# All three had the same peak here, and a cosine may need a higher one: lesson 11 tunes each. What a
# branch surely saves is updates, if you want models for several budgets:

# %%
budgets = (600, 1_200, 2_400)
cooldowns = [budget // 5 for budget in budgets]
trunk = max(budget - cooldown for budget, cooldown in zip(budgets, cooldowns))
print(f"three cosines: {sum(budgets):,} updates")
print(f"trunk and three branches: {trunk + sum(cooldowns):,} updates")

# %% [markdown]
# ## What you take along
#
# 1. A checkpoint holds weights, optimizer, place in the schedule and place in the data. Compare the
#    first resumed rates with the plan, and the first resumed losses with an uninterrupted run.
# 2. A schedule that is a formula of the update number resumes anywhere. PyTorch's own schedulers
#    have to be loaded, in the right order.
# 3. WSD splits a run into a trunk of any length and short cooldowns: the end of the run need not be
#    known at its start.
#
# **An open question.** How long must a cooldown be? Many published recipes take 10 to 20 % of the
# updates, but what sets the best length is not known. Vary `cooldown_steps` in section 5 and look.
#
# **References.** S. Hu et al., *MiniCPM*, [arXiv:2404.06395](https://arxiv.org/abs/2404.06395) ·
# A. Hägele et al., *Scaling laws and compute-optimal training beyond fixed training durations*,
# [arXiv:2405.18392](https://arxiv.org/abs/2405.18392): 1 - √p, branches against cosines ·
# K. Wen et al., *Understanding warmup-stable-decay learning rates*,
# [arXiv:2410.05192](https://arxiv.org/abs/2410.05192): the river valley ·
# PyTorch's [*Saving and loading
# models*](https://docs.pytorch.org/tutorials/beginner/saving_loading_models.html)

# %% [markdown] tags=["exercise"]
# ### Exercise 10.1 - A branch (code, 2 points, about 8 minutes)
#
# A trunk runs at the rate `lr` for ever. Write the schedule of a branch: it leaves the trunk at
# update `start` and cools down over `length` updates as 1 - √p. Before `start` it is the trunk;
# from update `start + length` on the rate is 0.
#
# $$\text{lr}(t) = \text{lr} \cdot (1 - \sqrt{p}), \qquad
# p = \frac{t - \text{start}}{\text{length}}, \quad 0 \le p \le 1$$
#
# **Deliver:** the function `branch_rate`. A branch of no length, `length=0`, drops to 0 at `start`.
#
# **Success:** the rate is right at every update, before, in and after the cooldown.
#
# Example: with `lr=0.2, start=100, length=16` update 99 and update 100 get 0.2, update 104 gets
# 0.1, update 116 gets 0.


# %% tags=["exercise"]
def branch_rate(step, *, lr, start, length):
    """The rate of a branch that leaves a trunk at `lr` and cools down as 1 - sqrt(p)."""
    ### BEGIN SOLUTION
    if step < start:
        return lr
    if step >= start + length:
        return 0.0
    return lr * (1 - math.sqrt((step - start) / length))
    ### END SOLUTION


# Try it yourself: expect 0.2, 0.2, 0.1, 0.0
# [branch_rate(t, lr=0.2, start=100, length=16) for t in (99, 100, 104, 116)]

# %% tags=["check"] grade_id="10-branch" points=2
from course_lib.checks import check

check("10.1", branch_rate)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "10.1",
    branch_rate,
    hints=[
        "There are three stretches. Which question about `step` tells them apart?",
        "In the cooldown p counts from its own start, `(step - start) / length`; it never "
        "leaves the range from 0 to 1.",
        "`lr` before `start`; 0 from `start + length` on (ask this before you divide); in between "
        "`lr * (1 - math.sqrt(p))`.",
    ],
    shown=[
        curve([0, 99, 100, 101, 104, 109, 115, 116, 117, 500], lr=0.2, start=100, length=16),
        curve(range(12), lr=1.0, start=0, length=9),
        curve([0, 4, 5, 6], lr=0.3, start=5, length=0),
    ],
    locked=[curve(range(30), lr=0.4, start=7, length=13)],
    hidden={
        "around the branch": [
            curve([38, 39, 40, 41], lr=0.05, start=40, length=11),
            curve([0, 1, 2], lr=3.0, start=1, length=7),
        ],
        "whole branches": [
            curve(range(40), lr=0.7, start=12, length=17),
            curve(range(0, 3000, 61), lr=0.1, start=1920, length=480),
        ],
        "after the end": [curve([24, 25, 26, 60], lr=0.9, start=20, length=5)],
        "no length": [curve([2, 3, 4], lr=0.6, start=3, length=0)],
    },
    library=["wsd", "flat_cosine"],
)

# %% [markdown] tags=["answer"]
# Before `start` nothing distinguishes the branch from the trunk, so any checkpoint of the trunk up
# to there can be its first part. Frequent slips: p counted from update 0; `sqrt(1 - p)` instead of
# `1 - sqrt(p)`; a root of a negative number before the branch; a rate that rises again, or becomes
# negative, after the end; a division by zero where there is no cooldown.

# %% [markdown] tags=["exercise"]
# ### Exercise 10.2 - Set the clocks (concept, 2 points, about 8 minutes)
#
# A run was killed after `updates` updates, and an epoch has `steps_per_epoch` of them. Say what to
# set so that it goes on with the very next update.
#
# **Deliver:** the function `clocks`, which returns three whole numbers:
#
# 1. the argument `last_epoch` for a new PyTorch scheduler, whose `step()` is called after every
#    update (`every="update"`) or at the end of every epoch (`every="epoch"`);
# 2. the `initial_epoch` for Keras's `fit`;
# 3. the number of batches of that epoch that the run has seen already.
#
# **Success:** all three are right for both values of `every`, also in the middle of an epoch, at
# its end, and before the first update.
#
# Example: after 25 updates with 10 per epoch, two epochs are complete and 5 batches of the third
# are done. `clocks(25, 10, "update")` is `(24, 2, 5)` and `clocks(25, 10, "epoch")` is `(1, 2, 5)`.


# %% tags=["exercise"]
def clocks(updates, steps_per_epoch, every):
    """(last_epoch, initial_epoch, batches done in that epoch)"""
    ### BEGIN SOLUTION
    epochs, batches = divmod(updates, steps_per_epoch)
    steps = updates if every == "update" else epochs
    return steps - 1, epochs, batches
    ### END SOLUTION


# Try it yourself: expect (24, 2, 5)
# clocks(25, 10, "update")

# %% tags=["check"] grade_id="10-clocks" points=2
from course_lib.checks import check

check("10.2", clocks)

# %% tags=["probes"]
exercise(
    "10.2",
    clocks,
    hints=[
        "How many times has `scheduler.step()` been called? The argument `last_epoch` is one less.",
        "`updates // steps_per_epoch` is the number of complete epochs; epochs count from 0, so it "
        "is the number of the epoch to go on with, too.",
        "`divmod(updates, steps_per_epoch)` gives complete epochs and batches done; `last_epoch` "
        "is `updates - 1` or the complete epochs less 1.",
    ],
    shown=[
        call(25, 10, "update"),
        call(25, 10, "epoch"),
        call(20, 10, "update"),
        call(20, 10, "epoch"),
        call(0, 10, "update"),
        call(3, 10, "epoch"),
    ],
    locked=[call(1300, 469, "update"), call(1300, 469, "epoch")],
    hidden={
        "a step every update": [
            call(7, 3, "update"),
            call(782, 782, "update"),
            call(4, 5, "update"),
        ],
        "a step every epoch": [
            call(7, 3, "epoch"),
            call(46_900, 469, "epoch"),
            call(781, 782, "epoch"),
        ],
        "nothing done yet": [call(0, 3, "epoch"), call(0, 469, "update"), call(2, 9, "epoch")],
        "one update per epoch": [call(12, 1, "update"), call(12, 1, "epoch"), call(4, 1, "epoch")],
    },
)

# %% [markdown] tags=["answer"]
# The argument `last_epoch` is the number of the last step made, so -1 when none was: that is why
# torch's default is -1. `initial_epoch` is the number of the next epoch. The two differ by one for a
# scheduler that steps every epoch, the usual slip. In the middle of an epoch PyTorch and Keras both
# need the place in the data as well, or they repeat the batches of that epoch: many programs save
# only at ends of epochs for this reason.

# %% [markdown] tags=["exercise"]
# ### Exercise 10.3 - The repair that fails (bug, 3 points, about 12 minutes)
#
# This is the first repair of section 4 as a function
# ([pytorch_resnet_cifar10#14](https://github.com/akamaster/pytorch_resnet_cifar10/pull/14)). It
# makes the scheduler of a resumed run, for a new optimizer with the first rate of the plan.
#
# ```python
# def resumed(optimizer, *, done, milestones, gamma):
#     for group in optimizer.param_groups:
#         group["initial_lr"] = group["lr"]
#     return torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma, last_epoch=done - 1)
# ```
#
# **Deliver:** `resumed`, corrected: after `done` epochs it returns a PyTorch scheduler for this
# optimizer that goes on as if the run had never stopped. Every parameter group must have the right
# rate at once, and at every later step. `milestones` are in ascending order. `done=0` is a new run.
#
# **Success:** from epoch `done` on the applied rates are the plan's, in each group from its own
# first rate. The check steps through them with `torch_rates(resumed, lr, steps, done=..., ...)`.
#
# Example: from a rate of 1.0 with `done=5, milestones=[2, 4, 8], gamma=0.1` the rates are 0.01,
# 0.01, 0.01, and 0.001 from the fourth on.


# %% tags=["exercise"]
def resumed(optimizer, *, done, milestones, gamma):
    """A scheduler that goes on after `done` epochs; `optimizer` is new and has the first rate."""
    ### BEGIN SOLUTION
    for parameters in optimizer.param_groups:
        parameters["initial_lr"] = parameters["lr"]

    def factor(epoch):
        return gamma ** sum(milestone <= epoch for milestone in milestones)

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor, last_epoch=done - 1)
    ### END SOLUTION


# Try it yourself: expect 0.01, 0.01, 0.01, 0.001
# from course_lib.questions.adapters import torch_rates
# torch_rates(resumed, 1.0, 4, done=5, milestones=[2, 4, 8], gamma=0.1)

# %% tags=["check"] grade_id="10-resumed" points=3
from course_lib.checks import check

check("10.3", resumed)

# %% tags=["probes"]
exercise(
    "10.3",
    resumed,
    hints=[
        "Which rate should the optimizer have at epoch `done`, and which one has it?",
        "Two ways: give the optimizer the rate that it would have had, or take a scheduler that "
        "computes each rate from the first one and the epoch.",
        "`LambdaLR` is of the second kind: a factor `gamma ** (number of milestones <= epoch)`, "
        "with `initial_lr` set and `last_epoch=done - 1`.",
    ],
    shown=[
        through("torch_rates", 1.0, 5, done=5, milestones=[2, 4, 8], gamma=0.1),
        through("torch_rates", 0.1, 3, done=160, milestones=[100, 150], gamma=0.1),
        through("torch_rates", 0.5, 6, done=0, milestones=[2, 4], gamma=0.5),
        through("torch_rates", 0.5, 3, done=4, milestones=[2, 4], gamma=0.5),
    ],
    locked=[
        through("torch_rates", 0.3, 8, done=3, milestones=[1, 2, 5, 9], gamma=0.2),
        through("torch_rates", 0.004, 4, share=0.5, done=3, milestones=[1, 5], gamma=0.03),
    ],
    hidden={
        "between two milestones": [
            through("torch_rates", 0.8, 9, done=7, milestones=[3, 6, 10, 12], gamma=0.5),
            through("torch_rates", 2.0, 6, done=30, milestones=[10, 20, 33], gamma=0.3),
            through("torch_rates", 0.0017, 6, share=0.1, done=5, milestones=[2, 4, 8], gamma=0.03),
        ],
        "at a milestone": [
            through("torch_rates", 0.4, 7, done=6, milestones=[3, 6, 9], gamma=0.1),
            through("torch_rates", 0.4, 4, done=1, milestones=[1, 2], gamma=0.7),
        ],
        "one step before a milestone": [
            through("torch_rates", 0.9, 4, done=5, milestones=[3, 6], gamma=0.1),
            through("torch_rates", 0.2, 5, done=89, milestones=[30, 60, 90], gamma=0.2),
        ],
        "from the start": [
            through("torch_rates", 0.6, 5, done=0, milestones=[1, 3], gamma=0.25),
            through("torch_rates", 0.6, 5, done=1, milestones=[3, 4], gamma=0.25),
        ],
    },
)

# %% [markdown] tags=["answer"]
# `MultiStepLR` multiplies the current rate when its counter meets a milestone. A new optimizer has
# the first rate, and the milestones of the past are never met. `LambdaLR` computes each rate from
# `initial_lr`, so only the counter has to be right. Other fixes: multiply `lr` by `gamma` once for
# each milestone *below* `done` before the scheduler is made (its constructor does the step to
# `done` itself); or step a new scheduler `done` times, which is slow and brings a warning. Best of
# all is to save the state of optimizer and scheduler and load both.

# %% [markdown] tags=["exercise"]
# ### Exercise 10.4 - Fix the checkpoint (bug, 3 points, about 12 minutes)
#
# A run in plain Python: one weight in the valley $w^2 / 2$, whose gradient is $w$, under momentum
# and a linear decay to zero. `file` is a checkpoint. Like the `--resume` of
# [pytorch-cifar](https://github.com/kuangliu/pytorch-cifar/blob/master/main.py), this one
# forgets a part of the run:
#
# ```python
# def go_on(file, updates, *, peak_lr, total_steps, momentum):
#     weight, velocity = file["weight"], 0.0
#     for t in range(updates):
#         rate = peak_lr * max(0.0, 1 - t / total_steps)
#         velocity = momentum * velocity + weight
#         weight -= rate * velocity
#     return {"weight": weight}
# ```
#
# **Deliver:** `go_on`, corrected. The checkpoints it takes and returns are dicts of three numbers,
# `{"weight": ..., "velocity": ..., "done": ...}`, where `done` counts all updates made so far.
#
# **Success:** a run in two parts, or in ten, ends exactly as the run in one part, and two branches
# from one checkpoint do not disturb each other. Past `total_steps` the rate stays 0, but the
# velocity still changes.
#
# Example: with `peak_lr=0.5, total_steps=4, momentum=0.5`, two updates from
# `{"weight": 1.0, "velocity": 0.0, "done": 0}` give
# `{"weight": 0.125, "velocity": 1.0, "done": 2}`.


# %% tags=["exercise"]
def go_on(file, updates, *, peak_lr, total_steps, momentum):
    """Make `updates` more updates of the run in `file`, and return the checkpoint after them."""
    ### BEGIN SOLUTION
    w, v, done = file["weight"], file["velocity"], file["done"]
    for step in range(done, done + updates):
        v = momentum * v + w
        w = w - peak_lr * max(0.0, 1 - step / total_steps) * v
    return {"weight": w, "velocity": v, "done": done + updates}
    ### END SOLUTION


# Try it yourself: expect {"weight": 0.125, "velocity": 1.0, "done": 2}
# start = {"weight": 1.0, "velocity": 0.0, "done": 0}
# go_on(start, 2, peak_lr=0.5, total_steps=4, momentum=0.5)

# %% tags=["check"] grade_id="10-go-on" points=3
from course_lib.checks import check

check("10.4", go_on)


# %% tags=["probes"]
def at(weight, velocity, done):
    return {"weight": weight, "velocity": velocity, "done": done}


short = dict(peak_lr=0.5, total_steps=4, momentum=0.5)
long = dict(peak_lr=0.2, total_steps=30, momentum=0.9)

exercise(
    "10.4",
    go_on,
    hints=[
        "What does the second part of a run need that the loop keeps in its variables?",
        "The velocity comes from the file. So does the update's number, which the rate depends on.",
        "The loop's counter runs from `file['done']` to `file['done'] + updates`, the velocity "
        "starts at `file['velocity']`; return all three in a new dict.",
    ],
    shown=[
        call(at(1.0, 0.0, 0), 2, **short),
        call(at(0.125, 1.0, 2), 2, **short),
        call(at(1.0, 0.0, 0), 4, **short),
        call(at(1.0, 0.5, 3), 0, **short),
        call(at(1.0, 0.5, 6), 2, **short),
        through("shared", at(1.0, 0.0, 0), [{"updates": n, **short} for n in (2, 4)]),
    ],
    locked=[call(at(0.7, -0.3, 5), 4, **long), call(at(3e-6, 2e-7, 9), 3, **long)],
    hidden={
        "from the start": [call(at(3.0, 0.0, 0), 7, **long), call(at(-2.0, 0.0, 0), 3, **short)],
        "from the middle": [
            call(at(0.4, 0.9, 11), 6, **long),
            call(at(2.0, -1.5, 29), 1, **long),
            call(at(0.3, 0.2, 1), 1, **short),
            call(at(4e-7, -3e-7, 20), 3, **long),
            through("shared", at(0.4, 0.9, 11), [{"updates": n, **long} for n in (6, 3)]),
        ],
        "over the end": [
            call(at(0.5, 0.8, 27), 8, **long),
            call(at(0.5, 0.8, 40), 3, **long),
            call(at(0.6, 0.1, 33), 0, **long),
        ],
    },
)

# %% [markdown] tags=["answer"]
# Everything that an update reads and that survives it belongs in the file: weight, velocity and the
# number of updates. `done` must be the total, not the number of this part, or a run that is resumed
# twice goes wrong the second time. A new dict is better than a changed one: from a checkpoint that
# was changed nobody can branch. A good habit is to test a checkpoint like this: make the run in one
# part and in two, and compare them to the last bit.
