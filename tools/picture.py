"""Draw book/_assets/most-likely-path.svg, the picture on the README and the landing page, and a PNG of it.

A noisy system with an attractor, dx = -x dt + noise, is asked to go from one state to another in a given
time. Left: random ways of doing so, and the most likely one, which bends through the attractor. Right: its
coordinates change with time, its angular momentum does not. A dot runs along both, at the same time.

    python -m tools.picture

It also takes the README's other pictures from the chapters that draw them, as `make book` executed them.
"""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path as Outline

from tools import build, execute
from tools.notebooks import read

ROOT = build.ROOT
TARGET = ROOT / "book" / "_assets" / "most-likely-path.svg"
FROM_CHAPTERS = {
    "wilson-cowan.svg": ("beyond/your-own-system", "fig-yo-wilson-cowan"),
    "ways-back.svg": ("beyond/hidden-symmetry", "fig-hs-schedules"),
}
PREVIEW = "preview.png"
NAME = "Noether's theorem for noisy dynamical systems"
WIDTH, HEIGHT = 1200, 470
START, END, TIME = np.array([-2.5, 1.15]), np.array([2.05, 1.75]), 4.0
NOISE = 0.09  # D, of the random paths; the most likely one is the same for every D
SCALE = 124  # pixels per unit of state
CENTRE = np.array([350, 385])  # where the attractor is drawn
PANEL = (745, 1150)  # the time axis, in pixels

NIGHT, MIST, BLUE, AMBER, WHITE = "#111c30", "#93a4bf", "#5b8fd6", "#ffb454", "#eef3fb"


def most_likely(t):
    """The closed form for dx = -x dt + noise between two states, at a column of times, and its velocity."""
    towards = (END - START * np.exp(-TIME)) / np.sinh(TIME)
    position = towards * np.sinh(t) + START * np.exp(-t)
    velocity = towards * np.cosh(t) - START * np.exp(-t)
    return position, velocity


def random_path(t, rng):
    """The same system, conditioned on the same two ends, drawn exactly, one step after the other."""
    x = [START]
    for now, then in pairwise(t):
        step, rest = then - now, TIME - then
        gain, gain_rest = np.exp(-step), np.exp(-rest)
        spread, spread_rest = NOISE * (1 - gain**2), NOISE * (1 - gain_rest**2)
        pull = spread * gain_rest / (spread * gain_rest**2 + spread_rest)
        mean = gain * x[-1]
        width = np.sqrt(spread * (1 - pull * gain_rest))
        x.append(mean + pull * (END - gain_rest * mean) + width * rng.standard_normal(2))
    return np.array(x)


def to_plane(x):
    return CENTRE + SCALE * x * [1, -1]


def to_panel(t, value, zero, scale):
    return np.column_stack([PANEL[0] + (PANEL[1] - PANEL[0]) * t / TIME, zero - scale * value])


def line(points):
    """A polyline in relative coordinates, to a tenth of a pixel."""
    points = np.round(points, 1)
    steps = "".join(f"l{dx:g},{dy:g}" for dx, dy in np.round(np.diff(points, axis=0), 1))
    return f"M{points[0, 0]:g},{points[0, 1]:g}{steps}"


def stroke(d, colour, width, **more):
    more = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    return f'<path d="{d}" stroke="{colour}" stroke-width="{width}"{more}/>'


def label(x, y, words, colour=MIST, size=20, anchor="start", **more):
    more = "".join(f' {key.rstrip("_")}="{value}"' for key, value in more.items())
    look = f'fill="{colour}" font-size="{size}" text-anchor="{anchor}"{more}'
    return f'<text x="{x:g}" y="{y:g}" {look}>{words}</text>'


def dot(x, y, radius, colour):
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius}" fill="{colour}"/>'


def moving_dot(d):
    motion = f'<animateMotion dur="7s" repeatCount="indefinite" calcMode="linear" path="{d}"/>'
    return f'<circle class="moving" r="9" fill="{WHITE}" stroke="{AMBER}" stroke-width="4">{motion}</circle>'


def drift():
    """Short strokes along -x, longer where the drift is stronger."""
    grid = np.stack(np.meshgrid(np.arange(-2.5, 2.6, 0.5), np.arange(-0.5, 2.9, 0.5)), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(*grid.T) > 0.2]
    tails, heads = to_plane(grid), to_plane(grid * 0.93)
    return "".join(
        f"M{a:.0f},{b:.0f}l{c - a:.0f},{d - b:.0f}" for (a, b), (c, d) in zip(tails, heads, strict=True)
    )


