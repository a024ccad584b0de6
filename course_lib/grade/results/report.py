"""Reports: a page for the class and one for each student, from the results on disk.

Nothing that came from a submission is trusted: the templates escape every text, and wording.py
takes from it what could change how it is read; the pages hold no scripts and load nothing.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from statistics import fmean, median
from typing import Any

from course_lib.files import write_whole
from course_lib.grade.intake.collect import IGNORED
from course_lib.grade.intake.piles import said
from course_lib.grade.results.store import read, results
from course_lib.grade.results.wording import (
    in_one_line,
    made_safe,
    points_in_words,
    seconds_in_words,
    with_code_marked,
)
from course_lib.grade.walls.limits import LEVELS, NOT_ASKED, STOPPED_CALL

STATUS = {  # of a question: a sign and words, so that colour is never the only difference
    "right": ("✓", "right"),
    "partly": ("◐", "partly right"),
    "wrong": ("✗", "not right yet"),
    "not begun": ("○", "not begun"),
    "missing": ("∅", "answer cell missing"),
    "stopped": ("■", "stopped"),
    "manual": ("✎", "to be marked by hand"),
}
FIRST = ("library", "inside", "error", "copy", "late")  # of findings; then what was moved about
OURS = 'content="lr-course report: {}"'  # in each page, its own name: a copy of it is not ours


def write_report(folder: str | Path) -> Path:
    """Write `report/` in a folder of results; returns the path of its page for the class.

    The same results make the same bytes. Raises StoreError when there are no results.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    rows = load(folder)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        made_safe=made_safe,
        in_one_line=in_one_line,
        with_code_marked=with_code_marked,
        points_in_words=points_in_words,
        isolation=LEVELS.__getitem__,
    )
    environment.globals.update(
        status=STATUS, page=page_of, seconds=seconds_in_words, not_asked=NOT_ASKED, waits=waits
    )
    written = written_answers(rows)
    content = {"index.html": ("class.html", {**overview(rows), "written": bool(written)})}
    if written:
        content["answers.html"] = ("answers.html", {"questions": written})
    for own in _by_student(rows):
        name = own[0]["name"]  # as found; the id, made of it, is what files are called
        mine = {"name": name, "rows": own, "next_step": next_step, "printed": printed}
        content[page_of(own[0]["student"])] = ("student.html", mine)
    pages = {
        name: environment.get_template(template).render(told, file=name)
        for name, (template, told) in content.items()
    }
    out = Path(folder) / "report"
    out.mkdir(exist_ok=True)
    for old in out.glob("*.html"):
        ours = OURS.format(old.name) in old.read_text(encoding="utf-8", errors="replace")
        if ours and old.name not in pages:
            old.unlink()  # of a student whose results are gone
    for name, text in pages.items():
        write_whole(out / name, text + "\n")
    return out / "index.html"


def load(folder: str | Path) -> list[dict[str, Any]]:
    """Every result as `noted` has it, with the record of its run under "run", by the students'
    names."""
    rows = []
    for path, result in results(folder):
        run = read(path.with_suffix(".run.json"))
        current = run is not None and run["key"] == result["key"]
        rows.append(
            {**result, "run": run if current else {"seconds": 0, "peak_mb": 0, "cells": []}}
        )
    return sorted(noted(rows), key=order)


