"""The training lab: real runs on few images, in the thread where the lab trains."""

import base64
import itertools
import json
import re
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET

import ipywidgets
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from patterns import patterns

from course_lib import GALLERY, Schedule, recipes
from course_lib.data import Dataset
from course_lib.formulas.parameters import Choice, Flag, Number, Whole, limits
from course_lib.recipes import Recipe
from course_lib.schedules import constant, cosine, join, warmup
from course_lib.training import FRAMEWORKS, Run, split
from course_lib.widgets import training_lab
from course_lib.widgets.chart import draw
from course_lib.widgets.controls import slider_value
from course_lib.widgets.lab_controls import Exact
from course_lib.widgets.lab_parts import (
    POINTS,
    Trial,
    cut_to,
    lab_chart,
    planned,
    schedule_from_fields,
    settings_of,
    stretched,
    thinned,
    updates_of,
)
from course_lib.widgets.series import window_means
from course_lib.widgets.training_lab import START, WIDGET, TrainingLab, lab

LONG = 60  # seconds: never waited for where all is well


FEW = patterns(400)
SHORT = "cosine(peak_lr=0.1, total_steps=30) | softmax | mnist | seed=3 | batch_size=16"
ENDLESS = SHORT + " | epochs=100000"


@pytest.fixture
def made():
    """Makes labs on few images, and stops what still runs when the test is over."""
    labs = []

    def make(recipe=SHORT, data=FEW):
        labs.append(lab(recipe, data))
        return labs[-1]

    yield make
    for each in labs:
        each.stop()
        assert each.wait(LONG)
    assert threads() == []


def threads():
    return [each.name for each in threading.enumerate() if each.name.startswith("lab run")]


def until(condition):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def finished(each):
    each.start()
    assert each.wait(LONG)
    return each.trials[-1]


def press(button):
    """What a click does: nothing where the button is disabled."""
    if not button.disabled:
        button.click()


# --- plain functions ------------------------------------------------------------------------------


def test_smoothing_is_a_mean_of_what_has_been():
    values = np.random.default_rng(0).random(50).tolist()
    means = window_means(values, 7)
    assert means == pytest.approx([np.mean(values[max(0, t - 6) : t + 1]) for t in range(50)])
    assert window_means(values, 7, at=[0, 49]) == [values[0], means[49]]
    assert window_means([]) == [] and window_means([3.0], 20) == [3.0]
    with pytest.raises(ValueError, match="window must be a whole number of at least 1, got 0"):
        window_means(values, 0)


@pytest.mark.parametrize("count", [0, 1, 2, POINTS - 1, POINTS, POINTS + 1, 844, 12345])
def test_the_picture_has_few_points_the_first_and_the_last_among_them(count):
    numbers = thinned(count)
    assert len(numbers) <= POINTS + 1 and sorted(set(numbers)) == numbers
    assert count == 0 or (numbers[0], numbers[-1]) == (0, count - 1)
    assert count > POINTS or len(numbers) == count


def trial(number=1, losses=(2.0, 1.0), total=10, schedule="constant(lr=0.1)", **more):
    recipe = Recipe.parse(f"{schedule} | mlp | mnist")
    run = Run("", "torch", "mlp", "", 64, 0, 0.0, lr=[0.1] * len(losses), loss=list(losses))
    return Trial(number, recipe, total, run, **more)


def test_the_chart_holds_the_plan_and_every_shown_run_on_one_axis():
    plan = planned(Schedule(cosine, peak_lr=0.4, total_steps=20), 20)
    trials = [trial(1), trial(2, (3.0, 2.0, 4.0), 50), trial(3, shown=False)]
    picture = lab_chart(trials, plan, 20)
    rates, losses = picture["rows"]
    assert [each["label"] for each in rates["lines"]] == ["planned", "1 constant", "2 constant"]
    assert rates["lines"][0]["ys"][10] == pytest.approx(0.2) and rates["lines"][0]["dash"]
    assert rates["lines"][0]["width"] < rates["lines"][1]["width"]
    assert all(each["steps"] for each in rates["lines"])
    assert not any(each["steps"] for each in losses["lines"])
    assert [each["ys"] for each in losses["lines"]] == [[2.0, 1.5], [3.0, 2.5, 3.0]]
    assert picture["x"] == {"label": "update", "low": 0, "high": 49, "log": False}
    assert rates["x"] is losses["x"] is None  # the axis is one and the same
    assert picture["label"] == (
        "The planned learning rate of 20 updates, from 0.4 to 0.00246. "
        "Run 1 constant, 2 of 10 updates: last applied learning rate 0.1, training loss 1.5. "
        "Run 2 constant, 3 of 50 updates: last applied learning rate 0.1, training loss 3."
    )
    root = ET.fromstring(draw(picture))
    assert root.get("aria-label") == picture["label"]


