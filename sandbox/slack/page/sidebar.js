// Channels, direct messages and the app, with what is unread.
import { avatar } from "./avatar.js";
import { h, replace } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";
import { openPlace } from "./router.js";
import { appChannel, botId, channelTitle, imPartner, on, state } from "./state.js";

export function createSidebar({ onLeave }) {
  const sections = h("div.sidebar-lists");
  const guide = h("div.sidebar-guide");
  const team = h("div.team-name");
  const node = h("nav.sidebar", { id: "sidebar" },
    h("div.sidebar-head", null, team, h("button.icon-button.narrow-only", { type: "button", dataset: { fk: "sidebar/close" }, onclick: onLeave }, icon("close"))), sections, guide);

  function draw() {
    const held = sections.contains(document.activeElement) ? document.activeElement.dataset.fk : null;
    node.setAttribute("aria-label", t("sidebar"));
    node.querySelector(".sidebar-head button").setAttribute("aria-label", t("closeMenu"));
    team.textContent = state.team?.name ?? "";
    const channels = state.channels.filter((channel) => !channel.is_im && !channel.is_archived);
    const direct = state.channels.filter((channel) => channel.is_im && imPartner(channel) !== botId());
    replace(sections,
      section(t("channels"), channels.map(channelRow)),
      direct.length ? section(t("directMessages"), direct.map(directRow)) : null,
      state.app ? section(t("apps"), [appRow()]) : null);
    if (held) sections.querySelector(`[data-fk="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }

  const section = (title, rows) => h("section", null, h("h2", null, title), h("ul", null, rows.map((row) => h("li", null, row))));

  function row({ key, lead, title, place, unread, mentions, current }) {
    return h("button.side-row", {
      type: "button", class: [unread || mentions ? "unread" : "", current ? "current" : ""].join(" "), dataset: { fk: `side/${key}`, channel: key },
      "aria-current": current ? "page" : null, onclick: () => { onLeave(); openPlace(place); },
    }, h("span.side-lead", null, lead), h("span.side-title", null, title),
    unread && !mentions ? h("span.sr-only", null, `, ${t("unread")}`) : null,
    mentions ? h("span.badge", null, h("span", { "aria-hidden": "true" }, String(mentions)), h("span.sr-only", null, t("unreadMentions", { n: mentions }))) : null);
  }

  const isCurrent = (id) => state.place?.kind === "channel" && state.place.id === id;
  const channelRow = (channel) => row({
    key: channel.id, lead: icon(channel.is_private ? "lock" : "hash", 16), title: channel.name, place: { kind: "channel", id: channel.id },
    unread: channel.unread, mentions: channel.mentions, current: isCurrent(channel.id),
  });
  const directRow = (channel) => row({
    key: channel.id, lead: avatar(imPartner(channel), 20), title: channelTitle(channel), place: { kind: "channel", id: channel.id },
    unread: channel.unread, mentions: channel.mentions || channel.unread, current: isCurrent(channel.id),
  });
  function appRow() {
    const channel = appChannel();
    return row({
      key: state.app.id, lead: avatar(botId(), 20), title: state.app.name, place: { kind: "app", tab: channel?.unread ? "messages" : "home" },
      unread: channel?.unread, mentions: channel?.mentions || channel?.unread, current: state.place?.kind === "app",
    });
  }

  node.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...sections.querySelectorAll(".side-row")];
    const at = rows.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    rows[(at + (event.key === "ArrowDown" ? 1 : rows.length - 1)) % rows.length].focus();
  });
  on(["channels", "people", "person", "place", "app"], draw);
  return { node, guide, draw };
}
