"""What an exercise asks, how an answer is written down, and when two answers are the same.

One description serves the instant check in a notebook, nbgrader's hidden tests and `lr-course
grade`: a function of the student's is *called*, and what it returns is compared with what the model
answer returned. Values cross process borders as plain JSON, so nothing that a student made is ever
unpickled, and a value is only what it is, whatever its class says about itself.

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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from course_lib import locks
from course_lib.values import TOLERANCE, Unanswerable, decode, encode, same

# Errors that no exercise asks for: they are the author's own.
SLIPS = {"Unanswerable", "NotImplementedError", "TypeError", "NameError", "UnboundLocalError"}
SLIPS |= {"AttributeError", "ImportError", "ModuleNotFoundError", "SyntaxError"}
DIGITS = 12  # of a right answer, as it is written down: alike on machines that round differently
# Another course's, or one that is being built, is named by the environment.
INDEX = Path(os.environ.get("LR_COURSE_EXERCISES") or Path(__file__).with_name("exercises.json"))


@dataclass(frozen=True)
class Call:
    """One call of a student's function; `via` names an adapter of `course_lib.adapters` that makes
    the call, for answers that are not simply numbers (a curve over steps, a scheduler, ...)."""

    args: tuple = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    via: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The call as JSON, without what is empty."""
        parts: dict[str, Any] = {}
        if self.args:
            parts["args"] = [encode(value) for value in self.args]
        if self.kwargs:
            parts["kwargs"] = {name: encode(value) for name, value in self.kwargs.items()}
        if self.via:
            parts["via"] = self.via
        return parts

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Call":
        """The call that `to_json` wrote."""
        kwargs = {name: decode(value) for name, value in parts.get("kwargs", {}).items()}
        return cls(tuple(map(decode, parts.get("args", ()))), kwargs, parts.get("via"))

    def written(self, name: str) -> str:
        """The call as a student would type it: `walk(8.0, lr=0.25)`."""
        inside = [_short(value) for value in self.args]
        inside += [f"{key}={_short(value)}" for key, value in self.kwargs.items()]
        if self.via:
            inside.insert(0, name)
            name = self.via
        return f"{name}({', '.join(inside)})"


def call(*args: Any, **kwargs: Any) -> Call:
    """A call with these arguments.

    >>> call(8.0, lr=0.25).written("walk")
    'walk(8.0, lr=0.25)'
    """
    return Call(args, kwargs)


def curve(steps: Iterable[int], /, **kwargs: Any) -> Call:
    """One call for each of the steps, `answer(step, **kwargs)`: a whole curve as one answer."""
    return Call((list(steps),), kwargs, "curve")


def through(adapter: str, /, *args: Any, **kwargs: Any) -> Call:
    """A call made by an adapter of `course_lib.adapters`: `adapter(answer, *args, **kwargs)`."""
    return Call(args, kwargs, adapter)


def _short(value: Any) -> str:
    whole = isinstance(value, list) and all(type(each) is int for each in value)
    if whole and len(value) > 8 and value == list(range(value[0], value[-1] + 1)):
        return f"range({value[0]}, {value[-1] + 1})" if value[0] else f"range({value[-1] + 1})"
    if type(value).__name__ == "ndarray":
        value = value.tolist()
    return _cut(repr(value))


# Asking


def reply(function: Any, question: Call) -> dict[str, Any]:
    """What came of a call, as JSON: {"value": ...}, or {"error": [its classes], "message": ...}.

    NotImplementedError, which an exercise that was not begun raises, is an error like the others.
    Runs wherever the student's function lives; never raises for what the function does.
    """
    try:
        return {"value": encode(answered(function, question))}
    except Unanswerable as error:
        return {"error": ["Unanswerable"], "message": str(error)}
    except (Exception, SystemExit) as error:
        classes = [each.__name__ for each in type(error).__mro__[:-1]]
        return {"error": classes[:10], "message": _message(error)}


def answered(function: Any, question: Call) -> Any:
    """What the call returns. Its arguments are its own: an answer may sort a list it is given."""
    from course_lib.adapters import ADAPTERS

    own = Call.from_json(question.to_json())
    if own.via:
        return ADAPTERS[own.via](function, *own.args, **own.kwargs)
    return function(*own.args, **own.kwargs)


