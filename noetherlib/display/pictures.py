"""The one look of the pictures, and a slider over pictures that needs no kernel."""

from __future__ import annotations

import re
import sys
import zlib
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from io import BytesIO
from numbers import Number

import matplotlib as mpl
import matplotlib.pyplot as plt
from ipywidgets import HTML, HBox, Layout, Play, SelectionSlider, Stack, VBox, jslink
from ipywidgets.widgets.widget_string import HTMLStyle
from matplotlib.figure import Figure

from ..inputs import brief

PALETTE = {
    "path": "#D55E00",  # a most likely path
    "mean": "#0069A8",  # an average over paths
    "charge": "#009E73",  # what is conserved
    "accent": "#6B2D6B",  # what the page is about
    "data": "#8A93A0",  # samples: simulated paths, histograms, data
    "bound": "#1F2933",  # boundaries, fixed points, text
}
"""Colours by meaning, in the order in which matplotlib takes them.

Distinct also without red or green cones, and in grey; at least 3:1 against the white of the figures. The
first three, after Okabe and Ito, are that on a near-black page too. Each is a name of this room as well.
"""
PATH, MEAN, CHARGE, ACCENT, DATA, BOUND = PALETTE.values()

MAX_WEIGHT = 300_000  # bytes of one scrubber, compressed as a web server would
HEAVY = 60_000  # bytes, compressed, from which an SVG in a notebook gives way to a PNG, if that is lighter
SALT = "noetherlib"  # matplotlib names the parts of an SVG after this, not at random
DPI = 192  # of PNGs: two of their pixels are shown as one of the page, so that fine screens are used
INTERVAL = 500  # milliseconds from frame to frame when playing
FRAME = "display:block;max-width:100%;height:auto;background:#fff;border-radius:.4rem"

RC = {
    # an opaque white card: no grey reaches 4.5:1 on white and on a dark page (#121212); 4.3:1 is the best
    "figure.facecolor": "white",
    "figure.figsize": (6.0, 3.6),  # 12 points are then 9 pixels on a phone
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.dpi": DPI,
    "svg.fonttype": "path",
    "svg.hashsalt": SALT,
    "font.size": 12,
    "axes.titlesize": 13,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 6,
    "axes.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": mpl.cycler(color=list(PALETTE.values())),
    **dict.fromkeys(["text.color", "axes.labelcolor", "axes.edgecolor"], PALETTE["bound"]),
    **dict.fromkeys(["xtick.color", "ytick.color"], PALETTE["bound"]),
}


