"""What the grader and a submission's process say to each other, and how it is read.

Each message is one line of JSON. What comes from a submission's process is read as what a stranger
sent: a size, a form and a request's number are demanded of it before it is used.
"""

import json
import math
import os
from dataclasses import dataclass
from typing import IO, Any

from course_lib.grade.walls.limits import Limits

LARGEST_REPLY = 8 << 20  # bytes
DEEPEST_VALUE = 60  # lists and dicts in a reply; values.encode writes a dict three deep


class SandboxError(RuntimeError):
    """The grader's own trouble: no sandbox could be started. No submission is to blame."""


class BadReply(ValueError):
    """A message that no honest process sends."""


@dataclass(frozen=True)
class Outcome:
    """What came of running one cell. `stopped` tells why its process is no more, None if it lives;
    the reasons are the keys of STOPPED_IN_WORDS."""

    ok: bool
    error: str | None = None  # the exception's class
    message: str = ""
    output: str = ""
    stopped: str | None = None


@dataclass(frozen=True)
class Usage:
    """What a session took: wall-clock seconds, and the megabytes by which its process grew."""

    seconds: float
    peak_mb: float


def stopped(reason: str, limits: Limits) -> Outcome:
    """The outcome of a cell that was stopped."""
    return Outcome(False, message=limits.in_words(reason), stopped=reason)


def last_words(stderr: IO[bytes]) -> str:
    """The end of what a process wrote into this file."""
    if stderr.closed:
        return ""
    size = os.fstat(stderr.fileno()).st_size
    return os.pread(stderr.fileno(), 2000, max(0, size - 2000)).decode(errors="replace").strip()


def read(line: bytes | str) -> dict[str, Any]:
    """The message in this line. Raises BadReply if it is no strict JSON object."""

    def no_constant(name: str) -> None:
        raise BadReply(f"{name} is not JSON")

    try:
        found = json.loads(line, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"not JSON: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise BadReply("not a JSON object")
    return found


def outcome(message: dict[str, Any], limits: Limits) -> Outcome:
    """The outcome that a process reports of a cell. Raises BadReply."""
    if message.keys() != {"ok", "error", "message", "output"}:
        raise BadReply("not the parts of an outcome")
    error = message["error"]
    texts = [message["message"], message["output"], error or ""]
    if not isinstance(message["ok"], bool) or not all(isinstance(each, str) for each in texts):
        raise BadReply("not the types of an outcome")
    if message["ok"] is not (error is None):
        raise BadReply("neither right nor wrong")
    most = (2000, limits.output_kb * 1024 + 100, 200)
    words, output, kind = (_clean(text[:longest]) for text, longest in zip(texts, most))
    return Outcome(message["ok"], kind if error else error, words, output)


def answer(message: dict[str, Any]) -> dict[str, Any]:
    """What a process says of a call: {"value": ...}, {"error": [...], "message": ...} or
    {"missing": True}. Raises BadReply."""
    if message.keys() == {"missing"} and message["missing"] is True:
        return message
    if message.keys() == {"value"}:
        _check(message["value"])
        return message
    if message.keys() == {"error", "message"} and isinstance(message["message"], str):
        names = message["error"]
        if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
            short = [_clean(name[:200]) for name in names[:20]]
            return {"error": short, "message": _clean(message["message"][:2000])}
    raise BadReply("not an answer")


def _check(value: Any, depth: int = 0) -> None:
    """Raise BadReply unless `values.encode` could have written the value."""
    if depth > DEEPEST_VALUE:
        raise BadReply("too deep")
    if isinstance(value, list):
        for each in value:
            _check(each, depth + 1)
    elif isinstance(value, dict):
        if value.keys() == {"float"} and value["float"] in ("nan", "inf", "-inf"):
            return
        ((kind, inside),) = value.items() if len(value) == 1 else [("", None)]
        pairs = kind == "dict"
        if kind not in ("dict", "array") or not isinstance(inside, list):
            raise BadReply("not an encoded value")
        if pairs and not all(isinstance(each, list) and len(each) == 2 for each in inside):
            raise BadReply("not pairs")
        _check(inside, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise BadReply("a number beyond all limits")
    elif isinstance(value, int) and abs(value) >= 2**1024:
        raise BadReply("a number too long")


def _clean(text: str) -> str:
    """The text without halves of characters, which no file can hold."""
    return text.encode("utf-8", "replace").decode()
