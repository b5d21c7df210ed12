// Keeps a login in this browser, so that a reload or another tab does not ask for the token again. What is kept is a
// random text that the dashboard forgets after some hours; the token itself is not kept.

const NAME = `laban.login ${new URL(".", document.baseURI).pathname}`; // other dashboards may have the same origin
const asked = new WeakSet();

export default function ({ data, parentElement: root, setTriggerValue }) {
  if (data.grant) {
    localStorage.setItem(NAME, data.grant);
  } else if (data.refused) {
    localStorage.removeItem(NAME);
  } else if (!asked.has(root)) {
    asked.add(root);
    const known = localStorage.getItem(NAME);
    if (known) setTriggerValue("known", known);
  }
}
