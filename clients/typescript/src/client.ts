import type {
  Filters,
  Found,
  Hit,
  KeyedMemory,
  List,
  Memory,
  Namespace,
  NewMemory,
  Patch,
  Prompt,
  PromptText,
  Row,
  Search,
  Stored,
  Time,
} from "./fields.js";
import { type Answer, type Options, type Request, Transport } from "./transport.js";

export type { Filters };

interface Conditions {
  ifMatch?: string;
  ifNoneMatch?: string;
}

interface Whose {
  user_id?: string;
}

/** A list, fetched page by page while it is iterated with `for await`. */
export class Pages<T> implements AsyncIterable<T> {
  constructor(
    private readonly transport: Transport,
    private readonly request: Request,
    private readonly read: (row: Row) => T,
  ) {}

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let page = 1; ; page++) {
      const query = { ...this.request.query, page };
      const { data } = await this.transport.send({ ...this.request, query });
      // Lists that the original has call their rows as it does.
      const rows: Row[] = data.items ?? data.apps ?? data.logs;
      for (const row of rows) yield this.read(row);
      if (page * (data.size ?? data.page_size) >= data.total) return;
    }
  }

  async all(): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this) items.push(item);
    return items;
  }
}

/**
 * Calls the API of OpenMemory with a key.
 *
 * What fails for a moment is sent again, and carried out once. Throws OpenMemoryError.
 */
export class Client {
  private readonly transport: Transport;

  constructor(options: Options = {}) {
    this.transport = new Transport(options);
  }

  /** Store a text or a conversation. `wait` seconds for its facts. */
  async add(
    said: string | { role: string; content: string; name?: string }[],
    fields: NewMemory = {},
    wait?: number,
  ): Promise<Stored> {
    const body = typeof said === "string" ? { text: said } : { messages: said };
    const headers = { Prefer: wait === undefined ? undefined : `wait=${wait}` };
    return this.write("POST /memories", {}, this.asApp({ ...body, ...fields }), headers);
  }

  /** Store up to 1,000 bodies of `POST /memories`: all or none, or each for itself. */
  async addMany(
    memories: (NewMemory & { text: string })[],
    options: Whose & { atomic?: boolean } = {},
  ): Promise<Row[]> {
    const body = { memories, ...options };
    return (await this.transport.send({ operation: "POST /memories/bulk", body })).data.results;
  }

  async get(
    memory_id: string,
    options: { as_of?: Time; include_expired?: boolean } = {},
  ): Promise<Memory> {
    const operation = "GET /memories/{memory_id}";
    return asMemory(await this.transport.send({ operation, names: { memory_id }, query: options }));
  }

  /** Change some fields. `metadata` is merged. With `ifMatch`, only this version. */
  async update(memory_id: string, changes: Patch, conditions: Conditions = {}): Promise<Stored> {
    const headers = headersOf(conditions);
    return this.write("PATCH /memories/{memory_id}", { memory_id }, changes, headers);
  }

  async delete(memory_id: string, conditions: Conditions = {}): Promise<void> {
    const operation = "DELETE /memories/{memory_id}";
    await this.transport.send({ operation, names: { memory_id }, headers: headersOf(conditions) });
  }

  /** Delete these memories, all or none. */
  async deleteMany(memory_ids: string[], whose: Whose = {}): Promise<void> {
    await this.transport.send({ operation: "DELETE /memories", body: { memory_ids, ...whose } });
  }

  /** Iterate over active memories, newest first. */
  list(filters: List = {}, page_size = 100): Pages<Memory> {
    const query = { ...filters, page_size };
    return new Pages(this.transport, { operation: "GET /memories", query }, readMemory);
  }

  /** Search by meaning and words. */
  async search(query: string, fields: Search = {}): Promise<Found> {
    const body = this.asApp({ query, ...fields });
    const { data } = await this.transport.send({ operation: "POST /memories/search", body });
    return { hits: data.results.map(readHit), nothing_fits: Boolean(data.nothing_fits) };
  }

  /** Compose what is known as a text for a prompt. */
  async context(query?: string, fields: Prompt = {}): Promise<PromptText> {
    const body = this.asApp({ query: query ?? null, ...fields });
    const { data } = await this.transport.send({ operation: "POST /memories/context", body });
    return { text: data.text, memories: data.memories, tokens: data.tokens };
  }

  /** Get the memory with a key of one's own. */
  async getByKey(namespace: string | string[], key: string): Promise<Memory> {
    const operation = "GET /memories/by-key/{namespace}/{key}";
    return asMemory(await this.transport.send({ operation, names: addressOf(namespace, key) }));
  }

  /** Store a memory by a key of one's own, or replace the one that has it. */
  async putByKey(
    namespace: string | string[],
    key: string,
    text: string,
    fields: KeyedMemory = {},
    conditions: Conditions = {},
  ): Promise<Stored> {
    const operation = "PUT /memories/by-key/{namespace}/{key}";
    const body = this.asApp({ text, ...fields });
    return this.write(operation, addressOf(namespace, key), body, headersOf(conditions));
  }

