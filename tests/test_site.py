"""The built site, as readers meet it: in a browser, wide and on a phone, in light and dark.

What is tested is the site that `make book` left in _build/html, if it was made of what is here now. Skipped
where it is not, and where there is no Chromium; under CI a browser that is missing is a failure.
"""

import http.server
import os
import shutil
import threading
from functools import cache, partial
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from playwright.sync_api import sync_playwright

from tools import build, vendor

CI = os.environ.get("CI", "").lower() in {"true", "1"}
SITE = build.INDEX.parent
WEB = vendor.fetched(build.BUILD)
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if not path.relative_to(SITE).parts[0].startswith("_")
)
NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
# it reports to no one, fetches nothing of its own, and needs no display
ARGUMENTS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]'
PATIENCE = 60_000  # milliseconds; machines may be busy

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# axe-core reads every element: leave it each kind of code's colours once, and formulas as their MathML
THIN = """() => {
    const seen = new Set();
    for (const token of document.querySelectorAll(".highlight pre span")) {
        if (seen.has(token.className)) token.replaceWith(token.textContent);
        seen.add(token.className);
    }
    document.querySelectorAll("mjx-math, svg[role=img] > :not(title)").forEach(drawn => drawn.remove());
}"""
STILL = "* { transition: none !important; animation: none !important }"  # no colour is caught on its way


def problem():
    """Why the site cannot be tested, or None."""
    if not build.INDEX.exists():
        return "the site is not built: `make book` first"
    if WEB is None:
        return "the site was built without npm: its pages ask content networks"
    if not build.current(WEB):
        return "the site was built from other files than these: `make book` first"
    return None


pytestmark = pytest.mark.skipif(
    problem() is not None and not (CI and build.INDEX.exists()), reason=str(problem())
)


def test_the_site_can_be_tested():
    assert problem() is None


class Page(HTMLParser):
    """The parts of a page that can be wrong without a browser."""

    def __init__(self, name):
        super().__init__()
        self.ids, self.links, self.pictures, self.meta = set(), [], [], {}
        self.feed((SITE / name).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids |= {found[key] for key in ("id", "name") if found.get(key)}
        self.links += [found[key] for key in ("href", "src") if found.get(key)]
        if tag == "img" or tag == "svg" and found.get("role") == "img":
            self.pictures.append(found)
        if tag == "meta":
            self.meta[found.get("name") or found.get("property")] = found.get("content")


page = cache(Page)


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_is_described(name):
    """With words: without alt text of its own, a figure gets the name of its file."""
    silent = []
    for picture in page(name).pictures:
        words = picture.get("alt") or picture.get("aria-label")
        # the logo and a card's picture stand in a link beside the words that name it
        decoration = picture.get("alt") == "" and (name == "index.html" or "logo" in picture["class"])
        if not decoration and (not words or words.endswith((".png", ".svg")) or "_images/" in words):
            silent.append(picture.get("src", "an SVG"))
    assert silent == []


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"404.html", "genindex.html", "search.html"}))
def test_a_list_can_show_the_page(name):
    meta = page(name).meta
    assert meta["og:title"] and len(meta["description"]) > 60


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name):
    broken = []
    for link in page(name).links:
        target, fragment = urldefrag(urljoin(name, link))
        if urlsplit(target).scheme or urlsplit(target).netloc or link.startswith("data:"):
            continue
        target = unquote(urlsplit(target).path)
        if not (SITE / target).is_file():
            broken.append(link)
        elif fragment and target.endswith(".html") and unquote(fragment) not in page(target).ids:
            broken.append(link)
    assert broken == []


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        missing = "no Chromium in PATH, and CHROMIUM names none"
        pytest.fail(missing) if CI else pytest.skip(missing)
    with sync_playwright() as playwright:
        # its sandbox needs a user who is not root
        sandbox = os.geteuid() != 0 and not CI
        yield playwright.chromium.launch(executable_path=path, args=ARGUMENTS, chromium_sandbox=sandbox)


@pytest.fixture
def opened(browser, address):
    """open(name, size, scheme) gives a page that has settled; what it complained of is checked at the end."""
    contexts, complaints = [], []

    def open(name, size=DESKTOP, scheme="light"):
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=size is PHONE)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(PATIENCE)
        tab.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        tab.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        tab.on("response", lambda r: r.status >= 400 and complaints.append(f"{r.status}: {r.url}"))
        tab.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or complaints.append(r.url))
        tab.goto(address + name)
        settle(tab)
        return tab

    yield open
    for context in contexts:
        context.close()
    assert complaints == []


