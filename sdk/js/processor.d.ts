// Types of `@mite/sdk/processor`.

/** A message: mostly a map with texts as keys. */
export type Message = any;

export interface Processor {
  /** Each message, decoded. */
  processMessage?(message: Message): void | Promise<void>;
  /** Each message as it came; called before the other. */
  processRawMessage?(message: Uint8Array): void | Promise<void>;
  /** About every 250 ms. */
  tick?(): void;
  /** The end: there are no more messages. */
  close?(): void;
}
export function processor<T extends new () => Processor>(type: T): T;

/** A socket that messages go out by. Its endpoint has to be granted by `--grant-socket`. */
export class Sender {
  private constructor();
  static bind(endpoint: string): Sender;
  static connect(endpoint: string): Sender;
  /** Never waits: answers whether there was room for it. */
  send(message: Message | Uint8Array): boolean;
}
/** Folds messages into figures, as `mite stats` does. */
export class Stats {
  constructor(sender: Sender, settings?: { include?: string[]; exclude?: string[] });
  take(message: Message | Uint8Array): void;
}
/** Writes messages to files, in the directory `id` of the receiver's `--collector-dir`. */
export class Collector {
  constructor(id: string);
  write(message: Message | Uint8Array): void;
}
/** A line on standard output: texts as they are, messages and all other values like JSON. */
export function print(value: unknown): void;
