"use strict";
/* How a run spent its time: the bar in the list, the bar and the steps in the detail. */

const STRETCH_WORDS = { requested: "Starting", queued: "Queued", running: "Running", canceling: "Canceling" };

function stretchText(run, { kind, length }) {
  const word = kind === "requested" && run.earlier_jobs?.length ? "Earlier jobs" : STRETCH_WORDS[kind];
  return `${word} for ${duration(length)}`;
}

function bars(run, now) {
  const bar = h("span", { class: "bars", "aria-hidden": "true" });
  growBars(bar, run, now);
  return bar;
}

function growBars(bar, run, now) {
  const parts = stretches(run, now);
  if (bar.children.length !== parts.length) bar.replaceChildren(...parts.map(({ kind }) => h("span", { class: kind })));
  const all = parts.reduce((sum, { length }) => sum + length, 0) || 1;
  parts.forEach(({ length }, i) => { bar.children[i].style.flexGrow = String(length / all); });
  bar.title = parts.map((part) => stretchText(run, part)).join("\n");
}

function timeline(run, now) {
  const lengths = new Map(stretches(run, now).map((stretch) => [stretch.kind, stretch]));
  const items = stepsOf(run).map(({ kind, name, at }) => {
    const tone = kind === "ended" && !isActive(run) ? `ended ${toneOf(run.phase)}` : kind;
    const stretch = lengths.get(kind);
    return h("li", { class: moment(at) ? `done ${tone}` : "" }, h("span", {}, name), timeElement(at),
      stretch ? h("span", { class: "gap", "data-kind": kind }, stretchText(run, stretch)) : null);
  });
  return h("div", { id: "timeline" }, bars(run, now), h("ol", { class: "steps" }, ...items));
}

function tickTimeline(run, now) {
  growBars($("timeline").firstElementChild, run, now);
  const gaps = [...$("timeline").querySelectorAll(".gap")];
  stretches(run, now).forEach((stretch) => {
    const gap = gaps.find((gap) => gap.dataset.kind === stretch.kind);
    if (gap) setText(gap, stretchText(run, stretch));
  });
}
