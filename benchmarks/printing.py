"""How a table is printed: no line wider than a page of the book shows, notes on lines of their own."""

from textwrap import fill

from noetherlib.claims.text import WIDTH


def heading(title):
    """What the rows below are about, and the names of their columns."""
    print(f"\n{fill(title, WIDTH)}\n{'':46s} {'ratio':>9s}  {'needs':8s} {'MB':>7s}")


def line(name, ratio, needs="", memory=None, note=""):
    """One row: a ratio, what it needs to be, megabytes, and below it what else was measured."""
    memory = "" if memory is None else f"{memory:.1f}"
    print(f"  {name:44s} {ratio:9.2f}  {needs:8s} {memory:>7s}".rstrip(), flush=True)
    if note:
        print(fill(note, WIDTH, initial_indent=6 * " ", subsequent_indent=6 * " "), flush=True)
