"""Our results in a course of nbgrader's: its gradebook, and the notebooks that it shows.

After this, formgrader, `nbgrader generate_feedback` and `nbgrader export` work as if nbgrader had
graded. What a person gave (scores, extra credit, comments) is never touched. The notebooks in
`autograded/` hold the students' answers as text: nbgrader shows them without escaping anything.
"""

import copy
import os
import re
import sys
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib.files import write_whole
from course_lib.grade.intake.notebook import STUBS
from course_lib.grade.release import (
    ReleaseError,
    chosen,
    prepared,
    read,
    released,
    without_answers,
    written,
)
from course_lib.grade.results.report import STATUS, load, printed
from course_lib.grade.results.wording import counted, in_one_line, made_safe, points_in_words
from course_lib.grade.walls.limits import NOT_ASKED

BLANK = ("not begun", "missing")  # nobody wrote an answer
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,100}")  # of an assignment: a folder, in URLs


class Unfit(Exception):
    """A result, or all of a lesson, does not fit the solutions or the gradebook; the others may."""


def to_gradebook(
    results: str | Path,
    solutions: str | Path,
    *,
    course: str | Path,
) -> dict[str, Any]:
    """Put a folder of results into the nbgrader course in the folder `course`; again: update.

    Where the course's `submitted/` has no notebook of a student, the answers that were graded are
    written there. What does not fit the solutions is skipped and said, and so are `new_students`,
    whom a gradebook with students did not know. Gradebook and late penalties are those of the
    course's configuration. Raises ValueError when the course or its gradebook cannot be used,
    ReleaseError and StoreError when solutions or results cannot be read.
    """
    from nbgrader.api import Gradebook

    coursedir = _course(Path(course))
    lessons, clean, skipped, done = defaultdict(list), {}, [], 0
    for row in load(results):
        where = f"{row['student']}: {in_one_line(row['origin'])}"
        if row["status"] == "failed" or not row["notebook"]:
            skipped.append(f"{where}: {in_one_line(row['reason'])}")
        elif not NAME.fullmatch(row["assignment"]):
            skipped.append(f"{where}: no name for an assignment: {in_one_line(row['assignment'])}")
        else:
            lessons[row["assignment"], row["notebook"]].append(row)
    sources = {path.stem: path for path in chosen(Path(solutions))} if lessons else {}
    penalty = _late_penalty(coursedir)
    with _trouble(coursedir), Gradebook(coursedir.db_url, coursedir.course_id) as book:
        roster = {each.id for each in book.students}
        for name, rows in sorted(lessons.items()):
            try:
                if name[1] not in sources:
                    raise Unfit(f"{solutions} has no lesson {name[1]!r} any more")
                source = read(sources[name[1]])
                _make_assignment(book, coursedir, *name, source)
            except Unfit as error:
                whose = f"results of {counted(len(rows), 'student')}"
                skipped.append(f"{'/'.join(name)}, {whose}: {error}")
                continue
            clean[name] = released(source, name[1])
        for name in clean:  # after all: nbgrader adds no notebook to what has submissions
            for row in lessons[name]:
                try:
                    _import(book, coursedir, row, clean[name], penalty)
                    done += 1
                except Unfit as error:
                    skipped.append(f"{row['student']}: {in_one_line(row['origin'])}: {error}")
        new = sorted({each.id for each in book.students} - roster) if roster else []
    return {"in_gradebook": done, "not_in_gradebook": skipped, "new_students": new}


# --- the course -----------------------------------------------------------------------------------


def _course(folder: Path) -> Any:
    """nbgrader's description of the course, from its own configuration."""
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import PyFileConfigLoader

    if not (folder / "nbgrader_config.py").is_file():
        raise ValueError(
            f"{folder} is not an nbgrader course: it has no nbgrader_config.py. Give the folder "
            "that `nbgrader quickstart NAME` made, or write that file"
        )
    try:
        config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    except Exception as error:  # it is a program: it may raise anything
        raise ValueError(f"{folder}/nbgrader_config.py stops with {error!r}") from error
    if "root" not in config.CourseDirectory:
        config.CourseDirectory.root = str(folder.resolve())
    return CourseDirectory(config=config)


def _late_penalty(coursedir: Any) -> Callable[[str, float, float], float | None]:
    """What the course's configuration takes off: (student, score, seconds late) -> points."""
    from nbgrader.preprocessors import AssignLatePenalties

    step = AssignLatePenalties(config=coursedir.config)
    step.init_plugin()
    return step.plugin_inst.late_submission_penalty


