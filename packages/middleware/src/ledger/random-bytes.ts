import { randomFillSync } from 'node:crypto';

const poolBytes = 4_096;
let pool = Buffer.alloc(0);

/**
 * Bytes of the operating system's randomness, each given out once. Asked for 4 KiB at a time: a deferral needs ten small
 * pieces, and asking costs more than the bytes do.
 */
export function randomPiece(length: number): Buffer {
  if (length > pool.length) pool = randomFillSync(Buffer.alloc(Math.max(poolBytes, length)));
  const piece = Buffer.from(pool.subarray(0, length));
  pool.fill(0, 0, length);
  pool = pool.subarray(length);
  return piece;
}
