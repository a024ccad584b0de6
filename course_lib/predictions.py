"""Say what will happen, and how sure you are, before you run it; then look how sure you should be.

    predict("5.a", "What does the cold start end with?", {"it learns": 34, "it guesses": 66})
    ...
    outcome("5.a", "it guesses" if ... else "it learns")
    calibration()

A prediction may be changed until its outcome was shown. Predictions are kept on your own machine,
in `predictions.json` beside the file of what you have solved, and nobody else reads them.
"""

import html
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from course_lib.errors import told
from course_lib.notes import Notes

TOLERANCE = 1.5  # per cents: 33 + 33 + 33 is 100, and 34, 33, 33 are even odds

ID = re.compile(r"\d+\.[a-z]+")


@dataclass(frozen=True)
class Prediction:
    """Odds in per cent for each outcome of a question, and what happened, once that is known.

    >>> Prediction("1.a", "Heads?", {"heads": 80, "tails": 20}, "heads").brier
    0.08
    """

    id: str
    question: str
    odds: Mapping[str, float]
    happened: str | None = None

    def __post_init__(self) -> None:
        _check_id(self.id)
        if not isinstance(self.question, str) or not self.question.strip():
            raise ValueError(f"question must be a text, got {self.question!r}; write what is asked")
        _check_odds(self.odds)
        if self.happened is not None:
            _check_outcome(self.happened, self.odds)

    @property
    def is_even(self) -> bool:
        """Whether the odds say no more than "I do not know"."""
        return max(self.odds.values()) - min(self.odds.values()) <= TOLERANCE

    @property
    def even_brier(self) -> float:
        """The score of exactly even odds: 1 - 1/n with n outcomes."""
        return 1 - 1 / len(self.odds)

    def probability(self, option: str) -> float:
        """What the odds give an outcome, from 0 to 1."""
        return self.odds[option] / sum(self.odds.values())

    @property
    def brier(self) -> float:
        """Brier's score (1950), once it happened: 0 certain and right, 2 certain and wrong.

        sum over the outcomes of (p - happened)^2,    happened is 1 or 0
        """
        terms = [(self.probability(each) - (each == self.happened)) ** 2 for each in self.odds]
        return round(math.fsum(terms), 12)


def predict(id: str, question: str, odds: Mapping[str, float]) -> "Shown":
    """Note your odds, in per cent, for what a run will show.

    After the outcome was shown, the first odds count: `predict` keeps them and says so. If `odds`
    has other outcomes, it is another question, which is noted anew.
    """
    try:
        new = Prediction(id, question, odds)
    except (TypeError, ValueError) as error:
        raise told(error, kind=True) from None
    old = _read().get(id)
    if old and old.happened is not None and old.odds.keys() == new.odds.keys():
        kept = "stay: even, so left out of your calibration" if old.is_even else "count"
        note = (
            f"You have seen the outcome, so these first odds {kept}. To predict anew: "
            f'from course_lib.predictions import forget; forget("{id}")'
        )
        return Shown(old, note)
    NOTES.change(lambda entries: entries.update({id: _entry(new)}))
    even = "Even odds, so no opinion yet: change the numbers, and run this cell again."
    return Shown(
        new, even if new.is_even else "Noted. You may change it until its outcome is shown."
    )


def outcome(id: str, happened: str) -> "Scored":
    """Say what happened, and score the prediction. Its first outcome counts."""
    _check_id(id)
    found = _read().get(id)
    if found is None:
        if not isinstance(happened, str):
            _check_outcome(happened, {})
        return Scored(None, happened, id)
    _check_outcome(happened, found.odds)
    if found.happened is None:
        found = Prediction(id, found.question, found.odds, happened)
        NOTES.change(lambda entries: entries.update({id: _entry(found)}))
    return Scored(found, happened, id)


def forget(id: str | None = None) -> None:
    """Erase a prediction and its outcome; without an id, all of them."""
    if id is None:
        NOTES.change(lambda entries: entries.clear())
    else:
        _check_id(id)
        NOTES.change(lambda entries: entries.pop(id, None))


