"""The example in the text of an exercise is right: the instant check shows the same call."""

import ast
import math
import re

import jupytext
import pytest
from exercise_helper import checks
from lesson_cells import role
from test_answers import LESSONS

from course_lib.questions.calls import call
from course_lib.questions.values import encode, same

# `walk(8.0, lr=0.25)` is `[8.0, 4.0]`, or is 14.
EXAMPLE = re.compile(r"`(\w+)(\([^`]*\))` is (?:`([^`]+)`|(-?\d[\d.]*\d|\d))")


def examples(text: str, names: set[str]) -> list[tuple[str, str, str]]:
    """(function, arguments, value) of each example in a text that calls one of these functions."""
    found = EXAMPLE.findall(" ".join(text.split()))
    return [(name, inside, one or other) for name, inside, one, other in found if name in names]


def arguments(name: str, inside: str):
    """The call that was written, or None where it takes names that stand for anything."""
    try:
        return eval(f"call{inside}", {"call": call, "math": math})
    except NameError:
        return None


def wrong_examples(text: str, exercises) -> list[str]:
    """The examples that are no shown call, or have another answer there."""
    found = []
    by_name = {each.name: each for each in exercises}
    for name, inside, value in examples(text, set(by_name)):
        asked = arguments(name, inside)
        if asked is None:
            continue
        shown = [probe for probe in by_name[name].shown if probe.call.to_json() == asked.to_json()]
        reply = shown[0].reply if shown else {}
        if not same(encode(ast.literal_eval(value)), reply.get("value"), 1e-3):
            found.append(f"{name}{inside} is {value}, and the check says {reply}")
    return found


@pytest.mark.parametrize("stem", LESSONS)
def test_the_example_in_the_text_is_what_the_check_wants(stem):
    cells = jupytext.read(LESSONS[stem]).cells
    texts = [cell.source for cell in cells if role(cell) == "exercise"]
    assert not wrong_examples("\n".join(texts), checks(stem).values())


def test_a_wrong_example_is_found():
    exercises = checks("01_fixed_rates").values()
    text = "Example: `walk(8.0, lr=0.25, curvature=2.0,\nsteps=3)` is `[8.0, 4.0, 2.0, 1.0]`."
    assert len(examples(text, {"walk"})) == 1 and not wrong_examples(text, exercises)
    assert wrong_examples(text.replace("1.0]", "0.5]"), exercises)
    assert wrong_examples(text.replace("8.0, lr", "9.0, lr"), exercises)
