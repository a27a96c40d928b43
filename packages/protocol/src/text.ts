// The two globals that this package uses, declared here because it compiles without the types of
// any runtime.
declare class TextDecoder {
  constructor(label: "utf-8", options: { ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}
declare class TextEncoder {
  encodeInto(text: string, into: Uint8Array): { written: number };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** Up to this length a loop over char codes is faster than TextEncoder and TextDecoder. */
const SHORT = 24;

/** Decodes UTF-8. Invalid sequences become U+FFFD, as in Kafka. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) return decoder.decode(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const code = bytes[i]!;
    if (code > 0x7f) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(code);
  }
  return text;
}

/**
 * Writes text as UTF-8 and returns the position after it. There must be room for 3 bytes per char.
 */
export function encodeText(text: string, into: Uint8Array, start: number): number {
  const length = text.length;
  if (length <= SHORT) {
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      into[start + i] = code;
    }
    if (i === length) return start + length;
  }
  return start + encoder.encodeInto(text, into.subarray(start, start + length * 3)).written;
}

/** How many bytes `text` has in UTF-8. */
export function textBytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x7f) bytes += 1;
    // Two surrogates make one character of four bytes.
    else if (code <= 0x7ff || (code >= 0xd800 && code <= 0xdfff)) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}
