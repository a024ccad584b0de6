// What moves a panel: controls are made from the spec, and whenever one changes, the translated
// `view` is called and its picture, words and code are put in place. What a schedule or a chart is
// stands in Python only.
function mount(root, spec, view) {
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
  // JupyterLab takes the arrow keys away from what is focused inside of an output.
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && !event.shiftKey && !event.ctrlKey) event.stopPropagation();
  });

  // --- controls ---------------------------------------------------------------------------------

  const fields = {}; // name -> a function that shows the present value
  const rows = [];
  const groups = {};
  let count = 0;

  function set(name, value) {
    values[name] = value;
    show();
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

  const MAKE = {
    slider(control) {
      const [id, label] = named(control);
      const whole = control.scale === "whole";
      const range = make("input", {
        type: "range", id, step: "1", min: whole ? control.low : 0, max: whole ? control.high : the_PLACES,
      });
      const number = make("input", {
        type: "number", step: whole ? "1" : "any", "aria-label": `${control.label}, exact value`,
      });
      range.addEventListener("input", () => set(control.name, slider_value(control, Number(range.value))));
      number.addEventListener("change", () => {
        const got = number.validity.badInput ? "what is no number" : number.value.trim() || "nothing";
        const typed = got === "nothing" && control.optional ? null : Number(got); // a word is no number
        const [least, most] = control.allowed;
        const wrong = typed !== null && (!Number.isFinite(typed) || (whole && !Number.isInteger(typed))
          || (least !== null && (control.above ? typed <= least : typed < least)) || (most !== null && typed > most));
        if (wrong) {
          const kind = whole ? "a whole number" : "a number";
          const most_ = most === null ? "" : ` and at most ${most}`;
          fields[control.name]();
          const least_ = least === null ? "" : ` ${control.above ? "above" : "of at least"} ${least}`;
          error.textContent = `${control.label} must be ${kind}${least_}${most_}, got ${got}`;
        } else set(control.name, typed);
      });
      if (control.optional) number.placeholder = "default";
      fields[control.name] = () => {
        const value = values[control.name];
        range.value = slider_place(control, value === null ? control.low : value);
        range.setAttribute("aria-valuetext", value === null ? "default" : short(value, 4));
        number.value = value === null ? "" : String(value);
      };
      row(control, label, range, number);
    },
    play(control) {
      MAKE.slider({...control, scale: "whole"});
      const button = make("button", {type: "button"}, "Play");
      let timer = null;
      const stop = () => {
        clearInterval(timer);
        timer = null;
        button.textContent = "Play";
      };
      button.addEventListener("click", () => {
        if (timer !== null) return stop();
        if (values[control.name] >= control.high) values[control.name] = control.low;
        button.textContent = "Pause";
        const step = Math.max(1, Math.round((control.high - control.low) / 100));
        timer = setInterval(() => {
          if (!root.isConnected || values[control.name] >= control.high) return stop();
          set(control.name, Math.min(control.high, values[control.name] + step));
        }, 60);
      });
      row(control, make("span", {class: "lr-buttons"}, button));
    },
    choice(control) {
      const [id, label] = named(control);
      const select = make("select", {id, class: "lr-wide"});
      for (const option of control.options) select.append(make("option", {value: option}, option));
      select.addEventListener("change", () => set(control.name, select.value));
      fields[control.name] = () => { select.value = values[control.name]; };
      row(control, label, select);
    },
    several(control) {
      const id = `${root.id}-${count++}`;
      const list = make("div", {class: "lr-several", id, role: "group", "aria-label": control.label});
      const all = `Show all ${control.options.length}`;
      const more = make("button", {type: "button", "aria-expanded": "false", "aria-controls": id}, all);
      more.addEventListener("click", () => {
        const open = list.classList.toggle("lr-open");
        more.setAttribute("aria-expanded", open);
        more.textContent = open ? "Show fewer" : all;
      });
      const boxes = control.options.map((option) => {
        const box = make("input", {type: "checkbox", value: option});
        box.addEventListener("change", () => {
          set(control.name, boxes.filter((each) => each.checked).map((each) => each.value));
        });
        list.append(make("label", {}, box, " ", option));
        return box;
      });
      fields[control.name] = () => {
        for (const box of boxes) box.checked = values[control.name].includes(box.value);
      };
      row(control, list, make("span", {class: "lr-buttons"}, more));
    },
    flag(control) {
      const [id, label] = named(control);
      const box = make("input", {type: "checkbox", id});
      box.addEventListener("change", () => set(control.name, box.checked));
      fields[control.name] = () => { box.checked = values[control.name]; };
      row(control, label, make("span", {}, box));
    },
    numbers(control) {
      const [id, label] = named(control);
      const text = make("input", {type: "text", id, class: "lr-wide", inputmode: "decimal"});
      text.addEventListener("change", () => {
        const typed = text.value.split(",").filter((each) => each.trim()).map(Number);
        const whole = control.scale === "whole";
        if (!typed.length || typed.some((each) => !(whole ? Number.isInteger(each) : each >= 0))) {
          error.textContent =
            `${control.label} must be ${whole ? "whole " : ""}numbers with commas between, got ${text.value.trim() || "nothing"}`;
        } else set(control.name, typed);
      });
      fields[control.name] = () => {
        if (document.activeElement !== text) text.value = values[control.name].map((each) => short(each, 6)).join(", ");
      };
      row(control, label, text);
    },
    curve(control) {
      fields[control.name] = () => {};
    },
    note(control) {
      const button = make("button", {type: "button"}, control.label);
      const clear = make("button", {type: "button"}, "Undo");
      button.addEventListener("click", () => {
        set(control.name, [...values[control.name], values[control.notes]]);
      });
      clear.addEventListener("click", () => set(control.name, values[control.name].slice(0, -1)));
      fields[control.name] = () => { clear.disabled = !values[control.name].length; };
      row(control, make("span", {class: "lr-buttons"}, button, clear));
    },
  };
  for (const control of spec.controls) MAKE[control.kind](control);
  const again = make("button", {type: "button"}, "Start over");
  again.addEventListener("click", () => {
    Object.assign(values, structuredClone(spec.values));
    show();
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
    } catch (problem) { // a formula that refuses these parameters says why; the last picture stays
      error.textContent = String(problem.message).replace(/^\w+: ?/, "");
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
    clearTimeout(timer); // read out when the hand rests, not at every step of a slider
    timer = setTimeout(() => {
      said.textContent = `${shown.report} ${spec.goal ? goal.textContent : ""}`;
    }, 600);
  }

  function write(pairs) {
    if (blocks.length !== pairs.length) {
      blocks = pairs.map(([heading]) => {
        const text = make("code");
        const copy = make("button", {type: "button", "aria-label": `Copy the code: ${heading}`}, "Copy");
        copy.addEventListener("click", async () => {
          try {
            await navigator.clipboard.writeText(text.textContent);
            copy.textContent = "Copied";
          } catch { // not allowed in this page: then the text is marked, to copy by hand
            getSelection().selectAllChildren(text);
            copy.textContent = "Press Ctrl+C";
          }
          setTimeout(() => { copy.textContent = "Copy"; }, 1500);
        });
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
    const parts = [];
    layout(chart, width).tops.forEach((top, i) => {
      if (chart.rows[i].x) return; // another axis than the one that is read
      const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
      line.setAttribute("d", `M${x} ${top}V${top + chart.rows[i].height}`);
      line.setAttribute("class", "lr-cursor");
      svg.append(line);
      for (const each of chart.rows[i].lines) {
        if (!each.label) continue;
        const near = nearest(each.xs, cursor);
        const value = each.ys[near];
        if (value !== null && value !== undefined) parts.push(`${each.label} ${short(value, 4)}`);
      }
    });
    readout.textContent = `${chart.x.label} ${short(cursor, 4)}: ${parts.join(", ")}`;
  }

  function readable() { // the line whose points the arrow keys go along
    const shared = chart.rows.filter((each) => !each.x).flatMap((each) => each.lines);
    return shared.find((each) => each.label && each.xs.length);
  }

  function nearest(xs, x) {
    let best = 0;
    for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - x) < Math.abs(xs[best] - x)) best = i;
    return best;
  }

  function spot(event) { // the pointer, in the picture's own units
    const box = figure.querySelector("svg").getBoundingClientRect();
    const scale = width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  function read(x) {
    const value = unplace(Math.min(right, Math.max(left, x)), chart.x, left, right);
    const first = readable();
    cursor = first ? first.xs[nearest(first.xs, value)] : value;
    point();
  }

  let held = null; // the control whose line is dragged, or the drawn curve
  let before = null;
  figure.addEventListener("pointerdown", (event) => {
    const [x] = spot(event);
    held = drawn ?? null;
    for (const control of spec.controls) {
      const there = control.drag ? place(values[control.name], chart.x, left, right) : null;
      if (there !== null && Math.abs(there - x) < 14) held = control;
    }
    if (held === null) return;
    before = null;
    figure.setPointerCapture(event.pointerId);
    event.preventDefault();
    figure.focus();
    move(event);
  });
  figure.addEventListener("pointermove", (event) => {
    if (held) move(event);
    else read(spot(event)[0]);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    figure.addEventListener(name, () => { held = null; });
  }
  figure.addEventListener("pointerleave", () => {
    cursor = null;
    point();
  });

  function move(event) {
    const [x, y] = spot(event);
    if (held.kind !== "curve") {
      const value = unplace(x, chart.x, left, right);
      const kept = Math.min(held.high, Math.max(held.low, value));
      return set(held.name, held.scale === "whole" ? Math.round(kept) : Number(kept.toPrecision(4)));
    }
    const top = layout(chart, width).tops[0];
    const height = unplace(y, limits_of(chart.rows[0]), top + chart.rows[0].height, top);
    const list = [...values[held.name]];
    const now = Math.min(list.length - 1, Math.max(0, Math.round(unplace(x, chart.x, left, right))));
    const from = before ?? now;
    for (let i = Math.min(from, now); i <= Math.max(from, now); i++) list[i] = bounded(height);
    before = now;
    set(held.name, list);
  }

  function bounded(value) {
    return Number(Math.min(drawn.high, Math.max(drawn.low, value)).toPrecision(3));
  }

  figure.addEventListener("keydown", (event) => {
    const first = chart && readable();
    if (!first) return;
    const now = cursor === null ? 0 : nearest(first.xs, cursor);
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
