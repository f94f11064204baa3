// Times in the reader's own zone and language.
import { locale, t } from "./i18n.js";
import { me } from "./state.js";

const zone = () => me()?.tz || Intl.DateTimeFormat().resolvedOptions().timeZone;
const cache = new Map();

function format(options, date) {
  const key = JSON.stringify([locale(), zone(), options]);
  if (!cache.has(key)) cache.set(key, new Intl.DateTimeFormat(locale(), { timeZone: zone(), ...options }));
  return cache.get(key).format(date);
}

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
export const fromTs = (ts) => new Date(Number(ts) * 1000);
export const clockTime = (date) => format(CLOCK, date);
export const fullTime = (date) => format({ dateStyle: "full", timeStyle: "long" }, date);
export const dayKey = (date) => new Intl.DateTimeFormat("en-CA", { timeZone: zone(), dateStyle: "short" }).format(date);

function dayDistance(date) {
  const at = (key) => Date.parse(`${key}T00:00:00Z`);
  return Math.round((at(dayKey(date)) - at(dayKey(new Date()))) / 86_400_000);
}

/** today, yesterday, tomorrow, or null */
function nearDay(date) {
  return { 0: t("today"), 1: t("tomorrow"), [-1]: t("yesterday") }[dayDistance(date)] ?? null;
}

export function dayTitle(date) {
  return nearDay(date) ?? format({ weekday: "long", month: "long", day: "numeric" }, date);
}

export function ago(date) {
  const seconds = Math.round((date - Date.now()) / 1000);
  const relative = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return t("justNow");
}

function ordinal(day) {
  const rule = new Intl.PluralRules("en", { type: "ordinal" }).select(day);
  return `${day}${{ one: "st", two: "nd", few: "rd", other: "th" }[rule]}`;
}

function longDate(date, weekday) {
  const options = { year: "numeric", month: "long", day: "numeric", ...(weekday ? { weekday: "long" } : {}) };
  if (!locale().startsWith("en")) return format(options, date);
  const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone(), ...options }).formatToParts(date);
  return parts.map((part) => (part.type === "day" ? ordinal(Number(part.value)) : part.value)).join("");
}

const TOKENS = {
  date_num: dayKey,
  date: (date) => longDate(date, false),
  date_short: (date) => format({ year: "numeric", month: "short", day: "numeric" }, date),
  date_long: (date) => longDate(date, true),
  date_slash: (date) => format({ year: "numeric", month: "2-digit", day: "2-digit" }, date),
  date_pretty: (date) => nearDay(date) ?? TOKENS.date(date),
  date_short_pretty: (date) => nearDay(date) ?? TOKENS.date_short(date),
  date_long_pretty: (date) => nearDay(date) ?? TOKENS.date_long(date),
  day_divider_pretty: (date) => dayTitle(date),
  date_long_full: (date) => longDate(date, true),
  time: clockTime,
  time_secs: (date) => format({ ...CLOCK, second: "2-digit" }, date),
  ago,
};

/** Slack's date format string, or null where a token is unknown (the fallback is shown then). */
export function slackDate(timestamp, pattern) {
  const date = new Date(Number(timestamp) * 1000);
  if (Number.isNaN(date.getTime())) return null;
  let known = true;
  const text = pattern.replace(/\{(\w+)\}/g, (whole, token) => {
    if (!TOKENS[token]) known = false;
    return TOKENS[token]?.(date) ?? whole;
  });
  return known ? text : null;
}

export const isoDateLabel = (iso) =>
  new Intl.DateTimeFormat(locale(), { timeZone: "UTC", dateStyle: "medium" }).format(new Date(`${iso}T00:00:00Z`));
export const monthLabel = (year, month) =>
  new Intl.DateTimeFormat(locale(), { timeZone: "UTC", year: "numeric", month: "long" }).format(new Date(Date.UTC(year, month, 1)));
export const weekdayLabels = () => Array.from({ length: 7 }, (_, i) =>
  new Intl.DateTimeFormat(locale(), { timeZone: "UTC", weekday: "narrow" }).format(new Date(Date.UTC(2023, 0, 1 + i))));
export const phoneDate = (date, tz) =>
  new Intl.DateTimeFormat(locale(), { timeZone: tz, weekday: "long", month: "long", day: "numeric" }).format(date);
export const phoneClock = (date, tz) =>
  new Intl.DateTimeFormat(locale(), { timeZone: tz, ...CLOCK }).format(date);

/** "2026-11-12" and "08:30" of a Unix time in the reader's zone. */
export const zonedParts = (seconds) => {
  const date = new Date(seconds * 1000);
  return { day: dayKey(date), clock: new Intl.DateTimeFormat("en-GB", { timeZone: zone(), ...CLOCK }).format(date) };
};

/** The Unix time of a wall-clock day and time in the reader's zone. */
export function zonedSeconds(day, clock) {
  const wanted = Date.parse(`${day}T${clock}:00Z`) / 1000;
  let guess = wanted;
  for (let i = 0; i < 2; i += 1) {
    const seen = zonedParts(guess);
    guess += wanted - Date.parse(`${seen.day}T${seen.clock}:00Z`) / 1000;
  }
  return guess;
}
