// Finds a place for the label of each edge, so that none covers a node or another label: along the edge, beside it, or
// with less text. A label without a place is hidden; that of an edge in trouble is placed first. A label stays
// where it is as long as it can, so that new figures move nothing.

const ALONG = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9]; // shares of the length of the edge
const ASIDE = [0, 1, -1]; // on the line, or beside it
const FURTHER = [2, -2, 3, -3]; // only for an edge in trouble, in heights of the label
const WRONG = 2; // labels with a lower rank are of edges in trouble, or of those that the user looks at
const MANY = 300; // edges or nodes; more labels would take too long
const DOT = 6; // pixels on the screen
const CLEAR = 2; // what stays free around a label
const COSTS = { along: 1, aside: 0.02, crossed: 0.45, short: 0.7 }; // aside: a pixel

function overlap(one, other) {
  return one.x1 < other.x2 && other.x1 < one.x2 && one.y1 < other.y2 && other.y1 < one.y2;
}

function boxAt([x, y], [width, height], around = CLEAR) {
  const [right, down] = [width / 2 + around, height / 2 + around];
  return { x1: x - right, x2: x + right, y1: y - down, y2: y + down };
}

// Whether a line from one point to another touches a box.
function touches(box, [x, y], [toX, toY]) {
  let [from, to] = [0, 1];
  for (const [start, way, least, most] of [[x, toX - x, box.x1, box.x2], [y, toY - y, box.y1, box.y2]]) {
    if (way === 0) {
      if (start < least || start > most) return false;
      continue;
    }
    const [near, far] = [(least - start) / way, (most - start) / way].sort((a, b) => a - b);
    from = Math.max(from, near);
    to = Math.min(to, far);
  }
  return from <= to;
}

// Whether two lines cross; each is from one point to another.
function cross(from, to, otherFrom, otherTo) {
  const side = ([x, y], [toX, toY], [px, py]) => Math.sign((toX - x) * (py - y) - (toY - y) * (px - x));
  return side(from, to, otherFrom) * side(from, to, otherTo) < 0 && side(otherFrom, otherTo, from) * side(otherFrom, otherTo, to) < 0;
}

function around(points) {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  return { x1: Math.min(...xs), x2: Math.max(...xs), y1: Math.min(...ys), y2: Math.max(...ys) };
}

// The point at a share of the length of a line through points, and the direction there.
function pointAt(points, share) {
  const lengths = points.slice(1).map(([x, y], at) => Math.hypot(x - points[at][0], y - points[at][1]));
  let left = share * lengths.reduce((sum, length) => sum + length, 0);
  const at = Math.max(0, lengths.findIndex((length, index) => (left -= length) <= 0 || index === lengths.length - 1));
  const [[x, y], [toX, toY]] = [points[at], points[at + 1]];
  const length = lengths[at] || 1;
  const back = Math.min(1, -left / length); // how far before the end of this part
  return { x: toX + (x - toX) * back, y: toY + (y - toY) * back, right: (toX - x) / length, down: (toY - y) / length };
}

// Every place that a label may have, the best first; a place is named, so that the label finds it again.
function places(label) {
  const points = new Map(ALONG.map((share) => [share, pointAt(label.points, share)]));
  const sides = label.rank < WRONG ? [...ASIDE, ...FURTHER] : ASIDE;
  const found = label.sizes.flatMap((size, form) => sides.flatMap((side) => ALONG.map((share) => ({ size, form, side, share,
    ...centre(points.get(share), size, side), name: `${form} ${side} ${share}` }))));
  for (const place of found)
    place.cost = Math.abs(place.share - 0.5) * COSTS.along + place.far * COSTS.aside + place.form * COSTS.short;
  return found.sort((one, other) => one.cost - other.cost); // a stable sort
}

function centre({ x, y, right, down }, [width, height], side) {
  if (side === 0) return { at: [x, y], far: 0, edge: [x, y] };
  const far = (Math.abs(down) * width + Math.abs(right) * height) / 2 + CLEAR + 1 + (Math.abs(side) - 1) * height;
  return { at: [x - down * far * Math.sign(side), y + right * far * Math.sign(side)], far, edge: [x, y] };
}

