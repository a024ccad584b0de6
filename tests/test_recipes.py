"""Recipes: what a line of text says is what is run, and it is only read, never executed."""

import ast
import inspect

import numpy as np
import pytest
from patterns import patterns

from course_lib import GALLERY, Schedule, written
from course_lib.recipes import DEFAULTS, EXAMPLE, NAMED, Recipe, run
from course_lib.schedules import FORMULAS, constant, cosine, multistep, warmup
from course_lib.training import FRAMEWORKS, fit, updates
from course_lib.written import read_value

FALLING = Schedule(cosine, peak_lr=0.3, total_steps=469)


FEW = patterns(200)


# --- text and back --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GALLERY)
def test_every_schedule_of_the_gallery_survives(name):
    recipe = Recipe(GALLERY[name], "mlp", "mnist")
    again = Recipe.parse(recipe.text)
    assert again.text == recipe.text
    assert again.schedule == GALLERY[name] and again == recipe
    steps = range(1, 130)
    assert [again.schedule(t) for t in steps] == [GALLERY[name](t) for t in steps]
    assert repr(again.schedule) == repr(GALLERY[name])


def test_the_form_of_a_recipe():
    assert str(Recipe(FALLING, "mlp", "mnist", seed=3)) == EXAMPLE
    assert Recipe.parse(EXAMPLE) == Recipe(FALLING, "mlp", "mnist", seed=3)
    assert hash(Recipe.parse(EXAMPLE)) == hash(Recipe(FALLING, "mlp", "mnist", seed=3))
    everything = Recipe(
        Schedule(warmup, then=FALLING, warmup_steps=10),
        *("cnn", "cifar10", 5, "tensorflow", "adam", 0.0, 128, 2, 300, 0.2, True),
    )
    assert str(everything) == (
        "warmup(then=cosine(peak_lr=0.3, total_steps=469), warmup_steps=10) | cnn | cifar10 | "
        "seed=5 | framework=tensorflow | optimizer=adam | batch_size=128 | epochs=2 | "
        "max_updates=300 | validation=0.2 | test=True"
    )
    assert Recipe.parse(str(everything)) == everything


def test_what_is_not_said_is_what_fit_does_without_being_told():
    declared = inspect.signature(fit).parameters
    recipe = Recipe.parse("constant(lr=0.1)|softmax|mnist")
    assert recipe.settings == {name: declared[name].default for name in NAMED} == DEFAULTS
    # All that decides about a run can be said; the rest tells of it, or is a schedule that hears.
    assert declared.keys() - set(NAMED) == {
        *("schedule", "data", "model", "monitor", "progress", "watch")
    }


def test_spaces_order_lists_and_quotes_are_as_one_likes():
    text = (
        " multistep(milestones=[5,9], lr=1e-1)|mlp|mnist|momentum=0.5|framework='torch'| seed = 2"
    )
    schedule = Schedule(multistep, lr=0.1, milestones=(5, 9))
    assert Recipe.parse(text) == Recipe(schedule, "mlp", "mnist", seed=2, momentum=0.5)
    assert Recipe.parse("constant(lr=1) | mlp | mnist | max_updates=None").max_updates is None


