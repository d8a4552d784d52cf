"""The server of the page."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

from legged_gym.errors import UserError

if TYPE_CHECKING:
    from viser import ViserServer

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check_server(host: str, port: int) -> None:
    """Find out early whether a page can be served.

    Raises:
        UserError: viser is missing, or the address cannot be had.
    """
    try:
        import viser  # noqa: F401
    except ImportError:
        raise UserError("--viewer=web needs viser: pip install -e .[viewer]") from None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        hint = "; another --port is free, maybe" if port else ""
        raise UserError(f"cannot serve the page at {host}:{port}: {error.strerror or error}{hint}") from None


def open_server(host: str, port: int, visitors_can: str = "steer") -> ViserServer:
    """Serve an empty page; port 0 takes a free one, `visitors_can` goes into a warning.

    Raises:
        UserError: as `check_server`.
    """
    check_server(host, port)
    if host not in _LOOPBACK:
        print(
            f"warning: --host={host}: everybody who reaches this machine can {visitors_can} this program",
            file=sys.stderr,
        )
    import viser

    return viser.ViserServer(host=host, port=port, verbose=False)


def say_address(server: ViserServer) -> None:
    """Print where the page is: once all is on it, or who comes would wait for it, and slow it down."""
    host = server.get_host()
    shown = f"[{host}]" if ":" in host else host
    print(f"viewer     http://{shown}:{server.get_port()}", flush=True)


def tell(server: ViserServer, title: str, text: str) -> None:
    """Show a message to all visitors."""
    for client in server.get_clients().values():
        client.add_notification(title, text, auto_close_seconds=10.0)
