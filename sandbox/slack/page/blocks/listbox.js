// A list to choose from, with a field to filter it: arrows, Home, End, Enter, Esc.
import { h, replace, uid } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { openPopover } from "../overlay.js";

/**
 * groups: () => [{label?, options: [{value, label, description?, lead?}]}], or with `load` a promise
 * of them for each text typed. `chosen` is a Set of values. `onPick(option)` answers whether the list
 * stays open.
 */
export function openListbox(anchor, { label, groups, load = null, minQuery = 0, chosen, multi = false, free = null, onPick, onClose = () => {} }) {
  const listId = uid("list");
  let options = [];
  let active = -1;
  let asked = 0;
  let timer = null;
  const list = h("ul.listbox", { role: "listbox", id: listId, "aria-label": label, "aria-multiselectable": multi ? "true" : null });
  const note = h("p.listbox-note", { role: "status" });
  const field = h("input.listbox-filter", {
    type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": listId, "aria-autocomplete": "list",
    "aria-label": `${label} – ${t("search")}`, placeholder: t("search"), autocomplete: "off", spellcheck: "false",
  });
  const handle = openPopover(anchor, h("div.listbox-frame", null, field, note, list), {
    width: Math.max(220, Math.min(360, anchor.getBoundingClientRect().width)), onClose,
  });

  function highlight(index) {
    active = options.length ? (index + options.length) % options.length : -1;
    options.forEach((entry, i) => entry.node.classList.toggle("active", i === active));
    if (active < 0) field.removeAttribute("aria-activedescendant");
    else {
      field.setAttribute("aria-activedescendant", options[active].node.id);
      options[active].node.scrollIntoView({ block: "nearest" });
    }
  }

  function choose(option) {
    const stays = onPick(option);
    if (!stays) handle.close(true);
    else for (const entry of options) entry.node.setAttribute("aria-selected", String(chosen.has(entry.option.value)));
  }

  function show(all, empty = t("noResults")) {
    options = [];
    const item = (option) => {
      const node = h("li.option", {
        role: "option", id: uid("option"), "aria-selected": String(chosen.has(option.value)),
        onpointerdown: (event) => event.preventDefault(), onclick: () => choose(option),
      }, option.lead ?? null, h("span.option-text", null, h("span", null, option.label), option.description ? h("span.option-description", null, option.description) : null), h("span.option-mark", null, icon("check", 16)));
      options.push({ option, node });
      return node;
    };
    replace(list, all.map((group) => group.label
      ? h("li.option-group", { role: "presentation" }, h("ul", { role: "group", "aria-label": group.label }, h("li.option-group-title", { role: "presentation" }, group.label), group.options.map(item)))
      : group.options.map(item)));
    note.textContent = options.length ? "" : empty;
    const at = options.findIndex((entry) => chosen.has(entry.option.value));
    highlight(at >= 0 ? at : 0);
    handle.place();
  }

  async function refresh() {
    const typed = field.value.trim();
    if (!load) {
      const low = typed.toLowerCase();
      const kept = groups().map((group) => ({ ...group, options: group.options.filter((option) => `${option.label} ${option.description ?? ""}`.toLowerCase().includes(low)) }));
      const extra = free?.(typed);
      if (extra && !kept.some((group) => group.options.some((option) => option.value === extra.value))) kept.unshift({ options: [extra] });
      show(kept.filter((group) => group.options.length));
      return;
    }
    if (typed.length < minQuery) { show([], t("typeMore", { n: minQuery })); return; }
    asked += 1;
    const mine = asked;
    note.textContent = t("loading");
    try {
      const found = await load(typed);
      if (mine === asked) show(found);
    } catch {
      if (mine === asked) show([], t("suggestFailed"));
    }
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, load ? 200 : 0);
  });
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: options.length - 1 };
    if (event.key in steps) { event.preventDefault(); highlight(steps[event.key]); }
    else if (event.key === "Enter") {
      event.preventDefault();
      if (options[active]) choose(options[active].option);
    } else if (event.key === "Tab") { event.preventDefault(); handle.close(true); }
  });
  refresh();
  field.focus();
  return handle;
}
