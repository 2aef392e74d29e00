/** One way to the API: same origin, session cookie, CSRF token, and every refusal as an ApiError with its code. */
import { t } from "../text/messages";
import { API, csrfToken } from "./address";
import { earlyAnswer, fetched } from "./early";

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

/** What the server answers; raises ApiError where it refuses or says nothing. */
async function answered(asking: Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await asking;
  } catch {
    throw new ApiError(0, "unreachable", t.errors.unreachable);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** A file goes as it is, under its own media type; anything else as JSON. */
async function ask(method: string, path: string, body?: unknown, once?: string): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (once !== undefined) headers["Idempotency-Key"] = once;
  if (body !== undefined) headers["Content-Type"] = body instanceof Blob ? body.type : "application/json";
  const token = csrfToken();
  if (token !== null) headers[CSRF_HEADER] = token;
  const payload = body === undefined ? null : body instanceof Blob ? body : JSON.stringify(body);
  return answered(fetch(`${API}${path}`, { method, headers, body: payload, credentials: "same-origin" }));
}

function read(path: string): Promise<Response> {
  return answered(earlyAnswer(path) ?? fetched(path));
}

export async function get<Answer>(path: string): Promise<Answer> {
  return (await (await read(path)).json()) as Answer;
}

export async function getBytes(path: string): Promise<ArrayBuffer> {
  return (await read(path)).arrayBuffer();
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
