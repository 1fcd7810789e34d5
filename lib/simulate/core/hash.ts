/** Spreads numbers evenly over `bits` bits: Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4). */
export function spread(number: number, bits: number): number {
  return bits === 0 ? 0 : Math.imul(number, 0x9e3779b1) >>> (32 - bits);
}
