"""course_lib.data: every source, in order; every way a file or a network can be broken.

Nothing here leaves the machine or touches the home of whoever runs it: see `nowhere_else`.
Downloads are real ones, with pooch and requests, from a server in this file on 127.0.0.1.
"""

import gzip
import hashlib
import io
import logging
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import warnings
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pooch
import pytest

from course_lib import cli, data
from course_lib.data import DataError, Dataset, StandInWarning, load
from course_lib.datasets import download, files, stand_ins
from course_lib.datasets.download import RemoteFile

REAL_DATA = os.environ.get("LR_COURSE_DATA")
KEYS = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path, monkeypatch):
    """Home, caches and working folder in `tmp_path`; no mirrors; names of other hosts unknown."""
    for name in [name for name in os.environ if name.startswith("LR_COURSE_")]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("LR_COURSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    for name, file in data.FILES.items():
        monkeypatch.setitem(data.FILES, name, replace(file, mirrors=()))
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))

    resolve = socket.getaddrinfo

    def resolve_here_only(host, *rest, **options):
        assert host == "127.0.0.1", f"a test asked for {host}"
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_here_only)


# --- small data in every form ---------------------------------------------------------------------


def tiny(name="mnist", seed=0):
    rng = np.random.default_rng(seed)
    shape = {"mnist": (28, 28), "cifar10": (32, 32, 3)}[name]
    arrays = {}
    for part, count in {"train": 10, "test": 4}.items():
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"y_{part}"] = rng.integers(0, 10, count, dtype=np.uint8)
    return arrays


