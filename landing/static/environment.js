// Follows the build of an environment, and shows its end by loading the page again.

const ENDS = ["ready", "failed", "removed"];
const note = document.querySelector("[data-environment]");
const log = document.querySelector("[data-log]");
const LONGEST_LOG = 200000;

function follow(key) {
  const line = note.querySelector("[data-last-line]");
  const source = new EventSource(`/api/v1/environments/${key}/log`);
  let begun = false;

  source.addEventListener("log", (event) => {
    const text = JSON.parse(event.data).text;
    const last = text.split("\n").filter((each) => each.trim()).pop();
    if (last) line.textContent = last;
    if (!log) return;
    log.textContent = (begun ? log.textContent + text : text).slice(-LONGEST_LOG);
    log.scrollTop = log.scrollHeight;
    begun = true;
  });
  source.addEventListener("state", (event) => {
    const { state, error } = JSON.parse(event.data);
    if (!ENDS.includes(state)) return;
    source.close();
    if (document.querySelector("form.panel")) {
      // A form may be half filled in: say how it ended, and leave what was typed alone.
      note.querySelector("strong").textContent =
        state === "ready" ? "The environment is ready." : "The environment could not be built.";
      note.classList.add(state === "ready" ? "good" : "bad");
      note.querySelector("p").textContent = state === "ready" ? "Runs begin at once." : error || "";
      line.textContent = "";
    } else {
      location.reload();
    }
  });
  addEventListener("pagehide", () => source.close());
}

if (note) follow(note.dataset.environment);
