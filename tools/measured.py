"""The numbers of docs/benchmarks.md and of README.md, read from the records in benchmarks/*.md.

A record is written by the program that measured; nothing of it is typed again. A record without
what is looked for is an error that names it.
"""

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEADS = ("What", "Ours", "Peer's", "Peer", "Ratio (spread)", "n", "Goal")
MARKED = re.compile(r"(?<=^<!-- measured -->\n).*?(?=^<!-- /measured -->$)", re.M | re.S)
# The rows that README.md shows: record, how `what` begins, peer.
HEADLINES = (
    ("grading", "grade one more notebook, *schedules*", "nbgrader"),
    ("results", "`TorchSchedule.step()`", "`CosineAnnealingLR.step()`"),
    ("results", "SGD update under `KerasSchedule`, cosine, tf.function", "same SGD"),
    ("widgets", "explorer, one schedule", "`interact`"),
)


class RecordError(ValueError):
    """A record that does not hold what this page promises."""


@dataclass(frozen=True)
class Row:
    """Ours beside a peer's; the ratio is the peer's over ours, above 1 where ours needs less."""

    what: str
    ours: str
    theirs: str
    peer: str
    ratio: str
    n: str
    goal: str = ""


@dataclass(frozen=True)
class Record:
    """One file of benchmarks/."""

    name: str
    text: str

    @classmethod
    def read(cls, root: Path, name: str) -> "Record":
        return cls(name, (root / "benchmarks" / f"{name}.md").read_text(encoding="utf-8"))

    def about(self) -> list[str]:
        """Command, date, machine and versions: the list at the top, or what follows "Made by"."""
        listed = re.search(r"\A# .+\n\n((?:- .+\n(?:  .+\n)*)+)", self.text)
        if listed:
            entries = re.split(r"^- ", listed[1], flags=re.M)[1:]
        else:
            said = re.search(r"Made by (`.+?)\.\n\n", self.text, re.S)
            entries = [f"made by {said[1]}"] if said else []
        if "`python benchmarks/" not in " ".join(entries):
            raise self.error("a list at the top that names the command, `python benchmarks/...`")
        return [" ".join(each.split()) for each in entries]

    def table(self, *heads: str) -> list[dict[str, str]]:
        """The rows of the first table that has these columns."""
        lines = self.text.splitlines()
        for number, line in enumerate(lines[1:]):
            titles = cells(lines[number])
            if re.fullmatch(r"\|[ :|-]*-[ :|-]*\|", line) and set(heads) <= set(titles):
                rows = []
                for each in lines[number + 2 :]:
                    if not each.startswith("|"):
                        break
                    rows.append(dict(zip(titles, cells(each))))
                return rows
        raise self.error(f"a table with the columns {', '.join(heads)}")

    def find(self, pattern: str, what: str) -> re.Match[str]:
        found = re.search(pattern, self.text, re.M)
        if not found:
            raise self.error(what)
        return found

    def error(self, wanted: str) -> RecordError:
        return RecordError(f"benchmarks/{self.name}.md has to hold {wanted}; tools/measured.py")


def cells(line: str) -> list[str]:
    return [each.strip() for each in line.strip().strip("|").split(" | ")]


def markdown(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(each)} |" for each in lines)


# --- what each record holds -----------------------------------------------------------------------


def results(record: Record) -> Iterator[Row]:
    heads = ("What", "Ours", "Peer's", "Peer", "Ratio (range)", "n", "Goal")
    for row in record.table(*heads):
        yield Row(*(row[head] for head in heads))


