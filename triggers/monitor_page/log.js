"use strict";
/* The last lines of a job's log, read when somebody asks for them. */

const LOG_LINES = 100;

/** By run id: {reading} meanwhile, then {text}, or {failure} if the log cannot be read. */
const logs = new Map();

function logControl(run) {
  const read = logs.get(run.run_id) || {};
  const known = read.failure || read.text !== undefined;
  // Not disabled meanwhile: a disabled button loses the focus.
  const button = h("button", { type: "button", id: "show-log", "data-keep": "log", "aria-disabled": String(Boolean(read.reading)) },
    read.reading ? "Reading the log…" : known ? "Read the log again" : "Last log lines");
  if (!known) return [button];
  if (read.failure) return [button, h("p", { class: "failure" }, read.failure)];
  return [button, read.text
    ? h("pre", { class: "code log", tabIndex: 0, "data-keep": "log-text", "aria-label": "The last lines of the log" }, read.text)
    : h("p", { class: "muted" }, "The log is empty.")];
}

async function showLog() {
  const id = detail.id;
  if (logs.get(id)?.reading) return;
  logs.set(id, { reading: true });
  drawDetail();
  try {
    logs.set(id, { text: await api.log(id, LOG_LINES) });
    announce("The log was read.");
  } catch (error) {
    logs.set(id, { failure: error.message });
    announce(`The log was not read. ${error.message}`);
  }
  drawDetail();
  if (detail.id === id) $("detail-body").querySelector(".log, #show-log + .failure")?.scrollIntoView({ block: "nearest" });
}
