import type { Socket } from "node:net";
import type { BrokerAdmin } from "../admin/broker-admin.ts";
import type { HttpEntrance } from "../server/listener.ts";
import type { OnError } from "../server/shared.ts";
import { createApp } from "./app.ts";
import { HttpServer } from "./http-server.ts";

/** Serves HTTP on sockets of the broker's listener. The first socket creates the server. */
export function createHttpEntrance(broker: BrokerAdmin, onError: OnError): HttpEntrance {
  let server: HttpServer | null = null;
  let closing = false;
  return {
    accept(socket: Socket, firstBytes: Uint8Array) {
      if (closing) {
        socket.destroy();
        return;
      }
      // Loaded here and not imported, because a start need not wait for it. An upgrade of Tarpan
      // can't delete it: it is built into the running Node.
      const { createServer } = process.getBuiltinModule("node:http");
      server ??= new HttpServer(createServer, createApp(broker, onError), onError);
      server.accept(socket, firstBytes);
    },
    close() {
      closing = true;
      server?.close();
    },
  };
}
