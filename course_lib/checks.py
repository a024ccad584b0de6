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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any, NoReturn

from course_lib import exercises
from course_lib import progress as kept
from course_lib.errors import told
from course_lib.exercises import Exercise, Locked
from course_lib.progress import progress
from course_lib.questions import calls
from course_lib.questions.adapters import ADAPTERS
from course_lib.questions.calls import Call, Probe, differing, items, written
from course_lib.questions.values import decode

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
    probes: list[Probe | Locked] = [*exercise.shown, *exercise.locked]
    asked = _ask(exercise, answer, [each.call for each in probes])
    problem = _first_problem(exercise, asked, answer)
    if problem:
        _fail(exercise, answer, asked, problem)
    if asked.library:
        kept.touch(id)
        print(
            f"The values of exercise {id} are right. They are course_lib's own `{asked.library}` "
            f"at work;\nwrite the formula yourself to call it yours."
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
    changed: tuple[int, Reply] | None = None  # a call that got another reply the second time
    library: str = ""  # a function of the library that is this exercise's answer, and was called


def _ask(exercise: Exercise, answer: Callable[..., Any], questions: Sequence[Call]) -> _Asked:
    """Ask every call twice, the second time in another order: an answer must not remember."""
    asked = _Asked()
    with redirect_stderr(sys.stdout), _watched(exercise.library) as seen:
        for number, call in enumerate(questions):
            # What an answer prints is seen once, not ninety times.
            with _silence() if number else nullcontext():
                asked.replies.append(calls.reply(answer, call))
            if "NotImplementedError" in asked.replies[-1].get("error", ()):
                text = (
                    f"exercise {exercise.id} is not begun yet: write `{exercise.name}`, "
                    "then run this cell again.\n"
                    "If it is written, its cell stopped: look there for an error"
                )
                raise told(NotImplementedError(text))
    with _silence():
        for place in reversed(range(len(questions))):
            again = calls.reply(answer, questions[place])
            first = asked.replies[place]
            if not (calls.agrees(again, first, exercise.tolerance) or again == first):
                asked.changed = place, again
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
    probes = [probe for group in groups for probe in group.probes]
    asked = _ask(exercise, answer, [probe.call for probe in probes])
    replies = iter(asked.replies)
    wrong = [
        group.name
        for group in groups
        # A list, not a generator: every group takes all its replies.
        if not all([_right(next(replies), probe, exercise) for probe in group.probes])
    ]
    if wrong:
        text = f"Exercise {exercise.id}: not right yet: {', '.join(wrong)}."
        raise told(AssertionError(text))
    if asked.changed:
        text = f"Exercise {exercise.id}: answers change from call to call."
        raise told(AssertionError(text))


def _right(got: Reply, probe: Probe | Locked, exercise: Exercise) -> bool:
    if isinstance(probe, Locked):
        return probe.opens(got)
    return calls.agrees(got, probe.reply, exercise.tolerance)


# --- explaining -----------------------------------------------------------------------------------


def _first_problem(exercise: Exercise, asked: _Asked, answer: Callable[..., Any]) -> str:
    """What to say about the first wrong reply; empty when all is right."""
    probes: list[Probe | Locked] = [*exercise.shown, *exercise.locked]
    wrong = [i for i, probe in enumerate(probes) if not _right(asked.replies[i], probe, exercise)]
    parts = []
    if wrong:
        place, probe, got = wrong[0], probes[wrong[0]], asked.replies[wrong[0]]
        if isinstance(probe, Probe):
            parts.append(_shown_problem(exercise, probe, got, answer))
        else:
            parts.append(
                "The shown calls are right, but not this one:\n\n"
                f"    {probe.call.written(exercise.name)}\n"
                f"    {_came(got, answer, probe.call)}\n{_where(probe.call)}\n"
                "Its answer is not shown. Work this call out by hand, and compare: does your\n"
                "function follow the task, or only its examples?"
            )
    if asked.changed:
        place, again = asked.changed
        call = probes[place].call
        parts.append(
            "Asked twice, your function answers differently:\n\n"
            f"    {call.written(exercise.name)}\n"
            f"    first  {_came(asked.replies[place], answer, call)}\n"
            f"    then   {_came(again, answer, call)}\n\n"
            "What does it keep from one call to the next? A list as a default value, a global\n"
            "name, a random number?"
        )
    return "\n\n".join(parts)


def _shown_problem(exercise: Exercise, probe: Probe, got: Reply, answer: Callable[..., Any]) -> str:
    call = probe.call
    found = differing(got.get("value"), probe.reply.get("value"), exercise.tolerance)
    if found:
        _draw(got, probe, found[0])
    if call.via == "curve" and (found or "value" not in got):
        return _curve_problem(exercise, probe, got, answer, found)
    came = _came(got, answer, call)
    text = f"    {call.written(exercise.name)}\n    {came}\n    expected  {_wanted(probe.reply)}"
    text += _where(call)
    if len(found) and len(items(got["value"])) > 4:
        first = found[0]
        mine, wanted = (items(each["value"])[first] for each in (got, probe.reply))
        text += (
            f"\n\nThe first difference is at place {first}, counted from 0: {written(mine)} "
            f"instead of {written(wanted)}.\n{_count(found, got)} differ."
        )
    return text


def _curve_problem(
    exercise: Exercise, probe: Probe, got: Reply, answer: Callable[..., Any], found: list[int]
) -> str:
    """Of the many calls that make a curve, the first wrong one: a student can repeat it."""
    (steps,) = probe.call.args
    first = found[0] if found else _first_error(answer, probe.call)
    call = Call((steps[first],), probe.call.kwargs)
    with _silence():
        reply = {"value": items(got["value"])[first]} if found else calls.reply(answer, call)
    came, wanted = _came(reply, answer, call), written(items(probe.reply["value"])[first])
    text = f"    {call.written(exercise.name)}\n    {came}\n    expected  {wanted}"
    if found:
        text += f"\n\nIt is the first wrong step. {_count(found, got)} steps differ."
    return text


def _count(found: list[int], got: Reply) -> str:
    return f"{len(found)} of {len(items(got['value']))}"


def _first_error(answer: Callable[..., Any], call: Call) -> int:
    singles = (calls.reply(answer, Call((step,), call.kwargs)) for step in call.args[0])
    with _silence():
        return next((i for i, reply in enumerate(singles) if "value" not in reply), 0)


def _came(got: Reply, answer: Callable[..., Any], call: Call) -> str:
    if "value" in got:
        missing = "  (is a `return` missing?)" if got["value"] is None else ""
        return f"returned  {written(got['value'])}{missing}"
    if got["error"] == ["Unanswerable"]:
        return f"returned what cannot be compared: {got['message']}"
    return f"stopped with {got['error'][0]}: {got['message']}{_line_of_error(answer, call)}"


def _wanted(wanted: Reply) -> str:
    return written(wanted["value"]) if "value" in wanted else f"raise {wanted['error'][0]}"


def _line_of_error(answer: Callable[..., Any], call: Call) -> str:
    """The student's line that stopped, for a learner who sees no traceback."""
    try:
        with _silence():
            calls.answered(answer, call)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not frame.filename.startswith(LIBRARY)]
        calling = getattr(answer, "__code__", None)
        own = [f for f in own if calling and f.filename == calling.co_filename] or own[:1]
        if own and linecache.getline(own[-1].filename, own[-1].lineno or 0):
            return f"\n    in line {own[-1].lineno}: {own[-1].line}"
    return ""


