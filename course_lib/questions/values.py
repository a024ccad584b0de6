"""Values as plain JSON, and when two of them are the same.

Values cross process borders as JSON, so nothing that a student made is ever unpickled, and a value
is only what it is, whatever its class says about itself.
"""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

TOLERANCE = 1e-5  # an answer computed in float32 is right
ROUNDING = 1e-9  # of whole numbers, which count: 100,000 is not 100,001
LARGEST_ANSWER = 100_000  # numbers in one answer
DEEPEST_ANSWER = 20  # lists within lists


class Unanswerable(TypeError):
    """A value that no check can compare: not made of numbers, texts, truths, lists and dicts."""


def encode(value: Any, depth: int = 0) -> Any:
    """The value as JSON: numbers of any library become plain ones, arrays and iterators lists.

    NaN and the infinities, which JSON lacks, are written {"float": "nan"}; dicts {"dict": [[key,
    value], ...]}. Raises Unanswerable for anything else, and for what is too long or too deep.

    >>> encode((1, 2.5, float("nan"), {"a": True}))
    [1, 2.5, {'float': 'nan'}, {'dict': [['a', True]]}]
    """
    if depth > DEEPEST_ANSWER:
        raise Unanswerable(f"lists more than {DEEPEST_ANSWER} deep cannot be compared")
    if value is None or isinstance(value, bool | str):
        return str.__str__(value) if isinstance(value, str) else value
    if isinstance(value, int):
        whole = int.__int__(value)
        if abs(whole) >= 2**1024:
            raise Unanswerable("a whole number of more than 1,024 bits cannot be compared")
        return whole
    if isinstance(value, float):
        number = float.__float__(value)
        return number if math.isfinite(number) else {"float": str(number)}
    if isinstance(value, Mapping):
        pairs = _limited(value.items())
        return {"dict": [[encode(key, depth + 1), encode(each, depth + 1)] for key, each in pairs]}
    if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.ndim:
        return {"array": [encode(each, depth + 1) for each in _limited(value.tolist())]}
    if hasattr(value, "numpy") and callable(value.numpy):  # a tensor of TensorFlow or PyTorch
        if callable(getattr(value, "detach", None)):
            value = value.detach()
        return encode(value.numpy(), depth + 1)
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        number = value.item()
        if getattr(getattr(number, "dtype", None), "kind", "") == "f":  # a longdouble stays one
            number = float(number)
        if type(number) is type(value):  # a clongdouble, too
            raise Unanswerable(f"an answer of type {type(value).__name__} cannot be compared")
        return encode(number, depth + 1)
    if isinstance(value, complex | bytes | bytearray | set | frozenset):
        raise Unanswerable(f"an answer of type {type(value).__name__} cannot be compared")
    if isinstance(value, Iterable):
        return [encode(each, depth + 1) for each in _limited(value)]
    if hasattr(value, "__float__"):
        return encode(float(value), depth + 1)
    called = ": return what a call of it gives" if callable(value) else ""
    raise Unanswerable(f"an answer of type {type(value).__name__} cannot be compared{called}")


def decode(value: Any) -> Any:
    """The value that `encode` wrote. Arrays come back as NumPy's."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"float"} and value["float"] in ("nan", "inf", "-inf"):
        return float(value["float"])
    if value.keys() == {"dict"}:
        return {_key(decode(key)): decode(each) for key, each in value["dict"]}
    if value.keys() == {"array"}:
        import numpy as np

        return np.array(decode(value["array"]))
    raise ValueError(f"expected a value that encode() wrote, got {value!r}")


def same(got: Any, wanted: Any, tolerance: float = TOLERANCE, largest: float = 0.0) -> bool:
    """Whether two encoded answers agree: numbers up to rounding errors, all else exactly.

    A truth is not a number, a text is not what it spells, and arrays and tuples count as lists.
    NaN agrees with NaN. The tolerance is relative. In a list, a fiftieth of it is of the `largest`
    number beside: in float32, what was subtracted down to nearly 0 is as inexact as before.

    >>> same([1.0, 0.3000001], [1.0, 0.3]), same(100_001, 100_000)
    (True, False)
    """
    if isinstance(wanted, dict) and "array" in wanted:
        wanted = wanted["array"]
    if isinstance(got, dict) and isinstance(got.get("array"), list):
        got = got["array"]
    if isinstance(wanted, list):
        return (
            isinstance(got, list)
            and len(got) == len(wanted)
            and not differing(got, wanted, tolerance)
        )
    if isinstance(wanted, dict) and "dict" in wanted:
        found, goals = _by_key(got), _by_key(wanted)
        return found.keys() == goals.keys() and all(
            same(found[key], each, tolerance) for key, each in goals.items()
        )
    if wanted is None or isinstance(wanted, bool | str):
        return type(got) is type(wanted) and got == wanted
    number, goal = _number(got), _number(wanted)
    if number is None or goal is None:
        return False
    if math.isnan(goal):
        return math.isnan(number)
    relative = ROUNDING if isinstance(wanted, int) else tolerance
    absolute = max(relative * largest / 50, 1e-12)
    return math.isclose(number, goal, rel_tol=relative, abs_tol=absolute)


def differing(got: Any, wanted: Any, tolerance: float) -> list[int]:
    """The places at which two encoded lists or arrays of one length differ; none for all else.

    >>> differing([1.0, 2.0, 4.0], [1.0, 2.0000001, 3.0], tolerance=1e-6)
    [2]
    """
    mine, goals = items(got), items(wanted)
    if len(mine) != len(goals):
        return []
    sizes = [abs(number) for number in map(_number, goals) if number is not None]
    largest = max(filter(math.isfinite, sizes), default=0.0)
    pairs = enumerate(zip(mine, goals))
    return [place for place, pair in pairs if not same(*pair, tolerance, largest)]


def items(value: Any) -> list[Any]:
    """The members of an encoded list or array; none of anything else."""
    value = value.get("array") if isinstance(value, dict) else value
    return value if isinstance(value, list) else []


def leaves(value: Any, keys: bool = False) -> list[Any]:
    """The numbers and words inside an encoded value, whatever form holds them: of a dict what its
    keys name, or the keys too; a text that spells a number is the number; words in small letters.

    >>> leaves({"dict": [["loss", "0.50"], ["ends", [3, True]]]})
    [0.5, 3, 1]
    >>> leaves({"dict": [["No_difference.", 48.3]]}, keys=True)
    ['no difference', 48.3]
    """
    if isinstance(value, dict) and "dict" in value:
        return leaves(value["dict"] if keys else [each for _, each in value["dict"]], keys)
    if isinstance(value, str):
        try:
            return [float(value)]
        except ValueError:
            return [value.replace("_", " ").strip(" .").casefold()]
    if isinstance(value, list) or (isinstance(value, dict) and "array" in value):
        return [leaf for each in items(value) for leaf in leaves(each, keys)]
    return [int(value) if isinstance(value, bool) else value]


def _by_key(value: Any) -> dict[str | None, Any]:
    pairs = value.get("dict") if isinstance(value, dict) else None
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in pairs
    ):
        return {None: value}  # no dict at all: whoever sent it
    return {json.dumps(key): each for key, each in pairs}


def _number(value: Any) -> float | None:
    if isinstance(value, dict):
        return float(value["float"]) if value.get("float") in ("nan", "inf", "-inf") else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None  # no float is so large


def _limited(values: Iterable[Any]) -> Iterable[Any]:
    for count, value in enumerate(values):
        if count >= LARGEST_ANSWER:
            raise Unanswerable(f"an answer of more than {LARGEST_ANSWER:,} values")
        yield value


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
