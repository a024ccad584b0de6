"""How Sphinx makes the site; `tools/build_site.py` gathers the pages and starts it."""

import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert

project = "Learning rates, measured"
html_title = project
copyright = "the authors; code under the MIT licence"
extensions = ["myst_parser"]
# Headings get the same anchors as where the Markdown files are read on their own.
myst_heading_anchors = 6
myst_enable_extensions = ["dollarmath", "html_image"]
highlight_language = "none"
smartquotes = False  # --jobs and {"value": ...} stay what one types
suppress_warnings = ["myst.header"]  # exercises count from ### on, as in JupyterLab

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["offline.js"]
html_search_scorer = str(Path(__file__).with_name("static") / "scorer.js")
html_extra_path = ["404.html"]
html_favicon = "static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_permalinks_icon = "#"
html_math_renderer = "mathml"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def mathml(formula: str, display: str) -> str:
    """A formula as MathML, which browsers show without a script or a font of ours."""
    markup = convert(" ".join(formula.split()), display=display)
    markup = markup.replace("<mi>&#x000B1;</mi>", "<mo>&#x000B1;</mo>")  # a sign, with room
    unknown = re.search(r"<m[a-z]+>\\\w+", markup)
    if unknown:
        raise ValueError(f"the formula {formula!r} holds a command that MathML has no sign for")
    return markup


def inline_math(writer, node) -> None:
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block_math(writer, node) -> None:
    writer.body.append(f'<div class="formula">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def spoken(app, pagename, templatename, context, doctree) -> None:
    """What a screen reader needs and Sphinx leaves out: that words are Chinese (the choice of the
    font needs it too), that the empty corner of a table is no heading, and the level of the
    headings above the contents."""
    if "body" in context:
        said = r'<span lang="zh-Hans">\g<0></span>'
        body = re.sub(r"[\u4e00-\u9fff]+(?=[^<>]*<)", said, context["body"])
        context["body"] = re.sub(r"<th( class=[^>]*)>(<p></p>)?</th>", r"<td\1></td>", body)
    head = 'role="heading"'
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace(head, f'{head} aria-level="2"')


def setup(app) -> dict:
    app.connect("html-page-context", spoken, priority=900)  # after Furo's own
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
