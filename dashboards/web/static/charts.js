// Finds the charts of a page, fetches their JSON, draws them with ECharts; draws anew when data, size or theme change.
import { echarts } from "/assets/echarts/index.js";
import { theme } from "./theme.js";
import * as day from "./day.js";
import * as year from "./year.js";
import * as saving from "./saving.js";
import * as compare from "./compare.js";
import * as shape from "./shape.js";

const BUILDERS = {
  load: day.load, stack: day.stack, intervals: day.intervals,
  heat: year.heat, base: year.base, avoided: saving.avoided, baseline: saving.baseline, compare: compare.dots, shape: shape.kinds,
};
const held = new Map(); // element → {chart, data, watch}
const answers = new Map(); // url → {tag, data}; charts that share a source share the answer

async function ask(url) {
  const known = answers.get(url);
  const answer = await fetch(url, { headers: known ? { "If-None-Match": known.tag } : {}, cache: "no-store" });
  if (answer.status === 304) return known.data;
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const data = await answer.json();
  answers.set(url, { tag: answer.headers.get("ETag") || "", data });
  return data;
}

export async function drawAll() {
  const elements = [...document.querySelectorAll("[data-chart]")];
  const urls = new Map(elements.map((e) => [e.dataset.src.split("#")[0], null]));
  await Promise.all([...urls.keys()].map(async (url) => urls.set(url, await ask(url))));
  for (const element of elements) draw(element, urls.get(element.dataset.src.split("#")[0]));
}

export function redrawAll() {
  for (const [element, one] of held) paint(element, one);
}

export function forget(element) {
  const one = held.get(element);
  if (!one) return;
  one.watch.disconnect();
  one.chart?.dispose();
  held.delete(element);
}

function draw(element, data) {
  let one = held.get(element);
  if (one && one.data === data) return;
  if (!one) {
    one = { chart: null, data, watch: new ResizeObserver(() => fit(element)) };
    held.set(element, one);
    one.watch.observe(element);
  }
  one.data = data;
  paint(element, one);
}

function fit(element) {
  const one = held.get(element);
  if (one?.chart && Math.abs(one.chart.getWidth() - element.clientWidth) > 1) paint(element, one, true);
}

function paint(element, one, resized = false) {
  const colours = theme();
  const key = decodeURIComponent(element.dataset.src.split("#")[1] || "");
  const option = BUILDERS[element.dataset.chart](one.data, colours, { width: element.clientWidth, key });
  if (!option) return empty(element, one);
  if (!one.chart) {
    element.textContent = "";
    one.chart = echarts.init(element, null, { renderer: "canvas" });
    const box = element.closest(".swipe"); // on a phone the newest days are seen first
    if (box) box.scrollLeft = box.scrollWidth;
  }
  if (resized) one.chart.resize();
  one.chart.setOption({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option }, { notMerge: true });
}

function empty(element, one) {
  one.chart?.dispose();
  one.chart = null;
  const said = document.createElement("p");
  said.className = "empty";
  said.textContent = element.dataset.empty;
  element.replaceChildren(said);
}
