// The buffers of the plan as rectangles: step × offset. No drawing here.

/** Kinds in the order of the legend, with their words. */
const KINDS = new Map([
  ["activation", "activation"], ["gradient", "gradient"], ["parameter-gradient", "gradient of a parameter"],
  ["statistic", "statistic"], ["recomputed", "computed again"], ["output", "output"], ["other", "other"]]);

const kindOf = buffer => KINDS.has(buffer.kind) ? buffer.kind : "other";

class ArenaModel {
  constructor(report, plan) {
    this.plan = plan;
    this.buffers = plan.buffers;
    const last = this.buffers.reduce((most, buffer) => Math.max(most, buffer.upper), 0);
    this.steps = Math.max(1, plan.steps.length, last + 1);
    this.bytes = Math.max(1, report.arena_bytes || 0,
      this.buffers.reduce((most, buffer) => Math.max(most, buffer.offset + buffer.bytes), 0));
    /** Indices in the order of first use, then of offset. */
    this.order = this.buffers.map((buffer, at) => at).sort((a, b) =>
      this.buffers[a].lower - this.buffers[b].lower || this.buffers[a].offset - this.buffers[b].offset || a - b);
    this.bySize = [...this.buffers].sort((a, b) => a.bytes - b.bytes);
    this.rank = new Map(this.order.map((buffer, rank) => [buffer, rank]));
  }

  aliveAt(step) {
    return this.buffers.filter(buffer => buffer.lower <= step && step <= buffer.upper);
  }

  /** The buffer whose rectangle is nearest to a point and within the given slack, or -1. */
  hit(step, offset, stepSlack, byteSlack) {
    let best = -1, bestDistance = Infinity;
    this.buffers.forEach((buffer, at) => {
      const steps = Math.max(buffer.lower - step, step - (buffer.upper + 1), 0) / (stepSlack || 1);
      const bytes = Math.max(buffer.offset - offset, offset - (buffer.offset + buffer.bytes), 0) / (byteSlack || 1);
      const distance = Math.max(steps, bytes);
      if (distance <= 1 && distance < bestDistance) {
        best = at;
        bestDistance = distance;
      }
    });
    return best;
  }

  /** The next in the order of first use; stops at the ends. */
  ordered(from, delta) {
    const rank = from < 0 ? (delta > 0 ? 0 : this.order.length - 1) : this.rank.get(from) + delta;
    return this.order[Math.min(this.order.length - 1, Math.max(0, rank))] ?? -1;
  }

  /**
   * The neighbour in a direction. "right" is the first to begin after `from` has ended and "left" the last
   * to end before it begins, among those that share offsets with it; "up" and "down" are the nearest
   * above and below among those alive at the same time. `from` itself where there is none.
   */
  neighbour(from, direction) {
    const own = this.buffers[from], end = buffer => buffer.offset + buffer.bytes;
    const sharesTime = buffer => buffer.lower <= own.upper && own.lower <= buffer.upper;
    const sharesOffsets = buffer => buffer.offset < end(own) && own.offset < end(buffer);
    const distance = {
      right: buffer => sharesOffsets(buffer) ? buffer.lower - own.upper : 0,
      left: buffer => sharesOffsets(buffer) ? own.lower - buffer.upper : 0,
      up: buffer => sharesTime(buffer) ? buffer.offset - end(own) + 1 : 0,
      down: buffer => sharesTime(buffer) ? own.offset - end(buffer) + 1 : 0,
    }[direction];
    let best = from, bestDistance = Infinity;
    this.buffers.forEach((buffer, at) => {
      const here = at === from ? 0 : distance(buffer);
      if (here > 0 && here < bestDistance) {
        best = at;
        bestDistance = here;
      }
    });
    return best;
  }

  /** Buffers whose name contains a text, in the order of first use. */
  find(text) {
    const wanted = text.toLowerCase();
    return this.order.filter(at => this.buffers[at].name.toLowerCase().includes(wanted));
  }

  phaseOf(step) {
    return this.plan.steps[step]?.phase ?? (step < this.plan.backward_from ? "forward" : "backward");
  }
}
