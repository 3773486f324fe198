// Tooltips as elements, never as HTML text: names from a portfolio cannot become markup, and no inline style is needed.
import { word } from "./theme.js";

export function tip(title, rows) {
  const box = document.createElement("div");
  box.className = "tip";
  const head = document.createElement("b");
  head.textContent = title;
  const table = document.createElement("table");
  for (const [name, value] of rows) {
    const row = table.insertRow();
    row.insertCell().textContent = name;
    row.insertCell().textContent = value;
  }
  box.append(head, table);
  return box;
}

export const tooltip = (c, over = {}) => ({
  confine: true, backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.ink, fontSize: 13 }, padding: [8, 12],
  axisPointer: { type: "shadow", shadowStyle: { color: c.soft, opacity: 0.1 } }, ...over,
});

// About three significant digits, thousands separated.
export function figure(value) {
  if (value === null || value === undefined) return word("known.missing");
  const size = Math.abs(value);
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
}

// On axes: no zeros behind the point.
export const tick = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 4 }).replace("-", "−");

export const kwh = (value) => (value === null || value === undefined ? figure(value)
  : Math.abs(value) >= 10000 ? `${figure(value / 1000)} MWh` : `${figure(value)} kWh`);
