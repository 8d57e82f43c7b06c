"""How the ledger looks: numbers rounded so that two machines print the same, as text and as a table."""

from html import escape
from math import ceil, floor, log10
from textwrap import wrap

WIDTH = 76  # columns of a page of the book


def place(error):
    """Decimals that show an error to one digit, or to two where it begins with a 1."""
    exponent = floor(log10(error))
    return max(0, (error / 10.0**exponent < 2) - exponent)


def decimals(value, within):
    """`value` to one digit more than `within` tests, seven at most."""
    if abs(value) >= 1e6 or within < abs(value) < 1e-4:
        return f"{value:.3g}"
    most = 6 - floor(log10(abs(value))) if value else 4
    text = f"{value:.{max(0, min(most, 1 + ceil(-log10(within))))}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def significant(value):
    """`value` to three digits, or to two where it is below 100 or shown as a power of ten."""
    return f"{value:.2g}" if abs(value) < 100 or abs(value) >= 1e6 else f"{float(f'{value:.3g}'):.0f}"


def bound(size):
    """A bound as it was stated: 0.05, 1e-4."""
    return f"{size:g}".replace("e-0", "e-").replace("e+0", "e") if size >= 1e-3 else _scientific(size)


def _scientific(size):
    digits, exponent = f"{size:.1e}".split("e")
    return f"{digits.removesuffix('.0')}e{int(exponent)}"


def margin(size, off, roundoff=False):
    """Bound over difference: two digits where it is close, a power of ten where it is not."""
    if roundoff:
        return "roundoff"
    if off * 10 < size:
        return next(f"> {level}" for level in (1000, 100, 10) if off * level < size)
    return f"{size / off:.1f}"


def plain(heads, rows):
    """The ledger as text, no line wider than `WIDTH`."""
    lines = []
    for number, (words, *cells) in enumerate(rows, start=1):
        values = "; ".join(f"{head.lower()} {cell}" for head, cell in zip(heads[1:], cells) if cell)
        for part, first in ((words, f"{number:2d}. "), (values, "    ")):
            lines += wrap(part, WIDTH, initial_indent=first, subsequent_indent="    ")
    return "\n".join(lines) or "no claim stated"


def table(heads, rows):
    """The ledger as HTML. Each cell knows its head, for narrow screens, where rows become cards."""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "\n".join(
        "<tr>" + "".join(f'<td data-head="{h}">{escape(c) or "–"}</td>' for h, c in zip(heads, row)) + "</tr>"
        for row in rows
    )
    return f'<table class="nl-claims">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'
