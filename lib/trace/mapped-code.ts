/** Which files a process executes code from, and where each is mapped. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { codeSegments, readBuildId, readElf } from '../analysis/elf.js';
import { parseExecutableMappings } from '../host/mappings.js';
import { readMemory } from '../host/ptrace.js';
import type { CodeSource } from './code-lines.js';
import type { MappedCode } from './trace.js';

/**
 * The code of a process, for a trace's header.
 * @throws Error when the process is gone, or a file it executes is no ELF file any more.
 */
export function readMappedCode(pid: number): MappedCode[] {
  return parseExecutableMappings(fs.readFileSync(`/proc/${pid}/maps`, 'utf8')).flatMap(({ start, end, fileOffset, file }) => {
    if (file === '[vdso]') return [{ object: file, buildId: null, start, end, fileAddress: 0 }];
    if (!file.startsWith('/')) return [];
    if (file.endsWith(' (deleted)')) throw new Error(`${file} was replaced while process ${pid} runs it; restart the process`);
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
