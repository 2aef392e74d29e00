/** When a rule asks for a second reader, as one line. */
import type { Rule } from "../api/rules";
import { nameOfPipeline } from "../study/questions";
import { capital, percent } from "../text/format";
import { t } from "../text/messages";

type Asks = Pick<Rule, "pipeline" | "share" | "urgencies" | "on_abstained" | "on_disagreement" | "blinded">;

export function asksOf(rule: Asks): string {
  const words = t.rules.asks;
  const when = [
    rule.share > 0 ? words.share(percent(rule.share)) : null,
    rule.urgencies.length > 0 ? words.urgency(rule.urgencies.map((one) => t.urgency[one]).join(", ")) : null,
    rule.on_abstained ? words.abstained : null,
    rule.on_disagreement ? words.disagreement : null,
  ].filter((one) => one !== null);
  const how = [
    rule.pipeline ? words.only(nameOfPipeline(rule.pipeline)) : null,
    rule.blinded ? words.blinded : words.open,
  ].filter((one) => one !== null);
  return capital(`${when.join("; ")} (${how.join(", ")})`);
}
