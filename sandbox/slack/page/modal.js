// The open views of the person: a stack, of which the top is shown.
import { api, HandError } from "./api.js";
import { avatar } from "./avatar.js";
import { surface } from "./blocks/act.js";
import { renderBlock } from "./blocks/index.js";
import { currentValue, fieldsOf, givenValues } from "./blocks/values.js";
import { h, reconcile, replace, uid } from "./dom.js";
import { icon } from "./icons.js";
import { language, t } from "./i18n.js";
import { plain } from "./mrkdwn.js";
import { closeButton, focusables, openDialog } from "./overlay.js";
import { botId, on, state } from "./state.js";
import { loadViews } from "./sync.js";
import { validate } from "./validate.js";

let dialog = null;
let shown = null; // {id, hash, body, …} of the view that is drawn
let busy = false;

export function startModals() {
  on(["views", "people"], draw);
}

function draw() {
  const view = state.views.at(-1);
  if (!view) {
    dialog?.close();
    dialog = null;
    shown = null;
    return;
  }
  if (!dialog?.dialog.isConnected) {
    const frame = h("div.dialog-frame");
    dialog = openDialog({ className: "view", label: plain(view.title), content: frame, onEscape: () => leave(false), initial: () => frame });
    frame.tabIndex = -1;
    dialog.frame = frame;
    shown = null;
  }
  if (shown?.id !== view.id || shown.language !== language() || shown.depth !== state.views.length) drawFrame(view);
  else if (shown.hash !== signature(view)) update(view);
}

const signature = (view) => JSON.stringify([view.hash, view.title, view.submit, view.close, view.blocks]);

function contextOf(view) {
  return surface("modal", `view:${view.id}`, { view_id: view.id });
}

function drawFrame(view) {
  const ctx = contextOf(view);
  const title = h("h2", { id: uid("view") });
  const body = h("div.dialog-body.view-body");
  const foot = h("footer.dialog-foot");
  const status = h("div.sr-only", { role: "status" });
  const problem = h("div.view-problem", { role: "alert" });
  const back = state.views.length > 1
    ? h("button.icon-button", { type: "button", "aria-label": t("back"), title: t("back"), onclick: () => leave(false) }, icon("back")) : avatar(botId(), 24);
  replace(dialog.frame, h("header.dialog-head", null, back, title, closeButton(() => leave(true), state.views.length > 1 ? t("closeAll") : t("close"))), body, problem, status, foot);
  dialog.dialog.removeAttribute("aria-label");
  dialog.dialog.setAttribute("aria-labelledby", title.id);
  shown = { id: view.id, ctx, title, body, foot, status, problem, language: language(), depth: state.views.length };
  ctx.st.errors = {};
  fill(view);
  const wanted = body.querySelector("[data-focus-first]") ?? focusables(body)[0] ?? focusables(foot).at(-1) ?? dialog.frame;
  (firstFocus(view, body) ?? wanted).focus({ preventScroll: true });
}

function firstFocus(view, body) {
  for (const block of view.blocks) {
    const items = block.element ? [block.element] : block.elements ?? (block.accessory ? [block.accessory] : []);
    const item = items.find((entry) => entry.focus_on_load);
    if (item) return body.querySelector(`[data-action="${CSS.escape(item.action_id)}"]`);
  }
  return null;
}

// The app changed the view while it was open: what was typed stays, the rest is drawn anew.
function update(view) {
  shown.ctx.st.errors = {};
  fill(view);
  shown.status.textContent = `${plain(view.title)} ${t("edited")}`;
  if (!dialog.dialog.contains(document.activeElement) || document.activeElement === dialog.dialog) {
    (focusables(shown.body)[0] ?? dialog.frame).focus({ preventScroll: true });
  }
}

function fill(view) {
  shown.hash = signature(view);
  shown.title.textContent = plain(view.title);
  drawBody(view);
  const submit = view.submit ? h("button.button.primary", { type: "button", dataset: { fk: `view/${view.id}/submit` }, onclick: () => send(view.id) }, h("span.button-text", null, plain(view.submit))) : null;
  replace(shown.foot, h("button.button", { type: "button", dataset: { fk: `view/${view.id}/close` }, onclick: () => leave(false) }, view.close ? plain(view.close) : view.submit ? t("cancel") : t("close")), submit);
  shown.submit = submit;
  setBusy(busy);
}

function drawBody(view) {
  const { ctx, body } = shown;
  ctx.blocks = view.blocks;
  const seen = new Map();
  reconcile(body, view.blocks.map((block, i) => {
    const name = block.block_id ?? `#${i}`;
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return {
      key: `${name}/${seen.get(name)}`, sig: JSON.stringify([block, ctx.st.errors[block.block_id] ?? null, language()]), build: () => renderBlock(block, ctx),
    };
  }));
}

function setBusy(on_) {
  busy = on_;
  if (!shown?.submit) return;
  shown.submit.disabled = on_;
  shown.submit.classList.toggle("busy", on_);
  shown.submit.setAttribute("aria-busy", String(on_));
}

// Every input of the view, those with their first value included, in the form of state.values.
function allValues(view, ctx) {
  const values = givenValues(ctx);
  for (const block of view.blocks) {
    if (block.type !== "input" || values[block.block_id]?.[block.element.action_id]) continue;
    const fields = fieldsOf(block.element.type);
    const value = fields && currentValue(ctx, block.block_id, block.element);
    if (value !== null && value !== undefined) (values[block.block_id] ??= {})[block.element.action_id] = { type: block.element.type, [fields[0]]: value };
  }
  return values;
}

async function send(viewId) {
  const view = state.views.at(-1);
  if (busy || !view || view.id !== viewId) return;
  const { ctx } = shown;
  showErrors(view, validate(view.blocks, ctx));
  if (Object.keys(ctx.st.errors).length) return;
  setBusy(true);
  shown.status.textContent = t("sending");
  try {
    const answer = await api.submit({ as: state.me, view_id: view.id, values: allValues(view, ctx) });
    if (answer.response_action === "errors" || answer.errors) showErrors(view, answer.errors ?? {});
  } catch (error) {
    if (!(error instanceof HandError)) throw error;
    if (error.body.errors) showErrors(view, error.body.errors);
    else if (shown?.id === view.id) shown.problem.textContent = t("submitFailed");
  } finally {
    setBusy(false);
    if (shown) shown.status.textContent = "";
    await loadViews();
  }
}

function showErrors(view, errors) {
  if (shown?.id !== view.id) return;
  shown.problem.textContent = "";
  shown.ctx.st.errors = errors;
  drawBody(view);
  const first = view.blocks.find((block) => errors[block.block_id]);
  if (!first) return;
  const node = shown.body.querySelector(`[data-input="${CSS.escape(first.block_id)}"]`);
  node?.scrollIntoView({ block: "nearest" });
  if (node) focusables(node)[0]?.focus({ preventScroll: true });
}

/** Leaves the top view, or with `clear` the whole stack. */
async function leave(clear) {
  const view = state.views.at(-1);
  if (!view) return;
  try {
    await api.close({ as: state.me, view_id: view.id, ...(clear && state.views.length > 1 ? { clear: true } : {}) });
  } catch (error) {
    if (!(error instanceof HandError)) throw error;
  }
  await loadViews();
}
