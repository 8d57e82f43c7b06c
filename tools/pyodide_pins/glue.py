"""What the pages use of myst-nb, which in the browser only has to show what is glued, not to place it."""

from IPython.display import display as show


def glue(name, variable, display=True):
    if display:
        show(variable)
