/* Paper is light, whatever the screen was. */
(() => {
  const root = document.documentElement;
  let theme;
  window.addEventListener("beforeprint", () => { theme = root.dataset.theme; root.dataset.theme = "light"; });
  window.addEventListener("afterprint", () => { root.dataset.theme = theme; });
})();
