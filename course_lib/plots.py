"""Figures: one message each, units on the axes, the same colour for the same schedule throughout.

Every function returns a matplotlib Figure that pyplot does not keep, so a notebook shows it once:
as the last line of a cell. In a notebook every figure, also one that was made without these
functions, is shown with an alternative text (`described`).
"""

import base64
import html
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from course_lib import needs
from course_lib.formulas.smoothing import smooth
from course_lib.looks import LOOKS as LOOKS
from course_lib.looks import PALETTE, look, looks
from course_lib.statistics import mean_interval
from course_lib.training import Run

with needs("course"):
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure, FigureBase
    from matplotlib.lines import Line2D

WIDTH, HEIGHT, DPI = 7.5, 3.2, 90
NUMBER = re.compile(r"\$.*\$|\d[eE]|\d[kM%]")  # of a tick that is no name


def described(figure: Figure) -> str:
    """What a figure shows, in words: titles, axes, and each labelled line with its first and last
    value, and the highest and lowest where it goes beyond these; other labels as they are.

    >>> described(plot_schedules({"a": lambda step: 0.1 * step, "b": lambda step: 1 - step}, 3))
    'learning rate over update: a from 0 to 0.2; b from 1 to -1.'
    """
    parts = [figure.get_suptitle()]
    for axes in figure.axes:
        parts += [axes.get_title(place) for place in ("left", "center", "right")]
        both = [_described_axis(axes.yaxis), _described_axis(axes.xaxis)]
        ticks = [tick.get_text() for tick in axes.get_yticklabels()]
        rows = [tick for tick in ticks if any(map(str.isalpha, NUMBER.sub("", tick)))]
        lines = [_described_line(axes, each) for each in axes.lines]
        named = zip(*axes.get_legend_handles_labels())
        lines += [label for each, label in named if not isinstance(each, Line2D)]
        parts.append(_joined(": ", [_joined(" over ", both), _joined("; ", [*rows, *lines])]))
    return " ".join(f"{_joined('. ', parts) or 'A figure without title and names'}.".split())


def _joined(between: str, parts: Iterable[str]) -> str:
    return between.join(filter(None, parts))


def _described_axis(axis: Axis) -> str:
    name, scale = axis.get_label_text(), axis.get_scale()
    return f"{name} ({scale} scale)" if name and scale != "linear" else name


def _described_line(axes: Axes, line: Line2D) -> str:
    label, ys = str(line.get_label()), np.asarray(line.get_ydata(orig=False), float)
    values = ys[np.isfinite(ys)]
    if label.startswith("_"):  # matplotlib's own, of a line without one
        return ""
    if line.get_transform() != axes.transData or not len(values):  # such as a mark at a place of x
        return label
    first, last, low, high = (f"{y:.3g}" for y in (values[0], values[-1], min(values), max(values)))
    text = f"{label} from {first} to {last}" if len(values) > 1 else f"{label} {first}"
    text += f", at most {high}" if high not in (first, last) else ""
    return text + (f", at least {low}" if low not in (first, last) else "")


def _as_html(figure: Figure) -> str | None:
    """The picture as a notebook shows it, with its words: JupyterLab gives a bare PNG none."""
    formatters = sys.modules["IPython"].get_ipython().display_formatter.formatters
    found = formatters["image/png"](figure)
    if found is None:
        return None
    png, size = found if isinstance(found, tuple) else (found, {})
    coded = png if isinstance(png, str) else base64.b64encode(png).decode()
    given = "".join(f' {name}="{size[name]}"' for name in ("width", "height") if name in size)
    alt = html.escape(described(figure), quote=True)
    return f'<img alt="{alt}"{given} src="data:image/png;base64,{coded.strip()}">'


if shell := "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
    # Not for Figure: what is registered for that, IPython drops when it chooses a format.
    shell.display_formatter.formatters["text/html"].for_type(FigureBase, _as_html)


def plot_schedules(
    schedules: Mapping[str, Callable[[int], float]], steps: int, *, log: bool = False
) -> Figure:
    """The rate of each update, straight from the formula: nothing is trained or stepped."""
    figure, axes = _figure()
    styles = looks(schedules)
    for label, schedule in schedules.items():
        rates = [schedule(step) for step in range(steps)]
        axes.plot(rates, label=label, **styles[label])
    _label(axes, "update", "learning rate", log=log)
    if len(schedules) > 1:
        _legend(axes)
        figure.set_figheight(max(HEIGHT, 0.5 + 0.22 * len(schedules)))  # room for every name
    return figure


