"""The API reference, read from the source files: nothing is imported for it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from site_pages import ROOT, SITE, Pages, fenced

# What lessons and guides import, in this order. The others are documented too, for who changes
# them, but neither the search nor the index of names lists them.
PUBLIC = [
    "course_lib",
    "course_lib.schedules",
    "course_lib.formulas.decays",
    "course_lib.formulas.warmups",
    "course_lib.formulas.cycles",
    "course_lib.formulas.combined",
    "course_lib.plateau",
    "course_lib.pytorch",
    "course_lib.tensorflow",
    "course_lib.tensorflow.schedule",
    "course_lib.tensorflow.optimizers",
    "course_lib.tensorflow.adaptive",
    "course_lib.lr_finder",
    "course_lib.finder.suggestions",
    "course_lib.training",
    "course_lib.data",
    "course_lib.recipes",
    "course_lib.rosetta",
    "course_lib.plots",
    "course_lib.looks",
    "course_lib.widgets",
    "course_lib.predictions",
    "course_lib.checks",
    "course_lib.claims",
    "course_lib.questions.adapters",
    "course_lib.exercises",
    "course_lib.cli",
]
DIRECTIVE = re.compile(r"^`{3,}\{py:\w+\} .*$", re.MULTILINE)


def api_pages(pages: Pages) -> None:
    """A page for each module that has something public, and one that lists them all."""
    rows: dict[str, str] = {}
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
            names = ", ".join(linked(each, tree) for each in ast.literal_eval(exported.value))
            text.insert(0, f"To import from here: {names}.")
        if not about or not text:
            continue
        head = f"# {module}\n\n```{{py:module}} {module}\n```"
        page = "\n\n".join([head, about, *text, "[All modules](index.md)"]) + "\n"
        options = "orphan: true"
        if module not in PUBLIC:
            page = DIRECTIVE.sub("\\g<0>\n:no-index:", page)
            options += "\nnosearch: true"
        pages.file(f"api/{module}.md", f"---\n{options}\n---\n{page}")
        first = " ".join(about.split("\n\n")[0].split("\n- ")[0].split())
        rows[module] = f"| [{module}]({module}.md) | {first} |"
    public = [rows.pop(each) for each in PUBLIC]
    text = (SITE / "api.md").read_text(encoding="utf-8")
    for title, lines in (("Public modules", public), ("Internals", rows.values())):
        text += "\n".join([f"\n## {title}\n", "| Module | About |", "| --- | --- |", *lines, ""])
    pages.file("api/index.md", text)


def linked(name: str, tree: ast.Module) -> str:
    """A name that a package exports, with a link to the module of ours that it comes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and name in (each.name for each in node.names):
            page = ROOT / Path(*(node.module or "").split("."))
            if page.with_suffix(".py").is_file():
                return f"[`{name}`]({node.module}.md)"
    return f"`{name}`"


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
