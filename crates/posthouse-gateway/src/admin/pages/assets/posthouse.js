// Keys and the switch between light and dark; everything works without.
"use strict";
(() => {
  const root = document.documentElement;
  const kept = (() => { try { return localStorage.getItem("scheme"); } catch { return null; } })();
  if (kept === "light" || kept === "dark") root.dataset.scheme = kept;
  const one = (selector) => document.querySelector(selector);
  const typing = (target) => target.closest("input, textarea, select, [contenteditable]");

  const scheme = one("[data-scheme-switch]");
  if (scheme) {
    scheme.hidden = false;
    scheme.addEventListener("click", () => {
      const dark = (root.dataset.scheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
      root.dataset.scheme = dark ? "light" : "dark";
      try { localStorage.setItem("scheme", root.dataset.scheme); } catch { /* not kept: private window */ }
    });
  }

  const rows = () => [...document.querySelectorAll("[data-rows] tbody tr a:first-of-type")];
  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    all[Math.min(all.length - 1, Math.max(0, at + by))].focus();
  };
  const help = one("[data-help]");
  const tell = () => {
    const dialog = document.createElement("dialog");
    const lines = [["/", "find"], ["j, k", "next and previous row"], ["Enter", "open"], ["Esc", "close, or leave a field"], ["?", "this list"]];
    for (const link of document.querySelectorAll("nav.places a[data-key]")) lines.push([`g ${link.dataset.key}`, link.textContent]);
    const heading = document.createElement("h2");
    heading.textContent = "Keys";
    const list = document.createElement("dl");
    list.className = "facts";
    for (const [key, what] of lines) {
      const term = document.createElement("dt"), says = document.createElement("dd"), kbd = document.createElement("kbd");
      kbd.textContent = key; term.append(kbd); says.textContent = what; list.append(term, says);
    }
    const form = document.createElement("form"), close = document.createElement("button");
    form.method = "dialog"; close.textContent = "Close"; form.append(close);
    dialog.append(heading, list, form);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };
  if (help) { help.hidden = false; help.addEventListener("click", tell); }

  let goes = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (typing(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
    if (Date.now() - goes < 1500) {
      goes = 0;
      const link = one(`nav.places a[data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") goes = Date.now();
    else if (event.key === "/") { const box = one("#q"); if (box) { event.preventDefault(); box.focus(); box.select(); } }
    else if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") tell();
  });
})();
