// Draws the steps of a story. Every place on the axis was computed in Python; this script writes rows, and keeps
// what the reader has unfolded, filtered and scrolled to when the story is told again.

// Hues that differ for colour-blind eyes; red and violet are left to errors and waits.
const PALETTE = ["#3f7fc4", "#e0930f", "#12967a", "#5cb8e6", "#c9709f", "#9a8f24", "#7f8ca3", "#44a3a0", "#a0672c", "#6f9b3c"];
const FILTERS = [
  { id: "all", label: "All steps", keeps: () => true },
  { id: "critical", label: "Critical path", keeps: (step) => step.critical },
  { id: "errors", label: "Errors", keeps: (step) => step.error !== null },
];
const IDS = new Set(["Trace", "Span", "Parent"]);

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const percent = (place) => `${(100 * place).toFixed(3)}%`;

function lines(data) {
  return [
    ...data.ticks.map(([place]) => { const line = make("div", "line"); line.style.left = percent(place); return line; }),
    ...data.cuts.map((cut) => {
      const gap = make("div", "gap");
      gap.style.left = percent(cut.start);
      gap.style.width = percent(cut.end - cut.start);
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
  const took = make("div", "took", step.error ? `${step.took} · ${step.error}` : step.took);
  // After the bar; an error's text before it, where there is more room.
  if (step.error && step.start > 1 - step.end) { took.style.right = percent(1 - step.start); took.classList.add("before"); }
  else took.style.left = percent(step.end);
  made.append(span, took);
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
  const waited = step.waited ? `, after ${step.waited} in the queue` : "";
  head.setAttribute("aria-label",
    `${step.service} ${step.operation}, ${step.took}${waited}${step.error ? `, error: ${step.error}` : ""}`);
  head.title = `${step.service} ${step.operation} · ${step.took}${waited}`;
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
    const step_to = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); fold(!item.classList.contains("open")); }
    else if (step_to) { event.preventDefault(); item[step_to]?.querySelector(".row")?.focus(); }
  });
  if (state.open.has(step.id)) fold(true);
  return item;
}

function axis(root, data) {
  // A tick's text stands in the middle below it, except where its left half would cover something.
  const ends = data.cuts.map((cut) => cut.end);
  const marks = data.ticks.map(([place, label]) => {
    const crowded = place < 0.02 || ends.some((end) => Math.abs(end - place) < 0.01);
    const tick = make("span", crowded ? "beside" : "", label);
    tick.style.left = percent(place);
    return tick;
  });
  for (const cut of data.cuts) {
    const mark = make("span", "cut", `⋯ ${cut.label}`);
    mark.style.left = percent((cut.start + cut.end) / 2);
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
    entry("calls", "calls another"), ...(waits ? [entry("waits", "waits in a queue")] : []), entry("critical", "critical path"));
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
  const told = JSON.stringify(data);
  if (state.told !== told) {
    state.told = told;
    state.data = data;
    draw(root, state);
  }
  return () => states.delete(root);
}
