import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { atFileEnd } from "./file-end.ts";
import { run, succeed } from "./run.ts";
import { temporaryDirectory } from "./temp.ts";

const SIZE_BYTES = 2 * 1024 ** 3;
/** Nothing is written unless a process syncs it: no commits by time, no flush at a rename. */
const OPTIONS = "loop,commit=600,noauto_da_alloc";
/** EXT4_IOC_SHUTDOWN without a flush of the journal, through Python: Node.js has no ioctl. */
const SHUT_DOWN = `
import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587D, struct.pack("I", 2))`;

/** A file system that can lose its power: ext4 in a file. */
export interface MortalDisk {
  readonly path: string;
  /** From now on nothing is written, and what was not synced is lost. */
  losePower(): Promise<void>;
  /** Mounts it again; no process may use it any more. */
  comeBack(): Promise<void>;
}

/** Null if that is not permitted. */
export async function mountMortalDisk(): Promise<MortalDisk | null> {
  const path = await temporaryDirectory();
  const image = join(await temporaryDirectory(), "image");
  await writeFile(image, "");
  await truncate(image, SIZE_BYTES);
  const mount = () => succeed("mount", ["-o", OPTIONS, image, path]);
  try {
    await succeed("mkfs.ext4", ["-q", image]);
    await mount();
  } catch {
    return null;
  }
  atFileEnd(() => run("umount", ["-l", path]));
  return {
    path,
    losePower: async () => void (await succeed("python3", ["-c", SHUT_DOWN, path])),
    comeBack: async () => {
      await succeed("umount", [path]);
      await mount();
    },
  };
}
