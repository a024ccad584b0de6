"""Recipes: a training run in one line of text that makes the same run again.

    cosine(peak_lr=0.3, total_steps=469) | mlp | mnist | seed=3

The parts, with bars between them
- the schedule: a formula of `schedules.GALLERY` with its parameters by name. A parameter that is a
  schedule is written alike: warmup(then=cosine(peak_lr=0.1, total_steps=90), warmup_steps=10).
- the model and the data, by their names.
- settings of `training.fit`, `name=value`; those left out have fit's defaults.

A recipe is read, never executed: it may come from anyone.
"""

import ast
import inspect
from dataclasses import dataclass
from typing import Any

from course_lib.data import FILES, Dataset
from course_lib.formulas.parameters import Choice
from course_lib.schedules import Schedule
from course_lib.training import SETTINGS, Run, checked, fit
from course_lib.written import code, cut, read_schedule

EXAMPLE = "cosine(peak_lr=0.3, total_steps=469) | mlp | mnist | seed=3"

# The settings of fit that a recipe names, in this order; the model stands without a name.
NAMED = tuple(name for name in SETTINGS if name != "model")
DEFAULTS = {name: inspect.signature(fit).parameters[name].default for name in NAMED}


@dataclass(frozen=True)
class Recipe:
    """All that decides how a run of `fit` goes. Its text is the recipe, which `parse` reads.

    >>> recipe = Recipe(read_schedule("constant(lr=0.1)"), "mlp", "mnist", momentum=0.9)
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
                f"{cut(text)}; one that is right: {EXAMPLE}"
            )
        schedule, model, data, *rest = parts
        settings: dict[str, Any] = {}
        for part in rest:
            name, equals, value = (each.strip() for each in part.partition("="))
            if not equals:
                raise ValueError(f"a setting must be name=value, like seed=3, got {cut(part)}")
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
    return fit(
        recipe.schedule,
        data=recipe.data if data is None else data,
        model=recipe.model,
        **recipe.settings,
        **how,
    )


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
