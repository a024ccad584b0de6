"""Say what will happen, and how sure you are, before you run it; then look how sure you should be.

    predict("5.a", "What does the cold start end with?", {"it learns": 34, "it guesses": 66})
    ...
    outcome("5.a", "it guesses" if ... else "it learns")
    calibration()

A prediction may be changed until its outcome was shown. Predictions are kept on your own machine,
in `predictions.json` beside the file of what you have solved, and nobody else reads them.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from course_lib.errors import told
from course_lib.formulas.parameters import Number
from course_lib.notes import Notes, Shown

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


def predict(id: str, question: str, odds: Mapping[str, float]) -> Shown:
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
        return _shown(old, note)
    NOTES.change(lambda entries: entries.update({id: _entry(new)}))
    even = "Even odds, so no opinion yet: change the numbers, and run this cell again."
    noted = "Noted. You may change it until its outcome is shown."
    return _shown(new, even if new.is_even else noted)


def outcome(id: str, happened: str) -> Shown:
    """Say what happened, and score the prediction. Its first outcome counts."""
    _check_id(id)
    found = _read().get(id)
    if found is None:
        return Shown(f"No prediction {id} yet: run the cell with `predict` above, then this one.")
    _check_outcome(happened, found.odds)
    if found.happened is None:
        found = Prediction(id, found.question, found.odds, happened)
        NOTES.change(lambda entries: entries.update({id: _entry(found)}))
    return _scored(found, happened)


def forget(id: str | None = None) -> None:
    """Erase a prediction and its outcome; without an id, all of them."""
    if id is None:
        NOTES.change(lambda entries: entries.clear())
    else:
        _check_id(id)
        NOTES.change(lambda entries: entries.pop(id, None))


def calibration() -> "Calibration":
    """How well your odds fit what happened, for all the predictions that you noted."""
    return Calibration(list(_read().values()), NOTES.kept())


def _shown(mine: Prediction, note: str) -> Shown:
    odds = [[each, f"{mine.odds[each]:g} %"] for each in mine.odds]
    title = f"Prediction {mine.id}: {mine.question}"
    return Shown(note, title=title, table=[["outcome", "your odds"], *odds])


def _scored(mine: Prediction, happened: str) -> Shown:
    said = f"Outcome {mine.id}: {happened}."
    if happened != mine.happened:
        return Shown(said, f"The first outcome was: {mine.happened}. That one is scored.")
    given = f"You gave it {100 * mine.probability(happened):.0f} %"
    if mine.is_even:
        why = "even odds are no opinion, and stay out of your calibration."
        return Shown(said, f"{given}: {why}")
    better = "better" if mine.brier < mine.even_brier else "no better"
    scale = f"0: sure and right; {mine.even_brier:.2f}: even odds; 2: sure and wrong"
    score = f"Brier score {mine.brier:.2f} ({scale})."
    return Shown(said, f"{given}, which is {better} than even odds: {score}")


class Calibration(Shown):
    """Every prediction with an opinion and an outcome, its score, and the mean."""

    def __init__(self, predictions: list[Prediction], kept: str) -> None:
        order = sorted(predictions, key=lambda each: (int(each.id.partition(".")[0]), each.id))
        known = [each for each in order if each.happened is not None]
        self.scored = [each for each in known if not each.is_even]
        self.even, self.open = len(known) - len(self.scored), len(order) - len(known)
        rows = [
            [
                each.id.partition(".")[0],
                f"{each.id}: {each.question}",
                f"{100 * each.probability(str(each.happened)):.0f} %",
                f"{each.brier:.2f}",
            ]
            for each in self.scored
        ]
        head = ["lesson", "question", "your odds for what happened", "Brier"]
        lines = [*self._lines(), kept]
        super().__init__(*lines, title="Your predictions", table=[head, *rows] if rows else ())

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
        return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


# --- what is allowed ------------------------------------------------------------------------------


def _check_id(id: Any) -> None:
    if not isinstance(id, str) or not ID.fullmatch(id):
        raise ValueError(
            f'id must be the number of the lesson, a dot and a letter, as "5.a"; got {id!r}'
        )


def _check_odds(odds: Any) -> None:
    texts = isinstance(odds, Mapping) and all(isinstance(each, str) for each in odds)
    if not texts or len(odds) < 2:
        raise ValueError(
            "odds must give two outcomes or more, each a text, their percentages, like "
            f'{{"it learns": 70, "it guesses": 30}}; got {odds!r}'
        )
    for each, percent in odds.items():
        Number(high=100).check(f"odds of {each!r}", percent)
    total = sum(odds.values())
    if abs(total - 100) > TOLERANCE:
        raise ValueError(
            f"odds must sum to 100 per cent, got {total:g} from {list(odds.values())}; "
            "raise or lower one of them"
        )


def _check_outcome(happened: Any, odds: Mapping[str, float]) -> None:
    if not isinstance(happened, str) or happened not in odds:
        raise ValueError(
            "happened must be one of the outcomes that were predicted "
            f"({', '.join(map(repr, odds))}), got {happened!r}; write it as in `predict`"
        )


# --- what is kept ---------------------------------------------------------------------------------


def _entry(mine: Prediction) -> dict[str, Any]:
    odds = {each: float(percent) for each, percent in mine.odds.items()}  # NumPy's are no JSON
    return {"question": mine.question, "odds": odds, "happened": mine.happened}


def _prediction(id: str, entry: Any) -> Prediction:
    return Prediction(id, entry["question"], entry["odds"], entry["happened"])


def _good(entry: Any) -> bool:
    _prediction("0.a", entry)  # or raises
    return True


def _read() -> dict[str, Prediction]:
    return {id: _prediction(id, entry) for id, entry in NOTES.read().items() if ID.fullmatch(id)}


NOTES = Notes("predictions", "predictions", _good, file="predictions.json")
