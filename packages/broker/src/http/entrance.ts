import type { HttpConnection, HttpEntrance } from "../server/http-entrance.ts";
import { type AppParts, createApp } from "./app.ts";
import { HttpServer } from "./http-server.ts";

/** Serves HTTP on connections of the broker's listener. The first one creates the server. */
export function createHttpEntrance(parts: AppParts): HttpEntrance {
  let server: HttpServer | null = null;
  let closing = false;
  return {
    accept(connection: HttpConnection, firstBytes: Uint8Array) {
      if (closing) {
        connection.socket.destroy();
        return;
      }
      // Loaded here and not imported, because a start need not wait for it. An upgrade of Tarpan
      // can't delete it: it is built into the running Node.
      const { createServer } = process.getBuiltinModule("node:http");
      server ??= new HttpServer(createServer, createApp(parts), parts.onError);
      server.accept(connection, firstBytes);
    },
    close() {
      closing = true;
      server?.close();
    },
  };
}
