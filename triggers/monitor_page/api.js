"use strict";
/* Calls to the app's API, and the function key that it may need. */

const PAGE_OF_API = 200;

class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }

  get refused() {
    return this.status === 401 || this.status === 403;
  }
}

/** The key is sent in a header and is never part of an address. */
const api = {
  root: new URL("batch-runs", location.href.split(/[?#]/)[0]).href,

  async call(method, path, params = {}, read = (answer) => answer.json()) {
    const query = new URLSearchParams(params).toString();
    const key = storedKey();
    if (/[^\x21-\x7e]/.test(key)) throw new ApiError(401, "A key cannot have these characters.");
    let answer;
    try {
      answer = await fetch(api.root + path + (query ? `?${query}` : ""), {
        method,
        headers: key ? { "x-functions-key": key } : {},
        cache: "no-store",
        redirect: "manual",
        signal: AbortSignal.timeout(30_000),
      });
    } catch {
      throw new ApiError(0, "The app does not answer.");
    }
    // After a login has expired, the app redirects to the login page. The key must not be sent there.
    if (answer.type === "opaqueredirect") throw new ApiError(401, "The login has expired.");
    const body = await (answer.ok ? read(answer) : answer.json()).catch(() => null);
    if (!answer.ok) throw new ApiError(answer.status, body?.detail || `The app answered ${answer.status}.`);
    if (body === null) throw new ApiError(0, "The answer was incomplete.");
    return body;
  },

  async *pages(params) {
    let continuation = null;
    do {
      const page = await api.call("GET", "", { top: PAGE_OF_API, ...params, ...(continuation && { continuation }) });
      yield page.runs;
      continuation = page.continuation;
    } while (continuation);
  },

  run: (id) => api.call("GET", `/${encodeURIComponent(id)}`),
  log: (id, tail) => api.call("GET", `/${encodeURIComponent(id)}/log`, { tail }, (answer) => answer.text()),
  cancel: (id) => api.call("POST", `/${encodeURIComponent(id)}/cancel`),
};

let keyInMemory = "";
function storedKey() {
  try { return sessionStorage.getItem("functions-key") || keyInMemory; } catch { return keyInMemory; }
}
function keepKey(key) {
  keyInMemory = key;
  try { sessionStorage.setItem("functions-key", key); } catch { /* A private window may refuse: the key is still in memory. */ }
}
/** Old links end in ?code=KEY. The key is removed from the address, so that no copied link contains it. */
function takeKeyFromAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("code")) return;
  keepKey(address.searchParams.get("code"));
  address.searchParams.delete("code");
  history.replaceState(null, "", address);
}
