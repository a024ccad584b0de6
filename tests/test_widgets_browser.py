"""The panels in a real browser: the same answers as in Python, and a hand on every control.

Here a panel is a page of its own, without server and kernel; test_browser.py has JupyterLab.
"""

import json
import math
import random
import re
import statistics

import pytest
from browser import ARTIFACTS

from course_lib.rosetta import own_lr
from course_lib.schedules import GALLERY, Schedule, constant, join, product, scale, warmup
from course_lib.widgets import (
    cycle_composer,
    explore,
    finder_reader,
    how_many_seeds,
    kill_and_resume,
    milestones,
    noise_floor,
    plateau_cuts,
    puzzle,
    valley,
    warmup_map,
)
from course_lib.widgets.chart import draw
from course_lib.widgets.javascript import MATH, to_javascript
from course_lib.widgets.javascript import browser as browser_js
from course_lib.widgets.numbers import fixed, literal, short

PANELS = {
    "explore": (explore(*GALLERY, steps=1200), [{"log": True, "steps": 2}, {"schedules": []}]),
    "noise_floor": (
        noise_floor(),
        [
            {"lr": 0.3, "drops": [200, 50, 50]},
            {"lr": 0.02, "now": 70, "factor": "to a half", "drops": [60, 90]},
            {"now": 1},
        ],
    ),
    "milestones": (
        milestones(),
        [
            {"first": 40, "second": 75, "boundaries": "each one less"},
            {"first": 99, "second": 1},
            {"first": 98, "second": 99, "boundaries": "each one less"},
        ],
    ),
    "puzzle": (
        puzzle(8),
        [
            {
                "formula": "one_cycle",
                "one_cycle.warmup_fraction": 0.37,
                "one_cycle.start_factor": 7,
                "one_cycle.total_steps": 97,
                "one_cycle.peak_lr": 0.33,
            },
            {"formula": "warmup, cosine", "warmup, cosine.warmup_steps": 0},
            {"formula": "wsd", "wsd.cooldown_steps": 60},
        ],
    ),
    "cycle_composer": (
        cycle_composer(),
        [
            {
                "formula": "triangular",
                "triangular.down_steps": 60,
                "triangular.mode": "exp_range",
                "triangular.factor": 0.99,
            },
            {"formula": "one_cycle", "one_cycle.total_steps": 200},
            {
                "cosine_restarts.cycle_factor": 1.37,
                "cosine_restarts.cycle_steps": 11,
                "cosine_restarts.warmup_steps": 3,
            },
        ],
    ),
    "plateau_cuts": (
        plateau_cuts(),
        [
            {"patience": 8, "threshold": 0.02},
            {"patience": 0, "factor": 0.3, "threshold": 0.3, "cooldown": 2},
            {"metric": [0.5] * 40, "patience": 4, "cooldown": 1},
        ],
    ),
    "finder_reader": (
        finder_reader(),
        [
            {"rule": "steepest", "beta": 0.94},
            {"sweep": "CIFAR-10, seed 2", "rule": "slide", "beta": 0.32},
            {"sweep": "MNIST, seed 4", "rule": "minimum", "beta": 0.0},
        ],
    ),
    "warmup_map": (
        warmup_map(),
        [
            {"peak": "0.4", "length": "160"},
            {"peak": "0.8", "length": "0"},
            {"peak": "0.4", "length": "80"},
        ],
    ),
    "kill_and_resume": (
        kill_and_resume(),
        [
            {"kill": 50, "weights": True, "optimizer": True, "schedule": True},
            {"kill": 99, "weights": True},
            {"kill": 1, "optimizer": True, "lr": 0.15},
        ],
    ),
    "how_many_seeds": (
        how_many_seeds(),
        [
            {"count": 5},
            {"count": 20, "pair": "SGD 1: root - constant"},
            {"count": 20, "order": "shuffled, 3"},
        ],
    ),
    "valley": (
        valley(),
        [{"lr": 0.09}, {"lr": 0.2, "steep": 3.5}, {"lr": 0.07, "momentum": 0.9}, {"lr": 5.0}],
    ),
}


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_offline(True)
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
    page.on("requestfailed", lambda request: page.problems.append(request.url))
    yield page
    assert page.problems == []
    context.close()


