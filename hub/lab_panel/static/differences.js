// Shows what changed, file by file; pictures are pictures, and no output of a notebook is ever run or rendered.
import { counted, make } from "./elements.js";

/** Return the list of files that differ. */
export function differences(found) {
  if (found.files.length === 0) return make("p", {}, "Nothing has changed since the last version.");
  const files = found.files.map((file) =>
    make(
      "details",
      { class: "labfork-change" },
      make("summary", {}, make("span", { class: "labfork-path" }, file.path), " ", make("span", { class: "labfork-hint" }, file.old_path ? `${file.kind}, was ${file.old_path}` : file.kind)),
      ...inside(file),
    ),
  );
  const more = found.more ? [make("p", {}, `${counted(found.more, "more file")} changed; the project page does not list them either.`)] : [];
  return make("div", {}, ...files, ...more);
}

function inside(file) {
  if (file.reason) return [make("p", {}, file.reason)];
  if (file.same) return [make("p", { class: "labfork-hint" }, "Only its name changed.")];
  if (file.cells?.length) return file.cells.flatMap(cell);
  if (file.cells) return [make("p", { class: "labfork-hint" }, "Its cells are the same.")];
  const cut = file.cut ? [make("p", { class: "labfork-hint" }, "More of it changed than is shown here.")] : [];
  if (!file.patch) return cut.length ? cut : [make("p", { class: "labfork-hint" }, "It is empty, or its content is no text.")];
  return [patch(file.patch.split("\n"), file.path), ...cut];
}

function cell(changed) {
  const title = changed.cell === "metadata" ? "Settings of the notebook changed" : `Cell ${changed.number} (${changed.cell}) ${changed.kind}`;
  const parts = [make("p", { class: "labfork-cell" }, title + (changed.outputs ? `; ${changed.outputs}` : ""))];
  if (changed.lines.length) parts.push(patch(changed.lines, title));
  for (const [words, pictures] of [["before", changed.pictures_before], ["after", changed.pictures_after]]) {
    for (const data of pictures ?? []) {
      const image = make("img", { src: `data:image/png;base64,${data}`, alt: `Picture of cell ${changed.number} ${words}` });
      parts.push(make("figure", {}, image, make("figcaption", { class: "labfork-hint" }, words)));
    }
  }
  return parts;
}

function patch(lines, label) {
  const kinds = { "+": "labfork-plus", "-": "labfork-minus", "@": "labfork-hint" };
  const shown = lines.map((line) => make("span", { class: kinds[line[0]] ?? "" }, `${line}\n`));
  return make("pre", { tabindex: "0", role: "region", "aria-label": `Changes: ${label}` }, ...shown);
}
