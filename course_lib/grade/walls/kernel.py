"""A submission in a Jupyter kernel of its own: no walls, but it works on every system.

What is left without a sandbox is a scratch folder, a cleared environment, a watch on time, memory
and threads, and questions whose answers are compared outside.
"""

import json
import os
import re
import secrets
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from course_lib.grade.walls import messages
from course_lib.grade.walls.limits import Limits
from course_lib.grade.walls.messages import Outcome, SandboxError, Usage

START_SECONDS = 60.0
LOOK = 0.1  # seconds between two looks at time and memory
KEPT = ("PATH", "SYSTEMROOT", "TEMP", "PATHEXT", "LD_LIBRARY_PATH")  # no system runs without them
CUT = "\n... output cut"
LINE = re.compile(r"Cell In\[\d+\], line (\d+)")  # of a traceback
# To import torch and TensorFlow takes some 900 MB, and for a moment, while they start a process of
# their own, each page counts twice. None of it is a student's.
FRAMEWORKS, FRAMEWORKS_MB = re.compile("torch|tensorflow|keras|course_lib"), 2000

SEED = """
import random, sys
from course_lib.grade.walls.child import go_on
go_on(get_ipython())
get_ipython().colors = "nocolor"
random.seed(0)
sys.path.insert(0, "")
try:
    import numpy
    numpy.random.seed(0)
    del numpy
except ImportError:
    pass
del go_on, random, sys
"""

# Runs in the kernel. Its names are its own: the student's are in the shell's `user_ns` only.
ASK = """
def _asked():
    import contextlib, io, json, sys
    from course_lib.questions.calls import Call, reply
    space, call = get_ipython().user_ns, json.loads({call!r})
    if {name!r} not in space:
        found = {{"missing": True}}
    else:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = reply(space[{name!r}], Call.from_json(call))
    print({mark!r} + json.dumps(found) + {mark!r})
_asked()
del _asked
"""


