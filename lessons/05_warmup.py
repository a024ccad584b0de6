# %% [markdown] tags=["setup"]
# # Warmup
#
# Many schedules climb before they fall. We measure why, join a warmup to a decay in both
# frameworks, and fix three published warmups.
#
# **You will be able to:** rescue a run with a warmup and say from the curvature why it was lost;
# write a warmup and a decay as one schedule in PyTorch, in Keras and by hand, without a wasted
# update; and see from a trace that a join is wrong.
#
# **You need:** lesson 1 (the edge), lesson 4 (decays with a horizon).
#
# **Minutes:** 45

# %% tags=["setup"]
import math

import numpy as np
from torch.optim import lr_scheduler

framework = "torch"  # or "tensorflow"

# %%
import matplotlib.pyplot as plt
import torch

from course_lib.claims import record
from course_lib.data import load
from course_lib.plots import PALETTE, plot_record, plot_runs, plot_schedules
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule, constant, cosine, linear, per_epoch, warmup
from course_lib.tensorflow import keras, tf  # without their start-up notes
from course_lib.training import fit, updates

mnist = load("mnist")

# %% [markdown]
# ## 1. A cold start
#
# A small convolutional network on MNIST, batches of 128, momentum 0.9 (lesson 3), and a **cold
# start**: the rate begins at its peak of 0.4 and falls in a straight line over 400 updates. We look
# at the first 240 of them. (Seed 1; section 3 has ten seeds.)
#
# **Predict.** What does the run end with? Change the percentages.

# %%
predict(
    "5.a",
    "What does the cold start end with?",
    {"it learns": 34, "it guesses": 33, "it diverges": 33},
)


# %%
def train(schedule, updates=240, watch=None):
    run = fit(
        schedule,
        data=mnist,
        model="cnn",
        framework=framework,
        batch_size=128,
        momentum=0.9,
        seed=1,
        validation=0,
        max_updates=updates,
        progress=False,
        watch=watch,
    )
    run.assert_lr_matches(schedule)
    return run


cold = Schedule(linear, peak_lr=0.4, total_steps=400)
runs = {"cold": train(cold)}
last = np.mean(runs["cold"].loss[-20:])
print(f"loss of the last 20 updates: {last:.3f}; of guessing: ln 10 = {math.log(10):.3f}")

# %%
verdict = "it diverges" if runs["cold"].diverged is not None else "it guesses"
outcome("5.a", "it learns" if last < 1 else verdict)

# %% [markdown]
# ## 2. The rescue
#
# A **warmup** climbs to the peak in a straight line, for $w$ updates, and hands over to the decay:
#
# $$\text{lr}(t) = \text{peak} \cdot \frac{t + 1}{w + 1} \quad (t < w), \qquad
# \text{lr}(t) = \text{decay}(t - w) \quad (t \ge w)$$
#
# Same peak, same network, same seed, same images in the same order:

# %%
down = Schedule(linear, peak_lr=0.4, total_steps=240)
warm = Schedule(warmup, then=down, warmup_steps=160)
runs["warmup of 160"] = train(warm)
for name, run in runs.items():
    print(f"{name:14} loss of the last 20 updates: {np.mean(run.loss[-20:]):.2f}")

# %% alt="Cold start: the loss spikes, then stays at 2.3. With a climbing rate it comes down."
plot_runs(runs)

# %% [markdown]
# The cold start even learns faster for the first updates, then its loss jumps far above the level
# of guessing, and settles back to that level. <!-- shown --> The warm run passes through the very
# same rate later, and is not lost.
#
# ## 3. One seed is an anecdote
#
# On record are ten seeds for warmups of 0, 20, 80 and 160 updates, always 400 updates in all.

# %% alt="Dots near 10 % or above 80 %: more dots are on the right the longer the warmup is."
lines = [line for line in record("warmup_rescue") if line["framework"] == framework]
names = {"0.4 after 0": "cold"} | {f"0.4 after {w}": f"warmup of {w}" for w in (20, 80, 160)}
runs_of = {name: [x for x in lines if x["variant"] == v] for v, name in names.items()}
plot_record(runs_of, means=False)

# %% [markdown]
# There are two kinds of runs, those that learn and those that guess, and hardly anything between. A
# mean of such numbers would describe no run at all, so we count. {{cold-start-counts}}
# {{warmup-counts}}
#
# The fate of a single run hangs on details. {{fate}} What a schedule changes is the proportion of
# runs that learn.
#
# **Predict.** Twice the peak, 0.8, and the longest of these warmups: what do most of five runs do?

# %%
predict("5.b", "Peak 0.8 after a warmup of 160: most runs ...", {"learn": 50, "guess": 50})

