"""What every lesson promises: its form, its predictions, its exercises, and no number from nowhere.

A rule is a function from a lesson to what is wrong with it, a line each. At the end, each rule is
shown a lesson that breaks it.
"""

import ast
import re
import sys
from functools import cache, cached_property
from pathlib import Path

import jupytext
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder
import lesson_cells
import lesson_rules
import pages

LESSONS = builder.lessons(builder.ROOT)
CELLS, WORDS = (30, 50), (700, 1500)
RULES = []
EVEN = 10  # per cents between the largest and the smallest odds of a source


class Lesson:
    """A lesson's source, with claims as they are written there: {{an-id}}."""

    def __init__(self, source: Path) -> None:
        self.source, self.number = source, int(source.name[:2])
        self.all = jupytext.read(source).cells

    @cached_property
    def cells(self):
        """The cells of notebooks/: the main text."""
        return [cell for cell in self.all if lesson_cells.role(cell) in (None, "setup")]

    @cached_property
    def texts(self) -> list[str]:
        return [cell.source for cell in self.cells if cell.cell_type == "markdown"]

    @cached_property
    def text(self) -> str:
        return "\n\n".join(self.texts)

    @cached_property
    def code(self) -> list[str]:
        return [cell.source for cell in self.cells if cell.cell_type == "code"]

    @cached_property
    def exercises(self) -> list[tuple[re.Match, str]]:
        """The heading of each exercise, and its text."""
        found = []
        for cell in self.all:
            if lesson_cells.role(cell) == "exercise" and cell.cell_type == "markdown":
                headings = list(lesson_rules.HEADING.finditer(cell.source))
                ends = [*(each.start() for each in headings[1:]), len(cell.source)]
                found += [
                    (each, cell.source[each.end() : end]) for each, end in zip(headings, ends)
                ]
        return found


def rule(function):
    RULES.append(function)
    return function


def section(text: str, heading: str) -> str | None:
    """What stands below the first heading that starts so, to the next one of its level or above."""
    begin = re.search(rf"^(#+) (?:\d+\.? )?{heading}.*$", text, re.MULTILINE)
    if begin is None:
        return None
    end = re.search(rf"^#{{1,{len(begin[1])}}} ", text[begin.end() :], re.MULTILINE)
    return text[begin.end() :][: end.start() if end else None]


def calls(code: str, *names: str) -> list[ast.Call]:
    """The calls of functions of these names, in the order in which they are written."""
    found = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


# --- form -----------------------------------------------------------------------------------------


@rule
def length(lesson):
    """30 to 50 cells, 700 to 1,500 words, without the exercises."""
    texts = []
    for text in lesson.texts:
        try:
            texts.append(pages.with_claims(text, "../docs/"))
        except (ValueError, OSError):  # no record yet: said by the builder
            texts.append(text)
    found = {"cells": (len(lesson.cells), CELLS)}
    found["words"] = (len("\n\n".join(texts).split()), WORDS)
    return [
        f"{number} {what}, wanted {low} to {high}"
        for what, (number, (low, high)) in found.items()
        if not low <= number <= high
    ]


@rule
def promise(lesson):
    """What you will do, need, and how many minutes it takes, in the first cell."""
    first = lesson.all[0].source if lesson.all else ""
    wanted = {
        "# Title": r"\A# \S",
        "**You will be able to:** ...": r"^\*\*You will be able to:\*\* \S",
        "**You need:** ...": r"^\*\*You need:\*\* \S",
        "**Minutes:** 40": r"^\*\*Minutes:\*\* \d+$",
    }
    return [
        f"the first cell has no `{each}`"
        for each, pattern in wanted.items()
        if not re.search(pattern, first, re.MULTILINE)
    ]


@rule
def break_and_bug(lesson):
    """A section to break it, and one with a real bug and its source."""
    found = []
    for heading in ("Break it", "Spot the bug"):
        body = section(lesson.text, heading)
        if body is None:
            found.append(f"no heading starts with `{heading}`")
        elif heading == "Spot the bug" and not re.search(r"https?://", body):
            found.append("the section `Spot the bug` links no source of the bug")
    return found


