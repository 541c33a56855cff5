// The proposals that the person may accept or decline. Each leads to its page, where that is done: the session's token
// may not, since any notebook that runs here has it.
import { make, span } from "./elements.js";

/** Return a section that lists them; it stays hidden for whoever may settle none. */
export function proposals(server) {
  const title = make("h3", { id: "labfork-proposals" }, "Proposals to accept or decline");
  const list = make("ul", { "aria-labelledby": "labfork-proposals" });
  const none = make("p", { class: "labfork-hint" }, "None is open.");
  const section = make("section", { "aria-labelledby": "labfork-proposals", hidden: true }, title, none, list);
  const look = async () => {
    let found;
    try {
      found = await server.get("proposals");
    } catch {
      return; // what was there stays; the panel's other operations say what is wrong
    }
    show(found);
  };
  const show = ({ may_settle: may, items }) => {
    section.hidden = !may && items.length === 0;
    none.hidden = items.length > 0;
    list.hidden = items.length === 0;
    const focused = document.activeElement?.closest?.("a")?.getAttribute("href");
    const within = section.contains(document.activeElement);
    list.replaceChildren(...items.map(item));
    if (within) [...list.querySelectorAll("a")].find((each) => each.getAttribute("href") === focused)?.focus();
  };
  // whoever comes back from a proposal's page finds the list as it is now
  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
  return section;
}

function item({ project, number, title, author, created_at: created, conflicts }) {
  const page = `/projects/${project}/proposals/${number}`;
  const ago = `${span((Date.now() - new Date(created)) / 1000)} ago`;
  const about = [`number ${number} to ${project}, by ${author}, `, make("time", { datetime: created }, ago)];
  if (conflicts) about.push("; it does not fit the project any more");
  return make(
    "li",
    {},
    make("a", { href: page, target: "_blank", rel: "noopener" }, title),
    make("p", { class: "labfork-hint" }, ...about),
  );
}
