// Draws the steps of an order. Python computes all positions on the axis. This script draws the rows, and keeps the
// expanded rows, the filter and the scroll position when the data is refreshed.

// Hues that colour-blind readers can distinguish. Red is reserved for errors, violet for queue time.
const PALETTE = ["#3f7fc4", "#e0930f", "#12967a", "#5cb8e6", "#c9709f", "#9a8f24", "#7f8ca3", "#44a3a0", "#a0672c", "#6f9b3c"];
const FILTERS = [
  { id: "all", label: "All steps", keeps: () => true },
  { id: "critical", label: "Critical path", keeps: (step) => step.critical },
  { id: "errors", label: "Errors", keeps: (step) => step.error !== null },
];
const IDS = new Set(["Trace ID", "Span ID", "Parent span ID"]);

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const percent = (position) => `${(100 * position).toFixed(3)}%`;

function lines(data) {
  return [
    ...data.ticks.map(([position]) => { const line = make("div", "line"); line.style.left = percent(position); return line; }),
    ...data.breaks.map((pause) => {
      const gap = make("div", "gap");
      gap.style.left = percent(pause.start);
      gap.style.width = percent(pause.end - pause.start);
      return gap;
    }),
  ];
}

function track(step, data, colour) {
  const made = make("div", "track");
  made.style.setProperty("--start", percent(step.start));
  made.style.setProperty("--end", percent(step.end));
  made.append(...lines(data));
  if (step.queued !== null) {
    const queue = make("div", "queue");
    queue.style.left = percent(step.queued);
    queue.style.width = percent(Math.max(0, step.start - step.queued));
    made.append(queue);
  }
  const span = make("div", step.caller ? "span caller" : "span");
  span.style.left = percent(step.start);
  span.style.width = percent(step.end - step.start);
  span.style.background = colour;
  const duration = make("div", "duration", step.error ? `${step.duration} · ${step.error}` : step.duration);
  // The text follows the bar. An error text precedes the bar if there is more room.
  if (step.error && step.start > 1 - step.end) { duration.style.right = percent(1 - step.start); duration.classList.add("before"); }
  else duration.style.left = percent(step.end);
  made.append(span, duration);
  return made;
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

function row(step, data, state) {
  const item = make("div", `step${step.critical ? " critical" : ""}${step.error ? " failed" : ""}`);
  item.setAttribute("role", "listitem");
  const head = make("div", "row");
  head.tabIndex = 0;
  head.setAttribute("role", "button");
  head.setAttribute("aria-expanded", "false");
  const wait = step.wait ? `, after ${step.wait} in the queue` : "";
  head.setAttribute("aria-label",
    `${step.service} ${step.operation}, ${step.duration}${wait}${step.error ? `, error: ${step.error}` : ""}`);
  head.title = `${step.service} ${step.operation} · ${step.duration}${wait}`;
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
    item.querySelector(".details")?.remove();
    if (open) item.append(details(step));
    state.open[open ? "add" : "delete"](step.id);
  };
  head.addEventListener("click", () => fold(!item.classList.contains("open")));
  head.addEventListener("keydown", (event) => {
    const sibling = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); fold(!item.classList.contains("open")); }
    else if (sibling) { event.preventDefault(); item[sibling]?.querySelector(".row")?.focus(); }
  });
  if (state.open.has(step.id)) fold(true);
  return item;
}

function axis(root, data) {
  // A tick's label is centred below it, unless its left half would cover something.
  const ends = data.breaks.map((pause) => pause.end);
  const marks = data.ticks.map(([position, label]) => {
    const crowded = position < 0.02 || ends.some((end) => Math.abs(end - position) < 0.01);
    const tick = make("span", crowded ? "left-aligned" : "", label);
    tick.style.left = percent(position);
    return tick;
  });
  for (const pause of data.breaks) {
    const mark = make("span", "break", `⋯ ${pause.label}`);
    mark.style.left = percent((pause.start + pause.end) / 2);
    marks.push(mark);
  }
  root.querySelector(".ticks").replaceChildren(...marks);
}

function legend(root, data) {
  const entry = (className, text) => {
    const made = make("span");
    made.append(make("i", className), document.createTextNode(text));
    return made;
  };
  const waits = data.steps.some((step) => step.queued !== null);
  root.querySelector(".legend").replaceChildren(
    entry("calls", "outgoing call"), ...(waits ? [entry("waits", "time in queue")] : []), entry("critical", "critical path"));
}

function filters(root, state) {
  const buttons = FILTERS.map((filter) => {
    const count = state.data.steps.filter(filter.keeps).length;
    const button = make("button", "", `${filter.label} ${count}`);
    button.type = "button";
    button.disabled = count === 0;
    button.setAttribute("aria-pressed", String(state.filter === filter.id));
    button.addEventListener("click", () => { state.filter = filter.id; draw(root, state); });
    return button;
  });
  root.querySelector(".filters").replaceChildren(...buttons);
}

function draw(root, state) {
  const { data } = state;
  const scroll = root.querySelector(".scroll");
  const { scrollTop } = scroll;
  const text = state.text.toLowerCase();
  const keeps = FILTERS.find((filter) => filter.id === state.filter).keeps;
  const shown = data.steps.filter((step) =>
    keeps(step) && (!text || `${step.service} ${step.operation} ${step.error ?? ""}`.toLowerCase().includes(text)));
  filters(root, state);
  legend(root, data);
  axis(root, data);
  root.querySelector(".rows").replaceChildren(...shown.map((step) => row(step, data, state)));
  root.querySelector(".none").hidden = shown.length > 0;
  root.querySelector(".search").hidden = data.steps.length < 12;
  scroll.scrollTop = scrollTop;
}

const states = new WeakMap();

export default function ({ data, parentElement: root }) {
  let state = states.get(root);
  if (!state) {
    state = { open: new Set(), filter: "all", text: "" };
    states.set(root, state);
    const search = root.querySelector(".search");
    search.addEventListener("input", () => { state.text = search.value; draw(root, state); });
  }
  const received = JSON.stringify(data);
  if (state.received !== received) {
    state.received = received;
    state.data = data;
    draw(root, state);
  }
  return () => states.delete(root);
}