def settle(tab):
    """Wait for formulas, and for the sliders, which are drawn once they come near."""
    tab.wait_for_function("() => !window.MathJax?.startup || MathJax.startup.promise.then(() => true)")
    sliders = tab.locator(VIEW).count()
    if sliders:
        tab.locator(VIEW).first.evaluate("view => view.parentElement.scrollIntoView()")
        drawn = "count => document.querySelectorAll('.nl-scrubber .noUi-handle[aria-label]').length >= count"
        tab.wait_for_function(drawn, arg=sliders)


def turn(tab, size, scheme):
    """Another window and theme, and what the theme's scripts then do: code that scrolls gets a tab stop."""
    tab.set_viewport_size(size)
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
    tab.wait_for_function(
        """() => [...document.querySelectorAll("pre[tabindex='-1']")]
            .every(code => code.scrollWidth <= code.clientWidth)"""
    )


def overflow(tab):
    """By how many pixels the page is wider than the window."""
    return tab.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")


def barriers(tab):
    """What axe-core finds that keeps people out."""
    if not tab.evaluate("() => 'axe' in window"):
        tab.evaluate((WEB / "axe.min.js").read_text(encoding="utf-8"))
    found = tab.evaluate("tags => axe.run({runOnly: tags, preload: false})", WCAG)
    return [(each["id"], node["html"][:200]) for each in found["violations"] for node in each["nodes"]]


def shown(scrubber):
    """The one frame that can be seen."""
    frames = scrubber.evaluate(
        """scrubber => [...scrubber.querySelectorAll("svg[role=img], img[alt]")]
            .filter(frame => frame.checkVisibility()).map(frame => frame.outerHTML)"""
    )
    assert len(frames) == 1
    return frames[0]


def until_changed(scrubber, text):
    """Wait until the text beside the slider is another one."""
    readout = scrubber.locator(".widget-readout")
    scrubber.page.wait_for_function(
        "([readout, text]) => readout.textContent !== text", arg=[readout.element_handle(), text]
    )
    return readout.text_content()


@pytest.mark.parametrize("name", PAGES)
def test_page(opened, name):
    tab = opened(name)
    assert overflow(tab) <= 0
    turn(tab, PHONE, "light")
    assert overflow(tab) <= 0
    for scrubber in tab.locator(".nl-scrubber").all():
        handle, before = scrubber.locator(".noUi-handle"), shown(scrubber)
        text = scrubber.locator(".widget-readout").text_content()
        last = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        handle.press("ArrowLeft" if last else "ArrowRight")
        assert until_changed(scrubber, text) == handle.get_attribute("aria-valuetext")
        assert shown(scrubber) != before
    tab.evaluate(THIN)
    tab.add_style_tag(content=STILL)
    assert barriers(tab) == []
    turn(tab, DESKTOP, "dark")
    assert barriers(tab) == []


def test_sliders_on_a_phone_take_a_tap_and_play(opened):
    name = next(name for name in PAGES if "jupyter.widget-view" in (SITE / name).read_text(encoding="utf-8"))
    tab = opened(name, PHONE, "dark")
    scrubber = tab.locator(".nl-scrubber").first
    before, text = shown(scrubber), scrubber.locator(".widget-readout").text_content()
    scrubber.locator(".noUi-base").tap()  # at its middle
    text, middle = until_changed(scrubber, text), shown(scrubber)
    assert middle != before
    scrubber.locator(".widget-play button").first.press("Enter")
    until_changed(scrubber, text)
    assert shown(scrubber) != middle


def test_search_finds_a_term(opened):
    tab = opened("search.html?q=Onsager")
    tab.locator("#search-results li a").first.wait_for()
    tab.wait_for_function("() => /found/i.test(document.querySelector('.search-summary')?.innerText)")


def test_search_is_reached_by_keyboard(opened):
    tab = opened("index.html")
    tab.keyboard.press("Control+k")
    tab.keyboard.type("momentum")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/search.html?q=momentum")
    tab.locator("#search-results li a").first.wait_for()
    tab.wait_for_function("() => /found/i.test(document.querySelector('.search-summary')?.innerText)")


def test_the_theme_can_be_chosen(opened):
    tab = opened("index.html")
    button = tab.locator(".theme-switch-button:visible")
    button.click()
    assert tab.evaluate("() => document.documentElement.dataset.theme") == "dark"
    tab.reload()
    assert tab.evaluate("() => document.documentElement.dataset.theme") == "dark"
