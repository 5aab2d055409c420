// Live bytes over the step, before and after, on one axis. Positions are fractions of each graph's own
// ops; a long step is drawn as the largest and smallest of each pixel column.

class Timeline {
  constructor(plan) {
    this.plan = plan;
    this.series = ["before", "after"].map(name => ({name, points: cleanSeries(plan.timeline[name])}))
      .filter(series => series.points.length);
    this.boundary = plan.steps.length ? plan.backward_from / plan.steps.length : NaN;
    this.most = Math.max(1, ...this.series.map(series => series.peak = peakOf(series.points)).map(p => p.bytes));
    this.position = (this.series[this.series.length - 1].peak || {at: 0}).at;
    this.chart = byId("timeline-chart");
    onWidth(this.chart, width => this.draw(width));
    this.chart.addEventListener("pointermove", event => this.follow(event));
    this.chart.addEventListener("pointerdown", event => this.follow(event));
    this.chart.addEventListener("keydown", event => this.onKey(event));
    byId("timeline-caption").replaceChildren(...this.caption());
  }

  caption() {
    const entries = this.series.map(({name, peak}) => element("span", {class: "line-key"},
      element("span", {class: `line-swatch ${name}`, "aria-hidden": "true"}),
      `${name}: at most `, size(peak.bytes)));
    return [...entries, element("span", {}, "A position is a share of the graph's ops, which are more or " +
      "fewer after the rewrite. Arguments are apart. Arrow keys or the pointer read values.")];
  }

  draw(width) {
    const height = width < 500 ? 240 : 300;
    const area = {left: 58, top: 40, right: width - 20, bottom: height - 42};
    const x = linear(0, 1, area.left, area.right), y = linear(0, this.most * 1.1, area.bottom, area.top);
    const bytes = byteTicks(0, this.most * 1.1, 6);
    const shares = ticks(0, 100, width < 500 ? 4 : 10);
    const frame = chartFrame(width, height, area,
      {map: x, title: "position in the step", marks: shares.map(at => ({at: at / 100, label: `${at} %`}))},
      {map: y, title: bytes.unit, marks: bytes.marks});
    frame.setAttribute("aria-hidden", "true");
    if (this.boundary > 0 && this.boundary < 1)
      frame.append(...boundaryMark(x(this.boundary), area));
    for (const {name, points} of this.series)
      frame.append(svg("path", {class: `line ${name}`, d: stepPath(points, x, y), fill: "none"}));
    frame.append(...this.peakMarks(x, y, area));
    this.cursor = svg("g", {class: "cursor"});
    frame.append(this.cursor);
    Object.assign(this, {x, y, area});
    this.chart.replaceChildren(frame);
    this.show();
  }

  /** A dot and a label at each peak: before's to the left, after's to the right, unless there is no room. */
  peakMarks(x, y, area) {
    const placed = [];
    return this.series.flatMap(({name, peak}) => {
      const left = x(peak.at), room = 105;
      let anchor = name === "before" ? "end" : "start";
      if (anchor === "end" && left - room < area.left)
        anchor = "start";
      else if (anchor === "start" && left + room > area.right)
        anchor = "end";
      let top = y(peak.bytes) - 6;
      while (placed.some(other => other.anchor === anchor && Math.abs(other.top - top) < 16))
        top += 16;
      placed.push({anchor, top});
      return [svg("circle", {cx: left, cy: y(peak.bytes), r: 3.5, class: `dot ${name}`}),
        svg("text", {x: left + (anchor === "end" ? -7 : 7), y: top, "text-anchor": anchor, class: "mark halo"},
          `peak ${sizeText(peak.bytes)}`)];
    });
  }

  follow(event) {
    const left = event.clientX - this.chart.getBoundingClientRect().left;
    this.moveTo(this.x.back(left));
  }

  onKey(event) {
    const pixel = 1 / Math.max(1, this.area.right - this.area.left);
    const moves = {ArrowLeft: -pixel, ArrowRight: pixel, ArrowDown: -pixel, ArrowUp: pixel,
      PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1};
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey)
      return;
    event.preventDefault();
    this.moveTo(this.position + moves[event.key] * (event.shiftKey ? 10 : 1));
  }

  moveTo(position) {
    this.position = Math.min(1, Math.max(0, position));
    this.show();
  }

  show() {
    const left = this.x(this.position);
    const values = this.series.map(series => ({...series, bytes: valueAt(series.points, this.position)}));
    this.cursor.replaceChildren(
      svg("line", {x1: left, x2: left, y1: this.area.top, y2: this.area.bottom}),
      ...values.map(({name, bytes}) => svg("circle", {cx: left, cy: this.y(bytes), r: 3, class: `dot ${name}`})));
    const steps = this.plan.steps;
    const step = steps[Math.min(steps.length - 1, Math.floor(this.position * steps.length + 1e-9))];
    const parts = [element("span", {}, `at ${grouped(100 * this.position, 1)}${NBSP}%`),
      ...values.map(({name, bytes}) => element("span", {}, `${name} `, element("strong", {}, size(bytes))))];
    if (step)
      parts.push(element("span", {class: "op"}, `${step.phase}: `, element("code", {}, step.op),
        ` ${step.location ?? ""}`));
    byId("timeline-readout").replaceChildren(...parts);
    this.chart.setAttribute("aria-valuenow", (100 * this.position).toFixed(1));
    this.chart.setAttribute("aria-valuetext", [`${grouped(100 * this.position, 1)} %`,
      ...values.map(({name, bytes}) => `${name} ${sizeText(bytes)}`)].join(", "));
  }
}

/** The phases' names above the plot, and the line between them. */
function boundaryMark(left, area) {
  const at = Math.round(left) + 0.5;
  return [svg("line", {x1: at, x2: at, y1: area.top - 14, y2: area.bottom, class: "boundary"}),
    ...phaseLabels(at, area).map(({text, at, anchor}) =>
      svg("text", {x: at, y: area.top - 5, "text-anchor": anchor, class: "mark"}, text))];
}

function cleanSeries(points) {
  return (points ?? []).filter(point => isNumber(point.at) && isNumber(point.bytes)).sort((a, b) => a.at - b.at);
}

const peakOf = points => points.reduce((best, point) => point.bytes > best.bytes ? point : best);

/** The value of the last point at or before a position: a value holds until the next. */
function valueAt(points, position) {
  let low = 0, high = points.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (points[middle].at <= position + 1e-12)
      low = middle;
    else
      high = middle - 1;
  }
  return points[low].bytes;
}

/** The path of a series: steps, or each pixel column's extremes where there are more points than pixels. */
function stepPath(points, x, y) {
  const columns = x(1) - x(0), right = x(1).toFixed(1);
  const path = [];
  if (points.length < columns) {
    points.forEach((point, at) => {
      const left = x(point.at).toFixed(1), top = y(point.bytes).toFixed(1);
      path.push(at ? `H${left}V${top}` : `M${left} ${top}`);
    });
    return path.join("") + `H${right}`;
  }
  let column = -1, least = 0, most = 0;
  const flush = () => path.push(`${column} ${y(most).toFixed(1)}L${column} ${y(least).toFixed(1)}`);
  for (const {at, bytes} of points) {
    const here = Math.round(x(at));
    if (here !== column) {
      if (column >= 0)
        flush();
      column = here;
      least = most = bytes;
    }
    least = Math.min(least, bytes);
    most = Math.max(most, bytes);
  }
  flush();
  return `M${path.join("L")}`;
}
