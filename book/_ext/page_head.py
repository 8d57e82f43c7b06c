"""What the theme puts into every page's head and this book does not need."""


def drop_thebe(app, pagename, templatename, context, doctree):
    """No page runs code through thebe, whose script is declared twice: an error on every page."""
    for kind in ["script_files", "css_files"]:
        context[kind] = [file for file in context[kind] if "thebe" not in f"{file} {vars(file)}".lower()]


def setup(app):
    # after the extensions that add to these lists
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
