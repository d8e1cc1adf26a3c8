"use strict";

// Curves of the training, codes in the plane, and the theme whose colours both have.

{
  const draw = []; // gives every chart the theme's colours
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);

  function colour(name) {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }

  Object.assign(Chart.defaults, { animation: false, responsive: true, maintainAspectRatio: false });
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.plugins.legend.display = false;
  Chart.defaults.plugins.tooltip.displayColors = false;

  function tooltipColours(chart) {
    Object.assign(chart.options.plugins.tooltip, {
      backgroundColor: colour("ink"), titleColor: colour("raised"), bodyColor: colour("raised"),
    });
  }

  // Like 0.123 or 12,300, never longer than it needs to be.
  const short = (value) => value.toLocaleString("en", { maximumSignificantDigits: 4 }).replace("-", "\u2212");

  function lineChart(figure, { steps, values }) {
    const points = steps.map((step, i) => ({ x: step, y: values[i] }));
    const chart = new Chart(find("canvas", figure), {
      type: "line",
      data: { datasets: [{ data: points, borderWidth: 1.5, pointRadius: points.length > 1 ? 0 : 3, pointHitRadius: 12, tension: 0 }] },
      options: {
        parsing: false,
        interaction: { mode: "nearest", axis: "x", intersect: false },
        scales: {
          x: { type: "linear", grid: { display: false }, ticks: { maxTicksLimit: 5, maxRotation: 0, callback: short }, max: steps.at(-1) },
          y: { ticks: { maxTicksLimit: 5, callback: short }, border: { display: false } },
        },
        plugins: { tooltip: { callbacks: {
          title: ([item]) => `iteration ${short(item.parsed.x)}`,
          label: (item) => short(item.parsed.y),
        } } },
      },
    });
    draw.push(() => {
      const { x, y } = chart.options.scales;
      x.ticks.color = y.ticks.color = colour("quiet");
      x.border = { color: colour("line") };
      y.grid = { color: colour("line") };
      chart.data.datasets[0].borderColor = chart.data.datasets[0].backgroundColor = colour("accent");
      tooltipColours(chart);
      chart.update("none");
    });
  }

  // Okabe and Ito's colours, told apart by colour-blind readers; black gives way to the ink.
  const OKABE_ITO = ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#56b4e9", "#cc79a7", "#f0e442", null];
  const MARKERS = ["circle", "triangle", "rect", "rectRot"];
  const RADIUS = { circle: 1, triangle: 1.25, rect: 1.2, rectRot: 1.25, crossRot: 1 }; // for equal weight
  const UNKNOWN = { style: "crossRot" };

  // Of viridis, the part that stands out from the background.
  function viridis(share) {
    const [low, high] = isDark() ? [60, 255] : [0, 225];
    return data.viridis[Math.round(low + share * (high - low))];
  }

  // How a label looks: colour and marker of each point, and what the legend says.
  function looks({ names, values }) {
    if (names) {
      const few = names.length <= OKABE_ITO.length;
      const kinds = names.map((name, i) => ({
        name,
        colour: few ? OKABE_ITO[i] ?? colour("ink") : viridis(i / (names.length - 1)),
        style: few ? "circle" : MARKERS[i % MARKERS.length],
      }));
      return { kinds, points: values.map((value) => kinds[value] ?? { ...UNKNOWN, colour: colour("quiet") }) };
    }
    const known = values.filter((value) => value !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return {
      range: known.length ? [low, high] : null,
      points: values.map((value) => (value === null
        ? { ...UNKNOWN, colour: colour("quiet") }
        : { style: "circle", colour: viridis(high > low ? (value - low) / (high - low) : 0.5) })),
    };
  }

  function faint(hex) {
    return `color-mix(in srgb, ${hex} 14%, transparent)`;
  }

  function swatch({ colour: fill, style }) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 32;
    const context = canvas.getContext("2d");
    context.fillStyle = fill;
    context.strokeStyle = style === UNKNOWN.style ? fill : colour("edge");
    Chart.helpers.drawPoint(context, { pointStyle: style, radius: 10 * RADIUS[style], borderWidth: 2 }, 16, 16);
    return canvas;
  }

  function pointPlot(figure, { x, y, sounds, labels }) {
    const plot = find(".plot", figure);
    const select = find("select", figure);
    const readout = find(".readout", figure);
    const legend = find(".legend", figure);
    let chosen = null; // the point that keys act on
    let singled = new Set(); // categories that stand out

    const label = () => labels[select?.selectedIndex ?? -1] ?? { name: "", values: x.map(() => null) };
    const value = ({ names, values }, i) => (values[i] === null ? "not known" : names ? names[values[i]] : short(values[i]));
    const describe = (i) => labels.map((each) => `${each.name}: ${value(each, i)}`);

    // A square of the plane, lest distances look different across and upwards.
    const span = (values) => [Math.min(...values), Math.max(...values)];
    const [[left, right], [bottom, top]] = [span(x), span(y)];
    const half = 0.54 * Math.max(right - left, top - bottom) || 1;
    const scale = (low, high) => ({ type: "linear", display: false, min: (low + high) / 2 - half, max: (low + high) / 2 + half });

    const chart = new Chart(find("canvas", figure), {
      type: "scatter",
      data: { datasets: [
        { data: [], pointRadius: 10, pointHitRadius: 0, pointBorderWidth: 2.5, pointBackgroundColor: "transparent", order: 0 },
        { data: x.map((each, i) => ({ x: each, y: y[i] })), pointBorderWidth: 1, order: 1 },
      ] },
      options: {
        scales: { x: scale(left, right), y: scale(bottom, top) },
        interaction: { mode: "nearest", intersect: true },
        plugins: { tooltip: {
          filter: (item) => item.datasetIndex === 1,
          callbacks: {
            title: ([item]) => (item ? data.sounds[sounds[item.dataIndex]][2] : ""),
            label: (item) => describe(item.dataIndex),
          },
        } },
        onHover: (event, items) => { plot.style.cursor = items.length ? "pointer" : ""; },
      },
    });
    const [ring, cloud] = chart.data.datasets;

    function recolour() {
      const { points } = looks(label());
      const edge = colour("edge");
      const out = (i) => singled.size > 0 && !singled.has(label().values[i]);
      const size = x.length > 400 ? 4 : 5;
      cloud.pointStyle = points.map((point) => point.style);
      cloud.pointRadius = points.map((point) => size * RADIUS[point.style]);
      cloud.pointHoverRadius = size + 3;
      cloud.pointHitRadius = 6;
      cloud.pointBackgroundColor = points.map((point, i) => (out(i) ? faint(point.colour) : point.colour));
      cloud.pointBorderColor = points.map((point, i) => (out(i) ? "transparent" : point.style === UNKNOWN.style ? point.colour : edge));
      ring.pointBorderColor = colour("ink");
      tooltipColours(chart);
      chart.update("none");
    }

    function explain() {
      const { kinds, range, points } = looks(label());
      legend.replaceChildren();
      for (const [i, kind] of (kinds ?? []).entries()) {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-pressed", singled.has(i));
        button.append(swatch(kind), kind.name);
        button.addEventListener("click", () => {
          if (!singled.delete(i)) singled.add(i);
          button.setAttribute("aria-pressed", singled.has(i));
          recolour();
        });
        legend.append(button);
      }
      if (range) {
        const bar = document.createElement("i");
        bar.style.background = `linear-gradient(to right, ${[0, .25, .5, .75, 1].map(viridis).join(", ")})`;
        const line = document.createElement("div");
        line.className = "scale";
        line.append(short(range[0]), bar, short(range[1]));
        legend.append(line);
      }
      const unknown = labels.length && points.find((point) => point.style === UNKNOWN.style);
      if (unknown) {
        const line = document.createElement("span");
        line.className = "unknown";
        line.append(swatch(unknown), "not known");
        legend.append(line);
      }
    }

    function choose(i) {
      chosen = i;
      ring.data = [{ x: x[i], y: y[i] }];
      chart.update("none");
      readout.textContent = [data.sounds[sounds[i]][2], ...describe(i)].join(" · ");
    }

    plot.addEventListener("click", (event) => {
      const [hit] = chart.getElementsAtEventForMode(event, "nearest", { intersect: true }, false).filter((item) => item.datasetIndex === 1);
      if (!hit) return;
      choose(hit.index);
      listening.play(sounds[hit.index], plot);
    });
    plot.addEventListener("focus", () => {
      if (chosen === null && plot.matches(":focus-visible")) choose(0);
    });
    plot.addEventListener("keydown", (event) => {
      const last = x.length - 1;
      if (event.key === "Enter") listening.play(sounds[chosen ?? 0], plot);
      else if (event.key === "Home") choose(0);
      else if (event.key === "End") choose(last);
      else if (event.key === "PageDown") choose(Math.min((chosen ?? -1) + 1, last));
      else if (event.key === "PageUp") choose(Math.max((chosen ?? 1) - 1, 0));
      else if (event.key === " " && listening.isIdle()) listening.play(sounds[chosen ?? 0], plot);
      else if (event.key in ARROWS) choose(chosen === null ? 0 : nearest(chart.getDatasetMeta(1).data, chosen, ARROWS[event.key]) ?? chosen);
      else return;
      event.preventDefault();
    });
    select?.addEventListener("change", () => {
      singled = new Set();
      recolour();
      explain();
    });
    draw.push(() => { recolour(); explain(); });
  }

  // Curves that are folded are drawn when they unfold.
  const drawCurves = (within) => findAll("[data-curve]", within).forEach((figure) => lineChart(figure, data.curves[figure.dataset.curve]));
  for (const frames of findAll(".curves")) {
    const fold = frames.closest("details");
    if (!fold || fold.open) {
      drawCurves(frames);
      continue;
    }
    fold.addEventListener("toggle", () => {
      const before = draw.length;
      drawCurves(frames);
      draw.slice(before).forEach((each) => each());
    }, { once: true });
  }
  for (const figure of findAll("[data-points]")) pointPlot(figure, data.points[figure.dataset.points]);

  // ---- Light and dark

  function showTheme() {
    find("#theme").setAttribute("aria-pressed", isDark());
    draw.forEach((each) => each());
  }

  find("#theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this visit alone */ }
    showTheme();
  });
  dark.addEventListener("change", showTheme);
  showTheme();
}
