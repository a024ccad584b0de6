"""Files that strangers sent, on disk or in a zip: which there are, and their bytes up to a limit.

Only regular files are opened, links are not followed, and nothing is unpacked to disk. What a zip
says about itself is not believed: bytes are counted as they come out.
"""

import os
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

LARGEST_DIRECTORY = 8_000_000  # bytes of a zip's table of contents, about 80,000 files
CHUNK = 65_536
KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFREG: "file",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
# O_NONBLOCK: a file that becomes a pipe between looking and opening must not stop us.
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Refused(ValueError):
    """A file that is not read; says why."""


@dataclass(frozen=True)
class Item:
    """A file that was found, and why it must not be read, if so."""

    origin: str  # where, for humans
    parts: tuple[str, ...]  # folders and name, from the student's own folder on
    open: Callable[[], IO[bytes]] | None = None
    packed: int | None = None  # bytes in the zip; None on disk
    problem: str | None = None

    @property
    def suffix(self) -> str:
        name = self.parts[-1].lower()
        if name.endswith((".ipynb.txt", ".ipynb.json")):  # so some browsers save a notebook
            return ".ipynb"
        return os.path.splitext(name)[1]


def shown(text: str, most: int = 300) -> str:
    """The text as it can be printed and stored anywhere: no control characters, nothing odd but the
    two that join and part letters in Persian, and emoji."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = "".join(
        "?" if unicodedata.category(each)[0] == "C" and each not in "\u200c\u200d" else each
        for each in text[: most + 1]
    )
    return text if len(text) <= most else text[: most - 3] + "..."


def visible(name: str) -> bool:
    """Whether a file or folder is one that a person put there."""
    return name[:1] != "." and name not in ("__MACOSX", "Thumbs.db", "desktop.ini")


def kind_of(path: Path) -> str:
    """What there is at the path, links not followed: "folder", "file", "a symbolic link", ..."""
    return KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "of an unknown kind")


def on_disk(path: Path, parts: tuple[str, ...], origin: str) -> Item:
    """The file at the path, still unopened."""
    try:
        kind = kind_of(path)
    except OSError as error:
        return Item(origin, parts, problem=f"cannot be read: {error.strerror}")
    if kind == "file":
        return Item(origin, parts, partial(_open_regular, path))
    return Item(origin, parts, problem=f"{kind}, not a file; it was not opened")


def _open_regular(path: Path) -> IO[bytes]:
    file = os.fdopen(os.open(path, FLAGS), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Refused("not a regular file")
    return file


def read(item: Item, most: int) -> bytes:
    """All bytes of the file. Raises Refused when there are more than `most`, and for all that goes
    wrong."""
    if item.problem is not None or item.open is None:
        raise Refused(item.problem or "cannot be read")
    data = bytearray()
    try:
        with item.open() as file:
            while chunk := file.read(CHUNK):
                data += chunk
                if len(data) > most:
                    advice = "; clear its outputs, save and hand in again" * (
                        item.suffix == ".ipynb"
                    )
                    raise Refused(f"larger than {most / 1e6:g} MB{advice}")
    except Refused:
        raise
    except Exception as error:  # zipfile raises ten kinds of errors on bytes made to confuse it
        raise Refused(f"cannot be read ({type(error).__name__}: {shown(str(error))})") from error
    return bytes(data)


def members(file: IO[bytes], origin: str) -> list[Item]:
    """The files in a zip that stays open. Raises Refused when the zip itself is not sound."""
    try:
        _check_directory(file)
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except Refused:
        raise
    except Exception as error:  # as above
        raise Refused(f"not a zip that can be read ({type(error).__name__})") from error
    return [item for info in infos if (item := _member(archive, info, origin)) is not None]


def _check_directory(file: IO[bytes]) -> None:
    """Raise Refused before ZipFile reads a table of contents that would fill the memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 65_578))  # the end record, its longest comment, a locator before it
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        raise Refused("not a zip, or cut off")
    large = int.from_bytes(tail[at + 12 : at + 16], "little") > LARGEST_DIRECTORY
    if large or tail[max(0, at - 20) : at].startswith(b"PK\6\7"):
        raise Refused("a zip with too many or too large files; unpack it into a folder")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, origin: str) -> Item | None:
    """One file of a zip; None for folders, and for hidden files and what the system put there."""
    name = info.orig_filename
    if not info.flag_bits & 0x800:  # macOS packs UTF-8, accents on their own, and does not say so
        with suppress(UnicodeError):
            name = unicodedata.normalize("NFC", name.encode("cp437").decode("utf-8"))
    name = name.replace("\\", "/")  # Windows has written such names
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    kind = KINDS.get(stat.S_IFMT(info.external_attr >> 16), "file")  # 0: Windows does not say
    unsafe = ".." in parts or name.startswith("/") or ":" in name[:2] or "\0" in name
    seen = all(part == ".." or visible(part) for part in parts)
    if not parts or not seen or name.endswith("/") or kind == "folder":
        return None
    problem = None
    if unsafe:
        problem = "its name leads out of the zip; it was not read"
    elif kind != "file":
        problem = f"{kind}, not a file; it was not read"
    elif info.flag_bits & 1:
        problem = "encrypted; hand in without a password"
    elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        problem = "packed in an unusual way; use an ordinary zip"
    place = f"{origin}/{shown(name)}"
    return Item(place, parts, partial(archive.open, info), info.compress_size, problem)
