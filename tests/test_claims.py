"""Claims and records: the arithmetic, the runs, and that every sentence of the course holds."""

import json
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from course_lib import Schedule, claims
from course_lib.claims import (
    CLAIMS,
    EXPERIMENTS,
    RECORDS,
    Claim,
    Estimate,
    Experiment,
    Runs,
    Training,
    experiments,
    gain,
    lesson_07,
    mean_interval,
    mean_of,
    records,
    sampling_error,
    spread_ratio,
)
from course_lib.claims.lesson_01 import beyond_the_cliff
from course_lib.claims.reproduce import run
from course_lib.data import Dataset
from course_lib.schedules import lambda_lr, linear
from course_lib.statistics import gap_error
from course_lib.training import FRAMEWORKS, fit
from course_lib.widgets.finder_reader import END_LR, START_LR

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import build_notebooks as builder
import lesson_cells
import pages

# --- the arithmetic -------------------------------------------------------------------------------


def test_an_estimate_is_written_with_its_interval():
    text = f"{Estimate(0.214, 0.1, 0.328, 5):.2f} points, {Estimate(-1, -2, 0, 5):.1f}"
    assert text == "0.21 [0.10, 0.33] points, -1.0 [-2.0, 0.0]"


@pytest.mark.parametrize(
    "low, high, above, below, undecided",
    [
        (0.1, 2, True, False, False),
        (-2, -0.1, False, True, False),
        (-1, 1, False, False, True),
        (0, 1, False, False, True),
        (-1, 0, False, False, True),
        (math.nan, math.nan, False, False, False),  # of one seed nothing is known, nor that
    ],
)
def test_an_interval_decides_or_does_not(low, high, above, below, undecided):
    each = Estimate(0, low, high, 5)
    assert (each.above_zero, each.below_zero, each.undecided) == (above, below, undecided)


def test_the_mean_s_interval_is_student_s():
    values = [97.1, 97.4, 96.9, 97.8, 97.3]
    mean, half = mean_interval(values)
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (mean - half, mean + half) == pytest.approx((low, high), abs=1e-12)
    assert mean_of(dict(enumerate(values))) == mean_of(values)
    assert mean_of(values).n == 5
    assert math.isnan(mean_interval([1.0])[1])


def test_a_gain_pairs_the_seeds_and_no_others():
    before = {0: 1.0, 1: 5.0, 2: 9.0, 7: 100.0}
    after = {2: 9.3, 0: 1.1, 1: 5.2, 8: -100.0}
    got = gain(after, before)
    expected = stats.ttest_rel([1.1, 5.2, 9.3], [1.0, 5.0, 9.0]).confidence_interval(0.95)
    assert got.value == pytest.approx(0.2) and got.n == 3
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))
    assert got.undecided and expected.low < 0 < expected.high
    with pytest.raises(ValueError, match="no seed in common"):
        gain({1: 0.0}, {2: 0.0})


def of_seeds(values):
    return dict(enumerate(map(float, values)))


def test_the_ratio_of_two_spreads_ends_where_pitman_s_test_rejects():
    """Equal spreads are sums and differences without correlation: at each end of the interval,
    with the wider side divided by that ratio, its p-value is 5 %."""
    rng = np.random.default_rng(0)
    common = rng.normal(0, 1, 20)
    wide, narrow = 3 * (common + rng.normal(0, 1, 20)), common + rng.normal(0, 0.5, 20)
    got = spread_ratio(of_seeds(wide), {**of_seeds(narrow), 99: 1e6})  # 99 has no pair
    assert got.value == pytest.approx(np.std(wide, ddof=1) / np.std(narrow, ddof=1)) and got.n == 20
    for end in (got.low, got.high):
        assert stats.pearsonr(wide / end + narrow, wide / end - narrow).pvalue == pytest.approx(
            0.05
        )