def opened(page, panel):
    """The panel as a page, and the place in it that is looked at."""
    page.set_content(panel.page(), wait_until="domcontentloaded")
    page.wait_for_selector(".lr-figure svg")
    return page.locator(".lr-panel")


# --- the two languages agree ----------------------------------------------------------------------


def in_browser(page, panel):
    """A function: values -> what the translated view says there."""
    page.set_content("<p>empty</p>")
    page.add_script_tag(content=answering(panel))
    return in_page(page, panel)


def answering(panel):
    """JavaScript that calls the translated view, and draws what it says: in the page, which would
    say on its console what it cannot draw."""
    return f"""window.answer = (() => {{ {panel.script()}; return (values, data) => {{
        const shown = {panel.view.__name__}(values, data);
        const svg = document.body.innerHTML = draw(shown.chart);
        return {{...shown, svg}};
    }}; }})();"""


def in_page(page, panel):
    return lambda values: page.evaluate("([v, d]) => window.answer(v, d)", [values, panel.data])


def differences(ours, theirs, path=""):
    """Where two answers differ; numbers may by a rounding of the two languages' own functions."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in ours.keys() | theirs.keys():
            yield from differences(ours.get(key), theirs.get(key), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(a, b, f"{path}[{i}]")
    elif isinstance(ours, float | int) and isinstance(theirs, float | int):
        if not math.isclose(ours, theirs, rel_tol=1e-12, abs_tol=1e-15):
            yield f"{path}: {ours} here, {theirs} in the browser"
    elif ours != theirs:
        yield f"{path}: {ours!r} here, {theirs!r} in the browser"


def in_parts(svg):
    """The text of a picture, and in it the places, in tenths of a pixel."""
    place = r"(?<=[ML' ])-?[0-9]+[.][0-9](?=[ML' ])"
    return re.sub(place, "#", svg), [float(each) for each in re.findall(place, svg)]


def same(panel, values, answer):
    here, there = (
        json.loads(json.dumps(panel.at(values).shown())),
        answer({**panel.values, **values}),
    )
    text, places = in_parts(draw(here["chart"]))
    text_there, places_there = in_parts(there.pop("svg"))
    found = list(differences(here, there))[:5]
    if text != text_there:
        found.append("the text of the picture")
    # Where a place ends in a half, the languages may round it to different sides.
    found += [pair for pair in zip(places, places_there) if abs(pair[0] - pair[1]) > 0.1001][:5]
    return found


@pytest.mark.parametrize("name", PANELS)
def test_both_languages_answer_the_same(page, name):
    """The curve at every step, for every entry of GALLERY, and all words and code."""
    panel, settings = PANELS[name]
    answer = in_browser(page, panel)
    for values in [{}, *settings]:
        assert same(panel, values, answer) == []


def test_both_languages_write_the_same_code_of_a_schedule_inside_of_others(page):
    """What PyTorch can have inside, and what it cannot, of one formula several."""
    made = []
    for key in ("cosine", "constant_factor", "one_cycle", "triangular", "warmup", "scale"):
        each, before = GALLERY[key], Schedule(constant, lr=own_lr(GALLERY[key]))
        made += [
            Schedule(warmup, then=each, warmup_steps=5),
            Schedule(scale, then=each, factor=0.3),
            Schedule(product, parts=(each, before)),
            Schedule(join, parts=(before, each), boundaries=(10,)),
        ]
    panel = explore(*made)
    assert same(panel, {}, in_browser(page, panel)) == []
    code = dict(panel.shown()["code"])["PyTorch"]
    assert code.count("= TorchSchedule(") == 17 and code.count("= SequentialLR(") == 3


def test_both_languages_agree_at_random_parameters(page):
    """Sliders of the explorer, moved at random: the same curves and code, or the same refusal."""
    panel, dice = explore(), random.Random(0)
    answer = in_browser(page, panel)
    refused = 0
    for key in GALLERY:
        for _ in range(4):
            values = {"schedules": [key], "steps": 150}
            for each in panel.controls:
                if each.group == key and each.kind == "slider":
                    whole = each.scale == "whole"
                    values[each.name] = (
                        dice.randint(int(each.low), int(each.high))
                        if whole
                        else dice.uniform(each.low, each.high)
                    )
                elif each.group == key and each.options:
                    values[each.name] = dice.choice(each.options)
                elif each.group == key and each.kind == "flag":
                    values[each.name] = dice.random() < 0.5
            try:
                panel.at(values).shown()
            except ValueError as error:
                refused += 1
                said = str(error)
                told = page.evaluate(
                    "([v, d]) => { try { window.answer(v, d); return ''; }"
                    " catch (error) { return error.message; } }",
                    [{**panel.values, **values}, panel.data],
                )
                assert told.split(": ", 1)[-1].split(", got")[0] in said, (key, told, said)
            else:
                assert same(panel, values, answer) == [], (key, values)
    assert refused < 4 * len(GALLERY) / 3


def test_a_formula_that_differs_is_found(page):
    """The comparison itself can fail: the browser's cosine is bent by a thousandth."""
    panel = explore("cosine")
    page.set_content("<p>empty</p>")
    page.add_script_tag(content="const cos = Math.cos; Math.cos = (x) => cos(x) * 1.001;")
    page.add_script_tag(content=answering(panel))
    found = same(panel, {}, in_page(page, panel))
    assert any("lines[0].ys" in each for each in found)