def grading(record: Record) -> Iterator[Row]:
    over = "Over ours with one job"
    rows = record.table("Notebook: grader", "One more, s", over, "n x turns", "Goal")
    ours: dict[str, dict[str, str]] = {}
    for row in rows:
        notebook, _, grader = row["Notebook: grader"].partition(": ")
        n, seconds = row["n x turns"], f"{row['One more, s'].partition(' ')[0]} s"
        if grader == "ours, --jobs 1":
            ours[notebook] = row
            continue
        if notebook not in ours:
            raise record.error(f"`{notebook}: ours, --jobs 1` before the others of {notebook}")
        one = f"{ours[notebook]['One more, s'].partition(' ')[0]} s"
        what = f"grade one more notebook, *{notebook}*"
        median, low, high = map(float, re.findall(r"[\d.]+", row[over]))
        if grader.startswith("ours"):  # beside itself: how much the second job brings
            ratio = f"**{1 / median:.2f}** ({1 / high:.2f} to {1 / low:.2f})"
            yield Row(f"{what}, two jobs", seconds, one, "ours, one job", ratio, n)
        else:
            ratio = f"**{median:g}** ({low:g} to {high:g})"
            yield Row(what, one, seconds, grader, ratio, n, row["Goal"])


def finder(record: Record) -> Iterator[Row]:
    found = record.find(
        r"ours ([\d.]+ ms), (.+?) ([\d.]+ ms); theirs over ours (\*\*.+?\*\* \(.+?\)), n = (\d+)",
        "the time of one iteration, ours and theirs",
    )
    ours, peer, theirs, ratio, n = found.groups()
    yield Row("range test, one iteration", ours, theirs, peer, ratio, n)


def widgets(record: Record) -> Iterator[Row]:
    rows = record.table("What", "Median", "95th percentile", "Pictures", "Goal")
    peers = [row for row in rows if row["What"].endswith("(the peer)")]
    if len(peers) != 1:
        raise record.error("one row whose name ends with `(the peer)`")

    def both(row: dict[str, str]) -> list[float]:
        return [float(row[head].strip("* ms")) for head in ("Median", "95th percentile")]

    peer = peers[0]["What"].removesuffix(" (the peer)")
    for row in rows:
        if row is not peers[0]:
            (ours, late), (theirs, their_late) = both(row), both(peers[0])
            ratio = f"**{theirs / ours:.1f}** (95th percentile {their_late / late:.1f})"
            shown = [f"{a:g} ms (95th {b:g})" for a, b in ((ours, late), (theirs, their_late))]
            yield Row(row["What"], *shown, peer, ratio, row["Pictures"], row["Goal"])


RATIOS = {"results": results, "grading": grading, "finder": finder, "widgets": widgets}


def rows(root: Path, name: str) -> list[Row]:
    """Every ratio of a record."""
    return list(RATIOS[name](Record.read(root, name)))


# --- parts of docs/benchmarks.md ------------------------------------------------------------------


def part(root: Path, name: str) -> str:
    """What stands for `{{measured: NAME}}` in docs/templates/benchmarks.md."""
    kind, _, of = name.partition("-")
    if kind == "about":
        record = Record.read(root, of)
        title = record.find(r"\A# (.+)$", "a title in its first line")[1]
        entries = [*record.about(), f"the whole record: [{title}](../benchmarks/{of}.md)"]
        return "\n".join(f"- {each}" for each in entries)
    if name in RATIOS:
        return markdown(HEADS, [astuple(row) for row in rows(root, name)])
    if name not in PARTS:
        known = [*RATIOS, *(f"about-{each}" for each in (*RATIOS, "peers")), *PARTS]
        raise RecordError(f"a part must be one of {', '.join(known)}, got {name!r}")
    return PARTS[name](root)


def copied(name: str, *heads: str):
    """A table of a record, these columns of it."""

    def table(root: Path) -> str:
        found = Record.read(root, name).table(*heads)
        return markdown(heads, [tuple(row[head] for head in heads) for row in found])

    return table


def memory(root: Path) -> str:
    """Seconds and memory of each grader, with the goals in seconds; those for ratios stand beside
    the ratios."""
    heads = (
        "Notebook: grader",
        "One more, s",
        "Start, s",
        "Own memory, MB",
        "All together, MB",
        "Scores right",
        "Goal",
    )
    found = []
    for row in Record.read(root, "grading").table(*heads):
        if not row["Goal"].partition(":")[0].endswith(" s"):
            row = {**row, "Goal": ""}
        found.append(tuple(row[head] for head in heads))
    return markdown(heads, found)


