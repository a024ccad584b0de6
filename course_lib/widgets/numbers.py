"""Numbers as words, for the pictures and the code that a widget shows.

These are the few functions that the browser has its own form of (in browser.js): Python's formats
are not known there. tests/test_widgets_browser.py holds the two forms equal.
"""

import math
from typing import Any


def short(number: float, digits: int = 3) -> str:
    """At most so many significant digits, as few characters as that takes.

    >>> [short(each) for each in (0.1, 1234.5, 0.000012345, 0.0, 100.0, math.inf)]
    ['0.1', '1230', '1.23e-05', '0', '100', 'inf']
    """
    if not math.isfinite(number):
        return str(number)
    text = f"{number:.{digits}g}"
    if "e+" in text and abs(number) < 1e7:  # 1.23e+03 is no shorter than 1230
        text = f"{float(text):.0f}"
    return "0" if text == "-0" else text


def fixed(number: float, digits: int = 0) -> str:
    """So many digits after the point.

    >>> fixed(2.345678, 2), fixed(7, 0)
    ('2.35', '7')
    """
    return f"{number:.{digits}f}"


def literal(value: Any, kind: str) -> str:
    """The value as Python code. Kinds: "float", "int", "bool", "str", and of numbers "(float)",
    "(int)", "[float]", "[int]" for a tuple or a list. None is None, whatever the kind.

    >>> literal(1, "float"), literal(1e-05, "float"), literal(3, "int"), literal("linear", "str")
    ('1.0', '1e-05', '3', "'linear'")
    >>> literal([0.1, 1], "(float)"), literal((5, 6), "[int]"), literal(None, "int")
    ('(0.1, 1.0)', '[5, 6]', 'None')
    """
    plain: dict[str, Any] = {"float": float, "int": int, "bool": bool, "str": str}
    if value is None:
        return repr(None)
    if kind in plain:
        return repr(plain[kind](value))
    numbers = [plain[kind[1:-1]](each) for each in value]
    return repr(numbers if kind.startswith("[") else tuple(numbers))
