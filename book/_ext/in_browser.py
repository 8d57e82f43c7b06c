"""A launch menu's entry that runs the page's notebook in the reader's browser, where the site can.

Nothing of it loads before it is chosen, so it says first how much will.
"""

MENU = {
    "type": "group",
    "tooltip": "Launch interactive content",
    "icon": "fas fa-rocket",
    "label": "launch-buttons",
}


def add(app, pagename, templatename, context, doctree):
    live = app.config.live
    if not live or pagename not in live["megabytes"]:
        return
    buttons = context["header_buttons"]
    menu = next((button for button in buttons if button.get("label") == MENU["label"]), None)
    if menu is None:
        menu = {**MENU, "buttons": []}
        buttons.insert(0, menu)
    size = f"{live['megabytes'][pagename]} MB"
    start = context["pathto"](f"{live['folder']}/notebooks/index.html", 1)
    menu["buttons"].append(
        {
            "type": "link",
            "text": f"Run in the browser ({size})",
            "tooltip": f"Loads about {size} once, then runs here, several times slower than the book says",
            "icon": "fas fa-play",
            "url": f"{start}?path={pagename}.ipynb",
        }
    )


def setup(app):
    app.add_config_value("live", None, "html", types=[dict, type(None)])
    app.connect("html-page-context", add, priority=502)  # after the theme's own entries
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
