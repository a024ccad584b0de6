"""Recorded runs: made once, never lost, and each says what it was made of and on."""

import json
import math
import re
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from course_lib import Schedule, claims, cli
from course_lib.claims import EXPERIMENTS, RECORDS, Experiment, record, reproduce
from course_lib.data import Dataset
from course_lib.schedules import linear
from course_lib.training import FRAMEWORKS, fit


def dataset():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 28, 28), dtype=np.uint8), np.arange(60) % 10
    return Dataset(
        images[:50], labels[:50], images[50:], labels[50:], "mnist", "made in a test", "noise"
    )


TINY = Experiment(
    title="linear, 2 epochs",
    data="mnist",
    model="softmax",
    epochs=2,
    batch_size=16,
    schedule=lambda epoch, total: Schedule(linear, peak_lr=0.1, total_steps=total),
)


@pytest.fixture(autouse=True)
def runs(monkeypatch):
    """The experiment "tiny"; what is returned lists (framework, seed) of every run begun."""
    begun = []

    def noted(schedule, **arguments):
        begun.append((arguments["framework"], arguments["seed"]))
        return fit(schedule, progress=False, **arguments)

    monkeypatch.setitem(EXPERIMENTS, "tiny", TINY)
    monkeypatch.setattr(claims, "load", lambda name: dataset())
    monkeypatch.setattr(claims, "fit", noted)
    return begun


def in_torch(folder, seeds=(0, 1)):
    return reproduce("tiny", frameworks=["torch"], seeds=seeds, folder=folder)


def test_a_record_has_one_line_per_framework_and_seed(runs, tmp_path):
    lines = reproduce("tiny", seeds=range(2), folder=tmp_path)
    made = [(line["framework"], line["seed"]) for line in lines]
    assert made == sorted(runs) == [(f, s) for f in ("tensorflow", "torch") for s in (0, 1)]
    assert len((tmp_path / "tiny.jsonl").read_text().splitlines()) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.jsonl"]
    for line in lines:
        assert line["experiment"] == "tiny" and line["data"] == "noise"
        assert line["schedule"] == "Schedule(linear, peak_lr=0.1, total_steps=8)"
        assert (line["model"], line["batch_size"], line["momentum"]) == ("softmax", 16, 0)
        assert line["updates"] == 8 and len(line["train_loss"]) == 2  # all 50 images, in 4 batches
        assert line["diverged"] is None
        assert line["versions"].keys() == {"numpy", *PACKAGES[line["framework"]]}
        assert line["hardware"] and line["python"] and line["commit"]
    assert lines[0]["test_loss"] == pytest.approx(lines[2]["test_loss"], abs=1e-5)
    assert lines[0]["test_accuracy"] == lines[2]["test_accuracy"]
    assert lines[0]["test_loss"] != lines[1]["test_loss"]


PACKAGES = {"torch": ["torch"], "tensorflow": ["keras", "tensorflow"]}


def test_what_is_on_record_is_what_the_same_run_gives_again(tmp_path):
    (line,) = in_torch(tmp_path, seeds=[3])
    schedule = TINY.schedule(4, 8)
    arguments = dict(data=dataset(), model="softmax", epochs=2, batch_size=16, seed=3)
    again = fit(schedule, validation=0, test=True, progress=False, **arguments)
    assert (line["test_loss"], line["test_accuracy"]) == (again.test_loss, again.test_accuracy)
    assert line["train_loss"] == pytest.approx(again.history["loss"], rel=1e-4)


def test_a_second_command_makes_only_the_runs_that_are_missing(runs, tmp_path):
    first = in_torch(tmp_path)
    runs.clear()
    assert in_torch(tmp_path) == first
    assert runs == []
    more = in_torch(tmp_path, seeds=range(4))
    assert runs == [("torch", 2), ("torch", 3)]
    assert more[:2] == first and len(more) == 4
    assert in_torch(tmp_path, seeds=[]) == more  # the whole record, whatever was asked for


