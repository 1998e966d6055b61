"""Leads connections to Google's host to the front, in this process only; names stay as they are."""

import os
import socket
from typing import Any

HOST = "commentanalyzer.googleapis.com"
STANDS_FOR_IT = "127.77.77.77"


def redirect() -> None:
    """Resolve the name to an address of its own, and connect that to the front's port."""
    resolve, connect = socket.getaddrinfo, socket.socket.connect
    front = ("127.0.0.1", int(os.environ["FRONT_PORT"]))

    def getaddrinfo(host: Any, *args: Any, **rest: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return resolve(STANDS_FOR_IT if name == HOST else host, *args, **rest)

    def connect_or_redirect(self: socket.socket, address: Any) -> None:
        connect(self, front if address[0] in (HOST, STANDS_FOR_IT) else address)

    socket.getaddrinfo = getaddrinfo
    socket.socket.connect = connect_or_redirect  # type: ignore[method-assign]
