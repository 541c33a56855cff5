// Draws a run's tracks with igv.js. It is given no genome and no registry of other hosts: only lengths of
// chromosomes and the run's own files, all of them from this workspace.

const panel = document.getElementById("genome");
const words = document.getElementById("genome-words");
const field = document.getElementById("place");
const STEP = 0.5;
const NARROWEST = 40;
const COLOURS = ["#0b6b5d", "#1d4f91", "#8a2a6b", "#8a4b00", "#5b646d"];

// Whatever a file holds is shown as text: igv.js puts what it is told here into the page as HTML.
function asText(value) {
  return String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function facts(_track, data) {
  const rows = (data || []).filter((each) => each && each.name !== undefined);
  if (!rows.length) return false;
  return rows.map((each) => `<div><span>${asText(each.name)}</span> ${asText(each.value)}</div>`).join("");
}

// igv.js counts from 1 and includes the end; the workspace counts from 0 and leaves the end out.
function toIgv(place) {
  const [chromosome, range] = place.split(":");
  const [start, end] = range.split("-").map(Number);
  return `${chromosome}:${start + 1}-${end}`;
}

function shownBy(browser) {
  const [chromosome, range] = browser.currentLoci().split(":");
  const [first, end] = range.split("-").map((text) => Math.round(Number(text)));
  const start = Math.max(0, first - 1);
  return { chromosome, start, end: Math.max(start + 1, end) };
}

function placeOf({ chromosome, start, end }) {
  return `${chromosome}:${start}-${end}`;
}

function configOf(cell, order) {
  const { track, index, format, type, name } = cell.dataset;
  const colour = COLOURS[(order - 1) % COLOURS.length];
  return {
    url: track, format, type, order, name: asText(name), color: colour,
    ...(index ? { indexURL: index } : { indexed: false }),
    ...(type === "wig" ? { autoscale: true, height: 80 } : { displayMode: "EXPANDED", height: 70 }),
    visibilityWindow: index ? undefined : -1,
  };
}

async function draw(browser, cell, order) {
  const button = cell.querySelector("button");
  const note = cell.querySelector(".track-note");
  note.textContent = "loading";
  try {
    const track = await browser.loadTrack(configOf(cell, order));
    note.textContent = "";
    button.setAttribute("aria-pressed", "true");
    return track;
  } catch (error) {
    note.textContent = `could not be drawn: ${String(error.message || error).split("\n")[0]}`;
    button.setAttribute("aria-pressed", "false");
    return null;
  }
}

function wireTrack(browser, cell, order, track) {
  const button = cell.querySelector("button");
  let drawn = track;
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    if (drawn) {
      browser.removeTrack(drawn);
      drawn = null;
      button.setAttribute("aria-pressed", "false");
    } else {
      drawn = await draw(browser, cell, order);
    }
    button.disabled = false;
    button.focus();
    tell(browser);
  });
}

function tell(browser) {
  const here = shownBy(browser);
  const shown = document.querySelectorAll('[data-track] [aria-pressed="true"]').length;
  const length = (here.end - here.start).toLocaleString("en");
  words.textContent = `Showing ${placeOf(here)}, ${length} bp of ${panel.dataset.assembly}, with ${shown} ${shown === 1 ? "track" : "tracks"}.`;
}

function move(browser, how) {
  const { chromosome, start, end } = shownBy(browser);
  const width = end - start;
  const middle = (start + end) / 2;
  const [centre, wide] = {
    left: [middle - width * STEP, width],
    right: [middle + width * STEP, width],
    in: [middle, Math.max(NARROWEST, width * STEP)],
    out: [middle, width / STEP],
  }[how];
  const from = Math.max(0, Math.round(centre - wide / 2));
  browser.search(toIgv(`${chromosome}:${from}-${Math.round(from + wide)}`));
}

function wireMoves(browser) {
  const moves = document.querySelector("[data-moves]");
  moves.hidden = false;
  for (const button of moves.querySelectorAll("button")) {
    button.addEventListener("click", () => move(browser, button.dataset.move));
  }
  panel.addEventListener("keydown", (event) => {
    const how = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out" }[event.key];
    if (!how || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    move(browser, how);
  });
  for (const link of document.querySelectorAll("[data-go]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      browser.search(toIgv(link.dataset.go));
      panel.scrollIntoView({ block: "nearest" });
    });
  }
}

async function start() {
  const { default: igv } = await import(panel.dataset.igv);
  document.getElementById("genome-waits").remove();
  panel.hidden = false;
  // Menus of igv.js ask other hosts for sequences; the browser's own menu is shown in their place.
  panel.addEventListener("contextmenu", (event) => event.stopPropagation(), true);
  const browser = await igv.createBrowser(panel, {
    reference: {
      id: `workspace-${panel.dataset.assembly}`, name: panel.dataset.assembly,
      format: "chromsizes", fastaURL: panel.dataset.sizes, wholeGenomeView: false,
    },
    locus: toIgv(panel.dataset.begin),
    loadDefaultGenomes: false,
    queryParametersSupported: false,
    showNavigation: false,
    showControls: false,
    showGearColumn: false,
    showIdeogram: false,
    search: false,
    minimumBases: NARROWEST,
    listeners: { trackclick: facts },
  });
  // igv.js draws on white whatever the browser's colours are, so its texts must be dark.
  const light = new CSSStyleSheet();
  light.replaceSync(".igv-container { color-scheme: light; color: #1c2126; }");
  panel.shadowRoot.adoptedStyleSheets.push(light);
  browser.on("locuschange", () => {
    if (document.activeElement !== field) field.value = placeOf(shownBy(browser));
    tell(browser);
  });
  const cells = [...document.querySelectorAll("[data-track]:not([data-trouble])")];
  for (const [order, cell] of cells.entries()) {
    const track = cell.dataset.drawn === "yes" ? await draw(browser, cell, order + 1) : null;
    wireTrack(browser, cell, order + 1, track);
  }
  wireMoves(browser);
  tell(browser);
  panel.dataset.ready = "yes";
}

start().catch((error) => {
  words.textContent = `The picture could not be drawn: ${error.message || error}. The table below has every track.`;
});
