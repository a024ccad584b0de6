# %% [markdown] tags=["setup"]
# # Fixed rates on MNIST
#
# **You will be able to:** predict from one number, the curvature, which fixed learning rates
# converge and which explode; tell a run that diverged from one that failed; and sweep rates without
# falling for the edge of your own grid.
#
# **You need:** gradient descent in outline, and lesson 0.
#
# **Minutes:** 40
#
# The simplest schedule is none: one rate for all updates. Whatever later lessons do to a rate is an
# answer to what goes wrong here.

# %% tags=["setup"]
import math

import numpy as np

framework = "torch"  # or "tensorflow"

# %%
import matplotlib.pyplot as plt

from course_lib.data import load
from course_lib.plots import look, plot_runs, plot_sweep
from course_lib.schedules import Schedule, constant
from course_lib.training import fit
from course_lib.widgets import plot_valley, valley, valley_path

data = load("mnist")

# %% [markdown]
# ## 1. Four rates, one network
#
# `train` makes 200 updates of a small network (784-128-10) on batches of 128 images. It ends with a
# habit of this course: no result counts until the applied rates are the planned ones.


# %%
def train(lr, batch_size=128, updates=200):
    schedule = Schedule(constant, lr=lr)
    run = fit(
        schedule,
        data=data,
        framework=framework,
        epochs=200,  # more than enough: max_updates ends the run
        batch_size=batch_size,
        max_updates=updates,
        progress=False,
    )
    run.assert_lr_matches(schedule)
    return run


# %% [markdown]
# **Predict.** We try 0.003, 0.3, 3 and 30: same network, same start, same images in the same order.
# Which one learns? Do the other three go wrong in the same way? Write it down.
#
# <details><summary>Compare with your guess</summary>
# Only 0.3 learns well. The others go wrong in three ways: 0.003 gets hardly anywhere in the time it
# has, 3 runs to the end but ends up guessing, 30 blows up after a few updates.
# </details>

# %%
runs = {lr: train(lr) for lr in (0.003, 0.3, 3.0, 30.0)}

# %%
for lr, run in runs.items():
    if run.diverged is not None:
        print(f"{lr:>6g}  diverged at update {run.diverged}, loss before: {run.loss[-1]:.1f}")
    else:
        last, accuracy = np.mean(run.loss[-20:]), run.history["val_accuracy"][-1]
        print(f"{lr:>6g}  loss {run.loss[0]:.2f} -> {last:.2f}, held-out accuracy {accuracy:.0%}")

# %% alt="Four fixed rates and their losses: one creeps, one learns, one guesses, one stops early."
plot_runs({f"{lr:g}": run for lr, run in runs.items()}, log_rate=True)

# %% [markdown]
# **Diverged** and **failed** are different findings. A diverged run has a loss that is infinite,
# not a number, or (our limit) a thousand times the first; `Run.diverged` holds that update, and the
# run stops there. A failed run has perfectly finite numbers and has learned nothing: a few wild
# updates kill most hidden units, and every image gets nearly the same answer. No error tells you,
# but this number does:

# %%
print(f"loss of guessing among ten classes: ln 10 = {math.log(10):.3f}")

# %% [markdown]
# ## 2. Why: a ball between two walls
#
# Take one weight and the simplest valley, `f(w) = L w² / 2`. Its gradient is `L w`, and `L` is its
# **curvature**. One update of gradient descent is
#
#     w  <-  w - lr * L * w  =  (1 - lr * L) * w
#
# Every update multiplies `w` by the same factor. `valley_path` does just this:

# %%
valley_path(1.0, lr=0.3, curvature=2.0, steps=4)

# %% [markdown]
# **Predict.** With `L = 2` and the start at `w = 1`, what does the ball do at the rates 0.05, 0.5,
# 0.9 and 1.1? You need only the factor `1 - lr * L`.
#
# <details><summary>Compare with your guess</summary>
# The factors are 0.9, 0, -0.8 and -1.2: it creeps down one wall; it lands at once; it jumps from
# wall to wall and still comes down; it jumps higher each time.
# </details>

# %% alt="Four valleys with the ball's steps, and its distance: slow, at once, jumping, growing."
plot_valley([0.05, 0.5, 0.9, 1.1])

