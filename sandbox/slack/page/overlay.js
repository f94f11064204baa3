// What lies above the page: menus, lists, dialogs, notices. Esc closes the topmost, the focus goes back.
import { h, refocus, uid } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

const FOCUSABLE = "a[href],button:not([disabled]),input:not([disabled]),textarea:not([disabled]),select:not([disabled]),[tabindex]:not([tabindex='-1'])";
export const focusables = (root) => [...root.querySelectorAll(FOCUSABLE)].filter((node) => node.offsetParent !== null || node.getClientRects().length);

let current = null;

export const closePopover = (restore = true) => current?.close(restore);

/** A floating box beside `anchor`. Opened inside a dialog it belongs to that dialog. */
export function openPopover(anchor, content, { onClose = () => {}, className = "", width = null, align = "start" } = {}) {
  closePopover(false);
  const box = h("div.popover", { popover: "manual", class: className }, content);
  (anchor.closest("dialog[open], main, aside, nav, header") ?? document.body).append(box);
  box.showPopover();
  if (width) box.style.setProperty("width", `${width}px`);
  place(box, anchor, align);
  const outside = (event) => {
    if (!box.contains(event.target) && !anchor.contains(event.target)) handle.close(false);
  };
  const keys = (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      handle.close(true);
    }
  };
  const moved = () => (anchor.isConnected ? place(box, anchor, align) : null);
  const handle = {
    box,
    close(restore = true) {
      if (current !== handle) return;
      current = null;
      document.removeEventListener("pointerdown", outside, true);
      document.removeEventListener("keydown", keys, true);
      window.removeEventListener("resize", moved);
      box.remove();
      anchor.removeAttribute("aria-expanded");
      if (anchor.hasAttribute("aria-haspopup")) anchor.setAttribute("aria-expanded", "false");
      onClose();
      if (restore) refocus(anchor);
    },
    place: moved,
  };
  current = handle;
  if (anchor.hasAttribute("aria-haspopup")) anchor.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  document.addEventListener("keydown", keys, true);
  window.addEventListener("resize", moved);
  return handle;
}

function place(box, anchor, align) {
  const at = anchor.getBoundingClientRect();
  const size = box.getBoundingClientRect();
  const [vw, vh] = [document.documentElement.clientWidth, window.innerHeight];
  let left = align === "end" ? at.right - size.width : at.left;
  left = Math.max(8, Math.min(left, vw - size.width - 8));
  let top = at.bottom + 4;
  if (top + size.height > vh - 8) top = at.top - size.height - 4 >= 8 ? at.top - size.height - 4 : Math.max(8, vh - size.height - 8);
  box.style.setProperty("left", `${left}px`);
  box.style.setProperty("top", `${top}px`);
}

/** items: {label, description?, icon?, danger?, run} or {heading}. Arrow keys, letters, Enter. */
export function openMenu(anchor, label, items, options = {}) {
  const entries = items.map((item) => item.heading
    ? h("div.menu-heading", { role: "presentation" }, item.heading)
    : h("button.menu-item", {
      role: "menuitem", type: "button", tabindex: "-1", class: item.danger ? "danger" : "",
      onclick: () => { handle.close(true); item.run(); },
    }, item.lead ?? null, h("span.menu-text", null, h("span", null, item.label), item.description ? h("span.menu-description", null, item.description) : null)));
  const menu = h("div.menu", { role: "menu", "aria-label": label }, entries);
  const buttons = entries.filter((node) => node.matches("button"));
  const handle = openPopover(anchor, menu, { align: "end", ...options });
  const move = (to) => buttons[(to + buttons.length) % buttons.length]?.focus();
  menu.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 };
    if (event.key in steps) { event.preventDefault(); move(steps[event.key]); }
    else if (event.key === "Tab") { event.preventDefault(); handle.close(true); }
    else if (event.key.length === 1 && /\S/.test(event.key)) {
      const rest = [...buttons.slice(at + 1), ...buttons.slice(0, at + 1)];
      rest.find((node) => node.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    }
  });
  move(0);
  return handle;
}

/** A modal dialog: the page behind is inert, Tab stays inside, Esc asks `onEscape` (default: close). */
export function openDialog({ label, labelledby, content, className = "", onEscape, onClose = () => {}, initial, role = "dialog", describedby }) {
  const opener = document.activeElement;
  const dialog = h("dialog", { class: className, role, "aria-modal": "true", "aria-label": label, "aria-labelledby": labelledby, "aria-describedby": describedby }, content);
  document.body.append(dialog);
  const handle = {
    dialog,
    opener,
    close(restore = true) {
      if (!dialog.isConnected) return;
      dialog.close();
      dialog.remove();
      onClose();
      if (restore && !document.querySelector("dialog[open]")?.contains(document.activeElement)) refocus(handle.opener);
    },
  };
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      (onEscape ?? (() => handle.close()))();
    } else if (event.key === "Tab") {
      trap(dialog, event);
    }
  });
  closePopover(false);
  dialog.showModal();
  (initial?.() ?? focusables(dialog)[0] ?? dialog).focus();
  return handle;
}

function trap(dialog, event) {
  const nodes = focusables(dialog);
  if (!nodes.length) { event.preventDefault(); return; }
  const [first, last] = [nodes[0], nodes.at(-1)];
  const active = document.activeElement;
  if (event.shiftKey && (active === first || !dialog.contains(active))) { event.preventDefault(); last.focus(); }
  else if (!event.shiftKey && (active === last || !dialog.contains(active))) { event.preventDefault(); first.focus(); }
}

/** Block Kit's confirmation object; resolves to whether the person agreed. */
export function askConfirm(confirm, render) {
  return new Promise((resolve) => {
    const titleId = uid("confirm");
    const textId = uid("confirm");
    let answer = false;
    const done = (value) => { answer = value; handle.close(); };
    const yes = h("button.button", { type: "button", class: confirm.style === "danger" ? "danger" : "primary", onclick: () => done(true) }, render(confirm.confirm));
    const handle = openDialog({
      className: "confirm", role: "alertdialog", labelledby: titleId, describedby: textId,
      content: h("div.dialog-frame", null,
        h("header.dialog-head", null, h("h2", { id: titleId }, render(confirm.title)), closeButton(() => done(false))),
        h("div.dialog-body", { id: textId }, h("p", null, render(confirm.text))),
        h("footer.dialog-foot", null, h("button.button", { type: "button", onclick: () => done(false) }, render(confirm.deny)), yes)),
      initial: () => yes,
      onEscape: () => done(false),
      onClose: () => resolve(answer),
    });
  });
}

export const closeButton = (run, label) =>
  h("button.icon-button", { type: "button", "aria-label": label ?? t("close"), title: label ?? t("close"), onclick: run }, icon("close"));

let notices = null;
/** A short notice that goes by itself. */
export function notify(content, { seconds = 6, onClick = null, className = "", alert = false } = {}) {
  notices ??= document.body.appendChild(h("div.notices", { popover: "manual" }));
  const close = () => {
    node.remove();
    if (!notices.children.length && notices.matches(":popover-open")) notices.hidePopover();
  };
  const node = h("div.notice", { class: className, role: alert ? "alert" : "status" },
    onClick ? h("button.notice-open", { type: "button", onclick: () => { close(); onClick(); } }, content) : h("div.notice-text", null, content),
    closeButton(close));
  (document.querySelector("dialog[open]") ?? document.body).append(notices);
  if (notices.matches(":popover-open")) notices.hidePopover();
  notices.showPopover();
  notices.append(node);
  while (notices.children.length > 3) notices.firstElementChild.remove();
  setTimeout(close, seconds * 1000);
  return close;
}
