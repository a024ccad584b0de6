"""Build the site: every page of the course as static HTML, which needs no server and no network.

    python tools/build_site.py                    into build/site
    python tools/build_site.py --out FOLDER       somewhere else
    python tools/build_site.py --only 05 06       of the lessons, only these (for a quick look)

The pages are gathered as Markdown in the tree of the repository, so that their links hold, and
Sphinx does the rest (site/conf.py). A lesson is its notebook as committed; where the notebook has
the still picture of a widget, the page has the live one. The API reference is read from the source
files; nothing is imported for it. A link that leads nowhere stops the build.
"""

import argparse
import ast
import base64
import html
import json
import math
import os
import re
import shutil
import string
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.claims import Claim
    from course_lib.widgets.panel import Panel

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
# The widgets that a page can show without a kernel; each returns a panel.
LIVE = (
    "cycle_composer",
    "explore",
    "finder_reader",
    "how_many_seeds",
    "kill_and_resume",
    "milestones",
    "noise_floor",
    "plateau_cuts",
    "puzzle",
    "valley",
    "warmup_map",
)
WIDE = ("docs/rosetta.md",)  # pages whose tables are wider than a line of text
LAB = "The lab trains real networks, so it is live in the notebook only; here is a picture of it."
LINK = re.compile(r"(\]\()([^)\s]+)(\))")
TAG = re.compile(r"""(<(?:img|source|a)\b[^>]*?\b(?:src|srcset|href)=")([^"\s]+)(")""")
FENCE = re.compile(r"^\s*(```+|~~~+)")


class Pages:
    """The pages as they are gathered; `add` takes care of what they link to."""

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
        if re.fullmatch(r"(notebooks|exercises)/[^/]+\.ipynb", name):
            return name.removesuffix(".ipynb") + ".md" if path.stem in self.lessons else None
        if name in ("CONTRIBUTING.md", "CHANGELOG.md") or re.fullmatch(
            r"(docs|docs/guides|benchmarks)/[^/]+\.md", name
        ):
            return name
        return None

    def add(self, name: str, text: str) -> None:
        """A page as it is, or after `bend`."""
        self.file(name, text)

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
        """A file beside the pages."""
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


# --- notebooks ------------------------------------------------------------------------------------


def notebook_page(pages: Pages, path: Path) -> None:
    """A notebook as a page: prose, code, and what it showed."""
    name = pages.page_of(path)
    folder, stem = name.removesuffix(".md").split("/")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for number, cell in enumerate(cells):
        if "install" in cell["metadata"].get("tags", ()):
            continue  # what it does, a page cannot
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(pages.bend(source, path, name))
            continue
        parts.append(fenced("python", source))
        panel = live(source)
        if re.match(r"lab\(", source.split("\n")[-1]):
            parts.append(LAB)
        for place, output in enumerate(cell["outputs"]):
            if panel and "image/png" in output.get("data", {}):
                parts.append(raw(pages, f"{stem}.{number}", panel))
            else:
                parts.append(_output(pages, f"{folder}/{stem}.{number}.{place}", output))
    if folder == "exercises":
        told = "solve it in JupyterLab: its checks need Python."
    else:
        told = "as it was run; in JupyterLab you can change it and run it again."
    parts.append(f"---\n\nThis page is the notebook [{path.name}]({path.name}), {told}")
    pages.file(f"{folder}/{path.name}", path.read_bytes())
    pages.add(name, "\n\n".join(parts) + "\n")


