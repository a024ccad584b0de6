"""docs/benchmarks.md and the numbers of README.md are those of the records in benchmarks/."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import measured  # noqa: E402
from measured import RecordError, ratios  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
RECORDS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.md"))
WITH_RATIOS = [name for name in RECORDS if name != "peers"]


def number(row):
    return float(re.search(r"[\d.]+", row["Ratio (spread)"])[0])


def test_the_numbers_of_the_readme_stand_on_the_page():
    shown = measured.MARKED.search(README).group().splitlines()
    lines = [line for line in shown if line.startswith("| ")]
    assert len(lines) == 2 + len(measured.HEADLINES)
    assert [line for line in lines if line not in PAGE.splitlines()] == []
    assert measured.readme(README) == README


def test_no_other_ratio_or_time_is_typed_into_the_readme():
    rest = measured.MARKED.sub("", README)
    assert re.findall(r"\*\*\d|\d (?:ms|µs|MB|MiB|updates/s)\b|\b\d+(?:\.\d+)? times\b", rest) == []


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_is_on_the_page(name):
    text = measured.read(ROOT, name)
    command, made = re.search(r"`(python benchmarks/\S+\.py)([\s\S]*?)\n\n", text).groups()
    assert (ROOT / command.split()[1]).exists()
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", text) and re.search(r"\bcommit [0-9a-f]{7}", made)
    assert re.search(r"\b\w+ \d+\.\d+", made), "versions"
    for line in text.splitlines()[1:]:
        assert re.sub("^##", "###", line) in PAGE, f"{name}: {line}"


def test_every_ratio_has_n_and_a_spread_and_its_record_a_machine():
    for name in WITH_RATIOS:
        assert re.search(r"x86_64|AMD|Intel|aarch64|Apple", measured.read(ROOT, name)), name
        for row in ratios(ROOT, name):
            spread = r"\*\*[\d.]+\*\* \((.+ to .+|95th percentile .+)\)"
            assert re.fullmatch(spread, row["Ratio (spread)"]), row
            assert re.match(r"\d+", row["n"]) and row["Ours"] and row["Peer's"] and row["Peer"], row


def test_ratios_of_the_grader_are_those_of_its_times():
    """The median of ratios lies near the ratio of medians: a column that was taken for another
    would not."""
    for row in ratios(ROOT, "grading"):
        ours, theirs = (float(row[head].split()[0]) for head in ("Ours", "Peer's"))
        assert number(row) == pytest.approx(theirs / ours, rel=0.25), row


def test_goals_that_are_missed_are_listed_first():
    listed = PAGE.partition("## Goals that are missed")[2].partition("\n## ")[0]
    for line in PAGE.splitlines():
        if "MISSED" in line and line.startswith("|"):
            assert f"- {line.split(' | ')[0].strip('| ')}: " in listed, line
    assert ("None today." in listed) == ("MISSED" not in PAGE)


# What README.md says in words about the rows of other tables, so that new numbers find old words.
@pytest.mark.parametrize(
    "words, name, what, peer, low, high",
    [
        ("Keras's own is [as fast]", "results", "tf.function", "", 0.9, 1.1),
        ("[about ours]", "finder", "one iteration", "torch-lr-finder", 0.7, 1.4),
        ("Another runner: [faster]", "grading", "", "nbgrader", 2.0, 1e9),
        ("costs less", "grading", "", "otter", 2.0, 1e9),
    ],
)
def test_the_words_of_the_readme_about_speed_hold(words, name, what, peer, low, high):
    assert words in README, "the words are gone: take the line out of this test"
    rows = [x for x in ratios(ROOT, name) if what in x["What"] and x["Peer"].startswith(peer)]
    found = [number(row) for row in rows]
    assert found and all(low < ratio < high for ratio in found), (words, found)


def test_suggestions_are_about_as_good_as_the_peers_as_the_readme_says():
    finders = r"\| (`steepest`, beta 0.9|torch-lr-finder, its default) \|.*\| ([\d.]+) \|"
    errors = re.findall(finders, PAGE)
    (_, ours), (_, theirs) = errors
    assert abs(float(ours) - float(theirs)) < 0.1


# --- the reader of records can fail ---------------------------------------------------------------

GOOD = """\
# A record

- made on 2026-11-21 by `python benchmarks/results.py`
- AMD EPYC; Python 3.11.7, torch 2.13.0

| What | Ours | Peer's | Peer | Ratio (spread) | n | Goal |
| --- | --- | --- | --- | --- | --- | --- |
| a | 1 ms | 2 ms | b | **2.00** (1.90 to 2.10) | 5 |  |
| c | 1 ms | 1 ms | d | **1.00** (0.90 to 1.10) | 5 | 2: MISSED |

## More

| Lesson | torch | Goal |
| --- | --- | --- |
| one | 91 s | 90 s: MISSED |
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "benchmarks").mkdir(exist_ok=True)
        for name in measured.RECORDS:
            (tmp_path / "benchmarks" / f"{name}.md").write_text(text)
        return tmp_path

    return write


def test_the_programs_write_the_columns_that_are_looked_for():
    text = (ROOT / "benchmarks" / "run.py").read_text(encoding="utf-8")
    assert f"RATIOS = {json.dumps(measured.RATIOS)}\n" in text


def test_a_record_is_read(write):
    root = write(GOOD)
    first, second = ratios(root, "results")
    assert [*first.values()] == ["a", "1 ms", "2 ms", "b", "**2.00** (1.90 to 2.10)", "5", ""]
    assert second["Goal"] == "2: MISSED"
    shown = measured.part(root, "results")
    assert shown.startswith("- made on 2026-11-21") and "\n\n### More\n\n| Lesson" in shown
    assert measured.part(root, "missed").splitlines()[:2] == [
        "- c: ours 1 ms; peer's 1 ms; peer d; ratio (spread) **1.00** (0.90 to 1.10); n 5; "
        "goal 2: MISSED",
        "- one: torch 91 s; goal 90 s: MISSED",
    ]
    assert measured.part(write(GOOD.replace("MISSED", "met")), "missed") == "None today."


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("`python benchmarks/results.py`", "hand", "begin with a title and what made it"),
        ("Ratio (spread)", "Ratio", "one table of What, Ours"),
        ("## More", GOOD[GOOD.index("| What") : GOOD.index("\n##")], "one table of What, Ours"),
    ],
)
def test_a_record_without_what_is_needed_is_an_error_that_names_it(write, old, new, words):
    with pytest.raises(RecordError, match=f"benchmarks/results.md has to .*{words}"):
        ratios(write(GOOD.replace(old, new)), "results")


def test_unknown_parts_and_lost_markers_are_errors(write):
    with pytest.raises(RecordError, match=r"a part must be one of missed, results, .*got 'speed'"):
        measured.part(ROOT, "speed")
    with pytest.raises(RecordError, match="needs `<!-- measured -->`"):
        measured.readme("# Nothing")
    with pytest.raises(RecordError, match="found 2"):
        measured.readme(2 * README)
    with pytest.raises(RecordError, match="one row of grade one more notebook"):
        measured.headlines(write(GOOD))
