# %% [markdown] tags=["setup"]
# # Fixed rates on MNIST
#
# **You will be able to:** predict from one number, the curvature, which fixed learning rates
# converge and which explode; tell a run that diverged from one that failed; and sweep rates without
# stopping at the border of your grid.
#
# **You need:** gradient descent in outline, and lesson 0.
#
# **Minutes:** 45

# %% tags=["setup"]
import math

import numpy as np

framework = "torch"  # or "tensorflow"

# %%
import matplotlib.pyplot as plt

from course_lib.claims import record
from course_lib.data import load
from course_lib.plots import look, plot_runs
from course_lib.predictions import outcome, predict
from course_lib.schedules import Schedule, constant
from course_lib.training import fit
from course_lib.widgets import plot_valley, valley, valley_path

data = load("mnist")

# %% [markdown]
# ## 1. Four rates, one network
#
# `train` makes 200 updates of a small network (784-128-10) on batches of 128 images, and checks
# that the applied rates are the planned ones.


# %%
def train(lr, batch_size=128, updates=200, watch=None):
    schedule = Schedule(constant, lr=lr)
    run = fit(
        schedule,
        data=data,
        framework=framework,
        batch_size=batch_size,
        max_updates=updates,
        progress=False,
        watch=watch,
    )
    run.assert_lr_matches(schedule)
    return run


# %% [markdown]
# **Predict.** We try 0.003, 0.3, 3 and 30: same network, same start, same images in the same order.
# What happens at 3? A run *guesses* if it ends no better than chance. Change the odds.

# %%
predict(
    "1.a",
    "What does the rate 3 end with?",
    {"it learns": 34, "it guesses": 33, "it diverges": 33},
)

# %%
runs = {lr: train(lr) for lr in (0.003, 0.3, 3.0, 30.0)}
for lr, run in runs.items():
    if run.diverged is not None:
        print(f"{lr:>6g}  diverged at update {run.diverged}, loss before: {run.loss[-1]:.1f}")
    else:
        last, accuracy = np.mean(run.loss[-20:]), run.history["val_accuracy"][-1]
        print(f"{lr:>6g}  loss {run.loss[0]:.2f} -> {last:.2f}, held-out accuracy {accuracy:.0%}")
print(f"loss of guessing among ten classes: ln 10 = {math.log(10):.3f}")

# %%
high = runs[3.0]
learned = high.diverged is None and high.history["val_accuracy"][-1] > 0.2
outcome("1.a", "it diverges" if high.diverged else "it learns" if learned else "it guesses")

# %% alt="Four fixed rates and their losses: one creeps, one learns, one guesses, one stops early."
plot_runs({f"{lr:g}": run for lr, run in runs.items()}, log_rate=True)

# %% [markdown]
# Only 0.3 learns; 0.003 creeps. <!-- shown --> **Diverged** and **failed** are different findings.
# A diverged run has a loss that is infinite, not a number, or (our limit) above a thousand times
# the first loss; the run stops at that update, `Run.diverged`. A failed run has finite losses, but
# has learned nothing. A look inside the one at 3:


# %%
def look_inside(done, trainer):
    """After 50 updates: how many hidden units are not dead, and which digits are predicted."""
    if done == 50:
        images = data.x_train[:1000, ..., None]
        if framework == "torch":
            weights, bias, *_ = (each.detach().numpy().T for each in trainer.model.parameters())
        else:
            weights, bias, *_ = trainer.model.get_weights()
        alive = (images.reshape(1000, -1) / 255 @ weights + bias > 0).any(axis=0)
        print(f"{alive.sum()} of {alive.size} hidden units are active for any of 1,000 images")
        print(f"digits that the network predicts: {np.unique(trainer.logits(images).argmax(1))}")


watched = train(3.0, updates=50, watch=look_inside)

# %% [markdown]
# A few wild updates killed most hidden units: they output 0 for all these images, and so get no
# gradient from them. <!-- shown --> No error says so; a loss at ln 10 does.
#
# ## 2. Why: a ball between two walls
#
# Take one weight, a ball in the simplest valley, $f(w) = \frac{L}{2} w^2$. Its gradient is $L w$,
# and $L$ is its **curvature**. One update of gradient descent with the rate $\eta$ is
#
# $$w_{t+1} = w_t - \eta L w_t = (1 - \eta L)\, w_t$$
#
# Every update multiplies $w$ by the same factor. `valley_path` does just this:

# %%
valley_path(1.0, lr=0.3, curvature=2.0, steps=4)

# %% [markdown]
# With $L = 2$, the rates 0.05, 0.5, 0.9 and 1.1 have the factors 0.9, 0, -0.8 and -1.2. Which balls
# cross to the other wall, and which come down? Answer before you look.

