"""Recorded numbers that widgets show: of records/ no more than a page has room for.

`python -m course_lib.widgets.recorded` makes them anew; the range tests among them are run for it,
on the real data. tests/test_widgets_records.py holds them against the records.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def load(name: str) -> dict[str, Any]:
    """What is kept under that name. Nobody may change it: it is read only once."""
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def source(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Where lines of one experiment and one framework come from: how many seeds, what made them."""
    (experiment,) = {line["experiment"] for line in lines}
    (framework,) = {line["framework"] for line in lines}
    return {
        "experiment": experiment,
        "framework": framework,
        "n": len({line["seed"] for line in lines}),
        "hardware": sorted({line["hardware"] for line in lines}),
        "versions": sorted(
            {f"{name} {version}" for line in lines for name, version in line["versions"].items()}
        ),
        "commits": sorted({line["commit"] for line in lines}),
    }
