"""Arrays as the messages that AlphaGenome's client reads: a tensor's shape, then its bytes in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import zstandard
from alphagenome.protos import tensor_pb2
from numpy.typing import NDArray

CHUNK_BYTES = 2_000_000
LEVEL = 1  # zstd's fastest: the gateway is next door


def tensor(values: NDArray[Any]) -> tuple[tensor_pb2.Tensor, Iterator[tensor_pb2.TensorChunk]]:
    """Return the tensor of float32 `values` and the chunks that follow it."""
    flat = np.ascontiguousarray(values, dtype=np.float32).reshape(-1)
    size = CHUNK_BYTES // flat.itemsize
    count = -(-len(flat) // size)
    return streamed(values.shape, count, (flat[n * size : (n + 1) * size] for n in range(count)))


def streamed(
    shape: tuple[int, ...], count: int, blocks: Iterable[NDArray[np.float32]]
) -> tuple[tensor_pb2.Tensor, Iterator[tensor_pb2.TensorChunk]]:
    """Return the tensor of float32 `blocks` that follow one another, `count` of them, and their chunks.

    A block is computed when its chunk is asked for. A tensor without values has no chunks.
    """
    message = tensor_pb2.Tensor(shape=shape, data_type=tensor_pb2.DATA_TYPE_FLOAT32)
    if count == 0:
        message.array.data = b""
        return message, iter(())
    message.chunk_count = count
    return message, (_chunk(block) for block in blocks)


def _chunk(values: NDArray[np.float32]) -> tensor_pb2.TensorChunk:
    data = zstandard.ZstdCompressor(level=LEVEL).compress(values.astype(np.float32, copy=False).tobytes())
    return tensor_pb2.TensorChunk(data=data, compression_type=tensor_pb2.COMPRESSION_TYPE_ZSTD)
