// What the theme leaves to be said for screen readers and keyboards.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
window.addEventListener("load", () => {
  for (const wide of document.querySelectorAll(".md-typeset__scrollwrap, .highlight code"))
    if (wide.scrollWidth > wide.clientWidth) wide.tabIndex = 0;
});
