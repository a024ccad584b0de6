"""What can be set, and how: the controls of panels and of the training lab, in plain values.

`control_of` makes the control of a formula's parameter from what the formula's signature declares.
`slider_place` and `slider_value` lead from a value to where its slider stands, and back; a page has
them in translation (javascript.py).
"""

import math
from dataclasses import dataclass
from typing import Any

from course_lib.formulas.parameters import Choice, Flag, Increasing, Maybe, Number, Numbers, Whole
from course_lib.widgets.numbers import short

PLACES = 200  # of a slider; one for whole numbers has a place for each of them
# How near to an end that is not allowed itself, such as 1 for a momentum, one can get.
SLIDER_MARGIN, FIELD_MARGIN = 0.01, 1e-6


@dataclass(frozen=True)
class Control:
    """One thing to set. The kinds, and what else they take

    - slider: low, high; scale "linear", "log" or "whole"; `zero` puts a 0 at the low end of "log".
      Beside it is a field for the exact number, which may go as far as `allowed`, (least, most), or
      has to be above the least. With `optional` the field may be empty, for None.
    - play: a whole slider that a button moves along.
    - choice: one of `options`.
    - several: some of `options`; the value is the list of them.
    - flag: True or False.
    - numbers: several numbers of at least allowed[0], written with commas; scale "whole" for whole
      ones, each larger than the one before.
    - curve: a list of numbers from `low` to `high`, drawn with the pointer on the picture's first
      row, or with the arrow keys.
    - note: a button that appends the value of the control `notes` to a list, once, where that is
      within `allowed`; elsewhere `hint` is said.

    A control with `group` stands under that heading. With `when`, (name, value), it is there only
    while another control has, or holds, that value. With `drag`, the slider's value is a place on
    the x axis that the pointer can move.
    """

    name: str
    kind: str
    label: str
    value: Any
    low: float | None = None
    high: float | None = None
    scale: str = "linear"
    zero: bool = False
    allowed: tuple[float | None, float | None] = (None, None)
    above: bool = False
    optional: bool = False
    options: tuple[str, ...] = ()
    notes: str = ""
    hint: str = ""
    group: str = ""
    when: tuple[str, str] | None = None
    drag: bool = False

    def __post_init__(self) -> None:
        kinds = ("slider", "play", "choice", "several", "flag", "numbers", "curve", "note")
        Choice(kinds).check("kind", self.kind)
        Choice(("linear", "log", "whole")).check("scale", self.scale)


def control_of(
    name: str, kind: Any, value: Any, *, rate: float = 1.0, steps: int = 100, **more: Any
) -> Control:
    """The control of a parameter that is declared as `kind` (see parameters.py) and has `value`.

    A slider's ends are the limits declared. Where there is none, the range lies around the value;
    around a rate of 0 it goes up to `rate`, and counts go to twice `steps` at least. `more` is what
    else the control is to have.

    >>> from course_lib.formulas.parameters import Fraction, Rate, Steps, limits
    >>> each = control_of("peak_lr", limits(Rate), 0.1)
    >>> each.scale, each.low, each.high, each.zero
    ('log', 0.001, 1.0, True)
    >>> each = control_of("total_steps", limits(Steps), 50)
    >>> each.scale, each.low, each.high, each.allowed
    ('whole', 1, 200, (1, None))
    """
    more = {"label": name, **more}
    if isinstance(kind, Maybe):
        more["optional"], kind = True, kind.kind
    match kind:
        case Choice(options=options):
            return Control(name, "choice", value=value, options=options, **more)
        case Flag():
            return Control(name, "flag", value=value, **more)
        case Increasing(low=least):
            more |= {"scale": "whole", "allowed": (least, None)}
            return Control(name, "numbers", value=list(value), **more)
        case Numbers():
            return Control(name, "numbers", value=list(value), allowed=(0, None), **more)
        case Whole(low=least):
            ends: tuple[float, float, str] = (least, max(2 * steps, 4 * (value or 0)), "whole")
            more["allowed"] = (least, None)
        case Number(low=least, above=above, high=most, below=below):
            most = min(most, below - FIELD_MARGIN)
            ends = _ends(name, kind, value or 0, rate)
            more |= {"allowed": (least, None if most == math.inf else most), "above": above}
            more["zero"] = ends[2] == "log" and name.endswith("lr") and not above
        case _:
            raise TypeError(
                f"{name} must be declared as numbers, a word or a flag to have a control, got "
                f"{kind!r}; of a schedule inside of a schedule, each parameter has one"
            )
    return Control(name, "slider", more.pop("label"), value, *ends, **more)


def _ends(name: str, kind: Number, value: float, rate: float) -> tuple[float, float, str]:
    """The lowest and the highest number of a slider, and its scale."""
    if kind.high < math.inf:
        return kind.low, kind.high, "linear"
    if kind.below < math.inf:
        return kind.low, kind.below - SLIDER_MARGIN, "linear"
    if name.endswith("lr"):
        lowest = 1e-6
        most = rate if rate > lowest else 1.0
        return (value / 100, value * 10, "log") if value else (lowest, most, "log")
    if kind.low == 0 and value <= 1:
        return 0.005 if kind.above else 0.0, 1.0, "linear"
    if kind.low == 0:
        return value / 100, value * 10, "log"
    return kind.low, max(4.0, 2 * value), "linear"


# --- read by the browser, too ---------------------------------------------------------------------


def slider_place(control, value):
    """Where the slider stands for a value.

    >>> slider_place(Control("rate", "slider", "rate", 0.1, 0.01, 1.0, "log"), 0.1)
    100.0
    """
    if control.scale == "whole":
        return value
    if control.scale == "linear":
        return PLACES * (value - control.low) / (control.high - control.low)
    if value <= 0:
        return 0
    share = math.log(value / control.low) / math.log(control.high / control.low)
    return 1 + (PLACES - 1) * share if control.zero else PLACES * share


def slider_value(control, place):
    """The value at a place of the slider, with few digits.

    >>> slider_value(Control("rate", "slider", "rate", 0.1, 0.01, 1.0, "log"), 101)
    0.102
    """
    if control.scale == "whole":
        return round(place)
    if control.scale == "linear":
        step = (control.high - control.low) / PLACES
        return float(short(control.low + step * place, 4))
    if control.zero and place < 1:
        return 0.0
    share = (place - 1) / (PLACES - 1) if control.zero else place / PLACES
    return float(short(control.low * (control.high / control.low) ** share, 3))
