"""Small copies of results' pictures, light enough for a page full of cards."""

from __future__ import annotations

import io

from PIL import Image

WIDTH, HEIGHT = 640, 300
MOST_PIXELS = 40_000_000
QUALITY = 72
PAPER = (255, 255, 255)


def thumbnail(png: bytes) -> bytes | None:
    """Return `png` as a WebP that fits into 640 x 300 pixels, on white; None where it is no usable picture.

    The size is read from the header before anything is unpacked, so that a small file cannot become a
    huge picture in memory.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            whole = picture.convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError, SyntaxError):
        return None
    whole.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    flat = Image.new("RGB", whole.size, PAPER)
    flat.paste(whole, mask=whole.getchannel("A"))
    out = io.BytesIO()
    flat.save(out, "WEBP", quality=QUALITY, method=4)
    return out.getvalue()
