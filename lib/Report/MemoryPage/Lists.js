// The two long tables: what is alive at the peak, and the chains.

function showPeak(report, plan, arena) {
  const alive = arena.model.aliveAt(plan.peak_step).sort((a, b) => b.bytes - a.bytes || a.offset - b.offset);
  const total = alive.reduce((sum, buffer) => sum + buffer.bytes, 0);
  const step = plan.steps[plan.peak_step];
  byId("peak-lead").replaceChildren(`At step ${grouped(plan.peak_step)}`,
    ...(step ? [", ", element("code", {}, step.op), step.location ? ` (${step.location})` : "", ","] : ","),
    ` ${alive.length === 1 ? "1 buffer holds" : `${grouped(alive.length)} buffers hold`} `, size(total), ".",
    isNumber(report.max_live_bytes) && report.max_live_bytes !== total
      ? ` The plan gives ${sizeText(report.max_live_bytes)} as the most that is live.` : "");
  const select = buffer => {
    arena.select(plan.buffers.indexOf(buffer));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    byId("arena-title").scrollIntoView({behavior: calm ? "auto" : "smooth"});
    arena.chart.focus({preventScroll: true});
  };
  makeTable(byId("peak-table"), [
    {title: "buffer", width: "wide", total: () => `${grouped(alive.length)} in all`, cell: buffer => element("span", {},
      element("button", {type: "button", class: "link", title: "Show it in the arena"}, swatch(kindOf(buffer)), buffer.name),
      element("span", {class: "below muted"}, [KINDS.get(kindOf(buffer)), buffer.location].filter(Boolean).join(" · ")))},
    {title: "type", width: "nowrap", cell: buffer => element("code", {}, buffer.type ?? "")},
    {title: "size", numeric: true, total: () => size(total), cell: buffer => size(buffer.bytes)},
    {title: "share", numeric: true, cell: buffer => percentText(buffer.bytes, total)},
    {title: "alive because", width: "wide", cell: buffer => buffer.alive_because ?? ""},
  ], alive, {label: "Buffers alive at the peak", limit: 50, onSelect: select});
}

/** A chain's location without its name, which stands beside it. */
function placeOf(chain) {
  const location = chain.location ?? "", prefix = `${chain.name} at `;
  return location === chain.name ? "" : location.startsWith(prefix) ? location.slice(prefix.length) : location;
}

function showChains(report) {
  const counts = new Map(["in-place", "through-add", "recomputed", "kept"].map(strategy => [strategy, 0]));
  for (const chain of report.chains)
    counts.set(chain.strategy, (counts.get(chain.strategy) ?? 0) + 1);
  byId("chains-lead").textContent = report.chains.length
    ? `${plural(report.chains.length, "batch norm")}: ${[...counts].filter(([, count]) => count).map(([name, count]) => `${grouped(count)} ${name}`).join(", ")}.`
    : "The step has no batch norms.";
  const saved = chain => (chain.saved_bytes_before || 0) - (chain.saved_bytes_after || 0);
  const text = key => ({value: chain => String(chain[key] ?? ""), cell: chain => String(chain[key] ?? "")});
  const bytes = key => ({numeric: true, value: chain => chain[key] || 0, cell: chain => size(chain[key] || 0)});
  const update = makeTable(byId("chains-table"), [
    {title: "chain", width: "wide", value: chain => chain.name, cell: chain =>
      element("span", {}, chain.name,   element("span", {class: "below muted"}, placeOf(chain)))},
    {title: "activation", width: "nowrap", ...text("activation")},
    {title: "channels", numeric: true, value: chain => chain.channels || 0, cell: chain => chain.channels ? grouped(chain.channels) : "dynamic"},
    {title: "strategy", width: "nowrap", ...text("strategy")},
    {title: "saved before", ...bytes("saved_bytes_before")},
    {title: "after", ...bytes("saved_bytes_after")},
    {title: "less by", numeric: true, value: saved, cell: chain => size(saved(chain))},
    {title: "reason", width: "wide", ...text("reason")},
  ], report.chains, {label: "Chains", sortable: true, limit: 200});
  const field = byId("chains-filter"), count = byId("chains-count");
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = report.chains.filter(chain => {
      const all = [chain.name, chain.location, chain.activation, chain.strategy, chain.reason, chain.type].join(" ").toLowerCase();
      return words.every(word => all.includes(word));
    });
    count.textContent = `${grouped(rows.length)} of ${grouped(report.chains.length)}`;
    update(rows);
  };
  field.addEventListener("input", filter);
  filter();
}