def test_a_chart_of_nothing_can_be_drawn():
    for picture in (lab_chart([], None, 1), lab_chart([trial(losses=())], None, 0)):
        assert picture["label"] == "No run is shown."
        ET.fromstring(draw(picture))


def test_the_looks_of_many_runs_differ():
    looks = [tuple(trial(number).look.values()) for number in range(1, 25)]
    assert len(set(looks)) == 24
    assert all(a[0] != b[0] and a[1] != b[1] for a, b in itertools.pairwise(looks))


@pytest.mark.parametrize("name", GALLERY)
def test_the_settings_of_every_schedule_make_that_schedule(name):
    schedule = GALLERY[name]
    settings = settings_of(schedule)
    given = {
        each: setting if isinstance(setting, str) else setting.value
        for each, setting in settings.items()
    }
    assert schedule_from_fields(schedule.formula, given) == schedule
    annotations = schedule.formula.__annotations__
    for each, setting in settings.items():
        kind = limits(annotations[each])
        wanted = {Whole: "slider", Number: "slider", Flag: "flag", Choice: "choice"}.get(type(kind))
        assert wanted == (None if isinstance(setting, str) else setting.kind), each
    longer = stretched(schedule, 3)
    assert longer.formula is schedule.formula and longer.params.keys() == schedule.params.keys()
    assert stretched(schedule, 1) == schedule


@pytest.mark.parametrize("name", GALLERY)
def test_the_slider_of_a_parameter_stays_within_the_limits_of_its_formula(name):
    """And where it was put, it stays, when the field beside it has read it."""
    schedule = GALLERY[name]
    annotations = schedule.formula.__annotations__
    for parameter, setting in settings_of(schedule, 844).items():
        if isinstance(setting, str) or setting.kind != "slider":
            continue
        each, kind = Exact(setting), limits(annotations[parameter])
        assert each.value == schedule.params.get(parameter, each.value)
        kind.check(parameter, slider_value(setting, each.slider.min))
        kind.check(parameter, slider_value(setting, each.slider.max))
        whole = isinstance(kind, Whole)
        for place in range(each.slider.min, each.slider.max + 1, 97 if whole else 1):
            each.slider.value = place
            assert each.slider.value == place, (parameter, each.value)
            assert each.value == slider_value(setting, place)


def test_only_counts_of_updates_are_stretched():
    parts = (Schedule(constant, lr=1), Schedule(cosine, peak_lr=1, total_steps=20))
    assert stretched(Schedule(join, parts=parts, boundaries=(70,)), 2.5) == Schedule(
        join, parts=(parts[0], Schedule(cosine, peak_lr=1, total_steps=50)), boundaries=(175,)
    )
    for name in ("layerwise", "batch_scaled", "noam"):
        old, new = GALLERY[name].params, stretched(GALLERY[name], 4).params
        for each in ("layer", "layers", "batch_size", "model_size"):
            assert old.get(each) == new.get(each)


@pytest.mark.parametrize("count", [1, 22, 23, 24, 46, 100])
def test_a_recipe_is_cut_to_the_updates_asked_for(count):
    recipe = cut_to(Recipe.parse(SHORT), count, images=400)
    assert updates_of(recipe, 400) == count
    assert (recipe.max_updates is None) == (count % 23 == 0)  # 360 images in batches of 16
    made = recipes.run(recipe, data=FEW, progress=False)
    assert len(made.lr) == count


# --- a lab at rest --------------------------------------------------------------------------------


