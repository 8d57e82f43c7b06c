"""The built site, as readers meet it: in a browser, wide and on a phone, in light and dark.

What is tested is the site that `make book` left in _build/html, if it was made of what is here now. Skipped
where it is not, and where there is no Chromium; under CI a browser that is missing is a failure.
"""

import gzip
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

import pytest
from pypdf import PdfReader

from tools import browser, build, live, pdf, vendor
from tools.browser import CI, VIEW

SITE = build.INDEX.parent
WEB = vendor.fetched(build.BUILD)
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if not path.relative_to(SITE).parts[0].startswith("_") and path.relative_to(SITE).parts[0] != live.FOLDER
)
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
MAX_WEIGHT = 1_500_000  # bytes of a page and all that it loads, compressed, before its reader does anything
WIDGETS = "_static/vendor/widgets/"

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


@pytest.fixture(scope="module")
def address():
    with browser.served(SITE) as address:
        yield address


@pytest.fixture(scope="module")
def window():
    if browser.find() is None:
        pytest.fail(browser.MISSING) if CI else pytest.skip(browser.MISSING)
    with browser.launched() as window:
        yield window


def broken(request):
    """The complaint about a request that failed: none if the page was left before it was answered."""
    return [] if request.failure == "net::ERR_ABORTED" else [f"failed: {request.url} ({request.failure})"]


@pytest.fixture
def opened(window, address):
    """open(name, size, scheme) gives a page that has loaded; what it complained of is checked at the end."""
    contexts, complaints = [], []

    def open(name, size=DESKTOP, scheme="light"):
        context = window.new_context(viewport=size, color_scheme=scheme, has_touch=size is PHONE)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(browser.PATIENCE)
        tab.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        tab.on("requestfailed", lambda request: complaints.extend(broken(request)))
        tab.on("response", lambda r: r.status >= 400 and complaints.append(f"{r.status}: {r.url}"))
        tab.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or complaints.append(r.url))
        tab.asked = set()  # the files that it loaded
        tab.on("request", lambda r: tab.asked.add(urlsplit(r.url.removeprefix(address)).path))
        tab.goto(address + name)
        return tab

    yield open
    for context in contexts:
        context.close()
    assert complaints == []


@cache
def weight(file):
    """Of a file of the site, compressed as web servers do; fonts and photographs are already."""
    data = (SITE / file).read_bytes() if (SITE / file).is_file() else b""
    return len(data) if file.endswith((".woff", ".woff2", ".png")) else len(gzip.compress(data))


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


def cut_off(tab):
    """The code, output and displayed formulas, folded or not, that the column cuts off: where each begins."""
    return tab.evaluate(
        """() => {
            const hidden = [...document.querySelectorAll("article .toggle-hidden")];
            const folds = [...document.querySelectorAll("article details:not([open])")];
            hidden.forEach(each => { each.classList.remove("toggle-hidden"); });
            folds.forEach(fold => { fold.open = true; });
            const cut = [...document.querySelectorAll("article pre, article mjx-container[display='true']")]
                .filter(each => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
                .map(each => each.textContent.trim().slice(0, 60));
            folds.forEach(fold => { fold.open = false; });
            hidden.forEach(each => { each.classList.add("toggle-hidden"); });
            return cut;
        }"""
    )


def unreachable(tab):
    """Displayed formulas that begin left of the box which scrolls them: by how much, and their section."""
    return tab.evaluate(
        """() => [...document.querySelectorAll("div.math")].flatMap(box => {
            const signs = [...box.querySelectorAll("mjx-mi, mjx-mo, mjx-mn")]
                .map(sign => sign.getBoundingClientRect()).filter(sign => sign.width);
            const room = box.getBoundingClientRect().left - Math.min(...signs.map(sign => sign.left));
            return signs.length && room > 1 ? [[room, box.closest("section").id]] : [];
        })"""
    )


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
    tab.locator("details.skippable").evaluate_all("folds => folds.forEach(fold => { fold.open = true; })")
    browser.draw_all(tab)
    assert sum(weight(file) for file in tab.asked if not file.startswith(WIDGETS)) <= MAX_WEIGHT
    assert overflow(tab) <= 0
    assert cut_off(tab) == []
    turn(tab, PHONE, "light")
    assert overflow(tab) <= 0
    assert unreachable(tab) == []
    for scrubber in tab.locator(".nl-scrubber").all():
        assert scrubber.locator(".noUi-target").bounding_box()["width"] >= 100  # a thumb must find its way
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


def page_with_sliders():
    return next(name for name in PAGES if "jupyter.widget-view" in (SITE / name).read_text(encoding="utf-8"))


