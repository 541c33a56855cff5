"""How the library's figures look to everybody, and how it says how far it is."""

from __future__ import annotations

import io
import itertools
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

# Colour vision without the one or the other kind of cone, on linear sRGB (Machado et al. 2009, table 1).
VISION = {
    "usual": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])  # of sRGB
WHITE = np.array([0.9505, 1.0, 1.089])
APART = 12.0  # CIE 1976 difference; 2.3 is just noticeable


def seen(colour: str, vision: Any) -> np.ndarray:
    """A colour in CIELAB, as somebody sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    ratio = XYZ @ np.clip(np.array(vision) @ linear, 0, 1) / WHITE
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", VISION.values(), ids=VISION)
def test_tracks_and_alleles_are_told_apart_by_all_eyes(library: None, vision: Any) -> None:
    from alphagenome_tools.style import ALTERNATE, REFERENCE, TRACK_COLOURS

    for one, other in [(REFERENCE, ALTERNATE), *itertools.combinations(TRACK_COLOURS, 2)]:
        assert np.linalg.norm(seen(one, vision) - seen(other, vision)) > APART, (one, other)


def test_a_terminal_shows_a_bar_with_what_is_left_of_a_quota(library: None, monkeypatch: Any) -> None:
    from alphagenome_tools.progress import Progress

    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    progress = Progress(4, "variants scored", done=1)
    for _ in range(3):
        progress.step(note="960 of 1,000 calls left")
    progress.close()

    last = screen.getvalue().strip().rpartition("\r")[2]
    assert "variants scored: 100%" in last
    assert "4/4" in last
    assert "960 of 1,000 calls left" in last


def test_how_far_it_is_can_be_said_in_a_sentence_and_left_out(library: None, capsys: Any) -> None:
    from alphagenome_tools.progress import Progress

    progress = Progress(10, "variants scored", show=False)
    progress.step()
    progress.step(failed=True)
    progress.close()

    assert progress.words().startswith("2 of 10 variants scored, 1 failed, ")
    assert capsys.readouterr().err == ""