def test_a_picture_that_differs_is_found(page):
    """One dot more than in Python, or one that lies elsewhere."""
    panel = valley()
    for wrong in ('.replace("</g>", "<circle/></g>")', '.replace("M66.0 ", "M66.2 ")'):
        page.set_content("<p>empty</p>")
        source = answering(panel).replace("draw(shown.chart)", f"draw(shown.chart){wrong}")
        page.add_script_tag(content=source)
        assert len(same(panel, {}, in_page(page, panel))) == 1, wrong


def glued(word, number, flags):
    more = f" and {number + 1}" if flags[0] else ""
    return [f"{word}", f"{number}{number}", f"{{{word}}}: {word if more else number}{more}"]


@pytest.mark.parametrize("arguments", [["a", 3, [True]], ["", 0, [False]]])
def test_an_f_string_is_the_same_text_in_both_languages(page, arguments):
    page.set_content("<p>empty</p>")
    page.add_script_tag(content=f"{browser_js()}; {to_javascript(glued)}; window.glued = glued;")
    assert page.evaluate("(given) => window.glued(...given)", arguments) == glued(*arguments)


def logarithms(x):
    return [math.log(x), math.log(x, 2), math.log10(x)]


def test_all_of_math_that_a_panel_may_use_is_in_the_page(page):
    """And the logarithm knows its base."""
    page.set_content("<p>empty</p>")
    source = f"{browser_js()}; {to_javascript(logarithms)}; window.got = [math, logarithms];"
    page.add_script_tag(content=source)
    wrong = (
        "(names) => names.filter((name) => !['number', 'function'].includes(typeof got[0][name]))"
    )
    assert page.evaluate(wrong, sorted(MATH)) == []
    assert {name for name in MATH if not hasattr(math, name)} == set()
    assert page.evaluate("got[1](8)") == pytest.approx(logarithms(8))


def error_function(x):
    return math.erf(x)


def of_another_module(x):
    return statistics.mean([x])


