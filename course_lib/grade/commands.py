"""The teacher's commands of `lr-course`: release, verify, grade, report, export, doctor, check.

Exit status: 0 all is well; 1 the command ran and found something wrong (a submission that could not
be graded, an exercise that does not hold); for the others see course_lib/cli.py.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import os
import sys
from pathlib import Path

from course_lib.grade.conditions import asked_for, options_of_conditions


def add_to(commands) -> None:
    """Add the commands to the parser of `lr-course`."""
    solutions = argparse.ArgumentParser(add_help=False)
    solutions.add_argument(
        "--solutions",
        default=_of_the_course("solutions"),
        metavar="FOLDER",
        help="the solutions (default: solutions, here or in the course)",
    )
    quiet = argparse.ArgumentParser(add_help=False)
    quiet.add_argument("--quiet", action="store_true", help="print nothing; the exit status tells")
    boxed = options_of_conditions()
    _add_release(commands, solutions)
    _add_verify(commands, solutions, boxed)
    _add_grade(commands, solutions, boxed)
    _add_report(commands, quiet)
    _add_export(commands, solutions, quiet)
    _add_check(commands, quiet)
    _add_doctor(commands)


def _of_the_course(name: str) -> str:
    """The folder of this name here; where there is none, the one of the course."""
    course = Path(__file__).parents[2] / name
    return str(course) if course.is_dir() and not Path(name).is_dir() else name


def _add_release(commands, solutions) -> None:
    release = commands.add_parser(
        "release", parents=[solutions], help="make the students' notebooks from the solutions"
    )
    release.add_argument("names", nargs="*", metavar="LESSON", help="default: all")
    release.add_argument(
        "--out", required=True, metavar="FOLDER", help="where to write the notebooks"
    )
    release.add_argument(
        "--nbgrader",
        action="store_true",
        help="FOLDER is an nbgrader course: write into its source/",
    )
    release.add_argument("--force", action="store_true", help="overwrite files that differ")
    release.set_defaults(run=_release, extra="grade")


def _release(options) -> int:
    from course_lib.grade.release import release

    made = release(
        Path(options.solutions),
        Path(options.out),
        options.names,
        nbgrader=options.nbgrader,
        force=options.force,
    )
    for path in made:
        print(path)
    return 0


def _add_verify(commands, solutions, boxed) -> None:
    verify = commands.add_parser(
        "verify",
        parents=[solutions, boxed],
        help="try every exercise: solutions earn all points, blanks none, wrong answers fewer",
    )
    verify.add_argument("names", nargs="*", metavar="LESSON", help="default: all")
    verify.add_argument(
        "--exercises",
        default=_of_the_course("exercises"),
        metavar="FOLDER",
        help="the handed-out notebooks (default: exercises, here or in the course)",
    )
    verify.add_argument("--quiet", action="store_true", help="print only what is wrong")
    verify.add_argument(
        "--json", action="store_true", help="print the findings as JSON, at the end"
    )
    verify.set_defaults(run=_verify, extra="grade")


def _verify(options) -> int:
    from course_lib.grade.results.wording import counted
    from course_lib.grade.verify import verify

    conditions = asked_for(options)
    lines = []
    for line in verify(Path(options.solutions), Path(options.exercises), conditions, options.names):
        lines.append(line)
        if not (options.json or (options.quiet and line.good)):
            print(line.text, flush=True)
    wrong = sum(not line.good for line in lines)
    if options.json:
        print(json.dumps([dataclasses.asdict(line) for line in lines], indent=1))
    elif wrong or not options.quiet:
        are = "is" if wrong == 1 else "are"
        print(f"{counted(wrong, 'thing')} {are} wrong" if wrong else "all is well")
    return 1 if wrong else 0


def _add_grade(commands, solutions, boxed) -> None:
    grade = commands.add_parser(
        "grade", parents=[solutions, boxed], help="grade submissions; run it again to resume"
    )
    grade.add_argument(
        "submissions",
        metavar="SUBMISSIONS",
        help="a folder with folders, zip files and notebooks of students, or nbgrader's submitted/",
    )
    grade.add_argument("--out", required=True, metavar="RESULTS", help="folder for the results")
    where = grade.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=int, metavar="N", help="submissions at once (default: one per core)"
    )
    where.add_argument(
        "--scheduler", metavar="tcp://HOST:PORT", help="grade on this dask.distributed cluster"
    )
    grade.add_argument("--again", action="store_true", help="grade all, not only what is new")
    grade.add_argument("--quiet", action="store_true", help="no progress bar, no table")
    grade.add_argument("--json", action="store_true", help="print the summary as JSON")
    grade.set_defaults(run=_grade, extra="grade")


def _grade(options) -> int:
    from course_lib.grade import engine
    from course_lib.grade.examine import key_of
    from course_lib.grade.intake.assignment import read_assignments
    from course_lib.grade.intake.collect import collect
    from course_lib.grade.intake.piles import namesakes
    from course_lib.grade.results.store import Store, paths, read

    jobs = options.jobs if options.jobs is not None else _cores()
    if jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {jobs}")
    conditions = asked_for(options)
    _refuse_exposed((options.solutions, options.submissions, options.out), conditions)
    if Path(options.out).resolve().is_relative_to(Path(options.submissions).resolve()):
        raise ValueError(
            f"--out {options.out} lies among the submissions, where it would be a student's the "
            "next time; choose a folder beside them"
        )
    assignments = read_assignments(options.solutions)
    found = collect(Path(options.submissions), assignments)
    submissions = [each for each in found if not each.elsewhere]
    asked = [assignments[name] for name in {each.notebook for each in submissions} - {None}]
    texts = [cell.source for each in asked for cell in each.cells if cell.runs]
    texts += [each.text for each in submissions]
    conditions = dataclasses.replace(conditions, preload=engine.preload(texts))
    with Store(options.out, options.submissions) as store:
        keys = {
            each: key_of(each, assignments.get(each.notebook), conditions) for each in submissions
        }
        todo = [each for each in submissions if options.again or not store.has(each, keys[each])]
        if options.scheduler:
            graded = engine.on_cluster(todo, assignments, conditions, options.scheduler)
        else:
            graded = engine.on_this_machine(todo, assignments, conditions, jobs)
        with _bar(options, len(submissions), len(todo)) as bar:
            for submission, (result, run) in graded:
                store.save(submission, result, run)
                bar.update()
        store.forget_unreadable(submissions)
        graded_now = [store.result(each) for each in submissions]
    mine = {store.path(each) for each in submissions}
    others = [path for path in paths(options.out) if path not in mine]
    elsewhere = sorted(each.assignment for each in found if each.elsewhere)
    new = sum(each["status"] == "graded" for each in map(store.result, todo))
    unclear = namesakes(filter(None, map(read, paths(options.out))))
    return _say_graded(options, graded_now, new, others, elsewhere, unclear)


def _cores() -> int:
    """How many of this machine's cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _refuse_exposed(paths: tuple[str, ...], conditions) -> None:
    """Raise ValueError where a submission could read what lies at one of these paths."""
    from course_lib.grade.walls.sandbox import exposed

    for path in paths:
        if folder := exposed(path, conditions.level, conditions.data):
            raise ValueError(
                f"{path} lies in {folder}, which every submission can read; move it to another "
                "place, your home say"
            )