@contextmanager
def _trouble(coursedir: Any) -> Iterator[None]:
    """Say in words what a database refuses."""
    from sqlalchemy.exc import SAWarning, SQLAlchemyError

    # nbgrader calls the program alembic, which is beside python also where nobody activated it.
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # about how nbgrader makes its own objects
            yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        advice = (
            "another program holds it: close formgrader or wait for `nbgrader autograde`"
            if "locked" in reason
            else "is it a gradebook of this version of nbgrader? try `nbgrader db upgrade`"
        )
        raise ValueError(f"the gradebook {coursedir.db_url}: {reason}; {advice}") from error
    finally:
        os.environ["PATH"] = before


def _make_assignment(
    book: Any, coursedir: Any, assignment: str, notebook: str, source: Any
) -> None:
    """Make sure that the gradebook knows the notebook, with the cells that our results score."""
    from nbgrader.api import MissingEntry
    from nbgrader.preprocessors import ComputeChecksums, SaveCells

    wanted = {
        grade_id: float(cell.metadata.nbgrader.points)
        for grade_id, cell in _by_id(without_answers(source)).items()
        if cell.metadata.nbgrader.get("grade") and cell.metadata.nbgrader.points
    }
    try:
        known = book.find_notebook(notebook, assignment)
    except MissingEntry:
        if book.update_or_create_assignment(assignment).submissions:
            raise Unfit(
                f"assignment {assignment!r} of the gradebook has submissions and no notebook "
                f"{notebook!r}; nbgrader cannot add one now: use another assignment name"
            ) from None
        folder = coursedir.format_path(coursedir.source_directory, ".", assignment)
        path = Path(folder) / f"{notebook}.ipynb"
        if not path.exists():  # formgrader lists an assignment only when its source is there
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, written(without_answers(source)))
        where = {"notebook": notebook, "assignment": assignment, "db_url": coursedir.db_url}
        save = SaveCells()
        for step in (ComputeChecksums(), save):
            step.preprocess(prepared(source), {"nbgrader": where})
        save.gradebook.close()
        book.db.expire_all()
        known = book.find_notebook(notebook, assignment)
    found = {cell.name: cell.max_score for cell in known.grade_cells if cell.max_score}
    if found.keys() != wanted.keys():
        raise Unfit(
            f"the gradebook has the questions {sorted(found)}, the solutions {sorted(wanted)}. "
            f"While nobody has submitted, `nbgrader generate_assignment {assignment}` changes "
            "them; later, keep the questions in the lesson, or take another gradebook"
        )
    if found != wanted:
        raise Unfit(
            f"the gradebook has the points {found}, the solutions {wanted}: "
            f"`lr-course release {notebook} --nbgrader --out COURSE --force` and `nbgrader "
            f"generate_assignment {assignment} --force` change them there; marks and comments stay"
        )


# --- one notebook of one student ------------------------------------------------------------------


def _import(
    book: Any,
    coursedir: Any,
    row: Mapping[str, Any],
    clean: Any,
    penalty: Callable[[str, float, float], float | None],
) -> None:
    assignment, notebook = row["assignment"], row["notebook"]
    student = _student(book, coursedir, row)
    questions = {each["grade_id"]: each for each in row["questions"]}
    asked = {name for name, cell in _by_id(clean).items() if cell.metadata.nbgrader.get("points")}
    if row["status"] == "graded" and asked != questions.keys():
        raise Unfit(
            f"it answers {sorted(questions)}, the solutions ask {sorted(asked)}: graded with "
            "others. Run `lr-course grade` again, or delete the results of students who left"
        )
    folders = [
        Path(coursedir.format_path(step, student, assignment))
        for step in (coursedir.submitted_directory, coursedir.autograded_directory)
    ]
    handed_in, graded = (folder / f"{notebook}.ipynb" for folder in folders)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    if not handed_in.exists():
        write_whole(handed_in, written(answered(clean, row, as_text=False)))
    shown = answered(clean, row)
    try:
        before = _sources(read(graded))
    except ReleaseError:  # not there, or not a notebook any more
        before = {}
    write_whole(graded, written(shown))

    book.update_or_create_student(student)
    # formgrader takes a submission for graded when both times agree.
    when = coursedir.get_existing_timestamp(str(folders[0]))
    known = {"timestamp": when} if when else {}  # else one that only the gradebook has stays
    book.update_or_create_submission(assignment, student, **known)
    theirs = book.find_submission_notebook(notebook, assignment, student)
    now, cells = _sources(shown), dict(_answer_cells(clean))
    for grade in theirs.grades:
        name = grade.cell.name
        score = questions[name]["score"] if name in questions else 0.0
        rewritten = any(before.get(each, now[each]) != now[each] for each in cells.get(name, ()))
        changed = rewritten or score != grade.auto_score
        grade.auto_score = score
        if grade.manual_score is None:
            grade.needs_manual_grade = score is None
        elif changed:  # a person scored another answer: a person should look again
            grade.needs_manual_grade = True
    reasons = dict(_comments(row, clean))
    for comment in theirs.comments:
        comment.auto_comment = reasons.get(comment.cell.name)
    book.db.commit()  # so that the score is the new one
    late = theirs.assignment.total_seconds_late
    points = penalty(student, theirs.score, late) if late > 0 else None
    theirs.late_submission_penalty = points and min(max(points, 0.0), theirs.score)
    book.db.commit()


