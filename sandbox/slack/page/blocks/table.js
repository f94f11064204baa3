// table and data_table: the second is sorted by its heads, filtered and paged.
import { h, replace } from "../dom.js";
import { icon } from "../icons.js";
import { locale, t } from "../i18n.js";
import { lines } from "../mrkdwn.js";
import { richText } from "./rich_text.js";

function cellText(cell) {
  if (!cell) return "";
  if (cell.type === "rich_text") return (cell.elements ?? []).flatMap((part) => part.elements ?? []).map((e) => e.text ?? e.url ?? e.name ?? "").join("");
  if (cell.type === "raw_number") return cell.text ?? new Intl.NumberFormat(locale()).format(cell.value ?? cell.number ?? 0);
  return cell.text ?? "";
}
const cellNode = (cell) => (cell?.type === "rich_text" ? richText(cell) : lines(cellText(cell)));
const cellKey = (cell) => (cell?.type === "raw_number" ? cell.value ?? cell.number ?? 0 : cellText(cell));

const scroller = (label, table) => h("div.table-scroll", { tabindex: "0", role: "group", "aria-label": label }, table);

export function table(block) {
  const settings = block.column_settings ?? [];
  const cell = (tag) => (item, i) => h(tag, {
    style: { "text-align": settings[i]?.align ?? "left" }, class: settings[i]?.is_wrapped ? "wrapped" : "", ...(tag === "th" ? { scope: "col" } : {}),
  }, cellNode(item));
  const [head, ...rows] = block.rows ?? [];
  return scroller(cellText(head?.[0]), h("table", null,
    h("thead", null, h("tr", null, (head ?? []).map(cell("th")))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map(cell("td")))))));
}

export function dataTable(block, ctx) {
  const key = `table/${block.block_id}`;
  const view = ctx.st.ui.get(key) ?? { sort: null, down: false, page: 0, filter: "" };
  ctx.st.ui.set(key, view);
  const [head, ...rows] = block.rows ?? [];
  const size = block.page_size ?? 5;
  const header = block.row_header_column_index ?? 0;
  const numeric = (i) => rows.some((row) => row[i]?.type === "raw_number");
  const body = h("tbody");
  const heads = h("tr");
  const foot = h("div.table-foot");
  const collator = new Intl.Collator(locale(), { numeric: true });
  const compare = (a, b) => {
    const [x, y] = [cellKey(a[view.sort]), cellKey(b[view.sort])];
    const order = typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y));
    return view.down ? -order : order;
  };
  function draw() {
    const low = view.filter.toLowerCase();
    const kept = rows.filter((row) => row.some((cell) => cellText(cell).toLowerCase().includes(low)));
    if (view.sort !== null) kept.sort(compare);
    const pages = Math.max(1, Math.ceil(kept.length / size));
    view.page = Math.min(view.page, pages - 1);
    const from = view.page * size;
    const shown = kept.slice(from, from + size);
    replace(heads, (head ?? []).map((cell, i) => h("th", { scope: "col", class: numeric(i) ? "number" : "", "aria-sort": view.sort === i ? (view.down ? "descending" : "ascending") : "none" },
      h("button.table-sort", { type: "button", title: t("sortBy", { name: cellText(cell) }), dataset: { fk: `${ctx.key}/${key}/sort/${i}` }, onclick: () => { view.down = view.sort === i && !view.down; view.sort = i; redraw(); } },
        cellText(cell), view.sort === i ? (view.down ? " ↓" : " ↑") : null))));
    replace(body, shown.map((row) => h("tr", null, row.map((cell, i) => h(i === header ? "th" : "td", {
      ...(i === header ? { scope: "row" } : {}), class: cell?.type === "raw_number" ? "number" : "",
    }, cellNode(cell))))));
    const turn = (name, iconName, to, possible) => h("button.icon-button", {
      type: "button", "aria-label": t(name), title: t(name), disabled: !possible, dataset: { fk: `${ctx.key}/${key}/${name}` }, onclick: () => { view.page = to; redraw(); },
    }, icon(iconName));
    replace(foot, h("span", { role: "status" }, t("rowsOf", { from: kept.length ? from + 1 : 0, to: Math.min(from + size, kept.length), n: kept.length })),
      pages > 1 ? [turn("previousPage", "left", view.page - 1, view.page > 0), turn("nextPage", "right", view.page + 1, view.page < pages - 1)] : null);
  }
  function redraw() {
    const held = document.activeElement?.dataset?.fk;
    draw();
    if (held) frame.querySelector(`[data-fk="${CSS.escape(held)}"]:not([disabled])`)?.focus();
  }
  const filter = rows.length > size ? h("input.field.table-filter", {
    type: "search", value: view.filter, placeholder: t("filterRows"), "aria-label": t("filterRows"), dataset: { fk: `${ctx.key}/${key}/filter` },
    oninput: () => { view.filter = filter.value; view.page = 0; draw(); },
  }) : null;
  draw();
  const frame = h("div.data-table", null, filter,
    scroller(block.caption, h("table", null, h("caption", null, block.caption), h("thead", null, heads), body)), foot);
  return frame;
}
