/** A picture that does not come tells no reason: whether the session ended is asked then. */
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";

import { API } from "./address";
import { keys, whoAmI } from "./queries";

/** Several pictures fail at once, and one question answers for all of them. */
let asking: Promise<void> | null = null;

/** Asks who is logged in; where nobody is any more, the login comes over the page. */
export function useSessionCheck(): () => void {
  const client = useQueryClient();
  return useCallback(() => {
    asking ??= whoAmI()
      .then((me) => {
        if (me === null) client.setQueryData(keys.me, null);
      })
      // The server is away: what is asked next says so.
      .catch(() => undefined)
      .finally(() => {
        asking = null;
      });
  }, [client]);
}

/** Hears of every picture of the page that fails, and asks for it again after a new log-in. */
export function usePictureFailures(loggedIn: boolean): void {
  const check = useSessionCheck();
  const failed = useRef(new Set<HTMLImageElement>());
  useEffect(() => {
    const hear = ({ target }: Event): void => {
      if (!(target instanceof HTMLImageElement) || !target.src.startsWith(`${location.origin}${API}/`)) return;
      failed.current.add(target);
      check();
    };
    // Such events do not bubble.
    document.addEventListener("error", hear, true);
    return () => document.removeEventListener("error", hear, true);
  }, [check]);
  useEffect(() => {
    if (!loggedIn) return;
    const again = [...failed.current].filter((picture) => picture.isConnected);
    failed.current.clear();
    for (const picture of again) picture.setAttribute("src", picture.src);
  }, [loggedIn]);
}