def npz(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def put_idx(folder, arrays, packed=False):
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    for key, stem in zip(KEYS, stems):
        array = arrays[key]
        content = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        content += array.tobytes()
        name = f"{stem}-ubyte" + ".gz" * packed
        put(folder / "MNIST/raw" / name, gzip.compress(content) if packed else content)


@pytest.fixture
def batches(monkeypatch):
    """`tiny("cifar10")` as the six batches of CIFAR-10, and their md5 as the published ones."""
    arrays = tiny("cifar10")
    planes = {key: arrays[key].transpose(0, 3, 1, 2).reshape(-1, 3072) for key in KEYS[::2]}
    parts = {
        f"data_batch_{i + 1}": (planes["x_train"][2 * i :][:2], arrays["y_train"][2 * i :][:2])
        for i in range(5)
    }
    parts["test_batch"] = (planes["x_test"], arrays["y_test"])
    raw = {
        name: pickle.dumps({b"data": x, b"labels": y.tolist()}, protocol=2)
        for name, (x, y) in parts.items()
    }
    monkeypatch.setattr(
        files, "CIFAR_BATCHES", {name: hashlib.md5(raw[name]).hexdigest() for name in raw}
    )
    return raw


def put_batches(folder, raw):
    for name, content in raw.items():
        put(folder / name, content)


def archive(raw):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in sorted(raw, reverse=True):
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(raw[name])
            tar.addfile(member, io.BytesIO(raw[name]))
    return file.getvalue()


def assert_holds(dataset, arrays):
    for key in KEYS:
        assert np.array_equal(
            getattr(dataset, key), np.ravel(arrays[key]).reshape(getattr(dataset, key).shape)
        ), key
    assert dataset.x_train.dtype == dataset.x_test.dtype == np.uint8
    assert dataset.y_train.dtype == dataset.y_test.dtype == np.int64
    assert len(dataset.x_train) == len(dataset.y_train) == len(arrays["x_train"])


def load_stand_in(name="mnist", **options):
    """The stand-in, and the text of the warning that must come with it."""
    with pytest.warns(StandInWarning) as caught:
        dataset = load(name, **options)
    caught = [each for each in caught if each.category is StandInWarning]
    assert len(caught) == 1
    assert caught[0].filename == __file__, "the warning should point at the call of load"
    assert dataset.is_stand_in
    return dataset, str(caught[0].message)


# --- folders --------------------------------------------------------------------------------------


def layout_npz(folder, raw):
    put(folder / "mnist.npz", npz(tiny()))


def layout_idx(folder, raw):
    put_idx(folder, tiny())


def layout_idx_gz(folder, raw):
    put_idx(folder, tiny(), packed=True)


def layout_cifar_npz(folder, raw):
    put(folder / "cifar10.npz", npz(tiny("cifar10")))


def layout_cifar_labels_in_a_column(folder, raw):
    arrays = tiny("cifar10")
    columns = {key: arrays[key][:, None] for key in ("y_train", "y_test")}
    put(folder / "cifar10.npz", npz(arrays | columns))


def layout_batches(folder, raw):
    put_batches(folder / "cifar-10-batches-py", raw)


def layout_keras_batches(folder, raw):
    put_batches(folder / "cifar-10-batches-py-target/cifar-10-batches-py", raw)


def layout_archive(folder, raw):
    put(folder / "cifar-10-python.tar.gz", archive(raw))


@pytest.mark.parametrize(
    "name, layout, source",
    [
        ("mnist", layout_npz, "mnist.npz"),
        ("mnist", layout_idx, "MNIST/raw"),
        ("mnist", layout_idx_gz, "MNIST/raw"),
        ("cifar10", layout_cifar_npz, "cifar10.npz"),
        ("cifar10", layout_cifar_labels_in_a_column, "cifar10.npz"),
        ("cifar10", layout_batches, "cifar-10-batches-py"),
        ("cifar10", layout_keras_batches, "cifar-10-batches-py-target/cifar-10-batches-py"),
        ("cifar10", layout_archive, "cifar-10-python.tar.gz"),
    ],
)
def test_every_layout_is_read(name, layout, source, tmp_path, batches):
    layout(tmp_path / "mine", batches)
    dataset = load(name, folder=tmp_path / "mine")
    assert_holds(dataset, tiny(name))
    assert (dataset.name, dataset.source) == (name, f"{source} in the given folder")
    assert not dataset.is_stand_in
    assert len(repr(dataset)) < 150
    assert dataset.title in repr(dataset) and dataset.source in repr(dataset)


def test_sources_come_in_the_order_that_the_docstring_says(tmp_path, monkeypatch, server):
    official = npz(tiny(seed=5))
    server.carry("/mnist.npz", official)
    remote(monkeypatch, official, server.url("/mnist.npz"))
    monkeypatch.setenv("LR_COURSE_DATA", str(tmp_path / "variable"))
    places = {
        "mnist.npz in the given folder": put(tmp_path / "given/mnist.npz", npz(tiny(seed=1))),
        "mnist.npz in LR_COURSE_DATA": put(tmp_path / "variable/mnist.npz", npz(tiny(seed=2))),
        "mnist.npz in the Keras folder": put(
            tmp_path / "keras/datasets/mnist.npz", npz(tiny(seed=3))
        ),
        "mnist.npz in ./data": put(Path("data/mnist.npz"), npz(tiny(seed=4))),
        "the cache": put(tmp_path / "cache/mnist.npz", official),
    }
    for seed, (source, path) in enumerate(places.items(), start=1):
        dataset = load("mnist", folder=tmp_path / "given")
        assert dataset.source == source
        assert_holds(dataset, tiny(seed=seed))
        path.unlink()
    assert server.asked == []
    dataset = load("mnist", folder=tmp_path / "given")
    assert dataset.source == "downloaded, checksum verified"


def test_folders_may_be_text_or_paths_and_start_at_home(tmp_path, monkeypatch):
    put(tmp_path / "home/mine/mnist.npz", npz(tiny()))
    for folder in ("~/mine", Path("~/mine"), str(tmp_path / "home/mine")):
        assert load("mnist", folder=folder).source == "mnist.npz in the given folder"
    monkeypatch.setenv("LR_COURSE_DATA", "~/mine")
    assert load("mnist").source == "mnist.npz in LR_COURSE_DATA"


def test_keras_folder_is_in_the_home_unless_moved(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME")
    put(tmp_path / "home/.keras/datasets/mnist.npz", npz(tiny()))
    assert load("mnist").source == "mnist.npz in the Keras folder"


def test_a_named_folder_must_exist(tmp_path, monkeypatch):
    with pytest.raises(
        FileNotFoundError, match=r"^folder must be a folder that exists, got '.*no'"
    ):
        load("mnist", folder=tmp_path / "no")
    with pytest.raises(FileNotFoundError, match=r"mnist\.npz'"):
        load("mnist", folder=put(tmp_path / "mine/mnist.npz", npz(tiny())))
    monkeypatch.setenv("LR_COURSE_DATA", str(tmp_path / "no"))
    with pytest.raises(FileNotFoundError, match=r"^LR_COURSE_DATA must be a folder that exists"):
        load("mnist")


def test_a_named_folder_without_the_data_is_passed_over_and_named(tmp_path, monkeypatch, capsys):
    put(tmp_path / "given/cifar10.npz", npz(tiny("cifar10")))
    put(tmp_path / "keras/datasets/mnist.npz", npz(tiny()))
    assert load("mnist", folder=tmp_path / "given").source == "mnist.npz in the Keras folder"
    assert capsys.readouterr().out == (
        "MNIST (unrecognised copy): 10 training and 4 test images (mnist.npz in the Keras folder); "
        "the given folder: has no mnist.npz, no MNIST/raw\n"
    )


def test_a_broken_file_in_a_usual_folder_is_skipped_and_named(tmp_path, capsys):
    put(tmp_path / "keras/datasets/mnist.npz", npz(tiny())[:1000])
    put_idx(Path("data"), tiny())
    assert load("mnist").source == "MNIST/raw in ./data"
    printed = capsys.readouterr().out
    assert "; mnist.npz in the Keras folder: skipped, 1,000 bytes that are no npz" in printed
    put(Path("data/mnist.npz"), npz(tiny()))
    (tmp_path / "keras/datasets/mnist.npz").unlink()
    (tmp_path / "keras/datasets/MNIST/raw/train-images-idx3-ubyte").mkdir(parents=True)
    assert load("mnist").source == "mnist.npz in ./data"
    printed += capsys.readouterr().out
    assert "; MNIST/raw in the Keras folder: skipped, cannot be read (Is a directory)" in printed
    assert str(tmp_path) not in printed
    Path("data/mnist.npz").write_bytes(b"")
    Path("data/MNIST/raw/train-images-idx3-ubyte").write_bytes(b"")
    (tmp_path / "keras/datasets").rename(tmp_path / "keras/other")
    with pytest.warns(StandInWarning) as caught:
        load("mnist", offline=True)
    told = str(caught[0].message)
    assert "- the Keras folder (" in told and "- ./data (" not in told  # it has both, broken


def test_an_empty_variable_is_no_variable(monkeypatch, tmp_path, capsys):
    put(tmp_path / "keras/datasets/mnist.npz", npz(tiny()))
    monkeypatch.setenv("LR_COURSE_DATA", "")
    assert load("mnist").source == "mnist.npz in the Keras folder"
    assert "LR_COURSE_DATA" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["fashion", "MNIST", None, ["mnist"]])
def test_unknown_names_are_named(name):
    with pytest.raises(ValueError, match="name must be 'mnist' or 'cifar10', got ") as caught:
        load(name)
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    "options, complaint",
    [
        (dict(offline="no"), "offline must be True or False, got 'no'"),
    ],
)
def test_wrong_options_are_named(options, complaint):
    with pytest.raises((TypeError, ValueError), match=complaint):
        load("mnist", **options)


