"use strict";
/* All runs that this page knows, by id. */

const PARALLEL = 6;
const MOST_LOOKED_AT = 200;
const OVERLAP = 60_000;

const store = {
  runs: new Map(),
  /** Runs that started after this time may be missing in the last full listing. */
  unseenSince: Infinity,

  /** Lists leave out some fields of a run: their known values stay. */
  put(run) {
    store.runs.set(run.run_id, { ...store.runs.get(run.run_id), ...run });
  },

  /** Lists all runs and yields after each page. At the end, runs that were not listed are removed. */
  async *everything() {
    const before = [...store.runs.keys()];
    const listed = new Set();
    store.unseenSince = Math.min(store.unseenSince, Date.now());
    for await (const runs of api.pages({})) {
      for (const run of runs) { store.put(run); listed.add(run.run_id); }
      yield;
    }
    for (const id of before) if (!listed.has(id)) store.runs.delete(id);
  },

  /** Reads what may have changed: runs that go on, runs that ended since the last update, and new ones. */
  async refresh(withNew) {
    const before = [...store.runs.values()].filter(isActive);
    const seen = new Set();
    const take = async (params) => {
      for await (const runs of api.pages(params)) for (const run of runs) { store.put(run); seen.add(run.run_id); }
    };
    const newest = Math.max(...[...store.runs.values()].map((run) => moment(run.started_at) || 0), 0);
    await take({ phase: ACTIVE_PHASES.join(",") });
    if (withNew) {
      const since = Math.min(newest, store.unseenSince);
      await take(since ? { started_from: new Date(since - OVERLAP).toISOString() } : {});
      store.unseenSince = Infinity;
    }
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
