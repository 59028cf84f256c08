// Light or dark: what the person has chosen, or else what the system says. Runs before anything is painted.
//
// Must never: fail where there is no storage.
(() => {
  const KEY = 'softlanding-theme';
  const kept = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const root = document.documentElement;
  if (kept() === 'light' || kept() === 'dark') root.dataset.theme = kept();
  globalThis.softlandingTheme = {
    /** `light`, `dark` or `system`. */
    get: () => root.dataset.theme ?? 'system',
    set(theme) {
      if (theme === 'system') delete root.dataset.theme;
      else root.dataset.theme = theme;
      try {
        if (theme === 'system') localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, theme);
      } catch {
        // It holds for this page, then.
      }
    },
  };
})();