def test_the_start_is_one_epoch_of_mnist():
    each = lab()
    assert isinstance(each, TrainingLab) and isinstance(each, ipywidgets.VBox)
    assert str(each.recipe) == START and each.alert == "" and not each.running
    assert each.controls["updates"].value == 844
    assert each.status == "No run yet."
    assert (each.start_button.disabled, each.stop_button.disabled) == (False, True)
    assert each.pause_button.disabled and each.clear_button.disabled


@pytest.mark.parametrize("name", GALLERY)
def test_every_schedule_of_the_gallery_can_be_chosen(name):
    each = lab(SHORT)
    each.schedule.value = name
    assert each.alert == "" and each.recipe.schedule.formula is GALLERY[name].formula
    assert not each.start_button.disabled
    again = lab(each.recipe)  # and set from the recipe
    assert again.recipe == each.recipe


def test_a_recipe_sets_every_control():
    text = (
        "triangular(base_lr=0.02, peak_lr=0.2, half_cycle_steps=7, mode='triangular2') | cnn | "
        "cifar10 | seed=9 | framework=tensorflow | momentum=0.995 | batch_size=100 | "
        "max_updates=999 | validation=0.2"
    )
    each = lab(text)
    assert str(each.recipe) == text
    assert {name: control.value for name, control in each.controls.items()} == {
        **{"model": "cnn", "data": "cifar10", "framework": "tensorflow", "updates": 999},
        **{"batch_size": 100, "seed": 9, "momentum": 0.995},
    }
    assert each.parameters["mode"].value == "triangular2"


def test_the_plan_follows_a_slider():
    each = lab(SHORT)

    def first():
        return each.chart()["rows"][0]["lines"][0]["ys"][0]

    assert first() == 0.1
    drawn = each._live.value
    slider = each.parameters["peak_lr"].slider
    slider.value = slider.max  # ten times the value
    assert first() == 1.0 == each.parameters["peak_lr"].value and each._live.value != drawn
    slider.value = 0
    assert first() == 0.0
    each.parameters["peak_lr"].field.value = 0.25
    assert first() == 0.25 and 0 < slider.value < slider.max
    each.parameters["peak_lr"].field.value = 50.0  # further than the slider goes
    assert first() == 50.0 and slider.value == slider.max
    each.controls["updates"].slider.value = 12
    assert len(each.chart()["rows"][0]["lines"][0]["ys"]) == 12
    assert each.recipe.max_updates == 12


def test_the_page_gets_the_picture_first_and_nothing_that_is_as_it_was(monkeypatch):
    each = lab(SHORT)
    exact, sent = each.parameters["peak_lr"], []
    monkeypatch.setattr(
        ipywidgets.Widget, "_send", lambda self, msg, buffers=None: sent.append((self, msg))
    )
    exact.slider.set_state({"value": 7})  # as the page says it
    assert [widget for widget, _ in sent] == [each._live, each._next, exact.field]
    picture, recipe, number = [msg["state"] for _, msg in sent]
    assert picture == {"value": draw(each.chart())}
    assert (
        recipe.keys() == {"value"}
        and str(each.recipe.schedule.params["peak_lr"]) in recipe["value"]
    )
    assert number == {"value": each.recipe.schedule.params["peak_lr"]} != {"value": 0.1}


def test_what_is_wrong_with_the_settings_is_said_and_nothing_starts():
    each = lab("warmup(then=constant(lr=0.1), warmup_steps=5) | softmax | mnist")
    each.parameters["then"].value = "constnt(lr=0.1)"
    assert "got 'constnt' (did you mean constant?)" in each.alert
    assert 'role="alert"' in each._alert.value
    assert each.recipe is None and each.start_button.disabled
    with pytest.raises(ValueError, match="the settings make no schedule: then must be one of"):
        each.start()
    assert "planned" not in str(each.chart()["rows"]) and each.trials == []
    each.parameters["then"].value = "constant(lr=-1)"
    assert "lr must be a number of at least 0, got -1" in each.alert
    each.parameters["then"].value = "constant(lr=0.2)"
    assert each.alert == "" and not each.start_button.disabled
    each.controls["updates"].field.value = 0
    assert "updates must be a whole number of at least 1, got 0" in each.alert