# %% [markdown]
# The sign of the factor says *one wall or two*, its size says *down or up*. The size is below 1
# exactly when
#
#     0  <  lr  <  2 / L
#
# Its upper end is the **edge**. The best rate, `1 / L`, is only a factor of 2 away from disaster.
# At 0.9 the ball jumps over the bottom again and again: shrink the rate on the way, and it lands.
#
# **Your turn.** Find a rate that brings `|w|` below a millionth within 12 updates. How wide is the
# range of rates that do? (Without a running kernel you see a still picture.)

# %% alt="The panel at a rate of 0.3: the ball comes down one wall and misses the goal."
valley(lr=0.3)

# %% [markdown]
# ## 3. The same ball in PyTorch and in Keras
#
# A fixed rate is an argument of the optimizer, and can be read back: from `param_groups` in
# PyTorch, from `learning_rate` in Keras. With `f(w) = w²`, so `L = 2`, both repeat the four steps.

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
    with tf.GradientTape() as tape:
        loss = w**2
    optimizer.apply([tape.gradient(loss, w)], [w])
print(f"w = {w.numpy():.4f} with a rate of {float(optimizer.learning_rate):g}")

# %% [markdown]
# ## 4. Measure the edge on real images
#
# With many weights, a valley has many curvatures: the eigenvalues of its **Hessian**, the matrix of
# second derivatives. Along each eigenvector rolls a ball of its own, and all share one rate. The
# steepest direction decides: `L` is the *largest* eigenvalue.
#
# In linear regression the Hessian is exact and the same everywhere. So we let a linear model
# predict the label of 1,000 images, as ten numbers 0 or 1.

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
# Gradient descent on all 1,000 images at once, in each framework's own words. Both read the rate
# back and insist on it.


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

    @tf.function
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
# **Predict.** We run at 0.5, 0.9, 0.99, 1.01 and 1.1 times the edge. Is 0.99 visibly worse than
# 0.5? How long can 1.01 hide?
#
# <details><summary>Compare with your guess</summary>
# Below the edge all three come down, and the larger rates do not end worse: at 0.99 only the
# steepest direction jumps, the others creep and gain by every bit of rate. At 1.01 that one
# direction grows by a factor of 1.02 with each update: first invisible, then everything.
# </details>

# %% alt="Losses at five rates: three below the edge fall, 1.01 turns and rises, 1.1 flies out."
for i, ratio in enumerate((0.5, 0.9, 0.99, 1.01, 1.1)):
    losses, exploded_weights = descend(ratio * edge, x)
    plt.semilogy(losses, label=f"{ratio} x 2/L", **look("", i))
plt.gcf().set(figwidth=7.5, figheight=3.2, dpi=90)
plt.grid(alpha=0.25)
plt.title(f"{data.title}, {framework}: all images in every update", fontsize=10, loc="left")
plt.gca().set(ylim=(0.02, 1), xlabel="update", ylabel="squared loss")
plt.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
plt.show()

# %% [markdown]
# Where is the edge really? We search by halving, and look only at losses: a rate is too large if
# the loss is not falling at the end.

# %%
low, high = 0.5 * edge, 2.0 * edge
for _ in range(9):
    middle = (low + high) / 2
    losses, _ = descend(middle, x)
    low, high = (middle, high) if losses[-1] < losses[-2] else (low, middle)
print(f"measured edge: between {low / edge:.3f} and {high / edge:.3f} times 2/L")

# %% [markdown]
# And *what* flies out? `exploded_weights` is the run at 1.1 times the edge. We compare it with the
# steepest eigenvector.

# %%
steepest = vectors[:, -1] * np.sign(vectors[:, -1].sum())  # an eigenvector has no sign of its own
exploded = exploded_weights[:, 0] / np.linalg.norm(exploded_weights[:, 0])
exploded *= np.sign(exploded.sum())
print(f"cosine of exploded weights and steepest direction: {exploded @ steepest:.3f}")

