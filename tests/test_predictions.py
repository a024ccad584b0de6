"""Predictions: noted before, never changed after, scored by Brier, and kept like progress."""

import html
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from course_lib import predictions, progress
from course_lib.plots import plot_calibration
from course_lib.predictions import Calibration, Prediction, calibration, forget, outcome, predict

COIN = {"heads": 80, "tails": 20}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("LR_COURSE_PROGRESS", str(tmp_path / "folder" / "progress.json"))
    for notes in (predictions.NOTES, progress.NOTES):
        monkeypatch.setattr(notes, "memory", {})
        monkeypatch.setattr(notes, "said", set())
    return tmp_path / "folder" / "predictions.json"


def made(odds, happened=None, id="1.a"):
    return Prediction(id, "Heads?", odds, happened)


# --- the score ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odds, brier",
    [
        ({"heads": 100, "tails": 0}, 0),
        ({"heads": 0, "tails": 100}, 2),
        ({"heads": 50, "tails": 50}, 0.5),
        (COIN, 0.2**2 + 0.2**2),
        ({"heads": 20, "tails": 80}, 0.8**2 + 0.8**2),
        ({"heads": 25.0, "tails": 25, "edge": 50}, 0.75**2 + 0.25**2 + 0.5**2),
        ({"heads": 0, "tails": 50, "edge": 50}, 1 + 0.25 + 0.25),
    ],
)
def test_the_score_is_brier_s(odds, brier):
    assert made(odds, "heads").brier == pytest.approx(brier, abs=1e-12)


def test_odds_that_sum_to_about_100_are_made_to_sum_to_it():
    third = made({"a": 33, "b": 33, "c": 33}, "a")
    assert third.probability("a") == pytest.approx(1 / 3)
    assert third.brier == pytest.approx(third.even_brier) == pytest.approx(2 / 3)


def test_it_is_best_to_say_what_one_believes():
    """Brier's score is proper: with a coin of 70 %, 70 % has the best mean score."""
    scores = {}
    for said in range(0, 101, 5):
        mine = {"heads": said, "tails": 100 - said}
        scores[said] = 0.7 * made(mine, "heads").brier + 0.3 * made(mine, "tails").brier
    assert min(scores, key=scores.get) == 70


@pytest.mark.parametrize(
    "odds, is_even",
    [
        ({"a": 50, "b": 50}, True),
        ({"a": 34, "b": 33, "c": 33}, True),
        ({"a": 50.75, "b": 49.25}, True),
        ({"a": 51, "b": 49}, False),
        ({"a": 35, "b": 33, "c": 32}, False),
    ],
)
def test_even_odds_are_no_opinion(odds, is_even):
    assert made(odds).is_even is is_even


# --- a prediction and its outcome -----------------------------------------------------------------


def test_a_slip_in_the_odds_is_told_without_frames_of_ours(place):
    with pytest.raises(ValueError, match="got 120") as caught:
        predict("1.a", "Heads?", {"heads": 60, "tails": 60})
    (line,) = caught.value._render_traceback_()
    assert line.startswith("ValueError: odds must sum to 100 per cent, got 120")
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_odds_may_be_numbers_of_numpy(place):
    predict("1.a", "Heads?", {"heads": np.int64(80), "tails": np.float32(20)})
    assert json.loads(place.read_text())["predictions"]["1.a"]["odds"] == COIN


def test_the_outcome_says_in_words_how_good_the_odds_were(place):
    predict("1.a", "Heads?", {"heads": 20, "tails": 80})
    assert "You gave it 20 %, which is no better than even odds" in repr(outcome("1.a", "heads"))


def test_a_prediction_may_be_changed_until_its_outcome_was_shown(place):
    assert "may change it" in repr(predict("1.a", "Heads?", {"heads": 10, "tails": 90}))
    predict("1.a", "Heads?", COIN)
    said = repr(outcome("1.a", "heads"))
    assert said.splitlines()[0] == "Outcome 1.a: heads."
    better = "You gave it 80 %, which is better than even odds: Brier score 0.08 (0: sure and right"
    assert f"{better}; 0.50: even odds" in said
    late = predict("1.a", "Heads?", {"heads": 100, "tails": 0})
    assert "these first odds count" in repr(late) and "heads    80 %" in repr(late)
    assert 'forget("1.a")' in repr(late)
    assert "Brier score 0.08" in repr(outcome("1.a", "heads"))
    entry = json.loads(place.read_text())["predictions"]["1.a"]
    assert entry == {"question": "Heads?", "odds": COIN, "happened": "heads"}


