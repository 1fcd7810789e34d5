/** Which shared libraries a program needs to run elsewhere, by the dynamic linker's own account (ldd). */
import * as path from 'node:path';
import { run } from '../../host/process.js';

/**
 * Libraries of a program, the dynamic linker included: path in an image → path here. None for a static program or a script.
 * @param libraryFolder where libraries are looked for before the system's folders.
 * @throws Error when one is not on this machine.
 */
export async function sharedLibraries(program: string, libraryFolder?: string): Promise<Record<string, string>> {
  const env = libraryFolder ? { LD_LIBRARY_PATH: libraryFolder } : undefined;
  const { stdout, exitCode } = await run(['ldd', program], { allow: 'any', env });
  return exitCode === 0 ? parseLdd(stdout, program) : {};
}

/**
 * @param text what ldd printed, e.g. `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)`.
 * @throws Error on a library that is not there.
 */
export function parseLdd(text: string, program: string): Record<string, string> {
  const libraries: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const missing = /^\s*(\S+) => not found/.exec(line);
    if (missing) throw new Error(`${program} needs the library ${missing[1]}, which is not on this machine; install its package`);
    const found = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)/.exec(line);
    if (found) libraries[inImage(found[1])] = found[1];
  }
  return libraries;
}

/** The linker has its fixed place; everything else goes where it looks first on x86-64. */
function inImage(library: string): string {
  const name = path.basename(library);
  return name.startsWith('ld-linux') ? `/usr/lib64/${name}` : `/usr/lib/x86_64-linux-gnu/${name}`;
}
