/**
 * Numbers columns and JSON in one file that loads without parsing the numbers:
 * magic, length of the JSON part, JSON (column name → type, length; everything else as it is), then the columns' bytes.
 */

const MAGIC = 'SWCOLS01';
const PREFIX_BYTES = 16;
const types = { Float64Array, Uint32Array };
type Column = Float64Array | Uint32Array;
interface ColumnHeader {
  name: string;
  type: keyof typeof types;
  length: number;
}

/** One buffer holding a record of typed arrays and JSON values. */
export function encodeColumns(record: object): Buffer {
  const entries = Object.entries(record);
  const columns = entries.filter((entry): entry is [string, Column] => ArrayBuffer.isView(entry[1]));
  const headers = columns.map(([name, column]): ColumnHeader => ({ name, type: column.constructor.name as ColumnHeader['type'], length: column.length }));
  const values = Object.fromEntries(entries.filter(([, value]) => !ArrayBuffer.isView(value)));
  const json = Buffer.from(JSON.stringify({ columns: headers, values }));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.write(MAGIC, 'latin1');
  prefix.writeUInt32LE(json.length, 8);
  return Buffer.concat([prefix, json, ...columns.map(([, column]) => Buffer.from(column.buffer, column.byteOffset, column.byteLength))]);
}

/**
 * The inverse of `encodeColumns`.
 * @throws Error when the bytes are of another format, or fewer or more than their header says.
 */
export function decodeColumns(bytes: Buffer): Record<string, unknown> {
  if (bytes.length < PREFIX_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) throw new Error(`no column file: starts with 0x${bytes.toString('hex', 0, 8)}`);
  let at = PREFIX_BYTES + bytes.readUInt32LE(8);
  const { columns, values } = JSON.parse(bytes.toString('utf8', PREFIX_BYTES, at)) as { columns: ColumnHeader[]; values: Record<string, unknown> };
  const record = values;
  for (const { name, type, length } of columns) {
    const size = length * types[type].BYTES_PER_ELEMENT;
    if (at + size > bytes.length) throw new Error(`column ${name} needs ${size} bytes at offset ${at}; the file ends at ${bytes.length}`);
    record[name] = new types[type](Uint8Array.from(bytes.subarray(at, at + size)).buffer); // a copy is aligned, a view may not be
    at += size;
  }
  if (at !== bytes.length) throw new Error(`column file has ${bytes.length - at} bytes after its last column`);
  return record;
}
