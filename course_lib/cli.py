"""The `lr-course` command."""

import argparse
import sys

from course_lib import explorer_page
from course_lib.claims import command as evidence
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

    explorer_page.add_to(commands)
    evidence.add_to(commands)
    grading.add_to(commands)
    return parser


def _data(options) -> int:
    from course_lib.data import load

    found = [load(name, folder=options.folder, offline=options.offline) for name in options.names]
    return 1 if any(dataset.is_stand_in for dataset in found) else 0


if __name__ == "__main__":
    sys.exit(main())
