"""`lr-course explore`: the page saved and served, by real calls of the command."""

import ipaddress
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from unittest.mock import Mock

import pytest

from course_lib import files
from course_lib.cli import main
from course_lib.commands.explore import reached_at, server
from course_lib.schedules import GALLERY


def test_the_page_is_saved_whole(tmp_path, capsys):
    path = tmp_path / "explorer.html"
    assert main(["explore", "rex", "wsd", "--save", str(path)]) == 0
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert '"schedules": ["rex", "wsd"]' in page
    assert re.search(r"explorer.html: one page of \d+ kB", capsys.readouterr().err)


@pytest.mark.parametrize("stdout", ["/dev/stdout", "-"])
def test_a_page_that_goes_to_stdout_ends_where_the_page_ends(stdout, tmp_path):
    command = [sys.executable, "-m", "course_lib.cli", "explore", "--save", stdout]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.rstrip().endswith("</html>") and "one page" in ran.stderr


@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_stream_that_is_closed_is_no_error(closed):
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "course_lib.cli"]
    ran = subprocess.run([*command, "explore", "cosin"], capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stdout == ""
    ran = subprocess.run([*command, "explore", "--list"], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "") and bool(ran.stdout) == (closed == "2>&-")


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch, capsys):
    path, link = tmp_path / "old.html", tmp_path / "link.html"
    path.write_text("old")
    link.symlink_to(path)
    with monkeypatch.context() as full:
        full.setattr(files.os, "fsync", Mock(side_effect=OSError(28, "No space left")))
        assert main(["explore", "--save", str(link)]) == 2
    assert path.read_text() == "old" and "No space left" in capsys.readouterr().err
    assert main(["explore", "--save", str(link)]) == 0
    assert path.read_text() != "old" and link.is_symlink()


def test_the_names_are_listed(capsys):
    assert main(["explore", "--list"]) == 0
    assert capsys.readouterr().out.split() == list(GALLERY)


def test_it_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "course_lib.cli", "explore", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        try:
            address = re.search(r"http://\S+", it.stdout.readline()).group()
            with ThreadPoolExecutor(30) as class_room:
                pages = list(
                    class_room.map(lambda _: urllib.request.urlopen(address).read(), range(60))
                )
            assert set(pages) == {pages[0]} and b"mount(" in pages[0]
            assert pages[0].rstrip().endswith(b"</html>")
            with urllib.request.urlopen(f"{address}?from=a-link") as answer:
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address + "favicon.ico")
            it.send_signal(signal.SIGINT)
            assert it.wait(20) == 0
        finally:
            it.kill()  # or a test that fails would wait for it without an end
        assert it.stderr.read() == "stopped\n"


def test_the_browser_opens_the_address_that_is_printed(monkeypatch, capsys):
    opened = Mock()
    monkeypatch.setattr("webbrowser.open", opened)
    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", Mock(side_effect=KeyboardInterrupt))
    assert main(["explore", "--port", "0", "--host", "0.0.0.0"]) == 0
    (address,) = opened.call_args.args
    assert f" is at {address} (" in capsys.readouterr().out
    assert "0.0.0.0" not in address and not address.endswith(":0/")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["cosin"], "schedules must be one of constant, .* got 'cosin'"),
        (["--save", "/nowhere/x.html"], "lr-course: /nowhere/x.html: No such file or directory"),
        (["--port", "99999"], "port 99999 of 127.0.0.1 cannot be served"),
        (["--port", "-1"], "port -1 of 127.0.0.1 cannot be served"),
    ],
)
def test_what_is_wrong_is_said(capsys, arguments, message):
    assert main(["explore", "--no-browser", *arguments]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_the_address_is_one_that_a_class_can_open():
    at = reached_at("0.0.0.0")
    assert at != "0.0.0.0" and ipaddress.ip_address(at) and reached_at("") == at
    assert reached_at("localhost") == "localhost"


def test_a_port_in_use_is_said():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ValueError, match="take another with --port"):
            server("page", "127.0.0.1", other.getsockname()[1])


def test_the_command_starts_without_the_widgets():
    code = (
        "import sys, course_lib.cli; print({'matplotlib', 'course_lib.widgets'} & {*sys.modules})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
