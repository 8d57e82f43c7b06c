"""The figure style, and the slider over pictures: its structure, its bytes, its words and its weight."""

import itertools
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from ipywidgets import Widget
from ipywidgets.widgets.widget_link import Link
from matplotlib.colors import to_rgb
from nbformat.v4 import new_code_cell, new_notebook

import noetherlib as nl
from noetherlib.display import pictures as display
from tools.notebooks import ROOT, execute, normalise, problems, with_colab

WHITE, DARK = "#ffffff", "#121212"  # the ground of the figures; the site's dark page
# what eyes without red, green or blue cones see of linear light: Machado, Oliveira and Fernandes (2009)
EYES = {
    "trichromacy": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# from linear light to the cones, and on to lightness and the two opponent axes of Oklab: Ottosson (2020)
CONES = np.array(
    [[0.412221, 0.536333, 0.051446], [0.211903, 0.680700, 0.107397], [0.088302, 0.281719, 0.629979]]
)
OKLAB = np.array(
    [[0.210454, 0.793618, -0.004072], [1.977998, -2.428592, 0.450594], [0.025904, 0.782772, -0.808676]]
)


@pytest.fixture(autouse=True)
def clean():
    with mpl.rc_context({"backend": "agg"}):
        yield
    plt.close("all")
    Widget.close_all()


def curve(value):
    figure, ax = plt.subplots(figsize=(3, 2))
    t = np.linspace(0, 1, 50)
    ax.plot(t, np.sin(value * t), marker="o", markevery=10)
    ax.set(xlabel="time $t$", ylabel="state $x(t)$")
    return figure


def words(value):
    return f'A curve that bends more than "{value - 1}" did & less than the next'


def make(values=(1, 2.5, 4), **changes):
    arguments = {"frames": curve, "values": values, "label": "bend", "alt": words, **changes}
    return nl.scrubber(**arguments)


def pages(scrubber):
    return [child.value for child in scrubber.stack.children]


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, attributes))


# --- the slider


def test_one_page_for_each_value_and_the_slider_shows_the_value():
    scrubber = make(values=[1, 2.5, np.float64(4)])
    assert len(scrubber.stack.children) == 3
    assert scrubber.slider._options_labels == ("1", "2.5", "4")
    assert scrubber.slider.description == "bend"
    assert (scrubber.play.min, scrubber.play.max, scrubber.stack.selected_index) == (0, 2, 0)
    assert scrubber.slider.readout


def test_the_parts_are_joined_in_the_browser():
    scrubber = make()
    assert all(isinstance(link, Link) for link in scrubber.links)
    assert [(link.source, link.target) for link in scrubber.links] == [
        ((scrubber.play, "value"), (scrubber.slider, "index")),
        ((scrubber.slider, "index"), (scrubber.stack, "selected_index")),
    ]


@pytest.mark.parametrize("format", ["svg", "png"])
def test_the_same_arguments_give_the_same_bytes(format):
    first = pages(make(format=format))
    mpl.rcParams["svg.hashsalt"] = "another"
    assert pages(make(format=format)) == first
    assert len(set(first)) == 3


def test_bytes_do_not_depend_on_the_process():
    code = "from tests.test_display import make, pages; print(pages(make()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == repr(pages(make())), run.stderr


