/** Single-key shortcuts: bindings.ts says which key does what, a page says what to run. */
import { useLayoutEffect, useRef, useSyncExternalStore } from "react";

export type Shortcut = { keys: readonly string[]; run: (key: string) => void };

const STORED = "overread.keys";
const listeners = new Set<() => void>();

/** Speech input and some assistive devices type letters by accident, so the reader can switch single keys off (WCAG 2.1.4). */
export function keysEnabled(): boolean {
  return localStorage.getItem(STORED) !== "off";
}

export function setKeysEnabled(enabled: boolean): void {
  localStorage.setItem(STORED, enabled ? "on" : "off");
  for (const listener of listeners) listener();
}

export function useKeysEnabled(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, keysEnabled);
}

/** What some keyboards type with Option (a Mac) or AltGr, which Windows tells as Control and Alt. */
const TYPED_WITH_ALT: ReadonlySet<string> = new Set(["[", "]", "{", "}", "\\", "|", "@", "~"]);

/** "Control+Enter", "R", "?": the name of a key press as bindings.ts writes it. */
export function nameOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): string {
  if (event.altKey && TYPED_WITH_ALT.has(event.key)) return event.key;
  const held = event.ctrlKey || event.metaKey ? "Control+" : event.altKey ? "Alt+" : "";
  return `${held}${event.key}`;
}

/** Marks a list that letters do not choose from: they are commands there as everywhere on the page. */
export const STEADY = "data-steady";

type Place = { tagName: string; isContentEditable: boolean; getAttribute(name: string): string | null };

const TEXT_INPUTS = new Set(["text", "password", "search", "email", "number", "date", null]);
/** Keys by which a focused control is worked; a shortcut of the same name waits until the focus is elsewhere. */
const PRESSES: ReadonlySet<string> = new Set(["Enter", " "]);
const ARROWS = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];
const WORKS: Record<string, ReadonlySet<string>> = {
  A: new Set(["Enter"]),
  BUTTON: PRESSES,
  SUMMARY: PRESSES,
  INPUT: new Set([...PRESSES, ...ARROWS]),
  SELECT: new Set([...PRESSES, ...ARROWS, "PageUp", "PageDown", "Escape"]),
};

function isText(place: Place): boolean {
  if (place.isContentEditable || place.tagName === "TEXTAREA") return true;
  return place.tagName === "INPUT" && TEXT_INPUTS.has(place.getAttribute("type"));
}

/** Whether the focused element needs this key press for itself. */
export function takesKey(place: Place, name: string): boolean {
  if (name.startsWith("Control+")) return false;
  if (isText(place) || (place.tagName === "SELECT" && place.getAttribute(STEADY) === null)) return true;
  return WORKS[place.tagName]?.has(name) ?? false;
}

/** Listen for these shortcuts while the component is shown; a modal dialog on top silences them. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const current = useRef(shortcuts);
  // With what is shown, not after it is painted: a key pressed at once must not find what was true before, or nobody.
  useLayoutEffect(() => {
    current.current = shortcuts;
  });
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      const name = nameOf(event);
      const single = !name.startsWith("Control+");
      if (event.defaultPrevented || document.querySelector("dialog[open]") !== null) return;
      if (single && !keysEnabled()) return;
      if (event.target instanceof HTMLElement && takesKey(event.target, name)) {
        // Out of a text first, away from the page with the next press: nobody leaves it by accident.
        if (name === "Escape") event.target.blur();
        return;
      }
      const found = current.current.find((shortcut) => shortcut.keys.includes(name));
      if (found === undefined) return;
      event.preventDefault();
      found.run(name);
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}
