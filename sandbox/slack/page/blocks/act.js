// Carries a press to the app and shows on the control what became of it.
import { api, HandError } from "../api.js";
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { t } from "../i18n.js";
import { plain, textObject } from "../mrkdwn.js";
import { askConfirm, notify } from "../overlay.js";
import { state, surfaceState } from "../state.js";
import { givenValues } from "./values.js";

// The answers that mean: the app did not acknowledge the click.
const UNACKNOWLEDGED = new Set(["operation_timeout", "dispatch_failed", "no_ack", "timeout", "sandbox_unreachable"]);

/** What the renderers of blocks need to know about where they draw. */
export function surface(kind, key, target) {
  const st = surfaceState(key);
  const ctx = { kind, key, target, st };
  ctx.act = (blockId, element, payload, focusKey = ctx.fk(blockId, element)) => act(ctx, blockId, element, payload, focusKey);
  ctx.suggest = (blockId, element, value) =>
    api.suggest({ as: state.me, ...target, block_id: blockId, action_id: element.action_id, value });
  ctx.fk = (blockId, element, extra = "") => `${key}/${blockId}/${element.action_id ?? ""}${extra}`;
  return ctx;
}

async function act(ctx, blockId, element, payload, focusKey) {
  if (ctx.st.pending.has(focusKey)) return false;
  if (element.confirm && !(await askConfirm(element.confirm, confirmText))) return false;
  if (ctx.st.pending.has(focusKey)) return false;
  ctx.st.pending.add(focusKey);
  ctx.st.failed.delete(focusKey);
  paint(ctx, focusKey);
  try {
    const values = givenValues(ctx);
    await api.click({
      as: state.me, ...ctx.target, block_id: blockId, action_id: element.action_id, ...payload,
      ...(Object.keys(values).length ? { values } : {}),
    });
    return true;
  } catch (error) {
    if (!(error instanceof HandError)) throw error;
    if (UNACKNOWLEDGED.has(error.code)) ctx.st.failed.set(focusKey, t("noAck", { app: state.app?.name ?? "" }));
    else {
      ctx.st.failed.set(focusKey, t("actionFailed", { error: error.code }));
      notify(t("actionFailed", { error: error.code }), { alert: true });
    }
    return false;
  } finally {
    ctx.st.pending.delete(focusKey);
    paint(ctx, focusKey);
  }
}

const confirmText = (object) => (object ? textObject(object) : [t("cancel")]);

/** A control with its spinner and its warning triangle. */
export function control(ctx, focusKey, node) {
  const frame = h("span.control", { dataset: { control: focusKey } }, node);
  dress(ctx, focusKey, frame);
  return frame;
}

function paint(ctx, focusKey) {
  for (const frame of document.querySelectorAll(`[data-control="${CSS.escape(focusKey)}"]`)) dress(ctx, focusKey, frame);
}

function dress(ctx, focusKey, frame) {
  const pending = ctx.st.pending.has(focusKey);
  const failed = ctx.st.failed.get(focusKey);
  frame.classList.toggle("pending", pending);
  frame.firstElementChild.toggleAttribute("aria-busy", false);
  if (pending) frame.firstElementChild.setAttribute("aria-busy", "true");
  frame.querySelector(".click-failed")?.remove();
  if (failed) frame.append(h("span.click-failed", { role: "alert", title: failed }, icon("warn", 18), h("span.sr-only", null, failed)));
}

/** The accessible name of a control that has no label of its own. */
export const nameOf = (element, fallback) =>
  element.accessibility_label ?? (plain(element.placeholder) || fallback);