@pytest.mark.parametrize("typed", ["abc", "(30, abc)", "30 60", "(50, 20)", "0"])
def test_a_list_of_numbers_that_is_none_is_told_what_it_must_be(typed):
    """And not the names of all schedules."""
    each = lab("multistep(lr=0.1, milestones=(30, 60)) | softmax | mnist")
    each.parameters["milestones"].value = typed
    assert "milestones must be increasing whole numbers of at least 1, like (30" in each.alert
    assert "cosine" not in each.alert


def test_an_error_shown_is_text_and_no_markup():
    each = lab("warmup(then=constant(lr=0.1), warmup_steps=5) | softmax | mnist")
    each.parameters["then"].value = "'<img src=x onerror=alert(1)>'"
    assert "<img" not in each._alert.value and "<img src=x" in each.alert.replace("'", "")


def widgets_in(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets_in(child)


@pytest.mark.parametrize("name", ["cosine", "warmup", "one_cycle", "triangular"])
def test_every_control_has_a_name_for_those_who_do_not_see_it(name, made):
    each = made()
    each.schedule.value = name
    finished(each)
    for widget in widgets_in(each):
        if isinstance(widget, ipywidgets.Button):
            assert widget.description and widget.tooltip
        elif isinstance(widget, ipywidgets.ValueWidget) and not isinstance(widget, ipywidgets.HTML):
            # The handle beside a number field moves that field, which has the description.
            assert widget.description or (widget.tooltip and not widget.readout), widget


def test_words_and_a_still_picture_where_no_kernel_is():
    each = lab(SHORT)
    data, metadata = each._repr_mimebundle_()
    assert data["text/plain"] == each.report and "Start runs " + str(each.recipe) in each.report
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == each.chart()["label"]
    assert "application/vnd.jupyter.widget-view+json" in data


def test_an_export_without_a_kernel_shows_the_still_picture():
    """Where the page can draw no widget, as offline, nbconvert shows the output after it."""
    source = "from course_lib.widgets import lab\nlab('constant(lr=0.1) | softmax | mnist')"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name="python3").execute()
    live, still = notebook.cells[0].outputs
    assert WIDGET in live.data and WIDGET not in still.data
    page = HTMLExporter().from_notebook_node(notebook)[0]
    (alt,) = re.findall(r'<img[^>]*alt="([^"]*)"', page)
    assert alt.startswith("The planned learning rate of 844 updates")


def test_a_lab_made_anew_stops_the_run_of_the_one_before(made):
    first = made(ENDLESS)
    first.start()
    second = made()
    assert first.wait(LONG) and first.trials[0].state == "stopped"
    assert "was still training: its run has been stopped" in second.alert
    assert made().alert == ""


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="model must be one of"):
        lab("constant(lr=0.1) | ml | mnist")
    with pytest.raises(TypeError, match="data must be a Dataset, got 'mnist'"):
        lab(data="mnist")


# --- runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_recipe_shown_makes_the_run_again_exactly(framework, made):
    each = made()
    each.controls["framework"].value = framework
    each.controls["momentum"].value = 0.9
    each.controls["updates"].field.value = 30
    one = finished(each)
    assert one.state == "finished" and one.done == one.total == 30 and each.alert == ""
    shown = re.search(r"import run\nrun\(&quot;(.*)&quot;, data=data\)'", rows(each)[0])
    again = recipes.run(shown.group(1), data=FEW, progress=False)
    assert (again.lr, again.loss, again.history) == (one.run.lr, one.run.loss, one.run.history)
    assert one.accuracy == again.history["val_accuracy"][-1]
    assert f"finished, 30 of 30 updates; val accuracy {one.accuracy:.1%}" in rows(each)[0]
    assert "update 30 of 30 <progress max='30' value='30'" in each.bar.value
    assert each.start_button.disabled is False and each.stop_button.disabled


def rows(each):
    return [row.children[1].value for row in each._list.children]


