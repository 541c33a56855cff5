"""Arrays as the messages that AlphaGenome's client reads: a tensor's shape, then its bytes in chunks."""

from __future__ import annotations

from collections.abc import Iterator
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
    message = tensor_pb2.Tensor(shape=values.shape, data_type=tensor_pb2.DATA_TYPE_FLOAT32, chunk_count=count)
    if count == 0:
        message = tensor_pb2.Tensor(shape=values.shape, data_type=tensor_pb2.DATA_TYPE_FLOAT32)
        message.array.data = b""
    return message, (_chunk(flat[n * size : (n + 1) * size]) for n in range(count))


def _chunk(values: NDArray[np.float32]) -> tensor_pb2.TensorChunk:
    data = zstandard.ZstdCompressor(level=LEVEL).compress(values.tobytes())
    return tensor_pb2.TensorChunk(data=data, compression_type=tensor_pb2.COMPRESSION_TYPE_ZSTD)