def test_the_first_outcome_counts_too():
    predict("1.a", "Heads?", COIN)
    outcome("1.a", "heads")
    again = repr(outcome("1.a", "tails"))
    assert again == "Outcome 1.a: tails.\nThe first outcome was: heads. That one is scored."
    assert calibration().brier == pytest.approx(0.08)


def test_another_question_under_the_same_id_is_asked_anew():
    predict("1.a", "Heads?", COIN)
    outcome("1.a", "heads")
    new = predict("1.a", "Which side?", {"heads": 60, "tails": 30, "edge": 10})
    assert "Noted" in repr(new)
    assert "You gave it 10 %" in repr(outcome("1.a", "edge"))


def test_an_outcome_without_a_prediction_tells_nothing_but_what_to_do():
    said = repr(outcome("1.a", "heads"))
    assert said == "No prediction 1.a yet: run the cell with `predict` above, then this one."
    predict("1.a", "Heads?", COIN)
    assert "Brier" in repr(outcome("1.a", "heads"))


def test_even_odds_are_kept_and_scored_but_not_counted():
    assert "no opinion yet" in repr(predict("1.a", "Heads?", {"heads": 50, "tails": 50}))
    assert "no opinion" in repr(outcome("1.a", "tails"))
    assert "Even odds" not in repr(predict("1.b", "Heads?", COIN))
    outcome("1.b", "tails")
    mine = calibration()
    assert [each.id for each in mine.scored] == ["1.b"] and mine.even == 1
    assert "Left out, with even odds: 1 prediction." in repr(mine)


def test_even_odds_stay_even_after_the_outcome_and_that_is_said():
    predict("2.e", "Up?", {"yes": 50, "no": 50})
    outcome("2.e", "yes")
    late = repr(predict("2.e", "Up?", {"yes": 90, "no": 10}))
    assert "yes      50 %" in late and "first odds stay: even, so left out of your" in late


def test_forgetting_one_and_all(place):
    for id in ("1.a", "1.b", "2.a"):
        predict(id, "Heads?", COIN)
        outcome(id, "heads")
    forget("1.a")
    assert "Noted" in repr(predict("1.a", "Heads?", COIN))
    forget("9.z")  # never made
    with pytest.raises(ValueError, match="id must be the number of the lesson"):
        forget("1a")
    forget()
    assert json.loads(place.read_text())["predictions"] == {}


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, error, said",
    [
        (("1", "Heads?", COIN), ValueError, "id must be .* got '1'"),
        ((1, "Heads?", COIN), ValueError, "id must be .* got 1"),
        (("a.1", "Heads?", COIN), ValueError, "id must be"),
        (("1.a", " ", COIN), ValueError, "question must be a text"),
        (("1.a", None, COIN), ValueError, "question must be a text, got None"),
        (("1.a", "Heads?", [80, 20]), ValueError, r"odds must give .* got \[80, 20\]"),
        (("1.a", "Heads?", {"heads": 100}), ValueError, "two outcomes or more"),
        (("1.a", "Heads?", {"heads": 50, 3: 50}), ValueError, "each a text"),
        (
            ("1.a", "Heads?", {"heads": 90, "tails": -20}),
            ValueError,
            "odds of 'tails' must be .* got -20",
        ),
        (
            ("1.a", "Heads?", {"heads": "80", "tails": 20}),
            ValueError,
            "odds of 'heads' must be .* got '80'",
        ),
        (
            ("1.a", "Heads?", {"heads": True, "tails": 99}),
            ValueError,
            "odds of 'heads' must be .* got True",
        ),
        (
            ("1.a", "Heads?", {"heads": math.nan, "tails": 20}),
            ValueError,
            "odds of 'heads' must be .* got nan",
        ),
        (
            ("1.a", "Heads?", {"heads": math.inf, "tails": 20}),
            ValueError,
            "odds of 'heads' must be .* got inf",
        ),
        (("1.a", "Heads?", {"heads": 0.8, "tails": 0.2}), ValueError, "sum to 100 per cent, got 1"),
        (("1.a", "Heads?", {"heads": 80, "tails": 22}), ValueError, r"got 102 from \[80, 22\]"),
        (("1.a", "Heads?", {"heads": 80, "tails": 18}), ValueError, "got 98"),
    ],
)
def test_what_is_no_prediction_is_refused(place, arguments, error, said):
    with pytest.raises(error, match=said):
        predict(*arguments)
    assert not place.exists()


