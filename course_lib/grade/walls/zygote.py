"""The process inside the walls that imports everything once and forks for each submission.

It reads nothing that a student wrote: sources and answers pass between the grader and the fork
over a channel of their own. It watches the fork, ends it, and clears its folder away.

    python -m course_lib.grade.walls.zygote CONTROL CONFIGURATION

CONTROL is a socket's number. Over it come {"fork": number, "seconds": s} with the channel, and
{"kill": number}; back go {"ready": ...} once and {"ended": number, "reason": ..., ...} per fork.
"""

import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from course_lib.grade.walls import sandbox
from course_lib.grade.walls.limits import Limits

TICK = 0.025  # seconds between two looks at a submission
# Loaded with the frameworks. Not course_lib.tensorflow: its import starts TensorFlow's threads.
ALONG = ("matplotlib.pyplot", "torch._dynamo", "course_lib.pytorch", "tqdm.auto")


def threads() -> int:
    """How many threads this process has."""
    return len(os.listdir("/proc/self/task"))


def prepare(preload: list[str]) -> list[str]:
    """Import what submissions import, and return the names that could be.

    Raises RuntimeError if that leaves a second thread, with which no fork is safe.
    """
    for name in ("numpy", "course_lib.questions.adapters", "landlock", "pyseccomp"):
        importlib.import_module(name)
    from course_lib.grade.walls import child

    child.make_shell()
    loaded = []
    for name in [*preload, *(ALONG if preload else ())]:
        with suppress(ImportError):
            importlib.import_module(name)
            loaded.append(name)
    if "torch" in loaded:
        _take_one_step(sys.modules["torch"])
    deadline = time.monotonic() + 10  # matplotlib's font search ends a timer's thread a bit later
    while threads() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    _need_one_thread()
    gc.collect()
    gc.freeze()
    return loaded


def _need_one_thread() -> None:
    if threads() != 1:
        raise RuntimeError(f"{threads()} threads: this process cannot be forked safely")


def _take_one_step(torch: Any) -> None:
    """The first step of any optimizer imports for two seconds. One number starts no thread."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    weight.grad = torch.zeros(1)
    optimizer.step()


@dataclass
class Fork:
    """A submission's process as the zygote sees it."""

    number: int
    pid: int
    pidfd: int
    before: dict[str, int]  # its memory just after the fork, shared with the zygote
    reason: str = ""


