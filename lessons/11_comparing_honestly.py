# %% [markdown] tags=["setup"]
# # Comparing schedules honestly
#
# **You will be able to:** say how sure you are that one schedule beats another, work out how many
# seeds that takes, allow for the test images, tune both sides fairly, and recognise published
# orderings that their own numbers do not support.
#
# **You need:** lesson 1 (sweeps); lessons 2, 4 and 8 for the schedules.
#
# **Minutes:** 50
#
# Which schedule is best? Many papers and blogs have a table. Here you learn to read one.

# %% tags=["setup"]
import math

import numpy as np

framework = "torch"  # or "tensorflow"

# %%
from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
from scipy.special import chdtri, stdtr, stdtrit  # of chi-squared and of Student's t

from course_lib.claims import Runs, gain, record, sampling_error
from course_lib.claims.lesson_11 import BETWEEN, KINDS, TO_ZERO, tuned
from course_lib.data import load
from course_lib.plots import look
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule, constant, cosine, linear
from course_lib.training import fit

data = load("mnist")
cut = len(data.x_train) * 5 // 6  # 10,000 of 60,000 images are held out
kept = replace(data, x_train=data.x_train[:cut], y_train=data.y_train[:cut])
held_x, held_y = data.x_train[cut:, ..., None], data.y_train[cut:]

# %% [markdown]
# ## 1. One seed each
#
# A seed sets the initial weights and the order of the images. `train` makes a short run and records
# after each `every` updates which of 10,000 held-out images are classified correctly.


# %%
def train(schedule, seed, updates, every):
    right = {}

    def watch(done, trainer):
        if done % every == 0:
            right[done] = trainer.logits(held_x).argmax(1) == held_y

    how = dict(data=kept, framework=framework, batch_size=64, momentum=0.9, validation=0)
    how.update(max_updates=updates, watch=watch, progress=False)
    run = fit(schedule, seed=seed, **how)
    run.assert_lr_matches(schedule)
    return right


# %% [markdown]
# **Predict.** Linear against cosine, both from a rate of 0.2 to zero in 150 updates, with six
# seeds. Does one of them win with every seed?

# %%
predict(
    "11.a",
    "Linear against cosine, six seeds: does one win them all?",
    {"one wins all six": 50, "each wins some, or they tie": 50},
)

# %%
SEEDS, UPDATES = range(6), 150
plans = {
    "linear": Schedule(linear, peak_lr=0.2, total_steps=UPDATES),
    "cosine": Schedule(cosine, peak_lr=0.2, total_steps=UPDATES),
}
right = {
    name: {seed: train(plan, seed, UPDATES, UPDATES)[UPDATES] for seed in SEEDS}
    for name, plan in plans.items()
}
accuracy = {
    name: {seed: 100 * float(images.mean()) for seed, images in runs.items()}
    for name, runs in right.items()
}
gaps = {seed: accuracy["cosine"][seed] - accuracy["linear"][seed] for seed in SEEDS}
print("cosine minus linear, points:", {seed: round(gap, 2) for seed, gap in gaps.items()})
one_wins = min(gaps.values()) > 0 or max(gaps.values()) < 0
outcome("11.a", "one wins all six" if one_wins else "each wins some, or they tie")

# %% alt="For each seed a dot where linear ends and a square where cosine ends, joined by a line."
figure, panel = plt.subplots(figsize=(7.5, 2.6), dpi=90)
panel.vlines(list(SEEDS), *(list(each.values()) for each in accuracy.values()), color="0.75")
for name, marker in {"linear": "o", "cosine": "s"}.items():
    dots = {**look(name), "linestyle": "none", "marker": marker}
    panel.plot(list(SEEDS), list(accuracy[name].values()), label=name, **dots)
panel.set(xlabel="seed", ylabel="held-out accuracy in %", xticks=list(SEEDS))
panel.set_title(f"{data.title}, {framework}: runs of {UPDATES} updates", fontsize=10, loc="left")
panel.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
panel.grid(alpha=0.25)
plt.show()

# %% [markdown]
# The winner of one pair of runs depends on the seed. So we average over `n` seeds and print the
# 95 % interval (Student's t); `d` is the difference, B minus A, for one seed, and `s` the standard
# deviation of these differences:
#
# $$\bar d \pm t_{n-1} \frac{s}{\sqrt n}$$
#
# The differences are **paired**: both runs of a pair share initial weights and order, so a lucky
# seed helps both, and cancels. The unpaired interval ignores this.

# %%
paired = gain(accuracy["cosine"], accuracy["linear"])
variances = [np.var(list(each.values()), ddof=1) for each in accuracy.values()]
n = len(SEEDS)
unpaired = stdtrit(2 * n - 2, 0.975) * math.sqrt(sum(variances) / n)
print(f"cosine minus linear: {paired:.2f} points, paired")
half = paired.high - paired.value
print(f"half of the interval: {half:.2f} paired, {unpaired:.2f} unpaired")
print("a difference found:", not paired.undecided)

# %% [markdown]
# An interval that contains zero does not mean "equal", only that these seeds cannot decide.
#
# Pairing needs a seed that really fixes the run. In PyTorch, and in Keras:

# %%
import torch


