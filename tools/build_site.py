"""Build the site: every page of the course as static HTML, which needs no server and no network.

    python tools/build_site.py                    into build/site
    python tools/build_site.py --out FOLDER       somewhere else
    python tools/build_site.py --only 05 06       of the lessons, only these (for a quick look)

The pages are gathered as Markdown in the tree of the repository, so that their links hold, and
Sphinx does the rest (site/conf.py). A link that leads nowhere stops the build.

This file is the command. Its rooms are beside it, and each imports only the first of them:

    site_pages.py       the pages, and their links
    site_notebooks.py   lessons, exercises and solutions, with live widgets
    site_claims.py      the claims, with their intervals drawn
    site_api.py         the reference, from the docstrings
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from site_api import api_pages
from site_claims import claims_page
from site_notebooks import KINDS, notebook_page, raw
from site_pages import FOLDERS, ROOT, SITE, Pages, fenced, with_room


def gather(staging: Path, only: list[str]) -> Pages:
    """All pages, as Markdown."""
    from course_lib.widgets import explore

    stems = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    lessons = [each for each in stems if not only or each[:2] in only]
    if not lessons:
        numbers = ", ".join(each[:2] for each in stems)
        raise SystemExit(f"--only must name lessons among {numbers}; got {' '.join(only)}")
    pages = Pages(staging, lessons)
    for folder in KINDS:
        for stem in lessons:
            notebook_page(pages, ROOT / folder / f"{stem}.ipynb")
    claims_page(pages)
    api_pages(pages)
    for path in (each for folder in ("", *FOLDERS) for each in (ROOT / folder).glob("*.md")):
        name = pages.page_of(path)
        if name and name not in ("index.md", "docs/claims.md"):
            text = pages.bend(path.read_text(encoding="utf-8"), path, name)
            pages.file(name, with_room(text))
    text = (SITE / "explorer.md").read_text(encoding="utf-8")
    pages.file("explorer.md", text.replace("{panel}", raw(pages, "explorer", explore())))
    found = sorted(path.relative_to(staging).as_posix() for path in staging.rglob("*.md"))
    for folder in ("exercises", "solutions"):
        listed = [
            numbered(pages, each).replace(f"<{folder}/", "<")
            for each in found
            if each.startswith(f"{folder}/")
        ]
        text = (SITE / f"{folder}.md").read_text(encoding="utf-8")
        pages.file(f"{folder}/index.md", text + toctree(listed, titlesonly=True))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    readme = pages.bend(readme, ROOT / "README.md", "index.md")
    pages.file("index.md", f"{readme}\n\n{contents(pages, found)}")
    return pages


def numbered(pages: Pages, name: str) -> str:
    """An entry of the contents for a lesson, with its number."""
    title = (pages.staging / name).read_text(encoding="utf-8").partition("\n")[0].strip("# ")
    title = re.sub(r": (exercises|solutions)$", "", title)
    return f"{int(Path(name).name[:2])}. {title} <{name}>"


def contents(pages: Pages, found: list[str]) -> str:
    """What the side of every page lists."""
    docs = [each for each in found if re.fullmatch(r"docs/[^/]+\.md", each)]
    records = [each for each in found if each.startswith("benchmarks/")]
    evidence = ["docs/claims.md", "docs/benchmarks.md", *records]
    project = ["CHANGELOG.md", "CONTRIBUTING.md", "docs/licences.md"]
    guides = [each for each in found if each.startswith("docs/guides/")] + ["docs/grading.md"]
    groups = {
        "Course": [numbered(pages, each) for each in found if each.startswith("notebooks/")],
        "To try and look up": ["explorer.md", "exercises/index.md", "solutions/index.md"],
        "Guides": guides,
        "Evidence": evidence,
        "Reference": ["api/index.md"],
        "Project": [each for each in found if each in project],
    }
    elsewhere = {name for names in groups.values() for name in names}
    groups["To try and look up"] += [each for each in docs if each not in elsewhere]
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

    if out.exists() and any(out.iterdir()) and not (out / "objects.inv").exists():
        raise SystemExit(
            "--out must be a new or empty folder, or one with a site, which is replaced; "
            f"got {out}, which holds something else"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that the last site stays until this one is whole.
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        staging, site = Path(work, "source"), Path(work, "site")
        pages = gather(staging, only)
        if pages.broken:
            raise SystemExit("links that lead nowhere:\n" + "\n".join(pages.broken))
        flags = ["-q", "-E", "-W", "--keep-going", "-c", str(SITE), "-d", str(Path(work, "trees"))]
        if build_main([*flags, str(staging), str(site)]):
            raise SystemExit("the site is not complete: fix what is said above, and build again")
        for name in pages.kept:
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(staging / name, site / name)
        shutil.rmtree(out, ignore_errors=True)
        site.rename(out)
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
