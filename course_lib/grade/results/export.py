"""Scores as a table for a spreadsheet or a learning platform, and the marks that a person gave.

The table with a row for each question is where a person marks: points in its column `mark` count in
place of the grader's score, which stays beside them.
"""

import csv
import sys
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from course_lib.files import write_whole
from course_lib.grade.intake.piles import said
from course_lib.grade.results.report import label, load
from course_lib.grade.results.text import number

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
) -> dict[str, Any]:
    """Write a row for each student and notebook; with `long`, for each question of it as well.

    The path `-` is stdout. `marks` is such a long table with points in its column `mark`. Who has
    no score has an empty one, and the reason. `by_hand` is how many of the points wait for a
    person. Plain UTF-8, lines end with "\\n". Returns how many answers are `waiting` for one, and
    in words `marks_left_out`, which belong to no answer. Raises StoreError without results,
    ValueError when a mark cannot be right or (without `force`) when there is a file already that is
    not such a table without marks, OSError when it cannot be written.
    """
    rows, path = load(results), Path(path)
    given, left_out = read_marks(marks, rows) if marks is not None else ({}, [])
    if str(path) != "-" and not force and not _may_be_replaced(path):
        raise ValueError(
            f"{path} is there already, and has marks of a person in it or is no table of `export`: "
            f"write another file (--marks {path} takes marks over), or overwrite it with --force"
        )
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(LONG if long else HEAD)
    for row in rows:
        for values in _questions(row, given) if long else [_summary(row, given)]:
            table.writerow([_safe(value) for value in values])
    if str(path) == "-":
        sys.stdout.write(text.getvalue())
    else:
        write_whole(path, text.getvalue())
    waiting = sum(_waits(row, each, given) for row in rows for each in row["questions"])
    return {"waiting": waiting, "marks_left_out": left_out}


# --- marks ----------------------------------------------------------------------------------------


def read_marks(path: str | Path, rows: list[dict[str, Any]]) -> tuple[Marks, list[str]]:
    """The marks in a table of `write_csv(..., long=True)`, and in words those of answers that are
    not among the results. Raises ValueError, which names the row, for what is no number of points.
    """
    most = {_key(row, each): each["points"] for row in rows for each in row["questions"]}
    found: dict[tuple[str, ...], float] = {}
    left_out = []
    for place, cells in _cells(Path(path)):
        if not _filled(cells):
            continue
        key, text = tuple(cells[name] for name in KEY), cells["mark"]
        where = f"{path}, row {place}"
        if key not in most:
            who = ", ".join(f"{name} {value!r}" for name, value in zip(KEY, key))
            left_out.append(f"{where}: a mark for an answer that is not in the results ({who})")
            continue
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
    return found, left_out


def _cells(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a table of marks as a spreadsheet counts them, by the names of its columns."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        first = file.readline()
        file.seek(0)
        table = csv.DictReader(file, delimiter=max(",;\t", key=first.count))  # ; of Excel in Europe
        try:
            names = table.fieldnames or ()
            for name in (*KEY, "mark"):
                if (count := list(names).count(name)) != 1:
                    raise ValueError(
                        f"{path} has {count or 'no'} column{'s' * (count > 1)} {name!r}; expected "
                        "the table that `lr-course export RESULTS --csv FILE --long` writes, with "
                        "its first line, saved as CSV in UTF-8"
                    )
            for place, row in enumerate(table, start=2):
                yield place, {name: (row[name] or "").strip() for name in names}
        except csv.Error as error:
            raise ValueError(f"{path} is not a table of comma-separated values ({error})") from None


def _filled(cells: Mapping[str, str]) -> bool:
    """Whether a person wrote points here, in the right column or beside it."""
    return bool(cells["mark"] or (cells.get("status") == "manual" and cells.get("score")))


def _may_be_replaced(path: Path) -> bool:
    """Whether nothing is lost: no file, an empty one, or a table of ours without marks."""
    if not path.is_file() or path.stat().st_size == 0:  # a terminal and a pipe are no files
        return True
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
    except (ValueError, csv.Error):
        return False
    if head not in (HEAD, LONG) or any(len(row) != len(head) for row in rows):
        return False
    return head == HEAD or not any(_filled(dict(zip(LONG, row))) for row in rows)


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
        "late": "yes" if said(row["origin"]).late else "",
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
