/** One way to the API: same origin, session cookie, CSRF token, and every refusal as an ApiError with its code. */
import { t } from "../text/messages";

export const API = "/api/v1";
const CSRF_COOKIE = "overread_csrf";
const CSRF_HEADER = "X-CSRF-Token";

/** What the server said (RFC 9457), or `status` 0 with code `unreachable` where it said nothing. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

type Problem = { title?: string; detail?: string; code?: string };

export function cookieValue(cookies: string, name: string): string | null {
  const found = cookies.split("; ").find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
}

export function csrfToken(): string | null {
  return cookieValue(document.cookie, CSRF_COOKIE);
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const problem = JSON.parse(text) as Problem;
    return new ApiError(
      response.status,
      problem.code ?? "unknown",
      problem.detail ?? problem.title ?? t.errors.noReason(response.status),
    );
  } catch {
    return new ApiError(response.status, "unknown", t.errors.noReason(response.status));
  }
}

/** A file goes as it is, under its own media type; anything else as JSON. */
async function ask(method: string, path: string, body?: unknown, once?: string): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (once !== undefined) headers["Idempotency-Key"] = once;
  if (body !== undefined) headers["Content-Type"] = body instanceof Blob ? body.type : "application/json";
  const token = csrfToken();
  if (method !== "GET" && token !== null) headers[CSRF_HEADER] = token;
  let response: Response;
  try {
    const payload = body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body);
    response = await fetch(`${API}${path}`, { method, headers, body: payload, credentials: "same-origin" });
  } catch {
    throw new ApiError(0, "unreachable", t.errors.unreachable);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function get<Answer>(path: string): Promise<Answer> {
  return (await (await ask("GET", path)).json()) as Answer;
}

export async function getBytes(path: string): Promise<ArrayBuffer> {
  return (await ask("GET", path)).arrayBuffer();
}

/** `once` names the request: sent again under the same name it does not act twice, and gets the first answer. */
export async function post<Answer>(path: string, body: unknown, once?: string): Promise<Answer> {
  const response = await ask("POST", path, body, once);
  return (response.status === 204 ? undefined : await response.json()) as Answer;
}

export async function patch<Answer>(path: string, body: unknown): Promise<Answer> {
  return (await (await ask("PATCH", path, body)).json()) as Answer;
}

export async function put<Answer>(path: string, body: unknown): Promise<Answer> {
  return (await (await ask("PUT", path, body)).json()) as Answer;
}

export async function postFile<Answer>(path: string, file: Blob, once?: string): Promise<Answer> {
  return (await (await ask("POST", path, file, once)).json()) as Answer;
}

export async function remove(path: string): Promise<void> {
  await ask("DELETE", path);
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
