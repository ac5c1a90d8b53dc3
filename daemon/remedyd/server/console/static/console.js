// What HTML alone cannot do: keys, the theme switch, and word of what moved. Every page works
// without this file.
"use strict";

const TYPING = "input, textarea, select, [contenteditable]";
const root = document.documentElement;

// theme

function dark() {
  return root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  root.dataset.theme = dark() ? "light" : "dark";
  try {
    localStorage.setItem("remedyd-theme", root.dataset.theme);
  } catch {
    // holds for this page
  }
}

for (const button of document.querySelectorAll("[data-theme-toggle]")) {
  button.hidden = false;
  button.addEventListener("click", switchTheme);
}

// keys

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent);
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step;
  const row = rows[Math.min(Math.max(next, 0), rows.length - 1)];
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

function focus(selector) {
  const found = document.querySelector(selector);
  if (found) found.focus();
  return Boolean(found);
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  a: () => focus("[data-approve]"),
  r: () => focus("[data-reason]"),
  t: switchTheme,
  "/": () => focus("[data-filter]"),
  "?": () => document.getElementById("help")?.showModal(),
};

let going = 0;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest(TYPING)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (document.querySelector("dialog[open]")) return;
  if (going && Date.now() - going < 1500) {
    going = 0;
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      link.click();
      return;
    }
  }
  if (event.key === "g") {
    going = Date.now();
    return;
  }
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

// a second press of a button sends nothing twice

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});

addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// what moved: one stream per visible page, a word for who cannot see the change, then fresh content

const stream = document.body.dataset.stream;
const news = document.getElementById("news");
let source = null;
let pending = 0;

function moved(event) {
  try {
    const entry = JSON.parse(event.data);
    const workload = entry.workload.split("/").slice(1).join("/");
    news.textContent = `${workload} is now ${entry.state}`;
  } catch {
    // no word, the content comes all the same
  }
  clearTimeout(pending);
  pending = setTimeout(() => document.body.dispatchEvent(new CustomEvent("moved")), 400);
}

function follow() {
  if (!stream || source || document.hidden || !("EventSource" in window)) return;
  source = new EventSource(stream);
  source.onmessage = moved;
}

function rest() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    rest();
  } else {
    follow();
    document.body.dispatchEvent(new CustomEvent("moved"));
  }
});
addEventListener("pagehide", rest);
follow();
