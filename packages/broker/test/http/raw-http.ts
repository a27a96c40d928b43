import { connect } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

export interface RawAnswer {
  readonly status: number;
  /** With its first line and the headers. */
  readonly text: string;
}

/** Sends `bytes` to a port, and reads until the broker ends the connection. */
export async function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  tls: ConnectionOptions | null = null,
): Promise<RawAnswer> {
  const socket =
    tls === null
      ? connect(port, "127.0.0.1")
      : connectTls({ host: "127.0.0.1", servername: "localhost", port, ...tls });
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", () => {});
  socket.write(bytes);
  await new Promise((resolve) => socket.once("close", resolve));
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}

/** One request of curl's form, after which the connection ends. */
export function asked(
  port: number,
  line: string,
  headers: Readonly<Record<string, string>> = {},
  tls: ConnectionOptions | null = null,
): Promise<RawAnswer> {
  const all = { host: "localhost", connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return sendRaw(port, `${line} HTTP/1.1\r\n${lines.join("")}\r\n`, tls);
}

export function basicAuth(user: string, password: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}
