"""docs/benchmarks.md and the numbers of README.md, from the records in benchmarks/*.md.

A record is written by the program that measured; nothing of it is typed again. The page shows each
record whole. Its table with the columns of `RATIOS` is what README.md takes its rows from.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RATIOS = ["What", "Ours", "Peer's", "Peer", "Ratio (spread)", "n", "Goal"]
RECORDS = ("results", "grading", "finder", "widgets", "peers")  # the last one compares no times
MARKED = re.compile(r"(?<=^<!-- measured -->\n).*?(?=^<!-- /measured -->$)", re.M | re.S)
# The rows that README.md shows: record, how `What` begins, peer.
HEADLINES = (
    ("grading", "grade one more notebook, *schedules*", "nbgrader"),
    ("results", "`TorchSchedule.step()`", "`CosineAnnealingLR.step()`"),
    ("results", "SGD update under `KerasSchedule`, cosine, tf.function", "same SGD"),
    ("widgets", "explorer, one schedule", "`interact`"),
)


class RecordError(ValueError):
    """A record that does not hold what the page promises."""


def read(root: Path, name: str) -> str:
    text = (root / "benchmarks" / f"{name}.md").read_text(encoding="utf-8")
    if not re.match(r"# .+\n\n- made on .*`python\sbenchmarks/", text):
        raise RecordError(f"benchmarks/{name}.md has to begin with a title and what made it")
    return text


def tables(text: str) -> Iterator[list[dict[str, str]]]:
    """The rows of each table of a text, by the names of their columns."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        heads, _, *rows = [
            [each.strip() for each in line.strip("|").split(" | ")] for line in table.splitlines()
        ]
        yield [dict(zip(heads, row)) for row in rows]


def ratios(root: Path, name: str) -> list[dict[str, str]]:
    """Ours beside peers; a ratio is the peer's over ours, above 1 where ours needs less."""
    found = [rows for rows in tables(read(root, name)) if rows and [*rows[0]] == RATIOS]
    if len(found) != 1:
        raise RecordError(f"benchmarks/{name}.md has to hold one table of {', '.join(RATIOS)}")
    return found[0]


def part(root: Path, name: str) -> str:
    """What stands for `{{measured: NAME}}` in docs/templates/benchmarks.md."""
    if name == "missed":
        return missed(root)
    if name not in RECORDS:
        raise RecordError(f"a part must be one of missed, {', '.join(RECORDS)}, got {name!r}")
    _, body = read(root, name).split("\n\n", 1)
    return re.sub("^##", "###", body, flags=re.M).rstrip()


def missed(root: Path) -> str:
    """Every goal that was not met."""
    found = []
    for name in RECORDS:
        for row in (row for rows in tables(read(root, name)) for row in rows):
            if "MISSED" in row.get("Goal", ""):
                (_, what), *others = row.items()
                told = "; ".join(f"{head.lower()} {cell}" for head, cell in others if cell)
                found.append(f"- {what}: {told}")
    return "\n".join(found) or "None today."


def headlines(root: Path) -> str:
    """The few rows that README.md shows, each as its record has it."""
    lines = [RATIOS, ["---"] * len(RATIOS)]
    for name, what, peer in HEADLINES:
        found = [
            [*row.values()]
            for row in ratios(root, name)
            if row["What"].startswith(what) and row["Peer"].startswith(peer)
        ]
        if len(found) != 1:
            raise RecordError(f"benchmarks/{name}.md has to hold one row of {what} beside {peer}")
        lines += found
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def readme(text: str, root: Path = ROOT) -> str:
    """The text of README.md with today's headlines between its two markers."""
    text, count = MARKED.subn(lambda _: f"\n{headlines(root)}\n\n", text)
    if count != 1:
        raise RecordError(f"README.md needs `<!-- measured -->` and its end once, found {count}")
    return text
