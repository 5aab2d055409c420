// The two long tables: what is alive at the peak, and the chains.

function showPeak(report, plan, arena) {
  const alive = arena.model.aliveAt(plan.peak_step).sort((a, b) => b.bytes - a.bytes || a.offset - b.offset);
  const total = alive.reduce((sum, buffer) => sum + buffer.bytes, 0);
  const step = plan.steps[plan.peak_step];
  const where = step ? [", ", element("code", {}, step.op), step.location ? ` (${step.location}),` : ","] : [","];
  byId("peak-lead").replaceChildren(`At step ${grouped(plan.peak_step)}`, ...where,
    ` ${plural(alive.length, "buffer")} ${alive.length === 1 ? "holds" : "hold"} `, size(total), ".",
    isNumber(report.max_live_bytes) && report.max_live_bytes !== total
      ? ` The plan gives ${sizeText(report.max_live_bytes)} as the most that is live.` : "");
  const select = buffer => {
    arena.select(plan.buffers.indexOf(buffer));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    byId("arena-title").scrollIntoView({behavior: calm ? "auto" : "smooth"});
    arena.chart.focus({preventScroll: true});
  };
  const named = buffer => element("span", {},
    element("button", {type: "button", class: "link", title: "Show it in the arena"},
      swatch(kindOf(buffer)), buffer.name),
    below([KINDS.get(kindOf(buffer)), buffer.location].filter(Boolean).join(" · ")));
  new Table(byId("peak-table"), [
    {title: "buffer", width: "wide", total: () => `${grouped(alive.length)} in all`, cell: named},
    {title: "type", width: "nowrap", cell: buffer => element("code", {}, buffer.type ?? "")},
    {title: "size", numeric: true, total: () => size(total), cell: buffer => size(buffer.bytes)},
    {title: "share", numeric: true, cell: buffer => percentText(buffer.bytes, total)},
    {title: "alive because", width: "wide", cell: buffer => buffer.alive_because ?? ""},
  ], alive, {label: "Buffers alive at the peak", limit: 50, onSelect: select});
}

/** A second line of a cell. */
const below = text => element("span", {class: "below muted"}, text);

function showChains(report) {
  byId("chains-lead").textContent = strategiesSentence(report.chains);
  const saved = chain => (chain.saved_bytes_before || 0) - (chain.saved_bytes_after || 0);
  const text = key => ({value: chain => String(chain[key] ?? ""), cell: chain => String(chain[key] ?? "")});
  const bytes = key => ({numeric: true, value: chain => chain[key] || 0, cell: chain => size(chain[key] || 0)});
  const table = new Table(byId("chains-table"), [
    {title: "chain", width: "wide", value: chain => String(chain.name),
      cell: chain => element("span", {}, chain.name, below(placeOf(chain)))},
    {title: "activation", width: "nowrap", ...text("activation")},
    {title: "channels", numeric: true, value: chain => chain.channels || 0,
      cell: chain => chain.channels ? grouped(chain.channels) : "dynamic"},
    {title: "strategy", width: "nowrap", ...text("strategy")},
    {title: "saved before", ...bytes("saved_bytes_before")},
    {title: "after", ...bytes("saved_bytes_after")},
    {title: "less by", numeric: true, value: saved, cell: chain => size(saved(chain))},
    {title: "reason", width: "wide", ...text("reason")},
  ], report.chains, {label: "Chains", sortable: true, limit: 200});
  byId("chains-filter").addEventListener("input", () => filterChains(report.chains, table));
  filterChains(report.chains, table);
}

function strategiesSentence(chains) {
  if (!chains.length)
    return "The step has no batch norms.";
  const counts = new Map(["in-place", "through-add", "recomputed", "kept"].map(strategy => [strategy, 0]));
  for (const {strategy} of chains)
    counts.set(strategy, (counts.get(strategy) ?? 0) + 1);
  const parts = [...counts].filter(([, count]) => count).map(([strategy, count]) => `${grouped(count)} ${strategy}`);
  return `${plural(chains.length, "batch norm")}: ${parts.join(", ")}.`;
}

/** A chain's location without its name, which stands beside it. */
function placeOf(chain) {
  const location = chain.location ?? "", prefix = `${chain.name} at `;
  if (location === chain.name)
    return "";
  return location.startsWith(prefix) ? location.slice(prefix.length) : location;
}

/** Shows the chains that contain every word of the field. */
function filterChains(chains, table) {
  const words = byId("chains-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = chains.filter(({name, location, activation, strategy, reason, type}) => {
    const all = [name, location, activation, strategy, reason, type].join(" ").toLowerCase();
    return words.every(word => all.includes(word));
  });
  byId("chains-count").textContent = `${grouped(rows.length)} of ${grouped(chains.length)}`;
  table.update(rows);
}