# %%
lines = record("warmup_map") + record("warmup_rescue")
lines = [line for line in lines if line["framework"] == "torch"]
peaks, lengths = (0.8, 0.4, 0.2), (0, 20, 80, 160)
cells = {
    (peak, length): [
        line["test_accuracy"] > 0.5
        for line in lines
        if line["variant"] == f"{peak:g} after {length}"
    ]
    for peak in peaks
    for length in lengths
}
outcome("5.b", "learn" if np.mean(cells[0.8, 160]) > 0.5 else "guess")

# %% alt="Runs that learn: at 0.2 nearly all, at 0.4 after long warmups, at 0.8 hardly any."
shares = [[np.mean(cells[peak, length]) for length in lengths] for peak in peaks]
figure, axes = plt.subplots(figsize=(5.5, 2.6), dpi=90, layout="constrained")
axes.imshow(shares, cmap="cividis", vmin=0, vmax=1, aspect="auto")
for row, peak in enumerate(peaks):
    for column, length in enumerate(lengths):
        found = cells[peak, length]
        color = "black" if np.mean(found) > 0.5 else "white"
        text = f"{sum(found)} of {len(found)}"
        axes.text(column, row, text, ha="center", va="center", color=color)
axes.set_xticks(range(len(lengths)), lengths)
axes.set_yticks(range(len(peaks)), peaks)
axes.set(xlabel="updates of warmup", ylabel="peak", title="PyTorch: runs that learn")
plt.show()

# %%
from course_lib.widgets import warmup_map

warmup_map()  # your turn: find the highest peak that every seed survives, and its shortest warmup

# %% [markdown]
# At 0.2 the cold start works as well; at 0.8 even the long warmup hardly helps. <!-- shown --> A
# warmup makes a higher peak possible, but not any peak.
#
# ## 4. Why? Measure the valley
#
# Lesson 1 had an edge: steps explode above $2 / L$, where $L$ is the largest curvature. With
# momentum $\mu$ the edge lies at $2 (1 + \mu) / L$. Check it on $f(w) = w^2 / 2$, where $L = 1$:


# %%
def heavy_ball(lr, momentum=0.9, steps=300):
    w, velocity = 1.0, 0.0
    for _ in range(steps):
        velocity = momentum * velocity + w  # the gradient is w
        w -= lr * velocity
    return abs(w)


for lr in (3.75, 3.85):
    print(f"rate {lr}: |w| = {heavy_ball(lr):.2g} after 300 steps; edge {2 * 1.9:.2f}")

# %% [markdown]
# In a network $L$ is the largest eigenvalue of the Hessian. That matrix is too large to build.
# **Power iteration** needs only its product with a vector $v$, which is the gradient of
# $\nabla f \cdot v$: multiply again and again, and the vector turns towards the steepest direction.
# Both frameworks can differentiate a gradient:

# %%
x = np.float32(mnist.x_train[:128] / 255)
y = mnist.y_train[:128].astype(np.int64)


def torch_products(model):
    """The gradient of the loss, and the function v -> Hessian times v."""
    weights = list(model.parameters())
    logits = model(torch.from_numpy(x)[:, None])  # channels first
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y))
    gradient = torch.autograd.grad(loss, weights, create_graph=True)

    def product(v):
        v = [torch.from_numpy(each) for each in v]
        turned = torch.autograd.grad(gradient, weights, v, retain_graph=True)
        return [each.numpy() for each in turned]

    return [each.detach().numpy() for each in gradient], product


# %%
def keras_products(model):
    """The gradient of the loss, and the function v -> Hessian times v."""
    weights = model.trainable_variables
    with tf.GradientTape(persistent=True) as outer:
        with tf.GradientTape() as inner:
            logits = model([x[..., np.newaxis]])  # channels last
            loss = keras.losses.sparse_categorical_crossentropy(y, logits, from_logits=True)
            loss = tf.reduce_mean(loss)
        gradient = inner.gradient(loss, weights)

    def product(v):
        v = [tf.constant(each) for each in v]
        return [each.numpy() for each in outer.gradient(gradient, weights, v)]

    return [each.numpy() for each in gradient], product


products = {"torch": torch_products, "tensorflow": keras_products}[framework]


# %%
def curvature(model, v=None, rounds=20):
    """The curvature of largest size, and its direction, to begin with next time."""
    gradient, product = products(model)
    v = gradient if v is None else v
    for _ in range(rounds):
        size = math.sqrt(sum((each**2).sum() for each in v))
        v = [each / np.float32(size) for each in v]
        turned = product(v)
        largest = sum((a * b).sum() for a, b in zip(v, turned))
        v = turned
    return float(largest), v


# %% [markdown]
# **Predict.** We measure the curvature after each of the first 12 updates of the cold start. Where
# is it largest: at the very beginning, or later? Change the percentages.

