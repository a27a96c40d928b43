// Broker configs of Kafka 4.4's `AbstractKafkaConfig` that have no effect here, in the form of
// config-lines.ts. Defaults that name a Java class are left out.
import { definitionsIn } from "./config-lines.ts";
import type { ConfigDefinition } from "./definition.ts";
import { IGNORED_SECURITY } from "./ignored-security.ts";
import { NO_SECURITY, WHY } from "./why-ignored.ts";

// biome-ignore format: one reason after the other
const GROUPS: readonly (readonly [ignored: string, lines: string])[] = [
  [NO_SECURITY, IGNORED_SECURITY],
  [WHY.flush, `
    log.flush.interval.messages long 9223372036854775807 >=1 all
    log.flush.interval.ms long - all
    log.flush.offset.checkpoint.interval.ms int 60000 >=0
    log.flush.scheduler.interval.ms long 9223372036854775807
    log.flush.start.offset.checkpoint.interval.ms int 60000 >=0
  `],
  [WHY.segments, `
    log.cleaner.io.buffer.size int 524288 >=0 all
    log.index.size.max.bytes int 10485760 >=4 all
    log.preallocate boolean false all
  `],
  [WHY.levels, `
    compression.lz4.level int 9 1..17 all
  `],
  [WHY.threads, `
    background.threads int 10 >=1 all
    log.cleaner.threads int 1 >=0 all
    group.coordinator.background.threads int 2 >=1
    group.coordinator.threads int 4 >=1
    num.io.threads int 8 >=1 all
    num.network.threads int 3 >=1 all
    num.recovery.threads.per.data.dir int 2 >=1 all
  `],
  [WHY.fixed, `
    add.partitions.to.txn.retry.backoff.ms int 20 >=1
    config.providers list "" all
    transaction.abort.timed.out.transaction.cleanup.interval.ms int 10000 >=1
    transaction.state.log.load.buffer.size int 5242880 >=1
    controlled.shutdown.enable boolean true
    delete.records.purgatory.purge.interval.requests int 1
    fetch.purgatory.purge.interval.requests int 1000
    group.consumer.assignment.interval.ms int 1000 >=0 all
    group.consumer.assignor.offload.enable boolean true all hidden
    group.consumer.max.assignment.interval.ms int 15000 >=0
    group.consumer.min.assignment.interval.ms int 0 >=0
    group.consumer.regex.refresh.interval.ms int 600000 >=10000 hidden
    group.coordinator.append.linger.ms int -1 >=-1
    group.coordinator.cached.buffer.max.bytes int 1048588 >=524288 all
    group.coordinator.rebalance.protocols list classic,consumer,streams
    max.decompressed.message.bytes int 2147483639 1..2147483639 all
    offsets.commit.timeout.ms int 5000 >=1
    offsets.load.buffer.size int 5242880 >=1
    offsets.topic.compression.codec int 0
    producer.id.expiration.check.interval.ms int 600000 >=1 hidden
    producer.purgatory.purge.interval.requests int 1000
    queued.max.requests int 500 >=1
    request.timeout.ms int 30000
    socket.connection.setup.timeout.max.ms long 30000
    socket.connection.setup.timeout.ms long 10000
  `],
  [WHY.buffers, `
    socket.receive.buffer.bytes int 102400
    socket.send.buffer.bytes int 102400
  `],
  [WHY.controller, `
    broker.heartbeat.interval.ms int 2000
    broker.session.timeout.ms int 9000
    controller.performance.always.log.threshold.ms long 2000 >=0 hidden
    controller.performance.sample.period.ms long 60000 >=100 hidden
    controller.quorum.append.linger.ms int 25 >=0
    controller.quorum.auto.join.enable boolean false
    controller.quorum.bootstrap.servers list ""
    controller.quorum.election.backoff.max.ms int 1000 >=0
    controller.quorum.election.timeout.ms int 1000 >=0
    controller.quorum.fetch.max.bytes int 1048576 >=1
    controller.quorum.fetch.snapshot.max.bytes int 1048576 >=1
    controller.quorum.fetch.timeout.ms int 2000 >=0
    controller.quorum.request.timeout.ms int 2000 >=0
    controller.quorum.retry.backoff.ms int 20 >=0
    controller.quorum.voters list ""
    controller.socket.timeout.ms int 30000
    early.start.listeners list -
    initial.broker.registration.timeout.ms int 60000
    inter.broker.listener.name string -
    internal.metadata.delete.delay.millis long 60000 hidden
    internal.metadata.log.segment.bytes int - hidden
    internal.metadata.max.batch.size.in.bytes int 8388608 hidden
    metadata.log.dir string -
    metadata.log.max.record.bytes.between.snapshots long 20971520 >=1
    metadata.log.max.snapshot.interval.ms long 3600000 >=0
    metadata.log.segment.bytes int 1073741824 >=8388608
    metadata.log.segment.ms long 604800000
    metadata.max.idle.interval.ms int 500 >=0
    metadata.max.retention.bytes long 104857600
    metadata.max.retention.ms long 604800000
    process.roles list - broker|controller
    server.max.startup.time.ms long 9223372036854775807 >=0 hidden
    unstable.api.versions.enable boolean false hidden
    unstable.feature.versions.enable boolean false hidden
  `],
  [WHY.replication, `
    transaction.state.log.min.isr int 2 >=1
    alter.log.dirs.replication.quota.window.num int 11 >=1
    alter.log.dirs.replication.quota.window.size.seconds int 1 >=1
    cordoned.log.dirs list "" each
    follower.replication.throttled.rate long - >=0 all hidden
    leader.replication.throttled.rate long - >=0 all hidden
    log.dir.failure.timeout.ms long 30000 >=1
    num.replica.alter.log.dirs.threads int -
    num.replica.fetchers int 1 >=1 all
    replica.alter.log.dirs.io.max.bytes.per.second long - >=0 all hidden
    replica.fetch.backoff.ms int 1000 >=0
    replica.fetch.max.bytes int 1048576 >=0
    replica.fetch.min.bytes int 1
    replica.fetch.response.max.bytes int 10485760 >=0
    replica.fetch.wait.max.ms int 500
    replica.high.watermark.checkpoint.interval.ms long 5000
    replica.lag.time.max.ms long 30000
    replica.selector.class string -
    replica.socket.receive.buffer.bytes int 65536
    replica.socket.timeout.ms int 30000
    replication.quota.window.num int 11 >=1
    replication.quota.window.size.seconds int 1 >=1
    unclean.leader.election.enable boolean false all
    unclean.leader.election.interval.ms long 300000 >=1 hidden
  `],
  [WHY.tiered, `
    follower.fetch.last.tiered.offset.enable boolean false all
    log.local.retention.bytes long -2 >=-2 all
    log.local.retention.ms long -2 >=-2 all
    log.remote.copy.lag.bytes long -1 >=-1 all
    log.remote.copy.lag.ms long 0 >=-1 all
    remote.fetch.max.wait.ms int 500 >=1 all
    remote.list.offsets.request.timeout.ms long 30000 >=1 all
    remote.log.index.file.cache.total.size.bytes long 1073741824 >=1 all
    remote.log.index.file.cache.ttl.ms long 900000 >=-1 hidden
    remote.log.manager.copier.thread.pool.size int 10 >=1 all
    remote.log.manager.copy.max.bytes.per.second long 9223372036854775807 >=1 all
    remote.log.manager.copy.quota.window.num int 11 >=1
    remote.log.manager.copy.quota.window.size.seconds int 1 >=1
    remote.log.manager.expiration.thread.pool.size int 10 >=1 all
    remote.log.manager.fetch.max.bytes.per.second long 9223372036854775807 >=1 all
    remote.log.manager.fetch.quota.window.num int 11 >=1
    remote.log.manager.fetch.quota.window.size.seconds int 1 >=1
    remote.log.manager.follower.thread.pool.size int 2 >=1 all
    remote.log.manager.task.interval.ms long 30000 >=1
    remote.log.manager.task.retry.backoff.max.ms long 30000 >=1 hidden
    remote.log.manager.task.retry.backoff.ms long 500 >=1 hidden
    remote.log.manager.task.retry.jitter double 0.2 0..0.5 hidden
    remote.log.manager.thread.pool.size int 2 >=1
    remote.log.metadata.custom.metadata.max.bytes int 128 >=0
    remote.log.metadata.manager.class.name string -
    remote.log.metadata.manager.class.path string -
    remote.log.metadata.manager.impl.prefix string rlmm.config.
    remote.log.metadata.manager.listener.name string -
    remote.log.reader.max.pending.tasks int 100 >=1
    remote.log.reader.threads int 10 >=1 all
    remote.log.storage.manager.class.name string -
    remote.log.storage.manager.class.path string -
    remote.log.storage.manager.impl.prefix string rsm.config.
    remote.log.storage.system.enable boolean false
  `],
  [WHY.share, `
    errors.deadletterqueue.auto.create.topics.enable boolean false all
    errors.deadletterqueue.topic.name.prefix string dlq. all
    group.share.assignment.interval.ms int 1000 >=0 all
    group.share.assignor.offload.enable boolean true all hidden
    group.share.assignors list simple
    group.share.delivery.count.limit int 5 2..10
    group.share.dlq.manager.class.name string - hidden
    group.share.heartbeat.interval.ms int 5000 >=1
    group.share.initialize.retry.interval.ms int 30000 >=1 hidden
    group.share.max.assignment.interval.ms int 15000 >=0
    group.share.max.delivery.count.limit int 10 5..25
    group.share.max.heartbeat.interval.ms int 15000 >=1
    group.share.max.partition.max.record.locks int 4000 2000..10000
    group.share.max.record.lock.duration.ms int 60000 30000..3600000
    group.share.max.session.timeout.ms int 60000 >=1
    group.share.max.share.sessions int 2000 >=1
    group.share.max.size int 200 1..1000
    group.share.min.assignment.interval.ms int 0 >=0
    group.share.min.delivery.count.limit int 2 2..5
    group.share.min.heartbeat.interval.ms int 5000 >=1
    group.share.min.partition.max.record.locks int 100 100..2000
    group.share.min.record.lock.duration.ms int 15000 1000..30000
    group.share.min.session.timeout.ms int 45000 >=1
    group.share.partition.max.record.locks int 2000 100..10000
    group.share.persister.class.name string - hidden
    group.share.record.lock.duration.ms int 30000 1000..3600000
    group.share.session.timeout.ms int 45000 >=1
    share.coordinator.append.linger.ms int -1 >=-1
    share.coordinator.cached.buffer.max.bytes int 1048588 >=524288 all
    share.coordinator.cold.partition.snapshot.interval.ms int 300000 >=1 hidden
    share.coordinator.load.buffer.size int 5242880 >=1
    share.coordinator.snapshot.update.records.per.snapshot int 500 0..500
    share.coordinator.state.topic.compression.codec int 0
    share.coordinator.state.topic.min.isr short 2 >=1
    share.coordinator.state.topic.num.partitions int 50 >=1
    share.coordinator.state.topic.prune.interval.ms int 300000 >=1 hidden
    share.coordinator.state.topic.replication.factor short 3 >=1
    share.coordinator.state.topic.segment.bytes int 104857600 >=1
    share.coordinator.threads int 1 >=1
    share.coordinator.write.timeout.ms int 5000 >=1
    share.fetch.purgatory.purge.interval.requests int 1000
  `],
  [WHY.streams, `
    group.streams.acceptable.recovery.lag long 10000 >=0 hidden
    group.streams.assignment.interval.ms int 1000 >=0 all
    group.streams.assignor.offload.enable boolean true all hidden
    group.streams.assignors list sticky
    group.streams.heartbeat.interval.ms int 5000 >=1
    group.streams.initial.rebalance.delay.ms int 3000 >=0
    group.streams.max.assignment.interval.ms int 15000 >=0
    group.streams.max.heartbeat.interval.ms int 15000 >=1
    group.streams.max.session.timeout.ms int 60000 >=1
    group.streams.max.size int 2147483647 >=1
    group.streams.max.standby.replicas int 2 >=0
    group.streams.max.warmup.replicas int 20 >=0 hidden
    group.streams.min.assignment.interval.ms int 0 >=0
    group.streams.min.heartbeat.interval.ms int 5000 >=1
    group.streams.min.session.timeout.ms int 45000 >=1
    group.streams.min.task.offset.interval.ms int 15000 >=1 hidden
    group.streams.num.standby.replicas int 0 >=0
    group.streams.num.warmup.replicas int 2 >=0 hidden
    group.streams.rack.aware.assignment.tags list ""
    group.streams.session.timeout.ms int 45000 >=1
    group.streams.task.offset.interval.ms int 60000 >=1 hidden
    group.streams.topology.description.plugin.class class -
  `],
  [WHY.transactions, `
    transaction.partition.verification.enable boolean true all
    transaction.two.phase.commit.enable boolean false
  `],
  [WHY.quotas, `
    client.quota.callback.class class -
  `],
  [WHY.metrics, `
    kafka.metrics.polling.interval.secs int 10 >=1
    kafka.metrics.reporters list ""
    metric.reporters list - all
    metrics.num.samples int 2 >=1
    metrics.recording.level string INFO
    metrics.sample.window.ms long 30000 >=1
    telemetry.max.bytes int 1048576 >=1
  `],
];

export function ignoredConfigs(): ConfigDefinition[] {
  return GROUPS.flatMap(([ignored, lines]) => definitionsIn(lines, ignored));
}
