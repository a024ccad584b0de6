"""Explorers: a slider, the picture of what it is set to, and the code that sets the same.

What a panel shows comes from pure functions, so that it can be tested without a browser. Where no
kernel runs (GitHub, a printed page) a panel is its first picture.
"""

import base64
import html
import io
import math
from collections.abc import Callable, Sequence

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from course_lib.parameters import Number, Whole
from course_lib.plots import DPI, HEIGHT, PALETTE, WIDTH

GOAL = 1e-6


def valley_path(start: float, *, lr: float, curvature: float, steps: int) -> list[float]:
    """Gradient descent on f(w) = curvature * w**2 / 2: the start, then w after each update.

        w(t + 1) = w(t) - lr * curvature * w(t) = (1 - lr * curvature) * w(t)

    >>> valley_path(1.0, lr=0.25, curvature=2.0, steps=3)
    [1.0, 0.5, 0.25, 0.125]
    """
    path = [start]
    for _ in range(steps):
        path.append(path[-1] - lr * curvature * path[-1])
    return path


def valley_regime(lr: float, curvature: float) -> str:
    """What the ball does at this rate, in words.

    >>> [valley_regime(lr, curvature=2.0) for lr in (0.1, 0.5, 0.9, 1.0, 1.1)]
    ['creeps', 'lands at once', 'jumps between the walls', 'jumps for ever', 'flies out']
    """
    factor = 1 - lr * curvature
    for exact, words in ((0, "lands at once"), (-1, "jumps for ever")):
        if math.isclose(factor, exact, abs_tol=1e-9):
            return words
    return "creeps" if factor > 0 else "jumps between the walls" if factor > -1 else "flies out"


def valley_report(lr: float, *, curvature: float = 2.0, steps: int = 12) -> str:
    """Where the ball ends, whether that reaches the goal, and the code that sets this rate."""
    edge, factor = 2 / curvature, 1 - lr * curvature
    end = abs(valley_path(1.0, lr=lr, curvature=curvature, steps=steps)[-1])
    fate = "converges" if lr < edge else "does not converge"
    reached = "reached" if end < GOAL else "not reached"
    return f"""\
The edge is 2/L = {edge:.3g}; lr = {lr:g} is {lr / edge:.3g} times the edge: it {fate}.
The ball {valley_regime(lr, curvature)}: each update multiplies w by 1 - lr L = {factor:.3g}.
Goal, |w| below {GOAL:g} after {steps} updates: {reached}, |w| is {end:.2g}.

course_lib  fit(Schedule(constant, lr={lr:g}), ...)
PyTorch     torch.optim.SGD(model.parameters(), lr={lr:g})
Keras       keras.optimizers.SGD(learning_rate={lr:g})"""


def plot_valley(rates: Sequence[float], *, curvature: float = 2.0, steps: int = 12) -> Figure:
    """For each rate, the ball's steps on the parabola, and its distance from the bottom."""
    many = len(rates) > 1
    # Fixed margins: to compute them takes longer than to draw, and a slider waits for the picture.
    margins = dict(left=0.09, right=0.98, bottom=0.17, top=0.88, wspace=0.28)
    if many:
        margins |= dict(bottom=0.11, wspace=0.1, hspace=0.4)
    figure, grid = plt.subplots(
        *((2, len(rates)) if many else (1, 2)),
        figsize=(WIDTH, HEIGHT * (1.5 if many else 0.9)),
        dpi=DPI,
        sharey="row" if many else False,
        gridspec_kw=margins,
    )
    plt.close(figure)
    walls = [i / 25 - 1.8 for i in range(91)]
    for lr, valley, distance in zip(rates, *grid.reshape(2, -1)):
        path = valley_path(1.0, lr=lr, curvature=curvature, steps=steps)
        heights = [curvature * w * w / 2 for w in path]
        valley.plot(walls, [curvature * w * w / 2 for w in walls], color="0.75", zorder=0)
        valley.plot(path, heights, "o-", color=PALETTE[1], markersize=4)
        valley.plot(1.0, heights[0], "o", color=PALETTE[1], markersize=9, fillstyle="none")
        valley.set(xlim=(-1.8, 1.8), ylim=(-0.15 * curvature, 1.6 * curvature))
        title = f"lr = {lr:g}" + ("\n" if many else ": ") + valley_regime(lr, curvature)
        valley.set_title(title, fontsize=9, loc="left")
        seen = [min(max(abs(w), 1e-12), 1e12) for w in path]  # a log axis has no place for 0
        distance.plot(seen, "o-", color=PALETTE[0], markersize=4)
        distance.axhline(GOAL, color="0.5", linestyle="--", linewidth=1)
        distance.text(steps, GOAL, "goal", ha="right", va="bottom", fontsize=8, color="0.4")
        distance.set(yscale="log", ylim=(1e-9, 1e3))
        for axes, x, y in ((valley, "weight w", "loss L w² / 2"), (distance, "update", "|w|")):
            axes.set_xlabel(x)
            axes.set_ylabel(y if lr == rates[0] else "")
            axes.grid(alpha=0.25)
            axes.spines[["top", "right"]].set_visible(False)
    return figure


