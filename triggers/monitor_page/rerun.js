"use strict";
/* Running a run again: the question first. Where the run may still have a job, the question is asked a second time. */

/** The open question: {id, busy, failure, confirms}. ``confirms``: the next answer says that there is no job. */
let rerun = {};

function rerunControl(run) {
  if (isActive(run)) return [];
  return [h("button", { type: "button", id: "rerun", "data-keep": "rerun" }, "Run again…")];
}

const runLinks = (ids) => h("span", {}, ...ids.flatMap((id, at) => [at ? ", " : "", h("a", { href: runLink(id) }, id)]));

function askToRerun() {
  const run = store.runs.get(detail.id);
  rerun = { id: run.run_id };
  setText($("rerun-title"), `Run ${titleOf(run)} again?`);
  drawRerun();
  $("rerun-question").showModal();
}

function drawRerun() {
  setText($("rerun-failure"), rerun.failure || "");
  $("rerun-failure").hidden = !rerun.failure;
  $("rerun-confirm").disabled = Boolean(rerun.busy);
  setText($("rerun-confirm"), rerun.confirms ? "I looked: it has no job. Run again" : rerun.failure ? "Try again" : "Run again");
}

async function rerunConfirmed() {
  const asked = rerun;
  Object.assign(asked, { busy: true, failure: "" });
  drawRerun();
  try {
    const { id } = await api.rerun(asked.id, asked.confirms);
    announce(`Run ${asked.id} is run again as ${id}.`);
    if (rerun !== asked) return;
    $("rerun-question").close();
    await store.look(asked.id).catch(() => { /* The next look shows the link to the new run. */ });
    if (detail.id === asked.id) location.hash = runLink(id);
  } catch (error) {
    Object.assign(asked, { busy: false, failure: error.message, confirms: error.message.includes("confirm_no_job") });
    announce(`Run ${asked.id} was not run again. ${error.message}`);
    if (rerun === asked) drawRerun();
  }
}
