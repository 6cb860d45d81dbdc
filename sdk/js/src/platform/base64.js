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
