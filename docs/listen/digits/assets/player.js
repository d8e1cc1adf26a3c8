"use strict";

// Sound. One element plays all, so that there is never more than one sound at a time; a second one
// holds a recording's reconstruction, or the recording of that, and plays while it is asked for.

const listening = (() => {
  const player = find("#player");
  const front = find("#audio");
  const back = find("#counterpart");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let heard = front; // or `back`
  let owner = null; // what was pressed: a card, or a plot
  let other = null; // the card of what `back` holds
  let queue = []; // cards yet to play in order
  let sequence = null; // the button that started the queue
  let loops = false;

  const soundOf = (card) => data.sounds[Number(card.dataset.sound)];

  function play(number, by, rest = [], button = null) {
    mark(false);
    back.pause();
    heard = front;
    owner = by;
    queue = rest;
    sequence = button;
    other = counterpart(by);
    player.hidden = false;
    front.src = data.sounds[number][0];
    if (other) {
      back.src = soundOf(other)[0];
      back.preload = "auto";
    }
    setLoop();
    tell(data.sounds[number]);
    start();
  }

  function start() {
    heard.play().catch((error) => {
      if (error.name !== "AbortError") { // that is another sound begun meanwhile
        find("#playing-note").textContent = `This sound cannot be played: ${error.message}`;
        mark(false);
      }
    });
  }

  function toggle() {
    if (heard.paused) start();
    else heard.pause();
  }

  // The player's words, picture and link for a sound.
  function tell([source, picture, name, note]) {
    find("#playing-name").textContent = name;
    find("#playing-note").textContent = note;
    find("#playing-picture").hidden = !picture;
    if (picture) find("#playing-picture img").src = picture;
    const save = find("#save");
    save.href = source;
    save.download = name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, "_") + source.slice(source.lastIndexOf("."));
    find("#other").hidden = !other;
    if (other) find("#other span").textContent = kindOf(other);
  }

  const kindOf = (card) => find("h4", card.closest(".kind")).textContent.toLowerCase();

  function mark(playing) {
    player.dataset.state = playing ? "playing" : "stopped";
    find("#toggle").setAttribute("aria-label", playing ? "Pause" : "Play");
    for (const [card, element] of [[owner, front], [other, back]]) {
      if (card?.matches(".sound")) card.setAttribute("aria-pressed", playing && heard === element);
    }
    if (sequence) {
      sequence.dataset.text ??= sequence.textContent;
      sequence.setAttribute("aria-pressed", playing);
      sequence.textContent = playing ? "Stop" : sequence.dataset.text;
    }
  }

  function follow() {
    const at = heard.duration ? Math.min(heard.currentTime / heard.duration, 1) : 0;
    player.style.setProperty("--at", at);
    for (const card of [owner, other]) {
      if (card?.matches(".sound")) card.style.setProperty("--at", at);
    }
    if (!heard.paused && !heard.ended && !still.matches) requestAnimationFrame(follow);
  }

  for (const element of [front, back]) {
    const ifHeard = (act) => () => { if (element === heard) act(); };
    element.addEventListener("play", ifHeard(() => { mark(true); follow(); }));
    element.addEventListener("pause", ifHeard(() => mark(false)));
    element.addEventListener("ended", ifHeard(() => {
      follow();
      if (queue.length) playNext(queue);
      else if (sequence && loops) playNext(inOrder(sequence));
      else mark(false);
    }));
  }

  // ---- One after the other

  const inOrder = (button) => findAll(".sound", button.closest("[data-group]"));

  function playNext([next, ...rest], button = sequence) {
    play(Number(next.dataset.sound), next, rest, button);
  }

  for (const card of findAll(".sound")) {
    card.addEventListener("click", () => {
      if ((card === owner || card === other) && player.dataset.state === "playing") heard.pause();
      else play(Number(card.dataset.sound), card);
    });
  }
  for (const button of findAll(".sequence")) {
    button.addEventListener("click", () => {
      if (button === sequence && !heard.paused) heard.pause();
      else playNext(inOrder(button), button);
    });
  }

  // ---- Again and again

  function setLoop() {
    front.loop = back.loop = loops && !sequence; // of a sequence, all of it
  }

  function toggleLoop() {
    loops = !loops;
    find("#loop").setAttribute("aria-pressed", loops);
    setLoop();
  }

  find("#loop").addEventListener("click", toggleLoop);
  find("#toggle").addEventListener("click", toggle);

  // ---- A recording against its reconstruction

  function counterpart(card) {
    if (!card.dataset.pair) return null;
    const pair = findAll(`[data-pair="${card.dataset.pair}"]`, card.closest("[data-group]"));
    return pair.find((each) => each !== card) ?? null;
  }

  // Goes on at the same place with the other of the two, or with the one that was pressed.
  function swap(toBack) {
    const [from, to] = toBack ? [front, back] : [back, front];
    if (!other || heard === to || (toBack && heard.paused)) return;
    const plays = !from.paused;
    heard = to;
    to.currentTime = from.currentTime;
    from.pause();
    tell(soundOf(toBack ? other : owner));
    find("#other").setAttribute("aria-pressed", toBack);
    mark(plays);
    if (plays) start();
  }

  const button = find("#other");
  button.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    button.setPointerCapture(event.pointerId);
    swap(true);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(end, () => swap(false));
  }
  button.addEventListener("contextmenu", (event) => event.preventDefault()); // by a long press
  addEventListener("blur", () => swap(false));

  const holds = (event) => event.key.toLowerCase() === "b" || (event.target === button && [" ", "Enter"].includes(event.key));

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (holds(event) && !event.target.closest("select")) {
      event.preventDefault();
      if (!event.repeat) swap(true);
    } else if (event.key.toLowerCase() === "l" && !event.target.closest("select")) {
      if (!event.repeat) toggleLoop();
    } else if (event.key === " " && !event.target.closest("button, select, a, input, summary") && !player.hidden) {
      event.preventDefault();
      if (!event.repeat) toggle();
    }
  });
  document.addEventListener("keyup", (event) => {
    if (holds(event)) swap(false);
  });

  return { play, isIdle: () => player.hidden };
})();
