"""The site: built as `make site` builds it, every link followed, and opened without a network."""

import fcntl
import itertools
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import chromium
from built import untouched

from course_lib import widgets
from course_lib.claims import CLAIMS, Estimate
from course_lib.schedules import GALLERY

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from site_api import PUBLIC, docstring  # noqa: E402
from site_claims import WORDS, quoted, ticks  # noqa: E402
from site_notebooks import KINDS, live  # noqa: E402
from site_pages import Pages, with_room  # noqa: E402

LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site, built once, also where several processes share the tests."""
    untouched(*(f"{folder}/{stem}.ipynb" for folder in KINDS for stem in LESSONS))
    base = tmp_path_factory.getbasetemp()
    out = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    with out.with_name("site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "search.html").exists():
            command = [sys.executable, "tools/build_site.py", "--out", str(out)]
            ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            assert ran.returncode == 0, ran.stdout + ran.stderr
            assert re.search(r"\d+ pages in \d+ s; open \S+index.html", ran.stdout)
    return out


class Page(HTMLParser):
    """What a page links to, what it loads, and the anchors it has."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.loads, self.anchors, self.alts = [], [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        have = dict(attributes)
        self.anchors |= {have.get("id"), have.get("name")}
        if tag == "a" and have.get("href"):
            self.links.append(have["href"])
        if tag == "link" and "href" in have and have.get("rel") not in ("index", "search"):
            self.loads.append(have["href"])
        if tag in ("img", "script", "iframe", "source", "video", "audio") and have.get("src"):
            self.loads.append(have["src"])
        if tag == "img":
            self.alts.append((have.get("src", "")[:80], have.get("alt")))


