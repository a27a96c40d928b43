import type { Socket } from "node:net";
import type { HttpEntrance } from "../server/listener.ts";
import type { OnError } from "../server/shared.ts";
import type { BrokerView } from "./broker-view.ts";

/** Serves HTTP on sockets of the broker's listener. The server is loaded for the first of them. */
export function createHttpEntrance(view: BrokerView, onError: OnError): HttpEntrance {
  return new LazyHttp(view, onError);
}

class LazyHttp implements HttpEntrance {
  readonly #view: BrokerView;
  readonly #onError: OnError;
  #loading: Promise<HttpEntrance> | null = null;
  #closing = false;

  constructor(view: BrokerView, onError: OnError) {
    this.#view = view;
    this.#onError = onError;
  }

  accept(socket: Socket, firstBytes: Uint8Array): void {
    this.#loading ??= this.#load();
    this.#loading.then(
      (server) => {
        if (this.#closing) socket.destroy();
        else server.accept(socket, firstBytes);
      },
      (error) => {
        this.#onError("HTTP can't be served", { error });
        socket.destroy();
      },
    );
  }

  close(): void {
    this.#closing = true;
    this.#loading?.then(
      (server) => server.close(),
      () => {},
    );
  }

  async #load(): Promise<HttpEntrance> {
    const { HttpServer } = await import("./http-server.ts");
    return new HttpServer(this.#view, this.#onError);
  }
}
