"""Inside a submission's process: run its cells in IPython, call its functions, tell the grader.

Everything here shares its process with the student's code, which may change any of it. That is no
danger to others, only to the student's own answers: the grader believes nothing but the form of
what it reads. What is taken by name below is taken before the student's code runs, so that honest
code which changes a global thing (a stream, a module) does not disturb the grader by accident.
"""

import importlib
import io
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from json import dumps, loads
from threading import Thread
from traceback import walk_tb
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.text import SList
from traitlets.config import Config

from course_lib.grade.walls.messages import LARGEST_REPLY
from course_lib.questions.calls import Call, reply

CUT = "\n... output cut"
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
CELL = re.compile(r"<ipython-input-\d+-[0-9a-f]+>")


class Kept(io.TextIOBase):
    """A text stream that keeps the first `most` characters and drops the rest."""

    encoding = "utf-8"

    def __init__(self, most: int) -> None:
        self.parts: list[str] = []
        self.left = most

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self.left >= 0:
            self.parts.append(text[: self.left])
            self.left -= len(text)
        return len(text)

    def text(self) -> str:
        return "".join(self.parts) + (CUT if self.left < 0 else "")


def in_words(data: dict[str, Any]) -> str:
    """A displayed value as text: its own, or the name of its kind where that says nothing."""
    text = str(data.get("text/plain", ""))
    if text and not text.startswith("<IPython.core.display."):
        return text
    kinds = [kind for kind in data if kind != "text/plain"]
    return f"[{kinds[0].split('/')[-1] if 'html' in kinds[0] else 'image'}]" if kinds else text


class _Shown(DisplayPublisher):
    def publish(self, data: dict[str, Any], *_args: Any, **_kwargs: Any) -> None:
        sys.stdout.write(in_words(data) + "\n")

    def clear_output(self, wait: bool = False) -> None:
        """Keep what was there."""


class _Value(DisplayHook):
    def write_output_prompt(self) -> None:
        """Write none."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        sys.stdout.write(in_words(format_dict))


class Shell(InteractiveShell):
    """IPython without a screen: errors are results, and what is shown is text.

    A statement that stops with an ordinary error costs itself, not what stands below it: here is no
    network, no file and no program of the student's. The cell's error is the first one.
    """

    display_pub_class = _Shown
    displayhook_class = _Value

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.db = {}  # its folder cannot be written to

    async def run_code(self, code: Any, result: Any = None, **options: Any) -> bool:
        first = result and result.error_in_exec
        failed = await super().run_code(code, result, **options)
        if not failed or result is None or not isinstance(result.error_in_exec, Exception):
            return failed
        if first:
            result.error_in_exec = first
        else:
            steps = walk_tb(result.error_in_exec.__traceback__)
            result.line = next((n for frame, n in steps if frame.f_code is code), 0)
        return False

    def _tee(self, channel: str) -> AbstractContextManager[None]:
        """Keep no second copy of what is printed, as IPython 9 does: all of it, and slowly."""
        return nullcontext()

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        if name != "time" and self.find_cell_magic(name):
            return super().run_cell_magic(name, line, cell)
        self.run_cell(cell).raise_error()  # what it was to wrap is what counts
        return None

    def system(self, command: str, **_options: Any) -> None:
        print(f"not run here: {command}")

    system_raw = system_piped = system

    def getoutput(self, command: str, **_options: Any) -> SList:
        self.system(command)
        return SList()

    def showtraceback(self, *_args: Any, **_kwargs: Any) -> None:
        """The error itself is in the cell's result."""

    showsyntaxerror = showindentationerror = showtraceback

    def ask_exit(self) -> None:
        """`exit()` ends the cell, like sys.exit()."""
        raise SystemExit

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window to wait for."""


def make_shell() -> Shell:
    """The one shell of this process; made before the fork, so that no submission waits for it."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InlineBackend.figure_formats = set()  # a figure is shown as text: nothing is drawn
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    shell.showwarning = None
    return shell