def plot_runs(runs: Mapping[str, Run], *, log_rate: bool = False) -> Figure:
    """The applied rate of every update above the training loss (smoothed; faint: each batch).

    A cross marks the last update before a run diverged, at the top where its loss is higher still.
    """
    figure, (top, bottom) = _stacked(2)
    # A diverging run would squeeze all others into one line.
    ceiling = 1.5 * max((run.loss[0] for run in runs.values() if run.loss), default=1.0)
    styles, widths = looks(runs), _widths([run.lr for run in runs.values()])
    for (label, run), width in zip(runs.items(), widths):
        style = styles[label]
        if run.diverged is not None:
            label += f" (diverged at update {run.diverged})"
        top.plot(run.lr, label=label, linewidth=width, **style)
        # The longer the run, the denser its batches: drawn fainter, averaged over 1/40 of the run.
        count = max(1, len(run.loss))
        faint = min(0.3, max(0.06, 100 / count))
        bottom.plot(run.loss, color=style["color"], alpha=faint, linewidth=0.8, zorder=1)
        mean = smooth(run.loss, beta=1 - 1 / max(10, count / 40))
        bottom.plot(mean, linewidth=width, label=label, **style)
        if run.diverged is not None and run.loss:
            last = (len(run.loss) - 1, min(run.loss[-1], ceiling))
            bottom.plot(*last, "x", color=style["color"], markersize=9, clip_on=False)
    _label(top, "", "learning rate", log=log_rate)
    _label(bottom, "update", "training loss")
    bottom.set_ylim(0, ceiling)
    if len(runs) > 1 or any(run.diverged is not None for run in runs.values()):
        _legend(top)
    data = {run.data for run in runs.values()}
    top.set_title(", ".join(sorted(data)), fontsize=10, loc="left")
    return figure


def plot_record(
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    claim: float | None = None,
    band: float = 0.0,
    means: bool = True,
) -> Figure:
    """Test accuracy of recorded runs (`claims.record`): a dot per run, and below the dots of each
    label and framework their mean with its 95 % interval. Runs that diverged have no dot.

    Runs of one seed are at the same height in every row. `claim` is a published number, drawn as
    a line, with `band` to either side of it. `means=False` leaves the means out, where runs are of
    two kinds and no mean describes them.
    """
    rows = [
        (position, label, framework, [line for line in lines if line["framework"] == framework])
        for position, (label, lines) in enumerate(records.items())
        for framework in sorted({line["framework"] for line in lines}, reverse=True)
    ]
    figure, axes = _figure()
    figure.set_figheight(1.0 + 0.62 * len(rows))
    if claim is not None:
        axes.axvspan(100 * (claim - band), 100 * (claim + band), color="0.92", zorder=0)
        axes.axvline(100 * claim, color="0.45", linestyle="--", linewidth=1, zorder=1)
        text = f"printed: {100 * claim:.2f} %"
        axes.text(100 * claim, -0.65, f"{text} ", ha="right", va="center", fontsize=9, color="0.35")
    names = []
    for y, (position, label, framework, lines) in enumerate(rows):
        color = look(label, position)["color"]
        finished = [line for line in lines if line["test_accuracy"] is not None]
        values = [100 * line["test_accuracy"] for line in finished]
        heights = [y - 0.3 + 0.07 * (line["seed"] % 6) for line in finished]
        axes.plot(values, heights, "o", color=color, markersize=5, alpha=0.65)
        names.append(f"{label}\n{framework}, n = {len(finished)}")
        if means and finished:
            mean, half = mean_interval(values)
            axes.plot([mean - half, mean + half], [y + 0.26] * 2, color=color, linewidth=2)
            axes.plot(mean, y + 0.26, "D", color=color, markersize=6)
    axes.set_yticks(range(len(rows)), names, fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.9)
    _label(axes, "test accuracy in %", "")
    axes.grid(visible=False, axis="y")
    data = sorted({line["data"] for lines in records.values() for line in lines})
    title = f"{', '.join(data)}: dots are runs"
    title += ", diamonds their means with the 95 % interval" if means else ""
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    return figure


def plot_record_losses(
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    schedules: Mapping[str, Callable[[int], float]],
) -> Figure:
    """The planned rate above the recorded training loss of every epoch, a line per run; runs of one
    label look the same. `schedules` holds a schedule for each label, in updates."""
    figure, (top, bottom) = _stacked(2)
    styles = looks(records)
    for label, lines in records.items():
        style = styles[label]
        total, epochs = lines[0]["updates"], len(lines[0]["train_loss"])
        times = [step * epochs / total for step in range(total)]
        rates = [schedules[label](step) for step in range(total)]
        top.plot(times, rates, label=f"{label}\nn = {len(lines)}", **style)
        for line in lines:
            # An epoch's mean stands in the middle of its epoch, so that a drop shows where it is.
            middles = [epoch + 0.5 for epoch in range(len(line["train_loss"]))]
            bottom.plot(middles, line["train_loss"], alpha=0.7, linewidth=1, **style)
    _label(top, "", "learning rate")
    _label(bottom, "epoch", "training loss")
    bottom.set_ylim(bottom=0)
    _legend(top)
    data = sorted({line["data"] for lines in records.values() for line in lines})
    top.set_title(", ".join(data), fontsize=10, loc="left")
    return figure