class Zygote:
    """Forks, watches and clears away, one submission at a time."""

    def __init__(self, control: socket.socket, configuration: dict[str, Any]) -> None:
        self.control = control
        self.scratch: str = configuration["scratch"]
        self.readable: list[str] = configuration["readable"]
        self.level: str = configuration["level"]
        self.limits = Limits(**configuration["limits"])
        self.loaded = prepare(configuration["preload"])
        self.fork: Fork | None = None
        sandbox.set_undumpable(killed_with_parent=False)

    def serve(self) -> None:
        """Do what comes over the control socket until the grader closes it."""
        self.tell(ready=True, threads=threads(), loaded=self.loaded)
        while True:
            watched = [self.control] + ([self.fork.pidfd] if self.fork else [])
            ready, _, _ = select.select(watched, [], [], TICK if self.fork else None)
            if self.control in ready:
                data, passed, _, _ = socket.recv_fds(self.control, 1 << 16, 1)
                if not data:
                    break
                self.obey(json.loads(data), passed)
            if self.fork:
                self.watch(self.fork)
        if self.fork:
            os.kill(self.fork.pid, signal.SIGKILL)

    def tell(self, **message: Any) -> None:
        """Send the grader one message."""
        self.control.send(json.dumps(message).encode())

    def obey(self, message: dict[str, Any], passed: list[int]) -> None:
        """Start a submission, or end it."""
        if "fork" in message and self.fork is None:
            self.start(message["fork"], message["seconds"], socket.socket(fileno=passed[0]))
        elif self.fork and message.get("kill") == self.fork.number:
            self.fork.reason = self.fork.reason or "killed"
            os.kill(self.fork.pid, signal.SIGKILL)

    def start(self, number: int, seconds: float, channel: socket.socket) -> None:
        """Fork a process that serves the channel."""
        _need_one_thread()
        os.mkdir(self.scratch, 0o700)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self.become(channel, number, seconds)
                status = 0
            finally:
                os._exit(status)
        channel.close()
        self.fork = Fork(number, pid, os.pidfd_open(pid), _status(pid))

    def become(self, channel: socket.socket, number: int, seconds: float) -> None:
        """In the fork: lock this process, then serve the channel."""
        from course_lib.grade.walls import child

        try:
            _keep_only(channel.fileno())
            sandbox.set_undumpable(killed_with_parent=True)
            os.chdir(self.scratch)
            names = {"HOME": "", "TMPDIR": "", "IPYTHONDIR": ".ipython", "MPLCONFIGDIR": ".mpl"}
            names |= {"TORCHINDUCTOR_CACHE_DIR": ".inductor", "KERAS_HOME": ".keras"}
            for name, inside in names.items():
                os.environ[name] = os.path.join(self.scratch, inside).rstrip("/")
            tempfile.tempdir = None  # it was the zygote's
            sys.path.insert(0, "")
            sandbox.lock(self.scratch, self.readable, self.limits, seconds)
            child.seed()
        except BaseException as error:
            failed = f"{type(error).__name__}: {error}"
            channel.sendall(json.dumps({"id": number, "failed": failed}).encode() + b"\n")
            return
        served = child.Child(channel, child.make_shell(), self.limits.output_kb, self.scratch)
        served.send({"id": number, "locked": True})
        served.serve()

    def watch(self, fork: Fork) -> None:
        """End the submission if it takes too much; if it ended, say why and clear it away."""
        pid, status, usage = os.wait4(fork.pid, os.WNOHANG)
        if pid:
            os.close(fork.pidfd)
            self.fork = None
            _wipe(self.scratch)
            peak = max(0, usage.ru_maxrss - fork.before["resident"]) / 1024
            reason = fork.reason or _why(status)
            self.tell(ended=fork.number, reason=reason, peak_mb=round(peak, 1))
        elif not fork.reason and (reason := self._too_much(fork)):
            fork.reason = reason
            os.kill(fork.pid, signal.SIGKILL)

    def _too_much(self, fork: Fork) -> str:
        now = _status(fork.pid)
        if now["memory"] - fork.before["memory"] > self.limits.memory_mb << 10:
            return "memory"
        if now["threads"] > self.limits.threads:
            return "threads"
        return "files" if self._files_are_too_many() else ""

    def _files_are_too_many(self) -> bool:
        if self.level == "namespaces":  # the folder is a file system of its own, of limited size
            found = os.statvfs(self.scratch)
            return found.f_files - found.f_ffree > self.limits.files + 2
        count = size = 0
        for place, folders, names in os.walk(self.scratch):
            count += len(folders) + len(names)
            for name in names:
                with suppress(OSError):
                    size += os.lstat(os.path.join(place, name)).st_size
            if count > self.limits.files or size > self.limits.scratch_mb << 20:
                return True
        return False


def _status(pid: int) -> dict[str, int]:
    """A process's memory in KB (its own, and all) and its threads; zeros for one that ended."""
    parts = {}
    with suppress(OSError), open(f"/proc/{pid}/status") as file:
        for line in file:
            name, _, value = line.partition(":")
            parts[name] = value.split()[:1]

    def number(name: str) -> int:
        return int(parts.get(name, ["0"])[0])

    memory = number("RssAnon") + number("RssShmem") + number("VmSwap")
    return {"memory": memory, "resident": number("VmRSS"), "threads": number("Threads")}


def _why(status: int) -> str:
    """Why a process ended that nobody here has ended."""
    if os.WIFEXITED(status):
        return "exit"
    # SIGKILL: the kernel's own killer.
    ends: dict[int, str] = {signal.SIGXCPU: "total", signal.SIGKILL: "memory"}
    return ends.get(os.WTERMSIG(status), "crash")  # most of the 64 signals have no name


def _keep_only(kept: int) -> None:
    """Close every file but this one; what was standard input and output leads nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    last = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, kept)
    os.closerange(kept + 1, min(last, 1 << 20))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", closefd=False)  # noqa: SIM115


def _wipe(folder: str) -> None:
    """Remove the folder, whatever its modes and however deep: nested folders are moved up first,
    so that no path grows long and nothing recurses."""
    with suppress(FileNotFoundError):
        os.chmod(folder, 0o700)
        while entries := list(os.scandir(folder)):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry)
                    continue
                os.chmod(entry, 0o700)
                for inner in list(os.scandir(entry)):
                    if inner.is_dir(follow_symlinks=False):
                        os.chmod(inner, 0o700)
                        os.rename(inner, os.path.join(folder, uuid.uuid4().hex))
                    else:
                        os.unlink(inner)
                os.rmdir(entry)
        os.rmdir(folder)


def main(arguments: list[str]) -> None:
    """Serve until the control socket is closed; whatever goes wrong ends the process, and the
    grader makes another."""
    control = socket.socket(fileno=int(arguments[0]))
    control.set_inheritable(False)
    configuration = json.loads(arguments[1])
    shutil.rmtree(configuration["scratch"], ignore_errors=True)
    Zygote(control, configuration).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
