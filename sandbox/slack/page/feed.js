// A list of messages that stays where the reader is: at its end it follows, elsewhere it holds still.
import { h, reconcile } from "./dom.js";
import { icon } from "./icons.js";
import { language, t } from "./i18n.js";
import { follows, isDismissed, renderMessage, signature } from "./message.js";
import { dayKey, dayTitle, fromTs } from "./time.js";

const NEAR = 80;

export class Feed {
  /** `inThread`: the first message is the root and a rule stands below it. */
  constructor({ label, inThread = false }) {
    this.inThread = inThread;
    this.list = h("div.feed-list");
    this.intro = h("div.feed-intro");
    this.jump = h("button.jump", { type: "button", hidden: true, onclick: () => this.toEnd() }, icon("arrowDown", 14), t("jumpNew"));
    this.scroller = h("div.feed-scroll", { tabindex: "0", role: "region", "aria-label": label }, this.intro, this.list);
    this.node = h("div.feed", null, this.scroller, this.jump);
    this.key = null;
    this.count = 0;
    this.following = true;
    this.scroller.addEventListener("scroll", () => {
      this.following = this.atEnd();
      if (this.following) this.jump.hidden = true;
    }, { passive: true });
    this.scroller.addEventListener("keydown", (event) => this.keys(event));
    new ResizeObserver(() => { if (this.following) this.toEnd(); }).observe(this.list);
    new ResizeObserver(() => { if (this.following) this.toEnd(); }).observe(this.scroller);
  }

  atEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = true;
  }

  /** Shows `messages`; a new `key` starts at the end, or at the top where `fromTop` says so. */
  show(key, channel, messages, { newSince = null, fromTop = false } = {}) {
    const fresh = key !== this.key;
    const kept = messages.filter((message) => !isDismissed(channel, message));
    const before = this.count;
    if (fresh) this.following = !fromTop;
    reconcile(this.list, this.items(channel, kept, newSince));
    this.roving();
    this.count = kept.length;
    this.key = key;
    if (fresh && fromTop) {
      this.scroller.scrollTop = 0;
      this.following = false;
    } else if (this.following) this.toEnd();
    else if (!fresh && kept.length > before) this.jump.hidden = false;
    if (fresh) this.jump.hidden = true;
    this.jump.lastChild.textContent = t("jumpNew");
  }

  items(channel, messages, newSince) {
    const items = [];
    let previous = null;
    messages.forEach((message, index) => {
      const day = dayKey(fromTs(message.ts));
      if (!this.inThread && (!previous || dayKey(fromTs(previous.ts)) !== day)) {
        items.push(rule(`day-${day}`, dayTitle(fromTs(message.ts)), "day"));
        previous = null;
      }
      if (newSince && message.ts === newSince && index > 0) { items.push(rule("new", t("newMessages"), "new")); previous = null; }
      const compact = !(this.inThread && index <= 1) && Boolean(follows(message, previous));
      items.push({
        key: `${message.local ? "local" : message.ephemeral ? "eph" : "msg"}-${message.ts}`, sig: signature(message, compact),
        build: () => renderMessage(message, { channel, inThread: this.inThread, compact }),
      });
      if (this.inThread && index === 0 && messages.length > 1) items.push(rule("replies", t("replies", { n: messages.slice(1).filter((m) => !m.ephemeral && !m.local).length }), "replies"));
      previous = message;
    });
    return items;
  }

  articles() {
    return [...this.list.querySelectorAll("article")];
  }

  roving() {
    const all = this.articles();
    const current = all.find((node) => node === document.activeElement) ?? all.at(-1);
    for (const node of all) node.tabIndex = node === current ? 0 : -1;
  }

  keys(event) {
    const at = this.articles().indexOf(document.activeElement);
    if (at < 0) return;
    const all = this.articles();
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const node = all[Math.max(0, Math.min(all.length - 1, to))];
    for (const other of all) other.tabIndex = other === node ? 0 : -1;
    node.focus({ preventScroll: true });
    node.scrollIntoView({ block: "nearest" });
  }

  reveal(ts) {
    const node = this.list.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
    if (!node) return false;
    this.following = false;
    node.scrollIntoView({ block: "center" });
    node.classList.add("revealed");
    setTimeout(() => node.classList.remove("revealed"), 2500);
    return true;
  }
}

const rule = (key, text, kind) => ({
  key, sig: `${text}/${language()}`, build: () => h("div.rule", { class: kind, role: "separator", "aria-label": text }, h("span", { "aria-hidden": "true" }, text)),
});
