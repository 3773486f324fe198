// A measure's pictures: cumulative avoided energy with its band and zero drawn, baseline against actual by day.
import { axis, client, grid, legend, word } from "./theme.js";
import { figure, kwh, tick, tip, tooltip } from "./tip.js";

const unit = (values) => (Math.max(...values.map(Math.abs), 0) >= 10000 ? { name: "MWh", per: 1000 } : { name: "kWh", per: 1 });
// The first and last date stay inside the picture.
const dates = (c) => ({ color: c.soft, fontSize: 12, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right", interval: "auto" });
const pick = (list, key) => list.find((s) => s.measure === key);

export function avoided(list, c, { key }) {
  const s = pick(list, key);
  if (!s || !s.days.length) return null;
  const u = unit([...s.low, ...s.high]);
  const put = (v) => v / u.per;
  const names = { a: word("chart.avoided"), b: word("chart.avoided_band") };
  const green = client.palette["01C"];
  return {
    grid: grid({ right: 34, top: s.events.length ? 56 : 34 }), legend: legend(c, [names.a, names.b]),
    tooltip: tooltip(c, { trigger: "axis", axisPointer: { type: "line", lineStyle: { color: c.soft } }, formatter: (at) => avoidedTip(s, at[0].dataIndex) }),
    xAxis: axis(c, { type: "category", data: s.days, axisLabel: dates(c), boundaryGap: false, splitLine: { show: false }, axisLine: { onZero: false, lineStyle: { color: c.line } } }),
    yAxis: axis(c, { type: "value", name: u.name, axisLabel: { color: c.soft, formatter: tick } }),
    series: [
      { type: "line", data: s.low.map(put), stack: "b", stackStrategy: "all", symbol: "none", lineStyle: { opacity: 0 }, silent: true },
      { name: names.b, type: "line", data: s.high.map((h, i) => put(h - s.low[i])), stack: "b", stackStrategy: "all", symbol: "none", lineStyle: { opacity: 0 },
        areaStyle: { color: green, opacity: 0.22 }, itemStyle: { color: green, opacity: 0.4 }, silent: true },
      { name: names.a, type: "line", data: s.avoided.map(put), symbol: "none", lineStyle: { color: green, width: 2.2 }, itemStyle: { color: green },
        markLine: { silent: true, symbol: "none", label: { formatter: word("chart.zero"), color: c.soft, position: "insideEndTop" }, lineStyle: { color: c.ink, type: "solid", width: 1 }, data: [{ yAxis: 0 }, ...events(s, c)] } },
    ],
  };
}

// Days from which on the level of use is another one.
const events = (s, c) => s.events.filter((e) => s.days.includes(e.since)).map((e) => ({
  xAxis: e.since, lineStyle: { color: c.soft, type: "dotted", width: 1.5 }, label: { formatter: word("chart.event"), color: c.soft, position: "insideEndTop", rotate: 0 },
}));

const avoidedTip = (s, i) => tip(s.days[i], [[word("chart.avoided"), kwh(s.avoided[i])], [word("chart.avoided_band"), `${kwh(s.low[i])} … ${kwh(s.high[i])}`]]);

export function baseline(list, c, { key }) {
  const s = pick(list, key);
  if (!s || !s.actual_daily.length) return null;
  const names = { e: word("chart.baseline"), a: word("chart.actual") };
  const low = s.expected_daily.map((v) => v * (1 - (s.cvrmse ?? 0)));
  const width = s.expected_daily.map((v) => v * 2 * (s.cvrmse ?? 0));
  const side = { type: "line", stack: "b", symbol: "none", lineStyle: { opacity: 0 }, silent: true };
  return {
    grid: grid({ right: 34, top: s.events.length ? 56 : 34 }), legend: legend(c, [names.e, names.a]),
    tooltip: tooltip(c, { trigger: "axis", axisPointer: { type: "line", lineStyle: { color: c.soft } },
      formatter: (at) => tip(s.days[at[0].dataIndex], [[names.e, kwh(s.expected_daily[at[0].dataIndex])], [names.a, kwh(s.actual_daily[at[0].dataIndex])]]) }),
    xAxis: axis(c, { type: "category", data: s.days, axisLabel: dates(c), boundaryGap: false, splitLine: { show: false } }),
    yAxis: axis(c, { type: "value", name: "kWh", axisLabel: { color: c.soft, formatter: tick } }),
    series: [
      { ...side, data: low },
      { ...side, name: names.e, data: width, areaStyle: { color: c.band, opacity: 0.38 }, itemStyle: { color: c.band } },
      { type: "line", data: s.expected_daily, symbol: "none", silent: true, lineStyle: { color: c.soft, width: 1, type: "dashed" } },
      { name: names.a, type: "line", data: s.actual_daily, symbol: "none", lineStyle: { color: c.total, width: 1.8 }, itemStyle: { color: c.total }, markLine: { silent: true, symbol: "none", data: events(s, c) } },
    ],
  };
}
