// Keeps the names on the map readable: where the whole map is small, its nodes and texts are drawn larger, as far as
// there is room between the nodes.

const NODE_TEXT = 14.5;
const EDGE_TEXT = 12.5;
const READABLE = { node: 12, edge: 10.5 }; // pixels on the screen
const MOST_GROWTH = 1.9;
const EDGE_GROWTH = 1.5;
const BESIDE = 44; // what stays free between two nodes, for an arrow
const BETWEEN = 12; // and between two that are one above the other
const LETTER = 8.3; // the width of a letter of a name, on average
const SMALL_LETTER = 6.4; // and of a label
const LINE = 1.2; // the height of a line, in sizes of the text
const ARROW = 18; // what an arrow needs beside its label

function longest(lines) {
  return Math.max(...lines.map((line) => [...line].length));
}

// The size of a node whose text grows by `growth`: only as large as its text needs.
function grown(node, growth) {
  const lines = [node.data("name"), ...(node.data("note") ? node.data("note").split("\n") : [])];
  const sign = { topic: 44, group: 34, entry: 34, unseen: 34 }[node.data("kind")] ?? 18;
  return [Math.max(node.data("width"), LETTER * growth * longest(lines) + sign),
    Math.max(node.data("height"), NODE_TEXT * LINE * growth * lines.length + 14)];
}

// Whether the label of an edge fits between its nodes; one that is not nearly level has more room beside it.
function fits(edge) {
  const growth = growthOf(edge.cy());
  const [from, to] = [edge.source(), edge.target()];
  const x = Math.abs(from.position("x") - to.position("x"));
  const y = Math.abs(from.position("y") - to.position("y"));
  const [width, otherWidth] = [from, to].map((node) => grown(node, growth.node)[0]);
  const label = SMALL_LETTER * growth.edge * longest(edge.data("label").split("\n"));
  return edge.isLoop() || y > x || x - (width + otherWidth) / 2 >= label + ARROW;
}

// Whether no two nodes touch when their texts grow.
function hasRoom(nodes, growth) {
  const boxes = nodes.map((node) => [node.position("x"), node.position("y"), ...grown(node, growth)]);
  return boxes.every(([x, y, width, height], index) => boxes.slice(index + 1).every(([otherX, otherY, otherWidth, otherHeight]) =>
    Math.abs(x - otherX) >= (width + otherWidth) / 2 + BESIDE || Math.abs(y - otherY) >= (height + otherHeight) / 2 + BETWEEN));
}

function growthOf(cy) {
  return cy.scratch("growth") ?? { node: 1, edge: 1, most: 1 };
}

// Finds out how far the texts can grow; call this when nodes come, go or move.
function measure(cy, large) {
  const nodes = cy.nodes().toArray();
  let most = 1;
  while (!large && most < MOST_GROWTH && hasRoom(nodes, most + 0.1)) most += 0.1;
  cy.scratch("growth", { ...growthOf(cy), most });
}

// Adapts the sizes of the texts to the zoom; returns whether they have changed.
function grow(cy) {
  const { node, edge, most } = growthOf(cy);
  const steps = (wanted, limit) => Math.min(limit, Math.max(1, Math.ceil(wanted / cy.zoom() * 10) / 10));
  const next = { node: steps(READABLE.node / NODE_TEXT, most), edge: steps(READABLE.edge / EDGE_TEXT, Math.min(most, EDGE_GROWTH)), most };
  if (next.node === node && next.edge === edge) return false;
  cy.scratch("growth", next);
  cy.style().update();
  return true;
}
