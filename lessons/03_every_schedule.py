# %% [markdown] tags=["setup"]
# # Every schedule, and what others call it
#
# **You will be able to:** find any schedule you meet in this library, translate its arguments between
# six libraries, and name the places where two of them mean different things by the same word.
#
# **You need:** lessons 00 and 02.
#
# **Minutes:** 25
#
# PyTorch, Keras, optax, timm, transformers and fastai each have their own set of schedules, and no two of
# the sets are the same. Where two share one, they rarely share its arguments, and sometimes not
# even its values. This lesson is a map: pictures first, then the dictionary, then the traps.

# %% tags=["setup"]
framework = "torch"  # or "tensorflow"

# %%
import torch
from IPython.display import Markdown

from course_lib import GALLERY, Schedule
from course_lib.plots import plot_schedules
from course_lib.rosetta import table, to_keras, to_torch
from course_lib.schedules import cosine, multistep
from course_lib.tensorflow import keras

# %% [markdown]
# ## 1. The families
#
# A schedule is a function from the number of the update to a rate. `GALLERY` has one example of each,
# 100 updates long. Some **fall to an end**, and need to know how long the run will be:

# %% alt="Six curves from 0.1 to 0 over 100 updates: linear is straight, cosine is level at both ends, polynomial falls first, rex falls last, k_decay and tanh stay high and then drop."
falling = ("linear", "cosine", "polynomial", "rex", "k_decay", "tanh")
plot_schedules({name: GALLERY[name] for name in falling}, 100)

# %% [markdown]
# Some **fall without an end**: they can be stopped at any update, and never reach zero. Note how far
# apart two of them are whose names sound alike: `inverse_time` and `inverse_sqrt`.

# %% alt="Five curves over 150 updates: natural exponential and exponential come close to zero, inverse time drops fast and then stays near 0.01, inverse square root, after a short climb, and the power law, level at first, are still near 0.025."
endless = ("exponential", "natural_exponential", "inverse_time", "inverse_sqrt", "power")
plot_schedules({name: GALLERY[name] for name in endless}, 150)

# %% [markdown]
# Some **climb first**. A warmup can be put before anything (`warmup`); these have one built in.

# %% alt="Five curves that climb first: wsd and knee have a flat top and a straight way down, tri_stage falls exponentially, slanted_triangular has a short climb and a long straight way down, one_cycle climbs along a cosine for 30 updates."
climbing = ("wsd", "knee", "tri_stage", "slanted_triangular", "one_cycle")
plot_schedules({name: GALLERY[name] for name in climbing}, 110)

# %% [markdown]
# And some **come back**. A *restart* jumps up and falls again; a *cycle* goes both ways.

# %% alt="Four curves that come back: cosine restarts with longer and lower waves, a straight restart every 25 updates, a triangle, and a triangle whose height halves each cycle."
returning = ("cosine_restarts", "restart", "triangular", "triangular2")
plot_schedules({name: GALLERY[name] for name in returning}, 110)

# %% [markdown]
# ## 2. The dictionary
#
# The whole table. Each entry is code: the parameter names on the left are ours, and a test of this
# project runs every call that PyTorch, Keras and optax have, over 2,000 updates, against our formula.

# %%
Markdown(table())

# %% [markdown]
# For one schedule with its numbers, ask for the line to paste:

# %% tags=["nbval-check-output"]
schedule = Schedule(cosine, peak_lr=0.1, total_steps=900)
print(to_torch(schedule))
print(to_keras(schedule))

# %% [markdown]
# ## 3. False friends
#
# **Predict:** a drop by ten "at 5", in PyTorch's `MultiStepLR` and in Keras's `PiecewiseConstantDecay`.
# Which is the first update that uses the small rate?

# %% tags=["nbval-check-output"]
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[5])
in_torch = []
for _ in range(8):
    in_torch.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()