# %% alt="Three pictures that look alike: exploded weights, steepest direction, average image."
figure, panels = plt.subplots(1, 3, figsize=(7.5, 2.6), dpi=90)
pictures = {
    "exploded weights": exploded,
    "steepest direction": steepest,
    "average image": x.mean(0),
}
for panel, (title, picture) in zip(panels, pictures.items()):
    panel.imshow(picture.reshape(28, 28), cmap="gray")
    panel.set_title(title, fontsize=10)
    panel.axis("off")
plt.show()

# %% [markdown]
# The wall of this valley is the *average image*: every digit contains it, so all images push the
# weights along it at once.
#
# ## 5. Break it: the missing 255
#
# In 2018 scikit-learn's example that draws a network's weights on MNIST moved to another data
# loader, and the division of the pixels by 255 was lost on the way. The rate of 0.1 stayed. Nothing
# crashed: somebody noticed that nearly all pictures of weights were blank
# ([issue 11960](https://github.com/scikit-learn/scikit-learn/issues/11960), mended in
# [pull request 11961](https://github.com/scikit-learn/scikit-learn/pull/11961)). Our linear model
# shows the mechanism.
#
# **Predict.** Pixels from 0 to 255 instead of 0 to 1: by what factor does the edge move?
#
# <details><summary>Compare with your guess</summary>
# The Hessian holds products of two pixels, so it grows by 255², and the edge shrinks by that.
# </details>

# %%
versions = {"raw bytes": x * 255, "divided by 255": x, "and centred": x - x.mean(0)}
edges = {name: 2 / curvatures(images)[0][-1] for name, images in versions.items()}
for name, value in edges.items():
    print(f"{name:15} 2/L = {value:.3g}, {value / edge:.3g} times the edge from above")
print(f"for comparison: 1 / 255² = {1 / 255**2:.3g}")

# %%
for name in ("raw bytes", "divided by 255"):
    losses, _ = descend(0.1, versions[name])
    print(f"{name:15}", [f"{loss:.3g}" for loss in losses[:5]])

# %% [markdown]
# A learning rate means nothing without the scale of its data. To mend a rate beyond the edge, lower
# the rate or move the edge. Subtracting the average image moves it further, because the steepest
# wall is gone (advised by LeCun et al. 1998); a rate that explodes without it works:

# %%
lr = 0.9 * edges["and centred"]
for name in ("divided by 255", "and centred"):
    losses, _ = descend(lr, versions[name])
    print(f"{name:15} {lr:.3g}: loss {losses[0]:.2g} -> {losses[-1]:.2g}")

# %% [markdown]
# ## 6. Sweep
#
# Nobody hands us the network's Hessian. So we try rates, evenly spaced on a *log* scale because
# rates act as factors, and compare them on held-out images. A colleague tries four:


# %%
def sweep(rates):
    for lr in rates:
        if lr not in runs:
            runs[lr] = train(lr)
    return {lr: final_loss(runs[lr]) for lr in rates}


def final_loss(run):
    return math.inf if run.diverged is not None else run.history["val_loss"][-1]


first = sweep((0.003, 0.01, 0.03, 0.1))
print(f"best rate: {min(first, key=first.get)} of {list(first)}")

# %% [markdown]
# **Spot the bug.** Nothing is wrong with the code. What is wrong with reporting that rate as the
# best one?
#
# <details><summary>Compare with your guess</summary>
# It is the largest one tried: the best rate is likely outside. Google's Deep Learning Tuning
# Playbook calls such a search space suspicious; Stanford's CS231n notes warn of best values on the
# border.
# </details>

# %% alt="Validation loss of nine rates: a valley, then the level of guessing, then a cross."
wide = sweep((0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0))
plot_sweep({"": wide}, title=f"{data.title}, {framework}, 200 updates, one seed (n = 1)")

# %%
best = min(wide, key=wide.get)
print(f"best rate: {best:g}; at the border of the grid: {best in (min(wide), max(wide))}")

# %% [markdown]
# Now there are worse rates on both sides: too slow on the left, guessing and divergence on the
# right. The best one lies close to the first that fails, as 1 / L does to 2 / L. Two cautions: with
# another seed neighbours may change places, and a longer run forgives a smaller rate.
#
# ## 7. Spot the bug: which rate made 97 %?
#
# MIT's course 6.S191 trains a network of this shape in its second lab, in PyTorch and TensorFlow:
# batch 64, five epochs. The code sets the rate to 0.1. The text below the training cell says that
# five epochs at a rate of 0.01 should reach about 97 % on the training data. One of the two is a
# slip. We replay the start of the code's run and hold it against the text:

