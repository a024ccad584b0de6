"""Scores as a table for a spreadsheet or a learning platform, and the marks that a person gave.

The table with a row for each question is where a person marks: points in its column `mark` count in
place of the grader's score, which stays beside them.
"""

import csv
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any

from course_lib.files import write_whole
from course_lib.grade.intake.piles import said
from course_lib.grade.results.report import answer_id, label, load
from course_lib.grade.results.wording import points_in_words

START = ["student", "assignment", "notebook", "status"]
HEAD = [*START, "score", "points", "by_hand", "name", "reason", "origin", "late"]
LONG = [*START, "question", "exercise", "score", "points", "mark", "name", "reason", "answer_id"]
KEY = ["student", "assignment", "notebook", "question"]
Marks = Mapping[tuple[str, ...], float]  # by what stands in the columns KEY


def write_csv(
    results: str | Path,
    path: str | Path,
    *,
    long: bool = False,
    marks: Iterable[str | Path] = (),
) -> dict[str, Any]:
    """Write a row for each student and notebook; with `long`, for each question of it as well.

    The path `-` is stdout. `marks` are such long tables with points in their column `mark`. Who has
    no score has an empty one, and the reason. `by_hand` is how many of the points wait for a
    person. Plain UTF-8, lines end with "\\n". A file that is there already and says something else
    is kept beside it. Returns how many answers are `waiting` for a person, where such a file is
    `kept`, and in words `marks_left_out`, which belong to no answer. Raises StoreError without
    results, ValueError when a mark cannot be right, OSError when the table cannot be written.
    """
    rows, kept = load(results), ""
    given, left_out = read_marks(marks, rows)
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(LONG if long else HEAD)
    for row in rows:
        for values in _questions(row, given) if long else [_summary(row, given)]:
            table.writerow([_safe(value) for value in values])
    if str(path) == "-":
        sys.stdout.write(text.getvalue())
    else:
        kept = _keep(Path(path), text.getvalue())
        write_whole(Path(path), text.getvalue())
    waiting = sum(_waits(row, each, given) for row in rows for each in row["questions"])
    return {"waiting": waiting, "kept": kept, "marks_left_out": left_out}


def _keep(path: Path, text: str) -> str:
    """Copy the table that is there, if it is to change: a person may have written marks into it.
    Returns the path of the copy, named after when the table was written; "" for none."""
    if not path.is_file() or path.read_bytes() in (b"", text.encode(errors="backslashreplace")):
        return ""
    written = datetime.fromtimestamp(path.stat().st_mtime)
    copy = path.with_name(f"{path.stem}-{written:%Y-%m-%d-%H%M%S}{path.suffix}")
    shutil.copy2(path, copy)
    return str(copy)


# --- marks ----------------------------------------------------------------------------------------


def read_marks(paths: Iterable[str | Path], rows: list[dict[str, Any]]) -> tuple[Marks, list[str]]:
    """The marks in tables of `write_csv(..., long=True)`, and in words those of answers that are
    not among the results. Raises ValueError, which names the row, for what is no number of points,
    for points of a written answer in the column `score`, and for two different marks.
    """
    now = {_key(row, each): each for row in rows for each in row["questions"]}
    found: dict[tuple[str, ...], float] = {}
    left_out = []
    for where, cells in chain.from_iterable(map(_cells, paths)):
        key = tuple(cells[name] for name in KEY)
        question, text = now.get(key), cells["mark"]
        written = cells.get("score") if cells.get("status") == "manual" else ""
        if not text and not written:
            continue
        if question is None:
            who = ", ".join(f"{name} {value!r}" for name, value in zip(KEY, key))
            left_out.append(f"{where}: a mark for an answer that is not in the results ({who})")
        elif not text:
            raise ValueError(f"{where}: the points are in the column 'score'; put them in 'mark'")
        else:
            mark = _checked(where, cells, question["points"])
            if found.setdefault(key, mark) != mark:
                raise ValueError(f"{where}: a second mark for {' '.join(key)}; leave one")
    return found, left_out


def _checked(where: str, cells: Mapping[str, str], most: float) -> float:
    """The mark in this row, of a question that has so many points now."""
    mark, before = _points(cells["mark"]), _points(cells.get("points", ""))
    if mark is None or not 0 <= mark <= most:
        given = f"got {cells['mark']!r}"
        raise ValueError(
            f"{where}: mark must be a number from 0 to {points_in_words(most)}, {given}"
        )
    if before is not None and abs(before - most) >= 0.01:  # spreadsheets show few digits
        raise ValueError(
            f"{where}: the mark is one of {points_in_words(before)} points, and the question has "
            f"{points_in_words(most)} now: see whether the mark is still right, then write the new "
            "points into 'points'"
        )
    return mark


def _points(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _cells(path: str | Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table of marks, by the names of its columns, and where each stands."""
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
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
                yield f"{path}, row {place}", {n: (row[n] or "").strip() for n in names}
        except csv.Error as error:
            raise ValueError(f"{path}: {error}; save it as CSV anew") from None


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
        f"{label(each)}: {points_in_words(mark)} by hand, "
        f"{points_in_words(each['score'])} of the grader's"
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
    whole = dict.fromkeys(LONG) | {name: row[name] for name in (*START, "name", "reason")}
    if row["status"] != "graded":
        yield [whole[name] for name in LONG]
    for each in row["questions"]:
        mark = marks.get(_key(row, each))
        values = {**whole, **each, "question": each["grade_id"], "mark": mark}
        values["answer_id"] = answer_id(row, each)
        yield [values[name] for name in LONG]


def _safe(value: Any) -> str:
    """The value as a cell that no spreadsheet takes for a formula; numbers in full, None empty."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.lstrip("\n ").startswith(("=", "+", "-", "@", "\t", "\r")) else text
