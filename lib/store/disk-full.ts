/** A full disk, said in one way whichever program met it first. */

/** As node and every program that prints the C library's words call ENOSPC. */
const fullDisk = /no space left on device/i;

/** The error itself, unless a full disk is behind it: then one that says where and what to do. */
export function explainDiskFull(error: unknown, dir: string): unknown {
  const { message } = error as Error;
  if (!fullDisk.test(message)) return error;
  return new Error(`no space left while recording below ${dir} (${message}); what was half-written is removed: free some space and start again`);
}
