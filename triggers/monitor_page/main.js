"use strict";
/* Loads the runs, keeps them up to date while the page is visible, and handles clicks and keys. */

const LIVE_PAUSE = 2_000;
const IDLE_PAUSE = 5_000;
const LONGEST_PAUSE = 60_000;
const RELOAD_AFTER = 600_000;
const FILL_AGAIN_AFTER = 30_000;

function draw() {
  drawList();
  drawDetail();
  $("list").hidden = list.total === 0;
  $("filters").hidden = store.runs.size === 0;
  showEmptiness();
}

/** Loads all runs, and returns as soon as the first are there. */
async function load() {
  const pages = store.everything();
  live.loadedAt = Date.now();
  let page;
  do page = await pages.next(); while (!page.done && !store.runs.size);
  live.complete ||= page.done;
  live.loaded = true;
  fill(pages);
}

/** Loads the other runs while the page is already live. */
async function fill(pages) {
  live.filling = true;
  try {
    for await (const _ of pages) draw();
    live.complete = true;
    announce(`${store.runs.size} runs loaded.`);
  } catch (error) {
    failed(error);
    live.loadedAt += FILL_AGAIN_AFTER - RELOAD_AFTER;
  }
  live.filling = false;
  draw();
}

async function update() {
  if (document.hidden) return;
  live.again = live.busy;
  if (live.busy) return;
  const began = Date.now();
  live.busy = true;
  tickRetry(began);
  try {
    const reload = !live.filling && began - live.loadedAt > RELOAD_AFTER;
    if (!live.loaded || reload) await load();
    else await store.refresh(!live.filling);
    Object.assign(live, { failures: 0, refused: false });
    live.updatedAt = Date.now();
    showConnection(null);
    draw();
    if (detail.id && !detail.missing && !store.runs.get(detail.id)?.request) lookAtOpenRun();
  } catch (error) {
    failed(error);
  }
  live.busy = false;
  plan(Date.now() - began);
  tick();
}

function failed(error) {
  live.failures += 1;
  live.refused = error.refused;
  showConnection(error);
  if (!live.loaded) showFailure(error);
}

/** Plans the next update. Slow and failed updates make the pause longer; a hidden page makes none. */
function plan(took) {
  clearTimeout(live.timer);
  live.nextAt = 0;
  const waitsForKey = live.refused && !live.loaded;
  if (document.hidden || (waitsForKey && !live.again)) return;
  const busy = [...store.runs.values()].some(isActive);
  const pause = Math.max(busy ? LIVE_PAUSE : IDLE_PAUSE, took * 5) * 2 ** Math.min(live.failures, 6);
  const wait = live.again ? 0 : Math.min(pause, LONGEST_PAUSE);
  live.nextAt = Date.now() + wait;
  live.timer = setTimeout(update, wait);
}

function tick() {
  if (document.hidden) return;
  const now = Date.now();
  tickRetry(now);
  if (!live.loaded || live.failures) return;
  tickRows(now);
  tickDetail(now);
  const age = now - live.updatedAt;
  setText($("live-text"), age < 10_000 ? "Live" : `Updated ${duration(age)} ago`);
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
  filtersToAddressSoon();
  if (!live.loaded) return;
  draw();
  announce(`${list.total} runs match.`);
}

function turnPage(by) {
  list.page += by;
  draw();
  window.scrollTo(0, 0);
}

const CLICKS = {
  close: closeDetail, cancel: askToCancel, reload, previous: () => turnPage(-1), next: () => turnPage(1),
  copy: () => copyText($("copy"), JSON.stringify(store.runs.get(detail.id), null, 2)),
  "show-log": showLog,
  "copy-command": () => copyText($("copy-command"), startCommand()),
  "confirm-cancel": cancelConfirmed,
  "state-action": () => { if (live.loaded) { clearFilters(); filtersChanged(); } else updateNow(); },
};

function clicked(event) {
  const button = event.target.closest("button");
  if (button) CLICKS[button.id]?.();
  if (button?.matches(".chip")) { togglePhase(button.dataset.phase); filtersChanged(); }
  const head = event.target.closest("th[data-sort]");
  if (head && button) sortBy(head.dataset.sort);
  const row = event.target.closest("#rows tr[data-run]");
  if (row && !event.target.closest("a") && !String(getSelection())) location.hash = runLink(row.dataset.run);
}

function keyPressed(event) {
  document.body.dataset.by = "keys";
  if (event.key === "Escape" && detail.id && !$("confirm").open) closeDetail();
  if (event.key === "/" && !event.target.closest("input, select, dialog")) { event.preventDefault(); $("text").focus(); }
}

function addressChanged() {
  if (location.search !== filters.written) { filtersFromAddress(); if (live.loaded) draw(); }
  openFromAddress();
}

function skipToRuns(event) {
  event.preventDefault();
  $("rows").querySelector("a[tabindex='0']")?.focus();
}

function listen() {
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", keyPressed);
  document.addEventListener("pointerdown", () => { document.body.dataset.by = "pointer"; });
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(live.timer) : updateNow()));
  window.addEventListener("popstate", addressChanged);
  phone.addEventListener("change", () => { if (live.loaded) draw(); });
  $("skip").addEventListener("click", skipToRuns);
  $("rows").addEventListener("keydown", moveInList);
  $("rows").addEventListener("focusin", focusedInList);
  $("filters").addEventListener("input", filtersChanged);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("confirm").addEventListener("close", questionClosed);
  $("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keepKey($("key").value.trim());
    updateNow();
  });
}

takeKeyFromAddress();
filtersFromAddress();
drawSkeleton();
listen();
openFromAddress();
setInterval(tick, 1_000);
updateNow();
