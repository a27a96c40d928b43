import type { ClusterAdmin } from "../metadata/cluster-admin.ts";
import type { Controller } from "../metadata/controller.ts";
import type { Outcome } from "../metadata/outcome.ts";

/** All that the brokers of a cluster ask of their controller. */
export interface ClusterController extends Controller, ClusterAdmin {
  /**
   * A broker stops in order: others lead its partitions from now on. Resolves when they do, and
   * their Raft leaders have been asked away from its server.
   */
  leave(brokerId: number, incarnationId: string): Promise<void>;
  /**
   * One step on the way of a broker out of the cluster for good: its replicas are told to move.
   * When none is left it is forgotten, and so is its server. To be repeated until `done`.
   */
  remove(brokerId: number): Promise<Removal>;
  /** How far the metadata's log reaches; null when nobody says so in a moment. */
  end(): Promise<number | null>;
}

export type Removal = Outcome & {
  readonly partitionsLeft: number;
  readonly done: boolean;
};
