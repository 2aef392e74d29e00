/** Saves a file that the API writes: fetched first, so that a refusal has its sentence in the page. */
import { useMutation } from "@tanstack/react-query";

import { getBytes } from "./client";

/** The browser has begun to read a file by then. */
const RELEASED_MS = 10_000;

export type Saved = { path: string; name: string };

export function useSaving() {
  return useMutation({ mutationFn: async ({ path, name }: Saved) => handOver(await getBytes(path), name) });
}

/** To the browser's downloads, under this name. */
function handOver(bytes: ArrayBuffer, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), RELEASED_MS);
}
