// `/` goes to the first search field of the page, also within a component; Escape leaves a field.

function fields(root) {
  const found = [];
  for (const element of root.querySelectorAll("*")) {
    if (element.shadowRoot) found.push(...fields(element.shadowRoot));
    else if (element.matches("input[type=search], [data-testid=stTextInput] input, [data-testid=stTextInputRootElement] input")) found.push(element);
  }
  return found.filter((one) => one.offsetParent !== null && !one.disabled);
}

const isText = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

function pressed(event) {
  const target = event.composedPath()[0];
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isText(target)) {
    const [field] = fields(document);
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  } else if (event.key === "Escape" && isText(target)) target.blur();
}

export default function () {
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}