class Panel(ipywidgets.VBox):
    """A slider and a field for one learning rate; below, what `draw` (rate -> Figure) and `report`
    (rate -> words) make of it."""

    def __init__(self, lr: float, limits: tuple[float, float], draw: Callable, report: Callable):
        low, high = limits
        self.slider = ipywidgets.FloatLogSlider(
            lr, min=math.log10(low), max=math.log10(high), step=0.01, readout=False
        )
        self.slider.description = "learning rate"
        self.slider.style.description_width = "initial"  # the default cuts the label short
        self.number = ipywidgets.BoundedFloatText(lr, min=low, max=high, description="lr =")
        self.picture = ipywidgets.Image(format="png")
        self.picture.layout.align_self = "flex-start"  # in its own size: stretched, it is blurred
        self.text = ipywidgets.HTML()
        self._draw, self._report = draw, report
        self.slider.observe(lambda change: self._read(change.new), "value")
        self.number.observe(lambda change: self._show(change.new), "value")
        self._show(lr)
        super().__init__([ipywidgets.HBox([self.slider, self.number]), self.picture, self.text])

    def _read(self, power: float) -> None:
        # The browser moves the handle to the next step and says so: a typed 0.5 is to stay 0.5.
        if not self._same(power, self.number.value):
            self.number.value = float(f"{power:.3g}")

    def _show(self, lr: float) -> None:
        # Not while it is dragged: a value that comes back late would pull the handle away.
        if not self._same(self.slider.value, lr):
            self.slider.value = lr
        stream = io.BytesIO()
        self._draw(lr).savefig(stream, format="png")
        self.picture.value = stream.getvalue()
        # An image in a panel has no alt text; the report stands in for it and is read out.
        self.text.value = (
            f'<pre role="status" aria-live="polite">{html.escape(self._report(lr))}</pre>'
        )

    def _same(self, one: float, other: float) -> bool:
        """Whether two rates lie within half a step of the slider."""
        return abs(math.log10(one / other)) <= 0.51 * self.slider.step

    def _repr_mimebundle_(self, **kwargs):
        """The live panel, and the picture and the report for where there is no kernel."""
        still = {
            "text/plain": self._report(self.number.value),
            "image/png": base64.b64encode(self.picture.value).decode(),
        }
        return {**super()._repr_mimebundle_(**kwargs), **still}


def valley(lr: float = 0.3, curvature: float = 2.0, steps: int = 12) -> Panel:
    """The ball between the walls of the valley f(w) = curvature * w**2 / 2, starting at w = 1, for
    rates from a hundredth of the edge 2 / curvature to twice the edge.

    >>> "jumps between the walls" in valley(lr=0.9).text.value
    True
    """
    Whole(low=1).check("steps", steps)
    edge = 2 / Number(above=True).check("curvature", curvature)
    low, high = 0.01 * edge, 2 * edge
    if not low <= Number().check("lr", lr) <= high:
        raise ValueError(f"lr must be a number from {low:g} to {high:g}, got {lr!r}")
    settings = dict(curvature=curvature, steps=steps)
    return Panel(
        lr,
        (low, high),
        draw=lambda lr: plot_valley([lr], **settings),
        report=lambda lr: valley_report(lr, **settings),
    )