def test_the_record_is_sorted_by_framework_and_seed_in_whatever_order_it_was_made(tmp_path):
    for framework, seed in (("torch", 10), ("tensorflow", 2), ("torch", 9), ("tensorflow", 0)):
        reproduce("tiny", frameworks=[framework], seeds=[seed], folder=tmp_path)
    order = [(line["framework"], line["seed"]) for line in record("tiny", folder=tmp_path)]
    assert order == [("tensorflow", 0), ("tensorflow", 2), ("torch", 9), ("torch", 10)]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_runs_that_were_finished_before_an_interruption_are_kept(
    error, runs, tmp_path, monkeypatch
):
    noted = claims.fit

    def stops_at_seed_1(schedule, **arguments):
        if arguments["seed"] == 1:
            raise error
        return noted(schedule, **arguments)

    monkeypatch.setattr(claims, "fit", stops_at_seed_1)
    with pytest.raises(error):
        in_torch(tmp_path, seeds=range(3))
    assert [line["seed"] for line in record("tiny", folder=tmp_path)] == [0]
    monkeypatch.setattr(claims, "fit", noted)
    runs.clear()
    assert [line["seed"] for line in in_torch(tmp_path, seeds=range(3))] == [0, 1, 2]
    assert runs == [("torch", 1), ("torch", 2)]


# A command that has finished seed 0, and is killed in the middle of writing seed 1.
KILLED = """
import os, signal, sys
from pathlib import Path
from course_lib import claims
from course_lib.training import Run

def run(seed):
    return Run("a schedule", "torch", "mlp", "noise", 16, seed, 0.0, lr=[0.1], loss=[1.0])

path = Path(sys.argv[1]) / "new" / "tiny.jsonl"
claims._append(path, claims._line("tiny", run(0), "0000000"))
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
claims._append(path, claims._line("tiny", run(1), "0000000"))
"""