def test_sums_within_rounding_are_accepted():
    for total in (98.5, 101.5):
        predict("1.a", "Heads?", {"heads": total - 20, "tails": 20})


@pytest.mark.parametrize("happened", ["edge", "Heads", None, 1, True, ["heads"]])
def test_an_outcome_that_was_not_predicted_is_refused(happened):
    predict("1.a", "Heads?", COIN)
    with pytest.raises(ValueError, match=r"happened must be one of .*'heads', 'tails'.* got"):
        outcome("1.a", happened)
    assert calibration().open == 1


def test_a_prediction_that_has_happened_holds_its_outcome():
    with pytest.raises(ValueError, match="happened must be"):
        made(COIN, "edge")


# --- what is shown --------------------------------------------------------------------------------

LEARNER = [
    made(COIN, "heads", "10.a"),
    made({"heads": 60, "tails": 40}, "tails", "2.b"),
    made({"heads": 50, "tails": 50}, "tails", "2.a"),
    made({"heads": 70, "tails": 30}, None, "3.a"),
]


def test_the_calibration_is_a_table_in_the_order_of_the_lessons_and_two_means():
    mine = Calibration(LEARNER, "")
    assert [each.id for each in mine.scored] == ["2.b", "10.a"]
    assert (mine.even, mine.open) == (1, 1)
    more = Calibration([*LEARNER, made(COIN, "heads", "2.a")], "")
    assert [each.id for each in more.scored] == ["2.a", "2.b", "10.a"]
    assert mine.brier == pytest.approx((0.72 + 0.08) / 2) and mine.even_brier == 0.5
    title, *lines = repr(mine).splitlines()
    assert title == "Your predictions"
    assert re.split(r"  +", lines[0]) == [
        "lesson", "question", "your odds for what happened", "Brier"
    ]  # fmt: skip
    assert re.split(r"  +", lines[1]) == ["2", "2.b: Heads?", "40 %", "0.72"]
    assert re.split(r"  +", lines[2]) == ["10", "10.a: Heads?", "80 %", "0.08"]
    assert lines[3].startswith("Mean Brier score 0.40 over 2 predictions; even odds would")
    assert "Without an outcome yet: 1 prediction." in lines
    assert "Kept in" not in repr(mine) and "Kept in" in repr(calibration())


def test_without_a_prediction_it_says_what_to_do(place):
    empty = calibration()
    assert repr(empty).startswith("No prediction to score yet: change the odds")
    assert str(place) in repr(empty) and "<table" not in empty._repr_html_()
    assert "of a <code>predict</code> cell" in empty._repr_html_()
    assert math.isnan(empty.brier) and math.isnan(empty.even_brier)
    (axes,) = empty.plot().axes
    assert [each.get_text() for each in axes.texts] == ["no prediction to score yet"]