# --- broken files ---------------------------------------------------------------------------------


def without(key):
    return lambda arrays: arrays.pop(key)


def changed(key, change):
    return lambda arrays: arrays.update({key: change(arrays[key])})


@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (without("y_test"), "has no y_test, it has x_train, y_train, x_test: save it with numpy.s"),
        (dict.clear, "has no x_train, no y_train, no x_test, no y_test, it has nothing"),
        (
            changed("x_test", lambda x: x[:, :20]),
            "x_test must have shape (N, 28, 28), N at least 1, got (4, 20, 28)",
        ),
        (changed("x_train", lambda x: x.reshape(-1, 784)), "x_train must have shape (N, 28, 28)"),
        (changed("x_train", lambda x: x[..., None]), "got (10, 28, 28, 1)"),
        (changed("x_train", lambda x: x[0, 0, 0]), "x_train must have shape (N, 28, 28)"),
        (changed("x_train", lambda x: x[:0]), "N at least 1, got (0, 28, 28)"),
        (
            changed("x_train", lambda x: (x / 255).astype(np.float32)),
            "x_train must be uint8, 0 to 255, got float32: convert",
        ),
        (changed("x_test", lambda x: x.astype(int)), "x_test must be uint8, 0 to 255, got int64"),
        (changed("y_train", lambda y: y[:9]), "y_train must have shape (10,), as many as images"),
        (changed("y_test", lambda y: np.eye(10)[y]), "y_test must have shape (4,)"),
        (changed("y_test", lambda y: y / 1), "y_test must hold whole numbers, got float64"),
        (changed("y_test", lambda y: y * 0 + 10), "y_test must run from 0 to 9, got 10 to 10"),
        (
            changed("y_train", lambda y: y.astype(int) - y.max() - 1),
            "y_train must run from 0 to 9, got -",
        ),
        (changed("y_train", lambda y: y.astype(object)), "allow_pickle=False"),
    ],
)
def test_a_wrong_array_is_named_exactly(spoil, complaint, tmp_path):
    arrays = tiny()
    spoil(arrays)
    path = put(tmp_path / "mine/mnist.npz", npz(arrays))
    with pytest.raises(DataError) as caught:
        load("mnist", folder=path.parent)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "spoil, complaint",
    [
        (changed("x_train", lambda x: x / 255), "x_train must be uint8, 0 to 255, got float64"),
        (changed("x_train", lambda x: x[:0]), "x_train must have shape (N, rows, columns[, chan"),
        (changed("x_train", lambda x: x.reshape(-1, 784)), "x_train must have shape (N, rows, col"),
        (changed("x_test", lambda x: x[:, :20]), "x_test must have shape (N, 28, 28), got (4, 20"),
        (changed("y_train", lambda y: y[:9]), "y_train must have shape (10,), as many as images"),
        (changed("y_train", lambda y: y * 0 + 17), "y_train must run from 0 to 9, got 17 to 17"),
        (changed("y_train", lambda y: y + 0.7), "y_train must hold whole numbers, got float64"),
        (changed("y_train", lambda y: np.eye(10)[y]), "y_train must have shape (10,)"),
    ],
)
def test_a_dataset_of_ones_own_names_the_wrong_array(spoil, complaint):
    arrays = tiny()
    spoil(arrays)
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Dataset(**arrays, name="mnist", source="here")


def test_a_dataset_of_ones_own_may_be_lists_in_any_size_and_without_test_images():
    x, y = np.zeros((5, 6, 7, 3), np.uint8), [0, 9, 2, 3, 4]
    dataset = Dataset(x, y, x[:0], [], name="mine", source="here")
    assert (dataset.y_train.dtype, dataset.y_train.tolist()) == (np.int64, y)
    assert (len(dataset.x_test), len(dataset.y_test)) == (0, 0)
    assert dataset.x_train is x  # no copy
    assert len(Dataset(x[:1], y[:1], x[:0], [], name="mine", source="here").x_train) == 1


