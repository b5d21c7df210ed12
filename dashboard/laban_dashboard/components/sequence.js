// Draws a sequence diagram: participants are columns, events are arrows between them from top to bottom. Screen readers
// get the same as a list of sentences.

const ROW = 30;
const TOP = 54;
const EDGE = 14;
const LEAST = 120;
const MOST = 330;
const pen = document.createElement("canvas").getContext("2d");

const states = new WeakMap();

function svg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The pixels that a text needs, in the font of this page; what fails is bold.
function wide(text) {
  return pen.measureText(text).width;
}

function cut(text, width) {
  if (wide(text) <= width) return text;
  let room = Math.max(5, Math.floor((text.length * width) / wide(text)));
  while (room > 5 && wide(`${text.slice(0, room)}…`) > width) room -= 1;
  return `${text.slice(0, room)}…`;
}

// Neighbours are as far apart as the longest text between them needs.
function columns(data) {
  const gaps = data.participants.map(() => LEAST);
  const heads = data.participants.map(({ name }) => Math.min(MOST, Math.max(80, wide(name) + 30)));
  for (let index = 0; index + 1 < gaps.length; index += 1) gaps[index] = Math.max(LEAST, (heads[index] + heads[index + 1]) / 2 + 18);
  for (const event of data.events) {
    const needed = Math.min(MOST, wide(event.text) + 36);
    const [left, right] = [Math.min(event.from, event.to), Math.max(event.from, event.to)];
    if (left !== right) {
      const there = gaps.slice(left, right).reduce((sum, gap) => sum + gap, 0);
      if (there < needed) gaps[left] += needed - there;
    }
  }
  const places = [EDGE + heads[0] / 2];
  for (const gap of gaps.slice(0, -1)) places.push(places.at(-1) + gap);
  // A note, or a call to itself, may cover lines to its right.
  const beside = data.events.filter((event) => event.from === event.to)
    .map((event) => places[event.to] + Math.min(MOST, wide(event.text) + 26) + 20);
  const width = Math.max(places.at(-1) + heads.at(-1) / 2, ...beside) + EDGE;
  return { places, heads, width };
}

function drawHead({ kind, name }, x, width, height) {
  const group = svg("g", { class: `head ${kind}` });
  group.append(
    svg("line", { class: "life", x1: x, y1: 40, x2: x, y2: height }),
    svg("rect", { x: x - width / 2, y: 8, width, height: 32, rx: kind === "topic" ? 16 : 5 }),
    svg("text", { x, y: 28.5 }, cut(kind === "topic" ? `⇶ ${name}` : name, width)),
  );
  group.append(svg("title", {}, name));
  return group;
}

function drawEvent(event, index, { places }) {
  const group = svg("g", { class: `event ${event.kind}${event.failing ? " failing" : ""}` });
  const y = TOP + (index + 1) * ROW;
  const [from, to] = [places[event.from], places[event.to]];
  const text = `${event.failing ? "✗ " : ""}${event.text}`;
  group.append(svg("title", {}, text));
  if (event.kind === "note") {
    const width = Math.min(MOST, wide(text) + 16);
    group.append(svg("rect", { x: to + 8, y: y - 16, width, height: 22, rx: 3 }), svg("text", { x: to + 16, y }, cut(text, width - 14)));
  } else if (from === to) {
    group.append(
      svg("path", { class: "arrow", d: `M${from} ${y - 12}h22v14h-15` }),
      svg("path", { class: "tip", d: `M${from + 1} ${y + 2}l8 -4v8z` }),
      svg("text", { x: from + 30, y: y + 1 }, cut(text, MOST)),
    );
  } else {
    const way = Math.sign(to - from);
    group.append(
      svg("line", { class: "arrow", x1: from, y1: y, x2: to - way * 6, y2: y }),
      svg("path", { class: "tip", d: `M${to} ${y}l${-way * 9} -4.5v9z` }),
      svg("text", { x: (from + to) / 2, y: y - 5, "text-anchor": "middle" }, cut(text, Math.abs(to - from) - 10)),
    );
  }
  return group;
}

const SAID = { call: "calls", return: "answers", message: "message to", note: "at" };

function draw(root, data) {
  pen.font = `600 12.5px ${getComputedStyle(root.querySelector("svg")).fontFamily}`;
  const layout = columns(data);
  const { width } = layout;
  const height = TOP + (data.events.length + 1) * ROW;
  const picture = root.querySelector("svg");
  picture.setAttribute("width", width);
  picture.setAttribute("height", height);
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  picture.setAttribute("aria-label", `Sequence of ${data.events.length} events between ${data.participants.length} participants`);
  picture.replaceChildren(
    ...data.participants.map((one, index) => drawHead(one, layout.places[index], layout.heads[index], height - 8)),
    ...data.events.map((event, index) => drawEvent(event, index, layout)),
  );
  root.querySelector("figcaption").textContent = data.left_out;
  root.querySelector(".words").replaceChildren(...data.events.map((event) => {
    const item = document.createElement("li");
    const name = (index) => data.participants[index].name;
    const who = event.kind === "note" ? "" : `${name(event.from)} `;
    item.textContent = `${who}${SAID[event.kind]} ${name(event.to)}: ${event.text}${event.failing ? ", failed" : ""}`;
    return item;
  }));
}

export default function ({ data, parentElement: root }) {
  const received = JSON.stringify(data);
  if (states.get(root) !== received && data.participants.length) draw(root, data);
  states.set(root, received);
  return () => states.delete(root);
}
