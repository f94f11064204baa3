// The middle of the page: a channel with its messages and composer, or the app.
import { createComposer } from "./composer.js";
import { h, replace } from "./dom.js";
import { Feed } from "./feed.js";
import { appTabs, drawAbout, drawHome } from "./home.js";
import { icon } from "./icons.js";
import { language, t } from "./i18n.js";
import { appChannel, channelInfo, channelTitle, imPartner, on, state } from "./state.js";
import { avatar } from "./avatar.js";

export function createPlace() {
  const feed = new Feed({ label: "" });
  const head = h("header.pane-head");
  const foot = h("div.pane-foot");
  const panel = h("div.app-panel", { id: "app-panel", role: "tabpanel", tabindex: "0", hidden: true });
  const node = h("main.main", { id: "messages", tabindex: "-1" }, head, panel, feed.node, foot);
  let drawn = null;

  function drawHead(channel) {
    if (state.place.kind === "app") {
      replace(head, h("div.pane-title", null, h("h1", null, avatar(state.app.bot_user_id, 22), state.app.name)), appTabs());
      return;
    }
    const title = channel.is_im ? [avatar(imPartner(channel), 22), channelTitle(channel)] : [icon(channel.is_private ? "lock" : "hash", 18), channel.name];
    const members = channelInfo(channel.id)?.members ?? channel.members ?? state.channelsAll.get(channel.id)?.members ?? [];
    replace(head, h("div.pane-title", null, h("h1", null, title)), channel.is_im ? null : h("span.pane-note", null, t("members", { n: members.length })));
  }

  function draw() {
    if (!state.place || !state.app) return;
    const app = state.place.kind === "app";
    const talking = !app || state.place.tab === "messages";
    const channel = app ? appChannel() : channelInfo(state.place.id);
    if (!channel && !app) return;
    const mark = [state.me, language(), state.place.kind, channel?.id, state.place.tab, channel?.is_archived, channel?.name, channel?.members?.length].join("/");
    if (mark !== drawn) {
      const held = head.contains(document.activeElement) ? document.activeElement.dataset.fk : null;
      drawn = mark;
      drawHead(channel);
      if (held) head.querySelector(`[data-fk="${CSS.escape(held)}"]`)?.focus();
      const title = channel ? channelTitle(channel) : state.app.name;
      const placeholder = t("messageTo", { to: channel && !channel.is_im ? `#${title}` : title });
      feed.scroller.setAttribute("aria-label", title);
      replace(feed.intro, h("p", null, t(app ? "emptyApp" : "emptyChannel", { name: channel?.is_im || app ? title : `#${title}` })));
      replace(foot, !talking || !channel ? null : closed(channel, app) ? h("p.archived", null, t(closed(channel, app)))
        : createComposer({ key: channel.id, target: () => ({ channel: channel.id }), placeholder }).node);
      document.title = `${title} – ${state.team?.name ?? ""}`;
    }
    panel.hidden = talking;
    feed.node.hidden = !talking;
    if (app && state.place.tab === "home") drawHome(panel);
    if (app && state.place.tab === "about") drawAbout(panel);
    if (!talking) return;
    if (!channel) { feed.show("none", "", []); return; }
    const messages = state.messages.get(channel.id);
    if (messages) feed.show(`${state.me}/${channel.id}`, channel.id, withLocal(messages, state.local.get(channel.id)), { newSince: state.newSince.get(channel.id) });
    else if (feed.key !== `${state.me}/${channel.id}`) feed.list.replaceChildren();
  }
  on(["messages", "place", "person", "channels", "home", "people", "app"], draw);
  return { node, feed, draw };
}

/** Why nobody may write here, or null. */
function closed(channel, app) {
  if (channel.is_archived) return "archived";
  return app && state.app.messages_read_only ? "readOnly" : null;
}

const withLocal = (messages, local = []) => [...messages, ...local].sort((a, b) => Number(a.ts) - Number(b.ts));
