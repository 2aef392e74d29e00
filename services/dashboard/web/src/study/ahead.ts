/** What the next study will show is fetched and decoded while this one is read. */
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { API, artifactPath, renderedUrl } from "../api/address";
import { artifactQuery, keys, studyQuery } from "../api/queries";
import type { Result, StudyDetail } from "../api/types";
import { beginning, imageSets } from "./imageSets";
import { kindOf } from "./kinds";
import { loadVolumeViewer } from "./opening";
import { photographsBySide } from "./photographs";
import { chosenQuestion, questionsOf, shownResult, type Question } from "./questions";

/** Kinds of artifacts that a viewer reads as numbers, in the order in which it needs them. */
const READ: readonly string[] = ["map", "volume", "segmentation", "segments", "zero_filled"];
/** Of numbers: a study that holds more is fetched when it is opened. */
const MOST_BYTES = 64 * 1024 ** 2;
/** This study's own pictures come first. */
const CALM_MS = 300;
/** A page's photographs are rendered in steps of width; before one is shown, the most usual. */
const USUAL_WIDTH = 1024;

/** The pictures are held here, decoded, so that the next page finds them without asking. */
const held: HTMLImageElement[] = [];

export function useAhead(id: string | null): void {
  const client = useQueryClient();
  useEffect(() => {
    if (id === null) return;
    const timer = setTimeout(() => void lookAhead(client, id), CALM_MS);
    return () => clearTimeout(timer);
  }, [client, id]);
}

async function lookAhead(client: QueryClient, id: string): Promise<void> {
  await client.prefetchQuery(studyQuery(id));
  const study = client.getQueryData<StudyDetail>(keys.study(id));
  if (study === undefined) return;
  const { pictures, files } = wanted(study, shownWidth());
  held.splice(0, held.length, ...pictures.map(decoded));
  leaveBehind(client, id, files);
  for (const file of files) void client.prefetchQuery(artifactQuery(file.resultId, file.name));
  if (questionsOf(study).some((one) => kindOf(one.pipeline) === "volumes")) loadVolumeViewer();
}

/** Studies that are neither shown nor next go, and their files: kept for their usual minutes, those of a fast reader pile up. */
export function leaveBehind(client: QueryClient, next: string, files: readonly File[]): void {
  const wanted = new Set<unknown>([next, ...files.map((one) => one.resultId)]);
  for (const kind of ["study", "artifact"]) {
    // What is on its way is waited for by somebody.
    const left = { type: "inactive", fetchStatus: "idle", queryKey: [kind] } as const;
    client.removeQueries({ ...left, predicate: ({ queryKey }) => !wanted.has(queryKey[1]) });
  }
}

type File = { resultId: string; name: string };

/** What the first reading of a study shows, as addresses of pictures and names of files. */
export function wanted(study: StudyDetail, width: number): { pictures: string[]; files: File[] } {
  const question = chosenQuestion(questionsOf(study), null, null);
  const result = question === null ? null : shownResult(question.results, false);
  const made = result?.artifacts ?? [];
  const files = made.filter((one) => READ.includes(one.kind));
  const fit = files.reduce((sum, one) => sum + one.bytes, 0) <= MOST_BYTES;
  return {
    pictures: picturesOf(study, question, result, width),
    files: fit ? files.map(({ name }) => ({ resultId: result?.id ?? "", name })) : [],
  };
}

/** Photographs with what lies over them, or the image at which the first set begins. */
function picturesOf(study: StudyDetail, question: Question | null, result: Result | null, width: number): string[] {
  if (question !== null && kindOf(question.pipeline) !== "eyes") {
    const [set] = imageSets(study, result);
    const first = set?.images[beginning(set)];
    return first === undefined ? [] : [first.url(width)];
  }
  const firsts = photographsBySide(study, result).flatMap((group) => group.photographs.slice(0, 1));
  const shown = firsts.map((one) => renderedUrl(one.instanceId, width));
  const maps = (result?.artifacts ?? []).filter((one) => one.kind === "heatmap");
  return [...shown, ...maps.map((one) => `${API}${artifactPath(result?.id ?? "", one.name)}`)];
}

/** The width at which the photographs of this page are shown: the next page's will be alike. */
function shownWidth(): number {
  const shown = document.querySelector<HTMLImageElement>('img[src*="/rendered?width="]');
  const width = Number(new URL(shown?.src ?? "", location.href).searchParams.get("width"));
  return width > 0 ? width : USUAL_WIDTH;
}

function decoded(url: string): HTMLImageElement {
  const picture = new Image();
  picture.src = url;
  // A picture that does not come now is asked for, and complained of, by the page that shows it.
  picture.decode().catch(() => undefined);
  return picture;
}
