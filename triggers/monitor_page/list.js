"use strict";
/* The list: filters, order, one page of rows. */

const ROWS = 50;
const list = { sort: "started", descending: true, page: 0, phases: new Set(), shown: [], total: 0 };
const rows = new Map();

const SORT_KEYS = {
  run_id: (run) => run.run_id.toLowerCase(),
  phase: (run) => PHASES.indexOf(run.phase),
  endpoint: endpointName,
  started: (run) => moment(run.started_at) || 0,
  elapsed: (run, now) => elapsed(run, now),
};

function periodOf(now) {
  const chosen = $("period").value;
  if (chosen === "between") return [moment($("from").value) || -Infinity, moment($("to").value) || Infinity];
  return chosen ? [now - Number(chosen) * 1000, Infinity] : [-Infinity, Infinity];
}

/** Filters and orders all runs, and draws the page of them that is open. */
function drawList() {
  const now = Date.now();
  const words = $("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [from, to] = periodOf(now);
  const candidates = [...store.runs.values()].filter((run) => {
    const started = moment(run.started_at) || 0;
    return started >= from && started <= to && words.every((word) => haystack(run).includes(word));
  });
  drawPhases(candidates);
  const found = candidates.filter((run) => !list.phases.size || list.phases.has(run.phase));
  const key = SORT_KEYS[list.sort];
  const keyed = found.map((run) => [key(run, now), run]);
  const direction = list.descending ? -1 : 1;
  keyed.sort(([a, one], [b, other]) =>
    (a < b ? -1 : a > b ? 1 : 0) * direction || (one.run_id < other.run_id ? -1 : 1));
  list.total = keyed.length;
  list.page = Math.max(Math.min(list.page, Math.ceil(list.total / ROWS) - 1), 0);
  list.shown = keyed.slice(list.page * ROWS, (list.page + 1) * ROWS).map(([, run]) => run);
  drawRows(now);
  drawPager();
}

function drawPhases(candidates) {
  const counts = new Map();
  for (const run of candidates) counts.set(run.phase, (counts.get(run.phase) || 0) + 1);
  const wanted = ["", ...PHASES.filter((phase) => counts.get(phase) || list.phases.has(phase))];
  const group = $("phases");
  const chips = new Map([...group.children].map((chip) => [chip.dataset.phase || "", chip]));
  for (const [name, chip] of chips) if (!wanted.includes(name)) chip.remove();
  wanted.forEach((name, i) => {
    const chip = chips.get(name) || h("button", { type: "button", class: `chip ${TONES[name] || ""}`, "data-phase": name || null },
      `${name || "All"} `, h("span", { class: "count" }));
    setText(chip.lastElementChild, (name ? counts.get(name) || 0 : candidates.length).toLocaleString());
    chip.setAttribute("aria-pressed", String(name ? list.phases.has(name) : !list.phases.size));
    if (group.children[i] !== chip) group.insertBefore(chip, group.children[i] || null);
  });
}

function drawRows(now) {
  const body = $("rows");
  body.classList.remove("skeleton");
  const kept = new Set(list.shown.map((run) => run.run_id));
  for (const child of [...body.children]) {
    if (kept.has(child.dataset.run)) continue;
    child.remove();
    rows.delete(child.dataset.run);
  }
  list.shown.forEach((run, i) => {
    let row = rows.get(run.run_id);
    if (row?.run !== run) row = drawRow(run, row, now);
    row.element.classList.toggle("selected", run.run_id === detail.id);
    if (body.children[i] !== row.element) body.insertBefore(row.element, body.children[i] || null);
  });
}

/** A row keeps its element, and the element its link, so that the focus stays where it is. */
function drawRow(run, old, now) {
  const element = old?.element || h("tr", { "data-run": run.run_id },
    h("td", { class: "run", "data-label": "Run" }, h("a", { href: runLink(run.run_id) }, run.run_id)));
  while (element.children.length > 1) element.lastElementChild.remove();
  const elapsedText = h("span", { class: "elapsed" }, duration(elapsed(run, now)));
  const checksText = h("span", { class: "sub" }, nextCheck(run, now));
  const cell = (label, name, ...content) => h("td", { class: name, "data-label": label }, ...content);
  element.append(
    cell("Phase", "phase-cell", phaseBadge(run.phase)),
    cell("Job", "job", run.job ? h("span", { class: "name", title: run.job.name }, run.job.name) : h("span", { class: "muted" }, "–"),
      run.job ? h("span", { class: "sub" }, run.job.status) : null),
    cell("Endpoint", "endpoint", h("span", {}, endpointName(run) || "–")),
    cell("Started", "started", timeElement(run.started_at, shortTime)),
    cell("Elapsed", "", elapsedText, bars(run, now)),
    cell("Checks", "number", h("span", {}, String(run.checks)), checksText),
  );
  const row = { run, element, elapsedText, checksText };
  rows.set(run.run_id, row);
  return row;
}

/** The clock of the rows that go on. */
function tickRows(now) {
  for (const { run, elapsedText, checksText } of rows.values()) {
    if (!isActive(run)) continue;
    setText(elapsedText, duration(elapsed(run, now)));
    setText(checksText, nextCheck(run, now));
  }
}

function drawPager() {
  const first = list.page * ROWS;
  const last = first + list.shown.length;
  setText($("range"), `${(list.total ? first + 1 : 0).toLocaleString()}–${last.toLocaleString()} of ${list.total.toLocaleString()}`);
  $("previous").disabled = list.page === 0;
  $("next").disabled = last >= list.total;
  for (const head of document.querySelectorAll("th[data-sort]")) {
    if (head.dataset.sort === list.sort) head.setAttribute("aria-sort", list.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function sortBy(name) {
  list.descending = list.sort === name ? !list.descending : name === "started" || name === "elapsed";
  list.sort = name;
  list.page = 0;
  drawList();
}

function clearFilters() {
  list.phases.clear();
  $("filters").reset();
  showBetween();
}

function showBetween() {
  for (const label of document.querySelectorAll(".between")) label.hidden = $("period").value !== "between";
}