def _where(call: Call) -> str:
    """What the adapter of a call does, for a learner who has not met it."""
    if not call.via:
        return ""
    first = (ADAPTERS[call.via].__doc__ or "").split("\n\n")[0]
    return "\n\n" + textwrap.fill(f"({call.via}: {' '.join(first.split())})", 88)


# --- failing --------------------------------------------------------------------------------------


def _fail(exercise: Exercise, answer: Callable[..., Any], asked: _Asked, problem: str) -> NoReturn:
    if advice := _no_hint_but(exercise, asked):
        kept.touch(exercise.id)
    else:
        replies = "" if asked.changed else repr(asked.replies)
        digest = hashlib.sha256(f"{_written(answer)}{replies}".encode()).hexdigest()[:16]
        tries = kept.record(exercise.id, solved=False, answer=digest)
        rung = min(max(tries, 1), len(exercise.hints))
        advice = f"Hint {rung} of {len(exercise.hints)}: {exercise.hints[rung - 1]}"
    text = f"Exercise {exercise.id} is not right yet.\n\n{problem}\n\n{textwrap.fill(advice, 88)}"
    raise told(AssertionError(text))


def _no_hint_but(exercise: Exercise, asked: _Asked) -> str:
    """What is said where a hint would look for another mistake, and be spent for nothing."""
    if all(reply.get("value", ...) is None for reply in asked.replies):
        return f"A value is what `{exercise.name}` must return; hints begin with the first one."
    return f"This is {calls.CLOSE_WORDS}." if _close(exercise, asked) else ""


def _close(exercise: Exercise, asked: _Asked) -> bool:
    """Whether all replies to the shown calls are right up to their last digits, and not all are."""
    pairs = [(got, probe.reply) for got, probe in zip(asked.replies, exercise.shown)]
    right = [calls.agrees(*pair, exercise.tolerance) for pair in pairs]
    near = all(ok or calls.close(*pair) for ok, pair in zip(right, pairs))
    return near and not all(right) and not asked.changed


def _written(answer: Any) -> Any:
    """What the function is made of, alike in every kernel."""
    code = answer if isinstance(answer, CodeType) else getattr(answer, "__code__", None)
    if code is None:
        return type(answer).__qualname__
    parts = [
        _written(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts
    ]
    return code.co_code, parts, code.co_names, code.co_varnames


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
