"""Tests about notebooks as they were built, in a clone in which a learner may have worked in them.

They are skipped there, and nothing is missed: a committed notebook that somebody has worked in is
found stale by test_notebooks.py.
"""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from lesson_notebooks import is_worked_in  # noqa: E402


def untouched(*names: str) -> None:
    """Skip the test where somebody has worked in one of these, "exercises/05_warmup.ipynb" say."""
    for name in names:
        if is_worked_in(ROOT / name):
            pytest.skip(f"somebody has worked in {name}: only what was built is tested")
