"""Submissions: who handed in which notebook, from the layouts that teachers get.

    alice/01_fixed_rates.ipynb                       a folder for each student, also nested
    submitted/alice/ps1/01_fixed_rates.ipynb         nbgrader's
    alice.zip, alice.ipynb                           a file for each student
    Lee Ann_123_assignsubmission_file_/x.ipynb       Moodle's, in a folder or in one zip
    leeann_LATE_123_456_x.ipynb                      Canvas's, in a folder or in one zip

No student is lost: what cannot be graded is a Submission with a problem.
"""

import hashlib
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path

from course_lib.grade.archive import Item, Refused, kind_of, members, on_disk, read, shown, visible
from course_lib.grade.assignment import Assignment
from course_lib.grade.notebook import read_notebook

MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_(?:file|onlinetext)_(.*)", re.DOTALL)
CANVAS = re.compile(r"([^_]+)_(?:LATE_)?(\d+)_\d+_(.+)", re.DOTALL)
LONGEST_NAME = 255  # of a file on any system; a zip may say more
COPY = re.compile(r"^copy of |( ?\(\d+\)|[-_ ]\d{1,2}|[-_ ]+copy ?\d*)$", re.IGNORECASE)
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
LEVELS = 2  # a zip, and a zip within it
DEPTH = 10  # folders within folders
UNNAMED = 9  # how badly a name fits that says nothing


@dataclass(frozen=True)
class Caps:
    """The most that is looked at; of one submission, but for `students`."""

    files: int = 200
    notebook: int = 5_000_000  # bytes, as are the next two
    entry: int = 20_000_000  # of a zip within a zip
    total: int = 100_000_000
    ratio: int = 100  # of unpacked to packed
    students: int = 20_000


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
        for pile in _piles(folder, caps):
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
        for each in _chosen(theirs)
    ]
    found.sort(key=lambda each: (each.student, each.assignment, each.notebook or "~", each.origin))
    return _distinct(found)


# Whose files


@dataclass(frozen=True)
class _Pile:
    """What one student handed in, in one place."""

    name: str
    items: Iterable[Item]
    shared: bool = False  # from a folder or zip of many students
    nbgrader: bool = False
    level: int = 1  # of the next zip within


def _piles(folder: Path, caps: Caps) -> Iterator[_Pile]:
    if not folder.is_dir():
        what = "is a file; put it into a folder" if folder.exists() else "does not exist"
        raise ValueError(f"{folder} {what}; expected a folder of submissions")
    names, nbgrader, origin = _listed(folder), folder.resolve().name == "submitted", ""
    if "submitted" in names and kind_of(folder / "submitted") == "folder":
        folder, nbgrader, origin = folder / "submitted", True, "submitted/"
        names = _listed(folder)
    names = [name for name in names if not name.lower().endswith(".csv")]  # lists of students
    owners = _owners([(name,) for name in names])
    for name in names:
        path, place, alone = folder / name, origin + shown(name), len(names) == 1
        owner, parts = owners.get((name,), (None, ()))
        item = on_disk(path, parts or (name,), place)
        if kind_of(path) == "folder":
            children = [] if owner or nbgrader else [(each,) for each in _children(path)]
            within = _owners(children)
            if _is_shared(children, within, alone):
                for (child,), (who, rest) in within.items():
                    items = _files(path / child, rest, f"{place}/{shown(child)}", caps)
                    yield _Pile(who, items, shared=True)
            else:
                yield _Pile(owner or name, _files(path, (), place, caps), nbgrader=nbgrader)
        elif item.suffix == ".zip" and item.open and not owner:
            yield from _zip_piles(item, path.stem, alone)
        else:
            yield _Pile(owner or path.stem, [item])


def _listed(folder: Path) -> list[str]:
    return sorted(filter(visible, os.listdir(folder)))


def _children(folder: Path) -> list[str]:
    try:
        return _listed(folder)
    except OSError:
        return []  # said when its files are collected


def _zip_piles(item: Item, stem: str, alone: bool) -> Iterator[_Pile]:
    """One student's zip, or that of an LMS with all students."""
    with ExitStack() as stack:
        try:
            items = members(stack.enter_context(item.open()), item.origin)
        except (Refused, OSError) as error:
            yield _Pile(stem, [replace(item, open=None, problem=str(error))])
            return
        firsts = {each.parts[0] for each in items}
        if len(firsts) == 1 and not _owners([(name, "") for name in firsts]):
            items = [replace(each, parts=each.parts[1:] or each.parts) for each in items]
        owners = _owners([each.parts for each in items])
        useful = [each.parts for each in items if each.suffix in (".ipynb", ".zip")]
        if not _is_shared(useful, owners, alone):
            yield _Pile(stem, items, level=2)
            return
        piles = defaultdict(list)
        for each in items:
            if each.parts in owners:
                who, rest = owners[each.parts]
                piles[who].append(replace(each, parts=rest or each.parts))
        for who, theirs in piles.items():
            yield _Pile(who, theirs, shared=True, level=2)


