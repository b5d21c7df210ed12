// What the map looks like: the shapes and colours of kinds, the badges of health, and the legend.

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

// Each state has a badge of its own form, for readers who do not see the difference in colour.
const HEALTH = {
  stopped: { label: "stopped or stuck", path: "M7 1h10l6 6v10l-6 6H7l-6-6V7zM7 12h10", tone: "error" },
  failing: { label: "fails often", path: "M12 2 23 22H1zM12 9v6M12 18v1.5", tone: "error" },
  behind: { label: "falls behind", path: "M5 2h14v4l-5 6 5 6v4H5v-4l5-6-5-6zM9 19h6", tone: "warn" },
};

function colours(element) {
  const style = getComputedStyle(element);
  const of = (name) => style.getPropertyValue(`--st-${name}`).trim();
  const background = of("background-color");
  const [red, green, blue] = (background.match(/\w\w/g) || ["ff", "ff", "ff"]).map((pair) => parseInt(pair, 16));
  return {
    dark: red + green + blue < 384, text: of("text-color"), faint: of("gray-text-color"), background,
    sync: of("gray-color"), async: of("violet-color"), error: of("red-color"), accent: of("primary-color"),
    warn: of("orange-color"), good: of("green-color"), font: of("font") || "sans-serif",
  };
}

function badge(health, colour) {
  const { path, tone } = HEALTH[health];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="-1 -1 26 26">`
    + `<path d="${path}" fill="${colour[tone]}" stroke="${colour.background}" stroke-width="2.4" stroke-linejoin="round"/></svg>`;
  return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
}

// Three strokes: messages in a queue.
function queueSign(colour) {
  const stroke = KINDS.topic[colour.dark ? "dark" : "light"][1];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="40" viewBox="0 0 12 20">`
    + `<path d="M1.5 2v16M6 2v16M10.5 2v16" stroke="${stroke}" stroke-width="2" fill="none"/></svg>`;
  return `data:image/svg+xml;utf8,${encodeURIComponent(svg)}`;
}

// The control points of a curve, without those that its nodes have grown over: Cytoscape does not draw an edge that
// begins inside its node.
function bends(edge) {
  const [from, to] = [edge.source(), edge.target()].map((node) => ({ ...node.position(), size: grown(node, growthOf(edge.cy()).node) }));
  const [right, down] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(right, down) || 1;
  const covers = ({ x, y, size: [width, height] }, pointX, pointY) =>
    Math.abs(x - pointX) <= width / 2 + 4 && Math.abs(y - pointY) <= height / 2 + 4;
  const all = edge.data("weights").map((weight, at) => [weight, edge.data("distances")[at]]);
  const free = all.filter(([weight, distance]) => {
    const point = [from.x + weight * right - distance * down / length, from.y + weight * down + distance * right / length];
    return !covers(from, ...point) && !covers(to, ...point);
  });
  if (free.length) return free;
  const inside = ({ size: [width, height] }) => Math.min(width / 2 / Math.abs(right), height / 2 / Math.abs(down));
  const aside = all[Math.floor(all.length / 2)][1];
  return [[(inside(from) + 1 - inside(to)) / 2, Math.sign(aside) * Math.min(8, Math.abs(aside))]]; // between the nodes
}

