"""`lr-course check NOTEBOOK`: what a student can know before handing in.

Runs the notebook from top to bottom in a fresh kernel, as a grader will, and asks every exercise of
its lesson what students may see: the shown calls and the locked ones.
"""

import re
from pathlib import Path

from course_lib.exercises import Exercise, agrees, course, difference
from course_lib.grade.limits import Limits
from course_lib.grade.match import read_notebook
from course_lib.grade.session import Session, Workshop


def selfcheck(path: Path) -> bool:
    """Print one line for each exercise of the notebook; whether all are right.

    Raises ValueError when the file is no notebook, or has no exercise of this course.
    """
    notebook = read_notebook(path.read_text(encoding="utf-8"))
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    ids = [id for source in code for id in re.findall(r"^check\(\s*[\"']([\d.]+)", source, re.M)]
    exercises = [course()[id] for id in dict.fromkeys(ids) if id in course()]
    if not exercises:
        raise ValueError(f"{path} has no check of this course; is it a notebook of exercises/?")
    right = 0
    with Workshop(Limits(), level="none") as workshop:
        session = workshop.open()
        for source in code:
            if not re.search(r"^check\(", source, re.M):
                outcome = session.run(source)
                if outcome.stopped:
                    raise ValueError(f"a cell stopped the kernel ({outcome.stopped}):\n{source}")
        for each in exercises:
            wrong = _first_wrong(session, each)
            right += not wrong
            print(f"{each.id} {each.title}: {wrong or 'right'}")
    print(f"{right} of {len(exercises)} right")
    return right == len(exercises)


def _first_wrong(session: Session, exercise: Exercise) -> str:
    for probe in exercise.shown:
        got = session.ask(exercise.name, probe.call.to_json())
        if "stopped" in got:
            return f"stopped ({got['stopped']})"
        if got.get("missing"):
            return f"`{exercise.name}` is not defined"
        if "NotImplementedError" in got.get("error", ()):
            return "not begun"
        if not agrees(got, probe.reply, exercise.tolerance):
            return difference(probe, got, exercise.name)
    for locked in exercise.locked:
        got = session.ask(exercise.name, locked.call.to_json())
        if not locked.opens(got):
            return f"{locked.call.written(exercise.name)} is not right; its answer is not shown"
    return ""
