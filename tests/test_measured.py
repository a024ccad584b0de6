"""docs/benchmarks.md and the numbers of README.md are those of the records in benchmarks/."""

import re
import sys
from dataclasses import astuple
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import measured  # noqa: E402
from measured import Record, RecordError, rows  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
RECORDS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.md"))


def test_the_readme_shows_the_numbers_of_today():
    assert measured.readme(README) == README, "run make notebooks ARGS=--pages"


def test_the_numbers_of_the_readme_stand_on_the_page():
    shown = measured.MARKED.search(README).group().splitlines()
    lines = [line for line in shown if line.startswith("| ")]
    assert len(lines) == 2 + len(measured.HEADLINES)
    assert [line for line in lines if line not in PAGE.splitlines()] == []


def test_no_other_ratio_or_time_is_typed_into_the_readme():
    rest = measured.MARKED.sub("", README)
    assert re.findall(r"\*\*\d|\d (?:ms|µs|MB|MiB|updates/s)\b|\b\d+(?:\.\d+)? times\b", rest) == []


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_is_on_the_page_with_its_command_and_every_ratio(name):
    text = (ROOT / "benchmarks" / f"{name}.md").read_text(encoding="utf-8")
    (command,) = set(re.findall(r"`(python benchmarks/[^`]+)`", text))
    assert f"`{command}`" in PAGE and f"(../benchmarks/{name}.md)" in PAGE
    script = command.split()[1]
    assert (ROOT / script).exists()
    for ratio in re.findall(r"\*\*[\d.]+\*\* \([\d.]+ to [\d.]+\)", text):
        assert ratio in PAGE, f"{name}: {ratio}"


def test_the_records_name_machine_and_versions():
    for name in measured.RATIOS:
        told = " ".join(Record.read(ROOT, name).about())
        assert re.search(r"x86_64|AMD|Intel|aarch64|Apple", told), name
        assert re.search(r"\b\w+ \d+\.\d+", told), name


@pytest.mark.parametrize("name", RECORDS)
def test_every_record_says_when_it_was_made_and_which_commit_has_the_code(name):
    told = " ".join(Record.read(ROOT, name).about())
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", told) and re.search(r"\bcommit [0-9a-f]{7}", told)


def test_every_ratio_has_n_and_a_spread():
    for name in measured.RATIOS:
        found = rows(ROOT, name)
        assert found, name
        for row in found:
            assert re.fullmatch(r"\*\*[\d.]+\*\* \((.+ to .+|95th percentile .+)\)", row.ratio), row
            assert re.match(r"\d+", row.n) and row.ours and row.theirs and row.peer, row


def test_ratios_of_the_grader_are_those_of_its_times():
    """The median of ratios lies near the ratio of medians: a column that was taken for another
    would not."""
    for row in rows(ROOT, "grading"):
        ours, theirs = (float(each.split()[0]) for each in (row.ours, row.theirs))
        ratio = float(re.findall(r"[\d.]+", row.ratio)[0])
        assert ratio == pytest.approx(theirs / ours, rel=0.25), row


def test_goals_that_are_missed_are_listed_first():
    listed = PAGE.partition("## Goals that are missed")[2].partition("\n## ")[0]
    for line in PAGE.splitlines():
        if "MISSED" in line:
            assert f"- {line.split(' | ')[0].strip('| ')}" in listed, line
    assert ("None today." in listed) == ("MISSED" not in PAGE)


# What README.md says in words about the rows of other tables, so that new numbers find old words.
@pytest.mark.parametrize(
    "words, name, what, peer, low, high",
    [
        ("Keras's own is [as fast or faster]", "results", "tf.function", "", 0.0, 1.05),
        ("[about ours]", "finder", "one iteration", "torch-lr-finder", 0.7, 1.4),
        ("Another runner: [faster]", "grading", "", "nbgrader", 2.0, 1e9),
        ("costs less", "grading", "", "otter", 2.0, 1e9),
    ],
)
def test_the_words_of_the_readme_about_speed_hold(words, name, what, peer, low, high):
    assert words in README, "the words are gone: take the line out of this test"
    found = [row for row in rows(ROOT, name) if what in row.what and row.peer.startswith(peer)]
    ratios = [float(re.findall(r"[\d.]+", row.ratio)[0]) for row in found]
    assert ratios and all(low < ratio < high for ratio in ratios), (words, ratios)


def test_suggestions_are_about_as_good_as_the_peers_as_the_readme_says():
    finders = r"\| (`steepest`, beta 0.9|torch-lr-finder, its default) \|.*\| ([\d.]+) \|"
    errors = re.findall(finders, PAGE)
    (_, ours), (_, theirs) = errors
    assert abs(float(ours) - float(theirs)) < 0.1


# --- the reader of records can fail ---------------------------------------------------------------

GOOD = """\
# A record

- made by `python benchmarks/results.py`
- AMD EPYC; Python 3.11.7,
  torch 2.13.0

| What | Ours | Peer's | Peer | Ratio (range) | n | Goal |
| --- | --- | --- | --- | --- | --- | --- |
| a | 1 ms | 2 ms | b | **2.00** (1.90 to 2.10) | 5 |  |
| c | 1 ms | 1 ms |  | **1.00** (0.90 to 1.10) | 5 | 2: MISSED |
"""


def test_a_record_is_read():
    record = Record("results", GOOD)
    assert record.about() == [
        "made by `python benchmarks/results.py`",
        "AMD EPYC; Python 3.11.7, torch 2.13.0",
    ]
    first, second = measured.results(record)
    assert astuple(first) == ("a", "1 ms", "2 ms", "b", "**2.00** (1.90 to 2.10)", "5", "")
    assert second.peer == "" and second.goal == "2: MISSED"


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("`python benchmarks/results.py`", "hand", "names the command"),
        ("Ratio (range)", "Ratio", "a table with the columns What, Ours"),
    ],
)
def test_a_record_without_what_is_needed_is_an_error_that_names_it(old, new, words):
    record = Record("results", GOOD.replace(old, new))
    with pytest.raises(RecordError, match=words) as raised:
        record.about()
        list(measured.results(record))
    assert "benchmarks/results.md" in str(raised.value)


def test_unknown_parts_and_lost_markers_are_errors():
    with pytest.raises(RecordError, match=r"a part must be one of results, grading, .*got 'speed'"):
        measured.part(ROOT, "speed")
    with pytest.raises(RecordError, match="needs `<!-- measured -->`"):
        measured.readme("# Nothing")
