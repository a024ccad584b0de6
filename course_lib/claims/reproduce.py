"""Make the runs of an experiment: in this process, in several, or on a dask.distributed cluster."""

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

from tqdm.auto import tqdm

from course_lib.claims.records import RECORDS, Line, append, read, stamp
from course_lib.cluster import cluster

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
    """Make these runs and add each to its record as soon as it is finished.

    Raises FailedRuns at the end when some of them failed; the others are on record.
    """
    failed: dict[Task, Exception] = {}
    with (
        _runner(jobs, scheduler) as finished,
        closing(finished(tasks)) as results,  # at an error, what has not begun is called off
        tqdm(total=len(tasks), unit="run", disable=None if progress else True) as bar,
    ):
        for count, (task, line) in enumerate(results, 1):
            if isinstance(line, Exception):
                failed[task] = line
                if len(failed) == count == 3:  # nothing works: no data, or no framework
                    break
            else:
                append(line["experiment"], line, folder)
            bar.set_postfix_str(said(task))
            bar.update()
    if failed:
        raise FailedRuns(failed, len(tasks))


class FailedRuns(ValueError):
    """Some runs stopped with an error; the message names them."""

    def __init__(self, failed: Mapping[Task, Exception], count: int) -> None:
        told = [f"{said(task)}: {type(e).__name__}: {e}" for task, e in failed.items()]
        more = [f"and {len(told) - 3} more"] if len(told) > 3 else []
        head = f"{len(told)} of {count} runs failed; what is done is kept"
        super().__init__("\n  ".join([head, *told[:3], *more]))


def said(task: Task) -> str:
    """A run in words."""
    name, variant, framework, seed = task
    return f"{name}, {variant}, {framework}, seed {seed}"


Finished = Generator[tuple[Task, Line | Exception], None, None]


@contextmanager
def _runner(jobs: int, scheduler: str | None) -> Iterator[Callable[[Sequence[Task]], Finished]]:
    if scheduler is not None:
        with cluster(scheduler) as client:
            # pure=False: a run that an earlier command made on this cluster is made again.
            yield lambda tasks: _submitted(client.get_executor(pure=False), tasks)
    elif jobs == 1:
        yield _here
    else:
        # Spawned, not forked: a copy of a process in which TensorFlow runs would hang.
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_alone) as pool:
            yield lambda tasks: _submitted(pool, tasks)


def _here(tasks: Sequence[Task]) -> Finished:
    for task in tasks:
        try:
            yield task, run(task)
        except Exception as error:
            yield task, error


def _alone() -> None:
    """One thread per process, or the processes of one machine fight for its cores; and no life of
    its own, should the command be killed."""
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[variable] = "1"
    Thread(target=_follow, daemon=True).start()


def _follow() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _submitted(pool: Executor, tasks: Sequence[Task]) -> Finished:
    futures = {pool.submit(run, task): task for task in tasks}
    try:
        for future in as_completed(futures):
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            yield futures[future], error or future.result()
    finally:
        for future in futures:
            future.cancel()
