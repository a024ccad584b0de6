"""Grade many submissions: on this machine with `jobs` workshops, or on a dask.distributed cluster.

Each worker thread keeps one workshop, grades one submission at a time in it, and hands back plain
results; only the main thread writes. A submission that the grader itself fails on becomes a row
that says so, and is graded again in the next run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import get_ident
from typing import Any

from course_lib.cluster import cluster
from course_lib.grade.conditions import Conditions
from course_lib.grade.examine import examine, failed, key_of
from course_lib.grade.intake.assignment import Assignment
from course_lib.grade.intake.collect import Submission
from course_lib.grade.walls.limits import FRAMEWORKS
from course_lib.grade.walls.session import Workshop

# Of the course's own, what may import any framework when it is used.
USERS = ("pytorch", "tensorflow", "training", "recipes", "lr_finder")
OURS = {"course_lib import", *(f"course_lib.{name}" for name in USERS)}
Graded = tuple[dict[str, Any], dict[str, Any]]
_workshops: dict[int, tuple[Conditions, Workshop]] = {}  # by thread


def preload(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The frameworks that these notebooks name in an import: it takes seconds to load them once,
    and no submission needs to. A framework that is not loaded beforehand works all the same."""
    known, named = {*FRAMEWORKS, *OURS}, set()
    for text in filter(None, texts):  # plain searches: the texts are long, and strangers'
        for line in text.replace("\\n", "\n").splitlines():  # JSON is one line
            named |= {each for each in known if "import" in line and each in line}
    named |= {"tensorflow", "keras"} if named & {"tensorflow", "keras"} else set()
    return tuple(each for each in FRAMEWORKS if each in named or named & OURS)


def workshop_for(conditions: Conditions) -> Workshop:
    """A workshop under these conditions; it starts with its first session."""
    level, data, preload = conditions.level, conditions.data, conditions.preload
    return Workshop(conditions.limits, level=level, data=data, preload=preload)


def grade_one(
    submission: Submission, assignment: Assignment | None, conditions: Conditions
) -> Graded:
    """Grade one submission in this thread's workshop, which is made at its first use."""
    try:
        under, workshop = _workshops.get(get_ident(), (None, None))
        if under != conditions:
            close_mine()
            workshop = workshop_for(conditions)
            _workshops[get_ident()] = conditions, workshop
        return examine(submission, assignment, workshop, conditions)
    except Exception as error:  # ours, not the student's: the batch goes on, the row says what
        close_mine()
        return failed(submission, assignment, conditions, error)


def close_mine() -> None:
    """Close this thread's workshop, if it has one."""
    if mine := _workshops.pop(get_ident(), None):
        mine[1].close()


def on_this_machine(
    submissions: Sequence[Submission],
    assignments: Mapping[str, Assignment],
    conditions: Conditions,
    jobs: int,
) -> Iterator[tuple[Submission, Graded]]:
    """Results as they come, from `jobs` threads with a workshop each."""
    pool = ThreadPoolExecutor(min(jobs, len(submissions)) or 1)
    try:
        futures = {
            pool.submit(grade_one, each, assignments.get(each.notebook), conditions): each
            for each in submissions
        }
        for future in as_completed(futures):
            yield futures.pop(future), future.result()  # not kept: a record may be long
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while _workshops:
            _workshops.popitem()[1][1].stop()  # its thread may be in the middle of a submission


def on_cluster(
    submissions: Sequence[Submission],
    assignments: Mapping[str, Assignment],
    conditions: Conditions,
    address: str,
) -> Iterator[tuple[Submission, Graded]]:
    """Results as they come from the workers of an existing dask.distributed cluster.

    Its workers need this package, the same version, and bubblewrap. A worker that is lost has its
    submissions graded by another.
    """
    from distributed import as_completed as in_order_of_completion

    with cluster(address) as client:
        sent = {name: client.scatter(each, broadcast=True) for name, each in assignments.items()}
        futures = {}
        for each in submissions:
            # By content: all clients of a scheduler share its keys, another teacher among them.
            key = f"lr-course-{key_of(each, assignments.get(each.notebook), conditions)}"
            assignment = sent.get(each.notebook)
            futures[client.submit(grade_one, each, assignment, conditions, key=key)] = each
        for future in in_order_of_completion(list(futures), loop=client.loop):
            submission = futures.pop(future)
            if future.status == "error":  # its workers were lost one after the other
                given = assignments.get(submission.notebook)
                yield submission, failed(submission, given, conditions, future.exception())
            else:
                result, run = future.result()  # of another file with this content, perhaps
                yield submission, ({**result, "origin": submission.origin}, run)
