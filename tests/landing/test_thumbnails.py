"""Small copies of pictures that anybody's notebook may hold."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from landing.thumbnails import thumbnail
from tests.landing.conftest import png


def read(webp: bytes) -> Image.Image:
    return Image.open(io.BytesIO(webp), formats=["WEBP"])


def written(picture: Image.Image, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int) -> bytes:
    """Return a small PNG whose header claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("given", "small"),
    [((900, 420), (640, 299)), ((2000, 100), (640, 32)), ((10, 900), (3, 300)), ((30, 20), (30, 20))],
)
def test_it_fits_into_a_card_and_keeps_its_shape(given, small):
    assert read(thumbnail(png(*given))).size == small


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_a_picture(mode):
    assert read(thumbnail(written(Image.new(mode, (40, 20))))).size == (40, 20)


def test_what_is_transparent_is_white():
    assert read(thumbnail(written(Image.new("RGBA", (8, 8), (0, 0, 0, 0))))).getpixel((4, 4)) == (
        255,
        255,
        255,
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"<svg onload='alert(1)'/>",
        png()[:200],
        png()[:-30],
        claiming(8000, 8000),
        claiming(0, 10),
        claiming(2**31 - 1, 2**31 - 1),
        claiming(100, 1000),
        written(Image.new("RGB", (10, 10)), "GIF"),
    ],
    ids=["empty", "head", "svg", "cut", "unended", "bomb", "flat", "huge", "short", "gif"],
)
def test_what_is_no_usable_picture_has_none(data):
    assert thumbnail(data) is None
