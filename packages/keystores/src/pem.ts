import { X509Certificate } from "node:crypto";
import { unusable } from "./errors.ts";

/** Of a certificate in DER. Throws KeystoreError. */
export function pemOf(bytes: Uint8Array): string {
  return certificateOf(bytes).toString();
}

export function certificateOf(bytes: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch {
    throw unusable("a certificate in it can't be read");
  }
}