# %% alt="Four valleys with the ball's steps, and its distance: slow, at once, jumping, growing."
plot_valley([0.05, 0.5, 0.9, 1.1])

# %% [markdown]
# The sign of the factor decides whether the ball stays on one wall, its size whether it comes down.
# The size is below 1 exactly when
#
# $$0 < \eta < \frac{2}{L}$$
#
# The upper end is the **edge**. The best rate, $1/L$, is only half of it. At 0.9 the ball jumps
# over the bottom again and again; a smaller rate on the way would stop it sooner: one reason to
# change a rate during training.
#
# **Your turn**, with two weights, a steep wall and a flat one: bring the loss below a millionth
# within 100 updates. How wide is the range of rates that manage it?

# %% alt="From above: the ball is at the bottom of the steep wall and creeps along the flat one"
valley(lr=0.03)

# %% [markdown]
# ## 3. The same ball in PyTorch and in Keras
#
# A fixed rate is an argument of the optimizer, and can be read back: from `param_groups` in
# PyTorch, from `learning_rate` in Keras. With $L = 2$, so $f(w) = w^2$, both repeat the four
# updates.

# %%
import torch

w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.3)
for _ in range(4):
    optimizer.zero_grad()
    (w**2).backward()
    optimizer.step()
print(f"w = {w.item():.4f} with a rate of {optimizer.param_groups[0]['lr']:g}")

# %%
from course_lib.tensorflow import keras, tf  # Keras and TensorFlow without their start-up notes

w = tf.Variable(1.0)
optimizer = keras.optimizers.SGD(learning_rate=0.3)
for _ in range(4):
    with tf.GradientTape() as tape:  # notes what the loss is made of, for the gradient
        loss = w**2
    optimizer.apply([tape.gradient(loss, w)], [w])
print(f"w = {w.numpy():.4f} with a rate of {float(optimizer.learning_rate):g}")

# %% [markdown]
# ## 4. Measure the edge on real images
#
# With many weights, a valley has many curvatures: the eigenvalues of its **Hessian**, the matrix of
# second derivatives. Along each eigenvector rolls a separate ball, and all share one rate. The
# steepest direction explodes first, so $L$ is the *largest* eigenvalue.
#
# In linear regression the Hessian is the same everywhere. So we let a linear model predict the
# label of 1,000 images, as ten numbers 0 or 1.

# %%
x = np.float32(data.x_train[:1000].reshape(-1, 784) / 255)
y = np.eye(10, dtype=np.float32)[data.y_train[:1000]]


def curvatures(x):
    """Eigenvalues, smallest first, and eigenvectors of the Hessian of mean((x @ w - y) ** 2)."""
    return np.linalg.eigh(2 * np.float64(x).T @ x / y.size)


values, vectors = curvatures(x)
edge = 2 / values[-1]
print(f"largest curvatures {values[-1]:.3f}, {values[-2]:.3f}; edge 2/L = {edge:.4f}")

# %% [markdown]
# Gradient descent on all 1,000 images at once, in each framework:


