"""The colour and the dashes of each schedule, and of each rule of the range test, the same in every
figure and widget.
"""

from collections.abc import Iterable
from itertools import cycle
from typing import Any

from course_lib.finder.suggestions import METHODS
from course_lib.schedules import GALLERY

# The darker four of Okabe and Ito's colours, and two more that are as far from each other and from
# these for colour-blind readers: each has 3:1 or more on white and, but for black, on a dark page.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8F45F0", "#CC003C", "#000000")
DASHES = ("-", "--", ":", "-.", (0, (7, 2)), (0, (3, 1, 1, 1)), (0, (5, 1, 1, 1, 1, 1)))
# Neighbours differ in both: printed in grey, most of these colours are one. 5, because then cosine,
# one_cycle and wsd, which are often compared, differ in their dashes, too.
_IN_TURN: list[dict[str, Any]] = [
    {"color": color, "linestyle": DASHES[(place + 5 * turn) % len(DASHES)]}
    for turn in range(len(DASHES))
    for place, color in enumerate(PALETTE)
]
# The first rules of the range test look as the first schedules do: no figure has both.
LOOKS = dict(zip(GALLERY, cycle(_IN_TURN))) | dict(zip(METHODS, _IN_TURN))


def look(label: str, position: int = 0) -> dict[str, Any]:
    """Colour and dashes of a line: the schedule's own where the label begins with its name, else
    those of its position in the figure."""
    return _own_look(label) or _IN_TURN[position % len(_IN_TURN)]


def svg_dashes(style: Any) -> str:
    """The dashes of a look, as a widget's picture has them."""
    named = {"-": "", "--": "6 3", ":": "2 3", "-.": "8 3 2 3"}
    # Twice as long as in a figure: there, some of these are hard to tell from the named ones.
    return named[style] if isinstance(style, str) else " ".join(str(2 * n) for n in style[1])


def looks(labels: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The look of each line of a figure; no two alike, also where two labels name one schedule.
    A line that is alone needs no dashes.
    """
    labels = list(labels)
    if len(labels) == 1:
        return {labels[0]: {**look(labels[0]), "linestyle": "-"}}
    chosen: dict[str, dict[str, Any]] = {}
    for label in labels:
        own = _own_look(label)
        if own and own not in chosen.values():
            chosen[label] = own
    for position, label in enumerate(labels):
        others = [look("", position + i) for i in range(len(_IN_TURN))]
        free = (each for each in others if each not in chosen.values())
        chosen.setdefault(label, next(free, others[0]))
    return chosen


def _own_look(label: Any) -> dict[str, Any] | None:
    names = [name for name in LOOKS if str(label).startswith(name)]  # runs by rate are usual
    return LOOKS[max(names, key=len)] if names else None
