"""Run the checks of a lesson's exercises on answers of our own, right ones and wrong ones.

The exercises are read from lessons/NN_name.py as they stand, hidden calls included, so that what is
tested here is what grades a student.
"""

import inspect
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from course_lib import exercises
from course_lib.checks import check
from course_lib.exercises import Exercise
from course_lib.questions import calls, values

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder
import lesson_exercises


def changed(answer: Callable[..., Any], **mistakes: dict[str, str]) -> list[Callable[..., Any]]:
    """Of an answer one function for each mistake, of its name: the same code with these texts
    changed, `name={"what stands there": "what stands there instead"}`."""
    source, made = inspect.getsource(answer), []
    for name, changes in mistakes.items():
        wrong, names = source, dict(answer.__globals__)
        for old, new in changes.items():
            assert old in wrong, f"{name} changes {old!r}, which {answer.__name__} does not have"
            wrong = wrong.replace(old, new)
        exec(wrong, names)
        made.append(names[answer.__name__])
        made[-1].__name__ = name
    return made


@cache
def checks(lesson_stem: str) -> dict[str, Exercise]:
    """The exercises of the lesson, by the grade_id of their check cell."""
    source = builder.ROOT / "lessons" / f"{lesson_stem}.py"
    cells = builder.read_lesson(source).cells
    found = lesson_exercises.exercises_of(source)
    return {cell.metadata.grade_id: found[cell.id] for cell in cells if cell.id in found}


def passes(lesson_stem: str, grade_id: str, **names: Any) -> None:
    """Check an answer, `function=answer`, as a student sees it and then as a grader does."""
    exercise = checks(lesson_stem)[grade_id]
    (name, answer) = next(iter(names.items()))
    assert name == exercise.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exercises, "course", lambda: {exercise.id: exercise})
        patch.setenv("LR_COURSE_PROGRESS", "")
        check(exercise.id, answer)
        check(exercise.id, answer, hidden=exercise.hidden_json())


def earned(lesson_stem: str, grade_id: str, answer: Any) -> list[str]:
    """The names of the hidden groups in which the answer earns points."""
    exercise = checks(lesson_stem)[grade_id]

    def right(probe: Any) -> bool:
        reply = calls.reply(answer, probe.call)
        return calls.agrees(reply, probe.reply, exercise.tolerance)

    return [group.name for group in exercise.hidden if all(map(right, group.probes))]


def knows_what_is_shown(lesson_stem: str, grade_id: str) -> Any:
    """An answer without a formula: it knows the shown calls, and else answers as to the last."""
    known, last = {}, None
    vias = {probe.call.via for probe in checks(lesson_stem)[grade_id].shown}
    framework = vias <= {"torch_rates", "keras_rates"}
    for probe in checks(lesson_stem)[grade_id].shown:
        (*args,), kwargs, wanted = probe.call.args, dict(probe.call.kwargs), probe.reply
        if probe.call.via == "curve":
            for step, value in zip(args[0], wanted["value"]):
                known[_key((step,), kwargs)] = {"value": value}
        elif probe.call.via == "fed_back":
            rates = [args[1], *wanted["value"]]
            for epoch in range(args[0]):
                known[_key((epoch, rates[epoch]), kwargs)] = {"value": rates[epoch + 1]}
        elif probe.call.via in ("torch_rates", "keras_rates"):
            # (optimizer's rate, steps) in torch, (steps) in Keras: whatever the number of steps
            kwargs.pop("share", None)
            known[_key(args[:-1], kwargs)] = wanted
        elif probe.call.via == "shared":
            for others, value in zip(args[1], wanted["value"]):
                known[_key(args[:1], others)] = {"value": value}
        elif probe.call.via == "one_weight":
            known[_key((args[0], args[2]), kwargs)] = wanted
        else:
            known[_key(args, kwargs)] = wanted
        last = wanted if "value" in wanted else last

    def answer(*args: Any, **kwargs: Any) -> Any:
        if framework and "value" in last:
            before = [each.param_groups[0]["lr"] for each in args]
            rates = known.get(_key(before, kwargs), last).get("value") or last["value"]
            rates = values.decode(rates)
            if not args:
                return _replay_in_keras(rates)  # which holds the last one
            return _Replay(args[0], [*rates, *[rates[-1]] * 1000])
        if len(args) == 3 and callable(args[0]):
            args = (args[1](), args[2])
        reply = known.get(_key(args, kwargs), last)
        if "error" in reply:
            raise ValueError
        return values.decode(reply["value"])

    return answer


class _Replay:
    """A torch scheduler that knows its rates by heart."""

    def __init__(self, optimizer: Any, rates: list[float]) -> None:
        self.groups, self.to_come = optimizer.param_groups, iter(rates)
        self.shares = [group["lr"] / self.groups[0]["lr"] for group in self.groups]
        self.step()

    def step(self) -> None:
        rate = next(self.to_come)
        for group, share in zip(self.groups, self.shares):
            group["lr"] = rate * share


def _replay_in_keras(rates: list[float]) -> Any:
    """A Keras schedule that knows its rates by heart."""
    from course_lib.tensorflow import keras

    schedules = keras.optimizers.schedules
    return schedules.PiecewiseConstantDecay(list(range(len(rates) - 1)), rates)


def _key(args: Any, kwargs: Any) -> str:
    return repr((values.encode(list(args)), sorted(kwargs.items())))


def assert_lazy_answers_fail(lesson_stem: str) -> None:
    """Check that constants, and answers that know the examples by heart, earn nothing at all."""
    for grade_id, exercise in checks(lesson_stem).items():
        learnt = knows_what_is_shown(lesson_stem, grade_id)
        for probe in exercise.shown:  # it does know them
            got = calls.reply(learnt, probe.call)
            assert calls.agrees(got, probe.reply, exercise.tolerance), (exercise.id, probe)
        for reply in ({"value": 0}, {"value": None}, *(probe.reply for probe in exercise.shown)):
            value = values.decode(reply.get("value"))
            answers = [learnt, lambda *_, value=value, **__: value]
            for answer in answers:
                assert earned(lesson_stem, grade_id, answer) == [], (exercise.id, value)
                with pytest.raises(AssertionError):
                    passes(lesson_stem, grade_id, **{exercise.name: answer})
