"""Run one submission in a workshop, ask its functions, compare here, and write down the result.

Only values decide: what the student's process says about itself, prints or raises never becomes a
point. Scores come from `agrees`, in this process, on JSON.
"""

import builtins
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

from course_lib.exercises import Group
from course_lib.grade.conditions import Conditions
from course_lib.grade.intake.assignment import Assignment, Question
from course_lib.grade.intake.collect import Submission
from course_lib.grade.intake.match import Finding, Plan, Step, match
from course_lib.grade.intake.notebook import STUBS, read_notebook
from course_lib.grade.noticed import noticed
from course_lib.grade.running import Running
from course_lib.grade.walls.limits import NOT_ASKED, STOPPED_CALL
from course_lib.grade.walls.messages import Outcome
from course_lib.grade.walls.session import Session, Workshop
from course_lib.questions.calls import CLOSE_WORDS, agrees, backwards, close, difference, not_begun

VERSION = 9  # one more whenever the same may score otherwise: it grades everything anew
LACKING = {"ModuleNotFoundError", "ImportError"}  # no such package, or another version of it
NOT_BEGUN = "it raises NotImplementedError"
CHANGING = "the answer changes from call to call: it must depend on its arguments only"


def key_of(submission: Submission, assignment: Assignment | None, conditions: Conditions) -> str:
    """The content that decides a result, as a digest: equal keys have equal results, but for where
    the file was found (a new download may be called otherwise)."""
    under = [asdict(conditions.limits), conditions.level]
    what = asdict(replace(submission, origin=""))
    parts = [VERSION, what, assignment and assignment.digest, *under]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """What a question earned, and why."""

    status: str  # right, partly, wrong, not begun, missing, stopped, manual
    reason: str = ""
    groups: tuple[dict[str, Any], ...] = ()
    score: float | None = 0.0


