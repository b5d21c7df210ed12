// Draws the map with Cytoscape. Python computes the visible elements and their positions. This script updates the
// drawing element by element, so that a refresh moves only elements that changed.

const SETTLES = 2500; // ms until every refresh has the new address
const STOPS = 120; // ms after which a zoom has ended
const FOUND = 8;
const CYTOSCAPE = new URL("app/static/cytoscape.esm.min.mjs", document.baseURI).href;

function highlight(state, id) {
  const { cy } = state;
  const element = id ? cy.getElementById(id) : cy.collection();
  cy.batch(() => {
    cy.elements(".faded, .chosen, .near").removeClass("faded chosen near");
    if (element.empty()) return;
    element.addClass("chosen");
    const near = element.isNode() ? element.closedNeighborhood() : element.union(element.connectedNodes());
    near.addClass("near");
    cy.elements().not(near).addClass("faded");
  });
  state.label();
}

function differs(element, wanted) {
  const known = element.data();
  return Object.keys(wanted).some((key) => known[key] !== wanted[key]
    && (!Array.isArray(wanted[key]) || String(known[key]) !== String(wanted[key])));
}

function update(cy, data) {
  const wanted = new Set([...data.nodes, ...data.edges].map((one) => one.id));
  const added = [];
  let moved = false;
  cy.batch(() => {
    cy.elements().forEach((element) => { if (!wanted.has(element.id())) { element.remove(); moved = true; } });
    for (const node of data.nodes) {
      const there = cy.getElementById(node.id);
      if (there.empty()) { added.push({ group: "nodes", data: node, position: { x: node.x, y: node.y } }); continue; }
      if (there.data("x") !== node.x || there.data("y") !== node.y) { there.position({ x: node.x, y: node.y }); moved = true; }
      if (differs(there, node)) there.data(node);
    }
    for (const edge of data.edges) {
      const there = cy.getElementById(edge.id);
      if (there.empty()) { added.push({ group: "edges", data: edge }); continue; }
      if (!edge.weights && there.data("weights")) there.removeData("weights distances");
      if (differs(there, edge)) there.data(edge);
    }
    cy.add(added);
  });
  return moved || added.length > 0;
}

// The address of this page, or of the map, with other parameters.
function address(data, changed) {
  const query = new URLSearchParams(data.page ? "" : location.search);
  for (const [name, value] of Object.entries(changed)) query.set(name, value);
  return `${data.page || location.pathname}?${query}`;
}