def test_what_draws_sliders_is_loaded_when_one_nears_the_view(opened):
    tab = opened(page_with_sliders())
    tab.wait_for_load_state("networkidle")
    assert not any(file.startswith(WIDGETS) for file in tab.asked)
    tab.locator(VIEW).first.evaluate("view => view.parentElement.scrollIntoView()")
    tab.locator(".nl-scrubber .noUi-handle[aria-label]").first.wait_for()
    assert any(file.startswith(WIDGETS) for file in tab.asked)


def test_sliders_on_a_phone_take_a_tap_and_play(opened):
    tab = opened(page_with_sliders(), PHONE, "dark")
    tab.locator(VIEW).first.evaluate("view => view.parentElement.scrollIntoView()")
    scrubber = tab.locator(".nl-scrubber").first
    scrubber.locator(".noUi-handle[aria-label]").wait_for()
    before, text = shown(scrubber), scrubber.locator(".widget-readout").text_content()
    scrubber.locator(".noUi-base").tap()  # at its middle
    text, middle = until_changed(scrubber, text), shown(scrubber)
    assert middle != before
    scrubber.locator(".widget-play button").first.press("Enter")
    until_changed(scrubber, text)
    assert shown(scrubber) != middle


def test_questions_are_answered_by_keyboard(opened):
    tab = opened("foundations/noisy-systems.html")
    answers = tab.locator(".quiz").first.locator(".quiz-answer")
    reasons = answers.locator(".quiz-why")
    assert not any(reason.is_visible() for reason in reasons.all())
    answers.locator("input").first.focus()
    tab.keyboard.press("Space")
    assert [reason.is_visible() for reason in reasons.all()][:2] == [True, False]
    tab.keyboard.press("ArrowDown")
    assert [reason.is_visible() for reason in reasons.all()][:2] == [False, True]


def test_search_finds_a_term(opened):
    tab = opened("search.html?q=Onsager")
    tab.locator("#search-results li a").first.wait_for()
    tab.wait_for_function("() => /found/i.test(document.querySelector('.search-summary')?.innerText)")


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("factor of two", "reference/notation"),
        ("Wilson-Cowan", "beyond/your-own-system"),
        ("head direction", "beyond/equivariant-networks"),
        ("diffusion model", "reference/glossary"),
        ("escape rate", "reference/glossary"),
        ("Langevin equation", "reference/glossary"),
    ],
)
def test_search_finds_what_newcomers_type_among_the_first_five(opened, typed, found):
    tab = opened(f"search.html?q={quote(typed)}")
    tab.wait_for_function("() => /found/i.test(document.querySelector('.search-summary')?.innerText)")
    links = tab.locator("#search-results ul.search > li > a:first-of-type")
    links.nth(min(4, links.count() - 1)).wait_for()
    first = [link.get_attribute("href") for link in links.all()[:5]]
    assert any(link.startswith(f"{found}.html") for link in first)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_way_is_taken_on_a_phone(opened, scheme):
    tab = opened("index.html", PHONE, scheme)
    tab.add_style_tag(content=STILL)
    tab.get_by_role("button", name="Take this way: Neuroscience").tap()
    assert overflow(tab) <= 0 and barriers(tab) == []
    tab.goto(tab.url.replace("index.html", "paper/several-attractors.html"))
    line = tab.get_by_role("navigation", name="Your way through the book")
    assert line.inner_text().startswith("Neuroscience 7 of 9 · next: ")
    tab.evaluate(THIN)
    tab.add_style_tag(content=STILL)
    assert overflow(tab) <= 0 and barriers(tab) == []


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


def test_the_book_prints(window, address):
    """First and last chapter and one between, joined as `make pdf` joins all."""
    first, *others, last = build.chapters()
    between = page_with_sliders().removesuffix(".html")
    assert between in others
    file = BytesIO()
    pdf.join([first, between, last], address, window).write(file)
    book = PdfReader(file)
    words = [sheet.extract_text() for sheet in book.pages]
    for name, sheet in [(first, words[0]), (last, "".join(words[-3:]))]:
        title = page(f"{name}.html").meta["og:title"]
        assert title.split()[0] in sheet and title.split()[-1] in sheet
    assert not any("Ctrl" in sheet or "Skip to" in sheet for sheet in words)
    assert [sheet.split()[0] for sheet in words] == [str(number) for number in range(1, len(words) + 1)]
    assert len([entry for entry in book.outline if not isinstance(entry, list)]) == 3
    assert any(sheet.images for sheet in book.pages)
    links = [link.get_object() for sheet in book.pages for link in sheet.get("/Annots", ())]
    within = [link for link in links if "/Dest" in link]
    assert within and not any(link.get("/A", {}).get("/URI", "").startswith("http://127") for link in links)