def live(source: str) -> "Panel | None":
    """The panel that a cell ends with, if it is one of `LIVE` called with plain values."""
    try:
        last = ast.parse(source).body[-1:]
    except SyntaxError:  # a line for IPython
        return None
    call = last[0].value if last and isinstance(last[0], ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    if call.func.id not in LIVE:
        return None
    from course_lib import widgets

    try:
        values = [ast.literal_eval(each) for each in call.args]
        named = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    except ValueError:  # names of the lesson, which is not run here
        return None
    return getattr(widgets, call.func.id)(*values, **named)


def _output(pages: Pages, name: str, output: dict) -> str:
    """What a cell showed, as Markdown."""
    data = output.get("data", {})
    if "image/png" in data:
        alt = output["metadata"].get("image/png", {}).get("alt", "")
        alt = re.sub(r"([\[\]\\*_`$])", r"\\\1", " ".join(alt.split()))
        pages.file(f"{name}.png", base64.b64decode("".join(data["image/png"])))
        return f"![{alt}]({Path(name).name}.png)"
    if "text/markdown" in data:
        return "".join(data["text/markdown"])
    if "text/html" in data:
        shown = "".join(data["text/html"])
        return fenced("{raw} html", f'<div class="output-html">{shown}</div>')
    if output["output_type"] == "error":
        text = "\n".join(output["traceback"])
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    else:
        text = "".join(output.get("text") or data.get("text/plain", ""))
    return fenced("{code-block} text", ":class: output-text\n\n" + text.rstrip("\n"))


def with_room(text: str) -> str:
    """The text with each table in a container of its own; site.css gives it the whole window."""
    tables = re.compile(r"(?:^\|.*\n)+", re.M)
    return tables.sub(lambda table: fenced("{container} wide", table[0]) + "\n", text)


def fenced(kind: str, text: str) -> str:
    """A code fence that is longer than any in the text."""
    longest = max((len(each) for each in re.findall(r"^`+", text, re.M)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{kind}\n{text}\n{marks}"


def raw(pages: Pages, name: str, panel: "Panel") -> str:
    """A live panel as part of a page."""
    pages.file(f"panels/{name}.html", panel.html())
    return f"```{{raw}} html\n:file: {pages.staging / 'panels' / name}.html\n```"


# --- claims ---------------------------------------------------------------------------------------


DRAWN = (
    "Where a sentence has intervals, they are drawn below it: a dot for the mean, a line for its "
    "95 % interval. The names are those of the numbers in the claim's own code."
)


def claims_page(pages: Pages) -> None:
    """docs/claims.md, each claim with its estimates drawn, each experiment with its record."""
    from course_lib.claims import CLAIMS, EXPERIMENTS

    path = ROOT / "docs" / "claims.md"
    lines = []
    figure = ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        heading = re.fullmatch(r"## (\S+)", line)
        if heading and heading.group(1) in CLAIMS:
            drawn = estimates(CLAIMS[heading.group(1)])
            figure = fenced("{raw} html", drawn) if drawn else ""
            if not any(each.startswith("## ") for each in lines):
                lines += [DRAWN, ""]
        if line.startswith("- Experiment:"):
            if figure:
                lines += [figure, ""]
            known = rf"`({'|'.join(map(re.escape, EXPERIMENTS))})`"
            line = re.sub(known, _with_record, line)
        lines.append(line)
    pages.add("docs/claims.md", pages.bend("\n".join(lines), path, "docs/claims.md"))


def _with_record(match: re.Match) -> str:
    record = ROOT / "records" / f"{match.group(1)}.jsonl"
    return f"[{match.group()}](../records/{record.name})" if record.exists() else match.group()


def estimates(claim: "Claim") -> str:
    """The estimates of a claim's sentence with their 95 % intervals, as SVG; "" if it has none."""
    from course_lib.claims import Estimate

    fields = [field for _, field, _, _ in string.Formatter().parse(claim.sentence) if field]
    rows = []
    for field in dict.fromkeys(fields):
        framework, _, name = field.partition(".")
        value = vars(claim.numbers(framework)).get(name) if framework in claim.frameworks else None
        if isinstance(value, Estimate):
            rows.append((framework, name.replace("_", " "), value))
    if not rows:
        return ""
    low = min(row[2].low for row in rows)
    high = max(row[2].high for row in rows)
    if low > 0 and low < high - low:  # zero is near enough to be shown
        low = 0
    if high < 0 and -high < high - low:
        high = 0
    left, right, width = 200, 20, 640
    room = (high - low) or 1.0
    low, high = low - 0.04 * room, high + 0.04 * room

    def at(value: float) -> float:
        return round(left + (value - low) / (high - low) * (width - left - right), 1)

    bottom = 8 + 20 * len(rows)
    drawn = [f'<path class="axis" d="M{left} {bottom}H{width - right}"/>']
    for tick in ticks(low, high):
        drawn.append(f'<path class="axis" d="M{at(tick)} {bottom}v4"/>')
        label = f"{tick:g}".replace("-", "\N{MINUS SIGN}")
        drawn.append(f'<text x="{at(tick)}" y="{bottom + 17}" text-anchor="middle">{label}</text>')
    if low < 0 < high:
        drawn.append(f'<path class="zero" d="M{at(0)} 4V{bottom}"/>')
    said = []
    shown = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
    for number, (framework, name, value) in enumerate(rows):
        y = 16 + 20 * number
        drawn.append(f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">')
        drawn.append(f"{html.escape(name)}, {shown[framework]}</text>")
        drawn.append(f'<path class="{framework}" stroke-width="2" ')
        drawn.append(f'd="M{at(value.low)} {y}H{at(value.high)}"/>')
        drawn.append(f'<circle class="{framework}" cx="{at(value.value)}" cy="{y}" r="4"/>')
        said.append(f"{name} in {shown[framework]}: {value:.3g}")
    label = html.escape("Mean and 95 % interval. " + "; ".join(said), quote=True)
    size = f'viewBox="0 0 {width} {bottom + 24}"'
    return f'<svg class="estimates" role="img" aria-label="{label}" {size}>{"".join(drawn)}</svg>'


def ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers between two."""
    size = 10.0 ** len(str(int(high - low)))
    steps = [size * each / 10**power for power in range(8) for each in (5, 2, 1)]
    step = next(each for each in steps if (high - low) / each >= 3)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(n * step, 8) for n in range(first, last + 1)]


# --- API reference --------------------------------------------------------------------------------


def api_pages(pages: Pages) -> None:
    """A page for each module that has something public, and one that lists them all."""
    rows: dict[str, list[str]] = {}
    for path in sorted((ROOT / "course_lib").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        package = ".".join(parts[:-1])
        module = package if is_package else ".".join(parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        about = docstring(ast.get_docstring(tree) or "")
        text = list(members(tree.body))
        exported = next((node for node in tree.body if _is_all(node)), None)
        if is_package and exported is not None:
            names = ", ".join(f"`{each}`" for each in ast.literal_eval(exported.value))
            text.insert(0, f"To import from here: {names}.")
        if not about or not text:
            continue
        head = f"---\norphan: true\n---\n# {module}\n\n```{{py:module}} {module}\n```"
        back = "[All modules](index.md)"
        pages.add(f"api/{module}.md", "\n\n".join([head, about, *text, back]) + "\n")
        first = " ".join(about.split("\n\n")[0].split("\n- ")[0].split())
        rows.setdefault(package, []).append(f"| [{module}]({module}.md) | {first} |")
    text = (SITE / "api.md").read_text(encoding="utf-8")
    for package, lines in rows.items():
        text += "\n".join([f"\n## {package}\n", "| module | |", "| --- | --- |", *lines, ""])
    pages.add("api/index.md", text)


def _is_all(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"


def members(body: list[ast.stmt], owner: str = "") -> Iterator[str]:
    """The public functions and classes among these statements, each as a directive."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            inner = list(members(node.body, node.name))
            text = "\n\n".join([docstring(ast.get_docstring(node) or ""), *inner])
            yield fenced(f"{{py:class}} {node.name}{constructor(node)}", text)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            marks = {ast.unparse(each) for each in node.decorator_list}
            if any(each.endswith((".setter", "overload")) for each in marks):
                continue
            text = docstring(ast.get_docstring(node) or "")
            kind = "py:method" if owner else "py:function"
            answer = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            call = f"({arguments(node, owner and 'staticmethod' not in marks)}){answer}"
            if owner and marks & {"property", "cached_property"}:
                kind, call = "py:property", ""
                text = f":type: {ast.unparse(node.returns)}\n\n{text}" if node.returns else text
            elif owner and "classmethod" in marks:
                text = f":classmethod:\n\n{text}"
            elif owner and "staticmethod" in marks:
                text = f":staticmethod:\n\n{text}"
            yield fenced(f"{{{kind}}} {node.name}{call}", text)


def arguments(node: ast.FunctionDef, bound: bool) -> str:
    """The arguments as written, without `self`."""
    text = ast.unparse(node.args)
    return re.sub(r"^(self|cls)(, /)?(, |$)", "", text) if bound else text


def constructor(node: ast.ClassDef) -> str:
    """How an object of the class is made: by its `__init__`, or with the fields of a dataclass."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return f"({arguments(each, True)})"
    if any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
        return f"({', '.join(ast.unparse(each) for each in fields)})"
    return ""


def docstring(text: str) -> str:
    """A docstring as Markdown: examples become code, and `<name>` does not become HTML."""
    lines, example = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith(">>> ") and not example:
            example = True
            lines += ["", "```pycon"]
        elif example and not line.strip():
            example = False
            lines.append("```")
        if not example and not line.startswith("    "):
            parts = line.split("`")
            parts[::2] = [re.sub(r"<(?=[\w/!?])|([$])", r"\\\g<0>", each) for each in parts[::2]]
            line = "`".join(parts)
        lines.append(line)
    return "\n".join([*lines, *(["```"] if example else [])])


# --- the whole ------------------------------------------------------------------------------------


def gather(staging: Path, only: list[str]) -> Pages:
    """All pages, as Markdown."""
    from course_lib.widgets import explore

    stems = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    lessons = [each for each in stems if not only or each[:2] in only]
    if not lessons:
        numbers = ", ".join(each[:2] for each in stems)
        raise SystemExit(f"--only must name lessons among {numbers}; got {' '.join(only)}")
    pages = Pages(staging, lessons)
    for folder in ("notebooks", "exercises"):
        for stem in lessons:
            notebook_page(pages, ROOT / folder / f"{stem}.ipynb")
    claims_page(pages)
    api_pages(pages)
    for path in sorted(ROOT.rglob("*.md")):
        name = pages.page_of(path)
        if name and name not in ("index.md", "docs/claims.md"):
            text = pages.bend(path.read_text(encoding="utf-8"), path, name)
            pages.add(name, with_room(text) if name in WIDE else text)
    text = (SITE / "explorer.md").read_text(encoding="utf-8")
    pages.add("explorer.md", text.replace("{panel}", raw(pages, "explorer", explore())))
    found = sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*.md"))
    exercises = [
        numbered(pages, each).replace("<exercises/", "<")
        for each in found
        if each.startswith("exercises/")
    ]
    text = (SITE / "exercises.md").read_text(encoding="utf-8")
    pages.add("exercises/index.md", text + toctree(exercises, titlesonly=True))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = pages.bend(readme, ROOT / "README.md", "index.md")
    pages.add("index.md", f"{readme}\n\n{contents(pages, found)}")
    return pages


def numbered(pages: Pages, name: str) -> str:
    """An entry of the contents for a lesson, with its number."""
    title = (pages.staging / name).read_text(encoding="utf-8").partition("\n")[0].strip("# ")
    return f"{int(Path(name).name[:2])}. {title} <{name}>"


def contents(pages: Pages, found: list[str]) -> str:
    """What the side of every page lists."""
    docs = [each for each in found if re.fullmatch(r"docs/[^/]+\.md", each)]
    records = [each for each in found if each.startswith("benchmarks/")]
    evidence = ["docs/claims.md", "docs/benchmarks.md", *records]
    project = ["CHANGELOG.md", "CONTRIBUTING.md", "docs/licences.md"]
    groups = {
        "Course": [numbered(pages, each) for each in found if each.startswith("notebooks/")],
        "To try and look up": ["explorer.md", "exercises/index.md"],
        "Guides": [each for each in found if each.startswith("docs/guides/")],
        "Evidence": evidence,
        "Reference": ["api/index.md"],
        "Project": [each for each in found if each in project],
    }
    groups["To try and look up"] += [each for each in docs if each not in evidence + project]
    return "\n\n".join(
        toctree(names, caption=caption, hidden=True, titlesonly=True)
        for caption, names in groups.items()
        if names
    )


def toctree(names: list[str], **options: str | bool) -> str:
    lines = [f":{key}: {'' if value is True else value}".rstrip() for key, value in options.items()]
    return fenced("{toctree}", "\n".join([*lines, "", *names]))


def build(out: Path, only: list[str]) -> int:
    """Build the site; the number of its pages."""
    try:
        from sphinx.cmd.build import build_main
    except ModuleNotFoundError:
        raise SystemExit("Sphinx is missing: call `make site`, which installs it") from None

    staging = out.with_name(out.name + "-source")
    for folder in (staging, out):
        shutil.rmtree(folder, ignore_errors=True)
    pages = gather(staging, only)
    if pages.broken:
        raise SystemExit("links that lead nowhere:\n" + "\n".join(pages.broken))
    flags = ["-q", "-E", "-W", "--keep-going", "-c", str(SITE), "-d", str(staging / ".doctrees")]
    if build_main([*flags, str(staging), str(out)]):
        raise SystemExit("the site is not complete: mend what is said above, and build again")
    for name in pages.kept:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(staging / name, out / name)
    shutil.rmtree(staging)
    return len(list(out.rglob("*.html")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--only", nargs="*", default=[], metavar="NN", help="lessons, by number")
    options = parser.parse_args()
    started = time.perf_counter()
    count = build(options.out.resolve(), options.only)
    start = options.out / "index.html"
    print(f"{count} pages in {time.perf_counter() - started:.0f} s; open {start} in a browser")


if __name__ == "__main__":
    sys.exit(main())
