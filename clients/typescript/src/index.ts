export { Client, Pages } from "./client.js";
export * from "./errors.js";
export type * from "./fields.js";
export type { Options } from "./transport.js";
