"""Submissions: who handed in which notebook, from the layouts that teachers get.

    alice/01_fixed_rates.ipynb                       a folder for each student, also nested
    submitted/alice/ps1/01_fixed_rates.ipynb         nbgrader's
    alice.zip, alice.ipynb                           a file for each student
    Lee Ann_123_assignsubmission_file/x.ipynb        Moodle's, in a folder or in one zip
    leeann_LATE_123_456_x.ipynb                      Canvas's, in a folder or in one zip

No student is lost: what cannot be graded is a Submission with a problem. Of several copies of one
notebook one is graded (`_Fit` says which), and the others are Submissions with a problem, too.
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path

from course_lib.grade.intake.archive import Item, Refused, members, read, shown
from course_lib.grade.intake.assignment import Assignment
from course_lib.grade.intake.match import match
from course_lib.grade.intake.notebook import read_notebook
from course_lib.grade.intake.piles import Caps, Pile, piles, said_by_canvas

LONGEST_NAME = 255  # of a file on any system; a zip may say more
COPY = re.compile(r"^copy of |( ?\(\d+\)|[-_ ]\d{1,2}|[-_ ]+copy ?\d*)$", re.IGNORECASE)
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
LEVELS = 2  # a zip, and a zip within it
ADDED = 8  # such additions to a name, at most
IGNORED = "second copy ignored: {} is graded"
MOST_PLACES = 4  # in which one student's copies of a notebook may lie; more are a class
CROWDED = (
    "this notebook lies in {} places under one name, and only {} is graded; if these are several "
    "students', make a folder for each"
)


@dataclass(frozen=True)
class Submission:
    """A notebook that someone handed in, or what kept it from being one."""

    student: str  # safe as the name of a file
    name: str  # as found
    assignment: str  # "" unless nbgrader's folders name it
    notebook: str | None  # the name of the Assignment
    text: str | None
    problem: str | None  # in words; then there is no text
    origin: str  # where it was found, for humans; no two are equal
    elsewhere: bool = False  # of another assignment in nbgrader's folders: none of our business


class Elsewhere(Refused):
    """A graded notebook, and of no assignment of ours."""


def collect(
    folder: Path | str, assignments: Mapping[str, Assignment], caps: Caps | None = None
) -> list[Submission]:
    """All submissions in the folder, sorted by student.

    Raises ValueError when there is no such folder, when it is empty or has too many students; never
    for what a student handed in.
    """
    folder, caps = Path(folder), caps or Caps()
    rows: dict[str, list[_Row]] = defaultdict(list)
    try:
        for pile in piles(folder, caps):
            rows[pile.name] += _rows(pile, assignments, caps)
            if len(rows) > caps.students:
                raise ValueError(f"{folder}: more than {caps.students:,} students; grade in parts")
    except OSError as error:
        raise ValueError(f"{folder}: cannot be read ({error.strerror}); see its rights") from error
    if not rows:
        raise ValueError(f"{folder}: empty; expected a folder, zip or notebook for each student")
    ids = student_ids(rows)
    found = [
        replace(each, student=ids[name], name=shown(name, 200))
        for name, theirs in rows.items()
        for each in _chosen(theirs, assignments)
    ]
    found.sort(key=lambda each: (each.student, each.assignment, each.notebook or "~", each.origin))
    return _distinct(found)


# --- which notebooks ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Fit:
    """How well a copy of a notebook fits, the most important first; the greatest is graded. Never a
    file's date: zip files and copying change it."""

    readable: bool
    own: bool  # found under the student's own name, not in a folder or zip of many
    answered: bool = False  # something stands in it that was not handed out
    named: int = 0  # 2: as handed out, numbers aside; 1: as a copy of that; 0: otherwise
    depth: int = 0  # minus the folders that it lies in
    upload: int = 0  # Canvas's number
    numbers: tuple[int, ...] = ()  # behind the name: a browser, Canvas and macOS count up


@dataclass(frozen=True)
class _Row:
    """A submission, and how well it fits."""

    submission: Submission
    fit: _Fit = _Fit(False, False)
    nothing: bool = False  # only says that nothing was found
    places: int = 1  # in which this pile has the notebook: folders, and names of another kind


