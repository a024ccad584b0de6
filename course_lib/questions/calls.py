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

from course_lib.questions.values import Unanswerable, decode, differing, encode, items, same

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

    def at(self, place: int) -> "Call":
        """Of a curve the one call that it makes at this place of its steps."""
        return Call((self.args[0][place],), self.kwargs)

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
    """The mark of an error that a stub raises: without words, and in student's code. A framework
    says in words what it cannot do, and may hide its own frames: that exercise was begun."""
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    own = frames[-1].f_globals.get("__name__") == getattr(function, "__module__", None)
    silent = isinstance(error, NotImplementedError) and not error.args
    return [STUB] if own and silent else []


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
    question, wanted, note = probe.call, probe.reply, ""
    places = differing(got.get("value"), wanted.get("value"), tolerance)
    if question.via == "curve" and places:
        note = f" ({len(places)} of {len(items(wanted['value']))} steps differ)"
        question = question.at(places[0])
        got, wanted = (member(each, places[0]) for each in (got, wanted))
    elif close(got, wanted):
        note = f" ({CLOSE_WORDS})"
    elif places:
        note = f" (they differ first at index {places[0]})"
    goal = written(wanted["value"]) if "value" in wanted else f"it to raise {wanted['error'][0]}"
    return f"{question.written(name)} {_came(got)}, expected {goal}{note}"


def _came(got: Mapping[str, Any]) -> str:
    if "value" in got:
        return f"returned {written(got['value'])}"
    message = f": {got['message']}" if got.get("message") else ""
    if got["error"] == ["Unanswerable"]:
        return f"returned what cannot be compared{message}"
    return f"stopped with {got['error'][0]}{message}"


def member(reply: Mapping[str, Any], place: int) -> dict[str, Any]:
    """What a reply that is a list says at this place, as a reply."""
    return {"value": items(reply["value"])[place]}


CLOSE = 1e-4
CLOSE_WORDS = (
    "right to four digits: that is rounding, or a formula that is nearly right. "
    "Compute in float64 (np.float64, torch.float64, tf.float64) and round nothing"
)


def close(got: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a reply that is not right is so by its last digits only."""
    each = zip(items(got.get("value")), items(wanted.get("value")))
    return agrees(got, wanted, CLOSE) and all(same(*pair, CLOSE) for pair in each)


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