# %%
def descend_torch(lr, x, updates=150):
    model = torch.nn.Linear(784, 10, bias=False)
    torch.nn.init.zeros_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    images, targets, losses = torch.from_numpy(x), torch.from_numpy(y), []
    for _ in range(updates):
        loss = torch.nn.functional.mse_loss(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert optimizer.param_groups[0]["lr"] == lr
    return losses, model.weight.detach().numpy().T


# %%
def descend_keras(lr, x, updates=150):
    weights = tf.Variable(tf.zeros([784, 10]))
    optimizer = keras.optimizers.SGD(learning_rate=lr)

    @tf.function  # compiled at its first call: the Python in it runs only then
    def update():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((x @ weights - y) ** 2)
        optimizer.apply([tape.gradient(loss, weights)], [weights])
        return loss

    losses = [float(update()) for _ in range(updates)]
    assert float(optimizer.learning_rate) == np.float32(lr)
    return losses, weights.numpy()


descend = {"torch": descend_torch, "tensorflow": descend_keras}[framework]

# %% [markdown]
# **Predict.** We run at 0.5, 0.9, 0.99, 1.01 and 1.1 times the edge. Compare 0.5 and 0.99:

# %%
predict(
    "1.b",
    "Which ends with the lower loss, 0.5 or 0.99 times the edge?",
    {"0.5": 50, "0.99": 50},
)

# %% alt="Losses at five rates: three below the edge fall, 1.01 turns and rises, 1.1 leaves the plot."
last = {}
for i, ratio in enumerate((0.5, 0.9, 0.99, 1.01, 1.1)):
    losses, exploded_weights = descend(ratio * edge, x)
    last[ratio] = losses[-1]
    plt.semilogy(losses, label=f"{ratio} x 2/L", **look("", i))
plt.gcf().set(figwidth=7.5, figheight=3.2, dpi=90)
plt.grid(alpha=0.25)
plt.title(f"{data.title}, {framework}: all images in every update", fontsize=10, loc="left")
plt.gca().set(ylim=(0.02, 1), xlabel="update", ylabel="squared loss")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()

# %%
outcome("1.b", "0.5" if last[0.5] < last[0.99] else "0.99")

# %% [markdown]
# Just below the edge only the steepest direction jumps; most others creep, and gain from a higher
# rate. At 1.01 that one direction grows by a factor of 1.02 with each update: invisible at first,
# it dominates in the end. {{edge-holds}}
#
# Where is the edge really? We bisect, from the losses alone: a rate is too large if the loss is not
# falling at the end.

# %%
low, high = 0.5 * edge, 2.0 * edge
for _ in range(9):
    middle = (low + high) / 2
    losses, _ = descend(middle, x)
    low, high = (middle, high) if losses[-1] < losses[-2] else (low, middle)
print(f"measured edge: between {low / edge:.3f} and {high / edge:.3f} times 2/L")

# %% [markdown]
# And *what* explodes? Compare `exploded_weights`, from the run at 1.1 times the edge, with the
# steepest eigenvector:

# %% alt="Three pictures that look alike: exploded weights, steepest direction, average image."
steepest = vectors[:, -1] * np.sign(vectors[:, -1].sum())  # an eigenvector has no sign of its own
exploded = exploded_weights[:, 0] / np.linalg.norm(exploded_weights[:, 0])
exploded *= np.sign(exploded.sum())
print(f"cosine of exploded weights and steepest direction: {exploded @ steepest:.3f}")
figure, panels = plt.subplots(1, 3, figsize=(7.5, 2.6), dpi=90)
names = ("exploded weights", "steepest direction", "average image")
for panel, name, picture in zip(panels, names, (exploded, steepest, x.mean(0))):
    panel.imshow(picture.reshape(28, 28), cmap="gray")
    panel.set_title(name, fontsize=10)
    panel.axis("off")
plt.show()

# %% [markdown]
# The steepest direction looks like the *average image*: every digit contains some of it, so all
# images push the weights along it at once.
#
# ## 5. Break it: the missing 255
#
# In 2018 scikit-learn's example that draws a network's weights on MNIST moved to another data
# loader, and the division of the pixels by 255 was lost. The rate of 0.1 stayed. Nothing crashed:
# somebody noticed that nearly all pictures of weights were blank
# ([issue 11960](https://github.com/scikit-learn/scikit-learn/issues/11960), fixed in [pull request
# 11961](https://github.com/scikit-learn/scikit-learn/pull/11961)). Our linear model shows the
# mechanism.
#
# **Predict.** Pixels from 0 to 255 instead of 0 to 1: by what factor does the edge shrink?

# %%
predict(
    "1.c",
    "Pixels 255 times as large: by what factor does the edge shrink?",
    {"about 16": 34, "about 255": 33, "about 65,000": 33},
)

# %%
versions = {"raw bytes": x * 255, "divided by 255": x, "and centred": x - x.mean(0)}
edges = {name: 2 / curvatures(images)[0][-1] for name, images in versions.items()}
for name, value in edges.items():
    print(f"{name:15} 2/L = {value:.3g}, {value / edge:.3g} times the edge from above")
for name in ("raw bytes", "divided by 255"):
    losses, _ = descend(0.1, versions[name])
    print(f"{name:15} at a rate of 0.1:", [f"{loss:.3g}" for loss in losses[:5]])

# %%
factor = edge / edges["raw bytes"]
sizes = {16: "about 16", 255: "about 255", 255**2: "about 65,000"}
outcome("1.c", sizes[min(sizes, key=lambda size: abs(math.log(factor / size)))])

# %% [markdown]
# The Hessian holds products of two pixels, so it grows by 255², and the edge shrinks by as much. A
# learning rate means nothing without the scale of its data. To fix a rate beyond the edge, lower
# the rate or raise the edge. Subtracting the average image raises it further, because the steepest
# wall is gone (advised by LeCun et al. 1998): a rate that explodes without it now works.

# %%
lr = 0.9 * edges["and centred"]
for name in ("divided by 255", "and centred"):
    losses, _ = descend(lr, versions[name])
    print(f"{name:15} {lr:.3g}: loss {losses[0]:.2g} -> {losses[-1]:.2g}")

# %% [markdown]
# ## 6. Sweep
#
# We do not know the network's Hessian. So we try rates, about evenly spaced on a *log* scale because
# their ratios matter, and compare them on **held-out images**, which no update uses. Nine rates
# were recorded, five seeds each, one epoch per run. A colleague tries four of them:


# %%
def held_out(name):
    """The held-out losses of each rate, one per seed; infinite where a run diverged."""
    lines = [line for line in record(name) if line["framework"] == framework]
    losses = {float(line["variant"]): [] for line in lines}
    for line in lines:
        losses[float(line["variant"])].append(line.get("val_loss", math.inf))
    return losses


mnist = held_out("fixed_rates")
four = {lr: np.mean(losses) for lr, losses in mnist.items() if lr <= 0.1}
print(f"best rate: {min(four, key=four.get):g} of {[f'{lr:g}' for lr in four]}")

# %% [markdown]
# The best of the four is the *largest one tried*: a better one probably lies beyond it. Google's
# [Deep Learning Tuning Playbook](https://github.com/google-research/tuning_playbook) warns of such
# a search space, and so do Stanford's [CS231n notes](https://cs231n.github.io/neural-networks-3/).
#
# **Predict.** Which of all nine has the lowest mean loss?

# %%
predict(
    "1.d",
    "Which rate of the nine, from 0.003 to 30, is the best on MNIST?",
    {"0.3": 34, "1": 33, "another one": 33},
)

# %%
means = {lr: np.mean(losses) for lr, losses in mnist.items()}
best = min(means, key=means.get)
print(f"best rate: {best:g}; at the border of the grid: {best in (min(means), max(means))}")
outcome("1.d", "0.3" if best == 0.3 else "1" if best == 1 else "another one")

# %% alt="Held-out accuracy of nine fixed rates, a dot per seed, for MNIST and for CIFAR-10. Both rise with the rate and then fall off a cliff to the level of guessing, CIFAR-10 at a lower rate."
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.2), dpi=90, sharey=True)
records = {"fixed_rates": framework, "fixed_rates_cifar10": "torch"}
for i, (axes, (name, made_with)) in enumerate(zip(panels, records.items())):
    lines = [line for line in record(name) if line["framework"] == made_with]
    dots = [(float(line["variant"]), 100 * line.get("val_accuracy", 0)) for line in lines]
    axes.plot(*zip(*dots), "o", color=look("", i)["color"], alpha=0.6, markersize=5)
    rates = sorted({lr for lr, _ in dots})
    axes.plot(rates, [np.mean([y for lr, y in dots if lr == x]) for x in rates], **look("", i))
    axes.axhline(10, color="0.5", linestyle=":", linewidth=1)
    seeds = len({line["seed"] for line in lines})
    axes.set_title(f"{lines[0]['data']}, {made_with}, {seeds} seeds", fontsize=10, loc="left")
    axes.set(xscale="log", xlabel="learning rate", ylim=(-3, 103))
    axes.grid(alpha=0.25)
