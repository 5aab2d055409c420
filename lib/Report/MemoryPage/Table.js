// Tables: a caption, sortable columns, a limit on the rows shown at once.

/**
 * Fills `host` with a table. A column is {title, cell(row) -> node or text, value(row)? for sorting,
 * numeric?, total()?, width?}; `width` is "wide" for long text, "nowrap" for what must stay on one line.
 * Options: label, sortable?, limit?, onSelect(row)?.
 */
class Table {
  constructor(host, columns, rows, options) {
    Object.assign(this, {columns, rows, options, limit: options.limit ?? Infinity, sort: null});
    this.body = element("tbody");
    this.headers = columns.map((column, at) => this.makeHeader(column, at));
    const table = element("table", {}, element("caption", {class: "visually-hidden"}, options.label),
      element("thead", {}, element("tr", {}, ...this.headers)), this.body);
    if (columns.some(column => column.total))
      table.append(element("tfoot", {}, this.makeRow(column => column.total ? column.total() : "")));
    this.more = element("button", {type: "button", class: "more screen-only", onclick: () => this.showAll()});
    host.replaceChildren(
      element("div", {class: "table", tabindex: 0, role: "region", "aria-label": options.label}, table), this.more);
    this.render();
  }

  /** Shows other rows in the same order. */
  update(rows) {
    this.rows = rows;
    this.render();
  }

  makeHeader(column, at) {
    const head = element("th", {scope: "col", class: column.numeric ? "number" : null});
    head.append(this.sorts(column)
      ? element("button", {type: "button", class: "sort", onclick: () => this.sortBy(at)}, column.title) : column.title);
    return head;
  }

  sorts(column) {
    return Boolean(this.options.sortable && column.value);
  }

  /** Numbers start with the largest, text with the first. */
  sortBy(at) {
    const descending = this.sort?.column === at ? !this.sort.descending : Boolean(this.columns[at].numeric);
    this.sort = {column: at, descending};
    this.render();
  }

  showAll() {
    this.limit = Infinity;
    this.render();
  }

  /** Equal rows keep their order, which is the program's. */
  sorted() {
    if (!this.sort)
      return this.rows;
    const {value} = this.columns[this.sort.column], sign = this.sort.descending ? -1 : 1;
    return this.rows.toSorted((a, b) => {
      const left = value(a), right = value(b);
      return sign * (typeof left === "string" ? left.localeCompare(right, "en", {numeric: true}) : left - right);
    });
  }

  /** A row with what `cell` makes of each column. */
  makeRow(cell, attributes = {}) {
    return element("tr", attributes, ...this.columns.map((column, at) => element(at ? "td" : "th",
      {scope: at ? null : "row", class: column.numeric ? "number" : column.width}, cell(column))));
  }

  render() {
    this.headers.forEach((head, at) => {
      const direction = this.sort?.descending ? "descending" : "ascending";
      if (this.sorts(this.columns[at]))
        head.setAttribute("aria-sort", this.sort?.column === at ? direction : "none");
    });
    const all = this.sorted(), {onSelect} = this.options;
    this.body.replaceChildren(...all.slice(0, this.limit).map(row => this.makeRow(column => column.cell(row),
      onSelect && {onclick: () => onSelect(row), class: "selectable"})));
    this.more.hidden = all.length <= this.limit;
    this.more.textContent = `Show all ${grouped(all.length)} rows`;
  }
}