  /** Delete the memory with a key of one's own. */
  async deleteByKey(
    namespace: string | string[],
    key: string,
    conditions: Conditions = {},
  ): Promise<void> {
    const operation = "DELETE /memories/by-key/{namespace}/{key}";
    const headers = headersOf(conditions);
    await this.transport.send({ operation, names: addressOf(namespace, key), headers });
  }

  /** Iterate over the namespaces of keys of one's own. */
  namespaces(prefix?: string, whose: Whose = {}, page_size = 100): Pages<Namespace> {
    const query = { namespace: prefix, ...whose, page_size };
    const request = { operation: "GET /memories/namespaces", query };
    return new Pages(this.transport, request, (row) => row as unknown as Namespace);
  }

  /** What a memory was, newest first. */
  history(memory_id: string): Pages<Row> {
    return this.rows("GET /memories/{memory_id}/history", { memory_id });
  }

  related(memory_id: string): Pages<Row> {
    return this.rows("GET /memories/{memory_id}/related", { memory_id });
  }

  /** Who has read a memory. */
  accessLog(memory_id: string): Pages<Row> {
    return this.rows("GET /memories/{memory_id}/access-log", { memory_id });
  }

  /** Iterate over the lines of the log. */
  log(filters: { after?: number; memory_id?: string } = {}): Pages<Row> {
    return this.rows("GET /log", {}, filters);
  }

  /** Take back what a line of the log tells, or all of its run. */
  async undo(sequence: number, options: Whose & { run?: boolean } = {}): Promise<Row> {
    const names = { sequence: String(sequence) };
    return this.row("POST /log/{sequence}/undo", names, {}, options);
  }

  async archive(memory_ids: string[], whose: Whose = {}): Promise<Row> {
    return this.row("POST /memories/actions/archive", {}, {}, { memory_ids, ...whose });
  }

  /** Hide memories from apps. */
  async pause(memory_ids: string[], whose: Whose = {}): Promise<Row> {
    const body = { memory_ids, state: "paused", ...whose };
    return this.row("POST /memories/actions/pause", {}, {}, body);
  }

  /** Make memories active again. */
  async resume(memory_ids: string[], whose: Whose = {}): Promise<Row> {
    const body = { memory_ids, state: "active", ...whose };
    return this.row("POST /memories/actions/pause", {}, {}, body);
  }

  async categories(whose: Whose = {}): Promise<Row> {
    return this.row("GET /memories/categories", {}, whose);
  }

  apps(whose: Whose = {}): Pages<Row> {
    return this.rows("GET /apps", {}, whose);
  }

  async setAppActive(app_id: string, is_active: boolean): Promise<Row> {
    return this.row("PUT /apps/{app_id}", { app_id }, {}, { is_active });
  }

  async stats(whose: Whose = {}): Promise<Row> {
    return this.row("GET /stats", {}, whose);
  }

  async job(job_id: string): Promise<Row> {
    return this.row("GET /jobs/{job_id}", { job_id });
  }

  /** The user of the key. */
  async me(): Promise<Row> {
    return this.row("GET /users/me");
  }

  private asApp<T extends object>(fields: T): object {
    return this.transport.app === undefined ? fields : { app: this.transport.app, ...fields };
  }

  private async write(
    operation: string,
    names: Record<string, string>,
    body: object,
    headers: Record<string, string | undefined>,
  ): Promise<Stored> {
    const answer = await this.transport.send({ operation, names, body, headers });
    const event = answer.status === 201 ? "ADD" : "UPDATE";
    return {
      id: answer.data.id,
      event: answer.data.event ?? event,
      job: answer.data.job ?? null,
      memory: "state" in answer.data ? asMemory(answer) : null,
    };
  }

  private async row(
    operation: string,
    names: Record<string, string> = {},
    query: object = {},
    body?: object,
  ): Promise<Row> {
    const request: Request = { operation, names, query };
    return (await this.transport.send(body === undefined ? request : { ...request, body })).data;
  }

  private rows(operation: string, names: Record<string, string>, query: object = {}): Pages<Row> {
    return new Pages(this.transport, { operation, names, query }, (row) => row);
  }
}

function addressOf(namespace: string | string[], key: string): Record<string, string> {
  return { namespace: typeof namespace === "string" ? namespace : namespace.join("."), key };
}

function headersOf({ ifMatch, ifNoneMatch }: Conditions): Record<string, string | undefined> {
  return { "If-Match": ifMatch, "If-None-Match": ifNoneMatch };
}

function asMemory(answer: Answer): Memory {
  return { ...readMemory(answer.data), etag: answer.etag };
}

function readMemory(row: Row): Memory {
  const { metadata_, content, ...rest } = row;
  const times = Object.fromEntries(
    ["created_at", "expires_at", "valid_from", "valid_until"].map((name) => [name, asDate(row[name])]),
  );
  const text = row["text"] ?? content;
  return { ...rest, ...times, text, metadata: metadata_ ?? {}, etag: null } as unknown as Memory;
}

function readHit(row: Row): Hit {
  return readMemory(row) as Hit;
}

function asDate(seconds: unknown): Date | null {
  return typeof seconds === "number" ? new Date(seconds * 1000) : null;
}
