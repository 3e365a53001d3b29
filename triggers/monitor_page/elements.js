"use strict";
/* Elements and texts. Values are inserted as text only: no data becomes markup. */

const $ = (id) => document.getElementById(id);

/** An element with properties ("class", "data-…" and "aria-…" are attributes) and children (nodes or texts). */
function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name === "class" || name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Writes only what differs, so that selections and screen readers are not disturbed. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function announce(text) {
  setText($("announcer"), text);
}

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const shortTime = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });

function timeElement(text, format = dateTime) {
  const at = moment(text);
  if (!at) return h("span", { class: "muted" }, "–");
  return h("time", { dateTime: text, title: dateTime.format(at) }, format.format(at));
}

function duration(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  const parts = [[Math.floor(seconds / 86400), "d"], [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"], [seconds % 60, "s"]];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "< 1 s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map((part) => part.join(" ")).join(" ");
}

function nextCheck(run, now) {
  const due = moment(run.next_check_at);
  if (!due || !isActive(run)) return "";
  return due > now ? `next in ${duration(due - now + 999)}` : "checking now";
}

const code = (text) => h("span", { class: "code" }, String(text));
const phaseBadge = (phase) => h("span", { class: `phase ${toneOf(phase)}` }, phaseWord(phase));
const runLink = (id) => `#/runs/${encodeURIComponent(id)}`;

/** A link, or null if the address is not https. */
function safeLink(address, text, properties) {
  return /^https:\/\//i.test(address || "")
    ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer", ...properties }, text) : null;
}

async function copyText(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    setText(button, "Copied");
    announce("Copied.");
  } catch {
    announce("The browser did not allow copying.");
  }
}
