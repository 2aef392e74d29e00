/** The dark reading-room theme, or the light one; the reader's choice is kept in this browser. */
export type Theme = "dark" | "light";

const STORED = "overread.theme";

export function storedTheme(): Theme {
  return localStorage.getItem(STORED) === "light" ? "light" : "dark";
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme;
}

export function keepTheme(theme: Theme): void {
  localStorage.setItem(STORED, theme);
  applyTheme(theme);
}
