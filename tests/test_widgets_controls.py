"""The controls of a formula's parameters: panels and the training lab take them from one place."""

import json

import pytest

from course_lib.formulas.parameters import (
    Choice,
    Flag,
    Increasing,
    Inner,
    Maybe,
    Number,
    Numbers,
    Whole,
)
from course_lib.schedules import GALLERY, Schedule, one_cycle_momentum
from course_lib.tensorflow import SGD
from course_lib.widgets import explore
from course_lib.widgets.controls import PLACES, control_of, slider_place, slider_value
from course_lib.widgets.javascript import browser as javascript
from course_lib.widgets.javascript import to_javascript

SLIDERS = [each for each in explore(*GALLERY).controls if each.kind == "slider"]


def places(control):
    if control.scale == "whole":
        return range(int(control.low), int(control.high) + 1)
    return range(PLACES + 1)


@pytest.mark.parametrize(
    "name, kind, value, wanted",
    [
        ("lr", Number(), 0.1, {"low": 0.001, "high": 1.0, "scale": "log", "zero": True}),
        ("lr", Number(above=True), 0.1, {"scale": "log", "zero": False, "above": True}),
        ("final_lr", Number(), 0.0, {"low": 1e-6, "high": 0.3, "zero": True}),
        ("share", Number(high=1), 0.5, {"low": 0, "high": 1, "allowed": (0, 1)}),
        ("momentum", Number(below=1), 0.9, {"low": 0, "high": 0.99, "allowed": (0, 0.999999)}),
        ("factor", Number(above=True), 0.1, {"low": 0.005, "high": 1, "allowed": (0, None)}),
        ("start_factor", Number(above=True), 25, {"low": 0.25, "high": 250, "scale": "log"}),
        ("growth", Number(low=1), 3.0, {"low": 1, "high": 6, "scale": "linear"}),
        ("every", Whole(low=3), 5, {"low": 3, "high": 800, "allowed": (3, None)}),
        ("every", Maybe(Whole()), None, {"low": 0, "optional": True, "value": None}),
        ("mode", Choice(("a", "b")), "b", {"kind": "choice", "options": ("a", "b")}),
        ("nesterov", Flag(), True, {"kind": "flag", "value": True}),
        ("milestones", Increasing(), (3, 5), {"kind": "numbers", "scale": "whole"}),
        ("values", Numbers(), (0.3, 5), {"kind": "numbers", "value": [0.3, 5]}),
    ],
)
def test_a_control_is_made_of_what_the_signature_declares(name, kind, value, wanted):
    made = vars(control_of(name, kind, value, rate=0.3, steps=400, group="g"))
    assert made["name"] == made["label"] == name and made["group"] == "g"
    assert {each: made[each] for each in wanted} == wanted


def test_the_explorer_s_sliders_of_a_momentum_stop_where_the_trainers_do():
    sliders = {each.name: each for each in explore("one_cycle_momentum").controls}
    for name in ("low", "high"):
        most = sliders[f"one_cycle_momentum.{name}"].allowed[1]
        SGD(0.1, momentum=most)
        with pytest.raises(ValueError, match=f"{name} must be .* below 1, got 1.0"):
            Schedule(one_cycle_momentum, total_steps=9, **{name: 1.0})


def test_around_a_rate_of_0_there_is_a_range_whatever_the_others_are():
    assert control_of("lr", Number(), 0.0, rate=0.0).high == 1.0


def test_a_schedule_inside_of_a_schedule_has_no_control_of_its_own():
    with pytest.raises(TypeError, match="then must be declared as numbers, a word or a flag"):
        control_of("then", Inner(), GALLERY["cosine"])


def test_a_slider_stands_where_it_was_put():
    assert len(SLIDERS) > 100
    for each in SLIDERS:
        for place in places(each):
            value = slider_value(each, place)
            assert round(slider_place(each, value)) == place, (each.name, value)
            assert (each.low <= value * 1.001 and value <= each.high * 1.001) or value == 0


def test_both_languages_put_a_slider_in_the_same_place(browser):
    page = browser.new_page()
    page.set_content("<p>empty</p>")
    source = f"{javascript()}; {to_javascript(slider_place, slider_value)}"
    page.add_script_tag(content=f"{source}; window.to = slider_value; window.of = slider_place;")
    asked = [(each, [0, 1, *places(each)[2::9]]) for each in SLIDERS]
    there = page.evaluate(
        "(asked) => JSON.stringify(JSON.parse(asked).map(([control, places]) => places.map("
        "(place) => [to(control, place), of(control, to(control, place))])))",
        json.dumps([[vars(control), some] for control, some in asked]),
    )
    page.close()
    for (control, some), pairs in zip(asked, json.loads(there), strict=True):
        values = [slider_value(control, place) for place in some]
        assert [value for value, _ in pairs] == values, control.name
        back = [slider_place(control, value) for value in values]
        assert [place for _, place in pairs] == pytest.approx(back, rel=1e-12), control.name
