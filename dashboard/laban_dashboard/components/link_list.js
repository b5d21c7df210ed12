// Draws a list of links. A plain click tells Python, which opens the place without loading the page again.

const states = new WeakMap();

function item(state) {
  const made = document.createElement("li");
  const link = made.appendChild(document.createElement("a"));
  const note = made.appendChild(document.createElement("span"));
  made.parts = { link, note };
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button > 0) return;
    event.preventDefault();
    state.tell("open", made.opens);
  });
  link.addEventListener("keydown", (event) => {
    const sibling = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (sibling) { event.preventDefault(); made[sibling]?.querySelector("a")?.focus(); }
  });
  return made;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export default function ({ data, parentElement: root, setTriggerValue }) {
  const state = states.get(root) ?? {};
  states.set(root, state);
  state.tell = setTriggerValue;
  const list = root.querySelector(".links");
  list.setAttribute("aria-label", data.title);
  while (list.children.length > data.links.length) list.lastElementChild.remove();
  data.links.forEach((one, index) => {
    const made = list.children[index] ?? list.appendChild(item(state));
    const { link, note } = made.parts;
    made.opens = one.id;
    write(link, one.label);
    if (link.getAttribute("href") !== one.href) link.setAttribute("href", one.href);
    write(note, one.note);
    note.className = one.tone;
  });
  return () => states.delete(root);
}