def test_a_run_pauses_resumes_and_stops(made):
    each = made(ENDLESS)
    press(each.start_button)
    one = each.trials[0]
    until(lambda: one.done > 5)
    assert each.running and each.start_button.disabled and threads() == ["lab run 1"]
    assert one.state == "running" and "running" in each.status
    with pytest.raises(RuntimeError, match="a run is under way: stop it"):
        each.start()

    press(each.pause_button)
    until(lambda: one.state == "paused")
    held = one.done
    time.sleep(0.3)
    assert one.done == held and each.pause_button.description == "Resume"
    assert f"paused after {held} of" in each.status and f"paused after {held}" in rows(each)[0]
    assert f"update {held} of" in each.bar.value and f"value='{held}'" in each.bar.value

    press(each.pause_button)
    until(lambda: one.done > held)
    assert each.pause_button.description == "Pause"

    press(each.stop_button)
    assert each.wait(LONG) and threads() == [] and not each.running
    assert one.state == "stopped" and len(one.run.lr) == len(one.run.loss) == one.done > held
    assert f"partial: stopped after {one.done} of" in rows(each)[0]
    assert each.start_button.disabled is False and each.stop_button.disabled
    # The record of the part is the beginning of the run that its recipe makes.
    part = cut_to(one.recipe, one.done, 400)
    again = recipes.run(part, data=FEW, progress=False)
    assert again.lr == one.run.lr and again.loss == one.run.loss
    assert one.accuracy == again.history["val_accuracy"][-1]


def test_a_paused_run_can_be_stopped(made):
    each = made(ENDLESS)
    each.start()
    each.pause()
    one = each.trials[0]
    until(lambda: one.state == "paused")
    each.stop()
    assert each.wait(LONG) and one.state == "stopped"


