/* Sliders over pictures, on a page without a kernel (noetherlib.display.scrubber).

The widget bundle, named by this script's data-bundle, is large: it is loaded once a slider nears the view.
Then what the widgets leave out is added: names and values for those who hear the page. */
(() => {
  const self = document.currentScript;
  const bundle = new URL(self.dataset.bundle, self.src).href;
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';

  function load() {
    // the widgets call MathJax 2; their texts hold no mathematics
    if (window.MathJax) window.MathJax.Hub ??= { Queue() {} };
    // the bundle waits for the window to load, which it has: whoever waits for that now need not
    const listen = window.addEventListener;
    window.addEventListener = function (type, listener, ...rest) {
      if (type === "load") setTimeout(listener);
      else listen.call(this, type, listener, ...rest);
    };
    const script = document.createElement("script");
    script.src = bundle;
    script.onload = script.onerror = () => { window.addEventListener = listen; };
    document.head.append(script);
  }

  function describe(scrubber) {
    const find = (selector) => scrubber.querySelector(selector);
    const [handle, readout, label] = [".noUi-handle", ".widget-readout", ".widget-label"].map(find);
    const [play, stop] = scrubber.querySelectorAll(".widget-play button");
    const stack = scrubber.lastElementChild;
    if (!handle || !readout || !play || stack.hasAttribute("aria-live")) return;
    const name = label.textContent;
    const tell = () => handle.setAttribute("aria-valuetext", readout.textContent);
    handle.setAttribute("aria-label", name);
    readout.contentEditable = "false";
    tell();
    new MutationObserver(tell).observe(readout, { childList: true, characterData: true, subtree: true });
    play.setAttribute("aria-label", `Play or pause: ${name}`);
    stop.setAttribute("aria-label", `Back to the start: ${name}`);
    // the new picture is read out while the handle is moved by hand, not while playing
    stack.setAttribute("aria-live", "off");
    handle.addEventListener("focus", () => stack.setAttribute("aria-live", "polite"));
    handle.addEventListener("blur", () => stack.setAttribute("aria-live", "off"));
  }

  function watch() {
    const outputs = [...document.querySelectorAll(VIEW)].map((view) => view.parentElement);
    let started = false;
    const start = () => {
      if (!started) load();
      started = true;
    };
    const nearing = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) start();
    }, { rootMargin: "800px" });
    window.addEventListener("beforeprint", start);
    const drawing = new MutationObserver(() => document.querySelectorAll(".nl-scrubber").forEach(describe));
    for (const output of outputs) {
      nearing.observe(output);
      drawing.observe(output, { childList: true, subtree: true });
    }
  }

  if (document.readyState === "complete") watch();
  else window.addEventListener("load", watch);
})();
