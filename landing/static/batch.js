// Follows a batch while its run is under way, and shows its end by loading the page again.

const panel = document.querySelector("[data-batch]");
const count = document.getElementById("count");
const bar = document.getElementById("bar");
const SOON = 2000;

function tell(batch) {
  const number = (value) => value.toLocaleString("en");
  const failed = batch.failed ? `, ${number(batch.failed)} failed` : "";
  const words = `${number(batch.done)} of ${number(batch.rows)} rows done${failed}`;
  if (count.textContent !== words) count.textContent = words;
  bar.value = batch.done + batch.failed;
}

async function look() {
  try {
    const answer = await fetch(`/api/v1/batches/${panel.dataset.batch}`);
    if (answer.ok) {
      const batch = await answer.json();
      if (batch.state !== panel.dataset.state) {
        location.reload();
        return;
      }
      tell(batch);
    }
  } catch {
    // The workspace starts again; the next look will tell.
  }
  setTimeout(look, SOON);
}

setTimeout(look, SOON);
