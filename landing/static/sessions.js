// Keeps the figures of open sessions true, and loads the page again when one begins, ends or will end soon.

const cards = [...document.querySelectorAll("[data-open-session]")];
const from = document.querySelector("[data-from]")?.dataset.from;
const EVERY = 5000;
const GIB = 1024 ** 3;

function memory(bytes) {
  const mib = bytes / 1024 ** 2;
  return mib < 999.5 ? `${mib.toFixed(0)} MiB` : `${Number((bytes / GIB).toPrecision(3))} GiB`;
}

function set(card, name, text) {
  const place = card.querySelector(`[data-figure="${name}"]`);
  if (place && text !== null && place.textContent !== text) place.textContent = text;
}

function idle(seconds) {
  if (seconds < 60) return "in use";
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `not used for ${minutes} min` : `not used for ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function show(card, session) {
  set(card, "waiting", session.waiting_for);
  if (session.idle_seconds !== null) set(card, "idle", idle(session.idle_seconds));
  if (!session.usage) return;
  const { memory_bytes: now, peak_memory_bytes: peak, cpus } = session.usage;
  set(card, "memory", memory(now));
  set(card, "peak", memory(peak));
  set(card, "cpus", cpus.toFixed(1));
  for (const [name, value] of [["memory", now], ["cpus", cpus]]) {
    const bar = card.querySelector(`meter[data-bar="${name}"]`);
    if (bar) bar.value = value;
  }
}

function asking() {
  return document.querySelector("details.confirm[open]") !== null;
}

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch(from);
      const found = answer.ok ? await answer.json() : null;
      const sessions = found?.items ?? [found];
      for (const card of found ? cards : []) {
        const session = sessions.find((each) => each.id === card.dataset.openSession);
        const mark = session && `${session.state} ${session.ending_soon}`;
        if (mark !== card.dataset.mark && !asking()) {
          location.reload();
          return;
        }
        if (session) show(card, session);
      }
    } catch {
      // The server is away for a moment: look again.
    }
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
