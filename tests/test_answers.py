"""Every exercise rejects plausible wrong answers, and accepts right ones of any form.

The answers of a lesson are in tests/answers/lesson_NN.py, in two dictionaries from the grade_id of
a check to a list of functions: WRONG and RIGHT; what is wrong in one place is written as the change
of an answer that is right (`changed`). What is tested is what a student sees, the calls shown and
locked, and what grades the student, the hidden ones: both reject every wrong answer.
"""

import importlib.util
import struct
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from exercise_helper import assert_lazy_answers_fail, builder, checks, earned, passes

from course_lib import exercises
from course_lib.checks import check
from course_lib.questions import calls

FOLDER = Path(__file__).parent / "answers"
LESSONS = {path.stem: path for path in builder.lessons(builder.ROOT)}
FEWEST = {"WRONG": 6, "RIGHT": 3}
MOST_LOCKED = 4


def path_of(stem: str) -> Path:
    return FOLDER / f"lesson_{stem[:2]}.py"


def load(path: Path) -> ModuleType:
    name = f"answers_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


def answers(kind: str) -> list:
    """(lesson, grade_id, answer) of every answer that can be read, by name."""
    found = []
    for stem in LESSONS:
        try:
            groups = getattr(load(path_of(stem)), kind)
        except Exception:  # said by test_a_lesson_has_its_answers, of its lesson alone
            continue
        for grade_id, functions in groups.items():
            for place, function in enumerate(functions):
                name = getattr(function, "__name__", type(function).__name__)
                id = f"{stem}-{grade_id}-{place}-{name}"
                found.append(pytest.param(stem, grade_id, function, id=id))
    return found


def likeness(function) -> str:
    """What two answers share when one of them is written twice."""
    code = getattr(function, "__code__", None)
    if code is None:
        return repr(function)
    held = [repr(cell.cell_contents) for cell in function.__closure__ or ()]
    return repr((shape(code), held, function.__defaults__, function.__kwdefaults__))


def shape(code) -> str:
    inner = [shape(each) if hasattr(each, "co_code") else repr(each) for each in code.co_consts]
    return repr((code.co_code, code.co_names, inner))


every_lesson = pytest.mark.parametrize("stem", LESSONS)


@every_lesson
def test_a_lesson_has_its_answers(stem):
    graded = checks(stem)
    path = path_of(stem)
    assert not graded or path.exists(), f"{stem} has exercises: write tests/answers/{path.name}"
    for kind, fewest in FEWEST.items() if graded else ():
        groups = getattr(load(path), kind)
        assert groups.keys() == graded.keys(), f"{kind} of {path.name}"
        for grade_id, functions in groups.items():
            different = {likeness(each) for each in functions}
            said = f"{kind} answers to {grade_id}"
            assert len(functions) >= fewest, f"{len(functions)} {said}, wanted {fewest}"
            assert len(different) == len(functions), f"two {said} are one"


@pytest.mark.parametrize("stem, grade_id, answer", answers("WRONG"))
def test_a_wrong_answer_is_rejected(stem, grade_id, answer, monkeypatch):
    exercise = checks(stem)[grade_id]
    monkeypatch.setattr(exercises, "course", lambda: {exercise.id: exercise})
    monkeypatch.setenv("LR_COURSE_PROGRESS", "")
    with pytest.raises(AssertionError):  # no wrong answer is told that it is correct, whoever asks
        check(exercise.id, answer)
    every = [group.name for group in exercise.hidden]
    assert earned(stem, grade_id, answer) != every, "all points for a wrong answer"


@every_lesson
def test_locked_calls_are_few_enough_to_work_out_by_hand(stem):
    assert all(len(each.locked) <= MOST_LOCKED for each in checks(stem).values())


@pytest.mark.parametrize("stem, grade_id, answer", answers("RIGHT"))
def test_a_right_answer_is_accepted(stem, grade_id, answer):
    passes(stem, grade_id, **{checks(stem)[grade_id].name: answer})


