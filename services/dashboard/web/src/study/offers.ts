/** What another part of the page puts into the form of a word: a signature taken back, an outline that was corrected. */
import { useEffect, useRef } from "react";

import { keepUnsaved, unsaved } from "./unsaved";
import { BLANK, type Draft } from "./verdict";

type Take = (draft: Draft) => void;

const forms = new Map<string, Take>();

/** Put this into the word at a place (`placeOf`), shown or not; what else was typed there stays. */
export function offerWord(place: string, part: Partial<Draft>): void {
  const draft = { ...(unsaved(place) ?? BLANK), ...part };
  keepUnsaved(place, draft);
  forms.get(place)?.(draft);
}

/** Hear of what is offered to the form of this place while it is shown. */
export function useOffers(place: string, take: Take): void {
  const current = useRef(take);
  useEffect(() => {
    current.current = take;
  });
  useEffect(() => {
    const hear: Take = (draft) => current.current(draft);
    forms.set(place, hear);
    return () => {
      if (forms.get(place) === hear) forms.delete(place);
    };
  }, [place]);
}