def test_two_pairs_say_nothing_of_a_ratio_of_spreads():
    got = spread_ratio({0: 1.0, 1: 4.0}, {0: 1.0, 1: 2.0})
    assert got.value == pytest.approx(3) and math.isnan(got.low) and math.isnan(got.high)


def test_two_spreads_in_proportion_have_a_ratio_however_their_correlation_is_rounded():
    for narrow in np.random.default_rng(0).normal(0, 1, (100, 5)):
        got = spread_ratio(of_seeds(3 * narrow), of_seeds(narrow))
        assert [got.low, got.value, got.high] == pytest.approx([3, 3, 3])


def test_intervals_cover_what_they_say():
    """Of many intervals around a known mean, and a known ratio, about 95 % hold it: the pairs have
    a common part, as runs of one seed have."""
    rng = np.random.default_rng(1)
    draws = rng.normal(2.0, 1.0, (1000, 2, 8)) + rng.normal(0, 2, (1000, 1, 8))
    means = [mean_of(list(one)) for one, _ in draws]
    ratios = [spread_ratio(of_seeds(3 * one), of_seeds(other)) for one, other in draws]
    covered = [sum(e.low < truth < e.high for e in es) for truth, es in ((2, means), (3, ratios))]
    assert all(930 < count < 970 for count in covered), covered


def test_the_sampling_error_of_the_test_images():
    rng = np.random.default_rng(0)
    accuracies = rng.binomial(10_000, 0.97, 20_000) / 10_000
    assert 1.96 * accuracies.std() == pytest.approx(sampling_error(0.97), rel=0.02)
    assert sampling_error(0.97, images=2_500) == pytest.approx(2 * sampling_error(0.97))


def test_the_gap_on_the_same_images_moves_by_those_on_which_two_disagree():
    """Of one pair of runs, the formula of lesson 11: `a` images are right before only, `b` after
    only. Where both miss an image, it tells nothing."""
    a, b, both = range(10), range(10, 40), range(40, 300)
    got = gap_error({0: [*a, *both]}, {0: [*b, *both]}, images=10_000)
    assert got == pytest.approx(1.96 / 10_000 * math.sqrt(10 + 30 - (30 - 10) ** 2 / 10_000))
    assert got < sampling_error(0.97) / 2
    assert gap_error({3: [*both]}, {3: [*both], 4: [1]}) == 0  # seed 4 has no pair
    with pytest.raises(ValueError, match="no seed in common"):
        gap_error({0: [1]}, {1: [2]})


def test_the_gap_of_several_pairs_moves_as_samples_of_the_images_do():
    """Five pairs of runs on 100,000 images, of which tests draw 1,000 at a time."""
    rng = np.random.default_rng(0)
    hard = rng.random(100_000) ** 8
    before, after = (rng.random((5, 100_000)) < 1.2 * hard for _ in range(2))
    wrong = [
        {seed: np.flatnonzero(row[:1000]).tolist() for seed, row in enumerate(rows)}
        for rows in (after, before)
    ]
    gaps = (before.mean(0) - after.mean(0)).reshape(100, 1000).mean(1)
    assert gap_error(*wrong, images=1000) == pytest.approx(1.96 * gaps.std(), rel=0.2)


# --- runs -----------------------------------------------------------------------------------------


def dataset():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8), np.arange(60) % 10
    return Dataset(
        images[:50], labels[:50], images[50:], labels[50:], "mnist", "made in a test", "noise"
    )


def tiny(**options):
    schedule = Schedule(linear, peak_lr=0.1, total_steps=8)
    options = {"epochs": 2, **options}
    return Training("mnist", "softmax", lambda epoch, total: schedule, batch_size=16, **options)


@pytest.fixture
def noise(monkeypatch):
    """The experiment "tiny" on a data set of noise."""
    monkeypatch.setattr(experiments, "_loaded", {"mnist": dataset()}.get)

    def of(**options):
        variants = {"one": tiny(**options), "two": tiny(**options)}
        monkeypatch.setitem(EXPERIMENTS, "tiny", Experiment("a question", variants, seeds=2))

    return of


