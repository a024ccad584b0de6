"""Running a notebook, and its outputs without what changes from run to run.

An output that no reader should get (a folder of this machine, a warning) is a LessonError.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from lesson_cells import require, role
from lesson_exercises import INDEX
from lesson_notebooks import METADATA
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat.v4 import new_output

# What TensorFlow 2.21 says with the time of day when it is imported, whatever TF_CPP_MIN_LOG_LEVEL.
NATIVE_LOG = re.compile(
    r"^(WARNING: All log messages before absl::InitializeLog.*|[IWE]\d{4} \d\d:\d\d:\d.*)\n", re.M
)
# Progress bars print timings; TensorFlow greets on stderr; sets of strings print in any order.
ENVIRONMENT = {"TQDM_DISABLE": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONHASHSEED": "0"}
# One thread: sums are rounded alike whatever the number of cores, and networks this small gain
# little from two. On a busy machine, where threads wait for each other, two took ten times as long.
ENVIRONMENT |= dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
ENVIRONMENT["LR_COURSE_PROGRESS"] = ""  # building solves no exercise


def execute(source: Path, notebook, folder: str, **options) -> None:
    """Run the notebook in place, in its own folder as JupyterLab does, with its own exercises."""
    started = [notebook.cells[0]]  # a timeout or a dead kernel does not say in which cell
    client = NotebookClient(
        notebook,
        resources={"metadata": {"path": str(source.parents[1] / folder)}},
        extra_arguments=["--log-level=ERROR"],  # or every kernel warns that TCP is not encrypted
        record_timing=False,
        on_cell_start=lambda cell, cell_index: started.append(cell),
        **{"timeout": 600, **options},
    )
    inherited = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    try:
        index = {"LR_COURSE_EXERCISES": str(source.parents[1] / INDEX)}
        client.execute(env={**inherited, **ENVIRONMENT, **index})
    except (CellControlSignal, DeadKernelError) as error:
        require(False, source, started[-1], f"failed in {folder}/\n{error}")


def tidy(source: Path, notebook) -> None:
    """Drop from the outputs what changes from run to run; LessonError on what no one should get."""
    notebook.metadata = nbformat.from_dict(METADATA)  # execution adds the version of Python
    for cell in notebook.cells:
        outputs = join_streams(cell.get("outputs", []))
        for output in outputs:
            if output.get("name") == "stderr":
                output.text = NATIVE_LOG.sub("", output.text)
        outputs = join_streams([output for output in outputs if not is_noise(output)])
        for output in outputs:
            tidy_output(source, cell, output)
            check_output(source, cell, output)
        if cell.cell_type == "code":
            cell.outputs = [*cover(cell, outputs), *outputs]


def cover(cell, outputs: list) -> list:
    """An empty output for a folded cell to begin with: JupyterLab shows the first line of a folded
    output beside its dots, and that line is often the answer.

    Not where nbval compares the output: there the lesson's own first line must tell nothing.
    """
    folded = cell.metadata.get("jupyter", {}).get("outputs_hidden")
    compared = "nbval-check-output" in cell.metadata.get("tags", [])
    covered = folded and outputs and not compared
    return [new_output("display_data", {"text/html": ""})] if covered else []


def join_streams(outputs: list) -> list:
    """One output for what was printed in a row: where a kernel splits it depends on timing."""
    joined = []
    for output in outputs:
        if joined and "name" in output and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def is_noise(output) -> bool:
    """Whether the output is empty, or a bar that tqdm.auto shows in spite of TQDM_DISABLE."""
    plain = output.get("data", {}).get("text/plain", "")
    empty = output.get("text") == "" or output.get("data") == {"text/html": ""}
    return empty or bool(re.match(r" *\d+%\|", plain))


def tidy_output(source: Path, cell, output) -> None:
    if output.output_type == "error":
        # The frames name folders of this machine; the last line is what a lesson shows.
        output.traceback = [f"{output.ename}: {output.evalue}"]
    data = output.get("data", {})
    # The id of a live widget is random, and shows nothing without its kernel.
    data.pop("application/vnd.jupyter.widget-view+json", None)
    pictures = [mime for mime in data if mime.startswith("image/")]
    if pictures:
        # A live panel is long, and a notebook that nobody has run yet shows no scripts; of a figure
        # it is the same picture again, with generated words.
        data.pop("text/html", None)
    for picture in pictures:
        alt = cell.metadata.get("alt") or output.metadata.get(picture, {}).get("alt")
        require(alt, source, cell, 'a picture without alt text; add the option alt="what it shows"')
        # nbconvert reads alt here. JupyterLab 4.6 shows it nowhere, so it is also the plain text.
        output.metadata.setdefault(picture, {})["alt"] = alt
        data["text/plain"] = f"Figure: {alt}"


def check_output(source: Path, cell, output) -> None:
    def need(good, message):
        require(good, source, cell, message)

    if output.get("name") == "stderr":
        accepted = "stderr-ok" in cell.metadata.get("tags", [])
        need(accepted, f"stderr; silence it or add the tag stderr-ok\n{output.text}")
        need(role(cell) != "check", "stderr in a check, for which nbgrader gives 0 points")
    if output.output_type == "execute_result":
        need(role(cell) != "check", "nbgrader takes this value for the points; end it with `;`")
    texts = [value for mime, value in output.get("data", {}).items() if "image/" not in mime]
    lines = "\n".join(map(str, [*texts, output.get("text"), output.get("evalue")])).splitlines()
    folders = {f"{Path.home()}/", f"{tempfile.gettempdir()}/", "/tmp/", sys.prefix}
    folders.add(str(source.parents[1]))
    private = [line for line in lines if any(folder in line for folder in folders)]
    need(not private, f"the output names a folder of this machine; do not print it: {private[:1]}")
    addresses = [line for line in lines if re.search(r"\b0x[0-9a-fA-F]{8}", line)]
    need(not addresses, f"the output has a memory address, new in every run: {addresses[:1]}")