class Child:
    """The submission's side of the channel."""

    def __init__(self, channel: socket.socket, shell: Shell, output_kb: int, scratch: str) -> None:
        self.channel, self.shell, self.scratch = channel, shell, scratch
        self.most = output_kb * 1024
        self.streams = (sys.stdin, sys.__stdout__, sys.__stderr__)
        self.folder = os.getcwd()
        # Where the grading machine keeps things is nobody's business; the longest name first.
        absolute = filter(os.path.isabs, (*sys.path, sys.prefix))
        places = {place for each in absolute if (place := each.rstrip("/"))}
        names = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
        self.places = re.compile(rf"(?:{names})(?![\w-])")

    def serve(self) -> None:
        """Answer the grader's messages until it closes the channel."""
        for line in self._lines():
            message = loads(line)
            if "run" in message:
                found = self.run(message["run"])
            else:
                found = self.ask(message["ask"], message["call"])
            self.send({"id": message["id"], **found})

    def send(self, message: dict[str, Any]) -> None:
        """Write one message."""
        self.channel.sendall(dumps(message).encode() + b"\n")

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        while data := self.channel.recv(1 << 16):
            *lines, rest = (rest + data).split(b"\n") if b"\n" in data else [rest + data]
            yield from lines

    def run(self, source: str) -> dict[str, Any]:
        """Run a cell; its outcome as JSON."""
        kept = Kept(self.most)
        result = None
        with self._streams(kept):
            try:
                result = self.shell.run_cell(source, store_history=True)
                error = result.error_before_exec or result.error_in_exec
            except BaseException as raised:  # IPython itself, changed by the student
                error = raised
        found: dict[str, Any] = {"ok": error is None, "error": None, "message": ""}
        if error is not None:
            message = self._words(error)
            if line := getattr(result, "line", 0):
                message = f"{message} (line {line})".lstrip()
            found |= {"error": type(error).__name__, "message": message}
        return {**found, "output": self._without_places(kept.text())}

    def ask(self, name: str, call: dict[str, Any]) -> dict[str, Any]:
        """Call one of the student's functions; what came of it as JSON."""
        if name not in self.shell.user_ns:
            return {"missing": True}
        with self._streams(Kept(0)):
            try:
                found = reply(self.shell.user_ns[name], Call.from_json(call))
                if "message" in found:
                    found["message"] = self._repeatable(found["message"])
                if len(dumps(found)) > LARGEST_REPLY - 1000:
                    found = {"error": ["Unanswerable"], "message": "an answer of too many values"}
            except BaseException as error:
                classes = [each.__name__ for each in type(error).__mro__[:-1]]
                found = {"error": classes[:10], "message": self._words(error)}
        return found

    @contextmanager
    def _streams(self, kept: Kept) -> Iterator[None]:
        """Output goes to `kept`; afterwards streams and folder are as they were."""
        sys.stdin, sys.stdout, sys.stderr = self.streams[0], kept, kept  # type: ignore
        try:
            yield
        finally:
            sys.stdin, sys.stdout, sys.stderr = self.streams
            sys.__stdout__, sys.__stderr__ = self.streams[1:]
            os.chdir(self.folder)

    def _words(self, error: BaseException) -> str:
        try:
            return self._repeatable(str(error))[:2000]
        except BaseException:
            return "(its message cannot be shown)"

    def _repeatable(self, text: str) -> str:
        """The text without what differs from run to run: addresses, and folders' names."""
        return ADDRESS.sub("0x...", CELL.sub("the cell", self._without_places(str(text))))

    def _without_places(self, text: str) -> str:
        return self.places.sub("...", text.replace(self.scratch, "."))


def seed() -> None:
    """Start every random generator that is loaded at 0."""
    import random

    import numpy

    random.seed(0)
    numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(0)


def main(arguments: list[str]) -> None:
    """A process of its own, with neither zygote nor walls: see unwalled.py."""
    channel = socket.socket(fileno=int(arguments[0]))
    channel.set_inheritable(False)
    folder = os.getcwd()
    Thread(target=_follow, args=(os.getppid(), folder), daemon=True).start()
    for name in arguments[3:]:
        with suppress(Exception):  # the cell that imports it says what is wrong
            importlib.import_module(name)
    sys.path.insert(0, "")
    seed()
    served = Child(channel, make_shell(), int(arguments[2]), folder)
    served.send({"id": int(arguments[1]), "locked": True})
    try:
        served.serve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the grader may be gone


def _follow(grader: int, folder: str) -> None:
    """End this process when the grader's is gone, in the middle of a cell too."""
    while os.getppid() == grader:
        time.sleep(1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
