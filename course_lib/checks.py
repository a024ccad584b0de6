"""Instant, offline feedback on an exercise: `check("1.1", walk)` in a notebook.

It calls the student's function and compares values, never source text, so any right answer passes.
Wrong answers raise AssertionError, so that nbgrader counts them; an exercise that was not begun is
not a wrong answer and raises NotImplementedError. Nothing is written to stderr, for which nbgrader
gives no points.
"""

import difflib
import hashlib
import io
import linecache
import math
import os
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from course_lib import exercises
from course_lib import progress as kept
from course_lib.errors import told
from course_lib.exercises import Exercise, Locked
from course_lib.progress import progress
from course_lib.questions import calls
from course_lib.questions.adapters import ADAPTERS
from course_lib.questions.calls import Call, Probe, agrees, member, written
from course_lib.questions.values import decode, differing, items, leaves

__all__ = ["check", "progress"]

LIBRARY = str(Path(__file__).parent)
Reply = Mapping[str, Any]


def check(id: str, answer: Callable[..., Any], *, hidden: str | None = None) -> None:
    """Say at once whether `answer` solves the exercise; draws both curves where a curve is wrong.

    Raises AssertionError for a wrong answer (which call, what came, what was expected, a hint that
    says more with every new try), NotImplementedError for one that was not begun, ValueError for an
    unknown exercise. `hidden` is for nbgrader's hidden tests: groups of calls, as JSON.
    """
    exercise = _find(id)
    if not callable(answer):
        text = (
            f'check("{id}", ...) wants the function `{exercise.name}` itself, but got '
            f"{repr(answer)[:150]}, of type {type(answer).__name__}.\n"
            f'Write check("{id}", {exercise.name}), without parentheses after the name.'
        )
        raise told(AssertionError(text))
    if hidden is not None:
        _check_hidden(exercise, answer, hidden)
        return
    probes = _visible(exercise)
    parts = [[each.call for each in part] for part in (exercise.shown, exercise.locked)]
    asked = _ask(exercise, answer, parts)
    pairs = enumerate(zip(asked.replies, probes, strict=True))
    wrong = [i for i, (got, probe) in pairs if not agrees(got, probe.reply, exercise.tolerance)]
    if wrong or asked.changed:
        _fail(exercise, asked, wrong, _first_problem(exercise, asked, wrong, answer))
    if asked.library:
        kept.touch(id)
        print(
            f"The values of exercise {id} are right, but they come from course_lib's own "
            f"`{asked.library}`.\nWrite the formula yourself to solve the exercise."
        )
        return
    kept.record(id, solved=True)
    print(f"Correct: {id} {exercise.title}")
    if line := kept.line(id):
        print(line)


def _find(id: str) -> Exercise:
    known = exercises.course()
    if id in known:
        return known[id]
    near = difflib.get_close_matches(str(id), known, n=3, cutoff=0) or ["none"]
    raise ValueError(f"unknown exercise {id!r}; the nearest are {', '.join(map(repr, near))}")


# --- asking ---------------------------------------------------------------------------------------


@dataclass
class _Asked:
    """The replies to the calls, in order, and what was noticed on the way."""

    replies: list[Reply] = field(default_factory=list)
    changed: tuple[Probe, Reply] | None = None  # a call, its reply, and another the second time
    library: str = ""  # a function of the library that is this exercise's answer, and was called


def _ask(exercise: Exercise, answer: Callable[..., Any], parts: Iterable[list[Call]]) -> _Asked:
    """Ask every call twice, each part forth and then back, in the grader's order: an answer must
    not remember."""
    asked = _Asked()
    with redirect_stderr(sys.stdout), _watched(exercise.library) as seen:
        for part in parts:
            probes = []
            for call in part:
                # What an answer prints is seen once, not ninety times.
                with _silence() if asked.replies else nullcontext():
                    asked.replies.append(calls.reply(answer, call))
                probes.append(calls.backwards(Probe(call, asked.replies[-1])))
            for first in reversed(probes):
                with _silence():
                    again = calls.reply(answer, first.call)
                if not agrees(again, first.reply, exercise.tolerance):
                    asked.changed = first, again
    if calls.not_begun(asked.replies):
        text = (
            f"exercise {exercise.id} is not begun yet: write `{exercise.name}`, "
            "then run this cell again.\n"
            "If you have written it, run its cell again: it may have stopped with an error"
        )
        raise told(NotImplementedError(text))
    asked.library = next(iter(seen), "")
    return asked