@pytest.mark.parametrize(
    "function, name", [(error_function, "math.erf"), (of_another_module, "statistics.mean")]
)
def test_what_the_browser_has_not_is_refused_before_a_page_is_made(function, name):
    with pytest.raises(ValueError, match=f"{name} cannot be translated: .* sin, sinh, sqrt"):
        to_javascript(function)


def test_numbers_are_written_alike(page):
    dice = random.Random(1)
    numbers = [0.0, 1.0, -1.0, 100.0, 99.95, 1e-4, 9.9999e-5, 1e7, 1e16, 1e22, 123456.0, 0.1 + 0.2]
    numbers += [dice.uniform(-1, 1) * 10 ** dice.randint(-12, 12) for _ in range(2000)]
    page.set_content("<p>empty</p>")
    page.add_script_tag(content=f"{browser_js()}; window.words = {{short, fixed, literal}};")

    def there(call):
        return page.evaluate(f"(numbers) => numbers.map((n) => window.words.{call})", numbers)

    for digits in (2, 3, 4, 6):
        assert there(f"short(n, {digits})") == [short(n, digits) for n in numbers]
    assert there('literal(n, "float")') == [literal(n, "float") for n in numbers]
    small = [n for n in numbers if abs(n) < 1e6]
    ours = [float(fixed(n, 1)) for n in small]
    theirs = [float(t) for n, t in zip(numbers, there("fixed(n, 1)")) if abs(n) < 1e6]
    assert ours == pytest.approx(theirs, abs=0.1001)  # a half is rounded to another side


# --- a hand on the controls -----------------------------------------------------------------------


def code_in(panel, heading="course_lib"):
    blocks = panel.locator(".lr-code > div")
    names = [
        each.removesuffix("Copy").strip() for each in blocks.locator("header").all_inner_texts()
    ]
    return blocks.nth(names.index(heading)).locator("code").inner_text()


def group(panel, name):
    """The controls of one schedule; those of the others are hidden."""
    return panel.get_by_role("group", name=name, exact=True)


def test_a_slider_by_keyboard_moves_picture_field_words_and_code(page):
    panel = opened(page, explore("cosine"))
    slider = group(panel, "cosine").get_by_label("peak_lr", exact=True)
    picture = panel.locator(".lr-figure > svg").inner_html()
    slider.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    moved = float(group(panel, "cosine").get_by_label("peak_lr, exact value").input_value())
    assert 0.1 < moved < 0.12
    assert panel.locator(".lr-figure > svg").inner_html() != picture
    assert f"peak_lr={moved}" in code_in(panel)
    assert "CosineAnnealingLR(optimizer, T_max=100, eta_min=0.0)" in code_in(panel, "PyTorch")
    assert f"lr={moved}" in code_in(panel, "PyTorch")
    assert f"CosineDecay({moved}, 100, alpha=0.0)" in code_in(panel, "Keras")
    assert slider.get_attribute("aria-valuetext") == short(moved, 4)
    panel.screenshot(path=ARTIFACTS / "explorer.png")


def test_a_slider_by_mouse_and_start_over(page):
    panel = opened(page, explore("step_decay"))
    before = code_in(panel)
    slider = group(panel, "step_decay").get_by_label("every", exact=True)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert code_in(panel) != before
    panel.get_by_role("button", name="Start over").click()
    assert code_in(panel) == before


def test_schedules_are_chosen_and_compared(page):
    panel = opened(page, explore("cosine"))
    group(panel, "schedules to compare").get_by_label("rex", exact=True).check()
    assert panel.locator(".lr-figure svg text", has_text="rex").count() == 1
    assert "# rex\nschedule = Schedule(rex, peak_lr=0.1, total_steps=100)" in code_in(panel)
    group(panel, "schedules to compare").get_by_label("cosine", exact=True).uncheck()
    assert group(panel, "cosine").count() == 0
    assert code_in(panel).endswith("\nschedule = Schedule(rex, peak_lr=0.1, total_steps=100)")
    panel.get_by_label("logarithmic rate").check()
    assert panel.locator(".lr-figure svg text", has_text="0.01").count() == 1


