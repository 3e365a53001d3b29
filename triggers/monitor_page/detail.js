"use strict";
/* One run, in full, and canceling it. */

const detail = { id: null, missing: false, signature: "" };

const section = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);

function definitions(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", {}, ...known.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

const code = (text) => h("span", { class: "code" }, String(text));

/** Opens the run that the address names, or closes what is open. */
function openFromAddress() {
  const match = /^#\/runs\/(.+)$/.exec(location.hash);
  let id = null;
  try { id = match && decodeURIComponent(match[1]); } catch { /* Not an address that this page made. */ }
  if (id === detail.id) return;
  const wasOpen = detail.id;
  Object.assign(detail, { id, missing: false, signature: "" });
  drawDetail();
  drawRows(Date.now());
  if (id) {
    $("detail-title").focus();
    lookAtOpenRun();
  } else if (wasOpen) {
    (rows.get(wasOpen)?.element.querySelector("a") || $("text")).focus();
  }
}

function closeDetail() {
  location.hash = "";
}

async function lookAtOpenRun() {
  const id = detail.id;
  try {
    await store.look(id);
  } catch (error) {
    showConnection(error);
  }
  if (id !== detail.id) return;
  detail.missing = !store.runs.has(id);
  drawDetail();
  drawList();
}

/** Draws anew only if the run changed: whoever reads, selects or tabs in it is not thrown out. */
function drawDetail() {
  const panel = $("detail");
  panel.hidden = !detail.id;
  const run = store.runs.get(detail.id);
  const signature = JSON.stringify([detail.id, detail.missing, run]);
  if (!detail.id || signature === detail.signature) return;
  detail.signature = signature;
  const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
  panel.replaceChildren(...detailContent(run));
  if (focused) panel.querySelector(`[data-keep="${focused}"]`)?.focus();
}

function detailContent(run) {
  const head = h("header", {},
    h("div", {}, h("h2", { id: "detail-title", tabIndex: -1, "data-keep": "title" }, detail.id), run ? phaseBadge(run.phase) : ""),
    h("button", { type: "button", class: "quiet", id: "close", "data-keep": "close", "aria-label": "Close details" }, "✕"));
  if (!run) {
    const text = detail.missing ? "There is no such run. It may have been purged." : "Loading…";
    return [head, h("section", {}, h("p", { class: "muted" }, text))];
  }
  return [head, actions(run), ...troubles(run), whatHappened(run), job(run), data(run), ...source(run), asked(run)];
}

function troubles(run) {
  const box = (trouble, title, name) => h("section", { class: `trouble ${name}` },
    h("h3", {}, title), h("p", {}, trouble.message),
    trouble.advice ? h("p", {}, h("strong", {}, "What to do: "), trouble.advice) : null,
    h("p", { class: "muted" }, code(trouble.code)));
  return [run.error && box(run.error, "Why it did not complete", ""),
    run.problem && box(run.problem, "The last step failed; the run goes on", "passing")].filter(Boolean);
}

function whatHappened(run) {
  const now = Date.now();
  const steps = [["Submitted", run.started_at], ["Queued", run.submitted_at], ["Running", run.running_at],
    run.cancellation ? [CANCEL_WORDS[run.cancellation.cause] || "Cancel asked for", run.cancellation.requested_at] : null,
    [isActive(run) ? "Ended" : `Ended: ${run.phase}`, run.ended_at]].filter(Boolean);
  steps.sort(([, a], [, b]) => (moment(a) || Infinity) - (moment(b) || Infinity) || 0);
  const items = steps.map(([name, at], i) => {
    const next = moment(steps[i + 1]?.[1]);
    const current = isActive(run) && moment(at) && i + 1 < steps.length && !next;
    const gap = h("span", { class: "gap", ...(current && { id: "detail-step", "data-since": at }) });
    if (moment(at) && (next || current)) setText(gap, stepText(at, next || now));
    return h("li", { class: at ? "done" : "" }, h("span", {}, name), timeElement(at), gap);
  });
  return section("What happened when",
    definitions([
      ["Elapsed", h("span", { id: "detail-elapsed" }, duration(elapsed(run, now)))],
      ["Checks", h("span", { id: "detail-checks" }, checksText(run, now))],
    ]),
    bars(run, now), h("ol", { class: "steps" }, ...items));
}

const CANCEL_WORDS = { request: "Cancel asked for", timeout: "Out of time: cancel asked for", queue_timeout: "Queued too long: cancel asked for" };
const stepText = (at, next) => `for ${duration(Math.max(next - moment(at), 0))}`;
const checksText = (run, now) => [String(run.checks), nextCheck(run, now)].filter(Boolean).join(", ");

function tickDetail(now) {
  const run = store.runs.get(detail.id);
  if (!run || !isActive(run) || !$("detail-elapsed")) return;
  setText($("detail-elapsed"), duration(elapsed(run, now)));
  setText($("detail-checks"), checksText(run, now));
  if ($("detail-step")) setText($("detail-step"), stepText($("detail-step").dataset.since, now));
}

function actions(run) {
  const studio = safeLink(run.job?.studio_url, "Open in Azure ML Studio");
  studio?.setAttribute("data-keep", "studio");
  return h("section", { class: "actions" }, studio,
    h("button", { type: "button", class: "quiet", id: "copy", "data-keep": "copy" }, "Copy as JSON"),
    isActive(run) && !run.cancellation
      ? h("button", { type: "button", class: "danger", id: "cancel", "data-keep": "cancel" }, "Cancel…") : null);
}

function job(run) {
  return section("Job", run.job
    ? definitions([["Name", code(run.job.name)], ["Status", run.job.status]])
    : h("p", { class: "muted" }, isActive(run) ? "No job yet." : "No job was submitted."));
}

function data(run) {
  const binding = ([name, { type, uri, value }]) => [name, h("span", {}, code(uri ?? JSON.stringify(value)), ` ${type}`)];
  const inputs = Object.entries(run.request?.inputs || {}).map(binding);
  const outputs = Object.entries(run.outputs || {}).map(([name, uri]) => [name, code(uri)]);
  if (!run.request) return section("Inputs and outputs", h("p", { class: "muted" }, "Loading…"));
  return h("section", {}, h("h3", {}, "Inputs"), definitions(inputs), h("h3", {}, "Outputs"),
    outputs.length ? definitions(outputs) : h("p", { class: "muted" }, "In the endpoint's default store."));
}

function source({ source }) {
  if (!source) return [];
  const more = source.count - source.names.length;
  const names = source.names.join("\n") + (more > 0 ? `\n… and ${more} more` : "");
  return [section("Started by new data", definitions([
    ["Folder", code(`${source.container}/${source.folder}`)], ["Blobs", String(source.count)],
    ["First", timeElement(source.first_event_at)], ["Last", timeElement(source.last_event_at)],
  ]), h("details", {}, h("summary", { "data-keep": "names" }, "Names"), h("pre", { class: "code" }, names)))];
}

function asked(run) {
  const request = run.request || {};
  const seconds = (value) => value && duration(value * 1000);
  const identity = run.identity || {};
  return section("Request", definitions([
    ["Endpoint", run.endpoint_uri && code(run.endpoint_uri)], ["Deployment", request.deployment],
    ["Experiment", request.experiment], ["Checked every", seconds(request.poll_interval)],
    ["Timeout", request.timeout && `${seconds(request.timeout)}, then ${request.on_timeout} the job`],
    ["Queue timeout", seconds(request.queue_timeout)], ["Identity", identity.client_id && code(identity.client_id)],
    ["Last check", run.last_check_at && timeElement(run.last_check_at)],
  ]));
}

function askToCancel() {
  const run = store.runs.get(detail.id);
  setText($("confirm-title"), `Cancel run ${run.run_id}?`);
  setText($("confirm-text"), run.job
    ? `Azure ML stops job ${run.job.name}, and the run ends Canceled. What the job has scored by then may be lost.`
    : "The run ends Canceled before a job is submitted.");
  $("confirm-failure").hidden = true;
  $("confirm-cancel").disabled = false;
  $("confirm").dataset.run = run.run_id;
  $("confirm").showModal();
}

async function cancelConfirmed() {
  const id = $("confirm").dataset.run;
  $("confirm-cancel").disabled = true;
  try {
    await api.cancel(id);
    $("confirm").close();
    announce(`Asked to cancel run ${id}.`);
  } catch (error) {
    setText($("confirm-failure"), error.message);
    $("confirm-failure").hidden = false;
  }
  lookAtOpenRun();
}

async function copyRun() {
  try {
    await navigator.clipboard.writeText(JSON.stringify(store.runs.get(detail.id), null, 2));
    announce("Copied.");
    setText($("copy"), "Copied");
  } catch {
    announce("The browser did not allow copying.");
  }
}
