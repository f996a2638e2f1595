/** One request: sent again when that may help, and carried out once. */

import { BadRequest, buildError, ConnectionFailed, OpenMemoryError } from "./errors.js";

export interface Options {
  /** By default OPENMEMORY_URL, else http://127.0.0.1:8000. */
  url?: string;
  /** By default OPENMEMORY_API_KEY. */
  key?: string;
  /** The app of all writes and searches that name none. */
  app?: string;
  /** Milliseconds until a request counts as lost. */
  timeout?: number;
  /** How often a request is sent again. */
  retries?: number;
  fetch?: typeof fetch;
}

export interface Request {
  /** That of the OpenAPI document, without its prefix. */
  operation: string;
  names?: Record<string, string>;
  query?: object;
  body?: object;
  headers?: Record<string, string | undefined>;
}

export interface Answer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as it came from the server
  data: any;
  etag: string | null;
}

const SAFE = new Set(["POST /memories/search", "POST /memories/context"]);
const AGAIN = new Set([429, 502, 503, 504]);
const IN_FLIGHT = "idempotency_key_in_use";
const MOST_SECONDS = 30;

declare const process: { env: Record<string, string | undefined> } | undefined;

export class Transport {
  readonly app: string | undefined;
  private readonly base: string;
  private readonly key: string;
  private readonly timeout: number;
  private readonly retries: number;
  private readonly fetch: typeof fetch;

  constructor(options: Options) {
    const environment = typeof process === "undefined" ? {} : process.env;
    const url = options.url ?? environment["OPENMEMORY_URL"] ?? "http://127.0.0.1:8000";
    this.base = url.replace(/\/+$/, "").replace(/\/api\/v1$/, "") + "/api/v1";
    this.key = options.key ?? environment["OPENMEMORY_API_KEY"] ?? "";
    if (!this.key) throw new TypeError("Pass `key`, or set OPENMEMORY_API_KEY.");
    this.app = options.app;
    this.timeout = options.timeout ?? 30_000;
    this.retries = options.retries ?? 2;
    this.fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  async send(request: Request): Promise<Answer> {
    const headers = this.headersOf(request);
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.sendOnce(request, headers);
      } catch (error) {
        const seconds = pauseBefore(attempt, error, this.retries);
        if (seconds === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      }
    }
  }

  private headersOf(request: Request): Record<string, string> {
    const headers: Record<string, string> = {
      Authorization: `Bearer ${this.key}`,
      Accept: "application/json",
    };
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      if (value !== undefined) headers[name] = value;
    }
    if (request.body !== undefined) headers["Content-Type"] = "application/json";
    // A repeated write is carried out once.
    if (!request.operation.startsWith("GET ") && !SAFE.has(request.operation)) {
      headers["Idempotency-Key"] = crypto.randomUUID();
    }
    return headers;
  }

  private async sendOnce(request: Request, headers: Record<string, string>): Promise<Answer> {
    const [method = "GET", template = ""] = request.operation.split(" ");
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) =>
      asSegment(name, request.names?.[name] ?? ""),
    );
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    let response: Response;
    let text: string;
    try {
      response = await this.fetch(this.base + path + queryOf(request.query), {
        method,
        headers,
        body,
        signal: AbortSignal.timeout(this.timeout),
      });
      text = await response.text();
    } catch (error) {
      const isLate = error instanceof Error && error.name === "TimeoutError";
      throw new ConnectionFailed(String(error), { code: isLate ? "timeout" : "connection" });
    }
    const data = parse(text);
    if (!response.ok) throw buildError(response.status, data, response.headers);
    if (data === undefined) {
      throw new OpenMemoryError(
        "The server's answer is no JSON. Is this the address of OpenMemory?",
        { code: "no_json", status: response.status },
      );
    }
    return { status: response.status, data, etag: response.headers.get("ETag") };
  }
}

function asSegment(name: string, value: string): string {
  if (["", ".", ".."].includes(value)) {
    // What sends URLs takes these out of them, so that they would lead to another path.
    throw new BadRequest(`\`${name}\` cannot be "${value}".`, { code: "invalid_address" });
  }
  return encodeURIComponent(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function queryOf(query: object = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    parameters.set(name, asText(value));
  }
  const text = parameters.toString();
  return text ? `?${text}` : "";
}

function asText(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** How many seconds to wait before sending it again; undefined if it is not sent again. */
function pauseBefore(attempt: number, error: unknown, retries: number): number | undefined {
  if (!(error instanceof OpenMemoryError) || attempt >= retries) return undefined;
  const again =
    error instanceof ConnectionFailed || AGAIN.has(error.status ?? 0) || error.code === IN_FLIGHT;
  if (!again) return undefined;
  if (error.retryAfter !== undefined) {
    return error.retryAfter <= MOST_SECONDS ? error.retryAfter : undefined;
  }
  return 0.25 * 2 ** attempt * (1 + Math.random());
}
