"""`lr-course check NOTEBOOK`: what a student can know before handing in.

Runs the notebook from top to bottom in a fresh process, as a grader will, and what its checks say.
"""

import re
from pathlib import Path

from course_lib.exercises import course
from course_lib.grade.engine import preload
from course_lib.grade.intake.notebook import read_notebook
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.session import Workshop

CHECK = re.compile(r"^check\(\s*[\"']([\d.]+)", re.M)


def selfcheck(path: Path) -> bool:
    """Print what the check of each exercise of the notebook says; whether all are right.

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
    right = count = 0
    trouble = ""  # what first stopped a cell since the check before: the others may follow from it
    with Workshop(Limits(), level="none", preload=preload(code)) as workshop:
        session = workshop.open()
        for source, ids in zip(code, asked):
            outcome = session.run(source)
            if outcome.stopped:
                raise ValueError(f"a cell was stopped, because {outcome.message}:\n{source}")
            said = re.sub(r"\([^()]+, line (\d+)\)", r"(line \1)", outcome.message)
            if ids:
                wrong = "" if outcome.ok else said + trouble
                if outcome.error == "NotImplementedError":
                    wrong = f"not begun{trouble}"
                names = ", ".join(f"{id} {course()[id].title}" for id in ids)
                print(f"{names}: {wrong or 'right'}")
                right, count, trouble = right + outcome.ok * len(ids), count + len(ids), ""
            elif not outcome.ok and not trouble:
                trouble = f"\n(a cell above it stopped with {outcome.error}: {said})"
    print(f"{right} of {count} right")
    return right == count
