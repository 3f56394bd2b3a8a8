// Keys, the switch between light and dark, and parts of pages that are live; everything works without.
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

  // Live parts: a stream of events, or asking again where there is none. A page that nobody sees asks for nothing.
  const live = one("[data-region]");
  const part = live && document.getElementById(live.dataset.region);
  if (part) {
    const says = live.querySelector("[data-says]"), pause = live.querySelector("[data-pause]");
    const streams = Boolean(live.dataset.stream && window.EventSource);
    const every = Number(live.dataset.poll || 10) * 1000;
    let source = null, timer = null, fails = 0, paused = false, heard = Date.now(), time = new Date().toISOString().slice(11, 19);
    const tell = () => {
      const late = Date.now() - heard > (streams ? 10000 : 3 * every);
      says.textContent = paused ? `Paused at ${time}` : late ? `Not live since ${time}` : `Live, as of ${time}`;
      live.classList.toggle("late", late && !paused);
    };
    const seen = (at) => { heard = Date.now(); time = at; tell(); };
    // What has an id is found again by it, and is gone where the new part has none of it: another's place in the order is not its own.
    const same = (all, index, one) => one.id ? all.find((other) => other.id === one.id) : all[index]?.id ? undefined : all[index];
    const show = (html) => {
      const focusable = () => [...part.querySelectorAll("a, button, summary, input, select, [tabindex]")];
      const before = focusable(), at = before.indexOf(document.activeElement);
      const folded = [...part.querySelectorAll("details")], typed = [...part.querySelectorAll("input[id]")];
      const cursor = at >= 0 && before[at].type === "text" ? [before[at].selectionStart, before[at].selectionEnd] : null;
      part.innerHTML = html;
      const folds = [...part.querySelectorAll("details")], fields = [...part.querySelectorAll("input[id]")];
      folded.forEach((one, index) => { const now = same(folds, index, one); if (now) now.open = one.open; });
      for (const one of typed) { const now = same(fields, -1, one); if (now) { now.value = one.value; now.checked = one.checked; } }
      if (at < 0) return;
      const now = same(focusable(), at, before[at]);
      now?.focus({ preventScroll: true });
      if (now && cursor) now.setSelectionRange(...cursor);
    };
    const ask = async () => {
      try {
        const answer = await fetch(location.href, { headers: { accept: "text/html" } });
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(part.id);
        if (!answer.ok || !fresh) return;
        if (live.dataset.poll && !page.querySelector("[data-region]")) { location.reload(); return; }
        show(fresh.innerHTML);
        seen(new Date().toISOString().slice(11, 19));
      } catch { /* told by `tell` */ }
    };
    const stop = () => { source?.close(); clearInterval(timer); source = timer = null; };
    const poll = () => { stop(); timer = setInterval(ask, every); ask(); };
    const start = () => {
      stop();
      if (paused || document.hidden) return;
      if (!streams || fails > 2) { poll(); return; }
      source = new EventSource(live.dataset.stream);
      source.addEventListener("part", (event) => show(event.data));
      source.addEventListener("beat", (event) => { fails = 0; seen(event.data); });
      source.addEventListener("over", () => location.reload());
      source.addEventListener("error", () => { fails += 1; if (fails > 2 || source.readyState === EventSource.CLOSED) poll(); });
    };
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Go on" : "Pause";
      if (!paused) heard = Date.now();
      start(); tell();
    });
    document.addEventListener("visibilitychange", () => { start(); tell(); });
    setInterval(tell, 5000);
    start();
  }
})();
