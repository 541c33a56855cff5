// Asks this session's server, which asks the workspace.

/** A refusal in words; `errors` says which field each is about. */
export class Refusal extends Error {
  constructor(words, errors = []) {
    super(words);
    this.errors = errors;
  }
}

export class Server {
  constructor(connection, settings) {
    this.connection = connection;
    this.settings = settings;
  }

  get(what, query = {}) {
    const words = new URLSearchParams(query).toString();
    return this.#ask(`${what}${words ? `?${words}` : ""}`, { method: "GET" });
  }

  post(what, body = {}) {
    return this.#ask(what, { method: "POST", body: JSON.stringify(body) });
  }

  async #ask(path, init) {
    let response;
    try {
      // makeRequest sends the token against forged requests along
      response = await this.connection.makeRequest(`${this.settings.baseUrl}labfork/${path}`, init, this.settings);
    } catch {
      throw new Refusal("This session's server does not answer. It may have ended; open the project again.");
    }
    let answer;
    try {
      answer = await response.json();
    } catch {
      throw new Refusal(`This session's server answered ${response.status} without words. Try again.`);
    }
    if (!response.ok) throw new Refusal(answer.detail ?? answer.message ?? "It was refused.", answer.errors ?? []);
    return answer;
  }
}
