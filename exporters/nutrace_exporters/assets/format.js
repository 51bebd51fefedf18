// Numbers and colours for people.

function formatTime(ns) {
  const size = Math.abs(ns);
  const [unit, factor] = size >= 1e9 ? ["s", 1e9] : size >= 1e6 ? ["ms", 1e6] : size >= 1e3 ? ["µs", 1e3] : ["ns", 1];
  const value = ns / factor;
  const digits = factor === 1 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

function formatMs(ns) {
  const ms = ns / 1e6;
  return `${ms.toFixed(ms >= 100 ? 0 : ms >= 1 ? 1 : 2)} ms`;
}

// The time that a step simulates: "100 ms".
function formatInterval(ns) {
  return `${Number((ns / 1e6).toFixed(3))} ms`;
}

function formatCount(count) {
  return Math.round(count).toLocaleString("en-US");
}

// "1 step", "1,234 steps".
function counted(number, noun) {
  return `${formatCount(number)} ${nounFor(number, noun)}`;
}

function nounFor(number, noun) {
  return number === 1 ? noun : `${noun}s`;
}

function formatBytes(bytes) {
  const [unit, factor] = bytes >= 1e6 ? ["MB", 1e6] : bytes >= 1e3 ? ["kB", 1e3] : ["B", 1];
  const value = bytes / factor;
  return `${factor === 1 || value >= 10 ? formatCount(value) : value.toFixed(1)} ${unit}`;
}

function formatShare(share) {
  const percent = share * 100;
  if (percent > 0 && percent < 0.005) return "<0.01 %";
  return `${percent.toFixed(percent >= 99.95 || percent === 0 ? 0 : percent >= 0.095 ? 1 : 2)} %`;
}

// 1, 2 or 5 times a power of ten, so that ticks lie at least `room` apart.
function niceStep(room) {
  const power = 10 ** Math.floor(Math.log10(room));
  return [1, 2, 5, 10].find((factor) => factor * power >= room) * power;
}

// A tick's label, with as many digits as make it differ from the next one.
function formatTick(ns, step) {
  if (ns === 0) return "0";
  const [unit, factor] = step >= 1e8 ? ["s", 1e9] : step >= 1e5 ? ["ms", 1e6] : step >= 1e2 ? ["µs", 1e3] : ["ns", 1];
  const digits = Math.max(0, -Math.floor(Math.log10(step / factor) + 1e-9));
  return `${(ns / factor).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mix(a, b, share) {
  const parts = rgb(a).map((value, k) => Math.round(value + (rgb(b)[k] - value) * share));
  return `#${parts.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

// Neighbours of one component differ a little in lightness, the same way in every page.
function shade(hex, name) {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  const level = ((hash >>> 8) % 5) - 2;
  return mix(hex, level < 0 ? "#000000" : "#ffffff", Math.abs(level) * 0.0125);
}

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key === "text") made.textContent = value;
    else if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Puts any number of children into an element: a call takes no more than some 100,000 arguments.
function fill(parent, children) {
  parent.replaceChildren();
  for (const child of children) parent.append(child);
}
