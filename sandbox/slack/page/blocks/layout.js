// The layout blocks.
import { h, safeUrl, uid } from "../dom.js";
import { fileCard, imageUrl } from "../files.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { markdown } from "../markdown.js";
import { textObject } from "../mrkdwn.js";
import { element, imageElement } from "./elements.js";
import { renderBlocks } from "./index.js";
import { richText } from "./rich_text.js";

// Past this a long text folds behind "Show more", as in Slack; a view or an expanded section never folds.
const FOLD_CHARACTERS = 700;
const FOLD_LINES = 12;

export function section(block, ctx) {
  const text = block.text ? h("div.text", null, textObject(block.text)) : null;
  const fold = text && ctx.kind === "message" && !block.expand
    && (block.text.text.length > FOLD_CHARACTERS || block.text.text.split("\n").length > FOLD_LINES);
  const main = h("div.section-main", null, fold ? folded(text, ctx, block) : text,
    block.fields ? h("div.fields", null, block.fields.map((field) => h("div.text.field-text", null, textObject(field)))) : null);
  const side = block.accessory ? element(block.accessory, ctx, block.block_id) : null;
  const small = ["overflow", "image", "button"].includes(block.accessory?.type);
  return h("div.section", { class: side ? (small ? "with-side" : "with-below") : "" }, main, side ? h("div.section-side", null, side) : null);
}

function folded(text, ctx, block) {
  const key = `fold/${block.block_id}`;
  const frame = h("div.folded");
  const draw = () => {
    const open = ctx.st.ui.get(key) === true;
    frame.classList.toggle("open", open);
    more.textContent = t(open ? "showLess" : "showMore");
    more.setAttribute("aria-expanded", String(open));
  };
  const more = h("button.link-button", { type: "button", dataset: { fk: `${ctx.key}/${key}` }, onclick: () => { ctx.st.ui.set(key, ctx.st.ui.get(key) !== true); draw(); } });
  frame.append(text, more);
  draw();
  return frame;
}

export const header = (block, ctx) =>
  h("h2.header-block", { "aria-level": String(Math.min(6, (block.level ?? 1) + (ctx.kind === "modal" ? 2 : 1))) }, textObject(block.text));

export const divider = () => h("hr.divider");

export const context = (block) => h("div.context", null, (block.elements ?? []).map((item) =>
  item.type === "image" ? imageElement(item) : h("span.text", null, textObject(item))));

export const actions = (block, ctx) =>
  h("div.actions", null, (block.elements ?? []).map((item) => element(item, ctx, block.block_id)));

export function image(block, ctx) {
  const src = imageUrl(block);
  const title = block.title ? h("div.image-title", null, textObject(block.title)) : null;
  const picture = src && safeUrl(src)
    ? h("img", { src: safeUrl(src), alt: block.alt_text ?? "" }) : h("span.unsupported", null, block.alt_text);
  return h("figure.image-block", { class: ctx.kind }, title, picture);
}

export const file = (block, ctx) => {
  const known = ctx.files?.find((item) => item.id === block.file_id || item.external_id === block.external_id);
  return fileCard(known ?? { id: block.file_id ?? block.external_id, title: block.external_id ?? block.file_id });
};

export const markdownBlock = (block) => h("div.markdown", null, markdown(block.text));

// These are drawn as one native field, which its label names and focuses.
const NATIVE = /_input$/;

export function input(block, ctx) {
  const label = uid("label");
  const native = NATIVE.test(block.element.type) ? uid("input") : null;
  const hint = block.hint ? uid("hint") : null;
  const error = ctx.st.errors[block.block_id];
  const errorId = error ? uid("error") : null;
  const describedby = [errorId, hint].filter(Boolean).join(" ") || null;
  return h("div.input-block", { class: error ? "has-error" : "", dataset: { input: block.block_id } },
    h(native ? "label.input-label" : "div.input-label", { id: label, for: native }, textObject(block.label), block.optional ? h("span.optional", null, ` ${t("optional")}`) : null),
    element(block.element, ctx, block.block_id, { label, id: native, describedby, dispatch: block.dispatch_action === true, invalid: Boolean(error) }),
    error ? h("div.input-error", { id: errorId, role: "alert" }, icon("warn", 16), h("span", null, error)) : null,
    block.hint ? h("div.input-hint", { id: hint }, textObject(block.hint)) : null);
}

export function container(block, ctx) {
  const key = `container/${block.block_id}`;
  const body = h("div.container-body", { id: uid("container") }, renderBlocks(block.child_blocks ?? [], ctx));
  const title = block.rich_text_title ? richText(block.rich_text_title) : textObject(block.title);
  const words = h("span.container-words", null, h("span.container-title", null, title), block.subtitle ? h("span.container-subtitle", null, textObject(block.subtitle)) : null);
  const lead = block.icon ? imageElement(block.icon) : null;
  if (!block.is_collapsible) return h("div.container", { class: block.has_header_divider ? "ruled" : "" }, h("div.container-head", null, lead, words), body);
  const open = () => ctx.st.ui.get(key) ?? !block.default_collapsed;
  const toggle = h("button.container-head", {
    type: "button", "aria-controls": body.id, dataset: { fk: `${ctx.key}/${key}` },
    onclick: () => { ctx.st.ui.set(key, !open()); draw(); },
  }, icon("right", 16), lead, words);
  const node = h("div.container.collapsible", null, toggle, body);
  function draw() {
    toggle.setAttribute("aria-expanded", String(open()));
    body.hidden = !open();
  }
  draw();
  return node;
}

export const alert = (block) => h("div.alert-block", { class: block.level ?? "default" }, h("div.text", null, textObject(block.text)));

export const unsupported = (block) => h("p.unsupported", null, t("unsupported", { type: block.type }));
