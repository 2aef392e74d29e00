/** Where the API answers: its paths and what a query string holds; without the program that reads the answers. */
export const API = "/api/v1";
/** The first page of a list is small, to be seen soon. */
export const FIRST_PAGE = 100;
const CSRF_COOKIE = "overread_csrf";

export function cookieValue(cookies: string, name: string): string | null {
  const found = cookies.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
}

export function csrfToken(): string | null {
  return cookieValue(document.cookie, CSRF_COOKIE);
}

/** A query string of what is set; empty where nothing is. */
export function query(parameters: Record<string, string | number | null | undefined>): string {
  const set = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(set.map(([name, value]) => [name, String(value)]));
  return set.length > 0 ? `?${search}` : "";
}

export function renderedUrl(instanceId: string, width: number): string {
  return `${API}/instances/${encodeURIComponent(instanceId)}/rendered?width=${width}`;
}

export function artifactPath(resultId: string, name: string): string {
  return `/results/${encodeURIComponent(resultId)}/artifacts/${encodeURIComponent(name)}`;
}
