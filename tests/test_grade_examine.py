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

    limits = Limits()

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


class Rooms(Room):
    """Whose processes answer differently, one after the other; the last for ever."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = [*answers]

    def open(self, seconds):
        self.answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return super().open(seconds)


class Listens(Room):
    """Notes what is asked: the name, the peak and the number of steps."""

    def __init__(self, answer):
        super().__init__(answer)
        self.asked = []

    def ask(self, name, call):
        self.asked.append((name, call["kwargs"]["peak"], call["kwargs"]["steps"]))
        return super().ask(name, call)


class Stumbles(Room):
    """All of its cells end like this."""

    def __init__(self, answer=None, **outcome):
        super().__init__(answer)
        self.outcome = Outcome(**outcome or dict(ok=False, error="KeyError", message="'x'"))

    def run(self, source):
        return self.outcome


def examination(room, *steps, below=(), blank=(), missing=(), ids=(ANSWER,)):
    """Of the question `warm`, with these cells before and below those of its answer."""
    steps = (*steps, *(Step("answer", each, "def warm") for each in ids), *below)
    answers = dict.fromkeys(ids, "def warm")
    plan = Plan(steps, answers, (), frozenset(missing), frozenset(blank))
    asked = question()
    asked.answers = ids
    return Examination(plan, SimpleNamespace(questions=[asked]), room)


def verdict(answer):
    return examination(Room(answer)).verdicts()["09-warm"]


def warm(step, *, peak, steps):
    return peak * min(1.0, (step + 1) / (steps + 1))


def wrong_for(*peaks):
    """An answer that is wrong in the calls with these peaks: 0.7 and 0.9 are those of one hidden
    group; 0.25, 0.5 and 0.75 of the other."""
    return lambda step, **asked: -1.0 if asked["peak"] in peaks else warm(step, **asked)


def wrong(step, **_):
    return -1.0


EXTRA = Step("extra", "", "later = 1")


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


def test_a_wrong_first_group_costs_its_own_share_alone():
    found = verdict(wrong_for(0.7))
    assert (found.status, found.score) == ("partly", 1.0)
    assert [group["points"] for group in found.groups] == [0.0, 1.0, 1.0]


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


def test_the_second_time_is_from_the_last_call_to_the_first():
    room = Listens(warm)
    assert examination(room).verdicts()["09-warm"].status == "right"
    last = room.asked[-6:]  # of the last group, which has three calls
    assert len(set(last)) == 3 and last[3:] == last[2::-1]


def test_every_shown_call_comes_before_any_hidden_one():
    room = Listens(warm)
    asked = examination(room)
    asked.ask([question(), SimpleNamespace(**{**vars(question()), "grade_id": "b", "name": "b"})])
    shown = [steps in (4, 5) for _, _, steps in room.asked]
    assert shown == sorted(shown, reverse=True)
    assert {name for (name, *_), first in zip(room.asked, shown) if first} == {"warm", "b"}


def test_what_is_spoiled_by_a_cell_below_is_asked_once_more_without_it():
    room = Rooms(wrong_for(0.25), warm)
    assert examination(room, below=[EXTRA]).verdicts()["09-warm"].status == "right"
    assert room.ran == [["def warm", "later = 1"], ["def warm"]]


def test_the_better_of_both_times_counts():
    assert (
        examination(Rooms(wrong_for(0.25), wrong), below=[EXTRA]).verdicts()["09-warm"].score == 1
    )


def test_a_second_time_nothing_is_quoted():
    """A number of a process could tell there what the process before has been asked."""

    def tells(step, **_):
        return 4711.0

    assert "4711" in str(examination(Room(tells)).verdicts())
    assert "4711" not in str(examination(Rooms(wrong, tells), below=[EXTRA]).verdicts())
    assert "4711" not in str(examination(Room(tells)).ask([question()], 1))


def test_the_class_of_an_error_of_its_own_is_not_told_of_a_hidden_call():
    def tells(step, *, peak, steps):
        raise type(f"asked_{peak}_{steps}", (Exception,), {})

    for answer, told in (
        (tells, "an error of its own"),
        (lambda *_, **__: 1 / 0, "ZeroDivisionError"),
    ):
        assert verdict(answer).groups[1]["message"] == f"stopped with {told}"


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


def test_what_was_right_before_a_call_that_hangs_is_paid():
    class Hangs(Room):
        def ask(self, name, call):
            return {"stopped": "time"} if call["kwargs"]["peak"] < 0.6 else super().ask(name, call)

    found = examination(Hangs(warm)).verdicts()["09-warm"]
    assert (found.status, found.score) == ("stopped", 1.0)
    assert [group["passed"] for group in found.groups] == [True, True, False]


def test_the_memory_is_the_most_and_the_time_the_sum_of_its_processes():
    usages = iter([(2.0, 300.0), (3.0, 50.0)])

    class Uses(Rooms):
        def close(self):
            return SimpleNamespace(**dict(zip(("seconds", "peak_mb"), next(usages))))

    asked = examination(Uses(wrong, warm), below=[EXTRA])
    asked.verdicts()
    assert (asked.running.seconds, asked.running.peak_mb) == (5.0, 300.0)


def test_all_that_is_kept_of_what_cells_print_together_is_limited():
    room = Stumbles(warm, ok=True, output="x" * (1 << 20))
    asked = examination(room, *[EXTRA] * 9)
    assert asked.verdicts()["09-warm"].status == "right"
    assert sum(len(each.output) for each in asked.running.outcomes.values()) == 4 << 20


@pytest.mark.parametrize("answer, told", [(warm, 1), (wrong, 0)])
def test_an_error_in_a_cell_is_told_of_answers_that_earned_something(answer, told):
    asked = examination(Stumbles(answer))
    assert len(asked.errors(asked.verdicts())) == told


def test_a_cell_that_stopped_is_why_its_function_is_missing():
    found = examination(Stumbles()).verdicts()["09-warm"]
    assert found.reason == "its cell stopped with KeyError: 'x'"


PANDAS = {
    "ModuleNotFoundError": "No module named 'pandas'",
    "ImportError": "cannot import name 'x'",
}


@pytest.mark.parametrize("error", PANDAS)
@pytest.mark.parametrize("cell", ["its own", "another"])
def test_a_package_that_is_not_here_or_is_another_version_is_why_an_answer_is_not_right(
    cell, error
):
    """In the student's notebook it is, and the check says "Correct"."""

    def needs(step, **_):
        return pd.Series([step])  # noqa: F821

    class Lacks(Stumbles):
        def run(self, source):
            return self.outcome if (source == "def warm") == (cell == "its own") else Outcome(True)

    stopped = dict(ok=False, error=error, message=PANDAS[error])
    room = Lacks(needs, **stopped)
    asked = examination(room, Step("extra", "", "import pandas as pd"))
    found = asked.verdicts()
    why = f"{error}: {PANDAS[error]}"
    assert found["09-warm"].status == "wrong" and why in found["09-warm"].reason
    (finding,) = asked.errors(found)
    where = "its cell" if cell == "its own" else "a cell"
    assert finding.text == f"an error in {where}: {why}"
    assert finding.grade_id == (ANSWER if cell == "its own" else "")
    asked = examination(Lacks(wrong, **stopped), Step("extra", "", "import pandas as pd"))
    assert bool(asked.verdicts()["09-warm"].reason) == (cell == "its own")