panels[0].set_ylabel("held-out accuracy in %")
panels[0].text(0.003, 12, "guessing", fontsize=9, color="0.4")
plt.show()

# %% [markdown]
# Each dot is a run (at 0: it diverged); the line joins the means. A gap between two rates is taken
# seed by seed, and its brackets hold a 95 % interval ([lesson 2](02_decay_two_classics.ipynb),
# section 2, computes one).
#
# - **Smaller is not safer.** {{small-rate-costs}}
# - **The best rate is near the cliff**, as $1/L$ is near $2/L$. {{best-beside-cliff}}
# - **A good rate does not carry over.** {{cliff-moves}}
#
# ## 7. Spot the bug: which rate made 97 %?
#
# MIT's course 6.S191 trains a network of this shape in its second lab, in PyTorch and TensorFlow.
# The code sets the rate to 0.1. The text says that five epochs at a rate of 0.01 should reach
# about 97 % on the [training
# data](https://github.com/MITDeepLearning/introtodeeplearning/tree/master/lab2). One of the two is
# a slip. We replay the start of the code's run, compare it with the text, and give the text's rate
# 1,200 updates instead of 400:

# %%
replay, slow = train(0.1, batch_size=64, updates=400), train(0.01, batch_size=64, updates=1200)
try:
    replay.assert_lr_matches(Schedule(constant, lr=0.01))
except AssertionError as error:
    print("AssertionError:", error)
for run in (replay, slow):
    accuracy = run.history["val_accuracy"][-1]
    print(f"{run.schedule}: {len(run.lr)} updates, held-out accuracy {accuracy:.1%}")

