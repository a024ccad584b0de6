// Sphinx gives a word in any heading of a page as many points as one in its title. Here the title
// counts more, and lessons stand before what is looked up in them and what was measured.
const SOUGHT = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().match(/\w+/g) ?? [];
const PLACES = { "notebooks/": 4, "solutions/": -4, "docs/claims": -6, "docs/errata": -6,
  "benchmarks/": -8, CHANGELOG: -8, CONTRIBUTING: -8, "api/": -10 };
var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  score: ([page, title, , , score]) => {
    const place = Object.keys(PLACES).find((start) => page.startsWith(start));
    const named = SOUGHT.every((word) => title.toLowerCase().includes(word));
    return score + (PLACES[place] ?? 0) + (named ? 6 : 0);
  },
};
