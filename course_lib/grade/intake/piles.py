"""Whose files: one pile for each student, from the layouts that teachers get (see collect.py).

Nothing is opened here but folders and the lists of zip files; an LMS writes into the names whose a
file is.
"""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.grade.intake.archive import Item, Refused, kind_of, members, on_disk, shown, visible

MOODLE = re.compile(r"(.+?)_(\d+)_assignsubmission_[a-z]+(?:_(.*))?", re.DOTALL)  # 4 has no last _
BRIGHTSPACE = re.compile(r"(\d+)-\d+ - (.+) - (\w{3} \d+, \d{4}) (\d{3,4} [AP]M)", re.DOTALL)
BLACKBOARD = re.compile(r"(.+)_([^_]+)_attempt_(\d{4}(?:-\d\d){5})(?:_(.+)|\.txt)", re.DOTALL)
CANVAS = re.compile(  # without a name where students are anonymous
    r"(?:(?P<name>[^\W\d].*?)_)??(?P<late>LATE_)?(?P<id>anon_[^\W_]+|(?<=_)\d+)_"
    r"(?:(?P<upload>\d+)_(?P<rest>.+)|(?:text|link)\.html)",
    re.DOTALL,
)
GRADESCOPE = re.compile(r"submission_\d{5,}")  # whose it is stands in another file
# What the platforms call a zip of all students, with a browser's number: Moodle (course, assignment
# and number), Canvas, Blackboard, Brightspace, Gradescope.
DOWNLOAD = re.compile(
    r"(.+-.+-\d+|submissions|gradebook_.+|.+ Download \w{3} \d.+|assignment_\d+_export)"
    r"( ?\(\d+\))?",
    re.DOTALL,
)
NOTES = re.compile(
    r"(?is).*\.(csv|xlsx|ods)|(readme|notes?)\.(txt|md)|readme|submission_metadata\.yml"
)
NBGRADER = {"submitted", "source", "release", "autograded", "feedback"}  # the folders of a course
NBGRADER |= {"gradebook.db", "nbgrader_config.py"}
MOST_FILES = 200  # of one student's that are looked at


@dataclass(frozen=True)
class Pile:
    """What one student handed in, in one place."""

    name: str
    items: Iterable[Item]
    shared: bool = False  # from a folder or zip of many students
    nbgrader: bool = False
    level: int = 1  # of the next zip within


def piles(folder: Path) -> Iterator[Pile]:
    """What lies in a folder of submissions. Raises ValueError where there is no such folder, and
    where it has nbgrader's `submitted/` and others' submissions."""
    if not folder.is_dir():
        what = "is a file; put it into a folder" if folder.exists() else "does not exist"
        raise ValueError(f"{folder} {what}; expected a folder of submissions")
    names, nbgrader, origin = _students(folder), folder.resolve().name == "submitted", ""
    if "submitted" in names and kind_of(folder / "submitted") == "folder":
        if others := [shown(name, 60) for name in names if name not in NBGRADER]:
            raise ValueError(
                f"{folder} has nbgrader's submitted/ and {', '.join(others[:10])}: which are the "
                f"submissions? Grade {folder / 'submitted'}, and move into it what belongs to it"
            )
        folder, nbgrader, origin = folder / "submitted", True, "submitted/"
        names = _students(folder)
    paths = {name: _as_path(folder / name) for name in names}
    owners, alone = _owners(paths.values()), len(names) == 1
    for name in names:
        path, place = folder / name, origin + shown(name)
        owner, parts = owners.get(paths[name], (None, ()))
        item = on_disk(path, parts or (name,), place)
        if kind_of(path) == "folder":
            inside = {} if owner or nbgrader else _inside(path)
            owned, useful = _owners(inside.values()), [*filter(_is_useful, inside.values())]
            if not _is_shared(useful, owned, alone):
                yield Pile(owner or name, _files(path, (), place), nbgrader=nbgrader)
                continue
            for child, at in inside.items():
                if at in owned or at in useful:
                    who, rest = owned.get(at) or _of_nobody(at)
                    items = _files(path / child, rest, f"{place}/{shown(child)}")
                    yield Pile(who, items, shared=True)
        elif item.suffix == ".zip" and item.open and (alone or not owner):
            yield from _zip_piles(item, owner or path.stem, alone)
        else:
            yield Pile(owner or path.stem, [item])


def _as_path(path: Path) -> tuple[str, ...]:
    """The name; of a folder with a place inside, because some platforms hand out files only."""
    folder = os.path.isdir(path) and not os.path.islink(path)
    return (path.name, "") if folder else (path.name,)


def _listed(folder: Path) -> list[str]:
    return sorted(filter(visible, os.listdir(folder)))


def _students(folder: Path) -> list[str]:
    """What lies in the folder, but for the teacher's own tables and notes."""
    return [name for name in _listed(folder) if not NOTES.fullmatch(name) or _named((name,))]


def _inside(folder: Path) -> dict[str, tuple[str, ...]]:
    try:
        return {name: _as_path(folder / name) for name in _listed(folder)}
    except OSError:
        return {}  # said when its files are collected


def _is_useful(path: tuple[str, ...]) -> bool:
    """Whether it is a notebook, a zip, or a folder on disk."""
    return path[-1] == "" or Item("", path).suffix in (".ipynb", ".zip")


