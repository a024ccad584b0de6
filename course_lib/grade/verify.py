"""Try the exercises themselves before a class does: `lr-course verify`.

For each assignment: the solution earns full marks and the blank none, in the same sandbox as the
students; constants, returned arguments and small mutations of the solution are rejected; what
students get holds no answer and is what the solutions would make today.
"""

import ast
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from course_lib.exercises import course
from course_lib.grade.conditions import Conditions
from course_lib.grade.engine import preload, workshop_for
from course_lib.grade.examine import Examination, examine
from course_lib.grade.intake.assignment import Assignment, Question, read_assignments
from course_lib.grade.intake.collect import Submission
from course_lib.grade.intake.match import Plan, match
from course_lib.grade.intake.notebook import parsed, read_notebook
from course_lib.grade.release import ReleaseError, leaks, read, released, written
from course_lib.grade.walls.session import Session, Workshop
from course_lib.questions.calls import Call, agrees

QUICK = 2.0  # seconds for a cell or call: a mutation may loop for ever
CROSSED = 200  # calls with which a mutation that passes is looked at again


@dataclass(frozen=True)
class Line:
    """One finding of `verify`."""

    good: bool
    text: str


def verify(
    solutions: Path, exercises: Path, conditions: Conditions, names: Sequence[str] = ()
) -> Iterator[Line]:
    """Findings, one by one, about each assignment of `solutions` (those in `names`, if any)."""
    assignments = read_assignments(solutions)
    if unknown := sorted(set(names) - set(assignments)):
        raise ValueError(f"no solutions named {unknown}; there are {sorted(assignments)}")
    chosen = [each for name, each in assignments.items() if not names or name in names]
    texts = [(solutions / f"{each.name}.ipynb").read_text(encoding="utf-8") for each in chosen]
    seconds = min(QUICK, conditions.limits.cell_seconds)
    conditions = replace(conditions, preload=preload(texts))
    quick = replace(conditions, limits=replace(conditions.limits, cell_seconds=seconds))
    # A solution may take its time, a mutation may not.
    with workshop_for(conditions) as patient, workshop_for(quick) as workshop:
        for assignment in chosen:
            path = solutions / f"{assignment.name}.ipynb"
            try:
                yield from _files(assignment, path, exercises / path.name)
                yield from _marks(assignment, path, patient, conditions)
            except ReleaseError as error:  # a leak, say; the other lessons are tried all the same
                yield Line(False, str(error))
                continue
            plan = match(read_notebook(path.read_text(encoding="utf-8")), assignment)
            for question in assignment.questions:
                if not question.manual:
                    yield _wrong_answers(Bench(plan, assignment, question, workshop))


def _files(assignment: Assignment, solution: Path, exercise: Path) -> Iterator[Line]:
    fresh = written(released(read(solution), solution.name)).encode()
    found = exercise.read_bytes() if exercise.exists() else None
    words = "is what the solutions make" if found == fresh else "is stale: make it again"
    words = words if found is not None else "is missing: make it with lr-course release"
    yield Line(found == fresh, f"{assignment.name}: {exercise} {words}")
    leaked = leaks(read(solution), read(exercise)) if found is not None else []
    yield Line(not leaked, f"{assignment.name}: {'; '.join(leaked) or 'no answer leaks'}")
    for question in assignment.questions:
        if not question.manual and question.exercise not in course():
            text = f"{question.grade_id}: exercise {question.exercise} is not in exercises.json"
            yield Line(False, text)


def _marks(
    assignment: Assignment, solution: Path, workshop: Workshop, conditions: Conditions
) -> Iterator[Line]:
    points = round(sum(each.points for each in assignment.questions if not each.manual), 6)
    for name, text, full in (
        ("the solution", solution.read_text(encoding="utf-8"), True),
        ("the blank notebook", written(released(read(solution), solution.name)), False),
    ):
        submission = Submission("", "", notebook=assignment.name, text=text, origin=name)
        result, _ = examine(submission, assignment, workshop, conditions)
        wrong = [
            f"{each['grade_id']} {each['status']}: {each['reason']} "
            + "; ".join(f"{g['name']}: {g['message']}" for g in each["groups"] if g["message"])
            for each in result["questions"]
            if each["score"] not in (None, each["points"] if full else 0.0)
        ]
        score = f"{assignment.name}: {name} earns {result['score']:g} of {points:g}"
        yield Line(not wrong, "\n  ".join([score, *wrong]))


