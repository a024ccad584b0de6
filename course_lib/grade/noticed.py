"""What a teacher may want to look at in the sources of a submission; it costs no points.

It finds names, not intentions: whoever hides a name (`getattr`) is not found.
"""

import ast
import re

from course_lib.exercises import course
from course_lib.grade.intake.assignment import Assignment
from course_lib.grade.intake.match import Finding, Plan

LONGEST_PARSED = 20_000  # characters of a cell
MAGIC = re.compile(r"^([ \t]*(?:\w+[ \t]*=[ \t]*)?)[%!].*", re.MULTILINE)  # IPython's own lines
WORD = re.compile(r"\w+")
RENAMED = re.compile(r"\b(\w+)[ \t]+as[ \t]+(\w+)")
INSIDE = {"ADAPTERS", "_getframe", "currentframe", "f_back", "f_locals", "tb_frame"}
INSIDE |= {"__closure__", "cell_contents", "get_objects", "get_referrers"}


def noticed(plan: Plan, assignment: Assignment) -> list[Finding]:
    """Answers that name the function of the library which they were to write themselves, and cells
    that name a way to look at or change who calls them. It is told to the teacher and costs
    nothing: the values are right."""
    findings = []
    theirs = [step for step in plan.steps if step.kind != "given"]
    renamed = [pair for step in theirs for pair in RENAMED.findall(step.source)]
    for question in assignment.questions:
        known = course().get(question.exercise)
        library = set(known.library) if known else set()
        for grade_id in question.answers:
            names = _named(plan.answers.get(grade_id, ""))
            names |= {old for old, new in renamed if new in names}
            for name in sorted(names & library):
                text = f"the answer names `{name}`, course_lib's own solution of this exercise"
                findings.append(Finding("library", grade_id, text))
    for step in theirs:
        for name in sorted(INSIDE & set(WORD.findall(step.source))):
            text = f"the cell names `{name}`, with which code looks into the grader's question"
            findings.append(Finding("inside", step.grade_id, text))
    return findings


def _named(source: str) -> set[str]:
    """The names that stand in the source: in its code, or anywhere if it is too long to be parsed
    (Python's parser takes seconds for some) or no Python."""
    if len(source) > LONGEST_PARSED:
        return set(WORD.findall(source))
    try:
        tree = ast.parse(MAGIC.sub(r"\1None", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(WORD.findall(source))
    names = {word for line in MAGIC.finditer(source) for word in WORD.findall(line[0])}
    names |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    return names | {n.name for n in ast.walk(tree) if isinstance(n, ast.alias)}
