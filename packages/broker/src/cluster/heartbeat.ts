import type { Input, Output } from "@tarpan/protocol";
import { BrokerHeartbeat } from "../rpc/messages/index.ts";
import type { Rpc } from "../rpc/rpc.ts";

/** What a broker tells the others several times a second. */
export interface Heartbeat {
  readonly brokerId: number;
  /** The name that its id was derived from; undefined if its operator set the id itself. */
  readonly name?: string | undefined;
  /** Empty while the broker stops: others then don't count it as one that could take over. */
  readonly incarnationId: string;
  /** The leader epoch of the metadata log if the sender is the controller, else null. */
  readonly controllerEpoch: number | null;
  /** End offset of the metadata log if the sender is the controller, else 0. */
  readonly metadataEnd: number;
  /** The brokers that hold the metadata's log; empty if the sender does not know. */
  readonly metadataReplicas: readonly number[];
  /** The cluster that the broker belongs to, null before it has joined one. */
  readonly clusterId: string | null;
  /** Whether the broker lets consumers fetch from partitions that it follows (KIP-392). */
  readonly followerRead: boolean;
}

const NOT_CONTROLLER = -1;

type Message = typeof BrokerHeartbeat.fields;

export function sendHeartbeat(rpc: Rpc, beat: Heartbeat): void {
  rpc.publish(BrokerHeartbeat, toMessage(beat));
}

/** Returns a function that unsubscribes. */
export function onHeartbeats(rpc: Rpc, listener: (beat: Heartbeat) => void): () => void {
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
