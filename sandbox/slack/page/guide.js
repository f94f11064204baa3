// "What to try": a card that the host of the sandbox may set.
import { h, safeUrl, replace, uid } from "./dom.js";
import { icon } from "./icons.js";
import { pick, t } from "./i18n.js";
import { closeButton, openDialog } from "./overlay.js";
import { on, state } from "./state.js";

const anchor = (url, content, className) => (safeUrl(url) ? h("a", { href: safeUrl(url), target: "_blank", rel: "noopener noreferrer", class: className }, content, " ", icon("link", 13)) : null);

function content() {
  const { steps = [], links = [] } = state.guide;
  return [
    h("ol.guide-steps", null, steps.map((step) => h("li", null, pick(step), " ", step.link ? anchor(step.link, step.link.replace(/^https?:\/\//, ""), "guide-step-link") : null))),
    links.length ? h("div.guide-links", null, links.map((link) => anchor(link.url, pick(link.label), "guide-link"))) : null,
  ];
}

const KEY = "guide-folded";

export function createGuide(place) {
  function draw() {
    if (!state.guide) { replace(place); return; }
    const body = h("div.guide-body", { id: uid("guide") }, content());
    const toggle = h("button.guide-toggle", { type: "button", "aria-controls": body.id, dataset: { fk: "guide" }, onclick: () => { localStorage.setItem(KEY, body.hidden ? "" : "1"); show(); } }, icon("help"), h("span", null, pick(state.guide.title) || t("guide")), icon("down", 16));
    const show = () => {
      body.hidden = localStorage.getItem(KEY) === "1";
      toggle.setAttribute("aria-expanded", String(!body.hidden));
    };
    show();
    replace(place, h("section.guide", { "aria-label": t("guide") }, toggle, body));
  }
  on(["guide", "person", "people"], draw);
  return {
    open() {
      const title = uid("guide");
      const handle = openDialog({
        labelledby: title, className: "guide-dialog",
        content: h("div.dialog-frame", null, h("header.dialog-head", null, h("h2", { id: title }, pick(state.guide.title) || t("guide")), closeButton(() => handle.close())), h("div.dialog-body.guide", null, content())),
      });
    },
  };
}
