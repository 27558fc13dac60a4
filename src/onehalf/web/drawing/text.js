/** Texts with subscripts, superscripts and formulas, as elements of the page. */

/** Fill {name} in a text; a name that is not given stays. */
export function fill(text, values) {
  return text.replace(/(?<![_^])\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Turn `p_{g}` and `D^{*}` into elements; in formulas single letters are slanted. */
export function renderText(text, isFormula = false) {
  const parts = document.createDocumentFragment();
  for (const part of text.split(/([_^]\{[^}]*\})/)) {
    const script = /^([_^])\{(.*)\}$/.exec(part);
    if (script) {
      const element = document.createElement(script[1] === "_" ? "sub" : "sup");
      element.textContent = script[2];
      parts.append(element);
    } else if (isFormula) {
      parts.append(...slantLetters(part));
    } else {
      parts.append(part);
    }
  }
  return parts;
}

/** Slant single letters, but not words such as log. */
function slantLetters(text) {
  return text.split(/(?<![\p{L}])([A-Za-zψθγ])(?![\p{L}])/u).map((part, at) => {
    if (at % 2 === 0) return part;
    const letter = document.createElement("i");
    letter.textContent = part;
    return letter;
  });
}

/** Choose a language: the one asked for, else that of the browser, else English. */
export function chooseLanguage(languages, wanted, browser) {
  if (wanted in languages) return wanted;
  const short = browser.slice(0, 2);
  return short in languages ? short : "en";
}

/** Put a text into an element. */
export function setText(element, text, isFormula = false) {
  element.replaceChildren(renderText(text, isFormula));
}

/** Write a number with this number of digits after the point, and a true minus sign. */
export function formatNumber(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const text = size && size < 10 ** -digits ? value.toExponential(1) : value.toFixed(digits);
  return text.replaceAll("-", "−");
}
