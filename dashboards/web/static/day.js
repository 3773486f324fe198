// A day's pictures: load against its band, sub-items stacked, a meter's intervals by how they are known.
import { axis, grid, hatch, itemColour, itemName, legend, word } from "./theme.js";
import { figure, kwh, tick, tip, tooltip } from "./tip.js";

const ESTIMATED = 1;
const any = (values) => values.some((v) => v !== null);

export function load(day, c) {
  if (!any(day.actual) && !any(day.expected)) return null;
  const measured = day.actual.map((v, i) => (day.known[i] === ESTIMATED ? null : v));
  const estimated = day.actual.map((v, i) => (day.known[i] === ESTIMATED ? v : null));
  const names = { a: word("chart.actual"), g: word("chart.estimated"), e: word("chart.expected"), b: word("chart.band") };
  const width = day.low.map((v, i) => (v === null ? null : day.high[i] - v));
  const shown = [names.a, ...(any(estimated) ? [names.g] : []), ...(any(day.expected) ? [names.b] : [])];
  return {
    grid: grid(), legend: legend(c, shown),
    tooltip: tooltip(c, { trigger: "axis", formatter: (at) => loadTip(day, at[0].dataIndex) }),
    xAxis: axis(c, { type: "category", data: day.hours, splitLine: { show: false } }),
    yAxis: axis(c, { type: "value", name: "kWh/h", axisLabel: { color: c.soft, formatter: tick } }),
    series: [
      { type: "line", stack: "band", data: day.low, lineStyle: { opacity: 0 }, symbol: "none", silent: true, step: "middle" },
      { name: names.b, type: "line", stack: "band", data: width, lineStyle: { opacity: 0 }, symbol: "none", silent: true, step: "middle",
        areaStyle: { color: c.band, opacity: 0.38 }, itemStyle: { color: c.band } },
      { name: names.e, type: "line", data: day.expected, symbol: "none", step: "middle", silent: true, lineStyle: { color: c.soft, width: 1, type: "dashed" } },
      { name: names.a, type: "bar", data: measured, barWidth: "52%", barGap: "-100%", itemStyle: { color: c.total, borderRadius: [2, 2, 0, 0] } },
      { name: names.g, type: "bar", data: estimated, barWidth: "52%", itemStyle: { color: c.total, opacity: 0.45, decal: hatch(c.card), borderRadius: [2, 2, 0, 0] } },
    ],
  };
}

function loadTip(day, i) {
  const rows = [[word(`known.${["missing", "estimated", "measured"][day.known[i]]}`), kwh(day.actual[i])]];
  if (day.low[i] !== null) rows.push([word("chart.band"), `${figure(day.low[i])} – ${kwh(day.high[i])}`]);
  if (day.suspect[i]) rows.push([word("known.suspect"), ""]);
  return tip(`${day.day} ${day.hours[i]}`, rows);
}

export function stack(day, c, { width }) {
  const shown = day.slices.filter((s) => any(s.kwh));
  if (!shown.length) return null;
  return {
    grid: grid({ top: width < 420 ? 66 : 44 }), legend: { ...legend(c, shown.map((s) => itemName(s.item))), left: 0, right: "auto" },
    tooltip: tooltip(c, { trigger: "axis", formatter: (at) => stackTip(day, shown, at[0].dataIndex) }),
    xAxis: axis(c, { type: "category", data: day.hours, splitLine: { show: false } }),
    yAxis: axis(c, { type: "value", axisLabel: { color: c.soft, formatter: tick } }),
    series: shown.map((s) => ({
      name: itemName(s.item), type: "bar", stack: "items", barCategoryGap: "14%",
      itemStyle: { color: itemColour(s.item), ...(s.item ? {} : { decal: hatch(c.card) }) },
      data: s.kwh.map((v, i) => (s.estimated[i] ? { value: v, itemStyle: { opacity: 0.5 } } : v)),
    })),
  };
}

function stackTip(day, shown, i) {
  const rows = shown.map((s) => [itemName(s.item) + (s.estimated[i] ? ` (${word("known.estimated")})` : ""), kwh(s.kwh[i])]).reverse();
  return tip(`${day.day} ${day.hours[i]}`, [...rows, [word("chart.total"), kwh(day.actual[i])]]);
}

export function intervals(meter, c) {
  const rows = meter.intervals;
  if (!rows.length) return null;
  const unit = meter.health.unit;
  const part = (known) => rows.map((r) => (r.known === known ? r.value : null));
  const colour = itemColour(meter.health.item[2] > "9" ? meter.health.item.slice(0, 3) : meter.health.item.slice(0, 2));
  return {
    grid: grid(), legend: legend(c, [word("known.measured"), word("known.estimated")]),
    tooltip: tooltip(c, { trigger: "axis", formatter: (at) => intervalTip(rows[at[0].dataIndex], unit) }),
    xAxis: axis(c, { type: "category", data: rows.map((r) => r.clock), splitLine: { show: false } }),
    yAxis: axis(c, { type: "value", name: unit, axisLabel: { color: c.soft, formatter: tick } }),
    series: [
      { name: word("known.measured"), type: "bar", stack: "k", data: part("measured"), itemStyle: { color: colour } },
      { name: word("known.estimated"), type: "bar", stack: "k", data: part("estimated"), itemStyle: { color: colour, opacity: 0.45, decal: hatch(c.card) } },
    ],
  };
}

const intervalTip = (row, unit) => tip(row.clock, [[word(`known.${row.known}`), row.value === null ? "–" : `${figure(row.value)} ${unit}`]]);
