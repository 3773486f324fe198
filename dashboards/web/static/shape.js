// Kinds of day as lines over the clock: working days solid, days off dashed, mixed ones dotted, the rarer the fainter.
import { axis, grid, legend, word } from "./theme.js";
import { figure, tick, tip, tooltip } from "./tip.js";

const HOURS = Array.from({ length: 24 }, (_, h) => `${String(h).padStart(2, "0")}:00`);
const DASH = { working: "solid", free: "dashed", mixed: "dotted" };

export function kinds(shape, c) {
  if (!shape.kinds.length) return null;
  const names = shape.kinds.map((k, i) => {
    const alike = shape.kinds.slice(0, i).filter((other) => other.name === k.name).length;
    return `${word(`chart.kind_${k.name}`)}${alike ? ` ${alike + 1}` : ""} · ${Math.round(k.share * 100)} %`;
  });
  return {
    grid: grid({ top: 52 }), legend: { ...legend(c, names), icon: undefined, itemWidth: 26, top: 0 },
    tooltip: tooltip(c, { trigger: "axis", formatter: (at) => tip(at[0].name, at.map((one) => [one.seriesName, `${figure(one.value)} kW`])) }),
    xAxis: axis(c, { type: "category", data: HOURS, boundaryGap: false, splitLine: { show: false }, axisLabel: { color: c.soft, interval: 5 } }),
    yAxis: axis(c, { type: "value", name: "kW", min: 0, axisLabel: { color: c.soft, formatter: tick } }),
    series: shape.kinds.map((k, i) => ({
      type: "line", name: names[i], data: k.kwh, symbol: "none", smooth: 0.2,
      lineStyle: { color: c.total, width: i ? 1.5 : 2.5, type: DASH[k.name], opacity: 1 - 0.15 * i }, itemStyle: { color: c.total },
    })),
  };
}
