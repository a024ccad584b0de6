"""The page of claims: each with its estimates drawn, each experiment with its record."""

import html
import math
import re
import string
from typing import TYPE_CHECKING

from site_pages import ROOT, Pages, fenced

if TYPE_CHECKING:
    from course_lib.claims import Claim

DRAWN = (
    "Where a sentence has intervals, they are drawn below it: a dot for the mean, a line for its "
    "95 % interval. The names are those of the numbers in the claim's own code."
)


def claims_page(pages: Pages) -> None:
    """docs/claims.md, each claim with its estimates drawn, each experiment with its record."""
    from course_lib.claims import CLAIMS, EXPERIMENTS

    path = ROOT / "docs" / "claims.md"
    lines = []
    figure = ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        heading = re.fullmatch(r"## (\S+)", line)
        if heading and heading.group(1) in CLAIMS:
            drawn = estimates(CLAIMS[heading.group(1)])
            figure = fenced("{raw} html", drawn) if drawn else ""
            if not any(each.startswith("## ") for each in lines):
                lines += [DRAWN, ""]
        if line.startswith("- Experiment:"):
            if figure:
                lines += [figure, ""]
            known = rf"`({'|'.join(map(re.escape, EXPERIMENTS))})`"
            line = re.sub(known, _with_record, line)
        lines.append(line)
    pages.file("docs/claims.md", pages.bend("\n".join(lines), path, "docs/claims.md"))


def _with_record(match: re.Match) -> str:
    record = ROOT / "records" / f"{match.group(1)}.jsonl"
    return f"[{match.group()}](../records/{record.name})" if record.exists() else match.group()


def estimates(claim: "Claim") -> str:
    """The estimates of a claim's sentence with their 95 % intervals, as SVG; "" if it has none."""
    from course_lib.claims import Estimate

    fields = [field for _, field, _, _ in string.Formatter().parse(claim.sentence) if field]
    rows = []
    for field in dict.fromkeys(fields):
        framework, _, name = field.partition(".")
        value = vars(claim.numbers(framework)).get(name) if framework in claim.frameworks else None
        if isinstance(value, Estimate):
            rows.append((framework, name.replace("_", " "), value))
    if not rows:
        return ""
    low = min(row[2].low for row in rows)
    high = max(row[2].high for row in rows)
    if low > 0 and low < high - low:  # zero is near enough to be shown
        low = 0
    if high < 0 and -high < high - low:
        high = 0
    left, right, width = 200, 20, 640
    room = (high - low) or 1.0
    low, high = low - 0.04 * room, high + 0.04 * room

    def at(value: float) -> float:
        return round(left + (value - low) / (high - low) * (width - left - right), 1)

    bottom = 8 + 20 * len(rows)
    drawn = [f'<path class="axis" d="M{left} {bottom}H{width - right}"/>']
    for tick in ticks(low, high):
        drawn.append(f'<path class="axis" d="M{at(tick)} {bottom}v4"/>')
        label = f"{tick:g}".replace("-", "\N{MINUS SIGN}")
        drawn.append(f'<text x="{at(tick)}" y="{bottom + 17}" text-anchor="middle">{label}</text>')
    if low < 0 < high:
        drawn.append(f'<path class="zero" d="M{at(0)} 4V{bottom}"/>')
    said = []
    shown = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
    for number, (framework, name, value) in enumerate(rows):
        y = 16 + 20 * number
        drawn.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">')
        drawn.append(f"{html.escape(name)}, {shown[framework]}</text>")
        drawn.append(f'<path class="{framework}" stroke-width="2" ')
        drawn.append(f'd="M{at(value.low)} {y}H{at(value.high)}"/>')
        drawn.append(f'<circle class="{framework}" cx="{at(value.value)}" cy="{y}" r="4"/>')
        said.append(f"{name} in {shown[framework]}: {value:.3g}")
    label = html.escape("Mean and 95 % interval. " + "; ".join(said), quote=True)
    size = f'viewBox="0 0 {width} {bottom + 24}"'
    return f'<svg class="estimates" role="img" aria-label="{label}" {size}>{"".join(drawn)}</svg>'


def ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two."""
    size = 10.0 ** len(str(int(high - low)))
    steps = [size * each / 10**power for power in range(8) for each in (5, 2, 1)]
    step = next(each for each in steps if (high - low) / each >= 3)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 8) for n in range(first, last + 1)]
