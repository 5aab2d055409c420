// Tables: a caption, sortable columns, a limit on the rows shown at once.

/**
 * Fills `host` with a table and returns a function that shows other rows.
 * A column is {title, cell(row) -> node or text, value(row)? for sorting, numeric?, total?, width?}.
 * `width` is "wide" for long text, "nowrap" for what must stay on one line.
 * `options`: label, limit, onSelect(row), current(row), sort: {column, descending}.
 */
function makeTable(host, columns, rows, options) {
  let shown = rows, limit = options.limit || Infinity, sort = options.sort;
  const body = element("tbody");
  const headers = columns.map((column, at) => {
    const head = element("th", {scope: "col", class: column.numeric ? "number" : null});
    if (column.value && options.sortable)
      head.append(element("button", {type: "button", class: "sort", onclick: () => sortBy(at)}, column.title));
    else
      head.append(column.title);
    return head;
  });
  const table = element("table", {}, element("caption", {class: "visually-hidden"}, options.label),
    element("thead", {}, element("tr", {}, ...headers)), body);
  if (columns.some(column => column.total))
    table.append(element("tfoot", {}, element("tr", {}, ...columns.map((column, at) =>
      element(at ? "td" : "th", {scope: at ? null : "row", class: column.numeric ? "number" : null},
        column.total ? column.total() : "")))));
  const more = element("button", {type: "button", class: "more screen-only", onclick: showAll});
  host.replaceChildren(
    element("div", {class: "table", tabindex: 0, role: "region", "aria-label": options.label}, table), more);

  function sortBy(at) {
    const descending = sort && sort.column === at ? !sort.descending : Boolean(columns[at].numeric);
    sort = {column: at, descending};
    render();
  }

  function showAll() {
    limit = Infinity;
    render();
  }

  /** Equal rows keep their order, which is the program's. */
  function sorted() {
    if (!sort)
      return shown;
    const value = columns[sort.column].value, sign = sort.descending ? -1 : 1;
    return [...shown].sort((a, b) => {
      const left = value(a), right = value(b);
      return sign * (typeof left === "string" ? left.localeCompare(right, "en", {numeric: true}) : left - right);
    });
  }

  function makeRow(row) {
    const cells = columns.map((column, at) => element(at ? "td" : "th", {
      scope: at ? null : "row",
      class: column.numeric ? "number" : column.width,
    }, column.cell(row)));
    const selectable = options.onSelect && {onclick: () => options.onSelect(row), class: "selectable"};
    return element("tr", selectable || {}, ...cells);
  }

  function render() {
    headers.forEach((head, at) => {
      if (columns[at].value && options.sortable)
        head.setAttribute("aria-sort", sort && sort.column === at
          ? (sort.descending ? "descending" : "ascending") : "none");
    });
    const all = sorted();
    body.replaceChildren(...all.slice(0, limit).map(makeRow));
    more.hidden = all.length <= limit;
    more.textContent = `Show all ${grouped(all.length)} rows`;
  }

  render();
  return next => {
    shown = next;
    render();
  };
}
