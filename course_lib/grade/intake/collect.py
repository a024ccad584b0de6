"""Submissions: who handed in which notebook, from the layouts that teachers get.

    alice/01_fixed_rates.ipynb                       a folder for each student, also nested
    submitted/alice/ps1/01_fixed_rates.ipynb         nbgrader's
    alice.zip, alice.ipynb                           a file for each student

and from the zip of a learning platform, or that zip unpacked:

    Lee Ann_123_assignsubmission_file/x.ipynb                Moodle
    leeann_LATE_123_456_x.ipynb                              Canvas
    Fixed rates_alee_attempt_2026-10-09-13-01-00_x.ipynb     Blackboard
    1000-77 - Ann Lee - Oct 9, 2026 101 PM/x.ipynb           Brightspace
    submission_250171001/x.ipynb                             Gradescope

No student is lost: what cannot be graded is a Submission with a problem. Of several copies of one
notebook one is graded (`_Fit` says which), and the others are Submissions with a problem, too.
"""

import hashlib
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path

from course_lib.grade.intake.archive import Item, Refused, members, read, shown
from course_lib.grade.intake.assignment import Assignment
from course_lib.grade.intake.match import match
from course_lib.grade.intake.notebook import read_notebook, without_outputs
from course_lib.grade.intake.piles import MOST_FILES, Pile, piles, said

LARGEST_FILE = 25_000_000  # bytes of a notebook, or of a zip within a zip; an animation is long
LARGEST_TOTAL = 100_000_000  # bytes of one student's files
LONGEST_NAME = 255  # of a file on any system; a zip may say more
COPY = re.compile(r"^copy of |( ?\(\d+\)|[-_ ]\d{1,2}|[-_ ]+copy ?\d*)$")
LEVELS = 2  # a zip, and a zip within it
ADDED = 8  # such additions to a name, at most
DIGEST = re.compile(r"-[0-9a-f]{8,}$")  # what `student_id` adds
IGNORED = "second copy ignored: {} is graded"
UNSURE = (
    "{} is graded, a different copy; nothing says which of them counts: keep the one that does or, "
    "if they are of several students, make a folder for each"
)
FORGED = "{} have different copies of this notebook; keep the one that counts"


@dataclass(frozen=True)
class Submission:
    """A notebook that someone handed in, or what kept it from being one."""

    student: str  # safe as the name of a file
    name: str  # as found
    assignment: str = ""  # unless nbgrader's folders name it
    notebook: str | None = None  # the name of the Assignment
    text: str | None = None
    problem: str | None = None  # in words; then there is no text
    origin: str = ""  # where it was found, for humans; no two are equal
    elsewhere: bool = False  # of another assignment in nbgrader's folders: none of our business


class Foreign(Refused):
    """A notebook without one cell of ours."""


class Elsewhere(Foreign):
    """Such a notebook that is somebody else's assignment."""


def collect(folder: Path | str, assignments: Mapping[str, Assignment]) -> list[Submission]:
    """All submissions in the folder, sorted by student, without what their cells printed and drew.

    Raises ValueError when there is no such folder, or an empty one; never for what is handed in.
    """
    folder = Path(folder)
    rows: dict[str, list[_Row]] = defaultdict(list)
    try:
        for pile in piles(folder):
            name = unicodedata.normalize("NFC", pile.name)  # macOS writes accents on their own
            rows[name] += _Reader(pile, assignments).rows()
    except OSError as error:
        raise ValueError(f"{folder}: cannot be read ({error.strerror}); see its rights") from error
    if not rows:
        raise ValueError(f"{folder}: empty; expected a folder, zip or notebook for each student")
    _join_weeks(rows)
    found = [
        replace(each, student=student_id(name), name=shown(name, 200))
        for name, theirs in rows.items()
        for each in _chosen(theirs, assignments)
    ]
    found.sort(key=lambda each: (each.student, each.assignment, each.notebook or "~", each.origin))
    count = Counter[str]()
    for place, each in enumerate(found):
        count[each.origin] += 1
        if (number := count[each.origin]) > 1:  # a zip may have one name twice
            found[place] = replace(each, origin=f"{each.origin} ({number})")
    return found


