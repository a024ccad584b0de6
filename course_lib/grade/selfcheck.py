"""`lr-course check NOTEBOOK`: what a student can know before handing in.

Runs the notebook from top to bottom in a fresh kernel, as a grader will, and asks every exercise of
its lesson what students may see: the shown calls and the locked ones.
"""

import re
from pathlib import Path

from course_lib.exercises import Exercise, course
from course_lib.grade.intake.notebook import read_notebook
from course_lib.grade.walls.kernel import KernelSession
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.session import Session, Workshop
from course_lib.questions.calls import agrees, difference


def selfcheck(path: Path) -> bool:
    """Print one line for each exercise of the notebook; whether all are right.

    Raises ValueError when the file cannot be read, is no notebook, or has no exercise of ours.
    """
    try:
        notebook = read_notebook(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    ids = [id for source in code for id in re.findall(r"^check\(\s*[\"']([\d.]+)", source, re.M)]
    exercises = [course()[id] for id in dict.fromkeys(ids) if id in course()]
    if not exercises:
        raise ValueError(f"{path} has no check of this course; is it a notebook of exercises/?")
    right, stopped = 0, []
    with Workshop(Limits(), level="none") as workshop:
        session = workshop.open()
        for source in code:
            if not re.search(r"^check\(", source, re.M):
                outcome = session.run(source)
                if outcome.stopped:
                    raise ValueError(f"a cell stopped the kernel ({outcome.stopped}):\n{source}")
                if not outcome.ok:
                    said = re.sub(r"\(\S+, line (\d+)\)", r"(line \1)", outcome.message)
                    stopped.append((source, f"{outcome.error}: {said}"))
        for each in exercises:
            wrong = _first_wrong(session, each)
            if wrong:
                wrong += _stopped_cell(each.name, stopped)
            right += not wrong
            print(f"{each.id} {each.title}: {wrong or 'right'}")
    print(f"{right} of {len(exercises)} right")
    return right == len(exercises)


def _stopped_cell(name: str, stopped: list[tuple[str, str]]) -> str:
    """What ended the cell that should define this function, in words; nothing if nothing did."""
    for source, error in stopped:
        if re.search(rf"^\s*def\s+{re.escape(name)}\b", source, re.M):
            return f"; its cell stopped with {error}"
    return ""


def _first_wrong(session: Session | KernelSession, exercise: Exercise) -> str:
    for probe in exercise.shown:
        got = session.ask(exercise.name, probe.call.to_json())
        if "stopped" in got:
            return f"stopped ({got['stopped']})"
        if got.get("missing"):
            return f"`{exercise.name}` is not defined"
        if "NotImplementedError" in got.get("error", ()):
            return "not begun"
        if not agrees(got, probe.reply, exercise.tolerance):
            return difference(probe, got, exercise.name, exercise.tolerance)
    for locked in exercise.locked:
        got = session.ask(exercise.name, locked.call.to_json())
        if not locked.opens(got):
            return f"{locked.call.written(exercise.name)} is not right; its answer is not shown"
    return ""
