/** What the first page waits for is asked for before its program has begun; who asks in the program gets that answer. */
import { keptFilters } from "../worklist/filters";
import { API, csrfToken, FIRST_PAGE, query } from "./address";

export const WORKLIST = "/";

const asked = new Map<string, Promise<Response>>();

/** What the page at this place is not drawn without: the rows of the list, and who is logged in. */
function pathsOf(place: string): string[] {
  return place === WORKLIST ? [`/studies${query({ ...keptFilters(), limit: FIRST_PAGE })}`, "/me"] : ["/me"];
}

/** As every question of the client's that changes nothing: with the session's cookie, for JSON. */
export function fetched(path: string): Promise<Response> {
  return fetch(`${API}${path}`, { headers: { Accept: "application/json" }, credentials: "same-origin" });
}

/** Without the token's cookie there is no session to ask with. */
export function askEarly(place: string): void {
  if (csrfToken() === null) return;
  for (const path of pathsOf(place)) {
    const answer = fetched(path);
    answer.catch(() => undefined); // whoever takes the answer hears of it
    asked.set(path, answer);
  }
}

/** The answer to a question that was asked early, once: asked again, it is asked anew. */
export function earlyAnswer(path: string): Promise<Response> | undefined {
  const answer = asked.get(path);
  asked.delete(path);
  return answer;
}
