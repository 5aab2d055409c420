// The budget curve: what the arena costs in bytes computed again.

class Curve {
  constructor(curve) {
    this.points = curve.filter(point => isNumber(point.arena_bytes)).sort((a, b) =>
      a.arena_bytes - b.arena_bytes || (b.recompute_bytes ?? 0) - (a.recompute_bytes ?? 0));
    this.chart = byId("curve-chart");
    byId("curve-caption").textContent = "Each point is a plan: the smaller the arena, the more is computed again. " +
      "The ring marks the plan of this page. Points take the focus and show their values.";
    onWidth(this.chart, width => this.draw(width));
    this.read(this.points.find(point => point.chosen) ?? this.points[0]);
    this.makeTable();
  }

  draw(width) {
    const height = width < 500 ? 240 : 280;
    const area = {left: 64, top: 30, right: width - 18, bottom: height - 42};
    const arenas = this.points.map(point => point.arena_bytes);
    const low = Math.min(...arenas), high = Math.max(...arenas), margin = (high - low) * 0.06 || high * 0.05 || 1;
    const most = Math.max(1, ...this.points.map(point => point.recompute_bytes || 0)) * 1.1;
    const x = linear(Math.max(0, low - margin), high + margin, area.left, area.right);
    const y = linear(0, most, area.bottom, area.top);
    const across = byteTicks(Math.max(0, low - margin), high + margin, width < 500 ? 4 : 8);
    const upward = byteTicks(0, most, 5);
    const frame = chartFrame(width, height, area, {map: x, title: `arena, ${across.unit}`, marks: across.marks},
      {map: y, title: `computed again, ${upward.unit}`, marks: upward.marks});
    const place = point => [x(point.arena_bytes), y(point.recompute_bytes || 0)];
    frame.append(svg("path", {class: "line after", fill: "none",
      d: `M${this.points.map(point => place(point).map(pixel => pixel.toFixed(1)).join(" ")).join("L")}`}));
    for (const point of this.points)
      frame.append(this.mark(point, ...place(point)));
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", "Plans by arena and by bytes computed again");
    this.chart.replaceChildren(frame);
  }

  mark(point, left, top) {
    const mark = svg("g", {class: point.chosen ? "point chosen" : "point", tabindex: 0, role: "img",
      "aria-label": describePoint(point), onfocus: () => this.read(point), onpointerenter: () => this.read(point)});
    if (point.chosen)
      mark.append(svg("circle", {cx: left, cy: top, r: 9, class: "ring"}));
    mark.append(svg("circle", {cx: left, cy: top, r: 12, class: "target"}),
      svg("circle", {cx: left, cy: top, r: 4.5, class: "dot after"}));
    return mark;
  }

  read(point) {
    byId("curve-readout").textContent = describePoint(point);
  }

  makeTable() {
    const budget = point => element("span", {}, isNumber(point.budget_bytes) ? size(point.budget_bytes) : "none",
      point.chosen ? " (this plan)" : null);
    new Table(byId("curve-table"), [
      {title: "budget", width: "nowrap", cell: budget},
      {title: "arena", numeric: true, cell: point => size(point.arena_bytes)},
      {title: "computed again", numeric: true, cell: point => size(point.recompute_bytes || 0)},
      {title: "operations", numeric: true, cell: point => flopsText(point.recompute_flops || 0)},
      {title: "convolutions", numeric: true, cell: point => grouped(point.convolutions_recomputed || 0)},
    ], this.points, {label: "Plans by budget"});
  }
}

function describePoint(point) {
  const budget = isNumber(point.budget_bytes) ? `budget ${sizeText(point.budget_bytes)}` : "no budget";
  return `${point.chosen ? "this plan, " : ""}${budget}: arena ${sizeText(point.arena_bytes)}, computed again ` +
    `${sizeText(point.recompute_bytes || 0)}, ${flopsText(point.recompute_flops || 0)}, ` +
    plural(point.convolutions_recomputed || 0, "convolution");
}
