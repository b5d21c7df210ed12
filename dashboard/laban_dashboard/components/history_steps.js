// Makes each action of the user one step back in the browser. When the page changes, Streamlit adds up to three entries to
// the history: the old page without its parameters, the new page, and the new page with its parameters. When the browser
// goes back to another page, Streamlit takes away the parameters that both pages have, such as the time range.

const ACTIONS = ["pointerdown", "keydown", "click"];

export default function () {
  if (history.steps) return; // stays for all pages, and while this component is drawn anew
  const steps = { acted: false, wanted: null };
  history.steps = steps;
  const acted = () => { steps.acted = true; steps.wanted = null; };
  for (const action of ACTIONS) window.addEventListener(action, acted, true); // before those of the document
  window.addEventListener("popstate", (event) => { if (event.isTrusted) steps.wanted = location.href; });
  const [push, replace] = [history.pushState.bind(history), history.replaceState.bind(history)];
  history.pushState = (...entry) => {
    (steps.acted ? push : replace)(...entry);
    steps.acted = false;
  };
  history.replaceState = (...entry) => {
    replace(...entry);
    const wanted = steps.wanted;
    steps.wanted = null;
    if (!wanted || location.href === wanted || location.pathname !== new URL(wanted).pathname) return;
    replace(entry[0], "", wanted);
    window.dispatchEvent(new PopStateEvent("popstate", { state: entry[0] })); // now that Streamlit is on that page
  };
}
