"""The list of errors: every entry is complete, and its trace is what happens today."""

import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import schedulefree
import tensorflow as tf
import test_bug_bank as bank
import torch
from keras.optimizers import schedules
from torch.optim import lr_scheduler

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "errata.md"
FIELDS = ["Source", "Printed", "Trace", "What happens", "Test", "Lesson"]
ENTRY = re.compile(r"^### (E\d+)\. (.+)\n((?:- |  ).*(?:\n(?:- |  ).*)*)", re.MULTILINE)
ARTICLES = {f"W{number}" for number in range(1, 13)}


def entries(text):
    """{id: {field: text}} of every entry, with its title."""
    found = {}
    for id, title, body in ENTRY.findall(text):
        fields = re.findall(r"^- \*\*(.+?):\*\* (.+(?:\n  .+)*)", body, re.MULTILINE)
        assert [name for name, _ in fields] == FIELDS, (id, [name for name, _ in fields])
        assert id not in found, id
        found[id] = {"title": title, **{name: " ".join(each.split()) for name, each in fields}}
    return found


ERRATA = entries(PAGE.read_text(encoding="utf-8"))


# --- what happens ---------------------------------------------------------------------------------


def said(*numbers, digits=4):
    """Numbers as the page writes them: 1, 0.0707."""
    # + 0.0: what is rounded to -0 is written as 0
    return ", ".join(f"{round(float(number), digits) + 0.0:g}" for number in numbers)


def error(function):
    """The class of what it raises, and the words about a missing name."""
    with pytest.raises(Exception) as raised:
        function()
    name = re.search(r"no attribute '\w+'", str(raised.value))
    return f"{raised.type.__name__}{': ' + name[0] if name else ''}"


def torch_rates(scheduler, *arguments, updates=4, lr=0.1, **options):
    return said(*bank.trace(scheduler, *arguments, updates=updates, lr=lr, **options))


def copied_state():
    optimizer, rates = bank.torch_sgd(0.1), []
    for epoch in range(4):
        for group in optimizer.state_dict()["param_groups"]:
            group["lr"] = 0.1 * 0.5**epoch
        rates.append(bank.moved(optimizer))
    return said(*rates)


def log_at_the_cut():
    optimizer, scheduler = bank.torch_pair(lr_scheduler.StepLR, 10, gamma=0.1)
    bank.torch_rates(optimizer, scheduler, 10)
    with pytest.warns(UserWarning, match="get_last_lr"):
        logged = scheduler.get_lr()
    return said(*logged), said(bank.moved(optimizer))


def edge_of_bytes():
    """By how much the largest curvature of a linear model grows with pixels up to 255."""
    pixels = np.random.default_rng(0).random((50, 4))
    largest = [np.linalg.eigvalsh(2 * x.T @ x)[-1] for x in (pixels, 255 * pixels)]
    return f"{largest[1] / largest[0]:.0f}"


def late(rate, epochs=4, lr=0.1):
    return said(*bank.by_hand(lambda epoch, _: rate(epoch), epochs, lr=lr, late=True))


def on_time(rate, epochs=4, lr=0.1):
    return said(*bank.by_hand(lambda epoch, _: rate(epoch), epochs, lr=lr))


def stepped_after_the_epoch(rate, epochs=4, lr=0.1):
    """One of PyTorch's own schedulers where the others are late."""
    optimizer, rates = bank.torch_sgd(lr), []
    scheduler = lr_scheduler.LambdaLR(optimizer, lambda epoch: rate(epoch) / lr)
    for _ in range(epochs):
        rates.append(bank.moved(optimizer))
        scheduler.step()
    return said(*rates)


def fed_back(rate, epochs=5, lr=0.1):
    return said(*bank.by_hand(rate, epochs, lr=lr))


class Factor:
    def __init__(self, rate, factor):
        self.rate, self.factor = rate, factor

    def __call__(self, _):
        self.rate *= self.factor
        return self.rate


def drawn_then_trained():
    every = Factor(2.0, 0.9)
    return [said(*(every(epoch) for epoch in range(3))) for _ in range(2)]


def used_up():
    optimizer, scheduler = bank.torch_pair(lr_scheduler.MultiStepLR, [15, 30], gamma=0.5, lr=0.5)
    bank.torch_rates(optimizer, scheduler, 30)
    return said(*bank.torch_rates(optimizer, scheduler, 4))


def scheduler_first():
    optimizer, scheduler = bank.torch_pair(lr_scheduler.ExponentialLR, 0.5)
    rates = []
    with pytest.warns(UserWarning, match=bank.WRONG_ORDER):
        for _ in range(3):
            scheduler.step()
            rates.append(bank.moved(optimizer))
    return said(*rates)


