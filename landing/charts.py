"""Charts as plain figures for a template to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workspace_api.alphagenome.views import DayUse

HEIGHT = 120.0
STEP = 20.0
WIDTH = 14.0


@dataclass(frozen=True)
class Bar:
    """One day's bar: the part that the model answered, and on it what was kept; heights from the floor."""

    x: float
    label: str
    model: float
    kept: float
    words: str


@dataclass(frozen=True)
class Chart:
    """Bars of a chart `width` by `height`; the highest stands for `top`, 0 where nothing was used."""

    bars: Sequence[Bar]
    width: float
    height: float
    bar_width: float
    top: int


def day_bars(days: Sequence[DayUse]) -> Chart:
    """Return the bars of what was used day by day."""
    top = max((day.calls + day.cached for day in days), default=0)
    scale = HEIGHT / (top or 1)
    bars = [
        Bar(
            x=at * STEP + (STEP - WIDTH) / 2,
            label=f"{day.day.day} {day.day:%b}" if at % 7 == (len(days) - 1) % 7 else "",
            model=round(scale * day.calls, 1),
            kept=round(scale * day.cached, 1),
            words=f"{day.day}: {day.calls} by the model, {day.cached} kept",
        )
        for at, day in enumerate(days)
    ]
    return Chart(bars, len(days) * STEP, HEIGHT, WIDTH, top)