def _message(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception:
        return "(its message cannot be shown)"


def agrees(got: Mapping[str, Any], wanted: Mapping[str, Any], tolerance: float) -> bool:
    """Whether a reply is the wanted one. A wanted error needs its own class or one made from it."""
    if "error" in wanted:
        return isinstance(got.get("error"), list) and wanted["error"][0] in got["error"]
    return "value" in got and same(got["value"], wanted["value"], tolerance)


def difference(probe: "Probe", got: Mapping[str, Any], name: str) -> str:
    """In one sentence: the call, what came and what was expected; for a curve or another list, the
    first place where the two differ."""
    question, wanted = probe.call, probe.reply
    if "error" in got:
        message = f": {got['message']}" if got.get("message") else ""
        came = f"stopped with {got['error'][0]}{message}"
        goal = f"a {wanted['error'][0]}" if "error" in wanted else written(wanted["value"])
        return f"{question.written(name)} {came}, expected {goal}"
    if "error" in wanted:
        came = written(got["value"])
        return (
            f"{question.written(name)} returned {came}, expected it to raise {wanted['error'][0]}"
        )
    place = _first_difference(got["value"], wanted["value"])
    if question.via == "curve" and place is not None:
        index, wrong = place
        step, expected = question.args[0][index], wanted["value"][index]
        single = Call((step,), question.kwargs).written(name)
        of = f"{wrong} of {len(wanted['value'])} steps differ"
        return (
            f"{single} returned {written(got['value'][index])}, expected {written(expected)} ({of})"
        )
    came, goal = written(got["value"]), written(wanted["value"])
    where = f" (they differ first at index {place[0]})" if place is not None else ""
    return f"{question.written(name)} returned {came}, expected {goal}{where}"


def _first_difference(got: Any, wanted: Any) -> tuple[int, int] | None:
    """Where two lists of one length differ first, and at how many places; None for all else."""
    if not (isinstance(got, list) and isinstance(wanted, list) and len(got) == len(wanted)):
        return None
    places = [i for i, pair in enumerate(zip(got, wanted)) if not same(*pair)]
    return (places[0], len(places)) if places else None


def written(value: Any) -> str:
    """An encoded value as a student would type it, no longer than it can be read."""
    if isinstance(value, dict):  # not decoded: a stranger's keys may be no keys in Python
        ((kind, inside),) = value.items()
        if kind == "dict":
            pairs = (f"{written(key)}: {written(each)}" for key, each in inside[:12])
            return _cut(f"{{{', '.join(pairs)}}}")
        return inside if kind == "float" else written(inside)
    if isinstance(value, list):
        text = f"[{', '.join(map(written, value[:12]))}]"
        return _cut(text if len(value) <= 12 else f"{text[:-1]}, ...] ({len(value):,} in all)")
    if isinstance(value, float) and len(repr(value)) > 12:
        return f"{value:.10g}"
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:190]}... ({len(text):,} characters)"


# Describing


@dataclass(frozen=True)
class Probe:
    """A call and the right reply to it."""

    call: Call
    reply: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {"call": self.call.to_json(), "reply": dict(self.reply)}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Probe":
        return cls(Call.from_json(parts["call"]), parts["reply"])


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


@dataclass(frozen=True)
class Locked:
    """A call whose right answer is known only by its digest; see `lock`."""

    call: Call
    salt: str
    scale: float
    digest: str

    def opens(self, got: Mapping[str, Any]) -> bool:
        """Whether this reply is the right one."""
        if "value" not in got:
            return False
        return locks.digest(got["value"], self.salt, self.scale) == self.digest

    def to_json(self) -> dict[str, Any]:
        found = {"call": self.call.to_json(), "salt": self.salt}
        return {**found, "scale": self.scale, "digest": self.digest}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Locked":
        return cls(Call.from_json(parts["call"]), parts["salt"], parts["scale"], parts["digest"])


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
    locks = tuple(lock(probe.call, probe.reply) for probe in probes(locked))
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
    for probe in probes:
        value = probe.reply.get("value")
        value = value.get("array", value) if isinstance(value, dict) else value
        if isinstance(value, list) and len({json.dumps(each) for each in value}) > 1:
            return True
    return False


def lock(question: Call, wanted: Mapping[str, Any]) -> Locked:
    """A lock that opens for the wanted reply, up to rounding errors, and does not tell it."""
    if "value" not in wanted:
        raise ValueError(f"only a value can be locked, got {wanted}")
    salt, scale = locks.key(wanted["value"], json.dumps(question.to_json()))
    return Locked(question, salt, scale, locks.digest(wanted["value"], salt, scale))


# The course's exercises


@cache
def course() -> dict[str, Exercise]:
    """Every exercise of the course by its id ("3.1"), without what is hidden from students."""
    found = {}
    for id, parts in json.loads(INDEX.read_text(encoding="utf-8")).items():
        found[id] = Exercise(
            id=id,
            name=parts["name"],
            hints=tuple(parts["hints"]),
            shown=tuple(map(Probe.from_json, parts["shown"])),
            locked=tuple(map(Locked.from_json, parts["locked"])),
            library=tuple(parts["library"]),
            tolerance=parts["tolerance"],
            title=parts["title"],
            lesson=parts["lesson"],
            points=parts["points"],
        )
    return found
