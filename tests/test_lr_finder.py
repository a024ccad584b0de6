"""The range test: known curves, exact rates, and not one bit left changed behind it."""

import math
import os
import random
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from patterns import patterns
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    Subset,
    TensorDataset,
)

from course_lib import Schedule, plots
from course_lib.data import load
from course_lib.finder.suggestions import METHODS, minimum, slide, steepest, valley
from course_lib.lr_finder import LRFinderResult, Spread, find_lr, spread
from course_lib.schedules import constant
from course_lib.training import FRAMEWORKS, fit

REAL_DATA = os.environ.get("LR_COURSE_DATA")

both_frameworks = pytest.mark.parametrize("framework", FRAMEWORKS)


GREY = patterns()
STEPS = {"steps": 20, "start_lr": 1e-4, "end_lr": 1.0, "progress": False}


# --- four ways to read a curve --------------------------------------------------------------------

LRS = np.geomspace(1e-5, 10, 121)
# Falls from 2.3 to 0.3, fastest at 1e-3, and rises from 0.1 on.
CURVE = 0.3 + 2 / (1 + (LRS / 1e-3) ** 2) + 4 * (LRS / 1.0) ** 2


def test_the_steepest_point_is_where_the_formula_has_it():
    # A power law's sigmoid has its steepest slope over log lr exactly at its middle.
    assert steepest(LRS, CURVE) == pytest.approx(1e-3, rel=1e-9)
    assert steepest(LRS, CURVE - 100) == steepest(LRS, CURVE)  # the level is nothing to it
    falls_again = np.where(LRS > 5, -10.0, CURVE)
    assert steepest(LRS[LRS < 5], falls_again[LRS < 5]) == steepest(LRS, CURVE)


def test_the_slope_is_against_the_logarithm():
    """Against the rate itself, this curve would be steepest at its first point."""
    slow = 2 / (1 + np.sqrt(LRS / 1e-3))
    assert np.gradient(slow, LRS).argmin() == 0
    assert steepest(LRS, slow) == pytest.approx(1e-3, rel=1e-9)


def test_the_steepest_point_comes_before_the_minimum():
    lrs = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0]
    assert steepest(lrs, [2, 1.9, 1.4, 0.2, 9.0, 3.0, 2.5]) == 1e-2


def test_a_tenth_of_the_rate_at_the_minimum():
    assert minimum(LRS, CURVE) == LRS[CURVE.argmin()] / 10


def test_the_valley_is_the_longest_fall_as_fastai_has_it():
    losses = [5.0, 9, 8, 7, 6, 5, 4, 9, 8.5]
    # Longest: 9 8 7 6 5 4 at 1..6, six points, end 6: point 6 - 6 + 2 + 1.
    assert valley(range(1, 10), losses) == 4
    # A gap inside the fall does not end it: 9 8 7 6 5 4 is still six long, now ending at 7.
    assert valley(range(1, 11), [5.0, 9, 8, 99, 7, 6, 5, 4, 9, 8.5]) == 5


def test_the_valley_of_two_points_is_read_off_at_the_first():
    # 2 1 is the longest, two points, end 1: point 1 - 2, which Python finds at the other end.
    assert valley([1, 2, 3, 4], [2.0, 1.0, 1.5, 3.0]) == 1
    assert valley([1, 2, 3, 4], [0.5, 2.0, 1.0, 0.4]) == 2  # 2 1 0.4, end 3: point 3 - 3 + 1


def test_the_slide_stops_where_both_ends_of_its_window_are_as_steep():
    losses = np.array([2.0] * 5 + [1.0] * 40 + [1.0 + 0.5 * i**2 for i in range(1, 16)])
    found = slide(range(1, 61), losses)
    slopes = np.gradient(losses)
    left = int(found) - 1
    assert abs(slopes[left + 15] - slopes[left]) > 0.005
    assert abs(slopes[left + 14] - slopes[left - 1]) <= 0.005
    assert left + 15 == 44  # the first point whose slope the rise can be seen in


