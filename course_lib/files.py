"""Files that several processes write: held by one at a time, and written whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all; half a surrogate pair is written \\ud800, as JSON does."""
    if path.exists() and not path.is_file():  # /dev/stdout
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        return
    path = path.resolve()  # a link stays one
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with open(draft, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # the draft is no file that anybody knows
        raise
    finally:
        draft.unlink(missing_ok=True)


def hold(file: IO, *, wait: bool = False) -> None:
    """Lock an open file until it is closed; the system closes it for a process that is killed.

    Raises BlockingIOError, unless told to `wait`, where another process holds it. Leaves the file
    at its start.
    """
    file.seek(0)
    fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the file beside `path` that stands for it: no other process is in here meanwhile."""
    with open(path.with_name(f".{path.name}.lock"), "a") as file:
        hold(file, wait=True)
        yield
