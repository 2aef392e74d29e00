import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

/** WCAG 2.2, success criterion 1.4.3: text against its ground; 1.4.11: the edges of controls. */
const TEXT_CONTRAST = 4.5;
const EDGE_CONTRAST = 3;

const sheet = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

function theme(name: string): Map<string, string> {
  const block = new RegExp(`data-theme="${name}"\\] \\{([^}]*)\\}`).exec(sheet)?.[1] ?? "";
  return new Map([...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((found) => [found[1] ?? "", found[2] ?? ""]));
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((place) => {
    const share = parseInt(colour.slice(place, place + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["room", "surface", "raised", "hover", "accent-surface"];
const INKS = ["text", "muted", "accent", "stat", "urgent", "check", "routine"];
const PAIRS = [
  ...GROUNDS.flatMap((ground) => INKS.map((ink) => [ink, ground] as const)),
  ...["bad-surface", "warn-surface", "check-surface", "good-surface"].map((ground) => ["text", ground] as const),
  ["on-accent", "accent"] as const,
];

function tooFaint(name: string, pairs: readonly (readonly [string, string])[], least: number): string[] {
  const colours = theme(name);
  return pairs
    .map(([ink, ground]) => [ink, ground, contrast(colours.get(ink) ?? "", colours.get(ground) ?? "")] as const)
    .filter(([, , ratio]) => !(ratio >= least))
    .map(([ink, ground, ratio]) => `${ink} on ${ground}: ${ratio.toFixed(2)}`);
}

test.each(["dark", "light"])("all text of the %s theme can be read", (name) => {
  expect(tooFaint(name, PAIRS, TEXT_CONTRAST)).toEqual([]);
});

test.each(["dark", "light"])("the edges of controls of the %s theme can be seen", (name) => {
  const edges = ["room", "surface", "raised"].flatMap((ground) => [
    ["line-strong", ground] as const,
    ["focus", ground] as const,
  ]);
  expect(tooFaint(name, edges, EDGE_CONTRAST)).toEqual([]);
});
