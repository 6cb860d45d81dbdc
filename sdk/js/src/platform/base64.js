const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function encodeBase64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const [a, b = 0, c = 0] = [bytes[at], bytes[at + 1], bytes[at + 2]];
    const four = DIGITS[a >> 2] + DIGITS[((a & 3) << 4) | (b >> 4)] + DIGITS[((b & 15) << 2) | (c >> 6)] + DIGITS[c & 63];
    const left = bytes.length - at;
    text += left >= 3 ? four : four.slice(0, left + 1) + "=".repeat(3 - left);
  }
  return text;
}

/** The bytes of a text in base64; null: it isn't one. Blanks are left out, and so may be the padding. */
export function decodeBase64(text) {
  const digits = text.replace(/[\t\n\f\r ]/g, "").replace(/^((?:.{4})*(?:.{2}(?==)|.{3}(?==)))={1,2}$/s, "$1");
  if (digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) return null;
  const out = new Uint8Array(Math.floor((digits.length * 3) / 4));
  for (let at = 0, bits = 0, held = 0, next = 0; at < digits.length; at++) {
    held = ((held << 6) | DIGITS.indexOf(digits[at])) & 0xfff;
    bits += 6;
    if (bits >= 8) out[next++] = (held >> (bits -= 8)) & 0xff;
  }
  return out;
}
