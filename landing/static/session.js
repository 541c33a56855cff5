// Follows a session while it is prepared, and leads into it as soon as it runs.

const panel = document.querySelector("[data-session]");
const step = panel.querySelector(".step");
const SOON = 300;
const LATER = 2000;

function show(session) {
  const text = `${session.step} …`;
  if (step.textContent !== text) step.textContent = text;
  for (const item of panel.querySelectorAll("[data-name]")) {
    if (item.dataset.name === session.step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
}

async function look() {
  let wait = SOON;
  try {
    const answer = await fetch(`/api/v1/sessions/${panel.dataset.session}`);
    if (answer.ok) {
      const session = await answer.json();
      if (session.state === "running" && new URLSearchParams(location.search).has("go")) {
        location.replace(session.url);
        return;
      }
      if (!["preparing", "starting"].includes(session.state)) {
        location.reload();
        return;
      }
      show(session);
    } else {
      wait = LATER;
    }
  } catch {
    wait = LATER;
  }
  setTimeout(look, wait);
}

look();