@dataclass
class Examination:
    """One submission that is asked: all its questions, in the processes of `running`."""

    plan: Plan
    assignment: Assignment
    workshop: Workshop

    def __post_init__(self) -> None:
        self.running = Running(self.plan, self.workshop)
        self.limits = self.workshop.limits

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on every question, by grade id.

        All cells first, then all questions: what a cell prints can tell nothing about the calls. A
        question that fails is asked once more in a process that has not seen the cells after its
        own, because a later cell may have used its names for something else.
        """
        found = {each.grade_id: self._settled(each) for each in self.assignment.questions}
        open_ones = [each for each in self.assignment.questions if not found[each.grade_id]]
        found |= self.ask(open_ones)
        for question in open_ones:
            own = [i for i, s in enumerate(self.plan.steps) if s.grade_id in question.answers]
            later = self.plan.steps[own[-1] + 1 :] if own else ()
            first = found[question.grade_id]
            again = first.status in ("wrong", "partly", "not begun")
            if again and any(step.kind != "given" for step in later):
                second = self.ask([question], own[-1] + 1)[question.grade_id]
                found[question.grade_id] = max(
                    first, second, key=lambda each: (each.score, each.status == "wrong")
                )
        return found

    def _settled(self, question: Question) -> Verdict | None:
        """The verdict on what needs no asking."""
        if all(each in self.plan.missing for each in question.answers):
            return Verdict("missing", "the answer cell is not in the notebook")
        if all(each in self.plan.missing | self.plan.blank for each in question.answers):
            return Verdict("not begun", "the answer cell is as it was handed out")
        if question.manual and not _written(question, self.plan, self.assignment).strip():
            return Verdict("not begun", "nothing is written in the answer cell")
        if question.manual:
            return Verdict("manual", "marked by a person", score=None)
        return None

    def ask(self, questions: list[Question], upto: int | None = None) -> dict[str, Verdict]:
        """Ask these questions after the steps before `upto` (all).

        The shown groups of all questions come first: their messages quote what came, and no answer
        can quote a hidden call that has not been made yet. A second time nothing is quoted: a
        number of a process, say, can tell what the one before has seen.
        """
        messages: dict[str, list[str]] = {each.grade_id: [] for each in questions}
        stopped: dict[str, str] = {}
        session = None
        for hidden in (False, True):
            for question in questions:
                groups = question.groups if hidden else _shown(question)
                for group in groups if question.grade_id not in stopped else ():
                    session = session or self.running.open(upto)
                    if blame := self._blame(question, session):
                        stopped[question.grade_id] = blame
                        break
                    message, reason = self.ask_group(session, question, group, upto is None)
                    messages[question.grade_id].append(message)
                    if reason:
                        call, why = self._name(question), self.limits.in_words(reason)
                        stopped[question.grade_id] = f"a call of `{call}` was stopped: {why}"
                        self.running.close(session)
                        session = None
                        break
        if session is not None:
            self.running.close(session)
        return {
            each.grade_id: self._verdict(each, messages[each.grade_id], stopped.get(each.grade_id))
            for each in questions
        }

    def _blame(self, question: Question, session: Session | None) -> str | None:
        """Why this question cannot be asked: its own cell was stopped, or there is no time left."""
        for index, reason in self.running.blamed.items():
            if self.plan.steps[index].grade_id in question.answers:
                return f"its cell was stopped: {self.limits.in_words(reason)}"
        if session is not None:
            return None
        return self.limits.in_words(self.running.used_up())

    def _verdict(self, question: Question, messages: list[str], stopped: str | None) -> Verdict:
        groups = [*_shown(question), *question.groups]
        if question.shown and any(messages[:1]):
            # Full points need the examples, too: a wrong one costs what a group costs.
            groups[0] = replace(groups[0], weight=fmean(each.weight for each in question.groups))
        total = sum(group.weight for group in groups)
        names = [(group.name, group.weight / total) for group in groups]
        messages = messages + [NOT_ASKED] * (len(names) - len(messages))
        told = tuple(
            {
                "name": name,
                "points": round(question.points * share, 6),
                "score": 0.0 if message else round(question.points * share, 6),
                "passed": not message,
                "message": message,
            }
            for (name, share), message in zip(names, messages)
        )
        passed = [each["passed"] for each in told]
        score = question.points if all(passed) else round(sum(g["score"] for g in told), 6)
        if stopped:
            return Verdict("stopped", stopped, told, score)
        if all(passed):
            return Verdict("right", "", told, score)
        if score:
            return Verdict("partly", self._lacking(question, messages), told, score)
        if all(message == NOT_BEGUN for message in messages):
            return Verdict("not begun", NOT_BEGUN, told, score)
        why = self._why_undefined(question, messages) or self._lacking(question, messages)
        return Verdict("wrong", why, told, score)

    def ask_group(
        self, session: Session, question: Question, group: Group, quoted: bool
    ) -> tuple[str, str]:
        """A message for the student and the reason for which the process was stopped, "" for none.
        It quotes what came only if `quoted`, and never of a hidden group.

        Each probe is asked twice, the second time from the last to the first, curves backwards too:
        an answer that depends on what was asked before is no function of its arguments.
        """
        name = self._name(question)
        asked = [(False, each) for each in group.probes]
        asked += [(True, backwards(each)) for each in reversed(group.probes)]
        for number, (second, probe) in enumerate(asked):
            got = session.ask(name, probe.call.to_json())
            if "stopped" in got:
                return STOPPED_CALL, got["stopped"]
            if got.get("missing"):
                return _undefined(name), ""
            if not_begun([got]) and number == 0:
                return NOT_BEGUN, ""
            if agrees(got, probe.reply, question.tolerance):
                continue
            if second or group.weight or not quoted:
                if not second and close(got, probe.reply):
                    return f"an answer is {CLOSE_WORDS}", ""
                return _message(got, second), ""
            if (once_more := session.ask(name, probe.call.to_json())) == got:
                return difference(probe, got, name, question.tolerance), ""
            return CHANGING, once_more.get("stopped", "")  # a clock, a random number: not quoted
        return "", ""

    def _name(self, question: Question) -> str:
        """What the function is called in this notebook."""
        return self.plan.called.get(question.grade_id, question.name)

    def _why_undefined(self, question: Question, messages: list[str]) -> str:
        if _undefined(self._name(question)) not in messages:
            return ""
        for step, outcome in self.ran():
            if step.grade_id in question.answers and not outcome.ok:
                return f"its cell stopped with {_error(outcome)}"
        return f"no cell defines `{self._name(question)}`"

    def _lacking(self, question: Question, messages: list[str]) -> str:
        """The package without which an answer that is not right may have been left; "" for none."""
        unnamed = any("NameError" in message for message in messages)
        for step, outcome in self.ran():
            if outcome.error in LACKING and (unnamed or step.grade_id in question.answers):
                here = "a package is missing or another version where it was graded"
                return f"{here} ({_error(outcome)})"
        return ""

    def errors(self, verdicts: Mapping[str, Verdict]) -> list[Finding]:
        """The errors in the cells of answers that earned something all the same, and in whichever
        cell the packages that are not here: a teacher may want to install them."""
        earned = {
            grade_id
            for question in self.assignment.questions
            for grade_id in question.answers
            if verdicts[question.grade_id].score
        }
        return [
            Finding(
                "error",
                step.grade_id,
                f"an error in {'its' if step.kind == 'answer' else 'a'} cell: {_error(outcome)}",
            )
            for step, outcome in self.ran()
            if outcome.error and (outcome.error in LACKING or step.grade_id in earned)
        ]

    def ran(self) -> list[tuple[Step, Outcome]]:
        """What was run, and how it ended."""
        outcomes = self.running.outcomes
        return [(each, outcomes[i]) for i, each in enumerate(self.plan.steps) if i in outcomes]


def _shown(question: Question) -> tuple[Group, ...]:
    """The shown calls as a group that earns nothing."""
    return (Group("shown", question.shown, 0.0),) if question.shown else ()


def _undefined(name: str) -> str:
    return f"`{name}` is not defined"


def _error(outcome: Outcome) -> str:
    return f"{outcome.error}: {outcome.message}"


def _message(got: Mapping[str, Any], second: bool) -> str:
    """What a student may hear of a hidden group: neither the call nor the answer, nor an error's
    own words, into which the call's arguments could have been written."""
    if second:
        return CHANGING
    if got.get("error") == ["Unanswerable"]:
        return "an answer cannot be compared: it is not made of numbers, texts and lists"
    if "error" in got:
        known = isinstance(getattr(builtins, got["error"][0], None), type)
        return f"stopped with {got['error'][0] if known else 'an error of its own'}"
    return "an answer is not right"