def test_labels_may_be_any_view_and_become_numbers_that_torch_takes():
    x, y = np.zeros((5, 6, 7), np.uint8), np.arange(5)
    y.flags.writeable = False
    dataset = Dataset(x, y[::-1], x, y, name="mine", source="here")
    assert dataset.y_train.tolist() == [4, 3, 2, 1, 0] and dataset.y_train.strides == (8,)
    assert dataset.y_test.flags.writeable


def test_colour_images_are_no_mnist_and_planes_are_no_cifar(tmp_path):
    planes = {key: tiny("cifar10")[key].transpose(0, 3, 1, 2) for key in KEYS[::2]}
    put(tmp_path / "mnist.npz", npz(tiny("cifar10")))
    put(tmp_path / "cifar10.npz", npz(tiny("cifar10") | planes))
    with pytest.raises(
        DataError, match=r"shape \(N, 28, 28\), N at least 1, got \(10, 32, 32, 3\)"
    ):
        load("mnist", folder=tmp_path)
    with pytest.raises(
        DataError, match=r"shape \(N, 32, 32, 3\), N at least 1, got \(10, 3, 32, 3"
    ):
        load("cifar10", folder=tmp_path)


def flipped(content):
    """The same file with some bytes in the middle of its first array changed."""
    return content[:3000] + bytes(255 - byte for byte in content[3000:3010]) + content[3010:]


@pytest.mark.parametrize(
    "content, complaint",
    [
        (npz(tiny())[:-1000], "bytes that are no npz (cut short, or something else"),
        (b"<html>please log in</html>", "26 bytes that are no npz"),
        (b"", "0 bytes that are no npz"),
        (flipped(npz(tiny())), "cannot be read (Bad CRC-32"),
    ],
)
def test_a_broken_npz_is_named(content, complaint, tmp_path):
    path = put(tmp_path / "mnist.npz", content)
    with pytest.raises(DataError) as caught:
        load("mnist", folder=tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)
    assert "download it again" in str(caught.value)


def test_a_broken_idx_file_is_named(tmp_path):
    put_idx(tmp_path, tiny())
    path = tmp_path / "MNIST/raw/t10k-images-idx3-ubyte"
    whole = path.read_bytes()
    cut = (b"", b"\0\0", b"\0\0\x08\x03", whole[:10])
    for broken in (whole[:-1], b"\0\0\x0d" + whole[3:], whole + b"\0", *cut):
        path.write_bytes(broken)
        size = re.escape(f"({len(broken):,} bytes)")
        with pytest.raises(DataError, match=f"t10k-images-idx3-ubyte is no whole idx file {size}"):
            load("mnist", folder=tmp_path)
    path.unlink()
    with pytest.raises(DataError, match="has no t10k-images-idx3-ubyte, plain or"):
        load("mnist", folder=tmp_path)
    put(path.with_name(f"{path.name}.gz"), gzip.compress(whole)[:-200])
    with pytest.raises(DataError, match=r"cannot be read \(Compressed file ended"):
        load("mnist", folder=tmp_path)


def test_a_broken_archive_is_named(tmp_path, batches):
    path = put(tmp_path / "cifar-10-python.tar.gz", archive(batches)[:-5000])
    with pytest.raises(DataError) as caught:
        load("cifar10", folder=tmp_path)
    assert str(caught.value).startswith(f"{path}: cannot be read (")
    path.write_bytes(b"<html></html>")
    with pytest.raises(DataError, match="cannot be read"):
        load("cifar10", folder=tmp_path)
    del batches["data_batch_3"]
    path.write_bytes(archive(batches))
    with pytest.raises(DataError, match="has no data_batch_3"):
        load("cifar10", folder=tmp_path)
    path.unlink()
    layout_batches(tmp_path, batches)
    with pytest.raises(DataError, match="has no data_batch_3: copy or download it again"):
        load("cifar10", folder=tmp_path)


class Bomb:
    """A pickle of this, when opened, makes a file: what a stranger's batch could do to yours."""

    def __reduce__(self):
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("layout", [layout_batches, layout_keras_batches, layout_archive])
def test_a_batch_that_is_not_the_published_one_is_never_opened(layout, tmp_path, batches):
    published = hashlib.md5(batches["test_batch"]).hexdigest()
    batches["test_batch"] = pickle.dumps(Bomb())
    md5 = hashlib.md5(batches["test_batch"]).hexdigest()
    layout(tmp_path / "mine", batches)
    with pytest.raises(
        DataError, match=f"test_batch has md5 {md5}, the published one has {published}"
    ):
        load("cifar10", folder=tmp_path / "mine")
    assert not Path("exploded").exists()
    pickle.loads(batches["test_batch"])
    assert Path("exploded").exists(), "the bomb is no bomb, so this test shows nothing"


# --- recognising ----------------------------------------------------------------------------------


def known(arrays, keys=KEYS):
    return {key: hashlib.sha256(arrays[key].tobytes()).hexdigest() for key in keys}


