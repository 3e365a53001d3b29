"use strict";
/* The filters: phases, text, time. They are in the address, so that a reload and a shared link keep them. */

const filters = { phases: new Set(), timer: 0, written: location.search };

const localTime = (at) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

function filtersFromAddress() {
  const asked = new URLSearchParams(location.search);
  filters.written = location.search;
  filters.phases = new Set((asked.get("phase") || "").split(",").filter((phase) => PHASES.includes(phase)));
  $("text").value = asked.get("text") || "";
  $("period").value = asked.get("since") || "";
  if ($("period").selectedIndex < 0) $("period").value = "";
  for (const end of ["from", "to"]) {
    const at = moment(asked.get(end));
    $(end).value = at ? localTime(at) : "";
    if (at) $("period").value = "between";
  }
  showBetween();
}

function filtersToAddress() {
  const between = $("period").value === "between";
  const time = (id) => (between && moment($(id).value) ? new Date($(id).value).toISOString() : "");
  const address = new URL(location.href);
  const values = {
    phase: [...filters.phases].join(","), text: $("text").value.trim(), since: between ? "" : $("period").value,
    from: time("from"), to: time("to"),
  };
  for (const [name, value] of Object.entries(values)) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
  filters.written = location.search;
}

/** After a pause in typing: browsers limit how often an address may change. */
function filtersToAddressSoon() {
  clearTimeout(filters.timer);
  filters.timer = setTimeout(filtersToAddress, 250);
}

function clearFilters() {
  filters.phases.clear();
  $("filters").reset();
}

function showBetween() {
  for (const label of document.querySelectorAll(".between")) label.hidden = $("period").value !== "between";
}

function periodOf(now) {
  const chosen = $("period").value;
  if (chosen === "between") return [moment($("from").value) || -Infinity, moment($("to").value) || Infinity];
  return chosen ? [now - Number(chosen) * 1000, Infinity] : [-Infinity, Infinity];
}

/** The runs that match all filters. Phases are counted among the runs that match in text and time. */
function matching(runs, now) {
  const words = $("text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [from, to] = periodOf(now);
  const candidates = runs.filter((run) => {
    const started = moment(run.started_at) || 0;
    return started >= from && started <= to && words.every((word) => haystack(run).includes(word));
  });
  drawPhases(candidates);
  return candidates.filter((run) => !filters.phases.size || filters.phases.has(run.phase));
}

function drawPhases(candidates) {
  const counts = new Map();
  for (const run of candidates) counts.set(run.phase, (counts.get(run.phase) || 0) + 1);
  const ofOtherVersions = [...counts.keys()].filter((phase) => !PHASES.includes(phase));
  const known = PHASES.filter((phase) => counts.get(phase) || filters.phases.has(phase));
  const wanted = ["", ...known, ...ofOtherVersions];
  const group = $("phases");
  const chips = new Map([...group.children].map((chip) => [chip.dataset.phase || "", chip]));
  for (const [name, chip] of chips) if (!wanted.includes(name)) chip.remove();
  wanted.forEach((name, i) => {
    const chip = chips.get(name) || h("button", { type: "button", class: `chip ${toneOf(name)}`, "data-phase": name || null },
      `${phaseWord(name) || "All"} `, h("span", { class: "count" }));
    setText(chip.lastElementChild, (name ? counts.get(name) || 0 : candidates.length).toLocaleString());
    chip.setAttribute("aria-pressed", String(name ? filters.phases.has(name) : !filters.phases.size));
    if (group.children[i] !== chip) group.insertBefore(chip, group.children[i] || null);
  });
}

function togglePhase(phase) {
  if (!phase) filters.phases.clear();
  else if (!filters.phases.delete(phase)) filters.phases.add(phase);
}
