"""`make lab`, as a newcomer calls it: a real JupyterLab, opened at the start page, code run in it.

Screenshots are kept in .artifacts/. Without a Chromium the server is tested and the page is not.
"""

import re
import urllib.request
from pathlib import Path

import nbformat
import pytest
from browser import ARTIFACTS, chromium, kernel_is_idle, lab_server, run_cell
from built import untouched
from nbclient import NotebookClient
from nbconvert import HTMLExporter

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address that `make lab` prints."""
    with lab_server(tmp_path_factory.mktemp("home")) as found:
        yield found


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
    run_cell(page, code)
    figure = page.locator(".jp-OutputArea img[alt^='learning rate over update: constant from']")
    figure.wait_for()
    assert figure.evaluate("it => it.width === it.naturalWidth")


def opened(page, address, path):
    """A notebook of the course, without the tabs of before."""
    untouched(path)
    page.goto(
        address.replace("notebooks/00_start_here.ipynb", path) + "&reset",
        wait_until="domcontentloaded",
    )
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    kernel_is_idle(page)


def shown_panel(page, source):
    run_cell(page, source)
    panel = page.locator(".jp-OutputArea .lr-panel").first
    panel.locator(".lr-figure > svg").wait_for()
    panel.scroll_into_view_if_needed()
    return panel


VALLEY = "from course_lib.widgets import valley\nvalley()"
EXPLORE = "from course_lib.widgets import explore\nexplore('cosine', 'one_cycle')"


def field(panel, label):
    return panel.get_by_label(f"{label}, exact value", exact=True)


def press(page, control, key, times):
    """Keys of a control; JupyterLab's own shortcuts must not take them."""
    control.focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_valley_in_a_lesson_by_keyboard_and_mouse(page, address):
    opened(page, address, "notebooks/01_fixed_rates.ipynb")
    panel = shown_panel(page, VALLEY)
    before = [panel.locator(".lr-figure > svg").inner_html(), panel.inner_text()]
    slider = panel.get_by_role("slider", name="learning rate")
    cells = page.locator(".jp-Notebook .jp-Cell.jp-mod-active").count()
    for key in ("ArrowRight", "ArrowUp", "PageUp"):
        press(page, slider, key, 5)
    keyboard = float(field(panel, "learning rate").input_value())
    assert keyboard > 0.1 and slider.evaluate("it => it === document.activeElement")
    assert page.locator(".jp-Notebook .jp-Cell.jp-mod-active").count() == cells
    assert panel.locator(".lr-figure > svg").inner_html() != before[0]
    assert f"lr={keyboard}" in panel.inner_text() and panel.inner_text() != before[1]
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.64, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    assert float(field(panel, "learning rate").input_value()) < keyboard
    assert "Goal: loss below 1e-06" in panel.inner_text()
    panel.screenshot(path=ARTIFACTS / "lab_valley.png")


LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
WITH_PANEL = [
    stem
    for stem in LESSONS
    if "from course_lib.widgets import" in (ROOT / "notebooks" / f"{stem}.ipynb").read_text()
    and stem not in ("01_fixed_rates", "12_clinic_and_budget")  # in tests of their own
]


@pytest.mark.parametrize("lesson", WITH_PANEL)
def test_the_panel_of_each_lesson_answers_to_its_first_control(page, address, lesson):
    """The lesson's own cell, run in the lesson."""
    opened(page, address, f"notebooks/{lesson}.ipynb")
    number, source = page.evaluate("""() => {
        const cells = window.jupyterapp.shell.currentWidget.content.widgets;
        const sources = cells.map((cell) => cell.model.sharedModel.getSource());
        const number = sources.findIndex((each) => each.includes('from course_lib.widgets import'));
        return [number, sources[number]];
    }""")
    run_cell(page, source, number)
    cell = page.locator(".jp-Cell").nth(number)
    panel = cell.locator(".lr-panel")
    panel.locator(".lr-figure > svg").wait_for()
    panel.scroll_into_view_if_needed()
    before = panel.locator(".lr-figure > svg").inner_html()
    control = panel.locator(
        ".lr-row:visible input[type=range], .lr-row:visible select, .lr-row:visible [type=checkbox]"
    ).first
    control.focus()
    tag = control.evaluate("it => it.type")
    page.keyboard.press({"range": "ArrowRight", "checkbox": "Space"}.get(tag, "ArrowDown"))
    assert panel.locator(".lr-figure > svg").inner_html() != before
    panel.screenshot(path=ARTIFACTS / f"lesson_{lesson}.png")


