"""What to run of a submitted notebook: the student's answers among the assignment's own cells.

Only sources are taken from a submission. Its points, marks and outputs decide nothing; of its
checks only the name that a function was given. What goes wrong is a ValueError in words, never
another error.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from course_lib.grade.intake.assignment import Assignment, AssignmentCell
from course_lib.grade.intake.notebook import (
    DEFINED,
    STUBS,
    Cell,
    checks_in,
    defined,
    known_lines,
    parsed,
)

FRAMEWORK = re.compile(r"^framework[ \t]*=[ \t]*[\"'](torch|tensorflow)[\"']", re.MULTILINE)
CHECK = re.compile(r"^(from course_lib\.checks import check|check\(.*\))[ \t]*$", re.MULTILINE)
# Prose in a cell of code, a comment perhaps: five words, or twelve letters where none are parted.
PROSE = re.compile(r"\b(?:[^\W\d_]+[,;:.]? ){4}[^\W\d_]|[^\W\d_a-zA-Z]{12}")
# What leaves a function, or is none, before the stub stops it.
LEAVES = re.compile(r"(?:^|[:=])[ \t]*(?:return|yield|lambda)\b|^class\b")
ANOTHER = "not as it is handed out now; what is handed out counts"  # the teacher's change perhaps


@dataclass(frozen=True)
class Step:
    """A piece of code to run."""

    kind: str  # given, answer, extra
    grade_id: str
    source: str


@dataclass(frozen=True)
class Finding:
    """Something about the notebook that its reader may want to know; it costs no points."""

    code: str
    grade_id: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What to run, in order, and what was answered."""

    steps: tuple[Step, ...]
    answers: dict[str, str]  # by grade id, as submitted
    findings: tuple[Finding, ...]
    missing: frozenset[str]  # answers that are not in the notebook
    blank: frozenset[str]  # answers that are as they were handed out
    begun: bool = True  # whether any answer was begun, wherever it stands
    called: dict[str, str] = field(default_factory=dict)  # functions' other names, by grade id


def match(cells: Sequence[Cell], assignment: Assignment) -> Plan:
    """What to run of a notebook for this assignment, and what was found on the way."""
    return _Matching(cells, assignment).plan()


