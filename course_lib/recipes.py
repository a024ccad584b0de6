"""Recipes: a training run in one line of text that makes the same run again.

    cosine(peak_lr=0.3, total_steps=469) | mlp | mnist | seed=3

The parts, with bars between them
- the schedule: a formula of `schedules.GALLERY` with its parameters by name. A parameter that is a
  schedule is written alike: warmup(then=cosine(peak_lr=0.1, total_steps=90), warmup_steps=10).
- the model and the data, by their names.
- settings of `training.fit`, `name=value`; what is not said has fit's default.

A recipe is read, never executed: it may come from anyone.
"""

import ast
import inspect
from dataclasses import dataclass
from typing import Any

from course_lib.data import FILES, Dataset
from course_lib.formulas.parameters import Choice, describe
from course_lib.schedules import FORMULAS, Schedule
from course_lib.training import SETTINGS, Run, checked, fit

EXAMPLE = "cosine(peak_lr=0.3, total_steps=469) | mlp | mnist | seed=3"

# The settings of fit that a recipe names, in this order; the model stands without a name.
NAMED = tuple(name for name in SETTINGS if name != "model")
DEFAULTS = {name: inspect.signature(fit).parameters[name].default for name in NAMED}


@dataclass(frozen=True)
class Recipe:
    """All that decides how a run of `fit` goes. Its text is the recipe, which `parse` reads.

    >>> recipe = Recipe(Schedule(FORMULAS["constant"], lr=0.1), "mlp", "mnist", momentum=0.9)
    >>> str(recipe)
    'constant(lr=0.1) | mlp | mnist | seed=0 | momentum=0.9'
    >>> Recipe.parse(recipe.text) == recipe
    True
    """

    schedule: Schedule
    model: str
    data: str
    seed: int = DEFAULTS["seed"]
    framework: str = DEFAULTS["framework"]
    optimizer: str = DEFAULTS["optimizer"]
    momentum: float = DEFAULTS["momentum"]
    batch_size: int = DEFAULTS["batch_size"]
    epochs: int | None = DEFAULTS["epochs"]
    max_updates: int | None = DEFAULTS["max_updates"]
    validation: float = DEFAULTS["validation"]
    test: bool = DEFAULTS["test"]

    def __post_init__(self) -> None:
        if not isinstance(self.schedule, Schedule):
            given = describe(self.schedule) if callable(self.schedule) else repr(self.schedule)
            raise TypeError(
                f"schedule must be a Schedule, like Schedule(constant, lr=0.1), got {given}"
            )
        code(self.schedule)  # an error where a recipe cannot say it
        Choice(tuple(FILES)).check("data", self.data)
        for name, value in checked(model=self.model, **self.settings).items():
            object.__setattr__(self, name, value)

    @property
    def text(self) -> str:
        """The recipe in one line; the seed is always in it, other settings where they are not
        fit's default."""
        said = [name for name in NAMED if name == "seed" or self.settings[name] != DEFAULTS[name]]
        settings = [f"{name}={self.settings[name]}" for name in said]
        return " | ".join([code(self.schedule), self.model, self.data, *settings])

    def __str__(self) -> str:
        return self.text

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of `fit`, all of them, by name."""
        return {name: getattr(self, name) for name in NAMED}

    @staticmethod
    def parse(text: str) -> "Recipe":
        """The recipe that this text is.

        Raises ValueError with the part that is wrong, what came, and what is allowed.

        >>> Recipe.parse("constant(lr=0.1) | mpl | mnist")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        ValueError: model must be one of softmax, ..., got 'mpl' (did you mean mlp?)
        """
        if not isinstance(text, str):
            raise TypeError(f"a recipe must be a text like {EXAMPLE!r}, got {text!r}")
        parts = [part.strip() for part in text.split("|")]
        if len(parts) < 3:
            raise ValueError(
                f"a recipe has at least three parts, schedule | model | data, got {len(parts)}: "
                f"{_cut(text)}; one that is right: {EXAMPLE}"
            )
        schedule, model, data, *rest = parts
        settings: dict[str, Any] = {}
        for part in rest:
            name, equals, value = (each.strip() for each in part.partition("="))
            if not equals:
                raise ValueError(f"a setting must be name=value, like seed=3, got {_cut(part)}")
            Choice(NAMED).check("a setting's name", name)
            if name in settings:
                raise ValueError(f"{name} must be said once, got it twice")
            settings[name] = _read_setting(name, value)
        return Recipe(read_schedule(schedule), model, data, **settings)


def run(recipe: str | Recipe, *, data: Dataset | None = None, **how: Any) -> Run:
    """Make the run that the recipe describes: the same recipe, the same rates and losses.

    `how` goes to `fit` and changes nothing of the result: `progress`, `watch`. `data` stands in for
    the data that the recipe names, for a trial on fewer images; that is another run.

        run("cosine(peak_lr=0.3, total_steps=469) | mlp | mnist | seed=3")

    >>> import numpy as np
    >>> images, labels = np.zeros((40, 28, 28), np.uint8), np.arange(40) % 10
    >>> few = Dataset(images, labels, images, labels, name="mnist", source="a doctest")
    >>> run("constant(lr=0.1) | softmax | mnist", data=few, progress=False).lr
    [0.1]
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)
    for name in how:
        Choice(("progress", "watch")).check("an argument beside the recipe", name)
    return fit(
        recipe.schedule,
        data=recipe.data if data is None else data,
        model=recipe.model,
        **recipe.settings,
        **how,
    )