def calibration(predictions: Sequence[Prediction] | None = None) -> "Calibration":
    """How well your odds fit what happened, for `predictions` (default: all that you noted)."""
    if predictions is not None:
        if not all(isinstance(each, Prediction) for each in predictions):
            raise TypeError(
                "predictions must be a list of Prediction(id, question, odds, happened)"
            )
        return Calibration(list(predictions), "")
    return Calibration(list(_read().values()), NOTES.kept())


class Shown:
    """A prediction in a notebook: as a table in HTML, elsewhere as text."""

    def __init__(self, prediction: Prediction, note: str) -> None:
        self.prediction, self.note = prediction, note

    def __repr__(self) -> str:
        mine = self.prediction
        lines = [f"Prediction {mine.id}: {mine.question}"]
        lines += [f"  {mine.odds[each]:3g} %  {each}" for each in mine.odds]
        return "\n".join([*lines, self.note])

    def _repr_html_(self) -> str:
        mine = self.prediction
        rows = [[each, f"{mine.odds[each]:g} %"] for each in mine.odds]
        caption = f"Prediction {mine.id}: {mine.question}"
        return _table(caption, ["outcome", "your odds"], rows) + _paragraph(self.note)


class Scored:
    """What happened, and the score of the prediction."""

    def __init__(self, prediction: Prediction | None, happened: str, id: str) -> None:
        self.prediction, self.happened, self.id = prediction, happened, id

    def lines(self) -> list[str]:
        """What there is to say."""
        mine = self.prediction
        if mine is None:
            return [
                f"No prediction {self.id} yet: run the cell with `predict` above, then this one."
            ]
        lines = [f"Outcome {mine.id}: {self.happened}."]
        if self.happened != mine.happened:
            return [*lines, f"The first outcome was: {mine.happened}. That one is scored."]
        given = f"You gave it {100 * mine.probability(mine.happened):.0f} %"
        if mine.is_even:
            return [
                *lines,
                f"{given}: even odds are no opinion, and stay out of your calibration.",
            ]
        better = "better" if mine.brier < mine.even_brier else "no better"
        scale = f"0: sure and right; {mine.even_brier:.2f}: even odds; 2: sure and wrong"
        return [
            *lines,
            f"{given}, which is {better} than even odds: Brier score {mine.brier:.2f} ({scale}).",
        ]

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return "".join(map(_paragraph, self.lines()))


class Calibration:
    """Every prediction with an opinion and an outcome, its score, and the mean."""

    def __init__(self, predictions: list[Prediction], kept: str) -> None:
        order = sorted(predictions, key=lambda each: _order(each.id))
        known = [each for each in order if each.happened is not None]
        self.scored = [each for each in known if not each.is_even]
        self.even, self.open = len(known) - len(self.scored), len(order) - len(known)
        self.kept = kept

    @property
    def brier(self) -> float:
        """The mean Brier score; NaN without a scored prediction."""
        return fmean(each.brier for each in self.scored) if self.scored else math.nan

    @property
    def even_brier(self) -> float:
        """What even odds would have scored on the same questions."""
        return fmean(each.even_brier for each in self.scored) if self.scored else math.nan

    def pairs(self) -> list[tuple[float, bool]]:
        """For every outcome of every question: its stated probability, and whether it came true."""
        return [
            (each.probability(option), option == each.happened)
            for each in self.scored
            for option in each.odds
        ]

    def plot(self) -> Any:
        """Stated probability against the share that came true."""
        from course_lib.plots import plot_calibration

        return plot_calibration(self.pairs())

    def _rows(self) -> list[list[str]]:
        return [
            [
                each.id.partition(".")[0],
                f"{each.id}: {each.question}",
                f"{100 * each.probability(str(each.happened)):.0f} %",
                f"{each.brier:.2f}",
            ]
            for each in self.scored
        ]

    def _lines(self) -> list[str]:
        lines = []
        if self.scored:
            lines.append(
                f"Mean Brier score {self.brier:.2f} over {_count(len(self.scored), 'prediction')}; "
                f"even odds would have scored {self.even_brier:.2f}, and lower is better."
            )
        else:
            lines.append(
                "No prediction to score yet: change the odds of a `predict` cell, run it, and then "
                "the cell with its outcome."
            )
        if self.even:
            lines.append(f"Left out, with even odds: {_count(self.even, 'prediction')}.")
        if self.open:
            lines.append(f"Without an outcome yet: {_count(self.open, 'prediction')}.")
        return [*lines, self.kept] if self.kept else lines

    def __repr__(self) -> str:
        rows = [_HEAD, *self._rows()] if self.scored else []
        width = max((len(row[1]) for row in rows), default=0)
        table = [f"{a:6}  {b:{width}}  {c:>{len(_HEAD[2])}}  {d:>5}" for a, b, c, d in rows]
        return "\n".join([*table, *self._lines()])

    def _repr_html_(self) -> str:
        table = _table("Your predictions", _HEAD, self._rows()) if self.scored else ""
        return table + "".join(map(_paragraph, self._lines()))


