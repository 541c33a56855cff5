"""A kernel manager without TCP ports, whose clients take no message beyond all measure into memory."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Integer

from . import spare

LOOK_AT_END_SECONDS = 0.01
LAST_WORDS_SECONDS = 0.02


class ForkingProvisioner(LocalProvisioner):  # type: ignore[misc,unused-ignore]
    """Has a spare fork become the kernel, where there is one and the kernel is this environment's Python."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Start the kernel; return how to reach it."""
        if not spare.waiting or not spare.fits(cmd):
            return await super().launch_kernel(cmd, **options)
        folder = str(options.get("cwd") or Path.cwd())
        kernel = spare.waiting.pop().start(cmd, folder, options["env"])
        self.process: Any = kernel
        self.pid = self.pgid = kernel.pid
        self.cwd = folder
        return self.connection_info


class PromptChannel(AsyncZMQSocketChannel):  # type: ignore[misc,unused-ignore]
    """Outputs of a kernel, without the pause before the first cell.

    jupyter_client empties the channel of a kernel that is ready, and takes 0.2 s of silence for its end. What
    comes later belongs to no cell, so nbclient passes over it.
    """

    async def get_msg(  # type: ignore[override,unused-ignore]
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message; queue.Empty where there is none for a moment, if there is a time limit."""
        message: dict[str, Any] = await super().get_msg(
            timeout if timeout is None else min(timeout, LAST_WORDS_SECONDS)
        )
        return message


class SandboxKernelManager(AsyncKernelManager):  # type: ignore[misc,unused-ignore]
    """Talks to its kernel over Unix sockets; drops messages larger than ``largest_message`` bytes."""

    transport = "ipc"
    largest_message = Integer(help="The largest message accepted from the kernel, in bytes.")

    def client(self, **options: Any) -> Any:
        """Return a client whose sockets refuse larger messages before they are read."""
        client = super().client(**options, iopub_channel_class=PromptChannel)
        client.context.setsockopt(zmq.MAXMSGSIZE, self.largest_message)
        return client

    async def _async_pre_start_kernel(self, **options: Any) -> Any:
        """Prepare the start; a kernel may be a fork."""
        self.kernel_id = self.kernel_id or str(uuid.uuid4())
        if self.provisioner is None:
            self.provisioner = ForkingProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
        return await super()._async_pre_start_kernel(**options)

    async def _async_finish_shutdown(
        self, waittime: float | None = None, pollinterval: float = LOOK_AT_END_SECONDS, restart: bool = False
    ) -> None:
        """Wait for the kernel's end, looking often: a run is not over before."""
        await super()._async_finish_shutdown(waittime, pollinterval, restart)
