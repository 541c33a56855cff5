// Follows a session while it waits and is prepared, and leads into it as soon as it runs.

const panel = document.querySelector("[data-session]");
const step = panel.querySelector(".step");
const UNDER_WAY = ["waiting", "preparing", "starting"];
const SOON = 300;
const LATER = 2000;

function show(session) {
  const text = session.state === "waiting" ? session.waiting_for : `${session.step} …`;
  if (step.textContent !== text) step.textContent = text;
  for (const item of panel.querySelectorAll("[data-name]")) {
    if (item.dataset.name === session.step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}

async function look() {
  let wait = LATER;
  try {
    const answer = await fetch(`/api/v1/sessions/${panel.dataset.session}`);
    if (answer.ok) {
      const session = await answer.json();
      const asked = new URLSearchParams(location.search);
      if (session.state === "running" && asked.has("go") && !asked.has("path")) {
        location.replace(session.url);
        return;
      }
      if (!UNDER_WAY.includes(session.state)) {
        location.reload();
        return;
      }
      show(session);
      if (session.state !== "waiting") wait = SOON;
    }
  } catch {
    // The server is away for a moment: look again.
  }
  setTimeout(look, wait);
}

look();
