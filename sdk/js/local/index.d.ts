/** A message that a journey sent. */
export interface Message {
  type: string;
  transaction: string;
  [field: string]: unknown;
}
/** A request that a journey made. */
export interface Asked {
  method: string;
  url: string;
  headers: [string, string][];
  body: string | Uint8Array | null;
  /** When it was made, in seconds of Unix time. */
  start?: number;
}
/** What answers it instead of the network. */
export interface Answered {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array | object;
}
export interface Options {
  args?: unknown[];
  config?: Record<string, unknown>;
  /** What it finds in `ctx.setup`. */
  setup?: unknown;
  responses?: ((request: Asked) => Answered | Promise<Answered>) | null;
}
export interface Ran {
  ok: boolean;
  /** The error that ended the run, as its message. */
  error: Message | null;
  messages: Message[];
  requests: Asked[];
  config: Record<string, unknown>;
  log: string[];
}
/** One run of an exported journey in Node. */
export function run(script: object, journey: string, options?: Options): Promise<Ran>;
/** What a scenario asks for. */
export function plan(
  script: object,
  scenario: string,
  options?: { config?: Record<string, unknown> },
): Promise<{ journey: string; datapool: string | null; volume: unknown }[]>;
/** What the script exports. */
export function names(
  script: object,
  options?: { config?: Record<string, unknown> },
): Promise<{ journeys: string[]; scenarios: string[]; datapools: string[]; volumeModels: string[] }>;
/** The arguments that the first run gets of a datapool whose items are in the script. */
export function first(script: object, datapool: string, options?: { config?: Record<string, unknown> }): Promise<unknown[]>;
