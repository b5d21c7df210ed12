// Draws the messages of an order with what each group has done with them. Only cells that changed are written.

const CELLS = ["message", "published", "group", "state", "details"];

function row() {
  const item = document.createElement("tr");
  item.cells_ = Object.fromEntries(CELLS.map((name) => [name, item.appendChild(document.createElement("td"))]));
  return item;
}

function write(cell, text, title) {
  if (cell.textContent !== text) cell.textContent = text;
  if (title) cell.title = title;
  else cell.removeAttribute("title");
}

export default function ({ data, parentElement: root }) {
  const body = root.querySelector("tbody");
  while (body.children.length > data.rows.length) body.lastElementChild.remove();
  data.rows.forEach((one, index) => {
    const item = body.children[index] ?? body.appendChild(row());
    for (const name of CELLS) write(item.cells_[name], one[name], one[`${name}_title`]);
    item.cells_.state.className = `state ${one.tone}`;
  });
  const more = root.querySelector(".more");
  more.hidden = !data.more;
  more.textContent = data.more;
}
