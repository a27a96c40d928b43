import { plainAddress } from "../server/connection-info.ts";
import type { HttpConnection } from "../server/listener.ts";

/** The other end of a connection. */
export interface HttpClient extends Omit<HttpConnection, "socket"> {
  readonly remoteAddress: string;
  readonly hasTls: boolean;
}

export function clientOf({ socket, ...connection }: HttpConnection): HttpClient {
  // Read now: a closed socket has no address any more.
  const remoteAddress = plainAddress(socket.remoteAddress);
  return { ...connection, remoteAddress, hasTls: "encrypted" in socket };
}
