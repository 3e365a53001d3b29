"use strict";
/* One run, in full. */

const detail = { id: null, missing: false, signature: "" };

const section = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);

function definitions(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", {}, ...known.flatMap(([name, value]) => [h("dt", {}, ...[name].flat()), h("dd", {}, value)]));
}

/** Opens the run that the address names, or closes the open run. */
function openFromAddress() {
  const match = /^#\/runs\/(.+)$/.exec(location.hash);
  let id = null;
  try { id = match && decodeURIComponent(match[1]); } catch { /* Not an address that this page made. */ }
  if (id === detail.id) return;
  const wasOpen = detail.id;
  Object.assign(detail, { id, missing: false, signature: "" });
  $("detail-body").replaceChildren();
  drawDetail();
  if (live.loaded) drawRows(clock());
  if (id) {
    $("detail").scrollTop = 0;
    $("detail-title").focus();
    lookAtOpenRun();
  } else if (wasOpen) {
    (rows.get(wasOpen)?.link || $("text")).focus();
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
    if (live.loaded) failed(error);
    return;
  }
  if (id !== detail.id) return;
  detail.missing = !store.runs.has(id);
  if (live.loaded) draw();
  else drawDetail();
}

/** Draws again only if the run changed, so that selection and focus stay. */
function drawDetail() {
  const panel = $("detail");
  panel.hidden = !detail.id;
  $("layout").classList.toggle("open", Boolean(detail.id));
  const run = store.runs.get(detail.id);
  const signature = JSON.stringify([detail.id, detail.missing, cancels.get(detail.id), logs.get(detail.id), run]);
  if (!detail.id || signature === detail.signature) return;
  detail.signature = signature;
  setText($("detail-title"), run ? titleOf(run) : detail.id);
  setText($("detail-id"), run?.source ? detail.id : "");
  $("detail-phase").replaceChildren(...(run ? [phaseBadge(run.phase)] : []));
  const focused = panel.contains(document.activeElement) ? document.activeElement.dataset.keep : null;
  const namesOpen = panel.querySelector("details")?.open;
  $("detail-body").replaceChildren(...detailContent(run));
  if (namesOpen && panel.querySelector("details")) panel.querySelector("details").open = true;
  const log = panel.querySelector(".log");
  if (log) log.scrollTop = log.scrollHeight;
  if (focused) (panel.querySelector(`[data-keep="${focused}"]`) || $("detail-title")).focus();
}

function detailContent(run) {
  if (!run) {
    const text = detail.missing ? "There is no such run. It may have been purged." : "Loading…";
    return [h("section", {}, h("p", { class: "muted" }, text))];
  }
  return [actions(run), ...troubles(run), whatHappened(run), job(run), data(run), ...source(run), asked(run)];
}

function actions(run) {
  return h("section", { class: "actions" },
    safeLink(run.job?.studio_url, "Open in Studio", { class: "button", title: "Open the job in Azure ML Studio", "data-keep": "studio" }),
    h("button", { type: "button", id: "copy", title: "Copy the run as JSON", "data-keep": "copy" }, "Copy"),
    ...cancelControl(run), ...rerunControl(run));
}

function troubles(run) {
  const box = (trouble, title, name) => h("section", { class: `trouble ${name}` },
    h("h3", {}, title), h("p", {}, trouble.message),
    trouble.advice ? h("p", {}, h("strong", {}, "What to do: "), trouble.advice) : null,
    trouble.command ? h("p", {}, code(trouble.command)) : null,
    h("p", { class: "muted" }, code(trouble.code), trouble.reason?.code ? h("span", {}, ", in Azure ML ", code(trouble.reason.code)) : null,
      trouble.since ? h("span", {}, " since ", timeElement(trouble.since)) : null));
  return [run.error && box(run.error, "Why the run did not complete", "final"),
    run.needs_attention && box(run.needs_attention, "The run needs attention", "attention"),
    run.problem && box(run.problem, "The last step failed; the run goes on", "passing")].filter(Boolean);
}

const checksText = (run, now) => [String(run.checks), nextCheck(run, now)].filter(Boolean).join(", ");

function whatHappened(run) {
  const now = clock();
  return section("Timeline",
    definitions([
      ["Pending since", run.pending_since && timeElement(run.pending_since)],
      ["Elapsed", h("span", { id: "detail-elapsed" }, duration(elapsed(run, now)))],
      ["Checks", h("span", { id: "detail-checks" }, checksText(run, now))],
    ]),
    timeline(run, now));
}