def test_of_many_schedules_all_can_be_shown(page):
    panel = opened(page, explore("cosine"))
    boxes = group(panel, "schedules to compare")
    more = panel.get_by_role("button", name=f"Show all {len(GALLERY)}")
    cut_off = "(each) => each.scrollHeight > each.clientHeight"
    assert boxes.evaluate(cut_off) and more.get_attribute("aria-expanded") == "false"
    more.focus()
    page.keyboard.press("Enter")
    fewer = panel.get_by_role("button", name="Show fewer")
    assert not boxes.evaluate(cut_off) and fewer.get_attribute("aria-expanded") == "true"
    last = boxes.get_by_role("checkbox").last.bounding_box()
    assert last["y"] + last["height"] <= fewer.bounding_box()["y"]
    fewer.click()
    assert boxes.evaluate(cut_off) and more.is_visible()


def test_on_a_phone_the_words_of_a_picture_can_be_read(page):
    """And the finger still reads the picture where it is."""
    panel = opened(page, explore("linear"))
    height = "() => document.querySelector('.lr-figure text').getBoundingClientRect().height"
    wide = page.evaluate(height)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector(".lr-figure > svg[viewBox^='0 0 400 ']")
    assert page.evaluate(height) > 0.6 * wide
    box = panel.locator(".lr-figure svg").first.bounding_box()
    middle = (66 + 400 - 20) / 2 / 400  # of the axis, as a share of the picture
    page.mouse.move(box["x"] + box["width"] * middle, box["y"] + 100)
    at = int(panel.locator(".lr-readout").inner_text().split(":")[0].split()[1])
    assert 47 < at < 52
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_selector(".lr-figure > svg[viewBox^='0 0 640 ']")


def test_a_typed_number_is_taken_or_refused_with_the_reason(page):
    panel = opened(page, explore("one_cycle"))
    controls = group(panel, "one_cycle")
    field = controls.get_by_label("start_factor, exact value")
    field.fill("12.5")
    field.press("Enter")
    assert "start_factor=12.5" in code_in(panel)
    field.fill("0")
    field.press("Enter")
    assert panel.get_by_role("alert").inner_text() == (
        "start_factor must be a number above 0, got 0"
    )
    assert field.input_value() == "12.5" and "start_factor=12.5" in code_in(panel)
    field = controls.get_by_label("warmup_fraction, exact value")
    field.fill("0.6")
    field.press("Enter")
    controls.get_by_label("three_phase").check()  # no limit of one parameter, but of the two
    assert "warmup_fraction must be at most 0.5" in panel.get_by_role("alert").inner_text()
    controls.get_by_label("three_phase").uncheck()
    assert not panel.get_by_role("alert").is_visible()


@pytest.mark.parametrize("typed", ["", "  ", "1e"])
def test_an_emptied_field_is_no_zero(page, typed):
    panel = opened(page, explore("cosine"))
    for label in ("peak_lr", "total_steps"):
        before = code_in(panel)
        field = group(panel, "cosine").get_by_label(f"{label}, exact value")
        value = field.input_value()
        field.press("Control+a")
        field.press("Delete")
        field.press_sequentially(typed)
        field.press("Enter")
        got = typed.strip() or "nothing"
        assert panel.get_by_role("alert").inner_text().endswith(f", got {got}")
        assert field.input_value() == value and code_in(panel) == before
    panel = opened(page, explore("triangular"))  # here nothing means the default
    field = group(panel, "triangular").get_by_label("down_steps, exact value")
    field.fill("7")
    field.press("Enter")
    assert "down_steps=7" in code_in(panel)
    field.fill("")
    field.press("Enter")
    assert "down_steps" not in code_in(panel)


def test_an_emptied_list_of_numbers_got_nothing(page):
    panel = opened(page, explore("multistep"))
    field = group(panel, "multistep").get_by_label("milestones", exact=True)
    field.fill("")
    field.press("Enter")
    assert panel.get_by_role("alert").inner_text().endswith("between, got nothing")


