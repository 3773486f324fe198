// kWh/m² of a year, one dot a building, a strip for each type, the type's median as a tick.
import { axis, client, word } from "./theme.js";
import { figure, tick, tip, tooltip } from "./tip.js";

export function dots(districts, c, { width }) {
  const rows = districts.flatMap((d) => d.rows).filter((r) => r.intensity && r.intensity.value !== null);
  if (!rows.length) return null;
  const types = [...new Set(rows.map((r) => r.type))].sort().reverse();
  const label = (type) => word(`type.${type}`);
  const name = (r) => (client.lang === "zh" ? r.name_zh : r.name);
  const medians = types.map((t) => [median(rows.filter((r) => r.type === t).map((r) => r.intensity.value)), label(t)]);
  return {
    grid: { left: 16, right: 24, top: 12, bottom: 26, containLabel: true },
    tooltip: tooltip(c, { trigger: "item", formatter: (at) => (at.seriesIndex === 0 ? tip(name(rows[at.dataIndex]), [["kWh/m²", figure(at.value[0])]]) : tip(word("chart.median"), [["kWh/m²", figure(at.value[0])]])) }),
    xAxis: axis(c, { type: "value", min: 0, name: "kWh/m²", nameLocation: "middle", nameGap: 26, axisLabel: { color: c.soft, formatter: tick } }),
    yAxis: axis(c, { type: "category", data: types.map(label), splitLine: { show: true, lineStyle: { color: c.faint } }, axisLine: { show: false }, axisLabel: { color: c.ink, fontSize: 13 } }),
    series: [
      { type: "scatter", symbolSize: 13, itemStyle: { color: c.total, opacity: 0.85, borderColor: c.card, borderWidth: 1.5 }, data: rows.map((r) => [r.intensity.value, label(r.type)]),
        label: { show: width > 600, position: "top", distance: 3, color: c.soft, fontSize: 11, formatter: (at) => name(rows[at.dataIndex]) }, labelLayout: { hideOverlap: true } },
      { type: "scatter", symbol: "rect", symbolSize: [2, 24], itemStyle: { color: c.soft }, data: medians, z: 1 },
    ],
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
