// TextEncoder and TextDecoder.

import { host } from "../host.js";

export const utf8 = (text) => host.encode(String(text));

export class TextEncoder {
  get encoding() { return "utf-8"; }
  encode(text = "") { return utf8(text); }
  encodeInto(text, target) {
    let [read, written] = [0, 0];
    for (const character of String(text)) {
      const bytes = utf8(character);
      if (written + bytes.length > target.length) break;
      target.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

const LABELS = new Map([
  ...["utf-8", "utf8", "unicode-1-1-utf-8"].map((label) => [label, "utf-8"]),
  ...["latin1", "iso-8859-1", "ascii", "us-ascii", "windows-1252"].map((label) => [label, "windows-1252"]),
  ...["utf-16", "utf-16le"].map((label) => [label, "utf-16le"]),
]);

export class TextDecoder {
  #fatal;
  #ignoreBOM;
  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    this.encoding = LABELS.get(String(label).trim().toLowerCase());
    if (!this.encoding) throw new RangeError(`the encoding '${label}' is not known here: utf-8, utf-16le and latin1 are`);
    this.#fatal = fatal;
    this.#ignoreBOM = ignoreBOM;
  }
  get fatal() { return this.#fatal; }
  get ignoreBOM() { return this.#ignoreBOM; }
  decode(input = new Uint8Array()) {
    const bytes = input instanceof ArrayBuffer ? new Uint8Array(input) : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    const text = host.decode(bytes, this.encoding, this.#fatal);
    if (text === null) throw new TypeError(`the bytes are not valid ${this.encoding}`);
    return !this.#ignoreBOM && text.startsWith("\ufeff") ? text.slice(1) : text;
  }
}
