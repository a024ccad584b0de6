"""A panel: a few controls, the picture of what they are set to, and the code that sets the same.

All that a panel knows is a pure function `view(values, data)`, which Python calls for the still
picture and for tests, and the browser, in translation, whenever a control moves. So a panel answers
at once, with or without a kernel, in a page without a server, after an export to HTML; nothing is
loaded from anywhere.

`view` returns a dictionary
- chart: what `chart.chart` made.
- report: what there is to see, in words; a screen reader reads it out.
- code: pairs (heading, code) to copy.
- reached: whether the goal is reached; None where there is no goal.
- missing: if the view knows it, what keeps the goal from being reached, in a few words.
"""

import base64
import html
import json
import textwrap
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.formulas.parameters import Choice
from course_lib.rosetta import derived, own_lr, plain, torch_until, whole
from course_lib.widgets import schedules
from course_lib.widgets.chart import FONT, WIDTH, draw, escape, layout, unplace
from course_lib.widgets.controls import Control, slider_place, slider_value
from course_lib.widgets.javascript import browser, to_javascript

HERE = Path(__file__).parent
STILL = "A picture: run this cell to move it."
NO_SCRIPT = "A picture: to move it, run this cell, or turn JavaScript on."


@dataclass(frozen=True)
class Panel:
    """Controls and what `view` makes of them; shown in a notebook, it is live.

    `data` are constants that the view needs, as JSON knows them. With `gallery`, the view can make
    any schedule of GALLERY (see schedules.py).
    """

    title: str
    controls: tuple[Control, ...]
    view: Callable[[dict[str, Any], Any], dict[str, Any]]
    data: Any = None
    goal: str = ""
    gallery: bool = False
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = {each.name: each.value for each in self.controls}
        for name in self.values:
            Choice(tuple(known)).check("a panel's control", name)
        object.__setattr__(self, "values", known | self.values)

    def at(self, values: Mapping[str, Any] | None = None, **more: Any) -> "Panel":
        """The same panel with some of its controls set."""
        return replace(self, values={**self.values, **(values or {}), **more})

    def shown(self) -> dict[str, Any]:
        """What `view` says at these values."""
        return self.view(self.values, self.data)

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        return self.shown()["reached"]

    @property
    def report(self) -> str:
        """What the picture shows, in words, with the goal and the code."""
        shown = self.shown()
        lines = [shown["report"]]
        if self.goal:
            lines.append(verdict(self.goal, shown["reached"], shown.get("missing", "")))
        lines += [f"{heading}\n{code}" for heading, code in shown["code"]]
        return "\n\n".join(lines)

    @property
    def alt(self) -> str:
        """What the still picture shows, in whole sentences."""
        goal = f" Goal: {self.goal}." if self.goal else ""
        return f"{self.shown()['chart']['label'].removesuffix('.')}.{goal} {STILL}"

    def svg(self) -> str:
        """The picture as it stands."""
        return draw(self.shown()["chart"])

    def still(self) -> str:
        """The picture under the goal, and the word that it is only a picture."""
        picture = self.shown()["chart"]
        words = textwrap.wrap(f"Goal: {self.goal}.", 84) if self.goal else []
        lines = [
            f"<text x='14' y='{16 + 18 * i}'>{escape(each)}</text>"
            for i, each in enumerate([*words, STILL])
        ]
        top, height = 18 * len(lines) + 8, layout(picture)["height"]
        inner = draw(picture).replace(
            "<svg ", f"<svg y='{top}' width='{WIDTH}' height='{height}' ", 1
        )
        return (
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {top + height}' {FONT} "
            f"fill='currentColor'>{''.join(lines)}{inner}</svg>"
        )

    def png(self) -> bytes:
        """The still picture, for where no SVG is shown."""
        import resvg_py
        from matplotlib import get_data_path

        # The font of the other figures: the same picture on every machine.
        fonts = [str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")]
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=self.still().replace("currentColor", "#222"),
                font_files=fonts,
                skip_system_fonts=True,
                sans_serif_family="DejaVu Sans",
                font_family="DejaVu Sans",
                background="white",
                zoom=2,
            )
        )

    def html(self) -> str:
        """The live panel as a piece of a page, with the still picture for where no script runs."""
        spot = f"lr-{uuid.uuid4().hex[:12]}"
        picture = base64.b64encode(self.svg().replace("currentColor", "#222").encode()).decode()
        alt = html.escape(self.alt.replace(STILL, NO_SCRIPT), quote=True)
        return f"""\
<style>{_style()}</style>
<section class="lr-panel" id="{spot}" aria-label="{html.escape(self.title, quote=True)}">
<p>{NO_SCRIPT}</p>
<img alt="{alt}" width="{WIDTH}" style="background: white"
src="data:image/svg+xml;base64,{picture}">
<pre>{html.escape(self.report)}</pre>
</section>
<script>(() => {{
{self.script()}
const before = document.currentScript?.previousElementSibling; // in each of two views its own
const root = before?.id === "{spot}" ? before : document.getElementById("{spot}");
mount(root, {_safe(self.spec())}, {self.view.__name__});
}})();</script>"""

    def page(self) -> str:
        """The live panel as a page of its own, with nothing else to load."""
        return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(self.title)}</title>
<style>:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}
body {{ margin: 1rem auto; max-width: 75rem; padding: 0 1rem; }}</style>
</head>
<body>
<h1>{html.escape(self.title)}</h1>
{self.html()}
</body>
</html>
"""

    def script(self) -> str:
        """All the JavaScript of this panel: the view and its formulas, and what moves them."""
        needed = [self.view, draw, unplace, slider_place, slider_value, verdict]
        writers = tables = ""
        if self.gallery:
            writers, tables = schedules.tables()
            needed += [*schedules.FORMULAS.values(), own_lr, torch_until, plain, derived, whole]
        return "\n".join([browser(), to_javascript(*needed, source=writers), tables, _script()])

    def spec(self) -> dict[str, Any]:
        """What the script is told: plain values only."""
        controls = [vars(each) for each in self.controls]
        return {
            "title": self.title,
            "goal": self.goal,
            "controls": controls,
            "values": self.values,
            "data": self.data,
        }

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live panel, and the picture and the words for where it cannot be."""
        data = {
            "text/html": self.html(),
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": self.report,
        }
        return data, {"image/png": {"alt": self.alt, "width": 640}}

    def __repr__(self) -> str:
        return f"<{self.title}: {self.values}>"


def verdict(goal, reached, missing):
    """The goal, whether it is reached, and what is missing; read by the browser, too.

    >>> verdict("a low loss", False, "it is 0.5")
    'Goal: a low loss - not reached: it is 0.5.'
    """
    why = f": {missing}" if missing else ""
    return f"Goal: {goal} - reached." if reached else f"Goal: {goal} - not reached{why}."


def _safe(value: Any) -> str:
    """JSON that may stand inside of a script tag."""
    return json.dumps(value).replace("<", "\\u003c")


@cache
def _script() -> str:
    parts = ("controls.js", "panel.js")
    return "".join((HERE / name).read_text(encoding="utf-8") for name in parts)


@cache
def _style() -> str:
    return (HERE / "panel.css").read_text(encoding="utf-8")
