"""`lr-course check NOTEBOOK`: what a student can know before handing in.

Runs the notebook from top to bottom in a fresh process, as a grader will, and says what its checks
say. A cell that hangs or ends its process is left out, and the others are run again without it;
what is printed comes when all have run.
"""

import re
from pathlib import Path

from course_lib.exercises import course
from course_lib.grade.engine import preload
from course_lib.grade.intake.match import Plan, Step
from course_lib.grade.intake.notebook import read_notebook
from course_lib.grade.running import Running
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.messages import stopped
from course_lib.grade.walls.session import Workshop

CHECK = re.compile(r"^check\(\s*[\"']([\d.]+)", re.M)


def selfcheck(path: Path) -> bool:
    """Print what the check of each exercise of the notebook says; whether all are right and no
    cell was stopped.

    Raises ValueError when the file cannot be read, is no notebook, or has no exercise of ours.
    """
    try:
        cells = read_notebook(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    asked = [[id for id in CHECK.findall(source) if id in course()] for source in code]
    if not any(asked):
        raise ValueError(f"{path} has no check of this course; is it a notebook of exercises/?")
    steps = tuple(Step("answer", "", source) for source in code)
    with Workshop(Limits(), level="none", preload=preload(code)) as workshop:
        running = Running(Plan(steps, {}, (), frozenset(), frozenset()), workshop)
        if session := running.open():
            running.close(session)
    right = count = 0
    trouble = ""  # what first stopped a cell since the check before: the others may follow from it
    for index, ids in enumerate(asked):
        outcome = running.outcomes.get(index) or stopped(running.used_up(), running.limits)
        said = re.sub(r"\([^()]+, line (\d+)\)", r"(line \1)", outcome.message)
        if ids:
            wrong = "" if outcome.ok else said + trouble
            if outcome.error == "NotImplementedError":
                wrong = f"not begun{trouble}"
            names = ", ".join(f"{id} {course()[id].title}" for id in ids)
            print(f"{names}: {wrong or 'right'}")
            right, count, trouble = right + outcome.ok * len(ids), count + len(ids), ""
        elif not outcome.ok:
            if index in running.blamed:
                print(f"a cell was stopped: {said}:\n{code[index]}")
            how = f"stopped with {outcome.error}" if outcome.error else "was stopped"
            trouble = trouble or f"\n(a cell above it {how}: {said})"
    print(f"{right} of {count} right")
    return right == count and not running.blamed
