// The desk without this script is a set of links and forms. It adds keys, news and endless lists.
"use strict";

const list = document.getElementById("queue");
const detail = document.getElementById("detail");
const status = document.getElementById("status");
const wide = window.matchMedia("(min-width: 62.01rem)");
const POLL_MS = 1000, READ_MS = 80, SAID_MS = 4000, BUSY_MS = 3000, ATTEMPTS = 10;

let saying, reading, going = false;

function say(text) {
  status.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => { status.textContent = ""; }, SAID_MS);
}

async function ask(url, options = {}) {
  const headers = {"x-desk": "1", ...options.headers};
  const answer = await fetch(url, {...options, headers, redirect: "error"});
  if (answer.status === 401) location.assign("/desk/login");
  return answer;
}

function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// ---- The list and the decision beside it

function rows() { return [...list.querySelectorAll("a.row")]; }

function chosen() { return list && list.querySelector("a.row[aria-current]"); }

function choose(row, focus) {
  if (!row) return;
  chosen()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  if (focus) { row.focus({preventScroll: true}); row.scrollIntoView({block: "nearest"}); }
  if (!wide.matches) return;
  clearTimeout(reading);
  reading = setTimeout(() => show(row), READ_MS);
}

async function show(row) {
  const answer = await ask(row.href);
  if (answer.ok && row === chosen()) detail.replaceChildren(fragment(await answer.text()));
}

function step(by) {
  const all = rows(), place = all.indexOf(chosen());
  const next = all[Math.min(Math.max(place + by, 0), all.length - 1)];
  choose(next, true);
  if (all.length - all.indexOf(next) < 10) more();
}

// ---- Labels and snoozes

async function act(form, button) {
  const row = chosen(), values = new URLSearchParams(new FormData(form));
  if (button.name) values.set(button.name, button.value);
  button.disabled = true;
  const answer = await ask(button.getAttribute("formaction") || form.action,
    {method: "POST", body: values});
  say(await answer.text());
  button.disabled = false;
  if (!answer.ok) return;
  await news();
  const all = rows(), place = all.indexOf(chosen());
  if (row === chosen() || place >= 0) choose(all[place + 1] || all[place], true);
}

document.addEventListener("submit", event => {
  // On a page of its own a decision's form needs no script: its answer is a page.
  if (!list || !event.target.matches(".review") || !event.submitter) return;
  event.preventDefault();
  act(event.target, event.submitter);
});

// ---- News and earlier decisions

async function news() {
  const {changes, query} = list.dataset;
  const answer = await ask(`/desk/changes?since=${changes}&${query}`,
    {headers: {"x-desk-poll": "1"}});
  if (!answer.ok) return;
  list.dataset.changes = answer.headers.get("x-desk-changes");
  for (const item of [...fragment(await answer.text()).children]) place(item);
}

function place(item) {
  const old = document.getElementById(item.id);
  if (old) {
    const row = old.querySelector("a.row"), fresh = item.querySelector("a.row");
    const current = row.hasAttribute("aria-current"), focused = row === document.activeElement;
    if (current) fresh.setAttribute("aria-current", "true");
    old.replaceWith(item);
    if (focused) fresh.focus({preventScroll: true});
    if (current && wide.matches && !detail.contains(document.activeElement)) show(fresh);
    return;
  }
  const all = [...list.querySelectorAll("li")], last = all[all.length - 1];
  if (item.dataset.label || (last && Number(item.dataset.at) < Number(last.dataset.at))) return;
  item.classList.add("new");
  const before = all.find(each => Number(each.dataset.at) <= Number(item.dataset.at));
  const offset = before && before.getBoundingClientRect().top;
  (before ? before.parentElement : list.lastElementChild).insertBefore(item, before || null);
  document.getElementById("empty")?.remove();
  // What a person reads stays where it is.
  if (before && window.scrollY > 0) window.scrollBy(0, before.getBoundingClientRect().top - offset);
  if (!chosen()) choose(item.querySelector("a.row"), false);
}

async function more() {
  const link = document.querySelector("#more a");
  if (!link || going) return;
  going = true;
  const answer = await ask(link.href);
  if (answer.ok) {
    const next = answer.headers.get("x-desk-next");
    // Each page of rows is a list, so that the browser lays out only those in sight.
    const page = list.lastElementChild.cloneNode(false);
    page.append(fragment(await answer.text()));
    list.append(page);
    if (next) link.href = `/desk/?${next}`; else link.parentElement.remove();
  }
  going = false;
}

function poll() {
  if (document.hidden) { setTimeout(poll, POLL_MS); return; }
  news().catch(() => say("The desk does not answer.")).finally(() => setTimeout(poll, POLL_MS));
}

// ---- Keys

const MOVES = {j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 10, PageUp: -10};
let prefix = "";

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, select, textarea")) {
    if (event.key === "Escape") { event.target.blur(); chosen()?.focus(); }
    return;
  }
  const key = prefix + event.key;
  prefix = event.key === "g" ? "g " : "";
  const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (target && !event.repeat) {
    event.preventDefault();
    target.click();
  } else if (list && event.key in MOVES) {
    event.preventDefault();
    step(MOVES[event.key]);
  } else if (list && (event.key === "Home" || event.key === "End")) {
    event.preventDefault();
    step(event.key === "End" ? Infinity : -Infinity);
  } else if (event.key === "/" && document.getElementById("filters")) {
    event.preventDefault();
    document.querySelector("#filters select").focus();
  } else if (event.key === "Escape") {
    document.querySelector("[data-back]")?.click();
  }
});

// ---- Fragments that take long, and the start

async function load(part, left) {
  const answer = await ask(part.dataset.load), text = await answer.text();
  if (answer.ok) { part.replaceChildren(fragment(text)); return; }
  part.textContent = text;
  if (answer.status === 503 && left) setTimeout(start, BUSY_MS, part, left - 1);
}

function start(part, left) {
  load(part, left).catch(() => { part.textContent = "The desk does not answer."; });
}

for (const part of document.querySelectorAll("[data-load]")) start(part, ATTEMPTS);

document.getElementById("filters")?.addEventListener("change", event => event.currentTarget.submit());

if (list) {
  list.addEventListener("click", event => {
    const row = event.target.closest("a.row");
    // Enter opens the page of the decision; a click of Enter has no detail.
    if (!row || !wide.matches || !event.detail || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose(row, true);
  });
  list.addEventListener("focusin", event => {
    if (event.target.matches("a.row") && event.target !== chosen()) choose(event.target, false);
  });
  const end = document.getElementById("more");
  if (end) new IntersectionObserver(seen => { if (seen.some(each => each.isIntersecting)) more(); },
    {rootMargin: "1500px"}).observe(end);
  choose(rows()[0], true);
  poll();
}
