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