# %% [markdown]
# The code's rate is ahead with a third of the updates, so the slip is most likely in the
# text. <!-- shown --> The fix is in the lines just printed: their rates come from the run and
# cannot disagree with it.
#
# ## 8. What this picture leaves out
#
# - **The curvature moves.** A network's Hessian changes as it learns. Trained on all images at
#   once, its largest eigenvalue tends to *rise* to about $2 / \eta$: the **edge of stability**
#   ([Cohen et al. 2021](https://arxiv.org/abs/2103.00065)). So a rate below $2/L$ at the start need
#   not stay below it.
# - **Batches are noisy.** A gradient from 128 images is only an estimate, and a fixed rate keeps
#   the ball jumping around the bottom even far below the edge: see the next lesson.
#
# ## What you take along
#
# 1. In a valley $L w^2/2$, gradient descent converges below $2/L$ and explodes above; on images you
#    measured that edge.
# 2. Diverged and failed are two findings; no error warns you of a failed run.
# 3. The best of a grid is not yet the best rate: at the border, extend the grid; inside, add a rate
#    on each side of it (lesson 11). And each network has its own best rate.
#
# **An open question.** Train with `batch_size=16` at several rates. Does the best rate stay the
# same? Does the first rate that fails?
#
# **References.** J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, *Gradient descent on neural
# networks typically occurs at the edge of stability*, ICLR 2021,
# [arXiv:2103.00065](https://arxiv.org/abs/2103.00065) ·
# Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient BackProp*, 1998 ·
# V. Godbole, G. Dahl, J. Gilmer, C. Shallue, Z. Nado,
# [*Deep Learning Tuning Playbook*](https://github.com/google-research/tuning_playbook), 2023

# %% [markdown] tags=["exercise"]
# ### Exercise 1.1 - Let the ball roll (code, 1 point, about 8 minutes)
#
# Write gradient descent on the valley `f(w) = curvature * w**2 / 2` by hand: each update subtracts
# `lr` times the gradient, which is `curvature * w`. Example: `walk(8.0, lr=0.25, curvature=2.0,
# steps=3)` is `[8.0, 4.0, 2.0, 1.0]`.
#
# **Deliver:** `walk`, which returns a list with the start and the position after each of the
# `steps` updates.
#
# **Success:** `steps + 1` numbers, right on both sides of the edge. Run the check for a hint, in
# this exercise and the others.


# %% tags=["exercise"]
def walk(start, *, lr, curvature, steps):
    """Positions of the ball: the start, then after each update."""
    ### BEGIN SOLUTION
    positions = [start]
    for _ in range(steps):
        w = positions[-1]
        positions.append(w - lr * curvature * w)
    return positions
    ### END SOLUTION


# Try it: walk(8.0, lr=0.25, curvature=2.0, steps=3)

# %% tags=["check"] grade_id="01-walk" points=1
from course_lib.checks import check

check("1.1", walk)

# %% tags=["probes"]
from course_lib.exercises import call, exercise

exercise(
    "1.1",
    walk,
    hints=[
        "Begin with a list that holds only the start. Which number does each update look at?",
        "Each update looks at the last number in the list: the gradient there is "
        "`curvature * positions[-1]`.",
        "In a loop over `range(steps)`: take `w = positions[-1]` and append "
        "`w` less `lr` times its gradient.",
    ],
    shown=[
        call(8.0, lr=0.25, curvature=2.0, steps=3),
        call(8.0, lr=0.25, curvature=2.0, steps=0),
        call(1.0, lr=0.5, curvature=2.0, steps=2),
        call(1.0, lr=0.75, curvature=2.0, steps=3),
        call(-2.0, lr=0.5, curvature=6.0, steps=2),
        call(1.0, lr=0.45, curvature=2.0, steps=24),  # all its steps, however small
        call(1e-6, lr=0.5, curvature=1.0, steps=4),  # and small positions
        call(1.0, lr=1.5, curvature=4.0, steps=9),  # or large
    ],
    locked=[call(1.5, lr=0.1, curvature=3.0, steps=4)],
    hidden={
        "down one wall": [
            call(3.0, lr=0.1, curvature=5.0, steps=7),
            call(-1.5, lr=0.3, curvature=0.5, steps=4),
            call(3.0, lr=0.46, curvature=2.0, steps=20),
            call(5.0, lr=0.25, curvature=4.0, steps=3),
            call(2e-6, lr=0.25, curvature=2.0, steps=5),
        ],
        "from wall to wall": [
            call(2.0, lr=0.3, curvature=6.0, steps=6),
            call(-0.4, lr=0.75, curvature=2.5, steps=5),
        ],
        "beyond the edge": [
            call(0.7, lr=0.02, curvature=130.0, steps=9),
            call(2.0, lr=1.25, curvature=4.0, steps=9),
        ],
    },
    library=["valley_path"],
)

