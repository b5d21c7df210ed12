// Draws links to the orders before and after. A plain click opens one without loading the page again.

function link(order, text, label, tell) {
  const made = document.createElement("a");
  made.href = order.href;
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button > 0) return;
    event.preventDefault();
    tell("open", order.id);
  });
  return made;
}

const states = new WeakMap();

export default function ({ data, parentElement: root, setTriggerValue }) {
  const received = JSON.stringify(data);
  if (states.get(root) !== received) {
    root.querySelector(".neighbours").replaceChildren(...data.rows.map((row) => {
      const group = document.createElement("div");
      const title = document.createElement("span");
      title.textContent = `${row.title}:`;
      group.append(title);
      if (row.previous) group.append(link(row.previous, `← ${row.previous.label}`, `Previous order: ${row.previous.label}`, setTriggerValue));
      if (row.next) group.append(link(row.next, `${row.next.label} →`, `Next order: ${row.next.label}`, setTriggerValue));
      return group;
    }));
  }
  states.set(root, received);
  return () => states.delete(root);
}
