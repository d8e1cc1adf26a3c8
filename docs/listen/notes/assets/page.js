"use strict";

// What the other scripts share: what the page knows, how it finds its parts, and where arrows lead.

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.documentElement;
const find = (selector, within = document) => within.querySelector(selector);
const findAll = (selector, within = document) => [...within.querySelectorAll(selector)];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Index of the place nearest in a direction, places off its line counting as farther; else null.
function nearest(places, from, [dx, dy]) {
  let best = null;
  let least = Infinity;
  places.forEach((place, i) => {
    const x = place.x - places[from].x;
    const y = place.y - places[from].y;
    const along = x * dx + y * dy;
    const across = Math.abs(x * dy) + Math.abs(y * dx);
    const far = along + 4 * across; // less would leave points that no key leads to
    if (i !== from && along > 0.5 && far < least) [best, least] = [i, far];
  });
  return best;
}

// One card of each group is in the order of Tab; arrows move among all that it holds.
for (const group of findAll("[data-group]")) {
  const members = findAll(".sound, .sequence, .row", group);
  const reach = (chosen) => members.forEach((each) => { each.tabIndex = each === chosen ? 0 : -1; });
  reach(find(".sound", group));
  group.addEventListener("focusin", (event) => {
    if (members.includes(event.target)) reach(event.target);
  });
  group.addEventListener("keydown", (event) => {
    const from = members.indexOf(event.target);
    if (from < 0 || !(event.key in ARROWS)) return;
    event.preventDefault();
    const places = members.map((each) => {
      const box = each.getBoundingClientRect();
      return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    });
    members[nearest(places, from, ARROWS[event.key]) ?? from].focus();
  });
}

// Where a score comes from unfolds below it.
for (const button of findAll(".more")) {
  const unfold = (open) => {
    button.setAttribute("aria-expanded", open);
    document.getElementById(button.getAttribute("aria-controls")).hidden = !open;
  };
  unfold(false);
  button.addEventListener("click", () => unfold(button.getAttribute("aria-expanded") === "false"));
}