PACKAGES = {"torch": ["torch"], "tensorflow": ["keras", "tensorflow"]}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_line_is_what_the_same_run_gives_again(noise, framework):
    noise(losses=True, momentum=0.5)
    line = run(("tiny", "one", framework, 3))
    schedule = Schedule(linear, peak_lr=0.1, total_steps=8)
    again = fit(
        schedule,
        data=dataset(),
        model="softmax",
        framework=framework,
        epochs=2,
        batch_size=16,
        seed=3,
        momentum=0.5,
        validation=0,
        test=True,
        progress=False,
    )
    assert line["test_accuracy"] == again.test_accuracy
    assert line["test_loss"] == pytest.approx(again.test_loss, rel=1e-4)
    assert line["train_loss"] == pytest.approx(again.history["loss"], rel=1e-4)
    assert line["schedule"] == repr(schedule)
    assert (line["data"], line["model"], line["batch_size"]) == ("noise", "softmax", 16)
    assert (line["momentum"], line["optimizer"], line["updates"]) == (0.5, "sgd", 8)
    assert line["versions"].keys() == {"numpy", *PACKAGES[framework]}
    assert json.loads(json.dumps(line, allow_nan=False)) == line


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_test_images_that_a_run_gets_wrong_can_be_kept(noise, framework):
    noise(wrong=True)
    line = run(("tiny", "one", framework, 0))
    assert 1 - len(line["wrong"]) / 10 == pytest.approx(line["test_accuracy"])
    assert sorted(set(line["wrong"])) == line["wrong"] and set(line["wrong"]) <= set(range(10))
    assert json.loads(json.dumps(line)) == line
    noise()
    assert "wrong" not in run(("tiny", "one", framework, 0))


def test_updates_may_be_said_instead_of_epochs_and_images_held_out(noise):
    noise(max_updates=4, validation=0.2)  # an epoch is 3 updates
    line = run(("tiny", "one", "torch", 0))
    assert line["updates"] == 4
    assert 0 <= line["val_accuracy"] <= 1 and line["val_loss"] > 0
    assert "train_loss" not in line
    noise(max_updates=3, validation=0.2)
    assert run(("tiny", "one", "torch", 0))["val_loss"] != line["val_loss"]  # of its last epoch
    noise()
    assert "val_loss" not in run(("tiny", "one", "torch", 0))


def test_a_run_that_diverged_is_recorded_as_that(noise):
    """Here in its second epoch: what was measured after the first is not its result."""
    noise(validation=0.2)
    wild = Schedule(lambda_lr, lr=1.0, factor=lambda step: 1e-3 if step < 4 else 1e38)
    EXPERIMENTS["tiny"].variants["one"] = Training(
        "mnist", "softmax", lambda *_: wild, batch_size=16, epochs=4, validation=0.2, wrong=True
    )
    line = run(("tiny", "one", "torch", 0))
    assert line["wrong"] is None
    assert 3 < line["diverged"] == line["updates"] < 12
    assert line["test_accuracy"] is line["test_loss"] is None
    assert "val_loss" not in line
    json.dumps(line, allow_nan=False)


def test_a_run_at_other_rates_than_planned_is_refused(noise, monkeypatch):
    def late(schedule, **arguments):
        return fit(lambda step: schedule(max(step - 1, 0)), **arguments)

    monkeypatch.setattr(experiments, "fit", late)
    noise()
    with pytest.raises(AssertionError, match="one update late"):
        run(("tiny", "one", "torch", 0))


# --- what a record says ---------------------------------------------------------------------------


