"""The controls of the training lab, made of ipywidgets: what they say is a recipe.

`Settings` are all of them. `Exact` is a slider with a field beside it; what it may say comes from
controls.py, as in the panels.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from course_lib import needs
from course_lib.data import FILES
from course_lib.formulas.parameters import Whole
from course_lib.recipes import Recipe
from course_lib.schedules import GALLERY, Schedule
from course_lib.trainers.models import MODELS
from course_lib.training import FRAMEWORKS
from course_lib.widgets.controls import PLACES, Control, slider_place, slider_value
from course_lib.widgets.lab_parts import (
    cut_to,
    schedule_from_fields,
    settings_of,
    stretched,
    updates_of,
)

with needs("notebook"):
    import ipywidgets
    import traitlets

GALLERY_STEPS = 100  # the schedules of GALLERY are that long
LABEL = {"description_width": "9rem"}  # the same for every control, so that they stand in line


class _Handle(ipywidgets.IntSlider):
    """A slider whose place the kernel does not send back to the page that it came from: each such
    message keeps the picture waiting. A second page on the same kernel has the number beside it."""

    value = traitlets.CInt(0).tag(sync=True, echo_update=False)


class Exact(ipywidgets.HBox):
    """A slider, and a field for the exact number, which may go further than the slider does."""

    def __init__(self, control: Control):
        self.control, whole = control, control.scale == "whole"
        low, high = (control.low, control.high) if whole else (0, PLACES)
        self.slider = _Handle(min=low, max=high, readout=False, tooltip=control.label)
        self.slider.layout = ipywidgets.Layout(flex="1 1 auto", width="auto", min_width="5rem")
        exact = ipywidgets.IntText if whole else ipywidgets.FloatText
        self.field = exact(control.value, description=control.label, style=LABEL)
        self.field.layout = ipywidgets.Layout(width="15.5rem", flex="0 0 auto")
        self.slider.value = self._place()
        self.slider.observe(lambda change: self._read(change.new), "value")
        self.field.observe(lambda _: self._show(), "value")
        super().__init__([self.field, self.slider], layout=ipywidgets.Layout(width="100%"))

    @property
    def value(self) -> float:
        """The number in the field."""
        return self.field.value

    def _place(self) -> int:
        """Where the slider stands for the number in the field, or its nearest end."""
        place = round(slider_place(self.control, self.value))
        return min(max(place, self.slider.min), self.slider.max)

    def _show(self) -> None:
        self.slider.value = self._place()

    def _read(self, place: int) -> None:
        if place != self._place():  # a typed 0.123 stays, between two places of the slider
            with self.field.hold_sync():  # the page gets the number after what it changes
                self.field.value = slider_value(self.control, place)


def widget_of(setting: Control | str, name: str) -> ipywidgets.Widget:
    """The widget of one setting; a text is read when it is complete."""
    if isinstance(setting, str):
        return ipywidgets.Text(setting, continuous_update=False, **_row(name))
    if setting.kind == "slider":
        return Exact(setting)
    if setting.kind == "flag":
        return ipywidgets.Checkbox(setting.value, **_row(name))
    return _choice(name, setting.options, setting.value)


class Settings(ipywidgets.HBox):
    """All that can be set: the schedule with its parameters, and what else a recipe says.

    `images` says how many training images the data of a name have, `changed` is called after every
    change. `schedule` is the choice of one, `parameters` and `controls` are the rest, by name.
    """

    def __init__(self, recipe: Recipe, images: Callable[[str], int], changed: Callable[[], None]):
        self._kept = recipe  # for what has no control
        self._images, self._changed = images, changed
        formula = recipe.schedule.formula
        updates = updates_of(recipe, images(recipe.data))
        most = max(2000, 2 * updates)
        self.schedule = _choice(
            "schedule", GALLERY, next(n for n, each in GALLERY.items() if each.formula is formula)
        )
        self.controls: dict[str, Any] = {
            "model": _choice("model", MODELS, recipe.model),
            "data": _choice("data", FILES, recipe.data),
            "framework": _choice("framework", FRAMEWORKS, recipe.framework),
            "updates": Exact(Control("updates", "slider", "updates", updates, 1, most, "whole")),
            "batch_size": _number("batch size", recipe.batch_size, 1, 100_000),
            "seed": _number("seed", recipe.seed, 0, 2**31 - 1),
            "momentum": ipywidgets.FloatSlider(
                recipe.momentum,
                **{"min": 0, "max": 0.999, "step": 0.001, "readout_format": ".3f"},
                **_row("momentum"),
            ),
        }
        self.parameters: dict[str, Any] = {}
        self._fields = ipywidgets.VBox(layout=ipywidgets.Layout(width="100%"))
        column = ipywidgets.Layout(flex="1 1 22rem", min_width="20rem", margin="0 12px 0 0")
        super().__init__(
            [
                ipywidgets.VBox([self.schedule, self._fields], layout=column),
                ipywidgets.VBox(list(self.controls.values()), layout=column),
            ],
            layout=ipywidgets.Layout(flex_flow="row wrap", max_width="60rem"),
        )
        self._show_parameters(recipe.schedule)
        self.schedule.observe(lambda change: self._choose(change.new), "value")
        for each in self.controls.values():
            self._watch(each)

    @property
    def updates(self) -> int:
        """How many updates a run is to make."""
        return self.controls["updates"].value

    def recipe(self) -> Recipe:
        """What the controls say, or an error in words."""
        values = {name: control.value for name, control in self.controls.items()}
        updates = Whole(low=1).check("updates", values.pop("updates"))
        given = {name: control.value for name, control in self.parameters.items()}
        recipe = replace(self._kept, schedule=schedule_from_fields(self._formula, given), **values)
        return cut_to(recipe, updates, self._images(recipe.data))

    def _watch(self, control: ipywidgets.Widget) -> None:
        target = control.field if isinstance(control, Exact) else control
        target.observe(lambda _: self._changed(), "value")

    def _show_parameters(self, schedule: Schedule) -> None:
        self._formula = schedule.formula
        settings = settings_of(schedule, max(self.updates, 1))
        self.parameters = {name: widget_of(each, name) for name, each in settings.items()}
        for each in self.parameters.values():
            self._watch(each)
        self._fields.children = list(self.parameters.values())

    def _choose(self, name: str) -> None:
        self._show_parameters(stretched(GALLERY[name], max(self.updates, 1) / GALLERY_STEPS))
        self._changed()


def _choice(label: str, options: Iterable[str], value: str) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(options=list(options), value=value, **_row(label))


def _number(label: str, value: int, low: int, high: int) -> ipywidgets.BoundedIntText:
    return ipywidgets.BoundedIntText(value, min=low, max=high, **_row(label))


def _row(label: str) -> dict[str, Any]:
    layout = ipywidgets.Layout(width="auto")
    return {"description": label, "style": LABEL, "layout": layout}
