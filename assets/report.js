// Sorts the table of keys by a column.
"use strict";
for (const button of document.querySelectorAll("table.keys th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, column = head.cellIndex, body = head.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    const rows = Array.from(body.rows).sort((a, b) => order(value(a), value(b)));
    body.append(...(down ? rows.reverse() : rows));
  });
}
