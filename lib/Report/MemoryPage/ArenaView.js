// Draws the arena: one canvas for axes and rectangles, one above it for what is pointed at and selected,
// so that moving the pointer over 20,000 buffers redraws two outlines.

class ArenaView {
  constructor(model, chart) {
    Object.assign(this, {model, chart, hovered: -1, selected: -1, kind: null});
    this.base = byId("arena-canvas");
    this.overlay = byId("arena-overlay");
    this.reset();
    onWidth(chart, width => this.resize(width));
  }

  resize(width) {
    this.width = width;
    this.height = width < 500 ? 330 : 460;
    this.area = {left: 58, top: 50, right: width - 20, bottom: this.height - 42};
    for (const canvas of [this.base, this.overlay]) {
      const scale = window.devicePixelRatio || 1;
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(this.height * scale);
      canvas.style.width = `${width}px`;
      canvas.style.height = `${this.height}px`;
      canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }
    this.draw();
  }

  // The view: steps [x0, x1), bytes [y0, y1).

  reset() {
    const {steps, bytes} = this.model;
    this.view = {x0: 0, x1: steps, y0: 0, y1: bytes * 1.02};
    this.whole = {...this.view};
  }

  get zoomed() {
    return this.view.x1 - this.view.x0 < this.whole.x1 * 0.999 || this.view.y1 - this.view.y0 < this.whole.y1 * 0.999;
  }

  /** Keeps the point (step, offset) where it is while everything grows by `factor`. */
  zoom(factor, step, offset) {
    const {view, whole} = this;
    const span = (low, high, most, least) => Math.min(most, Math.max(least, (high - low) / factor));
    const width = span(view.x0, view.x1, whole.x1, Math.min(whole.x1, 4));
    const height = span(view.y0, view.y1, whole.y1, Math.min(whole.y1, Math.max(64, whole.y1 / 4096)));
    view.x0 = step - (step - view.x0) / (view.x1 - view.x0) * width;
    view.y0 = offset - (offset - view.y0) / (view.y1 - view.y0) * height;
    view.x1 = view.x0 + width;
    view.y1 = view.y0 + height;
    this.moveBy(0, 0);
  }

  /** Moves by shares of the view, no further than the plan reaches. */
  moveBy(shareX, shareY) {
    const {view, whole} = this;
    const width = view.x1 - view.x0, height = view.y1 - view.y0;
    view.x0 = Math.min(whole.x1 - width, Math.max(0, view.x0 + shareX * width));
    view.y0 = Math.min(whole.y1 - height, Math.max(0, view.y0 + shareY * height));
    view.x1 = view.x0 + width;
    view.y1 = view.y0 + height;
    this.draw();
  }

  /** Moves the view so that some of the buffer's middle is in it. */
  reveal(at) {
    const {view} = this, buffer = this.model.buffers[at];
    const centre = (low, high, from, to) =>
      high > from && low < to ? 0 : ((low + high) / 2 - (from + to) / 2) / (to - from);
    this.moveBy(centre(buffer.lower, buffer.upper + 1, view.x0, view.x1),
      centre(buffer.offset, buffer.offset + buffer.bytes, view.y0, view.y1));
  }

  maps() {
    const {view, area} = this;
    return {x: linear(view.x0, view.x1, area.left, area.right), y: linear(view.y0, view.y1, area.bottom, area.top)};
  }

  /** A buffer's rectangle in pixels, at least wide and high enough to leave a trace. */
  rectangle(buffer, x, y) {
    const left = x(buffer.lower), bottom = y(buffer.offset);
    const width = Math.max(0.75, x(buffer.upper + 1) - left);
    const height = Math.max(0.75, bottom - y(buffer.offset + buffer.bytes));
    return {left, top: bottom - height, width, height};
  }

  draw() {
    if (!this.width)
      return;
    const context = this.base.getContext("2d"), {area} = this, {x, y} = this.maps();
    context.clearRect(0, 0, this.width, this.height);
    context.font = "12px system-ui, sans-serif";
    this.drawAxes(context, x, y);
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    context.clip();
    this.base.dataset.drawn = this.drawBuffers(context, x, y);
    context.restore();
    this.drawMarks(context, x);
    this.base.dataset.area = JSON.stringify(this.area);
    this.base.dataset.view = JSON.stringify(this.view);
    this.chart.classList.toggle("zoomed", this.zoomed);
    this.drawOverlay();
  }

