"use strict";
/* The list: its order, and one page of rows. It is one tab stop; arrow keys move in it. */

const phone = matchMedia("(max-width: 46rem)");
const rowsOnPage = () => (phone.matches ? 20 : 50);
const list = { sort: "started", descending: true, page: 0, shown: [], total: 0, current: null };
const rows = new Map();

const SORT_KEYS = {
  run_id: (run) => titleOf(run).toLowerCase(),
  phase: (run) => PHASES.indexOf(run.phase),
  endpoint: endpointName,
  started: (run) => moment(run.started_at) || 0,
  elapsed: (run, now) => elapsed(run, now),
};

/** Filters and orders all runs, and draws the page of them that is open. */
function drawList() {
  const now = clock();
  const found = matching([...store.runs.values()], now);
  const key = SORT_KEYS[list.sort];
  const keyed = found.map((run) => [key(run, now), run]);
  const direction = list.descending ? -1 : 1;
  keyed.sort(([a, one], [b, other]) =>
    (a < b ? -1 : a > b ? 1 : 0) * direction || (one.run_id < other.run_id ? -1 : 1));
  const size = rowsOnPage();
  list.total = keyed.length;
  list.page = Math.max(Math.min(list.page, Math.ceil(list.total / size) - 1), 0);
  list.shown = keyed.slice(list.page * size, (list.page + 1) * size).map(([, run]) => run);
  drawRows(now);
  drawPager();
}

function drawRows(now) {
  const body = $("rows");
  const hadFocus = body.contains(document.activeElement);
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
  const current = rows.get(list.current) || rows.get(list.shown[0]?.run_id);
  for (const { link } of rows.values()) link.tabIndex = link === current.link ? 0 : -1;
  if (hadFocus && !body.contains(document.activeElement)) current?.link.focus();
}

/** A row keeps its element, and the element its link, so that the focus stays where it is. */
function drawRow(run, old, now) {
  const link = old?.link || h("a", { href: runLink(run.run_id) });
  const element = old?.element || h("tr", { "data-run": run.run_id }, h("td", { class: "run" }, link));
  while (element.children.length > 1) element.lastElementChild.remove();
  while (link.nextSibling) link.nextSibling.remove();
  setText(link, titleOf(run));
  if (run.source) link.after(h("span", { class: "sub code", title: run.run_id }, shortened(run.run_id)));
  const trouble = run.error || run.needs_attention || run.problem;
  const troubleTone = run.error && toneOf(run.phase) !== "warn" ? "bad" : run.needs_attention ? "warn attention" : "warn";
  const elapsedText = h("span", { class: "elapsed" }, duration(elapsed(run, now)));
  const checksText = h("span", { class: "sub" }, nextCheck(run, now));
  const bar = bars(run, now);
  const cut = (text) => h("span", { class: "cut", title: text }, text);
  const cell = (name, ...content) => h("td", { class: name }, ...content);
  element.append(
    cell("state-of", phaseBadge(run.phase),
      trouble && h("span", { class: `sub cut ${troubleTone}`, title: trouble.message }, trouble.reason?.message || trouble.code)),
    cell("job", run.job ? cut(run.job.name) : h("span", { class: "muted" }, "–"),
      run.job ? h("span", { class: "sub" }, run.job.status) : null),
    cell("endpoint", cut(endpointName(run) || "–")),
    cell("started", timeElement(run.started_at, shortTime)),
    cell("took", elapsedText, bar),
    cell("checks", h("span", {}, String(run.checks)), checksText),
  );
  element.classList.toggle("active", isActive(run));
  const row = { run, element, link, elapsedText, checksText, bar };
  rows.set(run.run_id, row);
  return row;
}

/** Updates the times in the rows of runs that go on. */
function tickRows(now) {
  for (const { run, elapsedText, checksText, bar } of rows.values()) {
    if (!isActive(run)) continue;
    setText(elapsedText, duration(elapsed(run, now)));
    setText(checksText, nextCheck(run, now));
    growBars(bar, run, now);
  }
}

function drawPager() {
  const first = list.page * rowsOnPage();
  const last = first + list.shown.length;
  const count = (number) => number.toLocaleString();
  setText($("range"), `${count(list.total ? first + 1 : 0)}–${count(last)} of ${count(list.total)}${live.complete ? "" : " so far"}`);
  $("previous").disabled = list.page === 0;
  $("next").disabled = last >= list.total;
  for (const head of document.querySelectorAll("th[data-sort]")) {
    if (head.dataset.sort === list.sort) head.setAttribute("aria-sort", list.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

function drawSkeleton() {
  const row = () => h("tr", {}, ...Array.from({ length: 7 }, () => h("td", {}, h("span", {}))));
  $("rows").classList.add("skeleton");
  $("rows").replaceChildren(...Array.from({ length: 6 }, row));
}

function sortBy(name) {
  list.descending = list.sort === name ? !list.descending : name === "started" || name === "elapsed";
  list.sort = name;
  list.page = 0;
  drawList();
}

const MOVES = { ArrowUp: (at) => at - 1, ArrowDown: (at) => at + 1, Home: () => 0, End: () => list.shown.length - 1 };

function moveInList(event) {
  const at = list.shown.findIndex((run) => run.run_id === event.target.closest("tr")?.dataset.run);
  const next = MOVES[event.key] && list.shown[MOVES[event.key](at)];
  if (!next || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  rows.get(next.run_id).link.focus();
}

function focusedInList(event) {
  list.current = event.target.closest("tr")?.dataset.run ?? list.current;
  for (const { link } of rows.values()) link.tabIndex = link === event.target ? 0 : -1;
}