def _bar(options, total: int, left: int):
    """How many of the notebooks are graded, on the terminal; not in a log file."""
    from tqdm import tqdm

    silent = True if options.quiet or options.json else None  # None: where it is no terminal
    return tqdm(total=total, initial=total - left, unit="notebook", disable=silent)


def _say_graded(
    options,
    results: list,
    new: int,
    others: list[Path],
    elsewhere: list[str],
    unclear: list[str],
) -> int:
    from course_lib.grade.results.report import noted
    from course_lib.grade.results.summary import of_others, table, totals
    from course_lib.grade.results.wording import counted

    every, results = len(results), noted(results)
    if options.json:
        said = {"graded_now": new, "results": results, "left_alone": elsewhere}
        said |= {"of_other_submissions": list(map(str, others)), "unclear_names": unclear}
        print(json.dumps(said, indent=1, sort_keys=True))
    elif not options.quiet:
        if elsewhere:
            books, names = counted(len(elsewhere), "notebook"), ", ".join(dict.fromkeys(elsewhere))
            print(f"left alone: {books} of other assignments ({names})")
        print(*table(results), totals(results, new, every - len(results)), sep="\n")
        if others:
            print(of_others(options.out, others))
        for names in unclear:
            print(
                f"the results {names} may be of one student or of several: give each student a "
                "folder of the same name every week, and delete the results under other names"
            )
    return 0 if all(each["status"] == "graded" for each in results) and not unclear else 1


def _add_report(commands, quiet) -> None:
    report = commands.add_parser(
        "report", parents=[quiet], help="write HTML pages: one per student, one for the class"
    )
    report.add_argument("results", metavar="RESULTS", help="folder that `grade` wrote")
    report.set_defaults(run=_report, extra="grade")


def _report(options) -> int:
    from course_lib.grade.results.report import write_report

    page = write_report(Path(options.results))
    if not options.quiet:
        print(page)
    return 0


