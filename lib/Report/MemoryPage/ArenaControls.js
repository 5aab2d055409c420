// What a reader does with the arena: pointer, keyboard, buttons, search; and the words on one buffer.

class ArenaControls {
  constructor(report, plan) {
    this.model = new ArenaModel(report, plan);
    this.chart = byId("arena-chart");
    this.view = new ArenaView(this.model, this.chart);
    this.chart.setAttribute("aria-label", `Picture of the arena: ${plural(plan.buffers.length, "buffer")} ` +
      `over ${plural(this.model.steps, "step")}`);
    byId("arena-caption").textContent = "Each rectangle is a buffer: from left to right the steps during which " +
      "it holds a value, from bottom to top the bytes that it occupies. Rectangles never overlap; what stays " +
      "blank is unused.";
    this.listenToPointer();
    this.chart.addEventListener("keydown", event => this.onKey(event));
    this.listenToButtons();
    this.makeLegend();
    this.describe();
  }

  /** Selects a buffer, moves the view to it and tells it to screen readers. */
  select(at) {
    this.view.selected = at;
    if (at >= 0)
      this.view.reveal(at);
    else
      this.view.drawOverlay();
    this.describe();
    byId("announce").textContent = at < 0 ? "nothing selected" :
      detailsOf(this.model, this.model.buffers[at]).map(([term, value]) => `${term}: ${value}`).join("; ");
  }

  describe() {
    const at = this.view.hovered >= 0 ? this.view.hovered : this.view.selected;
    const host = byId("buffer-details");
    host.dataset.buffer = at;
    if (at < 0) {
      const hint = this.model.buffers.length ? "point at a rectangle, or go to one with the arrow keys"
        : "the plan has no buffers";
      host.replaceChildren(element("div", {class: "hint"}, element("dt", {}, "Buffer"),
        element("dd", {class: "muted"}, hint)));
      return;
    }
    const buffer = this.model.buffers[at];
    host.replaceChildren(...detailsOf(this.model, buffer).map(([term, value, wide]) =>
      element("div", {class: wide ? "wide" : null}, element("dt", {}, term), element("dd", {},
        term === "Kind" ? swatch(kindOf(buffer)) : null, value))));
  }

  point(event) {
    const box = this.view.base.getBoundingClientRect(), {x, y} = this.view.maps();
    const left = event.clientX - box.left, top = event.clientY - box.top, {area} = this.view;
    return {step: x.back(left), offset: y.back(top), x, y,
      inside: left >= area.left && left <= area.right && top >= area.top && top <= area.bottom};
  }

  bufferAt(event) {
    const {step, offset, x, y, inside} = this.point(event);
    return inside ? this.model.hit(step, offset, x.back(2) - x.back(0), y.back(0) - y.back(2)) : -1;
  }

  hover(at) {
    if (at === this.view.hovered)
      return;
    this.view.hovered = at;
    this.view.drawOverlay();
    this.describe();
  }

  listenToPointer() {
    const {chart, view} = this;
    let drag = null;
    chart.addEventListener("pointerdown", event => {
      if (event.button === 0)
        drag = {x: event.clientX, y: event.clientY, moved: false};
    });
    chart.addEventListener("pointermove", event => {
      if (!drag)
        return this.hover(this.bufferAt(event));
      const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
      if (!drag.moved && Math.hypot(dx, dy) < 4)
        return;
      if (!drag.moved)
        chart.setPointerCapture(event.pointerId);
      const {area} = view;
      view.moveBy(-dx / (area.right - area.left), dy / (area.bottom - area.top));
      drag = {x: event.clientX, y: event.clientY, moved: true};
    });
    chart.addEventListener("pointerup", event => {
      if (drag && !drag.moved)
        this.select(this.bufferAt(event));
      drag = null;
    });
    chart.addEventListener("pointercancel", () => drag = null);
    chart.addEventListener("pointerleave", () => this.hover(-1));
    // The wheel scrolls the page until the picture has the focus.
    chart.addEventListener("wheel", event => {
      if (document.activeElement !== chart && !event.ctrlKey)
        return;
      event.preventDefault();
      const {step, offset} = this.point(event);
      view.zoom(Math.exp(-Math.sign(event.deltaY) * Math.min(60, Math.abs(event.deltaY)) / 300), step, offset);
    }, {passive: false});
  }

