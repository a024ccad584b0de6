"""A learner's small state files: exercises solved, predictions made. Nobody else reads them.

They lie beside each other: where the environment variable LR_COURSE_PROGRESS names the file of
what is solved (empty: keep none), without it in the user's data folder. Losing one costs a table,
so trouble with it is said in a line and stops nothing.
"""

import copy
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs

from course_lib.files import alone, write_whole

Entries = dict[str, dict[str, Any]]


def place() -> Path | None:
    """The file of what is solved, or None where none is kept."""
    named = os.environ.get("LR_COURSE_PROGRESS")
    if named == "" or os.environ.get("NBGRADER_EXECUTION"):
        return None
    try:
        if named:
            return Path(named).expanduser()
        data = platformdirs.user_data_path("lr-course", appauthor=False)
        return data.expanduser() / "progress.json"  # an older platformdirs leaves a ~ in
    except RuntimeError:  # a user without a home
        return None


class Notes:
    """A file of entries by id, which kernels at once, crashes and damage do not harm.

    - key: under which the entries stand in the file.
    - what: how a message calls them, as in "Your progress cannot be kept".
    - good: whether an entry is one of ours.
    - file: the file's name, beside that of what is solved (default: that file).
    """

    def __init__(
        self,
        key: str,
        what: str,
        good: Callable[[Any], bool],
        file: str | None = None,
    ) -> None:
        self.key, self.what, self.good, self.file = key, what, good, file
        self.memory: Entries = {}  # where no file is kept: gone with the kernel
        self.said: set[str] = set()

    def place(self) -> Path | None:
        """The file, or None where none is kept."""
        path = place()
        return path if path is None or self.file is None else path.with_name(self.file)

    def kept(self) -> str:
        """Where the entries are, in a line."""
        path = self.place()
        return f"Kept in {path}" if path else "Kept in memory only, until the kernel stops"

    def change(self, edit: Callable[[Entries], Any]) -> Entries:
        """Read, edit and write, with no other kernel in between; in memory where that fails."""
        path = self.place()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with alone(path):
                    entries = self.read()
                    edit(entries)
                    write_whole(path, json.dumps({"version": 1, self.key: entries}, indent=1))
                self.memory.clear()
                return entries
            except OSError as error:
                why = error.strerror or error
                self._say(f"Your {self.what} cannot be kept: {path} cannot be written ({why}).")
        edit(self.memory)
        return self.memory

    def read(self) -> Entries:
        """The entries as they are; a damaged file is put aside."""
        path = self.place()
        if path is None:
            return self.memory
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            return copy.deepcopy(self.memory)  # no file yet, or none that can be read
        except UnicodeDecodeError:
            text = ""
        try:
            entries = json.loads(text)[self.key]
            if not all(self.good(entry) for entry in entries.values()):
                raise TypeError
            return entries
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
            try:
                os.replace(path, aside)
                self._say(
                    f"Your {self.what} could not be read and a new file is begun; "
                    f"the old one is {aside}."
                )
            except OSError:
                self._say(f"Your {self.what} cannot be read: {path} is damaged; move it away.")
            return {}

    def _say(self, text: str) -> None:
        if text not in self.said:  # once: a line under every check would be a nuisance
            self.said.add(text)
            print(text)