def _add_export(commands, solutions, quiet) -> None:
    export = commands.add_parser(
        "export",
        parents=[solutions, quiet],
        help="write scores as CSV, or into nbgrader's gradebook",
    )
    export.add_argument("results", metavar="RESULTS", help="folder that `grade` wrote")
    export.add_argument(
        "--csv", metavar="FILE", help="write a row per student and notebook; - is stdout"
    )
    export.add_argument("--long", action="store_true", help="in --csv, a row per question")
    export.add_argument(
        "--marks",
        metavar="FILE",
        action="append",
        default=[],
        help="in --csv, count the column mark of this table of --long; may be given again",
    )
    export.add_argument(
        "--nbgrader", metavar="COURSE", help="write into the gradebook of this nbgrader course"
    )
    export.add_argument("--json", action="store_true", help="print what was done as JSON")
    export.set_defaults(run=_export, extra="grade")


def _export(options) -> int:
    if not options.csv and not options.nbgrader:
        raise ValueError("say where to: --csv FILE, --nbgrader COURSE, or both")
    for option in ("long", "marks"):
        if getattr(options, option) and not options.csv:
            raise ValueError(f"--{option} is about --csv FILE, which is missing")
    done: dict = {}
    if options.csv:
        from course_lib.grade.results.export import write_csv

        table = write_csv(options.results, options.csv, long=options.long, marks=options.marks)
        done |= {"csv": options.csv, **table}
    if options.nbgrader:
        from course_lib.grade.results.gradebook import to_gradebook

        done |= to_gradebook(options.results, options.solutions, course=options.nbgrader)
    # Where the table itself goes to stdout, nothing else does.
    with contextlib.redirect_stdout(sys.stderr if options.csv == "-" else sys.stdout):
        if options.json:
            print(json.dumps(done, indent=1))
        elif not options.quiet:
            _say_exported(options, **done)
    return 1 if done.get("marks_left_out") or done.get("not_in_gradebook") else 0


def _say_exported(
    options,
    csv="",
    kept="",
    waiting=0,
    marks_left_out=(),
    in_gradebook=0,
    not_in_gradebook=(),
    new_students=(),
) -> None:
    from course_lib.grade.results.wording import counted

    if csv not in ("", "-"):
        print(csv)
    if kept:
        print(f"the table that was there says something else and is kept: {kept}")
    if waiting:
        print(
            f"{counted(waiting, 'answer')} without a mark of a person yet "
            "(--long writes a table to mark in, --marks reads it)"
        )
    for line in marks_left_out:
        print(line)
    if marks_left_out:
        print(
            "These marks are left out. If a spreadsheet changed the names (007 to 7), import the "
            "columns as text. If the student or the question is gone, delete the rows. If the "
            "student handed in nothing that can be graded, add a blank notebook under that name"
        )
    for line in not_in_gradebook:
        print(f"not in the gradebook: {line}")
    if options.nbgrader:
        told = counted(in_gradebook, "submission")
        print(f"{told} in the gradebook of {options.nbgrader}")
    if new_students:
        some = ", ".join(new_students[:5]) + (", ..." if len(new_students) > 5 else "")
        print(
            f"{counted(len(new_students), 'student')} whom the gradebook did not know: {some}. If "
            "its roster has them under another name, grade a folder of that name for each"
        )


def _add_check(commands, quiet) -> None:
    check = commands.add_parser(
        "check", parents=[quiet], help="run your exercise notebook from top to bottom"
    )
    check.add_argument("notebook", metavar="NOTEBOOK", help="a file of exercises/")
    check.set_defaults(run=_check)


def _check(options) -> int:
    from course_lib.grade.selfcheck import selfcheck

    with contextlib.redirect_stdout(io.StringIO() if options.quiet else sys.stdout):
        return 0 if selfcheck(Path(options.notebook)) else 1


def _add_doctor(commands) -> None:
    doctor = commands.add_parser(
        "doctor", help="say what isolation this machine has, and what is missing"
    )
    doctor.add_argument("--json", action="store_true", help="print the same as JSON")
    doctor.set_defaults(run=_doctor, extra="grade")


def _doctor(options) -> int:
    from course_lib.grade.doctor import report

    lines = report()
    if options.json:
        found = [{"name": name, "good": good, "text": words} for name, good, words in lines]
        print(json.dumps(found, indent=1))
    for name, good, words in () if options.json else lines:
        print(f"{'ok ' if good else 'NO '} {name:24} {words}")
    return 0 if all(good for _, good, _ in lines) else 1