def test_explorer_goes_on_when_the_kernel_is_killed_in_the_middle_of_a_drag(page, address):
    opened(page, address, "notebooks/04_linear_polynomial_cosine.ipynb")
    panel = shown_panel(page, EXPLORE)
    controls = panel.get_by_role("group", name="one_cycle", exact=True)
    slider = controls.get_by_role("slider", name="peak_lr")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    value = field(controls, "peak_lr").input_value()
    assert float(value) > 0.1 and f"Schedule(one_cycle, peak_lr={value}" in panel.inner_text()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_panels_are_readable_in_both_themes(page, address, theme, width):
    page.set_viewport_size({"width": width, "height": 900})
    try:
        opened(page, address, "notebooks/04_linear_polynomial_cosine.ipynb")
        page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme
        )
        panel = shown_panel(page, EXPLORE)
        page.wait_for_function(
            "dark => (document.body.dataset.jpThemeLight === 'false') === dark",
            arg=theme.endswith("Dark"),
        )
        name = f"lab_explorer_{width}_{theme.split()[1].lower()}.png"
        page.screenshot(path=ARTIFACTS / name)
        ink, paper = page.evaluate("""() => {
            const panel = document.querySelector('.jp-OutputArea .lr-panel');
            let paper = panel, color = 'rgba(0, 0, 0, 0)';
            while (paper && /, 0\\)$|transparent/.test(color)) {
                color = getComputedStyle(paper).backgroundColor; paper = paper.parentElement;
            }
            return [getComputedStyle(panel).color, color];
        }""")
        assert contrast(ink, paper) > 7, (ink, paper)
        assert panel.evaluate("it => it.scrollWidth <= it.clientWidth + 1")
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})


