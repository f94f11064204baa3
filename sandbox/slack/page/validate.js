// What Slack's client checks before a view is sent: required fields, lengths, numbers, addresses.
import { t } from "./i18n.js";
import { currentValue, fieldsOf } from "./blocks/values.js";

const empty = (value) => value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)
  || (typeof value === "string" && !value.trim());

const within = (element, length) => {
  if (element.min_length && length < element.min_length) return t("tooShort", { n: element.min_length });
  if (element.max_length && length > element.max_length) return t("tooLong", { n: element.max_length });
  return null;
};

const CHECKS = {
  plain_text_input: (element, value) => within(element, value.length),
  email_text_input: (_element, value) => (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value.trim()) ? null : t("notEmail")),
  url_text_input: (_element, value) => (/^https?:\/\/[^\s]+$/.test(value.trim()) && URL.canParse(value.trim()) ? null : t("notUrl")),
  number_input: (element, value) => {
    const text = String(value).trim();
    if (!/^-?\d+(\.\d+)?$/.test(text)) return t("notNumber");
    if (!element.is_decimal_allowed && text.includes(".")) return t("notWhole");
    if (element.min_value !== undefined && Number(text) < Number(element.min_value)) return t("tooSmall", { n: element.min_value });
    if (element.max_value !== undefined && Number(text) > Number(element.max_value)) return t("tooBig", { n: element.max_value });
    return null;
  },
};

/** {block_id: message} of the input blocks that may not be sent. */
export function validate(blocks, ctx) {
  const errors = {};
  for (const block of blocks) {
    if (block.type !== "input" || !fieldsOf(block.element.type)) continue;
    const value = currentValue(ctx, block.block_id, block.element);
    const problem = empty(value) ? (block.optional ? null : t("required")) : CHECKS[block.element.type]?.(block.element, value);
    if (problem) errors[block.block_id] = problem;
  }
  return errors;
}
