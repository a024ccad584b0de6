"""The panels under a hand that is not a mouse on a wide screen: keyboard alone, a finger, a screen
reader, a narrow window; and a hand that is quicker than the page.
"""

import re

import pytest
from test_widgets_browser import PANELS, code_in, group, opened, typed_into

from course_lib.widgets import (
    explore,
    how_many_seeds,
    lab,
    milestones,
    noise_floor,
    plateau_cuts,
    valley,
)
from course_lib.widgets.lab_parts import Trial, entry


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


@pytest.fixture
def phone(browser):
    page = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    ).new_page()
    yield page
    page.context.close()


class Fingers:
    """Touches as the screen of a phone makes them: each event has the places of all fingers."""

    def __init__(self, page):
        self.page, self.session = page, page.context.new_cdp_session(page)

    def stroke(self, *places):
        """Down at the first places, along the others, and up; a place is a list of fingers."""
        kinds = ["touchStart"] + ["touchMove"] * (len(places) - 1)
        for kind, fingers in [*zip(kinds, places), ("touchEnd", [])]:
            points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers)]
            self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
            self.page.evaluate("new Promise((done) => requestAnimationFrame(done))")


def corner(panel):
    """Of the picture, in the page."""
    box = panel.locator(".lr-figure > svg").bounding_box()
    return box["x"], box["y"]


def focused(page):
    return page.evaluate("document.activeElement.textContent || document.activeElement.tagName")


# --- keyboard -------------------------------------------------------------------------------------


def test_a_number_can_be_typed_while_the_run_plays(page):
    panel = opened(page, noise_floor())
    panel.get_by_role("button", name="Play").click()
    rate, update = (panel.get_by_label(f"{name}, exact value") for name in ("first rate", "update"))
    rate.press("Control+a")
    rate.press_sequentially("0.1")
    shown = update.input_value()
    page.wait_for_function("([it, was]) => it.value !== was", arg=[update.element_handle(), shown])
    rate.press_sequentially("25")
    rate.press("Tab")
    assert rate.input_value() == "0.125" and "lr=0.125" in code_in(panel)


def test_a_field_that_is_left_shows_the_value_that_holds(page):
    panel = opened(page, valley())
    field = panel.get_by_label("learning rate, exact value")
    for typed, holds in (("0.0500", "0.05"), ("x", "0.05"), ("1e-2", "0.01")):
        field.fill(typed)
        field.press("Enter")
        assert field.input_value() == holds


def test_a_button_that_can_be_pressed_no_more_keeps_the_focus(page):
    panel = opened(page, noise_floor())
    typed_into(panel.get_by_label("update, exact value"), "50")
    told = panel.locator(".lr-report")
    for name, said in (("Drop the rate now", "at the update 50"), ("Undo", "without a drop")):
        pressed = panel.get_by_role("button", name=name)
        pressed.focus()
        for _ in range(2):  # the second time in vain
            page.keyboard.press("Space")
            assert said in told.inner_text() and focused(page) == name
        assert pressed.is_disabled()
    panel = opened(page, plateau_cuts())
    panel.locator(".lr-figure").focus()
    page.keyboard.press("ArrowDown")
    panel.get_by_role("button", name="Reset the metric").focus()
    page.keyboard.press("Space")
    assert focused(page) == "Reset the metric" and "changed" not in panel.inner_text()


def test_a_list_of_many_is_one_stop_on_the_way(page):
    panel = opened(page, explore("cosine"))
    panel.locator(".lr-figure").focus()
    page.keyboard.press("Tab")
    boxes = group(panel, "schedules to compare").get_by_role("checkbox")
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.press("Space")
    assert boxes.nth(1).is_checked()
    page.keyboard.press("Tab")
    assert focused(page).startswith("Show all")
    page.keyboard.press("Shift+Tab")
    assert boxes.nth(1).evaluate("(it) => it === document.activeElement")


def test_where_there_is_no_clipboard_the_code_of_a_run_is_marked(page):
    """On plain http there is none."""
    bench = lab("constant(lr=0.1) | mlp | mnist | max_updates=50")
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto("about:blank")
    trial = Trial(1, bench.recipe, 50)
    page.set_content(entry(trial, bench.code_of(trial)))
    page.get_by_role("button").click()
    page.get_by_role("button", name="Press Ctrl+C").wait_for()
    assert page.evaluate("String(getSelection())") == bench.code_of(Trial(1, bench.recipe, 50))
    assert problems == []


# --- what a screen reader is told -----------------------------------------------------------------


def test_nothing_is_read_out_before_a_hand_moves_something(page):
    """Neither when the page opens nor when its width changes."""
    page.clock.install()
    panel = opened(page, valley())
    status = panel.get_by_role("status")
    page.clock.run_for(2000)
    assert status.text_content() == ""
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector(".lr-figure > svg[viewBox^='0 0 400 ']")
    page.clock.run_for(2000)
    assert status.text_content() == ""
    panel.get_by_role("slider").first.press("ArrowRight")
    page.clock.run_for(2000)
    assert status.text_content() == " ".join(
        panel.locator(each).text_content() for each in (".lr-report", ".lr-goal")
    )


