// Draws the map with Cytoscape. Python computes the visible elements and their positions. This script updates the
// drawing element by element, so that a refresh moves only elements that changed.

const CYTOSCAPE = new URL("app/static/cytoscape.esm.min.mjs", document.baseURI).href;

const KINDS = {
  service: { label: "service", shape: "round-rectangle", light: ["#dbe7fb", "#2563c9"], dark: ["#1b2f52", "#6ea8fe"] },
  topic: { label: "topic", shape: "round-rectangle", light: ["#fbe9c6", "#a9670a"], dark: ["#46330f", "#f0b95a"] },
  group: { label: "consumer group", shape: "round-hexagon", light: ["#cdeee4", "#0b7a64"], dark: ["#123d35", "#4fd1b0"] },
  database: { label: "database", shape: "bottom-round-rectangle", light: ["#ecdcf8", "#8436b8"], dark: ["#3a2350", "#c99bf0"] },
  external: { label: "not traced", shape: "cut-rectangle", light: ["#eceef2", "#5b6577"], dark: ["#262d38", "#9aa5b5"] },
  entry: { label: "caller, not traced", shape: "round-tag", light: ["#eceef2", "#5b6577"], dark: ["#262d38", "#9aa5b5"] },
  unseen: { label: "caller not seen", shape: "round-tag", light: ["#eceef2", "#5b6577"], dark: ["#262d38", "#9aa5b5"] },
  other: { label: "several of a kind", shape: "rectangle", light: ["#e5e7eb", "#6b7280"], dark: ["#374151", "#9ca3af"] },
};
const OUTLINES = {
  service: "M3 1h20a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2z",
  topic: "M7 1h12a6 6 0 0 1 0 12H7A6 6 0 0 1 7 1zM7 4v6M10 4v6",
  group: "M6 1h14l5 6-5 6H6L1 7z",
  database: "M1 1h24v8a4 4 0 0 1-4 4H5a4 4 0 0 1-4-4z",
  external: "M5 1h16l4 4v4l-4 4H5L1 9V5z",
  entry: "M3 1h15l7 6-7 6H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2z",
  unseen: "M3 1h15l7 6-7 6H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2z",
  other: "M1 1h24v12H1z",
};

function colours(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const background = of("background-color");
  const [red, green, blue] = (background.match(/\w\w/g) || ["ff", "ff", "ff"]).map((pair) => parseInt(pair, 16));
  return {
    dark: red + green + blue < 384, text: of("text-color"), faint: of("gray-text-color"), background,
    sync: of("gray-color"), async: of("violet-color"), error: of("red-color"), accent: of("primary-color"),
    warn: of("orange-color"), font: of("font") || "sans-serif",
  };
}

