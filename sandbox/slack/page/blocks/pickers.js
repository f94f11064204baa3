// Date, time and date-time pickers.
import { h, replace, uid } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { plain } from "../mrkdwn.js";
import { openPopover } from "../overlay.js";
import { dayKey, isoDateLabel, monthLabel, weekdayLabels, zonedParts, zonedSeconds } from "../time.js";
import { control, nameOf } from "./act.js";
import { openListbox } from "./listbox.js";
import { currentValue, fieldsOf, setValue } from "./values.js";

const DAY = 86_400_000;
const iso = (ms) => new Date(ms).toISOString().slice(0, 10);

function openCalendar(anchor, label, chosen, onPick) {
  const today = dayKey(new Date());
  let cursor = Date.parse(`${chosen ?? today}T00:00:00Z`);
  const frame = h("div.calendar", { role: "group", "aria-label": label });
  const handle = openPopover(anchor, frame);
  function draw(focus = true) {
    const date = new Date(cursor);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    const first = Date.UTC(year, month, 1);
    const start = first - new Date(first).getUTCDay() * DAY;
    const shift = (by) => () => { cursor = Date.UTC(year, month + by, 1); draw(false); };
    const weeks = Array.from({ length: 6 }, (_, week) => h("tr", null, Array.from({ length: 7 }, (_unused, day) => {
      const ms = start + (week * 7 + day) * DAY;
      const key = iso(ms);
      return h("td", { "aria-selected": String(key === chosen) }, h("button", {
        type: "button", tabindex: ms === cursor ? "0" : "-1", dataset: { day: key }, "aria-label": isoDateLabel(key),
        class: [new Date(ms).getUTCMonth() === month ? "" : "outside", key === chosen ? "chosen" : "", key === today ? "today" : ""].join(" "),
        onclick: () => { handle.close(true); onPick(key); },
      }, new Date(ms).getUTCDate()));
    })));
    replace(frame,
      h("div.calendar-head", null,
        h("button.icon-button", { type: "button", "aria-label": t("previousMonth"), onclick: shift(-1) }, icon("left")),
        h("strong", { "aria-live": "polite" }, monthLabel(year, month)),
        h("button.icon-button", { type: "button", "aria-label": t("nextMonth"), onclick: shift(1) }, icon("right"))),
      h("table", { role: "grid", "aria-label": monthLabel(year, month) },
        h("thead", { "aria-hidden": "true" }, h("tr", null, weekdayLabels().map((name) => h("th", null, name)))), h("tbody", null, weeks)));
    if (focus) frame.querySelector(`[data-day="${iso(cursor)}"]`).focus();
    handle.place();
  }
  frame.addEventListener("keydown", (event) => {
    if (!event.target.dataset.day) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
    if (event.key in steps) { event.preventDefault(); cursor = Date.parse(`${event.target.dataset.day}T00:00:00Z`) + steps[event.key] * DAY; draw(); }
    if (event.key === "PageUp" || event.key === "PageDown") {
      event.preventDefault();
      const date = new Date(cursor);
      cursor = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + (event.key === "PageUp" ? -1 : 1), Math.min(28, date.getUTCDate()));
      draw();
    }
  });
  draw();
}

const HALF_HOURS = Array.from({ length: 48 }, (_, i) => `${String(Math.floor(i / 2)).padStart(2, "0")}:${i % 2 ? "30" : "00"}`);
const asOption = (clock) => ({ value: clock, label: clock });

/** "7:5", "0705" or "07:05" as "07:05", or null. */
function clockOf(text) {
  const match = /^(\d{1,2}):?(\d{2})$/.exec(text);
  if (!match || Number(match[1]) > 23 || Number(match[2]) > 59) return null;
  return `${match[1].padStart(2, "0")}:${match[2]}`;
}

function openTimes(anchor, label, chosen, onPick) {
  openListbox(anchor, {
    label, chosen: new Set([chosen]), groups: () => [{ options: HALF_HOURS.map(asOption) }],
    free: (text) => (clockOf(text) ? asOption(clockOf(text)) : null),
    onPick: (option) => { queueMicrotask(() => onPick(option.value)); return false; },
  });
}

function trigger(iconName, focusKey, element, label, describedby, text, fallback, run) {
  const shown = h("span.select-value", { id: uid("value"), class: text ? "" : "placeholder" }, text ?? fallback);
  const node = h("button.select", {
    type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", dataset: { fk: focusKey, action: element.action_id },
    "aria-labelledby": label ? `${label} ${shown.id}` : null, "aria-describedby": describedby,
    "aria-label": label ? null : `${nameOf(element, fallback)}${text ? `: ${text}` : ""}`, onclick: () => run(node),
  }, icon(iconName, 16), shown, icon("down", 16));
  return node;
}

export function picker(element, ctx, blockId, { label = null, describedby = null, dispatch = true } = {}) {
  const focusKey = ctx.fk(blockId, element);
  const [field] = fieldsOf(element.type);
  const frame = h("span.picker");
  const read = () => currentValue(ctx, blockId, element);
  const store = (value) => {
    setValue(ctx, blockId, element, value);
    draw();
    if (dispatch) ctx.act(blockId, element, { [field]: value }, focusKey);
  };
  const dateName = plain(element.placeholder) || t("chooseDate");
  const timeName = plain(element.placeholder) || t("chooseTime");
  const draws = {
    datepicker: () => [trigger("calendar", focusKey, element, label, describedby, read() && isoDateLabel(read()), dateName, (node) => openCalendar(node, dateName, read(), store))],
    timepicker: () => [trigger("clock", focusKey, element, label, describedby, read(), timeName, (node) => openTimes(node, timeName, read(), store))],
    datetimepicker: () => {
      const parts = read() ? zonedParts(read()) : null;
      const base = parts ?? { day: dayKey(new Date()), clock: "09:00" };
      return [
        trigger("calendar", focusKey, element, label, describedby, parts && isoDateLabel(parts.day), t("chooseDate"), (node) => openCalendar(node, t("chooseDate"), parts?.day ?? null, (day) => store(zonedSeconds(day, base.clock)))),
        trigger("clock", `${focusKey}/time`, element, label, describedby, parts?.clock ?? null, t("chooseTime"), (node) => openTimes(node, t("chooseTime"), parts?.clock ?? null, (clock) => store(zonedSeconds(base.day, clock)))),
      ];
    },
  };
  function draw() {
    const held = frame.contains(document.activeElement) ? document.activeElement.dataset.fk : null;
    replace(frame, draws[element.type]());
    if (held) frame.querySelector(`[data-fk="${CSS.escape(held)}"]`)?.focus();
  }
  draw();
  return control(ctx, focusKey, frame);
}
