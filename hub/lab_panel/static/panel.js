// The panel: what one can do with one's copy of the project, and what came of it.
import { differences } from "./differences.js";
import { button, counted, field, make, span } from "./elements.js";
import { proposals } from "./proposals.js";

const LOOK_AGAIN = 60_000;
const SOON = 15 * 60;

export class Panel {
  constructor(node, server, documents) {
    this.server = server;
    this.documents = documents;
    this.folder = "";
    this.busy = false;
    this.said = make("div", { class: "labfork-said", role: "status", "aria-live": "polite", tabindex: "-1" });
    this.lasts = make("p", { class: "labfork-hint" });
    this.title = make("h2", {}, "This project");
    this.ways = make("p", {});
    this.shown = make("div", { class: "labfork-shown" });
    this.forms = make("div", { class: "labfork-forms" });
    node.setAttribute("role", "region");
    node.setAttribute("aria-label", "Labfork");
    node.append(make("div", {}, this.title, this.ways, this.lasts), this.said, this.forms);
  }

  async start() {
    let session;
    try {
      session = await this.server.get("session");
    } catch (error) {
      this.#tell("bad", make("p", {}, error.message));
      this.forms.replaceChildren(make("button", { type: "button", class: "jp-mod-styled", onclick: () => this.start() }, "Try again"));
      return;
    }
    this.folder = session.folder;
    this.said.replaceChildren();
    const page = `/projects/${session.project}`;
    this.title.replaceChildren(make("a", { href: page, target: "_blank", rel: "noopener" }, session.project));
    this.ways.replaceChildren(make("a", { href: `${page}/proposals`, target: "_blank", rel: "noopener" }, "Proposals to it"));
    this.forms.replaceChildren(this.#save(), this.#changes(), this.#update(), this.#goBack());
    const isCopy = session.checkout_of && session.checkout_of !== session.project;
    if (isCopy) this.forms.append(this.#propose(session.project));
    this.forms.append(proposals(this.server));
    this.#showTime(session);
    setInterval(() => this.#lookAtTime(), LOOK_AGAIN);
  }

  focus() {
    (this.forms.querySelector("input, button") ?? this.said).focus();
  }

  #save() {
    const form = this.#form("save", "Save version", "Keeps all files of the project as they are now; open documents are saved first.", (values, insist) =>
      this.#do("Saving a version", form, async () => {
        await this.documents.saveAll(this.folder);
        const done = await this.server.post("save", { message: values.message, tag: values.tag || null, insist });
        if (!done.held_back.some((each) => each.may_insist)) form.reset();
        this.#done(done, done.changed ? "The version is saved." : "Nothing had changed, so nothing was saved.", form);
      }),
    );
    form.append(
      field("message", "What changed", { required: true, maxlength: 2000 }),
      field("tag", "Name of the version", { hint: "Optional, such as v1.1.", maxlength: 100 }),
      make("div", { class: "labfork-insist" }),
      button("Save version", "jp-mod-accept"),
    );
    return form;
  }

  #update() {
    const form = this.#form("update", "Get updates", "Brings what others saved. Your own work stays; where both changed the same place, you get both.", () =>
      this.#do("Getting updates", form, async () => {
        await this.documents.saveAll(this.folder);
        const done = await this.server.post("update");
        this.#done(done, done.changed ? "Your copy has what is new, beside your own work." : "Your copy had everything already.", form);
        await this.#reload();
      }),
    );
    form.append(button("Get updates"));
    return form;
  }

  #changes() {
    const form = this.#form("changes", "What changed", "Since the last version.", () =>
      this.#do("Comparing", form, async () => {
        await this.documents.saveAll(this.folder);
        const found = await this.server.get("changes");
        this.shown.replaceChildren(differences(found));
        this.#tell("calm", make("p", {}, found.files.length ? `${counted(found.files.length + found.more, "file")} changed.` : "Nothing has changed."));
      }),
    );
    form.append(button("Show what changed"), this.shown);
    return form;
  }

  #goBack() {
    const list = make("select", { id: "version", name: "version", class: "jp-mod-styled", required: true });
    const form = this.#form("return", "Go back to", "Makes the files what they were. What you have now is kept as a version first.", (values) =>
      this.#do("Going back", form, async () => {
        await this.documents.saveAll(this.folder);
        const done = await this.server.post("return", { version: values.version });
        this.#done(done, done.changed ? "Your files are what they were; what you had is a version too." : "Your files were like that already.", form);
        await this.#reload();
        await fill();
      }),
    );
    const fill = async () => {
      const { versions } = await this.server.get("history");
      const options = versions.map(({ commit, names, message, saved_at, author }) => {
        const when = new Date(saved_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
        return make("option", { value: commit }, `${names.length ? `${names.join(", ")}: ` : ""}${message} (${author}, ${when})`);
      });
      list.replaceChildren(make("option", { value: "" }, "Choose a version"), ...options);
    };
    const ask = make("button", { type: "button", class: "jp-mod-styled", "aria-expanded": "false", "aria-controls": "labfork-versions" }, "Show earlier versions");
    const chosen = make("div", { id: "labfork-versions", hidden: true }, make("div", { class: "labfork-field" }, make("label", { for: "version" }, "Earlier version"), list), button("Go back"));
    ask.addEventListener("click", () =>
      this.#do("Looking for earlier versions", form, async () => {
        await fill();
        this.said.replaceChildren();
        chosen.hidden = false;
        ask.setAttribute("aria-expanded", "true");
        list.focus();
      }),
    );
    form.append(ask, chosen);
    return form;
  }

  #propose(project) {
    const form = this.#form("propose", "Propose changes", `Shows your saved versions to the maintainers of ${project}.`, (values) =>
      this.#do("Proposing", form, async () => {
        const made = await this.server.post("propose", { title: values.title, description: values.description });
        form.reset();
        const page = `/projects/${project}/proposals/${made.number}`;
        this.#tell("good", make("p", {}, "It is proposed: ", make("a", { href: page, target: "_blank", rel: "noopener" }, `number ${made.number}`), "."));
      }),
    );
    form.append(
      field("title", "What you propose", { required: true, maxlength: 200 }),
      field("description", "Why", { hint: "Optional.", rows: 2 }),
      button("Propose changes"),
    );
    return form;
  }

  /** Return a form with a heading; `then` is given what was typed, and which held back files are insisted on. */
  #form(id, title, words, then) {
    const form = make("form", { "aria-labelledby": `labfork-${id}` }, make("h3", { id: `labfork-${id}` }, title), make("p", { class: "labfork-hint" }, words));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const sent = new FormData(form);
      then(Object.fromEntries(sent), sent.getAll("insist"));
    });
    return form;
  }

  /** Carry out `work`, say meanwhile how long it takes, and say what went wrong in words. */
  async #do(words, form, work) {
    if (this.busy) return;
    this.busy = true;
    const buttons = this.forms.querySelectorAll("button");
    const focused = document.activeElement;
    buttons.forEach((each) => each.setAttribute("aria-disabled", "true"));
    form.querySelectorAll(".labfork-error").forEach((each) => each.remove());
    const started = Date.now();
    const clock = make("span", { "aria-hidden": "true" });
    this.#tell("calm", make("p", {}, `${words} … `, clock), make("progress", { "aria-label": words }));
    const ticking = setInterval(() => clock.replaceChildren(`${Math.round((Date.now() - started) / 1000)} s`), 1000);
    try {
      await work();
    } catch (error) {
      this.#tell("bad", make("p", {}, error.message));
      for (const { field: name, message } of error.errors ?? []) this.#mark(form, name, message);
    } finally {
      clearInterval(ticking);
      buttons.forEach((each) => each.removeAttribute("aria-disabled"));
      this.busy = false;
      if (focused?.isConnected && document.activeElement === document.body) focused.focus();
    }
  }

  #mark(form, name, message) {
    const input = form.elements.namedItem(name);
    const words = make("p", { class: "labfork-error", id: `labfork-error-${name}` }, message);
    if (!input) {
      this.said.append(words);
      return;
    }
    input.setAttribute("aria-describedby", words.id);
    input.after(words);
    input.focus();
  }

  #done(done, words, form) {
    this.shown.replaceChildren(); // it told of files as they no longer are
    const parts = [make("p", {}, make("strong", {}, words), " ", make("code", {}, done.commit.slice(0, 7)))];
    if (done.both_kept.length) {
      const items = done.both_kept.map(({ path, other }) => make("li", {}, make("code", {}, path), " is yours", ...(other ? [", ", make("code", {}, other), " is theirs"] : [])));
      parts.push(make("p", {}, "You and others changed the same place. Both are kept; look at them and delete what you do not need:"), make("ul", {}, ...items));
    }
    if (done.held_back.length) {
      const items = done.held_back.map(({ path, reason }) => make("li", {}, make("code", {}, path), `: ${reason}`));
      parts.push(make("p", {}, "These files were not saved:"), make("ul", {}, ...items));
    }
    for (const note of done.notes ?? []) parts.push(make("p", {}, note));
    const place = form.querySelector(".labfork-insist");
    if (place) place.replaceChildren(...this.#insisting(done.held_back.filter((each) => each.may_insist)));
    this.#tell(done.both_kept.length || done.held_back.length ? "warn" : "good", ...parts);
  }

  /** Return boxes by which one insists on saving files that were held back. */
  #insisting(held) {
    if (held.length === 0) return [];
    const boxes = held.map(({ path }) => make("label", { class: "labfork-box" }, make("input", { type: "checkbox", name: "insist", value: path }), ` ${path}`));
    return [make("fieldset", {}, make("legend", {}, "Save all the same"), ...boxes)];
  }

  async #reload() {
    const told = await this.documents.reload(this.folder);
    if (told.length === 0) return;
    const items = told.map(({ path, gone }) => make("li", {}, make("code", {}, path), gone ? " is not there any more; close it, or save it to have it back" : ` was read anew${path.endsWith(".ipynb") ? "; restart its kernel to be sure what it holds" : ""}`));
    this.said.append(make("p", {}, "Open documents:"), make("ul", {}, ...items));
  }

  #tell(kind, ...parts) {
    this.said.className = `labfork-said labfork-${kind}`;
    this.said.setAttribute("role", kind === "bad" ? "alert" : "status");
    this.said.replaceChildren(...parts);
  }

  async #lookAtTime() {
    if (document.hidden) return;
    try {
      this.#showTime(await this.server.get("session"));
    } catch (error) {
      this.lasts.replaceChildren(error.message);
    }
  }

  /** Say how long the session lasts, where the workspace says so. */
  #showTime({ ends_at: ends, ends_because: because }) {
    const left = ends ? (new Date(ends) - Date.now()) / 1000 : undefined;
    this.lasts.replaceChildren(left === undefined ? "" : `This session ends in ${span(left)}${because === "idle" ? " unless it is used" : ""}; files stay.`);
    this.lasts.classList.toggle("labfork-error", left !== undefined && left < SOON);
  }
}