def draw():
    t = np.linspace(0, TIME, 61)
    fine = np.linspace(0, TIME, 161)
    x, velocity = most_likely(t[:, None])
    turning = x[:, 0] * velocity[:, 1] - x[:, 1] * velocity[:, 0]
    assert np.ptp(turning) < 1e-12  # the flat line is drawn from what it claims
    rng = np.random.default_rng(8)
    path = line(to_plane(x))
    charge = line(to_panel(t[[0, -1]], turning[[0, -1]], 390, 4))
    first, last = to_plane(START), to_plane(END)
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="18" fill="{NIGHT}"/>',
        '<g fill="none" stroke-linecap="round" stroke-linejoin="round">',
        stroke(drift(), MIST, 2, opacity=0.25),
        *[stroke(line(to_plane(random_path(fine, rng))), BLUE, 1.2, opacity=0.45) for _ in range(8)],
        stroke(path, AMBER, 5),
        stroke(line(to_panel(t, x[:, 0], 185, 36)), BLUE, 3),
        stroke(line(to_panel(t, x[:, 1], 185, 36)), BLUE, 3, stroke_dasharray="2 8"),
        stroke(charge, AMBER, 5),
        stroke(f"M{PANEL[0]},430h{PANEL[1] - PANEL[0]}m-9,-6l9,6l-9,6", MIST, 2),
        "</g>",
        dot(*CENTRE, 7, WHITE),
        dot(*first, 9, AMBER),
        dot(*last, 9, AMBER),
        label(CENTRE[0], CENTRE[1] + 36, "attractor", WHITE, 22, "middle"),
        label(first[0] - 4, first[1] - 20, "from here", WHITE, 22),
        label(last[0] + 6, last[1] - 20, "to there", WHITE, 22, "end"),
        label(PANEL[0], 60, "Its position changes", BLUE, 22, class_="panel"),
        label(PANEL[0], 315, "Its angular momentum does not", AMBER, 22, class_="panel"),
        label(PANEL[1], 455, "time", anchor="end", size=18),
        moving_dot(path),
        moving_dot(charge),
    ]
    title = "The most likely path between two states of a noisy system, and what it conserves"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="system-ui, sans-serif" role="img">',
            f"<title>{title}</title>",
            "<style>@media (prefers-reduced-motion: reduce) { .moving { display: none } }",
            "@media (max-width: 600px) { text { font-size: 32px } .panel { transform: translateX(-75px) } }",
            "</style>",
            *parts,
            "</svg>\n",
        ]
    )


def outline(d):
    """The points of an SVG path of straight lines, and what leads to each, as matplotlib has them."""
    points, codes = [np.zeros(2)], [Outline.MOVETO]
    for command, numbers in re.findall(r"([Mmlh])([-\d.,]+)", d):
        step = np.array([*map(float, numbers.split(",")), 0][:2])
        points.append(step if command == "M" else points[-1] + step)
        codes.append(Outline.MOVETO if command in "Mm" else Outline.LINETO)
    return Outline(points, codes)


def save_preview(folder):
    """The same as a PNG, for the cards that others show of a link: few of them take SVG."""
    wide, high, dpi = WIDTH, 630, 100
    points = 72 / dpi  # of a pixel
    figure = Figure(figsize=(wide / dpi, high / dpi), dpi=dpi, facecolor=NIGHT)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, wide), ylim=(HEIGHT, HEIGHT - high))
    axes.axis("off")
    axes.text(wide / 2, -70, NAME, color=WHITE, size=40 * points, ha="center")
    for part in ElementTree.fromstring(TARGET.read_text(encoding="utf-8")).iter():
        kind, get = part.tag.partition("}")[2], part.attrib.get
        if kind == "path":
            look = {"linewidth": float(get("stroke-width")) * points, "alpha": float(get("opacity", 1))}
            look["linestyle"] = "dotted" if get("stroke-dasharray") else "solid"
            axes.add_patch(PathPatch(outline(get("d")), fill=False, edgecolor=get("stroke"), **look))
        elif kind == "circle" and get("cx"):
            centre = float(get("cx")), float(get("cy"))
            axes.add_patch(Circle(centre, float(get("r")), color=get("fill"), zorder=3))
        elif kind == "text":
            aside = {"start": "left", "middle": "center", "end": "right"}[get("text-anchor")]
            size = float(get("font-size")) * points
            axes.text(float(get("x")), float(get("y")), part.text, color=get("fill"), size=size, ha=aside)
    FigureCanvasAgg(figure).print_png(folder / PREVIEW)


def drawn_by(page, name):
    """A figure of a chapter, as the build executed it: the text of an SVG."""
    cells = execute.recorded(build.executed(), read(ROOT / f"book/{page}.ipynb"))
    if cells is None:
        raise SystemExit(f"{page} is not executed as it stands: `make book` first")
    found = next(
        cell for cell in cells if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == name
    )
    return next(
        output.data["image/svg+xml"] for output in found.outputs if "image/svg+xml" in output.get("data", {})
    )


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
    for file, (page, name) in FROM_CHAPTERS.items():
        TARGET.with_name(file).write_text(drawn_by(page, name) + "\n", encoding="utf-8")
