// Runs are shown or hidden: whatever has data-run is of the run with that number.
(() => {
  const picker = document.getElementById("picker");
  if (!picker) return;
  const boxes = [...picker.querySelectorAll("input")];
  const parts = [...document.querySelectorAll("main [data-run]")];

  function apply() {
    const picked = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    for (const part of parts) part.toggleAttribute("data-unpicked", !picked.has(part.dataset.run));
    // What the shown runs have in common is no difference
    for (const line of document.querySelectorAll(".beside tbody tr")) {
      const cells = [...line.querySelectorAll("td[data-run]:not([data-unpicked])")];
      const same = cells.length > 1 && new Set(cells.map((cell) => cell.textContent)).size < 2;
      line.toggleAttribute("data-unpicked", same);
    }
  }

  for (const box of boxes) box.addEventListener("change", apply);
  picker.hidden = false;
  apply();
})();
