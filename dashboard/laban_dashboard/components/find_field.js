// A search field for a list that Streamlit draws. Python hears what was typed after a short pause; the arrow keys go to the
// places of the list and between them, Escape empties the field.

const PAUSE_MS = 350;
const states = new WeakMap();

const places = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetParent !== null);

function tell(state, text) {
  clearTimeout(state.timer);
  if (text !== state.told) {
    state.told = text;
    state.trigger("find", text);
  }
}

function listen(state, field) {
  field.addEventListener("input", () => {
    clearTimeout(state.timer);
    state.timer = setTimeout(() => tell(state, field.value), PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") tell(state, field.value);
    if (event.key === "Escape") { field.value = ""; tell(state, ""); }
  });
  state.move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const here = event.composedPath()[0];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const found = places(state.selector);
    const at = here === field ? -1 : found.indexOf(here);
    if (here !== field && at < 0) return;
    const next = at + step < 0 ? field : found[at + step];
    if (next) { event.preventDefault(); next.focus(); }
  };
  document.addEventListener("keydown", state.move);
}

export default function ({ data, parentElement: root, setTriggerValue }) {
  const field = root.querySelector(".find");
  let state = states.get(root);
  if (!state) {
    state = { told: data.text };
    states.set(root, state);
    listen(state, field);
    field.value = data.text;
  }
  state.trigger = setTriggerValue;
  state.selector = data.selector;
  field.placeholder = data.placeholder;
  field.setAttribute("aria-label", data.label);
  // A text that did not come from here, such as that of the address to which the browser went back.
  if (data.text !== state.told && !field.matches(":focus")) { state.told = data.text; field.value = data.text; }
  return () => { clearTimeout(state.timer); document.removeEventListener("keydown", state.move); states.delete(root); };
}
