"""For JupyterLab's server, which `make lab` starts with it: a kernel's messages go out at once.

Nagle's algorithm (RFC 896) holds a small message back until the one before it is acknowledged,
which the browser's system may put off for 40 ms: a slider that the kernel answers waits for that.
Jupyter's own settings leave the algorithm on; `jupyter lab` takes this class by its name in
`--ServerApp.kernel_websocket_connection_class`. `benchmarks/widgets.py` measures with it.
"""

from typing import Any

from course_lib import needs

with needs("course"):
    from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's connection from a page to its kernel, without Nagle's algorithm."""

    def connect(self) -> Any:
        self.websocket_handler.set_nodelay(True)
        return super().connect()