def test_the_slide_goes_to_the_very_first_point_and_stops_for_five_thousandths_a_step():
    assert slide(range(1, 19), [float((i - 8) ** 2) for i in range(18)]) == 1
    rise = [2.0] * 3 + [1.0] * 20 + [1.007, 1.014]  # slopes 0.0035, 0.007, 0.007 at the end
    assert slide(range(1, 26), rise) == 9


def test_equal_losses_are_no_part_of_a_valley_and_of_two_as_long_the_first_counts():
    assert valley([1, 2, 3, 4, 5, 6], [6.0, 5.0, 4.0, 9.0, 8.0, 7.0]) == 1
    assert valley([1, 2, 3, 4, 5, 6, 7], [9.0, 8.0, 8.0, 8.0, 8.0, 7.0, 9.0]) == 4


@pytest.mark.parametrize("method", METHODS.values())
def test_what_cannot_be_read_is_an_error_that_says_what_to_do(method):
    with pytest.raises(ValueError, match=r"points.*more steps"):
        method([0.1], [1.0])
    with pytest.raises(ValueError, match=r"must fall.*start_lr"):
        method(LRS, np.linspace(1, 2, len(LRS)))
    with pytest.raises(ValueError, match="one length"):
        method(LRS, CURVE[1:])
    with pytest.raises(ValueError, match="finite"):
        method(LRS, np.where(LRS > 1, np.nan, CURVE))
    with pytest.raises(ValueError, match="increasing"):
        method(LRS[::-1], CURVE)
    with pytest.raises(ValueError, match="lrs positive"):
        method([0.0, *LRS[1:]], CURVE)


@pytest.mark.parametrize("method", METHODS.values())
@pytest.mark.parametrize("loss", [2.3, -0.7, 1e-8])
def test_the_rounding_of_equal_losses_is_no_fall(loss, method):
    noise = np.random.default_rng(0).integers(-3, 4, len(LRS))
    with pytest.raises(ValueError, match="must fall somewhere"):
        method(LRS, loss * (1 + noise * 2**-52))


def test_a_curve_that_rises_first_and_ends_a_little_below_its_start_does_fall():
    losses = [2.0, 2.2, 2.4, 2.3, 2.1, 2.0 - 1e-12]
    assert minimum(range(1, 7), losses) == 0.6


def test_a_curve_without_a_rise_has_nothing_to_slide_to():
    with pytest.raises(ValueError, match="larger end_lr"):
        slide(LRS, np.linspace(2, 1, len(LRS)))


def test_the_first_tenth_is_not_read():
    losses = [9.0, 1.0, *CURVE[2:]]
    result = LRFinderResult(list(LRS), losses, losses, "end")
    assert result.suggestion() == pytest.approx(1e-3, rel=1e-9)
    with pytest.raises(ValueError, match=r"method must be one of steepest, valley.*'best'"):
        result.suggestion("best")


# --- the sweep ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sweep, spaced", [("exponential", np.geomspace), ("linear", np.linspace)])
@pytest.mark.parametrize("start, end", [(1e-7, 10.0), (3e-5, 0.7), (1 / 3, 7.1)])
def test_both_ends_are_exact_and_each_rate_is_tried_once(sweep, spaced, start, end):
    tried = []
    result = find_lr(
        lambda lr: tried.append(lr) or 1.0,
        start_lr=start,
        end_lr=end,
        steps=37,
        sweep=sweep,
        progress=False,
    )
    assert tried == result.lrs
    assert (tried[0], tried[-1], len(tried), result.stopped) == (start, end, 37, "end")
    np.testing.assert_allclose(tried, spaced(start, end, 37), rtol=1e-12)
    assert result.losses == [1.0] * 37
    np.testing.assert_allclose(result.smoothed, 1.0, rtol=1e-12)


def test_a_sweep_s_defaults_are_those_that_its_signature_shows():
    losses = iter([2.0, 1.0] + [1.0] * 98)
    found = find_lr(lambda lr: next(losses), progress=False)
    assert (found.lrs[0], found.lrs[-1], len(found.lrs)) == (1e-7, 10.0, 100)
    assert found.smoothed[1] == pytest.approx((0.9 * 2 + 1) / 1.9)