def examine(
    submission: Submission,
    assignment: Assignment | None,
    workshop: Workshop,
    conditions: Conditions,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The result of one submission, and the record of its run; see the guide for their form.

    The result depends on nothing but the submission, the assignment, the limits and the isolation;
    once two thirds of the time are gone, also on how fast the machine was. Times and outputs are in
    the record of the run.
    """
    result, run = _blank(submission, assignment, conditions)
    problem = submission.problem
    if problem is None:
        try:
            plan = match(read_notebook(submission.text), assignment)
        except ValueError as error:
            problem = str(error)
    if problem is not None:
        return {**result, "status": "unreadable", "reason": problem}, run

    examination = Examination(plan, assignment, workshop)
    verdicts, ran = examination.verdicts(), examination.running
    found = [*plan.findings, *noticed(plan, assignment), *examination.errors(verdicts)]
    result["findings"] = [asdict(each) for each in found]
    result["questions"] = [
        {
            "grade_id": question.grade_id,
            "exercise": question.exercise,
            "title": question.title,
            "points": question.points,
            "score": verdict.score,
            "status": verdict.status,
            "reason": verdict.reason,
            "answer": _written(question, plan, assignment),
            "groups": list(verdict.groups),
        }
        for question in assignment.questions
        for verdict in [verdicts[question.grade_id]]
    ]
    result["score"] = round(sum(each["score"] or 0.0 for each in result["questions"]), 6)
    run["seconds"] = round(ran.seconds, 3)
    run["peak_mb"] = round(ran.peak_mb, 1)
    run["cells"] = [
        {"grade_id": step.grade_id, "kind": step.kind, **asdict(outcome)}
        for step, outcome in examination.ran()
    ]
    return {**result, "status": "graded", "reason": ""}, run


def _written(question: Question, plan: Plan, assignment: Assignment) -> str:
    """What the student wrote, without the question above it where that was left in place."""
    text = "\n\n".join(plan.answers.get(each, "") for each in question.answers)
    if question.manual:
        (cell,) = (each for each in assignment.cells if each.grade_id == question.grade_id)
        text = text.removeprefix(cell.released.rpartition(STUBS["markdown"][0])[0])
    return text


def failed(
    submission: Submission,
    assignment: Assignment | None,
    conditions: Conditions,
    error: BaseException,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row of a submission on which the grader itself failed; it is graded again next time."""
    result, run = _blank(submission, assignment, conditions)
    reason = f"the grader failed, not the student: {type(error).__name__}: {error}"
    return {**result, "status": "failed", "reason": reason}, run


def _blank(
    submission: Submission, assignment: Assignment | None, conditions: Conditions
) -> tuple[dict[str, Any], dict[str, Any]]:
    key = key_of(submission, assignment, conditions)
    result = {
        "version": VERSION,
        "student": submission.student,
        "name": submission.name,
        "origin": submission.origin,
        "assignment": submission.assignment or submission.notebook or "",
        "notebook": submission.notebook or "",
        "key": key,
        "isolation": conditions.level,
        "score": 0.0,
        "points": assignment.points if assignment else 0.0,
        "findings": [],
        "questions": [],
    }
    return result, {"key": key, "seconds": 0.0, "peak_mb": 0.0, "cells": []}
