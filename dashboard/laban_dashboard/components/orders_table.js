// Draws a table of orders. Each order is a link that can be copied; a plain click opens it without loading the page
// again. When the data is refreshed, only the texts that changed are written, so nothing moves or loses the focus.

const CELLS = ["id", "outcome", "took", "cause", "where", "seen"];

function make(tag, className) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  return made;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function row(state) {
  const item = make("tr");
  const cells = Object.fromEntries(CELLS.map((name) => [name, item.appendChild(make("td", name))]));
  const link = make("a");
  const outcome = make("span", "outcome");
  const duration = make("span");
  const words = make("em");
  const bar = make("i");
  bar.append(make("b"), make("b", "beyond"), make("u"));
  cells.id.append(link);
  cells.outcome.append(outcome);
  cells.outcome.className = "";
  cells.took.append(duration, words, bar);
  const open = (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button > 0) return;
    event.preventDefault();
    state.tell("open", item.order.query);
  };
  link.addEventListener("click", (event) => { event.stopPropagation(); open(event); });
  item.addEventListener("click", (event) => { if (!getSelection().toString()) open(event); });
  link.addEventListener("keydown", (event) => {
    const sibling = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (sibling) { event.preventDefault(); beside(item, sibling)?.querySelector("a")?.focus(); }
  });
  item.parts = { link, outcome, duration, words, bar, ...cells };
  return item;
}

// The bar: until what is usual, and beyond it; a tick is at what is usual, an arrow at the end says that it took longer
// than the bar can show. Nothing where nobody knows what is usual.
function against(compared, words, bar, cell) {
  const percent = (share) => `${(100 * share).toFixed(1)}%`;
  bar.hidden = !compared;
  write(words, compared ? compared.words : "");
  words.className = compared && compared.beyond ? "beyond" : "";
  cell.title = compared ? compared.title : "Not compared: it still waits, it has several requests, or too few orders like it are known";
  if (!compared) return;
  const [until, beyond, tick] = bar.children;
  until.style.width = percent(compared.until_usual);
  beyond.style.width = percent(compared.beyond);
  tick.style.left = percent(compared.usual);
  bar.classList.toggle("longer", compared.longer);
}

function fill(item, order) {
  const { link, outcome, duration, words, bar, took, cause, where, seen } = item.parts;
  item.order = order;
  write(link, order.id);
  link.title = order.id;
  link.setAttribute("href", order.href);
  write(outcome, order.outcome);
  outcome.className = `outcome ${order.tone}`;
  write(duration, order.took);
  against(order.compared, words, bar, took);
  write(cause, order.cause);
  cause.title = order.cause_in_utc;
  write(where, order.where);
  where.title = order.services;
  write(seen, order.seen);
  seen.title = order.time;
}

const LEAST = 12; // orders of a list that is worth searching

// Hides the rows without the text; the first of the others can be reached by the arrow keys.
function search(root) {
  const text = root.querySelector(".find").value.trim();
  let shown = 0;
  for (const item of root.querySelectorAll("tbody tr")) {
    item.hidden = Boolean(text) && !item.textContent.toLowerCase().includes(text.toLowerCase());
    shown += item.hidden ? 0 : 1;
  }
  root.querySelector(".none").hidden = shown > 0;
  const elsewhere = root.querySelector(".none a");
  elsewhere.href = `order?order=${encodeURIComponent(text)}`;
  write(elsewhere, `Look for “${text}” among all orders`);
}

function beside(item, name) {
  let found = item[name];
  while (found?.hidden) found = found[name];
  return found;
}

function listen(root) {
  const field = root.querySelector(".find");
  field.addEventListener("input", () => search(root));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { field.value = ""; search(root); }
    if (event.key === "ArrowDown") { event.preventDefault(); root.querySelector("tbody tr:not([hidden]) a")?.focus(); }
  });
}

const states = new WeakMap();

export default function ({ data, parentElement: root, setTriggerValue }) {
  let state = states.get(root);
  if (!state) {
    state = { rows: new Map() };
    states.set(root, state);
    listen(root);
  }
  state.tell = setTriggerValue;
  const body = root.querySelector("tbody");
  const wanted = data.orders.map((order) => {
    const item = state.rows.get(order.query) ?? row(state);
    state.rows.set(order.query, item);
    fill(item, order);
    return item;
  });
  const shown = new Set(wanted);
  for (const [query, item] of state.rows) if (!shown.has(item)) { item.remove(); state.rows.delete(query); }
  // Rows that are in place already are not touched: moving an element takes its focus away.
  wanted.forEach((item, index) => { if (body.children[index] !== item) body.insertBefore(item, body.children[index] ?? null); });
  root.querySelector(".find").hidden = data.orders.length < LEAST;
  search(root);
  return () => states.delete(root);
}
