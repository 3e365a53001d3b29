"use strict";
/* How current the page is, and what it shows instead of a list. */

const live = {
  loaded: false, complete: false, filling: false, failures: 0, refused: false, busy: false, again: false,
  timer: 0, updatedAt: 0, loadedAt: 0, nextAt: 0,
};

/** Now. While the app cannot be reached, the time of its last answer: no clock shows a guess. */
const clock = () => (live.failures && live.updatedAt ? live.updatedAt : Date.now());

function showState({ title = "", text = "", command = "", action = "", asksForKey = false } = {}) {
  $("state").hidden = !title;
  setText($("state-title"), title);
  setText($("state-text"), text);
  $("state-command").hidden = !command;
  setText($("state-command").firstElementChild, command);
  $("state-action").hidden = !action;
  setText($("state-action"), action);
  $("key-form").hidden = !asksForKey;
}

function showConnection(error) {
  $("live-dot").className = `dot ${error ? "off" : "on"}`;
  document.body.classList.toggle("stale", Boolean(error));
  const hidden = !error || !live.loaded;
  $("banner").hidden = $("detail-banner").hidden = hidden;
  if (!error) return;
  setText($("live-text"), error.refused ? "No access" : "Not connected");
  const since = live.updatedAt ? ` The page shows the state of ${dateTime.format(live.updatedAt)}.` : "";
  const text = error.refused
    ? `The app refuses this page's key or login (${error.status}).${since} Reload the page to enter a key or to sign in.`
    : `${error.message}${since}`;
  setText($("banner-text"), hidden ? "" : text);
  setText($("detail-banner").firstElementChild, text);
}

/** Separate from the alert, which a screen reader would read again each second. */
function tickRetry(now) {
  const left = live.nextAt - now;
  const text = !live.failures ? "" : live.busy ? "Retrying now …" : live.nextAt ? `Retrying automatically in ${duration(left + 999)}.` : "";
  for (const node of document.querySelectorAll(".retry")) setText(node, text);
}

function showFailure(error) {
  $("list").hidden = $("filters").hidden = true;
  const open = "Enter a function key (it stays in this browser tab), or sign in and open the page again.";
  if (!error.refused) {
    showState({
      title: "The runs cannot be read", action: "Try again",
      text: `${error.message} The app may be starting, or there is no connection to it. Its log has the details.`,
    });
  } else if (storedKey()) {
    showState({ title: "This key was refused", text: `It may have a typing error, or a new key has replaced it. ${open}`, asksForKey: true });
    announce("This key was refused.");
  } else {
    showState({ title: "A key is needed", text: `The app does not let this page read its runs. ${open}`, asksForKey: true });
  }
  $("key").setAttribute("aria-invalid", String(Boolean(storedKey())));
  if (error.refused) $("key").select();
}

/** A command that starts a run in the app of this page. It does not contain the key. */
function startCommand() {
  const data = /^(127\.|localhost$)/.test(location.hostname) ? "samples" : "workspaceblobstore";
  return [
    `curl -X POST '${api.root}'`,
    ...(storedKey() ? ["-H \"x-functions-key: $BATCH_FUNCTION_KEY\""] : []),
    "-H 'Content-Type: application/json'",
    `-d '{"endpoint_input_uri": "azureml://datastores/${data}/paths/data/"}'`,
  ].join(" \\\n  ");
}

function showEmptiness() {
  if (store.runs.size === 0) {
    showState({ title: "No runs yet", text: "Start a run with this command; replace the data by your own. The run appears here automatically.", command: startCommand() });
  } else if (list.total > 0) {
    showState();
  } else if (!live.complete) {
    showState({ title: "No run matches so far", text: "The other runs are still loading." });
  } else {
    showState({ title: "No run matches", text: "None of the runs has this phase, text and time.", action: "Clear the filters" });
  }
}