def typed_into(field, text):
    field.fill(text)
    field.press("Enter")
    field.press("Tab")


@pytest.mark.parametrize("typed", ["90, 10", "-3", "5, 5", "0, 5", "2.5", "1e400", "5, x"])
def test_a_list_that_the_formula_refuses_is_refused_where_it_is_typed(page, typed):
    panel = opened(page, explore("multistep"))
    before = code_in(panel)
    typed_into(group(panel, "multistep").get_by_label("milestones", exact=True), typed)
    assert panel.get_by_role("alert").inner_text() == (
        "milestones must be increasing whole numbers of at least 1 with commas between, "
        f"got {typed}"
    )
    assert code_in(panel) == before
    typed_into(group(panel, "multistep").get_by_label("milestones", exact=True), "10, 90")
    assert "milestones=(10, 90)" in code_in(panel)


def test_a_decimal_comma_is_no_thousand(page):
    panel = opened(page, explore("cosine"))
    field = group(panel, "cosine").get_by_label("peak_lr, exact value")
    for typed, hint in (("0,05", " (with a point: 0.05)"), ("1;2", ""), ("0x10", "")):
        field.click()
        field.press("Control+a")
        field.press_sequentially(typed)  # a hand: fill() would not be let into a number field
        field.press("Enter")
        said = panel.get_by_role("alert").inner_text()
        assert said == f"peak_lr must be a number of at least 0, got {typed}{hint}"
        assert field.input_value() == "0.1"


TYPED = [
    "",
    "-3",
    "1e9",
    "abc",
    "0,5",
    "1e400",
    "0.5",
    "0",
    "150",
    "99999",
    "5, 5",
    "90, 10",
    "nan",
]


@pytest.mark.parametrize("name", PANELS)
def test_whatever_is_typed_is_taken_or_refused_in_words(page, name):
    panel = opened(page, explore("warmup", "multistep") if name == "explore" else PANELS[name][0])
    for field in panel.locator(".lr-row:visible input[type=text]").all():
        before = field.input_value()
        for text in TYPED:
            typed_into(field, text)
            said = panel.locator(".lr-error").text_content()
            told = said + panel.locator(".lr-code").text_content()
            assert not re.search(r"undefined|Cannot|NaN|Infinity|object", told), (text, told)
            assert not said or re.search(r" must be |at most|are needed", said), said
        typed_into(field, before)


def test_a_refused_setting_reaches_no_goal(page):
    right = {"first": 40, "second": 75, "boundaries": "each one less"}
    panel = opened(page, milestones().at(right))
    goal = panel.locator(".lr-goal")
    assert goal.get_attribute("data-reached") == "true"
    typed_into(panel.get_by_label("second milestone, exact value"), "40")
    assert "two milestones must be two updates" in panel.get_by_role("alert").inner_text()
    assert goal.get_attribute("data-reached") == "false"
    assert goal.inner_text().endswith("not reached: these settings are refused.")
    assert float(panel.locator(".lr-figure").evaluate("(it) => getComputedStyle(it).opacity")) < 1
    typed_into(panel.get_by_label("second milestone, exact value"), "75")
    assert goal.get_attribute("data-reached") == "true"


def test_a_drop_at_the_end_is_not_offered_and_one_at_an_update_is_made_once(page):
    panel = opened(page, noise_floor())
    drop = panel.get_by_role("button", name="Drop the rate now")
    assert drop.is_disabled() and panel.get_by_text("Press Play, or move").is_visible()
    typed_into(panel.get_by_label("update, exact value"), "50")
    assert not panel.get_by_text("Press Play, or move").is_visible()
    drop.click()
    assert "a drop to a tenth at the update 50" in panel.locator(".lr-report").inner_text()
    assert drop.is_disabled()
    panel.get_by_role("button", name="Undo").click()
    assert "without a drop" in panel.locator(".lr-report").inner_text() and drop.is_enabled()


