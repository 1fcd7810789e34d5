/**
 * The TCP sockets that processes hold, and who is connected with whom: read from /proc, so that a connection is shown
 * because the kernel has it, not because a configuration asks for it.
 *
 * IPv4 only: everything of the workbench listens on 127.0.0.1 or inside its own network namespaces.
 */
import * as fs from 'node:fs';
import type { Address } from '../deploy/types.js';

export interface TcpSocket {
  inode: number;
  /** `other`: opening or closing. */
  state: 'established' | 'listening' | 'other';
  local: Address;
  /** 0.0.0.0:0 while listening. */
  remote: Address;
}

/** A socket as the process sees it that was asked for. */
export interface HeldSocket extends TcpSocket {
  /** Usually one; more when it was duplicated. */
  descriptors: number[];
}

/** A socket with the name its process goes by. */
export interface OwnedSocket extends TcpSocket {
  owner: string;
}

/** An established connection of which both ends are known. */
export interface Connection {
  /** Who opened it. */
  from: string;
  /** Who accepted it. */
  to: string;
  fromPort: number;
  toPort: number;
}

/** The `st` column, by the kernel's include/net/tcp_states.h. */
const states: Record<string, TcpSocket['state']> = { '01': 'established', '0A': 'listening' };

/**
 * Reads the text of /proc/net/tcp (kernel Documentation/networking/proc_net_tcp.rst): addresses are hexadecimal in
 * the byte order of the machine, ports are not.
 * @throws Error naming the line that is not a socket.
 */
export function parseTcpTable(text: string): TcpSocket[] {
  const [head, ...lines] = text.trimEnd().split('\n');
  if (!/^\s*sl\s+local_address/.test(head)) throw new Error(`/proc/net/tcp starts with "${head.slice(0, 40)}", not with its header; this needs Linux`);
  return lines.map((line, i) => {
    const fields = line.trim().split(/\s+/);
    const [, local, remote, state] = fields;
    const inode = Number(fields[9]);
    if (!Number.isInteger(inode)) throw new Error(`/proc/net/tcp line ${i + 2} is not a socket: "${line.trim().slice(0, 60)}"`);
    return { inode, state: states[state] ?? 'other', local: address(local), remote: address(remote) };
  });
}

/** `0100007F:1F90` → 127.0.0.1:8080. */
function address(field: string): Address {
  const [host, port] = field.split(':');
  const bytes = (host.match(/../g) ?? []).map((byte) => parseInt(byte, 16));
  return { host: bytes.reverse().join('.'), port: parseInt(port, 16) };
}

/**
 * Every TCP socket of a process, in its own network namespace.
 * @throws Error when the process is gone or belongs to someone else.
 */
export function readSockets(pid: number): HeldSocket[] {
  const descriptors = socketDescriptors(pid);
  return parseTcpTable(fs.readFileSync(`/proc/${pid}/net/tcp`, 'utf8')).flatMap((socket) => {
    const held = descriptors.get(socket.inode);
    return held ? [{ ...socket, descriptors: held }] : [];
  });
}

/** File descriptors of each socket that a process holds, by the socket's inode. */
function socketDescriptors(pid: number): Map<number, number[]> {
  const folder = `/proc/${pid}/fd`;
  const found = new Map<number, number[]>();
  for (const name of fs.readdirSync(folder)) {
    const inode = socketInode(`${folder}/${name}`);
    if (inode !== null) found.set(inode, [...(found.get(inode) ?? []), Number(name)]);
  }
  return found;
}

function socketInode(link: string): number | null {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(link))?.[1];
    return inode === undefined ? null : Number(inode);
  } catch {
    return null; // closed since the folder was read
  }
}

/** Pairs the two ends of each connection; the side whose end is the address it listens on has accepted it. */
export function connectionsBetween(sockets: readonly OwnedSocket[]): Connection[] {
  const listening = new Map(sockets.filter(({ state }) => state === 'listening').map((socket) => [`${socket.owner} ${text(socket.local)}`, socket]));
  const established = sockets.filter(({ state }) => state === 'established');
  const accepted = new Map(established.filter(({ owner, local }) => listening.has(`${owner} ${text(local)}`)).map((end) => [ends(end.local, end.remote), end]));
  return established.flatMap((end) => {
    const other = accepted.get(ends(end.remote, end.local));
    return other ? [{ from: end.owner, to: other.owner, fromPort: end.local.port, toPort: other.local.port }] : [];
  });
}

function ends(local: Address, remote: Address): string {
  return `${text(local)} ${text(remote)}`;
}

function text({ host, port }: Address): string {
  return `${host}:${port}`;
}
