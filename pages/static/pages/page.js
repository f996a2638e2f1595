// What the pages do beside what htmx does. Without this file, they still do all that matters.
"use strict";
document.documentElement.classList.add("js");

// A menu closes when the pointer or the focus leaves it, and on Escape.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("focusin", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.activeElement?.closest("details.drop[open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  }
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  const search = document.getElementById("id_q");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && search) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// The box above a list selects all rows of the page, and the bar says how many are selected.
const showSelection = () => {
  const boxes = [...document.querySelectorAll("input[name=ids]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const all = document.getElementById("select-page");
  if (all) {
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  for (const place of document.querySelectorAll("[data-selected]")) place.textContent = chosen;
  for (const bar of document.querySelectorAll("[data-bar]")) {
    bar.dataset.bar = chosen ? "open" : "";
    if (chosen) bar.open = true;
  }
};
document.addEventListener("change", (event) => {
  if (event.target.id === "select-page") {
    for (const box of document.querySelectorAll("input[name=ids]")) box.checked = event.target.checked;
  }
  if (event.target.id === "select-page" || event.target.name === "ids") {
    const selected = document.querySelector("input[name=scope][value=selected]");
    if (selected) selected.checked = true;
    showSelection();
  }
});
document.addEventListener("htmx:afterSwap", showSelection);
window.addEventListener("pageshow", showSelection);

// A button copies the text of the element that it names.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  const label = button.textContent;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = label; }, 2000);
});
