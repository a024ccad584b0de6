"""The pages of the site as they are gathered: where each one goes, and what its links lead to."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
TAG = re.compile(r"""(<(?:img|source|a)\b[^>]*?\b(?:src|srcset|href)=")([^"\s]+)(")""")
FOLDERS = ("docs", "docs/guides", "benchmarks")  # whose Markdown is on the site
WIDE = 600  # characters in a row of a table that no line of text has room for
FENCE = re.compile(r"^\s*(```+|~~~+)")


class Pages:
    """The pages as they are gathered; `bend` takes care of what they link to."""

    def __init__(self, staging: Path, lessons: list[str]):
        self.staging = staging
        self.lessons = lessons
        self.broken: list[str] = []
        self.kept: list[str] = []

    def page_of(self, path: Path) -> str | None:
        """The page that shows a file of the repository, or None if it is no page."""
        name = path.relative_to(ROOT).as_posix()
        if name == "README.md":
            return "index.md"
        if re.fullmatch(r"(notebooks|exercises|solutions)/[^/]+\.ipynb", name):
            return name.removesuffix(".ipynb") + ".md" if path.stem in self.lessons else None
        folder = path.parent.relative_to(ROOT).as_posix()
        shown = path.suffix == ".md" and folder in FOLDERS
        return name if shown or name in ("CONTRIBUTING.md", "CHANGELOG.md") else None

    def bend(self, text: str, source: Path, name: str) -> str:
        """The text of a source file with its links bent to the pages of the site; `name` is the
        page that it becomes part of."""
        link, tag = self._bend(source, name), self._bend(source, name, in_html=True)
        return outside_fences(text, lambda part: LINK.sub(link, TAG.sub(tag, part)))

    def _bend(self, source: Path, name: str, in_html: bool = False) -> Callable[[re.Match], str]:
        def bent(match: re.Match) -> str:
            before, target, after = match.groups()
            place, hash, anchor = target.partition("#")
            if not place or re.match(r"[a-z]+:", place):
                return match.group()
            path = (source.parent / place).resolve()
            if not path.exists() or ROOT not in (path, *path.parents):
                self.broken.append(f"{source.relative_to(ROOT)} links to {target}")
                return match.group()
            if path.is_dir() and (path / "README.md").exists():
                path = path / "README.md"
            if path.is_dir():  # a folder without a page of its own
                return f"{before}{os.path.relpath('index.md', Path(name).parent)}{after}"
            page = self.page_of(path)
            if page is None:  # a file to keep
                page = path.relative_to(ROOT).as_posix()
                kept = self.staging / page
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, kept)
                if in_html:  # Sphinx does not look into HTML
                    self.kept.append(page)
            if in_html:
                page = re.sub(r"\.md$", ".html", page)
            return f"{before}{os.path.relpath(page, Path(name).parent)}{hash}{anchor}{after}"

        return bent

    def file(self, name: str, content: bytes | str) -> None:
        """A page, after `bend`, or a file beside the pages."""
        path = self.staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def outside_fences(text: str, change: Callable[[str], str]) -> str:
    """The text with `change` made to every line that is not in a code fence."""
    lines, fence = [], ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and line.strip().startswith(fence) and line.strip().strip(fence[0]) == "":
            fence = ""
        elif not fence:
            line = change(line)
        lines.append(line)
    return "\n".join(lines)


def with_room(text: str) -> str:
    """The text with each wide table in a container of its own; site.css gives it the window."""

    def kept(table: re.Match) -> str:
        wide = max(map(len, table[0].split("\n"))) > WIDE
        return fenced("{container} wide", table[0]) + "\n" if wide else table[0]

    return re.sub(r"(?:^\|.*\n)+", kept, text, flags=re.MULTILINE)


def fenced(kind: str, text: str) -> str:
    """A code fence that is longer than any in the text."""
    longest = max((len(each) for each in re.findall(r"^`+", text, re.M)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{kind}\n{text}\n{marks}"
