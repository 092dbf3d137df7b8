// Copying, sorting, and opening what is folded before printing. The page is whole without it.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");

  async function copy(text, source) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand("copy");
    }
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      const done = await copy(source.textContent, source);
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });
  }

  const keyOf = (row, column, kind) => {
    const cell = row.cells[column];
    return kind === "number" ? Number(cell.dataset.value) : cell.textContent.trim();
  };

  function sort(table, heading, column) {
    const kind = heading.dataset.sort;
    const first = kind === "number" ? "descending" : "ascending";
    const now = heading.getAttribute("aria-sort");
    const order = now === null ? first : now === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const compare = (a, b) => (kind === "number" ? a - b : a.localeCompare(b));
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => sign * compare(keyOf(a, column, kind), keyOf(b, column, kind)));
    table.tBodies[0].append(...rows);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.replaceChildren(button);
      button.addEventListener("click", () => sort(table, heading, column));
    });
  }

  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details")) folded.open = true;
  });

  // The library's script comes after this one; without it, or where it fails, the drawing that is in the page stays.
  addEventListener("DOMContentLoaded", async () => {
    if (!window.vegaEmbed) return;
    for (const place of document.querySelectorAll(".chart")) {
      const spec = JSON.parse(document.getElementById(place.id.replace("chart-", "spec-")).textContent);
      const live = document.createElement("div");
      const still = place.firstElementChild;
      place.append(live);
      try {
        // `ast`: expressions are interpreted, so that the page needs no permission to evaluate code.
        await window.vegaEmbed(live, spec, { actions: false, ast: true, renderer: "svg", defaultStyle: false,
          tooltip: { theme: "plain", disableDefaultStyle: true } });
        still.remove();
        place.classList.add("live");
        const drawing = live.querySelector("svg");
        drawing.setAttribute("role", "img");
        drawing.setAttribute("aria-label", place.dataset.title);
      } catch (error) {
        live.remove();
        console.warn("The chart stays as it was drawn:", error);
      }
    }
  });
})();
