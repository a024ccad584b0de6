// What moves a panel: controls are made from the spec (controls.js), and whenever one changes, the
// translated `view` is called and its picture, words and code are put in place. What a schedule or a
// chart is stands in Python only.
function mount(root, spec, view) {
  if (document.querySelectorAll(`[id="${root.id}"]`).length > 1) root.id += `-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const values = structuredClone(spec.values);
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const controls = make("div", {class: "lr-controls"});
  const readout = make("p", {class: "lr-readout"});
  const figure = make("div", {
    class: "lr-figure", tabindex: "0", role: "group", "aria-label": "picture; the arrow keys read it",
  });
  const error = make("p", {class: "lr-error", role: "alert"});
  const report = make("pre", {class: "lr-report"});
  const goal = make("p", {class: "lr-goal"});
  const code = make("div", {class: "lr-code"});
  const said = make("p", {class: "lr-said", role: "status"});
  const drawn = spec.controls.find((each) => each.kind === "curve");
  if (drawn) figure.classList.add("lr-drawn");
  root.replaceChildren(make("div", {class: "lr-body"},
    make("div", {class: "lr-seen"}, figure, readout, error), make("div", {class: "lr-side"}, controls, goal),
    make("div", {class: "lr-words"}, report, code), said));
  // JupyterLab takes keys away from what is focused inside of an output: arrows, and letters, with
  // which it changes the notebook. Left to it: Escape, to run the cell, what is pressed with Ctrl.
  root.addEventListener("keydown", (event) => {
    const runs = event.key === "Enter" && event.shiftKey;
    if (event.key !== "Escape" && !runs && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  });

  // --- controls ---------------------------------------------------------------------------------

  const fields = {}; // name -> a function that shows the present value
  const rows = [];
  const groups = {};
  let count = 0;

  function set(name, value) {
    values[name] = value;
    show();
    tell();
  }

  // A button that cannot be pressed now keeps the focus: `disabled` would take it away.
  function button(text, act) {
    const made = make("button", {type: "button"}, text);
    made.addEventListener("click", () => { if (made.ariaDisabled !== "true") act(); });
    return made;
  }

  function row(control, ...parts) {
    const node = make("div", {class: "lr-row", "data-name": control.name}, ...parts);
    const heading = control.group;
    if (!(heading in groups)) {
      groups[heading] = make("fieldset", {}, make("legend", {}, heading || "Settings"));
      controls.append(groups[heading]);
    }
    groups[heading].append(node);
    rows.push([node, control]);
  }

  function named(control) {
    const id = `${root.id}-${count++}`;
    return [id, make("label", {for: id}, control.label)];
  }

  function refuse(wanted, text) {
    clearTimeout(timer);
    const point = /^[0-9]+,[0-9]+$/.test(text) ? ` (with a point: ${text.replace(",", ".")})` : "";
    error.textContent = `${wanted}, got ${text || "nothing"}${point}`;
  }

  const MAKE = makers({root, spec, values, fields, make, row, named, button, set, refuse});
  for (const control of spec.controls) MAKE[control.kind](control);
  const again = button("Start over", () => {
    Object.assign(values, structuredClone(spec.values));
    show();
    tell();
  });
  controls.append(make("div", {}, again));

  // --- what is shown ----------------------------------------------------------------------------

  let chart = null; // the last one that was drawn
  let cursor = null; // where the pointer reads it, as a value of the x axis
  let blocks = [];
  let timer = null;

  function show() {
    const headings = new Set(); // of the groups in which something is shown
    for (const [node, control] of rows) {
      const present = control.when ? values[control.when[0]] : null;
      const hidden = Boolean(control.when)
        && !(Array.isArray(present) ? present.includes(control.when[1]) : present === control.when[1]);
      if (hidden !== node.hidden) { // the explorer has the controls of forty schedules: touch few
        node.hidden = hidden;
        node.style.display = hidden ? "none" : "";
      }
      if (hidden) continue;
      fields[control.name]();
      headings.add(control.group);
    }
    for (const heading in groups) groups[heading].style.display = headings.has(heading) ? "" : "none";
    let shown;
    try {
      shown = view(values, spec.data);
      error.textContent = "";
      root.classList.remove("lr-refused");
    } catch (problem) { // a formula that refuses these parameters says why; the last picture stays
      error.textContent = `${String(problem.message).replace(/^\w+: ?/, "")}. What is shown is from before.`;
      root.classList.add("lr-refused"); // pale, picture and code
      if (spec.goal) {
        goal.textContent = verdict(spec.goal, false, "these settings are refused");
        goal.dataset.reached = false;
      }
      return;
    }
    chart = shown.chart;
    figure.innerHTML = draw(chart, width);
    point();
    report.textContent = shown.report;
    if (spec.goal) {
      goal.textContent = verdict(spec.goal, shown.reached, shown.missing);
      goal.dataset.reached = shown.reached;
    }
    write(shown.code);
  }

  function tell() { // read out when the hand rests, not at every step of a slider
    clearTimeout(timer);
    if (error.textContent) return; // which is read out itself
    timer = setTimeout(() => { said.textContent = `${report.textContent} ${goal.textContent}`; }, 600);
  }

  function write(pairs) {
    if (blocks.length !== pairs.length) {
      blocks = pairs.map(([heading]) => {
        const text = make("code");
        const copy = button("Copy", async () => {
          try {
            await navigator.clipboard.writeText(text.textContent);
            copy.textContent = "Copied";
          } catch { // not allowed in this page: then the text is marked, to copy by hand
            getSelection().selectAllChildren(text);
            copy.textContent = "Press Ctrl+C";
          }
          setTimeout(() => { copy.textContent = "Copy"; }, 1500);
        });
        copy.ariaLabel = `Copy the code: ${heading}`;
        return [make("span"), text, make("header"), copy];
      });
      code.replaceChildren(...blocks.map(([heading, text, header, copy]) => {
        header.append(heading, copy);
        return make("div", {}, header, make("pre", {}, text));
      }));
    }
    pairs.forEach(([heading, text], i) => {
      blocks[i][0].textContent = heading;
      blocks[i][1].textContent = text;
    });
  }

  // --- reading the picture, and drawing on it -----------------------------------------------------

  let width = the_WIDTH; // of the picture, in its own units: on a phone fewer, so that words stay legible
  const left = the_LEFT;
  let right = width - the_RIGHT;
  new ResizeObserver(([{contentRect}]) => {
    const now = contentRect.width > 0 && contentRect.width < 480 ? 400 : the_WIDTH;
    if (now === width) return;
    [width, right] = [now, now - the_RIGHT];
    show();
  }).observe(figure);

  function point() {
    figure.querySelectorAll(".lr-cursor").forEach((each) => each.remove());
    if (cursor === null || chart === null) {
      readout.textContent = "";
      return;
    }
    const x = place(cursor, chart.x, left, right);
    const svg = figure.querySelector("svg");
    const read = [];
    layout(chart, width).tops.forEach((top, i) => {
      if (chart.rows[i].x) return; // another axis than the one that is read
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("d", `M${x} ${top}V${top + chart.rows[i].height}`);
      line.setAttribute("class", "lr-cursor");
      svg.append(line);
      const [parts, lines] = [[], []];
      let last = null; // the line without a label after one of the same look is the other end of it
      for (const each of chart.rows[i].lines) {
        const value = height_at(each, cursor);
        if (value !== null && each.label) {
          lines.push(each.label);
          parts.push(`${each.label} ${short(value, 4)}`);
        } else if (value !== null && last && last.color === each.color && last.dash === each.dash && !each.dots) {
          parts.push(`${parts.pop()} to ${short(value, 4)}`);
        }
        last = value !== null && each.label ? each : null;
      }
      if (parts.length) read.push([chart.rows[i].label, parts.join(", "), lines]);
    });
    const names = read.flatMap(([label, parts, lines]) => lines);
    const twice = new Set(names).size < names.length; // only then is it said which row it is
    const said = read.map(([label, parts]) => (twice ? `${label}: ${parts}` : parts)).join("; ");
    readout.textContent = `${chart.x.label} ${short(cursor, 4)}: ${said}`;
  }

  function readable() { // the line whose points the arrow keys go along
    const shared = chart.rows.filter((each) => !each.x).flatMap((each) => each.lines);
    return shared.find((each) => each.label && each.xs.length);
  }

  function spot(event) { // the pointer, in the picture's own units
    const box = figure.querySelector("svg").getBoundingClientRect();
    const scale = width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  function read(x) {
    const value = unplace(Math.min(right, Math.max(left, x)), chart.x, left, right);
    const first = readable();
    cursor = first ? first.xs[nearest_in(first.xs, value)] : value;
    point();
  }

  let held = null; // the control whose line is dragged, or the drawn curve
  let kept = null; // its value when it was taken hold of
  let before = null; // where a stroke was last, and how high
  figure.addEventListener("pointerdown", (event) => {
    if (event.button || !event.isPrimary) return; // a menu, a second finger
    const [x, y] = spot(event);
    const top = layout(chart, width).tops[0];
    const inside = x >= left && x <= right && y >= top && y <= top + chart.rows[0].height;
    held = drawn && inside ? drawn : null;
    const own = layout(chart, width).tops.some((at, i) => chart.rows[i].x && y >= at && y <= at + chart.rows[i].height);
    let least = own ? 0 : 14; // pixels; in a row with an axis of its own, nothing is dragged
    for (const control of spec.controls) {
      const there = control.drag ? place(values[control.name], chart.x, left, right) : null;
      if (there === null || Math.abs(there - x) >= least) continue;
      [held, least] = [control, Math.abs(there - x)];
    }
    if (held === null) return read(x);
    [kept, before] = [values[held.name], null];
    figure.setPointerCapture(event.pointerId);
    event.preventDefault();
    figure.focus();
    move(event);
  });
  figure.addEventListener("pointermove", (event) => {
    if (held) move(event);
    else read(spot(event)[0]);
  });
  figure.addEventListener("pointerup", () => { held = null; });
  figure.addEventListener("pointercancel", () => { // the page took it, to scroll or to zoom: undone
    if (held) set(held.name, kept);
    held = null;
    unread();
  });
  figure.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") unread(); // a finger that is lifted leaves what it read
  });

  function unread() {
    cursor = null;
    point();
  }

  function move(event) {
    const [x, y] = spot(event);
    if (held.kind !== "curve") {
      const value = unplace(x, chart.x, left, right);
      const kept = Math.min(held.high, Math.max(held.low, value));
      return set(held.name, held.scale === "whole" ? Math.round(kept) : Number(kept.toPrecision(4)));
    }
    const top = layout(chart, width).tops[0];
    const height = bounded(unplace(y, limits_of(chart.rows[0]), top + chart.rows[0].height, top));
    const list = [...values[held.name]];
    const at = Math.round(unplace(x, chart.x, left, right) - chart.x.low);
    const now = Math.min(list.length - 1, Math.max(0, at));
    const [from, start] = before ?? [now, height];
    list[now] = height;
    for (let i = Math.min(from, now) + 1; i < Math.max(from, now); i++) {
      list[i] = bounded(start + (height - start) * (i - from) / (now - from));
    }
    before = [now, height];
    set(held.name, list);
  }

  function bounded(value) {
    return Number(Math.min(drawn.high, Math.max(drawn.low, value)).toPrecision(3));
  }

  figure.addEventListener("keydown", (event) => {
    const first = chart && readable();
    if (!first) return;
    const now = cursor === null ? 0 : nearest_in(first.xs, cursor);
    const step = {ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10}[event.key];
    const turn = {ArrowUp: 1, ArrowDown: -1}[event.key];
    if (step) {
      cursor = first.xs[Math.min(first.xs.length - 1, Math.max(0, now + step))];
      point();
    } else if (turn && drawn) {
      const list = [...values[drawn.name]];
      list[now] = bounded(list[now] + turn * (drawn.high - drawn.low) / 40);
      cursor ??= first.xs[0];
      set(drawn.name, list);
    } else return;
    said.textContent = readout.textContent;
    event.preventDefault();
  });

  show();
}
