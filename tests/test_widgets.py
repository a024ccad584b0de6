"""The panels without a browser: what they say, what they draw, and the still picture."""

import base64
import itertools
import math
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from course_lib import schedules, training
from course_lib.formulas import parameters
from course_lib.rosetta import own_lr, translate
from course_lib.schedules import GALLERY, Schedule, cosine
from course_lib.widgets import (
    cycle_composer,
    explore,
    finder_reader,
    how_many_seeds,
    kill_and_resume,
    milestones,
    noise_floor,
    plateau_cuts,
    plot_valley,
    puzzle,
    valley,
    valley_path,
    valley_regime,
    warmup_map,
)
from course_lib.widgets.chart import (
    chart,
    draw,
    layout,
    limits_of,
    line,
    mark,
    place,
    row,
    ticks,
    unplace,
)
from course_lib.widgets.controls import Control
from course_lib.widgets.explorer import controls_of
from course_lib.widgets.javascript import to_javascript
from course_lib.widgets.numbers import fixed, literal, short
from course_lib.widgets.panel import Panel
from course_lib.widgets.schedules import node_of
from course_lib.widgets.valley import descend

PNG = b"\x89PNG"


# --- the valley -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [0.01, 0.3, 0.5, 0.9, 1.0, 1.3])
@pytest.mark.parametrize("curvature", [0.5, 2.0, 40.0])
def test_path_is_a_power_of_one_factor(lr, curvature):
    path = valley_path(1.5, lr=lr, curvature=curvature, steps=9)
    assert path == pytest.approx([1.5 * (1 - lr * curvature) ** t for t in range(10)])


@pytest.mark.parametrize("curvature", [0.5, 2.0, 40.0])
def test_regime_is_told_from_the_path(curvature):
    fractions = {  # of the edge 2 / curvature
        0.1: "creeps",
        0.5: "lands at once",
        0.8: "jumps between the walls",
        1.0: "jumps for ever",
        1.1: "flies out",
    }
    for fraction, regime in fractions.items():
        lr = fraction * 2 / curvature
        assert valley_regime(lr, curvature) == regime
        path = valley_path(1.0, lr=lr, curvature=curvature, steps=6)
        crosses = any(a * b < -1e-12 for a, b in itertools.pairwise(path))
        assert crosses == ("jumps" in regime or regime == "flies out")
        assert (abs(path[-1]) < 0.999) == (fraction < 1)


def test_figure_has_two_axes_per_rate_and_draws_the_path():
    assert len(plot_valley([0.3]).axes) == 2
    figure = plot_valley([0.05, 0.5, 0.9, 1.1], steps=5)
    assert len(figure.axes) == 8
    path, *_ = (line for line in figure.axes[3].lines if len(line.get_xdata()) == 6)
    assert path.get_xdata() == pytest.approx(valley_path(1.0, lr=1.1, curvature=2.0, steps=5))


@pytest.mark.parametrize("lr, momentum", [(0.03, 0.0), (0.09, 0.0), (0.11, 0.0), (0.06, 0.6)])
def test_the_ball_walks_as_torch_does(lr, momentum):
    import torch

    weights = torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=lr, momentum=momentum)
    losses = []
    for _ in range(101):
        loss = (20 * weights[0] ** 2 + weights[1] ** 2) / 2
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    panel = valley(lr=lr, momentum=momentum)
    drawn = panel.shown()["chart"]["rows"][1]["lines"][0]["ys"]
    assert drawn == pytest.approx(losses, rel=1e-9)
    assert panel.reached == (losses[-1] < 1e-6)


def test_the_goal_is_not_reached_at_the_start_nor_beyond_the_edge():
    assert valley().reached is False
    assert valley(lr=0.09).reached is True
    assert valley(lr=0.1001).reached is False and "beyond the edge" in valley(lr=0.1001).report
    assert "on the edge" in valley(lr=0.1).report


def test_the_goal_is_not_reached_without_the_valley():
    flat = valley().at(lr=1.0, steep=1.0)
    assert not flat.reached and "a valley less steep than 20" in flat.report
    assert valley(lr=1.0, steep=1.0).reached


