"""The page of claims: each with its estimates drawn, each experiment with its record."""

import html
import math
import re
import string
from typing import TYPE_CHECKING

from pages import NAMES
from site_pages import ROOT, Pages, fenced

if TYPE_CHECKING:
    from course_lib.claims import Claim, Estimate

Row = tuple[str, str, "Estimate"]  # framework, name, value

DRAWN = (
    "Where a sentence has intervals, they are drawn below it: a dot for the mean, a line for its "
    "95 % interval."
)
POINTS = "points of test accuracy"
PER_CENT = "test accuracy in per cent"
AT_BUDGETS: dict[str, str | tuple[str, str]] = {
    f"at_{share}": f"{share} % of the updates, linear minus constant"
    for share in (2, 5, 10, 25, 100)
}
# What a drawing calls the numbers of a sentence, and their unit where it is not points.
WORDS: dict[str, dict[str, str | tuple[str, str]]] = {
    "small-rate-costs": {"loss": "rate 0.3 minus rate 0.003"},
    "best-beside-cliff": {"above": "rate 1 minus rate 0.3", "fall": "rate 1 minus rate 3"},
    "cliff-moves": {"mnist": ("rate 1 on MNIST", PER_CENT)},
    "mnist-printed": {"printed": ("the printed code", PER_CENT)},
    "mnist-better": {"better": "line from 0.4 minus printed"},
    "mnist-rate": {
        "higher": "printed shape from 0.4 minus printed",
        "decay": "line from 0.4 minus constant 0.4",
    },
    "mnist-fast": {
        "fast": "line, larger batches and momentum minus printed",
        "momentum": "constant 0.1, larger batches and momentum minus printed",
    },
    "cifar-better": {"better": "line over 15 epochs minus printed"},
    "decay-mean": {
        "low": "from 0.1, decay minus constant",
        "middle": "from 0.3, decay minus constant",
    },
    "decay-spread": {
        "high": "from 1.0, decay minus constant",
        "low_ratio": ("from 0.1, constant over decay", "ratio of the standard deviations"),
        "middle_ratio": ("from 0.3, constant over decay", "ratio of the standard deviations"),
        "high_ratio": ("from 1.0, constant over decay", "ratio of the standard deviations"),
    },
    "momentum-jump": {
        "own": ("Keras's form, after the drop minus before", "training loss"),
        "other": ("PyTorch's form, after the drop minus before", "training loss"),
    },
    "momentum-end": {
        "later": ("Keras's form minus PyTorch's, 20 updates later", "training loss"),
        "end": "Keras's form minus PyTorch's, at the end",
    },
    "decay-at-a-high-peak": {"gap": "line minus constant"},
    "line-against-cosine": {"gap": "line minus cosine"},
    "low-peak-equal-peak": {
        "constant": "constant minus line",
        "quadratic": "quadratic minus line",
    },
    "low-peak-equal-area": {
        "constant": "constant minus line",
        "quadratic": "quadratic minus line",
    },
    "high-peak-equal-area": {
        "quadratic": "quadratic minus line",
        "constant": "constant minus line",
    },
    "horizon-early": {"gap": "whole run minus half of it"},
    "horizon-late": {"gap": "horizon twice as long minus the run's"},
    "floor": {"gap": "with the floor minus without"},
    "plateau-alarms": {"alarms": ("500 images, patience 2", "alarms a run")},
    "plateau-patience": {"spared": ("patience 2 minus patience 5", "alarms a run")},
    "plateau-images": {"spared": ("500 images minus 5,000", "alarms a run")},
    "finder-cost": {"points": "the best rate minus the one nearest to valley"},
    "one-cycle-against-a-short-cosine": {"short": "one-cycle minus the short cosine"},
    "one-cycle-against-a-long-cosine": {"long": "the long cosine minus one-cycle"},
    "one-cycle-momentum": {
        "best": "at 0.3, its momentum minus 0.9",
        "above": "at 0.5, its momentum minus 0.9",
    },
    "one-cycle-on-cifar10": {
        "short": "one-cycle minus the short cosine",
        "long": "the long cosine minus one-cycle",
    },
    "restarts-on-mnist": {"end": "one cosine minus three waves"},
    "snapshots-on-mnist": {"vote": "the last alone minus the vote of three"},
    "restarts-on-cifar10": {
        "end": "one cosine minus three waves",
        "vote": "the last alone minus the vote of three",
    },
    "adam-gains-from-a-schedule": {"gain": "cosine minus fixed rate"},
    "adam-at-one-low-peak": {"low": "at 0.003, fixed rate minus cosine"},
    "branch-constant": {
        "short": "600 updates, cooldown minus constant",
        "middle": "1,200 updates, cooldown minus constant",
        "long": "2,400 updates, cooldown minus constant",
    },
    "branch-cosine": {
        "short": "600 updates, branch minus cosine",
        "middle": "1,200 updates, branch minus cosine",
        "long": "2,400 updates, branch minus cosine",
    },
    "branch-cifar10": {
        "short": "500 updates, cooldown minus constant",
        "middle": "1,000 updates, cooldown minus constant",
        "long": "2,000 updates, cooldown minus constant",
        "cosine_short": "500 updates, branch minus cosine",
        "cosine_middle": "1,000 updates, branch minus cosine",
        "cosine_long": "2,000 updates, branch minus cosine",
    },
    "budgets-decay": AT_BUDGETS,
    "budgets-decay-on-cifar10": AT_BUDGETS,
    "schedule-free-fixed": {"gain": "schedule-free minus AdamW at a fixed rate"},
    "schedule-free-line": {
        "gain": "schedule-free minus AdamW under a line",
        "coarse": "the same on a coarser grid",
    },
    "prodigy-line": {
        "gain": "Prodigy, with a line minus without",
        "behind": "AdamW with a line minus Prodigy with one",
    },
}


