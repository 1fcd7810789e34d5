/**
 * Chance as hardware makes it: a linear feedback shift register, here of 32 bits (taps 32, 22, 2, 1), stepped by 8. It
 * begins the same way in every replay, which therefore repeat bit by bit.
 */
export class ShiftRegister {
  private state = 0xace1;

  /** A number from 0 to 65535. */
  next(): number {
    for (let i = 0; i < 8; i++) this.state = (this.state >>> 1) ^ (-(this.state & 1) & 0x80200003);
    return this.state & 0xffff;
  }
}