// Three strokes: messages in a queue.
function queueSign(colour) {
  const stroke = KINDS.topic[colour.dark ? "dark" : "light"][1];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="40" viewBox="0 0 12 20">`
    + `<path d="M1.5 2v16M6 2v16M10.5 2v16" stroke="${stroke}" stroke-width="2" fill="none"/></svg>`;
  return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
}

function sheet(colour) {
  const fill = (node) => KINDS[node.data("kind")][colour.dark ? "dark" : "light"][0];
  const border = (node) => KINDS[node.data("kind")][colour.dark ? "dark" : "light"][1];
  const line = (edge) => edge.data("failing") ? colour.error : edge.data("kind") === "async" ? colour.async : colour.sync;
  const curved = { "curve-style": "unbundled-bezier", "edge-distances": "node-position",
    "control-point-weights": (edge) => edge.data("weights"), "control-point-distances": (edge) => edge.data("distances") };
  return [
    { selector: "node", style: {
      shape: (node) => KINDS[node.data("kind")].shape, width: "data(width)", height: 48,
      label: (node) => node.data("note") ? `${node.data("name")}\n${node.data("note")}` : node.data("name"),
      "text-wrap": "wrap", "text-valign": "center", "text-halign": "center", "line-height": 1.15,
      "font-family": colour.font, "font-size": 14.5, "font-weight": 600, color: colour.text,
      "background-color": fill, "border-color": border, "border-width": 1.6, "overlay-opacity": 0 } },
    { selector: "node[kind = 'topic']", style: { "corner-radius": 24, "text-margin-x": 8, "background-image": queueSign(colour),
      "background-width": 12, "background-height": 20, "background-position-x": 17, "background-position-y": "50%" } },
    { selector: "node[kind = 'external'], node[kind = 'entry'], node[kind = 'unseen']", style: { "border-style": "dashed" } },
    { selector: "node[status = 'WARN'], node[status = 'STALL'], node[status = 'STOP']", style: {
      "border-color": colour.warn, "border-width": 2.6 } },
    { selector: "edge", style: {
      "curve-style": "bezier", width: "data(width)", "line-color": line, "target-arrow-color": line,
      "target-arrow-shape": "triangle", "arrow-scale": 0.95, "line-opacity": 0.85,
      "line-style": (edge) => edge.data("kind") === "async" ? "dashed" : "solid", "line-dash-pattern": [7, 4],
      label: "data(label)", "text-wrap": "wrap", "line-height": 1.15, "font-family": colour.font, "font-size": 12.5,
      color: (edge) => edge.data("failing") ? colour.error : colour.faint, "min-zoomed-font-size": 6,
      "text-background-color": colour.background, "text-background-opacity": 0.88, "text-background-padding": 2,
      "text-background-shape": "round-rectangle", "overlay-opacity": 0 } },
    { selector: "edge[weights]", style: curved },
    { selector: "edge:loop", style: { "loop-direction": "0deg", "loop-sweep": "-40deg", "control-point-step-size": 96 } },
    { selector: ".faded", style: { opacity: 0.16 } },
    { selector: "node.chosen", style: { "border-width": 3.4, "border-color": colour.accent } },
    { selector: "edge.chosen", style: { "line-opacity": 1, "z-index": 9, "underlay-color": colour.accent,
      "underlay-opacity": 0.28, "underlay-padding": 5 } },
  ];
}

function highlight(cy, id) {
  const element = id ? cy.getElementById(id) : cy.collection();
  cy.batch(() => {
    cy.elements().removeClass("faded chosen");
    if (element.empty()) return;
    element.addClass("chosen");
    const near = element.isNode() ? element.closedNeighborhood() : element.union(element.connectedNodes());
    cy.elements().not(near).addClass("faded");
  });
}

function differs(element, wanted) {
  return Object.keys(wanted).some((key) => JSON.stringify(element.data(key)) !== JSON.stringify(wanted[key]));
}

function update(cy, data) {
  const wanted = new Map([...data.nodes, ...data.edges].map((one) => [one.id, one]));
  let moved = false;
  cy.batch(() => {
    cy.elements().forEach((element) => { if (!wanted.has(element.id())) { element.remove(); moved = true; } });
    for (const node of data.nodes) {
      const there = cy.getElementById(node.id);
      if (there.empty()) { cy.add({ group: "nodes", data: node, position: { x: node.x, y: node.y } }); moved = true; continue; }
      if (there.data("x") !== node.x || there.data("y") !== node.y) { there.position({ x: node.x, y: node.y }); moved = true; }
      if (differs(there, node)) there.data(node);
    }
    for (const edge of data.edges) {
      const there = cy.getElementById(edge.id);
      if (there.empty()) { cy.add({ group: "edges", data: edge }); moved = true; continue; }
      if (!edge.weights && there.data("weights")) there.removeData("weights distances");
      if (differs(there, edge)) there.data(edge);
    }
  });
  return moved;
}

function legend(element, data, colour) {
  const drawn = JSON.stringify([colour, [...new Set(data.nodes.map((node) => node.kind))].sort()]);
  if (element.dataset.drawn === drawn) return;
  element.dataset.drawn = drawn;
  const svg = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const entry = (path, text) => {
    const span = document.createElement("span");
    const picture = svg("svg", { width: 26, height: 14, "aria-hidden": "true" });
    picture.append(svg("path", path));
    span.append(picture, document.createTextNode(text));
    return span;
  };
  const kinds = Object.keys(KINDS).filter((kind) => data.nodes.some((node) => node.kind === kind));
  const line = (stroke, dash) => ({ d: "M1 7h24", stroke, "stroke-width": 2.2, "stroke-dasharray": dash });
  element.replaceChildren(
    ...kinds.map((kind) => {
      const [fill, stroke] = KINDS[kind][colour.dark ? "dark" : "light"];
      const dash = ["external", "entry", "unseen"].includes(kind) ? "3 2" : "none";
      return entry({ d: OUTLINES[kind], fill, stroke, "stroke-width": 1.4, "stroke-dasharray": dash }, KINDS[kind].label);
    }),
    entry(line(colour.sync, "none"), "synchronous"),
    entry(line(colour.async, "6 3"), "asynchronous"),
    entry(line(colour.error, "none"), "with errors"),
  );
}

function zoomBy(cy, factor) {
  cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
}

const ROOM = 28;
const LARGEST = 1.15;

function fit(cy) {
  cy.fit(undefined, ROOM);
  if (cy.zoom() > LARGEST) { cy.zoom(LARGEST); cy.center(); }
}

// Fits the height to the drawing, so that a flat map leaves no empty space.
function shape(cy, canvas) {
  const box = cy.elements().boundingBox();
  const zoom = Math.min(LARGEST, (canvas.clientWidth - 2 * ROOM) / box.w);
  const height = Math.round(Math.min(Math.max(box.h * zoom + 2 * ROOM + 36, 340), Math.max(420, 0.72 * window.innerHeight)));
  if (Math.abs(canvas.clientHeight - height) > 2) canvas.style.height = `${height}px`;
  cy.resize();
}

function listen(state, root, canvas) {
  const { cy } = state;
  const choose = (id) => {
    state.selected = id;
    highlight(cy, id);
    state.tell("selected", id);
  };
  cy.on("tap", (event) => {
    canvas.focus({ preventScroll: true }); // Cytoscape removes the focus on every press, but the keyboard shortcuts need it
    choose(event.target === cy ? null : event.target.id());
  });
  cy.on("mouseover", "node, edge", (event) => {
    canvas.style.cursor = "pointer";
    if (!state.selected) highlight(cy, event.target.id());
  });
  cy.on("mouseout", "node, edge", () => {
    canvas.style.cursor = "";
    if (!state.selected) highlight(cy, null);
  });
  cy.on("viewport", (event) => { state.touched = state.touched || Boolean(event.originalEvent); });
  const touched = () => { state.touched = true; };
  canvas.addEventListener("wheel", touched, { passive: true });
  canvas.addEventListener("pointerdown", touched);
  const actions = {
    in: () => { touched(); zoomBy(cy, 1.3); }, out: () => { touched(); zoomBy(cy, 1 / 1.3); },
    fit: () => { state.touched = false; fit(cy); },
  };
  root.querySelector(".tools").addEventListener("click", (event) => actions[event.target.dataset.do]?.());
  const pan = (x, y) => () => { touched(); cy.panBy({ x, y }); };
  const keys = { "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.fit, Escape: () => choose(null),
    ArrowLeft: pan(60, 0), ArrowRight: pan(-60, 0), ArrowUp: pan(0, 60), ArrowDown: pan(0, -60) };
  canvas.addEventListener("keydown", (event) => { if (keys[event.key]) { event.preventDefault(); keys[event.key](); } });
  // Until the user moves the map, it follows the size of its frame.
  let width = canvas.clientWidth;
  const watcher = new ResizeObserver(() => {
    if (canvas.clientWidth !== width) { width = canvas.clientWidth; shape(cy, canvas); }
    cy.resize();
    if (!state.touched) fit(cy);
  });
  watcher.observe(canvas);
  state.stop = () => watcher.disconnect();
}

function draw(state, root) {
  const canvas = root.querySelector(".canvas");
  const colour = colours(canvas);
  if (!state.cy) {
    state.cy = state.cytoscape({ container: canvas, minZoom: 0.08, maxZoom: 3, autoungrabify: true, style: sheet(colour) });
    listen(state, root, canvas);
    canvas.cy = state.cy; // for tests: the position of a node on the screen
  } else if (state.colour !== JSON.stringify(colour)) {
    state.cy.style(sheet(colour));
  }
  state.colour = JSON.stringify(colour);
  const moved = update(state.cy, state.data);
  if (moved && !state.touched) { shape(state.cy, canvas); fit(state.cy); }
  if (state.data.selected !== state.asked) {
    state.asked = state.data.selected;
    state.selected = state.data.selected;
  }
  if (state.selected && state.cy.getElementById(state.selected).empty()) state.selected = null;
  if (moved || state.selected !== state.drawn) highlight(state.cy, state.selected);
  state.drawn = state.selected;
  legend(root.querySelector(".legend"), state.data, colour);
}

const states = new WeakMap();

export default function (component) {
  const root = component.parentElement;
  let state = states.get(root);
  if (!state) {
    state = { selected: null, asked: null, drawn: null, touched: false };
    states.set(root, state);
  }
  state.data = component.data;
  state.tell = component.setStateValue;
  if (state.cytoscape) {
    draw(state, root);
  } else if (!state.loading) {
    state.loading = import(CYTOSCAPE).then((module) => {
      if (state.gone) return;
      state.cytoscape = module.default;
      draw(state, root);
    });
  }
  return () => {
    state.gone = true;
    state.stop?.();
    state.cy?.destroy();
    states.delete(root);
  };
}
