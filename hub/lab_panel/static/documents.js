// The documents that are open in JupyterLab: saved before a version is made of them, read anew afterwards.

export class Documents {
  constructor(app, manager, shell) {
    this.app = app;
    this.manager = manager;
    this.shell = shell;
  }

  /** Write open documents of the folder to disk; return the paths that were written. */
  async saveAll(folder) {
    const saved = [];
    for (const context of this.#open(folder)) {
      if (!context.model.dirty || context.model.readOnly) continue;
      await context.save();
      saved.push(context.path);
    }
    return saved;
  }

  /** Read those that changed on disk anew; return what happened to each, as `{path, gone}`. */
  async reload(folder) {
    const told = [];
    for (const context of this.#open(folder)) {
      let onDisk;
      try {
        onDisk = await this.manager.services.contents.get(context.path, { content: false });
      } catch {
        told.push({ path: context.path, gone: true });
        continue;
      }
      if (onDisk.last_modified === context.contentsModel?.last_modified) continue;
      await context.revert();
      told.push({ path: context.path, gone: false });
    }
    if (this.app.commands.hasCommand("filebrowser:refresh")) await this.app.commands.execute("filebrowser:refresh");
    return told;
  }

  #open(folder) {
    const found = new Set();
    for (const widget of this.shell.widgets("main")) {
      const context = this.manager.contextForWidget(widget);
      if (context?.isReady && context.path.startsWith(`${folder}/`)) found.add(context);
    }
    return found;
  }
}
