"""Somebody who looks at a page without a browser: receives all that the server sends, and counts it."""

from __future__ import annotations

import re
import signal
import sys
import threading
import time
from collections import Counter
from typing import Any, Dict, List, Optional, Tuple

import msgspec
import viser
import zstandard
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

# what a browser says first, and what makes it a visitor
_CAMERA: Dict[str, Any] = {
    "kind": "ViewerCameraMessage", "wxyz": (1.0, 0.0, 0.0, 0.0), "position": (3.0, 3.0, 2.0), "fov": 0.8, "near": 0.01,
    "far": 1000.0, "image_height": 600, "image_width": 900, "look_at": (0.0, 0.0, 0.0), "up_direction": (0.0, 0.0, 1.0),
}  # fmt: skip


class Client:
    """A visitor; a context manager.

    Attributes:
        messages: how many of each type have arrived.
        received: bytes so far.
        pose_packets: packets that moved something.
        last_seconds: of play, as the page says; None until it has.
        newest: the last message of each type about each thing, by (type, name or id).
    """

    def __init__(self, address: str, decodes: bool = True) -> None:
        """Come to a page; without `decodes`, messages are not counted, which costs less."""
        self.messages: Counter[str] = Counter()
        self.received, self.pose_packets, self._decodes = 0, 0, decodes
        self.last_seconds: Optional[float] = None
        self.newest: Dict[Tuple[str, str], Dict[str, Any]] = {}
        self._connection = connect(
            address.replace("http", "ws", 1),
            subprotocols=[f"viser-v{viser.__version__}"],  # type: ignore[list-item]
            compression=None,
            max_size=None,
        )
        self.send(**_CAMERA)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def send(self, kind: str, **message: Any) -> None:
        """Send a message, as the page does."""
        self._connection.send(msgspec.msgpack.encode({"type": kind, **message}))

    def give(self, label: str, value: Any) -> None:
        """Change an input, which has been received."""
        (uuid,) = (
            message["uuid"] for message in list(self.newest.values()) if message.get("props", {}).get("label") == label
        )
        self.send("GuiUpdateMessage", uuid=uuid, updates={"value": value})

    def _receive(self) -> None:
        try:
            for data in self._connection:
                assert isinstance(data, bytes)
                self.received += len(data)
                if self._decodes:
                    self._take(decoded(data))
        except ConnectionClosed:
            pass

    def _take(self, messages: List[Dict[str, Any]]) -> None:
        types = [message["type"] for message in messages]
        self.messages.update(types)
        self.pose_packets += "SetOrientationMessage" in types
        for message in messages:
            self.newest[message["type"], str(message.get("name", message.get("uuid", "")))] = message
            said = re.match(r"([\d.]+) s, .*forward", str(message.get("updates", {}).get("_markdown", "")))
            self.last_seconds = float(said.group(1)) if said else self.last_seconds

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._thread.join()


def decoded(data: bytes) -> List[Dict[str, Any]]:
    """The messages of one packet, without their arrays."""
    size = int.from_bytes(data[8:16], "little")
    content: Dict[str, Any] = msgspec.msgpack.decode(zstandard.decompress(data[16 : 16 + size]))
    messages: List[Dict[str, Any]] = content["messages"]
    return messages


def main() -> None:
    """Look at the page of the address given, and say when all that was there has come."""
    with Client(sys.argv[1], decodes=False) as client:
        before = -1
        while client.received != before:
            before = client.received
            time.sleep(0.5)
        print(f"{before} bytes to begin with", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
