// The app's own place: its Home tab, the direct messages with it, and what it can do.
import { avatar } from "./avatar.js";
import { surface } from "./blocks/act.js";
import { renderBlock } from "./blocks/index.js";
import { h, reconcile, replace } from "./dom.js";
import { language, t } from "./i18n.js";
import { openPlace } from "./router.js";
import { botId, state } from "./state.js";

const ALL_TABS = ["home", "messages", "about"];

/** The tabs that the app's settings switch on. */
const tabs = () => ALL_TABS.filter((tab) => state.app[`${tab}_tab`] !== false);

export function appTabs() {
  const node = h("div.tabs", { role: "tablist", "aria-label": state.app.name }, tabs().map((tab) => {
    const chosen = state.place.tab === tab;
    return h("button.tab", {
      type: "button", role: "tab", "aria-selected": String(chosen), tabindex: chosen ? "0" : "-1", "aria-controls": "app-panel", dataset: { tab, fk: `tab/${tab}` },
      onclick: () => openPlace({ kind: "app", tab }),
    }, t(tab));
  }));
  node.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = tabs();
    const tab = all[(all.indexOf(state.place.tab) + step + all.length) % all.length];
    openPlace({ kind: "app", tab });
    queueMicrotask(() => document.querySelector(`[data-tab="${tab}"]`)?.focus());
  });
  return node;
}

/** Draws the Home tab into `place`, keeping the blocks that did not change. */
export function drawHome(place) {
  const view = state.home;
  if (!view?.blocks?.length) {
    delete place.dataset.home;
    replace(place, h("div.home-empty", null, avatar(botId(), 56), h("p", null, t("homeEmpty", { app: state.app.name }))));
    return;
  }
  if (place.dataset.home !== view.id) { replace(place); place.dataset.home = view.id; }
  const ctx = surface("home", `view:${view.id}`, { view_id: view.id });
  ctx.blocks = view.blocks;
  reconcile(place, view.blocks.map((block, i) => ({
    key: `${i}/${block.block_id ?? ""}`, sig: JSON.stringify([block, language()]), build: () => renderBlock(block, ctx),
  })));
}

export function drawAbout(place) {
  delete place.dataset.home;
  const rows = (list) => h("dl.about-list", null, list.map(([name, text]) => [h("dt", null, name), h("dd", null, text)]));
  const shortcuts = state.app.shortcuts ?? [];
  replace(place, h("div.about", null, h("div.about-head", null, avatar(botId(), 56), h("div", null, h("h2", null, state.app.name), h("p", null, t("aboutApp", { team: state.team?.name ?? "" })))),
    h("h3", null, t("commandsTitle")), rows((state.app.commands ?? []).map((command) => [`${command.command} ${command.usage_hint ?? ""}`, command.description ?? ""])),
    shortcuts.length ? [h("h3", null, t("shortcutsTitle")), rows(shortcuts.map((item) => [item.name, item.description ?? ""]))] : null));
}
