"""The `lr-course` command."""

import argparse
import sys

from course_lib.grade import commands as grading


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the command line's) and return its status."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (ValueError, OSError) as error:
        print(f"lr-course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "lr-course: interrupted; what is done is kept, run it again to go on", file=sys.stderr
        )
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lr-course", description="Commands of the course on learning rates."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="find or fetch MNIST and CIFAR-10, say which it is")
    data.add_argument("names", nargs="*", default=["mnist", "cifar10"], metavar="NAME")
    data.add_argument("--folder", help="look here first")
    data.add_argument("--offline", action="store_true", help="do not download")
    data.set_defaults(run=_data)

    reproduce = commands.add_parser(
        "reproduce", help="run a recorded experiment; goes on where it was interrupted"
    )
    reproduce.add_argument("name", nargs="?", help="the experiment; without it, lists them")
    reproduce.add_argument("--framework", choices=["torch", "tensorflow"], help="default: both")
    reproduce.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1")
    reproduce.add_argument("--records", metavar="FOLDER", help="default: the course's records/")
    reproduce.set_defaults(run=_reproduce)
    grading.add_to(commands)
    return parser


def _data(options) -> int:
    from course_lib.data import load

    found = [load(name, folder=options.folder, offline=options.offline) for name in options.names]
    return 1 if any(dataset.is_stand_in for dataset in found) else 0


def _reproduce(options) -> int:
    from pathlib import Path

    from course_lib import claims

    if options.name is None:
        for name, experiment in claims.EXPERIMENTS.items():
            print(f"{name:18} {experiment.data}, {experiment.model}: {experiment.title}")
        return 0
    lines = claims.reproduce(
        options.name,
        frameworks=[options.framework] if options.framework else claims.FRAMEWORKS,
        seeds=range(options.seeds),
        folder=Path(options.records) if options.records else claims.RECORDS,
    )
    for line in lines:
        accuracy = f"test accuracy {line['test_accuracy']:.2%}"
        if line["diverged"] is not None:
            accuracy = f"diverged at update {line['diverged']}"
        print(f"{line['framework']:10} seed {line['seed']}  {accuracy}  ({line['data']})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
