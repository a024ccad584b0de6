# %% [markdown] tags=["setup"]
# # The clinic and the budget
#
# **You will be able to:** read a trace of rates and name its fault; get the most out of a fixed
# budget of updates with a schedule that you can defend; rank entries so that luck does not win; say
# what schedule-free methods promise and what they do not; and see how good your own predictions
# were.
#
# **You need:** lessons 1 to 11.
#
# **Minutes:** 60

# %% tags=["setup"]
import math
import re

import matplotlib.pyplot as plt
import numpy as np

from course_lib.plots import PALETTE, smooth
from course_lib.schedules import Schedule, linear, warmup

framework = "torch"  # or "tensorflow"

# %%
import torch

from course_lib.claims import gain, mean_interval, record, sampling_error
from course_lib.data import load
from course_lib.predictions import Calibration, Prediction, calibration, outcome, predict
from course_lib.schedules import constant, cosine, exponential, multistep, per_epoch
from course_lib.tensorflow import keras  # `import keras`, without its start-up notes
from course_lib.training import fit

mnist, cifar = load("mnist"), load("cifar10")

# %% [markdown]
# ## 1. The clinic
#
# Twelve runs of one network on MNIST: same start, same batches, 160 updates, in "epochs" of 20. The
# **plan** is what the author of each had in mind:

