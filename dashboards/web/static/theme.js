// What the page knows of itself: words of its language, the palette, and the colours of the theme in force.
export const client = JSON.parse(document.getElementById("client").textContent);

export const word = (key) => client.words[key] ?? key;
export const itemName = (item) => client.words[`item.${item || "none"}`] ?? item;
export const itemColour = (item) => client.palette[item || "none"] ?? client.palette.none;

export function theme() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  return {
    ink: get("--ink"), soft: get("--soft"), line: get("--line"), faint: get("--faint"), card: get("--card"),
    link: get("--link"), act: get("--act"), band: get("--band"), total: client.palette["01"],
  };
}

// Not metered and estimated are told apart by their pattern too, for grey print.
export const hatch = (c) => ({ symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: Math.PI / 4, color: c });

export const grid = (over = {}) => ({ left: 4, right: 10, top: 34, bottom: 2, containLabel: true, ...over });

export const axis = (c, over = {}) => ({
  axisLine: { lineStyle: { color: c.line } }, axisTick: { show: false }, axisLabel: { color: c.soft, fontSize: 12, hideOverlap: true },
  splitLine: { lineStyle: { color: c.faint } }, nameTextStyle: { color: c.soft, fontSize: 12, align: "left", padding: [0, 0, 0, -4] },
  nameGap: 10, ...over,
});

export const legend = (c, data) => ({
  top: 0, right: 0, itemWidth: 12, itemHeight: 10, icon: "roundRect", itemGap: 14, textStyle: { color: c.soft, fontSize: 12 }, selectedMode: false, data,
});
