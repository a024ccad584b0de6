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

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TOLERANCE = 1e-9
# Errors that no exercise asks for: they are the author's own.
SLIPS = {"Unanswerable", "NotImplementedError", "TypeError", "NameError", "UnboundLocalError"}
SLIPS |= {"AttributeError", "ImportError", "ModuleNotFoundError", "SyntaxError"}
LARGEST_ANSWER = 100_000  # numbers in one answer
DEEPEST_ANSWER = 20  # lists within lists
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


# Values


class Unanswerable(TypeError):
    """A value that no check can compare: not made of numbers, texts, truths, lists and dicts."""


def encode(value: Any, depth: int = 0) -> Any:
    """The value as JSON: numbers of any library become plain ones, arrays and iterators lists.

    NaN and the infinities, which JSON lacks, are written {"float": "nan"}; dicts {"dict": [[key,
    value], ...]}. Raises Unanswerable for anything else, and for what is too long or too deep.

    >>> encode((1, 2.5, float("nan"), {"a": True}))
    [1, 2.5, {'float': 'nan'}, {'dict': [['a', True]]}]
    """
    if depth > DEEPEST_ANSWER:
        raise Unanswerable(f"lists more than {DEEPEST_ANSWER} deep cannot be compared")
    if value is None or isinstance(value, bool | str):
        return value if type(value) in (type(None), bool, str) else str(value)
    if isinstance(value, int):
        if abs(value) >= 2**1024:
            raise Unanswerable("a whole number of more than 1,024 bits cannot be compared")
        return int(value)
    if isinstance(value, float):
        number = float(value)
        return number if math.isfinite(number) else {"float": str(number)}
    if isinstance(value, Mapping):
        pairs = _limited(value.items())
        return {"dict": [[encode(key, depth + 1), encode(each, depth + 1)] for key, each in pairs]}
    if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.ndim:
        return {"array": [encode(each, depth + 1) for each in _limited(value.tolist())]}
    if hasattr(value, "numpy") and callable(value.numpy):  # a tensor of TensorFlow or PyTorch
        if callable(getattr(value, "detach", None)):
            value = value.detach()
        return encode(value.numpy(), depth + 1)
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return encode(value.item(), depth + 1)
    if isinstance(value, complex | bytes | bytearray | set | frozenset):
        raise Unanswerable(f"an answer of type {type(value).__name__} cannot be compared")
    if isinstance(value, Iterable):
        return [encode(each, depth + 1) for each in _limited(value)]
    if hasattr(value, "__float__"):
        return encode(float(value), depth + 1)
    raise Unanswerable(f"an answer of type {type(value).__name__} cannot be compared")


def decode(value: Any) -> Any:
    """The value that `encode` wrote. Arrays come back as NumPy's."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"float"} and value["float"] in ("nan", "inf", "-inf"):
        return float(value["float"])
    if value.keys() == {"dict"}:
        return {_key(decode(key)): decode(each) for key, each in value["dict"]}
    if value.keys() == {"array"}:
        import numpy as np

        return np.array(decode(value["array"]))
    raise ValueError(f"expected a value that encode() wrote, got {value!r}")


def same(got: Any, wanted: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two encoded answers agree: numbers up to rounding errors, all else exactly.

    A truth is not a number, a text is not what it spells, and arrays and tuples count as lists.
    NaN agrees with NaN. The tolerance is relative; near 0, a thousandth of it is absolute.
    """
    if isinstance(wanted, dict) and "array" in wanted:
        wanted = wanted["array"]
    if isinstance(got, dict) and isinstance(got.get("array"), list):
        got = got["array"]
    if isinstance(wanted, list):
        return (
            isinstance(got, list)
            and len(got) == len(wanted)
            and all(same(*pair, tolerance) for pair in zip(got, wanted))
        )
    if isinstance(wanted, dict) and "dict" in wanted:
        found, goals = _by_key(got), _by_key(wanted)
        return found.keys() == goals.keys() and all(
            same(found[key], each, tolerance) for key, each in goals.items()
        )
    if wanted is None or isinstance(wanted, bool | str):
        return type(got) is type(wanted) and got == wanted
    number, goal = _number(got), _number(wanted)
    if number is None or goal is None:
        return False
    if math.isnan(goal):
        return math.isnan(number)
    return math.isclose(number, goal, rel_tol=tolerance, abs_tol=tolerance * 1e-3)


