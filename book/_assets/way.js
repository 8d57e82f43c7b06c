/* The way through the book that a reader chose on its first page: kept in this browser, and told to no one. */
(() => {
  const KEY = "noether-way";
  let chosen; // {way, step}: which, and the page on it that was read last
  try {
    chosen = JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return; // nothing can be kept: nothing is shown
  }
  const all = (selector) => [...document.querySelectorAll(selector)];
  const keep = (value) => {
    chosen = value;
    try { localStorage.setItem(KEY, JSON.stringify(value)); } catch { /* full: it lasts as long as the page */ }
  };

  function show() {
    for (const line of all(".way-line")) {
      line.hidden = line.dataset.way !== chosen.way;
      if (!line.hidden && line.dataset.step) keep({ way: chosen.way, step: Number(line.dataset.step) });
    }
    for (const button of all(".way-choose")) {
      const taken = button.dataset.way === chosen.way;
      button.hidden = false;
      button.textContent = `${taken ? "Leave" : "Take"} this way: ${button.dataset.name}`;
      button.onclick = () => {
        keep(taken ? {} : { way: button.dataset.way, step: 0 });
        show();
      };
    }
    for (const place of all(".way-resume")) {
      place.hidden = place.dataset.way !== chosen.way;
      const links = [...place.closest(".way").querySelectorAll("a.reference")];
      const link = links[Math.max(chosen.step, 1) - 1]?.cloneNode(true);
      if (place.hidden || !link) continue;
      place.replaceChildren(chosen.step ? `You were at ${chosen.step} of ${links.length}: ` : "Begin with ", link);
    }
  }

  show();
  document.addEventListener("DOMContentLoaded", show);
})();