// Places labels.
//   labels: { id, points of the edge, sizes of its forms (the longest first), rank (the lowest first), was: a name of a place }
//   nodes: boxes
// Returns, for the ID of each label that has a place, { name, at: its centre, box, form: which of the forms, crossed }.
function placeLabels(labels, nodes) {
  const taken = [...nodes];
  const lines = labels.map(({ id, points }) => ({ id, points, box: around(points) }));
  const found = new Map();
  const isFree = (box) => !taken.some((other) => overlap(box, other));
  // A reader would take a label behind another edge for the label of that one.
  const isBehind = (label, place) => lines.some(({ id, points }) => id !== label.id
    && points.slice(1).some((point, at) => cross(place.edge, place.at, points[at], point)));
  const fits = (label, place) => {
    const box = boxAt(place.at, place.size);
    return isFree(box) && !isBehind(label, place) && (Math.abs(place.side) <= 1 || crossings(label, box) === 0);
  };
  const crossings = (label, box) => lines.filter(({ id, points, box: whole }) => id !== label.id && overlap(box, whole)
    && points.slice(1).some((point, at) => touches(box, points[at], point))).length;
  const take = (label, place) => {
    const box = boxAt(place.at, place.size);
    taken.push(box);
    found.set(label.id, { name: place.name, at: place.at, box, form: place.form, crossed: crossings(label, box) > 0 });
  };
  const stay = (label) => {
    const place = label.was && places(label).find(({ name }) => name === label.was);
    if (place && fits(label, place)) take(label, place);
  };
  const search = (label) => {
    let best = null;
    for (const place of places(label)) {
      if (best && place.cost >= best.total) break;
      if (!fits(label, place)) continue;
      const total = place.cost + COSTS.crossed * crossings(label, boxAt(place.at, place.size));
      if (!best || total < best.total) best = { place, total };
    }
    if (best) take(label, best.place);
  };
  const ranks = [...new Set(labels.map(({ rank }) => rank))].sort((one, other) => one - other);
  for (const rank of ranks) {
    const own = labels.filter((label) => label.rank === rank).sort((one, other) => (one.id < other.id ? -1 : 1));
    own.forEach(stay);
    own.filter(({ id }) => !found.has(id)).forEach(search);
  }
  return found;
}

// The points of an edge as it is drawn: from its start over the middles between its control points to its end.
function pointsOf(edge) {
  const [start, end] = [edge.sourceEndpoint(), edge.targetEndpoint()];
  const bends = edge.controlPoints() ?? [];
  const points = [[start.x, start.y]];
  bends.forEach((bend, at) => {
    const [x, y] = points[points.length - 1];
    const next = bends[at + 1];
    const to = next ? { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 } : end;
    for (const share of [0.25, 0.5, 0.75, 1]) {
      const [a, b, c] = [(1 - share) ** 2, 2 * share * (1 - share), share ** 2];
      points.push([a * x + b * bend.x + c * to.x, a * y + b * bend.y + c * to.y]);
    }
  });
  if (!bends.length) points.push([end.x, end.y]);
  return points;
}

const pen = document.createElement("canvas").getContext("2d");

// The room for a text. It is a little more than the text needs, so that other figures have the same room.
function roomFor(text, size, font, least = "000 ms") {
  pen.font = font;
  const lines = text.split("\n");
  const widest = Math.max(...[...lines, least].map((line) => pen.measureText(line).width));
  return [Math.ceil(widest / size * 1.25) / 1.25 * size + 8, lines.length * size * LINE + 8];
}

function rankOf(edge) {
  if (edge.hasClass("near")) return 0;
  if (edge.data("health") === "failing") return 1;
  return edge.data("health") === "flawed" || edge.data("change") ? 2 : edge.data("label") ? 3 : 4;
}

// The edges that can have a label: all if the picture is large enough; else those in trouble. Or what the user looks at.
function labelled(cy) {
  const near = cy.edges(".near");
  if (near.nonempty()) return near;
  return namesFit(cy) && cy.edges().length < MANY ? cy.edges() : cy.edges("[health = 'failing']");
}

function bodyOf(node, around = 0) {
  const { x, y } = node.position();
  return boxAt([x, y], grown(node, growthOf(node.cy()).node), around);
}

// What a label must not cover: a node, and its badge at the upper right.
function boxesOf(node) {
  const body = bodyOf(node, 2);
  if (!HEALTH[node.data("health")]) return [body];
  return [body, { x1: body.x2 - 18, x2: body.x2 + 10, y1: body.y1 - 10, y2: body.y1 + 18 }];
}