def problems(folder: Path) -> list[str]:
    """Links and resources of the pages in a folder that are missing, or come from elsewhere."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    found = []
    for path, page in pages.items():
        here = path.relative_to(folder)
        for target in page.links + page.loads:
            parts = urlsplit(target)
            if parts.scheme == "data" or (target in page.links and parts.scheme):
                continue
            if parts.scheme or parts.netloc:
                found.append(f"{here} loads {target[:80]}")
                continue
            other = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not other.is_file():
                found.append(f"{here}: {target} is missing")
            elif other in pages and unquote(parts.fragment) not in pages[other].anchors | {""}:
                found.append(f"{here}: {target} has no such anchor")
    return found


def test_every_link_and_anchor_is_there_and_nothing_comes_from_elsewhere(site):
    assert problems(site) == []


def test_the_style_sheets_load_nothing_from_elsewhere(site):
    for path in site.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", text), path


def test_the_search_for_broken_links_finds_them(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">ok</a><a href="https://example.org">ok</a>'
        '<a href="#gone">1</a><a href="b.html">2</a><img src="https://example.org/c.png">'
        '<script src="//example.org/d.js"></script>'
    )
    assert problems(tmp_path.resolve()) == [
        "a.html: #gone has no such anchor",
        "a.html: b.html is missing",
        "a.html loads https://example.org/c.png",
        "a.html loads //example.org/d.js",
    ]


def test_a_source_with_a_broken_link_is_named(tmp_path):
    pages = Pages(tmp_path, LESSONS)
    text = "[a](docs/claims.md#x), [b](notebooks/00_start_here.ipynb), [c](gone.md), [d](LICENSE)"
    bent = pages.bend(f"{text}\n```\n[e](never.md)\n```", ROOT / "README.md", "index.md")
    assert "(docs/claims.md#x)" in bent and "(notebooks/00_start_here.md)" in bent
    assert pages.broken == ["README.md links to gone.md"]
    tags = '<a href="docs/claims.md"><img alt="x" src="docs/choosing.svg"></a>'
    assert pages.bend(tags, ROOT / "README.md", "index.md") == tags.replace(".md", ".html")
    assert pages.kept == ["docs/choosing.svg"]  # Sphinx does not copy what HTML names
    assert (tmp_path / "LICENSE").exists()  # what is no page is kept as a file


def test_the_pages_are_all_there(site):
    sources = [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/guides/*.md"), *ROOT.glob("benchmarks/*")]
    pages = [x.relative_to(ROOT).with_suffix(".html") for x in sources if x.suffix == ".md"]
    pages += [f"{folder}/{stem}.html" for folder in KINDS for stem in LESSONS]
    pages += ["index.html", "explorer.html", "api/index.html"]
    assert [str(each) for each in pages if not (site / each).exists()] == []
    start = (site / "index.html").read_text(encoding="utf-8")
    assert [
        str(each) for each in pages if f'href="{each}"' not in start and each != "index.html"
    ] == []


def test_a_solution_is_shown_without_its_hidden_tests(site):
    for stem in LESSONS:
        source = (ROOT / "solutions" / f"{stem}.ipynb").read_text(encoding="utf-8")
        shown = (site / "solutions" / f"{stem}.html").read_text(encoding="utf-8")
        assert "HIDDEN TESTS" in source and "HIDDEN" not in shown and "BEGIN SOLUTION" in shown
        assert 'class="prev-page"' in shown  # it stands in the contents, as its exercises do
        (target,) = re.findall(r'href="(\.\./_downloads/[^"]+\.ipynb)"', shown)
        kept = json.loads((site / "solutions" / target).read_text(encoding="utf-8"))["cells"]
        code = "".join("".join(cell["source"]) for cell in kept)
        assert "HIDDEN" not in code and "BEGIN SOLUTION" in code and "check(" in code


def test_pages_say_their_language_and_have_titles_and_headings_in_order(site):
    titles = defaultdict(list)
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert '<html class="no-js" lang="en"' in text and "favicon.svg" in text, path
        titles[re.search(r"<title>(.+?)</title>", text)[1]].append(str(path.relative_to(site)))
        levels = [int(each) for each in re.findall(r"<h([1-6])\b", text)]
        jumps = [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1]
        assert not re.search(r"<th\b[^>]*>(<p></p>)?</th>", text), path
        assert levels[:1] in ([1], []) and levels.count(1) <= 1 and not jumps, (path, levels)
    assert [same for same in titles.values() if len(same) > 1] == []
    glossary = (site / "docs" / "glossary.html").read_text(encoding="utf-8")
    assert '<span lang="zh-Hans">学习率衰减</span>' in glossary


def test_every_picture_has_its_alternative(site):
    for path in site.rglob("*.html"):
        empty = [src for src, alt in Page(path.read_text(encoding="utf-8")).alts if not alt]
        assert not empty, (path, empty)


def test_what_a_reader_should_predict_is_folded(site):
    for page in sorted((site / "notebooks").glob("*.html")):
        text = page.read_text()
        open_text = re.sub(r'<details class="outcome">.*?</details>', "", text, flags=re.DOTALL)
        told = re.compile(r"<p>Outcome \d+\.[a-z]:")
        assert told.search(text) and not told.search(open_text), page.name
        assert '<div class="output-html"></div>' not in text, page.name


def test_the_pictures_of_a_lesson_are_those_of_its_notebook(site):
    for stem in LESSONS:
        cells = json.loads((ROOT / "notebooks" / f"{stem}.ipynb").read_text())["cells"]
        alts, panels = [], 0
        for cell in cells:
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    picture = output["metadata"]["image/png"]
                    # Only a widget's still has a width; the lab cannot live without a kernel.
                    if "width" in picture and "lab()" not in "".join(cell["source"]):
                        panels += 1
                    else:
                        alts.append(" ".join(picture["alt"].split()))
        text = (site / "notebooks" / f"{stem}.html").read_text(encoding="utf-8")
        shown = [alt for src, alt in Page(text).alts if not src.startswith("data:")]
        assert shown == alts, stem
        assert text.count('<section class="lr-panel"') == panels, stem


def test_only_the_widgets_are_called_and_only_with_plain_values():
    assert live("from course_lib.widgets import valley\n\nvalley(lr=0.03)").values["lr"] == 0.03
    assert live("valley(lr=fastest)") is None  # a name of the lesson
    assert live("print(open('/etc/hosts').read())") is None
    assert live("%pip install something") is None
    panels = {name for name in widgets.__all__ if (panel := live(f"{name}()")) and panel.html()}
    assert {*widgets.__all__} - panels == {"lab", "plot_valley", "valley_path", "valley_regime"}


def test_each_claim_shows_its_estimates_and_its_record(site):
    text = (site / "docs" / "claims.html").read_text(encoding="utf-8")
    parts = dict(re.findall(r'<section id="([\w-]+)">\n<h2>(.*?)</section>', text, re.DOTALL))
    for name, claim in CLAIMS.items():
        drawn = parts[name].count("<circle")
        numbers = defaultdict(dict, {each: vars(claim.numbers(each)) for each in claim.frameworks})
        values = [(key, numbers[framework].get(key)) for framework, key in quoted(claim)]
        assert drawn == sum(isinstance(value, Estimate) for _, value in values), name
        named = {key for key, value in values if isinstance(value, Estimate)}
        assert named == set(WORDS.get(name, ())), f"WORDS of tools/site_claims.py: {name}"
        assert f"{claim.experiment}.jsonl" in parts[name], name
    assert text.count('class="estimates"') > 20


@pytest.mark.parametrize(
    "low, high, found",
    [(0, 10, [0, 2, 4, 6, 8, 10]), (-0.3, 0.1, [-0.3, -0.2, -0.1, 0, 0.1]), (31, 93, [40, 60, 80])],
)
def test_ticks_are_few_and_round(low, high, found):
    assert ticks(low, high) == pytest.approx(found)


def test_the_reference_has_every_formula_and_its_example(site):
    for schedule in GALLERY.values():
        module, name = schedule.formula.__module__, schedule.formula.__name__
        text = (site / "api" / f"{module}.html").read_text(encoding="utf-8")
        assert f'id="{module}.{name}"' in text, name
    text = (site / "api" / "course_lib.pytorch.html").read_text(encoding="utf-8")
    assert 'id="course_lib.pytorch.TorchSchedule.update"' in text and "&gt;&gt;&gt;" in text


def test_the_index_of_names_lists_what_lessons_and_guides_import(site):
    sources = [*ROOT.glob("docs/guides/*.md"), *ROOT.glob("lessons/*.py"), ROOT / "README.md"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"^(?:# )?from (course_lib[.\w]*) import", text, re.MULTILINE))
    # What authors of claims and of widgets import from inside a package is no more public for it.
    assert {each for each in used if each.count(".") < 2} <= set(PUBLIC)
    index = (site / "genindex.html").read_text(encoding="utf-8")
    listed = set(re.findall(r'href="api/([.\w]+)\.html#', index))
    assert len(listed) > 10 and listed <= set(PUBLIC)
    assert (site / "api" / "course_lib.grade.walls.child.html").exists()


def test_a_wide_table_gets_room():
    narrow, wide = "| a |\n| --- |\n", f"| {'a' * 700} |\n| --- |\n"
    assert with_room(f"{narrow}\n{wide}") == f"{narrow}\n```{{container}} wide\n{wide}\n```\n"


def test_a_docstring_becomes_markdown():
    text = "Say <name> and `<b>`.\n\n>>> 1 + 1\n2\n\nThen more, for $5."
    assert docstring(text) == (
        "Say \\<name> and `<b>`.\n\n\n```pycon\n>>> 1 + 1\n2\n```\n\nThen more, for \\$5."
    )


# --- in a browser, without a network --------------------------------------------------------------


@pytest.fixture(scope="module")
def open_page(site):
    """Open a page of the site as a file; what it says or asks for in vain is kept in `wrong`."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)

        def opened(name):
            page = context.new_page()
            page.wrong = []
            page.on("requestfailed", lambda request: page.wrong.append(request.url))
            page.on("pageerror", lambda error: page.wrong.append(str(error)))
            page.on("console", lambda said: page.wrong.append(said.text))
            page.goto(f"{site.as_uri()}/{name}")
            return page

        yield opened


