/** What a receipt says of how the images were read, as far as it says anything: a pipeline's parameters are free JSON. */
import type { Result } from "../api/types";

export type Skipped = { number: number | null; reason: string };
/** The series that was read by its DICOM number, how it is weighted, and why not the others. */
export type ChosenSeries = { number: number | null; weighting: string | null; skipped: Skipped[] };

type Json = Readonly<Record<string, unknown>>;

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function parametersOf(result: Result): Json {
  return objectOf(result.receipt["parameters"]);
}

export function parameterNumber(result: Result, name: string): number | null {
  return numberOf(parametersOf(result)[name]);
}

export function parameterText(result: Result, name: string): string | null {
  return textOf(parametersOf(result)[name]);
}

/** Sentences under a name: plain ones, or objects that carry a `sentence`. */
export function parameterSentences(result: Result, name: string): string[] {
  return listOf(parametersOf(result)[name]).flatMap((one) => textOf(one) ?? textOf(objectOf(one)["sentence"]) ?? []);
}

/** Which series was read and why not the others; null where the pipeline does not say. */
export function chosenSeries(result: Result): ChosenSeries | null {
  const { series_number, weighting, series_not_read } = parametersOf(result);
  if (series_number === undefined && weighting === undefined) return null;
  return {
    number: numberOf(series_number),
    weighting: textOf(weighting),
    skipped: listOf(series_not_read)
      .map(objectOf)
      .flatMap((one) => {
        const reason = textOf(one["reason"]) ?? textOf(one["code"]);
        return reason === null ? [] : [{ number: numberOf(one["series_number"]), reason }];
      }),
  };
}

/** Which slice each picture of the panel shows, by the picture's name. */
export function panelSlices(result: Result): ReadonlyMap<string, { slice: number | null; flagged: number }> {
  const panels = listOf(parametersOf(result)["panels"]).map(objectOf);
  return new Map(
    panels.flatMap((one) => {
      const name = textOf(one["name"]);
      return name === null
        ? []
        : [[name, { slice: numberOf(one["slice"]), flagged: numberOf(one["flagged"]) ?? 0 }] as const];
    }),
  );
}

/** The volumes in ml that are usual on one side, where the pipeline says; outside of them something is unusual. */
export function plausibleSpan(result: Result): readonly [number, number] | null {
  const [low, high] = listOf(parametersOf(result)["plausible_ml"]).map(numberOf);
  return low === null || low === undefined || high === null || high === undefined ? null : [low, high];
}
