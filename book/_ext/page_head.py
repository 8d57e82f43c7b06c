"""What the theme puts into every page and this book mends: see also book/_templates."""


def drop_thebe(app, pagename, templatename, context, doctree):
    """No page runs code through thebe, whose script is declared twice: an error on every page."""
    for kind in ["script_files", "css_files"]:
        context[kind] = [file for file in context[kind] if "thebe" not in f"{file} {vars(file)}".lower()]


def defer_scripts(app, pagename, templatename, context, doctree):
    """Scripts wait until the page is read. One may not: those within the page go on from what it says."""
    if pagename == "search":
        return  # the theme gives it more of them, which do not wait
    context["script_files"] = [
        type(file)(file.filename, priority=file.priority, **{"defer": "defer", **file.attributes})
        if file.filename and not file.filename.endswith("documentation_options.js")
        else file
        for file in context["script_files"]
    ]


MENDED = {
    # a folded cell is named by the words that it shows: a label of its own would hide them
    '<summary aria-label="Toggle hidden content">': "<summary>",
    # entries of a bibliography are items of its list; the role that says so otherwise is given up by ARIA
    'role="doc-biblioentry"': 'role="listitem"',
}


def mend(app, pagename, templatename, context, doctree):
    if "body" in context:
        for theirs, ours in MENDED.items():
            context["body"] = context["body"].replace(theirs, ours)


def setup(app):
    # after the extensions that add to these lists
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("html-page-context", defer_scripts, priority=900)
    app.connect("html-page-context", mend)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
