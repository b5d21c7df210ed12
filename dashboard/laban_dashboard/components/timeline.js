// Draws the steps of an order. Python computes all positions on the axis. This script draws the rows, and keeps the
// expanded rows, the filter and the scroll position when the data is refreshed.

// Hues that colour-blind readers can distinguish, bright enough for dark text. Red is reserved for errors, violet for
// queue time.
const PALETTE = ["#5b93d3", "#e0930f", "#2aa88c", "#5cb8e6", "#d184ae", "#ada233", "#8c99b0", "#44a3a0", "#c08750", "#7dab45"];
const FILTERS = [
  { id: "all", label: "All steps", keeps: () => true },
  { id: "critical", label: "Critical path", keeps: (step) => step.critical },
  { id: "errors", label: "Errors", keeps: (step) => step.error !== null || step.logs.some((log) => log.tone === "bad") },
  { id: "logged", label: "With logs", keeps: (step) => step.logs.length > 0, rare: true },
];
const IDS = new Set(["Trace ID", "Span ID", "Parent span ID"]);

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const TEXT_PX = 48; // of a duration
const NARROW = 0.3; // of the axis: too little room for the text of an error

const percent = (position) => `${(100 * position).toFixed(3)}%`;

function lines(data) {
  return [
    ...data.ticks.map(([position]) => { const line = make("div", "line"); line.style.left = percent(position); return line; }),
    ...data.breaks.map((pause) => {
      const gap = make("div", "gap");
      gap.style.left = percent(pause.start);
      gap.style.width = percent(pause.end - pause.start);
      gap.title = `${pause.label} without a step, shortened`;
      return gap;
    }),
  ];
}

function at(element, left, right, top) {
  element.style.left = percent(left);
  element.style.width = percent(Math.max(0, right - left));
  if (top !== undefined) element.style.top = `${top}px`;
  return element;
}

// What a lane and a row have in common: the time in the queue, what is usual, and the critical sections.
function around(step, top) {
  const made = [];
  if (step.queued !== null) made.push(at(make("div", "queue"), step.queued, step.start, top + 6));
  if (step.usual_wait !== null) made.push(at(make("div", "usual"), step.queued, step.usual_wait, top - 3));
  if (step.usual !== null) made.push(at(make("div", "usual"), step.start, step.usual, top - 3));
  return made;
}

// The marks where a bar, or a time in the queue, usually ends.
function ends(step, top) {
  return [step.usual, step.usual_wait].filter((place) => place !== null).map((place) => at(make("div", "mark"), place, place, top - 4));
}

// A mark at the time of each log record.
function marks(step, top, click) {
  return step.logs.map((log) => {
    const made = at(make("div", `log-mark ${log.tone}`), log.at, log.at, top);
    made.style.width = "";
    made.title = `${log.level} ${log.when} · ${log.text}`;
    if (click) made.addEventListener("click", click);
    return made;
  });
}

const sections = (step, top) => step.sections.map(([left, right]) => at(make("div", "section"), left, right, top));

function track(step, data, colour) {
  const made = make("div", "track");
  made.append(...lines(data), ...around(step, 6));
  if (step.call) { const call = at(make("div", "span caller"), ...step.call, 6); call.style.background = colour; made.append(call); }
  for (const [left, right] of step.parts) {
    const span = at(make("div", step.outgoing ? "span caller" : "span"), left, right, 6);
    span.style.background = colour;
    made.append(span);
  }
  made.append(...sections(step, 20), ...ends(step, 6), ...marks(step, 5));
  const duration = make("div", "duration", step.error ? `${step.duration} · ${step.error}` : step.duration);
  const bar = Math.max(step.end, step.call ? step.call[1] : 0);
  // The text follows the bar, and what is usual if that is beside it. An error text precedes the bar if there is more
  // room, and stands on its end if there is none.
  const beside = [step.usual, step.usual_wait].filter((place) => place !== null && place > bar && place - bar < data.textWidth);
  const end = Math.max(bar, ...beside);
  if (step.error && step.start > 1 - end && step.start > NARROW) { duration.style.right = percent(1 - step.start); duration.classList.add("before"); }
  else if (step.error && 1 - end < NARROW) { duration.style.right = percent(1 - bar); duration.classList.add("before"); }
  else { duration.style.left = percent(end); duration.style.maxWidth = `calc(${percent(1 - end)} + var(--beside))`; }
  made.append(duration);
  return made;
}

