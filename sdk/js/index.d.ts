// Types of `@mite/sdk`.

/** Fields of a message, arguments, values of the config: what msgpack can hold. */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | { [key: string]: Value };
export type Fields = Record<string, unknown>;
export type Pairs = Record<string, unknown> | Iterable<[string, unknown]>;

/** Seconds from the beginning of a request to the end of each step. */
export interface Timings {
  dns: number;
  connect: number;
  tls: number;
  transferStart: number;
  firstByte: number;
  total: number;
}
/** The answer to a request. Headers and body are copied only when they are asked for. */
export interface Answer {
  readonly status: number;
  /** Bytes over the network, as they came. */
  readonly bodySize: number;
  readonly timings: Timings;
  /** Where it came from in the end. */
  readonly url: string;
  /** Who answered. */
  readonly primaryIp: string;
  header(name: string): string | undefined;
  headers(): [string, string][];
  /** Decompressed. */
  body(): Uint8Array;
  text(): string;
  json(): any;
  /** The redirects that led here. */
  history(): { status: number; url: string }[];
  /** Adds fields to its `http_metrics` message, until the next call of anything but this answer. */
  annotate(fields: Fields): void;
}
export interface RequestOptions {
  headers?: Pairs;
  /** Added to the URL's query. */
  query?: Pairs;
  body?: string | Uint8Array | ArrayBuffer | ArrayBufferView | null;
  json?: unknown;
  form?: Pairs;
  /** What figures are grouped under instead of method and URL without query. */
  name?: string;
  /** Seconds for the whole exchange. */
  timeout?: number;
  /** How many redirects to follow: 5 unless said. */
  redirects?: number;
  /** Accept any certificate. */
  insecure?: boolean;
  /** A client certificate made by `identity`. */
  identity?: number;
  /** Count the body's bytes and keep none. */
  discardBody?: boolean;
  basicAuth?: [user: string, password: string];
  bearerAuth?: string;
  /** With this request only. */
  cookies?: Pairs;
  signal?: AbortSignal;
}
export interface Cookie {
  name: string;
  value: string;
  domain: string;
  path: string;
}
export interface Http {
  request(method: string, url: string | URL, options?: RequestOptions): Promise<Answer>;
  get(url: string | URL, options?: RequestOptions): Promise<Answer>;
  post(url: string | URL, options?: RequestOptions): Promise<Answer>;
  put(url: string | URL, options?: RequestOptions): Promise<Answer>;
  patch(url: string | URL, options?: RequestOptions): Promise<Answer>;
  delete(url: string | URL, options?: RequestOptions): Promise<Answer>;
  head(url: string | URL, options?: RequestOptions): Promise<Answer>;
  options(url: string | URL, options?: RequestOptions): Promise<Answer>;
  /** Makes a client certificate known; both PEM. */
  identity(chain: string, key: string): number;
  cookies(): Cookie[];
  setCookie(domain: string, name: string, value: string, path?: string): void;
  clearCookies(): void;
}
export interface Config {
  /** The value. A fallback says what is meant by a text of the command line: a number, true or false. */
  get<T = any>(key: string, fallback?: T): T;
  has(key: string): boolean;
  keys(): string[];
  /** Only functions of scenarios may. */
  set(key: string, value: unknown): void;
}
export interface Context {
  /** Counts the runs of a runner from 1. */
  readonly id: number;
  readonly http: Http;
  readonly config: Config;
  /** Whether the test is ending. */
  readonly shouldStop: boolean;
  /** A timed part, with a context of its own. */
  transaction<T>(name: string, work: (ctx: Context) => T | Promise<T>): Promise<T>;
  /** A message of the journey's own. */
  send(type: string, fields?: Fields): void;
  /**
   * A text that stands for a secret which the runner was given. The runner sends the secret where this text is in the value of a
   * header or cookie or in a body; the journey never has it. Not in a URL.
   */
  secret(name: string): string;
  /** Tells of an error without ending the run. */
  report(error: unknown): void;
}

export interface Journey<Args extends unknown[] = any[]> {
  (ctx: Context, ...args: Args): unknown;
}
export function journey<Args extends unknown[]>(work: (ctx: Context, ...args: Args) => unknown): Journey<Args>;

declare const datapoolMark: unique symbol;
export interface Datapool {
  readonly [datapoolMark]: true;
}
type Items = Iterable<unknown> | ((config: Config) => Iterable<unknown> | Promise<Iterable<unknown>>);
export const datapool: {
  /** Each item is in use at most once at a time and comes back. */
  recyclable(items: Items): Datapool;
  /** Each item is used once; a generator may be endless. */
  iterable(items: Items): Datapool;
  /** One run with this item. */
  singleRun(item: unknown): Datapool;
  recyclableCsv(path: string): Datapool;
  iterableCsv(path: string): Datapool;
  recyclableJsonLines(path: string): Datapool;
  iterableJsonLines(path: string): Datapool;
  recyclableMsgpack(path: string): Datapool;
  iterableMsgpack(path: string): Datapool;
};

declare const partMark: unique symbol;
/** A part of a volume. */
export interface Part {
  readonly [partMark]: true;
}
export function nothing(seconds: number): Part;
export function constant(seconds: number, journeys: number): Part;
export const ramp: {
  (seconds: number): Part;
  to(seconds: number, journeys: number): Part;
  between(seconds: number, start: number, end: number): Part;
};
declare const modelMark: unique symbol;
export interface VolumeModel {
  readonly [modelMark]: true;
}
/** How many journeys at once from `start` to `end`, in seconds; null: it is over. */
export function volumeModel(
  work: (start: number, end: number) => number | null | undefined | Promise<number | null | undefined>,
): VolumeModel;

export interface Item {
  /** An exported journey, its name, or `package:journey` of another component. */
  journey: Journey<any> | string;
  datapool?: Datapool | string | null;
  volume: Part | Part[] | VolumeModel;
}
declare const scenarioMark: unique symbol;
export interface Scenario {
  readonly [scenarioMark]: true;
}
export function scenario(work: (config: Config) => Item | Item[] | Promise<Item | Item[]>): Scenario;

/** Something that the journey itself says is wrong: an `error` message with these fields. */
export class MiteError extends Error {
  constructor(message: string, fields?: Fields);
  fields: Fields;
}
/** A request got no answer. */
export class HttpError extends Error {
  kind: "dns" | "connect" | "tls" | "timeout" | "protocol" | "cancelled" | "denied" | "invalid" | "redirects";
}
/** Fails with a MiteError unless the condition holds. */
export function check(condition: unknown, message?: string, fields?: Fields): asserts condition;

/** Waits so many seconds. */
export function sleep(seconds: number): Promise<void>;
/** Makes the work take at least so many seconds. */
export function ensureFixedSeparation<T>(seconds: number, work: () => T | Promise<T>): Promise<T>;
/** The same for a time drawn evenly from `mean` +- `plusMinus` (a quarter of the mean). */
export function ensureAverageSeparation<T>(mean: number, work: () => T | Promise<T>, plusMinus?: number): Promise<T>;
/** One of a list; undefined of none. */
export function choose<T>(list: readonly T[]): T;
