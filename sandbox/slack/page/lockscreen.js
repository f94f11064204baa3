// The phones of the people: what rang there, with or without a sound.
import { avatar } from "./avatar.js";
import { bare } from "./bare.js";
import { h, replace } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";
import { closeButton } from "./overlay.js";
import { openPlace } from "./router.js";
import { humans, on, personName, state } from "./state.js";
import { lookAtRings } from "./sync.js";
import { ago, clockTime, phoneClock, phoneDate } from "./time.js";

/** The moment of a ring, given as seconds or as an ISO time. */
const when = (ring) => (typeof ring.time === "number" || /^\d+(\.\d+)?$/.test(ring.time) ? new Date(Number(ring.time) * 1000) : new Date(ring.time));

export const unseenRings = (id) => Math.max(0, (state.rings.get(id) ?? []).length - (state.ringsSeen.get(id) ?? 0));

export function createLockscreens({ onPerson }) {
  let person = null;
  const tabs = h("div.phone-tabs", { role: "tablist" });
  const screen = h("div.phone-screen", { role: "tabpanel", id: "phone-screen", tabindex: "0" });
  const head = h("div.phone-head");
  const node = h("aside.phones", { hidden: true, id: "phones" }, head, tabs, h("div.phone", null, screen));

  function toggle(open = node.hidden, of = null) {
    node.hidden = !open;
    if (open) {
      person = of ?? state.me;
      draw();
      tabs.querySelector("[aria-selected=true]")?.focus();
    }
    for (const button of document.querySelectorAll("[data-phones]")) button.setAttribute("aria-expanded", String(open));
  }

  function draw() {
    if (node.hidden) return;
    const owner = state.people.get(person) ?? state.people.get(state.me);
    node.setAttribute("aria-label", t("phones"));
    const close = closeButton(() => { toggle(false); document.querySelector("[data-phones]")?.focus(); }, t("closePhone"));
    replace(head, h("h2", null, t("phones")), close);
    const held = tabs.contains(document.activeElement);
    tabs.setAttribute("aria-label", t("phones"));
    replace(tabs, humans().map((entry) => {
      const chosen = entry.id === owner.id;
      const unseen = unseenRings(entry.id);
      return h("button.phone-tab", {
        type: "button", role: "tab", "aria-selected": String(chosen), "aria-controls": "phone-screen", tabindex: chosen ? "0" : "-1", title: t("phoneOf", { name: personName(entry.id) }),
        onclick: () => { person = entry.id; draw(); tabs.querySelector("[aria-selected=true]").focus(); },
      }, avatar(entry.id, 26), h("span", null, personName(entry.id)), unseen && !chosen ? h("span.badge", null, String(unseen), h("span.sr-only", null, ` ${t("rang", { n: unseen })}`)) : null);
    }));
    if (held) tabs.querySelector("[aria-selected=true]")?.focus();
    const now = new Date();
    const dnd = owner.dnd_until && Number(new Date(owner.dnd_until)) !== 0 ? dndDate(owner.dnd_until) : null;
    const rings = [...(state.rings.get(owner.id) ?? [])].reverse();
    screen.setAttribute("aria-label", t("phoneOf", { name: personName(owner.id) }));
    replace(screen,
      h("div.phone-time", null, h("div.phone-clock", null, phoneClock(now, owner.tz)), h("div.phone-date", null, phoneDate(now, owner.tz))),
      dnd && dnd > now ? h("p.phone-dnd", null, icon("bellOff", 14), t("dndUntil", { time: phoneClock(dnd, owner.tz) })) : null,
      rings.length ? h("ul.phone-rings", null, rings.map((ring) => h("li", null, ringCard(ring, owner)))) : h("p.phone-empty", null, t("phoneEmpty")));
    if (unseenRings(owner.id)) lookAtRings(owner.id);
  }

  const dndDate = (value) => (/^\d+(\.\d+)?$/.test(String(value)) ? new Date(Number(value) * 1000) : new Date(value));

  function ringCard(ring, owner) {
    const where = ring.channel_name ? (ring.why === "direct" ? state.app?.name : `#${ring.channel_name.replace(/^#/, "")}`) : "";
    return h("button.ring-card", {
      type: "button", onclick: async () => {
        if (owner.id !== state.me) await onPerson(owner.id);
        openPlace({ kind: "channel", id: ring.channel }, { ts: ring.ts, thread: ring.thread_ts });
        if (window.innerWidth < 1500) toggle(false);
      },
    },
    h("span.ring-head", null, h("img", { src: "favicon.svg", alt: "", width: "16", height: "16" }), h("span.ring-from", null, `${state.team?.name ?? ""}`), ring.sound === false ? h("span.ring-silent", { title: t("silent") }, icon("bellOff", 12), h("span.sr-only", null, t("silent"))) : null,
      h("span.ring-time", { title: clockTime(when(ring)) }, ago(when(ring)))),
    h("span.ring-where", null, where, h("span.ring-why", null, ` · ${t(`why_${ring.why}`)}`)),
    h("span.ring-text", null, bare(ring.text)));
  }

  tabs.addEventListener("keydown", (event) => {
    const all = humans().map((entry) => entry.id);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    person = all[(all.indexOf(person) + step + all.length) % all.length];
    draw();
    tabs.querySelector("[aria-selected=true]").focus();
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { toggle(false); document.querySelector("[data-phones]")?.focus(); }
  });
  on(["rings", "people"], draw);
  on(["person"], () => { person = state.me; draw(); });
  setInterval(draw, 30_000);
  return { node, toggle };
}
