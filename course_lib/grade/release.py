"""Make what students get out of solutions/, with nbgrader's own tools, and see that nothing leaks.

The result is what the builder puts into exercises/, byte for byte; a teacher who wrote an exercise
of their own into a notebook of solutions/ needs no builder.
"""

import ast
import copy
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from course_lib.files import write_whole

STUB = "raise NotImplementedError()"
# Lines that a model answer may share with what students see: comments, signatures, imports,
# `return name`.
TRIVIAL = re.compile(r'[#@]|"""|(def|class|import|from)\b|return \w+$')
REMAINS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TEST", "MARK SCHEME")


class ReleaseError(ValueError):
    """A notebook cannot be released. The message says which, and what to do."""


def release(
    solutions: Path,
    out: Path,
    names: Sequence[str] = (),
    *,
    nbgrader: bool = False,
    force: bool = False,
) -> list[Path]:
    """Write the student notebooks of `solutions` into the folder `out`; returns their paths.

    `names` are stems such as "01_fixed_rates"; none means all. With `nbgrader`, `out` is a course
    of its, and each is an assignment of its own in source/, with its answers but without the cells
    that explain them. Raises ReleaseError before it writes anything when text of a solution would
    be in what students get, or when a file with other content is there.
    """
    made = {}
    for path in chosen(solutions, names):
        notebook = read(path)
        clean = released(notebook, path.name)
        if nbgrader:
            made[out / "source" / path.stem / path.name] = written(without_answers(notebook))
        else:
            made[out / path.name] = written(clean)
    return _write(made, force)


def chosen(solutions: Path, names: Sequence[str] = ()) -> list[Path]:
    """The notebooks of the folder with these stems; of no names all."""
    found = {path.stem: path for path in sorted(Path(solutions).glob("*.ipynb"))}
    if not found:
        raise ReleaseError(
            f"{solutions}: expected a folder with notebooks, found none in it; say with "
            "--solutions FOLDER where they are (in a clone of the course: its solutions/)"
        )
    if unknown := [name for name in names if name not in found]:
        raise ReleaseError(
            f"{solutions} has no notebook {', '.join(unknown)}; it has {', '.join(sorted(found))}"
        )
    return [found[name] for name in names or found]


def read(path: Path) -> Any:
    """The notebook in a file of the teacher's."""
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, KeyError) as error:
        raise ReleaseError(f"{path} is not a notebook that can be read: {error}") from error


def written(notebook: Any) -> str:
    """The notebook as the text of a file."""
    import nbformat

    return nbformat.writes(notebook) + "\n"


def without_answers(notebook: Any) -> Any:
    """A copy without the cells that stand in solutions/ only: their first tag is `answer`."""
    notebook = copy.deepcopy(notebook)
    notebook.cells = [cell for cell in notebook.cells if not is_answer(cell)]
    return notebook


def is_answer(cell: Any) -> bool:
    """Whether the cell explains an answer: it stands in solutions/ only."""
    return (cell.metadata.get("tags") or [""])[0] == "answer"


def prepared(notebook: Any, *steps: Any) -> Any:
    """A copy whose solution regions nbgrader replaced by stubs, hidden tests still inside; `steps`
    are further preprocessors of nbgrader's, already made."""
    from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ClearSolutions, LockCells

    notebook = without_answers(notebook)
    # A setup cell stays editable: students choose their framework in it.
    first = [LockCells(lock_readonly_cells=False), ClearSolutions(), ClearOutput()]
    for step in (*first, CheckCellMetadata(), *steps):
        notebook, _ = step.preprocess(notebook, {})
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("locked"):
            cell.metadata["deletable"] = False
    return notebook


def released(notebook: Any, name: str) -> Any:
    """What students get of a notebook of solutions/; `name` is for messages."""
    from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme

    try:
        clean = prepared(notebook, ClearHiddenTests(), ClearMarkScheme())
    except Exception as error:  # nbgrader raises whatever it likes, ValidationError to RuntimeError
        raise ReleaseError(f"{name}: nbgrader refuses it: {error}") from error
    if found := leaks(notebook, clean):
        raise ReleaseError("\n".join(f"{name}: {each}" for each in found))
    return clean


