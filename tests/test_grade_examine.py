"""What one submission earns, decided by replies that are written down here: no process is begun."""

from types import SimpleNamespace

import pytest
from grading import described

from course_lib.exercises import Call
from course_lib.grade.examine import Examination
from course_lib.grade.intake.match import Plan, Step
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.messages import Outcome
from course_lib.questions.calls import reply

ANSWER = "a-warm"


def question():
    warm = described()["warm"]
    return SimpleNamespace(
        grade_id="09-warm",
        exercise="9.1",
        name="warm",
        points=2.0,
        manual=False,
        answers=(ANSWER,),
        groups=warm.hidden,
        shown=warm.shown,
        tolerance=1e-5,
    )


class Room:
    """A workshop and its sessions: cells do nothing but take time, functions are called here."""

    def __init__(self, answer=None, slow=(), clock=None):
        self.answer, self.slow, self.clock, self.ran = answer, slow, clock, []

    def open(self, seconds):
        self.begun = self.clock.now if self.clock else 0.0
        self.ends = self.begun + seconds
        self.ran.append([])
        return self

    def run(self, source):
        self.ran[-1].append(source)
        if source in self.slow:
            self.clock.now = min(self.clock.now + self.slow[source], self.ends)
            if self.slow[source] >= 20:
                return Outcome(False, stopped="time")
        return Outcome(True)

    def ask(self, name, call):
        return reply(self.answer, Call.from_json(call)) if self.answer else {"missing": True}

    def close(self):
        seconds = self.clock.now - self.begun if self.clock else 0.0
        return SimpleNamespace(seconds=seconds, peak_mb=0.0)


def examination(room, *steps):
    steps = (*steps, Step("answer", ANSWER, "def warm"))
    plan = Plan(steps, {ANSWER: "def warm"}, (), frozenset(), frozenset())
    return Examination(plan, SimpleNamespace(questions=[question()]), room, Limits(), "seed")


def verdict(answer):
    return examination(Room(answer)).verdicts()["09-warm"]


def warm(step, *, peak, steps):
    return peak * min(1.0, (step + 1) / (steps + 1))


def test_a_right_answer_earns_all():
    found = verdict(warm)
    assert (found.status, found.score) == ("right", 2.0)
    assert [group["points"] for group in found.groups] == [0.0, 1.0, 1.0]


def test_nothing_is_right_beside_examples_that_are_not():
    def but_the_example(step, *, peak, steps):
        return 7.0 if (step, peak, steps) == (0, 1.0, 4) else warm(step, peak=peak, steps=steps)

    found = verdict(but_the_example)
    assert found.status == "partly" and found.score == pytest.approx(4 / 3)
    assert not found.groups[0]["passed"] and found.groups[0]["score"] == 0
    assert sum(group["points"] for group in found.groups) == pytest.approx(2.0)


def test_examples_alone_earn_nothing():
    def by_heart(step, *, peak, steps):
        return warm(step, peak=peak, steps=steps) if steps in (4, 5) else 0.0

    found = verdict(by_heart)
    assert (found.status, found.score) == ("wrong", 0.0)


def test_an_answer_that_is_right_in_the_order_of_the_steps_only_changes():
    state = {}

    def goes_on(step, *, peak, steps):
        if step == 0 or not state:
            state.update(lr=0.0)
        if steps in (5, 8) and peak in (2.0, 0.7):
            state["lr"] = min(peak, state["lr"] + peak / (steps + 1))
            return state["lr"]
        return warm(step, peak=peak, steps=steps)

    found = verdict(goes_on)
    assert "changes from call to call" in found.groups[1]["message"]


def test_a_missing_name_within_the_answer_is_not_a_missing_answer():
    def lacks(step, *, peak, steps):
        return no_such_name  # noqa: F821

    found = verdict(lacks)
    assert (found.status, found.reason) == ("wrong", "")
    assert "NameError: name 'no_such_name' is not defined" in found.groups[0]["message"]
    assert verdict(None).reason == "no cell defines `warm`"


def test_only_a_stub_is_not_begun():
    def stub(step, *, peak, steps):
        raise NotImplementedError

    def refuses_some(step, *, peak, steps):
        if step:
            raise NotImplementedError("only the first")
        return warm(step, peak=peak, steps=steps)

    def framework(step, *, peak, steps):
        from course_lib.tensorflow import keras

        return keras.optimizers.schedules.LearningRateSchedule()(step)

    assert verdict(stub).status == "not begun"
    assert verdict(refuses_some).status == "wrong"
    found = verdict(framework)
    assert found.status == "wrong" and "Learning rate schedule" in found.groups[0]["message"]


def test_an_answer_that_cannot_be_compared_is_said_to_be_that():
    found = verdict(lambda step, **_: ValueError("one"))
    assert (
        "returned what cannot be compared: an answer of type ValueError"
        in (found.groups[0]["message"])
    )
    assert found.groups[2]["message"].startswith("an answer cannot be compared")


@pytest.mark.parametrize("seconds", [30.0, 15.0])  # stopped, or slow and whole
def test_own_cells_that_are_slow_leave_time_for_the_answers(seconds, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "course_lib.grade.running.time", SimpleNamespace(monotonic=lambda: clock.now)
    )
    slow = {f"slow {n}": min(seconds, 20.0) for n in range(9)}
    room = Room(warm, slow, clock)
    asked = examination(
        room, Step("extra", "", "import math"), *(Step("extra", "", s) for s in slow)
    )
    assert asked.verdicts()["09-warm"].status == "right"
    assert room.ran[-1][0] == "import math" and room.ran[-1][-1] == "def warm"
    assert asked.running.outcomes[9].stopped == "total"
