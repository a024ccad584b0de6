"""The right answer, told by a digest only: an answer can be checked that is not shown.

Every number is counted in cells a millionth of the answer's size wide; the salt shifts the cells
and is chosen so that no number lies near the border of one. A digest of a single number can be
guessed by trying; this is to keep honest people from looking, not a secret: points come from the
hidden probes.
"""

import hashlib
import json
import math
from typing import Any


def key(value: Any, seed: str) -> tuple[str, float]:
    """Salt and scale for an encoded value; `seed` is what the salt is made from."""
    numbers = [abs(n) for n in _numbers(value) if math.isfinite(n)]
    scale = 10.0 ** math.ceil(math.log10(max(numbers, default=0) or 1.0))
    for attempt in range(1000):
        salt = hashlib.sha256(f"{seed}{attempt}".encode()).hexdigest()[:12]
        places = [_place(number, salt, scale) for number in numbers]
        if all(0.001 < place % 1 < 0.999 for place in places):
            return salt, scale
    raise ValueError(f"no lock for an answer of {len(numbers)} numbers; lock a shorter one")


def digest(value: Any, salt: str, scale: float) -> str:
    """The digest of an encoded value, alike for values that differ by rounding errors."""
    text = json.dumps(_in_cells(value, salt, scale))
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=16).hex()


def _in_cells(value: Any, salt: str, scale: float) -> Any:
    if isinstance(value, list):
        return [_in_cells(each, salt, scale) for each in value]
    if isinstance(value, dict) and "array" in value:
        return _in_cells(value["array"], salt, scale)
    if isinstance(value, dict) and "dict" in value:
        return {"dict": sorted(json.dumps(_in_cells(pair, salt, scale)) for pair in value["dict"])}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    place = math.floor(_place(abs(float(value)), salt, scale))
    return f"{'-' if value < 0 and place else ''}{place}"


def _place(number: float, salt: str, scale: float) -> float:
    # The shift lies between 0.1 and 0.9, so that a right 0 that was rounded to 1e-17 stays put.
    return number / scale * 1e6 + 0.1 + 0.8 * int(salt[:8], 16) / 2**32


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    if isinstance(value, dict):
        return _numbers(value.get("array", value.get("dict", [])))
    return [] if isinstance(value, bool) or not isinstance(value, int | float) else [float(value)]
