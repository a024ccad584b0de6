"""A learner's small state files, exercises solved and predictions made, and how they are shown.

They lie beside each other: where the environment variable LR_COURSE_PROGRESS names the file of
what is solved (empty: keep none), without it in the user's data folder. Losing one costs a table,
so trouble with it is said in a line and stops nothing.
"""

import copy
import html
import json
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
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
    if named:
        return Path(named).expanduser()
    return platformdirs.user_data_path("lr-course", appauthor=False) / "progress.json"


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
        if path is None:
            return "Kept in memory only, until the kernel stops"
        if self.memory:
            return f"Not all kept in {path}: what is new is in memory only, until the kernel stops"
        return f"Kept in {path}"

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
            self.memory = self.read()
        edit(self.memory)
        return self.memory

    def read(self) -> Entries:
        """The entries as they are; a damaged file is put aside."""
        path = self.place()
        if path is None:
            return self.memory
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))[self.key]
            if not all(self.good(entry) for entry in entries.values()):
                raise TypeError
            return entries | copy.deepcopy(self.memory)
        except OSError:
            return copy.deepcopy(self.memory)  # no file yet, or none that can be read
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
            with suppress(OSError):
                os.replace(path, aside)
                begun = f"Your {self.what} could not be read and a new file is begun"
                self._say(f"{begun}; the old one is {aside}.")
            return {}

    def _say(self, text: str) -> None:
        if text not in self.said:  # once: a line under every check would be a nuisance
            self.said.add(text)
            print(text)


class Shown:
    """A table under its title, the first row its head, and lines of text: as HTML in a notebook,
    as text elsewhere."""

    def __init__(self, *lines: str, title: str = "", table: Sequence[Sequence[str]] = ()) -> None:
        self.lines, self.title, self.table = lines, title, table

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.table)]
        rows = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in self.table]
        return "\n".join([*([self.title] if rows else []), *rows, *self.lines])

    def _repr_html_(self) -> str:
        text = "".join(f"<p>{html.escape(each)}</p>" for each in self.lines)
        text = re.sub("`([^`]+)`", r"<code>\1</code>", text)
        if not self.table:
            return text
        cells = [[html.escape(each) for each in row] for row in self.table]
        head = "".join(f'<th scope="col">{each}</th>' for each in cells[0])
        body = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in cells[1:])
        # Above the table and not in it: a caption is no wider than its table, which is narrow.
        said = html.escape(self.title)
        return f'<p>{said}</p><table aria-label="{said}"><tr>{head}</tr>{body}</table>{text}'
