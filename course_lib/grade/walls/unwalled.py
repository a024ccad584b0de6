"""A submission's process without walls, which works where the sandbox does not: level "none".

It is the process of child.py with what is left: a scratch folder, a cleared environment, a watch on
time, memory and threads, and questions whose answers are compared outside.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from threading import Lock, Thread
from typing import Any

import psutil

from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.sandbox import command, started

LOOK = 0.1  # seconds between two looks at memory and threads
KEPT = ("PATH", "LD_LIBRARY_PATH")  # no system runs without them


class Unwalled:
    """What a Session needs of a zygote, for one submission: it begins a process, and ends it."""

    lock_seconds = 180.0  # with the frameworks' import

    def __init__(self, limits: Limits, data: str | None, preload: tuple[str, ...]) -> None:
        self.limits, self.data, self.preload = limits, data, preload
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="lr-course-unwalled-"))
        self.stderr = tempfile.TemporaryFile()  # noqa: SIM115
        self.process: Any = None
        self.first: Any = None  # the same for psutil, which tells a number's next owner apart
        self.seen: set[Any] = set()  # the process and what it started, some with no parent any more
        self.reason, self.peak, self.before = "", 0.0, 0.0  # a reason: it is ended
        self.ending = Lock()

    def wait_until_ready(self) -> None:
        """There is nothing to wait for."""

    def tell(self, message: dict[str, Any], passed: tuple[int, ...] = ()) -> None:
        """Begin the submission's process, or end it."""
        if "kill" in message:
            return self.kill()
        words = ["-m", "course_lib.grade.walls.child", str(passed[0]), str(message["fork"])]
        words += [str(self.limits.output_kb), *self.preload]
        words, environment = command("none", "", self.folder, self.limits, self.data, words)
        environment |= {name: os.environ[name] for name in KEPT if name in os.environ}
        with self.ending:  # stop() comes from another thread: before this, or after it
            if self.reason:
                raise ConnectionResetError("it was told to end")
            self.process = started(words, environment, self.folder, self.stderr, passed)
            self.first = psutil.Process(self.process.pid)

    def begin_to_watch(self) -> None:
        """From now on memory counts: what was imported before is none of the student's."""
        self.before = self.peak = self._memory()
        Thread(target=self._watch, daemon=True).start()

    def ended(self, number: int, seconds: float) -> dict[str, Any] | None:
        """What is known of the process once it has ended; None if it does not in time."""
        with suppress(subprocess.TimeoutExpired):
            status = self.process.wait(seconds)
            self._end("crash" if status < 0 else "exit")
            peak = round(self.peak - self.before, 1)
            return {"ended": number, "reason": self.reason, "peak_mb": peak}
        return None

    def kill(self) -> None:
        """End the process, and remove its folder."""
        self._end("killed")

    def _watch(self) -> None:
        over = 0
        with suppress(psutil.Error):
            while self.process.returncode is None:  # ended() and _end() wait for it
                memory = self._memory()
                self.peak = max(self.peak, memory)
                # Twice: until a process that is just starting is itself, it is its parent's double.
                over = over + 1 if memory - self.before > self.limits.memory_mb else 0
                if over == 2:
                    return self._end("memory")
                if self.first.num_threads() > self.limits.threads + 20:
                    return self._end("threads")
                time.sleep(LOOK)

    def _tree(self) -> list[Any]:
        """The process and all that it started, as psutil sees them."""
        with suppress(psutil.Error):
            found = [self.first, *self.first.children(recursive=True)]
            self.seen.update(found)
            return found
        return []

    def _memory(self) -> float:
        """Megabytes in use; what a fork still shares with its parent counts once."""
        total = 0
        for each in self._tree():
            with suppress(psutil.Error):
                total += each.memory_info().rss if each == self.first else _its_own(each)
        return total / (1 << 20)

    def _end(self, reason: str) -> None:
        """End the process with all that it started, once: its number may soon be another's."""
        with self.ending:
            if self.reason:
                return
            self.reason = reason
            if self.process is not None:
                self._tree()
                for each in (self.first, *self.seen):
                    with suppress(psutil.Error):
                        each.kill()
                with suppress(OSError):  # who was never seen may be in the group still
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            self.stderr.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def _its_own(process: Any) -> int:
    """The bytes of memory that this process shares with no other."""
    try:
        return process.memory_full_info().uss
    except psutil.AccessDenied:  # macOS tells it to none but root
        return process.memory_info().rss
