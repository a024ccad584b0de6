"""The files that hold MNIST and CIFAR-10: every layout is read, checked and recognised here.

What comes out is right or a `DataError` that says what is wrong with the file: four arrays, and the
title that they deserve. No pickle is opened that is not the published one.
"""

import gzip
import hashlib
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]

KEYS = ("x_train", "y_train", "x_test", "y_test")
TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10"}
IMAGE_SHAPES = {"mnist": (28, 28), "cifar10": (32, 32, 3)}


class DataError(ValueError):
    """A file or four arrays that should hold the data do not; the message says what is wrong."""


def read(name: str, folder: Path, layout: str) -> tuple[Arrays, str]:
    """The four arrays in one of `LAYOUTS`, and what a figure should call them."""
    reader = LAYOUTS[name][layout]
    try:
        arrays = checked(name, reader(folder / layout))
    except DataError:
        raise
    except Exception as error:  # NumPy, zipfile, gzip and tarfile raise some ten kinds between them
        why = getattr(error, "strerror", None) or error  # the whole of an OSError has the path
        raise DataError(f"cannot be read ({why}): copy or download it again") from error
    return arrays, _title(name, arrays, reader)


# --- the layouts ----------------------------------------------------------------------------------

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
    try:
        kind, rank = raw[:3], raw[3]
        shape = np.frombuffer(raw, ">u4", count=rank, offset=4)
        values = np.frombuffer(raw, np.uint8, offset=4 + 4 * rank)
        whole = kind == b"\0\0\x08" and values.size == shape.prod()
    except (IndexError, ValueError):  # it ends before its images begin
        whole = False
    if not whole:
        raise DataError(f"{stem} is no whole idx file ({len(raw):,} bytes): copy it again")
    return values.reshape(shape)


def _batch_folder(folder: Path) -> Arrays:
    paths = [folder / name for name in CIFAR_BATCHES]
    return _batches({path.name: path.read_bytes() for path in paths if path.exists()})


def _batch_archive(path: Path) -> Arrays:
    raw = {}
    with tarfile.open(path) as archive:
        for file in archive:  # in the order of the archive: going back would unpack it once more
            name = Path(file.name).name
            content = archive.extractfile(file)  # None for a folder
            if content is not None and name in CIFAR_BATCHES:
                raw[name] = content.read()
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


# --- checking and recognising ---------------------------------------------------------------------


def checked(name: str, arrays: Arrays) -> Arrays:
    """The four arrays, with labels as int64 (N,), or an error that says which one is wrong."""
    if missing := [key for key in KEYS if key not in arrays]:
        raise DataError(
            f"has no {', no '.join(missing)}, it has {', '.join(arrays) or 'nothing'}: save it "
            "with numpy.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)"
        )
    found = {}
    for part in ("train", "test"):
        x, y = f"x_{part}", f"y_{part}"
        found[x] = checked_images(x, np.asarray(arrays[x]), IMAGE_SHAPES[name])
        found[y] = checked_labels(y, np.asarray(arrays[y]), len(found[x]))
    return found


def checked_images(
    key: str, images: np.ndarray, shape: tuple[int, ...] | None, least: int = 1
) -> np.ndarray:
    """Images of this shape (None: any, with channels or without), at least so many; DataError."""
    right = images.ndim in (3, 4) if shape is None else images.shape[1:] == shape
    if images.ndim == 0 or len(images) < least or not right:
        sides = "rows, columns[, channels]" if shape is None else ", ".join(map(str, shape))
        few = f", N at least {least}" if least else ""
        raise DataError(f"{key} must have shape (N, {sides}){few}, got {images.shape}")
    if images.dtype != np.uint8:
        raise DataError(
            f"{key} must be uint8, 0 to 255, got {images.dtype}: convert and save it again, "
            f"from 0..1 with (255 * {key}).round().astype('uint8')"
        )
    return images


def checked_labels(key: str, labels: np.ndarray, count: int) -> np.ndarray:
    """Labels 0 to 9 of so many images, as int64 (N,); DataError."""
    if labels.shape not in ((count,), (count, 1)):  # Keras has CIFAR-10's labels as (N, 1)
        raise DataError(f"{key} must have shape ({count},), as many as images, got {labels.shape}")
    if count and labels.dtype.kind not in "iu":
        raise DataError(
            f"{key} must hold whole numbers, got {labels.dtype}: convert and save it again, "
            f"with {key}.astype('int64')"
        )
    if count and (labels.min() < 0 or labels.max() > 9):
        raise DataError(f"{key} must run from 0 to 9, got {labels.min()} to {labels.max()}")
    return np.array(labels.reshape(count), np.int64)  # a copy: torch takes no reversed view


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
    return hashlib.sha256(np.ascontiguousarray(array, np.uint8).data).hexdigest()