def _zip_piles(item: Item, stem: str, alone: bool) -> Iterator[Pile]:
    """One student's zip, or that of an LMS with all students."""
    with ExitStack() as stack:
        try:
            items = members(stack.enter_context(item.open()), item.origin)
        except (Refused, OSError) as error:
            yield Pile(stem, [replace(item, open=None, problem=str(error))])
            return
        firsts = {each.parts[0] for each in items}
        if len(firsts) == 1 and not _owners([(name, "") for name in firsts]):
            items = [replace(each, parts=each.parts[1:] or each.parts) for each in items]
        owners = _owners([each.parts for each in items])
        useful = [each.parts for each in items if _is_useful(each.parts)]
        if not _is_shared(useful, owners, alone or bool(DOWNLOAD.fullmatch(stem))):
            yield Pile(stem, items, level=2)
            return
        by_student = defaultdict(list)
        for each in items:
            if each.parts in owners or each.parts in useful:
                who, rest = owners.get(each.parts) or _of_nobody(each.parts)
                by_student[who].append(replace(each, parts=rest or each.parts))
        for who, theirs in by_student.items():
            yield Pile(who, theirs, shared=True, level=2)


def _is_shared(paths: Sequence[tuple], owners: Mapping[tuple, tuple], one: bool) -> bool:
    """Whether a folder or zip has the files of many students. A student could name his files as an
    LMS does, and so hand in for others: therefore two things of three are needed. All of them say
    so; they say two names; it is the `one` that cannot be a student's own: nothing else is there,
    or it is called like an LMS's zip."""
    several = len({who for who, _ in owners.values()}) > 1
    return bool(owners) and several + one + all(path in owners for path in paths) > 1


def _of_nobody(path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Name and path of what lies among the files of many students and fits none of them."""
    return Path(path[0]).stem if len(path) == 1 else path[0], path


def _owners(paths: Iterable[tuple[str, ...]]) -> dict[tuple, tuple[str, tuple[str, ...]]]:
    """Whose each path is and the path without that, where an LMS has written it into the name."""
    found = {path: named for path in paths if (named := _named(path))}
    numbers = defaultdict(set)
    for each in found.values():
        numbers[each.owner].add(each.number)
    return {  # Moodle's number is another one in each assignment: used only to tell namesakes apart
        path: (who if len(numbers[who]) == 1 else f"{who}_{number}", rest)
        for path, (who, number, rest, *_) in found.items()
    }


class Said(NamedTuple):
    """What a platform wrote into the name of a file or folder."""

    owner: str = ""
    number: str = ""  # tells namesakes apart
    rest: tuple[str, ...] = ()  # what is left of the path: as the student called it
    late: bool = False
    upload: int = 0  # Canvas's number, which grows from one to the next
    date: int = 0  # of the attempt, which grows, too


def _named(path: tuple[str, ...]) -> Said | None:
    """What is written into this path; None where no platform has written anything."""
    if match := MOODLE.fullmatch(path[0]):
        name, number, rest = match.groups()
        return Said(name, number, ((rest,) if rest else ()) + path[1:])
    if match := BRIGHTSPACE.fullmatch(path[0]):
        return Said(match[2], match[1], path[1:], date=_date(f"{match[3]} {match[4]:0>7}"))
    if len(path) > 1 and GRADESCOPE.fullmatch(path[0]):
        return Said(path[0], rest=path[1:])
    if len(path) == 1 and (match := BLACKBOARD.fullmatch(path[0])):
        assignment, name, date, rest = match.groups()  # `_` may stand in an assignment's name, too
        return Said(name, assignment, (rest,) if rest else (), date=int(date.replace("-", "")))
    if len(path) == 1 and (match := CANVAS.fullmatch(path[0])):
        name = "_".join(filter(None, match.group("name", "id")))
        rest, upload = match["rest"] or path[0].rpartition("_")[2], int(match["upload"] or 0)
        return Said(name, match["id"], (rest,), bool(match["late"]), upload)
    return None


def namesakes(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The students of one name, as results call them, of whom nobody can say who is who: some are
    told apart by Moodle's number, which is another one in each assignment, and another has none or
    has handed in nothing that they have."""
    books: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        who = said(row["origin"])
        if who.number and row["name"] in (who.owner, f"{who.owner}_{who.number}"):
            books[who.owner][row["name"]].add(row["notebook"])
    return [
        ", ".join(sorted(of))
        for owner, of in sorted(books.items())
        if len(of) > 1 and (owner in of or not set.intersection(*of.values()))
    ]


def _date(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%b %d, %Y %I%M %p").strftime("%Y%m%d%H%M"))
    except ValueError:
        return 0


def said(origin: str) -> Said:
    """What a platform wrote into the names on the way to a file that lies there.

    >>> said("all.zip/lee_ann_LATE_12_345_01_fixed_rates-1.ipynb")[:5]
    ('lee_ann_12', '12', ('01_fixed_rates-1.ipynb',), True, 345)
    >>> said("all.zip/1000-77 - Ann Lee - Oct 9, 2026 101 PM/01_fixed_rates.ipynb").date
    202610091301
    """
    parts = unicodedata.normalize("NFC", origin).split("/")  # as collect writes names
    folders = [not part.lower().endswith(".zip") for part in parts[:-1]] + [False]
    paths = [(part, "") if folder else (part,) for part, folder in zip(parts, folders)]
    # The first may be the teacher's own name of the download.
    return next(filter(None, map(_named, [*paths[1:], paths[0]])), Said())


def _files(path: Path, parts: tuple[str, ...], origin: str) -> list[Item]:
    """The file, or the files in a folder, the nearest first."""
    found, waiting = [], [(path, parts, origin)]
    for count, (here, names, place) in enumerate(waiting):  # it grows meanwhile: breadth first
        if count > 2 * MOST_FILES:
            what = f"more than {MOST_FILES} files; the rest was not read"
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
            for name in islice(children, 2 * MOST_FILES + 1)
        ]
    return found
