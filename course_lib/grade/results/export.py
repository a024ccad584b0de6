"""Scores as a table for a spreadsheet or a learning platform, and the marks that a person gave.

The table with a row for each question is where a person marks: points in its column `mark` count in
place of the grader's score, which stays beside them.
"""

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from course_lib.files import write_whole
from course_lib.grade.intake.piles import said_by_canvas
from course_lib.grade.results.report import label, load, number

START = ["student", "assignment", "notebook", "status"]
HEAD = [*START, "score", "points", "by_hand", "name", "reason", "origin", "late"]
LONG = [*START, "question", "exercise", "score", "points", "mark", "name", "reason"]
KEY = ["student", "assignment", "notebook", "question"]
Marks = Mapping[tuple[str, ...], float]  # by what stands in the columns KEY


def write_csv(
    results: str | Path,
    path: str | Path,
    *,
    long: bool = False,
    marks: str | Path | None = None,
    force: bool = False,
) -> int:
    """Write a row for each student and notebook; with `long`, for each question of it as well.

    `marks` is such a long table with points in its column `mark`. Who has no score has an empty
    one, and the reason. `by_hand` is how many of the points wait for a person. Plain UTF-8, lines
    end with "\\n". Returns how many answers wait. Raises StoreError when there are no results,
    ValueError when a mark cannot be right or (without `force`) when the file to write has marks in
    it, OSError when it cannot be written.
    """
    rows, path = load(results), Path(path)
    given = read_marks(marks, rows) if marks is not None else {}
    if not force and _has_marks(path):
        raise ValueError(
            f"{path} has marks of a person in it: write another file (--marks {path} takes the "
            "marks over), or overwrite it with --force"
        )
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(LONG if long else HEAD)
    for row in rows:
        for values in _questions(row, given) if long else [_summary(row, given)]:
            table.writerow([_safe(value) for value in values])
    write_whole(path, text.getvalue())
    return sum(_waits(row, each, given) for row in rows for each in row["questions"])


# --- marks ----------------------------------------------------------------------------------------


def read_marks(path: str | Path, rows: list[dict[str, Any]]) -> Marks:
    """The marks in a table of `write_csv(..., long=True)`. Raises ValueError, which names the row,
    for a mark that is no number of points, or of an answer that is not among the results."""
    most = {_key(row, each): each["points"] for row in rows for each in row["questions"]}
    found: dict[tuple[str, ...], float] = {}
    for place, cells in _cells(Path(path)):
        if missing := [name for name in (*KEY, "mark") if name not in cells]:
            raise ValueError(
                f"{path} has no column {missing[0]!r}; expected the table that "
                "`lr-course export RESULTS --csv FILE --long` writes, with its first line"
            )
        if not _filled(cells):
            continue
        key, text = tuple(cells[name] for name in KEY), cells["mark"]
        where = f"{path}, row {place}"
        if key not in most:
            who = ", ".join(f"{name} {value!r}" for name, value in zip(KEY, key))
            raise ValueError(
                f"{where}: a mark for an answer that is not in the results ({who}). A spreadsheet "
                "may have changed it (007 to 7): import these columns as text"
            )
        if not text:
            raise ValueError(f"{where}: the points are in the column 'score'; put them in 'mark'")
        if key in found:
            raise ValueError(f"{where}: a second mark for {' '.join(key)}; leave one")
        try:
            found[key] = float(text.replace(",", "."))
        except ValueError:
            found[key] = -1.0
        if not 0 <= found[key] <= most[key]:
            points = number(most[key])
            raise ValueError(f"{where}: mark must be a number from 0 to {points}, got {text!r}")
    return found


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table as a spreadsheet counts them, with what stands in each column."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = file.readline()
        file.seek(0)
        table = csv.DictReader(file, delimiter=max(",;\t", key=first.count))  # ; of Excel in Europe
        try:
            for place, row in enumerate(table, start=2):
                yield place, {name: (row[name] or "").strip() for name in table.fieldnames or ()}
        except csv.Error as error:
            raise ValueError(f"{path} is not a table of comma-separated values ({error})") from None


def _filled(cells: Mapping[str, str]) -> bool:
    """Whether a person wrote points here, in the right column or beside it."""
    return bool(cells["mark"] or (cells.get("status") == "manual" and cells.get("score")))


def _has_marks(path: Path) -> bool:
    if not path.is_file():  # or a terminal, a pipe
        return False
    try:
        return any("mark" in cells and _filled(cells) for _, cells in _cells(path))
    except ValueError:
        return False  # no table of ours


def _key(row: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[str, ...]:
    values = {**row, "question": question["grade_id"]}
    return tuple(_safe(values[name]).strip() for name in KEY)


def _waits(row: Mapping[str, Any], question: Mapping[str, Any], marks: Marks) -> bool:
    return question["score"] is None and _key(row, question) not in marks


# --- rows -----------------------------------------------------------------------------------------


def _summary(row: Mapping[str, Any], marks: Marks) -> list[Any]:
    asked = row["questions"]
    given = {each["grade_id"]: marks.get(_key(row, each)) for each in asked}
    marked = [(each, mark) for each in asked if (mark := given[each["grade_id"]]) is not None]
    score = row["score"] + sum(mark - (each["score"] or 0.0) for each, mark in marked)
    changed = "; ".join(
        f"{label(each)}: {number(mark)} by hand, {number(each['score'])} of the grader's"
        for each, mark in marked
        if each["score"] is not None
    )
    values = {
        **row,
        "score": score if row["status"] == "graded" else None,
        "points": row["points"] if row["notebook"] else None,  # nobody knows which it was
        "by_hand": sum(each["points"] for each in asked if _waits(row, each, marks)),
        "reason": row["reason"] or changed,
        "late": "yes" if said_by_canvas(row["origin"])[0] else "",
    }
    return [values[name] for name in HEAD]


def _questions(row: Mapping[str, Any], marks: Marks) -> Iterator[list[Any]]:
    whole = {**row, "question": "", "exercise": "", "score": None, "points": None, "mark": None}
    if row["status"] != "graded":
        yield [whole[name] for name in LONG]
    for each in row["questions"]:
        mark = marks.get(_key(row, each))
        values = {**whole, **each, "question": each["grade_id"], "mark": mark}
        yield [values[name] for name in LONG]


def _safe(value: Any) -> str:
    """The value as a cell that no spreadsheet takes for a formula; numbers in full, None empty."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip("\n ").startswith(("=", "+", "-", "@", "\t", "\r")) else text
