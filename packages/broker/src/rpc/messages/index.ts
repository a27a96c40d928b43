import type { AnyApi, AnyRecord } from "@tarpan/protocol";
import { BrokerHeartbeat } from "./10000-broker-heartbeat.ts";
import { CallController } from "./10001-call-controller.ts";
import { ListCoordinatedGroups } from "./10002-list-coordinated-groups.ts";
import { DescribeCoordinatedGroup } from "./10003-describe-coordinated-group.ts";
import { DeleteCoordinatedGroup } from "./10004-delete-coordinated-group.ts";
import { ResetCoordinatedOffsets } from "./10005-reset-coordinated-offsets.ts";
import { LedEndOffsets } from "./10006-led-end-offsets.ts";
import { PlanLedOffsets } from "./10007-plan-led-offsets.ts";

export {
  BrokerHeartbeat,
  CallController,
  DeleteCoordinatedGroup,
  DescribeCoordinatedGroup,
  LedEndOffsets,
  ListCoordinatedGroups,
  PlanLedOffsets,
  ResetCoordinatedOffsets,
};

/**
 * All that brokers ask each other. A message of Kafka's that is asked between brokers has Kafka's
 * key; Tarpan's own count from 10,000.
 */
export const calls: readonly AnyApi[] = [
  CallController,
  ListCoordinatedGroups,
  DescribeCoordinatedGroup,
  DeleteCoordinatedGroup,
  ResetCoordinatedOffsets,
  LedEndOffsets,
  PlanLedOffsets,
];

/** All that a broker tells whoever listens. One has one version for ever, and grows by tags. */
export const news: readonly AnyRecord[] = [BrokerHeartbeat];
