"use strict";
// The page reads in full without this script. It adds filters, redraws the map of the matrix, opens
// the strip that a link names, and unfolds strips for paper.
(() => {
  const rows = [...document.querySelectorAll("#attempts tbody tr[data-f]")];
  const parts = [...document.querySelectorAll("[data-f]")];
  const bar = document.getElementById("filters");
  const facets = JSON.parse(bar.dataset.facets);
  const orders = JSON.parse(bar.dataset.orders);
  const chosen = new Map();
  const selects = new Map();
  const keyOf = (row) => row.querySelector("a").hash.slice(1);
  // Rows and strips of one attempt name it; its row in the table of attempts has the values
  const own = new Map(rows.map((row) => [keyOf(row), row]));
  const of = (part) => (part.dataset.f ? own.get(part.dataset.f) : part).dataset;
  const byValue = (a, b) => a.localeCompare(b, "en", { numeric: true });

  const values = (name) => [...new Set(rows.map((row) => row.dataset[name]))].sort(byValue);
  // In the page's own order: sub-models as their network has them
  const ordered = (name) => orders[name] ?? values(name);
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
      const options = ordered(name);
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

  // A column's head sorts its table: by data-s where a cell has it, columns of numbers as numbers,
  // with a true minus sign or commas too; what has no figure stays last either way
  const numberIn = (cell) => {
    if (cell.dataset.s !== undefined) return Number(cell.dataset.s);
    if (!cell.classList.contains("n")) return Number.NaN;
    const plain = cell.innerText.trim().replaceAll(",", "").replace("−", "-");
    return /^[-+]?\d/.test(plain) ? Number.parseFloat(plain) : Number.NaN;
  };
  const isNothing = (cell) => /^–?$/.test(cell.innerText.trim());
  const inOrder = (a, b, sign) => {
    const [x, y] = [numberIn(a), numberIn(b)];
    if (Number.isFinite(x) && Number.isFinite(y)) return sign * (x - y);
    if (isNothing(a) !== isNothing(b)) return isNothing(a) ? 1 : -1;
    if (Number.isFinite(x) !== Number.isFinite(y)) return Number.isFinite(x) ? -1 : 1;
    return sign * byValue(a.innerText, b.innerText);
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
        const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        for (const one of heads) one.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", sign < 0 ? "descending" : "ascending");
        const lines = [...table.tBodies[0].rows];
        lines.sort((a, b) => inOrder(a.cells[column], b.cells[column], sign));
        table.tBodies[0].append(...lines);
      });
    }
  }

  // A long table has a field that leaves only the rows with all the words written in it
  function searchable(table) {
    const lines = [...table.tBodies[0].rows];
    const texts = new Map(lines.map((line) => [line, line.textContent.toLowerCase()]));
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("output");
    label.className = "find";
    field.type = "search";
    field.placeholder = "words in a row";
    count.value = `${lines.length} rows`;
    label.append("Find", field, count);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const line of lines) {
        const fits = words.every((word) => texts.get(line).includes(word));
        line.classList.toggle("lost-row", !fits);
        left += fits ? 1 : 0;
      }
      count.value = words.length ? `${left} of ${lines.length} rows` : `${lines.length} rows`;
    });
    const place = table.closest(".scroll");
    place.before(label);
    place.classList.add("long");
  }

  const LONG = 15;
  for (const table of document.querySelectorAll("main .scroll table:not(.heat)")) {
    if (table.tBodies.length !== 1) continue;
    const lines = [...table.tBodies[0].rows];
    const even = lines.every((line) => line.cells.length === table.tHead.rows[0].cells.length);
    if (table.tHead.rows.length === 1 && lines.length > 2 && even) sortable(table);
    if (lines.length > LONG) searchable(table);
  }

  const map = document.getElementById("heat");
  if (map) {
    const figures = JSON.parse(map.dataset.figures);
    const intervals = JSON.parse(map.dataset.intervals);
    const first = JSON.parse(map.dataset.first);
    // Rows and columns stand for one setting, or for several together
    const shown = { rows: first.rows, columns: first.columns, figure: first.figure };
    const valueOf = (row, names) => names.map((name) => row.dataset[name]).join(first.joined);
    const table = map.querySelector("table");
    const titles = facets.filter(([name]) => name !== "result" && values(name).length > 1);
    const titlesOf = (names, between) =>
      names.map((name) => titles.find(([key]) => key === name)[1].toLowerCase()).join(between);

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
          for (const name of [...shown.rows, ...shown.columns]) {
            only(name, group.members[0].dataset[name]);
          }
          apply();
          document.getElementById("each").scrollIntoView();
        });
      }
      link.textContent = text;
      made.append(link);
      const count = group.members.length;
      const sure = shown.figure === "wer" ? (intervals[group.keys.join(" ")] ?? "") : "";
      if (sure) made.append(cell("small", `(${sure})`));
      const lost = count - group.keys.length;
      if (count > 1 || lost) {
        const small = cell("small", count > 1 ? `n ${count}` : "");
        if (lost) {
          const mark = cell("span", `✕ ${lost}`);
          mark.className = "lost";
          small.append(" ", mark);
        }
        made.append(small);
      }
    }

    redraw = () => {
      const at = figures.findIndex(([key]) => key === shown.figure);
      const [, label, digits] = figures[at];
      const groups = new Map();
      for (const row of rows) {
        if (row.dataset.v === undefined || row.hasAttribute("data-off")) continue;
        const [down, across] = [valueOf(row, shown.rows), valueOf(row, shown.columns)];
        const key = JSON.stringify([down, across]);
        if (!groups.has(key)) {
          groups.set(key, { row: down, column: across, members: [], found: [], keys: [] });
        }
        const group = groups.get(key);
        group.members.push(row);
        if (row.dataset.result !== "finished") continue;
        group.keys.push(keyOf(row));
        const value = Number(row.dataset.v.split(" ")[at]);
        if (Number.isFinite(value)) group.found.push(value);
      }
      for (const group of groups.values()) {
        group.value = group.found.length ? median(group.found) : undefined;
      }
      const known = [...groups.values()].map((one) => one.value).filter((one) => one !== undefined);
      const [low, high] = [Math.min(...known), Math.max(...known)];
      const has = (names, side) => {
        const every = names.map(ordered).reduce(
          (lists, next) => lists.flatMap((list) => next.map((value) => [...list, value])),
          [[]],
        );
        const present = new Set([...groups.values()].map((one) => one[side]));
        return every.map((list) => list.join(first.joined)).filter((value) => present.has(value));
      };
      const across = has(shown.columns, "column");
      table.caption.textContent =
        `${label}: ${titlesOf(shown.rows, " and ")} down, ` +
        `${titlesOf(shown.columns, " and ")} across`;
      const head = document.createElement("tr");
      head.append(cell("th", titlesOf(shown.rows, ", "), "col"));
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
              if (group.value === low && low < high) made.classList.add("best");
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
    // The first map may join several settings; that choice has a line of its own
    const optionsOf = (names) => {
      const joined = names.map((name) => titles.find(([key]) => key === name)[1]).join(", ");
      return names.length > 1 ? [[joined, names.join(" ")], ...settings] : settings;
    };
    const made = {};
    for (const [part, title, options] of [
      ["figure", "Figure", figures.map(([key, label]) => [label, key])],
      ["rows", "Rows", optionsOf(shown.rows)],
      ["columns", "Columns", optionsOf(shown.columns)],
    ]) {
      const [label, select] = labelled(title, options, (value) => {
        if (part === "figure") {
          shown.figure = value;
        } else {
          const other = part === "rows" ? "columns" : "rows";
          const names = value.split(" ");
          // The same setting down and across says nothing: the other side takes one that is free
          if (shown[other].some((name) => names.includes(name))) {
            const free = [...shown[part], ...settings.map(([, name]) => name)];
            shown[other] = [free.find((name) => !names.includes(name))];
            made[other].value = shown[other][0];
          }
          shown[part] = names;
        }
        redraw();
      });
      select.value = part === "figure" ? shown.figure : shown[part].join(" ");
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