def test_ids_are_unique_and_references_stay_within_the_frame():
    both = pages(make()) + pages(make(label="another"))
    ids = [re.findall(r'\sid="([^"]+)"', page) for page in both]
    assert all(ids)
    flat = list(itertools.chain(*ids))
    assert len(flat) == len(set(flat))
    for page, own in zip(both, ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', page)) == set(own)


def test_a_frame_leaks_nothing_into_its_page():
    for page in pages(make()):
        assert page.startswith("<svg") and "<style" not in page
        assert "<metadata" not in page and "<!--" not in page and "<?xml" not in page


def test_slimming_does_not_move_a_line():
    figure = curve(2)
    full = display._saved(figure, "svg").decode()
    slim = display._slim(full)
    assert len(slim) < 0.9 * len(full)
    # the glyphs among them are on a scale of their own, in whole numbers
    paths = [[re.findall(r"-?[\d.]+", d) for d in re.findall(r' d="([^"]+)"', text)] for text in (full, slim)]
    assert [len(path) for path in paths[0]] == [len(path) for path in paths[1]]
    for before, after in zip(*paths, strict=True):
        assert np.abs(np.array(before, float) - np.array(after, float)).max() <= 0.00501


@pytest.mark.parametrize("format, tag, attribute", [("svg", "svg", "aria-label"), ("png", "img", "alt")])
def test_every_frame_says_what_it_shows(format, tag, attribute):
    for page, value in zip(pages(make(format=format)), (1, 2.5, 4), strict=True):
        name, attributes = Tags(page).found[0]
        assert name == tag and dict(attributes)[attribute] == words(value)
        if format == "svg":
            assert dict(attributes)["role"] == "img"


def test_figures_svg_and_png_are_taken_and_figures_are_closed():
    svg = '<?xml version="1.0"?><svg viewBox="0 0 1 1"><path id="a" d="M0.12345 0"/><use href="#a"/></svg>'
    png = display._saved(curve(1), "png")
    plt.close("all")
    scrubber = make(frames=[curve(1), svg, png], alt=["one", "two", "three"])
    assert plt.get_fignums() == []
    first, second, third = pages(scrubber)
    assert 'd="M0.12345 0"' in second and 'id="a"' not in second
    assert third.startswith('<img alt="three" width="288"')


def test_a_callable_has_one_figure_open_at_a_time():
    seen = []

    def frame(value):
        seen.append(plt.get_fignums())
        return curve(value)

    make(frames=frame)
    assert seen == [[], [], []]


def test_no_picture_gets_into_the_text_of_a_notebook():
    scrubber = make()
    assert repr(scrubber) == "<Scrubber bend: 3 frames, 1 to 4>"
    shown = scrubber._repr_mimebundle_()
    assert set(shown) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    assert shown["text/plain"] == repr(scrubber)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alt": []}, "alt must be one for each of the 3 values, got 0"),
        ({"alt": ["a", "b"]}, "alt must be one for each of the 3 values, got 2"),
        ({"alt": "one text"}, "alt must be a sequence"),
        ({"alt": None}, "alt must be a sequence"),
        ({"alt": ["a", " ", "c"]}, "alt must describe each frame, got ' ' for bend 2.5"),
        ({"alt": lambda value: None}, "alt must describe each frame, got None for bend 1"),
        ({"frames": []}, "frames must be one for each of the 3 values, got 0"),
        ({"frames": lambda value: None}, "frames must be figures, SVG text or PNG bytes, got 'None'"),
        ({"frames": ["a", "b", "c"]}, "frames must be figures"),
        ({"values": [1]}, "values must be at least two"),
        ({"values": ["a", ""]}, "values must be at least two"),
        ({"values": "abc"}, "values must be a sequence"),
        ({"label": " "}, "label must say"),
        ({"format": "jpg"}, 'format must be "svg" or "png"'),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(**changes)


def test_weight_is_bounded_and_the_error_says_what_to_do():
    noise = np.random.default_rng(0).random((3, 150_000))

    def heavy(number):
        return f'<svg viewBox="0 0 1 1"><path d="{" ".join(map(str, noise[number]))}"/></svg>'

    with pytest.raises(ValueError, match=r'at most 300 kB .* take fewer or smaller .* format="png"'):
        make(frames=heavy, values=range(3))


def test_weight_of_twenty_frames_of_lines():
    nl.style()
    scrubber = make(values=np.linspace(1, 20, 20))
    assert scrubber.weight == len(zlib.compress("\n".join(pages(scrubber)).encode()))
    assert scrubber.weight < 100_000


# --- the style


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    darker, lighter = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (a, b))
    return (lighter + 0.05) / (darker + 0.05)


def difference(a, b, eye):
    """Distance in Oklab; 0.02 is just noticeable side by side."""
    seen = [OKLAB @ np.cbrt(CONES @ np.clip(eye @ linear(colour), 0, 1)) for colour in (a, b)]
    return np.linalg.norm(seen[0] - seen[1])


def test_style_sets_the_figure():
    nl.style()
    assert mpl.rcParams["axes.prop_cycle"].by_key()["color"] == list(display.PALETTE.values())
    assert to_rgb(mpl.rcParams["figure.facecolor"]) == (1, 1, 1)
    # on a phone 360 pixels wide, of which text has 328, the smallest type is 8 pixels high
    figure, ax = plt.subplots()
    ax.set(title="A title")
    ax.plot([0, 1], label="a line")
    ax.legend()
    sizes = [text.get_size() for text in figure.findobj(mpl.text.Text)]
    assert min(sizes) >= 10 and min(sizes) * 328 / (72 * figure.get_figwidth()) >= 8
    assert mpl.rcParams["lines.linewidth"] >= 1.8


def test_no_grey_would_do_on_white_and_on_dark():
    """Which is why the figures have a ground of their own."""
    greys = [(grey, grey, grey) for grey in np.linspace(0, 1, 1001)]
    best = max(min(contrast(grey, WHITE), contrast(grey, DARK)) for grey in greys)
    assert 4.3 < best < 4.5


