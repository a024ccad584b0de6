"""A headless Chromium and a real JupyterLab for the tests, and where their pictures are kept."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ARTIFACTS = ROOT / ".artifacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


@contextmanager
def chromium() -> Iterator:
    """A running browser; the test is skipped, in one line, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    ARTIFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


# Running a cell must not save the committed notebook, however long the test takes; and every cell
# is to be in the page, not only those in view.
SETTINGS = {
    "@jupyterlab/docmanager-extension/plugin": '{"autosave": false}',
    "@jupyterlab/notebook-extension/tracker": '{"windowingMode": "none"}',
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def lab_server(home: Path, *more: str) -> Iterator[str]:
    """The address that `make lab` prints, while the server runs; `home` holds its settings."""
    port = free_port()
    log = home / "lab.log"
    # A learner's kernel draws into the notebook; the tests' own setting would keep it from that.
    inherited = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    environment = {**inherited, "HOME": str(home), "JUPYTER_PLATFORM_DIRS": "1"}
    for plugin, settings in SETTINGS.items():
        path = home / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(settings)
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(home / "settings")
    arguments = f"--no-browser --port {port} --ServerApp.port_retries=0 --expose-app-in-browser"
    arguments = " ".join([arguments, *more])
    with log.open("w") as output:
        server = subprocess.Popen(
            ["make", "lab", f"ARGS={arguments}"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        found, deadline = None, time.monotonic() + 120
        while not found and time.monotonic() < deadline and server.poll() is None:
            time.sleep(0.3)
            found = re.search(rf"http://127\.0\.0\.1:{port}/\S+", log.read_text())
        assert found, f"make lab printed no address:\n{log.read_text()[-3000:]}"
        while time.monotonic() < deadline:  # it is printed a moment before the server listens
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.3)
        yield found.group()
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def kernel_is_idle(page) -> None:
    """Wait until the kernel answers: before that, a keystroke that runs a cell may get lost."""
    page.evaluate("""async () => {
        const panel = window.jupyterapp.shell.currentWidget;
        await panel.sessionContext.ready;
        const kernel = panel.sessionContext.session.kernel;
        await kernel.info;
        await kernel.requestExecute({code: '0', silent: true, store_history: false}).done;
    }""")


def run_cell(page, source, number=1):
    """Put the code into a cell, run it, and wait for its end."""
    page.evaluate(
        """async ([source, number]) => {
        const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
        notebook.activeCellIndex = number;
        notebook.activeCell.model.sharedModel.setSource(source);
        await app.commands.execute('notebook:run-cell');
    }""",
        [source, number],
    )