# %% [markdown] tags=["answer"]
# The list grows by one number per update, and each depends only on the one before. The closed form
# `start * (1 - lr * curvature)**t` is right as well. Frequent slips: forgetting the start, using
# the gradient at the start for all updates, dropping the curvature or halving it (the 2 of `w**2`
# cancels the 1/2).

# %% [markdown] tags=["exercise"]
# ### Exercise 1.2 - The critical rate (code, 2 points, about 8 minutes)
#
# With many weights, the steepest direction decides. Given the Hessian of a valley, a symmetric
# matrix with eigenvalues of at least 0 (a list of lists or a NumPy array), the rate at which
# gradient descent stops converging is
#
#     critical rate = 2 / (largest eigenvalue)
#
# Example: the Hessian `[[1, 0], [0, 10]]` has the eigenvalues 1 and 10, so the answer is 0.2.
#
# **Deliver:** `critical_rate`, which returns that rate.
#
# **Success:** it is right for every such matrix, also when its eigenvalues are not on the diagonal.


# %% tags=["exercise"]
def critical_rate(hessian):
    """The rate above which gradient descent on this valley explodes."""
    ### BEGIN SOLUTION
    return 2 / np.linalg.eigvalsh(np.asarray(hessian, dtype=float)).max()
    ### END SOLUTION


# Try it: critical_rate([[1, 0], [0, 10]])

# %% tags=["check"] grade_id="01-critical-rate" points=2
from course_lib.checks import check

check("1.2", critical_rate)


# %% tags=["probes"]
def pixels(seed, images, size):
    """The Hessian of some random images, in whole numbers: no eigenvalue is rounded below 0."""
    x = np.random.default_rng(seed).integers(-4, 5, size=(images, size))
    return x.T @ x / images


exercise(
    "1.2",
    critical_rate,
    hints=[
        "With numbers beside the diagonal, its largest number need not be the largest eigenvalue.",
        "`np.linalg` has functions for eigenvalues; one of them is made for symmetric matrices.",
        "`np.linalg.eigvalsh(hessian)` gives all eigenvalues; the answer is 2 by the largest.",
    ],
    shown=[
        call([[4.0]]),
        call([[1, 0], [0, 10]]),
        call([[10, 0], [0, 9]]),
        call([[2, 1], [1, 2]]),
        call(np.array([[2.0, -1.0], [-1.0, 2.0]])),
        call([[1, 0, 0], [0, 5, 4], [0, 4, 5]]),
        call([[2, -1, 0], [-1, 2, -1], [0, -1, 2]]),
        call([[0.5, 0.25], [0.25, 0.5]]),
        call([[1.0, 0.0], [0.0, 0.999]]),  # close to each other
        call([[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0], [0, 0, 0, 3]]),  # or equal
    ],
    locked=[call([[3, 1, 0], [1, 6, 2], [0, 2, 4]])],
    hidden={
        "diagonal matrices": [
            call([[7, 0, 0], [0, 0, 0], [0, 0, 16]]),
            call([[0.5, 0], [0, 0.45]]),
            call([[1.998, 0.0], [0.0, 2.0]]),
            call([[7, 0, 0, 0], [0, 7, 0, 0], [0, 0, 7, 0], [0, 0, 0, 7]]),
        ],
        "full matrices, as lists": [
            call(pixels(1, 5, 3).tolist()),
            call(pixels(2, 4, 6).tolist()),
            call([[5, -3, 0], [-3, 5, 0], [0, 0, 1]]),
        ],
        "full matrices, as arrays": [call(pixels(3, 5, 3)), call(pixels(4, 30, 8))],
    },
)

# %% [markdown] tags=["answer"]
# `eigvalsh` is made for symmetric matrices and returns real numbers in ascending order. The trace,
# the largest entry and the norm of all entries only bound the largest eigenvalue. For a network
# with millions of weights nobody builds the matrix; power iteration finds the largest eigenvalue
# from products of the Hessian with a vector.

# %% [markdown] tags=["exercise"]
# ### Exercise 1.3 - Read a sweep (code, 3 points, about 12 minutes)
#
# Write a function that judges a sweep. `losses[i]` belongs to `rates[i]`; the rates are in any
# order, and one may come twice, with another seed: each run counts by itself.
#
# **Deliver:** `best_rate`, which returns `(rate, at_boundary)`: the rate with the lowest loss, and
# whether it is the smallest or the largest of *all* rates that were tried.
#
# **Success:** it also judges sweeps with diverged runs and ties:
#
# - A loss that is not a finite number (`nan`, `inf`) is a diverged run: it cannot be the best, but
#   its rate was tried.
# - Of rates with equal losses take the smallest.
# - If no loss is finite, raise a `ValueError`: there is no best rate.
#
# Example: `best_rate([1.0, 0.1, 0.01], [math.inf, 0.3, 0.9])` is `(0.1, False)`: the rate above it
# was tried, and diverged.


