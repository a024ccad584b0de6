"""What a student has solved: how many exercises of each lesson, and how many points.

Kept in a small file (see `course_lib.notes`) that nobody else reads.
"""

from typing import Any

from course_lib import exercises
from course_lib.formulas.parameters import Flag
from course_lib.notes import Entries, Notes, Shown


def _good(entry: Any) -> bool:
    kinds = [type(entry[key]) for key in ("solved", "failed", "answer")]
    return kinds == [bool, int, str]


NOTES = Notes("exercises", "progress", _good)


NEW = {"solved": False, "failed": 0, "answer": ""}


def record(id: str, *, solved: bool, answer: str = "") -> int:
    """Note a try at an exercise; returns how many different answers have failed in a row.

    `answer` is a digest of what was tried: running a check again on the same one is no new try.
    """

    def note(entries: Entries) -> None:
        entry = entries.setdefault(id, dict(NEW))
        if solved:
            entry.update(solved=True, failed=0, answer="")
        elif entry["answer"] != answer:
            entry.update(failed=entry["failed"] + 1, answer=answer)

    return NOTES.change(note)[id]["failed"]


def touch(id: str) -> None:
    """Note that an exercise was tried, and nothing else."""
    NOTES.change(lambda entries: entries.setdefault(id, dict(NEW)))


def line(id: str) -> str:
    """How far the student is, in a line; empty where no progress is kept."""
    if NOTES.place() is None:
        return ""
    lesson, rows = exercises.course()[id].lesson, _rows(NOTES.read())
    solved, count = next((row["solved"], row["count"]) for row in rows if row["lesson"] == lesson)
    everything = sum(row["solved"] for row in rows), sum(row["count"] for row in rows)
    return (
        f"Lesson {int(lesson[:2])}: {solved} of {count} exercises solved, "
        f"course: {everything[0]} of {everything[1]}"
    )


def progress(reset: bool = False) -> Shown:
    """What is solved, lesson by lesson; `reset=True` forgets all of it."""
    if Flag().check("reset", reset):
        NOTES.change(lambda entries: entries.clear())
    rows = _rows(NOTES.read())
    sums = ("solved", "tried", "count", "earned", "points")
    total = {"lesson": "course"} | {key: sum(row[key] for row in rows) for key in sums}
    table = [["Lesson", "solved", "tried", "exercises", "points"]]
    for row in [*rows, total]:
        counts = [str(row[key]) for key in ("solved", "tried", "count")]
        table.append([row["lesson"], *counts, f"{row['earned']:g} of {row['points']:g}"])
    return Shown(NOTES.kept(), title="Your progress", table=table)


def _rows(entries: Entries) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for id, exercise in exercises.course().items():
        new = {"lesson": exercise.lesson, "solved": 0, "tried": 0, "count": 0}
        row = rows.setdefault(exercise.lesson, {**new, "earned": 0, "points": 0})
        solved = id in entries and entries[id]["solved"]
        row["count"] += 1
        row["points"] += exercise.points
        row["tried"] += id in entries
        row["solved"] += solved
        row["earned"] += exercise.points * solved
    return list(rows.values())
