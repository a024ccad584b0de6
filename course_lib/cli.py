"""The `lr-course` command: its verbs, and what all of them have in common.

Results go to stdout, messages and progress bars to stderr; no output has colours. Exit status: 0
all is well; 1 the command ran and found something wrong; 2 it could not run; 130 it was
interrupted; 141 nobody reads its output any more, as with `| head`.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import warnings
from collections.abc import Iterator

from course_lib import __version__, needs
from course_lib.commands import explore, reproduce
from course_lib.grade import commands as grading

SHELLS = ("bash", "zsh", "tcsh")


def main(arguments: list[str] | None = None) -> int:
    """Run the command with these arguments (default: the command line's) and return its status."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as `>&-` leaves it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may have few letters
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        with needs(options.extra):
            status = options.run(options)
        sys.stdout.flush()  # here, and not when Python ends, where the error would be shown
        return status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left goes nowhere
        return 141
    except (ValueError, OSError, ImportError) as error:
        print(f"lr-course: {_in_words(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        keeps = options.command in ("grade", "reproduce")
        kept = "; what is done is kept, run it again to go on" if keeps else ""
        print(f"lr-course: interrupted{kept}", file=sys.stderr)
        return 130


def _in_words(error: Exception) -> str:
    """What went wrong; of the system's own errors without their number, the file first.

    >>> _in_words(FileNotFoundError(2, "No such file or directory", "/nowhere/x.html"))
    '/nowhere/x.html: No such file or directory'
    """
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lr-course",
        description="Commands of the course on learning rates.",
        epilog="Exit status: 0 all is well, 1 something was found wrong, 2 the command could not "
        "run, 130 interrupted. `lr-course COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"lr-course {__version__}")
    parser.set_defaults(extra="course")  # of pyproject.toml: what brings all that a command needs
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="find or fetch MNIST and CIFAR-10")
    data.add_argument(
        "names",
        nargs="*",
        default=["mnist", "cifar10"],
        metavar="NAME",
        help="mnist or cifar10 (default: both)",
    )
    data.add_argument("--folder", metavar="FOLDER", help="look in this folder first")
    data.add_argument("--offline", action="store_true", help="do not download")
    data.add_argument("--quiet", action="store_true", help="print nothing but warnings")
    data.add_argument("--json", action="store_true", help="print what was found as JSON")
    data.set_defaults(run=_data)

    explore.add_to(commands)
    reproduce.add_to(commands)
    grading.add_to(commands)

    completion = commands.add_parser(
        "completion", help='complete words in your shell: eval "$(lr-course completion bash)"'
    )
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(run=_completion, extra="completion")
    for listed in commands._choices_actions:  # what has no description of its own is told anew
        verb = commands.choices[listed.dest]
        said = listed.help or ""
        verb.description = verb.description or f"{said[:1].upper()}{said[1:]}."
    return parser


def _data(options: argparse.Namespace) -> int:
    from course_lib.data import load

    lines = _lines_to(None if options.quiet else sys.stderr if options.json else sys.stdout)
    with lines, warnings.catch_warnings():
        # its text alone, without the line of this file
        warnings.showwarning = lambda message, *_, **__: print(message, file=sys.stderr)
        where = dict(folder=options.folder, offline=options.offline)
        found = [load(each, **where, progress=not options.quiet) for each in options.names]
    if options.json:
        shown = [
            {
                "name": each.name,
                "title": each.title,
                "source": each.source,
                "stand_in": each.is_stand_in,
                "training_images": len(each.x_train),
                "test_images": len(each.x_test),
            }
            for each in found
        ]
        print(json.dumps(shown, indent=1))
    return 1 if any(dataset.is_stand_in for dataset in found) else 0


@contextlib.contextmanager
def _lines_to(stream) -> Iterator[None]:
    """What is printed inside goes to `stream`, or nowhere; the command's own output is not it."""
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(stream or nowhere):
        yield


def _completion(options: argparse.Namespace) -> int:
    """Print the completions of the whole parser, with the names that this course has."""
    with needs(options.extra):
        import shtab
    from course_lib import GALLERY
    from course_lib.claims import CLAIMS, EXPERIMENTS

    names = {
        ("data", "names"): ["mnist", "cifar10"],
        ("explore", "schedules"): list(GALLERY),
        ("reproduce", "name"): [*CLAIMS, *EXPERIMENTS],
    }
    files = {"FILE": shtab.FILE, "NOTEBOOK": shtab.FILE}
    folders = dict.fromkeys(("FOLDER", "RESULTS", "SUBMISSIONS", "COURSE"), shtab.DIRECTORY)
    parser = _parser()
    (commands,) = (each.choices for each in parser._actions if isinstance(each.choices, dict))
    for verb, command in commands.items():
        for action in command._actions:
            if (verb, action.dest) in names:
                action.choices = names[verb, action.dest]
            elif action.metavar in files | folders:
                action.complete = (files | folders)[action.metavar]  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=options.shell))
    return 0


if __name__ == "__main__":
    sys.exit(main())
