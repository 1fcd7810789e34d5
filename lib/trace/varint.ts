/** Numbers in as few bytes as they need: seven bits a byte, the lowest first (LEB128); signed ones fold to 0, -1, 1, -2, ... */

/** Bytes being written, in memory that is kept from one block to the next. */
export class ByteSink {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  /** @param value an integer of 0 to 2^53 - 1. */
  unsigned(value: number): void {
    if (this.length + 8 > this.bytes.length) this.grow();
    const { bytes } = this;
    while (value >= 0x80) {
      bytes[this.length++] = (value & 0x7f) | 0x80;
      value = value < 0x80000000 ? value >>> 7 : Math.floor(value / 0x80);
    }
    bytes[this.length++] = value;
  }

  /** @param value an integer between -2^52 and 2^52. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private grow(): void {
    const larger = new Uint8Array(2 * this.bytes.length);
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

/** Bytes being read, front to back. */
export class ByteSource {
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  /** @throws RangeError where the bytes end before the number does, or it exceeds 2^53. */
  unsigned(): number {
    const first = this.bytes[this.at++];
    if (first < 0x80) return first;
    return this.longer(first & 0x7f);
  }

  /** @throws RangeError as `unsigned` does. */
  signed(): number {
    const folded = this.unsigned();
    return folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
  }

  private longer(low: number): number {
    let value = low;
    for (let scale = 0x80; scale < 2 ** 53; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && value <= Number.MAX_SAFE_INTEGER) return value;
    }
    throw new RangeError('a number ends too late');
  }
}
