/** A broker.yaml with keys of every section. */
export const SEED_YAML = `# Broker
node_id: "broker-1"
bind_addr: "0.0.0.0"
bind_port: 9092
data_dir: "./data/broker-1"

raft:
  rtt_millisecond: 200
  heartbeat_rtt: 5
  election_rtt: 10
  check_quorum: true
  snapshot_entries: 10000
  compaction_overhead: 5000
  max_in_mem_log_size: 67108864  # 64MB
  controller_group_id: 1
  controller_snapshot_freq: 1000

discovery:
  type: "memory"
  endpoints: []
  timeout: "5s"

performance:
  max_batch_size: 500
  max_batch_bytes: 1048576
  batch_timeout: "10ms"
  write_cache_size: 33554432
  read_cache_size: 67108864
  connection_pool_size: 100
  connection_idle_timeout: "5m"
  compression_type: "snappy"
  compression_threshold: 1024

compression_enabled: true
deduplication_enabled: true
deduplication_ttl: 24
deduplication_max_size: 100000

logging:
  level: "info"
  file: "./logs/broker.log"
  max_size: 100
  max_backups: 10
  max_age: 30
  compress: true
`;

/** The JSON form of a configuration, with the cluster switched off. */
export const SEED_JSON = `{
  "server": { "port": "9093", "log_file": "logs/broker2.log" },
  "config": { "data_dir": "data/broker2" },
  "cluster": {
    "enabled": false,
    "node_id": 2,
    "raft_address": "localhost:8092",
    "data_dir": "raft_data/node2",
    "initial_members": ["localhost:8091", "localhost:8092"],
    "peers": [
      { "id": 1, "address": "localhost:8091" },
      { "id": 2, "address": "localhost:8092" }
    ]
  }
}
`;