function lane(found, data, colour, state, root) {
  const item = make("div", "lane");
  item.setAttribute("role", "listitem");
  const name = make("div", "label");
  const dot = make("span", "dot");
  dot.style.background = colour;
  const text = make("b", "name", found.service);
  text.title = found.service;
  name.append(dot, text);
  if (found.note) name.append(make("span", "note", found.note));
  const place = make("div", "track");
  place.style.height = `${found.rows * 22 + 6}px`;
  place.append(...lines(data));
  for (const bar of found.bars) {
    const top = 6 + bar.row * 22;
    place.append(...around(bar, top));
    const span = at(make("button", `span${bar.failed ? " failed" : ""}`), bar.start, bar.end, top);
    span.type = "button";
    span.title = bar.title;
    span.setAttribute("aria-label", bar.title);
    span.style.background = colour;
    // Only a wide bar has room for its name.
    if (bar.end - bar.start > 0.08) span.append(make("span", "", bar.label));
    span.addEventListener("click", () => reveal(bar.id, state, root));
    place.append(span, ...sections(bar, top + 14), ...ends(bar, top), ...marks(bar, top, () => reveal(bar.id, state, root)));
  }
  item.append(name, place);
  return item;
}

// Opens the row of a bar and brings it into view.
function reveal(id, state, root) {
  state.open.add(id);
  state.filter = "all";
  state.text = "";
  root.querySelector(".search").value = "";
  draw(root, state);
  const head = root.querySelector(`[data-row="${CSS.escape(id)}"] .row`);
  head?.scrollIntoView({ block: "nearest" });
  head?.focus();
}

function details(step) {
  const list = make("dl", "details");
  for (const [label, value] of step.fields) {
    const pair = make("div", label === "Error" ? "error" : IDS.has(label) ? "id" : "");
    pair.append(make("dt", "", label), make("dd", "", value));
    list.append(pair);
  }
  return list;
}

// The log records of a row; folded, only the worst errors, so that nobody misses one.
const FOLDED = 2;

function logLines(step, open) {
  const bad = step.logs.filter((log) => log.tone === "bad");
  const shown = open ? step.logs : bad.slice(0, FOLDED);
  const rest = open ? step.more_logs : bad.length > FOLDED ? `… and ${bad.length - FOLDED} more logged as errors` : "";
  return shown.length ? [logList(shown, rest)] : [];
}

function logList(logs, rest, service = false) {
  const list = make("ol", "logs");
  list.setAttribute("aria-label", "Logged");
  for (const log of logs) {
    const line = make("li", log.tone);
    const time = make("time", "", log.when);
    time.title = log.time;
    line.append(time, make("b", "", log.level), make("span", "", service ? `${log.service}: ${log.text}` : log.text));
    list.append(line);
  }
  if (rest) list.append(make("li", "more", rest));
  return list;
}

function row(step, data, state) {
  const item = make("div", `step${step.critical ? " critical" : ""}${step.error ? " failed" : ""}`);
  item.setAttribute("role", "listitem");
  item.dataset.row = step.id;
  const head = make("div", "row");
  head.tabIndex = 0;
  head.setAttribute("role", "button");
  head.setAttribute("aria-expanded", "false");
  head.setAttribute("aria-label", step.title);
  head.title = step.title;
  const label = make("div", "label");
  label.style.paddingLeft = `${10 + Math.min(step.depth, 14) * 12}px`;
  const colour = PALETTE[data.services.indexOf(step.service) % PALETTE.length];
  const dot = make("span", "dot");
  dot.style.background = colour;
  const name = make("span", "name");
  name.append(make("b", "", step.service), make("span", "", step.operation));
  label.append(dot, name);
  head.append(label, track(step, data, colour));
  item.append(head);
  const fold = (open) => {
    item.classList.toggle("open", open);
    head.setAttribute("aria-expanded", String(open));
    for (const below of item.querySelectorAll(".details, .logs")) below.remove();
    item.append(...(open ? [details(step)] : []), ...logLines(step, open));
    state.open[open ? "add" : "delete"](step.id);
  };
  head.addEventListener("click", () => fold(!item.classList.contains("open")));
  head.addEventListener("keydown", (event) => {
    const sibling = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Escape" && item.classList.contains("open")) { event.preventDefault(); fold(false); }
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); fold(!item.classList.contains("open")); }
    else if (sibling) { event.preventDefault(); item[sibling]?.querySelector(".row")?.focus(); }
  });
  fold(state.open.has(step.id));
  return item;
}

function axis(data) {
  // A tick's label is centred below it, unless it would leave the axis. The labels of pauses stand in a line of their own.
  const marks = data.ticks.map(([position, label]) => {
    const tick = make("span", position < 0.02 ? "left-aligned" : "", label);
    tick.style.left = percent(position);
    return tick;
  });
  for (const pause of data.breaks) {
    const mark = make("span", "break", `⋯ ${pause.label}`);
    mark.style.left = percent((pause.start + pause.end) / 2);
    marks.push(mark);
  }
  return marks;
}

