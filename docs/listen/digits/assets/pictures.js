"use strict";

// Pictures on a logarithmic frequency axis. Their files have even rows from 0 Hz upwards; the same
// file is drawn with rows of its own for every octave, so that no second one is needed.

{
  const [lowest, highest] = data.frequencies_hz;
  const octaves = Math.log2(highest / lowest);
  const isLog = () => root.dataset.axis === "log";

  // How far below the top of an even axis the frequency lies that a log axis has at this height.
  const below = (share) => 1 - 2 ** (-octaves * share);

  function draw(image) {
    const { naturalWidth: width, naturalHeight: bins } = image;
    if (!isLog() || !image.complete || !bins) return;
    let canvas = image.nextElementSibling;
    if (canvas?.dataset.source === image.currentSrc) return; // it is drawn
    if (!canvas) {
      canvas = document.createElement("canvas");
      canvas.setAttribute("aria-hidden", "true");
      image.after(canvas);
    }
    canvas.dataset.source = image.currentSrc;
    canvas.width = width;
    canvas.height = bins;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    for (let row = 0; row < bins; row++) {
      const [upper, lower] = [below(row / bins) * bins, below((row + 1) / bins) * bins];
      const height = Math.max(lower - upper, 1); // between two bins, something of both
      const top = Math.min((upper + lower - height) / 2, bins - height);
      context.drawImage(image, 0, Math.max(top, 0), width, height, 0, row, width, 1);
    }
  }

  const images = findAll(".sound img, .picture img");
  for (const image of images) {
    image.addEventListener("load", () => draw(image));
    draw(image);
  }
  for (const choice of findAll(".axis input")) {
    choice.checked = choice.value === root.dataset.axis; // a reload may have kept another
    choice.addEventListener("change", () => {
      root.dataset.axis = choice.value;
      images.forEach(draw);
    });
  }
}