def _rows(pile: Pile, assignments: Mapping[str, Assignment], caps: Caps) -> list[_Row]:
    rows, left = [], caps.total
    places: dict[tuple, set] = defaultdict(set)

    def take(item: Item, most: int) -> bytes:
        nonlocal left
        try:
            data = read(item, most, caps.ratio) if left > 0 else b""
            left -= len(data)
        except Refused:
            left -= most  # may have been read before it was refused
            raise
        if left <= 0:
            raise Refused(f"this student's files have more than {caps.total / 1e6:g} MB")
        return data

    def refuse(
        item: Item, problem: str, notebook: str | None = None, elsewhere: bool = False
    ) -> None:
        there = Submission("", "", folder(item), notebook, None, problem, item.origin, elsewhere)
        rows.append(_Row(there))

    def folder(item: Item) -> str:
        """nbgrader's name of the assignment, if this is nbgrader's layout."""
        stamped = (*item.parts[:-1], "timestamp.txt") in paths
        named = len(item.parts) > 1 and (pile.nbgrader or (stamped and len(item.parts) == 2))
        return shown(item.parts[0], 80) if named else ""

    def unpacked(items: Iterable[Item], level: int) -> Iterator[Item]:
        for item in items:
            if item.suffix != ".zip" or item.problem:
                yield item
                continue
            try:
                if level > LEVELS:
                    raise Refused("a zip in a zip in a zip; hand in the notebook itself")
                on_its_own = item.packed is None
                file = item.open() if on_its_own else BytesIO(take(item, caps.entry))
                yield from unpacked(members(stack.enter_context(file), item.origin), level + 1)
            except (Refused, OSError) as error:
                yield replace(item, open=None, problem=str(error))

    with ExitStack() as stack:
        items, paths = list(islice(unpacked(pile.items, pile.level), 50 * caps.files)), set()
        items.sort(key=lambda each: (each.suffix != ".ipynb", len(each.parts), each.origin))
        paths |= {each.parts for each in items}
        if len(items) > caps.files:
            first = replace(items[-1], origin=f"{items[0].origin} ...")
            refuse(first, f"more than {caps.files} files; the rest was not looked at")
        for item in items[: caps.files]:
            name, named, numbers = _by_name(item.parts[-1], assignments)
            if item.problem:
                refuse(item, item.problem, name)
            elif item.suffix == ".ipynb":
                try:
                    text = _decoded(take(item, caps.notebook))
                    if name is None:
                        name = _by_content(text, assignments)
                except ValueError as error:
                    elsewhere = isinstance(error, Elsewhere) and folder(item) != ""
                    refuse(item, str(error), name, elsewhere)
                    continue
                found = Submission("", "", folder(item), name, text, None, item.origin)
                _, upload = said_by_canvas(item.origin)
                fit = _Fit(
                    True,
                    not pile.shared,
                    named=named,
                    depth=-len(item.parts),
                    upload=upload,
                    numbers=numbers,
                )
                called = "" if named else re.sub(r"\d+", "", item.parts[-1])
                places[found.assignment, name].add((item.origin.rpartition("/")[0], called))
                rows.append(_Row(found, fit))
    for number, row in enumerate(rows):
        seen = len(places[row.submission.assignment, row.submission.notebook])
        rows[number] = replace(row, places=seen)
    if not rows:
        seen = ", ".join(shown(each.parts[-1], 60) for each in items[:5])
        problem = f"no notebook here; found {seen or 'nothing'}, expected .ipynb or .zip"
        origin = items[0].origin.rpartition("/")[0] if items else ""
        nothing = Submission("", "", "", None, None, problem, origin or shown(pile.name))
        rows.append(_Row(nothing, nothing=True))
    return rows


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"not UTF-8 text (byte {error.start + 1:,}); save it again") from error


def _by_name(
    name: str, assignments: Mapping[str, Assignment]
) -> tuple[str | None, int, tuple[int, ...]]:
    """The assignment that the file's name tells, how well it does, and the numbers behind it; the
    last two as in _Fit."""
    stem = unicodedata.normalize("NFKC", re.sub(r"\.ipynb(\.txt|\.json)?$", "", name))
    if stem in assignments:
        return stem, 2, ()
    known = {each.lower(): each for each in assignments}
    named, numbers = 2, tuple[int, ...]()
    for _ in range(ADDED if len(stem) <= LONGEST_NAME else 0):
        stem = re.sub(r"\.ipynb$", "", stem.strip().lower())
        if stem in known:
            return known[stem], named, numbers
        if added := COPY.search(stem):
            named = 1 if "copy" in added[0] else named
            numbers += tuple(map(int, re.findall(r"\d+", added[0])))
            stem = stem[: added.start()] + stem[added.end() :]
    return None, 0, ()