def fill(folder, name="tiny", frameworks=FRAMEWORKS, seeds=3, **values):
    """A record of variants one and two: `values` maps a key to a function of variant and seed."""
    for framework in frameworks:
        for seed in reversed(range(seeds)):
            for variant in ("one", "two"):
                key = {"variant": variant, "framework": framework, "seed": seed}
                made = {key: value(variant, seed) for key, value in values.items()}
                records.append(name, {**key, **made}, folder)


def test_runs_are_read_by_variant_framework_and_seed(tmp_path):
    fill(tmp_path, loss=lambda variant, seed: None if seed == 1 else seed + (variant == "two"))
    runs = Runs("tiny", "torch", tmp_path)
    assert runs.variants() == ["one", "two"]
    assert [line["seed"] for line in runs.lines("one")] == [0, 1, 2]
    assert runs.of("one", "loss") == {0: 0, 2: 2}  # what diverged has no value
    assert runs.percent("two", "loss") == {0: 100, 2: 300}
    assert runs.of("one", "never measured") == {}
    assert Runs("other", "torch", tmp_path).lines("one") == []
    assert runs.another("other") == Runs("other", "torch", tmp_path)


def test_a_rate_of_which_all_runs_diverged_keeps_the_cliff_measurable(tmp_path):
    for variant, accuracy in (("1", None), ("3", 0.1)):
        line = {"variant": variant, "framework": "torch", "seed": 0, "test_accuracy": accuracy}
        records.append("cliff", {**line, "diverged": None if accuracy else 5}, tmp_path)
    for seed in (0, 1):
        line = {"variant": "1", "framework": "torch", "seed": seed, "test_accuracy": 0.9}
        records.append("fixed_rates", line, tmp_path)
    found = beyond_the_cliff(Runs("cliff", "torch", tmp_path))
    assert (found["runs"], found["diverged"], found["most"]) == (2, 1, 10)


def test_the_tuned_variant_has_the_lowest_mean_and_no_run_that_diverged(tmp_path):
    measured = {"wild": (0.1, None), "even": (0.5, 0.5), "mixed": (0.2, 0.9), "never": (None, None)}
    for variant, losses in measured.items():
        for seed, loss in enumerate(losses):
            line = {"variant": variant, "framework": "torch", "seed": seed, "val_loss": loss}
            records.append("tiny", line, tmp_path)
    runs = Runs("tiny", "torch", tmp_path)
    assert runs.tuned(runs.variants()) == "even"
    assert runs.tuned(["wild", "mixed"]) == "mixed"
    assert runs.tuned(["unheard of", "mixed"]) == "mixed"


def better(holds=lambda n: n.gain.low > 0, **options):
    return Claim(
        "tiny",
        "The second gains {torch.gain:.1f} points.",
        lambda runs: {"gain": gain(runs.percent("two", "a"), runs.percent("one", "a"))},
        holds,
        **options,
    )


def test_a_claim_takes_its_numbers_from_the_record_and_is_true_or_not(tmp_path):
    claim = better()
    assert not claim.is_recorded(tmp_path)
    fill(tmp_path, a=lambda variant, seed: seed + (variant == "two") * (1 + seed / 100))
    assert claim.is_recorded(tmp_path) and claim.is_true(tmp_path)
    assert claim.text(tmp_path) == "The second gains 101.0 [98.5, 103.5] points."
    assert not better(lambda n: n.gain.low > 100).is_true(tmp_path)
    assert claim.seeds(tmp_path) == 3
    one = better(frameworks=("torch",))
    records.append("tiny", {"variant": "one", "framework": "torch", "seed": 3, "a": 1}, tmp_path)
    assert one.seeds(tmp_path) == 3  # the smallest number of any variant


def test_a_claim_must_hold_in_each_of_its_frameworks(tmp_path):
    fill(tmp_path, frameworks=["torch"], a=lambda variant, seed: seed + 2 * (variant == "two"))
    fill(tmp_path, frameworks=["tensorflow"], a=lambda variant, seed: seed)
    assert better(frameworks=("torch",)).is_true(tmp_path)
    assert not better().is_true(tmp_path)