def crowd(root: Path) -> str:
    """The list of the class of many submissions."""
    record = Record.read(root, "grading")
    found = record.find(r"^## A class.*\n\n\|.*\n\|.*\n((?:\|.*\n)+)", "the section `## A class`")
    return markdown(("A class", "Measured"), [tuple(cells(line)) for line in found[1].splitlines()])


def suggestions(root: Path) -> str:
    """Ours as `find_lr` makes them unless told otherwise, and the peer's."""
    record = Record.read(root, "finder")
    best = record.find(r"^Best of .+$", "the sentence `Best of ...`")[0]
    heads = ("Finder", "Suggestion, median (range)", "Error in decades, median")
    kept = [
        tuple(row[head] for head in heads)
        for row in record.table(*heads)
        if "beta" not in row["Finder"] or row["Finder"].endswith("beta 0.9")
    ]
    return f"{best}\n\n{markdown(heads, kept)}"


def parity(root: Path) -> str:
    """For each peer how many schedules were compared, and the worst difference of all."""
    worst: dict[str, list[float]] = {}
    for row in Record.read(root, "peers").table("peer", "schedule", "largest difference"):
        worst.setdefault(row["peer"], []).append(float(row["largest difference"]))
    heads = ("Peer", "Schedules compared", "Largest difference, share of the peak")
    return markdown(heads, [(peer, str(len(x)), f"{max(x):.1e}") for peer, x in worst.items()])


def missed(root: Path) -> str:
    """Every goal that was not met, of a ratio or of ours alone."""
    found = []
    for name in RATIOS:
        for row in rows(root, name):
            if "MISSED" in row.goal:
                told = f"{row.what}: {row.ours}, {row.peer} {row.theirs}, ratio {row.ratio}"
                found.append(f"- {told}; the goal was {row.goal.partition(':')[0]}")
    for name, head, shown in OF_OURS:
        for each in Record.read(root, name).table(head, shown, "Goal"):
            if "MISSED" in each["Goal"] and each["Goal"].partition(":")[0].endswith(" s"):
                goal = each["Goal"].partition(":")[0]
                found.append(f"- {each[head]}: {each[shown]}; the goal was {goal}")
    return "\n".join(found) or "None today."


# Tables with goals in seconds, for ours alone: record, what, seconds.
OF_OURS = (("grading", "Notebook: grader", "One more, s"), ("results", "Lesson", "tensorflow"))

PARTS = {
    "missed": missed,
    "lessons": copied("results", "Lesson", "torch", "tensorflow", "Goal"),
    "memory": memory,
    "isolation": copied("grading", "Notebook: isolation", "One more, s", "More for each, ms"),
    "class": crowd,
    "suggestions": suggestions,
    "opening": copied("widgets", "What", "Opening", "Heap"),
    "peers": parity,
}


# --- README.md ------------------------------------------------------------------------------------


def headlines(root: Path) -> str:
    """The few rows that README.md shows, each as docs/benchmarks.md has it."""
    chosen = []
    for name, what, peer in HEADLINES:
        found = [r for r in rows(root, name) if r.what.startswith(what) and r.peer.startswith(peer)]
        if len(found) != 1:
            raise Record(name, "").error(f"one row of {what} beside {peer}, found {len(found)}")
        chosen.append(astuple(found[0]))
    return markdown(HEADS, chosen)


def readme(text: str, root: Path = ROOT) -> str:
    """The text of README.md with today's headlines between its two markers."""
    text, count = MARKED.subn(lambda _: f"\n{headlines(root)}\n\n", text)
    if count != 1:
        raise RecordError(f"README.md needs `<!-- measured -->` and its end once, found {count}")
    return text