def _is_shared(paths: Sequence[tuple], owners: Mapping[tuple, tuple], alone: bool) -> bool:
    """Whether a folder or zip has the files of many students. A student could name his files as an
    LMS does, and so hand in for others: therefore all of them must say so, and say two names."""
    several = len({who for who, _ in owners.values()}) > 1 or alone
    return bool(owners) and several and all(path in owners for path in paths)


def _owners(paths: Iterable[tuple[str, ...]]) -> dict[tuple, tuple[str, tuple[str, ...]]]:
    """Whose each path is and the path without that, where an LMS has written it into the name."""
    found = {}
    for path in paths:
        if match := MOODLE.fullmatch(path[0]):
            name, number, rest = match.groups()
            found[path] = (name, number, ((rest,) if rest else ()) + path[1:])
        elif len(path) == 1 and (match := CANVAS.fullmatch(path[0])):
            name, number, rest = match.groups()
            found[path] = (f"{name}_{number}", number, (rest,))
    numbers = defaultdict(set)
    for name, number, _ in found.values():
        numbers[name].add(number)
    return {  # Moodle's number is another one in each assignment: used only to tell namesakes apart
        path: (name if len(numbers[name]) == 1 else f"{name}_{number}", rest)
        for path, (name, number, rest) in found.items()
    }


def _files(path: Path, parts: tuple[str, ...], origin: str, caps: Caps) -> list[Item]:
    """The file, or the files in a folder, the nearest first."""
    found, waiting = [], [(path, parts, origin)]
    for count, (here, names, place) in enumerate(waiting):  # it grows meanwhile: breadth first
        if count > 2 * caps.files or len(names) > DEPTH:
            what = f"more than {caps.files} files or {DEPTH} folders deep; the rest was not read"
            found.append(Item(f"{place} ...", (*names, "..."), problem=what))
            break
        try:
            if kind_of(here) != "folder":
                found.append(on_disk(here, names or (here.name,), place))
                continue
            children = _listed(here)
        except OSError as error:
            found.append(Item(place, (*names, "."), problem=f"cannot be read: {error.strerror}"))
            continue
        children.sort(key=lambda name: not name.lower().endswith((".ipynb", ".zip")))
        waiting += [
            (here / name, (*names, name), f"{place}/{shown(name)}")
            for name in islice(children, 2 * caps.files + 1)
        ]
    return found


# Which notebooks


@dataclass(frozen=True)
class _Row:
    """A submission, and how well it fits: the least is graded."""

    submission: Submission
    rank: tuple = ()
    nothing: bool = False  # only says that nothing was found


def _rows(pile: _Pile, assignments: Mapping[str, Assignment], caps: Caps) -> list[_Row]:
    rows, left = [], caps.total

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
        rows.append(_Row(there, (True,)))

    def folder(item: Item) -> str:
        """nbgrader's name of the assignment, if this is nbgrader's layout."""
        stamped = (*item.parts[:-1], "timestamp.txt") in paths
        named = len(item.parts) == 2 and (pile.nbgrader or stamped)
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
            name, how = _by_name(item.parts[-1], assignments)
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
                rows.append(_Row(found, (False, pile.shared, how, len(item.parts), item.origin)))
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


def _by_name(name: str, assignments: Mapping[str, Assignment]) -> tuple[str | None, int]:
    """The assignment that the file's name tells, and how badly it does (0: as it should be)."""
    stem = unicodedata.normalize("NFKC", name.removesuffix(".ipynb"))
    if stem in assignments:
        return stem, 0
    if len(stem) > LONGEST_NAME:
        return None, UNNAMED
    known = {each.lower(): each for each in assignments}
    for badness in range(1, UNNAMED):
        stem = re.sub(r"\.ipynb$", "", stem.strip().lower())
        if stem in known:
            return known[stem], badness
        stem = COPY.sub("", stem, count=1)
    return None, UNNAMED


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


def _chosen(rows: Sequence[_Row]) -> Iterator[Submission]:
    """One notebook for each assignment of a student, all others with a problem."""
    told = [row for row in rows if not row.nothing] or rows[:1]
    best: dict[tuple, _Row] = {}
    for row in told:
        key = (row.submission.assignment, row.submission.notebook)
        if key[1] is not None and (key not in best or row.rank < best[key].rank):
            best[key] = row
    for row in told:
        each = row.submission
        first = best.get((each.assignment, each.notebook), row)
        if first is row:
            yield each
        else:
            ignored = f"second copy ignored: {first.submission.origin} is graded"
            yield replace(each, notebook=None, text=None, problem=each.problem or ignored)


# Names


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