def test_a_claim_of_two_experiments_needs_both(tmp_path):
    fill(tmp_path, a=lambda variant, seed: seed)
    claim = better(also=("more",))
    assert not claim.is_recorded(tmp_path) and claim.seeds(tmp_path) == 0
    fill(tmp_path, name="more", seeds=2, a=lambda variant, seed: seed)
    assert claim.is_recorded(tmp_path) and claim.seeds(tmp_path) == 2


def test_a_record_is_sorted_in_whatever_order_it_was_made(noise, tmp_path):
    noise()
    fill(tmp_path, a=lambda variant, seed: seed)
    records.append("tiny", {"variant": "gone", "framework": "torch", "seed": 0}, tmp_path)
    found = [
        (line["variant"], line["framework"], line["seed"])
        for line in claims.record("tiny", folder=tmp_path)
    ]
    order = [(v, f, s) for v in ("one", "two") for f in ("tensorflow", "torch") for s in range(3)]
    assert found == [*order, ("gone", "torch", 0)]


def test_unknown_names_and_missing_records_say_what_to_do(noise, tmp_path):
    noise()
    with pytest.raises(ValueError, match=r"name must be one of .*tiny, got 'mnist'"):
        claims.record("mnist")
    with pytest.raises(FileNotFoundError, match="no record of tiny; run: lr-course reproduce tiny"):
        claims.record("tiny", folder=tmp_path)
    with pytest.raises(ValueError, match="id must be one of"):
        claims.say("nobody-said-so")


# --- the records in the repository ----------------------------------------------------------------

COURSE = dict(EXPERIMENTS)
every_experiment = pytest.mark.parametrize("name", COURSE)
every_claim = pytest.mark.parametrize("id", CLAIMS)
TITLES = {"mnist": {"MNIST"}, "cifar10": {"CIFAR-10", "CIFAR-10 (JPEG copy)"}}
SIZES = {"mnist": 60_000, "cifar10": 50_000}


def no_constant(text):
    raise ValueError(f"{text} is no JSON")


@pytest.fixture
def sizes(monkeypatch):
    """Data sets of the real ones' sizes, of nothing."""
    shapes = {"mnist": (28, 28), "cifar10": (32, 32, 3)}

    def empty(name):
        x = np.broadcast_to(np.uint8(0), (SIZES[name], *shapes[name]))
        y = np.broadcast_to(np.int64(0), SIZES[name])
        return Dataset(x, y, x[:1], y[:1], name, "none")

    monkeypatch.setattr(experiments, "_loaded", empty)


def test_every_record_has_its_experiment():
    assert {path.stem for path in RECORDS.glob("*.jsonl")} <= COURSE.keys()


@every_experiment
def test_every_variant_is_on_record_and_what_is_has_five_seeds_or_more(name):
    """In one of its frameworks, at least; a claim says of which it speaks."""
    experiment, seeds = COURSE[name], {}
    for line in records.read(name):
        seeds.setdefault((line["variant"], line["framework"]), set()).add(line["seed"])
    lacking = experiment.variants.keys() - {variant for variant, _ in seeds}
    assert not lacking, f"{len(lacking)} variants of {name} have no run: {sorted(lacking)[:3]}"
    few = {each: len(found) for each, found in seeds.items() if len(found) < 5}
    assert not few, f"fewer than five seeds in {name}: {few}"


