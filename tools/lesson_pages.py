"""The table of lessons, README.md which shows it, and the pages of docs/ (pages.py)."""

import re
from pathlib import Path

from lesson_cells import FOLDERS, LessonError, lessons, read_cells
from lesson_rules import exercise_minutes, headline
from measured import MARKED
from measured import readme as with_headlines
from pages import docs_pages


def lesson_table(root: Path, prefix: str = "", brief: bool = False) -> str:
    """The lessons as a Markdown table; `prefix` leads from the page to the root. A brief table has
    the first part of each promise, up to its first semicolon, and the exercises' minutes too."""
    rows = ["| No. | Lesson | Afterwards you can | Minutes |", "| --: | --- | --- | --: |"]
    for source in lessons(root):
        lesson = read_cells(source, said=False)
        title, promise, minutes = (p.replace("|", r"\|") for p in headline(source, lesson))
        if brief:
            promise = promise.partition(";")[0].rstrip(".")
            promise = f"{promise[:1].upper()}{promise[1:]}"
            minutes += f" + {exercise_minutes(lesson)}"
        texts = (title, "exercises", "solutions")
        links = [f"[{t}]({prefix}{f}/{source.stem}.ipynb)" for t, f in zip(texts, FOLDERS)]
        rows.append(f"| {int(source.name[:2])} | {' · '.join(links)} | {promise} | {minutes} |")
    return "\n".join(rows)


def readme(root: Path) -> str:
    """README.md as it should be: today's table of lessons, and the numbers of benchmarks/ where it
    has a place for them."""
    text = (root / "README.md").read_text(encoding="utf-8")
    between = re.compile(r"(?<=^<!-- lessons -->\n).*?(?=^<!-- /lessons -->$)", re.M | re.S)
    text, count = between.subn(lambda _: f"\n{lesson_table(root, brief=True)}\n\n", text)
    if count != 1:
        raise LessonError(
            "README.md: write the lines `<!-- lessons -->` and `<!-- /lessons -->` once, where the "
            f"table of lessons belongs; found {count} such pairs"
        )
    return with_headlines(text, root) if MARKED.search(text) else text


def pages(root: Path) -> dict[Path, str]:
    """README.md and the built pages of docs/, as they should be."""
    titles = {each: headline(each, read_cells(each, said=False))[0] for each in lessons(root)}
    try:
        return {root / "README.md": readme(root), **docs_pages(root, titles)}
    except (ValueError, OSError) as error:
        raise LessonError(f"docs/: {error}") from error