native = keras.optimizers.schedules.PiecewiseConstantDecay([5], [1.0, 0.1])
in_keras = [float(native(step)) for step in range(8)]
print("PyTorch:", [round(rate, 1) for rate in in_torch])
print("Keras:  ", [round(rate, 1) for rate in in_keras])
print("ours:   ", Schedule(multistep, lr=1.0, milestones=(5,)).values(8))

# %% [markdown]
# Keras's boundary is the *last* update with the old rate, ours and PyTorch's the *first* with the new one.
#
# **Predict:** a cosine over 10 updates. What is the rate of update 15?

# %% tags=["nbval-check-output"]
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
for _ in range(15):
    optimizer.step()
    scheduler.step()
print(f"PyTorch: {optimizer.param_groups[0]['lr']:.2f}")
print(f"Keras:   {float(keras.optimizers.schedules.CosineDecay(1.0, 10)(15)):.2f}")
print(f"ours:    {cosine(15, peak_lr=1.0, total_steps=10):.2f}")

# %% [markdown]
# PyTorch's cosine **climbs again** when a run is longer than it was told. Nothing warns; a run that goes
# on for twice the planned updates ends at the full rate. Ours and Keras's hold the last value.
#
# The floor is another: `eta_min=0.01` in PyTorch is a rate, `alpha=0.01` in Keras is a fraction of the
# initial rate. Ours, `final_lr`, is a rate.

# %% [markdown]
# ## What to remember
#
# - A schedule is known by its values, not by its name: compare the first ten, the last two and the one
#   after the end.
# - Say the convention with the number: which update is the first with the new rate, is the warmup part
#   of the length, is the floor a rate or a fraction.
# - A formula that is a pure function of the step can be compared with anything. A scheduler that keeps
#   a state can only be watched.
#
# **An open question.** All six shapes in the first picture end at zero. How many seeds would it take to
# tell a run under `linear` from one under `rex`?
#
# **References.** The documentation of `torch.optim.lr_scheduler`, `keras.optimizers.schedules`,
# `optax.schedules`, `timm.scheduler` and `transformers.optimization`; the paper behind each formula is in
# its docstring: `help(course_lib.schedules.rex)`. Milestones: timm's discussion 2745. The cosine that
# climbs: pytorch's issue 20086.

# %% [markdown] tags=["exercise"]
# Fill in the function and run the check, also for a hint.

# %% [markdown] tags=["exercise"]
# ### Exercise 3.1 - The same drops in Keras (code, 2 points, about 5 minutes)
#
# Someone gives you the milestones of a PyTorch `MultiStepLR`. Return the `boundaries` for Keras's
# `PiecewiseConstantDecay` that make it change its rate for the very same updates, as a list. A milestone
# of 0 cannot be said in Keras: every update already uses the new rate, so leave it out.


# %% tags=["exercise"]
def keras_boundaries(milestones):
    """The boundaries that change the rate for the same updates as `milestones` do in PyTorch."""
    ### BEGIN SOLUTION
    return [milestone - 1 for milestone in milestones if milestone > 0]
    ### END SOLUTION


# %% tags=["check"] grade_id="keras_boundaries" points=2
from course_lib.checks import check

check("3.1", keras_boundaries)

# %% tags=["probes"]
from course_lib.exercises import call, exercise

exercise(
    "3.1",
    keras_boundaries,
    hints=[
        "Update 5 is the first with the new rate in PyTorch. Which is the last one with the old "
        "rate?",
        "A boundary in Keras is the last update with the old rate: one less than the milestone.",
        "`milestone - 1` for each milestone above 0.",
    ],
    shown=[call([5]), call([30, 60]), call([])],
    locked=[call([12, 48, 96])],
    hidden={
        "milestones above zero": [call([1, 2, 3]), call([10, 20, 40]), call([600])],
        "a milestone of zero": [call([0, 7]), call([0]), call([0, 1, 90])],
    },
)
