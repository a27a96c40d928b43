import {
  type Api,
  decodeResponse,
  encodeRequest,
  type Fields,
  type Input,
  type Output,
} from "@tarpan/protocol";
import type { Wire } from "../../../../test/bank/wire.ts";
import type { ClusterWorld } from "./cluster-world.ts";

const ANSWER_LIMIT_MS = 5_000;
const LATENCY_MS = 1;

/** How clients reach a simulated cluster. */
export class SimulatedWire implements Wire {
  readonly #world: ClusterWorld;
  /** Whether an answer is lost on its way. */
  readonly #loses: () => boolean;

  constructor(world: ClusterWorld, loses: () => boolean) {
    this.#world = world;
    this.#loses = loses;
  }

  get bootstrap(): string[] {
    return this.#world.brokers.map(({ id }) => `host-${id}:9092`);
  }

  nowMs(): number {
    return this.#world.time.monotonicMs();
  }

  wallMs(): number {
    return this.#world.time.wallMs();
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#world.time.after(ms, resolve));
  }

  /** A broker that is paused gets the request later, though its client no longer waits by then. */
  request<Q extends Fields, S extends Fields>(
    place: string,
    api: Api<Q, S>,
    version: number,
    body: Input<Q>,
  ): Promise<Output<S>> {
    const { time } = this.#world;
    const { life } = this.#world.broker(Number(/^host-(\d+):/.exec(place)![1]));
    return new Promise((resolve, reject) => {
      if (life === null || !life.serves) {
        time.after(LATENCY_MS, () => reject(new Error(`${place} refuses connections`)));
        return;
      }
      time.after(ANSWER_LIMIT_MS, () => reject(new Error(`${place} does not answer`)));
      const header = { correlationId: 7, clientId: "bank" };
      const request = encodeRequest(api, version, header, body);
      const isLost = this.#loses();
      const answered = (answer: Uint8Array | null) => {
        if (isLost || life.process.isDead) return;
        time.after(LATENCY_MS, () => resolve(decodeResponse(api, version, answer!).body));
      };
      const deliver = () => void life.listener!.send(request).then(answered, reject);
      time.after(LATENCY_MS, () => life.process.deliver(deliver));
    });
  }
}