# --- right up to rounding -------------------------------------------------------------------------

ROUNDED = {
    "float32": lambda number: struct.unpack("f", struct.pack("f", number))[0],
    "6 places": lambda number: round(number, 6),
    "10 places": lambda number: round(number, 10),
}


def rounded(value, kind):
    """An encoded reply, all its numbers rounded."""
    if isinstance(value, list):
        return [rounded(each, kind) for each in value]
    if isinstance(value, dict) and "float" not in value:
        return {key: rounded(each, kind) for key, each in value.items()}
    return ROUNDED[kind](value) if isinstance(value, float) else value


def verdicts(exercise, answer, kind) -> tuple[bool, bool]:
    """Whether the instant check and the grader take the answer whose numbers are rounded."""

    def right(probe) -> bool:
        reply = rounded(calls.reply(answer, probe.call), kind)
        return calls.agrees(reply, probe.reply, exercise.tolerance)

    hidden = [probe for group in exercise.hidden for probe in group.probes]
    return all(map(right, [*exercise.shown, *exercise.locked])), all(map(right, hidden))


@every_lesson
@pytest.mark.parametrize("kind", ROUNDED)
def test_a_rounded_answer_has_one_verdict_from_the_check_and_the_grader(stem, kind):
    for grade_id, exercise in checks(stem).items():
        for answer in load(path_of(stem)).RIGHT[grade_id]:
            seen, graded = verdicts(exercise, answer, kind)
            assert seen == graded, f"{exercise.id}: check {seen}, grader {graded}"
            assert seen or kind != "float32", f"{exercise.id}: float32 is not right"


def in_float32(value):
    """An argument, all its numbers as a tensor of float32 holds them."""
    if isinstance(value, np.ndarray):
        return value.astype(np.float32)
    if isinstance(value, list | tuple):
        return type(value)(map(in_float32, value))
    if isinstance(value, dict):
        return {in_float32(key): in_float32(each) for key, each in value.items()}
    return float(np.float32(value)) if isinstance(value, float) else value


@every_lesson
def test_a_right_answer_that_takes_its_numbers_in_float32_is_right(stem):
    """What is 4e-6 off, subtracted, is more off: an exercise that subtracts needs its tolerance."""
    for grade_id, exercise in checks(stem).items():
        hidden = [probe for group in exercise.hidden for probe in group.probes]
        for answer in load(path_of(stem)).RIGHT[grade_id]:
            for probe in [*exercise.shown, *exercise.locked, *hidden]:
                call = probe.call
                kwargs = {name: in_float32(each) for name, each in call.kwargs.items()}
                got = calls.reply(answer, replace(call, args=in_float32(call.args), kwargs=kwargs))
                assert calls.agrees(got, probe.reply, exercise.tolerance), (call, got)


@every_lesson
def test_constants_and_answers_by_heart_earn_nothing(stem):
    assert_lazy_answers_fail(stem)


@every_lesson
def test_an_exercise_not_begun_is_no_wrong_answer(stem):
    def not_begun(*arguments, **parameters):
        raise NotImplementedError

    for grade_id, exercise in checks(stem).items():
        with pytest.raises(NotImplementedError):
            passes(stem, grade_id, **{exercise.name: not_begun})


# --- the tests themselves -------------------------------------------------------------------------


def test_answers_without_a_lesson_are_found():
    known = {path_of(stem).name for stem in LESSONS}
    assert {path.name for path in FOLDER.glob("*.py")} <= known


def test_an_answer_written_twice_is_one():
    def one(x):
        return [x * y for y in range(3)]

    def same(x):
        return [x * y for y in range(3)]

    def other(x):
        return [x + y for y in range(3)]

    def scaled(factor):
        return lambda x: factor * x

    assert likeness(one) == likeness(same) != likeness(other)
    assert likeness(scaled(2)) == likeness(scaled(2)) != likeness(scaled(3))
    assert likeness(int) != likeness(float)
