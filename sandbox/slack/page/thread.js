// The thread pane: the root, its replies, and a composer of its own.
import { createComposer } from "./composer.js";
import { h, replace } from "./dom.js";
import { Feed } from "./feed.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";
import { closeButton } from "./overlay.js";
import { channelInfo, channelTitle, on, state, threadKey } from "./state.js";

export function createThread({ onClose }) {
  const feed = new Feed({ label: "", inThread: true });
  const head = h("header.pane-head");
  const foot = h("div.pane-foot");
  const node = h("aside.thread", { hidden: true, id: "thread" }, head, feed.node, foot);
  let composer = null;
  let drawn = null;

  function draw() {
    node.hidden = !state.thread;
    document.body.classList.toggle("with-thread", Boolean(state.thread));
    if (!state.thread) { drawn = null; return; }
    const { channel, ts } = state.thread;
    const key = threadKey(channel, ts);
    const info = channelInfo(channel);
    const mark = `${state.me}/${key}/${t("thread")}`;
    if (drawn !== mark) {
      drawn = mark;
      node.setAttribute("aria-label", t("thread"));
      feed.scroller.setAttribute("aria-label", t("thread"));
      replace(head, h("button.icon-button.narrow-only", { type: "button", "aria-label": t("back"), onclick: onClose }, icon("back")),
        h("div.pane-title", null, h("h2", null, t("thread")), h("span.pane-note", null, info ? (info.is_im ? channelTitle(info) : `#${info.name}`) : "")),
        h("span.wide-only", null, closeButton(onClose, t("closeThread"))));
      composer = createComposer({ key, target: () => ({ channel, thread_ts: ts }), placeholder: t("reply") });
      replace(foot, composer.node);
    }
    const messages = state.replies.get(key);
    if (messages) feed.show(`${state.me}/${key}`, channel, [...messages, ...(state.local.get(key) ?? [])], { fromTop: true });
  }
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) onClose();
  });
  on(["thread", "person", "channels", "people"], draw);
  return { node, feed, focus: () => composer?.focus(), draw };
}