class _Matching:
    """Places are positions in the notebook; indices are positions in the assignment."""

    def __init__(self, cells: Sequence[Cell], assignment: Assignment) -> None:
        self.theirs, self.ours, self.questions = cells, assignment.cells, assignment.questions
        self.findings: list[tuple[int, Finding]] = []
        self.found: dict[int, int] = {}  # index -> place of the cell that counts
        self.owner: dict[int, int] = {}  # place -> index, copies included
        self.borrowed: dict[int, list[int]] = {}  # index -> places of other cells that answer it
        self.called: dict[str, str] = {}
        self.copied: set[int] = set()  # indices of cells that are there several times
        self.dropped: set[int] = set()  # places of stubs whose answer stands elsewhere
        functions = {id: each.name for each in self.questions for id in each.answers}
        self.names = [_names(cell, functions.get(cell.grade_id, "")) for cell in self.ours]
        self.asked = [i for i, cell in enumerate(self.ours) if cell.kind in ("answer", "question")]

    def plan(self) -> Plan:
        self._by_ids()
        self._by_checks()
        for find in (self._by_name, self._borrow, self._by_words):
            for index in self.asked:
                find(index)
        self._report()
        answers, missing, blank = {}, set(), set()
        for index in self.asked:
            grade_id, places = self.ours[index].grade_id, self._answer(index)
            if not places:
                missing.add(grade_id)
                continue
            answers[grade_id] = "\n\n".join(self.theirs[place].source for place in places)
            if self._untouched(index, places[0]):
                blank.add(grade_id)
        findings = [each for _, each in sorted(self.findings, key=lambda pair: pair[0])]
        return Plan(
            tuple(self._steps()),
            answers,
            tuple(findings),
            frozenset(missing),
            frozenset(blank),
            begun=any(self._begun(index) or index in self.borrowed for index in self.asked),
            called=self.called,
        )

    # Which cell is which

    def _by_ids(self) -> None:
        """By grade id, and what is left by the notebook's own cell id."""
        for key in ("grade_id", "id"):
            indices = {
                getattr(cell, key): index
                for index, cell in enumerate(self.ours)
                if getattr(cell, key) and index not in self.found
            }
            places = defaultdict(list)
            for place, cell in enumerate(self.theirs):
                index = indices.get(getattr(cell, key))
                if index is not None and place not in self.owner:
                    places[index].append(place)
            for index, copies in places.items():
                self.owner |= dict.fromkeys(copies, index)
                self.found[index] = self._best(index, copies)

    def _best(self, index: int, copies: list[int]) -> int:
        """The last copy; of answers, the last that was begun and defines what is asked for."""
        if len(copies) == 1:
            return copies[0]
        best = copies
        if self.ours[index].kind in ("answer", "question"):
            begun = [place for place in copies if self._is_work(index, place)]
            defining = [p for p in begun if self.names[index] <= self.theirs[p].defines]
            best = defining or begun or copies
        self.copied.add(index)
        text = f"in the notebook {len(copies)} times; cell {best[-1] + 1} counts"
        self._find("duplicated", index, text)
        return best[-1]

    def _by_checks(self) -> None:
        """The names that students gave their functions: what they made a check ask for."""
        checks = {cell.grade_id: i for i, cell in enumerate(self.ours) if cell.kind == "check"}
        for each in self.questions:
            place = self.found.get(checks.get(each.grade_id, -1))
            if place is None or self._is_done(each.name):
                continue
            names: list[str] = []
            with suppress(ValueError):
                asked = checks_in(parsed(self.theirs[place].source))
                names = [check.name for check in asked if check.exercise == each.exercise]
            if not names or not self._is_done(name := names[-1]):
                continue
            self.called[each.grade_id] = name
            for index in self.asked:
                if self.ours[index].grade_id in each.answers:
                    known = self.names[index]
                    self.names[index] = {name if old == each.name else old for old in known}

    def _is_done(self, name: str) -> bool:
        """Whether some cell of code binds the name to more than a stub."""
        code = (cell for cell in self.theirs if cell.cell_type == "code")
        return any(name in cell.defines and not _is_stub(cell, {name}) for cell in code)

    def _begun(self, index: int) -> bool:
        return index in self.found and self._is_work(index, self.found[index])

    def _is_work(self, index: int, place: int) -> bool:
        """Whether the cell is neither empty nor a stub: as it was handed out, now or before."""
        if not self.theirs[place].source.strip() or self._untouched(index, place):
            return False
        return not _is_stub(self.theirs[place], self.names[index], self.ours[index].released)

    def _untouched(self, index: int, place: int) -> bool:
        return self.ours[index].released.split() == self.theirs[place].source.split()

    def _free(self) -> list[int]:
        return [place for place in range(len(self.theirs)) if place not in self.owner]

    def _by_name(self, index: int) -> None:
        """An answer that stands in a cell of the student's own, under the right name."""
        if self._begun(index) or not self.names[index]:
            return
        for place in reversed(self._free()):
            cell = self.theirs[place]
            named = cell.cell_type == "code" and self.names[index] <= cell.defines
            if named and (self._is_work(index, place) or index not in self.found):
                if index in self.found:
                    self.dropped.add(self.found[index])
                self.found[index], self.owner[place] = place, index
                self._find("found", index, f"taken from cell {place + 1}, which defines its name")
                return

    def _borrow(self, index: int) -> None:
        """An answer that stands in the cell of another exercise, in a check, or in given code."""
        if self._begun(index) or not self.names[index]:
            return
        for place, other in sorted(self.owner.items(), reverse=True):
            cell, theirs = self.theirs[place], self.ours[other]
            runs = cell.cell_type == "code" and theirs.kind in ("given", "answer", "check")
            runs = runs and other != index and place not in self.dropped
            if runs and self.names[index] <= cell.defines - defined(theirs.released):
                self.borrowed[index] = [place]
                self._find("found", index, f"answered in cell {place + 1}")
                return

    def _by_words(self, index: int) -> None:
        """A written answer in cells of the student's own, below its question, or below the last
        answer or check where that is gone."""
        if self._begun(index) or self.ours[index].kind != "question":
            return
        before = [p for i, p in self.found.items() if i < index and self.ours[i].kind != "given"]
        start = self.found.get(index, max(before, default=len(self.theirs)))
        stop = min((p for p in self.owner if p > start), default=len(self.theirs))
        taken = {place for places in self.borrowed.values() for place in places}
        below = [place for place in self._free() if start < place < stop and place not in taken]
        if places := [*filter(self._is_prose, below)]:
            self._find("found", index, f"answered below it, from cell {places[0] + 1} on")
            own = [place for place in self._answer(index) if not self._untouched(index, place)]
            self.borrowed[index] = own + places

    def _is_prose(self, place: int) -> bool:
        """Whether a cell of the student's own has words, and not ours in a cell without its id. One
        of code has them in its comments or its texts, or is no Python."""
        cell = self.theirs[place]
        ours = {line for each in self.ours for line in known_lines(each.released)}
        new = known_lines(cell.source) - ours
        if cell.cell_type != "code":
            return bool(new)
        text = cell.source
        with suppress(ValueError):
            constants = (each for each in ast.walk(parsed(text)) if isinstance(each, ast.Constant))
            texts = [each.value for each in constants if isinstance(each.value, str)]
            text = "\n".join([*texts, *re.findall("#.*", text)])
        return bool(new and PROSE.search(text))

    def _answer(self, index: int) -> list[int]:
        """The places of what answers a question."""
        own = [self.found[index]] if index in self.found else []
        return self.borrowed.get(index, own)

    # What was found

    def _find(self, code: str, index: int, text: str) -> None:
        self.findings.append((index, Finding(code, self.ours[index].grade_id, text)))

    def _report(self) -> None:
        for index, cell in enumerate(self.ours):
            if not cell.grade_id or (cell.kind == "given" and not cell.runs):
                continue  # prose may be read, moved and removed
            if index not in self.found:
                if index not in self.borrowed:
                    self._find("removed", index, "not in the notebook")
                continue
            theirs = self.theirs[self.found[index]]
            if theirs.cell_type != cell.cell_type:
                text = f"made a {theirs.cell_type} cell; handed out as {cell.cell_type}"
                self._find("retyped", index, text)
            if name := self.called.get(cell.grade_id):
                self._find("edited", index, f"its check asks for `{name}`, and so did the grader")
            elif self._is_edited(self.found[index]):
                self._find("edited", index, ANOTHER)
            if marks := _changed_marks(cell, theirs):
                self._find("edited", index, f"its {marks}: {ANOTHER}")
        order = sorted(self.found, key=self.found.__getitem__)
        stayed = SequenceMatcher(None, sorted(order), order, False).get_matching_blocks()
        for index in sorted({*order}.difference(*(order[b : b + n] for _, b, n in stayed))):
            if self.ours[index].grade_id and index not in self.copied:
                self._find("moved", index, "not where it was handed out")
        extras = [place for place in range(len(self.theirs)) if self._is_extra(place)]
        if extras:
            text = f"code cells of the student's own, run as well: {len(extras)}"
            self.findings.append((len(self.ours), Finding("extra", "", text)))

    def _is_edited(self, place: int) -> bool:
        """Whether this is a cell that was to stay as it is, and is not."""
        cell, theirs = self.ours[self.owner[place]], self.theirs[place]
        if cell.kind not in ("given", "check"):
            return False
        allowed = [FRAMEWORK.sub("", each).split() for each in (cell.source, cell.released)]
        return FRAMEWORK.sub("", theirs.source).split() not in allowed

    # What to run

    def _is_extra(self, place: int) -> bool:
        """Whether the cell is code of the student's own."""
        cell, index = self.theirs[place], self.owner.get(place)
        if cell.cell_type != "code" or place in self.dropped or not cell.source.strip():
            return False
        if index is None:
            return True
        ours = self.ours[index]
        if ours.kind == "given" and ours.cell_type == "markdown":
            return True  # code was written into a cell of prose
        copy = ours.kind in ("given", "answer") and self.found[index] != place
        return copy and not self._untouched(index, place)

    def _steps(self) -> list[Step]:
        """Answers and own cells in the student's order; given code where he left it, but before
        every answer that follows it in the assignment."""
        steps: list[tuple[float, Step]] = []
        answers = {p: i for i, p in self.found.items() if self.ours[i].kind == "answer"}
        for place, cell in enumerate(self.theirs):
            if added := self._added_to_check(place):
                steps.append((place, Step("extra", "", added)))
            elif self._is_extra(place):
                steps.append((place, Step("extra", "", cell.source)))
            elif place in answers and place not in self.dropped:
                index = answers[place]
                if index not in self.borrowed or self._begun(index):
                    steps.append((place, Step("answer", self.ours[index].grade_id, cell.source)))
        latest = float(len(self.theirs))
        for index in reversed([i for i, cell in enumerate(self.ours) if cell.runs]):
            later = [place for place, other in answers.items() if other > index]
            latest = min(self._place(index), min(later, default=latest) - 0.5, latest)
            steps += [(latest, step) for step in reversed(self._given(index))]
        steps.reverse()  # among equal places, given cells in their own order
        return [step for _, step in sorted(steps, key=lambda pair: pair[0])]

    def _added_to_check(self, place: int) -> str:
        """The code of the student's own in the cell of a check; "" if there is none."""
        cell, index = self.theirs[place], self.owner.get(place)
        if cell.cell_type != "code" or index is None or self.ours[index].kind != "check":
            return ""
        return CHECK.sub("", cell.source).strip() if self._is_edited(place) else ""

    def _place(self, index: int) -> float:
        """Where given code belongs: where it is, else right after what it followed."""
        before = [(i, place) for i, place in self.found.items() if i <= index]
        nearest, place = max(before, default=(index, -1))
        return place if nearest == index else place + 0.5

    def _given(self, index: int) -> list[Step]:
        """Our own cell, in the student's framework. What he wrote into it, an import perhaps, runs
        first: nothing of ours is replaced by it, and his answers may need it."""
        cell, place = self.ours[index], self.found.get(index)
        source, before = cell.source, []
        if place is not None:
            theirs = self.theirs[place]
            if chosen := FRAMEWORK.findall(theirs.source):
                source = FRAMEWORK.sub(f'framework = "{chosen[-1]}"', source)
            if theirs.cell_type == "code" and self._is_edited(place) and theirs.source.strip():
                before = [Step("extra", cell.grade_id, theirs.source)]
        return [*before, Step("given", cell.grade_id, source)]


