// The plugin: puts the panel into JupyterLab's left side.
import { Documents } from "./documents.js";
import { Panel } from "./panel.js";
import { Server } from "./server.js";

const SHOW = "labfork:show";
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g class="jp-icon3" fill="none"
 stroke="#616161" stroke-width="2" stroke-linecap="round"><path class="jp-icon3" fill="none" d="M6 8v8M6 12c8 0 12-1 12-4"/>
 <circle cx="6" cy="5" r="2.5"/><circle cx="18" cy="5" r="2.5"/><circle cx="6" cy="19" r="2.5"/></g></svg>`;

/** Return the plugin, made of the classes that JupyterLab shares. */
export async function plugin(shared, here) {
  const names = ["application", "apputils", "docmanager", "launcher", "services", "ui-components"].map((name) => `@jupyterlab/${name}`);
  const [{ Widget }, { ILabShell }, { ICommandPalette }, { IDocumentManager }, { ILauncher }, { ServerConnection }, { LabIcon }] = await Promise.all(
    ["@lumino/widgets", ...names].map(shared),
  );
  return {
    id: "@labfork/panel:plugin",
    description: "Save versions, get updates and propose changes.",
    autoStart: true,
    requires: [IDocumentManager, ILabShell],
    optional: [ICommandPalette, ILauncher],
    activate: (app, documentManager, shell, palette, launcher) => {
      const style = document.createElement("link");
      style.rel = "stylesheet";
      style.href = new URL("panel.css", here);
      document.head.append(style);

      const server = new Server(ServerConnection, app.serviceManager.serverSettings);
      const documents = new Documents(app, documentManager, shell);
      const node = document.createElement("div");
      const widget = new Widget({ node });
      widget.id = "labfork-panel";
      widget.addClass("labfork-panel");
      const icon = new LabIcon({ name: "labfork:panel", svgstr: ICON });
      widget.title.icon = icon;
      widget.title.caption = "Labfork: versions of this project";
      shell.add(widget, "left", { rank: 150 });

      const panel = new Panel(node, server, documents);
      app.commands.addCommand(SHOW, {
        label: "Labfork: Save Version, Get Updates …",
        caption: "Save versions, get updates and propose changes",
        icon,
        execute: () => {
          shell.activateById(widget.id);
          setTimeout(() => panel.focus()); // the command palette gives the focus back when it closes
        },
      });
      palette?.addItem({ command: SHOW, category: "Labfork" });
      launcher?.add({ command: SHOW, category: "Other", rank: 100 });
      app.restored.then(() => panel.start());
    },
  };
}
