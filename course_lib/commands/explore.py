"""`lr-course explore`: the schedule explorer as one page, for a classroom."""

import argparse
import socket
import sys
import webbrowser
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from course_lib.files import write_whole


def add_to(commands: Any) -> None:
    """Put the verb among the others."""
    parser = commands.add_parser(
        "explore",
        help="serve the schedule explorer as one page, or save it",
        description="The page needs no kernel and works offline. A class opens the address that is "
        "printed, or gets the saved file.",
    )
    parser.add_argument("schedules", nargs="*", help="schedules to show first (see --list)")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help="write the page and stop; - is stdout"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="0.0.0.0 serves the whole network (default: only you)"
    )
    parser.add_argument("--port", type=int, default=8850, help="default: 8850; 0 takes a free one")
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Save the page, or serve it until Ctrl-C."""
    from course_lib.schedules import GALLERY

    if options.list:
        print("\n".join(GALLERY))
        return 0
    from course_lib.widgets.explorer import explore

    page = explore(*options.schedules).page()
    if options.save:
        if str(options.save) == "-":
            sys.stdout.write(page)
        else:
            write_whole(options.save, page)
        told = f"{options.save}: one page of {len(page) // 1000} kB, nothing else is needed"
        print(told, file=sys.stderr)  # no part of the page, where that goes to stdout
        return 0
    with server(page, options.host, options.port) as serving:
        address = f"http://{reached_at(options.host)}:{serving.server_address[1]}/"
        print(f"The schedule explorer is at {address} (Ctrl-C stops it)", flush=True)
        if not options.no_browser:
            webbrowser.open(address)
        try:
            serving.serve_forever()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    return 0


def reached_at(host: str) -> str:
    """The address to tell a class: 0.0.0.0 is every network of this machine, and no place to go."""
    if host not in ("", "0.0.0.0"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: it only picks the network
            return probe.getsockname()[0]
        except OSError:  # no network
            return "127.0.0.1"


def server(page: str, host: str, port: int) -> ThreadingHTTPServer:
    """A server that answers every request for `/` with the page, to many at once."""
    content = page.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Quiet: a class of 300 would fill the screen."""

    try:
        return ThreadingHTTPServer((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"port {port} of {host} cannot be served ({error}); take another with --port"
        ) from None