class KernelSession:
    """One submission's kernel, with the methods of course_lib.grade.walls.session.Session."""

    def __init__(self, limits: Limits, seconds: float, data: str | None = None) -> None:
        import psutil
        from jupyter_client.manager import KernelManager

        self._limits = limits
        self._folder = tempfile.mkdtemp(prefix="lr-course-kernel-")
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._peak = self._before = 0.0
        self._free_mb = 0  # of memory that is not counted
        # Files instead of ports, where a system has them: nobody else can listen.
        self._manager = KernelManager(
            transport="ipc" if os.name == "posix" else "tcp",
            connection_file=os.path.join(self._folder, ".kernel.json"),
        )
        # This interpreter, whatever kernel specifications the machine has.
        self._manager.kernel_spec.argv[0] = sys.executable
        try:
            self._manager.start_kernel(cwd=self._folder, env=self._environment(data))
            self._process = psutil.Process(self._manager.provisioner.pid)
            self._client = self._manager.blocking_client()
            self._client.start_channels()
            self._client.wait_for_ready(timeout=START_SECONDS)
        except (RuntimeError, OSError, psutil.Error) as error:
            self._kill()
            raise SandboxError(f"no kernel could be started: {error}") from None
        self._start = time.monotonic()
        self._deadline = self._start + seconds
        self._before = self._memory()
        self._execute(SEED, 1 << 20)

    def run(self, source: str) -> Outcome:
        """Run one cell."""
        if FRAMEWORKS.search(source):
            self._free_mb = FRAMEWORKS_MB
        found = self._execute(source, self._limits.output_kb * 1024)
        return messages.outcome_of_cell(found, self._limits, self._stop)

    def ask(self, name: str, call: dict[str, Any]) -> dict[str, Any]:
        """Call the student's function; see Session.ask."""
        mark = secrets.token_hex(16)
        source = ASK.format(name=name, call=json.dumps(call), mark=mark)
        found = self._execute(source, messages.LARGEST_REPLY)
        if isinstance(found, str):
            return {"stopped": found}
        if not found["ok"]:  # an error that `reply` does not catch: KeyboardInterrupt and the like
            return {"error": [found["error"]], "message": found["message"]}
        try:
            _, text, _ = found["output"].split(mark)
            return messages.answer(messages.read(text))
        except ValueError:
            return {"stopped": self._stop("protocol")}

    def close(self) -> Usage:
        """End the kernel and say what it took."""
        if self._usage is None:
            self._usage = Usage(time.monotonic() - self._start, round(self._peak, 1))
            self._kill()
        return self._usage

    def _environment(self, data: str | None) -> dict[str, str]:
        home = os.path.join(self._folder, "")
        places = ("HOME", "USERPROFILE", "TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_DATA_DIR")
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        kept |= {name: home for name in places}
        kept["PYTHONPATH"] = str(Path(__file__).parents[3])  # this course_lib, no other
        kept |= {"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "LR_COURSE_OFFLINE": "1"}
        kept |= {"TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
        return {**kept, "LR_COURSE_DATA": data} if data else kept

    def _execute(self, source: str, most: int) -> dict[str, Any] | str:
        """The parts of an outcome, or the reason for which the kernel was stopped."""
        if self._reason is not None or self._usage is not None:
            return self._reason or "exit"
        deadline = min(time.monotonic() + self._limits.cell_seconds, self._deadline)
        number = self._client.execute(source, store_history=True, allow_stdin=False)
        error, message, output, size = None, "", [], 0
        while True:
            if time.monotonic() >= deadline:
                return self._stop("total" if deadline == self._deadline else "time")
            if reason := self._too_much():
                return self._stop(reason)
            try:
                heard = self._client.get_iopub_msg(timeout=LOOK)
                if heard["parent_header"].get("msg_id") != number:
                    continue
                kind, content = heard["msg_type"], heard["content"]
                if kind == "status" and content["execution_state"] == "idle":
                    break
                if kind == "error" and error is None:  # of several the first, as in the sandbox
                    error, message = str(content["ename"]), str(content["evalue"])
                    if line := LINE.search("\n".join(content["traceback"])):
                        message = f"{message} (line {line[1]})".lstrip()
                text = _text(kind, content)
            except Empty:
                continue
            except Exception:  # a message that no honest kernel sends
                return self._stop("protocol")
            output.append(text[: max(0, most - size)])
            size += len(text)
        text = "".join(output) + (CUT if size > most else "")
        return {"ok": error is None, "error": error, "message": message, "output": text}

    def _too_much(self) -> str:
        if not self._manager.provisioner or not self._process.is_running():
            return "exit"
        memory = self._memory() - self._before
        self._peak = max(self._peak, memory)
        if memory > self._limits.memory_mb + self._free_mb:
            return "memory"
        import psutil

        try:
            if self._process.status() == psutil.STATUS_ZOMBIE:
                return "exit"
            return "threads" if self._process.num_threads() > self._limits.threads + 20 else ""
        except psutil.Error:
            return "exit"

    def _memory(self) -> float:
        """Megabytes of the kernel and all that it started."""
        import psutil

        total = 0
        with suppress(psutil.Error):
            for each in [self._process, *self._process.children(recursive=True)]:
                with suppress(psutil.Error):
                    total += each.memory_info().rss
        return total / (1 << 20)

    def _stop(self, reason: str) -> str:
        self._kill()
        self._reason = reason
        return reason

    def _kill(self) -> None:
        """End the kernel with all that it started, and remove its folder."""
        import psutil

        tree = []
        with suppress(psutil.Error, AttributeError):
            tree = self._process.children(recursive=True)
        with suppress(AttributeError):
            self._client.stop_channels()
        with suppress(RuntimeError, OSError):
            self._manager.shutdown_kernel(now=True)
        for each in tree:
            with suppress(psutil.Error):
                each.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _text(kind: str, content: dict[str, Any]) -> str:
    """What a kernel's message shows, as text."""
    if kind == "stream":
        return str(content["text"])
    if kind in ("display_data", "execute_result"):
        data = content["data"]
        text = str(data.get("text/plain", ""))
        if text.startswith("<IPython.core.display.") and len(data) > 1:
            return "[html]\n" if "text/html" in data else "[image]\n"
        return text + "\n"
    return ""
