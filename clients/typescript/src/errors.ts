/** The errors of the server as classes, each with the problem's code (RFC 9457). */

export interface Fault {
  loc: (string | number)[];
  code: string;
  detail: string;
}

export interface ProblemFields {
  code: string;
  status?: number | undefined;
  errors?: Fault[] | undefined;
  requestId?: string | undefined;
  retryAfter?: number | undefined;
}

/** A request failed. `code` is what programs compare; `message` is for persons. */
export class OpenMemoryError extends Error {
  readonly code: string;
  readonly status: number | undefined;
  readonly errors: Fault[];
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(detail: string, fields: ProblemFields) {
    super(detail);
    this.name = new.target.name;
    this.code = fields.code;
    this.status = fields.status;
    this.errors = fields.errors ?? [];
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
  }
}

/** The server could not be reached, or did not answer in time. */
export class ConnectionFailed extends OpenMemoryError {}
/** 400 or 422: the request is wrong. `errors` says where. */
export class BadRequest extends OpenMemoryError {}
/** 401: the key is missing, wrong, revoked or expired. */
export class Unauthorized extends OpenMemoryError {}
/** 403: the key may not do this. */
export class Forbidden extends OpenMemoryError {}
/** 404: there is no such object, or the key may not see it. */
export class NotFound extends OpenMemoryError {}
/** 409: the object is in a state that does not allow this. */
export class Conflict extends OpenMemoryError {}
/** 412: the memory is of another version than the request was for. */
export class PreconditionFailed extends OpenMemoryError {}
/** 413: the body is too large. */
export class TooLarge extends OpenMemoryError {}
/** 429: too many requests; `retryAfter` says when to try again. */
export class RateLimited extends OpenMemoryError {}
/** 5xx: the server failed. Its log has the cause under `requestId`. */
export class ServerError extends OpenMemoryError {}

const CLASSES: Record<number, typeof OpenMemoryError> = {
  400: BadRequest,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  412: PreconditionFailed,
  413: TooLarge,
  422: BadRequest,
  429: RateLimited,
};

/** Build the error that an answer describes, whether or not it is a problem document. */
export function buildError(status: number, problem: unknown, headers: Headers): OpenMemoryError {
  const known = (typeof problem === "object" && problem !== null ? problem : {}) as Record<
    string,
    unknown
  >;
  const kind = CLASSES[status] ?? (status >= 500 ? ServerError : OpenMemoryError);
  const seconds = headers.get("Retry-After") ?? "";
  return new kind(String(known["detail"] ?? `The server answered ${status}.`), {
    code: String(known["code"] ?? `http_${status}`),
    status,
    errors: known["errors"] as Fault[] | undefined,
    requestId: (known["request_id"] as string | undefined) ?? headers.get("X-Request-ID") ?? undefined,
    retryAfter: /^\d+$/.test(seconds) ? Number(seconds) : undefined,
  });
}