def one_cycle_per_epoch():
    arguments = dict(max_lr=1.0, epochs=10, steps_per_epoch=100, cycle_momentum=False)
    return said(*bank.trace(lr_scheduler.OneCycleLR, **arguments, updates=10)[::3])


def uva():
    def factor(t):
        return 0.5 * (1 + np.cos(np.pi * t / 2000)) * min(1, t / 100)

    return said(max(bank.trace(lr_scheduler.LambdaLR, factor, lr=1.0, updates=300)))


def plateau_beside_warmup():
    optimizer, warmup = bank.torch_pair(
        lr_scheduler.LambdaLR, lambda t: min(1, 0.5 + 0.5 * t), lr=0.05
    )
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=1)
    rates = []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        bank.moved(optimizer)
        warmup.step()
        plateau.step(1.0)
    return said(*rates)


def from_epoch_10():
    optimizer = bank.torch_sgd(0.1)
    first = error(lambda: lr_scheduler.ExponentialLR(optimizer, 0.9, last_epoch=9))
    optimizer.param_groups[0]["initial_lr"] = 0.1
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.9, last_epoch=9)
    second = said(*bank.torch_rates(optimizer, scheduler, 2))
    meant = bank.trace(lr_scheduler.ExponentialLR, 0.9, updates=12)[10:]
    return [first, second, said(*meant)]


def resumed():
    optimizer, scheduler = bank.torch_pair(lr_scheduler.CosineAnnealingLR, 20)
    bank.torch_rates(optimizer, scheduler, 10)
    fresh = bank.torch_sgd(0.1)
    fresh.load_state_dict(optimizer.state_dict())
    again = lr_scheduler.CosineAnnealingLR(fresh, 20)
    pairs = ((fresh, again), (optimizer, scheduler))
    return [said(*bank.torch_rates(*pair, 3)) for pair in pairs]


def noted_by_the_finder():
    noted = []

    class Finder(schedules.LearningRateSchedule):
        def __call__(self, step):
            rate = 0.1 * 2 ** keras.ops.cast(step, "float32")
            noted.append(rate)
            return rate

    bank.fit(bank.keras_model(Finder()), batches=4)
    return str(len(noted))


def schedule_free_in_keras():
    weight = keras.Variable([1.0])
    optimizer, weights = keras.optimizers.ScheduleFreeAdamW(0.1), []
    optimizer.build([weight])
    for _ in range(4):
        optimizer.apply([tf.ones(1)])
        weights.append(weight.numpy()[0])
    return said(*weights)


def schedule_free_in_torch():
    """The training weights after each of four updates, and the last measuring one."""
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer, weights = schedulefree.AdamWScheduleFree([weight], lr=0.1), []
    optimizer.train()
    for _ in range(4):
        weight.grad = torch.ones(1)
        optimizer.step()
        weights.append(weight.item())
    optimizer.eval()
    return said(*weights), said(weights[-1]), said(weight.item())


def nanogpt(first, length):
    return said(*((t + first) / length for t in range(4)))


class Remembering:
    """Past its horizon it answers what it computed last."""

    def __call__(self, t):
        if t <= 20:
            self.rate = 0.3 * (1 + np.cos(np.pi * t / 20)) / 2
        return self.rate


def remembered():
    asked = Remembering()
    asked(5)
    return [error(lambda: Remembering()(25)), said(asked(25))]


def beside_a_warmup(make, warmup_first):
    optimizer, rates = bank.torch_sgd(0.1), []
    order = [lambda o: lr_scheduler.LinearLR(o, start_factor=0.2, total_iters=4), make]
    pair = [each(optimizer) for each in (order if warmup_first else order[::-1])]
    for _ in range(4):
        rates.append(bank.moved(optimizer))
        for scheduler in pair:
            scheduler.step()
    return said(*rates)


