"""The API reference, read from the source files: nothing is imported for it."""

import ast
import re
from collections.abc import Iterator

from site_pages import ROOT, SITE, Pages, fenced


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
        pages.file(f"api/{module}.md", "\n\n".join([head, about, *text, back]) + "\n")
        first = " ".join(about.split("\n\n")[0].split("\n- ")[0].split())
        rows.setdefault(package, []).append(f"| [{module}]({module}.md) | {first} |")
    text = (SITE / "api.md").read_text(encoding="utf-8")
    for package, lines in rows.items():
        text += "\n".join([f"\n## {package}\n", "| Module | About |", "| --- | --- |", *lines, ""])
    pages.file("api/index.md", text)


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