def contrast(one, other):
    """The ratio of luminances, as WCAG 2 defines it."""

    def luminance(color):
        parts = [int(each) / 255 for each in re.findall(r"\d+", color)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def in_kernel(page, code):
    """What the kernel answers, while the page looks on."""
    return page.evaluate(
        """async (code) => {
        const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const said = [], future = kernel.requestExecute({code});
        future.onIOPub = ({content}) => {
            if (content.text) said.push(content.text);
            if (content.evalue) said.push(content.evalue);
        };
        await future.done;
        return said.join('').trim();
    }""",
        code,
    )


def test_no_answer_stands_beside_a_fold(page, address):
    """JupyterLab puts the first line of a folded output beside its dots."""
    opened(page, address, "notebooks/05_warmup.ipynb")
    folds = page.locator(".jp-OutputPlaceholder")
    folds.first.wait_for()
    assert folds.count() > 4
    assert set(page.locator(".jp-OutputPlaceholder .jp-Placeholder-text").all_inner_texts()) <= {""}
    folds.first.scroll_into_view_if_needed()
    page.screenshot(path=ARTIFACTS / "fold.png")


def test_the_training_lab_starts_pauses_stops_and_compares(page, address):
    opened(page, address, "notebooks/12_clinic_and_budget.ipynb")
    recipe = "cosine(peak_lr=0.3, total_steps=3000) | softmax | mnist | seed=3 | epochs=9"
    run_cell(page, f"from course_lib.widgets import lab\nbench = lab({recipe!r})\nbench")
    bench = page.locator(".lr-lab").first
    bench.wait_for()
    said = "/{}/.test(document.querySelector('.lr-lab').innerText)".format

    def press_button(name):
        bench.get_by_role("button", name=name, exact=True).first.click()

    first = bench.locator("button[title^='Train']")
    assert bench.get_by_role("progressbar", name="no run").count() == 1
    status = bench.get_by_role("status").element_handle()  # here before the first words are
    still = page.locator("[data-still]").first
    assert still.count() == 1 and not still.is_visible()  # it is for where the lab cannot be drawn
    first.press("Enter")
    focused = "name => document.activeElement.textContent.trim() === name"
    page.wait_for_function(focused, arg="Pause")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "2px"
    page.wait_for_function(said(r"update [1-9]\d* of"))
    press_button("Pause")
    page.wait_for_timeout(500)
    paused = in_kernel(page, "print(bench.trials[0].done)")  # the kernel answers at once
    page.wait_for_timeout(700)
    assert in_kernel(page, "print(bench.trials[0].done)") == paused
    assert bench.get_by_role("progressbar", name=re.compile(f"^update {paused} of ")).count() == 1
    assert status.evaluate("(it) => it.isConnected && it.innerText").endswith(" updates.")
    page.screenshot(path=ARTIFACTS / "lab_paused.png")
    press_button("Resume")
    page.wait_for_timeout(500)
    bench.get_by_role("button", name="Stop", exact=True).press("Enter")
    page.wait_for_function(said("partial: stopped after"))
    page.wait_for_function(focused, arg="Start")
    assert in_kernel(page, "print(bench.wait(20))") == "True"  # its last words are on their way
    alive = "import threading; print([t.name for t in threading.enumerate() if 'lab' in t.name])"
    assert in_kernel(page, alive) == "[]"
    bench.locator("select").first.select_option("linear")
    in_kernel(page, "bench.controls['updates'].field.value = 60")
    first.press("Enter")
    page.wait_for_function(said("finished, 60 of 60 updates"))
    page.wait_for_function(focused, arg="Start")  # not on Pause any more, which is disabled
    shown = bench.inner_text()
    assert 'run("cosine(peak_lr=0.3, total_steps=3000) | softmax | mnist | seed=3' in shown
    assert 'run("linear(' in shown and bench.locator("svg path").count() > 10
    bench.screenshot(path=ARTIFACTS / "lab_compared.png")
    bench.get_by_role("button", name="Clear runs").press("Enter")
    page.wait_for_function(focused, arg="Start")


def test_an_exercise_with_its_check(page, address):
    """A wrong answer is told what is wrong, the right one that it is solved."""
    opened(page, address, "exercises/01_fixed_rates.ipynb")
    sources = page.evaluate("""() => window.jupyterapp.shell.currentWidget.content.widgets
        .map((cell) => cell.model.sharedModel.getSource())""")
    number = next(i for i, each in enumerate(sources) if "YOUR CODE HERE" in each)
    check = next(i for i, each in enumerate(sources) if i > number and "check(" in each)
    setup = next(i for i, each in enumerate(sources) if "framework" in each)
    run_cell(page, sources[setup], setup)
    run_cell(page, sources[number], number)
    run_cell(page, sources[check], check)
    told = page.locator(".jp-Cell").nth(check).locator(".jp-OutputArea").inner_text()
    page.locator(".jp-Cell").nth(check).scroll_into_view_if_needed()
    page.screenshot(path=ARTIFACTS / "exercise_open.png")
    assert "is not begun yet" in told, told
    solved = solution_of("01_fixed_rates", number, sources[number])
    run_cell(page, solved, number)
    run_cell(page, sources[check], check)
    page.wait_for_function(
        "n => document.querySelectorAll('.jp-Cell')[n].querySelector('.jp-OutputArea').innerText"
        ".includes('Lesson 1: 1 of')",
        arg=check,
    )
    page.screenshot(path=ARTIFACTS / "exercise_solved.png")


def solution_of(lesson, number, source):
    """The cell of solutions/ that stands where this one stands in exercises/."""
    head = source.partition("(")[0]
    cells = nbformat.read(ROOT / "solutions" / f"{lesson}.ipynb", as_version=4).cells
    return next(cell.source for cell in cells if cell.source.startswith(head))


def test_an_export_to_html_is_live_without_a_kernel_or_a_network(page, address, tmp_path):
    """What nbconvert makes of a notebook that was run: opened from a file, offline."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(EXPLORE)])
    NotebookClient(notebook, kernel_name="python3").execute()
    assert "text/html" in notebook.cells[0].outputs[0].data
    path = tmp_path / "explored.html"
    path.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    context = page.context.browser.new_context()
    context.set_offline(True)
    exported = context.new_page()
    exported.goto(path.as_uri(), wait_until="domcontentloaded")
    panel = exported.locator(".lr-panel")
    controls = panel.get_by_role("group", name="cosine", exact=True)
    press(exported, controls.get_by_role("slider", name="total_steps"), "ArrowLeft", 7)
    assert "Schedule(cosine, peak_lr=0.1, total_steps=93)" in panel.inner_text()
    exported.screenshot(path=ARTIFACTS / "exported.png")
    context.close()


def test_a_notebook_that_nobody_ran_yet_shows_the_still_picture(page, address):
    """JupyterLab takes the scripts out of what it does not trust; picture and words stay."""
    opened(page, address, "notebooks/01_fixed_rates.ipynb")
    shown = page.evaluate("""async () => {
        const app = window.jupyterapp, panel = app.shell.currentWidget;
        const {rendermime} = panel.content, html = '<section class="lr-panel"><img alt="still" '
            + 'src="data:image/svg+xml;base64,PHN2Zy8+"><pre>words</pre></section>'
            + '<script>window.wasRun = true</script>';
        const renderer = rendermime.createRenderer('text/html');
        const model = rendermime.createModel({data: {'text/html': html}, trusted: false});
        await renderer.renderModel(model);
        return [renderer.node.innerHTML, window.wasRun === undefined];
    }""")
    assert 'alt="still"' in shown[0] and "data:image/svg+xml" in shown[0] and "words" in shown[0]
    assert shown[1]
