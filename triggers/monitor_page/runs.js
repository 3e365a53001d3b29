"use strict";
/* The runs as the API tells them, and what can be said of one without asking anybody. */

const ACTIVE_PHASES = ["Pending", "Authorizing", "Submitting", "Queued", "Running", "Canceling"];
const PHASES = [...ACTIVE_PHASES, "Completed", "Failed", "Canceled", "TimedOut", "Terminated"];
const TONES = {
  Pending: "wait", Authorizing: "wait", Submitting: "wait", Queued: "wait", Running: "busy", Canceling: "warn",
  Completed: "ok", Failed: "bad", Canceled: "warn", TimedOut: "bad", Terminated: "bad",
};
const PAGE_OF_API = 200;
const PARALLEL = 6;
const MOST_LOOKED_AT = 200;
const OVERLAP = 60_000;

const isActive = (run) => ACTIVE_PHASES.includes(run.phase);
const moment = (text) => (text ? Date.parse(text) : NaN);

/** Milliseconds from the start of a run to its end, or until now. */
function elapsed(run, now) {
  return Math.max((moment(run.ended_at) || now) - moment(run.started_at), 0) || 0;
}

/** Where the time of a run went: [[class name, milliseconds]], in order. */
function stretches(run, now) {
  const end = moment(run.ended_at) || now;
  const marks = [
    ["submitted", moment(run.started_at)], ["queued", moment(run.submitted_at)], ["running", moment(run.running_at)],
  ].filter(([, at]) => at);
  return marks.map(([name, at], i) => [name, Math.max((i + 1 < marks.length ? marks[i + 1][1] : end) - at, 0)]);
}

function endpointName(run) {
  const host = /^https:\/\/([^/]+)/.exec(run.endpoint_uri || "");
  return host ? host[1].replace(/\.[a-z0-9-]+\.inference\.ml\.azure\.[a-z]+$/, "") : "";
}

const haystacks = new WeakMap();
function haystack(run) {
  if (!haystacks.has(run)) {
    const parts = [run.run_id, run.job?.name, run.job?.status, run.endpoint_uri, run.error?.message,
      run.error?.code, run.problem?.message, run.source?.folder];
    haystacks.set(run, parts.filter(Boolean).join("\n").toLowerCase());
  }
  return haystacks.get(run);
}

class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Talks to the API beside this page. The key travels in a header and is in no address. */
const api = {
  root: new URL("batch-runs", location.href.split(/[?#]/)[0]).href,

  async call(method, path, params = {}) {
    const query = new URLSearchParams(params).toString();
    const key = storedKey();
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
    // Behind a login, whoever is not logged in any more is sent to its page: no place to send a key to.
    if (answer.type === "opaqueredirect") throw new ApiError(401, "The login has run out.");
    const body = await answer.json().catch(() => null);
    if (!answer.ok) throw new ApiError(answer.status, body?.detail || `The app answered ${answer.status}.`);
    if (!body) throw new ApiError(0, "The answer was cut short.");
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
  cancel: (id) => api.call("POST", `/${encodeURIComponent(id)}/cancel`),
};

let keyInMemory = "";
function storedKey() {
  try { return sessionStorage.getItem("functions-key") || keyInMemory; } catch { return keyInMemory; }
}
function keepKey(key) {
  keyInMemory = key;
  try { sessionStorage.setItem("functions-key", key); } catch { /* Private windows may refuse: this tab still has it. */ }
}
/** A page opened with ?code=KEY must leave it neither in the address bar nor in links made from it. */
function takeKeyFromAddress() {
  const address = new URL(location.href);
  if (!address.searchParams.has("code")) return;
  keepKey(address.searchParams.get("code"));
  address.searchParams.delete("code");
  history.replaceState(null, "", address);
}

/** All runs known here, by id. */
const store = {
  runs: new Map(),

  /** Lists leave out some fields of a run: what is known of them stays. */
  put(run) {
    store.runs.set(run.run_id, { ...store.runs.get(run.run_id), ...run });
  },

  /** Everything, page by page; calls back after each. */
  async loadAll(onPage) {
    const found = new Set();
    for await (const runs of api.pages({})) {
      for (const run of runs) { store.put(run); found.add(run.run_id); }
      onPage();
    }
    for (const id of store.runs.keys()) if (!found.has(id)) store.runs.delete(id);
  },

  /** What may have changed: runs that go on, new ones, and those that ended since the last look. */
  async refresh() {
    const before = [...store.runs.values()].filter(isActive);
    const seen = new Set();
    const take = async (params) => {
      for await (const runs of api.pages(params)) for (const run of runs) { store.put(run); seen.add(run.run_id); }
    };
    const newest = Math.max(...[...store.runs.values()].map((run) => moment(run.started_at) || 0), 0);
    await take({ phase: ACTIVE_PHASES.join(",") });
    await take(newest ? { started_from: new Date(newest - OVERLAP).toISOString() } : {});
    const gone = before.filter((run) => !seen.has(run.run_id)).slice(0, MOST_LOOKED_AT);
    while (gone.length) await Promise.all(gone.splice(0, PARALLEL).map((run) => store.look(run.run_id)));
  },

  async look(id) {
    try {
      store.put(await api.run(id));
    } catch (error) {
      if (error.status !== 404) throw error;
      store.runs.delete(id);
    }
  },
};
