"""The panels without a browser: what they say, that a slider changes it, and the still picture."""

import base64
import itertools
import math

import pytest

from course_lib.widgets import (
    GOAL,
    plot_valley,
    valley,
    valley_path,
    valley_regime,
    valley_report,
)

PNG = b"\x89PNG"


@pytest.mark.parametrize("lr", [0.01, 0.3, 0.5, 0.9, 1.0, 1.3])
@pytest.mark.parametrize("curvature", [0.5, 2.0, 40.0])
def test_path_is_a_power_of_one_factor(lr, curvature):
    path = valley_path(1.5, lr=lr, curvature=curvature, steps=9)
    assert path == pytest.approx([1.5 * (1 - lr * curvature) ** t for t in range(10)])


@pytest.mark.parametrize("curvature", [0.5, 2.0, 40.0])
def test_regime_is_told_from_the_path(curvature):
    fractions = {  # of the edge 2 / curvature
        0.1: "creeps",
        0.5: "lands at once",
        0.8: "jumps between the walls",
        1.0: "jumps for ever",
        1.1: "flies out",
    }
    for fraction, regime in fractions.items():
        lr = fraction * 2 / curvature
        assert valley_regime(lr, curvature) == regime
        path = valley_path(1.0, lr=lr, curvature=curvature, steps=6)
        crosses = any(a * b < -1e-12 for a, b in itertools.pairwise(path))
        assert crosses == ("jumps" in regime or regime == "flies out")
        assert (abs(path[-1]) < 0.999) == (fraction < 1)


@pytest.mark.parametrize("lr", [0.02, 0.3, 0.34, 0.35, 0.5, 0.65, 0.66, 0.99, 1.0, 1.01, 2.0])
def test_report_says_goal_edge_and_code(lr):
    report = valley_report(lr)
    assert (": reached" in report) == (abs(1 - 2 * lr) ** 12 < GOAL)
    assert ("it converges" in report) == (lr < 1)
    for code in (f"constant, lr={lr:g})", f"SGD(model.parameters(), lr={lr:g})"):
        assert code in report
    assert f"keras.optimizers.SGD(learning_rate={lr:g})" in report


def test_code_in_the_report_sets_this_rate():
    """Run, not read: what the panel shows for each framework gives the rate that it names."""
    report = valley_report(0.345)
    lines = {line[:11].strip(): line[12:] for line in report.splitlines()[-3:]}
    torch = pytest.importorskip("torch")
    model = torch.nn.Linear(1, 1)
    optimizer = eval(lines["PyTorch"], {"torch": torch, "model": model})
    assert optimizer.param_groups[0]["lr"] == 0.345
    tensorflow = pytest.importorskip("course_lib.tensorflow")
    optimizer = eval(lines["Keras"], {"keras": tensorflow.keras})
    assert float(optimizer.learning_rate) == pytest.approx(0.345)
    from course_lib.schedules import Schedule, constant

    names = {"Schedule": Schedule, "constant": constant, "fit": lambda schedule, *_: schedule}
    assert eval(lines["course_lib"], names)(7) == 0.345


def test_figure_has_two_axes_per_rate_and_draws_the_path():
    assert len(plot_valley([0.3]).axes) == 2
    figure = plot_valley([0.05, 0.5, 0.9, 1.1], steps=5)
    assert len(figure.axes) == 8
    path, *_ = (line for line in figure.axes[3].lines if len(line.get_xdata()) == 6)
    assert path.get_xdata() == pytest.approx(valley_path(1.0, lr=1.1, curvature=2.0, steps=5))


@pytest.mark.filterwarnings("error")
def test_a_rate_that_leaves_the_floats_behind_is_drawn_without_a_warning():
    plot_valley([2.0], steps=2000).canvas.draw()
    assert "not reached" in valley_report(2.0, steps=2000)


def test_slider_changes_picture_text_and_field():
    panel = valley(lr=0.3)
    picture, text = bytes(panel.picture.value), panel.text.value
    assert picture.startswith(PNG) and "not reached" in text
    panel.slider.value = 10**-0.3
    assert panel.number.value == 0.501
    assert bytes(panel.picture.value).startswith(PNG) and panel.picture.value != picture
    assert "lr=0.501" in panel.text.value and ": reached" in panel.text.value


def test_field_moves_slider_but_a_dragged_slider_is_left_alone():
    panel = valley(lr=0.3)
    panel.number.value = 0.9
    assert panel.slider.value == 0.9
    assert "jumps between the walls" in panel.text.value
    dragged = 10**-0.51
    panel.slider.value = dragged
    assert panel.slider.value == dragged and panel.number.value == 0.309


def test_a_typed_rate_survives_the_browser_moving_the_handle_to_the_next_step():
    panel = valley(lr=0.3)
    panel.slider.value = 10**-0.52  # what JupyterLab sends as soon as it has drawn the slider
    assert panel.number.value == 0.3
    panel.number.value = 0.5
    panel.slider.value = 10**-0.3
    assert panel.number.value == 0.5 and "lr=0.5)" in panel.text.value
    panel.slider.value = 10**-0.29  # an arrow key
    assert panel.number.value == 0.513


def test_still_picture_and_words_for_where_no_kernel_runs():
    panel = valley(lr=0.9)
    bundle = panel._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == panel.picture.value
    assert bundle["text/plain"] == valley_report(0.9)
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_slider_reaches_from_a_hundredth_of_the_edge_to_twice_the_edge():
    panel = valley(lr=0.02, curvature=50.0)
    assert 10**panel.slider.min == pytest.approx(0.01 * 2 / 50)
    assert 10**panel.slider.max == pytest.approx(2 * 2 / 50)
    assert panel.slider.description == "learning rate" and panel.slider.continuous_update


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"lr": 3.0}, "lr must be a number from 0.01 to 2, got 3.0"),
        ({"lr": math.nan}, "lr must be"),
        ({"curvature": 0}, "curvature must be a number above 0, got 0"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        valley(**arguments)
