"""How a table is printed: the ratio first, so that a phone shows it; no line wider than a page shows."""

from textwrap import fill

from noetherlib.claims.text import WIDTH


def heading(title):
    """What the rows below are about."""
    print(f"\n{fill(title, WIDTH)}")


def line(name, ratio, needs="", memory=None, note=""):
    """One row: a ratio and its name; below, what the ratio needs to be, megabytes, and what else there is."""
    print(f"{ratio:9.2f}  {name}", flush=True)
    needs, memory = needs and f"needs {needs}", "" if memory is None else f"{memory:.1f} MB"
    if told := "; ".join(filter(None, [needs, memory, note])):
        print(fill(told, WIDTH, initial_indent=11 * " ", subsequent_indent=11 * " "), flush=True)
