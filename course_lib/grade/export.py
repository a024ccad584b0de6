"""Scores as a table for a spreadsheet or a learning platform."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from course_lib.grade.report import load

HEAD = ["student", "assignment", "notebook", "status", "score", "points", "name", "reason"]
LONG = ["student", "assignment", "notebook", "status", "question", "exercise", "score", "points"]


def write_csv(results: str | Path, path: str | Path, *, long: bool = False) -> None:
    """Write a row for each student and notebook; with `long`, for each question of it as well.

    Who has no score has an empty one, and the reason. Plain UTF-8, lines end with "\\n". Raises
    StoreError when there are no results.
    """
    rows = load(results)
    # surrogates, which no UTF-8 can hold, are written as \\ud800
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*(LONG if long else HEAD), "reason" if long else "origin"])
        for row in rows:
            for values in _questions(row) if long else [_summary(row)]:
                table.writerow([_safe(value) for value in values])


def _summary(row: Mapping[str, Any]) -> list[Any]:
    score = row["score"] if row["status"] == "graded" else None
    values = {**row, "score": score}
    return [values[name] for name in (*HEAD, "origin")]


def _questions(row: Mapping[str, Any]) -> Iterator[list[Any]]:
    start = [row["student"], row["assignment"], row["notebook"]]
    if row["status"] != "graded":
        yield [*start, row["status"], "", "", None, None, row["reason"]]
    for each in row["questions"]:
        names = ("status", "grade_id", "exercise", "score", "points", "reason")
        yield [*start, *(each[name] for name in names)]


def _safe(value: Any) -> str:
    """The value as a cell that no spreadsheet takes for a formula; numbers in full, None empty."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip("\n ").startswith(("=", "+", "-", "@", "\t", "\r")) else text
