"""What a page prints: aligned tables, roundoff in words, the message of a refusal."""

from numbers import Integral, Real

WIDTH = 76  # columns of a page of the book


def table(heads, rows):
    """Print rows below their heads, in columns: numbers to the right, words to the left.

    Parameters
    ----------
    heads : sequence of str
    rows : iterable of sequences
        Text stays as it is; a float is shown to four digits, unless you format it yourself.

    Raises
    ------
    ValueError
        If a row has another length than the heads, or the table would be wider than a page's 76 columns.
    """
    rows = [list(row) for row in rows]
    for row in rows:
        if len(row) != len(heads):
            raise ValueError(f"every row needs {len(heads)} entries, one for each head; one has {len(row)}")
    shown = [list(heads), *([_entry(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown)]
    if sum(widths) + 2 * len(widths) - 2 > WIDTH:
        raise ValueError(
            f"the table is {sum(widths) + 2 * len(widths) - 2} columns wide, at most {WIDTH} fit"
        )
    numbers = [all(not isinstance(cell, str) for cell in column) for column in zip(*rows)] or [False] * len(
        heads
    )
    for row in shown:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numbers)
        )
        print("  ".join(cells).rstrip())


def _entry(cell):
    return f"{cell:.4g}" if isinstance(cell, Real) and not isinstance(cell, Integral) else str(cell)


def small(value, bound=1e-10):
    """``"below 1e-10"`` where \\|value\\| is, else the number: machines differ in roundoff."""
    return f"below {bound:g}" if abs(value) < bound else f"{value:.1e}"


def refusal(function, *arguments, **keywords):
    """Call what should be refused, and return the message of the ValueError.

    Raises
    ------
    AssertionError
        If it is not refused.
    """
    try:
        function(*arguments, **keywords)
    except ValueError as error:
        return str(error)
    raise AssertionError(f"{getattr(function, '__name__', 'the call')} was not refused")