def test_a_kill_in_the_middle_of_writing_leaves_whole_lines(tmp_path):
    ran = subprocess.run([sys.executable, "-c", KILLED, tmp_path], capture_output=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()
    assert [line["seed"] for line in record("tiny", folder=tmp_path / "new")] == [0]
    assert [line["seed"] for line in in_torch(tmp_path / "new")] == [0, 1]


def test_a_folder_that_does_not_exist_is_made_however_deep(tmp_path):
    assert len(in_torch(tmp_path / "a" / "b", seeds=[0])) == 1


def test_seeds_may_be_numpys(tmp_path):
    in_torch(tmp_path, seeds=np.arange(2))
    assert [line["seed"] for line in record("tiny", folder=tmp_path)] == [0, 1]


def test_a_run_that_diverged_is_recorded_as_that(tmp_path, monkeypatch):
    wild = replace(
        TINY, model="mlp", schedule=lambda *_: Schedule(linear, peak_lr=1e9, total_steps=8)
    )
    monkeypatch.setitem(EXPERIMENTS, "tiny", wild)
    (line,) = in_torch(tmp_path, seeds=[0])
    assert 0 < line["diverged"] == line["updates"] < 8
    assert line["test_accuracy"] is line["test_loss"] is None
    json.dumps(line, allow_nan=False)


def test_a_run_at_other_rates_than_planned_is_not_recorded(tmp_path, monkeypatch):
    def late(schedule, **arguments):
        return fit(lambda step: schedule(max(step - 1, 0)), progress=False, **arguments)

    monkeypatch.setattr(claims, "fit", late)
    with pytest.raises(AssertionError, match="one update late"):
        in_torch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_record_names_the_command_that_makes_it(tmp_path, capsys):
    with pytest.raises(FileNotFoundError) as error:
        record("tiny", folder=tmp_path)
    assert str(error.value) == "there is no record of tiny; run: lr-course reproduce tiny"
    command = str(error.value).split("run: lr-course ")[1].split()
    here = ["--framework", "torch", "--seeds", "2", "--records", str(tmp_path)]
    assert cli.main([*command, *here]) == 0
    assert len(record("tiny", folder=tmp_path)) == 2
    assert re.search(r"^torch      seed 1  test accuracy \d", capsys.readouterr().out, re.M)


def test_unknown_names_are_refused_with_the_known_ones(runs, tmp_path, capsys):
    known = ", ".join(EXPERIMENTS)
    with pytest.raises(ValueError, match=f"name must be one of {known}, got 'mnist'"):
        reproduce("mnist", folder=tmp_path)
    with pytest.raises(ValueError, match="framework must be one of torch, tensorflow, got 'jax'"):
        reproduce("tiny", frameworks=["torch", "jax"], folder=tmp_path)
    assert cli.main(["reproduce", "mnist", "--records", str(tmp_path)]) == 2
    assert "name must be one of mnist_printed" in capsys.readouterr().err
    assert runs == [] and list(tmp_path.iterdir()) == []


def test_the_command_without_a_name_lists_the_experiments(capsys):
    assert cli.main(["reproduce"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == list(EXPERIMENTS)


# --- the records in the repository ----------------------------------------------------------------

COMMITTED = [
    pytest.param(path.stem, line, id=f"{path.stem}:{number}")
    for path in sorted(RECORDS.glob("*.jsonl"))
    for number, line in enumerate(path.read_text().splitlines(), start=1)
]
TRAINING_IMAGES = {"MNIST": 60_000, "CIFAR-10": 50_000, "CIFAR-10 (JPEG copy)": 50_000}
committed = pytest.mark.parametrize("name, text", COMMITTED)


def test_every_experiment_has_its_record_and_every_record_its_experiment():
    assert {path.stem for path in RECORDS.glob("*.jsonl")} == EXPERIMENTS.keys() - {"tiny"}


@committed
def test_a_committed_run_says_what_it_was_made_on(name, text):
    line = json.loads(text)
    assert line["framework"] in FRAMEWORKS
    assert isinstance(line["seed"], int) and line["seed"] >= 0
    assert line["versions"].keys() == {"numpy", *PACKAGES[line["framework"]]}
    for version in (*line["versions"].values(), line["python"]):
        assert re.match(r"\d+\.\d+", version)
    assert re.search(r"\w+.*, \d+ cores$", line["hardware"])
    assert re.fullmatch(r"[0-9a-f]{7,40}\+?", line["commit"])
    assert line["seconds"] > 0


@committed
def test_a_committed_run_is_one_of_its_experiment_as_it_is_now(name, text):
    line, experiment = json.loads(text), EXPERIMENTS[name]
    assert line["experiment"] == name
    assert line["data"] in TRAINING_IMAGES  # no stand-ins, and no copy that nobody knows
    assert line["data"].lower().replace("-", "").startswith(experiment.data)
    per_epoch = math.ceil(TRAINING_IMAGES[line["data"]] / experiment.batch_size)
    total = experiment.epochs * per_epoch
    assert line["schedule"] == repr(experiment.schedule(per_epoch, total))
    assert (line["model"], line["batch_size"]) == (experiment.model, experiment.batch_size)
    assert line["momentum"] == 0
    if line["diverged"] is None:
        assert (line["updates"], len(line["train_loss"])) == (total, experiment.epochs)
        assert 0.1 < line["test_accuracy"] < 1 and math.isfinite(line["test_loss"])
    else:
        assert line["updates"] == line["diverged"] and line["test_accuracy"] is None


def test_no_committed_run_is_there_twice():
    for path in RECORDS.glob("*.jsonl"):
        lines = map(json.loads, path.read_text().splitlines())
        made = [(line["framework"], line["seed"]) for line in lines]
        assert len(set(made)) == len(made), path.name