def test_a_function_is_asked_under_the_name_that_its_check_has():
    class Named(Room):
        def ask(self, name, call):
            return super().ask(name, call) if name == "my_warm" else {"missing": True}

    asked = examination(Named(warm))
    asked.plan.called["09-warm"] = "my_warm"
    assert asked.verdicts()["09-warm"].status == "right"
    asked = examination(Named(wrong))
    asked.plan.called["09-warm"] = "my_warm"
    assert asked.verdicts()["09-warm"].groups[0]["message"].startswith("my_warm(")


@pytest.mark.parametrize("lack", ["blank", "missing"])
def test_one_of_two_answer_cells_is_enough_to_be_asked(lack):
    asked = examination(Room(warm), ids=(ANSWER, "a-more"), **{lack: {"a-more"}})
    assert asked.verdicts()["09-warm"].status == "right"


@pytest.mark.parametrize("seconds, why", [(0.0, "starts"), (20.0, "total")])
def test_why_nothing_could_be_asked_any_more_is_told(seconds, why):
    class Dies(Stumbles):
        def close(self):
            return SimpleNamespace(seconds=seconds, peak_mb=0.0)

    asked = examination(Dies(ok=False, stopped="exit"), *[Step("given", "g", "cell")] * 60)
    found = asked.verdicts()["09-warm"]
    assert (found.status, found.reason) == ("stopped", Limits().in_words(why))