def staircase(optimizer):
    return lr_scheduler.LambdaLR(optimizer, lambda t: 0.5 ** (t // 4))


def momentum_in_the_graph():
    weight, optimizer = tf.Variable([0.0]), keras.optimizers.SGD(1.0, momentum=0.9)
    optimizer.build([weight])
    update, places = tf.function(lambda: optimizer.apply([tf.ones(1)], [weight])), [0.0]
    for _ in range(2):
        update()
        places.append(float(weight[0]))
        optimizer.momentum = 0.0
    return said(places[1] - places[2]), said(places[0] - places[1])


def past_the_cycle():
    plan = dict(total_steps=10, cycle_momentum=False)  # a moving momentum would hide the rate
    optimizer, scheduler = bank.torch_pair(lr_scheduler.OneCycleLR, 1.0, **plan)
    rates = [*bank.torch_rates(optimizer, scheduler, 10), bank.moved(optimizer)]
    return f"{rates[9]:.0e}", said(rates[10])


def suggested():
    rates, losses = np.array([0.001, 0.01, 0.1, 1]), np.array([2, 1.9, 1, 0.95])
    return [said(rates[np.argmin(np.gradient(losses, x))]) for x in (rates, np.log(rates))]


def initial_by_hand():
    optimizer = bank.torch_sgd(0.1)
    optimizer.param_groups[0]["initial_lr"] = 0.1
    resumed = lr_scheduler.MultiStepLR(optimizer, [100, 150], gamma=0.1, last_epoch=159)
    meant = bank.trace(lr_scheduler.MultiStepLR, [100, 150], gamma=0.1, updates=163)
    return [said(*bank.torch_rates(optimizer, resumed, 3)), said(*meant[160:])]


def resumed_and_planned(made):
    optimizer = bank.torch_sgd(0.1)
    scheduler = made(optimizer)
    bank.torch_rates(optimizer, scheduler, 10)
    fresh = bank.torch_sgd(0.1)
    fresh.load_state_dict(optimizer.state_dict())
    again = made(fresh)
    again.load_state_dict(scheduler.state_dict())
    pairs = ((fresh, again), (optimizer, scheduler))
    return [said(*bank.torch_rates(*pair, 3)) for pair in pairs]


def loaded_then_made():
    def cosine(optimizer):
        return lr_scheduler.LambdaLR(optimizer, lambda t: 0.5 * (1 + np.cos(np.pi * t / 20)))

    def ramp(optimizer):
        return lr_scheduler.LinearLR(optimizer, 0.5, 1.0, 20)

    def kept(optimizer):
        return lr_scheduler.CosineAnnealingLR(optimizer, 20)

    resumed, planned = resumed_and_planned(kept)
    assert resumed == planned
    return resumed_and_planned(cosine) + resumed_and_planned(ramp)


def square_root(epoch):
    return 0.1 * (epoch + 1) ** -0.5


def five_epochs(epoch):
    return 0.3 * epoch / 5


TRACES = {
    "E1": lambda: [error(lambda: bank.torch_sgd(0.1)._lr)],
    "E2": lambda: [copied_state()],
    "E4": lambda: [*log_at_the_cut()],
    "E5": lambda: [edge_of_bytes()],
    "E6": lambda: [torch_rates(lr_scheduler.LambdaLR, lambda t: 1.0)],
    "E7": lambda: [late(square_root), on_time(square_root), stepped_after_the_epoch(square_root)],
    "E8": lambda: [f"{bank.trace(lr_scheduler.StepLR, 10, gamma=0.1, updates=470)[-1]:.0g}"],
    "E9": lambda: [
        said(schedules.PiecewiseConstantDecay([31_250, 50_000], [0.01, 0.005, 0.001])(step))
        for step in (0, 17_189)
    ],
    "E10": lambda: [one_cycle_per_epoch()],
    "E11": lambda: [scheduler_first(), torch_rates(lr_scheduler.ExponentialLR, 0.5, updates=3)],
    "E12": lambda: [
        fed_back(lambda epoch, lr: lr * 0.9**epoch),
        fed_back(lambda epoch, lr: 0.1 * 0.9**epoch),
    ],
    "E13": lambda: [
        error(lambda: lr_scheduler.LambdaLR(bank.torch_sgd(), lambda t: 1 - t / t)),
        said(*bank.by_hand(lambda t, lr: 0.1 * (1 - (t + 1) / (t + 1)), 3)),
    ],
    "E14": drawn_then_trained,
    "E15": lambda: [used_up()],
    "E16": lambda: [
        said(*bank.values(schedules.InverseTimeDecay(0.1, 1, 0.5), range(4))),
        said(*bank.values(schedules.ExponentialDecay(0.1, 1, 0.5), range(4))),
    ],
    "E17": lambda: [
        said(0.5 / (1 + 0.3 * round(150 / 100))),
        said(schedules.InverseTimeDecay(0.5, 100, 0.3, staircase=True)(150)),
    ],
    "E18": lambda: [torch_rates(lr_scheduler.LambdaLR, lambda t: 0.9, updates=3)],
    "E19": lambda: [torch_rates(lr_scheduler.LambdaLR, lambda t: 0.1, updates=2)],
    "E20": lambda: [said(*bank.trace(lr_scheduler.CosineAnnealingLR, 10, lr=1.0, updates=21)[::5])],
    "E21": lambda: [torch_rates(lr_scheduler.CosineAnnealingLR, 1, eta_min=1e-4, lr=1.0)],
    "E22": lambda: [error(lambda: tf.keras.experimental)],
    "E23": lambda: [error(lambda: tf.keras.optimizers.schedules.StepDecay)],
    "E24": lambda: [on_time(five_epochs), late(five_epochs, lr=0.3)],
    "E25": lambda: [nanogpt(0, 4), nanogpt(1, 5)],
    "E26": lambda: [uva()],
    "E27": lambda: [plateau_beside_warmup()],
    "E29": lambda: [
        said(*bank.keras_plateau([10, 9, 8, 7], patience=2, **{name: 5}))
        for name in ("epsilon", "min_delta")
    ],
    "E30": lambda: [noted_by_the_finder()],
    "E33": from_epoch_10,
    "E34": resumed,
    "E35": lambda: [error(lambda: torch.nn.linear)],
    "E36": lambda: [schedule_free_in_keras(), schedule_free_in_torch()[0]],
    "E37": lambda: [*schedule_free_in_torch()[1:]],
    "E38": remembered,
    "E39": lambda: [
        beside_a_warmup(staircase, False),
        beside_a_warmup(staircase, True),
        beside_a_warmup(lambda o: lr_scheduler.StepLR(o, 4, gamma=0.5), True),
    ],
    "E40": momentum_in_the_graph,
    "E41": past_the_cycle,
    "E42": lambda: [
        said(*bank.torch_plateau(np.linspace(0.5, 0.9, 8), lr=0.1, factor=0.1, patience=2))
    ],
    "E43": suggested,
    "E44": initial_by_hand,
    "E45": loaded_then_made,
}
# What these pages say is no list of rates; their bug-bank tests hold it.
ELSEWHERE = {"E3", "E28", "E31", "E32", "E46"}


def differences(entry, computed):
    """What was computed and is not in the trace of the entry, as code."""
    printed = re.findall(r"`([^`]+)`", entry["Trace"])
    return [each for each in computed if each not in printed]


@pytest.mark.parametrize("id", TRACES)
def test_the_traces_of_this_page_are_what_happens(id):
    assert differences(ERRATA[id], TRACES[id]()) == []


# --- what an entry needs --------------------------------------------------------------------------


def named_in(entry):
    return re.findall(r"`(test_\w+\.py)::(test_\w+)`", entry["Test"])


@pytest.mark.parametrize("id", ERRATA)
def test_an_entry_names_its_source_its_tests_and_its_lesson(id):
    entry = ERRATA[id]
    own = "the articles this course grew out of"
    assert own in entry["Source"] or re.search(r"\]\(https://", entry["Source"])
    named = named_in(entry)
    assert named and len(named) == entry["Test"].count("`") // 2
    for file, name in named:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), name
    lessons = [f"{int(number):02}" for number in re.findall(r"\d+", entry["Lesson"])]
    assert lessons or entry["Lesson"] == "none"
    for number in lessons:
        assert list(ROOT.glob(f"lessons/{number}_*.py")), number
    by_hand = ("test_errata.py", "test_the_traces_of_this_page_are_what_happens") in named
    assert not by_hand or id in TRACES


def test_every_entry_is_numbered_in_order_and_has_a_computed_trace_or_a_test_of_its_own():
    assert list(ERRATA) == [f"E{number}" for number in range(1, len(ERRATA) + 1)]
    assert TRACES.keys() | ELSEWHERE == ERRATA.keys() and not TRACES.keys() & ELSEWHERE


def test_the_articles_this_course_grew_out_of_are_all_there():
    found = {
        mark for entry in ERRATA.values() for mark in re.findall(r"\((W\d+)\)", entry["Source"])
    }
    assert found == ARTICLES


# A lesson shows the bug, and names another source of it or none.
OTHERS = {"E11", "E22"}


def unnamed(entry):
    """The repositories of an entry's links, where none of its lessons names one of them."""
    repositories = re.findall(r"\(https://github\.com/[\w.-]+/([\w.-]+)", entry["Source"])
    names = ["d2l" if name == "d2l-en" else name for name in repositories]
    numbers = [f"{int(number):02}" for number in re.findall(r"\d+", entry["Lesson"])]
    texts = [path.read_text("utf-8") for each in numbers for path in ROOT.glob(f"lessons/{each}_*")]
    return [] if any(name in text for name in names for text in texts) else names


def test_a_lesson_of_each_entry_names_its_source():
    assert {id: unnamed(entry) for id, entry in ERRATA.items() if unnamed(entry)}.keys() == OTHERS


def test_these_checks_can_fail():
    page = PAGE.read_text(encoding="utf-8")
    wrong = entries(page.replace("`0.1, 0.1, 0.0707, 0.0577`", "`0.1, 0.0707, 0.0577, 0.05`"))
    assert differences(wrong["E7"], TRACES["E7"]()) == ["0.1, 0.1, 0.0707, 0.0577"]
    with pytest.raises(AssertionError):
        entries(page.replace("- **Lesson:** 12", "- **Where:** 12", 1))
    assert named_in({"Test": "`test_bug_bank.py::test_a`"}) == [("test_bug_bank.py", "test_a")]
    assert "test_bug_bank" in sys.modules
