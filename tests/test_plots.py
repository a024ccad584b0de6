"""Figures: what a reader can tell from them, read off the artists and not off pixels."""

import io
import math
import warnings
from itertools import pairwise

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from course_lib import GALLERY, Schedule
from course_lib.finder.suggestions import METHODS
from course_lib.plots import (
    LOOKS,
    PALETTE,
    described,
    look,
    looks,
    mean_interval,
    plot_answer,
    plot_calibration,
    plot_finder,
    plot_record,
    plot_record_losses,
    plot_runs,
    plot_schedules,
    smooth,
)
from course_lib.schedules import linear
from course_lib.training import Run


def run(losses=(2.0, 1.5, 1.0), lr=0.1, diverged=None, data="MNIST"):
    made = Run("a schedule", "torch", "mlp", data, 64, 0, 0.0, diverged=diverged)
    made.loss, made.lr = list(losses), [lr] * len(losses)
    return made


def recorded(framework="torch", seeds=3, **fields):
    return [
        {
            "framework": framework,
            "seed": seed,
            "data": "MNIST",
            "updates": 20,
            "train_loss": [0.5 + seed / 10, 0.25],
            "test_accuracy": 0.97 + seed / 1000,
        }
        | fields
        for seed in range(seeds)
    ]


FALLING = Schedule(linear, peak_lr=0.5, total_steps=20)
PAIR = {"cosine": GALLERY["cosine"], "linear": GALLERY["linear"]}
RUNS = {"cosine": run(), "linear": run([2.5, 1e6], diverged=2)}
RECORDS = {"cosine": recorded() + recorded("tensorflow"), "linear": recorded()}

# Each figure, its axes from top to bottom as (x label, y label), and the words in its legend.
FIGURES = {
    "schedules": (lambda: plot_schedules(PAIR, 50), [("update", "learning rate")], [*PAIR]),
    "schedules, log": (
        lambda: plot_schedules(PAIR, 50, log=True),
        [("update", "learning rate")],
        [*PAIR],
    ),
    "schedules, all": (
        lambda: plot_schedules(GALLERY, 50),
        [("update", "learning rate")],
        [*GALLERY],
    ),
    "runs": (
        lambda: plot_runs(RUNS),
        [("", "learning rate"), ("update", "training loss")],
        ["cosine", "linear (diverged at update 2)"],
    ),
    "record": (
        lambda: plot_record(RECORDS, claim=0.9742, band=0.003),
        [("test accuracy in %", "")],
        [],  # its rows are named on the axis
    ),
    "record, losses": (
        lambda: plot_record_losses(RECORDS, {"cosine": FALLING, "linear": FALLING}),
        [("", "learning rate"), ("epoch", "training loss")],
        ["cosine\nn = 6", "linear\nn = 3"],
    ),
    "answer": (
        lambda: plot_answer([1, 2], [1, 3], steps=[0, 1], first=1, x="update", y="learning rate"),
        [("update", "learning rate")],
        ["expected", "yours", "first difference: update 1"],
    ),
}


def legend(figure):
    return [
        text.get_text()
        for axes in figure.axes
        if axes.get_legend()
        for text in axes.get_legend().get_texts()
    ]


def lines(axes):
    """The lines with a name, by their name."""
    return {
        line.get_label(): line
        for line in axes.get_lines()
        if line.get_label() and not line.get_label().startswith("_")
    }


def crosses(axes):
    return [line for line in axes.get_lines() if line.get_marker() == "x"]


def is_inside(axes, line):
    """Whether every point of the line is within the limits, where it can be seen."""
    (left, right), (low, high) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    xs, ys = line.get_xdata(), line.get_ydata()
    return all(left <= x <= right for x in xs) and all(low <= y <= high for y in ys)


# --- every figure ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIGURES)
def test_axes_have_labels_and_lines_have_names(name):
    draw, labels, names = FIGURES[name]
    figure = draw()
    assert [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes] == labels
    assert legend(figure) == names


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_drawn_without_a_warning_and_is_shown_once(name):
    plt.close("all")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = FIGURES[name][0]()
        figure.savefig(picture := io.BytesIO(), format="png")
    assert picture.getvalue().startswith(b"\x89PNG")
    assert plt.get_fignums() == []  # pyplot would show what it knows once more


