// What the translated Python finds in the browser: the parts of Python's standard library that it
// uses, and the functions of numbers.py, whose formats JavaScript does not have.
const math = {pi: Math.PI, inf: Infinity, nan: NaN, prod: (xs) => xs.reduce((a, b) => a * b, 1)};
for (const name of Object.getOwnPropertyNames(Math)) math[name] = Math[name];
math.isfinite = Number.isFinite;
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