@rule
def ending(lesson):
    """Three points to take along, an open question, references: in this order, at the end."""
    taken = section(lesson.text, "What you take along")
    if taken is None:
        return ["no heading `## What you take along`"]
    found = []
    points = re.findall(r"^(\d)\. \S", taken.split("**An open question")[0], re.MULTILINE)
    if points != ["1", "2", "3"]:
        found.append(f"`What you take along` has the points {points}, wanted 1, 2, 3")
    question, references = (
        taken.find(f"**{each}**") for each in ("An open question.", "References.")
    )
    if question < 0:
        found.append("no `**An open question.**` below `What you take along`")
    if references < question or references < 0:
        found.append("no `**References.**` after the open question")
    elif "http" not in taken[references:]:
        found.append("the references link nothing")
    return found


@rule
def both_frameworks(lesson):
    """PyTorch's own words and Keras's in one cell or in neighbouring ones."""
    idioms = {"torch": r"\btorch\.optim\b|\blr_scheduler\.", "Keras": r"\bkeras\.\w"}
    places = {
        name: {i for i, code in enumerate(lesson.code) if re.search(pattern, code)}
        for name, pattern in idioms.items()
    }
    found = [f"no code cell in {name}'s own words" for name, where in places.items() if not where]
    near = any({i - 1, i, i + 1} & places["Keras"] for i in places["torch"])
    return found or ([] if near else ["no cell in torch's words stands beside one in Keras's"])


@rule
def rates_are_asserted(lesson):
    """Every training run is asked whether its rates were the planned ones."""
    trains = [code for code in lesson.code if calls(code, "fit")]
    asserts = [code for code in lesson.code if "assert_lr_matches(" in code]
    if len(trains) > len(asserts):
        return [f"fit is called in {len(trains)} cells, assert_lr_matches in {len(asserts)}"]
    return []


# --- predictions ----------------------------------------------------------------------------------


@rule
def predictions(lesson):
    """Two to four, asked before, with even odds, and each with an outcome that a run computes."""
    found, asked, told = [], {}, {}
    text_before = ""
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            text_before = cell.source
            continue
        for call in calls(cell.source, "predict", "outcome"):
            id = (
                call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            )
            said = f"{call.func.id}({id!r})"
            if not isinstance(id, str) or not re.fullmatch(rf"{lesson.number}\.[a-z]", id):
                found.append(f'{said}: ids are "{lesson.number}.a", "{lesson.number}.b", ...')
            elif id in (asked if call.func.id == "predict" else told):
                found.append(f"{said} is there twice")
            elif call.func.id == "predict":
                asked[id] = call
                found += [f"{said}: {each}" for each in about_odds(call)]
                if "**Predict" not in text_before:
                    found.append(f"{said}: no text with `**Predict.**` stands before its cell")
            else:
                told[id] = call
                if id not in asked:
                    found.append(f"{said} stands before its predict")
                else:
                    found += [f"{said}: {each}" for each in about_outcome(call, asked[id])]
                if not ends_with(cell.source, call):
                    found.append(f"{said} must be the last line of its cell, to be shown")
    found += [f"predict({id!r}) has no outcome" for id in asked if id not in told]
    if not 2 <= len(asked) <= 4:
        found.append(f"{len(asked)} predictions, wanted 2 to 4")
    return found


def about_odds(call: ast.Call) -> list[str]:
    try:
        odds = ast.literal_eval(call.args[2])
        low, high, total = min(odds.values()), max(odds.values()), sum(odds.values())
    except (ValueError, TypeError, IndexError, AttributeError):
        return ['wanted predict("5.a", "What ...?", {"it learns": 50, "it fails": 50})']
    if abs(total - 100) > 1.5 or high - low > EVEN:
        return [f"the odds of a source are even, and sum to 100; got {list(odds.values())}"]
    return []


def about_outcome(call: ast.Call, asked: ast.Call) -> list[str]:
    """What the run decides needs names of what the run made, and texts that were predicted."""
    if len(call.args) != 2:
        return ["wanted two arguments, the id and what happened"]
    happened = call.args[1]
    if not any(isinstance(node, ast.Name) for node in ast.walk(happened)):
        return ["what happened must be computed from the run, not written down"]
    try:
        options = ast.literal_eval(asked.args[2])
    except (ValueError, IndexError):
        return []
    branches, texts = [happened], []
    while branches:
        node = branches.pop()
        if isinstance(node, ast.IfExp):
            branches += [node.body, node.orelse]
        elif isinstance(node, ast.Constant):
            texts.append(node.value)
    return [f"{each!r} was not among the odds" for each in texts if each not in options]


