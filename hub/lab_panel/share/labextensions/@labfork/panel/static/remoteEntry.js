// The container by which JupyterLab takes the panel in: it hands over what it shares, and asks for "./extension".
// Browsers keep this file for a year, so all that may change is in the files that the session's server serves.
(() => {
  const name = "@labfork/panel";
  const here = new URL("../../../../../labfork/static/", document.currentScript.src); // from lab/extensions/NAME/
  let scope;

  /** Return a module that JupyterLab shares, of the newest version it has. */
  const shared = async (wanted) => {
    const versions = scope[wanted];
    if (versions === undefined) throw new Error(`JupyterLab does not share ${wanted}`);
    const newest = Object.keys(versions).sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
    return (await versions[newest].get())();
  };

  const container = {
    init: (given) => {
      scope = given;
    },
    get: async (wanted) => {
      if (wanted !== "./extension") throw new Error(`${name} has no ${wanted}`);
      const { plugin } = await import(new URL("plugin.js", here));
      const made = await plugin(shared, here);
      return () => ({ __esModule: true, default: made });
    },
  };
  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB[name] = container;
})();
