"use strict";
// The page reads in full without this script. It adds filters, redraws the map of the matrix, opens
// the strip that a link names, and unfolds strips for paper.
(() => {
  const rows = [...document.querySelectorAll("#attempts tbody tr[data-f]")];
  const parts = [...document.querySelectorAll("[data-f]")];
  const bar = document.getElementById("filters");
  const facets = JSON.parse(bar.dataset.facets);
  const chosen = new Map();
  const selects = new Map();
  const keyOf = (row) => row.querySelector("a").hash.slice(1);
  // Rows and strips of one attempt name it; its row in the table of attempts has the values
  const own = new Map(rows.map((row) => [keyOf(row), row]));
  const of = (part) => (part.dataset.f ? own.get(part.dataset.f) : part).dataset;
  const byValue = (a, b) => a.localeCompare(b, "en", { numeric: true });

  const values = (name) => [...new Set(rows.map((row) => row.dataset[name]))].sort(byValue);
  const told = document.createElement("output");
  const clear = document.createElement("button");
  const fold = document.createElement("details");
  const controls = document.createElement("div");
  let redraw = () => {};

  function apply() {
    for (const part of parts) {
      let off = false;
      for (const [name, value] of chosen) {
        const has = of(part)[name];
        if (has !== undefined && has !== value) off = true;
      }
      part.toggleAttribute("data-off", off);
    }
    const left = rows.filter((row) => !row.hasAttribute("data-off")).length;
    told.value = chosen.size ? `${left} of ${rows.length} attempts` : `${rows.length} attempts`;
    clear.disabled = chosen.size === 0;
    redraw();
  }

  function labelled(title, options, change) {
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.append(title, select);
    for (const [text, value] of options) select.add(new Option(text, value));
    select.addEventListener("change", () => change(select.value));
    return [label, select];
  }

  function only(name, value) {
    if (value === undefined) chosen.delete(name);
    else chosen.set(name, value);
    const select = selects.get(name);
    if (select) select.value = value === undefined ? "" : `=${value}`;
  }

  if (rows.length > 2) {
    for (const [name, title] of facets) {
      const options = values(name);
      if (options.length < 2) continue;
      const [label, select] = labelled(
        title,
        [["all", ""], ...options.map((value) => [value, `=${value}`])],
        (value) => {
          only(name, value ? value.slice(1) : undefined);
          apply();
        },
      );
      select.dataset.filter = name;
      selects.set(name, select);
      controls.append(label);
    }
    if (selects.size) {
      clear.type = "button";
      clear.textContent = "Show all";
      clear.addEventListener("click", () => {
        for (const name of [...chosen.keys()]) only(name, undefined);
        apply();
      });
      told.setAttribute("aria-live", "polite");
      controls.append(clear);
      const summary = document.createElement("summary");
      summary.textContent = "Filter";
      fold.append(summary, controls);
      // On a narrow page the filters would take the screen: there they are unfolded by hand
      fold.open = matchMedia("(min-width: 701px)").matches;
      bar.setAttribute("role", "search");
      bar.setAttribute("aria-label", "Filter panels, tables and strips");
      bar.append(fold, told);
      bar.hidden = false;
    }
  }

  // A column's head sorts its table: numbers as numbers, also with a true minus sign or a comma
  const numberIn = (text) => {
    const plain = text.trim().replaceAll(",", "").replace("−", "-");
    const value = /^[-+]?\d/.test(plain) ? Number.parseFloat(plain) : Number.NaN;
    return value;
  };
  const inOrder = (a, b) => {
    const [x, y] = [numberIn(a), numberIn(b)];
    if (Number.isFinite(x) && Number.isFinite(y)) return x - y;
    if (Number.isFinite(x) !== Number.isFinite(y)) return Number.isFinite(x) ? -1 : 1;
    return byValue(a, b);
  };

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const one of heads) one.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const lines = [...table.tBodies[0].rows];
        lines.sort((a, b) => {
          const [left, right] = [a, b].map((line) => line.cells[column].innerText);
          return down ? inOrder(right, left) : inOrder(left, right);
        });
        table.tBodies[0].append(...lines);
      });
    }
  }
  for (const table of document.querySelectorAll("main .scroll table:not(.heat)")) {
    const lines = [...table.tBodies[0].rows];
    const even = lines.every((line) => line.cells.length === table.tHead.rows[0].cells.length);
    if (table.tHead.rows.length === 1 && table.tBodies.length === 1 && lines.length > 2 && even) {
      sortable(table);
    }
  }

  const map = document.getElementById("heat");
  if (map) {
    const figures = JSON.parse(map.dataset.figures);
    const [first, second, figure] = JSON.parse(map.dataset.first);
    const shown = { rows: first, columns: second, figure };
    const table = map.querySelector("table");
    const titles = facets.filter(([name]) => name !== "result" && values(name).length > 1);
    const titleOf = (name) => titles.find(([key]) => key === name)[1].toLowerCase();

    const cell = (tag, text, scope) => {
      const made = document.createElement(tag);
      made.textContent = text;
      if (scope) made.scope = scope;
      return made;
    };
    const median = (found) => {
      const sorted = [...found].sort((a, b) => a - b);
      const half = sorted.length / 2;
      return Number.isInteger(half) ? (sorted[half - 1] + sorted[half]) / 2 : sorted[half - 0.5];
    };

    function fill(made, group, text) {
      // One attempt: its strip. Several: a button that filters the page for them.
      let link;
      if (group.members.length === 1) {
        link = document.createElement("a");
        link.href = `#${keyOf(group.members[0])}`;
      } else {
        link = document.createElement("button");
        link.type = "button";
        link.title = "Show these attempts";
        link.addEventListener("click", () => {
          only(shown.rows, group.row);
          only(shown.columns, group.column);
          apply();
          document.getElementById("each").scrollIntoView();
        });
      }
      link.textContent = text;
      made.append(link);
      const count = group.members.length;
      if (count > 1) made.append(" ", cell("small", `n ${count}`));
      const lost = count - group.finished;
      if (lost) {
        const mark = cell("span", `✕ ${lost}`);
        mark.className = "lost";
        made.append(" ", mark);
      }
    }

    redraw = () => {
      const at = figures.findIndex(([key]) => key === shown.figure);
      const [, label, digits] = figures[at];
      const groups = new Map();
      for (const row of rows) {
        if (row.dataset.v === undefined || row.hasAttribute("data-off")) continue;
        const [down, across] = [row.dataset[shown.rows], row.dataset[shown.columns]];
        const key = JSON.stringify([down, across]);
        if (!groups.has(key)) {
          groups.set(key, { row: down, column: across, members: [], found: [], finished: 0 });
        }
        const group = groups.get(key);
        group.members.push(row);
        if (row.dataset.result !== "finished") continue;
        group.finished += 1;
        const value = Number(row.dataset.v.split(" ")[at]);
        if (Number.isFinite(value)) group.found.push(value);
      }
      for (const group of groups.values()) {
        group.value = group.found.length ? median(group.found) : undefined;
      }
      const known = [...groups.values()].map((one) => one.value).filter((one) => one !== undefined);
      const [low, high] = [Math.min(...known), Math.max(...known)];
      const has = (name, side) =>
        values(name).filter((value) => [...groups.values()].some((one) => one[side] === value));
      const across = has(shown.columns, "column");
      table.caption.textContent = `${label} by ${titleOf(shown.rows)} and ${titleOf(shown.columns)}`;
      const head = document.createElement("tr");
      head.append(cell("th", titleOf(shown.rows), "col"));
      for (const value of across) {
        const made = cell("th", value, "col");
        made.className = "n";
        head.append(made);
      }
      table.tHead.replaceChildren(head);
      table.tBodies[0].replaceChildren(
        ...has(shown.rows, "row").map((down) => {
          const line = document.createElement("tr");
          line.append(cell("th", down, "row"));
          for (const column of across) {
            const made = document.createElement("td");
            made.className = "n";
            const group = groups.get(JSON.stringify([down, column]));
            if (group === undefined) {
              made.textContent = "–";
            } else if (group.value === undefined) {
              fill(made, group, "–");
            } else {
              const share = high > low ? (group.value - low) / (high - low) : 0;
              made.classList.add(`h${Math.min(5, Math.floor(share * 6))}`);
              fill(made, group, group.value.toFixed(digits).replace("-", "−"));
            }
            line.append(made);
          }
          return line;
        }),
      );
    };

    const choose = map.querySelector(".choose");
    const settings = titles.map(([name, title]) => [title, name]);
    const made = {};
    for (const [part, title, options] of [
      ["figure", "Figure", figures.map(([key, label]) => [label, key])],
      ["rows", "Rows", settings],
      ["columns", "Columns", settings],
    ]) {
      const [label, select] = labelled(title, options, (value) => {
        const other = part === "rows" ? "columns" : "rows";
        // The same setting down and across says nothing: they change places
        if (part !== "figure" && shown[other] === value) {
          shown[other] = shown[part];
          made[other].value = shown[other];
        }
        shown[part] = value;
        redraw();
      });
      select.value = shown[part];
      made[part] = select;
      choose.append(label);
    }
    choose.hidden = false;
  }

  if (!bar.hidden) apply();

  function openTarget() {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") {
      target.open = true;
      target.scrollIntoView();
    }
  }
  addEventListener("hashchange", openTarget);
  openTarget();

  const unfolded = [];
  addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details.print:not([open])")) {
      one.open = true;
      unfolded.push(one);
    }
  });
  addEventListener("afterprint", () => {
    for (const one of unfolded.splice(0)) one.open = false;
  });
})();
