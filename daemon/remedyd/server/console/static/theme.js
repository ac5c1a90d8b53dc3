// Runs before the first paint, so that a chosen theme never flashes the other one.
try {
  const chosen = localStorage.getItem("remedyd-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // storage is switched off: the system's choice holds
}
