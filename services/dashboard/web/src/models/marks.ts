/** The mark of each state of a model's version: a shape and a tone. */
import type { ModelVersion } from "../api/types";
import type { IconName } from "../design/icons";
import type { Tone } from "../design/parts";

export const STATE_MARKS: Record<ModelVersion["state"], [IconName, Tone]> = {
  registered: ["routine", "muted"],
  shadow: ["polling", "check"],
  active: ["live", "routine"],
  retired: ["unrouted", "muted"],
};
