"use strict";

// All pictures, of which only those in sight are elements of the page.

function scoreText(score) {
  if (!(score > 0 && score < 1)) return String(Number(score.toPrecision(4)));
  const fromTheEnd = Math.min(score, 1 - score);
  return score.toFixed(Math.min(6, Math.max(3, 1 - Math.floor(Math.log10(fromTheEnd)))));
}

const pictures = JSON.parse(document.getElementById("pictures").textContent);
const viewport = document.getElementById("viewport");
const runway = document.getElementById("runway");
const filters = Object.fromEntries(
  ["label", "verdict", "name", "text"].map((what) => [what, document.getElementById(`by-${what}`)]),
);
const order = document.getElementById("order");
const dialog = document.getElementById("one");
const without = new Set(pictures.without);
const hasThumbnails = pictures.folder !== null;
const tile = hasThumbnails ? { width: 150, height: 200 } : { width: Infinity, height: 30 };
viewport.classList.toggle("names-only", !hasThumbnails);
let shown = []; // rows, in the order in which they stand
let columns = 1;
let current = 0; // a place in `shown`

function word(row, what) {
  return pictures[what] === null ? "" : pictures[`${what}s`][pictures[what][row]];
}

function isWrong(row) {
  const verdict = word(row, "verdict");
  return pictures.label !== null && ["real", "generated"].includes(verdict) && verdict !== word(row, "label");
}

function fill(select, what, more) {
  const words = pictures[`${what}s`];
  for (const each of words) select.add(new Option(each || (what === "verdict" ? "not judged" : "(unnamed)"), `=${each}`));
  for (const [text, value] of more) select.add(new Option(text, value));
  select.parentElement.hidden = words.length === 0;
}

fill(filters.label, "label", []);
fill(filters.verdict, "verdict", pictures.label === null ? [] : [["wrong", "wrong"], ["right", "right"]]);
fill(filters.name, "name", []);
if (pictures.name === null) [...order.options].find((each) => each.value === "name").remove();

function isWanted(row) {
  const verdict = filters.verdict.value;
  if (verdict === "wrong" && !isWrong(row)) return false;
  if (verdict === "right" && (isWrong(row) || word(row, "verdict") === "unsure")) return false;
  for (const what of ["label", "verdict", "name"]) {
    const value = filters[what].value;
    if (value.startsWith("=") && value.slice(1) !== word(row, what)) return false;
  }
  const text = filters.text.value.toLowerCase();
  return text === "" || pictures.picture[row].toLowerCase().includes(text);
}

function byScore(sign) {
  const value = (row) => pictures.score[row];
  // What has no score comes last.
  return (a, b) => (value(a) === null) - (value(b) === null) || sign * (value(a) - value(b)) || a - b;
}

const orders = {
  high: byScore(-1),
  low: byScore(1),
  name: (a, b) => word(a, "name").localeCompare(word(b, "name"), undefined, { numeric: true }) || byScore(-1)(a, b),
  given: (a, b) => a - b,
};

function choose() {
  const count = pictures.picture.length;
  shown = [...Array(count).keys()].filter(isWanted).sort(orders[order.value]);
  document.getElementById("shown-count").textContent =
    `${shown.length.toLocaleString("en")} of ${count.toLocaleString("en")} pictures.`;
  current = 0;
  viewport.scrollTop = 0;
  layOut();
}

function layOut() {
  columns = Math.max(1, Math.floor(viewport.clientWidth / tile.width));
  runway.style.height = `${Math.ceil(shown.length / columns) * tile.height}px`;
  draw();
}

function imageOf(row) {
  const image = new Image();
  image.alt = "";
  image.src = `${encodeURIComponent(pictures.folder)}/${row}.jpg`;
  return image;
}

function element(kind, className, text) {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = text;
  return made;
}

function verdictText(row) {
  return word(row, "verdict") || "not judged";
}

function makeTile(place) {
  const row = shown[place];
  const made = element("div", `tile-of${place === current ? " current" : ""}`, "");
  made.id = `tile-${place}`;
  made.setAttribute("role", "option");
  made.setAttribute("aria-selected", place === current);
  made.dataset.row = row;
  const width = viewport.clientWidth / columns;
  made.style.left = `${(place % columns) * width}px`;
  made.style.top = `${Math.floor(place / columns) * tile.height}px`;
  made.style.width = `${width}px`;
  made.style.height = `${tile.height}px`;
  if (hasThumbnails) {
    const frame = element("span", "frame", without.has(row) ? "no picture" : "");
    if (!without.has(row)) frame.append(imageOf(row));
    made.append(frame);
  }
  const score = pictures.score[row];
  made.append(element("b", "score", score === null ? "–" : scoreText(score)), " ");
  made.append(element("b", isWrong(row) ? "wrong" : "", verdictText(row)), " ");
  made.append(element("span", "of", word(row, "name")), element("span", "path", pictures.picture[row]));
  made.addEventListener("click", () => {
    move(place);
    open();
  });
  return made;
}

function draw() {
  const first = Math.max(0, Math.floor(viewport.scrollTop / tile.height) - 2) * columns;
  const last = (Math.ceil((viewport.scrollTop + viewport.clientHeight) / tile.height) + 2) * columns;
  const tiles = [];
  for (let place = first; place < Math.min(last, shown.length); place += 1) tiles.push(makeTile(place));
  runway.replaceChildren(...tiles);
  viewport.setAttribute("aria-activedescendant", shown.length ? `tile-${current}` : "");
}

function move(place) {
  current = Math.max(0, Math.min(shown.length - 1, place));
  const top = Math.floor(current / columns) * tile.height;
  if (top < viewport.scrollTop) viewport.scrollTop = top;
  const lowest = top + tile.height - viewport.clientHeight;
  if (lowest > viewport.scrollTop) viewport.scrollTop = lowest;
  draw();
}

function open() {
  const row = shown[current];
  if (row === undefined) return;
  document.getElementById("one-title").textContent = pictures.picture[row];
  const score = pictures.score[row];
  const facts = [verdictText(row)];
  if (score !== null) facts.push(`score ${scoreText(score)}`);
  if (word(row, "label")) facts.push(`is ${word(row, "label")}`);
  if (word(row, "name")) facts.push(word(row, "name"));
  if (pictures.reason[row]) facts.push(pictures.reason[row]);
  document.getElementById("one-facts").textContent = facts.join(" · ");
  const frame = document.getElementById("one-picture");
  frame.replaceChildren(...(hasThumbnails && !without.has(row) ? [imageOf(row)] : []));
  if (!dialog.open) dialog.showModal();
}

function step(by) {
  move(current + by);
  open();
}

const page = () => columns * Math.max(1, Math.floor(viewport.clientHeight / tile.height));
const moves = {
  ArrowLeft: () => current - 1,
  ArrowRight: () => current + 1,
  ArrowUp: () => current - columns,
  ArrowDown: () => current + columns,
  PageUp: () => current - page(),
  PageDown: () => current + page(),
  Home: () => 0,
  End: () => shown.length - 1,
};

viewport.addEventListener("keydown", (event) => {
  if (event.key === "Enter") open();
  else if (moves[event.key]) move(moves[event.key]());
  else return;
  event.preventDefault();
});
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
document.getElementById("one-before").addEventListener("click", () => step(-1));
document.getElementById("one-after").addEventListener("click", () => step(1));
document.getElementById("one-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => viewport.focus());
document.getElementById("filters").addEventListener("input", choose);
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
viewport.addEventListener("scroll", draw);
addEventListener("resize", layOut);
document.getElementById("filters").reset(); // a browser may remember another choice
choose();
