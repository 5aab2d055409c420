// The headline figures.

function showSummary(report, plan) {
  byId("title").textContent = `Memory ${plan ? "plan" : "report"} of @${report.function ?? "?"}`;
  document.title = byId("title").textContent;
  const facts = ["One training step"];
  if (plan)
    facts.push(plural(plan.steps.length, "op"), plural(plan.buffers.length, "buffer"));
  if (isNumber(report.batch_norms))
    facts.push(plural(report.batch_norms, "batch norm"));
  if (report.numerics)
    facts.push(`numerics: ${report.numerics}`);
  if (report.objective)
    facts.push(`objective: ${report.objective}`);
  byId("subtitle").textContent = facts.join(" · ");
  byId("lead").replaceChildren(...leadSentence(report));
  showTotals(report);
  if (isNumber(report.arena_bytes))
    showArenaFigures(report);
  else
    byId("arena-figures").hidden = true;
}

/** What a reader should take away, as one sentence. */
function leadSentence(report) {
  const strong = bytes => element("strong", {}, size(bytes));
  const against = (after, before) => {
    if (!before || before === after)
      return "as much as";
    return `${percentText(Math.abs(before - after), before)} ${after < before ? "less" : "more"} than`;
  };
  if (isNumber(report.arena_bytes))
    return ["The step runs in one arena of ", strong(report.arena_bytes), ", ",
      against(report.arena_bytes, report.peak_live_bytes_before), " the ",
      size(report.peak_live_bytes_before), " that are live at the peak of the graph as it came."];
  return ["The step saves ", strong(report.saved_bytes_after), " for its backward, ",
    against(report.saved_bytes_after, report.saved_bytes_before), " the ",
    size(report.saved_bytes_before), " of the graph as it came."];
}

function showTotals(report) {
  const rows = [["Peak of live bytes", "peak_live_bytes"], ["Saved for the backward", "saved_bytes"]]
    .map(([title, key]) => ({title, key, before: report[`${key}_before`], after: report[`${key}_after`]}))
    .filter(row => isNumber(row.before) && isNumber(row.after));
  const sizeCell = (row, which) => {
    const shown = size(row[which]);
    shown.id = `figure-${row.key}_${which}`;
    return shown;
  };
  new Table(byId("totals"), [
    {title: "", cell: row => row.title},
    {title: "before", numeric: true, cell: row => sizeCell(row, "before")},
    {title: "after", numeric: true, cell: row => sizeCell(row, "after")},
    {title: "saved", numeric: true, cell: row => percentText(row.before - row.after, row.before)},
  ], rows, {label: "Bytes before and after the rewrite"});
}

function showArenaFigures(report) {
  const rows = [];
  const add = (key, title, value, meaning) => {
    if (value)
      rows.push({key, title, value, meaning});
  };
  const bytes = (key, title, meaning) => add(key, title, isNumber(report[key]) && size(report[key]), meaning);
  bytes("arena_bytes", "Arena", "allocated once for all buffers of the step");
  bytes("max_live_bytes", "Live at its peak", "the most that buffers hold at one time");
  bytes("lower_bound_bytes", "Lower bound", "no placement of these buffers is smaller");
  if (isNumber(report.lower_bound_bytes)) {
    const gap = report.arena_bytes - report.lower_bound_bytes;
    add("gap", "Gap", element("span", {}, size(gap), ` (${percentText(gap, report.lower_bound_bytes)})`),
      "between arena and lower bound");
  }
  if (isNumber(report.recompute_bytes)) {
    const parts = [flopsText(report.recompute_flops || 0)];
    if (isNumber(report.convolutions_recomputed))
      parts.push(plural(report.convolutions_recomputed, "convolution"));
    add("recompute_bytes", "Computed again", size(report.recompute_bytes), parts.join(", "));
  }
  bytes("argument_bytes", "Arguments", "parameters, buffers and inputs, apart from the arena");
  new Table(byId("arena-figures"), [
    {title: "", cell: row => row.title},
    {title: "size", numeric: true, cell: row => {
      row.value.id = `figure-${row.key}`;
      return row.value;
    }},
    {title: "what it is", cell: row => row.meaning},
  ], rows, {label: "The arena"});
}
