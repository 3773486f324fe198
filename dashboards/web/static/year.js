// A year at a glance: hours of the day against days, with kinds of days above; base load by month.
import { axis, client, grid, word } from "./theme.js";
import { figure, kwh, tick, tip, tooltip } from "./tip.js";

const HOURS = Array.from({ length: 24 }, (_, h) => String(h).padStart(2, "0"));

export function heat(year, c, { width }) {
  if (!year.cells.length && !year.estimated.length) return null;
  const days = year.days.map((d) => d.day);
  const kinds = year.days.map((d, i) => [i, 0, d.kind === "holiday" ? 2 : d.kind === "rest" ? 1 : 0]).filter((k) => k[2]);
  const months = (i, day) => day.endsWith("-01") || (i === 0 && Number(day.slice(8)) < 20);
  const wide = width > 700;
  const map = { type: "heatmap", progressive: 0, emphasis: { itemStyle: { borderColor: c.ink, borderWidth: 1 } }, itemStyle: { borderWidth: 0 } };
  return {
    grid: [{ left: 34, right: wide ? 104 : 10, top: 16, bottom: 26 }, { left: 34, right: wide ? 104 : 10, top: 4, height: 8 }],
    tooltip: tooltip(c, { trigger: "item", formatter: (at) => cellTip(year, at) }),
    xAxis: [
      axis(c, { type: "category", data: days, splitLine: { show: false }, axisLabel: { color: c.soft, interval: months, formatter: (d) => (d.slice(5, 7) === "01" ? d.slice(0, 4) : d.slice(5, 7)), hideOverlap: true } }),
      axis(c, { type: "category", data: days, gridIndex: 1, show: false }),
    ],
    yAxis: [
      axis(c, { type: "category", data: HOURS, inverse: true, axisLabel: { color: c.soft, interval: 5, formatter: (h) => `${h}:00` }, splitLine: { show: false } }),
      axis(c, { type: "category", data: [""], gridIndex: 1, show: false }),
    ],
    visualMap: [
      { seriesIndex: [0, 1], min: 0, max: year.top || 1, inRange: { color: client.heat }, dimension: 2, show: wide, right: 4, top: 14, itemHeight: 220, itemWidth: 12,
        text: [`${figure(year.top)} kWh/h`, "0"], textStyle: { color: c.soft, fontSize: 11 }, calculable: false, hoverLink: false },
      { seriesIndex: 2, show: false, dimension: 2, pieces: [{ value: 1, color: c.line }, { value: 2, color: c.ink }], type: "piecewise" },
    ],
    series: [
      { ...map, name: word("known.measured"), data: year.cells },
      { ...map, name: word("known.estimated"), data: year.estimated, itemStyle: { opacity: 0.55 } },
      { type: "heatmap", xAxisIndex: 1, yAxisIndex: 1, data: kinds, itemStyle: { borderWidth: 0 }, progressive: 0 },
    ],
  };
}

function cellTip(year, at) {
  const [x, hour, value] = at.data;
  const day = year.days[x];
  const name = client.lang === "zh" ? day.name_zh : day.name;
  const kind = name || word(`chart.${day.kind}`);
  if (at.seriesIndex === 2) return tip(day.day, [[kind, ""]]);
  return tip(`${day.day} ${HOURS[hour]}:00`, [[at.seriesName, kwh(value)], [kind, ""]]);
}

export function base(load, c) {
  const rows = load.months.filter((m) => m[1] !== null);
  if (!rows.length) return null;
  return {
    grid: grid({ top: 22 }), tooltip: tooltip(c, { trigger: "axis", formatter: (at) => tip(at[0].name, [["", `${figure(at[0].value)} kW`]]) }),
    xAxis: axis(c, { type: "category", data: load.months.map((m) => m[0].slice(0, 7)), splitLine: { show: false } }),
    yAxis: axis(c, { type: "value", name: "kW", min: 0, splitNumber: 2, axisLabel: { color: c.soft, formatter: tick } }),
    series: [{ type: "bar", data: load.months.map((m) => m[1]), itemStyle: { color: c.total, borderRadius: [2, 2, 0, 0] }, barWidth: "55%" }],
  };
}