def ends_with(code: str, call: ast.Call) -> bool:
    last = ast.parse(code).body[-1]
    return isinstance(last, ast.Expr) and ast.dump(last.value) == ast.dump(call)


# --- exercises ------------------------------------------------------------------------------------


@rule
def exercises(lesson):
    """Three to five of two kinds or more, one with a real bug; each says what counts."""
    found = []
    kinds = [heading[3] for heading, _ in lesson.exercises]
    checked = sum(lesson_cells.role(cell) == "check" for cell in lesson.all)
    if not (len(kinds) >= 3 and checked <= 5 and len(kinds) <= 6):
        found.append(f"{len(kinds)} exercises, wanted 3 to 5 (and one in words)")
    if len(set(kinds)) < 2 or "bug" not in kinds:
        found.append(f"the kinds are {sorted(set(kinds))}, wanted two or more, and one of them bug")
    for heading, text in lesson.exercises:
        for wanted in ("**Deliver:** ", "**Success:** "):
            if not re.search(rf"^{re.escape(wanted)}\S", text, re.MULTILINE):
                found.append(f"exercise {heading[1]} has no line that starts with `{wanted}`")
        if heading[3] == "bug" and not re.search(r"https?://", text + lesson.text):
            found.append(f"exercise {heading[1]} links no source of its bug")
    return found


@rule
def hints_and_answers(lesson):
    """Three hints for each check, calls of every sort, and an explanation in words."""
    found, roles = [], [lesson_cells.role(cell) for cell in lesson.all]
    for place, cell in enumerate(lesson.all):
        if roles[place] != "probes":
            continue
        (call, *_) = calls(cell.source, "exercise")[::-1] or [None]
        if call is None:
            continue  # said by the builder
        id = call.args[0].value
        options = {each.arg: each.value for each in call.keywords}
        hints = options.get("hints")
        if not isinstance(hints, ast.List) or len(hints.elts) != 3:
            found.append(f"exercise {id}: wanted a list of three hints")
        for wanted in ("shown", "locked", "hidden"):
            if not getattr(options.get(wanted), "elts", getattr(options.get(wanted), "keys", None)):
                found.append(f"exercise {id}: no {wanted} calls")
        after = lesson.all[place + 1 : place + 2]
        explained = after and roles[place + 1] == "answer" and after[0].cell_type == "markdown"
        if not explained or len(after[0].source.split()) < 25:
            found.append(f"exercise {id}: no explanation, a markdown cell tagged answer, follows")
    return found


# --- numbers --------------------------------------------------------------------------------------

SHOWN = "<!-- shown -->"
# Where a sentence says where its number is from: a claim, a cell of this notebook, a source.
SOURCES = re.compile(rf"\{{\{{[\w-]+\}}\}}|claims\.md#|{SHOWN}|https?://|arXiv:")
NUMBER = r"\d[\d.,]*"
RESULT = r"\b(?:accurac(?:y|ies)|loss(?:es)?|error rates?)\b"
FACTOR = rf"(?:{NUMBER}|two|three|four|five|ten|hundred) times"
THAN = "as|more|fewer|faster|slower|longer|shorter|smaller|larger|higher|lower|less"
VALUE = r"(?:of|is|was|at|to|near|about|below|above|only|reaches) (?:about |only )?"
MEASURED = {
    "a share": rf"{NUMBER} ?(?:%|per cent\b)(?! (?:interval|confidence))",
    "points": rf"{NUMBER} points?\b",
    "a factor": rf"{FACTOR} (?:{THAN})\b",
    "a result with a number": rf"{RESULT}(?:(?! and )[^.;,]){{0,40}}? {VALUE}{NUMBER}",
}
ORDERED = re.compile(
    r"\b(?:better|best|worse|worst|higher|highest|lower|lowest|fewer|fewest|faster|fastest|slower"
    r"|slowest|ahead|wins?|won|beats?|outperforms?|loses)\b",
    re.IGNORECASE,
)
# "the rate with the lowest loss" says which rate is meant, not that one is better than another.
MEANT = re.compile(
    r"\b(?:at|with|of|to|times|where) (?:the|its|their|each) (?:best|lowest|highest)\b"
)
MATTER = re.compile(rf"{RESULT}|\b(?:updates|seeds)\b", re.IGNORECASE)
DESIGN = re.compile(  # what somebody chose, not what somebody measured
    rf"{NUMBER} ?(?:%|per cent) of (?:the |all |its |a )?"
    r"(?:updates|run|budget|steps|epochs?|length|training|time|images|peak|rate|way)\b"
)


