// Numbers as the page shows them, and elements. Text from the report only ever becomes a text node or
// an attribute's value, so that no name in it can become markup.

const MIB = 1 << 20;
const NBSP = "\u00a0";

/** 1234567 as 1,234,567. */
function grouped(count, decimals = 0) {
  const text = Math.abs(count).toLocaleString("en-US",
    {minimumFractionDigits: decimals, maximumFractionDigits: decimals});
  return (count < 0 && /[1-9]/.test(text) ? "\u2212" : "") + text;
}

const plural = (count, noun) => `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;

const bytesText = bytes => plural(bytes, "byte").replace(" ", NBSP);

/** Bytes in MiB with one decimal; what would show as 0.0 MiB in KiB or bytes. */
function sizeText(bytes) {
  const magnitude = Math.abs(bytes);
  if (magnitude >= 0.05 * MIB || magnitude === 0)
    return grouped(bytes / MIB, 1) + NBSP + "MiB";
  if (magnitude >= 1024)
    return grouped(bytes / 1024, 1) + NBSP + "KiB";
  return grouped(bytes) + NBSP + "B";
}

function percentText(part, whole) {
  return whole ? grouped(100 * part / whole, 1) + NBSP + "%" : "–";
}

/** Operations with an SI prefix: 3.2 GFLOP. */
function flopsText(flops) {
  const prefixes = ["", "k", "M", "G", "T", "P"];
  let at = 0;
  while (flops >= 999.95 && at < prefixes.length - 1) {
    flops /= 1000;
    ++at;
  }
  return grouped(flops, at ? 1 : 0) + NBSP + prefixes[at] + "FLOP";
}

const byId = id => document.getElementById(id);

const isNumber = value => typeof value === "number" && Number.isFinite(value);

/** An element with attributes (`text` and `on…` handlers apart) and children, strings among them. */
function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on"))
      node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== undefined && child !== null));
  return node;
}

/** A size whose bytes show on hover. */
function size(bytes, text = sizeText(bytes)) {
  return element("data", {value: bytes, title: bytesText(bytes)}, text);
}

/** What a CSS variable's colour is in the current theme, as canvas takes it. */
function themeColor(name) {
  const probe = byId("theme");
  probe.style.setProperty("outline-color", `var(${name})`);
  const color = getComputedStyle(probe).outlineColor;
  probe.style.removeProperty("outline-color");
  return color;
}