def _is_stub(cell: Cell, names: set[str], released: str = "") -> bool:
    """Whether what binds these names still stops at its stub, or anything where nothing binds them:
    nothing is returned, or written below it, that was not handed out."""
    stub, known = {*STUBS.get(cell.cell_type, ())}, known_lines(released)
    if cell.cell_type != "code":
        lines = map(str.strip, cell.source.split("\n"))
        new = [line for line in lines if line and line not in known]
        return bool(stub) and stub <= {*new} and new[-1] in stub
    starts = [*DEFINED.finditer(cell.source)]
    ends = [each.start() for each in starts[1:]] + [len(cell.source)]
    parts = {m[1] or m[2]: cell.source[m.start() : end] for m, end in zip(starts, ends)}  # the last
    pieces = [parts[name] for name in names if name in parts] or [*parts.values()]
    held = [{*map(str.strip, each.split("\n"))} for each in pieces or [cell.source]]
    return any(stub <= each and not any(map(LEAVES.search, each - known)) for each in held)


def _names(cell: AssignmentCell, function: str) -> set[str]:
    """The names by which an answer is known: the function that is asked for, if it is there."""
    if cell.kind != "answer":
        return set()
    names = defined(cell.source)
    return {function} & names or set(re.findall(r"^(?:def|class)\s+(\w+)", cell.released, re.M))


def _changed_marks(ours: AssignmentCell, theirs: Cell) -> str:
    """Which of nbgrader's marks differ from those handed out; "" also where there are none."""
    if not theirs.options:
        return ""
    grade, solution = ours.kind in ("check", "question"), ours.kind in ("answer", "question")
    wanted: dict[str, object] = {"grade": grade, "solution": solution}
    if grade:
        wanted["points"] = ours.points
    return " and ".join(key for key in wanted if theirs.options.get(key, False) != wanted[key])