  /**
   * Returns how many rectangles the view shows. Small buffers come first: where many fall on one pixel, the
   * large ones decide its colour. A gap of half a pixel on each side separates those that have room.
   */
  drawBuffers(context, x, y) {
    const {area, kind} = this, colors = new Map([...KINDS.keys()].map(name => [name, themeColor(`--kind-${name}`)]));
    let drawn = 0;
    const others = buffer => kind && kindOf(buffer) !== kind;
    for (const buffer of kind ? this.model.bySize.toSorted((a, b) => others(b) - others(a)) : this.model.bySize) {
      const {left, top, width, height} = this.rectangle(buffer, x, y);
      if (left > area.right || left + width < area.left || top > area.bottom || top + height < area.top)
        continue;
      ++drawn;
      const gapX = width > 3 ? 0.5 : 0, gapY = height > 3 ? 0.5 : 0;
      context.globalAlpha = others(buffer) ? 0.12 : 1;
      context.fillStyle = colors.get(kindOf(buffer));
      context.fillRect(left + gapX, top + gapY, width - 2 * gapX, height - 2 * gapY);
    }
    context.globalAlpha = 1;
    return drawn;
  }

  drawAxes(context, x, y) {
    const {area, view} = this, narrow = this.width < 500;
    const line = (x1, y1, x2, y2, color) => {
      context.strokeStyle = themeColor(color);
      context.lineWidth = 1;
      context.beginPath();
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
      context.stroke();
    };
    const bytes = byteTicks(view.y0, view.y1, 8);
    context.fillStyle = themeColor("--muted");
    context.textAlign = "right";
    for (const {at, label} of bytes.marks) {
      const top = Math.round(y(at)) + 0.5;
      line(area.left, top, area.right, top, "--grid");
      context.fillText(label, area.left - 6, top + 4);
    }
    context.textAlign = "center";
    for (const at of ticks(view.x0, view.x1, narrow ? 3 : 8, 1)) {
      const left = Math.round(x(at)) + 0.5;
      line(left, area.bottom, left, area.bottom + 4, "--axis");
      context.fillText(grouped(at), left, area.bottom + 17);
    }
    line(area.left, area.bottom + 0.5, area.right, area.bottom + 0.5, "--axis");
    context.textAlign = "left";
    context.fillText(`offset, ${bytes.unit}`, area.left, 12);
    context.textAlign = "right";
    context.fillText("step", area.right, area.bottom + 34);
  }

  /** The phases and the peak, in two rows of labels above the picture. */
  drawMarks(context, x) {
    const {area, view} = this, {backward_from: backward, peak_step: peak} = this.model.plan;
    const inView = step => step >= view.x0 && step <= view.x1;
    context.fillStyle = themeColor("--muted");
    if (backward > 0 && backward < this.model.steps && inView(backward)) {
      const left = Math.round(x(backward)) + 0.5;
      this.dashed(context, left, area.top - 14, [4, 3], "--boundary");
      for (const {text, at, anchor} of phaseLabels(left, area)) {
        context.textAlign = anchor === "end" ? "right" : "left";
        context.fillText(text, at, area.top - 5);
      }
    } else {
      context.textAlign = "left";
      context.fillText(this.model.phaseOf(Math.floor(view.x0)), area.left, area.top - 5);
    }
    if (isNumber(peak) && inView(peak + 0.5)) {
      const left = Math.round(x(peak + 0.5)) + 0.5;
      this.dashed(context, left, area.top - 30, [2, 2], "--ink");
      context.fillStyle = themeColor("--ink");
      context.textAlign = left > (area.left + area.right) / 2 ? "right" : "left";
      context.fillText(`peak, step ${grouped(peak)}`, left + (context.textAlign === "right" ? -6 : 6), area.top - 21);
    }
  }

  dashed(context, left, top, pattern, color) {
    context.strokeStyle = themeColor(color);
    context.setLineDash(pattern);
    context.beginPath();
    context.moveTo(left, top);
    context.lineTo(left, this.area.bottom);
    context.stroke();
    context.setLineDash([]);
  }

  drawOverlay() {
    const context = this.overlay.getContext("2d"), {x, y} = this.maps();
    context.clearRect(0, 0, this.width, this.height);
    if (this.hovered >= 0 && this.hovered !== this.selected)
      this.outline(context, this.hovered, x, y, 1.5);
    if (this.selected >= 0)
      this.outline(context, this.selected, x, y, 2.5);
  }

  /** An outline in ink with a halo in the page's colour, seen on any fill; at least 7 pixels wide and high. */
  outline(context, at, x, y, thickness) {
    const {area} = this, {left, top, width, height} = this.rectangle(this.model.buffers[at], x, y);
    const growX = Math.max(1, (7 - width) / 2), growY = Math.max(1, (7 - height) / 2);
    context.save();
    context.beginPath();
    context.rect(area.left - 5, area.top - 5, area.right - area.left + 10, area.bottom - area.top + 10);
    context.clip();
    for (const [color, extra] of [["--page", 3], ["--ink", 0]]) {
      context.strokeStyle = themeColor(color);
      context.lineWidth = thickness + extra;
      context.strokeRect(left - growX, top - growY, width + 2 * growX, height + 2 * growY);
    }
    context.restore();
  }
}
