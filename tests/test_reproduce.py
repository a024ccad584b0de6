"""`lr-course reproduce`: made once, never lost, on one core, on several, on a cluster.

Whole commands run a real experiment, lesson 1's stability edge, on a data set that is small but no
stand-in: in this process, in others, killed and continued.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
from clusters import scheduler

from course_lib import claims, cli
from course_lib.claims import (
    CLAIMS,
    EXPERIMENTS,
    Claim,
    Experiment,
    gain,
    mean_of,
    records,
    reproduce,
)
from course_lib.claims.reproduce import FailedRuns, make, missing
from course_lib.cluster import cluster
from course_lib.data import Dataset

EDGE = "stability_edge"
COMMAND = [sys.executable, "-m", "course_lib.cli", "reproduce"]


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder with 1,000 images of noise under MNIST's name."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 1000), ("test", 10)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(count) % 10
    np.savez(folder / "mnist.npz", **arrays)
    return folder


@pytest.fixture
def environment(small_data):
    return {**os.environ, "LR_COURSE_DATA": str(small_data), "OMP_NUM_THREADS": "1"}


def keys(name, folder):
    return [(x["variant"], x["framework"], x["seed"]) for x in records.read(name, folder)]


# --- one tiny experiment, in this process ---------------------------------------------------------


@pytest.fixture(autouse=True)
def begun(monkeypatch):
    """The experiment "tiny"; what is returned lists the runs that were begun."""
    begun = []

    def variant(name):
        def run(framework, seed):
            begun.append((name, framework, seed))
            return {"data": "noise", "updates": 1, "value": seed + (name == "b")}

        return run

    tiny = Experiment("a question", {name: variant(name) for name in "ab"}, seeds=3)
    monkeypatch.setitem(EXPERIMENTS, "tiny", tiny)
    return begun


def wanted(folder, seeds=3):
    return missing("tiny", ["a", "b"], ["torch", "tensorflow"], range(seeds), folder)


def test_only_the_missing_runs_are_made(begun, tmp_path):
    make(wanted(tmp_path, seeds=1), folder=tmp_path)
    every = [(name, framework, 0) for framework in ("torch", "tensorflow") for name in "ab"]
    assert begun == keys("tiny", tmp_path) == every
    begun.clear()
    assert wanted(tmp_path, seeds=1) == []
    make(wanted(tmp_path), folder=tmp_path)
    assert len(begun) == 8 and {seed for *_, seed in begun} == {1, 2}
    assert Counter(keys("tiny", tmp_path)).most_common(1)[0][1] == 1


def test_a_line_says_what_was_run_and_what_it_was_made_with(tmp_path):
    make([("tiny", "b", "tensorflow", 2)], folder=tmp_path)
    (line,) = records.read("tiny", tmp_path)
    assert {key: line[key] for key in ("experiment", "variant", "framework", "seed")} == {
        "experiment": "tiny",
        "variant": "b",
        "framework": "tensorflow",
        "seed": 2,
    }
    assert line["value"] == 3
    assert line["versions"].keys() == {"numpy", "keras", "tensorflow"}
    assert line["python"] and line["hardware"] and line["commit"]


def test_the_runs_of_a_seed_come_together_so_that_a_part_is_a_fair_part(tmp_path):
    seeds = [seed for *_, framework, seed in wanted(tmp_path) if framework == "torch"]
    assert seeds == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_was_finished_before_an_interruption_is_kept(error, begun, tmp_path, monkeypatch):
    whole = reproduce.run

    def stops(task):
        if task[3] == 1:
            raise error
        return whole(task)

    monkeypatch.setattr(reproduce, "run", stops)
    with pytest.raises(error):
        make(wanted(tmp_path), folder=tmp_path)
    assert keys("tiny", tmp_path) == [("a", "torch", 0), ("b", "torch", 0)]
    monkeypatch.setattr(reproduce, "run", whole)
    begun.clear()
    make(wanted(tmp_path), folder=tmp_path)
    assert len(begun) == 10 and len(set(keys("tiny", tmp_path))) == 12


def fail_where(monkeypatch, fails):
    whole = reproduce.run

    def sometimes(task):
        if fails(task):
            raise MemoryError("no more of it")
        return whole(task)

    monkeypatch.setattr(reproduce, "run", sometimes)


def test_a_run_that_fails_is_named_and_the_others_are_made(tmp_path, monkeypatch):
    fail_where(monkeypatch, lambda task: task == ("tiny", "b", "torch", 1))
    with pytest.raises(FailedRuns) as caught:
        make(wanted(tmp_path), folder=tmp_path)
    assert str(caught.value) == (
        "1 of 12 runs failed; what is done is kept\n"
        "  tiny, b, torch, seed 1: MemoryError: no more of it"
    )
    assert len(set(keys("tiny", tmp_path))) == 11
    assert wanted(tmp_path) == [("tiny", "b", "torch", 1)]


def test_where_nothing_works_it_stops_after_three(tmp_path, monkeypatch):
    tried = []
    fail_where(monkeypatch, lambda task: tried.append(task) or True)
    with pytest.raises(FailedRuns, match="3 of 12 runs failed"):
        make(wanted(tmp_path), folder=tmp_path)
    assert len(tried) == 3


def test_the_command_says_which_run_failed_in_lines_without_a_traceback(
    tmp_path, monkeypatch, capsys
):
    fail_where(monkeypatch, lambda task: task[1] == "b")
    assert cli.main(["reproduce", "tiny", "--seeds", "2", "--records", str(tmp_path)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "lr-course: 4 of 8 runs failed; what is done is kept"
    assert said[1] == "  tiny, b, torch, seed 0: MemoryError: no more of it"
    assert said[-1] == "  and 1 more"


def test_a_value_that_is_no_json_is_refused_and_breaks_no_record(tmp_path):
    records.append("tiny", {"seed": 0}, tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.append("tiny", {"seed": 1, "loss": float("nan")}, tmp_path)
    assert records.read("tiny", tmp_path) == [{"seed": 0}]


# --- the file -------------------------------------------------------------------------------------


def test_a_torn_last_line_counts_not_and_is_repaired(begun, tmp_path):
    make(wanted(tmp_path, seeds=1), folder=tmp_path)
    path = tmp_path / "tiny.jsonl"
    whole = path.read_bytes()
    for cut in (1, 20):  # without its newline; in the middle
        path.write_bytes(whole[:-cut])
        assert len(records.read("tiny", tmp_path)) == 3
        begun.clear()
        make(wanted(tmp_path, seeds=1), folder=tmp_path)
        assert begun == [("b", "tensorflow", 0)] and len(set(keys("tiny", tmp_path))) == 4
        assert path.read_bytes().count(b"\n") == 4
    path.write_bytes(whole.splitlines()[0][:9])  # nothing but a torn line
    make(wanted(tmp_path, seeds=1), folder=tmp_path)
    assert len(set(keys("tiny", tmp_path))) == 4


def test_damage_in_the_middle_is_named(tmp_path):
    (tmp_path / "tiny.jsonl").write_text('{"seed": 0}\n{"se\n{"seed": 2}\n')
    with pytest.raises(ValueError, match=r"tiny.jsonl, line 2: .*; remove this line"):
        records.read("tiny", tmp_path)


def test_writers_at_once_lose_nothing(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom course_lib.claims import records\n"
        "for i in range(100):\n"
        "    line = {'writer': sys.argv[1], 'seed': i, 'fill': 'x' * 9000}\n"
        "    records.append('tiny', line, Path(sys.argv[2]))\n"
    )
    (tmp_path / "tiny.jsonl").write_text('{"writer": "killed"')  # the first one repairs it
    writers = [subprocess.Popen([sys.executable, "-c", code, w, str(tmp_path)]) for w in "abc"]
    assert [each.wait() for each in writers] == [0, 0, 0]
    lines = records.read("tiny", tmp_path)
    assert Counter(line["writer"] for line in lines) == {"a": 100, "b": 100, "c": 100}
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.jsonl"]


# --- the command ----------------------------------------------------------------------------------


def claim(holds, **options):
    return Claim(
        "tiny",
        "The mean is {torch.mean:.1f}.",
        lambda runs: {"mean": mean_of(runs.of("b", "value")), "name": "b"},
        holds,
        **options,
    )


def test_a_claim_that_holds_and_one_that_does_not(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(CLAIMS, "good", claim(lambda n: n.mean.value == 2))
    monkeypatch.setitem(CLAIMS, "bad", claim(lambda n: n.mean.value > 2))
    here = ["--records", str(tmp_path)]
    assert cli.main(["reproduce", "good", *here]) == 0
    said = capsys.readouterr().out
    assert "There is no record of this claim yet." in said
    assert "torch: holds in these runs, n = 3" in said and "tensorflow: holds" in said
    assert "  mean                 here 2 [-0.4841, 4.484]" in said
    assert cli.main(["reproduce", "bad", *here]) == 1
    said = capsys.readouterr().out
    assert said.startswith("0 runs to make")
    assert "torch: does not hold in these runs, n = 3" in said


def test_it_holds_only_where_it_holds_in_both(tmp_path, monkeypatch, capsys):
    first = {"torch": True, "tensorflow": False}
    spoken = Claim("tiny", "So.", lambda runs: {"good": first[runs.framework]}, lambda n: n.good)
    monkeypatch.setitem(CLAIMS, "half", spoken)
    here = ["--records", str(tmp_path)]
    assert cli.main(["reproduce", "half", *here]) == 1
    said = capsys.readouterr().out
    assert "torch: holds" in said and "tensorflow: does not hold" in said
    assert cli.main(["reproduce", "half", "--framework", "torch", *here]) == 0


def test_runs_are_compared_with_the_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(CLAIMS, "good", claim(lambda n: True, frameworks=("torch",)))
    recorded = tmp_path / "recorded"
    make(wanted(recorded), folder=recorded)
    whole = Claim.numbers, Claim.text, Claim.is_recorded
    for name, method in zip(("numbers", "text", "is_recorded"), whole):

        def there(self, *args, method=method):
            return method(self, *args) if args[-1:] else method(self, recorded)

        if name == "numbers":

            def there(self, framework, folder=recorded, method=method):
                return method(self, framework, folder)

        monkeypatch.setattr(Claim, name, there)
    here = ["--seeds", "2", "--records", str(tmp_path / "here")]
    assert cli.main(["reproduce", "good", *here]) == 0
    said = capsys.readouterr().out
    assert said.startswith("4 runs to make")  # of torch alone, as the claim is
    assert "The mean is 2.0 [-0.5, 4.5]." in said
    assert "recorded 2 [-0.4841, 4.484], here 1.5 [-4.853, 7.853]" in said
    assert "recorded b, here b" in said


def test_of_one_seed_it_says_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(CLAIMS, "good", claim(lambda n: True))
    assert cli.main(["reproduce", "good", "--seeds", "1", "--records", str(tmp_path)]) == 1
    assert "torch: one seed says nothing of another one" in capsys.readouterr().out


def diverging(monkeypatch, *seeds):
    """The experiment "tiny", where the runs of `b` diverge at these seeds."""

    def run(framework, seed):
        value = None if seed in seeds else seed + 1.0
        return {"data": "noise", "updates": 1, "value": value}

    variants = {**EXPERIMENTS["tiny"].variants, "b": run}
    monkeypatch.setitem(EXPERIMENTS, "tiny", Experiment("a question", variants, seeds=3))
    gained = Claim(
        "tiny",
        "It gains {torch.gain:.1f}.",
        lambda runs: {"gain": gain(runs.of("b", "value"), runs.of("a", "value"))},
        lambda n: n.gain.value == 1,
        frameworks=("torch",),
    )
    monkeypatch.setitem(CLAIMS, "gained", gained)


def test_n_counts_the_pairs_of_which_no_run_diverged(tmp_path, monkeypatch, capsys):
    diverging(monkeypatch, 1)
    assert cli.main(["reproduce", "gained", "--records", str(tmp_path)]) == 0
    assert "torch: holds in these runs, n = 2" in capsys.readouterr().out


def test_a_claim_that_cannot_be_measured_because_runs_diverged_does_not_hold(
    tmp_path, monkeypatch, capsys
):
    diverging(monkeypatch, 0, 1, 2)
    assert cli.main(["reproduce", "gained", "--records", str(tmp_path)]) == 1
    said = capsys.readouterr()
    why = "ValueError: the two have no seed in common, so there is nothing to pair"
    measured = "torch: cannot be measured in these runs (did too many diverge?)"
    assert f"{measured}: {why}" in said.out
    assert said.err == ""
    assert cli.main(["reproduce", "gained", "--json", "--records", str(tmp_path)]) == 1
    found = json.loads(capsys.readouterr().out)["frameworks"]["torch"]
    assert found["holds"] is False and found["here"] is None and found["why"] == why


def test_a_claim_about_pairs_of_frameworks_cannot_be_measured_in_one(tmp_path, capsys):
    kept = [line for line in records.read("warmup_rescue") if line["framework"] == "torch"]
    (tmp_path / "warmup_rescue.jsonl").write_text("".join(json.dumps(x) + "\n" for x in kept))
    options = ["--framework", "torch", "--records", str(tmp_path)]
    assert cli.main(["reproduce", "fate", *options]) == 1
    assert "ValueError: no seed was run in both frameworks" in capsys.readouterr().out


def test_further_experiments_of_a_claim_are_made_too(tmp_path, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "more", EXPERIMENTS["tiny"])
    monkeypatch.setitem(CLAIMS, "good", claim(lambda n: True, also=("more",)))
    assert cli.main(["reproduce", "good", "--seeds", "2", "--records", str(tmp_path)]) == 0
    assert len(keys("more", tmp_path)) == len(keys("tiny", tmp_path)) == 8


def test_without_a_name_it_lists_claims_and_experiments_also_without_records(monkeypatch, capsys):
    monkeypatch.setitem(CLAIMS, "good", claim(lambda n: True))
    assert cli.main(["reproduce"]) == 0
    listed = capsys.readouterr().out
    assert "  good                         (no record yet)" in listed
    assert "  tiny                         a question" in listed
    assert {*CLAIMS, *EXPERIMENTS} <= {line.split()[0] for line in listed.splitlines()}


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["mnist_best"], "name must be one of"),
        (["tiny", "--jobs", "0"], "jobs must be"),
        (["tiny", "--seeds", "0"], "seeds must be"),
        (["warmup_rescue_x"], "got 'warmup_rescue_x'"),
    ],
)
def test_what_it_cannot_do_is_said_in_a_line(arguments, said, begun, tmp_path, capsys):
    assert cli.main(["reproduce", *arguments, "--records", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert begun == []


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_what_runs_print_does_not_mix_with_the_result(option, monkeypatch, tmp_path, capfd):
    def loud(framework, seed):
        print("which data there are")
        os.write(1, b"as a process that was started would")
        return {"data": "noise", "updates": 1, "value": seed}

    monkeypatch.setitem(EXPERIMENTS, "loud", Experiment("?", {"a": loud}, frameworks=("torch",)))
    assert cli.main(["reproduce", "loud", option, "--records", str(tmp_path)]) == 0
    said = capfd.readouterr()
    assert "which data" in said.err and "as a process" in said.err
    assert "which data" not in said.out and "as a process" not in said.out
    assert option == "--quiet" or len(json.loads(said.out)) == 5


def test_an_experiment_of_one_framework_says_so(monkeypatch, tmp_path, capsys):
    one = Experiment("?", EXPERIMENTS["tiny"].variants, frameworks=("torch",))
    monkeypatch.setitem(EXPERIMENTS, "one", one)
    arguments = ["reproduce", "one", "--framework", "tensorflow", "--records", str(tmp_path)]
    assert cli.main(arguments) == 2
    assert "framework must be torch for one, got tensorflow" in capsys.readouterr().err


def test_a_stand_in_is_no_data_for_a_record(tmp_path, monkeypatch, capsys):
    from course_lib.claims import experiments

    images, labels = np.zeros((9, 28, 28), np.uint8), np.arange(9)
    drawn = Dataset(images, labels, images, labels, "mnist", "a test", "STAND-IN: drawn")
    monkeypatch.setattr(experiments, "_loaded", lambda name: drawn)
    arguments = [EDGE, "--framework", "torch", "--records", str(tmp_path)]
    assert cli.main(["reproduce", *arguments]) == 2
    assert "there is only a stand-in for mnist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# --- whole commands, on a real experiment ---------------------------------------------------------

ONE_SEED = [EDGE, "--framework", "torch", "--seeds", "1"]
VARIANTS = len(EXPERIMENTS[EDGE].variants)


@pytest.fixture
def here(small_data, monkeypatch):
    """The small data set in this process, too."""
    from course_lib.claims import experiments

    monkeypatch.setenv("LR_COURSE_DATA", str(small_data))
    monkeypatch.setattr(experiments, "_loaded", experiments.load)


def test_a_command_that_is_killed_is_continued(tmp_path, environment, here, capsys):
    continued = ["reproduce", EDGE, "--framework", "torch", "--seeds", "2"]
    running = subprocess.Popen(
        [*COMMAND, *continued[1:], "--jobs", "2", "--records", str(tmp_path)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    path = tmp_path / f"{EDGE}.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < 2:
        assert running.poll() is None
        time.sleep(0.01)
    workers = psutil.Process(running.pid).children(recursive=True)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert len(workers) >= 2
    assert psutil.wait_procs(workers, timeout=60)[1] == [], "its workers live on"
    kept = keys(EDGE, tmp_path)
    assert 2 <= len(kept) < 2 * VARIANTS
    assert cli.main([*continued, "--records", str(tmp_path)]) == 0
    assert f"{2 * VARIANTS - len(kept)} runs to make" in capsys.readouterr().out
    assert keys(EDGE, tmp_path)[: len(kept)] == kept
    assert len(set(keys(EDGE, tmp_path))) == len(keys(EDGE, tmp_path)) == 2 * VARIANTS


def test_processes_at_once_make_the_same_runs(tmp_path, environment, here):
    for jobs in ("1", "2"):
        arguments = [*ONE_SEED, "--jobs", jobs, "--records", str(tmp_path / jobs)]
        if jobs == "1":
            assert cli.main(["reproduce", *arguments]) == 0
        else:
            ran = subprocess.run(
                [*COMMAND, *arguments], env=environment, capture_output=True, text=True
            )
            assert ran.returncode == 0, ran.stderr
    one, two = ({x["variant"]: x for x in records.read(EDGE, tmp_path / jobs)} for jobs in "12")
    assert one.keys() == two.keys() == EXPERIMENTS[EDGE].variants.keys()
    for variant, line in one.items():
        assert two[variant]["edge"] == pytest.approx(line["edge"], rel=1e-5)
        assert two[variant]["falling"] == line["falling"]


def test_a_real_cluster_makes_them_too(tmp_path, environment):
    from distributed import Client

    with scheduler(tmp_path, environment) as (address, worker):
        command = [*COMMAND, *ONE_SEED, "--scheduler", address, "--records", str(tmp_path / "out")]
        alone = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert alone.returncode == 2 and "has no workers; start some" in alone.stderr
        worker("worker")
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=60)
        ran = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert len(set(keys(EDGE, tmp_path / "out"))) == VARIANTS


def test_a_scheduler_that_does_not_answer_is_said_in_a_line(tmp_path, capsys, monkeypatch):
    address = "tcp://127.0.0.1:9"  # the discard port: nobody listens
    arguments = ["tiny", "--scheduler", address, "--records", str(tmp_path)]
    assert cli.main(["reproduce", *arguments]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"lr-course: no dask scheduler answers at {address}")
    assert cli.main(["reproduce", "tiny", "--scheduler", "nowhere://x", "--records", str(tmp_path)])
    assert "no dask scheduler answers at nowhere://x" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["foo", "nowhere://x", "tcp://foo:bar"])
def test_no_client_is_made_for_what_is_no_address(address, monkeypatch):
    monkeypatch.setattr("distributed.Client", None)
    answers = pytest.raises(ValueError, match=f"no dask scheduler answers at {address}")
    with answers, cluster(address):
        pass


def test_a_record_s_folder_may_be_as_new_as_its_parents_and_what_is_read_is_a_copy(tmp_path):
    records.append("new", {"a": 1}, tmp_path / "a" / "b")
    records.read("new", tmp_path / "a" / "b")[0]["a"] = "spoilt"
    assert records.read("new", tmp_path / "a" / "b") == [{"a": 1}]


def test_the_commit_on_record_says_whether_the_code_was_changed(tmp_path, monkeypatch):
    def git(*words):
        command = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    monkeypatch.setattr(records, "RECORDS", tmp_path / "records")
    asked = records.commit.__wrapped__
    assert asked() == "unknown"  # no repository
    git("init", "-q")
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "a.py").write_text("a = 1\n")
    git("add", ".")
    git("commit", "-qm", "first")
    head = git("rev-parse", "--short", "HEAD")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "new.jsonl").write_text("{}\n")  # no code
    assert asked() == head
    (tmp_path / "course_lib" / "a.py").write_text("a = 2\n")
    assert asked() == head + "+"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked() == "unknown"  # no git
    monkeypatch.setattr(records, "INSTALLED", tmp_path / "records")
    assert asked().startswith("version ")


def test_the_course_s_own_records_are_beside_its_code():
    assert Path(claims.RECORDS) == Path(__file__).parents[1] / "records"
