"use strict";
// Sorts a table by the column whose title is pressed; numbers by value, blank cells last.
function sortTable(table, column, direction) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const rows = Array.from(body.rows).map((row, index) => ({ row, index, text: key(row) }));
  const isNumber = rows.every((each) => each.text === "" || !Number.isNaN(Number(each.text)));
  rows.sort((a, b) => {
    if ((a.text === "") !== (b.text === "")) return a.text === "" ? 1 : -1;
    const order = isNumber ? Number(a.text) - Number(b.text) : a.text.localeCompare(b.text);
    return direction * order || a.index - b.index;
  });
  body.append(...rows.map((each) => each.row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((cell, column) => {
    cell.querySelector("button").addEventListener("click", () => {
      const isAscending = cell.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", isAscending ? "descending" : "ascending");
      sortTable(table, column, isAscending ? -1 : 1);
    });
  });
}
