"""What the training lab draws, says and sets: plain functions, which need no widgets.

A `Trial` is one run of the lab. `lab_chart` draws trials and the plan, `settings_of` says what of a
schedule can be set, `cut_to` makes a recipe have so many updates.
"""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from course_lib.formulas.parameters import (
    Choice,
    Flag,
    Increasing,
    Number,
    Numbers,
    Whole,
    limits,
    rate_at,
)
from course_lib.looks import PALETTE
from course_lib.recipes import Recipe
from course_lib.rosetta import own_lr
from course_lib.schedules import Schedule
from course_lib.training import Run, updates
from course_lib.widgets.chart import chart, escape, line, row
from course_lib.widgets.controls import Control, control_of
from course_lib.widgets.numbers import short
from course_lib.widgets.series import window_means
from course_lib.written import code, read_value

WINDOW = 20  # updates, for the mean of the losses
POINTS = 300  # of a line: one for two pixels of the picture
COLORS = PALETTE[:6]  # its black would vanish on a dark page
SVG_DASHES = ("", "6 3", "2 3", "8 3 2 3")
# A page without https has no clipboard: then the code is marked, to copy by hand.
COPY = (
    "Promise.resolve().then(() => navigator.clipboard.writeText(this.dataset.code))"
    '.then(() => { this.textContent = "Copied" }, () => { this.textContent = "Press Ctrl+C"; '
    "getSelection().selectAllChildren(this.nextElementSibling) })"
)
LOW = "line-height: 1.6; max-height: 6.4em; overflow: auto; overflow-wrap: anywhere"  # four lines
STEPS = {"every", "milestones", "boundaries", "knots", "timescale"}  # counts of updates, by name


# --- what is drawn and said -----------------------------------------------------------------------


def thinned(count: int, most: int = POINTS) -> list[int]:
    """About `most` of the numbers from 0 to `count` - 1, evenly, the first and the last among them.

    >>> thinned(10, most=4), thinned(3)
    ([0, 3, 6, 9], [0, 1, 2])
    """
    step = max(1, math.ceil(count / most))
    numbers = list(range(0, count, step))
    return numbers if not count or numbers[-1] == count - 1 else [*numbers, count - 1]


def planned(schedule: Callable[[int], float], updates: int) -> dict[str, list]:
    """The rates that the schedule plans, at as many updates as the picture can show."""
    steps = thinned(updates)
    return {"steps": steps, "rates": [rate_at(schedule, step) for step in steps]}


