// The heads of the table of claims sort it: by words, or by the margin as a number.
document.querySelectorAll("table.ledger").forEach((table) => {
  const body = table.tBodies[0];
  const margin = (text) =>
    Math.min(...text.split(";").map((part) => parseFloat(part.replace(">", "")) || Infinity));
  table.querySelectorAll("thead th").forEach((head, column) => {
    const numeric = head.textContent.trim() === "Margin";
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.querySelector("p").childNodes);
    head.querySelector("p").append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      table.querySelectorAll("thead th").forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => row.cells[column].textContent.trim();
      const compare = numeric
        ? (a, b) => (margin(key(a)) < margin(key(b)) ? -1 : margin(key(a)) > margin(key(b)) ? 1 : 0)
        : (a, b) => key(a).localeCompare(key(b));
      const rows = [...body.rows].sort((a, b) => (up ? compare(a, b) : compare(b, a)));
      body.append(...rows);
    });
  });
});