# %%
claimed = Schedule(constant, lr=0.01)
replay = train(0.1, batch_size=64, updates=800)
try:
    replay.assert_lr_matches(claimed)
except AssertionError as error:
    print("AssertionError:", error)

# %% [markdown]
# A record can contradict a text; a text cannot notice. Which rate earns the 97 %? We give the one
# in the text three times as many updates.

# %%
slow = train(0.01, batch_size=64, updates=2400)
for run in (replay, slow):
    accuracy = run.history["val_accuracy"][-1]
    print(f"{run.schedule}: {len(run.lr)} updates, held-out accuracy {accuracy:.1%}")

# %% [markdown]
# On MNIST the code's rate is ahead with a third of the work: the slip is in the text. The mend is
# in the lines just printed: their rates and updates come from the run and cannot disagree with it.
#
# ## 8. What this picture leaves out
#
# - **The curvature moves.** A network's Hessian changes as it learns. Trained on all images at
#   once, its largest eigenvalue tends to *rise* until it sits at about `2 / lr`, while the loss
#   still falls, but not with every update: the **edge of stability** (Cohen et al. 2021). So
#   `2 / L` at the start is no guarantee for later.
# - **Batches are noisy.** A gradient from 128 images is a guess, and a fixed rate keeps the ball
#   jumping around the bottom even far below the edge. That is the subject of the next lesson.
#
# ## What you take along
#
# 1. On a quadratic, gradient descent converges below `2 / L` and explodes above; on images you
#    measured that edge.
# 2. Diverged and failed are two findings, and only the first one raises its voice.
# 3. A best rate at the border of the grid is not yet the best rate.
#
# **On your own.** Sweep again with `batch_size=16` in `train`. Does the best rate stay? Does the
# first rate that fails?
#
# **References.** J. Cohen, S. Kaur, Y. Li, J. Z. Kolter, A. Talwalkar, *Gradient descent on neural
# networks typically occurs at the edge of stability*, ICLR 2021,
# [arXiv:2103.00065](https://arxiv.org/abs/2103.00065) ·
# Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, *Efficient BackProp*, 1998 ·
# V. Godbole, G. Dahl, J. Gilmer, C. Shallue, Z. Nado,
# [*Deep Learning Tuning Playbook*](https://github.com/google-research/tuning_playbook), 2023 ·
# [*CS231n notes*](https://cs231n.github.io/neural-networks-3/) ·
# [MIT 6.S191, lab 2](https://github.com/MITDeepLearning/introtodeeplearning/tree/master/lab2)

# %% [markdown] tags=["exercise"]
# ### Exercise 1.1 - Let the ball roll (code, 1 point, about 8 minutes)
#
# Write gradient descent on the valley `f(w) = curvature * w**2 / 2` by hand: each update subtracts
# `lr` times the gradient, which is `curvature * w`. Return a list with the start and the position
# after each of the `steps` updates, so `steps + 1` numbers.
#
# Example: `walk(8.0, lr=0.25, curvature=2.0, steps=3)` is `[8.0, 4.0, 2.0, 1.0]`. Run the check for a
# hint, in this exercise and the others.


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
    ],
    locked=[call(1.5, lr=0.1, curvature=3.0, steps=4)],
    hidden={
        "down one wall": [
            call(3.0, lr=0.1, curvature=5.0, steps=7),
            call(-1.5, lr=0.3, curvature=0.5, steps=4),
        ],
        "from wall to wall": [
            call(2.0, lr=0.3, curvature=6.0, steps=6),
            call(-0.4, lr=0.75, curvature=2.5, steps=5),
        ],
        "beyond the edge": [
            call(0.7, lr=0.02, curvature=130.0, steps=9),
            call(1.0, lr=1.5, curvature=4.0, steps=3),
        ],
    },
    library=["valley_path"],
)

