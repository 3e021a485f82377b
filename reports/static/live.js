"use strict";
// Renews the parts of the page that have changed, every two seconds while it is seen. Parts are
// HTML of the same server, escaped there; a part that has the focus or a selection stays as it is.
(() => {
  const EVERY_MS = 2000;
  const main = document.getElementById("main");
  const fresh = document.getElementById("fresh");
  const seen = new Map();
  const partsOf = (root) => [...root.querySelectorAll("[data-part]")];
  for (const part of partsOf(main)) seen.set(part.id, part.outerHTML);

  function busy(part) {
    const chosen = getSelection();
    return chosen && !chosen.isCollapsed && part.contains(chosen.anchorNode);
  }

  function renew(text) {
    const next = new DOMParser().parseFromString(text, "text/html");
    const parts = partsOf(next);
    const ids = new Set(parts.map((part) => part.id));
    for (const part of partsOf(main)) if (!ids.has(part.id)) part.remove();
    let before = null;
    for (const part of parts) {
      const old = document.getElementById(part.id);
      const html = part.outerHTML;
      if (old && (seen.get(part.id) === html || busy(old))) {
        before = old;
        continue;
      }
      const focus = old && old.contains(document.activeElement) ? document.activeElement : null;
      const scrolls = old ? [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft) : [];
      const chosen = old ? [...old.querySelectorAll("input:checked")].map((one) => one.value) : [];
      const ticked = focus && focus.matches("input") && focus.value;
      const again = focus && focus.getAttribute("href");
      const inScroll = focus && focus.matches(".scroll");
      if (old) old.replaceWith(part);
      else if (before) before.after(part);
      else main.prepend(part);
      part.querySelectorAll(".scroll").forEach((one, n) => { one.scrollLeft = scrolls[n] || 0; });
      part.querySelectorAll("input").forEach((one) => { one.checked = chosen.includes(one.value); });
      if (ticked) part.querySelector(`input[value="${CSS.escape(ticked)}"]`)?.focus();
      else if (again) part.querySelector(`a[href="${CSS.escape(again)}"]`)?.focus();
      else if (inScroll) part.querySelector(".scroll")?.focus();
      seen.set(part.id, html);
      before = part;
    }
  }

  // two runs are compared, no more and no less
  function count() {
    const button = document.getElementById("compare");
    if (button) button.disabled = main.querySelectorAll("input:checked").length !== 2;
  }
  main.addEventListener("change", count);
  addEventListener("pageshow", count);
  count();

  let tag = null;
  async function look() {
    if (!document.hidden) {
      try {
        const answer = await fetch(`${location.pathname.replace(/\/$/, "")}/part${location.search}`, {
          headers: tag ? { "If-None-Match": tag } : {},
        });
        if (answer.status === 200) {
          tag = answer.headers.get("ETag");
          renew(await answer.text());
          count();
        }
        fresh.textContent = answer.ok || answer.status === 304 ? "" : `The server says ${answer.status}.`;
      } catch {
        fresh.textContent = "The server does not answer; what is shown may be old.";
      }
    }
    setTimeout(look, EVERY_MS);
  }
  setTimeout(look, EVERY_MS);
})();
