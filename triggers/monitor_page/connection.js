"use strict";
/* How fresh the page is, and what stands in place of the list while there is none. */

const live = {
  loaded: false, complete: false, filling: false, failures: 0, refused: false, busy: false, again: false,
  timer: 0, updatedAt: 0, loadedAt: 0, nextAt: 0,
};

/** Now; while the app can not be reached, the moment of its last word, so that no clock runs on a guess. */
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
  const since = live.updatedAt ? ` What you see is as of ${dateTime.format(live.updatedAt)}.` : "";
  const text = error.refused
    ? `The app refuses this page's key or login (${error.status}).${since} Reload the page to enter a key or to sign in.`
    : `${error.message}${since}`;
  setText($("banner-text"), hidden ? "" : text);
  setText($("detail-banner").firstElementChild, text);
}

/** Kept apart from the alert, which would be read out anew each second. */
function tickRetry(now) {
  const left = live.nextAt - now;
  const text = !live.failures ? "" : live.busy ? "Trying again now …" : live.nextAt ? `Trying again by itself in ${duration(left + 999)}.` : "";
  for (const node of document.querySelectorAll(".retry")) setText(node, text);
}

function showFailure(error) {
  $("list").hidden = $("filters").hidden = true;
  const open = "Enter a function key, which stays in this browser tab; or sign in and open the page again.";
  if (!error.refused) {
    showState({
      title: "The runs cannot be read", action: "Try again",
      text: `${error.message} The app may be starting, or there is no connection to it. Its log says more.`,
    });
  } else if (storedKey()) {
    showState({ title: "This key was refused", text: `It may be mistyped, or have been renewed. ${open}`, asksForKey: true });
    announce("This key was refused.");
  } else {
    showState({ title: "A key is needed", text: `The app does not let this page read its runs. ${open}`, asksForKey: true });
  }
  $("key").setAttribute("aria-invalid", String(Boolean(storedKey())));
  if (error.refused) $("key").select();
}

/** A command that works where this page came from; the key stays out of it. */
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
    showState({ title: "No runs yet", text: "Start one, with your own data in place of this. It appears here by itself.", command: startCommand() });
  } else if (list.total > 0) {
    showState();
  } else if (!live.complete) {
    showState({ title: "No run matches so far", text: "The rest of the runs is still being loaded." });
  } else {
    showState({ title: "No run matches", text: "None of the runs has this phase, text and time.", action: "Clear the filters" });
  }
}
