// Before the page is painted, so that it does not flash.
try {
  const theme = localStorage.getItem("lucid-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* storage is switched off */ }