def plot_finder(
    lrs: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    suggestions: Mapping[str, float],
) -> Figure:
    """A learning-rate sweep: the loss over the rate (smoothed; faint: each batch), and a line at
    every suggested rate."""
    figure, axes = _figure()
    styles = looks(suggestions)
    axes.plot(lrs, losses, color="0.45", alpha=0.4, linewidth=0.8, label="loss of each batch")
    axes.plot(lrs, smoothed, color="0.1", linewidth=1.6, label="smoothed")
    for method, lr in suggestions.items():
        axes.axvline(lr, **styles[method], label=f"{method}: {lr:.2g}")
    axes.set_xscale("log")
    _label(axes, "learning rate", "training loss")
    # The final rise would squeeze the fall, which is what there is to read, into one line.
    low, first = min(*losses, *smoothed), max(losses[0], smoothed[0])
    fall = (first - low) or 1.0
    axes.set_ylim(low - 0.15 * fall, first + 0.4 * fall)
    _legend(axes)
    return figure


def plot_answer(
    yours: Sequence[float],
    expected: Sequence[float],
    *,
    steps: Sequence[int],
    first: int,
    x: str,
    y: str,
) -> Figure:
    """A student's curve over the expected one: at `steps` on the x-axis, which is called `x`;
    `first` is the place of the first difference."""
    figure, axes = _figure()
    points = "o" if len(expected) <= 30 else None  # a point each, where there is room for them
    axes.plot(steps, expected, marker=points, color="0.65", linewidth=5, label="expected")
    axes.plot(steps, yours, marker=points, color=PALETTE[1], linestyle="--", label="yours")
    axes.axvline(steps[first], color="0.3", linestyle=":", zorder=0)
    ring: dict[str, Any] = {"markersize": 12, "markerfacecolor": "none", "markeredgewidth": 1.5}
    label = f"first difference: {x} {steps[first]}"
    axes.plot(steps[first], yours[first], "o", color="0.1", label=label, **ring)
    _label(axes, x, y)
    if len(expected) <= 30:
        axes.locator_params(axis="x", integer=True)
    _legend(axes)
    return figure


def plot_calibration(pairs: Sequence[tuple[float, bool]]) -> Figure:
    """How often what was said came true: `pairs` of a stated probability and whether it did.

    One point per fifth of the stated probabilities that is not empty, with its count and its 95 %
    interval (Wilson's, which is sensible for few). On the diagonal, odds are what they say.
    """
    figure, axes = _figure()
    axes.plot([0, 100], [0, 100], "--", color="0.45", label="odds that are what they say")
    groups: dict[int, list[tuple[float, bool]]] = {}
    for stated, true in pairs:
        groups.setdefault(min(int(5 * stated), 4), []).append((stated, true))
    for place, group in sorted(groups.items()):
        n, share = len(group), sum(true for _, true in group) / len(group)
        middle = 100 * sum(stated for stated, _ in group) / n
        low, high = _wilson(share, n)
        label = "came true, with its 95 % interval" if place == min(groups) else None
        axes.plot([middle] * 2, [100 * low, 100 * high], color=PALETTE[0], alpha=0.5)
        axes.plot(middle, 100 * share, "o", color=PALETTE[0], markersize=7, label=label)
        place_of_n: dict[str, Any] = dict(
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},  # the diagonal runs there
        )
        axes.annotate(f"n = {n}", (middle, 100 * high), **place_of_n)
    if not groups:
        axes.text(50, 50, "no prediction to score yet", ha="center", backgroundcolor="white")
    axes.set_xlim(-3, 108)
    axes.set_ylim(-3, 112)
    _label(axes, "stated probability in %", "share that came true in %")
    _legend(axes)
    return figure


def _wilson(share: float, n: int) -> tuple[float, float]:
    """The interval of a share of n: inside 0 and 1, and of some width also at 0 and at n of n."""
    z = 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _figure() -> tuple[Figure, Axes]:
    figure, (axes,) = _stacked(1)
    return figure, axes


def _widths(curves: Sequence[Sequence[float]]) -> list[float]:
    """A width for each curve, larger than those of later ones that lie on it: its edges show."""

    def together(one: Sequence[float], other: Sequence[float]) -> bool:
        equal = sum(a == b for a, b in zip(one, other))
        return equal > 0 and equal >= min(len(one), len(other)) / 10

    widths: list[float] = []  # from the last one on, which lies above all others
    for i, curve in reversed(list(enumerate(curves))):
        above = zip(reversed(curves[i + 1 :]), widths)
        widths.append(
            max((min(w + 2, 6) for later, w in above if together(curve, later)), default=1.5)
        )
    return widths[::-1]


def _stacked(rows: int) -> tuple[Figure, list[Axes]]:
    """A figure of panels below each other, which share their x-axis."""
    figure, axes = plt.subplots(
        rows,
        squeeze=False,
        figsize=(WIDTH, HEIGHT * (1 + 0.5 * (rows - 1))),
        dpi=DPI,
        sharex=True,
        layout="constrained",
    )
    plt.close(figure)  # else a notebook would show it twice
    return figure, list(axes[:, 0])


def _label(axes: Axes, x: str, y: str, *, log: bool = False) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if log:
        axes.set_yscale("log")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(axes: Axes) -> None:
    """Beside the picture, where it hides nothing."""
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
