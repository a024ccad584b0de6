"""An existing dask.distributed cluster, for `reproduce --scheduler` and `grade --scheduler`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """A client of the scheduler at this address, which has workers; else ValueError says what is
    missing."""
    from distributed import Client
    from distributed.comm import get_address_host_port

    try:
        get_address_host_port(address)  # a client that fails at that takes 20 s to end
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"no dask scheduler answers at {address}: {error}") from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise ValueError(f"the dask scheduler at {address} has no workers; start some")
        yield client