# %%
predict(
    "5.c",
    "Cold start: where is the curvature largest?",
    {"after the first update": 50, "later": 50},
)


# %%
def measured(schedule, moments):
    found, direction = {}, None

    def watch(done, trainer):
        nonlocal direction
        if done in moments:
            rounds = 20 if direction is None else 6
            found[done], direction = curvature(trainer.model, direction, rounds)

    train(schedule, updates=max(moments), watch=watch)
    return found


curves = {
    "cold": measured(cold, range(1, 13)),
    "warmup of 160": measured(warm, (1, 10, 20, *range(25, 42), 60, 80, 120, 160, 200, 240)),
}
for name, found in curves.items():
    plan = {"cold": cold, "warmup of 160": warm}[name]
    ratios = {t: plan(t) * value / (2 * 1.9) for t, value in found.items()}
    worst = max(ratios, key=ratios.get)
    print(f"{name:14} curvature {found[1]:.1f} after update 1, at most {max(found.values()):.1f}")
    print(
        f"{'':14} after update {worst}: rate {plan(worst):.2g}, {ratios[worst]:.1f} times the edge"
    )

# %%
steepest = max(curves["cold"], key=curves["cold"].get)
outcome("5.c", "after the first update" if steepest == 1 else "later")

# %% alt="The edge falls far below the rate at update 9 (cold), not as far at 35 (warm)."
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3), dpi=90, sharey=True, layout="constrained")
for panel, (name, plan) in zip(panels, {"cold": cold, "warmup of 160": warm}.items()):
    times = list(curves[name])
    edges = [2 * 1.9 / value if value > 0 else np.nan for value in curves[name].values()]
    panel.plot(times, edges, "o--", color=PALETTE[1], markersize=3, label="edge 2(1 + 0.9)/L")
    panel.plot(range(times[-1] + 1), plan.values(times[-1] + 1), color=PALETTE[0], label="rate")
    panel.set(title=f"{name} (n = 1)", xlabel="update", yscale="log")
    panel.grid(alpha=0.25)
panels[0].set_ylabel("learning rate")
panels[0].legend(frameon=False)
plt.show()

# %% [markdown]
# This network, on this seed, begins on a plain: the curvature is small, the rate far below the edge.
# As soon as it starts to learn, the ground becomes steep. The cold run gets there at the full rate,
# and within a few updates this rate is many times the edge. The warm run gets there at a fraction
# of that rate. It crosses the edge as well, but by less: that is the spike in its loss
# above. <!-- shown --> From this smaller overshoot the run recovers.
#
# So the cold rate is not too high for this network, it is too high *there*. Other networks are
# steep at their very start, and a warmup lets them move to flatter ground; which of the two happens
# depends on how a network is built and initialised ([Kalra and Barkeshli
# 2024](https://arxiv.org/abs/2406.09405)). Clipping the gradient, another common rescue, treats
# the same problem ([Gilmer et al. 2021](https://arxiv.org/abs/2110.04369)). There are further
# reasons for a warmup: a rate that was scaled up with the batch size does not suit the fast changes
# at the start ([Goyal et al. 2017](https://arxiv.org/abs/1706.02677)). And **Adam** (lesson 9) has
# at first few gradients to average ([Liu et al. 2019](https://arxiv.org/abs/1908.03265)): it divides
# a running mean $m$ of them by the root of a running mean $v$ of their squares,
#
# $$w \leftarrow w - \text{lr}\, m / (\sqrt{v} + \varepsilon).$$
#
# ## 5. Join it: first rate, last rate, length
#
# PyTorch chains two schedulers at a milestone; Keras has the warmup in its cosine. With $w = 4$
# updates of warmup and a cosine of 10:

# %%
w, T = 4, 10
ours = Schedule(warmup, then=Schedule(cosine, peak_lr=1.0, total_steps=T), warmup_steps=w)