def _by_key(value: Any) -> dict[str | None, Any]:
    pairs = value.get("dict") if isinstance(value, dict) else None
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 for pair in pairs
    ):
        return {None: value}  # no dict at all: whoever sent it
    return {json.dumps(key): each for key, each in pairs}


def _number(value: Any) -> float | None:
    if isinstance(value, dict):
        return float(value["float"]) if value.get("float") in ("nan", "inf", "-inf") else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None  # no float is so large


def _limited(values: Iterable[Any]) -> Iterable[Any]:
    for count, value in enumerate(values):
        if count >= LARGEST_ANSWER:
            raise Unanswerable(f"an answer of more than {LARGEST_ANSWER:,} values")
        yield value


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


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
    """An encoded value as Python would show it, numbers with 10 digits, cut when it is long."""
    if isinstance(value, dict) and "float" in value:
        return value["float"]
    if isinstance(value, dict):
        value = decode(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list):
        return _cut(f"[{', '.join(map(written, value[:100]))}]")
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
        return _digest(got["value"], self.salt, self.scale) == self.digest

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
    need(distinct(visible) > 1 or _is_curve(visible), "a constant passes all shown calls")
    known = {json.dumps(each.to_json()) for each in (*shown, *locked)}
    groups = []
    for name, calls in hidden.items():
        group = probes(calls)
        need(distinct(group) > 1 or _is_curve(group), f"a constant passes all of hidden {name!r}")
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


# Locks: the right answer, told by a digest only


def lock(question: Call, wanted: Mapping[str, Any]) -> Locked:
    """A lock that opens for the wanted reply, up to rounding errors, and does not tell it.

    Every number is counted in cells a millionth of the answer's size wide; the salt shifts the
    cells and is chosen so that no number lies near the border of one. A digest of a single number
    can be guessed by trying; this is to keep honest people from looking, not a secret: points come
    from the hidden probes.
    """
    if "value" not in wanted:
        raise ValueError(f"only a value can be locked, got {wanted}")
    numbers = [abs(n) for n in _numbers(wanted["value"]) if math.isfinite(n)]
    scale = 10.0 ** math.ceil(math.log10(max(numbers, default=0) or 1.0))
    for attempt in range(1000):
        salt = hashlib.sha256(f"{json.dumps(question.to_json())}{attempt}".encode()).hexdigest()[
            :12
        ]
        places = [_place(n, salt, scale) for n in numbers]
        if all(0.001 < place % 1 < 0.999 for place in places):
            return Locked(question, salt, scale, _digest(wanted["value"], salt, scale))
    raise ValueError(f"no lock for {question}: its answer has too many numbers ({len(numbers)})")


def _digest(value: Any, salt: str, scale: float) -> str:
    text = json.dumps(_in_cells(value, salt, scale))
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=16).hex()


def _in_cells(value: Any, salt: str, scale: float) -> Any:
    if isinstance(value, list):
        return [_in_cells(each, salt, scale) for each in value]
    if isinstance(value, dict) and "array" in value:
        return _in_cells(value["array"], salt, scale)
    if isinstance(value, dict) and "dict" in value:
        return {"dict": sorted(json.dumps(_in_cells(pair, salt, scale)) for pair in value["dict"])}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    place = math.floor(_place(abs(float(value)), salt, scale))
    return f"{'-' if value < 0 and place else ''}{place}"


def _place(number: float, salt: str, scale: float) -> float:
    # The shift lies between 0.1 and 0.9, so that a right 0 that was rounded to 1e-17 stays put.
    return number / scale * 1e6 + 0.1 + 0.8 * int(salt[:8], 16) / 2**32


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    if isinstance(value, dict):
        return _numbers(value.get("array", value.get("dict", [])))
    return [] if isinstance(value, bool) or not isinstance(value, int | float) else [float(value)]


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
