/** What the form of a new batch asks for, as the API takes it: what is left empty is left out. */
import type { BatchAsked } from "../api/overnight";
import type { ReviewState } from "../api/types";

export type Asked = {
  name: string;
  pipeline: string;
  version: string;
  readBy: string;
  from: string;
  to: string;
  review: "" | ReviewState;
  abstained: "" | "yes" | "no";
  always: boolean;
  opens: string;
  closes: string;
  zone: string;
  studies: string;
  hours: string;
};

/** Offices are empty then. */
const NIGHT = { opens: "22:00", closes: "06:00" } as const;

export function plainAsked(pipeline: string, zone: string): Asked {
  const query = { readBy: "", from: "", to: "", review: "", abstained: "" } as const;
  return { name: "", pipeline, version: "", ...query, always: false, ...NIGHT, zone, studies: "", hours: "" };
}

export function batchAsked(asked: Asked): BatchAsked {
  const { review, abstained } = asked;
  const budget = { ...number("studies", asked.studies), ...number("hours", asked.hours) };
  return {
    name: asked.name.trim(),
    pipeline: asked.pipeline,
    model_version: asked.version || null,
    source: { kind: "stored" },
    query: {
      ...(asked.readBy ? { read_by: asked.readBy } : {}),
      ...(asked.from ? { from: asked.from } : {}),
      ...(asked.to ? { to: asked.to } : {}),
      ...(review ? { review_state: review } : {}),
      ...(abstained ? { abstained: abstained === "yes" } : {}),
    },
    window: asked.always ? null : { from: asked.opens, to: asked.closes, zone: asked.zone },
    budget: Object.keys(budget).length > 0 ? budget : null,
  };
}

function number(name: "studies" | "hours", typed: string): Record<string, number> {
  return typed === "" ? {} : { [name]: Number(typed) };
}
