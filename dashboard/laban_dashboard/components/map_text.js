// Keeps the names on the map readable: where the whole map is small, its nodes and texts are drawn larger, as far as
// there is room between the nodes.

const NODE_TEXT = 14.5;
const EDGE_TEXT = 12.5;
const READABLE = { node: 12, edge: 10.5, name: 10.5, least: 8.5 }; // pixels on the screen
const MOST_GROWTH = 1.9;
const BESIDE = 44; // what stays free between two nodes, for an arrow
const BETWEEN = 12; // and between two that are one above the other
const LETTER = 8.3; // the width of a letter of a name, on average
const LINE = 1.2; // the height of a line, in sizes of the text

function longest(lines) {
  return Math.max(...lines.map((line) => [...line].length));
}

// What a node needs beside its text.
function signOf(node) {
  return { topic: 44, group: 34, entry: 34, unseen: 34 }[node.data("kind")] ?? 18;
}

// The size of a node whose text grows by `growth`: only as large as its text needs.
function grown(node, growth) {
  const lines = [...node.data("title").split("\n"), ...(node.data("note") ? node.data("note").split("\n") : [])];
  if (node.data("wide")) return [node.data("wide"), node.data("high")];
  return [Math.max(node.data("width"), LETTER * growth * longest(lines) + signOf(node)),
    Math.max(node.data("height"), NODE_TEXT * LINE * growth * lines.length + 14)];
}

// Whether no two nodes touch when their texts grow.
function hasRoom(nodes, growth) {
  const boxes = nodes.map((node) => [node.position("x"), node.position("y"), ...grown(node, growth)]);
  return boxes.every(([x, y, width, height], index) => boxes.slice(index + 1).every(([otherX, otherY, otherWidth, otherHeight]) =>
    Math.abs(x - otherX) >= (width + otherWidth) / 2 + BESIDE || Math.abs(y - otherY) >= (height + otherHeight) / 2 + BETWEEN));
}

function growthOf(cy) {
  return cy.scratch("growth") ?? { node: 1, most: 1, zoom: 1 };
}

// Whether the names in the nodes can be read, as small as the picture is.
function namesFit(cy) {
  const { node, zoom } = growthOf(cy);
  return NODE_TEXT * node * zoom >= READABLE.least;
}

// The size of the label of an edge: it can be read, but does not outdo the names. One without room is hidden.
function edgeText(edge) {
  const { node, zoom } = growthOf(edge.cy());
  const wanted = Math.max(EDGE_TEXT, READABLE.edge / zoom);
  return namesFit(edge.cy()) ? Math.min(wanted, NODE_TEXT * node) : wanted;
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
  const { most, ...before } = growthOf(cy);
  const next = { node: Math.min(most, Math.max(1, Math.ceil(READABLE.node / NODE_TEXT / cy.zoom() * 10) / 10)),
    zoom: Math.min(1, 2 ** (Math.floor(Math.log2(cy.zoom()) * 4) / 4)) };
  if (Object.keys(next).every((key) => next[key] === before[key])) return false;
  cy.scratch("growth", { ...next, most });
  cy.style().update();
  return true;
}
