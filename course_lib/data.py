"""The data: `load("mnist")` and `load("cifar10")`, with or without a network.

`load` takes the first of these that it finds, and says which:
1. the folder given as `folder=`, then the one that the environment variable LR_COURSE_DATA names;
2. what Keras or torchvision downloaded before: `$KERAS_HOME/datasets` and `./data`;
3. this course's cache, which LR_COURSE_CACHE moves;
4. a download, unless `offline=True` or LR_COURSE_OFFLINE is set. LR_COURSE_MIRROR is the address of
   a folder with the official files, tried before the mirrors in `FILES`: one for the classroom;
5. a built-in stand-in, with a loud warning, so that every cell runs without any data.

A folder may hold `mnist.npz` or `cifar10.npz`, or the files of Keras or torchvision as they are:
datasets/ reads them, downloads them, and draws the stand-ins.
"""

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pooch

from course_lib.datasets.download import FILES, fetch
from course_lib.datasets.files import (
    LAYOUTS,
    TITLES,
    DataError,
    checked_images,
    checked_labels,
    read,
)
from course_lib.datasets.stand_ins import STAND_INS
from course_lib.formulas.parameters import Flag


class StandInWarning(UserWarning):
    """The data asked for could not be had; what follows uses something else in its place."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images and labels, and what they are.

    Images are uint8, (N, 28, 28) for "mnist" and (N, 32, 32, 3) for "cifar10"; labels are int64,
    (N,), 0 to 9. Your own may be of another size, and test images may be none. `title` is what a
    figure should call these data: it names copies and stand-ins.

    Raises DataError, a ValueError, that names an array which is not like this.

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
        shape = None
        for part, least in (("train", 1), ("test", 0)):
            x, y = f"x_{part}", f"y_{part}"
            images = checked_images(x, np.asarray(getattr(self, x)), shape, least)
            shape = images.shape[1:]  # the test images are of the same
            object.__setattr__(self, x, images)
            labels = checked_labels(y, np.asarray(getattr(self, y)), len(images))
            object.__setattr__(self, y, labels)

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


def load(
    name: str,
    *,
    folder: str | Path | None = None,
    offline: bool = False,
    progress: bool = True,
) -> Dataset:
    """MNIST or CIFAR-10 from the first place that has it, in the order at the top of this file.

    Prints one line that says which data these are and where they come from; a download has a
    progress bar, unless `progress` is False.

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
    Flag().check("offline", offline)
    unset = ("", "0", "false", "no", "off")
    offline = offline or os.environ.get("LR_COURSE_OFFLINE", "").lower() not in unset
    misses: list[Miss] = []
    dataset = _from_folders(name, folder, misses) or _from_cache(name, offline, misses)
    if dataset is None and not offline:
        dataset = _from_network(name, misses, progress)
    if dataset is None:
        warnings.warn(_stand_in_warning(name, offline, misses), StandInWarning, stacklevel=2)
        dataset = _stand_in(name, offline)
    counts = f"{len(dataset.x_train):,} training and {len(dataset.x_test):,} test images"
    remarks = "".join(f"; {miss.place}: {miss.why}" for miss in misses if miss.told)
    print(f"{dataset.title}: {counts} ({dataset.source}){remarks}")
    return dataset


def _read(name: str, folder: Path, layout: str, source: str) -> Dataset:
    arrays, title = read(name, folder, layout)
    return Dataset(**arrays, name=name, title=title, source=source)


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
    keras = Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"))
    yield "the Keras folder", keras / "datasets", False
    yield "./data", Path("data"), False


def _from_folders(name: str, given: str | Path | None, misses: list[Miss]) -> Dataset | None:
    for place, folder, named in _folders(given):
        # False, too, where nobody lets us look.
        there = [layout for layout in LAYOUTS[name] if os.path.exists(folder / layout)]
        for layout in there:
            try:
                return _read(name, folder, layout, f"{layout} in {place}")
            except DataError as error:
                if named:
                    raise DataError(f"{folder / layout}: {error}") from error
                misses.append(Miss(f"{layout} in {place}", f"skipped, {error}", folder, True))
        if not there:
            misses.append(Miss(place, f"has no {', no '.join(LAYOUTS[name])}", folder, told=named))
    return None


# --- 3: the cache ---------------------------------------------------------------------------------


def _cache() -> Path:
    return Path(os.environ.get("LR_COURSE_CACHE") or pooch.os_cache("lr-course")).expanduser()


def _from_cache(name: str, offline: bool, misses: list[Miss]) -> Dataset | None:
    file, cache = FILES[name], _cache()
    path = cache / file.filename
    if not os.path.exists(path):
        misses.append(Miss("the cache", f"has no {file.filename}", cache))
        return None
    why = "its checksum is wrong, ignored"
    try:
        if pooch.file_hash(str(path)) == file.sha256:
            return _read(name, cache, file.filename, "the cache")
        if not offline:
            path.unlink()
            why = "its checksum is wrong, deleted"
    except OSError as error:  # a cache that others own
        why = f"skipped, {error.strerror or error}"
    misses.append(Miss(f"{file.filename} in the cache", why, cache, told=True))
    return None


# --- 4: the network -------------------------------------------------------------------------------


def _from_network(name: str, misses: list[Miss], progress: bool) -> Dataset | None:
    file = FILES[name]
    classroom = os.environ.get("LR_COURSE_MIRROR")
    own = (f"{classroom.rstrip('/')}/{file.filename}",) if classroom else ()
    for url in own + file.mirrors:
        print(f"Downloading {file.filename} from {urlsplit(url).netloc or url}")
        try:
            fetch(file, url, _cache(), progress)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors, pooch's ValueErrors
            cause = getattr(error.args[0], "reason", error) if error.args else error
            misses.append(Miss("download", f"{type(error).__name__}: {cause}", url))
        else:
            return _read(name, _cache(), file.filename, "downloaded, checksum verified")
    return None


# --- 5: stand-ins ---------------------------------------------------------------------------------


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

{title} was not found here:
{looked}{unasked}

To get {title}: set LR_COURSE_DATA to a folder that holds {next(iter(LAYOUTS[name]))},
or connect to the internet and run this again.
{"=" * 80}"""
