"use strict";
/* Canceling a run: the question first, then a note until the run itself reports the cancel. */

/** By run id: {} after a cancel was requested, {failure} if the request failed. */
const cancels = new Map();

function cancelControl(run) {
  if (!isActive(run) || run.cancellation) return [];
  const asked = cancels.get(run.run_id);
  const button = (text) => h("button", { type: "button", class: "danger", id: "cancel", "data-keep": "cancel" }, text);
  if (!asked) return [button("Cancel…")];
  if (asked.failure) return [button("Try again"), h("p", { class: "failure" }, `Not canceled. ${asked.failure}`)];
  return [h("p", { class: "asked", tabIndex: -1, "data-keep": "cancel" }, "Cancel requested; not yet confirmed")];
}

function askToCancel() {
  const run = store.runs.get(detail.id);
  setText($("confirm-title"), `Cancel run ${titleOf(run)}?`);
  setText($("confirm-text"), run.job
    ? `Azure ML stops job ${run.job.name}, and the run ends Canceled. Its results so far may be lost.`
    : "The run ends Canceled before a job is submitted.");
  $("confirm").dataset.run = run.run_id;
  drawQuestion();
  $("confirm").showModal();
}

function drawQuestion() {
  const id = $("confirm").dataset.run;
  const asked = cancels.get(id);
  const ended = !isActive(store.runs.get(id) || {});
  setText($("confirm-failure"), asked?.failure || "");
  $("confirm-failure").hidden = !asked?.failure;
  $("confirm-cancel").disabled = Boolean(asked && !asked.failure);
  $("confirm-cancel").hidden = ended;
  setText($("confirm-cancel"), asked?.failure ? "Try again" : "Cancel the job");
  setText($("confirm-keep"), ended ? "Close" : "Keep it running");
}

async function cancelConfirmed() {
  const id = $("confirm").dataset.run;
  cancels.set(id, {});
  drawQuestion();
  drawDetail();
  try {
    await api.cancel(id);
    announce(`Requested the cancel of run ${id}.`);
    if ($("confirm").dataset.run === id) $("confirm").close();
  } catch (error) {
    cancels.set(id, { failure: error.message });
    announce(`Run ${id} was not canceled. ${error.message}`);
  }
  await lookAtOpenRun();
  drawQuestion();
}

/** The button that opened the question may be gone: a note is in its place. */
function questionClosed() {
  if (document.activeElement === document.body) ($("detail").querySelector("[data-keep='cancel']") || $("detail-title")).focus();
}
