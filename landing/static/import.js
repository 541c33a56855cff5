// Follows the fetching of a repository, and goes on by itself where the person has said so.

const panel = document.querySelector("[data-import]");
const SOON = 700;

async function look() {
  try {
    const answer = await fetch(`/api/v1/imports/${panel.dataset.import}`);
    if (answer.ok && (await answer.json()).state !== panel.dataset.state) {
      location.reload();
      return;
    }
  } catch {
    // The workspace starts again; the next look will tell.
  }
  setTimeout(look, SOON);
}

if (panel) look();

const form = document.querySelector("form[data-go]");
if (form) {
  history.replaceState(null, "", location.pathname); // coming back here is not going on again
  form.requestSubmit(form.querySelector("button"));
}
