// Keeps a page fresh. Charts poll their JSON, texts poll the page itself; both by ETag, so that an unchanged one is a 304.
import { drawAll, redrawAll, forget } from "./charts.js";

const EVERY_MS = 5000;
let tag = "";
let failed = 0;

async function refreshTexts() {
  const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status === 304) return;
  tag = answer.headers.get("ETag") || "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = document.querySelectorAll("[data-live]");
  const ids = (nodes) => [...nodes].map((n) => n.id).join();
  if (ids(now) !== ids(fresh.querySelectorAll("[data-live]"))) return location.reload();
  for (const old of now) replace(old, fresh.getElementById(old.id));
}

function replace(old, fresh) {
  if (old.isEqualNode(fresh) || old.contains(document.activeElement)) return;
  if (old.querySelector("[data-chart]")) return replaceAroundCharts(old, fresh);
  old.replaceWith(document.adoptNode(fresh));
}

// A text with charts in it: the drawn charts stay where their source is the same.
function replaceAroundCharts(old, fresh) {
  const drawn = new Map([...old.querySelectorAll("[data-chart]")].map((c) => [c.dataset.chart + c.dataset.src, c]));
  for (const blank of fresh.querySelectorAll("[data-chart]")) {
    const kept = drawn.get(blank.dataset.chart + blank.dataset.src);
    if (kept) { drawn.delete(blank.dataset.chart + blank.dataset.src); blank.replaceWith(kept); }
  }
  drawn.forEach(forget);
  old.replaceWith(document.adoptNode(fresh));
}

async function beat() {
  if (!document.hidden) {
    try {
      await refreshTexts();
      await drawAll();
      failed = 0;
    } catch { failed += 1; }
    document.getElementById("away").hidden = failed < 2;
  }
  setTimeout(beat, EVERY_MS);
}

drawAll().finally(() => { document.documentElement.dataset.drawn = "1"; });
setTimeout(beat, EVERY_MS);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
addEventListener("beforeprint", redrawAll);
