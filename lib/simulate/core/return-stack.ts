/**
 * The return address stack: a call puts the address behind it on top, a return is predicted to go to what is on top.
 * It is a ring without check for underflow, as Intel's (Wong, "Microbenchmarking Return Address Branch Prediction",
 * blog.stuffedcow.net 2018): calls deeper than the ring overwrite the outermost addresses, whose returns then mispredict.
 * Wrong paths leave it as it was: repair after a misprediction is taken to be perfect.
 */
export class ReturnStack {
  private readonly addresses: Int32Array;
  private top = 0;

  constructor(entries: number) {
    this.addresses = new Int32Array(Math.max(1, entries)).fill(-1);
  }

  push(address: number): void {
    this.top = this.top + 1 === this.addresses.length ? 0 : this.top + 1;
    this.addresses[this.top] = address;
  }

  /** @returns the address predicted, -1 when there never was one in this place. */
  pop(): number {
    const address = this.addresses[this.top];
    this.top = this.top === 0 ? this.addresses.length - 1 : this.top - 1;
    return address;
  }

  /** What the `depth`-th pop from now on (the next is 0) would give. */
  peek(depth: number): number {
    const { length } = this.addresses;
    return this.addresses[(this.top - depth % length + length) % length];
  }

  /** Forgets everything. */
  empty(): void {
    this.addresses.fill(-1);
  }
}
