"""Pictures and panels: one look, sliders that need no kernel, and what computes while one waits.

Loaded on demand (``nl.style``, ``nl.scrubber``): nothing else in the library imports matplotlib.
"""

from .panel import Panel
from .pictures import MAX_WEIGHT, PALETTE, RC, Scrubber, scrubber, style

__all__ = ["MAX_WEIGHT", "PALETTE", "RC", "Panel", "Scrubber", "scrubber", "style"]