def code(value: Any) -> str:
    """A schedule, or a value of one of its parameters, as a recipe writes it.

    >>> code(Schedule(FORMULAS["multistep"], lr=0.1, milestones=[50, 75]))
    'multistep(lr=0.1, milestones=(50, 75))'
    """
    if isinstance(value, Schedule):
        name = describe(value.formula)
        if FORMULAS.get(name) is not value.formula:
            raise ValueError(
                f"schedule: a recipe knows the formulas of GALLERY by name, got {name}; "
                "it must be one of " + ", ".join(FORMULAS)
            )
        params = ", ".join(f"{each}={code(given)}" for each, given in value.params.items())
        return f"{name}({params})"
    if isinstance(value, tuple | list):
        inner = ", ".join(map(code, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if value is None or isinstance(value, str | bool | int | float):
        return repr(value)
    given = describe(value) if callable(value) else repr(value)
    raise ValueError(
        f"schedule: a recipe can hold numbers, words and schedules of GALLERY, got {given}"
    )


def read_schedule(text: str) -> Schedule:
    """The schedule that this code is; an error says what part is wrong.

    >>> read_schedule("constant(lr=0.1)")
    Schedule(constant, lr=0.1)
    >>> read_schedule("cosin(peak_lr=0.1, total_steps=9)")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: schedule must be one of constant, ..., got 'cosin' (did you mean cosine?)
    """
    value = read_value("schedule", text)
    if not isinstance(value, Schedule):
        raise ValueError(
            f"schedule must be a formula with its parameters, like constant(lr=0.1), got {text!r}"
        )
    return value


def read_value(name: str, text: str) -> Any:
    """What the code of one parameter stands for: a number, a word in quotes, True, False, None, a
    list or tuple of such, a schedule.

    >>> read_value("milestones", "(30, 60)"), read_value("shape", "'linear'")
    ((30, 60), 'linear')
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return _value(name, tree)
    except (SyntaxError, RecursionError, MemoryError) as error:
        why = error.msg if isinstance(error, SyntaxError) else "too deeply nested"
        raise ValueError(
            f"{name} must be a number, a word in quotes, a list or a schedule like "
            f"cosine(peak_lr=0.3, total_steps=469), got {_cut(text)} ({why})"
        ) from None


def _value(name: str, tree: ast.expr) -> Any:
    if isinstance(tree, ast.Call):
        return _schedule(name, tree)
    if isinstance(tree, ast.Tuple | ast.List):
        return tuple(_value(f"{name}[{i}]", each) for i, each in enumerate(tree.elts))
    if isinstance(tree, ast.Name):
        Choice(tuple(FORMULAS)).check(name, tree.id)
        raise ValueError(f"{name}: {tree.id} needs its parameters: {_signature(tree.id)}")
    minus = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub)
    constant = tree.operand if isinstance(tree, ast.UnaryOp) and minus else tree
    value: Any = constant.value if isinstance(constant, ast.Constant) else ...
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number or (not minus and (value is None or isinstance(value, bool | str)))):
        raise ValueError(
            f"{name} must be a number, a word in quotes, True, False, None, a list of these, or a "
            f"schedule, got {_cut(ast.unparse(tree))}"
        )
    return -value if minus else value


def _schedule(name: str, tree: ast.Call) -> Schedule:
    formula = ast.unparse(tree.func)
    Choice(tuple(FORMULAS)).check(name, formula)
    if tree.args or any(each.arg is None for each in tree.keywords):
        raise ValueError(
            f"{name}: {formula} must have every parameter with its name: {_signature(formula)}, "
            f"got {_cut(ast.unparse(tree))}"
        )
    params: dict[str, Any] = {}
    for each in tree.keywords:
        given = str(each.arg)
        if given in params:
            raise ValueError(f"{name}: {formula} must have {given} once, got it twice")
        params[given] = _value(given, each.value)
    try:
        return Schedule(FORMULAS[formula], **params)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from None


def _signature(formula: str) -> str:
    _, *declared = inspect.signature(FORMULAS[formula]).parameters
    return f"{formula}({', '.join(f'{each}=...' for each in declared)})"


def _read_setting(name: str, text: str) -> Any:
    """A setting's value: words stand without quotes."""
    kind = SETTINGS[name]
    if isinstance(kind, Choice):
        word = text.strip("\"'")
        Choice(kind.options).check(name, word)
        return word
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        value = text  # no literal: refused, in the words of the setting's kind
    return kind.check(name, value)


def _cut(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