def test_mnist_is_recognised_in_whatever_file_it_comes(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(files.KNOWN, "mnist", ("MNIST", known(tiny())))
    wide = {key: tiny()[key].astype(np.int32) for key in ("y_train", "y_test")}
    fortran = {key: np.asfortranarray(tiny()[key]) for key in ("x_train", "x_test")}
    put(tmp_path / "npz/mnist.npz", npz(tiny() | wide | fortran))
    put_idx(tmp_path / "idx", tiny(), packed=True)
    assert load("mnist", folder=tmp_path / "npz").title == "MNIST"
    assert load("mnist", folder=tmp_path / "idx").title == "MNIST"
    capsys.readouterr()
    for key in KEYS:
        other = tiny()
        other[key].flat[0] = (other[key].flat[0] + 1) % 10
        put(tmp_path / "other/mnist.npz", npz(other))
        assert load("mnist", folder=tmp_path / "other").title == "MNIST (unrecognised copy)"
        assert capsys.readouterr().out.startswith("MNIST (unrecognised copy): ")


def test_cifar_copies_are_told_apart(tmp_path, monkeypatch, batches):
    put_batches(tmp_path / "batches/cifar-10-batches-py", batches)
    assert load("cifar10", folder=tmp_path / "batches").title == "CIFAR-10"
    put(tmp_path / "npz/cifar10.npz", npz(tiny("cifar10")))
    assert load("cifar10", folder=tmp_path / "npz").title == "CIFAR-10 (unrecognised copy)"
    labels = known(tiny("cifar10"), keys=("y_train", "y_test"))
    monkeypatch.setitem(files.KNOWN, "cifar10", ("CIFAR-10 (JPEG copy)", labels))
    assert load("cifar10", folder=tmp_path / "npz").title == "CIFAR-10 (JPEG copy)"


@pytest.mark.skipif(
    not REAL_DATA or not Path(REAL_DATA, "mnist.npz").exists(),
    reason="LR_COURSE_DATA names no folder with mnist.npz",
)
def test_the_real_mnist_is_recognised():
    dataset = load("mnist", folder=REAL_DATA)
    assert dataset.title == "MNIST"
    assert dataset.x_train.shape == (60_000, 28, 28)
    assert np.bincount(dataset.y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip


@pytest.mark.skipif(
    not REAL_DATA or not Path(REAL_DATA, "cifar10.npz").exists(),
    reason="LR_COURSE_DATA names no folder with cifar10.npz",
)
def test_the_copy_of_cifar_is_recognised():
    assert load("cifar10", folder=REAL_DATA).title == "CIFAR-10 (JPEG copy)"


# --- the network ----------------------------------------------------------------------------------


class Server:
    """A web server on 127.0.0.1 that misbehaves as told, and remembers what it was asked."""

    def __init__(self):
        self.answers, self.asked, self.halfway = {}, [], threading.Event()
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                outer.asked.append(f"HEAD {self.path}")
                outer.answers.get(self.path, outer.missing)(self, body=False)

            def do_GET(self):
                outer.asked.append(f"GET {self.path}")
                outer.answers.get(self.path, outer.missing)(self, body=True)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.http.server_port}{path}"

    def downloads(self):
        return [path for path in self.asked if path.startswith("GET")]

    def missing(self, handler, body):
        handler.send_error(404)

    def carry(self, path, content, stop_after=None, hang=False):
        """Serve `content`; or break off, or fall silent, after `stop_after` bytes of it."""

        def answer(handler, body):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            if body:
                handler.wfile.write(content[:stop_after])
                handler.wfile.flush()
                self.halfway.set()
                if hang:
                    self.closing.wait()

        self.answers[path] = answer

    def break_off_once(self, path, content):
        self.carry(path, content)
        whole = self.answers[path]
        self.carry(path, content, stop_after=len(content) // 2)
        half = self.answers[path]

        def answer(handler, body):
            (half if self.downloads() == [f"GET {path}"] else whole)(handler, body)

        self.answers[path] = answer

    def say_nothing(self, path):
        self.answers[path] = lambda handler, body: self.closing.wait()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.closing.set()
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def nobody():
    """The address of a port where no server listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/mnist.npz"


OFFICIAL = npz(tiny(seed=7))


def remote(monkeypatch, content, *mirrors, name="mnist", filename="mnist.npz"):
    sha256 = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(data.FILES, name, RemoteFile(filename, sha256, mirrors))


def in_cache(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").rglob("*"))


def test_downloads_verify_and_then_use_the_cache(tmp_path, monkeypatch, server, capsys):
    tqdm = pooch.downloaders.tqdm  # conftest.py switches its bars off
    monkeypatch.setattr("pooch.downloaders.tqdm", partial(tqdm, disable=False))
    log = io.StringIO()  # what pooch says itself, it says through a logger that pytest cannot see
    pooch.get_logger().setLevel("INFO")
    pooch.get_logger().addHandler(logging.StreamHandler(log))
    server.carry("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    first = load("mnist")
    assert_holds(first, tiny(seed=7))
    assert first.source == "downloaded, checksum verified"
    assert in_cache(tmp_path) == ["mnist.npz"]
    assert (tmp_path / "cache/mnist.npz").stat().st_mode & 0o777 == 0o644
    printed = capsys.readouterr()
    assert printed.out.startswith("Downloading mnist.npz from 127.0.0.1:")
    assert "100%" in printed.err, "no progress bar"
    assert str(tmp_path) not in printed.out + printed.err + log.getvalue()

    asked = list(server.asked)
    second = load("mnist")
    assert_holds(second, tiny(seed=7))
    assert second.source == "the cache"
    assert server.asked == asked, "the second call asked the network"


def test_cifar_downloads_too(tmp_path, monkeypatch, server, batches):
    content = archive(batches)
    server.carry("/c?download=1", content)
    remote(
        monkeypatch,
        content,
        server.url("/c?download=1"),
        name="cifar10",
        filename="cifar-10-python.tar.gz",
    )
    for source in ("downloaded, checksum verified", "the cache"):
        dataset = load("cifar10")
        assert_holds(dataset, tiny("cifar10"))
        assert (dataset.title, dataset.source) == ("CIFAR-10", source)
    assert in_cache(tmp_path) == ["cifar-10-python.tar.gz"]


def test_each_mirror_is_tried_until_one_is_good(tmp_path, monkeypatch, server, nobody):
    server.carry("/other", npz(tiny(seed=8)))
    server.carry("/short", OFFICIAL, stop_after=len(OFFICIAL) // 2)
    server.carry("/good", OFFICIAL)
    bad = [nobody, *map(server.url, ("/404", "/other", "/short"))]
    remote(monkeypatch, OFFICIAL, *bad, server.url("/good"))
    assert_holds(load("mnist"), tiny(seed=7))
    assert in_cache(tmp_path) == ["mnist.npz"]
    assert server.downloads()[-1] == "GET /good"
    assert {"GET /404", "GET /other", "GET /short"} < set(server.downloads())


@pytest.mark.parametrize(
    "path, complaint",
    [
        ("/other", "ValueError: SHA256 hash of downloaded file (mnist.npz) does not match"),
        ("/short", "ChunkedEncodingError: "),
        ("/404", "HTTPError: 404 Client Error"),
        ("/stall", "ConnectionError: "),
        ("/silent", "0.3"),  # either "no answer within 0.3 seconds" or requests' own timeout
        (None, "ConnectionError: "),
    ],
)
def test_a_bad_mirror_leaves_nothing_and_is_named(
    path, complaint, tmp_path, monkeypatch, server, nobody
):
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    server.carry("/other", npz(tiny(seed=8)))
    server.carry("/short", OFFICIAL, stop_after=len(OFFICIAL) // 2)
    server.carry("/stall", OFFICIAL, stop_after=len(OFFICIAL) // 2, hang=True)
    server.say_nothing("/silent")
    url = server.url(path) if path else nobody
    remote(monkeypatch, OFFICIAL, url)
    stand_ins._digits()  # so that scikit-learn is imported before the clock starts
    start = time.perf_counter()
    dataset, warning = load_stand_in()
    assert time.perf_counter() - start < 30, "the timeouts are not kept"
    assert f"  - download ({url}): " in warning
    assert complaint in warning
    assert in_cache(tmp_path) == []
    assert dataset.source == "built in: no data found and no network"


def test_a_broken_connection_is_tried_once_more(tmp_path, monkeypatch, server):
    server.break_off_once("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    assert load("mnist").source == "downloaded, checksum verified"
    assert server.downloads() == ["GET /mnist.npz"] * 2
    assert in_cache(tmp_path) == ["mnist.npz"]


def test_when_all_mirrors_fail_the_warning_names_each(monkeypatch, server, nobody):
    server.carry("/other", npz(tiny(seed=8)))
    urls = [nobody, server.url("/404"), server.url("/other")]
    remote(monkeypatch, OFFICIAL, *urls)
    monkeypatch.setenv("LR_COURSE_MIRROR", "school/files")
    _, warning = load_stand_in()
    for url in [*urls, "school/files/mnist.npz"]:
        assert f"  - download ({url}): " in warning


def test_the_mirror_of_a_classroom_comes_first(monkeypatch, server):
    server.carry("/files/mnist.npz", OFFICIAL)
    server.carry("/good", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/good"))
    for address in (server.url("/files"), server.url("/files/")):
        monkeypatch.setenv("LR_COURSE_MIRROR", address)
        assert load("mnist").source == "downloaded, checksum verified"
        (data._cache() / "mnist.npz").unlink()
    assert server.downloads() == ["GET /files/mnist.npz"] * 2


def test_a_host_with_many_silent_addresses_costs_seconds(monkeypatch, server):
    """Each address gets a timeout of its own from requests; `load` must not wait for them all."""
    monkeypatch.setattr(download, "ANSWER_SECONDS", 1.5)
    full = [socket.create_server(("127.0.0.1", 0), backlog=0) for _ in range(8)]
    addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each.getsockname()) for each in full]
    fillers = [socket.socket() for _ in range(16)]
    for filler, address in zip(fillers, [address[4] for address in addresses] * 2):
        filler.setblocking(False)
        filler.connect_ex(address)
    addresses *= 5
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
    remote(monkeypatch, OFFICIAL, "http://silent.example/mnist.npz")
    stand_ins._digits()  # so that scikit-learn is imported before the clock starts
    start = time.perf_counter()
    _, warning = load_stand_in()
    one_after_the_other = len(addresses) * download.ANSWER_SECONDS
    assert time.perf_counter() - start < one_after_the_other
    assert "TimeoutError: no answer within 1.5 seconds" in warning
    for each in full + fillers:
        each.close()


@pytest.mark.parametrize("broken", [OFFICIAL[:2000], b"", npz(tiny(seed=8))])
def test_a_broken_file_in_the_cache_is_replaced(broken, tmp_path, monkeypatch, server, capsys):
    server.carry("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    put(tmp_path / "cache/mnist.npz", broken)
    assert_holds(load("mnist"), tiny(seed=7))
    assert "; mnist.npz in the cache: its checksum is wrong, deleted" in capsys.readouterr().out
    assert (tmp_path / "cache/mnist.npz").read_bytes() == OFFICIAL


def test_a_broken_file_in_the_cache_goes_even_if_no_other_can_be_had(tmp_path, monkeypatch, nobody):
    remote(monkeypatch, OFFICIAL, nobody)
    put(tmp_path / "cache/mnist.npz", OFFICIAL[:2000])
    _, warning = load_stand_in()
    assert "  - mnist.npz in the cache" in warning
    assert in_cache(tmp_path) == []


def test_a_broken_file_in_the_cache_is_left_alone_offline(tmp_path, monkeypatch, capsys):
    remote(monkeypatch, OFFICIAL)
    path = put(tmp_path / "cache/mnist.npz", OFFICIAL[:2000])
    _, warning = load_stand_in(offline=True)
    assert "  - mnist.npz in the cache" in warning
    assert "; mnist.npz in the cache: its checksum is wrong, ignored" in capsys.readouterr().out
    assert path.stat().st_size == 2000


@pytest.mark.parametrize("denied", ["pooch.file_hash", "pathlib.Path.unlink"])
def test_a_cache_that_others_own_is_passed_over(denied, tmp_path, monkeypatch, capsys, nobody):
    """A class may share one that no student can change."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "mnist.npz").write_bytes(b"broken")
    monkeypatch.setattr(denied, Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.warns(StandInWarning):
        load("mnist")
    assert "mnist.npz in the cache: skipped, Permission denied" in capsys.readouterr().out


def test_a_folder_that_nobody_lets_us_look_into_is_passed_over(monkeypatch):
    """Path.exists raises there, until Python 3.14."""
    monkeypatch.setattr(Path, "exists", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.warns(StandInWarning):
        load("mnist", offline=True)


def test_the_command_asks_for_nothing_offline_and_its_status_says_what_it_found(
    tmp_path, monkeypatch, server, capsys
):
    server.carry("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    assert cli.main(["data", "mnist", "--offline"]) == 1
    said = capsys.readouterr()
    assert server.downloads() == [] and "no data found and offline" in said.out
    assert "THIS IS NOT MNIST" in said.err and "cli.py" not in said.err
    assert cli.main(["data", "mnist"]) == 0
    assert server.downloads() == ["GET /mnist.npz"]


def test_offline_asks_for_nothing_but_uses_the_cache(tmp_path, monkeypatch, server):
    server.carry("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    monkeypatch.setenv("LR_COURSE_MIRROR", server.url(""))
    dataset, warning = load_stand_in(offline=True)
    assert "no download: offline=True or LR_COURSE_OFFLINE" in warning
    assert dataset.source == "built in: no data found and offline"
    monkeypatch.setenv("LR_COURSE_OFFLINE", "1")
    load_stand_in()
    assert server.asked == []
    put(tmp_path / "cache/mnist.npz", OFFICIAL)
    assert load("mnist").source == "the cache"
    (tmp_path / "cache/mnist.npz").unlink()
    monkeypatch.setenv("LR_COURSE_OFFLINE", "yes")
    load_stand_in()
    for word in ("", "0", "false", "No", "off"):
        monkeypatch.setenv("LR_COURSE_OFFLINE", word)
        assert load("mnist").source == "downloaded, checksum verified"
        (tmp_path / "cache/mnist.npz").unlink()


def test_the_cache_may_be_as_new_as_its_parents(tmp_path, monkeypatch, server):
    server.carry("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    monkeypatch.setenv("LR_COURSE_CACHE", str(tmp_path / "a/b"))
    assert load("mnist").source == "downloaded, checksum verified"


def test_a_download_is_asked_for_as_it_is_and_under_our_name(monkeypatch, server):
    server.carry("/mnist.npz", OFFICIAL)
    carry, got = server.answers["/mnist.npz"], []

    def noted(handler, body):
        if body:
            got.append((handler.headers["User-Agent"], handler.headers["Accept-Encoding"]))
        carry(handler, body)

    server.answers["/mnist.npz"] = noted
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    load("mnist")
    assert got == [("lr-course", "identity")]


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch, server):
    server.carry("/mnist.npz", OFFICIAL)
    remote(monkeypatch, OFFICIAL, server.url("/mnist.npz"))
    put(tmp_path / "file", b"")
    monkeypatch.setenv("LR_COURSE_CACHE", str(tmp_path / "file/cache"))
    _, warning = load_stand_in()
    assert "NotADirectoryError" in warning


def test_who_is_killed_while_downloading_leaves_nothing_that_counts(tmp_path, monkeypatch, server):
    large = npz(tiny() | {"more": np.zeros(10**6)})
    server.carry("/mnist.npz", large, stop_after=len(large) // 2, hang=True)
    remote(monkeypatch, large, server.url("/mnist.npz"))
    program = (
        "from course_lib import data; from course_lib.datasets.download import RemoteFile; "
        f"data.FILES = {data.FILES!r}; data.load('mnist')"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(data.__file__).parents[1])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert server.halfway.wait(30)
    cache = tmp_path / "cache"
    while not any(path.is_file() and path.stat().st_size for path in cache.rglob("*")):
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait(10)

    (left_over,) = cache.iterdir()
    assert left_over.is_dir() and left_over.name.startswith("downloading-")
    load_stand_in(offline=True)
    server.carry("/mnist.npz", large)
    assert load("mnist").source == "downloaded, checksum verified"
    assert left_over.exists(), "it might have been another notebook's download"
    two_days_ago = time.time() - 2 * 86400
    os.utime(left_over, (two_days_ago, two_days_ago))
    (cache / "mnist.npz").unlink()
    load("mnist")
    assert in_cache(tmp_path) == ["mnist.npz"]


def test_the_official_files_have_mirrors_and_the_cache_reads_them():
    for name, file in ORIGINAL_FILES.items():
        assert file.filename in data.LAYOUTS[name]
        assert len(file.sha256) == 64
        assert len(file.mirrors) == len(set(file.mirrors)) > 1
        assert all(url.startswith("https://") and file.filename in url for url in file.mirrors)


ORIGINAL_FILES = dict(data.FILES)


def test_the_cache_is_in_the_home_unless_moved(tmp_path, monkeypatch):
    monkeypatch.delenv("LR_COURSE_CACHE")
    assert data._cache().name == "lr-course"
    assert data._cache().is_relative_to(tmp_path / "home")
    monkeypatch.setenv("LR_COURSE_CACHE", "~/elsewhere")
    assert data._cache() == tmp_path / "home/elsewhere"


# --- stand-ins ------------------------------------------------------------------------------------

TITLES = {
    "mnist": "STAND-IN for MNIST (scikit-learn's 8x8 digits)",
    "cifar10": "STAND-IN for CIFAR-10 (drawn shapes)",
}


@pytest.mark.parametrize(
    "name, shapes",
    [
        ("mnist", [(1500, 28, 28), (297, 28, 28)]),
        ("cifar10", [(5000, 32, 32, 3), (1000, 32, 32, 3)]),
    ],
)
def test_stand_ins_are_whole_data_and_the_same_each_time(name, shapes, capsys):
    first, _ = load_stand_in(name, offline=True)
    np.random.seed(1)
    second, _ = load_stand_in(name, offline=True)
    assert [first.x_train.shape, first.x_test.shape] == shapes
    assert first.title == TITLES[name]
    assert_holds(second, {key: getattr(first, key) for key in KEYS})
    files.checked(name, {key: getattr(first, key) for key in KEYS})
    for labels in (first.y_train, first.y_test):
        counts = np.bincount(labels, minlength=10)
        assert len(counts) == 10 and counts.min() > 0.07 * len(labels)
    assert first.x_train.max() > 200 and first.x_train.min() < 20
    assert capsys.readouterr().out.startswith(f"{TITLES[name]}: {shapes[0][0]:,} training and ")


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_warning_is_loud_and_says_what_to_do(name, tmp_path, capsys):
    (tmp_path / "given").mkdir()
    _, warning = load_stand_in(name, folder=tmp_path / "given")
    title = {"mnist": "MNIST", "cifar10": "CIFAR-10"}[name]
    assert f"THIS IS NOT {title}." in warning
    assert warning.count("\n") > 8
    for place in (tmp_path / "given", tmp_path / "keras/datasets", "./data", tmp_path / "cache"):
        assert str(place) in warning
    assert f"set LR_COURSE_DATA to a folder that holds {name}.npz" in warning
    assert "connect to the internet and run this again" in warning
    assert str(tmp_path) not in capsys.readouterr().out


def test_real_data_raise_no_warning(tmp_path):
    put(tmp_path / "mnist.npz", npz(tiny()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("mnist", folder=tmp_path)


def test_without_scikit_learn_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with (
        pytest.warns(StandInWarning),
        pytest.raises(ImportError, match="sklearn is not installed; in the clone"),
    ):
        load("mnist")


def linear_accuracy(dataset):
    """Test accuracy of a ridge regression from every fourth pixel to the ten classes."""
    x, x_test = (
        each[:, ::2, ::2].reshape(len(each), -1) / np.float32(255) - np.float32(0.5)
        for each in (dataset.x_train, dataset.x_test)
    )
    gram = x.T @ x + 10 * np.eye(x.shape[1], dtype=np.float32)
    weights = np.linalg.solve(gram, x.T @ np.eye(10, dtype=np.float32)[dataset.y_train])
    return ((x_test @ weights).argmax(1) == dataset.y_test).mean()


def test_a_linear_classifier_reads_the_digits_and_not_the_shapes():
    assert linear_accuracy(load_stand_in("mnist", offline=True)[0]) > 0.8
    assert 0.12 < linear_accuracy(load_stand_in("cifar10", offline=True)[0]) < 0.5
