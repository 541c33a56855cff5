// Follows a run while it is under way, and shows its end by loading the page again.

const panel = document.querySelector("[data-run]");
const state = document.getElementById("state");
const step = document.getElementById("step");
const count = document.getElementById("count");
const left = document.getElementById("left");
const bar = document.getElementById("bar");
const log = document.getElementById("log");
const ENDS = ["succeeded", "failed", "cancelled"];
const LONGEST_LOG = 200000;
const estimate = Number(panel.dataset.estimate) || null;
let now = panel.dataset.state;
let since = performance.now() - 1000 * (Number(panel.dataset.seconds) || 0);
let logBegun = false;

function words(seconds) {
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showLeft() {
  if (estimate === null || now !== "running") return;
  const seconds = estimate - (performance.now() - since) / 1000;
  set(left, seconds > 1 ? `about ${words(seconds)} left` : "nearly done");
}

function onState(event) {
  const data = JSON.parse(event.data);
  if (ENDS.includes(data.state)) {
    source.close();
    location.reload();
    return;
  }
  if (data.state === "running" && now !== "running") since = performance.now();
  now = data.state;
  set(state, now);
  state.className = `state ${now}`;
  if (now === "queued") {
    set(step, "Waiting for its turn" + (data.queue_position ? `: number ${data.queue_position} in the queue` : ""));
  } else {
    set(step, data.step || (now === "preparing" ? "Getting ready" : "Running"));
  }
}

function onProgress(event) {
  const data = JSON.parse(event.data);
  if (!data.cells) return;
  bar.max = data.cells;
  bar.value = data.cell;
  set(count, `cell ${data.cell} of ${data.cells}`);
  if (data.step) set(step, data.step);
}

function onLog(event) {
  const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  const text = JSON.parse(event.data).text;
  log.textContent = (logBegun ? log.textContent + text : text).slice(-LONGEST_LOG);
  logBegun = true;
  if (atEnd) log.scrollTop = log.scrollHeight;
}

const source = new EventSource(`/api/v1/runs/${panel.dataset.run}/events`);
source.addEventListener("state", onState);
source.addEventListener("progress", onProgress);
source.addEventListener("log", onLog);
addEventListener("pagehide", () => source.close());
setInterval(showLeft, 1000);
showLeft();