@every_experiment
def test_a_record_is_whole_and_of_its_experiment(name):
    path, experiment = RECORDS / f"{name}.jsonl", COURSE[name]
    if not path.exists():
        pytest.skip("no record yet: another test says so")
    text = path.read_text()
    assert text.endswith("\n")
    lines = [json.loads(each, parse_constant=no_constant) for each in text.splitlines()]
    made = [(line["variant"], line["framework"], line["seed"]) for line in lines]
    assert len(set(made)) == len(made), "a run is there twice"
    for line in lines:
        assert line["experiment"] == name
        assert line["variant"] in experiment.variants
        assert line["framework"] in experiment.frameworks
        assert type(line["seed"]) is int and line["seed"] >= 0
        # no stand-in, and no copy that nobody knows
        assert line["data"] in set().union(*TITLES.values())
        assert line["versions"].keys() == {"numpy", *PACKAGES[line["framework"]]}
        for version in (*line["versions"].values(), line["python"]):
            assert re.match(r"\d+\.\d+", version)
        assert re.search(r"\w+.*, \d+ cores$", line["hardware"])
        assert re.fullmatch(r"[0-9a-f]{7,40}\+?", line["commit"])


@every_experiment
def test_a_recorded_training_is_the_one_that_the_experiment_describes(name, sizes):
    for line in records.read(name):
        training = COURSE[name].variants[line["variant"]]
        if not isinstance(training, Training):
            continue  # it measures something of its own
        epoch, total = training.sizes()
        assert line["schedule"] == repr(training.schedule(epoch, total)), line["variant"]
        for key in ("model", "batch_size", "momentum", "optimizer"):
            # Lines that were made before there was another optimizer do not name it.
            found = line.get(key, "sgd") if key == "optimizer" else line[key]
            assert found == getattr(training, key), (line["variant"], key)
        assert line["data"] in TITLES[training.data]
        if line["diverged"] is None:
            assert line["updates"] == total
            assert 0.05 < line["test_accuracy"] < 1 and math.isfinite(line["test_loss"])
        else:
            assert line["updates"] == line["diverged"] and line["test_accuracy"] is None


def test_what_the_runs_that_are_no_training_measure(sizes, monkeypatch):
    """Each at its updates and on its images; the training itself is another test's."""
    asked, updates = {}, 2814
    even, sure = np.log([0.5, 1, *[0.5] * 8]), np.log([0.6, 0.4, *[1e-9] * 8])
    trainer = SimpleNamespace(
        evaluate=lambda images, labels: (float(len(images) + done), 0.0),
        logits=lambda images: np.array([sure if done == updates else even]),
    )

    def train(self, framework, seed, watch=lambda *_: None):
        nonlocal done
        for done in range(1, self.sizes()[1] + 1):
            watch(done, trainer)
        return SimpleNamespace(loss=[*range(done)])

    done = 0
    monkeypatch.setattr(Training, "train", train)
    monkeypatch.setattr(Training, "line", lambda self, run: {})
    measured = {
        name: COURSE[name].variants[variant]("torch", 0)
        for name, variant in (
            ("momentum_drop", "torch form"),
            ("plateau_noise", "watched"),
            ("snapshots", "restarts"),
        )
    }
    assert measured == {
        "momentum_drop": {"loss_before": 389.5, "loss_after": 409.5, "loss_later": 429.5},
        "plateau_noise": {
            "noisy": [500.0 + t for t in range(25, 2001, 25)],
            "steady": [5000.0 + t for t in range(25, 2001, 25)],
        },
        # The sure vote wins against two that are not.
        "snapshots": {"snapshots": [0.0, 0.0, 1.0], "ensemble": 1.0},
    }
    found = SimpleNamespace(lrs=[0.1] * 7, suggestion=lambda method: 0.123456)
    monkeypatch.setattr(lesson_07, "find_lr", lambda **given: asked.update(given) or found)
    line = COURSE["finder_spread"].variants["mnist mlp"]("tensorflow", 3)
    assert line["updates"] == 7 and line["valley"] == 0.1235
    wanted = {"start_lr": START_LR, "end_lr": END_LR, "steps": 100, "seed": 3, "batch_size": 128}
    assert asked.items() >= {**wanted, "framework": "tensorflow", "model": "mlp"}.items()


# --- the claims of the course ---------------------------------------------------------------------