function tickDetail(now) {
  const run = store.runs.get(detail.id);
  if (!run || !isActive(run) || !$("detail-elapsed")) return;
  setText($("detail-elapsed"), duration(elapsed(run, now)));
  setText($("detail-checks"), checksText(run, now));
  tickTimeline(run, now);
}

function job(run) {
  const earlier = run.earlier_jobs?.length ? definitions(run.earlier_jobs.map(earlierJob)) : null;
  const none = isActive(run) ? "No job yet." : "No job was submitted.";
  if (!run.job) return section("Job", h("p", { class: "muted" }, earlier ? "No further job yet." : none), earlier);
  return section("Job", definitions([["Name", code(run.job.name)], ["Status", run.job.status]]), earlier, ...logControl(run));
}

function earlierJob({ name, studio_url: url, reason }) {
  return ["Failed before", h("span", {}, url ? safeLink(url, name, {}) : code(name), reason ? h("span", { class: "sub" }, reason.message) : null)];
}

function data(run) {
  if (!run.request) return section("Inputs and outputs", h("p", { class: "muted" }, "Loading…"));
  const named = (name, type) => [name, type ? h("span", { class: "sub" }, type) : null];
  const inputs = Object.entries(run.request.inputs || {})
    .map(([name, { type, uri, value }]) => [named(name, type),
      h("span", {}, code(uri ?? JSON.stringify(value)), resolved(run.resolved_inputs?.[name]))]);
  const outputs = Object.entries(run.outputs || {})
    .map(([name, uri]) => [named(name, run.request.outputs?.[name]?.type),
      h("span", {}, code(uri), ...outputLinks(run.output_links?.[name]))]);
  return h("section", {}, h("h3", {}, "Inputs"), definitions(inputs), h("h3", {}, "Outputs"),
    outputs.length ? definitions(outputs) : h("p", { class: "muted" }, "Azure ML chose the place."));
}

const resolved = (id) => id ? h("span", { class: "sub" }, "Scored: ", code(id)) : null;

function outputLinks(links) {
  const shown = [safeLink(links?.storage_url, "Address in storage"), safeLink(links?.portal_url, "Open in the Azure portal")];
  return shown.filter(Boolean).map((link) => h("span", { class: "sub" }, link));
}

function source({ source }) {
  if (!source) return [];
  const more = source.count - source.names.length;
  const names = source.names.join("\n") + (more > 0 ? `\n… and ${more} more` : "");
  return [section("Started by new data", definitions([
    ["Folder", code(folderOf(source))], ["Files", filesOf(source)],
    ["Scores", source.folder_count && "the whole folder again"],
    ["First", timeElement(source.first_event_at)], ["Last", timeElement(source.last_event_at)],
  ]), h("details", {}, h("summary", { "data-keep": "names" }, "Names"), h("pre", { class: "code" }, names)))];
}

function asked(run) {
  const request = run.request || {};
  const seconds = (value) => value && duration(value * 1000);
  const overrides = Object.entries(request.overrides || {}).map(([name, value]) => `${name} ${value}`).join(", ");
  const identity = run.identity || {};
  return section("Request", definitions([
    ["Run id", code(run.run_id)],
    ["Runs again", run.rerun_of && runLinks([run.rerun_of])],
    ["Run again as", run.reruns?.length ? runLinks(run.reruns) : null],
    ["Endpoint", run.endpoint_uri && code(run.endpoint_uri)], ["Deployment", request.deployment],
    ["Experiment", request.experiment], ["Checked every", seconds(request.poll_interval)],
    ["Timeout", request.timeout && `${seconds(request.timeout)}, then ${request.on_timeout} the job`],
    ["Overrides", overrides], ["Tags", tagsOf(run)],
    ["Queue timeout", seconds(request.queue_timeout)], ["Cancel timeout", seconds(request.cancel_timeout)],
    ["Jobs at most", request.job_attempts && `${request.job_attempts}, after ${request.retry_on.join(" or ")}`],
    ["Identity", identity.client_id && code(identity.client_id)],
    ["Last check", run.last_check_at && timeElement(run.last_check_at)],
  ]));
}