@pytest.mark.parametrize(
    "lr, said",
    [(0.2, "2.66e+96"), (5.0, "more than 1e+308 (an overflow)"), (1e6, "more than 1e+308")],
)
def test_a_loss_that_explodes_is_told_as_it_is(lr, said):
    panel = valley(lr=lr)
    losses = [(20 * w * w + v * v) / 2 for w, v in descend(lr, 0.0, 20, 1, 100)]
    assert short(losses[-1]) == said or not math.isfinite(losses[-1])
    assert panel.report.count(f"After 100 updates the loss is {said}") == 1
    assert f"not reached: after 100 updates the loss is {said}" in panel.report
    drawn = panel.shown()["chart"]["rows"][1]["lines"][0]["ys"]
    assert drawn == [loss if math.isfinite(loss) else None for loss in losses]


def test_code_of_the_valley_sets_this_rate_and_momentum(monkeypatch):
    """Run, not read: what the panel shows for each framework gives the rate that it names."""
    code = dict(valley(lr=0.045, momentum=0.5).shown()["code"])
    exec(code["PyTorch"], space := {})
    optimizer = space["optimizer"]
    assert optimizer.param_groups[0]["lr"] == 0.045 and optimizer.defaults["momentum"] == 0.5
    exec(code["Keras"], space := {})
    optimizer = space["optimizer"]
    assert float(optimizer.learning_rate) == pytest.approx(0.045) and optimizer.momentum == 0.5
    asked = {"fit": lambda plan, data, momentum: (plan(7), momentum)}
    monkeypatch.setattr(training, "fit", asked["fit"])
    exec(code["course_lib"], space := {})
    assert space["run"] == (0.045, 0.5)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"lr": 0}, "lr must be a number above 0, got 0"),
        ({"lr": math.nan}, "lr must be"),
        ({"steep": 0.5}, "steep must be a number of at least 1, got 0.5"),
        ({"momentum": 1.0}, "momentum must be a number of at least 0 and below 1, got 1.0"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        valley(**arguments)


# --- the explorer ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", GALLERY)
def test_the_explorer_draws_every_schedule_and_writes_its_code(key):
    panel = explore(key, steps=130)
    shown = panel.shown()
    (drawn,) = shown["chart"]["rows"][0]["lines"]
    assert drawn["ys"] == GALLERY[key].values(130)
    code = dict(shown["code"])
    assert f"\nschedule = {GALLERY[key]!r}" in code["course_lib"]
    for peer, heading in (("torch", "PyTorch"), ("keras", "Keras")):
        ours = f"{heading.removeprefix('Py')}Schedule("
        try:
            assert ours in code[heading] or translate(GALLERY[key], peer) in code[heading]
        except ValueError:
            assert ours in code[heading]


@pytest.mark.parametrize("key", GALLERY)
def test_every_parameter_has_a_control_within_the_limits_of_its_formula(key):
    panel = explore(key)
    names = {each.name for each in panel.controls if each.group == key}
    node = node_of(GALLERY[key], key)

    def leaves(node):
        for each in node["params"]:
            inside = [each["node"]] if "node" in each else each.get("nodes", [])
            yield from ([each["path"]] if not inside else [])
            for part in inside:
                yield from leaves(part)

    assert names == set(leaves(node))
    for each in panel.controls:
        if each.kind == "slider" and each.value is not None:
            assert each.low <= each.value <= each.high or (each.zero and each.value == 0), each
            least, most = each.allowed
            assert least is None or (each.low > least if each.above else each.low >= least), each
            assert most is None or each.high <= most, each
        assert each.when == ("schedules", each.group) or not each.group


def test_a_new_line_of_the_gallery_appears_with_no_further_work(monkeypatch):
    def falling(step: int, *, lr: parameters.Rate, share: parameters.Fraction = 0.5) -> float:
        return lr * share**step

    (control, share) = controls_of(
        Schedule(falling, lr=0.2), _node := node_of_new(falling, monkeypatch), "falling"
    )
    assert (control.name, control.value, control.scale) == ("falling.lr", 0.2, "log")
    assert (share.low, share.high, share.value) == (0, 1.0, 0.5)


def node_of_new(formula, monkeypatch):
    schedule = Schedule(formula, lr=0.2)
    monkeypatch.setitem(GALLERY, "falling", schedule)
    return node_of(schedule, "falling")


def test_the_explorer_begins_where_a_given_schedule_is():
    panel = explore(Schedule(cosine, peak_lr=0.7, total_steps=33, final_lr=0.01), "linear")
    assert panel.values["schedules"] == ["cosine", "linear"]
    assert panel.values["cosine.peak_lr"] == 0.7 and panel.values["cosine.final_lr"] == 0.01
    moved = panel.at({"cosine.total_steps": 50})
    code = "Schedule(cosine, peak_lr=0.7, total_steps=50, final_lr=0.01)"
    assert code in moved.report and own_lr(eval(code, vars(schedules).copy())) == 0.7
    assert explore(GALLERY["exp_range"]).values["schedules"] == ["exp_range"]


def test_an_own_formula_put_into_gallery_by_a_notebook_does_not_stop_the_others(monkeypatch):
    monkeypatch.setitem(GALLERY, "mine", Schedule(lambda step, *, lr: lr / 2**step, lr=0.1))
    nested = Schedule(schedules.warmup, then=GALLERY["mine"], warmup_steps=5)
    monkeypatch.setitem(GALLERY, "mine nested", nested)
    assert not {"mine", "mine nested"} & {*explore().controls[0].options}
    with pytest.raises(ValueError, match="made of this library's formulas"):
        explore("mine")


def test_one_formula_at_two_settings_is_two_schedules():
    one = Schedule(cosine, peak_lr=0.1, total_steps=50)
    other = Schedule(cosine, peak_lr=0.2, total_steps=80)
    for given, curves in (
        ((one, other), (one, other)),
        (("cosine", one, other), (GALLERY["cosine"], one, other)),
        ((one, "cosine"), (one, GALLERY["cosine"])),
    ):
        panel = explore(*given)
        names = ["cosine", *(f"cosine {i}" for i in range(2, len(given) + 1))]
        lines = panel.shown()["chart"]["rows"][0]["lines"]
        assert [each["label"] for each in lines] == panel.values["schedules"] == names
        assert [each["ys"] for each in lines] == [each.values(100) for each in curves]
        assert len({(each["color"], each["dash"]) for each in lines}) == len(given)
        assert all(f"schedule = {each!r}" in panel.report for each in curves)
    moved = panel.at({"cosine 2.peak_lr": 0.7}).report
    assert repr(one) in moved and "peak_lr=0.7" in moved


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: explore("cosin"), ValueError, "schedules must be one of constant, .* got 'cosin'"),
        (lambda: explore(lambda step: 0.1), ValueError, "schedules must be one of"),
        (
            lambda: explore(Schedule(lambda step: 0.1)),
            ValueError,
            r"made of this library's formulas, .* got Schedule\(<lambda>\); docs/guides/author",
        ),
        (
            lambda: explore(
                Schedule(schedules.warmup, then=Schedule(lambda step: 0.1), warmup_steps=5)
            ),
            ValueError,
            r"made of this library's formulas, .* got Schedule\(warmup, then=Schedule\(<lambda>",
        ),
        (lambda: explore(steps=1), ValueError, "steps must be a whole number of at least 2, got 1"),
        (lambda: explore(log="yes"), ValueError, "log must be True or False, got 'yes'"),
        (lambda: explore().at(peak=1), ValueError, "a panel's control must be one of schedules"),
        (lambda: Control("a", "knob", "a", 1), ValueError, "kind must be one of slider, .* 'knob'"),
    ],
)
def test_what_is_wrong_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_combination_that_the_formula_refuses_says_why():
    panel = explore("wsd").at({"wsd.warmup_steps": 90})
    with pytest.raises(ValueError, match="warmup_steps \\+ cooldown_steps must be at most"):
        panel.shown()