PLACES = ["index.html", "explorer.html", "exercises/05_warmup.html", "benchmarks/results.html"]
PLACES += [f"docs/{name}.html" for name in ("claims", "choosing", "rosetta", "benchmarks")]
PLACES += ["api/course_lib.schedules.html"]
WIDER = "document.documentElement.scrollWidth - innerWidth"
# What scrolls sideways and cannot be reached with the keyboard.
UNREACHABLE = """[...document.querySelectorAll(".content :is(pre, p, div)")].filter(each =>
  each.scrollWidth > each.clientWidth && each.tabIndex < 0 &&
  getComputedStyle(each).overflowX === "auto").map(each => each.outerHTML.slice(0, 80))"""


def test_pages_open_offline_live_and_fit_in_both_themes(site, open_page):
    guides = [f"docs/guides/{path.name}" for path in (site / "docs/guides").glob("*.html")]
    for name in PLACES + guides + [f"notebooks/{stem}.html" for stem in LESSONS]:
        page = open_page(name)
        for width, theme in ((1280, "light"), (800, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme)
            wider = page.evaluate(WIDER)
            assert wider <= 0, f"{name} is {wider} pixels wider than the window"
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
            assert (brightness > 128) == (theme == "light"), (name, theme, ground)
        for panel in page.locator(".lr-panel").all():  # no longer the still picture
            assert panel.locator(".lr-figure svg").count() >= 1, name
            assert panel.locator("input, select").count() >= 1, name
        assert page.evaluate(UNREACHABLE) == [], name
        assert page.wrong == [], name
        page.close()


def test_on_a_phone_figures_and_tables_scroll_and_are_not_shrunk(open_page):
    page = open_page("notebooks/03_step_and_exponential.html")
    page.set_viewport_size({"width": 390, "height": 844})
    figure = page.locator("p > img").first
    assert figure.bounding_box()["width"] > 500 and page.evaluate(WIDER) <= 0
    page.wait_for_function("document.querySelector('p:has(> img)').tabIndex === 0")
    assert page.evaluate(UNREACHABLE) == []
    page.close()


def test_on_a_phone_the_decision_guide_s_figure_shows_its_answers_without_scrolling(open_page):
    page = open_page("docs/choosing.html")
    page.set_viewport_size({"width": 390, "height": 844})
    figure = page.locator("p > img").first.bounding_box()
    assert figure["width"] > 340 and figure["x"] + figure["width"] <= 390
    page.close()


def test_a_missing_page_leads_back_from_any_folder(site, open_page):
    page = open_page("404.html")
    assert page.wrong == []
    there = "https://example.org/course/"

    def serve(route):
        known = route.request.url == f"{there}_static/favicon.svg"
        path = site / ("_static/favicon.svg" if known else "404.html")
        route.fulfill(path=path, status=200 if known else 404)

    page.route("**/*", serve)
    page.goto(f"{there}a/folder/that/is/not.html")
    start = page.get_by_role("link", name="Start")
    page.wait_for_function("document.querySelector('base') !== null")
    assert start.evaluate("link => link.href") == f"{there}index.html"
    page.close()


def test_the_explorer_lives_in_the_page(open_page):
    page = open_page("explorer.html")
    before = page.locator(".lr-code").inner_text()
    assert "peak_lr=0.1" in before
    cosine = page.get_by_role("group", name="cosine", exact=True)
    cosine.get_by_label("peak_lr", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "before => document.querySelector('.lr-code').innerText != before", arg=before
    )
    assert "peak_lr=0.1," not in page.locator(".lr-code").inner_text() and page.wrong == []
    page.close()


def test_the_explorer_s_picture_has_the_larger_part_of_the_page(open_page):
    page = open_page("explorer.html")
    picture, controls = (
        page.locator(f".lr-panel {part}").first.bounding_box()
        for part in (".lr-figure", ".lr-side")
    )
    assert picture["x"] + picture["width"] <= controls["x"]  # beside each other
    assert picture["width"] > controls["width"]
    page.close()


def test_formulas_are_shown_without_a_script(open_page):
    page = open_page("notebooks/05_warmup.html")
    box = page.locator(".formula math").first.bounding_box()
    assert box["width"] > 100 and box["height"] > 20
    assert page.locator("math mfrac").count() > 0
    page.close()
    page = open_page("notebooks/11_comparing_honestly.html")
    assert page.locator("math mo", has_text="±").count() > 0
    page.close()


def test_a_wide_table_fits_on_paper(open_page):
    page = open_page("docs/rosetta.html")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    page.emulate_media(media="print")
    table = page.locator("table.docutils").bounding_box()
    assert table["x"] + table["width"] <= 794
    page.close()


def test_what_is_folded_is_on_paper(open_page):
    page = open_page("notebooks/05_warmup.html")
    folded = page.locator("details:not([open]) img")
    shown = "all => all.map(each => each.checkVisibility({contentVisibilityAuto: true}))"
    assert folded.count() > 1 and not any(folded.evaluate_all(shown))
    page.emulate_media(media="print")
    assert all(folded.evaluate_all(shown))
    page.close()


FOCUSED = """() => {
  const e = document.activeElement, r = e.getBoundingClientRect();
  return {id: e.id, seen: r.right > 0 && r.left < innerWidth && e.checkVisibility(
    {visibilityProperty: true}), inside: !!e.closest("article"), text: e.textContent.trim()};
}"""


def test_menus_that_are_folded_are_opened_with_the_keyboard_and_take_no_tab_before(open_page):
    page = open_page("notebooks/05_warmup.html")
    page.set_viewport_size({"width": 900, "height": 600})
    stops = []
    while not (stops and stops[-1]["inside"]) and len(stops) < 60:
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
    assert len(stops) < 10 and all(each["seen"] for each in stops)
    names = page.locator("aside").evaluate_all("all => all.map((each) => each.ariaLabel)")
    assert names == ["Site", "Page"]  # landmarks, told apart
    assert [each["id"] for each in stops[:2]] == ["__navigation", "__toc"]
    menu = page.locator(".sidebar-drawer").get_by_role("link", name="Fixed rates on MNIST")
    page.locator("#__navigation").focus()
    assert menu.count() == 0
    page.keyboard.press("Space")
    menu.wait_for()
    page.keyboard.press("Space")
    page.locator("#__toc").focus()
    page.keyboard.press("Space")
    assert page.evaluate(FOCUSED)["text"].startswith("1. ")
    page.keyboard.press("Enter")
    assert page.url.endswith("#a-cold-start") and not page.locator("#__toc").is_checked()
    page.close()


def test_the_claims_pictures_have_the_colours_of_the_figures(open_page):
    page = open_page("docs/claims.html")
    color = "each => getComputedStyle(each).stroke.match(/\\d+/g).map(Number)"
    red, _, blue = page.locator(".estimates .torch").first.evaluate(color)
    assert blue > red
    red, _, blue = page.locator(".estimates .tensorflow").first.evaluate(color)
    assert red > blue
    page.close()


@pytest.mark.parametrize(
    ("sought", "first"),
    [("range test", "07_range_test"), ("restarts", "08_cycles"), ("one-cycle", "08_cycles")],
)
def test_a_search_finds_the_lesson_first(open_page, sought, first):
    page = open_page(f"search.html?q={sought.replace(' ', '+')}")
    page.get_by_text("Search finished").wait_for()
    found = page.locator("#search-results li > a").first.get_attribute("href")
    assert found.startswith(f"notebooks/{first}.html") and page.wrong == []
    page.close()


def test_the_search_works_without_a_server(open_page):
    page = open_page("search.html?q=warmup")
    page.locator("#search-results li a").first.wait_for()
    page.get_by_text("Search finished").wait_for()
    titles = page.locator("#search-results li > a").all_inner_texts()
    assert titles[0] == "Warmup" and "Warmup: solutions" in titles  # not the reference first
    assert "course_lib.formulas.warmups.warmup" in titles and page.wrong == []
    page.close()