# Leaks: found without trusting the marks that say what is to be cut


def leaks(solution: Any, clean: Any) -> list[str]:
    """Messages about what the released notebook `clean` would tell of the solutions."""
    found = []
    answers, stubs = _functions(solution), _functions(clean)
    removed, given = _removed(solution, clean), set(_lines(_given(solution)))
    for name in sorted(_asked(solution) & answers.keys()):  # any other stands in a given cell
        (answer, lines), (stub, left) = answers[name], stubs.get(name, (None, ()))
        if stub and ast.dump(stub) == ast.dump(answer):
            found.append(f"the model answer `{name}` would be handed out; put it into a region")
        removed += set(lines) - set(left)
    secret = {line for line in removed if len(line) > 12 and not TRIVIAL.match(line)} - given
    for index, cell in enumerate(clean.cells, 1):
        for line in _lines([cell.source]):
            if line in secret:
                found.append(
                    f"cell {index} shows `{line}`, a line of a model answer or hidden test"
                )
        options = cell.metadata.get("nbgrader", {})
        marks = (*REMAINS, "hidden=") if options.get("grade") else REMAINS
        if remains := [mark for mark in marks if mark in cell.source]:
            found.append(f"cell {index} still holds {remains}; is a mark misspelt?")
        if cell.get("outputs"):
            found.append(f"cell {index} still holds its output")
        answer = options.get("solution") and cell.cell_type == "code"
        if answer and STUB not in cell.source:
            found.append(
                f"cell {index} is an answer cell without `{STUB}`: nothing was cut from it"
            )
    return found


def _lines(sources: Iterable[str]) -> list[str]:
    return [line.strip() for source in sources for line in source.split("\n")]


def _given(notebook: Any) -> list[str]:
    """Sources that students get as they are: of setup cells, and of code outside any exercise."""
    found = []
    for cell in notebook.cells:
        options = cell.metadata.get("nbgrader", {})
        given = options.get("locked") if options else cell.cell_type == "code"
        if given and not options.get("grade"):
            found.append(cell.source)
    return found


def _removed(solution: Any, clean: Any) -> list[str]:
    """Lines of each cell that its released form lacks; of explanations, all lines."""
    left: dict[str | None, set[str]] = defaultdict(set)
    for cell in clean.cells:
        left[_name(cell)].update(_lines([cell.source]))
    return [
        line
        for cell in solution.cells
        for line in _lines([cell.source])
        if is_answer(cell) or line not in left[_name(cell)]
    ]


def _name(cell: Any) -> str | None:
    """What tells a cell from the others; nothing does for prose in Colab's and older notebooks."""
    return cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id")


def _code(notebook: Any) -> Iterable[tuple[Any, ast.Module]]:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            try:
                yield cell, ast.parse(cell.source)
            except SyntaxError:
                continue  # a cell with magics; its lines are compared all the same


def _asked(notebook: Any) -> set[str]:
    """Names of the functions that a check cell names: the exercises."""
    return {
        each.id
        for cell, tree in _code(notebook)
        if cell.metadata.get("nbgrader", {}).get("grade")
        for each in ast.walk(tree)
        if isinstance(each, ast.Name)
    }


def _functions(notebook: Any) -> dict[str, tuple[ast.AST, Sequence[str]]]:
    """Each function that an answer cell defines, and its lines."""
    return {
        node.name: (node, _lines([ast.get_source_segment(cell.source, node) or ""]))
        for cell, tree in _code(notebook)
        if cell.metadata.get("nbgrader", {}).get("solution")
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


# --- writing --------------------------------------------------------------------------------------


def _write(made: dict[Path, str], force: bool) -> list[Path]:
    """Write all files or, when one of them is somebody's work, none."""
    taken = [
        str(path)
        for path, text in made.items()
        if path.exists() and path.read_bytes() != text.encode()
    ]
    if taken and not force:
        raise ReleaseError(
            f"{taken} differ from what would be written; move them away, or add --force"
        )
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    return list(made)