def _join_weeks(rows: dict[str, list["_Row"]]) -> None:
    """Moodle's number is another one in each assignment: where one name has several and each with
    notebooks of its own, as of two weeks that were unpacked into one folder, it is one student."""
    split = defaultdict(list)
    for name, theirs in rows.items():
        who = said(theirs[0].submission.origin)
        if name == f"{who.owner}_{who.number}":
            split[who.owner].append(name)
    for owner, names in split.items():
        books = [{row.submission.notebook for row in rows[name]} - {None} for name in names]
        if all(books) and sum(map(len, books)) == len(set().union(*books)):
            rows[owner] += [row for name in names for row in rows.pop(name)]


# --- which notebooks ------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class _Fit:
    """How well a copy of a notebook fits, the most important first; the greatest is graded. Never a
    file's date: zip files and copying change it."""

    # 1: begun; 0: blank; -1: has none of ours, or our own in them; -2: cannot be read
    answers: int = -2
    own: bool = False  # found under the student's own name, not in a folder or zip of many
    date: int = 0  # of the attempt, where a platform says it
    named: int = 0  # 2: as handed out, numbers aside; 1: as a copy of that; 0: otherwise
    depth: int = 0  # minus the folders that it lies in
    numbers: tuple[int, ...] = ()  # Canvas's, then those behind the name: all that copy count up


@dataclass(frozen=True)
class _Row:
    """A submission, and how well it fits."""

    submission: Submission
    fit: _Fit = _Fit()
    stem: str = ""  # of the file's name, without what copying adds
    nothing: bool = False  # only says that nothing was found
    foreign: bool = False  # without a cell of ours: a scratch book, a lesson


class _Reader:
    """What one pile holds, read within the limits. Whose it is, `collect` fills in."""

    def __init__(self, pile: Pile, assignments: Mapping[str, Assignment]) -> None:
        self.pile, self.assignments = pile, assignments
        self.left = LARGEST_TOTAL  # bytes that may still be read

    def rows(self) -> list[_Row]:
        with ExitStack() as zips:
            unpacked = self._unpacked(self.pile.items, self.pile.level, zips)
            items = list(islice(unpacked, 50 * MOST_FILES))
            items.sort(key=lambda each: (each.suffix != ".ipynb", len(each.parts), each.origin))
            rows = [row for item in items[:MOST_FILES] if (row := self._row(item))]
        if len(items) > MOST_FILES:
            rest = replace(items[-1], origin=f"{items[0].origin} ...")
            what = f"more than {MOST_FILES} files; the rest was not looked at"
            rows.append(self._refused(rest, what))
        return rows or [self._nothing(items)]

    def _unpacked(self, items: Iterable[Item], level: int, zips: ExitStack) -> Iterator[Item]:
        for item in items:
            if item.suffix != ".zip" or item.problem:
                yield item
                continue
            try:
                if level > LEVELS:
                    raise Refused("a zip in a zip in a zip; hand in the notebook itself")
                on_its_own = item.packed is None
                file = item.open() if on_its_own else BytesIO(self._take(item))
                inside = members(zips.enter_context(file), item.origin)
                yield from self._unpacked(inside, level + 1, zips)
            except (Refused, OSError) as error:
                yield replace(item, open=None, problem=str(error))

    def _take(self, item: Item) -> bytes:
        """The bytes of a file; Refused where it is too large, or all files together are."""
        try:
            data = read(item, LARGEST_FILE) if self.left > 0 else b""
            self.left -= len(data)
        except Refused:
            self.left -= LARGEST_FILE  # may have been read before it was refused
            raise
        if self.left <= 0:
            raise Refused(f"this student's files have more than {LARGEST_TOTAL / 1e6:g} MB")
        return data

    def _row(self, item: Item) -> _Row | None:
        """The row of a file; None for one that is no notebook."""
        name, named, stem, numbers = _by_name(item.parts[-1], self.assignments)
        if item.problem:
            return self._refused(item, item.problem, name)
        if item.suffix != ".ipynb":
            return None
        try:
            text = without_outputs(self._take(item).decode("utf-8-sig"))
            name = _by_content(text, name, self.assignments)
        except UnicodeDecodeError:
            return self._refused(item, "not UTF-8 text", name)
        except ValueError as error:
            return self._refused(item, error, name)
        sent, own, depth = said(item.origin), not self.pile.shared, -len(item.parts)
        fit = _Fit(0, own, sent.date, named, depth, (sent.upload, *numbers))
        found = Submission("", "", self._folder(item), name, text, origin=item.origin)
        return _Row(found, fit, stem)

    def _refused(self, item: Item, problem: object, notebook: str | None = None) -> _Row:
        there = self._folder(item)
        elsewhere = isinstance(problem, Elsewhere) and there != ""
        refused = Submission("", "", there, notebook, None, str(problem), item.origin, elsewhere)
        return _Row(refused, foreign=isinstance(problem, Foreign) and not elsewhere)

    def _folder(self, item: Item) -> str:
        """nbgrader's name of the assignment, if this is nbgrader's layout."""
        return shown(item.parts[0], 80) if self.pile.nbgrader and len(item.parts) > 1 else ""

    def _nothing(self, items: Sequence[Item]) -> _Row:
        seen = ", ".join(shown(each.parts[-1], 60) for each in items[:5])
        problem = f"no notebook here; found {seen or 'nothing'}, expected .ipynb or .zip"
        origin = items[0].origin.rpartition("/")[0] if items else ""
        nothing = Submission("", "", problem=problem, origin=origin or shown(self.pile.name))
        return _Row(nothing, nothing=True)