# --- colours --------------------------------------------------------------------------------------


def test_every_schedule_of_the_gallery_has_a_look_of_its_own():
    assert LOOKS.keys() == {*GALLERY, *METHODS}
    looks = [tuple(look(name).values()) for name in GALLERY]
    # More schedules than looks share some; within a figure, `looks` tells them apart.
    assert len(set(looks)) == min(len(looks), 49)


def light(color):
    """The relative luminance of a colour, as WCAG defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", PALETTE)
def test_every_colour_has_three_to_one_on_white_and_on_a_dark_page(color):
    assert 1.05 / (light(color) + 0.05) >= 3
    if color != "#000000":  # which widgets draw in the colour of the text
        assert (light(color) + 0.05) / (light("#131416") + 0.05) >= 3


def test_neighbouring_lines_differ_by_their_dashes_too():
    for styles in ([look("", i) for i in range(49)], list(looks("abcdefg").values())):
        for each, following in pairwise(styles):
            assert each["linestyle"] != following["linestyle"]
            assert each["color"] != following["color"]
    families = ["constant", "linear", "polynomial", "cosine", "step_decay", "multistep"]
    assert len({str(style["linestyle"]) for style in looks(families).values()}) == len(families)


def test_the_same_schedule_looks_the_same_in_every_figure():
    first = {"cosine": GALLERY["cosine"], "exponential: smooth": GALLERY["exponential"]}
    second = {"linear": GALLERY["linear"], **dict(reversed(first.items()))}
    seen = {name: set() for name in first}
    for labels in (first, second):
        for figure in (
            plot_schedules(labels, 20),
            plot_runs({label: run() for label in labels}),
        ):
            for name in first:
                line = lines(figure.axes[0])[name]
                seen[name].add((line.get_color(), line.get_linestyle()))
        both = plot_runs({label: run() for label in labels}).axes[1]
        smoothed = [line for line in both.get_lines() if line.get_alpha() is None]
        for label, line in zip(labels, smoothed, strict=True):
            if label in seen:
                seen[label].add((line.get_color(), line.get_linestyle()))
    assert [len(looks) for looks in seen.values()] == [1, 1]
    assert seen["cosine"] != seen["exponential: smooth"]


def test_a_line_that_is_alone_has_no_dashes():
    (style,) = looks(["cosine"]).values()
    assert style == {**look("cosine"), "linestyle": "-"} != look("cosine")


def test_the_longest_name_decides_and_other_labels_go_by_position(monkeypatch):
    monkeypatch.setitem(LOOKS, "cosine_restarts", {"color": "red", "linestyle": ":"})
    assert look("cosine_restarts, 3 cycles")["color"] == "red"
    assert look("cosine, once") == LOOKS["cosine"] != look("cosine_restarts")
    others = [tuple(look("0.1", position).values()) for position in range(49)]
    assert len(set(others)) == 49
    assert look("0.1", 49) == look("0.1", 0)  # more lines than looks are drawn all the same


# --- schedules and answers ------------------------------------------------------------------------


def test_a_schedule_is_drawn_from_its_formula():
    axes = plot_schedules({"mine": FALLING}, 25).axes[0]
    (line,) = axes.get_lines()
    assert list(line.get_ydata()) == FALLING.values(25)
    assert list(line.get_xdata()) == list(range(25))
    assert axes.get_legend() is None  # one line needs no key
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "linear")
    assert plot_schedules({"mine": FALLING}, 25, log=True).axes[0].get_yscale() == "log"


def test_the_first_difference_of_an_answer_is_ringed_at_its_step():
    curves = dict(yours=[1, 2, 5], expected=[1, 3, 4], steps=[0, 10, 700])
    axes = plot_answer(**curves, first=1, x="epoch", y="rate").axes[0]
    drawn = lines(axes)
    assert list(drawn)[:2] == ["expected", "yours"]  # the later one lies on top
    for name in ("expected", "yours"):
        assert (list(drawn[name].get_xdata()), list(drawn[name].get_ydata())) == (
            curves["steps"],
            curves[name],
        )
    looks = {(drawn[name].get_color(), drawn[name].get_linestyle()) for name in list(drawn)[:2]}
    assert len(looks) == 2
    ring = drawn["first difference: epoch 10"]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([10], [2])


# --- runs -----------------------------------------------------------------------------------------


def test_runs_show_the_applied_rates_above_the_loss_of_every_batch_and_its_average():
    losses = [2.0, 1.0, 3.0, 0.5]
    top, bottom = plot_runs({"mine": run(losses, lr=0.25)}).axes
    assert list(top.get_lines()[0].get_ydata()) == [0.25] * 4
    batches, average = bottom.get_lines()
    assert list(batches.get_ydata()) == losses and batches.get_alpha() < 0.5
    assert list(average.get_ydata()) == smooth(losses)
    assert batches.get_color() == average.get_color() == top.get_lines()[0].get_color()
    assert top.get_shared_x_axes().joined(top, bottom)


def test_a_run_that_lies_below_another_is_drawn_wider():
    high, drop, low = run(), run(), run()
    high.lr, drop.lr, low.lr = [0.8] * 10, [0.8] * 6 + [0.1] * 4, [0.1] * 10
    figure = plot_runs({"high": high, "drop": drop, "low": low})
    assert [line.get_linewidth() for line in figure.axes[0].lines] == [5.5, 3.5, 1.5]
    apart = plot_runs({"high": high, "low": low})
    assert [line.get_linewidth() for line in apart.axes[0].lines] == [1.5, 1.5]


def test_runs_have_a_log_axis_for_the_rate_when_asked():
    for log_rate, scale in ((True, "log"), (False, "linear")):
        top, bottom = plot_runs({"mine": run()}, log_rate=log_rate).axes
        assert (top.get_yscale(), bottom.get_yscale()) == (scale, "linear")


def test_runs_are_titled_with_their_data():
    runs = {"a": run(data="MNIST"), "b": run(data="STAND-IN for MNIST"), "c": run(data="MNIST")}
    assert plot_runs(runs).axes[0].get_title(loc="left") == "MNIST, STAND-IN for MNIST"


@pytest.mark.parametrize("others", [{}, {"calm": run()}], ids=["alone", "among others"])
@pytest.mark.parametrize("losses", [[2.0, 2.5], [2.3, 900.0, 2100.0]], ids=["small", "huge"])
def test_a_diverged_run_has_a_cross_in_sight_and_the_word_with_its_update(losses, others):
    figure = plot_runs({**others, "wild": run(losses, diverged=len(losses))})
    top, bottom = figure.axes
    assert f"wild (diverged at update {len(losses)})" in legend(figure)
    (cross,) = crosses(bottom)
    assert list(cross.get_xdata()) == [len(losses) - 1]
    assert cross.get_color() == list(lines(top).values())[-1].get_color()
    figure.canvas.draw()
    assert is_inside(bottom, cross)


def test_runs_that_did_not_diverge_have_no_cross():
    figure = plot_runs({"a": run(), "b": run()})
    assert crosses(figure.axes[1]) == []
    assert "diverged" not in " ".join(legend(figure))


def test_a_run_that_diverged_at_once_is_named_too():
    figure = plot_runs({"wild": run([], diverged=0), "calm": run()})
    assert legend(figure) == ["wild (diverged at update 0)", "calm"]
    alone = plot_runs({"wild": run([], diverged=0)})
    assert legend(alone) == ["wild (diverged at update 0)"]
    alone.savefig(io.BytesIO(), format="png")


def test_a_huge_loss_does_not_squeeze_the_others_into_one_line():
    calm = [2.3 - 0.1 * step for step in range(20)]
    bottom = plot_runs({"calm": run(calm), "wild": run([2.4, 1e3, 1e9], diverged=3)}).axes[1]
    assert bottom.get_ylim() == pytest.approx((0, 1.5 * 2.4))
    low, high = bottom.get_ylim()
    assert (max(calm) - min(calm)) / (high - low) > 0.4


# --- records --------------------------------------------------------------------------------------


def test_a_record_has_a_row_per_label_and_framework_and_a_dot_per_run():
    axes = plot_record(RECORDS).axes[0]
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == ["cosine\ntorch, n = 3", "cosine\ntensorflow, n = 3", "linear\ntorch, n = 3"]
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    means = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert [list(line.get_xdata()) for line in dots] == [pytest.approx([97.0, 97.1, 97.2])] * 3
    assert [list(line.get_xdata()) for line in means] == [pytest.approx([97.1])] * 3
    for row, (line, mean) in enumerate(zip(dots, means)):
        heights = list(line.get_ydata())
        assert len(set(heights)) == 3  # equal results of two seeds stay two dots
        assert all(row - 0.5 < height < mean.get_ydata()[0] < row + 0.5 for height in heights)
        assert is_inside(axes, line) and is_inside(axes, mean)
    assert dots[0].get_color() == dots[1].get_color() != dots[2].get_color()
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is on top


def test_a_record_shows_the_interval_of_the_mean_and_a_published_number():
    figure = plot_record({"linear": recorded()}, claim=0.9742, band=0.003)
    (axes,) = figure.axes
    mean, half = mean_interval([97.0, 97.1, 97.2])
    bars = [list(line.get_xdata()) for line in axes.get_lines() if line.get_linewidth() == 2]
    assert pytest.approx([mean - half, mean + half]) in bars
    printed = [list(line.get_xdata()) for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert printed == [pytest.approx([97.42, 97.42])]
    (band,) = axes.patches
    assert (band.get_x(), band.get_width()) == (pytest.approx(97.12), pytest.approx(0.6))
    assert [text.get_text().strip() for text in axes.texts] == ["printed: 97.42 %"]
    assert "MNIST" in figure.get_suptitle()
    plain = plot_record({"linear": recorded()}).axes[0]
    assert list(plain.patches) == list(plain.texts) == []


def test_a_record_of_runs_of_two_kinds_can_leave_out_means_that_describe_none():
    figure = plot_record({"linear": recorded()}, means=False)
    assert [line.get_marker() for line in figure.axes[0].get_lines()] == ["o"]
    assert figure.get_suptitle() == "MNIST: dots are runs"


def test_a_recorded_run_that_diverged_has_no_dot_and_moves_no_mean():
    diverged = {"seed": 9, "test_accuracy": None, "diverged": 4}
    axes = plot_record({"linear": [*recorded(), recorded()[0] | diverged]}).axes[0]
    (dots,) = (line for line in axes.get_lines() if line.get_marker() == "o")
    (mean,) = (line for line in axes.get_lines() if line.get_marker() == "D")
    assert len(dots.get_xdata()) == 3
    assert list(mean.get_xdata()) == pytest.approx([97.1])


def test_recorded_losses_stand_in_the_middle_of_their_epoch_under_the_planned_rate():
    figure = plot_record_losses({"linear": recorded()}, {"linear": FALLING})
    top, bottom = figure.axes
    (plan,) = top.get_lines()
    assert list(plan.get_ydata()) == FALLING.values(20)
    assert list(plan.get_xdata()) == pytest.approx([step / 10 for step in range(20)])
    assert [list(line.get_xdata()) for line in bottom.get_lines()] == [[0.5, 1.5]] * 3
    assert [list(line.get_ydata()) for line in bottom.get_lines()] == [
        [0.5 + seed / 10, 0.25] for seed in range(3)
    ]
    drawn = {(line.get_color(), line.get_linestyle()) for line in bottom.get_lines()}
    assert drawn == {(plan.get_color(), plan.get_linestyle())} == {("#D55E00", "-")}
    assert bottom.get_ylim()[0] == 0
    assert top.get_title(loc="left") == "MNIST"


# --- numbers --------------------------------------------------------------------------------------


def test_smooth_is_what_a_hand_computation_gives():
    # m: 0.5, 0.25, 2.125; divided by 1 - 0.5, 1 - 0.25, 1 - 0.125
    assert smooth([1.0, 0.0, 4.0], beta=0.5) == pytest.approx([1.0, 1 / 3, 17 / 7])
    assert smooth([3.0], beta=0.95) == pytest.approx([3.0])
    assert smooth([]) == []
    assert smooth([5.0, 1.0, 2.0], beta=0.0) == [5.0, 1.0, 2.0]
    noisy = np.random.default_rng(0).normal(2, 1, 1000)
    assert np.std(smooth(noisy)[200:]) < 0.3


def test_the_interval_of_a_mean_is_what_tables_say():
    # t(4) = 2.776; the standard deviation of 1..5 is sqrt(2.5)
    mean, half = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean == 3.0 and half == pytest.approx(2.776 * math.sqrt(2.5 / 5), rel=1e-3)
    mean, half = mean_interval([7.0])
    assert mean == 7.0 and math.isnan(half)
    assert mean_interval([2.0, 2.0]) == (2.0, 0.0)


def test_two_lines_of_one_schedule_are_told_apart():
    labels = ["cosine 0.1", "cosine 0.3", "linear", "anything", *(f"cosine {i}" for i in range(9))]
    styles = looks(labels)
    assert styles["cosine 0.1"] == look("cosine")
    assert styles["linear"] == look("linear")
    seen = [tuple(sorted(style.items())) for style in styles.values()]
    assert len(set(seen)) == len(labels)


def test_a_row_of_the_record_whose_runs_all_diverged_is_empty_and_says_so():
    lost = {"framework": "torch", "seed": 0, "data": "MNIST", "test_accuracy": None}
    axes = plot_record({"high": [lost], "right": [{**lost, "test_accuracy": 0.5}]}).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "high\ntorch, n = 0",
        "right\ntorch, n = 1",
    ]
    assert [50.0] in [list(line.get_xdata()) for line in axes.lines]


def test_rules_of_one_s_own_have_lines_that_differ_in_a_finder_figure():
    figure = plot_finder([0.1, 1], [2.0, 1.0], [2.0, 1.0], {"mine": 0.1, "yours": 0.2})
    mine, yours = figure.axes[0].get_lines()[-2:]
    assert mine.get_color() != yours.get_color()


def test_a_count_on_the_diagonal_of_a_calibration_is_not_struck_through():
    figure = plot_calibration([(0.5, True)] * 20 + [(0.5, False)] * 22)
    (count,) = figure.axes[0].texts
    assert count.get_text() == "n = 42"
    assert count.get_bbox_patch().get_facecolor()[:3] == (1, 1, 1)
    assert count.get_zorder() > figure.axes[0].get_lines()[0].get_zorder()


def test_a_figure_is_described_by_its_titles_axes_and_lines():
    assert described(plot_runs(RUNS)) == (
        "MNIST. learning rate: cosine from 0.1 to 0.1; linear (diverged at update 2) from 0.1 to "
        "0.1. training loss over update: cosine from 2 to 1.46; linear (diverged at update 2) from "
        "2.5 to 5.26e+05."
    )
    rows = "cosine torch, n = 3; cosine tensorflow, n = 3; linear torch, n = 3"
    assert described(plot_record(RECORDS)).endswith(f"test accuracy in %: {rows}.")
    found = described(plot_finder([0.1, 1.0], [3.0, 1.0], [2.0, math.nan], {"valley": 0.5}))
    assert "over learning rate (log scale): loss of each batch from 3 to 1; smoothed 2;" in found
    figure, axes = plt.subplots()
    axes.plot([0, 1, 2, 3], [1, -5, 9, 2], label="<b>")
    axes.plot(["a", "b"], ["c", "d"])
    plt.close(figure)
    assert described(figure) == "c; d; <b> from 1 to 2, at most 9, at least -5."
    figure, axes = plt.subplots()
    axes.bar([0, 1], [1, 2], label="runs")
    axes.set_yticks([0, 1e-6, 2000], ["0", "1e\N{MINUS SIGN}06", "2k"])
    assert described(figure) == "runs."
    assert described(plt.Figure()) == "A figure without title and names."


SHOWN = """
plt.close()
plt.plot([1, 2], label="<b>")
plt.show()
"""


@pytest.mark.parametrize("settings", ["", "%config InlineBackend.figure_format = 'retina'"])
def test_a_notebook_shows_every_figure_with_its_words(settings, monkeypatch):
    monkeypatch.delenv("MPLBACKEND")  # a learner's kernel draws into the notebook
    imports = "import course_lib.plots, matplotlib.pyplot as plt"
    cells = [nbformat.v4.new_code_cell(each) for each in (imports, settings, SHOWN)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3").execute()
    (output,) = cells[-1].outputs
    alt, _, picture = output.data["text/html"].partition(' src="data:image/png;base64,')
    size = output.metadata.get("image/png", {})  # of a picture with two pixels for each of the page
    words = "".join(f' {name}="{value}"' for name, value in sorted(size.items(), reverse=True))
    assert alt == f'<img alt="&lt;b&gt; from 1 to 2."{words}' and bool(size) == bool(settings)
    assert picture == output.data["image/png"].strip() + '">'
