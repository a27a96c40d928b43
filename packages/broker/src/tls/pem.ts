import { certificateBlocks } from "../util/validity.ts";
import { KeyMaterialError } from "./key-files.ts";

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END \1-----/g;

/** The blocks of a PEM text, which may have spaces for line breaks, as a properties file has. */
export function pem(text: string, where: string): Buffer {
  const blocks = [...text.matchAll(BLOCK)].map(([, label, body]) => {
    const lines = body!.replace(/\s+/g, "").match(/.{1,64}/g) ?? [];
    return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
  });
  if (blocks.length > 0) return Buffer.from(blocks.join(""));
  throw new KeyMaterialError(`${where} has nothing in PEM: "-----BEGIN CERTIFICATE-----" …`);
}

/** Each with its lines of BEGIN and END. */
export function certificatesIn(blocks: Buffer): readonly string[] {
  return certificateBlocks(blocks.toString());
}
