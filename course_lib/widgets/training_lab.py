"""The training lab: choose a schedule, watch it train, stop when you have seen enough, compare.

What the lab draws and says comes from the plain functions of lab_parts.py, what is set from the
controls of lab_controls.py; `TrainingLab` makes the runs and shows them. A run goes on in a thread
of its own, so that the notebook answers while it does.
"""

import base64
import html
import json
import re
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from course_lib import needs, recipes
from course_lib.data import Dataset, load
from course_lib.recipes import Recipe
from course_lib.training import split
from course_lib.widgets.chart import draw, escape
from course_lib.widgets.lab_controls import Settings
from course_lib.widgets.lab_parts import LOW, Trial, cut_to, entry, lab_chart, planned, progress
from course_lib.widgets.panel import Panel

with needs("notebook"):
    import ipywidgets

START = "cosine(peak_lr=0.3, total_steps=844) | mlp | mnist | seed=0"  # one epoch
IMAGES = {"mnist": 60_000, "cifar10": 50_000}  # until the data are loaded
BETWEEN_PICTURES = 0.2  # seconds
WIDGET = "application/vnd.jupyter.widget-view+json"
# The still picture is an output of its own, which the live lab hides: a page without a kernel that
# can draw no widget would otherwise show nothing. Its script: a button that disables itself under
# the focus hands it to the first one that can be pressed.
HIDDEN = """\
<style onload="const lab = this.closest('.lr-lab');
new MutationObserver(() => {
  const now = document.activeElement;
  if (now.disabled && lab.contains(now)) lab.querySelector('button:enabled')?.focus();
}).observe(lab, {subtree: true, attributeFilter: ['disabled']})">
.jp-OutputArea-child:has(.lr-lab) + .jp-OutputArea-child:has([data-still]) { display: none }
.lr-lab button:focus-visible { outline: 2px solid var(--jp-ui-font-color1) !important }
</style>"""
# A screen reader reads out what comes into a node that has this role already: words that brought
# it along would come unheard.
STATUS = """<style onload="this.parentNode.setAttribute('role', 'status')"></style>"""
LABS: weakref.WeakSet = weakref.WeakSet()
LINE = "line-height: 1.4"


class _Stopped(Exception):
    """Raised inside of `watch`, to leave `fit` between two updates."""


