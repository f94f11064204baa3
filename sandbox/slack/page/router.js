// Which person, place and thread the address names; kept apart so that every part may navigate.

let open = () => {};
export const setOpener = (run) => { open = run; };

/** Opens a channel or the app; with `ts` that message is shown, with `thread` its thread. */
export const openPlace = (place, target = {}) => open(place, target);

export function readAddress() {
  const archive = /^\/archives\/([CDG]\w+)(?:\/p(\d{10})(\d{6}))?/.exec(location.pathname);
  if (archive) {
    const ts = archive[2] ? `${archive[2]}.${archive[3]}` : null;
    return { place: archive[1], ts, thread: new URLSearchParams(location.search).get("thread_ts") };
  }
  const [, as, place, thread] = location.hash.split("/");
  return { as: as || null, place: place || null, thread: thread || null };
}

export function writeAddress({ as, place, thread }) {
  const hash = `#/${[as, place, thread].filter(Boolean).join("/")}`;
  if (location.hash === hash && location.pathname === "/") return;
  history.replaceState(null, "", `/${hash}`);
}
