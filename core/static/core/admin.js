// What the dialogs of the theme lack: the focus is put into them, stays there, and returns.
"use strict";
{
  let opener = null;
  const FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea";

  const focusable = (dialog) =>
    [...dialog.querySelectorAll(FOCUSABLE)].filter((each) => !each.disabled && each.offsetParent);

  window.openDialog = (frame) => {
    opener = document.activeElement;
    requestAnimationFrame(() => {
      const dialog = frame.querySelector("[role=dialog]");
      const field = dialog.querySelector("input:not([type=hidden]), select, textarea");
      (field ?? dialog).focus();
    });
  };

  window.closeDialog = () => {
    if (opener?.isConnected) opener.focus();
    opener = null;
  };

  document.addEventListener("keydown", (event) => {
    const dialog = event.key === "Tab" && opener && document.getElementById("modal-content");
    if (!dialog) return;
    const items = focusable(dialog);
    const [first, last] = [items[0], items.at(-1)];
    const isOutside = !dialog.contains(document.activeElement);
    if (event.shiftKey && (isOutside || document.activeElement === first || document.activeElement === dialog)) {
      event.preventDefault();
      last?.focus();
    } else if (!event.shiftKey && (isOutside || document.activeElement === last)) {
      event.preventDefault();
      first?.focus();
    }
  });

  // `t` opens the search, as Ctrl-K does.
  document.addEventListener("keydown", (event) => {
    const isTyped = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key !== "t" || isTyped || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    window.dispatchEvent(new CustomEvent("opencommand"));
  });

  // A page of a job that is under way is loaded anew, as long as nobody uses a dialog of it.
  document.addEventListener("DOMContentLoaded", () => {
    if (!document.querySelector("[data-reload]")) return;
    setInterval(() => {
      if (!opener && !document.hidden) window.location.reload();
    }, 5000);
  });

  // Scrolled parts all call themselves the same landmark, which none of them is.
  window.addEventListener("load", () => {
    for (const part of document.querySelectorAll(".simplebar-content-wrapper[role=region]")) {
      part.removeAttribute("role");
      part.removeAttribute("aria-label");
    }
  });

  // What chooses among many rows is named as the field that it stands for, once it is made.
  const nameChoices = () => {
    for (const container of document.querySelectorAll(".select2-container:not([data-named])")) {
      const field = container.parentElement.querySelector("select");
      const name = field?.labels[0]?.textContent.trim() || field?.name;
      if (!name) continue;
      container.dataset.named = "";
      for (const part of container.querySelectorAll("[role=combobox], [role=searchbox], [role=textbox]")) {
        part.removeAttribute("aria-labelledby");
        part.setAttribute("aria-label", name);
      }
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    nameChoices();
    new MutationObserver(nameChoices).observe(document.body, { childList: true, subtree: true });
  });

  // A button copies the text of the element that it names.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = "Copied";
  });
}
