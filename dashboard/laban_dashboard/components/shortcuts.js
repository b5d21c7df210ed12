// `/` goes to the first search field of the page, also within a component, or else to its first list, which searches what
// is typed; Escape leaves a field.

// A text field of Streamlit that searches has a magnifying glass; others, such as that of a business key, do not.
const isSearch = (element) =>
  element.matches("[data-testid=stTextInput] input") &&
  [...element.closest("[data-testid=stTextInput]").querySelectorAll("[data-testid=stIconMaterial]")]
    .some((icon) => icon.textContent === "search");

function fields(root) {
  const found = [];
  for (const element of root.querySelectorAll("*")) {
    if (element.shadowRoot) found.push(...fields(element.shadowRoot));
    else if (element.matches("input[type=search]") || isSearch(element)) found.push(element);
  }
  return found.filter((one) => one.offsetParent !== null && !one.disabled);
}

const isText = (element) => element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName);

function pressed(event) {
  const target = event.composedPath()[0];
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isText(target)) {
    const field = fields(document)[0] ?? document.querySelector("[data-testid=stMain] [data-testid=stSelectbox] input:not([disabled])");
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  } else if (event.key === "Escape" && isText(target)) target.blur();
}

export default function () {
  document.addEventListener("keydown", pressed);
  document.body.setAttribute("aria-keyshortcuts", "/"); // for screen readers, and says that the keys work now
  return () => {
    document.removeEventListener("keydown", pressed);
    document.body.removeAttribute("aria-keyshortcuts");
  };
}
