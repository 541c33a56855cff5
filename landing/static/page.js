// Comfort that every page shares: copying, sharing, and where the eye goes after a mistake.

const SAID_FOR = 1600;

function say(button, text) {
  const label = button.querySelector("span");
  const before = label.textContent;
  label.textContent = text;
  setTimeout(() => { label.textContent = before; }, SAID_FOR);
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    say(button, "Copied");
  } catch {
    say(button, "Copying is not allowed here");
  }
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button, button.dataset.copy));
  }
  for (const button of document.querySelectorAll("[data-share]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button, location.origin + location.pathname));
  }
}

document.querySelector("[data-focus]")?.focus();

for (const time of document.querySelectorAll("[data-clock]")) {
  time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

// A field that the server has looked at says so to assistive technology too.
document.addEventListener("htmx:after:swap", () => {
  for (const note of document.querySelectorAll(".field-note")) {
    const wrong = note.querySelector(".error") !== null;
    const field = note.closest(".field");
    field.classList.toggle("wrong", wrong);
    const control = field.matches("fieldset") ? field : field.querySelector("input, select, textarea");
    if (wrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
});