# %% tags=["exercise"]
def best_rate(rates, losses):
    """The rate with the lowest loss, and whether it lies at the boundary of the rates tried."""
    ### BEGIN SOLUTION
    finished = [(loss, rate) for rate, loss in zip(rates, losses) if math.isfinite(loss)]
    if not finished:
        raise ValueError("every run diverged, so there is no best rate")
    _, rate = min(finished)
    return rate, rate in (min(rates), max(rates))
    ### END SOLUTION


# Try it: best_rate([1.0, 0.1, 0.01], [math.inf, 0.3, 0.9])

# %% tags=["check"] grade_id="01-best-rate" points=3
from course_lib.checks import check

check("1.3", best_rate)

# %% tags=["probes"]
nan, inf = math.nan, math.inf

exercise(
    "1.3",
    best_rate,
    hints=[
        "`min` and `argmin` give nonsense when a `nan` is among the numbers. Which pairs of rate "
        "and loss may win at all?",
        "Drop the diverged runs first (`math.isfinite`), but keep all rates for the question "
        "about the boundary.",
        "Pairs of (loss, rate) sort by loss, then by rate: `min` of them is the best. Nothing "
        "left is the `ValueError`; `min(rates)` and `max(rates)` are the boundary.",
    ],
    shown=[
        call([1.0, 0.1, 0.01], [inf, 0.3, 0.9]),
        call([0.01, 0.1, 1.0], [0.9, 0.5, 0.2]),
        call([0.01, 0.1, 1.0], [0.2, 0.5, nan]),
        call([0.1, 0.01, 1.0], [0.2, 0.5, 0.9]),
        call([0.01, 1.0, 0.1], [nan, 0.4, 0.7]),
        call([0.3, 0.03, 0.1, 1.0], [0.4, 0.4, 0.4, 0.6]),
        call([0.1], [0.4]),
        call([0.1, 1.0, 0.01], [-0.5, -0.2, -0.1]),
        call([0.1, 1.0, 0.1, 0.1], [0.5, 0.6, 0.2, 0.9]),  # three seeds
        call([0.1, 1.0], [inf, nan]),
    ],
    locked=[
        call([0.5, 0.05, 5.0, 0.005], [0.31, 0.3100001, 0.9, 0.7]),
        call([0.3, 0.03, 3.0], [0.0, 0.4, 0.7]),
        call([1.0, 10.0], [2e35, inf]),
        call([2e-4, 1e-4, 1e-3], [0.3, 0.5, 0.8]),
    ],
    hidden={
        "diverged runs": [
            call([3.0, 0.3, 30.0, 0.03], [2.3, 0.1, nan, 0.8]),
            call([0.02, 0.2, 2.0], [0.4, 0.0, 0.3]),  # a loss of zero is a number
            call([6.0, 60.0, 0.6], [4e36, inf, 5e36]),  # and so is a huge one
            call([0.5, 2.0, 1.0], [inf, 0.2, 0.1]),
            call([0.7, 0.07, 7.0], [0.9, inf, nan]),
            call([1e-4, 3e-4, 1e-3], [0.5, 0.2, 0.9]),
        ],
        "at the boundary": [
            call([30.0, 0.03, 0.3, 3.0], [nan, 0.8, 0.6, 0.5]),
            call([0.03, 0.003, 0.3], [-0.4, -0.5, inf]),
            call([0.3, 3.0, 0.03], [0.7, 0.2, 0.8]),
            call([2.0, 0.2, 20.0], [0.64, 0.5801, 0.58]),
            call([0.3, 3.0, 3.0], [0.5, 0.9, 0.2]),
            call([3.0, 0.3, 3.0], [0.2, 0.5, 0.9]),
        ],
        "ties": [
            call([0.2, 0.4, 0.1, 0.8], [0.3, 0.3, 0.5, 0.3]),
            call([0.8, 0.4, 0.1, 0.2], [0.3, 0.3, 0.5, 0.3]),
            call([0.1, 0.3, 0.01, 1.0], [0.3001, 0.3, 0.4, 0.5]),
            call([0.1, 0.3, 0.01], [0.3000001, 0.3, 0.9]),
        ],
        "every run diverged": [
            call([0.5], [nan]),
            call([0.5, 5.0], [nan, inf]),
            call([0.5], [1.25]),
        ],
    },
)

