// Tables that sort: a click, or Enter and Space on a heading.

function sortBy(heading) {
  const row = heading.parentElement;
  const body = heading.closest("table").tBodies[0];
  const column = [...row.children].indexOf(heading);
  const isNumber = heading.classList.contains("number");
  // Numbers begin with the highest, names with A.
  const first = isNumber ? "descending" : "ascending";
  const other = isNumber ? "ascending" : "descending";
  const order = heading.getAttribute("aria-sort") === first ? other : first;
  const sign = order === "ascending" ? 1 : -1;
  const compare = (a, b) => {
    const [left, right] = [a, b].map((line) => line.children[column].dataset.value);
    if (left === "" || right === "") return (left === "") - (right === ""); // missing goes last
    if (isNumber) return sign * (Number(left) - Number(right));
    return sign * left.localeCompare(right, undefined, { numeric: true });
  };
  body.append(...[...body.rows].sort(compare));
  for (const cell of row.children) cell.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
}

for (const button of document.querySelectorAll(".sortable thead button")) {
  button.addEventListener("click", () => sortBy(button.parentElement));
}

// Another threshold: every count was made beforehand, here it is looked up.

const table = JSON.parse(document.getElementById("by-threshold").textContent);
const slider = document.getElementById("slider");

function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = 100 * share;
  if (value === 0 || value === 100) return `${value} %`;
  if (value >= 10 && value < 99) return `${value.toFixed(0)} %`;
  if (value >= 99) return `${Math.min(value, 99.9).toFixed(1)} %`;
  return value >= 0.1 ? `${value.toFixed(1)} %` : `${Math.max(value, 0.01).toFixed(2)} %`;
}

function write(id, text) {
  document.getElementById(id).textContent = text;
}

function show(place) {
  const total = { real: 0, generated: 0 };
  const called = { real: 0, generated: 0 };
  table.names.forEach((row, number) => {
    const count = row.called[place];
    total[row.class] += row.pictures;
    called[row.class] += count;
    const line = document.querySelector(`[data-name="${number}"]`);
    line.querySelector(".meter span").style.width = `${(100 * count) / row.pictures}%`;
    line.lastElementChild.textContent = `${percent(count / row.pictures)} (${count} of ${row.pictures})`;
  });
  const fpr = called.real / total.real;
  const tpr = called.generated / total.generated;
  write("fp", called.real);
  write("tn", total.real - called.real);
  write("tp", called.generated);
  write("fn", total.generated - called.generated);
  write("fpr", percent(fpr));
  write("tpr", percent(tpr));
  write("balanced", percent((tpr + 1 - fpr) / 2));
  for (const cell of document.querySelectorAll("[data-prevalence]")) {
    const share = Number(cell.dataset.prevalence);
    const wrong = fpr * (1 - share);
    cell.textContent = percent(wrong / (wrong + tpr * share));
  }
  const isOwn = place === table.own;
  const value = isOwn ? table.shown : table.thresholds[place];
  write("threshold-value", scoreText(value));
  write("whose", isOwn ? "(the detector's own)" : "(moved by hand)");
  slider.setAttribute(
    "aria-valuetext",
    `${scoreText(value)}: ${percent(fpr)} false positives, ${percent(tpr)} of generated pictures detected`,
  );
  document.getElementById("own").disabled = isOwn;
  document.body.classList.toggle("moved", !isOwn);
  const line = document.getElementById("scores-moved");
  const x = Number(line.dataset.left) + Number(line.dataset.width) * table.positions[place];
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  const point = document.getElementById("roc-moved");
  point.setAttribute("cx", Number(point.dataset.left) + Number(point.dataset.width) * fpr);
  point.setAttribute("cy", Number(point.dataset.bottom) - Number(point.dataset.height) * tpr);
}

slider.addEventListener("input", () => show(Number(slider.value)));
document.getElementById("own").addEventListener("click", () => {
  slider.value = table.own;
  show(table.own);
  slider.focus();
});
slider.value = table.own; // a browser may remember another place
show(table.own);

// Nobody can unfold paper.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