// Hides the labels of an axis for which there is no room beside the one before.
function thin(ticks) {
  for (const line of ["span:not(.break)", ".break"]) {
    let end = -Infinity;
    for (const label of ticks.querySelectorAll(line)) {
      const box = label.getBoundingClientRect();
      label.style.visibility = box.left < end + 5 ? "hidden" : "";
      if (box.left >= end + 5) end = box.right;
    }
  }
}

function legend(root, data) {
  const entry = (className, text) => {
    const made = make("span");
    made.append(make("i", className), document.createTextNode(text));
    return made;
  };
  const waits = data.steps.some((step) => step.queued !== null);
  const usual = data.steps.some((step) => step.usual !== null);
  root.querySelector(".legend").replaceChildren(
    entry("calls", "outgoing call"), ...(waits ? [entry("waits", "time in queue")] : []), entry("critical", "critical path"),
    ...(usual ? [entry("usual", "what is usual")] : []), entry("failed", "failed"),
    ...(data.steps.some((step) => step.logs.length) ? [entry("log-mark", "log record"), entry("log-mark bad", "error in the log")] : []));
}

function filters(root, state) {
  const found = FILTERS.map((filter) => ({ filter, count: state.data.steps.filter(filter.keeps).length }));
  const buttons = found.filter(({ filter, count }) => count > 0 || !filter.rare).map(({ filter, count }) => {
    const button = make("button", "", `${filter.label} ${count}`);
    button.type = "button";
    button.disabled = count === 0;
    button.setAttribute("aria-pressed", String(state.filter === filter.id));
    button.addEventListener("click", () => { state.filter = filter.id; draw(root, state); });
    return button;
  });
  root.querySelector(".filters").replaceChildren(...buttons);
}

const said = (step) => [step.service, step.operation, step.error ?? "", ...step.logs.map((log) => log.text)].join(" ");

function draw(root, state) {
  const { data } = state;
  const scroll = root.querySelector(".scroll");
  const { scrollTop } = scroll;
  const focused = root.querySelector(".row:focus")?.parentElement.dataset.row;
  const text = state.text.toLowerCase();
  const keeps = FILTERS.find((filter) => filter.id === state.filter).keeps;
  const shown = data.steps.filter((step) =>
    keeps(step) && (!text || said(step).toLowerCase().includes(text)));
  data.textWidth = TEXT_PX / (root.querySelector(".ticks").clientWidth || 1_000);
  filters(root, state);
  legend(root, data);
  for (const ticks of root.querySelectorAll(".ticks")) {
    ticks.replaceChildren(...axis(data));
    ticks.parentElement.classList.toggle("broken", data.breaks.length > 0);
    thin(ticks);
  }
  const colour = (service) => PALETTE[data.services.indexOf(service) % PALETTE.length];
  root.querySelector(".lanes .places").replaceChildren(...data.lanes.map((one) => lane(one, data, colour(one.service), state, root)));
  root.querySelector(".cut").textContent = [
    data.left_out ? `Not drawn: ${data.left_out}.` : "",
    data.logs_left_out ? `Not shown: ${data.logs_left_out}.` : "",
  ].filter(Boolean).join(" ");
  const others = root.querySelector(".others");
  others.hidden = data.other_logs.length === 0;
  others.querySelector("ol").replaceWith(logList(data.other_logs, "", true));
  root.querySelector(".rows").replaceChildren(...shown.map((step) => row(step, data, state)));
  root.querySelector(".none").hidden = shown.length > 0;
  root.querySelector(".search").hidden = data.steps.length < 12;
  scroll.scrollTop = scrollTop;
  if (focused) root.querySelector(`[data-row="${CSS.escape(focused)}"] .row`)?.focus({ preventScroll: true });
}

const states = new WeakMap();

export default function ({ data, parentElement: root }) {
  let state = states.get(root);
  if (!state) {
    state = { open: new Set(), opened: new Set(), filter: "all", text: "" };
    states.set(root, state);
    state.sizes = new ResizeObserver((changed) => changed.forEach(({ target }) => thin(target)));
    for (const ticks of root.querySelectorAll(".ticks")) state.sizes.observe(ticks);
    const search = root.querySelector(".search");
    search.addEventListener("input", () => { state.text = search.value; draw(root, state); });
    search.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { search.value = ""; state.text = ""; draw(root, state); }
      if (event.key === "ArrowDown") { event.preventDefault(); root.querySelector(".row")?.focus(); }
    });
  }
  const received = JSON.stringify(data);
  if (state.received !== received) {
    state.received = received;
    state.data = data;
    // Errors are open at first; what the user has closed stays closed.
    for (const id of data.opened) if (!state.opened.has(id)) { state.opened.add(id); state.open.add(id); }
    draw(root, state);
  }
  return () => { state.sizes.disconnect(); states.delete(root); };
}