@pytest.mark.parametrize("refused", ["30", "abc"])  # by the formula, by the field
def test_a_refused_setting_is_not_followed_by_what_was_before(page, refused):
    page.clock.install()
    panel = opened(page, milestones())
    field = panel.get_by_label("second milestone, exact value")
    typed_into(field, "61")
    typed_into(field, refused)
    page.clock.run_for(2000)
    assert "must be" in panel.get_by_role("alert").inner_text()
    assert panel.get_by_role("status").text_content() == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_refusal_can_be_read(page, theme):
    """4.5:1 at least against the page, as for all text."""
    page.emulate_media(color_scheme=theme)
    panel = opened(page, milestones())
    typed_into(panel.get_by_label("second milestone, exact value"), "abc")
    colors = page.evaluate("""() => {
        const pen = document.createElement("canvas").getContext("2d");
        const probe = document.createElement("p");
        probe.style.color = "Canvas";
        document.body.append(probe);
        return [document.querySelector(".lr-error"), probe].map((each) => {
            pen.fillStyle = getComputedStyle(each).color;
            pen.fillRect(0, 0, 1, 1);
            return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
        });
    }""")
    linear = [[(c / 255 + 0.055) ** 2.4 / 1.055**2.4 for c in color] for color in colors]
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear)
    assert (high + 0.05) / (low + 0.05) >= 4.5


# --- the pointer, and a finger --------------------------------------------------------------------


def test_only_the_first_button_of_the_mouse_draws_and_drags(page):
    for panel in (plateau_cuts(), milestones()):
        panel = opened(page, panel)
        before = panel.locator(".lr-report").inner_text()
        x, y = corner(panel)
        left = x + (66 + 0.3 * 554) * 760 / 640  # the first milestone
        page.mouse.move(left, y + 100)
        page.mouse.down(button="right")
        page.mouse.move(left + 100, y + 110, steps=4)
        page.mouse.up(button="right")
        assert panel.locator(".lr-report").inner_text() == before


def values_at(page, panel, numbers):
    """What the arrow keys read of the drawn metric, at each evaluation from 1 on."""
    panel.locator(".lr-figure").focus()
    read = []
    for _ in range(max(numbers)):
        page.keyboard.press("ArrowRight")
        said = panel.locator(".lr-readout").inner_text()
        read.append((int(said.split()[1].rstrip(":")), float(re.findall(r" ([\d.]+)", said)[1])))
    return [dict(read)[number] for number in numbers]


def test_a_quick_stroke_is_a_straight_line(page):
    panel = opened(page, plateau_cuts())
    x, y = corner(panel)
    scale = panel.locator(".lr-figure > svg").bounding_box()["width"] / 640
    page.mouse.move(x + (66 + 554 * 4 / 39) * scale, y + 80 * scale)
    page.mouse.down()
    page.mouse.move(x + (66 + 554 * 18 / 39) * scale, y + 170 * scale)
    page.mouse.up()
    page.mouse.move(5, 5)
    first, middle, last = values_at(page, panel, (5, 12, 19))
    assert first - last > 0.2
    assert middle == pytest.approx((first + last) / 2, abs=0.002)


def test_a_tap_reads_the_picture_and_what_it_read_stays(phone):
    for panel in (explore("linear"), how_many_seeds()):
        panel = opened(phone, panel)
        box = panel.locator(".lr-figure > svg").bounding_box()
        phone.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 70)
        assert re.search(r" \d", panel.locator(".lr-readout").inner_text())
        assert panel.locator(".lr-cursor").count() >= 1


def test_a_finger_draws_and_drags_sideways(phone):
    panel = opened(phone, plateau_cuts())
    x, y = corner(panel)
    Fingers(phone).stroke(*([(x + 100 + 10 * i, y + 90)] for i in range(8)))
    assert "you changed the metric" in panel.locator(".lr-goal").inner_text()
    panel = opened(phone, milestones())
    x, y = corner(panel)
    scale = panel.locator(".lr-figure > svg").bounding_box()["width"] / 400
    left = x + (66 + 0.3 * 314) * scale
    Fingers(phone).stroke(*([(left + 10 * i, y + 90)] for i in range(6)))
    assert int(panel.get_by_label("first milestone, exact value").input_value()) > 40


def test_a_finger_scrolls_the_page_over_a_picture_and_two_enlarge_it(phone):
    """Also where a metric can be drawn, which stays as it was."""
    panel = opened(phone, plateau_cuts())
    goal = panel.locator(".lr-goal").inner_text()
    x, y = corner(panel)
    fingers = Fingers(phone)
    fingers.stroke(*([(x + 150 + i % 2, y + 150 - 12 * i)] for i in range(10)))
    phone.wait_for_function("scrollY > 20")
    assert panel.locator(".lr-goal").inner_text() == goal
    x, y = corner(panel)
    middle = x + 160
    fingers.stroke(
        [(middle - 15, y + 150)],
        *([(middle - 15 - 8 * i, y + 150), (middle + 15 + 8 * i, y + 150)] for i in range(10)),
    )
    phone.wait_for_function("visualViewport.scale > 1.5")
    assert panel.locator(".lr-goal").inner_text() == goal
    assert not panel.get_by_role("button", name="Reset the metric").is_enabled()


def test_a_list_of_numbers_is_typed_with_the_whole_keypad(page):
    """That of decimals has no comma on some phones."""
    panel = opened(page, explore("multistep"))
    field = group(panel, "multistep").get_by_label("milestones", exact=True)
    assert field.get_attribute("inputmode") is None


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("width", [360, 288])  # 288: a cell at 400 % of 1280 pixels
def test_no_control_sticks_out_of_its_frame(page, name, width):
    page.set_viewport_size({"width": width, "height": 740})
    opened(page, explore("triangular", "multistep") if name == "explore" else PANELS[name][0])
    out = page.evaluate("""() => [...document.querySelectorAll('.lr-panel fieldset')].flatMap(
        (frame) => [...frame.querySelectorAll('input, select, button')].filter((each) =>
            each.offsetParent && (frame.getBoundingClientRect().right > innerWidth
            || each.getBoundingClientRect().right > frame.getBoundingClientRect().right - 4))
        .map((each) => each.outerHTML))""")
    assert out == []
