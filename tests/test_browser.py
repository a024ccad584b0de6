"""`make lab`, as a newcomer calls it: a real JupyterLab, opened at the start page, code run in it.

Screenshots are kept in .artifacts/. Without a Chromium the server is tested and the page is not.
"""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from browser import ARTIFACTS, chromium

ROOT = Path(__file__).parents[1]

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


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address that `make lab` prints."""
    home = tmp_path_factory.mktemp("home")
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


def test_make_lab_prints_an_address_that_answers(address):
    assert "00_start_here.ipynb" in address
    with urllib.request.urlopen(address, timeout=60) as page:
        assert page.status == 200
        assert "jupyter-config-data" in page.read().decode()


@pytest.fixture(scope="module")
def page(address):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(address, wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        yield page


def kernel_is_idle(page) -> None:
    """Wait until the kernel answers: before that, a keystroke that runs a cell may get lost."""
    page.evaluate("""async () => {
        const panel = window.jupyterapp.shell.currentWidget;
        await panel.sessionContext.ready;
        const kernel = panel.sessionContext.session.kernel;
        await kernel.info;
        await kernel.requestExecute({code: '0', silent: true, store_history: false}).done;
    }""")


def test_start_page_and_its_first_experiment(page):
    page.get_by_role("heading", name="Start here: measure the learning rate").wait_for()
    table = page.get_by_role("link", name="Fixed rates on MNIST").first
    table.wait_for()
    page.screenshot(path=ARTIFACTS / "start_page.png")
    assert page.locator(".jp-Dialog").count() == 0  # no pop-up greets the newcomer
    kernel_is_idle(page)
    code = """
from course_lib import GALLERY
from course_lib.plots import plot_schedules
plot_schedules(GALLERY, 120)
"""
    shown = page.evaluate(
        """async (code) => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const mimes = [];
        const future = kernel.requestExecute({code});
        future.onIOPub = (message) => {
            if (message.content.data) mimes.push(...Object.keys(message.content.data));
            if (message.header.msg_type === 'error') mimes.push(message.content.evalue);
        };
        await future.done;
        return mimes;
    }""",
        code,
    )
    assert "image/png" in shown, shown


def test_valley_slider_moves_the_ball_by_keyboard(page, address):
    lesson = address.replace("00_start_here", "01_fixed_rates") + "&reset"  # no tabs of before
    page.goto(lesson, wait_until="domcontentloaded")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    kernel_is_idle(page)
    page.evaluate("""async () => {
        const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
        const source = 'from course_lib.widgets import valley\\nvalley()';
        notebook.activeCellIndex = 1;
        notebook.activeCell.model.sharedModel.setSource(source);
        await app.commands.execute('notebook:run-cell');
    }""")
    slider = page.locator(".jp-OutputArea .widget-slider .noUi-handle").first
    slider.scroll_into_view_if_needed()
    panel = page.locator(".jp-OutputArea .widget-vbox").first
    before = panel.inner_text()
    picture = panel.locator("img").first.get_attribute("src")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "([text, src]) => { const p = document.querySelector('.jp-OutputArea .widget-vbox');"
        " return p.innerText !== text && p.querySelector('img').src !== src; }",
        arg=[before, picture],
    )
    panel.screenshot(path=ARTIFACTS / "valley.png")