# %% [markdown] tags=["answer"]
# The list grows by one number per update, and each depends only on the one before. The closed form
# `start * (1 - lr * curvature)**t` is right as well. Frequent slips: to forget the start, to use
# the gradient at the start for all updates, to drop the curvature or to halve it (the 2 of `w**2`
# cancels the 1/2).

# %% [markdown] tags=["exercise"]
# ### Exercise 1.2 - The critical rate (code, 2 points, about 8 minutes)
#
# With many weights, the steepest direction decides. Given the Hessian of a valley, a symmetric
# matrix with eigenvalues of at least 0 (a list of lists or a NumPy array), return the rate at which
# gradient descent stops converging:
#
#     critical rate = 2 / (largest eigenvalue)
#
# Example: the Hessian `[[1, 0], [0, 10]]` has the eigenvalues 1 and 10, so the answer is 0.2.


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
    """The Hessian of some random images."""
    x = np.random.default_rng(seed).normal(size=(images, size)).round(2)
    return (x.T @ x / images).round(4)


exercise(
    "1.2",
    critical_rate,
    hints=[
        "The largest number on the diagonal is not the largest eigenvalue as soon as there is "
        "something beside the diagonal.",
        "`np.linalg` has functions for eigenvalues; one of them is made for symmetric matrices.",
        "`np.linalg.eigvalsh(hessian)` gives all eigenvalues; the answer is 2 by the largest.",
    ],
    shown=[
        call([[4.0]]),
        call([[1, 0], [0, 10]]),
        call([[10, 0], [0, 1]]),
        call([[2, 1], [1, 2]]),
        call([[2, -1], [-1, 2]]),
        call([[1, 0, 0], [0, 5, 4], [0, 4, 5]]),
        call([[2, -1, 0], [-1, 2, -1], [0, -1, 2]]),
    ],
    locked=[call([[3, 1, 0], [1, 6, 2], [0, 2, 4]])],
    hidden={
        "diagonal matrices": [
            call([[7, 0, 0], [0, 0, 0], [0, 0, 16]]),
            call([[0.5, 0], [0, 0.125]]),
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
# Write the judge of a sweep. `rates` and `losses` belong together pairwise, in any order. Return
# `(rate, at_boundary)`: the rate with the lowest loss, and whether it is the smallest or the
# largest of *all* rates that were tried.
#
# - A loss that is no finite number (`nan`, `inf`) is a diverged run: it cannot be the best, but its
#   rate was tried.
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
        call([0.3, 0.1, 0.03, 0.01], [0.4, 0.4, 0.5, 0.6]),
        call([0.1], [0.4]),
        call([0.1, 1.0], [inf, nan]),
    ],
    locked=[call([0.5, 0.05, 5.0, 0.005], [0.31, 0.62, 0.9, 0.7])],
    hidden={
        "diverged runs": [
            call([3.0, 0.3, 30.0, 0.03], [2.3, 0.1, nan, 0.8]),
            call([0.5, 2.0, 1.0], [-inf, 0.2, 0.1]),
            call([0.7, 0.07, 7.0], [0.9, inf, nan]),
        ],
        "at the boundary": [
            call([30.0, 0.03, 0.3, 3.0], [nan, 0.8, 0.6, 0.5]),
            call([0.03, 0.003, 0.3], [nan, -0.5, inf]),
            call([0.3, 3.0, 0.03], [0.7, 0.2, 0.8]),
            call([2.0, 0.2, 20.0], [0.5, 0.6, 0.9]),
        ],
        "ties": [
            call([0.2, 0.4, 0.1, 0.8], [0.3, 0.3, 0.5, 0.3]),
            call([0.8, 0.4, 0.1, 0.2], [0.3, 0.3, 0.5, 0.3]),
            call([4.0, 1.0, 2.0], [0.6, 0.6, 0.6]),
        ],
        "every run diverged": [
            call([0.5], [nan]),
            call([0.5, 5.0], [-inf, inf]),
            call([0.5], [1.25]),
        ],
    },
)

# %% [markdown] tags=["answer"]
# Pairs of (loss, rate) sort themselves: by loss, and by rate where losses are equal. The boundary
# is a question about *values*, not about places in the list, and about all rates tried: a diverged
# neighbour above the best rate proves that the search went far enough on that side.