def in_torch(seed):
    torch.manual_seed(seed)
    model = torch.nn.Linear(784, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=20)
    losses, rates = [], []
    for rows in torch.randperm(cut)[:640].split(32):
        x, y = torch.from_numpy(kept.x_train[rows] / np.float32(255)), kept.y_train[rows]
        loss = torch.nn.functional.cross_entropy(model(x.flatten(1)), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(loss.item())
        optimizer.step()
        scheduler.step()
    assert np.allclose(rates, Schedule(linear, peak_lr=0.2, total_steps=20).values(20))
    return losses


print("same seed, same losses:", in_torch(1) == in_torch(1))
print("another seed, same losses:", in_torch(1) == in_torch(2))

# %%
from course_lib.tensorflow import keras  # without its start-up notes


def in_keras(seed):
    keras.utils.set_random_seed(seed)  # of Python, NumPy and TensorFlow
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    decay = keras.optimizers.schedules.PolynomialDecay(0.2, decay_steps=20, end_learning_rate=0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(decay), loss)
    assert np.allclose(
        decay(np.arange(20)), Schedule(linear, peak_lr=0.2, total_steps=20).values(20), rtol=1e-5
    )
    rows = np.random.permutation(cut)[:640]
    x, y = kept.x_train[rows].reshape(-1, 784) / np.float32(255), kept.y_train[rows]
    return model.fit(x, y, batch_size=32, verbose=0).history["loss"]


print("same seed, same losses:", in_keras(1) == in_keras(1))
print("another seed, same losses:", in_keras(1) == in_keras(2))

# %% [markdown]
# ## 2. How many seeds?
#
# A measured gap counts as found when it exceeds half of its interval, $t_{n-1} s / \sqrt n$. With
# many seeds t is about 2, so if we measure exactly the true gap, that takes
# $n \approx (2 s / \text{gap})^2$ pairs. But measured gaps scatter, so we simulate 5,000
# comparisons with this n, and 5,000 with twice as many pairs. And `s` is an estimate, too: the
# brackets hold n for both ends of its interval.

# %%
spread = float(np.std(list(gaps.values()), ddof=1))
ends = [spread * math.sqrt(5 / chdtri(5, tail)) for tail in (0.025, 0.975)]  # of six: 5 degrees
print(f"differences between the pairs spread by {spread:.2f} [{ends[0]:.2f}, {ends[1]:.2f}] points")
rng = np.random.default_rng(0)


def share_found(gap, n):
    draws = rng.normal(gap, spread, (5_000, n))
    half = stdtrit(n - 1, 0.975) * draws.std(1, ddof=1) / math.sqrt(n)
    return np.mean(draws.mean(1) > half)


def pairs_for(gap, s):
    n = 2
    while stdtrit(n - 1, 0.975) * s / math.sqrt(n) > gap:
        n += 1
    return n


for gap in (1.0, 0.5, 0.2, 0.1, 0.05):
    n, low, high = (pairs_for(gap, s) for s in (spread, *ends))
    shares = ", ".join(f"{k} find it in {share_found(gap, k):.0%}" for k in (n, 2 * n))
    print(f"a gap of {gap:4.2f} points: {n} [{low}, {high}] seeds; {shares}")

# %%
from course_lib.widgets import how_many_seeds

how_many_seeds()  # your turn: from how many seeds on is the winner clear, and stays so?

# %% [markdown]
# With the formula's n, finding a small gap is little better than the toss of a coin: plan twice as
# many pairs. Half the gap costs about four times the seeds, and six pairs give `s` within a factor
# of 2.5. <!-- shown --> So first ask how small a gap would still matter, and fix n before you look:
# adding seeds until the interval excludes zero finds differences that do not exist.
#
# ## 3. The test images are a sample, too
#
# More seeds do not help against another doubt: would *other images* say the same? An accuracy `p`
# on `m` images is uncertain by $\pm 1.96 \sqrt{p (1 - p) / m}$. For the gap of two models on the
# same images only those images count that one model alone gets right, `b` for B and `a` for A. So
# the gap has a margin of its own:
#
# $$\text{gap} = \frac{b - a}{m} \pm \frac{1.96}{m} \sqrt{a + b - \frac{(b - a)^2}{m}}$$

# %%
first, second = right["linear"][0], right["cosine"][0]
for m in (len(held_y) // 20, len(held_y)):
    a, b = np.sum(first[:m] & ~second[:m]), np.sum(second[:m] & ~first[:m])
    margin = 1.96 / m * math.sqrt(a + b - (b - a) ** 2 / m)
    alone = sampling_error(first[:m].mean(), m)
    print(f"{m:>6,} images: one accuracy ± {alone:.2%}; gap {(b - a) / m:+.2%} ± {margin:.2%}")

# %% [markdown]
# Both gaps lie within their margins. <!-- shown -->
#
# ## 4. Break it: the best epoch on the test set
#
# The script [pytorch-cifar](https://github.com/kuangliu/pytorch-cifar) measures the *test* accuracy
# after every epoch, saves the best network and that accuracy ([issue
# 14](https://github.com/kuangliu/pytorch-cifar/issues/14) in 2017, [issue
# 145](https://github.com/kuangliu/pytorch-cifar/issues/145), still open). We do the same on small
# test sets of 500 images, and ask what the chosen model reaches on the other images.
#
# **Predict.** By how much is the best of 16 accuracies too high on its 500 images?

# %%
predict(
    "11.b",
    "Best of 16 checkpoints on 500 images: by how much is it too high?",
    {"below 0.2 points": 34, "0.2 to 0.5 points": 33, "above 0.5 points": 33},
)

# %%
plan = Schedule(constant, lr=0.3)
checkpoints = train(plan, seed=0, updates=400, every=20)
grades = 100 * np.array([checkpoints[done] for done in sorted(checkpoints)][4:])  # 16 x 10,000
parts = np.array_split(np.arange(len(held_y)), 20)  # twenty small test sets
flattery = []
for part in parts:
    best = grades[:, part].mean(1).argmax()
    flattery.append(grades[best, part].mean() - np.delete(grades[best], part).mean())
too_high = float(np.mean(flattery))
print(f"on its own {len(parts[0])} images: {too_high:+.2f} points, mean of 20 test sets")
low = "below 0.2 points" if too_high < 0.2 else "0.2 to 0.5 points"
outcome("11.b", "above 0.5 points" if too_high > 0.5 else low)

# %% alt="Accuracy by checkpoint on one set of 500 images and on the others; the best is circled."
part = parts[int(np.argsort(flattery)[len(parts) // 2])]
updates = [done for done in sorted(checkpoints)][4:]
own, others = grades[:, part].mean(1), np.delete(grades, part, axis=1).mean(1)
figure, panel = plt.subplots(figsize=(7.5, 2.8), dpi=90)
panel.plot(updates, own, marker="o", label=f"{len(part)} test images", **look("", 1))
rest = f"the other {len(held_y) - len(part):,}"
panel.plot(updates, others, marker="s", label=rest, **look("", 0))
panel.plot(updates[own.argmax()], own.max(), "o", ms=14, mfc="none", color="0.1", label="reported")
panel.set(xlabel="update", ylabel="accuracy in %")
panel.set_title(
    f"{data.title}, {framework}: the middle one of 20 test sets", fontsize=10, loc="left"
)
panel.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
panel.grid(alpha=0.25)
plt.show()

# %% [markdown]
# The maximum of noisy numbers is too high. **Fix it**: choose the checkpoint, the peak and the
# schedule on held-out training images, and look at the test images once, at the end.
#
# ## 5. Spot the bug: prose against its own outputs
#
# A textbook chapter of 2026 says that a square-root decay ends with a test accuracy slightly below
# that of the constant rate, in both of its frameworks
# ([text](https://github.com/smolix/d2l-neu/blob/1c21cdbe/chapter_optimization/lr-scheduler.md)).
# The same commit holds the outputs, for
# [PyTorch](https://github.com/smolix/d2l-neu/blob/1c21cdbe/outputs/pytorch/chapter_optimization/lr-scheduler.json)
# and for
# [JAX](https://github.com/smolix/d2l-neu/blob/1c21cdbe/outputs/jax/chapter_optimization/lr-scheduler.json):

# %%
printed = {"PyTorch": (0.882, 0.902), "JAX": (0.901, 0.897)}  # constant, square root
for tab, (flat, root) in printed.items():
    margin = math.hypot(sampling_error(flat), sampling_error(root))
    words = "worse" if root < flat else "better"
    print(f"{tab:8} square root minus constant {root - flat:+.1%} ± {margin:.1%}: {words}")

# %% [markdown]
# One output contradicts the sentence by more than the margin of its 10,000 test images; the other
# agrees by less. (We do not know which images each got right, so these are margins of two
# independent test sets, rather too wide.) And each is a single run.
#
# A second table compares six schedules on 4,000 artificial test examples, one run each
# ([machine-learning-notes](https://github.com/rasbt/machine-learning-notes/tree/main/learning-rates)):

# %%
notes = {
    "constant": 0.8892,
    "step": 0.8988,
    "restarts": 0.8932,
    "cosine per epoch": 0.8898,
    "cosine per batch": 0.8952,
    "cosine, warm start": 0.8910,
}
margin = math.sqrt(2) * sampling_error(0.89, images=4_000)
widest = max(notes.values()) - min(notes.values())
print(f"widest gap {widest:.2%}, margin of a gap {margin:.2%}: supported: {widest > margin}")

# %% [markdown]
# No ordering of the six follows from this table. **Fix it**: print the margin beside the numbers.

# %% [markdown]
# ## 6. Eight schedules, five budgets, each tuned
#
# On record are eight schedules on MNIST at budgets from 20 to 1,000 updates, each with five seeds
# at the peaks 0.03, 0.1, 0.17, 0.3, 0.5 and 1. REX stays above a line and falls faster at the end;
# WSD has a short warmup and ends with a line in the last fifth; of one-cycle (lesson 8) we use only
# the rate, at momentum 0.9. The peak is chosen for each schedule *and each budget*, by the mean
# loss on held-out images; only then do we look at the test images. (The same seeds do both; take
# fresh ones where it matters.)
#
# In the table below, a star marks a peak at the border. Factors of 3 are too coarse for gaps of a
# few tenths: the table's last line says how many choices changed when 0.17 and 0.5 were added.
#
# **Predict.** What if nobody tunes, and every schedule gets a peak of 0.1? In how many of the five
# budgets does another schedule come first in mean test accuracy?

# %%
predict(
    "11.c",
    "Untuned instead of tuned: in how many of five budgets does the winner change?",
    {"none": 33, "1 or 2": 34, "3 or more": 33},
)

# %%
recorded = Runs("budgets", framework)
fair, untuned = tuned(recorded), tuned(recorded, peak=0.1)
FRACTIONS = sorted({fraction for _, fraction in fair})


def winner(table, fraction):
    return max(KINDS, key=lambda kind: table[kind, fraction].mean)


changes = 0
for fraction in FRACTIONS:
    first, plain = winner(fair, fraction), winner(untuned, fraction)
    changes += first != plain
    print(f"{fraction:>4.0%} of the updates: tuned {first:12} untuned {plain}")
outcome("11.c", "none" if not changes else "1 or 2" if changes <= 2 else "3 or more")

# %%
print("peak chosen at     " + "".join(f"{fraction:>9.0%}" for fraction in FRACTIONS))
for kind in KINDS:
    cells = [fair[kind, fraction] for fraction in FRACTIONS]
    marks = [f"{each.peak:g}{'*' if each.at_border else ' '}" for each in cells]
    print(f"{kind:19}" + "".join(f"{mark:>9}" for mark in marks))
print("* at the border of the grid: perhaps not yet the best")
coarse = tuned(recorded, without=BETWEEN)
moved = sum(fair[each].peak != coarse[each].peak for each in fair)
print(f"{moved} of {len(fair)} choices moved when {BETWEEN[0]} and {BETWEEN[1]} were added")

# %% alt="Eight panels: points above or below the straight line at five budgets, with intervals."
figure, grid = plt.subplots(
    2, 4, figsize=(7.5, 4), dpi=90, sharex=True, sharey=True, layout="constrained"
)
for panel, kind in zip(grid.flat, KINDS):
    above = [gain(fair[kind, each].accuracy, fair["linear", each].accuracy) for each in FRACTIONS]
    color = look({"step": "step_decay"}.get(kind, kind))["color"]
    means, bars = [each.value for each in above], [each.high - each.value for each in above]
    panel.errorbar(FRACTIONS, means, bars, color=color, marker="o", markersize=3, capsize=3)
    panel.set_title(kind, fontsize=10, loc="left")
    panel.set_xscale("log")
    panel.set_xticks(FRACTIONS, [f"{100 * each:.0f}" for each in FRACTIONS], fontsize=8)
    panel.minorticks_off()
    panel.set_yticks((-8, -6, -4, -2, 0, 2))
    panel.grid(alpha=0.25)
title = f"{record('budgets')[0]['data']}, {framework}, peaks tuned, 5 seeds: mean and 95 % interval"
figure.suptitle(title, fontsize=10, x=0.01, ha="left")
figure.supxlabel("budget, % of 1,000 updates", fontsize=10)
figure.supylabel("points of test accuracy above the line", fontsize=10)
plt.show()

# %% [markdown]
# {{budgets-untuned}}
#
# So the same peak for all is unfair: 0.1 is too low for schedules that fall from the start; in the
# table each of these has chosen a higher peak. What is fair is the same *search* for all, at each
# budget.
#
# {{budgets-decay}}
#
# **Multiple comparisons.** The five that end at zero make ten pairs: ten chances to find a
# difference that does not exist. Bonferroni's remedy: with m comparisons, multiply each p by m (p:
# how often equal schedules would lie at least so far apart).

# %%
chances = {}
for one, other in combinations(TO_ZERO, 2):
    ours, theirs = fair[one, 1.0].accuracy, fair[other, 1.0].accuracy
    apart = np.array([ours[seed] - theirs[seed] for seed in ours])
    t = apart.mean() / apart.std(ddof=1) * math.sqrt(len(apart))
    chances[f"{one} - {other}"] = 2 * stdtr(len(apart) - 1, -abs(t))
m = len(chances)
print(f"if {m} comparisons of equals were independent: at least one found in {1 - 0.95**m:.0%}")
for pair in sorted(chances, key=chances.get)[:4]:
    p, corrected = chances[pair], min(1, m * chances[pair])
    print(f"{pair:18} p {p:.3f}, found: {p < 0.05}", end="")
    print(f"; times {m}, at most 1: {corrected:.2f}, found: {corrected < 0.05}")

# %% [markdown]
# {{budgets-close}}
#
# {{budgets-winner}}
#
# {{budgets-decay-on-cifar10}}
#
# Which pairs are left depends on the grid: we conclude nothing from them, nor from a peak with a
# star.

# %% [markdown]
# ## 7. How to choose, then
#
# | what you know | a sound start |
# |---|---|
# | how many updates there will be | a decay to zero, its peak tuned for this length |
# | not how many | a trunk with branches (lesson 10), or a plateau (lesson 6) |
# | a run dies at its start | a warmup (lesson 5), or a lower peak |
# | nothing about the rate | a range test (lesson 7), then a sweep |
#
# Tune again whenever optimizer, batch size or budget changes, and spend as many runs on the rivals
# as on your favourite.
#
# ## What you take along
#
# 1. A gap needs an interval, over paired seeds and test images; among many gaps a wider one. Say
#    "no difference found" when the interval contains zero.
# 2. Tune both sides, for this budget, on held-out images. Where the best is at the border of the
#    grid, go on; else add a rate on each side of it. A maximum over test results is no test result.
# 3. Read numbers before text, in your own work too.
#
# **An open question.** Our record has five seeds. Which of its gaps would you trust on another data
# set, and which experiment would change your mind?
#
# **References.** X. Bouthillier et al., *Accounting for variance in machine learning benchmarks*,
# [arXiv:2103.03098](https://arxiv.org/abs/2103.03098) · R. Schmidt, F. Schneider, P. Hennig,
# *Descending through a crowded valley*, [arXiv:2007.01547](https://arxiv.org/abs/2007.01547) ·
# M. Li, E. Yumer, D. Ramanan, *Budgeted training*,
# [arXiv:1905.04753](https://arxiv.org/abs/1905.04753) ·
# J. Chen, C. Wolfe, A. Kyrillidis, *REX*, [arXiv:2107.04197](https://arxiv.org/abs/2107.04197) ·
# [*Deep Learning Tuning Playbook*](https://github.com/google-research/tuning_playbook)

# %% [markdown] tags=["exercise"]
# ### Exercise 11.1 - The interval of a gap (code, 2 points, about 10 minutes)
#
# `after` and `before` are dicts from seed to accuracy. Only seeds that both have make pairs; some
# runs may have diverged and are missing.
#
# $$\bar d \pm t \frac{s}{\sqrt n}, \qquad s = \sqrt{\frac{1}{n - 1} \sum_i (d_i - \bar d)^2}$$
#
# **Deliver:** the function `paired_interval`, which returns `(mean, low, high)` of the differences
# `after - before`. `t` is given. With fewer than two pairs raise a `ValueError`: nothing is known
# about the spread.
#
# **Success:** right for any number of pairs, and for dicts whose seeds differ.
#
# Example: `paired_interval({0: 3.0, 1: 5.0, 7: 9.0}, {0: 2.0, 1: 2.0, 4: 1.0}, t=12.7)` has the
# differences 1 and 3, so it returns 2.0, -10.7 and 14.7.


# %% tags=["exercise"]
def paired_interval(after, before, t):
    """(mean, low, high) of the differences after - before, over the seeds that both have."""
    ### BEGIN SOLUTION
    gaps = [after[seed] - before[seed] for seed in after if seed in before]
    if len(gaps) < 2:
        raise ValueError("an interval needs at least two pairs")
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / (len(gaps) - 1)
    half = t * math.sqrt(variance / len(gaps))
    return mean, mean - half, mean + half
    ### END SOLUTION


# Try it yourself: expect (2.0, -10.7, 14.7)
# paired_interval({0: 3.0, 1: 5.0, 7: 9.0}, {0: 2.0, 1: 2.0, 4: 1.0}, t=12.7)

# %% tags=["check"] grade_id="11-paired" points=2
from course_lib.checks import check

check("11.1", paired_interval)

# %% tags=["probes"]
from course_lib.exercises import call, exercise

exercise(
    "11.1",
    paired_interval,
    hints=[
        "First the list of differences, over the seeds that are in both dicts; then everything is "
        "computed from this list.",
        "The spread divides by `n - 1`, as `np.std(..., ddof=1)` does, and the interval by the "
        "root of n once more.",
        "`half = t * s / math.sqrt(n)` with `s = np.std(gaps, ddof=1)`; return the mean, the mean "
        "less `half`, the mean plus `half`.",
    ],
    shown=[
        call({0: 3.0, 1: 5.0, 7: 9.0}, {0: 2.0, 1: 2.0, 4: 1.0}, t=12.7),
        call({0: 97.1, 1: 97.4, 2: 97.2}, {0: 96.9, 1: 97.4, 2: 96.8}, t=4.3),
        call({3: 90.0, 5: 91.0}, {3: 91.5, 5: 92.5}, t=12.7),
        call({0: 1.0}, {0: 2.0}, t=12.7),
        call({0: 1.0, 1: 2.5}, {1: 2.0, 4: 3.0}, t=4.3),
        call({0: 1.0, 1: 2.5}, {4: 3.0, 5: 2.0}, t=4.3),
    ],
    locked=[
        call({0: 61.2, 1: 0.0, 2: 2.9, 3: 1.7}, {3: 0.1, 2: 0.0, 1: 0.8}, t=4.3),
        call(
            {0: 88.12, 3: 88.4, 17: 87.95, 500: 88.61},
            {500: 88.3, 17: 88.02, 3: 88.05, 0: 87.9},
            t=3.18,
        ),
    ],
    hidden={
        "all seeds in both": [
            call({0: 55.0, 1: 57.5, 2: 52.0}, {0: 54.0, 1: 54.5, 2: 53.5}, t=4.3),
            call({1: 10.0, 2: 12.0}, {2: 15.0, 1: 20.0}, t=2.0),
            call(
                {0: 91.27, 1: 90.94, 12: 91.55, 42: 91.03, 1234: 90.71},
                {1234: 90.52, 42: 91.16, 12: 90.98, 1: 90.41, 0: 90.83},
                t=2.78,
            ),
        ],
        "seeds missing": [
            call({0: 8.0, 1: 9.0, 2: 7.5, 9: 1.0}, {2: 7.0, 1: 6.0, 0: 6.5, 5: 30.0}, t=4.3),
            call({4: 0.0, 5: 1.0, 6: 0.5}, {6: 0.0, 4: 3.0}, t=1.5),
        ],
        "fewer than two pairs": [
            call({0: 1.0, 1: 2.0}, {2: 1.0, 3: 2.0}, t=2.0),
            call({0: 1.0, 1: 2.0}, {1: 1.5, 3: 2.0}, t=2.0),
            call({0: 4.0, 1: 2.0}, {1: 1.0, 0: 2.0}, t=2.0),
        ],
    },
    library=["gain", "mean_interval", "mean_of"],
    tolerance=1e-4,  # a difference of accuracies in float32
)

# %% [markdown] tags=["answer"]
# Frequent slips: subtracting the two means, which is their mean only if both dicts have the same
# seeds, and lets you take the wrong spread; dividing the squares by n instead of n - 1, or
# forgetting the root of n, so that the interval says how far *runs* spread instead of how sure
# the mean is; pairing by place in the list instead of by seed.

# %% [markdown] tags=["exercise"]
# ### Exercise 11.2 - Fix the tuner (bug, 4 points, about 15 minutes)
#
# Each run is a dict with `peak`, `seed`, `val_loss` and `test_accuracy`; a run that diverged has
# `None` for the last two. This tuner reports the best test accuracy of all, as the script of
# section 4 does with its epochs
# ([pytorch-cifar#145](https://github.com/kuangliu/pytorch-cifar/issues/145)):
#
# ```python
# def tune(runs):
#     best = max(runs, key=lambda run: run["test_accuracy"] or 0.0)
#     return best["peak"], best["test_accuracy"]
# ```
#
# **Deliver:** `tune`, corrected, so that it returns three things: the peak with the lowest *mean*
# `val_loss` over its seeds (of equal means the smaller peak), the mean `test_accuracy` of the runs at
# this peak, and whether the peak is the smallest or the largest of all that were tried. A peak at
# which any seed diverged cannot be chosen, but it was tried. If no peak is left, raise a
# `ValueError`.
#
# **Success:** no test result has any influence on the choice.
#
# Example: at peak 0.1 two seeds have validation losses 0.3 and 0.5 and test accuracies 0.90 and
# 0.92; at 0.3 they have 0.2 and 0.8, and 0.95 and 0.89; at 1.0 one diverged. Then `tune` returns
# `(0.1, 0.91, True)`.


# %% tags=["exercise"]
def tune(runs):
    """(peak, mean test accuracy there, whether the peak is at the border of those tried)"""
    ### BEGIN SOLUTION
    by_peak = {}
    for each in runs:
        by_peak.setdefault(each["peak"], []).append(each)
    losses = {}
    for peak, group in by_peak.items():
        if all(each["val_loss"] is not None for each in group):
            losses[peak] = sum(each["val_loss"] for each in group) / len(group)
    if not losses:
        raise ValueError("at every peak some seed diverged")
    chosen = min(sorted(losses), key=losses.get)
    reached = [each["test_accuracy"] for each in by_peak[chosen]]
    return chosen, sum(reached) / len(reached), chosen in (min(by_peak), max(by_peak))
    ### END SOLUTION


# Try it yourself: expect (0.1, 0.91, True)
# values = [(0.1, 0.3, 0.90), (0.1, 0.5, 0.92), (0.3, 0.2, 0.95), (0.3, 0.8, 0.89)]
# values += [(1.0, 0.1, 0.97), (1.0, None, None)]
# names = ("peak", "val_loss", "test_accuracy")
# tune([{"seed": i % 2, **dict(zip(names, each))} for i, each in enumerate(values)])

# %% tags=["check"] grade_id="11-tune" points=4
from course_lib.checks import check

check("11.2", tune)


# %% tags=["probes"]
def made_runs(*values):
    """(peak, val_loss, test_accuracy) of each run; seeds count within a peak."""
    runs, seen = [], {}
    for peak, val_loss, test_accuracy in values:
        seed = seen[peak] = seen.get(peak, -1) + 1
        accuracy = test_accuracy if val_loss is not None else None
        runs.append(dict(peak=peak, seed=seed, val_loss=val_loss, test_accuracy=accuracy))
    return runs


example = made_runs(
    *[(0.1, 0.3, 0.90), (0.1, 0.5, 0.92), (0.3, 0.2, 0.95), (0.3, 0.8, 0.89)],
    *[(1.0, 0.1, 0.97), (1.0, None, 0)],
)

exercise(
    "11.2",
    tune,
    hints=[
        "Group the runs by their peak first. Which peaks may win at all?",
        "A peak is judged by the mean of its validation losses. The test accuracies of the chosen "
        "peak are averaged afterwards, and those of the others are not looked at.",
        "A dict from peak to runs; drop peaks with a `None`; `min` of the mean losses; compare the "
        "winner with `min` and `max` of *all* peaks.",
    ],
    shown=[
        call(example),
        call(made_runs((1.0, 0.2, 0.95), (0.3, 0.2, 0.9), (0.1, 0.5, 0.99), (3.0, 0.4, 0.97))),
        call(made_runs((0.3, 2.0, 0.7), (0.3, 4.0, 0.8), (0.1, 2.5, 0.9), (0.1, 2.5, 0.0))),
        call(made_runs((0.1, None, 0), (0.3, 0.2, 0.9), (0.3, None, 0))),
        call([]),
        call(made_runs((0.1, 11.0, 0.9), (0.1, 12.0, 0.8), (0.1, 13.0, 0.7), (0.1, 14.0, 0.4))),
    ],
    locked=[
        call(  # the peaks have unequal numbers of seeds, and all of them count
            made_runs(
                *[(0.03, 0.9, 0.7), (0.1, 0.6, 0.81), (0.1, 0.5, 0.8)],
                *[(0.3, 0.55, 0.9), (0.3, 0.69, 0.88), (0.3, 0.45, 0.85)],
            )
        ),
        call(  # neither the middle nor the extremes of the seeds prefer the peak of the lowest mean
            made_runs(
                *[(0.1, 0.2, 0.83), (0.3, 0.1, 0.92), (1.0, 0.05, 0.93)],
                *[(0.1, 0.3, 0.82), (0.3, 0.1, 0.91), (1.0, 0.08, 0.95)],
                *[(0.1, 0.35, 0.81), (0.3, 0.6, 0.7), (1.0, 0.9, 0.55)],
            )
        ),
        call(  # a seed diverged, and it is not the last one; the best is the largest
            made_runs(
                *[(0.3, 0.1, 0.8), (0.3, None, 0), (0.3, 0.1, 0.9)],
                *[(1.0, 0.0, 0.7), (1.0, 0.4, 0.5), (0.1, 0.5, 0.6), (0.03, None, 0)],
            )
        ),
        call(made_runs((0.1, 0.5, 0.7), (0.3, 0.2, 0.8), *[(1.0, 0.1, 0.9)] * 2, (1.0, None, 0))),
    ],
    hidden={
        "the mean decides": [
            call(
                made_runs(
                    *[(0.01, 0.40, 0.81), (0.03, 0.10, 0.83), (0.1, 0.38, 0.80)],
                    *[(0.01, 0.44, 0.82), (0.03, 0.90, 0.84), (0.1, 0.30, 0.78)],
                    *[(0.3, 0.60, 0.90), (0.3, 0.55, 0.91)],
                )
            ),
            call(made_runs((2.0, 5.0, 0.6), (1.0, 3.0, 0.5), (2.0, 2.0, 0.7), (1.0, 3.0, 0.0))),
            call(  # the fourth seed decides
                made_runs(*[(0.1, 0.3, 0.9)] * 3, (0.1, 9.0, 0.1), (0.3, 0.4, 0.8), (1.0, 0.9, 0.5))
            ),
            call(  # the mean of the extremes prefers another peak, too
                made_runs(
                    *[(0.03, 0.7, 0.75), (0.1, 0.50, 0.80), (0.3, 0.30, 0.88), (1.0, 0.52, 0.79)],
                    *[(0.03, 0.1, 0.90), (0.1, 0.25, 0.86), (0.3, 0.31, 0.87), (1.0, 0.55, 0.78)],
                    *[(0.03, 0.7, 0.74), (0.1, 0.60, 0.81), (0.3, 0.95, 0.69), (1.0, 0.50, 0.80)],
                )
            ),
        ],
        "the test set stays out": [
            call(made_runs((0.2, 0.7, 0.98), (0.5, 0.3, 0.91), (0.8, 0.6, 0.97))),
            call(made_runs((0.2, 0.3, 0.61), (0.5, 0.3001, 0.99))),
            call(made_runs((2.0, 0.25, 0.9), (0.5, 0.25, 0.7), (0.2, 0.7, 0.6), (5.0, 0.6, 0.8))),
            call(made_runs((0.2, 0.7, 0.6), (0.5, 0.25, 0.7), (0.8, 0.25, 0.9), (2.0, 0.6, 0.8))),
        ],
        "diverged runs": [
            call(made_runs((0.1, 0.5, 0.8), (0.3, 0.1, 0.9), (0.3, None, 0), (1.0, None, 0))),
            call(made_runs((0.1, 0.9, 0.3), (0.3, 0.4, 0.7), (0.3, 0.6, 0.5), (1.0, None, 0))),
            call(made_runs((0.5, None, 0), (0.7, 0.2, 0.9), (0.7, None, 0))),
            call(made_runs((0.1, 0.5, 0.8), (0.3, 0.0, 0.9), (0.3, 0.2, 0.7), (1.0, 0.4, 0.6))),
            call(  # the first seed, and one in the middle
                made_runs(
                    *[(0.2, None, 0), (0.2, 0.1, 0.93), (0.2, 0.2, 0.92)],
                    *[(0.4, 0.1, 0.91), (0.4, None, 0), (0.4, 0.1, 0.90)],
                    *[(0.8, 0.5, 0.71), (0.8, 0.4, 0.74), (0.8, 0.6, 0.70), (1.6, 0.9, 0.5)],
                )
            ),
            call(
                made_runs(
                    *[(0.2, 0.6, 0.71), (0.4, 0.3, 0.83), (0.8, 0.1, 0.92)],
                    *[(0.2, 0.5, 0.72), (0.4, 0.4, 0.81), (0.8, 0.2, 0.91)],
                    *[(0.2, 0.7, 0.70), (0.4, 0.5, 0.82), (0.8, None, 0)],
                )
            ),
        ],
        "at the border": [
            call(made_runs((3.0, 0.2, 0.77), (1.0, 0.5, 0.7), (0.3, 0.6, 0.6))),
            call(made_runs((0.1, 15.0, 0.12), (0.3, 12.0, 0.1))),
            call(made_runs((0.1, 0.3, 0.9), (0.1, 0.4, 0.8))),
            call(made_runs((0.3, 0.2, 0.66), (1.0, 0.5, 0.7), (3.0, 0.6, 0.6))),
            call(made_runs((1.0, 0.2, 0.55), (0.3, 0.5, 0.7), (3.0, 0.6, 0.6))),
        ],
    },
)

# %% [markdown] tags=["answer"]
# One lucky seed at a wild peak wins the published tuner; the mean over seeds does not fall for it.
# The reported number is a mean over all seeds of the chosen peak, so nothing about it was selected.
# Frequent slips: the best single validation loss instead of the mean; the mean over the seeds that
# survived, which rewards a peak for killing its bad runs; the border of the peaks that survived
# instead of those that were tried.

# %% [markdown] tags=["exercise"]
# ### Exercise 11.3 - Which published gaps stand? (concept, 2 points, about 10 minutes)
#
# A table prints two accuracies, `first` and `second`, as fractions, each from one run on a test set
# of `images` images. Nothing is known image by image, so the margin of their gap is that of two
# independent proportions:
#
# $$\text{margin} = 1.96 \sqrt{\frac{p (1 - p) + q (1 - q)}{\text{images}}}$$
#
# **Deliver:** the function `published_gap`, which returns `(gap, margin, stands)`: the gap
# `second - first`, its margin, and whether the gap is *larger in size* than the margin.
#
# **Success:** right for gaps of either sign, large and small test sets.
#
# Example: `published_gap(0.8892, 0.8988, images=4000)`, the widest gap of the second table in
# section 5, gives about 0.0096, 0.0135 and `False`.


# %% tags=["exercise"]
def published_gap(first, second, images):
    """(gap, margin of the gap, whether the gap is larger than the margin)"""
    ### BEGIN SOLUTION
    gap = second - first
    variance = first * (1 - first) + second * (1 - second)
    margin = 1.96 * math.sqrt(variance / images)
    return gap, margin, abs(gap) > margin
    ### END SOLUTION


# Try it yourself: expect about (0.0096, 0.0135, False)
# published_gap(0.8892, 0.8988, images=4000)

# %% tags=["check"] grade_id="11-published-gap" points=2
from course_lib.checks import check

check("11.3", published_gap)

# %% tags=["probes"]
exercise(
    "11.3",
    published_gap,
    hints=[
        "Each accuracy brings its own uncertainty, and the two add up as squares.",
        "`p * (1 - p) / images` is the variance of one accuracy. Add the two variances, then take "
        "one root.",
        "`1.96 * math.sqrt((p * (1 - p) + q * (1 - q)) / images)`; compare it with `abs(q - p)`.",
    ],
    shown=[
        call(0.8892, 0.8988, images=4000),
        call(0.882, 0.902, images=10_000),
        call(0.901, 0.897, images=10_000),
        call(1.0, 1.0, images=100),
    ],
    locked=[
        call(0.9421, 0.9377, images=10_000),
        call(0.92, 0.88, images=10_000),
        call(0.93, 0.938, images=10_000),  # more than the margin, less than the two margins' sum
        call(0.907, 0.9, images=10_000),  # less than the margin, more than that of one accuracy
    ],
    hidden={
        "gaps that stand": [
            call(0.71, 0.83, images=2000),
            call(0.97, 0.92, images=5000),
            call(0.6, 0.9, images=200),
            call(0.9, 0.91, images=10_000),
        ],
        "gaps that do not": [
            call(0.971, 0.974, images=10_000),
            call(0.85, 0.8, images=300),
            call(1.0, 1.0, images=1000),
        ],
        "either sign": [
            call(0.62, 0.58, images=10_000),
            call(0.58, 0.62, images=1000),
            call(0.8, 0.79, images=50_000),
        ],
    },
    library=["sampling_error"],
    tolerance=1e-4,  # a difference of accuracies in float32
)

# %% [markdown] tags=["answer"]
# The margin is for two independent test sets. Runs on the *same* images usually agree on most of
# them, so the true margin is smaller (section 3); with only two printed numbers nobody can compute
# it. A gap that stands says that other images would agree about these two runs. It does not say
# that other seeds would. Frequent slips: one margin instead of two; margins added instead of
# squares; a negative gap that never "stands".

# %% [markdown] tags=["exercise"]
# ### Exercise 11.4 - Prose on trial (bug, 2 points, about 8 minutes)
#
# The chapter of section 5 calls a schedule no better, though in PyTorch its number is better. A
# colleague wants to catch such sentences with a test, and writes:
#
# ```python
# def judge(sentence, low, high):
#     if sentence == "better":
#         return "supported" if (low + high) / 2 > 0 else "refuted"
#     if sentence == "no better":
#         return "supported" if low <= 0 else "refuted"
# ```
#
# `low` and `high` are the 95 % interval of the gain. The test accepts too much: it takes "the
# interval contains zero" for a proof, and has no third answer.
#
# **Deliver:** `judge`, corrected, for the sentences `"better"`, `"worse"`, `"no better"` and
# `"no worse"`. It returns `"supported"` where every gain in the interval agrees with the sentence,
# `"refuted"` where none does, and else `"undecided"`. A gain of exactly 0 is neither better nor
# worse. Any other sentence is a `ValueError`.
#
# **Success:** right for intervals on either side of zero, across it, and touching it.
#
# Example: `judge("no better", 0.4, 2.1)` is `"refuted"`, `judge("no better", -0.3, 0.2)` is
# `"undecided"`. The chapter:
# [d2l-neu](https://github.com/smolix/d2l-neu/blob/1c21cdbe/chapter_optimization/lr-scheduler.md).


# %% tags=["exercise"]
def judge(sentence, low, high):
    """What the interval of the gain, from low to high, says about the sentence."""
    ### BEGIN SOLUTION
    every = {"better": low > 0, "worse": high < 0, "no better": high <= 0, "no worse": low >= 0}
    none = {"better": high <= 0, "worse": low >= 0, "no better": low > 0, "no worse": high < 0}
    if sentence not in every:
        raise ValueError(f"cannot judge {sentence!r}")
    if every[sentence]:
        return "supported"
    return "refuted" if none[sentence] else "undecided"
    ### END SOLUTION


# Try it yourself: expect "refuted", "undecided"
# judge("no better", 0.4, 2.1), judge("no better", -0.3, 0.2)

# %% tags=["check"] grade_id="11-judge" points=2
from course_lib.checks import check

check("11.4", judge)

# %% tags=["probes"]
exercise(
    "11.4",
    judge,
    hints=[
        "For each sentence ask two questions: do all gains in the interval agree, does any?",
        '"better" is supported when even `low` is above 0, and refuted when not even `high` is. '
        '"no better" is the opposite sentence.',
        "Supported: better `low > 0`, worse `high < 0`, no better `high <= 0`, no worse "
        "`low >= 0`. A sentence is refuted where its opposite is supported.",
    ],
    shown=[
        call("no better", 0.4, 2.1),
        call("no better", -0.3, 0.2),
        call("better", 0.1, 0.5),
        call("better", -0.2, 0.6),
        call("worse", -0.7, -0.2),
        call("no worse", -0.7, -0.2),
        call("better", 0.0, 0.6),
        call("no better", 0.0, 0.6),
        call("worse", 0.0, 0.4),
        call("no worse", -0.4, 0.0),
        call("equal", -0.1, 0.1),
        call("much better", 0.3, 0.4),
    ],
    locked=[
        call("no worse", 0.0, 0.4),
        call("better", -0.4, 0.0),
        call("worse", -0.4, 0.0),
        call("no better", 0.0, 0.0),
    ],
    hidden={
        "better and worse": [
            call("better", 0.01, 3.0),
            call("better", -3.0, -0.01),
            call("worse", -1.5, 0.5),
            call("worse", 0.2, 0.45),
            call("worse", -2.5, -0.05),
        ],
        "no better, no worse": [
            call("no better", -1.2, -0.6),
            call("no worse", -1.0, 0.25),
            call("no worse", 1.5, 2.5),
            call("no better", 0.05, 0.15),
            call("no better", -0.2, 0.15),
            call("no worse", -0.8, -0.25),
        ],
        "touching zero": [
            call("better", 0.0, 0.8),
            call("no better", -0.8, 0.0),
            call("no worse", 0.0, 0.8),
            call("worse", -0.8, 0.0),
            call("better", -0.8, 0.0),
            call("worse", 0.0, 0.8),
            call("no better", 0.0, 0.8),
            call("no worse", -0.8, 0.0),
            call("better", 0.0, 0.0),
            call("no worse", 0.0, 0.0),
        ],
        "other sentences": [
            call("best", 0.5, 0.9),
            call("", -1.0, 1.0),
            call("not better", -0.9, -0.5),
            call("slightly worse", -0.9, -0.5),
            call("better", 0.5, 0.9),
        ],
    },
)

# %% [markdown] tags=["answer"]
# An interval across zero supports neither "better" nor "no better": absence of proof is no proof of
# absence. Whoever wants to say "no better" needs an interval that ends at or below zero; whoever
# cannot have it writes "no difference found" and prints the interval. The claims of this course go
# through a test of this kind each time its tests run.

# %% [markdown] tags=["exercise"] grade_id="11-plan" points=3
# ### Exercise 11.5 - Plan a comparison (extended, 3 points, about 15 minutes)
#
# A friend has trained one network with a step decay and one with a cosine, both at a rate of 0.1
# for 30 epochs, and reports the best test accuracy of each: 91.2 % and 91.9 % on 10,000 images. The
# friend wants to write "cosine is better".
#
# **Deliver:** half a page, 250 words or so: what the two numbers do and do not show, and a plan of
# an experiment that could decide the question with at most 100 runs. Say which runs, what is tuned
# on which images, what is measured once, which sentence you will write for which result, and for
# which data, network and budget it will hold. Example of a good start: "The gap is 0.7 points; the
# margin of two such accuracies is ...".
#
# **Success:** the plan can be carried out as it is written, and each possible result has its
# sentence before the first run is made.

# %% [markdown] tags=["answer"]
# A good answer says: (1, one point) 0.7 points lie within the margin of two independent accuracies
# at 10,000 images, about 0.8 points: half a point. Each is the best of 30 epochs, chosen on the test
# images, from one seed, at one peak that perhaps suits one of the two better: half a point for two
# of these four. (2, one point) A plan with equal
# tuning: for instance 6 peaks on a grid of factors of about 3 for each schedule, with 3 seeds (36
# runs), all judged on held-out training images, the grid extended where the best is at its border,
# else a peak added on each side of the best (12 runs); then 20 new seeds for the two chosen
# settings, paired (40 runs), the last epoch measured on the test images once. (3, one point) The
# sentences beforehand: "better by d [low, high] points" where the interval excludes zero and also
# exceeds the margin of the images; else "no difference found", with the interval; and for which
# data, network and budget this holds.
