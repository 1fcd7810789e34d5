/** Which files a process executes code from, and where each is mapped. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { codeSegments, readBuildId, readElf } from '../analysis/elf.js';
import { readMemory } from '../host/ptrace.js';
import type { CodeSource } from './code-lines.js';
import type { MappedCode } from './trace.js';

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

/**
 * The code of a process, for a trace's header.
 * @throws Error when the process is gone, or a file it executes is no ELF file any more.
 */
export function readMappedCode(pid: number): MappedCode[] {
  return parseExecutableMappings(fs.readFileSync(`/proc/${pid}/maps`, 'utf8')).flatMap(({ start, end, fileOffset, file }) => {
    if (file === '[vdso]') return [{ object: file, buildId: null, start, end, fileAddress: 0 }];
    if (!file.startsWith('/')) return [];
    return [{ object: path.basename(file), buildId: readBuildId(file), start, end, fileAddress: addressMappedFrom(file, fileOffset) }];
  }).sort((a, b) => a.start - b.start);
}

/**
 * Where the bytes of that code are, for `codeOfFiles`: files by name, and the kernel's own page as it is in memory.
 * @throws Error when the process is gone.
 */
export function codeSources(pid: number): Record<string, CodeSource> {
  return Object.fromEntries(parseExecutableMappings(fs.readFileSync(`/proc/${pid}/maps`, 'utf8')).flatMap(({ start, end, file }): [string, CodeSource][] => {
    if (file === '[vdso]') return [[file, readMemory(pid, start, end - start)]];
    return file.startsWith('/') ? [[path.basename(file), file]] : [];
  }));
}

/** Mappings begin at a page's border, at or before that of the segment. */
function addressMappedFrom(file: string, fileOffset: number): number {
  const segment = codeSegments(readElf(file).segments)
    .find(({ offset, fileSize }) => fileOffset < offset + fileSize && fileOffset > offset - pageBytes);
  if (!segment) throw new Error(`${file} has no code at offset ${fileOffset}, which is mapped as such; was the file replaced? restart the process`);
  return fileOffset - segment.offset + segment.address;
}

const pageBytes = 4096;
