import { listenersOf } from "../config/listeners.ts";
import type { BrokerSettings } from "../config/settings.ts";
import type { FileSystem } from "../env/env.ts";
import type { Logger } from "../logging/logger.ts";

/**
 * Warns of files with passwords and keys that every user of this machine may read or write. Their
 * group may: that is how orchestrators give a secret to a broker that does not own its file.
 */
export async function warnOfOpenSecretFiles(
  settings: BrokerSettings,
  fs: FileSystem,
  logger: Logger,
): Promise<void> {
  for (const [path, setting] of secretFiles(settings)) {
    // Whoever needs the file says what is wrong if there is none.
    const found = await fs.stat(path).catch(() => null);
    if (found === null || !found.isOpenToOthers) continue;
    const what = `every user of this machine may read or write ${path} (${setting})`;
    logger.warn(`${what}, which is secret: chmod 600 ${path}`);
  }
}

/** Each file with the setting that names it. */
function secretFiles(settings: BrokerSettings): Map<string, string> {
  const files = new Map<string, string>();
  const add = (setting: string, path: string | undefined) => {
    if (path !== undefined) files.set(path, setting);
  };
  const { initialAdmin, cluster } = settings;
  if (initialAdmin?.password && "file" in initialAdmin.password) {
    add("initial_admin_password_file", initialAdmin.password.file);
  }
  for (const { tls } of listenersOf(settings)) {
    if (tls !== null && "path" in tls.keystore) add("ssl.keystore.location", tls.keystore.path);
  }
  if (cluster === null) return files;
  const { engine, discovery } = cluster;
  add("cluster_tls_key_file", engine.tls?.keyFile);
  if (engine.kind === "managed") add("cluster_password_file", engine.passwordFile);
  else add("engine_credentials_file", engine.credentialsFile);
  if (discovery.type === "etcd") {
    add("discovery.password_file", discovery.user?.passwordFile);
    add("discovery.tls_key_file", discovery.tls?.keyFile);
  }
  return files;
}
