// Buttons and overflow menus.
import { h, safeUrl } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { plain, textObject } from "../mrkdwn.js";
import { openMenu } from "../overlay.js";
import { control } from "./act.js";

export function button(element, ctx, blockId) {
  const focusKey = ctx.fk(blockId, element, `/${element.value ?? ""}`);
  const run = () => {
    const url = element.url && safeUrl(element.url);
    if (url) window.open(url, "_blank", "noopener");
    ctx.act(blockId, element, element.value === undefined ? {} : { value: element.value }, focusKey);
  };
  return control(ctx, focusKey, h("button.button", {
    type: "button", class: element.style ?? "", dataset: { fk: focusKey, action: element.action_id }, onclick: run,
    "aria-label": element.accessibility_label, "aria-haspopup": element.confirm ? "dialog" : null,
  }, h("span.button-text", null, textObject(element.text)), element.url ? icon("link", 14) : null));
}

export function overflow(element, ctx, blockId) {
  const focusKey = ctx.fk(blockId, element);
  const pick = (option) => {
    const url = option.url && safeUrl(option.url);
    if (url) window.open(url, "_blank", "noopener");
    ctx.act(blockId, element, { selected_option: option }, focusKey);
  };
  const node = h("button.icon-button.overflow", {
    type: "button", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": t("moreOptions"), title: t("moreOptions"),
    dataset: { fk: focusKey, action: element.action_id },
    onclick: () => openMenu(node, t("moreOptions"), (element.options ?? []).map((option) => ({
      label: plain(option.text), description: plain(option.description) || null, run: () => pick(option),
    }))),
  }, icon("dots"));
  return control(ctx, focusKey, node);
}

/** 👍 👎 under an answer. */
export function feedback(element, ctx, blockId) {
  return ["positive_button", "negative_button"].filter((name) => element[name]).map((name) => {
    const choice = element[name];
    const focusKey = ctx.fk(blockId, element, `/${choice.value}`);
    return control(ctx, focusKey, h("button.button", {
      type: "button", dataset: { fk: focusKey }, "aria-label": choice.accessibility_label,
      onclick: () => ctx.act(blockId, element, { value: choice.value }, focusKey),
    }, textObject(choice.text)));
  });
}
