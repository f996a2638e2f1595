/** The fields of requests and answers. A test compares them with the server's OpenAPI document. */

/** Seconds since 1970, ISO 8601 with a zone, or a Date. */
export type Time = number | string | Date;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Metadata = Record<string, Json>;

export interface Terms {
  expires_at?: Time | null;
  valid_from?: Time | null;
  valid_until?: Time | null;
  immutable?: boolean;
  user_id?: string | null;
}

/** `POST /memories`, beside its text or messages. */
export interface NewMemory extends Terms {
  metadata?: Metadata | null;
  infer?: boolean;
  app?: string | null;
  timestamp?: Time | null;
  actor?: string | null;
  conversation?: string | null;
  supersedes?: string[] | null;
}

/** `PATCH /memories/{memory_id}` */
export interface Patch extends Terms {
  text?: string;
  metadata?: Metadata | null;
  categories?: string[] | null;
  actor?: string | null;
  conversation?: string | null;
  timestamp?: Time;
}

/** `PUT /memories/by-key/{namespace}/{key}`, beside its text. */
export interface KeyedMemory extends Terms {
  metadata?: Metadata | null;
  categories?: string[] | null;
  actor?: string | null;
  conversation?: string | null;
  timestamp?: Time | null;
  app?: string | null;
}

/** The `filters` of a search. */
export interface Filters {
  app_ids?: string[];
  categories?: string[];
  actors?: string[];
  conversations?: string[];
  from_date?: Time | null;
  to_date?: Time | null;
  namespace?: string;
  metadata?: Metadata;
}

/** `POST /memories/search`, beside its query. */
export interface Search {
  app?: string | null;
  top_k?: number;
  threshold?: number | null;
  min_score?: number | null;
  filters?: Filters | null;
  at?: Time | null;
  as_of?: Time | null;
  include_expired?: boolean;
  explain?: boolean;
  explain_missing?: string[] | null;
  include_context?: number;
  user_id?: string | null;
}

/** `POST /memories/context`, beside its query. */
export interface Prompt {
  max_tokens?: number;
  at?: Time | null;
  filters?: Filters | null;
  include?: string[];
  app?: string | null;
  user_id?: string | null;
}

/** `GET /memories` */
export interface List {
  user_id?: string;
  app_id?: string;
  from_date?: Time;
  to_date?: Time;
  categories?: string;
  actor?: string;
  conversation?: string;
  namespace?: string;
  search_query?: string;
  metadata?: Metadata;
  include_expired?: boolean;
  as_of?: Time;
  sort_column?: string;
  sort_direction?: string;
}

export interface Memory {
  id: string;
  text: string;
  created_at: Date;
  state: string;
  app_id: string;
  app_name: string;
  categories: string[];
  metadata: Metadata;
  superseded_by: string | null;
  supersedes: string[];
  actor: string | null;
  conversation: string | null;
  expires_at: Date | null;
  valid_from: Date | null;
  valid_until: Date | null;
  immutable: boolean;
  namespace: string | null;
  key: string | null;
  /** Where one memory was asked for. */
  etag: string | null;
}

export interface Hit extends Memory {
  score: number;
  similarity: number;
  valid: boolean;
}

/** What a write has done. `memory` is null for a key that may not read. */
export interface Stored {
  id: string;
  event: string;
  job: string | null;
  memory: Memory | null;
}

export interface Found {
  hits: Hit[];
  nothing_fits: boolean;
}

export interface PromptText {
  text: string;
  memories: string[];
  tokens: number;
}

export interface Namespace {
  namespace: string;
  count: number;
}

export type Row = Record<string, Json>;
