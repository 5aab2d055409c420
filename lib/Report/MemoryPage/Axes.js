// Ticks and frames of the figures.

/** The smallest of 1, 2 and 5 times a power of ten that cuts `range` into at most `count` parts. */
function niceStep(range, count) {
  const raw = range / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map(factor => factor * power).find(step => step >= raw * (1 - 1e-9));
}

/** Round positions in [low, high], about `count` of them; `least` is the smallest step. */
function ticks(low, high, count, least = 0) {
  if (!(high > low))
    return [low];
  const step = Math.max(least, niceStep(high - low, count));
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + step * 1e-9; ++at)
    found.push(at * step);
  return found;
}

/** Ticks of a byte axis, with one unit for all: {unit, marks: [{at, label}]}. */
function byteTicks(low, high, count) {
  const [unit, scale] = high >= MIB ? ["MiB", MIB] : high >= 1024 ? ["KiB", 1024] : ["bytes", 1];
  const values = ticks(low / scale, high / scale, count, scale === 1 ? 1 : 0);
  const step = values.length > 1 ? values[1] - values[0] : 1;
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return {unit, marks: values.map(value => ({at: value * scale, label: grouped(value, decimals)}))};
}

/** A linear map from [low, high] to [from, to] and, as `.back`, its inverse. */
function linear(low, high, from, to) {
  const range = high - low || 1;
  const map = value => from + (value - low) / range * (to - from);
  map.back = pixel => low + (pixel - from) / ((to - from) || 1) * range;
  return map;
}

/** A figure's svg with grid, ticks and axis titles. `area` is {left, top, right, bottom} in pixels. */
function chartFrame(width, height, area, x, y) {
  const frame = svg("svg", {width, height, viewBox: `0 0 ${width} ${height}`});
  const text = (left, top, anchor, label) =>
    svg("text", {x: left, y: top, "text-anchor": anchor, class: "tick"}, label);
  for (const {at, label} of y.marks) {
    const top = Math.round(y.map(at)) + 0.5;
    frame.append(svg("line", {x1: area.left, x2: area.right, y1: top, y2: top, class: at ? "grid" : "axis"}),
      text(area.left - 6, top + 4, "end", label));
  }
  for (const {at, label} of x.marks) {
    const left = Math.round(x.map(at)) + 0.5;
    frame.append(svg("line", {x1: left, x2: left, y1: area.bottom, y2: area.bottom + 4, class: "axis"}),
      text(left, area.bottom + 17, "middle", label));
  }
  const bottom = area.bottom + 0.5;
  frame.append(svg("line", {x1: area.left, x2: area.right, y1: bottom, y2: bottom, class: "axis"}),
    svg("text", {x: area.left, y: 12, "text-anchor": "start", class: "axis-title"}, y.title),
    svg("text", {x: area.right, y: area.bottom + 34, "text-anchor": "end", class: "axis-title"}, x.title));
  return frame;
}

/** The phases' names on both sides of the line between them; one that has no room is left out. */
function phaseLabels(left, area) {
  const room = 60;
  return [{text: "forward", at: left - 6, anchor: "end"}, {text: "backward", at: left + 6, anchor: "start"}]
    .filter(({anchor}) => anchor === "end" ? left - room >= area.left : left + room <= area.right + 12);
}

/** Calls `draw` with an element's width, now and whenever it changes. */
function onWidth(node, draw) {
  let last = 0;
  const update = () => {
    const width = Math.floor(node.clientWidth);
    if (width > 0 && width !== last)
      draw(last = width);
  };
  new ResizeObserver(() => requestAnimationFrame(update)).observe(node);
  update();
}
