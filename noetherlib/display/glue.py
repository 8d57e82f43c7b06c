"""Values that a page's sentences take up: MyST-NB's `glue`."""

from IPython.core.formatters import format_display_data
from IPython.display import display as show

APART = "application/papermill.record/"  # before the types of what a sentence shows and the cell does not


def glue(name, variable, display=True):
    """Keep a variable, as it is displayed, under a name that the text of the page refers to.

    The same output as of ``myst_nb.glue``, without importing docutils and the schemas of notebooks,
    which takes seconds in every kernel and is not to be had in a browser.

    Parameters
    ----------
    name : str
        Unique in the page: a sentence shows the value by the role ``glue:text`` with this name.
    variable : object
    display : bool, optional
        Whether the cell shows it too.
    """
    shown, metadata = format_display_data(variable)
    before = "" if display else APART
    metadata["scrapbook"] = {"name": name, "mime_prefix": before}
    show({before + kind: value for kind, value in shown.items()}, raw=True, metadata=metadata)
