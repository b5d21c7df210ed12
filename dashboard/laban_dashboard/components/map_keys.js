// Walks over the map with the keyboard: an arrow key goes to the neighbour in its direction, Enter selects it.

const CONE = 1.2; // how far aside a node may be, as the tangent of the angle
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The next node in a direction: a neighbour if there is one, else any.
function beyond(from, [right, down]) {
  const start = from.position();
  const distance = (node) => {
    const x = node.position("x") - start.x;
    const y = node.position("y") - start.y;
    const along = x * right + y * down;
    const aside = Math.abs(x * down) + Math.abs(y * right);
    return along > 0 && aside <= along * CONE ? along + 2 * aside : Infinity;
  };
  const nearest = (nodes) => nodes.toArray().reduce((best, node) => {
    const far = distance(node);
    return node.id() !== from.id() && far < best.far ? { node, far } : best;
  }, { node: null, far: Infinity }).node;
  return nearest(from.neighborhood("node")) ?? nearest(from.cy().nodes());
}

// The node on the left, where calls come in.
function outermost(cy) {
  return cy.nodes().toArray().reduce((best, node) => node.position("x") < best.position("x") ? node : best);
}

function told(node) {
  const { name, kind, note, health } = node.data();
  const parts = [name, KINDS[kind].label, ...note.split("\n")];
  if (HEALTH[health]) parts.push(HEALTH[health].label);
  const edges = [[node.outgoers("node").length, "out"], [node.incomers("node").length, "in"]];
  return [...parts, ...edges.map(([count, way]) => `${count} ${way}`)].filter(Boolean).join(", ");
}

// Moves the picture as far as needed to show a node.
function show(cy, node) {
  const box = node.renderedBoundingBox();
  const need = (from, to, size) => from < 8 ? 8 - from : to > size - 8 ? size - 8 - to : 0;
  const by = { x: need(box.x1, box.x2, cy.width()), y: need(box.y1, box.y2, cy.height()) };
  if (by.x || by.y) cy.panBy(by);
}

// Goes to a node, shows it and tells it; null: to none.
function goTo(state, root, node) {
  const { cy } = state;
  cy.nodes(".cursor").removeClass("cursor");
  state.cursor = node?.id() ?? null;
  root.querySelector(".told").textContent = node ? told(node) : "";
  if (!node) return;
  node.addClass("cursor");
  show(cy, node);
}

// Answers a key; returns whether it was one of the walk.
function walk(state, root, key, choose) {
  const { cy } = state;
  const at = cy.getElementById(state.cursor ?? state.selected ?? "");
  const here = at.nonempty() && at.isNode() ? at : null;
  if (STEPS[key]) {
    if (cy.nodes().empty()) return true;
    goTo(state, root, here ? beyond(here, STEPS[key]) ?? here : outermost(cy));
  } else if (key === "Enter" || key === " ") {
    if (here) choose(here.id());
  } else {
    return false;
  }
  return true;
}
