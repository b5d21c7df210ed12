// Makes the browser go back to what was there before a value was typed into a field. Streamlit replaces the address when a
// field that is bound to it changes; so the entry that it will replace is added before it does.

export default function ({ data }) {
  const field = () => [...document.querySelectorAll("[data-testid=stTextInput] input")].find((one) => one.ariaLabel === data.label);
  const add = (event) => {
    if (event.type === "keydown" && event.key !== "Enter") return;
    if (event.target !== field()) return;
    const known = new URL(location.href).searchParams.get(data.parameter) ?? "";
    if (event.target.value !== known) history.pushState(history.state, "", location.href);
  };
  // In the capture phase, so before Streamlit, which takes the value at Enter, or when the field loses the focus.
  document.addEventListener("keydown", add, true);
  document.addEventListener("focusout", add, true);
  return () => {
    document.removeEventListener("keydown", add, true);
    document.removeEventListener("focusout", add, true);
  };
}