  /** Zooms around the selected buffer if it is in sight, else around the middle. */
  zoom(factor) {
    const {x0, x1, y0, y1} = this.view.view, buffer = this.model.buffers[this.view.selected];
    let step = (x0 + x1) / 2, offset = (y0 + y1) / 2;
    if (buffer) {
      const middleX = (buffer.lower + buffer.upper + 1) / 2, middleY = buffer.offset + buffer.bytes / 2;
      if (middleX >= x0 && middleX <= x1 && middleY >= y0 && middleY <= y1)
        [step, offset] = [middleX, middleY];
    }
    this.view.zoom(factor, step, offset);
  }

  zoomOut() {
    this.view.reset();
    this.view.draw();
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey)
      return;
    const arrows = {ArrowLeft: ["left", -0.1, 0], ArrowRight: ["right", 0.1, 0], ArrowUp: ["up", 0, 0.1],
      ArrowDown: ["down", 0, -0.1]};
    const {model, view} = this, order = model.order;
    const others = {
      "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), "0": () => this.zoomOut(),
      n: () => this.select(model.ordered(view.selected, 1)), p: () => this.select(model.ordered(view.selected, -1)),
      Home: () => this.select(order[0] ?? -1), End: () => this.select(order[order.length - 1] ?? -1),
      Escape: () => this.select(-1),
    };
    if (event.key in arrows) {
      const [direction, dx, dy] = arrows[event.key];
      if (event.shiftKey)
        view.moveBy(dx, dy);
      else
        this.select(view.selected < 0 ? order[0] ?? -1 : model.neighbour(view.selected, direction));
    } else if (event.key in others) {
      others[event.key]();
    } else {
      return;
    }
    view.hovered = -1;
    view.drawOverlay();
    this.describe();
    event.preventDefault();
  }

  listenToButtons() {
    byId("zoom-in").addEventListener("click", () => this.zoom(1.5));
    byId("zoom-out").addEventListener("click", () => this.zoom(1 / 1.5));
    byId("zoom-reset").addEventListener("click", () => this.zoomOut());
    const field = byId("find"), state = byId("find-state");
    const go = advance => {
      const found = field.value ? this.model.find(field.value) : [];
      let place = found.indexOf(this.view.selected);
      if (found.length && (advance || place < 0)) {
        place = (place + 1) % found.length;
        this.select(found[place]);
      }
      const result = found.length ? `${grouped(place + 1)} of ${grouped(found.length)}` : "none";
      state.textContent = field.value ? result : "";
    };
    field.addEventListener("input", () => go(false));
    byId("find-form").addEventListener("submit", event => {
      event.preventDefault();
      go(true);
    });
  }

  /** A button per kind that occurs: pressed, it dims the others. */
  makeLegend() {
    const counts = new Map();
    for (const buffer of this.model.buffers)
      counts.set(kindOf(buffer), (counts.get(kindOf(buffer)) ?? 0) + 1);
    const buttons = [...KINDS].filter(([kind]) => counts.has(kind)).map(([kind, words]) =>
      element("button", {type: "button", "aria-pressed": "false", "data-kind": kind, onclick: () => {
        this.view.kind = this.view.kind === kind ? null : kind;
        for (const button of buttons)
          button.setAttribute("aria-pressed", String(button.dataset.kind === this.view.kind));
        this.view.draw();
      }}, swatch(kind), `${words} `, element("span", {class: "muted"}, grouped(counts.get(kind)))));
    byId("legend").replaceChildren(...buttons);
  }
}

function swatch(kind) {
  return element("span", {class: `swatch kind-${kind}`, "aria-hidden": "true"});
}

function lifetimeText(model, buffer) {
  const from = `${grouped(buffer.lower)} (${model.phaseOf(buffer.lower)})`;
  if (buffer.upper === buffer.lower)
    return `step ${from}`;
  return `steps ${from} to ${grouped(buffer.upper)} (${model.phaseOf(buffer.upper)})`;
}

/** [term, text, whether it takes a whole line] of all that the report says of a buffer. */
function detailsOf(model, buffer) {
  const exact = bytes => bytes >= 1024 ? `${sizeText(bytes)} (${bytesText(bytes)})` : bytesText(bytes);
  const details = [["Buffer", buffer.name, true], ["Location", buffer.location || "unknown", true],
    ["Type", buffer.type ?? "unknown"], ["Kind", KINDS.get(kindOf(buffer))], ["Size", exact(buffer.bytes)],
    ["Offset", exact(buffer.offset)], ["Alive", lifetimeText(model, buffer)]];
  if (buffer.alive_because)
    details.push(["Because", buffer.alive_because, true]);
  return details;
}