# --- the panel ------------------------------------------------------------------------------------


def test_still_picture_and_words_for_where_no_kernel_runs():
    panel = valley(lr=0.09)
    data, metadata = panel._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(PNG)
    label, told = panel.shown()["chart"]["label"], "A picture: run this cell to move it."
    alt = f"{label} Goal: {panel.goal}. {told}"
    assert metadata["image/png"] == {"alt": alt, "width": 640}
    (alt,) = re.findall(r'<img alt="([^"]*)"', milestones().html())  # its label has no full stop
    assert alt.startswith(f"{milestones().shown()['chart']['label']}. Goal: the same rate")
    live = "A picture: to move it, run this cell, or turn JavaScript on."  # a page has no cell
    assert alt.endswith(live)
    still = ElementTree.fromstring(panel.still())
    words = ["".join(each.itertext()) for each in still if each.tag.endswith("text")]
    assert words == [f"Goal: {panel.goal}.", told]  # above the picture, which is moved down
    (picture,) = [each for each in still if each.tag.endswith("svg")]
    top, height = float(picture.get("y")), layout(panel.shown()["chart"])["height"]
    assert top > 18 * len(words) and float(still.get("viewBox").split()[3]) == top + height
    width = int.from_bytes(base64.b64decode(data["image/png"])[16:20], "big")
    high = int.from_bytes(base64.b64decode(data["image/png"])[20:24], "big")
    assert (width, high) == (1280, 2 * (top + height))  # the PNG is of that, not of the bare chart
    assert f"<p>{live}</p>" in panel.html() and told not in panel.html()
    assert "Goal" not in explore().still()
    assert data["text/plain"] == panel.report and "is 0.9 of it" in panel.report
    assert "- reached." in panel.report and "- not reached: after 100" in valley().report
    assert not [mime for mime in data if "widget" in mime]  # nothing that a kernel has to feed