def _wrong_answers(bench: "Bench") -> Line:
    question = bench.question
    if not bench.cell:
        words = f"no answer cell has `def {question.name}`: its wrong answers are not tried"
        return Line(False, f"{question.grade_id}: {words}")
    source = bench.plan.answers[bench.cell]
    empty = empty_answers(source, question.name)
    wrong = [f"earns {earned:g}: {each}" for each in empty if (earned := bench.score(each))]
    mutants = mutations(source)
    rejected = 0
    for change, text in mutants:
        if bench.score(text) < question.points:
            rejected += 1
        elif call := bench.told_apart(source, text):
            wrong.append(f"earns everything: {change}; ask {call.written(question.name)}")
    bench.close()
    text = (
        f"{question.grade_id}: {len(empty)} empty answers earn nothing, {rejected} of "
        f"{len(mutants)} mutations rejected, {len(mutants) - rejected} make no difference"
    )
    return Line(not wrong, "\n  ".join([f"{question.grade_id}:", *wrong]) if wrong else text)


@dataclass
class Bench:
    """A place where answers to one question are tried one after the other.

    They share a process, because to begin one takes longer than to ask a few calls; each defines
    the function anew. An answer that stops the process is tried again in a new one, in case the
    time of the others ran out on it.
    """

    plan: Plan
    assignment: Assignment
    question: Question
    workshop: Workshop
    session: Session | None = None

    @cached_property
    def cell(self) -> str:
        """The grade id of the answer that defines the function; "" where none does with `def`."""
        for grade_id in self.question.answers:
            if _function(self.plan.answers.get(grade_id, ""), self.question.name):
                return grade_id
        return ""

    def alone(self, text: str) -> Examination:
        """The examination of this answer, and of no other, in processes of its own."""
        answers = self.question.answers
        steps = tuple(
            replace(step, source=text) if step.grade_id == self.cell else step
            for step in self.plan.steps
            if step.kind == "given" or step.grade_id in answers
        )
        plan = replace(self.plan, steps=steps, blank=frozenset(), findings=())
        return Examination(plan, self.assignment, self.workshop)

    def score(self, text: str) -> float:
        """The points that the hidden groups give for this answer."""
        trial, used = self.alone(text), self.session is not None
        begin = next(
            i for i, s in enumerate(trial.plan.steps) if s.grade_id in self.question.answers
        )
        self.session = self.session or trial.running.open(begin)
        if self.session is None:
            raise RuntimeError(f"{self.question.grade_id}: no process for the cells before it")
        stopped = any(self.session.run(step.source).stopped for step in trial.plan.steps[begin:])
        passed = 0.0
        for group in self.question.groups:
            if not stopped:
                message, stopped = trial.ask_group(self.session, self.question, group, False)
                passed += 0.0 if message else group.weight
        if stopped:
            self.close()
            if used:
                return self.score(text)
        return self.question.points * passed / sum(each.weight for each in self.question.groups)

    def told_apart(self, model: str, mutant: str) -> Call | None:
        """A call on which the mutant differs from the model answer, among calls that cross the
        arguments of those that are asked anyway; None when there is none, so that the mutation
        makes no difference where the exercise looks."""
        known = [probe.call for group in self.question.groups for probe in group.probes]
        calls = crossed([*known, *(probe.call for probe in self.question.shown)])
        right, found = (self._answers(text, calls) for text in (model, mutant))
        for call, wanted, got in zip(calls, right, found):
            if "value" in wanted and not agrees(got, wanted, self.question.tolerance):
                return call
        return None

    def _answers(self, text: str, calls: Sequence[Call]) -> list[dict[str, Any]]:
        examination = self.alone(text)
        session = examination.running.open()
        answers = [session.ask(self.question.name, each.to_json()) for each in calls]
        examination.running.close(session)
        return answers

    def close(self) -> None:
        """End the process, if there is one."""
        if self.session is not None:
            self.session.close()
            self.session = None