@every_claim
def test_a_claim_holds_on_five_seeds_or_more(id):
    claim = CLAIMS[id]
    assert claim.is_recorded(), f"no record of {claim.experiment}"
    assert claim.seeds() >= 5
    for framework in claim.frameworks:
        assert claim.holds(claim.numbers(framework)), f"{id} does not hold in {framework}"
    assert claim.is_true()


ORDERING = re.compile(
    r"\b(higher|lower|better|worse|first|last|same|every|each|none|only|all|no|above|below)\b"
)


@every_claim
def test_a_claim_s_sentence_is_one_and_shows_its_numbers(id):
    claim = CLAIMS[id]
    fields = re.findall(r"\{(\w+)\.(\w+)", claim.sentence + claim.details)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", id)
    assert claim.experiment in EXPERIMENTS and set(claim.also) <= EXPERIMENTS.keys()
    assert {framework for framework, _ in fields} <= {"n", *claim.frameworks}
    assert fields or ORDERING.search(claim.sentence), "a claim says a number or an order"
    if not claim.is_recorded():
        pytest.skip("no record yet: another test says so")
    text = claim.whole()
    assert text.startswith(claim.text())
    assert text.rstrip().endswith(".") and "{" not in text
    assert "nan" not in text.lower().split() and "None" not in text


@every_claim
def test_a_claim_is_said_somewhere(id):
    places = [*builder.lessons(builder.ROOT), *(builder.ROOT / "docs/templates").glob("*.md")]
    said = [path.name for path in places if f"{{{{{id}}}}}" in path.read_text()]
    assert said, f"no lesson and no page of docs/templates says {{{{{id}}}}}"


# --- the pages ------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson and one page, which say the claim "good-claim"."""
    for folder in ("lessons", "docs/templates", "records"):
        (tmp_path / folder).mkdir(parents=True)
    values = {"a": lambda variant, seed: seed + (variant == "two") * (1 + seed / 100)}
    made = {"commit": lambda *_: "abcdef1", "hardware": lambda *_: "a chip, 2 cores"}
    made |= {"python": lambda *_: "3.11.7", "data": lambda *_: "noise", "seconds": lambda *_: 60}
    fill(tmp_path / "records", **values, **made, versions=lambda *_: {"torch": "2.13.0"})
    whole = records.read
    for module in (records, claims.claim):
        monkeypatch.setattr(module, "read", lambda name, _=None: whole(name, tmp_path / "records"))
    # Put back whole, and in their order, which the pages follow.
    saved = [(known, dict(known)) for known in (CLAIMS, EXPERIMENTS)]
    for known, _ in saved:
        known.clear()
    EXPERIMENTS["tiny"] = Experiment("a question", {"one": tiny()}, seeds=3)
    CLAIMS["good-claim"] = better()
    (tmp_path / "docs/templates/choosing.md").write_text("# Choosing\n\nWell. {{good-claim}}\n")
    (tmp_path / "lessons/01_one.py").write_text(
        '# %% [markdown] tags=["setup"]\n# # One lesson\n#\n# **You will be able to:** do it.\n#\n'
        "# **Minutes:** 5\n#\n# {{good-claim}}\n\n"
        '# %% tags=["setup"]\nframework = "torch"  # or "tensorflow"\n'
    )
    (tmp_path / "README.md").write_text("<!-- lessons -->\n<!-- /lessons -->\n")
    (tmp_path / "course_lib").mkdir()
    yield tmp_path
    for known, before in saved:
        known.clear()
        known.update(before)


SAID = (
    "The second gains 101.0 [98.5, 103.5] points. "
    "([claim `good-claim`]({}claims.md#good-claim), n = 3)"
)


def test_prose_takes_the_sentence_from_the_record(course):
    cell, _ = lesson_cells.read_cells(course / "lessons/01_one.py").cells
    assert cell.source.endswith(SAID.format("../docs/"))
    with pytest.raises(ValueError, match="id must be one of good-claim, got 'bad-claim'"):
        pages.with_claims("{{bad-claim}}", "")