def test_a_recipe_of_numpy_s_numbers_can_be_read_again():
    fixed = Schedule(constant, lr=0.1)
    recipe = Recipe(fixed, "mlp", "mnist", seed=np.int64(3), momentum=np.float64(0.5))
    assert recipe.text == "constant(lr=0.1) | mlp | mnist | seed=3 | momentum=0.5"
    assert "np." not in repr(recipe)
    assert Recipe.parse(recipe.text) == recipe


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, message",
    [
        ("constant(lr=0.1) | mlp", "at least three parts, schedule | model | data, got 2"),
        ("", "at least three parts"),
        (
            "constant(lr=0.1) | mpl | mnist",
            r"model must be one of softmax, .* \(did you mean mlp\?",
        ),
        (
            "constant(lr=0.1) | mlp | minst",
            r"data must be one of mnist, cifar10, got 'minst' \(did",
        ),
        (
            "constant(lr=0.1) | mlp | mnist | 3",
            "a setting must be name=value, like seed=3, got '3'",
        ),
        (
            "constant(lr=0.1) | mlp | mnist | sed=3",
            r"name must be .* got 'sed' \(did you mean seed",
        ),
        ("constant(lr=0.1) | mlp | mnist | seed=1 | seed=2", "seed must be said once"),
        ("constant(lr=0.1) | mlp | mnist | seed=x", "seed must be a whole number .*, got 'x'"),
        ("constant(lr=0.1) | mlp | mnist | seed=1.5", "seed must be a whole number .*, got 1.5"),
        ("constant(lr=0.1) | mlp | mnist | seed=-1", "seed must be .* at least 0, got -1"),
        (
            "constant(lr=0.1) | mlp | mnist | framework=pytorch",
            "framework must be one of torch, te",
        ),
        ("constant(lr=0.1) | mlp | mnist | test=yes", "test must be True or False, got 'yes'"),
        ("cosin(peak_lr=1, total_steps=9) | mlp | mnist", r"schedule must be .* mean cosine\?"),
        ("cosine | mlp | mnist", r"cosine needs its parameters: cosine\(peak_lr=\.\.\., total_st"),
        ("0.1 | mlp | mnist", "schedule must be a formula with its parameters, .* got '0.1'"),
        ("constant(0.1) | mlp | mnist", r"every parameter with its name: constant\(lr=\.\.\.\)"),
        ("constant(**{'lr': 1}) | mlp | mnist", "every parameter with its name"),
        ("constant(lr=1, lr=2) | mlp | mnist", "must have lr once, got it twice|repeated"),
        ("cosine(peak=0.1) | mlp | mnist", r"schedule: cosine has no parameter 'peak' \(did you m"),
        ("cosine(peak_lr=0.1) | mlp | mnist", "schedule: cosine needs total_steps"),
        ("constant(lr=-0.1) | mlp | mnist", "^schedule: constant: lr must be a number .* got -0.1"),
        ("constant(lr='0.1') | mlp | mnist", "constant: lr must be a number .* got '0.1'"),
        ("constant(lr=0.1 | mlp | mnist", r"schedule must be .*, got 'constant\(lr=0.1' \("),
        ("warmup(then=cosin(a=1), warmup_steps=1) | mlp | mnist", "then must be one of constant"),
        ("join(parts=(constant(lr=1), 3), boundaries=(2,)) | mlp | mnist", r"parts\[1\] must be"),
        ("constant(lr=1+1) | mlp | mnist", r"lr must be a number, .* got '1 \+ 1'"),
        ("constant(lr=-True) | mlp | mnist", "lr must be a number, .*got '-True'"),
        ("constant(lr=~1) | mlp | mnist", "lr must be a number, .*got '~1'"),
        ("cosin | mlp | mnist", r"schedule must be .* mean cosine\?"),
        ("constant(lr=1j) | mlp | mnist", "lr must be a number, .* got '1j'"),
        ("(" * 500 + ") | mlp | mnist", "schedule must be"),
    ],
)
def test_an_error_says_what_part_is_wrong_what_came_and_what_is_allowed(text, message):
    with pytest.raises(ValueError, match=message):
        Recipe.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('touch {spot}')",
        "constant(lr=open('{spot}', 'w'))",
        "constant(lr=[open('{spot}', 'w') for _ in (1,)])",
        "(lambda: open('{spot}', 'w'))()",
        "constant.__globals__['open']('{spot}', 'w')",
    ],
)
def test_a_recipe_is_read_and_never_executed(text, tmp_path):
    spot = tmp_path / "executed"
    with pytest.raises(ValueError, match=r"must be one of constant|must be a number"):
        Recipe.parse(text.format(spot=spot) + " | mlp | mnist")
    assert not spot.exists()
    called = {
        node.func.id
        for node in ast.walk(ast.parse(inspect.getsource(written)))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "__import__"} and "Schedule" in called


def test_a_schedule_that_no_text_can_say_is_refused():
    for unsaid in (lambda step: 0.1, Schedule(warmup, then=lambda step: 0.1, warmup_steps=3)):
        with pytest.raises(ValueError, match=r"a recipe can hold .*, got <lambda>"):
            Recipe(unsaid, "mlp", "mnist")

    def cosine(step):  # the name alone does not make it GALLERY's
        return 0.1

    with pytest.raises(ValueError, match="knows the formulas of GALLERY by name, got cosine"):
        Recipe(Schedule(cosine), "mlp", "mnist")


def test_values_of_one_parameter():
    assert read_value("x", "-2.5") == -2.5
    assert read_value("x", "(1, 'a', None, True)") == (1, "a", None, True)
    assert read_value("x", "[constant(lr=1)]") == (Schedule(constant, lr=1),)
    assert FORMULAS["inverse_time"] is GALLERY["inverse_time_staircase"].formula


# --- runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("model", ["softmax", "mlp_dropout"])
def test_the_same_recipe_is_the_same_run(framework, model):
    text = (
        f"cosine(peak_lr=0.1, total_steps=8) | {model} | mnist | seed=3 | framework={framework} | "
        "momentum=0.9 | batch_size=16 | epochs=2 | max_updates=10"
    )
    first, second = (run(text, data=FEW, progress=False) for _ in range(2))
    assert first.lr == second.lr and first.loss == second.loss
    assert first.history == second.history and first.history["val_accuracy"]
    assert len(first.lr) == 10 and first.lr[8:] == [0.0, 0.0]  # past its end it holds
    first.assert_lr_matches(Recipe.parse(text).schedule)
    assert (first.seed, first.framework, first.momentum) == (3, framework, 0.9)
    other = run(text.replace("seed=3", "seed=4"), data=FEW, progress=False)
    assert other.loss != first.loss


def test_a_recipe_and_fit_are_the_same_run():
    recipe = Recipe(Schedule(constant, lr=0.1), "softmax", "mnist", seed=1, validation=0.5)
    ours = run(recipe, data=FEW, progress=False)
    theirs = fit(recipe.schedule, data=FEW, model="softmax", seed=1, validation=0.5, progress=False)
    assert ours.loss == theirs.loss and len(ours.loss) == updates(
        FEW, epochs=1, batch_size=64, validation=0.5
    )


def test_data_are_loaded_by_name_and_what_is_said_beside_reaches_fit(monkeypatch):
    asked, seen = [], []
    monkeypatch.setattr("course_lib.training.load", lambda name: asked.append(name) or FEW)
    run(
        "constant(lr=0.1) | softmax | mnist",
        progress=False,
        watch=lambda done, trainer: seen.append(done),
    )
    assert asked == ["mnist"] and seen == [1, 2, 3]