@dataclass
class Trial:
    """One run of the lab: its recipe, how far it came, and how the picture shows it.

    `state` is one of preparing, running, paused, finished, stopped, diverged, failed. `accuracy` is
    that of the held-out images, as a fraction, where the run ended.
    """

    number: int
    recipe: Recipe
    total: int
    run: Run | None = None
    state: str = "preparing"
    accuracy: float | None = None
    error: str = ""
    shown: bool = True

    @property
    def name(self) -> str:
        """Number and formula: the legend of the picture has no place for more."""
        return f"{self.number} {self.recipe.schedule.formula.__name__}"

    @property
    def look(self) -> dict[str, str]:
        """Colour and dashes: no two of the first twelve are alike."""
        place = self.number - 1
        return {
            "color": COLORS[place % len(COLORS)],
            "dash": SVG_DASHES[(place + place // 12) % len(SVG_DASHES)],
        }

    @property
    def done(self) -> int:
        """How many updates are on record."""
        return min(len(self.run.lr), len(self.run.loss)) if self.run else 0

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ("finished", "stopped", "diverged", "failed")

    @property
    def words(self) -> str:
        """How the run stands, and what it reached."""
        part = f"{self.done} of {self.total} updates"
        said = {
            "preparing": "preparing data and framework",
            "running": "running",
            "paused": f"paused after {part}",
            "finished": f"finished, {part}",
            "stopped": f"partial: stopped after {part}",
            "diverged": f"diverged after {part}: the loss grew out of bounds",
            "failed": f"failed after {part}: {self.error}",
        }[self.state]
        if self.accuracy is not None:
            said += f"; val accuracy {self.accuracy:.1%}"
        return said


def lab_chart(trials: Sequence[Trial], plan: Mapping[str, list] | None, updates: int) -> dict:
    """The applied rate above the training loss, for the trials that are to be shown; `plan` is what
    `planned` made of the schedule that is set, over `updates` updates.

    >>> from course_lib import GALLERY
    >>> picture = lab_chart([], planned(GALLERY["constant"], 50), 50)
    >>> picture["label"]
    'The planned learning rate of 50 updates, from 0.1 to 0.1. No run is shown.'
    """
    rates, losses, said = [], [], []
    if plan:
        xs, ys = plan["steps"], plan["rates"]
        rates.append(line("planned", xs, ys, "currentColor", "5 4", width=1, steps=True))
        first, last = short(plan["rates"][0]), short(plan["rates"][-1])
        said.append(f"The planned learning rate of {updates} updates, from {first} to {last}.")
    shown = [trial for trial in trials if trial.shown and trial.done]
    for trial in shown:
        steps = thinned(trial.done)
        means = window_means(trial.run.loss, WINDOW, at=steps)
        applied = [trial.run.lr[t] for t in steps]
        rates.append(line(trial.name, steps, applied, **trial.look, steps=True))
        losses.append(line("", steps, means, **trial.look))
        rate, loss = short(trial.run.lr[steps[-1]]), short(means[-1])
        said.append(
            f"Run {trial.name}, {steps[-1] + 1} of {trial.total} updates: "
            f"last applied learning rate {rate}, training loss {loss}."
        )
    if not shown:
        said.append("No run is shown.")
    end = max([updates, *(trial.total for trial in shown)], default=1)
    return chart(
        " ".join(said),
        "update",
        0,
        max(end, 2) - 1,
        [
            row("learning rate", rates, height=170),
            row(f"loss, mean of {WINDOW}", losses, log=True, height=200),
        ],
    )


def entry(trial: Trial, code: str) -> str:
    """A run in the list of runs: how it looks in the picture, how it stands, and the code that
    makes it again."""
    code, look = escape(code), trial.look
    return (
        f"<div style='line-height: 1.5'><svg width='34' height='10' aria-hidden='true'>"
        f"<path d='M0 5H30' stroke='{look['color']}' stroke-width='2' "
        f"stroke-dasharray='{look['dash']}'/></svg>{escape(trial.words)} "
        f"<button type='button' class='jupyter-button' title='Copy the code of run {trial.number}' "
        f"data-code='{code}' onclick='{COPY}'>Copy</button>"
        f"<div style='{LOW}'>"
        f"<code style='user-select: all; white-space: pre-wrap'>{code}</code></div></div>"
    )


def progress(trial: Trial | None) -> str:
    """The bar of the latest run, with its words."""
    done, total = (trial.done, trial.total) if trial else (0, 1)
    words = f"update {done} of {total}" if trial else "no run"
    return (
        f"<label style='display: flex; gap: 8px; line-height: 2'>{words} <progress "
        f"max='{total}' value='{done}' style='flex: 1; height: auto; min-width: 3rem; "
        "accent-color: var(--jp-brand-color1)'></progress></label>"
    )


# --- what can be set ------------------------------------------------------------------------------


def settings_of(schedule: Schedule, updates: int = 100) -> dict[str, Control | str]:
    """What can be set of a schedule, one for each parameter that its signature declares: a control,
    or a text in the form of a recipe where the value is no single number or word.

    >>> from course_lib import GALLERY
    >>> settings = settings_of(GALLERY["warmup"])
    >>> settings["then"], settings["warmup_steps"].low
    ('cosine(peak_lr=0.1, total_steps=90)', 0)
    """
    _, *declared = inspect.signature(schedule.formula).parameters.values()
    settings: dict[str, Control | str] = {}
    for each in declared:
        value = schedule.params.get(each.name, each.default)
        match limits(each.annotation):
            case Number() | Whole() | Choice() | Flag() as kind:
                settings[each.name] = control_of(
                    each.name, kind, value, rate=own_lr(schedule), steps=updates
                )
            case _:
                settings[each.name] = code(value)
    return settings


def schedule_from_fields(formula: Callable[..., float], values: Mapping[str, Any]) -> Schedule:
    """The schedule that settings make; a parameter that has its default is left out, a text where
    the signature wants no word is read as code.

    >>> from course_lib.schedules import multistep
    >>> schedule_from_fields(multistep, {"lr": 0.1, "milestones": "(5, 9)", "factor": 0.1})
    Schedule(multistep, lr=0.1, milestones=(5, 9))
    """
    _, *declared = inspect.signature(formula).parameters.values()
    params = {}
    for each in declared:
        value, kind = values[each.name], limits(each.annotation)
        if isinstance(value, str) and not isinstance(kind, Choice):
            try:
                value = read_value(each.name, value)
            except ValueError:  # which names schedules, too
                if isinstance(kind, Increasing | Numbers):
                    kind.check(each.name, value)
                raise
        if each.default is each.empty or value != each.default:
            params[each.name] = value
    return Schedule(formula, **params)


def stretched(value: Any, factor: float, name: str = "then") -> Any:
    """A gallery entry for longer runs: counts of updates are multiplied, all else stays.

    >>> from course_lib import GALLERY
    >>> stretched(GALLERY["warmup"], 5)
    Schedule(warmup, then=Schedule(cosine, peak_lr=0.1, total_steps=450), warmup_steps=50)
    """
    if isinstance(value, Schedule):
        params = {name: stretched(each, factor, name) for name, each in value.params.items()}
        return Schedule(value.formula, **params)
    if isinstance(value, tuple):
        return tuple(stretched(each, factor, name) for each in value)
    counts = name in STEPS or name.endswith("_steps")
    whole = isinstance(value, int) and not isinstance(value, bool)
    return max(1, round(value * factor)) if counts and whole and value else value


def cut_to(recipe: Recipe, updates: int, images: int) -> Recipe:
    """The recipe with so many updates, where so many training images are to be had: in `epochs`
    where they are whole, else in `max_updates`.

    >>> recipe = Recipe.parse("constant(lr=0.1) | mlp | mnist")
    >>> str(cut_to(recipe, 1000, images=60_000)), str(cut_to(recipe, 844, images=60_000))
    ('constant(lr=0.1) | mlp | mnist | seed=0 | max_updates=1000',
     'constant(lr=0.1) | mlp | mnist | seed=0')
    """
    per_epoch = updates_of(replace(recipe, epochs=1, max_updates=None), images)
    epochs, rest = divmod(updates, per_epoch)
    if rest:
        return replace(recipe, epochs=None, max_updates=updates)
    return replace(recipe, epochs=epochs if epochs > 1 else None, max_updates=None)


def updates_of(recipe: Recipe, images: int) -> int:
    """How many updates the recipe makes, where so many training images are to be had.

    >>> updates_of(Recipe.parse("constant(lr=0.1) | mlp | mnist"), images=60_000)
    844
    """
    names = ("epochs", "batch_size", "validation", "max_updates")
    return updates(images, **{name: getattr(recipe, name) for name in names})
