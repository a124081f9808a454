// What the theme leaves out for those who read by keyboard or by ear; held by tests/looks/axe.py.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-option").forEach((choice) => {
    choice.removeAttribute("aria-hidden");
    choice.setAttribute("aria-label", choice.dataset.mdColorScheme === "slate" ? "Dark colours" : "Light colours");
  });
  const reach = () => {
    document.querySelectorAll("pre > code, .md-typeset__scrollwrap").forEach((box) => box.setAttribute("tabindex", "0"));
    document.querySelectorAll(".md-code__nav").forEach((nav, number) => nav.setAttribute("aria-label", `Code ${number + 1}`));
  };
  reach();
  new MutationObserver(reach).observe(document.body, { childList: true, subtree: true });
});
