// Which renderer draws which interactive element.
import { h, safeUrl } from "../dom.js";
import { t } from "../i18n.js";
import { imageUrl } from "../files.js";
import { textObject } from "../mrkdwn.js";
import { button, feedback, overflow } from "./button.js";
import { choices, fileInput, textInput } from "./inputs.js";
import { picker } from "./pickers.js";
import { select } from "./select.js";
import { selectKind } from "./values.js";

const RENDERERS = {
  button, workflow_button: button, overflow, feedback_buttons: feedback,
  datepicker: picker, timepicker: picker, datetimepicker: picker,
  radio_buttons: choices, checkboxes: choices, file_input: fileInput,
  plain_text_input: textInput, email_text_input: textInput, url_text_input: textInput, number_input: textInput, rich_text_input: textInput,
};

export function imageElement(element) {
  const src = imageUrl(element);
  return src && safeUrl(src) ? h("img.image-element", { src: safeUrl(src), alt: element.alt_text ?? "" }) : null;
}

export function element(item, ctx, blockId, options = {}) {
  if (item.type === "image") return imageElement(item);
  if (item.type === "mrkdwn" || item.type === "plain_text") return h("span", null, textObject(item));
  if (selectKind(item.type)) return select(item, ctx, blockId, options);
  const render = RENDERERS[item.type];
  if (render) return render(item, ctx, blockId, options);
  return h("span.unsupported", null, t("unsupported", { type: item.type }));
}