@contextmanager
def _silence() -> Iterator[None]:
    """Drop what an answer prints when it is asked more than once."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield


@contextmanager
def _watched(names: Sequence[str]) -> Iterator[list[str]]:
    """Note the calls of the library's functions of these names."""
    seen: list[str] = []
    if not names:
        yield seen
        return

    def note(frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name in names and code.co_filename.startswith(LIBRARY):
            seen.append(code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


def _check_hidden(exercise: Exercise, answer: Callable[..., Any], text: str) -> None:
    groups = exercises.hidden_groups(text)
    asked = _ask(exercise, answer, [[probe.call for probe in each.probes] for each in groups])
    replies, wrong = iter(asked.replies), []
    for group in groups:
        pairs = [(next(replies), probe.reply) for probe in group.probes]
        if not all(agrees(*pair, exercise.tolerance) for pair in pairs):
            wrong.append(group.name)
    if wrong or asked.changed:
        why = f"not right yet: {', '.join(wrong)}" if wrong else "answers change from call to call"
        raise told(AssertionError(f"Exercise {exercise.id}: {why}."))


# --- explaining -----------------------------------------------------------------------------------


def _first_problem(
    exercise: Exercise, asked: _Asked, wrong: list[int], answer: Callable[..., Any]
) -> str:
    """What to say about the first wrong reply; empty when all is right."""
    parts = []
    if wrong:
        probe, got = _visible(exercise)[wrong[0]], asked.replies[wrong[0]]
        if not isinstance(probe, Locked):
            parts.append(_shown_problem(exercise, probe, got, answer))
        else:
            parts.append(
                "The shown calls are right, but not this one:\n\n"
                f"{_whole(exercise, probe.call)}\n"
                f"    {_came(got, answer, probe.call)}\n{_where(probe.call)}\n"
                "Its answer is not shown. Work this call out by hand, and compare: does your\n"
                "function follow the task, or only its examples?"
            )
    if asked.changed:
        parts.append(_changed_problem(exercise, *asked.changed, answer))
    return "\n\n".join(parts)


def _visible(exercise: Exercise) -> list[Probe]:
    return [*exercise.shown, *exercise.locked]


def _changed_problem(
    exercise: Exercise, first: Probe, again: Reply, answer: Callable[..., Any]
) -> str:
    """Of a curve the first step that is answered otherwise from behind, of all else the call."""
    call, before, order = first.call, first.reply, ""
    if call.via == "curve":
        order = ", the second time from the last step to the first"
        found = differing(again.get("value"), before.get("value"), exercise.tolerance)
        for place in found[:1]:
            call = call.at(place)
            before, again = (member(each, place) for each in (before, again))
    return (
        f"Asked twice{order}, your function answers differently:\n\n"
        f"{_whole(exercise, call)}\n"
        f"    first  {_came(before, answer, call)}\n"
        f"    then   {_came(again, answer, call)}\n\n"
        "What does it keep from one call to the next? A list as a default value, a global\n"
        "name, a random number?"
    )


def _shown_problem(exercise: Exercise, probe: Probe, got: Reply, answer: Callable[..., Any]) -> str:
    call = probe.call
    found = differing(got.get("value"), probe.reply.get("value"), exercise.tolerance)
    if found:
        _draw(got, probe, found[0])
    if call.via == "curve" and "value" in probe.reply and (found or "value" not in got):
        return _curve_problem(exercise, probe, got, answer, found)
    text = _came_and_wanted(exercise, call, got, probe.reply, answer) + _where(call)
    if len(found) and len(items(got["value"])) > 4:
        first = found[0]
        mine, wanted = (written(member(each, first)["value"]) for each in (got, probe.reply))
        text += (
            f"\n\nThe first difference is at place {first}, counted from 0: {mine} "
            f"instead of {wanted}.\n{_count(found, got)} differ."
        )
    return text


def _curve_problem(
    exercise: Exercise, probe: Probe, got: Reply, answer: Callable[..., Any], found: list[int]
) -> str:
    """Of the many calls that make a curve, the first that is wrong, or that stops if the curve did:
    a student can repeat it."""
    for place in found or range(len(probe.call.args[0])):
        call, wanted = probe.call.at(place), member(probe.reply, place)
        with _silence():
            alone = calls.reply(answer, call)
        if "value" not in alone or (found and not agrees(alone, wanted, exercise.tolerance)):
            text = _came_and_wanted(exercise, call, alone, wanted, answer)
            if found:
                text += f"\n\nIt is the first wrong step. {_count(found, got)} steps differ."
            return text
    return (
        f"{_came_and_wanted(exercise, probe.call, got, probe.reply, answer)}\n\n"
        "Each of these steps is right when it is asked alone; one after another they are not.\n"
        "What does your function keep, or change, from one call to the next: a list that it was\n"
        "given, a global name?"
    )


def _count(found: list[int], got: Reply) -> str:
    return f"{len(found)} of {len(items(got['value']))}"


def _whole(exercise: Exercise, call: Call) -> str:
    return textwrap.indent(call.written(exercise.name, whole=True), "    ")


def _came_and_wanted(
    exercise: Exercise, call: Call, got: Reply, wanted: Reply, answer: Callable[..., Any]
) -> str:
    if "value" in wanted:
        came, goal = _came(got, answer, call), written(wanted["value"])
    else:
        came, goal = _came(got, answer, call, ""), f"raise {wanted['error'][0]}"
    return f"{_whole(exercise, call)}\n    {came}\n    expected  {goal}"


def _came(
    got: Reply, answer: Callable[..., Any], call: Call, none: str = "  (is a `return` missing?)"
) -> str:
    if "value" in got:
        return f"returned  {written(got['value'])}{none if got['value'] is None else ''}"
    if got["error"] == ["Unanswerable"]:
        return f"returned what cannot be compared: {got['message']}"
    return f"stopped with {got['error'][0]}: {got['message']}{_line_of_error(answer, call)}"


def _line_of_error(answer: Callable[..., Any], call: Call) -> str:
    """The student's line that stopped, for a learner who sees no traceback."""
    try:
        with _silence():
            calls.answered(answer, call)
    except (Exception, SystemExit) as error:
        module = getattr(answer, "__module__", None)  # of a notebook all cells are one
        frames = traceback.walk_tb(error.__traceback__)
        own = [each for each in frames if each[0].f_globals.get("__name__") == module]
        for frame, number in own[-1:]:
            if line := linecache.getline(frame.f_code.co_filename, number).strip():
                return f"\n    in line {number}: {line}"
    return ""


def _where(call: Call) -> str:
    """What the adapter of a call does and where it is, for a learner who has not met it."""
    if not call.via:
        return ""
    first = (ADAPTERS[call.via].__doc__ or "").split("\n\n")[0]
    text = textwrap.fill(f"({call.via}: {' '.join(first.split())})", 88)
    return f"\n\n{text}\nfrom course_lib.questions.adapters import {call.via}"


# --- failing --------------------------------------------------------------------------------------


def _fail(exercise: Exercise, asked: _Asked, wrong: list[int], problem: str) -> NoReturn:
    if advice := _no_hint_but(exercise, asked, wrong):
        kept.touch(exercise.id)
    else:
        # Other words for the same wrong replies are no new try.
        digest = hashlib.sha256(repr(asked.replies).encode()).hexdigest()[:16]
        tries = kept.record(exercise.id, solved=False, answer=digest)
        rung = min(max(tries, 1), len(exercise.hints))
        advice = f"Hint {rung} of {len(exercise.hints)}: {exercise.hints[rung - 1]}"
    text = f"Exercise {exercise.id} is not right yet.\n\n{problem}\n\n{textwrap.fill(advice, 88)}"
    raise told(AssertionError(text))


def _no_hint_but(exercise: Exercise, asked: _Asked, wrong: list[int]) -> str:
    """What is said where a hint would look for another mistake, and be spent for nothing."""
    if asked.changed:
        return "Fix this first; no hint is used up."
    error = asked.replies[wrong[0]].get("error", [""])[0] if wrong else ""
    nothing = all(reply.get("value") is None for reply in asked.replies)
    if error in ("NameError", "UnboundLocalError") or (nothing and error in exercises.SLIPS):
        return "Fix this error first; no hint is used up."
    if nothing and wrong and not error:
        return f"`{exercise.name}` must return a value; no hint is used up until it does."
    pairs = [(got, probe.reply) for got, probe in zip(asked.replies, exercise.shown)]
    off = [pair for pair in pairs if not agrees(*pair, exercise.tolerance)]
    if off and all(calls.close(*pair) for pair in off):
        return f"This is {calls.CLOSE_WORDS}."
    if off and all(_other_form(*pair) for pair in off):
        return "The values are right, their form is not: return them as `expected` shows them."
    if off and all("error" in goal for _, goal in off):
        goal = off[0][1]["error"][0]
        return (
            f"The values are right, but this call must be refused. Where a {goal} is expected, "
            f"write `raise {goal}(...)`: another error, such as that of `assert`, does not count, "
            "nor does returning the error."
        )
    return ""


def _other_form(got: Reply, wanted: Reply) -> bool:
    """Whether these are the right values, as a list where a number is wanted, as texts, ..."""
    if got.get("value") is None:  # `found or None`
        return "value" in got and wanted.get("value") == []
    return "value" in wanted and any(
        len(mine := leaves(got["value"], keys)) == len(goals := leaves(wanted["value"], keys))
        and all(calls.same(*pair, calls.CLOSE) for pair in zip(mine, goals))
        for keys in (False, True)
    )


def _draw(got: Reply, probe: Probe, first: int) -> None:
    """Both curves, where a notebook can show them and the answers are numbers at all."""
    wanted, mine = items(probe.reply["value"]), items(got["value"])
    try:
        curves = [[float(decode(v)) for v in each] for each in (mine, wanted)]
        from IPython import get_ipython
        from IPython.display import display
    except (ImportError, TypeError, ValueError, OverflowError):
        return
    bare = get_ipython() is None or os.environ.get("NBGRADER_EXECUTION")
    if bare or len(wanted) < 3 or not all(map(math.isfinite, curves[1])):
        return
    from course_lib.plots import plot_answer

    steps = probe.call.args[0] if probe.call.via == "curve" else list(range(len(wanted)))
    names = {"curve": ("step", "learning rate"), "fed_back": ("epoch", "learning rate")}
    x, y = names.get(probe.call.via or "", ("place in the list", "value"))
    display(plot_answer(*curves, steps=steps, first=first, x=x, y=y))
