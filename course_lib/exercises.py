"""What an exercise is: the calls that it makes of a student's function, and the right replies.

One description serves the instant check in a notebook, nbgrader's hidden tests and `lr-course
grade`. How a call is made and compared stands in the folder questions/; what an author needs of it
has its name here too.

An author describes an exercise in the lesson, in a cell tagged `probes`:

    exercise(
        "1.1",
        walk,                                         # the model answer: it makes the right answers
        hints=["a nudge", "the idea", "nearly the code"],
        shown=[call(8.0, lr=0.25, curvature=2.0, steps=3)],    # students see call and answer
        locked=[call(1.5, lr=0.1, curvature=3.0, steps=4)],    # they see the call only
        hidden={"many updates": [call(...), call(...)]},       # only the grader sees these
    )
"""

import json
import os
from base64 import b85decode, b85encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.questions.calls import Call, Probe, call, curve, reply, through
from course_lib.questions.values import TOLERANCE, items

__all__ = ["Call", "Exercise", "Group", "Locked", "Probe", "call", "course", "curve", "exercise"]
__all__ += ["hidden_groups", "reply", "through"]

# Errors that no exercise asks for: they are the author's own.
SLIPS = {"Unanswerable", "NotImplementedError", "TypeError", "NameError", "UnboundLocalError"}
SLIPS |= {"AttributeError", "ImportError", "ModuleNotFoundError", "SyntaxError"}
DIGITS = 12  # of a right answer, as it is written down: alike on machines that round differently
# Another course's, or one that is being built, is named by the environment.
INDEX = Path(os.environ.get("LR_COURSE_EXERCISES") or Path(__file__).with_name("exercises.json"))


@dataclass(frozen=True)
class Group:
    """Probes that earn their points together or not at all."""

    name: str
    probes: tuple[Probe, ...]
    weight: float = 1.0

    def to_json(self) -> dict[str, Any]:
        probes = [probe.to_json() for probe in self.probes]
        return {"name": self.name, "weight": self.weight, "probes": probes}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Group":
        probes = tuple(map(Probe.from_json, parts["probes"]))
        return cls(parts["name"], probes, parts["weight"])


class Locked(Probe):
    """A call whose right reply is not shown. It is in exercises.json in base85, which nobody reads
    by accident and anybody can on purpose: points come from the hidden probes."""

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "reply": b85encode(json.dumps(self.reply).encode()).decode()}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Locked":
        return cls(Call.from_json(parts["call"]), json.loads(b85decode(parts["reply"])))


@dataclass(frozen=True)
class Exercise:
    """One exercise: what students see of it, and `hidden`, which they do not."""

    id: str
    name: str  # of the function that the student writes
    hints: tuple[str, ...]
    shown: tuple[Probe, ...]
    locked: tuple[Locked, ...]
    hidden: tuple[Group, ...] = ()
    library: tuple[str, ...] = ()  # functions of the library that are this exercise's answer
    tolerance: float = TOLERANCE
    title: str = ""
    lesson: str = ""  # "01_fixed_rates"
    points: float = 0

    def public_json(self) -> dict[str, Any]:
        """All that a student may see, for `exercises.json`."""
        return {
            "title": self.title,
            "lesson": self.lesson,
            "points": self.points,
            "name": self.name,
            "hints": list(self.hints),
            "library": list(self.library),
            "tolerance": self.tolerance,
            "shown": [probe.to_json() for probe in self.shown],
            "locked": [locked.to_json() for locked in self.locked],
        }

    @classmethod
    def from_public(cls, id: str, parts: Mapping[str, Any]) -> "Exercise":
        """The exercise that `public_json` wrote."""
        made: dict[str, Any] = {name: tuple(parts[name]) for name in ("hints", "library")}
        made |= {"shown": tuple(map(Probe.from_json, parts["shown"]))}
        made |= {"locked": tuple(map(Locked.from_json, parts["locked"]))}
        return cls(id=id, **{**parts, **made})

    def hidden_json(self) -> str:
        """The hidden groups as text: one line for each probe."""
        lines = []
        for group in self.hidden:
            head = json.dumps({"name": group.name, "weight": group.weight})[:-1]
            probes = ",\n  ".join(json.dumps(probe.to_json()) for probe in group.probes)
            lines.append(f'{head}, "probes": [\n  {probes}]}}')
        return "[\n" + ",\n".join(lines) + "\n]"


