// Puts the page together: reads the report, shows the sections that it has data for, and keeps the theme.

/** The report, or null if there is none that can be read. */
function readReport() {
  try {
    const report = JSON.parse(byId("abn-data").textContent);
    return report && typeof report === "object" ? report : null;
  } catch {
    return null;
  }
}

/** The plan with every list present; null if the report has none (version 1). */
function readPlan(report) {
  const plan = report.plan;
  if (!plan || typeof plan !== "object")
    return null;
  const fits = buffer => ["bytes", "offset", "lower", "upper"].every(key => isNumber(buffer[key]));
  return {
    ...plan,
    steps: plan.steps ?? [],
    buffers: (plan.buffers ?? []).filter(fits).map(buffer => ({...buffer, name: String(buffer.name ?? "unnamed")})),
    timeline: plan.timeline ?? {},
    curve: plan.curve ?? [],
  };
}

function showSections(shown) {
  byId("contents").replaceChildren(...shown.map(id =>
    element("li", {}, element("a", {href: `#${id}`}, byId(`${id}-title`).textContent))));
  for (const id of shown)
    byId(id).hidden = false;
}

function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = false;
}

/** The system's theme until the reader chooses the other one. Returns what to call on a change. */
function keepTheme(redraw) {
  const button = byId("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  const apply = () => {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
    redraw();
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    apply();
  });
  system.addEventListener("change", apply);
  // Paper is white.
  let before;
  addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    redraw();
  });
  addEventListener("afterprint", () => {
    if (before)
      root.dataset.theme = before;
    else
      delete root.dataset.theme;
    redraw();
  });
  apply();
}

function main() {
  let arena = null;
  keepTheme(() => arena?.view.draw());
  const report = readReport();
  if (!report)
    return notice("This page holds no report that can be read.");
  const plan = readPlan(report);
  report.chains = report.chains ?? [];
  const timeline = plan && ["before", "after"].some(name => cleanSeries(plan.timeline[name]).length);
  const curve = plan && plan.curve.some(point => isNumber(point.arena_bytes));
  const peak = plan && isNumber(plan.peak_step);
  showSections(["summary", timeline && "timeline", plan && "arena", peak && "peak", curve && "curve", "chains"]
    .filter(Boolean));
  showSummary(report, plan);
  if (timeline)
    new Timeline(plan);
  if (plan)
    arena = new ArenaControls(report, plan);
  if (peak)
    showPeak(report, plan, arena);
  if (curve)
    new Curve(plan.curve);
  showChains(report);
  if (!plan)
    notice("This report has no memory plan: it counts what the step saves, but nothing was placed in an arena yet.");
  document.documentElement.dataset.ready = "true";
}

main();
