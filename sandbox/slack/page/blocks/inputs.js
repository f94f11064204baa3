// Text fields, radio buttons, checkboxes and files.
import { h, replace, uid } from "../dom.js";
import { t } from "../i18n.js";
import { plain, textObject } from "../mrkdwn.js";
import { control, nameOf } from "./act.js";
import { currentValue, fieldsOf, setValue } from "./values.js";

const INPUT_TYPES = {
  plain_text_input: { type: "text" },
  email_text_input: { type: "email", inputmode: "email" },
  url_text_input: { type: "url", inputmode: "url" },
  number_input: { type: "text", inputmode: "decimal" },
};

export function textInput(element, ctx, blockId, { id = null, describedby = null, dispatch = false, invalid = false } = {}) {
  const focusKey = ctx.fk(blockId, element);
  const rich = element.type === "rich_text_input";
  const long = element.multiline || rich;
  const value = currentValue(ctx, blockId, element);
  const triggers = element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  let sent = null;
  const send = () => {
    if (!dispatch || sent === node.value) return;
    sent = node.value;
    ctx.act(blockId, element, { value: node.value }, focusKey);
  };
  const node = h(long ? "textarea.field" : "input.field", {
    ...(long ? { rows: "4" } : INPUT_TYPES[element.type]),
    value: rich ? richToText(value) : value ?? "", placeholder: plain(element.placeholder) || null,
    id, "aria-describedby": describedby, "aria-invalid": invalid ? "true" : null,
    "aria-label": id ? null : nameOf(element, element.action_id), dataset: { fk: focusKey, action: element.action_id }, autocomplete: "off",
    oninput: () => {
      setValue(ctx, blockId, element, rich ? textToRich(node.value) : node.value || null);
      paintCount();
      if (triggers.includes("on_character_entered")) send();
    },
    onkeydown: (event) => {
      if (event.key === "Enter" && dispatch && !long && triggers.includes("on_enter_pressed")) { event.preventDefault(); sent = null; send(); }
    },
  });
  const limit = element.max_length;
  const count = limit ? h("span.char-count", { "aria-hidden": "true" }) : null;
  function paintCount() {
    if (!count) return;
    const left = limit - [...node.value].length;
    count.textContent = left < Math.min(50, limit / 4) ? String(left) : "";
    count.classList.toggle("over", left < 0);
  }
  paintCount();
  return control(ctx, focusKey, h("span.field-frame", null, node, count));
}

const richToText = (value) => (value?.elements ?? []).map((part) => (part.elements ?? []).map((e) => e.text ?? "").join("")).join("\n");
const textToRich = (text) => (text ? { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text }] }] } : null);

export function choices(element, ctx, blockId, { label = null, describedby = null, dispatch = true } = {}) {
  const many = element.type === "checkboxes";
  const group = uid("choice");
  const read = () => {
    const value = currentValue(ctx, blockId, element);
    return many ? value ?? [] : value ? [value] : [];
  };
  const toggle = (option, on) => {
    const rest = read().filter((entry) => entry.value !== option.value);
    const value = many ? (element.options.filter((entry) => (entry.value === option.value ? on : rest.some((r) => r.value === entry.value)))) : option;
    setValue(ctx, blockId, element, value);
    if (dispatch) ctx.act(blockId, element, { [fieldsOf(element.type)[0]]: value });
  };
  const focusKey = ctx.fk(blockId, element);
  return control(ctx, focusKey, h("div.choices", {
    role: many ? "group" : "radiogroup", "aria-labelledby": label, "aria-label": label ? null : nameOf(element, t("choose")), "aria-describedby": describedby,
  }, (element.options ?? []).map((option, i) => {
    const id = uid("choice");
    const input = h("input", {
      type: many ? "checkbox" : "radio", name: group, id, checked: read().some((entry) => entry.value === option.value),
      dataset: { fk: `${focusKey}/${i}`, action: element.action_id }, onchange: () => toggle(option, input.checked),
      "aria-describedby": option.description ? `${id}-d` : null,
    });
    return h("div.choice", null, input, h("div", null, h("label", { for: id }, textObject(option.text)), option.description ? h("div.choice-description", { id: `${id}-d` }, textObject(option.description)) : null));
  })));
}

export function fileInput(element, ctx, blockId, { id = null, describedby = null } = {}) {
  const focusKey = ctx.fk(blockId, element);
  const limit = element.max_files ?? 10;
  const names = h("ul.file-names");
  const input = h("input", {
    type: "file", multiple: limit > 1, accept: element.filetypes?.map((type) => `.${type}`).join(",") ?? null, dataset: { fk: focusKey, action: element.action_id },
    id, "aria-describedby": describedby, "aria-label": id ? null : t("addFiles"),
    onchange: async () => {
      const files = await Promise.all([...input.files].slice(0, limit).map(readFile));
      setValue(ctx, blockId, element, files);
      draw(files);
    },
  });
  function draw(files) {
    replace(names, (files ?? []).map((file) => h("li", null, file.name)));
  }
  draw(currentValue(ctx, blockId, element));
  return control(ctx, focusKey, h("div.file-input", null, input, names));
}

/** A chosen file as the hand takes it: its name, type and content in base64. */
export async function readFile(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return { name: file.name, mimetype: file.type || "application/octet-stream", size: file.size, content: btoa(binary) };
}