def _by_name(
    name: str, assignments: Mapping[str, Assignment]
) -> tuple[str | None, int, str, tuple[int, ...]]:
    """The assignment that the file's name tells, how well it does, as in _Fit; the name without
    what copying adds; and the numbers in that, where an assignment is told."""
    known = {each.lower(): each for each in assignments}
    stem = re.sub(r"\.ipynb(\.txt|\.json)?$", "", unicodedata.normalize("NFKC", name).lower())
    named, numbers = 2, tuple[int, ...]()
    for _ in range(ADDED if len(stem) <= LONGEST_NAME else 0):
        stem = re.sub(r"\.ipynb$", "", stem.strip())
        if stem in known:
            return known[stem], named, stem, numbers
        if added := COPY.search(stem):
            named = 1 if "copy" in added[0] else named
            numbers += tuple(map(int, re.findall(r"\d+", added[0])))
            stem = stem[: added.start()] + stem[added.end() :]
    return None, 0, stem, ()


def _by_content(text: str, named: str | None, assignments: Mapping[str, Assignment]) -> str:
    """The assignment with which a notebook has most cells in common, by grade id or cell id; the
    one that its file is named like, unless it has no cell of that and most are another's."""
    try:
        cells = read_notebook(text)
    except ValueError:
        if named:
            return named  # what is wrong with it is said when it is graded
        raise
    theirs = {id for cell in cells for id in (cell.grade_id, cell.id) if id}
    common = {
        name: len(theirs & {id for cell in each.cells for id in (cell.grade_id, cell.id)})
        for name, each in assignments.items()
    }
    most = max(common.values(), default=0)
    names = [name for name, count in common.items() if count == most]
    if named and (common[named] or 2 * most <= len(cells)):
        return named
    if named:
        raise Refused(f"it is called {named}, and its cells are those of {names[0]}; rename it")
    if not most or len(names) > 1:
        graded = any(cell.grade_id for cell in cells)
        kind = Refused if most else Elsewhere if graded else Foreign
        raise kind(f"which assignment is it? Name it like one of {sorted(assignments)[:20]}")
    return names[0]