def noted(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The results, with two more findings: that Canvas says late, and which other copies a student
    handed in. Such a copy has no row of its own, unless nothing could be graded in its place."""
    rows = [{**each, "findings": list(each["findings"])} for each in results]
    graded = [each for each in rows if each["status"] == "graded"]
    chosen = {(each["student"], IGNORED.format(each["origin"])): each for each in graded}
    for row in graded:
        if said(row["origin"]).late:
            text = "handed in late, as Canvas says; the grader takes nothing off for it"
            row["findings"].append({"code": "late", "grade_id": "", "text": text})
    kept = []
    for row in rows:
        if first := chosen.get((row["student"], row["reason"])):
            text = f"handed in as well and not graded: {row['origin']}"
            first["findings"].append({"code": "copy", "grade_id": "", "text": text})
        else:
            kept.append(row)
    return kept


def order(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The place of a result in a list for people: by name, then by notebook."""
    name = unicodedata.normalize("NFKD", row["name"]).casefold()  # É beside E
    return name, row["student"], row["assignment"], row["notebook"]


def page_of(student: str) -> str:
    """The file name of a student's page. `~` is in no student's id, so nothing can be called so."""
    return f"{student}~.html" if student in ("index", "answers") else f"{student}.html"


def waits(row: Mapping[str, Any]) -> float:
    """How many points of this result wait for a person."""
    return sum(each["points"] for each in row["questions"] if each["score"] is None)


def answer_id(row: Mapping[str, Any], question: Mapping[str, Any]) -> str:
    """What an answer is called where names must not be seen: letters, the same in every run."""
    whole = "/".join((row["student"], row["assignment"], row["notebook"], question["grade_id"]))
    digits = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return digits.translate(str.maketrans("0123456789", "ghjkmnpqrs"))  # never 1e5 in a spreadsheet


def written_answers(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The questions that a person marks, each with its answers by their ids, in no one's order."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        for each in row["questions"]:
            if each["status"] == "manual":
                key = (row["assignment"], row["notebook"], each["grade_id"])
                asked = found.setdefault(key, {**each, "notebook": row["notebook"], "answers": []})
                asked["answers"].append((answer_id(row, each), each["answer"]))
    for asked in found.values():
        asked["answers"].sort()
    return [found[key] for key in sorted(found)]


def _by_student(rows: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    return [list(own) for _, own in groupby(rows, key=itemgetter("student"))]


# --- the class ------------------------------------------------------------------------------------


def overview(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the page of the class shows."""
    graded = [row for row in rows if row["status"] == "graded"]
    times = [row["run"]["seconds"] for row in graded]
    decided = [(row["score"], row["points"] - waits(row)) for row in graded]
    shares = [score / points for score, points in decided if points > 0]
    names = sorted({(row["assignment"], row["notebook"]) for row in graded})
    return {
        "students": len({row["student"] for row in rows}),
        "graded": len(graded),
        "by_hand": sum(q["status"] == "manual" for row in graded for q in row["questions"]),
        "mean": f"{100 * fmean(shares):.0f} %" if shares else "-",
        "total_seconds": sum(times),
        "median_seconds": median(times) if times else 0,
        "peak_mb": max((row["run"]["peak_mb"] for row in rows), default=0),
        "levels": sorted({row["isolation"] for row in rows}),
        "unread": [row for row in rows if row["status"] != "graded"],
        "findings": _findings(graded),
        "totals": [_total(own) for own in _by_student(rows)] if len(names) > 1 else [],
        "assignments": [
            _of_assignment([r for r in graded if (r["assignment"], r["notebook"]) == name])
            for name in names
        ],
    }


def _total(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One student's line over all notebooks: the sums, and each notebook by its name."""
    graded = [row for row in rows if row["status"] == "graded"]
    return {
        "student": rows[0]["student"],
        "name": rows[0]["name"],
        "score": sum(row["score"] for row in graded),
        "waits": sum(map(waits, graded)),
        "by_name": {_name(row): row for row in graded},
    }


def _name(row: Mapping[str, Any]) -> str:
    """What the page of the class calls this notebook."""
    assignment, notebook = row["assignment"], row["notebook"]
    return notebook if assignment in ("", notebook) else f"{assignment}: {notebook}"


def _findings(graded: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is worth a look, in one row what several students have: first what a teacher decides."""
    alike: dict[tuple[bool, str, str, tuple[str, ...]], dict[str, str]] = {}
    for row in graded:
        own: dict[tuple[bool, str, str], list[str]] = {}
        for each in row["findings"]:
            if each["code"] != "extra":  # cells of one's own are no news for a teacher
                key = (each["code"] not in FIRST, _name(row), each["text"])
                own.setdefault(key, []).append(each["grade_id"])
        for key, cells in own.items():
            alike.setdefault((*key, tuple(cells)), {})[row["student"]] = row["name"]
    return [
        {"students": students, "notebook": notebook, "cells": cells, "text": text}
        for (_, notebook, text, cells), students in sorted(alike.items())
    ]


def _of_assignment(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    questions: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        for question in row["questions"]:
            questions.setdefault(question["grade_id"], []).append(question)
    return {
        "name": _name(rows[0]),
        "rows": [
            {**row, "by_id": {each["grade_id"]: each for each in row["questions"]}} for row in rows
        ],
        "questions": [_of_question(each) for each in questions.values()],
        "points": rows[0]["points"],
    }


def _of_question(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    failed = Counter(each for answer in answers for each in _failures(answer))
    by_hand = any(answer["score"] is None for answer in answers)
    scores = [] if by_hand else [answer["score"] for answer in answers]
    statuses = Counter(answer["status"] for answer in answers)
    first = answers[0]
    return {
        "grade_id": first["grade_id"],
        "label": label(first),
        "title": first["title"],
        "points": first["points"],
        "mean": fmean(scores) if scores else None,
        "right": f"{100 * statuses['right'] / len(answers):.0f} %" if scores else "-",
        "not_begun": statuses["not begun"] + statuses["missing"],
        "failures": sorted(failed.items(), key=lambda item: (-item[1], item[0]))[:3],
    }


def _failures(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What failed in an answer, as (group, message). What says nothing of one group, because the
    answer was stopped or never defined, is told once, with "" for the group."""
    if answer["status"] == "not begun":
        return []
    failed = [
        (group["name"], in_one_line(group["message"]))
        for group in answer["groups"]
        if not group["passed"] and group["message"] != NOT_ASKED
    ]
    if answer["status"] == "stopped":
        failed = [each for each in failed if each[1] != STOPPED_CALL]
        return [("", in_one_line(answer["reason"])), *failed]
    if failed and all(message.endswith("is not defined") for _, message in failed):
        return [("", failed[0][1])]
    return failed


def label(question: Mapping[str, Any]) -> str:
    """What a question is called in a table: "1.1", or its grade id when it has no number."""
    return question["exercise"] or question["grade_id"]


# --- the student ----------------------------------------------------------------------------------


def next_step(row: Mapping[str, Any]) -> str:
    """One thing to do now, in words for the student."""
    if row["status"] == "unreadable":
        return _after(row["reason"])
    if row["status"] == "failed":
        return "The grader failed, not you. Your teacher can see it, too."
    open_ones = [q for q in row["questions"] if q["status"] not in ("right", "manual")]
    if not open_ones:
        by_hand = any(q["status"] == "manual" for q in row["questions"])
        rest = " Your written answers will be marked by hand." if by_hand else ""
        return f"All exercises of this notebook are right.{rest}"
    question = open_ones[0]
    name = f"Exercise {question['exercise']}" if question["exercise"] else question["grade_id"]
    if question["status"] == "not begun":
        return f"{name} is not begun yet: it is the next one to write."
    if question["status"] == "missing":
        return f"{name}: its answer cell is gone. Copy your answers into a fresh notebook."
    if question["status"] == "stopped":
        return (
            f"{name}: {question['reason']}. Look for a loop that never ends, very large values, "
            "and what is not part of the answer. Then run the notebook from top to bottom."
        )
    if question["reason"]:  # a notebook's check may say otherwise: names outlive their cells
        return (
            f"{name}: {question['reason']}. Restart Kernel and Run All Cells in JupyterLab shows "
            "whether this happens on your machine, too."
        )
    failed = next((group for group in question["groups"] if not group["passed"]), None)
    if failed is None or failed["name"] == "shown":
        return f"{name}: run its check in your notebook; it says what is wrong and gives a hint."
    return (
        f"{name}: the examples that you can see are right. Not right yet: {failed['name']}. Run "
        "its check in your notebook: it says what is wrong, and with which arguments."
    )


def _after(reason: str) -> str:
    """What to do about a file that was not graded for this reason."""
    if " is graded" in reason:
        return "Another file of yours is graded. If this one should count, tell your teacher."
    if reason.startswith("no notebook here"):
        return "Hand in the notebook itself: the file whose name ends in `.ipynb`."
    return (
        "Nothing is lost. If your answers are in this file, open it in JupyterLab, correct what is "
        "said above, save it and hand it in again. If they are in another file, there is nothing "
        "to do."
    )


def printed(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the student's cells said, as (grade id, text); cells that said nothing are left out."""
    found = []
    for cell in row["run"]["cells"]:
        parts = [cell["output"].rstrip("\n")]
        if cell["stopped"]:
            parts.append(f"(stopped: {cell['message']})")
        elif cell["error"]:
            parts.append(f"{cell['error']}: {cell['message']}")
        text = "\n".join(part for part in parts if part)
        if text and cell["kind"] != "given":
            found.append((cell["grade_id"], text))
    return found