function sheet(colour, large) {
  const fill = (node) => KINDS[node.data("kind")][colour.dark ? "dark" : "light"][0];
  const border = (node) => KINDS[node.data("kind")][colour.dark ? "dark" : "light"][1];
  const line = (edge) => edge.data("health") === "failing" ? colour.error : edge.data("kind") === "async" ? colour.async : colour.sync;
  const curved = { "curve-style": "unbundled-bezier", "edge-distances": "node-position",
    "control-point-weights": (edge) => bends(edge).map(([weight]) => weight),
    "control-point-distances": (edge) => bends(edge).map(([, distance]) => distance) };
  return [
    { selector: "node", style: {
      shape: (node) => KINDS[node.data("kind")].shape,
      width: (node) => grown(node, growthOf(node.cy()).node)[0], height: (node) => grown(node, growthOf(node.cy()).node)[1],
      label: (node) => node.data("note") ? `${node.data("title")}\n${node.data("note")}` : node.data("title"),
      "text-wrap": "wrap", "text-valign": "center", "text-halign": "center", "line-height": 1.15,
      "font-family": colour.font, "font-size": (node) => NODE_TEXT * growthOf(node.cy()).node, "font-weight": 600, color: colour.text,
      "background-color": fill, "border-color": border, "border-width": 1.6, "overlay-opacity": 0 } },
    { selector: "node[kind = 'topic']", style: { "corner-radius": 24, "text-margin-x": 8, "background-image": queueSign(colour),
      "background-width": 12, "background-height": 20, "background-position-x": 17, "background-position-y": "50%" } },
    { selector: "node[text]", style: { label: "data(text)", "text-margin-x": 0, "text-margin-y": "data(below)",
      "font-size": (node) => READABLE.name / growthOf(node.cy()).zoom, "background-image-opacity": 0 } },
    { selector: "node[text][text != '']", style: { "z-index": 9 } },
    { selector: "node[?below]", style: { color: colour.text, "text-background-color": colour.background, "text-background-opacity": 0.85,
      "text-background-shape": "round-rectangle", "text-background-padding": 1 } },
    { selector: "node[kind = 'external'], node[kind = 'entry'], node[kind = 'unseen']", style: { "border-style": "dashed" } },
    ...Object.entries(HEALTH).map(([health, { tone }]) => ({ selector: `node[health = '${health}']`, style: {
      "border-color": colour[tone], "background-image-opacity": 1, "border-width": (node) => Math.max(3, 2 / growthOf(node.cy()).zoom), "background-image": badge(health, colour), "background-width": 24,
      "background-height": 24, "background-position-x": "100%", "background-position-y": "0%", "background-offset-x": 10,
      "background-offset-y": -10, "background-clip": "none", "background-image-containment": "over", "bounds-expansion": 14 } })),
    { selector: "node[health = 'stopped']", style: { "background-color": colour.error, color: colour.background } },

    { selector: "edge", style: {
      "curve-style": large ? "straight" : "bezier", width: large ? (edge) => edge.data("width") * 0.6 : "data(width)", "line-color": line, "target-arrow-color": line,
      "target-arrow-shape": "triangle", "arrow-scale": 0.95, "line-opacity": large ? (edge) => Math.min(0.5, Math.max(0.1, growthOf(edge.cy()).zoom * 0.5)) : 0.85,
      "line-style": (edge) => edge.data("kind") === "async" ? "dashed" : "solid", "line-dash-pattern": [7, 4],
      "text-wrap": "wrap", "line-height": 1.15, "font-family": colour.font, "font-size": edgeText,
      color: (edge) => edge.data("health") === "good" ? colour.faint : colour.error,
      "text-background-color": colour.background, "text-background-opacity": 0.95, "text-background-padding": 2,
      "text-background-shape": "round-rectangle", "overlay-opacity": 0 } },
    { selector: "edge[weights]", style: curved },
    { selector: "edge:loop", style: { "loop-direction": "0deg", "loop-sweep": "-40deg", "control-point-step-size": 96 } },
    { selector: "edge[?quiet]", style: { "line-opacity": 0.35 } },
    { selector: "edge[text]", style: { label: "data(text)", "text-margin-x": "data(aside)", "text-margin-y": "data(below)" } },
    { selector: "edge[?crossed]", style: { "z-index": 5 } }, // its label is above the other edge
    { selector: "edge[health != 'good']", style: { "z-index": 6 } },
    { selector: "edge[health = 'failing']", style: { "line-opacity": 1 } },
    { selector: "[change = 'new']", style: { "underlay-color": colour.good, "underlay-opacity": 0.3, "underlay-padding": 6 } },
    { selector: "[change = 'slower']", style: { "underlay-color": colour.warn, "underlay-opacity": 0.3, "underlay-padding": 6 } },
    { selector: "node[change = 'gone']", style: { "border-style": "dotted", "background-opacity": 0.35 } },
    { selector: "edge[change = 'gone']", style: { "line-style": "dotted", "line-color": colour.faint, "target-arrow-color": colour.faint } },
    { selector: "edge.near", style: { "line-opacity": 0.9, "z-index": 8 } },
    { selector: "node.cursor", style: { "outline-color": colour.accent, "outline-width": (node) => 3 / node.cy().zoom(),
      "outline-offset": (node) => 3 / node.cy().zoom(), "outline-opacity": 1, "z-index": 10 } },
    { selector: ".faded", style: { opacity: large ? 0.06 : 0.16 } },
    { selector: "node.chosen", style: { "border-width": 3.4, "border-color": colour.accent } },
    { selector: "edge.chosen", style: { "line-opacity": 1, "z-index": 9, "underlay-color": colour.accent,
      "underlay-opacity": 0.28, "underlay-padding": 5 } },
  ];
}

function legend(element, data, colour) {
  const seen = (list, name) => [...new Set(list.map((one) => one[name]))].sort();
  const drawn = JSON.stringify([colour, seen(data.nodes, "kind"), seen(data.nodes, "health"), data.compared]);
  if (element.dataset.drawn === drawn) return;
  element.dataset.drawn = drawn;
  const svg = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const entry = (text, ...paths) => {
    const span = document.createElement("span");
    const picture = svg("svg", { width: 26, height: 14, "aria-hidden": "true" });
    picture.append(...paths.map((path) => svg("path", path)));
    span.append(picture, document.createTextNode(text));
    return span;
  };
  const kinds = Object.keys(KINDS).filter((kind) => data.nodes.some((node) => node.kind === kind));
  const line = (stroke, dash) => ({ d: "M1 7h24", stroke, "stroke-width": 2.2, "stroke-dasharray": dash });
  const sign = (health) => data.nodes.some((node) => node.health === health) ? [{ d: HEALTH[health].path,
    fill: colour[HEALTH[health].tone], stroke: colour.background, "stroke-width": 2.4, transform: "translate(6) scale(.58)" }] : [];
  element.replaceChildren(
    ...kinds.map((kind) => {
      const [fill, stroke] = KINDS[kind][colour.dark ? "dark" : "light"];
      const dash = ["external", "entry", "unseen"].includes(kind) ? "3 2" : "none";
      const isFolded = kind === "other" && data.nodes.some(({ id }) => id.startsWith("namespace:"));
      return entry(isFolded ? "namespace, folded" : KINDS[kind].label, { d: OUTLINES[kind], fill, stroke, "stroke-width": 1.4, "stroke-dasharray": dash });
    }),
    entry("synchronous", line(colour.sync, "none")),
    entry("asynchronous", line(colour.async, "6 3")),
    entry("wider: more calls", { ...line(colour.sync, "none"), "stroke-width": 5 }),
    entry("fails often", line(colour.error, "none"), ...sign("failing")),
    ...["stopped", "behind"].filter((health) => sign(health).length).map((health) => entry(HEALTH[health].label, ...sign(health))),
    ...(data.compared ? [entry("new", { ...line(colour.good, "none"), "stroke-width": 8, opacity: 0.35 }),
      entry("slower", { ...line(colour.warn, "none"), "stroke-width": 8, opacity: 0.35 }),
      entry("no calls any more", line(colour.faint, "2 4"))] : []),
  );
}