def composed(**values):
    return cycle_composer().at({f"cosine_restarts.{name}": each for name, each in values.items()})


RESUMED = kill_and_resume().at(weights=True, optimizer=True)
DROPPED = noise_floor().at(lr=0.3, drops=[400, 50])
MENDED = milestones().at(boundaries="each one less")
SLIDE, HOT = finder_reader("CIFAR-10, seed 2", "slide", 0.32), warmup_map("0.8", "0")
NONE_FOUND = how_many_seeds("SGD 1: root - constant", count=20)


@pytest.mark.parametrize(
    "panel, words",
    [
        (valley(lr=0.06), ["jumps between the steep walls, and comes nearer", "goal"]),
        (valley(momentum=0.8), ["= 0.18; lr = 0.03 is 0.167 of", "below 1e-06 from update 72 on"]),
        (noise_floor(), ["goal", "falls to 0.163", "floor of the present rate is 0.167"]),
        (noise_floor().at(lr=0.05, now=132), ["has arrived and rattles there"]),
        (DROPPED, ["Floor of this rate, lr / (2 (2 - lr)): 0.00761"]),
        (DROPPED.at(now=50), ["a tenth at the update 50."]),
        (milestones(), ["milestone 30", "- not reached: the rates differ at 2 updates."]),
        (MENDED, ["which differ at 0 of 100", "- not reached: both drop at 30 and 60"]),
        (explore("one_cycle"), ["highest 0.1 at update 29"]),
        (explore("one_cycle_momentum"), ["Value of each update: one_cycle_m", "momentum"]),
        (explore("cosine", "one_cycle_momentum"), ["rate, momentum", "m (a momentum): from"]),
        (explore("cosine", log=True), ["0.001", "Learning rate of each update: cosine:"]),
        (explore("one_cycle", steps=101), ["own scheduler leaves this curve at update 100"]),
        (explore().at(schedules=[]), ["no schedule chosen", "Choose a schedule."]),
        (puzzle(), ["farthest: 22", "yours is 0.078 and the curve 0.24.", "0.24, at update 0,"]),
        (composed(cycle_steps=400), ["0 complete cycles in 300 updates.\n"]),
        (composed(cycle_steps=200), ["1 complete cycle in 300 updates, of length 200"]),
        (composed(), ["1 %", "- not reached: a cycle is not twice as long as the one before."]),
        (composed(final_lr=0.01), ["below 1 % are 0.", "6 snapshots, of which 0", "before: no"]),
        (composed(cycle_steps=36), ["of length 36, 36, 36, 36, 36, 36 and 2 more."]),
        (plateau_cuts(), ["they differ at 7 evaluations", "25, 29, 32: from 0.1 to 0.00313"]),
        (finder_reader(), ["best fixed rate 1", "- not reached: the farthest is 28.5 times off"]),
        (SLIDE, ["0.184, 2.07, nothing, 2.35"]),
        (warmup_map(), ["chosen", "Where some seeds live", "5 of 5 after 160 updates of warmup."]),
        (HOT, ["if only 55 % of all runs failed"]),
        (
            RESUMED,
            ["two lines part", "(update 60)", "(before update 41)", "12; never killed, 0.000"],
        ),
        (RESUMED.at(schedule=True), ["the two lines are one", "killed after update 20."]),
        (how_many_seeds(), ["3 seeds", "excludes zero after 3", "the other 7 must show"]),
        (NONE_FOUND, ["holds zero after 20", "less than 0.239"]),
    ],
)
def test_what_a_panel_says_and_marks(panel, words):
    """Each of the words is in what is told, or a text of the picture."""
    told, marked = panel.alt + panel.report, {*ElementTree.fromstring(panel.svg()).itertext()}
    assert [each for each in words if each not in told and each not in marked] == []


