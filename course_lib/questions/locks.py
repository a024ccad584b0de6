"""The right answer, told by a digest only: an answer can be checked that is not shown.

Every number is counted in cells, some tolerances of the largest number wide, and each is shifted
to the middle of its cell, so that no rounding carries it out. A digest of a single number can be
guessed by trying; this is to keep honest people from looking, not a secret: points come from the
hidden probes.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any


def key(value: Any, seed: str, tolerance: float) -> tuple[str, float, list[float]]:
    """Salt, width of a cell and each number's shift; `seed` is what the salt is made from."""
    numbers = _numbers(value)
    cell = 4 * tolerance * 10.0 ** math.ceil(math.log10(max(map(abs, numbers), default=0) or 1))
    if all(isinstance(number, int) for number in numbers):
        cell = min(cell, 0.1)  # a whole number counts: its neighbour is wrong
    shifts = [round((0.5 - number / cell) % 1, 3) for number in numbers]
    return hashlib.sha256(seed.encode()).hexdigest()[:12], cell, shifts


def digest(value: Any, salt: str, cell: float, shifts: Sequence[float]) -> str:
    """The digest of an encoded value, alike for values that differ by rounding errors."""
    text = json.dumps(_in_cells(value, cell, iter(shifts)))
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=16).hex()


def _in_cells(value: Any, cell: float, shifts: Iterator[float]) -> Any:
    if isinstance(value, list):
        return [_in_cells(each, cell, shifts) for each in value]
    if isinstance(value, dict) and "array" in value:
        return _in_cells(value["array"], cell, shifts)
    if isinstance(value, dict) and "dict" in value:
        return {"dict": [[key, _in_cells(each, cell, shifts)] for key, each in _pairs(value)]}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    place = value / cell + next(shifts, 0.0) if abs(value) < 1e300 else math.inf
    return math.floor(place) if math.isfinite(place) else str(value)


def _numbers(value: Any) -> list[float]:
    """The numbers of an encoded value, in the order in which `_in_cells` meets them."""
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    if isinstance(value, dict) and "dict" in value:
        return [number for _, each in _pairs(value) for number in _numbers(each)]
    if isinstance(value, dict):
        return _numbers(value.get("array"))
    return [] if isinstance(value, bool) or not isinstance(value, int | float) else [value]


def _pairs(value: Any) -> list[Any]:
    """The pairs of an encoded dict, in an order that is not the dict's."""
    return sorted(value["dict"], key=lambda pair: json.dumps(pair[0]))
