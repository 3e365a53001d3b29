"use strict";
/* Values derived from a run of the API, without another request. */

/** The app's own table of phases: for each, in order, whether it has ended and its tone. */
const PHASE_FACTS = JSON.parse(document.getElementById("phase-facts").textContent);
const PHASES = Object.keys(PHASE_FACTS);
const ACTIVE_PHASES = PHASES.filter((phase) => !PHASE_FACTS[phase].ended);
const CANCEL_WORDS = { timeout: "Out of time: cancel requested", queue_timeout: "Queued too long: cancel requested" };

/** Whether the run goes on. In a phase of another version of the app it goes on until it has an end. */
function isActive(run) {
  const facts = PHASE_FACTS[run.phase];
  return facts ? !facts.ended : Boolean(run.phase) && !run.ended_at;
}

const toneOf = (phase) => PHASE_FACTS[phase]?.tone || "";
const phaseWord = (phase) => (phase === "TimedOut" ? "Timed out" : phase);
const moment = (text) => (text ? Date.parse(text) : NaN);

/** Milliseconds from the start of a run to its end, or until now. */
function elapsed(run, now) {
  return Math.max((moment(run.ended_at) || now) - moment(run.started_at), 0) || 0;
}

/** The steps of a run in order, the end last. Steps that never happened are left out; future steps have no time. */
function stepsOf(run) {
  const { cancellation } = run;
  const steps = [
    { kind: "queued", name: "Job created", at: run.submitted_at }, { kind: "running", name: "Running", at: run.running_at },
  ].filter(({ at }) => moment(at) || (isActive(run) && !cancellation));
  if (cancellation) {
    steps.push({ kind: "canceling", name: CANCEL_WORDS[cancellation.cause] || "Cancel requested", at: cancellation.requested_at });
    steps.sort((one, other) => moment(one.at) - moment(other.at) || 0);
  }
  const end = isActive(run) ? "Ended" : `Ended: ${phaseWord(run.phase)}`;
  return [{ kind: "requested", name: "Requested", at: run.started_at }, ...steps, { kind: "ended", name: end, at: run.ended_at }];
}

/** The steps of a run before its end, each with the milliseconds that it took so far. */
function stretches(run, now) {
  const end = moment(run.ended_at) || now;
  const begun = stepsOf(run).filter(({ kind, at }) => kind !== "ended" && moment(at));
  return begun.map(({ kind, at }, i) => {
    const next = Math.min(moment(begun[i + 1]?.at) || end, end);
    return { kind, length: Math.max(next - moment(at), 0) };
  });
}

function endpointName(run) {
  const host = /^https:\/\/([^/]+)/.exec(run.endpoint_uri || "");
  return host ? host[1].replace(/\.[a-z0-9-]+\.inference\.ml\.azure\.[a-z]+$/, "") : "";
}

const folderOf = ({ container, folder }) => `${container}/${folder}`;

/** How many files started a run; with how many the folder has, if the run scores it again. */
function filesOf({ count, folder_count: all }) {
  const named = (number) => `${number} ${number === 1 ? "file" : "files"}`;
  return all ? `${count} new of ${named(all)}` : named(count);
}

/** The title of a run: the data that started it, or its id. */
const titleOf = (run) => (run.source ? `${folderOf(run.source)} · ${filesOf(run.source)}` : run.run_id);

const shortened = (id) => (id.length > 20 ? `${id.slice(0, 13)}…${id.slice(-6)}` : id);

/** As the list's filter takes each of them: team:fraud. */
const tagsOf = (run) => Object.entries(run.tags || {}).map(([name, value]) => `${name}:${value}`).join(", ");

const haystacks = new WeakMap();
function haystack(run) {
  if (!haystacks.has(run)) {
    const parts = [run.run_id, run.job?.name, run.job?.status, run.endpoint_uri, run.error?.message,
      run.error?.code, run.error?.reason?.code, run.problem?.message, run.problem?.code, run.needs_attention?.message,
      run.needs_attention?.code, run.source && folderOf(run.source), tagsOf(run)];
    haystacks.set(run, parts.filter(Boolean).join("\n").toLowerCase());
  }
  return haystacks.get(run);
}
