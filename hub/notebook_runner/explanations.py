"""Says in words what an error means that the system's own text leaves unclear."""

from __future__ import annotations

MEMORY = (
    "The notebook needed more memory than it may use. Try a smaller input, or ask for more memory in the "
    "project's workspace.yaml."
)
DIED = f"The notebook's process ended in the middle of this step, as it does when memory runs out. {MEMORY}"
DISK = "The notebook filled the disk space of this run. Write less, or remove what is no longer needed."
# What the system says when no more may be written: ENOSPC, EFBIG, EDQUOT.
DISK_WORDS = ("No space left on device", "File too large", "Disk quota exceeded")


def explained(name: str, message: str) -> str:
    """Return the message of an exception called ``name``, with an explanation where one is known."""
    if name == "MemoryError":
        return f"{message}. {MEMORY}" if message else MEMORY
    if name == "OSError" and any(words in message for words in DISK_WORDS):
        return f"{message}. {DISK}"
    return message
