// What the translated Python finds in the browser: the parts of Python's standard library that it
// uses, and the functions of numbers.py, whose formats JavaScript does not have.
const math = {pi: Math.PI, inf: Infinity, nan: NaN, prod: (xs) => xs.reduce((a, b) => a * b, 1)};
for (const name of Object.getOwnPropertyNames(Math)) math[name] = Math[name];
math.isfinite = Number.isFinite;
math.log = (x, base) => (base === undefined ? Math.log(x) : Math.log(x) / Math.log(base));
math.isclose = (a, b, absolute = 1e-9) => Math.abs(a - b) <= absolute;
math.copysign = (size, sign) => (sign < 0 || Object.is(sign, -0) ? -1 : 1) * Math.abs(size);

function bisect_right(values, x) {
  let i = 0;
  while (i < values.length && values[i] <= x) i++;
  return i;
}

// Python writes at least two digits of an exponent.
const exponent = (text) => text.replace(/e([+-])(\d)$/, "e$10$2");

function short(number, digits = 3) {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "nan" : number < 0 ? "-inf" : "inf";
  if (number === 0) return "0";
  const [front, back] = number.toExponential(digits - 1).split("e");
  const plain = Number(back) >= -4 && (Number(back) < digits || Math.abs(number) < 1e7);
  return plain ? String(Number(number.toPrecision(digits))) : exponent(`${Number(front)}e${back}`);
}

function fixed(number, digits = 0) {
  return number.toFixed(digits);
}

function float(number) {
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) return exponent(number.toExponential());
  return Number.isInteger(number) ? `${number}.0` : String(number);
}

function literal(value, kind) {
  if (value === null || value === undefined) return "None";
  if (kind === "float") return float(value);
  if (kind === "bool") return value ? "True" : "False";
  if (kind === "str") return `'${value}'`;
  if (kind === "int") return String(value);
  const parts = value.map((each) => literal(each, kind.slice(1, -1))).join(", ");
  if (kind[0] === "[") return `[${parts}]`;
  return `(${parts}${value.length === 1 ? "," : ""})`;
}

// The number that was typed. A browser's own number field drops a decimal comma without a word.
function number_in(text) {
  return /^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?$/i.test(text) ? Number(text) : NaN;
}

function nearest_in(xs, x) {
  let best = 0;
  for (let i = 1; i < xs.length; i++) if (Math.abs(xs[i] - x) < Math.abs(xs[best] - x)) best = i;
  return best;
}

// The height of a line at x; null where it has none there.
function height_at({xs, ys, dots, steps}, x) {
  const near = nearest_in(xs, x);
  if (xs.length && Math.abs(xs[near] - x) <= 1e-9 * Math.abs(x)) return ys[near] ?? null;
  const after = xs.findIndex((each) => each > x);
  if (dots || after < 1) return null;
  const [from, to] = [ys[after - 1], ys[after]];
  return steps ? from : from + (to - from) * (x - xs[after - 1]) / (xs[after] - xs[after - 1]);
}

// The functions of schedules.py. Each widget fills the two tables with what it has translated.
const FORMULAS = {}; // name -> [formula, names of its parameters]
const WRITERS = {}; // peer -> name -> function that writes the peer's own call

function schedule_of(node, params) {
  const [formula, names] = FORMULAS[node.formula];
  const schedule = (step) => formula(step, ...names.map((name) => params[name]));
  return Object.assign(schedule, {formula, params, node});
}

function code_of(schedule) {
  const differs = (each) => String(schedule.params[each.name]) !== String(each.default);
  const shown = schedule.node.params.filter((each) => each.given || !("default" in each) || differs(each));
  const parts = shown.map((each) => `${each.name}=${value(schedule.params[each.name], each.kind)}`);
  return `Schedule(${[schedule.node.formula, ...parts].join(", ")})`;
}

function value(it, kind) {
  if (kind === "Schedule") return code_of(it);
  if (kind !== "(Schedule)") return literal(it, kind);
  return `(${it.map(code_of).join(", ")}${it.length === 1 ? "," : ""})`;
}

const NONE = Symbol("the peer has none");

function inner(schedule, peer) {
  const {key, params} = schedule.node;
  const names = {};
  for (const each of params) names[each.name] = schedule.params[each.name];
  const text = WRITERS[peer][key] ? WRITERS[peer][key](derived(names)) : null;
  if (text === null) throw NONE;
  return text;
}

const listed = (schedules, peer) => `[${schedules.map((each) => inner(each, peer)).join(", ")}]`;
const exp = Math.exp;
const joined = (texts) => texts.join("");

function native_call(schedule, peer) {
  try {
    return inner(schedule, peer);
  } catch (problem) {
    if (problem === NONE) return null;
    throw problem;
  }
}

function number_of(schedule) {
  const names = FORMULAS[schedule.node.formula][1];
  return schedule.formula(0, ...names.map((name) => (name === "then" ? () => 1 : schedule.params[name])));
}
