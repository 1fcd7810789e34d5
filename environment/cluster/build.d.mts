/** Types of build.mjs, for compilers that do not read them from JavaScript. */

/** Builds what is missing. @returns the parts that were built. */
export function buildCluster(options?: { keepGoCaches?: boolean; log?: (line: string) => void }): Promise<{ ran: string[] }>;
