/* What is folded opens for a link into it, and on paper. */
(() => {
  const folded = () => [...document.querySelectorAll("details.skippable:not([open])")];
  function reveal() {
    let part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    part = part?.querySelector(":scope > details.skippable") ?? part; // a section that is folded itself
    for (; part; part = part.parentElement) if (part.matches("details.skippable")) part.open = true;
  }
  let opened = [];
  window.addEventListener("beforeprint", () => { opened = folded(); opened.forEach((part) => { part.open = true; }); });
  window.addEventListener("afterprint", () => { opened.forEach((part) => { part.open = false; }); });
  window.addEventListener("hashchange", reveal);
  document.addEventListener("DOMContentLoaded", reveal);
})();