class TrainingLab(ipywidgets.VBox):
    """Controls, a live picture, and the runs so far. `lab` makes one.

    What the buttons do can be said in code too: `start`, `pause`, `resume`, `stop`, `clear`, and
    `wait` until the run is over. `trials` are the runs.
    """

    def __init__(self, recipe: Recipe, datasets: Mapping[str, Dataset]):
        self.trials: list[Trial] = []
        self._loaded = dict(datasets)
        self._own = set(datasets)
        self._thread: threading.Thread | None = None
        self._going, self._stopping = threading.Event(), threading.Event()
        self._rows: dict[int, ipywidgets.HBox] = {}
        self._drawing, self._drawn = threading.RLock(), 0.0
        self._count = 0
        self._plan: dict | None = None
        self._recipe: Recipe | None = None
        self._settings = Settings(recipe, self._images, self._settle)
        self.schedule, self.controls = self._settings.schedule, self._settings.controls
        self._make_buttons()
        self._next, self._alert, self._live = (ipywidgets.HTML() for _ in range(3))
        self._next.layout.max_width = "60rem"
        self._live.layout.max_width = "48rem"
        self._list = ipywidgets.VBox(layout=ipywidgets.Layout(max_width="60rem"))
        hide = ipywidgets.HTML(HIDDEN, layout=ipywidgets.Layout(display="none"))
        super().__init__(
            [self._settings, self._next, self._buttons, self._alert, self._live, self._list, hide]
        )
        self.add_class("lr-lab")
        self._settle()
        self._replace_others()

    def _replace_others(self) -> None:
        """A cell that is run again takes its lab off the page: nobody could stop that one's run."""
        for each in [each for each in LABS if each.running]:
            each.stop()
            words = "The lab before this one was still training: its run has been stopped."
            self._warn(words)
        LABS.add(self)

    def _make_buttons(self) -> None:
        def button(label: str, tooltip: str, act: Callable[[], None]) -> ipywidgets.Button:
            made = ipywidgets.Button(description=label, tooltip=tooltip)
            made.layout.width = "7rem"
            made.on_click(lambda _: act())
            return made

        self.start_button = button("Start", "Train with these settings", self.start)
        self.start_button.button_style = "primary"
        self.pause_button = button("Pause", "Hold the run between two updates", self._hold)
        self.stop_button = button("Stop", "End the run; what it did so far stays", self.stop)
        self.clear_button = button("Clear runs", "Forget the runs that are over", self.clear)
        self.bar = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 18rem", width="auto"))
        self._status = ipywidgets.HTML(STATUS)
        self._buttons = ipywidgets.HBox(
            [
                *(self.start_button, self.pause_button, self.stop_button, self.clear_button),
                *(self.bar, self._status),
            ],
            layout=ipywidgets.Layout(flex_flow="row wrap", max_width="60rem"),
        )

    # --- what is set

    def _images(self, name: str) -> int:
        return len(self._loaded[name].x_train) if name in self._loaded else IMAGES[name]

    def _settle(self) -> None:
        """A control has moved: the plan, or what is wrong with it."""
        try:
            self._recipe = self._settings.recipe()
            self._plan = planned(self._recipe.schedule, self._settings.updates)
            self._warn("")
        except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
            self._recipe = self._plan = None
            self._warn(str(error))
        self._redraw()  # first: what the hand on a slider waits for
        coming = f"Start runs <code>{escape(str(self._recipe))}</code>"
        self._next.value = f"<div style='{LOW}'>{coming}</div>" if self._recipe else ""
        self._set_buttons()

    @property
    def parameters(self) -> dict[str, Any]:
        """The widgets of the schedule's parameters, by name."""
        return self._settings.parameters

    @property
    def recipe(self) -> Recipe | None:
        """What Start would run; None while the settings make no schedule."""
        return self._recipe

    # --- the run

    @property
    def running(self) -> bool:
        """Whether a run is under way, paused ones too."""
        return any(not trial.over for trial in self.trials)

    def start(self) -> None:
        """Start a run with what is set; refused while another one is under way."""
        if self.running:
            raise RuntimeError("a run is under way: stop it before you start another one")
        if self._recipe is None:
            raise ValueError(f"the settings make no schedule: {self.alert}")
        self._count += 1
        trial = Trial(self._count, self._recipe, self._settings.updates)
        self.trials.append(trial)
        self._warn("")
        self._stopping.clear()
        self._going.set()
        self._changed()
        name = f"lab run {trial.number}"
        self._thread = threading.Thread(target=self._train, args=(trial,), name=name, daemon=True)
        self._thread.start()

    def pause(self) -> None:
        """Hold the run after the update that is being made."""
        self._going.clear()
        self._set_buttons()

    def resume(self) -> None:
        """Let a paused run go on."""
        self._going.set()
        self._set_buttons()

    def _hold(self) -> None:
        (self.pause if self._going.is_set() else self.resume)()

    def stop(self) -> None:
        """End the run after the update that is being made; its record so far stays."""
        self._stopping.set()
        self._going.set()
        self._set_buttons()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over, `timeout` seconds at most; whether it is."""
        if self._thread is not None:
            self._thread.join(timeout)
        return not self.running

    def clear(self) -> None:
        """Forget the runs that are over."""
        self.trials[:] = [trial for trial in self.trials if not trial.over]
        self._changed()

    def close(self) -> None:
        """Stop the run and take the lab away."""
        self.stop()
        super().close()

    def _train(self, trial: Trial) -> None:
        """The thread: one run, from the data to its record."""
        try:
            name = trial.recipe.data
            if name not in self._loaded:
                self._loaded[name] = load(name)
            data = self._loaded[name]
            if self._stopping.is_set():
                raise _Stopped
            # Only now is it known how many images an epoch has: a stand-in has fewer.
            trial.recipe = cut_to(trial.recipe, trial.total, len(data.x_train))
            watch = partial(self._after_update, trial, data)
            trial.run = recipes.run(trial.recipe, data=data, progress=False, watch=watch)
            trial.accuracy = trial.run.history.get("val_accuracy", [None])[-1]
            trial.state = "finished" if trial.run.diverged is None else "diverged"
        except _Stopped:
            trial.state = "stopped"
        except Exception as error:  # whatever it is, the learner is to see it
            trial.error = f"{type(error).__name__}: {error}"
            trial.state = "failed"
        if trial.state in ("diverged", "failed"):
            self._warn(f"Run {trial.name} {trial.words}")
        elif data.is_stand_in:
            self._warn(f"Run {trial.name} had other data: {data.title}")
        self._changed()

    def _after_update(self, trial: Trial, data: Dataset, done: int, trainer: Any) -> None:
        """What `fit` calls after every update; here a run is paused and stopped."""
        if trial.run is None:
            trial.run, trial.state = trainer.run, "running"
            self._changed()
        if not self._going.is_set():
            trial.state = "paused"
            self._changed()
            self._going.wait()
            trial.state = "running"
            self._changed()
        if self._stopping.is_set():
            held_out = split(data, trial.recipe.validation)[1]
            if len(held_out):
                x, y = data.x_train[held_out], data.y_train[held_out].astype(np.int64)
                x = x if x.ndim == 4 else x[..., np.newaxis]
                trial.accuracy = trainer.evaluate(x, y)[1]
            raise _Stopped
        if time.monotonic() - self._drawn > BETWEEN_PICTURES:
            self._redraw()

    # --- what is shown

    @property
    def alert(self) -> str:
        """What is wrong, in words; empty where nothing is."""
        return html.unescape(re.sub("<[^>]*>", "", self._alert.value))

    @property
    def status(self) -> str:
        """How the latest run stands, in words."""
        if not self.trials:
            return "No run yet."
        trial = self.trials[-1]
        return f"Run {trial.name}: {trial.words}."

    def _warn(self, words: str) -> None:
        style = f"{LINE}; color: var(--jp-error-color1, #c00)"
        said = f'<div role="alert" style="{style}">{escape(words)}</div>'
        self._alert.value = said if words else ""

    def _set_buttons(self) -> None:
        running, going = self.running, self._going.is_set()
        stopping = running and self._stopping.is_set()
        self.pause_button.description = "Resume" if running and not going else "Pause"
        self.stop_button.description = "Stopping" if stopping else "Stop"
        disabled = {
            self.start_button: running or self._recipe is None,
            self.pause_button: not running or stopping,
            self.stop_button: not running,  # while it stops, the focus stays
            self.clear_button: not any(trial.over for trial in self.trials),
        }
        for button in sorted(disabled, key=disabled.__getitem__):  # first those that take the focus
            button.disabled = disabled[button]

    def _changed(self) -> None:
        """A run has begun, halted or ended, or is no longer there."""
        with self._drawing:
            self._set_buttons()
            self._status.value = f"{STATUS}<div style='{LINE}'>{escape(self.status)}</div>"
            for trial in self.trials:
                if trial.number not in self._rows:
                    self._rows[trial.number] = self._row(trial)
                self._rows[trial.number].children[1].value = entry(trial, self.code_of(trial))
            gone = self._rows.keys() - {trial.number for trial in self.trials}
            for number in gone:
                del self._rows[number]
            self._list.children = list(self._rows.values())
            self._redraw()

    def _row(self, trial: Trial) -> ipywidgets.HBox:
        """A line of the list: whether the run is shown, and its entry."""
        shown = ipywidgets.Checkbox(trial.shown, description=f"run {trial.name}", indent=False)
        shown.tooltip = f"Show run {trial.name} in the picture"
        shown.layout = ipywidgets.Layout(width="11rem", flex="0 0 auto")

        def show(change: Any) -> None:
            trial.shown = change.new
            self._redraw()

        shown.observe(show, "value")
        words = ipywidgets.HTML(layout=ipywidgets.Layout(flex="1 1 20rem", min_width="0"))
        return ipywidgets.HBox([shown, words], layout=ipywidgets.Layout(flex_flow="row wrap"))

    def code_of(self, trial: Trial) -> str:
        """The call that makes this run again."""
        own = ", data=data" if trial.recipe.data in self._own else ""
        call = f"run({json.dumps(str(trial.recipe))}{own})"
        return f"from course_lib.recipes import run\n{call}"

    def _redraw(self) -> None:
        with self._drawing:
            self._drawn = time.monotonic()
            self._live.value = draw(self.chart())
            self.bar.value = progress(self.trials[-1] if self.trials else None)

    def chart(self) -> dict:
        """The picture as plain values."""
        return lab_chart(self.trials, self._plan, self._settings.updates)

    @property
    def report(self) -> str:
        """What the lab shows, in words."""
        lines = [self.chart()["label"]]
        if self._recipe:
            lines.append(f"Start runs {self._recipe}")
        lines += [f"{self.code_of(each)}\n    {each.words}" for each in self.trials]
        return "\n".join([*lines, *([self.alert] if self.alert else [])])

    def png(self) -> bytes:
        """The picture as it stands, for where no kernel is."""
        shown = {"chart": self.chart()}
        return Panel("The training lab", (), lambda values, data: shown).png()

    def __repr__(self) -> str:
        return f"<The training lab: {self.status}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live lab, and the picture and the words for where there is no kernel."""
        still = {
            "text/plain": self.report,
            "image/png": base64.b64encode(self.png()).decode(),
        }
        alt = {"image/png": {"alt": self.chart()["label"], "width": 640}}
        return {**super()._repr_mimebundle_(**kwargs), **still}, alt

    def _ipython_display_(self) -> None:
        from IPython.display import display

        still, alt = self._repr_mimebundle_()
        display({WIDGET: still.pop(WIDGET), "text/plain": repr(self)}, raw=True)
        said, shown = html.escape(alt["image/png"]["alt"], quote=True), still["image/png"]
        # As a panel's: nbconvert gives a bare PNG no alt text.
        still["text/html"] = (
            f'<section class="lr-panel" data-still="lab"><img alt="{said}" width="640" '
            f'src="data:image/png;base64,{shown}"><pre>{html.escape(self.report)}</pre></section>'
        )
        display(still, metadata=alt, raw=True)


def lab(recipe: str | Recipe = START, data: Dataset | None = None) -> TrainingLab:
    """The training lab, set to a recipe: train under any schedule of the gallery, see the rate and
    the loss while it does, pause, stop, and compare with the runs before.

    Each run has the line of code that makes it again, exactly. `data` stands in for the data of its
    name ("mnist" or "cifar10"), for a trial on fewer images.

    >>> lab("constant(lr=0.1) | mlp | mnist | max_updates=50").report.splitlines()
    ['The planned learning rate of 50 updates, from 0.1 to 0.1. No run is shown.',
     'Start runs constant(lr=0.1) | mlp | mnist | seed=0 | max_updates=50']
    """
    if data is not None and not isinstance(data, Dataset):
        raise TypeError(f"data must be a Dataset, got {data!r}")
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)
    return TrainingLab(recipe, {} if data is None else {data.name: data})
