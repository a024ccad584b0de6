"""Python functions in the browser's language, so that nothing has to be written a second time.

pscript (https://pscript.readthedocs.io) does the translation. It wants simpler Python than ours, so
annotations, docstrings and keyword-only parameters are taken out before. What it cannot translate
is an error here, and tests/test_widgets_browser.py compares what both languages answer.
"""

import ast
import inspect
import math
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import cache, lru_cache, reduce
from pathlib import Path
from types import ModuleType
from typing import Any

from course_lib import needs

RUNTIME = "// PScript and its runtime: (c) 2015-2026 Almar Klein and contributors, BSD-2-Clause\n"

# These have their own form in browser.js.
KNOWN_THERE = {"bisect_right", "short", "fixed", "literal"}
KNOWN_THERE |= {"schedule_of", "code_of", "native_call", "number_of"}

# What is there of Python's `math`: JavaScript's own, and what browser.js adds to it.
MATH = {"pi", "inf", "nan", "prod", "isfinite", "isclose", "copysign", "pow", "hypot", "cbrt"}
MATH |= {"ceil", "floor", "trunc", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10"}
MATH |= {
    f"{arc}{name}{h}" for arc in ("", "a") for name in ("sin", "cos", "tan") for h in ("", "h")
}
MATH |= {"atan2"}


@lru_cache(maxsize=64)
def to_javascript(*functions: Callable, source: str = "") -> str:
    """JavaScript that defines the functions, and whatever of course_lib they call or read. `source`
    is more Python, of functions that call nothing else.

    A call there gives every argument by position, in the order of the signature here.

    >>> from course_lib.schedules import linear
    >>> text = to_javascript(linear)
    >>> "linear (step, peak_lr, total_steps, final_lr)" in text
    True
    """
    with needs("notebook"):
        from pscript import py2js  # takes a quarter of a second: only where a widget is shown

    found: dict[str, str] = {}
    for function in functions:
        _collect(function.__name__, sys.modules[function.__module__], found)
    taken = {*re.findall(r"^(?:const|function) (\w+)", browser(), re.M)} & found.keys()
    if taken:
        raise ValueError(
            f"{', '.join(sorted(taken))} cannot be translated: browser.js has another of that "
            "name; take another name"
        )
    more = ast.unparse(ast.fix_missing_locations(_Simpler({}).visit(ast.parse(source))))
    return RUNTIME + py2js("\n\n".join([*found.values(), more]), inline_stdlib=True)


@cache
def browser() -> str:
    """What runs in the page before anything that was translated."""
    return (Path(__file__).parent / "browser.js").read_text(encoding="utf-8")


def _collect(name: str, module: ModuleType, found: dict[str, str]) -> None:
    """Put the simplified source of a global name, after what it needs, into `found`."""
    value = getattr(module, name)
    if name in found or name in KNOWN_THERE or inspect.ismodule(value) or inspect.isbuiltin(value):
        return
    value = inspect.unwrap(value)  # a cache changes nothing but the time
    home = sys.modules[getattr(value, "__module__", None) or module.__name__]
    if inspect.isfunction(value) and value.__name__ == name:
        tree: Any = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    else:
        home, tree = _assignment(name, module)
    found[name] = ""  # a function may call itself
    body = [*tree.args.defaults, *tree.body] if isinstance(tree, ast.FunctionDef) else [tree.value]
    used = list(dict.fromkeys(_names(body)))
    for each in used:
        if each != name and hasattr(home, each):
            _collect(each, home, found)
    callable_here = {each: getattr(home, each) for each in used if hasattr(home, each)}
    simple = _Simpler(callable_here).visit(tree)
    del found[name]  # what it needs has come before it
    found[name] = ast.unparse(ast.fix_missing_locations(simple))


def _names(body: Iterable[ast.AST]) -> list[str]:
    return [node.id for part in body for node in ast.walk(part) if isinstance(node, ast.Name)]


def _assignment(name: str, module: ModuleType) -> tuple[ModuleType, ast.Assign]:
    """Where a constant is written: in this module, or in one of course_lib that it comes from."""
    for each in (module, *(m for n, m in sys.modules.items() if n.startswith("course_lib."))):
        if getattr(each, name, None) is not getattr(module, name):
            continue
        for node in ast.parse(inspect.getsource(each)).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
                return each, node
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
                names = [ast.unparse(part) for part in node.targets[0].elts]
                if name in names:
                    constant = ast.Constant(getattr(module, name))
                    return each, ast.Assign([ast.Name(name, ast.Store())], constant)
    raise ValueError(f"{name} of {module.__name__} cannot be translated: no function, no constant")


class _Simpler(ast.NodeTransformer):
    """The same code in the Python that pscript reads."""

    def __init__(self, known: dict[str, Any]):
        self.known = known
        self.in_error = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if ast.get_docstring(node):
            node.body = node.body[1:]
        self.generic_visit(node)
        node.decorator_list, node.returns = [], None
        arguments = node.args
        arguments.args += arguments.kwonlyargs
        arguments.defaults += [each or ast.Constant(None) for each in arguments.kw_defaults]
        arguments.kwonlyargs, arguments.kw_defaults = [], []
        for each in arguments.args:
            each.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else ast.Pass()

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Every argument by position: there are no keywords there."""
        self.generic_visit(node)
        function = self.known.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if node.keywords and inspect.isfunction(function):
            given = {each.arg: each.value for each in node.keywords}
            declared = list(inspect.signature(function).parameters.values())[len(node.args) :]
            while declared and declared[-1].name not in given:
                declared.pop()
            node.args += [given.get(each.name, ast.Constant(each.default)) for each in declared]
            node.keywords = []
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.Attribute:
        self.generic_visit(node)
        name, used = ast.unparse(node), self.known.get(ast.unparse(node.value))
        if inspect.ismodule(used) and (used is not math or node.attr not in MATH):
            raise ValueError(
                f"{name} cannot be translated: a panel computes in the browser, which of Python's "
                f"modules has only these of math: {', '.join(sorted(MATH))}; write it with them"
            )
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.ListComp:
        self.generic_visit(node)
        return ast.ListComp(node.elt, node.generators)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        self.in_error = True
        self.generic_visit(node)
        self.in_error = False
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """An f-string as a sum, which begins with a string: pscript's own form is a slow call, and
        knows only some formats. That is good enough for an error."""
        if self.in_error:
            self.generic_visit(node)
            return node
        parts: list[ast.expr] = []
        for each in node.values:
            if isinstance(each, ast.FormattedValue):
                if each.format_spec or each.conversion >= 0:
                    raise ValueError(
                        f"{ast.unparse(node)} cannot be translated: the page knows no formats; "
                        "take `short`, `fixed` or `literal` of numbers.py"
                    )
                parts = parts or [ast.Constant("")]
                each = self.visit(each.value)
            parts.append(each)
        return reduce(lambda a, b: ast.BinOp(a, ast.Add(), b), parts or [ast.Constant("")])

    def visit_Name(self, node: ast.Name) -> ast.Name:
        # pscript takes a capital letter for a class, and calls it with `new`.
        if node.id.isupper():
            node.id = "the_" + node.id
        return node