@pytest.mark.parametrize(
    "panel, levels",
    [
        (valley(), [1e-6]),
        (noise_floor(), [0.003]),
        (puzzle(), [2, -2]),
        (composed(), [1]),
        (how_many_seeds(), [0, 0]),
    ],
)
def test_goals_and_limits_are_drawn(panel, levels):
    rows = panel.shown()["chart"]["rows"]
    assert [each["at"] for row in rows for each in row["levels"]] == pytest.approx(levels)


def test_the_live_panel_loads_nothing_from_anywhere():
    page = explore().page()
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*?(?:src|href)=[\"']?([^\"'>\s]{5})", page)
    assert set(loaded) <= {"data:"}
    assert not re.search(r"@import|fetch\(|XMLHttpRequest|importScripts|\bimport\(", page)
    assert {*re.findall(r"https?://[^\s'\"<>)]+", page)} <= {"http://www.w3.org/2000/svg"}


def test_the_notice_of_what_is_not_ours_is_in_the_page():
    page = explore("cosine").page()
    assert (
        page.count("PScript and its runtime: (c) 2015-2026 Almar Klein and contributors, BSD") == 1
    )


def test_the_page_needs_no_matplotlib_no_ipywidgets_and_no_framework():
    code = """if True:
        import sys
        for name in ("matplotlib", "ipywidgets", "torch", "tensorflow", "keras", "scipy"):
            sys.modules[name] = None  # as if it were not installed
        from course_lib.widgets import explore, valley
        assert "mount(" in explore().page() and "mount(" in valley().page()
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_panels_in_one_page_have_names_of_their_own():
    one, other = valley().html(), valley().html()
    (first,), (second,) = (re.findall(r'id="(lr-\w+)"', text) for text in (one, other))
    assert first != second and f'getElementById("{first}")' in one


def hostile_view(values, data):
    axes = row("'y'", [line("a<b", [0, 1], [0, 1], "red")])
    return {
        "chart": chart("'\"<b>&", "x", 0, 1, [axes]),
        "report": data,
        "code": [],
        "reached": None,
    }


def test_text_cannot_leave_its_place():
    panel = Panel("</script><script>alert(1)//", (), hostile_view, data="</pre></script><!--")
    text = panel.html()
    assert len(re.findall("<script", text)) == len(re.findall("</script", text)) == 1
    assert "<!--" not in text and text.count("</pre>") == 1
    ElementTree.fromstring(panel.svg())


# --- chart and numbers ----------------------------------------------------------------------------


def test_a_chart_is_one_svg_with_a_label_and_every_line():
    ys = [0.1, math.nan, 0.3, math.inf, 0.2]
    picture = chart("What is seen", "update", 0, 4, [
        row("rate", [line("a", list(range(5)), ys, "#0072B2", "6 3")], marks=[mark(2, "here")]),
        row("loss", [line("", [0, 4], [1, 100], "red", dots=True)], log=True),
    ])  # fmt: skip
    svg = ElementTree.fromstring(draw(picture))
    assert svg.get("role") == "img" and svg.get("aria-label") == "What is seen"
    texts = ["".join(each.itertext()) for each in svg.iter() if each.tag.endswith("text")]
    assert {"a", "rate", "loss", "update", "here"} <= set(texts)
    paths = [each.get("d") for each in svg.iter() if each.get("stroke") == "#0072B2"]
    assert (
        paths[-1].count("M") == 3 and paths[-1].count("L") == 0
    )  # a gap at each that is no number
    assert float(svg.get("viewBox").split()[3]) == layout(picture)["height"]


def test_a_long_legend_has_a_second_row_and_the_words_of_a_mark_stay_inside():
    lines = [line("a" * 50, [0], [0.0], "red")]
    one, two = (layout(chart("", "", 0, 9, [row("", lines * n)]))["height"] for n in (1, 2))
    assert two == one + 18
    # At the right, where there is room up to the end and to the next one.
    for places, anchors in (([10], "s"), ([98], "e"), ([60, 98], "se"), ([60, 62], "es")):
        marks = [mark(at, "here") for at in places]
        picture = draw(chart("", "x", 0, 100, [row("y", lines, marks=marks)]))
        assert "".join(re.findall(r"text-anchor='(s|e)\w+'>here<", picture)) == anchors
    assert limits_of(row("", lines)) == {"low": 0, "high": 1, "log": False}  # all at 0
    tiny = [line("", [0, 1], [1e-30, 1.0], "red")]
    assert limits_of(row("", tiny, log=True))["low"] == pytest.approx(1e-6 / 1.3)


def path_of(one, low=0.0, high=1.0, last=100):
    """The places of a line that is alone in a chart, and the pieces that its path has."""
    svg = ElementTree.fromstring(draw(chart("", "x", 0, last, [row("y", [one], low, high)])))
    (way,) = [each.get("d") for each in svg.iter() if each.get("stroke") == one["color"]]
    pieces = [piece.split("L") for piece in way.split("M")[1:]]
    return [[tuple(map(float, at.split())) for at in piece] for piece in pieces]


@pytest.mark.parametrize("start, end", [(0.9, 0.2), (0.2, 0.9)])
def test_a_rate_jumps_upright_at_the_update_that_has_the_new_one(start, end):
    rates = [start] * 30 + [end] * 71
    (sloped,) = path_of(line("", list(range(101)), rates, "red"))
    assert not any(x == a for (x, _), (a, _) in itertools.pairwise(sloped))
    (stepped,) = path_of(line("", list(range(101)), rates, "red", steps=True))
    upright = [(x, y, b) for (x, y), (a, b) in itertools.pairwise(stepped) if x == a]
    (jump,) = upright
    axis = {"low": 0, "high": 100, "log": False}
    assert jump[0] == pytest.approx(place(30, axis, 66, 620), abs=0.05)
    assert jump[1:] == (stepped[0][1], stepped[-1][1])


def test_many_updates_of_a_smooth_rate_make_a_smooth_line_few_make_steps():
    for count, steps in [(101, 0), (21, 20)]:
        rates = [GALLERY["cosine"](100 * t / (count - 1)) for t in range(count)]
        one = line("", list(range(count)), rates, "red", steps=True)
        (way,) = path_of(one, high=0.1, last=count - 1)
        assert len(way) == count + steps
        assert sum(x == a for (x, _), (a, _) in itertools.pairwise(way)) == steps


def test_every_rate_that_is_drawn_has_steps():
    panels = [explore("cosine", "step_decay"), valley(), noise_floor(), milestones(), puzzle()]
    panels += [cycle_composer(), kill_and_resume(), plateau_cuts(), warmup_map()]
    for panel in panels:
        for each in panel.shown()["chart"]["rows"]:
            rates = each["label"] in ("rate", "learning rate")
            lines = [one for one in each["lines"] if not one["dots"]]
            assert all(one["steps"] == rates or "%" in each["label"] for one in lines), panel.title


@pytest.mark.parametrize("far", [1e5, 1e9, 1e38, 1e199, 1e307])
def test_a_line_that_leaves_the_picture_keeps_its_direction_and_short_numbers(far):
    """And what comes back is drawn again; between two places far away on one side, nothing is."""
    xs, ys = [50, 60, 200, 90, 95], [0.5, far, 2 * far, 0.25, 0.5]
    pieces = path_of(line("", xs, ys, "red"))
    flat = [at for piece in pieces for at in piece]
    assert all(abs(number) <= 4000 for at in flat for number in at)
    assert pieces[0][0] == pytest.approx((343, 122), abs=12) and len(pieces) == 2
    assert len(pieces[1]) >= 2 or far > 1e9  # from so far away no direction is left
    dots = draw(chart("", "x", 0, 100, [row("y", [line("", xs, ys, "red", dots=True)], 0, 1)]))
    assert dots.count("<circle") == 3 and "e+" not in dots


def test_a_line_between_two_far_places_is_drawn_where_it_crosses_the_picture():
    (across,) = path_of(line("", [50, 50], [-1e6, 1e6], "red"))
    assert across == [(343, 4000), (343, -4000)]
    assert path_of(line("", [50, 1e7], [1e6, -1.0], "red")) == []


@pytest.mark.parametrize("log", [False, True])
def test_place_and_unplace_undo_each_other(log):
    axis = {"low": 0.01, "high": 100.0, "log": log}
    for value in (0.01, 0.5, 7, 100):
        assert unplace(place(value, axis, 60, 600), axis, 60, 600) == pytest.approx(value)
    assert place(None, axis, 0, 1) is None and place(math.nan, axis, 0, 1) is None
    assert (place(-1, axis, 0, 1) is None) == log


@pytest.mark.parametrize(
    "low, high, log, expected",
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0, 0.103, False, [0, 0.05, 0.1]),
        (-3, 7, False, [-2, 0, 2, 4, 6]),
        (1e-6, 1e-1, True, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
        (0.1, 1.5, True, [0.1, 0.2, 0.5, 1.0]),
    ],
)
def test_ticks_are_round_and_inside(low, high, log, expected):
    found = ticks({"low": low, "high": high, "log": log}, 5 if not log else 6)
    assert found == pytest.approx(expected)


def test_numbers_as_words():
    assert [short(n) for n in (12345.0, 1e7, 1e-5, -0.0, 99.95, math.nan)] == [
        "12300", "1e+07", "1e-05", "0", "100", "nan",
    ]  # fmt: skip
    assert fixed(2.5, 2) == "2.50"
    assert literal((1,), "(int)") == "(1,)" and literal(True, "bool") == "True"


def test_what_cannot_be_translated_is_an_error():
    with pytest.raises(Exception, match="Starred"):
        to_javascript(starred)


def starred(*many):
    return max(*many)


def rounded(number):
    return f"{number:.2f}"


def quoted(word):
    return f"{word!r}"


@pytest.mark.parametrize("function", [rounded, quoted])
def test_an_f_string_with_a_format_is_refused(function):
    with pytest.raises(ValueError, match="cannot be translated: the page knows no formats; take"):
        to_javascript(function)


def listed(values, data):
    return [values, data]


def test_a_name_that_the_page_has_already_is_refused():
    with pytest.raises(ValueError, match="listed cannot be translated: browser"):
        to_javascript(listed)
