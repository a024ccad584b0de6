"""Make the runs of an experiment: in this process, in several, or on a dask.distributed cluster."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from course_lib.claims.records import RECORDS, Line, append, read, stamp

Task = tuple[str, str, str, int]  # experiment, variant, framework, seed


def run(task: Task) -> Line:
    """Make one run, here, and return its line of the record."""
    from course_lib.claims import EXPERIMENTS  # a worker's first task loads the experiments

    name, variant, framework, seed = task
    made_with = stamp(framework)
    measured = EXPERIMENTS[name].variants[variant](framework, seed)
    key = {"experiment": name, "variant": variant, "framework": framework, "seed": seed}
    return {**key, **measured, **made_with}


def missing(
    name: str,
    variants: Sequence[str],
    frameworks: Sequence[str],
    seeds: Sequence[int],
    folder: Path = RECORDS,
) -> list[Task]:
    """The runs that the record does not hold yet, seed by seed, so that a part is a fair part."""
    done = {(line["variant"], line["framework"], line["seed"]) for line in read(name, folder)}
    wanted = [(v, f, s) for f in frameworks for s in seeds for v in variants]
    return [(name, *each) for each in wanted if each not in done]


def make(
    tasks: Sequence[Task],
    *,
    folder: Path = RECORDS,
    jobs: int = 1,
    scheduler: str | None = None,
    progress: bool = True,
) -> None:
    """Make these runs and add each to its record as soon as it is finished."""
    with (
        _runner(jobs, scheduler) as finished,
        tqdm(total=len(tasks), unit="run", disable=None if progress else True) as bar,
    ):
        for line in finished(tasks):
            append(line["experiment"], line, folder)
            bar.set_postfix_str(f"{line['variant']}, {line['framework']}, seed {line['seed']}")
            bar.update()


@contextmanager
def _runner(
    jobs: int, scheduler: str | None
) -> Iterator[Callable[[Sequence[Task]], Iterator[Line]]]:
    if scheduler is not None:
        yield lambda tasks: _on_cluster(scheduler, tasks)
    elif jobs == 1:
        yield lambda tasks: map(run, tasks)
    else:
        # Spawned, not forked: a copy of a process in which TensorFlow runs would hang.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_alone) as pool:
            yield lambda tasks: _in_processes(pool, tasks)


def _alone() -> None:
    """One thread per process, or the processes of one machine fight for its cores."""
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = "1"


def _in_processes(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> Iterator[Line]:
    futures = [pool.submit(run, task) for task in tasks]
    try:
        for future in as_completed(futures):
            yield future.result()
    finally:
        for future in futures:
            future.cancel()


def _on_cluster(address: str, tasks: Sequence[Task]) -> Iterator[Line]:
    from distributed import Client
    from distributed import as_completed as completed

    with Client(address, timeout="30s", set_as_default=False) as client:
        # pure=False: a run that an earlier command made on this cluster is made again.
        futures: list[Any] = client.map(run, list(tasks), pure=False)
        try:
            for future in completed(futures, loop=client.loop):
                yield future.result()
        finally:
            client.cancel(futures)
