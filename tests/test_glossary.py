"""The glossary: every word once, in English and in Chinese, and none with the name of another."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "glossary.md"
LIST = json.loads((ROOT / "docs" / "terms.json").read_text(encoding="utf-8"))
TERMS = {term["en"]: term["zh"] for term in LIST["terms"]}
CHINESE = re.compile(r"[\u4e00-\u9fff]")

# What a heading or a promise may be about: where one names it, the glossary explains it.
SUBJECTS = {
    "schedule-free": "schedule-free",
    "warmup": "warmup",
    "warm up": "warmup",
    "restart": "warm restart",
    "one-cycle": "one-cycle policy",
    "one cycle": "one-cycle policy",
    "cyclical": "cyclical rate",
    "cosine": "cosine annealing",
    "linear": "linear decay",
    "polynomial": "polynomial decay",
    "exponential": "exponential decay",
    "step decay": "step decay",
    "multistep": "multistep decay",
    "plateau": "plateau",
    "patience": "patience",
    "threshold": "threshold",
    "range test": "range test",
    "finder": "range test",
    "milestone": "milestone",
    "momentum": "momentum",
    "curvature": "curvature",
    "hessian": "Hessian",
    "noise floor": "noise floor",
    "floor": "floor",
    "horizon": "horizon",
    "peak": "peak rate",
    "area under": "area under the rate",
    "parameter group": "parameter group",
    "param group": "parameter group",
    "checkpoint": "checkpoint",
    "resume": "resume",
    "branch": "branch",
    "wsd": "warmup-stable-decay (WSD)",
    "cooldown": "cooldown phase",
    "budget": "budget",
    "sweep": "sweep",
    "seed": "seed",
    "interval": "confidence interval",
    "sampling error": "sampling error",
    "paired": "paired comparison",
    "calibrat": "calibration",
    "brier": "Brier score",
    "epoch": "epoch",
    "fixed rate": "fixed rate",
    "trace": "trace",
    "adaptive": "adaptive rate",
    "effective rate": "effective rate",
    "weight decay": "weight decay",
    "diverge": "divergence",
}


def rows(text):
    """(English, Chinese, meaning) of every row of the tables."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    rows = [row for row in cells if len(row) == 3]
    return [tuple(row) for row in rows if row[0] != "English" and not row[0].startswith("---")]


def doubles(words):
    """The words that are there twice, whatever their case."""
    return [word for word, count in Counter(map(str.lower, words)).items() if count > 1]


def mixed_up(terms, never):
    """The terms that have a part of another's Chinese name."""
    return [each for each in never if each["zh"] in terms.get(each["en"], "")]


def subjects(text):
    """The headings of a lesson, its title and its promise, in small letters."""
    lines = re.findall(r"^# #+ (.+)$", text, re.MULTILINE)
    first = text.split("# %%", 2)[1]
    promise = re.search(r"^# \*\*You will be able to:\*\* (.+?)(?=^#$)", first, re.M | re.S)
    return "\n".join([*lines, *re.findall(r"^# # (.+)$", first, re.M), promise[1]]).lower()


def unexplained(text, terms):
    """What the text is about that the glossary does not have."""
    return sorted({term for word, term in SUBJECTS.items() if word in text and term not in terms})


def test_the_page_explains_the_words_of_the_list_in_their_order():
    page = rows(PAGE.read_text(encoding="utf-8"))
    assert [(en, zh) for en, zh, _ in page] == list(TERMS.items())
    for en, zh, meaning in page:
        assert len(meaning) >= 20 and meaning.endswith("."), en
        assert re.search("[a-zA-Z]", en) and CHINESE.search(zh), en
        assert not CHINESE.search(en) and not re.search("[a-zA-Z]", zh), en


def test_no_word_is_there_twice():
    assert len(TERMS) == len(LIST["terms"]) >= 50
    assert doubles(TERMS) == [] and doubles(TERMS.values()) == []


def test_no_term_has_the_chinese_name_of_another():
    assert mixed_up(TERMS, LIST["never"]) == []
    assert {each["en"] for each in LIST["never"]} <= TERMS.keys()
    text = PAGE.read_text(encoding="utf-8")
    for en in ("learning-rate decay", "weight decay"):
        assert re.search(rf"\*\*{en}\*\*\s+\({TERMS[en]}\)", text)


@pytest.mark.parametrize("lesson", sorted(ROOT.glob("lessons/*.py")), ids=lambda path: path.stem)
def test_what_a_lesson_is_about_is_explained(lesson):
    about = subjects(lesson.read_text(encoding="utf-8"))
    assert len(about.splitlines()) > 5
    assert unexplained(about, TERMS) == []


def test_the_subjects_are_words_of_the_list():
    assert set(SUBJECTS.values()) <= TERMS.keys()


def test_these_checks_can_fail():
    assert doubles(["floor", "Floor", "peak"]) == ["floor"]
    assert rows("| English | 中文 | Meaning |\n| --- | --- | --- |\n| a | 甲 | b. |") == [
        ("a", "甲", "b.")
    ]
    wrong = {**TERMS, "weight decay": TERMS["learning-rate decay"]}
    assert [each["en"] for each in mixed_up(wrong, LIST["never"])] == ["weight decay"]
    assert doubles(wrong.values()) == [TERMS["learning-rate decay"]]
    text = (
        '# %% [markdown] tags=["setup"]\n# # Warmup\n#\n'
        "# **You will be able to:** resume.\n#\n# %%\n"
    )
    assert unexplained(subjects(text), {"resume": ""}) == ["warmup"]
