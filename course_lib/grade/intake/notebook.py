"""Reading a submitted notebook: its cells, as text. Nothing else of it is used.

What cannot be read is a ValueError in words, never another error.
"""

import ast
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

MOST_CELLS = 2_000
LONGEST_SOURCE = 200_000  # characters of a cell
LONGEST_PARSED = 20_000  # characters of a cell
TOO_LONG = "raise ValueError('this cell has {:,} characters, more than {:,}: it was not run')"
CUT = "\n\n(cut here: it was longer)"
DEFINED = re.compile(
    r"^(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]*)?=(?!=)", re.MULTILINE
)
MAGIC = re.compile(r"^([ \t]*(?:\w+[ \t]*=[ \t]*)?)[%!].*", re.MULTILINE)  # IPython's own lines
# What nbgrader, with this course's settings, leaves of an answer.
STUBS = {
    "code": ("# YOUR CODE HERE", "raise NotImplementedError()"),
    "markdown": ("YOUR ANSWER HERE",),
}


@dataclass(frozen=True)
class Cell:
    """A cell as submitted."""

    cell_type: str  # code, markdown or raw
    source: str
    id: str = ""
    grade_id: str = ""
    options: dict[str, Any] = field(default_factory=dict)  # nbgrader's metadata

    @cached_property
    def defines(self) -> set[str]:
        """The names that it binds at its top level, as far as can be seen without running it."""
        return defined(self.source)


def read_notebook(text: str) -> tuple[Cell, ...]:
    """The cells of a notebook of nbformat 4. Raises ValueError for anything else."""
    try:
        raw = json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("not a notebook: its JSON is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not a notebook: not JSON ({str(error)[:200]})") from None
    if not isinstance(raw, dict):
        raise ValueError(f"not a notebook: a JSON {type(raw).__name__}, expected an object")
    if raw.get("nbformat") != 4:
        raise ValueError("its nbformat is not 4: open it in JupyterLab and save it")
    cells = raw.get("cells")
    if not isinstance(cells, list):
        raise ValueError(f"not a notebook: its cells are a {type(cells).__name__}, not a list")
    if len(cells) > MOST_CELLS:
        raise ValueError(f"it has {len(cells):,} cells, more than {MOST_CELLS:,}")
    return tuple(_cell(number, each) for number, each in enumerate(cells, 1))


def without_outputs(text: str) -> str:
    """The same notebook without what its cells printed and drew, which decides nothing and is most
    of a file; a text that is no notebook of nbformat 4 is left as it is."""
    try:
        raw = json.loads(text.removeprefix("\ufeff"))
        if raw["nbformat"] != 4:
            return text
        for cell in raw["cells"]:
            for key in ("outputs", "execution_count"):
                cell.pop(key, None)
        return json.dumps(raw)  # in ASCII: one emoji makes every character four bytes
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return text  # what is wrong is said when it is read


def _cell(number: int, raw: Any) -> Cell:
    if not isinstance(raw, dict):
        raise ValueError(f"its cell {number} is a {type(raw).__name__}, not an object")
    source = raw.get("source", "")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        raise ValueError(f"the source of its cell {number} is not text")
    kind = raw.get("cell_type")
    kind = kind if kind in ("code", "markdown") else "raw"
    if len(source) > LONGEST_SOURCE:
        code = TOO_LONG.format(len(source), LONGEST_SOURCE)
        source = code if kind == "code" else source[:LONGEST_SOURCE] + CUT
    metadata = raw.get("metadata")
    options = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    options = options if isinstance(options, dict) else {}
    ids = (raw.get("id"), options.get("grade_id"))
    id, grade_id = (each if isinstance(each, str) else "" for each in ids)
    return Cell(kind, _clean(source), id, grade_id, options)


def _clean(text: str) -> str:
    """The text without halves of characters, which JSON can spell and no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")


def parsed(source: str) -> ast.Module:
    """The code, with `None` for IPython's own lines. Raises ValueError for what is no Python or too
    long to be parsed: Python's parser takes seconds for some."""
    try:
        if len(source) > LONGEST_PARSED:
            raise ValueError(f"longer than {LONGEST_PARSED:,} characters")
        try:
            return ast.parse(source)
        except SyntaxError:  # a line may begin with % in plain Python, too
            return ast.parse(MAGIC.sub(r"\1None", source))
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"not Python: {error}") from None


class Check(NamedTuple):
    """A call `check("1.1", walk, hidden=...)`; "" where something else stands."""

    exercise: str
    name: str  # of the function
    hidden: ast.expr | None
    call: ast.Call


def checks_in(tree: ast.AST) -> list[Check]:
    """The calls of `check` in parsed code, by place or by keyword."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="check")):
                given = dict(zip(("id", "answer"), node.args))
                given |= {each.arg: each.value for each in node.keywords if each.arg}
                id, answer = given.get("id"), given.get("answer")
                exercise = id.value if isinstance(id, ast.Constant) else None
                exercise = exercise if isinstance(exercise, str) else ""
                name = answer.id if isinstance(answer, ast.Name) else ""
                found.append(Check(exercise, name, given.get("hidden"), node))
    return found


def defined(source: str) -> set[str]:
    """The names that the source binds at its top level."""
    return {a or b for a, b in DEFINED.findall(source)}


def known_lines(source: str) -> set[str]:
    """The lines of a source by which it can be known again."""
    stubs = {stub for stubs in STUBS.values() for stub in stubs}
    return {line for line in map(str.strip, source.split("\n")) if line} - stubs