def style():
    """Make this the look of every figure from here on: `PALETTE`, legible type, opaque white ground.

    In a notebook, figures are then shown as SVG, or as a sharp PNG where the SVG would be heavy.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    formatter = getattr(shell, "display_formatter", None)
    if formatter is not None:
        plt.draw_if_interactive()  # loads the inline backend, which then sets formats of its own
        for each in formatter.formatters.values():
            each.pop(Figure, None)
        formatter.mimebundle_formatter.for_type(Figure, _inline)
    mpl.rcParams.update(RC)


class Scrubber(VBox):
    """What `scrubber` returns: a widget with its ``slider``, ``play`` and ``stack``, and its ``weight``."""

    def __init__(self, pages, texts, label):
        count = len(texts)
        wide, look = Layout(width="100%", margin="0"), HTMLStyle()  # shared, for the weight
        self.stack = Stack(
            [HTML(page, layout=wide, style=look) for page in pages], selected_index=0, layout=wide
        )
        self.slider = SelectionSlider(
            options=[(text, index) for index, text in enumerate(texts)],
            description=label,
            layout=Layout(flex="1 1 16rem", width="auto", max_width="36rem", min_width="0"),
            style={"description_width": "initial", "handle_color": PALETTE["mean"]},
        )
        self.play = Play(
            max=count - 1,
            interval=INTERVAL,
            show_repeat=False,
            layout=Layout(width="6rem", margin="2px 12px 2px 0"),
        )
        self.weight = _weight(*pages)
        self._text = f"<Scrubber {label}: {count} frames, {texts[0]} to {texts[-1]}>"
        self.links = [
            jslink((self.play, "value"), (self.slider, "index")),
            jslink((self.slider, "index"), (self.stack, "selected_index")),
        ]
        super().__init__([HBox([self.play, self.slider], layout=Layout(flex_flow="row wrap")), self.stack])
        self.add_class("nl-scrubber")

    def __repr__(self):
        """One line, so that no picture gets into the text of a notebook."""
        return self._text


def scrubber(frames, values, label, alt, format="svg"):
    """A slider over pictures, moved by mouse, touch, arrow keys or a play button, with or without a kernel.

    Parameters
    ----------
    frames : callable or sequence
        ``frames(value)`` draws and returns a figure; or one picture for each value: a matplotlib
        ``Figure``, the text of an SVG, or the bytes of a PNG. Figures are closed once drawn.
    values : sequence of numbers or str
        What the slider shows beside its handle, one for each frame; numbers as ``f"{value:g}"``.
    label : str
        What the values are, with a unit if they have one: plain text.
    alt : sequence of str or callable
        What each picture shows, for those who cannot see it: one text for each frame, or ``alt(value)``.
    format : {"svg", "png"}
        How figures are drawn: "svg" for lines, "png" for heat maps and clouds of points.

    Returns
    -------
    Scrubber
        An ipywidgets widget. The same arguments give the same bytes.

    Raises
    ------
    ValueError
        If a frame has no alt text, the counts differ, a frame is no picture, or the whole weighs more than
        300 kB compressed.
    """
    values = _listed(values, "values")
    texts = [f"{value:g}" if isinstance(value, Number) else str(value) for value in values]
    if len(texts) < 2 or not all(text.strip() for text in texts):
        raise ValueError(f"values must be at least two numbers or texts, none empty, got {brief(values)}")
    if not isinstance(label, str) or not label.strip():
        raise ValueError(f"label must say what the values are, got {brief(label)}")
    if format not in ("svg", "png"):
        raise ValueError(f'format must be "svg" or "png", got {brief(format)}')
    alts = [alt(value) for value in values] if callable(alt) else _listed(alt, "alt", len(values))
    for text, words in zip(texts, alts, strict=True):
        if not isinstance(words, str) or not words.strip():
            raise ValueError(f"alt must describe each frame, got {brief(words)} for {label} {text}")
    pictures = map(frames, values) if callable(frames) else _listed(frames, "frames", len(values))
    pages = [
        _page(_drawn(picture, format), words, f"{label}:{index}")
        for index, (picture, words) in enumerate(zip(pictures, alts, strict=True))
    ]
    weight = _weight(*pages)
    if weight > MAX_WEIGHT:
        raise ValueError(
            f"frames must weigh at most {MAX_WEIGHT // 1000} kB compressed, got {weight // 1000} kB in "
            f"{len(pages)}: take fewer or smaller ones, thin out their points, or "
            f'format="{"png" if format == "svg" else "svg"}"'
        )
    return Scrubber(pages, texts, label)


def _listed(given, name, count=None):
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise ValueError(f"{name} must be a sequence, got {brief(given)}")
    given = list(given)
    if count not in (None, len(given)):
        raise ValueError(f"{name} must be one for each of the {count} values, got {len(given)}")
    return given


def _weight(*pages):
    return len(zlib.compress("\n".join(pages).encode()))


def _saved(figure, format):
    """The bytes of a figure, the same in every run: no date, no random names."""
    with mpl.rc_context({"svg.hashsalt": SALT}):
        file = BytesIO()
        nothing = dict.fromkeys(["Date", "Creator"] if format == "svg" else ["Software"])
        figure.savefig(file, format=format, dpi=DPI, metadata=nothing)
    return file.getvalue()


def _drawn(picture, format):
    """A picture as the text of an SVG or the bytes of a PNG; a figure is closed."""
    if isinstance(picture, Figure):
        data = _saved(picture, format)
        plt.close(picture)
        return _slim(data.decode()) if format == "svg" else data
    if isinstance(picture, str) and "<svg" in picture:
        return picture[picture.index("<svg") :]
    if isinstance(picture, bytes) and picture.startswith(b"\x89PNG"):
        return picture
    raise ValueError(f"frames must be figures, SVG text or PNG bytes, got {str(picture)[:60]!r}")


def _slim(svg):
    """An SVG by matplotlib at half the weight: hundredths of a point are enough, and its names go unused."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<= [dxy]=")[^"]+', lambda match: _rounded(match[0]), svg)
    used = set(re.findall(r'#([^")]+)["\)]', svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    svg = re.sub(r">\s+<", "><", svg).replace("<defs></defs>", "")
    # the style sheet taken out said this of everything, on a page it would say it of the whole page
    return svg.replace("<svg", '<svg stroke-linejoin="round" stroke-linecap="butt"', 1)


def _rounded(numbers):
    numbers = re.sub(r"\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), numbers)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", numbers.strip())


def _page(picture, alt, name):
    """The HTML of a frame. No other frame, of this scrubber or another, has the same ids."""
    alt = escape(" ".join(alt.split()))
    if isinstance(picture, bytes):
        source = "data:image/png;base64," + b64encode(picture).decode()
        return f'<img alt="{alt}" width="{_width(picture)}" decoding="sync" style="{FRAME}" src="{source}">'
    own = "f" + sha256(f"{name}\n{picture}".encode()).hexdigest()[:8] + "-"
    picture = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{own}", picture)
    return picture.replace("<svg", f'<svg role="img" aria-label="{alt}" style="{FRAME}"', 1)


def _width(png):
    return int.from_bytes(png[16:20], "big") // 2


def _inline(figure, include=None, exclude=None):
    """A figure for a notebook: an SVG if that is light, else the lighter of an SVG and a PNG."""
    svg = _slim(_saved(figure, "svg").decode())
    if (weight := _weight(svg)) > HEAVY:
        png = _saved(figure, "png")
        if len(png) < weight:
            return {"image/png": b64encode(png).decode()}, {"image/png": {"width": _width(png)}}
    return {"image/svg+xml": svg}, {}