def test_the_palette_stands_out_from_the_ground():
    assert min(contrast(colour, WHITE) for colour in display.PALETTE.values()) >= 3
    assert min(contrast(colour, DARK) for colour in list(display.PALETTE.values())[:3]) >= 3
    nl.style()
    assert contrast(mpl.rcParams["text.color"], WHITE) >= 7


@pytest.mark.parametrize("eye", EYES.values(), ids=EYES)
def test_the_palette_is_distinct_to_every_eye(eye):
    colours = list(display.PALETTE.values())
    assert min(difference(a, b, eye) for a, b in itertools.combinations(colours[:3], 2)) > 0.1
    assert min(difference(a, b, eye) for a, b in itertools.combinations(colours, 2)) > 0.05


def test_a_notebook_shows_lines_as_svg_and_clouds_as_png():
    nl.style()
    data, _ = display._inline(curve(1))
    assert set(data) == {"image/svg+xml"} and data == display._inline(curve(1))[0]
    figure, ax = plt.subplots()
    ax.pcolormesh(np.random.default_rng(0).random((100, 100)))
    data, metadata = display._inline(figure)
    assert set(data) == {"image/png"} and metadata == {"image/png": {"width": 576}}


NOTEBOOK = """\
import noetherlib as nl; nl.style()
from tests.test_display import curve, make
figure = curve(1)
---
make()
---
assert True"""


def test_in_a_notebook():
    cells = [new_code_cell(source) for source in NOTEBOOK.split("\n---\n")]
    notebook = execute(with_colab(new_notebook(cells=cells)), ROOT)
    figure, slider = [cell.outputs[0].data for cell in notebook.cells[1:3]]
    assert set(figure) == {"text/plain", "image/svg+xml"}
    assert figure["text/plain"] == "<Figure size 300x200 with 1 Axes>"
    assert slider["text/plain"] == "<Scrubber bend: 3 frames, 1 to 4>"
    assert problems(normalise(notebook)) == []


def test_the_library_stays_light():
    code = "import sys, noetherlib; print({'matplotlib', 'ipywidgets', 'IPython'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "set()", run.stderr


# ---- what a page prints and draws --------------------------------------------------------------------------


def test_tables_are_aligned(capsys):
    nl.display.table(["what", "T"], [["short", 1.23456], ["much longer", 12345]])
    assert capsys.readouterr().out == "what             T\nshort        1.235\nmuch longer  12345\n"
    with pytest.raises(ValueError, match="one for each head"):
        nl.display.table(["what"], [["a", "b"]])
    with pytest.raises(ValueError, match="80 columns wide, at most 76"):
        nl.display.table(["what"], [[80 * "x"]])


def test_roundoff_is_told_in_words():
    assert nl.display.small(-3e-12) == "below 1e-10"
    assert nl.display.small(2e-3, 1e-3) == "2.0e-03"


def test_a_refusal_gives_its_message_and_its_absence_fails():
    assert "functional" in nl.display.refusal(
        nl.action, nl.models.double_well(0.1), [[0.0], [1.0]], [0.0, 1.0], "x"
    )
    with pytest.raises(AssertionError, match="was not refused"):
        nl.display.refusal(abs, 1)


def test_a_path_is_drawn_with_its_ends_and_its_clock():
    _, ax = plt.subplots()
    t = np.array([0.0, 1, 4])
    path = nl.least_action_path(nl.models.ornstein_uhlenbeck(2, 1.0, 1.0), [0, 0], [1, 1], t)
    line = nl.display.draw_path(ax, path, clock=2, lw=1)
    assert line.get_color() == nl.display.PATH
    clock, ends = ax.lines[1:]
    np.testing.assert_allclose(clock.get_xdata()[1], np.interp(2, t, path.x[:, 0]))
    np.testing.assert_array_equal(ends.get_xdata(), [0, 1])
    nl.display.draw_path(ax, path.x, ends=False)
    assert len(ax.lines) == 4
    with pytest.raises(ValueError, match="dim at least 2"):
        nl.display.draw_path(ax, np.zeros((4, 1)))
    plt.close("all")


def test_glue_leaves_what_myst_nbs_leaves(tmp_path):
    code = "import sympy\nglue('a', 1.5, display=False)\nglue('b', sympy.Symbol('x') ** 2)"
    theirs, ours = (
        execute(new_notebook(cells=[new_code_cell(f"from {package} import glue\n{code}")]), tmp_path)
        for package in ("myst_nb", "noetherlib.display")
    )
    assert ours.cells[0].outputs == theirs.cells[0].outputs
    assert len(ours.cells[0].outputs) == 2
