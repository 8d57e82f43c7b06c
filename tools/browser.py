"""The built site in a browser without a window: for its tests, and to print it."""

import http.server
import os
import shutil
import threading
from contextlib import contextmanager
from functools import partial

from playwright.sync_api import sync_playwright

from tools.environment import CI

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
# it reports to no one, fetches nothing of its own, and needs no display
ARGUMENTS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
MISSING = "no Chromium in PATH, and CHROMIUM names none"
PATIENCE = 60_000  # milliseconds; machines may be busy
VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]'


def find():
    """The browser's path, or None."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched():
    with sync_playwright() as playwright:
        # its sandbox needs a user who is not root
        sandbox = os.geteuid() != 0 and not CI
        browser = playwright.chromium.launch(executable_path=find(), args=ARGUMENTS, chromium_sandbox=sandbox)
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def served(folder):
    """The address at which the folder is served."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def draw_all(tab):
    """Draw every formula and every slider, which otherwise wait until they near the view."""
    tab.set_default_timeout(PATIENCE)
    tab.wait_for_function("() => !window.MathJax || MathJax.startup?.promise?.then(() => true)")
    tab.evaluate("() => { window.dispatchEvent(new Event('beforeprint')); }")
    tab.wait_for_function("() => !document.querySelector('mjx-lazy')")
    tab.wait_for_function(
        "count => document.querySelectorAll('.nl-scrubber .noUi-handle[aria-label]').length >= count",
        arg=tab.locator(VIEW).count(),
    )
    tab.evaluate("() => { window.dispatchEvent(new Event('afterprint')); }")