def sweep_over(losses, **arguments):
    it = iter([*losses, *[losses[-1]] * 50])
    return find_lr(lambda lr: next(it), **{"steps": 20, "progress": False, "beta": 0} | arguments)


def test_the_mean_is_the_one_that_the_figures_use():
    losses = [3.0, 2.0, 2.5, 1.0] * 5
    result = sweep_over(losses, beta=0.9)
    np.testing.assert_allclose(result.smoothed, plots.smooth(losses, 0.9), rtol=1e-12)
    assert sweep_over(losses, beta=0).smoothed == losses


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_the_sweep_and_is_left_out(bad):
    result = sweep_over([3.0, 2.0, bad, 1.0])
    assert (result.losses, len(result.lrs), result.stopped) == ([3.0, 2.0], 2, "not finite")
    with pytest.raises(ValueError, match="train_step returned"):
        sweep_over([bad])


@pytest.mark.parametrize(
    "losses, end",
    [
        ([2.0, 2.0, 7.9, 8.1], 4),  # 4 times the best
        ([2.0, 0.5, 4.9, 5.1], 4),  # fell by 1.5, so 0.5 + 3 * 1.5
        ([-1.0, -2.0, 3.9, 4.1], 4),  # best -2: -2 + 3 * 2
        ([1.0, -2.0, 6.9, 7.1], 4),  # fell by 3: -2 + 3 * 3
        ([-1.0, -2.0, -3.0, -2.5], 20),
    ],
)
def test_it_stops_where_the_loss_has_diverged_negative_ones_too(losses, end):
    result = sweep_over(losses)
    assert (len(result.losses), result.stopped) == (end, "diverged" if end < 20 else "end")


@pytest.mark.parametrize(
    "loss", ["0.5", None, True, np.ones(2), torch.ones(2), keras.ops.ones(2), [1.0]]
)
def test_a_loss_that_is_not_one_number_is_an_error(loss):
    with pytest.raises(TypeError, match="train_step must return the loss, one number"):
        find_lr(lambda lr: loss, progress=False)