def test_a_metric_is_drawn_in_its_own_axes_and_reset_alone(page):
    panel = opened(page, plateau_cuts())
    goal, patience = panel.locator(".lr-goal"), panel.get_by_label("patience, exact value")
    typed_into(patience, "6")
    before = goal.inner_text()
    box = panel.locator(".lr-figure > svg").bounding_box()
    for share in (0.02, 0.8):  # the legend, the rates
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * share)
        assert goal.inner_text() == before
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.4)
    assert goal.inner_text() != before
    assert "you changed the metric" in goal.inner_text()
    panel.get_by_role("button", name="Reset the metric").click()
    assert goal.inner_text() == before and patience.input_value() == "6"


def read_at(page, panel, share, height=80):
    box = panel.locator(".lr-figure svg").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * share, box["y"] + height)
    return panel.locator(".lr-readout").inner_text()


def test_the_pointer_reads_what_is_there_and_nothing_else(page):
    read = read_at(page, opened(page, finder_reader()), 0.4)
    assert "loss of each batch" in read and "smoothed" in read
    assert not any(rule in read for rule in ("steepest", "valley", "slide", "minimum"))
    read = read_at(page, opened(page, cycle_composer()), 0.4)
    assert "cosine_restarts" in read and "snapshot" not in read
    panel = opened(page, how_many_seeds(count=3))
    panel.locator(".lr-figure").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    read = panel.locator(".lr-readout").inner_text()
    assert read.startswith("seeds looked at 3: ") and "not looked at yet" not in read
    assert re.search(r"95 % interval -?[0-9.]+ to -?[0-9.]+$", read), read
    panel = opened(page, kill_and_resume())
    assert re.fullmatch(  # killed after 20: before, there is no resumed run
        r"update 5: rate: never killed 0[.]\d+; loss: never killed [\d.e-]+",
        read_at(page, panel, 66 / 640 + 0.05 * 554 / 640),
    )
    read = read_at(page, panel, 0.5)
    assert re.fullmatch(
        r"update \d+: rate: never killed \S+, resumed \S+; loss: never killed \S+, resumed \S+",
        read,
    )


def test_two_views_of_one_output_are_two_panels(page):
    """As JupyterLab's second view of a cell's output makes them: the same text, put in later."""
    text = valley().html()
    page.set_content("<div id='one'></div><div id='two'></div>")
    for place in ("one", "two"):
        page.evaluate(
            """([place, text]) => {
            const box = document.getElementById(place);
            box.innerHTML = text;
            for (const old of box.querySelectorAll('script')) {
                const fresh = document.createElement('script');
                fresh.textContent = old.textContent;
                old.parentNode.replaceChild(fresh, old);
            }
            if (place === 'one') {
                const field = box.querySelector('input[type=text]');
                field.value = '0.07';
                field.dispatchEvent(new Event('change'));
            }
        }""",
            [place, text],
        )
    one, two = (page.locator(f"#{place}") for place in ("one", "two"))
    assert one.get_by_label("learning rate, exact value").input_value() == "0.07"
    assert two.get_by_label("learning rate, exact value").input_value() == "0.03"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((each) => each.id)")
    assert len(ids) == len({*ids})


def test_of_the_keys_the_notebook_gets_those_that_run_or_leave_the_cell(page):
    panel = opened(page, valley())
    page.evaluate("window.got = []; addEventListener('keydown', (e) => got.push(e.key))")
    panel.get_by_role("slider").first.focus()
    for key in ("m", "Shift+M", "Shift+ArrowRight", "d", "Shift+Enter", "Escape", "Control+s"):
        page.keyboard.press(key)
    pressed = [key for key in page.evaluate("got") if key not in ("Shift", "Control")]
    assert pressed == ["Enter", "Escape", "s"]


