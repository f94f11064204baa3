// A face for everyone: an initial on a colour of its own, the app its mark.
import { h } from "./dom.js";
import { personName, state } from "./state.js";

const COLOURS = { U0MEI: "#7a3e9d", U0KAI: "#1f6f8b", U0LIN: "#a8442a", U0JO: "#2f6b3a", U0SAM: "#6b5b2a", USLACKBOT: "#40464f" };
const OTHERS = ["#2b5fa8", "#8a4b08", "#9c2f5f", "#3f5b73"];

export function colourOf(id) {
  if (COLOURS[id]) return COLOURS[id];
  return OTHERS[[...String(id)].reduce((sum, char) => sum + char.charCodeAt(0), 0) % OTHERS.length];
}

export function avatar(id, size = 36, name = personName(id ?? "?")) {
  const style = { width: `${size}px`, height: `${size}px`, "font-size": `${Math.round(size * 0.44)}px` };
  if (id && id === state.app?.bot_user_id) {
    return h("span.avatar.bot", { "aria-hidden": "true", style }, h("img", { src: "favicon.svg", alt: "", width: String(size), height: String(size) }));
  }
  return h("span.avatar", { "aria-hidden": "true", style: { ...style, background: colourOf(id) } }, [...name][0]?.toUpperCase() ?? "?");
}
