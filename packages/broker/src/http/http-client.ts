import type { KafkaPrincipal } from "../security/principal.ts";
import { plainAddress } from "../server/connection-info.ts";
import type { Gate } from "../server/gate.ts";
import type { HttpConnection } from "../server/http-entrance.ts";
import { RefusedRequest } from "../server/refused-request.ts";

/** The other end of a connection. */
export class HttpClient {
  readonly listener: string;
  /** The owner of its certificate. */
  readonly principal: KafkaPrincipal;
  readonly gate: Gate | null;
  readonly remoteAddress: string;
  readonly hasTls: boolean;
  readonly #refuse: HttpConnection["refuse"];
  #hasFailed = false;
  #lastLogIn: Promise<unknown> = Promise.resolve();

  constructor({ socket, listener, principal, gate, refuse }: HttpConnection) {
    this.listener = listener;
    this.principal = principal;
    this.gate = gate;
    // Read now: a closed socket has no address any more.
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.hasTls = "encrypted" in socket;
    this.#refuse = refuse;
  }

  /**
   * One log-in after another, and none after one that failed: a connection that sends many requests
   * at once must not guess faster. Resolves to null for a wrong one.
   */
  logIn(http: Gate["http"], authorization: string): Promise<KafkaPrincipal | null> {
    const result = this.#lastLogIn.then(async () => {
      if (this.#hasFailed) return null;
      try {
        return await http.authenticate(authorization, this);
      } catch (error) {
        if (!(error instanceof RefusedRequest)) throw error;
        this.#hasFailed = true;
        this.#refuse(error);
        return null;
      }
    });
    this.#lastLogIn = result.catch(() => {});
    return result;
  }
}