class Page(HTMLParser):
    """The tags of a piece of HTML, and whether each is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.said = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said.append(data)


def test_the_pages_are_whole_without_scripts_and_readable_aloud():
    odd = {"<b>it & that</b>": 70, "no": 30}
    shown = predict("1.a", "<script>alert(1)</script>?", odd)
    scored = outcome("1.a", "<b>it & that</b>")
    for each in (shown, scored, calibration(), outcome("1.b", "no")):
        page = Page(each._repr_html_())
        tags = {tag for tag, _ in page.tags}
        assert tags <= {"table", "tr", "th", "td", "p", "code"}
        heads = [attributes for tag, attributes in page.tags if tag == "th"]
        assert all(each == {"scope": "col"} for each in heads)
        assert all(
            dict(given).keys() == {"aria-label"} for tag, given in page.tags if tag == "table"
        )
        said = "".join(page.said)
        for line in repr(each).splitlines()[-1:]:  # text and HTML end with the same words
            assert line.strip().replace("`", "") in html.unescape(said)
    assert "<script>" in repr(calibration())


def test_the_figure_groups_what_was_said_and_counts():
    pairs = Calibration(LEARNER, "").pairs()
    assert sorted(pairs) == [(0.2, False), (0.4, True), (0.6, False), (0.8, True)]
    figure = Calibration(LEARNER, "").plot()
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "stated probability in %"
    assert axes.get_ylabel() == "share that came true in %"
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert [list(map(round, point)) for point in points] == [[20, 0], [40, 100], [60, 0], [80, 100]]
    assert [each.get_text() for each in axes.texts] == ["n = 1"] * 4
    bars = [line.get_ydata() for line in axes.lines if line.get_linestyle() == "-"]
    for low, high in [bar for bar in bars if len(bar) == 2]:
        assert 0 <= low < high <= 100 and high - low > 50  # one throw says little


def test_a_bin_is_a_fifth_and_stands_at_the_mean_of_what_was_said():
    (axes,) = plot_calibration([(0.22, True), (0.38, False), (0.99, True), (1.0, True)]).axes
    points = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert points == [pytest.approx((30, 50)), pytest.approx((99.5, 100))]
    assert [each.get_text() for each in axes.texts] == ["n = 2", "n = 2"]


def test_a_calibrated_learner_lies_on_the_diagonal():
    many = []
    for lesson in range(10):
        for letter in "abcdefghij":
            happened = "heads" if lesson < 8 else "tails"
            many.append(made(COIN, happened, f"{lesson}.{letter}"))
    (axes,) = Calibration(many, "").plot().axes
    points = [tuple(line.get_xydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert points == [pytest.approx((20, 20)), pytest.approx((80, 80))]


# --- where it is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("name, value", [("LR_COURSE_PROGRESS", ""), ("NBGRADER_EXECUTION", "1")])
def test_nothing_is_kept_where_it_is_not_wanted(place, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    predict("1.a", "Heads?", COIN)
    assert "Brier score 0.08" in repr(outcome("1.a", "heads"))
    assert "memory only" in repr(calibration()) and not place.parent.exists()


@pytest.mark.parametrize(
    "entry",
    [
        {"question": "Heads?", "odds": {"heads": 80}, "happened": None},
        {"question": "Heads?", "odds": {"heads": 80, "tails": 80}, "happened": None},
        {"question": "Heads?", "odds": COIN, "happened": "edge"},
        {"question": 3, "odds": COIN, "happened": None},
        {"odds": COIN, "happened": None},
        5,
    ],
    ids=range(6),
)
def test_a_damaged_file_is_put_aside_and_said(place, capsys, entry):
    place.parent.mkdir()
    place.write_text(json.dumps({"version": 1, "predictions": {"1.a": entry}}))
    predict("1.b", "Heads?", COIN)
    (aside,) = place.parent.glob("predictions.json.broken-*")
    said = f"Your predictions could not be read and a new file is begun; the old one is {aside}.\n"
    assert capsys.readouterr().out == said
    assert calibration().open == 1


def test_an_entry_under_another_kind_of_id_is_left_alone(place):
    predict("1.a", "Heads?", COIN)
    kept = json.loads(place.read_text())
    kept["predictions"]["heads"] = kept["predictions"]["1.a"]
    place.write_text(json.dumps(kept))
    assert calibration().open == 1


def test_what_is_solved_lies_beside_it_untouched(place):
    predict("1.a", "Heads?", COIN)
    progress.touch("1.1")
    forget()
    names = sorted(path.name for path in place.parent.glob("[!.]*"))
    assert names == ["predictions.json", "progress.json"]
    assert list(progress.NOTES.read()) == ["1.1"]


def test_kernels_at_once_lose_nothing(place):
    code = (
        "import sys\nfrom course_lib.predictions import predict, outcome\n"
        "for letter in 'abcdefghij':\n"
        "    predict(f'{sys.argv[1]}.{letter}', 'Heads?', {'heads': 80, 'tails': 20})\n"
        "    outcome(f'{sys.argv[1]}.{letter}', 'heads')\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(i)]) for i in range(3)]
    assert [each.wait() for each in running] == [0] * 3
    assert len(calibration().scored) == 30
