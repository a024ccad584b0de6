"""Scores as a table for a spreadsheet or a learning platform."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from course_lib.grade.report import load

START = ["student", "assignment", "notebook", "status"]
HEAD = [*START, "score", "points", "by_hand", "name", "reason", "origin"]
LONG = [*START, "question", "exercise", "score", "points", "name", "reason"]


def write_csv(results: str | Path, path: str | Path, *, long: bool = False) -> None:
    """Write a row for each student and notebook; with `long`, for each question of it as well.

    Who has no score has an empty one, and the reason. `by_hand` is how many of the points wait for
    a person. Plain UTF-8, lines end with "\\n". Raises StoreError when there are no results, and
    OSError when the file cannot be written.
    """
    rows = load(results)
    # surrogates, which no UTF-8 can hold, are written as \\ud800
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(LONG if long else HEAD)
        for row in rows:
            for values in _questions(row) if long else [_summary(row)]:
                table.writerow([_safe(value) for value in values])


def _summary(row: Mapping[str, Any]) -> list[Any]:
    score = row["score"] if row["status"] == "graded" else None
    points = row["points"] if row["notebook"] else None  # nobody knows which notebook it was
    by_hand = sum(each["points"] for each in row["questions"] if each["score"] is None)
    values = {**row, "score": score, "points": points, "by_hand": by_hand}
    return [values[name] for name in HEAD]


def _questions(row: Mapping[str, Any]) -> Iterator[list[Any]]:
    whole = {**row, "question": "", "exercise": "", "score": None, "points": None}
    if row["status"] != "graded":
        yield [whole[name] for name in LONG]
    for each in row["questions"]:
        values = {**whole, **each, "question": each["grade_id"]}
        yield [values[name] for name in LONG]


def _safe(value: Any) -> str:
    """The value as a cell that no spreadsheet takes for a formula; numbers in full, None empty."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip("\n ").startswith(("=", "+", "-", "@", "\t", "\r")) else text