_HEAD = ["lesson", "question", "your odds for what happened", "Brier"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _order(id: str) -> tuple[int, str]:
    lesson, _, letter = id.partition(".")
    return int(lesson), letter


def _paragraph(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", f"<p>{html.escape(text)}</p>")


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    # Above the table and not in it: a caption is no wider than its table, which is narrow.
    said = html.escape(caption)
    return f'<p>{said}</p><table aria-label="{said}"><tr>{heads}</tr>{body}</table>'


# --- what is allowed ------------------------------------------------------------------------------


def _check_id(id: Any) -> None:
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise ValueError(
            f'id must be the number of the lesson, a dot and a letter, as "5.a"; got {id!r}'
        )


def _check_odds(odds: Any) -> None:
    wanted = 'odds must give each outcome a percentage, like {"it learns": 70, "it guesses": 30}'
    if not isinstance(odds, Mapping):
        raise TypeError(f"{wanted}; got {odds!r}")
    if len(odds) < 2 or not all(isinstance(each, str) and each.strip() for each in odds):
        raise ValueError(f"{wanted}, with two outcomes or more, each a text; got {dict(odds)!r}")
    for each, percent in odds.items():
        number = isinstance(percent, int | float) and not isinstance(percent, bool)
        if not number or not 0 <= percent < math.inf:
            raise ValueError(
                f"{wanted}, a number from 0 to 100; got {percent!r} for {each!r}, so change it"
            )
    total = sum(odds.values())
    if abs(total - 100) > TOLERANCE:
        raise ValueError(
            f"odds must sum to 100 per cent, got {total:g} from {list(odds.values())}; "
            "raise or lower one of them"
        )


def _check_outcome(happened: Any, odds: Mapping[str, float]) -> None:
    if not isinstance(happened, str) or happened not in odds:
        known = ", ".join(map(repr, odds)) or "a text"
        raise ValueError(
            f"happened must be one of the outcomes that were predicted ({known}), "
            f"got {happened!r}; write it as in `predict`"
        )


# --- what is kept ---------------------------------------------------------------------------------


def _entry(mine: Prediction) -> dict[str, Any]:
    return {"question": mine.question, "odds": dict(mine.odds), "happened": mine.happened}


def _prediction(id: str, entry: Any) -> Prediction:
    return Prediction(id, entry["question"], entry["odds"], entry["happened"])


def _good(entry: Any) -> bool:
    _prediction("0.a", entry)  # or raises
    return True


def _read() -> dict[str, Prediction]:
    return {id: _prediction(id, entry) for id, entry in NOTES.read().items() if ID.fullmatch(id)}


NOTES = Notes("predictions", "predictions", _good, file="predictions.json")
