// Keeps the page fresh without losing the reader's place. Nothing depends on it.
(() => {
  "use strict";
  const every = 15_000;
  const seldom = 60_000; // if the exporter says when something happens
  const pause = 5_000; // at least, between two looks, however much happens
  let last = Date.now();
  let stream;
  let soon;
  let gone = false;
  const freshness = () => document.getElementById("freshness");

  const localTimes = (root) => {
    for (const t of root.querySelectorAll("time[datetime]")) {
      const at = new Date(t.dateTime);
      t.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "medium" });
    }
  };

  const busy = () => {
    const at = document.activeElement;
    return document.hidden || (at && /^(INPUT|SELECT|BUTTON)$/.test(at.tagName)) || String(getSelection()) ||
      document.querySelector("main details[open]:not([id])");
  };

  // The element in the new page that stands for the one with the focus.
  const alike = (at) => {
    const same = (root) => {
      if (at.localName === "summary" && at.parentElement.id) return root.querySelectorAll(`#${CSS.escape(at.parentElement.id)} > summary`);
      if (at.localName === "a") return root.querySelectorAll(`a[href="${CSS.escape(at.getAttribute("href"))}"]`);
      return root.querySelectorAll(at.localName + (at.classList[0] ? "." + CSS.escape(at.classList[0]) : ""));
    };
    const n = [...same(document.getElementById("main"))].indexOf(at);
    return (root) => same(root)[n];
  };

  const replaceMain = (main) => {
    const old = document.getElementById("main");
    const find = old.contains(document.activeElement) ? alike(document.activeElement) : () => undefined;
    old.replaceWith(main);
    find(main)?.focus({ preventScroll: true });
  };

  const refresh = async () => {
    if (busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = new Map([...document.querySelectorAll("main details[id]")].map((d) => [d.id, d.open]));
      const main = next.getElementById("main");
      if (!main || busy()) return;
      for (const d of main.querySelectorAll("details[id]")) d.open = open.get(d.id) ?? d.open;
      localTimes(main);
      replaceMain(main);
      document.querySelector("footer").replaceWith(next.querySelector("footer"));
      document.title = next.title;
      document.querySelector("link[rel=icon]").href = next.querySelector("link[rel=icon]").getAttribute("href");
      last = Date.now();
      gone = false;
    } catch {
      gone = true;
    }
    tell();
  };

  // What happens is shown at once. Only a page that is seen listens: browsers allow few
  // connections. Where there is no stream, or it ends for good, the page looks by itself.
  const listening = () => stream?.readyState === EventSource.OPEN;

  const happened = () => {
    soon ??= setTimeout(() => { soon = undefined; refresh(); }, Math.max(500, last + pause - Date.now()));
  };

  const listen = () => {
    const { events } = document.getElementById("main").dataset;
    if (!events || !window.EventSource) return;
    if (document.hidden) {
      stream?.close();
      stream = undefined;
    } else if (!stream) {
      stream = new EventSource(events);
      stream.addEventListener("message", happened);
      stream.addEventListener("reset", happened);
    }
  };

  const tell = () => {
    const old = Math.round((Date.now() - last) / 1000);
    const line = freshness();
    if (!line) return;
    const stale = gone || old > (listening() ? 3 * seldom : 3 * every) / 1000 && !document.hidden;
    line.textContent = stale ? `not refreshed for ${old} s: is the exporter running?` : "refreshes by itself";
    line.className = stale ? "unhealthy" : "";
  };

  setInterval(() => { if (!listening() || Date.now() - last >= seldom) refresh(); }, every);
  setInterval(tell, 1000);
  document.addEventListener("visibilitychange", () => { listen(); refresh(); });
  listen();
  localTimes(document);
  // What a button has led to is said once.
  if (new URLSearchParams(location.search).has("done")) history.replaceState(null, "", location.pathname);
})();