def _by_content(text: str, assignments: Mapping[str, Assignment]) -> str:
    """The assignment with which a notebook has most cells in common, by grade id or cell id."""
    cells = read_notebook(text).cells
    theirs = {id for cell in cells for id in (cell.grade_id, cell.id) if id}
    common = {
        name: len(theirs & {id for cell in each.cells for id in (cell.grade_id, cell.id)})
        for name, each in assignments.items()
    }
    most = max(common.values(), default=0)
    names = [name for name, count in common.items() if count == most]
    if not most or len(names) > 1:
        graded = any(cell.grade_id for cell in cells)
        kind = Elsewhere if graded and not most else Refused
        raise kind(f"which assignment is it? Name it like one of {sorted(assignments)[:20]}")
    return names[0]


def _chosen(rows: Sequence[_Row], assignments: Mapping[str, Assignment]) -> Iterator[Submission]:
    """One notebook for each assignment of a student, all others with a problem."""
    copies: dict[tuple, list[_Row]] = defaultdict(list)
    for row in [row for row in rows if not row.nothing] or rows[:1]:
        each = row.submission
        assignment = "" if each.assignment == each.notebook else each.assignment
        copies[assignment, each.notebook].append(row)
    for (_, notebook), alike in copies.items():
        if notebook is None or len(alike) == 1:
            yield from (row.submission for row in alike)
            continue
        alike = [_looked_into(row, assignments[notebook]) for row in alike]
        alike.sort(key=lambda row: row.submission.origin)
        if both := _contradicting(alike):
            yield from (
                replace(
                    row.submission, notebook=None, text=None, problem=row.submission.problem or both
                )
                for row in alike
            )
            continue
        first = max(alike, key=lambda row: astuple(row.fit))  # of equals the first
        ignored = IGNORED.format(first.submission.origin)
        if (places := max(row.places for row in alike)) > MOST_PLACES:
            ignored = CROWDED.format(places, first.submission.origin)
        for row in alike:
            each = row.submission
            if row is first:
                yield each
            else:
                problem = each.problem or ignored
                yield replace(each, notebook=None, text=None, problem=problem)


def _contradicting(alike: Sequence[_Row]) -> str:
    """What to say if files of many students, of which one may be a student's own forgery, have
    different copies under this student's name; "" otherwise."""
    readable = [row for row in alike if row.fit.readable]
    if any(row.fit.own for row in readable) or len({row.submission.text for row in readable}) < 2:
        return ""
    places = sorted({row.submission.origin.partition("/")[0] for row in readable})
    if len(places) < 2:
        return ""
    return (
        f"{' and '.join(places)} have different copies of this notebook; keep the one that counts"
    )


def _looked_into(row: _Row, assignment: Assignment) -> _Row:
    """The row, when it is known whether the notebook can be read and has answers."""
    each = row.submission
    if each.text is None:
        return row
    try:
        plan = match(read_notebook(each.text), assignment)
    except ValueError as error:
        return replace(
            row,
            submission=replace(each, text=None, problem=str(error)),
            fit=replace(row.fit, readable=False),
        )
    answered = bool(plan.answers.keys() - plan.blank - plan.missing)
    return replace(row, fit=replace(row.fit, answered=answered))


# --- names ----------------------------------------------------------------------------------------


def student_ids(names: Iterable[str]) -> dict[str, str]:
    """For each name one that is safe for a file on every system, no two alike in any case."""
    names = sorted(names)
    ids = {name: _safe(name, 0) for name in names}
    for length in (8, 16, 32, 64):
        alike = defaultdict(list)
        for name, id in ids.items():
            alike[id.lower()].append(name)
        for group in alike.values():
            if len(group) > 1:
                ids |= {name: _safe(name, length) for name in group}
    return ids


def _safe(name: str, digits: int) -> str:
    """The name in A-Z a-z 0-9 . _ -, with a digest of the original if that changes it."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", unicodedata.normalize("NFKC", name)).strip(".-_")
    if RESERVED.fullmatch(safe):
        safe = f"student_{safe}"
    if safe != name or not safe or len(safe) > 80:
        digits = digits or 8
    if not digits:
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:digits]
    return f"{safe[: 79 - digits] or 'student'}-{digest}"


def _distinct(rows: list[Submission]) -> list[Submission]:
    """The rows, with a number behind the origins that are equal."""
    seen: set[str] = set()
    made = []
    for row in rows:
        origin, count = row.origin, 1
        while origin in seen:
            count += 1
            origin = f"{row.origin} ({count})"
        seen.add(origin)
        made.append(replace(row, origin=origin))
    return made
