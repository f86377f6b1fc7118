// Light, dark or as the system has it: kept in this browser, applied before anything is drawn.
"use strict";
{
  const KEY = "srnas-theme";
  const WORDS = { "": ["Auto", "as the system has them"], light: ["Light", "light"], dark: ["Dark", "dark"] };
  const root = document.documentElement;
  root.dataset.script = "on"; // what takes a script to work is shown only then

  const kept = () => {
    try {
      const theme = localStorage.getItem(KEY);
      return theme in WORDS ? theme : "";
    } catch {
      return ""; // the browser keeps nothing of this site
    }
  };

  const apply = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    const button = document.getElementById("theme");
    if (!button) return;
    const [word, meaning] = WORDS[theme];
    button.querySelector(".word").textContent = word;
    button.setAttribute("aria-label", `Colours: ${meaning}. Press for others`);
  };

  let theme = kept();
  apply(theme);
  document.addEventListener("DOMContentLoaded", () => {
    apply(theme);
    document.getElementById("theme").addEventListener("click", () => {
      const themes = Object.keys(WORDS);
      theme = themes[(themes.indexOf(theme) + 1) % themes.length];
      apply(theme);
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // it holds until the page is left
      }
    });
  });
}
