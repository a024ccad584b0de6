// A page opened as a file must not fetch the others, so the search then lists them without excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// The contents stand at the end of the page: who opens them with the keyboard is led there, and
// they close behind a choice.
addEventListener("load", () => {
  for (const [part, name] of Object.entries({ ".sidebar-drawer": "Site", ".toc-drawer": "Page" }))
    document.querySelector(part)?.setAttribute("aria-label", name); // two landmarks, told apart
  const [toc, drawer] = [document.getElementById("__toc"), document.querySelector(".toc-drawer")];
  toc.addEventListener("change", () => toc.checked && drawer.querySelector("li li a")?.focus());
  drawer.addEventListener("click", () => (toc.checked = false));
});

// What scrolls sideways can be reached with the keyboard, and a screen reader says what it is.
const SCROLLING = { ".table-wrapper": "Table", ".output-html": "Table", ".formula": "Formula",
  "p:has(> img)": "Figure", pre: "" };
function reachable() {
  for (const [selector, name] of Object.entries(SCROLLING))
    for (const each of document.querySelectorAll(".content " + selector)) {
      const scrolls = each.scrollWidth > each.clientWidth || each.scrollHeight > each.clientHeight;
      if (!scrolls || getComputedStyle(each).overflowX === "visible") {
        each.removeAttribute("tabindex");
        continue;
      }
      each.tabIndex = 0;
      if (!name) continue;
      each.setAttribute("role", "group");
      each.setAttribute("aria-label", name + ", wider than the page");
    }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);
document.addEventListener("toggle", reachable, true);
