// The newer blocks: charts, cards, plans of tasks.
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { locale } from "../i18n.js";
import { link, textObject } from "../mrkdwn.js";
import { element, imageElement } from "./elements.js";
import { richText } from "./rich_text.js";

const number = (value) => new Intl.NumberFormat(locale()).format(value);

/** A chart as bars beside their figures: every kind is read from the same rows. */
export function chart(block) {
  const { chart: data } = block;
  const series = data.type === "pie" ? [{ name: null, data: data.segments ?? [] }] : data.series ?? [];
  const most = Math.max(...series.flatMap((one) => one.data.map((point) => Math.abs(point.value))), 1);
  return h("figure.chart", null, h("figcaption", null, block.title), series.map((one) => h("div.chart-series", null,
    one.name ? h("div.chart-name", null, one.name) : null,
    h("dl.chart-rows", null, one.data.map((point) => [
      h("dt", null, point.label),
      h("dd", null, h("span.chart-bar", { "aria-hidden": "true", style: { width: `${(Math.abs(point.value) / most) * 100}%` } }), h("span.chart-value", null, number(point.value))),
    ])))));
}

export function card(block, ctx) {
  return h("div.card", null, block.hero_image ? imageElement(block.hero_image) : null,
    h("div.card-head", null, block.icon ? imageElement(block.icon) : null, h("div.card-words", null,
      block.title ? h("div.card-title", null, textObject(block.title)) : null, block.subtitle ? h("div.card-subtitle", null, textObject(block.subtitle)) : null)),
    block.body ? h("div.text", null, textObject(block.body)) : null,
    block.actions?.length ? h("div.actions", null, block.actions.map((item) => element(item, ctx, block.block_id))) : null);
}

export const carousel = (block, ctx) => h("div.carousel", { tabindex: "0", role: "group" }, (block.elements ?? []).map((item) => card(item, ctx)));

const STATUS = { pending: "clock", in_progress: "right", complete: "check", error: "warn" };

export function task(block) {
  return h("div.task", { class: block.status }, icon(STATUS[block.status] ?? "clock", 16), h("div.task-words", null, h("div.task-title", null, block.title, h("span.sr-only", null, ` (${block.status})`)),
    block.details ? richText(block.details) : null, block.output ? richText(block.output) : null,
    block.sources?.length ? h("div.task-sources", null, block.sources.map((source) => link(source.url, source.text))) : null));
}

export const plan = (block) => h("div.plan", null, h("div.card-title", null, block.title), (block.tasks ?? []).map(task));
