"""The pages of docs/ that stand on records: claims.md, and every docs/templates/NAME.md.

A template is docs/NAME.md as it will be, with {{claim-id}} where the sentence of a claim belongs,
{{measured: NAME}} for a table of measurements (measured.py), and {{rosetta: table}} for that one.
"""

import re
from pathlib import Path

import measured

from course_lib import claims
from course_lib.claims import records
from course_lib.rosetta import ROSETTA, Row, table

CLAIM = re.compile(r"\{\{([\w-]+)\}\}")
NAMES = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
PART = re.compile(r"^\{\{(measured|rosetta): ([\w-]+)\}\}$", re.M)

INTRODUCTION = """\
# Claims

Every sentence of the course with a number that no cell of its notebook shows is listed here, with
the recorded runs behind it. A record is a file of `records/`: one line per run, with its seed,
versions, processor and commit; a `+` behind the commit says that the library had changes on top of
it. `lr-course reproduce NAME` makes the runs again on your machine, compares them with ours, and
says whether the sentence still holds; it goes on where it was interrupted. A sentence holds in each
framework that its claim names; where it quotes one, the other's numbers stand below it.

A number like 0.21 [0.10, 0.33] is a mean over n seeds with its 95 % interval (Student's t); one
like 1.55 [1.02, 2.36] times is a ratio of two spreads, with the interval of Pitman's and Morgan's
test. A seed sets the initial weights and the order of the images, and a difference is paired: the
runs of one seed share both. The interval is about other seeds, and of 100 such intervals about 5
miss. It says nothing about other networks, other data, or other test images: an accuracy p on
10,000 images is uncertain by another 1.96 sqrt(p (1 - p) / 10,000), and a gap of two by the images
on which they disagree (lesson 11, section 3).
"""


def with_claims(text: str, docs: str) -> str:
    """The text with the sentence of each claim where it says {{its-id}}, and a link to the claim's
    place on the page of claims; `docs` leads to that page's folder."""

    def sentence(found: re.Match) -> str:
        id = found[1]
        said = claims.say(id)
        claim = claims.CLAIMS[id]
        agree = "".join(f"; {NAMES[each]} agrees" for each in claim.others)
        return f"{said} ([claim `{id}`]({docs}claims.md#{id}), n = {claim.seeds()}{agree})"

    return CLAIM.sub(sentence, text)


def with_parts(text: str, root: Path) -> str:
    """The text with its tables of measurements and of translations."""

    def part(found: re.Match) -> str:
        return rosetta() if found[1] == "rosetta" else measured.part(root, found[2])

    return PART.sub(part, text)


def rosetta() -> str:
    """The table of translations, less the schedules that nobody else has: so a new one of ours
    makes no page old."""
    nobody = {key for key, row in ROSETTA.items() if row == Row()}
    return "\n".join(line for line in table().splitlines() if line.split()[1] not in nobody)


def docs_pages(root: Path, titles: dict[Path, str]) -> dict[Path, str]:
    """The built pages of docs/ as they should be; `titles` names each lesson's source."""
    found = {
        root / "docs" / path.name: with_parts(
            with_claims(path.read_text(encoding="utf-8"), ""), root
        )
        for path in sorted((root / "docs" / "templates").glob("*.md"))
    }
    return {root / "docs" / "claims.md": claims_page(root, titles), **found}


def uses(root: Path, titles: dict[Path, str]) -> dict[str, list[str]]:
    """Links to where each claim is said, by its id."""
    places = {
        path: f"[lesson {int(path.name[:2])}, {title}](../notebooks/{path.stem}.ipynb)"
        for path, title in titles.items()
    }
    for path in sorted((root / "docs" / "templates").glob("*.md")):
        title = re.match(r"# (.+)", path.read_text(encoding="utf-8"))
        places[path] = f"[{title[1] if title else path.stem}]({path.name})"
    found: dict[str, list[str]] = {}
    for path, link in places.items():
        for id in dict.fromkeys(CLAIM.findall(path.read_text(encoding="utf-8"))):
            found.setdefault(id, []).append(link)
    return found


def claims_page(root: Path, titles: dict[Path, str]) -> str:
    """docs/claims.md: every claim, its runs, who says it, and how to make them again."""
    said_in = uses(root, titles)
    blocks = [INTRODUCTION]
    for id, claim in claims.CLAIMS.items():
        names = (claim.experiment, *claim.also)
        lines = [
            line
            for name in names
            for line in records.read(name)
            if line["framework"] in claim.frameworks
        ]
        sentence, seeds = "*There is no record of it yet.*", "none"
        if claim.is_recorded():
            sentence = claim.whole()
            seeds = f"{claim.seeds()} in {' and in '.join(claim.frameworks)}"
        titles_of = (f"`{name}`, {claims.EXPERIMENTS[name].title}" for name in names)
        rows = {
            **{f"In {NAMES[each]}": claim.whole(each) for each in claim.others if lines},
            "Experiment": "; ".join(titles_of),
            "Seeds": seeds,
            **made_with(lines),
            "Said in": ", ".join(said_in.get(id, ["nowhere"])),
            "Again": f"`lr-course reproduce {id}`",
        }
        listed = "\n".join(f"- {key}: {text}" for key, text in rows.items() if text)
        blocks.append(f"## {id}\n\n> {sentence}\n\n{listed}\n")
    return "\n".join([*blocks, experiments_table()])


def made_with(lines: list[records.Line]) -> dict[str, str]:
    """What the runs were made with, each thing once."""

    def each(texts) -> str:
        return "; ".join(sorted(set(texts)))

    versions = {
        f"{package} {number}" for line in lines for package, number in line["versions"].items()
    }
    return {
        "Data": each(line["data"] for line in lines),
        "Versions": each(versions | {f"Python {line['python']}" for line in lines}),
        "Hardware": each(line["hardware"] for line in lines),
        "Commits": each(f"`{line['commit']}`" for line in lines),
    }


def experiments_table() -> str:
    """Every experiment, and how much of it is on record."""
    rows = [
        "## All experiments",
        "",
        "Also what only a figure stands on. `lr-course reproduce EXPERIMENT` makes one again.",
        "",
        "| experiment | question | variants | seeds | frameworks | runs on record | minutes |",
        "| --- | --- | --: | --: | --- | --: | --: |",
    ]
    for name, experiment in claims.EXPERIMENTS.items():
        lines = records.read(name)
        minutes = sum(line.get("seconds", 0) for line in lines) / 60
        parts = [
            f"`{name}`",
            experiment.title.replace("|", r"\|"),
            str(len(experiment.variants)),
            str(experiment.seeds),
            ", ".join(experiment.frameworks),
            str(len(lines)),
            f"{minutes:.0f}" if minutes else "-",
        ]
        rows.append(f"| {' | '.join(parts)} |")
    return "\n".join(rows) + "\n"