@pytest.mark.parametrize(
    "loss",
    [np.float32(2), np.array(2), torch.tensor(2.0, requires_grad=True), keras.ops.ones(()) * 2],
)
def test_any_single_number_will_do(loss):
    assert find_lr(lambda lr: loss, progress=False).losses == [2.0] * 100


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"start_lr": 0}, "start_lr must be a number above 0, got 0"),
        ({"start_lr": "1"}, "start_lr must be"),
        ({"start_lr": 0.1, "end_lr": 0.1}, "end_lr must be a number above 0.1, got 0.1"),
        ({"end_lr": math.inf}, "end_lr must be"),
        ({"steps": 9}, "steps must be a whole number of at least 10, got 9"),
        ({"steps": 20.5}, "steps must be"),
        ({"beta": 1}, "beta must be .* below 1, got 1"),
        ({"beta": -0.1}, "beta must be"),
        ({"stop_factor": 1}, "stop_factor must be a number above 1, got 1"),
        ({"sweep": "cosine"}, "sweep must be one of exponential, linear, got 'cosine'"),
        ({"framework": "jax"}, "framework must be one of torch, tensorflow, got 'jax'"),
        ({"batch_size": 0}, "batch_size must be"),
        ({"seed": -1}, "seed must be"),
        ({"train_step": 3}, "train_step must be a function"),
        ({"model": "vgg", "data": GREY}, "model must be one of softmax"),
        ({"data": GREY, "optimizer": "lion"}, "optimizer must be one of"),
        ({"train_step": nn.Linear(1, 1)}, "train_step must be .*, got a Linear; for a model"),
        ({"model": object()}, "model must be a name, a torch.nn.Module or a keras.Model"),
        ({"model": nn.Linear(1, 1)}, "optimizer must be given"),
        ({"data": GREY, "momentum": 1}, "momentum must be .* below 1"),
        ({}, "data must be a Dataset"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises((TypeError, ValueError), match=words):
        find_lr(**{"progress": False} | arguments)


# --- the course's experiment ----------------------------------------------------------------------


def comparable(run):
    return run.lr, run.loss, run.history


@both_frameworks
@pytest.mark.parametrize("model", ["mlp", "mlp_dropout"])
def test_training_after_a_sweep_is_training_without_one(framework, model):
    arguments = {"data": GREY, "framework": framework, "model": model, "seed": 3}
    alone = fit(Schedule(constant, lr=0.05), epochs=2, progress=False, **arguments)
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    result = find_lr(momentum=0.9, **STEPS, **arguments)
    assert random.getstate() == states[0]
    assert all(np.array_equal(a, b) for a, b in zip(np.random.get_state(), states[1]))
    assert torch.equal(torch.get_rng_state(), states[2])
    after = fit(Schedule(constant, lr=0.05), epochs=2, progress=False, **arguments)
    assert comparable(after) == comparable(alone)
    # The same weights and batches: before the first update, the loss is the same to the last bit.
    assert result.losses[0] == alone.loss[0]


def test_after_a_bare_train_step_torch_draws_as_before():
    before = torch.get_rng_state()
    find_lr(lambda lr: torch.rand(()), progress=False)
    assert torch.equal(torch.get_rng_state(), before)


def test_after_a_bare_train_step_the_optimizer_alone_is_as_before_too():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    find_lr(lambda lr: optimizer.param_groups[0].update(lr=lr) or 1.0, optimizer=optimizer, **STEPS)
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_sweep_of_the_course_has_the_mean_and_the_stop_that_were_asked_for():
    plain = find_lr(data=GREY, beta=0, stop_factor=1e9, **STEPS)
    assert plain.smoothed == plain.losses and plain.stopped == "end"
    diverged = find_lr(data=GREY, beta=0.5, stop_factor=1.01, **STEPS | {"end_lr": 10})
    assert diverged.stopped == "diverged"
    np.testing.assert_allclose(diverged.smoothed, plots.smooth(diverged.losses, 0.5))


@pytest.mark.skipif(
    not REAL_DATA or not Path(REAL_DATA, "mnist.npz").exists(),
    reason="LR_COURSE_DATA names no folder with mnist.npz",
)
@both_frameworks
def test_it_reads_a_sensible_rate_off_the_real_mnist_and_leaves_no_trace(framework):
    arguments = {"data": load("mnist", folder=REAL_DATA), "framework": framework}
    arguments["progress"] = False
    fixed = Schedule(constant, lr=0.1)
    alone = fit(fixed, max_updates=30, **arguments)
    result = find_lr(**arguments)
    assert comparable(fit(fixed, max_updates=30, **arguments)) == comparable(alone)
    assert result.stopped == "diverged"
    rates = {method: result.suggestion(method) for method in METHODS}
    assert all(0.005 < rate < 1 for rate in rates.values()), rates


@both_frameworks
def test_the_sweep_is_a_run_of_the_course(framework):
    result = find_lr(data=GREY, framework=framework, model="softmax", batch_size=32, **STEPS)
    lrs = np.geomspace(1e-4, 1, 20)
    run = fit(
        lambda t: lrs[min(t, 19)],
        data=GREY,
        framework=framework,
        model="softmax",
        batch_size=32,
        epochs=9,
        max_updates=20,
        progress=False,
    )
    assert result.losses == run.loss[: len(result.losses)]
    assert result.losses[-1] < result.losses[0]


@both_frameworks
def test_a_loss_that_ends_a_run_of_fit_is_on_record_here_and_said_to_have_diverged(framework):
    sweep = {"start_lr": 1, "end_lr": 1e6, "steps": 10, "stop_factor": 2000, "beta": 0}
    result = find_lr(data=GREY, framework=framework, progress=False, **sweep)
    assert result.stopped == "diverged" and result.losses[-1] > 1000 * result.losses[0]


def test_a_sweep_of_the_course_stops_training_where_it_ends_and_measures_nothing_else(monkeypatch):
    from course_lib.trainers.in_torch import TorchTrainer

    update, made = TorchTrainer.update, []
    monkeypatch.setattr(TorchTrainer, "update", lambda *a: made.append(1) or update(*a))
    monkeypatch.setattr(TorchTrainer, "evaluate", None)
    result = find_lr(data=GREY, stop_factor=1.01, **STEPS | {"end_lr": 10})
    assert result.stopped == "diverged" and len(made) == len(result.lrs) < 20


# --- a module of your own -------------------------------------------------------------------------

X = torch.from_numpy(GREY.x_train).float().div(255).flatten(1)
Y = torch.from_numpy(GREY.y_train)


class Module(nn.Module):
    """All that a sweep can change, one of each kind."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 10)
        )
        self.register_buffer("calls", torch.zeros(1), persistent=False)
        self.register_buffer("replaced", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        self.replaced = self.replaced + torch.rand(1)  # a new tensor each time
        return self.layers(x)


def module_setup(kind="adam", tensor_lr=False, generator=None):
    torch.manual_seed(5)
    model = Module()
    lr = torch.tensor(0.01) if tensor_lr else 0.01
    if kind == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    loader = DataLoader(TensorDataset(X, Y), batch_size=32, shuffle=True, generator=generator)
    return model, optimizer, loader


def train(model, optimizer, loader):
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def seen(model, optimizer, loader):
    """Every bit of it, and which objects hold it."""

    def plain(value):
        if isinstance(value, torch.Tensor):
            return id(value), value.detach().numpy().tobytes()
        if isinstance(value, dict):
            return [
                (id(key) if isinstance(key, torch.Tensor) else key, plain(part))
                for key, part in value.items()
            ]
        return [plain(part) for part in value] if isinstance(value, list) else value

    tensors = [*model.parameters(), *model.buffers()]
    generator = loader.generator
    return [
        plain(tensors),
        plain([tensor.grad for tensor in model.parameters()]),
        [module.training for module in model.modules()],
        plain(vars(optimizer)["state"]),
        plain(vars(optimizer)["param_groups"]),
        torch.get_rng_state().tolist(),
        generator and generator.get_state().tolist(),
        random.getstate(),
        plain(torch.from_numpy(np.random.get_state()[1].copy()))[1],
    ]


@pytest.mark.parametrize("warm", [True, False], ids=["after an epoch", "at the start"])
@pytest.mark.parametrize("own", [True, False], ids=["own generator", "global generator"])
@pytest.mark.parametrize("kind, tensor_lr", [("adam", True), ("sgd", False)])
@pytest.mark.parametrize("how", ["whole", "interrupted", "train_step"])
def test_a_sweep_leaves_no_trace_in_a_module(warm, own, kind, tensor_lr, how):
    def setup():
        generator = torch.Generator().manual_seed(3) if own else None
        parts = module_setup(kind, tensor_lr, generator)
        if warm:
            train(*parts)
        parts[0].layers[0].eval()  # a mixture of flags
        return parts

    alone = train(*setup())
    model, optimizer, loader = setup()
    before = seen(model, optimizer, loader)
    calls = 0

    def loss(prediction, y):
        nonlocal calls
        calls += 1
        random.random(), np.random.rand()
        if how == "interrupted" and calls == 7:
            raise KeyboardInterrupt
        return nn.functional.cross_entropy(prediction, y)

    def train_step(lr):
        optimizer.param_groups[0]["lr"] = lr
        model.train()
        x, y = next(iter(loader))
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    parts = {"model": model, "optimizer": optimizer, "data": loader, **STEPS}
    if how == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            find_lr(loss=loss, **parts)
    elif how == "train_step":
        result = find_lr(train_step, **parts)
    else:
        result = find_lr(loss=loss, **parts)
    assert seen(model, optimizer, loader) == before
    assert train(model, optimizer, loader) == alone
    if how != "interrupted":
        assert len(set(result.losses)) == len(result.losses) > 10  # it did train, on new batches


def test_every_group_gets_the_rate():
    model, _, loader = module_setup()
    groups = [{"params": [p], "lr": 0.1 * (i + 1)} for i, p in enumerate(model.parameters())]
    optimizer, rates = torch.optim.SGD(groups), []
    optimizer.register_step_pre_hook(
        lambda opt, *_: rates.append({group["lr"] for group in opt.param_groups})
    )
    result = find_lr(
        model=model, optimizer=optimizer, loss=nn.functional.cross_entropy, data=loader, **STEPS
    )
    assert rates == [{lr} for lr in result.lrs]


def test_a_layer_that_was_frozen_with_eval_is_swept_as_it_is():
    model, optimizer, loader = module_setup()
    norm = model.layers[1].eval()
    seen = []
    norm.register_forward_hook(lambda *_: seen.append((model.training, norm.training)))
    parts = {"loss": nn.functional.cross_entropy, "data": loader, **STEPS}
    find_lr(model=model, optimizer=optimizer, **parts)
    assert set(seen) == {(True, False)}
    seen.clear()
    find_lr(model=model.eval(), optimizer=optimizer, **parts)
    assert set(seen) == {(True, True)} and not model.training


def test_persistent_workers_shuffle_after_a_sweep_as_without_one():
    def order(*, sweep):
        model, optimizer, _ = module_setup()
        made = {"shuffle": True, "num_workers": 1, "persistent_workers": True}
        loader = DataLoader(
            TensorDataset(X, Y), 150, generator=torch.Generator().manual_seed(1), **made
        )
        if sweep:
            loss = nn.functional.cross_entropy
            find_lr(model=model, optimizer=optimizer, loss=loss, data=loader, **STEPS)
        return [labels.tolist() for _, labels in loader]

    assert order(sweep=True) == order(sweep=False)


class Noisy(Dataset):
    """Augmented by a generator of its own, of any kind."""

    def __init__(self, generator):
        self.generator = generator

    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        draw = getattr(self.generator, "random", None)
        noise = draw() if draw else torch.rand((), generator=self.generator)
        return X[i] + noise, Y[i]


class Batches(Sampler):
    def __init__(self, generator):
        self.generator = generator

    def __iter__(self):
        yield from torch.randperm(len(X), generator=self.generator).split(32)


def shuffled(generator):
    return RandomSampler(TensorDataset(X, Y), generator=generator)


LOADERS = {
    "sampler": lambda g: DataLoader(TensorDataset(X, Y), 32, sampler=shuffled(g)),
    "batch sampler": lambda g: DataLoader(TensorDataset(X, Y), batch_sampler=Batches(g)),
    "sampler of the batch sampler": lambda g: DataLoader(
        TensorDataset(X, Y), batch_sampler=BatchSampler(shuffled(g), 32, drop_last=False)
    ),
    "dataset": lambda g: DataLoader(Noisy(g), 32),
    "dataset, NumPy": lambda g: DataLoader(Noisy(np.random.default_rng(3)), 32),
    "dataset, older NumPy": lambda g: DataLoader(Noisy(np.random.RandomState(3)), 32),
    "dataset, Python": lambda g: DataLoader(Noisy(random.Random(3)), 32),
    "dataset of a subset": lambda g: DataLoader(Subset(Noisy(g), range(100)), 32),
}


@pytest.mark.parametrize("where", LOADERS)
def test_a_generator_of_one_s_own_draws_after_a_sweep_as_without_one(where):
    def epoch(*, sweep):
        loader = LOADERS[where](torch.Generator().manual_seed(3))
        model, optimizer, _ = module_setup()
        if sweep:
            loss = nn.functional.cross_entropy
            find_lr(model=model, optimizer=optimizer, loss=loss, data=loader, **STEPS)
        return [(x.sum().item(), y.tolist()) for x, y in loader]

    assert epoch(sweep=True) == epoch(sweep=False)


@pytest.mark.parametrize(
    "data, words",
    [
        (iter([(X, Y)]), "read again.*list_iterator"),
        ([], "at least one batch"),
        ([X], r"batches \(x, y\) of tensors, got a Tensor; for others give train_step"),
        ([(X.numpy(), Y.numpy())], r"batches \(x, y\) of tensors"),
        ([{"x": X}], r"batches \(x, y\) of tensors, got a dict; for others give train_step"),
        (3, "read again.*int"),
    ],
)
def test_data_that_torch_cannot_sweep_over(data, words):
    model, optimizer, _ = module_setup()
    with pytest.raises((TypeError, ValueError), match=words):
        find_lr(
            model=model, optimizer=optimizer, loss=nn.functional.cross_entropy, data=data, **STEPS
        )


def test_an_optimizer_of_another_model_is_refused():
    (model, _, loader), (_, optimizer, _) = module_setup(), module_setup()
    with pytest.raises(ValueError, match=r"optimizer must be of this model.*model\.parameters\(\)"):
        find_lr(
            model=model, optimizer=optimizer, loss=nn.functional.cross_entropy, data=loader, **STEPS
        )


@pytest.mark.parametrize(
    "change, words",
    [
        ({"optimizer": "sgd"}, r"optimizer must be a torch\.optim\.Optimizer, got 'sgd'"),
        ({"loss": "mse"}, r"loss must be a function \(prediction, y\) -> loss, got 'mse'"),
        ({"loss": nn.MSELoss}, r"loss must be a function .*, got <class .*MSELoss"),
    ],
)
def test_what_torch_cannot_sweep_with_is_named(change, words):
    model, optimizer, loader = module_setup()
    parts = {"optimizer": optimizer, "loss": nn.functional.cross_entropy, "data": loader, **STEPS}
    with pytest.raises(TypeError, match=words):
        find_lr(model=model, **parts | change)


def test_a_module_can_be_swept_where_keras_is_imported_on_torch():
    code = (
        "import keras, tensorflow, torch\nfrom course_lib.lr_finder import find_lr\n"
        "model = torch.nn.Linear(1, 1)\noptimizer = torch.optim.SGD(model.parameters(), lr=1.0)\n"
        "data = [(torch.ones(4, 1), torch.zeros(4, 1))]\nloss = torch.nn.functional.mse_loss\n"
        "print(find_lr(model=model, optimizer=optimizer, loss=loss, data=data, steps=10,"
        " progress=False).stopped)"
    )
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert ran.stdout.strip() in ("end", "diverged"), ran.stderr


# --- a Keras model of your own --------------------------------------------------------------------

KX, KY = X.numpy(), Y.numpy()


def keras_setup(warm=True, scheduled=False):
    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(16, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(10),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9) if scheduled else 0.01
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, run_eagerly=True)
    if warm:
        keras_train(model)
    return model


def keras_train(model):
    history = model.fit(KX[:96], KY[:96], batch_size=32, verbose=0)  # shuffled
    noise = keras.random.normal((2,))  # from the default seed generator
    return history.history["loss"], noise.numpy().tolist()


def keras_seen(model):
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [
        [(v.path, id(v), v.value.numpy().tobytes()) for v in variables],
        id(model.optimizer._learning_rate),
        random.getstate(),
        np.random.get_state()[1].tolist(),
    ]


@pytest.mark.parametrize("scheduled", [False, True], ids=["rate", "schedule"])
@pytest.mark.parametrize("how", ["whole", "interrupted", "train_step"])
def test_a_sweep_leaves_no_trace_in_a_keras_model(how, scheduled):
    alone = keras_train(keras_setup(scheduled=scheduled))
    model = keras_setup(scheduled=scheduled)
    before, calls = keras_seen(model), 0

    def loss(y, prediction):
        nonlocal calls
        calls += 1
        random.random(), np.random.rand(), keras.random.normal((2,))
        if how == "interrupted" and calls == 7:
            raise KeyboardInterrupt
        return model.loss(y, prediction)

    parts = {"model": model, "optimizer": model.optimizer, "data": (KX, KY), **STEPS}
    if how == "interrupted":
        with pytest.raises(KeyboardInterrupt):
            find_lr(loss=loss, **parts)
    elif how == "train_step":  # the optimizer is the model's own; metrics are touched too
        find_lr(lambda lr: model.train_on_batch(KX[:32], KY[:32]), model=model, **STEPS)
    else:
        result = find_lr(loss=loss, **parts)
        assert len(set(result.losses)) == len(result.losses) > 10
        assert min(result.losses) < 0.8 * result.losses[0]
    assert keras_seen(model) == before
    assert keras_train(model) == alone


def test_the_default_generator_of_keras_is_as_before_even_if_there_was_none():
    def draw(*, sweep):
        keras.utils.clear_session()
        random.seed(4)
        if sweep:
            find_lr(lambda lr: float(keras.random.uniform(())), progress=False)
        return float(keras.random.uniform(()))

    assert draw(sweep=True) == draw(sweep=False)


def test_a_keras_optimizer_is_built_when_it_was_not():
    model = keras_setup(warm=False)
    optimizer = keras.optimizers.Adam(0.5)
    assert not optimizer.built
    find_lr(model=model, optimizer=optimizer, loss=model.loss, data=(KX, KY), **STEPS)
    assert optimizer.built and float(optimizer.learning_rate) == 0.5
    assert not any(np.any(slot.numpy()) for slot in optimizer.variables if "adam/" in slot.path[5:])
    assert int(optimizer.iterations) == 0


@pytest.mark.parametrize(
    "change, words",
    [
        ({"optimizer": "sgd"}, r"optimizer must be a keras\.optimizers\.Optimizer, got 'sgd'"),
        ({"loss": "mse"}, r"loss must be a function \(y, prediction\) -> loss, got 'mse'"),
        ({"loss": keras.losses.MeanSquaredError}, "loss must be a function .*, got <class"),
        ({"momentum": 0.9}, "momentum is for a model by its name, got 0.9"),
        (
            {"optimizer": keras.optimizers.SGD(0.1, gradient_accumulation_steps=4)},
            "optimizer must make an update at every batch",
        ),
        (
            {"optimizer": keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))},
            "optimizer must make an update at every batch, .* mixed_float16",
        ),
    ],
)
def test_what_keras_cannot_sweep_with_is_named(change, words):
    model = keras_setup(warm=False)
    parts = {"optimizer": model.optimizer, "loss": model.loss, "data": (KX, KY), **STEPS}
    with pytest.raises((TypeError, ValueError), match=words):
        find_lr(model=model, **parts | change)


def test_data_that_keras_cannot_sweep_over():
    model = keras_setup(warm=False)
    parts = {"model": model, "optimizer": model.optimizer, "loss": model.loss, **STEPS}
    for data, kind in [(KX, "ndarray"), ((KX, KY[1:]), "tuple"), ({"x": KX, "y": KY}, "dict")]:
        with pytest.raises(TypeError, match=rf"\(x, y\) of one length, got {kind}; .* train_step"):
            find_lr(data=data, **parts)
    with pytest.raises(ValueError, match="no weights yet"):
        find_lr(model=keras.Sequential([keras.layers.Dense(2)]), optimizer=1, loss=1, data=1)


# --- several sweeps, and the figure ---------------------------------------------------------------


def result_of(shift=1.0):
    lrs = list(LRS * shift)
    return LRFinderResult(lrs, list(CURVE), list(CURVE), "end")


def test_the_spread_over_seeds():
    results = [result_of(shift) for shift in (1, 4, 2)]
    got = spread(results)
    assert got == Spread(*(pytest.approx(rate) for rate in (1e-3, 2e-3, 4e-3)), n=3)
    assert spread(results, "minimum").lowest == results[0].suggestion("minimum")
    with pytest.raises(ValueError, match="results must hold at least one"):
        spread([])


def test_the_figure_shows_the_curve_and_every_suggestion():
    result = result_of()
    (axes,) = result.plot().axes
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "learning rate")
    assert axes.get_ylabel() == "training loss"
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["smoothed"].get_xdata()) == result.lrs
    for method in METHODS:
        rate = result.suggestion(method)
        line = lines[f"{method}: {rate:.2g}"]
        assert line.get_xdata()[0] == rate and line.get_color() in plots.PALETTE
    assert len({line.get_color() for line in lines.values()}) == 6
    assert axes.get_ylim()[1] < 5 < max(result.losses)  # the fall can be read
    assert len(axes.get_legend().get_texts()) == 6


def test_a_curve_without_suggestions_is_drawn_all_the_same():
    flat = LRFinderResult([0.1, 0.2], [1.0, 1.0], [1.0, 1.0], "end")
    assert len(flat.plot().axes[0].lines) == 2
