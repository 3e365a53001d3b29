"use strict";
/* Loads, keeps up to date while somebody looks, and answers to clicks and keys. */

const LIVE_PAUSE = 2_000;
const IDLE_PAUSE = 5_000;
const LONGEST_PAUSE = 60_000;
const RELOAD_AFTER = 600_000;
const live = { loaded: false, failures: 0, timer: 0, busy: false, updatedAt: 0, loadedAt: 0 };

function announce(text) {
  setText($("announcer"), text);
}

/** What stands in place of the list while there is none. */
function showState(title = "", text = "", action = "", asksForKey = false) {
  $("state").hidden = !title;
  setText($("state-title"), title);
  setText($("state-text"), text);
  $("state-action").hidden = !action;
  setText($("state-action"), action);
  $("key-form").hidden = !asksForKey;
}

const refused = (error) => error.status === 401 || error.status === 403;

function showConnection(error) {
  $("live-dot").className = `dot ${error ? "off" : "on"}`;
  const banner = $("banner");
  banner.hidden = !error || !live.loaded;
  if (!error) return;
  setText($("live-text"), refused(error) ? "No access" : "Not connected");
  const since = live.updatedAt ? ` What you see is as of ${dateTime.format(live.updatedAt)}.` : "";
  setText(banner, refused(error) ? `The app refuses this page's key or login (${error.status}).${since} Reload the page with a valid one.`
    : `${error.message}${since} Trying again.`);
}

function draw() {
  const nothing = store.runs.size === 0;
  drawList();
  drawDetail();
  const unmatched = !nothing && list.total === 0;
  $("list").hidden = list.total === 0 && live.loaded;
  $("filters").hidden = nothing && live.loaded;
  if (!live.loaded) return;
  if (nothing) {
    showState("No runs yet", `Start one with\nPOST ${api.root}\nIt appears here by itself.`);
  } else if (unmatched) {
    showState("No run matches", "None of the runs has this phase, text and time.", "Clear the filters");
  } else {
    showState();
  }
}

async function load() {
  live.busy = true;
  setText($("live-text"), "Loading");
  try {
    await store.loadAll(() => {
      setText($("live-text"), `Loading, ${store.runs.size.toLocaleString()} so far`);
      if (store.runs.size) draw();
    });
    Object.assign(live, { loaded: true, loadedAt: Date.now() });
    succeeded();
    announce(`${store.runs.size} runs loaded.`);
  } catch (error) {
    failed(error);
  }
  live.busy = false;
}

async function update() {
  if (live.busy || document.hidden) return;
  const began = Date.now();
  if (!live.loaded || began - live.loadedAt > RELOAD_AFTER) {
    await load();
  } else {
    live.busy = true;
    try {
      await store.refresh();
      succeeded();
    } catch (error) {
      failed(error);
    }
    live.busy = false;
  }
  plan(Date.now() - began);
}

function succeeded() {
  live.failures = 0;
  live.updatedAt = Date.now();
  showConnection(null);
  draw();
  tick();
}

function failed(error) {
  live.failures += 1;
  showConnection(error);
  if (live.loaded) return;
  $("rows").replaceChildren();
  rows.clear();
  $("list").hidden = $("filters").hidden = true;
  if (refused(error)) {
    showState("A key is needed", "The app does not let this page read its runs. Enter a function key, which stays in this browser tab; or sign in and open the page again.", "", true);
  } else {
    showState("The runs cannot be read", `${error.message} The app may be starting, or there is no connection to it. Its log says more.`, "Try again");
  }
}

/** The next look. The longer a look takes and the more of them fail, the rarer they are; none while hidden. */
function plan(took) {
  clearTimeout(live.timer);
  if (document.hidden) return;
  const busy = [...store.runs.values()].some(isActive);
  const pause = Math.max(busy ? LIVE_PAUSE : IDLE_PAUSE, took * 5) * 2 ** Math.min(live.failures, 6);
  live.timer = setTimeout(update, Math.min(pause, LONGEST_PAUSE));
}

function tick() {
  if (document.hidden) return;
  const now = Date.now();
  tickRows(now);
  tickDetail(now);
  if (live.loaded && !live.failures) {
    const age = now - live.updatedAt;
    setText($("live-text"), age < 10_000 ? "Live" : `Updated ${duration(age)} ago`);
  }
}

function updateNow() {
  clearTimeout(live.timer);
  update();
}

function reload() {
  live.loadedAt = 0;
  updateNow();
}

function filtersChanged() {
  list.page = 0;
  showBetween();
  draw();
  announce(`${list.total} runs match.`);
}

function turnPage(by) {
  list.page += by;
  draw();
  window.scrollTo(0, 0);
}

function pressed(event) {
  const chip = event.target.closest(".chip");
  if (!chip) return;
  const phase = chip.dataset.phase;
  if (!phase) list.phases.clear();
  else if (!list.phases.delete(phase)) list.phases.add(phase);
  filtersChanged();
}

const CLICKS = {
  close: closeDetail, cancel: askToCancel, copy: copyRun, reload, previous: () => turnPage(-1), next: () => turnPage(1),
  "confirm-cancel": cancelConfirmed,
  "state-action": () => { if (live.loaded) clearFilters(); draw(); updateNow(); },
};

function listen() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) CLICKS[button.id]?.();
    const row = event.target.closest("#rows tr");
    if (row && !event.target.closest("a") && !String(getSelection())) location.hash = runLink(row.dataset.run);
    const head = event.target.closest("th[data-sort]");
    if (head && button) sortBy(head.dataset.sort);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && detail.id && !$("confirm").open) closeDetail();
    if (event.key === "/" && !event.target.closest("input, select, dialog")) { event.preventDefault(); $("text").focus(); }
  });
  $("phases").addEventListener("click", pressed);
  $("filters").addEventListener("input", filtersChanged);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey($("key").value);
    $("key").value = "";
    updateNow();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(live.timer) : updateNow()));
  window.addEventListener("hashchange", openFromAddress);
}

function drawSkeleton() {
  const row = () => h("tr", {}, ...Array.from({ length: 7 }, () => h("td", {}, h("span", {}))));
  $("rows").classList.add("skeleton");
  $("rows").replaceChildren(...Array.from({ length: 6 }, row));
}

takeKeyFromAddress();
drawSkeleton();
listen();
openFromAddress();
setInterval(tick, 1_000);
updateNow();
