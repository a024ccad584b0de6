"""What `lr-course grade` says at its end: a line for each notebook, and how many there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wcwidth import clip, ljust, wcswidth

from course_lib.grade.results.report import order
from course_lib.grade.results.wording import counted, in_one_line, points_in_words

WIDEST_NAME = 32  # columns: a longer one would push all else away


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each notebook, in columns: whose it is, which, and how it went."""
    rows = [
        (_fitting(in_one_line(each["name"], 200)), each["notebook"] or "-", _went(each))
        for each in sorted(results, key=order)
    ]
    first, second = (max((wcswidth(row[i]) for row in rows), default=0) for i in (0, 1))
    return [f"{ljust(name, first)}  {ljust(book, second)}  {went}" for name, book, went in rows]


def _fitting(name: str) -> str:
    return name if wcswidth(name) <= WIDEST_NAME else f"{clip(name, 0, WIDEST_NAME - 1)}…"


def _went(result: Mapping[str, Any]) -> str:
    if result["status"] != "graded":
        reason, origin = in_one_line(result["reason"]), in_one_line(result["origin"])
        return f"{result['status']}: {reason}; file: {origin}"
    manual = sum(question["status"] == "manual" for question in result["questions"])
    # cells of one's own are no news for a teacher
    findings = sum(finding["code"] != "extra" for finding in result["findings"])
    notes = [f"{manual} to be marked by hand"] * bool(manual)
    notes += [counted(findings, "finding")] * bool(findings)
    score = f"{points_in_words(result['score'])} of {points_in_words(result['points'])}"
    return f"{score}  ({', '.join(notes)})" if notes else score


def totals(results: Sequence[Mapping[str, Any]], new: int, copies: int) -> str:
    """How many notebooks there are: `new` earned a score now, `copies` are not in `results`."""
    if not results:
        return "nothing to grade"
    every, graded = len(results) + copies, sum(each["status"] == "graded" for each in results)
    beside = f", {copies} left out beside graded ones" if copies else ""
    return (
        f"{counted(every, 'notebook')}: {new} graded now, {graded - new} before, "
        f"{len(results) - graded} could not be graded{beside}; isolation: {results[0]['isolation']}"
    )


def of_others(folder: Path | str, others: Sequence[Path]) -> str:
    """What to say of results in the folder that belong to none of the submissions."""
    return (
        f"{folder} also holds {counted(len(others), 'result')} of other submissions; "
        "report and export show them, too. If a student has left, delete the files: "
        + ", ".join(map(str, others[:3]))
        + (", ..." if len(others) > 3 else "")
    )
