import type { Input, Output } from "@tarpan/protocol";
import { BrokerHeartbeat } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";

/** What a broker tells the others several times a second. */
export interface Heartbeat {
  readonly brokerId: number;
  /** What its operator calls it, where the id does not tell. */
  readonly name?: string | undefined;
  /** Empty while it leaves: it is not missed then, but nor is it to be given anything. */
  readonly incarnationId: string;
  /** The metadata's leader epoch under which it is the controller, null when it is not. */
  readonly controllerEpoch: number | null;
  /** End of the metadata log, from the controller. */
  readonly metadataEnd: number;
  /** The cluster it is part of, null while it has none. */
  readonly clusterId: string | null;
  /** Whether it serves consumers of partitions that it does not lead. */
  readonly followerRead: boolean;
}

const NOT_CONTROLLER = -1;

type Message = typeof BrokerHeartbeat.fields;

export function sendHeartbeat(rpc: Rpc, beat: Heartbeat): void {
  rpc.publish(BrokerHeartbeat, toMessage(beat));
}

/** Returns the end of it. */
export function hearHeartbeats(rpc: Rpc, listener: (beat: Heartbeat) => void): () => void {
  return rpc.subscribe(BrokerHeartbeat, (message) => listener(fromMessage(message)));
}

function toMessage({ name, controllerEpoch, ...rest }: Heartbeat): Input<Message> {
  return {
    ...rest,
    controllerEpoch: controllerEpoch ?? NOT_CONTROLLER,
    nodeName: name ?? null,
  };
}

function fromMessage({ nodeName, controllerEpoch, ...rest }: Output<Message>): Heartbeat {
  return {
    ...rest,
    controllerEpoch: controllerEpoch === NOT_CONTROLLER ? null : controllerEpoch,
    name: nodeName ?? undefined,
  };
}
