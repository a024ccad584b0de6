"""What a teacher may want to look at in the sources of a submission; it costs no points.

It finds names, not intentions: whoever hides a name (`getattr`) is not found.
"""

import ast
import re
from itertools import chain

from course_lib.grade.intake.assignment import Assignment
from course_lib.grade.intake.match import Finding, Plan
from course_lib.grade.intake.notebook import MAGIC, parsed

MOST_DOTS = 8  # in a name; `ast.unparse` raises or takes seconds for what a student can write
WORD = re.compile(r"\w+")
INSIDE = {"ADAPTERS", "_getframe", "currentframe", "f_back", "f_locals", "tb_frame"}
INSIDE |= {"__closure__", "cell_contents", "get_objects", "get_referrers"}


def noticed(plan: Plan, assignment: Assignment) -> list[Finding]:
    """Answers that use the function of the library which they were to write themselves, and cells
    that name a way to look at or change who calls them. It is told to the teacher and costs
    nothing: the values are right."""
    findings = []
    theirs = [step for step in plan.steps if step.kind != "given"]
    everywhere: dict[str, str] = {}
    for step in plan.steps:
        everywhere |= _read(step.source)[1]
    for question in assignment.questions:
        for grade_id in question.answers:
            used, brought = _read(plan.answers.get(grade_id, ""))
            known_here = everywhere | brought
            names = chain(brought.values(), (_origin(each, known_here) for each in used))
            ours = {name.rpartition(".")[2] for name in names if name.startswith("course_lib.")}
            for name in sorted(ours.intersection(question.library)):
                text = f"the answer names `{name}`, course_lib's own solution of this exercise"
                findings.append(Finding("library", grade_id, text))
    for step in theirs:
        for name in sorted(INSIDE & set(WORD.findall(step.source))):
            text = f"the cell names `{name}`, with which code looks into the grader's question"
            findings.append(Finding("inside", step.grade_id, text))
    return findings


def _origin(name: str, brought: dict[str, str]) -> str:
    """Where the imports have a name from: "course_lib.schedules.linear" for "s.linear"."""
    first, _, rest = name.partition(".")
    origin = brought.get(first) or brought.get("*", "").replace("*", first)
    return f"{origin}.{rest}" if rest else origin


def _dotted(node: ast.expr) -> str:
    """The name with its dots, `s.linear`; "" for what is none, or has many."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < MOST_DOTS:
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""


def _read(source: str) -> tuple[set[str], dict[str, str]]:
    """The names that a cell uses and does not make itself (a parameter called `linear` is its own),
    and what it imports: the names with their origins. Of what cannot be parsed,
    every word counts."""
    words = WORD.findall(source)
    try:
        nodes = list(ast.walk(parsed(source)))
    except ValueError:
        ours = "course_lib" in words
        return set(words), {word: f"course_lib.{word}" for word in words if ours}
    used = {word for line in MAGIC.finditer(source) for word in WORD.findall(line[0])}
    made: set[str] = set()
    brought: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(_dotted(node))
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            pairs = [(each.asname or each.name, each.name) for each in node.names]
            brought |= {new: f"{node.module}.{old}" for new, old in pairs}
        elif isinstance(node, ast.Import):
            for each in node.names:  # `import a.b` binds `a`
                name = each.name if each.asname else each.name.partition(".")[0]
                brought[each.asname or name] = name
    return {each for each in used if each.partition(".")[0] not in made}, brought