def sentences(text: str) -> list[str]:
    """The sentences of the prose: no headings, code, formulas, questions, hidden explanations."""
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "FORMULA", text, flags=re.DOTALL)
    # A code span is code; but one with a claim's braces is none.
    text = re.sub(r"`[^`]+`", "CODE", text)
    # What marks a sentence stands behind its full stop, and belongs to it.
    text = re.sub(rf"([.!?:])?\s*{SHOWN}", rf" {SHOWN}\1", text)
    text = re.sub(r"\}\}\s+(?=[A-Z*])", "}}.\n\n", text)
    found = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.|\|) ?)", text):
        block = " ".join(block.split())
        if re.match(r"#|\*\*(?:Predict|References|An open question)|<", block):
            continue
        found += re.split(r"(?<=[.!?])\s+(?=[A-Z*_\[({\"FC])", block)
    return [each for each in found if each and not each.endswith("?")]


def unsupported(sentence: str) -> str | None:
    """What of a sentence was measured or compared, where it does not say by whom; or None."""
    if SOURCES.search(sentence):
        return None
    of_results = re.search(RESULT, sentence, re.IGNORECASE)
    told = sentence if of_results else DESIGN.sub("", sentence)
    for what, pattern in MEASURED.items():
        if re.search(pattern, told, re.IGNORECASE):
            return what
    if ORDERED.search(MEANT.sub("", sentence)) and MATTER.search(sentence):
        return "an ordering of results"
    return None


@rule
def numbers_have_a_source(lesson):
    """No measured number and no ordering of results without a claim, a cell or a source."""
    found = []
    for text in [cell.source for cell in lesson.cells[1:] if cell.cell_type == "markdown"]:
        for sentence in sentences(text):
            if what := unsupported(sentence):
                found.append(
                    f"{what} without a claim {{{{...}}}}, `{SHOWN}` or a source: {sentence[:160]}"
                )
    return found


# --- the course -----------------------------------------------------------------------------------


@cache
def read(source: Path) -> Lesson:
    return Lesson(source)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("source", LESSONS, ids=lambda source: source.stem)
def test_a_lesson_keeps_the_rule(source, rule):
    found = rule(read(source))
    assert not found, f"\n{source.name}: " + f"\n{source.name}: ".join(found)


def test_thirteen_lessons_or_more_are_numbered_without_a_gap():
    numbers = [int(source.name[:2]) for source in LESSONS]
    assert numbers == list(range(max(13, len(numbers)))), "give a new lesson the next number"


# --- the rules themselves -------------------------------------------------------------------------

