// The controls of a panel: of each kind what makes it, and puts into `fields` how it shows the value.
// The rest is the panel's own (panel.js).
function makers({root, spec, values, fields, make, row, named, button, set, refuse}) {
  const MAKE = {
    slider(control) {
      const [id, label] = named(control);
      const whole = control.scale === "whole";
      const range = make("input", {
        type: "range", id, step: "1", min: whole ? control.low : 0, max: whole ? control.high : the_PLACES,
      });
      const number = make("input", {
        type: "text", inputmode: "decimal", class: "lr-number", "aria-label": `${control.label}, exact value`,
      });
      range.addEventListener("input", () => set(control.name, slider_value(control, Number(range.value))));
      const write = () => { number.value = values[control.name] === null ? "" : String(values[control.name]); };
      number.addEventListener("blur", write);
      number.addEventListener("change", () => {
        const got = number.value.trim();
        const typed = got === "" && control.optional ? null : number_in(got);
        const [least, most] = control.allowed;
        const wrong = typed !== null && (!Number.isFinite(typed) || (whole && !Number.isInteger(typed))
          || (least !== null && (control.above ? typed <= least : typed < least)) || (most !== null && typed > most));
        if (wrong) {
          const kind = whole ? "a whole number" : "a number";
          const most_ = most === null ? "" : ` and at most ${most}`;
          const least_ = least === null ? "" : ` ${control.above ? "above" : "of at least"} ${least}`;
          refuse(`${control.label} must be ${kind}${least_}${most_}`, got);
        } else set(control.name, typed);
        write();
      });
      if (control.optional) number.placeholder = "default";
      fields[control.name] = () => {
        const value = values[control.name];
        range.value = slider_place(control, value === null ? control.low : value);
        range.setAttribute("aria-valuetext", value === null ? "default" : short(value, 4));
        if (document.activeElement !== number) write(); // nor while somebody types
      };
      row(control, label, range, number);
    },
    play(control) {
      MAKE.slider({...control, scale: "whole"});
      let ticks = null;
      const stop = () => {
        clearInterval(ticks);
        ticks = null;
        play.textContent = "Play";
      };
      const play = button("Play", () => {
        if (ticks !== null) return stop();
        if (values[control.name] >= control.high) values[control.name] = control.low;
        play.textContent = "Pause";
        const step = Math.max(1, Math.round((control.high - control.low) / 100));
        ticks = setInterval(() => {
          if (!root.isConnected || values[control.name] >= control.high) return stop();
          set(control.name, Math.min(control.high, values[control.name] + step));
        }, 60);
      });
      row(control, make("span", {class: "lr-buttons"}, play));
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
      const [id] = named(control);
      const list = make("div", {class: "lr-several", id, role: "group", "aria-label": control.label,
        "aria-description": "the arrow keys go through them"});
      const all = `Show all ${control.options.length}`;
      const more = button(all, () => {
        const open = list.classList.toggle("lr-open");
        more.setAttribute("aria-expanded", open);
        more.textContent = open ? "Show fewer" : all;
      });
      more.setAttribute("aria-expanded", false);
      more.setAttribute("aria-controls", id);
      const boxes = control.options.map((option) => {
        const box = make("input", {type: "checkbox", value: option});
        box.addEventListener("change", () => {
          set(control.name, boxes.filter((each) => each.checked).map((each) => each.value));
        });
        list.append(make("label", {}, box, " ", option));
        return box;
      });
      boxes.forEach((box, i) => { box.tabIndex = i ? -1 : 0; });
      list.addEventListener("keydown", (event) => { // one stop for Tab; the arrow keys go on from it
        const turn = {ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1}[event.key];
        const next = turn && boxes[boxes.indexOf(event.target) + turn];
        if (!next) return;
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
        event.preventDefault();
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
      const text = make("input", {type: "text", id, class: "lr-wide"}); // a keypad may have no comma
      text.addEventListener("change", () => {
        const typed = text.value.split(",").filter((each) => each.trim()).map((each) => number_in(each.trim()));
        const [whole, least] = [control.scale === "whole", control.allowed[0]];
        const wrong = (each, i) => !(each >= least && each < Infinity)
          || (whole && (!Number.isInteger(each) || each <= typed[i - 1]));
        if (!typed.length || typed.some(wrong)) {
          const kind = whole ? "increasing whole numbers" : "numbers";
          refuse(`${control.label} must be ${kind} of at least ${least} with commas between`, text.value.trim());
        } else set(control.name, typed);
      });
      fields[control.name] = () => {
        if (document.activeElement !== text) text.value = values[control.name].map((each) => short(each, 6)).join(", ");
      };
      row(control, label, text);
    },
    curve(control) {
      const reset = button(`Reset the ${control.label}`, () => set(control.name, [...spec.values[control.name]]));
      fields[control.name] = () => {
        reset.ariaDisabled = String(values[control.name]) === String(spec.values[control.name]);
      };
      row(control, make("span", {class: "lr-buttons"}, reset));
    },
    note(control) {
      const note = button(control.label, () => {
        set(control.name, [...values[control.name], values[control.notes]]);
      });
      const clear = button("Undo", () => set(control.name, values[control.name].slice(0, -1)));
      const hint = make("span", {class: "lr-hint"});
      fields[control.name] = () => {
        const [now, noted] = [values[control.notes], values[control.name]];
        clear.ariaDisabled = !noted.length;
        const outside = now < control.allowed[0] || now > control.allowed[1];
        note.ariaDisabled = outside || noted.includes(now);
        hint.textContent = outside ? control.hint : "";
      };
      row(control, make("span", {class: "lr-buttons"}, hint, note, clear));
    },
  };
  return MAKE;
}
