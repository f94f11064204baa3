import { label, language, money, setLanguage, words } from "./words.js";

const id = decodeURIComponent(location.pathname.split("/").pop());
const path = `/payment-links/${encodeURIComponent(id)}`;
const byId = (name) => document.getElementById(name);
let link = null;
let said = null; // the word that is shown, and whether it is bad news

function draw() {
  const w = words();
  label();
  byId("language").textContent = language() === "en" ? "繁中" : "English";
  byId("language").lang = language() === "en" ? "zh-Hant" : "en";
  byId("order").textContent = link ? w.pay_order(link.order ?? "") : "";
  byId("amount").textContent = link ? money(link.amount_minor) : "";
  byId("pay").hidden = !link || link.status !== "open" || said?.word === "pay_unknown";
  byId("said").hidden = !said;
  if (said) {
    byId("said").textContent = w[said.word];
    byId("said").classList.toggle("bad", said.bad);
  }
}

async function look() {
  const response = await fetch(path);
  if (!response.ok) {
    said = { word: "pay_missing", bad: true };
  } else {
    link = await response.json();
    if (link.status !== "open" && !said) said = { word: link.status === "paid" ? "pay_done" : "pay_closed", bad: false };
  }
  draw();
}

byId("pay").addEventListener("click", async () => {
  byId("pay").disabled = true;
  const response = await fetch(`${path}/pay`, { method: "POST" });
  const found = await response.json();
  if (!response.ok) {
    said = { word: "pay_closed", bad: true };
    link.status = "closed";
  } else if (found.payment_status === "captured") {
    said = { word: "pay_done", bad: false };
  } else {
    said = { word: found.payment_status === "unknown" ? "pay_unknown" : "pay_failed", bad: true };
  }
  byId("pay").disabled = false;
  await look();
});
byId("language").addEventListener("click", () => {
  setLanguage(language() === "en" ? "zh-Hant" : "en");
  draw();
});

look();
