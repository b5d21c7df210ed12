// A search field for a list that Streamlit draws. The address and Python get what was typed after a short pause; the arrow
// keys go to the places of the list and between them, Escape empties the field.

const PAUSE_MS = 350;
const states = new WeakMap();

const places = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetParent !== null);

// Tells Python the text; what is typed meanwhile, when Python has drawn that. So the address is never behind.
function send(state) {
  if (state.asked || state.wanted === state.told) return;
  const address = new URL(location.href);
  if (state.wanted) address.searchParams.set(state.parameter, state.wanted);
  else address.searchParams.delete(state.parameter);
  // All that is typed while the field has the focus is one step back.
  if (state.typed) history.replaceState(history.state, "", address);
  else history.pushState(history.state, "", address);
  state.typed = state.asked = true;
  state.told = state.wanted;
  state.trigger("find", state.told);
}

function tell(state, text) {
  clearTimeout(state.timer);
  state.wanted = text.trim();
  send(state);
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
  field.addEventListener("focus", () => { state.typed = false; });
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
    state = { told: data.text, wanted: data.text };
    states.set(root, state);
    listen(state, field);
    field.value = data.text;
  }
  state.trigger = setTriggerValue;
  state.selector = data.selector;
  state.parameter = data.parameter;
  field.placeholder = data.placeholder;
  field.setAttribute("aria-label", data.label);
  if (data.text === state.told) {
    state.asked = false;
    send(state);
  } else if (!field.matches(":focus")) { // it did not come from here: the browser went back
    state.told = state.wanted = field.value = data.text;
    state.asked = false;
  }
  return () => { clearTimeout(state.timer); document.removeEventListener("keydown", state.move); states.delete(root); };
}
