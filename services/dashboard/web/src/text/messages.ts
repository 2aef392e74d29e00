/** The catalogue: every word the dashboard says is here; pages hold no text of their own. */
import { field } from "./field";
import { frame } from "./frame";
import { lists } from "./lists";
import { study } from "./study";

export const t = { ...frame, ...field, ...lists, ...study } as const;
