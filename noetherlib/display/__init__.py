"""Pictures, panels and printed tables: one look, sliders without a kernel, work while one waits.

Loaded on demand (``nl.style``, ``nl.scrubber``): nothing else in the library imports matplotlib.
"""

from .draw import draw_path
from .glue import glue
from .panel import Panel
from .pictures import (
    ACCENT,
    BOUND,
    CHARGE,
    DATA,
    MAX_WEIGHT,
    MEAN,
    PALETTE,
    PATH,
    RC,
    Scrubber,
    scrubber,
    style,
)
from .words import refusal, small, table

__all__ = [
    *("ACCENT", "BOUND", "CHARGE", "DATA", "MEAN", "PATH", "PALETTE", "RC", "MAX_WEIGHT"),
    *("Panel", "Scrubber", "draw_path", "glue", "refusal", "scrubber", "small", "style", "table"),
]