def test_a_run_can_be_stopped_before_its_first_update(made, monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr(training_lab, "load", lambda name: asked.wait(LONG) and FEW)
    each = made(ENDLESS, data=None)
    each.start()
    assert "preparing" in each.status and not each.stop_button.disabled
    press(each.stop_button)
    assert each.start_button.disabled  # until the thread has seen it
    assert each.stop_button.description == "Stopping"
    asked.set()
    assert each.wait(LONG) and each.trials[0].state == "stopped" and each.trials[0].done == 0
    assert each.alert == "" and not each.start_button.disabled


def test_a_stopped_keras_run_leaves_no_thread(made):
    each = made(ENDLESS + " | framework=tensorflow")
    each.start()
    until(lambda: each.trials[0].done > 5)
    each.stop()
    assert each.wait(LONG) and threads() == []
    assert each.trials[0].state == "stopped" and each.trials[0].accuracy is not None


def test_closing_the_lab_ends_its_run(made):
    each = made(ENDLESS)
    each.start()
    until(lambda: each.trials[0].done > 2)
    each.close()
    assert each.wait(LONG)


def test_runs_stay_for_comparison_until_they_are_cleared(made):
    each = made()
    finished(each)
    each.parameters["peak_lr"].field.value = 0.02
    two = finished(each)
    rates, losses = each.chart()["rows"]
    assert [one["label"] for one in rates["lines"]] == ["planned", "1 cosine", "2 cosine"]
    assert len(losses["lines"]) == 2 and two.run.lr[0] == 0.02
    box = each._list.children[0].children[0]
    assert box.description == "run 1 cosine" and box.value
    box.value = False
    assert [one["label"] for one in each.chart()["rows"][0]["lines"]] == ["planned", "2 cosine"]
    box.value = True
    assert "Run 1 cosine, 23 of 23 updates" in each.chart()["label"]
    assert each.report.count('run("') == 2
    press(each.clear_button)
    assert each.trials == [] and each._list.children == () and each.clear_button.disabled
    assert finished(each).number == 3  # a number is never used twice


def test_a_run_in_progress_is_not_cleared(made):
    each = made(ENDLESS)
    each.controls["updates"].field.value = 5
    finished(each)
    each.controls["updates"].field.value = 1_000_000
    each.start()
    each.clear()
    assert [one.number for one in each.trials] == [2] and len(each._list.children) == 1


def test_a_run_that_diverges_is_shown_as_that(made):
    each = made("constant(lr=1e6) | mlp | mnist | batch_size=16")
    one = finished(each)
    assert one.state == "diverged" and one.run.diverged is not None
    assert "Run 1 constant diverged after" in each.alert and 'role="alert"' in each._alert.value
    assert "diverged after" in rows(each)[0]


def test_an_error_of_the_run_is_shown_and_the_next_run_starts(made, monkeypatch):
    each = made(SHORT, data=None)
    asked = []

    def missing(name):
        asked.append(name)
        raise FileNotFoundError("LR_COURSE_DATA must be a folder that exists")

    monkeypatch.setattr(training_lab, "load", missing)
    one = finished(each)
    assert one.state == "failed" and asked == ["mnist"]
    assert "FileNotFoundError: LR_COURSE_DATA must be a folder that exists" in each.alert
    assert "failed after 0 of" in rows(each)[0]
    monkeypatch.setattr(training_lab, "load", lambda name: asked.append(name) or FEW)
    assert finished(each).state == "finished" and each.alert == ""
    finished(each)
    assert asked == ["mnist", "mnist"]  # loaded once


def test_fewer_images_than_the_real_data_have_still_make_the_updates_asked_for(made, monkeypatch):
    stand_in = Dataset(
        FEW.x_train, FEW.y_train, FEW.x_test, FEW.y_test,
        name="mnist", source="here", title="STAND-IN for MNIST",
    )  # fmt: skip
    monkeypatch.setattr(training_lab, "load", lambda name: stand_in)
    each = made(SHORT + " | max_updates=50", data=None)
    assert str(each.recipe).endswith("| max_updates=50")  # less than an epoch of MNIST
    one = finished(each)
    assert one.done == 50 and one.recipe == each.recipe
    assert each.alert == "Run 1 cosine had other data: STAND-IN for MNIST"


def test_the_picture_grows_while_the_run_goes_and_not_too_often(made):
    each = made(ENDLESS)
    drawn = []
    each._live.observe(lambda change: drawn.append(time.monotonic()), "value")
    each.start()
    one = each.trials[0]
    until(lambda: len(drawn) > 6)
    each.stop()
    assert each.wait(LONG)
    assert one.done > len(drawn)  # far fewer pictures than updates
    between = np.diff(drawn[2:-1])  # the first and the last ones tell of a change of state
    assert min(between) > 0.15


def test_the_kernel_answers_while_a_run_goes(made):
    each = made(ENDLESS)
    each.start()
    until(lambda: each.trials[0].done > 2)
    each.parameters["peak_lr"].field.value = 0.5  # a control moves while it trains
    assert each.chart()["rows"][0]["lines"][0]["ys"][0] == 0.5
    assert each.trials[0].recipe.schedule.params["peak_lr"] == 0.1
    before = each.trials[0].done
    until(lambda: each.trials[0].done > before)


def test_a_script_that_ends_does_not_wait_for_the_run():
    code = (
        "import numpy as np\nfrom course_lib.data import Dataset\n"
        "from course_lib.widgets import lab\n"
        "x, y = np.zeros((400, 28, 28), np.uint8), np.arange(400) % 10\n"
        "few = Dataset(x, y, x, y, name='mnist', source='here')\n"
        f"each = lab({json.dumps(ENDLESS)}, few)\neach.start()\n"
        "import time\nwhile each.trials[0].done < 3:\n    time.sleep(0.01)\nprint(each.running)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG)
    assert ran.stdout == "True\n"


def test_the_accuracy_of_a_part_is_that_of_the_images_held_out(made):
    each = made(ENDLESS + " | validation=0")
    each.start()
    until(lambda: each.trials[0].done > 2)
    each.stop()
    assert each.wait(LONG) and each.trials[0].state == "stopped"
    assert len(split(FEW, 0)[1]) == 0 and each.trials[0].accuracy is None
    assert "val accuracy" not in each.trials[0].words


def test_the_schedule_of_a_formula_with_an_inner_one():
    values = {"then": "constant(lr=1.0)", "warmup_steps": 4, "shape": "linear", "start_factor": ""}
    with pytest.raises(ValueError, match="start_factor must be a number, a word"):
        schedule_from_fields(warmup, values)
    assert schedule_from_fields(warmup, values | {"start_factor": "0.1"}) == Schedule(
        warmup, then=Schedule(constant, lr=1), warmup_steps=4, start_factor=0.1
    )