def hidden_groups(text: str) -> tuple[Group, ...]:
    """The groups that `Exercise.hidden_json` wrote."""
    return tuple(map(Group.from_json, json.loads(text)))


def exercise(
    id: str,
    answer: Callable[..., Any],
    *,
    hints: Sequence[str],
    shown: Sequence[Call],
    locked: Sequence[Call],
    hidden: Mapping[str, Sequence[Call]],
    library: Sequence[str] = (),
    tolerance: float = TOLERANCE,
) -> Exercise:
    """Describe an exercise; the model answer `answer` makes the right replies.

    An answer computed in float32 is right, and the `tolerance` sees to that, unless numbers that
    are close to each other are subtracted: 97.4 - 97.3 is right to 1e-4 only. Give 1e-4 where
    accuracies are compared, and where a framework computes.

    Raises ValueError for a description with which an answer could earn points that it did not
    earn: a group in which every right reply is the same (a constant would pass), a hidden call
    that students can see, a model answer that is not sure of itself.
    """

    def need(good: Any, message: str) -> None:
        if not good:
            raise ValueError(f"exercise {id}: {message}")

    def probes(calls: Sequence[Call]) -> tuple[Probe, ...]:
        made = tuple(Probe(each, _plain(reply(answer, each))) for each in calls)
        for probe in made:
            again = _plain(reply(answer, probe.call))
            text = f"the model answer to {probe.call.written(answer.__name__)}"
            need(again == probe.reply, f"{text} differs from call to call")
            error = probe.reply.get("error", [""])[0]
            need(error not in SLIPS, f"{text} is {probe.reply}")
        return made

    def distinct(of: Sequence[Probe]) -> int:
        return len({json.dumps(probe.reply) for probe in of})

    need(
        len(hints) == 3 and all(hints),
        f"write three hints, from a nudge to nearly the code; got {hints}",
    )
    need(
        shown and locked and hidden,
        "needs at least one shown call, one locked call, one hidden group",
    )
    visible = probes(shown)
    need(
        distinct(visible) > 1 or _is_curve(visible),
        "a constant passes all shown calls: add a call with another answer",
    )
    known = {json.dumps(each.to_json()) for each in (*shown, *locked)}
    groups = []
    for name, calls in hidden.items():
        group = probes(calls)
        need(
            distinct(group) > 1 or _is_curve(group),
            f"a constant passes all of hidden {name!r}: add a call with another answer",
        )
        seen = [each for each in calls if json.dumps(each.to_json()) in known]
        need(not seen, f"hidden {name!r} asks what students can see: {seen[:1]}")
        groups.append(Group(name, group))
    locks = tuple(Locked(probe.call, probe.reply) for probe in probes(locked))
    return Exercise(
        id,
        answer.__name__,
        tuple(hints),
        visible,
        locks,
        tuple(groups),
        tuple(library),
        tolerance,
    )


def _plain(answer: Mapping[str, Any]) -> dict[str, Any]:
    """A right reply without what differs between machines: last digits, words of an error."""
    if "error" in answer:
        return {"error": answer["error"][:1]}
    return {"value": _rounded(answer["value"])}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return value


def _is_curve(probes: Sequence[Probe]) -> bool:
    """Whether some right reply is itself a list of different values, which no constant equals."""
    lists = (items(probe.reply.get("value")) for probe in probes)
    return any(len({json.dumps(each) for each in values}) > 1 for values in lists)


# --- the course's exercises -----------------------------------------------------------------------


@cache
def course() -> dict[str, Exercise]:
    """Every exercise of the course by its id ("3.1"), without what is hidden from students."""
    index = json.loads(INDEX.read_text(encoding="utf-8"))
    return {id: Exercise.from_public(id, parts) for id, parts in index.items()}
