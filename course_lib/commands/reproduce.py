"""`lr-course reproduce`: make the runs behind a claim again, and say whether it still holds."""

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from course_lib import needs
from course_lib.formulas.parameters import Choice, Whole
from course_lib.statistics import Estimate

HERE = Path("reproduced")


def add_to(commands: Any) -> None:
    """Add `reproduce` to the verbs of `lr-course`."""
    parser = commands.add_parser(
        "reproduce",
        help="make the runs behind a claim again, and say whether it still holds",
        description="Make the runs behind a claim or of an experiment. Finished runs are kept in "
        "--records, and a second command goes on where the first one stopped.",
    )
    parser.add_argument("name", nargs="?", help="a claim or an experiment; without it, lists them")
    parser.add_argument("--framework", choices=["torch", "tensorflow"], help="default: both")
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="seeds 0 to N - 1 (default: as many as the experiment has)",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at once")
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="spread the runs over a dask.distributed cluster, like tcp://10.0.0.1:8786; its "
        "workers need this course and its data",
    )
    parser.add_argument(
        "--records",
        type=Path,
        default=HERE,
        metavar="FOLDER",
        help=f"where runs are kept (default: {HERE}; the course's own: records)",
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar, only the result")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=_reproduce)


def _reproduce(options: argparse.Namespace) -> int:
    from course_lib import claims
    from course_lib.claims import reproduce

    if options.name is None:
        _list(as_json=options.json)
        return 0
    Choice((*claims.CLAIMS, *claims.EXPERIMENTS)).check("name", options.name)
    Whole(low=1).check("jobs", options.jobs)
    if options.seeds is not None:
        Whole(low=1).check("seeds", options.seeds)
    claim = claims.CLAIMS.get(options.name)
    tasks = []
    for name in (claim.experiment, *claim.also) if claim else (options.name,):
        experiment = claims.EXPERIMENTS[name]
        known = [f for f in experiment.frameworks if claim is None or f in claim.frameworks]
        frameworks = [f for f in known if options.framework in (None, f)]
        if not frameworks:
            raise ValueError(
                f"framework must be {' or '.join(known)} for {options.name}, "
                f"got {options.framework}"
            )
        seeds = range(experiment.seeds if options.seeds is None else options.seeds)
        variants = list(experiment.variants)
        tasks += reproduce.missing(name, variants, frameworks, seeds, options.records)
    for framework in {task[2] for task in tasks if not options.scheduler}:
        with needs(framework):  # before the first run, and not once in each of them
            version(framework)
    if not (options.quiet or options.json):
        print(f"{len(tasks)} runs to make, kept in {options.records}", flush=True)
    # What runs print, which data there are, is news for a reader and none for `| jq`.
    with _stdout_elsewhere() if options.quiet or options.json else nullcontext():
        reproduce.make(
            tasks,
            folder=options.records,
            jobs=options.jobs,
            scheduler=options.scheduler,
            progress=not options.quiet,
        )
    if claim is None:
        lines = claims.record(options.name, folder=options.records)
        if options.json:
            _print_json(lines)
        else:
            _say_runs(lines)
        return 0
    return _say_claim(claim, options)


@contextmanager
def _stdout_elsewhere() -> Iterator[None]:
    """What is printed goes to stderr, in processes that are started meanwhile too."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _print_json(value: Any) -> None:
    print(json.dumps(_plain(value), indent=1))


def _plain(value: Any) -> Any:
    """The same of what JSON has: a number that is not finite is null."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, SimpleNamespace | Estimate):
        return _plain(vars(value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)


def _list(*, as_json: bool) -> None:
    from course_lib import claims

    # All before the first line: a claim may need a package that is not here.
    texts = {id: c.text() if c.is_recorded() else None for id, c in claims.CLAIMS.items()}
    if as_json:
        titles = {name: each.title for name, each in claims.EXPERIMENTS.items()}
        _print_json({"claims": texts, "experiments": titles})
        return
    print("claims (lr-course reproduce CLAIM)")
    for id, text in texts.items():
        print(f"  {id:28} {text or '(no record yet)'}")
    print("experiments (lr-course reproduce EXPERIMENT)")
    for name, experiment in claims.EXPERIMENTS.items():
        print(f"  {name:28} {experiment.title}")


def _say_runs(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        result = f"{line['updates']} updates"
        if line.get("test_accuracy") is not None:
            result = f"test accuracy {line['test_accuracy']:.2%}"
        if line.get("diverged") is not None:
            result = f"diverged at update {line['diverged']}"
        where = f"{line['variant']:24} {line['framework']:10} seed {line['seed']}"
        print(f"{where}  {result}  ({line['data']})")


def _say_claim(claim: Any, options: argparse.Namespace) -> int:
    """Print the claim, what its record says, what these runs say; 1 where it does not hold."""
    text = claim.text() if claim.is_recorded() else None
    frameworks = [f for f in claim.frameworks if options.framework in (None, f)]
    verdicts = {framework: _verdict(claim, framework, options.records) for framework in frameworks}
    if options.json:
        _print_json({"claim": options.name, "text": text, "frameworks": verdicts})
    else:
        print(text or "There is no record of this claim yet.")
        for framework, verdict in verdicts.items():
            _say_verdict(framework, **verdict)
    return 0 if all(verdict["holds"] for verdict in verdicts.values()) else 1


def _verdict(claim: Any, framework: str, folder: Path) -> dict[str, Any]:
    """Whether the claim holds in one framework (None: too few seeds to say), and its numbers."""
    seeds = claim.seeds(folder, frameworks=[framework])
    if seeds < 2:
        return {"seeds": seeds, "holds": None, "here": None, "recorded": SimpleNamespace()}
    recorded = claim.numbers(framework) if claim.is_recorded() else SimpleNamespace()
    try:
        here = claim.numbers(framework, folder)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        return {"seeds": seeds, "holds": False, "here": None, "recorded": recorded, "why": why}
    # A run that diverged has no accuracy, so its pair is in no gain.
    paired = [each.n for each in vars(here).values() if isinstance(each, Estimate)]
    holds = bool(claim.holds(here))
    return {"seeds": min([seeds, *paired]), "holds": holds, "here": here, "recorded": recorded}


def _say_verdict(
    framework: str, seeds: int, holds: bool | None, here: Any, recorded: Any, why: str = ""
) -> None:
    if holds is None:
        print(f"{framework}: one seed says nothing of another one; add --seeds 5, or more")
        return
    if here is None:
        print(f"{framework}: cannot be measured in these runs (did too many diverge?): {why}")
        return
    print(f"{framework}: {'holds' if holds else 'does not hold'} in these runs, n = {seeds}")
    for name in vars(here):
        known = f"recorded {_number(recorded, name)}, " if hasattr(recorded, name) else ""
        print(f"  {name:20} {known}here {_number(here, name)}")


def _number(numbers: SimpleNamespace, name: str) -> str:
    value = getattr(numbers, name)
    return f"{value:.4g}" if isinstance(value, float | Estimate) else str(value)
