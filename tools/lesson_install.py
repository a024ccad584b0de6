"""The first code cell of every notebook: it installs the course where it is missing.

For notebooks that are opened alone, in Colab or in VS Code. Everywhere else it finds the course and
does nothing: no output, no process, nothing that nbgrader looks at. No magics either, because a
grader runs it as plain Python.
"""

from pathlib import Path

from nbformat.v4 import new_code_cell

# Never asked of a package index by its name alone: somebody else could have taken it there. Unless
# LR_COURSE_SOURCE says where the course is, it is the clone that the notebook lies in.
NAME = "lr-course"
INSTALL = f"""\
# Where the course is installed, this does nothing. Elsewhere, on Colab say, pip fetches it.
from importlib.util import find_spec

if find_spec("course_lib") is None:
    import importlib, os, subprocess, sys

    source = os.environ.get("LR_COURSE_SOURCE") or ".."  # a wheel, a clone or an address
    extras = ",".join(["notebook", *(x for x in ("torch", "tensorflow") if find_spec(x) is None)])
    wanted = f"{NAME}[{{extras}}] @ {{source}}" if "://" in source else f"{{source}}[{{extras}}]"
    print(f"Installing {{wanted}}, which may take minutes ...")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", wanted]
    if (done := subprocess.run(pip, capture_output=True, text=True)).returncode:
        what = "Set os.environ['LR_COURSE_SOURCE'] to the course's wheel, clone or address, and"
        raise RuntimeError(f"pip failed:\\n{{done.stderr}}\\n{{what}} run this cell again.")
    importlib.invalidate_caches()"""


def with_install(notebook, source: Path):
    """The notebook with the cell below its title; its id ends with 00, as no cell of a lesson."""
    folded = {"tags": ["install"], "jupyter": {"source_hidden": True}}  # plumbing, for most readers
    cell = new_code_cell(INSTALL, id=f"{source.stem}-00", metadata=folded)
    notebook.cells.insert(1, cell)
    return notebook
