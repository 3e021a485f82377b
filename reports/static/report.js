"use strict";
// The page reads in full without this script. It adds filters, opens the strip that a link names,
// and unfolds strips for paper.
(() => {
  const rows = [...document.querySelectorAll("#attempts tbody tr[data-f]")];
  const parts = [...document.querySelectorAll("[data-f]")];
  const bar = document.getElementById("filters");
  const facets = JSON.parse(bar.dataset.facets);
  const chosen = new Map();

  const values = (name) => [...new Set(rows.map((row) => row.dataset[name]))]
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const told = document.createElement("output");
  const clear = document.createElement("button");

  function apply() {
    for (const part of parts) {
      let off = false;
      for (const [name, value] of chosen) {
        if (part.dataset[name] !== undefined && part.dataset[name] !== value) off = true;
      }
      part.toggleAttribute("data-off", off);
    }
    const left = rows.filter((row) => !row.hasAttribute("data-off")).length;
    told.value = chosen.size ? `${left} of ${rows.length} attempts` : `${rows.length} attempts`;
    clear.disabled = chosen.size === 0;
  }

  function addSelect(name, title, options) {
    const label = document.createElement("label");
    const select = document.createElement("select");
    label.append(title, select);
    select.add(new Option("all", ""));
    for (const value of options) select.add(new Option(value, `=${value}`));
    select.dataset.filter = name;
    select.addEventListener("change", () => {
      if (select.value) chosen.set(name, select.value.slice(1));
      else chosen.delete(name);
      apply();
    });
    bar.append(label);
  }

  if (rows.length > 2) {
    let any = false;
    for (const [name, title] of facets) {
      const options = values(name);
      if (options.length < 2) continue;
      addSelect(name, title, options);
      any = true;
    }
    if (any) {
      clear.type = "button";
      clear.textContent = "Show all";
      clear.addEventListener("click", () => {
        chosen.clear();
        for (const select of bar.querySelectorAll("select")) select.value = "";
        apply();
      });
      told.setAttribute("aria-live", "polite");
      bar.setAttribute("role", "group");
      bar.setAttribute("aria-label", "Filter panels, tables and strips");
      bar.append(clear, told);
      bar.hidden = false;
      apply();
    }
  }

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