PARAGRAPH = "# Words of the main text, as many as a lesson needs to be read and understood.\n"
FILL = "\n".join(f"# %% [markdown]\n{PARAGRAPH * 3}\n# %%\nx = {i}\n" for i in range(14))
EXERCISE = """
# %% [markdown] tags=["exercise"]
# ### Exercise 5.{n} - A title (KIND, 2 points, about 5 minutes)
# **Deliver:** the function `f{n}`. Example: f{n}(1) is 2.
#
# **Success:** equal on every update.

# %% tags=["exercise"]
def f{n}(x):
    ### BEGIN SOLUTION
    return x + {n}
    ### END SOLUTION

# %% tags=["check"] grade_id="05-f{n}" points=2
check("5.{n}", f{n})

# %% tags=["probes"]
exercise(
    "5.{n}",
    f{n},
    hints=["one", "two", "three"],
    shown=[call(1), call(2)],
    locked=[call(3)],
    hidden={{"group": [call(4), call(5)]}},
)

# %% [markdown] tags=["answer"]
# The explanation of the answer says in at least twenty-five words why it is so, which slips are
# common, what they look like in the trace, and how to tell one from another.
"""
GOOD = (
    """# %% [markdown] tags=["setup"]
# # A lesson
#
# **You will be able to:** do it.
#
# **You need:** lesson 4.
#
# **Minutes:** 40

# %% tags=["setup"]
framework = "torch"  # or "tensorflow"

# %% [markdown]
# **Predict.** Change the numbers: does it learn?

# %%
predict("5.a", "Does it learn?", {"it learns": 50, "it does not": 50})

# %%
run = fit(plan)
run.assert_lr_matches(plan)
outcome("5.a", "it learns" if run.loss[-1] < 1 else "it does not")

# %% [markdown]
# **Predict.** And this one?

# %%
predict("5.b", "Does it?", {"yes": 34, "no": 33, "both": 33})

# %%
torch.optim.SGD(weights)

# %%
keras.optimizers.SGD()
outcome("5.b", verdict)

# %% [markdown]
# ## 2. Break it: too fast
# It is broken.
#
# ## 3. Spot the bug
# It is [published](https://example.org/bug).
"""
    + FILL
    + """
# %% [markdown]
# The shorter run has the higher accuracy. <!-- shown --> It is as expected.
#
# ## What you take along
#
# 1. One.
# 2. Two.
# 3. Three.
#
# **An open question.** Why?
#
# **References.** A. Author, https://example.org
"""
    + "".join(
        EXERCISE.format(n=n).replace("KIND", k) for n, k in ((1, "code"), (2, "bug"), (3, "bug"))
    )
)


def broken(tmp_path, old, new, text=GOOD):
    assert old in text
    path = tmp_path / "lessons" / "05_good.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.replace(old, new))
    return Lesson(path)


def test_a_good_lesson_breaks_no_rule(tmp_path):
    lesson = broken(tmp_path, "A lesson", "A lesson")
    assert {rule.__name__: rule(lesson) for rule in RULES if rule(lesson)} == {}


@pytest.mark.parametrize(
    "rule, old, new, said",
    [
        (length, FILL, "", "cells, wanted 30 to 50"),
        (length, FILL, FILL + FILL, "cells, wanted 30 to 50"),
        (length, PARAGRAPH * 3, "# Short.\n", "words, wanted 700"),
        (promise, "**You need:**", "You need:", "**You need:**"),
        (promise, "**Minutes:** 40", "**Minutes:** soon", "**Minutes:**"),
        (promise, "# # A lesson", "# A lesson", "# Title"),
        (break_and_bug, "2. Break it", "2. Try it", "Break it"),
        (break_and_bug, "3. Spot the bug", "3. A bug", "Spot the bug"),
        (break_and_bug, "[published](https://example.org/bug)", "published", "links no source"),
        (ending, "## What you take along", "## Summary", "What you take along"),
        (ending, "# 3. Three.\n", "", "wanted 1, 2, 3"),
        (ending, "# 3. Three.\n", "# 3. Three.\n# 4. Four.\n", "wanted 1, 2, 3"),
        (ending, "**An open question.**", "A question:", "open question"),
        (ending, "**References.**", "Sources:", "References"),
        (ending, "A. Author, https://example.org", "A. Author", "link nothing"),
        (both_frameworks, "torch.optim.SGD", "make_sgd", "torch's own words"),
        (both_frameworks, "keras.optimizers.SGD()", "x = 1", "Keras's own words"),
        (both_frameworks, "keras.optimizers", "# %%\n2\n# %%\nkeras.optimizers", "beside"),
        (rates_are_asserted, "run.assert_lr_matches(plan)\n", "", "fit is called in 1 cells"),
        (predictions, '"5.a"', '"6.a"', 'ids are "5.a"'),
        (predictions, '"5.b"', '"5.a"', "there twice"),
        (predictions, "**Predict.** And", "And", "no text with"),
        (predictions, 'outcome("5.b", verdict)', "x = 1", "predict('5.b') has no outcome"),
        (predictions, 'outcome("5.b", verdict)', 'outcome("5.b", "yes")', "must be computed"),
        (
            predictions,
            'outcome("5.b", verdict)',
            'outcome("5.b", "yes" if True else "no")',
            "compu",
        ),
        (predictions, 'outcome("5.b", verdict)', 'outcome("5.b", verdict)\nx = 1', "last line"),
        (predictions, 'predict("5.b"', 'outcome("5.c", x)\npredict("5.b"', "before its predict"),
        (predictions, 'else "it does not")', 'else "it fails")', "not among the odds"),
        (predictions, '"yes": 34', '"yes": 80', "even, and sum to 100"),
        (predictions, '{"it learns": 50, "it does not": 50}', "odds", "wanted predict("),
        (exercises, EXERCISE.format(n=3).replace("KIND", "bug"), "", "2 exercises"),
        (exercises, "(bug,", "(code,", "one of them bug"),
        (exercises, "**Deliver:** the function `f1`", "Write `f1`", "exercise 5.1 has no line"),
        (exercises, "**Success:** equal", "Equal", "exercise 5.2 has no line"),
        (hints_and_answers, 'hints=["one", "two", "three"]', 'hints=["one", "two"]', "three hints"),
        (hints_and_answers, "    locked=[call(3)],\n", "", "no locked calls"),
        (hints_and_answers, "shown=[call(1), call(2)]", "shown=[]", "no shown calls"),
        (hints_and_answers, '# %% [markdown] tags=["answer"]', "# %% [markdown]", "no explanation"),
        (numbers_have_a_source, "accuracy. <!-- shown -->", "accuracy.", "an ordering"),
    ],
)
def test_a_rule_finds_the_lesson_that_breaks_it(tmp_path, rule, old, new, said):
    found = rule(broken(tmp_path, old, new))
    assert any(said in each for each in found), found


