import type { ConnectionInfo, PendingRequest, RequestRouter } from "../server/router.ts";

/**
 * Keeps requests waiting, in order, until the broker can answer them. The broker listens earlier,
 * because it has to know its port to register it.
 */
export class OpeningRouter implements RequestRouter {
  #router: RequestRouter | null = null;
  #open!: (router: RequestRouter) => void;
  /** Resolves when requests can be answered. */
  readonly opened = new Promise<RequestRouter>((resolve) => {
    this.#open = resolve;
  });

  accept(frame: Uint8Array, connection: ConnectionInfo): PendingRequest {
    if (this.#router !== null) return this.#router.accept(frame, connection);
    const run = async () => (await this.opened).accept(frame, connection).run();
    return { lane: null, run };
  }

  open(router: RequestRouter): void {
    this.#router = router;
    this.#open(router);
  }

  closed(connection: ConnectionInfo): void {
    this.#router?.closed(connection);
  }
}