// Of a picture that is too small for the names in its nodes: names that can be read all the same, where they have room:
// in a node that is larger, or else beside it. What is chosen has its name first, then what has most
// neighbours. Of very many nodes, those
// without a name are dots, which a name may cover.
//   nodes: those to name
//   taken: boxes that have to stay free; the boxes of the names are added
function nameNodes(nodes, taken, font) {
  const cy = nodes.cy();
  const size = READABLE.name / growthOf(cy).zoom;
  const order = nodes.toArray().map((node) => ({ node, id: node.id(), degree: node.degree(), own: bodyOf(node),
    chosen: Number(node.hasClass("chosen")) }));
  order.sort((one, other) => other.chosen - one.chosen || other.degree - one.degree || (one.id < other.id ? -1 : 1));
  const isLarge = cy.nodes().length > MANY;
  const bodies = cy.nodes().map((node) => ({ id: node.id(), box: bodyOf(node) }));
  for (const { node, id, own } of order) {
    const matters = isTroubled(node);
    const text = matters && node.data("note") ? `${node.data("title")}\n${node.data("note")}` : node.data("title");
    const room = roomFor(text, size, `600 ${size}px ${font}`, "");
    const inside = [Math.max(own.x2 - own.x1, room[0] + size * (signOf(node) > 18 ? 2 : 0.6)), Math.max(own.y2 - own.y1, room[1])];
    const { x, y } = node.position();
    const aside = (room[1] + own.y2 - own.y1) / 2;
    const gap = isLarge ? size : size * 0.6; // an arrow needs room
    const isFree = (below, strict) => {
      const box = boxAt([x, y + below], below ? room : inside, below || (isLarge && matters) ? CLEAR : gap);
      return !taken.some((other) => overlap(box, other))
        && (!strict || !bodies.some((other) => other.id !== id && overlap(box, other.box)));
    };
    const place = isLarge ? [0, aside, -aside].slice(0, matters ? 3 : 1).find((below) => isFree(below, false))
      : [0, aside, -aside].find((below) => isFree(below, true))
        ?? (matters ? [aside, -aside].find((below) => isFree(below, false)) : undefined);
    if (place === undefined) continue;
    taken.push(boxAt([x, y + place], place ? room : inside));
    node.data(place ? { text, below: place } : { text, below: 0, wide: inside[0], high: inside[1] });
  }
}

function isTroubled(node) {
  return node.hasClass("near") || Boolean(HEALTH[node.data("health")]);
}

// Gives the nodes their names and the edges their labels: first what is in trouble, or what the user looks at.
function label(cy, font) {
  const names = [];
  cy.batch(() => cy.nodes("[text]").removeData("text below wide high"));
  if (!namesFit(cy)) {
    const shown = cy.nodes().not(".faded");
    const dot = cy.nodes().length > MANY ? { wide: DOT / growthOf(cy).zoom, high: DOT / growthOf(cy).zoom } : {};
    cy.batch(() => cy.nodes().data({ text: "", below: 0, ...dot }));
    cy.batch(() => nameNodes(shown.filter(isTroubled), names, font));
    if (cy.edges("[weights]").nonempty()) cy.style().update(); // their curves begin where the nodes end
    const labels = labelEdges(cy, names, font);
    cy.batch(() => nameNodes(shown.filter((node) => !isTroubled(node)), [...names, ...labels], font));
    if (cy.edges("[weights]").nonempty()) cy.style().update();
  } else {
    labelEdges(cy, names, font);
  }
}

// Gives each edge the text that has a place, and that place. Returns the boxes of the labels.
function labelEdges(cy, names, font) {
  const edges = labelled(cy);
  const labels = edges.toArray().filter((edge) => edge.visible()).map((edge) => {
    const size = edgeText(edge);
    const all = [edge.data("label") || "0\n0", edge.data("short")].filter(Boolean);
    const forms = namesFit(cy) || edge.hasClass("near") ? all : all.slice(-1); // of a small picture, only what matters
    return { id: edge.id(), forms, points: pointsOf(edge), rank: rankOf(edge), was: edge.scratch("was"),
      sizes: forms.map((text) => roomFor(text, size, `${size}px ${font}`)) };
  });
  const texts = new Map(labels.map(({ id, forms }) => [id, forms]));
  const nodes = (edges.hasClass("near") ? edges.connectedNodes() : cy.nodes()).toArray().flatMap(boxesOf);
  const found = placeLabels(labels, [...nodes, ...names]);
  cy.batch(() => cy.edges().forEach((edge) => {
    const place = found.get(edge.id());
    const middle = place && edge.midpoint();
    const next = place ? { text: edge.data("label") && texts.get(edge.id())[place.form], crossed: place.crossed,
      aside: place.at[0] - middle.x, below: place.at[1] - middle.y } : { text: "", crossed: false, aside: 0, below: 0 };
    if (place && cy.edges(".near").empty()) edge.scratch("was", place.name);
    if (differs(edge, next)) edge.data(next);
  }));
  return [...found.values()].map(({ box }) => box);
}