# %% [markdown] tags=["answer"]
# Pairs of (loss, rate) sort themselves: by loss, and by rate where losses are equal. The boundary
# is a question about *values*, not about places in the list, and about all rates tried: a diverged
# neighbour above the best rate proves that the search went far enough on that side.

# %% [markdown] tags=["exercise"]
# ### Exercise 1.4 - The missing 255 (bug, 2 points, about 8 minutes)
#
# The bug of section 5 ([scikit-learn issue
# 11960](https://github.com/scikit-learn/scikit-learn/issues/11960)) in miniature: gradient descent
# on a linear model whose images are bytes from 0 to 255.
#
# ```python
# x, y = np.array(images, dtype=float), np.array(labels, dtype=float)
# w, losses = np.zeros(x.shape[1]), []
# for _ in range(updates):
#     errors = x @ w - y
#     losses.append(np.mean(errors**2))
#     w = w - lr * 2 * x.T @ errors / len(y)
# return losses
# ```
#
# The rate was chosen for pixels from 0 to 1, so these losses explode. Example: the corrected
# `losses_of([[0, 255], [255, 255]], [0, 1], lr=0.5, updates=2)` is `[0.5, 0.125]`.
#
# **Deliver:** `losses_of`, corrected so that `lr` means what it meant for pixels from 0 to 1.
#
# **Success:** the losses, update by update, are those of pixels divided by 255. There is more than
# one way.


# %% tags=["exercise"]
def losses_of(images, labels, *, lr, updates):
    """Losses of gradient descent on a linear model of images made of bytes, before each update."""
    ### BEGIN SOLUTION
    pixels, targets = np.array(images, dtype=float) / 255, np.array(labels, dtype=float)
    weights, found = np.zeros(pixels.shape[1]), []
    while len(found) < updates:
        wrong = pixels @ weights - targets
        found.append(np.mean(wrong**2))
        weights -= 2 * lr * pixels.T @ wrong / len(targets)
    return found
    ### END SOLUTION


# Try it: losses_of([[0, 255], [255, 255]], [0, 1], lr=0.5, updates=2)

# %% tags=["check"] grade_id="01-missing-255" points=2
from course_lib.checks import check

check("1.4", losses_of)


# %% tags=["probes"]
def some_bytes(seed, images, size):
    """Images whose brightest pixel is not 255."""
    return np.random.default_rng(seed).integers(0, 201, size=(images, size)).tolist()


exercise(
    "1.4",
    losses_of,
    hints=[
        "Copy the code and print the losses of the example. How large are the pixels, and how "
        "large should they be for this rate?",
        "Either the images change their scale, or the rate does. The largest byte is 255, whatever "
        "the largest pixel of these images is.",
        "Divide `x` by 255 at the start; the labels stay. (Or divide the rate, by which power of "
        "255? Section 5 has it.)",
    ],
    shown=[
        call([[0, 255], [255, 255]], [0, 1], lr=0.5, updates=2),
        call([[51, 102], [204, 0], [0, 153]], [1, 0, 2], lr=0.3, updates=4),
        call([[51, 102], [204, 0], [0, 153]], [1, 0, 2], lr=0.3, updates=0),
        call([[255]], [3], lr=0.5, updates=3),
        call([[1, 0], [0, 1]], [1, 2], lr=3000.0, updates=3),  # dark images, but bytes
    ],
    locked=[
        call([[10, 20, 30], [200, 100, 0]], [0, 3], lr=0.4, updates=3),
        call([[255]], [1], lr=4.5, updates=6),
    ],
    hidden={
        "rates that converge": [
            call(some_bytes(1, 4, 3), [1, 0, 2, 1], lr=0.2, updates=5),
            call(some_bytes(2, 6, 2), [0, 1, 1, 0, 3, 2], lr=0.05, updates=4),
        ],
        "a rate beyond the edge still explodes": [
            call(some_bytes(3, 3, 3), [1, 2, 0], lr=6.0, updates=5),
            call(some_bytes(4, 2, 4), [5, 1], lr=4.5, updates=4),
        ],
        "dark images, one image, one pixel": [
            call([[1, 0, 1], [1, 1, 0]], [1, 2], lr=4000.0, updates=4),
            call([[0, 255, 0]], [4], lr=0.5, updates=4),
            call([[8], [90], [250]], [1, 1, 0], lr=0.9, updates=6),
        ],
    },
)

# %% [markdown] tags=["answer"]
# Two fixes are right, and their losses are equal. Divide the pixels by 255; or leave the pixels and
# divide the rate by 255², because the Hessian holds products of two pixels: the weights are then
# 255 times smaller, and their products with the pixels are the same. Frequent slips: dividing the
# rate by 255 only; dividing by the largest pixel of *these* images, so that every batch has a scale
# of its own; dividing the labels as well.
