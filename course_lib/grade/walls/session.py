"""The grader's side of a submission's process: start it, give it cells, ask it, end it.

with Workshop(Limits()) as workshop:
    session = workshop.open()
    session.run("def half(x): return x / 2")
    session.ask("half", {"args": [3.0]})          # {"value": 1.5}
    session.close()
"""

import json
import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from course_lib.grade.walls import messages
from course_lib.grade.walls.limits import FRAMEWORKS, LEVELS, STOPPED_IN_WORDS, Limits
from course_lib.grade.walls.messages import BadReply, Outcome, SandboxError, Usage
from course_lib.grade.walls.sandbox import command, detect, readable, started, why_not
from course_lib.grade.walls.unwalled import Unwalled

START_SECONDS = 180.0  # for the frameworks' import on a busy machine
END_SECONDS = 5.0
ATTEMPTS = 3
WATCHED = ("memory", "threads", "files")  # what the zygote ends a submission for


class Workshop:
    """One sandbox, in which one submission after another gets a process of its own.

    It is started when the first session opens, and made anew whenever it is in doubt. Raises
    ValueError for a level that this machine does not offer.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        level: str | None = None,
        data: str | os.PathLike | None = None,
        preload: tuple[str, ...] = FRAMEWORKS,
    ) -> None:
        level = level or detect()
        if level not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
        if reason := why_not(level):
            raise ValueError(f"level {level!r} does not work here: {reason}")
        self.limits, self.level, self.preload = limits, level, preload
        self.data = os.path.abspath(data) if data is not None else None
        self._zygote: _Zygote | Unwalled | None = None
        self._session: Session | None = None
        self._count = 0
        self._stopped = False

    def open(self, seconds: float | None = None) -> "Session":
        """A fresh process for a submission, which has this many seconds in all (default: the
        limits'). An open session is closed. Raises SandboxError if none can be started."""
        seconds = self.limits.total_seconds if seconds is None else seconds
        if self._session is not None:
            self._session.close()
        self._check_stopped()
        if self.level == "none":
            self.discard()  # it served one submission
        trouble = ""
        for _ in range(ATTEMPTS):
            try:
                zygote = self._zygote
                if zygote is None:  # kept before it is ready, which takes long: stop() ends it
                    zygote = self._zygote = self._made()
                    self._check_stopped()
                    zygote.wait_until_ready()
                self._count += 1
                self._session = Session(self, zygote, self._count, seconds)
                return self._session
            except (OSError, SandboxError) as error:
                self._check_stopped()
                said = messages.last_words(self._zygote.stderr) if self._zygote else ""
                trouble = ": ".join(filter(None, (str(error), said)))
                self.discard()
        raise SandboxError(f"no sandbox of level {self.level!r} could be started: {trouble}")

    def _made(self) -> "_Zygote | Unwalled":
        if self.level == "none":
            return Unwalled(self.limits, self.data, self.preload)
        return _Zygote(self.level, self.limits, self.data, self.preload)

    def _check_stopped(self) -> None:
        if self._stopped:
            self.discard()
            raise SandboxError("the grader was told to stop")

    def discard(self) -> None:
        """End the sandbox with all that runs in it; the next session gets a new one."""
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.kill()

    def stop(self) -> None:
        """From another thread: end everything at once, for good; nothing in it is waited for."""
        self._stopped = True
        self.discard()
        self.close()

    def close(self) -> None:
        """End everything. A closed workshop can be opened again."""
        if self._session is not None:
            self._session.close()
        self.discard()

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class _Zygote:
    """The running sandbox: see course_lib.grade.walls.zygote."""

    lock_seconds = 30.0

    def __init__(
        self, level: str, limits: Limits, data: str | None, preload: tuple[str, ...]
    ) -> None:
        # In the box all folders are the box's own; without it they are here and must be cleared.
        self.folder: str | None = None
        if level != "namespaces":
            self.folder = tempfile.mkdtemp(prefix="lr-course-process-")
        scratch = f"{self.folder}/scratch" if self.folder else "/scratch/home"
        home = self.folder or "/tmp/zygote"
        configuration = {
            "level": level,
            "limits": asdict(limits),
            "scratch": scratch,
            "readable": readable(level, data),
            "preload": preload,
        }
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = ["-m", "course_lib.grade.walls.zygote", str(theirs.fileno())]
        arguments.append(json.dumps(configuration))
        words, environment = command(level, scratch, home, limits, data, arguments)
        self.stderr = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115
        with theirs:
            passed = [theirs.fileno()]
            self.process = started(words, environment, self.folder or "/", self.stderr, passed)

    def wait_until_ready(self) -> None:
        """Raises SandboxError if it is not in time; then it is of no use."""
        self.ready = self.hear(START_SECONDS)
        if not self.ready or not self.ready.get("ready"):
            raise SandboxError("it did not start")

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """The next message, None if there comes none in time or the zygote is dead."""
        self.control.settimeout(max(0.001, seconds))
        with suppress(OSError, BadReply):
            if data := self.control.recv(1 << 16):
                return messages.read(data)
        return None

    def tell(self, message: dict[str, Any], passed: tuple[int, ...] = ()) -> None:
        """Send one message, and a file with it. Raises OSError if the zygote is dead."""
        self.control.settimeout(END_SECONDS)
        socket.send_fds(self.control, [json.dumps(message).encode()], passed)

    def ended(self, number: int, seconds: float) -> dict[str, Any] | None:
        """Wait for the news that this submission has ended; None if it does not come."""
        deadline = time.monotonic() + seconds
        while message := self.hear(deadline - time.monotonic()):
            if message.get("ended") == number:
                return message
        return None

    def kill(self) -> None:
        """End the sandbox now. Its processes die with it: bubblewrap sees to that, and at the
        level "process" the submission asks the kernel for it when it starts."""
        self.control.close()
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        self.stderr.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None


class Session:
    """One submission's process. After a stop it is dead, and every further request says so."""

    def __init__(
        self, workshop: Workshop, zygote: _Zygote | Unwalled, number: int, seconds: float
    ) -> None:
        self._workshop, self._zygote, self._number = workshop, zygote, number
        self._limits = workshop.limits
        self._rest = b""
        self._reason: str | None = None  # why the process was stopped
        self._ended: dict[str, Any] | None = None
        self._usage: Usage | None = None
        self._channel, theirs = socket.socketpair()
        with theirs:
            zygote.tell({"fork": number, "seconds": seconds}, (theirs.fileno(),))
        try:
            hello = messages.read(self._line(time.monotonic() + zygote.lock_seconds))
        except (OSError, BadReply) as error:
            self._channel.close()
            raise SandboxError(f"a process did not lock itself: {error}") from None
        if hello != {"id": number, "locked": True}:
            self._channel.close()
            raise SandboxError(f"a process did not lock itself: {hello.get('failed')}")
        if isinstance(zygote, Unwalled):
            zygote.begin_to_watch()
        self._start = time.monotonic()
        self._deadline = self._start + seconds

    def run(self, source: str) -> Outcome:
        """Run one cell."""
        found = self._request({"run": source}, self._limits.output_kb * 12288 + (1 << 16))
        if not isinstance(found, str):
            try:
                return messages.outcome(found, self._limits)
            except BadReply:
                found = self._stop("protocol")
        return messages.stopped(found, self._limits)

    def ask(self, name: str, call: dict[str, Any]) -> dict[str, Any]:
        """Call the student's function: {"value": ...}, {"error": [its classes], "message": ...},
        {"missing": True} if there is none, {"stopped": reason} if the process did not survive."""
        found = self._request({"ask": name, "call": call}, messages.LARGEST_REPLY)
        if isinstance(found, str):
            return {"stopped": found}
        try:
            return messages.answer(found)
        except BadReply:
            return {"stopped": self._stop("protocol")}

    def close(self) -> Usage:
        """End the process and say what it took."""
        if self._usage is None:
            self._finish()
            peak = (self._ended or {}).get("peak_mb", 0.0)
            self._usage = Usage(time.monotonic() - self._start, float(peak))
        return self._usage

    def _request(self, message: dict[str, Any], most: int) -> dict[str, Any] | str:
        """The reply, without its number, or the reason for which the process was stopped."""
        if self._reason is not None or self._usage is not None:
            return self._reason or "exit"
        number = secrets.token_hex(8)
        deadline = min(time.monotonic() + self._limits.cell_seconds, self._deadline)
        line = json.dumps({"id": number, **message}).encode() + b"\n"
        try:
            if self._rest:
                raise BadReply("a message that nobody asked for")
            self._channel.settimeout(max(0.001, deadline - time.monotonic()))
            self._channel.sendall(line)
            found = messages.read(self._line(deadline, most))
            if found.pop("id", None) != number:
                raise BadReply("a reply to something else")
            return found
        except TimeoutError:
            return self._stop("total" if deadline == self._deadline else "time")
        except OverflowError:
            return self._stop("output")
        except BadReply:
            return self._stop("protocol")
        except OSError:  # the other end is closed, most likely because the process ended
            return self._stop(None)

    def _line(self, deadline: float, most: int = 1 << 16) -> bytes:
        """The next line. Raises TimeoutError, OverflowError beyond `most` bytes, EOFError's like
        ConnectionError if the other end is closed."""
        found, data = bytearray(self._rest), self._rest
        while b"\n" not in data:
            if len(found) > most:
                raise OverflowError
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._channel.settimeout(left)
            data = self._channel.recv(1 << 18)
            if not data:
                raise ConnectionResetError("the channel was closed")
            found += data
        line, _, rest = bytes(found).partition(b"\n")
        self._rest = rest
        return line

    def _stop(self, reason: str | None) -> str:
        """End the process; the reason, which is the zygote's if this side knows none."""
        if reason is None:
            self._ended = self._zygote.ended(self._number, END_SECONDS)
            told = (self._ended or {}).get("reason")
            reason = told if told in STOPPED_IN_WORDS else "protocol"
        self._finish()
        told = (self._ended or {}).get("reason")
        if told in WATCHED:  # what takes too much is slow to die: time was not the reason
            reason = told
        self._reason = reason
        return reason

    def _finish(self) -> None:
        """Make sure that the process is dead; if that is not certain, end the whole sandbox."""
        self._channel.close()
        if self._ended is None:
            with suppress(OSError):
                self._zygote.tell({"kill": self._number})
                self._ended = self._zygote.ended(self._number, END_SECONDS)
        if self._ended is None and self._workshop._zygote is self._zygote:
            self._workshop.discard()
