() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  // Any CSS colour as red, green, blue and alpha.
  const parsed = (css) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (above, below) => above.slice(0, 3).map((one, at) => one * above[3] + below[at] * (1 - above[3]));
  const luminance = (colour) => {
    const [red, green, blue] = colour.map((one) => one / 255).map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const parent = (element) => element.parentElement ?? element.getRootNode().host ?? null;
  const chain = (element) => { const found = []; for (let at = element; at; at = parent(at)) found.push(at); return found; };
  const faint = [];
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (element.closest("svg, canvas, style, script, [data-testid=stIconMaterial]")) continue;
      const text = [...element.childNodes].filter((one) => one.nodeType === 3).map((one) => one.data.trim()).join(" ").trim();
      const box = element.getBoundingClientRect();
      if (!text || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || box.width < 2 || box.height < 2) continue;
      const above = chain(element);
      const style = getComputedStyle(element);
      if (above.some((one) => one.disabled || one.getAttribute("aria-disabled") === "true" || getComputedStyle(one).backgroundImage !== "none")) continue;
      let ground = [255, 255, 255];
      for (const one of [...above].reverse()) ground = over(parsed(getComputedStyle(one).backgroundColor), ground);
      const opacity = above.reduce((product, one) => product * +getComputedStyle(one).opacity, 1);
      const ink = parsed(style.color);
      const [one, other] = [luminance(over([...ink.slice(0, 3), ink[3] * opacity], ground)), luminance(ground)].sort((a, b) => b - a);
      const ratio = (one + 0.05) / (other + 0.05);
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && +style.fontWeight >= 700);
      if (ratio < (large ? 3 : 4.5) - 0.01) faint.push(`${ratio.toFixed(2)}: ${text.slice(0, 60)} (${element.tagName} ${element.className})`);
    }
  };
  look(document);
  return [...new Set(faint)];
}