def _student(book: Any, coursedir: Any, row: Mapping[str, Any]) -> str:
    """The student's name in nbgrader: as found if that is one there, an address say."""
    name = row["name"]
    if name in ("", ".", "..") or Path(name).name != name:
        return row["student"]
    folder = coursedir.format_path(coursedir.submitted_directory, name, row["assignment"])
    known = os.path.isdir(folder) or any(each.id == name for each in book.students)
    return name if known else row["student"]


def _by_id(notebook: Any) -> dict[str, Any]:
    """The cells that nbgrader knows, by grade id."""
    marked = (cell for cell in notebook.cells if "nbgrader" in cell.metadata)
    return {cell.metadata.nbgrader.grade_id: cell for cell in marked}


def _sources(notebook: Any) -> dict[str, str]:
    return {grade_id: cell.source for grade_id, cell in _by_id(notebook).items()}


def _comments(row: Mapping[str, Any], clean: Any) -> Iterator[tuple[str, str]]:
    """What nbgrader is to say about answer cells, by grade id."""
    for question, cells in _answer_cells(clean):
        if row["status"] != "graded":
            yield cells[0], f"This notebook could not be graded:\n\n{literal(row['reason'])}"
            return
        found = [q for q in row["questions"] if q["grade_id"] == question]
        if found and found[0]["status"] in BLANK:
            yield from ((cell, "No response.") for cell in cells)


def _answer_cells(clean: Any) -> Iterator[tuple[str, list[str]]]:
    """Each question's grade id with those of its answer cells, in the order of the notebook."""
    cells: list[str] = []
    for cell in clean.cells:
        options = cell.metadata.get("nbgrader", {})
        if options.get("solution"):
            cells.append(options["grade_id"])
        if options.get("grade"):
            if cells:
                yield options["grade_id"], cells
            cells = []


def answered(clean: Any, row: Mapping[str, Any], *, as_text: bool = True) -> Any:
    """The notebook as it was handed out, with the student's answers in it.

    With `as_text`, what is markup is shown as it was typed, and the check cells say what was found.
    """
    notebook = copy.deepcopy(clean)
    questions = {each["grade_id"]: each for each in row["questions"]}
    cells = _by_id(notebook)
    for grade_id, (first, *others) in _answer_cells(clean):
        question = questions.get(grade_id)
        if question and question["status"] not in BLANK:
            asked = cells[first].source.rpartition(STUBS["markdown"][0])[0]
            answer = question["answer"]
            if as_text:  # code is shown as text only; words might be markup
                code = cells[first].cell_type == "code"
                answer = made_safe(answer) if code else literal(answer)
            cells[first].source = asked + answer
            for other in others:
                cells[other].source = "# what was written here stands in the answer cell above"
    if as_text:
        for grade_id, text in printed(row):
            if grade_id in cells and cells[grade_id].cell_type == "code":
                cells[grade_id].outputs = [_stream(text)]
        for grade_id, question in questions.items():
            if cells[grade_id].cell_type == "code":
                cells[grade_id].outputs = [_stream(in_words(question))]
    return notebook


def literal(text: str) -> str:
    """Markdown that shows the text as it is typed: in a fence longer than any within it."""
    text = made_safe(text)
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    return f"{fence}\n{text}\n{fence}"


def in_words(question: Mapping[str, Any]) -> str:
    """What was found out about an answer, for the output of its check cell."""
    score = f"{points_in_words(question['score'])} of {points_in_words(question['points'])}"
    lines = [f"{STATUS[question['status']][1]}: {score}", question["reason"]]
    for group in question["groups"] if question["status"] != "not begun" else ():
        name = "the examples that you can see" if group["name"] == "shown" else group["name"]
        worth = (
            f" ({points_in_words(group['score'])} of {points_in_words(group['points'])})"
            if group["points"]
            else ""
        )
        wrong = NOT_ASKED if group["message"] == NOT_ASKED else f"not right: {group['message']}"
        verdict = "right" if group["passed"] else wrong
        lines.append(f"- {name}{worth}: {verdict}".rstrip(": "))
    return "\n".join(each for each in lines if each)


def _stream(text: str) -> Any:
    from nbformat.v4 import new_output

    return new_output("stream", name="stdout", text=made_safe(text) + "\n")