def claims_page(pages: Pages) -> None:
    """docs/claims.md, each claim with its estimates drawn, each experiment with its record."""
    from course_lib.claims import CLAIMS, EXPERIMENTS

    path = ROOT / "docs" / "claims.md"
    lines = []
    figure = ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        heading = re.fullmatch(r"## (\S+)", line)
        if heading and heading.group(1) in CLAIMS:
            drawn = estimates(CLAIMS[heading[1]], WORDS.get(heading[1], {}))
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


def estimates(claim: "Claim", words: dict[str, str | tuple[str, str]]) -> str:
    """The estimates of a claim's sentences with their 95 % intervals, one drawing per unit; "" if
    it has none. A number that `words` leaves out keeps its own name and gets no unit."""
    from course_lib.claims import Estimate

    rows: dict[str, list[Row]] = {}
    for framework, name in quoted(claim):
        value = vars(claim.numbers(framework)).get(name) if framework in claim.frameworks else None
        if isinstance(value, Estimate):
            said = words.get(name, (name, ""))
            shown, unit = (said, POINTS) if isinstance(said, str) else said
            rows.setdefault(unit, []).append((framework, shown, value))
    return "".join(drawing(each, unit) for unit, each in rows.items())


def quoted(claim: "Claim") -> list[tuple[str, str]]:
    """The numbers that its page quotes, (framework, name) each; {n.name} is of every framework."""
    parts = string.Formatter().parse(claim.sentence + claim.details)
    fields = [field.partition(".")[::2] for _, field, _, _ in parts if field]
    every = [
        (each, name)
        for whose, name in fields
        for each in (claim.frameworks if whose == "n" else [whose])
    ]
    return list(dict.fromkeys(every))


def drawing(rows: list[Row], unit: str) -> str:
    """Estimates of one unit, each below its name, as SVG."""
    low = min(row[2].low for row in rows)
    high = max(row[2].high for row in rows)
    if low > 0 and low < high - low:  # zero is near enough to be shown
        low = 0
    if high < 0 and -high < high - low:
        high = 0
    edge, width, line = 24, 440, 36
    room = (high - low) or 1.0
    low, high = low - 0.04 * room, high + 0.04 * room

    def at(value: float) -> float:
        return round(edge + (value - low) / (high - low) * (width - 2 * edge), 1)

    bottom = 4 + line * len(rows)
    drawn = [f'<path class="axis" d="M{edge} {bottom}H{width - edge}"/>']
    for tick in ticks(low, high):
        drawn.append(f'<path class="axis" d="M{at(tick)} {bottom}v4"/>')
        label = f"{tick:g}".replace("-", "\N{MINUS SIGN}")
        drawn.append(f'<text x="{at(tick)}" y="{bottom + 18}" text-anchor="middle">{label}</text>')
    drawn.append(f'<text x="{width / 2:g}" y="{bottom + 36}" text-anchor="middle">{unit}</text>')
    said = []
    for number, (framework, name, value) in enumerate(rows):
        top = line * number
        if low < 0 < high:  # not through the names
            drawn.append(f'<path class="zero" d="M{at(0)} {top + 20}v{line - 16}"/>')
        y = top + 29
        name = f"{NAMES[framework]}: {name}"
        drawn.append(f'<text x="{edge}" y="{top + 16}">{html.escape(name)}</text>')
        drawn.append(f'<path class="{framework}" stroke-width="2" ')
        drawn.append(f'd="M{at(value.low)} {y}H{at(value.high)}"/>')
        drawn.append(f'<circle class="{framework}" cx="{at(value.value)}" cy="{y}" r="4"/>')
        said.append(f"{name}: {value:.3g}")
    label = html.escape(f"Mean and 95 % interval, {unit}. " + "; ".join(said), quote=True)
    size = f'viewBox="0 0 {width} {bottom + 42}"'
    return f'<svg class="estimates" role="img" aria-label="{label}" {size}>{"".join(drawn)}</svg>'


def ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two."""
    size = 10.0 ** len(str(int(high - low)))
    steps = [size * each / 10**power for power in range(8) for each in (5, 2, 1)]
    step = next(each for each in steps if (high - low) / each >= 3)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 8) for n in range(first, last + 1)]