def test_a_sentence_of_one_framework_s_numbers_is_said_of_the_other_on_the_page(course):
    """The lesson says that the other agrees; the details are on the page only."""
    gains = {"torch": [1.0, 2.0, 3.0], "tensorflow": [2.0, 3.0, 4.0]}
    CLAIMS["good-claim"] = Claim(
        "tiny",
        "It gains {n.gain.value:.1f} points.",
        measure=lambda runs: {"gain": mean_of(gains[runs.framework])},
        holds=lambda n: n.gain.value > 0,
        details="The interval begins at {n.gain.low:.1f}.",
    )
    link = "([claim `good-claim`](claims.md#good-claim), n = 3; TensorFlow agrees)"
    assert pages.with_claims("{{good-claim}}", "") == f"It gains 2.0 points. {link}"
    quoted, *rows = pages.claims_page(course, {}).split("## good-claim\n\n")[1].splitlines()
    assert quoted == "> It gains 2.0 points. The interval begins at -0.5."
    assert "- In TensorFlow: It gains 3.0 points. The interval begins at 0.5." in rows


def test_pages_are_built_and_go_stale(course, capsys):
    assert builder.main(["--pages"], root=course) == 0
    assert (course / "docs/choosing.md").read_text() == f"# Choosing\n\nWell. {SAID.format('')}\n"
    page = (course / "docs/claims.md").read_text()
    wanted = [
        "## good-claim\n\n> The second gains 101.0 [98.5, 103.5] points.",
        "- Seeds: 3 in torch and in tensorflow",
        "- Experiment: `tiny`, a question",
        "- Data: noise",
        "- Versions: Python 3.11.7; torch 2.13.0",
        "- Hardware: a chip, 2 cores",
        "- Commits: `abcdef1`",
        "- Said in: [lesson 1, One lesson](../notebooks/01_one.ipynb), [Choosing](choosing.md)",
        "- Again: `lr-course reproduce good-claim`",
        "| `tiny` | a question | 1 | 3 | torch, tensorflow | 12 | 12 |",
    ]
    for each in wanted:
        assert each in page
    assert not (course / "notebooks").exists()
    capsys.readouterr()
    builder.main(["--check"], root=course)
    assert "docs/" not in capsys.readouterr().out
    for name in ("claims.md", "choosing.md"):
        with open(course / "docs" / name, "a") as file:
            file.write("changed by hand\n")
    builder.main(["--check"], root=course)
    said = capsys.readouterr().out
    assert "docs/claims.md is old" in said and "docs/choosing.md is old" in said


def test_a_claim_without_a_record_is_listed_but_cannot_be_said(course, capsys, monkeypatch):
    CLAIMS["no-record"] = better(also=("gone",))
    EXPERIMENTS["gone"] = EXPERIMENTS["tiny"]
    whole = records.read
    for module in (records, claims.claim):
        monkeypatch.setattr(
            module, "read", lambda name, *rest: [] if name == "gone" else whole(name, *rest)
        )
    assert builder.main(["--pages"], root=course) == 0
    page = (course / "docs/claims.md").read_text()
    assert "## no-record\n\n> *There is no record of it yet.*" in page
    assert "Said in: nowhere" in page
    assert "| 0 | - |" in page  # runs, and the minutes that nobody measured


def test_a_page_that_names_an_unknown_claim_is_an_error(course, capsys):
    (course / "docs/templates/choosing.md").write_text("{{bad-claim}}\n")
    assert builder.main(["--pages"], root=course) == 1
    assert "docs/: id must be one of good-claim, got 'bad-claim'" in capsys.readouterr().err


def test_pages_are_about_all_lessons(course, capsys):
    with pytest.raises(SystemExit):
        builder.main(["--pages", "lessons/01_one.py"], root=course)
    assert "name none" in capsys.readouterr().err