# %%
EPOCH, TOTAL = 20, 160
wave = Schedule(cosine, peak_lr=0.3, total_steps=TOTAL)
weak = Schedule(cosine, peak_lr=0.003, total_steps=TOTAL)
hot = Schedule(cosine, peak_lr=3.0, total_steps=TOTAL)
by_epoch = Schedule(cosine, peak_lr=0.3, total_steps=TOTAL // EPOCH)
stairs = Schedule(per_epoch, then=by_epoch, steps_per_epoch=EPOCH)
shrinking = Schedule(
    per_epoch, then=Schedule(exponential, lr=0.3, factor=0.7), steps_per_epoch=EPOCH
)
drops = Schedule(multistep, lr=0.3, milestones=(80, 120))
ramp = Schedule(warmup, then=Schedule(linear, peak_lr=0.3, total_steps=120), warmup_steps=40)
fixed = Schedule(constant, lr=0.3)

# %% [markdown]
# And this is what the optimizer got, patient by patient; the plan is dashed. Eleven of the twelve
# are ill, each with one cause from this course. The code lists the causes; which patient has which
# was drawn by lot.

# %%
cases = {  # cause: (what was planned, what was applied)
    "healthy": (wave, wave),
    "planned 100 times too low": (weak, weak),
    "planned 10 times too high": (hot, hot),
    "scheduler of another optimizer": (wave, fixed),
    "factor per epoch, applied per update": (shrinking, lambda t: 0.3 * 0.7**t),
    "formula fed with its own rate": (shrinking, lambda t: 0.3 * 0.7 ** sum(range(t // EPOCH + 1))),
    "cosine run past its end": (wave, lambda t: 0.15 * (1 + math.cos(math.pi * t / 80))),
    "warmup from zero, by the epoch": (ramp, lambda t: 0.15 * (t // EPOCH) if t < 40 else ramp(t)),
    "resumed without the count of updates": (wave, lambda t: wave(t % 80)),
    "scheduler used up by a drawing": (drops, lambda t: drops(t + TOTAL)),
    "rate set after the epoch": (stairs, lambda t: stairs(max(0, t - EPOCH))),
    "plateau rule that hopes for a rise": (fixed, lambda t: 0.3 * 0.1 ** (t // 60)),
}
letters = "ABCDEFGHIJKL"
lots = np.random.default_rng(12).permutation(list(cases))
cause = {letter: str(name) for letter, name in zip(letters, lots)}

# %%
patients = {}
for letter in letters:
    plan, applied = cases[cause[letter]]
    how = dict(framework=framework, batch_size=64, progress=False)
    patients[letter] = fit(applied, data=mnist, max_updates=TOTAL, **how)
    patients[letter].assert_lr_matches(applied)


# %% alt="Patients A to F: applied rate and, dashed, the plan, above the training loss"
def ward(letters):
    """The applied rate of each patient, over its plan, above its training loss."""
    figure, grid = plt.subplots(4, 3, figsize=(7.5, 6.4), dpi=90, layout="constrained", sharex=True)
    for place, letter in enumerate(letters):
        row, column = 2 * (place // 3), place % 3
        top, bottom = grid[row, column], grid[row + 1, column]
        planned = cases[cause[letter]][0].values(TOTAL)
        top.plot(planned, color="0.4", linestyle="--", linewidth=1)
        top.plot(patients[letter].lr, color=PALETTE[0])
        top.set_ylim(0, 1.15 * max(*planned, *patients[letter].lr))
        top.set_title(f"patient {letter}", fontsize=10, loc="left")
        bottom.plot(smooth(patients[letter].loss, beta=0.8), color=PALETTE[1])
        bottom.set_ylim(0, 2.6)
        for axes, name in ((top, "rate"), (bottom, "loss")):
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
            if column == 0:
                axes.set_ylabel(name)
        if row == 2:
            bottom.set_xlabel("update")
    plt.close(figure)
    return figure


ward(letters[:6])

# %% alt="Patients G to L: applied rate and, dashed, the plan, above the training loss"
ward(letters[6:])

# %% [markdown]
# **Predict.** Look at patient D, whose rate lies far below its plan.

# %%
predict(
    "12.a",
    "What is wrong with patient D?",
    {
        "resumed without the count of updates": 25,
        "scheduler used up by a drawing": 25,
        "formula fed with its own rate": 25,
        "factor per epoch, applied per update": 25,
    },
)

# %% [markdown]
# Now all twelve: fill `diagnosis` with a cause from `cases` for each letter. Section 3 has the key.

# %%
diagnosis = {}  # for example {"A": "healthy", "B": "cosine run past its end"}
for letter, name in diagnosis.items():
    print(letter, "right" if name == cause[letter] else f"not {name!r}: look again")
right = sum(name == cause[letter] for letter, name in diagnosis.items())
print(f"{right} of {len(letters)} diagnosed")
outcome("12.a", cause["D"])

# %% [markdown]
# ## 2. The instrument
#
# `assert_lr_matches(plan)` looks at every update, and names the first wrong one. **Predict.** In
# how many of the ill patients is it among the first 20?

# %%
predict(
    "12.b",
    "In how many of the ill patients is one of the first 20 updates wrong?",
    {"three or fewer": 34, "four to six": 33, "seven or more": 33},
)

# %%
first_wrong = []
for letter in letters:
    try:
        patients[letter].assert_lr_matches(cases[cause[letter]][0])
    except AssertionError as error:
        first_wrong.append(int(re.search(r"update (\d+)", str(error))[1]))
        print(letter, str(error).partition(", Schedule")[0])
early = sum(update < 20 for update in first_wrong)
outcome("12.b", "three or fewer" if early < 4 else "four to six" if early < 7 else "seven or more")

# %% [markdown]
# That update often gives the diagnosis. The ill ones not listed have a wrong *plan*: there you need
# to know which rates work at all.
#
# ## 3. Break it: judge by the final loss
#
# Why look at rates, if what counts is the held-out loss at the end?

# %%
final = {letter: patients[letter].history["val_loss"][-1] for letter in letters}
for letter in sorted(final, key=final.get):
    print(f"{final[letter]:.3f}  {letter}  {cause[letter]}")

# %% [markdown]
# The healthy run is not the first of the list: some ill ones, all with higher rates than planned,
# end with a lower loss. <!-- shown --> A fault need not spoil the result. It means that you did
# not test what you meant to, and a longer run may reverse the order.
#
# ## 4. The budget
#
# The rules: CIFAR-10, the classic convolutional network, batches of 64, momentum 0.9, **250
# updates**. An entry is a schedule, run once with each of the seeds 0 to 4 and measured on the same
# 5,000 held-out images. Its **score** is the lower end of the interval of its mean $\bar{a}$ from
# $n$ runs:
#
# $$\text{score} = \bar{a} - t_{n-1}\, s / \sqrt{n}$$
#
# So one lucky run does not help: it widens the interval. A run that diverged counts as a guess
# among ten classes.
#
# The course enters with six schedules (of one-cycle the rate only), all with the peak 0.05, tuned
# for none. Their runs were recorded in PyTorch; in TensorFlow `fit` makes the same updates up to
# rounding.

# %%
BUDGET, SEEDS, GUESSING = 250, range(5), 10.0


def score(accuracies):
    mean, half = mean_interval(accuracies)
    return mean - half


board = {}
for line in record("board_cifar10"):
    assert line["updates"] == BUDGET or line["diverged"] is not None
    board.setdefault(line["variant"], []).append(100 * line.get("val_accuracy", 0.1))

# %% [markdown]
# **Predict.** Which shape of the course leads at 250 updates? (`step` falls twice, to a tenth
# each time; after a short climb `wsd` stays at its peak until the last fifth.)

# %%
predict(
    "12.c",
    "Which entry of the course has the highest score?",
    {"linear or cosine": 25, "one_cycle or wsd": 25, "step": 25, "constant": 25},
)

# %%
from course_lib.widgets import lab

lab()  # your bench: train, pause, stop, compare; choose cifar10 and cnn to prepare your entry

# %% [markdown]
# Now **your entry**. Replace this one; try it in the lab first, with other seeds. Use the board's
# seeds once; otherwise they no longer judge you fairly.

# %%
entry = Schedule(
    warmup, then=Schedule(linear, peak_lr=0.06, total_steps=BUDGET - 50), warmup_steps=50
)


def enter(schedule, seed):
    how = dict(model="cnn", max_updates=BUDGET, batch_size=64, momentum=0.9, progress=False)
    run = fit(schedule, data=cifar, framework=framework, seed=seed, **how)
    run.assert_lr_matches(schedule)
    return GUESSING if run.diverged is not None else 100 * run.history["val_accuracy"][-1]


board["your entry"] = [enter(entry, seed) for seed in SEEDS]
if cifar.is_stand_in:
    print("Your entry saw stand-in data, the others CIFAR-10: do not compare them.")


# %% alt="Accuracies of each entry, its mean with interval, ordered by the interval's lower end"
def plot_board(board):
    order = sorted(board, key=lambda name: score(board[name]))
    figure, axes = plt.subplots(figsize=(7.5, 3.2), dpi=90, layout="constrained")
    for y, name in enumerate(order):
        mean, half = mean_interval(board[name])
        color = PALETTE[1] if name == "your entry" else PALETTE[0]
        dots = {"color": color, "markeredgecolor": "white", "zorder": 3}
        axes.plot(board[name], [y] * len(board[name]), "o", **dots)
        axes.plot([mean - half, mean + half], [y, y], color=color, linewidth=2)
        axes.plot(mean - half, y, "|", color=color, markersize=14, markeredgewidth=2.5)
    axes.set_yticks(range(len(order)), order, fontsize=9)
    axes.set_xlabel(f"held-out accuracy in %, {BUDGET} updates (bar at the left end: the score)")
    axes.grid(alpha=0.25, axis="x")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{cifar.title}, dots are runs", fontsize=10, loc="left")
    plt.close(figure)
    return figure


plot_board(board)

# %%
own = [name for name in board if name != "your entry"]
leader = max(own, key=lambda name: score(board[name]))
groups = ("linear or cosine", "one_cycle or wsd", "step", "constant")
print("leader of the course's entries:", leader)
error = 100 * sampling_error(np.mean(board[leader]) / 100, images=5_000)
print(f"5,000 images leave one accuracy uncertain by about {error:.1f} points;")
print("how uncertain a gap is depends on the images on which the two disagree")
outcome("12.c", next(group for group in groups if leader in group))

# %% [markdown]
# Many intervals overlap: five seeds tell good from bad, and seldom the first from the second
# (lesson 11). The score is a rule for a decision, not a proof of an order.
#
# ## 5. Break it: rank by one run
#
# One seed is common. Which entry would have won with each of ours?

# %%
for seed in SEEDS:
    ranking = sorted(own, key=lambda name: board[name][seed], reverse=True)
    print(f"seed {seed}: {ranking[0]:9} {board[ranking[0]][seed]:.1f} %, last: {ranking[-1]}")

# %% [markdown]
# **Fix it**: rank by all five runs.
#
# ## 6. Without a plan
#
# A decay to zero has to know its end, and every schedule its peak. Three lines of research want to
# get rid of one or the other:
#
# - **WSD** (lesson 10) postpones the decision: the decay branches off when you want to stop.
# - **D-Adaptation** (2023) and **Prodigy** (2024) keep the schedule and estimate its peak, from how
#   far the solution seems to be from the start. The rate that you give multiplies this peak: begin
#   with 1.
# - **Schedule-free** methods (Defazio et al. 2024) average instead of decaying.
#
# At a fixed rate a weight jumps about the bottom of a noisy valley (lesson 2). The mean of the
# places where it has been comes near the bottom and stays there. So there are three points: $z$
# wanders; $x$, the mean of all $z$, is the result; and the gradient is taken at $y$, between the
# two.

# %% alt="z wanders far about the bottom at 0, to the end; y and x stay near it, x the calmest."
import schedulefree

weight = torch.nn.Parameter(torch.tensor([2.0]))
optimizer = schedulefree.SGDScheduleFree([weight], lr=0.5)
optimizer.train()
places = {"z": [], "y": [], "x": []}
for noise in np.random.default_rng(0).normal(size=100):
    weight.grad = weight.detach() + noise  # of the valley w**2 / 2
    optimizer.step()
    for name, read in {"y": optimizer.train, "x": optimizer.eval}.items():
        read()
        places[name].append(weight.item())
    optimizer.train()
    places["z"].append(optimizer.state[weight]["z"].item())
_, axes = plt.subplots(figsize=(7.5, 2.6), dpi=90, layout="constrained")
for (name, path), color, dashes in zip(places.items(), PALETTE, ("-", "--", "-")):
    width = 2.5 if name == "x" else 1
    axes.plot(path, label=name, color=color, linestyle=dashes, linewidth=width)
axes.axhline(0, color="0.4", linestyle=":")
axes.set(xlabel="update", ylabel="weight (bottom at 0)")
axes.set_title("schedule-free SGD in a noisy valley", fontsize=10, loc="left")
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# In formulas, for the updates $t=0,1,2,\dots$:
#
# $$y=(1-\beta)z+\beta x,\qquad z\leftarrow z-\text{lr}\,\nabla f(y),\qquad
# x\leftarrow(1-\tfrac{1}{t+1})\,x+\tfrac{1}{t+1}\,z$$
#
# One weight with gradient 1 and $\beta=0.9$, so each $z$ is 0.1 lower:

# %%
weight = torch.nn.Parameter(torch.ones(1))
optimizer = schedulefree.AdamWScheduleFree([weight], lr=0.1)
for _ in range(4):
    assert optimizer.param_groups[0]["lr"] == 0.1
    optimizer.train()  # the weight is y: where gradients are taken
    weight.grad = torch.ones(1)
    optimizer.step()
    y, z = weight.item(), optimizer.state[weight]["z"].item()
    optimizer.eval()  # the weight is x: what is measured and saved
    print(f"z {z:.2f}  x {weight.item():.4f}  y {y:.4f}")

# %% [markdown]
# The weight holds either $y$ or $x$, so the optimizer has two modes, like a model with dropout.
# Forget `optimizer.eval()` before you measure or save, as a training script for diffusion models did
# ([pull request 1250](https://github.com/kohya-ss/sd-scripts/pull/1250)), and you get $y$.
#
# ## 7. Spot the bug: an average of the wrong points
#
# Keras has the method built in
# ([source](https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/schedule_free_adamw.py),
# [pull request](https://github.com/keras-team/keras/pull/22113)). It keeps $z$ and $y$ and finds
# $x$ by solving the first formula:
#
# ```python
# z_old = z.value                                # 1. remember z
# z.assign_sub(lr * step)                        # 2. move z
# x_old = (y - (1 - beta) * z_old) / beta        # 3. the average so far, from y and the old z
# x_new = (1 - 1 / t) * x_old + 1 / t * z        # 4. new average, t from 1
# ```
#
# Weight, gradients and rate as above:

# %%
weight = keras.Variable([1.0])
optimizer = keras.optimizers.ScheduleFreeAdamW(learning_rate=0.1)
optimizer.build([weight])
for _ in range(4):
    assert float(optimizer.learning_rate) == np.float32(0.1)
    optimizer.apply([keras.ops.ones(1)], [weight])
    y, z = float(weight.numpy()[0]), float(optimizer._momentums[0].numpy()[0])
    print(f"z {z:.2f}  x {(y - 0.1 * z) / 0.9:.4f}  y {y:.4f}")

# %% [markdown]
# <details><summary>What happened</summary>
#
# On TensorFlow `z.value` is the variable itself and not a copy. Line 2 moves it, so line 3 uses the
# *new* z. From the second update on, x is not the mean of the z, nothing fails, and the loss falls.
# </details>
#
# **Fix it**: copy before you move, as the course's own `tensorflow.ScheduleFreeAdamW` does.
# There the weights stay $y$, and `averaged()` returns $x$.
#
# **Predict.** On MNIST, 400 updates, AdamW: schedule-free at its best of six rates, against a
# straight line to zero at its best of seven. Whose test accuracy is higher, over ten seeds (which
# chose the rates, too)?

# %%
predict(
    "12.d",
    "Schedule-free against a straight line that knows the end?",
    {"schedule-free is higher": 34, "it is lower": 33, "no difference found": 33},
)


# %%
def tuned(method):
    """Test accuracy by seed, at the rate with the lowest mean held-out loss."""
    runs = [line for line in record("without_plan") if line["framework"] == framework]
    names = {line["variant"] for line in runs if line["variant"].startswith(method)}
    lines = {name: [line for line in runs if line["variant"] == name] for name in names}
    best = min(names, key=lambda name: np.mean([x.get("val_loss", math.inf) for x in lines[name]]))
    return {line["seed"]: 100 * line["test_accuracy"] for line in lines[best]}


free, line, still = (tuned(m) for m in ("schedule-free", "adamw linear", "adamw constant"))
difference = gain(free, line)
for name, runs in {"schedule-free": free, "straight line": line, "fixed rate": still}.items():
    print(f"{name:14} {np.mean(list(runs.values())):.2f} %")
print(f"schedule-free minus straight line: {difference:.2f} points")
decided = "schedule-free is higher" if difference.above_zero else "it is lower"
outcome("12.d", "no difference found" if difference.undecided else decided)

# %% [markdown]
# What the records say (weight decay was 0.01 for AdamW and 0 for the others):
#
# - {{schedule-free-fixed}}
# - {{schedule-free-line}}
# - {{prodigy-line}}
#
# What they do **not** say: which wins on large networks and in long runs. In the AlgoPerf
# competition a schedule-free AdamW came first among the entries that tune themselves
# ([results](https://arxiv.org/abs/2502.15015)). None of the three removes all tuning: WSD has its
# peak, schedule-free its rate, Prodigy its schedule.
#
# ## 8. Spot the bug: all or nothing
#
# A user of Prodigy asked whether the rate should always be one of two values ([prodigy, issue
# 4](https://github.com/konstmish/prodigy/issues/4)). The code gave `CosineAnnealingLR` the number
# of *epochs* as `T_max`, which was 1 in that configuration. Six calls, here and in Keras:


# %%
def torch_trace(T_max, updates=6):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    rule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=T_max, eta_min=1e-4)
    rates = []
    for _ in range(updates):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rule.step()
    return rates


def keras_trace(decay_steps, updates=6):
    rule = keras.optimizers.schedules.CosineDecay(1.0, decay_steps, alpha=1e-4)
    return [float(rule(step)) for step in range(updates)]


for name, trace in {"torch": torch_trace, "Keras": keras_trace}.items():
    for length in (1, 6):
        print(f"{name}, length {length}: ", "  ".join(f"{rate:.4g}" for rate in trace(length)))

# %% [markdown]
# In PyTorch a wave of length 1 jumps between peak and floor. **Fix it**: `T_max` is the number of
# calls of `scheduler.step()`.
#
# ## 9. How good were your predictions?
#
# You are **calibrated** if, of all events that you give, say, seven chances in ten, seven in ten
# happen. Here is a simulated learner with 80 answers, who knows a lot but is too sure; each
# answer counts twice, for yes and for no:

# %%
rng, simulated = np.random.default_rng(0), []
for number in range(80):
    truth = rng.uniform(0.15, 0.85)  # how often "yes" really comes
    said = 100 * truth**2 / (truth**2 + (1 - truth) ** 2)  # too sure of it
    happened = "yes" if rng.random() < truth else "no"
    odds = {"yes": said, "no": 100 - said}
    simulated.append(Prediction("12.z", f"question {number}", odds, happened))

# %% alt="Stated probability against the share that came true: a line flatter than the diagonal"
Calibration(simulated, "").plot()

# %% [markdown]
# The points lie on a line flatter than the diagonal: what the learner calls nearly certain happens
# less often. Now your own, from all lessons (even odds are no opinion and are left out):

# %%
calibration()

# %% [markdown]
# In the right half, a point below the diagonal means: too sure; one above it: too cautious.
# `calibration().plot()` draws it.
#
# ## 10. The decision
#
# Which schedule now? [The guide](../docs/choosing.md) names the record behind each branch, or says
# that there is none. [The list of errors](../docs/errata.md) has the bugs of this course with their
# sources, [the glossary](../docs/glossary.md) explains its words.
#
# ## What you take along
#
# 1. A fault shows in the rates, often not in the loss. Compare every applied rate with the plan,
#    and the plan with what is known to work.
# 2. Rank by all runs of an entry, not by one, and choose with other seeds than those that
#    judge you.
# 3. An average can replace a planned decay, and an estimate a tuned peak. They bring new questions:
#    which weights do you measure, and what is still to be tuned?
#
# **An open question.** The budget here was 250 updates of one network. What would you have to
# measure, before you start, to know which entry wins at 250,000?
#
# **References.** A. Defazio et al. 2024, [schedule-free](https://arxiv.org/abs/2405.15682) · A.
# Defazio and K. Mishchenko 2023, [D-Adaptation](https://arxiv.org/abs/2301.07733) · K. Mishchenko
# and A. Defazio 2024, [Prodigy](https://arxiv.org/abs/2306.06101) · A. Hägele et al. 2024,
# [cooldowns](https://arxiv.org/abs/2405.18392) · G. Brier 1950,
# [scores](https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2)

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# ### Exercise 12.1 - Four repositories in one script (bug, 4 points, about 15 minutes)
#
# This function says which rate each update of a run gets: a linear warmup times a staircase. It
# puts together faults that four public repositories really published, one from each:
#
# ```python
# def applied_rates(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
#     rates, lr, step = [], peak_lr, 0
#     for epoch in range(epochs):
#         for _ in range(batches):
#             rates.append(lr)  # the update is made with this rate
#             peak_lr = peak_lr * factor ** sum(step >= m for m in milestones)
#             lr = peak_lr * min(1, step / warmup_steps)
#             step += 1
#     return rates
# ```
#
# What was meant: `milestones` are *epochs*, in ascending order; from each on, the rate is
# multiplied by `factor` once more, so twice where two are equal. The warmup counts *updates*:
# update $t$ gets the share $(t+1)/(w+1)$ of the staircase's rate, at most all of it, with $w$ =
# `warmup_steps`, which may be 0.
#
# Example: `applied_rates(3, 2, peak_lr=1.0, warmup_steps=1, milestones=[2], factor=0.5)` is
# `[0.5, 1.0, 1.0, 1.0, 0.5, 0.5]`.
#
# **Deliver:** the function, corrected.
#
# **Success:** every update has the planned rate, also without a warmup, without milestones, and
# with a warmup that is longer than the run.
#
# <details><summary>Where the faults are from (this names them)</summary>
#
# The rate set after the update: the PyTorch code of [Dive into Deep Learning
# 1.0.3](https://github.com/d2l-ai/d2l-en/blob/v1.0.3/chapter_optimization/lr-scheduler.md), there
# once per epoch. A formula fed with its own result:
# [DeepDepthDenoising](https://github.com/VCL3D/DeepDepthDenoising/blob/ebc0f15/utils/opt.py).
# Epochs counted in batches: [SRGAN-PyTorch, issue
# 1](https://github.com/Lornatang/SRGAN-PyTorch/issues/1). A warmup whose first update has the rate
# 0: nanoGPT, until [this commit](https://github.com/karpathy/nanoGPT/commit/dc81cb36).
# </details>


# %% tags=["exercise"]
def applied_rates(epochs, batches, *, peak_lr, warmup_steps, milestones, factor):
    """The rate of every update: a linear warmup in updates, a staircase in epochs."""
    ### BEGIN SOLUTION
    rates = []
    for step in range(epochs * batches):
        drops = sum(step // batches >= milestone for milestone in milestones)
        share = min(1.0, (step + 1) / (warmup_steps + 1))
        rates.append(peak_lr * share * factor**drops)
    return rates
    ### END SOLUTION


# Try it: applied_rates(3, 2, peak_lr=1.0, warmup_steps=1, milestones=[2], factor=0.5)

# %% tags=["check"] grade_id="12-four-repositories" points=4
from course_lib.checks import check

check("12.1", applied_rates)

# %% tags=["probes"]
from course_lib.exercises import call, exercise, through

exercise(
    "12.1",
    applied_rates,
    hints=[
        "Print the rates of the example and compare them with what was meant: which update is the "
        "first that is wrong? There are four faults, and a division that fails without a warmup.",
        "Compute the rate *before* it is appended, from `peak_lr` as it was given, and compare "
        "milestones with the clock that they are meant in.",
        "The rate of update `step` is `peak_lr` times `min(1, (step + 1) / (warmup_steps + 1))` "
        "times `factor` to the number of milestones that are at most `epoch`.",
    ],
    shown=[
        call(3, 2, peak_lr=1.0, warmup_steps=1, milestones=[2], factor=0.5),
        call(4, 3, peak_lr=0.1, warmup_steps=4, milestones=[2, 3], factor=0.1),
        call(2, 4, peak_lr=0.3, warmup_steps=0, milestones=[1], factor=0.5),
        call(2, 2, peak_lr=0.8, warmup_steps=7, milestones=[], factor=0.1),
    ],
    locked=[
        call(3, 4, peak_lr=0.5, warmup_steps=6, milestones=[1], factor=0.2),
        call(3, 1, peak_lr=1.0, warmup_steps=0, milestones=[1, 1], factor=0.5),
        call(3, 2, peak_lr=0.0013, warmup_steps=0, milestones=[0, 1, 2], factor=1.3),
    ],
    hidden={
        "the warmup": [
            call(1, 9, peak_lr=0.4, warmup_steps=4, milestones=[5], factor=0.3),
            call(2, 3, peak_lr=2.0, warmup_steps=30, milestones=[7], factor=0.1),
            call(3, 1, peak_lr=0.7, warmup_steps=2, milestones=[9], factor=0.1),
        ],
        "the staircase": [
            call(5, 3, peak_lr=0.2, warmup_steps=0, milestones=[1, 4], factor=0.5),
            call(5, 2, peak_lr=0.001, warmup_steps=0, milestones=[1, 2, 4], factor=0.03),
            call(6, 2, peak_lr=0.9, warmup_steps=0, milestones=[3, 3], factor=0.4),
            call(4, 5, peak_lr=0.05, warmup_steps=0, milestones=[0], factor=0.25),
        ],
        "both at once": [
            call(5, 4, peak_lr=0.6, warmup_steps=6, milestones=[1, 3], factor=0.3),
            call(7, 3, peak_lr=0.15, warmup_steps=5, milestones=[2, 5], factor=0.1),
            call(3, 7, peak_lr=1.3, warmup_steps=9, milestones=[2], factor=2.0),
        ],
    },
    library=["warmup", "multistep", "per_epoch", "product"],
)

# %% [markdown] tags=["answer"]
# Written as a formula of the update's number, there is nothing left that could be late or feed on
# itself: two of the four faults need a variable that is carried from update to update. In the
# library it is a `product` of two parts: `Schedule(warmup, then=Schedule(constant, lr=1.0), ...)`
# and `Schedule(per_epoch, then=Schedule(multistep, ...), ...)`.
#
# Frequent slips: fixing the order and the division only, so that the staircase still compounds;
# counting the milestones with `>` instead of `>=`; writing `step / warmup_steps` with a guard
# against 0, which leaves the first update without a rate; reaching the peak one update late or
# early.

# %% [markdown] tags=["exercise"]
# ### Exercise 12.2 - Schedule-free on a noisy valley (code, 3 points, about 12 minutes)
#
# Write schedule-free SGD for one weight in the valley `f(w) = curvature * w**2 / 2`. Its gradient
# at `w` is `curvature * w`, and the measurement adds noise: update `t` sees that gradient plus
# `noise[t]`. Both $z$ and $x$ begin at `start`. Update $t = 0, 1, 2, \dots$ does, in this order:
#
# $$y = (1-\beta) z + \beta x, \qquad z \leftarrow z - \text{lr}\,(\text{gradient at } y), \qquad
# x \leftarrow \big(1 - \tfrac{1}{t+1}\big)\, x + \tfrac{1}{t+1}\, z$$
#
# Return the list of $x$ after each update. Example:
# `schedule_free(1.0, [0.0, 0.0], lr=0.5, beta=0.5, curvature=1.0)` is `[0.5, 0.375]`.
#
# **Deliver:** the function `schedule_free`.
#
# **Success:** every $x$ is right, for any noise and any `beta` from 0 (plain averaging) to 1.


# %% tags=["exercise"]
def schedule_free(start, noise, *, lr, beta, curvature):
    """The averaged weight x after each update of schedule-free SGD."""
    ### BEGIN SOLUTION
    z = x = start
    averages = []
    for t, draw in enumerate(noise):
        y = (1 - beta) * z + beta * x
        z = z - lr * (curvature * y + draw)
        x = x + (z - x) / (t + 1)
        averages.append(x)
    return averages
    ### END SOLUTION


# Try it: schedule_free(1.0, [0.0, 0.0], lr=0.5, beta=0.5, curvature=1.0)

# %% tags=["check"] grade_id="12-schedule-free" points=3
from course_lib.checks import check

check("12.2", schedule_free)

# %% tags=["probes"]
exercise(
    "12.2",
    schedule_free,
    hints=[
        "Keep two numbers from update to update, z and x. What is y for, and does it live longer "
        "than one update?",
        "The gradient is taken at y, the step is made from z, and the average takes in the *new* "
        "z.",
        "In the loop: `y` from z and x; then z minus `lr * (curvature * y + noise[t])`; then x "
        "plus `(z - x) / (t + 1)`; append x.",
    ],
    shown=[
        call(1.0, [0.0, 0.0], lr=0.5, beta=0.5, curvature=1.0),
        call(2.0, [0.1, -0.2, 0.3], lr=0.2, beta=0.9, curvature=1.5),
        call(1.0, [0.5, 0.5, -1.0, 0.25], lr=0.1, beta=0.0, curvature=2.0),
        call(3.0, [], lr=0.1, beta=0.9, curvature=1.0),
    ],
    locked=[
        call(1.5, [0.2, 0.0, -0.4], lr=0.3, beta=0.8, curvature=0.5),
        call(
            -1.5,
            [0.2, 0.0, -0.4, 0.3, 0.1, -0.2, 0.5, 0.1, -0.3],
            lr=0.3,
            beta=0.995,
            curvature=0.5,
        ),
    ],
    hidden={
        "without noise": [
            call(4.0, [0.0] * 6, lr=0.25, beta=0.9, curvature=1.0),
            call(-1.0, [0.0] * 5, lr=1.2, beta=0.6, curvature=0.7),
            call(2.0, [], lr=0.3, beta=0.5, curvature=1.0),
        ],
        "with noise": [
            call(0.5, [0.3, -0.7, 0.2, 0.9, -0.1], lr=0.4, beta=0.95, curvature=1.1),
            call(2.5, [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0], lr=0.15, beta=0.7, curvature=2.2),
            call(0.0, [1.0, 0.0, 0.0, 0.0], lr=0.6, beta=0.85, curvature=3.0),
            call(4.0, [-0.5, -0.9, 0.2] * 8, lr=0.3, beta=0.8, curvature=1.0),
        ],
        "at the ends of beta": [
            call(1.2, [0.4, -0.3, 0.8, 0.1], lr=0.35, beta=0.0, curvature=0.9),
            call(1.2, [0.4, -0.3, 0.8, 0.1], lr=0.35, beta=1.0, curvature=0.9),
        ],
    },
)

# %% [markdown] tags=["answer"]
# x is the plain mean of all z so far; `x + (z - x) / (t + 1)` computes it without keeping them.
# With `beta=0` the gradient is taken at z: SGD whose past is averaged (Polyak and Ruppert). With
# `beta=1` it is taken at the mean itself.
#
# Frequent slips: the fault of section 7, taking in the old z or using z where it has moved already;
# taking the gradient at z or at x whatever `beta` says; swapping the two weights of the mix;
# dividing by `t` instead of `t + 1`; returning z.

# %% alt="SGD jumps about the bottom of the valley; the average x grows calm" tags=["answer"]
draws = np.random.default_rng(3).normal(size=300)
averaged = schedule_free(1.0, list(draws), lr=0.3, beta=0.9, curvature=1.0)
jumping, w = [], 1.0
for draw in draws:
    w -= 0.3 * (w + draw)
    jumping.append(w)
figure, axes = plt.subplots(figsize=(7.5, 3.2), dpi=90, layout="constrained")
axes.plot(jumping, color=PALETTE[1], linewidth=0.8, label="SGD at the same fixed rate")
axes.plot(averaged, color=PALETTE[0], label="schedule-free: x")
axes.set(xlabel="update", ylabel="weight (best: 0)")
axes.grid(alpha=0.25)
axes.legend(frameon=False)
plt.show()

# %% [markdown] tags=["exercise"]
# ### Exercise 12.3 - The board (code, 3 points, about 12 minutes)
#
# Write the board of section 4. `entries` holds the accuracies of each entry in per cent, one per
# run; `None` is a run that diverged, and counts as `guessing`. The score of an entry with $n$ runs
# is
#
# $$\text{mean} - t_n\, s / \sqrt{n}, \qquad s^2 = \frac{1}{n-1} \sum (a_i - \text{mean})^2$$
#
# with $t_n$ = `quantiles[n]`. Entries with fewer than two runs are left out. Return a list of pairs
# `[name, score]`, highest score first; equal scores by name, in alphabetical order.
#
# Example: `leaderboard({"b": [50.0, 50.0], "a": [60.0, 62.0]}, quantiles={2: 12.7}, guessing=10.0)`
# is `[["b", 50.0], ["a", 48.3]]`: the higher mean is less certain.
#
# **Deliver:** the function `leaderboard`.
#
# **Success:** names, order and scores are right, also with diverged runs, ties and entries of one
# run; `entries` stays as it was.


# %% tags=["exercise"]
def leaderboard(entries, *, quantiles, guessing):
    """[name, score] of every entry with two runs or more, highest score first."""
    ### BEGIN SOLUTION
    board = []
    for name, runs in entries.items():
        values = [guessing if value is None else value for value in runs]
        n = len(values)
        if n < 2:
            continue
        mean = sum(values) / n
        spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))
        board.append([name, mean - quantiles[n] * spread / math.sqrt(n)])
    return sorted(board, key=lambda pair: (-pair[1], pair[0]))
    ### END SOLUTION


# Try it: leaderboard({"b": [50.0, 50.0], "a": [60.0, 62.0]}, quantiles={2: 12.7}, guessing=10.0)

# %% tags=["check"] grade_id="12-board" points=3
from course_lib.checks import check

check("12.3", leaderboard)

# %% tags=["probes"]
T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}

exercise(
    "12.3",
    leaderboard,
    hints=[
        "Three things in this order for each entry: what its runs count, whether it has enough of "
        "them, its score. Then sort.",
        "`statistics.stdev` divides by n - 1, NumPy's `std` by n. What has to happen with `None` "
        "before any mean?",
        "Sort the pairs by `(-score, name)`; the score is the mean less "
        "`quantiles[n] * stdev / math.sqrt(n)`.",
    ],
    shown=[
        call({"b": [50.0, 50.0], "a": [60.0, 62.0]}, quantiles={2: 12.7}, guessing=10.0),
        call(
            {"linear": [41.0, 42.5, 40.2], "constant": [39.0, None, 40.0], "wsd": [43.0]},
            quantiles=T,
            guessing=10.0,
        ),
        call(
            {"late": [30.0, 30.0], "early": [30.0, 30.0], "more": [30.004, 30.004]},
            quantiles=T,
            guessing=10.0,
        ),
        call({"only": [55.5]}, quantiles=T, guessing=10.0),
        call({"wsd": [3.0, 3.0], "warmup": [3.0, 3.0]}, quantiles=T, guessing=1.0),
        through(
            "shared",
            {"c": [32.0], "b": [34.0, 33.0], "a": [30.0, None]},
            [dict(quantiles=T, guessing=g) for g in (10.0, 20.0)],
        ),
    ],
    locked=[
        call({"one": [20.5, 21.0, 22.5], "two": [21.5, 21.5, 22.0]}, quantiles=T, guessing=10.0),
        call(
            {"p": [12.0, None], "q": [8.0, 8.0], "r": [None, None], "s": [0.0, 0.1], "t": []},
            quantiles={2: 12.7},
            guessing=5.0,
        ),
    ],
    hidden={
        "different spreads": [
            call(
                {
                    "calm": [38.0, 38.4, 37.9, 38.1, 38.2],
                    "wild": [30.5, 47.0, 44.0, 33.0, 41.5],
                    "middle": [39.0, 40.5, 38.5, 41.0, 37.5],
                },
                quantiles=T,
                guessing=10.0,
            ),
            call(
                {"x": [61.0, 62.0], "y": [55.0, 56.0, 55.5, 55.2], "z": [58.0, 59.0, 60.0]},
                quantiles=T,
                guessing=10.0,
            ),
        ],
        "diverged runs": [
            call(
                {"hot": [48.0, None, 47.0, 49.5, 48.5], "cool": [35.0, 34.0, 36.0, 35.5, 34.5]},
                quantiles=T,
                guessing=10.0,
            ),
            call(
                {
                    "dead": [None, None, None],
                    "half": [None, 70.0],
                    "poor": [18.5, 0.0, 19.0],
                    "fine": [51.0, 50.0, 52.5],
                },
                quantiles=T,
                guessing=20.0,
            ),
        ],
        "ties and entries of one run": [
            call(
                {"q": [44.0, 44.0], "p": [44.0, 44.0, 44.0], "r": [99.0], "s": [44.004, 44.004]},
                quantiles=T,
                guessing=10.0,
            ),
            call(
                {"alone": [80.0], "empty": [], "ab": [12.0, 14.0], "aa": [14.0, 12.0]},
                quantiles=T,
                guessing=10.0,
            ),
            through(
                "shared",
                {"one": [50.0], "low": [None, 42.0, 40.0], "high": [60.0, 58.0]},
                [dict(quantiles=T, guessing=g) for g in (30.0, 41.0)],
            ),
        ],
    },
)

# %% [markdown] tags=["answer"]
# The score asks for more than a high mean: with two runs $t$ is about 12.7, with five 2.8. So an
# entry pays for few runs and for a wide spread. Diverged runs are replaced *before* the mean and
# the spread; left out, they would make a dangerous rate look good.
#
# Frequent slips: dividing by n instead of n - 1; dropping `None`; forgetting the root of n; ranking
# by the mean; sorting the names of equal scores downwards together with the scores.

# %% [markdown] tags=["exercise"] grade_id="12-memo" points=6
# ### Exercise 12.4 - One page for a decision (extended, 6 points, about 40 minutes)
#
# A colleague will train the CIFAR-10 network of section 4 once, with 1,000 updates instead of
# 250, and asks you for a schedule, its peak and its length of warmup. There is time for 15 trial
# runs.
#
# **Deliver:** a memo of at most one page, 500 words, with (1) your choice, written so that it can be
# run; (2) why this one: at least two claims of the course by their ids, which the lessons print
# beside them and `lr-course reproduce` lists, each with its interval and number of seeds; (3) how
# you would spend the 15 runs: at which peaks, against which rival, on which seeds; (4) what would
# change your mind; (5) what you do not know.
# Example of a good start of (2): "Claim `...` says, with n seeds, that ...; it was measured on
# MNIST, so ...".
#
# **Success:** a reader can repeat your decision without asking you, and every number has a source.

# %% [markdown] tags=["answer"]
# Rubric, 6 points. **1 point**: the choice is a `Schedule(...)` with all of its arguments, in
# updates, and the quoted claims or the 15 runs also try a lower and a higher peak. **1 point**:
# two claims are quoted with interval and n, and fit the question. **1 point**: it is said where
# they do not fit (other data, other length, other network). **1 point**: the 15 runs are paired
# over seeds, tune the peak of the choice and of at least one simple rival equally, and leave
# other seeds for the last comparison. **1 point**: a result is named in advance that would change
# the choice. **1 point**: the unknown is honest; "linear or cosine, we found no difference" is a
# full answer.
#
# Frequent slips: naming the winner of one run; tuning the favourite only; taking the test images
# for the choice; a rate without its batch size and momentum; a warmup in epochs beside a length in
# updates.