// Finds nodes by name. What is found are links; the arrow keys move among them.
function find(state, root) {
  const field = root.querySelector(".find");
  const list = root.querySelector(".found");
  const close = () => { list.replaceChildren(); list.hidden = true; };
  const show = () => {
    const text = field.value.trim().toLowerCase();
    const hits = text ? state.data.names.filter(([, name]) => name.toLowerCase().includes(text)) : [];
    hits.sort((one, other) => one[1].toLowerCase().indexOf(text) - other[1].toLowerCase().indexOf(text));
    list.replaceChildren(...hits.slice(0, FOUND).map(([id, name, kind]) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const note = document.createElement("span");
      link.href = address(state.data, { focus: id, select: id });
      link.textContent = name;
      note.textContent = kind;
      link.append(note);
      link.addEventListener("click", (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button > 0) return;
        event.preventDefault();
        field.value = "";
        close();
        state.fire("focus", id);
      });
      item.append(link);
      return item;
    }));
    if (text && (hits.length === 0 || hits.length > FOUND)) {
      const rest = document.createElement("li");
      rest.textContent = hits.length ? `and ${hits.length - FOUND} more` : "Nothing has this name.";
      list.append(rest);
    }
    list.hidden = !text;
  };
  const move = (step) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(root.querySelector("a:focus")) + step;
    (at < 0 ? field : links[Math.min(at, links.length - 1)])?.focus();
  };
  field.addEventListener("input", show);
  root.querySelector(".search").addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape") { field.value = ""; close(); field.focus(); }
    else if (event.key === "Enter" && event.target === field) list.querySelector("a")?.click();
    else if (steps[event.key]) move(steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

function zoomBy(cy, factor) {
  cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
}

const ROOM = 28; // pixels that stay free around the drawing
const BAR = 50; // and above it, for the search and the buttons
const LARGEST = 1.15;

function fit({ cy, label: relabel }) {
  for (let round = 0; round < 2; round += 1) { // texts that have grown need more room
    const { x1, y1, w, h } = cy.elements().boundingBox();
    const [width, height] = [cy.width() - 2 * ROOM, cy.height() - ROOM - BAR];
    const zoom = Math.max(cy.minZoom(), Math.min(LARGEST, width / w, height / h));
    cy.viewport({ zoom, pan: { x: ROOM + (width - w * zoom) / 2 - x1 * zoom, y: BAR + (height - h * zoom) / 2 - y1 * zoom } });
    if (!grow(cy)) break;
  }
  relabel();
}

// Fits the height to the drawing, so that a flat map leaves no empty space.
function shape(cy, canvas) {
  const box = cy.elements().boundingBox();
  const zoom = Math.min(LARGEST, (canvas.clientWidth - 2 * ROOM) / box.w);
  const height = Math.round(Math.min(Math.max(box.h * zoom + ROOM + BAR, 340), Math.max(420, 0.72 * window.innerHeight)));
  if (Math.abs(canvas.clientHeight - height) > 2) canvas.style.height = `${height}px`;
  cy.resize();
}

function listen(state, root, canvas) {
  const { cy } = state;
  const ended = new AbortController();
  const on = (element, event, act, options = {}) => element.addEventListener(event, act, { ...options, signal: ended.signal });
  const choose = (id) => {
    if (id !== state.cursor) goTo(state, root, null);
    if (state.selected === id) return;
    state.left = { id: state.selected, until: performance.now() + SETTLES };
    state.selected = id;
    highlight(state, id);
    state.fire("select", id ?? "");
  };
  cy.on("tap", (event) => {
    canvas.focus({ preventScroll: true }); // Cytoscape removes the focus on every press, but the keyboard shortcuts need it
    choose(event.target === cy ? null : event.target.id());
  });
  cy.on("dbltap", "node", (event) => state.fire("focus", event.target.id()));
  cy.on("mouseover", "node, edge", (event) => {
    canvas.style.cursor = "pointer";
    if (!state.selected && !state.large) highlight(state, event.target.id());
  });
  cy.on("mouseout", "node, edge", () => {
    canvas.style.cursor = "";
    if (!state.selected && !state.large) highlight(state, null);
  });
  const sized = () => {
    if (!grow(cy)) return;
    cy.edges().removeScratch("was");
    state.label();
  };
  let later;
  cy.on("zoom", () => {
    clearTimeout(later);
    if (state.large) later = setTimeout(sized, STOPS);
    else sized();
  });
  cy.on("viewport", (event) => { state.touched = state.touched || Boolean(event.originalEvent); });
  const touched = () => { state.touched = true; };
  on(canvas, "wheel", touched, { passive: true });
  on(canvas, "pointerdown", touched);
  const actions = {
    in: () => { touched(); zoomBy(cy, 1.3); }, out: () => { touched(); zoomBy(cy, 1 / 1.3); },
    fit: () => { state.touched = false; fit(state); },
    anew: () => { state.touched = false; state.fire("anew", true); },
  };
  on(root.querySelector(".tools"), "click", (event) => actions[event.target.dataset.do]?.());
  const leave = () => { if (!state.cursor && !state.selected) canvas.blur(); choose(null); };
  const keys = { "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.fit, Escape: leave };
  on(canvas, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [right, down] = (event.shiftKey && STEPS[event.key]) || [0, 0];
    if (right || down) { touched(); cy.panBy({ x: -60 * right, y: -60 * down }); }
    else if (keys[event.key]) keys[event.key]();
    else if (!walk(state, root, event.key, choose)) return;
    event.preventDefault();
  });
  // Until the user moves the map, it follows the size of its frame.
  let width = canvas.clientWidth;
  const watcher = new ResizeObserver(() => {
    if (canvas.clientWidth !== width) { width = canvas.clientWidth; shape(cy, canvas); }
    cy.resize();
    if (!state.touched) fit(state);
  });
  watcher.observe(canvas);
  state.stop = () => { watcher.disconnect(); ended.abort(); clearTimeout(later); };
}

function draw(state, root) {
  const canvas = root.querySelector(".canvas");
  const colour = colours(canvas);
  const look = JSON.stringify([colour, state.data.large]);
  if (state.large !== state.data.large) {
    state.stop?.();
    state.cy?.destroy();
    state.cy = null;
    state.received = null;
  }
  if (!state.cy) {
    state.large = state.data.large;
    // While a large map moves, its picture moves, and is drawn again where it stops.
    const coarse = state.large ? { textureOnViewport: true, pixelRatio: 1 } : {};
    state.cy = state.cytoscape({ container: canvas, minZoom: 0.03, maxZoom: 3, autoungrabify: true, ...coarse,
      style: sheet(colour, state.large) });
    listen(state, root, canvas);
    canvas.cy = state.cy; // for tests: the position of a node on the screen
  } else if (state.look !== look) {
    state.cy.style(sheet(colour, state.large));
  }
  state.look = look;
  state.label = () => label(state.cy, colour.font);
  if (state.view !== state.data.view) { state.view = state.data.view; state.touched = false; }
  const received = JSON.stringify([state.data.nodes, state.data.edges]);
  const isNew = state.received !== received;
  const moved = isNew && update(state.cy, state.data);
  state.received = received;
  if (moved) measure(state.cy, state.large);
  if (moved && !state.touched) { shape(state.cy, canvas); fit(state); }
  if (moved && state.cursor && state.cy.getElementById(state.cursor).empty()) goTo(state, root, null);
  // A refresh that was under way when the user chose still has the old address of the page.
  const isLate = state.data.selected === state.left?.id && performance.now() < state.left.until;
  if (state.data.selected !== state.asked && !isLate) {
    state.asked = state.data.selected;
    state.selected = state.data.selected;
  }
  if (state.selected && state.cy.getElementById(state.selected).empty()) state.selected = null;
  if (moved || state.selected !== state.drawn) highlight(state, state.selected);
  else if (isNew) state.label();
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
    find(state, root);
  }
  state.data = component.data;
  state.fire = component.setTriggerValue;
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