@pytest.mark.parametrize(
    "prose, said",
    [
        ("The run reaches 97.4 % there.", "a share"),
        ("It gains 0.3 points.", "points"),
        ("The second is 2.5 times faster.", "a factor"),
        ("It needs three times fewer steps.", "a factor"),
        ("The loss of the run is 0.31 in the end.", "a result with a number"),
        ("Accuracy in 30 % of the updates stays.", "a share"),
        ("Cosine beats the constant rate in accuracy.", "an ordering of results"),
        ("It comes there in fewer updates.", "an ordering of results"),
        ("- Over the seeds, the decay wins.", "an ordering of results"),
        ("Cosine has the lowest loss.", "an ordering of results"),
        ("| cosine | 97.4 % |", "a share"),
        ("{{decay-spread}} The other is 3 % off.", "a share"),
        ("It is so. <!-- shown --> The gain is 2 points.", "points"),
    ],
)
def test_a_number_from_nowhere_is_found(prose, said):
    found = [unsupported(each) for each in sentences(prose)]
    assert any(each and re.fullmatch(said, each) for each in found), sentences(prose)


@pytest.mark.parametrize(
    "prose",
    [
        "The run reaches 97.4 % there. <!-- shown -->",
        "The run reaches 97.4 % there <!-- shown -->. A new sentence.",
        "A sentence. {{decay-spread}} And one more.",
        "{{decay-spread}}",
        "The paper has 93 % [there](https://example.org).",
        "The 95 % interval is in brackets.",
        "Warm up over 5 % of the updates.",
        "Which has the lower loss, and which reaches 90 %?",
        "**Predict.** One of them has the higher accuracy, by 2 points.",
        "<details><summary>What we see</summary>\n\nIt has the lower loss.\n\n</details>",
        "Write `lr * 5 % of` and $p = 5\\%$ now.\n\n```python\nloss = 5 % 3  # better\n```",
        "## A better loss in 5 % fewer updates",
        "Times 0.95 after every epoch, 0.1 at first.",
        "Choose the loss itself and the gradient is 1.",
        "The recorded runs behind it are of five seeds.",
        "The dotted line is the fixed rate with the lowest mean loss.",
        "It stops when the loss is four times its lowest value so far.",
    ],
)
def test_a_number_with_a_source_or_none_passes(prose):
    assert [unsupported(each) for each in sentences(prose) if unsupported(each)] == []
