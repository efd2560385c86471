// Texts that stand twice on one axis of a figure: ticks that were rounded until they looked the same.
export const repeatedTicks = (page) => page.evaluate(() => [...document.querySelectorAll("figure svg")].flatMap((svg) => {
  const rows = new Map();
  for (const text of svg.querySelectorAll("text.dimtext")) {
    for (const axis of ["x", "y"]) { const key = axis + text.getAttribute(axis); rows.set(key, [...(rows.get(key) ?? []), text.textContent]); }
  }
  return [...rows.values()].flatMap((texts) => texts.filter((one, i) => texts.indexOf(one) !== i));
}));
