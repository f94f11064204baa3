// Who looks: a row of people on a wide page, a menu on a narrow one.
import { avatar } from "./avatar.js";
import { h, replace } from "./dom.js";
import { icon } from "./icons.js";
import { t, titleOf } from "./i18n.js";
import { unseenRings } from "./lockscreen.js";
import { openMenu } from "./overlay.js";
import { humans, me, on, personName, state } from "./state.js";

export function createPeople({ onPerson, onPhones, onGuide, onMenu }) {
  const row = h("div.people", { role: "group" });
  const menuButton = h("button.topbar-button.narrow-only", { type: "button", "aria-controls": "sidebar", "aria-expanded": "false", dataset: { menu: "" }, onclick: onMenu }, icon("menu", 22));
  const who = h("button.topbar-button.narrow-only.who", { type: "button", "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => choose() });
  const phones = h("button.topbar-button.phones-button", { type: "button", dataset: { phones: "" }, "aria-expanded": "false", "aria-controls": "phones", onclick: () => onPhones() });
  const help = h("button.topbar-button.narrow-only", { type: "button", hidden: true, onclick: onGuide }, icon("help", 22));
  const team = h("span.topbar-team");
  const node = h("header.topbar", null, menuButton, team, row, h("div.topbar-end", null, help, phones, who));

  const choose = () => openMenu(who, t("people"), humans().map((person) => ({
    label: `${personName(person.id)}${person.id === state.me ? " ✓" : ""}`, description: titleOf(person), lead: avatar(person.id, 28), run: () => onPerson(person.id),
  })));

  function draw() {
    const held = row.contains(document.activeElement) ? document.activeElement.dataset.fk : null;
    row.setAttribute("aria-label", t("people"));
    team.textContent = state.team?.name ?? "";
    menuButton.setAttribute("aria-label", t("openMenu"));
    help.setAttribute("aria-label", t("guide"));
    help.hidden = !state.guide;
    replace(row, humans().map((person) => {
      const chosen = person.id === state.me;
      const unseen = unseenRings(person.id);
      return h("button.person", {
        type: "button", class: chosen ? "chosen" : "", "aria-pressed": String(chosen), dataset: { fk: `person/${person.id}`, person: person.id },
        title: chosen ? t("youAre", { name: personName(person.id) }) : t("switchTo", { name: personName(person.id), title: titleOf(person) }), onclick: () => onPerson(person.id),
      }, avatar(person.id, 26), h("span.person-words", null, h("span.person-name", null, personName(person.id)), h("span.person-title", null, titleOf(person))),
      unseen ? h("span.badge", null, h("span", { "aria-hidden": "true" }, `🔔${unseen}`), h("span.sr-only", null, t("rang", { n: unseen }))) : null);
    }));
    if (held) row.querySelector(`[data-fk="${CSS.escape(held)}"]`)?.focus();
    const total = humans().reduce((sum, person) => sum + unseenRings(person.id), 0);
    replace(phones, icon("phone", 20), h("span.wide-only", null, t("phones")), total ? h("span.badge", null, h("span", { "aria-hidden": "true" }, String(total)), h("span.sr-only", null, t("rang", { n: total }))) : null);
    phones.setAttribute("aria-label", total ? `${t("phones")}, ${t("rang", { n: total })}` : t("phones"));
    if (me()) {
      replace(who, avatar(state.me, 28), icon("down", 14));
      who.setAttribute("aria-label", t("youAre", { name: personName(state.me) }));
    }
  }
  on(["people", "person", "rings", "guide"], draw);
  return { node, draw };
}