def _chosen(rows: Sequence[_Row], assignments: Mapping[str, Assignment]) -> Iterator[Submission]:
    """One notebook for each assignment of a student, all others with a problem."""
    rows = [row for row in rows if not row.nothing] or rows[:1]
    if len(rows) > 1:
        rows = [_looked_into(row, assignments) for row in rows]
    copies: dict[tuple, list[_Row]] = defaultdict(list)
    for row in rows:
        each = row.submission
        assignment = "" if each.assignment == each.notebook else each.assignment
        copies[assignment, each.notebook].append(row)
    chosen = [
        row
        for (_, notebook), alike in copies.items()
        for row in (_of_copies(alike) if notebook is not None and len(alike) > 1 else alike)
    ]
    graded = [row.submission for row in chosen if row.submission.text and not row.foreign]
    for row in chosen:
        beside = (each for each in graded if row.foreign and _is_beside(row.submission, each))
        first = next(beside, None)
        yield _not_graded(row, IGNORED.format(first.origin)) if first else row.submission


def _of_copies(alike: Sequence[_Row]) -> Iterator[_Row]:
    """The copies of one notebook, all but one with a problem; all of them where files of many
    students, of which one may be a student's own forgery, have different answers."""
    alike = sorted(alike, key=lambda row: row.submission.origin)
    first = max(alike, key=lambda row: row.fit)  # of equals the first
    text = first.submission.text
    rivals = [row for row in alike if row.fit.answers > 0 and row.submission.text != text]
    places = sorted({row.submission.origin.partition("/")[0] for row in (first, *rivals)})
    forged = len(places) > 1 and not first.fit.own
    for row in alike:
        if row is first and not forged:
            yield row
            continue
        unsure = row in rivals and _is_unsure(row, first)
        problem = (UNSURE if unsure else IGNORED).format(first.submission.origin)
        problem = FORGED.format(" and ".join(places)) if forged else problem
        yield replace(row, submission=_not_graded(row, row.submission.problem or problem))


def _not_graded(row: _Row, problem: str) -> Submission:
    return replace(row.submission, notebook=None, text=None, problem=problem)


def _is_unsure(row: _Row, first: _Row) -> bool:
    """Whether nothing but chance says that not this copy is graded but the first: a platform gives
    them to two students, each lies in a folder of its own, as in a class whose layout nobody knows,
    or they fit alike, but for numbers behind different names."""
    one, other, mine, best = row.submission, first.submission, row.fit, first.fit
    if len({said(each.origin).owner for each in (one, other)} - {""}) > 1:
        return True
    if (mine.own, mine.date) != (best.own, best.date):
        return False
    if not (_is_beside(one, other) or _is_beside(other, one)):
        return True
    numbered = row.stem == first.stem and mine.numbers != best.numbers
    return (mine.named, mine.depth) == (best.named, best.depth) and not numbered


def _is_beside(one: Submission, other: Submission) -> bool:
    """Whether one lies in the folder or zip of the other, or in a folder within it."""
    return one.origin.startswith(other.origin[: other.origin.rfind("/") + 1])


def _looked_into(row: _Row, assignments: Mapping[str, Assignment]) -> _Row:
    """The row, when it is known whether the notebook can be read and has answers."""
    each = row.submission
    if each.text is None:
        return row
    try:
        cells = read_notebook(each.text)
        plan = match(cells, assignments[each.notebook])
    except ValueError as error:
        return replace(
            row,
            submission=replace(each, text=None, problem=str(error)),
            fit=replace(row.fit, answers=-2),
        )
    answers = int(plan.begun)
    if not plan.answers or any("### BEGIN SOLUTION" in each for each in plan.answers.values()):
        answers = -1
    foreign = not plan.answers and not any(cell.grade_id for cell in cells)
    return replace(row, fit=replace(row.fit, answers=answers), foreign=foreign)


def student_id(name: str) -> str:
    """The name if it is safe for a file on Linux and macOS, in a-z 0-9 . _ -, or in these and A-Z
    with a digest of the original: nobody can find another name for it, and no two are alike in any
    case. It does not depend on who else is there: `Bob` has a digest as a `bob` may come later."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", unicodedata.normalize("NFKC", name)).strip(".-_")
    if safe == name.lower() == name and 0 < len(safe) <= 80 and not DIGEST.search(safe):
        return safe
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return f"{safe[:63] or 'student'}-{digest}"
