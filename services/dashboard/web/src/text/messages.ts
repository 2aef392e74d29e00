/** The catalogue: every word the dashboard says is here; pages hold no text of their own. */
import { account } from "./account";
import { blind } from "./blind";
import { charts } from "./charts";
import { familiarity } from "./familiarity";
import { field } from "./field";
import { frame } from "./frame";
import { images } from "./images";
import { lists } from "./lists";
import { models } from "./models";
import { ops } from "./ops";
import { overnight } from "./overnight";
import { pictures } from "./pictures";
import { report } from "./report";
import { second } from "./second";
import { study } from "./study";
import { volume } from "./volume";
import { worklistWords } from "./worklist";

export const t = {
  ...account,
  ...blind,
  ...charts,
  ...familiarity,
  ...field,
  ...frame,
  ...images,
  ...lists,
  ...models,
  ...ops,
  ...overnight,
  ...pictures,
  ...report,
  ...second,
  ...study,
  ...volume,
  ...worklistWords,
} as const;
