// Light, dark, or as the system says. The choice is kept where the browser allows it.
import { useEffect, useState } from "preact/hooks";

export type Theme = "auto" | "light" | "dark";

function stored(): Theme {
  try {
    const value = localStorage.getItem("assay-theme");
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto"; // file:// without storage
  }
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState<Theme>(stored);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
    try { localStorage.setItem("assay-theme", theme); } catch { /* the choice lasts for this page */ }
  }, [theme]);
  return [theme, set];
}
