"""A notebook as a page of the site: as committed, with live widgets in place of their pictures."""

import ast
import base64
import json
import re
from pathlib import Path

from site_pages import Pages, fenced, with_room

from course_lib import widgets
from course_lib.widgets.panel import Panel

KINDS = {"notebooks": "the lesson", "exercises": "the exercises", "solutions": "the solutions"}
TOLD = {
    "notebooks": "as it was run; in JupyterLab you can change it and run it again.",
    "exercises": "to be solved in JupyterLab: its checks need Python.",
    "solutions": "as it was run; page and file lack the tests that students do not see.",
}
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS\n?", re.DOTALL)
# What a reader should predict first.
FOLD = fenced("{raw} html", '<details class="outcome"><summary>What came out</summary>')
UNFOLD = fenced("{raw} html", "</details>")
LAB = "The lab trains real networks, so it is live in the notebook only; here is a picture of it."


def notebook_page(pages: Pages, path: Path) -> None:
    """A notebook as a page: prose, code, and what it showed."""
    name = pages.page_of(path)
    folder, stem = name.removesuffix(".md").split("/")
    notebook = json.loads(path.read_text(encoding="utf-8"))
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        source = HIDDEN.sub("", "".join(cell["source"])).rstrip("\n")
        cell["source"] = source
        if "install" in cell["metadata"].get("tags", ()):
            continue  # what it does, a page cannot
        if cell["cell_type"] == "markdown":
            parts.append(pages.bend(source, path, name))
            continue
        parts.append(fenced("python", source))
        panel = live(source)
        if re.match(r"lab\(", source.split("\n")[-1]):
            parts.append(LAB)
        folded = cell["metadata"].get("jupyter", {}).get("outputs_hidden") and cell["outputs"]
        parts += [FOLD] if folded else []
        for place, output in enumerate(cell["outputs"]):
            if panel and "image/png" in output.get("data", {}):
                parts.append(raw(pages, f"{stem}.{number}", panel))
            elif output.get("data") != {"text/html": []}:  # which covers a folded output
                parts.append(_output(pages, f"{folder}/{stem}.{number}.{place}", output))
        parts += [UNFOLD] if folded else []
    parts.append(f"---\n\nThis page is the notebook [{path.name}]({path.name}), {TOLD[folder]}")
    others = [f"[{what}](../{each}/{stem}.md)" for each, what in KINDS.items() if each != folder]
    parts.append(f"From the same lesson: {' and '.join(others)}.")
    pages.file(f"{folder}/{path.name}", json.dumps(notebook, ensure_ascii=False, indent=1) + "\n")
    text = "\n\n".join(parts) + "\n"
    if folder != "notebooks":  # the search and the tabs of a browser show titles only
        text = re.sub(r"^# .+", rf"\g<0>: {folder}", text, count=1, flags=re.MULTILINE)
    pages.file(name, text)


def live(source: str) -> Panel | None:
    """The panel that a cell ends with, if it is a widget of ours called with plain values; the lab,
    which needs a kernel, is no panel."""
    try:
        last = ast.parse(source).body[-1:]
    except SyntaxError:  # a line for IPython
        return None
    call = last[0].value if last and isinstance(last[0], ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    widget = vars(widgets).get(call.func.id)
    if getattr(widget, "__annotations__", {}).get("return") is not Panel:
        return None
    try:
        values = [ast.literal_eval(each) for each in call.args]
        named = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    except ValueError:  # names of the lesson, which is not run here
        return None
    return widget(*values, **named)


def _output(pages: Pages, name: str, output: dict) -> str:
    """What a cell showed, as Markdown."""
    data = output.get("data", {})
    if "image/png" in data:
        alt = output["metadata"].get("image/png", {}).get("alt", "")
        alt = re.sub(r"([\[\]\\*_`$])", r"\\\1", " ".join(alt.split()))
        pages.file(f"{name}.png", base64.b64decode("".join(data["image/png"])))
        return f"![{alt}]({Path(name).name}.png)"
    if "text/markdown" in data:
        return with_room("".join(data["text/markdown"]) + "\n")
    if "text/html" in data:
        shown = "".join(data["text/html"])
        return fenced("{raw} html", f'<div class="output-html">{shown}</div>')
    if output["output_type"] == "error":
        text = "\n".join(output["traceback"])
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    else:
        text = "".join(output.get("text") or data.get("text/plain", ""))
    return fenced("{code-block} text", ":class: output-text\n\n" + text.rstrip("\n"))


def raw(pages: Pages, name: str, panel: Panel) -> str:
    """A live panel as part of a page."""
    pages.file(f"panels/{name}.html", panel.html())
    return f"```{{raw}} html\n:file: {pages.staging / 'panels' / name}.html\n```"