def test_a_walk_that_explodes_is_drawn_without_a_complaint(page):
    panel = opened(page, valley())
    field = panel.get_by_label("learning rate, exact value")
    for typed in ("0.2", "5", "1e6"):
        field.fill(typed)
        field.press("Enter")
        walk = panel.locator(".lr-figure svg svg").first.locator("path[stroke='#D55E00']")
        assert "L" in walk.get_attribute("d") and "e" not in walk.get_attribute("d")


@pytest.mark.parametrize("width", [1440, 390])
def test_goal_and_verdict_are_seen_while_a_slider_moves(page, width):
    """And the verdict, however long it is, does not move the slider away from the hand."""
    page.set_viewport_size({"width": width, "height": 900})
    panel = opened(page, plateau_cuts())
    slider = panel.get_by_role("slider", name="patience")
    goal = panel.locator(".lr-goal")
    slider.focus()
    page.keyboard.press("ArrowRight")
    if width < 900:
        slider.evaluate("(it) => it.scrollIntoView({block: 'center'})")
    before = slider.bounding_box()
    said = goal.inner_text()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    assert goal.inner_text() != said and "not reached: " in said
    assert slider.bounding_box() == before
    box = goal.bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 900
    figure = panel.locator(".lr-figure").bounding_box()
    page.mouse.move(figure["x"] + 200, figure["y"] + 80)
    page.mouse.down()
    page.mouse.up()
    assert goal.inner_text().endswith("not reached: you changed the metric: Reset it.")


def test_the_picture_is_read_by_keyboard_and_pointer(page):
    panel = opened(page, explore("linear"))
    panel.locator(".lr-figure").focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    assert panel.locator(".lr-readout").inner_text() == "update 30: linear 0.07"
    assert panel.get_by_role("status").inner_text() == "update 30: linear 0.07"
    box = panel.locator(".lr-figure svg").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
    at = int(panel.locator(".lr-readout").inner_text().split(":")[0].split()[1])
    assert 40 < at < 50 and panel.locator(".lr-cursor").count() == 1


def test_code_is_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel = opened(page, valley())
    panel.get_by_role("button", name="Copy the code: PyTorch").click()
    page.wait_for_function("document.body.innerText.includes('Copied')"
                           " || document.body.innerText.includes('Press Ctrl+C')")  # fmt: skip


def test_the_goal_is_told_when_it_is_reached(page):
    panel = opened(page, valley())
    assert panel.locator(".lr-goal").get_attribute("data-reached") == "false"
    field = panel.get_by_label("learning rate, exact value")
    field.fill("0.09")
    field.press("Enter")
    assert panel.locator(".lr-goal").get_attribute("data-reached") == "true"
    assert panel.locator(".lr-goal").inner_text().endswith("- reached.")


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("width, theme", [(1280, "light"), (800, "dark"), (390, "light")])
def test_nothing_is_cut_off_and_every_control_has_a_name(browser, name, width, theme):
    """Also the pictures that are kept: each panel at two widths, in both themes."""
    panel, _ = PANELS[name]
    if name == "explore":
        panel = explore("cosine", "one_cycle", "wsd")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    opened(page, panel)
    page.screenshot(path=ARTIFACTS / f"{name}_{width}_{theme}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    nameless = page.evaluate("""() =>
        [...document.querySelectorAll('.lr-panel input, .lr-panel select, .lr-panel button')]
        .filter((each) => !(each.labels?.length || each.getAttribute('aria-label')
                            || each.textContent.trim())).map((each) => each.outerHTML)""")
    assert nameless == []
    outside = page.evaluate("""() => {
        const svg = document.querySelector('.lr-figure > svg').getBoundingClientRect();
        return [...document.querySelectorAll('.lr-figure > svg > text')].filter((each) => {
            const box = each.getBoundingClientRect();
            return box.left < svg.left - 1 || box.right > svg.right + 1
                || box.bottom > svg.bottom + 1;
        }).map((each) => each.textContent);
    }""")
    assert outside == []
    page.close()