def torch_rates(make_scheduler, lr, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler, rates = make_scheduler(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def chained(optimizer, **start):
    up = lr_scheduler.LinearLR(optimizer, total_iters=w, **start)
    down = lr_scheduler.CosineAnnealingLR(optimizer, T_max=T)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[w])


# %%
def keras_rates(first_rate, steps):
    schedule = keras.optimizers.schedules.CosineDecay(
        first_rate, decay_steps=T, warmup_target=1.0, warmup_steps=w
    )
    return [float(schedule(step)) for step in range(steps)]


traces = {
    "ours": ours.values(T + w),
    "torch, start_factor=1/(w+1)": torch_rates(
        lambda o: chained(o, start_factor=1 / (w + 1)), 1.0, T + w
    ),
    "torch, default": torch_rates(chained, 1.0, T + w),
    "Keras, from 1/(w+1)": keras_rates(1 / (w + 1), T + w),
    "Keras, from 0.0": keras_rates(0.0, T + w),
}
for name, rates in traces.items():
    print(f"{name:28}", "  ".join(f"{rate:.2f}" for rate in rates[:7]))

# %% [markdown]
# The traces agree from the peak on, at update $w$, and differ in where they begin. PyTorch's
# `LinearLR` begins at a *third* unless told otherwise. The cosine of the transformers library begins
# at 0, as the example in Keras's documentation does: then the first update moves no weight, and
# without momentum its batch is wasted. $1/(w + 1)$ wastes none. Three more snags:
#
# - **Length.** `decay_steps` in Keras, and `total_steps` here, do *not* include the warmup. In
#   optax's `warmup_cosine_decay_schedule` they do
#   ([its documentation](https://optax.readthedocs.io/en/latest/api/optimizer_schedules.html)).
# - **Types.** `CosineDecay(0, ...)` with a whole number, as printed in that example, fails at the
#   first update: write `0.0`.
# - **Units.** A warmup is short: count it in updates. Where gradients are accumulated over four
#   batches, four batches are one update.
#
# ## 6. Break it: a warmup in epochs, from zero
#
# The TensorFlow version of *Dive into Deep Learning* 1.0.3 warms up with `0.3 * epoch / 5`, one
# rate per *epoch*. Here is the same with three epochs, next to a warmup of equally many updates:

# %%
steps = updates(mnist, epochs=1, batch_size=512)
broken = Schedule(per_epoch, then=lambda epoch: 0.3 * min(epoch / 3, 1), steps_per_epoch=steps)
corrected = Schedule(warmup, then=Schedule(constant, lr=0.3), warmup_steps=3 * steps)
pair = {}
for name, plan in {"0.3 * epoch / 3": broken, "per update, from 1/(w+1)": corrected}.items():
    pair[name] = fit(
        plan,
        data=mnist,
        framework=framework,
        epochs=3,
        batch_size=512,
        progress=False,
    )
    pair[name].assert_lr_matches(plan)
    accuracy = ", ".join(f"{each:.0%}" for each in pair[name].history["val_accuracy"])
    print(f"{name:25} held-out accuracy after each epoch: {accuracy}")

# %% alt="From zero in steps: the loss rests for an epoch. The ramp's loss falls at once."
plot_runs(pair)

# %% [markdown]
# The whole first epoch has rate zero: the network sees all images and learns nothing. The accuracy
# after it is that of the untrained network. In the PyTorch version of the same chapter the rate is
# set *after* each epoch, so that epoch 0 gets the full rate and epoch 1 gets zero ([the
# chapter](https://d2l.ai/chapter_optimization/lr-scheduler.html)).
#
# ## 7. Spot the bug: a cosine that does not wait
#
# A tutorial of a university course, *Transformers and Multi-Head Attention*
# ([source](https://github.com/Lightning-AI/tutorials/tree/main/course_UvA-DL)), says that its
# warmup raises the factor from 0 to 1. The code multiplies:


# %%
def published(step, warmup_steps, total):
    factor = 0.5 * (1 + math.cos(math.pi * step / total))
    if step <= warmup_steps:
        factor *= step / warmup_steps
    return factor


# %% [markdown]
# **Predict.** With a warmup of 160 updates out of 400, what is the largest factor? Change the
# percentages.

# %%
predict("5.d", "What is the largest factor?", {"1.00": 34, "0.99": 33, "0.65": 33})

# %%
factors = {"published": [published(t, 160, 400) for t in range(401)]}
corrected = Schedule(warmup, then=Schedule(cosine, peak_lr=1.0, total_steps=240), warmup_steps=160)
factors["corrected: the cosine waits"] = corrected.values(401)
for name, rates in factors.items():
    print(f"{name:25} largest factor {max(rates):.4f}")
tutorial = max(published(t, 100, 2000) for t in range(2000))
print(f"with the tutorial's own numbers, 100 of 2,000: {tutorial:.4f}")
peak = max(factors["published"])
outcome("5.d", min(("1.00", "0.99", "0.65"), key=lambda option: abs(float(option) - peak)))

# %% alt="The published factor peaks at about two thirds; the corrected one climbs to 1 first."
plot_schedules({name: rates.__getitem__ for name, rates in factors.items()}, 401)

# %% [markdown]
# <details><summary>What happened</summary>
#
# The cosine's clock runs during the warmup, so it is past its top when the warmup ends. With a
# short warmup little is lost, with a long one much, and no error says so.
# </details>
#
# **Fix it**: start the decay's clock when the warmup ends. TensorFlow Similarity had the same product
# ([similarity#299](https://github.com/tensorflow/similarity/issues/299)), and PaddleDetection a
# cosine that did not wait either ([pull request
# 4611](https://github.com/PaddlePaddle/PaddleDetection/pull/4611)).
#
# ## 8. Spot the bug: a warmup that never leaves
#
# A notebook of the book *Hands-On Machine Learning with Scikit-Learn and PyTorch*
# ([ageron/handson-mlp](https://github.com/ageron/handson-mlp), chapter 11) steps a warmup and a
# plateau rule in every epoch. (A plateau rule cuts the rate when a metric stops improving: lesson
# 6.) The metric below never improves; the plateau rule cuts the rate to a tenth after two epochs
# without improvement. What happens to the cut?


# %%
def traced(stepped):
    """The applied rates; `stepped(epoch)` names what is stepped after an epoch, in order."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.05)
    up = lr_scheduler.LambdaLR(optimizer, lambda epoch: min(1, (epoch + 1) / 3))
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=1)
    step = {"warmup": up.step, "plateau": lambda: plateau.step(1.0)}
    rates = []
    for epoch in range(9):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        for name in stepped(epoch):
            step[name]()
    return rates


for name, stepped in {
    "warmup, then plateau": lambda epoch: ["warmup", "plateau"],
    "plateau, then warmup": lambda epoch: ["plateau", "warmup"],
    "corrected": lambda epoch: ["warmup"] if epoch < 2 else ["plateau"],
}.items():
    print(f"{name:20}", "  ".join(f"{rate:.4f}" for rate in traced(stepped)))

# %% [markdown]
# `LambdaLR` computes the rate from the *initial* one, at every step, for ever. So a cut lasts one
# epoch, and is then undone; in the other order no update ever uses it. **Fix it**: step the warmup
# only while it lasts, and the plateau rule after it.
#
# ## What you take along
#
# 1. Here the curvature rose when training began to work; with a warmup the rate is still low then,
#    and later the full rate is harmless. Other networks are steep at the start.
# 2. Begin at $\text{peak}/(w + 1)$, reach the peak at update $w$, and let the decay's clock start
#    there.
# 3. Count a warmup in updates, look at the first rates of the trace, and judge a rescue by counting
#    runs, not by a mean.
#
# **An open question.** Here a lower peak needed no warmup. When is a high peak with a warmup worth
# more than a lower peak without one, and how would you compare them fairly?
#
# **References.** P. Goyal et al., *Accurate, large minibatch SGD*, 2017,
# [arXiv:1706.02677](https://arxiv.org/abs/1706.02677) · J. Gilmer et al., *A loss curvature
# perspective on training instability in deep learning*, 2021,
# [arXiv:2110.04369](https://arxiv.org/abs/2110.04369) · D. Kalra and M. Barkeshli, *Why warmup the
# learning rate?*, 2024, [arXiv:2406.09405](https://arxiv.org/abs/2406.09405) · L. Liu et al., *On
# the variance of the adaptive learning rate and beyond*, 2019,
# [arXiv:1908.03265](https://arxiv.org/abs/1908.03265)

# %% [markdown] tags=["exercise"]
# ### Exercise 5.1 - Warm up, then land (code, 3 points, about 12 minutes)
#
# Write a linear warmup and a cosine as one function of the update. The run has `total_steps`
# updates **in all**, the warmup among them (as in optax and in transformers).
#
# **Deliver:** `warm_cosine(step, *, peak_lr, warmup_steps, total_steps, final_lr)`: updates 0 to
# `warmup_steps - 1` climb as `peak_lr * (step + 1) / (warmup_steps + 1)`; update `warmup_steps` has
# the peak; from there half a cosine wave falls to `final_lr` at update `total_steps`, and stays.
#
# **Success:** the check agrees at every update, also without a warmup (`warmup_steps=0`), and past
# the end.
#
# Example: with `peak_lr=1.0, warmup_steps=3, total_steps=7, final_lr=0.0` the updates 0 to 8 get
# 0.25, 0.5, 0.75, 1, 0.854, 0.5, 0.146, 0, 0 (rounded).


# %% tags=["exercise"]
def warm_cosine(step, *, peak_lr, warmup_steps, total_steps, final_lr):
    """A linear warmup to `peak_lr`, then half a cosine wave to `final_lr` at `total_steps`."""
    ### BEGIN SOLUTION
    if step < warmup_steps:
        return peak_lr * (step + 1) / (warmup_steps + 1)
    progress = min((step - warmup_steps) / (total_steps - warmup_steps), 1)
    return final_lr + (peak_lr - final_lr) * (1 + math.cos(math.pi * progress)) / 2
    ### END SOLUTION


# Try it yourself: expect 0.25, 1.0, 0.5
# numbers = dict(peak_lr=1.0, warmup_steps=3, total_steps=7, final_lr=0.0)
# [warm_cosine(t, **numbers) for t in (0, 3, 5)]

# %% tags=["check"] grade_id="05-warm-cosine" points=3
from course_lib.checks import check

check("5.1", warm_cosine)

# %% tags=["probes"]
from course_lib.exercises import call, curve, exercise, through

exercise(
    "5.1",
    warm_cosine,
    hints=[
        "Two stretches, two clocks. When does the cosine's clock start, and how long does it run?",
        "After the warmup the progress is `(step - warmup_steps) / (total_steps - warmup_steps)`, "
        "and at most 1.",
        "`if step < warmup_steps: return peak_lr * (step + 1) / (warmup_steps + 1)`, and then the "
        "landing cosine of lesson 4 with that progress.",
    ],
    shown=[
        curve(range(9), peak_lr=1.0, warmup_steps=3, total_steps=7, final_lr=0.0),
        curve(range(60), peak_lr=0.1, warmup_steps=10, total_steps=50, final_lr=0.01),
        curve(range(12), peak_lr=0.5, warmup_steps=0, total_steps=10, final_lr=0.0),
        curve([1, 5, 14, 70], peak_lr=0.2, warmup_steps=3, total_steps=7, final_lr=0.1),
        curve([1, 5, 14, 70], peak_lr=0.2, warmup_steps=3, total_steps=7, final_lr=0.05),
    ],
    locked=[curve(range(16), peak_lr=0.6, warmup_steps=4, total_steps=13, final_lr=0.2)],
    hidden={
        "a short warmup": [
            curve(range(70), peak_lr=0.3, warmup_steps=5, total_steps=61, final_lr=0.0),
            curve([2, 30, 650], peak_lr=0.6, warmup_steps=5, total_steps=61, final_lr=0.2),
            curve(range(30), peak_lr=2.0, warmup_steps=1, total_steps=23, final_lr=0.1),
        ],
        "a long warmup": [
            curve(range(50), peak_lr=0.4, warmup_steps=33, total_steps=47, final_lr=0.02),
            curve([10, 40], peak_lr=0.4, warmup_steps=33, total_steps=47, final_lr=0.1),
            curve(range(25), peak_lr=0.9, warmup_steps=19, total_steps=20, final_lr=0.3),
        ],
        "no warmup": [curve(range(40), peak_lr=0.7, warmup_steps=0, total_steps=31, final_lr=0.05)],
        "long after the end": [
            curve(
                [0, 99, 100, 101, 999, 1000, 1001, 5000],
                peak_lr=0.2,
                warmup_steps=100,
                total_steps=1000,
                final_lr=0.004,
            )
        ],
    },
    library=["warmup", "cosine", "join", "wsd", "one_cycle"],
)

# %% [markdown] tags=["answer"]
# Each stretch has its own clock. Frequent slips: the cosine's clock starts at update 0 (then it has
# fallen before the peak is reached), it runs for `total_steps` instead of the rest (then the end is
# missed by the length of the warmup), the warmup begins at 0 or reaches the peak one update early,
# and without a clamp the rate climbs again past the end.

# %% [markdown] tags=["exercise"]
# ### Exercise 5.2 - Make the cosine wait (bug, 2 points, about 8 minutes)
#
# This is the factor of the tutorial of section 7
# ([source](https://github.com/Lightning-AI/tutorials/tree/main/course_UvA-DL)), written as one
# function:
#
# ```python
# def factor(step, *, warmup_steps, total_steps):
#     factor = 0.5 * (1 + math.cos(math.pi * step / total_steps))
#     if step <= warmup_steps:
#         factor *= step / warmup_steps
#     return factor
# ```
#
# **Deliver:** `waiting_factor(step, *, warmup_steps, total_steps)`, corrected: from 0 at update 0
# in a straight line to exactly 1 at update `warmup_steps` (the tutorial's convention), then half a
# cosine wave to 0 at update `total_steps`, and 0 ever after.
#
# **Success:** the check agrees at every update; nothing climbs again past the end.
#
# Example: with `warmup_steps=2, total_steps=6` the updates 0 to 7 get 0, 0.5, 1, 0.854, 0.5, 0.146,
# 0, 0 (rounded).


# %% tags=["exercise"]
def waiting_factor(step, *, warmup_steps, total_steps):
    """A factor from 0 to 1 in `warmup_steps` updates, then half a cosine wave to `total_steps`."""
    ### BEGIN SOLUTION
    if step < warmup_steps:
        return step / warmup_steps
    progress = min((step - warmup_steps) / (total_steps - warmup_steps), 1)
    return 0.5 * (1 + math.cos(math.pi * progress))
    ### END SOLUTION


# Try it yourself: expect 0.0, 1.0, 0.5, 0.0
# [waiting_factor(t, warmup_steps=2, total_steps=6) for t in (0, 2, 4, 9)]

# %% tags=["check"] grade_id="05-waiting" points=2
from course_lib.checks import check

check("5.2", waiting_factor)

# %% tags=["probes"]
exercise(
    "5.2",
    waiting_factor,
    hints=[
        "How far has the published cosine come when the warmup ends?",
        "Take one of the two stretches or the other, never their product.",
        "In the warmup `step / warmup_steps`; after it the cosine of "
        "`min((step - warmup_steps) / (total_steps - warmup_steps), 1)`.",
    ],
    shown=[
        curve(range(8), warmup_steps=2, total_steps=6),
        curve(range(45), warmup_steps=16, total_steps=40),
        curve([1, 3, 10, 56], warmup_steps=3, total_steps=6),
    ],
    locked=[
        curve(range(14), warmup_steps=3, total_steps=11),
        curve(range(9), warmup_steps=1, total_steps=7),
    ],
    hidden={
        "a short warmup": [
            curve(range(60), warmup_steps=7, total_steps=53),
            curve([5, 20], warmup_steps=11, total_steps=53),
            curve(range(20), warmup_steps=1, total_steps=17),
        ],
        "a long warmup": [
            curve(range(50), warmup_steps=37, total_steps=44),
            curve(range(12), warmup_steps=9, total_steps=10),
        ],
        "the tutorial's own numbers": [
            curve([0, 1, 50, 99, 100, 101, 1000, 1999], warmup_steps=100, total_steps=2000)
        ],
        "past the end": [
            curve([29, 30, 31, 40, 60, 300], warmup_steps=10, total_steps=30),
        ],
    },
    library=["warmup", "cosine", "join"],
)

# %% [markdown] tags=["answer"]
# A product of warmup and cosine has its top below 1, since the cosine falls from the start; `max`
# of the two does not help either. It takes a join: one stretch *or* the other. Frequent slips: the
# cosine still runs over `total_steps`, so that it does not reach 0; the clamp is missing, and the
# factor climbs again; the warmup begins at `1 / warmup_steps`, which is another convention.

# %% [markdown] tags=["exercise"]
# ### Exercise 5.3 - The join in PyTorch (code, 2 points, about 10 minutes)
#
# **Deliver:** `warm_line(optimizer, *, warmup_steps, total_steps)`, which returns a PyTorch
# scheduler. `total_steps` are all updates. Stepped once per update, it climbs from `1 /
# (warmup_steps + 1)` of each parameter group's own rate to the full rate at update `warmup_steps`,
# then falls in a straight line to zero at update `total_steps`, and stays there.
#
# **Success:** the check runs your scheduler with an SGD optimizer of two parameter groups, of which
# the second has a rate of its own (`share` times the first one's), and reads the rate that every
# update applies in each.
#
# Example: with a rate of 1.0, `warmup_steps=3, total_steps=7` the updates 0 to 7 get 0.25, 0.5,
# 0.75, 1, 0.75, 0.5, 0.25, 0.


# %% tags=["exercise"]
def warm_line(optimizer, *, warmup_steps, total_steps):
    """LinearLR up, LinearLR down, chained at `warmup_steps`."""
    ### BEGIN SOLUTION
    start = 1 / (warmup_steps + 1)
    up = lr_scheduler.LinearLR(optimizer, start_factor=start, total_iters=warmup_steps)
    rest = total_steps - warmup_steps
    down = lr_scheduler.LinearLR(optimizer, start_factor=1, end_factor=0, total_iters=rest)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[warmup_steps])
    ### END SOLUTION


# %% tags=["check"] grade_id="05-warm-line" points=2
from course_lib.checks import check

check("5.3", warm_line)

# %% tags=["probes"]
exercise(
    "5.3",
    warm_line,
    hints=[
        "`LinearLR` can climb and fall; `SequentialLR` puts one behind the other.",
        "Mind the defaults of `LinearLR`, and that the second one's clock starts at the milestone.",
        "Up: `start_factor=1 / (warmup_steps + 1), total_iters=warmup_steps`. Down: "
        "`start_factor=1, end_factor=0, total_iters=total_steps - warmup_steps`. Then "
        "`milestones=[warmup_steps]`.",
    ],
    shown=[
        through("torch_rates", 1.0, 10, share=0.1, warmup_steps=3, total_steps=7),
        through("torch_rates", 0.1, 31, share=0.1, warmup_steps=10, total_steps=30),
        through("torch_rates", 0.001, 8, share=0.5, warmup_steps=2, total_steps=7),
    ],
    locked=[through("torch_rates", 0.4, 12, share=0.1, warmup_steps=5, total_steps=11)],
    hidden={
        "a short warmup": [
            through("torch_rates", 0.3, 24, share=0.25, warmup_steps=2, total_steps=23),
            through("torch_rates", 0.8, 10, share=0.1, warmup_steps=1, total_steps=9),
        ],
        "a long warmup": [
            through("torch_rates", 0.05, 30, share=0.1, warmup_steps=23, total_steps=29),
            through("torch_rates", 2.0, 8, share=0.1, warmup_steps=6, total_steps=7),
        ],
        "past the end": [
            through("torch_rates", 0.6, 40, share=0.1, warmup_steps=4, total_steps=13)
        ],
    },
    library=["warmup", "linear"],
)

# %% [markdown] tags=["answer"]
# `SequentialLR` starts each scheduler's clock at its own milestone, so the second one runs for
# `total_steps - warmup_steps`. Frequent slips: the default `start_factor` of a third;
# `total_iters=total_steps` for the fall, which then ends above zero; the milestone one step
# too early or late; `ChainedScheduler`, which *multiplies* the two and has the bug of
# section 7. `LinearLR` works without a warmup, too: its `start_factor` is 1 then. A `LambdaLR` with
# the formula is right as well.

# %% [markdown] tags=["exercise"]
# ### Exercise 5.4 - Read a warmup off its trace (concept, 2 points, about 8 minutes)
#
# You get the applied rates of a run, one per update, and nothing else.
#
# **Deliver:** `read_warmup(rates)`: a pair `(wasted, reached)`. `wasted` is the number of updates
# made with a rate of exactly 0 **before the first rate above 0**; `reached` is the number of the
# first update (from 0) that has the largest rate of the run.
#
# **Success:** the check agrees for traces with and without a warmup, with a stay at the peak, with
# zeros at the end, which are not a warmup, and for a run in which every rate is 0: all of its
# updates are wasted, and the peak is "reached" at update 0.
#
# Example: `read_warmup([0.0, 0.1, 0.2, 0.2, 0.1, 0.0])` is `(1, 2)`.


# %% tags=["exercise"]
def read_warmup(rates):
    """How many updates were wasted at rate 0, and which update first has the peak."""
    ### BEGIN SOLUTION
    wasted = next((i for i, rate in enumerate(rates) if rate > 0), len(rates))
    return wasted, rates.index(max(rates))
    ### END SOLUTION


# Try it yourself: expect (1, 2)
# read_warmup([0.0, 0.1, 0.2, 0.2, 0.1, 0.0])

# %% tags=["check"] grade_id="05-read-warmup" points=2
from course_lib.checks import check

check("5.4", read_warmup)

# %% tags=["probes"]
exercise(
    "5.4",
    read_warmup,
    hints=[
        "Count from the front, and stop where the first rate above 0 stands.",
        "`max(rates)` is the peak; a list knows where a value stands first.",
        "`wasted` is the index of the first rate above 0, or `len(rates)` if there is none; "
        "`reached` is `rates.index(max(rates))`.",
    ],
    shown=[
        call([0.0, 0.1, 0.2, 0.2, 0.1, 0.0]),
        call([0.25, 0.5, 0.75, 1.0, 0.5, 0.0]),
        call([0.3, 0.2, 0.1, 0.0]),
        call([0.0, 0.0, 0.0]),
        call([0.1, 0.0, 0.2, 0.0]),
    ],
    locked=[
        call([0.0, 0.0, 0.3, 0.6, 0.4]),
        call([0.0, 1e-11, 0.299999, 0.3, 0.1]),
        call([0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5]),
    ],
    hidden={
        "from zero": [
            call([0.0, 0.0, 0.0, 0.05, 0.1, 0.15, 0.2, 0.1]),
            call([0.0, 0.4, 0.3, 0.2]),
            call([0.0, 1e-12, 0.1, 0.1]),
        ],
        "from above zero": [
            call([0.1, 0.2, 0.3, 0.3, 0.3, 0.2]),
            call([0.5, 0.4, 0.3]),
            call([0.1, 0.199999, 0.2, 0.19]),
            call([0.2]),
            call([0.3, 0.1, 0.1, 0.1, 0.1, 0.9]),
        ],
        "zeros elsewhere": [
            call([0.2, 0.0, 0.4, 0.0, 0.0]),
            call([0.0, 0.3, 0.0, 0.0, 0.6, 0.0]),
        ],
        "nothing but zeros": [call([0.0]), call([0.0, 0.0, 0.0, 0.0, 0.0])],
    },
)

# %% [markdown] tags=["answer"]
# Both numbers come from the trace alone, whatever the schedule's name promises. Frequent slips:
# counting *all* zeros, also those of a decay that ends at zero; taking the last update at the peak
# instead of the first; returning the number of warmup updates that somebody configured. A `wasted`
# of more than 1 suggests that a warmup counts epochs.
