/** What a process has mapped as code, by /proc/PID/maps. */

export interface ExecutableMapping {
  start: number;
  end: number;
  /** Of `start` in the file. */
  fileOffset: number;
  /** Absolute path; `[vdso]` for the kernel's own; empty when there is no file. */
  file: string;
}

/** Lines of /proc/PID/maps (man 5 proc) whose memory may be executed. @throws Error naming the line that is none. */
export function parseExecutableMappings(maps: string): ExecutableMapping[] {
  return maps.trimEnd().split('\n').flatMap((line, i) => {
    const fields = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ \d+\s*(.*)$/.exec(line);
    if (!fields) throw new Error(`/proc/PID/maps:${i + 1}: not a mapping: "${line.slice(0, 60)}"; this needs Linux`);
    const [, start, end, permissions, offset, file] = fields;
    if (!permissions.includes('x')) return [];
    return [{ start: parseInt(start, 16), end: parseInt(end, 16), fileOffset: parseInt(offset, 16), file }];
  });
}