def crossed(calls: Sequence[Call]) -> list[Call]:
    """New calls in which each argument is taken from one of these, of the same shape."""
    drawn = random.Random(0)
    made = []
    for _ in range(CROSSED):
        first = drawn.choice(calls)
        alike = [each for each in calls if _shape(each) == _shape(first)]
        args = tuple(drawn.choice(alike).args[i] for i in range(len(first.args)))
        kwargs = {name: drawn.choice(alike).kwargs[name] for name in first.kwargs}
        made.append(replace(first, args=args, kwargs=kwargs))
    return made


def _shape(call: Call) -> tuple:
    return call.via, len(call.args), tuple(call.kwargs)


# --- wrong answers --------------------------------------------------------------------------------


def _function(source: str, name: str) -> ast.FunctionDef | None:
    """The function that the source defines under this name, if it does."""
    with suppress(ValueError):
        for node in parsed(source).body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return node
    return None


def empty_answers(source: str, name: str) -> list[str]:
    """Functions that know nothing: they return a constant, or one of their arguments."""
    function = _function(source, name)
    assert function is not None
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    values = ["0", "1", "0.1", "float('nan')", "None", "True", "''", "[]", "[0.0]", "{}"]
    values += [each.arg for each in arguments]
    head = f"def {name}({ast.unparse(function.args)}):\n    "
    liar = "class Liar(float):\n    __eq__ = lambda self, other: True\n"
    return [
        *(f"{head}return {value}" for value in values),
        f"{head}raise ValueError('no')",
        f"{liar}{head}return Liar()",
    ]


PAIRS = [(ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)]
PAIRS += [(ast.Eq, ast.NotEq), (ast.In, ast.NotIn), (ast.And, ast.Or)]
SWAPPED: dict[type, type] = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
SWAPPED |= {ast.FloorDiv: ast.Div, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.MatMult: ast.Mult}
RENAMED = {"min": "max", "max": "min", "floor": "ceil", "ceil": "floor", "sin": "cos", "cos": "sin"}


def mutations(source: str) -> list[tuple[str, str]]:
    """Small changes of this source, each with what was changed: operators and comparisons swapped,
    numbers shifted by one or a tenth, `min` and `max` exchanged, conditions fixed, statements lost.
    """
    found = {ast.unparse(parsed(source)): ""}  # `while True` with its condition fixed is itself
    for index, _ in enumerate(ast.walk(parsed(source))):
        for variant in range(3):
            tree = parsed(source)
            node = list(ast.walk(tree))[index]
            if change := _mutate(node, variant):
                text = ast.unparse(ast.fix_missing_locations(tree))
                found.setdefault(text, f"line {node.lineno}: {change}")
    return [(change, text) for text, change in found.items() if change]


def _mutate(node: ast.AST, variant: int) -> str:
    """Change the node in place in one of three ways; says how, "" where there is no such way."""
    if isinstance(node, ast.If | ast.IfExp | ast.While) and variant < 2:
        condition = ast.unparse(node.test)
        node.test = ast.Constant(bool(variant))
        return f"`{condition}` -> `{bool(variant)}`"
    if isinstance(node, ast.FunctionDef | ast.For | ast.If) and variant == 2 and len(node.body) > 1:
        lost = ast.unparse(node.body.pop(-2)).splitlines()[0]
        return f"without `{lost}`"
    before = ast.unparse(node) if isinstance(node, ast.expr | ast.AugAssign) else ""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and variant == 0:
        node.op = SWAPPED.get(type(node.op), type(node.op))()
    elif isinstance(node, ast.Compare) and variant == 0:
        node.ops[0] = SWAPPED.get(type(node.ops[0]), type(node.ops[0]))()
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = (node.value + 1, node.value - 1, node.value * 1.1)[variant]
    elif isinstance(node, ast.Name) and variant == 0:
        node.id = RENAMED.get(node.id, node.id)
    elif isinstance(node, ast.Attribute) and variant == 0:
        node.attr = RENAMED.get(node.attr, node.attr)
    else:
        return ""
    after = ast.unparse(node)
    return f"`{before}` -> `{after}`" if after != before else ""
