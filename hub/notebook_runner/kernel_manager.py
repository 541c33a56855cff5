"""A kernel manager without TCP ports, whose clients take no message beyond all measure into memory."""

from __future__ import annotations

from typing import Any

import zmq
from jupyter_client.manager import AsyncKernelManager
from traitlets import Integer


class SandboxKernelManager(AsyncKernelManager):  # type: ignore[misc,unused-ignore]
    """Talks to its kernel over Unix sockets; drops messages larger than ``largest_message`` bytes."""

    transport = "ipc"
    largest_message = Integer(help="The largest message accepted from the kernel, in bytes.")

    def client(self, **options: Any) -> Any:
        """Return a client whose sockets refuse larger messages before they are read."""
        client = super().client(**options)
        client.context.setsockopt(zmq.MAXMSGSIZE, self.largest_message)
        return client
