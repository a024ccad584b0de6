"""A call of a student's function: written down, made, and its reply compared with the right one.

Both are plain JSON, so that they cross from one process to another: `reply` runs where the
student's code is, `agrees` and `difference` where points are decided. Nothing that a student made
is ever unpickled. What a whole exercise is stands in exercises.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pprint import pformat
from textwrap import indent
from traceback import walk_tb
from typing import Any

from course_lib.questions.values import Unanswerable, decode, encode, same
from course_lib.questions.values import differing as differing_values

LINE = 84  # characters in a line that need not be broken


@dataclass(frozen=True)
class Call:
    """One call of a student's function; `via` names a function of adapters.py that makes the
    call, for answers that are not simply numbers (a curve over steps, a scheduler, ...)."""

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

    def written(self, name: str, *, whole: bool = False) -> str:
        """The call as a student would type it: `walk(8.0, lr=0.25)`. Long values are cut, or
        written as a `whole` over several lines."""
        inside = [_short(value, whole) for value in self.args]
        inside += [f"{key}={_short(value, whole)}" for key, value in self.kwargs.items()]
        if self.via:
            inside.insert(0, name)
            name = self.via
        text = f"{name}({', '.join(inside)})"
        if not whole or len(text) <= LINE:
            return text
        return "\n".join([f"{name}(", *(indent(f"{each},", "    ") for each in inside), ")"])


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
    """A call made by a function of adapters.py: `adapter(answer, *args, **kwargs)`."""
    return Call(args, kwargs, adapter)


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


# --- asking ---------------------------------------------------------------------------------------


def reply(function: Any, question: Call) -> dict[str, Any]:
    """What came of a call, as JSON: {"value": ...}, or {"error": [its classes], "message": ...}.

    Runs wherever the student's function lives; never raises for what the function does.
    """
    try:
        return {"value": encode(answered(function, question))}
    except Unanswerable as error:
        return {"error": ["Unanswerable"], "message": str(error)}
    except (Exception, SystemExit) as error:
        classes = [each.__name__ for each in type(error).__mro__[:-1]][:10]
        return {"error": classes + _stub(error, function), "message": _message(error)}


STUB = "a stub"  # the last of an error's classes, where it is what stands in a stub


def _stub(error: BaseException, function: Any) -> list[str]:
    """The mark of an error that student's code raises, as a stub does. A framework's own
    NotImplementedError says that a method is missing: that exercise was begun."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    own = frames[-1].f_globals.get("__name__") == getattr(function, "__module__", None)
    return [STUB] if own and isinstance(error, NotImplementedError) else []


def not_begun(replies: Iterable[Mapping[str, Any]]) -> bool:
    """Whether these are the replies of a stub: an answer may refuse one call of several so."""
    return all(STUB in reply.get("error", ()) for reply in replies)


def answered(function: Any, question: Call) -> Any:
    """What the call returns. Its arguments are its own: an answer may sort a list it is given."""
    from course_lib.questions.adapters import ADAPTERS

    own = Call.from_json(question.to_json())
    if own.via:
        return ADAPTERS[own.via](function, *own.args, **own.kwargs)
    return function(*own.args, **own.kwargs)


def _message(error: BaseException) -> str:
    try:
        return str(error)[:1000]
    except Exception:
        return "(its message cannot be shown)"


def backwards(probe: Probe) -> Probe:
    """What is asked the second time: of a curve the steps from the last to the first, because an
    answer that keeps something from step to step is right only in their order."""
    if probe.call.via != "curve" or "value" not in probe.reply:
        return probe
    turned = replace(probe.call, args=(probe.call.args[0][::-1],))
    return Probe(turned, {"value": items(probe.reply["value"])[::-1]})


def agrees(got: Mapping[str, Any], wanted: Mapping[str, Any], tolerance: float) -> bool:
    """Whether a reply is the wanted one. A wanted error needs its own class or one made from it."""
    if "error" in wanted:
        return isinstance(got.get("error"), list) and wanted["error"][0] in got["error"]
    return "value" in got and same(got["value"], wanted["value"], tolerance)


def difference(probe: Probe, got: Mapping[str, Any], name: str, tolerance: float) -> str:
    """In one sentence: the call, what came and what was expected; for a curve or another list, the
    first place where the two differ."""
    question, wanted = probe.call, probe.reply
    if "error" in got:
        message = f": {got['message']}" if got.get("message") else ""
        came = f"stopped with {got['error'][0]}{message}"
        if got["error"] == ["Unanswerable"]:
            came = f"returned what cannot be compared{message}"
        goal = f"a {wanted['error'][0]}" if "error" in wanted else written(wanted["value"])
        return f"{question.written(name)} {came}, expected {goal}"
    if "error" in wanted:
        came = written(got["value"])
        return (
            f"{question.written(name)} returned {came}, expected it to raise {wanted['error'][0]}"
        )
    places = differing(got["value"], wanted["value"], tolerance)
    if question.via == "curve" and places:
        first, goals = places[0], items(wanted["value"])
        single = Call((question.args[0][first],), question.kwargs).written(name)
        came, goal = written(items(got["value"])[first]), written(goals[first])
        of = f"{len(places)} of {len(goals)} steps differ"
        return f"{single} returned {came}, expected {goal} ({of})"
    came, goal = written(got["value"]), written(wanted["value"])
    if close(got, wanted):
        return f"{question.written(name)} returned {came}, expected {goal} ({CLOSE_WORDS})"
    where = f" (they differ first at index {places[0]})" if places else ""
    return f"{question.written(name)} returned {came}, expected {goal}{where}"


CLOSE = 1e-4
CLOSE_WORDS = (
    "right to four digits: that is rounding, or a formula that is nearly right. "
    "Compute in float64 (torch.float64, np.float64) and round nothing"
)


def close(got: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a reply that is not right is so by its last digits only."""
    return "error" not in wanted and agrees(got, wanted, CLOSE)


def differing(got: Any, wanted: Any, tolerance: float) -> list[int]:
    """The places at which two encoded lists or arrays of one length differ; none for all else.

    >>> differing([1.0, 2.0, 4.0], [1.0, 2.0000001, 3.0], tolerance=1e-6)
    [2]
    """
    mine, goals = items(got), items(wanted)
    if len(mine) != len(goals):
        return []
    return differing_values(mine, goals, tolerance)


def items(value: Any) -> list[Any]:
    """The members of an encoded list or array; none of anything else."""
    value = value.get("array") if isinstance(value, dict) else value
    return value if isinstance(value, list) else []


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


def _short(value: Any, whole: bool) -> str:
    counts = isinstance(value, list) and all(type(each) is int for each in value)
    if counts and len(value) > 8 and value == list(range(value[0], value[-1] + 1)):
        return f"range({value[0]}, {value[-1] + 1})" if value[0] else f"range({value[-1] + 1})"
    if type(value).__name__ == "ndarray":
        value = value.tolist()
    if whole:
        return pformat(value, width=LINE - 8, compact=True, sort_dicts=False)
    return _cut(repr(value))
